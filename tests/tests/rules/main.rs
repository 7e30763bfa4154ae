//! The rules of the language, one file a subject. `tests/rules.toml` says which rule each test holds up, and where it comes from.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail by a panic")]

mod abort;
mod catch;
mod choice;
mod context;
mod data_flow;
mod events;
mod history;
mod jsonata;
mod limits;
mod map;
mod parallel;
mod retry;
mod simple;
mod table;
mod task;
mod variables;
mod wait;

use serde_json::{Map, Value, json};
use statewright_tests::play::{Play, Played};

/// A machine of these states, which starts at the first. What every definition says is filled in: `End` where nothing follows, the
/// `Resource` of a Task, and `StartAt` in `Branches` and an `ItemProcessor`, which are given as their states alone.
fn machine(states: Value) -> Value {
    let mut states = states.as_object().unwrap().clone();
    states.values_mut().for_each(complete);
    json!({"StartAt": states.keys().next().unwrap(), "States": states})
}

/// A machine of this state, which is called `S`.
fn only(state: Value) -> Value {
    machine(json!({"S": state}))
}

fn complete(state: &mut Value) {
    let state = state.as_object_mut().unwrap();
    let state_type = state.get("Type").and_then(Value::as_str).unwrap().to_owned();
    if state_type == "Task" {
        state.entry("Resource").or_insert(json!("arn:aws:states:::sqs:sendMessage"));
    }
    if !matches!(&*state_type, "Choice" | "Succeed" | "Fail") && !state.contains_key("Next") {
        state.insert("End".to_owned(), json!(true));
    }
    for scope in ["Branches", "ItemProcessor", "Iterator"] {
        match state.get_mut(scope) {
            Some(Value::Array(scopes)) => scopes.iter_mut().for_each(|scope| *scope = machine(scope.take())),
            Some(scope) => *scope = machine(scope.take()),
            None => {}
        }
    }
}

/// `base` with the members of `more`.
fn with(base: Value, more: Value) -> Value {
    let (mut base, more): (Map<_, _>, _) = (base.as_object().unwrap().clone(), more.as_object().unwrap().clone());
    base.extend(more);
    Value::Object(base)
}

/// Plays a machine of one state with this input.
fn play(state: Value, input: Value) -> Played {
    Play::of(only(state)).input(input).run()
}

/// The history is exactly this one, an event a line.
#[track_caller]
fn assert_chain(played: &Played, expected: &str) {
    let expected: Vec<_> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(played.chain(), expected.join("\n"), "\n{}", played.chain());
}

/// The execution failed with this error, for a reason that contains `cause`.
#[track_caller]
fn assert_failed(played: &Played, error: &str, cause: &str) {
    assert_eq!((played.status, played.error_name()), ("FAILED", error), "{}\n{}", played.cause(), played.chain());
    assert!(played.cause().contains(cause), "{}", played.cause());
}
