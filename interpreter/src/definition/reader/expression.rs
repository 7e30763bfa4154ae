//! JSONata expressions in the fields of states.
//!
//! Source: developer guide, "Transforming data with JSONata": a string is an expression if it begins with `{%` and ends with `%}`.

use super::super::code::INVALID_JSONATA_EXPRESSION;
use super::super::messages;
use super::super::source::{Kind, Node, Text};
use super::{Fields, Reader};
use crate::expression::{Expression, ExpressionError, is_expression};
use crate::template::Template;

/// What the markers say a string is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marked {
    Expression,
    Half,
    No,
}

fn marked(text: &str) -> Marked {
    if is_expression(text) {
        Marked::Expression
    } else if text.starts_with("{%") || text.ends_with("%}") {
        Marked::Half
    } else {
        Marked::No
    }
}

impl<'s> Reader<'s, '_> {
    /// What a field of a JSONata state holds, its expressions compiled.
    pub(super) fn jsonata(&mut self, fields: &Fields<'s>, name: &'static str) -> Option<Template> {
        let member = fields.get(name)?;
        let place = fields.at(name);
        member.value.for_each_text(&mut |node, text| {
            if marked(&text.text) == Marked::Half && !text.unresolved {
                self.refuse(messages::HALF_EXPRESSION, place.clone(), node.span);
            }
        });
        let errors = match Template::compile_jsonata(&member.value.to_value_without_unresolved(), name) {
            Ok(template) => return Some(template),
            Err(errors) => errors,
        };
        // The errors come in the order of the text, as do the expressions that gave them.
        let mut errors = errors.into_iter();
        member.value.for_each_text(&mut |node, text| {
            let is_wrong = !text.unresolved && is_expression(&text.text) && Expression::compile(&text.text, "").is_err();
            if is_wrong && let Some(error) = errors.next() {
                let below = error.location.strip_prefix(name).unwrap_or_default();
                self.refuse_expression(&error, format!("{place}{below}"), node);
            }
        });
        None
    }

    /// A string that must be an expression, in the field `name`.
    pub(super) fn expression(&mut self, node: &Node, text: &Text, place: String, name: &str) -> Option<Expression> {
        let message = match marked(&text.text) {
            Marked::Expression => match Expression::compile(&text.text, name) {
                Ok(expression) => return Some(expression),
                Err(error) => {
                    self.refuse_expression(&error, place, node);
                    return None;
                }
            },
            Marked::Half => messages::HALF_EXPRESSION,
            Marked::No => messages::NOT_AN_EXPRESSION,
        };
        self.refuse(message, place, node.span);
        None
    }

    fn refuse_expression(&mut self, error: &ExpressionError, place: String, node: &Node) {
        self.findings.error(INVALID_JSONATA_EXPRESSION, error.message.as_str(), place, node.span);
        if let Some(at) = error.at {
            self.findings.inside_string(at);
        }
    }
}

/// The text of an expression, if the node is one that can be compiled.
pub(super) fn as_expression(node: &Node) -> Option<&Text> {
    match &node.kind {
        Kind::Text(text) if is_expression(&text.text) && !text.unresolved => Some(text),
        _ => None,
    }
}
