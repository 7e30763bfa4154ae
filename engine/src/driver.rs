//! The driver: load → apply the inbox and what is due → poll → commit → dispatch → wake. The only loop.

use std::sync::Arc;
use std::time::Duration;

use statewright_interpreter::command::{Command, Output};
use statewright_interpreter::definition::Definition;
use statewright_interpreter::event::Handled;
use statewright_interpreter::execution::{Execution, Progress, RestoreError, Start};
use statewright_interpreter::history::HistoryEvent;
use statewright_interpreter::time::Timestamp;

use crate::clock::Clock;
use crate::queue::{QueueError, TaskQueue, WakeQueue};
use crate::store::{Commit, CommitError, ExecutionArn, InboxEntry, Store, StoreError, Version};

/// What a driver needs.
pub trait Host {
    /// Where executions are kept.
    fn store(&self) -> &impl Store;
    /// Where wake-ups go.
    fn wakes(&self) -> &impl WakeQueue;
    /// Where tasks go.
    fn tasks(&self) -> &impl TaskQueue;
    /// The time.
    fn clock(&self) -> &impl Clock;
    /// How much one round may do before it commits.
    fn budget(&self) -> Budget {
        Budget::default()
    }
}

/// How much one round may do before it commits.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Micro-steps.
    pub steps: usize,
}

impl Default for Budget {
    /// Few enough for one commit of any store.
    fn default() -> Self {
        Self { steps: 1000 }
    }
}

/// An execution in memory, known to be stored at a version.
#[derive(Debug)]
pub struct Session {
    arn: ExecutionArn,
    version: Option<Version>,
    execution: Execution,
}

/// What one round did. It is committed.
#[derive(Debug)]
pub struct Round {
    /// What happened, in order.
    pub events: Vec<HistoryEvent>,
    /// What to do now.
    pub commands: Vec<Command>,
    /// Whether there is more to do at once, nothing until something happens, or nothing any more.
    pub progress: Progress,
    /// How many of the inbox's entries changed nothing: they were stale or repeated.
    pub ignored: usize,
}

/// Why a round failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DriveError {
    /// The round was not committed: the session is of no use any more.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The store could not be read. Try again later.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is stored cannot be restored: somebody must look.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// The round was committed, and a message about it was not sent. Drive again: the state tells what to send.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// How far [`drive`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drove {
    /// There is no such execution.
    Unknown,
    /// It waits for an event, or until then.
    Waiting(Option<Timestamp>),
    /// It has ended.
    Finished,
}

impl Session {
    /// A new execution, not stored yet: its first round does that. The events so far are in that round.
    #[must_use]
    pub fn start(definition: &Definition, start: Start, now: Timestamp) -> (Self, Output) {
        let mut out = Output::default();
        let arn = ExecutionArn(Arc::clone(&start.identity.execution_arn));
        let execution = Execution::start(definition, start, now, &mut out);
        (Self { arn, version: None, execution }, out)
    }

    /// A stored execution, and what has been posted for it.
    ///
    /// # Errors
    /// When the store cannot be read, or what it holds cannot be restored.
    pub async fn load(
        store: &impl Store,
        definition: &Definition,
        arn: &ExecutionArn,
    ) -> Result<Option<(Self, Vec<InboxEntry>)>, DriveError> {
        let Some(loaded) = store.load(arn).await? else { return Ok(None) };
        let execution = Execution::restore(definition, &loaded.checkpoint)?;
        let session = Self { arn: arn.clone(), version: Some(loaded.version), execution };
        Ok(Some((session, loaded.inbox)))
    }

    /// The execution.
    #[must_use]
    pub fn execution(&self) -> &Execution {
        &self.execution
    }

    /// Applies what has happened and what is due, goes on as far as `budget` allows, and commits. Where nothing changed nothing is
    /// written. `out` holds what came of starting the execution, and is empty otherwise.
    ///
    /// # Errors
    /// When the commit fails. The session is of no use then.
    pub async fn round(
        &mut self,
        store: &impl Store,
        definition: &Definition,
        inbox: Vec<InboxEntry>,
        now: Timestamp,
        budget: Budget,
        mut out: Output,
    ) -> Result<Round, DriveError> {
        let mut ignored = 0;
        let mut consumed = Vec::with_capacity(inbox.len());
        let mut changed = self.version.is_none();
        for InboxEntry { key, event } in inbox {
            consumed.push(key);
            match self.execution.handle(definition, event, now, &mut out) {
                Handled::Applied => changed = true,
                Handled::Ignored => ignored += 1,
            }
        }
        changed |= self.execution.handle_timeout(definition, now, &mut out) == Handled::Applied;
        let mut progress = Progress::Advanced;
        let was_running = !self.execution.status().is_final();
        for _ in 0..budget.steps {
            progress = self.execution.poll(definition, now, &mut out);
            // The micro-step that ends an execution is one as well.
            changed |= progress == Progress::Advanced || (progress == Progress::Finished && was_running);
            if progress != Progress::Advanced {
                break;
            }
        }
        if changed || !consumed.is_empty() {
            let changes = self.execution.take_changes(definition);
            let commit = Commit { expected: self.version, changes, events: &out.events, consumed: &consumed };
            self.version = Some(store.commit(&self.arn, commit).await?);
        }
        Ok(Round { events: out.events, commands: out.commands, progress, ignored })
    }
}

/// Brings one execution as far as it will go. Safe to call at any time, any number of times, from anywhere: a transition exists
/// only if its commit succeeded, and of two drivers only one commits.
///
/// # Errors
/// When the store or a queue fails. Nothing is lost: call again.
pub async fn drive(host: &impl Host, definition: &Definition, arn: &ExecutionArn) -> Result<Drove, DriveError> {
    loop {
        match drive_loaded(host, definition, arn).await {
            // Somebody else moved it on: decide again from their state.
            Err(DriveError::Commit(CommitError::Conflict)) => {}
            driven => return driven,
        }
    }
}

async fn drive_loaded(host: &impl Host, definition: &Definition, arn: &ExecutionArn) -> Result<Drove, DriveError> {
    let Some((mut session, mut inbox)) = Session::load(host.store(), definition, arn).await? else {
        return Ok(Drove::Unknown);
    };
    // What was scheduled and not started may have been lost on its way: it is sent again, and done twice is done once.
    let mut again = session.execution.outstanding(definition);
    loop {
        let now = host.clock().now();
        let inbox = std::mem::take(&mut inbox);
        let round = session.round(host.store(), definition, inbox, now, host.budget(), Output::default()).await?;
        for command in again.drain(..).filter(|command| is_open(&session, definition, command)).chain(round.commands) {
            host.tasks().dispatch(arn, command).await?;
        }
        match round.progress {
            Progress::Advanced => {}
            Progress::Finished => return Ok(Drove::Finished),
            Progress::Blocked => {
                let deadline = session.execution.deadline();
                if let Some(deadline) = deadline {
                    let delay = u64::try_from(deadline.0.saturating_sub(now.0)).unwrap_or(0);
                    host.wakes().wake(arn, Duration::from_millis(delay)).await?;
                }
                return Ok(Drove::Waiting(deadline));
            }
        }
    }
}

/// Whether the task of `command` is still to be started.
fn is_open(session: &Session, definition: &Definition, command: &Command) -> bool {
    let task_of = |command: &Command| match command {
        Command::StartTask(start) => start.task,
        Command::CancelTask { task } => *task,
    };
    session.execution.outstanding(definition).iter().any(|open| task_of(open) == task_of(command))
}
