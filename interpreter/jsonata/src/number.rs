//! Numbers as text. One function prints them all.

use statewright_value::{Number, Value};

/// A number as JavaScript prints it: the fewest digits that give it back, with an exponent from 1e21 and below 1e-6.
pub(crate) fn print(value: f64, out: &mut String) {
    use std::fmt::Write;
    if value == 0.0 {
        out.push('0');
        return;
    }
    if value.is_nan() {
        out.push_str("NaN");
        return;
    }
    if value.is_infinite() {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
        return;
    }
    let magnitude = value.abs();
    // A string takes every write.
    if (1e-6..1e21).contains(&magnitude) {
        let _ = write!(out, "{value}");
        return;
    }
    let text = format!("{value:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return };
    let sign = if exponent.starts_with('-') { "" } else { "+" };
    let _ = write!(out, "{digits}e{sign}{exponent}");
}

/// A number as text: an integer exactly, others as [`print`] does.
pub(crate) fn text(number: Number) -> String {
    let mut out = String::new();
    write(number, &mut out);
    out
}

/// Appends a number as text.
pub(crate) fn write(number: Number, out: &mut String) {
    use std::fmt::Write;
    match number {
        Number::Int(value) => {
            let _ = write!(out, "{value}");
        }
        Number::Unsigned(value) => {
            let _ = write!(out, "{value}");
        }
        Number::Float(value) => print(value, out),
    }
}

/// A value as compact JSON with numbers as JavaScript prints them, for the sentences of errors.
pub(crate) fn json(value: &Value) -> String {
    let mut out = String::new();
    write_json(value, &mut out);
    out
}

fn write_json(value: &Value, out: &mut String) {
    match value {
        Value::Number(number) => write(*number, out),
        Value::Null | Value::Bool(_) | Value::String(_) => out.push_str(&value.to_string()),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_json(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (at, (key, item)) in members.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                write_json(item, out);
            }
            out.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_print_as_in_javascript() {
        for (value, expected) in [
            (0.1, "0.1"),
            (-0.0, "0"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (999_999_999_999_999_868_928.0, "999999999999999900000"),
            (1.5e-7, "1.5e-7"),
            (0.000_001, "0.000001"),
            (90.570_000_000_000_01, "90.57000000000001"),
            (-1e300, "-1e+300"),
        ] {
            assert_eq!(text(Number::Float(value)), expected);
        }
        assert_eq!(text(Number::Int(i64::MAX)), "9223372036854775807");
    }
}
