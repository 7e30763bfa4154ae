//! A request that has been checked, and answers being made.

use statewright_interpreter::Value;
use statewright_interpreter::time::Timestamp;
use statewright_value::{Array, Object};

use super::constraints;
use super::error::ApiError;
use super::operation::Operation;

/// The members of a request. They are of the types and within the limits that the API model gives; `null` is absence.
#[derive(Clone, Debug)]
pub(super) struct Request(Object);

impl Request {
    /// Reads and checks a request; an empty text is a request without members.
    pub(super) fn parse(operation: Operation, text: &str) -> Result<Self, ApiError> {
        let malformed = |message: String| ApiError::new("SerializationException", message);
        let value = if text.trim().is_empty() {
            Value::empty_object()
        } else {
            Value::parse(text).map_err(|error| malformed(format!("The request is not JSON: {error}")))?
        };
        match value {
            Value::Object(members) => {
                constraints::check(operation, &members)?;
                Ok(Self(members))
            }
            other => Err(malformed(format!("The request must be an object, not {}", other.type_name()))),
        }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// A text that the table of constraints requires.
    pub(super) fn required(&self, name: &str) -> &str {
        self.text(name).unwrap_or_default()
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.get(name)?.as_bool()
    }

    /// How many results are asked for at most; 0, or nothing, is the operation's default.
    pub(super) fn max_results(&self, default: usize) -> usize {
        let asked = self.get("maxResults").and_then(Value::as_i64).and_then(|asked| usize::try_from(asked).ok());
        asked.filter(|asked| *asked > 0).unwrap_or(default)
    }

    pub(super) fn object(&self, name: &str) -> Option<&Object> {
        self.get(name)?.as_object()
    }

    pub(super) fn list(&self, name: &str) -> Option<&Array> {
        self.get(name)?.as_array()
    }
}

/// An answer being made.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer(Object);

impl Answer {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    pub(super) fn maybe(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// A point in time: seconds since the epoch, with milliseconds as a fraction.
    pub(super) fn date(self, name: &str, at: Timestamp) -> Self {
        self.with(name, seconds(at))
    }

    pub(super) fn to_json(&self) -> String {
        self.to_value().to_string()
    }

    pub(super) fn to_value(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

impl From<Answer> for Value {
    fn from(answer: Answer) -> Self {
        Value::Object(answer.0)
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds are exact for the next 285,000 years")]
fn seconds(at: Timestamp) -> Value {
    match at.0 % 1000 {
        0 => Value::from(at.0 / 1000),
        _ => Value::from(at.0 as f64 / 1000.0),
    }
}
