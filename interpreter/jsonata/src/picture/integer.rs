//! `$formatInteger` and `$parseInteger`; the integers in dates.

use super::digits::{Family, integer_text, leading_integer};
use super::{grouping, numerals, padding, words};
use crate::Error;
use crate::number::Num;

/// A picture of an integer.
///
/// Source: XPath F&O 3.1, "fn:format-integer", without the languages and numberings that JSONata does not have.
#[derive(Clone, Debug)]
pub(super) struct IntegerPicture {
    pub(super) form: Form,
    pub(super) ordinal: bool,
}

/// How the integer is written.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// a, b, … aa: `a` or `A`
    Letters(Case),
    /// `i` or `I`
    Roman(Case),
    /// `w`, `W` or `Ww`
    Words(Case),
    Decimal(Decimal),
    /// A numbering that JSONata does not have, with its picture.
    Unknown(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Lower,
    Upper,
    Title,
}

/// Digits, such as `#,##0`.
#[derive(Clone, Debug)]
pub(super) struct Decimal {
    family: Family,
    /// The least number of digits.
    pub(super) mandatory: usize,
    /// The number of `#`.
    pub(super) optional: usize,
    grouping: Grouping,
}

#[derive(Clone, Debug)]
enum Grouping {
    /// The same separator behind every so many digits, counted from the right.
    Regular { interval: usize, separator: char },
    /// Separators with the number of digits to the right of each, from left to right.
    Listed(Vec<(usize, char)>),
}

impl IntegerPicture {
    /// Reads a picture: what stands before the last semicolon, and behind it `o` for an ordinal.
    pub(super) fn parse(picture: &str) -> Result<Self, Error> {
        let (primary, modifier) = picture.rsplit_once(';').unwrap_or((picture, ""));
        Self::of(primary, modifier.starts_with('o'))
    }

    /// The picture `primary`.
    pub(super) fn of(primary: &str, ordinal: bool) -> Result<Self, Error> {
        let form = match primary {
            "a" => Form::Letters(Case::Lower),
            "A" => Form::Letters(Case::Upper),
            "i" => Form::Roman(Case::Lower),
            "I" => Form::Roman(Case::Upper),
            "w" => Form::Words(Case::Lower),
            "W" => Form::Words(Case::Upper),
            "Ww" => Form::Words(Case::Title),
            _ => Decimal::parse(primary)?.map_or_else(|| Form::Unknown(primary.into()), Form::Decimal),
        };
        Ok(Self { form, ordinal })
    }

    /// The largest integer not above `value`, as text; digits are exact.
    pub(super) fn format_number(&self, value: Num) -> Result<String, Error> {
        match (value, &self.form) {
            (Num::Int(value), Form::Decimal(decimal)) => {
                let text = decimal.format(&value.unsigned_abs().to_string(), self.ordinal)?;
                Ok(if value < 0 { format!("-{text}") } else { text })
            }
            _ => self.format(value.as_f64()),
        }
    }

    /// The largest integer not above `value`, as text.
    pub(super) fn format(&self, value: f64) -> Result<String, Error> {
        let value = value.floor();
        let size = value.abs();
        let text = match &self.form {
            Form::Letters(Case::Upper) => numerals::write_letters(size, b'A')?,
            Form::Letters(Case::Lower | Case::Title) => numerals::write_letters(size, b'a')?,
            Form::Roman(case) => case.apply(numerals::write_roman(size)?),
            // JSONata divides without end.
            Form::Words(_) if !size.is_finite() => return Err(Error::bound(crate::Bound::Depth)),
            Form::Words(case) => case.apply(words::write(size, self.ordinal)),
            Form::Decimal(decimal) => decimal.format(&integer_text(size), self.ordinal)?,
            Form::Unknown(primary) => return Err(unknown(primary)),
        };
        Ok(if value < 0.0 { format!("-{text}") } else { text })
    }

    /// The integer that `text` stands for, exactly where it is in digits; not-a-number if none.
    pub(super) fn read_number(&self, text: &str) -> Result<Num, Error> {
        if let Form::Decimal(decimal) = &self.form
            && let Ok(value) = decimal.digits(text, self.ordinal).parse()
        {
            return Ok(Num::Int(value));
        }
        self.read(text).map(Num::from_f64)
    }

    /// The integer that `text` stands for; not-a-number if none.
    pub(super) fn read(&self, text: &str) -> Result<f64, Error> {
        Ok(match &self.form {
            Form::Letters(Case::Upper) => numerals::read_letters(text, b'A'),
            Form::Letters(Case::Lower | Case::Title) => numerals::read_letters(text, b'a'),
            Form::Roman(Case::Upper) => numerals::read_roman(text),
            Form::Roman(Case::Lower | Case::Title) => numerals::read_roman(&text.to_uppercase()),
            Form::Words(_) => words::read(text),
            Form::Decimal(decimal) => leading_integer(&decimal.digits(text, self.ordinal)),
            Form::Unknown(primary) => return Err(unknown(primary)),
        })
    }
}

/// The error of a numbering that JSONata does not have.
pub(super) fn unknown(primary: &str) -> Error {
    Error::new("D3130").value(primary)
}

impl Case {
    /// `text`, of capitalised words or in lower case, in this case.
    fn apply(self, text: String) -> String {
        match self {
            Self::Lower => text.to_lowercase(),
            Self::Upper => text.to_uppercase(),
            Self::Title => text,
        }
    }
}

impl Decimal {
    /// Reads a digit pattern; `None` if there is no digit in it.
    fn parse(primary: &str) -> Result<Option<Self>, Error> {
        let mut family = None;
        let (mut mandatory, mut optional) = (0, 0);
        let mut separators = Vec::new();
        for character in primary.chars().rev() {
            if let Some(of) = Family::of(character) {
                mandatory += 1;
                if *family.get_or_insert(of) != of {
                    return Err(Error::new("D3131"));
                }
            } else if character == '#' {
                optional += 1;
            } else {
                separators.push((mandatory + optional, character));
            }
        }
        separators.reverse();
        Ok(family.map(|family| Self { family, mandatory, optional, grouping: Grouping::of(separators) }))
    }

    /// The separator, if there is the same one at regular places.
    pub(super) fn regular_separator(&self) -> Option<char> {
        match self.grouping {
            Grouping::Regular { separator, .. } => Some(separator),
            Grouping::Listed(_) => None,
        }
    }

    /// The digits of an integer as the picture says.
    fn format(&self, digits: &str, ordinal: bool) -> Result<String, Error> {
        let mut digits: Vec<char> = digits.chars().collect();
        let missing = padding(self.mandatory.saturating_sub(digits.len()))?;
        digits.splice(0..0, std::iter::repeat_n('0', missing));
        digits.iter_mut().for_each(|digit| *digit = self.family.localized(*digit));
        let mut text = self.grouping.apply(digits)?;
        if ordinal {
            let suffix = ordinal_suffix(&text);
            text.extend(suffix.chars());
        }
        Ok(text.into_iter().collect())
    }

    /// The text without separators, in ASCII.
    fn digits(&self, text: &str, ordinal: bool) -> String {
        let text =
            if ordinal { text.char_indices().nth_back(1).and_then(|(at, _)| text.get(..at)).unwrap_or_default() } else { text };
        let is_separator = |c: char| match &self.grouping {
            // JSONata writes any separator and reads the comma.
            Grouping::Regular { .. } => c == ',',
            Grouping::Listed(list) => list.iter().any(|(_, separator)| c == *separator),
        };
        let digits = text.chars().filter(|&c| !is_separator(c));
        if self.family == Family::ASCII { digits.collect() } else { digits.map_while(|c| self.family.to_ascii(c)).collect() }
    }
}

/// `st`, `nd`, `rd` or `th`, by the last two characters: a separator between the last two digits hides the teens.
fn ordinal_suffix(text: &[char]) -> &'static str {
    let mut last = text.iter().rev();
    match (last.next(), last.next()) {
        (_, Some('1')) => "th",
        (Some('1'), _) => "st",
        (Some('2'), _) => "nd",
        (Some('3'), _) => "rd",
        _ => "th",
    }
}

impl Grouping {
    /// Regular if the separators are the same, and stand at each multiple, from the first to the last, of one number of digits.
    fn of(separators: Vec<(usize, char)>) -> Self {
        let interval = grouping::interval(separators.iter().map(|(digits, _)| *digits));
        match (interval, separators.first()) {
            (Some(interval), Some(&(_, separator))) if separators.iter().all(|(_, other)| *other == separator) => {
                Self::Regular { interval, separator }
            }
            _ => Self::Listed(separators),
        }
    }

    fn apply(&self, mut digits: Vec<char>) -> Result<Vec<char>, Error> {
        let list = match self {
            Self::Regular { interval, separator } => return Ok(grouping::insert_every(&digits, *interval, *separator)),
            Self::Listed(list) => list,
        };
        grouping::check_effort(list.len(), digits.len())?;
        for &(place, separator) in list {
            match digits.len().checked_sub(place) {
                Some(at) => digits.insert(at, separator),
                // With more digits to the right than there are, JSONata keeps as many of the last characters as are missing.
                None => {
                    let kept = place - digits.len();
                    digits.drain(..digits.len().saturating_sub(kept));
                    digits.insert(0, separator);
                }
            }
        }
        Ok(digits)
    }
}
