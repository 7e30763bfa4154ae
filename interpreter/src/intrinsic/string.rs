//! Functions on strings.

use std::fmt::Write as _;

use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};
use statewright_value::Value;

use super::arguments::Arguments;
use super::{messages, parse};
use crate::error::EvaluationError;

/// The longest text that Base64 functions and `States.Hash` take, in UTF-16 code units as Java counts characters (that it counts
/// these is inferred).
///
/// Source: developer guide, "Intrinsics for data encoding and decoding" and "Intrinsic for hash calculation".
const LENGTH_MAX: usize = 10_000;

/// What Java's basic decoder takes: padding may be missing, and the bits that no byte needs may be set.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true),
);

/// `States.Format(template, v…)`: each `{}` replaced by the next argument.
///
/// Strings stand for themselves, everything else is printed as Java prints the value it is read into: objects as
/// `{name=value, name=value}`, arrays as `[item, item]`, without quotes at any depth, although the specification allows neither.
/// `\{` and `\}` are braces that make no placeholder. The same escapes hold in a template that a path gives, where any other
/// backslash stands for itself; a brace that is not part of `{}` stands for itself too. Neither is documented.
///
/// Source: ASL specification, "Appendix B: List of Intrinsic Functions"; objects: recorded.
pub(super) fn format(arguments: &Arguments<'_>) -> Result<Value, EvaluationError> {
    let template = arguments.string(0)?;
    let values = arguments.all().get(1..).unwrap_or_default();
    let mut text = String::with_capacity(template.len() + 16 * values.len());
    let mut placeholders = 0;
    let mut characters = template.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.push(characters.next_if(|next| parse::is_escapable(*next)).unwrap_or(character)),
            '{' if characters.next_if_eq(&'}').is_some() => {
                if let Some(value) = values.get(placeholders) {
                    print(value, &mut text);
                }
                placeholders += 1;
            }
            _ => text.push(character),
        }
    }
    if placeholders != values.len() {
        return Err(arguments.failure(&messages::placeholders(placeholders, values.len())));
    }
    Ok(Value::from(text))
}

/// Prints a value as Java's `toString` of maps, lists and their contents does.
fn print(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => {
            // A String takes every write.
            let _ = write!(text, "{number}");
        }
        Value::String(string) => text.push_str(string),
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { ", " });
                print(item, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            text.push('{');
            for (at, (name, value)) in members.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { ", " });
                text.push_str(name);
                text.push('=');
                print(value, text);
            }
            text.push('}');
        }
    }
}

/// `States.StringSplit(text, delimiters)`: every character of `delimiters` separates, and empty pieces are left out, as Java's
/// `StringTokenizer` has it. Without a delimiter in it, the text is the only piece; an empty text has none.
///
/// Source: inferred from recorded outputs; developer guide, "Intrinsic for generic operations", shows several delimiters.
pub(super) fn split(arguments: &Arguments<'_>) -> Result<Value, EvaluationError> {
    let (text, delimiters) = (arguments.string(0)?, arguments.string(1)?);
    Ok(text.split(|c| delimiters.contains(c)).filter(|piece| !piece.is_empty()).map(Value::from).collect())
}

/// `States.Base64Encode(text)`: of its UTF-8 bytes, in the standard alphabet, padded.
pub(super) fn base64_encode(arguments: &Arguments<'_>) -> Result<Value, EvaluationError> {
    let text = arguments.string(0)?;
    check_length(arguments, text)?;
    Ok(Value::from(BASE64.encode(text)))
}

/// `States.Base64Decode(text)`: what is not UTF-8 in the result becomes U+FFFD, as in Java's strings (inferred).
pub(super) fn base64_decode(arguments: &Arguments<'_>) -> Result<Value, EvaluationError> {
    let text = arguments.string(0)?;
    check_length(arguments, text)?;
    let bytes = BASE64.decode(text).map_err(|_| arguments.failure(messages::NOT_BASE64))?;
    Ok(Value::from(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Fails when `text`, the first argument, is longer than the functions on data take.
pub(super) fn check_length(arguments: &Arguments<'_>, text: &str) -> Result<(), EvaluationError> {
    // A text has at most one UTF-16 code unit a byte.
    if text.len() > LENGTH_MAX && text.encode_utf16().count() > LENGTH_MAX {
        return Err(arguments.failure(&messages::too_long(0, LENGTH_MAX)));
    }
    Ok(())
}
