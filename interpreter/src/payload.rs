//! Payloads: JSON with a name, written down once.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use statewright_value::{ParseError, Value};

/// JSON text that was parsed once. Where its text is not the compact one, the text is kept: what no state works on is handed on as
/// it came in, blanks included.
///
/// Source: rule `raw-text` of the rule table.
#[derive(Clone, Debug, Default)]
pub struct Document {
    value: Value,
    text: Option<Arc<Text>>,
}

/// How a document is printed when that is not simply its value's compact text.
#[derive(Debug)]
enum Text {
    /// As it came in.
    Raw(Box<str>),
    /// The texts of these, as an array: the output of a Parallel or Map.
    Joined(Box<[Payload]>),
}

/// A document that an execution names by a number. Frames, results and the history refer to it; its bytes are stored once.
#[derive(Clone, Debug, Default)]
pub struct Payload {
    id: PayloadId,
    document: Document,
}

/// The number of a payload, unique in its execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct PayloadId(pub u32);

impl Document {
    /// Reads JSON text and keeps it as it is.
    ///
    /// # Errors
    /// When it is not JSON that a [`Value`] can hold.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let value = Value::parse(text)?;
        let raw = (!is_compact(text, &value)).then(|| Arc::new(Text::Raw(text.into())));
        Ok(Self { value, text: raw })
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The length of its text in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self.text.as_deref() {
            None => self.value.measure().bytes,
            Some(Text::Raw(text)) => text.len(),
            Some(Text::Joined(parts)) => {
                2 + parts.len().saturating_sub(1) + parts.iter().map(|part| part.document.bytes()).sum::<usize>()
            }
        }
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self.text.as_deref() {
            Some(Text::Raw(text)) => Cow::Borrowed(text),
            None | Some(Text::Joined(_)) => {
                let mut out = Vec::with_capacity(self.bytes());
                self.write_to(&mut out);
                Cow::Owned(String::from_utf8(out).unwrap_or_default())
            }
        }
    }

    /// Appends its text.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        match self.text.as_deref() {
            None => self.value.write_to(out),
            Some(Text::Raw(text)) => out.extend_from_slice(text.as_bytes()),
            Some(Text::Joined(parts)) => {
                out.push(b'[');
                for (at, part) in parts.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    part.document.write_to(out);
                }
                out.push(b']');
            }
        }
    }

    /// The array of what `parts` hold, as the output of a Parallel or Map. It is stored as their numbers.
    pub(crate) fn join(parts: Vec<Payload>) -> Self {
        let value = parts.iter().map(|part| part.document.value.clone()).collect();
        Self { value, text: Some(Arc::new(Text::Joined(parts.into()))) }
    }

    /// The payloads this one is made of, if it is a joined one.
    pub(crate) fn parts(&self) -> Option<&[Payload]> {
        match self.text.as_deref() {
            Some(Text::Joined(parts)) => Some(parts),
            None | Some(Text::Raw(_)) => None,
        }
    }
}

impl From<Value> for Document {
    fn from(value: Value) -> Self {
        Self { value, text: None }
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// Whether `text` is what printing `value` gives.
fn is_compact(text: &str, value: &Value) -> bool {
    // Blanks, repeated names and long ways to write a number only make a text longer than the compact one. Only escapes and
    // exponents may make it shorter; without them a text of the same length is the same text.
    text.len() == value.measure().bytes && (!may_be_shorter(text.as_bytes()) || text == value.to_string())
}

/// Whether there is a backslash or what may be a number's exponent.
fn may_be_shorter(text: &[u8]) -> bool {
    let suspect = |before: u8, byte: u8| byte == b'\\' || (byte | 0x20 == b'e' && before.is_ascii_digit());
    let (mut chunk_start, mut last) = (0, 0);
    for chunk in text.chunks(256) {
        let rest = chunk.get(1..).unwrap_or_default();
        let first = chunk.first().is_some_and(|&byte| suspect(last, byte));
        // Without a branch, so that many bytes are looked at together.
        let found = chunk.iter().zip(rest).fold(u8::from(first), |found, (&before, &byte)| found | u8::from(suspect(before, byte)));
        if found != 0 {
            let at = chunk.iter().enumerate().filter(|(_, byte)| matches!(byte, b'\\' | b'e' | b'E'));
            if at.into_iter().any(|(at, &byte)| byte == b'\\' || is_exponent(text, chunk_start + at)) {
                return true;
            }
        }
        last = chunk.last().copied().unwrap_or(0);
        chunk_start += chunk.len();
    }
    false
}

/// Whether the letter at `at` may be an exponent's: what is before it back to a separator could be a number.
fn is_exponent(text: &[u8], at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let mut number = before.iter().rev().skip_while(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-'));
    before.last().is_some_and(u8::is_ascii_digit)
        && number.next().is_none_or(|byte| matches!(byte, b'[' | b',' | b':' | b' ' | b'\t' | b'\n' | b'\r'))
}

impl Payload {
    pub(crate) fn new(id: PayloadId, document: Document) -> Self {
        Self { id, document }
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> PayloadId {
        self.id
    }

    /// The document.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.document.value
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        self.document.text()
    }
}

/// What a state makes on its way from input to output: a payload it handed on untouched, or a new value.
#[derive(Clone, Debug)]
pub(crate) enum Datum {
    /// Untouched: keeps its number and its text.
    Payload(Payload),
    /// New.
    Value(Value),
}

impl Datum {
    pub(crate) fn value(&self) -> &Value {
        match self {
            Self::Payload(payload) => payload.value(),
            Self::Value(value) => value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_not_compact_is_kept() {
        for text in ["[1, 2]", " 1", "1E2", r#""\u00e9""#, r#""\/""#, r#"{"a":1,"a":2}"#, "[1.50]", "[1e2,  ]x"] {
            if let Ok(document) = Document::parse(text) {
                assert_eq!(document.text(), text);
                assert_eq!(document.bytes(), text.len());
                assert!(document.text.is_some(), "{text}");
            }
        }
        for text in ["[1,2]", r#"{"id":"5e0c-9e4d","n":[0.5,"x3e"]}"#, r#"{"a":"e.g. \n"}"#, "1.5", r#""é""#] {
            let document = Document::parse(text).unwrap();
            assert!(document.text.is_none(), "{text}");
            assert_eq!(document.text(), text);
        }
    }
}
