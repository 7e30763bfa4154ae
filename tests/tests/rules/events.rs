//! What comes from outside.

use serde_json::json;
use statewright_interpreter::event::FailedStage;
use statewright_tests::play::{Play, fails_at, only_submitted, overtakes, silent, succeeds};

use crate::{assert_chain, machine, only};

#[test]
fn a_result_that_overtakes_the_start_shows_the_start_first() {
    let played = Play::of(only(json!({"Type": "Task"}))).tasks(|_| overtakes("1").after(2.0)).run();
    assert_chain(
        &played,
        "1 ExecutionStarted(0)
         2 TaskStateEntered(0)
         3 TaskScheduled(2)
         4 TaskStarted(3)
         5 TaskSucceeded(4)
         6 TaskStateExited(5)
         7 ExecutionSucceeded(6)",
    );
    assert_eq!(played.times("TaskStarted"), [2.0]);
}

#[test]
fn word_that_a_task_was_submitted_says_that_it_was_started_too() {
    let state = json!({"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "TimeoutSeconds": 5});
    let played = Play::of(only(state)).tasks(|_| only_submitted("1").after(2.0).twice()).run();
    assert_chain(
        &played,
        "1 ExecutionStarted(0)
         2 TaskStateEntered(0)
         3 TaskScheduled(2)
         4 TaskStarted(3)
         5 TaskSubmitted(4)
         6 TaskTimedOut(5)
         7 ExecutionFailed(6)",
    );
    assert_eq!((played.seconds, played.ignored), (7.0, 1));
}

#[test]
fn what_comes_twice_or_too_late_is_ignored() {
    let twice = Play::of(only(json!({"Type": "Task"}))).tasks(|_| succeeds("1").twice()).run();
    assert_eq!((twice.status, twice.ignored), ("SUCCEEDED", 1));
    // Word of the start that comes again does not start the clock again.
    let state = json!({"Type": "Task", "TimeoutSeconds": 5});
    let started_twice = Play::of(only(state)).tasks(|_| silent().twice().after(3.0)).run();
    assert_eq!((started_twice.seconds, started_twice.ignored, started_twice.count("TaskStarted")), (5.0, 1, 1));
    // The first attempt times out after a second; its answer comes while the second attempt runs.
    let retried =
        json!({"Type": "Task", "TimeoutSeconds": 1, "Retry": [{"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 1}]});
    let late = Play::of(only(retried)).answers([succeeds("\"late\"").after(2.5), succeeds("\"second\"").after(0.9)]).run();
    assert_eq!((late.output(), late.ignored, late.cancelled), (json!("second"), 1, vec![3]));
}

#[test]
fn a_task_may_fail_before_it_runs() {
    let failed = |resource: &str, stage| {
        let played =
            Play::of(only(json!({"Type": "Task", "Resource": resource}))).tasks(move |_| fails_at(stage, "E", "why")).run();
        played.chain().lines().skip(3).map(|line| line.split_once(' ').unwrap().1.to_owned()).collect::<Vec<_>>()
    };
    let function = "arn:aws:lambda:us-east-1:123456789012:function:f";
    let activity = "arn:aws:states:us-east-1:123456789012:activity:a";
    let sqs = "arn:aws:states:::sqs:sendMessage.waitForTaskToken";
    assert_eq!(failed(sqs, FailedStage::Starting), ["TaskStartFailed(3)", "ExecutionFailed(4)"]);
    assert_eq!(failed(sqs, FailedStage::Submitting), ["TaskStarted(3)", "TaskSubmitFailed(4)", "ExecutionFailed(5)"]);
    assert_eq!(failed(function, FailedStage::Scheduling), ["LambdaFunctionScheduleFailed(3)", "ExecutionFailed(4)"]);
    assert_eq!(failed(function, FailedStage::Starting), ["LambdaFunctionStartFailed(3)", "ExecutionFailed(4)"]);
    assert_eq!(failed(activity, FailedStage::Scheduling), ["ActivityScheduleFailed(3)", "ExecutionFailed(4)"]);
}

#[test]
fn deadlines_that_have_passed_are_all_applied_when_somebody_looks() {
    let wait = |name: &str, seconds: u32| json!({name: {"Type": "Wait", "Seconds": seconds}});
    let state = json!({"Type": "Parallel", "Branches": [wait("A", 3), wait("B", 1), wait("C", 2)]});
    let played = Play::of(only(state)).late_by(10.0).run();
    assert_eq!(played.times("WaitStateExited"), [11.0, 11.0, 11.0]);
    // In the order in which they were due.
    let left: Vec<_> = played.details("WaitStateExited").iter().map(|details| details["name"].clone()).collect();
    assert_eq!(left, ["B", "C", "A"]);
    let in_time = crate::with(only(json!({"Type": "Wait", "Seconds": 1})), json!({"TimeoutSeconds": 2}));
    assert_eq!(Play::of(in_time).late_by(10.0).run().status, "SUCCEEDED");
}

#[test]
fn whichever_was_due_first_is_what_happened_however_late_somebody_looks() {
    let caught = |heartbeat: u32, timeout: u32| {
        let state = json!({"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "Next": "Z",
            "HeartbeatSeconds": heartbeat, "TimeoutSeconds": timeout, "Catch": [
                {"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "H"}, {"ErrorEquals": ["States.Timeout"], "Next": "Z"}]});
        let states = json!({"S": state, "H": {"Type": "Pass", "Result": "heartbeat"}, "Z": {"Type": "Pass", "Result": "time-out"}});
        let beating = silent().beating((1..6).collect::<Vec<_>>());
        Play::of(machine(states)).answers([beating]).late_by(60.0).run().output()
    };
    assert_eq!(caught(2, 9), json!("heartbeat"));
    assert_eq!(caught(2, 6), json!("time-out"));
}
