//! Numbers as text. One function prints them all.

use std::cmp::Ordering;

use statewright_value::{Number, Value};

/// A number while it is computed with: an integer is exact within 64 bits, and a floating-point number may be infinite.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Num {
    Int(i64),
    Float(f64),
}

/// 2^63, the first number that no `i64` holds.
const INT_END: f64 = 9_223_372_036_854_775_808.0;

impl Num {
    /// A number as it is written in an expression; `None` if it is beyond what floating point holds.
    pub(crate) fn parse(text: &str) -> Option<Num> {
        if let Ok(int) = text.parse::<i64>() {
            return Some(Num::Int(int));
        }
        let value = text.parse::<f64>().ok().filter(|value| value.is_finite())?;
        Some(Num::from_f64(value))
    }

    /// The number for the result of a computation: an integer where it is a whole number within `i64`.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::float_cmp,
        reason = "there and back is the test"
    )]
    pub(crate) fn from_f64(value: f64) -> Num {
        let int = value as i64;
        if int as f64 == value && value < INT_END { Num::Int(int) } else { Num::Float(value) }
    }

    #[expect(clippy::cast_precision_loss, reason = "rounding is what this does")]
    #[inline]
    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Num::Int(value) => value as f64,
            Num::Float(value) => value,
        }
    }

    /// As a finite floating-point number, if it is one without rounding.
    #[expect(clippy::cast_precision_loss, reason = "what is cast is exact")]
    pub(crate) fn as_exact_f64(self) -> Option<f64> {
        match self {
            Num::Int(value) => is_exact(value).then_some(value as f64),
            Num::Float(value) => value.is_finite().then_some(value),
        }
    }

    /// The integer, if it is a whole number within `i64`.
    pub(crate) fn as_int(self) -> Option<i64> {
        match self {
            Num::Int(value) => Some(value),
            Num::Float(value) => match Num::from_f64(value) {
                Num::Int(value) => Some(value),
                Num::Float(_) => None,
            },
        }
    }

    /// Towards negative infinity, as far as `i64` goes.
    #[expect(clippy::cast_possible_truncation, reason = "saturating is what an index needs")]
    pub(crate) fn floor(self) -> i64 {
        match self {
            Num::Int(value) => value,
            Num::Float(value) => value.floor() as i64,
        }
    }

    /// Towards zero, as far as `i64` goes.
    #[expect(clippy::cast_possible_truncation, reason = "saturating is what an index needs")]
    pub(crate) fn truncate(self) -> i64 {
        match self {
            Num::Int(value) => value,
            Num::Float(value) => value as i64,
        }
    }

    #[inline]
    pub(crate) fn negate(self) -> Num {
        match self {
            Num::Int(value) => value.checked_neg().map_or(Num::Float(INT_END), Num::Int),
            Num::Float(value) => Num::Float(-value),
        }
    }

    #[inline]
    pub(crate) fn is_finite(self) -> bool {
        match self {
            Num::Int(_) => true,
            Num::Float(value) => value.is_finite(),
        }
    }

    #[inline]
    pub(crate) fn add(self, other: Num) -> Num {
        self.exactly(other, i64::checked_add).unwrap_or_else(|| Num::from_f64(self.as_f64() + other.as_f64()))
    }

    #[inline]
    pub(crate) fn subtract(self, other: Num) -> Num {
        self.exactly(other, i64::checked_sub).unwrap_or_else(|| Num::from_f64(self.as_f64() - other.as_f64()))
    }

    #[inline]
    pub(crate) fn multiply(self, other: Num) -> Num {
        self.exactly(other, i64::checked_mul).unwrap_or_else(|| Num::from_f64(self.as_f64() * other.as_f64()))
    }

    #[inline]
    pub(crate) fn divide(self, other: Num) -> Num {
        self.exactly(other, |a, b| if a.checked_rem(b)? == 0 { a.checked_div(b) } else { None })
            .unwrap_or_else(|| Num::from_f64(self.as_f64() / other.as_f64()))
    }

    pub(crate) fn remainder(self, other: Num) -> Num {
        self.exactly(other, i64::checked_rem).unwrap_or_else(|| Num::from_f64(self.as_f64() % other.as_f64()))
    }

    fn exactly(self, other: Num, operation: impl FnOnce(i64, i64) -> Option<i64>) -> Option<Num> {
        match (self, other) {
            (Num::Int(a), Num::Int(b)) => operation(a, b).map(Num::Int),
            _ => None,
        }
    }

    /// By value, exactly; infinities at the ends.
    #[expect(clippy::cast_precision_loss, reason = "what is cast is exact")]
    #[inline]
    pub(crate) fn compare(self, other: Num) -> Ordering {
        match (self, other) {
            (Num::Int(a), Num::Int(b)) => a.cmp(&b),
            (Num::Float(a), Num::Float(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
            (Num::Int(a), Num::Float(b)) if is_exact(a) => (a as f64).partial_cmp(&b).unwrap_or(Ordering::Equal),
            (Num::Float(a), Num::Int(b)) if is_exact(b) => a.partial_cmp(&(b as f64)).unwrap_or(Ordering::Equal),
            (Num::Int(a), Num::Float(b)) => Number::Int(a).compare(Number::Float(b)),
            (Num::Float(a), Num::Int(b)) => Number::Float(a).compare(Number::Int(b)),
        }
    }

    #[inline]
    pub(crate) fn equals(self, other: Num) -> bool {
        match (self, other) {
            (Num::Int(a), Num::Int(b)) => a == b,
            #[expect(clippy::float_cmp, reason = "equality is what is asked for")]
            (Num::Float(a), Num::Float(b)) => a == b,
            _ => self.compare(other) == Ordering::Equal,
        }
    }

    pub(crate) fn text(self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    pub(crate) fn write(self, out: &mut String) {
        match self {
            Num::Int(value) => write(Number::Int(value), out),
            Num::Float(value) => print(value, out),
        }
    }

    /// Appends it as `$string` gives it: with 15 digits at most, unless it is a whole number.
    pub(crate) fn write_rounded(self, out: &mut String) {
        match self {
            Num::Float(value) if value.fract() != 0.0 => {
                let rounded = format!("{value:.14e}").parse().unwrap_or(value);
                print(rounded, out);
            }
            number => number.write(out),
        }
    }

    /// As JSON. What JSON cannot hold becomes its name, as Step Functions writes it.
    pub(crate) fn to_value(self) -> Value {
        match self {
            Num::Int(value) => Value::from(value),
            Num::Float(value) => match Number::from_f64(value) {
                Some(number) => Value::Number(number),
                None => Value::from(self.text()),
            },
        }
    }
}

/// Whether floating point holds an integer exactly, as it does all of this size.
fn is_exact(value: i64) -> bool {
    value.unsigned_abs() <= 1 << 53
}

impl From<Number> for Num {
    fn from(number: Number) -> Num {
        match number {
            Number::Int(value) => Num::Int(value),
            Number::Unsigned(_) => Num::Float(number.as_f64()),
            Number::Float(value) => Num::Float(value),
        }
    }
}

/// A number as JavaScript prints it: the fewest digits that give it back, with an exponent from 1e21 and below 1e-6.
pub(crate) fn print(value: f64, out: &mut String) {
    use std::fmt::Write;
    if value == 0.0 {
        out.push('0');
        return;
    }
    if value.is_nan() {
        out.push_str("NaN");
        return;
    }
    if value.is_infinite() {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
        return;
    }
    let magnitude = value.abs();
    // A string takes every write.
    if (1e-6..1e21).contains(&magnitude) {
        let _ = write!(out, "{value}");
        return;
    }
    let text = format!("{value:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return };
    let sign = if exponent.starts_with('-') { "" } else { "+" };
    let _ = write!(out, "{digits}e{sign}{exponent}");
}

/// Appends a number as text.
pub(crate) fn write(number: Number, out: &mut String) {
    use std::fmt::Write;
    match number {
        Number::Int(value) => {
            let _ = write!(out, "{value}");
        }
        Number::Unsigned(value) => {
            let _ = write!(out, "{value}");
        }
        Number::Float(value) => print(value, out),
    }
}

/// A value as compact JSON with numbers as JavaScript prints them, for the sentences of errors.
pub(crate) fn json(value: &Value) -> String {
    let mut out = String::new();
    write_json(value, &mut out);
    out
}

fn write_json(value: &Value, out: &mut String) {
    match value {
        Value::Number(number) => write(*number, out),
        Value::Null | Value::Bool(_) | Value::String(_) => out.push_str(&value.to_string()),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_json(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (at, (key, item)) in members.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                write_json(item, out);
            }
            out.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_print_as_in_javascript() {
        for (value, expected) in [
            (0.1, "0.1"),
            (-0.0, "0"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (999_999_999_999_999_868_928.0, "999999999999999900000"),
            (1.5e-7, "1.5e-7"),
            (0.000_001, "0.000001"),
            (90.570_000_000_000_01, "90.57000000000001"),
            (-1e300, "-1e+300"),
        ] {
            assert_eq!(Num::Float(value).text(), expected);
        }
        assert_eq!(Num::Int(i64::MAX).text(), "9223372036854775807");
    }
}
