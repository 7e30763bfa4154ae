//! From text to steps.

use std::sync::Arc;

use super::filter::Filter;
use super::step::{Slice, Step};
use super::{STEPS_MAX, SyntaxError, TEXT_BYTES_MAX};

/// The steps of a path, in Jayway's grammar.
pub(super) fn parse(text: &str) -> Result<Vec<Step>, SyntaxError> {
    let source = Source { text, at: 0 }.trim();
    if source.text.len() > TEXT_BYTES_MAX {
        return Err(source.error(format!("the path is longer than {TEXT_BYTES_MAX} bytes (a limit of this interpreter)")));
    }
    if source.text.is_empty() {
        return Err(source.error("path can not be null or empty".to_owned()));
    }
    if source.text.ends_with("..") {
        return Err(source.error("A path can not end with a scan.".to_owned()));
    }
    if let Some(rest) = source.strip("$", "").or_else(|| source.strip("@", "")) {
        return Parser { source, rest, is_operand: false }.after_root();
    }
    // A path without a root begins with a name.
    let rooted = format!(".{}", source.text);
    let rest = Source { text: &rooted, at: source.at };
    Parser { source, rest, is_operand: false }.after_root().map_err(|error| SyntaxError { at: error.at.min(text.len()), ..error })
}

/// The steps of a path that is compared in a filter. A filter in it is refused at once: it would not be definite, and so the parser
/// does not recurse.
pub(super) fn parse_operand(source: Source<'_>) -> Result<Vec<Step>, SyntaxError> {
    if source.text.ends_with("..") {
        return Err(source.error("A path can not end with a scan.".to_owned()));
    }
    let rest = source.strip("$", "").or_else(|| source.strip("@", "")).unwrap_or(source);
    Parser { source, rest, is_operand: true }.after_root()
}

/// A part of the text, and where it begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'t> {
    pub(super) text: &'t str,
    pub(super) at: usize,
}

impl<'t> Source<'t> {
    /// An error at the beginning of this part.
    pub(super) fn error(self, message: String) -> SyntaxError {
        SyntaxError { message, at: self.at }
    }

    /// Without what Java's `trim` takes away: everything up to the blank.
    pub(super) fn trim(self) -> Self {
        let start = self.text.trim_start_matches(|c: char| c <= ' ');
        Self { text: start.trim_end_matches(|c: char| c <= ' '), at: self.at + (self.text.len() - start.len()) }
    }

    pub(super) fn trim_start(self, characters: &[char]) -> Self {
        let text = self.text.trim_start_matches(characters);
        Self { text, at: self.at + (self.text.len() - text.len()) }
    }

    pub(super) fn trim_end(self, characters: &[char]) -> Self {
        Self { text: self.text.trim_end_matches(characters), ..self }
    }

    /// What is between `start` and `end`, if both are there.
    pub(super) fn strip(self, start: &str, end: &str) -> Option<Self> {
        let text = self.text.strip_prefix(start)?.strip_suffix(end)?;
        Some(Self { text, at: self.at + start.len() })
    }

    /// What is before the first of the separators, that separator, and what is behind it; or all, nothing and nothing.
    pub(super) fn split_at_first<'s>(self, separators: &[&'s str]) -> (Self, &'s str, Self) {
        let first = separators.iter().filter_map(|&separator| Some((self.text.find(separator)?, separator))).min();
        let (at, separator) = first.unwrap_or((self.text.len(), ""));
        let before = self.split(at).0;
        (before, separator, self.split(at + separator.len()).1)
    }

    /// In two at a byte position between characters.
    fn split(self, at: usize) -> (Self, Self) {
        let (before, behind) = self.text.split_at_checked(at).unwrap_or((self.text, ""));
        (Self { text: before, ..self }, Self { text: behind, at: self.at + before.len() })
    }

    /// Without the first character.
    fn skip(self) -> Self {
        self.split(self.text.chars().next().map_or(0, char::len_utf8)).1
    }
}

struct Parser<'t> {
    /// The path from its root on.
    source: Source<'t>,
    /// What is not parsed yet.
    rest: Source<'t>,
    is_operand: bool,
}

impl<'t> Parser<'t> {
    fn after_root(mut self) -> Result<Vec<Step>, SyntaxError> {
        if !matches!(self.rest.text.chars().next(), None | Some('.' | '[')) {
            return Err(self.rest.error(format!("Invalid path ${}", self.rest.text)));
        }
        let mut steps = Vec::new();
        while let Some(first) = self.rest.text.chars().next() {
            if let Some(step) = self.next_step(first)? {
                steps.push(step);
            }
            if steps.len() > STEPS_MAX {
                return Err(self.rest.error(format!("the path has more than {STEPS_MAX} steps (a limit of this interpreter)")));
            }
        }
        Ok(steps)
    }

    /// Takes the step that begins with the character `first`; a dot before a bracket is none.
    fn next_step(&mut self, first: char) -> Result<Option<Step>, SyntaxError> {
        match first {
            ' ' => Err(self.rest.error("Space not allowed in path".to_owned())),
            // Jayway takes it for the document itself, whatever comes before it. Who writes this means something else.
            '$' => Err(self.rest.error("`$` stands for the document only at the start of a path".to_owned())),
            '[' => self.bracket().map(Some),
            '*' => {
                self.rest = self.rest.skip();
                Ok(Some(Step::Wildcard))
            }
            '.' => {
                self.rest = self.rest.skip();
                match self.rest.text.chars().next() {
                    None => Err(self.rest.error(ran_out(self.source.text))),
                    Some('.') => {
                        self.rest = self.rest.skip();
                        Ok(Some(Step::Scan))
                    }
                    Some(_) => Ok(self.name()),
                }
            }
            _ => Ok(self.name()),
        }
    }

    /// A name without quotes, up to what ends it.
    fn name(&mut self) -> Option<Step> {
        let end = self.rest.text.find(['.', '[', ' ']).unwrap_or(self.rest.text.len());
        let (name, rest) = self.rest.split(end);
        self.rest = rest;
        match name.text {
            "" => None,
            "*" => Some(Step::Wildcard),
            name => Some(Step::Name(name.into())),
        }
    }

    fn bracket(&mut self) -> Result<Step, SyntaxError> {
        let (fragment, rest) = self.rest.split(closing_bracket(self.rest.text));
        self.rest = rest;
        if fragment.text == "[*]" {
            return Ok(Step::Wildcard);
        }
        let inside = fragment.skip().trim_start(&[' ', '(']);
        match inside.text.chars().next() {
            Some('?') if self.is_operand => {
                Err(fragment.error(format!("the predicate path: {} is not definite", self.source.text)))
            }
            Some('?') => filter(fragment),
            Some('\'') => names(fragment, inside),
            Some('@') => from_length(fragment, inside),
            Some('0'..='9' | ':' | '-') => elements(fragment, inside),
            _ => Err(not_analyzed(fragment)),
        }
    }
}

/// The end of the fragment that begins with `[`: behind the bracket that closes it. Quotes do not count.
fn closing_bracket(text: &str) -> usize {
    let mut open = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '[' => open += 1,
            ']' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return at + 1;
        }
    }
    text.len()
}

/// `['a']`, `['a','b']`. There are no escapes: a backslash is part of the name, and a quote always ends it. What is outside the
/// quotes does not count, nor does a name that is not closed.
fn names(fragment: Source<'_>, inside: Source<'_>) -> Result<Step, SyntaxError> {
    let Some(end) = inside.text.find(']') else { return Err(fragment.error(ran_out(fragment.text))) };
    if fragment.at + fragment.text.len() > inside.at + end + 1 {
        return Err(fragment.error(format!("a bracket inside a name: {}", fragment.text)));
    }
    let pieces: Vec<_> = inside.split(end).0.text.split('\'').collect();
    // Every second piece is between quotes; the last is not, or is not closed.
    let closed = pieces.len().saturating_sub(1);
    let names: Vec<Arc<str>> = pieces.iter().take(closed).skip(1).step_by(2).map(|&name| name.into()).collect();
    match <[Arc<str>; 1]>::try_from(names) {
        Ok([name]) => Ok(Step::Name(name)),
        Err(names) if names.is_empty() => Err(not_analyzed(fragment)),
        Err(names) => Ok(Step::Names(names.into())),
    }
}

/// `[(@.length-1)]`, `[(@.size()-1)]`
fn from_length(fragment: Source<'_>, inside: Source<'_>) -> Result<Step, SyntaxError> {
    let Some(body) = inside.text.strip_suffix(']').filter(|body| body.contains(')')) else {
        return Err(fragment.error(ran_out(fragment.text)));
    };
    let body: String = body.chars().filter(|character| !matches!(character, ' ' | '(' | ')')).collect();
    let (function, _) = body.split_once('-').ok_or_else(|| fragment.error(ran_out(fragment.text)))?;
    let offset = body.strip_prefix(function).unwrap_or_default();
    match function {
        "@.length" | "@.size" => Ok(Step::FromLength(number(fragment, offset)?)),
        _ => {
            Err(fragment
                .error(format!("Invalid function: {function}. Supported functions are: [(@.length - n)] and [(@.size() - n)]")))
        }
    }
}

/// `[0]`, `[0,2]`, `[1:]`, `[:2]`, `[1:2]`; of `[1:2:3]` the third number does not count.
fn elements(fragment: Source<'_>, inside: Source<'_>) -> Result<Step, SyntaxError> {
    let Some(body) = inside.text.strip_suffix(']') else { return Err(fragment.error(ran_out(fragment.text))) };
    if !body.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b' ' | b',' | b':' | b'-')) {
        return Err(not_analyzed(fragment));
    }
    let body = body.replace(' ', "");
    if let Some((from, rest)) = body.split_once(':') {
        let (to, step) = rest.split_once(':').unwrap_or((rest, ""));
        for step in step.split(':').filter(|step| !step.is_empty()) {
            number(fragment, step)?;
        }
        return Ok(Step::Slice(match (from, to) {
            ("", to) => Slice::To(number(fragment, to)?),
            (from, "") => Slice::From(number(fragment, from)?),
            (from, to) => Slice::Between(number(fragment, from)?, number(fragment, to)?),
        }));
    }
    let indexes = body.strip_suffix(',').unwrap_or(&body).split(',').map(|index| number(fragment, index));
    let indexes = indexes.collect::<Result<Vec<_>, _>>()?;
    Ok(match <[i32; 1]>::try_from(indexes) {
        Ok([index]) => Step::Index(index),
        Err(indexes) => Step::Indexes(indexes.into()),
    })
}

/// `[?(…)]`. Inside, brackets and parentheses in quotes do not count.
fn filter(fragment: Source<'_>) -> Result<Step, SyntaxError> {
    let (mut parentheses, mut brackets, mut in_quotes, mut before) = (0_i32, 0_i32, false, ' ');
    let mut end = None;
    for (at, character) in fragment.text.char_indices() {
        match character {
            '\'' if before != '\\' => in_quotes = !in_quotes,
            '(' if !in_quotes => parentheses += 1,
            ')' if !in_quotes => parentheses -= 1,
            '[' if !in_quotes => brackets += 1,
            ']' if !in_quotes => {
                brackets -= 1;
                if parentheses == 0 {
                    end = Some(at + 1);
                    break;
                }
            }
            _ => {}
        }
        before = character;
    }
    match end {
        None => Err(fragment.error(ran_out(fragment.text))),
        // Jayway would silently leave out what is behind.
        Some(end) if brackets != 0 || end != fragment.text.len() => {
            Err(fragment.error("Filter brackets are not balanced".to_owned()))
        }
        Some(_) => Filter::parse(fragment.strip("[", "]").unwrap_or(fragment)).map(Step::Filter),
    }
}

fn number(fragment: Source<'_>, text: &str) -> Result<i32, SyntaxError> {
    text.parse().map_err(|_| fragment.error(format!("For input string: \"{text}\"")))
}

fn not_analyzed(fragment: Source<'_>) -> SyntaxError {
    fragment.error(format!("Could not analyze path component: {}", fragment.text))
}

/// Java's words for a text that ends too early.
fn ran_out(text: &str) -> String {
    format!("String index out of range: {}", text.encode_utf16().count())
}
