//! The sub-pictures of `$formatNumber`: their characters, their rules, and what they ask for.

use statewright_value::Object;

use super::digits::Family;
use crate::Error;

/// The characters and words with a meaning in a picture, and in the text it makes.
///
/// Source: XPath F&O 3.1, "Defining a decimal format". What must be one character has no meaning in the picture if it is longer.
#[derive(Clone, Debug)]
pub(super) struct DecimalFormat {
    pub(super) decimal_separator: Vec<char>,
    pub(super) grouping_separator: Vec<char>,
    pub(super) exponent_separator: Vec<char>,
    pub(super) minus_sign: Vec<char>,
    pub(super) percent: Vec<char>,
    pub(super) per_mille: Vec<char>,
    pub(super) family: Family,
    pub(super) digit: Vec<char>,
    pub(super) pattern_separator: Vec<char>,
}

impl DecimalFormat {
    /// The default, with `options` in its place. Other options have no effect.
    pub(super) fn of(options: Option<&Object>) -> Result<Self, Error> {
        let option = |name: &str, default: char| match options.and_then(|options| options.get(name)) {
            None => Ok(vec![default]),
            Some(value) => match value.as_str() {
                Some(text) => Ok(text.chars().collect::<Vec<char>>()),
                None => Err(Error::new("T0410").with("index", 3_i64).token("formatNumber")),
            },
        };
        Ok(Self {
            decimal_separator: option("decimal-separator", '.')?,
            grouping_separator: option("grouping-separator", ',')?,
            exponent_separator: option("exponent-separator", 'e')?,
            minus_sign: option("minus-sign", '-')?,
            percent: option("percent", '%')?,
            per_mille: option("per-mille", '‰')?,
            family: Family::from_zero(option("zero-digit", '0')?.first().copied().unwrap_or('0')),
            digit: option("digit", '#')?,
            pattern_separator: option("pattern-separator", ';')?,
        })
    }

    pub(super) fn is_digit(&self, character: char) -> bool {
        self.family.contains(character)
    }

    fn is_optional(&self, character: char) -> bool {
        self.digit == [character]
    }

    fn is_digit_or_optional(&self, character: char) -> bool {
        self.is_digit(character) || self.is_optional(character)
    }

    /// Whether `character` has a meaning wherever it stands. The exponent separator has one only between such characters.
    fn is_active(&self, character: char) -> bool {
        self.is_digit_or_optional(character) || self.decimal_separator == [character] || self.grouping_separator == [character]
    }
}

/// A sub-picture in parts.
#[derive(Clone, Debug)]
pub(super) struct SubPicture {
    pub(super) text: Vec<char>,
    pub(super) prefix: Vec<char>,
    pub(super) suffix: Vec<char>,
    active: Vec<char>,
    mantissa: Vec<char>,
    pub(super) integer: Vec<char>,
    pub(super) fraction: Vec<char>,
    pub(super) exponent: Option<Vec<char>>,
}

impl SubPicture {
    /// The one or two sub-pictures of `picture`, checked.
    pub(super) fn all(picture: &str, format: &DecimalFormat) -> Result<Vec<Self>, Error> {
        let texts = split(&picture.chars().collect::<Vec<char>>(), &format.pattern_separator);
        if texts.len() > 2 {
            return Err(Error::new("D3080"));
        }
        let pictures: Vec<Self> = texts.into_iter().map(|text| Self::of(text, format)).collect();
        pictures.iter().try_for_each(|picture| picture.check(format))?;
        Ok(pictures)
    }

    fn of(text: Vec<char>, format: &DecimalFormat) -> Self {
        let first = text.iter().position(|&c| format.is_active(c));
        let last = text.iter().rposition(|&c| format.is_active(c));
        let (start, end) = first.zip(last).map_or((0, text.len()), |(first, last)| (first, last + 1));
        let (prefix, active, suffix) = (part(&text, 0, start), part(&text, start, end), part(&text, end, text.len()));
        // The separator directly behind the active part counts, and its place, found in the sub-picture, is applied to the active
        // part: JSONata knows no exponent behind a prefix.
        let separator = find(&text, &format.exponent_separator, start).filter(|&at| at <= end);
        let (mantissa, exponent) = match separator {
            Some(at) => (part(&active, 0, at), Some(part(&active, at + 1, active.len()))),
            None => (active.clone(), None),
        };
        let (integer, fraction) = match find(&mantissa, &format.decimal_separator, 0) {
            Some(at) => (part(&mantissa, 0, at), part(&mantissa, at + 1, mantissa.len())),
            None => (mantissa.clone(), suffix.clone()),
        };
        Self { text, prefix, suffix, active, mantissa, integer, fraction, exponent }
    }

    /// Of several broken rules JSONata reports the last.
    fn check(&self, format: &DecimalFormat) -> Result<(), Error> {
        let broken = [
            (self.repeats(&format.decimal_separator), "D3081"),
            (self.repeats(&format.percent), "D3082"),
            (self.repeats(&format.per_mille), "D3083"),
            (self.has(&format.percent) && self.has(&format.per_mille), "D3084"),
            (!self.mantissa.iter().any(|&c| format.is_digit_or_optional(c)), "D3085"),
            (self.active.iter().any(|&c| !format.is_active(c) && format.exponent_separator != [c]), "D3086"),
            (self.groups_beside_decimal(format), "D3087"),
            (!self.groups_beside_decimal(format) && self.integer.ends_with(&format.grouping_separator), "D3088"),
            (self.has(&[format.grouping_separator.clone(), format.grouping_separator.clone()].concat()), "D3089"),
            (self.optional_behind_digit(format), "D3090"),
            (self.digit_behind_optional(format), "D3091"),
            (self.exponent.is_some() && (self.has(&format.percent) || self.has(&format.per_mille)), "D3092"),
            (self.exponent.as_ref().is_some_and(|part| part.is_empty() || part.iter().any(|&c| !format.is_digit(c))), "D3093"),
        ];
        match broken.iter().rev().find(|(broken, _)| *broken) {
            Some((_, code)) => Err(Error::new(code)),
            None => Ok(()),
        }
    }

    fn has(&self, characters: &[char]) -> bool {
        find(&self.text, characters, 0).is_some()
    }

    fn repeats(&self, characters: &[char]) -> bool {
        find(&self.text, characters, 0).is_some_and(|first| find(&self.text, characters, first + 1).is_some())
    }

    fn groups_beside_decimal(&self, format: &DecimalFormat) -> bool {
        let Some(at) = find(&self.text, &format.decimal_separator, 0) else { return false };
        let is_separator =
            |at: Option<usize>| at.and_then(|at| self.text.get(at)).is_some_and(|&c| format.grouping_separator == [c]);
        is_separator(at.checked_sub(1)) || is_separator(Some(at + 1))
    }

    fn optional_behind_digit(&self, format: &DecimalFormat) -> bool {
        let first = self.integer.iter().position(|&c| format.is_optional(c));
        first.is_some_and(|first| self.integer.iter().take(first).any(|&c| format.is_digit(c)))
    }

    fn digit_behind_optional(&self, format: &DecimalFormat) -> bool {
        let last = self.fraction.iter().rposition(|&c| format.is_optional(c));
        last.is_some_and(|last| self.fraction.iter().skip(last).any(|&c| format.is_digit(c)))
    }

    /// What the number is multiplied by.
    pub(super) fn factor(&self, format: &DecimalFormat) -> f64 {
        if self.has(&format.percent) {
            100.0
        } else if self.has(&format.per_mille) {
            1000.0
        } else {
            1.0
        }
    }

    /// Whether the decimal separator is in the picture.
    pub(super) fn has_decimal_separator(&self, format: &DecimalFormat) -> bool {
        self.has(&format.decimal_separator)
    }

    /// How many digits the picture asks for.
    pub(super) fn sizes(&self, format: &DecimalFormat) -> Sizes {
        let digits = |part: &[char]| part.iter().filter(|&&c| format.is_digit(c)).count();
        let all = |part: &[char]| part.iter().filter(|&&c| format.is_digit_or_optional(c)).count();
        let scaling = digits(&self.integer);
        let mut sizes = Sizes {
            integer_min: scaling,
            fraction_min: digits(&self.fraction),
            fraction_max: all(&self.fraction),
            exponent_min: self.exponent.as_deref().map(digits),
            scaling,
        };
        if sizes.integer_min == 0 && sizes.fraction_max == 0 {
            match sizes.exponent_min {
                Some(_) => (sizes.fraction_min, sizes.fraction_max) = (1, 1),
                None => sizes.integer_min = 1,
            }
        }
        if sizes.exponent_min.is_some() && sizes.integer_min == 0 && self.integer.iter().any(|&c| format.is_optional(c)) {
            sizes.integer_min = 1;
        }
        if sizes.integer_min == 0 && sizes.fraction_min == 0 {
            sizes.fraction_min = 1;
        }
        sizes
    }

    /// The number of digits to the right of each separator of the integer part, from left to right.
    pub(super) fn integer_groups(&self, format: &DecimalFormat) -> Vec<usize> {
        let mut to_the_right = self.integer.iter().filter(|&&c| format.is_digit_or_optional(c)).count();
        let mut groups = Vec::new();
        for &character in &self.integer {
            if format.is_digit_or_optional(character) {
                to_the_right -= 1;
            } else if format.grouping_separator == [character] {
                groups.push(to_the_right);
            }
        }
        groups
    }

    /// The number of digits to the left of each separator of the fractional part.
    ///
    /// JSONata finds the first in the fractional part, and looks for further ones, from the same place on, in the integer part.
    pub(super) fn fraction_groups(&self, format: &DecimalFormat) -> Vec<usize> {
        let is_separator = |&(_, c): &(usize, &char)| format.grouping_separator == [*c];
        let Some((first, _)) = self.fraction.iter().enumerate().find(is_separator) else { return Vec::new() };
        let further = self.integer.iter().enumerate().skip(first + 1).filter(is_separator).map(|(at, _)| at);
        let mut groups = Vec::new();
        let (mut counted, mut digits) = (0, 0);
        for at in std::iter::once(first).chain(further) {
            digits += self.fraction.iter().take(at).skip(counted).filter(|&&c| format.is_digit_or_optional(c)).count();
            counted = at;
            groups.push(digits);
        }
        groups
    }
}

/// How many digits a sub-picture asks for.
///
/// Source: XPath F&O 3.1, "Analyzing the picture string".
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) integer_min: usize,
    pub(super) fraction_min: usize,
    pub(super) fraction_max: usize,
    /// Of the exponent, if there is to be one.
    pub(super) exponent_min: Option<usize>,
    /// How many digits the mantissa has before the decimal separator, if there is an exponent.
    pub(super) scaling: usize,
}

/// The characters from `start` to before `end`, as far as there are such.
fn part(text: &[char], start: usize, end: usize) -> Vec<char> {
    text.get(start.min(text.len())..end.min(text.len())).unwrap_or_default().to_vec()
}

/// Where `characters` stand in `text`, from `start` on. No characters at all stand everywhere.
pub(super) fn find(text: &[char], characters: &[char], start: usize) -> Option<usize> {
    if characters.is_empty() {
        return (start <= text.len()).then_some(start);
    }
    let rest = text.get(start..)?;
    rest.windows(characters.len()).position(|window| window == characters).map(|at| at + start)
}

/// The parts of `text` between `separator`, each character by itself if that is empty.
fn split(text: &[char], separator: &[char]) -> Vec<Vec<char>> {
    if separator.is_empty() {
        return text.iter().map(|&c| vec![c]).collect();
    }
    let mut parts = Vec::new();
    let mut start = 0;
    while let Some(at) = find(text, separator, start) {
        parts.push(part(text, start, at));
        start = at + separator.len();
    }
    parts.push(part(text, start, text.len()));
    parts
}
