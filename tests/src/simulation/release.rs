//! Releases of the host that are deployed one after the other, and what each makes of a table that others write as well.
//!
//! There are three. The first is the one at hand. The second adds to everything what the first has never heard of, and writes nothing
//! that the first cannot read; it reads one format more. The third writes that format, which nobody knows who came before the second.

use std::fmt;

use statewright_engine::table::{Attribute, Condition, Item, Key, MemoryTable, Page, Query, Table as _, TableError, WriteError};
use statewright_interpreter::execution::{Changes, Checkpoint};

use super::world::{at_once, is_commit};
use crate::choices::Choices;
use crate::generate::START;

/// A release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// The one at hand.
    First,
    /// Writes what the first can read, with additions, and reads what the third writes.
    Second,
    /// Writes a format that the first does not know.
    Third,
}

/// The format that the third release writes: one more than that of the release at hand.
const NEXT_FORMAT: i64 = 2;
/// The attribute that tells the format of an item.
const FORMAT: &str = "f";
/// The content of an item.
const CONTENT: &str = "b";
/// An attribute, a member, and a kind of item that the first release does not know.
const ADDITION: &str = "later";

impl Release {
    /// Whether it can go on from a commit of `other`.
    pub(super) fn reads(self, other: Self) -> bool {
        self > Self::First || other < Self::Third
    }

    /// An item of the engine's as this release writes it.
    fn written(self, mut item: Item) -> Item {
        if self > Self::First {
            item.attributes.insert(ADDITION.into(), Attribute::Text("more".to_owned()));
        }
        if self == Self::Third && item.key.partition.starts_with("x#") {
            item.attributes.insert(FORMAT.into(), Attribute::Number(NEXT_FORMAT));
            turn_over(&mut item);
        }
        item
    }

    /// An item of anybody's, as this release's engine sees it. What the first cannot read is told by its format alone.
    fn read(self, mut item: Item) -> Item {
        if self > Self::First && item.get_number(FORMAT) == Some(NEXT_FORMAT) {
            item.attributes.insert(FORMAT.into(), Attribute::Number(NEXT_FORMAT - 1));
            turn_over(&mut item);
        }
        item
    }

    /// A commit's changes with what this release adds to them.
    pub(super) fn adds_to(self, mut changes: Changes) -> Changes {
        if self > Self::First {
            add(&mut changes.head);
            changes.frames.values_mut().for_each(add);
        }
        changes
    }

    /// A checkpoint with what this release adds to it.
    pub(super) fn adds_to_checkpoint(self, mut checkpoint: Checkpoint) -> Checkpoint {
        if self > Self::First {
            add(&mut checkpoint.head);
            checkpoint.frames.values_mut().for_each(add);
        }
        checkpoint
    }
}

/// Adds a member to a JSON object.
fn add(object: &mut String) {
    if object.len() > 2 && object.ends_with('}') {
        object.insert_str(object.len() - 1, &format!(r#","{ADDITION}":{{"more":[1]}}"#));
    }
}

/// Makes content of another format, or what it was.
fn turn_over(item: &mut Item) {
    if let Some(Attribute::Bytes(bytes)) = item.attributes.get_mut(CONTENT) {
        bytes.iter_mut().for_each(|byte| *byte ^= 0xff);
    }
}

/// The table as a release reads and writes it.
#[derive(Clone, Copy)]
pub(super) struct View<'w> {
    pub(super) table: &'w MemoryTable,
    pub(super) release: Release,
}

impl View<'_> {
    pub(super) fn put(&self, item: Item, condition: Condition) -> Result<(), WriteError> {
        if self.release > Release::First && item.key.partition.starts_with("x#") && is_commit(&item.key.sort) {
            for sort in ["h", "k", "z"] {
                let key = Key::new(item.key.partition.clone(), format!("{sort}#{ADDITION}"));
                let addition = Item { expires: item.expires, ..Item::new(key) };
                let _ = at_once(self.table.put(addition, Condition::None));
            }
        }
        at_once(self.table.put(self.release.written(item), condition)).map_err(|error| match error {
            WriteError::Refused(Some(found)) => WriteError::Refused(Some(self.release.read(*found).into())),
            error => error,
        })
    }

    pub(super) fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        Ok(at_once(self.table.get(key))?.map(|item| self.release.read(item)))
    }

    pub(super) fn get_all(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        Ok(at_once(self.table.get_all(keys))?.into_iter().map(|item| self.release.read(item)).collect())
    }

    pub(super) fn query(&self, query: &Query) -> Result<Page, TableError> {
        let page = at_once(self.table.query(query))?;
        Ok(Page { items: page.items.into_iter().map(|item| self.release.read(item)).collect(), ..page })
    }

    pub(super) fn delete(&self, key: &Key, condition: Condition) -> Result<(), WriteError> {
        at_once(self.table.delete(key, condition))
    }
}

/// One release takes the place of another.
#[derive(Clone, Copy, Debug)]
struct Change {
    /// From then on the functions of either begin.
    from: i64,
    /// From then on only those of the new one do.
    until: i64,
    to: Release,
}

/// Which releases are deployed when. At first there is only the first.
#[derive(Clone, Debug, Default)]
pub struct Deployment {
    changes: Vec<Change>,
}

/// What is deployed after the first release.
const ORDERS: [&[Release]; 8] = [
    &[],
    &[],
    // An update, and one that is rolled back.
    &[Release::Second],
    &[Release::Second, Release::First],
    // The new format comes a release after those who can read it, and goes again.
    &[Release::Second, Release::Third],
    &[Release::Second, Release::Third, Release::Second],
    // Somebody skips a release.
    &[Release::Third],
    &[Release::Third, Release::Second],
];

impl Deployment {
    pub(super) fn draw(choices: &mut Choices) -> Self {
        let order = *ORDERS.get(choices.below(ORDERS.len())).unwrap_or(&ORDERS[0]);
        let mut seconds = |from: &[usize]| {
            let most = from.get(choices.below(from.len())).copied().unwrap_or(1);
            i64::try_from(choices.below(most)).unwrap_or(0) * 1000
        };
        let mut at = START.0 + seconds(&[60, 600]);
        let mut changes = Vec::new();
        for to in order {
            let until = at + seconds(&[10, 300, 3600, 4 * 3600]);
            changes.push(Change { from: at, until, to: *to });
            at = until + seconds(&[10, 300, 3600]);
        }
        Self { changes }
    }

    /// The release of a function that begins now, where `new` decides between two.
    pub(super) fn release(&self, now: i64, new: impl FnOnce() -> bool) -> Release {
        let mut release = Release::First;
        for change in self.changes.iter().take_while(|change| change.from <= now) {
            if now < change.until {
                return if new() { change.to } else { release };
            }
            release = change.to;
        }
        release
    }
}

impl fmt::Display for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("First")?;
        let seconds = |at: i64| (at - START.0) / 1000;
        self.changes.iter().try_for_each(|change| {
            write!(f, ", then {:?} (from second {} to {})", change.to, seconds(change.from), seconds(change.until))
        })
    }
}
