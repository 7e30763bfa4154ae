//! JSONata expressions: found and kept, not compiled.
//!
//! Source: developer guide, "Transforming data with JSONata": a string is an expression if it begins with `{%` and ends with `%}`.

use std::sync::Arc;

use super::super::messages;
use super::super::source::{Node, Text};
use super::Reader;

/// What the markers say a string is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marked {
    Expression,
    Half,
    No,
}

fn marked(text: &str) -> Marked {
    match (text.starts_with("{%"), text.ends_with("%}")) {
        (true, true) if text.len() >= "{%%}".len() => Marked::Expression,
        (false, false) => Marked::No,
        _ => Marked::Half,
    }
}

impl<'s> Reader<'s, '_> {
    /// Refuses the strings in a value that have one marker of an expression.
    pub(super) fn expressions(&mut self, node: &'s Node, place: &str) {
        node.for_each_text(&mut |node, text| {
            if marked(&text.text) == Marked::Half && !text.unresolved {
                self.refuse(messages::HALF_EXPRESSION, place, node.span);
            }
        });
    }

    /// A string that must be an expression.
    pub(super) fn expression(&mut self, node: &Node, text: &Text, place: String) -> Option<Arc<str>> {
        let message = match marked(&text.text) {
            Marked::Expression => return Some(Arc::clone(&text.text)),
            Marked::Half => messages::HALF_EXPRESSION,
            Marked::No => messages::NOT_AN_EXPRESSION,
        };
        self.refuse(message, place, node.span);
        None
    }
}

/// Whether a string is an expression.
pub(super) fn is_expression(text: &str) -> bool {
    marked(text) == Marked::Expression
}
