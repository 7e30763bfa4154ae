//! Points in time.

use std::fmt;
use std::time::Duration;

/// Milliseconds since the Unix epoch, UTC. Always handed in, never read from a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// Milliseconds in a second.
const SECOND: i64 = 1000;
/// Milliseconds in a day.
const DAY: i64 = 86_400 * SECOND;

impl Timestamp {
    /// The time `seconds` later, as late as can be expressed at most.
    #[must_use]
    pub fn plus_seconds(self, seconds: u64) -> Timestamp {
        self.plus_millis(seconds.saturating_mul(1000))
    }

    /// The time `millis` milliseconds later, as late as can be expressed at most.
    #[must_use]
    pub fn plus_millis(self, millis: u64) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(millis).unwrap_or(i64::MAX)))
    }

    /// The time `duration` later, as late as can be expressed at most.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Timestamp {
        self.plus_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    /// The time `duration` earlier, as early as can be expressed at most.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long it is from here to `later`; nothing if that has passed.
    #[must_use]
    pub fn until(self, later: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0))
    }

    /// Reads an RFC 3339 time with upper-case `T` and `Z` or an offset, to the nanosecond; `None` for anything else.
    ///
    /// Source: ASL specification, "Timestamps".
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Instant> {
        let (date, rest) = (text.get(..10)?, text.get(10..)?.strip_prefix('T')?);
        let (year, month, day) = (number(date.get(..4)?)?, number(date.get(5..7)?)?, number(date.get(8..10)?)?);
        let dashes = date.get(4..5)? == "-" && date.get(7..8)? == "-";
        let clock = rest.get(..8)?;
        let (hour, minute, second) = (number(clock.get(..2)?)?, number(clock.get(3..5)?)?, number(clock.get(6..8)?)?);
        let colons = clock.get(2..3)? == ":" && clock.get(5..6)? == ":";
        let in_range = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
        if !(dashes && colons && in_range && hour < 24 && minute < 60 && second < 60) {
            return None;
        }
        let (fraction, zone) = match rest.get(8..)?.strip_prefix('.') {
            None => ("", rest.get(8..)?),
            Some(tail) => {
                let digits = tail.bytes().take_while(u8::is_ascii_digit).count();
                (tail.get(..digits).filter(|digits| !digits.is_empty() && digits.len() <= 9)?, tail.get(digits..)?)
            }
        };
        let nanos = if fraction.is_empty() { 0 } else { number(fraction)? * 10_i64.pow(9 - u32::try_from(fraction.len()).ok()?) };
        let seconds = days_from_epoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset_seconds(zone)?;
        Some(Instant { seconds, nanos: u32::try_from(nanos).ok()? })
    }
}

/// A point in time as a text gave it: finer than a [`Timestamp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant {
    seconds: i64,
    nanos: u32,
}

impl Instant {
    /// The first millisecond that is not before it.
    #[must_use]
    pub fn rounded_up(self) -> Timestamp {
        Timestamp::from(self).plus_millis(u64::from(!self.nanos.is_multiple_of(1_000_000)))
    }
}

impl From<Instant> for Timestamp {
    /// Rounds down to the millisecond.
    fn from(instant: Instant) -> Self {
        Timestamp(instant.seconds * SECOND + i64::from(instant.nanos / 1_000_000))
    }
}

impl fmt::Display for Timestamp {
    /// As the Context object shows times: `2026-11-21T09:30:00Z`, `2026-11-21T09:30:00.250Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, in_day) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        let (year, month, day) = date_from_days(days);
        let (seconds, millis) = (in_day / SECOND, in_day % SECOND);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if millis == 0 { f.write_str("Z") } else { write!(f, ".{millis:03}Z") }
    }
}

fn number(digits: &str) -> Option<i64> {
    if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
}

fn offset_seconds(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let sign = match zone.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = (number(zone.get(1..3)?)?, number(zone.get(4..6)?)?);
    (zone.len() == 6 && zone.get(3..4)? == ":" && hours <= 18 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, counted in years that begin in March.
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, in_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + in_era * 365 + in_era / 4 - in_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days_from_epoch`].
fn date_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, in_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (in_era - in_era / 1460 + in_era / 36_524 - in_era / 146_096) / 365;
    let day_of_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = (from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> Option<i64> {
        Timestamp::parse_rfc3339(text).map(|instant| Timestamp::from(instant).0)
    }

    #[test]
    fn times_are_read() {
        assert_eq!(millis("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(millis("2016-03-14T01:59:00Z"), Some(1_457_920_740_000));
        assert_eq!(millis("2016-03-14T01:59:00.1234+01:30"), Some(1_457_920_740_123 - 5_400_000));
        assert_eq!(millis("2000-02-29T23:59:59.999999999Z"), Some(951_868_799_999));
        for wrong in [
            "2016-13-05T21:29:29Z",
            "2016-12-05T25:29:29Z",
            "2016-12-05 21:29:29Z",
            "05-12-2016T21:29:29Z",
            "2016-12-05T21:29:29",
            "2015-02-29T00:00:00Z",
            "2016-12-05t21:29:29Z",
            "2016-12-05T21:29:29z",
            "2016-12-05T21:29:29.Z",
            "",
            "2016-12-05",
            "２016-12-05T21:29:29Z",
        ] {
            assert_eq!(millis(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_time_between_two_milliseconds_has_come_at_the_second() {
        let rounded = |text: &str| Timestamp::parse_rfc3339(text).unwrap().rounded_up().0;
        assert_eq!((rounded("1970-01-01T00:00:00.0010Z"), rounded("1970-01-01T00:00:00.0011Z")), (1, 2));
    }

    #[test]
    fn times_are_printed_as_they_are_read() {
        for text in ["1970-01-01T00:00:00Z", "2026-11-21T09:30:00.250Z", "1969-12-31T23:59:59.999Z", "2000-02-29T12:00:00Z"] {
            assert_eq!(Timestamp(millis(text).unwrap()).to_string(), text);
        }
    }
}
