//! Tasks: who answers each, and how programs and nested executions are begun and ended.

use std::sync::Arc;

use statewright_interpreter::Value;
use statewright_interpreter::command::StartTask;
use statewright_interpreter::definition::{Pattern, Resource};
use statewright_interpreter::event::{Event, FailedStage, TaskId};
use statewright_interpreter::execution::{Start, TaskToken};
use statewright_interpreter::history::ErrorDetails;
use statewright_interpreter::payload::Document;

use super::super::answer::Outcome;
use super::super::auto_mock::AutoMock;
use super::super::command::Program;
use super::super::envelope::{self, Ids};
use super::super::machine;
use super::super::settings::{Settings, execution_arn, machine_arn};
use super::{Driver, Parent, Run, RunningProgram};
use crate::machine::check_name;
use crate::refusal::Refusal;
use crate::screen::shortened;

/// How deep executions may be nested: a machine may start itself.
const NESTING_MAX: usize = 20;

/// How a task is answered.
enum Answer {
    /// At once.
    Ready(Outcome),
    /// By a program, of the rule with this number.
    Program(usize),
    /// By an execution of the `--machine` with this number.
    Nested(usize),
}

impl Driver<'_> {
    pub(super) fn start_task(&mut self, at: usize, task: &StartTask) -> Result<(), Refusal> {
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
            run.tree.remark(task.task, format!("made up {}", shortened(&without_metadata(&answer).to_string(), 160)));
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
    pub(super) fn cancel(&mut self, at: usize, task: TaskId) {
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
