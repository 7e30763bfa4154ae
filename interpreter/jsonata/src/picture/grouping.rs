//! Separators between groups of digits.

use crate::{Bound, Error};

/// The most characters that inserting separators one by one may move.
const EFFORT_MAX: usize = 1 << 24;

/// The distance of separators that stand at the multiples `n`, `2n`, … of one number, each once and in whatever order; `None` if
/// they do not.
pub(super) fn interval(places: impl Iterator<Item = usize>) -> Option<usize> {
    let mut places: Vec<usize> = places.collect();
    places.sort_unstable();
    let interval = places.first().copied().filter(|&interval| interval > 0)?;
    let regular = places.iter().zip(1..).all(|(place, nth): (_, usize)| *place == interval.saturating_mul(nth));
    regular.then_some(interval)
}

/// `digits` with `separator` between groups of `interval`, counted from the right.
pub(super) fn insert_every(digits: &[char], interval: usize, separator: char) -> Vec<char> {
    let mut out = Vec::with_capacity(digits.len() + digits.len() / interval.max(1));
    for (at, digit) in digits.iter().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(interval) {
            out.push(separator);
        }
        out.push(*digit);
    }
    out
}

/// Refuses to insert so many separators, one by one, in a text of so many characters if that would take too long.
pub(super) fn check_effort(separators: usize, characters: usize) -> Result<(), Error> {
    let effort = separators.saturating_mul(separators.saturating_add(characters));
    if effort > EFFORT_MAX { Err(Error::bound(Bound::Steps)) } else { Ok(()) }
}
