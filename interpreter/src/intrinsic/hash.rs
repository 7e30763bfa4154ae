//! `States.Hash`.

use std::borrow::Cow;
use std::fmt::Write as _;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use statewright_value::Value;

use super::arguments::Arguments;
use super::{messages, string};
use crate::error::EvaluationError;

/// `States.Hash(data, algorithm)`: the hash of the UTF-8 bytes, in lower-case hexadecimal digits. `algorithm` is one of `MD5`,
/// `SHA-1`, `SHA-256`, `SHA-384` and `SHA-512`, exactly so. Data that is no string is hashed as its JSON text, which is a guess.
///
/// Source: developer guide, "Intrinsic for hash calculation".
pub(super) fn hash(arguments: &Arguments<'_>) -> Result<Value, EvaluationError> {
    let algorithm = arguments.string(1)?;
    let data = match arguments.any(0) {
        Value::String(text) => Cow::Borrowed(&**text),
        value => Cow::Owned(value.to_string()),
    };
    string::check_length(arguments, &data)?;
    Ok(Value::from(match algorithm {
        "MD5" => digest::<Md5>(&data),
        "SHA-1" => digest::<Sha1>(&data),
        "SHA-256" => digest::<Sha256>(&data),
        "SHA-384" => digest::<Sha384>(&data),
        "SHA-512" => digest::<Sha512>(&data),
        _ => return Err(arguments.failure(&messages::unknown_algorithm(algorithm))),
    }))
}

fn digest<D: Digest>(data: &str) -> String {
    D::digest(data).iter().fold(String::with_capacity(128), |mut text, byte| {
        // A String takes every write.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
