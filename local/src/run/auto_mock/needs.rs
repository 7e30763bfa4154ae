//! What is looked for in a document: paths, and what should be there.

use std::collections::BTreeMap;
use std::sync::Arc;

use statewright_interpreter::Value;

/// One step into a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// A member.
    Name(Arc<str>),
    /// An element.
    Index(u32),
    /// Every element.
    Each,
    /// From a text to the JSON it holds.
    Json,
}

/// What should be somewhere.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Want {
    /// Something.
    Any,
    /// A text.
    Text,
    /// A number.
    Number,
    /// A time.
    Time,
    /// An array.
    List,
    /// An object.
    Members,
    /// A text with several of these between its parts.
    Parts(Arc<str>),
    /// A text in Base64.
    Base64,
    /// This.
    Exactly(Value),
    /// Nothing.
    Absent,
}

/// Longer paths are not followed: a loop may make them longer and longer.
const STEPS_MAX: usize = 14;
/// More paths are not followed.
const NEEDS_MAX: usize = 400;

/// What is looked for in one document. Each has a rank: of two that exclude each other the lower one counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs(BTreeMap<Vec<Step>, (Want, u32)>);

impl Needs {
    /// Adds one. Whether anything has changed.
    pub(super) fn add(&mut self, path: Vec<Step>, want: Want, rank: u32) -> bool {
        if path.len() > STEPS_MAX {
            return false;
        }
        let full = self.0.len() >= NEEDS_MAX;
        match self.0.get_mut(&path) {
            None if full => false,
            None => {
                self.0.insert(path, (want, rank));
                true
            }
            Some((known, known_rank)) => {
                let better = match (&want, &*known) {
                    // What somebody reads without looking whether it is there must be there.
                    (Want::Absent, Want::Any) => rank < *known_rank,
                    (Want::Any, Want::Absent) => rank <= *known_rank,
                    (Want::Any, other) if *other != Want::Any => false,
                    (other, Want::Any) if *other != Want::Any => true,
                    _ => rank < *known_rank,
                };
                if better {
                    (*known, *known_rank) = (want, rank);
                }
                better
            }
        }
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[Step], &Want, u32)> {
        self.0.iter().map(|(path, (want, rank))| (path.as_slice(), want, *rank))
    }
}

/// The steps of a path as it is written, behind its root; what selects several elements is [`Step::Each`].
pub(super) fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = path.trim().trim_start_matches('$');
    while let Some(first) = rest.chars().next() {
        if first == '[' {
            let (inside, after) = bracket(rest);
            steps.extend(bracketed(inside));
            rest = after;
        } else {
            rest = rest.trim_start_matches('.');
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            // A function such as `length()` looks at what is there.
            if name == "*" {
                steps.push(Step::Each);
            } else if !name.is_empty() && !name.ends_with(')') {
                steps.push(Step::Name(name.into()));
            }
            rest = after;
        }
    }
    steps
}

/// A filter that compares with a constant: `[?(@.id == 'a')]`.
#[derive(Debug, PartialEq)]
pub(super) struct Filter {
    /// The array.
    pub(super) array: Vec<Step>,
    /// Where in an element.
    pub(super) within: Vec<Step>,
    /// What should be there.
    pub(super) value: Value,
}

/// The filters of a path that compare one thing with a constant for being equal.
pub(super) fn filters(path: &str) -> Vec<Filter> {
    let found = path.match_indices("[?").filter_map(|(at, _)| {
        let (before, from) = path.split_at_checked(at)?;
        let inside = bracket(from).0.trim().strip_prefix('?')?.trim();
        let inside = inside.strip_prefix('(')?.strip_suffix(')')?;
        if inside.contains("&&") || inside.contains("||") {
            return None;
        }
        let (element, constant) = inside.split_once("==")?;
        let within = steps(element.trim().strip_prefix('@')?);
        Some(Filter { array: steps(before), within, value: constant_value(constant.trim())? })
    });
    found.collect()
}

/// A constant as filters write it: text need not be quoted.
fn constant_value(written: &str) -> Option<Value> {
    let quoted = |quote| written.strip_prefix(quote)?.strip_suffix(quote);
    if let Some(text) = quoted('\'').or_else(|| quoted('"')) {
        return Some(Value::from(text));
    }
    let is_path = written.starts_with(['$', '@']) || written.is_empty();
    (!is_path).then(|| Value::parse(written).unwrap_or_else(|_| Value::from(written)))
}

/// What stands in the bracket that `text` begins with, and what follows it. Quotes and brackets within are skipped.
fn bracket(text: &str) -> (&str, &str) {
    let (mut depth, mut quote) = (0, None);
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), character) if character == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '[' | '(') => depth += 1,
            (None, ']' | ')') => {
                depth -= 1;
                if depth == 0 {
                    return (text.get(1..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
                }
            }
            (None, _) => {}
        }
    }
    (text.get(1..).unwrap_or_default(), "")
}

fn bracketed(inside: &str) -> Option<Step> {
    let inside = inside.trim();
    let quoted = inside.strip_prefix(['\'', '"']).and_then(|rest| rest.strip_suffix(['\'', '"']));
    match quoted {
        // Of several names nothing more is known than that the value is an object.
        Some(names) if names.contains("','") || names.contains("', '") => None,
        Some(name) => Some(Step::Name(name.into())),
        None => Some(inside.parse::<u32>().map_or(Step::Each, Step::Index)),
    }
}

/// What is left of `path` behind `prefix`, if it begins with it. Every element is an element.
pub(super) fn behind<'p>(path: &'p [Step], prefix: &[Step]) -> Option<&'p [Step]> {
    let (head, tail) = path.split_at_checked(prefix.len())?;
    let same = |(a, b): (&Step, &Step)| a == b || matches!((a, b), (Step::Each, Step::Index(_)) | (Step::Index(_), Step::Each));
    head.iter().zip(prefix).all(same).then_some(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_with_constants_are_found() {
        let name = |name: &str| Step::Name(name.into());
        let filter = |value: Value| vec![Filter { array: vec![name("a")], within: vec![name("b"), name("c")], value }];
        assert_eq!(filters("$.a[?(@.b.c == 'x y')].d"), filter(Value::from("x y")));
        assert_eq!(filters("$.a[?(@.b.c==es)].d"), filter(Value::from("es")));
        assert_eq!(filters("$.a[?(@.b.c == 5)]"), filter(Value::from(5_i64)));
        for other in ["$.a[?(@.b == $.c)]", "$.a[?(@.b)]", "$.a[?(@.b == 1 && @.c == 2)]", "$.a[?(@.b > 1)]", "$.a[0]"] {
            assert_eq!(filters(other), [], "{other}");
        }
    }

    #[test]
    fn paths_are_taken_apart() {
        let name = |name: &str| Step::Name(name.into());
        assert_eq!(steps("$"), []);
        assert_eq!(steps("$.a-b.c[0][*]"), [name("a-b"), name("c"), Step::Index(0), Step::Each]);
        assert_eq!(steps("$['a b'].c[?(@.x[0] == ']')].d"), [name("a b"), name("c"), Step::Each, name("d")]);
        assert_eq!(steps("$..x"), [name("x")]);
        assert_eq!(steps("$.a[1:].length()"), [name("a"), Step::Each]);
        assert_eq!(steps("$[0"), [Step::Index(0)]);
    }
}
