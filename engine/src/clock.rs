//! Time, as hosts have it.

use std::future::Future;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use statewright_interpreter::time::Timestamp;

/// Tells the time.
///
/// The time may stand still; it should not go back. Where it does, the interpreter goes on with the time of the last event.
pub trait Clock {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// Tells the time, and waits for it.
pub trait Timer: Clock + Send + Sync {
    /// Waits until then.
    fn sleep_until(&self, until: Timestamp) -> impl Future<Output = ()> + Send;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that goes on only when told to: three days of waiting take no time.
#[derive(Debug, Default)]
pub struct VirtualClock(AtomicI64);

impl VirtualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.0))
    }

    /// Goes on to `to`; stays where it is if that has passed.
    pub fn advance_to(&self, to: Timestamp) {
        self.0.fetch_max(to.0, Ordering::Relaxed);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

impl Timer for VirtualClock {
    async fn sleep_until(&self, until: Timestamp) {
        self.advance_to(until);
    }
}

impl<C: Clock> Clock for std::sync::Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}

impl<C: Timer> Timer for std::sync::Arc<C> {
    fn sleep_until(&self, until: Timestamp) -> impl Future<Output = ()> + Send {
        (**self).sleep_until(until)
    }
}
