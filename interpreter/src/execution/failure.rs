//! Failures on their way to a retrier or a catcher.

use std::sync::Arc;

use statewright_value::{Object, Value};

use crate::error::ErrorName;
use crate::history::ErrorDetails;

/// What a state failed with.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Failure {
    /// Name and cause, as the history shows them.
    #[serde(flatten)]
    pub(super) details: ErrorDetails,
    /// Set when a heartbeat was missed: the history says `States.Timeout`, and `States.HeartbeatTimeout` matches as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) heartbeat: bool,
}

impl Failure {
    pub(super) fn new(error: impl Into<Arc<str>>, cause: impl Into<Arc<str>>) -> Self {
        Self { details: ErrorDetails { error: Some(error.into()), cause: Some(cause.into()) }, heartbeat: false }
    }

    /// A task took too long, or sent no heartbeat in time.
    ///
    /// Source: rule `timeout-without-cause` of the rule table.
    pub(super) fn timeout(heartbeat: bool) -> Self {
        Self { details: ErrorDetails { error: Some(ErrorName::TIMEOUT.into()), cause: None }, heartbeat }
    }

    /// A payload is larger than the quota; `what` made it.
    ///
    /// Source: rule `data-limit` of the rule table.
    pub(super) fn data_limit(what: &str) -> Self {
        let cause =
            format!("The state/task '{what}' returned a result with a size exceeding the maximum number of bytes service limit.");
        Self::new(ErrorName::DATA_LIMIT_EXCEEDED, cause)
    }

    fn name(&self) -> Option<&str> {
        self.details.error.as_deref()
    }

    /// Whether the execution cannot go on, whatever its retriers and catchers say.
    pub(super) fn is_runtime(&self) -> bool {
        self.name() == Some(ErrorName::RUNTIME)
    }

    /// Whether one of the names of `ErrorEquals` matches.
    ///
    /// Source: ASL specification, "Errors"; developer guide, "Handling errors".
    pub(super) fn matches(&self, error_equals: &[Arc<str>]) -> bool {
        let timeout = self.name() == Some(ErrorName::TIMEOUT);
        !self.is_runtime()
            && error_equals.iter().any(|wanted| match &**wanted {
                ErrorName::ALL => true,
                ErrorName::TASK_FAILED => !timeout && self.name() != Some(ErrorName::HEARTBEAT_TIMEOUT),
                ErrorName::HEARTBEAT_TIMEOUT if self.heartbeat => true,
                wanted => self.name() == Some(wanted),
            })
    }

    /// What a catcher sees: `{"Error": …, "Cause": …}`. Both are there: `null` where there is none, and for a time-out an empty
    /// cause.
    ///
    /// Source: rule `error-output` of the rule table.
    pub(super) fn error_output(&self) -> Value {
        let text = |text: &Option<Arc<str>>| text.clone().map_or(Value::Null, Value::from);
        let cause = match &self.details.cause {
            None if self.name() == Some(ErrorName::TIMEOUT) => Value::from(""),
            cause => text(cause),
        };
        let members = [("Error".into(), text(&self.details.error)), ("Cause".into(), cause)];
        Value::Object(members.into_iter().collect::<Object>())
    }
}
