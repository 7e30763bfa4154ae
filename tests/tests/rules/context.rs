//! The Context object.

use serde_json::{Value, json};
use statewright_tests::play::{Play, fails, succeeds};

use crate::{machine, only, play, with};

/// The text of the Context object as a state with these fields sees it in this template.
fn seen(state: Value, template: &str) -> String {
    let state = with(state, json!({template: {"context.$": "$$"}}));
    let played = play(state, json!({"in": [1]}));
    let text = if template == "Parameters" && !played.started.is_empty() {
        played.parameters().remove(0)
    } else {
        played.output_text.unwrap()
    };
    text.strip_prefix(r#"{"context":"#).and_then(|text| text.strip_suffix('}')).unwrap_or(&text).to_owned()
}

const HEAD: &str = r#"{"Execution":{"Id":"arn:aws:states:us-east-1:123456789012:execution:machine:run-1","Input":{"in":[1]},"StartTime":"2026-01-01T00:00:00Z","Name":"run-1","RoleArn":"arn:aws:iam::123456789012:role/role","RedriveCount":0},"StateMachine":{"Id":"arn:aws:states:us-east-1:123456789012:stateMachine:machine","Name":"machine"},"State":{"Name":"S","EnteredTime":"2026-01-01T00:00:00Z"#;

#[test]
fn a_state_that_cannot_be_retried_has_no_retry_count() {
    assert_eq!(seen(json!({"Type": "Pass"}), "Parameters"), format!(r#"{HEAD}"}}}}"#));
}

#[test]
fn a_task_has_a_retry_count_and_one_with_a_token_its_token() {
    let task = json!({"Type": "Task"});
    let head = format!(r#"{HEAD}","RetryCount":0}}"#);
    assert_eq!(seen(task.clone(), "Parameters"), format!("{head}}}"));
    assert_eq!(seen(task, "ResultSelector"), format!("{head}}}"));
    let callback = json!({"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken"});
    let with_token = seen(callback, "Parameters");
    assert!(with_token.starts_with(&format!(r#"{head},"Task":{{"Token":""#)), "{with_token}");
}

#[test]
fn an_express_execution_tells_its_time_later_and_no_redrives_to_whom_waits_for_it() {
    let machine = json!({"StartAt": "P", "States": {"P": {"Type": "Pass", "Parameters": {"Is.$": "$$.Execution"}, "End": true}}});
    let head = r#"{"Is":{"Id":"arn:aws:states:us-east-1:123456789012:express:machine:run-1:once","Input":{},"Name":"run-1","RoleArn":"arn:aws:iam::123456789012:role/role","StartTime":"2026-01-01T00:00:00Z""#;
    let text = |play: Play<'_>| play.run().output_text.unwrap();
    assert_eq!(text(Play::of_express(&machine)), format!(r#"{head},"RedriveCount":0}}}}"#));
    assert_eq!(text(Play::of_express(&machine).synchronous()), format!("{head}}}}}"));
}

#[test]
fn a_parallel_has_a_retry_count() {
    let state = json!({"Type": "Parallel", "Branches": [{"P": {"Type": "Pass"}}]});
    assert_eq!(seen(state, "Parameters"), format!(r#"[{{"context":{HEAD}","RetryCount":0}}}}}}]"#));
}

#[test]
fn an_item_selector_and_the_states_of_an_iteration_see_the_item() {
    let state = json!({"Type": "Map", "ItemsPath": "$.in", "ItemSelector": {"c.$": "$$"}, "ItemProcessor": {"I": {"Type": "Pass",
        "Parameters": {"selected.$": "$.c", "own.$": "$$"}}}});
    let output = play(state, json!({"in": ["x"]})).output()[0].clone();
    let item = json!({"Item": {"Index": 0, "Value": "x"}});
    assert_eq!((&output["selected"]["Map"], &output["own"]["Map"]), (&item, &item));
    assert_eq!((&output["selected"]["State"]["Name"], &output["own"]["State"]["Name"]), (&json!("S"), &json!("I")));
    assert_eq!(output["selected"]["State"]["RetryCount"], 0);
    let order: Vec<_> = output["selected"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(order, ["Execution", "StateMachine", "State", "Map"]);
}

#[test]
fn in_nested_maps_the_item_is_the_innermost_one() {
    let item = json!({"Type": "Pass", "Parameters": {"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value"}});
    let inner = json!({"Type": "Map", "ItemsPath": "$.list", "ItemSelector": {"v.$": "$$.Map.Item.Value", "from.$": "$.name"},
        "ItemProcessor": {"B": {"Type": "Pass", "Next": "I"}, "I": item}, "ResultPath": "$.inner", "Next": "After"});
    let after = json!({"Type": "Pass", "Parameters": {"inner.$": "$.inner", "outer.$": "$$.Map.Item.Value.name"}});
    let outer = json!({"Type": "Map", "ItemProcessor": {"M": inner, "After": after}});
    let output = play(outer, json!([{"name": "a", "list": [5, 6]}, {"name": "b", "list": [7]}])).output();
    let seen = |outer: &str, inner: Value| json!({"inner": inner, "outer": outer});
    let items = |values: &[u32]| -> Value { values.iter().enumerate().map(|(i, v)| json!({"i": i, "v": v})).collect() };
    assert_eq!(output, json!([seen("a", items(&[5, 6])), seen("b", items(&[7]))]));
}

#[test]
fn a_branch_within_an_iteration_sees_the_item_too() {
    let branch = json!({"P": {"Type": "Pass", "Parameters": {"v.$": "$$.Map.Item.Value"}}});
    let state = json!({"Type": "Map", "ItemProcessor": {"B": {"Type": "Parallel", "Branches": [branch]}}});
    assert_eq!(play(state, json!([1])).output(), json!([[{"v": 1}]]));
}

#[test]
fn outside_of_a_map_there_is_no_item() {
    let played = play(json!({"Type": "Pass", "Parameters": {"v.$": "$$.Map.Item.Value"}}), json!({}));
    crate::assert_failed(
        &played,
        "States.Runtime",
        "The JSONPath '$$.Map.Item.Value' specified for the field 'v.$' could not be found",
    );
}

#[test]
fn the_time_a_state_was_entered_is_kept_over_its_retries() {
    let state = json!({"Type": "Task", "Parameters": {"at.$": "$$.State.EnteredTime", "n.$": "$$.State.RetryCount"},
        "Retry": [{"ErrorEquals": ["E"]}]});
    let states = json!({"W": {"Type": "Wait", "Seconds": 90, "Next": "S"}, "S": state});
    let played = Play::of(machine(states)).answers([fails("E", ""), succeeds("1")]).run();
    let at = |n: u32| json!({"at": "2026-01-01T00:01:30Z", "n": n});
    let parameters: Vec<Value> = played.parameters().iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    assert_eq!(parameters, [at(0), at(1)]);
}

#[test]
fn every_time_is_written_with_milliseconds_only_where_there_are_some() {
    let states = json!({"W": {"Type": "Wait", "Timestamp": "2026-01-01T00:00:00.250Z", "Next": "S"},
        "S": {"Type": "Pass", "Parameters": {"at.$": "$$.State.EnteredTime"}}});
    assert_eq!(Play::of(machine(states)).run().output(), json!({"at": "2026-01-01T00:00:00.250Z"}));
}

#[test]
fn the_context_object_is_read_in_every_field_that_takes_paths() {
    let fail = json!({"Type": "Fail", "ErrorPath": "$$.Execution.Name", "CausePath": "$$.StateMachine.Name"});
    let played = Play::of(only(fail)).run();
    assert_eq!((played.error_name(), played.cause()), ("run-1", "machine"));
    let states = json!({"A": {"Type": "Pass", "Assign": {"who.$": "$$.Execution.Name"}, "Next": "B"},
        "B": {"Type": "Pass", "Parameters": {"who.$": "$who"}}});
    assert_eq!(Play::of(machine(states)).run().output(), json!({"who": "run-1"}));
}
