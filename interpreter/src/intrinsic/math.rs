//! Functions on numbers. Source: developer guide, "Intrinsics for math operations".

use statewright_value::Value;

use super::arguments::Arguments;
use super::messages;
use crate::error::EvaluationError;
use crate::inputs::Draws;

/// `States.MathAdd(a, b)`: both rounded to integers, then added. Each must fit 32 bits; their sum need not, which is a guess.
pub(super) fn add(arguments: &Arguments<'_>) -> Result<Value, EvaluationError> {
    let (a, b) = (arguments.integer_of_32_bits(0)?, arguments.integer_of_32_bits(1)?);
    Ok(Value::from(i64::from(a) + i64::from(b)))
}

/// `States.MathRandom(start, end[, seed])`: an integer from `start` to below `end`, both rounded and within 32 bits.
///
/// With a seed, `new java.util.Random(seed)` gives the number. That is inferred: JSONata's `$random` with a seed is recorded to be
/// that generator, while no recorded output shows what this function answers.
pub(super) fn random(arguments: &Arguments<'_>, draws: &Draws) -> Result<Value, EvaluationError> {
    let (start, end) = (arguments.integer_of_32_bits(0)?, arguments.integer_of_32_bits(1)?);
    if start >= end {
        return Err(arguments.failure(&messages::empty_interval(start, end)));
    }
    if arguments.all().len() > 2 {
        let number = JavaRandom::new(arguments.integer(2)?).next_between(start, end);
        return Ok(Value::from(i64::from(number)));
    }
    let span = u64::from(end.abs_diff(start));
    // The high half of 64 random bits times the span is below the span.
    let offset = (u128::from(draws.next_u64()) * u128::from(span)) >> 64;
    Ok(Value::from(i64::from(start) + i64::try_from(offset).unwrap_or_default()))
}

/// `java.util.Random`: a linear congruential generator of 48 bits, specified to the bit.
struct JavaRandom(u64);

impl JavaRandom {
    const MULTIPLIER: u64 = 0x5_DEEC_E66D;
    const MASK: u64 = (1 << 48) - 1;

    fn new(seed: i64) -> Self {
        Self((seed.cast_unsigned() ^ Self::MULTIPLIER) & Self::MASK)
    }

    /// `next(bits)`, for up to 32 bits.
    fn next(&mut self, bits: u32) -> i32 {
        self.0 = self.0.wrapping_mul(Self::MULTIPLIER).wrapping_add(0xB) & Self::MASK;
        #[expect(clippy::cast_possible_truncation, reason = "Java casts to int here")]
        let number = (self.0 >> (48 - bits)) as i32;
        number
    }

    /// `nextInt(bound)`, for a `bound` above 0.
    fn next_below(&mut self, bound: i32) -> i32 {
        let greatest = bound - 1;
        if bound & greatest == 0 {
            let number = (i64::from(bound) * i64::from(self.next(31))) >> 31;
            return i32::try_from(number).unwrap_or_default();
        }
        // More than half of all numbers are taken, so this ends after few rounds.
        loop {
            let bits = self.next(31);
            let number = bits % bound;
            if (bits - number).checked_add(greatest).is_some() {
                return number;
            }
        }
    }

    /// A number from `start` to below `end`, as `ints(start, end)` gives: with one call of `nextInt`, unless the span does not fit.
    fn next_between(&mut self, start: i32, end: i32) -> i32 {
        if let Some(span) = end.checked_sub(start) {
            return self.next_below(span) + start;
        }
        // The span is at least half of all integers, so this ends after few rounds.
        loop {
            let number = self.next(32);
            if (start..end).contains(&number) {
                return number;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::JavaRandom;

    #[test]
    fn numbers_are_those_of_java_util_random() {
        let mut random = JavaRandom::new(42);
        assert_eq!([random.next(32), random.next(32), random.next(32)], [-1_170_105_035, 234_785_527, -1_360_544_799]);
        assert_eq!(JavaRandom::new(42).next_below(100), 30);
        assert_eq!(JavaRandom::new(42).next_below(10), 0);
        assert_eq!(JavaRandom::new(3).next_below(999), 239);
        assert_eq!(JavaRandom::new(42).next_below(64), 46, "a power of two takes the high bits");
        assert_eq!(JavaRandom::new(-7).next_below(1_500_000_000), 577_934_662);
        assert_eq!(JavaRandom::new(42).next_between(1000, 1100), 1030);
        assert_eq!(JavaRandom::new(42).next_between(i32::MIN, i32::MAX), -1_170_105_035);
    }
}
