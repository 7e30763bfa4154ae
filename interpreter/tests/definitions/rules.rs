//! The machine as a whole: names, transitions, which fields there are.

use super::{accepts, accepts_state, errors_of, jsonata, machine, one, parse, refuses, refuses_state};

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
        "Value should be one of the following: [1.0]",
        "/Version",
    );
    refuses(
        r#"{"StartAt": "S", "States": {"S": {"Type": "Succeed"}}, "QueryLanguage": "XPath"}"#,
        SCHEMA,
        "Value should be one of the following: [JSONPath, JSONata]",
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
    const BOTH: &str = "There should only be one of the following fields: [Next, End]";
    const NONE: &str = "This object should have only one of the following fields: [Next, End]";
    accepts_state(r#""Type": "Pass", "End": true"#);
    accepts(&machine(r#""S": {"Type": "Pass", "End": false, "Next": "T"}, "T": {"Type": "Succeed"}"#));
    refuses(&machine(r#""S": {"Type": "Pass", "End": true, "Next": "T"}, "T": {"Type": "Succeed"}"#), SCHEMA, BOTH, "/States/S");
    let errors = errors_of(parse(&one(r#""Type": "Pass""#)));
    assert_eq!(errors[0].message, NONE);
    let errors = errors_of(parse(&one(r#""Type": "Pass", "End": "yes""#)));
    assert_eq!(errors[0].message, NONE);
    assert_eq!(errors[1].message, "Expected value of type Boolean, but found String");
}

#[test]
fn a_type_has_its_own_fields() {
    for (state, field) in [
        (r#""Type": "Pass", "End": true, "Retry": []"#, "Retry"),
        (r#""Type": "Succeed", "End": true"#, "End"),
        (r#""Type": "Fail", "End": true"#, "End"),
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
