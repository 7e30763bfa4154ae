//! Every path that Jayway 2.0.0 was asked about, with its answers (`data/jayway-2.0.0-expected.json`).
//!
//! Compared are: whether the path compiles, whether it is definite, the value (types of numbers and the order of members too), and
//! for an error its class and its text. In texts of compile errors the names of Java's exception classes are left out.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use statewright_interpreter::Value;
use statewright_interpreter::json_path::{JsonPath, PathError};

#[test]
fn paths_answer_as_jayway_does() {
    let expected = Value::parse(include_str!("data/jayway-2.0.0-expected.json")).unwrap();
    let document = expected.get("document").unwrap();
    let cases = expected.get("cases").and_then(Value::as_array).unwrap();
    assert_eq!(cases.len(), 137);
    let differences: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let path = case.get("path").and_then(Value::as_str).unwrap();
            let (wanted, got) = (wanted(case), got(path, document));
            (wanted != got).then(|| format!("{path}\n  Jayway: {wanted}\n  ours:   {got}"))
        })
        .collect();
    assert!(differences.is_empty(), "{} of {} differ:\n{}", differences.len(), cases.len(), differences.join("\n"));
}

fn wanted(case: &Value) -> String {
    let text = |name: &str| case.get(name).and_then(Value::as_str).unwrap_or_default();
    let definite = case.get("definite").unwrap();
    match (case.get("result"), text("phase")) {
        (Some(result), _) => format!("definite {definite}: {result}"),
        (None, "compile") => format!("does not compile: {}", without_classes(text("message"))),
        (None, _) => format!("definite {definite}: {}: {}", text("error"), text("message")),
    }
}

fn got(path: &str, document: &Value) -> String {
    let path = match JsonPath::parse(path) {
        Ok(path) => path,
        Err(error) => return format!("does not compile: {error}"),
    };
    let definite = path.is_definite();
    let value = path.evaluate(document);
    if let Some(borrowed) = path.evaluate_ref(document) {
        assert_eq!(borrowed.cloned(), value, "{}", path.text());
    }
    match value {
        Ok(value) => format!("definite {definite}: {value}"),
        Err(PathError::NotFound(text)) => format!("definite {definite}: PathNotFoundException: {text}"),
        Err(PathError::Invalid(text)) => format!("definite {definite}: InvalidPathException: {text}"),
        Err(PathError::Refused(text)) => format!("definite {definite}: refused: {text}"),
    }
}

/// A message without `com.jayway.jsonpath.InvalidPathException: ` and its like in front.
fn without_classes(mut message: &str) -> &str {
    while let Some((class, rest)) = message.split_once(": ") {
        if !class.starts_with("com.jayway.") && !class.starts_with("java.lang.") {
            break;
        }
        message = rest;
    }
    message
}
