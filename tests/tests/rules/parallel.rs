//! Parallel.

use serde_json::json;
use statewright_tests::play::{Play, succeeds};

use crate::{assert_chain, only, play};

#[test]
fn the_branches_overlap_the_virtual_time_is_the_longest_path() {
    let branch = |name: &str, seconds: u32| json!({name: {"Type": "Wait", "Seconds": seconds}});
    let state = json!({"Type": "Parallel", "Branches": [branch("A", 5), branch("B", 20), branch("C", 1)]});
    assert_eq!(play(state, json!({})).seconds, 20.0);
}

#[test]
fn every_branch_gets_the_same_input() {
    let pass = |name: &str| json!({name: {"Type": "Pass"}});
    let state =
        json!({"Type": "Parallel", "InputPath": "$.a", "Parameters": {"x.$": "$.x", "y": 2}, "Branches": [pass("A"), pass("B")]});
    let played = play(state, json!({"a": {"x": 1}}));
    assert_eq!(played.output(), json!([{"y": 2, "x": 1}, {"y": 2, "x": 1}]));
    assert_eq!(played.inputs_of("A"), played.inputs_of("B"));
}

#[test]
fn the_first_state_of_each_branch_follows_the_start_and_the_exit_follows_the_branch_that_ended_last() {
    let state = json!({"Type": "Parallel", "Branches": [{"A": {"Type": "Task"}}, {"B": {"Type": "Task"}}]});
    let played = Play::of(only(state)).answers([succeeds("1").after(2.0), succeeds("2").after(1.0)]).run();
    assert_chain(
        &played,
        "1 ExecutionStarted(0)
         2 ParallelStateEntered(0)
         3 ParallelStateStarted(2)
         4 TaskStateEntered(3)
         5 TaskScheduled(4)
         6 TaskStateEntered(3)
         7 TaskScheduled(6)
         8 TaskStarted(5)
         9 TaskStarted(7)
         10 TaskSucceeded(9)
         11 TaskStateExited(10)
         12 TaskSucceeded(8)
         13 TaskStateExited(12)
         14 ParallelStateSucceeded(13)
         15 ParallelStateExited(13)
         16 ExecutionSucceeded(15)",
    );
    assert_eq!(played.output(), json!([1, 2]));
}

#[test]
fn there_may_be_more_branches_than_iterations_of_a_map() {
    let branches: Vec<_> = (0..60).map(|n| json!({format!("W{n}"): {"Type": "Wait", "Seconds": 1}})).collect();
    assert_eq!(play(json!({"Type": "Parallel", "Branches": branches}), json!({})).seconds, 1.0);
}

#[test]
fn the_failure_of_a_branch_is_the_failure_of_the_state() {
    let state = json!({"Type": "Parallel", "Branches": [{"F": {"Type": "Fail", "Error": "Custom", "Cause": "why"}}]});
    let played = play(state, json!({}));
    assert_eq!((played.error_name(), played.cause()), ("Custom", "why"));
}
