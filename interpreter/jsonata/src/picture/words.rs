//! Integers in English words, cardinal and ordinal.

/// Zero to nineteen.
const FEW: [(&str, &str); 20] = [
    ("Zero", "Zeroth"),
    ("One", "First"),
    ("Two", "Second"),
    ("Three", "Third"),
    ("Four", "Fourth"),
    ("Five", "Fifth"),
    ("Six", "Sixth"),
    ("Seven", "Seventh"),
    ("Eight", "Eighth"),
    ("Nine", "Ninth"),
    ("Ten", "Tenth"),
    ("Eleven", "Eleventh"),
    ("Twelve", "Twelfth"),
    ("Thirteen", "Thirteenth"),
    ("Fourteen", "Fourteenth"),
    ("Fifteen", "Fifteenth"),
    ("Sixteen", "Sixteenth"),
    ("Seventeen", "Seventeenth"),
    ("Eighteen", "Eighteenth"),
    ("Nineteen", "Nineteenth"),
];

/// Twenty to ninety.
const TENS: [(&str, &str); 8] = [
    ("Twenty", "Twentieth"),
    ("Thirty", "Thirtieth"),
    ("Forty", "Fortieth"),
    ("Fifty", "Fiftieth"),
    ("Sixty", "Sixtieth"),
    ("Seventy", "Seventieth"),
    ("Eighty", "Eightieth"),
    ("Ninety", "Ninetieth"),
];

/// What multiplies the words before it.
const MAGNITUDES: [(f64, &str, &str); 5] = [
    (1e12, "Trillion", "Trillionth"),
    (1e9, "Billion", "Billionth"),
    (1e6, "Million", "Millionth"),
    (1e3, "Thousand", "Thousandth"),
    (1e2, "Hundred", "Hundredth"),
];

/// What joins a group of words to those before it.
#[derive(Clone, Copy)]
enum Joint {
    None,
    /// A comma, or `and` before less than a hundred.
    Group,
}

/// A finite, whole, non-negative `value` in words, each with a capital: `One Hundred and Twenty-Three`.
pub(super) fn write(value: f64, ordinal: bool) -> String {
    let mut out = String::new();
    push(&mut out, value, Joint::None, ordinal);
    out
}

/// Calls itself for the part before a magnitude and for the rest behind it. Beyond a thousand trillions the part before is that of
/// 10^12 times less, so that the largest number goes some 27 deep.
fn push(out: &mut String, value: f64, joint: Joint, ordinal: bool) {
    match joint {
        Joint::None => {}
        Joint::Group if value < 100.0 => out.push_str(" and "),
        Joint::Group => out.push_str(", "),
    }
    let Some((factor, cardinal_name, ordinal_name)) = MAGNITUDES.iter().find(|(factor, ..)| value >= *factor) else {
        return push_below_hundred(out, value, ordinal);
    };
    let count = (value / factor).floor();
    // As JavaScript computes it; beyond 2^53 the remainder is not exact, and may even be negative.
    let rest = value - count * factor;
    push(out, count, Joint::None, false);
    out.push(' ');
    if rest > 0.0 {
        out.push_str(cardinal_name);
        push(out, rest, Joint::Group, ordinal);
    } else {
        out.push_str(if ordinal { ordinal_name } else { cardinal_name });
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number below a hundred")]
fn push_below_hundred(out: &mut String, value: f64, ordinal: bool) {
    let value = value as usize;
    let pick = |(cardinal, nth): &(&'static str, &'static str), ordinal: bool| if ordinal { *nth } else { *cardinal };
    if let Some(names) = FEW.get(value) {
        return out.push_str(pick(names, ordinal));
    }
    let units = value % 10;
    if let Some(names) = TENS.get(value / 10 - 2) {
        out.push_str(pick(names, ordinal && units == 0));
    }
    if let Some(names) = FEW.get(units).filter(|_| units > 0) {
        out.push('-');
        out.push_str(pick(names, ordinal));
    }
}

/// The number that `text` says in words, of whatever case; not-a-number if there is another word in it.
pub(super) fn read(text: &str) -> f64 {
    let mut segments = vec![0.0];
    for word in split(&text.to_lowercase()) {
        let Some(value) = value_of(word) else { return f64::NAN };
        let last = segments.pop().unwrap_or(0.0);
        if value >= 100.0 {
            segments.push(last * value);
        } else if last >= 1000.0 {
            segments.extend([last, value]);
        } else {
            segments.push(last + value);
        }
    }
    segments.iter().sum()
}

/// The words of a lower-case text, which commas, `and`, hyphens and single blanks separate. Two separators have an empty word between.
fn split(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c == ',' || c == '-' || c == '\\' || c.is_whitespace()) {
        let (word, separator) = rest.split_at(at);
        match separator_length(separator) {
            0 => return vec![text],
            length => {
                words.push(word);
                rest = separator.get(length..).unwrap_or_default();
            }
        }
    }
    words.push(rest);
    words
}

/// The bytes that the separator at the start of `text` takes; zero if it is a comma with no blank behind it.
fn separator_length(text: &str) -> usize {
    let mut chars = text.chars();
    let first = chars.next();
    let first_length = first.map_or(0, char::len_utf8);
    let second = chars.next().filter(|c| c.is_whitespace()).map_or(0, char::len_utf8);
    if first == Some(',') {
        return if second == 0 { 0 } else { first_length + second };
    }
    let and = text.get(first_length..).and_then(|rest| rest.strip_prefix("and")).and_then(|rest| rest.chars().next());
    match and.filter(|c| c.is_whitespace() && first.is_some_and(char::is_whitespace)) {
        Some(blank) => first_length + "and".len() + blank.len_utf8(),
        None => first_length,
    }
}

fn value_of(word: &str) -> Option<f64> {
    let is = |name: &str| name.eq_ignore_ascii_case(word);
    let small = FEW.iter().zip(0_u8..).chain(TENS.iter().zip((20..).step_by(10)));
    if let Some((_, value)) = small.into_iter().find(|((cardinal, nth), _)| is(cardinal) || is(nth)) {
        return Some(f64::from(value));
    }
    MAGNITUDES.iter().find(|(_, cardinal, nth)| is(cardinal) || is(nth)).map(|(value, ..)| *value)
}

/// Every word that a number may be made of, for finding such a number in a text.
pub(super) fn vocabulary() -> impl Iterator<Item = &'static str> {
    let pairs = FEW.iter().chain(&TENS).flat_map(|(cardinal, nth)| [*cardinal, *nth]);
    pairs.chain(MAGNITUDES.iter().flat_map(|(_, cardinal, nth)| [*cardinal, *nth])).chain(["and"])
}
