//! The world a simulated driver lives in: a store, queues, workers and a clock, all of which fail as planned.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use statewright_engine::{
    Budget, Clock, Commit, CommitError, ExecutionArn, Host, InboxEntry, Loaded, MemoryStore, QueueError, Store, StoreError,
    TaskQueue, Version, WakeQueue,
};
use statewright_interpreter::command::{Command, StartTask};
use statewright_interpreter::event::Event;
use statewright_interpreter::history::{EventDetails, TaskStage};
use statewright_interpreter::payload::PayloadId;
use statewright_interpreter::time::Timestamp;

use super::plan::{Fault, Kind};
use crate::choices::Choices;
use crate::generate::START;
use crate::properties;

/// The world. It is its own host, store, queues and clock.
#[derive(Debug)]
pub(super) struct World {
    store: MemoryStore,
    budget: Budget,
    state: Mutex<State>,
}

/// What is on its way.
#[derive(Debug)]
pub(super) enum Message {
    /// Whoever started the execution looks whether it is there, and creates it if not.
    Create,
    /// Look at the execution.
    Wake,
    /// A worker is to send its message with this number.
    Work(Box<StartTask>, usize),
    /// A message of a worker that was late.
    Post(InboxEntry),
}

#[derive(Debug)]
struct State {
    /// The time that nobody's clock shows.
    now: Timestamp,
    /// How far the drivers' clock is off, in milliseconds.
    skew: i64,
    messages: BTreeMap<(Timestamp, u64), Message>,
    sent: u64,
    /// How many places there were where something could go wrong.
    places: u64,
    faults: Vec<Fault>,
    /// What the executor is to do with the driver that has just stopped at an await point.
    interruption: Option<Interruption>,
    choices: Choices,
    payloads: BTreeSet<PayloadId>,
    scheduled: BTreeSet<u64>,
    events: u64,
    violation: Option<String>,
    tokens: Vec<String>,
    /// Tasks that a worker has taken. Another worker that is given one of them leaves it to the first.
    taken: BTreeSet<u64>,
}

/// What happens to a driver at an await point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interruption {
    Crash,
    Rival,
}

impl World {
    pub(super) fn new(mut choices: Choices, faults: Vec<Fault>, budget: Budget) -> Self {
        let state = State {
            now: START,
            skew: 0,
            messages: BTreeMap::new(),
            sent: 0,
            places: 0,
            faults,
            interruption: None,
            choices: choices.split(),
            payloads: BTreeSet::new(),
            scheduled: BTreeSet::new(),
            events: 0,
            violation: None,
            tokens: Vec::new(),
            taken: BTreeSet::new(),
        };
        Self { store: MemoryStore::default(), budget, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether one of the planned faults happens here.
    fn fault(&self, fits: impl Fn(Kind) -> bool) -> Option<Kind> {
        let mut state = self.state();
        state.places += 1;
        let places = state.places;
        let at = state.faults.iter().position(|fault| fault.after <= places && fits(fault.kind))?;
        Some(state.faults.remove(at).kind)
    }

    /// An await point.
    async fn pause(&self) {
        let interruption = match self.fault(|kind| matches!(kind, Kind::Crash | Kind::Rival)) {
            Some(Kind::Crash) => Some(Interruption::Crash),
            Some(_) => Some(Interruption::Rival),
            None => None,
        };
        self.state().interruption = interruption;
        Yield(false).await;
    }

    pub(super) fn take_interruption(&self) -> Option<Interruption> {
        self.state().interruption.take()
    }

    pub(super) fn draw(&self, limit: usize) -> usize {
        self.state().choices.below(limit)
    }

    pub(super) fn places(&self) -> u64 {
        self.state().places
    }

    /// How many of the planned faults did not happen.
    pub(super) fn faults_left(&self) -> usize {
        self.state().faults.len()
    }

    pub(super) fn send(&self, message: Message, after_ms: u64) {
        let mut state = self.state();
        state.sent += 1;
        let key = (state.now.plus_millis(after_ms), state.sent);
        // A host keeps one wake-up for one moment: every driver that finds the execution waiting asks for the same one.
        let same = (key.0, 0)..=(key.0, u64::MAX);
        if matches!(message, Message::Wake) && state.messages.range(same).any(|(_, other)| matches!(other, Message::Wake)) {
            return;
        }
        state.messages.insert(key, message);
    }

    /// Whether nothing arrives within a minute, the time after which a sweeper looks for what was lost.
    pub(super) fn is_quiet(&self) -> bool {
        let state = self.state();
        state.messages.first_key_value().is_none_or(|((at, _), _)| *at > state.now.plus_seconds(60))
    }

    /// The next message; time goes on to when it arrives.
    pub(super) fn receive(&self) -> Option<Message> {
        if let Some(Kind::ClockJump(seconds)) = self.fault(|kind| matches!(kind, Kind::ClockJump(_))) {
            self.state().skew += i64::from(seconds) * 1000;
        }
        let mut state = self.state();
        let ((at, _), message) = state.messages.pop_first()?;
        state.now = state.now.max(at);
        Some(message)
    }

    pub(super) fn violation(&self) -> Option<String> {
        self.state().violation.clone()
    }

    pub(super) fn violate(&self, what: impl Into<String>) {
        let mut state = self.state();
        if state.violation.is_none() {
            state.violation = Some(what.into());
        }
    }

    pub(super) fn memory(&self) -> &MemoryStore {
        &self.store
    }

    pub(super) fn tokens(&self) -> Vec<String> {
        self.state().tokens.clone()
    }

    /// A worker sends the message number `sent` and goes on to the next.
    pub(super) fn work(&self, arn: &ExecutionArn, task: Box<StartTask>, sent: usize) {
        let id = task.task.0;
        if sent == 0 && !self.state().taken.insert(id) && self.fault(|kind| kind == Kind::WorkedTwice).is_none() {
            return;
        }
        match self.fault(|kind| matches!(kind, Kind::WorkerCrash | Kind::WorkerSlow(_))) {
            Some(Kind::WorkerSlow(millis)) => {
                if sent == 0 {
                    self.state().taken.remove(&id);
                }
                return self.send(Message::Work(task, sent), millis.into());
            }
            Some(_) => {
                self.state().taken.remove(&id);
                return self.send(Message::Work(task, 0), 30_000);
            }
            None => {}
        }
        let Some(event) = properties::message(&task, sent) else { return };
        let word = match &event {
            Event::TaskStarted { .. } => "started",
            Event::TaskSubmitted { .. } => "submitted",
            _ => "result",
        };
        let entry = InboxEntry { key: format!("{}/{word}", task.task.0).into(), event };
        match self.fault(|kind| matches!(kind, Kind::StartedLate(_)) && word == "started" || kind == Kind::PostTwice) {
            Some(Kind::StartedLate(millis)) => self.send(Message::Post(entry), millis.into()),
            Some(_) => {
                self.post(arn, entry.clone());
                self.send(Message::Post(entry), 5000);
            }
            None => self.post(arn, entry),
        }
        let pause = 1 + self.draw(3000) as u64;
        self.send(Message::Work(task, sent + 1), pause);
    }

    pub(super) fn post(&self, arn: &ExecutionArn, entry: InboxEntry) {
        if poll_once(self.store.post(arn, entry)).is_none_or(|posted| posted.is_err()) {
            self.violate("the store in memory does not post");
        }
        self.send(Message::Wake, 0);
    }

    /// Looks at what was committed: the history is linear, and no payload is written twice.
    fn note(&self, payloads: &[PayloadId], commit_events: &[statewright_interpreter::history::HistoryEvent]) {
        let mut state = self.state();
        let mut violation = None;
        for id in payloads {
            if !state.payloads.insert(*id) {
                violation = Some(format!("payload {} is committed twice", id.0));
            }
        }
        for event in commit_events {
            state.events += 1;
            if event.id.0 != state.events {
                violation = Some(format!("event {} is committed as number {}", event.id.0, state.events));
            }
            if let EventDetails::Task(task) = &event.details
                && matches!(task.stage, TaskStage::Scheduled { .. })
            {
                state.scheduled.insert(event.id.0);
            }
        }
        state.violation = state.violation.take().or(violation);
    }
}

impl Host for World {
    fn store(&self) -> &impl Store {
        self
    }

    fn wakes(&self) -> &impl WakeQueue {
        self
    }

    fn tasks(&self) -> &impl TaskQueue {
        self
    }

    fn clock(&self) -> &impl Clock {
        self
    }

    fn budget(&self) -> Budget {
        self.budget
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        let state = self.state();
        Timestamp(state.now.0 + state.skew)
    }
}

impl Store for World {
    async fn load(&self, execution: &ExecutionArn) -> Result<Option<Loaded>, StoreError> {
        self.pause().await;
        if self.fault(|kind| kind == Kind::LoadFails).is_some() {
            return Err(StoreError("planned".to_owned()));
        }
        let loaded = self.store.load(execution).await;
        self.pause().await;
        loaded
    }

    async fn commit(&self, execution: &ExecutionArn, commit: Commit<'_>) -> Result<Version, CommitError> {
        self.pause().await;
        let fault = self.fault(|kind| matches!(kind, Kind::CommitFails | Kind::UnknownOutcome));
        if fault == Some(Kind::CommitFails) {
            return Err(StoreError("planned".to_owned()).into());
        }
        let payloads: Vec<PayloadId> = commit.changes.payloads.iter().map(|(id, _)| *id).collect();
        let events = commit.events;
        let committed = self.store.commit(execution, commit).await;
        if committed.is_ok() {
            self.note(&payloads, events);
        }
        self.pause().await;
        if fault == Some(Kind::UnknownOutcome) { Err(StoreError("planned".to_owned()).into()) } else { committed }
    }

    async fn post(&self, execution: &ExecutionArn, entry: InboxEntry) -> Result<(), StoreError> {
        self.store.post(execution, entry).await
    }
}

impl WakeQueue for World {
    async fn wake(&self, _execution: &ExecutionArn, after: Duration) -> Result<(), QueueError> {
        self.pause().await;
        let after = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        match self.fault(|kind| matches!(kind, Kind::WakeFails | Kind::WakeLost | Kind::WakeTwice | Kind::WakeLate(_))) {
            Some(Kind::WakeFails) => return Err(QueueError("planned".to_owned())),
            Some(Kind::WakeLost) => {}
            Some(Kind::WakeLate(millis)) => self.send(Message::Wake, after.saturating_add(millis.into())),
            fault => {
                self.send(Message::Wake, after);
                if fault.is_some() {
                    self.send(Message::Wake, after.saturating_add(2000));
                }
            }
        }
        self.pause().await;
        Ok(())
    }
}

impl TaskQueue for World {
    async fn dispatch(&self, _execution: &ExecutionArn, command: Command) -> Result<(), QueueError> {
        self.pause().await;
        let Command::StartTask(task) = command else { return Ok(()) };
        if !self.state().scheduled.contains(&task.task.0) {
            self.violate(format!("task {} is dispatched before it is committed", task.task.0));
        }
        self.state().tokens.extend(task.token.as_deref().map(str::to_owned));
        let fits = |kind| matches!(kind, Kind::DispatchFails | Kind::DispatchLost | Kind::DispatchTwice | Kind::DispatchLate(_));
        match self.fault(fits) {
            Some(Kind::DispatchFails) => return Err(QueueError("planned".to_owned())),
            Some(Kind::DispatchLost) => {}
            Some(Kind::DispatchLate(millis)) => self.send(Message::Work(task, 0), millis.into()),
            fault => {
                if fault.is_some() {
                    self.send(Message::Work(task.clone(), 0), 1500);
                }
                self.send(Message::Work(task, 0), 20);
            }
        }
        self.pause().await;
        Ok(())
    }
}

/// A future that is pending once.
struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// The answer of a future that never waits.
pub(super) fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut context = Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}
