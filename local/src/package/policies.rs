//! The `Policies` of a state machine in SAM, as those of a role.

use statewright_template::Node;

use super::machine::Machine;
use super::source::Findings;
use super::{Settings, plain, tagged};

/// Policy templates of SAM for the services that tasks call: their parameter, the actions, the resources.
///
/// Source: SAM developer guide, "AWS SAM policy template list".
const TEMPLATES: [(&str, &str, &[&str], &[&str]); 8] = [
    ("DynamoDBCrudPolicy", "TableName", DYNAMODB_CRUD, DYNAMODB),
    (
        "DynamoDBReadPolicy",
        "TableName",
        &["dynamodb:GetItem", "dynamodb:Scan", "dynamodb:Query", "dynamodb:BatchGetItem", "dynamodb:DescribeTable"],
        DYNAMODB,
    ),
    ("DynamoDBWritePolicy", "TableName", &["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem"], DYNAMODB),
    ("EventBridgePutEventsPolicy", "EventBusName", &["events:PutEvents"], &["events:${AWS::Region}:${AWS::AccountId}:event-bus/"]),
    ("LambdaInvokePolicy", "FunctionName", &["lambda:InvokeFunction"], &["lambda:${AWS::Region}:${AWS::AccountId}:function:|*"]),
    ("SNSPublishMessagePolicy", "TopicName", &["sns:Publish"], &["sns:${AWS::Region}:${AWS::AccountId}:"]),
    ("SQSSendMessagePolicy", "QueueName", &["sqs:SendMessage*"], &["sqs:${AWS::Region}:${AWS::AccountId}:"]),
    (
        "StepFunctionsExecutionPolicy",
        "StateMachineName",
        &["states:StartExecution"],
        &["states:${AWS::Region}:${AWS::AccountId}:stateMachine:"],
    ),
];
const DYNAMODB_CRUD: &[&str] = &[
    "dynamodb:GetItem",
    "dynamodb:DeleteItem",
    "dynamodb:PutItem",
    "dynamodb:Scan",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:BatchGetItem",
    "dynamodb:DescribeTable",
    "dynamodb:ConditionCheckItem",
];
const DYNAMODB: &[&str] =
    &["dynamodb:${AWS::Region}:${AWS::AccountId}:table/", "dynamodb:${AWS::Region}:${AWS::AccountId}:table/|/index/*"];

/// Where the deployment's default setting looks for roles.
const PATH: &str = "/statewright/";

/// The role of a machine that has no `Role` of its own, and how many policies it has.
pub(super) fn role(machine: &Machine<'_>, settings: &Settings<'_>, findings: &mut Findings) -> (Node, usize) {
    let mut managed = Vec::new();
    let mut inline = Vec::new();
    let policies = machine.properties.get("Policies");
    // One policy, or a list of them.
    let policies: Vec<&Node> = match policies {
        None => Vec::new(),
        Some(node) if node.items().is_empty() => vec![node],
        Some(node) => node.items().iter().collect(),
    };
    for policy in &policies {
        if let Some(text) = policy.as_text() {
            if text.starts_with("arn:") {
                managed.push((*policy).clone());
            } else {
                let help = "write its ARN: where AWS keeps a policy does not follow from its name";
                findings.refuse(policy, format!("`{}` has the policy `{text}` by its name", machine.name), help);
            }
        } else if policy.function().is_some() {
            managed.push((*policy).clone());
        } else if policy.get("Statement").is_some() {
            inline.push((*policy).clone());
        } else {
            inline.extend(from_template(machine, policy, findings));
        }
    }
    let name = |at: usize| format!("{}RolePolicy{at}", machine.name);
    let inline: Vec<Node> = inline
        .into_iter()
        .enumerate()
        .map(|(at, document)| Node::object([("PolicyName", Node::text(name(at))), ("PolicyDocument", document)]))
        .collect();
    let path = machine.properties.get("RolePath").cloned().unwrap_or_else(|| Node::text(PATH));
    let mut properties = vec![("Path", path), ("AssumeRolePolicyDocument", document(vec![trust(settings)]))];
    properties.extend((!managed.is_empty()).then(|| ("ManagedPolicyArns", Node::array(managed))));
    properties.extend((!inline.is_empty()).then(|| ("Policies", Node::array(inline))));
    properties.extend(machine.properties.get("PermissionsBoundary").map(|arn| ("PermissionsBoundary", arn.clone())));
    (machine.beside("AWS::IAM::Role", Node::object(properties)), policies.len())
}

/// The statement of a role that lets the deployment assume it.
pub(super) fn trust(settings: &Settings<'_>) -> Node {
    let roles = tagged("Split", Node::array([Node::text(","), settings.import("TaskRoleArns")]));
    Node::object([
        ("Effect", Node::text("Allow")),
        ("Principal", Node::object([("AWS", roles)])),
        ("Action", Node::text("sts:AssumeRole")),
    ])
}

fn document(statements: Vec<Node>) -> Node {
    // In quotes, or it would be a date.
    Node::object([("Version", Node::text("2012-10-17")), ("Statement", Node::array(statements))])
}

fn from_template(machine: &Machine<'_>, policy: &Node, findings: &mut Findings) -> Option<Node> {
    let [member] = policy.members() else {
        let help = "write one policy template, or a `Statement`, in each item";
        findings.refuse(policy, format!("`{}` has a policy that is not understood", machine.name), help);
        return None;
    };
    let Some((_, parameter, actions, resources)) = TEMPLATES.iter().find(|known| known.0 == member.key) else {
        let help = "write the statement itself: `- Statement: [{Effect: Allow, Action: …, Resource: …}]`";
        findings.refuse_at(member.key_span.start, format!("`{}` has the policy template `{}`", machine.name, member.key), help);
        return None;
    };
    let Some(value) = member.value.get(parameter) else {
        let message = format!("`{}` of `{}` has no `{parameter}`", member.key, machine.name);
        findings.refuse(&member.value, message, format!("say `{parameter}: NAME`"));
        return None;
    };
    let resource = |pattern: &&str| {
        let (before, after) = pattern.split_once('|').unwrap_or((pattern, ""));
        let text = Node::text(format!("arn:${{AWS::Partition}}:{before}${{{parameter}}}{after}"));
        tagged("Sub", Node::array([text, Node::object([(*parameter, value.clone())])]))
    };
    let statement = Node::object([
        ("Effect", Node::text("Allow")),
        ("Action", Node::array(actions.iter().map(|action| Node::text(*action)))),
        ("Resource", Node::array(resources.iter().map(resource))),
    ]);
    Some(document(vec![statement]))
}

/// A role of the template that trusts the deployment too; `None` if it does already.
pub(super) fn trusting(role: &Node, settings: &Settings<'_>) -> Result<Option<Node>, &'static str> {
    const UNKNOWN: &str = "whom it trusts is not written in the template";
    let statement = role.at(&["Properties", "AssumeRolePolicyDocument", "Statement"]).ok_or(UNKNOWN)?;
    if statement.function().is_some() {
        return Err(UNKNOWN);
    }
    let export = format!("{}-TaskRoleArns", settings.deployment);
    let mut trusts = false;
    statement.for_each(&mut |node| {
        let import = node.function().filter(|function| function.name == "Fn::ImportValue");
        trusts |= import.is_some_and(|import| import.argument.untagged().as_text() == Some(&export));
    });
    if trusts {
        return Ok(None);
    }
    let mut statements = if statement.items().is_empty() { vec![statement.clone()] } else { statement.items().to_vec() };
    statements.push(trust(settings));
    let mut role = role.clone();
    let place = ["Properties", "AssumeRolePolicyDocument", "Statement"];
    *at_mut(&mut role, &place).ok_or(UNKNOWN)? = Node::array(statements);
    Ok(Some(role))
}

fn at_mut<'n>(node: &'n mut Node, path: &[&str]) -> Option<&'n mut Node> {
    path.iter().try_fold(node, |node, key| match &mut node.kind {
        statewright_template::Kind::Object(members) => {
            members.iter_mut().find(|member| member.key == *key).map(|member| &mut member.value)
        }
        statewright_template::Kind::Scalar { .. } | statewright_template::Kind::Array(_) => None,
    })
}

/// A number of seconds or megabytes.
pub(super) fn number(value: u32) -> Node {
    plain(&value.to_string())
}
