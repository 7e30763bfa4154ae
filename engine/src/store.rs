//! The contract of a store.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use statewright_interpreter::event::Event;
use statewright_interpreter::execution::{Changes, Checkpoint};
use statewright_interpreter::history::HistoryEvent;

/// The ARN of an execution.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExecutionArn(pub Arc<str>);

impl fmt::Display for ExecutionArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How many commits an execution has had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u64);

/// An execution as it is stored.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The version of the last commit.
    pub version: Version,
    /// What the commits add up to.
    pub checkpoint: Checkpoint,
    /// What was posted and not consumed yet, in the order of the keys' first posts.
    pub inbox: Vec<InboxEntry>,
}

/// Something that happened to an execution and waits to be applied.
#[derive(Clone, Debug)]
pub struct InboxEntry {
    /// Names what happened. The same key twice is one entry.
    pub key: Arc<str>,
    /// What happened.
    pub event: Event,
}

/// What one round of the driver writes, all of it or nothing.
#[derive(Debug)]
pub struct Commit<'a> {
    /// The version that was loaded; `None` creates the execution.
    pub expected: Option<Version>,
    /// What has changed.
    pub changes: Changes,
    /// New events of the history.
    pub events: &'a [HistoryEvent],
    /// Keys of the inbox that are dealt with.
    pub consumed: &'a [Arc<str>],
}

/// The store could not be reached or could not do what it was asked for. Try again later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("store: {0}")]
pub struct StoreError(pub String);

/// Why a commit was not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Another driver moved the execution on: load it again and decide anew.
    #[error("the execution has moved on")]
    Conflict,
    /// Whether it was written is unknown: load the execution again and look.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps executions.
///
/// - `load` answers what all commits that have succeeded add up to, and what was posted before it was called.
/// - `commit` writes everything or nothing, and only if the execution is still at `expected`. Of two commits that expect the same
///   version at most one succeeds.
/// - `post` succeeds when the entry is there, also if it was there before. An entry stays until a commit consumes its key; a key
///   that was consumed may be posted again without effect on the execution, because the interpreter ignores what is stale.
pub trait Store {
    /// The execution as it is stored; `None` if there is none.
    fn load(&self, execution: &ExecutionArn) -> impl Future<Output = Result<Option<Loaded>, StoreError>> + Send;

    /// Writes a round.
    fn commit(&self, execution: &ExecutionArn, commit: Commit<'_>) -> impl Future<Output = Result<Version, CommitError>> + Send;

    /// Leaves something for the next round.
    fn post(&self, execution: &ExecutionArn, entry: InboxEntry) -> impl Future<Output = Result<(), StoreError>> + Send;
}
