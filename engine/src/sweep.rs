//! The sweep: once a minute it looks for what was lost, and keeps what cannot be helped out of the way.
//!
//! A reminder stands for each execution that waits, a little behind the moment at which it should have been looked at. One that is still
//! there then means that a wake-up was lost, or that whoever got it failed. The execution is woken; if that does not help it is woken
//! again, each time after a longer pause, and at last it is put aside: it stays as it is, is seen in a list, and is woken no more until
//! somebody releases it.
//!
//! Most executions that wait for long wait for somebody, and are told long before their reminder. Theirs stands in the list of running
//! executions, where it costs nothing to write or to take away; the list is walked through once an hour.

use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use statewright_interpreter::time::Timestamp;

use crate::driver::restore;
use crate::host::{DriveError, Host, WAKE_AHEAD_MAX};
use crate::journal::{Aside, Due, Journal, Look, Nearing, Running};
use crate::queue::WakeQueue;
use crate::store::{ExecutionArn, Store, StoreError};
use crate::table::Table;

/// A reminder without an execution that knows of it was written for a commit that never came, or may be still coming.
const STALE_AFTER: Duration = Duration::from_secs(15 * 60);
/// After so many wake-ups in vain an execution is put aside.
const TRIES_MAX: u32 = 12;
/// After its wake-up was given up so often an execution that has not gone on is put aside.
const GIVEN_UP_MAX: u32 = 3;
/// The longest pause between two wake-ups in vain.
const PAUSE_MAX_SECONDS: u64 = 3600;
/// So many reminders are read at a time: a twentieth of a megabyte.
const PAGE: usize = 200;
/// So many places in the list of running executions are read at a time: less than a megabyte.
const WALK_PAGE: usize = 2000;
/// So many of those that must be looked at are looked at together.
const LOOKS_AT_ONCE: usize = 16;

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many executions were woken.
    pub woken: usize,
    /// How many reminders were taken away because nobody knew of them any more.
    pub stale: usize,
    /// How many executions were put aside.
    pub put_aside: usize,
    /// How many reminders wait for their next pause to end.
    pub resting: usize,
    /// How many executions could not be looked at.
    pub failed: usize,
    /// Whether there was no time for all of them.
    pub more: bool,
}

/// What became of a reminder.
enum Reminded {
    /// Its execution was woken.
    Woken,
    /// It was taken away.
    Stale,
    /// Its execution was put aside.
    PutAside,
    /// Its pause is not over, or its execution is another release's.
    Resting,
    /// Its execution has another one by now, or its commit may be still coming.
    Left,
}

/// Sweeps one of the [`Journal::reminder_shards`] of a journal: all whose time has come, those first that have waited for longest. Stops
/// when `is_over` says so; the next sweep begins anew, and finds those resting that were woken.
///
/// # Errors
/// When the table cannot be read. Sweep again.
pub async fn sweep<T: Table, H: Host<Store = Journal<T>>>(
    host: &H,
    journal: &Journal<T>,
    shard: u32,
    now: Timestamp,
    is_over: impl Fn() -> bool,
) -> Result<Swept, DriveError> {
    let mut swept = Swept::default();
    let mut after = None;
    loop {
        let (due, next) = journal.due(shard, now, after.take(), PAGE).await.map_err(StoreError::from)?;
        let reminds = due.into_iter().map(|due| remind(host, journal, due, now));
        let reminds: Vec<_> = stream::iter(reminds).buffer_unordered(LOOKS_AT_ONCE).collect().await;
        for reminded in reminds {
            match reminded {
                Ok(Reminded::Woken) => swept.woken += 1,
                Ok(Reminded::Stale) => swept.stale += 1,
                Ok(Reminded::PutAside) => swept.put_aside += 1,
                Ok(Reminded::Resting) => swept.resting += 1,
                Ok(Reminded::Left) => {}
                // The reminder still stands.
                Err(_) => swept.failed += 1,
            }
        }
        after = next;
        if after.is_none() {
            return Ok(swept);
        }
        if is_over() {
            swept.more = true;
            return Ok(swept);
        }
    }
}

async fn remind<T: Table, H: Host<Store = Journal<T>>>(
    host: &H,
    journal: &Journal<T>,
    due: Due,
    now: Timestamp,
) -> Result<Reminded, DriveError> {
    if due.not_before.is_some_and(|not_before| not_before > now) {
        return Ok(Reminded::Resting);
    }
    // What an execution has in hand is not read: it may be large, and many are looked at together.
    let looked = journal.look(&due.execution, now).await;
    if is_newer(host, &looked).await {
        // The sweep of that release finds the reminder.
        return Ok(Reminded::Resting);
    }
    match looked {
        Ok(Some(look)) if look.ledger.reminder == Some(due.at.0) => {}
        Ok(_) if due.at.plus(STALE_AFTER) <= now => {
            journal.forget(&due.execution, due.at).await?;
            return Ok(Reminded::Stale);
        }
        Ok(_) => return Ok(Reminded::Left),
        // What cannot be read is tried like what cannot be driven.
        Err(_) => {}
    }
    if due.tries >= TRIES_MAX {
        let reason = format!("woken {} times in vain", due.tries);
        let aside = Aside { execution: due.execution.clone(), at: now, reminder: due.at, reason, version: None };
        journal.put_aside(&aside).await?;
        journal.rest(&Due { not_before: Some(Timestamp(i64::MAX)), ..due }).await?;
        return Ok(Reminded::PutAside);
    }
    host.wakes().wake(&due.execution, Duration::ZERO).await?;
    // The first few come every minute: a driver may be at work, or the table too busy.
    let pause = 60_u64.saturating_mul(1 << due.tries.saturating_sub(2).min(10)).min(PAUSE_MAX_SECONDS);
    journal.rest(&Due { tries: due.tries + 1, not_before: Some(now.plus_seconds(pause)), ..due }).await?;
    Ok(Reminded::Woken)
}

/// Whether a later release has written what was found, or its definition.
async fn is_newer<H: Host>(host: &H, found: &Result<Option<Look>, StoreError>) -> bool {
    match found {
        Ok(Some(look)) if look.is_newer => true,
        // Whoever has ended has no reminder, and needs no definition.
        Ok(Some(look)) if look.ledger.reminder.is_some() => {
            host.definition(&look.birth.revision).await.is_err_and(|error| error.is_newer())
        }
        Ok(_) => false,
        Err(error) => error.is_newer(),
    }
}

/// What is to be looked at so soon is woken by whoever walks through the list of running executions. Its driver arranges for a reminder.
pub const LOOK_AHEAD: Duration = Duration::from_secs(2 * 3600);

/// The hour, by a clock of its own, in which a shard of the list of running executions is to be walked through: each shard begins its
/// hours at another minute.
fn hour_of(shard: u32, shards: u32, now: Timestamp) -> i64 {
    let minute = i64::from(shard) * 60 / i64::from(shards);
    (now.0.div_euclid(60_000) - minute).div_euclid(60)
}

/// The shards of the list of running executions whose hour begins in this minute.
pub fn to_walk<T: Table>(journal: &Journal<T>, now: Timestamp) -> impl Iterator<Item = u32> + use<T> {
    let shards = journal.running_shards();
    let before = now.minus(Duration::from_secs(60));
    (0..shards).filter(move |shard| hour_of(*shard, shards, now) != hour_of(*shard, shards, before))
}

/// Walks through those shards of the list of running executions that were not yet in their present hour: whoever must be looked at soon is
/// woken, what has ended is taken out. Stops when `is_over` says so; the next walk goes on there.
///
/// # Errors
/// When the table fails. Walk again.
pub async fn walk<T: Table, H: Host<Store = Journal<T>>>(
    host: &H,
    journal: &Journal<T>,
    now: Timestamp,
    is_over: impl Fn() -> bool,
) -> Result<Swept, DriveError> {
    let mut swept = Swept::default();
    let until = now.plus(LOOK_AHEAD);
    let mut walks = journal.walks().await?;
    let shards = journal.running_shards();
    for shard in 0..shards {
        let hour = hour_of(shard, shards, now);
        while let Some(noted) = walks.get_mut(shard as usize).filter(|noted| noted.hour < hour) {
            if is_over() {
                swept.more = true;
                return Ok(swept);
            }
            let (running, next) =
                journal.running(shard, (now, until), noted.after.take(), WALK_PAGE).await.map_err(StoreError::from)?;
            if next.is_none() {
                noted.hour = hour;
            }
            noted.after = next;
            let looks = running.iter().map(|running| look_at(host, journal, running, (now, until)));
            let looks: Vec<_> = stream::iter(looks).buffer_unordered(LOOKS_AT_ONCE).collect().await;
            for looked in looks {
                match looked {
                    Ok(Nearing::Wake) => swept.woken += 1,
                    Ok(Nearing::Gone) => swept.stale += 1,
                    Ok(Nearing::Seen) => {}
                    // Nobody else waits for it. It is looked at again in an hour.
                    Err(_) => swept.failed += 1,
                }
            }
            journal.note_walks(&walks).await?;
        }
    }
    Ok(swept)
}

async fn look_at<T: Table, H: Host<Store = Journal<T>>>(
    host: &H,
    journal: &Journal<T>,
    running: &Running,
    (now, until): (Timestamp, Timestamp),
) -> Result<Nearing, DriveError> {
    let nearing = journal.look_at(running, (now, until)).await?;
    if nearing == Nearing::Wake {
        host.wakes().wake(&running.execution, Duration::ZERO).await?;
        // Should that be in vain it is woken again in an hour.
        journal.put_off(running, running.look_at.max(until)).await?;
    }
    Ok(nearing)
}

/// Takes back what was put aside and has gone on since, because something else happened to it, and wakes it, in case that it has not gone
/// far. At most `limit` are looked at.
///
/// # Errors
/// When the table fails.
pub async fn take_back_recovered<T: Table>(
    host: &impl Host<Store = Journal<T>>,
    journal: &Journal<T>,
    now: Timestamp,
    limit: usize,
) -> Result<usize, DriveError> {
    let mut taken = 0;
    for aside in journal.aside(None, limit).await? {
        // Most have not gone on, and are not read whole: what they have in hand may be why they were put aside.
        let is_another = match journal.look(&aside.execution, now).await {
            Ok(None) => true,
            Ok(Some(look)) => match aside.version {
                Some(version) => look.version != version,
                None => look.ledger.reminder != Some(aside.reminder.0),
            },
            Err(_) => false,
        };
        let has_gone_on = is_another
            && match journal.load(&aside.execution, now).await {
                Ok(None) => true,
                Ok(Some(loaded)) => restore(host, &loaded.birth, &loaded.checkpoint).await.is_ok(),
                Err(_) => false,
            };
        if has_gone_on {
            release(host, journal, &aside.execution).await?;
            taken += 1;
        }
    }
    Ok(taken)
}

/// Looks at an execution whose wake-up its queue has given up, because it was in vain too often: woken again where nothing seems to be
/// wrong with it or a later release has written it, put aside where it cannot be read, or was given up several times without having
/// gone on in between. Whether it was put aside.
///
/// # Errors
/// When the table or the queue fails.
pub async fn take_dead_letter<T: Table>(
    host: &impl Host<Store = Journal<T>>,
    journal: &Journal<T>,
    execution: &ExecutionArn,
    now: Timestamp,
) -> Result<bool, DriveError> {
    let put_aside = async |reminder: Option<i64>, reason: String, version: Option<u32>| {
        let reminder = reminder.map_or(now, Timestamp);
        journal.put_aside(&Aside { execution: execution.clone(), at: now, reminder, reason, version }).await.map(|()| true)
    };
    let (reminder, wrong) = match journal.look(execution, now).await {
        Ok(None) => return Ok(false),
        Ok(Some(look)) if look.is_newer => (None, None),
        Ok(Some(look)) => {
            // Noted before it is read whole: that may be more than there is room for, and whoever tries dies of it.
            let tries = journal.note_given_up(execution, look.version, now).await?;
            if tries >= GIVEN_UP_MAX {
                let reason =
                    format!("its wake-ups came back from their queue too often, {tries} times over, and it has not gone on");
                return Ok(put_aside(look.ledger.reminder, reason, Some(look.version)).await?);
            }
            match journal.load(execution, now).await {
                Ok(None) => return Ok(false),
                Ok(Some(loaded)) => (loaded.ledger.reminder, restore(host, &loaded.birth, &loaded.checkpoint).await.err()),
                Err(error) => (None, Some(DriveError::from(error))),
            }
        }
        Err(error) => (None, Some(DriveError::from(error))),
    };
    match wrong {
        Some(error) if error.is_unreadable() && !error.is_newer() => {
            let reason = format!("its wake-ups came back from their queue too often: {error}");
            Ok(put_aside(reminder, reason, None).await?)
        }
        Some(error) if !error.is_newer() => Err(error),
        Some(_) | None => {
            host.wakes().wake(execution, WAKE_AHEAD_MAX).await?;
            Ok(false)
        }
    }
}

/// Lets an execution go on, whether or not it was put aside: it is woken, and swept again from the beginning. What it was put aside for
/// is told.
///
/// # Errors
/// When the table or the queue fails. Release it again.
pub async fn release<T: Table>(
    host: &impl Host<Store = Journal<T>>,
    journal: &Journal<T>,
    execution: &ExecutionArn,
) -> Result<Option<Aside>, DriveError> {
    let aside = journal.take_back(execution).await?;
    host.wakes().wake(execution, Duration::ZERO).await?;
    Ok(aside)
}
