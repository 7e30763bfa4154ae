//! Parsing JSON text.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::{Array, Number, Object, Value};

/// How many arrays and objects may be nested in one text. The service's own limit is unknown; this one keeps the stack small
/// wherever a value is read, printed or dropped.
pub const DEPTH_MAX: usize = 127;

/// Why a text is not JSON, or not JSON that a [`Value`] can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// What is wrong, without the place.
    pub message: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1.
    pub column: usize,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at line {} column {}", self.message, self.line, self.column)
    }
}

impl std::error::Error for ParseError {}

impl Value {
    /// Reads JSON text: one value, with blanks around it.
    ///
    /// Of members with the same name the last counts, in the place of the first. `-0` is `0`.
    ///
    /// # Errors
    /// When the text is not JSON, is nested deeper than [`DEPTH_MAX`], or holds a number that 64 bits cannot hold.
    pub fn parse(text: &str) -> Result<Value, ParseError> {
        let context = Context::default();
        let mut reader = serde_json::Deserializer::from_str(text);
        let value = Seed(&context).deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
        let value = value.map_err(|error| ParseError::from_serde(&error, text))?;
        if context.large.into_inner() {
            refuse_long_integers(text)?;
        }
        Ok(value)
    }

    /// As [`Value::parse`], for text that may not be UTF-8.
    ///
    /// # Errors
    /// As [`Value::parse`], and when the text is not UTF-8.
    pub fn parse_bytes(text: &[u8]) -> Result<Value, ParseError> {
        match std::str::from_utf8(text) {
            Ok(text) => Self::parse(text),
            Err(error) => {
                let before = text.get(..error.valid_up_to()).unwrap_or_default();
                let (line, column) = place(before);
                Err(ParseError { message: "invalid UTF-8".to_owned(), line, column })
            }
        }
    }
}

impl<'de> serde::Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Seed(&Context::default()).deserialize(deserializer)
    }
}

impl ParseError {
    fn from_serde(error: &serde_json::Error, text: &str) -> Self {
        let words = error.to_string();
        let words = words.rsplit_once(" at line ").map_or(words.as_str(), |(message, _)| message);
        // Of a line break the parser says that it is before the first column of the line below.
        let (line, column) = match error.line().checked_sub(2).and_then(|above| text.split('\n').nth(above)) {
            Some(above) if error.column() == 0 => (error.line() - 1, above.len() + 1),
            _ => (error.line(), error.column().max(1)),
        };
        Self { message: plain(words), line, column }
    }
}

/// The words of the parser that read JSON, for people.
fn plain(words: &str) -> String {
    let plain = match words {
        "EOF while parsing a list" => "the text ends inside an array",
        "EOF while parsing an object" => "the text ends inside an object",
        "EOF while parsing a string" => "the text ends inside a string",
        "EOF while parsing a value" => "the text ends where a value should be",
        "expected ident" => "expected `true`, `false` or `null`",
        "expected value" => "expected a value",
        "key must be a string" => "expected a member's name in double quotes",
        "invalid escape" => "a string has an escape that JSON does not know",
        "lone leading surrogate in hex escape" | "unexpected end of hex escape" => "a `\\u` escape is half of a surrogate pair",
        "number out of range" => "a number is too large for 64 bits",
        "recursion limit exceeded" => return format!("nested more than {DEPTH_MAX} levels deep"),
        "trailing characters" => "there is more text after the value",
        words if words.starts_with("control character") => "a string has a control character that is not escaped",
        words => words,
    };
    plain.to_owned()
}

/// What one run of the parser shares: names seen before, and whether a number was too large for an integer.
struct Context {
    names: RefCell<Box<[Option<Arc<str>>; NAMES]>>,
    large: std::cell::Cell<bool>,
}

/// How many names are remembered, so that the objects of an array share theirs.
const NAMES: usize = 64;
/// Longer names are not remembered.
const NAME_BYTES_MAX: usize = 40;

impl Default for Context {
    fn default() -> Self {
        Self { names: RefCell::new(Box::new([const { None }; NAMES])), large: std::cell::Cell::new(false) }
    }
}

impl Context {
    fn name(&self, text: &str) -> Arc<str> {
        if text.is_empty() || text.len() > NAME_BYTES_MAX {
            return text.into();
        }
        let hash = text.bytes().fold(text.len(), |hash, byte| hash.wrapping_mul(31).wrapping_add(usize::from(byte)));
        let mut names = self.names.borrow_mut();
        match names.get_mut((hash ^ (hash >> 7)) % NAMES) {
            Some(Some(known)) if **known == *text => Arc::clone(known),
            Some(slot) => Arc::clone(slot.insert(text.into())),
            None => text.into(),
        }
    }
}

struct Seed<'c>(&'c Context);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        if value == 0.0 && value.is_sign_negative() {
            return Ok(Value::from(0_i64));
        }
        if value.abs() >= 9.2e18 {
            self.0.large.set(true);
        }
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element_seed(Seed(self.0))? {
            items.push(item);
        }
        Ok(Value::Array(Array::from(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Object::new();
        while let Some(name) = map.next_key_seed(NameSeed(self.0))? {
            let value = map.next_value_seed(Seed(self.0))?;
            object.insert(name, value);
        }
        u32::try_from(object.len()).map_err(|_| A::Error::custom("too many members"))?;
        Ok(Value::Object(object))
    }
}

struct NameSeed<'c>(&'c Context);

impl<'de> DeserializeSeed<'de> for NameSeed<'_> {
    type Value = Arc<str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Arc<str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NameSeed<'_> {
    type Value = Arc<str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Arc<str>, E> {
        Ok(self.0.name(name))
    }
}

/// Refuses integers that only a rounded floating-point number could stand for: whoever sent one would get another back.
fn refuse_long_integers(text: &str) -> Result<(), ParseError> {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut in_string = false;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if in_string => at += 1,
            b'"' => in_string = !in_string,
            b'-' | b'0'..=b'9' if !in_string => {
                let length =
                    bytes.iter().skip(at).take_while(|b| matches!(b, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')).count();
                let token = text.get(at..at + length).unwrap_or_default();
                if !token.contains(['.', 'e', 'E']) && token.parse::<i64>().is_err() && token.parse::<u64>().is_err() {
                    let (line, column) = place(bytes.get(..at).unwrap_or_default());
                    return Err(ParseError { message: format!("integer `{token}` is beyond 64 bits"), line, column });
                }
                at += length.max(1);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// Line and column, from 1, of what follows `before`.
fn place(before: &[u8]) -> (usize, usize) {
    let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|&&b| b != b'\n').count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(text: &str) {
        assert_eq!(Value::parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn what_is_compact_stays_as_it_is() {
        same(r#"{"b":[1,-2,1.5,true,false,null,"x\n\"ü"],"a":{}}"#);
        same("9223372036854775807");
        same("18446744073709551615");
        same("0.0");
        same("1.0");
    }

    #[test]
    fn of_equal_names_the_last_value_counts_in_the_place_of_the_first() {
        assert_eq!(Value::parse(r#"{"a":1,"b":2,"a":3}"#).unwrap().to_string(), r#"{"a":3,"b":2}"#);
        assert_eq!(Value::parse("-0").unwrap().to_string(), "0");
    }

    #[test]
    fn what_cannot_be_held_is_refused_with_its_place() {
        let error = Value::parse("{\n  \"a\": 18446744073709551616}").unwrap_err();
        assert_eq!((error.line, error.column), (2, 8));
        assert!(error.message.contains("18446744073709551616"), "{error}");
        assert!(Value::parse("1e400").is_err());
        assert!(Value::parse(r#""\ud800""#).is_err());
        assert!(Value::parse(r#"["1e30 is no number here", 1e30]"#).is_ok());
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(Value::parse(&deep(DEPTH_MAX)).unwrap().measure().depth, DEPTH_MAX);
        assert!(Value::parse(&deep(DEPTH_MAX + 1)).is_err());
        assert!(Value::parse(&"[".repeat(1_000_000)).is_err());
        assert_eq!(Value::parse_bytes(b"\"a\xff\"").unwrap_err().column, 3);
    }

    #[test]
    fn errors_are_plain_and_at_their_place() {
        let table = [
            ("{\"a\": tru\n}", "expected `true`, `false` or `null` at line 1 column 10"),
            ("{\"a\": nul}", "expected `true`, `false` or `null` at line 1 column 10"),
            ("{\"a\": 1\n", "the text ends inside an object at line 1 column 8"),
            ("{\"a\":\n\n", "the text ends where a value should be at line 2 column 1"),
            ("\n[1,\n2\n3]", "expected `,` or `]` at line 4 column 1"),
            ("[1", "the text ends inside an array at line 1 column 2"),
            ("\"abc", "the text ends inside a string at line 1 column 4"),
            ("{\"a\": \"x\ny\"}", "a string has a control character that is not escaped at line 1 column 9"),
            ("{a:1}", "expected a member's name in double quotes at line 1 column 2"),
            ("", "the text ends where a value should be at line 1 column 1"),
            ("x", "expected a value at line 1 column 1"),
            ("[1] x", "there is more text after the value at line 1 column 5"),
            ("[\"\\x\"]", "a string has an escape that JSON does not know at line 1 column 4"),
            ("[\"\\ud800\"]", "a `\\u` escape is half of a surrogate pair at line 1 column 9"),
            ("[1e400]", "a number is too large for 64 bits at line 1 column 6"),
            ("[1,]", "trailing comma at line 1 column 4"),
        ];
        for (text, message) in table {
            assert_eq!(Value::parse(text).unwrap_err().to_string(), message, "{text}");
        }
        let deep = Value::parse(&"[".repeat(DEPTH_MAX + 1)).unwrap_err();
        assert_eq!(deep.to_string(), "nested more than 127 levels deep at line 1 column 128");
    }
}
