//! What executions log.

use serde_json::{Value, json};
use statewright_engine::api::Operation;
use statewright_tests::conformance::{case_files, load_dir};
use statewright_tests::stage::Stage;

use super::{ROLE, arn, ask, created, machine, one, pass, started, wait, with};

const GROUP: &str = "arn:aws:logs:us-east-1:111111111111:log-group:/aws/vendedlogs/states/m:*";

fn logging(level: &str, execution_data: bool) -> Value {
    let destinations = json!([{"cloudWatchLogsLogGroup": {"logGroupArn": GROUP}}]);
    json!({"loggingConfiguration": {"level": level, "includeExecutionData": execution_data, "destinations": destinations}})
}

/// The records since the last time, as JSON.
fn records(stage: &Stage) -> Vec<Value> {
    let logged = stage.logged();
    assert!(logged.iter().all(|logged| (&*logged.log_group_arn, &*logged.state_machine_name) == (GROUP, "m")), "{logged:?}");
    let records = logged.iter().flat_map(|logged| &logged.records);
    records.map(|(at, text)| with_time(serde_json::from_str(text).expect("a record is JSON"), at.0)).collect()
}

/// The record, whose time must be that which the sink is told.
fn with_time(record: Value, at: i64) -> Value {
    assert_eq!(record["event_timestamp"], at.to_string());
    record
}

fn types(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["type"].as_str().unwrap()).collect()
}

/// What an execution of this machine logs, from its start to its end.
fn logged(definition: &str, members: Value, level: &str, execution_data: bool, input: &str) -> Vec<Value> {
    let stage = Stage::default();
    let machine_arn = created(&stage, "m", definition, with(logging(level, execution_data), members.clone()));
    if members["type"] == "EXPRESS" {
        started(&stage, &machine_arn, json!({"input": input}));
    } else {
        let execution = started(&stage, &machine_arn, json!({"input": input}));
        stage.settle(&execution);
    }
    records(&stage)
}

fn fail() -> String {
    json!({"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E", "Cause": "why"}}}).to_string()
}

#[test]
fn records_have_the_shape_of_the_service() {
    let stage = Stage::default();
    let definition = one(json!({"Type": "Pass", "Assign": {"x": 1}}));
    let machine_arn = created(&stage, "m", &definition, logging("ALL", true));
    let execution = started(&stage, &machine_arn, json!({"name": "e", "input": "{\"a\": 1}"}));
    stage.settle(&execution);
    let all = records(&stage);
    let record = |id: u64, kind: &str, previous: u64, details: Value| {
        json!({
            "id": id.to_string(), "type": kind, "previous_event_id": previous.to_string(), "details": details,
            "event_timestamp": all[0]["event_timestamp"], "execution_arn": arn("execution", "m:e"), "redrive_count": "0",
        })
    };
    let whole = json!({"truncated": false});
    let (input, output) =
        (json!({"input": "{\"a\": 1}", "inputDetails": whole}), json!({"output": "{\"a\": 1}", "outputDetails": whole}));
    let exited = json!({"name": "S", "assignedVariables": {"x": "1"}, "assignedVariablesDetails": whole});
    let expected = [
        record(1, "ExecutionStarted", 0, with(input.clone(), json!({"roleArn": ROLE}))),
        record(2, "PassStateEntered", 0, with(input, json!({"name": "S"}))),
        record(3, "PassStateExited", 2, with(output.clone(), exited)),
        record(4, "ExecutionSucceeded", 3, output),
    ];
    assert_eq!(all, expected);
    let bare = logged(&definition, json!({}), "ALL", false, "{}");
    let details: Vec<&Value> = bare.iter().map(|record| &record["details"]).collect();
    assert_eq!(details, [&json!({"roleArn": ROLE}), &json!({"name": "S"}), &json!({"name": "S"}), &json!({})]);
    let failed = logged(&fail(), json!({}), "ALL", false, "{}");
    assert_eq!(failed[2]["details"], json!({"error": "E", "cause": "why"}), "they are no data");
}

#[test]
fn what_is_too_large_for_a_record_is_cut() {
    const MAX: usize = 248 * 1024;
    // Each quotation mark takes four bytes in the record: its own escape is escaped again.
    let input = json!("\"".repeat(100_000)).to_string();
    let all = logged(&pass(), json!({}), "ALL", true, &input);
    let entered = &all[1]["details"];
    let shown = entered["input"].as_str().unwrap();
    assert!(input.starts_with(shown) && shown.len() < input.len());
    let escaped = json!(shown).to_string().len() - 2;
    assert!((MAX - 2..=MAX).contains(&escaped), "{escaped}");
    assert_eq!(entered["inputDetails"], json!({"truncated": true}));
    let small = json!("\"".repeat(60_000)).to_string();
    let all = logged(&pass(), json!({}), "ALL", true, &small);
    assert_eq!(all[1]["details"]["input"], small);
    assert_eq!(all[1]["details"]["inputDetails"], json!({"truncated": false}));
    // Variables are data as well, and come after the output.
    let definition = one(json!({"Type": "Pass", "Assign": {"x.$": "$", "y": "é"}}));
    let all = logged(&definition, json!({}), "ALL", true, &small);
    let exited = &all[2]["details"];
    assert_eq!((&exited["outputDetails"], &exited["output"]), (&json!({"truncated": false}), &json!(small)));
    assert_eq!(exited["assignedVariablesDetails"], json!({"truncated": true}));
    assert!(small.starts_with(exited["assignedVariables"]["x"].as_str().unwrap()));
}

#[test]
fn levels_choose_events() {
    let of = |definition: &str, level: &str| {
        let all = logged(definition, json!({}), level, false, "{}");
        types(&all).join(" ")
    };
    assert_eq!(of(&fail(), "ALL"), "ExecutionStarted FailStateEntered ExecutionFailed");
    assert_eq!(of(&fail(), "ERROR"), "FailStateEntered ExecutionFailed");
    assert_eq!(of(&fail(), "FATAL"), "ExecutionFailed");
    assert_eq!(of(&fail(), "OFF"), "");
    assert_eq!(of(&pass(), "ERROR"), "");
}

#[test]
fn executions_log_what_their_revision_says() {
    let stage = Stage::default();
    let machine_arn = created(&stage, "m", &wait(), logging("ALL", false));
    let before = started(&stage, &machine_arn, json!({}));
    assert_eq!(types(&records(&stage)), ["ExecutionStarted", "WaitStateEntered"], "they come with the commit");
    ask(&stage, "UpdateStateMachine", with(logging("OFF", false), json!({"stateMachineArn": machine_arn})));
    let after = started(&stage, &machine_arn, json!({}));
    ask(&stage, "StopExecution", json!({"executionArn": after}));
    assert!(records(&stage).is_empty());
    // Another process knows as well.
    let other = stage.restarted();
    ask(&other, "StopExecution", json!({"executionArn": before, "error": "E"}));
    let end = records(&other);
    assert_eq!(types(&end), ["ExecutionAborted"]);
    assert_eq!(end[0]["details"], json!({"error": "E"}));
}

#[test]
fn express_executions_log_their_events_at_their_end() {
    for operation in ["StartExecution", "StartSyncExecution"] {
        let stage = Stage::default();
        let machine_arn = created(&stage, "m", &pass(), with(logging("ALL", true), json!({"type": "EXPRESS"})));
        let answer = ask(&stage, operation, json!({"stateMachineArn": machine_arn, "input": "7"}));
        let all = records(&stage);
        assert_eq!(types(&all), ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]);
        assert_eq!((&all[0]["execution_arn"], &all[3]["details"]["output"]), (&answer["executionArn"], &json!("7")));
    }
    assert_eq!(types(&logged(&fail(), json!({"type": "EXPRESS"}), "FATAL", false, "{}")), ["ExecutionFailed"]);
}

/// Data are texts in records, and JSON in recordings. ARNs and times are another each time.
fn comparable(record: &Value) -> Value {
    let mut record = record.clone();
    for made_up in ["event_timestamp", "execution_arn"] {
        assert!(record[made_up].is_string(), "{record}");
        record[made_up] = json!("");
    }
    for data in ["input", "output"] {
        if let Some(text) = record["details"][data].as_str() {
            record["details"][data] = serde_json::from_str(text).unwrap();
        }
    }
    if record["details"].get("roleArn").is_some() {
        record["details"]["roleArn"] = json!("");
    }
    record
}

#[test]
fn recorded_logs_are_the_same() {
    let Some(folder) = load_dir() else {
        eprintln!("SKIPPED: STATEWRIGHT_RECORDED does not name a folder of recorded cases");
        return;
    };
    let mut compared = 0;
    for path in case_files(&folder.join("logs/test_logs")).unwrap() {
        let case: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let Some(expected) = case["other"]["logged_execution_events"].as_array() else { continue };
        let recorded = &case["machines"][0];
        // Where the settings were not recorded, the case's name has them.
        let settings = match recorded["loggingConfiguration"].as_object() {
            Some(settings) => json!({"loggingConfiguration": settings}),
            None => logging("ALL", case["id"].as_str().unwrap().contains("ALL_True")),
        };
        let stage = Stage::default();
        let request = machine("m", recorded["definition_text"].as_str().unwrap(), settings);
        let machine_arn = ask(&stage, "CreateStateMachine", request)["stateMachineArn"].clone();
        // Executions are among the calls where all that was recorded of them is what they logged.
        let inputs = match (case["executions"].as_array(), case["calls"].as_array()) {
            (Some(executions), _) => executions.iter().map(|execution| execution["input_text"].clone()).collect(),
            (None, Some(calls)) => {
                let starts = calls.iter().filter(|call| call["operation"] == "StartExecution");
                starts.map(|call| call["request"]["input"].clone()).collect()
            }
            (None, None) => Vec::new(),
        };
        for input in inputs {
            let start = json!({"stateMachineArn": machine_arn, "input": input});
            let started = stage.call(Operation::StartExecution, &start).unwrap();
            stage.settle(started["executionArn"].as_str().unwrap());
        }
        let logged = stage.logged();
        let texts = logged.iter().flat_map(|logged| &logged.records).map(|record| &record.1);
        let ours: Vec<Value> = texts.map(|text| comparable(&serde_json::from_str(text).unwrap())).collect();
        assert_eq!(ours, expected.iter().map(comparable).collect::<Vec<_>>(), "{}", path.display());
        compared += expected.len();
    }
    assert!(compared > 20, "{compared} records were compared");
}
