//! The store on a table: each execution is a journal.
//!
//! A commit is the put of one new item whose sort key is its version, on the condition that nothing stands there: the one step that
//! decides between drivers. It holds what has changed, the new events and the new payloads, compressed. What is too large for it is
//! written before it, under keys that no other driver writes.
//!
//! **Loading is bounded.** The newest commit names the earlier ones that hold something which is still needed. When these grow too many,
//! a commit repeats frames and results that stand in others; payloads are never repeated.
//!
//! **A commit is compared with one of the last few**, which a reader of it needs as well; how far that leads back is bounded.
//!
//! **A key is never free again** while a driver that knows of it may live: nothing here deletes a commit. Each is written with the
//! time from which on the table may delete it.
//!
//! **An item** has, beside its key and its time to live (`ttl`): `b` the content, `f` its format, `w` its writer, `e` the number of the first
//! event in it or after it, `l` the version of the commit it is compared with, `n` in how many parts its content stands apart, `started`
//! (the first one), `x` if it can be read without any other, and for people `state` or, when the execution has ended, `status`.
//!
//! **Mine or another's.** A put whose answer was lost may be sent again by the layers below and then finds itself; every commit carries
//! a number of its writer, which tells that from another driver's commit.

mod abandon;
mod body;
mod history;
mod inbox;
mod inspect;
mod keys;
mod pack;
mod refresh;
mod rows;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use statewright_interpreter::execution::{Checkpoint, Execution, FrameId, StoredPayload};
use statewright_interpreter::history::{payloads_of, store_events};
use statewright_interpreter::payload::PayloadId;
use statewright_interpreter::time::Timestamp;

pub use abandon::Abandonment;
use body::{Body, Notes};
pub use inspect::Inspected;
use keys::{FIRST, Sorts, key, partition};
pub(crate) use rows::SEEN_AGAIN;
pub use rows::{Aside, Due, ListedExecution, ListedPage, Look, Nearing, Running, Walked};

use crate::format::Kind;
use crate::store::{Birth, Commit, CommitError, ExecutionArn, InboxEntry, Loaded, Store, StoreError};
use crate::table::{Attribute, Condition, Item, Key, Query, Table, WriteError};

/// How a journal is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// For how long after its end an execution is to be seen, in seconds. The service keeps 90 days. Its items stay a month longer.
    pub retention_seconds: u64,
    /// A payload of more bytes stands apart from its commit.
    pub apart_bytes: usize,
    /// A packed commit of more bytes is written in parts. DynamoDB's items end at 400 KB.
    pub item_bytes_max: usize,
    /// So many earlier commits may be needed for a load before frames are repeated.
    pub needs_max: usize,
    /// In how many partitions each list of closed executions of a state machine is kept. A partition takes about 1,000 writes a second.
    pub list_shards: u32,
    /// In how many partitions the list of running executions of all state machines is kept. Each is read once an hour.
    pub running_shards: u32,
    /// In how many partitions reminders are kept. Each is asked once a minute.
    pub reminder_shards: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retention_seconds: 90 * 24 * 3600,
            apart_bytes: 32 * 1024,
            item_bytes_max: 350 * 1024,
            needs_max: 16,
            list_shards: 2,
            running_shards: 8,
            reminder_shards: 4,
        }
    }
}

/// What an item stays beyond what is asked for, so that none of an execution's is gone while the execution is to be seen: a month.
const MARGIN_SECONDS: u64 = 30 * 24 * 3600;
/// So many commits at most lie between one and those that must be read to unpack it, but for the first and one that leads back to no other.
const DEPTH_MAX: u32 = 12;
/// So many of the last commits are tried as what the next is compared with.
const RECENT_MAX: usize = 4;
/// A commit of so many bytes is paid as the least there is, with its key and what stands beside it: nothing smaller is looked for.
const SMALL: usize = 850;
/// So much of what stands apart from a commit is read at once: no more than a few megabytes.
const GETS_MAX: usize = 10;
/// So much of what stands apart from a commit is written at once.
const PUTS_MAX: usize = 16;
/// Read at first: the first commit, a few posted events, and the newest commits.
const FIRST_PAGE: usize = 14;

/// Keeps executions in a table.
#[derive(Debug)]
pub struct Journal<T> {
    table: T,
    settings: Settings,
    /// Two journals anywhere have different ones.
    writer: u64,
    /// How many writers this journal has named.
    writers: AtomicU64,
}

/// Where an execution stands in a journal.
#[derive(Clone, Debug)]
pub struct Place {
    partition: String,
    /// From when on the table may delete the first commit.
    expires: Timestamp,
    sorts: Sorts,
    version: u32,
    writer: u64,
    /// The commits that hold what is live.
    frames: BTreeMap<FrameId, u32>,
    results: BTreeMap<(FrameId, u32), u32>,
    since: BTreeMap<FrameId, u32>,
    payloads: BTreeMap<PayloadId, u32>,
    /// Keys of the inbox that are dealt with and still stand there.
    consumed: Vec<Arc<str>>,
    /// The first commit's content, which every later one is compared with.
    first: Arc<[u8]>,
    /// The last few commits, the newest first, and what the last leads back to: the next one is compared with one of them as well.
    recent: VecDeque<Like>,
    base: Option<Like>,
    /// Whether the last commit is to be read without any other: then it is the last for ever.
    alone: bool,
}

/// A commit that others are compared with.
#[derive(Clone, Debug)]
struct Like {
    version: u32,
    bytes: Arc<[u8]>,
    /// The oldest that must be read before it, but for the one that leads back to no other.
    since: u32,
}

impl Place {
    /// A place of which nothing is known but where it is.
    fn new(partition: String, sorts: Sorts, version: u32, writer: u64, expires: Timestamp) -> Self {
        Self {
            partition,
            expires,
            sorts,
            version,
            writer,
            frames: BTreeMap::new(),
            results: BTreeMap::new(),
            since: BTreeMap::new(),
            payloads: BTreeMap::new(),
            consumed: Vec::new(),
            first: Arc::default(),
            recent: VecDeque::new(),
            base: None,
            alone: false,
        }
    }

    /// How many commits the execution has had.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }
}

/// A commit as it stands in the table, read.
struct Read {
    bytes: Arc<[u8]>,
    body: Body,
    writer: u64,
    like: Option<u32>,
}

impl<T: Table> Journal<T> {
    /// A journal in `table`. `writer` is drawn at random, once for each journal.
    pub fn new(table: T, settings: Settings, writer: u64) -> Self {
        Self { table, settings, writer, writers: AtomicU64::new(0) }
    }

    /// The table.
    pub fn table(&self) -> &T {
        &self.table
    }

    /// How it is kept.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A number that no other writer of commits has.
    fn next_writer(&self) -> u64 {
        // Spread, so that the numbers of two journals that begin close to each other do not meet.
        let count = self.writers.fetch_add(1, Ordering::Relaxed);
        self.writer.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn expires(&self, now: Timestamp) -> Timestamp {
        now.plus_seconds(self.settings.retention_seconds.saturating_add(MARGIN_SECONDS))
    }

    /// Reads commits by version, and those that they are compared with.
    async fn read_commits(
        &self,
        partition: &str,
        sorts: Sorts,
        known: &mut BTreeMap<u32, Read>,
        items: &mut BTreeMap<u32, Item>,
        versions: impl IntoIterator<Item = u32>,
    ) -> Result<(), StoreError> {
        let (alone, versions): (Vec<u32>, Vec<u32>) =
            versions.into_iter().partition(|version| items.get(version).is_some_and(is_alone));
        for version in alone {
            let item = items.get(&version).ok_or_else(|| missing(partition, version))?;
            let read = self.read_commit(partition, sorts, version, item, known).await?;
            known.insert(version, read);
        }
        if versions.is_empty() {
            return Ok(());
        }
        let mut wanted: BTreeSet<u32> =
            versions.into_iter().chain([FIRST]).filter(|version| !known.contains_key(version)).collect();
        let mut more: Vec<u32> = wanted.iter().copied().collect();
        while !more.is_empty() {
            self.fetch(partition, sorts, items, more.iter().copied()).await?;
            let likes = more.iter().filter_map(|version| like_of(items.get(version)?));
            more = likes.filter(|like| !known.contains_key(like) && !wanted.contains(like)).collect();
            wanted.extend(&more);
        }
        // What a commit is compared with is older.
        for version in wanted {
            let item = items.get(&version).ok_or_else(|| missing(partition, version))?;
            let read = self.read_commit(partition, sorts, version, item, known).await?;
            known.insert(version, read);
        }
        Ok(())
    }

    async fn fetch(
        &self,
        partition: &str,
        sorts: Sorts,
        items: &mut BTreeMap<u32, Item>,
        versions: impl Iterator<Item = u32>,
    ) -> Result<(), StoreError> {
        let missing: BTreeSet<u32> = versions.filter(|version| !items.contains_key(version)).collect();
        let keys: Vec<Key> = missing.into_iter().map(|version| key(partition, sorts.commit(version))).collect();
        if !keys.is_empty() {
            for item in self.table.get_all(&keys).await? {
                items.extend(sorts.version(&item.key.sort).map(|version| (version, item)));
            }
        }
        Ok(())
    }

    async fn read_commit(
        &self,
        partition: &str,
        sorts: Sorts,
        version: u32,
        item: &Item,
        known: &BTreeMap<u32, Read>,
    ) -> Result<Read, StoreError> {
        Kind::Commit.check(item)?;
        let writer = item.get_number("w").unwrap_or(0).cast_unsigned();
        let parts = item.get_number("n").unwrap_or(0);
        let mut packed = Vec::new();
        for part in 0..usize::try_from(parts).unwrap_or(0) {
            let key = key(partition, sorts.commit_part(version, writer, part));
            let part = self.table.get(&key).await?.ok_or_else(|| missing(partition, version))?;
            packed.extend_from_slice(part.get_bytes("b").unwrap_or_default());
        }
        packed.extend_from_slice(item.get_bytes("b").unwrap_or_default());
        let like = like_of(item);
        let compared = [(version != FIRST && !is_alone(item)).then_some(FIRST), like];
        let compared = compared.into_iter().flatten().map(|like| known.get(&like).ok_or_else(|| missing(partition, like)));
        let compared: Vec<&Read> = compared.collect::<Result<_, _>>()?;
        let compared: Vec<&[u8]> = compared.into_iter().map(|read| &*read.bytes).collect();
        let bytes: Arc<[u8]> = pack::unpack(&packed, &compared)?.into();
        let body = Body::from_bytes(&bytes)?;
        Ok(Read { bytes, body, writer, like })
    }

    /// The payloads of a commit, those that stand apart included.
    async fn read_payloads(
        &self,
        partition: &str,
        sorts: Sorts,
        version: u32,
        read: &Read,
        wanted: impl Fn(PayloadId) -> bool,
    ) -> Result<BTreeMap<PayloadId, StoredPayload>, StoreError> {
        let mut payloads: BTreeMap<_, _> =
            read.body.payloads.iter().filter(|(id, _)| wanted(**id)).map(|(id, payload)| (*id, payload.clone())).collect();
        let (apart, spread) = (&read.body.notes.apart, &read.body.notes.spread);
        let partitions = apart.iter().map(|_| partition.to_owned()).chain(spread.iter().map(|(id, _)| keys::apart(partition, *id)));
        let wanted = apart.iter().chain(spread).zip(partitions).filter(|((id, _), _)| wanted(*id));
        let places: Vec<(PayloadId, Vec<Key>)> = wanted
            .map(|(&(id, parts), partition)| {
                let sort = |part| sorts.payload_part(version, read.writer, id.0, part);
                (id, (0..parts).map(|part| key(&partition, sort(part))).collect())
            })
            .collect();
        if places.is_empty() {
            return Ok(payloads);
        }
        let all: Vec<Key> = places.iter().flat_map(|(_, keys)| keys.iter().cloned()).collect();
        let mut found: BTreeMap<Key, Item> = BTreeMap::new();
        for some in all.chunks(GETS_MAX) {
            found.extend(self.table.get_all(some).await?.into_iter().map(|item| (item.key.clone(), item)));
        }
        for (id, keys) in places {
            let mut packed = Vec::new();
            for key in &keys {
                let part = found.get(key).ok_or_else(|| missing(partition, version))?;
                packed.extend_from_slice(part.get_bytes("b").unwrap_or_default());
            }
            let text = String::from_utf8(pack::unpack(&packed, &[])?);
            let text = text.map_err(|_| StoreError::Unreadable(format!("payload {} of {partition} is damaged", id.0)))?;
            payloads.insert(id, StoredPayload::Text(text));
        }
        Ok(payloads)
    }

    /// `bytes` as items under keys that only one commit names.
    fn parts(&self, partition: &str, sort: impl Fn(usize) -> String, bytes: &[u8], expires: Timestamp) -> Vec<Item> {
        let parts = bytes.chunks(self.settings.item_bytes_max).enumerate();
        parts.map(|(part, bytes)| Item::new(key(partition, sort(part))).bytes("b", bytes.to_vec()).expiring(expires)).collect()
    }

    /// Writes items that nobody knows of yet, many at once.
    async fn put_all(&self, items: Vec<Item>) -> Result<(), StoreError> {
        let puts = items.into_iter().map(|item| self.table.put(item, Condition::None));
        Ok(stream::iter(puts).buffer_unordered(PUTS_MAX).try_collect::<()>().await?)
    }

    /// Writes a commit as one item, and what does not fit before it.
    async fn put_commit(&self, place: &mut Place, mut body: Body, commit: &Commit<'_>) -> Result<(), CommitError> {
        let (partition, sorts, version, writer) = (place.partition.clone(), place.sorts, place.version, place.writer);
        let expires = self.expires(commit.now);
        let too_large = |payload: &StoredPayload| match payload {
            StoredPayload::Text(text) => text.len() > self.settings.apart_bytes,
            StoredPayload::Array(_) => false,
        };
        let large: Vec<PayloadId> = body.payloads.iter().filter(|(_, payload)| too_large(payload)).map(|(id, _)| *id).collect();
        let mut before = Vec::new();
        for id in large {
            if let Some(StoredPayload::Text(text)) = body.payloads.remove(&id) {
                let packed = pack::pack(text.as_bytes(), &[])?;
                let sort = |part| sorts.payload_part(version, writer, id.0, part);
                let parts = self.parts(&keys::apart(&partition, id), sort, &packed, expires);
                body.notes.spread.push((id, parts.len()));
                before.extend(parts);
            }
        }
        let bytes: Arc<[u8]> = body.to_bytes().into();
        let next_event = commit.execution.history_events().saturating_sub(commit.events.len() as u64) + 1;
        let mut item = Item::new(key(&partition, sorts.commit(version)))
            .number("f", pack::FORMAT)
            .number("w", writer.cast_signed())
            .number("e", next_event.cast_signed());
        let mut packed;
        if place.alone {
            packed = pack::pack(&bytes, &[])?;
            item = item.number("x", 1);
        } else if version == FIRST {
            packed = pack::pack(&bytes, &[])?;
            place.first = Arc::clone(&bytes);
            item = item.number("started", commit.execution.started_at().0);
        } else {
            let first = Arc::clone(&place.first);
            packed = pack::pack(&bytes, &[&first])?;
            // The commit before is most like this one, unless what comes takes turns; where all lead back too far, what they lead back to.
            let near = |like: &&Like| version - like.since <= DEPTH_MAX;
            let base = place.base.as_ref().filter(|_| !place.recent.iter().any(|like| near(&like)));
            let mut chosen: Option<&Like> = None;
            for like in place.recent.iter().filter(near).chain(base) {
                let smaller = pack::pack(&bytes, &[&first, &like.bytes])?;
                let helps = smaller.len() * 10 < packed.len() * 9 || chosen.is_some() && smaller.len() < packed.len();
                if helps {
                    packed = smaller;
                    chosen = Some(like);
                }
                if packed.len() <= SMALL {
                    break;
                }
            }
            item = chosen.iter().fold(item, |item, like| item.number("l", like.version.into()));
            let since = chosen.filter(|like| near(like)).map_or(version, |like| like.since);
            let this = Like { version, bytes: Arc::clone(&bytes), since };
            if chosen.is_none() {
                place.base = Some(this.clone());
            }
            place.recent.push_front(this);
            place.recent.truncate(RECENT_MAX);
        }
        if packed.len() > self.settings.item_bytes_max {
            let parts = self.parts(&partition, |part| sorts.commit_part(version, writer, part), &packed, expires);
            item = item.number("n", i64::try_from(parts.len()).unwrap_or(i64::MAX));
            before.extend(parts);
            packed.clear();
        }
        self.put_all(before).await?;
        let status = commit.execution.status();
        item = item.bytes("b", packed).expiring(expires);
        item = match status.is_final() {
            true => item.text("status", status.as_str()),
            false => item.text("state", commit.states.join(", ").chars().take(160).collect::<String>()),
        };
        let again = (version == FIRST).then(|| item.clone());
        let found = match self.put_unless_there(item, Condition::Absent(commit.now)).await? {
            None => return Ok(()),
            Some(found) => found,
        };
        // One of the same name that is to be seen no more is in nobody's way.
        let execution = ExecutionArn(Arc::clone(&commit.execution.identity().execution_arn));
        let (Some(item), Some(found)) = (again, found.get_number("w")) else { return Err(CommitError::Conflict) };
        if self.ends(&execution, commit.now).await?.is_some() {
            return Err(CommitError::Conflict);
        }
        match self.put_unless_there(item, Condition::Says("w", Attribute::Number(found))).await? {
            None => Ok(()),
            Some(_) => Err(CommitError::Conflict),
        }
    }

    /// Writes a commit, unless another one stands there: then that is answered.
    async fn put_unless_there(&self, item: Item, condition: Condition) -> Result<Option<Item>, CommitError> {
        let (key, writer) = (item.key.clone(), item.get_number("w"));
        match self.table.put(item, condition).await {
            Ok(()) => Ok(None),
            Err(WriteError::Refused(Some(found))) if found.get_number("w") == writer => Ok(None),
            Err(WriteError::Refused(found)) => Ok(Some(found.map_or_else(|| Item::new(key), |found| *found))),
            Err(error) => Err(StoreError::from(error).into()),
        }
    }

    /// Deletes entries of the inbox that are dealt with. What is left is tried again after the next commit.
    async fn delete_consumed(&self, place: &mut Place) {
        let mut left = Vec::new();
        for consumed in std::mem::take(&mut place.consumed) {
            let key = key(&place.partition, place.sorts.inbox(&consumed));
            if self.table.delete(&key, Condition::None).await.is_err() {
                left.push(consumed);
            }
        }
        place.consumed = left;
    }
}

fn like_of(item: &Item) -> Option<u32> {
    item.get_number("l").and_then(|like| u32::try_from(like).ok())
}

/// Whether an execution with this newest commit ended so long ago that it is to be seen no more, although its items stay a while: so that
/// none of them is gone before.
fn is_over(newest: &Item, now: Timestamp) -> bool {
    let until = newest.expires.map(|expires| expires.minus(Duration::from_secs(MARGIN_SECONDS)));
    newest.get_text("status").is_some() && until.is_some_and(|until| until <= now)
}

/// Whether a commit can be read without any other.
fn is_alone(item: &Item) -> bool {
    item.get_number("x").is_some()
}

fn missing(partition: &str, version: u32) -> StoreError {
    StoreError::Unreadable(format!("commit {version} of {partition} is missing"))
}

impl Place {
    /// Notes what has moved with `commit`, and makes what the commit says.
    fn advance(&mut self, commit: &Commit<'_>, needs_max: usize) -> Result<Body, StoreError> {
        let version = self.version;
        let changes = &commit.changes;
        let mut body = Body {
            head: changes.head.clone(),
            frames: changes.frames.clone(),
            results: changes.results.clone(),
            payloads: changes.payloads.iter().cloned().collect(),
            events: if commit.events.is_empty() { String::new() } else { store_events(commit.events) },
            notes: Notes::default(),
        };
        for id in &changes.removed_frames {
            self.frames.remove(id);
            self.since.remove(id);
        }
        self.frames.extend(changes.frames.keys().map(|id| (*id, version)));
        for (frame, slot) in &changes.removed_results {
            self.results.remove(&(*frame, *slot));
            self.since.insert(*frame, version);
        }
        self.results.extend(changes.results.keys().map(|key| (*key, version)));
        self.since.retain(|frame, _| self.frames.contains_key(frame));
        let here: BTreeSet<PayloadId> = body.payloads.keys().copied().collect();
        let mut named = payloads_of(commit.events);
        for payload in body.payloads.values() {
            if let StoredPayload::Array(parts) = payload {
                named.extend(parts);
            }
        }
        let home = |id: &PayloadId| {
            let home = self.payloads.get(id).ok_or_else(|| StoreError::Unreadable(format!("payload {} is nowhere", id.0)))?;
            Ok::<_, StoreError>((*id, *home))
        };
        body.notes.refs = named.difference(&here).map(home).collect::<Result<_, _>>()?;
        self.payloads.extend(here.iter().map(|id| (*id, version)));
        let live = commit.execution.payload_ids();
        self.payloads.retain(|id, _| live.contains(id));
        if self.needs().len() > needs_max {
            let Checkpoint { frames, results, .. } = (commit.checkpoint)();
            self.frames = frames.keys().map(|id| (*id, version)).collect();
            self.results = results.keys().map(|key| (*key, version)).collect();
            // Results in earlier commits count no more, whether they were taken or are repeated here.
            let parents: Vec<FrameId> = results.keys().map(|(frame, _)| *frame).collect();
            self.since = self.since.keys().copied().chain(parents).map(|frame| (frame, version)).collect();
            body.frames = frames;
            body.results = results;
        }
        body.notes.birth = commit.birth.cloned();
        body.notes.ledger = commit.ledger.clone();
        body.notes.live = self.frames.keys().copied().collect();
        body.notes.needs = self.needs().into_iter().collect();
        body.notes.since = self.since.iter().map(|(frame, since)| (*frame, *since)).collect();
        self.consumed.extend(commit.consumed.iter().cloned());
        body.notes.consumed = self.consumed.clone();
        Ok(body)
    }

    /// What the next commit is compared with.
    fn find_like(&mut self, known: &BTreeMap<u32, Read>) {
        let read = |version: u32| known.get(&version).filter(|_| version != FIRST);
        let chain = |version: u32| std::iter::successors(Some(version), |version| read(*version)?.like);
        let like = |version: u32| {
            let bytes = Arc::clone(&read(version)?.bytes);
            let since = chain(version).filter(|version| read(*version).is_some_and(|read| read.like.is_some())).min();
            Some(Like { version, bytes, since: since.unwrap_or(version) })
        };
        self.recent = known.keys().rev().filter_map(|version| like(*version)).take(RECENT_MAX).collect();
        self.base = chain(self.version).last().and_then(like);
    }

    /// The earlier commits that hold something live.
    fn needs(&self) -> BTreeSet<u32> {
        let homes = self.frames.values().chain(self.results.values()).chain(self.payloads.values());
        homes.copied().filter(|home| *home != self.version).collect()
    }
}

impl<T: Table> Store for Journal<T> {
    type Place = Place;

    async fn load(&self, execution: &ExecutionArn, now: Timestamp) -> Result<Option<Loaded<Place>>, StoreError> {
        let partition = partition(execution);
        let mut query = Query::prefix(partition.clone(), "").limit(FIRST_PAGE);
        let mut page = self.table.query(&query).await?;
        let mut found = page.items.into_iter();
        // What has expired may be half gone.
        let Some(first) = found.next().filter(|item| item.key.sort == "0" && !item.is_expired(now)) else { return Ok(None) };
        let sorts = Sorts::new(first.get_number("started").unwrap_or(0));
        let expires = first.expires.unwrap_or(Timestamp(i64::MAX));
        let mut items = BTreeMap::from([(FIRST, first)]);
        let mut posted = Vec::new();
        loop {
            for item in found {
                if let Some(version) = sorts.version(&item.key.sort) {
                    items.insert(version, item);
                } else if let Some(key) = sorts.inbox_key(&item.key.sort) {
                    posted.push((Arc::<str>::from(key), item));
                }
            }
            // Commits stand behind the inbox, the newest first.
            match page.next {
                Some(next) if items.len() == 1 => query.after = Some(next),
                Some(_) | None => break,
            }
            page = self.table.query(&query).await?;
            found = page.items.into_iter();
        }
        let version = items.keys().next_back().copied().unwrap_or(FIRST);
        if items.get(&version).is_some_and(|newest| is_over(newest, now)) {
            return Ok(None);
        }
        let mut known = BTreeMap::new();
        self.read_commits(&partition, sorts, &mut known, &mut items, [version]).await?;
        let newest = known.get(&version).ok_or_else(|| missing(&partition, version))?;
        if items.get(&version).is_some_and(is_alone) {
            return self.load_alone(partition, sorts, version, newest).await.map(Some);
        }
        let notes = newest.body.notes.clone();
        let head = newest.body.head.clone();
        self.read_commits(&partition, sorts, &mut known, &mut items, notes.needs.iter().copied()).await?;
        let first = known.get(&FIRST).ok_or_else(|| missing(&partition, FIRST))?;
        let birth = first.body.notes.birth.clone().unwrap_or_default();
        let mut place = Place {
            since: notes.since.iter().copied().collect(),
            consumed: notes.consumed,
            first: Arc::clone(&first.bytes),
            ..Place::new(partition.clone(), sorts, version, self.next_writer(), expires)
        };
        place.find_like(&known);
        let live: BTreeSet<FrameId> = notes.live.iter().copied().collect();
        let mut checkpoint = Checkpoint { head, ..Checkpoint::default() };
        let needed: BTreeSet<u32> = notes.needs.iter().copied().chain([version]).collect();
        for version in needed {
            let Some(read) = known.get(&version) else { return Err(missing(&partition, version)) };
            for (id, frame) in read.body.frames.iter().filter(|(id, _)| live.contains(id)) {
                checkpoint.frames.insert(*id, frame.clone());
                place.frames.insert(*id, version);
            }
            for (key, payload) in &read.body.results {
                if live.contains(&key.0) && place.since.get(&key.0).is_none_or(|since| *since <= version) {
                    checkpoint.results.insert(*key, *payload);
                    place.results.insert(*key, version);
                }
            }
            for (id, payload) in self.read_payloads(&partition, sorts, version, read, |_| true).await? {
                checkpoint.payloads.insert(id, payload);
                place.payloads.insert(id, version);
            }
        }
        posted.retain(|(key, _)| !place.consumed.contains(key));
        let inbox = posted.into_iter().map(|(key, item)| inbox::read(key, &item)).collect::<Result<_, _>>()?;
        Ok(Some(Loaded { place, birth, checkpoint, ledger: notes.ledger, inbox }))
    }

    async fn commit(&self, execution: &ExecutionArn, place: Option<Place>, commit: Commit<'_>) -> Result<Place, CommitError> {
        let mut place = match place {
            Some(Place { alone: true, .. }) => {
                return Err(StoreError::Unreadable(format!("{execution} was abandoned, and nothing comes after that")).into());
            }
            Some(place) => Place { version: place.version + 1, ..place },
            None => {
                let sorts = Sorts::new(commit.execution.started_at().0);
                Place::new(partition(execution), sorts, FIRST, self.next_writer(), self.expires(commit.now))
            }
        };
        self.refresh(&mut place, commit.now).await?;
        let body = place.advance(&commit, self.settings.needs_max)?;
        self.put_commit(&mut place, body, &commit).await?;
        self.delete_consumed(&mut place).await;
        Ok(place)
    }

    async fn post(&self, execution: &ExecutionArn, entry: InboxEntry) -> Result<(), StoreError> {
        let Some(at) = entry.happened.first().map(|happened| happened.at) else { return Ok(()) };
        let partition = partition(execution);
        let first = self.table.get(&key(&partition, "0".to_owned())).await?;
        let first = first.filter(|item| !item.is_expired(at));
        let Some(first) = first else { return Err(StoreError::Unavailable(format!("there is no execution {execution}"))) };
        let sorts = Sorts::new(first.get_number("started").unwrap_or(0));
        let item = inbox::write(key(&partition, sorts.inbox(&entry.key)), at, &entry.happened)?;
        Ok(self.table.put(item.expiring(self.expires(at)), Condition::None).await?)
    }

    async fn remind(&self, execution: &ExecutionArn, at: Timestamp) -> Result<(), StoreError> {
        self.put_reminder(execution, at).await
    }

    async fn forget(&self, execution: &ExecutionArn, at: Timestamp) -> Result<(), StoreError> {
        self.delete_reminder(execution, at).await
    }

    async fn enlist(&self, execution: &Execution, birth: &Birth, look_at: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        self.put_running(execution, birth, look_at, now).await
    }

    async fn close(&self, execution: &Execution, birth: &Birth, listed: bool, at: Timestamp) -> Result<(), StoreError> {
        self.put_closed(execution, birth, at).await?;
        if listed { self.delete_running(execution).await } else { Ok(()) }
    }
}
