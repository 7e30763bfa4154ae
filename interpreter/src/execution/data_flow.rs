//! Input and output processing: the one place that knows in which order the fields apply.
//!
//! | state | order |
//! |---|---|
//! | Task, Parallel, Map | `InputPath` → `Parameters` → work → `ResultSelector` → `ResultPath` → `OutputPath` |
//! | Pass | `InputPath` → `Parameters` → `Result` → `ResultPath` → `OutputPath` |
//! | Wait, Choice, Succeed | `InputPath` → `OutputPath` |
//!
//! `ResultPath` puts the result into the *raw* input. `Assign` sees what `ResultSelector` sees.
//!
//! Source: ASL specification, "Input and Output Processing"; developer guide, "Processing input and output".

use std::sync::Arc;

use statewright_value::Value;

use super::scene::Scene;
use crate::definition::{Catcher, Flow, JsonPathFlow, ResultPath, Selection};
use crate::error::EvaluationError;
use crate::payload::Datum;
use crate::template::Template;

/// Variables to assign, by name.
pub(super) type Assigned = Vec<(Arc<str>, Value)>;

/// The fields, of a state in JSONPath.
fn fields<'a>(scene: &Scene<'a>) -> Result<&'a JsonPathFlow, EvaluationError> {
    match &scene.state.flow {
        Flow::JsonPath(flow) => Ok(flow),
        Flow::Jsonata(_) => Err(EvaluationError::runtime("JSONata cannot be run yet")),
    }
}

/// What the state works on: the raw input after `InputPath`.
pub(super) fn effective_input(scene: &Scene<'_>) -> Result<Datum, EvaluationError> {
    select(&fields(scene)?.input_path, Datum::Payload(scene.frame.input.clone()), scene)
}

/// What the state passes on to its task or its branches.
pub(super) fn parameters(scene: &Scene<'_>, effective_input: Datum) -> Result<Datum, EvaluationError> {
    match &fields(scene)?.parameters {
        None => Ok(effective_input),
        Some(template) => template.evaluate(&scene.inputs(effective_input.value())).map(Datum::Value),
    }
}

/// The state's output for a result.
pub(super) fn output(scene: &Scene<'_>, result: Datum) -> Result<Datum, EvaluationError> {
    let fields = fields(scene)?;
    let result = match &fields.result_selector {
        None => result,
        Some(template) => Datum::Value(template.evaluate(&scene.inputs(result.value()))?),
    };
    select(&fields.output_path, merge(&fields.result_path, result, scene)?, scene)
}

/// The output of a state that has no result: its effective input after `OutputPath`.
pub(super) fn output_of_input(scene: &Scene<'_>, effective_input: Datum) -> Result<Datum, EvaluationError> {
    select(&fields(scene)?.output_path, effective_input, scene)
}

/// The state's output when a catcher took its failure: the state's own `ResultPath` and `OutputPath` do not apply.
pub(super) fn caught_output(scene: &Scene<'_>, catcher: &Catcher, error_output: &Value) -> Result<Datum, EvaluationError> {
    merge(&catcher.result_path, Datum::Value(error_output.clone()), scene)
}

/// What `Assign` assigns when `$` stands for `input`.
pub(super) fn assigned(scene: &Scene<'_>, assign: Option<&Template>, input: &Value) -> Result<Assigned, EvaluationError> {
    let Some(template) = assign else { return Ok(Vec::new()) };
    let values = template.evaluate(&scene.inputs(input))?;
    Ok(values
        .as_object()
        .map_or_else(Vec::new, |values| values.iter().map(|(name, value)| (Arc::clone(name), value.clone())).collect()))
}

fn select(selection: &Selection, from: Datum, scene: &Scene<'_>) -> Result<Datum, EvaluationError> {
    match selection {
        Selection::Everything => Ok(from),
        Selection::Nothing => Ok(Datum::Value(Value::empty_object())),
        Selection::Path(path) => path.evaluate(&scene.inputs(from.value())).map(Datum::Value),
    }
}

fn merge(result_path: &ResultPath, result: Datum, scene: &Scene<'_>) -> Result<Datum, EvaluationError> {
    match result_path {
        ResultPath::Replace => Ok(result),
        ResultPath::Discard => Ok(Datum::Payload(scene.frame.input.clone())),
        ResultPath::At(path) => path.set(scene.frame.input.value(), result.value().clone()).map(Datum::Value),
    }
}
