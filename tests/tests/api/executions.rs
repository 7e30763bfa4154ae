//! Executions.

use serde_json::{Value, json};
use statewright_engine::table::{Condition, Item, Table};
use statewright_engine::{Clock, ExecutionArn};
use statewright_tests::stage::Stage;

use crate::{ROLE, arn, ask, created, members, one, pass, refused, started, wait, with};

fn describe(stage: &Stage, execution_arn: &str) -> Value {
    ask(stage, "DescribeExecution", json!({"executionArn": execution_arn}))
}

#[test]
fn an_execution_is_described_while_it_runs_and_when_it_has_ended() {
    let stage = Stage::default();
    let machine_arn = created(&stage, "m", &wait(), json!({}));
    let request = json!({"stateMachineArn": machine_arn, "name": "e", "input": "{ }", "traceHeader": "Root=1"});
    let answer = ask(&stage, "StartExecution", request);
    let execution_arn = arn("execution", "m:e");
    assert_eq!(answer, json!({"executionArn": execution_arn, "startDate": answer["startDate"]}));
    let running = json!({
        "executionArn": execution_arn, "stateMachineArn": machine_arn, "name": "e", "status": "RUNNING", "startDate": answer["startDate"],
        "input": "{ }", "inputDetails": {"included": true}, "traceHeader": "Root=1", "redriveCount": 0,
        "redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": "Execution is RUNNING and cannot be redriven",
    });
    assert_eq!(describe(&stage, &execution_arn), running);
    stage.settle(&execution_arn);
    let stop_date = answer["startDate"].as_f64().unwrap() + 60.0;
    let ended = json!({"status": "SUCCEEDED", "output": "{ }", "outputDetails": {"included": true},
        "redriveStatusReason": "Execution is SUCCEEDED and cannot be redriven"});
    let described = describe(&stage, &execution_arn);
    assert!((described["stopDate"].as_f64().unwrap() - stop_date).abs() < 0.0005);
    assert_eq!(described, with(with(running, ended), json!({"stopDate": described["stopDate"]})));
}

#[test]
fn a_failed_execution_says_why_and_can_be_redriven_for_two_weeks() {
    let stage = Stage::default();
    let fail = json!({"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Own", "Cause": "why"}}}).to_string();
    let execution_arn = started(&stage, &created(&stage, "m", &fail, json!({})), json!({}));
    let described = describe(&stage, &execution_arn);
    let shown = ["status", "error", "cause", "redriveStatus"].map(|name| described[name].as_str().unwrap());
    assert_eq!(shown, ["FAILED", "Own", "why", "REDRIVABLE"]);
    for absent in ["output", "outputDetails", "redriveStatusReason"] {
        assert_eq!(described.get(absent), None);
    }
    let now = statewright_engine::Clock::now(&stage.clock);
    stage.clock.advance_to(now.plus_seconds(14 * 24 * 60 * 60 + 1));
    let described = describe(&stage, &execution_arn);
    assert_eq!(described["redriveStatus"], "NOT_REDRIVABLE");
    assert_eq!(described["redriveStatusReason"], "Execution redrivable period exceeded");
}

const DAY: u64 = 24 * 60 * 60;

/// Deletes what the table may have deleted by now.
fn expire(stage: &Stage) {
    let now = stage.clock.now();
    for item in stage.table.snapshot().into_iter().filter(|item| item.is_expired(now)) {
        pollster::block_on(stage.table.delete(&item.key, Condition::None)).unwrap();
    }
}

#[test]
fn an_execution_is_seen_for_90_days_after_its_end_and_then_its_name_is_free() {
    for (definition, runs_days) in [(pass(), 0), (one(json!({"Type": "Wait", "Seconds": 40 * DAY})), 40)] {
        let stage = Stage::default();
        let machine_arn = created(&stage, "m", &definition, json!({}));
        let started_at = stage.clock.now();
        let execution_arn = started(&stage, &machine_arn, json!({"name": "e", "input": "1"}));
        stage.settle(&execution_arn);
        let of = json!({"executionArn": execution_arn});
        let again = json!({"stateMachineArn": machine_arn, "name": "e", "input": "2"});
        let listed = || ask(&stage, "ListExecutions", json!({"stateMachineArn": machine_arn}))["executions"].clone();
        for seconds in [0, 50 * DAY, 90 * DAY - 60] {
            stage.clock.advance_to(started_at.plus_seconds(runs_days * DAY + seconds));
            expire(&stage);
            assert_eq!(describe(&stage, &execution_arn)["status"], "SUCCEEDED", "{seconds}");
            assert!(!ask(&stage, "GetExecutionHistory", of.clone())["events"].as_array().unwrap().is_empty(), "{seconds}");
            assert_eq!(listed().as_array().unwrap().len(), 1, "{seconds}");
            assert!(refused(&stage, "StartExecution", again.clone()).starts_with("ExecutionAlreadyExists"), "{seconds}");
        }
        stage.clock.advance_to(started_at.plus_seconds((runs_days + 90) * DAY + 60));
        // Nothing of it is deleted yet.
        assert_eq!(listed(), json!([]));
        for operation in ["DescribeExecution", "GetExecutionHistory", "StopExecution"] {
            assert!(refused(&stage, operation, of.clone()).starts_with("ExecutionDoesNotExist"), "{operation}");
        }
        ask(&stage, "StartExecution", again.clone());
        stage.settle(&execution_arn);
        let described = describe(&stage, &execution_arn);
        assert_eq!((&described["status"], &described["input"]), (&json!("SUCCEEDED"), &json!("2")));
        let events = ask(&stage, "GetExecutionHistory", of.clone())["events"].clone();
        let started = events.as_array().unwrap().iter().filter(|event| event["type"] == "ExecutionStarted").count();
        assert_eq!(started, 1, "nothing of the first is mixed with it");
        assert_eq!(listed().as_array().unwrap().len(), 1);
        assert!(refused(&stage, "StartExecution", with(again, json!({"input": "3"}))).starts_with("ExecutionAlreadyExists"));
    }
}

#[test]
fn an_execution_keeps_its_definition_although_its_machine_was_deleted_before_anybody_saw_it_running() {
    let stage = Stage::default();
    let machine_arn = created(&stage, "m", &one(json!({"Type": "Wait", "Seconds": 360 * DAY})), json!({}));
    let execution_arn = started(&stage, &machine_arn, json!({"name": "e"}));
    // In its first invocation it does not stand in the list of running executions.
    let of_list = |item: &&Item| item.key.partition.starts_with("r#");
    let place = stage.table.snapshot().iter().find(of_list).unwrap().clone();
    pollster::block_on(stage.table.delete(&place.key, Condition::None)).unwrap();
    ask(&stage, "DeleteStateMachine", json!({"stateMachineArn": machine_arn}));
    assert!(
        refused(&stage, "DescribeStateMachine", json!({"stateMachineArn": machine_arn})).starts_with("StateMachineDoesNotExist")
    );
    pollster::block_on(stage.table.put(place, Condition::None)).unwrap();
    let began = stage.clock.now();
    for day in (10..=360).step_by(10) {
        stage.clock.advance_to(began.plus_seconds(day * DAY));
        expire(&stage);
        // What lives long is looked at now and then.
        let arn = ExecutionArn(execution_arn.as_str().into());
        pollster::block_on(statewright_engine::drive(stage.restarted().engine(), &arn)).unwrap();
    }
    stage.settle(&execution_arn);
    for later in [0, 89] {
        stage.clock.advance_to(began.plus_seconds((360 + later) * DAY));
        expire(&stage);
        assert_eq!(describe(&stage, &execution_arn)["status"], "SUCCEEDED");
        ask(&stage, "DescribeStateMachineForExecution", json!({"executionArn": execution_arn}));
    }
}

#[test]
fn without_its_data_an_execution_keeps_input_output_and_cause_to_itself() {
    let stage = Stage::default();
    let machine_arn = created(&stage, "m", &pass(), json!({}));
    let execution_arn = started(&stage, &machine_arn, json!({"input": "[1]"}));
    let described = ask(&stage, "DescribeExecution", json!({"executionArn": execution_arn, "includedData": "METADATA_ONLY"}));
    let not_included = json!({"included": false});
    assert_eq!((&described["inputDetails"], &described["outputDetails"]), (&not_included, &not_included));
    assert_eq!((described.get("input"), described.get("output")), (None, None));
}

#[test]
fn the_same_start_twice_is_one_execution_while_it_runs() {
    let stage = Stage::default();
    let machine_arn = created(&stage, "m", &wait(), json!({}));
    let start = json!({"stateMachineArn": machine_arn, "name": "e", "input": "{\"a\": 1}"});
    let first = ask(&stage, "StartExecution", start.clone());
    assert_eq!(ask(&stage, "StartExecution", start.clone()), first);
    let exists = "ExecutionAlreadyExists: Execution Already Exists: 'arn:aws:states:us-east-1:111111111111:execution:m:e'";
    assert_eq!(refused(&stage, "StartExecution", with(start.clone(), json!({"input": "{\"a\": 2}"}))), exists);
    assert_eq!(refused(&stage, "StartExecution", with(start.clone(), json!({"input": null}))), exists);
    stage.settle(first["executionArn"].as_str().unwrap());
    assert_eq!(refused(&stage, "StartExecution", start), exists);
}

#[test]
fn without_a_name_every_start_is_another_execution() {
    let stage = Stage::default();
    let machine_arn = created(&stage, "m", &wait(), json!({}));
    let (first, second) = (started(&stage, &machine_arn, json!({})), started(&stage, &machine_arn, json!({})));
    assert_ne!(first, second);
    let name = first.rsplit(':').next().unwrap();
    assert_eq!(name.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{name}");
    assert_eq!(describe(&stage, &first)["input"], "{}");
}

#[test]
fn an_input_is_json() {
    let stage = Stage::default();
    let machine_arn = created(&stage, "m", &pass(), json!({}));
    let wrong = |input: &str| {
        let error = refused(&stage, "StartExecution", json!({"stateMachineArn": machine_arn, "input": input}));
        error
            .strip_prefix("InvalidExecutionInput: Invalid State Machine Execution Input: '")
            .unwrap()
            .strip_suffix('\'')
            .unwrap()
            .to_owned()
    };
    let unrecognized =
        "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
    assert_eq!(wrong("not JSON"), unrecognized);
    assert_eq!(wrong("{'a': 1}"), "Unexpected character (''' (code 39)): was expecting double-quote to start field name");
    assert!(!wrong("").is_empty());
    // What Jackson would take and we do not is refused all the same.
    assert!(!wrong(&"[".repeat(2000)).is_empty());
    for fine in ["null", " [1, 2] ", "\"text\"", "1"] {
        let execution_arn = started(&stage, &machine_arn, json!({"input": fine}));
        assert_eq!(describe(&stage, &execution_arn)["input"], fine);
    }
}

#[test]
fn an_execution_runs_the_definition_it_was_started_with() {
    let stage = Stage::default();
    let machine_arn = created(&stage, "m", &wait(), json!({}));
    let execution_arn = started(&stage, &machine_arn, json!({}));
    let before = ask(&stage, "DescribeStateMachine", json!({"stateMachineArn": machine_arn}));
    ask(&stage, "UpdateStateMachine", json!({"stateMachineArn": machine_arn, "definition": pass(), "roleArn": format!("{ROLE}2")}));
    let described = ask(&stage, "DescribeStateMachineForExecution", json!({"executionArn": execution_arn}));
    let expected = json!({
        "stateMachineArn": machine_arn, "name": "m", "definition": wait(), "roleArn": ROLE, "updateDate": before["creationDate"],
        "loggingConfiguration": before["loggingConfiguration"], "tracingConfiguration": {"enabled": false},
        "encryptionConfiguration": {"type": "AWS_OWNED_KEY"},
    });
    assert_eq!(described, expected);
    let later = started(&stage, &machine_arn, json!({}));
    let described = ask(&stage, "DescribeStateMachineForExecution", json!({"executionArn": later}));
    assert_eq!((&described["definition"], &described["roleArn"]), (&json!(pass()), &json!(format!("{ROLE}2"))));
    assert!(described["revisionId"].is_string());
    assert_ne!(described["updateDate"], before["creationDate"]);
}

#[test]
fn an_execution_of_a_version_says_so_and_runs_it() {
    let stage = Stage::default();
    let machine_arn = created(&stage, "m", &pass(), json!({"publish": true}));
    let version = format!("{machine_arn}:1");
    ask(&stage, "UpdateStateMachine", json!({"stateMachineArn": machine_arn, "definition": wait()}));
    let (by_version, plain) = (started(&stage, &version, json!({})), started(&stage, &machine_arn, json!({})));
    assert!(by_version.contains(":execution:m:"));
    let described = describe(&stage, &by_version);
    assert_eq!((&described["stateMachineArn"], &described["stateMachineVersionArn"]), (&json!(machine_arn), &json!(version)));
    assert_eq!(described["status"], "SUCCEEDED");
    assert_eq!(describe(&stage, &plain).get("stateMachineVersionArn"), None);
    let list = |machine_arn: &str| {
        let found = ask(&stage, "ListExecutions", json!({"stateMachineArn": machine_arn}))["executions"].clone();
        found.as_array().unwrap().iter().map(|row| row["executionArn"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((list(&version), list(&machine_arn)), (vec![by_version.clone()], vec![plain, by_version]));
    let unknown = json!({"stateMachineArn": format!("{machine_arn}:2")});
    assert!(refused(&stage, "ListExecutions", unknown).starts_with("StateMachineDoesNotExist: "));
}

#[test]
fn a_stopped_execution_keeps_what_it_was_stopped_with() {
    let stage = Stage::default();
    let execution_arn = started(&stage, &created(&stage, "m", &wait(), json!({})), json!({}));
    let stop = |error: &str| ask(&stage, "StopExecution", json!({"executionArn": execution_arn, "error": error, "cause": "why"}));
    let first = stop("First");
    assert_eq!(members(&first), ["stopDate"]);
    // Stopping it again changes nothing.
    assert_eq!(stop("Second"), first);
    let described = describe(&stage, &execution_arn);
    let shown = ["status", "error", "cause", "redriveStatus"].map(|name| described[name].as_str().unwrap());
    assert_eq!(shown, ["ABORTED", "First", "why", "REDRIVABLE"]);
    assert_eq!(described["stopDate"], first["stopDate"]);
}

#[test]
fn what_is_not_there_does_not_exist() {
    let stage = Stage::default();
    created(&stage, "m", &pass(), json!({}));
    for (operation, name) in [
        ("DescribeExecution", "m:e"),
        ("StopExecution", "m:e"),
        ("GetExecutionHistory", "m:e"),
        ("DescribeStateMachineForExecution", "m:e"),
        ("DescribeExecution", "m"),
    ] {
        let execution_arn = arn("execution", name);
        let expected = format!("ExecutionDoesNotExist: Execution Does Not Exist: '{execution_arn}'");
        assert_eq!(refused(&stage, operation, json!({"executionArn": execution_arn})), expected);
    }
}

#[test]
fn lists_are_of_one_machine_and_one_status_the_newest_first() {
    let stage = Stage::default();
    let machine_arn = created(&stage, "m", &wait(), json!({}));
    let other = created(&stage, "other", &wait(), json!({}));
    let names = ["a", "b", "c", "d"];
    let arns = names.map(|name| started(&stage, &machine_arn, json!({"name": name})));
    started(&stage, &other, json!({"name": "x"}));
    ask(&stage, "StopExecution", json!({"executionArn": arns[2]}));
    ask(&stage, "StopExecution", json!({"executionArn": arns[0]}));
    let list = |status: Option<&str>| {
        let request = json!({"stateMachineArn": machine_arn, "statusFilter": status});
        let found = ask(&stage, "ListExecutions", request)["executions"].clone();
        found.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list(Some("RUNNING")), ["d", "b"]);
    assert_eq!(list(Some("ABORTED")), ["a", "c"]);
    assert_eq!(list(Some("FAILED")), [""; 0]);
    assert_eq!(list(None), ["a", "c", "d", "b"]);
    let found = ask(&stage, "ListExecutions", json!({"stateMachineArn": machine_arn, "statusFilter": "RUNNING", "maxResults": 1}));
    let row = &found["executions"][0];
    assert_eq!(members(row), ["executionArn", "name", "redriveCount", "startDate", "stateMachineArn", "status"]);
}

#[test]
fn a_list_is_of_a_machine_or_of_a_map_run() {
    let stage = Stage::default();
    let machine_arn = created(&stage, "m", &pass(), json!({}));
    let map_run = arn("mapRun", "m/label:id");
    let either = "ValidationException: Specify either a stateMachineArn or a mapRunArn, but not both";
    assert_eq!(refused(&stage, "ListExecutions", json!({})), either);
    assert_eq!(refused(&stage, "ListExecutions", json!({"stateMachineArn": machine_arn, "mapRunArn": map_run})), either);
    let missing = format!("ResourceNotFound: Resource not found: '{map_run}'");
    assert_eq!(refused(&stage, "ListExecutions", json!({"mapRunArn": map_run})), missing);
    for redriven in [json!({"statusFilter": "PENDING_REDRIVE"}), json!({"redriveFilter": "REDRIVEN"})] {
        let request = with(json!({"stateMachineArn": machine_arn}), redriven);
        assert!(refused(&stage, "ListExecutions", request).starts_with("ValidationException: PENDING_REDRIVE and redriveFilter"));
    }
}

#[test]
fn a_history_is_told_forwards_and_backwards_with_or_without_data() {
    let stage = Stage::default();
    let execution_arn = started(&stage, &created(&stage, "m", &pass(), json!({})), json!({"input": "[1]"}));
    let history = |members: Value| ask(&stage, "GetExecutionHistory", with(json!({"executionArn": execution_arn}), members));
    let events = history(json!({}))["events"].as_array().unwrap().clone();
    assert_eq!(events.iter().map(|event| event["id"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(events[1]["stateEnteredEventDetails"]["input"], "[1]");
    let reversed: Vec<Value> = events.iter().rev().cloned().collect();
    assert_eq!(history(json!({"reverseOrder": true})), json!({"events": reversed}));
    let bare = history(json!({"includeExecutionData": false}));
    assert!(bare.to_string().contains("PassStateEntered") && !bare.to_string().contains("[1]"), "{bare}");
}

#[test]
fn an_express_machine_answers_whoever_waits() {
    let stage = Stage::default();
    let machine_arn = created(&stage, "m", &wait(), json!({"type": "EXPRESS"}));
    let request = json!({"stateMachineArn": machine_arn, "name": "e", "input": "[1]", "traceHeader": "Root=1"});
    let answer = ask(&stage, "StartSyncExecution", request.clone());
    let execution_arn = answer["executionArn"].as_str().unwrap();
    assert!(execution_arn.starts_with(&arn("express", "m:e:")), "{execution_arn}");
    let expected = json!({
        "executionArn": execution_arn, "stateMachineArn": machine_arn, "name": "e", "status": "SUCCEEDED", "traceHeader": "Root=1",
        "input": "[1]", "inputDetails": {"included": true}, "output": "[1]", "outputDetails": {"included": true},
        "startDate": answer["startDate"], "stopDate": answer["stopDate"],
        "billingDetails": {"billedMemoryUsedInMB": 64, "billedDurationInMilliseconds": 60_000},
    });
    assert_eq!(answer, expected);
    // Names may be used again at once.
    assert_ne!(ask(&stage, "StartSyncExecution", request.clone())["executionArn"], execution_arn);
    let hidden = ask(&stage, "StartSyncExecution", with(request.clone(), json!({"includedData": "METADATA_ONLY"})));
    assert_eq!((hidden.get("input"), hidden.get("output")), (None, None));
    assert_eq!(hidden["outputDetails"], json!({"included": false}));
    let (first, second) = (ask(&stage, "StartExecution", request.clone()), ask(&stage, "StartExecution", request));
    assert_ne!(first["executionArn"], second["executionArn"]);
}

#[test]
fn an_express_execution_that_fails_is_an_answer_too() {
    let stage = Stage::default();
    let fail = json!({"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Own", "Cause": "why"}}}).to_string();
    let machine_arn = created(&stage, "m", &fail, json!({"type": "EXPRESS"}));
    let answer = ask(&stage, "StartSyncExecution", json!({"stateMachineArn": machine_arn}));
    let shown = ["status", "error", "cause"].map(|name| answer[name].as_str().unwrap());
    assert_eq!(shown, ["FAILED", "Own", "why"]);
    assert_eq!((answer.get("output"), &answer["outputDetails"]), (None, &json!({"included": true})));
    // What took no time is billed for the shortest there is.
    assert_eq!(answer["billingDetails"]["billedDurationInMilliseconds"], 100);
    let forever = created(&stage, "forever", &one(json!({"Type": "Wait", "Seconds": 1000})), json!({"type": "EXPRESS"}));
    assert_eq!(ask(&stage, "StartSyncExecution", json!({"stateMachineArn": forever}))["status"], "TIMED_OUT");
}

#[test]
fn operations_are_for_the_types_of_machines_that_they_are_for() {
    let stage = Stage::default();
    let standard = json!({"stateMachineArn": created(&stage, "standard", &pass(), json!({}))});
    let express = json!({"stateMachineArn": created(&stage, "express", &pass(), json!({"type": "EXPRESS"}))});
    let expected = "StateMachineTypeNotSupported: This operation is not supported by this type of state machine";
    assert_eq!(refused(&stage, "StartSyncExecution", standard), expected);
    assert_eq!(refused(&stage, "ListExecutions", express), expected);
}

#[test]
fn a_distributed_map_is_created_and_not_started() {
    let stage = Stage::default();
    let map = one(json!({"Type": "Map", "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}}));
    let machine_arn = created(&stage, "m", &map, json!({}));
    let start = json!({"stateMachineArn": machine_arn});
    let error = refused(&stage, "StartExecution", start.clone());
    assert!(
        error.starts_with("ValidationException: The state machine cannot be run yet: state `S` is a Distributed Map"),
        "{error}"
    );
    ask(&stage, "UpdateStateMachine", json!({"stateMachineArn": machine_arn, "definition": pass()}));
    ask(&stage, "StartExecution", start.clone());
    ask(&stage, "UpdateStateMachine", json!({"stateMachineArn": machine_arn, "definition": map}));
    // A change that has nothing to do with it does not make it run.
    ask(&stage, "UpdateStateMachine", json!({"stateMachineArn": machine_arn, "roleArn": format!("{ROLE}2")}));
    assert_eq!(refused(&stage, "StartExecution", start), error);
}
