//! `$formatNumber`.

use statewright_value::Object;

use super::digits::integer_text;
use super::sub_picture::{DecimalFormat, Sizes, SubPicture, find};
use super::{grouping, padding};
use crate::Error;
use crate::number::Num;

/// The most digits that a number of 64 bits has behind the decimal point, and those that JavaScript is asked for at most: further
/// ones are zero.
const FRACTION_MAX: usize = 1100;

/// `value` as `picture` says.
///
/// Source: XPath F&O 3.1, "fn:format-number".
pub(super) fn format(value: Num, picture: &str, options: Option<&Object>) -> Result<String, Error> {
    let format = DecimalFormat::of(options)?;
    let pictures = SubPicture::all(picture, &format)?;
    let mut pictures = pictures.iter();
    let first = pictures.next();
    let (picture, sign) = match (pictures.next(), value.as_f64() >= 0.0) {
        (_, true) => (first, None),
        (Some(negative), false) => (Some(negative), None),
        (None, false) => (first, Some(&format.minus_sign)),
    };
    // Only a picture split by an empty separator has no part at all.
    let Some(picture) = picture else { return Err(Error::new("D3085")) };
    let text = Writer { picture, format: &format, sizes: picture.sizes(&format) }.write(value)?;
    Ok(sign.into_iter().flatten().chain(&picture.prefix).chain(&text).chain(&picture.suffix).collect())
}

struct Writer<'a> {
    picture: &'a SubPicture,
    format: &'a DecimalFormat,
    sizes: Sizes,
}

impl Writer<'_> {
    fn write(&self, value: Num) -> Result<Vec<char>, Error> {
        let factor = self.picture.factor(self.format);
        let adjusted = value.as_f64() * factor;
        let (mantissa, exponent) = match self.sizes.exponent_min {
            Some(_) => scale(adjusted.abs(), self.sizes.scaling),
            None => (adjusted.abs(), 0),
        };
        let (integer, fraction) = match value {
            Num::Int(value) if factor == 1.0 && self.sizes.exponent_min.is_none() => {
                self.digits_of(&value.unsigned_abs().to_string())?
            }
            _ => self.digits(round(mantissa, self.sizes.fraction_max))?,
        };
        let mut text = integer;
        let point = text.len();
        text.extend(&self.format.decimal_separator);
        text.extend(fraction);
        self.group_integer(&mut text, point)?;
        let point = self.point(&text);
        self.group_fraction(&mut text, point)?;
        if !self.picture.has_decimal_separator(self.format) || point + 1 == text.len() {
            // As JSONata does, which takes the last character for the decimal separator.
            text.pop();
        }
        if let Some(digits_min) = self.sizes.exponent_min {
            text.extend(&self.format.exponent_separator);
            if exponent < 0 {
                text.extend(&self.format.minus_sign);
            }
            let digits = exponent.unsigned_abs().to_string();
            let missing = padding(digits_min.saturating_sub(digits.len()))?;
            text.extend(std::iter::repeat_n('0', missing).chain(digits.chars()).map(|c| self.format.family.localized(c)));
        }
        Ok(text)
    }

    /// The digits before and behind the decimal separator.
    fn digits(&self, value: f64) -> Result<(Vec<char>, Vec<char>), Error> {
        let text = if value < 1e21 {
            let shown = self.sizes.fraction_max.min(FRACTION_MAX);
            format!("{value:.shown$}")
        } else {
            integer_text(value)
        };
        self.digits_of(&text)
    }

    /// The same, of a number in digits.
    fn digits_of(&self, text: &str) -> Result<(Vec<char>, Vec<char>), Error> {
        let (integer, fraction) = text.split_once('.').unwrap_or((text, ""));
        let (integer, fraction) = (integer.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let before = padding(self.sizes.integer_min.saturating_sub(integer.chars().count()))?;
        let behind = padding(self.sizes.fraction_min.saturating_sub(fraction.len()))?;
        let family = |c| self.format.family.localized(c);
        Ok((
            std::iter::repeat_n('0', before).chain(integer.chars()).map(family).collect(),
            fraction.chars().chain(std::iter::repeat_n('0', behind)).map(family).collect(),
        ))
    }

    /// Where the decimal separator is.
    fn point(&self, text: &[char]) -> usize {
        find(text, &self.format.decimal_separator, 0).unwrap_or(text.len())
    }

    fn group_integer(&self, text: &mut Vec<char>, point: usize) -> Result<(), Error> {
        let places = self.picture.integer_groups(self.format);
        let Some(&separator) = self.format.grouping_separator.first() else { return Ok(()) };
        if let Some(interval) = grouping::interval(places.iter().copied()) {
            let integer: Vec<char> = text.drain(..point).collect();
            text.splice(0..0, grouping::insert_every(&integer, interval, separator));
            return Ok(());
        }
        grouping::check_effort(places.len(), text.len())?;
        for (inserted, place) in places.into_iter().enumerate() {
            // With more digits to the right than there are, JSONata counts from the end of the text.
            let at = (point + inserted).checked_sub(place).unwrap_or_else(|| text.len().saturating_sub(place - point - inserted));
            text.insert(at, separator);
        }
        Ok(())
    }

    fn group_fraction(&self, text: &mut Vec<char>, point: usize) -> Result<(), Error> {
        let places = self.picture.fraction_groups(self.format);
        let Some(&separator) = self.format.grouping_separator.first() else { return Ok(()) };
        grouping::check_effort(places.len(), text.len())?;
        for place in places {
            text.insert(text.len().min(point + place + 1), separator);
        }
        Ok(())
    }
}

/// A number with `digits` digits before the decimal separator, and the power of ten that it is to be multiplied with to be `value`.
///
/// Tens are multiplied and divided one by one, as JSONata does, so that the last digits are the same.
fn scale(value: f64, digits: usize) -> (f64, i32) {
    if value == 0.0 || !value.is_finite() {
        return (value, 0);
    }
    let digits = i32::try_from(digits).unwrap_or(i32::MAX);
    let (max, min) = (10_f64.powi(digits), 10_f64.powi(digits.saturating_sub(1)));
    let (mut mantissa, mut exponent) = (value, 0);
    while mantissa < min {
        mantissa *= 10.0;
        exponent -= 1;
    }
    while mantissa > max {
        mantissa /= 10.0;
        exponent += 1;
    }
    (mantissa, exponent)
}

/// `value` rounded to `digits` behind the decimal separator, halves to even, as JSONata does: the digits that are printed are shifted.
fn round(value: f64, digits: usize) -> f64 {
    let shift = i64::try_from(digits).unwrap_or(i64::MAX);
    if shift == 0 {
        return value.round_ties_even();
    }
    shifted(shifted(value, shift).round_ties_even(), -shift)
}

/// `value` with the decimal point moved to the right.
fn shifted(value: f64, places: i64) -> f64 {
    let text = format!("{value:e}");
    let moved = text.split_once('e').and_then(|(digits, exponent)| {
        let exponent = exponent.parse::<i64>().ok()?.saturating_add(places);
        format!("{digits}e{exponent}").parse().ok()
    });
    moved.unwrap_or(f64::NAN)
}
