//! What the service itself adds to the parameters of some integrations, and what it refuses before it schedules the task.
//!
//! Source: rules `integration-adds` and `integration-refuses` of the rule table.

use statewright_value::Value;

use crate::definition::{Pattern, Resource};
use crate::error::EvaluationError;
use crate::payload::Datum;

/// The parameters as `TaskScheduled` shows them.
pub(super) fn parameters(resource: &Resource, parameters: Datum) -> Result<Datum, EvaluationError> {
    let Resource::Service { resource_type, resource, pattern, .. } = resource else { return Ok(parameters) };
    match (&**resource_type, resource.split('.').next().unwrap_or_default()) {
        ("ecs", "runTask") if *pattern != Pattern::RequestResponse => Ok(with_started_by(parameters)),
        ("apigateway", "invoke") => match parameters.value().get("Headers") {
            Some(headers) if !are_lists_of_strings(headers) => Err(EvaluationError::runtime(format!(
                "The Parameters '{}' could not be used to start the Task: [The value of the field 'Headers' has an invalid format]",
                parameters.value()
            ))),
            Some(_) | None => Ok(parameters),
        },
        _ => Ok(parameters),
    }
}

fn with_started_by(parameters: Datum) -> Datum {
    let mut value = parameters.value().clone();
    match value.as_object_mut() {
        Some(members) if !members.contains_key("StartedBy") => {
            members.insert("StartedBy".into(), Value::from("AWS Step Functions"));
            Datum::Value(value)
        }
        Some(_) | None => parameters,
    }
}

fn are_lists_of_strings(headers: &Value) -> bool {
    let is_list = |value: &Value| value.as_array().is_some_and(|items| items.iter().all(|item| item.as_str().is_some()));
    headers.as_object().is_some_and(|headers| headers.values().all(is_list))
}
