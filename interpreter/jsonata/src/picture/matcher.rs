//! Finding the parts of a picture in a text.

use super::words;
use crate::case::fold;
use crate::meter::Meter;
use crate::{Bound, Error};

/// The most places that are looked at. A text that gives reason to look at more is not of the picture's form in any useful sense.
const STEPS_MAX: usize = 1 << 20;

/// What it takes to compare a place with every word that a number is made of.
const WORDS_STEPS: usize = 64;

/// What a piece of text must look like. Case never matters.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    Literal(String),
    /// So many digits; one or more if no number is given.
    Digits(Option<usize>),
    /// Digits and `st`, `nd`, `rd` or `th`.
    OrdinalDigits(Option<usize>),
    /// ASCII letters.
    Letters,
    /// Letters that are Roman numerals.
    Roman,
    /// Words that make up a number, with what separates them.
    Words,
    /// A sign and digits, behind `GMT` if so told; with a separator, digits on both sides of it.
    Zone {
        named: bool,
        separator: Option<char>,
    },
}

/// The pieces of `text`, one for each pattern, that together are all of it; `None` if there are none.
///
/// Each piece is as long as it can be, the first ones before the later ones.
pub(super) fn find<'t>(text: &'t str, patterns: &[Pattern], meter: &Meter) -> Result<Option<Vec<&'t str>>, Error> {
    let mut steps = 0;
    let found = search(text, patterns, &mut steps);
    meter.steps(steps)?;
    found
}

fn search<'t>(text: &'t str, patterns: &[Pattern], steps: &mut usize) -> Result<Option<Vec<&'t str>>, Error> {
    // Of each piece found so far: where it starts, and the lengths that are still to be tried.
    let mut trail: Vec<(usize, Lengths)> = Vec::new();
    let mut start = 0;
    loop {
        if let Some(pattern) = patterns.get(trail.len()) {
            let lengths = pattern.lengths(text.get(start..).unwrap_or_default(), steps);
            trail.push((start, lengths));
        } else if start == text.len() {
            break;
        }
        // Back to the nearest piece that may have another length.
        loop {
            *steps = steps.saturating_add(1);
            let Some((piece, lengths)) = trail.last_mut() else { return Ok(None) };
            if let Some(length) = lengths.next() {
                start = *piece + length;
                break;
            }
            trail.pop();
        }
        if *steps > STEPS_MAX {
            return Err(Error::bound(Bound::Steps));
        }
    }
    let starts = trail.iter().map(|(start, _)| *start);
    let ends = trail.iter().skip(1).map(|(start, _)| *start).chain([text.len()]);
    Ok(Some(starts.zip(ends).filter_map(|(start, end)| text.get(start..end)).collect()))
}

/// The lengths, in bytes, that a piece may have. As an iterator, from the longest to the shortest.
#[derive(Debug)]
enum Lengths {
    Range(std::ops::RangeInclusive<usize>),
    List(Vec<usize>),
}

impl Lengths {
    fn one(length: Option<usize>) -> Self {
        Self::List(length.into_iter().collect())
    }
}

impl Iterator for Lengths {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        match self {
            Self::Range(lengths) => lengths.next_back(),
            Self::List(lengths) => lengths.pop(),
        }
    }
}

impl Pattern {
    /// The lengths that the piece at the start of `text` may have. What is looked at is added to `steps`.
    fn lengths(&self, text: &str, steps: &mut usize) -> Lengths {
        match self {
            Self::Literal(literal) => Lengths::one(literal_length(literal, text, steps)),
            Self::Digits(Some(count)) => {
                let digits = text.bytes().take(*count).take_while(u8::is_ascii_digit).count();
                Lengths::one((*count > 0 && digits == *count).then_some(digits))
            }
            Self::Digits(None) => Lengths::Range(1..=run(text, steps, |c| c.is_ascii_digit())),
            Self::OrdinalDigits(count) => Lengths::one(ordinal_length(*count, text, steps)),
            Self::Letters => Lengths::Range(1..=run(text, steps, |c| c.is_ascii_alphabetic())),
            Self::Roman => Lengths::Range(1..=run(text, steps, |c| "IVXLCDM".contains(c.to_ascii_uppercase()))),
            Self::Words => Lengths::List(word_lengths(text, steps)),
            Self::Zone { named, separator } => zone_lengths(*named, *separator, text, steps),
        }
    }
}

/// How many bytes at the start of `text` are of characters that belong.
fn run(text: &str, steps: &mut usize, belongs: impl Fn(char) -> bool) -> usize {
    let length = text.find(|c| !belongs(c)).unwrap_or(text.len());
    *steps = steps.saturating_add(1 + length);
    length
}

fn ordinal_length(count: Option<usize>, text: &str, steps: &mut usize) -> Option<usize> {
    let digits = run(text, steps, |c| c.is_ascii_digit());
    let suffix = text.get(digits..digits + 2)?;
    let is_suffix = ["st", "nd", "rd", "th"].iter().any(|known| known.eq_ignore_ascii_case(suffix));
    (digits > 0 && is_suffix && count.is_none_or(|count| count == digits)).then_some(digits + 2)
}

fn literal_length(literal: &str, text: &str, steps: &mut usize) -> Option<usize> {
    let mut rest = text.chars();
    let matches = literal.chars().all(|expected| rest.next().is_some_and(|found| fold(found) == fold(expected)));
    let length = text.len() - rest.as_str().len();
    *steps = steps.saturating_add(1 + length);
    matches.then_some(length)
}

/// Where a sequence of number words, blanks, commas and hyphens may end, in ascending order.
fn word_lengths(text: &str, steps: &mut usize) -> Vec<usize> {
    let mut lengths = Vec::new();
    // The places reached that are not looked at yet, all within the longest word of the first of them.
    let mut reached = std::collections::BTreeSet::from([0]);
    while let Some(at) = reached.pop_first() {
        *steps = steps.saturating_add(WORDS_STEPS);
        if *steps > STEPS_MAX {
            break;
        }
        if at > 0 {
            lengths.push(at);
        }
        let rest = text.get(at..).unwrap_or_default();
        if rest.starts_with(['-', ',', ' ']) {
            reached.insert(at + 1);
        }
        let fits = |word: &&str| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        reached.extend(words::vocabulary().filter(fits).map(|word| at + word.len()));
    }
    lengths
}

fn zone_lengths(named: bool, separator: Option<char>, text: &str, steps: &mut usize) -> Lengths {
    let none = Lengths::List(Vec::new());
    let name = if named { "GMT" } else { "" };
    let Some(rest) = literal_length(name, text, steps).and_then(|length| text.get(length..)) else { return none };
    let Some(digits) = rest.strip_prefix(['+', '-']) else { return none };
    let length = run(digits, steps, |c| c.is_ascii_digit());
    let before = text.len() - digits.len();
    let Some(separator) = separator else { return Lengths::Range(before + 1..=before + length) };
    let behind = digits.get(length..).and_then(|rest| rest.strip_prefix(separator)).filter(|_| length > 0);
    let Some(behind) = behind else { return none };
    let start = text.len() - behind.len();
    Lengths::Range(start + 1..=start + run(behind, steps, |c| c.is_ascii_digit()))
}
