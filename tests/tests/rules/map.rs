//! Map, inline.

use serde_json::{Value, json};
use statewright_tests::play::{Answer, Play, Played, silent, succeeds};

use crate::{assert_chain, assert_failed, machine, only, play, with};

fn map(more: Value) -> Value {
    with(json!({"Type": "Map", "ItemProcessor": {"W": {"Type": "Wait", "SecondsPath": "$"}}}), more)
}

#[test]
fn the_iterations_overlap_the_virtual_time_is_the_longest_path() {
    let played = play(map(json!({})), json!([3, 1, 7, 2]));
    assert_eq!(played.seconds, 7.0);
    assert_eq!(played.output(), json!([3, 1, 7, 2]));
    assert_eq!(play(map(json!({"MaxConcurrency": 1})), json!([3, 1, 7, 2])).seconds, 13.0);
    assert_eq!(play(map(json!({"MaxConcurrency": 2})), json!([3, 1, 7, 2])).seconds, 8.0);
}

#[test]
fn what_was_recorded_of_a_serial_map_holds_the_next_iteration_follows_the_last_state_of_the_one_before() {
    let state = json!({"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": {"P": {"Type": "Pass"}}});
    assert_chain(
        &play(state, json!([1, 2])),
        "1 ExecutionStarted(0)
         2 MapStateEntered(0)
         3 MapStateStarted(2)
         4 MapIterationStarted(3){0}
         5 PassStateEntered(4)
         6 PassStateExited(5)
         7 MapIterationSucceeded(6){0}
         8 MapIterationStarted(6){1}
         9 PassStateEntered(8)
         10 PassStateExited(9)
         11 MapIterationSucceeded(10){1}
         12 MapStateSucceeded(11)
         13 MapStateExited(11)
         14 ExecutionSucceeded(13)",
    );
}

#[test]
fn a_freed_place_is_taken_at_once_and_the_new_iteration_follows_the_one_that_freed_it() {
    let played = play(map(json!({"MaxConcurrency": 2})), json!([5, 1, 1]));
    assert_chain(
        &played,
        "1 ExecutionStarted(0)
         2 MapStateEntered(0)
         3 MapStateStarted(2)
         4 MapIterationStarted(3){0}
         5 MapIterationStarted(3){1}
         6 WaitStateEntered(4)
         7 WaitStateEntered(5)
         8 WaitStateExited(7)
         9 MapIterationSucceeded(8){1}
         10 MapIterationStarted(8){2}
         11 WaitStateEntered(10)
         12 WaitStateExited(11)
         13 MapIterationSucceeded(12){2}
         14 WaitStateExited(6)
         15 MapIterationSucceeded(14){0}
         16 MapStateSucceeded(15)
         17 MapStateExited(15)
         18 ExecutionSucceeded(17)",
    );
    assert_eq!(played.times("MapIterationStarted"), [0.0, 0.0, 1.0]);
    assert_eq!(played.output(), json!([5, 1, 1]));
}

/// How many iterations run at the same time at most.
fn peak(played: &Played) -> usize {
    let change = |event: &Value| match statewright_tests::play::type_of(event) {
        "MapIterationStarted" => 1,
        "MapIterationSucceeded" => -1,
        _ => 0,
    };
    let running = played.events.iter().scan(0_i32, |running, event| {
        *running += change(event);
        Some(*running)
    });
    usize::try_from(running.max().unwrap()).unwrap()
}

#[test]
fn at_most_max_concurrency_iterations_run_at_once_and_never_more_than_forty() {
    let ones = |n| Value::from(vec![1; n]);
    for (max, items, most) in [(0, 100, 40), (3, 100, 3), (40, 100, 40), (41, 100, 40), (99_999, 100, 40), (10, 4, 4)] {
        let played = play(map(json!({"MaxConcurrency": max})), ones(items));
        assert_eq!((peak(&played), played.count("MapIterationSucceeded")), (most, items), "{max}");
        assert_eq!(played.seconds, items.div_ceil(most) as f64);
    }
    let relaxed = Play::of(only(map(json!({})))).input(ones(50)).quotas(|quotas| quotas.inline_map_concurrency_max = 50).run();
    assert_eq!((peak(&relaxed), relaxed.seconds), (50, 1.0));
}

#[test]
fn max_concurrency_may_be_found_by_a_path() {
    let state = map(json!({"MaxConcurrencyPath": "$.at_once", "ItemsPath": "$.items"}));
    let at_once = |at_once: Value| play(state.clone(), json!({"at_once": at_once, "items": [1, 1, 1, 1]}));
    assert_eq!(at_once(json!(2)).seconds, 2.0);
    assert_eq!(at_once(json!(0)).seconds, 1.0);
    assert_eq!(at_once(json!("2")).seconds, 2.0);
    for wrong in [json!("NoNumber"), json!(-1), json!(1.5), json!(null), json!([1])] {
        let shown = wrong.as_str().map_or_else(|| wrong.to_string(), str::to_owned);
        let cause = format!("The MaxConcurrencyPath field refers to value \"{shown}\" which is not a valid integer: $.at_once");
        assert_failed(&at_once(wrong), "States.Runtime", &cause);
    }
}

#[test]
fn an_empty_list_ends_the_map_at_once() {
    let played = play(map(json!({})), json!([]));
    assert_chain(
        &played,
        "1 ExecutionStarted(0)
         2 MapStateEntered(0)
         3 MapStateStarted(2)
         4 MapStateSucceeded(3)
         5 MapStateExited(3)
         6 ExecutionSucceeded(5)",
    );
    assert_eq!(played.output_text.as_deref(), Some("[]"));
    assert_eq!(played.details("MapStateStarted"), [json!({"length": 0})]);
}

#[test]
fn iterations_have_the_name_of_the_map_and_their_number() {
    let played = play(map(json!({})), json!([0, 0]));
    for stage in ["Started", "Succeeded"] {
        let expected = [json!({"name": "S", "index": 0}), json!({"name": "S", "index": 1})];
        assert_eq!(played.details(&format!("MapIteration{stage}")), expected);
    }
    assert_eq!(played.details("MapStateStarted"), [json!({"length": 2})]);
}

fn echo(more: Value) -> Value {
    with(json!({"Type": "Map", "ItemProcessor": {"P": {"Type": "Pass"}}}), more)
}

#[test]
fn the_items_are_the_effective_input_or_what_items_path_finds_in_it() {
    let input = json!({"a": {"list": [1, 2]}, "list": [3]});
    assert_eq!(play(echo(json!({"InputPath": "$.a.list"})), input.clone()).output(), json!([1, 2]));
    assert_eq!(play(echo(json!({"InputPath": "$.a", "ItemsPath": "$.list"})), input.clone()).output(), json!([1, 2]));
    assert_eq!(play(echo(json!({"ItemsPath": "$.list"})), input.clone()).output(), json!([3]));
    assert_eq!(play(echo(json!({"ItemsPath": "$$.Execution.Input.list"})), input.clone()).output(), json!([3]));
    let states = json!({"P": {"Type": "Pass", "Assign": {"kept": [8, 9]}, "Next": "S"}, 
        "S": {"Type": "Map", "ItemsPath": "$kept", "ItemProcessor": {"I": {"Type": "Pass"}}}});
    assert_eq!(Play::of(machine(states)).run().output(), json!([8, 9]));
}

#[test]
fn what_is_no_array_cannot_be_iterated() {
    for (input, shown) in [(json!({"a": 1}), r#"{"a":1}"#), (json!(1), "1"), (json!(null), "null"), (json!("ab"), "\"ab\"")] {
        let cause = format!("Map state input must be an array but was: {shown}");
        assert_failed(&play(echo(json!({})), input), "States.Runtime", &cause);
    }
    let from_context = play(echo(json!({"ItemsPath": "$$.Execution.Input"})), json!({}));
    assert_failed(&from_context, "States.Runtime", "Reference path \"$.Execution.Input\" must point to array.");
    let whole_context = play(echo(json!({"ItemsPath": "$$"})), json!([1]));
    assert_failed(&whole_context, "States.Runtime", "Reference path \"$\" must point to array.");
    assert_eq!(from_context.count("MapStateStarted") + from_context.count("MapStateFailed"), 0);
    assert_failed(&play(echo(json!({"ItemsPath": "$.none"})), json!({})), "States.Runtime", "Invalid path '$.none'");
}

#[test]
fn item_selector_sees_the_effective_input_and_the_item() {
    let selector = json!({"n.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value", "all.$": "$.list", "x": 1});
    let expected = json!([{"x": 1, "all": [7, 8], "n": 0, "v": 7}, {"x": 1, "all": [7, 8], "n": 1, "v": 8}]);
    for field in ["ItemSelector", "Parameters"] {
        let state = echo(json!({"InputPath": "$.a", "ItemsPath": "$.list", field: selector}));
        assert_eq!(play(state, json!({"a": {"list": [7, 8]}})).output(), expected);
    }
    let constant = echo(json!({"ItemSelector": {"same": true}}));
    assert_eq!(play(constant, json!([1, 2])).output(), json!([{"same": true}, {"same": true}]));
}

#[test]
fn an_item_selector_that_fails_fails_the_map() {
    let state = echo(json!({"ItemSelector": {"n.$": "$$.Map.Item.Value.n"}}));
    let played = play(state, json!([{"n": 1}, {}]));
    let cause = "An error occurred while executing the state 'S' (entered at the event id #2). The JSONPath '$$.Map.Item.Value.n' \
                 specified for the field 'n.$' could not be found in the input";
    assert_failed(&played, "States.Runtime", cause);
    assert_chain(
        &played,
        "1 ExecutionStarted(0)
         2 MapStateEntered(0)
         3 MapStateStarted(2)
         4 MapIterationStarted(3){0}
         5 MapIterationAborted(3){0}
         6 ExecutionFailed(3)",
    );
    let intrinsic = echo(json!({"ItemSelector": {"n.$": "States.ArrayGetItem($$.Map.Item.Value, 5)"},
        "Catch": [{"ErrorEquals": ["States.IntrinsicFailure"], "Next": "Z"}], "Next": "Z"}));
    let caught = Play::of(machine(json!({"S": intrinsic, "Z": {"Type": "Pass", "Result": "caught"}}))).input("[[1]]").run();
    assert_eq!(caught.output(), json!("caught"), "{}", caught.chain());
}

#[test]
fn the_inputs_of_iterations_are_the_items() {
    let played = play(echo(json!({})), json!([1, "two", null, [3], {"four": 4}]));
    assert_eq!(played.inputs_of("P"), ["1", "\"two\"", "null", "[3]", "{\"four\":4}"]);
}

#[test]
fn the_legacy_names_of_the_fields_mean_the_same() {
    let state = json!({"Type": "Map", "Iterator": {"P": {"Type": "Pass"}}, "Parameters": {"v.$": "$$.Map.Item.Value"}});
    assert_eq!(play(state, json!([1])).output(), json!([{"v": 1}]));
}

#[test]
fn results_stand_in_the_order_of_the_items_whichever_ends_first() {
    let state = json!({"Type": "Map", "ItemProcessor": {"T": {"Type": "Task"}}});
    let answer = |seconds: f64, result: &str| -> Answer { succeeds(result).after(seconds) };
    let played = Play::of(only(state)).input("[0,1,2]").answers([answer(3.0, "\"a\""), answer(1.0, "\"b\""), answer(2.0, "\"c\"")]);
    let played = played.run();
    assert_eq!(played.output(), json!(["a", "b", "c"]));
    // The Map is left behind the iteration that was the last to end.
    assert_chain(
        &played,
        "1 ExecutionStarted(0)
         2 MapStateEntered(0)
         3 MapStateStarted(2)
         4 MapIterationStarted(3){0}
         5 MapIterationStarted(3){1}
         6 MapIterationStarted(3){2}
         7 TaskStateEntered(4)
         8 TaskScheduled(7)
         9 TaskStateEntered(5)
         10 TaskScheduled(9)
         11 TaskStateEntered(6)
         12 TaskScheduled(11)
         13 TaskStarted(8)
         14 TaskStarted(10)
         15 TaskStarted(12)
         16 TaskSucceeded(14)
         17 TaskStateExited(16)
         18 MapIterationSucceeded(17){1}
         19 TaskSucceeded(15)
         20 TaskStateExited(19)
         21 MapIterationSucceeded(20){2}
         22 TaskSucceeded(13)
         23 TaskStateExited(22)
         24 MapIterationSucceeded(23){0}
         25 MapStateSucceeded(24)
         26 MapStateExited(24)
         27 ExecutionSucceeded(26)",
    );
}

#[test]
fn maps_within_maps_repeat_the_pattern() {
    let inner = json!({"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": {"P": {"Type": "Pass"}}});
    let state = json!({"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": {"I": inner}});
    let played = play(state, json!([[1], []]));
    assert_eq!(played.output(), json!([[1], []]));
    assert_chain(
        &played,
        "1 ExecutionStarted(0)
         2 MapStateEntered(0)
         3 MapStateStarted(2)
         4 MapIterationStarted(3){0}
         5 MapStateEntered(4)
         6 MapStateStarted(5)
         7 MapIterationStarted(6){0}
         8 PassStateEntered(7)
         9 PassStateExited(8)
         10 MapIterationSucceeded(9){0}
         11 MapStateSucceeded(10)
         12 MapStateExited(10)
         13 MapIterationSucceeded(12){0}
         14 MapIterationStarted(12){1}
         15 MapStateEntered(14)
         16 MapStateStarted(15)
         17 MapStateSucceeded(16)
         18 MapStateExited(16)
         19 MapIterationSucceeded(18){1}
         20 MapStateSucceeded(19)
         21 MapStateExited(19)
         22 ExecutionSucceeded(21)",
    );
}

#[test]
fn a_thousand_items_run_forty_at_a_time() {
    let state = json!({"Type": "Map", "ItemProcessor": {"T": {"Type": "Task"}}});
    let input = Value::from((0..1000).collect::<Vec<_>>());
    let played =
        Play::of(only(state)).input(&input).tasks(|task| succeeds(task.parameters.text()).after(1.0)).without_crashes().run();
    assert_eq!((played.seconds, peak(&played)), (25.0, 40));
    assert_eq!(played.output(), input);
}

#[test]
fn an_iteration_that_never_ends_holds_its_place() {
    let state = json!({"Type": "Map", "MaxConcurrency": 2, "ItemProcessor": {"T": {"Type": "Task"}}});
    let played = Play::of(with(only(state), json!({"TimeoutSeconds": 10})))
        .input("[0,1,2,3]")
        .tasks(|task| if task.map_item_index == Some(0) { silent() } else { succeeds("1").after(1.0) })
        .run();
    assert_eq!((played.status, played.seconds), ("TIMED_OUT", 10.0));
    assert_eq!(played.count("MapIterationSucceeded"), 3);
}
