//! The API, one file a subject. `tests/rules.toml` says which rule each test holds up, and where it comes from.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail by a panic")]

mod activities;
mod concurrency;
mod constraints;
mod executions;
mod formats;
mod logs;
mod machines;
mod names;
mod operators;
mod paging;
mod protocol;
mod tasks;
mod validate;

use serde_json::{Value, json};
use statewright_engine::api::Operation;
use statewright_tests::stage::Stage;

const ROLE: &str = "arn:aws:iam::111111111111:role/role";

/// Calls an operation that must succeed.
fn ask(stage: &Stage, operation: &str, request: Value) -> Value {
    let answer = stage.call(Operation::from_name(operation).unwrap(), &request);
    answer.unwrap_or_else(|error| panic!("{operation} {request}: {error}"))
}

/// Calls an operation that must be refused: `Code: message`.
fn refused(stage: &Stage, operation: &str, request: Value) -> String {
    let answer = stage.call(Operation::from_name(operation).unwrap(), &request);
    answer.map_or_else(|error| error.to_string(), |answer| panic!("{operation} {request}: {answer}"))
}

/// The ARN of something.
fn arn(kind: &str, name: &str) -> String {
    format!("arn:aws:states:us-east-1:111111111111:{kind}:{name}")
}

/// A machine of one state.
fn one(state: Value) -> String {
    let mut state = state;
    state["End"] = json!(true);
    json!({"StartAt": "S", "States": {"S": state}}).to_string()
}

fn pass() -> String {
    one(json!({"Type": "Pass"}))
}

fn wait() -> String {
    one(json!({"Type": "Wait", "Seconds": 60}))
}

/// `request` with more members.
fn with(mut request: Value, members: Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

/// The request for a machine with this definition, and more members.
fn machine(name: &str, definition: &str, members: Value) -> Value {
    with(json!({"name": name, "definition": definition, "roleArn": ROLE}), members)
}

/// A stage with a machine: its ARN.
fn created(stage: &Stage, name: &str, definition: &str, members: Value) -> String {
    let answer = ask(stage, "CreateStateMachine", machine(name, definition, members));
    answer["stateMachineArn"].as_str().unwrap().to_owned()
}

/// Starts an execution: its ARN.
fn started(stage: &Stage, machine_arn: &str, members: Value) -> String {
    let answer = ask(stage, "StartExecution", with(json!({"stateMachineArn": machine_arn}), members));
    answer["executionArn"].as_str().unwrap().to_owned()
}

/// Which members an answer has.
fn members(answer: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}
