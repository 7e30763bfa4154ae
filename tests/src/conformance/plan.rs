//! From a recorded execution to what an interpreter is handed.

use std::collections::HashMap;

use serde_json::Value;

use super::case::{Case, Execution, Kind, Machine, ReplayTask};
use super::matching::Rules;
use super::normalise::{is_unordered, map_strings, python_text};

/// One recorded execution, ready to be handed to an interpreter.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Name of the state machine.
    pub machine_name: String,
    /// `STANDARD` or `EXPRESS`.
    pub machine_type: String,
    /// The definition as sent.
    pub definition_text: String,
    /// The input as sent, `{}` if none was.
    pub input_text: String,
    /// Name of the execution: the recorded one, or one made up from its place in the case.
    pub execution_name: String,
    /// The state machine's role.
    pub role_arn: String,
    /// The region, for example `us-east-1`.
    pub region: String,
    /// The account number.
    pub account: String,
    /// Whether an Express execution was started with `StartSyncExecution`.
    pub express_sync: bool,
    /// What the tasks come to. Hand each out to the first not yet answered call of its state and
    /// iteration; a retried state has several entries, in order.
    pub tasks: Vec<ScriptedTask>,
    /// If given, the execution is stopped once nothing but time would move it on.
    pub stop: Option<Stop>,
    /// The ARN of the activity that did not exist any more, if that is what ended the execution.
    pub missing_activity: Option<String>,
    /// When the execution starts, in milliseconds since 1970.
    pub start_time_ms: i64,
}

/// The arguments of `StopExecution`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stop {
    /// Its `error`.
    pub error: Option<String>,
    /// Its `cause`.
    pub cause: Option<String>,
}

/// What one call of a task came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptedTask {
    /// The state that calls it.
    pub state: String,
    /// The iteration of the innermost Map it runs in, if it does.
    pub iteration: Option<u32>,
    /// `lambda` (a function's ARN as resource), `task` (a service) or `activity`.
    pub kind: String,
    /// The activity worker's name, for `ActivityStarted`.
    pub worker_name: Option<String>,
    /// The answer of the submitting call as JSON text, for `.sync` and `.waitForTaskToken`.
    pub submitted: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With a result, as JSON text.
    Succeeded(String),
    /// With an error.
    Failed {
        /// Which of the failing events it was.
        kind: FailKind,
        /// The error's name, if it had one.
        error: Option<String>,
        /// The error's cause, if it had one.
        cause: Option<String>,
    },
    /// Not in time: the interpreter's clock has to bring it about.
    TimesOut,
    /// Not at all: it was open when the execution ended.
    StaysOpen,
}

/// Which event tells of a failed task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailKind {
    /// `…Failed`.
    Failed,
    /// `…StartFailed`.
    StartFailed,
    /// `…SubmitFailed`.
    SubmitFailed,
    /// `…ScheduleFailed`.
    ScheduleFailed,
}

/// Whether an interpreter has to agree with an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// It has to.
    MustAgree,
    /// It has to, unless it says that it does not do this yet: the reason why it may.
    MayBeNotYet(&'static str),
    /// The recording alone does not say enough to run it: why.
    Skipped(&'static str),
}

/// Why an execution of an Express machine is not run by the interpreter alone.
pub(super) const EXPRESS: &str = "Express executions have no history";

/// Whether an interpreter has to agree with the execution.
///
/// JSONPath executions of every status that the recording suffices for must; those that use
/// JSONata anywhere, or a Distributed Map, may be answered with "not yet".
pub fn expectation(case: &Case, execution: &Execution) -> Expectation {
    let Some(machine) = case.machines.get(execution.machine) else {
        return Expectation::Skipped("there is no such machine");
    };
    if machine.machine_type.as_deref() == Some("EXPRESS") {
        return Expectation::Skipped(EXPRESS);
    }
    match execution.status() {
        "partial" => return Expectation::Skipped("the recorded history ends too early"),
        "child-tasks" => {
            return Expectation::Skipped("outcomes of the children's tasks were not recorded");
        }
        "pure-distributed-reader" => {
            return Expectation::MayBeNotYet("Distributed Map with an item reader");
        }
        "pure-distributed" => return Expectation::MayBeNotYet("Distributed Map"),
        "pure" | "scripted" | "pure-unordered" | "scripted-unordered" | "stopped" => {}
        "" if case.kind == Kind::Output => {}
        _ => return Expectation::Skipped("its replay status is not known"),
    }
    let definition = machine.definition.as_ref().unwrap_or(&Value::Null);
    if says(definition, "QueryLanguage", "JSONata") {
        Expectation::MayBeNotYet("JSONata")
    } else if says(definition, "Mode", "DISTRIBUTED") {
        Expectation::MayBeNotYet("Distributed Map")
    } else {
        Expectation::MustAgree
    }
}

/// Whether `member` is `word` anywhere in a definition.
fn says(definition: &Value, member: &str, word: &str) -> bool {
    match definition {
        Value::Object(members) => {
            members.iter().any(|(name, value)| name == member && value.as_str() == Some(word) || says(value, member, word))
        }
        Value::Array(elements) => elements.iter().any(|element| says(element, member, word)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// What an interpreter is handed to repeat execution number `index` of the case.
///
/// # Errors
///
/// A message if the recording lacks what it refers to: the machine, its definition's text, or an event.
pub fn plan(case: &Case, rules: &Rules, index: usize) -> Result<Run, String> {
    let execution = case.executions.get(index).ok_or("there is no such execution")?;
    let machine = case.machines.get(execution.machine).ok_or("there is no such machine")?;
    let definition_text = machine.definition_text.clone().ok_or("the machine has no `definition_text`")?;
    let role_arn = machine.role_arn.clone().unwrap_or_default();
    let binder = Binder { rules, execution, machine };
    let bound = |text: &str| case.bindings.iter().find(|b| b.text == text).map(|b| b.value.clone());
    Ok(Run {
        machine_name: machine.name.clone().unwrap_or_else(|| "statemachine".to_owned()),
        machine_type: machine.machine_type.clone().unwrap_or_else(|| "STANDARD".to_owned()),
        input_text: execution.input_text.clone().unwrap_or_else(|| "{}".to_owned()),
        execution_name: execution.name.clone().unwrap_or_else(|| execution_name(&case.id, index)),
        region: bound("<region>").unwrap_or_else(|| "us-east-1".to_owned()),
        account: role_arn.split(':').nth(4).unwrap_or("111111111111").to_owned(),
        express_sync: execution.sync,
        tasks: binder.tasks()?,
        stop: (execution.status() == "stopped").then(|| binder.stop()),
        missing_activity: binder.missing_activity(),
        start_time_ms: start_time(case, execution),
        definition_text,
        role_arn,
    })
}

/// A name in the form of the service's own, different for every execution and the same every time.
fn execution_name(case: &str, index: usize) -> String {
    // FNV-1a: nothing depends on its quality.
    let hash = case
        .bytes()
        .chain(index.to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let tail = hash & 0xffff_ffff_ffff;
    format!("{:08x}-{:04x}-4000-8000-{tail:012x}", hash >> 32, (hash >> 16) & 0xffff)
}

/// When the execution starts. Times in the requests of some cases were made anew after the answers had been recorded: an execution
/// that is known to have waited for such a time and succeeded starts a minute before it, lest it waits for years.
fn start_time(case: &Case, execution: &Execution) -> i64 {
    let recorded = case.recorded.as_deref().and_then(milliseconds).unwrap_or(1_700_000_000_000);
    let events = execution.history.as_ref().and_then(|history| history.get("events")).and_then(serde_json::Value::as_array);
    let succeeded = events
        .and_then(|events| events.last())
        .is_some_and(|last| last.get("type").and_then(serde_json::Value::as_str) == Some("ExecutionSucceeded"));
    let bound = case.bindings.iter().filter_map(|binding| milliseconds(&binding.value)).max();
    bound.filter(|_| succeeded).map_or(recorded, |bound| recorded.max(bound - 60_000))
}

/// Milliseconds since 1970 of a time like `2024-11-13T09:47:56Z`; fractions and offsets are ignored.
fn milliseconds(time: &str) -> Option<i64> {
    let number = |from: usize, to: usize| time.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    // Days of the proleptic Gregorian calendar, years beginning in March.
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000)
}

struct Binder<'a> {
    rules: &'a Rules,
    execution: &'a Execution,
    machine: &'a Machine,
}

impl Binder<'_> {
    /// Puts the values of the requests in place of the names they were recorded under. Placeholders
    /// stay: they are ordinary text from now on.
    fn bind(&self, text: &str) -> String {
        self.rules.substitute(text, &mut |_, values| values.and_then(|values| self.value_of(values)))
    }

    /// Of several values, the one this execution was given.
    fn value_of(&self, values: &[String]) -> Option<String> {
        let texts = [&self.execution.input_text, &self.machine.definition_text, &self.machine.role_arn];
        let given = |value: &&String| texts.iter().any(|t| t.as_ref().is_some_and(|t| t.contains(value.as_str())));
        values.iter().find(given).or(values.first()).cloned()
    }

    fn bind_value(&self, value: &Value) -> Value {
        map_strings(value, &mut |text| self.bind(text))
    }

    fn tasks(&self) -> Result<Vec<ScriptedTask>, String> {
        let recorded = self.execution.replay.as_ref().map_or(&[][..], |replay| &replay.tasks);
        if recorded.is_empty() && self.execution.events().iter().any(is_unordered) {
            return Ok(self.unordered_tasks());
        }
        recorded.iter().map(|task| self.task(task)).collect()
    }

    fn event(&self, id: u64) -> Result<&Value, String> {
        let events = self.execution.events();
        let found = events.iter().find(|event| event.get("id").and_then(Value::as_u64) == Some(id));
        found.ok_or_else(|| format!("a task refers to event {id}, which is not there"))
    }

    fn task(&self, task: &ReplayTask) -> Result<ScriptedTask, String> {
        let submitted = task.submitted.map(|id| self.event(id)).transpose()?;
        let outcome = task.outcome.map(|id| self.event(id)).transpose()?;
        let started = self.execution.events().iter().find(|event| {
            event_type(event) == "ActivityStarted"
                && task.scheduled.is_some()
                && event.get("previousEventId").and_then(Value::as_u64) == task.scheduled
        });
        Ok(ScriptedTask {
            state: task.state.clone(),
            iteration: task.iteration,
            kind: task.kind.clone(),
            worker_name: started.and_then(|event| self.text(event, "workerName")),
            submitted: submitted.and_then(|event| self.json_text(event, "output")),
            outcome: outcome.map_or(Outcome::StaysOpen, |event| self.outcome(event)),
        })
    }

    fn outcome(&self, event: &Value) -> Outcome {
        let name = event_type(event);
        if name.ends_with("Succeeded") {
            return Outcome::Succeeded(self.json_text(event, "output").unwrap_or_else(|| "null".to_owned()));
        }
        if name.ends_with("TimedOut") {
            return Outcome::TimesOut;
        }
        let kinds = [
            ("StartFailed", FailKind::StartFailed),
            ("SubmitFailed", FailKind::SubmitFailed),
            ("ScheduleFailed", FailKind::ScheduleFailed),
        ];
        let kind = kinds.iter().find(|(end, _)| name.ends_with(end)).map_or(FailKind::Failed, |(_, kind)| *kind);
        Outcome::Failed { kind, error: self.text(event, "error"), cause: self.cause(event) }
    }

    /// A member that is plain text.
    fn text(&self, event: &Value, member: &str) -> Option<String> {
        match detail(event, member)? {
            Value::String(text) => Some(self.bind(text)),
            other => Some(self.bind_value(other).to_string()),
        }
    }

    /// A member that was JSON text: what was parsed is written again, a string is the text itself.
    fn json_text(&self, event: &Value, member: &str) -> Option<String> {
        self.text(event, member)
    }

    /// The cause of an error. An object was a JSON text, whose spaces were lost: the caught error's
    /// `Cause` further on has them; failing that, functions called directly write as Python does.
    fn cause(&self, event: &Value) -> Option<String> {
        let recorded = detail(event, "cause")?;
        if let Value::String(text) = recorded {
            return Some(self.bind(text));
        }
        if let Some(text) = self.execution.events().iter().find_map(|event| caught_text(event, recorded)) {
            return Some(self.bind(text));
        }
        let bound = self.bind_value(recorded);
        let python = event_type(event).starts_with("LambdaFunction");
        Some(if python { python_text(&bound) } else { bound.to_string() })
    }

    /// What the world was like, that no task's outcome tells: nothing was scheduled.
    fn missing_activity(&self) -> Option<String> {
        let last = self.execution.events().iter().find(|event| event_type(event) == "ExecutionFailed")?;
        let cause = self.text(last, "cause")?;
        // The cause names it too, but recorded names may be replaced.
        cause.strip_suffix(" does not exist.")?.contains(" The activity ").then_some(())?;
        let entered = self.event(last.get("previousEventId")?.as_u64()?).ok()?;
        let mut resources = HashMap::new();
        collect_resources(self.machine.definition.as_ref()?, &mut resources);
        resources.remove(detail(entered, "name")?.as_str()?)
    }

    fn stop(&self) -> Stop {
        let last = self.execution.events().iter().find(|event| event_type(event) == "ExecutionAborted");
        Stop { error: last.and_then(|event| self.text(event, "error")), cause: last.and_then(|event| self.text(event, "cause")) }
    }

    /// The tasks of a history whose Parallel states lost ids and order: for each
    /// `ParallelStateStarted`, the outcomes in the order they stand in, given to the Task states
    /// entered there whose resource they name.
    fn unordered_tasks(&self) -> Vec<ScriptedTask> {
        let definition = self.machine.definition.as_ref().unwrap_or(&Value::Null);
        let mut resources = HashMap::new();
        collect_resources(definition, &mut resources);
        let mut tasks = Vec::new();
        for section in self.execution.events().split(|event| event_type(event) == "ParallelStateStarted") {
            self.section_tasks(section, &resources, &mut tasks);
        }
        tasks
    }

    fn section_tasks(&self, section: &[Value], resources: &HashMap<String, String>, tasks: &mut Vec<ScriptedTask>) {
        let of = |name: &'static str| section.iter().filter(move |event| event_type(event) == name);
        let mut waiting: Vec<&str> = of("TaskStateEntered")
            .filter_map(|event| event.pointer("/stateEnteredEventDetails/name").and_then(Value::as_str))
            .collect();
        let mut submitted: Vec<&Value> = of("TaskSubmitted").collect();
        let mut started: Vec<&Value> = of("ActivityStarted").collect();
        let mut last = None;
        for event in section.iter().filter(|event| is_outcome(event_type(event))) {
            let fits = |state: &&str| resources.get(*state).is_some_and(|resource| names(event, resource));
            let state = match waiting.iter().position(fits) {
                Some(position) => Some(waiting.remove(position)),
                // More outcomes than states: the last one was retried.
                None => last,
            };
            let Some(state) = state else { continue };
            last = Some(state);
            let kind = kind_of(event);
            let same = |other: &&Value| detail(other, "resource") == detail(event, "resource");
            let submit = submitted.iter().position(same).map(|position| submitted.remove(position));
            let start = (kind == "activity" && !started.is_empty()).then(|| started.remove(0));
            tasks.push(ScriptedTask {
                state: state.to_owned(),
                iteration: None,
                kind: kind.to_owned(),
                worker_name: start.and_then(|event| self.text(event, "workerName")),
                submitted: submit.and_then(|event| self.json_text(event, "output")),
                outcome: self.outcome(event),
            });
        }
    }
}

fn event_type(event: &Value) -> &str {
    event.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// A member of the event's `…EventDetails`.
fn detail<'a>(event: &'a Value, member: &str) -> Option<&'a Value> {
    let (_, details) = event.as_object()?.iter().find(|(name, _)| name.ends_with("EventDetails"))?;
    details.get(member)
}

/// A string called `Cause`, anywhere in a payload, that is the JSON text of `cause`.
fn caught_text<'a>(value: &'a Value, cause: &Value) -> Option<&'a str> {
    match value {
        Value::Object(members) => members.iter().find_map(|(name, member)| match member {
            Value::String(text) if name == "Cause" && text.starts_with('{') => {
                (serde_json::from_str::<Value>(text).ok().as_ref() == Some(cause)).then_some(text.as_str())
            }
            other => caught_text(other, cause),
        }),
        Value::Array(elements) => elements.iter().find_map(|element| caught_text(element, cause)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn is_outcome(name: &str) -> bool {
    let family = ["Task", "LambdaFunction", "Activity"].iter().find_map(|family| name.strip_prefix(family));
    matches!(family, Some("Succeeded" | "Failed" | "TimedOut" | "StartFailed" | "SubmitFailed" | "ScheduleFailed"))
}

fn kind_of(event: &Value) -> &'static str {
    match event_type(event) {
        name if name.starts_with("LambdaFunction") => "lambda",
        name if name.starts_with("Activity") => "activity",
        _ => "task",
    }
}

/// Whether an outcome's event tells of a call of `resource`.
fn names(event: &Value, resource: &str) -> bool {
    let text = |member| detail(event, member).and_then(Value::as_str).unwrap_or_default();
    match kind_of(event) {
        "lambda" => resource.contains(":function:"),
        "activity" => resource.contains(":activity:"),
        _ => resource.ends_with(&format!("{}:{}", text("resourceType"), text("resource"))),
    }
}

/// The `Resource` of every Task state by the state's name.
fn collect_resources(value: &Value, resources: &mut HashMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if let Some(resource) = member.get("Resource").and_then(Value::as_str) {
                    resources.insert(name.clone(), resource.to_owned());
                }
                collect_resources(member, resources);
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| collect_resources(element, resources)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
