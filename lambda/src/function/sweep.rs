//! The sweep, once a minute: finds what was lost, and sets aside what was in vain again and again.

use serde::Deserialize;
use statewright_engine::table::Table;
use statewright_engine::{
    Clock, DriveError, ExecutionArn, ExpressQueue, Swept, WakeQueue, sweep, take_back_recovered, take_dead_letter, walk,
};

use super::relay::Addressee;
use super::{Fate, Invocation, Machinery, Messages, Source, SqsEvent};
use crate::clock::TokioTimer;
use crate::config::Config;
use crate::log;
use crate::tasks::TaskQueue;

/// So many executions that were set aside are looked at in each sweep.
const ASIDE_MAX: usize = 100;

/// Where messages lie that were in vain.
pub trait DeadLetters: Send + Sync {
    /// Up to ten of them: what was sent, and what they are deleted by.
    fn receive(&self) -> impl Future<Output = Result<Vec<(String, String)>, String>> + Send;
    /// Deletes one.
    fn delete(&self, receipt: &str) -> impl Future<Output = Result<(), String>> + Send;
}

/// What Lambda tells of an asynchronous invocation that it has given up.
///
/// Source: Lambda developer guide, "Capturing records of Lambda asynchronous invocations".
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GivenUp {
    request_payload: SqsEvent,
    request_context: GivenUpContext,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GivenUpContext {
    #[serde(default)]
    approximate_invoke_count: u32,
}

/// Sweeps. What there is no time for waits for the next sweep.
///
/// # Errors
/// When the table or the queue fails.
pub async fn handle<T: Table, W: WakeQueue, Q: TaskQueue, X: ExpressQueue, S: Source + DeadLetters>(
    engine: &Machinery<T, W, Q, X>,
    config: &Config,
    messages: &Messages<S>,
    invocation: &Invocation,
) -> Result<Swept, DriveError> {
    let (mut all, begun) = (Swept::default(), TokioTimer.now());
    let is_over = || TokioTimer.now() >= invocation.leave_at();
    for shard in 0..engine.journal().reminder_shards() {
        let swept = sweep(engine, engine.journal(), shard, TokioTimer.now(), is_over).await?;
        all.woken += swept.woken;
        all.stale += swept.stale;
        all.put_aside += swept.put_aside;
        all.resting += swept.resting;
        all.failed += swept.failed;
        all.more |= swept.more;
    }
    if all.failed > 0 {
        log::warn("overdue executions could not be looked at, and are looked at again in a minute", &[("count", &all.failed)]);
    }
    let walked = walk(engine, engine.journal(), begun, is_over).await?;
    all.woken += walked.woken;
    all.stale += walked.stale;
    if walked.failed > 0 {
        log::warn("running executions could not be looked at, and are looked at again in an hour", &[("count", &walked.failed)]);
    }
    take_back_recovered(engine, engine.journal(), TokioTimer.now(), ASIDE_MAX).await?;
    let (mut letters_aside, mut letters_left) = (0, 0);
    if let Some(letters) = &messages.letters {
        while !is_over() {
            let received = letters.receive().await.unwrap_or_else(|error| {
                log::warn("the dead letters cannot be read", &[("error", &error)]);
                Vec::new()
            });
            if received.is_empty() {
                break;
            }
            for (body, receipt) in received {
                match take(engine, messages, &body).await {
                    Ok(Some(aside)) => letters_aside += aside,
                    Ok(None) => continue,
                    // It comes again, and keeps nobody from the others.
                    Err(error) => {
                        letters_left += 1;
                        log::warn("a dead letter cannot be dealt with, and comes again", &[("error", &error)]);
                        continue;
                    }
                }
                if let Err(error) = letters.delete(&receipt).await {
                    log::warn("a dead letter cannot be deleted, and comes again", &[("error", &error)]);
                }
            }
        }
    }
    if all.put_aside + letters_aside > 0 {
        let count = all.put_aside + letters_aside;
        log::error(
            "executions were set aside, because nobody could go on with them: `statewright inspect --set-aside`",
            &[("count", &count)],
        );
    }
    if letters_left > 0 {
        log::warn("dead letters stay where they are, for the next sweep", &[("count", &letters_left)]);
    }
    if config.metrics {
        let metrics = [("Woken", all.woken), ("SetAside", all.put_aside + letters_aside), ("Resting", all.resting)];
        crate::metrics::log(("Part", "Sweep"), &metrics, TokioTimer.now());
    }
    Ok(all)
}

/// Looks after a dead letter, and says how many executions were put aside for it. `None`: it stays, for somebody to look at.
async fn take<T: Table, W: WakeQueue, Q: TaskQueue, X: ExpressQueue, S: Source>(
    engine: &Machinery<T, W, Q, X>,
    messages: &Messages<S>,
    body: &str,
) -> Result<Option<usize>, DriveError> {
    if Addressee::of(body) == Addressee::Drive {
        return Ok(Some(take_wake(engine, body).await?));
    }
    let Ok(given_up) = serde_json::from_str::<GivenUp>(body) else { return Ok(None) };
    let mut aside = 0;
    for message in &given_up.request_payload.records {
        if Addressee::of(&message.body) == Addressee::Drive {
            aside += take_wake(engine, &message.body).await?;
        } else {
            // What Lambda has tried counts as what the queue has.
            let tried = message.received().saturating_add(given_up.request_context.approximate_invoke_count.saturating_sub(1));
            let after = Fate::pause(tried);
            messages.again(message, tried, after).await?;
        }
    }
    Ok(Some(aside))
}

async fn take_wake<T: Table, W: WakeQueue, Q: TaskQueue, X: ExpressQueue>(
    engine: &Machinery<T, W, Q, X>,
    body: &str,
) -> Result<usize, DriveError> {
    let execution = ExecutionArn(body.trim().into());
    Ok(usize::from(take_dead_letter(engine, engine.journal(), &execution, TokioTimer.now()).await?))
}
