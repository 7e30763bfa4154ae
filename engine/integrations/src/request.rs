//! The request that a task is.

use std::borrow::Cow;
use std::sync::Arc;

use statewright_interpreter::definition::Resource;
use statewright_interpreter::error::ErrorName;
use statewright_interpreter::event::{Event, FailedStage};
use statewright_interpreter::history::ErrorDetails;
use statewright_value::Value;

use crate::service::{Operation, Protocol, Service, operation};
use crate::shape::Shape;
use crate::task::{Origin, Task};
use crate::{events, lambda, nested, query};

/// A request to a service, as yet without host, date and signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// To which service.
    pub service: &'static Service,
    /// The scheme and host that the parameters themselves ask for, where they do.
    pub endpoint: Option<String>,
    /// `POST`
    pub method: &'static str,
    /// The path and the query, percent-encoded.
    pub path: String,
    /// Headers: names in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The task waits for a worker of an activity. That is the host's to see to.
    #[error("activities are not called")]
    Activity,
    /// Nobody has taught this crate the resource: fail the task with [`RequestError::event`].
    #[error("`{resource}` is not supported")]
    Unsupported {
        /// The resource.
        resource: Arc<str>,
    },
    /// The parameters lack what the request cannot be made without: fail the task with [`RequestError::event`].
    #[error("The Parameters '{parameters}' could not be used to start the Task: [The field '{field}' is required but was missing]")]
    Missing {
        /// The parameters.
        parameters: Arc<str>,
        /// What they lack.
        field: &'static str,
    },
}

impl RequestError {
    /// What the execution is to be told; nothing of an activity.
    ///
    /// Source: rule `integration-missing` of the rule table; the words about resources are ours.
    #[must_use]
    pub fn event(&self, task: &Task) -> Option<Event> {
        if *self == Self::Activity {
            return None;
        }
        let error = ErrorDetails { error: Some(ErrorName::RUNTIME.into()), cause: Some(self.to_string().into()) };
        Some(Event::TaskFailed { task: task.id, stage: FailedStage::Starting, error })
    }
}

/// The request that carries `task` out.
///
/// # Errors
/// When it is none of this crate's, or its parameters lack something.
pub fn request(task: &Task, origin: &Origin<'_>) -> Result<Request, RequestError> {
    let parameters = task.parameters.value();
    let Resource::Service { resource_type, .. } = &task.resource else {
        return if let Resource::Lambda { arn } = &task.resource {
            Ok(lambda::direct(task, origin, arn))
        } else {
            Err(RequestError::Activity)
        };
    };
    if lambda::is_invoke(&task.resource) {
        return lambda::invoke(task, origin);
    }
    let Some(operation) = operation(resource_type, action(&task.resource)) else {
        return Err(RequestError::Unsupported { resource: Arc::clone(task.resource.arn()) });
    };
    if let Some(field) = operation.required.iter().find(|field| is_missing(parameters, field)) {
        return Err(missing(task, field));
    }
    let parameters = match (&**resource_type, operation.name) {
        ("events", _) => Cow::Owned(events::with_origin(parameters, origin)),
        ("states", "StartExecution") => nested::with_name(parameters, task, origin),
        _ => Cow::Borrowed(parameters),
    };
    let mut request = Request::of(operation, &parameters);
    if resource_type.as_ref() == "sqs" {
        request.endpoint = parameters.get("QueueUrl").and_then(Value::as_str).map(host_of_queue);
    }
    Ok(request)
}

/// The action of a service integration: `sendMessage` of `sendMessage.waitForTaskToken`.
pub(crate) fn action(resource: &Resource) -> &str {
    let Resource::Service { resource, .. } = resource else { return "" };
    resource.split('.').next().unwrap_or_default()
}

pub(crate) fn is_missing(parameters: &Value, field: &str) -> bool {
    parameters.get(field).is_none_or(Value::is_null)
}

pub(crate) fn missing(task: &Task, field: &'static str) -> RequestError {
    RequestError::Missing { parameters: task.parameters.value().to_string().into(), field }
}

impl Request {
    fn of(operation: &Operation, parameters: &Value) -> Self {
        Self::new(operation.service, operation.name, operation.input, parameters)
    }

    /// The request that calls `operation` of a service that speaks JSON or the query protocol. The names of `parameters` are in
    /// Pascal case.
    #[must_use]
    pub fn new(service: &'static Service, operation: &str, input: &Shape, parameters: &Value) -> Self {
        let (headers, body) = match service.protocol {
            Protocol::Json { content_type, target, names } => {
                let headers = vec![("content-type", content_type.to_owned()), ("x-amz-target", format!("{target}.{operation}"))];
                (headers, input.encode(parameters, names).to_string())
            }
            Protocol::Query { version } => {
                let headers = vec![("content-type", "application/x-www-form-urlencoded; charset=utf-8".to_owned())];
                (headers, query::form(operation, version, input, parameters))
            }
            Protocol::Rest => (Vec::new(), input.encode(parameters, crate::shape::Names::Pascal).to_string()),
        };
        Self { service, endpoint: None, method: "POST", path: "/".to_owned(), headers, body: body.into_bytes() }
    }
}

/// Where a queue is: a message goes to the host of its queue's URL, which may be in another region or account. Of a name that is no
/// URL the service was recorded to say that there is no such host.
fn host_of_queue(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    format!("{scheme}://{}", rest.split('/').next().unwrap_or_default())
}

#[cfg(test)]
pub(crate) mod tests {
    use statewright_interpreter::history::EventId;
    use statewright_interpreter::payload::Document;

    use super::*;

    pub(crate) const ORIGIN: Origin<'static> = Origin {
        state_machine_arn: "arn:aws:states:us-east-1:123456789012:stateMachine:m",
        execution_arn: "arn:aws:states:us-east-1:123456789012:execution:m:e",
        role_arn: None,
    };

    pub(crate) fn task(resource: &str, parameters: &str) -> Task {
        Task {
            id: EventId(5),
            resource: Resource::parse(resource).unwrap(),
            parameters: Document::parse(parameters).unwrap(),
            timeout_seconds: None,
            credentials_role_arn: None,
        }
    }

    fn sends(resource: &str, parameters: &str, target: &str, body: &str) {
        let request = request(&task(&format!("arn:aws:states:::{resource}"), parameters), &ORIGIN).unwrap();
        let header = |name: &str| request.headers.iter().find(|header| header.0 == name).map(|header| header.1.as_str());
        assert_eq!(header("x-amz-target"), Some(target));
        assert_eq!(std::str::from_utf8(&request.body).unwrap(), body);
        assert_eq!((request.method, request.path.as_str()), ("POST", "/"));
    }

    #[test]
    fn a_message_goes_to_the_host_of_its_queue() {
        let url = r#"{"QueueUrl":"https://sqs.eu-west-1.amazonaws.com/1/q","MessageBody":{"a": "b"},"DelaySeconds":3}"#;
        let body = r#"{"QueueUrl":"https://sqs.eu-west-1.amazonaws.com/1/q","MessageBody":"{\"a\":\"b\"}","DelaySeconds":3}"#;
        sends("sqs:sendMessage", url, "AmazonSQS.SendMessage", body);
        sends("sqs:sendMessage.waitForTaskToken", url, "AmazonSQS.SendMessage", body);
        let endpoint = |url: &str| request(&task("arn:aws:states:::sqs:sendMessage", url), &ORIGIN).unwrap().endpoint;
        assert_eq!(endpoint(url).as_deref(), Some("https://sqs.eu-west-1.amazonaws.com"));
        assert_eq!(endpoint(r#"{"QueueUrl":"no-such-queue"}"#).as_deref(), Some("https://no-such-queue"));
        assert_eq!(endpoint(r#"{"QueueUrl":"http://127.0.0.1:4566/1/q"}"#).as_deref(), Some("http://127.0.0.1:4566"));
    }

    #[test]
    fn items_are_handed_on() {
        let parameters = r#"{"TableName":"t","Item":{"id":{"S":"1"},"gone":{"NULL":true}}}"#;
        sends("dynamodb:putItem", parameters, "DynamoDB_20120810.PutItem", parameters);
        sends("dynamodb:getItem", r#"{"TableName":"t","Key":null}"#, "DynamoDB_20120810.GetItem", r#"{"TableName":"t"}"#);
    }

    #[test]
    fn an_execution_is_started_with_a_name_and_its_input_as_text() {
        let target = "AWSStepFunctions.StartExecution";
        let machine = r#""StateMachineArn":"arn:aws:states:us-east-1:123456789012:stateMachine:n""#;
        let wire = machine.replace("StateMachineArn", "stateMachineArn");
        sends(
            "states:startExecution",
            &format!(r#"{{"Input":{{"a":1}},"Name":"x",{machine}}}"#),
            target,
            &format!(r#"{{"input":"{{\"a\":1}}","name":"x",{wire}}}"#),
        );
        sends(
            "states:startExecution.sync",
            &format!(r#"{{"Input":null,"Name":"x",{machine}}}"#),
            target,
            &format!(r#"{{"name":"x",{wire}}}"#),
        );
        sends(
            "states:startExecution.sync:2",
            &format!(r#"{{"Input":"\"text\"","Name":"x",{machine}}}"#),
            target,
            &format!(r#"{{"input":"\"text\"","name":"x",{wire}}}"#),
        );
    }

    #[test]
    fn what_cannot_be_called_fails_the_task() {
        let fails = |resource: &str, parameters: &str, cause: &str| {
            let task = task(resource, parameters);
            let Some(Event::TaskFailed { stage: FailedStage::Starting, error, .. }) =
                request(&task, &ORIGIN).unwrap_err().event(&task)
            else {
                panic!("{resource} can be called");
            };
            assert_eq!((error.error.as_deref(), error.cause.as_deref()), (Some("States.Runtime"), Some(cause)));
        };
        fails("arn:aws:states:::http:invoke", "{}", "`arn:aws:states:::http:invoke` is not supported");
        let missing = |parameters: &str, field: &str| {
            format!(
                "The Parameters '{parameters}' could not be used to start the Task: [The field '{field}' is required but was missing]"
            )
        };
        fails("arn:aws:states:::sqs:sendMessage", r#"{"MessageBody":"x"}"#, &missing(r#"{"MessageBody":"x"}"#, "QueueUrl"));
        fails("arn:aws:states:::lambda:invoke", r#"{"FunctionName":null}"#, &missing(r#"{"FunctionName":null}"#, "FunctionName"));
        let activity = task("arn:aws:states:us-east-1:123456789012:activity:a", "{}");
        assert_eq!(request(&activity, &ORIGIN).unwrap_err().event(&activity).map(|_| ()), None);
    }
}
