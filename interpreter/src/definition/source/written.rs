//! How strings are written: which byte of the text each of their characters comes from.
//!
//! A string is read here a second time, only when something is wrong inside it. What comes of that must be what the first reading
//! gave, and that is checked: a place that is told is the right one.

use std::collections::BTreeMap;

use super::substitution::next_placeholder;
use super::{Bytes, Text};

/// How a string is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::definition) enum Style {
    /// Without marks around it. YAML 1.2.2, section 7.3.3.
    Plain,
    /// Between `'`. YAML 1.2.2, section 7.3.2.
    SingleQuoted,
    /// Between `"`, in JSON too. YAML 1.2.2, section 7.3.1.
    DoubleQuoted,
    /// Behind `|`. YAML 1.2.2, section 8.1.2.
    Literal,
    /// Behind `>`. YAML 1.2.2, section 8.1.3.
    Folded,
}

/// A string, and where each byte of it is written.
#[derive(Debug, Default)]
pub(in crate::definition) struct Written {
    said: String,
    places: Vec<usize>,
}

impl Written {
    /// The string `text`, which stands in the stretch `span` of `source`; `None` where it cannot be told how it is written, as when it
    /// is the value of a substitution.
    pub(in crate::definition) fn read(source: &str, span: Bytes, text: &Text, values: &BTreeMap<String, String>) -> Option<Self> {
        let mut reader = Reader { text: source.get(..span.end)?, at: span.start, written: Self::default() };
        let is_block = matches!(text.style, Style::Literal | Style::Folded);
        reader.properties(is_block);
        match text.style {
            Style::Plain => reader.plain(),
            Style::SingleQuoted => reader.quoted('\''),
            Style::DoubleQuoted => reader.quoted('"'),
            Style::Literal => reader.block(false),
            Style::Folded => reader.block(true),
        }?;
        let written = reader.written.substituted(values);
        let rest = text.text.strip_prefix(&*written.said)?;
        // The line breaks at the end of a block stand where nothing is written.
        let is_all = if is_block { rest.bytes().all(|byte| byte == b'\n') } else { rest.is_empty() };
        is_all.then_some(written)
    }

    /// Where the character at byte `at` of the string is written.
    pub(in crate::definition) fn place(&self, at: usize) -> Option<usize> {
        self.places.get(at).copied()
    }

    fn push(&mut self, character: char, place: usize) {
        self.said.push(character);
        self.places.resize(self.said.len(), place);
    }

    /// The same with the values of its `${Name}`s, each of which is written where the name is.
    fn substituted(self, values: &BTreeMap<String, String>) -> Self {
        let mut substituted = Self::default();
        let mut from = 0;
        while let Some((before, placeholder, name, _)) = self.said.get(from..).and_then(next_placeholder) {
            let (begin, end) = (from + before.len(), from + before.len() + placeholder.len());
            substituted.append(&self, from, begin);
            match values.get(name) {
                Some(value) => {
                    substituted.said.push_str(value);
                    substituted.places.resize(substituted.said.len(), self.place(begin).unwrap_or_default());
                }
                None => substituted.append(&self, begin, end),
            }
            from = end;
        }
        if from == 0 {
            return self;
        }
        substituted.append(&self, from, self.said.len());
        substituted
    }

    fn append(&mut self, other: &Self, from: usize, to: usize) {
        self.said.push_str(other.said.get(from..to).unwrap_or_default());
        self.places.extend_from_slice(other.places.get(from..to).unwrap_or_default());
    }
}

/// Reads one string. Whatever it does not understand is no string.
struct Reader<'t> {
    text: &'t str,
    at: usize,
    written: Written,
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

fn is_break(character: char) -> bool {
    matches!(character, '\n' | '\r')
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn skip(&mut self, character: char) {
        self.at += character.len_utf8();
    }

    /// Skips a line break, which may be of two characters.
    fn skip_break(&mut self) {
        let is_double = self.text.get(self.at..).is_some_and(|rest| rest.starts_with("\r\n"));
        self.at += if is_double { 2 } else { 1 };
    }

    /// Takes the character this stands at as it is.
    fn take(&mut self, character: char) {
        self.written.push(character, self.at);
        self.skip(character);
    }

    fn push_breaks(&mut self, places: &[usize]) {
        places.iter().for_each(|&place| self.written.push('\n', place));
    }

    fn skip_while(&mut self, is_skipped: impl Fn(char) -> bool) {
        while let Some(character) = self.peek().filter(|&character| is_skipped(character)) {
            self.skip(character);
        }
    }

    /// Skips a tag and an anchor before the string, which then are where its place begins, and the head of a block behind them.
    fn properties(&mut self, is_block: bool) {
        let is_between = |character| is_blank(character) || is_break(character);
        let begin = self.at;
        while matches!(self.peek(), Some('!' | '&')) {
            self.skip_while(|character| !is_between(character));
            self.skip_while(is_between);
            while self.peek() == Some('#') {
                self.skip_while(|character| !is_break(character));
                self.skip_while(is_between);
            }
        }
        if is_block && self.at > begin {
            self.skip_while(|character| !is_break(character));
            self.skip_while(|character| character == ' ' || is_break(character));
        }
    }

    fn plain(&mut self) -> Option<()> {
        while let Some(character) = self.peek() {
            if is_blank(character) || is_break(character) { self.blanks(false) } else { self.take(character) }
        }
        Some(())
    }

    fn quoted(&mut self, quote: char) -> Option<()> {
        if self.peek()? != quote {
            return None;
        }
        self.skip(quote);
        loop {
            let (start, character) = (self.at, self.peek()?);
            if is_blank(character) || is_break(character) {
                self.blanks(false);
            } else if character == quote {
                self.skip(quote);
                // In single quotes two of them stand for one.
                if quote == '"' || self.peek() != Some(quote) {
                    return Some(());
                }
                self.skip(quote);
                self.written.push(quote, start);
            } else if character == '\\' && quote == '"' {
                self.skip(character);
                if self.peek().is_some_and(is_break) {
                    self.skip_break();
                    self.blanks(true);
                } else {
                    let character = self.escaped()?;
                    self.written.push(character, start);
                }
            } else {
                self.take(character);
            }
        }
    }

    /// Blanks and line breaks: one break is a blank, more of them are one less; `joined` says that the first one does not count.
    fn blanks(&mut self, joined: bool) {
        let (mut blanks, mut breaks) = (Vec::new(), Vec::new());
        while let Some(character) = self.peek() {
            if is_break(character) {
                breaks.push(self.at);
                self.skip_break();
            } else if is_blank(character) {
                blanks.push((character, self.at));
                self.skip(character);
            } else {
                break;
            }
        }
        match breaks.split_first() {
            _ if joined => self.push_breaks(&breaks),
            None => blanks.into_iter().for_each(|(character, place)| self.written.push(character, place)),
            Some((&only, [])) => self.written.push(' ', only),
            Some((_, more)) => self.push_breaks(more),
        }
    }

    /// What stands for a character behind a backslash.
    fn escaped(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.skip(character);
        Some(match character {
            '0' => '\0',
            'a' => '\u{7}',
            'b' => '\u{8}',
            't' | '\t' => '\t',
            'n' => '\n',
            'v' => '\u{b}',
            'f' => '\u{c}',
            'r' => '\r',
            'e' => '\u{1b}',
            ' ' | '"' | '/' | '\\' => character,
            'N' => '\u{85}',
            '_' => '\u{a0}',
            'L' => '\u{2028}',
            'P' => '\u{2029}',
            'x' => char::from_u32(self.hex(2)?)?,
            'U' => char::from_u32(self.hex(8)?)?,
            'u' => self.unicode()?,
            _ => return None,
        })
    }

    /// `\uXXXX`; in JSON two of them may be one character, and half of such a pair is U+FFFD.
    fn unicode(&mut self) -> Option<char> {
        let high = self.hex(4)?;
        let behind = self.at;
        if (0xd800..0xdc00).contains(&high) && self.text.get(self.at..)?.starts_with("\\u") {
            self.at += 2;
            match self.hex(4) {
                Some(low) if (0xdc00..0xe000).contains(&low) => {
                    return char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00));
                }
                _ => self.at = behind,
            }
        }
        Some(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&mut self, digits: usize) -> Option<u32> {
        let code = u32::from_str_radix(self.text.get(self.at..self.at + digits)?, 16).ok()?;
        self.at += digits;
        Some(code)
    }

    /// A block, which begins with the first character that it says, so that the characters before that are its indentation.
    fn block(&mut self, is_folded: bool) -> Option<()> {
        let before = self.text.get(..self.at)?;
        let indentation = before.rsplit(is_break).next().unwrap_or_default().chars().count();
        let mut breaks: Vec<usize> = Vec::new();
        let mut was_blank = false;
        loop {
            let is_blank = self.peek().is_some_and(is_blank);
            match breaks.split_first() {
                Some((&only, [])) if is_folded && !was_blank && !is_blank => self.written.push(' ', only),
                Some((_, more)) if is_folded && !was_blank && !is_blank => self.push_breaks(more),
                _ => self.push_breaks(&breaks),
            }
            was_blank = is_blank;
            while let Some(character) = self.peek().filter(|&character| !is_break(character)) {
                self.take(character);
            }
            breaks.clear();
            let mut column = indentation;
            while self.peek().is_some_and(is_break) {
                breaks.push(self.at);
                self.skip_break();
                column = 0;
                while column < indentation && self.peek() == Some(' ') {
                    self.skip(' ');
                    column += 1;
                }
            }
            if column < indentation || self.peek().is_none() {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, Node, Substitutions, json, yaml};
    use super::*;

    /// The string that is the only value of a mapping or a sequence.
    fn only(node: &Node) -> Option<(&Text, Bytes)> {
        match &node.kind {
            Kind::Text(text) => Some((text, node.span)),
            Kind::Array(items) => only(items.first()?),
            Kind::Object(members) => only(&members.first()?.value),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) => None,
        }
    }

    /// Reads a text whose only string stands at known places, and tells whether it is one.
    fn check(source: &str, is_json: bool) -> bool {
        let none = BTreeMap::new();
        let read = if is_json { json } else { yaml };
        let Ok(node) = read(source, &mut Substitutions::new(&none)) else { return false };
        let Some((text, span)) = only(&node) else { return false };
        let written = Written::read(source, span, text, &none).unwrap_or_else(|| panic!("{source:?} is {:?}", text.text));
        for (at, said) in text.text.char_indices() {
            // Where the breaks at the end of a block stand does not matter.
            let Some(place) = written.place(at) else { break };
            let found = source.get(place..).and_then(|rest| rest.chars().next());
            let is_it = match found {
                Some('\\') if text.style == Style::DoubleQuoted => true,
                Some('\n' | '\r') => matches!(said, '\n' | ' '),
                found => found == Some(said),
            };
            assert!(is_it, "{source:?}: {said:?} at {at} is not {found:?} at {place}");
        }
        true
    }

    /// Every text of up to `length` pieces.
    fn each_of(pieces: &[&str], length: usize, text: &mut String, visit: &mut impl FnMut(&str)) {
        visit(text);
        if length > 0 {
            for piece in pieces {
                let before = text.len();
                text.push_str(piece);
                each_of(pieces, length - 1, text, visit);
                text.truncate(before);
            }
        }
    }

    fn each(pieces: &[&str], visit: impl Fn(&str) -> bool) -> usize {
        let mut count = 0;
        each_of(pieces, 4, &mut String::new(), &mut |text| count += usize::from(visit(text)));
        count
    }

    #[test]
    fn strings_are_read_as_the_parsers_read_them() {
        let breaks = ["a", "ü", " ", "\t", "\n  ", "\n   ", "\n", "\r\n  "];
        assert!(
            each(&["a", "ü", " ", r"\n", r"\\", r#"\""#, r"\u00e9", r"\ud83d\ude00", r"\ud83d"], |text| {
                check(&format!("[\"{text}\"]"), true)
            }) > 7_000
        );
        let escapes = ["\\\n  ", "\\ ", r"\x41", r"\U0001f600", r"\N", r#"\""#];
        assert!(each(&[&breaks[..], &escapes].concat(), |text| check(&format!("k: \"{text}\"\n"), false)) > 10_000);
        assert!(each(&[&breaks[..], &["''", "\\"]].concat(), |text| check(&format!("- 'é{text}'"), false)) > 5_000);
        assert!(each(&[&breaks[..], &["#", ":"]].concat(), |text| check(&format!("k: x{text}\n"), false)) > 1_000);
        for before in ["!!str ", "&a ", "!!str &a\n   ", "&a # comment\n  # and more\n  !!str "] {
            for begin in ["'", "\"", "", "|-\n  ", ">\n  "] {
                let end = begin.trim();
                let end = if end.len() == 1 && end != ">" { end } else { "" };
                assert!(
                    each(&["a", "ü", " ", "\n  "], |text| check(&format!("k: {before}{begin}x{text}{end}\n"), false)) > 200,
                    "{before}{begin}"
                );
            }
        }
        for header in ["|", "|-", "|+", ">", ">-", ">+", ">1", "|1-", ">+1 # comment"] {
            assert!(each(&breaks, |text| check(&format!("k: {header}\n  b{text}"), false)) > 1_000, "{header}");
            assert!(each(&breaks, |text| check(&format!("- k: {header}\r\n   b{text}\n\n- c"), false)) > 500, "{header}");
        }
    }

    #[test]
    fn the_value_of_a_substitution_is_where_its_name_is() {
        let values = BTreeMap::from([("A".to_owned(), "long value".to_owned()), ("E".to_owned(), String::new())]);
        let source = r#"["é\n${A}!${E}${none}?"]"#;
        let node = json(source, &mut Substitutions::new(&values)).unwrap();
        let (text, span) = only(&node).unwrap();
        let written = Written::read(source, span, text, &values).unwrap();
        for (said, place) in [("\n", r"\n"), ("long", "${A}"), ("value", "${A}"), ("!", "!"), ("${none}", "${none}"), ("?", "?")] {
            assert_eq!(written.place(text.text.find(said).unwrap()), source.find(place), "{said}");
        }
        let whole = json("${A}", &mut Substitutions::new(&BTreeMap::from([("A".to_owned(), "\"text\"".to_owned())]))).unwrap();
        let (text, span) = only(&whole).unwrap();
        assert!(Written::read("${A}", span, text, &values).is_none(), "what stands elsewhere has no place here");
    }
}
