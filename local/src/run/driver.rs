//! The loop that runs executions: one, and those nested in it.
//!
//! Everything happens in rounds of the engine's [`advance`]. Programs run in real time on the side; virtual time goes on, to the
//! earliest deadline of any execution, only when no program runs and nothing else is left to do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use statewright_engine::{Budget, Clock, Happened, SystemClock, VirtualClock, advance};
use statewright_interpreter::Value;
use statewright_interpreter::command::{Command, Output, StartTask};
use statewright_interpreter::definition::{Pattern, Resource};
use statewright_interpreter::event::{Event, FailedStage, TaskId};
use statewright_interpreter::execution::{Execution, Progress, Start, Status, TaskToken};
use statewright_interpreter::history::{ErrorDetails, EventDetails, HistoryEvent};
use statewright_interpreter::inputs::Draws;
use statewright_interpreter::payload::Document;
use statewright_interpreter::time::Timestamp;

use super::answer::Outcome;
use super::auto_mock::AutoMock;
use super::command::{Finished, Program, Running};
use super::envelope::{self, Ids};
use super::interrupt::Interrupt;
use super::machine;
use super::mock::Mocks;
use super::settings::{Settings, execution_arn, machine_arn};
use crate::cli::ClockArg;
use crate::duration::human;
use crate::machine::{Machine, check_name};
use crate::refusal::Refusal;
use crate::report::Ended;
use crate::screen::{Paint, Screen};
use crate::tree::Tree;

/// How long to sleep at most before looking for Ctrl-C and showing progress again.
const PATIENCE: Duration = Duration::from_millis(50);
/// How deep executions may be nested: a machine may start itself.
const NESTING_MAX: usize = 20;

/// Runs executions.
pub(crate) struct Driver<'s> {
    settings: &'s Settings,
    screen: &'s Screen,
    interrupt: Interrupt,
    clock: RunClock,
    runs: Vec<Run<'s>>,
    programs: BTreeMap<u64, RunningProgram>,
    programs_started: u64,
    finished: (Sender<Finished>, Receiver<Finished>),
    /// How often each rule of `--task` was used.
    used_rules: Vec<u64>,
    /// How often each `--machine` was used.
    used_machines: Vec<u64>,
    interrupted: bool,
    events: Vec<HistoryEvent>,
    stopped: Option<Stopped>,
    /// When the execution ended. Others that it started may go on.
    ended_at: Option<Timestamp>,
    /// The trees of executions that were started and not waited for.
    detached: Vec<String>,
    started: Instant,
}

/// The time.
enum RunClock {
    Virtual(VirtualClock),
    Real { behind: i64 },
}

impl RunClock {
    fn now(&self) -> Timestamp {
        match self {
            Self::Virtual(clock) => clock.now(),
            Self::Real { behind } => Timestamp(SystemClock.now().0.saturating_sub(*behind)),
        }
    }
}

/// An execution that runs.
struct Run<'s> {
    machine: &'s Machine,
    mocks: Option<&'s Mocks>,
    auto_mock: Option<AutoMock<'s>>,
    execution: Execution,
    /// What came of starting it, until its first round.
    begun: Option<Output>,
    inbox: Vec<Happened>,
    /// How often each state was invoked.
    invocations: BTreeMap<Arc<str>, u32>,
    /// The task that started it.
    parent: Option<Parent>,
    /// How deep it is nested.
    depth: usize,
    finished: bool,
    tree: Tree<'s>,
    draws: Draws,
}

#[derive(Clone, Copy)]
struct Parent {
    run: usize,
    task: TaskId,
    pattern: Pattern,
}

struct RunningProgram {
    run: usize,
    task: TaskId,
    running: Running,
    lambda_invoke: bool,
}

/// Where the run was to stop.
struct Stopped {
    after: String,
    output: Document,
    at: Timestamp,
}

/// How a task is answered.
enum Answer {
    /// At once.
    Ready(Outcome),
    /// By a program, of the rule with this number.
    Program(usize),
    /// By an execution of the `--machine` with this number.
    Nested(usize),
}

impl<'s> Driver<'s> {
    /// A driver with the execution started.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn new(settings: &'s Settings, screen: &'s Screen, interrupt: Interrupt) -> Result<Self, Refusal> {
        let clock = match settings.clock {
            ClockArg::Virtual => RunClock::Virtual(VirtualClock::new(settings.start_time)),
            ClockArg::Real => RunClock::Real { behind: SystemClock.now().0.saturating_sub(settings.start_time.0) },
        };
        let mut driver = Self {
            settings,
            screen,
            interrupt,
            clock,
            runs: Vec::new(),
            programs: BTreeMap::new(),
            programs_started: 0,
            finished: mpsc::channel(),
            used_rules: vec![0; settings.rules.len()],
            used_machines: vec![0; settings.nested.len()],
            interrupted: false,
            events: Vec::new(),
            stopped: None,
            ended_at: None,
            detached: Vec::new(),
            started: Instant::now(),
        };
        let auto_mock = settings.auto_mock.then(|| AutoMock::new(&settings.machine.definition));
        let input = driver.input(auto_mock.as_ref());
        let start = Start { identity: settings.identity.clone(), input, seed: settings.seed, quotas: settings.quotas };
        driver.start(&settings.machine, settings.mocks.as_ref(), auto_mock, start, None);
        Ok(driver)
    }

    /// The input that was given, or what is made up for it.
    fn input(&self, auto_mock: Option<&AutoMock<'_>>) -> Document {
        if let Some(input) = &self.settings.input {
            return input.clone();
        }
        let Some(auto_mock) = auto_mock else { return Value::empty_object().into() };
        let made_up = auto_mock.input(self.settings.start_time);
        if !self.settings.quiet {
            if made_up != Value::empty_object() {
                self.screen.note(&format!("--auto-mock: made up the input {made_up}"));
            }
            if let Some(reader) = auto_mock.reader_in_jsonata() {
                self.screen.note(&format!(
                    "--auto-mock: nothing is made up for expressions in JSONata, and `{reader}` reads the input, which is {made_up}; \
                     give it with `--input`"
                ));
            }
        }
        made_up.into()
    }

    fn start(
        &mut self,
        machine: &'s Machine,
        mocks: Option<&'s Mocks>,
        auto_mock: Option<AutoMock<'s>>,
        start: Start,
        parent: Option<Parent>,
    ) {
        let number = self.runs.len() as u64;
        let draws = Draws::new(start.seed, u64::MAX - number);
        let depth = parent.and_then(|parent| self.runs.get(parent.run)).map_or(0, |run| run.depth + 1);
        let mut begun = Output::default();
        let execution = Execution::start(&machine.definition, start, self.clock.now(), &mut begun);
        self.runs.push(Run {
            machine,
            mocks,
            auto_mock,
            execution,
            begun: Some(begun),
            inbox: Vec::new(),
            invocations: BTreeMap::new(),
            parent,
            depth,
            finished: false,
            tree: Tree::new(&machine.definition, self.settings.verbose),
            draws,
        });
    }

    /// Runs everything to its end.
    ///
    /// # Errors
    /// When a task cannot be answered.
    pub(crate) fn run(mut self) -> Result<(Ended, Vec<HistoryEvent>), Refusal> {
        let result = self.run_all();
        for program in self.programs.values() {
            program.running.end();
        }
        if let Err(refusal) = result {
            // How far it came helps to see why it goes no further.
            if let Some(root) = self.runs.first_mut() {
                root.tree.stop();
            }
            self.show_tree();
            self.show_detached();
            return Err(refusal);
        }
        self.ended()
    }

    fn run_all(&mut self) -> Result<(), Refusal> {
        while !self.is_over() {
            self.show_progress();
            if self.interrupt.happened() && !self.interrupted {
                self.interrupted = true;
                for run in 0..self.runs.len() {
                    self.post(run, Event::Stop { error: ErrorDetails::default() });
                }
            }
            if self.advance()? {
                continue;
            }
            match (&self.clock, self.programs.is_empty()) {
                (RunClock::Virtual(clock), true) => match self.deadline() {
                    Some(deadline) => clock.advance_to(deadline),
                    None => return Err(Refusal::new("the execution waits for nothing: this is a bug of statewright")),
                },
                (RunClock::Virtual(_), false) => self.wait(PATIENCE),
                (RunClock::Real { .. }, _) => {
                    let left = self.deadline().map_or(i64::MAX, |deadline| deadline.0.saturating_sub(self.clock.now().0));
                    self.wait(PATIENCE.min(Duration::from_millis(u64::try_from(left).unwrap_or(0))));
                }
            }
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.stopped.is_some() || self.runs.iter().all(|run| run.finished)
    }

    /// The earliest deadline of any execution.
    fn deadline(&self) -> Option<Timestamp> {
        self.runs.iter().filter(|run| !run.finished).filter_map(|run| run.execution.deadline()).min()
    }

    /// Waits for a program to end.
    fn wait(&mut self, at_most: Duration) {
        match self.finished.1.recv_timeout(at_most) {
            Ok(finished) => self.program_ended(finished),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        while let Ok(finished) = self.finished.1.try_recv() {
            self.program_ended(finished);
        }
    }

    fn program_ended(&mut self, finished: Finished) {
        let Some(program) = self.programs.remove(&finished.number) else { return };
        let outcome = match finished.outcome {
            Outcome::Succeeded(document) if program.lambda_invoke => {
                let Some(run) = self.runs.get(program.run) else { return };
                Outcome::Succeeded(envelope::lambda(document.value().clone(), &Ids::new(&run.draws)).into())
            }
            outcome => outcome,
        };
        self.post_outcome(program.run, program.task, outcome);
    }

    /// Lets every execution that can go on do so. Whether one could.
    fn advance(&mut self) -> Result<bool, Refusal> {
        let mut advanced = false;
        for run in 0..self.runs.len() {
            advanced |= self.round(run)?;
            if self.stopped.is_some() {
                break;
            }
        }
        Ok(advanced)
    }

    fn round(&mut self, at: usize) -> Result<bool, Refusal> {
        let now = self.clock.now();
        let Some(run) = self.runs.get_mut(at).filter(|run| !run.finished) else { return Ok(false) };
        let due = run.execution.deadline().is_some_and(|deadline| deadline <= now);
        let begun = run.begun.take();
        if begun.is_none() && run.inbox.is_empty() && !due && !run.execution.is_ready() {
            return Ok(false);
        }
        let inbox = std::mem::take(&mut run.inbox);
        let mut round = begun.unwrap_or_default();
        let advanced = advance(&mut run.execution, &run.machine.definition, inbox, now, Budget::default(), &mut round);
        // Nothing is stored.
        run.execution.discard_changes();
        if at == 0
            && let Some(until) = self.settings.until.as_deref()
            && let Some((index, stopped)) = stops(&round.events, until)
        {
            round.events.truncate(index + 1);
            round.commands.clear();
            self.stopped = Some(stopped);
        }
        for event in &round.events {
            run.tree.observe(event);
        }
        run.finished = advanced.progress == Progress::Finished;
        let (finished, parent) = (run.finished, run.parent);
        if at == 0 && self.settings.history {
            self.events.append(&mut round.events);
        }
        for command in round.commands {
            match command {
                Command::StartTask(task) => self.start_task(at, &task)?,
                Command::CancelTask { task } => self.cancel(at, task),
            }
        }
        if at == 0 {
            self.show_tree();
        }
        if finished {
            if at == 0 {
                self.ended_at = Some(now);
            }
            self.execution_ended(at, parent);
        }
        Ok(true)
    }

    fn post(&mut self, run: usize, event: Event) {
        let at = self.clock.now();
        if let Some(run) = self.runs.get_mut(run).filter(|run| !run.finished) {
            run.inbox.push(Happened { at, event });
        }
    }

    fn post_outcome(&mut self, run: usize, task: TaskId, outcome: Outcome) {
        match outcome {
            Outcome::Succeeded(output) => self.post(run, Event::TaskSucceeded { task, output }),
            Outcome::Failed(error) => self.post(run, Event::TaskFailed { task, stage: FailedStage::Running, error }),
            Outcome::Silence => {}
        }
    }

    fn start_task(&mut self, at: usize, task: &StartTask) -> Result<(), Refusal> {
        let Some(run) = self.runs.get_mut(at) else { return Ok(()) };
        let invocation = run.invocations.entry(Arc::clone(&task.state)).or_default();
        let attempt = *invocation;
        *invocation += 1;
        let answer = self.answer(at, task, attempt)?;
        self.post(at, Event::TaskStarted { task: task.task, worker_name: None });
        match answer {
            Answer::Ready(outcome) => {
                self.post_submitted(at, task, None);
                self.post_outcome(at, task.task, outcome);
            }
            Answer::Program(rule) => {
                self.post_submitted(at, task, None);
                self.start_program(at, task, attempt, rule);
            }
            Answer::Nested(nested) => self.start_nested(at, task, nested),
        }
        Ok(())
    }

    /// Tells that the call which starts the job, or passes the token on, was answered.
    fn post_submitted(&mut self, at: usize, task: &StartTask, output: Option<Value>) {
        if !envelope::is_submitted(&task.resource) {
            return;
        }
        let Some(run) = self.runs.get(at) else { return };
        let output = output.unwrap_or_else(|| envelope::answer(&task.resource, task.parameters.value(), &Ids::new(&run.draws)));
        self.post(at, Event::TaskSubmitted { task: task.task, output: output.into() });
    }

    /// Who answers a task.
    fn answer(&mut self, at: usize, task: &StartTask, attempt: u32) -> Result<Answer, Refusal> {
        let settings = self.settings;
        let run = self.runs.get(at);
        if let Some(mocks) = run.and_then(|run| run.mocks)
            && let Some(outcome) = mocks.answer(&task.state, attempt)?
        {
            return Ok(Answer::Ready(outcome));
        }
        if let Some(rule) = settings.rules.iter().position(|rule| rule.matches(task)) {
            return Ok(Answer::Program(rule));
        }
        if let Some(nested) = self.nested(task) {
            return Ok(Answer::Nested(nested));
        }
        if let Some(outcome) = self.callback(task) {
            return Ok(Answer::Ready(outcome));
        }
        if let Some(run) = self.runs.get_mut(at)
            && let Some(auto_mock) = &run.auto_mock
        {
            let answer = auto_mock.answer(task, attempt, self.clock.now(), &Ids::new(&run.draws));
            run.tree
                .remark(task.task, format!("made up {}", crate::screen::shortened(&without_metadata(&answer).to_string(), 160)));
            return Ok(Answer::Ready(Outcome::Succeeded(answer.into())));
        }
        Err(unanswered(task, settings))
    }

    fn nested(&self, task: &StartTask) -> Option<usize> {
        let Resource::Service { resource_type, resource, .. } = &task.resource else { return None };
        if &**resource_type != "states" || resource.split('.').next() != Some("startExecution") {
            return None;
        }
        let arn = task.parameters.value().get("StateMachineArn")?.as_str()?;
        self.settings.nested.iter().position(|nested| machine::is_meant(&nested.name, arn))
    }

    /// `SendTaskSuccess` and its like, called by an execution of this run about a task of this run.
    fn callback(&mut self, task: &StartTask) -> Option<Outcome> {
        let Resource::Service { resource_type, resource, .. } = &task.resource else { return None };
        let parameters = task.parameters.value();
        let text = |name: &str| parameters.get(name).and_then(Value::as_str).map(Arc::<str>::from);
        if &**resource_type != "aws-sdk:sfn" {
            return None;
        }
        let token = TaskToken::parse(&text("TaskToken")?)?;
        let target = self.runs.iter().position(|run| run.execution.accepts(&token))?;
        let event = match &**resource {
            "sendTaskSuccess" => {
                let output = match parameters.get("Output")? {
                    Value::String(text) => Document::parse(text).ok()?,
                    value => value.clone().into(),
                };
                Event::TaskSucceeded { task: token.task, output }
            }
            "sendTaskFailure" => {
                let error = ErrorDetails { error: text("Error"), cause: text("Cause") };
                Event::TaskFailed { task: token.task, stage: FailedStage::Running, error }
            }
            "sendTaskHeartbeat" => Event::TaskHeartbeat { task: token.task },
            _ => return None,
        };
        self.post(target, event);
        Some(Outcome::Succeeded(Value::empty_object().into()))
    }

    fn start_program(&mut self, at: usize, task: &StartTask, attempt: u32, rule: usize) {
        let Some(found) = self.settings.rules.get(rule) else { return };
        if let Some(used) = self.used_rules.get_mut(rule) {
            *used += 1;
        }
        let lambda_invoke = matches!(&task.resource, Resource::Service { resource_type, pattern: Pattern::RequestResponse, .. }
            if &**resource_type == "lambda");
        let number = self.programs_started;
        self.programs_started += 1;
        let sender = self.finished.0.clone();
        let program = Program::new(found, task, attempt, self.settings.task_timeout);
        let running = program.start(number, move |finished| {
            // Nobody waits any more when the run is over.
            let _ = sender.send(finished);
        });
        self.programs.insert(number, RunningProgram { run: at, task: task.task, running, lambda_invoke });
    }

    fn start_nested(&mut self, at: usize, task: &StartTask, number: usize) {
        let settings = self.settings;
        let Some(nested) = settings.nested.get(number) else { return };
        if let Some(used) = self.used_machines.get_mut(number) {
            *used += 1;
        }
        let parameters = task.parameters.value();
        let Some(run) = self.runs.get(at) else { return };
        let ids = Ids::new(&run.draws);
        let input = match machine::input(parameters) {
            Ok(input) if run.depth < NESTING_MAX => input,
            Ok(_) => {
                let cause = format!("executions are nested more than {NESTING_MAX} deep");
                return self.post_outcome(at, task.task, Outcome::failed("StepFunctions.SfnException", cause));
            }
            Err(cause) => {
                return self.post_outcome(at, task.task, Outcome::failed("StepFunctions.InvalidExecutionInputException", cause));
            }
        };
        let name = parameters.get("Name").and_then(Value::as_str).filter(|name| check_name(name, "").is_ok());
        let name: Arc<str> = name.map_or_else(|| ids.uuid().into(), Arc::from);
        let (region, account) = (&run.execution.identity().region, &settings.account);
        let machine = &nested.machine;
        let mut identity = settings.identity.clone();
        identity.execution_arn = execution_arn(region, account, &machine.name, &name, settings.machine_type).into();
        identity.state_machine_arn = machine_arn(region, account, &machine.name).into();
        identity.state_machine_name = machine.name.as_str().into();
        identity.execution_name = name;
        let arn = Arc::clone(&identity.execution_arn);
        // Each execution draws its own random numbers.
        let seed = u128::from(run.draws.next_u64()) << 64 | u128::from(run.draws.next_u64());
        let started = machine::started(&arn, self.clock.now());
        let auto_mock = settings.auto_mock.then(|| AutoMock::new(&machine.definition));
        let parent = Parent { run: at, task: task.task, pattern: task.resource.pattern() };
        let start = Start { identity, input, seed, quotas: settings.quotas };
        self.start(machine, nested.mocks.as_ref(), auto_mock, start, Some(parent));
        match task.resource.pattern() {
            Pattern::RequestResponse => self.post_outcome(at, task.task, Outcome::Succeeded(started.into())),
            Pattern::Sync | Pattern::Sync2 | Pattern::WaitForTaskToken => self.post_submitted(at, task, Some(started)),
        }
    }

    /// Nobody wants the task's result any more.
    fn cancel(&mut self, at: usize, task: TaskId) {
        let ended: Vec<u64> = self
            .programs
            .iter()
            .filter(|(_, program)| program.run == at && program.task == task)
            .map(|(number, _)| *number)
            .collect();
        for number in ended {
            if let Some(program) = self.programs.remove(&number) {
                program.running.end();
            }
        }
        let is_child = |run: &Run<'_>| {
            run.parent.is_some_and(|p| p.run == at && p.task == task && matches!(p.pattern, Pattern::Sync | Pattern::Sync2))
        };
        let children: Vec<usize> = self.runs.iter().enumerate().filter(|(_, run)| is_child(run)).map(|(at, _)| at).collect();
        for child in children {
            self.post(child, Event::Stop { error: ErrorDetails::default() });
        }
    }

    /// Tells the task that started it, and shows its tree.
    fn execution_ended(&mut self, at: usize, parent: Option<Parent>) {
        let orphans: Vec<u64> = self.programs.iter().filter(|(_, program)| program.run == at).map(|(number, _)| *number).collect();
        for number in orphans {
            if let Some(program) = self.programs.remove(&number) {
                program.running.end();
            }
        }
        let Some(parent) = parent else { return };
        let Some((before, run)) = self.runs.split_at_mut_checked(at).and_then(|(before, rest)| Some((before, rest.first_mut()?)))
        else {
            return;
        };
        let execution = &run.execution;
        let title = format!("{} {}", run.machine.name, execution.status().as_str());
        let outcome = machine::ended(execution, parent.pattern, self.clock.now());
        match parent.pattern {
            Pattern::Sync | Pattern::Sync2 => {
                if let Some(outer) = before.get_mut(parent.run) {
                    outer.tree.attach(parent.task, title, &mut run.tree, self.screen);
                }
                self.post_outcome(parent.run, parent.task, outcome);
            }
            // Its starter goes on meanwhile, and the lines of the two must not mix.
            Pattern::RequestResponse | Pattern::WaitForTaskToken => {
                let starter = before.get(parent.run).map_or("", |run| &run.machine.name);
                self.detached.push(self.screen.paint(Paint::Strong, &format!("{title} (started by `{starter}`)")));
                self.detached.append(&mut run.tree.take_lines(self.screen));
            }
        }
    }

    fn show_tree(&mut self) {
        let Some(root) = self.runs.first_mut() else { return };
        let lines = root.tree.take_lines(self.screen);
        if !self.settings.quiet {
            for line in lines {
                self.screen.line(&line);
            }
        }
    }

    fn show_progress(&self) {
        if self.settings.quiet {
            return;
        }
        self.screen.progress(|| {
            let root = self.runs.first();
            let place = root.map(|run| run.tree.progress()).unwrap_or_default();
            let passed = self.clock.now().0.abs_diff(self.settings.start_time.0);
            let programs = match self.programs.len() {
                0 => String::new(),
                1 => ", 1 program running".to_owned(),
                count => format!(", {count} programs running"),
            };
            let virtual_time = if matches!(self.clock, RunClock::Virtual(_)) { " of virtual time" } else { "" };
            format!("… {place}, {}{virtual_time}{programs}", human(passed))
        });
    }

    fn show_detached(&mut self) {
        for line in std::mem::take(&mut self.detached) {
            if !self.settings.quiet {
                self.screen.line(&line);
            }
        }
    }

    /// Tells which options had no effect.
    fn show_unused(&self) {
        let settings = self.settings;
        if settings.quiet || self.interrupted {
            return;
        }
        for (rule, _) in settings.rules.iter().zip(&self.used_rules).filter(|(_, used)| **used == 0) {
            self.screen.note(&format!("`--task {}` was not used: no task of this run matched it", rule.text));
        }
        for (nested, _) in settings.nested.iter().zip(&self.used_machines).filter(|(_, used)| **used == 0) {
            self.screen.note(&format!("`--machine {}=…` was not used: nothing started this machine", nested.name));
        }
        if let Some(until) = settings.until.as_deref().filter(|_| self.stopped.is_none()) {
            self.screen.note(&format!("`--until {until}` had no effect: the execution did not get past this state"));
        }
    }

    fn ended(mut self) -> Result<(Ended, Vec<HistoryEvent>), Refusal> {
        let Some(root) = self.runs.first_mut() else { return Err(Refusal::new("nothing was run")) };
        if self.stopped.is_some() {
            root.tree.stop();
        }
        self.show_tree();
        self.show_detached();
        self.show_unused();
        let Some(root) = self.runs.first() else { return Err(Refusal::new("nothing was run")) };
        let execution = &root.execution;
        let (status, output, error) = match (&self.stopped, execution.status()) {
            (Some(stopped), _) => ("SUCCEEDED", Some(stopped.output.clone()), ErrorDetails::default()),
            (None, status @ Status::Succeeded { output }) => {
                (status.as_str(), Some(output.document().clone()), ErrorDetails::default())
            }
            (None, status @ (Status::Failed(error) | Status::Aborted(error))) => (status.as_str(), None, error.clone()),
            (None, status @ (Status::TimedOut | Status::Running)) => (status.as_str(), None, ErrorDetails::default()),
        };
        let ended = Ended {
            identity: execution.identity().clone(),
            status,
            output,
            error,
            started_at: execution.started_at(),
            stopped_at: self.stopped.as_ref().map(|stopped| stopped.at).or(self.ended_at).unwrap_or_else(|| self.clock.now()),
            stopped_after: self.stopped.map(|stopped| stopped.after),
            interrupted: self.interrupted,
            states_entered: root.tree.states_entered(),
            transitions: root.tree.transitions(),
            real_time: self.started.elapsed(),
            on_real_clock: matches!(self.clock, RunClock::Real { .. }),
        };
        Ok((ended, self.events))
    }
}

/// Where in `events` the state called `until` is left, if it is.
fn stops(events: &[HistoryEvent], until: &str) -> Option<(usize, Stopped)> {
    events.iter().enumerate().find_map(|(index, event)| match &event.details {
        EventDetails::StateExited { name, output, .. } if **name == *until => {
            Some((index, Stopped { after: until.to_owned(), output: output.document().clone(), at: event.timestamp }))
        }
        _ => None,
    })
}

/// An answer without what the service adds to every one.
fn without_metadata(answer: &Value) -> Value {
    let mut answer = answer.clone();
    if let Some(members) = answer.as_object_mut() {
        for name in ["SdkHttpMetadata", "SdkResponseMetadata"] {
            members.remove(name);
        }
    }
    answer
}

fn unanswered(task: &StartTask, settings: &Settings) -> Refusal {
    let state = &task.state;
    let refusal = Refusal::new(format!("nothing answers state `{state}`, which calls `{}`", task.resource.arn()));
    let refusal = match &settings.mocks {
        Some(mocks) => refusal.help(format!("add `{state}` to {}", mocks.describe())),
        None => refusal.help("answer it from a mock file: `--mock MockConfigFile.json --case NAME`"),
    };
    let refusal = refusal.help(format!("or have a program do it: `--task '{state}=COMMAND'`"));
    let is_nested = matches!(&task.resource, Resource::Service { resource_type, .. } if &**resource_type == "states");
    let refusal = match task.parameters.value().get("StateMachineArn").and_then(Value::as_str).filter(|_| is_nested) {
        Some(arn) => refusal.help(format!("or run the machine it starts: `--machine '{arn}=FILE'`")),
        None => refusal,
    };
    refusal.help("or make up all answers: `--auto-mock`")
}
