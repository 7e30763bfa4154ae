//! Operators' operations, and stopping what cannot be restored.

use serde_json::{Value, json};
use statewright_engine::journal::Aside;
use statewright_engine::table::{Attribute, Condition, Item, Key, Query, Table, query_all};
use statewright_engine::{Clock, ExecutionArn, take_dead_letter};
use statewright_tests::stage::Stage;

use crate::{arn, ask, created, one, pass, refused, started, wait};

/// Calls an operator's operation: the status and the answer.
fn operate(stage: &Stage, operation: &str, request: &Value) -> (u16, Value) {
    let target = format!("Statewright.{operation}");
    let reply = stage.send(&[("x-amz-target", &target)], request.to_string().as_bytes());
    (reply.status, serde_json::from_str(&reply.body).unwrap())
}

fn inspect(stage: &Stage, execution_arn: &str) -> Value {
    let (status, answer) = operate(stage, "InspectExecution", &json!({"executionArn": execution_arn}));
    assert_eq!(status, 200, "{answer}");
    answer
}

fn items(stage: &Stage, partition: &str) -> Vec<Item> {
    pollster::block_on(query_all(&*stage.table, Query::prefix(partition, ""))).unwrap()
}

fn put(stage: &Stage, item: Item) {
    pollster::block_on(stage.table.put(item, Condition::None)).unwrap();
}

fn delete(stage: &Stage, key: &Key) {
    pollster::block_on(stage.table.delete(key, Condition::None)).unwrap();
}

/// A callback that waits; its token goes to nobody.
fn callback() -> String {
    one(json!({"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "TimeoutSeconds": 3600,
        "Parameters": {"QueueUrl": "q", "MessageBody": {"token.$": "$$.Task.Token"}}}))
}

#[test]
fn an_execution_says_what_it_waits_for() {
    let stage = Stage::default();
    let execution_arn = started(&stage, &created(&stage, "m", &callback(), json!({})), json!({"name": "e"}));
    let answer = inspect(&stage, &execution_arn);
    let shown = ["executionArn", "status", "states", "inbox", "leases", "events"].map(|name| &answer[name]);
    let wanted = [json!(execution_arn), json!("RUNNING"), json!(["S"]), json!([]), json!([]), json!(4)];
    assert_eq!(shown, wanted.each_ref(), "{answer}");
    let resource = "arn:aws:states:::sqs:sendMessage.waitForTaskToken";
    assert_eq!(answer["openTasks"], json!([{"task": 3, "state": "S", "resource": resource, "started": true}]));
    assert!(answer["revision"].as_str().unwrap().starts_with("m/"), "{answer}");
    assert!(answer["commits"].as_u64().unwrap() > 1 && answer["reminder"]["tries"] == 0, "{answer}");
    assert!(answer["deadline"].as_str().unwrap().ends_with('Z'), "{answer}");
    for absent in ["problem", "setAside"] {
        assert_eq!(answer.get(absent), None);
    }
}

#[test]
fn an_execution_that_has_ended_says_how() {
    let stage = Stage::default();
    let execution_arn = started(&stage, &created(&stage, "m", &pass(), json!({})), json!({"name": "e"}));
    let answer = inspect(&stage, &execution_arn);
    assert_eq!((&answer["status"], &answer["openTasks"], &answer["states"]), (&json!("SUCCEEDED"), &json!([]), &json!([])));
    assert_eq!((answer.get("deadline"), answer.get("problem"), answer.get("reminder")), (None, None, None));
}

#[test]
fn requests_that_name_nothing_are_refused() {
    let stage = Stage::default();
    let code = |operation: &str, request: Value| {
        let (status, answer) = operate(&stage, operation, &request);
        (status, answer["__type"].as_str().unwrap().to_owned())
    };
    let refused = |code: &str| (400, code.to_owned());
    assert_eq!(code("InspectExecution", json!({"executionArn": arn("execution", "m:e")})), refused("ExecutionDoesNotExist"));
    assert_eq!(code("ReleaseExecution", json!({"executionArn": arn("execution", "m:e")})), refused("ExecutionDoesNotExist"));
    assert_eq!(code("InspectExecution", json!({"executionArn": arn("stateMachine", "m")})), refused("InvalidArn"));
    assert_eq!(code("InspectExecution", json!({})), refused("ValidationException"));
    assert_eq!(code("ListSetAside", json!({"maxResults": 101})), refused("ValidationException"));
    assert_eq!(code("ListSetAside", json!({"max": 1})), refused("ValidationException"));
    assert_eq!(code("DropTable", json!({})), refused("UnknownOperationException"));
    let not_json = stage.send(&[("x-amz-target", "Statewright.ListSetAside")], b"{");
    assert!(not_json.body.contains("SerializationException"), "{}", not_json.body);
}

fn set_aside(stage: &Stage, execution_arn: &str) {
    let at = stage.clock.now();
    let aside = Aside {
        execution: ExecutionArn(execution_arn.into()),
        at,
        reminder: at,
        reason: "woken 12 times in vain".to_owned(),
        version: None,
    };
    pollster::block_on(stage.engine().journal().put_aside(&aside)).unwrap();
}

#[test]
fn what_was_set_aside_is_listed_in_pages_until_it_is_released() {
    let stage = Stage::default();
    let machine_arn = created(&stage, "m", &wait(), json!({}));
    let mut arns: Vec<String> = ["a", "b", "c"].map(|name| started(&stage, &machine_arn, json!({"name": name}))).into();
    arns.push(arn("execution", "m:gone"));
    arns.iter().for_each(|arn| set_aside(&stage, arn));
    let list = |request: Value| {
        let (_, answer) = operate(&stage, "ListSetAside", &request);
        let listed: Vec<String> =
            answer["executions"].as_array().unwrap().iter().map(|one| one["executionArn"].as_str().unwrap().to_owned()).collect();
        (listed, answer["nextToken"].clone())
    };
    let (first, token) = list(json!({"maxResults": 3}));
    let (second, end) = list(json!({"maxResults": 3, "nextToken": token}));
    assert_eq!(([first, second].concat(), end), (arns.clone(), Value::Null));
    assert_eq!(inspect(&stage, &arns[0])["setAside"]["reason"], "woken 12 times in vain");
    assert!(inspect(&stage, &arns[3])["problem"].as_str().unwrap().contains("no such execution any more"));
    for arn in &arns {
        let (status, answer) = operate(&stage, "ReleaseExecution", &json!({"executionArn": arn}));
        assert_eq!((status, &answer["setAside"]["reason"]), (200, &json!("woken 12 times in vain")));
    }
    assert_eq!(list(json!({})).0, Vec::<String>::new());
    let (status, again) = operate(&stage, "ReleaseExecution", &json!({"executionArn": arns[0]}));
    assert_eq!((status, again.get("setAside")), (200, None));
}

/// Starts an execution that waits, breaks what is stored of it, and hands it over to another process of the host.
fn broken(how: impl Fn(&Stage, Vec<Item>)) -> (Stage, String, Vec<String>) {
    let tokens = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let given = std::sync::Arc::clone(&tokens);
    let stage = Stage::with_tasks(Box::new(move |task| {
        given.lock().unwrap().push(task.token.as_deref().unwrap().to_owned());
        vec![statewright_interpreter::event::Event::TaskStarted { task: task.task, worker_name: None }]
    }));
    let machine_arn = created(&stage, "m", &callback(), json!({}));
    let execution_arn = started(&stage, &machine_arn, json!({"name": "e", "input": "{\"kept\": true}"}));
    how(&stage, items(&stage, "x#m:e").into_iter().filter(|item| item.key.sort.starts_with(['0', 'j'])).collect());
    let tokens = tokens.lock().unwrap().clone();
    (stage.restarted(), execution_arn, tokens)
}

/// What is broken shows why, does not answer as if it could be read, and can be stopped.
fn is_stopped(what: &str, says: &str, input: &str, how: impl Fn(&Stage, Vec<Item>)) {
    let (stage, execution_arn, tokens) = broken(how);
    let of = json!({"executionArn": execution_arn});
    let error = refused(&stage, "DescribeExecution", of.clone());
    assert!(error.starts_with("InternalServerError"), "{what}: {error}");
    let answer = inspect(&stage, &execution_arn);
    assert!(answer["problem"].as_str().unwrap().contains(says), "{what}: {answer}");
    assert_eq!((&answer["status"], &answer["states"]), (&json!("RUNNING"), &json!(["S"])), "{what}");
    set_aside(&stage, &execution_arn);

    let stop = json!({"executionArn": execution_arn, "error": "Own", "cause": "why"});
    let stopped = ask(&stage, "StopExecution", stop.clone());
    let described = ask(&stage, "DescribeExecution", of.clone());
    let shown = ["status", "error", "cause", "input", "name"].map(|name| described[name].as_str().unwrap());
    assert_eq!(shown, ["ABORTED", "Own", "why", input, "e"], "{what}");
    assert_eq!(described["stopDate"], stopped["stopDate"], "{what}");
    assert_eq!(ask(&stage, "StopExecution", stop)["stopDate"], stopped["stopDate"], "{what}: again changes nothing");
    let list = |status: &str| {
        let request = json!({"stateMachineArn": arn("stateMachine", "m"), "statusFilter": status});
        ask(&stage, "ListExecutions", request)["executions"].as_array().unwrap().len()
    };
    assert_eq!((list("RUNNING"), list("ABORTED")), (0, 1), "{what}");
    for reverse in [false, true] {
        let request = json!({"executionArn": execution_arn, "reverseOrder": reverse});
        let events = ask(&stage, "GetExecutionHistory", request)["events"].clone();
        let events = events.as_array().unwrap();
        let last = if reverse { events.first() } else { events.last() };
        assert_eq!(last.unwrap()["type"], "ExecutionAborted", "{what}");
    }
    let answer = inspect(&stage, &execution_arn);
    assert_eq!((&answer["status"], answer.get("problem"), answer.get("setAside")), (&json!("ABORTED"), None, None), "{what}");
    // Who comes late finds it ended.
    stage.settle(&execution_arn);
    let late = json!({"taskToken": tokens[0], "output": "1"});
    let late = refused(&stage, "SendTaskSuccess", late);
    assert!(late.starts_with("TaskTimedOut") || late.starts_with("InvalidToken"), "{what}: {late}");
    // Who starts one needs the definition first.
    if !what.starts_with("a definition") {
        let again = refused(&stage, "StartExecution", json!({"stateMachineArn": arn("stateMachine", "m"), "name": "e"}));
        assert!(again.starts_with("ExecutionAlreadyExists"), "{what}: {again}");
    }
    let machine = json!({"stateMachineArn": arn("stateMachine", "m")});
    ask(&stage, "DeleteStateMachine", machine.clone());
    assert!(refused(&stage, "DescribeStateMachine", machine).starts_with("StateMachineDoesNotExist"), "{what}");
}

fn bytes(item: &mut Item) -> &mut Vec<u8> {
    match item.attributes.get_mut("b") {
        Some(Attribute::Bytes(bytes)) => bytes,
        other => panic!("{other:?}"),
    }
}

const INPUT: &str = "{\"kept\": true}";

#[test]
fn what_cannot_be_restored_can_be_stopped() {
    is_stopped("a damaged commit", "a commit", INPUT, |stage, commits| {
        let mut newest = commits.into_iter().nth(1).unwrap();
        bytes(&mut newest).truncate(20);
        put(stage, newest);
    });
    is_stopped("a commit that is gone", "is missing", INPUT, |stage, commits| {
        let parts = commits.into_iter().nth(1).unwrap().number("n", 1);
        put(stage, parts);
    });
    is_stopped("the first commit is damaged", "a commit", "{}", |stage, commits| {
        let mut first = commits.into_iter().next().unwrap();
        bytes(&mut first).truncate(20);
        put(stage, first);
    });
}

#[test]
fn what_a_later_release_has_written_is_stopped_by_that_release() {
    let (stage, execution_arn, _) = broken(|stage, commits| {
        let newest = commits.into_iter().nth(1).unwrap();
        put(stage, newest.number("f", 99));
    });
    let of = json!({"executionArn": execution_arn});
    let problem = inspect(&stage, &execution_arn)["problem"].as_str().unwrap().to_owned();
    assert!(problem.contains("is newer than 1, the newest this release reads"), "{problem}");
    let error = refused(&stage, "DescribeExecution", of.clone());
    assert!(error.starts_with("ServiceUnavailable"), "the later release answers: {error}");

    let commits = || items(&stage, "x#m:e").into_iter().filter(|item| item.key.sort.starts_with(['0', 'j'])).collect::<Vec<_>>();
    let before = commits();
    let stop = json!({"executionArn": execution_arn, "error": "Own", "cause": "why"});
    ask(&stage, "StopExecution", stop.clone());
    assert_eq!(commits(), before, "nothing comes behind what the later release has written");

    // As the later release sees it.
    put(&stage, before.into_iter().nth(1).unwrap().number("f", 1));
    stage.settle(&execution_arn);
    let described = ask(&stage, "DescribeExecution", of);
    let shown = ["status", "error", "cause"].map(|name| described[name].as_str().unwrap());
    assert_eq!(shown, ["ABORTED", "Own", "why"]);
    let events = ask(&stage, "GetExecutionHistory", json!({"executionArn": execution_arn}))["events"].clone();
    let ids: Vec<_> = events.as_array().unwrap().iter().map(|event| event["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>());
}

#[test]
fn what_a_later_release_has_written_that_was_taken_back_for_good_can_be_stopped_after_an_hour() {
    let (stage, execution_arn, _) = broken(|stage, commits| {
        let newest = commits.into_iter().nth(1).unwrap();
        put(stage, newest.number("f", 99));
    });
    let stop = json!({"executionArn": execution_arn, "error": "Own", "cause": "why"});
    let status = || inspect(&stage, &execution_arn)["status"].clone();
    for seconds in [0, 3500] {
        stage.clock.advance_to(stage.clock.now().plus_seconds(seconds));
        ask(&stage, "StopExecution", stop.clone());
        assert_eq!(status(), "RUNNING");
    }
    stage.clock.advance_to(stage.clock.now().plus_seconds(100));
    ask(&stage, "StopExecution", stop);
    assert_eq!(status(), "ABORTED");
}

#[test]
fn what_has_lost_its_definition_can_be_stopped() {
    let lost = |stage: &Stage, _| {
        for item in items(stage, "m#m").into_iter().filter(|item| item.key.sort.starts_with("r#")) {
            delete(stage, &item.key);
        }
    };
    is_stopped("a definition that is gone", "revision m/", INPUT, lost);
}

#[test]
fn what_has_a_damaged_definition_can_be_stopped() {
    is_stopped("a definition without its text", "cannot be read", INPUT, |stage, _| {
        for item in items(stage, "m#m").into_iter().filter(|item| item.key.sort.starts_with("d#")) {
            delete(stage, &item.key);
        }
    });
    is_stopped("a definition whose revision is damaged", "cannot be read", INPUT, |stage, _| {
        for item in items(stage, "m#m").into_iter().filter(|item| item.key.sort.starts_with("r#")) {
            put(stage, item.text("r", "{"));
        }
    });
}

#[test]
fn the_dead_letter_of_what_has_a_damaged_definition_sets_it_aside() {
    let (stage, execution_arn, _) = broken(|stage, _| {
        for item in items(stage, "m#m").into_iter().filter(|item| item.key.sort.starts_with("d#")) {
            delete(stage, &item.key);
        }
    });
    let (engine, arn) = (stage.engine(), ExecutionArn(execution_arn.as_str().into()));
    let taken = pollster::block_on(take_dead_letter(engine, engine.journal(), &arn, stage.clock.now()));
    assert_eq!(taken, Ok(true));
    let reason = inspect(&stage, &execution_arn)["setAside"]["reason"].clone();
    assert!(reason.as_str().is_some_and(|reason| reason.contains("cannot be read")), "{reason}");
}

#[test]
fn what_has_ended_is_not_aborted_although_it_cannot_be_read() {
    let stage = Stage::default();
    let execution_arn = started(&stage, &created(&stage, "m", &pass(), json!({})), json!({"name": "e"}));
    let mut only = items(&stage, "x#m:e").pop().unwrap();
    bytes(&mut only).truncate(20);
    put(&stage, only);
    let before = stage.table.snapshot();
    ask(&stage, "StopExecution", json!({"executionArn": execution_arn}));
    assert_eq!(stage.table.snapshot(), before);
    assert_eq!(inspect(&stage, &execution_arn)["status"], "SUCCEEDED");
}
