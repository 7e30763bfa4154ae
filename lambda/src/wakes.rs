//! Wake-ups by the queue or, where there is no time to lose, by an invocation.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use statewright_engine::{Clock, ExecutionArn, QueueError, WakeQueue};
use statewright_integrations::caller::Caller;
use statewright_interpreter::time::Timestamp;

use crate::clock::TokioTimer;
use crate::function::relay::{InvokeError, invoke};
use crate::function::waking;
use crate::log;

/// For so long nobody asks again for a function that is not to be called.
const REFUSED_FOR: Duration = Duration::from_secs(300);

/// Wake-ups for `queue`; those that are to come at once go to a function without it, if there is one that takes them. That is sooner, and
/// an asynchronous invocation is charged as one request where a message is three.
///
/// Lambda keeps such an invocation until it went well, or puts it with the dead letters when it failed three times; one that Lambda does not
/// take is put into the queue. So a wake-up is as safe as in the queue.
#[derive(Debug)]
pub struct Wakes<Q> {
    queue: Q,
    direct: Option<Direct>,
}

/// The function that drives new executions.
pub struct Direct {
    caller: Caller,
    function: String,
    /// Until when it is known not to be there, or not to be called.
    refused_until: Mutex<Timestamp>,
}

impl Direct {
    /// The function of this name, invoked by `caller`.
    #[must_use]
    pub fn new(caller: Caller, function: String) -> Self {
        Self { caller, function, refused_until: Mutex::new(Timestamp(i64::MIN)) }
    }

    /// Whether the function has taken it.
    async fn wake(&self, execution: &ExecutionArn) -> bool {
        let now = TokioTimer.now();
        if now < *self.refused_until.lock().unwrap_or_else(PoisonError::into_inner) {
            return false;
        }
        match invoke(&self.caller, &self.function, waking(&execution.0, now)).await {
            Ok(()) => true,
            // A deployment may do without: it then allows nobody to call the function.
            Err(InvokeError { status: Some(403 | 404), .. }) => {
                *self.refused_until.lock().unwrap_or_else(PoisonError::into_inner) = now.plus(REFUSED_FOR);
                false
            }
            Err(error) => {
                let about: [(&str, &dyn std::fmt::Display); 2] = [("function", &self.function), ("error", &error)];
                log::warn("a new execution is driven by way of the queue", &about);
                false
            }
        }
    }
}

impl std::fmt::Debug for Direct {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Direct").field(&self.function).finish()
    }
}

impl<Q> Wakes<Q> {
    /// Those of `queue`, but for those that `direct` takes.
    pub fn new(queue: Q, direct: Option<Direct>) -> Self {
        Self { queue, direct }
    }
}

impl<Q: WakeQueue> WakeQueue for Wakes<Q> {
    async fn wake(&self, execution: &ExecutionArn, after: Duration) -> Result<(), QueueError> {
        match &self.direct {
            Some(direct) if after.is_zero() && direct.wake(execution).await => Ok(()),
            Some(_) | None => self.queue.wake(execution, after).await,
        }
    }
}
