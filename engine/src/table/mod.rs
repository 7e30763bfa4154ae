//! The contract of a table: small items under two keys. Everything that is kept for long is kept in one, so that a new place to keep
//! things is one small adapter.
//!
//! The contract is DynamoDB's, less what we do without (transactions, updates in place, indexes):
//!
//! - An item stands under a partition and a sort key, both texts; at most one item stands under the same two.
//! - `put` writes a whole item or nothing, and decides its condition and writes in one step: of two puts with
//!   [`Condition::Absent`] under the same key at most one succeeds.
//! - `get` and `query` see every write that was acknowledged before they were called.
//! - `query` answers the items of one partition in the order of the bytes of their sort keys.
//! - A write that failed with [`TableError`] may have been made all the same: only reading tells.
//! - An item may be deleted any time after it has expired, or never: readers do not rely on either.
//!
//! `statewright_engine::table::contract` holds these as checks that every implementation passes.

pub mod contract;
mod memory;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::future::Future;

use statewright_interpreter::time::Timestamp;

pub use memory::MemoryTable;

/// Where an item stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The items of one partition are kept together.
    pub partition: String,
    /// Their order within the partition.
    pub sort: String,
}

impl Key {
    /// The key of `partition` and `sort`.
    pub fn new(partition: impl Into<String>, sort: impl Into<String>) -> Self {
        Self { partition: partition.into(), sort: sort.into() }
    }
}

/// What an item says under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// Text, for people and conditions.
    Text(String),
    /// A number.
    Number(i64),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// An item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Where it stands.
    pub key: Key,
    /// What it says. Names are short, because each is paid for in each item, and none of [`RESERVED`].
    pub attributes: BTreeMap<Cow<'static, str>, Attribute>,
    /// From when on it may be deleted; full seconds count.
    pub expires: Option<Timestamp>,
}

impl Item {
    /// An item without attributes that never expires.
    #[must_use]
    pub fn new(key: Key) -> Self {
        Self { key, attributes: BTreeMap::new(), expires: None }
    }

    /// The item with a text.
    #[must_use]
    pub fn text(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.attributes.insert(Cow::Borrowed(name), Attribute::Text(text.into()));
        self
    }

    /// The item with a number.
    #[must_use]
    pub fn number(mut self, name: &'static str, number: i64) -> Self {
        self.attributes.insert(Cow::Borrowed(name), Attribute::Number(number));
        self
    }

    /// The item with bytes.
    #[must_use]
    pub fn bytes(mut self, name: &'static str, bytes: Vec<u8>) -> Self {
        self.attributes.insert(Cow::Borrowed(name), Attribute::Bytes(bytes));
        self
    }

    /// The item, to be deleted some time after `expires`.
    #[must_use]
    pub fn expiring(mut self, expires: Timestamp) -> Self {
        self.expires = Some(expires);
        self
    }

    /// The text under `name`.
    #[must_use]
    pub fn get_text(&self, name: &str) -> Option<&str> {
        match self.attributes.get(name)? {
            Attribute::Text(text) => Some(text),
            Attribute::Number(_) | Attribute::Bytes(_) => None,
        }
    }

    /// The number under `name`.
    #[must_use]
    pub fn get_number(&self, name: &str) -> Option<i64> {
        match self.attributes.get(name)? {
            Attribute::Number(number) => Some(*number),
            Attribute::Text(_) | Attribute::Bytes(_) => None,
        }
    }

    /// The bytes under `name`.
    #[must_use]
    pub fn get_bytes(&self, name: &str) -> Option<&[u8]> {
        match self.attributes.get(name)? {
            Attribute::Bytes(bytes) => Some(bytes),
            Attribute::Text(_) | Attribute::Number(_) => None,
        }
    }

    /// Whether it has expired at `now`, so that it may be gone at any moment.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires.0.div_euclid(1000) <= now.0.div_euclid(1000))
    }
}

/// What must hold for a put or a delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    None,
    /// Nothing stands under the key, or what has expired at this time.
    Absent(Timestamp),
    /// An item stands there and says this.
    Says(&'static str, Attribute),
}

/// Why nothing was written, or perhaps was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The condition does not hold. Nothing was written.
    #[error("the condition does not hold")]
    Refused(
        /// What stands there.
        Option<Box<Item>>,
    ),
    /// Whether it was written is unknown.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// The table could not be reached or could not do what it was asked for. Try again later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("table: {message}")]
pub struct TableError {
    /// What it said.
    pub message: String,
    /// Whether it was only too busy.
    pub throttled: bool,
}

/// What to read of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Which partition.
    pub partition: String,
    /// The first and the last sort key; both may occur. An empty first one is before all.
    pub range: (String, String),
    /// Only what comes after this sort key, in the direction of the query.
    pub after: Option<String>,
    /// From the last to the first.
    pub backwards: bool,
    /// At most so many items; fewer may come although there are more.
    pub limit: usize,
}

impl Query {
    /// All of a partition whose sort keys begin with `prefix`.
    pub fn prefix(partition: impl Into<String>, prefix: &str) -> Self {
        // Sort keys are made of characters below this one.
        let range = (prefix.to_owned(), format!("{prefix}\u{10FFFF}"));
        Self { partition: partition.into(), range, after: None, backwards: false, limit: 1000 }
    }

    /// The query, from the last item to the first.
    #[must_use]
    pub fn backwards(mut self) -> Self {
        self.backwards = true;
        self
    }

    /// The query, for at most `limit` items at a time.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// The query, behind the sort key `after`.
    #[must_use]
    pub fn after(mut self, after: Option<String>) -> Self {
        self.after = after;
        self
    }
}

/// The names under which tables keep the two parts of a key and when an item expires.
pub const RESERVED: [&str; 3] = ["p", "s", "ttl"];

/// Part of what a query asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The items.
    pub items: Vec<Item>,
    /// Where to go on: [`Query::after`] of the next page. `None` when there is no more.
    pub next: Option<String>,
}

/// Keeps items. The module's text is the contract.
pub trait Table: Send + Sync {
    /// Writes an item, in place of what stands there.
    fn put(&self, item: Item, condition: Condition) -> impl Future<Output = Result<(), WriteError>> + Send;

    /// Reads an item.
    fn get(&self, key: &Key) -> impl Future<Output = Result<Option<Item>, TableError>> + Send;

    /// Reads an item as it is, or was a moment ago, for half the price where that is cheaper. One that was just written may be missing.
    fn get_lately(&self, key: &Key) -> impl Future<Output = Result<Option<Item>, TableError>> + Send {
        self.get(key)
    }

    /// Reads several items, in any order and each once; those that are not there are left out.
    fn get_all(&self, keys: &[Key]) -> impl Future<Output = Result<Vec<Item>, TableError>> + Send;

    /// Reads a part of a partition.
    fn query(&self, query: &Query) -> impl Future<Output = Result<Page, TableError>> + Send;

    /// Deletes an item. Where none stands there is nothing to do.
    fn delete(&self, key: &Key, condition: Condition) -> impl Future<Output = Result<(), WriteError>> + Send;
}

impl<T: Table> Table for std::sync::Arc<T> {
    fn put(&self, item: Item, condition: Condition) -> impl Future<Output = Result<(), WriteError>> + Send {
        (**self).put(item, condition)
    }

    fn get(&self, key: &Key) -> impl Future<Output = Result<Option<Item>, TableError>> + Send {
        (**self).get(key)
    }

    fn get_lately(&self, key: &Key) -> impl Future<Output = Result<Option<Item>, TableError>> + Send {
        (**self).get_lately(key)
    }

    fn get_all(&self, keys: &[Key]) -> impl Future<Output = Result<Vec<Item>, TableError>> + Send {
        (**self).get_all(keys)
    }

    fn query(&self, query: &Query) -> impl Future<Output = Result<Page, TableError>> + Send {
        (**self).query(query)
    }

    fn delete(&self, key: &Key, condition: Condition) -> impl Future<Output = Result<(), WriteError>> + Send {
        (**self).delete(key, condition)
    }
}

/// All items of a query, page by page.
///
/// # Errors
/// When the table cannot be read.
pub async fn query_all(table: &impl Table, mut query: Query) -> Result<Vec<Item>, TableError> {
    let mut items = Vec::new();
    loop {
        let page = table.query(&query).await?;
        items.extend(page.items);
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(items),
        }
    }
}
