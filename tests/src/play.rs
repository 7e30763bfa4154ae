//! Plays one execution on virtual time: tasks answer as a closure says, and the clock moves on when nothing else can happen.
//!
//! ```
//! use serde_json::json;
//! use statewright_tests::play::{Play, succeeds};
//!
//! let machine = json!({"StartAt": "T", "States": {"T": {
//!     "Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": true}}});
//! let played = Play::of(&machine).input(json!({"n": 1})).tasks(|_| succeeds(json!("sent")).after(90.0)).run();
//! assert_eq!((played.status, played.seconds), ("SUCCEEDED", 90.0));
//! assert_eq!(played.output(), json!("sent"));
//! ```
#![expect(clippy::panic, clippy::expect_used, reason = "made for tests: a panic is how they fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use statewright_interpreter::command::{Command, Output, StartTask};
use statewright_interpreter::definition::{Definition, MachineType, Options};
use statewright_interpreter::event::{Event, FailedStage, Handled};
use statewright_interpreter::execution::{Checkpoint, Execution, Identity, Progress, Start, Status};
use statewright_interpreter::history::{ErrorDetails, EventId, HistoryEvent, history_to_json};
use statewright_interpreter::payload::Document;
use statewright_interpreter::quota::Quotas;
use statewright_interpreter::time::Timestamp;

/// When every played execution starts: 2026-01-01T00:00:00Z.
pub const START: Timestamp = Timestamp(1_767_225_600_000);

/// Nothing that is played needs more turns; what does goes round in circles.
const ROUNDS_MAX: usize = 2_000_000;

/// What the world outside does with a task, in order. Times count from the moment the task was scheduled.
#[derive(Clone, Debug, Default)]
pub struct Answer(Vec<(u64, Act)>);

#[derive(Clone, Debug)]
enum Act {
    Start { worker_name: Option<Arc<str>> },
    Submit(Document),
    Succeed(Document),
    Fail(FailedStage, ErrorDetails),
    Heartbeat,
}

/// The task is not even started.
#[must_use]
pub fn unanswered() -> Answer {
    Answer::default()
}

/// The task is started at once, and never ends.
#[must_use]
pub fn silent() -> Answer {
    Answer(vec![(0, Act::Start { worker_name: None })])
}

/// The task is started and succeeds, at once.
#[must_use]
pub fn succeeds(result: impl ToString) -> Answer {
    silent().then(Act::Succeed(document(&result.to_string())))
}

/// The task is started and fails, at once.
#[must_use]
pub fn fails(error: &str, cause: &str) -> Answer {
    silent().then(Act::Fail(FailedStage::Running, details(error, cause)))
}

/// The task is started and fails without a name and a cause.
#[must_use]
pub fn fails_without_details() -> Answer {
    silent().then(Act::Fail(FailedStage::Running, ErrorDetails::default()))
}

/// The task comes no further than `stage`, where it fails; for [`FailedStage::Submitting`] it was started.
#[must_use]
pub fn fails_at(stage: FailedStage, error: &str, cause: &str) -> Answer {
    let before = if stage == FailedStage::Submitting { silent() } else { unanswered() };
    before.then(Act::Fail(stage, details(error, cause)))
}

/// The task's result comes without word that it was started.
#[must_use]
pub fn overtakes(result: impl ToString) -> Answer {
    unanswered().then(Act::Succeed(document(&result.to_string())))
}

/// The answer of the call that submits the task comes without word that it was started; nothing more comes.
#[must_use]
pub fn only_submitted(answer: impl ToString) -> Answer {
    unanswered().then(Act::Submit(document(&answer.to_string())))
}

impl Answer {
    fn then(mut self, act: Act) -> Self {
        let at = self.0.last().map_or(0, |(at, _)| *at);
        self.0.push((at, act));
        self
    }

    /// The last thing happens this much later.
    #[must_use]
    pub fn after(mut self, seconds: f64) -> Self {
        if let Some((at, _)) = self.0.last_mut() {
            *at += millis(seconds);
        }
        self
    }

    /// Everything happens this much later.
    #[must_use]
    pub fn picked_up_after(mut self, seconds: f64) -> Self {
        self.0.iter_mut().for_each(|(at, _)| *at += millis(seconds));
        self
    }

    /// The worker that starts the task has this name.
    #[must_use]
    pub fn by(mut self, worker: &str) -> Self {
        if let Some((_, Act::Start { worker_name })) = self.0.first_mut() {
            *worker_name = Some(worker.into());
        }
        self
    }

    /// The call is answered at once, before the task ends.
    #[must_use]
    pub fn submitted(mut self, answer: impl ToString) -> Self {
        let at = self.0.first().map_or(0, |(at, _)| *at);
        self.0.insert(1.min(self.0.len()), (at, Act::Submit(document(&answer.to_string()))));
        self
    }

    /// The last thing happens twice.
    #[must_use]
    pub fn twice(mut self) -> Self {
        self.0.extend(self.0.last().cloned());
        self
    }

    /// Heartbeats come at these times.
    #[must_use]
    pub fn beating(mut self, seconds: impl IntoIterator<Item = u64>) -> Self {
        self.0.extend(seconds.into_iter().map(|at| (at * 1000, Act::Heartbeat)));
        self
    }
}

/// A failure with a name and a cause.
#[must_use]
pub fn details(error: &str, cause: &str) -> ErrorDetails {
    ErrorDetails { error: Some(error.into()), cause: Some(cause.into()) }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small positive numbers")]
fn millis(seconds: f64) -> u64 {
    (seconds * 1000.0).round() as u64
}

fn document(text: &str) -> Document {
    Document::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// An execution to be played.
pub struct Play<'a> {
    definition: Definition,
    start: Start,
    tasks: Box<dyn Fn(&StartTask) -> Answer + 'a>,
    by_number: Vec<Answer>,
    stop: Option<(Timestamp, ErrorDetails)>,
    late_ms: u64,
    missing_activity: Option<Arc<str>>,
    synchronous: bool,
    crash: bool,
}

impl<'a> Play<'a> {
    /// An execution of this machine with the input `{}`; its tasks succeed at once with the parameters they got.
    ///
    /// # Panics
    /// When the definition is refused.
    #[must_use]
    pub fn of(machine: impl ToString) -> Self {
        Self::of_type(machine, MachineType::Standard)
    }

    /// The same of an Express machine.
    ///
    /// # Panics
    /// When the definition is refused.
    #[must_use]
    pub fn of_express(machine: impl ToString) -> Self {
        Self::of_type(machine, MachineType::Express)
    }

    fn of_type(machine: impl ToString, machine_type: MachineType) -> Self {
        let options = Options { machine_type, ..Options::default() };
        let parsed = Definition::parse(&machine.to_string(), &options);
        let parsed = parsed.unwrap_or_else(|diagnostics| panic!("{}: {diagnostics:#?}", machine.to_string()));
        let quotas = Quotas::aws(machine_type == MachineType::Express);
        Self {
            definition: parsed.definition,
            start: Start { identity: identity(machine_type), input: document("{}"), seed: 1, quotas },
            synchronous: false,
            tasks: Box::new(|task| succeeds(task.parameters.text())),
            by_number: Vec::new(),
            stop: None,
            late_ms: 0,
            missing_activity: None,
            crash: true,
        }
    }

    /// Starts it with this input, as text.
    ///
    /// # Panics
    /// When it is not JSON.
    #[must_use]
    pub fn input(mut self, input: impl ToString) -> Self {
        self.start.input = document(&input.to_string());
        self
    }

    /// Answers its tasks.
    #[must_use]
    pub fn tasks(mut self, answer: impl Fn(&StartTask) -> Answer + 'a) -> Self {
        self.tasks = Box::new(answer);
        self
    }

    /// Answers its tasks by number, in the order in which they are scheduled, and the last answer for those that follow.
    #[must_use]
    pub fn answers(mut self, answers: impl IntoIterator<Item = Answer>) -> Self {
        self.by_number = answers.into_iter().collect();
        self
    }

    /// Changes its limits.
    #[must_use]
    pub fn quotas(mut self, change: impl FnOnce(&mut Quotas)) -> Self {
        change(&mut self.start.quotas);
        self
    }

    /// Draws other random numbers.
    #[must_use]
    pub fn seed(mut self, seed: u128) -> Self {
        self.start.seed = seed;
        self
    }

    /// Stops it after some seconds.
    #[must_use]
    pub fn stop_after(mut self, seconds: f64, error: ErrorDetails) -> Self {
        self.stop = Some((START.plus_millis(millis(seconds)), error));
        self
    }

    /// Without the activity of this ARN: it has been deleted.
    #[must_use]
    pub fn without_activity(mut self, arn: &str) -> Self {
        self.missing_activity = Some(arn.into());
        self
    }

    /// Looks at deadlines this much after they have passed.
    #[must_use]
    pub fn late_by(mut self, seconds: f64) -> Self {
        self.late_ms = millis(seconds);
        self
    }

    /// Somebody waits for its answer: it is never written down.
    #[must_use]
    pub fn synchronous(mut self) -> Self {
        self.synchronous = true;
        self.without_crashes()
    }

    /// Does without writing the execution down and restoring it after every call: for long ones.
    #[must_use]
    pub fn without_crashes(mut self) -> Self {
        self.crash = false;
        self
    }

    /// Plays it to its end. Unless [`without_crashes`](Self::without_crashes), it is played twice, once with the execution written
    /// down, thrown away and restored after every call, and must give the same history.
    ///
    /// # Panics
    /// When it does not end, or the history breaks a rule that all histories keep.
    #[must_use]
    pub fn run(self) -> Played {
        let played = self.play_once(false);
        if self.crash {
            let restored = self.play_once(true);
            assert_eq!(played.chain(), restored.chain(), "a restored execution went another way");
            assert_eq!(played.events, restored.events, "a restored execution went another way");
        }
        played
    }

    fn play_once(&self, crash: bool) -> Played {
        let mut stage = Stage { play: self, now: START, queue: BTreeMap::new(), queued: 0, played: Played::default() };
        let mut out = Output::default();
        let mut checkpoint = Checkpoint::default();
        let mut execution = Execution::start(&self.definition, self.start.clone(), START, &mut out);
        if self.synchronous {
            execution.set_synchronous();
        }
        let mut events = Vec::new();
        let mut stop = self.stop.clone();
        for _ in 0..ROUNDS_MAX {
            if crash {
                checkpoint.apply(execution.take_changes(&self.definition));
                let restored = Execution::restore(&self.definition, &checkpoint).expect("what was written down can be restored");
                assert_eq!(
                    restored.checkpoint(&self.definition),
                    execution.checkpoint(&self.definition),
                    "not all was written down"
                );
                execution = restored;
            }
            execution.set_missing_activities(self.missing_activity.clone());
            events.append(&mut out.events);
            std::mem::take(&mut out.commands).into_iter().for_each(|command| stage.carry_out(command));
            match execution.poll(&self.definition, stage.now, &mut out) {
                Progress::Advanced => continue,
                Progress::Finished => {
                    events.append(&mut out.events);
                    std::mem::take(&mut out.commands).into_iter().for_each(|command| stage.carry_out(command));
                    stage.deliver_the_rest(&mut execution);
                    return stage.played.finish(&execution, events);
                }
                Progress::Blocked => {}
            }
            let deadline = execution.deadline().expect("an execution that goes on has a deadline");
            let next = stage.queue.first_key_value().map_or(Timestamp(i64::MAX), |((at, _), _)| *at);
            if let Some((at, error)) = stop.take_if(|(at, _)| *at <= next && *at <= deadline) {
                stage.now = at;
                let _ = execution.handle(&self.definition, Event::Stop { error }, at, &mut out);
            } else if next <= deadline {
                let ((at, _), event) = stage.queue.pop_first().expect("there is one");
                stage.now = at;
                let handled = execution.handle(&self.definition, event, at, &mut out);
                stage.played.ignored += usize::from(handled == Handled::Ignored);
            } else {
                stage.now = deadline.plus_millis(self.late_ms);
                assert_eq!(execution.handle_timeout(&self.definition, stage.now, &mut out), Handled::Applied);
            }
        }
        panic!("the execution does not end");
    }
}

fn identity(machine_type: MachineType) -> Identity {
    let execution_arn = match machine_type {
        MachineType::Standard => "arn:aws:states:us-east-1:123456789012:execution:machine:run-1",
        MachineType::Express => "arn:aws:states:us-east-1:123456789012:express:machine:run-1:once",
    };
    Identity {
        execution_arn: execution_arn.into(),
        execution_name: "run-1".into(),
        state_machine_arn: "arn:aws:states:us-east-1:123456789012:stateMachine:machine".into(),
        state_machine_name: "machine".into(),
        role_arn: "arn:aws:iam::123456789012:role/role".into(),
        region: "us-east-1".into(),
    }
}

/// The world outside while an execution is played.
struct Stage<'p> {
    play: &'p Play<'p>,
    now: Timestamp,
    queue: BTreeMap<(Timestamp, u64), Event>,
    queued: u64,
    played: Played,
}

impl Stage<'_> {
    fn carry_out(&mut self, command: Command) {
        match command {
            Command::StartTask(task) => {
                for (at, act) in self.answer(&task).0 {
                    let task = task.task;
                    let event = match act {
                        Act::Start { worker_name } => Event::TaskStarted { task, worker_name },
                        Act::Submit(output) => Event::TaskSubmitted { task, output },
                        Act::Succeed(output) => Event::TaskSucceeded { task, output },
                        Act::Fail(stage, error) => Event::TaskFailed { task, stage, error },
                        Act::Heartbeat => Event::TaskHeartbeat { task },
                    };
                    self.queue.insert((self.now.plus_millis(at), self.queued), event);
                    self.queued += 1;
                }
                self.played.started.push(*task);
            }
            Command::CancelTask { task } => self.played.cancelled.push(task.0),
        }
    }

    fn answer(&self, task: &StartTask) -> Answer {
        let by_number = &self.play.by_number;
        let answer = by_number.get(self.played.started.len()).or(by_number.last());
        answer.cloned().unwrap_or_else(|| (self.play.tasks)(task))
    }

    /// What comes after the end changes nothing.
    fn deliver_the_rest(&mut self, execution: &mut Execution) {
        for ((at, _), event) in std::mem::take(&mut self.queue) {
            let mut out = Output::default();
            assert_eq!(execution.handle(&self.play.definition, event, at, &mut out), Handled::Ignored);
            assert!(out.events.is_empty() && out.commands.is_empty(), "an execution that has ended does something");
            self.played.ignored += 1;
        }
    }
}

/// What happened.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// The history, as `GetExecutionHistory` answers it.
    pub events: Vec<Value>,
    /// The same before it was printed.
    pub history: Vec<HistoryEvent>,
    /// How it ended: `SUCCEEDED`, `FAILED`, `TIMED_OUT` or `ABORTED`.
    pub status: &'static str,
    /// What it failed with, as `DescribeExecution` shows it.
    pub error: ErrorDetails,
    /// The text of its output.
    pub output_text: Option<String>,
    /// How long it took.
    pub seconds: f64,
    /// The tasks that were to be started.
    pub started: Vec<StartTask>,
    /// The ids of the tasks whose results were not wanted any more.
    pub cancelled: Vec<u64>,
    /// How many events the execution ignored.
    pub ignored: usize,
}

impl Played {
    fn finish(mut self, execution: &Execution, events: Vec<HistoryEvent>) -> Self {
        let history: Value = serde_json::from_str(&history_to_json(&events)).expect("a history is JSON");
        self.events = history.get("events").and_then(Value::as_array).cloned().unwrap_or_default();
        self.status = execution.status().as_str();
        match execution.status() {
            Status::Succeeded { output } => self.output_text = Some(output.text().into_owned()),
            Status::Failed(error) | Status::Aborted(error) => self.error = error.clone(),
            Status::TimedOut | Status::Running => {}
        }
        for (at, event) in events.iter().enumerate() {
            assert_eq!(event.id, EventId(at as u64 + 1), "ids have no gaps");
            assert!(event.previous < event.id, "{event:?} follows itself or a later one");
        }
        assert!(events.is_sorted_by_key(|event| event.timestamp), "time goes back");
        let unique: BTreeSet<_> = self.started.iter().map(|task| task.task).collect();
        assert_eq!(unique.len(), self.started.len(), "a task was started twice");
        let millis = events.last().map_or(0, |event| event.timestamp.0 - START.0);
        self.seconds = as_seconds(millis);
        self.history = events;
        self
    }

    /// Its output.
    ///
    /// # Panics
    /// When it has none.
    #[must_use]
    pub fn output(&self) -> Value {
        let text = self.output_text.as_deref().unwrap_or_else(|| panic!("{}: {:?}\n{}", self.status, self.error, self.chain()));
        serde_json::from_str(text).expect("an output is JSON")
    }

    /// The name of what it failed with; empty if it has none.
    #[must_use]
    pub fn error_name(&self) -> &str {
        self.error.error.as_deref().unwrap_or_default()
    }

    /// Why it failed; empty if nobody says.
    #[must_use]
    pub fn cause(&self) -> &str {
        self.error.cause.as_deref().unwrap_or_default()
    }

    /// The history in short, one line an event: `5 MapIterationStarted(3){0}` is event 5, follows event 3, and is about item 0.
    #[must_use]
    pub fn chain(&self) -> String {
        let line = |event: &Value| {
            let index = details_of(event).and_then(|details| details.get("index"));
            let index = index.map(|index| format!("{{{index}}}")).unwrap_or_default();
            format!("{} {}({}){index}", number(event, "id"), type_of(event), number(event, "previousEventId"))
        };
        self.events.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// The events of this type.
    pub fn of_type<'s>(&'s self, type_name: &'s str) -> impl Iterator<Item = &'s Value> {
        self.events.iter().filter(move |event| type_of(event) == type_name)
    }

    /// How many events of this type there are.
    #[must_use]
    pub fn count(&self, type_name: &str) -> usize {
        self.of_type(type_name).count()
    }

    /// The details of the events of this type, `null` where there are none.
    #[must_use]
    pub fn details(&self, type_name: &str) -> Vec<Value> {
        self.of_type(type_name).map(|event| details_of(event).cloned().unwrap_or_default()).collect()
    }

    /// The seconds after which events of this type happened.
    #[must_use]
    pub fn times(&self, type_name: &str) -> Vec<f64> {
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds, small enough")]
        let millis = |event: &Value| (event.get("timestamp").and_then(Value::as_f64).unwrap_or_default() * 1000.0).round() as i64;
        self.of_type(type_name).map(|event| as_seconds(millis(event) - START.0)).collect()
    }

    /// The text of the output of the state called `name`, each time it was left.
    #[must_use]
    pub fn outputs_of(&self, name: &str) -> Vec<String> {
        self.of_state(name, "output")
    }

    /// The text of the input of the state called `name`, each time it was entered.
    #[must_use]
    pub fn inputs_of(&self, name: &str) -> Vec<String> {
        self.of_state(name, "input")
    }

    fn of_state(&self, name: &str, member: &str) -> Vec<String> {
        let of_name = self.events.iter().filter_map(details_of).filter(|details| details.get("name") == Some(&Value::from(name)));
        of_name.filter_map(|details| details.get(member)?.as_str().map(str::to_owned)).collect()
    }

    /// The parameters of the tasks that were started, as text.
    #[must_use]
    pub fn parameters(&self) -> Vec<String> {
        self.started.iter().map(|task| task.parameters.text().into_owned()).collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "times of tests are short")]
fn as_seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

fn number(event: &Value, member: &str) -> u64 {
    event.get(member).and_then(Value::as_u64).unwrap_or_default()
}

/// The event's type.
#[must_use]
pub fn type_of(event: &Value) -> &str {
    event.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// The event's details.
#[must_use]
pub fn details_of(event: &Value) -> Option<&Value> {
    event.as_object()?.iter().find(|(name, _)| name.ends_with("EventDetails")).map(|(_, details)| details)
}
