//! `Pass`: hands its input on, or a result in its place.

use super::{Action, leave, with_result};
use crate::definition::{Flow, Pass};
use crate::error::EvaluationError;
use crate::execution::data_flow;
use crate::execution::scene::Scene;
use crate::payload::Datum;
use crate::time::Timestamp;

/// Source: ASL specification, "Pass State". `Result` is literal.
pub(super) fn act(scene: &Scene<'_>, pass: &Pass, now: Timestamp) -> Result<Action, EvaluationError> {
    if let Flow::Jsonata(_) = scene.state.flow {
        return leave(scene, now);
    }
    let effective_input = data_flow::effective_input(scene)?;
    let result = match &pass.result {
        Some(result) => Datum::Value(result.clone()),
        None => data_flow::parameters(scene, effective_input)?,
    };
    with_result(scene, result)
}
