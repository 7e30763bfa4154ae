//! What a state fails with, and the names the language predefines.

use std::fmt;
use std::sync::Arc;

/// An error's name, as `ErrorEquals` matches it: exactly and case-sensitively.
///
/// Source: ASL specification, "Errors".
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ErrorName(Arc<str>);

macro_rules! predefined {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// The names the language predefines.
        impl ErrorName {
            $($(#[$doc])* pub const $name: &'static str = $text;)*
        }
    };
}

predefined! {
    /// Matches every error but `States.DataLimitExceeded` as a terminal error and `States.Runtime`.
    ALL = "States.ALL";
    /// A Task failed without a better name; as a matcher, every error but `States.Timeout`.
    TASK_FAILED = "States.TaskFailed";
    /// A Task, a heartbeat or the execution took too long.
    TIMEOUT = "States.Timeout";
    /// A Task sent no heartbeat in time.
    HEARTBEAT_TIMEOUT = "States.HeartbeatTimeout";
    /// The execution cannot go on; never retried, never caught.
    RUNTIME = "States.Runtime";
    /// A payload is larger than the quota.
    DATA_LIMIT_EXCEEDED = "States.DataLimitExceeded";
    /// No rule of a Choice matched, and it has no Default.
    NO_CHOICE_MATCHED = "States.NoChoiceMatched";
    /// An intrinsic function failed.
    INTRINSIC_FAILURE = "States.IntrinsicFailure";
    /// A path in a payload template found nothing.
    PARAMETER_PATH_FAILURE = "States.ParameterPathFailure";
    /// `ResultPath` cannot be applied to the input.
    RESULT_PATH_MATCH_FAILURE = "States.ResultPathMatchFailure";
    /// `ResultPath` cannot be applied to the input: the service's name for it, which the specification does not know.
    REFERENCE_PATH_CONFLICT = "States.ReferencePathConflict";
    /// A JSONata expression failed.
    QUERY_EVALUATION_ERROR = "States.QueryEvaluationError";
    /// A branch of a Parallel failed.
    BRANCH_FAILED = "States.BranchFailed";
    /// The role lacks a permission.
    PERMISSIONS = "States.Permissions";
}

impl ErrorName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as shared text.
    #[must_use]
    pub fn to_shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl From<&str> for ErrorName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl From<Arc<str>> for ErrorName {
    fn from(name: Arc<str>) -> Self {
        Self(name)
    }
}

impl fmt::Display for ErrorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why an expression (a path, a template, an intrinsic function) has no value. The execution puts "An error occurred while
/// executing the state …" before `cause`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {cause}")]
pub struct EvaluationError {
    /// The error's name, for example [`ErrorName::RUNTIME`].
    pub name: &'static str,
    /// The sentence that follows the place.
    pub cause: String,
    /// The field whose JSONata expression failed (`Output/result`), for the `EvaluationFailed` event.
    pub location: Option<std::sync::Arc<str>>,
}

impl EvaluationError {
    /// A `States.Runtime` error: never retried, never caught.
    #[must_use]
    pub fn runtime(cause: impl Into<String>) -> Self {
        Self { name: ErrorName::RUNTIME, cause: cause.into(), location: None }
    }

    /// A `States.QueryEvaluationError` of the field `location`.
    #[must_use]
    pub fn query(cause: impl Into<String>, location: Option<&str>) -> Self {
        Self { name: ErrorName::QUERY_EVALUATION_ERROR, cause: cause.into(), location: location.map(Into::into) }
    }

    /// A `States.IntrinsicFailure` error.
    #[must_use]
    pub fn intrinsic(cause: impl Into<String>) -> Self {
        Self { name: ErrorName::INTRINSIC_FAILURE, cause: cause.into(), location: None }
    }
}
