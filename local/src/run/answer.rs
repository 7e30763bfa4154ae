//! What a task comes to.

use std::sync::Arc;

use statewright_interpreter::history::ErrorDetails;
use statewright_interpreter::payload::Document;

/// What a task comes to.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// It has a result.
    Succeeded(Document),
    /// It failed.
    Failed(ErrorDetails),
    /// It never answers: time-outs and heartbeats decide.
    Silence,
}

impl Outcome {
    /// A failure with a name and a cause.
    pub(crate) fn failed(error: impl Into<Arc<str>>, cause: impl Into<Arc<str>>) -> Self {
        Self::Failed(ErrorDetails { error: Some(error.into()), cause: Some(cause.into()) })
    }
}
