//! `$fromMillis`: points in time as text.

use super::calendar::{DAYS, LocalTime, MONTHS};
use super::date_picture::{Component, Marker, Part, Presentation, parse};
use super::digits::leading_integer;
use super::integer::{Case, Form, IntegerPicture};
use super::padding;
use crate::Error;

/// The picture when none is given.
pub(super) const ISO_8601: &str = "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01].[f001][Z01:01t]";

/// The point in time as `picture` says, on the clocks of `timezone`.
///
/// What JavaScript has no time for is written as it writes that: `NaN`.
pub(super) fn format(millis: f64, picture: &str, timezone: Option<&str>) -> Result<String, Error> {
    let offset = Offset::parse(timezone);
    let time = LocalTime::from_millis(millis + offset.millis());
    let mut out = String::new();
    for part in parse(picture)? {
        let text = match &part {
            Part::Literal(text) => text.clone(),
            Part::Marker(marker) => write(marker, time, offset)?,
        };
        out.push_str(&text);
        padding(out.len().saturating_sub(picture.len()))?;
    }
    Ok(out)
}

/// Hours and minutes from UTC, of the sign that JSONata gives them: -03:30 is -4 hours and -30 minutes to it, and half an hour wrong.
#[derive(Clone, Copy, Debug)]
struct Offset {
    hours: f64,
    minutes: f64,
}

impl Offset {
    /// An offset such as `+0530`; none is UTC.
    fn parse(timezone: Option<&str>) -> Self {
        let offset = timezone.map_or(0.0, leading_integer);
        Self { hours: (offset / 100.0).floor(), minutes: offset % 100.0 }
    }

    fn millis(self) -> f64 {
        (self.hours * 60.0 + self.minutes) * 60_000.0
    }

    /// As hours times 100 and minutes.
    fn number(self) -> f64 {
        self.hours * 100.0 + self.minutes
    }
}

fn write(marker: &Marker, time: Option<LocalTime>, offset: Offset) -> Result<String, Error> {
    match marker.component {
        Component::Zone | Component::NamedZone => write_zone(marker, offset),
        Component::Calendar | Component::Era => Ok("ISO".into()),
        Component::HalfOfDay => {
            let text = if time.is_some_and(|time| time.hour() >= 12) { "pm" } else { "am" };
            Ok(if matches!(marker.presentation, Presentation::Name(Case::Upper)) { text.to_uppercase() } else { text.into() })
        }
        component => match &marker.presentation {
            Presentation::Name(case) => write_name(component, *case, marker.width_max, time),
            Presentation::Integer(picture) => write_number(component, picture, marker.width_max, time),
        },
    }
}

fn write_name(component: Component, case: Case, width_max: Option<usize>, time: Option<LocalTime>) -> Result<String, Error> {
    type Number = fn(LocalTime) -> i64;
    let (names, number): (&[&str], Number) = match component {
        Component::Month => (&MONTHS, LocalTime::month),
        Component::WeekMonth => (&MONTHS, LocalTime::week_month),
        Component::DayOfWeek => (&DAYS, LocalTime::weekday),
        _ => return Err(component.has_no_name()),
    };
    let at = time.and_then(|time| usize::try_from(number(time) - 1).ok());
    let name = at.and_then(|at| names.get(at)).copied().unwrap_or("undefined");
    let name = match case {
        Case::Lower => name.to_lowercase(),
        Case::Upper => name.to_uppercase(),
        Case::Title => name.into(),
    };
    Ok(name.chars().take(width_max.unwrap_or(usize::MAX)).collect())
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn write_number(
    component: Component,
    picture: &IntegerPicture,
    width_max: Option<usize>,
    time: Option<LocalTime>,
) -> Result<String, Error> {
    use Component as C;
    let number = time.map_or(f64::NAN, |time| {
        (match component {
            C::Year => time.year(),
            C::Month => time.month(),
            C::DayOfMonth => time.day_of_month(),
            C::DayOfYear => time.day_of_year(),
            C::DayOfWeek => time.weekday(),
            C::WeekOfYear => time.week_of_year(),
            C::WeekOfMonth => time.week_of_month(),
            C::WeekYear => time.week_year(),
            C::WeekMonth => time.week_month(),
            C::Hour => time.hour(),
            C::HourOfHalf => (time.hour() + 11) % 12 + 1,
            C::Minute => time.minute(),
            C::Second => time.second(),
            C::Fraction => time.millisecond(),
            C::HalfOfDay | C::Zone | C::NamedZone | C::Calendar | C::Era => unreachable!("written by `write`"),
        }) as f64
    });
    let number = if component == C::Year { last_digits(number, picture, width_max) } else { number };
    picture.format(number)
}

/// The year, cut to the largest width, or to the number of digits in the picture if that is more than one.
fn last_digits(year: f64, picture: &IntegerPicture, width_max: Option<usize>) -> f64 {
    let in_picture = match &picture.form {
        Form::Decimal(decimal) => Some(decimal.mandatory.saturating_add(decimal.optional)).filter(|&digits| digits >= 2),
        _ => None,
    };
    match width_max.or(in_picture) {
        Some(digits) => year % 10_f64.powi(i32::try_from(digits).unwrap_or(i32::MAX)),
        None => year,
    }
}

/// Source: XPath F&O 3.1, "Formatting timezones".
fn write_zone(marker: &Marker, offset: Offset) -> Result<String, Error> {
    let too_long = || Error::new("D3134");
    let Presentation::Integer(picture) = &marker.presentation else { return Err(too_long()) };
    let Form::Decimal(decimal) = &picture.form else { return Err(too_long()) };
    let text = if decimal.regular_separator().is_some() {
        picture.format(offset.number())?
    } else {
        match decimal.mandatory {
            1 | 2 if offset.minutes == 0.0 => picture.format(offset.hours)?,
            1 | 2 => format!("{}:{}", picture.format(offset.hours)?, IntegerPicture::parse("00")?.format(offset.minutes)?),
            3 | 4 => picture.format(offset.number())?,
            digits => return Err(too_long().value(u64::try_from(digits).unwrap_or(u64::MAX))),
        }
    };
    if marker.traditional && offset.number() == 0.0 {
        return Ok("Z".into());
    }
    let sign = if offset.number() >= 0.0 { "+" } else { "" };
    let name = if marker.component == Component::NamedZone { "GMT" } else { "" };
    Ok(format!("{name}{sign}{text}"))
}
