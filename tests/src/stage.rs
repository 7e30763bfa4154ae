//! A host for tests of the API: a table in memory, executions in memory, and a clock that goes on only when told to.
//!
//! Every request is answered at one moment of the clock, which is a millisecond later than the one before. An execution goes as far as
//! it can at that moment; [`Stage::settle`] lets its time pass. Its tasks answer as a closure says; those of activities wait for workers.
#![expect(clippy::expect_used, reason = "made for tests: a panic is how they fail")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use statewright_engine::api::{
    ActivityTask, Api, ApiError, Caller, ExecutionQuery, ExecutionRecord, ExecutionRow, ExecutionRows, Executions, HistoryQuery,
    ListedStatus, NewExecution, Operation, Reply, Started, Told, definition,
};
use statewright_engine::table::{MemoryTable, Table};
use statewright_engine::{Clock, VirtualClock};
use statewright_interpreter::command::{Command, Output, StartTask};
use statewright_interpreter::definition::{Definition, MachineType, Options, Resource};
use statewright_interpreter::event::{Event, Handled, TaskId};
use statewright_interpreter::execution::{Execution, Progress, Start, TaskToken};
use statewright_interpreter::history::{ErrorDetails, HistoryEvent};
use statewright_interpreter::inputs::Draws;
use statewright_interpreter::quota::Quotas;
use statewright_interpreter::time::Timestamp;

use crate::play::START;

/// What the world does with a task.
pub type Answers = Box<dyn FnMut(&StartTask) -> Vec<Event> + Send>;

/// Tasks of activities, by the activity's ARN: of which execution, which attempt, and what the worker gets.
type Waiting = BTreeMap<Arc<str>, Vec<(Arc<str>, TaskId, ActivityTask)>>;

/// A host.
pub struct Stage {
    /// Where state machines and activities are kept.
    pub table: MemoryTable,
    /// The time.
    pub clock: VirtualClock,
    draws: AtomicU64,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    executions: BTreeMap<Arc<str>, Run>,
    answers: Option<Answers>,
    /// Those that nobody has asked for.
    waiting: Waiting,
}

struct Run {
    /// In which order they were started.
    number: usize,
    definition: Definition,
    execution: Execution,
    events: Vec<HistoryEvent>,
    new: NewExecution,
}

impl Default for Stage {
    fn default() -> Self {
        Self { table: MemoryTable::default(), clock: VirtualClock::new(START), draws: AtomicU64::new(0), kept: Mutex::default() }
    }
}

impl Stage {
    /// A host whose tasks answer like this. Without it they are started, and stay open.
    #[must_use]
    pub fn with_tasks(answers: Answers) -> Self {
        let stage = Self::default();
        stage.kept().answers = Some(answers);
        stage
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets tasks answer like this from now on.
    pub fn answer_tasks(&self, answers: Answers) {
        self.kept().answers = Some(answers);
    }

    /// The API over a table, and whoever calls it, a moment later than the last call.
    fn at_once<T: Table, A>(&self, table: &T, call: impl AsyncFnOnce(Api<'_, T, Self>, &Caller<'_>) -> A) -> A {
        self.clock.advance_to(self.clock.now().plus_millis(1));
        let random = || {
            let draws = Draws::new(1, self.draws.fetch_add(1, Ordering::Relaxed));
            u128::from(draws.next_u64()) << 64 | u128::from(draws.next_u64())
        };
        let now = self.clock.now();
        let caller = Caller { partition: "aws", region: "us-east-1", account: "111111111111", now, random: &random };
        pollster::block_on(call(Api { table, executions: self }, &caller))
    }

    /// Calls an operation.
    ///
    /// # Errors
    /// What the API answers instead.
    pub fn call(&self, operation: Operation, request: &Value) -> Result<Value, ApiError> {
        self.call_over(&self.table, operation, request)
    }

    /// Calls an operation over another view of the table.
    ///
    /// # Errors
    /// What the API answers instead.
    pub fn call_over(&self, table: &impl Table, operation: Operation, request: &Value) -> Result<Value, ApiError> {
        let answer = self.at_once(table, async |api, caller| api.call(operation, &request.to_string(), caller).await)?;
        Ok(serde_json::from_str(&answer).expect("an answer is JSON"))
    }

    /// Sends a request as it comes over HTTP.
    pub fn send(&self, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.at_once(&self.table, async |api, caller| api.respond(headers.iter().copied(), body, caller).await)
    }

    /// Lets time pass until an execution has ended, or nothing but its own time-out would end it.
    pub fn settle(&self, execution_arn: &str) {
        let mut kept = self.kept();
        let Kept { executions, answers, waiting } = &mut *kept;
        let Some(run) = executions.get_mut(execution_arn) else { return };
        while let Some(deadline) = run.execution.deadline() {
            self.clock.advance_to(deadline);
            let mut out = Output::default();
            let _ = run.execution.handle_timeout(&run.definition, self.clock.now(), &mut out);
            run.go_on(out, answers, waiting, self.clock.now());
        }
    }

    /// The last event of an execution, as the history shows it.
    pub fn last_event(&self, execution_arn: &str) -> Option<Value> {
        let event = self.kept().executions.get(execution_arn)?.events.last()?.to_json();
        serde_json::from_str(&event).ok()
    }

    async fn begin(&self, new: NewExecution, synchronous: bool) -> Result<Option<Started>, ApiError> {
        let stored = definition(&self.table, &new.revision).await?;
        let stored = stored.ok_or_else(|| ApiError::internal("the definition is missing"))?;
        let options = Options { machine_type: stored.machine_type, ..Options::default() };
        let parsed = Definition::parse(&stored.text, &options).map_err(|found| ApiError::internal(format!("{found:?}")))?;
        let mut kept = self.kept();
        let Kept { executions, answers, waiting } = &mut *kept;
        if let Some(run) = executions.get(&new.identity.execution_arn) {
            let (started, running) = (run.execution.started_at(), !run.execution.status().is_final());
            return Ok(Some(Started::Exists { started, running, same_input: run.new.input.text() == new.input.text() }));
        }
        let quotas = Quotas::aws(new.machine_type == MachineType::Express);
        let start = Start { identity: new.identity.clone(), input: new.input.clone(), seed: new.seed, quotas };
        let mut out = Output::default();
        let mut execution = Execution::start(&parsed.definition, start, new.now, &mut out);
        if synchronous {
            execution.set_synchronous();
        }
        let now = new.now;
        let arn = Arc::clone(&new.identity.execution_arn);
        let mut run = Run { number: executions.len(), definition: parsed.definition, execution, events: Vec::new(), new };
        run.go_on(out, answers, waiting, now);
        executions.insert(arn, run);
        Ok(None)
    }
}

impl Run {
    /// Goes on as far as it can at this moment.
    fn go_on(&mut self, mut out: Output, answers: &mut Option<Answers>, waiting: &mut Waiting, now: Timestamp) {
        let mut pending = std::collections::VecDeque::new();
        loop {
            for command in std::mem::take(&mut out.commands) {
                let Command::StartTask(task) = command else { continue };
                match (&task.resource, answers.as_mut()) {
                    (Resource::Activity { arn }, _) => {
                        let token = task.token.clone().expect("a task of an activity has a token");
                        let todo = ActivityTask { token, input: task.parameters.text().into_owned() };
                        let own_arn = Arc::clone(&self.new.identity.execution_arn);
                        waiting.entry(Arc::clone(arn)).or_default().push((own_arn, task.task, todo));
                    }
                    (Resource::Lambda { .. } | Resource::Service { .. }, Some(answers)) => pending.extend(answers(&task)),
                    (Resource::Lambda { .. } | Resource::Service { .. }, None) => {
                        pending.push_back(Event::TaskStarted { task: task.task, worker_name: None });
                    }
                }
            }
            match self.execution.poll(&self.definition, now, &mut out) {
                Progress::Advanced => continue,
                Progress::Finished => break,
                Progress::Blocked => {}
            }
            let Some(event) = pending.pop_front() else { break };
            let _ = self.execution.handle(&self.definition, event, now, &mut out);
        }
        self.events.append(&mut out.events);
    }

    fn stopped(&self) -> Option<Timestamp> {
        self.execution.status().is_final().then(|| self.events.last().map(|event| event.timestamp)).flatten()
    }

    fn record(&self) -> ExecutionRecord {
        let NewExecution { identity, revision, version_arn, alias_arn, trace_header, input, .. } = self.new.clone();
        ExecutionRecord {
            identity,
            revision,
            version_arn,
            alias_arn,
            trace_header,
            input,
            status: self.execution.status().clone(),
            started: self.execution.started_at(),
            stopped: self.stopped(),
            history_events: self.execution.history_events(),
        }
    }

    /// Its place in a list: the newest is the greatest.
    fn place(&self) -> (Timestamp, usize) {
        (self.stopped().unwrap_or(self.execution.started_at()), self.number)
    }
}

impl Executions for Stage {
    async fn start(&self, new: NewExecution) -> Result<Started, ApiError> {
        let now = new.now;
        Ok(self.begin(new, false).await?.unwrap_or(Started::New(now)))
    }

    async fn run(&self, new: NewExecution) -> Result<ExecutionRecord, ApiError> {
        let execution_arn = Arc::clone(&new.identity.execution_arn);
        self.begin(new, true).await?;
        self.settle(&execution_arn);
        self.describe(&execution_arn).await?.ok_or_else(|| ApiError::internal("it was run"))
    }

    async fn describe(&self, execution_arn: &str) -> Result<Option<ExecutionRecord>, ApiError> {
        Ok(self.kept().executions.get(execution_arn).map(Run::record))
    }

    async fn list(&self, query: &ExecutionQuery) -> Result<ExecutionRows, ApiError> {
        let kept = self.kept();
        let status = |run: &Run| ListedStatus::from(run.execution.status());
        let fits = |run: &&Run| {
            *run.new.identity.state_machine_name == *query.machine
                && query.status.is_none_or(|asked| asked == status(run))
                && query.version_arn.as_deref().is_none_or(|asked| run.new.version_arn.as_deref() == Some(asked))
        };
        let mut runs: Vec<&Run> = kept.executions.values().filter(fits).collect();
        runs.sort_by_key(|run| std::cmp::Reverse(run.place()));
        let spelled = |run: &Run| format!("{} {}", run.place().0.0, run.place().1);
        let behind = query
            .after
            .as_ref()
            .map_or(0, |after| runs.iter().position(|run| spelled(run) == *after).map_or(runs.len(), |position| position + 1));
        let rest = runs.split_off(behind);
        let more = rest.len() > query.limit;
        let shown = rest.get(..query.limit).unwrap_or(&rest);
        let row = |run: &&Run| ExecutionRow {
            execution_arn: Arc::clone(&run.new.identity.execution_arn),
            name: Arc::clone(&run.new.identity.execution_name),
            status: status(run),
            started: run.execution.started_at(),
            stopped: run.stopped(),
            version_arn: run.new.version_arn.clone(),
            alias_arn: run.new.alias_arn.clone(),
        };
        let next = shown.last().filter(|_| more).map(|run| spelled(run));
        Ok(ExecutionRows { rows: shown.iter().map(row).collect(), next })
    }

    async fn is_running(&self, machine: &str) -> Result<bool, ApiError> {
        let runs = |run: &Run| *run.new.identity.state_machine_name == *machine && !run.execution.status().is_final();
        Ok(self.kept().executions.values().any(runs))
    }

    async fn history(&self, execution_arn: &str, query: HistoryQuery) -> Result<Option<Vec<HistoryEvent>>, ApiError> {
        let kept = self.kept();
        let Some(run) = kept.executions.get(execution_arn) else { return Ok(None) };
        let events = run.events.iter();
        Ok(Some(match query.reverse {
            false => events.filter(|event| event.id.0 >= query.from).take(query.limit).cloned().collect(),
            true => events.rev().filter(|event| event.id.0 <= query.from).take(query.limit).cloned().collect(),
        }))
    }

    async fn stop(&self, execution_arn: &str, error: ErrorDetails, now: Timestamp) -> Result<Told, ApiError> {
        let mut kept = self.kept();
        let Some(run) = kept.executions.get_mut(execution_arn) else { return Ok(Told::Unknown) };
        if run.execution.status().is_final() {
            return Ok(Told::Closed(run.stopped()));
        }
        let mut out = Output::default();
        let _ = run.execution.handle(&run.definition, Event::Stop { error }, now, &mut out);
        run.events.append(&mut out.events);
        Ok(Told::Taken)
    }

    async fn tell(&self, token: &TaskToken, event: Event, now: Timestamp) -> Result<Told, ApiError> {
        let mut kept = self.kept();
        let Kept { executions, answers, waiting } = &mut *kept;
        let Some(run) = executions.get_mut(&token.execution_arn).filter(|run| run.execution.gave_out(token)) else {
            return Ok(Told::Unknown);
        };
        if !run.execution.accepts(token) {
            return Ok(Told::Closed(run.stopped()));
        }
        let mut out = Output::default();
        let _ = run.execution.handle(&run.definition, event, now, &mut out);
        run.go_on(out, answers, waiting, now);
        Ok(Told::Taken)
    }

    async fn next_activity_task(&self, activity_arn: &str, worker_name: Option<&str>) -> Result<Option<ActivityTask>, ApiError> {
        let mut kept = self.kept();
        let Kept { executions, answers, waiting } = &mut *kept;
        while let Some(queue) = waiting.get_mut(activity_arn).filter(|queue| !queue.is_empty()) {
            let (execution_arn, task, todo) = queue.remove(0);
            let Some(run) = executions.get_mut(&execution_arn) else { continue };
            let mut out = Output::default();
            let started = Event::TaskStarted { task, worker_name: worker_name.map(Arc::from) };
            let handled = run.execution.handle(&run.definition, started, self.clock.now(), &mut out);
            run.go_on(out, answers, waiting, self.clock.now());
            if handled == Handled::Applied {
                return Ok(Some(todo));
            }
        }
        Ok(None)
    }
}
