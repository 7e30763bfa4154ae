//! What comes out: things for the host to do.

use std::sync::Arc;

use crate::definition::Resource;
use crate::event::TaskId;
use crate::payload::Payload;

/// Something for the host to do. Every command can be derived from the execution again
/// ([`Execution::outstanding`](crate::execution::Execution::outstanding)): one that is lost is late, one that is repeated is nothing.
#[derive(Clone, Debug)]
pub enum Command {
    /// Run a task.
    StartTask(Box<StartTask>),
    /// The result of the task is not wanted any more.
    CancelTask {
        /// Which attempt.
        task: TaskId,
    },
}

impl Command {
    /// Which attempt of which task it is about.
    #[must_use]
    pub fn task(&self) -> TaskId {
        match self {
            Self::StartTask(start) => start.task,
            Self::CancelTask { task } => *task,
        }
    }
}

/// A task to run.
#[derive(Clone, Debug)]
pub struct StartTask {
    /// Which attempt.
    pub task: TaskId,
    /// The state whose task it is.
    pub state: Arc<str>,
    /// What to call.
    pub resource: Resource,
    /// What to call it with.
    pub parameters: Payload,
    /// After how many seconds the state gives up on it.
    pub timeout_seconds: Option<u32>,
    /// Within how many seconds of the last one it wants a heartbeat.
    pub heartbeat_seconds: Option<u32>,
    /// The role of `Credentials`.
    pub credentials_role_arn: Option<Arc<str>>,
    /// The task's token, where the resource has one.
    pub token: Option<Arc<str>>,
    /// The number of the item in the innermost Map the task runs in, from 0.
    pub map_item_index: Option<u32>,
    /// Which attempt of this visit of the state it is, from 0.
    pub retry_count: u32,
}

/// What one call of the execution gave: events for the history, and commands for the host.
#[derive(Debug, Default)]
pub struct Output {
    /// What happened, in order.
    pub events: Vec<crate::history::HistoryEvent>,
    /// What to do, in order.
    pub commands: Vec<Command>,
}
