//! The sweep, once a minute: finds what was lost, and sets aside what was in vain again and again.

use statewright_engine::table::Table;
use statewright_engine::{
    Clock, DriveError, ExecutionArn, ExpressQueue, Swept, WakeQueue, sweep, take_back_recovered, take_dead_letter, to_walk, walk,
};

use super::{Invocation, Machinery};
use crate::clock::TokioTimer;
use crate::config::Config;
use crate::log;
use crate::tasks::TaskQueue;

/// So many executions that were set aside are looked at in each sweep.
const ASIDE_MAX: usize = 100;

/// Where wake-ups lie that were in vain.
pub trait DeadLetters: Send + Sync {
    /// Up to ten of them: what was sent, and what they are deleted by.
    fn receive(&self) -> impl Future<Output = Result<Vec<(String, String)>, String>> + Send;
    /// Deletes one.
    fn delete(&self, receipt: &str) -> impl Future<Output = Result<(), String>> + Send;
}

/// Sweeps. What there is no time for waits for the next sweep.
///
/// # Errors
/// When the table or the queue fails.
pub async fn handle<T: Table, W: WakeQueue, Q: TaskQueue, X: ExpressQueue>(
    engine: &Machinery<T, W, Q, X>,
    config: &Config,
    letters: Option<&impl DeadLetters>,
    invocation: &Invocation,
) -> Result<Swept, DriveError> {
    let mut all = Swept::default();
    let is_over = || TokioTimer.now() >= invocation.leave_at();
    for shard in 0..engine.journal().reminder_shards() {
        loop {
            let swept = sweep(engine, engine.journal(), shard, TokioTimer.now()).await?;
            all.woken += swept.woken;
            all.stale += swept.stale;
            all.put_aside += swept.put_aside;
            all.resting += swept.resting;
            all.more |= swept.more && is_over();
            // A page of nothing but executions that rest would come again.
            if !swept.more || is_over() || swept.woken + swept.stale + swept.put_aside == 0 {
                break;
            }
        }
    }
    for shard in to_walk(engine.journal(), TokioTimer.now()) {
        let mut after = None;
        loop {
            let (walked, next) = walk(engine, engine.journal(), shard, after, TokioTimer.now()).await?;
            all.woken += walked.woken;
            all.stale += walked.stale;
            after = next;
            if after.is_none() {
                break;
            }
            if is_over() {
                log::warn("there was no time to read the whole list of running executions; the rest is read in an hour", &[]);
                break;
            }
        }
    }
    take_back_recovered(engine, engine.journal(), TokioTimer.now(), ASIDE_MAX).await?;
    let mut letters_aside = 0;
    if let Some(letters) = letters {
        while !is_over() {
            let received = letters.receive().await.unwrap_or_else(|error| {
                log::warn("the dead letters cannot be read", &[("error", &error)]);
                Vec::new()
            });
            if received.is_empty() {
                break;
            }
            for (body, receipt) in received {
                let execution = ExecutionArn(body.trim().into());
                if take_dead_letter(engine, engine.journal(), &execution, TokioTimer.now()).await? {
                    letters_aside += 1;
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
    if config.metrics {
        let metrics = [("Woken", all.woken), ("SetAside", all.put_aside + letters_aside), ("Resting", all.resting)];
        crate::metrics::log(("Part", "Sweep"), &metrics, TokioTimer.now());
    }
    Ok(all)
}
