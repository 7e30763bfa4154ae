//! The interpreter as the subject of conformance: recorded executions on virtual time, with the recorded outcomes of their tasks.

use std::collections::VecDeque;
use std::sync::Arc;

use statewright_interpreter::command::{Command, Output, StartTask};
use statewright_interpreter::definition::{Definition, MachineType, Options};
use statewright_interpreter::event::{Event, FailedStage, TaskId};
use statewright_interpreter::execution::{Checkpoint, Execution, Identity, Progress, Start, Status};
use statewright_interpreter::history::{ErrorDetails, HistoryEvent, history_to_json};
use statewright_interpreter::payload::Document;
use statewright_interpreter::quota::Quotas;
use statewright_interpreter::time::Timestamp;

use serde_json::Value;

use crate::conformance::{FailKind, Observed, Outcome, Refusal, Response, Run, Script, ScriptedTask, Session, Stop, Subject};
use crate::stage::Stage;

/// Runs recorded executions in the interpreter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Interpreter {
    /// Whether the execution is written down, thrown away and restored after every micro-step and every event.
    pub crash: bool,
}

impl Subject for Interpreter {
    fn run(&self, run: &Run) -> Result<Observed, Refusal> {
        let express = run.machine_type == "EXPRESS";
        let machine_type = if express { MachineType::Express } else { MachineType::Standard };
        let options = Options { machine_type, ..Options::default() };
        let parsed = Definition::parse(&run.definition_text, &options)
            .map_err(|diagnostics| Refusal::Refused(format!("{diagnostics:#?}")))?;
        if let Some(reason) = parsed.definition.not_runnable_yet() {
            return Err(Refusal::NotYet(reason));
        }
        let input = Document::parse(&run.input_text).map_err(|error| Refusal::Refused(format!("the input: {error}")))?;
        let start = Start { identity: identity(run), input, seed: 1, quotas: Quotas::aws(express) };
        let finished = Played::new(&parsed.definition, run, self.crash).play(start, Timestamp(run.start_time_ms));
        let finished = finished.map_err(Refusal::Refused)?;
        Ok(Observed {
            history: serde_json::from_str(&history_to_json(&finished.events))
                .map_err(|error| Refusal::Refused(error.to_string()))?,
            output: finished.output,
            status: finished.status.to_owned(),
        })
    }

    /// A host without crashes: what a crash may do to an execution is tested by running it alone.
    fn open(&self) -> Option<Box<dyn Session>> {
        (!self.crash).then(|| Box::new(Calls::default()) as Box<dyn Session>)
    }
}

/// The API, for the calls of one case.
#[derive(Default)]
struct Calls(Stage);

impl Session for Calls {
    fn call(&mut self, operation: &str, request: &Value) -> Response {
        let target = format!("AWSStepFunctions.{operation}");
        let reply = self.0.send(&[("X-Amz-Target", &target)], request.to_string().as_bytes());
        Response { status: reply.status, body: serde_json::from_str(&reply.body).unwrap_or_default() }
    }

    fn script(&mut self, script: Script) {
        self.0.answer_tasks(match script {
            Script::Tasks(mut tasks) => Box::new(move |task| {
                let at = tasks.iter().position(|script| answers(script, task));
                at.and_then(|at| events(&tasks.remove(at), task.task).ok()).unwrap_or_default()
            }),
            Script::Fail { error: name, cause } => Box::new(move |task| {
                let (id, stage) = (task.task, FailedStage::Running);
                let error = error(&Some(name.clone()), &Some(cause.clone()));
                vec![Event::TaskStarted { task: id, worker_name: None }, Event::TaskFailed { task: id, stage, error }]
            }),
        });
    }

    fn settle(&mut self, execution_arn: &str) {
        self.0.settle(execution_arn);
    }

    fn last_event(&mut self, execution_arn: &str) -> Option<Value> {
        self.0.last_event(execution_arn)
    }
}

fn identity(run: &Run) -> Identity {
    let Run { machine_name, execution_name, role_arn, region, account, .. } = run;
    Identity {
        execution_arn: format!("arn:aws:states:{region}:{account}:execution:{machine_name}:{execution_name}").into(),
        execution_name: execution_name.as_str().into(),
        state_machine_arn: format!("arn:aws:states:{region}:{account}:stateMachine:{machine_name}").into(),
        state_machine_name: machine_name.as_str().into(),
        role_arn: role_arn.as_str().into(),
        region: region.as_str().into(),
    }
}

/// How a played execution ended.
struct Finished {
    events: Vec<HistoryEvent>,
    status: &'static str,
    output: Option<String>,
}

/// Plays one execution: hands out the outcomes of its tasks, and moves the time on when nothing else can happen.
struct Played<'a> {
    definition: &'a Definition,
    tasks: Vec<&'a ScriptedTask>,
    stop: Option<&'a Stop>,
    missing_activity: Option<Arc<str>>,
    pending: VecDeque<Event>,
    crash: bool,
    checkpoint: Checkpoint,
}

/// No recorded execution does more; one that does goes round in circles.
const ROUNDS_MAX: usize = 200_000;

impl<'a> Played<'a> {
    fn new(definition: &'a Definition, run: &'a Run, crash: bool) -> Self {
        let tasks = run.tasks.iter().collect();
        let stop = run.stop.as_ref();
        let missing_activity = run.missing_activity.as_deref().map(Arc::from);
        Self { definition, tasks, stop, missing_activity, pending: VecDeque::new(), crash, checkpoint: Checkpoint::default() }
    }

    fn play(mut self, start: Start, mut now: Timestamp) -> Result<Finished, String> {
        let mut out = Output::default();
        let mut execution = Execution::start(self.definition, start, now, &mut out);
        for _ in 0..ROUNDS_MAX {
            execution = self.crash_and_restore(execution)?;
            execution.set_missing_activities(self.missing_activity.clone());
            for command in std::mem::take(&mut out.commands) {
                self.carry_out(command)?;
            }
            match execution.poll(self.definition, now, &mut out) {
                Progress::Advanced => continue,
                Progress::Finished => return Ok(finished(&execution, out.events)),
                Progress::Blocked => {}
            }
            if let Some(event) = self.pending.pop_front() {
                let _ = execution.handle(self.definition, event, now, &mut out);
            } else if let Some(stop) = self.stop.take() {
                let error = error(&stop.error, &stop.cause);
                let _ = execution.handle(self.definition, Event::Stop { error }, now, &mut out);
            } else if let Some(deadline) = execution.deadline() {
                now = deadline;
                let _ = execution.handle_timeout(self.definition, now, &mut out);
            }
        }
        Err("the execution does not end".to_owned())
    }

    fn crash_and_restore(&mut self, mut execution: Execution) -> Result<Execution, String> {
        if !self.crash {
            return Ok(execution);
        }
        self.checkpoint.apply(execution.take_changes(self.definition));
        let restored = Execution::restore(self.definition, &self.checkpoint).map_err(|error| error.to_string())?;
        if restored.checkpoint(self.definition) != execution.checkpoint(self.definition) {
            return Err(format!("restored {restored:#?}\nfrom {execution:#?}"));
        }
        Ok(restored)
    }

    fn carry_out(&mut self, command: Command) -> Result<(), String> {
        let Command::StartTask(task) = command else { return Ok(()) };
        let at = self.tasks.iter().position(|script| answers(script, &task));
        let at = at.ok_or_else(|| format!("no outcome was recorded for a task of state `{}`", task.state))?;
        let script = self.tasks.remove(at);
        self.pending.extend(events(script, task.task)?);
        Ok(())
    }
}

/// What happens to a task whose outcome was recorded.
fn events(script: &ScriptedTask, id: TaskId) -> Result<Vec<Event>, String> {
    let mut events = Vec::new();
    let worker_name = script.worker_name.as_deref().map(Arc::from);
    if !matches!(script.outcome, Outcome::Failed { kind: FailKind::ScheduleFailed | FailKind::StartFailed, .. }) {
        events.push(Event::TaskStarted { task: id, worker_name });
    }
    if let Some(submitted) = &script.submitted {
        events.push(Event::TaskSubmitted { task: id, output: document(submitted)? });
    }
    match &script.outcome {
        Outcome::Succeeded(output) => {
            events.push(Event::TaskSucceeded { task: id, output: document(output)? });
        }
        Outcome::Failed { kind, error: name, cause } => {
            let stage = match kind {
                FailKind::Failed => FailedStage::Running,
                FailKind::StartFailed => FailedStage::Starting,
                FailKind::SubmitFailed => FailedStage::Submitting,
                FailKind::ScheduleFailed => FailedStage::Scheduling,
            };
            events.push(Event::TaskFailed { task: id, stage, error: error(name, cause) });
        }
        Outcome::TimesOut | Outcome::StaysOpen => {}
    }
    Ok(events)
}

fn answers(script: &ScriptedTask, task: &StartTask) -> bool {
    script.state == *task.state && (script.iteration.is_none() || script.iteration == task.map_item_index)
}

fn document(text: &str) -> Result<Document, String> {
    Document::parse(text).map_err(|error| format!("a recorded outcome: {error}"))
}

fn error(error: &Option<String>, cause: &Option<String>) -> ErrorDetails {
    ErrorDetails { error: error.as_deref().map(Arc::from), cause: cause.as_deref().map(Arc::from) }
}

fn finished(execution: &Execution, events: Vec<HistoryEvent>) -> Finished {
    let output = match execution.status() {
        Status::Succeeded { output } => Some(output.text().into_owned()),
        Status::Running | Status::Failed(_) | Status::TimedOut | Status::Aborted(_) => None,
    };
    Finished { events, status: execution.status().as_str(), output }
}
