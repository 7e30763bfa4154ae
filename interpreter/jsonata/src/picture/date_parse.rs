//! `$toMillis` with a picture.

use super::calendar::{DAYS, LocalTime, MONTHS, utc};
use super::date_picture::{Component, Marker, Part, Presentation, parse as parse_picture};
use super::digits::leading_integer;
use super::integer::{Form, IntegerPicture, unknown};
use super::matcher::{self, Pattern};
use crate::Error;
use crate::meter::Meter;

/// The point in time that `text` gives in the form of `picture`; `None` if it is not of that form, or if the picture has no markers.
pub(super) fn parse(text: &str, picture: &str, now_millis: f64, meter: &Meter) -> Result<Option<f64>, Error> {
    let parts = parse_picture(picture)?;
    let patterns = parts.iter().enumerate().map(|(at, part)| pattern(part, parts.get(at + 1))).collect::<Result<Vec<_>, _>>()?;
    let Some(pieces) = matcher::find(text, &patterns, meter)? else { return Ok(None) };
    let mut fields = Vec::new();
    let mut any = false;
    for (part, piece) in parts.iter().zip(pieces) {
        if let Part::Marker(marker) = part {
            any = true;
            let value = read(marker, piece)?;
            fields.retain(|(component, _)| *component != marker.component);
            fields.extend(value.map(|value| (marker.component, value)));
        }
    }
    if any { Fields(fields).resolve(now_millis).map(Some) } else { Ok(None) }
}

/// What the text of a part looks like. A number with another one right behind it has as many digits as its picture.
fn pattern(part: &Part, next: Option<&Part>) -> Result<Pattern, Error> {
    let marker = match part {
        Part::Literal(text) => return Ok(Pattern::Literal(text.clone())),
        Part::Marker(marker) => marker,
    };
    let beside_number = matches!(next, Some(Part::Marker(next)) if next.number().is_some());
    match (marker.component, &marker.presentation) {
        (Component::Zone | Component::NamedZone, presentation) => {
            let separator = match presentation {
                Presentation::Integer(IntegerPicture { form: Form::Decimal(decimal), .. }) => decimal.regular_separator(),
                _ => None,
            };
            Ok(Pattern::Zone { named: marker.component == Component::NamedZone, separator })
        }
        (Component::HalfOfDay, _) => Ok(Pattern::Letters),
        (Component::Calendar | Component::Era, _) => Err(marker.component.has_no_name()),
        (Component::Fraction, _) => Ok(Pattern::Digits(None)),
        (Component::Month | Component::WeekMonth | Component::DayOfWeek, Presentation::Name(_)) => Ok(Pattern::Letters),
        (component, Presentation::Name(_)) => Err(component.has_no_name()),
        (_, Presentation::Integer(picture)) => match &picture.form {
            Form::Letters(_) => Ok(Pattern::Letters),
            Form::Roman(_) => Ok(Pattern::Roman),
            Form::Words(_) => Ok(Pattern::Words),
            Form::Decimal(decimal) => {
                let count = beside_number.then_some(decimal.mandatory);
                Ok(if picture.ordinal { Pattern::OrdinalDigits(count) } else { Pattern::Digits(count) })
            }
            Form::Unknown(primary) => Err(unknown(primary)),
        },
    }
}

/// What `piece` says; `None` for a name that there is not.
fn read(marker: &Marker, piece: &str) -> Result<Option<f64>, Error> {
    let named = |names: &[&str]| {
        let cut = |name: &str| name.chars().take(marker.width_max.unwrap_or(usize::MAX)).eq(piece.chars());
        // Of names that are the same when cut, the last.
        (1_u8..).zip(names).filter(|(_, name)| cut(name)).last().map(|(number, _)| f64::from(number))
    };
    match (marker.component, &marker.presentation) {
        (Component::Zone | Component::NamedZone, _) => Ok(Some(offset_minutes(piece))),
        (Component::HalfOfDay, _) => Ok(match piece {
            "am" | "AM" => Some(0.0),
            "pm" | "PM" => Some(1.0),
            _ => None,
        }),
        (Component::Fraction, _) => Ok(Some(thousandths(piece))),
        (Component::DayOfWeek, Presentation::Name(_)) => Ok(named(&DAYS)),
        (_, Presentation::Name(_)) => Ok(named(&MONTHS)),
        (_, Presentation::Integer(picture)) => picture.read(piece).map(Some),
    }
}

/// The first three of the digits behind a decimal point.
pub(super) fn thousandths(digits: &str) -> f64 {
    let digits = digits.chars().map(|c| c.to_digit(10).unwrap_or(0)).chain(std::iter::repeat(0));
    digits.take(3).fold(0.0, |sum, digit| sum * 10.0 + f64::from(digit))
}

/// The minutes of an offset such as `+05:30`, `GMT-5` or `-0530`. JSONata gives the sign to the hours and never to the minutes.
fn offset_minutes(piece: &str) -> f64 {
    let signed = piece.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let digits = signed.get(1..).unwrap_or_default();
    let separator = digits.find(|c: char| !c.is_ascii_digit());
    let (hours, minutes) = match separator {
        Some(at) => (signed.get(..=at), digits.get(at..).map(|rest| rest.trim_start_matches(|c: char| !c.is_ascii_digit()))),
        None if digits.len() <= 2 => (Some(signed), None),
        None => (signed.get(..3), signed.get(3..)),
    };
    leading_integer(hours.unwrap_or_default()) * 60.0 + minutes.map_or(0.0, leading_integer)
}

/// What the markers have said.
struct Fields(Vec<(Component, f64)>);

impl Fields {
    fn get(&self, component: Component) -> Option<f64> {
        self.0.iter().find(|(known, _)| *known == component).map(|(_, value)| *value)
    }

    /// Whether there are some of `asked`, and of `all` no others. What is zero does not count.
    fn are_of(&self, asked: &[Component], all: &[Component]) -> bool {
        let given = |component: &Component| self.get(*component).is_some_and(|value| value != 0.0 && !value.is_nan());
        asked.iter().any(given) && !all.iter().any(|component| given(component) && !asked.contains(component))
    }

    /// The point in time. What is missing before the first component that is given is that of now, what is missing behind the last
    /// is the least there is, and nothing may be missing between.
    fn resolve(&self, now_millis: f64) -> Result<f64, Error> {
        use Component as C;
        const DATE: [Component; 7] = [C::Year, C::WeekYear, C::Month, C::WeekMonth, C::WeekOfYear, C::WeekOfMonth, C::DayOfYear];
        const TIME: [Component; 6] = [C::HalfOfDay, C::Hour, C::HourOfHalf, C::Minute, C::Second, C::Fraction];
        let date: Vec<Component> = DATE.into_iter().chain([C::DayOfMonth]).collect();
        let by_month = self.are_of(&[C::Year, C::Month, C::DayOfMonth], &date);
        let by_day_of_year = !by_month && self.are_of(&[C::Year, C::DayOfYear], &date);
        let by_week =
            self.are_of(&[C::WeekYear, C::WeekMonth, C::WeekOfMonth], &date) || self.are_of(&[C::WeekYear, C::WeekOfYear], &date);
        let by_half = !self.are_of(&[C::Hour, C::Minute, C::Second, C::Fraction], &TIME)
            && self.are_of(&[C::HalfOfDay, C::HourOfHalf, C::Minute, C::Second, C::Fraction], &TIME);
        if !by_month && !by_day_of_year && by_week {
            return Err(Error::new("D3136"));
        }
        let date: &[Component] = if by_day_of_year { &[C::Year, C::DayOfMonth] } else { &[C::Year, C::Month, C::DayOfMonth] };
        let hour: &[Component] = if by_half { &[C::HalfOfDay, C::HourOfHalf] } else { &[C::Hour] };
        let order = [date, hour, &[C::Minute, C::Second, C::Fraction]].concat();
        let complete = self.complete(&order, now_millis)?;
        let value = |component: Component| complete.iter().find(|(known, _)| *known == component).map_or(0.0, |(_, value)| *value);

        let hour = if by_half {
            let hour = value(C::HourOfHalf);
            (if hour == 12.0 { 0.0 } else { hour }) + if value(C::HalfOfDay) == 1.0 { 12.0 } else { 0.0 }
        } else {
            value(C::Hour)
        };
        let time = [hour, value(C::Minute), value(C::Second), value(C::Fraction)];
        let utc = match self.get(C::DayOfYear).filter(|_| by_day_of_year) {
            // A day beyond the year is that day of the next one, but in this year.
            Some(day) => match LocalTime::from_millis(utc(value(C::Year), 0.0, day, [0.0; 4])) {
                Some(date) => utc(value(C::Year), small(date.month() - 1), small(date.day_of_month()), time),
                None => f64::NAN,
            },
            None => utc(value(C::Year), (value(C::Month) - 1.0).max(0.0), value(C::DayOfMonth), time),
        };
        let offset = self.get(C::Zone).or(self.get(C::NamedZone)).unwrap_or(0.0);
        Ok(utc - offset * 60_000.0)
    }

    fn complete(&self, order: &[Component], now_millis: f64) -> Result<Vec<(Component, f64)>, Error> {
        let now = LocalTime::from_millis(now_millis);
        let (mut started, mut ended) = (false, false);
        let mut complete = Vec::new();
        for &component in order {
            let value = match self.get(component) {
                Some(_) if ended => return Err(Error::new("D3136")),
                Some(value) => {
                    started = true;
                    value
                }
                None if started => {
                    ended = true;
                    if matches!(component, Component::Month | Component::DayOfMonth) { 1.0 } else { 0.0 }
                }
                None => now.map_or(f64::NAN, |now| of_now(component, now)),
            };
            complete.push((component, value));
        }
        Ok(complete)
    }
}

fn of_now(component: Component, now: LocalTime) -> f64 {
    use Component as C;
    small(match component {
        C::Year => now.year(),
        C::Month => now.month(),
        C::DayOfMonth => now.day_of_month(),
        C::Hour => now.hour(),
        C::Minute => now.minute(),
        C::Second => now.second(),
        C::Fraction => now.millisecond(),
        // Without `am` or `pm` an hour is before noon, whatever the time is.
        _ => 0,
    })
}

#[expect(clippy::cast_precision_loss, reason = "parts of dates are small numbers")]
fn small(number: i64) -> f64 {
    number as f64
}
