//! Items whose execution lives longer than they were to stay.
//!
//! Each item is written with the time from which on the table may delete it: so long after it was written as an execution is kept, and a
//! month more. An execution that lives longer than that month is looked at once in a fortnight at least, and all its items are written
//! again, with a later time, before it is too late; so nothing is deleted that belongs to a running execution, and after its end everything
//! stays for as long as it is to be kept.

use std::time::Duration;

use statewright_interpreter::time::Timestamp;

use super::keys::{FIRST, key};
use super::{Journal, Place, keys};
use crate::host::REMINDER_AHEAD_MAX;
use crate::store::StoreError;
use crate::table::{Query, Table};

/// Nobody looks at an execution for so long at most, and a day more.
const UNSEEN_MAX: Duration = REMINDER_AHEAD_MAX.saturating_add(Duration::from_secs(24 * 3600));
/// So many items are written again at a time: no more than a few megabytes are held.
const PAGE: usize = 10;

impl<T: Table> Journal<T> {
    /// Writes the items of an execution again if they would not stay as long as they are to. What they hold never changes, so that
    /// nobody's writes are lost by it.
    pub(super) async fn refresh(&self, place: &mut Place, now: Timestamp) -> Result<(), StoreError> {
        let least = now.plus(Duration::from_secs(self.settings.retention_seconds).max(UNSEEN_MAX));
        if place.expires >= least {
            return Ok(());
        }
        let expires = self.expires(now);
        for partition in keys::all(&place.partition) {
            let mut query = Query::prefix(partition, "").limit(PAGE);
            loop {
                let page = self.table.query(&query).await?;
                let items = page.items.into_iter().filter(|item| place.sorts.is_kept(&item.key.sort));
                // All of them, so that none stays less long than the first says; and that last: until it is written all are.
                let items = items.filter(|item| place.sorts.version(&item.key.sort) != Some(FIRST));
                self.put_all(items.map(|item| item.expiring(expires)).collect()).await?;
                query.after = page.next;
                if query.after.is_none() {
                    break;
                }
            }
        }
        let first = self.table.get(&key(&place.partition, place.sorts.commit(FIRST))).await?;
        self.put_all(first.map(|item| item.expiring(expires)).into_iter().collect()).await?;
        place.expires = expires;
        Ok(())
    }
}
