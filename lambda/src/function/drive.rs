//! Drives executions, woken by a queue.
//!
//! A message stays invisible for six times the function's time-out. An execution whose driver has died should not wait that long: what is
//! still being driven after a moment ([`hides_after`]) is made visible again for the time at which its driver is certainly gone. What
//! is over before that, and that is most, does not pay for the request.

use std::time::Duration;

use futures_util::future::{Either, join, join_all, select};
use statewright_engine::table::Table;
use statewright_engine::{
    Clock, ExecutionArn, ExpressQueue, Host, QueueError, WAKE_AHEAD_MAX, WakeQueue, answer_wake_up, hidden_until, hides_after,
};

use super::relay::{Addressee, Relay};
use super::{BatchAnswer, Fate, Invocation, Machinery, Messages, Source, SqsEvent, SqsMessage, answer};
use crate::clock::TokioTimer;
use crate::log;
use crate::tasks::TaskQueue;

/// Drives the executions of a batch of wake-ups, all at once; those that have failed before one by one, so that one of them cannot take
/// the others with it. What is for another function is handed on by `relay`.
///
/// # Errors
/// When a message is to come again and cannot: fail the invocation.
pub async fn handle<T: Table, W: WakeQueue, Q: TaskQueue, X: ExpressQueue, S: Source>(
    engine: &Machinery<T, W, Q, X>,
    messages: &Messages<S>,
    relay: Option<&Relay>,
    event: &SqsEvent,
    invocation: &Invocation,
) -> Result<BatchAnswer, QueueError> {
    let addressed = event.records.iter().map(|message| (Addressee::of(&message.body), message));
    let (wakes, others): (Vec<_>, Vec<_>) = addressed.partition(|message| message.0 == Addressee::Drive);
    let (fresh, failed): (Vec<_>, Vec<_>) = wakes.into_iter().map(|wake| wake.1).partition(|message| message.received() <= 1);
    let driving = std::pin::pin!(join(hand_on(engine, relay, &others), async {
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
    }));
    let received = event.records.iter().map(SqsMessage::received).max().unwrap_or(1);
    let after = hides_after(received, invocation.is_first);
    let moment = async {
        // No timer is as fast as that.
        if !after.is_zero() {
            tokio::time::sleep(after).await;
        }
    };
    // Who stands first is asked first: where it is to be at once, nothing is driven before the request is on its way.
    let (handed_on, mut fates) = match select(std::pin::pin!(moment), driving).await {
        Either::Left(((), driving)) => {
            let hidden = TokioTimer.now().until(hidden_until(invocation.deadline));
            let receipts: Vec<&str> = event.records.iter().filter_map(|message| message.receipt_handle.as_deref()).collect();
            join(messages.queue.hide(&receipts, hidden), driving).await.1
        }
        Either::Right((fates, _)) => fates,
    };
    fates.extend(handed_on);
    answer(messages, fates).await
}

/// Hands on what is for other functions. What nobody here is known for is for a later release.
async fn hand_on<'m, T: Table, W: WakeQueue, Q: TaskQueue, X: ExpressQueue>(
    engine: &Machinery<T, W, Q, X>,
    relay: Option<&Relay>,
    others: &[(Addressee, &'m SqsMessage)],
) -> Vec<(&'m SqsMessage, Fate)> {
    let Some(relay) = relay else { return others.iter().map(|other| later(other.1)).collect() };
    let (unknown, known): (Vec<_>, Vec<_>) = others.iter().partition(|other| other.0 == Addressee::Unknown);
    let mut fates = relay.hand_on(engine.others().caller(), &known).await;
    fates.extend(unknown.iter().map(|other| later(other.1)));
    fates
}

fn later(message: &SqsMessage) -> (&SqsMessage, Fate) {
    log::warn("a message is for nobody here; a later release may have sent it", &[("message", &message.message_id)]);
    (message, Fate::Again(WAKE_AHEAD_MAX))
}

async fn wake<T: Table, W: WakeQueue, Q: TaskQueue, X: ExpressQueue>(
    engine: &Machinery<T, W, Q, X>,
    message: &SqsMessage,
    invocation: &Invocation,
) -> Fate {
    let arn = ExecutionArn(message.body.trim().into());
    let answered = answer_wake_up(engine, &arn, message.wake_up(), invocation.deadline).await;
    match &answered.drove {
        Err(error) if error.is_newer() => {
            log::info("a later release has written this execution, which is left to it", &[("execution", &arn)]);
        }
        Err(error) => {
            let about: [(&str, &dyn std::fmt::Display); 3] =
                [("execution", &arn), ("received", &message.received()), ("error", error)];
            log::warn("an execution could not be driven", &about);
        }
        Ok(_) => {}
    }
    answered.fate
}
