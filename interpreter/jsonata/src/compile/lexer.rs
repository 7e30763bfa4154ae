//! From text to tokens.

use std::borrow::Cow;

use statewright_value::Value;

use crate::Error;
use crate::number::Num;
use crate::regex::Regex;

/// A token and where it starts.
#[derive(Debug)]
pub(super) struct Token<'t> {
    pub(super) kind: TokenKind<'t>,
    pub(super) position: usize,
}

#[derive(Debug)]
pub(super) enum TokenKind<'t> {
    /// An operator or a punctuation mark, `and`, `or` and `in`.
    Operator(&'static str),
    Name(Cow<'t, str>),
    /// Without its `$`.
    Variable(&'t str),
    String(Cow<'t, str>),
    Number(Num),
    True,
    False,
    Null,
    Regex(Box<Regex>),
    End,
}

impl TokenKind<'_> {
    /// As an error holds it: the value that is written out, or a text.
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Number(number) => number.to_value(),
            Self::True => Value::Bool(true),
            Self::False => Value::Bool(false),
            Self::Null => Value::Null,
            _ => Value::from(&*self.text()),
        }
    }

    /// As an error shows it.
    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Operator(text) => Cow::Borrowed(text),
            Self::Name(text) | Self::String(text) => Cow::Borrowed(text),
            Self::Variable(name) => Cow::Borrowed(name),
            Self::Number(number) => Cow::Owned(number.text()),
            Self::True => Cow::Borrowed("true"),
            Self::False => Cow::Borrowed("false"),
            Self::Null => Cow::Borrowed("null"),
            Self::Regex(_) => Cow::Borrowed("/"),
            Self::End => Cow::Borrowed("(end)"),
        }
    }
}

/// All operators, the longer ones first.
///
/// `??` and `?:` are newer than what Step Functions knows: there they are a `?` and something that cannot follow it.
const OPERATORS: &[&str] = &[
    "..", ":=", "!=", ">=", "<=", "**", "~>", ".", "[", "]", "{", "}", "(", ")", ",", "@", "#", ";", ":", "?", "+", "-", "*", "/",
    "%", "|", "=", "<", ">", "^", "&", "!", "~",
];

fn operator_at(rest: &str) -> Option<&'static str> {
    let first = rest.bytes().next()?;
    // No name starts with one of these, so that names, which are many, are told apart by one look.
    if first.is_ascii_alphanumeric() || first >= 0x80 || matches!(first, b'$' | b'_' | b'"' | b'\'' | b'`' | b'\\') {
        return None;
    }
    OPERATORS.iter().find(|operator| rest.starts_with(**operator)).copied()
}

fn is_operator_character(byte: u8) -> bool {
    matches!(
        byte,
        b'.' | b'['
            | b']'
            | b'{'
            | b'}'
            | b'('
            | b')'
            | b','
            | b'@'
            | b'#'
            | b';'
            | b':'
            | b'?'
            | b'+'
            | b'-'
            | b'*'
            | b'/'
            | b'%'
            | b'|'
            | b'='
            | b'<'
            | b'>'
            | b'^'
            | b'&'
            | b'!'
            | b'~'
    )
}

/// Reads tokens one by one.
pub(super) struct Lexer<'t> {
    text: &'t str,
    position: usize,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, position: 0 }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.position..).unwrap_or("")
    }

    /// The next token. `operand_before`: a slash divides, as an operand stands before it; otherwise it opens a regular expression.
    pub(super) fn next(&mut self, operand_before: bool) -> Result<Token<'t>, Error> {
        self.skip_blanks()?;
        let position = self.position;
        let kind = self.scan(operand_before).map_err(|error| error.at(position))?;
        Ok(Token { kind, position })
    }

    fn skip_blanks(&mut self) -> Result<(), Error> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{b}']);
            self.position += rest.len() - trimmed.len();
            let Some(comment) = trimmed.strip_prefix("/*") else { return Ok(()) };
            let end = comment.find("*/").ok_or_else(|| Error::new("S0106").at(self.position))?;
            self.position += end + 4;
        }
    }

    fn scan(&mut self, operand_before: bool) -> Result<TokenKind<'t>, Error> {
        let rest = self.rest();
        let Some(first) = rest.bytes().next() else { return Ok(TokenKind::End) };
        if first == b'/' && !operand_before {
            self.position += 1;
            return self.regex();
        }
        if let Some(operator) = operator_at(rest) {
            self.position += operator.len();
            return match operator {
                "!" | "~" => Err(Error::new("S0204").token(operator)),
                operator => Ok(TokenKind::Operator(operator)),
            };
        }
        match first {
            b'"' | b'\'' => self.string(first),
            b'`' => {
                let name = rest.get(1..).unwrap_or("");
                let end = name.find('`').ok_or_else(|| Error::new("S0105"))?;
                self.position += end + 2;
                Ok(TokenKind::Name(Cow::Borrowed(name.get(..end).unwrap_or(""))))
            }
            b'0'..=b'9' => self.number(),
            _ => Ok(self.name()),
        }
    }

    fn name(&mut self) -> TokenKind<'t> {
        let rest = self.rest();
        let end = rest
            .bytes()
            .position(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0xb) || is_operator_character(byte))
            .unwrap_or(rest.len());
        self.position += end;
        let name = rest.get(..end).unwrap_or("");
        match name.strip_prefix('$') {
            Some(variable) => TokenKind::Variable(variable),
            None => match name {
                "and" => TokenKind::Operator("and"),
                "or" => TokenKind::Operator("or"),
                "in" => TokenKind::Operator("in"),
                "true" => TokenKind::True,
                "false" => TokenKind::False,
                "null" => TokenKind::Null,
                name => TokenKind::Name(Cow::Borrowed(name)),
            },
        }
    }

    fn number(&mut self) -> Result<TokenKind<'t>, Error> {
        let rest = self.rest();
        let length = number_length(rest.as_bytes());
        self.position += length;
        let text = rest.get(..length).unwrap_or("0");
        match Num::parse(text) {
            Some(number) => Ok(TokenKind::Number(number)),
            None => Err(Error::new("S0102").token(text)),
        }
    }

    fn string(&mut self, quote: u8) -> Result<TokenKind<'t>, Error> {
        let start = self.position + 1;
        let text = self.text.get(start..).unwrap_or("");
        let plain = text.bytes().position(|byte| byte == quote || byte == b'\\').ok_or_else(|| Error::new("S0101"))?;
        let before = text.get(..plain).unwrap_or("");
        if text.as_bytes().get(plain) == Some(&quote) {
            self.position = start + plain + 1;
            return Ok(TokenKind::String(Cow::Borrowed(before)));
        }
        let mut out = String::from(before);
        let mut rest = text.get(plain..).unwrap_or("").chars();
        loop {
            match rest.next().ok_or_else(|| Error::new("S0101"))? {
                '\\' => escape(&mut rest, &mut out)?,
                c if c == char::from(quote) => break,
                c => out.push(c),
            }
        }
        self.position = self.text.len() - rest.as_str().len();
        Ok(TokenKind::String(Cow::Owned(out)))
    }

    /// A regular expression, whose opening slash is read: up to a slash that is neither escaped nor inside brackets.
    fn regex(&mut self) -> Result<TokenKind<'t>, Error> {
        let rest = self.rest();
        let (mut depth, mut escaped) = (0_i32, false);
        let end = rest.bytes().position(|byte| {
            match byte {
                b'/' if depth == 0 && !escaped => return true,
                b'(' | b'[' | b'{' if !escaped => depth += 1,
                b')' | b']' | b'}' if !escaped => depth -= 1,
                _ => {}
            }
            escaped = byte == b'\\' && !escaped;
            false
        });
        let end = end.ok_or_else(|| Error::new("S0302"))?;
        let pattern = rest.get(..end).unwrap_or("");
        if pattern.is_empty() {
            return Err(Error::new("S0301"));
        }
        let after = rest.get(end + 1..).unwrap_or("");
        let flags = after.bytes().take_while(|byte| matches!(byte, b'i' | b'm')).count();
        self.position += end + 1 + flags;
        let flags = after.get(..flags).unwrap_or("");
        Ok(TokenKind::Regex(Box::new(Regex::compile(pattern, flags.contains('i'), flags.contains('m'))?)))
    }
}

/// What follows a backslash in a string.
fn escape(rest: &mut std::str::Chars<'_>, out: &mut String) -> Result<(), Error> {
    let c = rest.next().ok_or_else(|| Error::new("S0103").token(""))?;
    out.push(match c {
        '"' | '\\' | '/' => c,
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => {
            let unit = hex4(rest)?;
            return unicode(unit, rest, out);
        }
        c => return Err(Error::new("S0103").token(c.encode_utf8(&mut [0; 4]))),
    });
    Ok(())
}

/// Adds the character of a UTF-16 unit, together with its other half if that follows. Half a character becomes U+FFFD.
fn unicode(unit: u32, rest: &mut std::str::Chars<'_>, out: &mut String) -> Result<(), Error> {
    if (0xd800..0xdc00).contains(&unit) {
        let mut ahead = rest.clone();
        if ahead.next() == Some('\\') && ahead.next() == Some('u') {
            let low = hex4(&mut ahead)?;
            if (0xdc00..0xe000).contains(&low) {
                *rest = ahead;
                let c = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                out.push(char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER));
                return Ok(());
            }
        }
    }
    out.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
    Ok(())
}

fn hex4(rest: &mut std::str::Chars<'_>) -> Result<u32, Error> {
    (0..4).try_fold(0, |sum, _| {
        let digit = rest.next().and_then(|c| c.to_digit(16)).ok_or_else(|| Error::new("S0104"))?;
        Ok(sum * 16 + digit)
    })
}

/// How many of `bytes`, which start with a digit, are a number of JSON's.
fn number_length(bytes: &[u8]) -> usize {
    let digits = |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let mut length = if bytes.first() == Some(&b'0') { 1 } else { digits(0) };
    if bytes.get(length) == Some(&b'.') {
        let fraction = digits(length + 1);
        if fraction > 0 {
            length += 1 + fraction;
        }
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits(length + 1 + sign);
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    length
}
