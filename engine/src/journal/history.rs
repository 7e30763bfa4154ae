//! The history of an execution, read from its commits page by page.

use std::collections::{BTreeMap, BTreeSet};

use statewright_interpreter::execution::{StoredPayload, StoredPayloads};
use statewright_interpreter::history::{HistoryEvent, restore_events};
use statewright_interpreter::payload::PayloadId;
use statewright_interpreter::time::Timestamp;

use super::keys::{FIRST, Sorts, key, partition};
use super::{Journal, Read, is_alone, is_over, missing};
use crate::store::{ExecutionArn, StoreError};
use crate::table::{Item, Query, Table};

impl<T: Table> Journal<T> {
    /// At most `limit` events of an execution, beginning with the event `from` and going on to later ones or `backwards` to earlier ones.
    /// Backwards from an event that is not there yet begins with the last one. `None` if there is no such execution. Of one that was
    /// [abandoned](Self::abandon) the events are left out that cannot be read.
    ///
    /// # Errors
    /// When the table cannot be read, or what it holds.
    pub async fn history(
        &self,
        execution: &ExecutionArn,
        from: u64,
        limit: usize,
        backwards: bool,
        now: Timestamp,
    ) -> Result<Option<Vec<HistoryEvent>>, StoreError> {
        let partition = partition(execution);
        let first = self.table.get(&key(&partition, "0".to_owned())).await?;
        let Some(first) = first.filter(|item| !item.is_expired(now)) else { return Ok(None) };
        let sorts = Sorts::new(first.get_number("started").unwrap_or(0));
        let newest = self.table.query(&Query::prefix(partition.clone(), &sorts.commits()).limit(1)).await?.items.pop();
        if is_over(newest.as_ref().unwrap_or(&first), now) {
            return Ok(None);
        }
        let start = self.find_commit(&partition, sorts, newest.as_ref(), from).await?;
        let mut reading = Reading {
            partition,
            sorts,
            items: BTreeMap::from([(FIRST, first)]),
            known: BTreeMap::new(),
            backwards,
            gaps: newest.as_ref().is_some_and(is_alone),
            from,
            events: Vec::new(),
        };
        // The newest commit has the smallest sort key.
        let mut query = Query::prefix(reading.partition.clone(), &sorts.commits()).limit(100);
        query.backwards = !backwards;
        if start == FIRST && !backwards {
            self.read_events(&mut reading, FIRST).await?;
        } else if start > FIRST {
            let bound = if backwards { &mut query.range.0 } else { &mut query.range.1 };
            *bound = sorts.commit(start);
        }
        let mut more = start > FIRST || !backwards;
        while more && reading.events.len() < limit {
            let page = self.table.query(&query).await?;
            for item in page.items {
                let Some(version) = sorts.version(&item.key.sort) else { continue };
                reading.items.insert(version, item);
                self.read_events(&mut reading, version).await?;
                if reading.events.len() >= limit {
                    break;
                }
            }
            more = page.next.is_some();
            query.after = page.next;
        }
        if backwards && reading.events.len() < limit {
            self.read_events(&mut reading, FIRST).await?;
        }
        reading.events.truncate(limit);
        Ok(Some(reading.events))
    }

    /// The commit that holds an event, or the last one before it.
    async fn find_commit(&self, partition: &str, sorts: Sorts, newest: Option<&Item>, event: u64) -> Result<u32, StoreError> {
        let begins_at = |item: &Item| item.get_number("e").unwrap_or(i64::MAX).cast_unsigned();
        let Some(newest) = newest else { return Ok(FIRST) };
        let (mut low, mut high) = (FIRST, sorts.version(&newest.key.sort).unwrap_or(FIRST));
        if event <= 1 {
            return Ok(FIRST);
        }
        if begins_at(newest) <= event {
            return Ok(high);
        }
        // `low` begins at or before the event, `high` behind it.
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            let item = self.table.get(&key(partition, sorts.commit(middle))).await?;
            let item = item.ok_or_else(|| missing(partition, middle))?;
            if begins_at(&item) <= event { low = middle } else { high = middle }
        }
        Ok(low)
    }

    /// Reads the events of a commit.
    async fn read_events(&self, reading: &mut Reading, version: u32) -> Result<(), StoreError> {
        match self.try_read_events(reading, version).await {
            Err(error) if reading.gaps && error.is_unreadable() => Ok(()),
            read => read,
        }
    }

    async fn try_read_events(&self, reading: &mut Reading, version: u32) -> Result<(), StoreError> {
        let Reading { partition, sorts, items, known, backwards, from, events, gaps: _ } = reading;
        self.read_commits(partition, *sorts, known, items, [version]).await?;
        let read = known.get(&version).ok_or_else(|| missing(partition, version))?;
        if read.body.events.is_empty() {
            return Ok(());
        }
        let stored = read.body.events.clone();
        let payloads = self.payloads_for(partition, *sorts, version, items, known).await?;
        let mut payloads = StoredPayloads::new(&payloads);
        let found = restore_events(&stored, |id| payloads.get(id));
        let mut found = found.map_err(|error| StoreError::Unreadable(error.to_string()))?;
        if *backwards {
            found.reverse();
        }
        let is_wanted = |event: &HistoryEvent| if *backwards { event.id.0 <= *from } else { event.id.0 >= *from };
        events.extend(found.into_iter().filter(is_wanted));
        Ok(())
    }

    /// The payloads that the events of a commit name, and those that they are made of.
    async fn payloads_for(
        &self,
        partition: &str,
        sorts: Sorts,
        version: u32,
        items: &mut BTreeMap<u32, Item>,
        known: &mut BTreeMap<u32, Read>,
    ) -> Result<BTreeMap<PayloadId, StoredPayload>, StoreError> {
        let mut payloads = BTreeMap::new();
        let mut wanted: BTreeMap<u32, BTreeSet<PayloadId>> = BTreeMap::new();
        let read = known.get(&version).ok_or_else(|| missing(partition, version))?;
        payloads.extend(self.read_payloads(partition, sorts, version, read, |_| true).await?);
        for &(id, home) in &read.body.notes.refs {
            wanted.entry(home).or_default().insert(id);
        }
        // An array names its parts; the commit that holds it names the commits that hold these.
        while let Some((home, ids)) = wanted.pop_first() {
            self.read_commits(partition, sorts, known, items, [home]).await?;
            let read = known.get(&home).ok_or_else(|| missing(partition, home))?;
            let found = self.read_payloads(partition, sorts, home, read, |id| ids.contains(&id)).await?;
            for payload in found.values() {
                if let StoredPayload::Array(parts) = payload {
                    for part in parts.iter().filter(|part| !payloads.contains_key(part)) {
                        let elsewhere = read.body.notes.refs.iter().find(|(id, _)| id == part).map_or(home, |(_, home)| *home);
                        wanted.entry(elsewhere).or_default().insert(*part);
                    }
                }
            }
            payloads.extend(found);
        }
        Ok(payloads)
    }
}

/// What has been read of a history.
struct Reading {
    partition: String,
    sorts: Sorts,
    items: BTreeMap<u32, Item>,
    known: BTreeMap<u32, Read>,
    backwards: bool,
    /// Whether commits that cannot be read are left out.
    gaps: bool,
    from: u64,
    events: Vec<HistoryEvent>,
}
