//! `$toMillis` without a picture: ISO 8601.

use super::calendar::utc;
use super::date_parse::thousandths;
use crate::Error;

/// The point in time that `text` gives: a year, a month or a day, with or without a time and an offset.
///
/// What looks like such a text but is no point in time is not-a-number: a month 13, an hour 25, a date with an offset but no time.
/// Days up to the 31st are taken in any month; February has the 30th on March 2nd.
pub(super) fn parse(text: &str) -> Result<f64, Error> {
    let refused = || Error::new("D3110").value(text);
    // A hyphen may begin a month, a day or an offset.
    [2, 1, 0].into_iter().find_map(|parts| Timestamp::parse(text, parts)).map(Timestamp::millis).ok_or_else(refused)
}

#[derive(Clone, Copy, Debug, Default)]
struct Timestamp {
    year: f64,
    month: Option<f64>,
    day: Option<f64>,
    /// Hours, minutes and seconds.
    time: Option<[f64; 3]>,
    fraction: Option<f64>,
    /// The offset in hours and minutes, both of its sign.
    offset: Option<[f64; 2]>,
}

impl Timestamp {
    /// Reads a text with so many of month and day.
    fn parse(text: &str, parts: usize) -> Option<Self> {
        let mut cursor = Cursor(text);
        let mut timestamp = Self { year: cursor.number(4, '9')?, ..Self::default() };
        if parts > 0 {
            timestamp.month = Some(cursor.skip("-").and_then(|()| cursor.number(2, '1'))?);
        }
        if parts > 1 {
            timestamp.day = Some(cursor.skip("-").and_then(|()| cursor.number(2, '3'))?);
        }
        if cursor.skip("T").is_some() {
            let hours = cursor.number(2, '2')?;
            let minutes = cursor.skip(":").and_then(|()| cursor.number(2, '5'))?;
            let seconds = cursor.skip(":").and_then(|()| cursor.number(2, '5'))?;
            timestamp.time = Some([hours, minutes, seconds]);
        }
        if cursor.skip(".").is_some() {
            timestamp.fraction = Some(thousandths(cursor.digits()?));
        }
        if cursor.skip("Z").is_none() && !cursor.0.is_empty() {
            let sign = if cursor.skip("+").is_some() { 1.0 } else { cursor.skip("-").map(|()| -1.0)? };
            let hours = cursor.number(2, '2')?;
            let _ = cursor.skip(":");
            timestamp.offset = Some([sign * hours, sign * cursor.number(2, '5')?]);
        }
        cursor.0.is_empty().then_some(timestamp)
    }

    fn millis(self) -> f64 {
        let month = self.month.unwrap_or(1.0);
        let day = self.day.unwrap_or(1.0);
        let [hours, minutes, seconds] = self.time.unwrap_or_default();
        let fraction = self.fraction.unwrap_or(0.0);
        let [offset_hours, offset_minutes] = self.offset.unwrap_or_default();
        let end_of_day = hours == 24.0 && minutes == 0.0 && seconds == 0.0 && fraction == 0.0;
        let exists = (1.0..=12.0).contains(&month) && (1.0..=31.0).contains(&day) && (hours < 24.0 || end_of_day);
        let has_no_time = self.time.is_none() && (self.fraction.is_some() || self.offset.is_some());
        if !exists || has_no_time || offset_hours.abs() > 23.0 {
            return f64::NAN;
        }
        // `utc` counts years below a hundred from 1900; four hundred years are always as long.
        let time = [hours - offset_hours, minutes - offset_minutes, seconds, fraction];
        utc(self.year + 400.0, month - 1.0, day, time) - MILLIS_PER_400_YEARS
    }
}

const MILLIS_PER_400_YEARS: f64 = 146_097.0 * 86_400_000.0;

struct Cursor<'t>(&'t str);

impl<'t> Cursor<'t> {
    fn skip(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// A number of so many digits, the first no more than `first_max`.
    fn number(&mut self, digits: usize, first_max: char) -> Option<f64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        if !number.bytes().all(|byte| byte.is_ascii_digit()) || number.chars().next()? > first_max {
            return None;
        }
        self.0 = rest;
        number.parse().ok()
    }

    fn digits(&mut self) -> Option<&'t str> {
        let length = self.0.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        (!digits.is_empty()).then_some(digits)
    }
}
