//! Input and output processing: which field sees what, and in which order.

use serde_json::{Value, json};
use statewright_tests::play::{Play, Played, succeeds};

use crate::{assert_failed, machine, only, play, with};

/// Plays a task with these fields that answers `result`.
fn task(fields: Value, input: Value, result: Value) -> Played {
    Play::of(only(with(json!({"Type": "Task"}), fields))).input(input).answers([succeeds(result)]).run()
}

#[test]
fn the_fields_of_a_task_apply_one_after_the_other() {
    let fields = json!({
        "InputPath": "$.in",
        "Parameters": {"p.$": "$.x", "whole.$": "$"},
        "ResultSelector": {"r.$": "$.answer"},
        "ResultPath": "$.kept.result",
        "OutputPath": "$.kept"
    });
    let played = task(fields, json!({"in": {"x": 1}, "kept": {"old": true}}), json!({"answer": 42, "noise": 0}));
    assert_eq!(played.inputs_of("S"), [r#"{"in":{"x":1},"kept":{"old":true}}"#]);
    // What a `.$` gives comes in the order of a Java HashMap: `p` before `whole`.
    assert_eq!(played.parameters(), [r#"{"p":1,"whole":{"x":1}}"#]);
    assert_eq!(played.outputs_of("S"), [r#"{"old":true,"result":{"r":42}}"#]);
}

#[test]
fn a_null_input_path_or_output_path_is_an_empty_object() {
    let played = task(json!({"InputPath": null}), json!({"a": 1}), json!(5));
    assert_eq!((played.parameters(), played.output()), (vec!["{}".to_owned()], json!(5)));
    assert_eq!(task(json!({"OutputPath": null}), json!({"a": 1}), json!(5)).output(), json!({}));
    for state in [json!({"Type": "Pass"}), json!({"Type": "Succeed"}), json!({"Type": "Wait", "Seconds": 0})] {
        assert_eq!(play(with(state.clone(), json!({"InputPath": null})), json!({"a": 1})).output(), json!({}), "{state}");
        assert_eq!(play(with(state.clone(), json!({"OutputPath": null})), json!({"a": 1})).output(), json!({}), "{state}");
    }
}

#[test]
fn a_null_result_path_throws_the_result_away_and_hands_the_raw_input_on() {
    let fields = json!({"InputPath": "$.a", "Parameters": {"b": 2}, "ResultPath": null});
    assert_eq!(task(fields, json!({"a": 1}), json!(5)).output(), json!({"a": 1}));
    assert_eq!(play(json!({"Type": "Pass", "Result": 5, "ResultPath": null}), json!({"a": 1})).output(), json!({"a": 1}));
}

#[test]
fn the_result_goes_into_the_raw_input_not_into_the_effective_one() {
    let into = |path: &str, input: Value| task(json!({"InputPath": "$.a", "ResultPath": path}), input, json!("r")).output();
    assert_eq!(into("$.r", json!({"a": {"x": 1}})), json!({"a": {"x": 1}, "r": "r"}));
    assert_eq!(into("$.a", json!({"a": {"x": 1}})), json!({"a": "r"}));
    assert_eq!(into("$.b.c.d", json!({"a": 1})), json!({"a": 1, "b": {"c": {"d": "r"}}}));
    assert_eq!(into("$['a']['x y']", json!({"a": {}})), json!({"a": {"x y": "r"}}));
    assert_eq!(into("$.a[1]", json!({"a": [1, 2, 3]})), json!({"a": [1, "r", 3]}));
    assert_eq!(into("$", json!({"a": 1})), json!("r"));
}

#[test]
fn a_result_path_that_does_not_fit_the_input_is_a_conflict_that_can_be_caught() {
    for (path, input) in
        [("$.a.b", json!({"a": "text"})), ("$.a[5]", json!({"a": [1]})), ("$.a", json!([1])), ("$.a[0]", json!({"a": {}}))]
    {
        let played = task(json!({"ResultPath": path}), input.clone(), json!(1));
        let cause = format!("Unable to apply ReferencePath {path} to input {input}");
        assert_failed(&played, "States.ReferencePathConflict", &cause);
        let caught = json!({"S": {"Type": "Task", "ResultPath": path, "Next": "Z", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Z"}]},
            "Z": {"Type": "Succeed"}});
        assert_eq!(Play::of(machine(caught)).input(input).run().output()["Error"], "States.ReferencePathConflict");
    }
}

#[test]
fn input_path_and_output_path_may_start_from_the_context_object_or_a_variable() {
    assert_eq!(play(json!({"Type": "Pass", "InputPath": "$$.Execution.Name"}), json!({})).output(), json!("run-1"));
    assert_eq!(play(json!({"Type": "Pass", "OutputPath": "$$.State.Name"}), json!({})).output(), json!("S"));
    let states =
        json!({"P": {"Type": "Pass", "Assign": {"v": {"x": 7}}, "Next": "S"}, "S": {"Type": "Succeed", "InputPath": "$v.x"}});
    assert_eq!(Play::of(machine(states)).run().output(), json!(7));
}

#[test]
fn a_definite_path_must_find_something_and_an_indefinite_one_gives_a_list() {
    for field in ["InputPath", "OutputPath"] {
        let state = |path: &str| json!({"Type": "Pass", field: path});
        let cause = "(entered at the event id #2). Invalid path '$.none' : No results for path: $['none']";
        assert_failed(&play(state("$.none"), json!({})), "States.Runtime", cause);
        assert_eq!(play(state("$.none[*]"), json!({})).output(), json!([]));
        assert_eq!(play(state("$..x"), json!({"a": {"x": 1}, "x": 2})).output(), json!([2, 1]));
        assert_eq!(play(state("$.a[?(@.n > 1)].n"), json!({"a": [{"n": 1}, {"n": 2}]})).output(), json!([2]));
    }
}

#[test]
fn the_result_of_a_pass_is_literal_and_takes_the_place_of_its_input() {
    let result = json!({"a.$": "$.b", "n": 1});
    let state = json!({"Type": "Pass", "InputPath": "$.none[*]", "Result": result, "ResultPath": "$.r"});
    assert_eq!(play(state, json!({"b": 2})).output(), json!({"b": 2, "r": {"a.$": "$.b", "n": 1}}));
    for value in [json!(null), json!("text"), json!(0), json!([{}])] {
        assert_eq!(play(json!({"Type": "Pass", "Result": value}), json!({})).output(), value);
    }
}

#[test]
fn a_pass_hands_on_its_effective_input_or_its_parameters() {
    assert_eq!(play(json!({"Type": "Pass", "InputPath": "$.a"}), json!({"a": [1]})).output(), json!([1]));
    let state =
        json!({"Type": "Pass", "InputPath": "$.a", "Parameters": {"n.$": "$.n"}, "ResultPath": "$.a.m", "OutputPath": "$.a"});
    assert_eq!(play(state, json!({"a": {"n": 1}})).output(), json!({"n": 1, "m": {"n": 1}}));
}

#[test]
fn parameters_may_be_any_json() {
    for value in [json!("text"), json!(1), json!(null), json!([1, {"a": 1}]), json!({})] {
        assert_eq!(task(json!({"Parameters": value}), json!({}), json!(1)).parameters(), [value.to_string()]);
    }
}

#[test]
fn the_result_selector_of_a_map_or_parallel_sees_the_list_of_results() {
    let selector = json!({"all.$": "$", "first.$": "$[0]", "n.$": "States.ArrayLength($)"});
    let map = json!({"Type": "Map", "ItemProcessor": {"P": {"Type": "Pass"}}, "ResultSelector": selector});
    assert_eq!(play(map, json!([4, 5])).output(), json!({"all": [4, 5], "first": 4, "n": 2}));
    let parallel =
        json!({"Type": "Parallel", "Branches": [{"P": {"Type": "Pass"}}], "ResultSelector": selector, "ResultPath": "$.r"});
    assert_eq!(play(parallel, json!({"i": 1})).output(), json!({"i": 1, "r": {"all": [{"i": 1}], "first": {"i": 1}, "n": 1}}));
}

#[test]
fn the_result_selector_may_read_the_context_object() {
    let fields = json!({"ResultSelector": {"name.$": "$$.State.Name", "input.$": "$$.Execution.Input.a", "fixed": [1]}});
    let output = task(fields, json!({"a": 1}), json!({})).output_text.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&output).unwrap(), json!({"fixed": [1], "name": "S", "input": 1}));
    assert!(output.starts_with(r#"{"fixed":[1],"#));
}

#[test]
fn members_of_a_template_come_literals_first_and_then_as_a_java_hash_map_has_them() {
    let parameters = json!({"z.$": "$.v", "b": 1, "FunctionName.$": "$.v", "a": {"y.$": "$.v", "x": 2}, "Payload.$": "$.v"});
    let played = task(json!({"Parameters": parameters}), json!({"v": 0}), json!(1));
    assert_eq!(played.parameters(), [r#"{"b":1,"a":{"x":2,"y":0},"FunctionName":0,"z":0,"Payload":0}"#]);
}

#[test]
fn what_nobody_works_on_is_handed_on_as_the_text_it_came_in() {
    let raw = " [1,  2.50, \"\\u00e9\", 1E2 ] ";
    let states = json!({"P": {"Type": "Pass", "Next": "W"}, "W": {"Type": "Wait", "Seconds": 1, "Next": "C"},
        "C": {"Type": "Choice", "Choices": [{"Variable": "$[0]", "NumericEquals": 1, "Next": "T"}], "Default": "T"},
        "T": {"Type": "Task", "ResultPath": null, "Next": "S"}, "S": {"Type": "Succeed"}});
    let played = Play::of(machine(states)).input(raw).run();
    assert_eq!(played.details("ExecutionStarted")[0]["input"], raw);
    for state in ["P", "W", "C", "T", "S"] {
        assert_eq!((played.inputs_of(state), played.outputs_of(state)), (vec![raw.to_owned()], vec![raw.to_owned()]), "{state}");
    }
    assert_eq!(played.parameters(), [raw]);
    assert_eq!(played.output_text.as_deref(), Some(raw));
}

#[test]
fn what_is_computed_is_printed_compactly() {
    assert_eq!(play_text(json!({"Type": "Pass", "InputPath": "$.a"}), r#"{"a": [1,  2]}"#), "[1,2]");
    assert_eq!(play_text(json!({"Type": "Pass", "ResultPath": "$.b"}), r#"{"a": [1,  2]}"#), r#"{"a":[1,2],"b":{"a":[1,2]}}"#);
    assert_eq!(play_text(json!({"Type": "Pass", "Parameters": {"x.$": "$"}}), "[1,  2]"), r#"{"x":[1,2]}"#);
}

fn play_text(state: Value, input: &str) -> String {
    Play::of(only(state)).input(input).run().output_text.unwrap()
}

#[test]
fn the_outputs_of_branches_and_iterations_are_joined_as_texts() {
    let pass = json!({"Type": "Parallel", "Branches": [{"A": {"Type": "Pass"}}, {"B": {"Type": "Pass", "Result": [1, 2]}}]});
    assert_eq!(play_text(pass, "[1, 2]"), "[[1, 2],[1,2]]");
    let nested = json!({"Type": "Parallel", "Branches": [{"P": {"Type": "Parallel", "Branches": [{"A": {"Type": "Pass"}}]}}]});
    assert_eq!(play_text(nested, "[[1, 2, 3], [4, 5, 6]]"), "[[[[1, 2, 3], [4, 5, 6]]]]");
    let map = json!({"Type": "Map", "ItemProcessor": {"T": {"Type": "Task"}}});
    let played = Play::of(only(map)).input("[1,2]").answers([succeeds("{ \"a\" : 1 }"), succeeds(" 7")]).run();
    assert_eq!(played.output_text.as_deref(), Some(r#"[{ "a" : 1 }, 7]"#));
}

#[test]
fn the_raw_input_of_a_succeed_passes_its_paths() {
    let state = json!({"Type": "Succeed", "InputPath": "$.a", "OutputPath": "$.b"});
    assert_eq!(play(state, json!({"a": {"b": 1}})).output(), json!(1));
}

#[test]
fn no_path_is_applied_to_an_input_that_is_null() {
    let choice = |test: Value| {
        let rule = with(test, json!({"Next": "T"}));
        json!({"StartAt": "S", "States": {
            "S": {"Type": "Choice", "Choices": [rule], "Default": "T"}, "T": {"Type": "Succeed"}}})
    };
    for machine in [
        choice(json!({"Variable": "$", "IsString": true})),
        choice(json!({"Variable": "$$.Execution.Name", "StringEqualsPath": "$"})),
        only(json!({"Type": "Pass", "Parameters": {"a.$": "$"}, "End": true})),
        only(json!({"Type": "Pass", "Parameters": {"a.$": "$.b"}, "End": true})),
        only(json!({"Type": "Pass", "Parameters": {"a.$": "States.Array($)"}, "End": true})),
        only(json!({"Type": "Pass", "InputPath": "$.a", "End": true})),
    ] {
        let played = Play::of(&machine).input("null").run();
        assert_eq!(played.error_name(), "States.Runtime");
        let place = "An error occurred while executing the state 'S' (entered at the event id #2).";
        assert_eq!(played.cause(), format!("{place} Unable to apply Path transformation to null or empty input."), "{machine}");
    }
    for machine in [
        only(json!({"Type": "Pass", "InputPath": "$", "OutputPath": "$", "End": true})),
        choice(json!({"Variable": "$.a", "IsPresent": true})),
    ] {
        assert_eq!(Play::of(&machine).input("null").run().output(), Value::Null);
    }
}
