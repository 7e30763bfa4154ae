//! A walk: one execution taken through a sequence of drawn actions, with everything about each moment kept for who looks on.

use std::sync::Arc;

use statewright_interpreter::command::{Command, Output, StartTask};
use statewright_interpreter::definition::{Definition, Options};
use statewright_interpreter::event::{Event, FailedStage, Handled};
use statewright_interpreter::execution::{Changes, Checkpoint, Execution, Identity, Progress, Start};
use statewright_interpreter::history::{ErrorDetails, EventId, HistoryEvent};
use statewright_interpreter::payload::Document;
use statewright_interpreter::quota::Quotas;
use statewright_interpreter::time::Timestamp;

use crate::choices::Choices;
use crate::generate::{Answer, Machine, START, answer};

/// How to walk.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Whether the execution is written down, thrown away and restored after every action.
    pub crash: bool,
    /// Whether only what a host would do happens: every task is answered as it should be, and nothing is stopped.
    pub tame: bool,
    /// Whether everything that comes out is kept as text.
    pub trace: bool,
    /// Actions, at most.
    pub actions_max: usize,
    /// The limits.
    pub quotas: Quotas,
}

impl Default for Style {
    fn default() -> Self {
        Self { crash: false, tame: false, trace: false, actions_max: 3000, quotas: Quotas::aws(false) }
    }
}

/// What was done.
#[derive(Clone, Debug)]
pub enum Action {
    /// The execution was started.
    Start,
    /// A micro-step.
    Poll(Progress),
    /// An event.
    Handle(Event, Handled),
    /// Deadlines, of which there was one or not.
    TimeOut(Handled),
}

/// A moment of a walk: an action, and what came of it.
#[derive(Debug)]
pub struct Moment<'w> {
    /// The machine.
    pub definition: &'w Definition,
    /// The checkpoint before.
    pub before: &'w Checkpoint,
    /// What was done.
    pub action: Action,
    /// The time it was done at.
    pub now: Timestamp,
    /// The events and commands that came of it.
    pub out: &'w Output,
    /// All events so far.
    pub history: &'w [HistoryEvent],
    /// What was written down, if this is a moment at which a host commits.
    pub changes: Option<Changes>,
    /// The checkpoint after.
    pub after: &'w Checkpoint,
}

/// Something that must be true at every moment of every walk.
pub trait Property {
    /// Looks at a moment.
    ///
    /// # Errors
    /// With what is not as it must be. The execution may be asked again what it was asked before; nothing may come of it.
    fn check(&mut self, moment: &Moment<'_>, execution: &mut Execution) -> Result<(), String>;

    /// Looks at the end.
    ///
    /// # Errors
    /// With what is not as it must be.
    fn finish(&mut self, _walked: &Walked) -> Result<(), String> {
        Ok(())
    }
}

/// What is left of a walk.
#[derive(Debug)]
pub struct Walked {
    /// The machine.
    pub definition: Definition,
    /// The execution as it was left.
    pub execution: Execution,
    /// Its history.
    pub history: Vec<HistoryEvent>,
    /// Everything that came out and everything that was written down, as text, if that was asked for.
    pub trace: String,
    /// How many actions there were.
    pub actions: usize,
}

/// Reads a generated definition.
///
/// # Errors
/// With its diagnostics, which a generated definition has none of.
pub fn definition_of(machine: &Machine) -> Result<Definition, String> {
    match Definition::parse(&machine.definition, &Options::default()) {
        Ok(parsed) => Ok(parsed.definition),
        Err(diagnostics) => Err(format!("refused: {diagnostics:#?}\n{}", machine.definition)),
    }
}

/// Who generated executions are.
#[must_use]
pub fn identity() -> Identity {
    Identity {
        execution_arn: "arn:aws:states:us-east-1:123456789012:execution:machine:run".into(),
        execution_name: "run".into(),
        state_machine_arn: "arn:aws:states:us-east-1:123456789012:stateMachine:machine".into(),
        state_machine_name: "machine".into(),
        role_arn: "arn:aws:iam::123456789012:role/role".into(),
        region: "us-east-1".into(),
    }
}

/// What a generated execution is started with.
///
/// # Errors
/// When the input is no JSON.
pub fn start_of(machine: &Machine, seed: u128, quotas: Quotas) -> Result<Start, String> {
    let input = Document::parse(&machine.input).map_err(|error| error.to_string())?;
    Ok(Start { identity: identity(), input, seed, quotas })
}

/// Walks, and shows every moment to every property.
///
/// # Errors
/// With the first property that does not hold.
pub fn walk(
    choices: &mut Choices,
    machine: &Machine,
    style: Style,
    properties: &mut [&mut dyn Property],
) -> Result<Walked, String> {
    let definition = definition_of(machine)?;
    let mut walker = Walker::start(choices, &definition, machine, style)?;
    loop {
        walker.look(properties)?;
        if !walker.go() {
            break;
        }
    }
    let Walker { execution, history, trace, actions, .. } = walker;
    let walked = Walked { definition, execution, history, trace, actions };
    for property in properties {
        property.finish(&walked)?;
    }
    Ok(walked)
}

struct Walker<'w> {
    choices: &'w mut Choices,
    definition: &'w Definition,
    style: Style,
    execution: Execution,
    now: Timestamp,
    action: Action,
    out: Output,
    history: Vec<HistoryEvent>,
    before: Checkpoint,
    after: Checkpoint,
    /// What a store holds.
    stored: Checkpoint,
    /// Tasks that a worker has, with how many of its messages it has sent.
    tasks: Vec<(StartTask, usize)>,
    /// Events that were sent, to be sent again.
    sent: Vec<Event>,
    /// Whether it commits after every action.
    eager: bool,
    trace: String,
    actions: usize,
    /// Actions after the end.
    afterwards: usize,
}

impl<'w> Walker<'w> {
    fn start(choices: &'w mut Choices, definition: &'w Definition, machine: &Machine, style: Style) -> Result<Self, String> {
        let mut out = Output::default();
        let start = start_of(machine, u128::from(choices.draw()) << 64 | 7, style.quotas)?;
        let execution = Execution::start(definition, start, START, &mut out);
        let after = execution.checkpoint(definition);
        let eager = !choices.one_in(3) || style.crash;
        Ok(Self {
            choices,
            definition,
            style,
            execution,
            now: START,
            action: Action::Start,
            out,
            history: Vec::new(),
            before: Checkpoint::default(),
            after,
            stored: Checkpoint::default(),
            tasks: Vec::new(),
            sent: Vec::new(),
            eager: eager || style.tame,
            trace: String::new(),
            actions: 0,
            afterwards: 0,
        })
    }

    fn look(&mut self, properties: &mut [&mut dyn Property]) -> Result<(), String> {
        self.history.append(&mut self.out.events.clone());
        for command in &self.out.commands {
            if let Command::StartTask(task) = command {
                self.tasks.push(((**task).clone(), 0));
            }
        }
        // Drawn whether needed or not, so that a walk with crashes is the same walk.
        let drawn = self.choices.one_in(4);
        let changes = (self.eager || drawn).then(|| self.execution.take_changes(self.definition));
        if self.style.trace {
            let history: String = self.out.events.iter().map(HistoryEvent::to_json).collect();
            self.trace.push_str(&format!("{:?}\n{history}\n{:?}\n{:?}\n", self.action, self.out.commands, self.after));
        }
        if let Some(changes) = &changes {
            self.stored.apply(changes.clone());
        }
        let moment = Moment {
            definition: self.definition,
            before: &self.before,
            action: self.action.clone(),
            now: self.now,
            out: &self.out,
            history: &self.history,
            changes,
            after: &self.after,
        };
        for property in properties.iter_mut() {
            property.check(&moment, &mut self.execution).map_err(|error| {
                format!("{error}\nafter action {} ({:?}), event {}", self.actions, self.action, self.history.len())
            })?;
        }
        if self.style.crash {
            self.execution = Execution::restore(self.definition, &self.stored).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// One more action; `false` when enough was done.
    fn go(&mut self) -> bool {
        self.actions += 1;
        let finished = self.execution.status().is_final();
        self.afterwards += usize::from(finished);
        if self.actions > self.style.actions_max || self.afterwards > if self.style.tame { 0 } else { 5 } {
            return false;
        }
        self.before = std::mem::take(&mut self.after);
        self.out = Output::default();
        let poll = self.execution.is_ready() && (self.style.tame || self.choices.below(4) > 0);
        self.action = if poll {
            Action::Poll(self.execution.poll(self.definition, self.now, &mut self.out))
        } else if self.style.tame {
            self.do_what_is_due()
        } else {
            self.do_something()
        };
        self.after = self.execution.checkpoint(self.definition);
        true
    }

    /// What a host does: the next message of a worker, or the next deadline.
    fn do_what_is_due(&mut self) -> Action {
        while let Some((task, sent)) = self.tasks.first_mut() {
            let event = message(task, *sent);
            *sent += 1;
            match event {
                Some(event) => return self.handle(event),
                None => drop(self.tasks.remove(0)),
            }
        }
        match self.execution.deadline() {
            Some(deadline) => {
                self.now = self.now.max(deadline);
                Action::TimeOut(self.execution.handle_timeout(self.definition, self.now, &mut self.out))
            }
            None => Action::Poll(self.execution.poll(self.definition, self.now, &mut self.out)),
        }
    }

    /// Anything that may happen outside, sensible or not.
    fn do_something(&mut self) -> Action {
        match self.choices.below(32) {
            0 => {
                self.now = self.now.plus_millis(self.choices.below(100_000) as u64);
                self.time_out()
            }
            1 => {
                // The clock goes back.
                self.now = Timestamp(self.now.0 - 5000);
                self.time_out()
            }
            2 if self.choices.one_in(8) => {
                let event = Event::Stop { error: error(Some("Stopped")) };
                self.handle(event)
            }
            3 => {
                let task = EventId(self.choices.below(60) as u64);
                let event = self.any_event(task);
                self.handle(event)
            }
            4 | 5 if !self.sent.is_empty() => {
                let at = self.choices.below(self.sent.len());
                let event = self.sent.get(at).cloned();
                event.map_or(Action::Poll(Progress::Blocked), |event| self.handle(event))
            }
            6 => Action::Poll(self.execution.poll(self.definition, self.now, &mut self.out)),
            7..=11 if !self.tasks.is_empty() => {
                let at = self.choices.below(self.tasks.len());
                let task = self.tasks.get(at).map_or(EventId(0), |(task, _)| task.task);
                let event = self.any_event(task);
                self.handle(event)
            }
            12..=27 if !self.tasks.is_empty() => {
                let at = self.choices.below(self.tasks.len());
                let Some((task, sent)) = self.tasks.get_mut(at) else { return self.time_out() };
                let event = message(task, *sent);
                *sent += 1;
                match event {
                    Some(event) => self.handle(event),
                    None => {
                        self.tasks.remove(at);
                        self.time_out()
                    }
                }
            }
            _ => {
                if let Some(deadline) = self.execution.deadline().filter(|_| !self.execution.is_ready()) {
                    self.now = self.now.max(deadline);
                }
                self.time_out()
            }
        }
    }

    fn time_out(&mut self) -> Action {
        Action::TimeOut(self.execution.handle_timeout(self.definition, self.now, &mut self.out))
    }

    fn handle(&mut self, event: Event) -> Action {
        self.sent.push(event.clone());
        let handled = self.execution.handle(self.definition, event.clone(), self.now, &mut self.out);
        Action::Handle(event, handled)
    }

    fn any_event(&mut self, task: EventId) -> Event {
        let output = |text: &str| Document::parse(text).unwrap_or_default();
        match self.choices.below(8) {
            0 => Event::TaskStarted { task, worker_name: self.choices.one_in(2).then(|| Arc::from("worker")) },
            1 => Event::TaskSubmitted { task, output: output(r#"{"value": "submitted"}"#) },
            2 => Event::TaskHeartbeat { task },
            3 | 4 => {
                let stages = [FailedStage::Running, FailedStage::Scheduling, FailedStage::Starting, FailedStage::Submitting];
                let stage = stages.get(self.choices.below(4)).copied().unwrap_or_default();
                let errors = [None, Some("Flaky.Error"), Some("Broken.Error"), Some("States.Timeout"), Some("States.Runtime")];
                let name = errors.get(self.choices.below(5)).copied().flatten();
                Event::TaskFailed { task, stage, error: error(name) }
            }
            5 => Event::TaskSucceeded { task, output: output(r#"["another", "result"]"#) },
            _ => Event::TaskSucceeded { task, output: output(r#"{ "value": 1, "text": "t" }"#) },
        }
    }
}

/// The message number `sent` of the worker that has `task`; `None` when there is no more to say.
#[must_use]
pub fn message(task: &StartTask, sent: usize) -> Option<Event> {
    let id = task.task;
    let submits = task.resource.pattern() != statewright_interpreter::definition::Pattern::RequestResponse;
    let answered = || match answer(task) {
        Answer::Succeeds(text) => Some(Event::TaskSucceeded { task: id, output: Document::parse(&text).unwrap_or_default() }),
        Answer::Fails(name) => Some(Event::TaskFailed { task: id, stage: FailedStage::Running, error: error(Some(name)) }),
        Answer::Silence => None,
    };
    match (sent, submits) {
        (0, _) => Some(Event::TaskStarted { task: id, worker_name: None }),
        (1, true) => Some(Event::TaskSubmitted { task: id, output: Document::parse(r#"{"submitted": true}"#).unwrap_or_default() }),
        (1, false) | (2, true) => answered(),
        _ => None,
    }
}

fn error(name: Option<&str>) -> ErrorDetails {
    ErrorDetails { error: name.map(Arc::from), cause: name.map(|name| format!("the cause of {name}").into()) }
}
