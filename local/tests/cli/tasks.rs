//! Who answers tasks.

use serde_json::json;

use crate::folder::Folder;
use crate::run::{MOCKS, ORDER};

fn task(resource: &str, more: &str) -> Folder {
    Folder::with(&format!(
        r#"{{"StartAt": "T", "States": {{"T": {{"Type": "Task", "Resource": "{resource}", {more} "End": true}}}}}}"#
    ))
}

const INVOKE: &str = "arn:aws:states:::lambda:invoke";
const DIRECT: &str = "arn:aws:lambda:us-east-1:123456789012:function:Charge:live";
const PARAMETERS: &str = r#""Parameters": {"FunctionName": "Charge", "Payload": {"n": 1}},"#;

#[test]
fn nothing_given_is_a_clear_error() {
    let ran = task(INVOKE, PARAMETERS).execute(&["--history", "h.json"]).code(2);
    ran.says(&["nothing answers state `T`", INVOKE, "--mock", "--task 'T=COMMAND'", "--auto-mock"]);
    let folder = task("arn:aws:states:::states:startExecution", r#""Parameters": {"StateMachineArn": "ship"},"#);
    folder.execute(&["--history", "h.json"]).code(2).says(&["--machine 'ship=FILE'"]);
    assert_eq!(folder.names(), ["m.asl.json"]);
}

#[test]
fn a_program_is_found_by_any_name() {
    for pattern in ["T", "Charge", INVOKE, "lambda:invoke", "Ch*ge", "*"] {
        let ran = task(INVOKE, PARAMETERS).execute(&["--task", &format!("{pattern}=cat")]).code(0).json();
        assert_eq!(ran.pointer("/Payload/n"), Some(&json!(1)), "{pattern}");
        assert_eq!(ran.pointer("/StatusCode"), Some(&json!(200)));
        assert!(ran.pointer("/SdkResponseMetadata/RequestId").is_some());
    }
    for pattern in [DIRECT, "Charge", "Charge:live", "arn:aws:lambda:us-east-1:123456789012:function:Charge"] {
        let ran = task(DIRECT, "").execute(&["--task", &format!("{pattern}=cat"), "--input", "[3]"]).code(0);
        assert_eq!(ran.stdout, "[3]\n", "{pattern}");
    }
    let ran = task(INVOKE, PARAMETERS).execute(&["--task", "Charg=cat"]).code(2);
    ran.says(&["nothing answers state `T`"]);
    let ran = task(INVOKE, PARAMETERS).execute(&["--task", "Charg=cat", "--task", "T=cat"]).code(0);
    ran.says(&["`--task Charg=cat` was not used"]);
}

#[test]
fn a_program_gets_all_parameters_of_other_services() {
    let folder = task("arn:aws:states:::sqs:sendMessage", r#""Parameters": {"QueueUrl": "q", "MessageBody.$": "$.b"},"#);
    let ran = folder.execute(&["--task", "*=cat", "--input", r#"{"b": "x"}"#]).code(0);
    assert_eq!(ran.json(), json!({"QueueUrl": "q", "MessageBody": "x"}));
}

#[test]
fn a_callbacks_program_has_the_token() {
    let parameters = r#""Parameters": {"QueueUrl": "q", "MessageBody.$": "$$.Task.Token"},"#;
    let folder = task("arn:aws:states:::sqs:sendMessage.waitForTaskToken", parameters);
    let ran = folder.execute(&["--task", r#"T=printf '"%s"' "$TASK_TOKEN""#, "--history", "h.json"]).code(0);
    assert!(ran.stdout.len() > 20, "{}", ran.stdout);
    let history = std::fs::read_to_string(folder.path().join("h.json")).unwrap();
    assert!(history.contains("TaskSubmitted") && history.contains("MessageId"));
}

#[test]
fn a_failure_has_its_name_or_the_end_of_stderr() {
    let named = r#"T=echo log; echo '{"errorType": "Declined", "errorMessage": "no money"}'; exit 1"#;
    let error = |folder: Folder, command: &str| {
        let ran = folder.execute(&["--task", command, "--format", "json"]).code(1).json();
        let text = |name: &str| ran.get(name).unwrap().as_str().unwrap().to_owned();
        (text("error"), text("cause"))
    };
    let sqs = || task("arn:aws:states:::sqs:sendMessage", r#""Parameters": {"QueueUrl": "q", "MessageBody": ""},"#);
    assert_eq!(error(sqs(), named), ("Declined".to_owned(), "no money".to_owned()));
    let (name, cause) = error(task(DIRECT, ""), named);
    assert_eq!((name.as_str(), cause.as_str()), ("Declined", r#"{"errorType": "Declined", "errorMessage": "no money"}"#));
    let (name, cause) = error(task(DIRECT, ""), "T=echo broken >&2; exit 3");
    assert_eq!(name, "Lambda.Unknown");
    assert!(cause.contains("state `T`") && cause.contains("exit code 3") && cause.contains("broken"), "{cause}");
    assert_eq!(error(sqs(), "T=exit 3").0, "States.TaskFailed");
    let (_, cause) = error(sqs(), "T=kill -9 $$");
    assert!(cause.contains("died by signal 9 (SIGKILL)"), "{cause}");
    let (_, cause) = error(sqs(), "T=echo hello world");
    assert!(cause.contains("not JSON") && cause.contains("hello world") && cause.contains("state `T`"), "{cause}");
    let (_, cause) = error(sqs(), "T=no-such-program-anywhere");
    assert!(cause.contains("no-such-program-anywhere"), "{cause}");
}

#[test]
fn a_program_that_hangs_is_ended() {
    let caught = r#""TimeoutSeconds": 1, "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Late"}], "Next": "Late"}, "Late": {"Type": "Pass","#;
    let folder = task(DIRECT, caught);
    let started = std::time::Instant::now();
    // What the program started must end, too.
    folder.execute(&["--task", "T=sleep 30 & sleep 30"]).code(0).says(&["caught States.Timeout → Late", "1 s of virtual time"]);
    task(DIRECT, "").execute(&["--task", "T=sleep 30", "--task-timeout", "1"]).code(1).says(&["Lambda.Unknown", "after 1 s"]);
    assert!(started.elapsed().as_secs() < 10);
}

#[test]
fn programs_run_at_the_same_time() {
    let definition = r#"{"StartAt": "M", "States": {"M": {"Type": "Map", "End": true, "ItemProcessor": {
        "ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "T", "States": {"T": {"Type": "Task", "End": true,
        "Resource": "arn:aws:lambda:us-east-1:123456789012:function:F"}}}}}}"#;
    let started = std::time::Instant::now();
    let ran = Folder::with(definition).execute(&["--task", "F=sleep 0.5; cat", "--input", "[0,1,2,3,4,5,6,7]"]).code(0);
    assert_eq!(ran.stdout, "[0,1,2,3,4,5,6,7]\n");
    assert!(started.elapsed().as_millis() < 3000);
}

#[test]
fn a_program_may_ignore_its_input_and_print_a_lot() {
    let input = format!("\"{}\"", "x".repeat(200_000));
    let folder = task(DIRECT, "").file("in.json", input);
    let ran = folder.execute(&["--task", "T=echo 1", "--input", "@in.json"]).code(0);
    assert_eq!(ran.stdout, "1\n");
    folder.execute(&["--task", "T=head -c 200000 /dev/zero >&2; cat", "--input", "@in.json", "--quiet"]).code(0);
}

#[test]
fn mocks_come_before_programs() {
    let folder = Folder::with(ORDER).file("mocks.json", MOCKS);
    let arguments = ["--mock", "mocks.json", "--case", "Happy", "--task", "*=exit 1", "--input", r#"{"items": []}"#];
    folder.execute(&arguments).code(0).says(&["`--task *=exit 1` was not used"]);
}

#[test]
fn no_answer_lets_time_outs_and_heartbeats_happen() {
    let mocks = r#"{"StateMachines": {"m": {"TestCases": {"c": {"T": "None"}}}},
        "MockedResponses": {"None": {"0": {"NoAnswer": {}}, "1": {"Return": 7}}}}"#;
    let resource = "arn:aws:states:::sqs:sendMessage.waitForTaskToken";
    let parameters = r#""Parameters": {"QueueUrl": "q", "MessageBody.$": "$$.Task.Token"}, "TimeoutSeconds": 600,"#;
    let retry = r#""HeartbeatSeconds": 60, "Retry": [{"ErrorEquals": ["States.HeartbeatTimeout"], "IntervalSeconds": 5}],"#;
    let folder = task(resource, &format!("{parameters}{retry}")).file("mocks.json", mocks);
    let ran = folder.execute(&["--mock", "mocks.json"]).code(0).says(&["retry 1 after 5 s", "1 min 5 s of virtual time"]);
    assert_eq!(ran.stdout, "7\n");
}

#[test]
fn wrong_mock_files_are_explained() {
    let table = [
        (
            r#"{"StateMachines": {"m": {"TestCases": {"c": {"T": "R"}}}}, "MockedResponses": {"R": {"1-2": {"Return": 1}}}}"#,
            &["attempt 0 of state `T`", "case `c`", "`mocks.json`", "`1-2`"][..],
        ),
        (
            r#"{"StateMachines": {"x": {"TestCases": {}}, "y": {"TestCases": {}}}, "MockedResponses": {}}"#,
            &["no state machine `m`", "`x`, `y`"],
        ),
        (
            r#"{"StateMachines": {"m": {"TestCases": {"cc": {}, "d": {}}}}, "MockedResponses": {}}"#,
            &["no case `c`", "`cc`, `d`", "did you mean `--case cc`?"],
        ),
        (
            r#"{"StateMachines": {"m": {"TestCases": {"c": {"T": "S"}}}}, "MockedResponses": {"R": {}}}"#,
            &["/StateMachines/m/TestCases/c/T", "`S`"],
        ),
        (
            r#"{"StateMachines": {}, "MockedResponses": {"R": {"0": {"Return": 1, "Throw": {}}}}}"#,
            &["/MockedResponses/R/0", "exactly one of"],
        ),
        (
            r#"{"StateMachines": {}, "MockedResponses": {"R": {"0-2": {"Return": 1}, "2": {"Return": 1}}}}"#,
            &["/MockedResponses/R", "twice", "`0-2` and `2`"],
        ),
        (r#"{"StateMachines": {}, "MockedResponses": {"R": {"first": {"Return": 1}}}}"#, &["the index `first`"]),
        (r#"{"StateMachines": {}, "MockedResponses": {"R": {"0": {"Throw": {"Error": 1}}}}}"#, &["Throw/Error", "a string"]),
        (r#"{"StateMachines": {}}"#, &["/MockedResponses", "missing"]),
        ("[]", &["`mocks.json`", "must be an object"]),
        ("{", &["`mocks.json`", "line 1"]),
        (r#"{"StateMachines": {}, "StateMachines": {}}"#, &["the member `StateMachines` twice"]),
    ];
    for (mocks, texts) in table {
        let folder = task(DIRECT, "").file("mocks.json", mocks);
        let ran = folder.execute(&["--mock", "mocks.json", "--case", "c", "--history", "h.json"]).code(2).says(texts);
        assert_eq!(ran.stdout, "");
        assert_eq!(folder.names(), ["m.asl.json", "mocks.json"]);
    }
}

#[test]
fn a_case_for_another_state_is_told() {
    let mocks =
        r#"{"StateMachines": {"m": {"TestCases": {"c": {"T": "R", "Tt": "R"}}}}, "MockedResponses": {"R": {"0": {"Return": 1}}}}"#;
    task(DIRECT, "").file("mocks.json", mocks).execute(&["--mock", "mocks.json"]).code(0).says(&["note:", "`Tt`"]);
}

#[test]
fn a_program_that_prints_without_end_is_told() {
    let ran = task(DIRECT, "").execute(&["--task", "T=head -c 20000000 /dev/zero | tr '\\0' 1"]).code(1);
    ran.says(&["it printed more than 16 MiB"]);
}
