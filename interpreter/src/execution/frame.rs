//! Frames: a frame is a running scope, that is the machine itself, a branch of a Parallel or an iteration of a Map.

use std::collections::BTreeMap;
use std::sync::Arc;

use smallvec::SmallVec;
use statewright_value::{Array, Value};

use super::failure::Failure;
use crate::definition::StateId;
use crate::event::TaskId;
use crate::history::EventId;
use crate::payload::Payload;
use crate::time::Timestamp;

/// A frame's number, unique in its execution and never used again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct FrameId(pub u32);

/// Variables by name, without `$`.
pub(super) type Variables = BTreeMap<Arc<str>, Payload>;

/// A running scope.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// The frame whose Parallel or Map started this one, and the branch's or item's number.
    pub(super) parent: Option<(FrameId, u32)>,
    /// Where it is.
    pub(super) state: StateId,
    /// What it waits for.
    pub(super) phase: Phase,
    /// `previousEventId` of the next event it emits.
    pub(super) cursor: EventId,
    /// The event that entered the state.
    pub(super) entered: EventId,
    /// When the state was entered.
    pub(super) entered_at: Timestamp,
    /// The state's raw input.
    pub(super) input: Payload,
    /// The variables of its scope.
    pub(super) variables: Option<Arc<Variables>>,
    /// Attempts used in this visit of the state, one number for each retrier.
    pub(super) attempts: SmallVec<[u32; 2]>,
    /// Whether it changed since the last checkpoint.
    pub(super) touched: bool,
}

/// What a frame waits for.
#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// Its turn. Frames take turns in `order`.
    Ready { stage: Stage, order: u64 },
    /// The end of a Wait.
    Waiting { until: Timestamp },
    /// The end of the pause before a retry.
    Backoff { until: Timestamp },
    /// A task.
    Task(Box<TaskPhase>),
    /// Its children.
    Join(Box<Join>),
}

/// What a frame does when its turn comes.
#[derive(Clone, Debug)]
pub(super) enum Stage {
    /// Enter the state.
    Enter,
    /// Do again what the state does, after a pause.
    Retry,
    /// Leave a Wait.
    Leave,
    /// Go on with a task's result.
    Succeeded(Payload),
    /// Look for a retrier or a catcher.
    Failed(Failure),
    /// Go on with the results of the children.
    Joined,
}

/// A task that was scheduled.
#[derive(Clone, Debug)]
pub(super) struct TaskPhase {
    pub(super) id: TaskId,
    pub(super) progress: TaskProgress,
    pub(super) parameters: Payload,
    pub(super) timeout_seconds: Option<u32>,
    pub(super) heartbeat_seconds: Option<u32>,
    pub(super) credentials_role_arn: Option<Arc<str>>,
    pub(super) timeout_at: Option<Timestamp>,
    pub(super) heartbeat_at: Option<Timestamp>,
}

/// How far a task has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(super) enum TaskProgress {
    Scheduled,
    Started,
    Submitted,
}

/// Children that run.
#[derive(Clone, Debug)]
pub(super) struct Join {
    /// How many there are in all.
    pub(super) total: u32,
    /// The first that has not been started.
    pub(super) next: u32,
    /// How many run.
    pub(super) running: u32,
    /// How many may run at the same time.
    pub(super) limit: u32,
    /// Set while it starts as many as may run, one each turn; the order is that of [`Phase::Ready`].
    pub(super) starting: Option<u64>,
    /// What children are started with. Not stored: it follows from the frame's input.
    pub(super) source: Source,
}

/// What children are started with.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// Every branch of a Parallel with the same.
    Branches(Payload),
    /// Every iteration of a Map with its item, or what `ItemSelector` makes of it and the state's effective input.
    Items { items: Array, effective_input: Value },
}

impl Frame {
    /// When something happens to the frame if nothing else does.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Ready { .. } | Phase::Join(_) => None,
            Phase::Waiting { until } | Phase::Backoff { until } => Some(*until),
            Phase::Task(task) => [task.timeout_at, task.heartbeat_at].into_iter().flatten().min(),
        }
    }

    /// The frame's place among those whose turn it is.
    pub(super) fn turn(&self) -> Option<u64> {
        match &self.phase {
            Phase::Ready { order, .. } => Some(*order),
            Phase::Join(join) => join.starting,
            Phase::Waiting { .. } | Phase::Backoff { .. } | Phase::Task(_) => None,
        }
    }

    /// How often the state has been retried in this visit.
    pub(super) fn retry_count(&self) -> u32 {
        self.attempts.iter().sum()
    }
}
