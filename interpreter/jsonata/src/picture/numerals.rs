//! Integers as Roman numerals and as letters.

use crate::{Bound, Error};

const ROMAN: [(f64, &str); 13] = [
    (1000.0, "m"),
    (900.0, "cm"),
    (500.0, "d"),
    (400.0, "cd"),
    (100.0, "c"),
    (90.0, "xc"),
    (50.0, "l"),
    (40.0, "xl"),
    (10.0, "x"),
    (9.0, "ix"),
    (5.0, "v"),
    (4.0, "iv"),
    (1.0, "i"),
];

/// Above this a Roman numeral is refused as too deep: thousands are written one by one. JSONata's own limit, the depth of
/// JavaScript's stack, lies between five and ten million.
const ROMAN_MAX: f64 = 1e7;

/// A whole, non-negative `value` as a Roman numeral in lower case. Zero is no letter at all.
pub(super) fn write_roman(value: f64) -> Result<String, Error> {
    if value >= ROMAN_MAX {
        return Err(Error::bound(Bound::Depth));
    }
    let mut out = String::new();
    let mut rest = value;
    for (value, letters) in ROMAN {
        while rest >= value {
            out.push_str(letters);
            rest -= value;
        }
    }
    Ok(out)
}

/// What a Roman numeral in capitals stands for; not-a-number if there is another character in it.
pub(super) fn read_roman(text: &str) -> f64 {
    let mut sum = 0.0;
    let mut largest = 1.0;
    for letter in text.chars().rev() {
        let is_it = |letters: &str| letters.len() == 1 && letters.chars().all(|known| known.to_ascii_uppercase() == letter);
        let Some((value, _)) = ROMAN.iter().find(|(_, letters)| is_it(letters)) else { return f64::NAN };
        if *value < largest {
            sum -= value;
        } else {
            largest = *value;
            sum += value;
        }
    }
    sum
}

/// A whole, non-negative `value` as letters from `first` on: a, b, … z, aa, ab. Zero is no letter at all.
pub(super) fn write_letters(value: f64, first: u8) -> Result<String, Error> {
    if !value.is_finite() {
        return Err(Error::bound(Bound::Depth));
    }
    let mut letters = Vec::new();
    let mut rest = value;
    while rest > 0.0 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 26")]
        let letter = ((rest - 1.0) % 26.0) as u8;
        letters.push(char::from(first + letter));
        rest = ((rest - 1.0) / 26.0).floor();
    }
    Ok(letters.iter().rev().collect())
}

/// What letters from `first` on stand for. Any character counts as its distance from `first` in Unicode.
pub(super) fn read_letters(text: &str, first: u8) -> f64 {
    let value = |character: char| f64::from(u32::from(character)) - f64::from(first) + 1.0;
    (0_u32..).zip(text.chars().rev()).fold(0.0, |sum, (place, character)| sum + value(character) * 26_f64.powf(f64::from(place)))
}
