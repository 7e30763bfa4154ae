//! What each state type does: one file each, pure functions from what a state sees to what is to be done.

mod choice;
mod fail;
mod integration;
mod map;
mod parallel;
mod pass;
mod task;
mod wait;

use std::ops::RangeInclusive;
use std::sync::Arc;

use statewright_value::{Array, Value};

use super::data_flow::{self, Assigned};
use super::failure::Failure;
use super::scene::{Scene, Seen};
use crate::definition::{Kind, Next, Quantity};
use crate::error::EvaluationError;
use crate::payload::Datum;
use crate::time::Timestamp;

pub(super) use map::{iteration_input, source as map_source};

/// What a state wants done.
pub(super) enum Action {
    /// Leave it.
    Exit { output: Datum, assigned: Assigned, next: Next },
    /// Wait.
    Hold { until: Timestamp },
    /// It has failed.
    Fail(Failure),
    /// Start a task.
    Start(TaskStart),
    /// Start children.
    Fork(Fork),
}

/// A task to start.
pub(super) struct TaskStart {
    pub(super) parameters: Datum,
    pub(super) timeout_seconds: Option<u32>,
    pub(super) heartbeat_seconds: Option<u32>,
    pub(super) credentials_role_arn: Option<Arc<str>>,
}

/// Children to start.
pub(super) enum Fork {
    /// Every branch of a Parallel, with the same input.
    Branches { total: u32, input: Datum },
    /// An iteration for each item.
    Items {
        items: Array,
        effective_input: Value,
        /// How many at the same time; 0 means as many as the quota allows.
        limit: u32,
    },
}

/// What a state does when it is entered or tried again.
pub(super) fn act(scene: &Scene<'_>, now: Timestamp) -> Result<Action, EvaluationError> {
    match &scene.state.kind {
        Kind::Task(task) => task::act(scene, task),
        Kind::Pass(pass) => pass::act(scene, pass, now),
        Kind::Choice(choice) => choice::act(scene, choice),
        Kind::Wait(wait) => wait::act(scene, wait, now),
        Kind::Succeed => leave(scene, now),
        Kind::Fail(fail) => fail::act(scene, fail),
        Kind::Parallel(parallel) => parallel::act(scene, parallel),
        Kind::Map(map) => map::act(scene, map),
    }
}

/// Leaves a state that has no result: a Succeed, or a Wait that is over.
pub(super) fn leave(scene: &Scene<'_>, _now: Timestamp) -> Result<Action, EvaluationError> {
    let effective_input = data_flow::effective_input(scene)?;
    let assigned = data_flow::assigned(scene, scene.state.assign.as_ref(), Seen::Input, effective_input.value())?;
    let output = data_flow::output_of_input(scene, effective_input)?;
    Ok(Action::Exit { output, assigned, next: scene.state.next })
}

/// Leaves a state with its result.
pub(super) fn with_result(scene: &Scene<'_>, result: Datum) -> Result<Action, EvaluationError> {
    let assigned = data_flow::assigned(scene, scene.state.assign.as_ref(), Seen::Result, result.value())?;
    let output = data_flow::output(scene, result)?;
    Ok(Action::Exit { output, assigned, next: scene.state.next })
}

/// The whole number that a field holds or refers to. `field` is its name with `Path`; an expression must give one of `allowed`.
///
/// Source: rule `path-not-an-integer` of the rule table.
fn quantity(
    scene: &Scene<'_>,
    quantity: &Quantity,
    field: &str,
    allowed: RangeInclusive<u32>,
    input: &Datum,
) -> Result<u32, EvaluationError> {
    match quantity {
        Quantity::Fixed(number) => Ok(*number),
        Quantity::Path(path) => {
            let value = path.evaluate(&scene.inputs(Seen::Input, input.value()))?;
            // A string counts by what it says.
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text.parse().map_err(|_| {
                let path = path.text();
                EvaluationError::runtime(format!(
                    "The {field} field refers to value \"{text}\" which is not a valid integer: {path}"
                ))
            })
        }
        Quantity::Expression(expression) => {
            let value = expression.evaluate_as("number", &scene.inputs(Seen::Input, input.value()))?;
            // The words for a number that does not fit are ours.
            let number = whole(&value).and_then(|number| u32::try_from(number).ok());
            number.filter(|number| allowed.contains(number)).ok_or_else(|| {
                let field = expression.location();
                EvaluationError::query(
                    format!("The {field} field is not a whole number that is allowed there: {value}"),
                    Some(field),
                )
            })
        }
    }
}

/// A number without a fraction as an integer: what an expression computes may be `60.0`.
fn whole(value: &Value) -> Option<i64> {
    let number = value.as_number()?;
    let float = number.as_f64();
    #[expect(clippy::cast_possible_truncation, reason = "it has no fraction, and saturates")]
    number.as_i64().or_else(|| (float.fract() == 0.0).then_some(float as i64))
}
