//! Errors.

use super::{DISTRIBUTED, accepts, accepts_state, errors_of, express, jsonata, machine, one, parse, refuses, refuses_state};

const SCHEMA: &str = "SCHEMA_VALIDATION_FAILED";
const TARGET: &str = "MISSING_TRANSITION_TARGET";

#[test]
fn the_machine_has_what_it_needs_and_nothing_else() {
    accepts(r#"{"StartAt": "S", "States": {"S": {"Type": "Succeed"}}, "Comment": "c", "Version": "1.0", "TimeoutSeconds": 60}"#);
    refuses("{}", SCHEMA, "These fields are required: [States, StartAt]", "/");
    refuses(r#"{"States": {"S": {"Type": "Succeed"}}}"#, SCHEMA, "These fields are required: [StartAt]", "/");
    let errors = errors_of(parse(r#"{"StartAt": "S", "States": {}}"#));
    assert_eq!((errors[1].message.as_str(), errors[1].location.as_deref()), ("Value cannot be empty", Some("/States")));
    refuses(r#"{"StartAt": "S", "States": {"S": {"Type": "Succeed"}}, "Foo": 1}"#, SCHEMA, "Field 'Foo' is not supported", "/");
    refuses(
        r#"{"StartAt": "S", "States": {"S": {"Type": "Succeed"}}, "Version": "2"}"#,
        SCHEMA,
        "The field 'Version' should have one of these values: [1.0]",
        "/Version",
    );
    refuses(
        r#"{"StartAt": "S", "States": {"S": {"Type": "Succeed"}}, "QueryLanguage": "XPath"}"#,
        SCHEMA,
        "The field 'QueryLanguage' should have one of these values: [JSONPath, JSONata]",
        "/QueryLanguage",
    );
    refuses(
        r#"{"StartAt": "S", "States": {"S": {"Type": "Succeed"}}, "TimeoutSeconds": 100000000}"#,
        SCHEMA,
        "Maximum value is 99999999",
        "/TimeoutSeconds",
    );
}

#[test]
fn a_state_has_a_type() {
    refuses_state(r#""End": true"#, "These fields are required: [Type]", "/States/S");
    refuses_state(
        r#""Type": "Job", "End": true"#,
        "The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]",
        "/States/S/Type",
    );
    refuses(&machine(r#""S": 1"#), SCHEMA, "Expected value of type Object, but found Number", "/States/S");
}

#[test]
fn names_of_states_are_unique_and_short() {
    let branch = r#"{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}"#;
    let parallel = |a: &str, b: &str| one(&format!(r#""Type": "Parallel", "End": true, "Branches": [{a}, {b}]"#));
    refuses(&parallel(branch, branch), "DUPLICATE_STATE_NAME", "Duplicate State name: A", "/States/S/Branches[1]/States/A");
    accepts(&parallel(branch, &branch.replace("\"A\"", "\"B\"")));
    let long = "x".repeat(81);
    refuses(
        &one(r#""Type": "Succeed""#).replace("\"S\"", &format!("\"{long}\"")),
        "INVALID_STATE_NAME",
        &format!("Invalid State name: State '{long}' exceeds the 80-character limit allowed by the service"),
        &format!("/States/{long}"),
    );
    accepts(&one(r#""Type": "Succeed""#).replace("\"S\"", &format!("\"{}\"", "ä".repeat(80))));
    let twice = errors_of(parse(&machine(r#""S": {"Type": "Succeed"}, "S": {"Type": "Succeed"}"#)));
    assert_eq!(twice[0].code, "DUPLICATE_STATE_NAME");
}

#[test]
fn transitions_lead_to_states_of_the_same_scope() {
    accepts(&machine(r#""S": {"Type": "Pass", "Next": "T"}, "T": {"Type": "Succeed"}"#));
    let errors = errors_of(parse(r#"{"StartAt": "X", "States": {"S": {"Type": "Pass", "Next": "T"}, "T": {"Type": "Succeed"}}}"#));
    let found: Vec<_> = errors.iter().map(|error| (error.message.as_str(), error.location.as_deref().unwrap())).collect();
    assert_eq!(found, [("Missing 'Next' target: X", "/StartAt"), ("State \"S\" is not reachable.", "/States/S")]);
    let errors = errors_of(parse(&machine(
        r#""S": {"Type": "Choice", "Default": "D", "Choices": [{"Variable": "$.a", "IsNull": true, "Next": "N"}, {"Variable": "$.b", "IsNull": true, "Next": "T"}]},
           "T": {"Type": "Task", "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:f", "End": true,
                 "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "C"}]}"#,
    )));
    let found: Vec<_> = errors.iter().map(|error| (error.message.as_str(), error.location.as_deref().unwrap())).collect();
    assert_eq!(
        found,
        [
            ("Missing 'Next' target: D", "/States/S/Default"),
            ("Missing 'Next' target: N", "/States/S/Choices[0]/Next"),
            ("Missing 'Next' target: C", "/States/T/Catch[0]/Next"),
        ]
    );
}

#[test]
fn no_transition_leads_out_of_a_branch() {
    let text = machine(
        r#""S": {"Type": "Parallel", "Next": "T", "Branches": [{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "T"}, "B": {"Type": "Succeed"}}}]},
           "T": {"Type": "Succeed"}"#,
    );
    let errors = errors_of(parse(&text));
    assert_eq!(errors[0].location.as_deref(), Some("/States/S/Branches[0]/States/A/Next"));
    assert!(errors[0].help.as_ref().unwrap().contains("another scope"));
    assert_eq!(errors[1].message, "State \"B\" is not reachable.");
}

#[test]
fn every_state_is_led_to_and_every_scope_ends() {
    refuses(
        &machine(r#""S": {"Type": "Pass", "End": true}, "T": {"Type": "Succeed"}"#),
        TARGET,
        "State \"T\" is not reachable.",
        "/States/T",
    );
    let endless =
        machine(r#""S": {"Type": "Pass", "Next": "T"}, "T": {"Type": "Pass", "Next": "S"}, "U": {"Type": "Pass", "Next": "S"}"#);
    refuses(&endless, "MISSING_END_STATE", "Workflow has no terminal state", "null");
    let errors = errors_of(parse(&one(r#""Type": "Pass", "Next": "NOPE""#)));
    assert_eq!(errors.iter().map(|error| error.code).collect::<Vec<_>>(), [TARGET, "MISSING_END_STATE"]);
}

#[test]
fn next_and_end_exclude_each_other() {
    const MESSAGE: &str = "Exactly one of these fields is required: [Next, End]";
    accepts_state(r#""Type": "Pass", "End": true"#);
    accepts(&machine(r#""S": {"Type": "Pass", "End": false, "Next": "T"}, "T": {"Type": "Succeed"}"#));
    refuses(&machine(r#""S": {"Type": "Pass", "End": true, "Next": "T"}, "T": {"Type": "Succeed"}"#), SCHEMA, MESSAGE, "/States/S");
    let errors = errors_of(parse(&one(r#""Type": "Pass""#)));
    assert_eq!(errors[0].message, MESSAGE);
    let errors = errors_of(parse(&one(r#""Type": "Pass", "End": "yes""#)));
    assert_eq!(errors[0].message, MESSAGE);
    assert_eq!(errors[1].message, "Expected value of type Boolean, but found String");
}

#[test]
fn a_type_has_its_own_fields() {
    for (state, field) in [
        (r#""Type": "Pass", "End": true, "Retry": []"#, "Retry"),
        (r#""Type": "Pass", "End": true, "TimeoutSeconds": 1"#, "TimeoutSeconds"),
        (r#""Type": "Wait", "Seconds": 1, "End": true, "ResultPath": null"#, "ResultPath"),
        (r#""Type": "Succeed", "Parameters": {}"#, "Parameters"),
        (r#""Type": "Fail", "InputPath": null"#, "InputPath"),
        (r#""Type": "Pass", "End": true, "ResultSelector": {}"#, "ResultSelector"),
        (r#""Type": "Pass", "End": true, "Arguments": {}"#, "Arguments"),
        (r#""Type": "Pass", "End": true, "next": null"#, "next"),
    ] {
        refuses_state(state, &format!("Field '{field}' is not supported"), "/States/S");
    }
    let errors = errors_of(parse(&one(r#""Type": "Pass", "End": true, "Resultpath": "$""#)));
    assert_eq!(errors[0].help.as_deref(), Some("did you mean `ResultPath`?"));
}

#[test]
fn a_language_has_its_own_fields() {
    const NO_JSONATA: &str =
        "The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' QueryLanguage";
    const NO_PATHS: &str =
        "The QueryLanguage is set to 'JSONata', but field 'InputPath' is only supported for the 'JSONPath' QueryLanguage";
    refuses_state(r#""Type": "Pass", "End": true, "Output": 1"#, NO_JSONATA, "/States/S");
    accepts_state(r#""Type": "Pass", "End": true, "QueryLanguage": "JSONata", "Output": "{% 1 %}""#);
    refuses(&jsonata(r#""S": {"Type": "Pass", "End": true, "InputPath": "$"}"#), SCHEMA, NO_PATHS, "/States/S");
    refuses(
        &jsonata(r#""S": {"Type": "Pass", "End": true, "QueryLanguage": "JSONPath"}"#),
        SCHEMA,
        "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine",
        "/States/S",
    );
    let inner = |language: &str, field: &str| {
        one(&format!(
            r#""Type": "Map", "QueryLanguage": "JSONata", "End": true, "ItemProcessor": {{"StartAt": "P", "States": {{"P": {{"Type": "Pass", {language} {field}, "End": true}}}}}}"#
        ))
    };
    // States of a processor have the machine's language, not the Map's.
    accepts(&inner("", r#""InputPath": "$""#));
    accepts(&inner(r#""QueryLanguage": "JSONPath","#, r#""InputPath": "$""#));
    accepts(&inner(r#""QueryLanguage": "JSONata","#, r#""Output": 1"#));
    refuses(&inner("", r#""Output": 1"#), SCHEMA, NO_JSONATA, "/States/S/ItemProcessor/States/P");
    refuses(
        &inner("", r#""Comment": """#).replace("\"StartAt\": \"P\"", "\"QueryLanguage\": \"JSONata\", \"StartAt\": \"P\""),
        SCHEMA,
        "Field 'QueryLanguage' is not supported",
        "/States/S/ItemProcessor",
    );
}

#[test]
fn paths_are_paths() {
    const MESSAGE: &str = "Value must be a valid JSONPath.";
    for path in ["$", "$$.Execution.Id", "$name", "$.a[0]['b']", "$.a-b"] {
        accepts_state(&format!(r#""Type": "Pass", "End": true, "InputPath": "{path}""#));
    }
    accepts_state(r#""Type": "Pass", "End": true, "InputPath": null, "OutputPath": null, "ResultPath": null"#);
    refuses_state(r#""Type": "Pass", "End": true, "OutputPath": "Test""#, MESSAGE, "/States/S/OutputPath");
    refuses_state(r#""Type": "Pass", "End": true, "InputPath": 1"#, MESSAGE, "/States/S/InputPath");
    refuses_state(r#""Type": "Pass", "End": true, "InputPath": "States.UUID()""#, MESSAGE, "/States/S/InputPath");
    refuses_state(r#""Type": "Pass", "End": true, "ResultPath": "Test""#, MESSAGE, "/States/S/ResultPath");
    refuses_state(
        r#""Type": "Pass", "End": true, "ResultPath": "$.a[*]""#,
        "Value must be a valid Reference Path.",
        "/States/S/ResultPath",
    );
    refuses_state(
        r#""Type": "Pass", "End": true, "ResultPath": "$$.a""#,
        "Value must be a valid Reference Path.",
        "/States/S/ResultPath",
    );
    accepts_state(r#""Type": "Pass", "End": true, "ResultPath": "$.a[0]['b c']""#);
}

#[test]
fn templates_hold_paths_and_calls() {
    let state = |parameters: &str| format!(r#""Type": "Pass", "End": true, "Parameters": {parameters}"#);
    accepts_state(&state(r#"{"a.$": "$.b", "c": [{"d.$": "States.Format('{}', $.x)"}], "e.$": "$$.Execution.Id"}"#));
    let message =
        |field: &str| format!("The value for the field '{field}' must be a valid JSONPath or a valid intrinsic function call");
    refuses_state(&state(r#"{"a.$": "b"}"#), &message("a.$"), "/States/S/Parameters");
    refuses_state(&state(r#"{"a.$": 1}"#), &message("a.$"), "/States/S/Parameters");
    refuses_state(&state(r#"{"x": {"a.$": "States.Nothing()"}}"#), &message("a.$"), "/States/S/Parameters/x");
}

#[test]
fn tasks_have_a_resource_that_can_be_called() {
    let state = |resource: &str| format!(r#""Type": "Task", "End": true, "TimeoutSeconds": 5, "Resource": "{resource}""#);
    for resource in [
        "arn:aws:lambda:us-east-1:123456789012:function:f",
        "arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST",
        "arn:aws:lambda:REGION:ACCOUNT_ID:function:FUNCTION_NAME",
        "arn:aws-cn:states:::lambda:invoke",
        "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "arn:aws:states:us-east-1:123456789012:activity:a",
        "arn:aws:states:us-east-1:123456789012:ecs:runTask.sync",
        "arn:aws:states:::states:startExecution.sync:2",
        "arn:aws:states:::aws-sdk:s3:listObjectsV2",
        "arn:aws:states:::aws-sdk:sfn:startExecution.waitForTaskToken",
        "arn:${AWS::Partition}:states:::lambda:invoke",
        "arn:aws:lambda:#{AWS::Region}:#{AWS::AccountId}:function:f",
        "${Function}",
        "#{Function}",
        "@@FUNCTION@@",
        "my-function",
    ] {
        accepts_state(&state(resource));
    }
    refuses_state(&state(""), "Value cannot be empty", "/States/S/Resource");
    refuses_state(r#""Type": "Task", "End": true"#, "These fields are required: [Resource]", "/States/S");
    for resource in [
        "arn:aws:states:::dynamodb:query",
        "arn:aws:states:::dynamodb:getItem.sync",
        "arn:aws:states:::lambda:invoke.sync",
        "arn:aws:states:::glue:startJobRun.sync:2",
        "arn:aws:states:::nothing:invoke",
        "arn:aws:states:::aws-sdk:s3:getObject.sync",
        "arn:aws:states:::s3:getObject",
        "arn:aws:s3:::bucket",
        "arn:aws",
    ] {
        refuses_state(
            &state(resource),
            &format!(
                "The resource provided {resource} is not recognized. The value is not a valid resource ARN, or the resource is not available in this region."
            ),
            "/States/S/Resource",
        );
    }
    let help = |resource: &str| errors_of(parse(&one(&state(resource))))[0].help.clone().unwrap();
    assert!(help("arn:aws:states:::dynamodb:query").contains("aws-sdk:dynamodb:query"));
    assert_eq!(help("arn:aws:states:::dynamodb:GetItem"), "did you mean `dynamodb:getItem`?");
}

#[test]
fn times_of_tasks_are_in_range() {
    let state = |fields: &str| format!(r#""Type": "Task", "End": true, "Resource": "arn:aws:states:::lambda:invoke", {fields}"#);
    accepts_state(&state(r#""TimeoutSeconds": 60, "HeartbeatSeconds": 59"#));
    accepts_state(&state(r#""TimeoutSecondsPath": "$.t", "HeartbeatSecondsPath": "$.h""#));
    accepts_state(&state(r#""HeartbeatSeconds": 10"#));
    refuses_state(&state(r#""TimeoutSeconds": 0"#), "Minimum value is 1", "/States/S/TimeoutSeconds");
    refuses_state(&state(r#""TimeoutSeconds": 100000000"#), "Maximum value is 99999999", "/States/S/TimeoutSeconds");
    refuses_state(
        &state(r#""TimeoutSeconds": 1.5"#),
        "Expected value of type Integer, but found Number",
        "/States/S/TimeoutSeconds",
    );
    refuses_state(
        &state(r#""TimeoutSeconds": "60""#),
        "Expected value of type Integer, but found String",
        "/States/S/TimeoutSeconds",
    );
    refuses_state(
        &state(r#""TimeoutSeconds": 60, "HeartbeatSeconds": 60"#),
        "'HeartbeatSeconds' must be smaller than 'TimeoutSeconds'",
        "/States/S/HeartbeatSeconds",
    );
    refuses_state(
        &state(r#""TimeoutSeconds": 60, "TimeoutSecondsPath": "$.t""#),
        "Only one of these fields may be given: [TimeoutSeconds, TimeoutSecondsPath]",
        "/States/S",
    );
    refuses_state(
        &state(r#""TimeoutSecondsPath": "$.t[*]""#),
        "Value must be a Reference Path: a JSONPath that identifies a single node.",
        "/States/S/TimeoutSecondsPath",
    );
}

#[test]
fn credentials_have_a_role() {
    let state = |credentials: &str| {
        format!(r#""Type": "Task", "End": true, "Resource": "arn:aws:states:::lambda:invoke", "Credentials": {credentials}"#)
    };
    accepts_state(&state(r#"{"RoleArn": "arn:aws:iam::123456789012:role/r"}"#));
    accepts_state(&state(r#"{"RoleArn.$": "$.role"}"#));
    refuses_state(&state("{}"), "The field 'RoleArn' is required but was missing", "/States/S/Credentials");
}

#[test]
fn express_machines_do_not_wait_for_others() {
    let found = |resource: &str| {
        let errors = express(&one(&format!(r#""Type": "Task", "End": true, "Resource": "{resource}""#)));
        assert_eq!(errors[0].location.as_deref(), Some("/States/S/Resource"));
        errors[0].message.clone()
    };
    assert_eq!(
        found("arn:aws:states:::sqs:sendMessage.waitForTaskToken"),
        "Express state machine does not support '.waitForTaskToken' service integration "
    );
    assert_eq!(found("arn:aws:states:::ecs:runTask.sync"), "Express state machine does not support '.sync' service integration");
    assert_eq!(
        found("arn:aws:states:::states:startExecution.sync:2"),
        "Express state machine does not support '.sync' service integration"
    );
    assert_eq!(found("arn:aws:states:eu-west-1:123456789012:activity:a"), "Express state machine does not support Activity ARN");
    assert!(express(&one(r#""Type": "Task", "End": true, "Resource": "arn:aws:states:::lambda:invoke""#)).is_empty());
}

#[test]
fn waits_wait_for_one_thing() {
    let state = |fields: &str| format!(r#""Type": "Wait", "End": true{fields}"#);
    for fields in [
        r#", "Seconds": 0"#,
        r#", "Seconds": 99999999"#,
        r#", "SecondsPath": "$.s""#,
        r#", "Timestamp": "2026-11-21T09:00:00Z""#,
        r#", "TimestampPath": "$$.Execution.StartTime""#,
    ] {
        accepts_state(&state(fields));
    }
    const ONE: &str = "Exactly one of these fields is required: [Seconds, Timestamp, SecondsPath, TimestampPath]";
    refuses_state(&state(""), ONE, "/States/S");
    refuses_state(&state(r#", "Seconds": 1, "SecondsPath": "$.s""#), ONE, "/States/S");
    refuses_state(&state(r#", "Seconds": 10000000000000000"#), "Maximum value is 99999999", "/States/S/Seconds");
    refuses_state(&state(r#", "Seconds": -1"#), "Minimum value is 0", "/States/S/Seconds");
    for wrong in ["2026-11-21 09:00:00Z", "2026-13-21T09:00:00Z", "{% '2016-03-14T01:59:00Z' %}", ""] {
        refuses_state(
            &state(&format!(r#", "Timestamp": "{wrong}""#)),
            "String does not match RFC3339 timestamp",
            "/States/S/Timestamp",
        );
    }
    accepts(&jsonata(r#""S": {"Type": "Wait", "Seconds": "{% 1 %}", "End": true}"#));
    accepts(&jsonata(r#""S": {"Type": "Wait", "Timestamp": "{% 1 %}", "End": true}"#));
}

#[test]
fn fails_name_an_error_once() {
    accepts_state(r#""Type": "Fail""#);
    accepts_state(r#""Type": "Fail", "Error": "E", "CausePath": "States.Format('{}', $.x)""#);
    accepts_state(r#""Type": "Fail", "ErrorPath": "$.e", "Cause": "c", "Comment": "x""#);
    refuses_state(
        r#""Type": "Fail", "Error": "E", "ErrorPath": "$.e""#,
        "Only one of these fields may be given: [Error, ErrorPath]",
        "/States/S",
    );
    const STRING: &str = "Value must be a valid JSONPath or a call of an intrinsic function that returns a string.";
    refuses_state(r#""Type": "Fail", "CausePath": "States.Array(1)""#, STRING, "/States/S/CausePath");
    refuses_state(r#""Type": "Fail", "CausePath": "text""#, STRING, "/States/S/CausePath");
    refuses_state(r#""Type": "Fail", "Error": 1"#, "Expected value of type String, but found Number", "/States/S/Error");
}

#[test]
fn choices_have_rules() {
    let state = |rule: &str| {
        machine(&format!(r#""S": {{"Type": "Choice", "Choices": [{rule}], "Default": "T"}}, "T": {{"Type": "Succeed"}}"#))
    };
    let rule = |test: &str| state(&format!(r#"{{{test}, "Next": "T"}}"#));
    for test in [
        r#""Variable": "$.a", "StringEquals": """#,
        r#""Variable": "$.a", "StringMatches": "a*\\*""#,
        r#""Variable": "$.a", "NumericLessThanEqualsPath": "$.b""#,
        r#""Variable": "$a.b", "BooleanEquals": false, "Comment": "c""#,
        r#""Variable": "$.a", "TimestampGreaterThan": "2026-11-21T09:00:00+01:00""#,
        r#""Variable": "$$.Execution.Name", "IsPresent": true"#,
        r#""And": [{"Variable": "$.a", "IsNull": true}, {"Not": {"Variable": "$.b", "IsString": false}}]"#,
        r#""Or": [{"And": [{"Variable": "$.a", "NumericEquals": 1.5}]}]"#,
    ] {
        accepts(&rule(test));
    }
    let refuse = |test: &str, message: &str, at: &str| refuses(&rule(test), SCHEMA, message, &format!("/States/S/Choices[0]{at}"));
    refuse(r#""StringEquals": "a""#, "These fields are required: [Variable]", "");
    refuse(r#""Variable": "$.a""#, "A Choice Rule needs a comparison operator, or one of [And, Or, Not]", "");
    refuse(r#""Variable": "$.a", "IsNull": true, "IsString": true"#, "Each Choice Rule can only have one comparison operator.", "");
    refuse(r#""Variable": "a", "IsNull": true"#, "Value must be a valid JSONPath.", "/Variable");
    refuse(r#""Variable": "$.a", "StringEquals": 1"#, "Expected value of type String, but found Number", "/StringEquals");
    refuse(r#""Variable": "$.a", "NumericEquals": "1""#, "Expected value of type Number, but found String", "/NumericEquals");
    refuse(r#""Variable": "$.a", "BooleanEquals": "true""#, "Expected value of type Boolean, but found String", "/BooleanEquals");
    refuse(r#""Variable": "$.a", "IsNull": 1"#, "Expected value of type Boolean, but found Number", "/IsNull");
    refuse(r#""Variable": "$.a", "TimestampEquals": "today""#, "String does not match RFC3339 timestamp", "/TimestampEquals");
    refuse(r#""Variable": "$.a", "StringEqualsPath": "b""#, "Value must be a valid JSONPath.", "/StringEqualsPath");
    refuse(r#""Variable": "$.a", "StringEqual": "b""#, "Field 'StringEqual' is not supported", "");
    refuse(r#""And": []"#, "Value cannot be empty", "/And");
    refuse(r#""Not": {"Variable": "$.a", "IsNull": true, "Next": "T"}"#, "Field 'Next' is not supported", "/Not");
    refuses(&state(r#"{"Variable": "$.a", "IsNull": true}"#), SCHEMA, "These fields are required: [Next]", "/States/S/Choices[0]");
    refuses(&state(""), SCHEMA, "Value cannot be empty", "/States/S/Choices");
}

#[test]
fn jsonata_choices_have_conditions() {
    let state = |rule: &str| {
        jsonata(&format!(r#""S": {{"Type": "Choice", "Choices": [{rule}], "Default": "T"}}, "T": {{"Type": "Succeed"}}"#))
    };
    accepts(&state(r#"{"Condition": "{% true %}", "Next": "T", "Output": 1, "Assign": {"a": 1}}"#));
    accepts(&state(r#"{"Condition": true, "Next": "T"}"#));
    refuses(
        &state(r#"{"Condition": "yes", "Next": "T"}"#),
        SCHEMA,
        "Value must be a JSONata expression: '{% … %}'",
        "/States/S/Choices[0]/Condition",
    );
    refuses(&state(r#"{"Next": "T"}"#), SCHEMA, "These fields are required: [Condition]", "/States/S/Choices[0]");
}

#[test]
fn retriers_and_catchers_are_in_order() {
    let retry = |retriers: &str| {
        format!(r#""Type": "Task", "End": true, "Resource": "arn:aws:states:::lambda:invoke", "Retry": [{retriers}]"#)
    };
    accepts_state(&retry(
        r#"{"ErrorEquals": ["A"], "IntervalSeconds": 1, "MaxAttempts": 0, "BackoffRate": 1, "MaxDelaySeconds": 31622400, "JitterStrategy": "FULL", "Comment": "c"}, {"ErrorEquals": ["States.ALL"]}"#,
    ));
    let refuse =
        |retrier: &str, message: &str, at: &str| refuses_state(&retry(retrier), message, &format!("/States/S/Retry[0]{at}"));
    refuse("{}", "These fields are required: [ErrorEquals]", "");
    refuse(r#"{"ErrorEquals": []}"#, "Value cannot be empty", "/ErrorEquals");
    refuse(r#"{"ErrorEquals": "A"}"#, "Expected value of type Array, but found String", "/ErrorEquals");
    refuse(r#"{"ErrorEquals": [1]}"#, "Expected value of type String, but found Number", "/ErrorEquals");
    refuse(r#"{"ErrorEquals": ["States.ALL", "A"]}"#, "'States.ALL' must be alone in 'ErrorEquals'", "/ErrorEquals");
    refuse(
        r#"{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["A"]}"#,
        "'States.ALL' must be in the last element",
        "/ErrorEquals",
    );
    refuse(r#"{"ErrorEquals": ["A"], "IntervalSeconds": 0}"#, "Minimum value is 1", "/IntervalSeconds");
    refuse(r#"{"ErrorEquals": ["A"], "MaxAttempts": 100000000}"#, "Maximum value is 99999999", "/MaxAttempts");
    refuse(r#"{"ErrorEquals": ["A"], "BackoffRate": 0.9}"#, "Minimum value is 1.0", "/BackoffRate");
    refuse(r#"{"ErrorEquals": ["A"], "MaxDelaySeconds": 31622401}"#, "Maximum value is 31622400", "/MaxDelaySeconds");
    refuse(
        r#"{"ErrorEquals": ["A"], "JitterStrategy": "HALF"}"#,
        "The field 'JitterStrategy' should have one of these values: [FULL, NONE]",
        "/JitterStrategy",
    );
    refuse(r#"{"ErrorEquals": ["A"], "Next": "S"}"#, "Field 'Next' is not supported", "");
    let catch = |catcher: &str| {
        machine(&format!(
            r#""S": {{"Type": "Map", "End": true, "ItemProcessor": {{"StartAt": "P", "States": {{"P": {{"Type": "Succeed"}}}}}}, "Catch": [{catcher}]}}, "T": {{"Type": "Succeed"}}"#
        ))
    };
    accepts(&catch(r#"{"ErrorEquals": ["States.ALL"], "Next": "T", "ResultPath": "$.e", "Assign": {"e.$": "$.Error"}}"#));
    let errors = errors_of(parse(&catch(r#"{"ErrorEquals": ["A"]}"#)));
    assert_eq!(errors[0].message, "These fields are required: [Next]");
    assert_eq!(errors[0].location.as_deref(), Some("/States/S/Catch[0]"));
}

#[test]
fn parallels_have_branches() {
    accepts_state(
        r#""Type": "Parallel", "End": true, "Branches": [{"StartAt": "A", "Comment": "c", "States": {"A": {"Type": "Succeed"}}}]"#,
    );
    refuses_state(r#""Type": "Parallel", "End": true, "Branches": []"#, "Value cannot be empty", "/States/S/Branches");
    refuses_state(r#""Type": "Parallel", "End": true"#, "These fields are required: [Branches]", "/States/S");
    refuses_state(
        r#""Type": "Parallel", "End": true, "Branches": {}"#,
        "Expected value of type Array, but found Object",
        "/States/S/Branches",
    );
    refuses_state(
        r#""Type": "Parallel", "End": true, "Branches": [{}]"#,
        "These fields are required: [States, StartAt]",
        "/States/S/Branches[0]",
    );
    refuses_state(
        r#""Type": "Parallel", "End": true, "Branches": [{"StartAt": "A", "TimeoutSeconds": 1, "States": {"A": {"Type": "Succeed"}}}]"#,
        "Field 'TimeoutSeconds' is not supported",
        "/States/S/Branches[0]",
    );
}

fn map(mode: &str, fields: &str) -> String {
    one(&format!(
        r#""Type": "Map", "End": true, {fields} "ItemProcessor": {{{mode} "StartAt": "P", "States": {{"P": {{"Type": "Succeed"}}}}}}"#
    ))
}

#[test]
fn maps_have_a_processor() {
    accepts(&map("", r#""ItemsPath": "$.items", "MaxConcurrency": 0, "ItemSelector": {"v.$": "$$.Map.Item.Value"},"#));
    accepts(&map(r#""ProcessorConfig": {"Mode": "INLINE"},"#, r#""MaxConcurrencyPath": "$.n", "Parameters": {},"#));
    accepts(&map("", "").replace("ItemProcessor", "Iterator"));
    refuses_state(r#""Type": "Map", "End": true"#, "These fields are required: [ItemProcessor]", "/States/S");
    refuses(&map("", r#""MaxConcurrency": -1,"#), SCHEMA, "Minimum value is 0", "/States/S/MaxConcurrency");
    refuses(
        &map("", r#""ItemsPath": "$.a[*]","#),
        SCHEMA,
        "Value must be a Reference Path: a JSONPath that identifies a single node.",
        "/States/S/ItemsPath",
    );
    refuses(
        &map("", r#""ItemSelector": {}, "Parameters": {},"#),
        SCHEMA,
        "Only one of these fields may be given: [ItemSelector, Parameters]",
        "/States/S",
    );
    refuses(
        &map(r#""ProcessorConfig": {"Mode": "REMOTE"},"#, ""),
        SCHEMA,
        "The field 'Mode' should have one of these values: [INLINE, DISTRIBUTED]",
        "/States/S/ItemProcessor/ProcessorConfig/Mode",
    );
    refuses(
        &map(r#""ProcessorConfig": {"Mode": "DISTRIBUTED"},"#, ""),
        SCHEMA,
        "These fields are required: [ExecutionType]",
        "/States/S/ItemProcessor/ProcessorConfig",
    );
    assert_eq!(express(&map(DISTRIBUTED, ""))[0].message, "Express state machine does not support Map states in DISTRIBUTED mode");
}

#[test]
fn jsonata_maps_have_items() {
    let map = |items: &str| {
        jsonata(&format!(
            r#""S": {{"Type": "Map", "End": true, "Items": {items}, "ItemProcessor": {{"StartAt": "P", "States": {{"P": {{"Type": "Succeed"}}}}}}}}"#
        ))
    };
    accepts(&map(r#""{% $states.input.items %}""#));
    accepts(&map(r#"[1, "{% 2 %}"]"#));
    accepts(&map(r#"{"a": 1}"#));
    refuses(&map("1"), SCHEMA, "Expected value of type Array, but found Number", "/States/S/Items");
    refuses(&map(r#""items""#), SCHEMA, "Value must be a JSONata expression: '{% … %}'", "/States/S/Items");
}

#[test]
fn distributed_maps_have_sound_fields() {
    let good = r#""Label": "label", "ToleratedFailureCount": 1, "ToleratedFailurePercentage": 0.5,
        "ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key.$": "$.k"},
            "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["a"], "MaxItems": 10}},
        "ItemBatcher": {"MaxItemsPerBatch": 10, "BatchInput": {"a.$": "$.a"}},
        "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b", "Prefix": "p"}, "WriterConfig": {"OutputType": "JSONL"}},"#;
    accepts(&map(DISTRIBUTED, good));
    let refuse =
        |fields: &str, message: &str, at: &str| refuses(&map(DISTRIBUTED, fields), SCHEMA, message, &format!("/States/S/{at}"));
    refuse(r#""ItemReader": {},"#, "These fields are required: [Resource]", "ItemReader");
    refuse(
        r#""ItemReader": {"Resource": "arn:aws:states:::s3:putObject"},"#,
        "The resource provided arn:aws:states:::s3:putObject is not recognized. The value is not a valid resource ARN, or the resource is not available in this region.",
        "ItemReader/Resource",
    );
    refuse(
        r#""ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "XML"}},"#,
        "The field 'InputType' should have one of these values: [CSV, JSON, JSONL, PARQUET, MANIFEST]",
        "ItemReader/ReaderConfig/InputType",
    );
    refuse(
        r#""ItemBatcher": {},"#,
        "At least one of these fields is required: [MaxItemsPerBatch, MaxItemsPerBatchPath, MaxInputBytesPerBatch, MaxInputBytesPerBatchPath]",
        "ItemBatcher",
    );
    refuse(r#""ItemBatcher": {"MaxInputBytesPerBatch": 262145},"#, "Maximum value is 262144", "ItemBatcher/MaxInputBytesPerBatch");
    refuse(
        r#""ResultWriter": {},"#,
        "A ResultWriter needs WriterConfig, or Resource with Bucket and Prefix, or both",
        "ResultWriter",
    );
    refuse(r#""ToleratedFailurePercentage": 101,"#, "Maximum value is 100.0", "ToleratedFailurePercentage");
    refuse(r#""ToleratedFailureCount": -1,"#, "Minimum value is 0", "ToleratedFailureCount");
}

#[test]
fn labels_are_plain_and_unique() {
    let label = |label: &str| map(DISTRIBUTED, &format!("\"Label\": {},", serde_json::Value::from(label)));
    accepts(&label(&"x".repeat(40)));
    refuses(&label(&"x".repeat(41)), "INVALID_LABEL_NAME", "Label must not be longer than 40 characters", "/States/S/Label");
    refuses(&label(""), "INVALID_LABEL_NAME", "Value cannot be empty", "/States/S/Label");
    refuses(&label("a b"), "INVALID_LABEL_NAME", "Label contains invalid character: ' '", "/States/S/Label");
    let two = machine(&format!(
        r#""S": {{"Type": "Map", "Next": "T", "Label": "l", "ItemProcessor": {{{DISTRIBUTED} "StartAt": "P", "States": {{"P": {{"Type": "Succeed"}}}}}}}},
           "T": {{"Type": "Map", "End": true, "Label": "l", "ItemProcessor": {{{DISTRIBUTED} "StartAt": "Q", "States": {{"Q": {{"Type": "Succeed"}}}}}}}}"#
    ));
    refuses(&two, "DUPLICATE_LABEL_NAME", "Duplicate Label: l", "/States/T/Label");
}

#[test]
fn variables_have_names_of_their_own() {
    let state = |assign: &str| format!(r#""Type": "Pass", "End": true, "Assign": {assign}"#);
    accepts_state(&state(r#"{"a": 1, "b2_c.$": "$.x", "größe": null}"#));
    refuses_state(&state(r#"{"states": 1}"#), "'states' is reserved and cannot be assigned", "/States/S/Assign");
    for name in ["1a", "a.b", "a[0]", "a-b", ""] {
        refuses_state(
            &state(&format!(r#"{{"{name}": 1}}"#)),
            &format!("'{name}' is not a variable name: a letter, then letters, digits and '_', 80 characters at most"),
            "/States/S/Assign",
        );
    }
    let nested = |outer: &str, inner: &str| {
        machine(&format!(
            r#""S": {{"Type": "Pass", "Assign": {{"{outer}": 1}}, "Next": "M"}},
               "M": {{"Type": "Map", "End": true, "Assign": {{"own": 1}}, "ItemProcessor": {{"StartAt": "P", "States": {{"P": {{"Type": "Pass", "End": true, "Assign": {{"{inner}": 2, "own": 1}}}}}}}}}}"#
        ))
    };
    accepts(&nested("a", "b"));
    refuses(
        &nested("a", "a"),
        SCHEMA,
        "Variable 'a' is assigned in an outer scope too, by state 'S'",
        "/States/M/ItemProcessor/States/P/Assign",
    );
    accepts(&nested("a", "a").replace("\"StartAt\": \"P\"", &format!("{DISTRIBUTED} \"StartAt\": \"P\"")));
}

#[test]
fn expressions_have_both_markers() {
    let state = |output: &str| jsonata(&format!(r#""S": {{"Type": "Pass", "End": true, "Output": {output}}}"#));
    accepts(&state(r#"{"a": ["{% 1 %}", " {% 1 %} ", "text"]}"#));
    for half in ["{% 1", "1 %}", "{%}"] {
        refuses(
            &state(&format!(r#"{{"a": ["{half}"]}}"#)),
            SCHEMA,
            "A JSONata expression begins with '{%' and ends with '%}'",
            "/States/S/Output",
        );
    }
}

#[test]
fn all_errors_are_reported_at_once_in_the_order_of_the_text() {
    let text = machine(
        r#""S": {"Type": "Pass", "Foo": 1, "InputPath": "x", "Next": "Nowhere"}, "T": {"Type": "Wait", "End": true}, "U": {"Type": "Oops"}"#,
    );
    let errors = errors_of(parse(&text));
    let found: Vec<_> = errors.iter().map(|error| error.location.as_deref().unwrap()).collect();
    assert_eq!(
        found,
        ["/States/S", "/States/S/InputPath", "/States/S/Next", "/States/T", "/States/T", "/States/U", "/States/U/Type"]
    );
}
