//! What a Task calls: its `Resource`.
//!
//! Source: developer guide, "Integrating services".

use std::sync::Arc;

use super::integrations::{Recognised, resource};

/// A Task's `Resource`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// A function by its own ARN, or a text that stands for one (a substitution that was left unresolved): its answer is the
    /// task's result, without an envelope.
    Lambda {
        /// The resource as written.
        arn: Arc<str>,
    },
    /// An activity: workers ask for its tasks.
    Activity {
        /// The activity's ARN.
        arn: Arc<str>,
    },
    /// A service integration: `arn:aws:states:::sqs:sendMessage.waitForTaskToken`, `arn:aws:states:::aws-sdk:s3:getObject`.
    Service {
        /// The resource as written.
        arn: Arc<str>,
        /// As the history calls it: `sqs`, `aws-sdk:s3`.
        resource_type: Arc<str>,
        /// As the history calls it: `sendMessage.waitForTaskToken`, `getObject`.
        resource: Arc<str>,
        /// What the task waits for.
        pattern: Pattern,
    },
}

/// What a service integration waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// The answer of the call.
    RequestResponse,
    /// The end of the job that the call starts (`.sync`).
    Sync,
    /// The same, its output as JSON (`.sync:2`).
    Sync2,
    /// `SendTaskSuccess` or `SendTaskFailure` with the task's token (`.waitForTaskToken`).
    WaitForTaskToken,
}

impl Resource {
    /// Reads a `Resource` as a Task has it; `None` for an ARN of something that cannot be called.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match resource(text) {
            Recognised::Resource(resource) | Recognised::Placeholder(resource) => Some(resource),
            Recognised::Unknown => None,
        }
    }

    /// The resource as written.
    #[must_use]
    pub fn arn(&self) -> &Arc<str> {
        match self {
            Self::Lambda { arn } | Self::Activity { arn } | Self::Service { arn, .. } => arn,
        }
    }

    /// What the task waits for.
    #[must_use]
    pub fn pattern(&self) -> Pattern {
        match self {
            Self::Lambda { .. } => Pattern::RequestResponse,
            Self::Activity { .. } => Pattern::WaitForTaskToken,
            Self::Service { pattern, .. } => *pattern,
        }
    }

    /// Whether the task has a token (`$$.Task.Token`).
    #[must_use]
    pub fn has_token(&self) -> bool {
        self.pattern() != Pattern::RequestResponse
    }
}
