//! `Pass`: hands its input on, or a result in its place.

use super::{Action, with_result};
use crate::definition::Pass;
use crate::error::EvaluationError;
use crate::execution::data_flow;
use crate::execution::scene::Scene;
use crate::payload::Datum;

/// Source: ASL specification, "Pass State". `Result` is literal.
pub(super) fn act(scene: &Scene<'_>, pass: &Pass) -> Result<Action, EvaluationError> {
    let effective_input = data_flow::effective_input(scene)?;
    let result = match &pass.result {
        Some(result) => Datum::Value(result.clone()),
        None => data_flow::parameters(scene, effective_input)?,
    };
    with_result(scene, result)
}
