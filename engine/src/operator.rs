//! Operators' operations: what somebody needs who looks after a deployment, and no API of a service has.
//!
//! They are asked for as those of the API are, with `X-Amz-Target: Statewright.<operation>`; [`respond`] answers them for every host.
//!
//! | operation | request | does |
//! |---|---|---|
//! | `InspectExecution` | `executionArn` | says what is known of an execution, and if it cannot be restored, why |
//! | `ReleaseExecution` | `executionArn` | wakes an execution, has the jobs looked at that it waits for, and has it swept again from the beginning if it was set aside |
//! | `ListSetAside` | `maxResults`, `nextToken` | lists the executions that were set aside, because nobody could go on with them |
//!
//! Times are RFC 3339. An execution that cannot be restored can be stopped: `StopExecution` aborts it all the same.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use statewright_interpreter::definition::Definition;
use statewright_interpreter::execution::Execution;
use statewright_interpreter::time::Timestamp;

use crate::api::{ApiError, Caller, Reply, check_execution_arn, execution_does_not_exist, reply, target};
use crate::driver::restore;
use crate::host::{DriveError, Host};
use crate::journal::{Aside, Due, Inspected, Journal};
use crate::queue::Tasks as _;
use crate::store::{ExecutionArn, Loaded};
use crate::sweep::release;
use crate::table::Table;

/// What stands before the operation's name in `X-Amz-Target`.
const TARGET_PREFIX: &str = "Statewright.";
/// How many executions a page of a list has, when nothing is said, and at most.
const PAGE: usize = 100;

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Says what is known of an execution.
    InspectExecution,
    /// Lets an execution go on that was set aside.
    ReleaseExecution,
    /// Lists what was set aside.
    ListSetAside,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::InspectExecution, Self::ReleaseExecution, Self::ListSetAside];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InspectExecution => "InspectExecution",
            Self::ReleaseExecution => "ReleaseExecution",
            Self::ListSetAside => "ListSetAside",
        }
    }

    /// The operation of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.name() == name)
    }
}

/// Answers a request as it comes over HTTP, if it asks for an operator's operation; `None` if it does not: it is the API's then.
pub async fn respond<'h, T: Table, H: Host<Store = Journal<T>>>(
    host: &H,
    headers: impl IntoIterator<Item = (&'h str, &'h str)>,
    body: &[u8],
    caller: &Caller<'_>,
) -> Option<Reply> {
    let name = target(headers)?.strip_prefix(TARGET_PREFIX)?;
    let answer = match Operation::from_name(name) {
        Some(operation) => call(host, operation, body, caller).await.map(|answer| answer.to_string()),
        None => {
            let known = Operation::ALL.map(Operation::name).join(", ");
            Err(ApiError::new("UnknownOperationException", format!("There is no operation '{name}'; there are {known}")))
        }
    };
    Some(reply(answer, caller.uuid()))
}

/// Carries an operation out.
///
/// # Errors
/// Those of the API: `ExecutionDoesNotExist`, `InvalidArn`, ….
pub async fn call<T: Table, H: Host<Store = Journal<T>>>(
    host: &H,
    operation: Operation,
    body: &[u8],
    caller: &Caller<'_>,
) -> Result<Value, ApiError> {
    match operation {
        Operation::InspectExecution => inspect_execution(host, &parse(body)?, caller).await,
        Operation::ReleaseExecution => release_execution(host, &parse(body)?, caller).await,
        Operation::ListSetAside => list_set_aside(host, &parse(body)?).await,
    }
}

/// The request of operations on one execution.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OfExecution {
    execution_arn: String,
}

impl OfExecution {
    fn arn(&self, caller: &Caller<'_>) -> Result<ExecutionArn, ApiError> {
        check_execution_arn(&self.execution_arn, caller)?;
        Ok(ExecutionArn(self.execution_arn.as_str().into()))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    max_results: Option<usize>,
    next_token: Option<String>,
}

fn parse<R: DeserializeOwned>(body: &[u8]) -> Result<R, ApiError> {
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| ApiError::new("SerializationException", format!("The request is not JSON: {error}")))?;
    serde_json::from_value(value).map_err(|error| ApiError::validation(format!("The request is wrong: {error}")))
}

async fn inspect_execution<T: Table, H: Host<Store = Journal<T>>>(
    host: &H,
    request: &OfExecution,
    caller: &Caller<'_>,
) -> Result<Value, ApiError> {
    let arn = request.arn(caller)?;
    let journal = host.store();
    let Some(inspected) = journal.inspect(&arn, caller.now).await? else {
        return match journal.find_aside(&arn).await? {
            Some(aside) => Ok(json!({"executionArn": &*arn.0, "setAside": set_aside(&aside),
                "problem": "There is no such execution any more. Release it, so that it is no longer listed."})),
            None => Err(execution_does_not_exist(&arn.0)),
        };
    };
    let Inspected { started, commits, states, ended, inbox, loaded, reminder, aside } = inspected;
    let inbox: Vec<Value> = inbox.into_iter().map(|(key, at)| json!({"key": key, "date": date(at)})).collect();
    let mut answer = json!({
        "executionArn": &*arn.0,
        "status": ended.as_deref().unwrap_or("RUNNING"),
        "startDate": date(started),
        "commits": commits,
        "inbox": inbox,
    });
    let mut say = |name: &str, value: Value| {
        if let Some(members) = answer.as_object_mut().filter(|_| !value.is_null()) {
            members.insert(name.to_owned(), value);
        }
    };
    say("states", states.map_or(Value::Null, |states| states.split(", ").map(str::to_owned).collect()));
    say("reminder", reminder.as_ref().map_or(Value::Null, remembered));
    say("setAside", aside.as_ref().map_or(Value::Null, set_aside));
    let restored = match loaded {
        Ok(loaded) => {
            say("revision", json!(&*loaded.birth.revision));
            let leases = loaded.ledger.leases.iter();
            let leases: Vec<Value> =
                leases.map(|(task, until)| json!({"task": task.0, "until": date(Timestamp(*until))})).collect();
            say("leases", Value::from(leases));
            restored(host, &loaded).await
        }
        Err(error) => Err(error.into()),
    };
    match restored {
        Ok(Restored { execution, definition }) => {
            say("states", execution.active_states(&definition).into_iter().map(|name| json!(&**name)).collect());
            say("events", json!(execution.history_events()));
            say("lastEventDate", json!(date(execution.last_event_at())));
            say("deadline", execution.deadline().map_or(Value::Null, |deadline| json!(date(deadline))));
            say("openTasks", open_tasks(&execution, &definition));
        }
        Err(error) if error.is_unreadable() => {
            let todo =
                "It goes on when a release that can restore it is deployed and it is released; StopExecution aborts it as it is.";
            say("problem", json!(format!("The execution cannot be restored: {error}. {todo}")));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(answer)
}

struct Restored {
    execution: Execution,
    definition: std::sync::Arc<Definition>,
}

async fn restored<H: Host, P>(host: &H, loaded: &Loaded<P>) -> Result<Restored, DriveError> {
    let (definition, execution) = restore(host, &loaded.birth, &loaded.checkpoint).await?;
    Ok(Restored { execution, definition })
}

fn open_tasks(execution: &Execution, definition: &Definition) -> Value {
    let tasks = execution.open(definition).into_iter().map(
        |(task, begun)| json!({"task": task.task.0, "state": &*task.state, "resource": &**task.resource.arn(), "started": begun}),
    );
    tasks.collect()
}

fn date(at: Timestamp) -> String {
    at.to_string()
}

fn remembered(due: &Due) -> Value {
    let mut reminder = json!({"date": date(due.at), "tries": due.tries});
    // A reminder of what was set aside waits for ever.
    if let (Some(members), Some(next)) = (reminder.as_object_mut(), due.not_before.filter(|next| *next < Timestamp(i64::MAX))) {
        members.insert("nextDate".to_owned(), json!(date(next)));
    }
    reminder
}

fn set_aside(aside: &Aside) -> Value {
    json!({"date": date(aside.at), "reason": aside.reason})
}

async fn release_execution<T: Table, H: Host<Store = Journal<T>>>(
    host: &H,
    request: &OfExecution,
    caller: &Caller<'_>,
) -> Result<Value, ApiError> {
    let arn = request.arn(caller)?;
    let journal = host.store();
    let inspected = journal.inspect(&arn, caller.now).await?;
    let is_there = inspected.is_some();
    let aside = release(host, journal, &arn).await?;
    if let Some(Inspected { loaded: Ok(loaded), .. }) = &inspected {
        match restored(host, loaded).await {
            Ok(Restored { execution, definition }) => {
                for task in execution.submitted(&definition) {
                    host.tasks().look_again(execution.identity(), &task).await.map_err(DriveError::from)?;
                }
            }
            // It stays released: whoever can restore it goes on with it.
            Err(error) if error.is_unreadable() => {}
            Err(error) => return Err(error.into()),
        }
    }
    match aside {
        Some(aside) => Ok(json!({"executionArn": &*arn.0, "setAside": set_aside(&aside)})),
        None if is_there => Ok(json!({"executionArn": &*arn.0})),
        None => Err(execution_does_not_exist(&arn.0)),
    }
}

async fn list_set_aside<T: Table, H: Host<Store = Journal<T>>>(host: &H, request: &List) -> Result<Value, ApiError> {
    let limit = request.max_results.filter(|limit| *limit > 0).unwrap_or(PAGE);
    if limit > PAGE {
        return Err(ApiError::validation(format!("maxResults must be at most {PAGE}")));
    }
    // One more than the page holds tells whether there is another page.
    let found = host.store().aside(request.next_token.clone(), limit + 1).await?;
    let page = found.get(..limit).unwrap_or(&found);
    let executions: Vec<Value> = page
        .iter()
        .map(|aside| json!({"executionArn": &*aside.execution.0, "date": date(aside.at), "reason": aside.reason}))
        .collect();
    let mut answer = json!({"executions": executions});
    if let (Some(members), Some(last)) = (answer.as_object_mut(), page.last().filter(|_| found.len() > limit)) {
        members.insert("nextToken".to_owned(), json!(&*last.execution.0));
    }
    Ok(answer)
}
