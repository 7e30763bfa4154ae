//! A table in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use statewright_interpreter::time::Timestamp;

use super::{Condition, Item, Key, Page, Query, RESERVED, Table, TableError, WriteError};

/// Keeps items in memory, for as long as it lives itself.
#[derive(Debug, Default)]
pub struct MemoryTable {
    items: Mutex<BTreeMap<Key, Item>>,
}

impl MemoryTable {
    fn items(&self) -> MutexGuard<'_, BTreeMap<Key, Item>> {
        // Nothing panics while it holds the lock and has changed something.
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every item, in the order of the keys.
    #[must_use]
    pub fn snapshot(&self) -> Vec<Item> {
        self.items().values().cloned().collect()
    }

    /// The key of every item, in order.
    #[must_use]
    pub fn keys(&self) -> Vec<Key> {
        self.items().keys().cloned().collect()
    }

    /// The keys of what has [expired](Item::is_expired) at `now` and may be deleted, in order, and when the next will.
    #[must_use]
    pub fn expired(&self, now: Timestamp) -> (Vec<Key>, Option<Timestamp>) {
        let (mut expired, mut next) = (Vec::new(), None);
        for (key, item) in &*self.items() {
            match item.expires {
                Some(_) if item.is_expired(now) => expired.push(key.clone()),
                Some(expires) => next = next.map_or(Some(expires), |next: Timestamp| Some(next.min(expires))),
                None => {}
            }
        }
        (expired, next)
    }
}

fn check(found: Option<&Item>, condition: &Condition) -> Result<(), WriteError> {
    let holds = match condition {
        Condition::None => true,
        Condition::Absent(now) => found.is_none_or(|item| item.is_expired(*now)),
        Condition::Says(name, value) => found.is_some_and(|item| item.attributes.get(*name) == Some(value)),
    };
    match holds {
        true => Ok(()),
        false => Err(WriteError::Refused(found.cloned().map(Box::new))),
    }
}

impl Table for MemoryTable {
    async fn put(&self, item: Item, condition: Condition) -> Result<(), WriteError> {
        let taken = item.attributes.keys().find(|name| RESERVED.contains(&name.as_ref()));
        assert!(taken.is_none(), "{:?} has an attribute with a name that tables use themselves: {taken:?}", item.key);
        let mut items = self.items();
        check(items.get(&item.key), &condition)?;
        items.insert(item.key.clone(), item);
        Ok(())
    }

    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        Ok(self.items().get(key).cloned())
    }

    async fn get_all(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        let items = self.items();
        Ok(keys.iter().collect::<BTreeSet<_>>().into_iter().filter_map(|key| items.get(key).cloned()).collect())
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        let key = |sort: &String| Key { partition: query.partition.clone(), sort: sort.clone() };
        let (mut from, mut to) = (Bound::Included(key(&query.range.0)), Bound::Included(key(&query.range.1)));
        if let Some(after) = &query.after {
            match query.backwards {
                false if *after >= query.range.0 => from = Bound::Excluded(key(after)),
                true if *after <= query.range.1 => to = Bound::Excluded(key(after)),
                false | true => {}
            }
        }
        if is_empty(&from, &to) {
            return Ok(Page::default());
        }
        let items = self.items();
        let range = items.range((from, to)).map(|(_, item)| item);
        let take = query.limit.max(1);
        let mut found: Vec<Item> = match query.backwards {
            false => range.take(take + 1).cloned().collect(),
            true => range.rev().take(take + 1).cloned().collect(),
        };
        let more = found.len() > take;
        found.truncate(take);
        let next = found.last().filter(|_| more).map(|item| item.key.sort.clone());
        Ok(Page { items: found, next })
    }

    async fn delete(&self, key: &Key, condition: Condition) -> Result<(), WriteError> {
        let mut items = self.items();
        check(items.get(key), &condition)?;
        items.remove(key);
        Ok(())
    }
}

/// Whether nothing can lie between the two; the map does not like to be asked then.
fn is_empty(from: &Bound<Key>, to: &Bound<Key>) -> bool {
    match (from, to) {
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Excluded(from) | Bound::Included(from), Bound::Excluded(to) | Bound::Included(to)) => from >= to,
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
    }
}
