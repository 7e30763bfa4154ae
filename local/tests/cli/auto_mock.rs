//! `--auto-mock`

use serde_json::json;

use crate::folder::Folder;

fn succeeds(definition: &str) -> serde_json::Value {
    Folder::with(definition).execute(&["--auto-mock"]).code(0).json()
}

#[test]
fn answers_have_what_is_looked_for() {
    let definition = r#"{"StartAt": "Get", "States": {
        "Get": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "ResultSelector": {"order.$": "$.Payload.body"},
            "Parameters": {"FunctionName": "f", "Payload": {"id.$": "$.detail.id"}}, "ResultPath": "$.got", "Next": "Each"},
        "Each": {"Type": "Map", "ItemsPath": "$.got.order.lines", "ItemSelector": {"price.$": "$$.Map.Item.Value.price"},
            "ResultPath": "$.prices", "Next": "Wait", "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "Add",
            "States": {"Add": {"Type": "Pass", "Parameters": {"sum.$": "States.MathAdd($.price, 1)"}, "End": true}}}},
        "Wait": {"Type": "Wait", "TimestampPath": "$.got.order.due", "Next": "Split"},
        "Split": {"Type": "Pass", "End": true, "Parameters": {
            "key.$": "States.ArrayGetItem(States.StringSplit($.got.order.uri, '/'), 3)",
            "nested.$": "States.StringToJson($.got.order.text)", "first.$": "$.prices[0].sum", "who.$": "$$.Execution.Input.who"}}}}"#;
    let folder = Folder::with(definition);
    let ran = folder.execute(&["--auto-mock"]).code(0).says(&["made up the input", "made up {\"ExecutedVersion\""]);
    assert_eq!(ran.json(), json!({"key": "part4", "nested": "example", "first": 2, "who": "example"}));
}

#[test]
fn an_input_that_is_read_in_jsonata_is_not_made_up_and_that_is_said() {
    let machine = |states: &str| format!(r#"{{"QueryLanguage": "JSONata", "StartAt": "A", "States": {{{states}}}}}"#);
    let note = "note: --auto-mock: nothing is made up for expressions in JSONata, and `R` reads the input, which is {}; give it with `--input`";
    let pass = r#""A": {"Type": "Pass", "Next": "R"},"#;
    let read = r#""R": {"Type": "Pass", "Output": "{% $exists($states.input.a) %}", "End": true}"#;
    let context = r#""R": {"Type": "Pass", "Output": "{% [$states.context.Execution.Input.a] %}", "End": true}"#;
    let choice = r#""A": {"Type": "Choice", "Choices": [{"Condition": "{% false %}", "Next": "R"}], "Default": "B"}, "B": {"Type": "Succeed"},"#;
    let branches = |branch: &str| {
        format!(r#""A": {{"Type": "Parallel", "Branches": [{{"StartAt": "R", "States": {{{branch}}}}}], "End": true}}"#)
    };
    let other = r#""A": {"Type": "Pass", "Output": {"b": 1}, "Next": "R"},"#;
    let mixed = r#""A": {"QueryLanguage": "JSONPath", "Type": "Pass", "InputPath": "$.list", "ResultPath": "$.b", "Next": "R"},"#;
    for states in [format!("{pass}{read}"), format!("{choice}{read}"), branches(read), format!("{other}{context}")] {
        let folder = Folder::with(&machine(&states));
        folder.execute(&["--auto-mock"]).code(0).says(&[note]);
        for quiet in [&["--auto-mock", "--input", "{}"][..], &["--auto-mock", "--quiet"], &[]] {
            let ran = folder.execute(quiet).code(0);
            assert!(!ran.stderr.contains("auto-mock"), "{}", ran.stderr);
        }
    }
    let ran = Folder::with(&machine(&format!("{other}{read}"))).execute(&["--auto-mock"]).code(0);
    assert!(!ran.stderr.contains("auto-mock"), "nothing reads the input: {}", ran.stderr);
    let both = machine(&format!("{mixed}{read}")).replace(r#""QueryLanguage": "JSONata", "StartAt""#, r#""StartAt""#);
    let both = both.replace(r#""R": {"#, r#""R": {"QueryLanguage": "JSONata", "#).replace(r#""QueryLanguage": "JSONPath", "#, "");
    let said = ["made up the input {\"list\":", "`R` reads the input, which is {\"list\":"];
    Folder::with(&both).execute(&["--auto-mock"]).code(0).says(&said);
}

#[test]
fn choices_find_a_way_that_ends_well() {
    let poll = r#"{"StartAt": "Start", "States": {
        "Start": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:glue:startJobRun", "Parameters": {"JobName": "j"}, "ResultPath": "$.run", "Next": "Pause"},
        "Pause": {"Type": "Wait", "Seconds": 60, "Next": "Look"},
        "Look": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:glue:getJobRun", "Parameters": {"JobName": "j", "RunId.$": "$.run.JobRunId"},
            "ResultPath": "$.seen", "Next": "Is it done?"},
        "Is it done?": {"Type": "Choice", "Default": "Pause", "Choices": [
            {"Or": [{"Variable": "$.seen.JobRun.JobRunState", "StringEquals": "FAILED"}, {"Variable": "$.seen.JobRun.JobRunState", "StringMatches": "STOP*"}], "Next": "Bad"},
            {"And": [{"Variable": "$.seen.JobRun.JobRunState", "StringEquals": "SUCCEEDED"}, {"Not": {"Variable": "$.seen.JobRun.Errors", "NumericGreaterThan": 0}}], "Next": "Good"}]},
        "Bad": {"Type": "Fail"}, "Good": {"Type": "Succeed"}}}"#;
    let output = succeeds(poll);
    assert_eq!(output.pointer("/seen/JobRun/JobRunState"), Some(&json!("SUCCEEDED")));
    let pages = r#"{"StartAt": "List", "States": {
        "List": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:listObjectsV2", "Parameters": {"Bucket": "b"}, "ResultPath": "$.page", "Next": "More?"},
        "More?": {"Type": "Choice", "Default": "Done", "Choices": [{"Variable": "$.page.NextToken", "IsPresent": true, "Next": "Next page"}]},
        "Next page": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:listObjectsV2", "Parameters": {"T.$": "$.page.NextToken"}, "ResultPath": "$.page", "Next": "More?"},
        "Done": {"Type": "Succeed"}}}"#;
    assert_eq!(succeeds(pages), json!({"page": {}}));
}

#[test]
fn the_answers_have_the_services_shapes() {
    let shape = |resource: &str| {
        let definition = format!(
            r#"{{"StartAt": "T", "States": {{"T": {{"Type": "Task", "Resource": "arn:aws:states:::{resource}", "Parameters": {{"A": "b"}}, "End": true}}}}}}"#
        );
        succeeds(&definition).as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shape("sqs:sendMessage"), "MD5OfMessageBody MessageId SdkHttpMetadata SdkResponseMetadata");
    assert_eq!(shape("dynamodb:putItem"), "SdkHttpMetadata SdkResponseMetadata");
    assert_eq!(shape("events:putEvents"), "Entries FailedEntryCount");
    assert_eq!(shape("aws-sdk:s3:getObject"), "");
    assert_eq!(shape("batch:submitJob.sync"), "JobId JobName Status");
}

#[test]
fn a_loop_that_wants_another_answer_gets_one_by_and_by() {
    // Only what is asked again after the first choice ends the loop: the same path must change.
    let definition = r#"{"StartAt": "Ask", "States": {
        "Ask": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:F", "ResultPath": "$.a", "Next": "First"},
        "First": {"Type": "Choice", "Default": "Ask", "Choices": [{"Variable": "$.a.state", "StringEquals": "X", "Next": "Second"}]},
        "Second": {"Type": "Choice", "Default": "Ask", "Choices": [{"Variable": "$.a.more", "BooleanEquals": true, "Next": "Done"}]},
        "Done": {"Type": "Succeed"}}}"#;
    assert_eq!(succeeds(definition).get("a"), Some(&json!({"more": true, "state": "X"})));
}

#[test]
fn an_input_that_is_given_is_left_alone() {
    let definition = r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "InputPath": "$.x", "End": true}}}"#;
    Folder::with(definition).execute(&["--auto-mock", "--input", "{}"]).code(1).says(&["States.Runtime"]);
    assert_eq!(succeeds(definition), json!("example"));
}

#[test]
fn what_is_read_anyway_is_there_and_times_lie_around_now() {
    let definition = r#"{"StartAt": "T", "States": {
        "T": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "f"},
            "ResultSelector": {"id.$": "$.Payload.id", "parts.$": "$.Payload.parts"}, "Next": "Open?"},
        "Open?": {"Type": "Choice", "Default": "Closed", "Choices": [{"And": [
            {"Variable": "$$.State.EnteredTime", "TimestampLessThanPath": "$.parts[0].until"},
            {"Variable": "$.parts[0]", "IsPresent": true}, {"Variable": "$.id", "IsPresent": false}], "Next": "New"},
            {"Variable": "$$.State.EnteredTime", "TimestampLessThanPath": "$.parts[0].until", "Next": "Old"}]},
        "Closed": {"Type": "Fail"}, "New": {"Type": "Succeed"},
        "Old": {"Type": "Map", "ItemsPath": "$.parts", "ItemSelector": {"k.$": "$$.Map.Item.Value.key"}, "End": true,
            "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}}}}"#;
    assert_eq!(succeeds(definition), json!([{"k": "example"}, {"k": "example"}]));
}
