//! Lambda: functions by their own ARN, whose answer is the result, and `lambda:invoke`, whose answer comes in an envelope.
//!
//! Source: developer guide, "Invoke a Lambda function with Step Functions"; API model of Lambda, "Invoke".

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use statewright_interpreter::definition::Resource;
use statewright_interpreter::payload::Document;
use statewright_value::Value;

use crate::metadata;
use crate::outcome::{Response, Verdict};
use crate::query::percent;
use crate::request::{Request, RequestError, action, is_missing, missing};
use crate::service::LAMBDA;
use crate::shape::sorted;
use crate::task::{Origin, Task};

/// Whether it is `arn:aws:states:::lambda:invoke`.
pub(crate) fn is_invoke(resource: &Resource) -> bool {
    matches!(resource, Resource::Service { resource_type, .. } if &**resource_type == "lambda") && action(resource) == "invoke"
}

/// The request for a function that is itself the resource: the task's input is the payload, text and all.
pub(crate) fn direct(task: &Task, origin: &Origin<'_>, function: &str) -> Request {
    let mut request = to(function, None);
    request.headers.push(("x-amz-client-context", client_context(task, origin)));
    request.body = task.parameters.text().into_owned().into_bytes();
    request
}

/// The request of `lambda:invoke`.
///
/// A payload that is text goes out as it is, without quotes: `"Payload": "0.0"` reaches the function as the number 0.0. Anything else is
/// printed, and `null` is no payload: the function sees `{}`.
///
/// Source: rule `lambda-payload` of the rule table.
pub(crate) fn invoke(task: &Task, origin: &Origin<'_>) -> Result<Request, RequestError> {
    let parameters = task.parameters.value();
    let text = |name: &str| parameters.get(name).and_then(Value::as_str);
    let Some(function) = text("FunctionName") else { return Err(missing(task, "FunctionName")) };
    let mut request = to(function, text("Qualifier"));
    for (name, header) in [("InvocationType", "x-amz-invocation-type"), ("LogType", "x-amz-log-type")] {
        if let Some(value) = text(name) {
            request.headers.push((header, value.to_owned()));
        }
    }
    match text("ClientContext") {
        Some(context) => request.headers.push(("x-amz-client-context", context.to_owned())),
        // Lambda hands a context to synchronous invocations only.
        None if text("InvocationType").is_none_or(|kind| kind == "RequestResponse") => {
            request.headers.push(("x-amz-client-context", client_context(task, origin)));
        }
        None => {}
    }
    request.body = match parameters.get("Payload") {
        Some(payload) if !is_missing(parameters, "Payload") => {
            payload.as_str().map_or_else(|| payload.to_string(), ToOwned::to_owned).into_bytes()
        }
        Some(_) | None => Vec::new(),
    };
    Ok(request)
}

fn to(function: &str, qualifier: Option<&str>) -> Request {
    let mut path = "/2015-03-31/functions/".to_owned();
    percent(function, &mut path);
    path.push_str("/invocations");
    if let Some(qualifier) = qualifier {
        path.push_str("?Qualifier=");
        percent(qualifier, &mut path);
    }
    let headers = vec![("content-type", "application/json".to_owned())];
    Request { service: &LAMBDA, endpoint: None, method: "POST", path, headers, body: Vec::new() }
}

/// The request that has a function take an event in its own time: the answer says only that Lambda has the event.
///
/// Source: API model of Lambda, "Invoke".
#[must_use]
pub fn asynchronous(function: &str, event: impl Into<Vec<u8>>) -> Request {
    let mut request = to(function, None);
    request.headers.push(("x-amz-invocation-type", "Event".to_owned()));
    request.body = event.into();
    request
}

/// The function that a task calls, as its resource or its parameters name it.
#[must_use]
pub fn function(task: &Task) -> Option<&str> {
    match &task.resource {
        Resource::Lambda { arn } => Some(arn),
        resource if is_invoke(resource) => task.parameters.value().get("FunctionName").and_then(Value::as_str),
        Resource::Service { .. } | Resource::Activity { .. } => None,
    }
}

/// The request that asks for a function's settings.
///
/// Source: API model of Lambda, "GetFunctionConfiguration".
#[must_use]
pub fn configuration(function: &str) -> Request {
    let mut path = "/2015-03-31/functions/".to_owned();
    percent(function, &mut path);
    path.push_str("/configuration");
    Request { service: &LAMBDA, endpoint: None, method: "GET", path, headers: Vec::new(), body: Vec::new() }
}

/// For how many seconds a function may run, as the answer to [`configuration`] says.
#[must_use]
pub fn timeout_seconds(configuration: &Response) -> Option<u32> {
    let settings = Value::parse_bytes(&configuration.body).ok().filter(|_| configuration.is_success())?;
    settings.get("Timeout").and_then(Value::as_i64).and_then(|seconds| seconds.try_into().ok())
}

/// Names the attempt, so that a function may know an invocation that is repeated: tasks are delivered at least once. `custom` is
/// what every runtime hands to its functions, in some as a map of texts. This is ours; a task's own `ClientContext` goes before it.
fn client_context(task: &Task, origin: &Origin<'_>) -> String {
    let custom =
        [("statewrightExecutionArn", Value::from(origin.execution_arn)), ("statewrightTaskId", Value::from(task.id.0.to_string()))];
    let custom = sorted(custom.map(|(name, value)| (name.into(), value)).into());
    STANDARD.encode(sorted(vec![("custom".into(), custom)]).to_string())
}

/// What an answer with a status below 300 means.
pub(crate) fn verdict(task: &Task, response: &Response) -> Verdict {
    if response.header("x-amz-function-error").is_some() {
        return function_error(response);
    }
    let text = String::from_utf8_lossy(&response.body);
    if !is_invoke(&task.resource) {
        return match Document::parse(&text) {
            Ok(result) => Verdict::Result(result),
            Err(_) => Verdict::Result(Value::from(text.into_owned()).into()),
        };
    }
    let mut members = vec![
        ("Payload".into(), Value::parse(&text).unwrap_or_else(|_| Value::from(&*text))),
        ("StatusCode".into(), Value::from(u32::from(response.status))),
    ];
    for (name, header) in [("ExecutedVersion", "x-amz-executed-version"), ("LogResult", "x-amz-log-result")] {
        if let Some(value) = response.header(header) {
            members.push((name.into(), Value::from(value)));
        }
    }
    members.extend(metadata::members(&LAMBDA, response, response.request_id()));
    Verdict::Result(sorted(members).into())
}

/// The function failed: the error is the type it names, the cause is all it answered.
///
/// Source: rules `lambda-errors` and `lambda-unknown` of the rule table.
fn function_error(response: &Response) -> Verdict {
    let text = String::from_utf8_lossy(&response.body);
    let payload = Value::parse(&text).ok();
    match payload.as_ref().and_then(|payload| payload.get("errorType")).and_then(Value::as_str) {
        Some(error) => Verdict::failed(error, text.into_owned()),
        None => Verdict::failed(
            "Lambda.Unknown",
            format!("The cause could not be determined because Lambda did not return an error type. Returned payload: {text}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::request;
    use crate::request::tests::{ORIGIN, task};

    const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

    fn sent(resource: &str, parameters: &str) -> Request {
        request(&task(resource, parameters), &ORIGIN).unwrap()
    }

    fn payload(parameters: &str) -> String {
        String::from_utf8(sent("arn:aws:states:::lambda:invoke", parameters).body).unwrap()
    }

    fn header(request: &Request, name: &str) -> Option<String> {
        request.headers.iter().find(|header| header.0 == name).map(|header| header.1.clone())
    }

    #[test]
    fn the_input_of_a_function_is_sent_as_it_came_in() {
        let request = sent(FUNCTION, "{ \"a\" : 1.0 }");
        assert_eq!(request.body, b"{ \"a\" : 1.0 }");
        assert_eq!(request.path, "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Af/invocations");
    }

    #[test]
    fn payloads_are_printed_and_text_is_sent_as_it_is() {
        assert_eq!(payload(r#"{"FunctionName":"f","Payload":{"a": [1]}}"#), r#"{"a":[1]}"#);
        assert_eq!(payload(r#"{"FunctionName":"f","Payload":"0.0"}"#), "0.0");
        assert_eq!(payload(r#"{"FunctionName":"f","Payload":"\"text\""}"#), "\"text\"");
        assert_eq!(payload(r#"{"FunctionName":"f","Payload":null}"#), "");
        assert_eq!(payload(r#"{"FunctionName":"f"}"#), "");
    }

    #[test]
    fn parameters_become_path_query_and_headers() {
        let parameters = r#"{"FunctionName":"f:1","Qualifier":"$LATEST","LogType":"Tail","InvocationType":"Event"}"#;
        let request = sent("arn:aws:states:::lambda:invoke", parameters);
        assert_eq!(request.path, "/2015-03-31/functions/f%3A1/invocations?Qualifier=%24LATEST");
        assert_eq!(header(&request, "x-amz-log-type").as_deref(), Some("Tail"));
        assert_eq!(header(&request, "x-amz-invocation-type").as_deref(), Some("Event"));
        assert_eq!(header(&request, "x-amz-client-context"), None);
    }

    #[test]
    fn the_context_names_the_attempt_unless_the_task_has_its_own() {
        let context = |parameters: &str| {
            let context =
                header(&sent("arn:aws:states:::lambda:invoke.waitForTaskToken", parameters), "x-amz-client-context").unwrap();
            String::from_utf8(STANDARD.decode(context).unwrap()).unwrap()
        };
        let ours = r#"{"custom":{"statewrightExecutionArn":"arn:aws:states:us-east-1:123456789012:execution:m:e","statewrightTaskId":"5"}}"#;
        assert_eq!(context(r#"{"FunctionName":"f"}"#), ours);
        assert_eq!(context(r#"{"FunctionName":"f","ClientContext":"e30="}"#), "{}");
    }
}
