//! The sweep of a simulated host: the engine's own, by a function for which nothing goes wrong but what it overlooks.

use std::sync::Arc;
use std::time::Duration;

use statewright_engine::journal::Journal;
use statewright_engine::table::{Condition, Item, Key, Page, Query, Table, TableError, WriteError};
use statewright_engine::{
    AfterCrash, Answer, Clock, ExecutionArn, Host, QueueError, StoreError, Tasks, WAKE_AHEAD_MAX, WakeQueue, take_back_recovered,
    take_dead_letter, to_walk, walk,
};
use statewright_interpreter::command::StartTask;
use statewright_interpreter::definition::Definition;
use statewright_interpreter::event::TaskId;
use statewright_interpreter::execution::Identity;
use statewright_interpreter::time::Timestamp;

use super::plan::Kind;
use super::release::View;
use super::run::arn_of;
use super::world::{Life, World, at_once};

/// A reminder that is so much older than the last that its execution knows of is nobody's: functions of this world can stand still for
/// longer than any of Lambda's lives.
const STALE_MS: i64 = 40 * 60_000;

/// Reminders are looked at once a minute, each shard of the list of running executions once an hour.
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Wakes what is due, deletes what nobody counts on, and looks at dead letters.
pub(super) fn sweep(world: &World) {
    let Some(letters) = world.begin_sweep() else { return };
    let view = View { table: &world.table, release: world.release_of_sweep() };
    let sweeper = |comes_again| {
        let journal = Journal::new(Lasting { world, view }, world.setup.settings, 0);
        Sweeper { world, journal, comes_again }
    };
    let (careful, sweeper, walker) = (sweeper(None), sweeper(Some(MINUTE)), sweeper(Some(HOUR)));
    let now = Timestamp(world.now());
    for execution in letters {
        if world.life(execution, |life| life.commits == 0) {
            // Who starts it stands still for longer than any function does that starts executions.
            world.send(execution, 0);
            continue;
        }
        world.look_later(execution, WAKE_AHEAD_MAX);
        let aside = at_once(take_dead_letter(&careful, &careful.journal, &arn_of(world, execution), now));
        if aside.unwrap_or(false) {
            world.violate(execution, "it is set aside because of a dead letter");
        }
    }
    for shard in 0..sweeper.journal.reminder_shards() {
        match at_once(statewright_engine::sweep(&sweeper, &sweeper.journal, shard, now, || false)) {
            Ok(swept) if swept.put_aside > 0 => world.violate(sweeper.aside(), "it is set aside"),
            Ok(swept) if swept.failed > 0 => return world.violate(0, "a reminder cannot be looked at".to_owned()),
            Ok(_) => {}
            Err(error) => return world.violate(0, format!("nobody can sweep: {error}")),
        }
        let (waiting, _) = at_once(sweeper.journal.due(shard, Timestamp(i64::MAX), None, 1000)).unwrap_or_default();
        if let Some(next) = waiting.iter().map(|due| due.at.max(due.not_before.unwrap_or(due.at))).min() {
            world.sweep_by(next.0);
        }
    }
    let comes_again = if to_walk(&walker.journal, now).next().is_some() { HOUR } else { MINUTE };
    match at_once(walk(&walker, &walker.journal, now, || false)) {
        Ok(walked) if walked.failed > 0 => return world.violate(0, "a running execution cannot be looked at".to_owned()),
        Ok(_) => {}
        Err(error) => return world.violate(0, format!("nobody can walk: {error}")),
    }
    // It leaves alone what it does not know.
    for execution in 0..world.setup.executions.len() {
        let is_known = |life: &mut Life| life.release.is_none_or(|last| view.release.reads(last));
        if !world.life(execution, is_known) {
            world.look_later(execution, comes_again);
        }
    }
    for shard in 0..sweeper.journal.running_shards() {
        if let Some(next) = world.running(shard, Timestamp(i64::MAX)).iter().map(|running| running.look_at.0).min() {
            world.walk_by(shard, next);
        }
    }
    if let Err(error) = at_once(take_back_recovered(&careful, &careful.journal, now, 100)) {
        world.violate(0, format!("nobody can sweep: {error}"));
    }
}

/// The table as the sweep reaches it.
struct Lasting<'w> {
    world: &'w World,
    view: View<'w>,
}

impl Table for Lasting<'_> {
    async fn put(&self, item: Item, condition: Condition) -> Result<(), WriteError> {
        self.view.put(item, condition)
    }

    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.view.get(key)
    }

    async fn get_all(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        self.view.get_all(keys)
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        self.view.query(query)
    }

    /// A reminder stays for as long as whoever wrote it may be about to commit.
    async fn delete(&self, key: &Key, condition: Condition) -> Result<(), WriteError> {
        let at = key.sort.split('#').next().and_then(|at| i64::from_str_radix(at, 16).ok()).unwrap_or(0);
        match key.partition.starts_with("s#") && at + STALE_MS > self.world.now() {
            true => Ok(()),
            false => self.view.delete(key, condition),
        }
    }
}

/// The host that sweeps.
struct Sweeper<'w> {
    world: &'w World,
    journal: Journal<Lasting<'w>>,
    /// When it comes to what it has overlooked; nothing if it overlooks nothing.
    comes_again: Option<Duration>,
}

impl Sweeper<'_> {
    /// An execution that was set aside.
    fn aside(&self) -> usize {
        let aside = at_once(self.journal.aside(None, 1)).unwrap_or_default();
        aside.first().map_or(0, |aside| self.world.number_of(&aside.execution.0))
    }
}

impl<'w> Host for Sweeper<'w> {
    type Store = Journal<Lasting<'w>>;

    fn store(&self) -> &Self::Store {
        &self.journal
    }

    fn wakes(&self) -> &impl WakeQueue {
        self
    }

    fn tasks(&self) -> &impl Tasks {
        self
    }

    fn clock(&self) -> &impl Clock {
        self
    }

    async fn definition(&self, revision: &str) -> Result<Arc<Definition>, StoreError> {
        self.world.definition(revision)
    }

    async fn sleep_until(&self, _until: Timestamp) {}
}

impl Clock for Sweeper<'_> {
    fn now(&self) -> Timestamp {
        Timestamp(self.world.now())
    }
}

impl WakeQueue for Sweeper<'_> {
    async fn wake(&self, execution: &ExecutionArn, after: Duration) -> Result<(), QueueError> {
        let execution = self.world.number_of(&execution.0);
        let misses = |kind| kind == Kind::SweepMisses;
        match self.comes_again.filter(|_| self.world.fault(execution, misses).is_some()) {
            Some(later) => self.world.look_later(execution, later),
            None => self.world.send(execution, u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
        }
        Ok(())
    }
}

/// The sweep has nothing to do with tasks.
impl Tasks for Sweeper<'_> {
    fn is_waited_for(&self, _task: &StartTask) -> bool {
        false
    }

    fn lease(&self, _task: &StartTask, now: Timestamp) -> Timestamp {
        now
    }

    async fn start<'t>(
        &'t self,
        _execution: &Identity,
        task: Box<StartTask>,
        _lease: Timestamp,
    ) -> Result<Option<Answer<'t>>, QueueError> {
        Err(QueueError(format!("the sweep does not start task {}", task.task.0)))
    }

    async fn cancel(&self, _execution: &Identity, _task: TaskId) -> Result<(), QueueError> {
        Ok(())
    }

    fn after_crash(&self, _task: &StartTask) -> AfterCrash {
        AfterCrash::Fail
    }
}
