//! Numbers: integers exact to 64 bits, and floating point.

use std::cmp::Ordering;

/// A JSON number.
///
/// Integers and floating-point numbers are kept apart, as the service does: `1` stays `1` and `1.0` stays `1.0`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// An integer within `i64`.
    Int(i64),
    /// An integer above `i64::MAX`, never one that [`Number::Int`] could hold.
    Unsigned(u64),
    /// A finite floating-point number.
    Float(f64),
}

impl Number {
    /// The number for a finite `value`; `None` for infinities and not-a-number, which JSON does not have.
    #[must_use]
    pub fn from_f64(value: f64) -> Option<Number> {
        value.is_finite().then_some(Number::Float(value))
    }

    /// The integer, if it is one within `i64`. A floating-point number never is, not even `1.0`.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        if let Self::Int(value) = self { Some(value) } else { None }
    }

    /// As a floating-point number, rounded where an integer is beyond 2^53.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "rounding is what this does")]
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Unsigned(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    /// Orders by value, exactly: `1` and `1.0` are equal, and 2^53 is less than 2^53 + 1.
    #[must_use]
    pub fn compare(self, other: Number) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(&b),
            (Self::Unsigned(a), Self::Unsigned(b)) => a.cmp(&b),
            (Self::Int(_), Self::Unsigned(_)) => Ordering::Less,
            (Self::Unsigned(_), Self::Int(_)) => Ordering::Greater,
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
            (Self::Float(a), _) => compare_float(a, other.as_i128()),
            (_, Self::Float(b)) => compare_float(b, self.as_i128()).reverse(),
        }
    }

    fn as_i128(self) -> i128 {
        match self {
            Self::Int(value) => i128::from(value),
            Self::Unsigned(value) => i128::from(value),
            #[expect(clippy::cast_possible_truncation, reason = "saturating is what a comparison needs")]
            Self::Float(value) => value as i128,
        }
    }
}

/// Orders a finite `float` against an integer without rounding the integer.
fn compare_float(float: f64, integer: i128) -> Ordering {
    #[expect(clippy::cast_possible_truncation, reason = "saturates far outside the range of 64-bit integers")]
    let whole = float.floor() as i128;
    whole.cmp(&integer).then(if float > float.floor() { Ordering::Greater } else { Ordering::Equal })
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or(Self::Unsigned(value), Self::Int)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_by_value_and_exactly() {
        let big = 9_007_199_254_740_993_i64;
        assert_eq!(Number::Int(1).compare(Number::Float(1.0)), Ordering::Equal);
        assert_eq!(Number::Int(big).compare(Number::Float(9_007_199_254_740_992.0)), Ordering::Greater);
        assert_eq!(Number::Float(-1.5).compare(Number::Int(-1)), Ordering::Less);
        assert_eq!(Number::Float(1e300).compare(Number::Unsigned(u64::MAX)), Ordering::Greater);
        assert_eq!(Number::from(u64::MAX).compare(Number::Int(i64::MAX)), Ordering::Greater);
    }
}
