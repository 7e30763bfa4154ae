//! Printing: compact JSON text. Numbers are printed here and nowhere else.

use std::fmt;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use crate::{Number, Value};

impl Value {
    /// Appends the value as compact JSON text.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        // A vector takes every write, and a value has no keys but strings: serialising cannot fail.
        let _ = serde_json::to_writer(out, self);
    }

    /// The beginning of the value as compact JSON text, in so many bytes at most: it takes no longer for a large value than for a small
    /// one.
    #[must_use]
    pub fn beginning(&self, bytes_max: usize) -> String {
        let mut out = Beginning { text: Vec::new(), bytes_max };
        // It fails when there is enough.
        let _ = serde_json::to_writer(&mut out, self);
        let mut text = out.text;
        if let Err(error) = std::str::from_utf8(&text) {
            text.truncate(error.valid_up_to());
        }
        String::from_utf8(text).unwrap_or_default()
    }
}

/// Takes so many bytes and no more.
struct Beginning {
    text: Vec<u8>,
    bytes_max: usize,
}

impl std::io::Write for Beginning {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let room = self.bytes_max - self.text.len();
        self.text.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        if bytes.len() > room { Err(std::io::ErrorKind::WriteZero.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl fmt::Display for Value {
    /// Compact JSON text: no spaces, members in their order.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::with_capacity(self.measure().bytes);
        self.write_to(&mut out);
        f.write_str(std::str::from_utf8(&out).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => {
                let mut sequence = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    sequence.serialize_element(item)?;
                }
                sequence.end()
            }
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (key, value) in members.iter() {
                    map.serialize_entry(&**key, value)?;
                }
                map.end()
            }
        }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Int(value) => serializer.serialize_i64(value),
            Self::Unsigned(value) => serializer.serialize_u64(value),
            Self::Float(value) => serializer.serialize_f64(value),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Int(value) => value.fmt(f),
            Self::Unsigned(value) => value.fmt(f),
            Self::Float(value) => f.write_str(&float(value)),
        }
    }
}

/// A finite floating-point number as JSON: the fewest digits that give the same number back, always with a point or an exponent.
pub(crate) fn float(value: f64) -> String {
    serde_json::to_string(&value).unwrap_or_default()
}

/// The length of [`float`]'s answer.
pub(crate) fn float_bytes(value: f64) -> usize {
    let mut count = Count(0);
    // Counting cannot fail.
    let _ = serde_json::to_writer(&mut count, &value);
    count.0
}

struct Count(usize);

impl std::io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
