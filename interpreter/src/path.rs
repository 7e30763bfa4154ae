//! Paths of the language: JSONPath on the input, the Context object or a variable; and reference paths.

mod reference;

use std::sync::Arc;

use statewright_value::Value;

use crate::error::EvaluationError;
use crate::inputs::Inputs;
use crate::json_path::{JsonPath, PathError, Step, SyntaxError};

pub use reference::ReferencePath;

/// How many characters a variable's name may have. Source: developer guide, "Passing data between states with variables".
pub const VARIABLE_NAME_CHARACTERS_MAX: usize = 80;

/// A path as fields hold it: `$.a` on the input, `$$.a` on the Context object, `$name.a` on a variable.
///
/// Source: ASL specification, "Paths" and "The Context Object"; developer guide, "Passing data between states with variables".
#[derive(Clone, Debug)]
pub struct Path {
    text: Arc<str>,
    root: Root,
    json_path: JsonPath,
}

/// What a path starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// `$`
    Input,
    /// `$$`
    Context,
    /// `$name`
    Variable(Arc<str>),
}

impl Path {
    /// Parses a path. Blanks around it do not count: `$$.Execution.Name ` occurs in published definitions.
    ///
    /// # Errors
    /// When the text is no path, does not begin with `$`, or begins with what cannot be a variable's name: a letter, then letters
    /// and digits (Unicode `ID_Start` and `ID_Continue`), at most [`VARIABLE_NAME_CHARACTERS_MAX`] characters, not `states`.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let trimmed = text.trim_start_matches(|c: char| c <= ' ');
        let before = text.len() - trimmed.len();
        let trimmed = trimmed.trim_end_matches(|c: char| c <= ' ');
        let Some(behind) = trimmed.strip_prefix('$') else {
            return Err(SyntaxError { message: format!("a path begins with `$`: `{trimmed}`"), at: before });
        };
        let (root, rest) = match behind.strip_prefix('$') {
            Some(rest) => (Root::Context, rest),
            None => split_variable(behind).map_err(|message| SyntaxError { message, at: before + 1 })?,
        };
        let shift = before + (trimmed.len() - rest.len()) - 1;
        let json_path = JsonPath::parse(&format!("${rest}"))
            .map_err(|error| SyntaxError { at: (error.at + shift).min(text.len()), ..error })?;
        Ok(Self { text: text.into(), root, json_path })
    }

    /// The path as written.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// What the path starts from.
    #[must_use]
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The path below its root.
    #[must_use]
    pub fn json_path(&self) -> &JsonPath {
        &self.json_path
    }

    /// Whether the path names one place.
    #[must_use]
    pub fn is_definite(&self) -> bool {
        self.json_path.is_definite()
    }

    /// Whether this is `$` alone.
    #[must_use]
    pub fn is_whole_input(&self) -> bool {
        self.root == Root::Input && self.json_path.is_root()
    }

    /// Whether the path is a reference path: names and indexes only. `ItemsPath`, `Variable` and the fields that end in `Path` ask
    /// for one; theirs may start from the Context object or a variable, unlike [`ReferencePath`], which `ResultPath` holds.
    #[must_use]
    pub fn is_reference(&self) -> bool {
        is_reference(&self.text, self.json_path.steps())
    }

    /// The value at the path.
    ///
    /// # Errors
    /// When nothing is there.
    pub fn find(&self, inputs: &Inputs<'_>) -> Result<Value, PathError> {
        self.json_path.evaluate(self.document(inputs)?)
    }

    /// The value at the path, or the error of the fields `InputPath`, `OutputPath`, `TimeoutSecondsPath` and their like:
    /// `Invalid path '$.X' : No results for path: $['X']`.
    ///
    /// # Errors
    /// When nothing is there.
    pub fn evaluate(&self, inputs: &Inputs<'_>) -> Result<Value, EvaluationError> {
        self.check_input(inputs)?;
        self.find(inputs).map_err(|error| self.invalid(&error))
    }

    /// Refuses to look for anything, even the whole, in an input that is `null`. `IsPresent` does not ask for this.
    ///
    /// Source: rule `null-input` of the rule table.
    pub(crate) fn check_input(&self, inputs: &Inputs<'_>) -> Result<(), EvaluationError> {
        if self.root == Root::Input && inputs.input.is_null() {
            return Err(EvaluationError::runtime("Unable to apply Path transformation to null or empty input."));
        }
        Ok(())
    }

    /// The value at the path, or the error of payload templates, `ErrorPath` and `CausePath`:
    /// `The JSONPath '$.X' specified for the field 'value.$' could not be found in the input '{}'`.
    ///
    /// # Errors
    /// When nothing is there.
    pub fn evaluate_for_field(&self, field: &str, inputs: &Inputs<'_>) -> Result<Value, EvaluationError> {
        self.check_input(inputs)?;
        self.find(inputs).map_err(|error| match error {
            PathError::NotFound(_) | PathError::Invalid(_) => EvaluationError::runtime(format!(
                "The JSONPath '{}' specified for the field '{field}' could not be found in the input '{}'",
                self.text, inputs.input
            )),
            PathError::Refused(_) => self.invalid(&error),
        })
    }

    fn invalid(&self, error: &PathError) -> EvaluationError {
        EvaluationError::runtime(format!("Invalid path '{}' : {error}", self.text))
    }

    /// What the path is evaluated on.
    fn document<'i>(&self, inputs: &Inputs<'i>) -> Result<&'i Value, PathError> {
        match &self.root {
            Root::Input => Ok(inputs.input),
            Root::Context => Ok(inputs.context.context_object()),
            // The service's words are unknown; these are ours.
            Root::Variable(name) => inputs
                .variables
                .variable(name)
                .ok_or_else(|| PathError::Refused(format!("The variable '${name}' has not been assigned a value"))),
        }
    }
}

/// The root that begins behind a single `$`, and what is behind it.
fn split_variable(behind: &str) -> Result<(Root, &str), String> {
    if behind.is_empty() || behind.starts_with(['.', '[']) {
        return Ok((Root::Input, behind));
    }
    // XID_Start and XID_Continue differ from ID_Start and ID_Continue in some 30 characters that normalisation changes.
    let end = behind.find(|c: char| !unicode_ident::is_xid_continue(c)).unwrap_or(behind.len());
    let (name, rest) = behind.split_at_checked(end).unwrap_or((behind, ""));
    let is_name = name.starts_with(unicode_ident::is_xid_start) && (rest.is_empty() || rest.starts_with(['.', '[']));
    match name {
        _ if !is_name => Err(format!("Invalid path ${behind}")),
        "states" => Err("`states` is reserved and cannot be a variable's name".to_owned()),
        _ if name.chars().count() > VARIABLE_NAME_CHARACTERS_MAX => {
            Err(format!("the variable's name `{name}` is longer than {VARIABLE_NAME_CHARACTERS_MAX} characters"))
        }
        _ => Ok((Root::Variable(name.into()), rest)),
    }
}

/// Whether a path can name one place only, by its steps and by its text: the specification also rules out the characters of
/// operators and calls in names that are not quoted.
///
/// Source: ASL specification, "Reference Paths".
fn is_reference(text: &str, steps: &[Step]) -> bool {
    let is_plain = |step: &Step| match step {
        Step::Name(_) => true,
        Step::Index(index) => *index >= 0,
        Step::Names(_)
        | Step::FromLength(_)
        | Step::Indexes(_)
        | Step::Slice(_)
        | Step::Wildcard
        | Step::Scan
        | Step::Filter(_) => false,
    };
    steps.iter().all(is_plain) && !has_operator(text)
}

fn has_operator(text: &str) -> bool {
    let (mut in_bracket, mut in_quotes) = (false, false);
    text.chars().any(|character| {
        match character {
            '\'' if in_bracket => in_quotes = !in_quotes,
            '[' => in_bracket = true,
            ']' => (in_bracket, in_quotes) = (false, false),
            '@' | ',' | ':' | '?' | '*' | '(' | ')' => return !in_quotes,
            _ => {}
        }
        false
    })
}

#[cfg(test)]
mod tests;
