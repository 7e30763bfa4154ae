//! Rules of the language: for each one definition that breaks it and one that keeps it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

mod expressions;
mod maps;
mod robustness;
mod rules;
mod states;
mod substitutions;
mod text;
mod warnings;

use statewright_interpreter::definition::{Definition, Diagnostic, MachineType, Options, Parsed, Severity, Syntax};

/// The configuration of a Distributed Map's processor, and a comma.
const DISTRIBUTED: &str = r#""ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},"#;

fn options(syntax: Syntax) -> Options {
    Options { syntax, ..Options::default() }
}

fn parse(json: &str) -> Result<Parsed, Vec<Diagnostic>> {
    Definition::parse(json, &Options::default())
}

fn express(json: &str) -> Vec<Diagnostic> {
    let options = Options { machine_type: MachineType::Express, ..Options::default() };
    errors_of(Definition::parse(json, &options))
}

fn errors_of(result: Result<Parsed, Vec<Diagnostic>>) -> Vec<Diagnostic> {
    let found = result.err().unwrap_or_default();
    found.into_iter().filter(|diagnostic| diagnostic.severity == Severity::Error).collect()
}

/// A machine of these states that starts at `S`.
fn machine(states: &str) -> String {
    format!(r#"{{"StartAt": "S", "States": {{{states}}}}}"#)
}

/// The same in JSONata.
fn jsonata(states: &str) -> String {
    format!(r#"{{"QueryLanguage": "JSONata", "StartAt": "S", "States": {{{states}}}}}"#)
}

/// A machine of one state `S`, given without its braces.
fn one(state: &str) -> String {
    machine(&format!(r#""S": {{{state}}}"#))
}

/// `refuses` for a whole definition: exactly one error, of this code, with this message, here.
#[track_caller]
fn refuses(json: &str, code: &str, message: &str, location: &str) {
    let errors = errors_of(parse(json));
    let found: Vec<_> =
        errors.iter().map(|error| (error.code, error.message.as_str(), error.location.as_deref().unwrap_or("null"))).collect();
    assert_eq!(found, [(code, message, location)], "{json}");
    assert!(errors[0].span.is_some(), "{json}");
}

/// `refuses` with the most common code, for a machine of one state.
#[track_caller]
fn refuses_state(state: &str, message: &str, location: &str) {
    refuses(&one(state), "SCHEMA_VALIDATION_FAILED", message, location);
}

#[track_caller]
fn accepts(json: &str) {
    let errors = errors_of(parse(json));
    assert!(errors.is_empty(), "{json}\n{errors:#?}");
}

#[track_caller]
fn accepts_state(state: &str) {
    accepts(&one(state));
}
