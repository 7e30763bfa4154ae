//! Stores in memory: one that keeps everything, and one that keeps nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use statewright_interpreter::execution::Checkpoint;
use statewright_interpreter::history::HistoryEvent;

use crate::store::{Commit, CommitError, ExecutionArn, InboxEntry, Loaded, Store, StoreError, Version};

/// Keeps everything in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    executions: Mutex<BTreeMap<ExecutionArn, Record>>,
}

#[derive(Debug, Default)]
struct Record {
    version: u64,
    checkpoint: Checkpoint,
    history: Vec<HistoryEvent>,
    inbox: Vec<InboxEntry>,
}

impl MemoryStore {
    /// The history of an execution so far; empty if there is none.
    #[must_use]
    pub fn history(&self, execution: &ExecutionArn) -> Vec<HistoryEvent> {
        self.records().get(execution).map(|record| record.history.clone()).unwrap_or_default()
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<ExecutionArn, Record>> {
        // Nothing panics while it holds the lock and has changed something.
        self.executions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    async fn load(&self, execution: &ExecutionArn) -> Result<Option<Loaded>, StoreError> {
        Ok(self.records().get(execution).filter(|record| record.version > 0).map(|record| Loaded {
            version: Version(record.version),
            checkpoint: record.checkpoint.clone(),
            inbox: record.inbox.clone(),
        }))
    }

    async fn commit(&self, execution: &ExecutionArn, commit: Commit<'_>) -> Result<Version, CommitError> {
        let mut records = self.records();
        let record = records.entry(execution.clone()).or_default();
        if record.version != commit.expected.map_or(0, |version| version.0) {
            return Err(CommitError::Conflict);
        }
        record.version += 1;
        record.checkpoint.apply(commit.changes);
        record.history.extend_from_slice(commit.events);
        record.inbox.retain(|entry| !commit.consumed.contains(&entry.key));
        Ok(Version(record.version))
    }

    async fn post(&self, execution: &ExecutionArn, entry: InboxEntry) -> Result<(), StoreError> {
        let mut records = self.records();
        let inbox = &mut records.entry(execution.clone()).or_default().inbox;
        if !inbox.iter().any(|known| known.key == entry.key) {
            inbox.push(entry);
        }
        Ok(())
    }
}

/// Keeps nothing: for executions that live and end in one process, as Express executions do.
#[derive(Clone, Copy, Debug, Default)]
pub struct ForgetfulStore;

impl Store for ForgetfulStore {
    async fn load(&self, _execution: &ExecutionArn) -> Result<Option<Loaded>, StoreError> {
        Ok(None)
    }

    async fn commit(&self, _execution: &ExecutionArn, commit: Commit<'_>) -> Result<Version, CommitError> {
        Ok(Version(commit.expected.map_or(1, |version| version.0 + 1)))
    }

    async fn post(&self, _execution: &ExecutionArn, _entry: InboxEntry) -> Result<(), StoreError> {
        Err(StoreError("this store keeps nothing".to_owned()))
    }
}
