//! A task as its call needs it.

use std::sync::Arc;

use statewright_interpreter::command::StartTask;
use statewright_interpreter::definition::Resource;
use statewright_interpreter::event::TaskId;
use statewright_interpreter::payload::Document;

/// What of a [`StartTask`] its call needs. A host that sends tasks through a queue makes it again from these parts.
#[derive(Clone, Debug)]
pub struct Task {
    /// Which attempt.
    pub id: TaskId,
    /// What to call.
    pub resource: Resource,
    /// What to call it with.
    pub parameters: Document,
    /// After how many seconds the state gives up on it.
    pub timeout_seconds: Option<u32>,
    /// The role of `Credentials`.
    pub credentials_role_arn: Option<Arc<str>>,
}

impl From<&StartTask> for Task {
    fn from(start: &StartTask) -> Self {
        Self {
            id: start.task,
            resource: start.resource.clone(),
            parameters: start.parameters.document().clone(),
            timeout_seconds: start.timeout_seconds,
            credentials_role_arn: start.credentials_role_arn.clone(),
        }
    }
}

/// Whose task it is.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The state machine's ARN.
    pub state_machine_arn: &'a str,
    /// The execution's ARN. With the task's id it names the attempt among all there ever were.
    pub execution_arn: &'a str,
    /// The state machine's role. Without one the host calls in its own name.
    pub role_arn: Option<&'a str>,
}
