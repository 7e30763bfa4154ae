//! Time as a function has it.

use std::future::Future;
use std::sync::OnceLock;
use std::time::Duration;

use statewright_engine::{Clock, SystemClock, Timer};
use statewright_interpreter::time::Timestamp;

/// The machine's clock, and tokio's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioTimer;

/// What the machine's clock and tokio's showed when the former was given up.
static FOLLOWED: OnceLock<(Timestamp, tokio::time::Instant)> = OnceLock::new();

impl TokioTimer {
    /// From now on the time in this process is tokio's own, which can be made to skip what nobody does anything in. For those who count
    /// what functions would wait; in a function tokio's time stands still between invocations.
    pub fn follow_tokio() {
        FOLLOWED.get_or_init(|| (SystemClock.now(), tokio::time::Instant::now()));
    }
}

impl Clock for TokioTimer {
    fn now(&self) -> Timestamp {
        match FOLLOWED.get() {
            None => SystemClock.now(),
            Some((began, instant)) => began.plus(instant.elapsed()),
        }
    }
}

impl Timer for TokioTimer {
    fn sleep_until(&self, until: Timestamp) -> impl Future<Output = ()> + Send {
        // Whoever waits for a moment looks at the time again, so a sleep that is too short does no harm.
        tokio::time::sleep(self.now().until(until).min(DAY))
    }
}

const DAY: Duration = Duration::from_secs(24 * 3600);
