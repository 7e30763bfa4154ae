//! States in JSONata: what their expressions see, what they give, and how they fail.

use serde_json::{Value, json};
use statewright_tests::play::{Play, Played, fails, succeeds};

use crate::{assert_chain, assert_failed, machine, only, with};

/// A machine in JSONata of these states.
fn jsonata(states: Value) -> Value {
    with(machine(states), json!({"QueryLanguage": "JSONata"}))
}

/// Plays one state in JSONata.
fn play(state: Value, input: Value) -> Played {
    Play::of(with(only(state), json!({"QueryLanguage": "JSONata"}))).input(input).run()
}

/// What a Pass gives for an expression.
#[track_caller]
fn gives(expression: &str, input: Value, expected: Value) {
    let played = play(json!({"Type": "Pass", "Output": format!("{{% {expression} %}}")}), input);
    assert_eq!(played.output(), expected, "{expression}\n{}", played.cause());
}

/// The cause with which a Pass fails for an expression.
#[track_caller]
fn fails_with(expression: &str, expected: &str) {
    let played = play(json!({"Type": "Pass", "Output": {"list": [1, format!("{{% {expression} %}}")]}}), json!({}));
    let place = "An error occurred while executing the state 'S' (entered at the event id #2).";
    let field = format!("The JSONata expression '{expression}' specified for the field 'Output/list[1]'");
    assert_eq!((played.error_name(), played.cause()), ("States.QueryEvaluationError", &*format!("{place} {field}{expected}")));
}

#[test]
fn expressions_see_the_input_the_context_and_nothing_else() {
    gives("$states.input.a + 1", json!({"a": 1}), json!(2));
    gives("$states.context.State.Name", json!({}), json!("S"));
    gives("$lookup($states, 'context').State.Name", json!({}), json!("S"));
    gives("$states.input.a.%.%.context.State.Name", json!({"a": 1}), json!("S"));
    gives("$exists($lookup($states, 'result')) or $exists($lookup($states, 'errorOutput'))", json!({}), json!(false));
    gives("$range(0, 6, 2)", json!({}), json!([0, 2, 4, 6]));
    gives("9007199254740993 + 0", json!({}), json!(9_007_199_254_740_993_i64));
}

#[test]
fn what_is_no_expression_stays_as_it_is() {
    let output = json!({"a.$": "$.x", "b": " {% 1 %} ", "c": [{"d": "{% $states.input.n %}"}, null]});
    let played = play(json!({"Type": "Pass", "Output": output}), json!({"n": 7}));
    assert_eq!(played.outputs_of("S"), [r#"{"a.$":"$.x","b":" {% 1 %} ","c":[{"d":7},null]}"#]);
}

#[test]
fn names_and_fixed_fields_are_not_evaluated() {
    let output = json!({"{% 1 %}": "{% 2 %}", "Comment": "{% 3 %}"});
    let played = play(json!({"Type": "Pass", "Comment": "{% ) %}", "Output": output}), json!({}));
    assert_eq!(played.output(), json!({"{% 1 %}": 2, "Comment": 3}));
    let catch = json!([{"ErrorEquals": ["{% $states.input %}"], "Comment": "{% ) %}", "Next": "B"}]);
    let states = json!({"A": {"Type": "Task", "Catch": catch}, "B": {"Type": "Succeed", "Output": "caught"}});
    let played = Play::of(jsonata(states)).answers([fails("{% $states.input %}", "why")]).run();
    assert_eq!(played.output(), json!("caught"));
}

#[test]
fn what_is_absent_is_the_input_or_the_result() {
    let task = Play::of(jsonata(json!({"S": {"Type": "Task"}}))).input(json!({"n": 3})).answers([succeeds(json!([1]))]).run();
    assert_eq!((task.parameters(), task.output()), (vec![r#"{"n":3}"#.to_owned()], json!([1])));
    let branches = json!([{"P": {"Type": "Pass"}}, {"Q": {"Type": "Pass", "Output": 1}}]);
    let parallel = |fields: Value| play(with(json!({"Type": "Parallel", "Branches": branches}), fields), json!({"n": 3}));
    assert_eq!(parallel(json!({})).output(), json!([{"n": 3}, 1]));
    assert_eq!(parallel(json!({"Arguments": "{% $states.input.n %}"})).output(), json!([3, 1]));
    assert_eq!(parallel(json!({"Output": "{% $states.result[1] %}"})).output(), json!(1));
    let map = play(json!({"Type": "Map", "ItemProcessor": {"P": {"Type": "Pass"}}}), json!([1, [2]]));
    assert_eq!(map.output(), json!([1, [2]]));
    for state in [json!({"Type": "Pass"}), json!({"Type": "Wait", "Seconds": 1}), json!({"Type": "Succeed"})] {
        assert_eq!(play(state.clone(), json!({"n": 3})).output(), json!({"n": 3}), "{state}");
        assert_eq!(
            play(with(state.clone(), json!({"Output": "{% $states.input.n %}"})), json!({"n": 3})).output(),
            json!(3),
            "{state}"
        );
        assert_eq!(play(with(state.clone(), json!({"Output": null})), json!({"n": 3})).output(), json!(null), "{state}");
    }
}

#[test]
fn assign_and_output_see_the_variables_of_the_entry() {
    let states = json!({
        "A": {"Type": "Pass", "Assign": {"x": 1}, "Next": "B"},
        "B": {"Type": "Pass", "Assign": {"x": "{% $x + 1 %}", "y": "{% $x %}"}, "Output": "{% $x %}", "Next": "C"},
        "C": {"Type": "Pass", "Output": "{% [$states.input, $x, $y] %}"}
    });
    assert_eq!(Play::of(jsonata(states)).run().output(), json!([1, 2, 1]));
}

#[test]
fn fields_of_numbers_times_and_texts_take_expressions() {
    let input = json!({"n": 2, "at": "2020-01-01T00:00:00Z", "role": "arn:aws:iam::123456789012:role/other"});
    let task = json!({
        "Type": "Task",
        "TimeoutSeconds": "{% $states.input.n * 300 %}",
        "HeartbeatSeconds": "{% 6 / $states.input.n %}",
        "Credentials": {"RoleArn": "{% $states.input.role %}"}
    });
    let played = Play::of(with(only(task), json!({"QueryLanguage": "JSONata"}))).input(input.clone()).answers([succeeds(1)]).run();
    let scheduled = &played.details("TaskScheduled")[0];
    assert_eq!((&scheduled["timeoutInSeconds"], &scheduled["heartbeatInSeconds"]), (&json!(600), &json!(3)));
    assert_eq!(scheduled["taskCredentials"], json!({"roleArn": input["role"]}));
    let waits = |field: &str, expression: &str| {
        let times = play(json!({"Type": "Wait", field: format!("{{% {expression} %}}")}), input.clone()).times("WaitStateExited");
        assert_eq!(times.len(), 1, "{expression}");
        times[0]
    };
    assert!((waits("Seconds", "$states.input.n * 5") - waits("Timestamp", "$states.input.at") - 10.0).abs() < 0.001);
    let played = play(json!({"Type": "Fail", "Error": "{% 'E' & $states.input.n %}", "Cause": "{% $states.input.at %}"}), input);
    assert_eq!((played.error_name(), played.cause()), ("E2", "2020-01-01T00:00:00Z"));
}

#[test]
fn numbers_out_of_range_fail_the_state() {
    for (state, field) in [
        (json!({"Type": "Task", "TimeoutSeconds": "{% 0 %}"}), "TimeoutSeconds"),
        (json!({"Type": "Task", "TimeoutSeconds": "{% 100000000 %}"}), "TimeoutSeconds"),
        (json!({"Type": "Task", "HeartbeatSeconds": "{% 1.5 %}"}), "HeartbeatSeconds"),
        (json!({"Type": "Wait", "Seconds": "{% -1 %}"}), "Seconds"),
        (json!({"Type": "Wait", "Seconds": "{% 0.5 %}"}), "Seconds"),
        (json!({"Type": "Wait", "Timestamp": "{% '2020-01-01' %}"}), "Timestamp"),
        (json!({"Type": "Map", "MaxConcurrency": "{% -1 %}", "ItemProcessor": {"P": {"Type": "Pass"}}}), "MaxConcurrency"),
    ] {
        let played = play(state.clone(), json!([]));
        assert_failed(&played, "States.QueryEvaluationError", &format!("The {field} field "));
        assert_eq!(played.details("EvaluationFailed")[0]["location"], field, "{state}");
    }
}

#[test]
fn causes_name_the_field_from_the_state_on() {
    let cause = |played: &Played| {
        let cause = played.cause().split_once("specified for the field '").unwrap().1.split('\'').next().unwrap().to_owned();
        assert_eq!(played.details("EvaluationFailed").last().unwrap()["location"], json!(cause));
        cause
    };
    let choice = |first: Value, second: Value| {
        let rules = [with(json!({"Condition": false, "Next": "T"}), first), with(json!({"Condition": true, "Next": "T"}), second)];
        let choice = json!({"Type": "Choice", "Choices": rules, "Default": "T", "Output": "{% $none %}"});
        Play::of(jsonata(json!({"C": choice, "T": {"Type": "Succeed"}}))).run()
    };
    assert_eq!(cause(&choice(json!({"Condition": "{% $none %}"}), json!({}))), "Choices[0]/Condition");
    assert_eq!(cause(&choice(json!({}), json!({"Output": {"v": ["{% $none %}"]}}))), "Choices[1]/Output/v[0]");
    assert_eq!(cause(&choice(json!({}), json!({"Assign": {"x": "{% $none %}"}}))), "Choices[1]/Assign/x");
    assert_eq!(cause(&choice(json!({}), json!({"Condition": false}))), "Output");
    let catch = |fields: Value| {
        let catcher = with(json!({"ErrorEquals": ["States.ALL"], "Next": "T"}), fields);
        let task = json!({"Type": "Task", "Catch": [{"ErrorEquals": ["No"], "Next": "T"}, catcher]});
        Play::of(jsonata(json!({"A": task, "T": {"Type": "Succeed"}}))).answers([fails("Oops", "why")]).run()
    };
    assert_eq!(cause(&catch(json!({"Output": "{% $none %}"}))), "Catch[1]/Output");
    assert_eq!(cause(&catch(json!({"Assign": {"a": {"b": "{% $none %}"}}}))), "Catch[1]/Assign/a/b");
    let task = |fields: Value| play(with(json!({"Type": "Task"}), fields), json!({}));
    assert_eq!(cause(&task(json!({"Arguments": {"a": [0, {"b": "{% $none %}"}]}}))), "Arguments/a[1]/b");
    assert_eq!(cause(&task(json!({"TimeoutSeconds": "{% $none %}"}))), "TimeoutSeconds");
    assert_eq!(cause(&task(json!({"Credentials": {"RoleArn": "{% $none %}"}}))), "Credentials/RoleArn");
}

#[test]
fn the_functions_of_the_service_are_there_and_eval_is_not() {
    gives("$partition([1, 2, 3], 2.9)", json!({}), json!([[1, 2], [3]]));
    gives("$partition([0], 1)", json!({}), json!([[0]]));
    gives("$range(1, 9, 9)", json!({}), json!(1));
    gives("$range(5, 1, -2)", json!({}), json!([5, 3, 1]));
    gives("$hash('a', 'SHA-256')", json!({}), json!("ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"));
    gives("$random(42)", json!({}), json!(0.727_563_680_032_868_1));
    gives("$random() < 1 and $random() >= 0", json!({}), json!(true));
    gives("$match($uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/).index", json!({}), json!(0));
    gives("$parse('{\\\"a\\\": [9223372036854775807]}')", json!({}), json!({"a": [9_223_372_036_854_775_807_i64]}));
    fails_with("$eval('1')", " threw an error during evaluation. T1006: Attempted to invoke a non-function");
    fails_with("$randomSeeded(1)", " threw an error during evaluation. T1006: Attempted to invoke a non-function");
}

#[test]
fn a_failed_expression_says_which_and_where() {
    fails_with("$nothing", " returned nothing (undefined).");
    fails_with("$sum", " returned an unsupported result type.");
    fails_with("{'f': $sum}", " returned an unsupported result type.");
    fails_with("$x()", " threw an error during evaluation. T1006: Attempted to invoke a non-function");
    fails_with(
        "1 + 'a'",
        " threw an error during evaluation. T2002: The right side of the \"+\" operator must evaluate to a number",
    );
    fails_with("$base64decode('!!!')", " threw an internal error during evaluation.");
    const MEMORY: &str =
        " threw an error during evaluation: Expression evaluation memory limit exceeded: Check for excessive memory usage";
    fails_with("[1..900000] ~> $count()", MEMORY);
    const DEPTH: &str = " threw an error during evaluation: Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive";
    fails_with("($f := function($n) { 1 + $f($n) }; $f(1))", DEPTH);
    for (state, sentence) in [
        (json!({"Type": "Wait", "Seconds": "{% '5' %}"}), "Expected 'number', but was 'string' for value: \"5\""),
        (json!({"Type": "Wait", "Timestamp": "{% null %}"}), "Expected 'string', but was 'null' for value: null"),
        (json!({"Type": "Task", "TimeoutSeconds": "{% [5, 6] %}"}), "Expected 'number', but was 'array' for value: [5,6]"),
        (json!({"Type": "Fail", "Cause": "{% true %}"}), "Expected 'string', but was 'boolean' for value: true"),
        (
            json!({"Type": "Map", "Items": "{% {'a': 1} %}", "ItemProcessor": {"P": {"Type": "Pass"}}}),
            "Expected 'array', but was 'object' for value: {\"a\":1}",
        ),
    ] {
        let expected = format!(" returned an unexpected result type. {sentence}");
        assert_failed(&play(state, json!({})), "States.QueryEvaluationError", &expected);
    }
    // Of a large value there is the beginning.
    let large = "{% ($f := function($a, $n) { $n = 0 ? $a : $f({'k': {'x': $a, 'y': $a}}.k, $n - 1) }; $f(1, 15)) %}";
    let played = play(json!({"Type": "Wait", "Seconds": large}), json!({}));
    let cause = played.details("EvaluationFailed")[0]["cause"].as_str().unwrap().to_owned();
    assert_eq!(cause.chars().count(), 32_768);
    assert!(cause.contains("for value: {\"x\":{\"x\":"), "{cause}");
    let played = play(json!({"Type": "Map", "Items": "{% 1 %}", "ItemProcessor": {"P": {"Type": "Pass"}}}), json!({}));
    assert_failed(&played, "States.QueryEvaluationError", "Expected 'array', but was 'number' for value: 1");
    let played = play(json!({"Type": "Fail", "Error": "{% 5 %}"}), json!({}));
    assert_failed(&played, "States.QueryEvaluationError", "Expected 'string', but was 'number' for value: 5");
}

#[test]
fn a_failed_expression_follows_what_was_before_its_state() {
    let states = json!({"A": {"Type": "Pass", "Next": "S"}, "S": {"Type": "Pass", "Output": "{% $nothing %}"}});
    let played = Play::of(jsonata(states)).run();
    assert_chain(
        &played,
        "1 ExecutionStarted(0)
         2 PassStateEntered(0)
         3 PassStateExited(2)
         4 PassStateEntered(3)
         5 EvaluationFailed(3)
         6 ExecutionFailed(5)",
    );
    assert_eq!(played.details("EvaluationFailed")[0]["location"], "Output");
    let played = play(json!({"Type": "Wait", "Timestamp": "{% 'tomorrow' %}"}), json!({}));
    assert_chain(
        &played,
        "1 ExecutionStarted(0)
         2 WaitStateEntered(0)
         3 EvaluationFailed(2)
         4 ExecutionFailed(3)",
    );
}

#[test]
fn a_task_has_arguments_a_result_and_an_output() {
    let task = json!({
        "Type": "Task",
        "Arguments": {"doubled": "{% $states.input.n * 2 %}"},
        "Assign": {"seen": "{% $states.result.answer %}"},
        "Output": "{% {'in': $states.input.n, 'out': $states.result.answer} %}",
        "Next": "B"
    });
    let states = json!({"A": task, "B": {"Type": "Pass", "Output": {"seen": "{% $seen %}"}}});
    let played = Play::of(jsonata(states)).input(json!({"n": 3})).answers([succeeds(json!({"answer": 6}))]).run();
    assert_eq!(played.parameters(), [r#"{"doubled":6}"#]);
    assert_eq!(played.outputs_of("A"), [r#"{"in":3,"out":6}"#]);
    assert_eq!(played.output(), json!({"seen": 6}));
}

#[test]
fn a_catcher_sees_the_error_and_the_input() {
    let catch = json!([{
        "ErrorEquals": ["Oops"],
        "Assign": {"cause": "{% $states.errorOutput.Cause %}"},
        "Output": "{% $merge([$states.input, {'failed': $states.errorOutput.Error}]) %}",
        "Next": "B"
    }]);
    let states =
        json!({"A": {"Type": "Task", "Catch": catch}, "B": {"Type": "Pass", "Output": ["{% $states.input %}", "{% $cause %}"]}});
    let played = Play::of(jsonata(states)).input(json!({"n": 3})).answers([fails("Oops", "why")]).run();
    assert_eq!(played.output(), json!([{"n": 3, "failed": "Oops"}, "why"]));
}

#[test]
fn the_rule_of_a_choice_has_its_own_output() {
    let choice = json!({
        "Type": "Choice",
        "Choices": [{"Condition": "{% $states.input.n > 2 %}", "Assign": {"size": "large"}, "Output": "{% $states.input.n %}", "Next": "End"}],
        "Default": "End",
        "Output": "none"
    });
    let states = json!({"C": choice, "End": {"Type": "Succeed"}});
    let run = |n: i32| Play::of(jsonata(states.clone())).input(json!({"n": n})).run().output();
    assert_eq!((run(3), run(1)), (json!(3), json!("none")));
    let broken = json!({"Type": "Choice", "Choices": [{"Condition": "{% 'yes' %}", "Next": "End"}], "Default": "End"});
    let played = Play::of(jsonata(json!({"C": broken, "End": {"Type": "Succeed"}}))).run();
    assert_failed(&played, "States.QueryEvaluationError", "Expected 'boolean', but was 'string' for value: \"yes\"");
}

#[test]
fn a_map_in_jsonata_selects_its_items() {
    let map = json!({
        "Type": "Map",
        "Items": "{% [1..3] %}",
        "ItemSelector": {"at": "{% $states.context.Map.Item.Index %}", "of": "{% $states.context.Map.Item.Value * $states.input.by %}"},
        "MaxConcurrency": "{% 1 + 1 %}",
        "ItemProcessor": {"P": {"Type": "Pass", "Output": "{% $states.input.of %}"}},
        "Output": {"all": "{% $states.result %}"}
    });
    assert_eq!(play(map, json!({"by": 10})).output(), json!({"all": [10, 20, 30]}));
}

#[test]
fn an_expression_that_fails_can_be_caught() {
    let task = json!({
        "Type": "Task",
        "Arguments": "{% $nothing %}",
        "Catch": [{"ErrorEquals": ["States.QueryEvaluationError"], "Output": "caught", "Next": "B"}]
    });
    let played = Play::of(jsonata(json!({"A": task, "B": {"Type": "Succeed"}}))).run();
    assert_eq!(played.output(), json!("caught"));
    let retry = json!([{"ErrorEquals": ["States.QueryEvaluationError"], "MaxAttempts": 2}]);
    for state in [
        json!({"Type": "Task", "Arguments": "{% $nothing %}"}),
        json!({"Type": "Parallel", "Branches": [{"P": {"Type": "Pass"}}], "Arguments": "{% $nothing %}"}),
        json!({"Type": "Map", "Items": "{% $nothing %}", "ItemProcessor": {"P": {"Type": "Pass"}}}),
    ] {
        assert_eq!(play(with(state.clone(), json!({"Retry": retry})), json!({})).count("EvaluationFailed"), 3, "{state}");
    }
}
