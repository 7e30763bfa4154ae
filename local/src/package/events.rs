//! The `Events` of a state machine, as those of a function that starts its executions.

use statewright_template::{Member, Node};

use super::machine::Machine;
use super::policies::number;
use super::source::Findings;
use super::{Settings, plain};

/// The kinds of events that start executions, and which of their properties a function has as well.
///
/// Source: SAM developer guide, "EventBridgeRule", "CloudWatchEvent", "Schedule", "ScheduleV2", each for state machines and functions.
const KINDS: [(&str, &[&str]); 4] = [
    (
        "EventBridgeRule",
        &[
            "DeadLetterConfig",
            "EventBusName",
            "Input",
            "InputPath",
            "InputTransformer",
            "Pattern",
            "RetryPolicy",
            "RuleName",
            "State",
            "Target",
        ],
    ),
    ("CloudWatchEvent", &["EventBusName", "Input", "InputPath", "Pattern", "State"]),
    ("Schedule", &["DeadLetterConfig", "Description", "Enabled", "Input", "Name", "RetryPolicy", "Schedule", "State"]),
    (
        "ScheduleV2",
        &[
            "DeadLetterConfig",
            "Description",
            "EndDate",
            "FlexibleTimeWindow",
            "GroupName",
            "Input",
            "KmsKeyArn",
            "Name",
            "OmitName",
            "PermissionsBoundary",
            "RetryPolicy",
            "ScheduleExpression",
            "ScheduleExpressionTimezone",
            "StartDate",
            "State",
        ],
    ),
];

/// Memory and time of the function: it writes one item and sends one message.
const MEMORY_MB: u32 = 128;
const SECONDS: u32 = 30;
/// How it logs: as the deployment's functions do, into a log group of its own.
const LOGGING: [(&str, &str); 3] = [("LogFormat", "JSON"), ("ApplicationLogLevel", "INFO"), ("SystemLogLevel", "WARN")];
/// What the scheduler replaces by something that is the same whenever it repeats one invocation.
///
/// Source: EventBridge Scheduler user guide, "Adding context attributes".
const SCHEDULED: &str = "<aws.scheduler.execution-id>";

/// The function that starts a machine's executions, and what it does so on.
pub(super) fn function(machine: &Machine<'_>, settings: &Settings<'_>, findings: &mut Findings) -> Option<(Node, Vec<String>)> {
    let events = machine.properties.get("Events").filter(|events| !events.members().is_empty())?;
    let translated: Vec<_> = events.members().iter().filter_map(|event| translate(machine, event, findings)).collect();
    let Some(code) = settings.code else {
        let help = "name the deployment's program with `--code FOLDER` or `--code s3://BUCKET/KEY`: a function with it starts the executions";
        findings.refuse(events, format!("`{}` is started by events", machine.name), help);
        return None;
    };
    let kinds = translated.iter().map(|(event, kind, _)| format!("{event} ({kind})")).collect();
    let variables = [
        ("STATEWRIGHT_FUNCTION", Node::text("start")),
        ("STATEWRIGHT_STATE_MACHINE", super::tagged("Ref", Node::text(machine.name))),
        ("STATEWRIGHT_TABLE", settings.import("TableName")),
        ("STATEWRIGHT_WAKES", settings.import("WakesUrl")),
        ("STATEWRIGHT_RETENTION_DAYS", settings.import("RetentionDays")),
        ("STATEWRIGHT_EVENTS", settings.import("StatusEventBus")),
        ("STATEWRIGHT_METRICS", settings.import("Metrics")),
        // There or not, as the deployment has it at the time.
        ("STATEWRIGHT_DIRECT", Node::text(format!("{}-direct", settings.deployment))),
    ];
    // What cannot be started after all attempts is kept there, for nobody else has it any more.
    let unstarted =
        Node::object([("DestinationConfig", Node::object([("OnFailure", Node::object([("Type", Node::text("SQS"))]))]))]);
    let function = Node::object([
        ("CodeUri", Node::text(code)),
        ("Runtime", Node::text("provided.al2023")),
        ("Handler", Node::text("bootstrap")),
        ("Architectures", Node::array([Node::text(settings.architecture)])),
        ("MemorySize", number(MEMORY_MB)),
        ("Timeout", number(SECONDS)),
        ("LoggingConfig", Node::object(LOGGING.map(|(name, value)| (name, Node::text(value))))),
        ("RecursiveLoop", Node::text("Allow")),
        ("Policies", Node::array([settings.import("TablePolicyArn"), settings.import("StartPolicyArn")])),
        ("Environment", Node::object([("Variables", Node::object(variables))])),
        ("EventInvokeConfig", unstarted),
        ("Events", Node::object(translated.into_iter().map(|(event, _, node)| (event, node)))),
    ]);
    Some((machine.beside("AWS::Serverless::Function", function), kinds))
}

/// The alarm when the function of this name has given up an event.
///
/// Source: Lambda developer guide, "Types of metrics for Lambda functions", `AsyncEventsDropped`.
pub(super) fn alarm(machine: &Machine<'_>, function: &str) -> Node {
    let dimension = Node::object([("Name", Node::text("FunctionName")), ("Value", super::tagged("Ref", Node::text(function)))]);
    let alarm = Node::object([
        ("AlarmDescription", Node::text("Events started nothing and were given up. They lie in the function's queue of failures.")),
        ("Namespace", Node::text("AWS/Lambda")),
        ("MetricName", Node::text("AsyncEventsDropped")),
        ("Dimensions", Node::array([dimension])),
        ("Statistic", Node::text("Sum")),
        ("Period", number(300)),
        ("EvaluationPeriods", number(1)),
        ("Threshold", number(0)),
        ("ComparisonOperator", Node::text("GreaterThanThreshold")),
        ("TreatMissingData", Node::text("notBreaching")),
    ]);
    machine.beside("AWS::CloudWatch::Alarm", alarm)
}

/// An event: its name, its kind, and what it becomes.
fn translate(machine: &Machine<'_>, event: &Member, findings: &mut Findings) -> Option<(String, String, Node)> {
    let (name, at) = (&event.key, event.key_span.start);
    let what = format!("the event `{name}` of `{}`", machine.name);
    let kind = event.value.get("Type").and_then(Node::as_text).unwrap_or_default();
    let Some((kind, known)) = KINDS.iter().find(|known| known.0 == kind) else {
        let help = match kind {
            "Api" => {
                "let callers use StartExecution of the deployment's API; or give the API a function of yours, which does and answers"
            }
            _ => "write an `EventBridgeRule`, a `CloudWatchEvent`, a `Schedule` or a `ScheduleV2`",
        };
        findings.refuse_at(at, format!("{what} is of the type `{kind}`, which starts nothing here"), help);
        return None;
    };
    let mut properties = Vec::new();
    for member in event.value.get("Properties").map(Node::members).unwrap_or_default() {
        let key = member.key.as_str();
        let help = match key {
            _ if known.contains(&key) => {
                properties.push((key.to_owned(), member.value.clone()));
                continue;
            }
            "RoleArn" => "leave it away: a role that invokes the function is made",
            "Target" => "leave it away: the target is made",
            "Enabled" if *kind == "EventBridgeRule" || *kind == "CloudWatchEvent" => "write `State: ENABLED` or `State: DISABLED`",
            _ => "leave it away",
        };
        findings.refuse_at(member.key_span.start, format!("{what} has `{key}`, which a function's has not"), help);
    }
    if *kind == "ScheduleV2" {
        name_once(&mut properties, &what, event, findings);
    }
    let node = Node::object([("Type", Node::text(*kind)), ("Properties", Node::object(properties))]);
    Some((name.clone(), (*kind).to_owned(), node))
}

/// Has a schedule say which of its invocations it is, so that one that is repeated starts nothing more.
fn name_once(properties: &mut Vec<(String, Node)>, what: &str, event: &Member, findings: &mut Findings) {
    let at = properties.iter().position(|(key, _)| key == "Input");
    let given = at.and_then(|at| properties.get(at)).map(|(_, node)| node);
    let input = match given.map(Node::as_text) {
        None => Some(String::new()),
        Some(Some(text)) if serde_json::from_str::<serde_json::Value>(text).is_ok() => Some(format!(",\"input\":{}", text.trim())),
        Some(Some(_)) => {
            findings.refuse(given.unwrap_or(&event.value), format!("the Input of {what} is no JSON"), "write a JSON text");
            return;
        }
        Some(None) => None,
    };
    let Some(input) = input else {
        findings.note(
            &event.value,
            format!(
                "the Input of {what} is a function: a schedule that is repeated may start two executions; \
                 `{{\"startExecution\": {{\"name\": \"{SCHEDULED}\", \"input\": …}}}}` as Input starts one"
            ),
        );
        return;
    };
    let text = Node::text(format!("{{\"startExecution\":{{\"name\":\"{SCHEDULED}\"{input}}}}}"));
    match at.and_then(|at| properties.get_mut(at)) {
        Some(property) => property.1 = text,
        None => properties.push(("Input".to_owned(), text)),
    }
}

/// Whether a node says yes.
pub(super) fn is_true(node: &Node) -> bool {
    *node == plain("true") || node.as_text() == Some("true")
}
