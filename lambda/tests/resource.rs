//! State machines of CloudFormation stacks: events in the form in which CloudFormation sends them, over a table in memory.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use statewright_engine::Clock;
use statewright_engine::api::{Api, Caller, Operation};
use statewright_engine::table::Table as _;
use statewright_lambda::resource::{S3Location, handle};
use statewright_tests::stage::Stage;

const ROLE: &str = "arn:aws:iam::111111111111:role/statewright/r";
const STACK: &str = "arn:aws:cloudformation:us-east-1:111111111111:stack/s/1";
const PASS: &str = r#"{"StartAt":"First","States":{"First":{"Type":"Pass","End":true}}}"#;

/// Stacks of one deployment.
#[derive(Default)]
struct Stacks {
    stage: Stage,
    draws: AtomicU64,
    requests: AtomicU64,
}

fn arn(name: &str) -> String {
    format!("arn:aws:states:us-east-1:111111111111:stateMachine:{name}")
}

fn properties(more: Value) -> Value {
    let mut properties = json!({"ServiceToken": "arn:aws:lambda:us-east-1:111111111111:function:resource", "RoleArn": ROLE, "DefinitionString": PASS});
    for (name, value) in more.as_object().unwrap() {
        match value {
            Value::Null => drop(properties.as_object_mut().unwrap().remove(name)),
            value => properties[name] = value.clone(),
        }
    }
    properties
}

impl Stacks {
    /// An event, as yet of no type.
    fn event(&self, request_type: &str, physical_id: Option<&str>, properties: &Value, old: Option<&Value>) -> Value {
        let request = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let mut event = json!({
            "RequestType": request_type, "ResponseURL": "https://s3/x", "StackId": STACK, "RequestId": format!("request-{request}"),
            "ResourceType": "Custom::StatewrightStateMachine", "LogicalResourceId": "Order", "ResourceProperties": properties,
            "ServiceToken": "arn:aws:lambda:us-east-1:111111111111:function:resource",
        });
        if let Some(id) = physical_id {
            event["PhysicalResourceId"] = id.into();
        }
        if let Some(old) = old {
            event["OldResourceProperties"] = old.clone();
        }
        event
    }

    /// What an event is answered.
    fn answer(&self, event: &Value) -> Value {
        self.stage.clock.advance_to(self.stage.clock.now().plus_millis(1));
        let random = || u128::from(self.draws.fetch_add(1, Ordering::Relaxed));
        let now = self.stage.clock.now();
        let caller =
            Caller { partition: "aws", region: "us-east-1", account: "111111111111", now, random: &random, verified: None };
        let api = Api { table: &*self.stage.table, executions: self.stage.engine() };
        let read = async |location: &S3Location| match (&*location.bucket, &*location.key, location.version.as_deref()) {
            ("b", "order.asl.json", None) => Ok(PASS.replace("First", "${Name}")),
            ("b", "order.asl.json", Some("2")) => Ok(PASS.replace("First", "Q")),
            _ => Err("404".to_owned()),
        };
        let event = serde_json::from_value(event.clone()).unwrap();
        let answer = serde_json::to_value(pollster::block_on(handle(&api, &event, &caller, read))).unwrap();
        assert!(answer.to_string().len() < 4096);
        answer
    }

    fn create(&self, properties: &Value) -> Value {
        self.answer(&self.event("Create", None, properties, None))
    }

    fn update(&self, physical_id: &str, old: &Value, new: &Value) -> Value {
        self.answer(&self.event("Update", Some(physical_id), new, Some(old)))
    }

    fn delete(&self, physical_id: &str) -> Value {
        self.answer(&self.event("Delete", Some(physical_id), &properties(json!({})), None))
    }

    fn describe(&self, arn: &str) -> Option<Value> {
        self.stage.call(Operation::DescribeStateMachine, &json!({"stateMachineArn": arn})).ok()
    }
}

/// The id of what was made.
fn made(answer: &Value) -> String {
    assert_eq!(answer["Status"], "SUCCESS", "{answer}");
    answer["PhysicalResourceId"].as_str().unwrap().to_owned()
}

/// Why nothing was.
fn reason(answer: &Value) -> &str {
    assert_eq!(answer["Status"], "FAILED", "{answer}");
    answer["Reason"].as_str().unwrap()
}

#[test]
fn a_machine_is_made_as_the_template_has_it() {
    let stacks = Stacks::default();
    let group = "arn:aws:logs:us-east-1:111111111111:log-group:g:*";
    let properties = properties(json!({
        "StateMachineName": "orders",
        "StateMachineType": "EXPRESS",
        // CloudFormation makes texts of booleans and numbers.
        "LoggingConfiguration": {
            "Level": "ALL", "IncludeExecutionData": "true", "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": group}}],
        },
        "TracingConfiguration": {"Enabled": "true"},
        "Tags": [{"Key": "team", "Value": "shop"}],
        "DefinitionString": r#"{"Comment":"${A}${B}${C}","StartAt":"P","TimeoutSeconds":${B},"States":{"P":{"Type":"Pass","End":true}}}"#,
        "DefinitionSubstitutions": {"A": "a", "B": "30"},
    }));
    let answer = stacks.create(&properties);
    assert_eq!(
        answer,
        json!({
            "Status": "SUCCESS", "PhysicalResourceId": arn("orders"), "StackId": STACK, "RequestId": "request-1", "LogicalResourceId": "Order",
            "Data": {"Arn": arn("orders"), "Name": "orders", "StateMachineRevisionId": "INITIAL"},
        })
    );
    let machine = stacks.describe(&arn("orders")).unwrap();
    assert_eq!((&machine["type"], &machine["roleArn"]), (&json!("EXPRESS"), &json!(ROLE)));
    let definition: Value = serde_json::from_str(machine["definition"].as_str().unwrap()).unwrap();
    assert_eq!((&definition["Comment"], &definition["TimeoutSeconds"]), (&json!("a30${C}"), &json!(30)), "others are left alone");
    let destinations = json!([{"cloudWatchLogsLogGroup": {"logGroupArn": group}}]);
    let logging = json!({"level": "ALL", "includeExecutionData": true, "destinations": destinations});
    assert_eq!((&machine["loggingConfiguration"], &machine["tracingConfiguration"]), (&logging, &json!({"enabled": true})));
}

#[test]
fn an_event_that_comes_again_changes_nothing() {
    let stacks = Stacks::default();
    let create = stacks.event("Create", None, &properties(json!({})), None);
    let first = stacks.answer(&create);
    assert_eq!(stacks.answer(&create), first);
    let id = made(&first);
    let old = properties(json!({}));
    let update = stacks.event("Update", Some(&id), &properties(json!({"StateMachineType": "EXPRESS"})), Some(&old));
    let second = stacks.answer(&update);
    assert_eq!(stacks.answer(&update), second);
    assert_ne!(made(&second), id);
    let delete = stacks.event("Delete", Some(&id), &old, None);
    assert_eq!(stacks.answer(&delete), stacks.answer(&delete));
    assert_eq!((stacks.describe(&id), stacks.describe(&made(&second)).is_some()), (None, true));
}

#[test]
fn a_machine_without_a_name_gets_one_of_its_own() {
    let stacks = Stacks::default();
    let (first, second) = (made(&stacks.create(&properties(json!({})))), made(&stacks.create(&properties(json!({})))));
    assert!(first.starts_with(&arn("Order-")) && second.starts_with(&arn("Order-")) && first != second, "{first} {second}");
    let mut event = stacks.event("Create", None, &properties(json!({})), None);
    event["LogicalResourceId"] = "L".repeat(255).into();
    let name = stacks.answer(&event)["Data"]["Name"].as_str().unwrap().to_owned();
    assert_eq!(name.len(), 80);
}

#[test]
fn what_changes_in_place_keeps_its_id() {
    let stacks = Stacks::default();
    let first = properties(json!({"TracingConfiguration": {"Enabled": "true"}}));
    let id = made(&stacks.create(&first));
    let second = properties(json!({"DefinitionString": PASS.replace("First", "Q"), "RoleArn": format!("{ROLE}2")}));
    let answer = stacks.update(&id, &first, &second);
    assert_eq!(made(&answer), id);
    let machine = stacks.describe(&id).unwrap();
    assert_eq!(machine["definition"], PASS.replace("First", "Q"));
    assert_eq!(machine["roleArn"], format!("{ROLE}2"));
    assert_eq!(machine["tracingConfiguration"]["enabled"], false, "what is not said any more is as if it never had been");
    assert_eq!(answer["Data"]["StateMachineRevisionId"], machine["revisionId"]);
    assert_ne!(machine["revisionId"], Value::Null);
}

#[test]
fn another_name_or_type_is_another_machine() {
    let stacks = Stacks::default();
    let named = |name: &str| properties(json!({"StateMachineName": name}));
    let id = made(&stacks.create(&named("a")));
    assert_eq!(made(&stacks.update(&id, &named("a"), &named("b"))), arn("b"));
    assert!(stacks.describe(&id).is_some(), "CloudFormation deletes the first one itself");
    made(&stacks.delete(&id));
    assert_eq!(stacks.describe(&id), None);

    let unnamed = made(&stacks.update(&arn("b"), &named("b"), &properties(json!({}))));
    assert!(unnamed.starts_with(&arn("Order-")), "{unnamed}");
    let express = properties(json!({"StateMachineType": "EXPRESS"}));
    let other = made(&stacks.update(&unnamed, &properties(json!({})), &express));
    assert_ne!(other, unnamed);
    assert_eq!(stacks.describe(&other).unwrap()["type"], "EXPRESS");
    assert_eq!(made(&stacks.update(&other, &express, &express)), other, "nothing has changed");

    let express = properties(json!({"StateMachineName": "b", "StateMachineType": "EXPRESS"}));
    let answer = stacks.update(&arn("b"), &named("b"), &express);
    assert!(reason(&answer).contains("give `Order` another StateMachineName"), "{answer}");
    assert_eq!(answer["PhysicalResourceId"], arn("b"));
}

#[test]
fn what_was_never_made_is_not_deleted() {
    let stacks = Stacks::default();
    let id = made(&stacks.create(&properties(json!({"StateMachineName": "taken"}))));
    // Another stack wants the name for something else.
    let other = properties(json!({"StateMachineName": "taken", "DefinitionString": PASS.replace("First", "Q")}));
    let answer = stacks.create(&other);
    assert!(reason(&answer).starts_with("StateMachineAlreadyExists: "), "{answer}");
    // CloudFormation takes it back, with the id it was given.
    let given = answer["PhysicalResourceId"].as_str().unwrap();
    made(&stacks.delete(given));
    assert!(stacks.describe(&id).is_some());
    made(&stacks.delete(&arn("gone-already")));
}

#[test]
fn a_machine_that_is_wrong_fails_with_the_reason() {
    let stacks = Stacks::default();
    let fails = |more: Value, part: &str| {
        let answer = stacks.create(&properties(more));
        assert!(reason(&answer).contains(part), "{answer}");
        assert!(
            stacks.stage.call(Operation::ListStateMachines, &json!({})).unwrap()["stateMachines"].as_array().unwrap().is_empty()
        );
    };
    fails(json!({"RoleArn": null}), "missing field `RoleArn`");
    fails(json!({"RoleArn": "r"}), "InvalidArn: Invalid Role Arn: 'r'");
    fails(json!({"Rolearn": "r"}), "unknown field `Rolearn`");
    fails(json!({"DefinitionString": null}), "give a DefinitionString or a DefinitionS3Location");
    fails(json!({"DefinitionS3Location": {"Bucket": "b", "Key": "k"}}), "give one of them");
    fails(json!({"DefinitionString": null, "DefinitionS3Location": {"Bucket": "b", "Key": "k"}}), "s3://b/k cannot be read: 404");
    fails(json!({"DefinitionString": "{}"}), "InvalidDefinition: ");
    fails(json!({"DefinitionString": format!("{{\"{}\":1}}", "é".repeat(5000))}), "InvalidDefinition: ");
    let patience = r#"{"StartAt":"P","TimeoutSeconds":${Patience},"States":{"P":{"Type":"Pass","End":true}}}"#;
    let soon = json!({"DefinitionString": patience, "DefinitionSubstitutions": {"Patience": "soon"}});
    fails(soon, "the definition is wrong with its DefinitionSubstitutions: Unrecognized token 'soon'");
    fails(json!({"StateMachineName": "a b"}), "InvalidName: Invalid Name: 'a b'");
}

#[test]
fn definitions_are_read_from_s3() {
    let stacks = Stacks::default();
    let location = |version: Value| {
        properties(json!({
            "DefinitionString": null, "DefinitionSubstitutions": {"Name": "R"},
            "DefinitionS3Location": {"Bucket": "b", "Key": "order.asl.json", "Version": version},
        }))
    };
    let id = made(&stacks.create(&location(Value::Null)));
    assert_eq!(definition(&stacks, &id), serde_json::from_str::<Value>(&PASS.replace("First", "R")).unwrap());
    made(&stacks.update(&id, &location(Value::Null), &location("2".into())));
    assert_eq!(definition(&stacks, &id), serde_json::from_str::<Value>(&PASS.replace("First", "Q")).unwrap());
}

#[test]
fn values_are_put_in_as_what_they_are() {
    let stacks = Stacks::default();
    let text = r#"{"Comment":"${A} ${B} ${!C}","StartAt":"P","States":{"P":{"Type":"Pass","Result":${Json},"End":true}}}"#;
    let values = json!({"A": "${B}", "B": "a \"quoted\" \\ one", "C": "c", "Json": "{\"b\": 1.50, \"a\": [true]}"});
    let id = made(&stacks.create(&properties(json!({"DefinitionString": text, "DefinitionSubstitutions": values}))));
    let comment = "${B} a \"quoted\" \\ one ${!C}";
    let pass = json!({"Type": "Pass", "Result": {"b": 1.5, "a": [true]}, "End": true});
    assert_eq!(definition(&stacks, &id), json!({"Comment": comment, "StartAt": "P", "States": {"P": pass}}));
}

/// A machine's definition.
fn definition(stacks: &Stacks, id: &str) -> Value {
    serde_json::from_str(stacks.describe(id).unwrap()["definition"].as_str().unwrap()).unwrap()
}

#[test]
fn tags_are_what_the_template_has() {
    let stacks = Stacks::default();
    let tagged = |value: &str| properties(json!({"Tags": [{"Key": "team", "Value": value}, {"Key": "env", "Value": "x"}]}));
    let id = made(&stacks.create(&tagged("a")));
    let kept = |stacks: &Stacks| {
        let name = id.rsplit(':').next().unwrap();
        let key = statewright_engine::table::Key::new(format!("m#{name}"), "0");
        let item = pollster::block_on(stacks.stage.table.get(&key)).unwrap().unwrap();
        serde_json::from_str::<Value>(item.get_text("m").unwrap()).unwrap()["tags"].clone()
    };
    assert_eq!(kept(&stacks), json!([["team", "a"], ["env", "x"]]));
    let mut changed = tagged("b");
    changed["RoleArn"] = format!("{ROLE}2").into();
    made(&stacks.update(&id, &tagged("a"), &changed));
    assert_eq!(kept(&stacks), json!([["team", "b"], ["env", "x"]]));
    assert_eq!(stacks.describe(&id).unwrap()["roleArn"], format!("{ROLE}2"));
    // What goes back, as after a failure elsewhere in the stack, goes back whole.
    made(&stacks.update(&id, &changed, &tagged("a")));
    assert_eq!(kept(&stacks), json!([["team", "a"], ["env", "x"]]));
    made(&stacks.update(&id, &tagged("a"), &properties(json!({}))));
    assert_eq!(kept(&stacks), json!([]));
    let too_many: Vec<Value> = (0..51).map(|key| json!({"Key": format!("k{key}"), "Value": ""})).collect();
    let answer = stacks.update(&id, &properties(json!({})), &properties(json!({"Tags": too_many})));
    assert!(reason(&answer).contains("Too Many Tags"), "{answer}");
}
