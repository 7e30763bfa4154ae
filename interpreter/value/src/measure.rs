//! How large a value would be as text, and how deep it is.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::print;
use crate::{Number, Value};

/// The size of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// The length of the value as compact JSON text, in bytes of UTF-8.
    pub bytes: usize,
    /// How many arrays and objects are nested, the value's own included; 0 for anything else.
    pub depth: usize,
}

impl Value {
    /// The size of the value, without printing it. Arrays and objects remember the answer, so asking again is free, and asking
    /// after a change costs what the change touched.
    #[must_use]
    pub fn measure(&self) -> Measure {
        let bytes = match self {
            Self::Null => 4,
            Self::Bool(true) => 4,
            Self::Bool(false) => 5,
            Self::Number(number) => number_bytes(*number),
            Self::String(text) => string_bytes(text),
            Self::Array(array) => return array.measure(),
            Self::Object(object) => return object.measure(),
        };
        Measure { bytes, depth: 0 }
    }
}

/// A [`Measure`] that is known or not yet. Zero means unknown: no array or object is shorter than two bytes.
#[derive(Debug, Default)]
pub(crate) struct Known(AtomicU64);

const DEPTH_BITS: u32 = 16;

impl Known {
    pub(crate) fn get(&self) -> Option<Measure> {
        let packed = self.0.load(Ordering::Relaxed);
        (packed != 0).then_some(Measure {
            bytes: usize::try_from(packed >> DEPTH_BITS).unwrap_or(usize::MAX),
            depth: (packed & ((1 << DEPTH_BITS) - 1)) as usize,
        })
    }

    pub(crate) fn set(&self, measure: Measure) {
        let depth = (measure.depth as u64).min((1 << DEPTH_BITS) - 1);
        self.0.store(((measure.bytes as u64) << DEPTH_BITS) | depth, Ordering::Relaxed);
    }

    pub(crate) fn forget(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    pub(crate) fn or_measure(&self, measure: impl FnOnce() -> Measure) -> Measure {
        self.get().unwrap_or_else(|| {
            let measured = measure();
            self.set(measured);
            measured
        })
    }
}

impl Clone for Known {
    fn clone(&self) -> Self {
        Self(AtomicU64::new(self.0.load(Ordering::Relaxed)))
    }
}

/// The length of `text` as a JSON string, quotes included.
pub(crate) fn string_bytes(text: &str) -> usize {
    let mut bytes = text.len() + 2;
    for chunk in text.as_bytes().chunks(128) {
        let special = chunk.iter().fold(0_u8, |n, &b| n + u8::from(b < 0x20 || b == b'"' || b == b'\\'));
        if special > 0 {
            bytes += chunk
                .iter()
                .map(|&b| match b {
                    b'"' | b'\\' | 0x08 | 0x09 | 0x0a | 0x0c | 0x0d => 1,
                    0..=0x1f => 5,
                    _ => 0,
                })
                .sum::<usize>();
        }
    }
    bytes
}

fn number_bytes(number: Number) -> usize {
    match number {
        Number::Int(value) => digits(value.unsigned_abs()) + usize::from(value < 0),
        Number::Unsigned(value) => digits(value),
        Number::Float(value) => print::float_bytes(value),
    }
}

fn digits(value: u64) -> usize {
    value.checked_ilog10().map_or(1, |log| log as usize + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_text_cuts_no_character() {
        let value = Value::parse(r#"{"a":["é",1]}"#).unwrap();
        assert_eq!(value.beginning(100), r#"{"a":["é",1]}"#);
        assert_eq!((value.beginning(9), value.beginning(8)), (r#"{"a":["é"#.into(), r#"{"a":[""#.into()));
        assert_eq!(value.beginning(0), "");
    }

    #[test]
    fn a_measure_is_the_length_of_the_compact_text() {
        for text in [
            "null",
            "true",
            "false",
            "0",
            "-1",
            "-9223372036854775808",
            "18446744073709551615",
            "1.5",
            "1e300",
            r#""""#,
            r#""a\"b\\c\n\u0001ü""#,
            "[]",
            "{}",
            r#"[1,[2,[]],{"a":{"b":"c"}}]"#,
            "10",
            "9",
            "-10",
        ] {
            let value = Value::parse(text).unwrap();
            assert_eq!(value.measure().bytes, value.to_string().len(), "{text}");
            assert_eq!(value.measure().bytes, value.to_string().len(), "{text}, the second time");
        }
        assert_eq!(Value::parse(r#"[1,[2,[]],{"a":{"b":"c"}}]"#).unwrap().measure().depth, 3);
    }

    #[test]
    fn a_measure_follows_a_change() {
        let mut value = Value::parse(r#"{"a":[1,2],"b":"x"}"#).unwrap();
        let _ = value.measure();
        let object = value.as_object_mut().unwrap();
        object.insert("c".into(), Value::parse("[[[]]]").unwrap());
        assert_eq!(value.measure(), Value::parse(&value.to_string()).unwrap().measure());
        value.as_object_mut().unwrap().insert("c".into(), Value::Null);
        assert_eq!(value.measure(), Value::parse(&value.to_string()).unwrap().measure());
        value.as_object_mut().unwrap().remove("a");
        assert_eq!(value.measure(), Value::parse(&value.to_string()).unwrap().measure());
    }
}
