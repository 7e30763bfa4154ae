//! Nested executions (`--machine NAME=FILE`): what `states:startExecution` starts, in its three patterns.
//!
//! Source: developer guide, "Start a new AWS Step Functions state machine from a running execution".

use std::sync::Arc;

use statewright_interpreter::Value;
use statewright_interpreter::definition::Pattern;
use statewright_interpreter::error::ErrorName;
use statewright_interpreter::execution::{Execution, Status};
use statewright_interpreter::payload::Document;
use statewright_interpreter::time::Timestamp;

use super::answer::Outcome;
use super::envelope::object;

/// Whether a `StateMachineArn` is meant by `name`: the whole ARN, or the machine's name, with or without version or alias.
pub(crate) fn is_meant(name: &str, arn: &str) -> bool {
    let machine = arn.split_once(":stateMachine:").map_or(arn, |(_, machine)| machine);
    let unqualified = machine.split(':').next().unwrap_or(machine);
    [arn, machine, unqualified].contains(&name)
}

/// The input of a nested execution: what `Input` holds; a text is JSON already.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn input(parameters: &Value) -> Result<Document, String> {
    match parameters.get("Input") {
        None => Ok(Value::empty_object().into()),
        Some(Value::String(text)) => {
            Document::parse(text).map_err(|error| format!("Invalid State Machine Execution Input: {error}"))
        }
        Some(value) => Ok(value.clone().into()),
    }
}

/// What `StartExecution` answers, without metadata.
pub(crate) fn started(execution_arn: &str, at: Timestamp) -> Value {
    object([("ExecutionArn", Value::from(execution_arn)), ("StartDate", Value::from(at.to_string()))])
}

/// What a `.sync` task comes to when its execution has ended: `DescribeExecution`'s answer, with input and output as text, or as
/// JSON for `.sync:2`.
pub(crate) fn ended(execution: &Execution, pattern: Pattern, stopped_at: Timestamp) -> Outcome {
    let document = |document: &Document| match pattern {
        Pattern::Sync2 => document.value().clone(),
        Pattern::Sync | Pattern::RequestResponse | Pattern::WaitForTaskToken => Value::from(document.text().into_owned()),
    };
    let identity = execution.identity();
    let included = || object([("Included", Value::Bool(true))]);
    let text = |text: &Arc<str>| Value::from(Arc::clone(text));
    let mut members: Vec<(&str, Value)> = Vec::new();
    match execution.status() {
        Status::Failed(error) | Status::Aborted(error) => {
            members.extend(error.cause.as_ref().map(|cause| ("Cause", text(cause))));
            members.extend(error.error.as_ref().map(|error| ("Error", text(error))));
        }
        Status::Running | Status::Succeeded { .. } | Status::TimedOut => {}
    }
    members.push(("ExecutionArn", text(&identity.execution_arn)));
    members.push(("Input", document(execution.input().document())));
    members.push(("InputDetails", included()));
    members.push(("Name", text(&identity.execution_name)));
    if let Status::Succeeded { output } = execution.status() {
        members.push(("Output", document(output.document())));
        members.push(("OutputDetails", included()));
    }
    members.push(("StartDate", Value::from(execution.started_at().to_string())));
    members.push(("StateMachineArn", text(&identity.state_machine_arn)));
    members.push(("Status", Value::from(execution.status().as_str())));
    members.push(("StopDate", Value::from(stopped_at.to_string())));
    let description = Value::Object(members.into_iter().map(|(name, value)| (name.into(), value)).collect());
    match execution.status() {
        Status::Succeeded { .. } => Outcome::Succeeded(description.into()),
        Status::Running | Status::Failed(_) | Status::TimedOut | Status::Aborted(_) => {
            Outcome::failed(ErrorName::TASK_FAILED, description.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_meant_by_name_or_arn() {
        let arn = "arn:aws:states:us-east-1:123456789012:stateMachine:ship:live";
        for name in [arn, "ship:live", "ship"] {
            assert!(is_meant(name, arn));
        }
        assert!(is_meant("${Ship}", "${Ship}"));
        assert!(!is_meant("shi", arn));
    }
}
