//! A function as the engine sees it: its table, its queue, its tasks and its clock, all of which fail as planned.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use statewright_engine::journal::{Journal, Place};
use statewright_engine::table::{Attribute, Condition, Item, Key, Page, Query, Table, TableError, WriteError};
use statewright_engine::{
    AfterCrash, Answer, Birth, Budget, Clock, Commit, CommitError, DriveError, ExecutionArn, Happened, Host, InboxEntry, Loaded,
    Patience, QueueError, SKEW, Store, StoreError, Tasks, WAKE_AHEAD_MAX, WakeQueue, claim, deliver_all, hidden_until,
};
use statewright_interpreter::command::{Command, StartTask};
use statewright_interpreter::definition::{Definition, Pattern, Resource};
use statewright_interpreter::event::{Event, TaskId};
use statewright_interpreter::execution::{Execution, Identity};
use statewright_interpreter::time::Timestamp;

use super::Without;
use super::plan::Kind;
use super::release::{Release, View};
use super::world::{Entry, HAND_OVER_MS, LEAVE_MS, Note, Sleep, World, is_commit};
use crate::properties::message;

/// One running function that has to do with one execution.
pub(super) struct Function<'w> {
    pub(super) world: &'w World,
    pub(super) execution: usize,
    /// What it is of.
    release: Release,
    /// How far its clock is off.
    skew: i64,
    /// When it began.
    begun: i64,
    /// Until when it stands still for long, so that it may live when nobody expects it.
    frozen_until: AtomicI64,
    /// Whether it drives, because of a message of its own.
    pub(super) drives: AtomicBool,
    /// What it is about to commit.
    note: Mutex<Option<Box<Note>>>,
    /// Whether it has met a format that it does not know.
    leaves: AtomicBool,
    /// Wake-ups and reminders that are sent after the commit, in a world without the order.
    held: Mutex<Vec<Held>>,
    /// Tasks that were begun before the commit, in a world without the order.
    hasty: Mutex<Vec<TaskId>>,
}

enum Held {
    Wake(Duration),
    Reminder(Timestamp),
}

impl<'w> Function<'w> {
    pub(super) fn new(world: &'w World, execution: usize) -> Arc<Self> {
        // Two clocks differ by no more than the skew.
        let most = usize::try_from(SKEW.as_millis()).unwrap_or(0);
        let skew = i64::try_from(world.draw(execution, most)).unwrap_or(0) - i64::try_from(most / 2).unwrap_or(0);
        Arc::new(Self {
            world,
            execution,
            release: world.release(execution),
            skew,
            begun: world.now(),
            frozen_until: AtomicI64::new(i64::MIN),
            drives: AtomicBool::new(false),
            note: Mutex::new(None),
            leaves: AtomicBool::new(false),
            held: Mutex::new(Vec::new()),
            hasty: Mutex::new(Vec::new()),
        })
    }

    /// What the engine calls.
    pub(super) fn host(self: &Arc<Self>) -> Running<'w> {
        // Two journals have different writers: their numbers are drawn at random.
        let writer = self.world.life(self.execution, |life| life.writer());
        let journal = Journal::new(Faulty(Arc::clone(self)), self.world.setup.settings, writer);
        Running { function: Arc::clone(self), store: Watched { journal, function: Arc::clone(self) } }
    }

    /// Until when it stands still, or stood, if it ever did.
    pub(super) fn frozen_until(&self) -> Option<i64> {
        Some(self.frozen_until.load(Ordering::Relaxed)).filter(|until| *until > i64::MIN)
    }

    /// When it is certainly gone, by the world's clock.
    pub(super) fn gone_at(&self) -> i64 {
        hidden_until(Timestamp(self.begun + self.world.setup.function_ms)).0
    }

    async fn pause(&self) {
        self.world.pause(self.execution, &self.frozen_until).await;
    }

    fn fault(&self, fits: impl Fn(Kind) -> bool) -> Option<Kind> {
        self.world.fault(self.execution, fits)
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp(self.world.now() + self.skew)
    }

    /// When its time is over, by its own clock.
    pub(super) fn end(&self) -> Timestamp {
        Timestamp(self.begun + self.skew + self.world.setup.function_ms)
    }

    fn failure(&self, throttled: bool) -> TableError {
        TableError { message: "planned".to_owned(), throttled }
    }

    async fn send(&self, after: Duration) -> Result<(), QueueError> {
        self.pause().await;
        // It may have stood still since it has met the format.
        if self.leaves.load(Ordering::Relaxed) {
            self.world.look_later(self.execution, after);
        }
        if after > WAKE_AHEAD_MAX {
            self.world.violate(self.execution, "a wake-up is sent for more than a quarter of an hour ahead");
        }
        let after = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        match self.fault(|kind| matches!(kind, Kind::WakeFails | Kind::WakeTwice(_) | Kind::WakeLate(_))) {
            Some(Kind::WakeFails) => return Err(QueueError("planned".to_owned())),
            Some(Kind::WakeLate(millis)) => {
                let after = after.saturating_add(millis.into());
                self.world.look_later(self.execution, Duration::from_millis(after));
                self.world.send(self.execution, after);
            }
            Some(Kind::WakeTwice(millis)) => {
                self.world.send(self.execution, after);
                self.world.send(self.execution, after.saturating_add(millis.into()));
            }
            _ => self.world.send(self.execution, after),
        }
        Ok(())
    }

    /// A task that the driver waits for.
    async fn run(&self, task: Box<StartTask>) -> Vec<Happened> {
        let world = self.world;
        let begun = self.now();
        let slow = match self.fault(|kind| matches!(kind, Kind::TaskSlow(_))) {
            Some(Kind::TaskSlow(seconds)) => world.setup.function_ms + i64::from(seconds) * 1000,
            _ => 0,
        };
        let started = Happened { at: begun, event: Event::TaskStarted { task: task.task, worker_name: None } };
        let is_callback = task.resource.pattern() == Pattern::WaitForTaskToken;
        let takes = if is_callback { 5 + world.draw(self.execution, 500) as u64 } else { world.task_ms(self.execution) };
        Sleep::until(world, world.now().saturating_add_unsigned(takes) + slow).await;
        let mut happened = vec![started];
        let told = if is_callback { 1..2 } else { 1..usize::MAX };
        happened.extend(told.map_while(|sent| message(&task, sent)).map(|event| Happened { at: self.now(), event }));
        if is_callback {
            let (beats, after) = (world.draw(self.execution, 3), world.draw(self.execution, 7_200_000) as u64);
            world.insert_after(after, Entry::Callback { execution: self.execution, task: task.into(), beats });
        }
        happened
    }

    /// A task is begun, or passed on with a lease.
    fn begin(&self, task: &StartTask, lease: Timestamp) {
        let world = self.world;
        if world.is_waited_for(task) {
            return world.begin(self.execution, task);
        }
        world.pass_on(self.execution, task.task);
        // Who takes over a task of the queue claims it; a worker of an activity is told of a task by whoever asks.
        let is_relayed = !matches!(task.resource, Resource::Activity { .. });
        let may_come_twice = is_relayed || world.after_crash(task) == AfterCrash::Repeat;
        let work = || match is_relayed {
            true => Entry::Relay { execution: self.execution, task: task.task, lease },
            false => Entry::Work { execution: self.execution, task: task.clone().into(), stage: 0 },
        };
        let latency = 5 + world.draw(self.execution, 50) as u64;
        match self.fault(|kind| matches!(kind, Kind::WorkLate(_)) || may_come_twice && kind == Kind::WorkTwice) {
            Some(Kind::WorkLate(seconds)) => world.insert_after(latency + u64::from(seconds) * 1000, work()),
            Some(_) => {
                world.insert_after(latency, work());
                world.insert_after(2 * latency + world.draw(self.execution, 30_000) as u64, work());
            }
            None => world.insert_after(latency, work()),
        }
    }

    /// A task that was passed on is claimed, done, and what came of it told.
    pub(super) async fn relay(self: Arc<Self>, arn: ExecutionArn, task: TaskId, lease: Timestamp) -> Result<(), DriveError> {
        let (world, host) = (self.world, self.host());
        let Some(open) = claim(&host, &arn, task, lease, self.end()).await? else { return Ok(()) };
        let begun = self.now();
        world.begin(self.execution, &open.task);
        self.pause().await;
        if self.fault(|kind| kind == Kind::WorkerCrash).is_some() {
            return Err(QueueError("planned".to_owned()).into());
        }
        let left = self.end().0.saturating_sub(self.now().0).saturating_sub(LEAVE_MS).max(0);
        let takes = i64::try_from(world.task_ms(self.execution)).unwrap_or(0).min(left);
        Sleep::until(world, world.now() + takes).await;
        let started = Happened { at: begun, event: Event::TaskStarted { task, worker_name: None } };
        let results = (1..).map_while(|sent| message(&open.task, sent)).map(|event| Happened { at: self.now(), event });
        let happened: Vec<_> = std::iter::once(started).chain(results).collect();
        loop {
            match deliver_all(&host, &arn, happened.clone()).await {
                Err(_) if self.now().0 < self.end().0 - LEAVE_MS => Sleep::until(world, world.now() + 500).await,
                told => return told.map(drop),
            }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The table, as a function reaches it.
pub(super) struct Faulty<'w>(Arc<Function<'w>>);

impl Faulty<'_> {
    /// Writes, and tells the world.
    fn write(&self, item: Item, condition: Condition, mut note: Option<Box<Note>>) -> Result<(), WriteError> {
        let written = write(self.0.world, self.0.execution, self.0.release, item, condition, &mut note);
        // A first commit is tried twice where another execution had its name.
        if note.is_some() {
            *locked(&self.0.note) = note;
        }
        written
    }

    fn view(&self) -> View<'_> {
        View { table: &self.0.world.table, release: self.0.release }
    }
}

/// Writes to the table in memory, and tells the world what was written.
pub(super) fn write(
    world: &World,
    execution: usize,
    release: Release,
    item: Item,
    condition: Condition,
    note: &mut Option<Box<Note>>,
) -> Result<(), WriteError> {
    // Nothing else writes a commit where one may stand.
    if world.without == Some(Without::Refresh) && is_commit(&item.key.sort) && condition == Condition::None {
        return Ok(());
    }
    let condition = match condition {
        Condition::Absent(_) if world.without == Some(Without::Version) => Condition::None,
        condition => condition,
    };
    let Key { partition, sort } = item.key.clone();
    let (at, expires) = (item.get_number("at").unwrap_or(0), item.expires);
    View { table: &world.table, release }.put(item, condition)?;
    if let Some(expires) = expires {
        world.reap_by(expires.0);
    }
    match partition.split_once('#') {
        Some(("s", _)) => world.sweep_by(at),
        Some(("r", shard)) => world.walk_by(shard.parse().unwrap_or(0), at),
        _ => world.written(execution, &sort, note.take()),
    }
    if world.without == Some(Without::KeyRetention) && is_commit(&sort) {
        world.forget_superseded(execution, &partition, &sort);
    }
    Ok(())
}

impl Table for Faulty<'_> {
    async fn put(&self, item: Item, condition: Condition) -> Result<(), WriteError> {
        let function = &self.0;
        function.pause().await;
        // Who writes a commit again, to have it stay longer, does so whatever stands there.
        let is_commit = is_commit(&item.key.sort) && item.key.partition.starts_with("x#") && condition != Condition::None;
        let note = if is_commit { locked(&function.note).take() } else { None };
        let fits = |kind| match kind {
            Kind::PutFails | Kind::PutThrottled | Kind::PutUnknown | Kind::PutLate(_) => true,
            Kind::PutTwice => is_commit,
            _ => false,
        };
        match function.fault(fits) {
            Some(Kind::PutFails) => Err(function.failure(false).into()),
            Some(Kind::PutThrottled) => Err(function.failure(true).into()),
            Some(Kind::PutUnknown) => {
                let _ = self.write(item, condition, note);
                function.pause().await;
                Err(function.failure(false).into())
            }
            Some(Kind::PutLate(millis)) => {
                let (execution, release) = (function.execution, function.release);
                let put = Entry::LatePut { execution, release, item: item.into(), condition, note };
                function.world.insert_after(millis.into(), put);
                Err(function.failure(false).into())
            }
            Some(_) => {
                self.write(item.clone(), condition.clone(), note)?;
                function.pause().await;
                match self.write(item, condition, None) {
                    Err(WriteError::Refused(Some(mut found))) if function.world.without == Some(Without::WriterId) => {
                        found.attributes.insert("w".into(), Attribute::Number(-1));
                        Err(WriteError::Refused(Some(found)))
                    }
                    written => written,
                }
            }
            None => {
                self.write(item, condition, note)?;
                function.pause().await;
                Ok(())
            }
        }
    }

    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.read().await?;
        self.view().get(key)
    }

    async fn get_all(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        self.read().await?;
        self.view().get_all(keys)
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        self.read().await?;
        // A page ends where it likes.
        let limit = query.limit.min(1 + self.0.world.draw(self.0.execution, 12));
        self.view().query(&query.clone().limit(limit))
    }

    async fn delete(&self, key: &Key, condition: Condition) -> Result<(), WriteError> {
        self.0.pause().await;
        if self.0.fault(|kind| kind == Kind::DeleteFails).is_some() {
            return Err(self.0.failure(false).into());
        }
        self.view().delete(key, condition)
    }
}

impl Faulty<'_> {
    async fn read(&self) -> Result<(), TableError> {
        self.0.pause().await;
        match self.0.fault(|kind| matches!(kind, Kind::ReadFails | Kind::ReadThrottled)) {
            Some(kind) => Err(self.0.failure(kind == Kind::ReadThrottled)),
            None => Ok(()),
        }
    }
}

/// The journal, watched as it commits.
pub(super) struct Watched<'w> {
    journal: Journal<Faulty<'w>>,
    function: Arc<Function<'w>>,
}

impl Watched<'_> {
    /// In a world without the order: what was to be there before the commit comes after it.
    async fn release(&self) {
        let held = std::mem::take(&mut *locked(&self.function.held));
        let arn = ExecutionArn(Arc::clone(&self.function.world.intended(self.function.execution).start.identity.execution_arn));
        for held in held {
            // Nobody hears of a failure any more.
            match held {
                Held::Wake(after) => drop(self.function.send(after).await),
                Held::Reminder(at) => drop(self.journal.remind(&arn, at).await),
            }
        }
    }
}

impl Store for Watched<'_> {
    type Place = Place;

    async fn load(&self, execution: &ExecutionArn, now: Timestamp) -> Result<Option<Loaded<Place>>, StoreError> {
        let loaded = self.journal.load(execution, now).await;
        if loaded.as_ref().is_err_and(StoreError::is_newer) {
            self.function.leaves.store(true, Ordering::Relaxed);
            self.function.world.leaves(self.function.execution);
        }
        loaded
    }

    async fn commit(&self, arn: &ExecutionArn, place: Option<Place>, commit: Commit<'_>) -> Result<Place, CommitError> {
        let function = &self.function;
        let definition = &function.world.planned(function.execution).definition;
        let drives = function.drives.load(Ordering::Relaxed);
        *locked(&function.note) = Some(Note::of(&commit, definition, function.release, function.world.now(), drives).into());
        if function.world.without == Some(Without::DispatchAfterCommit) {
            let known = function.world.life(function.execution, |life| life.ledger.leases.clone());
            for command in commit.execution.outstanding(definition) {
                let Command::StartTask(task) = command else { continue };
                let lease = commit.ledger.leases.get(&task.task).filter(|_| !known.contains_key(&task.task));
                if let Some(lease) = lease {
                    function.begin(&task, Timestamp(*lease));
                    locked(&function.hasty).push(task.task);
                }
            }
        }
        let (release, whole) = (function.release, commit.checkpoint);
        let checkpoint = || release.adds_to_checkpoint(whole());
        let commit = Commit { changes: release.adds_to(commit.changes), checkpoint: &checkpoint, ..commit };
        let place = self.journal.commit(arn, place, commit).await?;
        self.release().await;
        Ok(place)
    }

    async fn post(&self, execution: &ExecutionArn, entry: InboxEntry) -> Result<(), StoreError> {
        match self.function.world.without {
            Some(Without::Inbox) => Ok(()),
            _ => self.journal.post(execution, entry).await,
        }
    }

    async fn remind(&self, execution: &ExecutionArn, at: Timestamp) -> Result<(), StoreError> {
        if self.function.world.without == Some(Without::WakeBeforeCommit) {
            locked(&self.function.held).push(Held::Reminder(at));
            return Ok(());
        }
        self.journal.remind(execution, at).await
    }

    async fn forget(&self, execution: &ExecutionArn, at: Timestamp) -> Result<(), StoreError> {
        self.journal.forget(execution, at).await
    }

    async fn enlist(&self, execution: &Execution, birth: &Birth, look_at: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        self.journal.enlist(execution, birth, look_at, now).await
    }

    async fn close(&self, execution: &Execution, birth: &Birth, listed: bool, at: Timestamp) -> Result<(), StoreError> {
        self.journal.close(execution, birth, listed, at).await
    }
}

/// The host that a function is.
pub(super) struct Running<'w> {
    function: Arc<Function<'w>>,
    store: Watched<'w>,
}

impl<'w> Host for Running<'w> {
    type Store = Watched<'w>;

    fn store(&self) -> &Watched<'w> {
        &self.store
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
        self.function.world.definition(revision)
    }

    async fn sleep_until(&self, until: Timestamp) {
        Sleep::until(self.function.world, until.0.saturating_sub(self.function.skew)).await;
    }

    fn budget(&self) -> Budget {
        self.function.world.setup.budget
    }

    fn patience(&self) -> Patience {
        let setup = &self.function.world.setup;
        let end = self.function.end();
        Patience {
            pause: setup.pause,
            leave_at: Some(Timestamp(end.0 - LEAVE_MS)),
            begin_until: Some(Timestamp(end.0 - HAND_OVER_MS)),
            linger: setup.linger,
        }
    }
}

impl Clock for Running<'_> {
    fn now(&self) -> Timestamp {
        self.function.now()
    }
}

impl WakeQueue for Running<'_> {
    async fn wake(&self, _execution: &ExecutionArn, after: Duration) -> Result<(), QueueError> {
        if self.function.world.without == Some(Without::WakeBeforeCommit) {
            locked(&self.function.held).push(Held::Wake(after));
            return Ok(());
        }
        self.function.send(after).await
    }
}

impl Tasks for Running<'_> {
    fn is_waited_for(&self, task: &StartTask) -> bool {
        self.function.world.is_waited_for(task)
    }

    fn lease(&self, task: &StartTask, now: Timestamp) -> Timestamp {
        match self.function.world.without {
            Some(Without::Lease) => Timestamp(now.0 - 2 * i64::try_from(SKEW.as_millis()).unwrap_or(0)),
            _ if self.is_waited_for(task) => self.function.end(),
            _ => Timestamp(self.function.end().0 + 60_000),
        }
    }

    async fn start<'t>(
        &'t self,
        _execution: &Identity,
        task: Box<StartTask>,
        lease: Timestamp,
    ) -> Result<Option<Answer<'t>>, QueueError> {
        let function = &self.function;
        let is_begun = locked(&function.hasty).contains(&task.task);
        if !is_begun {
            function.pause().await;
            if function.fault(|kind| kind == Kind::StartTaskFails).is_some() {
                return Err(QueueError("planned".to_owned()));
            }
            if !function.world.was_scheduled(function.execution, task.task) {
                function.world.violate(function.execution, format!("task {} is started before it is committed", task.task.0));
            }
            function.begin(&task, lease);
        }
        let answer: Option<Answer<'t>> = match function.world.is_waited_for(&task) {
            true => Some(Box::pin(async move { function.run(task).await.into() })),
            false => None,
        };
        Ok(answer)
    }

    async fn cancel(&self, _execution: &Identity, _task: TaskId) -> Result<(), QueueError> {
        self.function.pause().await;
        Ok(())
    }

    fn after_crash(&self, task: &StartTask) -> AfterCrash {
        self.function.world.after_crash(task)
    }
}
