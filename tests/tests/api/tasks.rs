//! What workers say of their tasks.

use serde_json::{Value, json};
use statewright_interpreter::event::Event;
use statewright_tests::stage::Stage;
use std::sync::{Arc, Mutex};

use crate::{ask, created, one, refused, started, with};

/// An execution that waits for somebody with its token, and the token.
fn waiting(stage: &Stage, members: Value) -> (String, String) {
    let token = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&token);
    stage.answer_tasks(Box::new(move |task| {
        seen.lock().unwrap().clone_from(&task.token);
        vec![Event::TaskStarted { task: task.task, worker_name: None }]
    }));
    let state = json!({"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": "q", "MessageBody.$": "$$.Task.Token"}});
    let machine_arn = created(stage, "m", &one(with(state, members)), json!({}));
    let execution_arn = started(stage, &machine_arn, json!({}));
    let token = token.lock().unwrap().clone().unwrap();
    (execution_arn, token.to_string())
}

fn status(stage: &Stage, execution_arn: &str) -> String {
    let described = ask(stage, "DescribeExecution", json!({"executionArn": execution_arn}));
    let text = |name: &str| described.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
    [text("status"), text("output"), text("error"), text("cause")].join(" ")
}

const CLOSED: &str = "TaskTimedOut: Task Timed Out: 'Provided task does not exist anymore'";
const INVALID: &str = "InvalidToken: Invalid Token: 'Invalid token'";

#[test]
fn a_result_ends_the_task_and_its_token() {
    let stage = Stage::default();
    let (execution_arn, token) = waiting(&stage, json!({}));
    assert_eq!(ask(&stage, "SendTaskSuccess", json!({"taskToken": token, "output": "[1, 2]"})), json!({}));
    assert_eq!(status(&stage, &execution_arn), "SUCCEEDED [1, 2] - -");
    for operation in ["SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat"] {
        assert_eq!(refused(&stage, operation, json!({"taskToken": token, "output": "1"})), CLOSED);
    }
}

#[test]
fn a_failure_has_an_error_and_a_cause_or_neither() {
    let stage = Stage::default();
    let (execution_arn, token) = waiting(&stage, json!({}));
    ask(&stage, "SendTaskFailure", json!({"taskToken": token, "error": "Own", "cause": "why"}));
    assert_eq!(status(&stage, &execution_arn), "FAILED - Own why");
    let stage = Stage::default();
    let (execution_arn, token) = waiting(&stage, json!({}));
    ask(&stage, "SendTaskFailure", json!({"taskToken": token}));
    assert_eq!(status(&stage, &execution_arn), "FAILED - - -");
}

#[test]
fn heartbeats_keep_a_task_alive_and_leave_no_trace() {
    let stage = Stage::default();
    let (execution_arn, token) = waiting(&stage, json!({"HeartbeatSeconds": 10}));
    let history = || ask(&stage, "GetExecutionHistory", json!({"executionArn": execution_arn}))["events"].clone();
    let before = history();
    let later = |seconds| stage.clock.advance_to(statewright_engine::Clock::now(&stage.clock).plus_seconds(seconds));
    later(9);
    assert_eq!(ask(&stage, "SendTaskHeartbeat", json!({"taskToken": token})), json!({}));
    assert_eq!(history(), before);
    stage.settle(&execution_arn);
    let events = history();
    let timed_out = events.as_array().unwrap().iter().find(|event| event["type"] == "TaskTimedOut").unwrap();
    let seconds = timed_out["timestamp"].as_f64().unwrap() - before[0]["timestamp"].as_f64().unwrap();
    assert!((19.0..20.0).contains(&seconds), "{seconds}");
    assert_eq!(refused(&stage, "SendTaskHeartbeat", json!({"taskToken": token})), CLOSED);
}

#[test]
fn a_token_of_an_execution_that_was_stopped_is_closed() {
    let stage = Stage::default();
    let (execution_arn, token) = waiting(&stage, json!({}));
    ask(&stage, "StopExecution", json!({"executionArn": execution_arn}));
    assert_eq!(refused(&stage, "SendTaskSuccess", json!({"taskToken": token, "output": "1"})), CLOSED);
}

#[test]
fn a_token_that_nobody_gave_out_is_invalid() {
    let stage = Stage::default();
    let (execution_arn, token) = waiting(&stage, json!({}));
    // The same execution elsewhere has other tokens: its seed is another.
    let elsewhere = Stage::default();
    ask(&elsewhere, "CreateActivity", json!({"name": "a"}));
    let (_, other) = waiting(&elsewhere, json!({}));
    let cut = token.get(..token.len() - 1).unwrap();
    for wrong in ["token", " ", other.as_str(), cut] {
        for operation in ["SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat"] {
            assert_eq!(refused(&stage, operation, json!({"taskToken": wrong, "output": "1"})), INVALID, "{wrong}");
        }
    }
    // And one of an execution that is not there.
    assert_eq!(refused(&Stage::default(), "SendTaskHeartbeat", json!({"taskToken": token})), INVALID);
    assert_eq!(status(&stage, &execution_arn), "RUNNING - - -");
}

#[test]
fn a_result_is_json() {
    let stage = Stage::default();
    let (execution_arn, token) = waiting(&stage, json!({}));
    for wrong in ["", "done", "{'a': 1}", "1 2"] {
        let error = refused(&stage, "SendTaskSuccess", json!({"taskToken": token, "output": wrong}));
        assert!(error.starts_with("InvalidOutput: Invalid Output: '"), "{error}");
    }
    assert_eq!(status(&stage, &execution_arn), "RUNNING - - -");
}
