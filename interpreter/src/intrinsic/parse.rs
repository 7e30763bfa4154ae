//! The grammar of calls.
//!
//! ```text
//! call     = name "(" [ argument { "," argument } ] ")"
//! argument = string | number | "true" | "false" | "null" | path | call
//! ```
//!
//! Source: ASL specification, "Intrinsic Functions". That an escape other than the four refuses the definition, instead of failing
//! the execution as the specification has it, is recorded.

use statewright_value::Value;

use super::function::Function;
use super::{Argument, Invocation, NESTING_MAX, messages};
use crate::json_path::SyntaxError;
use crate::path::Path;

/// Parses a text that is one call.
pub(super) fn call(text: &str) -> Result<Invocation, SyntaxError> {
    let mut parser = Parser { text, at: 0 };
    parser.skip_blanks();
    let invocation = parser.invocation(1)?;
    parser.skip_blanks();
    if parser.rest().is_empty() { Ok(invocation) } else { Err(parser.error(messages::TRAILING)) }
}

struct Parser<'t> {
    text: &'t str,
    /// In bytes, always between two characters.
    at: usize,
}

impl<'t> Parser<'t> {
    fn invocation(&mut self, depth: usize) -> Result<Invocation, SyntaxError> {
        let start = self.at;
        let name = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'));
        if name.is_empty() {
            return Err(self.error(messages::NO_NAME));
        }
        let (function, count) =
            Function::named(name).ok_or_else(|| SyntaxError { message: messages::unknown_function(name), at: start })?;
        if depth > NESTING_MAX {
            return Err(SyntaxError { message: messages::nested_too_deeply(NESTING_MAX), at: start });
        }
        self.skip_blanks();
        if !self.eat('(') {
            return Err(self.error(messages::NO_OPENING));
        }
        let arguments = self.arguments(function, depth)?;
        if !count.contains(&arguments.len()) {
            return Err(SyntaxError { message: messages::wrong_count(name, &count, arguments.len()), at: start });
        }
        Ok(Invocation { function, arguments: arguments.into() })
    }

    /// The arguments and the closing parenthesis.
    fn arguments(&mut self, function: Function, depth: usize) -> Result<Vec<Argument>, SyntaxError> {
        let mut arguments = Vec::new();
        self.skip_blanks();
        if self.eat(')') {
            return Ok(arguments);
        }
        loop {
            self.skip_blanks();
            let is_template = function == Function::Format && arguments.is_empty();
            arguments.push(self.argument(is_template, depth)?);
            self.skip_blanks();
            if self.eat(')') {
                return Ok(arguments);
            }
            if !self.eat(',') {
                return Err(self.error(messages::NO_CLOSING));
            }
        }
    }

    fn argument(&mut self, is_template: bool, depth: usize) -> Result<Argument, SyntaxError> {
        match self.peek() {
            Some('\'') => {
                let raw = self.string()?;
                // A template's escapes tell braces from placeholders, so `States.Format` resolves them itself.
                let value = if is_template { Value::from(raw) } else { Value::from(unescape(raw)) };
                Ok(Argument::Literal(value))
            }
            Some('$') => {
                let start = self.at;
                let path = self.path()?;
                let path = Path::parse(path).map_err(|error| SyntaxError { at: start + error.at, ..error })?;
                Ok(Argument::Path(path))
            }
            Some('S') => self.invocation(depth + 1).map(Argument::Call),
            Some(_) => self.literal().map(Argument::Literal),
            None => Err(self.error(messages::NO_ARGUMENT)),
        }
    }

    /// What is between the quotes of a string, as written.
    fn string(&mut self) -> Result<&'t str, SyntaxError> {
        let open = self.at;
        let content = open + 1;
        let mut characters = self.text.get(content..).unwrap_or_default().char_indices();
        while let Some((offset, character)) = characters.next() {
            match character {
                '\'' => {
                    self.at = content + offset + 1;
                    return Ok(self.text.get(content..content + offset).unwrap_or_default());
                }
                '\\' => match characters.next() {
                    Some((_, escaped)) if is_escapable(escaped) => {}
                    _ => return Err(SyntaxError { message: messages::ILLEGAL_ESCAPE.to_owned(), at: content + offset }),
                },
                _ => {}
            }
        }
        Err(SyntaxError { message: messages::OPEN_STRING.to_owned(), at: open })
    }

    /// A path: everything up to the comma or parenthesis that is not in its brackets or parentheses.
    fn path(&mut self) -> Result<&'t str, SyntaxError> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                None | Some(',' | ')') if depth == 0 => break,
                None => return Err(SyntaxError { message: messages::OPEN_PATH.to_owned(), at: start }),
                Some('[' | '(') => depth += 1,
                Some(']' | ')') => depth = depth.saturating_sub(1),
                // An apostrophe in a member's name after a dot opens nothing.
                Some(quote @ ('\'' | '"')) if depth > 0 => self.skip_to(quote, start)?,
                Some(_) => {}
            }
            self.bump();
        }
        Ok(self.text.get(start..self.at).unwrap_or_default().trim_end())
    }

    /// From the character that opens something to the `close` of it, passing over what is escaped.
    fn skip_to(&mut self, close: char, path: usize) -> Result<(), SyntaxError> {
        loop {
            self.bump();
            match self.peek() {
                Some('\\') => self.bump(),
                Some(character) if character == close => return Ok(()),
                Some(_) => {}
                None => return Err(SyntaxError { message: messages::OPEN_PATH.to_owned(), at: path }),
            }
        }
    }

    /// A number, `true`, `false` or `null`.
    fn literal(&mut self) -> Result<Value, SyntaxError> {
        let start = self.at;
        let text = self.take_while(|c| !matches!(c, ',' | ')' | '(' | '\'') && !is_blank(c));
        let error = |message| SyntaxError { message, at: start };
        if text.is_empty() {
            return Err(error(messages::NO_ARGUMENT.to_owned()));
        }
        match Value::parse(text) {
            Ok(value @ (Value::Null | Value::Bool(_) | Value::Number(_))) => Ok(value),
            Ok(Value::String(_) | Value::Array(_) | Value::Object(_)) | Err(_) => Err(error(messages::not_a_literal(text))),
        }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }

    fn eat(&mut self, character: char) -> bool {
        let is_there = self.peek() == Some(character);
        if is_there {
            self.bump();
        }
        is_there
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let taken = rest.find(|c| !belongs(c)).map_or(rest, |end| rest.get(..end).unwrap_or_default());
        self.at += taken.len();
        taken
    }

    fn skip_blanks(&mut self) {
        self.take_while(is_blank);
    }

    fn error(&self, message: &str) -> SyntaxError {
        SyntaxError { message: message.to_owned(), at: self.at }
    }
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

/// Whether a backslash may stand before the character.
pub(super) fn is_escapable(character: char) -> bool {
    matches!(character, '\'' | '{' | '}' | '\\')
}

/// A string without the backslashes of its escapes.
fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut characters = raw.chars();
    while let Some(character) = characters.next() {
        text.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    text
}
