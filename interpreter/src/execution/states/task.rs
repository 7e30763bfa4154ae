//! `Task`: has work done outside.

use std::sync::Arc;

use super::{Action, TaskStart, integration, quantity};
use crate::definition::{Quantity, Resource, Task};
use crate::error::EvaluationError;
use crate::execution::data_flow;
use crate::execution::scene::{Scene, Seen};
use crate::payload::Datum;
use crate::quota::TIMEOUT_SECONDS_MAX;

/// Source: ASL specification, "Task State"; developer guide, "Task workflow state".
pub(super) fn act(scene: &Scene<'_>, task: &Task) -> Result<Action, EvaluationError> {
    let effective_input = data_flow::effective_input(scene)?;
    let seconds = |limit: Option<&Quantity>, field| {
        limit.map(|limit| quantity(scene, limit, field, 1..=TIMEOUT_SECONDS_MAX, &effective_input)).transpose()
    };
    let timeout_seconds = seconds(task.timeout.as_ref(), "TimeoutSecondsPath")?;
    let heartbeat_seconds = seconds(task.heartbeat.as_ref(), "HeartbeatSecondsPath")?;
    let credentials_role_arn = role_arn(scene, task, &effective_input)?;
    let parameters = data_flow::parameters(scene, effective_input)?;
    let parameters = integration::parameters(&task.resource, parameters)?;
    if let Resource::Activity { arn } = &task.resource {
        // There is no event for it: nothing has been scheduled.
        if scene.execution.missing_activities.contains(arn) {
            return Err(EvaluationError::runtime(format!("The activity {arn} does not exist.")));
        }
    }
    Ok(Action::Start(TaskStart { parameters, timeout_seconds, heartbeat_seconds, credentials_role_arn }))
}

fn role_arn(scene: &Scene<'_>, task: &Task, effective_input: &Datum) -> Result<Option<Arc<str>>, EvaluationError> {
    let Some(template) = &task.credentials else { return Ok(None) };
    let credentials = template.evaluate(&scene.inputs(Seen::Input, effective_input.value()))?;
    match credentials.get("RoleArn").and_then(statewright_value::Value::as_str) {
        Some(role_arn) => Ok(Some(role_arn.into())),
        // The words of the cause are ours.
        None => Err(EvaluationError::runtime("The RoleArn of Credentials is not a string.")),
    }
}
