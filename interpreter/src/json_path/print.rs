//! Places and values in the words of Jayway's messages.

use std::fmt;

use statewright_value::Value;

use super::{PathError, Step};

/// Where an evaluation is. It is printed only when something is wrong there: `$['a'][0]`.
#[derive(Clone, Copy)]
pub(super) enum Place<'p> {
    /// `$`
    Root,
    /// A member.
    Name(&'p Place<'p>, &'p str),
    /// An element.
    Index(&'p Place<'p>, i64),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("$"),
            Self::Name(parent, name) => write!(f, "{parent}['{name}']"),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// A step that looks for members was applied to what has none.
pub(super) fn property_not_found(step: &Step, place: &Place<'_>) -> PathError {
    PathError::NotFound(format!("Property {step} not found in path {place}"))
}

/// The last name of a path is not there.
pub(super) fn no_results(place: &Place<'_>) -> PathError {
    PathError::NotFound(format!("No results for path: {place}"))
}

/// A name on the way is not there.
pub(super) fn missing_property(place: &Place<'_>) -> PathError {
    PathError::NotFound(format!("Missing property in path {place}"))
}

/// An index is beyond the array.
pub(super) fn out_of_bounds(place: &Place<'_>) -> PathError {
    PathError::NotFound(format!("Index out of bounds when evaluating path {place}"))
}

/// A step for arrays was applied to `null`.
pub(super) fn is_null(place: &Place<'_>) -> PathError {
    PathError::NotFound(format!("The path {place} is null"))
}

/// A step for arrays was applied to something else. `rest` are the step and those after it.
pub(super) fn only_arrays(rest: &[Step], value: &Value) -> PathError {
    PathError::Invalid(format!("Filter: {} can only be applied to arrays. Current context is: {}", Steps(rest), java_text(value)))
}

/// A filter was applied to what is neither an array nor an object. `rest` are the filter and the steps after it.
pub(super) fn no_primitives(rest: &[Step], value: &Value) -> PathError {
    PathError::Invalid(format!(
        "Filter: {} can not be applied to primitives. Current context is: {}",
        Steps(rest),
        java_text(value)
    ))
}

/// Several names are not the last step.
pub(super) fn names_not_last(step: &Step, place: &Place<'_>) -> PathError {
    PathError::Invalid(format!("Multi properties can only be used as path leafs: {place}{step}"))
}

struct Steps<'s>(&'s [Step]);

impl fmt::Display for Steps<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| step.fmt(f))
    }
}

/// A value as Java's `toString` prints it: text as it is, objects as `{a=1, b=x}`, arrays as JSON.
pub(super) fn java_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        Value::Object(object) => {
            let members: Vec<_> = object.iter().map(|(name, value)| format!("{name}={}", java_text(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => value.to_string(),
    }
}
