//! `run`: what a person and a program see.

use serde_json::json;

use crate::folder::Folder;

/// Retries, a Parallel, a Map and a catcher.
pub(crate) const ORDER: &str = r#"{"StartAt": "Reserve", "States": {
    "Reserve": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "ResultPath": "$.reserved",
        "Parameters": {"FunctionName": "arn:aws:lambda:us-east-1:123456789012:function:Reserve:live", "Payload.$": "$"},
        "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 2}], "Next": "Wait"},
    "Wait": {"Type": "Wait", "Seconds": 259200, "Next": "Fulfil"},
    "Fulfil": {"Type": "Parallel", "ResultPath": "$.fulfilled", "Next": "Is it large?", "Branches": [
        {"StartAt": "Ship", "States": {"Ship": {"Type": "Task", "End": true,
            "Resource": "arn:aws:lambda:us-east-1:123456789012:function:Ship"}}},
        {"StartAt": "Each item", "States": {"Each item": {"Type": "Map", "ItemsPath": "$.items", "End": true, "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "Pack", "States": {"Pack": {"Type": "Pass", "End": true}}}}}}]},
    "Is it large?": {"Type": "Choice", "Default": "Charge", "Choices": [
        {"Variable": "$.items[100]", "IsPresent": true, "Next": "Done"}]},
    "Charge": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "Charge"},
        "Catch": [{"ErrorEquals": ["Declined"], "ResultPath": "$.error", "Next": "Refund"}], "Next": "Done"},
    "Refund": {"Type": "Pass", "Next": "Failed"},
    "Failed": {"Type": "Fail", "Error": "OrderFailed", "Cause": "payment declined"},
    "Done": {"Type": "Succeed"}}}"#;

pub(crate) const MOCKS: &str = r#"{"StateMachines": {"m": {"TestCases": {
        "Happy": {"Reserve": "Reserved", "Ship": "Shipped", "Charge": "Charged"},
        "Declined": {"Reserve": "BusyTwice", "Ship": "Shipped", "Charge": "Declined"}}}},
    "MockedResponses": {
        "Reserved": {"0": {"Return": {"StatusCode": 200, "Payload": true}}},
        "BusyTwice": {"0-1": {"Throw": {"Error": "Busy", "Cause": "try again"}}, "2": {"Return": {"Payload": true}}},
        "Shipped": {"0": {"Return": "parcel 7"}},
        "Charged": {"0": {"Return": {"Payload": {"paid": true}}}},
        "Declined": {"0": {"Throw": {"Error": "Declined", "Cause": "no money"}}}}}"#;

const INPUT: &str = r#"{"items": [1, 2, 3, 4, 5]}"#;

pub(crate) const PASS: &str = r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "C"},
    "C": {"Type": "Pass", "End": true}}}"#;

fn order() -> Folder {
    Folder::with(ORDER).file("MockConfigFile.json", MOCKS)
}

fn mocked<'a>(case: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["--mock", "MockConfigFile.json", "--case", case, "--input", INPUT], more].concat()
}

#[test]
fn the_path_is_shown_as_a_tree() {
    let folder = order();
    insta::assert_snapshot!("happy", folder.execute(&mocked("Happy", &[])).code(0).screen());
    insta::assert_snapshot!("declined", folder.execute(&mocked("Declined", &[])).code(1).screen());
    insta::assert_snapshot!("verbose", folder.execute(&mocked("Happy", &["--verbose"])).code(0).screen());
}

#[test]
fn the_output_is_the_data() {
    let ran = order().execute(&mocked("Happy", &["--quiet"])).code(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("{\"Payload\":{\"paid\":true}}\n", ""));
    let ran = Folder::with(PASS).execute(&["-i", "[1,  2]"]).code(0);
    assert_eq!(ran.stdout, "[1,  2]\n", "untouched text is handed on");
    assert_eq!(order().execute(&mocked("Declined", &[])).code(1).stdout, "");
}

#[test]
fn programs_get_one_object() {
    let ran = order().execute(&mocked("Declined", &["--format", "json"])).code(1);
    assert_eq!(
        ran.json(),
        json!({"status": "FAILED", "output": null, "error": "OrderFailed", "cause": "payment declined",
            "executionArn": "arn:aws:states:us-east-1:123456789012:execution:m:e",
            "stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:m", "name": "e",
            "startDate": "2026-01-01T00:00:00Z", "stopDate": "2026-01-04T00:00:06Z", "statesEntered": 14, "transitions": 16})
    );
}

#[test]
fn the_history_is_the_services_answer() {
    let folder = order();
    folder.execute(&mocked("Declined", &["--history", "h.json"])).code(1);
    let history: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.path().join("h.json")).unwrap()).unwrap();
    let events = history.get("events").unwrap().as_array().unwrap();
    let types: Vec<_> = events.iter().map(|event| event.get("type").unwrap().as_str().unwrap()).collect();
    assert_eq!(types.first(), Some(&"ExecutionStarted"));
    assert_eq!(types.last(), Some(&"ExecutionFailed"));
    assert!(events.iter().zip(1..).all(|(event, id)| event.get("id") == Some(&json!(id))));
    assert_eq!(folder.names(), ["MockConfigFile.json", "h.json", "m.asl.json"], "nothing else is left");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let folder = order();
    let mut histories = Vec::new();
    for file in ["a.json", "b.json"] {
        folder.execute(&["--auto-mock", "--history", file]).code(0);
        histories.push(std::fs::read(folder.path().join(file)).unwrap());
    }
    assert_eq!(histories.first(), histories.last());
}

#[test]
fn colour_is_for_terminals_and_those_who_ask() {
    let folder = Folder::with(PASS);
    assert!(!folder.execute(&[]).stderr.contains('\x1b'));
    assert!(folder.execute(&["--color", "always"]).stderr.contains('\x1b'));
}

#[test]
fn large_maps_and_loops_are_summarised() {
    let map = r#"{"StartAt": "M", "States": {"M": {"Type": "Map", "End": true, "ItemProcessor": {
        "ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}}}}"#;
    let items = serde_json::to_string(&(0..1000).collect::<Vec<_>>()).unwrap();
    let ran = Folder::with(map).execute(&["--input", &items]).code(0);
    assert!(ran.stderr.lines().count() < 20, "{}", ran.stderr);
    insta::assert_snapshot!(
        "large_map",
        ran.screen().lines().filter(|line| !line.starts_with("output")).collect::<Vec<_>>().join("\n")
    );
    let cycle = r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Choice", "Default": "A",
        "Choices": [{"Variable": "$.x", "IsPresent": true, "Next": "C"}]}, "C": {"Type": "Succeed"}}}"#;
    insta::assert_snapshot!("endless_loop", Folder::with(cycle).execute(&[]).code(1).screen());
}

#[test]
fn a_part_of_the_machine_can_be_run() {
    let folder = Folder::with(PASS);
    let ran = folder.execute(&["--from", "B", "--format", "json", "--input", "7"]).code(0);
    assert_eq!((ran.json().get("statesEntered"), ran.json().get("output")), (Some(&json!(2)), Some(&json!(7))));
    let ran = folder.execute(&["--until", "B", "--format", "json", "--history", "h.json"]).code(0).says(&["stopped after `B`"]);
    assert_eq!((ran.json().get("statesEntered"), ran.json().get("stoppedAfter")), (Some(&json!(2)), Some(&json!("B"))));
    let history = std::fs::read_to_string(folder.path().join("h.json")).unwrap();
    assert!(history.ends_with("\"truncated\":false}}}]}\n") && !history.contains("ExecutionSucceeded"), "{history}");
    folder.execute(&["--from", "b"]).code(2).says(&["`--from b`", "did you mean `B`?"]);
    order().execute(&["--until", "Pack"]).code(2).says(&["inside a Parallel or a Map", "`Wait`"]);
}

#[test]
fn the_execution_is_who_it_is_told_to_be() {
    let context = r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"c.$": "$$"}, "End": true}}}"#;
    let folder = Folder::with(context);
    let ran = folder
        .execute(&["--region", "eu-west-1", "--account", "000000000001", "--role-arn", "r", "--machine-name", "other"])
        .code(0)
        .json();
    let execution = ran.pointer("/c/Execution").unwrap();
    assert_eq!(execution.get("Id"), Some(&json!("arn:aws:states:eu-west-1:000000000001:execution:other:e")));
    assert_eq!(execution.get("RoleArn"), Some(&json!("r")));
    assert_eq!(execution.get("StartTime"), Some(&json!("2026-01-01T00:00:00Z")));
    let changes = r#"{"Execution": {"Id": "x", "StartTime": "2027-01-01T00:00:00Z"}, "StateMachine": {"Name": "n"}}"#;
    let ran = folder.execute(&["--context", changes]).code(0).json();
    assert_eq!(ran.pointer("/c/Execution/Id"), Some(&json!("x")));
    assert_eq!(ran.pointer("/c/Execution/StartTime"), Some(&json!("2027-01-01T00:00:00Z")));
    assert_eq!(ran.pointer("/c/StateMachine/Name"), Some(&json!("n")));
    folder.execute(&["--context", r#"{"State": {"Name": "x"}}"#]).code(2).says(&["State.Name cannot be changed", "Execution.Id"]);
    let express = folder.execute(&["--type", "express"]).code(0).json();
    let id = express.pointer("/c/Execution/Id").unwrap().as_str().unwrap().to_owned();
    assert!(id.starts_with("arn:aws:states:us-east-1:123456789012:express:m:e:"), "{id}");
}

#[test]
fn limits_can_be_lifted() {
    let folder = Folder::with(PASS).file("large.json", format!("\"{}\"", "x".repeat(300_000)));
    folder.execute(&["--input", "@large.json"]).code(2).says(&["`large.json`", "300002 bytes", "262144", "--limits relaxed"]);
    folder.execute(&["--input", "@large.json", "--limits", "relaxed", "--quiet"]).code(0);
    let deep = r#"{"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": {"Type": "Pass", "End": true,
        "Output": "{% ($f := function($n) { $n = 0 ? 0 : 1 + $f($n - 1) }; $f(150)) %}"}}}"#;
    let folder = Folder::with(deep);
    folder.execute(&[]).code(1).says(&["States.QueryEvaluationError", "Stack overflow error"]);
    assert_eq!(folder.execute(&["--limits", "relaxed"]).code(0).stdout, "150\n");
}

#[test]
fn substitutions_have_values_or_are_listed() {
    let definition = r#"{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": ${Pause}, "Next": "B"},
        "B": {"Type": "Pass", "Result": "${Text}", "End": true}}}"#;
    let folder =
        Folder::with(definition).file("s.env", "# values\nPause=3\nText=b\n").file("s.json", r#"{"Pause": 4, "Text": "c"}"#);
    folder.execute(&[]).code(2).says(&["`${Pause}` (line 1)", "`${Text}` (line 2)", "--substitute Pause=VALUE"]);
    let ran = folder.execute(&["--substitutions", "s.env"]).code(0).says(&["3 s of virtual time"]);
    assert_eq!(ran.stdout, "\"b\"\n");
    let ran = folder.execute(&["--substitutions", "s.json", "--substitute", "Text=d"]).code(0).says(&["4 s of virtual time"]);
    assert_eq!(ran.stdout, "\"d\"\n");
    folder.execute(&["--auto-mock", "--substitute", "Pause=1"]).code(0).says(&["`${Text}`"]);
}

#[test]
fn input_comes_from_anywhere() {
    let folder = Folder::with(PASS).file("in.json", "{\"a\": 1}\n");
    assert_eq!(folder.execute(&["--input", "@in.json"]).code(0).stdout, "{\"a\": 1}\n");
    assert_eq!(folder.run_with_stdin(&["run", "m.asl.json", "--input", "-"], b"[0]\n").code(0).stdout, "[0]\n");
    assert_eq!(folder.execute(&["--input", "-1"]).code(0).stdout, "-1\n");
    folder.execute(&["--input", "in.json"]).code(2).says(&["--input @in.json"]);
}

#[test]
fn yaml_is_read() {
    let folder = Folder::new().file("m.asl.yaml", "StartAt: Yes\nStates:\n  Yes:\n    Type: Pass\n    Result: no\n    End: true\n");
    assert_eq!(folder.run(&["run", "m.asl.yaml"]).code(0).stdout, "\"no\"\n");
}

#[test]
fn a_real_clock_takes_its_time() {
    let wait = r#"{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 1, "End": true}}}"#;
    let started = std::time::Instant::now();
    Folder::with(wait).execute(&["--clock", "real"]).code(0);
    assert!(started.elapsed().as_millis() >= 1000);
}

#[test]
fn a_machine_in_jsonata_runs() {
    let jsonata = r#"{"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": {"Type": "Pass",
        "Output": {"total": "{% $sum($states.input.lines.(price * quantity)) %}"}, "End": true}}}"#;
    let input = r#"{"lines": [{"price": 2.5, "quantity": 2}, {"price": 10, "quantity": 1}]}"#;
    let ran = Folder::with(jsonata).execute(&["--input", input]).code(0);
    assert_eq!(ran.stdout.trim(), r#"{"total":15}"#);
    Folder::with(jsonata).execute(&["--input", r#"{"lines": "x"}"#]).code(1).says(&["States.QueryEvaluationError", "Output/total"]);
}

#[test]
fn a_state_that_fails_behind_its_result_is_shown_as_failed() {
    let task = |fields: &str, caught: &str, next: &str| {
        format!(
            r#"{{"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", {fields},
            "Catch": [{{"ErrorEquals": ["States.ALL"], "Next": "{caught}"}}], "Next": "{next}"}}"#
        )
    };
    let jsonata = |field: &str| format!(r#""QueryLanguage": "JSONata", {field}"#);
    let inside = |name: &str, output: &str| {
        let task = task(&jsonata(&format!(r#""Output": "{{% {output} %}}""#)), &format!("Mend {name}"), &format!("End {name}"));
        format!(
            r#"{{"StartAt": "{name}", "States": {{"{name}": {task},
            "Mend {name}": {{"Type": "Pass", "End": true}}, "End {name}": {{"Type": "Succeed"}}}}}}"#
        )
    };
    let states = [
        ("Output", task(&jsonata(r#""Output": "{% 1 + 'a' %}""#), "Assign", "Unseen")),
        ("Assign", task(&jsonata(r#""Assign": {"id": "{% $states.result.none %}"}"#), "Selector", "Unseen")),
        ("Selector", task(r#""ResultSelector": {"id.$": "States.ArrayGetItem(States.Array(1), 5)"}"#, "Items", "Unseen")),
        (
            "Items",
            format!(
                r#"{{"QueryLanguage": "JSONata", "Type": "Map", "Items": [1, 2, 3], "Next": "Both", "ItemProcessor": {}}}"#,
                inside("Item", "$states.context.Map.Item.Value = 2 ? -'a' : 1")
            ),
        ),
        (
            "Both",
            format!(
                r#"{{"Type": "Parallel", "Branches": [{}, {}], "Next": "Retried"}}"#,
                inside("Left", "1"),
                inside("Right", "$number('x')")
            ),
        ),
        (
            "Retried",
            task(
                &jsonata(
                    r#""Output": "{% -'a' %}", "Retry": [{"ErrorEquals": ["States.QueryEvaluationError"], "MaxAttempts": 1}]"#,
                ),
                "Unseen",
                "Unseen",
            ),
        ),
        ("Unseen", r#"{"Type": "Pass", "End": true}"#.to_owned()),
    ];
    let states = states.map(|(name, state)| format!("\"{name}\": {state}")).join(",\n");
    let folder = Folder::with(&format!(r#"{{"StartAt": "Output", "States": {{{states}}}}}"#));
    insta::assert_snapshot!("failed_behind_its_result", folder.execute(&["--auto-mock"]).code(0).screen());
}

#[test]
fn what_fails_after_an_error_was_caught_is_shown_too() {
    let definition = r#"{"StartAt": "A", "States": {
        "A": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": true, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}]},
        "B": {"Type": "Pass", "InputPath": "$.none", "End": true}}}"#;
    let ran = Folder::with(definition).execute(&["--task", "A=exit 1"]).code(1).says(&["└ ✘ B  Pass\n  └ ✘ States.Runtime: "]);
    assert!(ran.stderr.contains("caught States.TaskFailed → B"), "{}", ran.stderr);
}

#[test]
fn what_cannot_be_run_yet_is_said() {
    let distributed = r#"{"StartAt": "M", "States": {"M": {"Type": "Map", "End": true, "ItemProcessor": {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}}}}"#;
    Folder::with(distributed).execute(&[]).code(2).says(&["Distributed Map", "`M`"]);
}

#[test]
fn the_error_of_a_fail_is_shown_where_it_can_be_told() {
    let parallel = |fail: &str| {
        format!(
            r#"{{"StartAt": "Both", "States": {{"Both": {{"Type": "Parallel", "Next": "Done",
            "Catch": [{{"ErrorEquals": ["States.ALL"], "Next": "Done"}}], "Branches": [
            {{"StartAt": "Quick", "States": {{"Quick": {{"Type": "Pass", "End": true}}}}}},
            {{"StartAt": "Slow", "States": {{"Slow": {{"Type": "Wait", "Seconds": 5, "Next": "Broken"}}, "Broken": {{"Type": "Fail", {fail}}}}}}},
            {{"StartAt": "Slower", "States": {{"Slower": {{"Type": "Wait", "Seconds": 9, "End": true}}}}}}]}},
            "Done": {{"Type": "Succeed"}}}}}}"#
        )
    };
    let input = r#"{"e": "Spoilt", "c": "too warm"}"#;
    let ran = Folder::with(&parallel(r#""ErrorPath": "$.e", "CausePath": "$.c""#)).execute(&["--input", input]).code(0);
    let ran = ran.says(&["caught Spoilt → Done", "✘ Spoilt: too warm", "branch 2 failed", "branch 3 aborted"]);
    assert!(!ran.stderr.contains("without a name") && !ran.stderr.contains("branch 1 aborted"), "{}", ran.stderr);
    let call = r#""ErrorPath": "States.Format('Sp{}', 'oilt')", "Cause": "c""#;
    let ran = Folder::with(&parallel(call)).execute(&["--input", input]).code(0).says(&["caught Spoilt → Done"]);
    assert!(!ran.stderr.contains("without a name"), "{}", ran.stderr);
    let fail = format!(r#"{{"StartAt": "F", "States": {{"F": {{"Type": "Fail", {call}}}}}}}"#);
    let ran = Folder::with(&fail).execute(&[]).code(1).says(&["✘ Spoilt: c"]);
    assert!(!ran.stderr.contains("without a name"), "{}", ran.stderr);
}

#[test]
fn a_map_that_fails_before_it_starts_has_no_items() {
    let map = r#"{"StartAt": "M", "States": {"M": {"Type": "Map", "ItemsPath": "$.none", "End": true, "ItemProcessor": {
        "StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}}}}"#;
    let ran = Folder::with(map).execute(&[]).code(1);
    assert!(!ran.stderr.contains("0 items"), "{}", ran.stderr);
}

#[test]
fn a_time_limit_is_named() {
    let definition = r#"{"StartAt": "W", "TimeoutSeconds": 30, "States": {"W": {"Type": "Wait", "Seconds": 60, "End": true}}}"#;
    Folder::with(definition).execute(&[]).code(1).says(&["error: the execution may take 30 s", "TIMED_OUT"]);
}

#[test]
fn what_had_no_effect_is_told() {
    let definition = r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "${x}", "Next": "B"},
        "B": {"Type": "Choice", "Choices": [{"Variable": "$", "IsNull": true, "Next": "C"}], "Default": "D"},
        "C": {"Type": "Pass", "End": true}, "D": {"Type": "Pass", "End": true}}}"#;
    let folder = Folder::with(definition).file("c.json", r#"{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}"#);
    let arguments = ["--until", "C", "--machine", "child=c.json", "--substitute", "x=1", "--substitute", "y=2"];
    let ran = folder.execute(&arguments).code(0);
    let ran = ran.says(&["`--until C` had no effect", "`--machine child=…` was not used", "`--substitute y=…` was not used"]);
    assert!(!ran.stderr.contains("`--substitute x"), "{}", ran.stderr);
    assert!(!folder.execute(&[&arguments[..], &["--quiet"]].concat()).code(0).stderr.contains("note"));
    let twice = ["--machine", "child=c.json", "--machine", "child=m.asl.json", "--substitute", "x=1"];
    folder.execute(&twice).code(2).says(&["`child` was given a file before"]);
}

#[test]
fn real_time_is_not_called_virtual() {
    let definition = r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}"#;
    let ran = Folder::with(definition).run(&["run", "m.asl.json", "--clock", "real"]).code(0);
    assert!(!ran.stderr.contains("virtual"), "{}", ran.stderr);
}
