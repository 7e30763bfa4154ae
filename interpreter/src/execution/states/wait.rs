//! `Wait`: holds the frame for some seconds or until a point in time.

use super::{Action, leave, whole};
use crate::definition::Wait;
use crate::error::EvaluationError;
use crate::execution::data_flow;
use crate::execution::scene::{Scene, Seen};
use crate::path::Path;
use crate::payload::Datum;
use crate::time::Timestamp;

/// A time that has passed means no wait.
///
/// Source: ASL specification, "Wait State"; the causes: rule `wait-causes` of the rule table.
pub(super) fn act(scene: &Scene<'_>, wait: &Wait, now: Timestamp) -> Result<Action, EvaluationError> {
    let effective_input = data_flow::effective_input(scene)?;
    let until = match wait {
        Wait::Seconds(seconds) => now.plus_seconds((*seconds).into()),
        Wait::SecondsPath(path) => now.plus_seconds(seconds(scene, path, &effective_input)?),
        Wait::Timestamp(until) => *until,
        Wait::TimestampPath(path) => timestamp(scene, path, &effective_input)?,
        Wait::SecondsExpression(expression) => {
            let value = expression.evaluate_as("number", &scene.inputs(Seen::Input, effective_input.value()))?;
            // The words for a number that does not fit are ours.
            let seconds = whole(&value).and_then(|seconds| u64::try_from(seconds).ok()).ok_or_else(|| {
                EvaluationError::query(format!("The Seconds field is not a whole number of seconds: {value}"), Some("Seconds"))
            })?;
            now.plus_seconds(seconds)
        }
        Wait::TimestampExpression(expression) => {
            let value = expression.evaluate_as("string", &scene.inputs(Seen::Input, effective_input.value()))?;
            let text = value.as_str().unwrap_or_default();
            let instant = Timestamp::parse_rfc3339(text).ok_or_else(|| {
                let cause =
                    format!("The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: {text}");
                EvaluationError::query(cause, Some("Timestamp"))
            })?;
            instant.rounded_up()
        }
    };
    let delay_ms = until.0.saturating_sub(now.0);
    if delay_ms > scene.execution.head.quotas.wait_seconds_max.saturating_mul(1000) {
        return Err(EvaluationError::runtime("Wait state delay is too long."));
    }
    if until <= now { leave(scene, now) } else { Ok(Action::Hold { until }) }
}

fn seconds(scene: &Scene<'_>, path: &Path, effective_input: &Datum) -> Result<u64, EvaluationError> {
    let text = path.text();
    let found = path.find(&scene.inputs(Seen::Input, effective_input.value()));
    let value = found
        .map_err(|_| EvaluationError::runtime(format!("The SecondsPath parameter does not reference an input value: {text}")))?;
    let seconds = value.as_i64().ok_or_else(|| {
        EvaluationError::runtime(format!("The SecondsPath parameter cannot be parsed as a long value: {text} == {}", shown(&value)))
    })?;
    u64::try_from(seconds).map_err(|_| {
        EvaluationError::runtime(format!("The SecondsPath parameter references a negative value: {text} == {seconds}"))
    })
}

fn timestamp(scene: &Scene<'_>, path: &Path, effective_input: &Datum) -> Result<Timestamp, EvaluationError> {
    let text = path.text();
    let found = path.find(&scene.inputs(Seen::Input, effective_input.value()));
    let value = found
        .map_err(|_| EvaluationError::runtime(format!("The TimestampPath parameter does not reference an input value: {text}")))?;
    let instant = value.as_str().and_then(Timestamp::parse_rfc3339).ok_or_else(|| {
        EvaluationError::runtime(format!(
            "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: {text} == {}",
            shown(&value)
        ))
    })?;
    Ok(instant.rounded_up())
}

fn shown(value: &statewright_value::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
