//! The other engine, `jsonata-core`.

use jsonata_core::evaluator::{Context, Evaluator, EvaluatorOptions, error_code_prefix};
use jsonata_core::value::JValue;
use serde_json::Value;

use crate::Answer;

/// What `jsonata-core` answers.
pub(crate) fn answer(text: &str, data: &Value) -> Answer {
    let node = match jsonata_core::parser::parse(text) {
        Ok(node) => node,
        Err(error) => return Answer::Error(code(&error.to_string())),
    };
    let options = EvaluatorOptions {
        // A difference, should it be reached.
        timeout_ms: Some(1_000),
        max_stack_depth: Some(1_000),
        max_sequence_length: Some(100_000),
        ..EvaluatorOptions::default()
    };
    let mut evaluator = Evaluator::with_options(Context::new(), options);
    match evaluator.evaluate(&node, &JValue::from(data.clone())) {
        Ok(value) => convert(&value),
        Err(error) => Answer::Error(code(error.message())),
    }
}

/// The code of an error's text. Some are behind a few words.
fn code(text: &str) -> String {
    ["", "Invalid syntax: ", "Invalid number: ", "Signature validation failed: "]
        .iter()
        .find_map(|prefix| error_code_prefix(text.strip_prefix(prefix)?))
        .map_or_else(|| format!("without a code: {text}"), str::to_owned)
}

fn convert(value: &JValue) -> Answer {
    if value.is_undefined() {
        return Answer::Nothing;
    }
    if holds_function(value) {
        return Answer::Function;
    }
    match value.to_json_string().map(|text| serde_json::from_str(&text)) {
        Ok(Ok(value)) => Answer::Value(value),
        _ => Answer::Error(format!("no JSON: {value:?}")),
    }
}

fn holds_function(value: &JValue) -> bool {
    match value {
        JValue::Lambda(_) | JValue::Builtin { .. } | JValue::Regex { .. } => true,
        JValue::Array(items) => items.iter().any(holds_function),
        JValue::Object(members) => members.values().any(holds_function),
        JValue::Null | JValue::Bool(_) | JValue::Number(_) | JValue::String(_) | JValue::Undefined => false,
    }
}
