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
//! In JSONata: `Arguments` → work → `Output`, and `Assign` beside it; nothing is merged.
//!
//! Source: ASL specification, "Input and Output Processing"; developer guide, "Processing input and output".

use std::sync::Arc;

use statewright_value::Value;

use super::scene::{Scene, Seen};
use crate::definition::{Catcher, Flow, ResultPath, Selection};
use crate::error::EvaluationError;
use crate::payload::Datum;
use crate::template::Template;

/// Variables to assign, by name.
pub(super) type Assigned = Vec<(Arc<str>, Value)>;

/// What the state works on: the raw input, in JSONPath after `InputPath`.
pub(super) fn effective_input(scene: &Scene<'_>) -> Result<Datum, EvaluationError> {
    let raw_input = Datum::Payload(scene.frame.input.clone());
    match &scene.state.flow {
        Flow::JsonPath(fields) => select(&fields.input_path, raw_input, scene),
        Flow::Jsonata(_) => Ok(raw_input),
    }
}

/// What the state passes on to its task or its branches: `Parameters` or `Arguments`.
pub(super) fn parameters(scene: &Scene<'_>, effective_input: Datum) -> Result<Datum, EvaluationError> {
    let template = match &scene.state.flow {
        Flow::JsonPath(fields) => fields.parameters.as_ref(),
        Flow::Jsonata(fields) => fields.arguments.as_ref(),
    };
    evaluate_or(scene, template, effective_input, Seen::Input)
}

/// The state's output for a result.
pub(super) fn output(scene: &Scene<'_>, result: Datum) -> Result<Datum, EvaluationError> {
    match &scene.state.flow {
        Flow::JsonPath(fields) => {
            let result = evaluate_or(scene, fields.result_selector.as_ref(), result, Seen::Result)?;
            select(&fields.output_path, merge(&fields.result_path, result, scene)?, scene)
        }
        Flow::Jsonata(fields) => evaluate_or(scene, fields.output.as_ref(), result, Seen::Result),
    }
}

/// The output of a state that has no result: its effective input after `OutputPath`, or `Output`.
pub(super) fn output_of_input(scene: &Scene<'_>, effective_input: Datum) -> Result<Datum, EvaluationError> {
    match &scene.state.flow {
        Flow::JsonPath(fields) => select(&fields.output_path, effective_input, scene),
        Flow::Jsonata(fields) => evaluate_or(scene, fields.output.as_ref(), effective_input, Seen::Input),
    }
}

/// The output of a Choice one of whose rules matched: a rule in JSONata has its own `Output`.
pub(super) fn output_of_rule(
    scene: &Scene<'_>,
    output: Option<&Template>,
    effective_input: Datum,
) -> Result<Datum, EvaluationError> {
    match &scene.state.flow {
        Flow::JsonPath(_) => output_of_input(scene, effective_input),
        Flow::Jsonata(_) => evaluate_or(scene, output, effective_input, Seen::Input),
    }
}

/// The state's output when a catcher took its failure: the state's own fields do not apply.
pub(super) fn caught_output(scene: &Scene<'_>, catcher: &Catcher, error_output: &Value) -> Result<Datum, EvaluationError> {
    let error_output = Datum::Value(error_output.clone());
    match &scene.state.flow {
        Flow::JsonPath(_) => merge(&catcher.result_path, error_output, scene),
        Flow::Jsonata(_) => evaluate_or(scene, catcher.output.as_ref(), error_output, Seen::Error),
    }
}

/// What `Assign` assigns.
pub(super) fn assigned(
    scene: &Scene<'_>,
    assign: Option<&Template>,
    seen: Seen,
    value: &Value,
) -> Result<Assigned, EvaluationError> {
    let Some(template) = assign else { return Ok(Vec::new()) };
    let values = template.evaluate(&scene.inputs(seen, value))?;
    Ok(values
        .as_object()
        .map_or_else(Vec::new, |values| values.iter().map(|(name, value)| (Arc::clone(name), value.clone())).collect()))
}

/// What `template` makes of `datum`; the datum itself where there is none.
fn evaluate_or(scene: &Scene<'_>, template: Option<&Template>, datum: Datum, seen: Seen) -> Result<Datum, EvaluationError> {
    match template {
        None => Ok(datum),
        Some(template) => template.evaluate(&scene.inputs(seen, datum.value())).map(Datum::Value),
    }
}

fn select(selection: &Selection, from: Datum, scene: &Scene<'_>) -> Result<Datum, EvaluationError> {
    match selection {
        Selection::Everything => Ok(from),
        Selection::Nothing => Ok(Datum::Value(Value::empty_object())),
        Selection::Path(path) => path.evaluate(&scene.inputs(Seen::Input, from.value())).map(Datum::Value),
    }
}

fn merge(result_path: &ResultPath, result: Datum, scene: &Scene<'_>) -> Result<Datum, EvaluationError> {
    match result_path {
        ResultPath::Replace => Ok(result),
        ResultPath::Discard => Ok(Datum::Payload(scene.frame.input.clone())),
        ResultPath::At(path) => path.set(scene.frame.input.value(), result.value().clone()).map(Datum::Value),
    }
}
