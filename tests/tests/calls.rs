//! Repeating recorded calls: a case of our own, and a host that answers as it is told.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use statewright_tests::conformance::{
    Observed, Options, Refusal, Report, Response, Run, Script, Session, Subject, Verdict, run_folder,
};

type Answers = Arc<dyn Fn(&str, &Value) -> Response + Send + Sync>;

/// A host, and what was asked of it.
#[derive(Clone)]
struct Host {
    answers: Answers,
    log: Arc<Mutex<Vec<String>>>,
}

impl Session for Host {
    fn call(&mut self, operation: &str, request: &Value) -> Response {
        self.log.lock().unwrap().push(format!("{operation} {request}"));
        (self.answers)(operation, request)
    }

    fn script(&mut self, script: Script) {
        let said = match script {
            Script::Tasks(tasks) => format!("{} tasks", tasks.len()),
            Script::Fail { error, cause } => format!("{error}: {cause}"),
        };
        self.log.lock().unwrap().push(said);
    }

    fn settle(&mut self, execution_arn: &str) {
        self.log.lock().unwrap().push(format!("settle {execution_arn}"));
    }

    fn last_event(&mut self, _execution_arn: &str) -> Option<Value> {
        Some(json!({"id": 3, "previousEventId": 2, "timestamp": 1.5, "type": "ExecutionFailed",
            "executionFailedEventDetails": {"error": "Own"}}))
    }
}

impl Subject for Host {
    fn run(&self, _run: &Run) -> Result<Observed, Refusal> {
        Err(Refusal::Refused("there are only calls".to_owned()))
    }

    fn open(&self) -> Option<Box<dyn Session>> {
        Some(Box::new(self.clone()))
    }
}

fn case(members: Value) -> Value {
    let mut case = json!({"format": "aws-recorded/1", "id": "own::case", "module": "own", "kind": "api", "recorded": "2025-01-01T00:00:00Z",
        "masked": ["datetime"], "generated": ["<name>"]});
    for (name, value) in members.as_object().unwrap() {
        case[name] = value.clone();
    }
    case
}

/// How many folders there are: each case has its own.
static FOLDERS: AtomicUsize = AtomicUsize::new(0);

/// How a case goes, and what was asked of the host.
fn replay(
    members: Value,
    known: &str,
    answers: impl Fn(&str, &Value) -> Response + Send + Sync + 'static,
) -> (Report, Vec<String>) {
    let folder: PathBuf =
        std::env::temp_dir().join(format!("statewright-calls-{}-{}", std::process::id(), FOLDERS.fetch_add(1, Ordering::Relaxed)));
    std::fs::create_dir_all(folder.join("cases")).unwrap();
    std::fs::write(folder.join("cases/case.json"), case(members).to_string()).unwrap();
    std::fs::write(folder.join("known.toml"), known).unwrap();
    let host = Host { answers: Arc::new(answers), log: Arc::default() };
    let report = run_folder(&folder.join("cases"), &host, &Options { known: folder.join("known.toml"), ..Options::default() });
    std::fs::remove_dir_all(folder).unwrap();
    let log = host.log.lock().unwrap().clone();
    (report, log)
}

fn ok(body: Value) -> Response {
    Response { status: 200, body }
}

fn error(code: &str, message: &str) -> Response {
    Response { status: 400, body: json!({"__type": code, "message": message, "reason": "R"}) }
}

/// The verdict on one call that is answered so.
fn verdict(call: Value, answer: Response) -> Verdict {
    let (report, _) = replay(json!({"calls": [call]}), "", move |_, _| answer.clone());
    report.calls[0].verdict.clone()
}

fn failed(call: Value, answer: Response) -> String {
    match verdict(call, answer) {
        Verdict::Failed(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_answer_agrees_member_by_member() {
    let call = json!({"operation": "O", "request": {}, "recorded": {
        "name": "<name>", "at": "datetime", "definition": {"b": 1, "a": 2}, "ResponseMetadata": {"HTTPHeaders": {}, "HTTPStatusCode": 200}}});
    let fine = json!({"at": 1.5, "name": "made up", "definition": "{\"b\": 1, \"a\": 2}"});
    assert_eq!(verdict(call.clone(), ok(fine.clone())), Verdict::Passed);
    for (member, value, place) in [
        ("name", Value::Null, "/calls/0/name"),
        ("more", json!(1), "/calls/0/more"),
        ("definition", json!("{\"a\": 2, \"b\": 1}"), "/calls/0/definition"),
    ] {
        let mut wrong = fine.clone();
        wrong[member] = value;
        assert!(failed(call.clone(), ok(wrong)).starts_with(place), "{place}");
    }
    assert!(failed(call, error("E", "m")).starts_with("/calls/0/status: expected \"an answer\""));
}

#[test]
fn an_error_agrees_in_each_form_in_which_it_was_written_down() {
    let text = "An error occurred (E) when calling the O operation: m";
    let metadata = json!({"HTTPHeaders": {}, "HTTPStatusCode": 400});
    for recorded in [
        json!(text),
        json!({"exception_typename": "E", "exception_value": text}),
        json!({"Error": {"Code": "E", "Message": "m"}, "message": "m", "reason": "R", "ResponseMetadata": metadata}),
    ] {
        let call = json!({"operation": "O", "request": {}, "fails": true, "recorded": recorded});
        assert_eq!(verdict(call.clone(), error("E", "m")), Verdict::Passed);
        failed(call.clone(), error("F", "m"));
        failed(call.clone(), error("E", "n"));
        assert!(failed(call, ok(json!({}))).starts_with("/calls/0/status: expected \"an error\""));
    }
    // What another implementation answered counts by its code alone.
    let foreign = json!({"Error": {"Code": "E", "Message": "Error=ValueError x"}, "message": "Error=ValueError x"});
    let call = json!({"operation": "O", "request": {}, "fails": true, "recorded": foreign});
    assert_eq!(verdict(call.clone(), error("E", "m")), Verdict::Passed);
    failed(call, error("F", "m"));
}

#[test]
fn parts_of_an_answer_agree_where_they_stand() {
    let call = json!({"operation": "O", "request": {}, "recorded_parts": [{"of": "/list/1", "value": {"name": "b"}}]});
    assert_eq!(verdict(call.clone(), ok(json!({"list": [{"name": "a"}, {"name": "b"}]}))), Verdict::Passed);
    assert!(failed(call.clone(), ok(json!({"list": [{"name": "a"}, {"name": "c"}]}))).starts_with("/calls/0/list/1/name"));
    assert!(failed(call, ok(json!({"list": []}))).starts_with("/calls/0/list/1"));
}

#[test]
fn a_call_that_was_only_made_to_get_on_must_succeed() {
    let call = json!({"operation": "O", "request": {}});
    assert_eq!(verdict(call.clone(), ok(json!({"any": "thing"}))), Verdict::Passed);
    failed(call, error("E", "m"));
}

#[test]
fn requests_carry_what_earlier_answers_said_and_clients_own_refusals_are_not_sent() {
    let calls = json!([
        {"operation": "A", "request": {"id": 1}},
        {"operation": "B", "request": {"id": "as sent"}, "client_side": true, "fails": true, "recorded": "refused by the client"},
        {"operation": "C", "request": {"id": "as sent", "other": "as sent"},
            "refs": [{"at": "/id", "call": 0, "of": "/made/0"}, {"at": "/other", "call": 0, "of": "/nothing"}]},
    ]);
    let (report, log) = replay(json!({"calls": calls}), "", |_, _| ok(json!({"made": ["by us"]})));
    assert_eq!(report.calls[0].verdict, Verdict::Passed);
    assert_eq!(log, [r#"A {"id":1}"#, r#"C {"id":"by us","other":"as sent"}"#]);
}

#[test]
fn who_waits_for_an_execution_waits_for_its_end_unless_it_is_stopped_later() {
    let poll = json!({"operation": "GetExecutionHistory", "request": {"executionArn": "e"}});
    let stop = json!({"operation": "StopExecution", "request": {"executionArn": "e"}});
    let seen = json!({"operation": "DescribeExecution", "request": {"executionArn": "e"}, "recorded": {}});
    let asked = |calls: Value| {
        let (_, log) = replay(json!({"calls": calls}), "", |_, _| ok(json!({})));
        log.iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(asked(json!([poll])), ["settle", "GetExecutionHistory"]);
    assert_eq!(asked(json!([poll, stop, poll])), ["GetExecutionHistory", "StopExecution", "settle", "GetExecutionHistory"]);
    assert_eq!(asked(json!([seen])), ["DescribeExecution"]);
}

#[test]
fn what_is_not_built_is_not_yet_and_a_listed_difference_is_accepted() {
    let call = json!({"operation": "O", "request": {}, "recorded": {"a": 1}});
    let not_built = error("UnknownOperationException", "O is not built yet");
    assert_eq!(verdict(call.clone(), not_built), Verdict::NotYet("O is not built".to_owned()));
    let known = "[[difference]]\ncase = \"own::case\"\nexecution = 0\npointer = \"/calls/0/a\"\ncause = \"normalisation\"\nnote = \"why\"\n";
    let run = |body: Value| replay(json!({"calls": [call]}), known, move |_, _| ok(body.clone())).0;
    let with_metadata = |a: i64| json!({"a": a});
    let listed = run(with_metadata(2));
    assert!(matches!(&listed.calls[0].verdict, Verdict::Failed(reason) if reason.contains("ResponseMetadata")), "{listed}");
    let call = json!({"operation": "O", "request": {}, "recorded": {"a": 1, "ResponseMetadata": {"HTTPHeaders": {}, "HTTPStatusCode": 200}}});
    let run = |body: Value| replay(json!({"calls": [call]}), known, move |_, _| ok(body.clone())).0;
    let listed = run(with_metadata(2));
    assert_eq!((&listed.calls[0].verdict, listed.exit_code()), (&Verdict::Listed, 0));
    assert!(listed.to_string().contains("api own: 0 passed, 1 listed, 0 not yet, 0 failed"), "{listed}");
    // An entry that does not apply fails the run.
    assert_eq!(run(with_metadata(1)).exit_code(), 1);
}

#[test]
fn members_that_came_later_may_be_missing_in_older_recordings_alone() {
    let recorded = json!({"list": [{"name": "a"}], "ResponseMetadata": {"HTTPHeaders": {}, "HTTPStatusCode": 200}});
    let calls = json!([{"operation": "O", "request": {}, "recorded": recorded}]);
    let run = |at: &str| {
        let members = json!({"calls": calls, "recorded": at});
        let answer = json!({"list": [{"name": "a", "redriveCount": 0}], "encryptionConfiguration": {}});
        replay(members, "", move |_, _| ok(answer.clone())).0.calls[0].differences.len()
    };
    assert_eq!([run("2023-06-01T00:00:00Z"), run("2024-06-01T00:00:00Z"), run("2025-06-01T00:00:00Z")], [0, 1, 2]);
}

#[test]
fn express_executions_are_compared_by_their_answer_or_their_last_event() {
    let machine = json!({"name": "m", "type": "EXPRESS", "definition_text": "{}", "roleArn": "r"});
    let run = |execution: Value| {
        let members = json!({"kind": "output", "machines": [machine], "executions": [execution]});
        let (report, log) = replay(members, "", |operation, _| match operation {
            "CreateStateMachine" => ok(json!({"stateMachineArn": "arn"})),
            _ => ok(json!({"executionArn": "e", "billingDetails": {"billedDurationInMilliseconds": 100}})),
        });
        (report.results[0].verdict.clone(), log)
    };
    let answer = |billed: u64| {
        json!({"executionArn": "e", "billingDetails": {"billedDurationInMilliseconds": billed},
        "ResponseMetadata": {"HTTPHeaders": {}, "HTTPStatusCode": 200}})
    };
    let synchronous = |answer: Value| json!({"machine": 0, "sync": true, "input_text": "{}", "sync_response": answer});
    assert_eq!(run(synchronous(answer(100))).0, Verdict::Passed);
    // How long it took is one run's; on virtual time it takes no longer.
    assert_eq!(run(synchronous(answer(7600))).0, Verdict::Passed);
    assert!(matches!(run(synchronous(answer(50))).0, Verdict::Failed(_)));
    assert!(matches!(run(synchronous(json!({"executionArn": "f"}))).0, Verdict::Failed(_)));
    let event = json!({"details": {"error": "Own"}, "event_timestamp": "datetime", "execution_arn": "e", "id": "3",
        "previous_event_id": "2", "redrive_count": "0", "type": "ExecutionFailed"});
    let (verdict, log) = run(json!({"machine": 0, "end_event": event}));
    assert_eq!(verdict, Verdict::Passed);
    assert_eq!(
        log.iter().map(|line| line.split(' ').next().unwrap()).collect::<Vec<_>>(),
        ["CreateStateMachine", "StartExecution", "settle"]
    );
    let mut other = event.clone();
    other["details"]["error"] = json!("Other");
    assert!(matches!(run(json!({"machine": 0, "end_event": other})).0, Verdict::Failed(_)));
    // An error that was caught tells what the tasks failed with.
    let caught = json!({"executionArn": "e", "output": {"Error": "E", "Cause": "c"}});
    assert_eq!(run(synchronous(caught)).1[0], "E: c");
    assert!(matches!(run(json!({"machine": 0})).0, Verdict::NotYet(_)));
}
