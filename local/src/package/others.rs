//! What the rest of a template has to do with its state machines: roles that must trust the deployment, and resources that would not
//! work any more.

use std::collections::BTreeSet;

use statewright_template::{Member, Node};

use super::source::{Findings, Template};
use super::{Change, Settings, policies};

/// Resources that start or follow executions of Step Functions itself, and what to write instead.
const STRANGERS: [(&str, &str); 12] = [
    (
        "AWS::Events::Rule",
        "write it as an event of the machine: `Events: {NAME: {Type: EventBridgeRule, …}}` of AWS::Serverless::StateMachine",
    ),
    (
        "AWS::Scheduler::Schedule",
        "write it as an event of the machine: `Events: {NAME: {Type: ScheduleV2, …}}` of AWS::Serverless::StateMachine",
    ),
    ("AWS::Pipes::Pipe", "let it call a function that starts the execution, by StartExecution of the deployment's API"),
    ("AWS::ApiGateway::Method", "let it call a function that starts the execution, by StartExecution of the deployment's API"),
    ("AWS::ApiGateway::RestApi", "let it call a function that starts the execution, by StartExecution of the deployment's API"),
    (
        "AWS::ApiGatewayV2::Integration",
        "let it call a function that starts the execution, by StartExecution of the deployment's API",
    ),
    ("AWS::Serverless::Api", "let it call a function that starts the execution, by StartExecution of the deployment's API"),
    ("AWS::Serverless::HttpApi", "let it call a function that starts the execution, by StartExecution of the deployment's API"),
    ("AWS::Serverless::Connector", "write `Policies`, and the STATEWRIGHT endpoint in the function's environment"),
    ("AWS::StepFunctions::StateMachineAlias", "leave it away: the deployment has no aliases yet"),
    ("AWS::StepFunctions::StateMachineVersion", "leave it away: `publish` of UpdateStateMachine makes versions"),
    ("AWS::CloudWatch::Alarm", "watch the deployment's metrics instead: Step Functions counts nothing of its executions"),
];

/// Looks at everything that is no state machine.
pub(super) fn look(
    template: &Template,
    machines: &[String],
    settings: &Settings<'_>,
    changes: &mut Vec<Change>,
    findings: &mut Findings,
) {
    for Member { key, key_span, value } in template.resources() {
        if machines.contains(key) {
            continue;
        }
        let of = value.get("Type").and_then(Node::as_text).unwrap_or_default();
        if of == "AWS::StepFunctions::Activity" {
            let help = "make it by CreateActivity of the deployment, and hand its ARN to the stack as a parameter";
            findings.refuse_at(key_span.start, format!("`{key}` is an activity of Step Functions"), help);
        }
        let referred = referred(value, machines);
        let Some(machine) = referred.first() else { continue };
        match STRANGERS.iter().find(|known| known.0 == of) {
            Some((_, help)) => {
                let message = format!("`{key}` ({of}) is about `{machine}`, which Step Functions does not know any more");
                findings.refuse_at(key_span.start, message, *help);
            }
            None if of == "AWS::Serverless::Function" || of == "AWS::Lambda::Function" => findings.note(
                value,
                format!("`{key}` knows `{machine}`: if it calls Step Functions, it needs AWS_ENDPOINT_URL_SFN and keys of the deployment"),
            ),
            None => {}
        }
    }
    trust(template, settings, changes, findings);
}

/// The machines that a resource refers to, by `Ref`, `GetAtt` or `Sub`.
fn referred(node: &Node, machines: &[String]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut add = |name: &str| {
        if machines.iter().any(|machine| machine == name) {
            found.insert(name.to_owned());
        }
    };
    node.for_each(&mut |node| {
        if let Some((name, _)) = node.reference() {
            add(&name);
        }
        if let Some(function) = node.function().filter(|function| function.name == "Fn::Sub") {
            let argument = function.argument.untagged();
            let text = argument.as_text().or_else(|| argument.items().first()?.as_text()).unwrap_or_default().to_owned();
            for part in text.split("${").skip(1) {
                add(part.split(['}', '.']).next().unwrap_or_default());
            }
        }
    });
    // A connector names resources by their ids.
    for end in ["Source", "Destination"] {
        if let Some(name) = node.at(&["Properties", end, "Id"]).and_then(Node::as_text) {
            add(name);
        }
    }
    found
}

/// Has the machines' own roles trust the deployment.
fn trust(template: &Template, settings: &Settings<'_>, changes: &mut Vec<Change>, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    let mut roles = Vec::new();
    for change in changes.iter() {
        let Some(role_arn) = change.resource.at(&["Properties", "RoleArn"]) else { continue };
        let name =
            role_arn.reference().filter(|(name, _)| !change.added.iter().any(|(added, _)| added == name)).map(|(name, _)| name);
        let role = name.as_ref().and_then(|name| template.resource(name));
        let Some(role) = role.filter(|role| role.value.get("Type").and_then(Node::as_text) == Some("AWS::IAM::Role")) else {
            if !change.added.iter().any(|(_, node)| node.get("Type").and_then(Node::as_text) == Some("AWS::IAM::Role")) {
                let message =
                    format!("the role of `{}` is not in the template: it must trust the deployment's TaskRoleArns", change.name);
                findings.note(role_arn, format!("{message}, and be among its RoleArns"));
            }
            continue;
        };
        if !seen.insert(role.key.clone()) {
            continue;
        }
        let path = role.value.at(&["Properties", "Path"]).and_then(Node::as_text).unwrap_or("/");
        if !path.starts_with("/statewright/") {
            findings.note(
                &role.value,
                format!("`{}` has the path `{path}`: it must be among the RoleArns of the deployment", role.key),
            );
        }
        match policies::trusting(&role.value, settings) {
            Ok(None) => {}
            Ok(Some(resource)) => roles.push(Change {
                name: role.key.clone(),
                resource,
                added: Vec::new(),
                summary: vec!["trusts the deployment too".to_owned()],
            }),
            Err(why) => findings.note(&role.value, format!("`{}` must trust the deployment's TaskRoleArns: {why}", role.key)),
        }
    }
    changes.extend(roles);
}
