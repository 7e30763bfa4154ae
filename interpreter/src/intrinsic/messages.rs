//! Why calls fail: texts of ours, because the service's are unknown. No other file of this module words one.

use std::ops::RangeInclusive;

/// The cause of a `States.IntrinsicFailure`.
pub(super) fn failure(function: &str, reason: &str) -> String {
    format!("The intrinsic function '{function}' failed: {reason}.")
}

// Why a function fails. Arguments are counted from 1 in texts and from 0 in code.

pub(super) fn wrong_type(at: usize, expected: &str, actual: &str) -> String {
    format!("argument {} must be {expected}, but was '{actual}'", at + 1)
}

pub(super) fn out_of_32_bits(at: usize, value: i64) -> String {
    format!("argument {} must be from -2147483648 to 2147483647, but was {value}", at + 1)
}

pub(super) fn too_long(at: usize, max: usize) -> String {
    format!("argument {} must not be longer than {max} characters", at + 1)
}

pub(super) fn not_positive(at: usize, value: i64) -> String {
    format!("argument {} must be greater than 0, but was {value}", at + 1)
}

pub(super) fn no_such_item(index: i64, length: usize) -> String {
    format!("index {index} is out of bounds for an array of {length} items")
}

pub(super) const STEP_OF_ZERO: &str = "argument 3 must not be 0";

pub(super) fn range_too_long(max: usize) -> String {
    format!("the array would have more than {max} items")
}

pub(super) fn empty_interval(start: i32, end: i32) -> String {
    format!("argument 2 must be greater than argument 1, but {end} is not greater than {start}")
}

pub(super) fn placeholders(placeholders: usize, arguments: usize) -> String {
    format!("the template has {placeholders} placeholders for {arguments} arguments")
}

pub(super) const NOT_BASE64: &str = "argument 1 is not Base64";

pub(super) fn not_json(reason: &str) -> String {
    format!("argument 1 is not JSON: {reason}")
}

pub(super) fn unknown_algorithm(name: &str) -> String {
    format!("argument 2 must be one of MD5, SHA-1, SHA-256, SHA-384 and SHA-512, but was '{name}'")
}

pub(super) const DEEP_MERGE: &str = "argument 3 must be false: deep merging is not supported";

// Why a text is no call.

pub(super) const NO_NAME: &str = "expected the name of an intrinsic function";
pub(super) const NO_OPENING: &str = "expected `(` after the function's name";
pub(super) const NO_CLOSING: &str = "expected `,` or `)` after an argument";
pub(super) const NO_ARGUMENT: &str = "expected an argument";
pub(super) const TRAILING: &str = "unexpected text after the call";
pub(super) const OPEN_STRING: &str = "a string is not closed";
pub(super) const ILLEGAL_ESCAPE: &str = r"only `\'`, `\{`, `\}` and `\\` may be escaped in a string";
pub(super) const OPEN_PATH: &str = "a bracket or quote in a path is not closed";

pub(super) fn unknown_function(name: &str) -> String {
    format!("`{name}` is not an intrinsic function")
}

pub(super) fn nested_too_deeply(max: usize) -> String {
    format!("calls are nested deeper than {max}")
}

pub(super) fn wrong_count(name: &str, expected: &RangeInclusive<usize>, actual: usize) -> String {
    let (least, most) = (expected.start(), expected.end());
    let expected = match (least, most) {
        (least, most) if least == most => least.to_string(),
        (least, &usize::MAX) => format!("at least {least}"),
        (least, most) => format!("{least} to {most}"),
    };
    format!("`{name}` takes {expected} arguments, but was given {actual}")
}

pub(super) fn not_a_literal(text: &str) -> String {
    format!("`{text}` is no argument: strings stand in single quotes, paths begin with `$`")
}
