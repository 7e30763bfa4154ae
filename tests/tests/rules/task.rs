//! Task: its events, time-outs, heartbeats, callbacks and Credentials.

use serde_json::{Value, json};
use statewright_interpreter::execution::TaskToken;
use statewright_tests::play::{Answer, Play, Played, fails, silent, succeeds, unanswered};

use crate::{assert_chain, assert_failed, only, with};

const CALLBACK: &str = "arn:aws:states:::sqs:sendMessage.waitForTaskToken";
const SYNC: &str = "arn:aws:states:::states:startExecution.sync:2";
const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";
const ACTIVITY: &str = "arn:aws:states:us-east-1:123456789012:activity:a";

fn task(fields: Value, input: Value, answer: Answer) -> Played {
    Play::of(only(with(json!({"Type": "Task"}), fields))).input(input).answers([answer]).run()
}

/// When a task with these fields ends, and with what.
fn end(fields: Value, input: Value, answer: Answer) -> (f64, &'static str) {
    let played = task(fields, input, answer);
    let expected = if played.status == "FAILED" { "States.Timeout" } else { "" };
    assert_eq!(played.error_name(), expected, "{}", played.cause());
    (played.seconds, played.status)
}

#[test]
fn a_call_of_a_service_is_scheduled_started_and_succeeds() {
    let parameters = json!({"QueueUrl": "q", "MessageBody.$": "$.m"});
    let played = task(json!({"Parameters": parameters}), json!({"m": "hello"}), succeeds(json!({"MessageId": "1"})));
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
    let called = json!({"resourceType": "sqs", "resource": "sendMessage"});
    let scheduled = json!({"region": "us-east-1", "parameters": r#"{"QueueUrl":"q","MessageBody":"hello"}"#});
    assert_eq!(played.details("TaskScheduled"), [with(called.clone(), scheduled)]);
    assert_eq!(played.details("TaskStarted")[0], called);
    let output = json!({"output": r#"{"MessageId":"1"}"#, "outputDetails": {"truncated": false}});
    assert_eq!(played.details("TaskSucceeded"), [with(called, output)]);
}

#[test]
fn the_name_of_a_service_is_what_stands_before_the_last_colon() {
    for (resource, resource_type, action) in [
        ("arn:aws:states:::aws-sdk:s3:getObject", "aws-sdk:s3", "getObject"),
        ("arn:aws:states:::lambda:invoke", "lambda", "invoke"),
        (SYNC, "states", "startExecution.sync:2"),
        (CALLBACK, "sqs", "sendMessage.waitForTaskToken"),
        ("arn:aws:states:::http:invoke", "http", "invoke"),
    ] {
        let scheduled = task(json!({"Resource": resource}), json!({}), succeeds("1")).details("TaskScheduled")[0].clone();
        assert_eq!((&scheduled["resourceType"], &scheduled["resource"]), (&json!(resource_type), &json!(action)));
    }
}

#[test]
fn a_function_by_its_own_arn_has_events_of_its_own() {
    let played = task(json!({"Resource": FUNCTION, "TimeoutSeconds": 9}), json!({"a": 1}), succeeds("[1]"));
    assert_chain(
        &played,
        "1 ExecutionStarted(0)
         2 TaskStateEntered(0)
         3 LambdaFunctionScheduled(2)
         4 LambdaFunctionStarted(3)
         5 LambdaFunctionSucceeded(4)
         6 TaskStateExited(5)
         7 ExecutionSucceeded(6)",
    );
    let input = json!({"input": r#"{"a":1}"#, "inputDetails": {"truncated": false}});
    assert_eq!(played.details("LambdaFunctionScheduled"), [with(json!({"resource": FUNCTION, "timeoutInSeconds": 9}), input)]);
    assert_eq!(played.details("LambdaFunctionStarted"), [json!(null)]);
    let failed = task(json!({"Resource": FUNCTION}), json!({}), fails("Exception", "why"));
    assert_eq!(failed.details("LambdaFunctionFailed"), [json!({"error": "Exception", "cause": "why"})]);
    assert!(failed.chain().ends_with("5 LambdaFunctionFailed(4)\n6 ExecutionFailed(5)"));
}

#[test]
fn an_activity_shows_who_works_on_it() {
    let fields = json!({"Resource": ACTIVITY, "TimeoutSeconds": 90, "HeartbeatSeconds": 10});
    let played = task(fields, json!({}), succeeds("1").by("worker-7").picked_up_after(500.0));
    assert_chain(
        &played,
        "1 ExecutionStarted(0)
         2 TaskStateEntered(0)
         3 ActivityScheduled(2)
         4 ActivityStarted(3)
         5 ActivitySucceeded(4)
         6 TaskStateExited(5)
         7 ExecutionSucceeded(6)",
    );
    assert_eq!(played.details("ActivityStarted"), [json!({"workerName": "worker-7"})]);
    let scheduled = &played.details("ActivityScheduled")[0];
    assert_eq!((&scheduled["timeoutInSeconds"], &scheduled["heartbeatInSeconds"]), (&json!(90), &json!(10)));
    let nameless = task(json!({"Resource": ACTIVITY}), json!({}), succeeds("1"));
    assert_eq!(nameless.details("ActivityStarted"), [json!({})]);
    assert_eq!(nameless.details("ActivityScheduled")[0].as_object().unwrap().len(), 3);
}

#[test]
fn a_job_and_a_callback_are_submitted_before_they_end() {
    for resource in [CALLBACK, SYNC] {
        let played = task(json!({"Resource": resource}), json!({}), succeeds("\"done\"").after(60.0).submitted(json!({"Id": 1})));
        assert_chain(
            &played,
            "1 ExecutionStarted(0)
             2 TaskStateEntered(0)
             3 TaskScheduled(2)
             4 TaskStarted(3)
             5 TaskSubmitted(4)
             6 TaskSucceeded(5)
             7 TaskStateExited(6)
             8 ExecutionSucceeded(7)",
        );
        assert_eq!(played.details("TaskSubmitted")[0]["output"], r#"{"Id":1}"#);
        assert_eq!((played.output(), played.seconds), (json!("done"), 60.0));
        let failed = task(json!({"Resource": resource}), json!({}), fails("E", "why").submitted("1"));
        assert!(failed.chain().ends_with("5 TaskSubmitted(4)\n6 TaskFailed(5)\n7 ExecutionFailed(6)"));
    }
}

#[test]
fn a_time_out_counts_from_the_start_of_the_task() {
    assert_eq!(end(json!({"TimeoutSeconds": 5}), json!({}), silent()), (5.0, "FAILED"));
    assert_eq!(end(json!({"TimeoutSeconds": 5}), json!({}), silent().picked_up_after(100.0)), (105.0, "FAILED"));
    assert_eq!(end(json!({"TimeoutSeconds": 5}), json!({}), succeeds("1").after(4.999)), (4.999, "SUCCEEDED"));
    assert_eq!(end(json!({"TimeoutSecondsPath": "$.t"}), json!({"t": 3}), silent()), (3.0, "FAILED"));
    assert_eq!(
        end(json!({"InputPath": "$.a", "TimeoutSecondsPath": "$.t"}), json!({"a": {"t": 3}, "t": 9}), silent()),
        (3.0, "FAILED")
    );
}

#[test]
fn a_task_that_nobody_starts_waits_as_long_as_the_execution_may() {
    let played = task(json!({"Resource": ACTIVITY, "TimeoutSeconds": 5}), json!({}), unanswered());
    assert_eq!((played.status, played.seconds), ("TIMED_OUT", 365.0 * 86_400.0));
}

#[test]
fn a_time_out_has_no_cause_and_cancels_the_task() {
    let played = task(json!({"TimeoutSeconds": 5}), json!({}), silent());
    assert!(played.chain().ends_with("4 TaskStarted(3)\n5 TaskTimedOut(4)\n6 ExecutionFailed(5)"));
    assert_eq!(played.details("TaskTimedOut")[0]["error"], "States.Timeout");
    assert_eq!(played.details("TaskTimedOut")[0].get("cause"), None);
    assert_eq!(played.details("ExecutionFailed"), [json!({"error": "States.Timeout"})]);
    assert_eq!(played.cancelled, [3]);
    for (resource, event) in [(FUNCTION, "LambdaFunctionTimedOut"), (ACTIVITY, "ActivityTimedOut")] {
        let played = task(json!({"Resource": resource, "TimeoutSeconds": 5}), json!({}), silent());
        assert_eq!(played.details(event), [json!({"error": "States.Timeout"})]);
    }
}

#[test]
fn heartbeats_must_come_in_time_and_each_one_starts_the_clock_again() {
    let fields = json!({"Resource": CALLBACK, "HeartbeatSeconds": 3});
    assert_eq!(end(fields.clone(), json!({}), silent()), (3.0, "FAILED"));
    assert_eq!(end(fields.clone(), json!({}), silent().beating([2, 4, 7])), (10.0, "FAILED"));
    assert_eq!(end(fields.clone(), json!({}), silent().beating([2, 6])), (5.0, "FAILED"));
    assert_eq!(end(fields.clone(), json!({}), succeeds("1").after(8.0).beating([2, 4, 6])), (8.0, "SUCCEEDED"));
    assert_eq!(end(with(fields, json!({"TimeoutSeconds": 6})), json!({}), silent().beating([2, 4])), (6.0, "FAILED"));
    let path = json!({"Resource": ACTIVITY, "HeartbeatSecondsPath": "$.h"});
    assert_eq!(end(path, json!({"h": 2}), silent().picked_up_after(10.0)), (12.0, "FAILED"));
    assert_eq!(end(json!({"Resource": SYNC, "HeartbeatSeconds": 3}), json!({}), silent()), (3.0, "FAILED"));
}

#[test]
fn a_heartbeat_leaves_no_event_and_a_missed_one_looks_like_a_time_out() {
    let fields = json!({"Resource": CALLBACK, "HeartbeatSeconds": 3, "TimeoutSeconds": 600});
    let played = task(fields, json!({}), silent().beating([1, 2]));
    assert!(played.chain().ends_with("4 TaskStarted(3)\n5 TaskTimedOut(4)\n6 ExecutionFailed(5)"));
    let scheduled = &played.details("TaskScheduled")[0];
    assert_eq!((&scheduled["timeoutInSeconds"], &scheduled["heartbeatInSeconds"]), (&json!(600), &json!(3)));
    let called = json!({"resourceType": "sqs", "resource": "sendMessage.waitForTaskToken", "error": "States.Timeout"});
    assert_eq!(played.details("TaskTimedOut"), [called]);
}

#[test]
fn who_has_no_token_needs_no_heartbeats() {
    let fields = json!({"Resource": FUNCTION, "HeartbeatSeconds": 3});
    assert_eq!(end(fields.clone(), json!({}), succeeds("1").after(60.0)), (60.0, "SUCCEEDED"));
    let scheduled = &task(fields, json!({}), succeeds("1")).details("LambdaFunctionScheduled")[0];
    assert_eq!(scheduled.get("heartbeatInSeconds"), None);
}

#[test]
fn tasks_that_are_due_at_the_same_time_all_time_out_before_any_of_them_fails() {
    let state = json!({"Type": "Map", "ItemProcessor": {"T": {"Type": "Task", "TimeoutSeconds": 2}}});
    let played = Play::of(only(state)).input("[0,1,2]").tasks(|_| silent()).run();
    let end: Vec<_> = played.chain().lines().skip(15).map(str::to_owned).collect();
    assert_eq!(
        end,
        [
            "16 TaskTimedOut(13)",
            "17 TaskTimedOut(14)",
            "18 TaskTimedOut(15)",
            "19 MapIterationFailed(16){0}",
            "20 TaskStateAborted(16)",
            "21 MapIterationAborted(16){1}",
            "22 TaskStateAborted(16)",
            "23 MapIterationAborted(16){2}",
            "24 TaskStateAborted(16)",
            "25 MapStateFailed(16)",
            "26 ExecutionFailed(25)",
        ]
    );
    assert_eq!(played.cancelled, [8, 10, 12]);
}

#[test]
fn a_path_to_a_time_must_find_a_whole_number() {
    for field in ["TimeoutSecondsPath", "HeartbeatSecondsPath"] {
        let state = json!({"Resource": CALLBACK, field: "$.t"});
        for (value, shown) in [(json!("soon"), "soon"), (json!(1.5), "1.5"), (json!(-1), "-1"), (json!({}), "{}")] {
            let cause = format!("The {field} field refers to value \"{shown}\" which is not a valid integer: $.t");
            assert_failed(&task(state.clone(), json!({"t": value}), silent()), "States.Runtime", &cause);
        }
        assert_failed(&task(state, json!({}), silent()), "States.Runtime", "Invalid path '$.t' : No results for path: $['t']");
    }
}

#[test]
fn the_token_of_each_attempt_is_another_one() {
    let state = json!({"Type": "Task", "Resource": CALLBACK, "Parameters": {"token.$": "$$.Task.Token"},
        "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 2}]});
    let played = Play::of(only(state)).answers([fails("E", ""), fails("E", ""), succeeds("1")]).run();
    let tokens: Vec<_> = played.started.iter().map(|task| task.token.clone().unwrap()).collect();
    assert_eq!(tokens.len(), 3);
    for (task, token) in played.started.iter().zip(&tokens) {
        assert_eq!(task.parameters.text(), json!({"token": **token}).to_string());
        assert_eq!(TaskToken::parse(token).unwrap().task, task.task);
        assert_eq!(tokens.iter().filter(|other| *other == token).count(), 1);
        assert!(token.len() <= 1024, "{}", token.len());
    }
    let other = Play::of(only(json!({"Type": "Task", "Resource": CALLBACK}))).seed(2).run();
    assert!(!tokens.contains(other.started[0].token.as_ref().unwrap()));
}

#[test]
fn only_tasks_that_wait_for_others_have_a_token() {
    for (resource, has) in
        [(CALLBACK, true), (SYNC, true), (ACTIVITY, true), (FUNCTION, false), ("arn:aws:states:::sqs:sendMessage", false)]
    {
        let played = task(json!({"Resource": resource}), json!({}), succeeds("1"));
        assert_eq!(played.started[0].token.is_some(), has, "{resource}");
    }
    // Elsewhere the Context object has none.
    let played = task(json!({"Parameters": {"t.$": "$$.Task.Token"}}), json!({}), succeeds("1"));
    assert_failed(&played, "States.Runtime", "The JSONPath '$$.Task.Token' specified for the field 't.$' could not be found");
}

#[test]
fn credentials_name_a_role_literally_or_by_a_path_or_a_function() {
    let role = "arn:aws:iam::123456789012:role/other";
    for credentials in
        [json!({"RoleArn": role}), json!({"RoleArn.$": "$.role"}), json!({"RoleArn.$": "States.Format('{}', $.role)"})]
    {
        for (resource, event) in [(CALLBACK, "TaskScheduled"), (FUNCTION, "LambdaFunctionScheduled")] {
            let played = task(json!({"Resource": resource, "Credentials": credentials}), json!({"role": role}), succeeds("1"));
            assert_eq!(played.details(event)[0]["taskCredentials"], json!({"roleArn": role}));
            assert_eq!(played.started[0].credentials_role_arn.as_deref(), Some(role));
        }
    }
    assert_eq!(task(json!({}), json!({}), succeeds("1")).details("TaskScheduled")[0].get("taskCredentials"), None);
    let missing = task(json!({"Credentials": {"RoleArn.$": "$.none"}}), json!({}), succeeds("1"));
    assert_failed(&missing, "States.Runtime", "The JSONPath '$.none' specified for the field 'RoleArn.$'");
}

#[test]
fn the_service_adds_who_started_a_job_in_a_cluster() {
    let parameters = |resource: &str, given: Value| {
        let state = json!({"Resource": resource, "Parameters": given});
        serde_json::from_str::<Value>(&task(state, json!({}), succeeds("1")).parameters()[0]).unwrap()
    };
    let sync = "arn:aws:states:::ecs:runTask.sync";
    let plain = "arn:aws:states:::ecs:runTask";
    let by_us = json!({"Cluster": "c", "TaskDefinition": "t", "StartedBy": "AWS Step Functions"});
    let given = json!({"Cluster": "c", "TaskDefinition": "t"});
    assert_eq!(parameters(sync, given.clone()), by_us);
    assert_eq!(parameters(plain, given.clone()), given);
    let own = json!({"Cluster": "c", "TaskDefinition": "t", "StartedBy": "me"});
    assert_eq!(parameters(sync, own.clone()), own);
}

#[test]
fn headers_of_an_api_call_are_lists_of_texts() {
    let call = |headers: Value| {
        let parameters = json!({"ApiEndpoint": "e", "Method": "GET", "Headers": headers});
        task(json!({"Resource": "arn:aws:states:::apigateway:invoke", "Parameters": parameters}), json!({}), succeeds("1"))
    };
    assert_eq!(call(json!({"h": ["v"]})).status, "SUCCEEDED");
    let refused = call(json!({"h": "v"}));
    assert_failed(
        &refused,
        "States.Runtime",
        "could not be used to start the Task: [The value of the field 'Headers' has an invalid format]",
    );
    assert_eq!(refused.count("TaskScheduled"), 0);
}

#[test]
fn a_task_of_an_activity_that_does_not_exist_is_not_scheduled() {
    let task = json!({
        "Type": "Task",
        "Resource": ACTIVITY,
        "Retry": [{"ErrorEquals": ["States.ALL"]}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "C"}],
        "End": true,
    });
    let machine = json!({"StartAt": "S", "States": {"S": task, "C": {"Type": "Succeed"}}});
    let played = Play::of(&machine).without_activity(ACTIVITY).run();
    assert_chain(
        &played,
        "1 ExecutionStarted(0)
         2 TaskStateEntered(0)
         3 ExecutionFailed(2)",
    );
    let place = "An error occurred while executing the state 'S' (entered at the event id #2).";
    assert_eq!(played.error_name(), "States.Runtime");
    assert_eq!(played.cause(), format!("{place} The activity {ACTIVITY} does not exist."));
    // Another one is there.
    assert_eq!(Play::of(&machine).without_activity("arn:aws:states:us-east-1:123456789012:activity:b").run().status, "SUCCEEDED");
}
