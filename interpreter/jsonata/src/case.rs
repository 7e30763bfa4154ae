//! Characters regardless of case, as JavaScript compares them.

use smallvec::SmallVec;

/// One character for all that differ only in case: the capital, where that is one character, and not an ASCII one of another's.
///
/// Source: ECMAScript, "Canonicalize", without the flag `u`.
pub(crate) fn fold(character: char) -> char {
    if character.is_ascii() {
        return character.to_ascii_uppercase();
    }
    match single(character.to_uppercase()) {
        Some(capital) if !capital.is_ascii() => capital,
        _ => character,
    }
}

/// All characters that differ from this one only in case, itself among them.
pub(crate) fn variants(character: char) -> SmallVec<[char; 6]> {
    let capital = fold(character);
    let mut all = SmallVec::from_iter([capital]);
    all.extend(single(capital.to_lowercase()).filter(|small| *small != capital && fold(*small) == capital));
    all.extend(OTHERS.iter().filter(|(_, other)| *other == capital).map(|(small, _)| *small));
    all
}

fn single(mut cased: impl Iterator<Item = char>) -> Option<char> {
    let first = cased.next();
    first.filter(|_| cased.next().is_none())
}

/// Characters whose capital has another small letter, with the capital.
const OTHERS: [(char, char); 25] = [
    ('\u{b5}', '\u{39c}'),
    ('\u{1c5}', '\u{1c4}'),
    ('\u{1c8}', '\u{1c7}'),
    ('\u{1cb}', '\u{1ca}'),
    ('\u{1f2}', '\u{1f1}'),
    ('\u{345}', '\u{399}'),
    ('\u{3c2}', '\u{3a3}'),
    ('\u{3d0}', '\u{392}'),
    ('\u{3d1}', '\u{398}'),
    ('\u{3d5}', '\u{3a6}'),
    ('\u{3d6}', '\u{3a0}'),
    ('\u{3f0}', '\u{39a}'),
    ('\u{3f1}', '\u{3a1}'),
    ('\u{3f5}', '\u{395}'),
    ('\u{1c80}', '\u{412}'),
    ('\u{1c81}', '\u{414}'),
    ('\u{1c82}', '\u{41e}'),
    ('\u{1c83}', '\u{421}'),
    ('\u{1c84}', '\u{422}'),
    ('\u{1c85}', '\u{422}'),
    ('\u{1c86}', '\u{42a}'),
    ('\u{1c87}', '\u{462}'),
    ('\u{1c88}', '\u{a64a}'),
    ('\u{1e9b}', '\u{1e60}'),
    ('\u{1fbe}', '\u{399}'),
];

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::{fold, variants};

    #[test]
    fn variants_are_all_that_fold_to_the_same() {
        let mut groups: BTreeMap<char, BTreeSet<char>> = BTreeMap::new();
        for character in '\0'..=char::MAX {
            groups.entry(fold(character)).or_default().insert(character);
        }
        for (capital, group) in groups {
            for character in &group {
                let found: BTreeSet<char> = variants(*character).into_iter().collect();
                assert_eq!(found, group, "{character} and {capital}");
            }
        }
    }
}
