//! A state machine of a template, as a resource of the deployment.

use statewright_template::{Kind, Member, Node};

use super::source::{Findings, Template};
use super::{Change, Settings, Upload, definition, events, policies, tagged};
use crate::screen::Screen;

const SAM: &str = "AWS::Serverless::StateMachine";
const CLOUD_FORMATION: &str = "AWS::StepFunctions::StateMachine";
/// What it becomes.
const OURS: &str = "Custom::StatewrightStateMachine";

/// How long CloudFormation waits for an answer: for three attempts of the function, and their pauses.
const SERVICE_SECONDS: u32 = 600;

/// A state machine of a template.
pub(super) struct Machine<'t> {
    pub(super) name: &'t str,
    /// Where its name stands.
    pub(super) offset: usize,
    resource: &'t Node,
    pub(super) properties: &'t Node,
    is_sam: bool,
}

fn machine_type(node: &Node) -> Option<&str> {
    node.get("Type").and_then(Node::as_text).filter(|of| [SAM, CLOUD_FORMATION].contains(of))
}

/// The names of the state machines.
pub(super) fn names(template: &Template) -> Vec<String> {
    let machines = template.resources().iter().filter(|member| machine_type(&member.value).is_some());
    machines.map(|member| member.key.clone()).collect()
}

/// The state machines, in the template's order. One that is no resource of its own cannot be reached, and is refused.
pub(super) fn machines<'t>(template: &'t Template, findings: &mut Findings) -> Vec<Machine<'t>> {
    let mut machines = Vec::new();
    let mut reached = Vec::new();
    for Member { key, key_span, value } in template.resources() {
        let Some(of) = machine_type(value) else { continue };
        reached.push(value.span.start);
        let Some(properties) = value.get("Properties") else {
            findings.refuse_at(key_span.start, format!("`{key}` has no Properties"), "give it a definition");
            continue;
        };
        let mut anchored = false;
        value.for_each(&mut |node| anchored |= node.anchored);
        if anchored {
            let help = "write out what its aliases stand for: what is written anew can be no alias's anchor";
            findings.refuse_at(key_span.start, format!("`{key}` holds an anchor (`&`)"), help);
            continue;
        }
        machines.push(Machine { name: key, offset: key_span.start, resource: value, properties, is_sam: of == SAM });
    }
    template.tree.for_each(&mut |node| {
        if let Some(of) = machine_type(node).filter(|_| !reached.contains(&node.span.start)) {
            findings.refuse(
                node,
                format!("a resource of the type `{of}` stands inside another"),
                "write it as a resource of its own",
            );
        }
    });
    machines
}

impl Machine<'_> {
    /// The property that says of which type the machine is.
    pub(super) fn type_property(&self) -> &'static str {
        if self.is_sam { "Type" } else { "StateMachineType" }
    }

    /// A resource that is there when the machine is.
    pub(super) fn beside(&self, of: &str, properties: Node) -> Node {
        let condition = self.resource.get("Condition").map(|condition| ("Condition", condition.clone()));
        Node::object([("Type", Node::text(of))].into_iter().chain(condition).chain([("Properties", properties)]))
    }
}

/// What the properties of a machine become that are no definition.
#[derive(Default)]
struct Settled<'t> {
    name: Option<&'t Node>,
    machine_type: Option<&'t Node>,
    role: Option<&'t Node>,
    logging: Option<&'t Node>,
    tracing: Option<&'t Node>,
    tags: Option<Node>,
}

/// Translates a machine.
pub(super) fn translate(
    machine: &Machine<'_>,
    template: &Template,
    settings: &Settings<'_>,
    uploads: &mut Vec<Upload>,
    findings: &mut Findings,
    screen: &Screen,
) -> Option<Change> {
    let settled = settle(machine, findings);
    let mut summary = vec![format!("{} → {OURS}", if machine.is_sam { SAM } else { CLOUD_FORMATION })];
    let mut added = Vec::new();
    let role_arn = match settled.role {
        Some(role) => role.clone(),
        None if machine.is_sam => {
            let name = format!("{}Role", machine.name);
            let (role, policies) = policies::role(machine, settings, findings);
            let counted = if policies == 1 { "1 policy".to_owned() } else { format!("{policies} policies") };
            summary.push(format!("new {name}: a role that the deployment assumes, with {counted}"));
            added.push((name.clone(), role));
            tagged("GetAtt", Node::text(format!("{name}.Arn")))
        }
        None => {
            findings.refuse_at(
                machine.offset,
                format!("`{}` has no RoleArn", machine.name),
                "name the role that its tasks run under",
            );
            return None;
        }
    };
    if let Some((function, events)) = events::function(machine, settings, findings) {
        let name = format!("{}Start", machine.name);
        summary.push(format!("new {name}: a function that starts it on {}", events.join(", ")));
        let alarm = format!("{name}Dropped");
        summary.push(format!("new {alarm}: an alarm when it has given up an event, which then lies in its queue of failures"));
        added.push((alarm, events::alarm(machine, &name)));
        added.push((name, function));
    }
    for (name, _) in &added {
        if let Some(taken) = template.resource(name) {
            let message = format!("`{}` would bring a resource `{name}`, and there is one", machine.name);
            findings.refuse_at(taken.key_span.start, message, "give it another name");
        }
    }
    if let Some(logging) = settled.logging.filter(|logging| logging.get("Level").and_then(Node::as_text) != Some("OFF")) {
        findings.note(
            logging,
            format!("the executions of `{}` write to its log groups if the deployment's LogGroupArns list them", machine.name),
        );
    }
    if let Some(tracing) = settled.tracing.filter(|tracing| tracing.get("Enabled").is_some_and(events::is_true)) {
        findings.note(tracing, format!("that `{}` wants traces is kept with it; none are sent yet", machine.name));
    }
    let definition = definition::translate(machine, template, settings, uploads, findings, screen)?;
    summary.insert(1, definition.summary);
    let optional = |name: &'static str, node: Option<&Node>| node.map(|node| (name, node.clone()));
    let timeout = policies::number(SERVICE_SECONDS);
    let mut properties = vec![("ServiceToken", settings.service_token.clone()), ("ServiceTimeout", timeout)];
    properties.extend(optional("StateMachineName", settled.name));
    properties.extend(optional("StateMachineType", settled.machine_type));
    properties.push(("RoleArn", role_arn));
    properties.push(definition.property);
    if !definition.substitutions.is_empty() {
        properties.push(("DefinitionSubstitutions", Node::object(definition.substitutions)));
    }
    properties.extend(optional("LoggingConfiguration", settled.logging));
    properties.extend(optional("TracingConfiguration", settled.tracing));
    properties.extend(settled.tags.map(|tags| ("Tags", tags)));
    // Conditions, dependencies and policies of deletion are the resource's own, whatever its type.
    let own = machine.resource.members().iter().filter(|member| !["Type", "Properties", "Connectors"].contains(&&*member.key));
    let own = own.map(|member| (member.key.as_str(), member.value.clone()));
    let members = [("Type", Node::text(OURS))].into_iter().chain(own).chain([("Properties", Node::object(properties))]);
    Some(Change { name: machine.name.to_owned(), resource: Node::object(members), added, summary })
}

/// Sorts out the properties of a machine, and refuses those that nothing here has.
fn settle<'t>(machine: &Machine<'t>, findings: &mut Findings) -> Settled<'t> {
    let mut settled = Settled::default();
    if let Some(connectors) = machine.resource.get("Connectors") {
        let help = "write `Policies` for what it may do, and those of whoever may start it";
        findings.refuse(connectors, format!("`{}` has Connectors", machine.name), help);
    }
    for Member { key, key_span, value } in machine.properties.members() {
        let help = match (key.as_str(), machine.is_sam) {
            (
                "Definition" | "DefinitionUri" | "Events" | "Policies" | "PermissionsBoundary" | "RolePath" | "PropagateTags",
                true,
            )
            | ("Definition" | "DefinitionString" | "DefinitionS3Location", false)
            | ("DefinitionSubstitutions", _) => continue,
            ("Name", true) | ("StateMachineName", false) => {
                settled.name = Some(value);
                continue;
            }
            ("Type", true) | ("StateMachineType", false) => {
                settled.machine_type = Some(value);
                continue;
            }
            ("Role", true) | ("RoleArn", false) => {
                settled.role = Some(value);
                continue;
            }
            ("Logging", true) | ("LoggingConfiguration", false) => {
                settled.logging = Some(value);
                continue;
            }
            ("Tracing", true) | ("TracingConfiguration", false) => {
                settled.tracing = Some(value);
                continue;
            }
            ("Tags", true) => {
                let tag = |tag: &Member| Node::object([("Key", Node::text(&tag.key)), ("Value", tag.value.clone())]);
                settled.tags = Some(match value.kind {
                    Kind::Object(_) if value.function().is_none() => Node::array(value.members().iter().map(tag)),
                    Kind::Scalar { .. } | Kind::Array(_) | Kind::Object(_) => value.clone(),
                });
                continue;
            }
            ("Tags", false) => {
                settled.tags = Some(value.clone());
                continue;
            }
            ("AutoPublishAlias" | "DeploymentPreference" | "UseAliasAsEventTarget", true) => {
                "leave it away: the deployment has no aliases yet, and an execution goes on with the definition it began with"
            }
            ("EncryptionConfiguration", false) => {
                "leave it away, and give the deployment a KmsKeyArn: its whole table is encrypted with it"
            }
            _ => "leave it away",
        };
        findings.refuse_at(key_span.start, format!("`{}` has `{key}`, which cannot be translated", machine.name), help);
    }
    settled
}
