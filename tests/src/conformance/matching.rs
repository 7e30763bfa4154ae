//! Strings of a recorded answer as patterns: names of the case, placeholders, masked words.

use std::collections::{HashMap, HashSet};

use super::case::Case;
use super::normalise::{Patterns, replace_times};

/// Placeholders that stand in recorded answers without being declared by the case.
const UNDECLARED: [&str; 2] = ["<test_aws_account_id>", "<omitted>"];

/// How the recorded text of one case is to be read.
#[derive(Debug)]
pub struct Rules {
    /// Texts with a meaning, longest first.
    texts: Vec<(String, Meaning)>,
    masked: HashSet<String>,
    /// Names of numbered placeholders, without angle brackets.
    numbered: HashSet<String>,
    pub(crate) patterns: Patterns,
}

/// The values of a name, and the same values as they stand in a normalised answer.
#[derive(Clone, Debug, Default)]
struct Values {
    plain: Vec<String>,
    normalised: Vec<String>,
}

impl Values {
    fn push(&mut self, value: &str, patterns: &Patterns) {
        let normalised = replace_times(patterns.apply(value.into()));
        self.normalised.push(normalised.as_str().unwrap_or(value).to_owned());
        self.plain.push(value.to_owned());
    }
}

/// What to put in place of a name of the case, given its values, or of a placeholder, which has none.
pub type Substitution<'a> = dyn FnMut(&str, Option<&[String]>) -> Option<String> + 'a;

#[derive(Clone, Debug)]
enum Meaning {
    /// One of these values, the same one throughout the case.
    Values(Values),
    /// A value the service made up, the same one throughout the case.
    Generated,
    /// Anything, anywhere.
    Anything,
}

impl Rules {
    /// The rules of a case.
    ///
    /// # Errors
    ///
    /// A message naming the pattern that is no regular expression.
    pub fn of(case: &Case) -> Result<Self, String> {
        let patterns = Patterns::compile(&case.patterns)?;
        let mut texts: Vec<(String, Meaning)> = Vec::new();
        for binding in &case.bindings {
            let position = texts.iter().position(|(text, _)| *text == binding.text);
            let position = position.unwrap_or_else(|| {
                texts.push((binding.text.clone(), Meaning::Values(Values::default())));
                texts.len() - 1
            });
            if let Some((_, Meaning::Values(values))) = texts.get_mut(position) {
                values.push(&binding.value, &patterns);
            }
        }
        let known = |texts: &[(String, Meaning)], text: &str| texts.iter().any(|(t, _)| t == text);
        for text in &case.generated {
            if !known(&texts, text) {
                texts.push((text.clone(), Meaning::Generated));
            }
        }
        // A numbered name that is written with its brackets also stands without a number.
        for text in case.numbered.iter().filter(|text| text.starts_with('<')) {
            if !known(&texts, text) {
                texts.push((text.clone(), Meaning::Generated));
            }
        }
        // A masked word in brackets cannot be taken for ordinary text inside a longer string.
        let bracketed = case.masked.iter().map(String::as_str).filter(|text| text.starts_with('<'));
        for text in UNDECLARED.into_iter().chain(bracketed) {
            if !known(&texts, text) {
                texts.push((text.to_owned(), Meaning::Anything));
            }
        }
        texts.retain(|(text, _)| !text.is_empty());
        texts.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        Ok(Self {
            texts,
            masked: case.masked.iter().cloned().collect(),
            numbered: case.numbered.iter().map(|name| name.trim_matches(['<', '>']).to_owned()).collect(),
            patterns,
        })
    }

    /// Whether a recorded string stands for a value that was taken out.
    pub fn is_masked(&self, text: &str) -> bool {
        self.masked.contains(text)
    }

    /// Whether a recorded string holds anything but itself.
    pub fn is_literal(&self, text: &str) -> bool {
        !self.is_masked(text) && self.parts(text).iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// Whether the recorded string `expected` describes `got`, given what the placeholders of the
    /// case stood for so far. What they stand for is added to `memory` if it does.
    pub fn matches(&self, expected: &str, got: &str, memory: &mut Memory) -> bool {
        if self.is_masked(expected) || expected == got && !expected.contains('<') {
            return true;
        }
        let parts = self.parts(expected);
        let mark = memory.mark();
        let matched = match_parts(&parts, got, memory);
        if !matched {
            memory.undo(mark);
        }
        matched
    }

    /// `text` with each placeholder and name replaced by what `value` says; `None` leaves it.
    pub fn substitute(&self, text: &str, value: &mut Substitution<'_>) -> String {
        let mut result = String::new();
        for part in self.parts(text) {
            match part {
                Part::Text(text) => result.push_str(text),
                Part::Values(name, values) => {
                    result.push_str(&value(name, Some(&values.plain)).unwrap_or_else(|| name.to_owned()));
                }
                Part::Placeholder(name) | Part::Anything(name) => {
                    result.push_str(&value(name, None).unwrap_or_else(|| name.to_owned()));
                }
            }
        }
        result
    }

    fn parts<'a>(&'a self, text: &'a str) -> Vec<Part<'a>> {
        let mut parts = Vec::new();
        let mut literal = 0;
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let found = self.special(rest);
            let Some((part, length)) = found else {
                at += rest.chars().next().map_or(1, char::len_utf8);
                continue;
            };
            if let Some(before) = text.get(literal..at).filter(|before| !before.is_empty()) {
                parts.push(Part::Text(before));
            }
            parts.push(part);
            at += length;
            literal = at;
        }
        if let Some(rest) = text.get(literal..).filter(|rest| !rest.is_empty()) {
            parts.push(Part::Text(rest));
        }
        parts
    }

    /// The text with a meaning that `rest` begins with, and its length.
    fn special<'a>(&'a self, rest: &'a str) -> Option<(Part<'a>, usize)> {
        if let Some(length) = self.numbered_at(rest) {
            return Some((Part::Placeholder(rest.get(..length)?), length));
        }
        let (text, meaning) = self.texts.iter().find(|(text, _)| rest.starts_with(text.as_str()))?;
        let part = match meaning {
            Meaning::Values(values) => Part::Values(text, values),
            Meaning::Generated => Part::Placeholder(text),
            Meaning::Anything => Part::Anything(text),
        };
        Some((part, text.len()))
    }

    /// The length of a numbered placeholder `<name:N>` of the case that `rest` begins with.
    fn numbered_at(&self, rest: &str) -> Option<usize> {
        let inner = rest.strip_prefix('<')?;
        // A name may have brackets of its own: `<<task_token>:1>`.
        let (name, number) = inner.trim_start_matches('<').split_once(':')?;
        let digits = number.bytes().take_while(u8::is_ascii_digit).count();
        let known = self.numbered.contains(name.trim_end_matches('>'));
        let length = rest.len() - number.len() + digits;
        (known && digits > 0 && rest.get(length..)?.starts_with('>')).then_some(length + 1)
    }
}

#[derive(Clone, Copy, Debug)]
enum Part<'a> {
    Text(&'a str),
    Values(&'a str, &'a Values),
    Placeholder(&'a str),
    Anything(&'a str),
}

/// What the placeholders of a case stood for so far. All executions of the case share one.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    values: HashMap<String, String>,
    names: HashMap<String, String>,
    /// Placeholders that stood for themselves: they came in with a task's outcome.
    selves: HashSet<String>,
    trail: Vec<Entry>,
}

#[derive(Clone, Debug)]
enum Entry {
    Bound { name: String, distinct: bool },
    Itself(String),
}

impl Memory {
    /// What a placeholder, or a name with several values, stood for.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    fn mark(&self) -> usize {
        self.trail.len()
    }

    fn undo(&mut self, mark: usize) {
        while self.trail.len() > mark {
            match self.trail.pop() {
                Some(Entry::Bound { name, distinct }) => {
                    if let Some(value) = self.values.remove(&name)
                        && distinct
                    {
                        self.names.remove(&value);
                    }
                }
                Some(Entry::Itself(name)) => {
                    self.selves.remove(&name);
                }
                None => return,
            }
        }
    }

    /// Lets `name` stand for `value` from now on; `false` if, being `distinct`, another one does.
    fn bind(&mut self, name: &str, value: &str, distinct: bool) -> bool {
        if distinct {
            if self.names.contains_key(value) {
                return false;
            }
            self.names.insert(value.to_owned(), name.to_owned());
        }
        self.values.insert(name.to_owned(), value.to_owned());
        self.trail.push(Entry::Bound { name: name.to_owned(), distinct });
        true
    }

    fn bind_itself(&mut self, name: &str) {
        if self.selves.insert(name.to_owned()) {
            self.trail.push(Entry::Itself(name.to_owned()));
        }
    }
}

/// Matches `parts` against the whole of `text`, trying every way the placeholders can be cut.
fn match_parts(parts: &[Part<'_>], text: &str, memory: &mut Memory) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        return text.is_empty();
    };
    match *part {
        Part::Text(literal) => text.strip_prefix(literal).is_some_and(|tail| match_parts(rest, tail, memory)),
        Part::Values(name, values) => match_values(name, values, rest, text, memory),
        Part::Placeholder(name) => match_placeholder(name, rest, text, memory),
        Part::Anything(_) => cuts(text).any(|(_, tail)| match_parts(rest, tail, memory)),
    }
}

/// A name of the case: one of its values, the same one throughout, or the name itself, which a
/// definition or an input may happen to contain.
fn match_values(name: &str, values: &Values, rest: &[Part<'_>], text: &str, memory: &mut Memory) -> bool {
    let chosen = memory.values.get(name).cloned();
    for (value, normalised) in values.plain.iter().zip(&values.normalised) {
        if chosen.as_ref().is_some_and(|chosen| chosen != value) {
            continue;
        }
        for spelling in [value, normalised] {
            let Some(tail) = text.strip_prefix(spelling.as_str()) else {
                continue;
            };
            let mark = memory.mark();
            if chosen.is_none() {
                memory.bind(name, value, false);
            }
            if match_parts(rest, tail, memory) {
                return true;
            }
            memory.undo(mark);
        }
    }
    text.strip_prefix(name).is_some_and(|tail| match_parts(rest, tail, memory))
}

/// A placeholder stands for one value throughout. One that came in with a task's outcome stands
/// for itself; it may have stood for a value of the interpreter's before that.
fn match_placeholder(name: &str, rest: &[Part<'_>], text: &str, memory: &mut Memory) -> bool {
    if let Some(tail) = text.strip_prefix(name) {
        let mark = memory.mark();
        memory.bind_itself(name);
        if match_parts(rest, tail, memory) {
            return true;
        }
        memory.undo(mark);
    }
    if let Some(value) = memory.values.get(name).cloned() {
        return text.strip_prefix(value.as_str()).is_some_and(|tail| match_parts(rest, tail, memory));
    }
    if memory.selves.contains(name) {
        return false;
    }
    for (value, tail) in cuts(text) {
        let mark = memory.mark();
        if memory.bind(name, value, true) && match_parts(rest, tail, memory) {
            return true;
        }
        memory.undo(mark);
    }
    false
}

/// Every way to cut a text in two with something in the first part, shortest first.
fn cuts(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.char_indices()
        .map(|(at, character)| at + character.len_utf8())
        .filter_map(move |end| Some((text.get(..end)?, text.get(end..)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rules() -> Rules {
        let case: Case = serde_json::from_value(json!({
            "id": "x", "kind": "history", "masked": ["date"], "numbered": ["uuid"], "generated": ["<Exec>"],
            "bindings": [
                {"text": "<region>", "value": "us-east-1"},
                {"text": "role", "value": "r1"}, {"text": "role", "value": "r2"}],
        }))
        .unwrap();
        Rules::of(&case).unwrap()
    }

    fn all(pairs: &[(&str, &str)]) -> bool {
        let rules = rules();
        let mut memory = Memory::default();
        pairs.iter().all(|(expected, got)| rules.matches(expected, got, &mut memory))
    }

    #[test]
    fn a_placeholder_stands_for_one_value_throughout() {
        assert!(all(&[("a<uuid:1>b", "axb"), ("<uuid:1>", "x")]));
        assert!(!all(&[("a<uuid:1>b", "axb"), ("<uuid:1>", "y")]));
    }

    #[test]
    fn two_placeholders_stand_for_two_values() {
        assert!(all(&[("<uuid:1>/<uuid:2>", "x/y")]));
        assert!(!all(&[("<uuid:1>/<uuid:2>", "x/x")]));
        assert!(!all(&[("<uuid:1>", "x"), ("<Exec>", "x")]));
    }

    #[test]
    fn a_placeholder_of_an_outcome_stands_for_itself_from_then_on() {
        assert!(all(&[("<uuid:1>", "<uuid:1>"), ("a <uuid:1>", "a <uuid:1>")]));
        assert!(!all(&[("<uuid:1>", "<uuid:1>"), ("<uuid:1>", "x")]));
        assert!(all(&[("<uuid:1>", "x"), ("<uuid:1>", "<uuid:1>"), ("<uuid:1>", "x")]));
    }

    #[test]
    fn a_name_with_several_values_keeps_the_one_it_had() {
        assert!(all(&[("role/<region>", "r2/us-east-1"), ("role", "r2")]));
        assert!(!all(&[("role", "r2"), ("role", "r1")]));
        assert!(!all(&[("role", "r3")]));
    }

    #[test]
    fn masked_words_match_anything_and_nothing_else_does() {
        assert!(all(&[("date", "x")]));
        assert!(!all(&[("a date", "a x")]));
        assert!(!all(&[("<Exec>", "")]));
    }
}
