//! The functions that Step Functions adds to the language.
//!
//! Sources: developer guide, "Transforming data with JSONata in Step Functions"; the treatment of odd arguments as observed.

use std::fmt::Write;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use statewright_value::{Number, Value};

use crate::Error;
use crate::host::{Answer, HostCall, HostFunction};

/// `$hash`, `$parse`, `$partition`, `$random`, `$range` and `$uuid`.
pub static FUNCTIONS: [HostFunction; 6] = [
    HostFunction::new("hash", "<s-s?:s>", 2, hash),
    HostFunction::new("parse", "<s-:x>", 1, parse),
    HostFunction::new("partition", "<an:a>", 2, partition),
    HostFunction::new("random", "<n?:n>", 0, random),
    HostFunction::new("range", "<nnn:a>", 3, range),
    HostFunction::new("uuid", "<:s>", 0, uuid),
];

fn text(args: &[Option<Value>], at: usize) -> Option<&str> {
    args.get(at)?.as_ref()?.as_str()
}

fn number(args: &[Option<Value>], at: usize) -> Option<Number> {
    args.get(at)?.as_ref()?.as_number()
}

/// An argument towards zero.
#[expect(clippy::cast_possible_truncation, reason = "saturating is what is left of numbers beyond 64 bits")]
fn whole(args: &[Option<Value>], at: usize) -> Option<i64> {
    Some(match number(args, at)? {
        Number::Int(value) => value,
        Number::Unsigned(_) => i64::MAX,
        Number::Float(value) => value as i64,
    })
}

/// An array in parts of a size; the last part may be shorter. A size that is no positive number fails.
fn partition(call: &mut HostCall<'_>, args: &[Option<Value>]) -> Result<Answer, Error> {
    let (Some(Some(Value::Array(items))), Some(size)) = (args.first(), whole(args, 1)) else { return Ok(Answer::Nothing) };
    if size < 0 {
        return Err(Error::of_function("D3137", "The chunk size of the partition function must be a positive number"));
    }
    let Some(size) = usize::try_from(size).ok().filter(|size| *size > 0 && !items.is_empty()) else {
        return Ok(Answer::Nothing);
    };
    let parts = items.len() / size + 1;
    call.room_for(items.len().saturating_add(parts.saturating_mul(8)))?;
    call.steps(items.len().saturating_mul(3).saturating_add(parts.saturating_mul(24)))?;
    Ok(Answer::Value(items.chunks(size).map(|part| Value::from(part.to_vec())).collect()))
}

/// Numbers from a first to a last, a step apart. One number alone is that number.
fn range(call: &mut HostCall<'_>, args: &[Option<Value>]) -> Result<Answer, Error> {
    let (Some(first), Some(last), Some(step)) = (whole(args, 0), whole(args, 1), whole(args, 2)) else {
        return Ok(Answer::Nothing);
    };
    if step == 0 {
        return Err(Error::of_function("D3137", "The step of the range function must not be zero"));
    }
    let (distance, ahead) = (first.abs_diff(last), if step > 0 { first <= last } else { first >= last });
    if !ahead {
        return Ok(Answer::Nothing);
    }
    let count = usize::try_from(distance / step.unsigned_abs()).unwrap_or(usize::MAX).saturating_add(1);
    call.room_for(count)?;
    call.steps(count.saturating_mul(3))?;
    let numbers = std::iter::successors(Some(first), |number| number.checked_add(step)).take(count);
    Ok(Answer::Sequence(numbers.map(Value::from).collect()))
}

fn hash(call: &mut HostCall<'_>, args: &[Option<Value>]) -> Result<Answer, Error> {
    let Some(text) = text(args, 0) else { return Ok(Answer::Nothing) };
    call.steps(1200 + text.len() / 3)?;
    let algorithm = self::text(args, 1).unwrap_or("SHA-256");
    let digest = match algorithm {
        "MD5" => Md5::digest(text).to_vec(),
        "SHA-1" => Sha1::digest(text).to_vec(),
        "SHA-256" => Sha256::digest(text).to_vec(),
        "SHA-384" => Sha384::digest(text).to_vec(),
        "SHA-512" => Sha512::digest(text).to_vec(),
        _ => return Err(Error::of_function("D3137", "The algorithm of the hash function is not supported")),
    };
    let hex = digest.iter().fold(String::with_capacity(128), |mut hex, byte| {
        // A string takes every write.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    Ok(Answer::Value(Value::from(hex)))
}

/// A number from 0 up to 1: from the host's bits, or, with a seed, the one that Java's generator gives first.
#[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
fn random(call: &mut HostCall<'_>, args: &[Option<Value>]) -> Result<Answer, Error> {
    let bits = match whole(args, 0) {
        None => call.next_u64() >> 11,
        Some(seed) => java_random(seed),
    };
    Ok(Answer::Value(Value::from(bits as f64 / (1_u64 << 53) as f64)))
}

/// The 53 bits of the first `nextDouble` of `java.util.Random` with a seed.
///
/// Source: documentation of `java.util.Random`, methods `setSeed`, `next` and `nextDouble`.
fn java_random(seed: i64) -> u64 {
    const MULTIPLIER: u64 = 0x5_deec_e66d;
    const MASK: u64 = (1 << 48) - 1;
    let mut state = (seed.cast_unsigned() ^ MULTIPLIER) & MASK;
    let mut next = |bits: u32| {
        state = state.wrapping_mul(MULTIPLIER).wrapping_add(0xb) & MASK;
        state >> (48 - bits)
    };
    let high = next(26) << 27;
    high + next(27)
}

/// A random UUID (version 4) from the host's bits.
fn uuid(call: &mut HostCall<'_>, _: &[Option<Value>]) -> Result<Answer, Error> {
    call.steps(120)?;
    let bits = (u128::from(call.next_u64()) << 64) | u128::from(call.next_u64());
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or("");
    let uuid = format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32));
    Ok(Answer::Value(Value::from(uuid)))
}

/// The value that a text holds as JSON.
fn parse(call: &mut HostCall<'_>, args: &[Option<Value>]) -> Result<Answer, Error> {
    let Some(text) = text(args, 0) else { return Ok(Answer::Nothing) };
    // A value for every comma, and what holds it: about four references.
    let values = text.bytes().filter(|byte| matches!(byte, b',' | b':' | b'[' | b'{')).count();
    call.room_for(4 * values)?;
    call.steps(1 + text.len() / 8 + 16 * values)?;
    match Value::parse(text) {
        Ok(value) => Ok(Answer::Value(value)),
        Err(_) => Err(Error::of_function("D3137", "The argument of the parse function is not valid JSON")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Expression, NoHost, Outcome, Scope};

    fn eval(text: &str) -> Result<Outcome, Error> {
        let scope = Scope { functions: &[&FUNCTIONS], ..Scope::default() };
        Expression::compile(text)?.evaluate(&scope, &mut NoHost)
    }

    #[test]
    fn functions_of_the_service() {
        for (text, expected) in [
            ("$range(0, 6, 2)", "[0,2,4,6]"),
            ("$range(-1.7, 2, 1)", "[-1,0,1,2]"),
            ("$range(1, 9, 9)", "1"),
            ("$range(3, 1, -1)", "[3,2,1]"),
            ("$partition([0], 1)", "[[0]]"),
            ("$partition([1..5], 2)", "[[1,2],[3,4],[5]]"),
            ("$random(42)", "0.7275636800328681"),
            ("$parse('-0')", "0"),
            ("$parse('9223372036854775807')", "9223372036854775807"),
            ("$parse('{\"a\": [1, 2.5]}').a[1]", "2.5"),
            ("$hash('input data', 'SHA-1')", "\"aaff4a450a104cd177d28d18d74485e8cae074b7\""),
            ("$uuid()", "\"00000000-0000-4000-8000-000000000000\""),
        ] {
            let outcome = eval(text).unwrap();
            assert_eq!(outcome.into_value().map(|value| value.to_string()).as_deref(), Some(expected), "{text}");
        }
        assert!(eval("$partition([1, 2], -1)").is_err());
        assert_eq!(eval("$eval('1')").unwrap_err().code(), "T1006");
    }
}
