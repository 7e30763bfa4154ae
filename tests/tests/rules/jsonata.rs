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
fn a_failed_expression_says_which_and_where() {
    fails_with("$nothing", " returned nothing (undefined).");
    fails_with("$sum", " returned an unsupported result type.");
    fails_with("$x()", " threw an error during evaluation. T1006: Attempted to invoke a non-function");
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
}
