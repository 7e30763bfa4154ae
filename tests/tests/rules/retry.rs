//! Retry: who is asked, how often, and how long the pauses are.

use serde_json::{Value, json};
use statewright_tests::play::{Answer, Play, Played, fails, succeeds};

use crate::{machine, only};

/// A task with this `Retry` that gets these answers, and the last one over and over.
fn task(retry: Value, answers: &[Answer]) -> Played {
    Play::of(only(json!({"Type": "Task", "Retry": retry}))).answers(answers.to_vec()).run()
}

/// The seconds at which the attempts of a task begin that always fails at once, with this retrier.
fn attempts(retrier: Value) -> Vec<f64> {
    let retrier = crate::with(json!({"ErrorEquals": ["States.ALL"]}), retrier);
    task(json!([retrier]), &[fails("E", "")]).times("TaskScheduled")
}

#[test]
fn the_pauses_are_the_interval_times_the_rate_to_the_power_of_the_attempts_before() {
    assert_eq!(attempts(json!({})), [0.0, 1.0, 3.0, 7.0]);
    assert_eq!(attempts(json!({"IntervalSeconds": 3, "BackoffRate": 1.5, "MaxAttempts": 4})), [0.0, 3.0, 7.5, 14.25, 24.375]);
    assert_eq!(attempts(json!({"IntervalSeconds": 3, "BackoffRate": 1.0})), [0.0, 3.0, 6.0, 9.0]);
    assert_eq!(attempts(json!({"IntervalSeconds": 10, "MaxAttempts": 1})), [0.0, 10.0]);
    assert_eq!(attempts(json!({"IntervalSeconds": 86_400, "BackoffRate": 10.0, "MaxAttempts": 2})), [0.0, 86_400.0, 950_400.0]);
}

#[test]
fn no_pause_is_longer_than_the_maximum_delay() {
    let at = attempts(json!({"IntervalSeconds": 1, "MaxDelaySeconds": 5, "MaxAttempts": 5}));
    assert_eq!(at, [0.0, 1.0, 3.0, 7.0, 12.0, 17.0]);
    assert_eq!(attempts(json!({"IntervalSeconds": 3, "MaxDelaySeconds": 4, "MaxAttempts": 3})), [0.0, 3.0, 7.0, 11.0]);
}

#[test]
fn full_jitter_draws_anything_from_nothing_to_the_whole_pause() {
    let retrier = json!([{"ErrorEquals": ["E"], "IntervalSeconds": 10, "MaxAttempts": 2, "JitterStrategy": "FULL"}]);
    let pauses = |seed| {
        let play = Play::of(only(json!({"Type": "Task", "Retry": retrier}))).seed(seed).answers([fails("E", "")]);
        let at = play.run().times("TaskScheduled");
        (at[1], at[2] - at[1])
    };
    let drawn: Vec<_> = (0..200).map(pauses).collect();
    assert!(drawn.iter().all(|(first, second)| (0.0..=10.0).contains(first) && (0.0..=20.0).contains(second)));
    for part in [0.0..2.0, 4.0..6.0, 8.0..10.0] {
        assert!(drawn.iter().any(|(first, _)| part.contains(first)), "{part:?}");
        assert!(drawn.iter().any(|(_, second)| part.contains(&(second / 2.0))), "{part:?}");
    }
    // A pause is drawn anew each time, and the same again when the execution is played again.
    assert!(drawn.iter().any(|(first, second)| (second / 2.0 - first).abs() > 1.0));
    assert_eq!(pauses(7), drawn[7]);
    let none = json!({"IntervalSeconds": 10, "MaxAttempts": 1, "JitterStrategy": "NONE"});
    assert_eq!(attempts(none), [0.0, 10.0]);
}

#[test]
fn with_full_jitter_the_maximum_delay_bounds_what_is_drawn_from() {
    let retrier =
        json!([{"ErrorEquals": ["E"], "IntervalSeconds": 10, "MaxDelaySeconds": 11, "MaxAttempts": 2, "JitterStrategy": "FULL"}]);
    let second = |seed| {
        let play = Play::of(only(json!({"Type": "Task", "Retry": retrier}))).seed(seed).answers([fails("E", "")]);
        let at = play.run().times("TaskScheduled");
        at[2] - at[1]
    };
    let drawn: Vec<_> = (0..100).map(second).collect();
    assert!(drawn.iter().all(|pause| (0.0..=11.0).contains(pause)));
    assert!(drawn.iter().any(|&pause| pause > 10.0));
}

#[test]
fn a_maximum_of_no_attempts_means_never() {
    assert_eq!(attempts(json!({"MaxAttempts": 0})), [0.0]);
    // The retrier that matches decides: one behind it is not asked.
    let retry = json!([{"ErrorEquals": ["E"], "MaxAttempts": 0}, {"ErrorEquals": ["States.ALL"], "MaxAttempts": 5}]);
    assert_eq!(task(retry, &[fails("E", "")]).count("TaskScheduled"), 1);
}

#[test]
fn the_first_retrier_that_matches_is_the_one_and_each_counts_for_itself() {
    let retry = json!([
        {"ErrorEquals": ["A"], "IntervalSeconds": 1, "MaxAttempts": 2},
        {"ErrorEquals": ["B"], "IntervalSeconds": 10, "MaxAttempts": 1},
        {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 100, "MaxAttempts": 1}
    ]);
    let (a, b, c) = (fails("A", ""), fails("B", ""), fails("C", ""));
    let played = task(retry.clone(), &[a.clone(), b.clone(), a.clone(), c.clone(), succeeds("1")]);
    assert_eq!(played.times("TaskScheduled"), [0.0, 1.0, 11.0, 13.0, 113.0]);
    assert_eq!(played.status, "SUCCEEDED");
    // The third A: its retrier is used up, and the one for all errors is not asked.
    let played = task(retry, &[a.clone(), b, a.clone(), a]);
    assert_eq!((played.count("TaskScheduled"), played.error_name()), (4, "A"));
}

#[test]
fn a_retried_task_is_scheduled_again_behind_its_failure_without_being_left_or_entered() {
    let played = task(json!([{"ErrorEquals": ["E"], "MaxAttempts": 1}]), &[fails("E", ""), succeeds("1")]);
    crate::assert_chain(
        &played,
        "1 ExecutionStarted(0)
         2 TaskStateEntered(0)
         3 TaskScheduled(2)
         4 TaskStarted(3)
         5 TaskFailed(4)
         6 TaskScheduled(5)
         7 TaskStarted(6)
         8 TaskSucceeded(7)
         9 TaskStateExited(8)
         10 ExecutionSucceeded(9)",
    );
}

#[test]
fn the_counters_start_anew_when_the_state_is_entered_again() {
    let states = json!({
        "T": {"Type": "Task", "Next": "Z",
            "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 2}], "Catch": [{"ErrorEquals": ["E"], "Next": "W"}]},
        "W": {"Type": "Wait", "Seconds": 100, "Next": "T"},
        "Z": {"Type": "Succeed"}
    });
    let answers = std::iter::repeat_n(fails("E", ""), 4).chain([succeeds("1")]);
    let played = Play::of(machine(states)).answers(answers).run();
    assert_eq!(played.times("TaskScheduled"), [0.0, 1.0, 3.0, 103.0, 104.0]);
    assert_eq!(played.times("TaskStateEntered"), [0.0, 103.0]);
}

#[test]
fn the_parameters_are_evaluated_again_and_see_the_number_of_retries() {
    let state = json!({"Type": "Task", "Parameters": {"n.$": "$$.State.RetryCount"}, "Retry": [
        {"ErrorEquals": ["A"], "MaxAttempts": 1}, {"ErrorEquals": ["B"], "MaxAttempts": 1}
    ]});
    let played = Play::of(only(state)).answers([fails("A", ""), fails("B", ""), succeeds("1")]).run();
    assert_eq!(played.parameters(), [r#"{"n":0}"#, r#"{"n":1}"#, r#"{"n":2}"#]);
    assert_eq!(played.started.iter().map(|task| task.retry_count).collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn a_map_and_a_parallel_are_retried_as_a_whole() {
    let task = json!({"T": {"Type": "Task"}});
    let retry = json!([{"ErrorEquals": ["E"], "IntervalSeconds": 2}]);
    let map = json!({"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": task, "Retry": retry});
    let played = Play::of(only(map)).input("[1,2]").answers([succeeds("1"), fails("E", ""), succeeds("3"), succeeds("4")]).run();
    assert_eq!((played.output(), played.times("MapStateStarted")), (json!([3, 4]), vec![0.0, 2.0]));
    assert_eq!(played.count("MapStateEntered"), 1);
    let parallel = json!({"Type": "Parallel", "Branches": [task], "Retry": retry});
    let played = Play::of(only(parallel)).answers([fails("E", ""), succeeds("3")]).run();
    assert_eq!((played.output(), played.times("ParallelStateStarted")), (json!([3]), vec![0.0, 2.0]));
}

#[test]
fn a_pause_of_a_fraction_of_a_second_is_kept_to_the_millisecond() {
    let at = attempts(json!({"IntervalSeconds": 1, "BackoffRate": 1.001, "MaxAttempts": 3}));
    assert_eq!(at, [0.0, 1.0, 2.001, 3.003]);
}
