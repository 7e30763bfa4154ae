//! What is known of tasks, errors and data from outside, and what they are called on a line.

use std::sync::Arc;

use statewright_interpreter::Value;
use statewright_interpreter::definition::{Resource, ResultPath, State, Text};
use statewright_interpreter::history::ErrorDetails;
use statewright_interpreter::path::Root;
use statewright_interpreter::payload::Payload;

use crate::screen::shortened;

/// How much of an error's cause is shown.
const CAUSE_CHARACTERS: usize = 160;
/// How much of an input or output is shown.
const DATA_CHARACTERS: usize = 200;

pub(super) fn data(what: &str, payload: &Payload) -> String {
    format!("{what} {}", shortened(&payload.text(), DATA_CHARACTERS))
}

/// An error on one line.
pub(crate) fn describe(error: &ErrorDetails) -> String {
    let name = error.error.as_deref().unwrap_or("an error without a name");
    match error.cause.as_deref().map(str::trim).filter(|cause| !cause.is_empty()) {
        None => name.to_owned(),
        Some(cause) => format!("{name}: {}", shortened(cause, CAUSE_CHARACTERS)),
    }
}

/// What a field of a Fail comes to, if that can be told from the state's input: `Some(None)` for a field that is not there.
pub(super) fn known(field: Option<&Text>, input: &Payload) -> Option<Option<Arc<str>>> {
    match field {
        None => Some(None),
        Some(Text::Fixed(text)) => Some(Some(Arc::clone(text))),
        Some(Text::Path(path)) if *path.root() == Root::Input => match path.json_path().evaluate(input.value()) {
            Ok(Value::String(text)) => Some(Some(text)),
            Ok(_) | Err(_) => None,
        },
        Some(Text::Path(_) | Text::Call(_) | Text::Expression(_)) => None,
    }
}

/// What a task calls, in short.
pub(super) fn label(resource: &Resource) -> String {
    match resource {
        Resource::Lambda { arn } => {
            let name = arn.split_once(":function:").map_or(&**arn, |(_, name)| name);
            if name.starts_with("${") { name.to_owned() } else { format!("function {name}") }
        }
        Resource::Activity { arn } => format!("activity {}", arn.rsplit(':').next().unwrap_or(arn)),
        Resource::Service { resource_type, resource, .. } => format!("{resource_type}:{resource}"),
    }
}

/// The function or machine that a service is asked to run.
pub(super) fn function_of(resource: &Resource, parameters: &Value) -> Option<String> {
    let Resource::Service { resource_type, .. } = resource else { return None };
    let (member, separator) = match &**resource_type {
        "lambda" => ("FunctionName", ":function:"),
        "states" => ("StateMachineArn", ":stateMachine:"),
        _ => return None,
    };
    let name = parameters.get(member)?.as_str()?;
    Some(name.split_once(separator).map_or(name, |(_, name)| name).to_owned())
}

/// The error that a catcher put into the output of a state that failed before its task was scheduled.
pub(super) fn caught_error(state: &State, output: &Value) -> Option<ErrorDetails> {
    let found = state.catch.iter().find_map(|catcher| match &catcher.result_path {
        ResultPath::Replace => Some(output).filter(|output| output.get("Error").is_some()),
        ResultPath::At(path) => path.get(output).ok().filter(|found| found.get("Error").is_some()),
        ResultPath::Discard => None,
    })?;
    let text = |name: &str| found.get(name).and_then(Value::as_str).map(Arc::from);
    Some(ErrorDetails { error: text("Error"), cause: text("Cause") })
}
