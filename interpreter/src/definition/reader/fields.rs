//! The fields of one object, and which there may be.

use std::collections::BTreeMap;

use super::super::code::DUPLICATE_FIELD;
use super::super::messages;
use super::super::model::QueryLanguage;
use super::super::source::{Bytes, Member, Node, find};
use super::Reader;

/// An object of the definition and its place.
#[derive(Clone, Debug)]
pub(in crate::definition) struct Fields<'s> {
    pub(in crate::definition) members: &'s [Member],
    pub(in crate::definition) span: Bytes,
    /// JSON pointer to the object; empty for the machine itself.
    pub(in crate::definition) place: String,
}

/// A field that an object may have, and in which language.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field(pub(super) &'static str, pub(super) In);

/// The languages that have a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum In {
    Both,
    JsonPath,
    Jsonata,
}

impl<'s> Fields<'s> {
    pub(in crate::definition) fn get(&self, name: &str) -> Option<&'s Member> {
        find(self.members, name)
    }

    /// JSON pointer to a field.
    pub(in crate::definition) fn at(&self, name: &str) -> String {
        format!("{}/{name}", self.place)
    }

    /// JSON pointer to an element of a field, as the service writes it: `/States/X/Choices[0]`.
    pub(in crate::definition) fn at_index(&self, name: &str, index: usize) -> String {
        format!("{}/{name}[{index}]", self.place)
    }

    /// JSON pointer to the object itself.
    pub(in crate::definition) fn here(&self) -> &str {
        if self.place.is_empty() { "/" } else { &self.place }
    }
}

impl<'s> Reader<'s, '_> {
    /// The fields of `node`, which must be an object and have no other fields than these.
    pub(super) fn fields(
        &mut self,
        node: &'s Node,
        place: String,
        allowed: &[&[Field]],
        language: QueryLanguage,
    ) -> Option<Fields<'s>> {
        let Some(members) = node.members() else {
            if !node.is_unresolved() {
                self.refuse(messages::wrong_type("Object", node.type_name()), place, node.span);
            }
            return None;
        };
        let fields = Fields { members, span: node.span, place };
        let last: BTreeMap<&str, usize> = members.iter().enumerate().map(|(at, member)| (&*member.key, at)).collect();
        for (at, member) in members.iter().enumerate() {
            let known = allowed.iter().copied().flatten().find(|field| *field.0 == *member.key);
            match (known.map(|field| field.1), language) {
                (Some(In::Both), _)
                | (Some(In::JsonPath), QueryLanguage::JsonPath)
                | (Some(In::Jsonata), QueryLanguage::Jsonata) => {}
                (Some(In::JsonPath), QueryLanguage::Jsonata) => {
                    self.refuse(messages::other_language("JSONata", &member.key, "JSONPath"), fields.here(), member.key_span);
                }
                (Some(In::Jsonata), QueryLanguage::JsonPath) => {
                    self.refuse(messages::other_language("JSONPath", &member.key, "JSONata"), fields.here(), member.key_span);
                }
                (None, _) => {
                    self.refuse(messages::not_supported(&member.key), fields.here(), member.key_span);
                    if let Some(similar) = similar(&member.key, allowed, language) {
                        self.findings.help(format!("did you mean `{similar}`?"));
                    }
                }
            }
            if last.get(&*member.key) != Some(&at) {
                self.findings.warning(
                    DUPLICATE_FIELD,
                    format!("Field '{}' is given more than once; the last one counts", member.key),
                    fields.at(&member.key),
                    member.key_span,
                    "remove all but one",
                );
            }
        }
        Some(fields)
    }

    /// Whether all of these fields are there; one error names all that are not.
    pub(super) fn require(&mut self, fields: &Fields<'s>, names: &[&'static str]) -> bool {
        let missing: Vec<&str> = names.iter().copied().filter(|name| fields.get(name).is_none()).collect();
        if !missing.is_empty() {
            self.refuse(messages::required(&missing), fields.here(), fields.span);
        }
        missing.is_empty()
    }

    /// Refuses two fields that exclude each other.
    pub(super) fn exclude(&mut self, fields: &Fields<'s>, one: &'static str, other: &'static str) {
        if let (Some(_), Some(second)) = (fields.get(one), fields.get(other)) {
            self.refuse(messages::several_of(&[one, other]), fields.here(), second.key_span);
        }
    }
}

/// The allowed field that a wrong one may be a slip of the pen for: the same in other letters' case, or one edit away.
fn similar(wrong: &str, allowed: &[&[Field]], language: QueryLanguage) -> Option<&'static str> {
    let fits = |field: &&Field| match field.1 {
        In::Both => true,
        In::JsonPath => language == QueryLanguage::JsonPath,
        In::Jsonata => language == QueryLanguage::Jsonata,
    };
    let names = || allowed.iter().copied().flatten().filter(fits).map(|field| field.0);
    names().find(|name| name.eq_ignore_ascii_case(wrong)).or_else(|| names().find(|name| is_one_edit_away(wrong, name)))
}

/// Whether inserting, removing or replacing one character, or a run in the middle of the same length, makes one text the other.
fn is_one_edit_away(one: &str, other: &str) -> bool {
    if one.len() < 4 || one.len() > 40 {
        return false;
    }
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let same_start = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let same_end = one.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count();
    let (short, long) = (one.len().min(other.len()), one.len().max(other.len()));
    long - short <= 1 && same_start + same_end + 1 >= long
}
