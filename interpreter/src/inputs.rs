//! What an expression may look at while it is evaluated.

use std::cell::Cell;

use sha2::{Digest, Sha256};
use statewright_value::Value;

use crate::quota::Evaluation;
use crate::time::Timestamp;

/// Everything an expression may read: `$`, `$$`, `$name` and randomness. Nothing else reaches an expression, so evaluating one
/// twice gives the same answer.
pub struct Inputs<'a> {
    /// What `$` stands for; in JSONata what `$states.input` does.
    pub input: &'a Value,
    /// What `$states.result` stands for, where there is a result.
    pub result: Option<&'a Value>,
    /// What `$states.errorOutput` stands for, where an error was caught.
    pub error_output: Option<&'a Value>,
    /// What `$$` stands for.
    pub context: &'a dyn Context,
    /// What `$name` stands for.
    pub variables: &'a dyn Variables,
    /// Where `States.UUID`, `States.MathRandom`, `$uuid` and `$random` draw from.
    pub draws: &'a Draws,
    /// The time, for `$now` and `$millis`.
    pub now: Timestamp,
    /// What an expression in JSONata may use.
    pub limits: Evaluation,
}

impl<'a> Inputs<'a> {
    /// What an expression may read when `$` stands for `input` and there is nothing else. The limits are the service's.
    #[must_use]
    pub fn new(input: &'a Value, context: &'a dyn Context, variables: &'a dyn Variables, draws: &'a Draws) -> Self {
        Self { input, result: None, error_output: None, context, variables, draws, now: Timestamp(0), limits: Evaluation::aws() }
    }
}

/// The Context object, made when somebody asks for it.
pub trait Context {
    /// The Context object as it is for the state at hand.
    fn context_object(&self) -> &Value;
}

impl Context for Value {
    fn context_object(&self) -> &Value {
        self
    }
}

/// The variables that are visible from a state.
pub trait Variables {
    /// The value of the variable called `name` (without `$`), from the innermost scope that has it.
    fn variable(&self, name: &str) -> Option<&Value>;
}

impl Variables for statewright_value::Object {
    fn variable(&self, name: &str) -> Option<&Value> {
        self.get(name)
    }
}

/// A source of random numbers that needs no state between evaluations: each draw is a part of a hash of the execution's seed, the id of
/// the event that the evaluation belongs to, and the number of the draw. The same evaluation after a crash draws the same numbers, and
/// whoever has seen some of them knows nothing of others.
#[derive(Debug)]
pub struct Draws {
    seed: u128,
    event: u64,
    drawn: Cell<u64>,
    /// The hash that the last draw is a part of: of one hash there are four draws.
    block: Cell<[u64; 4]>,
}

impl Draws {
    /// The draws of the evaluation at history event `event` in the execution with this `seed`.
    #[must_use]
    pub fn new(seed: u128, event: u64) -> Self {
        Self { seed, event, drawn: Cell::new(0), block: Cell::new([0; 4]) }
    }

    /// The next 64 random bits.
    pub fn next_u64(&self) -> u64 {
        let n = self.drawn.get();
        self.drawn.set(n + 1);
        if n.is_multiple_of(4) {
            let hash = secret(Purpose::Draws, self.seed, self.event, n / 4);
            let (parts, _) = hash.as_chunks();
            self.block.set(std::array::from_fn(|at| parts.get(at).map_or(0, |part| u64::from_be_bytes(*part))));
        }
        let [a, b, c, d] = self.block.get();
        match n % 4 {
            0 => a,
            1 => b,
            2 => c,
            _ => d,
        }
    }

    /// A random number from 0 (included) to 1 (excluded).
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub fn next_f64(&self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// What a secret number is for. What is shown for one purpose tells nothing of what stands for another.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Draws,
    TaskToken,
}

/// 256 bits that only follow for somebody who knows the `seed`, for one purpose and two numbers that say which of them.
pub(crate) fn secret(purpose: Purpose, seed: u128, first: u64, second: u64) -> [u8; 32] {
    let purpose: &[u8; 16] = match purpose {
        Purpose::Draws => b"statewright draw",
        Purpose::TaskToken => b"statewright task",
    };
    // What goes in has always the same length, so that a hash of it is as good as a keyed one.
    let hash = Sha256::new()
        .chain_update(purpose)
        .chain_update(seed.to_be_bytes())
        .chain_update(first.to_be_bytes())
        .chain_update(second.to_be_bytes());
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execution::attack::guesses;

    #[test]
    fn draws_are_the_same_again_and_differ_by_seed_event_and_number() {
        let draw = |seed, event| {
            let draws = Draws::new(seed, event);
            std::array::from_fn::<_, 9, _>(|_| draws.next_u64())
        };
        assert_eq!(draw(1, 2), draw(1, 2));
        let mut all = [draw(1, 2), draw(1, 3), draw(2, 2), draw(1 << 64, 2)].concat();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 36);
    }

    #[test]
    fn no_draw_is_computed_from_others() {
        let seed = 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210;
        let (shown, later) = (Draws::new(seed, 7), Draws::new(seed, 9));
        let later = [later.next_u64(), later.next_u64()];
        for known in [shown.next_u64(), shown.next_u64()] {
            assert!(!guesses(known, (7, 9)).any(|guess| later.contains(&guess)));
        }
    }
}
