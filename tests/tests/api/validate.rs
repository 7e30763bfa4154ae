//! `ValidateStateMachineDefinition`.

use serde_json::{Value, json};
use statewright_tests::stage::Stage;

use crate::{arn, ask, one, pass, with};

fn validate(definition: &str, members: Value) -> Value {
    ask(&Stage::default(), "ValidateStateMachineDefinition", with(json!({"definition": definition}), members))
}

#[test]
fn a_sound_definition_has_no_diagnostics() {
    assert_eq!(validate(&pass(), json!({})), json!({"result": "OK", "diagnostics": [], "truncated": false}));
}

#[test]
fn a_wrong_definition_has_all_its_errors_from_top_to_bottom() {
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Wait", "Timestamp": "tomorrow", "Next": "B"}, "B": {"Type": "Wait", "Timestamp": "today", "End": true}}});
    let error = |state: &str| {
        json!({"severity": "ERROR", "code": "SCHEMA_VALIDATION_FAILED",
        "message": "String does not match RFC3339 timestamp", "location": format!("/States/{state}/Timestamp")})
    };
    let answer = validate(&definition.to_string(), json!({}));
    assert_eq!(answer, json!({"result": "FAIL", "diagnostics": [error("A"), error("B")], "truncated": false}));
    let one = validate(&definition.to_string(), json!({"maxResults": 1}));
    assert_eq!(one, json!({"result": "FAIL", "diagnostics": [error("A")], "truncated": true}));
    assert_eq!(validate(&definition.to_string(), json!({"maxResults": 2})), answer);
    assert_eq!(validate(&definition.to_string(), json!({"maxResults": 0})), answer);
}

#[test]
fn warnings_are_told_to_those_who_ask_for_them() {
    let definition = one(json!({"Type": "Pass", "Parameters": {"a": "$.a"}}));
    assert_eq!(validate(&definition, json!({})), json!({"result": "OK", "diagnostics": [], "truncated": false}));
    assert_eq!(validate(&definition, json!({"severity": "ERROR"}))["diagnostics"], json!([]));
    let answer = validate(&definition, json!({"severity": "WARNING"}));
    assert_eq!((&answer["result"], &answer["diagnostics"][0]["severity"]), (&json!("OK"), &json!("WARNING")));
    assert_eq!(answer["diagnostics"][0]["code"], "NO_DOLLAR");
}

#[test]
fn the_type_counts() {
    let definition = one(json!({"Type": "Task", "Resource": arn("activity", "a")}));
    assert_eq!(validate(&definition, json!({}))["result"], "OK");
    assert_eq!(validate(&definition, json!({"type": "EXPRESS"}))["result"], "FAIL");
}

#[test]
fn what_is_no_definition_has_one_error() {
    let not_json = validate("{", json!({}));
    assert_eq!((&not_json["result"], &not_json["diagnostics"][0]["code"]), (&json!("FAIL"), &json!("INVALID_JSON_DESCRIPTION")));
    let expected =
        json!([{"severity": "ERROR", "code": "SCHEMA_VALIDATION_FAILED", "message": "Definition must be a valid JSON object"}]);
    assert_eq!(validate("3", json!({}))["diagnostics"], expected);
}
