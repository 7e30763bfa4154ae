//! What an expression may look at while it is evaluated.

use std::cell::Cell;

use statewright_value::Value;

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
}

impl<'a> Inputs<'a> {
    /// What an expression may read when `$` stands for `input` and there is nothing else.
    #[must_use]
    pub fn new(input: &'a Value, context: &'a dyn Context, variables: &'a dyn Variables, draws: &'a Draws) -> Self {
        Self { input, result: None, error_output: None, context, variables, draws, now: Timestamp(0) }
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

/// A source of random numbers that needs no state between evaluations: each draw is a hash of the execution's seed, the id of the
/// event that the evaluation belongs to, and the number of the draw. The same evaluation after a crash draws the same numbers.
#[derive(Debug)]
pub struct Draws {
    seed: u128,
    event: u64,
    drawn: Cell<u64>,
}

impl Draws {
    /// The draws of the evaluation at history event `event` in the execution with this `seed`.
    #[must_use]
    pub fn new(seed: u128, event: u64) -> Self {
        Self { seed, event, drawn: Cell::new(0) }
    }

    /// The next 64 random bits.
    pub fn next_u64(&self) -> u64 {
        let n = self.drawn.get();
        self.drawn.set(n + 1);
        #[expect(clippy::cast_possible_truncation, reason = "takes the two halves of the seed")]
        let (low, high) = (self.seed as u64, (self.seed >> 64) as u64);
        mix(mix(mix(low ^ 0x9e37_79b9_7f4a_7c15).wrapping_add(self.event) ^ high).wrapping_add(n))
    }

    /// A random number from 0 (included) to 1 (excluded).
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub fn next_f64(&self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The finaliser of SplitMix64: every bit of the answer depends on every bit of `z`.
fn mix(z: u64) -> u64 {
    let z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
