//! Choice: every operator on every type of value.

use serde_json::{Value, json};
use statewright_tests::play::{Play, Played};

use crate::{assert_failed, machine, with};

/// Plays a Choice with these rules, each of which leads to a state called by its number, or by default to `D`.
fn choose(rules: &[Value], more: Value, input: Value) -> Played {
    let next = |at: usize| json!({"Next": format!("R{at}")});
    let choices: Vec<_> = rules.iter().enumerate().map(|(at, rule)| with(rule.clone(), next(at))).collect();
    let mut states =
        json!({"S": with(json!({"Type": "Choice", "Choices": choices, "Default": "D"}), more), "D": {"Type": "Succeed"}});
    for at in 0..rules.len() {
        states[format!("R{at}")] = json!({"Type": "Succeed"});
    }
    Play::of(machine(states)).input(input).run()
}

/// The number of the rule that matches; `None` when the default is taken.
fn matching(rules: &[Value], input: &Value) -> Option<usize> {
    let played = choose(rules, json!({}), input.clone());
    assert_eq!(played.status, "SUCCEEDED", "{rules:?} on {input}: {}", played.cause());
    (0..rules.len()).find(|at| !played.inputs_of(&format!("R{at}")).is_empty())
}

fn holds(rule: &Value, input: &Value) -> bool {
    matching(std::slice::from_ref(rule), input).is_some()
}

/// Values of every type.
fn samples() -> Vec<Value> {
    let texts = [
        "",
        "a",
        "m",
        "mm",
        "z",
        "é",
        "2025-12-31T23:59:59.999Z",
        "2026-01-01T00:00:00Z",
        "2026-01-01T01:00:00+01:00",
        "2026-01-01T00:00:00.001Z",
        "2026-01-01 00:00:00Z",
        "5",
        "true",
        "null",
    ];
    let mut samples: Vec<_> = texts.into_iter().map(Value::from).collect();
    let others = r#"[-1, 0, 4.999, 5, 5.0, 5e0, 5.5, 9, 1e30, true, false, null, [], {}, [5], {"a": 5}]"#;
    samples.extend(serde_json::from_str::<Vec<Value>>(others).unwrap());
    samples
}

/// The operator with this operand matches exactly the samples for which `expected` says so, as a constant and, where there is such
/// a form, as a path.
#[track_caller]
fn compares(operator: &str, operand: Value, expected: impl Fn(&Value) -> bool) {
    let matched: Vec<_> = samples().into_iter().filter(|value| expected(value)).collect();
    let found = |rule: &Value, input: &dyn Fn(&Value) -> Value| -> Vec<Value> {
        samples().into_iter().filter(|value| holds(rule, &input(value))).collect()
    };
    let rule = json!({"Variable": "$.v", operator: operand});
    assert_eq!(found(&rule, &|value| json!({"v": value})), matched, "{operator} {operand}");
    if operator == "StringMatches" || operator.starts_with("Is") {
        return;
    }
    let path = format!("{operator}Path");
    let rule = json!({"Variable": "$.v", path.as_str(): "$.o"});
    assert_eq!(found(&rule, &|value| json!({"v": value, "o": operand})), matched, "{path} {operand}");
    // An operand of another type: nothing matches, and nothing fails.
    let other = samples().into_iter().filter(|other| !same_type(operator, other));
    for other in other {
        let all = found(&rule, &|value| json!({"v": value, "o": other}));
        assert_eq!(all, [Value::Null; 0], "{path} {other}");
    }
}

fn same_type(operator: &str, value: &Value) -> bool {
    match operator.split_at_checked(7).unwrap().0 {
        "StringE" | "StringL" | "StringG" => value.is_string(),
        "Numeric" => value.is_number(),
        "Boolean" => value.is_boolean(),
        _ => instant(value).is_some(),
    }
}

/// The instants among the samples, in milliseconds around the first of January.
fn instant(value: &Value) -> Option<i64> {
    match value.as_str()? {
        "2025-12-31T23:59:59.999Z" => Some(-1),
        "2026-01-01T00:00:00Z" | "2026-01-01T01:00:00+01:00" => Some(0),
        "2026-01-01T00:00:00.001Z" => Some(1),
        _ => None,
    }
}

const NEW_YEAR: &str = "2026-01-01T00:00:00Z";

#[test]
fn strings_are_compared_by_code_points() {
    let is = |holds: fn(&str, &str) -> bool| move |value: &Value| value.as_str().is_some_and(|text| holds(text, "m"));
    compares("StringEquals", json!("m"), is(|a, b| a == b));
    compares("StringLessThan", json!("m"), is(|a, b| a < b));
    compares("StringGreaterThan", json!("m"), is(|a, b| a > b));
    compares("StringLessThanEquals", json!("m"), is(|a, b| a <= b));
    compares("StringGreaterThanEquals", json!("m"), is(|a, b| a >= b));
    compares("StringEquals", json!("5"), |value| value == "5");
    compares("StringEquals", json!(""), |value| value == "");
}

#[test]
fn numbers_are_compared_by_value() {
    let is = |holds: fn(&f64, &f64) -> bool| move |value: &Value| value.as_f64().is_some_and(|number| holds(&number, &5.0));
    for five in [json!(5), json!(5.0)] {
        compares("NumericEquals", five.clone(), is(|a, b| a == b));
        compares("NumericLessThan", five.clone(), is(|a, b| a < b));
        compares("NumericGreaterThan", five.clone(), is(|a, b| a > b));
        compares("NumericLessThanEquals", five.clone(), is(|a, b| a <= b));
        compares("NumericGreaterThanEquals", five, is(|a, b| a >= b));
    }
    let large = |value: u64| holds(&json!({"Variable": "$", "NumericEquals": 9_007_199_254_740_993_u64}), &json!(value));
    assert!(large(9_007_199_254_740_993) && !large(9_007_199_254_740_992));
}

#[test]
fn booleans_are_equal_or_not() {
    compares("BooleanEquals", json!(true), |value| value == &json!(true));
    compares("BooleanEquals", json!(false), |value| value == &json!(false));
}

#[test]
fn timestamps_are_compared_as_points_in_time() {
    let is = |holds: fn(i64) -> bool| move |value: &Value| instant(value).is_some_and(holds);
    compares("TimestampEquals", json!(NEW_YEAR), is(|at| at == 0));
    compares("TimestampLessThan", json!(NEW_YEAR), is(|at| at < 0));
    compares("TimestampGreaterThan", json!(NEW_YEAR), is(|at| at > 0));
    compares("TimestampLessThanEquals", json!(NEW_YEAR), is(|at| at <= 0));
    compares("TimestampGreaterThanEquals", json!(NEW_YEAR), is(|at| at >= 0));
}

#[test]
fn string_matches_has_stars_for_any_characters() {
    compares("StringMatches", json!("*"), Value::is_string);
    compares("StringMatches", json!("m*"), |value| value == "m" || value == "mm");
    compares("StringMatches", json!("2026*Z"), |value| value.as_str().is_some_and(|t| t.starts_with("2026") && t.ends_with('Z')));
    for (pattern, text, expected) in [
        ("log-*.txt", "log-5.txt", true),
        ("log-*.txt", "log-.txt", true),
        ("log-*.txt", "xlog-5.txt", false),
        ("a*b*c", "a-b-c", true),
        (r"a\*b", "a*b", true),
        (r"a\*b", "axb", false),
        (r"a\\*", r"a\b", true),
        ("a?c", "abc", false),
        ("*a*a*", "a", false),
    ] {
        assert_eq!(holds(&json!({"Variable": "$", "StringMatches": pattern}), &json!(text)), expected, "{pattern} {text}");
    }
}

#[test]
fn the_type_of_a_value_can_be_asked_for() {
    type Is = fn(&Value) -> bool;
    let natures: [(&str, Is); 5] = [
        ("IsNull", Value::is_null),
        ("IsNumeric", Value::is_number),
        ("IsString", Value::is_string),
        ("IsBoolean", Value::is_boolean),
        ("IsTimestamp", |value| instant(value).is_some()),
    ];
    for (operator, is) in natures {
        compares(operator, json!(true), is);
        compares(operator, json!(false), |value| !is(value));
    }
    compares("IsPresent", json!(true), |_| true);
    compares("IsPresent", json!(false), |_| false);
}

#[test]
fn only_is_present_takes_a_variable_that_is_not_there() {
    assert!(holds(&json!({"Variable": "$.none", "IsPresent": false}), &json!({})));
    assert!(!holds(&json!({"Variable": "$.none.deep", "IsPresent": true}), &json!({"none": 1})));
    let cause = "Invalid path '$.none': The choice state's condition path references an invalid value.";
    let operators = [
        ("StringEquals", json!("a")),
        ("StringLessThan", json!("a")),
        ("StringGreaterThan", json!("a")),
        ("StringMatches", json!("*")),
        ("StringLessThanEquals", json!("a")),
        ("StringGreaterThanEquals", json!("a")),
        ("NumericEquals", json!(1)),
        ("NumericLessThan", json!(1)),
        ("NumericGreaterThan", json!(1)),
        ("NumericLessThanEquals", json!(1)),
        ("NumericGreaterThanEquals", json!(1)),
        ("BooleanEquals", json!(true)),
        ("TimestampEquals", json!(NEW_YEAR)),
        ("TimestampLessThan", json!(NEW_YEAR)),
        ("TimestampGreaterThan", json!(NEW_YEAR)),
        ("TimestampLessThanEquals", json!(NEW_YEAR)),
        ("TimestampGreaterThanEquals", json!(NEW_YEAR)),
        ("IsNull", json!(true)),
        ("IsNumeric", json!(false)),
        ("IsString", json!(true)),
        ("IsBoolean", json!(true)),
        ("IsTimestamp", json!(false)),
    ];
    for (operator, operand) in operators {
        let played = choose(&[json!({"Variable": "$.none", operator: operand})], json!({}), json!({"there": 1}));
        assert_failed(&played, "States.Runtime", cause);
        if operator != "StringMatches" && !operator.starts_with("Is") {
            let rule = json!({"Variable": "$.there", format!("{operator}Path"): "$.none"});
            assert_failed(&choose(&[rule], json!({}), json!({"there": operand})), "States.Runtime", cause);
        }
    }
}

#[test]
fn rules_are_joined_and_turned_round() {
    let (yes, no) = (json!({"Variable": "$", "IsNumeric": true}), json!({"Variable": "$", "IsNumeric": false}));
    let fails = json!({"Variable": "$.none", "IsNull": true});
    for (rule, expected) in [
        (json!({"And": [yes, yes]}), true),
        (json!({"And": [yes, no]}), false),
        (json!({"And": [no, fails]}), false),
        (json!({"Or": [no, no]}), false),
        (json!({"Or": [no, yes]}), true),
        (json!({"Or": [yes, fails]}), true),
        (json!({"Not": yes}), false),
        (json!({"Not": no}), true),
        (json!({"Not": {"And": [yes, {"Not": yes}]}}), true),
        (json!({"And": [{"Or": [no, yes]}, {"Not": {"Or": [no]}}]}), true),
        (json!({"And": [yes]}), true),
        (json!({"Or": [no]}), false),
    ] {
        assert_eq!(holds(&rule, &json!(1)), expected, "{rule}");
    }
    // What is looked at and fails, fails: a rule that does not match is not the same.
    for rule in [json!({"And": [yes, fails]}), json!({"Or": [no, fails]}), json!({"Not": fails})] {
        assert_eq!(choose(&[rule], json!({}), json!(1)).error_name(), "States.Runtime");
    }
}

#[test]
fn the_first_rule_that_matches_is_taken_and_the_others_are_not_looked_at() {
    let less = |than: u32| json!({"Variable": "$", "NumericLessThan": than});
    let fails = json!({"Variable": "$.none", "IsNull": true});
    assert_eq!(matching(&[less(1), less(5), less(9), fails], &json!(3)), Some(1));
    assert_eq!(matching(&[less(1), less(2)], &json!(3)), None);
}

#[test]
fn variables_come_from_the_input_the_context_object_and_variables() {
    let more = json!({"InputPath": "$.a"});
    let inner = choose(&[json!({"Variable": "$.b", "NumericEquals": 1})], more, json!({"a": {"b": 1}}));
    assert_eq!(inner.inputs_of("R0"), [r#"{"b":1}"#]);
    assert!(holds(&json!({"Variable": "$$.Execution.Name", "StringEquals": "run-1"}), &json!({})));
    assert!(holds(&json!({"Variable": "$.name", "StringEqualsPath": "$$.Execution.Name"}), &json!({"name": "run-1"})));
    let states = json!({"P": {"Type": "Pass", "Assign": {"limit": 5}, "Next": "S"},
        "S": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericLessThanPath": "$limit", "Next": "Y"}], "Default": "N"},
        "Y": {"Type": "Succeed"}, "N": {"Type": "Fail"}});
    assert_eq!(Play::of(machine(states)).input(json!({"n": 4})).run().status, "SUCCEEDED");
}

#[test]
fn where_no_rule_matches_and_there_is_no_default_the_execution_fails() {
    let state = json!({"Type": "Choice", "Choices": [{"Variable": "$", "IsNull": true, "Next": "Z"}]});
    let states = json!({"S": state, "Z": {"Type": "Succeed"}});
    let played = Play::of(machine(states.clone())).input("1").run();
    assert_failed(&played, "States.NoChoiceMatched", "");
    assert!(played.chain().ends_with("2 ChoiceStateEntered(0)\n3 ExecutionFailed(2)"));
    // A Parallel around it may catch that.
    let catch = json!([{"ErrorEquals": ["States.NoChoiceMatched"], "Next": "C"}]);
    let around =
        json!({"P": {"Type": "Parallel", "Branches": [states], "Catch": catch}, "C": {"Type": "Pass", "Result": "caught"}});
    assert_eq!(Play::of(machine(around)).input("1").run().output(), json!("caught"));
}

#[test]
fn the_output_of_a_choice_is_its_effective_input_after_output_path() {
    let more = json!({"InputPath": "$.a", "OutputPath": "$.b"});
    let played = choose(&[json!({"Variable": "$.b", "IsPresent": true})], more, json!({"a": {"b": [1]}}));
    assert_eq!(played.outputs_of("S"), ["[1]"]);
    assert_eq!(played.inputs_of("R0"), ["[1]"]);
    crate::assert_chain(
        &played,
        "1 ExecutionStarted(0)
         2 ChoiceStateEntered(0)
         3 ChoiceStateExited(2)
         4 SucceedStateEntered(3)
         5 SucceedStateExited(4)
         6 ExecutionSucceeded(5)",
    );
}

#[test]
fn a_rule_assigns_for_itself_and_the_state_for_its_default() {
    let rule = json!({"Variable": "$.n", "NumericEquals": 1, "Assign": {"from": "rule", "n.$": "$.n"}});
    let assigned = |n: u32| {
        let played = choose(std::slice::from_ref(&rule), json!({"Assign": {"from": "state"}}), json!({"n": n}));
        played.details("ChoiceStateExited")[0]["assignedVariables"].clone()
    };
    assert_eq!(assigned(1), json!({"from": "\"rule\"", "n": "1"}));
    assert_eq!(assigned(2), json!({"from": "\"state\""}));
}
