//! `Parallel`: runs its branches at the same time, each with the same input.

use super::{Action, Fork};
use crate::definition::Parallel;
use crate::error::EvaluationError;
use crate::execution::data_flow;
use crate::execution::scene::Scene;

/// Source: ASL specification, "Parallel State".
pub(super) fn act(scene: &Scene<'_>, parallel: &Parallel) -> Result<Action, EvaluationError> {
    let input = data_flow::parameters(scene, data_flow::effective_input(scene)?)?;
    let total = u32::try_from(parallel.branches.len()).unwrap_or(u32::MAX);
    Ok(Action::Fork(Fork::Branches { total, input }))
}
