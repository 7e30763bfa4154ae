//! What to write instead of what is often meant, and no JSONata as the service runs it.

use statewright_jsonata::Error;

use super::is_function;

/// A symbol that cannot stand before an operand.
const NO_PREFIX: &str = "S0211";

/// What to write for `??` and `?:`, which the service's JSONata reads as a condition without its middle.
///
/// Source: JSONata 2.0.6, which has neither; release notes of 2.1.0, which has both.
pub(super) fn newer_operator(text: &str, error: &Error) -> Option<String> {
    let (before, rest) = text.split_at_checked(error.position().filter(|_| error.code() == NO_PREFIX)?)?;
    let (operator, instead) = match rest.chars().next()? {
        _ if !before.trim_end().ends_with('?') => return None,
        '?' => ("??", "$exists(a) ? a : b"),
        ':' => ("?:", "a ? a : b"),
        _ => return None,
    };
    Some(format!("the service's JSONata (2.0.6) has no `{operator}`: for `a {operator} b` write `{instead}`"))
}

/// What to write for a function that is called without its `$`, at byte `position`.
pub(super) fn call_without_dollar(text: &str, name: &str, position: usize) -> Option<String> {
    let behind = text.get(position..)?.strip_prefix(name)?.trim_start();
    (behind.starts_with('(') && is_function(name)).then(|| format!("did you mean `${name}`?"))
}

#[cfg(test)]
mod tests {
    use super::super::{Expression, Offered};

    #[track_caller]
    fn hint(text: &str, expected: &str) {
        let marked = format!("{{% {text} %}}");
        let help = match Expression::compile(&marked, "Output") {
            Ok(expression) => expression.unsupported(Offered::Nothing).into_iter().find_map(|error| error.help),
            Err(error) => error.help,
        };
        assert_eq!(help.unwrap_or_default(), expected, "{text}");
    }

    #[test]
    fn what_newer_releases_have_is_written_otherwise() {
        let exists = "the service's JSONata (2.0.6) has no `??`: for `a ?? b` write `$exists(a) ? a : b`";
        let otherwise = "the service's JSONata (2.0.6) has no `?:`: for `a ?: b` write `a ? a : b`";
        hint("$states.input.a ?? 1", exists);
        hint("$count([$x\n?? ()])", exists);
        hint("$states.input.a ?: 1", otherwise);
        hint("$x ? ]", "");
        hint("$x : 1", "");
        hint("$x ? 1 : : 2", "");
    }

    #[test]
    fn functions_are_called_with_a_dollar() {
        hint("sum([1])", "did you mean `$sum`?");
        hint("1 + uuid ()", "did you mean `$uuid`?");
        hint("$map([1], function($i) { string($i) })", "did you mean `$string`?");
        hint("sum", "");
        hint("total(1)", "");
    }

    #[test]
    fn a_text_that_goes_on_is_told_from_a_wrong_one() {
        let is_unfinished = |text: &str| Expression::compile(text, "").is_err_and(|error| error.is_unfinished);
        for text in ["(", "[1,", "1 +", "{'a':", "$f(1", "function($x) {", "1 /* and", "$x ?"] {
            assert!(is_unfinished(text), "{text}");
        }
        for text in [")", "(]", "1 2", "'a", "$x ? :", "1 + ]", "1"] {
            assert!(!is_unfinished(text), "{text}");
        }
    }
}
