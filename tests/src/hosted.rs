//! The engine as the subject of conformance: recorded executions are driven by its driver, kept in its journal, and their histories
//! read back from there.

use std::collections::VecDeque;
use std::future::{pending, ready};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use statewright_engine::journal::{Journal, Place, Settings};
use statewright_engine::table::MemoryTable;
use statewright_engine::{
    AfterCrash, Answer, Birth, Budget, Clock, Commit, CommitError, Delivered, Drove, ExecutionArn, Happened, Host, InboxEntry,
    Loaded, QueueError, Store, StoreError, Tasks, VirtualClock, WakeQueue, deliver, drive, start,
};
use statewright_interpreter::command::StartTask;
use statewright_interpreter::definition::Definition;
use statewright_interpreter::event::{Event, TaskId};
use statewright_interpreter::execution::{Execution, Identity, Start};
use statewright_interpreter::history::HistoryEvent;
use statewright_interpreter::time::Timestamp;

use crate::conformance::{Observed, Refusal, Run, ScriptedTask, Subject};
use crate::subject;

/// Runs recorded executions in the engine, with a commit after every micro-step.
#[derive(Clone, Copy, Debug)]
pub struct Engine {
    /// How the journal is kept.
    pub settings: Settings,
}

impl Default for Engine {
    /// With everything that splits or repeats happening early.
    fn default() -> Self {
        let settings = Settings { apart_bytes: 300, item_bytes_max: 200, needs_max: 3, ..Settings::default() };
        Self { settings }
    }
}

impl Subject for Engine {
    fn run(&self, run: &Run) -> Result<Observed, Refusal> {
        let (definition, start) = subject::start_of(run)?;
        let world = World {
            store: Checked { journal: Journal::new(MemoryTable::default(), self.settings, 7), definition: Arc::new(definition) },
            clock: VirtualClock::new(Timestamp(run.start_time_ms)),
            script: Mutex::new(run.tasks.iter().cloned().collect()),
            missing_activity: run.missing_activity.as_deref().map(Arc::from),
            failure: Mutex::new(None),
        };
        let (execution, events) = pollster::block_on(world.play(start, run)).map_err(Refusal::Refused)?;
        subject::observed(&execution, &events)
    }
}

struct World {
    store: Checked,
    clock: VirtualClock,
    script: Mutex<VecDeque<ScriptedTask>>,
    missing_activity: Option<Arc<str>>,
    failure: Mutex<Option<String>>,
}

/// Nothing recorded needs more.
const DRIVES_MAX: usize = 10_000;

impl World {
    async fn play(&self, start_with: Start, run: &Run) -> Result<(Execution, Vec<HistoryEvent>), String> {
        let arn = ExecutionArn(Arc::clone(&start_with.identity.execution_arn));
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let birth = Birth { revision: "1".into(), ..Birth::default() };
        let started = start(self, &self.store.definition, start_with, birth, self.clock().now()).await;
        let mut drove = started.map_err(|error| text(&error))?;
        let mut stop = run.stop.as_ref();
        for _ in 0..DRIVES_MAX {
            if let Some(failure) = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Err(failure);
            }
            match drove {
                Drove::Finished => return self.ended(&arn).await,
                Drove::Unknown => return Err("the execution is gone".to_owned()),
                Drove::Waiting(_) | Drove::HandedOver | Drove::Unfinished => {}
            }
            drove = drive(self, &arn).await.map_err(|error| text(&error))?;
            let Drove::Waiting(until) = drove else { continue };
            if let Some(stop) = stop.take() {
                let happened =
                    Happened { at: self.clock.now(), event: Event::Stop { error: subject::error(&stop.error, &stop.cause) } };
                match deliver(self, &arn, "stop", happened).await.map_err(|error| text(&error))? {
                    Delivered::Applied => drove = Drove::Finished,
                    other => return Err(format!("a stop was {other:?}")),
                }
            } else {
                self.clock.advance_to(until);
            }
        }
        Err("the execution does not end".to_owned())
    }

    /// The execution as it is stored, and its history in pages, which must be the same from both ends.
    async fn ended(&self, arn: &ExecutionArn) -> Result<(Execution, Vec<HistoryEvent>), String> {
        let journal = &self.store.journal;
        let loaded = journal.load(arn, self.clock.now()).await.map_err(|error| error.to_string())?.ok_or("it is gone")?;
        let execution = Execution::restore(&self.store.definition, &loaded.checkpoint).map_err(|error| error.to_string())?;
        let mut pages = [Vec::new(), Vec::new()];
        for (backwards, events) in [false, true].into_iter().zip(&mut pages) {
            let mut from = if backwards { u64::MAX } else { 1 };
            loop {
                let page = journal.history(arn, from, 7, backwards, self.clock.now()).await.map_err(|error| error.to_string())?;
                let page = page.ok_or("its history is gone")?;
                let Some(last) = page.last().map(|event| event.id.0) else { break };
                events.extend(page);
                from = if backwards { last - 1 } else { last + 1 };
            }
        }
        let [forwards, mut backwards] = pages;
        backwards.reverse();
        let texts = |events: &[HistoryEvent]| events.iter().map(HistoryEvent::to_json).collect::<Vec<_>>();
        if texts(&forwards) != texts(&backwards) {
            return Err(format!("the history is another backwards: {:#?}\n{:#?}", texts(&forwards), texts(&backwards)));
        }
        Ok((execution, forwards))
    }
}

impl Host for World {
    type Store = Checked;

    fn store(&self) -> &Checked {
        &self.store
    }

    fn wakes(&self) -> &impl WakeQueue {
        self
    }

    fn tasks(&self) -> &impl Tasks {
        self
    }

    fn clock(&self) -> &impl Clock {
        &self.clock
    }

    async fn definition(&self, _revision: &str) -> Result<Arc<Definition>, StoreError> {
        Ok(Arc::clone(&self.store.definition))
    }

    async fn missing_activities(&self, _activities: Vec<Arc<str>>) -> Result<Vec<Arc<str>>, StoreError> {
        Ok(self.missing_activity.iter().cloned().collect())
    }

    async fn sleep_until(&self, until: Timestamp) {
        self.clock.advance_to(until);
    }

    fn budget(&self) -> Budget {
        Budget { steps: 1 }
    }
}

impl WakeQueue for World {
    async fn wake(&self, _execution: &ExecutionArn, _after: Duration) -> Result<(), QueueError> {
        Ok(())
    }
}

impl Tasks for World {
    fn is_waited_for(&self, _task: &StartTask) -> bool {
        true
    }

    fn lease(&self, _task: &StartTask, _now: Timestamp) -> Timestamp {
        Timestamp(i64::MAX / 2)
    }

    async fn start<'t>(
        &'t self,
        _execution: &Identity,
        task: Box<StartTask>,
        _lease: Timestamp,
    ) -> Result<Option<Answer<'t>>, QueueError> {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        let at = script.iter().position(|script| subject::answers(script, &task));
        let events = match at.and_then(|at| script.remove(at)) {
            Some(script) => subject::events_of(&script, task.task),
            None => Err(format!("no outcome was recorded for a task of state `{}`", task.state)),
        };
        let events = events.unwrap_or_else(|failure| {
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
            Vec::new()
        });
        let at = self.clock.now();
        let is_answered = !events.iter().all(|event| matches!(event, Event::TaskStarted { .. }));
        let happened: Vec<Happened> = events.into_iter().map(|event| Happened { at, event }).collect();
        let answer: Answer<'t> = match (is_answered, happened.is_empty()) {
            (true, _) | (false, false) => Box::pin(ready(happened.into())),
            (false, true) => Box::pin(pending()),
        };
        Ok(Some(answer))
    }

    async fn cancel(&self, _execution: &Identity, _task: TaskId) -> Result<(), QueueError> {
        Ok(())
    }

    fn after_crash(&self, _task: &StartTask) -> AfterCrash {
        AfterCrash::Repeat
    }
}

/// A journal that is read after each commit, and must give the execution that was committed.
struct Checked {
    journal: Journal<MemoryTable>,
    definition: Arc<Definition>,
}

impl Store for Checked {
    type Place = Place;

    async fn load(&self, execution: &ExecutionArn, now: Timestamp) -> Result<Option<Loaded<Place>>, StoreError> {
        self.journal.load(execution, now).await
    }

    async fn commit(&self, arn: &ExecutionArn, place: Option<Place>, commit: Commit<'_>) -> Result<Place, CommitError> {
        let (ledger, now, wanted) = (commit.ledger.clone(), commit.now, (commit.checkpoint)());
        let place = self.journal.commit(arn, place, commit).await?;
        let loaded =
            self.journal.load(arn, now).await?.ok_or_else(|| StoreError::Unavailable("what was committed is gone".to_owned()))?;
        let found =
            Execution::restore(&self.definition, &loaded.checkpoint).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let found = found.checkpoint(&self.definition);
        if found != wanted || loaded.ledger != ledger {
            return Err(StoreError::Unavailable(format!(
                "committed: {wanted:#?} {ledger:?}\nloaded: {found:#?} {:?}",
                loaded.ledger
            ))
            .into());
        }
        Ok(place)
    }

    async fn post(&self, execution: &ExecutionArn, entry: InboxEntry) -> Result<(), StoreError> {
        self.journal.post(execution, entry).await
    }

    async fn remind(&self, execution: &ExecutionArn, at: Timestamp) -> Result<(), StoreError> {
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
