//! Functions on JSON data. Source: developer guide, "Intrinsics for JSON data manipulation".

use std::sync::Arc;

use statewright_value::{Object, Value};

use super::arguments::Arguments;
use super::messages;
use crate::error::EvaluationError;
use crate::java_hash;

/// `States.StringToJson(text)`: the value that the text is as JSON. A text of white space alone is `null` (recorded).
pub(super) fn string_to_json(arguments: &Arguments<'_>) -> Result<Value, EvaluationError> {
    let text = arguments.string(0)?;
    if text.trim_ascii().is_empty() {
        return Ok(Value::Null);
    }
    Value::parse(text).map_err(|error| arguments.failure(&messages::not_json(&error.to_string())))
}

/// `States.JsonToString(v)`: compact JSON text, members in their order.
pub(super) fn json_to_string(arguments: &Arguments<'_>) -> Value {
    Value::from(arguments.any(0).to_string())
}

/// `States.JsonMerge(a, b, false)`: the members of both objects, `b`'s where both have one. Objects in them are not merged. The
/// members come in the order of a Java `HashMap` that `a`'s and then `b`'s were put into (recorded).
pub(super) fn merge(arguments: &Arguments<'_>) -> Result<Value, EvaluationError> {
    let (left, right) = (arguments.object(0)?, arguments.object(1)?);
    match arguments.any(2) {
        Value::Bool(false) => {}
        Value::Bool(true) => return Err(arguments.failure(messages::DEEP_MERGE)),
        _ => return Err(arguments.not(2, "a boolean")),
    }
    let mut members: Vec<(&Arc<str>, &Value)> = left.iter().map(|(name, value)| (name, right.get(name).unwrap_or(value))).collect();
    members.extend(right.iter().filter(|(name, _)| !left.contains_key(name)));
    let order = java_hash::iteration_order(members.iter().map(|(name, _)| &***name));
    let mut merged = Object::with_capacity(members.len());
    for (name, value) in order.into_iter().filter_map(|at| members.get(at)) {
        merged.insert(Arc::clone(name), (*value).clone());
    }
    Ok(Value::Object(merged))
}
