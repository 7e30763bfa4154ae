//! Fail, Succeed, and the histories of the simple states.

use serde_json::{Value, json};

use crate::{assert_chain, assert_failed, play, with};

fn fail(fields: Value, input: Value) -> (Option<String>, Option<String>) {
    let played = play(with(json!({"Type": "Fail"}), fields), input);
    assert_chain(
        &played,
        "1 ExecutionStarted(0)
         2 FailStateEntered(0)
         3 ExecutionFailed(2)",
    );
    let text = |name: &str| played.details("ExecutionFailed")[0].get(name).map(|text| text.as_str().unwrap().to_owned());
    (text("error"), text("cause"))
}

#[test]
fn a_fail_names_its_error_and_cause_or_not() {
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(fail(json!({"Error": "E", "Cause": "why"}), json!({})), (some("E"), some("why")));
    assert_eq!(fail(json!({"Error": "E"}), json!({})), (some("E"), None));
    assert_eq!(fail(json!({"Cause": "why"}), json!({})), (None, some("why")));
    assert_eq!(fail(json!({}), json!({})), (None, None));
    assert_eq!(fail(json!({"Error": "States.Custom"}), json!({})).0, some("States.Custom"));
}

#[test]
fn a_fail_finds_its_error_and_cause_by_paths_and_functions() {
    let some = |text: &str| Some(text.to_owned());
    let input = json!({"e": "E", "c": "why"});
    assert_eq!(fail(json!({"ErrorPath": "$.e", "CausePath": "$.c"}), input.clone()), (some("E"), some("why")));
    let call = "States.Format('{} because {}', $.e, $.c)";
    assert_eq!(fail(json!({"ErrorPath": "$$.Execution.Name", "CausePath": call}), input), (some("run-1"), some("E because why")));
}

#[test]
fn a_path_of_a_fail_must_find_a_text() {
    let missing = play(json!({"Type": "Fail", "ErrorPath": "$.none"}), json!({"a": 1}));
    let cause = "The JSONPath '$.none' specified for the field 'ErrorPath' could not be found in the input '{\"a\":1}'";
    assert_failed(&missing, "States.Runtime", cause);
    let missing = play(json!({"Type": "Fail", "CausePath": "$.none"}), json!({}));
    assert_failed(&missing, "States.Runtime", "The JSONPath '$.none' specified for the field 'CausePath' could not be found");
    assert_failed(&play(json!({"Type": "Fail", "ErrorPath": "$.a"}), json!({"a": 1})), "States.Runtime", "");
}

#[test]
fn a_state_follows_the_exit_of_the_one_before() {
    let states =
        json!({"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Wait", "Seconds": 1, "Next": "C"}, "C": {"Type": "Succeed"}});
    assert_chain(
        &statewright_tests::play::Play::of(crate::machine(states)).run(),
        "1 ExecutionStarted(0)
         2 PassStateEntered(0)
         3 PassStateExited(2)
         4 WaitStateEntered(3)
         5 WaitStateExited(4)
         6 SucceedStateEntered(5)
         7 SucceedStateExited(6)
         8 ExecutionSucceeded(7)",
    );
}

#[test]
fn a_succeed_ends_its_scope_only() {
    let succeed = json!({"S1": {"Type": "Succeed"}});
    let map = json!({"Type": "Map", "ItemProcessor": succeed});
    let played = play(map, json!([1, 2]));
    assert_eq!((played.status, played.output()), ("SUCCEEDED", json!([1, 2])));
}
