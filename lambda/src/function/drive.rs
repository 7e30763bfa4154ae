//! Drives executions, woken by a queue.
//!
//! A message stays invisible for six times the function's time-out, so that the queue's own repetitions do not count as failures. An
//! execution whose driver has died should not wait that long: what is still being driven after two seconds is made visible again for
//! the moment at which its driver is certainly gone. What is over before that, and that is most, does not pay for the request.

use std::time::Duration;

use futures_util::future::{Either, join_all, select};
use statewright_engine::table::Table;
use statewright_engine::{Clock, Drove, ExecutionArn, ExpressQueue, Host, SKEW, WAKE_AHEAD_MAX, WakeQueue, drive};

use super::{BatchAnswer, Fate, Hiding, Invocation, Machinery, SqsEvent, SqsMessage, answer};
use crate::clock::TokioTimer;
use crate::log;
use crate::tasks::TaskQueue;

/// After this time messages are made visible again for the end of the invocation.
const SHORT: Duration = Duration::from_secs(2);
/// Somebody who starts an execution has written it this long after it has sent the wake-up, or never.
const YOUNG: Duration = Duration::from_secs(60);
/// After this somebody looks again whether an execution is there that was not.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Drives the executions of a batch of wake-ups, all at once; those that have failed before one by one, so that one of them cannot take
/// the others with it.
pub async fn handle<T: Table, W: WakeQueue, Q: TaskQueue, X: ExpressQueue>(
    engine: &Machinery<T, W, Q, X>,
    hiding: &impl Hiding,
    event: &SqsEvent,
    invocation: &Invocation,
) -> BatchAnswer {
    let (fresh, failed): (Vec<_>, Vec<_>) = event.records.iter().partition(|message| message.received() <= 1);
    let driving = std::pin::pin!(async {
        let fates = join_all(fresh.iter().map(|message| wake(engine, message, invocation))).await;
        let mut fates: Vec<_> = fresh.iter().copied().zip(fates).collect();
        for message in failed {
            let fate = match TokioTimer.now() < engine.patience().begin_until.unwrap_or(invocation.leave_at()) {
                true => wake(engine, message, invocation).await,
                false => Fate::Again(Duration::ZERO),
            };
            fates.push((message, fate));
        }
        fates
    });
    let fates = match select(driving, std::pin::pin!(tokio::time::sleep(SHORT))).await {
        Either::Left((fates, _)) => fates,
        Either::Right(((), driving)) => {
            let left = TokioTimer.now().until(invocation.deadline).saturating_add(SKEW);
            let receipts: Vec<&str> = event.records.iter().map(|message| &*message.receipt_handle).collect();
            futures_util::future::join(hiding.hide(&receipts, left), driving).await.1
        }
    };
    answer(hiding, fates).await
}

async fn wake<T: Table, W: WakeQueue, Q: TaskQueue, X: ExpressQueue>(
    engine: &Machinery<T, W, Q, X>,
    message: &SqsMessage,
    invocation: &Invocation,
) -> Fate {
    let arn = ExecutionArn(message.body.trim().into());
    let again = |error: &dyn std::fmt::Display| {
        log::warn("an execution could not be driven", &[("execution", &arn), ("received", &message.received()), ("error", error)]);
        Fate::after_failure(message.received())
    };
    match drive(engine, &arn).await {
        Ok(Drove::Finished | Drove::Waiting(_) | Drove::HandedOver) => Fate::Done,
        Ok(Drove::Unknown) => {
            let young = message.sent().plus(YOUNG) > TokioTimer.now();
            if young { Fate::Again(LOOK_AGAIN) } else { Fate::Done }
        }
        // Its leases end with this invocation.
        Ok(Drove::Unfinished) => {
            let after = TokioTimer.now().until(invocation.deadline).saturating_add(SKEW);
            engine.wakes().wake(&arn, after).await.map_or_else(|error| again(&error), |()| Fate::Done)
        }
        Err(error) if error.is_newer() => {
            log::info("a later release has written this execution, which is left to it", &[("execution", &arn)]);
            engine.wakes().wake(&arn, WAKE_AHEAD_MAX).await.map_or_else(|error| again(&error), |()| Fate::Done)
        }
        Err(error) => again(&error),
    }
}
