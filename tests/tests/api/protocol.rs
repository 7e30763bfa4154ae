//! AWS JSON 1.0.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use statewright_engine::api::signature::Verified;
use statewright_engine::api::{Api, ApiError, Caller, Operation, Reply};
use statewright_tests::play::START;
use statewright_tests::stage::Stage;

use crate::arn;

fn header<'r>(reply: &'r Reply, name: &str) -> Option<&'r str> {
    reply.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

fn body(reply: &Reply) -> Value {
    serde_json::from_str(&reply.body).unwrap()
}

#[test]
fn a_request_is_answered_in_the_clients_protocol() {
    let stage = Stage::default();
    let send = |body: &[u8]| stage.send(&[("x-amz-target", "AWSStepFunctions.CreateActivity")], body);
    let reply = send(br#"{"name": "a"}"#);
    assert_eq!((reply.status, &body(&reply)["activityArn"]), (200, &json!(arn("activity", "a"))));
    assert_eq!(header(&reply, "content-type"), Some("application/x-amz-json-1.0"));
    let first = header(&reply, "x-amzn-RequestId").unwrap();
    assert_eq!(first.len(), 36);
    assert_ne!(header(&send(br#"{"name": "a"}"#), "x-amzn-RequestId").unwrap(), first);
    let nothing = stage.send(
        &[("X-Amz-Target", "AWSStepFunctions.DeleteActivity")],
        json!({"activityArn": arn("activity", "a")}).to_string().as_bytes(),
    );
    assert_eq!((nothing.status, nothing.body.as_str()), (200, "{}"));
}

#[test]
fn an_error_names_its_type_and_what_is_wrong() {
    let stage = Stage::default();
    let reply = stage.send(&[("X-Amz-Target", "AWSStepFunctions.CreateActivity")], br#"{"name": "a b"}"#);
    assert_eq!(reply.status, 400);
    assert_eq!(body(&reply), json!({"__type": "InvalidName", "message": "Invalid Name: 'a b'"}));
    assert_eq!(header(&reply, "x-amzn-ErrorType"), Some("InvalidName"));
    assert!(header(&reply, "x-amzn-RequestId").is_some());
    let missing = json!({"mapRunArn": "run"}).to_string();
    let reply = stage.send(&[("X-Amz-Target", "AWSStepFunctions.ListExecutions")], missing.as_bytes());
    let expected = json!({"__type": "ResourceNotFound", "message": "Resource not found: 'run'", "resourceName": "run"});
    assert_eq!(body(&reply), expected);
}

#[test]
fn what_cannot_be_read_is_no_request() {
    let stage = Stage::default();
    let code = |headers: &[(&str, &str)], text: &[u8]| {
        let reply = stage.send(headers, text);
        assert_eq!(reply.status, 400);
        body(&reply)["__type"].as_str().unwrap().to_owned()
    };
    let target = [("X-Amz-Target", "AWSStepFunctions.ListActivities")];
    assert_eq!(code(&[], b"{}"), "UnknownOperationException");
    assert_eq!(code(&[("X-Amz-Target", "DynamoDB.ListTables")], b"{}"), "UnknownOperationException");
    assert_eq!(code(&[("X-Amz-Target", "AWSStepFunctions.Redo")], b"{}"), "UnknownOperationException");
    assert_eq!(code(&[("X-Amz-Target", "AWSStepFunctions.TestState")], b"{}"), "UnknownOperationException");
    for text in [b"{".as_slice(), b"[]", b"not", b"\xff"] {
        assert_eq!(code(&target, text), "SerializationException");
    }
    // No body is a request without members.
    assert_eq!(stage.send(&target, b"").status, 200);
}

#[test]
fn hosts_with_threads_can_answer_requests_on_any_of_them() {
    fn is_send(_: &impl Send) {}
    let stage = Stage::default();
    let random = || 0;
    let caller =
        Caller { partition: "aws", region: "us-east-1", account: "111111111111", now: START, random: &random, verified: None };
    let api = Api { table: &*stage.table, executions: stage.engine() };
    let answering = api.respond([("X-Amz-Target", "AWSStepFunctions.ListActivities")], b"{}", &caller);
    is_send(&answering);
    assert_eq!(pollster::block_on(answering).body, r#"{"activities":[]}"#);
}

#[test]
fn a_request_that_is_sent_again_starts_nothing_more() {
    let stage = Stage::default();
    let definition = r#"{"StartAt": "P", "States": {"P": {"Type": "Wait", "Seconds": 60, "End": true}}}"#;
    let machine = json!({"name": "m", "definition": definition, "roleArn": "arn:aws:iam::111111111111:role/r"});
    let machine = stage.call(Operation::CreateStateMachine, &machine).unwrap();
    let api = Api { table: &*stage.table, executions: stage.engine() };
    let draws = AtomicU64::new(0);
    let random = || u128::from(draws.fetch_add(1, Ordering::Relaxed)) << 80;
    let start = |signature: &str, is_unique, named: Value, milliseconds: u64| {
        let verified = Verified { key_id: "ID".to_owned(), signature: signature.to_owned(), is_unique };
        let now = START.plus_seconds(3600).plus_millis(milliseconds);
        let verified = Some(&verified);
        let caller = Caller { partition: "aws", region: "us-east-1", account: "111111111111", now, random: &random, verified };
        let request = json!({"stateMachineArn": machine["stateMachineArn"], "name": named}).to_string();
        let answer = pollster::block_on(api.call(Operation::StartExecution, &request, &caller))?;
        Ok(serde_json::from_str::<Value>(&answer).unwrap()["executionArn"].as_str().unwrap().to_owned())
    };
    let code = |answer: Result<String, ApiError>| answer.map_err(|error| (error.status, error.code.to_string()));
    // A client that numbers its calls has tried again.
    let first = start("a", true, Value::Null, 0).unwrap();
    assert_eq!(start("a", true, Value::Null, 250_000), Ok(first.clone()));
    assert_ne!(start("b", true, Value::Null, 0), Ok(first));
    // Of one that does not equal calls of one second are several, and what comes later is one of them.
    let all: BTreeSet<_> = (0..50).map(|n| start("c", false, Value::Null, n * 20).unwrap()).collect();
    assert_eq!(all.len(), 50);
    assert!(start("c", false, Value::Null, 5_000).is_ok());
    assert_eq!(code(start("c", false, Value::Null, 5_001)), Err((503, "ServiceUnavailable".to_owned())));
    // Names are the caller's affair, as long as what they name is there.
    let named = start("d", false, json!("x"), 0).unwrap();
    assert_eq!(start("d", false, json!("x"), 200_000), Ok(named));
}

#[test]
fn a_request_that_is_sent_again_undoes_nothing() {
    let stage = Stage::default();
    let api = Api { table: &*stage.table, executions: stage.engine() };
    let draws = AtomicU64::new(0);
    let random = || u128::from(draws.fetch_add(1, Ordering::Relaxed)) << 80;
    let send = |operation, signature: &str, request: &Value, milliseconds: u64| {
        let verified = Verified { key_id: "ID".to_owned(), signature: signature.to_owned(), is_unique: true };
        let now = START.plus_seconds(3600).plus_millis(milliseconds);
        let verified = Some(&verified);
        let caller = Caller { partition: "aws", region: "us-east-1", account: "111111111111", now, random: &random, verified };
        let answer = pollster::block_on(api.call(operation, &request.to_string(), &caller));
        answer.map(|answer| serde_json::from_str::<Value>(&answer).unwrap()).map_err(|error| (error.status, error.code.to_string()))
    };
    let refused = Err((503, "ServiceUnavailable".to_owned()));
    let definition =
        |seconds: u32| json!({"StartAt": "P", "States": {"P": {"Type": "Wait", "Seconds": seconds, "End": true}}}).to_string();
    let create = json!({"name": "m", "definition": definition(1), "roleArn": "arn:aws:iam::111111111111:role/r"});
    let arn = send(Operation::CreateStateMachine, "a", &create, 0).unwrap()["stateMachineArn"].clone();
    // Who was not answered signs anew.
    assert_eq!(send(Operation::CreateStateMachine, "a", &create, 1), refused);
    // By the clock of another process it may come before the first.
    assert!(send(Operation::CreateActivity, "early", &json!({"name": "e"}), 3_000).is_ok());
    assert_eq!(send(Operation::CreateActivity, "early", &json!({"name": "e"}), 0), refused);
    assert_eq!(send(Operation::CreateStateMachine, "b", &create, 2).unwrap()["stateMachineArn"], arn);
    let update = |seconds| json!({"stateMachineArn": arn, "definition": definition(seconds)});
    send(Operation::UpdateStateMachine, "c", &update(2), 3).unwrap();
    send(Operation::UpdateStateMachine, "d", &update(3), 4).unwrap();
    assert_eq!(send(Operation::UpdateStateMachine, "c", &update(2), 300_000), refused);
    let found = send(Operation::DescribeStateMachine, "e", &json!({"stateMachineArn": arn}), 300_001).unwrap();
    assert_eq!(found["definition"], definition(3));
    assert_eq!(send(Operation::DescribeStateMachine, "e", &json!({"stateMachineArn": arn}), 300_002), Ok(found));
    let activity = send(Operation::CreateActivity, "f", &json!({"name": "a"}), 0).unwrap()["activityArn"].clone();
    // Workers may ask in the same second.
    let poll = |milliseconds| send(Operation::GetActivityTask, "g", &json!({"activityArn": activity}), milliseconds);
    assert!(poll(0).is_ok() && poll(900).is_ok() && poll(5_000).is_ok());
    assert_eq!(poll(5_001), refused);
    let delete = json!({"activityArn": activity});
    send(Operation::DeleteActivity, "h", &delete, 6_000).unwrap();
    send(Operation::CreateActivity, "i", &json!({"name": "a"}), 7_000).unwrap();
    assert_eq!(send(Operation::DeleteActivity, "h", &delete, 8_000), refused);
    assert!(send(Operation::DescribeActivity, "j", &delete, 9_000).is_ok());
}
