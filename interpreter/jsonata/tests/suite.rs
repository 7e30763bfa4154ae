//! The official test suite, from the folder that `STATEWRIGHT_JSONATA_SUITE` names; it is not part of this repository.
//!
//! Every case must pass or stand in `known-differences.toml`, with its reason, and those that stand there must not pass.

#![expect(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a runner reads files and reports")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::path::Path;

use statewright_jsonata::{Bound, Error, Expression, Host, Limits, Outcome, Scope};
use statewright_value::{Number, Value};

struct Clock;

impl Host for Clock {
    fn now_millis(&mut self) -> i64 {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
    }

    fn next_u64(&mut self) -> u64 {
        0x9e37_79b9_7f4a_7c15
    }
}

/// A JSON file. Halves of surrogate pairs, which no string here can hold, become U+FFFD.
fn read(path: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|_| {
        let text = text.replace("\\ud800", "\\ufffd").replace("\\uD800", "\\ufffd");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    })
}

/// Whether two values are the same, numbers by their value.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => Number::compare(*a, *b).is_eq(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

fn evaluate(case: &serde_json::Value, data: Option<&Value>) -> Result<Outcome, Error> {
    let expression = Expression::compile(case["expr"].as_str().unwrap())?;
    let bindings: Vec<(&str, Value)> = case["bindings"]
        .as_object()
        .map(|bindings| bindings.iter().map(|(name, value)| (name.as_str(), Value::from(value.clone()))).collect())
        .unwrap_or_default();
    let depth = case["depth"].as_u64().map_or(Limits::AWS.depth, |depth| depth.try_into().unwrap());
    let limits = Limits { depth, ..Limits::AWS };
    expression.evaluate(&Scope { input: data, bindings: &bindings, limits, ..Scope::default() }, &mut Clock)
}

fn check(case: &serde_json::Value, root: &Path) -> Result<(), String> {
    let data = match &case["dataset"] {
        serde_json::Value::String(name) => Some(Value::from(read(&root.join("datasets").join(format!("{name}.json"))))),
        _ => case.get("data").cloned().map(Value::from),
    };
    let outcome = evaluate(case, data.as_ref());
    let code = case["code"].as_str().or_else(|| case["error"]["code"].as_str());
    match (outcome, code) {
        (Err(error), Some(code)) if error.code() == code => {
            let token = case["error"]["token"].as_str();
            match token {
                Some(token) if error.about_token().and_then(Value::as_str) != Some(token) => {
                    Err(format!("{error:?}, wanted token {token}, got {:?}", error.about_token()))
                }
                _ => Ok(()),
            }
        }
        (Err(error), _) => {
            let bound = if error.reached() == Some(Bound::Memory) { " [memory]" } else { "" };
            Err(format!("{error:?}{bound}"))
        }
        (Ok(outcome), Some(code)) => Err(format!("{outcome:?}, wanted {code}")),
        (Ok(outcome), None) => match (outcome, case.get("result")) {
            (Outcome::Nothing, None) => Ok(()),
            (Outcome::Value(value), Some(wanted)) => {
                let wanted = Value::from(wanted.clone());
                if same(&value, &wanted) || (case["unordered"].as_bool() == Some(true) && same_unordered(&value, &wanted)) {
                    Ok(())
                } else {
                    Err(format!("{value}, wanted {wanted}"))
                }
            }
            (outcome, wanted) => Err(format!("{outcome:?}, wanted {wanted:?}")),
        },
    }
}

fn same_unordered(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().all(|a| b.iter().any(|b| same(a, b))),
        _ => false,
    }
}

fn run(root: &Path) {
    let listed: toml::Table = include_str!("../known-differences.toml").parse().unwrap();
    let listed = |id: &str| listed.get("case").and_then(|cases| cases.get(id)).is_some();
    let mut groups: Vec<_> = std::fs::read_dir(root.join("groups")).unwrap().map(|entry| entry.unwrap().path()).collect();
    groups.sort();
    let mut totals = BTreeMap::new();
    let mut wrong = Vec::new();
    for group in &groups {
        let name = group.file_stem().unwrap().to_string_lossy().into_owned();
        let counts: &mut [usize; 3] = totals.entry(name.clone()).or_default();
        for case in read(group).as_array().unwrap() {
            let id = case["id"].as_str().unwrap();
            match (check(case, root), listed(id)) {
                (Ok(()), false) => counts[0] += 1,
                (Err(_), true) => counts[1] += 1,
                (Ok(()), true) => wrong.push(format!("{id}: is listed, but passes")),
                (Err(error), false) => {
                    counts[2] += 1;
                    wrong.push(format!("{id}: {} ⇒ {error}", case["expr"].as_str().unwrap()));
                }
            }
        }
    }
    println!("limits: {:?}", Limits::AWS);
    let mut sum = [0; 3];
    for (name, [passed, listed, failed]) in totals {
        println!("{name}: {passed} passed, {listed} listed, {failed} failed");
        for (sum, count) in sum.iter_mut().zip([passed, listed, failed]) {
            *sum += count;
        }
    }
    println!("all: {} passed, {} listed, {} failed", sum[0], sum[1], sum[2]);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_official_suite() {
    let Some(root) = std::env::var_os("STATEWRIGHT_JSONATA_SUITE") else {
        println!("SKIPPED: STATEWRIGHT_JSONATA_SUITE is not set");
        return;
    };
    // Some cases are nested deeper than the stack of a test allows.
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(move || run(Path::new(&root))).unwrap();
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}
