//! Catch, the names of errors, and what a catcher sees.

use serde_json::{Value, json};
use statewright_tests::play::{Answer, Play, Played, fails, fails_without_details, silent, succeeds};

use crate::{assert_failed, machine, with};

/// Plays a task with these fields, and a catcher with those, that gets `answer`.
fn task(fields: Value, catcher: Value, answer: Answer) -> Played {
    let catcher = with(json!({"ErrorEquals": ["States.ALL"], "Next": "Z"}), catcher);
    let state = with(json!({"Type": "Task", "Catch": [catcher], "Next": "Z"}), fields);
    Play::of(machine(json!({"S": state, "Z": {"Type": "Pass"}}))).input(json!({"a": 1})).answers([answer]).run()
}

/// Whether a catcher for `name` takes this failure, and a retrier for it as well.
fn matches(name: &str, fields: &Value, answer: &Answer) -> bool {
    let equals = json!({"ErrorEquals": [name]});
    let caught = task(fields.clone(), with(equals.clone(), json!({"ResultPath": "$.caught"})), answer.clone());
    let caught = caught.status == "SUCCEEDED" && caught.output().get("caught").is_some();
    let retry = json!({"Retry": [with(equals, json!({"MaxAttempts": 1}))]});
    let retried = task(with(fields.clone(), retry), json!({"ErrorEquals": ["no such error"]}), answer.clone());
    let attempts = retried.count("TaskScheduled").max(retried.count("ActivityScheduled"));
    assert_eq!(caught, attempts == 2, "{name}: Retry and Catch differ");
    caught
}

#[track_caller]
fn caught_by(fields: Value, answer: Answer, matching: &[&str]) {
    let all = [
        "States.ALL",
        "States.TaskFailed",
        "States.Timeout",
        "States.HeartbeatTimeout",
        "States.DataLimitExceeded",
        "States.Runtime",
        "States.IntrinsicFailure",
        "States.Permissions",
        "E",
        "e",
        "",
    ];
    let taken: Vec<_> = all.into_iter().filter(|name| matches(name, &fields, &answer)).collect();
    assert_eq!(taken, matching);
}

const CALLBACK: &str = "arn:aws:states:::sqs:sendMessage.waitForTaskToken";

#[test]
fn an_error_is_matched_by_its_own_name_and_the_names_that_stand_for_many() {
    caught_by(json!({}), fails("E", "why"), &["States.ALL", "States.TaskFailed", "E"]);
    caught_by(json!({}), fails("States.Permissions", ""), &["States.ALL", "States.TaskFailed", "States.Permissions"]);
    caught_by(json!({}), fails("States.TaskFailed", ""), &["States.ALL", "States.TaskFailed"]);
    caught_by(json!({}), fails("", ""), &["States.ALL", "States.TaskFailed", ""]);
    caught_by(json!({}), fails_without_details(), &["States.ALL", "States.TaskFailed"]);
}

#[test]
fn a_time_out_is_no_task_failed() {
    caught_by(json!({"TimeoutSeconds": 1}), silent(), &["States.ALL", "States.Timeout"]);
    caught_by(json!({}), fails("States.Timeout", ""), &["States.ALL", "States.Timeout"]);
}

#[test]
fn a_missed_heartbeat_is_matched_by_both_names() {
    let fields = json!({"Resource": CALLBACK, "HeartbeatSeconds": 2});
    caught_by(fields.clone(), silent(), &["States.ALL", "States.Timeout", "States.HeartbeatTimeout"]);
    caught_by(with(fields, json!({"TimeoutSeconds": 9})), silent(), &["States.ALL", "States.Timeout", "States.HeartbeatTimeout"]);
    caught_by(json!({}), fails("States.HeartbeatTimeout", ""), &["States.ALL", "States.HeartbeatTimeout"]);
}

#[test]
fn a_result_that_is_too_large_can_be_caught() {
    let large = succeeds(Value::from("x".repeat(300_000)));
    caught_by(json!({}), large, &["States.ALL", "States.TaskFailed", "States.DataLimitExceeded"]);
}

#[test]
fn a_failing_function_of_a_template_can_be_caught() {
    let fields = json!({"ResultSelector": {"x.$": "States.StringToJson('{')"}});
    caught_by(fields, succeeds("1"), &["States.ALL", "States.TaskFailed", "States.IntrinsicFailure"]);
}

#[test]
fn nobody_takes_a_runtime_error() {
    for fields in [
        json!({"InputPath": "$.none"}),
        json!({"OutputPath": "$.none"}),
        json!({"ResultSelector": {"x.$": "$.none"}}),
        json!({"Parameters": {"x.$": "$.none"}}),
        json!({"TimeoutSecondsPath": "$.none"}),
    ] {
        caught_by(fields, succeeds("{}"), &[]);
    }
    caught_by(json!({}), fails("States.Runtime", ""), &[]);
}

#[test]
fn a_runtime_error_follows_the_last_event_of_the_state_and_names_where_it_was_entered() {
    let place = "An error occurred while executing the state 'S' (entered at the event id #2). ";
    let before = task(json!({"InputPath": "$.none"}), json!({}), succeeds("{}"));
    assert_failed(&before, "States.Runtime", &format!("{place}Invalid path '$.none' : No results for path: $['none']"));
    assert!(before.chain().ends_with("2 TaskStateEntered(0)\n3 ExecutionFailed(2)"));
    let after = task(json!({"OutputPath": "$.no.such.path"}), json!({}), succeeds("{}"));
    assert_failed(&after, "States.Runtime", &format!("{place}Invalid path '$.no.such.path' : Missing property in path $['no']"));
    assert!(after.chain().ends_with("5 TaskSucceeded(4)\n6 ExecutionFailed(5)"));
    let template = task(json!({"Parameters": {"x.$": "$.none"}}), json!({}), succeeds("{}"));
    let cause = "The JSONPath '$.none' specified for the field 'x.$' could not be found in the input '{\"a\":1}'";
    assert_failed(&template, "States.Runtime", &format!("{place}{cause}"));
}

#[test]
fn the_error_output_takes_the_place_that_the_catchers_result_path_says_in_the_raw_input() {
    let caught = |catcher| task(json!({"InputPath": "$.a"}), catcher, fails("E", "why")).output();
    let error_output = json!({"Error": "E", "Cause": "why"});
    assert_eq!(caught(json!({})), error_output);
    assert_eq!(caught(json!({"ResultPath": "$"})), error_output);
    assert_eq!(caught(json!({"ResultPath": "$.a"})), json!({"a": error_output}));
    assert_eq!(caught(json!({"ResultPath": "$.x.y"})), json!({"a": 1, "x": {"y": error_output}}));
    assert_eq!(caught(json!({"ResultPath": null})), json!({"a": 1}));
}

#[test]
fn the_states_own_paths_do_not_apply_to_what_is_caught() {
    let fields = json!({"ResultPath": "$.a.b.c", "OutputPath": "$.no.such", "ResultSelector": {"x.$": "$.no.such"}});
    assert_eq!(task(fields, json!({}), fails("E", "")).output(), json!({"Error": "E", "Cause": ""}));
}

#[test]
fn what_is_missing_is_null_and_a_time_out_has_an_empty_cause() {
    let text = |fields, answer| task(fields, json!({}), answer).output_text.unwrap();
    assert_eq!(text(json!({}), fails("E", "why")), r#"{"Error":"E","Cause":"why"}"#);
    assert_eq!(text(json!({}), fails_without_details()), r#"{"Error":null,"Cause":null}"#);
    assert_eq!(text(json!({"TimeoutSeconds": 1}), silent()), r#"{"Error":"States.Timeout","Cause":""}"#);
}

#[test]
fn a_failure_without_details_has_none_in_the_history() {
    let state = json!({"S": {"Type": "Task"}});
    let played = Play::of(machine(state)).answers([fails_without_details()]).run();
    assert_eq!(played.details("TaskFailed"), [json!({"resourceType": "sqs", "resource": "sendMessage"})]);
    assert_eq!(played.details("ExecutionFailed"), [json!({})]);
}

#[test]
fn the_first_catcher_that_matches_takes_it_when_all_retries_are_used_up() {
    let state = json!({"Type": "Task", "Next": "N", "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 1}], "Catch": [
        {"ErrorEquals": ["F"], "Next": "N"}, {"ErrorEquals": ["G", "E"], "Next": "Y"}, {"ErrorEquals": ["States.ALL"], "Next": "N"}
    ]});
    let states = json!({"S": state, "Y": {"Type": "Pass", "Result": "yes"}, "N": {"Type": "Pass", "Result": "no"}});
    let played = Play::of(machine(states)).answers([fails("E", "")]).run();
    assert_eq!((played.output(), played.count("TaskScheduled")), (json!("yes"), 2));
}

#[test]
fn a_caught_state_is_left_behind_its_failing_event() {
    crate::assert_chain(
        &task(json!({}), json!({}), fails("E", "")),
        "1 ExecutionStarted(0)
         2 TaskStateEntered(0)
         3 TaskScheduled(2)
         4 TaskStarted(3)
         5 TaskFailed(4)
         6 TaskStateExited(5)
         7 PassStateEntered(6)
         8 PassStateExited(7)
         9 ExecutionSucceeded(8)",
    );
}

#[test]
fn a_catcher_assigns_from_the_error_output_and_the_state_itself_does_not() {
    let states = json!({
        "S": {"Type": "Task", "Next": "N", "Assign": {"own": true},
            "Catch": [{"ErrorEquals": ["E"], "Next": "Z", "Assign": {"why.$": "$.Cause", "where.$": "$$.State.Name"}}]},
        "N": {"Type": "Pass"},
        "Z": {"Type": "Pass", "Parameters": {"why.$": "$why", "where.$": "$where"}}
    });
    let played = Play::of(machine(states)).answers([fails("E", "because")]).run();
    assert_eq!(played.output(), json!({"where": "S", "why": "because"}));
    let exited = &played.details("TaskStateExited")[0];
    assert_eq!(exited["assignedVariables"], json!({"where": "\"S\"", "why": "\"because\""}));
}

#[test]
fn an_output_of_a_catcher_that_is_too_large_fails_the_execution() {
    let state = json!({"Type": "Task", "Next": "Z", "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "Z"}]});
    let large = Value::from("x".repeat(262_000));
    let played = Play::of(machine(json!({"S": state, "Z": {"Type": "Pass"}}))).input(json!({"a": large}));
    let played = played.answers([fails("E", &"y".repeat(1000))]).run();
    assert_failed(&played, "States.DataLimitExceeded", "The state/task 'S' returned a result with a size exceeding");
    assert!(played.chain().ends_with("5 TaskFailed(4)\n6 ExecutionFailed(5)"), "{}", played.chain());
}

#[test]
fn a_catcher_whose_own_fields_fail_fails_the_execution() {
    let into_text = task(json!({}), json!({"ResultPath": "$.a.b"}), fails("E", ""));
    assert_failed(&into_text, "States.ReferencePathConflict", "Unable to apply ReferencePath $.a.b to input {\"a\":1}");
    let assigned = task(json!({}), json!({"Assign": {"x.$": "$.none"}}), fails("E", ""));
    assert_failed(&assigned, "States.Runtime", "The JSONPath '$.none' specified for the field 'x.$'");
}

#[test]
fn where_the_words_of_the_service_are_not_known_ours_are_these() {
    let choice = json!({"Type": "Choice", "Choices": [{"Variable": "$", "IsNull": true, "Next": "Z"}]});
    let parallel = json!({"Type": "Parallel", "Branches": [{"I": {"Type": "Pass", "Assign": {"x": 1}}}], "Next": "Z"});
    let read = json!({"Type": "Pass", "Parameters": {"x.$": "$x"}});
    let credentials = json!({"Type": "Task", "Credentials": {"RoleArn.$": "$.a"}});
    for (states, error, cause) in [
        (json!({"S": choice, "Z": {"Type": "Succeed"}}), "States.NoChoiceMatched", "No choice rule matched."),
        (
            json!({"S": {"Type": "Fail", "ErrorPath": "$.a"}}),
            "States.Runtime",
            "The ErrorPath parameter does not reference a string: 1",
        ),
        (
            json!({"S": {"Type": "Fail", "CausePath": "$"}}),
            "States.Runtime",
            "The CausePath parameter does not reference a string: {\"a\":1}",
        ),
        (json!({"S": credentials}), "States.Runtime", "The RoleArn of Credentials is not a string."),
        (
            json!({"S": parallel, "Z": read}),
            "States.Runtime",
            "Invalid path '$x' : The variable '$x' has not been assigned a value",
        ),
    ] {
        let played = Play::of(machine(states)).input(json!({"a": 1})).run();
        let state = if played.events.len() > 5 { "Z" } else { "S" };
        assert_failed(&played, error, &format!("An error occurred while executing the state '{state}' (entered at the event id #"));
        assert!(played.cause().ends_with(&format!("). {cause}")), "{}", played.cause());
    }
}
