//! The contracts of the queue of wake-ups, and of those who do tasks.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use statewright_interpreter::command::StartTask;
use statewright_interpreter::event::TaskId;
use statewright_interpreter::execution::Identity;
use statewright_interpreter::time::Timestamp;

use crate::store::{ExecutionArn, Happened};

/// A queue could not take a message. The message counts as lost: the state tells what to send again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("queue: {0}")]
pub struct QueueError(pub String);

/// Wake-ups: "look at this execution", nothing else.
///
/// A wake-up carries no state, so it may be repeated, late, early, out of order or lost: [`drive`](crate::drive) finds nothing to do,
/// or does it late. Lost ones are made up for by reminders ([`Store::remind`](crate::Store::remind)).
pub trait WakeQueue: Send + Sync {
    /// Has the execution looked at after `after`, which is at most a quarter of an hour.
    fn wake(&self, execution: &ExecutionArn, after: Duration) -> impl Future<Output = Result<(), QueueError>> + Send;
}

/// What a driver hears of a task that it waits for itself.
pub type Answer<'t> = Pin<Box<dyn Future<Output = Answered> + Send + 't>>;

/// What a driver hears of a task that it has waited for itself.
#[derive(Clone, Debug)]
pub enum Answered {
    /// What has happened.
    Happened(Vec<Happened>),
    /// Nothing has: it could not be begun, and the driver has no time left to try it again. It is passed on.
    Later(Later),
}

impl From<Vec<Happened>> for Answered {
    fn from(happened: Vec<Happened>) -> Self {
        Self::Happened(happened)
    }
}

/// A task that is to be begun by somebody else, later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Later {
    /// The task.
    pub task: TaskId,
    /// The lease of whoever could not begin it.
    pub held: Timestamp,
    /// The lease that it is passed on with: by then somebody has taken it over.
    pub until: Timestamp,
    /// Since when it could not be begun.
    pub since: Timestamp,
    /// After what time it is to be tried again.
    pub after: Duration,
}

/// What to do with a task when whoever was to start it has died, perhaps before it started it, perhaps after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterCrash {
    /// Start it again: it may run twice.
    Repeat,
    /// Let it fail with `States.TaskFailed`: it never runs twice.
    Fail,
}

/// Those who do tasks.
///
/// A task is started once, unless its starter dies: then [`after_crash`](Self::after_crash) decides. A task's id serves as idempotency
/// key where the service called takes one.
pub trait Tasks: Send + Sync {
    /// Finds out what the questions below ask for, where that takes a while. Asked before them, for each task that is to be started.
    fn learn(&self, task: &StartTask) -> impl Future<Output = ()> + Send {
        let _ = task;
        std::future::ready(())
    }

    /// Whether [`start`](Self::start) gives an answer to wait for, rather than pass the task on to somebody who posts what comes of it.
    fn is_waited_for(&self, task: &StartTask) -> bool;

    /// Until when a driver that commits now to start `task` may be about to do so, or still wait for it: after that it is certainly
    /// dead. Where the task is passed on, the time by which somebody has taken it over.
    fn lease(&self, task: &StartTask, now: Timestamp) -> Timestamp;

    /// What must be there before the commit that schedules a task which is passed on, as a reminder must: doing it for a commit that never
    /// comes does no harm.
    fn prepare(
        &self,
        execution: &Identity,
        task: &StartTask,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), QueueError>> + Send {
        let _ = (execution, task, now);
        std::future::ready(Ok(()))
    }

    /// Starts a task, or passes it on. `lease` is what [`lease`](Self::lease) gave; whoever takes over a task that is passed on
    /// [claims](crate::claim) it by that.
    fn start<'t>(
        &'t self,
        execution: &Identity,
        task: Box<StartTask>,
        lease: Timestamp,
    ) -> impl Future<Output = Result<Option<Answer<'t>>, QueueError>> + Send;

    /// Passes on a task that could not be begun, now that the lease it is passed on with is committed. Only those are asked to who
    /// [answer](Answered::Later) so.
    fn pass_on(&self, execution: &ExecutionArn, later: &Later) -> impl Future<Output = Result<(), QueueError>> + Send {
        let _ = (execution, later);
        std::future::ready(Ok(()))
    }

    /// Has what a task has submitted and waits for looked at again, if that is done by looking: who was to do it may be lost. Done for what is
    /// still looked at, it does no harm.
    fn look_again(&self, execution: &Identity, task: &StartTask) -> impl Future<Output = Result<(), QueueError>> + Send {
        let _ = (execution, task);
        std::future::ready(Ok(()))
    }

    /// The result of the task is not wanted any more.
    fn cancel(&self, execution: &Identity, task: TaskId) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// What to do with a task whose starter has died.
    fn after_crash(&self, task: &StartTask) -> AfterCrash;
}
