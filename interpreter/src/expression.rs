//! JSONata expressions in the fields of states.
//!
//! Source: developer guide, "Transforming data with JSONata".

use std::sync::Arc;

use smallvec::SmallVec;
use statewright_jsonata::{Outcome, Scope, aws};
use statewright_value::{Object, Value};

use crate::error::EvaluationError;
use crate::inputs::Inputs;

/// A JSONata expression of a field, compiled once.
#[derive(Clone, Debug)]
pub struct Expression {
    /// Without the markers and the blanks inside them, as messages show it.
    text: Arc<str>,
    /// The field it stands in (`Output/result`).
    location: Arc<str>,
    compiled: Arc<statewright_jsonata::Expression>,
    /// The variables it mentions; only these are handed to it.
    variables: Box<[Arc<str>]>,
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
}

/// Marks the beginning of an expression.
const BEGIN: &str = "{%";
/// Marks its end.
const END: &str = "%}";

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
        let text = inner.trim();
        let offset = BEGIN.len() + inner.len() - inner.trim_start().len();
        let compiled = statewright_jsonata::Expression::compile(text).map_err(|error| ExpressionError {
            location: location.to_owned(),
            message: error.message(),
            at: error.position().map(|at| at + offset),
        })?;
        Ok(Self {
            text: text.into(),
            location: location.into(),
            compiled: Arc::new(compiled),
            variables: mentioned(text).into(),
            reads_context: may_read_context(text),
        })
    }

    /// The expression, without its markers.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The field it stands in.
    #[must_use]
    pub fn location(&self) -> &Arc<str> {
        &self.location
    }

    /// Its value.
    ///
    /// # Errors
    /// `States.QueryEvaluationError` when it fails, gives nothing, or gives what is no JSON.
    pub fn evaluate(&self, inputs: &Inputs<'_>) -> Result<Value, EvaluationError> {
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
        let visible = self.variables.iter().filter_map(|name| Some((&**name, inputs.variables.variable(name)?.clone())));
        let mut bindings: SmallVec<[(&str, Value); 4]> = visible.collect();
        bindings.push(("states", Value::Object(states)));
        let scope = Scope { bindings: &bindings, functions: &[&aws::FUNCTIONS], ..Scope::default() };
        match self.compiled.evaluate(&scope, &mut Host(inputs)) {
            Ok(Outcome::Value(value)) => Ok(value),
            Ok(Outcome::Nothing) => Err(self.failure(" returned nothing (undefined).")),
            Ok(Outcome::Function) => Err(self.failure(" returned an unsupported result type.")),
            // The sentence of a bound has no code before it.
            Err(error) if error.reached().is_some() => Err(self.failure(&format!(" threw an error during evaluation: {error}"))),
            Err(error) => Err(self.failure(&format!(" threw an error during evaluation. {error}"))),
        }
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
        Err(self
            .failure(&format!(" returned an unexpected result type. Expected '{expected}', but was '{found}' for value: {value}")))
    }

    /// Source: rule `query-evaluation-error` of the rule table.
    fn failure(&self, what: &str) -> EvaluationError {
        let cause = format!("The JSONata expression '{}' specified for the field '{}'{what}", self.text, self.location);
        EvaluationError::query(cause, Some(&self.location))
    }
}

/// Whether an expression may look at `$states.context`: it says so, or it uses `$states` as a whole.
fn may_read_context(text: &str) -> bool {
    const STATES: &str = "$states";
    text.match_indices(STATES).any(|(at, _)| {
        let rest = text.get(at + STATES.len()..).unwrap_or_default().trim_start();
        let member = rest.strip_prefix('.').map(str::trim_start);
        !member.is_some_and(|member| ["input", "result", "errorOutput"].iter().any(|known| member.starts_with(known)))
    })
}

/// The names of variables that an expression mentions.
fn mentioned(text: &str) -> Vec<Arc<str>> {
    let mut names: Vec<Arc<str>> = Vec::new();
    for behind in text.split('$').skip(1) {
        let end = behind.find(|c: char| !unicode_ident::is_xid_continue(c)).unwrap_or(behind.len());
        let name = behind.get(..end).unwrap_or_default();
        if !name.is_empty() && !names.iter().any(|known| **known == *name) {
            names.push(name.into());
        }
    }
    names
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
