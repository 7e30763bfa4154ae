//! What stands in a journal, for operators: also where it cannot be read.

use statewright_interpreter::time::Timestamp;

use super::keys::partition;
use super::rows::{Aside, Due};
use super::{Journal, Place};
use crate::store::{ExecutionArn, Loaded, Store, StoreError};
use crate::table::{Query, Table};

/// So many posted events are told at most.
const INBOX_MAX: usize = 100;

/// What stands in a journal.
#[derive(Debug)]
pub struct Inspected {
    /// When the execution was started.
    pub started: Timestamp,
    /// How many commits it has had.
    pub commits: u32,
    /// The states it is in, as its newest commit notes them for people; `None` when it has ended.
    pub states: Option<String>,
    /// How it ended, as its newest commit notes it for people.
    pub ended: Option<String>,
    /// Keys of posted events that are still there, and when they happened; at most a hundred.
    pub inbox: Vec<(String, Timestamp)>,
    /// What the commits add up to, or why that is not known.
    pub loaded: Result<Loaded<Place>, StoreError>,
    /// The reminder that the newest commit knows of, if it still stands, or what stands in the list of running executions instead.
    pub reminder: Option<Due>,
    /// Whether it was put aside.
    pub aside: Option<Aside>,
}

impl<T: Table> Journal<T> {
    /// Since when something stands in the inbox of an execution whose key begins with `prefix`.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn posted_since(
        &self,
        execution: &ExecutionArn,
        prefix: &str,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let Some(ends) = self.ends(execution, now).await? else { return Ok(None) };
        let posted = Query::prefix(partition(execution), &ends.sorts.inbox(prefix)).limit(INBOX_MAX);
        let posted = self.table().query(&posted).await?.items;
        Ok(posted.iter().filter_map(|item| item.get_number("at").map(Timestamp)).min())
    }

    /// Looks at an execution without restoring it. `None` if it was neither started nor put aside.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn inspect(&self, execution: &ExecutionArn, now: Timestamp) -> Result<Option<Inspected>, StoreError> {
        let Some(ends) = self.ends(execution, now).await? else { return Ok(None) };
        let posted = Query::prefix(partition(execution), &ends.sorts.inbox("")).limit(INBOX_MAX);
        let posted = self.table().query(&posted).await?.items;
        let inbox = posted.iter().filter_map(|item| {
            let key = ends.sorts.inbox_key(&item.key.sort)?;
            Some((key.to_owned(), Timestamp(item.get_number("at")?)))
        });
        let inbox = inbox.collect();
        let loaded = match self.load(execution, now).await {
            Ok(Some(loaded)) => Ok(loaded),
            Ok(None) => return Ok(None),
            Err(unreadable) if unreadable.is_unreadable() => Err(unreadable),
            Err(error) => return Err(error),
        };
        let aside = self.find_aside(execution).await?;
        let known = loaded.as_ref().ok().and_then(|loaded| loaded.ledger.reminder).map(Timestamp);
        let in_list = loaded.as_ref().ok().and_then(|loaded| loaded.ledger.look_at).map(Timestamp);
        let reminder = match known.or(aside.as_ref().map(|aside| aside.reminder)) {
            Some(at) => self.find_reminder(execution, at).await?,
            None => in_list.map(|at| Due { execution: execution.clone(), at, tries: 0, not_before: None }),
        };
        let text = |name: &str| ends.newest().get_text(name).map(str::to_owned);
        Ok(Some(Inspected {
            started: ends.started(),
            commits: ends.version(),
            states: text("state"),
            ended: text("status"),
            inbox,
            loaded,
            reminder,
            aside,
        }))
    }
}
