//! What ends a command before it has a result.

use std::fmt::Display;

/// The definition or the call was wrong. It is printed, and the exit code is 2.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Refusal {
    /// What is wrong, with the file, line, state or field that it is about.
    pub(crate) message: String,
    /// What to do about it, one sentence a line.
    pub(crate) help: Vec<String>,
    /// Whether what is wrong has been printed already, as diagnostics are.
    pub(crate) printed: bool,
}

impl Refusal {
    /// A refusal without help.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: Vec::new(), printed: false }
    }

    /// The same, with one more sentence of help.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// The same, known to be on the screen.
    pub(crate) fn printed(mut self) -> Self {
        self.printed = true;
        self
    }
}

/// The names in backticks with commas between them, or `none`.
pub(crate) fn list<T: Display>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// The candidate that `name` was most likely meant to be, if one is near enough.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let far = name.chars().count() / 3 + 1;
    let distances = candidates.into_iter().map(|candidate| (distance(name, candidate), candidate));
    distances.filter(|(distance, _)| *distance <= far).min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// How many characters must be changed, put in or left out to get from one name to the other; case does not count.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, character) in from.to_lowercase().chars().enumerate() {
        let mut diagonal = at;
        let mut left = at + 1;
        let mut next = vec![left];
        for (other, above) in to.iter().zip(row.iter().skip(1)) {
            let changed = diagonal + usize::from(character != *other);
            diagonal = *above;
            left = changed.min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_what_was_meant() {
        assert_eq!(nearest("HapyPath", ["HappyPath", "RetryPath"]), Some("HappyPath"));
        assert_eq!(nearest("happypath", ["HappyPath"]), Some("HappyPath"));
        assert_eq!(nearest("x", ["HappyPath"]), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
