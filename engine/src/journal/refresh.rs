//! Items whose execution lives longer than they were to stay.
//!
//! Each item is written with the time from which on the table may delete it: so long after it was written as an execution is kept, and a
//! month more. An execution that lives longer than that month is looked at once in a month at least, and then all its items are written
//! again, with a later time; so nothing is deleted that belongs to a running execution, and after its end everything stays for as long
//! as it is to be kept.

use statewright_interpreter::time::Timestamp;

use super::keys::FIRST;
use super::{Journal, Place, keys};
use crate::store::StoreError;
use crate::table::{Query, Table, query_all};

impl<T: Table> Journal<T> {
    /// Writes the items of an execution again if they would not stay as long as they are to. What they hold never changes, so that
    /// nobody's writes are lost by it.
    pub(super) async fn refresh(&self, place: &mut Place, now: Timestamp) -> Result<(), StoreError> {
        let least = now.plus_seconds(self.settings.retention_seconds);
        if place.expires >= least {
            return Ok(());
        }
        let expires = self.expires(now);
        let mut items = Vec::new();
        for partition in keys::all(&place.partition) {
            items.extend(query_all(&self.table, Query::prefix(partition, "")).await?);
        }
        items.retain(|item| place.sorts.is_kept(&item.key.sort) && item.expires.is_some_and(|expires| expires < least));
        // The first last: as long as it is to be refreshed, all are.
        let (first, others): (Vec<_>, Vec<_>) = items
            .into_iter()
            .map(|item| item.expiring(expires))
            .partition(|item| place.sorts.version(&item.key.sort) == Some(FIRST));
        self.put_all(others).await?;
        self.put_all(first).await?;
        place.expires = expires;
        Ok(())
    }
}
