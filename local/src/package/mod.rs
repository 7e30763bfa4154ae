//! `statewright package`: the state machines of a template of SAM or CloudFormation as ones of a deployment.
//!
//! Only what has to change is written anew; the rest of the template stays to the letter. What comes out is read again and compared
//! with what went in before it is given out.

mod definition;
mod edit;
mod events;
mod machine;
mod others;
mod policies;
mod source;
mod upload;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use statewright_template::{Kind, Node};

use self::source::{Findings, Template};
use crate::cli::PackageArgs;
use crate::refusal::Refusal;
use crate::screen::{Paint, Screen, write_stdout};

/// How much of a template CloudFormation takes without a bucket, and with one.
///
/// Source: CloudFormation user guide, "Understand CloudFormation quotas".
const TEMPLATE_BYTES_MAX: usize = 51_200;
const TEMPLATE_IN_S3_BYTES_MAX: usize = 1_000_000;

/// What a template's machines are translated for.
struct Settings<'a> {
    deployment: &'a str,
    /// What handles the new resources.
    service_token: Node,
    /// Where the program is that starts executions.
    code: Option<&'a str>,
    architecture: &'static str,
    bucket: Option<&'a str>,
    prefix: &'a str,
}

impl Settings<'_> {
    /// What the deployment's stack exports under a name.
    fn import(&self, name: &str) -> Node {
        tagged("ImportValue", Node::text(format!("{}-{name}", self.deployment)))
    }
}

/// A call of a function in its short form.
fn tagged(tag: &str, argument: Node) -> Node {
    Node { tag: Some(tag.to_owned()), ..argument }
}

/// A boolean or a number.
fn plain(text: &str) -> Node {
    Node { kind: Kind::Scalar { text: text.to_owned(), plain: true }, ..Node::default() }
}

/// A resource that is written anew, and those that come with it.
#[derive(Debug)]
struct Change {
    /// The resource's name.
    name: String,
    /// What it becomes.
    resource: Node,
    /// What is added behind it.
    added: Vec<(String, Node)>,
    /// What people are told.
    summary: Vec<String>,
}

/// A definition that is stored apart.
#[derive(Debug)]
struct Upload {
    key: String,
    text: String,
}

/// Packages a template.
///
/// # Errors
/// When the call is wrong, or something cannot be read, stored or written.
pub(crate) fn package(arguments: &PackageArgs, screen: &Screen) -> Result<ExitCode, Refusal> {
    let template = Template::read(&arguments.template, screen)?;
    let settings = settings(arguments)?;
    let mut findings = Findings::default();
    let (mut changes, mut uploads) = (Vec::new(), Vec::new());
    for machine in machine::machines(&template, &mut findings) {
        changes.extend(machine::translate(&machine, &template, &settings, &mut uploads, &mut findings, screen));
    }
    let names: Vec<String> = machine::names(&template);
    others::look(&template, &names, &settings, &mut changes, &mut findings);
    if findings.show(&template, screen) {
        return Ok(ExitCode::from(1));
    }
    if names.is_empty() {
        screen.note(&format!("there is no state machine in `{}`: it stays as it is", template.shown()));
    }
    let packaged = edit::apply(&template, &changes)?;
    upload::store(&uploads, arguments, screen)?;
    show(&template, &changes, screen);
    findings.show_notes(&template, screen);
    show_size(packaged.len(), settings.bucket.is_some(), screen);
    write(&packaged, arguments.output_template_file.as_deref())?;
    let counted = if names.len() == 1 { "1 state machine".to_owned() } else { format!("{} state machines", names.len()) };
    screen.line(&screen.paint(Paint::Good, &format!("✔ {counted} packaged for `{}`", settings.deployment)));
    Ok(ExitCode::SUCCESS)
}

fn settings(arguments: &PackageArgs) -> Result<Settings<'_>, Refusal> {
    let settings = Settings {
        deployment: &arguments.deployment,
        service_token: Node::default(),
        code: arguments.code.as_deref(),
        architecture: arguments.architecture.name(),
        bucket: arguments.s3_bucket.as_deref(),
        prefix: arguments.s3_prefix.as_deref().unwrap_or_default().trim_matches('/'),
    };
    let service_token = match arguments.service_token.as_deref() {
        None => settings.import("ServiceToken"),
        Some(arn) if arn.starts_with("arn:") => Node::text(arn),
        Some(export) => tagged("ImportValue", Node::text(export)),
    };
    if let Some(code) = settings.code.filter(|code| !code.starts_with("s3://"))
        && !Path::new(code).exists()
    {
        return Err(Refusal::new(format!("the code `{code}` does not exist"))
            .help("name the folder that holds the deployment's `bootstrap`, or s3://BUCKET/KEY of the archive that does"));
    }
    Ok(Settings { service_token, ..settings })
}

fn show(template: &Template, changes: &[Change], screen: &Screen) {
    for change in changes {
        let line = template.resource(&change.name).map_or(0, |member| template.place(member.key_span.start).0);
        let place = screen.paint(Paint::Dim, &format!("({}:{line})", template.shown()));
        screen.line(&format!("{} {place}", screen.paint(Paint::Strong, &change.name)));
        for line in &change.summary {
            screen.line(&format!("  {}", screen.paint(Paint::Plain, line)));
        }
    }
}

fn show_size(bytes: usize, stored: bool, screen: &Screen) {
    let apart = if stored { "" } else { "; or store the definitions apart, with --s3-bucket here" };
    if bytes > TEMPLATE_IN_S3_BYTES_MAX {
        screen.note(&format!("the template has {bytes} bytes, and CloudFormation takes {TEMPLATE_IN_S3_BYTES_MAX}{apart}"));
    } else if bytes > TEMPLATE_BYTES_MAX {
        screen.note(&format!(
            "the template has {bytes} bytes: CloudFormation takes more than {TEMPLATE_BYTES_MAX} from a bucket only, so deploy it with \
             --s3-bucket{apart}"
        ));
    }
}

fn write(text: &str, file: Option<&Path>) -> Result<(), Refusal> {
    let Some(file) = file else { return write_stdout(text.as_bytes()) };
    fs::write(file, text).map_err(|error| Refusal::new(format!("`{}` cannot be written: {error}", file.display())))
}
