//! Which services and actions a Task's `Resource` may name, and with which patterns.
//!
//! Source: developer guide, "Integrating optimized services", the table of supported patterns.

use std::sync::Arc;

use super::resource::{Pattern, Resource};

/// What a `Resource` was recognised as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recognised {
    /// Something that can be called.
    Resource(Resource),
    /// A text that is no ARN and stands for one.
    Placeholder(Resource),
    /// An ARN of something that cannot be called.
    Unknown,
}

/// The patterns an action has besides request and response.
#[derive(Clone, Copy, PartialEq, Eq)]
enum More {
    Nothing,
    Sync,
    Token,
    SyncAndToken,
    /// `.sync:2` too.
    Sync2AndToken,
}

use More::{Nothing, Sync, Sync2AndToken, SyncAndToken, Token};

/// The optimised integrations.
const OPTIMISED: &[(&str, &[(&str, More)])] = &[
    ("lambda", &[("invoke", Token)]),
    ("sqs", &[("sendMessage", Token)]),
    ("sns", &[("publish", Token)]),
    ("dynamodb", &[("getItem", Nothing), ("putItem", Nothing), ("updateItem", Nothing), ("deleteItem", Nothing)]),
    ("events", &[("putEvents", Token)]),
    ("states", &[("startExecution", Sync2AndToken)]),
    ("ecs", &[("runTask", SyncAndToken)]),
    ("batch", &[("submitJob", Sync)]),
    ("glue", &[("startJobRun", Sync)]),
    ("databrew", &[("startJobRun", Sync)]),
    (
        "athena",
        &[
            ("startQueryExecution", Sync),
            ("stopQueryExecution", Nothing),
            ("getQueryExecution", Nothing),
            ("getQueryResults", Nothing),
        ],
    ),
    (
        "codebuild",
        &[
            ("startBuild", Sync),
            ("startBuildBatch", Sync),
            ("retryBuildBatch", Sync),
            ("stopBuild", Nothing),
            ("stopBuildBatch", Nothing),
            ("batchDeleteBuilds", Nothing),
            ("batchGetReports", Nothing),
            ("deleteBuildBatch", Nothing),
        ],
    ),
    (
        "elasticmapreduce",
        &[
            ("createCluster", Sync),
            ("terminateCluster", Sync),
            ("addStep", Sync),
            ("cancelStep", Nothing),
            ("setClusterTerminationProtection", Nothing),
            ("modifyInstanceFleetByName", Nothing),
            ("modifyInstanceGroupByName", Nothing),
        ],
    ),
    ("emr-containers", &[("startJobRun", Sync), ("deleteVirtualCluster", Sync), ("createVirtualCluster", Nothing)]),
    (
        "emr-serverless",
        &[
            ("createApplication", Sync),
            ("startApplication", Sync),
            ("stopApplication", Sync),
            ("deleteApplication", Sync),
            ("startJobRun", Sync),
            ("cancelJobRun", Sync),
        ],
    ),
    (
        "eks",
        &[
            ("createCluster", Sync),
            ("deleteCluster", Sync),
            ("createNodegroup", Sync),
            ("deleteNodegroup", Sync),
            ("createFargateProfile", Sync),
            ("deleteFargateProfile", Sync),
            ("runJob", SyncAndToken),
            ("call", Token),
        ],
    ),
    (
        "sagemaker",
        &[
            ("createTrainingJob", Sync),
            ("createTransformJob", Sync),
            ("createProcessingJob", Sync),
            ("createHyperParameterTuningJob", Sync),
            ("createLabelingJob", Sync),
            ("createModel", Nothing),
            ("createEndpointConfig", Nothing),
            ("createEndpoint", Nothing),
            ("updateEndpoint", Nothing),
        ],
    ),
    ("apigateway", &[("invoke", Token)]),
    ("bedrock", &[("invokeModel", Token), ("createModelCustomizationJob", SyncAndToken)]),
    ("bedrockagentcore", &[("invokeHarness", Nothing)]),
    ("mediaconvert", &[("createJob", Sync)]),
    ("http", &[("invoke", Nothing)]),
];

/// Takes a `Resource` apart.
pub(super) fn resource(text: &str) -> Recognised {
    let arn: Arc<str> = text.into();
    if !text.starts_with("arn:") {
        return Recognised::Placeholder(Resource::Lambda { arn });
    }
    let parts = split(text);
    let [_, partition, service, _region, _account, rest @ ..] = parts.as_slice() else { return Recognised::Unknown };
    let is_partition = is_placeholder(partition) || partition.starts_with("aws");
    match (*service, rest) {
        _ if !is_partition => Recognised::Unknown,
        ("states", ["activity", name]) if !name.is_empty() => Recognised::Resource(Resource::Activity { arn }),
        ("states", ["aws-sdk", service, action]) => integration(arn, format!("aws-sdk:{service}"), &[*action], sdk),
        ("states", [service, action @ ..]) => {
            integration(Arc::clone(&arn), (*service).to_owned(), action, |action, pattern| optimised(service, action, pattern))
        }
        ("lambda", ["function", name, ..]) if !name.is_empty() => Recognised::Resource(Resource::Lambda { arn }),
        ("lambda", [placeholder]) if is_placeholder(placeholder) => Recognised::Resource(Resource::Lambda { arn }),
        (service, _) if is_placeholder(service) => Recognised::Placeholder(Resource::Lambda { arn }),
        _ => Recognised::Unknown,
    }
}

fn integration(arn: Arc<str>, resource_type: String, rest: &[&str], is_known: impl Fn(&str, Pattern) -> bool) -> Recognised {
    let resource = rest.join(":");
    let (action, pattern) = match resource.rsplit_once('.') {
        Some((action, "sync")) => (action, Pattern::Sync),
        Some((action, "sync:2")) => (action, Pattern::Sync2),
        Some((action, "waitForTaskToken")) => (action, Pattern::WaitForTaskToken),
        _ => (resource.as_str(), Pattern::RequestResponse),
    };
    let is_open = is_placeholder(&resource_type) || is_placeholder(&resource);
    if !is_open && !is_known(action, pattern) {
        return Recognised::Unknown;
    }
    let resource = Resource::Service { arn, resource_type: resource_type.into(), resource: resource.as_str().into(), pattern };
    if is_open { Recognised::Placeholder(resource) } else { Recognised::Resource(resource) }
}

/// Any action of any service may be called, in its SDK's spelling.
fn sdk(action: &str, pattern: Pattern) -> bool {
    let is_name = action.starts_with(|c: char| c.is_ascii_lowercase()) && action.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_name && matches!(pattern, Pattern::RequestResponse | Pattern::WaitForTaskToken)
}

fn optimised(service: &str, action: &str, pattern: Pattern) -> bool {
    let known = actions(service).iter().find(|known| known.0 == action);
    known.is_some_and(|&(_, more)| match pattern {
        Pattern::RequestResponse => true,
        Pattern::Sync => matches!(more, Sync | SyncAndToken | Sync2AndToken),
        Pattern::Sync2 => more == Sync2AndToken,
        Pattern::WaitForTaskToken => matches!(more, Token | SyncAndToken | Sync2AndToken),
    })
}

fn actions(service: &str) -> &'static [(&'static str, More)] {
    OPTIMISED.iter().find(|known| known.0 == service).map_or(&[], |known| known.1)
}

/// What a wrong resource may have been meant to be.
pub(super) fn suggestion(text: &str) -> Option<String> {
    let parts = split(text);
    let ["arn", _, "states", _, _, service, action, ..] = parts.as_slice() else { return None };
    let bare = action.split('.').next().unwrap_or_default();
    let known = actions(service);
    if let Some((name, _)) = known.iter().find(|known| known.0.eq_ignore_ascii_case(bare)) {
        return Some(if *name == bare {
            format!("`{service}:{name}` does not support this pattern")
        } else {
            format!("did you mean `{service}:{name}`?")
        });
    }
    if known.is_empty() {
        return Some(format!("other services are called as `arn:aws:states:::aws-sdk:{service}:{bare}`"));
    }
    let names: Vec<&str> = known.iter().map(|known| known.0).collect();
    Some(format!("`{service}` has {}; other actions are called as `arn:aws:states:::aws-sdk:{service}:{bare}`", names.join(", ")))
}

/// Splits an ARN at its colons, but not at those within `${…}` or `#{…}`.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    let mut before = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' if matches!(before, b'$' | b'#') => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b':' if depth == 0 => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
        before = byte;
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

/// Whether part of a text is still to be put in.
fn is_placeholder(text: &str) -> bool {
    ["${", "#{", "<", "{{", "@@", "%"].iter().any(|mark| text.contains(mark))
}
