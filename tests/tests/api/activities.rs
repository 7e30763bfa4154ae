//! Activities.

use serde_json::{Value, json};
use statewright_tests::stage::Stage;

use crate::{arn, ask, created, members, one, refused, started};

#[test]
fn an_activity_is_created_once_described_listed_and_deleted() {
    let stage = Stage::default();
    let first = ask(&stage, "CreateActivity", json!({"name": "a"}));
    assert_eq!(members(&first), ["activityArn", "creationDate"]);
    let again = json!({"name": "a", "tags": [{"key": "k"}], "encryptionConfiguration": {"type": "AWS_OWNED_KEY"}});
    assert_eq!(ask(&stage, "CreateActivity", again), first);
    let (activity_arn, date) = (arn("activity", "a"), &first["creationDate"]);
    let described = ask(&stage, "DescribeActivity", json!({"activityArn": activity_arn}));
    let entry = json!({"activityArn": activity_arn, "name": "a", "creationDate": date});
    assert_eq!(described, crate::with(entry.clone(), json!({"encryptionConfiguration": {"type": "AWS_OWNED_KEY"}})));
    assert_eq!(ask(&stage, "ListActivities", json!({})), json!({"activities": [entry]}));
    for _ in 0..2 {
        assert_eq!(ask(&stage, "DeleteActivity", json!({"activityArn": activity_arn})), json!({}));
    }
    assert_eq!(ask(&stage, "ListActivities", json!({})), json!({"activities": []}));
    let missing = format!("ActivityDoesNotExist: Activity Does Not Exist: '{activity_arn}'");
    assert_eq!(refused(&stage, "DescribeActivity", json!({"activityArn": activity_arn})), missing);
    assert_eq!(refused(&stage, "GetActivityTask", json!({"activityArn": activity_arn})), missing);
    // It may be created again, and is another one.
    assert_ne!(ask(&stage, "CreateActivity", json!({"name": "a"}))["creationDate"], *date);
    assert_eq!(stage.table.snapshot().len(), 2);
}

/// A machine with a task of the activity `a`, and an execution of it.
fn waiting(stage: &Stage, input: Value) -> String {
    ask(stage, "CreateActivity", json!({"name": "a"}));
    let definition = one(json!({"Type": "Task", "Resource": arn("activity", "a"), "TimeoutSeconds": 100}));
    let machine_arn = created(stage, "m", &definition, json!({}));
    started(stage, &machine_arn, json!({"input": input.to_string()}))
}

#[test]
fn a_worker_gets_the_task_once_and_answers_with_its_token() {
    let stage = Stage::default();
    let execution_arn = waiting(&stage, json!({"n": 1}));
    let poll = || ask(&stage, "GetActivityTask", json!({"activityArn": arn("activity", "a"), "workerName": "w"}));
    let task = poll();
    assert_eq!(task["input"], r#"{"n":1}"#);
    assert_eq!(poll(), json!({}));
    ask(&stage, "SendTaskSuccess", json!({"taskToken": task["taskToken"], "output": "{\"done\": 1}"}));
    let described = ask(&stage, "DescribeExecution", json!({"executionArn": execution_arn}));
    assert_eq!((&described["status"], &described["output"]), (&json!("SUCCEEDED"), &json!("{\"done\": 1}")));
    let history = ask(&stage, "GetExecutionHistory", json!({"executionArn": execution_arn}));
    assert_eq!(history.pointer("/events/3/activityStartedEventDetails/workerName"), Some(&json!("w")));
}

#[test]
fn a_task_that_nobody_wants_any_more_is_not_given_out() {
    let stage = Stage::default();
    let execution_arn = waiting(&stage, json!({}));
    ask(&stage, "StopExecution", json!({"executionArn": execution_arn}));
    assert_eq!(ask(&stage, "GetActivityTask", json!({"activityArn": arn("activity", "a")})), json!({}));
}

#[test]
fn a_workers_name_is_a_name() {
    let stage = Stage::default();
    ask(&stage, "CreateActivity", json!({"name": "a"}));
    let poll = |worker: &str| json!({"activityArn": arn("activity", "a"), "workerName": worker});
    assert_eq!(refused(&stage, "GetActivityTask", poll("a:b")), "InvalidName: Invalid Name: 'a:b'");
    assert!(refused(&stage, "GetActivityTask", poll(&"w".repeat(81))).contains("at 'workerName' failed"));
}
