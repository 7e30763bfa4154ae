//! Operations on executions, and what they need of whoever keeps and drives executions.
//!
//! Source: API reference; rules `api-start`, `api-start-sync`, `api-stop`, `api-describe-execution`, `api-list-executions` and
//! `api-history` of the rule table.

use std::future::Future;
use std::sync::Arc;

use statewright_interpreter::Value;
use statewright_interpreter::definition::{MachineType, json_error};
use statewright_interpreter::event::Event;
use statewright_interpreter::execution::{Identity, Status, TaskToken};
use statewright_interpreter::history::{ErrorDetails, HistoryEvent};
use statewright_interpreter::payload::Document;
use statewright_interpreter::time::Timestamp;

use super::Api;
use super::arn::{self, MachineArn, Qualifier};
use super::caller::Caller;
use super::error::ApiError;
use super::machine_store::{Machine, Type};
use super::machines::{Selected, deleting};
use super::operation::Operation;
use super::paging::{Page, invalid_token};
use super::request::{Answer, Request};
use super::signature::{EQUAL_WITHIN, Verified};
use crate::table::Table;

/// From so many events on an execution cannot be redriven.
///
/// Source: developer guide, "Redriving executions", "Redrive eligibility".
const REDRIVABLE_EVENTS_MAX: u64 = 24_998;
/// How long an answer with a part of a history may be, as the text in JSON that it is written as once more: a function on AWS Lambda
/// answers with 6 MB at most, and its answer holds this one as a text. Events may have half a megabyte each. "The actual number of
/// results returned per call might be fewer than the specified maximum."
const HISTORY_BYTES_MAX: usize = 4_000_000;
/// For so long after its end an execution can be redriven.
const REDRIVABLE_SECONDS: u64 = 14 * 24 * 60 * 60;

/// An execution to be started.
#[derive(Clone, Debug)]
pub struct NewExecution {
    /// Who it is.
    pub identity: Identity,
    /// The type of its machine.
    pub machine_type: MachineType,
    /// The revision of the machine that it runs, as [`definition`](super::definition) knows it.
    pub revision: Arc<str>,
    /// The version of the machine it was started by, if it was.
    pub version_arn: Option<Arc<str>>,
    /// The alias it was started by, if it was.
    pub alias_arn: Option<Arc<str>>,
    /// The trace header it was started with.
    pub trace_header: Option<Arc<str>>,
    /// Its input.
    pub input: Document,
    /// Where its randomness comes from.
    pub seed: u128,
    /// When it was asked for.
    pub now: Timestamp,
}

/// What became of the wish to start an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// It was started, at this time.
    New(Timestamp),
    /// There is one of its name already; nothing was changed.
    Exists {
        /// When that one was started.
        started: Timestamp,
        /// Whether it still runs.
        running: bool,
        /// Whether it has the same input, to the letter.
        same_input: bool,
    },
}

/// An execution as it is described.
#[derive(Clone, Debug)]
pub struct ExecutionRecord {
    /// Who it is.
    pub identity: Identity,
    /// The revision of the machine that it runs, as it was started with.
    pub revision: Arc<str>,
    /// The version of the machine it was started by, if it was.
    pub version_arn: Option<Arc<str>>,
    /// The alias it was started by, if it was.
    pub alias_arn: Option<Arc<str>>,
    /// The trace header it was started with.
    pub trace_header: Option<Arc<str>>,
    /// Its input.
    pub input: Document,
    /// What has become of it.
    pub status: Status,
    /// When it was started.
    pub started: Timestamp,
    /// When it ended, if it has.
    pub stopped: Option<Timestamp>,
    /// How many events its history has.
    pub history_events: u64,
}

/// Which executions to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionQuery {
    /// The name of the machine.
    pub machine: String,
    /// Only those that were started by this version.
    pub version_arn: Option<String>,
    /// Only those with this status.
    pub status: Option<ListedStatus>,
    /// At most so many. Fewer may come although there are more.
    pub limit: usize,
    /// Only those behind this place: [`ExecutionRows::next`] of the page before.
    pub after: Option<String>,
}

/// The status of an execution, as lists know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the API's")]
pub enum ListedStatus {
    Running,
    Succeeded,
    Failed,
    TimedOut,
    Aborted,
}

impl ListedStatus {
    pub(crate) const ALL: [Self; 5] = [Self::Running, Self::Succeeded, Self::Failed, Self::TimedOut, Self::Aborted];

    /// The status as the API spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Aborted => "ABORTED",
        }
    }
}

impl From<&Status> for ListedStatus {
    fn from(status: &Status) -> Self {
        match status {
            Status::Running => Self::Running,
            Status::Succeeded { .. } => Self::Succeeded,
            Status::Failed(_) => Self::Failed,
            Status::TimedOut => Self::TimedOut,
            Status::Aborted(_) => Self::Aborted,
        }
    }
}

/// A part of a list of executions, the newest first: running ones by their start, others by their end.
#[derive(Clone, Debug, Default)]
pub struct ExecutionRows {
    /// The executions.
    pub rows: Vec<ExecutionRow>,
    /// Where to go on, if there are more: at most 300 bytes.
    pub next: Option<String>,
}

/// An execution in a list.
#[derive(Clone, Debug)]
pub struct ExecutionRow {
    /// Its ARN.
    pub execution_arn: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its status.
    pub status: ListedStatus,
    /// When it was started.
    pub started: Timestamp,
    /// When it ended, if it has.
    pub stopped: Option<Timestamp>,
    /// The version of the machine it was started by, if it was.
    pub version_arn: Option<Arc<str>>,
    /// The alias it was started by, if it was.
    pub alias_arn: Option<Arc<str>>,
}

/// Which events of a history to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryQuery {
    /// The first event to read; the last one of the history where that comes before it.
    pub from: u64,
    /// Whether to go on with the events before it instead of those after it.
    pub reverse: bool,
    /// At most so many. Fewer may come although there are more; none only where there are none.
    pub limit: usize,
}

/// What became of something that was told to an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It was taken, or will be: it is written down.
    Taken,
    /// The execution does not take it: its task is closed, or it has ended, at this time.
    Closed(Option<Timestamp>),
    /// There is no such execution, or it has never given out this token.
    Unknown,
}

/// A task that a worker of an activity is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityTask {
    /// The task's token.
    pub token: Arc<str>,
    /// Its input, JSON text.
    pub input: String,
}

/// Keeps executions and drives them.
///
/// Executions are named by their ARNs. An error says that nobody knows whether something was done: every method may be called again.
pub trait Executions: Send + Sync {
    /// Starts an execution, unless there is one of the same ARN that ended less than 90 days ago. Of two that are started with the same
    /// ARN at the same time one is new. When this answers, the execution cannot get lost any more.
    fn start(&self, new: NewExecution) -> impl Future<Output = Result<Started, ApiError>> + Send;

    /// Runs an Express execution to its end and forgets it.
    fn run(&self, new: NewExecution) -> impl Future<Output = Result<ExecutionRecord, ApiError>> + Send;

    /// An execution; `None` if there is none.
    fn describe(&self, execution_arn: &str) -> impl Future<Output = Result<Option<ExecutionRecord>, ApiError>> + Send;

    /// A part of the list of executions. It may be a little behind.
    fn list(&self, query: &ExecutionQuery) -> impl Future<Output = Result<ExecutionRows, ApiError>> + Send;

    /// Whether an execution of the state machine of this name may still be running.
    fn is_running(&self, machine: &str) -> impl Future<Output = Result<bool, ApiError>> + Send;

    /// For how long after its end an execution is to be seen.
    fn kept_seconds(&self) -> u64;

    /// A part of an execution's history; `None` if there is no such execution.
    fn history(
        &self,
        execution_arn: &str,
        query: HistoryQuery,
    ) -> impl Future<Output = Result<Option<Vec<HistoryEvent>>, ApiError>> + Send;

    /// Stops an execution. [`Told::Closed`] where it had ended before, and also where it is stopped already when this answers.
    fn stop(&self, execution_arn: &str, error: ErrorDetails, now: Timestamp)
    -> impl Future<Output = Result<Told, ApiError>> + Send;

    /// Tells an execution what has happened to the task of a token.
    fn tell(&self, token: &TaskToken, event: Event, now: Timestamp) -> impl Future<Output = Result<Told, ApiError>> + Send;

    /// The next task of an activity, which is started with that; waits for one up to a minute, and as long as the host can.
    fn next_activity_task(
        &self,
        activity_arn: &str,
        worker_name: Option<&str>,
    ) -> impl Future<Output = Result<Option<ActivityTask>, ApiError>> + Send;
}

impl<T: Table, E: Executions> Api<'_, T, E> {
    pub(super) async fn start_execution(&self, request: &Request, caller: &Caller<'_>) -> Result<String, ApiError> {
        let mut new = self.new_execution(request, caller, None).await?;
        let mut answer = self.executions.start(new.clone()).await?;
        if let (Started::Exists { started, .. }, Some(verified), None) = (&answer, caller.verified, request.text("name")) {
            if verified.is_unique {
                // The first answer was lost.
                answer = Started::New(*started);
            } else if caller.now.0 - started.0 <= EQUAL_WITHIN {
                new = self.new_execution(request, &Caller { verified: None, ..*caller }, None).await?;
                answer = self.executions.start(new.clone()).await?;
            } else {
                return Err(ApiError::unavailable("a request came again that had started an execution: it has to be signed anew"));
            }
        }
        let execution_arn = new.identity.execution_arn;
        let started = match answer {
            Started::New(started) | Started::Exists { started, running: true, same_input: true } => started,
            Started::Exists { .. } => {
                let message = format!("Execution Already Exists: '{execution_arn}'");
                return Err(ApiError::new("ExecutionAlreadyExists", message));
            }
        };
        Ok(Answer::new().with("executionArn", execution_arn).date("startDate", started).to_json())
    }

    pub(super) async fn start_sync_execution(&self, request: &Request, caller: &Caller<'_>) -> Result<String, ApiError> {
        let new = self.new_execution(request, caller, Some(Type::Express)).await?;
        let record = self.executions.run(new).await?;
        let stopped = record.stopped.unwrap_or(record.started);
        let answer = Described { record: &record, data: includes_data(request) }.answer();
        // Time is billed in steps of 100 milliseconds and memory in steps of 64 MB; the memory is not measured.
        let milliseconds = (stopped.0 - record.started.0).max(1).unsigned_abs().next_multiple_of(100);
        let billing = Answer::new().with("billedMemoryUsedInMB", 64_u32).with("billedDurationInMilliseconds", milliseconds);
        let answer = match record.status {
            Status::Succeeded { .. } => answer,
            // It is there even where there is no output.
            Status::Running | Status::Failed(_) | Status::TimedOut | Status::Aborted(_) => {
                answer.with("outputDetails", included(includes_data(request)))
            }
        };
        Ok(answer.with("billingDetails", billing).to_json())
    }

    /// What the request asks to start, if it may be; `only` is the type of machine that the operation is for.
    async fn new_execution(&self, request: &Request, caller: &Caller<'_>, only: Option<Type>) -> Result<NewExecution, ApiError> {
        let asked = request.required("stateMachineArn");
        let target = arn::state_machine(asked, caller)?.here()?;
        request.text("name").map(arn::name).transpose()?;
        let input = input(request.text("input").unwrap_or("{}"))?;
        let machine = self.find_machine_lately(target.name, caller.now).await?.ok_or_else(|| target.does_not_exist())?;
        if machine.deleting {
            return Err(deleting(asked));
        }
        let Selected { revision, version } = self.select(&machine, &target).await?;
        if only.is_some_and(|only| only != revision.machine_type) {
            return Err(not_supported());
        }
        if let Some(reason) = &revision.not_runnable {
            return Err(ApiError::validation(format!("The state machine cannot be run yet: {reason}")));
        }
        let unnamed = || caller.verified.map_or_else(|| caller.uuid(), Verified::execution_name);
        let name = request.text("name").map_or_else(unnamed, str::to_owned);
        let execution_arn = match revision.machine_type {
            Type::Standard => caller.arn("execution", &format!("{}:{name}", machine.name)),
            // Names of Express executions may be used again at once.
            Type::Express => {
                let once = caller.uuid();
                caller.arn("express", &format!("{}:{name}:{once}", machine.name))
            }
        };
        let identity = Identity {
            execution_arn: execution_arn.into(),
            execution_name: name.into(),
            state_machine_arn: caller.arn("stateMachine", &machine.name).into(),
            state_machine_name: machine.name.into(),
            role_arn: revision.settings.role_arn.as_str().into(),
            region: caller.region.into(),
        };
        Ok(NewExecution {
            identity,
            machine_type: revision.machine_type.into(),
            revision: revision.name(target.name).into(),
            version_arn: version.map(|_| asked.into()),
            alias_arn: None,
            trace_header: request.text("traceHeader").map(Arc::from),
            input,
            seed: (caller.random)(),
            now: caller.now,
        })
    }

    pub(super) async fn stop_execution(&self, request: &Request, caller: &Caller<'_>) -> Result<String, ApiError> {
        let asked = request.required("executionArn");
        arn::execution(asked, caller)?;
        let text = |name: &str| request.text(name).map(Arc::from);
        let error = ErrorDetails { error: text("error"), cause: text("cause") };
        let stopped = match self.executions.stop(asked, error, caller.now).await? {
            Told::Closed(stopped) => stopped.unwrap_or(caller.now),
            Told::Taken => caller.now,
            Told::Unknown => return Err(arn::execution_does_not_exist(asked)),
        };
        Ok(Answer::new().date("stopDate", stopped).to_json())
    }

    /// The execution of an ARN.
    pub(super) async fn find_execution(&self, asked: &str, caller: &Caller<'_>) -> Result<ExecutionRecord, ApiError> {
        arn::execution(asked, caller)?;
        self.executions.describe(asked).await?.ok_or_else(|| arn::execution_does_not_exist(asked))
    }

    pub(super) async fn describe_execution(&self, request: &Request, caller: &Caller<'_>) -> Result<String, ApiError> {
        let record = self.find_execution(request.required("executionArn"), caller).await?;
        let (status, reason) = redrive_status(&record, caller.now);
        let answer = Described { record: &record, data: includes_data(request) }.answer();
        let answer = answer
            .maybe("stateMachineVersionArn", record.version_arn.as_deref())
            .maybe("stateMachineAliasArn", record.alias_arn.as_deref())
            .with("redriveCount", 0_u32)
            .with("redriveStatus", status)
            .maybe("redriveStatusReason", reason);
        Ok(answer.to_json())
    }

    pub(super) async fn list_executions(&self, request: &Request, caller: &Caller<'_>) -> Result<String, ApiError> {
        let target = match (request.text("stateMachineArn"), request.text("mapRunArn")) {
            (Some(asked), None) => arn::state_machine(asked, caller)?.here()?,
            // No map run exists.
            (None, Some(asked)) => {
                let message = format!("Resource not found: '{asked}'");
                return Err(ApiError::new("ResourceNotFound", message).with("resourceName", asked));
            }
            (Some(_), Some(_)) | (None, None) => {
                return Err(ApiError::validation("Specify either a stateMachineArn or a mapRunArn, but not both"));
            }
        };
        let asked = request.required("stateMachineArn");
        let filter = request.text("statusFilter");
        let status = ListedStatus::ALL.into_iter().find(|status| filter == Some(status.as_str()));
        if filter.is_some() && status.is_none() || request.text("redriveFilter").is_some() {
            let message = "PENDING_REDRIVE and redriveFilter can only be asked for with a mapRunArn";
            return Err(ApiError::validation(message));
        }
        let machine = self.find_machine(target.name, caller.now).await?.ok_or_else(|| target.does_not_exist())?;
        let version_arn = self.started_by(&machine, &target, asked).await?;
        if machine.current.machine_type == Type::Express {
            return Err(not_supported());
        }
        let page = Page::of(Operation::ListExecutions, request, &[asked, filter.unwrap_or_default()], caller.now)?;
        let query = ExecutionQuery { machine: machine.name, version_arn, status, limit: page.limit, after: page.after.clone() };
        let found = self.executions.list(&query).await?;
        let machine_arn = caller.arn("stateMachine", target.name);
        let executions: Vec<Value> = found.rows.iter().map(|row| row.answer(&machine_arn).into()).collect();
        let next = found.next.map(|next| page.token(&next));
        Ok(Answer::new().with("executions", executions).maybe("nextToken", next).to_json())
    }

    /// The version that a list is limited to.
    async fn started_by(&self, machine: &Machine, target: &MachineArn<'_>, asked: &str) -> Result<Option<String>, ApiError> {
        match target.qualifier {
            None => Ok(None),
            Some(Qualifier::Version(_) | Qualifier::Alias(_) | Qualifier::Label(_)) => {
                self.select(machine, target).await?;
                Ok(Some(asked.to_owned()))
            }
        }
    }

    pub(super) async fn get_execution_history(&self, request: &Request, caller: &Caller<'_>) -> Result<String, ApiError> {
        let asked = request.required("executionArn");
        arn::execution(asked, caller)?;
        let reverse = request.flag("reverseOrder").unwrap_or(false);
        let order = if reverse { "reverse" } else { "" };
        let page = Page::of(Operation::GetExecutionHistory, request, &[asked, order], caller.now)?;
        let from = match &page.after {
            None if reverse => u64::MAX,
            None => 1,
            Some(from) => from.parse().map_err(|_| invalid_token())?,
        };
        // One more than the page holds tells whether there is another page.
        let query = HistoryQuery { from, reverse, limit: page.limit + 1 };
        let events = self.executions.history(asked, query).await?.ok_or_else(|| arn::execution_does_not_exist(asked))?;
        let mut answer = History::new(request.flag("includeExecutionData").unwrap_or(true));
        let shown = events.iter().take(page.limit).take_while(|event| answer.add(event)).count();
        let next = events.get(shown).map(|first| page.token(&first.id.0.to_string()));
        Ok(answer.finish(next.as_deref()))
    }
}

/// An answer of `GetExecutionHistory` being made. Events are written as they are, without a detour over values.
struct History {
    out: Vec<u8>,
    /// How many bytes `out` has as a text in JSON.
    quoted: usize,
    empty: bool,
    data: bool,
}

impl History {
    fn new(data: bool) -> Self {
        let out = b"{\"events\":[".to_vec();
        Self { quoted: quoted(&out), out, empty: true, data }
    }

    /// Adds an event, unless the answer is long enough: then `false`.
    fn add(&mut self, event: &HistoryEvent) -> bool {
        let before = self.out.len();
        if !self.empty {
            self.out.push(b',');
        }
        event.write_to(&mut self.out, self.data);
        let more = quoted(self.out.get(before..).unwrap_or_default());
        let fits = self.empty || self.quoted + more <= HISTORY_BYTES_MAX;
        if fits {
            self.quoted += more;
        } else {
            self.out.truncate(before);
        }
        self.empty = false;
        fits
    }

    fn finish(mut self, next: Option<&str>) -> String {
        self.out.push(b']');
        if let Some(next) = next {
            self.out.extend_from_slice(b",\"nextToken\":");
            Value::from(next).write_to(&mut self.out);
        }
        self.out.push(b'}');
        String::from_utf8(self.out).expect("events are written as JSON")
    }
}

/// Reads an execution's input.
fn input(text: &str) -> Result<Document, ApiError> {
    Document::parse(text).map_err(|error| {
        let reason = json_error(text).unwrap_or_else(|| error.to_string());
        ApiError::new("InvalidExecutionInput", format!("Invalid State Machine Execution Input: '{reason}'"))
    })
}

/// The error of operations that are not for this type of machine.
fn not_supported() -> ApiError {
    ApiError::new("StateMachineTypeNotSupported", "This operation is not supported by this type of state machine")
}

fn includes_data(request: &Request) -> bool {
    request.text("includedData") != Some("METADATA_ONLY")
}

fn included(data: bool) -> Answer {
    Answer::new().with("included", data)
}

/// What `DescribeExecution` and `StartSyncExecution` both say of an execution.
struct Described<'a> {
    record: &'a ExecutionRecord,
    /// Whether input, output, error and cause are told.
    data: bool,
}

impl Described<'_> {
    fn answer(&self) -> Answer {
        let Self { record, data } = *self;
        let identity = &record.identity;
        let answer = Answer::new()
            .with("executionArn", &*identity.execution_arn)
            .with("stateMachineArn", &*identity.state_machine_arn)
            .with("name", &*identity.execution_name)
            .with("status", record.status.as_str())
            .date("startDate", record.started)
            .maybe("input", data.then(|| record.input.text().into_owned()))
            .with("inputDetails", included(data))
            .maybe("traceHeader", record.trace_header.as_deref());
        let answer = match record.stopped {
            Some(stopped) => answer.date("stopDate", stopped),
            None => answer,
        };
        match &record.status {
            Status::Succeeded { output } => {
                answer.maybe("output", data.then(|| output.text().into_owned())).with("outputDetails", included(data))
            }
            Status::Failed(error) | Status::Aborted(error) => {
                answer.maybe("error", error.error.as_deref()).maybe("cause", error.cause.as_deref().filter(|_| data))
            }
            Status::Running | Status::TimedOut => answer,
        }
    }
}

impl ExecutionRow {
    fn answer(&self, machine_arn: &str) -> Answer {
        let answer = Answer::new()
            .with("executionArn", &*self.execution_arn)
            .with("stateMachineArn", machine_arn)
            .with("name", &*self.name)
            .with("status", self.status.as_str())
            .date("startDate", self.started);
        let answer = match self.stopped {
            Some(stopped) => answer.date("stopDate", stopped),
            None => answer,
        };
        answer
            .maybe("stateMachineVersionArn", self.version_arn.as_deref())
            .maybe("stateMachineAliasArn", self.alias_arn.as_deref())
            .with("redriveCount", 0_u32)
    }
}

/// How many bytes a JSON text has within another one: quotes and backslashes have a backslash each, and it holds no other character that
/// needs one.
fn quoted(json: &[u8]) -> usize {
    json.iter().map(|byte| if matches!(byte, b'"' | b'\\') { 2 } else { 1 }).sum()
}

/// Whether an execution could be redriven, and why not.
///
/// Source: API reference, "DescribeExecution", `redriveStatus` and `redriveStatusReason`.
fn redrive_status(record: &ExecutionRecord, now: Timestamp) -> (&'static str, Option<&'static str>) {
    let reason = match record.status {
        Status::Running => "Execution is RUNNING and cannot be redriven",
        Status::Succeeded { .. } => "Execution is SUCCEEDED and cannot be redriven",
        Status::Failed(_) | Status::TimedOut | Status::Aborted(_) => {
            if record.history_events > REDRIVABLE_EVENTS_MAX {
                "Execution history event limit exceeded"
            } else if record.stopped.is_some_and(|stopped| stopped.plus_seconds(REDRIVABLE_SECONDS) < now) {
                "Execution redrivable period exceeded"
            } else {
                return ("REDRIVABLE", None);
            }
        }
    };
    ("NOT_REDRIVABLE", Some(reason))
}
