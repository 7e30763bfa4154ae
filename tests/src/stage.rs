//! A host for tests of the API: the engine over a table in memory, and a clock that goes on only when told to.
//!
//! Every request is answered at one moment of the clock, which is a millisecond later than the one before. An execution goes as far as
//! it can at that moment; [`Stage::settle`] lets its time pass. Its tasks answer as a closure says; those of activities wait for workers.
#![expect(clippy::expect_used, reason = "made for tests: a panic is how they fail")]

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use statewright_engine::api::{Api, ApiError, Caller, NewExecution, Operation, Reply};
use statewright_engine::journal::{Journal, Settings};
use statewright_engine::table::{MemoryTable, Table};
use statewright_engine::{
    AfterCrash, Answer, Clock, Drove, Engine, EngineSettings, ExecutionArn, ExpressQueue, Happened, Heard, LogRecords, LogSink,
    QueueError, Tasks, VirtualClock, WakeQueue, drive, operator,
};
use statewright_interpreter::command::StartTask;
use statewright_interpreter::event::{Event, TaskId};
use statewright_interpreter::execution::Identity;
use statewright_interpreter::history::HistoryEvent;
use statewright_interpreter::inputs::Draws;
use statewright_interpreter::time::Timestamp;

use crate::play::START;

/// What the world does with a task.
pub type Answers = Box<dyn FnMut(&StartTask) -> Vec<Event> + Send>;

/// The engine as tests have it.
pub type Keeper = Engine<MemoryTable, Queues, Workers, Arc<VirtualClock>, Queues>;

/// A host.
pub struct Stage {
    /// Where everything is kept.
    pub table: Arc<MemoryTable>,
    /// The time.
    pub clock: Arc<VirtualClock>,
    draws: AtomicU64,
    queues: Queues,
    /// The last events of Express executions.
    express: Mutex<BTreeMap<Arc<str>, HistoryEvent>>,
    logged: Logged,
    engine: Keeper,
}

/// What was logged.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<LogRecords>>>);

impl LogSink for Logged {
    fn take(&self, records: LogRecords) -> Heard<'_> {
        lock(&self.0).push(records);
        self.flush()
    }

    fn flush(&self) -> Heard<'_> {
        Box::pin(ready(()))
    }
}

/// What waits to be looked at.
#[derive(Clone, Default)]
pub struct Queues {
    woken: Arc<Mutex<Vec<ExecutionArn>>>,
    launched: Arc<Mutex<Vec<NewExecution>>>,
}

/// Whoever does the tasks.
pub struct Workers {
    clock: Arc<VirtualClock>,
    answers: Mutex<Option<Answers>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl WakeQueue for Queues {
    /// Only what is to be done at once; for the rest, time is let pass.
    async fn wake(&self, execution: &ExecutionArn, after: Duration) -> Result<(), QueueError> {
        if after.is_zero() {
            lock(&self.woken).push(execution.clone());
        }
        Ok(())
    }
}

impl ExpressQueue for Queues {
    async fn launch(&self, new: &NewExecution) -> Result<(), QueueError> {
        lock(&self.launched).push(new.clone());
        Ok(())
    }
}

impl Tasks for Workers {
    fn is_waited_for(&self, _task: &StartTask) -> bool {
        true
    }

    fn lease(&self, _task: &StartTask, now: Timestamp) -> Timestamp {
        now.plus_seconds(60)
    }

    async fn start<'t>(
        &'t self,
        _execution: &Identity,
        task: Box<StartTask>,
        _lease: Timestamp,
    ) -> Result<Option<Answer<'t>>, QueueError> {
        let events = match lock(&self.answers).as_mut() {
            Some(answers) => answers(&task),
            None => vec![Event::TaskStarted { task: task.task, worker_name: None }],
        };
        let at = self.clock.now();
        let happened: Vec<_> = events.into_iter().map(|event| Happened { at, event }).collect();
        Ok(Some(Box::pin(ready(happened.into()))))
    }

    async fn cancel(&self, _execution: &Identity, _task: TaskId) -> Result<(), QueueError> {
        Ok(())
    }

    fn after_crash(&self, _task: &StartTask) -> AfterCrash {
        AfterCrash::Repeat
    }
}

impl Default for Stage {
    fn default() -> Self {
        Self::over(Arc::new(MemoryTable::default()), Arc::new(VirtualClock::new(START)), 1)
    }
}

impl Stage {
    fn over(table: Arc<MemoryTable>, clock: Arc<VirtualClock>, writer: u64) -> Self {
        let queues = Queues::default();
        let workers = Workers { clock: Arc::clone(&clock), answers: Mutex::default() };
        // Nobody is kept waiting: what is not there does not come while a request is answered.
        let settings = EngineSettings { activity_wait: Duration::ZERO, ..EngineSettings::default() };
        let journal = Journal::new(Arc::clone(&table), Settings::default(), writer);
        let logged = Logged::default();
        let engine = Engine::new(journal, queues.clone(), workers, Arc::clone(&clock), queues.clone(), settings)
            .logged_to(Box::new(logged.clone()));
        Self { table, clock, draws: AtomicU64::new(0), queues, express: Mutex::default(), logged, engine }
    }

    /// Another process of the same host, which has nothing in its memory yet.
    #[must_use]
    pub fn restarted(&self) -> Self {
        let draws = AtomicU64::new(self.draws.load(Ordering::Relaxed) + 1000);
        Self { draws, ..Self::over(Arc::clone(&self.table), Arc::clone(&self.clock), 2) }
    }

    /// A host whose tasks answer like this. Without it they are started, and stay open.
    #[must_use]
    pub fn with_tasks(answers: Answers) -> Self {
        let stage = Self::default();
        stage.answer_tasks(answers);
        stage
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Keeper {
        &self.engine
    }

    /// Lets tasks answer like this from now on.
    pub fn answer_tasks(&self, answers: Answers) {
        *lock(&self.engine.others().answers) = Some(answers);
    }

    /// The API over a table, and whoever calls it, a moment later than the last call. What was woken by it goes on at the same moment.
    fn at_once<T: Table, A>(&self, table: &T, call: impl AsyncFnOnce(Api<'_, T, Keeper>, &Caller<'_>) -> A) -> A {
        self.clock.advance_to(self.clock.now().plus_millis(1));
        let random = || {
            let draws = Draws::new(1, self.draws.fetch_add(1, Ordering::Relaxed));
            u128::from(draws.next_u64()) << 64 | u128::from(draws.next_u64())
        };
        let now = self.clock.now();
        let caller =
            Caller { partition: "aws", region: "us-east-1", account: "111111111111", now, random: &random, verified: None };
        let answer = pollster::block_on(call(Api { table, executions: &self.engine }, &caller));
        self.go_on();
        answer
    }

    /// Drives what was woken, and runs what was launched.
    fn go_on(&self) {
        loop {
            let (woken, launched) =
                (std::mem::take(&mut *lock(&self.queues.woken)), std::mem::take(&mut *lock(&self.queues.launched)));
            if woken.is_empty() && launched.is_empty() {
                break;
            }
            for arn in woken {
                match pollster::block_on(drive(&self.engine, &arn)) {
                    // A function puts its wake-up off.
                    Err(newer) if newer.is_newer() => {}
                    driven => drop(driven.expect("memory does not fail")),
                }
            }
            for new in launched {
                let (_, events) = pollster::block_on(self.engine.run_express(&new, false)).expect("memory does not fail");
                let last = events.into_iter().next_back().expect("it has ended");
                lock(&self.express).insert(new.identity.execution_arn, last);
            }
        }
    }

    /// Calls an operation.
    ///
    /// # Errors
    /// What the API answers instead.
    pub fn call(&self, operation: Operation, request: &Value) -> Result<Value, ApiError> {
        self.call_over(&*self.table, operation, request)
    }

    /// Calls an operation over another view of the table.
    ///
    /// # Errors
    /// What the API answers instead.
    pub fn call_over(&self, table: &impl Table, operation: Operation, request: &Value) -> Result<Value, ApiError> {
        let answer = self.at_once(table, async |api, caller| api.call(operation, &request.to_string(), caller).await)?;
        Ok(serde_json::from_str(&answer).expect("an answer is JSON"))
    }

    /// Sends a request as it comes over HTTP, to the API or to operators' operations.
    pub fn send(&self, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.at_once(&*self.table, async |api, caller| {
            let headers = || headers.iter().copied();
            match operator::respond(&self.engine, headers(), body, caller).await {
                Some(reply) => reply,
                None => api.respond(headers(), body, caller).await,
            }
        })
    }

    /// Lets time pass until an execution has ended.
    pub fn settle(&self, execution_arn: &str) {
        let arn = ExecutionArn(execution_arn.into());
        while let Drove::Waiting(until) = pollster::block_on(drive(&self.engine, &arn)).expect("memory does not fail") {
            self.clock.advance_to(until);
        }
    }

    /// What was logged since the last time.
    pub fn logged(&self) -> Vec<LogRecords> {
        std::mem::take(&mut *lock(&self.logged.0))
    }

    /// The last event of an execution, as the history shows it.
    pub fn last_event(&self, execution_arn: &str) -> Option<Value> {
        let arn = ExecutionArn(execution_arn.into());
        let events = self.engine.journal().history(&arn, u64::MAX, 1, true, self.clock.now());
        let kept = pollster::block_on(events).expect("memory does not fail").and_then(|mut events| events.pop());
        let event = kept.or_else(|| lock(&self.express).get(execution_arn).cloned())?;
        serde_json::from_str(&event.to_json()).ok()
    }
}
