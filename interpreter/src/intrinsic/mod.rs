//! The intrinsic functions (`States.Format` and its like).

use std::sync::Arc;

use statewright_value::Value;

use crate::error::EvaluationError;
use crate::inputs::Inputs;
use crate::json_path::SyntaxError;
use crate::path::Path;

/// A call of an intrinsic function, parsed once.
#[derive(Clone, Debug)]
pub struct Call {
    text: Arc<str>,
}

impl Call {
    /// Whether `text` looks like a call (it begins with `States.`), right or wrong.
    #[must_use]
    pub fn looks_like_one(text: &str) -> bool {
        text.trim_start().starts_with("States.")
    }

    /// Parses a call.
    ///
    /// # Errors
    /// When the text is no call of a known function with arguments of the right number.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        Ok(Self { text: text.into() })
    }

    /// The call as written.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Whether the function can only answer a string (`ErrorPath` and `CausePath` accept no other).
    #[must_use]
    pub fn answers_string(&self) -> bool {
        false
    }

    /// Every path among the arguments, of nested calls too.
    #[must_use]
    pub fn paths(&self) -> Vec<&Path> {
        Vec::new()
    }

    /// The function's answer. `field` is the field that holds the call, for messages (`value.$`).
    ///
    /// # Errors
    /// When an argument has no value or not one the function takes.
    pub fn evaluate(&self, field: &str, inputs: &Inputs<'_>) -> Result<Value, EvaluationError> {
        let _ = (field, inputs);
        Ok(Value::Null)
    }
}
