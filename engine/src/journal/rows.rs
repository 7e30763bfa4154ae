//! Lists of executions, and reminders: small items of their own, apart from the journals.
//!
//! | partition | sort key | holds |
//! |---|---|---|
//! | `r#<shard>` | state machine, inverted start, name | a running execution that has outlived its first driver; when somebody must look at it at the latest |
//! | `c#<state machine>#<status>#<shard>` | inverted stop, name | an execution that has ended |
//! | `s#<shard>` | time, execution | a reminder: look at the execution then; how often that was tried, and when to try again |
//! | `u` | execution | an execution that was put aside, and why |
//! | `w` | `0` | how far the list of running executions was walked through |

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use statewright_interpreter::execution::{Checkpoint, Execution};
use statewright_interpreter::time::Timestamp;

use super::abandon::Ends;
use super::keys::{FIRST, partition};
use super::{Journal, missing};
use crate::format::Kind;
use crate::store::{Birth, ExecutionArn, Ledger, Store, StoreError};
use crate::table::{Attribute, Condition, Item, Key, Query, Table, TableError, WriteError};

/// An execution as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedExecution {
    /// Its ARN.
    pub arn: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// `RUNNING`, `SUCCEEDED`, `FAILED`, `TIMED_OUT` or `ABORTED`.
    pub status: Arc<str>,
    /// When it was started.
    pub started: Timestamp,
    /// When it ended.
    pub stopped: Option<Timestamp>,
    /// The version of the state machine it was started by, if it was.
    pub version_arn: Option<Arc<str>>,
    /// The alias it was started by, if it was.
    pub alias_arn: Option<Arc<str>>,
}

/// A part of a list, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedPage {
    /// The executions, each with its place: where a page behind it begins.
    pub executions: Vec<(String, ListedExecution)>,
    /// Where the next page begins; `None` when there is no more.
    pub next: Option<String>,
}

/// A reminder whose time has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The execution to look at.
    pub execution: ExecutionArn,
    /// When it was to be looked at.
    pub at: Timestamp,
    /// How often it was woken in vain.
    pub tries: u32,
    /// Before this it is not to be woken again.
    pub not_before: Option<Timestamp>,
}

/// A place in the list of running executions, some time before somebody must look at the execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// The execution.
    pub execution: ExecutionArn,
    /// When somebody must look at it at the latest.
    pub look_at: Timestamp,
    /// Whoever wrote it is not about to commit any more.
    is_settled: bool,
    item: Item,
}

/// How far a shard of the list of running executions was walked through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walked {
    /// The last of its hours that it was walked through in to the end.
    pub hour: i64,
    /// Where to go on in the hour behind that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// What there is to do for a running execution that somebody must look at soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nearing {
    /// It is to be driven, and its driver arranges for what comes: wake it, and then [put its place off](Journal::put_off).
    Wake,
    /// A reminder of its own stands for it, or it is not to be woken. Its place is put off, unless others are to look at it.
    Seen,
    /// It had ended, or was never there. It stands in this list no more.
    Gone,
}

/// An execution that was put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    /// The execution.
    pub execution: ExecutionArn,
    /// When it was put aside.
    pub at: Timestamp,
    /// The reminder that did not help.
    pub reminder: Timestamp,
    /// Why.
    pub reason: String,
    /// The version it had, where that tells whether it has gone on since; otherwise its reminder does.
    pub version: Option<u32>,
}

/// What the first and the newest commit of an execution say for those who look after it.
#[derive(Clone, Debug)]
pub struct Look {
    /// What the execution was started with.
    pub birth: Birth,
    /// What drivers note for one another.
    pub ledger: Ledger,
    /// The version of the newest commit.
    pub version: u32,
    /// Whether a later release has written it.
    pub is_newer: bool,
}

/// A place in the list of running executions for a commit that has not come this long after it was to be looked at is one too many.
const UNBORN_MAX: Duration = Duration::from_secs(24 * 3600);
/// A running execution that a reminder stands for is looked at this long behind it, should it still be running then.
pub(crate) const SEEN_AGAIN: Duration = Duration::from_secs(24 * 3600);
/// Whoever arranges for a commit has committed after this, or never will.
const COMMITS_WITHIN: Duration = Duration::from_secs(3600);
/// How often an execution was given up is remembered for so long: longer than its queue keeps a wake-up.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(28 * 24 * 3600);
/// The partition of how far lists were walked through.
const WALKS: &str = "w";
/// The partition of what was put aside.
const ASIDE: &str = "u";

/// The statuses of executions that have ended.
const CLOSED: [&str; 4] = ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"];

fn shard(text: &str, shards: u32) -> u32 {
    // The hash stays the same over releases: rows are found again by it.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    u32::try_from((hash >> 32) % u64::from(shards.max(1))).unwrap_or(0)
}

fn inverted(time: Timestamp) -> String {
    format!("{:011x}", 0xfff_ffff_ffff_i64.saturating_sub(time.0))
}

fn row(key: Key, execution: &Execution, birth: &Birth) -> Item {
    let identity = execution.identity();
    let mut item = Item::new(key).text("arn", &*identity.execution_arn).number("started", execution.started_at().0);
    if let Some(version) = &birth.version_arn {
        item = item.text("version", &**version);
    }
    if let Some(alias) = &birth.alias_arn {
        item = item.text("alias", &**alias);
    }
    item
}

impl<T: Table> Journal<T> {
    fn running_key(&self, execution: &Execution) -> Key {
        let identity = execution.identity();
        let shard = shard(&identity.execution_name, self.settings.running_shards);
        let sort = format!("{}#{}#{}", identity.state_machine_name, inverted(execution.started_at()), identity.execution_name);
        Key::new(format!("r#{shard}"), sort)
    }

    /// Has the place of an execution in the list say `look_at` or earlier. Of several who do this one commits, whichever came last: none
    /// takes away what another one counts on.
    pub(super) async fn put_running(
        &self,
        execution: &Execution,
        birth: &Birth,
        look_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let item = row(self.running_key(execution), execution, birth).number("w", now.0);
        let (mut at, mut condition) = (look_at.0, Condition::Absent(Timestamp(0)));
        loop {
            let found = match self.table.put(item.clone().number("at", at), condition).await {
                Err(WriteError::Refused(found)) => found,
                written => return Ok(written?),
            };
            let stands = match found {
                Some(found) => Some(*found),
                None => self.table.get(&item.key).await?,
            };
            // A place that has changed is not put off by who has seen it as it was.
            (at, condition) = match stands.and_then(|stands| stands.get_number("at")) {
                Some(stands) => (look_at.0.min(stands - 1), Condition::Says("at", Attribute::Number(stands))),
                None => (look_at.0, Condition::None),
            };
        }
    }

    pub(super) async fn delete_running(&self, execution: &Execution) -> Result<(), StoreError> {
        Ok(self.table.delete(&self.running_key(execution), Condition::None).await?)
    }

    pub(super) async fn put_closed(&self, execution: &Execution, birth: &Birth, at: Timestamp) -> Result<(), StoreError> {
        let identity = execution.identity();
        let shard = shard(&identity.execution_name, self.settings.list_shards);
        let partition = format!("c#{}#{}#{shard}", identity.state_machine_name, execution.status().as_str());
        let key = Key::new(partition, format!("{}#{}", inverted(at), identity.execution_name));
        let item = row(key, execution, birth).number("stopped", at.0);
        let item = item.expiring(at.plus_seconds(self.settings.retention_seconds));
        Ok(self.table.put(item, Condition::None).await?)
    }

    /// The executions of a state machine, the newest first: running ones by when they were started, others by when they ended. Those
    /// that have not outlived their first driver yet are left out.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn list(
        &self,
        state_machine_name: &str,
        status: Option<&str>,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<ListedPage, StoreError> {
        let statuses = ["RUNNING"].iter().chain(&CLOSED).filter(|known| status.is_none_or(|status| status == **known));
        let mut found = Vec::new();
        for status in statuses {
            // Running executions of all state machines stand together, those of one behind its name.
            let (letter, shards, prefix) = match *status {
                "RUNNING" => ("r".to_owned(), self.running_shards(), format!("{state_machine_name}#")),
                status => (format!("c#{state_machine_name}#{status}"), self.settings.list_shards.max(1), String::new()),
            };
            for shard in 0..shards {
                let after = after.map(|after| format!("{prefix}{after}"));
                let query = Query::prefix(format!("{letter}#{shard}"), &prefix).after(after).limit(limit + 1);
                let page = self.table.query(&query).await?;
                let items = page.items.into_iter().filter(|item| !item.is_expired(now));
                found.extend(items.map(|item| (item.key.sort[prefix.len()..].to_owned(), item, *status)));
            }
        }
        found.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|(place, ..)| place.clone());
        let mut executions = Vec::with_capacity(found.len());
        for (place, item, status) in found {
            Kind::Row.check(&item)?;
            executions.extend(listed(&place, &item, status).map(|listed| (place, listed)));
        }
        Ok(ListedPage { executions, next })
    }

    /// Running executions that stand in a shard of their list `now` and that somebody must look at before `until`, from a page of at most
    /// `limit` behind `after`, and where the next page begins; `None` when there is no more. Places that a later release has written are
    /// left to it.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn running(
        &self,
        shard: u32,
        (now, until): (Timestamp, Timestamp),
        after: Option<String>,
        limit: usize,
    ) -> Result<(Vec<Running>, Option<String>), TableError> {
        let page = self.table.query(&Query::prefix(format!("r#{shard}"), "").after(after).limit(limit)).await?;
        let running = page.items.into_iter().filter(|item| Kind::Row.check(item).is_ok()).filter_map(|item| {
            let look_at = Timestamp(item.get_number("at")?);
            let is_settled = Timestamp(item.get_number("w").unwrap_or(0)).plus(COMMITS_WITHIN) <= now;
            Some(Running { execution: ExecutionArn(item.get_text("arn")?.into()), look_at, is_settled, item })
        });
        Ok((running.filter(|running| running.look_at < until).collect(), page.next))
    }

    /// Looks what there is to do for a running execution that somebody must look at before `until`.
    ///
    /// # Errors
    /// When the table fails. Look again.
    pub async fn look_at(&self, running: &Running, (now, until): (Timestamp, Timestamp)) -> Result<Nearing, StoreError> {
        let Some(ends) = self.ends(&running.execution, now).await? else {
            // Its place is written before the commit that counts on it.
            if now < running.look_at.plus(UNBORN_MAX) {
                return Ok(Nearing::Seen);
            }
            self.table.delete(&running.item.key, Condition::None).await?;
            return Ok(Nearing::Gone);
        };
        if ends.newest().get_text("status").is_some()
            && let Ok(Some(loaded)) = self.load(&running.execution, now).await
            && let Ok(ended) = Execution::restore_ended(&loaded.checkpoint)
        {
            self.put_closed(&ended, &loaded.birth, ended.last_event_at()).await?;
            self.table.delete(&running.item.key, Condition::None).await?;
            return Ok(Nearing::Gone);
        }
        let ledger = match self.look_at_ends(&running.execution, ends).await {
            // Whoever walks through the list for that release finds it.
            Ok(look) if look.is_newer => return Ok(Nearing::Seen),
            Err(error) if error.is_newer() => return Ok(Nearing::Seen),
            Ok(look) => look.ledger,
            Err(error) if error.is_unreadable() => Ledger::default(),
            Err(error) => return Err(error),
        };
        let later = match (ledger.reminder.map(Timestamp), ledger.look_at.map(Timestamp)) {
            (Some(reminder), _) => {
                // Should it have been taken away all the same it is there again.
                self.put_missing_reminder(&running.execution, reminder).await?;
                now.max(reminder).plus(SEEN_AGAIN)
            }
            // Somebody wanted it to be looked at earlier, and did not commit.
            (None, Some(look_at)) if look_at >= until => look_at,
            (None, _) if self.find_aside(&running.execution).await?.is_some() => now.plus(SEEN_AGAIN),
            (None, _) => return Ok(Nearing::Wake),
        };
        // Whoever has just written it perhaps counts on it in a moment.
        if running.is_settled {
            self.put_off(running, later).await?;
        }
        Ok(Nearing::Seen)
    }

    async fn look_at_ends(&self, execution: &ExecutionArn, ends: Ends) -> Result<Look, StoreError> {
        let (partition, version, sorts) = (partition(execution), ends.version(), ends.sorts);
        let mut items = BTreeMap::from([(FIRST, ends.first)]);
        items.extend(ends.newest.map(|newest| (version, newest)));
        let mut known = BTreeMap::new();
        self.read_commits(&partition, sorts, &mut known, &mut items, [version]).await?;
        let newest = known.remove(&version).ok_or_else(|| missing(&partition, version))?.body;
        let birth = match newest.notes.birth {
            Some(birth) => birth,
            None => {
                self.read_commits(&partition, sorts, &mut known, &mut items, [FIRST]).await?;
                let first = known.remove(&FIRST).ok_or_else(|| missing(&partition, FIRST))?;
                first.body.notes.birth.unwrap_or_default()
            }
        };
        let is_newer = Checkpoint { head: newest.head, ..Checkpoint::default() }.is_newer();
        Ok(Look { birth, ledger: newest.notes.ledger, version, is_newer })
    }

    /// Notes in its place in the list when somebody must look at a running execution again. A place that has changed meanwhile stays.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn put_off(&self, running: &Running, until: Timestamp) -> Result<(), StoreError> {
        let item = running.item.clone().number("at", until.0);
        match self.table.put(item, Condition::Says("at", Attribute::Number(running.look_at.0))).await {
            Ok(()) | Err(WriteError::Refused(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// How far each of the [shards](Self::running_shards) of the list of running executions was walked through.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn walks(&self) -> Result<Vec<Walked>, StoreError> {
        let item = self.table.get(&Key::new(WALKS, "0")).await?;
        let walks = item.and_then(|item| serde_json::from_str(item.get_text("walks")?).ok());
        let mut walks: Vec<Walked> = walks.unwrap_or_default();
        walks.resize(self.running_shards() as usize, Walked::default());
        Ok(walks)
    }

    /// Notes how far they were.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn note_walks(&self, walks: &[Walked]) -> Result<(), StoreError> {
        let text = serde_json::to_string(walks).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(self.table.put(Item::new(Key::new(WALKS, "0")).text("walks", text), Condition::None).await?)
    }

    fn reminder_key(&self, execution: &ExecutionArn, at: Timestamp) -> Key {
        let shard = shard(&execution.0, self.settings.reminder_shards);
        Key::new(format!("s#{shard}"), format!("{:011x}#{execution}", at.0))
    }

    pub(super) async fn put_reminder(&self, execution: &ExecutionArn, at: Timestamp) -> Result<(), StoreError> {
        let item = Item::new(self.reminder_key(execution, at)).text("arn", &*execution.0).number("at", at.0);
        Ok(self.table.put(item, Condition::None).await?)
    }

    async fn put_missing_reminder(&self, execution: &ExecutionArn, at: Timestamp) -> Result<(), StoreError> {
        let item = Item::new(self.reminder_key(execution, at)).text("arn", &*execution.0).number("at", at.0);
        match self.table.put(item, Condition::Absent(Timestamp(0))).await {
            Ok(()) | Err(WriteError::Refused(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn delete_reminder(&self, execution: &ExecutionArn, at: Timestamp) -> Result<(), StoreError> {
        Ok(self.table.delete(&self.reminder_key(execution, at), Condition::None).await?)
    }

    /// The reminders of a shard whose time has come, the oldest first, at most `limit` of them behind `after`, and where to go on.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn due(
        &self,
        shard: u32,
        now: Timestamp,
        after: Option<String>,
        limit: usize,
    ) -> Result<(Vec<Due>, Option<String>), TableError> {
        let mut query = Query::prefix(format!("s#{shard}"), "").after(after).limit(limit);
        query.range.1 = format!("{:011x}#\u{10FFFF}", now.0);
        let page = self.table.query(&query).await?;
        // The sweep of a later release finds what that has written.
        let known = page.items.iter().filter(|item| Kind::Reminder.check(item).is_ok());
        Ok((known.filter_map(due).collect(), page.next))
    }

    /// Notes how often a reminder was tried, and when to try again. One that is gone stays gone.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn rest(&self, due: &Due) -> Result<(), StoreError> {
        let mut item = Item::new(self.reminder_key(&due.execution, due.at))
            .text("arn", &*due.execution.0)
            .number("at", due.at.0)
            .number("tries", due.tries.into());
        item = due.not_before.into_iter().fold(item, |item, next| item.number("next", next.0));
        match self.table.put(item, Condition::Says("at", Attribute::Number(due.at.0))).await {
            Ok(()) | Err(WriteError::Refused(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts an execution aside.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn put_aside(&self, aside: &Aside) -> Result<(), StoreError> {
        let item = Item::new(Key::new(ASIDE, &*aside.execution.0))
            .number("at", aside.at.0)
            .number("next", aside.reminder.0)
            .text("cause", aside.reason.as_str());
        let item = aside.version.into_iter().fold(item, |item, version| item.number("v", version.into()));
        Ok(self.table.put(item, Condition::None).await?)
    }

    /// Notes that a wake-up of an execution was given up: how often, this time included, since the execution was last seen with another
    /// version.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn note_given_up(&self, execution: &ExecutionArn, version: u32, now: Timestamp) -> Result<u32, StoreError> {
        let key = Key::new(format!("d#{execution}"), "0");
        let noted = self.table.get(&key).await?.filter(|item| item.get_number("version") == Some(version.into()));
        let tries = noted.and_then(|item| item.get_number("tries")).unwrap_or(0) + 1;
        let item = Item::new(key).number("version", version.into()).number("tries", tries).expiring(now.plus(GIVEN_UP_WITHIN));
        self.table.put(item, Condition::None).await?;
        Ok(u32::try_from(tries).unwrap_or(u32::MAX))
    }

    /// Looks at an execution without reading what it has in hand, which may be large.
    ///
    /// # Errors
    /// When the table fails, or a commit cannot be read.
    pub async fn look(&self, execution: &ExecutionArn, now: Timestamp) -> Result<Option<Look>, StoreError> {
        match self.ends(execution, now).await? {
            Some(ends) => self.look_at_ends(execution, ends).await.map(Some),
            None => Ok(None),
        }
    }

    /// Takes an execution back, if it was put aside: its reminder counts again, as if it had never been tried.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn take_back(&self, execution: &ExecutionArn) -> Result<Option<Aside>, StoreError> {
        let key = Key::new(ASIDE, &*execution.0);
        let Some(aside) = self.find_aside(execution).await? else { return Ok(None) };
        self.rest(&Due { execution: execution.clone(), at: aside.reminder, tries: 0, not_before: None }).await?;
        self.table.delete(&key, Condition::None).await?;
        Ok(Some(aside))
    }

    /// The execution as it was put aside, if it was.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn find_aside(&self, execution: &ExecutionArn) -> Result<Option<Aside>, StoreError> {
        let item = self.table.get(&Key::new(ASIDE, &*execution.0)).await?;
        item.map(|item| Kind::Aside.check(&item).map(|()| put_aside(item))).transpose()
    }

    /// The reminder that stands for an execution at this time, if it does.
    pub(super) async fn find_reminder(&self, execution: &ExecutionArn, at: Timestamp) -> Result<Option<Due>, StoreError> {
        let item = self.table.get(&self.reminder_key(execution, at)).await?;
        item.as_ref().map_or(Ok(()), |item| Kind::Reminder.check(item))?;
        Ok(item.as_ref().and_then(due))
    }

    /// What was put aside, by ARN, at most `limit` behind `after`. What a later release has put aside is left to it.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn aside(&self, after: Option<String>, limit: usize) -> Result<Vec<Aside>, StoreError> {
        let page = self.table.query(&Query::prefix(ASIDE, "").after(after).limit(limit)).await?;
        Ok(page.items.into_iter().filter(|item| Kind::Aside.check(item).is_ok()).map(put_aside).collect())
    }

    /// In how many shards the list of running executions is kept.
    #[must_use]
    pub fn running_shards(&self) -> u32 {
        self.settings.running_shards.max(1)
    }

    /// In how many shards reminders are kept.
    #[must_use]
    pub fn reminder_shards(&self) -> u32 {
        self.settings.reminder_shards.max(1)
    }
}

fn listed(place: &str, item: &Item, status: &str) -> Option<ListedExecution> {
    let text = |name: &str| item.get_text(name).map(Arc::<str>::from);
    let (_, name) = place.split_once('#')?;
    Some(ListedExecution {
        arn: text("arn")?,
        name: name.into(),
        status: status.into(),
        started: Timestamp(item.get_number("started")?),
        stopped: item.get_number("stopped").map(Timestamp),
        version_arn: text("version"),
        alias_arn: text("alias"),
    })
}

fn due(item: &Item) -> Option<Due> {
    let at = Timestamp(item.get_number("at")?);
    let tries = item.get_number("tries").and_then(|tries| u32::try_from(tries).ok()).unwrap_or(0);
    let not_before = item.get_number("next").map(Timestamp);
    Some(Due { execution: ExecutionArn(item.get_text("arn")?.into()), at, tries, not_before })
}

fn put_aside(item: Item) -> Aside {
    Aside {
        at: Timestamp(item.get_number("at").unwrap_or(0)),
        reminder: Timestamp(item.get_number("next").unwrap_or(0)),
        reason: item.get_text("cause").unwrap_or_default().to_owned(),
        version: item.get_number("v").and_then(|version| u32::try_from(version).ok()),
        execution: ExecutionArn(item.key.sort.into()),
    }
}
