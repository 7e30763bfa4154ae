//! Pictures: how numbers, integers and points in time are written and read.
//!
//! The syntax is that of XPath and XQuery Functions and Operators 3.1 (`fn:format-number`, `fn:format-integer`,
//! `fn:format-dateTime`). Where JSONata departs from that text, in what it accepts or in what it answers, JSONata 2.2.2 is followed.
//! All of it takes time and memory in proportion to its arguments, and nothing here calls itself as deep as an argument says.

mod calendar;
mod date_format;
mod date_parse;
mod date_picture;
mod digits;
mod grouping;
mod integer;
mod iso;
mod matcher;
mod number;
mod numerals;
mod sub_picture;
#[cfg(test)]
mod tests;
mod words;

use statewright_value::Object;

use crate::meter::Meter;
use crate::number::Num;
use crate::{Bound, Error};
use integer::IntegerPicture;

/// The most characters that a picture may ask for beyond its own length: a width such as `[Y,99999999]` is text that nobody wrote.
/// As long as the longest string that Step Functions lets an expression hold.
const PADDING_MAX: usize = 1 << 22;

/// `$formatNumber`: a number as `picture` says, with `options` in place of the default characters.
pub(crate) fn format_number(value: Num, picture: &str, options: Option<&Object>) -> Result<String, Error> {
    number::format(value, picture, options)
}

/// `$formatInteger`: the largest integer not above `value`, as `picture` says. Without a value there is no text.
pub(crate) fn format_integer(value: Option<Num>, picture: &str) -> Result<String, Error> {
    value.map_or(Ok(String::new()), |value| IntegerPicture::parse(picture)?.format_number(value))
}

/// `$parseInteger`: the integer that `picture` would write as `text`.
///
/// What is no such integer is not-a-number, which JSON writes as `null`.
pub(crate) fn parse_integer(text: &str, picture: &str) -> Result<Option<Num>, Error> {
    IntegerPicture::parse(picture)?.read_number(text).map(Some)
}

/// `$fromMillis`, and `$now` with a picture: a point in time as text. Without a picture as ISO 8601 with milliseconds.
///
/// `timezone` is an offset such as `+0530`; without one the text is of UTC.
pub(crate) fn from_millis(millis: f64, picture: Option<&str>, timezone: Option<&str>) -> Result<String, Error> {
    date_format::format(millis, picture.unwrap_or(date_format::ISO_8601), timezone)
}

/// `$toMillis`: the point in time that `text` gives, as ISO 8601 if there is no picture; what the picture leaves out comes from
/// `now_millis`. `None` if the text is not of the picture's form.
///
/// A text of the right form that is no point in time (a 13th month in ISO 8601, a year past 275760) is not-a-number, which JSON
/// writes as `null`.
pub(crate) fn to_millis(text: &str, picture: Option<&str>, now_millis: f64, meter: &Meter) -> Result<Option<f64>, Error> {
    match picture {
        Some(picture) => date_parse::parse(text, picture, now_millis, meter),
        None => iso::parse(text).map(Some),
    }
}

/// `count` as a number of characters to pad with, if that many are allowed.
fn padding(count: usize) -> Result<usize, Error> {
    if count > PADDING_MAX { Err(Error::bound(Bound::Memory)) } else { Ok(count) }
}
