//! The fields of Task, Wait, Fail and Parallel, and of Retry and Catch.

use super::{accepts, accepts_state, errors_of, express, jsonata, machine, one, parse, refuses_state};

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
        "arn:aws:states:::bedrockagentcore:invokeHarness",
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
        "There should only be one of the following fields: [TimeoutSeconds, TimeoutSecondsPath]",
        "/States/S",
    );
    refuses_state(
        &state(r#""TimeoutSecondsPath": "$.t[*]""#),
        "Value is not a Reference Path: it does not identify a single node",
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
    refuses_state(
        r#""Type": "Task", "End": true, "Resource": "arn:aws:states:eu-west-1:123456789012:activity:a", "Credentials": {"RoleArn": "r"}"#,
        "The field 'Credentials' is not supported for activities",
        "/States/S/Credentials",
    );
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
    const WAYS: &str = "[SecondsPath, Seconds, TimestampPath, Timestamp]";
    let none = format!("This object should have only one of the following fields: {WAYS}");
    refuses_state(&state(""), &none, "/States/S");
    let several = format!("There should only be one of the following fields: {WAYS}");
    refuses_state(&state(r#", "Seconds": 1, "SecondsPath": "$.s""#), &several, "/States/S");
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
        "There should only be one of the following fields: [Error, ErrorPath]",
        "/States/S",
    );
    const STRING: &str = "Value must be a valid JSONPath or a call of an intrinsic function that returns a string.";
    refuses_state(r#""Type": "Fail", "CausePath": "States.Array(1)""#, STRING, "/States/S/CausePath");
    refuses_state(r#""Type": "Fail", "CausePath": "text""#, STRING, "/States/S/CausePath");
    refuses_state(r#""Type": "Fail", "Error": 1"#, "Expected value of type String, but found Number", "/States/S/Error");
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
    refuse(r#"{"ErrorEquals": ["States.ALL", "A"]}"#, "States.ALL must appear alone and at end of list", "/ErrorEquals");
    refuse(
        r#"{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["A"]}"#,
        "States.ALL must appear alone and at end of list",
        "/ErrorEquals",
    );
    refuse(r#"{"ErrorEquals": ["A"], "IntervalSeconds": -1}"#, "Minimum value is 0", "/IntervalSeconds");
    accepts_state(&retry(r#"{"ErrorEquals": ["A"], "IntervalSeconds": 0}"#));
    refuse(r#"{"ErrorEquals": ["A"], "MaxAttempts": 100000000}"#, "Maximum value is 99999999", "/MaxAttempts");
    refuse(r#"{"ErrorEquals": ["A"], "BackoffRate": 0.9}"#, "Minimum value is 1.0", "/BackoffRate");
    refuse(r#"{"ErrorEquals": ["A"], "MaxDelaySeconds": 31622401}"#, "Maximum value is 31622400", "/MaxDelaySeconds");
    refuse(
        r#"{"ErrorEquals": ["A"], "JitterStrategy": "HALF"}"#,
        "Value should be one of the following: [NONE, FULL]",
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
