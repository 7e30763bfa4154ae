//! What a release has written must be read for ever: the items of a small deployment, as the first release of a format wrote them, answer
//! as they did then. What a later release has written is left to it. A new format adds files to `engine/tests/formats`; none is changed.
//!
//! `STATEWRIGHT_WRITE_FORMATS=1 cargo test -p statewright-tests --test api formats` writes the files of the present format, if they are not
//! there.

#[path = "../../../engine/tests/formats/items.rs"]
mod items;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use statewright_engine::journal::Aside;
use statewright_engine::table::{Condition, Item, Table};
use statewright_engine::{Clock, ExecutionArn};
use statewright_tests::play::START;
use statewright_tests::stage::Stage;

use self::items::{from_text, to_text};
use crate::{arn, ask, created, one, pass, refused, started, wait};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/tests/formats").join(name)
}

fn machine(version: &str) -> Value {
    json!({"stateMachineArn": arn("stateMachine", &format!("m{version}"))})
}

fn execution(name: &str) -> Value {
    json!({"executionArn": arn("execution", &format!("m:{name}"))})
}

/// A deployment with every kind of item: a machine of two versions, executions of each, one that was set aside, an activity with a task.
fn deployment() -> Stage {
    let stage = Stage::default();
    let activity_arn =
        ask(&stage, "CreateActivity", json!({"name": "a", "tags": [{"key": "of", "value": "a"}]}))["activityArn"].clone();
    let task = one(json!({"Type": "Task", "Resource": activity_arn, "TimeoutSeconds": 600}));
    let members = json!({"publish": true, "versionDescription": "first", "tags": [{"key": "of", "value": "m"}]});
    created(&stage, "m", &task, members);
    started(&stage, &arn("stateMachine", "m:1"), json!({"name": "waiting", "input": "{\"n\": 1.0}"}));
    let update = json!({"stateMachineArn": arn("stateMachine", "m"), "definition": pass(), "publish": true});
    ask(&stage, "UpdateStateMachine", update);
    ask(
        &stage,
        "UpdateStateMachine",
        json!({"stateMachineArn": arn("stateMachine", "m"), "tracingConfiguration": {"enabled": true}}),
    );
    started(&stage, &arn("stateMachine", "m"), json!({"name": "ended"}));
    // A reminder stands for what is to be looked at soon.
    started(&stage, &created(&stage, "w", &wait(), json!({})), json!({"name": "soon"}));
    let execution = ExecutionArn(arn("execution", "m:gone").into());
    let aside = Aside {
        execution,
        at: START,
        reminder: START.plus_seconds(60),
        reason: "woken 12 times in vain".to_owned(),
        version: None,
    };
    pollster::block_on(stage.engine().journal().put_aside(&aside)).unwrap();
    stage
}

fn stored(items: Vec<Item>) -> Stage {
    let stage = Stage::default();
    for item in items {
        pollster::block_on(stage.table.put(item, Condition::None)).unwrap();
    }
    stage
}

fn operate(stage: &Stage, operation: &str, request: &Value) -> Value {
    let target = format!("Statewright.{operation}");
    let reply = stage.send(&[("x-amz-target", &target)], request.to_string().as_bytes());
    serde_json::from_str(&reply.body).unwrap()
}

/// Executions that a sweep finds by their reminders, and in the list of running ones.
fn found_by_the_sweep(stage: &Stage) -> (Vec<String>, Vec<String>) {
    let (journal, later) = (stage.engine().journal(), START.plus_seconds(86_400));
    let due = (0..journal.reminder_shards()).flat_map(|shard| pollster::block_on(journal.due(shard, later, None, 10)).unwrap().0);
    let due = due.map(|due| due.execution.to_string()).collect();
    let running = (0..journal.running_shards())
        .flat_map(|shard| pollster::block_on(journal.running(shard, (START, START.plus_seconds(86_400_000)), None, 10)).unwrap().0);
    let mut running: Vec<String> = running.map(|running| running.execution.to_string()).collect();
    running.sort();
    (due, running)
}

/// What a deployment answers to whatever may be asked, and then to a worker.
fn answers(stage: &Stage) -> String {
    stage.clock.advance_to(START.plus_seconds(60));
    let mut answers = String::new();
    let mut note = |what: &str, answer: Value| answers += &format!("{what}: {answer:#}\n");
    let asked = [
        ("DescribeStateMachine", machine("")),
        ("DescribeStateMachine", machine(":1")),
        ("DescribeStateMachine", machine(":2")),
        ("ListStateMachines", json!({})),
        ("ListExecutions", machine("")),
        ("DescribeExecution", execution("waiting")),
        ("DescribeExecution", execution("ended")),
        ("DescribeStateMachineForExecution", execution("waiting")),
        ("GetExecutionHistory", execution("waiting")),
        ("GetExecutionHistory", execution("ended")),
        ("DescribeActivity", json!({"activityArn": arn("activity", "a")})),
        ("ListActivities", json!({})),
    ];
    for (operation, request) in asked {
        note(operation, ask(stage, operation, request));
    }
    for (operation, request) in [("InspectExecution", execution("waiting")), ("ListSetAside", json!({}))] {
        note(operation, operate(stage, operation, &request));
    }
    note("the sweep", json!(found_by_the_sweep(stage)));
    let task = ask(stage, "GetActivityTask", json!({"activityArn": arn("activity", "a"), "workerName": "w"}));
    note("GetActivityTask", task.clone());
    ask(stage, "SendTaskSuccess", json!({"taskToken": task["taskToken"], "output": "[]"}));
    note("DescribeExecution", ask(stage, "DescribeExecution", execution("waiting")));
    answers
}

#[test]
fn deployments_of_every_format_answer_as_they_did() {
    let mut formats = 0;
    for format in 1.. {
        let items = file(&format!("deployment-{format}.txt"));
        if !items.exists() {
            break;
        }
        formats += 1;
        let stage = stored(from_text(&std::fs::read_to_string(items).unwrap()));
        let told = std::fs::read_to_string(file(&format!("deployment-{format}.answers.txt"))).unwrap();
        assert_eq!(answers(&stage), told, "format {format}");
    }
    assert!(formats > 0);
}

#[test]
fn the_present_format_of_a_deployment_has_its_files() {
    let stage = deployment();
    let items = stage.table.snapshot();
    let (stored, answers) = (to_text(&items), answers(&stage));
    let (newest, told) = (file("deployment-1.txt"), file("deployment-1.answers.txt"));
    if std::env::var_os("STATEWRIGHT_WRITE_FORMATS").is_some() && !newest.exists() {
        std::fs::write(&newest, &stored).unwrap();
        std::fs::write(&told, &answers).unwrap();
    }
    assert_eq!(std::fs::read_to_string(told).unwrap(), answers);
    // Every kind of item is among them.
    let kinds = ["a#a", "c#", "l#a", "l#m", "m#m", "r#", "s#", "t#a", "u", "x#m:ended", "x#m:waiting"];
    for kind in kinds {
        assert!(items.iter().any(|item| item.key.partition.starts_with(kind)), "{kind}");
    }
}

/// A deployment, some of whose items a later release has written: their partitions and sort keys begin so.
fn newer(partition: &str, sort: &str) -> Stage {
    let (mut items, mut changed) = (deployment().table.snapshot(), 0);
    for item in &mut items {
        if item.key.partition.starts_with(partition) && item.key.sort.starts_with(sort) {
            *item = item.clone().number("f", 99);
            changed += 1;
        }
    }
    assert!(changed > 0, "{partition} {sort}");
    let stage = stored(items);
    stage.clock.advance_to(START.plus_seconds(60));
    stage
}

#[test]
fn what_a_later_release_has_written_is_answered_by_that_release() {
    let activity = || json!({"activityArn": arn("activity", "a")});
    let cases = [
        ("m#m", "0", "DescribeStateMachine", machine("")),
        ("m#m", "r#", "DescribeStateMachine", machine(":1")),
        ("m#m", "d#", "DescribeStateMachine", machine("")),
        ("m#m", "v#", "DescribeStateMachine", machine(":1")),
        ("m#m", "0", "DeleteStateMachine", machine("")),
        ("l#m", "m", "ListStateMachines", json!({})),
        ("c#m", "", "ListExecutions", machine("")),
        ("r#", "", "ListExecutions", machine("")),
        ("a#a", "", "DescribeActivity", activity()),
        ("a#a", "", "CreateActivity", json!({"name": "a"})),
        ("l#a", "", "ListActivities", json!({})),
        ("m#m", "r#", "DescribeExecution", execution("waiting")),
    ];
    for (partition, sort, operation, request) in cases {
        let stage = newer(partition, sort);
        let before = stage.table.snapshot();
        let error = refused(&stage, operation, request);
        assert!(error.starts_with("ServiceUnavailable"), "{partition} {sort} {operation}: {error}");
        assert_eq!(stage.table.snapshot(), before, "{partition} {sort} {operation}");
    }
}

#[test]
fn what_a_later_release_has_arranged_it_finds_itself() {
    let offered = newer("t#a", "");
    assert_eq!(ask(&offered, "GetActivityTask", json!({"activityArn": arn("activity", "a")})), json!({}));
    assert_eq!(operate(&newer("u", ""), "ListSetAside", &json!({})), json!({"executions": []}));
    let (waiting, soon) = (arn("execution", "m:waiting"), arn("execution", "w:soon"));
    assert_eq!(found_by_the_sweep(&newer("s#", "")), (vec![], vec![waiting, soon.clone()]));
    assert_eq!(found_by_the_sweep(&newer("r#", "")), (vec![soon], vec![]));
}

#[test]
fn who_runs_a_definition_of_a_later_release_is_stopped_by_it_unless_it_was_taken_back_for_good() {
    for sort in ["r#", "d#"] {
        let stage = newer("m#m", sort);
        let status = || operate(&stage, "InspectExecution", &execution("waiting"))["status"].clone();
        ask(&stage, "StopExecution", execution("waiting"));
        assert_eq!(status(), "RUNNING", "{sort}");
        stage.clock.advance_to(stage.clock.now().plus_seconds(3700));
        ask(&stage, "StopExecution", execution("waiting"));
        assert_eq!(status(), "ABORTED", "{sort}");
    }
}
