//! Variables: when they get their values, who sees them, and how large they may be.

use serde_json::{Value, json};
use statewright_tests::play::{Play, Played, succeeds};

use crate::{assert_failed, machine, with};

fn run(states: Value) -> Played {
    Play::of(machine(states)).input(json!({"n": 1, "list": [1, 2]})).run()
}

#[test]
fn a_variable_is_seen_from_the_next_state_on() {
    let states = json!({
        "A": {"Type": "Pass", "Assign": {"x.$": "$.n", "y": {"deep": [1, 2]}}, "Next": "B"},
        "B": {"Type": "Pass", "Parameters": {"x.$": "$x", "second.$": "$y.deep[1]", "sum.$": "States.MathAdd($x, $y.deep[0])"}}
    });
    let output = run(states).output();
    assert_eq!((&output["x"], &output["second"], &output["sum"]), (&json!(1), &json!(2), &json!(2)));
}

#[test]
fn all_values_of_an_assign_are_those_from_before_it() {
    let states = json!({
        "A": {"Type": "Pass", "Assign": {"x": 1, "y": 2}, "Next": "B"},
        "B": {"Type": "Pass", "Assign": {"x.$": "$y", "y.$": "$x"}, "Parameters": {"x.$": "$x"}, "Next": "C"},
        "C": {"Type": "Pass", "Parameters": {"x.$": "$x", "y.$": "$y"}}
    });
    let played = run(states);
    assert_eq!(played.outputs_of("B"), [r#"{"x":1}"#]);
    assert_eq!(played.output(), json!({"x": 2, "y": 1}));
}

#[test]
fn assign_sees_the_result_before_the_selector_and_the_output_do() {
    let task = json!({"Type": "Task", "InputPath": "$.n", "Assign": {"whole.$": "$", "part.$": "$.a"}, "ResultSelector": {"b": 2},
        "ResultPath": null, "Next": "Z"});
    let states = json!({"T": task, "Z": {"Type": "Pass", "Parameters": {"w.$": "$whole", "p.$": "$part"}}});
    let played = Play::of(machine(states)).input(json!({"n": 1})).answers([succeeds(json!({"a": 5}))]).run();
    assert_eq!(played.output(), json!({"w": {"a": 5}, "p": 5}));
}

#[test]
fn what_assign_sees_depends_on_the_type_of_the_state() {
    let seen = |state: Value, input: Value| {
        let state = with(state, json!({"Assign": {"seen.$": "$"}, "Next": "Z"}));
        let states = json!({"S": state, "Z": {"Type": "Pass", "Parameters": {"seen.$": "$seen"}}});
        Play::of(machine(states)).input(input).run().output()["seen"].clone()
    };
    let input = json!({"a": {"b": [1, 2]}});
    assert_eq!(seen(json!({"Type": "Pass", "InputPath": "$.a"}), input.clone()), json!({"b": [1, 2]}));
    assert_eq!(seen(json!({"Type": "Pass", "Result": 7, "ResultPath": "$.r"}), input.clone()), json!(7));
    assert_eq!(seen(json!({"Type": "Pass", "Parameters": {"p": 1}, "OutputPath": null}), input.clone()), json!({"p": 1}));
    assert_eq!(
        seen(json!({"Type": "Wait", "Seconds": 1, "InputPath": "$.a", "OutputPath": "$.b"}), input.clone()),
        json!({"b": [1, 2]})
    );
    let map = json!({"Type": "Map", "ItemsPath": "$.a.b", "ItemProcessor": {"P": {"Type": "Pass"}}, "ResultPath": null});
    assert_eq!(seen(map, input.clone()), json!([1, 2]));
    let parallel = json!({"Type": "Parallel", "Branches": [{"P": {"Type": "Pass", "Result": 3}}], "ResultSelector": {"x": 1}});
    assert_eq!(seen(parallel, input), json!([3]));
}

#[test]
fn the_exit_shows_the_variables_as_texts_and_only_when_there_are_any() {
    let states = json!({
        "A": {"Type": "Pass", "Assign": {"n": 42, "s": "foobar", "o": {"a": [1, null]}}, "Next": "B"},
        "B": {"Type": "Pass"}
    });
    let exits = run(states).details("PassStateExited");
    assert_eq!(exits[0]["assignedVariables"], json!({"n": "42", "s": "\"foobar\"", "o": "{\"a\":[1,null]}"}));
    assert_eq!(exits[0]["assignedVariablesDetails"], json!({"truncated": false}));
    assert_eq!((exits[1].get("assignedVariables"), exits[1].get("assignedVariablesDetails")), (None, None));
}

#[test]
fn inner_scopes_see_outer_variables_and_siblings_do_not_see_each_others() {
    let inner = |name: &str, n: u32| {
        json!({
            name: {"Type": "Pass", "Assign": {"mine": n}, "Next": format!("{name}2")},
            format!("{name}2"): {"Type": "Wait", "Seconds": 1, "Next": format!("{name}3")},
            format!("{name}3"): {"Type": "Pass", "Parameters": {"mine.$": "$mine", "outer.$": "$outer"}}
        })
    };
    let states = json!({
        "A": {"Type": "Pass", "Assign": {"outer": 9}, "Next": "P"},
        "P": {"Type": "Parallel", "Branches": [inner("L", 1), inner("R", 2)]}
    });
    assert_eq!(run(states).output(), json!([{"outer": 9, "mine": 1}, {"outer": 9, "mine": 2}]));
    let iteration = json!({
        "I": {"Type": "Pass", "Assign": {"mine.$": "$"}, "Next": "W"},
        "W": {"Type": "Wait", "Seconds": 1, "Next": "O"},
        "O": {"Type": "Pass", "Parameters": {"mine.$": "$mine"}}
    });
    let states = json!({"M": {"Type": "Map", "ItemsPath": "$.list", "ItemProcessor": iteration}});
    assert_eq!(run(states).output(), json!([{"mine": 1}, {"mine": 2}]));
}

#[test]
fn the_variables_of_a_scope_end_with_it() {
    let branch = json!({"I": {"Type": "Pass", "Assign": {"inner": 1}}});
    let states = json!({"P": {"Type": "Parallel", "Branches": [branch], "Next": "Z"},
        "Z": {"Type": "Pass", "Parameters": {"x.$": "$inner"}}});
    // The parser may know already; if it lets this pass, the execution fails.
    let text = machine(states);
    let options = statewright_interpreter::definition::Options::default();
    if statewright_interpreter::definition::Definition::parse(&text.to_string(), &options).is_ok() {
        assert_failed(&Play::of(text).run(), "States.Runtime", "");
    }
}

#[test]
fn a_parallel_assigns_in_the_scope_around_it() {
    let states = json!({
        "P": {"Type": "Parallel", "Branches": [{"I": {"Type": "Fail", "Error": "E"}}], "Next": "Z",
            "Catch": [{"ErrorEquals": ["E"], "Assign": {"failed.$": "$.Error"}, "Next": "Z"}]},
        "Z": {"Type": "Pass", "Parameters": {"failed.$": "$failed"}}
    });
    assert_eq!(run(states).output(), json!({"failed": "E"}));
}

/// A text that is this long as JSON.
fn text(bytes: usize) -> Value {
    Value::from("x".repeat(bytes - 2))
}

#[test]
fn one_assign_may_hold_256_kib_to_the_byte() {
    let assign = |values: Value| run(json!({"A": {"Type": "Pass", "Assign": values, "Result": 1}}));
    assert_eq!(assign(json!({"a": text(262_144)})).status, "SUCCEEDED");
    assert_failed(&assign(json!({"a": text(262_145)})), "States.DataLimitExceeded", "");
    assert_eq!(assign(json!({"a": text(131_072), "b": text(131_072)})).status, "SUCCEEDED");
    assert_failed(&assign(json!({"a": text(131_072), "b": text(131_073)})), "States.DataLimitExceeded", "");
}

#[test]
fn all_variables_together_may_hold_10_mib() {
    let assign = |names: Vec<String>, last: Value| {
        let n = names.len();
        let mut states = serde_json::Map::new();
        for (at, name) in names.into_iter().enumerate() {
            let next = if at + 1 == n { "Z".to_owned() } else { format!("A{}", at + 1) };
            let assign = json!({format!("{name}.$"): "$"});
            states.insert(format!("A{at}"), json!({"Type": "Pass", "Assign": assign, "Next": next}));
        }
        states.insert("Z".to_owned(), json!({"Type": "Pass", "Assign": last, "Result": 1}));
        Play::of(machine(Value::Object(states))).input(text(262_144)).without_crashes().run()
    };
    let many = |n: usize, last: Value| assign((0..n).map(|at| format!("v{at}")).collect(), last);
    assert_eq!(many(39, json!({"z": text(262_144)})).status, "SUCCEEDED");
    assert_failed(&many(40, json!({"z": 1})), "States.DataLimitExceeded", "");
    // What takes the place of another value does not count twice.
    assert_eq!(many(40, json!({"v0": text(262_144)})).status, "SUCCEEDED");
    assert_eq!(assign(vec!["v".to_owned(); 41], json!({"z": 1})).status, "SUCCEEDED");
    // Those of iterations that have ended do not count.
    let item = json!({"I": {"Type": "Pass", "Assign": {"v": text(262_144)}, "Result": 1}});
    let map = machine(json!({"M": {"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": item}}));
    assert_eq!(Play::of(map).input(json!(vec![0; 41])).without_crashes().run().status, "SUCCEEDED");
}
