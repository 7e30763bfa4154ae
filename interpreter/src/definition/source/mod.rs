//! The text of a definition as a tree whose nodes know where they stand.

mod json;
mod substitution;
mod written;
mod yaml;

use std::collections::BTreeMap;
use std::sync::Arc;

use statewright_value::{Number, Object, Value};

pub(super) use substitution::Substitutions;
pub(super) use written::{Style, Written};

/// A stretch of the text, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bytes {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) span: Bytes,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    Text(Text),
    Array(Vec<Node>),
    Object(Vec<Member>),
}

/// A string.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) text: Arc<str>,
    /// Whether a substitution in it has no value.
    pub(super) unresolved: bool,
    pub(super) style: Style,
}

/// A member of an object. The same key may occur several times; the last counts.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) key: Arc<str>,
    pub(super) key_span: Bytes,
    pub(super) value: Node,
}

/// Why a text has no tree.
#[derive(Clone, Debug)]
pub(super) enum Refusal {
    /// The text does not follow its syntax.
    Syntax {
        /// The parser's sentence, without the place.
        message: String,
        /// Where the parser noticed.
        span: Bytes,
        /// The byte whose line and column the service names.
        noticed_at: usize,
    },
    /// Arrays and objects are nested too deeply.
    TooDeep(Bytes),
}

/// Reads JSON.
pub(super) fn json(text: &str, substitutions: &mut Substitutions<'_>) -> Result<Node, Refusal> {
    json::parse(text, substitutions)
}

/// Reads YAML.
pub(super) fn yaml(text: &str, substitutions: &mut Substitutions<'_>) -> Result<Node, Refusal> {
    yaml::parse(text, substitutions)
}

impl Node {
    pub(super) fn as_text(&self) -> Option<&Text> {
        if let Kind::Text(text) = &self.kind { Some(text) } else { None }
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        self.as_text().map(|text| &*text.text)
    }

    pub(super) fn members(&self) -> Option<&[Member]> {
        if let Kind::Object(members) = &self.kind { Some(members) } else { None }
    }

    pub(super) fn items(&self) -> Option<&[Node]> {
        if let Kind::Array(items) = &self.kind { Some(items) } else { None }
    }

    /// The member called `key`, if this is an object that has one.
    pub(super) fn member(&self, key: &str) -> Option<&Member> {
        find(self.members()?, key)
    }

    /// Whether this is a string with a substitution in it that has no value.
    pub(super) fn is_unresolved(&self) -> bool {
        self.as_text().is_some_and(|text| text.unresolved)
    }

    /// What JSON calls the node's type, as the service spells types.
    pub(super) fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "Boolean",
            Kind::Number(_) => "Number",
            Kind::Text(_) => "String",
            Kind::Array(_) => "Array",
            Kind::Object(_) => "Object",
        }
    }

    /// The node as a value.
    pub(super) fn to_value(&self) -> Value {
        self.to_value_if(|_| true)
    }

    /// The node as a value in which an expression that holds a substitution without a value is plain text.
    pub(super) fn to_value_without_unresolved(&self) -> Value {
        match &self.kind {
            Kind::Text(text) if text.unresolved => Value::from(text.text.trim_start_matches("{%")),
            Kind::Array(items) => items.iter().map(Self::to_value_without_unresolved).collect(),
            Kind::Object(members) => {
                let members = members.iter().map(|member| (Arc::clone(&member.key), member.value.to_value_without_unresolved()));
                Value::Object(members.collect())
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => self.to_value(),
        }
    }

    /// The node as a value, without the members that `keep` does not want.
    pub(super) fn to_value_if(&self, keep: impl Fn(&Member) -> bool + Copy) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Number(number) => Value::Number(*number),
            Kind::Text(text) => Value::String(Arc::clone(&text.text)),
            Kind::Array(items) => items.iter().map(|item| item.to_value_if(keep)).collect(),
            Kind::Object(members) => {
                let mut object = Object::with_capacity(members.len());
                for member in members.iter().filter(|member| keep(member)) {
                    object.insert(Arc::clone(&member.key), member.value.to_value_if(keep));
                }
                Value::Object(object)
            }
        }
    }

    /// Calls `visit` with every string value in the node, those in objects and arrays too.
    pub(super) fn for_each_text<'s>(&'s self, visit: &mut impl FnMut(&'s Node, &'s Text)) {
        match &self.kind {
            Kind::Text(text) => visit(self, text),
            Kind::Array(items) => items.iter().for_each(|item| item.for_each_text(visit)),
            Kind::Object(members) => members.iter().for_each(|member| member.value.for_each_text(visit)),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
        }
    }

    /// Calls `visit` with every string value that [`Node::to_value`] has, in the value's order.
    pub(super) fn for_each_text_of_the_value<'s>(&'s self, visit: &mut impl FnMut(&'s Node, &'s Text)) {
        match &self.kind {
            Kind::Text(text) => visit(self, text),
            Kind::Array(items) => items.iter().for_each(|item| item.for_each_text_of_the_value(visit)),
            Kind::Object(members) => {
                // Of members with the same name the last one counts, and stands where the first one is.
                let mut last: BTreeMap<&str, &Node> = members.iter().map(|member| (&*member.key, &member.value)).collect();
                let values = members.iter().filter_map(|member| last.remove(&*member.key));
                values.for_each(|value| value.for_each_text_of_the_value(visit));
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
        }
    }

    /// The node at a JSON pointer below this one.
    pub(super) fn at_pointer(&self, pointer: &str) -> Option<&Node> {
        pointer.split('/').skip(1).try_fold(self, |node, step| match &node.kind {
            Kind::Object(members) => find(members, &step.replace("~1", "/").replace("~0", "~")).map(|member| &member.value),
            Kind::Array(items) => step.parse::<usize>().ok().and_then(|at| items.get(at)),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => None,
        })
    }
}

/// The last member called `key`.
pub(super) fn find<'s>(members: &'s [Member], key: &str) -> Option<&'s Member> {
    members.iter().rev().find(|member| *member.key == *key)
}

impl Bytes {
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }
}
