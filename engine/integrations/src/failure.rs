//! The name and the cause of what a service refuses.
//!
//! Source: rule `integration-errors` of the rule table. Names and causes are those of the AWS SDK for Java 1: an error that the service's model has is named
//! after it, with `Exception` at the end, any other after the service; the cause is the exception's message.

use statewright_interpreter::history::ErrorDetails;
use statewright_value::Value;

use crate::outcome::{Response, TransportError};
use crate::query;
use crate::service::{Protocol, Service};

/// What an answer says is wrong.
struct Refusal {
    /// By which the model knows it.
    code: Option<String>,
    /// By which the cause calls it.
    shown_code: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
}

/// What the execution is told of an answer with a status of 300 or more.
pub(crate) fn refused(service: &Service, response: &Response) -> ErrorDetails {
    let refusal = read(service, response);
    let or_null = |text: Option<String>| text.unwrap_or_else(|| "null".to_owned());
    let name = refusal.code.as_deref().and_then(|code| modelled(service, code));
    let name = name.map_or_else(|| service.unmodelled.to_owned(), |name| format!("{name}Exception"));
    let cause = format!(
        "{} (Service: {}; Status Code: {}; Error Code: {}; Request ID: {}; Proxy: null)",
        or_null(refusal.message),
        service.client,
        response.status,
        or_null(refusal.shown_code),
        or_null(refusal.request_id),
    );
    details(&format!("{}.{name}", service.prefix), cause)
}

/// What the execution is told when there was no answer. Whether the call was carried out is not always known; it is not made again
/// here, since not every service knows a repeated call: the state's Retry decides, as it does in the service.
///
/// Source: rule `integration-unanswered` of the rule table; the words of a time-out are the Java SDK's.
pub(crate) fn unanswered(service: &Service, error: &TransportError) -> ErrorDetails {
    details(&format!("{}.SdkClientException", service.prefix), format!("Unable to execute HTTP request: {error}"))
}

/// What the execution is told of an answer that is not what the protocol says. The name is the Java SDK's, the words are ours.
pub(crate) fn unreadable(service: &Service) -> ErrorDetails {
    details(&format!("{}.SdkClientException", service.prefix), "Unable to unmarshall response".to_owned())
}

/// By which code the model knows what the answer refuses.
pub(crate) fn code(service: &Service, response: &Response) -> Option<String> {
    read(service, response).code
}

pub(crate) fn details(error: &str, cause: String) -> ErrorDetails {
    ErrorDetails { error: Some(error.into()), cause: Some(cause.into()) }
}

fn modelled(service: &Service, code: &str) -> Option<&'static str> {
    // The one error whose code is not the name of its shape.
    let code = if code == "ParameterValueInvalid" { "InvalidParameterValue" } else { code };
    let bare = code.strip_suffix("Exception").unwrap_or(code);
    service.errors.iter().find(|known| **known == bare).copied()
}

fn read(service: &Service, response: &Response) -> Refusal {
    match service.protocol {
        Protocol::Json { .. } | Protocol::Rest => read_json(response),
        Protocol::Query { .. } => read_xml(response),
    }
}

/// Source: Smithy specification, "AWS JSON 1.0 protocol" and "AWS restJson1 protocol", "Operation error serialization"; "awsQueryCompatible"
/// for the codes of services that once spoke the query protocol.
fn read_json(response: &Response) -> Refusal {
    let body = Value::parse_bytes(&response.body).unwrap_or(Value::Null);
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let code = response.header("x-amzn-errortype").or(text("__type")).or(text("code")).map(|code| {
        let code = code.rsplit_once('#').map_or(code, |parts| parts.1);
        code.split(':').next().unwrap_or_default().to_owned()
    });
    let query_code = response.header("x-amzn-query-error").and_then(|codes| codes.split(';').next()).map(ToOwned::to_owned);
    Refusal {
        shown_code: query_code.or_else(|| code.clone()),
        code,
        message: text("message").or(text("Message")).map(ToOwned::to_owned),
        request_id: response.request_id(),
    }
}

/// Source: Smithy specification, "AWS query protocol", "Operation error serialization".
fn read_xml(response: &Response) -> Refusal {
    let answer = query::answer(&response.body).unwrap_or(Value::Null);
    let text = |name: &str| answer.get("Error").and_then(|error| error.get(name)).and_then(Value::as_str).map(ToOwned::to_owned);
    let request_id = answer.get("RequestId").and_then(Value::as_str).map(ToOwned::to_owned);
    let code = text("Code");
    Refusal { shown_code: code.clone(), code, message: text("Message"), request_id: request_id.or_else(|| response.request_id()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::{DYNAMO_DB, LAMBDA, SNS, SQS, STEP_FUNCTIONS};

    fn says(service: &Service, status: u16, headers: &[(&str, &str)], body: &str, error: &str, cause: &str) {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let details = refused(service, &Response { status, headers, body: body.into() });
        assert_eq!((details.error.as_deref(), details.cause.as_deref()), (Some(error), Some(cause)));
    }

    #[test]
    fn errors_of_the_model_have_its_names() {
        says(
            &LAMBDA,
            404,
            &[("x-amzn-errortype", "ResourceNotFoundException"), ("x-amzn-requestid", "7")],
            r#"{"Type":"User","Message":"Function not found: f"}"#,
            "Lambda.ResourceNotFoundException",
            "Function not found: f (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: 7; Proxy: null)",
        );
        says(
            &DYNAMO_DB,
            400,
            &[("x-amzn-requestid", "7")],
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"The conditional request failed"}"#,
            "DynamoDB.ConditionalCheckFailedException",
            "The conditional request failed (Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ConditionalCheckFailedException; Request ID: 7; Proxy: null)",
        );
        says(
            &STEP_FUNCTIONS,
            400,
            &[("x-amzn-requestid", "7")],
            r#"{"__type":"com.amazonaws.swf.service.v2.model#StateMachineDoesNotExist","message":"State Machine Does Not Exist: 'a'"}"#,
            "StepFunctions.StateMachineDoesNotExistException",
            "State Machine Does Not Exist: 'a' (Service: AWSStepFunctions; Status Code: 400; Error Code: StateMachineDoesNotExist; Request ID: 7; Proxy: null)",
        );
        says(
            &SNS,
            400,
            &[],
            "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type><Code>InvalidParameter</Code>\
             <Message>Invalid parameter: x</Message></Error><RequestId>7</RequestId></ErrorResponse>",
            "SNS.InvalidParameterException",
            "Invalid parameter: x (Service: AmazonSNS; Status Code: 400; Error Code: InvalidParameter; Request ID: 7; Proxy: null)",
        );
    }

    #[test]
    fn a_service_that_once_spoke_the_query_protocol_has_two_codes() {
        says(
            &SQS,
            400,
            &[("x-amzn-requestid", "7"), ("x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender")],
            r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}"#,
            "SQS.QueueDoesNotExistException",
            "The specified queue does not exist. (Service: AmazonSQS; Status Code: 400; Error Code: AWS.SimpleQueueService.NonExistentQueue; Request ID: 7; Proxy: null)",
        );
    }

    #[test]
    fn other_errors_have_the_name_of_the_service() {
        says(
            &DYNAMO_DB,
            400,
            &[("x-amzn-requestid", "7")],
            r#"{"__type":"com.amazon.coral.validate#ValidationException","message":"1 validation error detected"}"#,
            "DynamoDB.AmazonDynamoDBException",
            "1 validation error detected (Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ValidationException; Request ID: 7; Proxy: null)",
        );
        says(
            &LAMBDA,
            403,
            &[("x-amzn-errortype", "AccessDeniedException:http://internal.amazon.com/coral/x/")],
            r#"{"Message":"User is not authorized"}"#,
            "Lambda.AWSLambdaException",
            "User is not authorized (Service: AWSLambda; Status Code: 403; Error Code: AccessDeniedException; Request ID: null; Proxy: null)",
        );
        says(
            &LAMBDA,
            502,
            &[],
            "<html>",
            "Lambda.AWSLambdaException",
            "null (Service: AWSLambda; Status Code: 502; Error Code: null; Request ID: null; Proxy: null)",
        );
    }

    #[test]
    fn no_answer_is_the_clients_own_error() {
        let says = |service: &Service, error: TransportError, name: &str, cause: &str| {
            let details = unanswered(service, &error);
            assert_eq!((details.error.as_deref(), details.cause.as_deref()), (Some(name), Some(cause)));
        };
        let unknown = TransportError::UnknownHost { host: "no-such-queue".to_owned() };
        says(&SQS, unknown, "SQS.SdkClientException", "Unable to execute HTTP request: no-such-queue: Name or service not known");
        says(&LAMBDA, TransportError::TimedOut, "Lambda.SdkClientException", "Unable to execute HTTP request: Read timed out");
    }
}
