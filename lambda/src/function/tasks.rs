//! Does the tasks that take long, ten and more of them waiting together, and looks at the jobs of others.

use std::time::Duration;

use futures_util::future::join_all;
use statewright_engine::table::Table;
use statewright_engine::{
    Clock, DriveError, ExecutionArn, ExpressQueue, Happened, Later, OpenTask, QueueError, SKEW, Tasks, WakeQueue, claim,
    deliver_all, open_task,
};
use statewright_interpreter::event::TaskId;
use statewright_interpreter::history::EventId;
use statewright_interpreter::time::Timestamp;

use super::{BatchAnswer, Fate, Machinery, Messages, Source, SqsEvent, SqsMessage, answer};
use crate::clock::TokioTimer;
use crate::log;
use crate::tasks::{TaskMessage, TaskQueue, Tried, later};

/// What cannot be read was sent by a later release.
const LATER: Duration = Duration::from_secs(900);
/// After this a function of a later release may get a task that waits for it.
const SOON: Duration = Duration::from_secs(60);
/// The pause before the result of a task is delivered again.
const PAUSE: Duration = Duration::from_millis(500);

/// Does the tasks of a batch, all at once.
///
/// # Errors
/// When a message is to come again and cannot: fail the invocation.
pub async fn handle<T: Table, W: WakeQueue, Q: TaskQueue, X: ExpressQueue, S: Source>(
    engine: &Machinery<T, W, Q, X>,
    messages: &Messages<S>,
    event: &SqsEvent,
) -> Result<BatchAnswer, QueueError> {
    let fates = join_all(event.records.iter().map(|message| take(engine, message))).await;
    answer(messages, event.records.iter().zip(fates).collect()).await
}

async fn take<T: Table, W: WakeQueue, Q: TaskQueue, X: ExpressQueue>(engine: &Machinery<T, W, Q, X>, message: &SqsMessage) -> Fate {
    let parsed = match TaskMessage::parse(&message.body) {
        Ok(parsed) => parsed,
        Err(error) => {
            log::warn("a message cannot be read; a later release may have sent it", &[("error", &error)]);
            return Fate::Again(LATER);
        }
    };
    let done = match &parsed {
        TaskMessage::Run { execution, task, lease, since } => {
            run(engine, &ExecutionArn(execution.as_str().into()), EventId(*task), Timestamp(*lease), since.map(Timestamp)).await
        }
        TaskMessage::Look { execution, task, job, looks } => {
            look(engine, &ExecutionArn(execution.as_str().into()), EventId(*task), job.clone(), *looks).await
        }
    };
    let again = |error: &DriveError| {
        log::warn("a task could not be done", &[("message", &message.body), ("error", error)]);
        Fate::after_failure(message.received())
    };
    match done {
        Ok(()) => Fate::Done,
        Err(error) if error.is_newer() => match parsed {
            // Whoever goes on with the execution passes the task on again, or gives it up.
            TaskMessage::Run { lease, .. } if Timestamp(lease).plus(SKEW) < TokioTimer.now() => Fate::Done,
            TaskMessage::Run { .. } => Fate::Again(SOON),
            // However long it takes: nobody else looks at the job.
            TaskMessage::Look { .. } => match engine.others().queue().send(&parsed, LATER).await {
                Ok(()) => Fate::Done,
                Err(error) => again(&error.into()),
            },
        },
        Err(error) => again(&error),
    }
}

/// Does a task that was passed on with `lease`, unless somebody else has taken it over.
async fn run<T: Table, W: WakeQueue, Q: TaskQueue, X: ExpressQueue>(
    engine: &Machinery<T, W, Q, X>,
    arn: &ExecutionArn,
    task: TaskId,
    lease: Timestamp,
    since: Option<Timestamp>,
) -> Result<(), DriveError> {
    let (called, held) = (engine.others(), engine.others().end());
    let Some(OpenTask { execution, task: start }) = claim(engine, arn, task, lease, held).await? else { return Ok(()) };
    match called.run(&execution, &start, since).await {
        Tried::Happened(happened) if happened.is_empty() => Ok(()),
        Tried::Happened(happened) => tell(engine, arn, task, happened).await,
        Tried::Later { since, after } => give_back(engine, arn, &later(task, held, since, after)).await,
    }
}

/// Passes on a task again that could not be begun, and does not give up as long as there is time: who else comes would take it for one whose
/// function has died.
async fn give_back<T: Table, W: WakeQueue, Q: TaskQueue, X: ExpressQueue>(
    engine: &Machinery<T, W, Q, X>,
    arn: &ExecutionArn,
    later: &Later,
) -> Result<(), DriveError> {
    let mut later = *later;
    as_long_as_there_is_time(engine, async || match claim(engine, arn, later.task, later.held, later.until).await {
        // What a later release has written is claimed by that release, with the lease that stands there.
        Err(error) if error.is_newer() => {
            later.until = later.held;
            Ok(())
        }
        // An execution that has no use for it any more does not let anybody claim it either.
        claimed => claimed.map(drop),
    })
    .await?;
    as_long_as_there_is_time(engine, async || Ok(engine.others().pass_on(arn, &later).await?)).await
}

/// Does something until it is done, or the invocation is over.
async fn as_long_as_there_is_time<T: Table, W: WakeQueue, Q: TaskQueue, X: ExpressQueue>(
    engine: &Machinery<T, W, Q, X>,
    mut attempt: impl AsyncFnMut() -> Result<(), DriveError>,
) -> Result<(), DriveError> {
    loop {
        let done = attempt().await;
        if done.is_ok() || TokioTimer.now() >= engine.others().end() {
            return done;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Tells an execution what became of its task, and does not give up as long as there is time: nobody else knows it.
async fn tell<T: Table, W: WakeQueue, Q: TaskQueue, X: ExpressQueue>(
    engine: &Machinery<T, W, Q, X>,
    arn: &ExecutionArn,
    task: TaskId,
    happened: Vec<Happened>,
) -> Result<(), DriveError> {
    let told = as_long_as_there_is_time(engine, async || deliver_all(engine, arn, happened.clone()).await.map(drop)).await;
    if let Err(error) = &told {
        log::error("the result of a task is lost", &[("execution", arn), ("task", &task.0), ("error", error)]);
    }
    told
}

/// Looks at the job of a task: tells its end, stops it when nobody wants it any more, or looks again later.
async fn look<T: Table, W: WakeQueue, Q: TaskQueue, X: ExpressQueue>(
    engine: &Machinery<T, W, Q, X>,
    arn: &ExecutionArn,
    task: TaskId,
    job: String,
    looks: u32,
) -> Result<(), DriveError> {
    let called = engine.others();
    let later = |error: &dyn std::fmt::Display| {
        log::warn("a job could not be looked at", &[("execution", arn), ("job", &job), ("error", error)]);
        None
    };
    let ended = match open_task(engine, arn, task).await? {
        None => return called.stop(&job).await.map_or_else(|error| Err(unreachable(&error)), Ok),
        Some(OpenTask { execution, task: start }) => {
            called.look(&execution, &start, &job).await.unwrap_or_else(|error| later(&error))
        }
    };
    if let Some(happened) = ended {
        return tell(engine, arn, task, vec![happened]).await;
    }
    let again = TaskMessage::Look { execution: arn.to_string(), task: task.0, job, looks: looks.saturating_add(1) };
    Ok(called.queue().send(&again, again.pause()).await?)
}

fn unreachable(error: &dyn std::fmt::Display) -> DriveError {
    DriveError::Queue(QueueError(error.to_string()))
}
