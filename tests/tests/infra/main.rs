//! The template of a deployment: what its functions may do, and what must be true of its queues and its table.
//!
//! [`complaints`] says what is wrong with a template. It has nothing to say of ours, and something of every one in [`MUTATIONS`].
#![allow(clippy::indexing_slicing, clippy::panic, reason = "a test may fail by a panic")]

mod deploy;
mod rights;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use statewright_engine::HIDDEN_TIMEOUTS;
use statewright_template::{Member, Node, Syntax, parse};
use statewright_tests::components;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra");

/// The time-out of each function, in seconds.
const TIMEOUTS: [(&str, u64); 8] = [
    ("Api", 310),
    ("Drive", 120),
    ("Direct", 120),
    ("Tasks", 900),
    ("Express", 310),
    ("Sweep", 60),
    ("Activity", 30),
    ("Resource", 60),
];
/// The functions that are invoked without anybody waiting for an answer, and must not lose what they are invoked with.
const ASYNCHRONOUS: [&str; 3] = ["DirectFunction", "TasksFunction", "ExpressFunction"];
/// A quarter of what an account has at first.
const CONCURRENCY_MAX: u64 = 250;

fn read(name: &str) -> String {
    std::fs::read_to_string(format!("{FOLDER}/{name}")).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A template, functions in their long form.
pub(crate) struct Template(Node);

impl Template {
    fn of(text: &str) -> Self {
        Self(parse(text, Syntax::Yaml).unwrap_or_else(|error| panic!("{error}")).long())
    }

    fn section(&self, name: &str) -> &[Member] {
        self.0.get(name).map(Node::members).unwrap_or_default()
    }

    /// The properties of a resource.
    pub(crate) fn properties(&self, resource: &str) -> Option<&Node> {
        self.0.at(&["Resources", resource, "Properties"])
    }

    /// The resources of a type, by name.
    fn of_type<'t>(&'t self, of: &'t str) -> impl Iterator<Item = (&'t str, &'t Node)> {
        let is = move |member: &&Member| text(&member.value, &["Type"]) == Some(of);
        self.section("Resources").iter().filter(is).map(|member| (member.key.as_str(), &member.value))
    }

    /// The number that a node is, or whose default the parameter has that it refers to, under whatever condition.
    fn number(&self, node: Option<&Node>) -> Option<u64> {
        let node = node?;
        let then = node.get("Fn::If").map(Node::items).and_then(|branches| branches.get(1));
        let node = then.unwrap_or(node);
        let parameter = node.reference().and_then(|(name, _)| self.0.at(&["Parameters", &name, "Default"]));
        parameter.unwrap_or(node).as_text()?.parse().ok()
    }
}

fn text<'n>(node: &'n Node, path: &[&str]) -> Option<&'n str> {
    node.at(path).and_then(Node::as_text)
}

/// The name of the resource that the node at `path` is the ARN or the name of.
fn named(node: &Node, path: &[&str]) -> Option<String> {
    node.at(path).and_then(Node::reference).map(|(name, _)| name)
}

/// What is wrong with a template.
fn complaints(template: &Template) -> Vec<String> {
    let mut complaints = Vec::new();
    functions(template, &mut complaints);
    queues(template, &mut complaints);
    alarms(template, &mut complaints);
    table(template, &mut complaints);
    parameters(template, &mut complaints);
    rights::complaints(template, &mut complaints);
    complaints
}

fn functions(template: &Template, complaints: &mut Vec<String>) {
    let shared = template.0.at(&["Globals", "Function"]);
    let timeouts: BTreeMap<_, _> = TIMEOUTS.map(|(name, seconds)| (format!("{name}Function"), seconds)).into();
    let found: Vec<&str> = template.of_type("AWS::Serverless::Function").map(|function| function.0).collect();
    if found.len() != timeouts.len() {
        complaints.push(format!("the functions are {found:?}"));
    }
    let mut concurrency = 0;
    for (name, function) in template.of_type("AWS::Serverless::Function") {
        let mut fed = 0;
        let own = |path: &[&str]| function.get("Properties").and_then(|properties| properties.at(path));
        let either = |path: &[&str]| own(path).or_else(|| shared.and_then(|shared| shared.at(path))).and_then(Node::as_text);
        let seconds = either(&["Timeout"]).and_then(|seconds| seconds.parse::<u64>().ok()).unwrap_or(0);
        if timeouts.get(name) != Some(&seconds) {
            complaints.push(format!("{name} times out after {seconds} s"));
        }
        if own(&["CodeUri"]).and_then(Node::as_text) != Some("bootstrap/") {
            complaints.push(format!("{name} would be packaged from another folder"));
        }
        if either(&["RecursiveLoop"]) != Some("Allow") {
            complaints.push(format!("{name} is stopped when it is called in a circle"));
        }
        if own(&["LoggingConfig"])
            .or_else(|| shared?.get("LoggingConfig"))
            .and_then(|config| named(config, &["LogGroup"]))
            .is_none()
        {
            complaints.push(format!("{name} logs into a group that keeps everything for ever"));
        }
        if either(&["LoggingConfig", "LogFormat"]) != Some("JSON") || either(&["LoggingConfig", "SystemLogLevel"]) != Some("WARN") {
            complaints.push(format!("{name} pays for what Lambda tells of every invocation"));
        }
        for member in own(&["Events"]).map(Node::members).unwrap_or_default() {
            let event = &member.value;
            if text(event, &["Type"]) != Some("SQS") {
                continue;
            }
            let queue = named(event, &["Properties", "Queue"]).unwrap_or_default();
            fed += mapping(template, name, seconds, &queue, event, complaints);
        }
        for (_, other) in template.of_type("AWS::Lambda::EventSourceMapping") {
            if named(other, &["Properties", "FunctionName"]).as_deref() == Some(name) {
                let queue = named(other, &["Properties", "EventSourceArn"]).unwrap_or_default();
                fed += mapping(template, name, seconds, &queue, other, complaints);
            }
        }
        let given_up = own(&["EventInvokeConfig", "DestinationConfig", "OnFailure"]);
        let given_up = given_up.and_then(|given_up| named(given_up, &["Destination"]));
        if ASYNCHRONOUS.contains(&name) && given_up.as_deref() != Some("WakesDeadLetters") {
            complaints.push(format!("{name} loses what it was invoked with when it fails"));
        }
        let reserved = template.number(own(&["ReservedConcurrentExecutions"]));
        if reserved.is_none() && (ASYNCHRONOUS.contains(&name) || name == "ActivityFunction") {
            complaints.push(format!("{name} may take all the concurrency that there is"));
        }
        // A queue feeds it, or it has something reserved.
        concurrency += reserved.unwrap_or(0).max(fed);
    }
    if concurrency > CONCURRENCY_MAX {
        complaints.push(format!("functions take {concurrency} of the account's concurrency"));
    }
    for (name, group) in template.of_type("AWS::Logs::LogGroup") {
        if group.at(&["Properties", "RetentionInDays"]).is_none() {
            complaints.push(format!("{name} keeps everything for ever"));
        }
    }
    for (name, permission) in template.of_type("AWS::Lambda::Permission") {
        if text(permission, &["Properties", "Principal"]) == Some("*") && text(permission, &["Condition"]) != Some("IsPublic") {
            complaints.push(format!("{name} lets everybody in"));
        }
    }
}

/// What is wrong with the way from a queue to a function, and how much of the account's concurrency it takes.
fn mapping(template: &Template, name: &str, seconds: u64, queue: &str, mapping: &Node, complaints: &mut Vec<String>) -> u64 {
    let visible = template.number(template.properties(queue).and_then(|queue| queue.get("VisibilityTimeout"))).unwrap_or(30);
    if visible < u64::from(HIDDEN_TIMEOUTS) * seconds {
        complaints.push(format!("{queue} shows messages again after {visible} s, which is not six times {seconds} s"));
    }
    let types = mapping.at(&["Properties", "FunctionResponseTypes"]).map(Node::items).unwrap_or_default();
    if !types.iter().any(|of| of.as_text() == Some("ReportBatchItemFailures")) {
        complaints.push(format!("{name} cannot say which messages of {queue} failed"));
    }
    // What Lambda asks of it is charged for whether there is anything in it or not.
    if queue != "Wakes" && text(mapping, &["Condition"]) != Some("HasOwnQueues") {
        complaints.push(format!("{queue} costs something where nobody asked for it"));
    }
    let most = template.number(mapping.at(&["Properties", "ScalingConfig", "MaximumConcurrency"]));
    if most.is_none() {
        complaints.push(format!("{queue} may take all the concurrency that there is"));
    }
    most.unwrap_or(0)
}

fn queues(template: &Template, complaints: &mut Vec<String>) {
    let given_up = |queue: &Node| named(queue, &["Properties", "RedrivePolicy", "deadLetterTargetArn"]);
    let dead: Vec<String> = template.of_type("AWS::SQS::Queue").filter_map(|(_, queue)| given_up(queue)).collect();
    for (name, queue) in template.of_type("AWS::SQS::Queue") {
        let number = |path: &[&str]| template.number(queue.at(path)).unwrap_or(0);
        if text(queue, &["Properties", "SqsManagedSseEnabled"]) != Some("true") {
            complaints.push(format!("{name} is not encrypted"));
        }
        let keeps = number(&["Properties", "MessageRetentionPeriod"]);
        // An input alone may have 256 KiB, and what goes with it comes on top; messages of tasks hold none.
        let holds = number(&["Properties", "MaximumMessageSize"]);
        if holds < 1_048_576 && !name.starts_with("Tasks") {
            complaints.push(format!("{name} takes no message of more than {holds} bytes"));
        }
        if dead.iter().any(|dead| dead == name) {
            if keeps < 1_209_600 {
                complaints.push(format!("{name} forgets after {keeps} s what somebody should see"));
            }
            continue;
        }
        if given_up(queue).is_none() {
            complaints.push(format!("{name} has no queue of dead letters"));
        }
        // A day of messages that come again every quarter of an hour.
        let receptions = number(&["Properties", "RedrivePolicy", "maxReceiveCount"]);
        if receptions < 96 {
            complaints.push(format!("{name} gives a message up after {receptions} times"));
        }
    }
}

/// Every queue of dead letters has an alarm of its own: SQS tells nothing of a queue that is idle, and a sum in which something is missing
/// is no sum.
fn alarms(template: &Template, complaints: &mut Vec<String>) {
    for (name, queue) in template.of_type("AWS::SQS::Queue").filter(|(name, _)| name.ends_with("DeadLetters")) {
        let is_seen = template.of_type("AWS::CloudWatch::Alarm").any(|(_, alarm)| {
            let dimensions = alarm.at(&["Properties", "Dimensions"]).map(Node::items).unwrap_or_default();
            let is_own = queue.get("Condition").is_some();
            text(alarm, &["Properties", "MetricName"]) == Some("ApproximateNumberOfMessagesVisible")
                && dimensions.iter().any(|dimension| named(dimension, &["Value"]).as_deref() == Some(name))
                && text(alarm, &["Condition"]) == Some(if is_own { "HasDeadLetterAlarms" } else { "HasDeadLetterAlarm" })
        });
        if !is_seen {
            complaints.push(format!("nobody hears of what lies in {name}"));
        }
    }
}

fn table(template: &Template, complaints: &mut Vec<String>) {
    let tables: Vec<_> = template.of_type("AWS::DynamoDB::Table").collect();
    if tables.len() != 1 {
        complaints.push(format!("there are {} tables", tables.len()));
    }
    for (_, table) in tables {
        for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
            if text(table, &[policy]) != Some("Retain") {
                complaints.push(format!("{policy} does not keep the table"));
            }
        }
        if text(table, &["Properties", "DeletionProtectionEnabled"]) != Some("true") {
            complaints.push("anybody may delete the table".to_owned());
        }
        let keys = table.at(&["Properties", "KeySchema"]).map(Node::items).unwrap_or_default();
        let keys: Vec<_> = keys.iter().map(|key| (text(key, &["AttributeName"]), text(key, &["KeyType"]))).collect();
        if keys != [(Some("p"), Some("HASH")), (Some("s"), Some("RANGE"))] {
            complaints.push(format!("the keys are {keys:?}"));
        }
        if text(table, &["Properties", "TimeToLiveSpecification", "AttributeName"]) != Some("ttl") {
            complaints.push("nothing expires".to_owned());
        }
    }
}

fn parameters(template: &Template, complaints: &mut Vec<String>) {
    let mut referred = Vec::new();
    template.0.for_each(&mut |node| referred.extend(node.reference().map(|(name, _)| name)));
    let readme = read("README.md");
    for parameter in template.section("Parameters") {
        let name = &parameter.key;
        if text(&parameter.value, &["Description"]).is_none_or(|text| text.len() < 20) {
            complaints.push(format!("nobody says what the parameter {name} is"));
        }
        if !referred.contains(name) {
            complaints.push(format!("the parameter {name} changes nothing"));
        }
        let default = text(&parameter.value, &["Default"])
            .map_or_else(String::new, |text| if text.is_empty() { "–".to_owned() } else { format!("`{text}`") });
        let mut row = String::new();
        let _ = write!(row, "| `{name}` | {default} |");
        if !readme.contains(&row) {
            complaints.push(format!("README.md has no row {row}"));
        }
    }
}

/// A piece of the template, what to write instead, and a part of the complaint that follows.
const MUTATIONS: &[(&str, &str, &str)] = &[
    ("      CodeUri: bootstrap/\n", "", "ApiFunction would be packaged from another folder"),
    ("    RecursiveLoop: Allow\n", "", "DriveFunction is stopped when it is called in a circle"),
    ("      LogGroup: !Ref Logs\n", "", "ApiFunction logs into a group"),
    ("      SystemLogLevel: WARN\n", "", "ApiFunction pays for what Lambda tells of every invocation"),
    ("      RetentionInDays: !Ref LogRetentionDays\n", "      Tags: []\n", "Logs keeps everything for ever"),
    (
        "FunctionResponseTypes: [ReportBatchItemFailures]\n",
        "StartingPosition: LATEST\n",
        "DriveFunction cannot say which messages of Wakes failed",
    ),
    (
        "            Destination: !GetAtt WakesDeadLetters.Arn\n",
        "            Destination: !GetAtt Wakes.Arn\n",
        "DirectFunction loses what it was invoked with",
    ),
    (
        "      ReservedConcurrentExecutions: !If [StartsDirectly, !Ref DirectStarts, !Ref AWS::NoValue]\n",
        "",
        "DirectFunction may take all the concurrency",
    ),
    (
        "    Type: AWS::Lambda::EventSourceMapping\n    Condition: HasOwnQueues\n",
        "    Type: AWS::Lambda::EventSourceMapping\n",
        "Tasks costs something where nobody asked for it",
    ),
    ("                  - !GetAtt TasksFunction.Arn\n", "", "Drive may not lambda:InvokeFunction on TasksFunction.Arn"),
    (
        "        - !Ref DrivePolicy\n",
        "        - !Ref StartPolicy\n",
        "Drive may also lambda:InvokeFunction on arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-direct",
    ),
    ("      Timeout: 900\n", "      Timeout: 901\n", "TasksFunction times out after 901 s"),
    ("VisibilityTimeout: 5400", "VisibilityTimeout: 5399", "Tasks shows messages again after 5399 s"),
    ("      VisibilityTimeout: 720\n", "", "Wakes shows messages again after 30 s"),
    ("    Default: 40\n", "    Default: 41\n", "functions take 251"),
    ("    Default: 50\n", "    Default: 51\n", "functions take 251"),
    (
        "      ReservedConcurrentExecutions: !If [ReservesWithoutQueues, !Ref TasksConcurrency, !Ref AWS::NoValue]\n",
        "",
        "TasksFunction may take all the concurrency",
    ),
    (
        "      ReservedConcurrentExecutions: !If [Reserves, !Ref ActivityConcurrency, !Ref AWS::NoValue]\n",
        "",
        "ActivityFunction may take all the concurrency",
    ),
    (
        "            ScalingConfig:\n              MaximumConcurrency: !Ref DriveConcurrency\n",
        "",
        "Wakes may take all the concurrency",
    ),
    (
        "      RedrivePolicy:\n        deadLetterTargetArn: !GetAtt ExpressDeadLetters.Arn\n        maxReceiveCount: 100\n",
        "",
        "Express has no queue of dead letters",
    ),
    ("maxReceiveCount: 100", "maxReceiveCount: 5", "Wakes gives a message up after 5 times"),
    ("MessageRetentionPeriod: 1209600", "MessageRetentionPeriod: 345600", "WakesDeadLetters forgets"),
    ("      SqsManagedSseEnabled: true\n", "", "Wakes is not encrypted"),
    (
        "    Condition: HasOwnQueues\n    Properties:\n      MaximumMessageSize: 1048576\n      VisibilityTimeout",
        "    Condition: HasOwnQueues\n    Properties:\n      VisibilityTimeout",
        "Express takes no message of more than 0 bytes",
    ),
    (
        "        - {Name: QueueName, Value: !GetAtt ExpressDeadLetters.QueueName}\n",
        "        - {Name: QueueName, Value: !GetAtt Express.QueueName}\n",
        "nobody hears of what lies in ExpressDeadLetters",
    ),
    (
        "    Condition: HasDeadLetterAlarms\n",
        "    Condition: HasDeadLetterAlarm\n",
        "nobody hears of what lies in TasksDeadLetters",
    ),
    ("    DeletionPolicy: Retain\n", "", "DeletionPolicy does not keep the table"),
    ("    UpdateReplacePolicy: Retain\n", "    UpdateReplacePolicy: Delete\n", "UpdateReplacePolicy does not keep the table"),
    ("DeletionProtectionEnabled: true", "DeletionProtectionEnabled: false", "anybody may delete the table"),
    ("AttributeName: s, KeyType: RANGE", "AttributeName: sort, KeyType: RANGE", "the keys are"),
    ("AttributeName: ttl", "AttributeName: expires", "nothing expires"),
    (
        "    Type: AWS::Lambda::Permission\n    Condition: IsPublic\n",
        "    Type: AWS::Lambda::Permission\n",
        "ApiUrlPermission lets everybody in",
    ),
    (
        "    Description: Memory in MB of the function that answers the API.",
        "    # .",
        "nobody says what the parameter ApiMemorySize is",
    ),
    ("        STATEWRIGHT_POLL_SECONDS: !Ref PollSeconds\n", "", "the parameter PollSeconds changes nothing"),
    ("    MaxValue: 25\n    Default: 10\n", "    MaxValue: 25\n    Default: 11\n", "README.md has no row | `PollSeconds` | `11` |"),
    // Rights.
    (
        "                - IsPublic\n                - Sid: Keys\n",
        "                - HasRoles\n                - Sid: Keys\n",
        "Api may also ssm:GetParameter",
    ),
    ("              - dynamodb:Query\n", "              - dynamodb:*\n", "TablePolicy allows dynamodb:*"),
    ("            Resource: !GetAtt Table.Arn\n", "            Resource: \"*\"\n", "TablePolicy allows dynamodb:BatchGetItem on *"),
    (
        "              - dynamodb:Query\n",
        "              - dynamodb:Query\n              - dynamodb:Scan\n",
        "Drive may also dynamodb:Scan on Table.Arn",
    ),
    ("              - dynamodb:DeleteItem\n            ", "            ", "Sweep may not dynamodb:DeleteItem on Table.Arn"),
    ("                  - sqs:ChangeMessageVisibility\n", "", "Drive may not sqs:ChangeMessageVisibility on Wakes.Arn"),
    ("        - !Ref StartPolicy\n", "", "Api may not sqs:SendMessage on Wakes.Arn"),
    (
        "        - !If [DoesTasks, !Ref TaskPolicy, !Ref AWS::NoValue]\n",
        "",
        "Api may not sts:AssumeRole on RoleArns if DoesTasks and HasRoles",
    ),
    (
        "            - HasRoles\n            - Sid: Roles",
        "            - HasFunctions\n            - Sid: Roles",
        "Tasks may also sts:AssumeRole on RoleArns if DoesTasks and HasFunctions",
    ),
    (
        "        - !Ref TablePolicy\n",
        "        - arn:aws:iam::aws:policy/AdministratorAccess\n",
        "Api has a policy that is not ours",
    ),
    (
        "              Action: sts:AssumeRole\n              Resource: !Ref RoleArns\n            - !Ref AWS::NoValue\n",
        "              Action: sts:AssumeRole\n              Resource: !Ref RoleArns\n            - Effect: Allow\n              Action: \"*\"\n",
        "TaskPolicy has a statement with Fn::If",
    ),
    ("    Type: AWS::IAM::ManagedPolicy\n", "    Type: AWS::IAM::Policy\n", "TablePolicy is AWS::IAM::Policy"),
    ("Principal: {Service: lambda.amazonaws.com}", "Principal: {AWS: \"*\"}", "ApiRole trusts"),
    ("      Role: !GetAtt SweepRole.Arn\n", "", "SweepFunction has no role of its own"),
    ("      Role: !GetAtt SweepRole.Arn\n", "      Role: !GetAtt ApiRole.Arn\n", "SweepFunction has no role of its own"),
    (
        "                  Action: ssm:GetParameter\n",
        "                  NotAction: iam:PassRole\n",
        "ApiRole has a statement with NotAction",
    ),
];

#[test]
fn the_template_is_as_it_must_be() {
    assert_eq!(complaints(&Template::of(&read("template.yaml"))), Vec::<String>::new());
}

#[test]
fn a_template_that_is_not_is_refused() {
    let text = read("template.yaml");
    for (piece, instead, complaint) in MUTATIONS {
        assert!(text.contains(piece), "{piece} is not in the template");
        let said = complaints(&Template::of(&text.replacen(piece, instead, 1)));
        assert!(said.iter().any(|said| said.contains(complaint)), "{piece} → {instead}: {said:#?}");
    }
}

#[test]
fn cfn_lint_has_nothing_to_say() {
    let Some(python) = components::python() else { return };
    let program = Path::new(&python).with_file_name("cfn-lint");
    let lint = |path: &str| Command::new(&program).arg(path).output().unwrap_or_else(|error| panic!("{error}"));
    let ours = lint(&format!("{FOLDER}/template.yaml"));
    assert!(ours.status.success(), "{}{}", String::from_utf8_lossy(&ours.stdout), String::from_utf8_lossy(&ours.stderr));
    let wrong = std::env::temp_dir().join(format!("statewright-lint-{}.yaml", std::process::id()));
    std::fs::write(&wrong, read("template.yaml").replace("KeyType: RANGE", "KeyType: ORDER"))
        .unwrap_or_else(|error| panic!("{error}"));
    let found = lint(&wrong.to_string_lossy());
    std::fs::remove_file(&wrong).unwrap_or_else(|error| panic!("{error}"));
    assert!(!found.status.success() && String::from_utf8_lossy(&found.stdout).contains("ORDER"), "cfn-lint looks at the template");
}
