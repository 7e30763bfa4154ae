//! The families of decimal digits.

/// The digits zero of the families of decimal digits (Unicode's general category Nd) in the basic multilingual plane.
const ZEROS: [char; 37] = [
    '0', '\u{660}', '\u{6f0}', '\u{7c0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}', '\u{be6}', '\u{c66}', '\u{ce6}',
    '\u{d66}', '\u{de6}', '\u{e50}', '\u{ed0}', '\u{f20}', '\u{1040}', '\u{1090}', '\u{17e0}', '\u{1810}', '\u{1946}', '\u{19d0}',
    '\u{1a80}', '\u{1a90}', '\u{1b50}', '\u{1bb0}', '\u{1c40}', '\u{1c50}', '\u{a620}', '\u{a8d0}', '\u{a900}', '\u{a9d0}',
    '\u{a9f0}', '\u{aa50}', '\u{abf0}', '\u{ff10}',
];

/// A family of ten digits, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Family {
    zero: char,
}

impl Family {
    /// `0` to `9`.
    pub(super) const ASCII: Family = Family { zero: '0' };

    /// The ten characters from `zero` on, whatever they are.
    pub(super) fn from_zero(zero: char) -> Self {
        Self { zero }
    }

    /// The family of decimal digits that `digit` is one of.
    pub(super) fn of(digit: char) -> Option<Self> {
        let at = ZEROS.partition_point(|&zero| zero <= digit).checked_sub(1)?;
        ZEROS.get(at).map(|&zero| Self { zero }).filter(|family| family.contains(digit))
    }

    pub(super) fn contains(self, digit: char) -> bool {
        self.value(digit).is_some()
    }

    /// What `digit` stands for, 0 to 9.
    pub(super) fn value(self, digit: char) -> Option<u32> {
        u32::from(digit).checked_sub(u32::from(self.zero)).filter(|&value| value < 10)
    }

    /// `character` in this family, if it is an ASCII digit; itself otherwise.
    pub(super) fn localized(self, character: char) -> char {
        character.to_digit(10).and_then(|value| char::from_u32(u32::from(self.zero) + value)).unwrap_or(character)
    }

    /// `character` as an ASCII digit, if it is one of this family.
    pub(super) fn to_ascii(self, character: char) -> Option<char> {
        self.value(character).and_then(|value| char::from_digit(value, 10))
    }
}

/// A finite or infinite `value` as JavaScript prints it, if it is an integer.
pub(super) fn integer_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    if value.abs() < 1e21 { format!("{value}") } else { format!("{value:e}").replacen('e', "e+", 1) }
}

/// The number at the start of `text`, as JavaScript's `parseInt` finds it; not-a-number if there is none.
pub(super) fn leading_integer(text: &str) -> f64 {
    let text = text.trim_start();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, text) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(rest) => (16, rest),
        None => (10, text),
    };
    let digits = text.split(|c: char| !c.is_digit(radix)).next().unwrap_or_default();
    if digits.is_empty() {
        return f64::NAN;
    }
    let value = if radix == 10 {
        digits.parse().unwrap_or(f64::NAN)
    } else {
        digits.chars().filter_map(|c| c.to_digit(radix)).fold(0.0, |sum, digit| sum * 16.0 + f64::from(digit))
    };
    if negative { -value } else { value }
}
