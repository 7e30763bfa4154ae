//! What happens to the children of a Parallel or Map of which one failed.

use serde_json::{Value, json};
use statewright_tests::play::{Play, Played, fails, silent, succeeds};

use crate::{assert_chain, machine, only, with};

fn task() -> Value {
    json!({"Type": "Task"})
}

fn wait() -> Value {
    json!({"Type": "Wait", "Seconds": 60})
}

/// Plays a Parallel of a task that fails after a second, a task that never ends and a Wait.
fn parallel(more: Value) -> Played {
    let state = json!({"Type": "Parallel", "Branches": [{"A": task()}, {"B": task()}, {"C": wait()}]});
    Play::of(machine(json!({"S": with(state, more), "Z": {"Type": "Pass"}}).only_reachable()))
        .tasks(|task| if *task.state == *"A" { fails("E", "why").after(1.0) } else { silent() })
        .run()
}

trait OnlyReachable {
    fn only_reachable(self) -> Value;
}

impl OnlyReachable for Value {
    /// Without `Z` where no catcher leads there.
    fn only_reachable(mut self) -> Value {
        if self["S"].get("Catch").is_none() {
            self.as_object_mut().unwrap().remove("Z");
        }
        self
    }
}

#[test]
fn the_failing_task_and_its_siblings_are_aborted_in_the_order_of_the_branches() {
    let played = parallel(json!({}));
    assert_chain(
        &played,
        "1 ExecutionStarted(0)
         2 ParallelStateEntered(0)
         3 ParallelStateStarted(2)
         4 TaskStateEntered(3)
         5 TaskScheduled(4)
         6 TaskStateEntered(3)
         7 TaskScheduled(6)
         8 WaitStateEntered(3)
         9 TaskStarted(5)
         10 TaskStarted(7)
         11 TaskFailed(9)
         12 TaskStateAborted(11)
         13 TaskStateAborted(11)
         14 WaitStateAborted(11)
         15 ParallelStateFailed(11)
         16 ExecutionFailed(15)",
    );
    assert_eq!(played.cancelled, [7]);
    assert_eq!(played.seconds, 1.0);
}

#[test]
fn a_catcher_of_the_parallel_takes_the_failure_after_its_children_have_ended() {
    let played = parallel(json!({"Catch": [{"ErrorEquals": ["E"], "Next": "Z"}]}));
    let end = "14 WaitStateAborted(11)
         15 ParallelStateFailed(11)
         16 ParallelStateExited(15)
         17 PassStateEntered(16)";
    assert!(played.chain().contains(&end.replace("         ", "")), "{}", played.chain());
    assert_eq!(played.output(), json!({"Error": "E", "Cause": "why"}));
}

#[test]
fn a_retried_parallel_starts_again_behind_the_failing_event_and_only_the_last_failure_is_shown() {
    let played = parallel(json!({"Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 1, "IntervalSeconds": 5}]}));
    let again = "12 TaskStateAborted(11)
         13 TaskStateAborted(11)
         14 WaitStateAborted(11)
         15 ParallelStateStarted(11)
         16 TaskStateEntered(15)";
    assert!(played.chain().contains(&again.replace("         ", "")), "{}", played.chain());
    assert_eq!(played.count("ParallelStateFailed"), 1);
    assert_eq!(played.times("ParallelStateStarted"), [0.0, 6.0]);
}

#[test]
fn the_iterations_of_a_map_are_aborted_in_the_order_of_the_items() {
    let state = json!({"Type": "Map", "ItemProcessor": {"T": task()}});
    let played = Play::of(only(state))
        .input("[0,1,2]")
        .tasks(|task| if task.map_item_index == Some(1) { fails("E", "why").after(1.0) } else { silent() })
        .run();
    assert_chain(
        &played,
        "1 ExecutionStarted(0)
         2 MapStateEntered(0)
         3 MapStateStarted(2)
         4 MapIterationStarted(3){0}
         5 MapIterationStarted(3){1}
         6 MapIterationStarted(3){2}
         7 TaskStateEntered(4)
         8 TaskScheduled(7)
         9 TaskStateEntered(5)
         10 TaskScheduled(9)
         11 TaskStateEntered(6)
         12 TaskScheduled(11)
         13 TaskStarted(8)
         14 TaskStarted(10)
         15 TaskStarted(12)
         16 TaskFailed(14)
         17 MapIterationAborted(16){0}
         18 TaskStateAborted(16)
         19 MapIterationFailed(16){1}
         20 TaskStateAborted(16)
         21 MapIterationAborted(16){2}
         22 TaskStateAborted(16)
         23 MapStateFailed(16)
         24 ExecutionFailed(23)",
    );
    assert_eq!(played.cancelled, [8, 12]);
}

#[test]
fn a_failing_fail_state_has_no_aborted_event() {
    let state = json!({"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": {"F": {"Type": "Fail", "Error": "E"}}});
    assert_chain(
        &Play::of(only(state)).input("[0,1]").run(),
        "1 ExecutionStarted(0)
         2 MapStateEntered(0)
         3 MapStateStarted(2)
         4 MapIterationStarted(3){0}
         5 FailStateEntered(4)
         6 MapIterationFailed(5){0}
         7 MapStateFailed(5)
         8 ExecutionFailed(7)",
    );
}

#[test]
fn an_iteration_that_was_not_started_is_not_aborted() {
    let state = json!({"Type": "Map", "MaxConcurrency": 2, "ItemProcessor": {"T": task()}});
    let played = Play::of(only(state)).input("[0,1,2,3]").answers([fails("E", "").after(1.0), silent()]).run();
    assert_eq!(played.count("MapIterationAborted"), 1);
    assert_eq!(played.count("MapIterationFailed"), 1);
    assert_eq!(played.count("MapIterationStarted"), 2);
}

#[test]
fn a_pause_before_a_retry_is_aborted_as_the_task_it_belongs_to() {
    let retried = json!({"Type": "Task", "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 60}]});
    let state = json!({"Type": "Parallel", "Branches": [{"A": retried}, {"B": task()}]});
    let played =
        Play::of(only(state)).tasks(|task| if *task.state == *"A" { fails("E", "") } else { fails("F", "").after(1.0) }).run();
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
         9 TaskFailed(8)
         10 TaskStarted(7)
         11 TaskFailed(10)
         12 TaskStateAborted(11)
         13 TaskStateAborted(11)
         14 ParallelStateFailed(11)
         15 ExecutionFailed(14)",
    );
    assert_eq!(played.error_name(), "F");
}

#[test]
fn a_parallel_and_a_map_that_run_inside_are_aborted_before_what_runs_in_them() {
    let inner_map = json!({"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": {"W": wait()}});
    let inner_parallel = json!({"Type": "Parallel", "Branches": [{"X": wait()}, {"Y": task()}]});
    let state = json!({"Type": "Parallel", "Branches": [{"A": task()}, {"M": inner_map}, {"P": inner_parallel}]});
    let played = Play::of(only(state))
        .input(json!({"items": [0, 1]}))
        .tasks(|task| if *task.state == *"A" { fails("E", "").after(1.0) } else { silent() })
        .run();
    let failed = played.chain().lines().position(|line| line.contains("TaskFailed")).unwrap() + 1;
    let end: Vec<_> = played.chain().lines().skip(failed).map(str::to_owned).collect();
    let types: Vec<_> = end.iter().filter_map(|line| line.split(' ').nth(1)).map(str::to_owned).collect();
    let after = |name: &str| format!("{name}({failed})");
    let item = |name: &str, index: u32| format!("{name}({failed}){{{index}}}");
    let expected = [
        after("TaskStateAborted"),
        after("MapStateAborted"),
        item("MapIterationAborted", 0),
        after("WaitStateAborted"),
        item("MapIterationAborted", 1),
        after("WaitStateAborted"),
        after("ParallelStateAborted"),
        after("WaitStateAborted"),
        after("TaskStateAborted"),
        after("ParallelStateFailed"),
        format!("ExecutionFailed({})", failed + 10),
    ];
    assert_eq!(types, expected);
}

#[test]
fn a_failure_goes_up_through_every_map_around_it() {
    let inner = json!({"Type": "Map", "ItemProcessor": {"F": {"Type": "Fail", "Error": "E"}}});
    let state = json!({"Type": "Map", "ItemProcessor": {"I": inner}});
    assert_chain(
        &Play::of(only(state)).input("[[7]]").run(),
        "1 ExecutionStarted(0)
         2 MapStateEntered(0)
         3 MapStateStarted(2)
         4 MapIterationStarted(3){0}
         5 MapStateEntered(4)
         6 MapStateStarted(5)
         7 MapIterationStarted(6){0}
         8 FailStateEntered(7)
         9 MapIterationFailed(8){0}
         10 MapStateFailed(8)
         11 MapIterationFailed(10){0}
         12 MapStateFailed(10)
         13 ExecutionFailed(12)",
    );
}

#[test]
fn a_runtime_error_in_a_branch_ends_the_task_it_happened_in() {
    let broken = json!({"Type": "Task", "InputPath": "$.missing"});
    let state = json!({"Type": "Parallel", "Branches": [{"A": wait()}, {"B": broken}]});
    assert_chain(
        &Play::of(only(state)).run(),
        "1 ExecutionStarted(0)
         2 ParallelStateEntered(0)
         3 ParallelStateStarted(2)
         4 WaitStateEntered(3)
         5 TaskStateEntered(3)
         6 WaitStateAborted(5)
         7 TaskStateAborted(5)
         8 ParallelStateFailed(5)
         9 ExecutionFailed(8)",
    );
}

#[test]
fn a_branch_that_has_ended_or_not_begun_is_not_aborted() {
    let state =
        json!({"Type": "Parallel", "Branches": [{"A": {"Type": "Pass"}}, {"F": {"Type": "Fail", "Error": "E"}}, {"C": wait()}]});
    assert_chain(
        &Play::of(only(state)).run(),
        "1 ExecutionStarted(0)
         2 ParallelStateEntered(0)
         3 ParallelStateStarted(2)
         4 PassStateEntered(3)
         5 PassStateExited(4)
         6 FailStateEntered(3)
         7 ParallelStateFailed(6)
         8 ExecutionFailed(7)",
    );
}

#[test]
fn a_stopped_execution_has_no_aborted_states() {
    let state = json!({"Type": "Parallel", "Branches": [{"A": task()}, {"B": wait()}]});
    let played =
        Play::of(only(state)).tasks(|_| silent()).stop_after(3.0, statewright_tests::play::details("Stopped", "by hand")).run();
    let last = played.chain().lines().last().map(str::to_owned);
    assert_eq!(last.as_deref(), Some("8 ExecutionAborted(0)"), "{}", played.chain());
    assert_eq!((played.status, played.cancelled, played.seconds), ("ABORTED", vec![5], 3.0));
    assert_eq!(played.events[7]["executionAbortedEventDetails"], json!({"error": "Stopped", "cause": "by hand"}));
    assert_eq!(Play::of(only(task())).tasks(|_| succeeds("1")).run().cancelled, [0_u64; 0]);
}
