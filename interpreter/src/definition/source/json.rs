//! JSON with positions. Messages are Jackson's, which the service answers with.

use std::sync::Arc;

use statewright_value::{DEPTH_MAX, Number};

use super::substitution::{Substitutions, leading};
use super::{Bytes, Kind, Member, Node, Refusal, Style, Text};

/// Reads one JSON value with blanks around it. A byte order mark before it is skipped.
pub(super) fn parse(text: &str, substitutions: &mut Substitutions<'_>) -> Result<Node, Refusal> {
    let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut parser = Parser { text, at, depth: 0, substitutions };
    parser.skip_blanks();
    let node = parser.value()?;
    parser.skip_blanks();
    match parser.peek() {
        None => Ok(node),
        // Jackson looks at what follows as at another value.
        Some(_) => parser.value().and_then(|more| {
            Err(Refusal::Syntax {
                message: "Trailing token found after the value".to_owned(),
                span: more.span,
                noticed_at: more.span.start,
            })
        }),
    }
}

struct Parser<'t, 's, 'o> {
    text: &'t str,
    at: usize,
    depth: usize,
    substitutions: &'s mut Substitutions<'o>,
}

type Parsed<T> = Result<T, Refusal>;

impl<'t> Parser<'t, '_, '_> {
    fn value(&mut self) -> Parsed<Node> {
        let start = self.at;
        let kind = match self.peek() {
            Some(b'{') => self.object()?,
            Some(b'[') => self.array()?,
            Some(b'"') => Kind::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'$') if leading(self.rest()).is_some() => self.placeholder()?,
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80 => self.word()?,
            Some(_) => {
                return Err(self
                    .unexpected("expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"));
            }
            None => return Err(self.end_of_input("")),
        };
        Ok(Node { kind, span: Bytes::new(start, self.at) })
    }

    fn object(&mut self) -> Parsed<Kind> {
        let open = self.open()?;
        let mut members = Vec::new();
        self.skip_blanks();
        if !self.eat(b'}') {
            loop {
                self.skip_blanks();
                let start = self.at;
                match self.peek() {
                    Some(b'"') => {}
                    None => return Err(self.unclosed("Object", open)),
                    Some(_) => return Err(self.unexpected("was expecting double-quote to start field name")),
                }
                let key = self.string()?;
                let key_span = Bytes::new(start, self.at);
                self.skip_blanks();
                if !self.eat(b':') {
                    return Err(self.unexpected_or_end("was expecting a colon to separate field name and value", "Object", open));
                }
                self.skip_blanks();
                let value = self.value()?;
                members.push(Member { key: key.text, key_span, value });
                self.skip_blanks();
                if self.eat(b',') {
                    continue;
                }
                if self.eat(b'}') {
                    break;
                }
                return Err(self.unexpected_or_end("was expecting comma to separate Object entries", "Object", open));
            }
        }
        self.depth -= 1;
        Ok(Kind::Object(members))
    }

    fn array(&mut self) -> Parsed<Kind> {
        let open = self.open()?;
        let mut items = Vec::new();
        self.skip_blanks();
        if !self.eat(b']') {
            loop {
                self.skip_blanks();
                if self.peek().is_none() {
                    return Err(self.unclosed("Array", open));
                }
                items.push(self.value()?);
                self.skip_blanks();
                if self.eat(b',') {
                    continue;
                }
                if self.eat(b']') {
                    break;
                }
                return Err(self.unexpected_or_end("was expecting comma to separate Array entries", "Array", open));
            }
        }
        self.depth -= 1;
        Ok(Kind::Array(items))
    }

    /// Enters an array or object and answers where it begins.
    fn open(&mut self) -> Parsed<usize> {
        let open = self.at;
        self.at += 1;
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err(Refusal::TooDeep(Bytes::new(open, self.at))) } else { Ok(open) }
    }

    fn string(&mut self) -> Parsed<Text> {
        let start = self.at;
        self.at += 1;
        let plain = self.rest().bytes().position(|byte| byte == b'"' || byte == b'\\' || byte < b' ');
        let Some(length) = plain else { return Err(self.unclosed_string(start)) };
        let first = self.rest().get(..length).unwrap_or_default();
        self.at += length;
        if self.eat(b'"') {
            return Ok(self.text(first));
        }
        let mut text = first.to_owned();
        loop {
            match self.peek() {
                None => return Err(self.unclosed_string(start)),
                Some(b'"') => break,
                Some(b'\\') => text.push(self.escape(start)?),
                Some(byte) if byte < b' ' => {
                    return Err(self.error(format!(
                        "Illegal unquoted character ((CTRL-CHAR, code {byte})): has to be escaped using backslash to be included in string value"
                    )));
                }
                Some(_) => {
                    let rest = self.rest();
                    let length = rest.bytes().position(|byte| byte == b'"' || byte == b'\\' || byte < b' ').unwrap_or(rest.len());
                    text.push_str(rest.get(..length).unwrap_or_default());
                    self.at += length;
                }
            }
        }
        self.at += 1;
        Ok(self.text(&text))
    }

    fn text(&mut self, text: &str) -> Text {
        if !text.contains("${") {
            return Text { text: text.into(), unresolved: false, style: Style::DoubleQuoted };
        }
        let (text, unresolved) = self.substitutions.replace(text);
        Text { text: Arc::from(&*text), unresolved, style: Style::DoubleQuoted }
    }

    fn escape(&mut self, string: usize) -> Parsed<char> {
        self.at += 1;
        let Some(character) = self.rest().chars().next() else { return Err(self.unclosed_string(string)) };
        let plain = match character {
            '"' | '\\' | '/' => character,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.unicode_escape(string),
            other => {
                self.at += other.len_utf8();
                return Err(self.error(format!("Unrecognized character escape {}", named(other))));
            }
        };
        self.at += 1;
        Ok(plain)
    }

    /// `\uXXXX`, two of them for a surrogate pair. Half a pair, which no text can hold, becomes U+FFFD.
    fn unicode_escape(&mut self, string: usize) -> Parsed<char> {
        let high = self.hex(string)?;
        if !(0xd800..0xdc00).contains(&high) {
            return Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let behind = self.at;
        if self.eat(b'\\') && self.peek() == Some(b'u') {
            let low = self.hex(string)?;
            if (0xdc00..0xe000).contains(&low) {
                return Ok(
                    char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)).unwrap_or(char::REPLACEMENT_CHARACTER)
                );
            }
        }
        self.at = behind;
        Ok(char::REPLACEMENT_CHARACTER)
    }

    /// The four digits behind the `u` this stands at.
    fn hex(&mut self, string: usize) -> Parsed<u32> {
        self.at += 1;
        let mut code = 0;
        for _ in 0..4 {
            let Some(character) = self.rest().chars().next() else { return Err(self.unclosed_string(string)) };
            let Some(digit) = character.to_digit(16) else {
                return Err(self.unexpected("expected a hex-digit for character escape sequence"));
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }

    fn number(&mut self) -> Parsed<Kind> {
        let start = self.at;
        let negative = self.eat(b'-');
        let digits = self.digits();
        if digits == 0 {
            let what = if negative {
                "expected digit (0-9) to follow minus sign, for valid numeric value"
            } else {
                "expected digit (0-9)"
            };
            return Err(self.unexpected_or_end_in_number(what));
        }
        let whole = self.text.get(start..self.at).unwrap_or_default();
        if digits > 1 && whole.trim_start_matches('-').starts_with('0') {
            return Err(self.error("Invalid numeric value: Leading zeroes not allowed".to_owned()));
        }
        let mut is_integer = true;
        if self.eat(b'.') {
            is_integer = false;
            if self.digits() == 0 {
                return Err(self.unexpected_or_end_in_number("Decimal point not followed by a digit"));
            }
        }
        if self.eat(b'e') || self.eat(b'E') {
            is_integer = false;
            let _ = self.eat(b'+') || self.eat(b'-');
            if self.digits() == 0 {
                return Err(self.unexpected_or_end_in_number("Exponent indicator not followed by a digit"));
            }
        }
        if self.peek().is_some_and(|byte| !matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n')) {
            return Err(self.unexpected("Expected space separating root-level values"));
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        number(text, is_integer).map(Kind::Number).ok_or_else(|| self.error(format!("Numeric value ({text}) out of range")))
    }

    fn digits(&mut self) -> usize {
        let count = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        self.at += count;
        count
    }

    fn word(&mut self) -> Parsed<Kind> {
        let start = self.at;
        let rest = self.rest();
        let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or_default();
        self.at += length;
        match word {
            "null" => Ok(Kind::Null),
            "true" => Ok(Kind::Bool(true)),
            "false" => Ok(Kind::Bool(false)),
            _ => {
                // Jackson quotes 256 characters at most, and stands behind the word when it notices.
                let shown: String = word.chars().take(256).collect();
                let dots = if shown.len() < word.len() { "..." } else { "" };
                Err(Refusal::Syntax {
                    message: format!(
                        "Unrecognized token '{shown}{dots}': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
                    ),
                    span: Bytes::new(start, self.at),
                    noticed_at: self.at,
                })
            }
        }
    }

    /// A bare `${Name}` where a value belongs: the text becomes JSON only once it is replaced.
    fn placeholder(&mut self) -> Parsed<Kind> {
        let start = self.at;
        let Some((length, name)) = leading(self.rest()) else { return Err(self.end_of_input("")) };
        let whole: &'t str = self.text.get(start..start + length).unwrap_or_default();
        self.at += length;
        let Some(value) = self.substitutions.value(name) else {
            return Ok(Kind::Text(Text { text: whole.into(), unresolved: true, style: Style::Plain }));
        };
        let none = std::collections::BTreeMap::new();
        let mut inner = Parser { text: value, at: 0, depth: self.depth, substitutions: &mut Substitutions::new(&none) };
        inner.skip_blanks();
        let parsed = inner.value().and_then(|node| {
            inner.skip_blanks();
            if inner.peek().is_none() { Ok(node) } else { Err(inner.unexpected("was expecting comma to separate Object entries")) }
        });
        let here = Bytes::new(start, self.at);
        match parsed {
            Ok(mut node) => {
                place_all(&mut node, here);
                Ok(node.kind)
            }
            Err(Refusal::Syntax { message, .. }) => Err(Refusal::Syntax { message, span: here, noticed_at: start }),
            Err(Refusal::TooDeep(_)) => Err(Refusal::TooDeep(here)),
        }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn skip_blanks(&mut self) {
        let blanks = self.rest().bytes().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
        self.at += blanks;
    }

    /// An error at the character this stands at.
    fn unexpected(&self, expected: &str) -> Refusal {
        match self.rest().chars().next() {
            Some(character) => {
                let end = self.at + character.len_utf8();
                Refusal::Syntax {
                    message: format!("Unexpected character ({}): {expected}", named(character)),
                    span: Bytes::new(self.at, end),
                    noticed_at: self.at,
                }
            }
            None => self.end_of_input(""),
        }
    }

    fn unexpected_or_end(&self, expected: &str, what: &str, open: usize) -> Refusal {
        if self.peek().is_none() { self.unclosed(what, open) } else { self.unexpected(expected) }
    }

    fn unexpected_or_end_in_number(&self, expected: &str) -> Refusal {
        if self.peek().is_none() { self.end_of_input(" in a Number value") } else { self.unexpected(expected) }
    }

    fn unclosed(&self, what: &str, open: usize) -> Refusal {
        let before = self.text.get(..open).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        self.end_of_input(&format!(
            ": expected close marker for {what} (start marker at [Source: (String); line: {line}, column: {column}])"
        ))
    }

    fn unclosed_string(&mut self, start: usize) -> Refusal {
        self.at = self.text.len();
        let refusal = self.end_of_input(": was expecting closing quote for a string value");
        match refusal {
            Refusal::Syntax { message, noticed_at, .. } => {
                Refusal::Syntax { message, span: Bytes::new(start, start + 1), noticed_at }
            }
            Refusal::TooDeep(span) => Refusal::TooDeep(span),
        }
    }

    fn end_of_input(&self, tail: &str) -> Refusal {
        let end = self.text.len();
        Refusal::Syntax { message: format!("Unexpected end-of-input{tail}"), span: Bytes::new(end, end), noticed_at: end }
    }

    fn error(&self, message: String) -> Refusal {
        Refusal::Syntax { message, span: Bytes::new(self.at, self.at), noticed_at: self.at }
    }
}

/// The number a JSON number text stands for. An integer that 64 bits cannot hold is none.
pub(super) fn number(text: &str, is_integer: bool) -> Option<Number> {
    if is_integer {
        let signed = text.parse::<i64>().map(Number::from);
        return signed.or_else(|_| text.parse::<u64>().map(Number::from)).ok();
    }
    text.parse::<f64>().ok().and_then(Number::from_f64)
}

/// A character as Jackson names it.
fn named(character: char) -> String {
    let code = u32::from(character);
    if character.is_control() { format!("(CTRL-CHAR, code {code})") } else { format!("'{character}' (code {code})") }
}

/// Gives every node the same place.
fn place_all(node: &mut Node, span: Bytes) {
    node.span = span;
    match &mut node.kind {
        Kind::Array(items) => items.iter_mut().for_each(|item| place_all(item, span)),
        Kind::Object(members) => members.iter_mut().for_each(|member| {
            member.key_span = span;
            place_all(&mut member.value, span);
        }),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => {}
    }
}
