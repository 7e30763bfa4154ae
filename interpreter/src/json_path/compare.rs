//! How filters compare: Jayway's rules, in which what stands in the filter is text and what stands in the document has a type.

use std::cmp::Ordering;

use statewright_value::{Number, Value};

use super::PathError;

/// The operators that compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Operator {
    /// Whether `left operator right` holds. Values that cannot be compared answer no, whatever the operator.
    ///
    /// # Errors
    /// When `left` is a number and `right` is text that is none.
    pub(super) fn holds(self, left: &Value, right: &Value) -> Result<bool, PathError> {
        if !matches!(self, Self::Equal | Self::NotEqual) && left.is_null() != right.is_null() {
            return Ok(false);
        }
        Ok(compare(left, right)?.is_some_and(|ordering| match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }))
    }
}

/// Orders `left` against `right`; `None` when they cannot be compared. `null` and the text `null` are the same, and less than
/// anything else. Text on the right is read as a number or a boolean if that is on the left, but not the other way round.
fn compare(left: &Value, right: &Value) -> Result<Option<Ordering>, PathError> {
    if std::ptr::eq(left, right) {
        return Ok(Some(Ordering::Equal));
    }
    Ok(match (is_nullish(left), is_nullish(right)) {
        (true, true) => Some(Ordering::Equal),
        (true, false) => Some(Ordering::Less),
        (false, true) => Some(Ordering::Greater),
        (false, false) => match (left, right) {
            (Value::String(left), Value::String(right)) => Some(utf16(left, &right.replace("\\'", "'"))),
            (Value::Number(left), Value::Number(right)) => Some(left.compare(*right)),
            (Value::Number(left), Value::String(right)) => Some(left.compare(number(right)?)),
            (Value::Bool(left), Value::String(right)) => Some(left.cmp(&right.eq_ignore_ascii_case("true"))),
            (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
            _ => None,
        },
    })
}

fn is_nullish(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("null")
}

/// Java orders strings by UTF-16 units.
fn utf16(left: &str, right: &str) -> Ordering {
    left.encode_utf16().cmp(right.encode_utf16())
}

/// Reads what Java's `BigDecimal` reads, as exactly as a JSON number would be.
fn number(text: &str) -> Result<Number, PathError> {
    let is_decimal = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    let integer = || text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from)).ok();
    let float = || text.parse::<f64>().ok().and_then(|value| Number::from_f64(value.clamp(f64::MIN, f64::MAX)));
    // Jayway lets Java's NumberFormatException through, which has no text; these words are ours.
    is_decimal
        .then(|| integer().or_else(float))
        .flatten()
        .ok_or_else(|| PathError::Invalid(format!("a filter compares a number with `{text}`, which is no number")))
}
