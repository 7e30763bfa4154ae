//! Errors as the service answers them.

use statewright_interpreter::Value;

use crate::host::DriveError;
use crate::store::StoreError;
use crate::table::{TableError, WriteError};

/// Why a request was refused, or could not be carried out.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// The error's name, as the API model spells it: the client's exception.
    pub code: &'static str,
    /// What is wrong, in the service's words where they are known.
    pub message: String,
    /// Further members of the error's shape, such as `reason`.
    pub members: Vec<(&'static str, Value)>,
    /// The HTTP status.
    pub status: u16,
    /// What only the log of the host should say.
    pub detail: Option<String>,
}

impl ApiError {
    /// An error of the caller.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), members: Vec::new(), status: 400, detail: None }
    }

    /// The error with one more member.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((name, value.into()));
        self
    }

    /// A request that no check of a single member can refuse.
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    /// The service, not the caller, is at fault, and a repeated request may succeed.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        let unavailable = Self::new("ServiceUnavailable", "The service is unavailable. Please try again.");
        Self { status: 503, detail: Some(detail.into()), ..unavailable }
    }

    /// What is stored cannot be read: somebody must look.
    pub fn internal(detail: impl Into<String>) -> Self {
        let internal = Self::new("InternalServerError", "The request failed because of an internal error.");
        Self { status: 500, detail: Some(detail.into()), ..internal }
    }

    /// More is asked for than can be done at the moment.
    ///
    /// Source: API reference, "Common errors".
    pub fn throttled() -> Self {
        Self::new("ThrottlingException", "Rate exceeded")
    }

    /// What the log of the host should say.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.detail.as_deref().unwrap_or(&self.message)
    }

    /// The error as the body of an answer.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let head = [("__type", Value::from(self.code)), ("message", Value::from(self.message.as_str()))];
        let members = head.into_iter().chain(self.members.iter().cloned());
        Value::Object(members.map(|(name, value)| (name.into(), value)).collect())
    }
}

impl From<TableError> for ApiError {
    fn from(error: TableError) -> Self {
        if error.throttled { Self::throttled() } else { Self::unavailable(error.to_string()) }
    }
}

impl From<WriteError> for ApiError {
    /// For writes whose condition cannot fail, or whose failure means that somebody else was faster too often.
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Refused(_) => Self::throttled(),
            WriteError::Table(error) => error.into(),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        DriveError::from(error).into()
    }
}

impl From<DriveError> for ApiError {
    fn from(error: DriveError) -> Self {
        match error.is_unreadable() && !error.is_newer() {
            true => Self::internal(error.to_string()),
            false => Self::unavailable(error.to_string()),
        }
    }
}
