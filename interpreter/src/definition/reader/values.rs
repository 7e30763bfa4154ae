//! Values that fields of several kinds of objects have: numbers, words, paths, templates.

use std::sync::Arc;

use statewright_value::Number;

use super::super::code::{NO_DOLLAR, NO_PATH};
use super::super::messages;
use super::super::model::{Quantity, QueryLanguage, ResultPath, Selection};
use super::super::source::{Kind, Member, Node};
use super::{Fields, Reader};
use crate::intrinsic::Call;
use crate::path::{Path, ReferencePath, Root};
use crate::template::Template;

/// Further errors of one template are reported at its beginning.
const PLACED_ERRORS_MAX: usize = 100;

/// The least and the greatest value of a whole number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range(pub(super) u32, pub(super) u32);

/// What a path must be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// It may find several places.
    Any,
    /// It is said to be a reference path, and may find several places all the same.
    Loose,
    /// It must be a reference path.
    OnePlace,
}

/// That the value is no reference path, and why.
fn no_reference_path(node: &Node) -> String {
    let starts_well = node.as_str().is_some_and(|text| text.starts_with('$'));
    messages::no_reference_path(if starts_well { messages::SINGLE_NODE } else { messages::NO_DOLLAR_FIRST })
}

impl<'s> Reader<'s, '_> {
    /// A string.
    pub(super) fn string(&mut self, fields: &Fields<'s>, name: &'static str) -> Option<&'s Arc<str>> {
        let member = fields.get(name)?;
        match &member.value.kind {
            Kind::Text(text) => Some(&text.text),
            _ => {
                self.refuse(messages::wrong_type("String", member.value.type_name()), fields.at(name), member.value.span);
                None
            }
        }
    }

    /// One of a few words; what it stands for.
    pub(super) fn word<T: Copy>(&mut self, fields: &Fields<'s>, name: &'static str, words: &[(&str, T)]) -> Option<T> {
        let member = fields.get(name)?;
        if member.value.is_unresolved() {
            return None;
        }
        let found = member.value.as_str().and_then(|word| words.iter().find(|known| known.0 == word));
        if found.is_none() {
            let words: Vec<&str> = words.iter().map(|word| word.0).collect();
            let message = if name == "Type" { messages::one_of(name, &words) } else { messages::one_value_of(&words) };
            self.refuse(message, fields.at(name), member.value.span);
        }
        found.map(|word| word.1)
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, fields: &Fields<'s>, name: &'static str) -> Option<bool> {
        let member = fields.get(name)?;
        match &member.value.kind {
            Kind::Bool(value) => Some(*value),
            Kind::Text(text) if text.unresolved => None,
            _ => {
                self.refuse(messages::wrong_type("Boolean", member.value.type_name()), fields.at(name), member.value.span);
                None
            }
        }
    }

    /// A whole number. As a Java `int` would read it, `60.0` is one.
    pub(super) fn integer(&mut self, fields: &Fields<'s>, name: &'static str, range: Range) -> Option<u32> {
        let member = fields.get(name)?;
        self.integer_in(&member.value, fields, name, range)
    }

    fn integer_in(&mut self, node: &'s Node, fields: &Fields<'s>, name: &'static str, Range(least, most): Range) -> Option<u32> {
        let number = match &node.kind {
            Kind::Number(number) => *number,
            Kind::Text(text) if text.unresolved => return None,
            _ => {
                self.refuse(messages::wrong_type("Integer", node.type_name()), fields.at(name), node.span);
                self.warn_of_path(node, fields, name);
                return None;
            }
        };
        let Some(integer) = whole(number) else {
            self.refuse(messages::wrong_type("Integer", "Number"), fields.at(name), node.span);
            return None;
        };
        if integer < i64::from(least) {
            self.refuse(messages::minimum(least), fields.at(name), node.span);
        } else if integer > i64::from(most) {
            self.refuse(messages::maximum(most), fields.at(name), node.span);
        }
        u32::try_from(integer).ok()
    }

    /// A number that need not be whole.
    pub(super) fn number(&mut self, fields: &Fields<'s>, name: &'static str, least: f64, most: f64) -> Option<f64> {
        let member = fields.get(name)?;
        let number = match &member.value.kind {
            Kind::Number(number) => number.as_f64(),
            Kind::Text(text) if text.unresolved => return None,
            _ => {
                self.refuse(messages::wrong_type("Number", member.value.type_name()), fields.at(name), member.value.span);
                return None;
            }
        };
        if number < least {
            self.refuse(messages::minimum(format!("{least:?}")), fields.at(name), member.value.span);
        } else if number > most {
            self.refuse(messages::maximum(format!("{most:?}")), fields.at(name), member.value.span);
        }
        Some(number)
    }

    /// A whole number, in JSONata an expression too, or what its `…Path` field finds.
    pub(super) fn quantity(
        &mut self,
        fields: &Fields<'s>,
        language: QueryLanguage,
        name: &'static str,
        path_name: &'static str,
        range: Range,
    ) -> Option<Quantity> {
        self.exclude(fields, name, path_name);
        if let Some(member) = fields.get(name) {
            return self.quantity_in(member, fields, language, name, range);
        }
        self.path(fields, path_name, Reach::OnePlace).map(Quantity::Path)
    }

    fn quantity_in(
        &mut self,
        member: &'s Member,
        fields: &Fields<'s>,
        language: QueryLanguage,
        name: &'static str,
        range: Range,
    ) -> Option<Quantity> {
        if language == QueryLanguage::Jsonata
            && let Some(text) = member.value.as_text().filter(|text| !text.unresolved)
        {
            return self.expression(&member.value, text, fields.at(name)).map(Quantity::Expression);
        }
        self.integer_in(&member.value, fields, name, range).map(Quantity::Fixed)
    }

    /// A path.
    pub(super) fn path(&mut self, fields: &Fields<'s>, name: &'static str, reach: Reach) -> Option<Path> {
        let member = fields.get(name)?;
        if member.value.is_unresolved() {
            return None;
        }
        let Some(path) = member.value.as_str().and_then(|text| Path::parse(text).ok()) else {
            match reach {
                Reach::Any => self.refuse(messages::NO_PATH, fields.at(name), member.value.span),
                Reach::Loose | Reach::OnePlace => {
                    self.refuse(no_reference_path(&member.value), fields.at(name), member.value.span);
                }
            }
            self.explain_path(&member.value);
            return None;
        };
        if reach == Reach::OnePlace && !path.is_definite() {
            self.refuse(messages::no_reference_path(messages::SINGLE_NODE), fields.at(name), member.value.span);
        }
        self.read_by([&path], &fields.at(name), &member.value);
        Some(path)
    }

    /// Notes the variables that paths in a field read.
    pub(super) fn read_by<'p>(&mut self, paths: impl IntoIterator<Item = &'p Path>, place: &str, node: &Node) {
        for path in paths {
            let Root::Variable(name) = path.root() else { continue };
            let mut holder = node.span;
            node.for_each_text(&mut |node, text| {
                if text.text.contains(&**path.text()) {
                    holder = node.span;
                }
            });
            self.graph.read(self.state, name.to_string(), place.to_owned(), holder, None);
        }
    }

    /// Says why a text is no path, if it is one.
    pub(super) fn explain_path(&mut self, node: &Node) {
        let Some(text) = node.as_str() else { return };
        if Call::looks_like_one(text) {
            self.findings.help("intrinsic functions are for payload templates, ErrorPath and CausePath");
        } else if let Err(error) = Path::parse(text) {
            self.findings.help(error.message);
        }
    }

    /// `InputPath` or `OutputPath`.
    pub(super) fn selection(&mut self, fields: &Fields<'s>, name: &'static str) -> Selection {
        match fields.get(name).map(|member| &member.value.kind) {
            Some(Kind::Null) => Selection::Nothing,
            _ => match self.path(fields, name, Reach::Any) {
                Some(path) if !path.is_whole_input() => Selection::Path(path),
                _ => Selection::Everything,
            },
        }
    }

    /// `ResultPath`
    pub(super) fn result_path(&mut self, fields: &Fields<'s>) -> ResultPath {
        let Some(member) = fields.get("ResultPath") else { return ResultPath::Replace };
        match &member.value.kind {
            Kind::Null => return ResultPath::Discard,
            Kind::Text(text) if text.unresolved || &*text.text == "$" => return ResultPath::Replace,
            _ => {}
        }
        if let Some(text) = member.value.as_str() {
            match ReferencePath::parse(text) {
                Ok(path) => return ResultPath::At(path),
                Err(error) => {
                    self.refuse(no_reference_path(&member.value), fields.at("ResultPath"), member.value.span);
                    self.findings.help(error.message);
                }
            }
        } else {
            self.refuse(no_reference_path(&member.value), fields.at("ResultPath"), member.value.span);
        }
        ResultPath::Replace
    }

    /// A payload template, or what stands in its place in JSONata.
    pub(super) fn template(&mut self, fields: &Fields<'s>, name: &'static str, language: QueryLanguage) -> Option<Template> {
        let member = fields.get(name)?;
        if language == QueryLanguage::Jsonata {
            return self.jsonata(fields, name);
        }
        // A path that only a substitution would give is left out, as if the member were absent. A call with one in its texts stays.
        let value = member.value.to_value_if(|member| {
            !member.key.ends_with(".$")
                || !member.value.is_unresolved()
                || member.value.as_str().is_some_and(|text| Call::looks_like_one(text) && Call::parse(text).is_ok())
        });
        let place = fields.at(name);
        self.warn_of_missing_dollars(&member.value, &place);
        match Template::compile(&value) {
            Ok(template) => {
                self.read_by(template.paths(), &place, &member.value);
                Some(template)
            }
            Err(errors) => {
                for (at, error) in errors.into_iter().enumerate() {
                    // Finding the place takes time in proportion to the template.
                    let holder = if at < PLACED_ERRORS_MAX { member.value.at_pointer(&error.pointer) } else { None };
                    let holder = holder.unwrap_or(&member.value);
                    let found = if at < PLACED_ERRORS_MAX { holder.member(&error.field) } else { None };
                    let span = found.map_or(holder.span, |member| member.value.span);
                    self.refuse(error.message, format!("{place}{}", error.pointer), span);
                }
                None
            }
        }
    }

    /// Warns of members that look as if their names should end in `.$`.
    fn warn_of_missing_dollars(&mut self, node: &'s Node, place: &str) {
        match &node.kind {
            Kind::Object(members) => {
                for member in members {
                    let looks_like_path =
                        member.value.as_text().is_some_and(|text| !text.unresolved && looks_evaluated(&text.text));
                    if looks_like_path && !member.key.ends_with(".$") {
                        self.findings.warning(
                            NO_DOLLAR,
                            format!(
                                "The value of '{}' looks like a JSONPath or a call of an intrinsic function, but is taken as text",
                                member.key
                            ),
                            format!("{place}/{}", member.key),
                            member.value.span,
                            &format!("name the field `{}.$` if the value is to be evaluated", member.key),
                        );
                    }
                    if matches!(member.value.kind, Kind::Object(_) | Kind::Array(_)) {
                        self.warn_of_missing_dollars(&member.value, &format!("{place}/{}", member.key));
                    }
                }
            }
            Kind::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    self.warn_of_missing_dollars(item, &format!("{place}[{at}]"));
                }
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => {}
        }
    }

    /// Warns of a value that looks like a path where a `…Path` field should hold it.
    pub(super) fn warn_of_path(&mut self, node: &Node, fields: &Fields<'s>, name: &'static str) {
        if node.as_str().is_some_and(looks_like_path) {
            self.findings.warning(
                NO_PATH,
                format!("The value of '{name}' looks like a JSONPath, but is taken as text"),
                fields.at(name),
                node.span,
                &format!("use `{name}Path` if the value is to be evaluated"),
            );
        }
    }
}

/// A number as an integer, if it is one.
fn whole(number: Number) -> Option<i64> {
    match number {
        Number::Int(integer) => Some(integer),
        Number::Unsigned(_) => Some(i64::MAX),
        #[expect(clippy::cast_possible_truncation, reason = "has no fraction, and saturates")]
        Number::Float(float) => (float.fract() == 0.0).then_some(float as i64),
    }
}

/// Whether a text is surely meant to be evaluated.
pub(super) fn looks_evaluated(text: &str) -> bool {
    looks_like_path(text) || (Call::looks_like_one(text) && Call::parse(text).is_ok())
}

/// Whether a text is surely meant as a path: `$.a`, `$$.a`, `$[0]`.
pub(super) fn looks_like_path(text: &str) -> bool {
    (text.starts_with("$.") || text.starts_with("$$.") || text.starts_with("$[")) && Path::parse(text).is_ok()
}
