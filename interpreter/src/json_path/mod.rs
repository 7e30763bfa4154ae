//! JSONPath in the dialect of Jayway 2.0.0, which the service runs.
//!
//! What is special about it, next to RFC 9535:
//!
//! * A path of names and single indexes is *definite*: its value is the one at that place, and nothing there is an error. Any other
//!   path is *indefinite*: its value is an array, empty when nothing matches. A few misses are errors even so, as in Jayway; see
//!   `evaluate.rs`.
//! * `['a','b']` is definite and gives an object of the members that exist; it may only stand at the end.
//! * No index counts from the end (`[-1]` is out of bounds), slices do; a slice's step is ignored.
//! * Names in brackets take single quotes only, and no escapes. Names after a dot may hold anything but `.`, `[` and blanks.
//! * Filters compare with text: `@.n == 2` and `@.n == '2'` are the same; see `filter.rs`.
//! * There are no functions: `$.list.length()` looks for a member of that name.
//!
//! Source: Jayway 2.0.0 itself, asked about 137 paths; question and answer are in `tests/data/jayway-2.0.0-expected.json`.

mod compare;
mod definite;
mod evaluate;
mod filter;
mod parse;
mod print;
mod step;

use std::sync::Arc;

use statewright_value::Value;

pub(crate) use step::Step;

/// How many steps a path may have: more than any value is deep ([`statewright_value::DEPTH_MAX`]), so that evaluation, which
/// recurses once per step, has a bound. The limit is ours.
pub const STEPS_MAX: usize = 256;

/// How long a path may be, in bytes, so that parsing one is short whatever it holds. The limit is ours.
pub const TEXT_BYTES_MAX: usize = 32 * 1024;

/// How much work one evaluation may be, counted in values visited and in texts compared. A payload of the largest size has some 130,000 values, and
/// `$..x` visits each of them twice; only paths like `$..*..*..*` come near. The limit is ours.
pub const VISITS_MAX: u32 = 1_000_000;

/// A JSONPath on one document, parsed once.
#[derive(Clone, Debug)]
pub struct JsonPath {
    text: Arc<str>,
    steps: Arc<[Step]>,
    /// From this step on, every step is definite.
    definite_from: usize,
}

/// Why a text is no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// What is wrong.
    pub message: String,
    /// Where, in bytes from the start of the text.
    pub at: usize,
}

/// Why a path has no value in a document, in Jayway's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing is there.
    #[error("{0}")]
    NotFound(String),
    /// The path cannot be applied to what is there.
    #[error("{0}")]
    Invalid(String),
    /// The interpreter itself refuses: a variable has no value, or the work would be too much. The text is ours, not Jayway's.
    #[error("{0}")]
    Refused(String),
}

impl JsonPath {
    /// Parses a path. As in Jayway, it may begin with `$`, with `@`, or with the first name (`a.b` is `$.a.b`), and blanks
    /// around it do not count. [`Path::parse`](crate::path::Path::parse) is stricter.
    ///
    /// # Errors
    /// When the text is no path of the dialect, has more than [`STEPS_MAX`] steps, or is longer than [`TEXT_BYTES_MAX`].
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let steps = parse::parse(text)?;
        let indefinite = steps.iter().rposition(|step| !step.is_definite());
        Ok(Self { text: text.into(), steps: steps.into(), definite_from: indefinite.map_or(0, |at| at + 1) })
    }

    /// The path as written.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Whether the path names one place (only names and indexes). If not, its value is always an array.
    #[must_use]
    pub fn is_definite(&self) -> bool {
        self.definite_from == 0
    }

    /// Whether the path is the document itself.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.steps.is_empty()
    }

    /// The value at the path.
    ///
    /// # Errors
    /// When the path is definite and nothing is there, when it cannot be applied, or when it takes more than [`VISITS_MAX`] visits.
    pub fn evaluate(&self, root: &Value) -> Result<Value, PathError> {
        if self.is_definite() {
            return definite::find(&self.steps, root)
                .map(std::borrow::Cow::into_owned)
                .map_err(|miss| definite::explain(&self.steps, root, miss));
        }
        evaluate::evaluate(&self.steps, self.definite_from, root)
    }

    /// The value at the path, borrowed from the document. `None` when the value would have to be made: for an indefinite path, and
    /// for one that ends in several names.
    #[must_use]
    pub fn evaluate_ref<'v>(&self, root: &'v Value) -> Option<Result<&'v Value, PathError>> {
        if !self.is_definite() || matches!(self.steps.last(), Some(Step::Names(_))) {
            return None;
        }
        match definite::find(&self.steps, root) {
            Ok(std::borrow::Cow::Borrowed(value)) => Some(Ok(value)),
            Ok(std::borrow::Cow::Owned(_)) => None,
            Err(miss) => Some(Err(definite::explain(&self.steps, root, miss))),
        }
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }
}

#[cfg(test)]
mod tests;
