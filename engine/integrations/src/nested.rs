//! Executions that tasks start (`states:startExecution`): their names, their end, and their being stopped.
//!
//! Source: developer guide, "Start workflow executions from a task state"; rules `nested-results`, `nested-json` and `nested-dates` of the
//! rule table.

use std::borrow::Cow;

use sha2::{Digest, Sha256};
use statewright_interpreter::definition::Pattern;
use statewright_interpreter::event::Event;
use statewright_interpreter::payload::Document;
use statewright_value::{Object, Value};

use crate::failure;
use crate::outcome::{Response, job_failed, waits_for_job};
use crate::request::{Request, is_missing};
use crate::service::{EXECUTION, STEP_FUNCTIONS};
use crate::shape::{Names, Shape, sorted};
use crate::task::{Origin, Task};

/// The parameters with a name for the execution if they have none.
///
/// The service makes up a UUID. Ours follows from the attempt, so that a task that is delivered twice starts one execution.
pub(crate) fn with_name<'a>(parameters: &'a Value, task: &Task, origin: &Origin<'_>) -> Cow<'a, Value> {
    if !is_missing(parameters, "Name") {
        return Cow::Borrowed(parameters);
    }
    let mut parameters = parameters.clone();
    if let Some(members) = parameters.as_object_mut() {
        members.insert("Name".into(), Value::from(name(task, origin)));
    }
    Cow::Owned(parameters)
}

/// A UUID (version 8) out of what names the attempt.
fn name(task: &Task, origin: &Origin<'_>) -> String {
    let digest = Sha256::digest(format!("{}\n{}", origin.execution_arn, task.id.0));
    let bits = digest.iter().take(16).fold(0, |bits: u128, byte| bits << 8 | u128::from(*byte));
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | 0x8 << 76 | 0x2 << 62;
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// The ARN of the execution that the task has started before, when `response` refuses to start it because there is one of the name that
/// was made for this attempt.
#[must_use]
pub fn repeated(task: &Task, origin: &Origin<'_>, response: &Response) -> Option<String> {
    let parameters = task.parameters.value();
    if response.is_success() || !is_missing(parameters, "Name") {
        return None;
    }
    let is_there = failure::code(&STEP_FUNCTIONS, response).is_some_and(|code| code == "ExecutionAlreadyExists");
    job(task, origin).filter(|_| is_there)
}

/// The ARN of the execution that a task starts.
#[must_use]
pub fn job(task: &Task, origin: &Origin<'_>) -> Option<String> {
    let parameters = with_name(task.parameters.value(), task, origin);
    let text = |name: &str| parameters.get(name).and_then(Value::as_str);
    let (before, after) = text("StateMachineArn")?.split_once(":stateMachine:")?;
    // A version or an alias is no part of an execution's ARN.
    let machine = after.split(':').next().unwrap_or_default();
    Some(format!("{before}:execution:{machine}:{}", text("Name")?))
}

/// The answer of the start, out of what [`describe`] was answered later.
#[must_use]
pub fn started(description: &Response) -> Response {
    let body = Value::parse_bytes(&description.body).unwrap_or(Value::Null);
    let member = |name: &str| body.get(name).map(|value| (name.into(), value.clone()));
    let start: Object = [member("executionArn"), member("startDate")].into_iter().flatten().collect();
    Response { body: Value::from(start).to_string().into_bytes(), ..description.clone() }
}

/// The execution that a submitted task has started.
#[must_use]
pub fn execution_arn(submitted: &Document) -> Option<&str> {
    submitted.value().get("ExecutionArn").and_then(Value::as_str)
}

/// The request that asks what has become of an execution.
#[must_use]
pub fn describe(execution_arn: &str) -> Request {
    about("DescribeExecution", execution_arn)
}

/// The request that stops an execution: what is done about the one of a `.sync` task whose result is not wanted any more.
///
/// Source: developer guide, "Run a Job (.sync)": when the task is aborted, the service tries to cancel the job.
#[must_use]
pub fn stop(execution_arn: &str) -> Request {
    about("StopExecution", execution_arn)
}

fn about(operation: &str, execution_arn: &str) -> Request {
    let parameters: Object = [("ExecutionArn".into(), Value::from(execution_arn))].into_iter().collect();
    Request::new(&STEP_FUNCTIONS, operation, &Shape::Structure(&[]), &parameters.into())
}

/// What the answer to [`describe`] is to the execution whose `.sync` or `.sync:2` task waits; `None` as long as there is nothing to tell:
/// the execution goes on, or the service is too busy to say.
///
/// The result is the description; with `.sync` the input and the output in it are text, with `.sync:2` they are JSON. An execution that did
/// not succeed fails the task with its description as the cause.
#[must_use]
pub fn ended(task: &Task, description: &Response) -> Option<Event> {
    if !waits_for_job(task) {
        return None;
    }
    if !description.is_success() {
        let is_gone = failure::code(&STEP_FUNCTIONS, description).is_some_and(|code| code == "ExecutionDoesNotExist");
        let error = failure::refused(&STEP_FUNCTIONS, description);
        return is_gone.then(|| job_failed(task, error.cause.as_deref().unwrap_or_default().to_owned()));
    }
    let description = EXECUTION.decode(&Value::parse_bytes(&description.body).ok()?, Names::Camel);
    let status = description.get("Status").and_then(Value::as_str)?.to_owned();
    let description = if task.resource.pattern() == Pattern::Sync2 { with_json(&description) } else { description };
    match status.as_str() {
        "RUNNING" | "PENDING_REDRIVE" => None,
        "SUCCEEDED" => Some(Event::TaskSucceeded { task: task.id, output: description.into() }),
        _ => Some(job_failed(task, description.to_string())),
    }
}

fn with_json(description: &Value) -> Value {
    let members = description.as_object().into_iter().flat_map(Object::iter).map(|(name, value)| {
        let json = value.as_str().filter(|_| matches!(&**name, "Input" | "Output")).and_then(|text| Value::parse(text).ok());
        (name.clone(), json.unwrap_or_else(|| value.clone()))
    });
    sorted(members.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::tests::{response, shown};
    use crate::request::request;
    use crate::request::tests::{ORIGIN, task};

    const RUNNING: &str = concat!(
        r#"{"executionArn":"arn:e","stateMachineArn":"arn:m","name":"n","status":"RUNNING","startDate":1733089875.458,"#,
        r#""input":"{ \"a\": 1 }","inputDetails":{"included":true},"redriveCount":0,"output":null}"#
    );

    fn description(status: &str, more: &str) -> Response {
        response(200, &[], &RUNNING.replace(r#""RUNNING""#, &format!(r#""{status}"{more}"#)).replace(r#","output":null"#, ""))
    }

    fn ends(pattern: &str, description: &Response, kind: &str, text: &str) {
        let task = task(&format!("arn:aws:states:::states:startExecution.{pattern}"), "{}");
        assert_eq!(ended(&task, description).map(|event| shown(&event)), Some((kind, text.to_owned())));
    }

    #[test]
    fn the_end_of_an_execution_is_its_description() {
        let succeeded = description("SUCCEEDED", r#","output":"[1, 2]","outputDetails":{"included":true},"stopDate":1733089876"#);
        ends(
            "sync",
            &succeeded,
            "succeeded",
            concat!(
                r#"{"ExecutionArn":"arn:e","Input":"{ \"a\": 1 }","InputDetails":{"Included":true},"Name":"n","Output":"[1, 2]","#,
                r#""OutputDetails":{"Included":true},"RedriveCount":0,"StartDate":1733089875458,"StateMachineArn":"arn:m","Status":"SUCCEEDED","#,
                r#""StopDate":1733089876000}"#
            ),
        );
        ends(
            "sync:2",
            &succeeded,
            "succeeded",
            concat!(
                r#"{"ExecutionArn":"arn:e","Input":{"a":1},"InputDetails":{"Included":true},"Name":"n","Output":[1,2],"#,
                r#""OutputDetails":{"Included":true},"RedriveCount":0,"StartDate":1733089875458,"StateMachineArn":"arn:m","Status":"SUCCEEDED","#,
                r#""StopDate":1733089876000}"#
            ),
        );
        ends(
            "sync",
            &description("FAILED", r#","error":"E","cause":"C""#),
            "failed",
            concat!(
                r#"States.TaskFailed: {"Cause":"C","Error":"E","ExecutionArn":"arn:e","Input":"{ \"a\": 1 }","InputDetails":{"Included":true},"#,
                r#""Name":"n","RedriveCount":0,"StartDate":1733089875458,"StateMachineArn":"arn:m","Status":"FAILED"}"#
            ),
        );
    }

    #[test]
    fn there_is_nothing_to_tell_before_it() {
        let sync = task("arn:aws:states:::states:startExecution.sync", "{}");
        for status in ["RUNNING", "PENDING_REDRIVE"] {
            assert!(ended(&sync, &description(status, "")).is_none());
        }
        assert!(ended(&sync, &response(503, &[], "")).is_none());
        let token = task("arn:aws:states:::states:startExecution.waitForTaskToken", "{}");
        assert!(ended(&token, &description("SUCCEEDED", "")).is_none());
        let gone = response(400, &[], r#"{"__type":"ExecutionDoesNotExist","message":"Execution Does Not Exist: 'arn:e'"}"#);
        let cause = "Execution Does Not Exist: 'arn:e' (Service: AWSStepFunctions; Status Code: 400; Error Code: ExecutionDoesNotExist; Request ID: null; Proxy: null)";
        ends("sync", &gone, "failed", &format!("States.TaskFailed: {cause}"));
    }

    #[test]
    fn a_repeated_attempt_finds_the_execution_it_has_started() {
        let machine = r#"{"StateMachineArn":"arn:aws:states:us-east-1:123456789012:stateMachine:m:live"}"#;
        let unnamed = task("arn:aws:states:::states:startExecution", machine);
        let body = String::from_utf8(request(&unnamed, &ORIGIN).unwrap().body).unwrap();
        let there = response(400, &[], r#"{"__type":"ExecutionAlreadyExists","message":""}"#);
        let arn = repeated(&unnamed, &ORIGIN, &there).unwrap();
        let name = arn.strip_prefix("arn:aws:states:us-east-1:123456789012:execution:m:").unwrap();
        assert!(body.ends_with(&format!(r#","name":"{name}"}}"#)), "{body}");
        assert_eq!(name.len(), 36);
        let other = Task { id: statewright_interpreter::history::EventId(6), ..unnamed.clone() };
        assert_ne!(repeated(&other, &ORIGIN, &there), Some(arn.clone()));

        let named = task("arn:aws:states:::states:startExecution", &machine.replace('}', r#","Name":"n"}"#));
        assert_eq!(repeated(&named, &ORIGIN, &there), None);
        assert_eq!(repeated(&unnamed, &ORIGIN, &response(400, &[], r#"{"__type":"InvalidName"}"#)), None);
        assert_eq!(started(&description("RUNNING", "")).body, br#"{"executionArn":"arn:e","startDate":1733089875.458}"#);
    }

    #[test]
    fn executions_are_asked_after_and_stopped_by_their_arn() {
        let request = stop("arn:e");
        assert_eq!(request.headers.last(), Some(&("x-amz-target", "AWSStepFunctions.StopExecution".to_owned())));
        assert_eq!(request.body, br#"{"executionArn":"arn:e"}"#);
        assert_eq!(describe("arn:e").headers.last(), Some(&("x-amz-target", "AWSStepFunctions.DescribeExecution".to_owned())));
        let submitted = Document::parse(r#"{"ExecutionArn":"arn:e"}"#).unwrap();
        assert_eq!(execution_arn(&submitted), Some("arn:e"));
    }
}
