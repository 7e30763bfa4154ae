//! JSONata expressions in the fields of states.
//!
//! Source: developer guide, "Transforming data with JSONata": a string is an expression if it begins with `{%` and ends with `%}`.

use super::super::code::{INVALID_JSONATA_EXPRESSION, UNKNOWN_FUNCTION, UNKNOWN_STATES_MEMBER, UNSUPPORTED_JSONATA_EXPRESSION};
use super::super::messages;
use super::super::source::{Bytes, Kind, Node, Text};
use super::{Fields, Reader};
use crate::expression::{Expression, ExpressionError, Offered, Reading, is_expression};
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
                self.refuse_half(text, place.clone(), node.span);
            }
        });
        let field = self.field(&place);
        let (template, found) = Template::read_jsonata(&member.value.to_value_without_unresolved(), &field);
        let is_whole = found.iter().all(Result::is_ok);
        let mut found = found.into_iter();
        member.value.for_each_text_of_the_value(&mut |node, text| {
            let compiled = if !text.unresolved && is_expression(&text.text) { found.next() } else { None };
            let at = |location: &str| format!("{place}{}", location.strip_prefix(&field).unwrap_or_default());
            match compiled {
                Some(Ok(expression)) => self.reference(&expression, &at(expression.location()), node),
                Some(Err(error)) => self.refuse_expression(INVALID_JSONATA_EXPRESSION, &error, at(&error.location), node),
                None => {}
            }
        });
        is_whole.then_some(template)
    }

    /// What `read` gives, where `$states` has a member besides `input` and `context`.
    pub(super) fn offering<T>(&mut self, offered: Offered, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.offered, offered);
        let answer = read(self);
        self.offered = before;
        answer
    }

    /// Checks what an expression refers to. What it reads of variables is checked when all states are read.
    fn reference(&mut self, expression: &Expression, place: &str, node: &Node) {
        for error in expression.unsupported(self.offered) {
            self.refuse_expression(UNSUPPORTED_JSONATA_EXPRESSION, &error, place.to_owned(), node);
            if error.help.is_some() {
                continue;
            }
            self.findings.help(match &*error.message {
                message if message.contains("$states.result") => {
                    "there is a result in `Output` and `Assign` of a Task, a Parallel or a Map, and nowhere else"
                }
                message if message.contains("$states.errorOutput") => {
                    "there is an error output in `Output` and `Assign` of a catcher, and nowhere else"
                }
                _ => "the input is called `$states.input`, a variable `$name`",
            });
        }
        for (reading, at) in expression.readings() {
            let (code, message, help) = match reading {
                Reading::Variable(name) => {
                    let string = node.as_text().map(|text| (text.clone(), at));
                    self.graph.read(self.state, name, place.to_owned(), node.span, string);
                    continue;
                }
                Reading::UnknownFunction(name) if name == "eval" => (
                    UNKNOWN_FUNCTION,
                    messages::unknown_function(&name),
                    "read JSON with `$parse`; there is nothing that evaluates text",
                ),
                Reading::UnknownFunction(name) => {
                    (UNKNOWN_FUNCTION, messages::unknown_function(&name), "check the spelling; a variable never holds a function")
                }
                Reading::UnknownMember(name) => (
                    UNKNOWN_STATES_MEMBER,
                    messages::unknown_member(&name),
                    "`$states` has input and context, where there is one a result, and in a catcher errorOutput",
                ),
            };
            self.findings.warning(code, message, place, node.span, help);
            if let Some(text) = node.as_text() {
                self.findings.inside_string(text, at);
            }
        }
    }

    /// The field at a place as causes name it: from the state on, such as `Choices[1]/Condition`.
    ///
    /// Source: rule `fields-in-causes` of the rule table.
    fn field(&self, place: &str) -> String {
        let state = self.entry(self.state).map_or("", |entry| &entry.place);
        place.strip_prefix(state).and_then(|rest| rest.strip_prefix('/')).unwrap_or(place).to_owned()
    }

    /// A string that must be an expression.
    pub(super) fn expression(&mut self, node: &Node, text: &Text, place: String) -> Option<Expression> {
        let message = match marked(&text.text) {
            Marked::Expression => match Expression::compile(&text.text, &self.field(&place)) {
                Ok(expression) => {
                    self.reference(&expression, &place, node);
                    return Some(expression);
                }
                Err(error) => {
                    self.refuse_expression(INVALID_JSONATA_EXPRESSION, &error, place, node);
                    return None;
                }
            },
            Marked::Half => {
                self.refuse_half(text, place, node.span);
                return None;
            }
            Marked::No => messages::NOT_AN_EXPRESSION,
        };
        self.refuse(message, place, node.span);
        None
    }

    /// Refuses a text that has one of the two markers.
    fn refuse_half(&mut self, text: &Text, place: String, span: Bytes) {
        self.refuse(messages::HALF_EXPRESSION, place, span);
        if marked(text.text.trim_end_matches('\n')) == Marked::Expression {
            self.findings.help("a block of YAML ends with a line break unless it begins with `>-` or `|-`");
        }
    }

    fn refuse_expression(&mut self, code: &'static str, error: &ExpressionError, place: String, node: &Node) {
        self.findings.error(code, error.message.as_str(), place, node.span);
        if let (Some(text), Some(at)) = (node.as_text(), error.at) {
            self.findings.inside_string(text, at);
        }
        if let Some(help) = &error.help {
            self.findings.help(help.as_str());
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
