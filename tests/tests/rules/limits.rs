//! Limits: 256 KiB, 25,000 events, the time an execution may take.

use serde_json::{Value, json};
use statewright_interpreter::quota::Quotas;
use statewright_tests::play::{Play, Played, details, fails, silent, succeeds};

use crate::{assert_failed, machine, only, with};

/// 256 KiB.
const MOST: usize = 262_144;

/// A text that is this long as JSON.
fn text(bytes: usize) -> Value {
    Value::from("x".repeat(bytes - 2))
}

/// What `play` does with a payload of 256 KiB passes, with one of a byte more it fails.
#[track_caller]
fn to_the_byte(what: &str, play: impl Fn(usize) -> Played) {
    let (fits, too_large) = (play(MOST), play(MOST + 1));
    assert_eq!(fits.status, "SUCCEEDED", "{}: {}", fits.error_name(), fits.cause());
    let cause =
        format!("The state/task '{what}' returned a result with a size exceeding the maximum number of bytes service limit.");
    assert_failed(&too_large, "States.DataLimitExceeded", &cause);
    assert_eq!(too_large.cause(), cause);
}

#[test]
fn an_output_may_have_256_kib_to_the_byte() {
    to_the_byte("S", |bytes| Play::of(only(json!({"Type": "Pass", "Result": text(bytes)}))).run());
    // `{"a":…,"r":1}` is twelve bytes longer than what stands at `a`.
    let merged = json!({"Type": "Pass", "Result": 1, "ResultPath": "$.r"});
    to_the_byte("S", |bytes| Play::of(only(merged.clone())).input(json!({"a": text(bytes - 12)})).run());
    to_the_byte("S", |bytes| Play::of(only(json!({"Type": "Pass"}))).input(text(bytes)).run());
}

#[test]
fn bytes_are_counted_as_utf_8_and_as_the_text_is_written() {
    let text = |bytes: usize| Value::from("é".repeat((bytes - 2) / 2) + &"x".repeat(bytes % 2));
    to_the_byte("S", |bytes| Play::of(only(json!({"Type": "Pass"}))).input(text(bytes)).run());
    let blanks = |bytes: usize| format!("[{}]", " ".repeat(bytes - 2));
    to_the_byte("S", |bytes| Play::of(only(json!({"Type": "Pass"}))).input(blanks(bytes)).run());
    let escaped = |bytes: usize| Value::from("\n".repeat((bytes - 2) / 2) + &"x".repeat(bytes % 2));
    to_the_byte("S", |bytes| Play::of(only(json!({"Type": "Pass", "Result": escaped(bytes)}))).run());
}

#[test]
fn the_result_of_a_task_may_have_256_kib_to_the_byte() {
    let called = |resource: &'static str| {
        move |bytes| {
            let state = json!({"Type": "Task", "Resource": resource, "ResultPath": null});
            Play::of(only(state)).answers([succeeds(text(bytes))]).run()
        }
    };
    let function = "arn:aws:lambda:us-east-1:123456789012:function:f";
    let activity = "arn:aws:states:us-east-1:123456789012:activity:a";
    to_the_byte("sqs", called("arn:aws:states:::sqs:sendMessage"));
    to_the_byte("lambda", called("arn:aws:states:::lambda:invoke"));
    to_the_byte("aws-sdk:s3", called("arn:aws:states:::aws-sdk:s3:getObject"));
    to_the_byte(function, called(function));
    to_the_byte(activity, called(activity));
    let played = called(function)(MOST + 1);
    assert!(played.chain().ends_with("5 LambdaFunctionFailed(4)\n6 ExecutionFailed(5)"));
}

#[test]
fn the_answer_of_a_submitting_call_may_have_256_kib_to_the_byte() {
    let state = json!({"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken"});
    to_the_byte("sqs", |bytes| Play::of(only(state.clone())).answers([succeeds("1").submitted(text(bytes))]).run());
}

#[test]
fn parameters_may_have_256_kib_to_the_byte() {
    let state = json!({"Type": "Task", "Parameters": {"p.$": "$"}});
    let answer = |bytes: usize| Play::of(only(state.clone())).input(text(bytes - 6)).answers([succeeds("1")]).run();
    to_the_byte("S", answer);
    assert_eq!(answer(MOST + 1).count("TaskScheduled"), 0);
    let parallel = json!({"Type": "Parallel", "Parameters": {"p.$": "$"}, "Branches": [{"P": {"Type": "Pass", "Result": 1}}]});
    to_the_byte("S", |bytes| Play::of(only(parallel.clone())).input(text(bytes - 6)).run());
    let map =
        json!({"Type": "Map", "ItemSelector": {"p.$": "$$.Map.Item.Value"}, "ItemProcessor": {"P": {"Type": "Pass", "Result": 1}}});
    to_the_byte("S", |bytes| Play::of(only(map.clone())).input(json!([text(bytes - 6)])).run());
}

#[test]
fn the_joined_output_of_a_map_or_parallel_may_have_256_kib_to_the_byte() {
    let map = json!({"Type": "Map", "ItemProcessor": {"T": {"Type": "Task"}}});
    to_the_byte("S", |bytes| Play::of(only(map.clone())).input("[1,2]").answers([succeeds("1"), succeeds(text(bytes - 4))]).run());
    let parallel = json!({"Type": "Parallel", "Branches": [{"T": {"Type": "Task"}}, {"P": {"Type": "Pass", "Result": 1}}]});
    to_the_byte("S", |bytes| Play::of(only(parallel.clone())).answers([succeeds(text(bytes - 4))]).run());
}

#[test]
fn a_payload_that_is_too_large_can_be_caught_by_the_state_that_made_it() {
    let catch = json!({"Catch": [{"ErrorEquals": ["States.DataLimitExceeded"], "Next": "Z"}], "Next": "Z"});
    let task = with(json!({"Type": "Task"}), catch);
    let states = json!({"S": task, "Z": {"Type": "Pass"}});
    let played = Play::of(machine(states)).answers([succeeds(text(MOST + 1))]).run();
    assert_eq!(played.output()["Error"], "States.DataLimitExceeded");
}

/// A machine that goes round for ever.
fn endless() -> Value {
    machine(json!({"P": {"Type": "Pass", "Next": "C"},
        "C": {"Type": "Choice", "Choices": [{"Variable": "$", "IsNull": true, "Next": "Z"}], "Default": "P"}, "Z": {"Type": "Succeed"}}))
}

#[track_caller]
fn assert_full(played: &Played, events: usize) {
    let cause = format!("The execution reached the maximum number of history events ({events}).");
    assert_failed(played, "States.Runtime", &cause);
    assert_eq!(played.events.len(), events);
    let last = format!("{events} ExecutionFailed({})", events - 1);
    assert_eq!(played.chain().lines().last(), Some(&*last));
    assert_eq!(played.details("ExecutionFailed"), [json!({"error": "States.Runtime", "cause": cause})]);
}

#[test]
fn the_event_25_000_is_that_the_execution_failed() {
    assert_full(&Play::of(endless()).without_crashes().run(), 25_000);
}

/// Whatever event is the last but one that fits, the last one says that the execution failed.
#[test]
fn a_full_history_ends_the_execution_wherever_it_is() {
    let map = json!({"Type": "Map", "MaxConcurrency": 2, "ItemProcessor": {"A": {"Type": "Task"}},
        "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 1}], "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "P"}], "Next": "P"});
    let branch = json!({"B": {"Type": "Pass", "Next": "B2"}, "B2": {"Type": "Wait", "Seconds": 1}});
    let parallel = json!({"Type": "Parallel", "Branches": [branch, {"C": {"Type": "Task"}}]});
    let machine = machine(json!({"M": map, "P": parallel}));
    let play = |max: u64| {
        Play::of(&machine)
            .input("[0,1,2]")
            .tasks(|task| if task.map_item_index == Some(2) { fails("E", "") } else { succeeds("1").after(1.0) })
            .quotas(move |quotas| quotas.history_events_max = max)
            .run()
    };
    let whole = play(25_000);
    assert_eq!(whole.status, "SUCCEEDED");
    let events = whole.events.len();
    for max in 3..events {
        let played = play(max as u64);
        assert_full(&played, max);
        assert_eq!(played.events[..max - 1], whole.events[..max - 1]);
        // Every task that was started has its event; what is open is cancelled.
        let scheduled = played.count("TaskScheduled");
        assert_eq!(played.started.len(), scheduled, "{max}");
    }
    // One that ends with the last event that fits, or with the one before, has not reached the limit.
    assert_eq!(play(events as u64).events, whole.events);
    assert_eq!(play(events as u64 + 1).events, whole.events);
}

#[test]
fn an_express_execution_has_no_limit_of_25_000_events() {
    assert_eq!(Quotas::aws(true).history_events_max, 1_000_000);
    let played = Play::of_express(endless()).quotas(|quotas| quotas.history_events_max = 30_000).without_crashes().run();
    assert_full(&played, 30_000);
}

#[test]
fn an_execution_may_take_a_year_and_an_express_one_five_minutes() {
    let wait = only(json!({"Type": "Wait", "Seconds": 99_999_999}));
    let year = Play::of(&wait).run();
    assert_eq!((year.status, year.seconds), ("TIMED_OUT", 365.0 * 86_400.0));
    let minutes = Play::of_express(&wait).run();
    assert_eq!((minutes.status, minutes.seconds), ("TIMED_OUT", 300.0));
}

#[test]
fn the_machines_own_time_limit_ends_it_without_error_or_cause() {
    let limited = |state: Value| Play::of(with(only(state), json!({"TimeoutSeconds": 10}))).tasks(|_| silent()).run();
    let catch = json!({"Type": "Parallel", "Branches": [{"W": {"Type": "Wait", "Seconds": 60}}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "S"}]});
    for state in [json!({"Type": "Wait", "Seconds": 60}), json!({"Type": "Task", "TimeoutSeconds": 10}), catch] {
        let played = limited(state);
        let last = played.chain().lines().last().map(str::to_owned).unwrap();
        assert!(last.ends_with(" ExecutionTimedOut(0)"), "{last}");
        assert_eq!((played.status, played.seconds), ("TIMED_OUT", 10.0));
        assert_eq!(played.details("ExecutionTimedOut"), [json!({})]);
    }
    let task = limited(json!({"Type": "Task"}));
    assert_eq!(task.cancelled, [3]);
    let sooner = Play::of_express(with(only(json!({"Type": "Wait", "Seconds": 60})), json!({"TimeoutSeconds": 9_999})));
    assert_eq!(sooner.run().status, "SUCCEEDED");
}

#[test]
fn a_stopped_execution_shows_what_the_caller_gave() {
    let wait = only(json!({"Type": "Wait", "Seconds": 60}));
    let stopped = Play::of(&wait).stop_after(5.0, details("E", "by hand")).run();
    assert!(stopped.chain().ends_with("2 WaitStateEntered(0)\n3 ExecutionAborted(0)"));
    assert_eq!(stopped.details("ExecutionAborted"), [json!({"error": "E", "cause": "by hand"})]);
    let silent = Play::of(&wait).stop_after(5.0, Default::default()).run();
    assert_eq!(silent.details("ExecutionAborted"), [json!({})]);
    let done = Play::of(only(json!({"Type": "Pass"}))).stop_after(5.0, details("E", "")).run();
    assert_eq!(done.status, "SUCCEEDED");
}

#[test]
fn a_machine_of_ones_own_has_wider_limits() {
    let relaxed = Quotas::relaxed();
    let large = Play::of(only(json!({"Type": "Pass"}))).input(text(MOST + 1)).quotas(|quotas| *quotas = relaxed).run();
    assert_eq!(large.status, "SUCCEEDED");
    let long =
        Play::of(endless()).quotas(|quotas| *quotas = Quotas { history_events_max: 26_000, ..relaxed }).without_crashes().run();
    assert_full(&long, 26_000);
    let wait = Play::of(only(json!({"Type": "Wait", "Seconds": 99_999_999}))).quotas(|quotas| *quotas = relaxed).run();
    assert_eq!(wait.status, "SUCCEEDED");
    let deep = "{% ($f := function($n) { $n = 0 ? 0 : 1 + $f($n - 1) }; $f(150)) %}";
    let expression = only(json!({"Type": "Pass", "QueryLanguage": "JSONata", "Output": deep}));
    assert_failed(&Play::of(&expression).run(), "States.QueryEvaluationError", "Stack overflow error");
    assert_eq!(Play::of(expression).quotas(|quotas| *quotas = relaxed).run().output(), json!(150));
}

#[test]
fn nesting_has_a_bound_even_where_a_loop_wraps_its_output_in_lists() {
    let states = json!({"P": {"Type": "Parallel", "Branches": [{"I": {"Type": "Pass"}}], "Next": "C"},
        "C": {"Type": "Choice", "Choices": [{"Variable": "$", "IsNull": true, "Next": "Z"}], "Default": "P"}, "Z": {"Type": "Succeed"}});
    let played = Play::of(machine(states)).without_crashes().run();
    assert_failed(&played, "States.Runtime", "nests arrays and objects deeper than");
}
