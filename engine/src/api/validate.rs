//! `ValidateStateMachineDefinition`.
//!
//! Source: API reference, "ValidateStateMachineDefinition"; rule `api-validate` of the rule table.

use statewright_interpreter::Value;
use statewright_interpreter::definition::{Definition, Diagnostic, Options, Severity};

use super::machine_store::Type;
use super::machines::in_order;
use super::request::{Answer, Request};

/// "The default value is 100."
const DIAGNOSTICS: usize = 100;

pub(super) fn validate(request: &Request) -> String {
    let options = Options { machine_type: Type::from_name(request.text("type")).into(), ..Options::default() };
    let parsed = Definition::parse(request.required("definition"), &options);
    let (result, found) = match parsed {
        Ok(parsed) => ("OK", parsed.warnings),
        Err(found) => ("FAIL", found),
    };
    let warnings = request.text("severity") == Some("WARNING");
    let found: Vec<Diagnostic> = in_order(found).filter(|found| warnings || found.severity == Severity::Error).collect();
    let limit = request.max_results(DIAGNOSTICS);
    let diagnostics: Vec<Value> = found.iter().take(limit).map(|found| Value::from(diagnostic(found))).collect();
    let answer = Answer::new().with("result", result).with("diagnostics", diagnostics);
    answer.with("truncated", found.len() > limit).to_json()
}

fn diagnostic(found: &Diagnostic) -> Answer {
    let severity = match found.severity {
        Severity::Error => "ERROR",
        Severity::Warning => "WARNING",
    };
    Answer::new()
        .with("severity", severity)
        .with("code", found.code)
        .with("message", found.message.as_str())
        .maybe("location", found.location.as_deref())
}
