//! What others tell an execution, and the tasks that they take over: each loads it, and commits what it changes.

use statewright_interpreter::command::{Command, StartTask};
use statewright_interpreter::event::TaskId;
use statewright_interpreter::execution::{Execution, Identity};
use statewright_interpreter::time::Timestamp;

use crate::clock::Clock;
use crate::driver::Driver;
use crate::host::{DriveError, Host};
use crate::posting::{post_all, to_entries};
use crate::store::{CommitError, ExecutionArn, Happened, InboxEntry};

/// So often somebody else may have been faster.
const TRIES_MAX: usize = 20;

/// What became of an event that was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// There is no such execution.
    Unknown,
    /// It was applied and committed.
    Applied,
    /// It changed nothing: it is stale, or a duplicate.
    Ignored,
    /// Somebody else is at the execution, or a later release is to go on with it: it lies in the inbox, and somebody was woken.
    Posted,
}

/// Applies something that happened to an execution: loads it, applies it, commits. Where somebody else is at the execution, or a later
/// release has written it, it is posted under `key` and somebody is woken.
///
/// # Errors
/// When the store or a queue fails. It may have been applied all the same; deliver it again.
pub async fn deliver<H: Host>(host: &H, arn: &ExecutionArn, key: &str, happened: Happened) -> Result<Delivered, DriveError> {
    let tried = try_deliver(host, arn, vec![happened.clone()]).await;
    or_post(host, arn, tried, || vec![InboxEntry::new(key, happened)]).await
}

/// [Delivers](deliver) something, if `check` has nothing against it when it sees the execution; gives its objection otherwise.
///
/// # Errors
/// When the store or a queue fails. It may have been applied all the same; deliver it again.
pub async fn deliver_if<H: Host, R>(
    host: &H,
    arn: &ExecutionArn,
    key: &str,
    happened: Happened,
    check: impl FnOnce(&Execution) -> Result<(), R> + Send,
) -> Result<Result<Delivered, R>, DriveError> {
    let Some((driver, inbox)) = Driver::load(host, arn).await? else { return Ok(Ok(Delivered::Unknown)) };
    if let Err(objection) = check(&driver.execution) {
        return Ok(Err(objection));
    }
    let tried = driver.take(inbox, vec![happened.clone()]).await;
    or_post(host, arn, tried, || vec![InboxEntry::new(key, happened)]).await.map(Ok)
}

/// [Delivers](deliver) several things that happened to tasks, in order and in one commit. They count as ignored when all are. Where
/// they are posted, it is as one entry for each task.
///
/// # Errors
/// When the store or a queue fails. Some may have been applied all the same; deliver them again.
pub async fn deliver_all<H: Host>(host: &H, arn: &ExecutionArn, happened: Vec<Happened>) -> Result<Delivered, DriveError> {
    let tried = try_deliver(host, arn, happened.clone()).await;
    or_post(host, arn, tried, || to_entries(happened)).await
}

/// Posts what could not be applied, because somebody else is at the execution or a later release has written it.
async fn or_post<H: Host>(
    host: &H,
    arn: &ExecutionArn,
    tried: Result<Delivered, DriveError>,
    entries: impl FnOnce() -> Vec<InboxEntry>,
) -> Result<Delivered, DriveError> {
    match tried {
        Err(error) if error.is_newer() || error == DriveError::Commit(CommitError::Conflict) => {
            post_all(host, arn, entries()).await?;
            Ok(Delivered::Posted)
        }
        tried => tried,
    }
}

/// Applies something that happened to an execution, as often as it takes to do it before all others: for who must know whether it was
/// the first to tell it.
///
/// # Errors
/// When the store or a queue fails. It may have been applied all the same.
pub async fn deliver_at_once<H: Host>(host: &H, arn: &ExecutionArn, happened: Happened) -> Result<Delivered, DriveError> {
    let mut tries = 0;
    loop {
        match try_deliver(host, arn, vec![happened.clone()]).await {
            Err(DriveError::Commit(CommitError::Conflict)) if tries < TRIES_MAX => tries += 1,
            delivered => return delivered,
        }
    }
}

/// A task, and whose it is.
#[derive(Debug)]
pub struct OpenTask {
    /// Whose it is.
    pub execution: Identity,
    /// What it is.
    pub task: Box<StartTask>,
}

/// A task that is open, whoever does it and however far it has come; nothing when its execution has no use for a result any more.
///
/// # Errors
/// When the store fails.
pub async fn open_task<H: Host>(host: &H, arn: &ExecutionArn, task: TaskId) -> Result<Option<OpenTask>, DriveError> {
    let Some((driver, _)) = Driver::load(host, arn).await? else { return Ok(None) };
    let task = driver.execution.task(&driver.definition, task);
    Ok(task.map(|task| OpenTask { execution: driver.execution.identity().clone(), task }))
}

/// Takes over a task that was passed on with `lease`: until `until` it is the caller's, and nobody else's, and the caller is dead
/// afterwards. Nothing if the execution does not want it done any more, or somebody has taken it over already: of all who are told of a
/// task one gets it, once for each time it is passed on.
///
/// # Errors
/// When the store fails. It may be claimed all the same; then nobody does it until `until` has passed, and what happens with it then is
/// what [`Tasks::after_crash`](crate::Tasks::after_crash) says.
pub async fn claim<H: Host>(
    host: &H,
    arn: &ExecutionArn,
    task: TaskId,
    lease: Timestamp,
    until: Timestamp,
) -> Result<Option<OpenTask>, DriveError> {
    let mut tries = 0;
    loop {
        let Some((mut driver, _)) = Driver::load(host, arn).await? else { return Ok(None) };
        let wanted = driver.execution.outstanding(&driver.definition).into_iter().find_map(|command| match command {
            Command::StartTask(start) if start.task == task => Some(start),
            Command::StartTask(_) | Command::CancelTask { .. } => None,
        });
        let (Some(start), Some(held)) = (wanted, driver.ledger.leases.get_mut(&task)) else { return Ok(None) };
        if *held != lease.0 {
            return Ok(None);
        }
        *held = until.0;
        match driver.commit(&[], &[], host.clock().now()).await {
            Ok(()) => return Ok(Some(OpenTask { execution: driver.execution.identity().clone(), task: start })),
            Err(DriveError::Commit(CommitError::Conflict)) if tries < TRIES_MAX => tries += 1,
            Err(error) => return Err(error),
        }
    }
}

async fn try_deliver<H: Host>(host: &H, arn: &ExecutionArn, these: Vec<Happened>) -> Result<Delivered, DriveError> {
    let Some((driver, inbox)) = Driver::load(host, arn).await? else { return Ok(Delivered::Unknown) };
    driver.take(inbox, these).await
}
