//! Tasks that wait for workers of activities.
//!
//! | partition | sort key | holds |
//! |---|---|---|
//! | `t#<activity>` | time, task, execution | a task that is scheduled, or about to be |
//!
//! An offer carries no state: whether the task is there to be taken, its execution knows.

use std::sync::Arc;

use statewright_interpreter::event::TaskId;
use statewright_interpreter::history::EventId;
use statewright_interpreter::time::Timestamp;

use crate::format::Kind;
use crate::queue::QueueError;
use crate::store::ExecutionArn;
use crate::table::{Condition, Item, Key, Query, Table, TableError, WriteError};

/// So many are looked at, the oldest first.
const PAGE: usize = 20;

/// Tasks that wait for workers.
#[derive(Debug)]
pub(crate) struct Offers<T> {
    table: Arc<T>,
}

/// A task that waits for a worker.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    key: Key,
    pub(crate) execution: ExecutionArn,
    pub(crate) task: TaskId,
    pub(crate) at: Timestamp,
}

impl<T: Table> Offers<T> {
    pub(crate) fn new(table: Arc<T>) -> Self {
        Self { table }
    }

    /// Offers a task to the workers of an activity.
    pub(crate) async fn put(
        &self,
        activity: &str,
        execution: &ExecutionArn,
        task: TaskId,
        now: Timestamp,
    ) -> Result<(), QueueError> {
        let sort = format!("{:011x}#{}#{execution}", now.0, task.0);
        let item = Item::new(Key::new(partition(activity), sort)).text("arn", &*execution.0);
        let item = item.number("task", task.0.cast_signed()).number("at", now.0);
        self.table.put(item, Condition::None).await.map_err(|error| QueueError(error.to_string()))
    }

    /// A page of the offers to the workers of an activity, the oldest first, and where the next one begins. What a later release has offered
    /// it finds itself.
    pub(crate) async fn list(&self, activity: &str, after: Option<String>) -> Result<(Vec<Offer>, Option<String>), TableError> {
        let page = self.table.query(&Query::prefix(partition(activity), "").after(after).limit(PAGE)).await?;
        let offer = |item: Item| {
            Some(Offer {
                execution: ExecutionArn(item.get_text("arn")?.into()),
                task: EventId(item.get_number("task")?.cast_unsigned()),
                at: Timestamp(item.get_number("at")?),
                key: item.key,
            })
        };
        Ok((page.items.into_iter().filter(|item| Kind::Offer.check(item).is_ok()).filter_map(offer).collect(), page.next))
    }

    /// Takes an offer back.
    pub(crate) async fn withdraw(&self, offer: &Offer) -> Result<(), WriteError> {
        self.table.delete(&offer.key, Condition::None).await
    }
}

fn partition(activity: &str) -> String {
    format!("t#{}", activity.rsplit(':').next().unwrap_or_default())
}
