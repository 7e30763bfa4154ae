//! Items that the table deletes some time after they have expired, in any order, and names of executions that are used again then.

use std::sync::Arc;

use statewright_engine::Store as _;
use statewright_engine::table::{Condition, Key, Table as _};
use statewright_interpreter::time::Timestamp;

use super::Without;
use super::check;
use super::run::arn_of;
use super::world::{Entry, World, at_once};
use crate::choices::Choices;

/// A fault's name: items of the execution, or of the one that had its name before, were deleted because their time was over.
const DELETED: &str = "expired items deleted";
/// A fault's name: the execution has the name of one that is half deleted.
const REUSED: &str = "name used again";

const HOUR_MS: usize = 3600 * 1000;
const DAY_MS: usize = 24 * HOUR_MS;
/// A name is free again when all clocks agree that the time of its execution is over.
const CLOCKS_MS: i64 = 5000;
/// What was posted too late is put away this long after the end at the latest, and counts as written then.
const SETTLED_MS: i64 = 3600 * 1000;

/// What a world is in which items expire while it lasts.
pub(super) struct Expiring {
    /// How long what has ended is kept, in seconds.
    pub(super) retention_seconds: u64,
    /// Decides what is deleted when.
    pub(super) choices: Choices,
}

/// Time in such a world is so much more than what a definition says: it waits for weeks.
pub(super) const SLOWER: u64 = 6000;

impl Expiring {
    /// One world in eight is like that.
    pub(super) fn draw(choices: &mut Choices) -> Option<Self> {
        if !choices.one_in(8) {
            return None;
        }
        let days = [1, 1, 7, 40].get(choices.below(4)).copied().unwrap_or(1);
        Some(Self { retention_seconds: days * 24 * 3600, choices: choices.split() })
    }

    /// The execution whose name the one of this number has, of so many: each of the last quarter has another's.
    pub(super) fn predecessor(number: usize, executions: usize) -> Option<usize> {
        number.checked_sub(executions - executions / 4)
    }
}

impl World {
    /// An execution ended at `ended`: when its time is over somebody looks whether it is all there, and another one gets its name.
    pub(super) fn keep(&self, execution: usize, ended: i64) {
        if let Some(expiring) = &self.setup.expiring {
            let kept_ms = i64::try_from(expiring.retention_seconds * 1000).unwrap_or(i64::MAX);
            self.insert(ended + kept_ms - 2 * CLOCKS_MS, Entry::Kept { execution });
        }
    }

    /// The time of an execution is about to be over: it is as it should be, for the last time.
    pub(super) fn kept(&self, execution: usize) -> Result<(), String> {
        let planned = self.planned(execution);
        let whole = check::undisturbed(&planned.definition, self.intended(execution).start.clone(), self.began(execution))?;
        let status = check::execution(self, execution, &whole)?;
        check::is_listed(self, execution, status)?;
        self.life(execution, |life| life.status = Some(status));
        let successor = self.successor(execution);
        let Some(first) = at_once(self.table.get(&Key::new(self.partition(execution), "0"))).ok().flatten() else {
            return Err("its first commit is gone".to_owned());
        };
        let expires = first.expires.ok_or("its first commit never expires")?.0;
        if let Some(successor) = successor {
            // The name is free as soon as the time is over, while all items are still there, and later, when some are gone.
            let (from, within) = match self.draw(successor, 2) {
                0 => (self.now() + SETTLED_MS, 2 * DAY_MS),
                _ => (expires + CLOCKS_MS, 6 * DAY_MS),
            };
            let at = from + self.draw(successor, within) as i64;
            self.begins_at(successor, at);
            self.insert(at, Entry::Start { execution: successor });
        }
        Ok(())
    }

    /// The name of the execution was another's before.
    pub(super) fn takes_over(&self, execution: usize) {
        let Some(predecessor) = self.intended(execution).after else { return };
        self.took_over(predecessor, execution);
        let left = self.table.keys().into_iter().any(|key| self.owner(&key) == Some(predecessor));
        self.life(execution, |life| {
            if left && !life.fired.contains(&REUSED) {
                life.fired.push(REUSED);
            }
        });
    }

    /// Has the table look for what has expired some time after this.
    pub(super) fn reap_by(&self, expires: i64) {
        let Some(choices) = self.setup.expiring.as_ref().map(|expiring| expiring.choices.clone()) else { return };
        let mut state = self.state();
        if state.reap_at.is_none() {
            let from = expires.max(state.now);
            let choices = state.reaper.get_or_insert(choices);
            let at = from + i64::try_from(choices.below(2 * DAY_MS)).unwrap_or(0);
            state.reap_at = Some(at);
            drop(state);
            self.insert(at, Entry::Reap);
        }
    }

    /// The table deletes some of what has expired.
    pub(super) fn reap(&self) -> Result<(), (usize, String)> {
        let now = self.now();
        let (expired, next) = self.table.expired(Timestamp(now));
        let mut hit = Vec::new();
        let mut left = false;
        for key in expired {
            if self.reaps() {
                hit.extend(self.owner(&key));
                let _ = at_once(self.table.delete(&key, Condition::None));
            } else {
                left = true;
            }
        }
        hit.sort_unstable();
        hit.dedup();
        for execution in hit {
            self.life(execution, |life| life.fired.push(DELETED));
            self.is_whole(execution).map_err(|error| (execution, error))?;
        }
        self.state().reap_at = None;
        match (left, next) {
            (true, _) => self.reap_by(now + i64::try_from(HOUR_MS).unwrap_or(0)),
            (false, Some(next)) => self.reap_by(next.0),
            (false, None) => {}
        }
        Ok(())
    }

    /// An execution is there as a whole or not at all, and what is half deleted is mixed with no other that has the name now.
    fn is_whole(&self, execution: usize) -> Result<(), String> {
        let (arn, now) = (arn_of(self, execution), Timestamp(self.now()));
        let named = self.named(execution);
        let loaded = at_once(self.journal().load(&arn, now)).map_err(|error| error.to_string())?;
        if loaded.is_some() {
            return self.read_back(named);
        }
        let history = at_once(self.journal().history(&arn, 1, 10, false, now)).map_err(|error| error.to_string())?;
        match self.life(named, |life| life.commits == 0 || life.status.is_some()) {
            true if history.is_none() => Ok(()),
            true => Err("it is gone, and has a history".to_owned()),
            false => Err("it was deleted before its time was over".to_owned()),
        }
    }

    /// Nothing stays for ever.
    pub(super) fn is_empty(&self) -> Result<(), String> {
        if self.without == Some(Without::Sweep) {
            return Ok(());
        }
        let notes = |key: &Key| key.partition == "w";
        match self.table.keys().into_iter().find(|key| !notes(key)) {
            Some(key) => Err(format!("{} {} stays for ever", key.partition, key.sort)),
            None => Ok(()),
        }
    }

    /// The execution that an item under this key belongs to: the one that had its name first, or the one that has it now.
    fn owner(&self, key: &Key) -> Option<usize> {
        let name = key.partition.strip_prefix("x#")?.split('#').next()?;
        let execution = name.rsplit(":run-").next()?.parse().ok()?;
        let named = self.named(execution);
        let is_own = || {
            let began = self.life(named, |life| life.events.first().map(|event| event.timestamp.0))?;
            let incarnation = key.sort.split('#').nth(1)?;
            Some(incarnation == format!("{:011x}", 0xfff_ffff_ffff_i64 - began))
        };
        Some(if named != execution && is_own() == Some(true) { named } else { execution })
    }

    fn partition(&self, execution: usize) -> String {
        let arn: Arc<str> = arn_of(self, execution).0;
        format!("x#{}", arn.splitn(7, ':').nth(6).unwrap_or_default())
    }
}
