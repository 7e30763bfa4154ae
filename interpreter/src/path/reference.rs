//! Reference paths that are written to.

use std::sync::Arc;

use statewright_value::Value;

use super::is_reference;
use crate::error::{ErrorName, EvaluationError};
use crate::json_path::{JsonPath, PathError, Step, SyntaxError};

/// A path that names one place in the input and can be written to, as `ResultPath` does: `$.a.b[0]['c']`.
///
/// Source: ASL specification, "Reference Paths" and "ResultPath".
#[derive(Clone, Debug)]
pub struct ReferencePath {
    text: Arc<str>,
    json_path: JsonPath,
}

impl ReferencePath {
    /// Parses a reference path on the input. Names may hold hyphens, the path may begin with an index (`$[0].a-b`), and blanks
    /// around it do not count.
    ///
    /// # Errors
    /// When the text is no path, begins with anything but `$`, or may name several places: with `..`, `*`, slices, filters, several
    /// names or indexes, negative indexes, or one of `@ , : ? * ( )` in a name without quotes.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let refuse = |message: &str| SyntaxError { message: format!("{message}: `{text}`"), at: 0 };
        if !text.trim_start_matches(|c: char| c <= ' ').starts_with('$') {
            return Err(refuse("a reference path begins with `$`"));
        }
        let json_path = JsonPath::parse(text)?;
        if !is_reference(text, json_path.steps()) {
            return Err(refuse("a reference path is made of names and indexes only"));
        }
        Ok(Self { text: text.into(), json_path })
    }

    /// The path as written.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The value at the path.
    ///
    /// # Errors
    /// When nothing is there.
    pub fn get<'v>(&self, document: &'v Value) -> Result<&'v Value, PathError> {
        // A path of names and indexes always has a value that can be borrowed.
        self.json_path.evaluate_ref(document).unwrap_or(Ok(document))
    }

    /// `document` with `value` at the path. Objects on the way are made where they are missing; of an array only elements that
    /// exist are written. Only what lies on the way is copied.
    ///
    /// # Errors
    /// `States.ReferencePathConflict` when something that is no object (for a name) or no array (for an index) is in the way, even
    /// `null`, or an array has no such element. The service's words, as users report them; the specification's name for this is
    /// `States.ResultPathMatchFailure`.
    pub fn set(&self, document: &Value, value: Value) -> Result<Value, EvaluationError> {
        let mut changed = document.clone();
        let Some(place) = self.place(&mut changed) else {
            return Err(EvaluationError {
                name: ErrorName::REFERENCE_PATH_CONFLICT,
                cause: format!("Unable to apply ReferencePath {} to input {document}", self.text),
                location: None,
            });
        };
        *place = value;
        Ok(changed)
    }

    /// The place to write to, made if it is missing.
    fn place<'v>(&self, mut place: &'v mut Value) -> Option<&'v mut Value> {
        let mut is_new = false;
        for step in self.json_path.steps() {
            if is_new {
                *place = Value::empty_object();
            }
            place = match (step, place) {
                (Step::Name(name), Value::Object(object)) => {
                    is_new = !object.contains_key(name);
                    object.entry(name)
                }
                (Step::Index(index), Value::Array(array)) => {
                    let index = usize::try_from(*index).ok().filter(|&index| index < array.len())?;
                    array.make_mut().get_mut(index)?
                }
                _ => return None,
            };
        }
        Some(place)
    }
}
