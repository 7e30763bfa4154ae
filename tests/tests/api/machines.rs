//! State machines.

use serde_json::{Value, json};
use statewright_engine::table::Key;
use statewright_tests::stage::Stage;

use crate::{ROLE, arn, ask, created, machine, members, one, pass, refused, started, wait, with};

fn describe(stage: &Stage, machine_arn: &str) -> Value {
    ask(stage, "DescribeStateMachine", json!({"stateMachineArn": machine_arn}))
}

fn listed(stage: &Stage) -> Vec<String> {
    let machines = ask(stage, "ListStateMachines", json!({}))["stateMachines"].as_array().unwrap().clone();
    machines.iter().map(|machine| machine["name"].as_str().unwrap().to_owned()).collect()
}

const GROUP: &str = "arn:aws:logs:us-east-1:111111111111:log-group:g:*";

fn logged(level: &str) -> Value {
    json!({"loggingConfiguration": {"level": level, "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": GROUP}}]}})
}

#[test]
fn a_machine_is_described_as_it_was_created() {
    let stage = Stage::default();
    let text = format!(" {} ", pass());
    let answer = ask(&stage, "CreateStateMachine", machine("m", &text, json!({})));
    assert_eq!(members(&answer), ["creationDate", "stateMachineArn"]);
    let machine_arn = arn("stateMachine", "m");
    let expected = json!({
        "stateMachineArn": machine_arn, "name": "m", "status": "ACTIVE", "type": "STANDARD", "definition": text, "roleArn": ROLE,
        "creationDate": answer["creationDate"], "loggingConfiguration": {"level": "OFF", "includeExecutionData": false},
        "tracingConfiguration": {"enabled": false}, "encryptionConfiguration": {"type": "AWS_OWNED_KEY"},
    });
    assert_eq!(describe(&stage, &machine_arn), expected);
    // Seconds since the epoch, to the millisecond.
    assert_eq!(answer["creationDate"], json!(1_767_225_600.001));
    let entry = json!({"stateMachineArn": machine_arn, "name": "m", "type": "STANDARD", "creationDate": answer["creationDate"]});
    assert_eq!(ask(&stage, "ListStateMachines", json!({})), json!({"stateMachines": [entry]}));
}

#[test]
fn without_its_data_a_machine_has_an_empty_definition() {
    let stage = Stage::default();
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Assign": {"x": 1}, "Next": "B"}, "B": {"Type": "Pass", "InputPath": "$x", "End": true}}});
    let machine_arn = created(&stage, "m", &definition.to_string(), json!({}));
    let request = json!({"stateMachineArn": machine_arn, "includedData": "METADATA_ONLY"});
    let answer = ask(&stage, "DescribeStateMachine", request);
    assert_eq!((&answer["definition"], answer.get("variableReferences")), (&json!("{}"), None));
    assert_eq!(describe(&stage, &machine_arn)["variableReferences"], json!({"B": ["x"]}));
}

#[test]
fn the_same_request_twice_creates_one_machine() {
    let stage = Stage::default();
    let request = machine("m", &pass(), with(logged("ALL"), json!({"tracingConfiguration": {"enabled": true}})));
    let first = ask(&stage, "CreateStateMachine", request.clone());
    // Roles and tags may differ, and stay as they were.
    let second = with(request.clone(), json!({"roleArn": format!("{ROLE}2"), "tags": [{"key": "k", "value": "v"}]}));
    assert_eq!(ask(&stage, "CreateStateMachine", second), first);
    assert_eq!(describe(&stage, &arn("stateMachine", "m"))["roleArn"], ROLE);
    let exists = "StateMachineAlreadyExists: State Machine Already Exists: 'arn:aws:states:us-east-1:111111111111:stateMachine:m'";
    for other in [
        json!({"definition": format!("{} ", pass())}),
        json!({"type": "EXPRESS"}),
        logged("ERROR"),
        json!({"loggingConfiguration": null}),
        json!({"tracingConfiguration": {"enabled": false}}),
        json!({"publish": true}),
        json!({"publish": true, "versionDescription": "first"}),
    ] {
        assert_eq!(refused(&stage, "CreateStateMachine", with(request.clone(), other.clone())), exists, "{other}");
    }
}

#[test]
fn a_published_machine_is_created_once_too() {
    let stage = Stage::default();
    let request = machine("m", &pass(), json!({"publish": true, "versionDescription": "first"}));
    let first = ask(&stage, "CreateStateMachine", request.clone());
    assert_eq!(first["stateMachineVersionArn"], arn("stateMachine", "m:1"));
    assert_eq!(ask(&stage, "CreateStateMachine", request.clone()), first);
    let other = with(request, json!({"versionDescription": "second"}));
    assert!(refused(&stage, "CreateStateMachine", other).starts_with("StateMachineAlreadyExists: "));
}

#[test]
fn a_definition_that_is_wrong_is_refused_with_everything_that_is() {
    let stage = Stage::default();
    let definition = json!({"States": {"S": {"Type": "Wait", "Timestamp": "tomorrow", "End": true}}}).to_string();
    let error = refused(&stage, "CreateStateMachine", machine("m", &definition, json!({})));
    let expected = "InvalidDefinition: Invalid State Machine Definition: '\
        SCHEMA_VALIDATION_FAILED: These fields are required: [StartAt] at /, \
        SCHEMA_VALIDATION_FAILED: String does not match RFC3339 timestamp at /States/S/Timestamp'";
    assert_eq!(error, expected);
    assert_eq!(
        refused(&stage, "CreateStateMachine", machine("m", "[]", json!({}))),
        "InvalidDefinition: Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object'"
    );
    let machine_arn = created(&stage, "m", &pass(), json!({}));
    let update = json!({"stateMachineArn": machine_arn, "definition": definition});
    assert_eq!(refused(&stage, "UpdateStateMachine", update), expected);
    assert_eq!(describe(&stage, &machine_arn)["definition"], pass());
}

#[test]
fn a_definition_is_checked_for_the_type_of_its_machine() {
    let stage = Stage::default();
    let activity = one(json!({"Type": "Task", "Resource": arn("activity", "a")}));
    let express = machine("m", &activity, json!({"type": "EXPRESS"}));
    let expected = "InvalidDefinition: Invalid State Machine Definition: \
        'SCHEMA_VALIDATION_FAILED: Express state machine does not support Activity ARN at /States/S/Resource'";
    assert_eq!(refused(&stage, "CreateStateMachine", express), expected);
    let machine_arn = created(&stage, "m", &pass(), json!({"type": "EXPRESS"}));
    assert_eq!(refused(&stage, "UpdateStateMachine", json!({"stateMachineArn": machine_arn, "definition": activity})), expected);
    created(&stage, "standard", &activity, json!({}));
}

#[test]
fn a_definition_may_have_a_mebibyte() {
    let stage = Stage::default();
    let empty = json!({"Comment": "", "StartAt": "S", "States": {"S": {"Type": "Pass", "End": true}}}).to_string();
    let text = empty.replace(r#""Comment":"""#, &format!(r#""Comment":"{}""#, "é".repeat(1_048_576 - empty.chars().count())));
    assert_eq!(text.chars().count(), 1_048_576);
    let machine_arn = created(&stage, "m", &text, json!({}));
    assert_eq!(describe(&stage, &machine_arn)["definition"], text);
    let execution_arn = started(&stage, &machine_arn, json!({}));
    let execution = json!({"executionArn": execution_arn});
    assert_eq!(ask(&stage, "DescribeExecution", execution.clone())["status"], "SUCCEEDED");
    assert_eq!(ask(&stage, "DescribeStateMachineForExecution", execution)["definition"], text);
    // A table takes items of up to 400 KB.
    let bytes = |item: &statewright_engine::table::Item| item.get_text("t").map_or(0, str::len);
    assert!(stage.table.snapshot().iter().map(bytes).all(|bytes| bytes <= 390_000));
}

#[test]
fn logging_needs_one_place_to_go() {
    let stage = Stage::default();
    let one = json!({"cloudWatchLogsLogGroup": {"logGroupArn": GROUP}});
    let wrong = |logging: Value| {
        let request = machine("m", &pass(), json!({"loggingConfiguration": logging}));
        let error = refused(&stage, "CreateStateMachine", request);
        error.strip_prefix("InvalidLoggingConfiguration: Invalid Logging Configuration: ").unwrap().to_owned()
    };
    assert_eq!(wrong(json!({"level": "ALL"})), "Must specify exactly one Log Destination.");
    assert_eq!(wrong(json!({"level": "ERROR", "destinations": []})), "Must specify exactly one Log Destination.");
    assert_eq!(wrong(json!({"destinations": [one, one]})), "Must specify exactly one Log Destination.");
    assert_eq!(wrong(json!({"level": "ALL", "destinations": [{}]})), "Log Destination not found.");
    let group = json!({"cloudWatchLogsLogGroup": {"logGroupArn": "arn:aws:logs:us-east-1:111111111111:log-group:g"}});
    assert_eq!(wrong(json!({"level": "ALL", "destinations": [group]})), "Log Destination not found.");
    for (name, given, shown) in [
        ("a", json!({}), json!({"level": "OFF", "includeExecutionData": false})),
        ("b", json!({"destinations": []}), json!({"level": "OFF", "includeExecutionData": false, "destinations": []})),
        (
            "c",
            json!({"level": "ALL", "includeExecutionData": true, "destinations": [one]}),
            json!({"level": "ALL", "includeExecutionData": true, "destinations": [one]}),
        ),
    ] {
        let machine_arn = created(&stage, name, &pass(), json!({"loggingConfiguration": given}));
        assert_eq!(describe(&stage, &machine_arn)["loggingConfiguration"], shown);
    }
}

#[test]
fn a_key_of_the_customers_own_is_refused_rather_than_ignored() {
    let stage = Stage::default();
    let own = json!({"encryptionConfiguration": {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "key"}});
    let wrong = "InvalidEncryptionConfiguration: Invalid Encryption Configuration: ";
    assert!(refused(&stage, "CreateStateMachine", machine("m", &pass(), own.clone())).starts_with(wrong));
    assert!(refused(&stage, "CreateActivity", with(json!({"name": "a"}), own.clone())).starts_with(wrong));
    let machine_arn = created(&stage, "m", &pass(), json!({"encryptionConfiguration": {"type": "AWS_OWNED_KEY"}}));
    assert!(refused(&stage, "UpdateStateMachine", with(json!({"stateMachineArn": machine_arn}), own)).starts_with(wrong));
}

#[test]
fn tags_are_few_and_have_keys_of_their_own() {
    let stage = Stage::default();
    let tags = |count: usize| (0..count).map(|number| json!({"key": format!("k{number}"), "value": ""})).collect::<Value>();
    created(&stage, "m", &pass(), json!({"tags": tags(50)}));
    let error = refused(&stage, "CreateStateMachine", machine("n", &pass(), json!({"tags": tags(51)})));
    assert_eq!(error, "TooManyTags: Too Many Tags: 'arn:aws:states:us-east-1:111111111111:stateMachine:n'");
    assert!(refused(&stage, "CreateActivity", json!({"name": "a", "tags": tags(51)})).starts_with("TooManyTags: "));
    for wrong in [json!([{"key": "k"}, {"key": "k"}]), json!([{"value": "v"}]), json!([{"key": "aws:k"}])] {
        let request = machine("n", &pass(), json!({"tags": wrong}));
        assert!(refused(&stage, "CreateStateMachine", request).starts_with("ValidationException: "), "{wrong}");
    }
}

#[test]
fn an_update_makes_a_revision_where_it_changes_something() {
    let stage = Stage::default();
    let machine_arn = created(&stage, "m", &pass(), logged("ALL"));
    let update = |members: Value| ask(&stage, "UpdateStateMachine", with(json!({"stateMachineArn": machine_arn}), members));
    let mut revisions = vec![describe(&stage, &machine_arn)["revisionId"].clone()];
    assert_eq!(revisions, [Value::Null]);
    for change in [
        json!({"definition": wait()}),
        json!({"roleArn": format!("{ROLE}2")}),
        json!({"loggingConfiguration": {"level": "OFF"}}),
        json!({"tracingConfiguration": {"enabled": true}}),
        json!({"definition": pass(), "roleArn": ROLE}),
    ] {
        let answer = update(change.clone());
        assert_eq!(members(&answer), ["revisionId", "updateDate"]);
        let described = describe(&stage, &machine_arn);
        assert_eq!(described["revisionId"], answer["revisionId"]);
        assert!(!revisions.contains(&answer["revisionId"]), "{change}");
        revisions.push(answer["revisionId"].clone());
        // The same again changes nothing.
        assert_eq!(members(&update(change)), ["updateDate"]);
        assert_eq!(describe(&stage, &machine_arn), described);
    }
}

#[test]
fn an_update_must_say_what_to_change() {
    let stage = Stage::default();
    let machine_arn = created(&stage, "m", &pass(), json!({}));
    let missing = "MissingRequiredParameter: Either the definition, the role ARN, the LoggingConfiguration, or the \
        TracingConfiguration must be specified";
    assert_eq!(refused(&stage, "UpdateStateMachine", json!({"stateMachineArn": machine_arn})), missing);
    assert_eq!(refused(&stage, "UpdateStateMachine", json!({"stateMachineArn": machine_arn, "publish": true})), missing);
}

#[test]
fn versions_are_numbered_and_one_revision_has_one() {
    let stage = Stage::default();
    let machine_arn = created(&stage, "m", &pass(), json!({}));
    let publish = |members: Value| {
        let request = with(json!({"stateMachineArn": machine_arn, "publish": true}), members);
        ask(&stage, "UpdateStateMachine", request)["stateMachineVersionArn"].as_str().unwrap().to_owned()
    };
    let one = publish(json!({"definition": pass(), "versionDescription": "as it was"}));
    assert_eq!(one, format!("{machine_arn}:1"));
    assert_eq!(publish(json!({"definition": pass(), "versionDescription": "ignored"})), one);
    let two = publish(json!({"definition": wait()}));
    assert_eq!(two, format!("{machine_arn}:2"));
    let three = publish(json!({"definition": pass()}));
    assert_eq!(three, format!("{machine_arn}:3"));
    let described = describe(&stage, &one);
    assert_eq!((&described["definition"], &described["description"]), (&json!(pass()), &json!("as it was")));
    assert_eq!((&described["stateMachineArn"], &described["name"]), (&json!(one), &json!("m")));
    assert_eq!(described.get("revisionId"), None);
    let described = describe(&stage, &two);
    assert_eq!((&described["definition"], described.get("description")), (&json!(wait()), None));
    assert!(described["revisionId"].is_string());
    for missing in ["m:4", "m:0", "m:alias"] {
        let missing = arn("stateMachine", missing);
        let expected = format!("StateMachineDoesNotExist: State Machine Does Not Exist: '{missing}'");
        assert_eq!(refused(&stage, "DescribeStateMachine", json!({"stateMachineArn": missing})), expected);
        assert_eq!(refused(&stage, "StartExecution", json!({"stateMachineArn": missing})), expected);
    }
}

#[test]
fn a_version_is_no_machine_to_change() {
    let stage = Stage::default();
    created(&stage, "m", &pass(), json!({"publish": true}));
    let version = arn("stateMachine", "m:1");
    let expected = format!("StateMachineDoesNotExist: State Machine Does Not Exist: '{version}'");
    for operation in ["UpdateStateMachine", "DeleteStateMachine"] {
        let request = json!({"stateMachineArn": version, "definition": wait()});
        assert_eq!(refused(&stage, operation, request), expected);
    }
}

#[test]
fn a_description_belongs_to_a_version() {
    let stage = Stage::default();
    let expected = "ValidationException: Version description can only be set when publish is true";
    let request = machine("m", &pass(), json!({"versionDescription": "d"}));
    assert_eq!(refused(&stage, "CreateStateMachine", request), expected);
    let machine_arn = created(&stage, "m", &pass(), json!({}));
    let update = json!({"stateMachineArn": machine_arn, "definition": pass(), "versionDescription": "d", "publish": false});
    assert_eq!(refused(&stage, "UpdateStateMachine", update), expected);
}

#[test]
fn a_deleted_machine_is_gone_and_its_name_is_free() {
    let stage = Stage::default();
    let machine_arn = created(&stage, "m", &pass(), json!({"publish": true}));
    let execution = json!({"executionArn": started(&stage, &machine_arn, json!({}))});
    for _ in 0..2 {
        assert_eq!(ask(&stage, "DeleteStateMachine", json!({"stateMachineArn": machine_arn})), json!({}));
    }
    let missing = format!("StateMachineDoesNotExist: State Machine Does Not Exist: '{machine_arn}'");
    for operation in ["DescribeStateMachine", "StartExecution", "ListExecutions"] {
        assert_eq!(refused(&stage, operation, json!({"stateMachineArn": machine_arn})), missing);
    }
    let update = json!({"stateMachineArn": machine_arn, "definition": pass()});
    assert_eq!(refused(&stage, "UpdateStateMachine", update), missing);
    assert_eq!(listed(&stage), [""; 0]);
    // What has run can still be looked at, with the definition it ran.
    assert_eq!(ask(&stage, "DescribeExecution", execution.clone())["status"], "SUCCEEDED");
    created(&stage, "m", &wait(), json!({}));
    assert_eq!(ask(&stage, "DescribeStateMachineForExecution", execution)["definition"], pass());
    // The versions of the one are not those of the other.
    let version = format!("{machine_arn}:1");
    assert!(refused(&stage, "DescribeStateMachine", json!({"stateMachineArn": version})).starts_with("StateMachineDoesNotExist"));
}

#[test]
fn what_a_deleted_machine_leaves_expires() {
    let stage = Stage::default();
    let machine_arn = created(&stage, "m", &pass(), json!({"publish": true}));
    ask(&stage, "UpdateStateMachine", json!({"stateMachineArn": machine_arn, "definition": wait(), "publish": true}));
    ask(&stage, "DeleteStateMachine", json!({"stateMachineArn": machine_arn}));
    let left = stage.table.snapshot();
    assert_eq!(left.len(), 6, "two revisions, two texts, two versions");
    // An execution that was just started may run for a year, and is to be seen for 90 days after that.
    let until = statewright_tests::play::START.plus_seconds((365 + 90) * 24 * 60 * 60);
    assert!(left.iter().all(|item| item.expires.is_some_and(|expires| expires > until)));
    // A machine of the same name leaves them alone, and has its own.
    created(&stage, "m", &pass(), json!({}));
    let own = stage.table.snapshot().into_iter().filter(|item| item.expires.is_none()).count();
    assert_eq!(own, 4, "itself, a revision, a text and its place in the list");
}

#[test]
fn a_machine_whose_executions_run_is_deleted_when_they_have_ended() {
    let stage = Stage::default();
    let machine_arn = created(&stage, "m", &wait(), json!({}));
    let execution_arn = started(&stage, &machine_arn, json!({}));
    let delete = || ask(&stage, "DeleteStateMachine", json!({"stateMachineArn": machine_arn}));
    assert_eq!((delete(), delete()), (json!({}), json!({})));
    assert_eq!(describe(&stage, &machine_arn)["status"], "DELETING");
    assert_eq!(listed(&stage), ["m"]);
    let deleting = format!("StateMachineDeleting: State Machine is being deleted: '{machine_arn}'");
    assert_eq!(refused(&stage, "StartExecution", json!({"stateMachineArn": machine_arn})), deleting);
    assert_eq!(refused(&stage, "CreateStateMachine", machine("m", &wait(), json!({}))), deleting);
    assert_eq!(refused(&stage, "UpdateStateMachine", json!({"stateMachineArn": machine_arn, "definition": pass()})), deleting);
    stage.settle(&execution_arn);
    // Whoever looks first ends the deletion, if it is a look at the list alone.
    assert_eq!(listed(&stage), [""; 0]);
    assert_eq!(stage.table.snapshot().iter().filter(|item| item.expires.is_none()).count(), 0);
    assert!(
        refused(&stage, "DescribeStateMachine", json!({"stateMachineArn": machine_arn})).starts_with("StateMachineDoesNotExist")
    );
    created(&stage, "m", &pass(), json!({}));
}

#[test]
fn machines_are_listed_by_name() {
    let stage = Stage::default();
    for name in ["m_2", "m_10_", "b", "m_1_", "a", "Z"] {
        created(&stage, name, &pass(), json!({}));
    }
    assert_eq!(listed(&stage), ["Z", "a", "b", "m_10_", "m_1_", "m_2"]);
}

#[test]
fn a_definition_that_cannot_be_read_is_an_error_of_the_service() {
    let stage = Stage::default();
    let machine_arn = created(&stage, "m", &pass(), json!({}));
    let item = stage.table.snapshot().into_iter().find(|item| item.key.sort.starts_with("d#")).unwrap();
    let Key { partition, sort } = item.key.clone();
    pollster::block_on(async {
        use statewright_engine::table::{Condition, Table as _};
        stage.table.delete(&Key { partition, sort }, Condition::None).await.unwrap();
    });
    let error = stage.call(statewright_engine::api::Operation::DescribeStateMachine, &json!({"stateMachineArn": machine_arn}));
    let error = error.unwrap_err();
    assert_eq!((error.code, error.status), ("InternalServerError", 500));
    assert!(error.detail.is_some_and(|detail| detail.contains("cannot be read")));
}
