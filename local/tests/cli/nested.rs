//! `--machine NAME=FILE`

use serde_json::json;

use crate::folder::Folder;

fn parent(pattern: &str, input: &str) -> Folder {
    let definition = format!(
        r#"{{"StartAt": "S", "States": {{"S": {{"Type": "Task", "Resource": "arn:aws:states:::states:startExecution{pattern}",
        "Parameters": {{"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:child", "Input": {input}}}, "End": true}}}}}}"#
    );
    let child = r#"{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "Next": "D"}, "D": {"Type": "Choice", "Default": "Bad",
        "Choices": [{"Variable": "$.ok", "IsPresent": true, "Next": "P"}]},
        "P": {"Type": "Pass", "End": true}, "Bad": {"Type": "Fail", "Error": "ChildFailed", "Cause": "why"}}}"#;
    Folder::with(&definition).file("child.asl.json", child)
}

#[test]
fn a_job_is_waited_for() {
    let ran = parent(".sync:2", r#"{"ok": 1}"#).execute(&["--machine", "child=child.asl.json"]).code(0);
    insta::assert_snapshot!(
        "nested",
        ran.screen().lines().filter(|line| !line.starts_with("output")).collect::<Vec<_>>().join("\n")
    );
    let output = ran.json();
    assert_eq!(output.get("Output"), Some(&json!({"ok": 1})));
    assert_eq!(output.get("Status"), Some(&json!("SUCCEEDED")));
    assert_eq!(output.get("StopDate"), Some(&json!("2026-01-01T00:01:00Z")));
    let ran = parent(".sync", r#"{"ok": 1}"#).execute(&["--machine", "child=child.asl.json"]).code(0);
    assert_eq!(ran.json().get("Output"), Some(&json!(r#"{"ok":1}"#)));
    let ran = parent(".sync", "{}").execute(&["--machine", "child=child.asl.json", "--format", "json"]).code(1).json();
    assert_eq!(ran.get("error"), Some(&json!("States.TaskFailed")));
    assert!(ran.get("cause").unwrap().as_str().unwrap().contains(r#""Error":"ChildFailed""#), "{ran}");
}

#[test]
fn a_start_is_not_waited_for_but_runs_on() {
    let ran = parent("", "{}").execute(&["--machine", "child=child.asl.json"]).code(0).says(&["child FAILED", "ChildFailed"]);
    assert!(ran.json().get("ExecutionArn").unwrap().as_str().unwrap().contains(":execution:child:"));
}

#[test]
fn a_nested_execution_can_answer_the_callback() {
    let folder = parent(".waitForTaskToken", r#"{"token.$": "$$.Task.Token"}"#).file(
        "child.asl.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sfn:sendTaskSuccess",
        "Parameters": {"TaskToken.$": "$.token", "Output": {"approved": true}}, "End": true}}}"#,
    );
    let ran = folder.execute(&["--machine", "child=child.asl.json"]).code(0);
    assert_eq!(ran.json(), json!({"approved": true}));
}

#[test]
fn wrong_machines_are_explained() {
    let folder = parent("", "{}");
    folder.execute(&["--machine", "child"]).code(2).says(&["NAME=FILE"]);
    folder.execute(&["--machine", "child=nowhere.json"]).code(2).says(&["`nowhere.json` does not exist"]);
}

#[test]
fn a_machine_that_starts_itself_ends() {
    let definition = r#"{"StartAt": "S", "States": {"S": {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync",
        "Parameters": {"StateMachineArn": "m"}, "End": true}}}"#;
    Folder::with(definition).execute(&["--machine", "m=m.asl.json", "--quiet"]).code(1);
}

#[test]
fn a_started_execution_does_not_lengthen_or_mix_with_its_starter() {
    let ran = parent("", r#"{"ok": 1}"#).execute(&["--machine", "child=child.asl.json", "--format", "json"]).code(0);
    assert_eq!(ran.json().get("stopDate"), Some(&json!("2026-01-01T00:00:00Z")));
    ran.says(&["0 ms of virtual time"]);
    let ran = parent(".waitForTaskToken", r#"{"token.$": "$$.Task.Token"}"#).file(
        "child.asl.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sfn:sendTaskFailure",
        "Parameters": {"TaskToken.$": "$.token", "Error": "No"}, "End": true}}}"#,
    );
    let ran = ran.execute(&["--machine", "child=child.asl.json"]).code(1);
    let place = |text: &str| ran.stderr.find(text).unwrap();
    assert!(place("✘ S ") < place("✘ No") && place("✘ No") < place("child SUCCEEDED (started by `m`)"), "{}", ran.stderr);
}
