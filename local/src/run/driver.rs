//! The loop that runs executions: one, and those nested in it.
//!
//! Everything happens in rounds of the engine's [`advance`]. Programs run in real time on the side; virtual time goes on, to the
//! earliest deadline of any execution, only when no program runs and nothing else is left to do.

mod tasks;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use statewright_engine::{Budget, Clock, Happened, SystemClock, VirtualClock, advance};
use statewright_interpreter::Value;
use statewright_interpreter::command::{Command, Output};
use statewright_interpreter::definition::Pattern;
use statewright_interpreter::event::{Event, FailedStage, TaskId};
use statewright_interpreter::execution::{Execution, Progress, Start, Status};
use statewright_interpreter::history::{ErrorDetails, EventDetails, HistoryEvent};
use statewright_interpreter::inputs::Draws;
use statewright_interpreter::payload::Document;
use statewright_interpreter::time::Timestamp;

use super::answer::Outcome;
use super::auto_mock::AutoMock;
use super::command::{Finished, Running};
use super::envelope::{self, Ids};
use super::interrupt::Interrupt;
use super::machine;
use super::mock::Mocks;
use super::settings::Settings;
use crate::cli::ClockArg;
use crate::duration::human;
use crate::machine::Machine;
use crate::refusal::Refusal;
use crate::report::Ended;
use crate::screen::{Paint, Screen};
use crate::tree::Tree;

/// How long to sleep at most before looking for Ctrl-C and showing progress again.
const PATIENCE: Duration = Duration::from_millis(50);

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
