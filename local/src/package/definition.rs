//! A machine's definition: a file, a text, an object in the template, or an object of S3.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use statewright_interpreter::definition::{Definition, Diagnostic, MachineType, Options, Severity, Span, Syntax};
use statewright_template::{Kind, Member, Node, block, parse};

use super::machine::Machine;
use super::source::{Findings, Template};
use super::{Settings, Upload};
use crate::input::read_text;
use crate::machine::syntax_of;
use crate::screen::Screen;

/// The code of warnings about `${Name}`s.
const UNRESOLVED: &str = "UNRESOLVED_SUBSTITUTION";

/// What a definition becomes.
pub(super) struct Written {
    /// `DefinitionString` or `DefinitionS3Location`, and what it holds.
    pub(super) property: (&'static str, Node),
    /// Values for `${Name}`s.
    pub(super) substitutions: Vec<(String, Node)>,
    /// What people are told.
    pub(super) summary: String,
}

/// A definition's text and what is known of it.
struct Text<'a> {
    text: String,
    /// What `${Name}`s stand for: values that are known, and the names of all.
    known: BTreeMap<String, String>,
    names: Vec<String>,
    /// What it is called in messages.
    whose: String,
    /// The object in the template that it was made of, in whose lines its diagnostics stand.
    object: Option<&'a Node>,
    /// Whether `${Name}`s that have no value are worth a note.
    unresolved_noted: bool,
}

/// Translates the definition of a machine.
pub(super) fn translate(
    machine: &Machine<'_>,
    template: &Template,
    settings: &Settings<'_>,
    uploads: &mut Vec<Upload>,
    findings: &mut Findings,
    screen: &Screen,
) -> Option<Written> {
    let given: Vec<(&'static str, &Node)> = ["Definition", "DefinitionUri", "DefinitionString", "DefinitionS3Location"]
        .into_iter()
        .filter_map(|name| Some((name, machine.properties.get(name)?)))
        .collect();
    let [(property, node)] = given.as_slice() else {
        let (what, help) = match given.len() {
            0 => ("no definition", "give it a `DefinitionUri` or a `DefinitionString`"),
            _ => ("several definitions", "keep one of them"),
        };
        findings.refuse_at(machine.offset, format!("`{}` has {what}", machine.name), help);
        return None;
    };
    let mut substitutions = substitutions(machine, findings);
    let context = Context { machine, template, screen };
    let (text, summary) = match (*property, node.as_text()) {
        ("DefinitionUri" | "DefinitionS3Location", Some(uri)) => match uri.strip_prefix("s3://") {
            Some(location) => return context.in_s3(node, location, substitutions, findings),
            None => (context.file(node, uri, &substitutions, findings)?, format!("definition: {uri}")),
        },
        ("DefinitionUri" | "DefinitionS3Location", None) => {
            findings.note(node, format!("the definition of `{}` is in S3, so nobody has looked at it", machine.name));
            let property = ("DefinitionS3Location", (*node).clone());
            return Some(Written { property, substitutions, summary: "definition: in S3".to_owned() });
        }
        ("Definition", _) => {
            let mut count = 0;
            let object = without_functions(node, &mut substitutions, &mut count);
            let text = block(&object, statewright_template::Syntax::Json, 0).trim_start().to_owned();
            let whose = format!("{}:{}.Definition", template.shown(), machine.name);
            let text = Text::new(text, &substitutions, whose);
            (Text { object: Some(node), ..text }, "definition: in the template".to_owned())
        }
        (_, Some(text)) => {
            let whose = format!("{}:{}.DefinitionString", template.shown(), machine.name);
            (Text::new(text.to_owned(), &substitutions, whose), "definition: in the template".to_owned())
        }
        (_, None) => {
            context.check_call(node, &substitutions, findings);
            let property = ("DefinitionString", (*node).clone());
            return Some(Written { property, substitutions, summary: "definition: in the template".to_owned() });
        }
    };
    context.check(&text, Syntax::Json, node, findings)?;
    let (property, how) = match settings.bucket {
        None => (("DefinitionString", Node::text(text.text)), String::new()),
        Some(bucket) => {
            let hash: String = Sha256::digest(&text.text).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
            let slash = if settings.prefix.is_empty() { "" } else { "/" };
            let key = format!("{}{slash}{hash}.asl.json", settings.prefix);
            let how = format!(", stored as s3://{bucket}/{key}");
            let location = Node::object([("Bucket", Node::text(bucket)), ("Key", Node::text(&key))]);
            uploads.push(Upload { key, text: text.text });
            (("DefinitionS3Location", location), how)
        }
    };
    Some(Written { property, substitutions, summary: format!("{summary}{how}") })
}

/// The machine's own `DefinitionSubstitutions`.
fn substitutions(machine: &Machine<'_>, findings: &mut Findings) -> Vec<(String, Node)> {
    let Some(node) = machine.properties.get("DefinitionSubstitutions") else { return Vec::new() };
    if node.function().is_some() {
        let help = "write the object itself: its values may be functions";
        findings.refuse(node, format!("the DefinitionSubstitutions of `{}` are a function", machine.name), help);
    }
    node.members().iter().map(|member| (member.key.clone(), member.value.clone())).collect()
}

/// The object with a substitution in the place of each function, as SAM does it: a definition is a text.
fn without_functions(node: &Node, substitutions: &mut Vec<(String, Node)>, count: &mut usize) -> Node {
    if node.function().is_some() {
        let name = loop {
            *count += 1;
            let name = format!("definition_substitution_{count}");
            if !substitutions.iter().any(|known| known.0 == name) {
                break name;
            }
        };
        let placeholder = Node::text(format!("${{{name}}}"));
        substitutions.push((name, node.clone()));
        return placeholder;
    }
    let mut inside = |node: &Node| without_functions(node, substitutions, count);
    let kind = match &node.kind {
        Kind::Scalar { .. } => node.kind.clone(),
        Kind::Array(items) => Kind::Array(items.iter().map(inside).collect()),
        Kind::Object(members) => {
            Kind::Object(members.iter().map(|member| Member { value: inside(&member.value), ..member.clone() }).collect())
        }
    };
    Node { kind, ..node.clone() }
}

impl Text<'_> {
    fn new(text: String, substitutions: &[(String, Node)], whose: String) -> Self {
        let known = substitutions.iter().filter_map(|(name, node)| Some((name.clone(), node.as_text()?.to_owned()))).collect();
        let names = substitutions.iter().map(|(name, _)| name.clone()).collect();
        Self { text, known, names, whose, object: None, unresolved_noted: true }
    }
}

struct Context<'a> {
    machine: &'a Machine<'a>,
    template: &'a Template,
    screen: &'a Screen,
}

impl Context<'_> {
    fn in_s3(&self, node: &Node, location: &str, substitutions: Vec<(String, Node)>, findings: &mut Findings) -> Option<Written> {
        let Some((bucket, key)) = location.split_once('/').filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty()) else {
            findings.refuse(node, format!("`s3://{location}` names no object"), "write s3://BUCKET/KEY");
            return None;
        };
        findings.note(node, format!("the definition of `{}` is in S3, so nobody has looked at it", self.machine.name));
        let summary = format!("definition: s3://{location}");
        let location = Node::object([("Bucket", Node::text(bucket)), ("Key", Node::text(key))]);
        Some(Written { property: ("DefinitionS3Location", location), substitutions, summary })
    }

    /// A file beside the template. One in YAML becomes JSON: that is what the API takes.
    fn file<'t>(&self, node: &'t Node, uri: &str, substitutions: &[(String, Node)], findings: &mut Findings) -> Option<Text<'t>> {
        let path = self.template.path.parent().unwrap_or(std::path::Path::new("")).join(uri);
        let read = match read_text(&path, "the definition") {
            Ok(read) => read,
            Err(refusal) => {
                let help = "the file is looked for beside the template";
                findings.refuse(node, refusal.message, help);
                return None;
            }
        };
        if let Some(note) = read.note {
            findings.note(node, note);
        }
        let text = Text::new(read.text, substitutions, path.display().to_string());
        if syntax_of(&path, &text.text) == Syntax::Json {
            return Some(text);
        }
        // Its own lines are shown, so it is checked as it is.
        self.check(&text, Syntax::Yaml, node, findings)?;
        match parse(&text.text, statewright_template::Syntax::Yaml) {
            Ok(tree) => {
                let json = block(&tree, statewright_template::Syntax::Json, 0).trim_start().to_owned();
                Some(Text { text: json, unresolved_noted: false, ..text })
            }
            Err(error) => {
                findings.refuse(node, format!("the definition `{}` cannot be read: {error}", text.whose), "save it as JSON");
                None
            }
        }
    }

    /// Checks a text that is given by a function, as far as it is known: what is not stands for itself.
    fn check_call(&self, node: &Node, substitutions: &[(String, Node)], findings: &mut Findings) {
        let whose = format!("{}:{}.DefinitionString", self.template.shown(), self.machine.name);
        let Some(text) = as_far_as_known(node) else {
            findings.note(node, format!("the definition of `{}` is not known here, so nobody has looked at it", self.machine.name));
            return;
        };
        let text = Text { unresolved_noted: false, ..Text::new(text, substitutions, whose) };
        self.check(&text, Syntax::Json, node, findings);
    }

    /// Checks a definition, and shows what was found.
    fn check(&self, text: &Text<'_>, syntax: Syntax, node: &Node, findings: &mut Findings) -> Option<()> {
        let machine_type = match self.machine.properties.get(self.machine.type_property()).and_then(Node::as_text) {
            Some("EXPRESS") => MachineType::Express,
            Some(_) | None => MachineType::Standard,
        };
        let options = Options { machine_type, syntax, substitutions: text.known.clone() };
        match Definition::parse(&text.text, &options) {
            Ok(parsed) => {
                self.show(text, &parsed.warnings, findings);
                if let Some(reason) = parsed.definition.not_runnable_yet() {
                    findings.note(node, format!("`{}` can be created, and not run yet: {reason}", self.machine.name));
                }
                for name in parsed.unresolved.iter().filter(|name| text.unresolved_noted && !text.names.contains(name)) {
                    findings.note(node, format!("`${{{name}}}` has no value in DefinitionSubstitutions, and stays as it is"));
                }
                Some(())
            }
            Err(mut diagnostics) => {
                diagnostics.retain(|diagnostic| diagnostic.severity == Severity::Error);
                self.show(text, &diagnostics, findings);
                findings.count_wrong();
                None
            }
        }
    }

    fn show(&self, text: &Text<'_>, diagnostics: &[Diagnostic], findings: &mut Findings) {
        // Which substitutions have no value is told by a note of its own: here it is known which have one.
        let diagnostics: Vec<Diagnostic> = diagnostics.iter().filter(|diagnostic| diagnostic.code != UNRESOLVED).cloned().collect();
        let Some(object) = text.object else { return findings.diagnose(&diagnostics, &text.whose, &text.text, self.screen) };
        let there = |diagnostic: &Diagnostic| {
            let pointer = diagnostic.location.as_deref().unwrap_or_default();
            let node = object.at_pointer(pointer).unwrap_or(object);
            let (line, column) = self.template.place(node.span.start);
            Diagnostic { span: Some(Span { start: node.span.start, end: node.span.end, line, column }), ..diagnostic.clone() }
        };
        let diagnostics: Vec<Diagnostic> = diagnostics.iter().map(there).collect();
        findings.diagnose(&diagnostics, &self.template.shown(), &self.template.text, self.screen);
    }
}

/// The text that `Fn::Sub` and `Fn::Join` make, `${…}` in the place of what only CloudFormation knows.
fn as_far_as_known(node: &Node) -> Option<String> {
    let function = node.function()?;
    let argument = function.argument.untagged();
    match function.name.as_str() {
        "Fn::Sub" => {
            let text = argument.as_text().or_else(|| argument.items().first()?.as_text())?;
            Some(text.replace("${!", "${"))
        }
        "Fn::Join" => {
            let [delimiter, parts] = argument.items() else { return None };
            let part = |(at, part): (usize, &Node)| part.as_text().map_or_else(|| format!("${{part {at}}}"), str::to_owned);
            let parts: Vec<String> = parts.items().iter().enumerate().map(part).collect();
            (!parts.is_empty()).then_some(parts.join(delimiter.as_text()?))
        }
        _ => None,
    }
}
