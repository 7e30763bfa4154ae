//! `${Name}`: what CloudFormation, and tools like it, replace before the service sees a definition.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The values to put in, and what was found to have none.
#[derive(Debug)]
pub(in crate::definition) struct Substitutions<'o> {
    values: &'o BTreeMap<String, String>,
    unresolved: BTreeSet<String>,
}

/// The longest name that is taken for one; longer ones are text.
const NAME_BYTES_MAX: usize = 256;

impl<'o> Substitutions<'o> {
    pub(in crate::definition) fn new(values: &'o BTreeMap<String, String>) -> Self {
        Self { values, unresolved: BTreeSet::new() }
    }

    /// The value for `name`; if there is none, the name is noted down.
    pub(in crate::definition) fn value(&mut self, name: &str) -> Option<&'o str> {
        let value = self.values.get(name);
        if value.is_none() {
            self.unresolved.insert(name.to_owned());
        }
        value.map(String::as_str)
    }

    /// `text` with every `${Name}` replaced, and whether one of them has no value (it stays as it is).
    pub(in crate::definition) fn replace<'t>(&mut self, text: &'t str) -> (Cow<'t, str>, bool) {
        let mut replaced = String::new();
        let (mut rest, mut changed, mut unresolved) = (text, false, false);
        while let Some((before, placeholder, name, after)) = next_placeholder(rest) {
            replaced.push_str(before);
            if let Some(value) = self.value(name) {
                replaced.push_str(value);
                changed = true;
            } else {
                replaced.push_str(placeholder);
                unresolved = true;
            }
            rest = after;
        }
        if !changed {
            return (Cow::Borrowed(text), unresolved);
        }
        replaced.push_str(rest);
        (Cow::Owned(replaced), unresolved)
    }

    /// The names that have no value, sorted.
    pub(in crate::definition) fn into_unresolved(self) -> Vec<String> {
        self.unresolved.into_iter().collect()
    }
}

/// The length in bytes of the placeholder that `text` begins with, and its name.
pub(super) fn leading(text: &str) -> Option<(usize, &str)> {
    let inside = text.strip_prefix("${")?;
    let name = inside.get(..inside.bytes().take(NAME_BYTES_MAX).position(|byte| byte == b'}')?)?;
    // `${!Name}` is how CloudFormation writes the text `${Name}`.
    let is_name = !name.is_empty() && !name.starts_with('!') && !name.contains(['$', '{', '"', '\n']);
    is_name.then(|| (name.len() + "${}".len(), name))
}

/// The first placeholder of a text: what stands before it, itself, its name, and what stands behind it.
pub(super) fn next_placeholder(text: &str) -> Option<(&str, &str, &str, &str)> {
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find("${")?;
        let here = text.get(at..)?;
        if let Some((length, name)) = leading(here) {
            return Some((text.get(..at)?, here.get(..length)?, name, here.get(length..)?));
        }
        from = at + "${".len();
    }
}
