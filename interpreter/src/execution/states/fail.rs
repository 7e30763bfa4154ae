//! `Fail`: ends its scope with an error.

use std::sync::Arc;

use super::Action;
use crate::definition::{Fail, Text};
use crate::error::EvaluationError;
use crate::execution::failure::Failure;
use crate::execution::scene::{Scene, Seen};
use crate::history::ErrorDetails;

/// Source: ASL specification, "Fail State"; `ErrorPath` and `CausePath`: developer guide, "Fail workflow state".
pub(super) fn act(scene: &Scene<'_>, fail: &Fail) -> Result<Action, EvaluationError> {
    let error = text(scene, fail.error.as_ref(), "ErrorPath")?;
    let cause = text(scene, fail.cause.as_ref(), "CausePath")?;
    Ok(Action::Fail(Failure { details: ErrorDetails { error, cause }, heartbeat: false }))
}

fn text(scene: &Scene<'_>, text: Option<&Text>, field: &str) -> Result<Option<Arc<str>>, EvaluationError> {
    let inputs = scene.inputs(Seen::Input, scene.frame.input.value());
    let value = match text {
        None => return Ok(None),
        Some(Text::Fixed(text)) => return Ok(Some(Arc::clone(text))),
        Some(Text::Path(path)) => path.evaluate_for_field(field, &inputs)?,
        Some(Text::Call(call)) => call.evaluate(field, &inputs)?,
        Some(Text::Expression(expression)) => expression.evaluate_as("string", &inputs)?,
    };
    match value.as_str() {
        Some(text) => Ok(Some(text.into())),
        // The words of the cause are ours.
        None => Err(EvaluationError::runtime(format!("The {field} parameter does not reference a string: {value}"))),
    }
}
