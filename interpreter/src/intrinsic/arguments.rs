//! Reading a call's arguments as the types a function takes.

use statewright_value::{Array, Number, Object, Value};

use super::function::Function;
use super::messages;
use crate::error::EvaluationError;

/// The values a function is applied to. The parser has checked their number, so one that a function asks for is there; `null` would
/// stand in for it.
pub(super) struct Arguments<'a> {
    function: Function,
    values: &'a [Value],
}

impl<'a> Arguments<'a> {
    pub(super) fn new(function: Function, values: &'a [Value]) -> Self {
        Self { function, values }
    }

    /// All of them.
    pub(super) fn all(&self) -> &'a [Value] {
        self.values
    }

    /// The argument at `at` (from 0), whatever it is.
    pub(super) fn any(&self, at: usize) -> &'a Value {
        self.values.get(at).unwrap_or(&Value::Null)
    }

    pub(super) fn array(&self, at: usize) -> Result<&'a Array, EvaluationError> {
        self.any(at).as_array().ok_or_else(|| self.not(at, "an array"))
    }

    pub(super) fn object(&self, at: usize) -> Result<&'a Object, EvaluationError> {
        self.any(at).as_object().ok_or_else(|| self.not(at, "an object"))
    }

    pub(super) fn string(&self, at: usize) -> Result<&'a str, EvaluationError> {
        self.any(at).as_str().ok_or_else(|| self.not(at, "a string"))
    }

    /// A number, rounded to an integer as Java's `Math.round` does: halves go up, so `2.5` is 3 and `-1.5` is -1. Beyond 64 bits
    /// the nearest integer they hold.
    ///
    /// Source: developer guide, "Intrinsics for math operations" and others: a number that is not an integer is rounded "to the
    /// nearest integer"; which way halves go is inferred from recorded outputs of `States.MathAdd`.
    pub(super) fn integer(&self, at: usize) -> Result<i64, EvaluationError> {
        match self.any(at).as_number().ok_or_else(|| self.not(at, "a number"))? {
            Number::Int(value) => Ok(value),
            Number::Unsigned(_) => Ok(i64::MAX),
            Number::Float(value) => Ok(round(value)),
        }
    }

    /// As [`Arguments::integer`], within 32 bits.
    ///
    /// Source: developer guide, "Intrinsics for math operations".
    pub(super) fn integer_of_32_bits(&self, at: usize) -> Result<i32, EvaluationError> {
        let value = self.integer(at)?;
        i32::try_from(value).map_err(|_| self.failure(&messages::out_of_32_bits(at, value)))
    }

    /// The error for the argument at `at`, which is not of the type it should be.
    pub(super) fn not(&self, at: usize, expected: &str) -> EvaluationError {
        self.failure(&messages::wrong_type(at, expected, self.any(at).type_name()))
    }

    /// The function's failure for a reason out of [`messages`].
    pub(super) fn failure(&self, reason: &str) -> EvaluationError {
        EvaluationError::intrinsic(messages::failure(self.function.name(), reason))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "saturating is what Java does")]
fn round(value: f64) -> i64 {
    // Not the floor of value + 0.5: that sum is inexact for numbers just below a half.
    let floor = value.floor();
    (if value - floor >= 0.5 { floor + 1.0 } else { floor }) as i64
}
