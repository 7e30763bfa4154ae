//! Pictures of dates and times: literal text and variable markers.

use super::integer::{Case, Form, IntegerPicture};
use crate::Error;

/// A part of a picture.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Literal(String),
    Marker(Marker),
}

/// A variable marker, such as `[M01]` or `[FNn,*-3]`.
#[derive(Clone, Debug)]
pub(super) struct Marker {
    pub(super) component: Component,
    pub(super) presentation: Presentation,
    /// The `t` that writes an offset of zero as `Z`.
    pub(super) traditional: bool,
    pub(super) width_max: Option<usize>,
}

#[derive(Clone, Debug)]
pub(super) enum Presentation {
    Name(Case),
    Integer(IntegerPicture),
}

/// What a marker stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Component {
    Year,
    Month,
    DayOfMonth,
    DayOfYear,
    DayOfWeek,
    WeekOfYear,
    WeekOfMonth,
    /// The year that the week belongs to.
    WeekYear,
    /// The month that the week belongs to.
    WeekMonth,
    Hour,
    HourOfHalf,
    /// Before or after noon.
    HalfOfDay,
    Minute,
    Second,
    Fraction,
    Zone,
    /// The time zone behind `GMT`.
    NamedZone,
    Calendar,
    Era,
}

/// The components, with their letters and their presentation when a marker has none.
const COMPONENTS: [(char, Component, &str); 19] = [
    ('Y', Component::Year, "1"),
    ('M', Component::Month, "1"),
    ('D', Component::DayOfMonth, "1"),
    ('d', Component::DayOfYear, "1"),
    ('F', Component::DayOfWeek, "n"),
    ('W', Component::WeekOfYear, "1"),
    ('w', Component::WeekOfMonth, "1"),
    ('X', Component::WeekYear, "1"),
    ('x', Component::WeekMonth, "1"),
    ('H', Component::Hour, "1"),
    ('h', Component::HourOfHalf, "1"),
    ('P', Component::HalfOfDay, "n"),
    ('m', Component::Minute, "01"),
    ('s', Component::Second, "01"),
    ('f', Component::Fraction, "1"),
    ('Z', Component::Zone, "01:01"),
    ('z', Component::NamedZone, "01:01"),
    ('C', Component::Calendar, "n"),
    ('E', Component::Era, "n"),
];

impl Component {
    pub(super) fn letter(self) -> char {
        COMPONENTS.iter().find(|(_, component, _)| *component == self).map_or(' ', |(letter, ..)| *letter)
    }

    /// Whether it is an offset from UTC.
    pub(super) fn is_zone(self) -> bool {
        matches!(self, Self::Zone | Self::NamedZone)
    }

    /// The error of asking for a name where there is only a number.
    pub(super) fn has_no_name(self) -> Error {
        Error::new("D3133").value(self.letter().to_string())
    }
}

/// Reads a picture: `[[` and `]]` stand for brackets.
///
/// Source: XPath F&O 3.1, "The picture string".
pub(super) fn parse(picture: &str) -> Result<Vec<Part>, Error> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = picture;
    while let Some((before, behind)) = rest.split_once('[') {
        literal.push_str(before);
        if let Some(behind) = behind.strip_prefix('[') {
            literal.push('[');
            rest = behind;
            continue;
        }
        push_literal(&mut parts, &mut literal);
        let (marker, behind) = behind.split_once(']').ok_or_else(|| Error::new("D3135"))?;
        parts.push(Part::Marker(Marker::parse(marker)?));
        rest = behind;
    }
    literal.push_str(rest);
    push_literal(&mut parts, &mut literal);
    Ok(parts)
}

fn push_literal(parts: &mut Vec<Part>, literal: &mut String) {
    if !literal.is_empty() {
        parts.push(Part::Literal(literal.replace("]]", "]")));
        literal.clear();
    }
}

impl Marker {
    fn parse(marker: &str) -> Result<Self, Error> {
        let marker: String = marker.chars().filter(|c| !c.is_whitespace()).collect();
        let mut chars = marker.chars();
        let letter = chars.next();
        let Some((_, component, default)) = COMPONENTS.iter().find(|(known, ..)| Some(*known) == letter) else {
            return Err(Error::new("D3132").value(letter.map_or(String::new(), String::from)));
        };
        let (component, rest) = (*component, chars.as_str());
        let (presentation, width) = rest.rsplit_once(',').map_or((rest, None), |(before, width)| (before, Some(width)));
        let (primary, modifier) = split_modifier(presentation);
        let primary = if primary.is_empty() { default } else { primary };
        let (width_min, width_max) = width.map_or((None, None), widths);
        let mut presentation = match name_case(primary) {
            Some(case) => Presentation::Name(case),
            None => Presentation::Integer(integer_picture(component, primary, modifier)?),
        };
        if let Presentation::Integer(IntegerPicture { form: Form::Decimal(decimal), .. }) = &mut presentation
            && !component.is_zone()
        {
            decimal.mandatory = decimal.mandatory.max(width_min.unwrap_or(0));
            // A year is cut to the widest that is allowed, and filled up to it.
            if let (Component::Year, Some(width)) = (component, width_max) {
                decimal.mandatory = width;
            }
        }
        Ok(Self { component, presentation, traditional: modifier == Some('t'), width_max })
    }

    /// The integer picture of a component that is a number.
    pub(super) fn number(&self) -> Option<&IntegerPicture> {
        use Component as C;
        match (&self.presentation, self.component) {
            (Presentation::Name(_), _) | (_, C::Zone | C::NamedZone | C::HalfOfDay | C::Calendar | C::Era) => None,
            (Presentation::Integer(picture), _) => Some(picture),
        }
    }
}

/// The modifier is the last character, if there is another before it.
fn split_modifier(presentation: &str) -> (&str, Option<char>) {
    match presentation.char_indices().next_back() {
        Some((at, modifier @ ('a' | 't' | 'c' | 'o'))) if at > 0 => (presentation.get(..at).unwrap_or_default(), Some(modifier)),
        _ => (presentation, None),
    }
}

fn name_case(primary: &str) -> Option<Case> {
    let mut chars = primary.chars();
    match (chars.next(), chars.next()) {
        (Some('n'), _) => Some(Case::Lower),
        (Some('N'), Some('n')) => Some(Case::Title),
        (Some('N'), _) => Some(Case::Upper),
        _ => None,
    }
}

/// The picture of a component's number; a component without one has none to get wrong.
fn integer_picture(component: Component, primary: &str, modifier: Option<char>) -> Result<IntegerPicture, Error> {
    match component {
        Component::HalfOfDay | Component::Calendar | Component::Era => {
            Ok(IntegerPicture { form: Form::Unknown(primary.into()), ordinal: false })
        }
        Component::Zone | Component::NamedZone => IntegerPicture::parse(primary),
        _ => match modifier {
            Some(modifier) => IntegerPicture::parse(&format!("{primary};{modifier}")),
            None => IntegerPicture::parse(primary),
        },
    }
}

/// The least and the largest width. What is no number is no bound.
fn widths(width: &str) -> (Option<usize>, Option<usize>) {
    let (min, max) = width.split_once('-').map_or((width, None), |(min, max)| (min, Some(max)));
    let number = |text: &str| {
        let digits = text.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        // More than fits is more than is allowed anyway.
        (!digits.is_empty()).then(|| digits.parse().unwrap_or(usize::MAX))
    };
    (number(min), max.and_then(number))
}
