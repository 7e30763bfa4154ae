//! Every evaluation ends: by itself or at a bound.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a panic is how a test fails; this one starts itself, and says what it does"
)]

mod runaway;

use runaway::{LEGAL, ROWS};
use rustix::time::{ClockId, clock_gettime};
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

/// Marks the process that evaluates rows of the table, and says which.
const ROWS_FROM: &str = "STATEWRIGHT_RUNAWAY_FROM";
/// How many rows such a process evaluates.
const ROWS_EACH: usize = 80;

/// What a row may take: CPU time, ten times as much as where everything is optimised, and memory.
const MILLIS_MAX: i64 = 1_000;
const MEGABYTES_MAX: u64 = 64;

fn cpu_millis() -> i64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
}

/// The largest memory since the last call.
fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    most.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// Evaluates rows, in a process of its own.
fn stop_rows(from: usize) {
    for (text, bound) in ROWS.iter().skip(from).take(ROWS_EACH) {
        println!("{text}");
        let (began, _) = (cpu_millis(), peak_megabytes());
        stopped(text, *bound);
        let (millis, megabytes) = (cpu_millis() - began, peak_megabytes());
        println!("{millis} ms, {megabytes} MB");
        assert!(millis <= MILLIS_MAX, "{text}: {millis} ms");
        assert!(megabytes <= MEGABYTES_MAX, "{text}: {megabytes} MB");
    }
}

/// Starts this test again as a process that may not have much more memory than it should need, and may not take much longer.
fn stops_rows(test: &str, from: usize) {
    if let Some(from) = std::env::var_os(ROWS_FROM) {
        return stop_rows(from.to_str().unwrap().parse().unwrap());
    }
    let output = std::process::Command::new("sh")
        .args(["-c", "ulimit -v 1000000; ulimit -t 150; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(ROWS_FROM, from.to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}: {said}{}", output.status, String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
}

#[test]
fn what_runs_away_is_stopped_soon_1() {
    stops_rows("what_runs_away_is_stopped_soon_1", 0);
}

#[test]
fn what_runs_away_is_stopped_soon_2() {
    stops_rows("what_runs_away_is_stopped_soon_2", ROWS_EACH);
}

#[test]
fn what_runs_away_is_stopped_soon_3() {
    stops_rows("what_runs_away_is_stopped_soon_3", 2 * ROWS_EACH);
}

#[test]
fn what_runs_away_is_stopped_soon_4() {
    stops_rows("what_runs_away_is_stopped_soon_4", 3 * ROWS_EACH);
    assert!(ROWS.len() <= 4 * ROWS_EACH, "the last rows are tested by nobody");
}

/// The rows whose bound is on levels, on a stack of the least size that there is for them.
#[test]
fn levels_fit_onto_a_small_stack() {
    let rows = || ROWS.iter().filter(|(_, bound)| *bound == Bound::Depth).for_each(|(text, bound)| stopped(text, *bound));
    std::thread::Builder::new().stack_size(512 << 10).spawn(rows).unwrap().join().unwrap();
}

/// The same with ten times as many levels, each of which takes as much of the stack.
#[test]
fn a_thousand_levels_fit_onto_a_stack_of_four_megabytes() {
    let wide = Limits { depth: Limits::WIDE.depth, ..Limits::AWS };
    let deep = "($f := function($n) { $n = 0 ? 0 : 1 + $f($n - 1) }; $f(150))";
    let rows = move || {
        stopped(deep, Bound::Depth);
        assert_eq!(eval_within(deep, wide).unwrap(), Outcome::Value(Value::from(150_i64)));
        ROWS.iter().filter(|(_, bound)| *bound == Bound::Depth).for_each(|(text, _)| {
            let reached = eval_within(text, wide).unwrap_err().reached();
            assert!(reached.is_some(), "{text}");
        });
    };
    std::thread::Builder::new().stack_size(4 << 20).spawn(rows).unwrap().join().unwrap();
}

/// What an error shows of a value is as large as an error may be.
#[test]
fn errors_show_the_beginning_of_large_values() {
    for text in
        ["-$x", "$x + 1", "$number($x)", "$sum($x)", "[$x, 1]^($)", "$formatNumber(1, '0', $x)", "[1]{$x: 1}", "$g($x)", "$x ~> 1"]
    {
        let whole = format!(
            "($f := function($a, $n) {{ $n = 0 ? $a : $f([[$a], [$a]], $n - 1) }}; $g := function($x)<a<n>:n> {{ 1 }};
             $x := $f(1, 40); {text})"
        );
        let error = eval(&whole).unwrap_err();
        assert!(error.reached().is_none() && error.message().len() < 100_000, "{text}: {error}");
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
        let compile = move || {
            for times in [290, 300, 1_000, 200_000] {
                let text = open.repeat(times) + inner + &close.repeat(times);
                if let Ok(expression) = Expression::compile(&text) {
                    let _ = expression.evaluate(&Scope::default(), &mut NoHost);
                }
            }
        };
        std::thread::Builder::new().stack_size(768 << 10).spawn(compile).unwrap().join().unwrap();
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
