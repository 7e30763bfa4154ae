//! Ending an execution that cannot be read: its last commit is one that can be read without any other.
//!
//! What may be wrong: its definition is gone, an item is damaged, a later release wrote it and was taken back for good. Whatever it is, the
//! key of its newest commit says which version comes next, and a put under that key decides as any commit does: should anybody be able to
//! go on with it after all, only one of the two succeeds.

use std::collections::BTreeMap;
use std::sync::Arc;

use statewright_interpreter::command::Output;
use statewright_interpreter::execution::{Abandoned, Checkpoint, Execution, Identity};
use statewright_interpreter::history::{ErrorDetails, EventId};
use statewright_interpreter::time::Timestamp;

use super::keys::{FIRST, Sorts, key, partition};
use super::{Journal, Place, Read, is_over};
use crate::driver::nothing;
use crate::store::{Birth, Commit, CommitError, ExecutionArn, Ledger, Loaded, Store, StoreError};
use crate::table::{Item, Query, Table};

/// What became of an execution that was to be abandoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abandonment {
    /// There is no such execution.
    Unknown,
    /// It was aborted.
    Aborted,
    /// It had ended before, although how can perhaps not be read.
    Ended,
}

/// An execution's first and its newest commit, as they stand in the table.
pub(super) struct Ends {
    pub(super) sorts: Sorts,
    pub(super) first: Item,
    /// The newest, unless it is the first.
    pub(super) newest: Option<Item>,
}

impl Ends {
    pub(super) fn newest(&self) -> &Item {
        self.newest.as_ref().unwrap_or(&self.first)
    }

    pub(super) fn version(&self) -> u32 {
        self.sorts.version(&self.newest().key.sort).unwrap_or(FIRST)
    }

    pub(super) fn started(&self) -> Timestamp {
        Timestamp(self.first.get_number("started").unwrap_or(0))
    }
}

impl<T: Table> Journal<T> {
    /// The first and the newest commit of an execution, not read.
    pub(super) async fn ends(&self, execution: &ExecutionArn, now: Timestamp) -> Result<Option<Ends>, StoreError> {
        let partition = partition(execution);
        let first = self.table.get(&key(&partition, "0".to_owned())).await?.filter(|item| !item.is_expired(now));
        let Some(first) = first else { return Ok(None) };
        let sorts = Sorts::new(first.get_number("started").unwrap_or(0));
        let newest = self.table.query(&Query::prefix(partition, &sorts.commits()).limit(1)).await?.items.pop();
        let ends = Ends { sorts, first, newest };
        Ok(Some(ends).filter(|ends| !is_over(ends.newest(), now)))
    }

    /// Aborts an execution without restoring it, and closes it in the lists. Its history keeps what can be read of it, and ends with
    /// `ExecutionAborted`. What is posted to it is ignored, and its reminder goes with the next sweep but a few.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] when somebody has moved it on, who can read it, then. Otherwise it may have been aborted all the same;
    /// do it again.
    pub async fn abandon(&self, execution: &ExecutionArn, error: ErrorDetails, now: Timestamp) -> Result<Abandonment, CommitError> {
        let Some(ends) = self.ends(execution, now).await? else { return Ok(Abandonment::Unknown) };
        if ends.newest().get_text("status").is_some() {
            return Ok(Abandonment::Ended);
        }
        let (birth, checkpoint) = self.salvage(execution, &ends, now).await?;
        let begins_at = ends.newest().get_number("e").unwrap_or(1).cast_unsigned();
        let known = Abandoned { identity: identity(execution), started_at: ends.started(), next_event: EventId(begins_at.max(1)) };
        let mut out = Output::default();
        let mut aborted = Execution::abandon(&checkpoint, known, error, now, &mut out);
        let definition = nothing();
        let changes = aborted.take_changes(&definition);
        // Whoever comes after a crash between the commit and the lists finds it to be closed in both.
        let ledger = Ledger { listed: true, ..Ledger::default() };
        let commit = Commit {
            birth: Some(&birth),
            execution: &aborted,
            changes,
            checkpoint: &|| aborted.checkpoint(&definition),
            states: Vec::new(),
            events: &out.events,
            consumed: &[],
            ledger: &ledger,
            now,
        };
        let mut place = self.place_alone(partition(execution), ends.sorts, ends.version() + 1);
        let body = place.advance(&commit, self.settings.needs_max)?;
        self.put_commit(&mut place, body, &commit).await?;
        self.close(&aborted, &birth, true, aborted.last_event_at()).await?;
        self.take_back(execution).await?;
        Ok(Abandonment::Aborted)
    }

    /// What can be read of an execution: all of it, its beginning, or nothing.
    async fn salvage(&self, execution: &ExecutionArn, ends: &Ends, now: Timestamp) -> Result<(Birth, Checkpoint), CommitError> {
        match self.load(execution, now).await {
            Ok(Some(loaded)) if loaded.place.version == ends.version() => return Ok((loaded.birth, loaded.checkpoint)),
            Ok(_) => return Err(CommitError::Conflict),
            Err(error) if error.is_unreadable() => {}
            Err(error) => return Err(error.into()),
        }
        match self.read_first(&partition(execution), ends).await {
            Err(error) if error.is_unreadable() => Ok(Default::default()),
            read => Ok(read?),
        }
    }

    async fn read_first(&self, partition: &str, ends: &Ends) -> Result<(Birth, Checkpoint), StoreError> {
        let first = self.read_commit(partition, ends.sorts, FIRST, &ends.first, &BTreeMap::new()).await?;
        let payloads = self.read_payloads(partition, ends.sorts, FIRST, &first, |_| true).await?;
        let checkpoint = Checkpoint { head: first.body.head, payloads, ..Checkpoint::default() };
        Ok((first.body.notes.birth.unwrap_or_default(), checkpoint))
    }

    /// The place of an execution whose newest commit is read without any other.
    fn place_alone(&self, partition: String, sorts: Sorts, version: u32) -> Place {
        Place { alone: true, ..Place::new(partition, sorts, version, self.next_writer(), Timestamp(i64::MAX)) }
    }

    /// An abandoned execution. What is posted to it comes too late.
    pub(super) async fn load_alone(
        &self,
        partition: String,
        sorts: Sorts,
        version: u32,
        read: &Read,
    ) -> Result<Loaded<Place>, StoreError> {
        let payloads = self.read_payloads(&partition, sorts, version, read, |_| true).await?;
        let notes = &read.body.notes;
        Ok(Loaded {
            place: self.place_alone(partition, sorts, version),
            birth: notes.birth.clone().unwrap_or_default(),
            checkpoint: Checkpoint { head: read.body.head.clone(), payloads, ..Checkpoint::default() },
            ledger: notes.ledger.clone(),
            inbox: Vec::new(),
        })
    }
}

/// What the ARN of an execution says of it.
fn identity(execution: &ExecutionArn) -> Identity {
    // arn:aws:states:us-east-1:123456789012:execution:machine:name
    let parts: Vec<&str> = execution.0.splitn(8, ':').collect();
    let part = |at: usize| parts.get(at).copied().unwrap_or_default();
    Identity {
        execution_arn: Arc::clone(&execution.0),
        execution_name: part(7).into(),
        state_machine_arn: format!("arn:{}:states:{}:{}:stateMachine:{}", part(1), part(3), part(4), part(6)).into(),
        state_machine_name: part(6).into(),
        role_arn: "".into(),
        region: part(3).into(),
    }
}
