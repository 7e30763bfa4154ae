//! Two engines on generated expressions: ours and `jsonata-core`, which was written by others.
//!
//! Both give the same value, or both fail with the same code; else the case belongs to a class of `classes.rs`, which is known before
//! anything is evaluated. `cargo xtask jsonata-differential` tries as many cases as one likes.

#![expect(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a runner is told how much to do, and reports")]
#![expect(clippy::indexing_slicing, reason = "a panic is how a test fails")]

mod choices;
mod classes;
mod generate;
mod oracle;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;
use statewright_jsonata::{Expression, Limits, NoHost, Outcome, Scope};

use crate::choices::{Choices, smaller};
use crate::classes::{CLASSES, class_of};
use crate::generate::{Case, case};

/// What an engine answers.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    Nothing,
    Function,
    Value(Value),
    /// A code, or what stands in its place.
    Error(String),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Function => f.write_str("a function"),
            Self::Value(value) => {
                let text = value.to_string();
                let end = text.char_indices().nth(600).map_or(text.len(), |(at, _)| at);
                f.write_str(&text[..end])
            }
            Self::Error(code) => write!(f, "the error {code}"),
        }
    }
}

fn ours(case: &Case) -> Answer {
    let limits = Limits { steps: 10_000_000, ..Limits::WIDE };
    let data = case.data.clone().into();
    let outcome = Expression::compile(&case.text)
        .and_then(|expression| expression.evaluate(&Scope { input: Some(&data), limits, ..Scope::default() }, &mut NoHost));
    match outcome {
        Ok(Outcome::Nothing) => Answer::Nothing,
        Ok(Outcome::Function) => Answer::Function,
        Ok(Outcome::Value(value)) => Answer::Value(serde_json::from_str(&value.to_string()).unwrap_or(Value::Null)),
        Err(error) => Answer::Error(error.code().to_owned()),
    }
}

/// Whether two values are the same: numbers as floating point has them, members in the same order.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((key, a), (other, b))| key == other && same(a, b))
        }
        (a, b) => a == b,
    }
}

fn agree(ours: &Answer, theirs: &Answer) -> bool {
    match (ours, theirs) {
        (Answer::Value(ours), Answer::Value(theirs)) => same(ours, theirs),
        (ours, theirs) => ours == theirs,
    }
}

/// A difference that no class explains.
fn unexplained(case: &Case) -> Option<(Answer, Answer)> {
    if class_of(case).is_some() {
        return None;
    }
    let (ours, theirs) = (ours(case), oracle::answer(&case.text, &case.data));
    (!agree(&ours, &theirs)).then_some((ours, theirs))
}

/// The smallest case that is found to differ, beginning with one that does.
fn shrunk(mut list: Vec<u32>) -> Case {
    let mut best = case(&mut Choices::from_list(list.clone()));
    let weight = |case: &Case| case.text.len() * 4 + case.data.to_string().len();
    let mut tries = 4_000;
    'again: loop {
        for candidate in smaller(&list) {
            let mut choices = Choices::from_list(candidate);
            let smaller = case(&mut choices);
            if weight(&smaller) >= weight(&best) {
                continue;
            }
            tries -= 1;
            if tries == 0 {
                return best;
            }
            if unexplained(&smaller).is_some() {
                (best, list) = (smaller, choices.into_made());
                continue 'again;
            }
        }
        return best;
    }
}

/// So many differences are enough for one run.
const DIFFERENCES_MAX: usize = 200;

#[derive(Default)]
struct Tally {
    cases: u64,
    values: u64,
    nothing: u64,
    errors: u64,
    listed: BTreeMap<&'static str, u64>,
    unexplained: Vec<String>,
}

/// Tries `cases` seeds from `first` on. So many differences are enough.
fn run(first: u64, cases: u64, enough: usize) -> Tally {
    let mut tally = Tally::default();
    for seed in first..first + cases {
        let mut choices = Choices::from_seed(seed);
        let case = case(&mut choices);
        tally.cases += 1;
        if let Some(class) = class_of(&case) {
            *tally.listed.entry(class.name).or_default() += 1;
            continue;
        }
        let (ours, theirs) = (ours(&case), oracle::answer(&case.text, &case.data));
        if agree(&ours, &theirs) {
            match ours {
                Answer::Value(_) | Answer::Function => tally.values += 1,
                Answer::Nothing => tally.nothing += 1,
                Answer::Error(_) => tally.errors += 1,
            }
            continue;
        }
        let small = shrunk(choices.into_made());
        let (ours, theirs) = unexplained(&small).unwrap_or((ours, theirs));
        tally.unexplained.push(format!("seed {seed}: {}\n  on {}\n  ours: {ours}\n  theirs: {theirs}", small.text, small.data));
        if tally.unexplained.len() >= enough {
            break;
        }
    }
    tally
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { cases, values, nothing, errors, listed, unexplained } = self;
        writeln!(f, "{cases} cases: {values} the same value, {nothing} nothing on both sides, {errors} the same error")?;
        for class in CLASSES {
            writeln!(f, "  {:>6} listed: {}: {}", listed.get(class.name).unwrap_or(&0), class.name, class.reason)?;
        }
        writeln!(f, "  {:>6} listed in all ({:.2} %)", listed.values().sum::<u64>(), share(listed.values().sum(), *cases))?;
        writeln!(f, "  {:>6} unexplained", unexplained.len())?;
        unexplained.iter().try_for_each(|difference| writeln!(f, "\n{difference}"))
    }
}

#[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 * 100.0 / whole.max(1) as f64
}

#[test]
fn two_engines_agree_on_generated_expressions() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let first = number("STATEWRIGHT_DIFFERENTIAL_SEED").unwrap_or(0);
    let cases = number("STATEWRIGHT_DIFFERENTIAL_CASES").unwrap_or(20_000);
    // Deep expressions take stack, and both engines are built without optimisation here.
    let tally = std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().stack_size(256 << 20).spawn_scoped(scope, || run(first, cases, DIFFERENCES_MAX));
        worker.map(std::thread::ScopedJoinHandle::join)
    });
    let tally = tally.ok().and_then(Result::ok).unwrap_or_else(|| panic!("the run ended with a panic"));
    println!("{tally}");
    assert!(tally.unexplained.is_empty(), "differences that no class explains:\n{tally}");
    if cases >= 1_000 {
        assert!(tally.values * 2 >= tally.cases, "too few cases have a value: {tally}");
        assert!(share(tally.listed.values().sum(), tally.cases) <= 2.0, "the classes cover too much: {tally}");
    }
}
