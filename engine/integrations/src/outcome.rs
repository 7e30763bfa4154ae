//! What a service's answer is to the execution.

use std::time::Duration;

use statewright_interpreter::definition::{Pattern, Resource};
use statewright_interpreter::error::ErrorName;
use statewright_interpreter::event::{Event, FailedStage};
use statewright_interpreter::history::ErrorDetails;
use statewright_interpreter::payload::Document;
use statewright_value::{Object, Value};

use crate::failure;
use crate::request::action;
use crate::service::{EVENT_BRIDGE, LAMBDA, Operation, Protocol, Service, operation};
use crate::shape::{Names, sorted};
use crate::task::Task;
use crate::{events, lambda, metadata, query};

/// A service's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Headers, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of this name, in whatever case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.0.eq_ignore_ascii_case(name)).map(|header| header.1.as_str())
    }

    /// Whether the service did what it was asked for.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(crate) fn request_id(&self) -> Option<String> {
        self.header("x-amzn-requestid").map(ToOwned::to_owned)
    }
}

/// Why there is no answer. The texts are the ends of causes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// There is no such host; nothing was sent.
    #[error("{host}: Name or service not known")]
    UnknownHost {
        /// Its name.
        host: String,
    },
    /// There was no connection; nothing was sent.
    #[error("{0}")]
    Connect(String),
    /// The answer did not come in time. Whether the call was carried out is not known.
    #[error("Read timed out")]
    TimedOut,
    /// The connection broke. Whether the call was carried out is not known.
    #[error("{0}")]
    Lost(String),
    /// `TimeoutSeconds` have passed.
    #[error("the task timed out")]
    TaskTimedOut,
    /// The role in whose name the call was to be made could not be assumed; nothing was sent.
    #[error("{}", .0.cause.as_deref().unwrap_or_default())]
    Role(ErrorDetails),
}

/// What a host does about an answer.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Tell the execution.
    Event(Event),
    /// The function has as many invocations as it may have, and did not begin this one. Whoever can wait calls again later, within the
    /// task's time; who cannot tells the execution, whose Retry decides, as it does in the service.
    Throttled {
        /// After what time Lambda asks to be called again, if it says so.
        after: Option<Duration>,
        /// What the execution is told otherwise.
        event: Event,
    },
    /// The state's time is over. There is nothing to tell: the execution's own deadline ends the task.
    TimedOut,
}

/// What an answer means, before it is said how far the task has come.
pub(crate) enum Verdict {
    Result(Document),
    Failed(ErrorDetails),
}

impl Verdict {
    pub(crate) fn failed(error: &str, cause: String) -> Self {
        Self::Failed(failure::details(error, cause))
    }
}

/// What the answer to [`request`](crate::request()) is to the execution.
///
/// A task with a token or a job is submitted by the answer and goes on: the token's owner, or [`nested`](crate::nested), ends it. A
/// refused call of such a task is `TaskSubmitFailed`: rule `submit-failed` of the rule table.
#[must_use]
pub fn outcome(task: &Task, answer: &Result<Response, TransportError>) -> Outcome {
    let service = service(&task.resource);
    let response = match answer {
        Ok(response) => response,
        Err(TransportError::TaskTimedOut) => return Outcome::TimedOut,
        Err(TransportError::Role(error)) => return Outcome::Event(failed(task, error.clone())),
        Err(error) => return Outcome::Event(failed(task, failure::unanswered(service, error))),
    };
    if !response.is_success() {
        let event = failed(task, failure::refused(service, response));
        return if response.status == TOO_MANY_REQUESTS && *service == LAMBDA {
            let after = response.header("retry-after").and_then(|seconds| seconds.parse().ok());
            Outcome::Throttled { after: after.map(Duration::from_secs), event }
        } else {
            Outcome::Event(event)
        };
    }
    let verdict = match operation_of(&task.resource) {
        Some(operation) => verdict(operation, response),
        None => lambda::verdict(task, response),
    };
    Outcome::Event(match verdict {
        Verdict::Failed(error) => failed(task, error),
        Verdict::Result(output) if task.resource.has_token() => Event::TaskSubmitted { task: task.id, output },
        Verdict::Result(output) => Event::TaskSucceeded { task: task.id, output },
    })
}

/// HTTP's status for it, and Lambda's for a function that has no invocation to spare.
const TOO_MANY_REQUESTS: u16 = 429;

fn failed(task: &Task, error: ErrorDetails) -> Event {
    let stage = if task.resource.has_token() { FailedStage::Submitting } else { FailedStage::Running };
    Event::TaskFailed { task: task.id, stage, error }
}

fn operation_of(resource: &Resource) -> Option<&'static Operation> {
    let Resource::Service { resource_type, .. } = resource else { return None };
    operation(resource_type, action(resource))
}

fn service(resource: &Resource) -> &'static Service {
    operation_of(resource).map_or(&LAMBDA, |operation| operation.service)
}

fn verdict(operation: &Operation, response: &Response) -> Verdict {
    let Some((answer, request_id)) = read(operation, response) else {
        return Verdict::Failed(failure::unreadable(operation.service));
    };
    // EventBridge's results tell nothing of the answer they came in.
    if *operation.service == EVENT_BRIDGE {
        return events::verdict(answer);
    }
    let members = answer.as_object().into_iter().flat_map(Object::iter).map(|(name, value)| (name.clone(), value.clone()));
    let all = members.chain(metadata::members(operation.service, response, request_id));
    Verdict::Result(sorted(all.collect()).into())
}

/// What the service says, and by which number it knows the request.
fn read(operation: &Operation, response: &Response) -> Option<(Value, Option<String>)> {
    match operation.service.protocol {
        Protocol::Json { names, .. } => {
            let body = if response.body.is_empty() { Value::empty_object() } else { Value::parse_bytes(&response.body).ok()? };
            Some((operation.output.decode(&body, names), response.request_id()))
        }
        Protocol::Query { .. } => {
            let answer = query::answer(&response.body)?;
            let result = answer.get(&format!("{}Result", operation.name))?;
            let request_id = answer.get("ResponseMetadata").and_then(|metadata| metadata.get("RequestId")).and_then(Value::as_str);
            Some((
                operation.output.decode(result, Names::Pascal),
                request_id.map(ToOwned::to_owned).or_else(|| response.request_id()),
            ))
        }
        Protocol::Rest => None,
    }
}

/// What the execution is told of a job that did not succeed.
pub(crate) fn job_failed(task: &Task, cause: String) -> Event {
    Event::TaskFailed { task: task.id, stage: FailedStage::Running, error: failure::details(ErrorName::TASK_FAILED, cause) }
}

/// Whether the end of what the task started is the end of the task.
pub(crate) fn waits_for_job(task: &Task) -> bool {
    matches!(task.resource.pattern(), Pattern::Sync | Pattern::Sync2)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::request::tests::task;

    pub(crate) fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Response { status, headers, body: body.into() }
    }

    /// The result, or `error: cause`, and the event's kind.
    pub(crate) fn shown(event: &Event) -> (&'static str, String) {
        match event {
            Event::TaskSucceeded { output, .. } => ("succeeded", output.text().into_owned()),
            Event::TaskSubmitted { output, .. } => ("submitted", output.text().into_owned()),
            Event::TaskFailed { stage, error, .. } => {
                let stage = if *stage == FailedStage::Submitting { "submit failed" } else { "failed" };
                (stage, format!("{}: {}", error.error.as_deref().unwrap(), error.cause.as_deref().unwrap()))
            }
            other => panic!("{other:?} is no outcome"),
        }
    }

    fn gives(resource: &str, answer: Response, kind: &str, text: &str) {
        let Outcome::Event(event) = outcome(&task(resource, "{}"), &Ok(answer)) else { panic!("{resource} is throttled or late") };
        assert_eq!(shown(&event), (kind, text.to_owned()));
    }

    const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";
    const INVOKE: &str = "arn:aws:states:::lambda:invoke";

    #[test]
    fn what_a_function_returns_is_the_result_text_and_all() {
        gives(FUNCTION, response(200, &[], r#"{"a": 1.0}"#), "succeeded", r#"{"a": 1.0}"#);
        gives(FUNCTION, response(200, &[], "null"), "succeeded", "null");
    }

    #[test]
    fn the_answer_of_invoke_comes_in_an_envelope() {
        let answer = |body: &str| response(200, &[("x-amz-executed-version", "$LATEST"), ("x-amzn-requestid", "7")], body);
        let envelope = |payload: &str| {
            format!(
                concat!(
                    r#"{{"ExecutedVersion":"$LATEST","Payload":{},"SdkHttpMetadata":{{"AllHttpHeaders":{{"X-Amz-Executed-Version":["$LATEST"],"#,
                    r#""x-amzn-RequestId":["7"]}},"HttpHeaders":{{"X-Amz-Executed-Version":"$LATEST","x-amzn-RequestId":"7"}},"HttpStatusCode":200}},"#,
                    r#""SdkResponseMetadata":{{"RequestId":"7"}},"StatusCode":200}}"#
                ),
                payload
            )
        };
        gives(INVOKE, answer(r#"{"a": 1}"#), "succeeded", &envelope(r#"{"a":1}"#));
        gives(INVOKE, answer("0.0"), "succeeded", &envelope("0.0"));
        gives(INVOKE, answer("no JSON"), "succeeded", &envelope(r#""no JSON""#));
        gives(&format!("{INVOKE}.waitForTaskToken"), answer("1"), "submitted", &envelope("1"));
    }

    #[test]
    fn a_function_that_fails_names_its_error() {
        let failure = |body: &str| response(200, &[("x-amz-function-error", "Unhandled")], body);
        let body = r#"{"errorMessage": "no", "errorType": "ValueError"}"#;
        gives(FUNCTION, failure(body), "failed", &format!("ValueError: {body}"));
        gives(INVOKE, failure(body), "failed", &format!("ValueError: {body}"));
        gives(&format!("{INVOKE}.waitForTaskToken"), failure(body), "submit failed", &format!("ValueError: {body}"));
        let body = r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 7 Error: Task timed out after 3.00 seconds"}"#;
        gives(FUNCTION, failure(body), "failed", &format!("Sandbox.Timedout: {body}"));
        let body = r#"{"errorMessage":"2024-11-26T00:36:39.604Z 7 Task timed out after 600.15 seconds"}"#;
        gives(
            FUNCTION,
            failure(body),
            "failed",
            &format!(
                "Lambda.Unknown: The cause could not be determined because Lambda did not return an error type. Returned payload: {body}"
            ),
        );
    }

    #[test]
    fn a_function_that_is_too_busy_may_be_called_later() {
        let busy = response(
            429,
            &[("retry-after", "3"), ("x-amzn-errortype", "TooManyRequestsException")],
            r#"{"message":"Rate Exceeded."}"#,
        );
        for resource in [FUNCTION, INVOKE] {
            let Outcome::Throttled { after, event } = outcome(&task(resource, "{}"), &Ok(busy.clone())) else {
                panic!("{resource} is not throttled");
            };
            assert_eq!(after, Some(Duration::from_secs(3)));
            let cause = "Rate Exceeded. (Service: AWSLambda; Status Code: 429; Error Code: TooManyRequestsException; Request ID: null; Proxy: null)";
            assert_eq!(shown(&event), ("failed", format!("Lambda.TooManyRequestsException: {cause}")));
        }
        assert!(matches!(outcome(&task("arn:aws:states:::dynamodb:getItem", "{}"), &Ok(busy)), Outcome::Event(_)));
    }

    #[test]
    fn members_are_in_alphabetical_order_and_metadata_is_among_them() {
        let metadata = concat!(
            r#""SdkHttpMetadata":{"AllHttpHeaders":{"x-amzn-RequestId":["7"]},"HttpHeaders":{"x-amzn-RequestId":"7"},"HttpStatusCode":200},"#,
            r#""SdkResponseMetadata":{"RequestId":"7"}"#
        );
        let answer = |body: &str| response(200, &[("x-amzn-requestid", "7")], body);
        gives(
            "arn:aws:states:::sqs:sendMessage",
            answer(r#"{"MessageId":"m","MD5OfMessageBody":"5"}"#),
            "succeeded",
            &format!(r#"{{"MD5OfMessageBody":"5","MessageId":"m",{metadata}}}"#),
        );
        gives(
            "arn:aws:states:::dynamodb:getItem",
            answer(r#"{"Item":{"id":{"S":"1"},"S":{"M":{"a":{"N":"1"},"p":{"N":"2"}}}}}"#),
            "succeeded",
            &format!(r#"{{"Item":{{"S":{{"M":{{"p":{{"N":"2"}},"a":{{"N":"1"}}}}}},"id":{{"S":"1"}}}},{metadata}}}"#),
        );
        gives(
            "arn:aws:states:::states:startExecution.sync",
            answer(r#"{"startDate":1733089875.458,"executionArn":"e"}"#),
            "submitted",
            &format!(r#"{{"ExecutionArn":"e",{metadata},"StartDate":1733089875458}}"#),
        );
        gives(
            "arn:aws:states:::sns:publish",
            response(
                200,
                &[("x-amzn-requestid", "7")],
                "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\n  <PublishResult>\n    <SequenceNumber>1</SequenceNumber>\
                 <MessageId>m</MessageId>\n  </PublishResult>\n  <ResponseMetadata>\n    <RequestId>7</RequestId>\n  </ResponseMetadata>\n</PublishResponse>\n",
            ),
            "succeeded",
            &format!(r#"{{"MessageId":"m",{metadata},"SequenceNumber":"1"}}"#),
        );
        gives("arn:aws:states:::dynamodb:putItem", answer("{}"), "succeeded", &format!("{{{metadata}}}"));
        gives(
            "arn:aws:states:::dynamodb:putItem",
            answer("{"),
            "failed",
            "DynamoDB.SdkClientException: Unable to unmarshall response",
        );
    }

    #[test]
    fn events_that_were_not_taken_fail_the_task() {
        let resource = "arn:aws:states:::events:putEvents";
        let taken = r#"{"Entries":[{"EventId":"1"}],"FailedEntryCount":0}"#;
        gives(resource, response(200, &[], r#"{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}"#), "succeeded", taken);
        gives(&format!("{resource}.waitForTaskToken"), response(200, &[], taken), "submitted", taken);
        let refused = r#"{"Entries":[{"ErrorCode":"MalformedDetail","ErrorMessage":"Detail is malformed."}],"FailedEntryCount":1}"#;
        gives(resource, response(200, &[], refused), "failed", &format!("EventBridge.FailedEntry: {refused}"));
    }

    #[test]
    fn a_task_whose_time_is_over_is_left_to_its_deadline() {
        assert!(matches!(outcome(&task(FUNCTION, "{}"), &Err(TransportError::TaskTimedOut)), Outcome::TimedOut));
    }
}
