//! JSONPath in the dialect of Jayway 2.0.0, which the service runs.

use std::sync::Arc;

use statewright_value::Value;

/// A JSONPath on one document, parsed once.
#[derive(Clone, Debug)]
pub struct JsonPath {
    text: Arc<str>,
}

/// Why a text is no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// What is wrong.
    pub message: String,
    /// Where, in bytes from the start of the text.
    pub at: usize,
}

/// Why a path has no value in a document, in Jayway's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing is there.
    #[error("{0}")]
    NotFound(String),
    /// The path cannot be applied to what is there.
    #[error("{0}")]
    Invalid(String),
}

impl JsonPath {
    /// Parses a path that begins with `$`.
    ///
    /// # Errors
    /// When the text is no path of the dialect.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        Ok(Self { text: text.into() })
    }

    /// The path as written.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Whether the path names one place (only names and indexes). If not, its value is always an array.
    #[must_use]
    pub fn is_definite(&self) -> bool {
        true
    }

    /// The value at the path.
    ///
    /// # Errors
    /// When the path is definite and nothing is there, or it cannot be applied.
    pub fn evaluate(&self, root: &Value) -> Result<Value, PathError> {
        Ok(root.clone())
    }
}
