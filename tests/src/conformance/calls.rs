//! Recorded calls of the API, repeated in order and compared.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::case::{Case, Execution};
use super::compare::{Difference, compare_answer};
use super::matching::{Memory, Rules};
use super::plan::{Run, ScriptedTask, plan};

/// A recorded call.
#[derive(Clone, Debug, Deserialize)]
pub struct Call {
    /// The operation.
    pub operation: String,
    /// The request as sent.
    #[serde(default)]
    pub request: Value,
    /// The recorded answer, or error.
    #[serde(default)]
    pub recorded: Option<Value>,
    /// The parts of the answer that were recorded.
    #[serde(default)]
    pub recorded_parts: Vec<Part>,
    /// Members of the request that carry a value out of an earlier answer.
    #[serde(default)]
    pub refs: Vec<Reference>,
    /// Whether the service refused the request.
    #[serde(default)]
    pub fails: bool,
    /// Whether the request never reached the service.
    #[serde(default)]
    pub client_side: bool,
}

/// A recorded part of an answer.
#[derive(Clone, Debug, Deserialize)]
pub struct Part {
    /// The pointer into the answer.
    pub of: String,
    /// What stood there.
    pub value: Value,
}

/// A value out of an earlier answer.
#[derive(Clone, Debug, Deserialize)]
pub struct Reference {
    /// The pointer into the request.
    pub at: String,
    /// The number of the earlier call.
    pub call: usize,
    /// The pointer into its answer.
    pub of: String,
}

/// What the API answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Value,
}

/// The outcomes of an execution's tasks.
#[derive(Clone, Debug)]
pub enum Script {
    /// Each one's.
    Tasks(Vec<ScriptedTask>),
    /// All of them fail alike.
    Fail {
        /// The error's name.
        error: String,
        /// The error's cause.
        cause: String,
    },
}

/// A host that the calls of one case are made to.
pub trait Session {
    /// Makes a call.
    fn call(&mut self, operation: &str, request: &Value) -> Response;

    /// Has the tasks of executions that are started from now on end as recorded.
    fn script(&mut self, script: Script);

    /// Lets time pass until an execution has ended.
    fn settle(&mut self, execution_arn: &str);

    /// The last event of an execution's history.
    fn last_event(&mut self, execution_arn: &str) -> Option<Value>;
}

/// What became of a case's calls, or of an execution that was started by them.
pub(super) enum Replayed {
    /// All were made. The pointers begin with the call's number, `/calls/3/…`.
    Compared(Vec<Difference>),
    /// An operation is not built, or the recording does not suffice.
    NotYet(String),
    /// A call could not even be made.
    Failed(String),
}

/// Members that answers have had only since some day: older recordings lack them.
///
/// Source: developer guide, "Document history": redriving executions, customer managed keys.
const LATER_MEMBERS: [(&str, &str); 2] = [("redriveCount", "2023-11-15"), ("encryptionConfiguration", "2024-07-25")];

/// Makes the calls of a case, in order, and compares what is answered.
pub(super) fn replay(case: &Case, rules: &Rules, session: &mut dyn Session) -> Replayed {
    let mut memory = Memory::default();
    let mut answers: Vec<Value> = Vec::new();
    let mut differences = Vec::new();
    let mut started = 0;
    for (number, call) in case.calls.iter().enumerate() {
        if call.client_side {
            answers.push(Value::Null);
            continue;
        }
        let request = request(call, &answers);
        if matches!(call.operation.as_str(), "StartExecution" | "StartSyncExecution") {
            // A case may have started more executions than it has recorded the histories of.
            if let Ok(Run { tasks, .. }) = plan(case, rules, started) {
                session.script(Script::Tasks(tasks));
            }
            started += 1;
        }
        if let Some(execution_arn) = polls(call, case.calls.get(number + 1..).unwrap_or_default(), &request) {
            session.settle(execution_arn);
        }
        let response = session.call(&call.operation, &request);
        if let Some(reason) = not_yet(&call.operation, &response) {
            return Replayed::NotYet(reason);
        }
        for mut difference in compare(case, rules, call, &response, &mut memory) {
            difference.pointer.insert_str(0, &format!("/calls/{number}"));
            differences.push(difference);
        }
        answers.push(response.body);
    }
    Replayed::Compared(differences)
}

/// The request as sent, with the values of earlier answers in it. Where the answer has none, what was sent stays: some requests were
/// made of lists that were recorded to be empty.
fn request(call: &Call, answers: &[Value]) -> Value {
    let mut request = call.request.clone();
    for Reference { at, call, of } in &call.refs {
        let value = answers.get(*call).and_then(|answer| answer.pointer(of));
        if let (Some(value), Some(place)) = (value, request.pointer_mut(at)) {
            *place = value.clone();
        }
    }
    request
}

/// The execution whose end a call waits for: its answer was not recorded, so it was made until the execution was where the test
/// wanted it; that is its end, unless somebody ends it from outside later on.
fn polls<'r>(call: &Call, later: &[Call], request: &'r Value) -> Option<&'r str> {
    let asks = matches!(call.operation.as_str(), "GetExecutionHistory" | "DescribeExecution");
    let ends = |call: &Call| matches!(call.operation.as_str(), "StopExecution" | "SendTaskSuccess" | "SendTaskFailure");
    let polls = asks && call.recorded.is_none() && call.recorded_parts.is_empty() && !later.iter().any(ends);
    request.get("executionArn").and_then(Value::as_str).filter(|_| polls)
}

fn not_yet(operation: &str, response: &Response) -> Option<String> {
    let message = response.body.get("message").and_then(Value::as_str).unwrap_or_default();
    if message.ends_with("is not built yet") {
        return Some(format!("{operation} is not built"));
    }
    message.contains("cannot be run yet").then(|| "Distributed Map".to_owned())
}

fn compare(case: &Case, rules: &Rules, call: &Call, response: &Response, memory: &mut Memory) -> Vec<Difference> {
    let refused = response.status != 200;
    if refused != call.fails {
        let expected = if call.fails { "an error" } else { "an answer" };
        let difference = Difference {
            pointer: "/status".to_owned(),
            expected: Some(expected.into()),
            got: Some(response.body.clone()),
            note: None,
        };
        return vec![difference];
    }
    if let Some(recorded) = &call.recorded {
        let ours =
            if refused { error(recorded, &call.operation, response) } else { with_metadata(response.body.clone(), response) };
        let (recorded, ours) = comparable(recorded, ours);
        return compare_answer(&recorded, without_later_members(case, &recorded, ours), rules, memory, "");
    }
    let mut differences = Vec::new();
    for Part { of, value } in &call.recorded_parts {
        let ours = response.body.pointer(of).cloned().unwrap_or_default();
        differences.extend(compare_answer(value, ours, rules, memory, of));
    }
    differences
}

/// An error of ours in the form in which the recorded one was written down.
fn error(recorded: &Value, operation: &str, response: &Response) -> Value {
    let member = |name: &str| response.body.get(name).and_then(Value::as_str).unwrap_or_default();
    let (code, message) = (member("__type"), member("message"));
    let text = format!("An error occurred ({code}) when calling the {operation} operation: {message}");
    if recorded.is_string() {
        return text.into();
    }
    if recorded.get("exception_typename").is_some() {
        return json!({"exception_typename": code, "exception_value": text});
    }
    let mut ours = response.body.clone();
    if let Some(members) = ours.as_object_mut() {
        members.remove("__type");
        members.insert("Error".to_owned(), json!({"Code": code, "Message": message}));
    }
    with_metadata(ours, response)
}

fn with_metadata(mut body: Value, response: &Response) -> Value {
    if let Some(members) = body.as_object_mut() {
        members.insert("ResponseMetadata".to_owned(), json!({"HTTPHeaders": {}, "HTTPStatusCode": response.status}));
    }
    body
}

/// Some recorded errors were answered by another implementation: their code counts, their text does not.
fn comparable(recorded: &Value, ours: Value) -> (Value, Value) {
    let message = recorded.pointer("/Error/Message").and_then(Value::as_str).unwrap_or_default();
    if message.starts_with("Error=") {
        let code = |value: &Value| json!({"Error": {"Code": value.pointer("/Error/Code")}});
        return (code(recorded), code(&ours));
    }
    (recorded.clone(), ours)
}

/// Takes out of an answer of ours what the service did not have yet when the case was recorded.
fn without_later_members(case: &Case, recorded: &Value, ours: Value) -> Value {
    let recorded_at = case.recorded.as_deref().unwrap_or("9999");
    let is_later = |name: &str| LATER_MEMBERS.iter().any(|(later, since)| *later == name && recorded_at < *since);
    match (recorded, ours) {
        (Value::Object(recorded), Value::Object(ours)) => ours
            .into_iter()
            .filter(|(name, _)| recorded.contains_key(name) || !is_later(name))
            .map(|(name, value)| {
                let recorded = recorded.get(&name).unwrap_or(&Value::Null);
                let value = without_later_members(case, recorded, value);
                (name, value)
            })
            .collect(),
        (Value::Array(recorded), Value::Array(ours)) => {
            let recorded = recorded.iter().chain(std::iter::repeat(&Value::Null));
            recorded.zip(ours).map(|(recorded, ours)| without_later_members(case, recorded, ours)).collect()
        }
        (_, ours) => ours,
    }
}

/// Runs an execution of an Express machine and compares the answer of `StartSyncExecution`, or the last event that it logged.
pub(super) fn replay_express(
    case: &Case,
    rules: &Rules,
    execution: &Execution,
    session: &mut dyn Session,
    memory: &mut Memory,
) -> Replayed {
    let Some(machine) = case.machines.get(execution.machine) else {
        return Replayed::Failed("there is no such machine".to_owned());
    };
    let (Some(expected), operation) = (match execution.sync {
        true => (execution.sync_response.as_ref(), "StartSyncExecution"),
        false => (execution.end_event.as_ref(), "StartExecution"),
    }) else {
        return Replayed::NotYet("nothing was recorded of the end of an Express execution".to_owned());
    };
    if let Some(script) = what_was_caught(expected) {
        session.script(script);
    }
    let create =
        json!({"name": machine.name, "definition": machine.definition_text, "roleArn": machine.role_arn, "type": "EXPRESS"});
    let created = session.call("CreateStateMachine", &create);
    let start =
        json!({"stateMachineArn": created.body.get("stateMachineArn"), "input": execution.input_text, "name": execution.name});
    let started = session.call(operation, &start);
    if started.status != 200 {
        return Replayed::Failed(format!("{operation}: {} {}", started.body, created.body));
    }
    if execution.sync {
        return Replayed::Compared(compare_answer(expected, with_metadata(started.body.clone(), &started), rules, memory, ""));
    }
    let execution_arn = started.body.get("executionArn").and_then(Value::as_str).unwrap_or_default();
    session.settle(execution_arn);
    match session.last_event(execution_arn) {
        Some(event) => Replayed::Compared(compare_answer(expected, logged(&event, execution_arn), rules, memory, "")),
        None => Replayed::Failed("the execution has no history".to_owned()),
    }
}

/// What the tasks failed with, where the output is an error that was caught: the recording has no other word of them.
fn what_was_caught(recorded: &Value) -> Option<Script> {
    let output = recorded.get("output").or_else(|| recorded.pointer("/details/output"))?;
    let text = |name: &str| output.get(name)?.as_str().map(str::to_owned);
    Some(Script::Fail { error: text("Error")?, cause: text("Cause")? })
}

/// An event as it is logged.
fn logged(event: &Value, execution_arn: &str) -> Value {
    let text = |name: &str| event.get(name).map(|value| value.to_string().trim_matches('"').to_owned());
    let details: Map<String, Value> = event
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| name.ends_with("EventDetails"))
        .map(|(_, details)| ("details".to_owned(), details.clone()))
        .collect();
    let mut record = details;
    for (name, value) in [
        ("event_timestamp", text("timestamp")),
        ("execution_arn", Some(execution_arn.to_owned())),
        ("id", text("id")),
        ("previous_event_id", text("previousEventId")),
        ("redrive_count", Some("0".to_owned())),
        ("type", text("type")),
    ] {
        record.insert(name.to_owned(), value.into());
    }
    Value::Object(record)
}
