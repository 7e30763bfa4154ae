//! Values as text, and as true or false.

use crate::Error;
use crate::item::{Doc, Members, Val};
use crate::meter::Meter;
use crate::number::Num;
use crate::sequence::Items;

impl<'e> Val<'e> {
    /// Whether it counts as true: a string or an object that is not empty, a number that is not 0, an array that holds such a value.
    #[inline]
    pub(crate) fn is_truthy(&self, meter: &Meter) -> Result<bool, Error> {
        Ok(match self {
            Val::Bool(value) => *value,
            Val::Undefined | Val::Null | Val::Function(_) | Val::Builtin(_) | Val::Regex(_) => false,
            Val::Num(number) => number.as_f64() != 0.0 && !number.as_f64().is_nan(),
            Val::Str(text) => !text.is_empty(),
            Val::Text(_) => true,
            Val::Object(_) | Val::Made(_) => self.member_count() > 0,
            Val::Tuples(tuples) => !tuples.is_empty(),
            Val::Array(_) | Val::List(_) => {
                for item in Items::or_one(self).iter() {
                    meter.steps(2)?;
                    if item.is_truthy(meter)? {
                        return Ok(true);
                    }
                }
                false
            }
        })
    }

    /// Appends it as `$string` gives it: a string as it is, a function as nothing, everything else as JSON.
    pub(crate) fn write_string(&self, out: &mut String, pretty: bool, meter: &'e Meter) -> Result<(), Error> {
        if let Some(text) = self.as_str() {
            meter.foresee(out.len() + text.len())?;
            out.push_str(text);
            return Ok(());
        }
        match self {
            Val::Undefined | Val::Function(_) | Val::Builtin(_) | Val::Regex(_) => Ok(()),
            Val::Num(number) if !number.is_finite() => Err(Error::new("D3001").value(number.text())),
            Val::List(list) if list.flags.outer => {
                list.items.iter().try_for_each(|item| Json { out, pretty, meter }.value(item, 0))
            }
            value => Json { out, pretty, meter }.value(value, 0),
        }
    }
}

/// What it takes to write a number with a fraction.
const FLOAT_STEPS: usize = 48;
/// Bytes that are quoted in the time of a step, and what an escape adds.
const QUOTED_PER_STEP: usize = 4;
const ESCAPE_STEPS: usize = 3;

/// Writes JSON.
struct Json<'o, 'e> {
    out: &'o mut String,
    pretty: bool,
    meter: &'e Meter,
}

impl<'e> Json<'_, 'e> {
    fn value(&mut self, value: &Val<'e>, depth: usize) -> Result<(), Error> {
        self.meter.steps(5)?;
        self.meter.foresee(self.out.len())?;
        match value {
            Val::Undefined | Val::Null => self.out.push_str("null"),
            Val::Bool(true) => self.out.push_str("true"),
            Val::Bool(false) => self.out.push_str("false"),
            Val::Num(number) if number.is_finite() => {
                if let Num::Float(_) = number {
                    self.meter.steps(FLOAT_STEPS)?;
                }
                number.write_rounded(self.out);
            }
            Val::Num(number) => return Err(Error::new("D1001").value(number.text())),
            Val::Function(_) | Val::Builtin(_) | Val::Regex(_) | Val::Tuples(_) => self.out.push_str("\"\""),
            Val::Str(text) => self.quoted(text)?,
            Val::Text(text) => self.quoted(&text.text)?,
            Val::Array(_) | Val::List(_) => {
                let items = Items::or_one(value);
                self.out.push('[');
                for (at, item) in items.iter().enumerate() {
                    self.separate(at, depth + 1);
                    self.value(&item, depth + 1)?;
                }
                self.close(items.len(), depth, ']');
            }
            Val::Object(members) => {
                self.out.push('{');
                match members {
                    Doc::Lent(members) => {
                        for (at, (key, item)) in members.iter().enumerate() {
                            self.member(at, key, &Val::lent(item), depth)?;
                        }
                    }
                    Doc::Own(members, source) => {
                        for (at, (key, item)) in members.iter().enumerate() {
                            self.member(at, key, &Val::part(item, source), depth)?;
                        }
                    }
                }
                self.close(members.len(), depth, '}');
            }
            Val::Made(made) => {
                self.out.push('{');
                match &made.members {
                    Members::Json(members) => {
                        for (at, (key, item)) in members.iter().enumerate() {
                            self.member(at, key, &Val::part(item, made), depth)?;
                        }
                    }
                    Members::Mixed(members) => {
                        for (at, (key, item)) in members.iter().enumerate() {
                            self.member(at, key, item, depth)?;
                        }
                    }
                }
                self.close(value.member_count(), depth, '}');
            }
        }
        Ok(())
    }

    fn member(&mut self, at: usize, key: &str, value: &Val<'e>, depth: usize) -> Result<(), Error> {
        self.separate(at, depth + 1);
        self.quoted(key)?;
        self.out.push_str(if self.pretty { ": " } else { ":" });
        self.value(value, depth + 1)
    }

    fn quoted(&mut self, text: &str) -> Result<(), Error> {
        let before = self.out.len();
        self.meter.foresee(before + text.len())?;
        self.meter.steps(text.len() / QUOTED_PER_STEP)?;
        quote(text, self.out);
        // What is escaped takes longer.
        self.meter.steps((self.out.len() - before - 2 - text.len()) * ESCAPE_STEPS)
    }

    fn separate(&mut self, at: usize, depth: usize) {
        if at > 0 {
            self.out.push(',');
        }
        self.line(depth);
    }

    fn close(&mut self, count: usize, depth: usize, bracket: char) {
        if count > 0 {
            self.line(depth);
        }
        self.out.push(bracket);
    }

    fn line(&mut self, depth: usize) {
        if self.pretty {
            self.out.push('\n');
            for _ in 0..depth {
                self.out.push_str("  ");
            }
        }
    }
}

/// Appends a string as JSON.
fn quote(text: &str, out: &mut String) {
    use std::fmt::Write;
    out.push('"');
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x8 => "\\b",
            0xc => "\\f",
            0..0x20 => "",
            _ => continue,
        };
        out.push_str(text.get(from..at).unwrap_or(""));
        out.push_str(escape);
        if escape.is_empty() {
            // A string takes every write.
            let _ = write!(out, "\\u{byte:04x}");
        }
        from = at + 1;
    }
    out.push_str(text.get(from..).unwrap_or(""));
    out.push('"');
}
