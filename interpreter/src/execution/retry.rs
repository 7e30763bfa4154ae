//! Retry and Catch: who takes a failure.

use super::failure::Failure;
use super::scene::Scene;
use crate::definition::{Catcher, Jitter, Retrier};
use crate::inputs::Draws;

/// What becomes of a failure.
pub(super) enum Decision<'a> {
    /// The state is tried again after a pause.
    Retry {
        /// Which retrier.
        retrier: usize,
        /// The pause, in milliseconds.
        delay_ms: u64,
    },
    /// A catcher takes it.
    Catch(&'a Catcher),
    /// Nobody does.
    Propagate,
}

/// The first retrier that matches decides; when its attempts are used up no other one is asked. Then the catchers, in order.
///
/// Source: ASL specification, "Retrying after error", "Fallback states".
pub(super) fn decide<'a>(scene: &Scene<'a>, failure: &Failure) -> Decision<'a> {
    let state = scene.state;
    if let Some((at, retrier)) = state.retry.iter().enumerate().find(|(_, retrier)| failure.matches(&retrier.error_equals)) {
        let used = scene.frame.attempts.get(at).copied().unwrap_or(0);
        if used < retrier.max_attempts {
            let head = &scene.execution.head;
            // The two highest bits keep this draw apart from those of expressions.
            let draws = Draws::new(head.seed, head.next_event.0 | 3 << 62);
            return Decision::Retry { retrier: at, delay_ms: delay_ms(retrier, used, &draws) };
        }
    }
    match state.catch.iter().find(|catcher| failure.matches(&catcher.error_equals)) {
        Some(catcher) => Decision::Catch(catcher),
        None => Decision::Propagate,
    }
}

/// The pause before the next attempt when `used` have been used, in milliseconds:
/// `IntervalSeconds × BackoffRate ^ used`, at most `MaxDelaySeconds`; with full jitter anything from nothing to that.
///
/// Source: ASL specification, "Retrying after error"; jitter and the maximum: developer guide, "Handling errors".
fn delay_ms(retrier: &Retrier, used: u32, draws: &Draws) -> u64 {
    let exponent = i32::try_from(used).unwrap_or(i32::MAX);
    let growing = f64::from(retrier.interval_seconds) * retrier.backoff_rate.powi(exponent);
    let seconds = retrier.max_delay_seconds.map_or(growing, |max| growing.min(f64::from(max))).min(DELAY_SECONDS_MAX);
    let seconds = match retrier.jitter {
        Jitter::None => seconds,
        Jitter::Full => seconds * draws.next_f64(),
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number below the maximum")]
    let millis = (seconds * 1000.0).round() as u64;
    millis
}

/// No pause is longer: a hundred years, beyond any execution.
const DELAY_SECONDS_MAX: f64 = 100.0 * 365.0 * 86_400.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn retrier(interval_seconds: u32, backoff_rate: f64, max_delay_seconds: Option<u32>, jitter: Jitter) -> Retrier {
        Retrier { error_equals: Vec::new(), interval_seconds, max_attempts: 99, backoff_rate, max_delay_seconds, jitter }
    }

    #[test]
    fn pauses_grow_up_to_their_maximum() {
        let draws = Draws::new(1, 1);
        let pauses = |retrier: &Retrier| (0..5).map(|used| delay_ms(retrier, used, &draws)).collect::<Vec<_>>();
        assert_eq!(pauses(&retrier(3, 1.5, None, Jitter::None)), [3000, 4500, 6750, 10_125, 15_188]);
        assert_eq!(pauses(&retrier(1, 2.0, Some(5), Jitter::None)), [1000, 2000, 4000, 5000, 5000]);
        assert!(delay_ms(&retrier(99_999_999, 10.0, None, Jitter::None), 400, &draws) > 0);
        let jittered = retrier(10, 1.0, None, Jitter::Full);
        let drawn = (0..1000).map(|_| delay_ms(&jittered, 0, &draws)).collect::<Vec<_>>();
        assert!(drawn.iter().all(|&ms| ms <= 10_000));
        assert!(drawn.iter().any(|&ms| ms < 1000) && drawn.iter().any(|&ms| ms > 9000));
    }
}
