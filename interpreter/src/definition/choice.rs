//! Choice rules: comparisons of what a path finds with a constant or with what another path finds.
//!
//! Source: ASL specification, "Choice State"; developer guide, "Choice workflow state".

use std::cmp::Ordering;
use std::sync::Arc;

use statewright_value::{Number, Value};

use crate::error::EvaluationError;
use crate::expression::Expression;
use crate::inputs::Inputs;
use crate::path::Path;
use crate::time::{Instant, Timestamp};

/// When a rule matches.
#[derive(Clone, Debug)]
pub enum Condition {
    /// One comparison.
    Test(Test),
    /// `And`: all of these, looked at in order until one does not match.
    And(Vec<Condition>),
    /// `Or`: any of these, looked at in order until one matches.
    Or(Vec<Condition>),
    /// `Not`
    Not(Box<Condition>),
    /// `Condition` in JSONata, written down.
    Constant(bool),
    /// `Condition` in JSONata.
    Expression(Expression),
}

/// A comparison of what `Variable` finds.
#[derive(Clone, Debug)]
pub struct Test {
    /// `Variable`
    pub variable: Path,
    /// The operator and what it compares with.
    pub comparison: Comparison,
}

/// An operator with its operand. A value of another type than the operator's does not match; it is no error.
#[derive(Clone, Debug)]
pub enum Comparison {
    /// `StringEquals`, `StringLessThan`, … and their `Path` forms, by Unicode code points.
    String(Relation, Operand<Arc<str>>),
    /// `NumericEquals`, … and their `Path` forms, by value.
    Numeric(Relation, Operand<Number>),
    /// `BooleanEquals`, `BooleanEqualsPath`
    Boolean(Operand<bool>),
    /// `TimestampEquals`, … and their `Path` forms, as points in time.
    Timestamp(Relation, Operand<Instant>),
    /// `StringMatches`
    Matches(Pattern),
    /// `IsNull`, `IsPresent`, … with what is expected.
    Is(Nature, bool),
}

/// How the variable's value must lie to the operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `…Equals`
    Equal,
    /// `…LessThan`
    Less,
    /// `…LessThanEquals`
    LessOrEqual,
    /// `…GreaterThan`
    Greater,
    /// `…GreaterThanEquals`
    GreaterOrEqual,
}

/// What a variable's value is compared with.
#[derive(Clone, Debug)]
pub enum Operand<T> {
    /// A constant.
    Constant(T),
    /// What a path finds.
    Path(Path),
}

/// What `Is…` asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// `IsNull`
    Null,
    /// `IsPresent`
    Present,
    /// `IsNumeric`
    Numeric,
    /// `IsString`
    String,
    /// `IsBoolean`
    Boolean,
    /// `IsTimestamp`
    Timestamp,
}

/// The pattern of `StringMatches`: `*` stands for any characters, `\*` for a star and `\\` for a backslash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The literal texts between the stars: one more than there are stars.
    pieces: Vec<String>,
}

impl Condition {
    /// Whether the rule matches.
    ///
    /// # Errors
    /// `States.Runtime` when `Variable`, or a path to compare with, finds nothing.
    pub fn matches(&self, inputs: &Inputs<'_>) -> Result<bool, EvaluationError> {
        match self {
            Self::Test(test) => test.matches(inputs),
            Self::And(conditions) => all(conditions, true, inputs),
            Self::Or(conditions) => all(conditions, false, inputs).map(|none| !none),
            Self::Not(condition) => condition.matches(inputs).map(|matches| !matches),
            Self::Constant(matches) => Ok(*matches),
            Self::Expression(expression) => Ok(expression.evaluate_as("boolean", inputs)? == Value::Bool(true)),
        }
    }
}

/// Whether every one of `conditions` answers `wanted`.
fn all(conditions: &[Condition], wanted: bool, inputs: &Inputs<'_>) -> Result<bool, EvaluationError> {
    for condition in conditions {
        if condition.matches(inputs)? != wanted {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Test {
    fn matches(&self, inputs: &Inputs<'_>) -> Result<bool, EvaluationError> {
        let found = self.variable.find(inputs);
        if let Comparison::Is(Nature::Present, expected) = self.comparison {
            return Ok(found.is_ok() == expected);
        }
        self.variable.check_input(inputs)?;
        let value = found.map_err(|_| invalid(&self.variable))?;
        self.comparison.matches(&value, inputs)
    }
}

fn invalid(path: &Path) -> EvaluationError {
    EvaluationError::runtime(format!(
        "Invalid path '{}': The choice state's condition path references an invalid value.",
        path.text()
    ))
}

impl Comparison {
    fn matches(&self, value: &Value, inputs: &Inputs<'_>) -> Result<bool, EvaluationError> {
        Ok(match self {
            Self::String(relation, operand) => {
                let order = operand.with(inputs, text, |expected| value.as_str().map(|value| value.cmp(&**expected)))?;
                relation.holds(order)
            }
            Self::Numeric(relation, operand) => {
                let order = operand.with(inputs, Value::as_number, |&expected| Some(value.as_number()?.compare(expected)))?;
                relation.holds(order)
            }
            Self::Boolean(operand) => {
                let order = operand.with(inputs, Value::as_bool, |expected| Some(value.as_bool()?.cmp(expected)))?;
                Relation::Equal.holds(order)
            }
            Self::Timestamp(relation, operand) => {
                let order = operand.with(inputs, instant, |expected| Some(instant(value)?.cmp(expected)))?;
                relation.holds(order)
            }
            Self::Matches(pattern) => value.as_str().is_some_and(|text| pattern.matches(text)),
            Self::Is(nature, expected) => nature.describes(value) == *expected,
        })
    }
}

fn text(value: &Value) -> Option<Arc<str>> {
    if let Value::String(text) = value { Some(Arc::clone(text)) } else { None }
}

fn instant(value: &Value) -> Option<Instant> {
    value.as_str().and_then(Timestamp::parse_rfc3339)
}

impl<T> Operand<T> {
    /// How the variable's value lies to the operand; `None` where one of the two is of another type.
    fn with(
        &self,
        inputs: &Inputs<'_>,
        read: impl Fn(&Value) -> Option<T>,
        compare: impl Fn(&T) -> Option<Ordering>,
    ) -> Result<Option<Ordering>, EvaluationError> {
        match self {
            Self::Constant(expected) => Ok(compare(expected)),
            Self::Path(path) => {
                path.check_input(inputs)?;
                let expected = path.find(inputs).map_err(|_| invalid(path))?;
                Ok(read(&expected).as_ref().and_then(compare))
            }
        }
    }
}

impl Relation {
    fn holds(self, order: Option<Ordering>) -> bool {
        order.is_some_and(|order| match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        })
    }
}

impl Nature {
    fn describes(self, value: &Value) -> bool {
        match self {
            Self::Null => value.is_null(),
            Self::Present => true,
            Self::Numeric => value.as_number().is_some(),
            Self::String => value.as_str().is_some(),
            Self::Boolean => value.as_bool().is_some(),
            Self::Timestamp => instant(value).is_some(),
        }
    }
}

impl Pattern {
    /// Reads a pattern; `None` when a backslash stands before anything but a star or a backslash.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut pieces = vec![String::new()];
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            let literal = match character {
                '*' => {
                    pieces.push(String::new());
                    continue;
                }
                '\\' => characters.next().filter(|next| matches!(next, '*' | '\\'))?,
                other => other,
            };
            pieces.last_mut()?.push(literal);
        }
        Some(Self { pieces })
    }

    /// The shortest text that matches.
    #[must_use]
    pub fn shortest(&self) -> String {
        self.pieces.concat()
    }

    /// Whether the whole of `text` matches. Each piece is looked for where the one before ended, so it takes time in proportion
    /// to the text and the pattern.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let Some((first, rest)) = self.pieces.split_first() else { return text.is_empty() };
        let Some((last, middle)) = rest.split_last() else { return text == first };
        let Some(mut text) = text.strip_prefix(first.as_str()) else { return false };
        for piece in middle {
            match text.find(piece.as_str()).and_then(|at| text.get(at + piece.len()..)) {
                Some(after) => text = after,
                None => return false,
            }
        }
        text.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_the_whole_text() {
        let matches = |pattern: &str, text: &str| Pattern::parse(pattern).unwrap().matches(text);
        assert!(matches("foo*.log", "foo23.log"));
        assert!(matches("*.log", "zebra.log"));
        assert!(matches("foo*.*", "foobar.zebra"));
        assert!(matches("*", ""));
        assert!(matches("", ""));
        assert!(matches("a*b*a", "abba"));
        assert!(!matches("a*a", "a"));
        assert!(!matches("", "x"));
        assert!(!matches("foo*", "xfoo"));
        assert!(matches(r"a\*b", "a*b"));
        assert!(!matches(r"a\*b", "axb"));
        assert!(matches(r"a\\*", r"a\x"));
        assert_eq!(Pattern::parse(r"a\b"), None);
    }

    #[test]
    fn the_shortest_text_that_matches_is_the_pattern_without_its_stars() {
        let pattern = Pattern::parse(r"log-*\*.*").unwrap();
        assert_eq!(pattern.shortest(), "log-*.");
        assert!(pattern.matches(&pattern.shortest()));
    }
}
