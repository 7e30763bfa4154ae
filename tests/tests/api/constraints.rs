//! What the API model demands of requests.

use serde_json::{Value, json};
use statewright_engine::api::Operation;
use statewright_tests::stage::Stage;

use crate::{ROLE, arn, ask, pass, refused};

/// The violations that an operation finds in a request.
fn violations(operation: &str, request: Value) -> String {
    let error = refused(&Stage::default(), operation, request);
    let (count, rest) = error.strip_prefix("ValidationException: ").unwrap().split_once(" detected: ").unwrap();
    let found = rest.matches(" failed to satisfy constraint: Member must ").count();
    assert_eq!(count, if found == 1 { "1 validation error".to_owned() } else { format!("{found} validation errors") });
    rest.replace(" failed to satisfy constraint: Member must", ":")
}

#[test]
fn every_member_that_is_required_is_missed() {
    for (operation, required) in [
        ("CreateActivity", &["name"] as &[&str]),
        ("CreateStateMachine", &["name", "definition", "roleArn"]),
        ("DeleteActivity", &["activityArn"]),
        ("DeleteStateMachine", &["stateMachineArn"]),
        ("DescribeActivity", &["activityArn"]),
        ("DescribeExecution", &["executionArn"]),
        ("DescribeStateMachine", &["stateMachineArn"]),
        ("DescribeStateMachineForExecution", &["executionArn"]),
        ("GetActivityTask", &["activityArn"]),
        ("GetExecutionHistory", &["executionArn"]),
        ("SendTaskFailure", &["taskToken"]),
        ("SendTaskHeartbeat", &["taskToken"]),
        ("SendTaskSuccess", &["taskToken", "output"]),
        ("StartExecution", &["stateMachineArn"]),
        ("StartSyncExecution", &["stateMachineArn"]),
        ("StopExecution", &["executionArn"]),
        ("UpdateStateMachine", &["stateMachineArn"]),
        ("ValidateStateMachineDefinition", &["definition"]),
    ] {
        let expected: Vec<String> = required.iter().map(|name| format!("Value null at '{name}': not be null")).collect();
        assert_eq!(violations(operation, json!({})), expected.join("; "), "{operation}");
        let nulls: Value = required.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
        assert_eq!(violations(operation, nulls), expected.join("; "), "{operation}");
    }
}

#[test]
fn lengths_are_limited() {
    let long = |length: usize| "x".repeat(length);
    let too_long = |name: &str, max: usize| {
        let value = long(max + 1);
        format!("Value '{value}' at '{name}': have length less than or equal to {max}")
    };
    assert_eq!(violations("DescribeStateMachine", json!({"stateMachineArn": long(257)})), too_long("stateMachineArn", 256));
    assert_eq!(violations("ListExecutions", json!({"mapRunArn": long(2001)})), too_long("mapRunArn", 2000));
    assert_eq!(violations("ListExecutions", json!({"nextToken": long(3097)})), too_long("nextToken", 3096));
    assert_eq!(violations("ListActivities", json!({"nextToken": long(1025)})), too_long("nextToken", 1024));
    assert_eq!(violations("CreateActivity", json!({"name": ""})), "Value '' at 'name': have length greater than or equal to 1");
    let start = |members: Value| crate::with(json!({"stateMachineArn": "m"}), members);
    assert_eq!(violations("StartExecution", start(json!({"traceHeader": long(257)}))), too_long("traceHeader", 256));
    assert_eq!(
        violations("StartExecution", start(json!({"traceHeader": "é"}))),
        r"Value 'é' at 'traceHeader': satisfy regular expression pattern: \p{ASCII}*"
    );
}

#[test]
fn secrets_are_not_repeated_in_errors() {
    let long = |length: usize| "x".repeat(length);
    let too_long = |name: &str, max: usize| format!("Value at '{name}': have length less than or equal to {max}");
    let stop = |members: Value| crate::with(json!({"executionArn": "e"}), members);
    assert_eq!(violations("StopExecution", stop(json!({"error": long(257)}))), too_long("error", 256));
    assert_eq!(violations("StopExecution", stop(json!({"cause": long(32_769)}))), too_long("cause", 32_768));
    assert_eq!(violations("SendTaskHeartbeat", json!({"taskToken": long(2049)})), too_long("taskToken", 2048));
    let definition = violations("ValidateStateMachineDefinition", json!({"definition": long(1_048_577)}));
    assert_eq!(definition, too_long("definition", 1_048_576));
    let description = json!({"name": "m", "definition": "{}", "roleArn": ROLE, "versionDescription": long(257)});
    assert_eq!(violations("CreateStateMachine", description), too_long("versionDescription", 256));
}

#[test]
fn inputs_and_outputs_have_at_most_256_kib_of_utf8() {
    let stage = Stage::default();
    let machine_arn = crate::created(&stage, "m", &pass(), json!({}));
    let start = |input: String| json!({"stateMachineArn": machine_arn, "input": input});
    // Two quotation marks, and characters of two bytes.
    let largest = format!("\"{}\"", "é".repeat(131_071));
    assert_eq!(largest.len(), 262_144);
    ask(&stage, "StartExecution", start(largest.clone()));
    let larger = start(format!("{largest} "));
    let expected = "Value at 'input': have length less than or equal to 262144";
    assert_eq!(violations("StartExecution", larger.clone()), expected);
    assert_eq!(violations("StartSyncExecution", larger), expected);
    let output = json!({"taskToken": "t", "output": format!("{largest} ")});
    assert_eq!(violations("SendTaskSuccess", output), "Value at 'output': have length less than or equal to 262144");
}

#[test]
fn numbers_are_limited() {
    let page = |most: i64| json!({"maxResults": most});
    assert_eq!(violations("ListStateMachines", page(1001)), "Value '1001' at 'maxResults': have value less than or equal to 1000");
    assert_eq!(violations("ListStateMachines", page(-1)), "Value '-1' at 'maxResults': have value greater than or equal to 0");
    let validate = json!({"definition": "{}", "maxResults": 101});
    assert_eq!(
        violations("ValidateStateMachineDefinition", validate),
        "Value '101' at 'maxResults': have value less than or equal to 100"
    );
    let key = json!({"name": "a", "encryptionConfiguration": {"type": "AWS_OWNED_KEY", "kmsDataKeyReusePeriodSeconds": 59}});
    assert_eq!(
        violations("CreateActivity", key),
        "Value '59' at 'encryptionConfiguration.kmsDataKeyReusePeriodSeconds': have value greater than or equal to 60"
    );
}

#[test]
fn enums_are_spelled_exactly() {
    let create = |members: Value| crate::with(json!({"name": "m", "definition": "{}", "roleArn": ROLE}), members);
    assert_eq!(
        violations("CreateStateMachine", create(json!({"type": "standard"}))),
        "Value 'standard' at 'type': satisfy enum value set: [STANDARD, EXPRESS]"
    );
    assert_eq!(
        violations("CreateStateMachine", create(json!({"loggingConfiguration": {"level": "DEBUG"}}))),
        "Value 'DEBUG' at 'loggingConfiguration.level': satisfy enum value set: [ALL, ERROR, FATAL, OFF]"
    );
    assert_eq!(
        violations("ListExecutions", json!({"statusFilter": "running"})),
        "Value 'running' at 'statusFilter': satisfy enum value set: [SUCCEEDED, TIMED_OUT, PENDING_REDRIVE, ABORTED, FAILED, RUNNING]"
    );
    assert_eq!(
        violations("DescribeExecution", json!({"executionArn": "e", "includedData": "NONE"})),
        "Value 'NONE' at 'includedData': satisfy enum value set: [ALL_DATA, METADATA_ONLY]"
    );
    assert_eq!(
        violations("ValidateStateMachineDefinition", json!({"definition": "{}", "severity": "INFO"})),
        "Value 'INFO' at 'severity': satisfy enum value set: [ERROR, WARNING]"
    );
}

#[test]
fn places_in_lists_and_structures_are_named_and_counted_from_one() {
    let request = json!({"name": "", "tags": [{"key": "k"}, {"key": ""}, {"value": "v".repeat(257)}],
        "encryptionConfiguration": {"kmsKeyId": ""}});
    let found = violations("CreateActivity", request);
    let places: Vec<&str> = found.split(" at '").skip(1).map(|rest| rest.split('\'').next().unwrap()).collect();
    assert_eq!(
        places,
        ["name", "tags.2.member.key", "tags.3.member.value", "encryptionConfiguration.kmsKeyId", "encryptionConfiguration.type"]
    );
}

#[test]
fn a_member_of_another_type_cannot_be_read() {
    let stage = Stage::default();
    for (operation, request) in [
        ("DescribeStateMachine", json!({"stateMachineArn": 1})),
        ("ListStateMachines", json!({"maxResults": "10"})),
        ("ListStateMachines", json!({"maxResults": 1.5})),
        ("GetExecutionHistory", json!({"executionArn": "e", "reverseOrder": "true"})),
        ("CreateActivity", json!({"name": "a", "tags": {"key": "k"}})),
        ("CreateActivity", json!({"name": "a", "tags": ["k"]})),
        ("CreateStateMachine", json!({"name": "m", "definition": {}, "roleArn": ROLE})),
        ("ListActivities", json!([])),
        ("ListActivities", json!(null)),
    ] {
        assert!(refused(&stage, operation, request.clone()).starts_with("SerializationException: "), "{request}");
    }
}

#[test]
fn what_the_operation_does_not_know_is_ignored() {
    let stage = Stage::default();
    let request = json!({"activityArn": arn("activity", "a"), "shape": {"unheard": "of"}});
    assert_eq!(ask(&stage, "DeleteActivity", request), json!({}));
}

#[test]
fn operations_that_are_not_built_say_so() {
    let stage = Stage::default();
    let mut not_built = Vec::new();
    for operation in Operation::ALL {
        match stage.call(*operation, &json!({})) {
            Err(error) if error.code == "UnknownOperationException" => {
                assert_eq!(error.message, format!("{} is not built yet", operation.name()));
                not_built.push(operation.name());
            }
            Ok(_) | Err(_) => {}
        }
    }
    assert_eq!((Operation::ALL.len(), not_built.len()), (37, 16), "{not_built:?}");
}
