//! The contract of a store: where executions are kept.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use statewright_interpreter::event::{Event, TaskId};
use statewright_interpreter::execution::{Changes, Checkpoint, Execution};
use statewright_interpreter::history::HistoryEvent;
use statewright_interpreter::time::Timestamp;

use crate::table::{TableError, WriteError};

/// The ARN of an execution.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExecutionArn(pub Arc<str>);

impl fmt::Display for ExecutionArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is known of an execution from its first commit on and never changes, and is no business of the interpreter's.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Birth {
    /// The revision of the state machine it runs, as [`Host::definition`](crate::Host::definition) knows it.
    pub revision: Arc<str>,
    /// The version of the state machine it was started by, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_arn: Option<Arc<str>>,
    /// The alias it was started by, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias_arn: Option<Arc<str>>,
    /// The trace header it was started with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_header: Option<Arc<str>>,
}

/// What drivers note beside an execution, anew in each commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    /// Until when, in milliseconds since the epoch, the driver that committed to start a task may still be about to start it. Until
    /// then nobody else starts it; after that its owner is dead.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub leases: BTreeMap<TaskId, i64>,
    /// The reminder that stands for the execution ([`Store::remind`]), in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminder: Option<i64>,
    /// When its place in the list of running executions says that somebody must look at it ([`Store::enlist`]), where no reminder stands
    /// for it, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_at: Option<i64>,
    /// Whether it stands in the list of running executions ([`Store::enlist`]).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub listed: bool,
}

/// An execution as it is stored.
#[derive(Clone, Debug)]
pub struct Loaded<P> {
    /// Where it stands in the store: what its next commit has to say.
    pub place: P,
    /// What never changes.
    pub birth: Birth,
    /// What the commits add up to.
    pub checkpoint: Checkpoint,
    /// What the last commit noted.
    pub ledger: Ledger,
    /// What was posted and not consumed yet.
    pub inbox: Vec<InboxEntry>,
}

/// Something that happened to an execution.
#[derive(Clone, Debug)]
pub struct Happened {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
}

/// Something that happened to an execution and waits to be applied.
#[derive(Clone, Debug)]
pub struct InboxEntry {
    /// Names what happened. The same key twice is one entry.
    pub key: Arc<str>,
    /// What happened, in order. Who finds some of it finds all of it.
    pub happened: Vec<Happened>,
}

impl InboxEntry {
    /// One thing that happened.
    #[must_use]
    pub fn new(key: impl Into<Arc<str>>, happened: Happened) -> Self {
        Self { key: key.into(), happened: vec![happened] }
    }
}

/// What one round of the driver writes, all of it or nothing.
pub struct Commit<'a> {
    /// What never changes; given with the first commit alone, which creates the execution.
    pub birth: Option<&'a Birth>,
    /// The execution after the round. A store may ask it what is still needed.
    pub execution: &'a Execution,
    /// What has changed.
    pub changes: Changes,
    /// Writes the whole execution down, for a store that wants to begin anew.
    pub checkpoint: &'a (dyn Fn() -> Checkpoint + Sync),
    /// The names of the states it is in, for people.
    pub states: Vec<Arc<str>>,
    /// New events of the history.
    pub events: &'a [HistoryEvent],
    /// Keys of the inbox that are dealt with.
    pub consumed: &'a [Arc<str>],
    /// What the driver notes.
    pub ledger: &'a Ledger,
    /// The time.
    pub now: Timestamp,
}

impl fmt::Debug for Commit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commit").field("changes", &self.changes).field("ledger", &self.ledger).finish_non_exhaustive()
    }
}

/// Why a store was of no help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It could not be reached, or could not do what it was asked for. Try again later.
    #[error("store: {0}")]
    Unavailable(String),
    /// It holds something that this release cannot read: trying again is in vain, somebody must look.
    #[error("store: {0}")]
    Unreadable(String),
    /// It holds something that a later release has written: that one must go on with it.
    #[error("store: {0}")]
    Newer(String),
}

impl From<TableError> for StoreError {
    fn from(error: TableError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<WriteError> for StoreError {
    fn from(error: WriteError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl StoreError {
    /// Whether trying again is in vain: what is there cannot be read, for whatever reason.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        !matches!(self, Self::Unavailable(_))
    }

    /// Whether a later release has written what this one cannot read: nothing is wrong with it, and the later release goes on.
    #[must_use]
    pub fn is_newer(&self) -> bool {
        matches!(self, Self::Newer(_))
    }
}

/// Why a commit was not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Another driver moved the execution on, or it is there already: load it and decide anew.
    #[error("the execution has moved on")]
    Conflict,
    /// Whether it was written is unknown: load the execution again and look.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps executions.
///
/// - `load` answers what all commits that have succeeded add up to, and what was posted before it was called.
/// - `commit` writes everything or nothing, and only if the execution is still at `place`. Of two commits from the same place at most
///   one succeeds.
/// - `post` succeeds when the entry is there, also if it was there before. An entry stays until a commit consumes its key; a key
///   that was consumed may be posted again without effect on the execution, because the interpreter ignores what is stale.
/// - Reminders and the list are not part of commits: they are written before the commit that counts on them and removed after the one
///   that does not need them any more, so that a crash leaves one too many, never one too few.
pub trait Store: Send + Sync {
    /// Where an execution stands in this store.
    type Place: Clone + fmt::Debug + Send + Sync;

    /// The execution as it is stored; `None` if there is none.
    fn load(
        &self,
        execution: &ExecutionArn,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Loaded<Self::Place>>, StoreError>> + Send;

    /// Writes a round; `place` is where the execution stood before it, `None` where it is new.
    fn commit(
        &self,
        execution: &ExecutionArn,
        place: Option<Self::Place>,
        commit: Commit<'_>,
    ) -> impl Future<Output = Result<Self::Place, CommitError>> + Send;

    /// Leaves something for the next round.
    fn post(&self, execution: &ExecutionArn, entry: InboxEntry) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Has the execution looked at at `at`, in case that nothing else does it.
    fn remind(&self, execution: &ExecutionArn, at: Timestamp) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Takes a reminder back.
    fn forget(&self, execution: &ExecutionArn, at: Timestamp) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Puts the execution into the list of running ones, which somebody reads [well before](crate::NEAR) `look_at` and has the execution
    /// looked at. Doing it again changes no more than that time.
    fn enlist(
        &self,
        execution: &Execution,
        birth: &Birth,
        look_at: Timestamp,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Puts the execution, which has ended at `at`, into the list of closed ones, and takes it out of the other if it is `listed`
    /// there. Doing it again changes nothing.
    fn close(
        &self,
        execution: &Execution,
        birth: &Birth,
        listed: bool,
        at: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Keeps nothing: for executions that live and end in one process, as Express executions do.
#[derive(Clone, Copy, Debug, Default)]
pub struct ForgetfulStore;

impl Store for ForgetfulStore {
    type Place = ();

    async fn load(&self, _execution: &ExecutionArn, _now: Timestamp) -> Result<Option<Loaded<()>>, StoreError> {
        Ok(None)
    }

    async fn commit(&self, _execution: &ExecutionArn, _place: Option<()>, _commit: Commit<'_>) -> Result<(), CommitError> {
        Ok(())
    }

    async fn post(&self, _execution: &ExecutionArn, _entry: InboxEntry) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("this store keeps nothing".to_owned()))
    }

    async fn remind(&self, _execution: &ExecutionArn, _at: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }

    async fn forget(&self, _execution: &ExecutionArn, _at: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }

    async fn enlist(&self, _execution: &Execution, _birth: &Birth, _look_at: Timestamp, _now: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }

    async fn close(&self, _execution: &Execution, _birth: &Birth, _listed: bool, _at: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }
}
