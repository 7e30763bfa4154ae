//! Our JSONPath against `jsonpath-rust`, an implementation of RFC 9535, on documents and paths where Jayway and the RFC agree: names,
//! indexes from the start, `[*]`, slices, `..` and filters that compare a member with a literal of the type it always has.
//!
//! What Jayway calls an error is nothing for the RFC: a definite path that misses must select nothing there, and an indefinite path
//! that ends in an error is not compared (names behind a slice or a filter, where an element has no such member). Below an element
//! that `[*]` selected Jayway forgives such an error, but not without losing the element's other matches: therefore steps that may
//! end in errors for some of several values (slices, filters, `[*]` on objects) are not generated behind `[*]`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use jsonpath_rust::JsonPath as _;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use statewright_interpreter::Value;
use statewright_interpreter::json_path::JsonPath;

/// Documents in which a member's name tells its type: `n` a number, `s` a string, `l` and `m` arrays, `o` and `p` objects.
fn document() -> impl Strategy<Value = serde_json::Value> {
    let leaf = object(Just(serde_json::Value::Array(Vec::new())).boxed(), Just(serde_json::json!({})).boxed());
    leaf.prop_recursive(4, 60, 4, |inner| {
        let element = prop_oneof![inner.clone(), inner.clone(), (0..5_i64).prop_map(Into::into), Just(serde_json::Value::Null)];
        let array = prop::collection::vec(element, 0..6).prop_map(serde_json::Value::Array);
        object(array.boxed(), inner)
    })
}

fn object(array: BoxedStrategy<serde_json::Value>, inner: BoxedStrategy<serde_json::Value>) -> BoxedStrategy<serde_json::Value> {
    let number = (0..5_i64).prop_map(serde_json::Value::from).boxed();
    let string = "[a-c]{0,2}".prop_map(serde_json::Value::from).boxed();
    let member = |name: &'static str, value: BoxedStrategy<serde_json::Value>| {
        prop::option::weighted(0.9, value).prop_map(move |value| value.map(|value| (name.to_owned(), value)))
    };
    (
        member("n", number),
        member("s", string),
        member("l", array.clone()),
        member("o", inner.clone()),
        member("m", array),
        member("p", inner),
    )
        .prop_map(|(n, s, l, o, m, p)| [o, n, l, s, m, p].into_iter().flatten().collect::<serde_json::Map<_, _>>().into())
        .boxed()
}

fn path() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![".n", ".s", ".l", ".o", "['m']", ".p"]).prop_map(str::to_owned);
    let slice = prop_oneof![
        (0..4, 0..6).prop_map(|(from, to)| format!("[{from}:{to}]")),
        (-3..4).prop_map(|from| format!("[{from}:]")),
        (-3..4).prop_map(|to| format!("[:{to}]")),
    ];
    let operator = prop::sample::select(vec!["==", "<", "<=", ">", ">="]);
    let filter = prop_oneof![
        (operator.clone(), 0..5).prop_map(|(operator, n)| format!("[?(@.n {operator} {n})]")),
        (operator, "[a-c]{0,2}").prop_map(|(operator, s)| format!("[?(@.s {operator} '{s}')]")),
    ];
    let index = (0..4).prop_map(|index| format!(".l[{index}]"));
    let definite = prop_oneof![4 => name.clone(), 2 => index.clone()];
    let step = prop_oneof![4 => name, 2 => index, 2 => Just(".l[*]".to_owned()), 1 => Just(".m[*]".to_owned())];
    let uncertain = prop_oneof![
        prop::sample::select(vec!["[*]", ".*"]).prop_map(str::to_owned),
        slice.prop_map(|slice| format!(".l{slice}")),
        filter.prop_map(|filter| format!(".l{filter}")),
    ];
    let steps = |step: BoxedStrategy<String>| prop::collection::vec(step, 0..3).prop_map(|steps| steps.concat());
    let (definite, steps) = (steps(definite.boxed()), steps(step.boxed()).boxed());
    let path = prop_oneof![
        (steps.clone(), steps.clone()).prop_map(|(a, b)| a + &b),
        (definite, uncertain, steps).prop_map(|(a, b, c)| a + &b + &c),
    ];
    let end = prop_oneof![
        3 => Just(String::new()),
        1 => prop::sample::select(vec!["..n", "..s", "..l", "..o", "..*", "..m", "..p"]).prop_map(str::to_owned),
    ];
    (path, end).prop_map(|(path, end)| format!("${path}{end}"))
}

/// What `jsonpath-rust` selects, in order.
fn selected(path: &str, document: &serde_json::Value) -> Vec<Value> {
    document.query(path).unwrap().into_iter().map(|value| Value::from(value.clone())).collect()
}

/// Whether the two could be compared, and selected something.
fn agrees(path: &str, document: &serde_json::Value) -> Result<bool, TestCaseError> {
    let ours = JsonPath::parse(path).unwrap();
    let theirs = selected(path, document);
    let selects = !theirs.is_empty();
    match ours.evaluate(&Value::from(document.clone())) {
        Ok(value) if ours.is_definite() => prop_assert_eq!(vec![value], theirs, "{}", path),
        Ok(value) => prop_assert_eq!(value, Value::from(theirs), "{}", path),
        Err(error) if ours.is_definite() => prop_assert_eq!(theirs, vec![], "{}: {}", path, error),
        Err(_) => return Ok(false),
    }
    Ok(selects)
}

#[test]
fn two_implementations_agree() {
    let config = ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let compared = std::cell::Cell::new(0_u32);
    let outcome = runner.run(&(document(), prop::collection::vec(path(), 4)), |(document, paths)| {
        for path in paths {
            compared.set(compared.get() + u32::from(agrees(&path, &document)?));
        }
        Ok(())
    });
    assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
    assert!(compared.get() > 1_500, "only {} of 8000 paths could be compared and selected something", compared.get());
}
