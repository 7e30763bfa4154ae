//! How an event becomes an input and a name, where a deployment wants it otherwise than by the table of its parent.

use statewright_jsonata::{Expression, Limits, NoHost, Outcome, Scope};
use statewright_value::Value;

/// Expressions of JSONata over what would be the input.
#[derive(Debug, Default)]
pub struct Mapping {
    input: Option<Expression>,
    name: Option<Expression>,
}

/// What an event is to be started with.
#[derive(Debug, PartialEq, Eq)]
pub enum Mapped {
    /// Nothing: the expression of the input gave nothing.
    Filtered,
    /// An execution with this input, and with this name if there is an expression for it.
    Start {
        /// The input, JSON text.
        input: String,
        /// The name.
        name: Option<String>,
    },
}

/// Why an event becomes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// The event is no JSON.
    #[error("the event is no JSON: {0}")]
    Event(String),
    /// An expression fails on it.
    #[error("{message}")]
    Expression {
        /// JSONata's code of the error.
        code: &'static str,
        /// What it says of the event, which may show a part of it.
        message: String,
    },
    /// There is no name.
    #[error("STATEWRIGHT_NAME gives no name for this event")]
    NoName,
    /// There is no input.
    #[error("STATEWRIGHT_INPUT gives a function, which is no input")]
    NoInput,
}

fn failed(error: &statewright_jsonata::Error) -> MappingError {
    MappingError::Expression { code: error.code(), message: error.to_string() }
}

impl MappingError {
    /// What it is, without a word of the event.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Event(_) => "InvalidEvent",
            Self::Expression { code, .. } => code,
            Self::NoName => "NoName",
            Self::NoInput => "NoInput",
        }
    }
}

impl Mapping {
    /// Compiles the expressions.
    ///
    /// # Errors
    /// What is wrong with one, and where it was set.
    pub fn parse(input: Option<&str>, name: Option<&str>) -> Result<Self, String> {
        let compile = |variable: &str, text: Option<&str>| {
            text.map(Expression::compile).transpose().map_err(|error| format!("{variable} is no expression of JSONata: {error}"))
        };
        Ok(Self { input: compile("STATEWRIGHT_INPUT", input)?, name: compile("STATEWRIGHT_NAME", name)? })
    }

    /// What an event is to be started with, `input` being what it would be started with otherwise.
    ///
    /// # Errors
    /// When an expression fails, or gives what is no input or no name.
    pub fn apply(&self, input: &str) -> Result<Mapped, MappingError> {
        if self.input.is_none() && self.name.is_none() {
            return Ok(Mapped::Start { input: input.to_owned(), name: None });
        }
        let event = Value::parse(input).map_err(|error| MappingError::Event(error.to_string()))?;
        let evaluate = |expression: &Expression| {
            let scope = Scope { input: Some(&event), functions: &[], bindings: &[], limits: Limits::AWS };
            expression.evaluate(&scope, &mut NoHost).map_err(|error| failed(&error))
        };
        let name = match self.name.as_ref().map(evaluate).transpose()? {
            None => None,
            Some(Outcome::Value(name)) => Some(name.as_str().map_or_else(|| name.to_string(), ToOwned::to_owned)),
            Some(Outcome::Nothing | Outcome::Function) => return Err(MappingError::NoName),
        };
        let input = match self.input.as_ref().map(evaluate).transpose()? {
            None => input.to_owned(),
            Some(Outcome::Value(value)) => value.to_string(),
            Some(Outcome::Nothing) => return Ok(Mapped::Filtered),
            Some(Outcome::Function) => return Err(MappingError::NoInput),
        };
        Ok(Mapped::Start { input, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(input: Option<&str>, name: Option<&str>, event: &str) -> Result<Mapped, MappingError> {
        Mapping::parse(input, name).expect("expressions").apply(event)
    }

    fn start(input: &str, name: Option<&str>) -> Result<Mapped, MappingError> {
        Ok(Mapped::Start { input: input.to_owned(), name: name.map(ToOwned::to_owned) })
    }

    #[test]
    fn expressions_choose_input_and_name_and_filter() {
        let event = r#"{"detail":{"id":7,"state":"PAID","n":1.0}}"#;
        assert_eq!(apply(None, None, event), start(event, None));
        assert_eq!(apply(Some("detail"), None, event), start(r#"{"id":7,"state":"PAID","n":1.0}"#, None));
        assert_eq!(apply(None, Some("'order-' & detail.id"), event), start(event, Some("order-7")));
        assert_eq!(apply(None, Some("detail.id"), event), start(event, Some("7")));
        assert_eq!(apply(Some("detail[state = 'OPEN']"), None, event), Ok(Mapped::Filtered));
        assert_eq!(apply(None, Some("detail.none"), event), Err(MappingError::NoName));
        assert_eq!(apply(Some("$error('no')"), None, event).expect_err("it fails").code(), "D3137");
        let shows = apply(Some("$number(detail.state)"), None, event).expect_err("no number");
        assert!(shows.to_string().contains("PAID") && shows.code() == "D3030", "{shows}");
    }
}
