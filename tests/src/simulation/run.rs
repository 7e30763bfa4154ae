//! Runs a world: polls its functions, moves its time on, and does what clients, workers and the sweep do.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use statewright_engine::{
    Birth, Clock as _, CommitError, Delivered, DriveError, Driven, Drove, ExecutionArn, Fate, Happened, Host as _, SKEW, WakeUp,
    answer_wake_up, deliver, deliver_at_once, hides_after, start,
};
use statewright_interpreter::command::StartTask;
use statewright_interpreter::event::{Event, TaskId};
use statewright_interpreter::time::Timestamp;

use super::Comparison;
use super::function::{Function, write};
use super::plan::Kind;
use super::sweeper;
use super::world::{Bell, Entry, Ready, Telling, Then, World};
use crate::generate::START;
use crate::properties::message;

/// Longer than any world lasts: reminders stand a month ahead at most.
const LASTS_MS: i64 = 60 * 24 * 3600 * 1000;
/// Longer than one lasts in which items expire: an execution lasts a year at most, and another one comes after it.
const EXPIRES_MS: i64 = 5 * 365 * 24 * 3600 * 1000;

/// A running function.
struct Flight<'w> {
    future: Pin<Box<dyn Future<Output = Landed> + 'w>>,
    function: Arc<Function<'w>>,
    errand: Errand,
    waker: Waker,
}

/// What a function was called for.
enum Errand {
    Start,
    Drive {
        /// Its message.
        number: u64,
        /// Whether it has said until when it has it.
        has_hidden: bool,
    },
    Tell(Telling),
    Relay {
        task: TaskId,
        lease: Timestamp,
    },
}

/// How a function ended.
enum Landed {
    Started(Result<Drove, DriveError>),
    Answered(Driven),
    Told(Result<Delivered, DriveError>),
    Relayed(Result<(), DriveError>),
}

pub(super) struct Runner<'w> {
    world: &'w World,
    ready: Ready,
    flights: BTreeMap<u64, Flight<'w>>,
    count: u64,
}

impl<'w> Runner<'w> {
    pub(super) fn new(world: &'w World) -> Self {
        Self { world, ready: Ready::default(), flights: BTreeMap::new(), count: 0 }
    }

    /// Runs the world until nothing will ever happen again.
    pub(super) fn run(mut self) -> Result<(), (usize, String)> {
        loop {
            while let Some(flight) = self.pop_ready() {
                self.poll(flight);
            }
            if let Some(violation) = self.world.take_violation() {
                return Err(violation);
            }
            let Some(entry) = self.world.next(!self.flights.is_empty()) else { return Ok(()) };
            let lasts = if self.world.setup.expiring.is_some() { EXPIRES_MS } else { LASTS_MS };
            if self.world.now() > START.0 + lasts {
                let stuck = (0..self.world.setup.executions.len()).find(|number| !self.world.life(*number, |life| life.is_final));
                return Err((stuck.unwrap_or(0), "it is stuck, and people go on looking".to_owned()));
            }
            self.enter(entry);
        }
    }

    fn pop_ready(&self) -> Option<u64> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    fn enter(&mut self, entry: Entry) {
        let world = self.world;
        match entry {
            Entry::Wake(waker) => waker.wake(),
            Entry::Kill(flight) => self.kill(flight),
            Entry::Start { execution } => {
                world.takes_over(execution);
                if world.fault(execution, |kind| kind == Kind::StartTwice).is_some() {
                    self.start(execution);
                }
                self.start(execution);
            }
            Entry::Message { number } => {
                if let Some((execution, wake_up)) = world.receive(number) {
                    self.drive(execution, number, wake_up);
                }
            }
            Entry::Hide { flight } => self.hide(flight),
            Entry::Relay { execution, task, lease } => {
                let arn = arn_of(world, execution);
                self.launch(execution, Errand::Relay { task, lease }, |function| {
                    let function = Arc::clone(function);
                    Box::pin(async move { Landed::Relayed(function.relay(arn, task, lease).await) })
                });
            }
            Entry::Work { execution, task, stage } => self.work(execution, task, stage),
            Entry::Callback { execution, task, beats } => self.call_back(execution, task, beats),
            Entry::Tell(telling) => self.tell(telling),
            Entry::LatePut { execution, release, item, condition, mut note } => {
                // Whoever sent it is gone, and the message of a driver that died meanwhile is hidden for as long as before.
                let hidden_until = world.life(execution, |life| life.hidden_until);
                let _ = write(world, execution, release, *item, condition, &mut note);
                world.life(execution, |life| life.hidden_until = hidden_until);
            }
            Entry::Sweep => sweeper::sweep(world),
            Entry::Kept { execution } => {
                if let Err(error) = world.kept(execution) {
                    world.violate(execution, error);
                }
            }
            Entry::Reap => {
                if let Err((execution, error)) = world.reap() {
                    world.violate(execution, error);
                }
            }
        }
    }

    fn launch(
        &mut self,
        execution: usize,
        errand: Errand,
        future: impl FnOnce(&Arc<Function<'w>>) -> Pin<Box<dyn Future<Output = Landed> + 'w>>,
    ) {
        let function = Function::new(self.world, execution);
        let future = future(&function);
        self.count += 1;
        let waker = Waker::from(Arc::new(Bell { flight: self.count, ready: Arc::clone(&self.ready) }));
        self.world.insert(self.world.now() + self.world.setup.function_ms, Entry::Kill(self.count));
        self.flights.insert(self.count, Flight { future, function, errand, waker });
        self.poll(self.count);
    }

    fn poll(&mut self, number: u64) {
        let Some(flight) = self.flights.get_mut(&number) else { return };
        let polled = flight.future.as_mut().poll(&mut Context::from_waker(&flight.waker));
        let crashed = self.world.take_crash();
        if crashed || polled.is_ready() {
            let Some(flight) = self.flights.remove(&number) else { return };
            match polled {
                Poll::Ready(landed) if !crashed => self.land(&flight.function, flight.errand, landed),
                Poll::Ready(_) | Poll::Pending => self.lost(flight.function.execution, flight.errand),
            }
        }
    }

    /// A function's time is over. One that stood still goes on all the same: nobody may rely on its death.
    fn kill(&mut self, number: u64) {
        if let Some(flight) = self.flights.get(&number)
            && flight.function.frozen_until().is_none()
        {
            self.world.violate(flight.function.execution, "a function does not leave in time");
        }
    }

    /// A function ended without an answer.
    fn lost(&mut self, execution: usize, errand: Errand) {
        let soon = 1000 + self.world.draw(execution, 20_000) as u64;
        match errand {
            Errand::Start => self.world.insert_after(soon, Entry::Start { execution }),
            Errand::Drive { number, has_hidden } => {
                if !has_hidden {
                    self.world.died_early(number);
                }
            }
            Errand::Relay { task, lease } => self.world.insert_after(soon, Entry::Relay { execution, task, lease }),
            Errand::Tell(telling) => {
                let telling = Telling { attempt: telling.attempt + 1, ..telling };
                self.world.insert_after(soon, Entry::Tell(telling));
            }
        }
    }

    fn land(&mut self, function: &Arc<Function<'w>>, errand: Errand, landed: Landed) {
        let (world, execution) = (self.world, function.execution);
        match (errand, landed) {
            (Errand::Start, Landed::Started(Ok(_) | Err(DriveError::Commit(CommitError::Conflict)))) => {
                world.acknowledge(execution)
            }
            (Errand::Drive { number, .. }, Landed::Answered(Driven { drove, fate })) => {
                if drove == Ok(Drove::Finished) && !world.life(execution, |life| life.is_final) {
                    world.violate(execution, "a driver says that an execution has ended, and it has not");
                }
                if let Err(error) = &drove
                    && error.is_unreadable()
                    && !error.is_newer()
                {
                    world.violate(execution, error.to_string());
                }
                let is_early = drove == Ok(Drove::Unknown);
                if is_early {
                    world.was_early(number);
                }
                match fate {
                    Fate::Again(after) => world.hide(number, world.now() + i64::try_from(after.as_millis()).unwrap_or(i64::MAX)),
                    Fate::Done if is_early && world.starts_late(execution) => world.hide(number, world.now() + 2000),
                    Fate::Done if world.fault(execution, |kind| kind == Kind::AckLost).is_some() => {}
                    Fate::Done => world.delete(number),
                }
            }
            (Errand::Tell(telling), Landed::Told(Ok(delivered))) => self.told(telling, delivered),
            (Errand::Relay { .. }, Landed::Relayed(Ok(()))) => {}
            // It is left to functions of a later release, as the functions of the host leave it.
            (Errand::Relay { task, lease }, Landed::Relayed(Err(error))) if error.is_newer() => {
                if lease.plus(SKEW) >= function.now() {
                    world.insert_after(60_000, Entry::Relay { execution, task, lease });
                }
                // Who takes it over may come too late for its lease.
                world.life(execution, |life| life.deaths += 1);
            }
            (errand, Landed::Started(Err(error)) | Landed::Told(Err(error)) | Landed::Relayed(Err(error))) => {
                if error.is_unreadable() && !error.is_newer() {
                    world.violate(execution, error.to_string());
                }
                // A worker whose claim is left to a later release may come too late, too.
                let is_claim = matches!(&errand, Errand::Tell(telling) if matches!(telling.then, Then::Worked(_, 0)));
                if is_claim && error.is_newer() {
                    world.life(execution, |life| life.deaths += 1);
                }
                self.lost(execution, errand);
            }
            (_, Landed::Started(Ok(_)) | Landed::Answered(_) | Landed::Told(Ok(_)) | Landed::Relayed(Ok(()))) => {
                unreachable!("a function does its errand")
            }
        }
    }

    /// A driver begins because of a wake-up.
    fn drive(&mut self, execution: usize, number: u64, wake_up: WakeUp) {
        let (world, arn) = (self.world, arn_of(self.world, execution));
        // Now and then its process is new.
        let hides_after = hides_after(wake_up.received, world.draw(execution, 8) == 0);
        self.launch(execution, Errand::Drive { number, has_hidden: false }, |function| {
            function.drives.store(true, Ordering::Relaxed);
            let (host, end) = (function.host(), function.end());
            Box::pin(async move { Landed::Answered(answer_wake_up(&host, &arn, wake_up, end).await) })
        });
        let latency = 1 + world.draw(execution, 6) as u64;
        world.insert_after(latency + u64::try_from(hides_after.as_millis()).unwrap_or(0), Entry::Hide { flight: self.count });
    }

    /// A driver that is still at work says until when it has its message.
    fn hide(&mut self, number: u64) {
        let world = self.world;
        let Some(flight) = self.flights.get_mut(&number) else { return };
        if let Some(until) = flight.function.frozen_until().filter(|until| *until > world.now()) {
            return world.insert(until, Entry::Hide { flight: number });
        }
        if let Errand::Drive { number, has_hidden } = &mut flight.errand
            && world.fault(flight.function.execution, |kind| kind == Kind::HideFails).is_none()
        {
            *has_hidden = true;
            world.hide(*number, flight.function.gone_at());
        }
    }

    fn start(&mut self, execution: usize) {
        let intended = self.world.intended(execution);
        let definition = Arc::clone(&self.world.planned(execution).definition);
        let (with, birth) = (intended.start.clone(), Birth { revision: intended.machine.to_string().into(), ..Birth::default() });
        self.launch(execution, Errand::Start, |function| {
            let host = function.host();
            Box::pin(async move {
                let now = host.clock().now();
                Landed::Started(start(&host, &definition, with, birth, now).await)
            })
        });
    }

    /// Tells an execution what happened.
    fn tell(&mut self, telling: Telling) {
        let execution = telling.execution;
        // Who claims a task must know whether it was the first.
        let is_claim = matches!(telling.then, Then::Worked(_, 0));
        if telling.attempt == 0 && !is_claim && self.world.fault(execution, |kind| kind == Kind::TellTwice).is_some() {
            let then = if matches!(telling.then, Then::Stopped) { Then::Stopped } else { Then::Nothing };
            let again = Telling { then, attempt: 1, ..telling.clone() };
            self.world.insert_after(self.world.draw(execution, 2) as u64 * 3000, Entry::Tell(again));
        }
        let (arn, key, event) = (arn_of(self.world, execution), telling.key.clone(), telling.event.clone());
        self.launch(execution, Errand::Tell(telling), |function| {
            let (host, at) = (function.host(), function.now());
            Box::pin(async move {
                let happened = Happened { at, event };
                Landed::Told(match is_claim {
                    true => deliver_at_once(&host, &arn, happened).await,
                    false => deliver(&host, &arn, &key, happened).await,
                })
            })
        });
    }

    /// Whoever told something has its answer.
    fn told(&mut self, telling: Telling, delivered: Delivered) {
        let (world, execution) = (self.world, telling.execution);
        match (telling.then, delivered) {
            (Then::Stopped, Delivered::Unknown) => self
                .lost(execution, Errand::Tell(Telling { then: Then::Stopped, key: telling.key, event: telling.event, ..telling })),
            (_, Delivered::Unknown) => world.violate(execution, "an execution that has tasks is unknown"),
            (Then::Stopped, _) => {
                world.life(execution, |life| life.stopped = true);
            }
            // Another worker has claimed the task, unless an earlier attempt of the same claim came through.
            (Then::Worked(_, 0), Delivered::Ignored) if telling.attempt == 0 => {}
            (Then::Worked(task, stage), _) => {
                if stage == 0 {
                    world.begin(execution, &task);
                }
                world.insert_after(world.task_ms(execution), Entry::Work { execution, task, stage: stage + 1 });
            }
            (Then::Beat(task, beats), _) => {
                world.insert_after(3_600_000, Entry::Callback { execution, task, beats });
            }
            (Then::Nothing, _) => {}
        }
    }

    /// A worker of an activity tells that it has begun with a task, then how far it is, then what came of it.
    fn work(&mut self, execution: usize, task: Arc<StartTask>, stage: usize) {
        if self.world.fault(execution, |kind| kind == Kind::WorkerCrash).is_some() {
            return self.world.insert_after(60_000, Entry::Work { execution, task, stage });
        }
        let Some(event) = message(&task, stage) else { return };
        let key = format!("{}/{stage}", task.task.0);
        self.tell(Telling { execution, key, event, then: Then::Worked(task, stage), attempt: 0 });
    }

    /// Whoever has the token of a task uses it.
    fn call_back(&mut self, execution: usize, task: Arc<StartTask>, beats: usize) {
        let world = self.world;
        let waits = world.planned(execution).comparison != Comparison::Itself && !world.is_submitted(execution, task.task);
        if waits {
            // A result before the word that the token was passed on is a history of its own.
            return world.insert_after(30_000, Entry::Callback { execution, task, beats });
        }
        let Some(event) = message(&task, 2) else { return };
        let number = task.task.0;
        let telling = match beats {
            0 => Telling { execution, key: format!("{number}/2"), event, then: Then::Nothing, attempt: 0 },
            beats => Telling {
                execution,
                key: format!("{number}/beat/{beats}"),
                event: Event::TaskHeartbeat { task: task.task },
                then: Then::Beat(task, beats - 1),
                attempt: 0,
            },
        };
        self.tell(telling);
    }
}

pub(super) fn arn_of(world: &World, execution: usize) -> ExecutionArn {
    ExecutionArn(Arc::clone(&world.intended(execution).start.identity.execution_arn))
}
