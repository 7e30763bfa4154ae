//! Names and ARNs.

use serde_json::json;
use statewright_tests::stage::Stage;

use crate::{arn, ask, created, machine, members, pass, refused, started};

#[test]
fn names_are_free_of_what_arns_and_shells_would_trip_over() {
    let stage = Stage::default();
    for character in r##" <>{}[]?*"#%\^|~`$&,;:/"##.chars().chain([
        '\0',
        '\u{1f}',
        '\u{7f}',
        '\u{9f}',
        '\u{85}',
        '\u{2003}',
        '\u{fffe}',
        '\u{ffff}',
        '\u{10ffff}',
    ]) {
        let name = format!("a{character}b");
        let expected = format!("InvalidName: Invalid Name: '{name}'");
        assert_eq!(refused(&stage, "CreateActivity", json!({"name": name})), expected);
        assert_eq!(refused(&stage, "CreateStateMachine", machine(&name, &pass(), json!({}))), expected);
    }
    let machine_arn = created(&stage, "plain", &pass(), json!({}));
    let start = json!({"stateMachineArn": machine_arn, "name": "a b"});
    assert_eq!(refused(&stage, "StartExecution", start), "InvalidName: Invalid Name: 'a b'");
    for name in ["a.b-c_d", "Überprüfung", "日本", "it's(1)+2=3!@", &"n".repeat(80)] {
        let activity = ask(&stage, "CreateActivity", json!({"name": name}));
        assert_eq!(activity["activityArn"], arn("activity", name));
        assert_eq!(created(&stage, name, &pass(), json!({})), arn("stateMachine", name));
        assert_eq!(started(&stage, &machine_arn, json!({"name": name})), arn("execution", &format!("plain:{name}")));
    }
}

#[test]
fn a_name_has_at_most_80_characters() {
    let stage = Stage::default();
    let long = "n".repeat(81);
    let expected = format!(
        "ValidationException: 1 validation error detected: Value '{long}' at 'name' failed to satisfy constraint: Member must have length less than or equal to 80"
    );
    assert_eq!(refused(&stage, "CreateActivity", json!({"name": long})), expected);
    assert_eq!(refused(&stage, "CreateStateMachine", machine(&long, &pass(), json!({}))), expected);
    let start = json!({"stateMachineArn": arn("stateMachine", "m"), "name": long});
    assert_eq!(refused(&stage, "StartExecution", start), expected);
    // Java counts a character beyond the basic plane as two.
    assert!(refused(&stage, "CreateActivity", json!({"name": "😀".repeat(41)})).contains("less than or equal to 80"));
    ask(&stage, "CreateActivity", json!({"name": "😀".repeat(40)}));
}

#[test]
fn what_is_no_arn_is_told_so() {
    let stage = Stage::default();
    for no_arn in
        ["m", "arn", "arn:aws:states:us-east-1:111111111111:stateMachine", "arn:aws:lambda:us-east-1:111111111111:function:f"]
    {
        let expected = format!("InvalidArn: Invalid Arn: 'Invalid ARN prefix: {no_arn}'");
        for (operation, member) in [
            ("DescribeStateMachine", "stateMachineArn"),
            ("DeleteStateMachine", "stateMachineArn"),
            ("StartExecution", "stateMachineArn"),
            ("ListExecutions", "stateMachineArn"),
            ("DescribeExecution", "executionArn"),
            ("StopExecution", "executionArn"),
            ("GetExecutionHistory", "executionArn"),
            ("DescribeStateMachineForExecution", "executionArn"),
            ("DescribeActivity", "activityArn"),
            ("DeleteActivity", "activityArn"),
            ("GetActivityTask", "activityArn"),
        ] {
            assert_eq!(refused(&stage, operation, json!({member: no_arn})), expected, "{operation}");
        }
    }
}

#[test]
fn an_arn_of_another_kind_is_told_so() {
    let stage = Stage::default();
    let expected = |kind: &str| format!("InvalidArn: Invalid Arn: 'Resource type not valid in this context: {kind}'");
    let express = arn("express", "m:e:once");
    for operation in ["DescribeExecution", "StopExecution", "GetExecutionHistory", "DescribeStateMachineForExecution"] {
        assert_eq!(refused(&stage, operation, json!({"executionArn": express})), expected("express"));
    }
    assert_eq!(refused(&stage, "DescribeStateMachine", json!({"stateMachineArn": arn("activity", "a")})), expected("activity"));
    assert_eq!(refused(&stage, "DescribeActivity", json!({"activityArn": arn("stateMachine", "m")})), expected("stateMachine"));
}

#[test]
fn what_is_of_another_account_or_region_does_not_exist() {
    let stage = Stage::default();
    created(&stage, "m", &pass(), json!({}));
    ask(&stage, "CreateActivity", json!({"name": "a"}));
    for there in [
        "arn:aws:states:us-east-1:222222222222",
        "arn:aws:states:eu-west-1:111111111111",
        "arn:aws-cn:states:us-east-1:111111111111",
    ] {
        let (machine, activity) = (format!("{there}:stateMachine:m"), format!("{there}:activity:a"));
        let missing = format!("StateMachineDoesNotExist: State Machine Does Not Exist: '{machine}'");
        assert_eq!(refused(&stage, "DescribeStateMachine", json!({"stateMachineArn": machine})), missing);
        let missing = format!("ActivityDoesNotExist: Activity Does Not Exist: '{activity}'");
        assert_eq!(refused(&stage, "DescribeActivity", json!({"activityArn": activity})), missing);
        let execution = format!("{there}:execution:m:e");
        let missing = format!("ExecutionDoesNotExist: Execution Does Not Exist: '{execution}'");
        assert_eq!(refused(&stage, "DescribeExecution", json!({"executionArn": execution})), missing);
        // Deleting it does not touch ours.
        ask(&stage, "DeleteActivity", json!({"activityArn": activity}));
    }
    assert_eq!(members(&ask(&stage, "DescribeActivity", json!({"activityArn": arn("activity", "a")}))).len(), 4);
}

#[test]
fn a_label_is_refused_where_it_means_nothing() {
    let stage = Stage::default();
    created(&stage, "m", &pass(), json!({}));
    for operation in ["DescribeStateMachine", "StartExecution", "DeleteStateMachine"] {
        let error = stage.call(
            statewright_engine::api::Operation::from_name(operation).unwrap(),
            &json!({"stateMachineArn": arn("stateMachine", "m/label")}),
        );
        let error = error.unwrap_err().to_json().to_string();
        assert!(error.contains(r#""__type":"ValidationException""#), "{error}");
        assert!(error.contains(r#""reason":"API_DOES_NOT_SUPPORT_LABELED_ARNS""#), "{error}");
    }
}

#[test]
fn a_role_is_an_arn_of_a_role() {
    let stage = Stage::default();
    for no_role in
        ["role", "arn:aws:iam::111111111111:user/u", "arn:aws:iam::111111111111:role/", "arn:aws:sts::111111111111:role/r"]
    {
        let expected = format!("InvalidArn: Invalid Role Arn: '{no_role}'");
        let request = machine("m", &pass(), json!({"roleArn": no_role}));
        assert_eq!(refused(&stage, "CreateStateMachine", request), expected);
    }
    let path = machine("m", &pass(), json!({"roleArn": "arn:aws-cn:iam::111111111111:role/service-role/r"}));
    ask(&stage, "CreateStateMachine", path);
}
