//! What goes in: things that happened outside.

use std::sync::Arc;

use crate::history::{ErrorDetails, EventId};
use crate::payload::Document;

/// The name of one attempt of a task: the event that scheduled it. A late answer to an earlier attempt names another event.
pub type TaskId = EventId;

/// Something that happened outside the execution.
#[derive(Clone, Debug)]
pub enum Event {
    /// A worker has begun with the task. Time-outs count from here.
    TaskStarted {
        /// Which attempt.
        task: TaskId,
        /// The name that an activity's worker gave.
        worker_name: Option<Arc<str>>,
    },
    /// The call that starts a job or passes a token on was answered; the task goes on.
    TaskSubmitted {
        /// Which attempt.
        task: TaskId,
        /// The call's answer.
        output: Document,
    },
    /// The task has a result.
    TaskSucceeded {
        /// Which attempt.
        task: TaskId,
        /// The result.
        output: Document,
    },
    /// The task failed.
    TaskFailed {
        /// Which attempt.
        task: TaskId,
        /// How far it had come.
        stage: FailedStage,
        /// With what.
        error: ErrorDetails,
    },
    /// The task is alive.
    TaskHeartbeat {
        /// Which attempt.
        task: TaskId,
    },
    /// `StopExecution`
    Stop {
        /// What the caller gave as error and cause.
        error: ErrorDetails,
    },
}

/// How far a task had come when it failed. It decides the event: `TaskFailed`, `TaskSubmitFailed`, ….
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailedStage {
    /// It ran.
    #[default]
    Running,
    /// It could not be scheduled.
    Scheduling,
    /// It could not be started.
    Starting,
    /// The submitting call failed.
    Submitting,
}

/// What became of an event.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handled {
    /// The execution took it.
    Applied,
    /// It is stale, a duplicate, or about a task that is gone. Nothing changed.
    Ignored,
}
