//! JSONata expressions in the fields of states.
//!
//! Source: developer guide, "Transforming data with JSONata".

mod hint;
mod references;

use std::sync::Arc;

use smallvec::SmallVec;
use statewright_jsonata::{Outcome, Scope, aws};
use statewright_value::{Object, Value};

use crate::error::EvaluationError;
use crate::inputs::Inputs;
use crate::quota::CAUSE_CHARS_MAX;

pub(crate) use references::is_function;
pub use references::{Offered, Reading};

/// A JSONata expression of a field, compiled once.
#[derive(Clone, Debug)]
pub struct Expression {
    /// Without the markers and the blanks inside them, as messages show it.
    text: Arc<str>,
    /// The field it stands in (`Output/result`).
    location: Arc<str>,
    /// Where `text` begins in the string with the markers, in bytes.
    begins_at: usize,
    compiled: Arc<statewright_jsonata::Expression>,
    /// The names, of variables or functions, that it takes from outside; only these variables are handed to it.
    names: Box<[Arc<str>]>,
    /// Whether it reads `$states`, which is made only then.
    reads_states: bool,
    /// Whether it may read `$states.context`, which is made only then.
    reads_context: bool,
}

/// Why an expression cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// The field it stands in.
    pub location: String,
    /// The sentence.
    pub message: String,
    /// Where, in bytes from the beginning of the string with its markers.
    pub at: Option<usize>,
    /// What to write instead, where the text tells what is meant.
    pub help: Option<String>,
    /// Whether the text ends before the expression does.
    pub is_unfinished: bool,
}

/// The codes of texts that end where an expression goes on: before what must come, before an operand, in a comment.
const UNFINISHED: [&str; 3] = ["S0203", "S0207", "S0106"];

/// Why an expression has no value. Its text is the end of the service's sentence, which begins with the expression and its field.
///
/// Source: rule `query-evaluation-error` of the rule table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoValue {
    /// It refers to what is not there.
    #[error(" returned nothing (undefined).")]
    Nothing,
    /// It gives a function, or a value that holds one.
    #[error(" returned an unsupported result type.")]
    Function,
    /// It failed.
    #[error(" threw an error during evaluation. {message}")]
    Failed {
        /// JSONata's code and sentence.
        message: String,
        /// Where, in bytes from the beginning of the string with its markers.
        at: Option<usize>,
    },
    /// It reached a bound, whose sentence this is.
    #[error(" threw an error during evaluation: {0}")]
    Bound(String),
    /// It failed in a way that JSONata has no code for. The service's sentence ends with an id that nobody can foresee.
    #[error(" threw an internal error during evaluation.")]
    Internal(String),
}

/// The code of errors that the language does not foresee.
const INTERNAL: &str = "INTERNAL";

/// Marks the beginning of an expression.
const BEGIN: &str = "{%";
/// Marks its end.
const END: &str = "%}";

/// What JSONata takes for white space around an expression: other kinds of blanks are not its own.
const BLANKS: [char; 5] = [' ', '\t', '\n', '\r', '\u{b}'];

/// Whether a string is an expression.
#[must_use]
pub fn is_expression(text: &str) -> bool {
    text.len() >= BEGIN.len() + END.len() && text.starts_with(BEGIN) && text.ends_with(END)
}

impl Expression {
    /// Compiles a string with its markers, which stands in the field `location`.
    ///
    /// # Errors
    /// When it is no JSONata, or reads what the language does not offer.
    pub fn compile(marked: &str, location: &str) -> Result<Self, ExpressionError> {
        let inner = marked.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END)).unwrap_or(marked);
        let text = inner.trim_matches(BLANKS);
        let offset = BEGIN.len() + inner.len() - inner.trim_start_matches(BLANKS).len();
        let compiled = statewright_jsonata::Expression::compile(text).map_err(|error| ExpressionError {
            location: location.to_owned(),
            message: error.message(),
            at: error.position().map(|at| at + offset),
            help: hint::newer_operator(text, &error),
            is_unfinished: UNFINISHED.contains(&error.code()),
        })?;
        let (names, reads_states) = (references::names(&compiled), references::reads_states(&compiled));
        let reads_context = references::may_read_context(&compiled, text);
        Ok(Self {
            text: text.into(),
            location: location.into(),
            begins_at: offset,
            compiled: Arc::new(compiled),
            names,
            reads_states,
            reads_context,
        })
    }

    /// The expression, without its markers.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The names, of variables or functions, that it takes from outside, `states` excepted.
    pub(crate) fn names(&self) -> &[Arc<str>] {
        &self.names
    }

    /// The field it stands in.
    #[must_use]
    pub fn location(&self) -> &Arc<str> {
        &self.location
    }

    /// Its value.
    ///
    /// # Errors
    /// `States.QueryEvaluationError` when it has none.
    pub fn evaluate(&self, inputs: &Inputs<'_>) -> Result<Value, EvaluationError> {
        self.value(inputs).map_err(|reason| self.failure(&reason.to_string()))
    }

    /// Its value, or why it has none.
    ///
    /// # Errors
    /// When it fails, gives nothing, or gives what is no JSON.
    pub fn value(&self, inputs: &Inputs<'_>) -> Result<Value, NoValue> {
        let visible = self.names.iter().filter_map(|name| Some((&**name, inputs.variables.variable(name)?.clone())));
        let mut bindings: SmallVec<[(&str, Value); 4]> = visible.collect();
        if self.reads_states {
            bindings.push(("states", self.states(inputs)));
        }
        let scope = Scope { input: None, bindings: &bindings, functions: &[&aws::FUNCTIONS], limits: inputs.limits.limits() };
        match self.compiled.evaluate(&scope, &mut Host(inputs)) {
            Ok(Outcome::Value(value)) => Ok(value),
            Ok(Outcome::Nothing) => Err(NoValue::Nothing),
            Ok(Outcome::Function) => Err(NoValue::Function),
            Err(error) if error.reached().is_some() => Err(NoValue::Bound(error.message())),
            Err(error) if error.code() == INTERNAL => Err(NoValue::Internal(error.message())),
            Err(error) => Err(NoValue::Failed { message: error.to_string(), at: error.position().map(|at| at + self.begins_at) }),
        }
    }

    /// `$states`.
    fn states(&self, inputs: &Inputs<'_>) -> Value {
        let mut states = Object::with_capacity(4);
        states.insert("input".into(), inputs.input.clone());
        if self.reads_context {
            states.insert("context".into(), inputs.context.context_object().clone());
        }
        if let Some(result) = inputs.result {
            states.insert("result".into(), result.clone());
        }
        if let Some(error_output) = inputs.error_output {
            states.insert("errorOutput".into(), error_output.clone());
        }
        Value::Object(states)
    }

    /// Its value, which must be of the type `expected` (`array`, `number`, …).
    ///
    /// # Errors
    /// As [`Expression::evaluate`], and when the value is of another type.
    pub fn evaluate_as(&self, expected: &str, inputs: &Inputs<'_>) -> Result<Value, EvaluationError> {
        let value = self.evaluate(inputs)?;
        let found = value.type_name();
        if found == expected {
            return Ok(value);
        }
        let value = value.beginning(CAUSE_CHARS_MAX);
        Err(self
            .failure(&format!(" returned an unexpected result type. Expected '{expected}', but was '{found}' for value: {value}")))
    }

    /// Source: rule `query-evaluation-error` of the rule table.
    fn failure(&self, what: &str) -> EvaluationError {
        let cause = format!("The JSONata expression '{}' specified for the field '{}'{what}", self.text, self.location);
        EvaluationError::query(cause, Some(&self.location))
    }
}

/// The time and the randomness of the execution, for `$now`, `$millis`, `$random` and `$uuid`.
struct Host<'a>(&'a Inputs<'a>);

impl statewright_jsonata::Host for Host<'_> {
    fn now_millis(&mut self) -> i64 {
        self.0.now.0
    }

    fn next_u64(&mut self) -> u64 {
        self.0.draws.next_u64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_around_an_expression_is_that_of_the_language() {
        let text = |marked: &str| Expression::compile(marked, "").map(|expression| expression.text().to_string());
        assert_eq!(text("{% \t\r\n\u{b}1\u{b}\n\r\t %}").unwrap(), "1");
        // Anything else is part of a name, or wrong.
        assert_eq!(text("{%\u{a0}1\u{3000}%}").unwrap(), "\u{a0}1\u{3000}");
        for wrong in ["{%1\u{3000}%}", "{%1\u{c}%}", "{% 1\u{a0} %}"] {
            assert!(text(wrong).is_err(), "{wrong:?}");
        }
    }
}
