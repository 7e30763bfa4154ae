//! Definitions recorded from the service: what it took must be accepted, what it refused must be refused, in its words.
//!
//! Reads the folder that `STATEWRIGHT_RECORDED` names; the format is described beside the recordings.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking, in its helpers too")]
#![expect(clippy::disallowed_methods, clippy::disallowed_macros, reason = "recordings are files, and a test says that it skips")]

use std::path::{Path, PathBuf};

use serde_json::Value;
use statewright_interpreter::definition::{Definition, Diagnostic, MachineType, Options, Severity};

fn recordings() -> Option<Vec<(PathBuf, Value)>> {
    let Some(folder) = std::env::var_os("STATEWRIGHT_RECORDED") else {
        eprintln!("SKIPPED: STATEWRIGHT_RECORDED is not set, so nothing recorded was compared");
        return None;
    };
    let mut files = Vec::new();
    collect(Path::new(&folder), &mut files);
    files.sort();
    assert!(!files.is_empty(), "no recordings in {}", folder.display());
    let read = |file: PathBuf| {
        let case: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        (file, case)
    };
    Some(files.into_iter().map(read).collect())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
}

fn parse(text: &str, machine_type: Option<&str>) -> Result<(), Vec<Diagnostic>> {
    let machine_type = if machine_type == Some("EXPRESS") { MachineType::Express } else { MachineType::Standard };
    let options = Options { machine_type, ..Options::default() };
    Definition::parse(text, &options).map(|_| ())
}

fn errors(found: Result<(), Vec<Diagnostic>>) -> Vec<Diagnostic> {
    found.err().unwrap_or_default().into_iter().filter(|diagnostic| diagnostic.severity == Severity::Error).collect()
}

/// `CODE: message at location`, joined as the service does.
fn as_refusal(errors: &[Diagnostic]) -> String {
    let one = |error: &Diagnostic| format!("{}: {} at {}", error.code, error.message, error.location.as_deref().unwrap_or("null"));
    errors.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[test]
fn every_definition_that_the_service_took_is_accepted() {
    let Some(cases) = recordings() else { return };
    let mut wrong = Vec::new();
    let mut count = 0;
    for (file, case) in &cases {
        for machine in case["machines"].as_array().into_iter().flatten() {
            let Some(text) = machine["definition_text"].as_str().filter(|_| machine["definition"].is_object()) else { continue };
            count += 1;
            let errors = errors(parse(text, machine["type"].as_str()));
            if !errors.is_empty() {
                wrong.push(format!("{}: {}", file.display(), as_refusal(&errors)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} refused:\n{}", wrong.len(), wrong.join("\n"));
    eprintln!("{count} definitions accepted");
}

#[test]
fn every_definition_that_the_service_refused_is_refused_in_its_words() {
    let Some(cases) = recordings() else { return };
    let mut wrong = Vec::new();
    let mut count = 0;
    for (file, case) in &cases {
        for call in case["calls"].as_array().into_iter().flatten() {
            let recorded = call["recorded"].to_string();
            let is_create = call["operation"] == "CreateStateMachine" && recorded.contains("InvalidDefinition");
            let is_validate = call["operation"] == "ValidateStateMachineDefinition";
            if !is_create && !is_validate {
                continue;
            }
            count += 1;
            let text = call["request"]["definition"].as_str().unwrap();
            let errors = errors(parse(text, call["request"]["type"].as_str()));
            if let Err(difference) = compare(&call["recorded"], &errors, text) {
                wrong.push(format!("{}: {difference}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
    eprintln!("{count} answers agree");
}

fn compare(recorded: &Value, errors: &[Diagnostic], definition: &str) -> Result<(), String> {
    if let Some(diagnostics) = recorded["diagnostics"].as_array() {
        let same = diagnostics.len() == errors.len()
            && diagnostics.iter().zip(errors).all(|(theirs, ours)| {
                theirs["code"] == ours.code
                    && theirs["message"] == ours.message.as_str()
                    && theirs["location"].as_str() == ours.location.as_deref()
            });
        return if same { Ok(()) } else { Err(format!("{diagnostics:?}\n  {errors:?}")) };
    }
    let message = recorded["message"].as_str().or_else(|| recorded["Error"]["Message"].as_str());
    let message = message.or_else(|| recorded["exception_value"].as_str()).unwrap_or_default();
    // Some were answered by another implementation: their code counts, their text does not.
    if message.starts_with("Error=") {
        return if errors.is_empty() { Err(format!("accepted {definition}")) } else { Ok(()) };
    }
    let (_, theirs) = message.split_once("Invalid State Machine Definition: '").unwrap_or_default();
    let theirs = theirs.strip_suffix('\'').unwrap_or(theirs).replace("<partition>", "aws");
    let ours = as_refusal(errors);
    if theirs == ours { Ok(()) } else { Err(format!("\n  theirs: {theirs}\n  ours:   {ours}")) }
}

#[test]
fn variable_references_are_those_that_the_service_lists() {
    let Some(cases) = recordings() else { return };
    let mut count = 0;
    for (file, case) in &cases {
        let calls = || case["calls"].as_array().into_iter().flatten();
        let Some(text) =
            calls().find(|call| call["operation"] == "CreateStateMachine").and_then(|call| call["request"]["definition"].as_str())
        else {
            continue;
        };
        for call in calls().filter(|call| call["recorded"]["variableReferences"].is_object()) {
            count += 1;
            let parsed = Definition::parse(text, &Options::default()).unwrap();
            let references = parsed.definition.variable_references();
            let ours: Value = references
                .into_iter()
                .map(|(state, names)| (state.to_string(), names.iter().map(|name| Value::from(&**name)).collect::<Value>()))
                .collect::<serde_json::Map<_, _>>()
                .into();
            assert_eq!(ours, call["recorded"]["variableReferences"], "{}", file.display());
        }
    }
    assert!(count > 0, "nothing recorded lists variable references");
}
