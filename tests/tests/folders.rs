//! Running a folder of cases: a case of our own, and a subject that answers as it is told.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use statewright_tests::conformance::{Observed, Options, Refusal, Report, Run, Subject, Verdict, run_folder};

/// A Map whose two iterations wait at once.
fn case() -> Value {
    let definition = json!({"StartAt": "M", "States": {"M": {"Type": "Map", "End": true, "ItemProcessor": {
        "StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "End": true}}}}}});
    json!({
        "format": "aws-recorded/1", "id": "own::case", "module": "own", "kind": "history",
        "recorded": "2024-11-13T09:47:56Z", "masked": ["timestamp"],
        "machines": [{"name": "a-machine", "type": "STANDARD", "definition": definition,
            "definition_text": definition.to_string(), "roleArn": "arn:aws:iam::111111111111:role/r"}],
        "executions": [{"machine": 0, "input_text": "[1, 2]", "history": {"events": events([0, 1])},
            "replay": {"status": "pure", "tasks": []}}],
    })
}

/// Its history with the iterations ending in this order, as recorded.
fn events(ends: [usize; 2]) -> Vec<Value> {
    let mut events = Vec::new();
    let mut add = |kind: &str, previous: usize, details: Option<(&str, Value)>| {
        let id = events.len() + 1;
        let mut event = json!({"id": id, "previousEventId": previous, "timestamp": "timestamp", "type": kind});
        if let Some((name, details)) = details {
            event[name] = details;
        }
        events.push(event);
        id
    };
    let entered = |name: &str, input: &str| {
        Some(("stateEnteredEventDetails", json!({"name": name, "input": input, "inputDetails": {"truncated": false}})))
    };
    let exited = |name: &str, output: &str| {
        Some(("stateExitedEventDetails", json!({"name": name, "output": output, "outputDetails": {"truncated": false}})))
    };
    let index = |index: usize, what: &'static str| Some((what, json!({"name": "M", "index": index})));
    let role = json!({"input": "[1, 2]", "inputDetails": {"truncated": false}, "roleArn": "arn:aws:iam::111111111111:role/r"});
    add("ExecutionStarted", 0, Some(("executionStartedEventDetails", role)));
    add("MapStateEntered", 0, entered("M", "[1, 2]"));
    add("MapStateStarted", 2, Some(("mapStateStartedEventDetails", json!({"length": 2}))));
    let starts = [0, 1].map(|i| add("MapIterationStarted", 3, index(i, "mapIterationStartedEventDetails")));
    let waits = [0, 1].map(|i| add("WaitStateEntered", starts[i], entered("W", &(i + 1).to_string())));
    let mut last = 0;
    for i in ends {
        let exit = add("WaitStateExited", waits[i], exited("W", &(i + 1).to_string()));
        last = add("MapIterationSucceeded", exit, index(i, "mapIterationSucceededEventDetails"));
    }
    add("MapStateSucceeded", last, None);
    let exit = add("MapStateExited", last, exited("M", "[1,2]"));
    let output = json!({"output": "[1,2]", "outputDetails": {"truncated": false}});
    add("ExecutionSucceeded", exit, Some(("executionSucceededEventDetails", output)));
    events
}

struct Answer(Vec<Value>);

impl Subject for Answer {
    fn run(&self, run: &Run) -> Result<Observed, Refusal> {
        assert_eq!((run.input_text.as_str(), run.start_time_ms), ("[1, 2]", 1_731_491_276_000));
        let output = Some("[1,2]".to_owned());
        Ok(Observed { history: json!({ "events": self.0 }), output, status: "SUCCEEDED".to_owned() })
    }
}

struct Refuses(Refusal);

impl Subject for Refuses {
    fn run(&self, _run: &Run) -> Result<Observed, Refusal> {
        Err(self.0.clone())
    }
}

/// A folder of its own for a test, with these files.
fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("statewright-folders-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    for (file, text) in files {
        let path = folder.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn run(name: &str, known: &str, subject: &dyn Subject) -> Report {
    let folder = folder(name, &[("cases/own/case.json", &case().to_string()), ("known.toml", known)]);
    let options = Options { known: folder.join("known.toml"), ..Options::default() };
    let report = run_folder(&folder.join("cases"), subject, &options);
    std::fs::remove_dir_all(folder).unwrap();
    report
}

fn entry(pointer: &str) -> String {
    format!(
        "[[difference]]\ncase = \"own::case\"\nexecution = 0\npointer = \"{pointer}\"\n\
         cause = \"normalisation\"\nnote = \"why\"\n"
    )
}

fn altered() -> Answer {
    let mut events = events([0, 1]);
    events[12]["stateExitedEventDetails"]["name"] = json!("other");
    Answer(events)
}

#[test]
fn iterations_that_wait_may_end_in_another_order() {
    assert_eq!(run("order", "", &Answer(events([0, 1]))).exit_code(), 0);
    let report = run("order", "", &Answer(events([1, 0])));
    assert_eq!(report.exit_code(), 0, "{report}");
}

#[test]
fn an_iteration_that_waits_keeps_its_own_chain() {
    let mut wrong = events([1, 0]);
    wrong[7]["previousEventId"] = json!(6);
    assert_eq!(run("chain", "", &Answer(wrong)).exit_code(), 1);
}

#[test]
fn a_listed_difference_is_accepted_and_another_is_not() {
    let pointer = "/events/12/stateExitedEventDetails/name";
    assert_eq!(run("listed", "", &altered()).exit_code(), 1);
    let report = run("listed", &entry(pointer), &altered());
    assert_eq!(report.results[0].verdict, Verdict::Listed);
    assert_eq!(report.exit_code(), 0);
    assert_eq!(run("listed", &entry("/events/12"), &altered()).exit_code(), 1);
}

#[test]
fn an_entry_that_does_not_apply_fails_the_run() {
    let report = run("unused", &entry("/events/1/id"), &Answer(events([0, 1])));
    assert_eq!(report.wrong_entries.len(), 1);
    assert_eq!(report.exit_code(), 1);
}

#[test]
fn a_list_that_says_one_place_twice_is_an_error() {
    let twice = [entry("/events/1/id"), entry("/events/1/id")].concat();
    let report = run("twice", &twice, &Answer(events([0, 1])));
    assert_eq!(report.exit_code(), 2);
    assert!(report.errors[0].contains("is listed twice"), "{report}");
}

#[test]
fn what_must_agree_may_not_be_refused() {
    let not_yet = run("refused", "", &Refuses(Refusal::NotYet("Map".to_owned())));
    assert_eq!(not_yet.exit_code(), 1);
    let report = run("refused", "", &Refuses(Refusal::Refused("no".to_owned())));
    assert_eq!(report.exit_code(), 1);
    assert!(report.to_string().contains("refused: no"), "{report}");
}

#[test]
fn a_malformed_file_is_named() {
    let folder = folder("malformed", &[("cases/bad.json", "{\"format\": \"aws-recorded/1\", \"kind\": 3}")]);
    let report = run_folder(&folder.join("cases"), &Answer(Vec::new()), &Options::default());
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(report.exit_code(), 2);
    assert!(report.errors[0].contains(&*Path::new("cases").join("bad.json").to_string_lossy()), "{report}");
}

#[test]
fn a_folder_without_cases_is_an_error() {
    let folder = folder("empty", &[("cases/readme.md", "")]);
    let report = run_folder(&folder.join("cases"), &Answer(Vec::new()), &Options::default());
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(report.exit_code(), 2);
}

#[test]
fn a_missing_time_or_truncated_member_is_a_difference() {
    for change in [
        |event: &mut Value| event.as_object_mut().unwrap().remove("timestamp"),
        |event: &mut Value| event["stateExitedEventDetails"].as_object_mut().unwrap().remove("outputDetails"),
    ] {
        let mut events = events([0, 1]);
        change(&mut events[12]).unwrap();
        assert_eq!(run("missing", "", &Answer(events)).exit_code(), 1);
    }
}

#[test]
fn the_report_shows_the_first_difference_in_its_place() {
    let text = run("report", "", &altered()).to_string();
    for part in ["FAILED own::case execution 0", "name: expected \"M\", got \"other\"", "before:   {", "got:      {"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}
