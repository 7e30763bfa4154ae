//! Recorded executions of the service that call intrinsic functions. The recordings are not part of this repository: the environment
//! variable `STATEWRIGHT_RECORDED` names their folder, and without it nothing is checked.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "this is a test")]

use std::path::{Path, PathBuf};

use statewright_interpreter::Value;
use statewright_interpreter::inputs::{Draws, Inputs};
use statewright_interpreter::template::Template;

/// Stands in recordings for what is different with each execution.
const RANDOM: &str = "RandomNumberGenerated";

#[test]
fn payloads_are_those_that_the_service_made() {
    let Some(folder) = std::env::var_os("STATEWRIGHT_RECORDED") else {
        eprintln!("SKIPPED: STATEWRIGHT_RECORDED does not name the folder of recordings");
        return;
    };
    let mut files = Vec::new();
    collect(&PathBuf::from(folder).join("intrinsic_functions"), &mut files);
    let executions: usize = files.iter().map(|file| check(file)).sum();
    eprintln!("{executions} executions agree");
    assert!(executions > 100, "only {executions} executions were checked");
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// Checks the executions of machines that have one state with `Parameters`; answers how many.
fn check(file: &Path) -> usize {
    let case = Value::parse(&std::fs::read_to_string(file).unwrap()).unwrap();
    let machines = case.get("machines").and_then(Value::as_array).unwrap();
    let mut checked = 0;
    for execution in case.get("executions").and_then(Value::as_array).unwrap() {
        let machine = usize::try_from(execution.get("machine").and_then(Value::as_i64).unwrap()).unwrap();
        let state = only_state(machines.get(machine).unwrap());
        let Some(parameters) = state.get("Parameters") else { continue };
        let input = execution.get("input").unwrap();
        let context = context(input);
        let variables = Value::empty_object();
        let inputs = Inputs { input, context: &context, variables: variables.as_object().unwrap(), draws: &Draws::new(1, 2) };
        let template = Template::compile(parameters).unwrap_or_else(|errors| panic!("{}: {errors:?}", file.display()));
        let payload = template.evaluate(&inputs).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let output = match state.get("OutputPath").and_then(Value::as_str).and_then(|path| path.rsplit_once('.')) {
            Some((_, member)) => payload.get(member).unwrap().clone(),
            None => payload,
        };
        compare(&output, recorded_output(execution), file);
        checked += 1;
    }
    checked
}

fn only_state(machine: &Value) -> &Value {
    machine.get("definition").and_then(|definition| definition.get("States")).unwrap().as_object().unwrap().values().next().unwrap()
}

/// The Context object with what recordings have in place of names.
fn context(input: &Value) -> Value {
    let mut context = Value::parse(
        r#"{"Execution": {"Name": "<ExecArnPart_0idx>"},
            "StateMachine": {"Id": "arn:<partition>:states:<region>:111111111111:stateMachine:<ArnPart_0idx>", "Name": "<ArnPart_0idx>"}}"#,
    )
    .unwrap();
    context.as_object_mut().unwrap().entry("Execution").as_object_mut().unwrap().insert("Input".into(), input.clone());
    context
}

fn recorded_output(execution: &Value) -> &Value {
    let events = execution.get("history").and_then(|history| history.get("events")).and_then(Value::as_array).unwrap();
    events.last().and_then(|event| event.get("executionSucceededEventDetails")).and_then(|details| details.get("output")).unwrap()
}

/// As text, because the order of members counts.
fn compare(output: &Value, recorded: &Value, file: &Path) {
    let (output_text, recorded_text) = (output.to_string(), recorded.to_string());
    if recorded_text.contains(RANDOM) {
        let is_number = output.as_object().unwrap().values().all(|value| value.as_i64().is_some());
        assert!(is_number, "{}: {output_text}", file.display());
    } else {
        assert_eq!(output_text, recorded_text, "{}", file.display());
    }
}
