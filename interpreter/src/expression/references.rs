//! What an expression refers to outside of itself: members of `$states`, variables, functions.

use std::collections::BTreeSet;
use std::sync::Arc;

use statewright_jsonata::{Reference, aws};

use super::{Expression, ExpressionError, hint};

/// What `$states` has besides `input` and `context`, by the field that an expression stands in.
///
/// Source: ASL specification, "JSONata": `result` in `Output` and `Assign` of a Task, a Parallel or a Map, `errorOutput` in `Output` and
/// `Assign` of a catcher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Offered {
    /// Nothing.
    #[default]
    Nothing,
    /// `$states.result`
    Result,
    /// `$states.errorOutput`
    ErrorOutput,
}

/// A name that an expression reads from outside, and that may not be there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reading {
    /// A variable.
    Variable(String),
    /// A function that does not exist.
    UnknownFunction(String),
    /// A member of `$states` that never exists.
    UnknownMember(String),
}

/// The name that the language keeps for itself.
const STATES: &str = "states";

/// The names that an expression takes from outside.
pub(super) fn names(compiled: &statewright_jsonata::Expression) -> Box<[Arc<str>]> {
    let references = compiled.references().into_iter();
    let mut known = BTreeSet::new();
    let new = references.filter_map(|reference| match reference {
        Reference::Variable { name, .. } if name != STATES && known.insert(name) => Some(name.into()),
        Reference::Variable { .. } | Reference::Name { .. } | Reference::Input { .. } => None,
    });
    new.collect()
}

/// Whether an expression looks at `$states`.
pub(super) fn reads_states(compiled: &statewright_jsonata::Expression) -> bool {
    compiled.references().iter().any(|reference| matches!(reference, Reference::Variable { name: STATES, .. }))
}

/// Whether an expression may look at `$states.context`: it says so, it uses `$states` as a whole, or it may come back to it with `%`.
pub(super) fn may_read_context(compiled: &statewright_jsonata::Expression, text: &str) -> bool {
    let references = compiled.references();
    let mut of_states = references.iter().filter_map(|reference| match reference {
        Reference::Variable { name: STATES, fields, .. } => Some(fields.first().copied()),
        Reference::Variable { .. } | Reference::Name { .. } | Reference::Input { .. } => None,
    });
    of_states.any(|member| text.contains('%') || !matches!(member, Some("input" | "result" | "errorOutput")))
}

impl Expression {
    /// What it refers to and the service refuses, each thing once, in the order of the text: names of an input that does not exist at
    /// the top level, and members that `$states` does not have where the expression stands.
    ///
    /// Source: rule `jsonata-references` of the rule table.
    #[must_use]
    pub fn unsupported(&self, offered: Offered) -> Vec<ExpressionError> {
        let mut found: Vec<ExpressionError> = Vec::new();
        let mut known = BTreeSet::new();
        for reference in self.compiled.references() {
            let (message, position, help) = match reference {
                Reference::Name { name, position } => {
                    (at_the_top(name), position, hint::call_without_dollar(&self.text, name, position))
                }
                Reference::Input { position } => {
                    let is_root = self.text.get(position..).is_some_and(|rest| rest.starts_with("$$"));
                    (at_the_top(if is_root { "$$" } else { "$" }), position, None)
                }
                Reference::Variable { name: STATES, fields, position, .. } => match fields.first() {
                    Some(&"result") if offered != Offered::Result => (does_not_exist("result"), position, None),
                    Some(&"errorOutput") if offered != Offered::ErrorOutput => (does_not_exist("errorOutput"), position, None),
                    _ => continue,
                },
                Reference::Variable { .. } => continue,
            };
            if known.insert(message.clone()) {
                let (location, at) = (self.location.to_string(), Some(self.begins_at + position));
                found.push(ExpressionError { location, message, at, help, is_unfinished: false });
            }
        }
        found.sort_by_key(|error| error.at);
        found
    }

    /// Whether it may read what is found at `path` in `$states`.
    pub(crate) fn may_read(&self, path: &[&str]) -> bool {
        let references = self.compiled.references();
        references.iter().any(|reference| match reference {
            // A path that ends before the other one reads all that is below.
            Reference::Variable { name: STATES, fields, .. } => fields.iter().zip(path).all(|(field, step)| field == step),
            Reference::Variable { .. } | Reference::Name { .. } | Reference::Input { .. } => false,
        })
    }

    /// The names that it reads from outside, each once, with their places in bytes from the beginning of the string with its markers.
    #[must_use]
    pub fn readings(&self) -> Vec<(Reading, usize)> {
        let mut found: Vec<(Reading, usize)> = Vec::new();
        let mut known = BTreeSet::new();
        for reference in self.compiled.references() {
            let Reference::Variable { name, fields, called, position } = reference else { continue };
            let reading = match (name, fields.first()) {
                (STATES, None | Some(&("input" | "context" | "result" | "errorOutput"))) => continue,
                (STATES, Some(member)) => Reading::UnknownMember((*member).to_owned()),
                _ if is_function(name) => continue,
                _ if called => Reading::UnknownFunction(name.to_owned()),
                _ => Reading::Variable(name.to_owned()),
            };
            if known.insert(reading.clone()) {
                found.push((reading, self.begins_at + position));
            }
        }
        found.sort_by_key(|(_, at)| *at);
        found
    }
}

/// Whether there is a function called `name`.
pub(crate) fn is_function(name: &str) -> bool {
    statewright_jsonata::has_function(name) || aws::FUNCTIONS.iter().any(|function| function.name() == name)
}

/// Published for names; for `$` and `$$`, which the specification rules out too, the words are inferred.
fn at_the_top(name: &str) -> String {
    format!("Reference to '{name}' at the top level is not supported.")
}

/// Published for `errorOutput`; for `result` inferred.
fn does_not_exist(member: &str) -> String {
    format!("Field '$states.{member}' does not exist.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(text: &str) -> Expression {
        Expression::compile(&format!("{{% {text} %}}"), "Output").unwrap()
    }

    fn unsupported(text: &str, offered: Offered) -> String {
        let found = compiled(text).unsupported(offered).into_iter();
        found.map(|error| format!("{}: {}", error.at.unwrap_or_default(), error.message)).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn what_is_not_there_at_the_top_level_is_refused() {
        for (text, expected) in [
            ("phone", "3: Reference to 'phone' at the top level is not supported."),
            ("$states.input.a + `b c`.d", "21: Reference to 'b c' at the top level is not supported."),
            ("$", "3: Reference to '$' at the top level is not supported."),
            ("[$.a, $.b]", "4: Reference to '$' at the top level is not supported."),
            ("$states.input.a[$$.b]", "19: Reference to '$$' at the top level is not supported."),
            ("$map($states.input, function($i) { $i.a + b })", "45: Reference to 'b' at the top level is not supported."),
            ("$states.input.a.{'b': $, 'c': c}[d > 1]^(e)", ""),
            ("$states", ""),
        ] {
            assert_eq!(unsupported(text, Offered::Nothing), expected, "{text}");
        }
    }

    #[test]
    fn members_of_states_are_where_they_are_offered() {
        const RESULT: &str = "3: Field '$states.result' does not exist.";
        const ERROR: &str = "3: Field '$states.errorOutput' does not exist.";
        for (offered, of_result, of_error) in
            [(Offered::Nothing, RESULT, ERROR), (Offered::Result, "", ERROR), (Offered::ErrorOutput, RESULT, "")]
        {
            assert_eq!(unsupported("$states.result.Payload", offered), of_result);
            assert_eq!(unsupported("$states.errorOutput", offered), of_error);
            assert_eq!(unsupported("$states.input & $states.context.State.Name", offered), "");
        }
    }

    #[test]
    fn names_that_are_read_are_found() {
        let readings = |text: &str| compiled(text).readings();
        let variable = |name: &str| Reading::Variable(name.to_owned());
        assert_eq!(readings("$a.b + $states.input.c[$d > $a]"), [(variable("a"), 3), (variable("d"), 26)]);
        assert_eq!(readings("($x := 1; $map([1], $string); $uuid() & $x)"), []);
        assert_eq!(readings("$eval('1')"), [(Reading::UnknownFunction("eval".to_owned()), 3)]);
        assert_eq!(readings("$states.inputs.a"), [(Reading::UnknownMember("inputs".to_owned()), 3)]);
    }

    #[test]
    fn the_context_is_made_for_those_who_may_read_it() {
        for text in ["$states", "$states.context", "$lookup($states, 'context')", "$states.*", "$states.input.a.%.%.context"] {
            assert!(compiled(text).reads_states && compiled(text).reads_context, "{text}");
        }
        for text in ["$states.input.context", "$states.result", "'$states.context'", "$context"] {
            assert!(!compiled(text).reads_context, "{text}");
        }
        for (text, reads) in
            [("$i + 1", false), ("'$states'", false), ("function($x) { $states.input }", true), ("[$states]", true)]
        {
            assert_eq!(compiled(text).reads_states, reads, "{text}");
        }
    }
}
