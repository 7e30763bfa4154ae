//! The history: what happened in an execution, as `GetExecutionHistory` answers it.

mod render;
mod stored;

pub use render::history_to_json;
pub use stored::{payloads_of, restore_events, store_events};

use std::sync::Arc;

use crate::definition::{Kind, Resource, State};
use crate::payload::Payload;
use crate::time::Timestamp;

/// The place of an event in its execution's history, from 1 without gaps. 0 means "none".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct EventId(pub u64);

/// One event.
#[derive(Clone, Debug)]
pub struct HistoryEvent {
    /// Its place.
    pub id: EventId,
    /// The event that led to it on its own path through the machine; 0 for the first.
    pub previous: EventId,
    /// When it happened.
    pub timestamp: Timestamp,
    /// What happened.
    pub details: EventDetails,
}

/// What happened. The names of the events are [`EventDetails::type_name`]s.
#[derive(Clone, Debug)]
pub enum EventDetails {
    /// `ExecutionStarted`
    ExecutionStarted {
        /// The execution's input.
        input: Payload,
        /// The role it runs as.
        role_arn: Arc<str>,
    },
    /// `ExecutionSucceeded`
    ExecutionSucceeded {
        /// The execution's output.
        output: Payload,
    },
    /// `ExecutionFailed`
    ExecutionFailed(ErrorDetails),
    /// `ExecutionAborted`
    ExecutionAborted(ErrorDetails),
    /// `ExecutionTimedOut`
    ExecutionTimedOut(ErrorDetails),
    /// `EvaluationFailed`
    EvaluationFailed {
        /// Name and cause.
        error: ErrorDetails,
        /// The field whose expression failed.
        location: Option<Arc<str>>,
        /// The state's name.
        state: Arc<str>,
    },
    /// `PassStateEntered`, `TaskStateEntered`, …
    StateEntered {
        /// The state's type.
        state_type: StateType,
        /// Its name.
        name: Arc<str>,
        /// Its raw input.
        input: Payload,
    },
    /// `PassStateExited`, `TaskStateExited`, …
    StateExited {
        /// The state's type.
        state_type: StateType,
        /// Its name.
        name: Arc<str>,
        /// Its output.
        output: Payload,
        /// The variables it assigned, by name.
        assigned: Option<AssignedVariables>,
    },
    /// `TaskStateAborted`, `WaitStateAborted`, `ParallelStateAborted`, `MapStateAborted`
    StateAborted(StateType),
    /// `ParallelStateStarted`
    ParallelStateStarted,
    /// `ParallelStateSucceeded`
    ParallelStateSucceeded,
    /// `ParallelStateFailed`
    ParallelStateFailed,
    /// `MapStateStarted`
    MapStateStarted {
        /// How many items there are.
        length: u32,
    },
    /// `MapStateSucceeded`
    MapStateSucceeded,
    /// `MapStateFailed`
    MapStateFailed,
    /// `MapIterationStarted`, `MapIterationSucceeded`, `MapIterationFailed`, `MapIterationAborted`
    MapIteration {
        /// What became of the iteration.
        stage: IterationStage,
        /// The Map state's name.
        name: Arc<str>,
        /// The item's number, from 0.
        index: u32,
    },
    /// `TaskScheduled`, `LambdaFunctionStarted`, `ActivitySucceeded`, …
    Task(Box<TaskEvent>),
}

/// Variables that got a value, by name, in the order of `Assign`.
pub type AssignedVariables = Arc<[(Arc<str>, Payload)]>;

/// An event of a task.
#[derive(Clone, Debug)]
pub struct TaskEvent {
    /// What the task calls; it decides whether the event is a `Task…`, `LambdaFunction…` or `Activity…` one.
    pub resource: Resource,
    /// What became of the task.
    pub stage: TaskStage,
}

/// What became of a task.
#[derive(Clone, Debug)]
pub enum TaskStage {
    /// `…Scheduled`
    Scheduled {
        /// What the task is called with.
        parameters: Payload,
        /// The region of the state machine.
        region: Arc<str>,
        /// `TimeoutSeconds`, if the state sets it.
        timeout_seconds: Option<u32>,
        /// `HeartbeatSeconds`, if the state sets it.
        heartbeat_seconds: Option<u32>,
        /// The role of `Credentials`.
        credentials_role_arn: Option<Arc<str>>,
    },
    /// `…Started`
    Started {
        /// The name that an activity's worker gave.
        worker_name: Option<Arc<str>>,
    },
    /// `TaskSubmitted`
    Submitted {
        /// The answer of the call that started the job or passed the token on.
        output: Payload,
    },
    /// `…Succeeded`
    Succeeded {
        /// The task's result.
        output: Payload,
    },
    /// `…Failed`
    Failed(ErrorDetails),
    /// `…TimedOut`
    TimedOut(ErrorDetails),
    /// `…StartFailed`
    StartFailed(ErrorDetails),
    /// `TaskSubmitFailed`
    SubmitFailed(ErrorDetails),
    /// `…ScheduleFailed`
    ScheduleFailed(ErrorDetails),
}

/// An error as events show it. Either may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ErrorDetails {
    /// The error's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Arc<str>>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Arc<str>>,
}

/// What became of an iteration of a Map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum IterationStage {
    /// `MapIterationStarted`
    Started,
    /// `MapIterationSucceeded`
    Succeeded,
    /// `MapIterationFailed`
    Failed,
    /// `MapIterationAborted`
    Aborted,
}

/// The type of a state, as event names spell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum StateType {
    /// `Task`
    Task,
    /// `Pass`
    Pass,
    /// `Choice`
    Choice,
    /// `Wait`
    Wait,
    /// `Succeed`
    Succeed,
    /// `Fail`
    Fail,
    /// `Parallel`
    Parallel,
    /// `Map`
    Map,
}

impl From<&State> for StateType {
    fn from(state: &State) -> Self {
        match state.kind {
            Kind::Task(_) => Self::Task,
            Kind::Pass(_) => Self::Pass,
            Kind::Choice(_) => Self::Choice,
            Kind::Wait(_) => Self::Wait,
            Kind::Succeed => Self::Succeed,
            Kind::Fail(_) => Self::Fail,
            Kind::Parallel(_) => Self::Parallel,
            Kind::Map(_) => Self::Map,
        }
    }
}

/// Whether an event becomes the one that the next event on its path names as `previousEventId`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// It does.
    Advance,
    /// It does not: the next event names the same one as this.
    Leaf,
}

impl EventDetails {
    /// Whether nothing can follow the event.
    pub(crate) fn ends_execution(&self) -> bool {
        matches!(
            self,
            Self::ExecutionSucceeded { .. } | Self::ExecutionFailed(_) | Self::ExecutionAborted(_) | Self::ExecutionTimedOut(_)
        )
    }

    /// Whether the path's cursor moves to the event. The one table of leaf events.
    ///
    /// Source: rule `leaf-events` of the rule table.
    pub(crate) fn link(&self) -> Link {
        match self {
            Self::ExecutionStarted { .. }
            | Self::ExecutionAborted(_)
            | Self::ExecutionTimedOut(_)
            | Self::StateAborted(_)
            | Self::ParallelStateSucceeded
            | Self::MapStateSucceeded
            | Self::MapIteration { stage: IterationStage::Succeeded | IterationStage::Failed | IterationStage::Aborted, .. } => {
                Link::Leaf
            }
            Self::ExecutionSucceeded { .. }
            | Self::ExecutionFailed(_)
            | Self::EvaluationFailed { .. }
            | Self::StateEntered { .. }
            | Self::StateExited { .. }
            | Self::ParallelStateStarted
            | Self::ParallelStateFailed
            | Self::MapStateStarted { .. }
            | Self::MapStateFailed
            | Self::MapIteration { stage: IterationStage::Started, .. }
            | Self::Task(_) => Link::Advance,
        }
    }
}
