//! What each function may do: exactly this, on exactly that.

use std::collections::BTreeSet;

use statewright_template::Node;

use super::{TIMEOUTS, Template, named, text};

/// What every function may do besides its own.
const ALL: &[&str] = &[
    "dynamodb:BatchGetItem on Table.Arn",
    "dynamodb:DeleteItem on Table.Arn",
    "dynamodb:GetItem on Table.Arn",
    "dynamodb:PutItem on Table.Arn",
    "dynamodb:Query on Table.Arn",
    "kms:Decrypt on KmsKeyArn if HasKmsKey",
    "kms:DescribeKey on KmsKeyArn if HasKmsKey",
    "kms:Encrypt on KmsKeyArn if HasKmsKey",
    "kms:GenerateDataKey* on KmsKeyArn if HasKmsKey",
    "kms:ReEncrypt* on KmsKeyArn if HasKmsKey",
    "logs:CreateLogStream on Logs.Arn",
    "logs:PutLogEvents on Logs.Arn",
];

/// What waking executions and starting some takes.
const START: &[&str] = &[
    "events:PutEvents on StatusEventBusArn if HasStatusEventBus",
    "logs:CreateLogStream on LogGroupArns if HasLogGroups",
    "logs:PutLogEvents on LogGroupArns if HasLogGroups",
    "sqs:SendMessage on Express.Arn if HasOwnQueues",
    "sqs:SendMessage on Wakes.Arn",
];

/// What driving new executions at once takes besides, in a function of another stack too.
const DIRECT: &[&str] = &[
    "lambda:InvokeFunction on arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-direct if StartsDirectly",
];

/// What tasks take: the role of the state machine; without roles, what the parameters list.
const TASKS: &[&str] = &[
    "dynamodb:DeleteItem on TableArns if DoesTasks and WritesItems",
    "dynamodb:GetItem on TableArns if DoesTasks and WritesItems",
    "dynamodb:PutItem on TableArns if DoesTasks and WritesItems",
    "dynamodb:UpdateItem on TableArns if DoesTasks and WritesItems",
    "events:PutEvents on EventBusArns if DoesTasks and PutsEvents",
    "lambda:GetFunctionConfiguration on FunctionArns if DoesTasks and HasFunctions",
    "lambda:InvokeFunction on FunctionArns if DoesTasks and InvokesFunctions",
    "sns:Publish on TopicArns if DoesTasks and Publishes",
    "sqs:SendMessage on QueueArns if DoesTasks and SendsMessages",
    "sts:AssumeRole on RoleArns if DoesTasks and HasRoles",
];

/// What it takes to know the deployment's own keys.
const KEYS: &[&str] = &[
    "ssm:GetParameter on arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/statewright/${AWS::StackName}/keys if IsPublic",
];

const WAKES: &[&str] = &[
    "sqs:ChangeMessageVisibility on Wakes.Arn",
    "sqs:DeleteMessage on Wakes.Arn",
    "sqs:GetQueueAttributes on Wakes.Arn",
    "sqs:ReceiveMessage on Wakes.Arn",
];

/// The function with what only some may do. Whoever does tasks may start executions: some tasks do.
const RIGHTS: [(&str, &[&[&str]]); 8] = [
    ("Api", &[START, DIRECT, TASKS, KEYS]),
    (
        "Drive",
        &[
            START,
            TASKS,
            WAKES,
            &[
                "lambda:InvokeFunction on ExpressFunction.Arn",
                "lambda:InvokeFunction on TasksFunction.Arn",
                "sqs:SendMessage on Tasks.Arn if HasOwnQueues",
            ],
        ],
    ),
    ("Direct", &[START, TASKS, &["sqs:SendMessage on Tasks.Arn if HasOwnQueues", "sqs:SendMessage on WakesDeadLetters.Arn"]]),
    (
        "Tasks",
        &[
            START,
            TASKS,
            &[
                "sqs:ChangeMessageVisibility on Tasks.Arn if HasOwnQueues",
                "sqs:DeleteMessage on Tasks.Arn if HasOwnQueues",
                "sqs:GetQueueAttributes on Tasks.Arn if HasOwnQueues",
                "sqs:ReceiveMessage on Tasks.Arn if HasOwnQueues",
                "sqs:SendMessage on Tasks.Arn if HasOwnQueues",
                "sqs:SendMessage on WakesDeadLetters.Arn",
            ],
        ],
    ),
    (
        "Express",
        &[
            START,
            TASKS,
            &[
                "sqs:ChangeMessageVisibility on Express.Arn if HasOwnQueues",
                "sqs:DeleteMessage on Express.Arn if HasOwnQueues",
                "sqs:GetQueueAttributes on Express.Arn if HasOwnQueues",
                "sqs:ReceiveMessage on Express.Arn if HasOwnQueues",
                "sqs:SendMessage on WakesDeadLetters.Arn",
            ],
        ],
    ),
    (
        "Sweep",
        &[&[
            "sqs:DeleteMessage on WakesDeadLetters.Arn",
            "sqs:ReceiveMessage on WakesDeadLetters.Arn",
            "sqs:SendMessage on Wakes.Arn",
            "sqs:SendMessage on WakesDeadLetters.Arn",
        ]],
    ),
    (
        "Activity",
        &[
            KEYS,
            &[
                "events:PutEvents on StatusEventBusArn if HasStatusEventBus",
                "logs:CreateLogStream on LogGroupArns if HasLogGroups",
                "logs:PutLogEvents on LogGroupArns if HasLogGroups",
                "sqs:SendMessage on Wakes.Arn",
            ],
        ],
    ),
    (
        "Resource",
        &[&[
            "s3:GetObject on DefinitionArns if ReadsDefinitions",
            "s3:GetObjectVersion on DefinitionArns if ReadsDefinitions",
            "ssm:DeleteParameter on arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/statewright/${AWS::StackName}/keys",
            "ssm:PutParameter on arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/statewright/${AWS::StackName}/keys",
        ]],
    ),
];

/// Actions with a wildcard in their name, and why AWS has them so.
const WILDCARDS: [(&str, &str); 2] = [
    (
        "kms:GenerateDataKey*",
        "DynamoDB developer guide, \"Authorizing use of your customer managed key\": with and without plaintext",
    ),
    ("kms:ReEncrypt*", "the same: from and to"),
];

/// Something that is allowed.
struct Right {
    action: String,
    resource: String,
    conditions: Vec<String>,
}

impl Right {
    fn text(&self) -> String {
        let Self { action, resource, conditions } = self;
        let mut conditions = conditions.clone();
        conditions.sort();
        conditions.dedup();
        let conditions = if conditions.is_empty() { String::new() } else { format!(" if {}", conditions.join(" and ")) };
        format!("{action} on {resource}{conditions}")
    }
}

pub(super) fn complaints(template: &Template, complaints: &mut Vec<String>) {
    for member in template.section("Resources") {
        let of = text(&member.value, &["Type"]).unwrap_or_default();
        if of.starts_with("AWS::IAM::") && !["AWS::IAM::Role", "AWS::IAM::ManagedPolicy"].contains(&of) {
            complaints.push(format!("{} is {of}, whose rights nobody looks at", member.key));
        }
    }
    for (name, own) in RIGHTS {
        let expected: BTreeSet<String> = own.iter().copied().chain([ALL]).flatten().map(|right| (*right).to_owned()).collect();
        let found = of_function(template, name, complaints);
        complaints.extend(found.difference(&expected).map(|right| format!("{name} may also {right}")));
        complaints.extend(expected.difference(&found).map(|right| format!("{name} may not {right}")));
    }
    assert_eq!(RIGHTS.map(|row| row.0), TIMEOUTS.map(|row| row.0), "every function is here");
}

fn of_function(template: &Template, name: &str, complaints: &mut Vec<String>) -> BTreeSet<String> {
    let (function, role) = (format!("{name}Function"), format!("{name}Role"));
    if template.properties(&function).and_then(|function| named(function, &["Role"])).as_ref() != Some(&role) {
        complaints.push(format!("{function} has no role of its own"));
    }
    let mut rights = Vec::new();
    let Some(properties) = template.properties(&role) else {
        complaints.push(format!("there is no {role}"));
        return BTreeSet::new();
    };
    for statement in items(properties, &["AssumeRolePolicyDocument", "Statement"]) {
        if text(statement, &["Principal", "Service"]) != Some("lambda.amazonaws.com") {
            complaints.push(format!("{role} trusts somebody else than Lambda"));
        }
    }
    for policy in items(properties, &["ManagedPolicyArns"]) {
        let (policy, conditions) = condition(policy);
        match policy.reference() {
            Some((policy, None)) if template.properties(&policy).is_some() => {
                let document = template.properties(&policy).and_then(|policy| policy.get("PolicyDocument"));
                document.into_iter().for_each(|document| statements(&policy, document, &conditions, &mut rights, complaints));
            }
            _ => complaints.push(format!("{name} has a policy that is not ours")),
        }
    }
    for policy in items(properties, &["Policies"]) {
        let document = policy.get("PolicyDocument");
        document.into_iter().for_each(|document| statements(&role, document, &[], &mut rights, complaints));
    }
    rights.iter().map(Right::text).collect()
}

fn items<'n>(node: &'n Node, path: &[&str]) -> &'n [Node] {
    node.at(path).map(Node::items).unwrap_or_default()
}

/// What stands there under a condition, and the condition: `!If [Condition, this, !Ref AWS::NoValue]`. Of another form nothing is known.
fn condition(node: &Node) -> (&Node, Vec<String>) {
    match node.get("Fn::If").map(Node::items) {
        Some([condition, then, otherwise]) if otherwise.reference() == Some(("AWS::NoValue".to_owned(), None)) => {
            (then, condition.as_text().map(str::to_owned).into_iter().collect())
        }
        Some(_) | None => (node, Vec::new()),
    }
}

/// One or several.
fn one_or_several(node: Option<&Node>) -> Vec<&Node> {
    match node.map(Node::items) {
        Some([]) | None => node.into_iter().collect(),
        Some(items) => items.iter().collect(),
    }
}

fn statements(policy: &str, document: &Node, outer: &[String], rights: &mut Vec<Right>, complaints: &mut Vec<String>) {
    for statement in items(document, &["Statement"]) {
        let (statement, conditions) = condition(statement);
        for member in statement.members() {
            if !["Sid", "Effect", "Action", "Resource", "Condition"].contains(&member.key.as_str()) {
                complaints.push(format!("{policy} has a statement with {}", member.key));
            }
        }
        if text(statement, &["Effect"]) != Some("Allow") {
            complaints.push(format!("{policy} has a statement that does not allow"));
        }
        for action in one_or_several(statement.get("Action")).into_iter().filter_map(Node::as_text) {
            for resource in one_or_several(statement.get("Resource")) {
                let resource = match resource.reference() {
                    Some((name, None)) => name,
                    Some((name, Some(attribute))) => format!("{name}.{attribute}"),
                    None => text(resource, &["Fn::Sub"]).or(resource.as_text()).unwrap_or("something else").to_owned(),
                };
                if resource.contains('*') {
                    complaints.push(format!("{policy} allows {action} on {resource}"));
                }
                if action.contains('*') && !WILDCARDS.iter().any(|known| known.0 == action) {
                    complaints.push(format!("{policy} allows {action}"));
                }
                let conditions = outer.iter().chain(&conditions).cloned().collect();
                rights.push(Right { action: action.to_owned(), resource, conditions });
            }
        }
    }
}
