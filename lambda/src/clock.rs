//! Time as a function has it.

use std::future::Future;
use std::time::Duration;

use statewright_engine::{Clock, SystemClock, Timer};
use statewright_interpreter::time::Timestamp;

/// The machine's clock, and tokio's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioTimer;

impl Clock for TokioTimer {
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }
}

impl Timer for TokioTimer {
    fn sleep_until(&self, until: Timestamp) -> impl Future<Output = ()> + Send {
        let left = until.0.saturating_sub(self.now().0);
        // Whoever waits for a moment looks at the time again, so a sleep that is too short does no harm.
        tokio::time::sleep(Duration::from_millis(u64::try_from(left).unwrap_or(0).min(DAY_MS)))
    }
}

const DAY_MS: u64 = 24 * 3600 * 1000;
