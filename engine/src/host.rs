//! What a driver needs, how long it may take, and why it fails.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use statewright_interpreter::definition::Definition;
use statewright_interpreter::execution::{Execution, RestoreError};
use statewright_interpreter::history::HistoryEvent;
use statewright_interpreter::time::Timestamp;

use crate::clock::Clock;
use crate::queue::{QueueError, Tasks, WakeQueue};
use crate::round::Budget;
use crate::store::{Birth, CommitError, Store, StoreError};

/// What a driver needs.
pub trait Host: Send + Sync {
    /// Where executions are kept.
    type Store: Store;
    /// Where executions are kept.
    fn store(&self) -> &Self::Store;
    /// Where wake-ups go.
    fn wakes(&self) -> &impl WakeQueue;
    /// Who does tasks.
    fn tasks(&self) -> &impl Tasks;
    /// The time.
    fn clock(&self) -> &impl Clock;
    /// The definition of a revision of a state machine.
    fn definition(&self, revision: &str) -> impl Future<Output = Result<Arc<Definition>, StoreError>> + Send;
    /// Those of `activities`, by ARN, that do not exist. Asked once for each load of an execution whose machine has some.
    fn missing_activities(&self, activities: Vec<Arc<str>>) -> impl Future<Output = Result<Vec<Arc<str>>, StoreError>> + Send {
        let _ = activities;
        std::future::ready(Ok(Vec::new()))
    }
    /// An execution has started or, if `has_ended`, ended, and that is committed.
    fn status_changed(&self, execution: &Execution, birth: &Birth, has_ended: bool) -> impl Future<Output = ()> + Send {
        let _ = (execution, birth, has_ended);
        std::future::ready(())
    }
    /// These events of an execution are committed.
    fn recorded(&self, execution: &Execution, birth: &Birth, events: &[HistoryEvent]) -> impl Future<Output = ()> + Send {
        let _ = (execution, birth, events);
        std::future::ready(())
    }
    /// Waits until then.
    fn sleep_until(&self, until: Timestamp) -> impl Future<Output = ()> + Send;
    /// How much one round may do before it commits.
    fn budget(&self) -> Budget {
        Budget::default()
    }
    /// What a driver may wait for instead of leaving.
    fn patience(&self) -> Patience {
        Patience::default()
    }
}

/// What a driver may wait for instead of leaving.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// A pause of at most so long is waited for.
    pub pause: Duration,
    /// When the driver must have left; `None` when it may stay.
    pub leave_at: Option<Timestamp>,
    /// From when on it begins nothing new and hands over; `None` when it need not.
    pub begin_until: Option<Timestamp>,
    /// When one of several tasks is done, so long it waits for others, to commit them together.
    pub linger: Duration,
}

impl Default for Patience {
    /// No pause is waited for, and there is all the time in the world.
    fn default() -> Self {
        Self { pause: Duration::ZERO, leave_at: None, begin_until: None, linger: Duration::ZERO }
    }
}

/// Clocks of two machines may differ by so much.
pub const SKEW: Duration = Duration::from_secs(5);
/// A wake-up can be sent ahead by so much.
pub const WAKE_AHEAD_MAX: Duration = Duration::from_secs(15 * 60);
/// Who starts an execution has written it this long after it has woken somebody, or never.
pub const BORN_WITHIN: Duration = Duration::from_secs(30);
/// What is farther away is looked at earlier, and again. Whoever waits leaves a reminder in any case: by it the sweep finds what a crash
/// left in the list of running executions.
pub const REMINDER_AHEAD_MAX: Duration = Duration::from_secs(14 * 24 * 3600);

/// A reminder that is farther away than this is no item of its own but stands in the execution's place in the list of running ones. That
/// list is read once an hour ([`walk`](crate::walk)) for what is two hours ahead at most: whoever arranges something and commits it takes
/// less than the hour in between.
pub const NEAR: Duration = Duration::from_secs(3 * 3600);

/// Why a round failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DriveError {
    /// The round was not committed, or perhaps it was.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The store could not be read. Try again later.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is stored cannot be restored: somebody must look.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// A message was not sent. Drive again: the state tells what to send.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl DriveError {
    /// Whether what is stored cannot be read: trying again is in vain.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        match self {
            Self::Restore(_) => true,
            Self::Store(error) | Self::Commit(CommitError::Store(error)) => error.is_unreadable(),
            Self::Commit(CommitError::Conflict) | Self::Queue(_) => false,
        }
    }

    /// Whether a later release has written what this one cannot read: nothing is wrong with it, and the later release goes on.
    #[must_use]
    pub fn is_newer(&self) -> bool {
        match self {
            Self::Restore(error) => matches!(error, RestoreError::Format { .. }),
            Self::Store(error) | Self::Commit(CommitError::Store(error)) => error.is_newer(),
            Self::Commit(CommitError::Conflict) | Self::Queue(_) => false,
        }
    }
}
