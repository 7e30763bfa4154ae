//! The history as `GetExecutionHistory` answers it.

use serde_json::{Value, json};
use statewright_tests::play::{Play, fails, succeeds};

use crate::{machine, only};

#[test]
fn an_event_is_its_time_type_id_previous_id_and_at_most_one_member_of_details() {
    let played = Play::of(only(json!({"Type": "Wait", "Seconds": 1}))).input("{}").run();
    let member = |event: &Value| event.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(member(&played.events[1]), ["timestamp", "type", "id", "previousEventId", "stateEnteredEventDetails"]);
    let alone = played.history.iter().map(|event| serde_json::from_str::<Value>(&event.to_json()).unwrap());
    assert_eq!(alone.collect::<Vec<_>>(), played.events);
    assert_eq!(played.events[0]["timestamp"], 1_767_225_600.0);
    assert_eq!(played.events[2]["timestamp"], 1_767_225_601.0);
    let started = json!({"input": "{}", "inputDetails": {"truncated": false}, "roleArn": "arn:aws:iam::123456789012:role/role"});
    assert_eq!(played.details("ExecutionStarted"), [started]);
    let entered = json!({"name": "S", "input": "{}", "inputDetails": {"truncated": false}});
    assert_eq!(played.details("WaitStateEntered"), [entered]);
    let exited = json!({"name": "S", "output": "{}", "outputDetails": {"truncated": false}});
    assert_eq!(played.details("WaitStateExited"), [exited]);
    assert_eq!(played.details("ExecutionSucceeded"), [json!({"output": "{}", "outputDetails": {"truncated": false}})]);
}

#[test]
fn the_events_that_have_no_details_have_none() {
    let inner = json!({"Type": "Parallel", "Branches": [{"P": {"Type": "Pass"}}]});
    let played = Play::of(only(json!({"Type": "Map", "ItemProcessor": {"I": inner}}))).input("[1]").run();
    for name in ["ParallelStateStarted", "ParallelStateSucceeded", "MapStateSucceeded"] {
        assert_eq!(played.details(name), [Value::Null], "{name}");
    }
}

#[test]
fn the_first_event_of_a_state_after_a_map_follows_its_exit() {
    let states = json!({"M": {"Type": "Map", "ItemProcessor": {"P": {"Type": "Pass"}}, "Next": "Z"}, "Z": {"Type": "Pass"}});
    let chain = Play::of(machine(states)).input("[1]").run().chain();
    assert!(chain.ends_with(
        "8 MapStateSucceeded(7)\n9 MapStateExited(7)\n10 PassStateEntered(9)\n11 PassStateExited(10)\n12 ExecutionSucceeded(11)"
    ));
}

#[test]
fn parameters_and_results_are_texts() {
    let played = Play::of(only(json!({"Type": "Task"}))).input("[1, 2]").answers([succeeds("\"text\"")]).run();
    assert_eq!(played.details("TaskScheduled")[0]["parameters"], "[1, 2]");
    assert_eq!(played.details("TaskSucceeded")[0]["output"], "\"text\"");
    assert_eq!(played.details("TaskStateExited")[0]["output"], "\"text\"");
}

#[test]
fn without_execution_data_the_names_remain() {
    let state = json!({"Type": "Task", "Assign": {"x": 1}, "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 1}]});
    let played = Play::of(only(state)).answers([fails("E", "why"), succeeds("1")]).run();
    let mut text = Vec::new();
    played.history.iter().for_each(|event| event.write_to(&mut text, false));
    let text = String::from_utf8(text).unwrap();
    for member in ["input", "output", "parameters", "error", "cause", "assignedVariables", "truncated"] {
        assert!(!text.contains(&format!("\"{member}\"")), "{member}: {text}");
    }
    for member in ["\"name\":\"S\"", "\"resource\":\"sendMessage\"", "\"region\":\"us-east-1\"", "\"roleArn\""] {
        assert!(text.contains(member), "{member}: {text}");
    }
}
