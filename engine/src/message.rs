//! Wake-ups as messages of a queue that hides a message from others once it was received, until it is deleted or its time is over.
//!
//! A driver that dies leaves its message hidden. So it says, when it has been at work for a moment, until when it is certainly gone; then
//! another one gets the message. Who dies before that leaves it hidden for as long as the queue hides every message that was received.

use std::time::Duration;

use statewright_interpreter::time::Timestamp;

use crate::clock::Clock;
use crate::driver::{Drove, drive, drive_again};
use crate::host::{BORN_WITHIN, DriveError, Host, SKEW, WAKE_AHEAD_MAX};
use crate::queue::WakeQueue;
use crate::store::ExecutionArn;

/// A queue hides a message that was received for so many time-outs of the function that receives it. Lambda wants no less, so that the
/// queue's own repetitions do not count as failures.
pub const HIDDEN_TIMEOUTS: u32 = 6;
/// After so long at work a driver has its messages hidden for the rest of its time instead. That is a request of its own, which most are
/// spared by being done sooner: an execution of ten short tasks takes little more than a second.
const HIDES_AFTER: Duration = Duration::from_secs(2);
/// Somebody who starts an execution has written it this long after it has sent the wake-up, or never.
const YOUNG: Duration = BORN_WITHIN.saturating_mul(2);
/// After this somebody looks again whether an execution is there that was not, at first, and after this at most. Twice as long each time:
/// each look is one more receipt of the message, and should it fail later its pause is longer for that.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
const LOOK_AGAIN_MAX: Duration = Duration::from_secs(16);

/// After which time at work a driver has its messages hidden until it is [certainly gone](hidden_until). At once where a death is likely:
/// in the first invocation of a process, and where one of the messages was received before. `received` is how often, this time
/// included.
#[must_use]
pub fn hides_after(received: u32, is_first: bool) -> Duration {
    if is_first || received > 1 { Duration::ZERO } else { HIDES_AFTER }
}

/// Until when a driver that must have left at `deadline` has its messages hidden.
#[must_use]
pub fn hidden_until(deadline: Timestamp) -> Timestamp {
    deadline.plus(SKEW)
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It has done its work.
    Done,
    /// It is to come again after this time.
    Again(Duration),
}

impl Fate {
    /// A message that was received so often comes again later each time.
    #[must_use]
    pub fn after_failure(received: u32) -> Self {
        Self::Again(Self::pause(received))
    }

    /// The pause before a message comes again that was received so often in vain.
    #[must_use]
    pub fn pause(received: u32) -> Duration {
        Duration::from_secs((3 << received.saturating_sub(1).min(9)).min(900))
    }
}

/// A wake-up as a queue delivers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WakeUp {
    /// How often it was received, this time included.
    pub received: u32,
    /// When it was sent.
    pub sent: Timestamp,
}

impl WakeUp {
    /// An execution that is not there yet is looked for again.
    fn again_soon(self) -> Fate {
        Fate::Again(LOOK_AGAIN.saturating_mul(1 << self.received.saturating_sub(1).min(8)).min(LOOK_AGAIN_MAX))
    }

    /// A wake-up comes again later each time, but no later than twice as long as it has been there: it may have been received more than
    /// once by somebody who came too early, which is no failure.
    fn after_failure(self, now: Timestamp) -> Fate {
        let there = self.sent.until(now).saturating_mul(2).max(Fate::pause(1));
        Fate::Again(Fate::pause(self.received).min(there))
    }
}

/// How a wake-up was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driven {
    /// How far the execution came.
    pub drove: Result<Drove, DriveError>,
    /// What becomes of the wake-up.
    pub fate: Fate,
}

/// [Drives](drive) an execution because of a wake-up, in an invocation that must have left at `deadline`.
pub async fn answer_wake_up<H: Host>(host: &H, arn: &ExecutionArn, wake_up: WakeUp, deadline: Timestamp) -> Driven {
    let began = host.clock().now();
    let drove = if wake_up.received > 1 { drive_again(host, arn).await } else { drive(host, arn).await };
    let now = host.clock().now();
    let wake_after = match &drove {
        Ok(Drove::Finished | Drove::Waiting(_) | Drove::HandedOver) => return Driven { drove, fate: Fate::Done },
        Ok(Drove::Unknown) => {
            // It has looked some time ago, if it stood still since.
            let is_young = wake_up.sent.plus(YOUNG) > began;
            return Driven { drove, fate: if is_young { wake_up.again_soon() } else { Fate::Done } };
        }
        // Its leases end with this invocation.
        Ok(Drove::Unfinished) => now.until(deadline).saturating_add(SKEW),
        Err(error) if error.is_newer() => WAKE_AHEAD_MAX,
        Err(_) => return Driven { drove, fate: wake_up.after_failure(now) },
    };
    // A message of its own: this one would count it as a failure.
    match host.wakes().wake(arn, wake_after).await {
        Ok(()) => Driven { drove, fate: Fate::Done },
        Err(error) => Driven { drove: Err(error.into()), fate: wake_up.after_failure(now) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_die_soon_hides_its_messages_at_once() {
        assert_eq!(hides_after(1, false), HIDES_AFTER);
        assert_eq!(hides_after(1, true), Duration::ZERO);
        assert_eq!(hides_after(2, false), Duration::ZERO);
    }

    #[test]
    fn who_came_too_early_has_not_failed() {
        let after = |received, seconds: i64| WakeUp { received, sent: Timestamp(0) }.after_failure(Timestamp(1000 * seconds));
        let again = |seconds| Fate::Again(Duration::from_secs(seconds));
        assert_eq!(
            [(1, 0), (2, 5), (3, 15), (4, 35)].map(|(received, seconds)| after(received, seconds)),
            [3, 6, 12, 24].map(again)
        );
        assert_eq!(after(8, 14), again(28));
        // One that was put in again is a new message, with its count.
        assert_eq!(after(4, 10), again(20));
    }

    #[test]
    fn pauses_grow_to_a_quarter_of_an_hour() {
        let seconds = |received| Fate::pause(received).as_secs();
        assert_eq!([1, 2, 3, 8, 9, 10, 100].map(seconds), [3, 6, 12, 384, 768, 900, 900]);
    }

    #[test]
    fn what_is_not_there_yet_is_looked_for_soon() {
        let soon = |received| WakeUp { received, sent: Timestamp(0) }.again_soon();
        let again = |seconds| Fate::Again(Duration::from_secs(seconds));
        assert_eq!([1, 2, 3, 4, 5, 100].map(soon), [2, 4, 8, 16, 16, 16].map(again));
    }
}
