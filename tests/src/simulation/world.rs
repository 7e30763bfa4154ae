//! The world that simulated functions live in: its time, its table, its queue of wake-ups, and what it knows of each execution.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use statewright_engine::journal::{Journal, Running, Settings};
use statewright_engine::table::{Condition, Item, Key, MemoryTable, Page, Query, Table, TableError, WriteError};
use statewright_engine::{
    AfterCrash, Budget, HIDDEN_TIMEOUTS, LOOK_AHEAD, Ledger, SKEW, Store as _, StoreError, WAKE_AHEAD_MAX, WakeUp, to_walk,
};
use statewright_interpreter::command::StartTask;
use statewright_interpreter::definition::{Definition, Pattern, Resource};
use statewright_interpreter::event::{Event, TaskId};
use statewright_interpreter::execution::{Checkpoint, Execution, Start};
use statewright_interpreter::history::{EventDetails, HistoryEvent, TaskStage};
use statewright_interpreter::payload::PayloadId;
use statewright_interpreter::time::Timestamp;

use super::expiry::Expiring;
use super::plan::{Fault, Kind};
use super::release::{Deployment, Release, View};
use super::{Comparison, Without};
use crate::choices::Choices;
use crate::generate::Machine;

/// What is drawn from a seed before anything happens.
pub(super) struct Setup {
    pub(super) settings: Settings,
    pub(super) budget: Budget,
    /// How long a function may run.
    pub(super) function_ms: i64,
    /// What pause a driver waits for.
    pub(super) pause: Duration,
    /// How long a driver waits for more answers.
    pub(super) linger: Duration,
    /// Decides what is done with the tasks of a state.
    pub(super) salt: u64,
    pub(super) machines: Vec<Planned>,
    pub(super) executions: Vec<Intended>,
    /// Each how many commits is read back.
    pub(super) read_back_each: u32,
    pub(super) deployment: Deployment,
    /// Whether items expire while it lasts.
    pub(super) expiring: Option<Expiring>,
}

/// A machine, and how alike its executions must be.
pub(super) struct Planned {
    pub(super) machine: Machine,
    pub(super) definition: Arc<Definition>,
    pub(super) comparison: Comparison,
}

/// An execution that somebody wants.
#[derive(Clone)]
pub(super) struct Intended {
    pub(super) machine: usize,
    pub(super) start: Start,
    pub(super) at: i64,
    /// The execution that had its name before: it is started when that has expired.
    pub(super) after: Option<usize>,
    pub(super) faults: Vec<Fault>,
    pub(super) choices: Choices,
    /// Decides which release its functions are of.
    pub(super) releases: Choices,
}

/// What the world is to do at a time.
pub(super) enum Entry {
    /// Somebody sleeps until then.
    Wake(Waker),
    /// A function's time is over.
    Kill(u64),
    /// A client starts the execution.
    Start { execution: usize },
    /// The queue delivers a wake-up, unless it is hidden or gone by then.
    Message { number: u64 },
    /// A driver says until when it has its message.
    Hide { flight: u64 },
    /// The queue of tasks delivers one that was passed on with this lease.
    Relay { execution: usize, task: TaskId, lease: Timestamp },
    /// A worker of an activity does its next step with a task.
    Work { execution: usize, task: Arc<StartTask>, stage: usize },
    /// Whoever has a task's token uses it: to say so many times that the task is alive, then to end it.
    Callback { execution: usize, task: Arc<StartTask>, beats: usize },
    /// Somebody tells what happened.
    Tell(Telling),
    /// A write reaches the table after whoever sent it was told that it failed.
    LatePut { execution: usize, release: Release, item: Box<Item>, condition: Condition, note: Option<Box<Note>> },
    /// The sweep.
    Sweep,
    /// The time of an execution that has ended is about to be over.
    Kept { execution: usize },
    /// The table deletes some of what has expired.
    Reap,
}

/// What somebody tells an execution, until it is acknowledged.
#[derive(Clone)]
pub(super) struct Telling {
    pub(super) execution: usize,
    pub(super) key: String,
    pub(super) event: Event,
    pub(super) then: Then,
    pub(super) attempt: u32,
}

/// What whoever tells does next.
#[derive(Clone)]
pub(super) enum Then {
    Nothing,
    /// A worker has done this stage of a task.
    Worked(Arc<StartTask>, usize),
    /// A task's heartbeat was told; so many are left.
    Beat(Arc<StartTask>, usize),
    /// The execution was stopped.
    Stopped,
}

/// A wake-up in its queue.
struct Message {
    execution: usize,
    /// When it was sent.
    sent: i64,
    /// How often it was received.
    received: u32,
    /// How often that counts: a driver that found no execution yet has not failed.
    in_vain: u32,
    /// From when on it can be received.
    visible_at: i64,
}

/// How late somebody may look at an execution that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bound {
    /// Ordinarily: a function's time-out and two sweeps.
    TimeOut,
    /// A driver died before it could say until when it has its message: as long as the queue hides every message that was received.
    Visibility,
}

/// How often a bound was in force when somebody looked, and how much of it was used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looks {
    /// How often.
    pub count: usize,
    /// How long it took at most, in milliseconds.
    pub latest_ms: i64,
    /// The largest part of the bound that was used up, in thousandths.
    pub used_up: i64,
}

impl Looks {
    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.latest_ms = self.latest_ms.max(other.latest_ms);
        self.used_up = self.used_up.max(other.used_up);
    }
}

/// What a commit says, to be compared with what is read back.
pub(super) struct Note {
    checkpoint: Checkpoint,
    events: Vec<HistoryEvent>,
    payloads: Vec<PayloadId>,
    consumed: Vec<Arc<str>>,
    ledger: Ledger,
    due: Option<i64>,
    is_final: bool,
    release: Release,
    /// Whether a driver commits, who has a message of its own.
    is_driver_s: bool,
}

impl Note {
    pub(super) fn of(
        commit: &statewright_engine::Commit<'_>,
        definition: &Definition,
        release: Release,
        now: i64,
        is_driver_s: bool,
    ) -> Self {
        let execution = commit.execution;
        let outstanding = execution.outstanding(definition);
        let is_final = execution.status().is_final();
        let unstarted = outstanding.iter().any(|command| !commit.ledger.leases.contains_key(&command.task()));
        let skew = i64::try_from(SKEW.as_millis()).unwrap_or(0);
        let due = match is_final {
            true => None,
            false if execution.is_ready() || unstarted => Some(now),
            false => {
                let lease = commit.ledger.leases.values().min().map(|until| until.saturating_add(skew));
                [lease, execution.deadline().map(|deadline| deadline.0)].into_iter().flatten().min()
            }
        };
        Self {
            checkpoint: (commit.checkpoint)(),
            events: commit.events.to_vec(),
            payloads: commit.changes.payloads.iter().map(|(id, _)| *id).collect(),
            consumed: commit.consumed.to_vec(),
            ledger: commit.ledger.clone(),
            due,
            is_final,
            release,
            is_driver_s,
        }
    }
}

/// What the world knows of an execution.
pub(super) struct Life {
    choices: Choices,
    releases: Choices,
    places: u32,
    faults: Vec<Fault>,
    /// What has happened to it, by name.
    pub(super) fired: Vec<&'static str>,
    /// Who has committed last.
    pub(super) release: Option<Release>,
    /// Until when faults have an effect.
    quiet_from: i64,
    /// Until when the message of a driver that died too early is hidden, if no other driver has committed since.
    pub(super) hidden_until: Option<i64>,
    /// How late somebody looked.
    pub(super) looks: BTreeMap<Bound, Looks>,
    /// How often a starter of tasks may have died.
    pub(super) deaths: u32,
    /// Whether whoever wanted it knows that it was started.
    pub(super) acknowledged: bool,
    pub(super) stopped: bool,
    pub(super) commits: u32,
    pub(super) events: Vec<HistoryEvent>,
    scheduled: BTreeSet<TaskId>,
    /// The tasks of `…Started` events.
    started: BTreeMap<u64, TaskId>,
    submitted: BTreeSet<TaskId>,
    payloads: BTreeSet<PayloadId>,
    /// Keys of what was posted and dealt with.
    consumed: BTreeSet<Arc<str>>,
    pub(super) ledger: Ledger,
    pub(super) checkpoint: Checkpoint,
    pub(super) is_final: bool,
    due: Option<i64>,
    /// How often each task was begun, and what is to be done when whoever begins it dies.
    pub(super) runs: BTreeMap<TaskId, (u32, AfterCrash)>,
    /// How often each task was passed on.
    passed_on: BTreeMap<TaskId, u32>,
    pub(super) tokens: Vec<Arc<str>>,
    /// When it is to be started.
    began: i64,
    /// How it ended, once that was looked at for the last time.
    pub(super) status: Option<&'static str>,
}

pub(super) struct State {
    pub(super) now: i64,
    sequence: u64,
    entries: BTreeMap<(i64, u64), Entry>,
    /// How many entries are more than somebody's sleep.
    business: usize,
    lives: Vec<Life>,
    /// The wake-ups in the queue.
    messages: BTreeMap<u64, Message>,
    /// Wake-ups that nobody could deal with.
    dead_letters: Vec<usize>,
    sweep_at: Option<i64>,
    /// When the table deletes what has expired.
    pub(super) reap_at: Option<i64>,
    /// What it deletes.
    pub(super) reaper: Option<Choices>,
    /// Who has the name of another by now.
    names: BTreeMap<usize, usize>,
    violation: Option<(usize, String)>,
    /// The function that is being polled stops for good.
    crash: bool,
}

pub(super) struct World {
    pub(super) setup: Arc<Setup>,
    pub(super) without: Option<Without>,
    pub(super) table: MemoryTable,
    state: Mutex<State>,
}

/// The sweep comes once a minute.
pub(super) const SWEEP_MS: i64 = 60_000;
/// A message that was received so often in vain is given up. A deployment's is a hundred times, which would take days here.
const RECEIVES_MAX: u32 = 3;
/// Clocks differ, and a driver that has its message needs a moment until it has committed something.
const MOMENT_MS: i64 = 20_000;
/// More often than this nobody dies in this world.
const RUNS_MAX: u32 = 50;
/// How much earlier than its function's end a driver leaves.
pub(super) const LEAVE_MS: i64 = 5_000;
/// How much earlier than its function's end a driver begins nothing new.
pub(super) const HAND_OVER_MS: i64 = 17_000;
/// A waited-for task takes at most so long, if nothing is wrong.
const TASK_MS_MAX: usize = 10_000;

impl World {
    pub(super) fn new(setup: Arc<Setup>, without: Option<Without>, faults: &[Fault], only: Option<usize>) -> Self {
        let lives = setup.executions.iter().enumerate().map(|(number, intended)| Life {
            choices: intended.choices.clone(),
            releases: intended.releases.clone(),
            release: None,
            places: 0,
            faults: faults.iter().filter(|fault| fault.execution == number).copied().collect(),
            fired: Vec::new(),
            quiet_from: 0,
            hidden_until: None,
            looks: BTreeMap::new(),
            deaths: 0,
            acknowledged: false,
            stopped: false,
            commits: 0,
            events: Vec::new(),
            scheduled: BTreeSet::new(),
            started: BTreeMap::new(),
            submitted: BTreeSet::new(),
            payloads: BTreeSet::new(),
            consumed: BTreeSet::new(),
            ledger: Ledger::default(),
            checkpoint: Checkpoint::default(),
            is_final: false,
            due: None,
            runs: BTreeMap::new(),
            passed_on: BTreeMap::new(),
            tokens: Vec::new(),
            began: intended.at,
            status: None,
        });
        let state = State {
            now: 0,
            sequence: 0,
            entries: BTreeMap::new(),
            business: 0,
            lives: lives.collect(),
            messages: BTreeMap::new(),
            dead_letters: Vec::new(),
            sweep_at: None,
            reap_at: None,
            reaper: None,
            names: BTreeMap::new(),
            violation: None,
            crash: false,
        };
        let world = Self { setup, without, table: MemoryTable::default(), state: Mutex::new(state) };
        for (execution, intended) in world.setup.executions.iter().enumerate() {
            // Alone it is started whoever had its name.
            if only.map_or(intended.after.is_none(), |only| only == execution) {
                world.insert(intended.at, Entry::Start { execution });
            }
        }
        world
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> i64 {
        self.state().now
    }

    pub(super) fn insert(&self, at: i64, entry: Entry) {
        let mut state = self.state();
        state.sequence += 1;
        state.business += usize::from(!matches!(entry, Entry::Wake(_) | Entry::Kill(_)));
        let key = (at.max(state.now), state.sequence);
        state.entries.insert(key, entry);
    }

    pub(super) fn insert_after(&self, millis: u64, entry: Entry) {
        self.insert(self.now().saturating_add_unsigned(millis), entry);
    }

    /// What happens next; the time goes on to it. `None` when nothing will ever happen but that somebody wakes up.
    pub(super) fn next(&self, anybody: bool) -> Option<Entry> {
        let mut state = self.state();
        if state.business == 0 && !anybody {
            return None;
        }
        let ((at, _), entry) = state.entries.pop_first()?;
        state.business -= usize::from(!matches!(entry, Entry::Wake(_) | Entry::Kill(_)));
        state.now = state.now.max(at);
        Some(entry)
    }

    pub(super) fn violate(&self, execution: usize, what: impl Into<String>) {
        let mut state = self.state();
        if state.violation.is_none() {
            state.violation = Some((execution, what.into()));
        }
    }

    pub(super) fn take_violation(&self) -> Option<(usize, String)> {
        self.state().violation.take()
    }

    pub(super) fn take_crash(&self) -> bool {
        std::mem::take(&mut self.state().crash)
    }

    fn crash(&self) {
        self.state().crash = true;
    }

    pub(super) fn draw(&self, execution: usize, limit: usize) -> usize {
        self.life(execution, |life| life.choices.below(limit))
    }

    /// Looks at, or changes, what is known of an execution.
    pub(super) fn life<R>(&self, execution: usize, look: impl FnOnce(&mut Life) -> R) -> R {
        let mut state = self.state();
        let life = state.lives.get_mut(execution).expect("executions are numbered from 0");
        look(life)
    }

    /// Whether one of the planned faults happens here.
    pub(super) fn fault(&self, execution: usize, fits: impl Fn(Kind) -> bool) -> Option<Kind> {
        let mut state = self.state();
        let now = state.now;
        let life = state.lives.get_mut(execution)?;
        life.places += 1;
        let places = life.places;
        let at = life.faults.iter().position(|fault| fault.after <= places && fits(fault.kind))?;
        let kind = life.faults.remove(at).kind;
        life.fired.push(kind.name());
        life.deaths += u32::from(kind.may_kill());
        let lasts = match kind {
            Kind::Freeze(seconds) | Kind::WorkLate(seconds) => i64::from(seconds) * 1000,
            Kind::WakeTwice(millis) | Kind::WakeLate(millis) | Kind::PutLate(millis) => i64::from(millis),
            _ => 0,
        };
        life.quiet_from = life.quiet_from.max(now + lasts);
        Some(kind)
    }

    /// The release of a function that begins now.
    pub(super) fn release(&self, execution: usize) -> Release {
        let now = self.now();
        self.setup.deployment.release(now, || self.life(execution, |life| life.releases.one_in(2)))
    }

    /// The release of a sweep that begins now.
    pub(super) fn release_of_sweep(&self) -> Release {
        let now = self.now();
        self.setup.deployment.release(now, || Choices::from_seed(self.setup.salt ^ now.cast_unsigned()).one_in(2))
    }

    /// A function meets a format that it does not know, and leaves the execution to somebody else, later.
    pub(super) fn leaves(&self, execution: usize) {
        self.life(execution, |life| life.fired.push("format not known"));
        self.look_later(execution, WAKE_AHEAD_MAX);
    }

    /// Nobody need look before so long.
    pub(super) fn look_later(&self, execution: usize, after: Duration) {
        let until = self.now().saturating_add(i64::try_from(after.as_millis()).unwrap_or(i64::MAX));
        self.life(execution, |life| life.quiet_from = life.quiet_from.max(until));
    }

    /// Whether somebody who starts the execution stands still for longer than any function does that starts executions.
    pub(super) fn starts_late(&self, execution: usize) -> bool {
        let slow = |kind: &&str| [Kind::Freeze(0).name(), Kind::PutLate(0).name()].contains(kind);
        self.life(execution, |life| life.commits == 0 && life.fired.iter().any(slow))
    }

    /// The definition of a revision.
    pub(super) fn definition(&self, revision: &str) -> Result<Arc<Definition>, StoreError> {
        let planned = revision.parse().ok().and_then(|number: usize| self.setup.machines.get(number));
        let definition = planned.map(|planned| Arc::clone(&planned.definition));
        definition.ok_or_else(|| StoreError::Unavailable(format!("no revision {revision}")))
    }

    /// The number of an execution, from its ARN.
    pub(super) fn number_of(&self, arn: &str) -> usize {
        self.named(arn.rsplit(":run-").next().and_then(|number| number.parse().ok()).unwrap_or(0))
    }

    /// Who has the name of this execution now.
    pub(super) fn named(&self, execution: usize) -> usize {
        self.state().names.get(&execution).copied().unwrap_or(execution)
    }

    /// Another one has the name of this execution from now on.
    pub(super) fn took_over(&self, execution: usize, by: usize) {
        self.state().names.insert(execution, by);
    }

    /// Who is to have the name of this execution after it.
    pub(super) fn successor(&self, execution: usize) -> Option<usize> {
        self.setup.executions.iter().position(|intended| intended.after == Some(execution))
    }

    /// When the execution is started.
    pub(super) fn began(&self, execution: usize) -> i64 {
        self.life(execution, |life| life.began)
    }

    /// The execution is to be started then.
    pub(super) fn begins_at(&self, execution: usize, at: i64) {
        self.life(execution, |life| life.began = at);
    }

    /// Whether the table deletes something that has expired.
    pub(super) fn reaps(&self) -> bool {
        self.state().reaper.as_mut().is_some_and(|choices| choices.one_in(2))
    }

    pub(super) fn intended(&self, execution: usize) -> &Intended {
        self.setup.executions.get(execution).expect("executions are numbered from 0")
    }

    pub(super) fn planned(&self, execution: usize) -> &Planned {
        self.setup.machines.get(self.intended(execution).machine).expect("machines are numbered from 0")
    }

    /// How long a message that was received is kept from others, unless its driver says otherwise.
    fn visibility_ms(&self) -> i64 {
        i64::from(HIDDEN_TIMEOUTS) * self.setup.function_ms
    }

    /// The queue takes a wake-up.
    pub(super) fn send(&self, execution: usize, after_ms: u64) {
        let latency = 5 + self.draw(execution, 40) as u64;
        let mut state = self.state();
        state.sequence += 1;
        let (sent, number) = (state.now, state.sequence);
        let visible_at = sent.saturating_add_unsigned(after_ms.saturating_add(latency));
        state.messages.insert(number, Message { execution, sent, received: 0, in_vain: 0, visible_at });
        drop(state);
        self.insert(visible_at, Entry::Message { number });
    }

    /// Somebody receives a wake-up, if it is there and not hidden: for which execution it is.
    pub(super) fn receive(&self, number: u64) -> Option<(usize, WakeUp)> {
        let mut state = self.state();
        let now = state.now;
        let message = state.messages.get_mut(&number).filter(|message| message.visible_at <= now)?;
        let execution = message.execution;
        if message.in_vain >= RECEIVES_MAX {
            state.messages.remove(&number);
            state.dead_letters.push(execution);
            drop(state);
            self.sweep_by(now);
            return None;
        }
        message.received += 1;
        message.in_vain += 1;
        let wake_up = WakeUp { received: message.received, sent: Timestamp(message.sent) };
        drop(state);
        self.hide(number, now + self.visibility_ms());
        Some((execution, wake_up))
    }

    /// A wake-up is hidden until then.
    pub(super) fn hide(&self, number: u64, until: i64) {
        let mut state = self.state();
        let Some(message) = state.messages.get_mut(&number) else { return };
        message.visible_at = until;
        drop(state);
        self.insert(until, Entry::Message { number });
    }

    /// What it was received for is not to be seen yet.
    pub(super) fn was_early(&self, number: u64) {
        if let Some(message) = self.state().messages.get_mut(&number) {
            message.in_vain = message.in_vain.saturating_sub(1);
        }
    }

    /// A wake-up was dealt with.
    pub(super) fn delete(&self, number: u64) {
        self.state().messages.remove(&number);
    }

    /// A driver died before it could say until when it has its message.
    pub(super) fn died_early(&self, number: u64) {
        let mut state = self.state();
        let message = state.messages.get(&number).map(|message| (message.execution, message.visible_at));
        if let Some((execution, visible_at)) = message
            && let Some(life) = state.lives.get_mut(execution)
        {
            life.hidden_until = life.hidden_until.max(Some(visible_at));
        }
    }

    /// Has the sweep come in the minute after `at`.
    pub(super) fn sweep_by(&self, at: i64) {
        if self.without == Some(Without::Sweep) {
            return;
        }
        let at = (at.max(self.now()).div_euclid(SWEEP_MS) + 1) * SWEEP_MS;
        let mut state = self.state();
        if state.sweep_at.is_none_or(|sweep_at| sweep_at > at) {
            state.sweep_at = Some(at);
            drop(state);
            self.insert(at, Entry::Sweep);
        }
    }

    /// Has the sweep come when it walks through a shard of the list of running executions, the first time that `look_at` is near.
    pub(super) fn walk_by(&self, shard: u32, look_at: i64) {
        let from = self.now().max(look_at - i64::try_from(LOOK_AHEAD.as_millis()).unwrap_or(0)).div_euclid(SWEEP_MS);
        let journal = self.journal();
        let minute = (from..from + 60).find(|minute| to_walk(&journal, Timestamp(minute * SWEEP_MS)).any(|walked| walked == shard));
        if let Some(minute) = minute {
            self.sweep_by(minute * SWEEP_MS - 1);
        }
    }

    /// A shard of the list of running executions: those that must be looked at before `until`.
    pub(super) fn running(&self, shard: u32, until: Timestamp) -> Vec<Running> {
        at_once(self.journal().running(shard, (Timestamp(self.now()), until), None, 10_000))
            .map_or_else(|_| Vec::new(), |(running, _)| running)
    }

    /// Whether the sweep is due, rather than superseded by an earlier one.
    pub(super) fn begin_sweep(&self) -> Option<Vec<usize>> {
        let mut state = self.state();
        (state.sweep_at == Some(state.now)).then(|| {
            state.sweep_at = None;
            std::mem::take(&mut state.dead_letters)
        })
    }

    /// What is to be done when whoever starts a task of this state dies.
    pub(super) fn after_crash(&self, task: &StartTask) -> AfterCrash {
        if self.hash(task).is_multiple_of(4) { AfterCrash::Fail } else { AfterCrash::Repeat }
    }

    /// Whether drivers wait for the tasks of this state.
    pub(super) fn is_waited_for(&self, task: &StartTask) -> bool {
        match (&task.resource, task.resource.pattern()) {
            (Resource::Activity { .. }, _) => false,
            (_, Pattern::WaitForTaskToken) => true,
            (_, Pattern::RequestResponse) => !self.hash(task).is_multiple_of(3),
            (_, _) => false,
        }
    }

    fn hash(&self, task: &StartTask) -> u64 {
        let hash = task.state.bytes().fold(self.setup.salt, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        hash >> 20
    }

    /// How long a task takes somebody.
    pub(super) fn task_ms(&self, execution: usize) -> u64 {
        self.life(execution, |life| match life.choices.below(10) {
            0 => life.choices.below(TASK_MS_MAX),
            _ => life.choices.below(1000),
        }) as u64
    }

    /// A task is begun.
    pub(super) fn begin(&self, execution: usize, task: &StartTask) {
        let after_crash = self.after_crash(task);
        let times = self.life(execution, |life| {
            life.tokens.extend(task.token.clone());
            let runs = life.runs.entry(task.task).or_insert((0, after_crash));
            runs.0 += 1;
            runs.0
        });
        // Nobody waits to see how often a task runs that is begun again and again.
        if times > RUNS_MAX {
            self.violate(execution, format!("task {} ran {times} times", task.task.0));
        }
    }

    /// A task is passed on.
    pub(super) fn pass_on(&self, execution: usize, task: TaskId) {
        let times = self.life(execution, |life| {
            let times = life.passed_on.entry(task).or_default();
            *times += 1;
            *times
        });
        if times > RUNS_MAX {
            self.violate(execution, format!("task {} was passed on {times} times", task.0));
        }
    }

    /// Whether it is known that a task was submitted, or that it will never be.
    pub(super) fn is_submitted(&self, execution: usize, task: TaskId) -> bool {
        self.life(execution, |life| life.submitted.contains(&task) || life.is_final)
    }

    /// A client is told that its execution was started.
    pub(super) fn acknowledge(&self, execution: usize) {
        let there = self.life(execution, |life| {
            life.acknowledged = true;
            life.commits > 0
        });
        if !there {
            self.violate(execution, "a client is told that its execution was started, and it was not");
        }
    }

    /// The table has written something for an execution.
    pub(super) fn written(&self, execution: usize, sort: &str, note: Option<Box<Note>>) {
        if sort.starts_with("i#") {
            let (now, key) = (self.now(), sort.splitn(3, '#').nth(2).unwrap_or_default());
            return self.life(execution, |life| {
                // What is posted again has been dealt with.
                if !life.consumed.contains(key) {
                    life.due = Some(life.due.map_or(now, |due| due.min(now)));
                }
            });
        }
        if let Some(note) = note.filter(|_| is_commit(sort))
            && let Err(violation) = self.note(execution, *note)
        {
            self.violate(execution, violation);
        }
    }

    /// Looks at what was committed: the history is linear, no payload is written twice, it was done in time, and it can be read.
    fn note(&self, execution: usize, note: Note) -> Result<(), String> {
        if note.is_final && !self.life(execution, |life| life.is_final) {
            let ended = note.events.last().map_or_else(|| self.now(), |event| event.timestamp.0);
            self.keep(execution, ended);
        }
        let patience = self.setup.function_ms + 2 * SWEEP_MS;
        let now = self.now();
        let read_back = self.life(execution, |life| {
            // What was posted too late is still to be put away.
            if life.is_final && !(note.is_final && note.events.is_empty()) {
                return Err("an execution that has ended goes on".to_owned());
            }
            for id in &note.payloads {
                if !life.payloads.insert(*id) {
                    return Err(format!("payload {} is committed twice", id.0));
                }
            }
            for event in &note.events {
                if event.id.0 != life.events.len() as u64 + 1 {
                    return Err(format!("event {} is committed as number {}", event.id.0, life.events.len() + 1));
                }
                if let EventDetails::Task(task) = &event.details {
                    match task.stage {
                        TaskStage::Scheduled { .. } => drop(life.scheduled.insert(event.id)),
                        TaskStage::Started { .. } => drop(life.started.insert(event.id.0, event.previous)),
                        TaskStage::Submitted { .. } => life.submitted.extend(life.started.get(&event.previous.0)),
                        _ => {}
                    }
                }
                life.events.push(event.clone());
            }
            life.look(now, patience)?;
            if note.is_driver_s {
                life.hidden_until = None;
            }
            if let Some(last) = life.release.replace(note.release) {
                if !note.release.reads(last) {
                    return Err(format!("the {:?} release goes on from what it cannot read", note.release));
                }
                match note.release.cmp(&last) {
                    std::cmp::Ordering::Less => life.fired.push("earlier release goes on"),
                    std::cmp::Ordering::Equal => {}
                    std::cmp::Ordering::Greater => life.fired.push("later release goes on"),
                }
            }
            life.commits += 1;
            life.consumed.extend(note.consumed);
            life.due = note.due;
            life.is_final = note.is_final;
            life.ledger = note.ledger;
            life.checkpoint = note.checkpoint;
            Ok(life.is_final || life.commits.is_multiple_of(self.setup.read_back_each))
        });
        if read_back? { self.read_back(execution) } else { Ok(()) }
    }

    /// What is stored is what was committed.
    pub(super) fn read_back(&self, execution: usize) -> Result<(), String> {
        let definition = &self.planned(execution).definition;
        let journal = self.journal();
        let arn = statewright_engine::ExecutionArn(Arc::clone(&self.intended(execution).start.identity.execution_arn));
        let loaded = at_once(journal.load(&arn, Timestamp(self.now()))).map_err(|error| error.to_string())?;
        let loaded = loaded.ok_or("what was committed is gone")?;
        let found = Execution::restore(definition, &loaded.checkpoint).map_err(|error| error.to_string())?;
        let found = found.checkpoint(definition);
        self.life(execution, |life| match found == life.checkpoint && loaded.ledger == life.ledger {
            true => Ok(()),
            false => Err(format!("committed: {:#?} {:?}\nread back: {found:#?} {:?}", life.checkpoint, life.ledger, loaded.ledger)),
        })
    }

    /// The journal, looked at from outside, where nothing fails.
    pub(super) fn journal(&self) -> Journal<Direct<'_>> {
        Journal::new(Direct(View { table: &self.table, release: Release::Second }), self.setup.settings, 0)
    }

    /// Whether a task was scheduled by a commit.
    pub(super) fn was_scheduled(&self, execution: usize, task: TaskId) -> bool {
        self.life(execution, |life| life.scheduled.contains(&task))
    }
}

/// Whether something under this sort key is a commit.
pub(super) fn is_commit(sort: &str) -> bool {
    sort == "0" || sort.starts_with("j#")
}

/// The table without faults and delays, as somebody sees it who can read everything.
pub(super) struct Direct<'w>(View<'w>);

impl Table for Direct<'_> {
    async fn put(&self, item: Item, condition: Condition) -> Result<(), WriteError> {
        self.0.put(item, condition)
    }

    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.0.get(key)
    }

    async fn get_all(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        self.0.get_all(keys)
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        self.0.query(query)
    }

    async fn delete(&self, key: &Key, condition: Condition) -> Result<(), WriteError> {
        self.0.delete(key, condition)
    }
}

/// Waits until a time, by nobody's clock.
pub(super) struct Sleep<'w> {
    world: &'w World,
    until: i64,
    registered: bool,
}

impl<'w> Sleep<'w> {
    pub(super) fn until(world: &'w World, until: i64) -> Self {
        Self { world, until, registered: false }
    }
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.world.now() >= self.until {
            return Poll::Ready(());
        }
        if !std::mem::replace(&mut self.registered, true) {
            self.world.insert(self.until, Entry::Wake(context.waker().clone()));
        }
        Poll::Pending
    }
}

/// What a future that never waits gives.
pub(super) fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        Poll::Ready(answer) => answer,
        Poll::Pending => unreachable!("a table in memory answers at once"),
    }
}

/// The functions that can go on.
pub(super) type Ready = Arc<Mutex<VecDeque<u64>>>;

/// Says that a function can go on.
pub(super) struct Bell {
    pub(super) flight: u64,
    pub(super) ready: Ready,
}

impl std::task::Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).push_back(self.flight);
    }
}

impl World {
    /// An operation takes its time, and something may happen meanwhile. Notes where the function stands still for long.
    pub(super) async fn pause(&self, execution: usize, frozen_until: &AtomicI64) {
        let mut delay = 1 + self.draw(execution, 6) as i64;
        let fits = |kind| matches!(kind, Kind::Crash | Kind::Freeze(_) | Kind::Rival | Kind::Stop);
        match self.fault(execution, fits) {
            Some(Kind::Crash) => {
                self.crash();
                std::future::pending::<()>().await;
            }
            Some(Kind::Freeze(seconds)) => {
                delay += i64::from(seconds) * 1000;
                frozen_until.fetch_max(self.now() + delay, Ordering::Relaxed);
            }
            Some(Kind::Stop) => {
                let error = statewright_interpreter::history::ErrorDetails { error: Some("Stopped".into()), cause: None };
                let event = Event::Stop { error };
                let telling = Telling { execution, key: "stop".to_owned(), event, then: Then::Stopped, attempt: 0 };
                let after = self.draw(execution, 3000) as u64;
                self.insert_after(after, Entry::Tell(telling));
            }
            Some(_) => self.send(execution, 0),
            None => {}
        }
        Sleep::until(self, self.now() + delay).await;
    }
}

impl Life {
    /// Somebody looks who is to look within `patience_ms` after it is due, or as soon as the message of a driver that died can be received.
    fn look(&mut self, now: i64, patience_ms: i64) -> Result<(), String> {
        let Some(from) = self.due.map(|due| due.max(self.quiet_from)).filter(|from| *from <= now) else { return Ok(()) };
        let (late, hidden) = (now - from, self.hidden_until.map_or(0, |until| until + MOMENT_MS - from));
        let (bound, most) = if hidden > patience_ms { (Bound::Visibility, hidden) } else { (Bound::TimeOut, patience_ms) };
        let looks = Looks { count: 1, latest_ms: late, used_up: late * 1000 / most };
        self.looks.entry(bound).or_default().add(&looks);
        match late > most {
            true => Err(format!("nobody has looked for {} s, and the bound is {} s: {bound:?}", late / 1000, most / 1000)),
            false => Ok(()),
        }
    }

    /// The number of a new writer of commits.
    pub(super) fn writer(&mut self) -> u64 {
        self.choices.draw()
    }
}

impl World {
    /// In a world that keeps no keys: deletes the commits before this one that loading it does not need.
    pub(super) fn forget_superseded(&self, execution: usize, partition: &str, sort: &str) {
        let after = Query::prefix(partition, "j#").after(Some(sort.to_owned())).limit(1000);
        for item in at_once(self.table.query(&after)).map(|page| page.items).unwrap_or_default() {
            let _ = at_once(self.table.delete(&item.key, Condition::None));
            if self.read_back(execution).is_err() {
                let _ = at_once(self.table.put(item, Condition::None));
            }
        }
    }
}
