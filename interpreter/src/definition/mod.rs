//! Definitions: from the text of a state machine to [`Definition`], or to everything that is wrong with it.

mod check;
pub mod choice;
mod code;
mod diagnostic;
mod explain;
mod findings;
mod integrations;
mod messages;
mod model;
mod parse;
mod reader;
mod references;
mod resource;
mod source;
mod variables;

pub use diagnostic::{Diagnostic, Severity, Span};
pub use explain::{codes, explain};
pub use model::*;
pub use resource::{Pattern, Resource};

/// How to read a definition.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The type of the machine it is for.
    pub machine_type: MachineType,
    /// The syntax of the text.
    pub syntax: Syntax,
    /// Values for `${Name}`, by name.
    pub substitutions: std::collections::BTreeMap<String, String>,
}

/// The type of a state machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MachineType {
    /// `STANDARD`
    #[default]
    Standard,
    /// `EXPRESS`
    Express,
}

/// The syntax of a definition's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Syntax {
    /// JSON
    #[default]
    Json,
    /// YAML 1.2
    Yaml,
}

/// A definition that may be used.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The definition.
    pub definition: Definition,
    /// Warnings only.
    pub warnings: Vec<Diagnostic>,
    /// The names of `${Name}`s that no value was given for, sorted. Where one stands in the place of a number or a path, that field
    /// is as if it were absent.
    pub unresolved: Vec<String>,
}

/// A definition's text as JSON, with the values of its `${Name}`s in it, whether it is sound or not; `None` where it does not follow
/// its syntax.
#[must_use]
pub fn to_json(text: &str, options: &Options) -> Option<statewright_value::Value> {
    let mut substitutions = source::Substitutions::new(&options.substitutions);
    let node = match options.syntax {
        Syntax::Json => source::json(text, &mut substitutions),
        Syntax::Yaml => source::yaml(text, &mut substitutions),
    };
    node.ok().map(|node| node.to_value())
}

/// Why a text is no JSON, in the words of Jackson, which the service answers with; `None` where it is JSON, or nested too deeply.
#[must_use]
pub fn json_error(text: &str) -> Option<String> {
    let values = std::collections::BTreeMap::new();
    match source::json(text, &mut source::Substitutions::new(&values)) {
        Err(source::Refusal::Syntax { message, .. }) => Some(message),
        Ok(_) | Err(source::Refusal::TooDeep(_)) => None,
    }
}
