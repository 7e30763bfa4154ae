//! Payload templates: `Parameters`, `ResultSelector`, `ItemSelector`, `Assign` and their like.

use statewright_value::Value;

use crate::error::EvaluationError;
use crate::inputs::Inputs;
use crate::path::Path;

/// A payload template, compiled once.
#[derive(Clone, Debug)]
pub struct Template {
    constant: Option<Value>,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// JSON pointer from the template's root to the object that holds the field; empty for the root.
    pub pointer: String,
    /// The member's name, `.$` included.
    pub field: String,
    /// The service's sentence, without the place.
    pub message: String,
}

impl Template {
    /// Compiles a template: members whose names end in `.$` hold paths or calls of intrinsic functions.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn compile(template: &Value) -> Result<Self, Vec<TemplateError>> {
        Ok(Self { constant: Some(template.clone()) })
    }

    /// The value of a template that looks at nothing.
    #[must_use]
    pub fn as_constant(&self) -> Option<&Value> {
        self.constant.as_ref()
    }

    /// Every path in the template, those in calls too.
    #[must_use]
    pub fn paths(&self) -> Vec<&Path> {
        Vec::new()
    }

    /// The payload the template gives.
    ///
    /// # Errors
    /// When a path finds nothing or a function fails.
    pub fn evaluate(&self, inputs: &Inputs<'_>) -> Result<Value, EvaluationError> {
        let _ = inputs;
        Ok(self.constant.clone().unwrap_or_default())
    }
}
