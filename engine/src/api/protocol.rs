//! AWS JSON 1.0: which operation a request asks for, and how its answer is sent. Pure, so that every host speaks it alike.
//!
//! Source: AWS JSON 1.0 protocol (Smithy); API model, `targetPrefix`; rule `api-protocol` of the rule table.

use super::error::ApiError;
use super::operation::Operation;

/// What stands before the operation's name in `X-Amz-Target`.
const TARGET_PREFIX: &str = "AWSStepFunctions.";

/// An answer as it is sent over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body, JSON text.
    pub body: String,
}

/// What the headers of a request ask for; names of headers are compared without regard to case.
pub(crate) fn target<'h>(headers: impl IntoIterator<Item = (&'h str, &'h str)>) -> Option<&'h str> {
    headers.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("x-amz-target")).map(|(_, value)| value)
}

/// The operation that the headers of a request name; names of headers are compared without regard to case.
///
/// # Errors
/// `UnknownOperationException` where they name none.
pub fn operation<'h>(headers: impl IntoIterator<Item = (&'h str, &'h str)>) -> Result<Operation, ApiError> {
    let unknown = |what: String| ApiError::new("UnknownOperationException", what);
    let target = target(headers).ok_or_else(|| unknown("The request has no X-Amz-Target header".to_owned()))?;
    let name = target.strip_prefix(TARGET_PREFIX);
    name.and_then(Operation::from_name).ok_or_else(|| unknown(format!("There is no operation '{target}'")))
}

/// How the answer to a request is sent. `request_id` is a new name for the request, by which people find it in logs.
#[must_use]
pub fn reply(answer: Result<String, ApiError>, request_id: String) -> Reply {
    let (status, body, code) = match answer {
        Ok(body) => (200, body, None),
        Err(error) => (error.status, error.to_json().to_string(), Some(error.code)),
    };
    let mut headers = vec![("x-amzn-RequestId", request_id), ("content-type", "application/x-amz-json-1.0".to_owned())];
    headers.extend(code.map(|code| ("x-amzn-ErrorType", code.to_owned())));
    Reply { status, headers, body }
}
