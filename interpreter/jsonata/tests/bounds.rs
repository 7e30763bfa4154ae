//! Every evaluation ends: by itself or at a bound.

#![expect(clippy::panic, reason = "a panic is how a test fails")]

mod runaway;

use runaway::{LEGAL, ROWS};
use statewright_jsonata::{Bound, Error, Expression, Limits, NoHost, Outcome, Scope, aws};
use statewright_value::Value;

fn eval_within(text: &str, limits: Limits) -> Result<Outcome, Error> {
    Expression::compile(text)?.evaluate(&Scope { limits, functions: &[&aws::FUNCTIONS], ..Scope::default() }, &mut NoHost)
}

fn eval(text: &str) -> Result<Outcome, Error> {
    eval_within(text, Limits::AWS)
}

fn stopped(text: &str, bound: Bound) {
    match eval(text) {
        Err(error) => assert_eq!(error.reached(), Some(bound), "{text}: {error:?}"),
        Ok(_) => panic!("{text}: is not stopped"),
    }
}

#[test]
fn what_runs_away_is_stopped() {
    for (text, bound) in ROWS {
        stopped(text, *bound);
    }
}

#[test]
fn what_is_large_but_legal_is_not() {
    for (text, expected) in LEGAL {
        let outcome = eval(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert_eq!(outcome.into_value().map(|value| value.to_string()).as_deref(), Some(*expected), "{text}");
    }
}

#[test]
fn the_bounds_are_where_the_service_has_them() {
    assert!(eval("[1..873782]").is_ok());
    stopped("[1..873783]", Bound::Memory);
    assert!(eval("$pad('', 4194304, 'x')").is_ok());
    stopped("$pad('', 8388608, 'x')", Bound::Memory);
    let sum = |terms: usize| vec!["1"; terms].join("+");
    assert_eq!(eval(&sum(90)).unwrap(), Outcome::Value(Value::from(90_i64)));
    stopped(&sum(200), Bound::Depth);
    let error = eval(&sum(200)).unwrap_err();
    let sentence = "Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive";
    assert_eq!(error.to_string(), sentence);
}

#[test]
fn nesting_without_end_is_an_error_of_the_text() {
    for (open, inner, close) in [
        ("(", "1", ")"),
        ("[", "1", "]"),
        ("-", "1", ""),
        ("1+", "1", ""),
        ("a.", "a", ""),
        ("a?", "1", ":1"),
        ("function(){", "1", "}"),
        ("{'a':", "1", "}"),
        ("a[", "1", "]"),
        ("$f(", "1", ")"),
        ("|a|", "{}", "|"),
        ("%.", "a", ""),
        ("a~>", "$f", ""),
        ("$x:=", "1", ""),
    ] {
        for times in [1_000, 200_000] {
            let text = open.repeat(times) + inner + &close.repeat(times);
            if let Ok(expression) = Expression::compile(&text) {
                let _ = expression.evaluate(&Scope::default(), &mut NoHost);
            }
        }
    }
}

#[test]
fn chains_of_functions_are_dropped_and_called_without_recursion() {
    let wrap = "($f := function($n, $g) { $n = 0 ? $g : $f($n - 1, function() { $g }) }; $type($f(50000, 1)))";
    assert_eq!(eval(wrap).unwrap(), Outcome::Value(Value::from("function")));
    stopped("($f := function($n, $g) { $n = 0 ? $g(1) : $f($n - 1, $g ~> $string) }; $f(50000, $string))", Bound::Depth);
    stopped("($f := function($n, $g) { $n = 0 ? $g() : $f($n - 1, $g(?)) }; $f(50000, $string))", Bound::Depth);
}

#[test]
fn an_evaluation_that_ends_leaves_nothing_behind() {
    // Functions that call themselves hold their scopes, which hold them: a loop that makes many must not run out of memory.
    let text =
        "($loop := function($n) { ($g := function($k) { $k = 0 ? 0 : $g($k - 1) }; $g(2); $n = 0 ? 'done' : $loop($n - 1)) };
        $loop(200000))";
    let outcome = eval_within(text, Limits { steps: Limits::WIDE.steps, ..Limits::AWS });
    assert_eq!(outcome.unwrap(), Outcome::Value(Value::from("done")));
}
