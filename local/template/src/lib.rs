//! Templates of CloudFormation and SAM, in JSON or YAML, as trees.
//!
//! A [`Node`] knows where it stands in the text, so that what is wrong with it can be shown and so that it can be replaced without
//! touching anything else: comments, order, blank lines. It also keeps the short forms of functions (`!Sub`, `!GetAtt`) as they are
//! written; [`Node::function`] gives both forms alike.
//!
//! What a plain scalar of YAML is (`yes`, `012`, `2010-09-09`) depends on who reads it. Here it stays the text it is, marked as plain,
//! and is written again as it was.

mod json;
mod write;
mod yaml;

use std::ops::Range;

pub use write::{block, compact, flow};

/// A value and where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// The short form of a function before it, without the `!`.
    pub tag: Option<String>,
    /// Where it stands, in bytes; empty for one that stands nowhere.
    pub span: Range<usize>,
    /// Whether it has an anchor of YAML, to which an alias elsewhere may refer.
    pub anchored: bool,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text, or what is written like one.
    Scalar {
        /// The text, without quotes.
        text: String,
        /// Whether it is written without quotes: a number, a boolean, `null`, or, in YAML, a text.
        plain: bool,
    },
    /// A list.
    Array(Vec<Node>),
    /// An object.
    Object(Vec<Member>),
}

impl Default for Kind {
    fn default() -> Self {
        Self::Object(Vec::new())
    }
}

/// A member of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub key: String,
    /// Where the name stands, in bytes.
    pub key_span: Range<usize>,
    /// What it holds.
    pub value: Node,
}

/// The syntax of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// JSON.
    Json,
    /// YAML 1.2, of which JSON is nearly a part.
    Yaml,
}

/// Why a text has no tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} column {column}: {message}")]
pub struct SyntaxError {
    /// What is wrong.
    pub message: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

impl SyntaxError {
    fn at(text: &str, offset: usize, message: impl Into<String>) -> Self {
        let (line, column) = place(text, offset);
        Self { message: message.into(), line, column }
    }
}

/// The line and the column, both from 1, of a byte of a text.
#[must_use]
pub fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count();
    (1 + before.matches('\n').count(), 1 + column)
}

impl Syntax {
    /// The syntax a text seems to be in: what begins with a brace is JSON.
    #[must_use]
    pub fn of(text: &str) -> Self {
        if text.trim_start().starts_with('{') { Self::Json } else { Self::Yaml }
    }
}

/// Reads a text.
///
/// # Errors
/// When it does not follow its syntax, or is nested too deeply.
pub fn parse(text: &str, syntax: Syntax) -> Result<Node, SyntaxError> {
    match syntax {
        Syntax::Json => json::parse(text),
        Syntax::Yaml => yaml::parse(text),
    }
}

/// A function of CloudFormation, in either form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function<'n> {
    /// Its name as the long form has it: `Ref`, `Fn::Sub`, `Condition`.
    pub name: String,
    /// Its argument. Of the short form it still has the tag, which is to be ignored.
    pub argument: &'n Node,
}

impl Node {
    /// A text that is written with quotes where it needs them.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { kind: Kind::Scalar { text: text.into(), plain: false }, ..Self::default() }
    }

    /// An object.
    #[must_use]
    pub fn object<K: Into<String>>(members: impl IntoIterator<Item = (K, Self)>) -> Self {
        let members = members.into_iter().map(|(key, value)| Member { key: key.into(), key_span: 0..0, value });
        Self { kind: Kind::Object(members.collect()), ..Self::default() }
    }

    /// A list.
    #[must_use]
    pub fn array(items: impl IntoIterator<Item = Self>) -> Self {
        Self { kind: Kind::Array(items.into_iter().collect()), ..Self::default() }
    }

    /// The text, if it is a scalar without a function before it.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } if self.tag.is_none() => Some(text),
            Kind::Scalar { .. } | Kind::Array(_) | Kind::Object(_) => None,
        }
    }

    /// The members, if it is an object without a function before it.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        match &self.kind {
            Kind::Object(members) if self.tag.is_none() => members,
            Kind::Scalar { .. } | Kind::Array(_) | Kind::Object(_) => &[],
        }
    }

    /// The items, if it is a list without a function before it.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::Array(items) if self.tag.is_none() => items,
            Kind::Scalar { .. } | Kind::Array(_) | Kind::Object(_) => &[],
        }
    }

    /// The member of this name; the last one, if there are several.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.members().iter().rev().find(|member| member.key == key).map(|member| &member.value)
    }

    /// The node under these names, one below the other.
    #[must_use]
    pub fn at(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The function that this is a call of.
    #[must_use]
    pub fn function(&self) -> Option<Function<'_>> {
        if let Some(tag) = &self.tag {
            let name = match tag.as_str() {
                "Ref" | "Condition" => tag.clone(),
                other => format!("Fn::{other}"),
            };
            return Some(Function { name, argument: self });
        }
        match self.members() {
            [Member { key, value, .. }] if key == "Ref" || key == "Condition" || key.starts_with("Fn::") => {
                Some(Function { name: key.clone(), argument: value })
            }
            _ => None,
        }
    }

    /// The node without the short form before it.
    #[must_use]
    pub fn untagged(&self) -> Self {
        Self { tag: None, ..self.clone() }
    }

    /// The name of the resource that a `Ref` or `GetAtt` is about, and the attribute.
    #[must_use]
    pub fn reference(&self) -> Option<(String, Option<String>)> {
        let Function { name, argument } = self.function()?;
        let argument = argument.untagged();
        match name.as_str() {
            "Ref" => Some((argument.as_text()?.to_owned(), None)),
            "Fn::GetAtt" => match argument.items() {
                [resource, attribute] => Some((resource.as_text()?.to_owned(), attribute.as_text().map(str::to_owned))),
                _ => {
                    let (resource, attribute) = argument.as_text()?.split_once('.')?;
                    Some((resource.to_owned(), Some(attribute.to_owned())))
                }
            },
            _ => None,
        }
    }

    /// The tree with every function in its long form, so that the two forms are equal and JSON can hold it.
    #[must_use]
    pub fn long(&self) -> Self {
        let kind = match &self.kind {
            Kind::Scalar { .. } => self.kind.clone(),
            Kind::Array(items) => Kind::Array(items.iter().map(Self::long).collect()),
            Kind::Object(members) => {
                Kind::Object(members.iter().map(|member| Member { value: member.value.long(), ..member.clone() }).collect())
            }
        };
        let bare = Self { kind, tag: None, ..self.clone() };
        let Some(Function { name, .. }) = self.tag.as_ref().and_then(|_| self.function()) else { return bare };
        let argument = match self.reference() {
            Some((resource, Some(attribute))) => Self::array([Self::text(resource), Self::text(attribute)]),
            _ => bare,
        };
        Self { span: self.span.clone(), ..Self::object([(name, argument)]) }
    }

    /// Calls `visit` with this node and every one below it.
    pub fn for_each<'n>(&'n self, visit: &mut impl FnMut(&'n Self)) {
        visit(self);
        match &self.kind {
            Kind::Scalar { .. } => {}
            Kind::Array(items) => items.iter().for_each(|item| item.for_each(visit)),
            Kind::Object(members) => members.iter().for_each(|member| member.value.for_each(visit)),
        }
    }

    /// The node at a JSON pointer below this one.
    #[must_use]
    pub fn at_pointer(&self, pointer: &str) -> Option<&Self> {
        pointer.split('/').skip(1).try_fold(self, |node, step| match &node.kind {
            Kind::Object(_) => node.get(&step.replace("~1", "/").replace("~0", "~")),
            Kind::Array(items) => step.parse::<usize>().ok().and_then(|at| items.get(at)),
            Kind::Scalar { .. } => None,
        })
    }
}

/// How deeply a text may be nested.
const DEPTH_MAX: usize = 127;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Node {
        parse(text, Syntax::of(text)).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn both_syntaxes_give_one_tree_with_places() {
        let yaml = "Ü: x\nA:\n  B: !GetAtt C.D.E\n  L: [1, true]\n";
        let json = r#"{"Ü": "x", "A": {"B": {"Fn::GetAtt": ["C", "D.E"]}, "L": [1, true]}}"#;
        assert_eq!(compact(&read(yaml)), compact(&read(json)));
        for (text, written) in [(yaml, "C.D.E"), (json, r#"{"Fn::GetAtt": ["C", "D.E"]}"#)] {
            let tree = read(text);
            let node = tree.at(&["A", "B"]).expect("it is there");
            assert_eq!(node.reference(), Some(("C".to_owned(), Some("D.E".to_owned()))));
            assert!(text.get(node.span.clone()).is_some_and(|found| found.ends_with(written)), "{:?}", text.get(node.span.clone()));
        }
        let a = read(yaml).members().get(1).map(|member| member.key_span.clone()).expect("two members");
        assert_eq!((yaml.get(a.clone()), place(yaml, a.start)), (Some("A"), (2, 1)));
        assert_eq!(read(yaml).at_pointer("/A/L/1").and_then(Node::as_text), Some("true"));
    }

    #[test]
    fn functions_are_known_in_both_forms() {
        for text in ["!Ref X", "Ref: X", "{\"Ref\": \"X\"}"] {
            let node = read(text);
            assert_eq!(node.function().map(|function| function.name), Some("Ref".to_owned()));
            assert_eq!(node.reference(), Some(("X".to_owned(), None)), "{text}");
        }
        assert_eq!(read("!Sub x").function().map(|function| function.name), Some("Fn::Sub".to_owned()));
        assert_eq!(read("Ref: a\nOther: b\n").function(), None, "two members are an object");
        assert_eq!(read("!Ref X").as_text(), None, "a call is no text");
    }

    #[test]
    fn what_is_no_template_is_refused_with_its_place() {
        let refused = |text: &str| parse(text, Syntax::of(text)).expect_err(text).to_string();
        assert_eq!(refused("{\"a\": 1,\n \"b\" 2}"), "line 2 column 6: a `:` is missing");
        assert_eq!(refused("{\"a\": tru}"), "line 1 column 7: this is no value of JSON");
        assert_eq!(refused("{\"a\": \"x}"), "line 1 column 7: a text does not end");
        assert_eq!(refused("{} {}"), "line 1 column 4: something follows the value");
        assert_eq!(refused(&"{\"a\":".repeat(200)), "line 1 column 636: arrays and objects are nested too deeply");
        assert!(refused("a: [b").starts_with("line "), "{}", refused("a: [b"));
        assert!(refused("a: 1\n---\nb: 2\n").contains("more than one document"));
        assert!(refused(&"[".repeat(200)).contains("nested too deeply"));
        assert!(refused("? [a]\n: b\n").contains("a key must be text"));
    }
}
