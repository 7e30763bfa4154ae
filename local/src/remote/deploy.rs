//! `statewright deploy`: creates and updates state machines, and goes back.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Map, Value, json};
use similar::{ChangeTag, TextDiff};
use statewright_interpreter::definition::{self, Definition, MachineType, Severity};

use super::record::{Record, Replaced};
use super::{Failure, Remote};
use crate::cli::{DeployArgs, MachineTypeArg};
use crate::machine::{Source, check_name, machine_name};
use crate::refusal::{Refusal, list};
use crate::screen::{ColorChoice, Paint, Screen, painted, printable, wants_color, write_stdout};
use crate::substitutions::{self, Substitutions};

/// How many lines around a change are shown.
const CONTEXT: usize = 3;

/// A definition as it is to be deployed.
struct Local {
    path: PathBuf,
    name: String,
    /// The text that is sent; `None` when what was replaced is to come back.
    text: Option<String>,
}

/// A machine as it is deployed.
struct Deployed {
    arn: String,
    machine_type: String,
    definition: String,
    role_arn: String,
}

/// What is done to a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Create,
    Update,
    RollBack,
    Nothing,
}

impl Action {
    fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::RollBack => "rollBack",
            Self::Nothing => "nothing",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Update => "updated",
            Self::RollBack => "rolled back",
            Self::Nothing => "unchanged",
        }
    }

    fn to_do(self) -> &'static str {
        match self {
            Self::Create => "would be created",
            Self::Update => "would be updated",
            Self::RollBack => "would be rolled back",
            Self::Nothing => "unchanged",
        }
    }
}

/// Deploys what the arguments name.
///
/// # Errors
/// When a definition or the call is wrong, or there is nobody to talk to. What was deployed before that stays so.
pub(crate) fn deploy(arguments: &DeployArgs, choice: ColorChoice, screen: &Screen) -> Result<ExitCode, Refusal> {
    if arguments.files.len() > 1 && arguments.name.is_some() {
        return Err(Refusal::new("one name cannot be that of several machines").help("without --name each is called like its file"));
    }
    let substitutions = substitutions::read(arguments.substitutions.as_deref(), &arguments.substitute)?;
    // All are read before anything is changed.
    let locals = arguments.files.iter().map(|file| Local::read(file, arguments, &substitutions, screen));
    let locals = locals.collect::<Result<Vec<_>, _>>()?;
    let remote = Remote::connect(&arguments.connection, false, screen)?;
    let color = wants_color(choice, io::stdout().is_terminal());
    let (mut results, mut code, mut needs) = (Vec::new(), 0, Needs::default());
    for local in &locals {
        match (Deployment { arguments, remote: &remote, local, screen, color }).run(&mut needs) {
            Ok(result) => results.push(result),
            Err(failure) => {
                let said = failure.code().unwrap_or("NotDeployed").to_owned();
                results.push(json!({"file": local.path.display().to_string(), "name": local.name, "error": said}));
                code = code.max(failure.show(screen));
            }
        }
    }
    if !remote.is_aws {
        needs.tell(screen);
    }
    if arguments.json {
        let one = results.len() == 1;
        let answer = if one { results.pop().unwrap_or_default() } else { Value::from(results) };
        write_stdout(format!("{answer:#}\n").as_bytes())?;
    }
    Ok(ExitCode::from(code))
}

impl Local {
    /// Reads and checks a definition. To roll back, only the machine's name is asked for.
    fn read(path: &Path, arguments: &DeployArgs, substitutions: &Substitutions, screen: &Screen) -> Result<Self, Refusal> {
        let name = arguments.name.clone().unwrap_or_else(|| machine_name(path));
        check_name(&name, "the machine's name")?;
        let text = if arguments.roll_back { None } else { Some(read(path, arguments, substitutions, screen)?) };
        Ok(Self { path: path.to_owned(), name, text })
    }
}

/// The text of a sound definition as the service takes it: JSON, with the substitutions made.
fn read(path: &Path, arguments: &DeployArgs, substitutions: &Substitutions, screen: &Screen) -> Result<String, Refusal> {
    let source = Source::read(path, screen)?;
    let shown = path.display();
    let machine_type: MachineType = arguments.machine_type.unwrap_or_default().into();
    let options = source.options(machine_type, substitutions);
    let parsed = Definition::parse(&source.text, &options).map_err(|diagnostics| {
        let errors: Vec<_> = diagnostics.into_iter().filter(|found| found.severity == Severity::Error).collect();
        source.show(&errors, screen);
        Refusal::new(format!("`{shown}` is not a sound definition; nothing was deployed"))
            .help("`statewright explain CODE` tells more about a code")
    })?;
    source.show(&parsed.warnings, screen);
    if !parsed.unresolved.is_empty() {
        return Err(Refusal::new(format!("`{shown}` has substitutions without a value: {}", list(&parsed.unresolved)))
            .help("give each one a value with `--substitute NAME=VALUE`, or all of them with `--substitutions FILE`"));
    }
    let value = definition::to_json(&source.text, &options).map(|value| value.to_string()).unwrap_or_default();
    // What needs no change is sent as it is written, and described so.
    let same = compact(&source.text) == compact(&value);
    Ok(if same { source.text } else { pretty(&value) })
}

/// JSON without blanks.
fn compact(text: &str) -> String {
    serde_json::from_str::<Value>(text).map_or_else(|_| text.to_owned(), |value| value.to_string())
}

/// JSON in lines; anything else as it is.
fn pretty(text: &str) -> String {
    serde_json::from_str::<Value>(text).map_or_else(|_| text.to_owned(), |value| format!("{value:#}"))
}

/// What machines that were deployed need besides, which nobody here can make.
#[derive(Default)]
struct Needs {
    /// Roles that machines have now and did not have before.
    roles: BTreeSet<String>,
    /// Whether there are new machines.
    created: bool,
}

/// Shows the trust policy of roles. A deployment does not know how its stack is called.
const TRUST: &str = "aws cloudformation describe-stacks --stack-name statewright --query \"Stacks[0].Outputs[?OutputKey=='TaskRoleTrust'].OutputValue\" --output text";

impl Needs {
    fn tell(&self, screen: &Screen) {
        if !self.roles.is_empty() {
            let roles: Vec<&str> = self.roles.iter().map(String::as_str).collect();
            let must = if roles.len() == 1 { "must" } else { "must each" };
            let roles = list(&roles);
            screen.note(&format!("{roles} {must} trust the functions of the deployment: its stack has the trust policy\n{TRUST}"));
        }
        if self.created {
            screen.note(
                "rules for the status of executions match \"source\": [\"statewright\"] here instead of [\"aws.states\"], on the bus that the deployment's StatusEventBusArn names",
            );
        }
    }
}

/// One machine being deployed.
struct Deployment<'a> {
    arguments: &'a DeployArgs,
    remote: &'a Remote,
    local: &'a Local,
    screen: &'a Screen,
    color: bool,
}

/// What a machine is to be.
struct Wanted {
    action: Action,
    definition: String,
    role_arn: Option<String>,
}

impl Deployment<'_> {
    /// Gives what `--json` shows.
    fn run(&self, needs: &mut Needs) -> Result<Value, Failure> {
        let deployed = self.find()?;
        let record = Record::read(&self.local.path)?;
        let wanted = self.wanted(deployed.as_ref(), &record)?;
        let diff = self.diff(deployed.as_ref(), &wanted);
        if !self.arguments.json {
            write_stdout(self.colored(&diff).as_bytes())?;
        }
        let mut answer = Value::Null;
        if !self.arguments.dry_run {
            answer = match (&deployed, wanted.action) {
                (None, _) => self.create(&wanted)?,
                (Some(_), Action::Nothing) => Value::Null,
                (Some(deployed), _) => self.update(deployed, &wanted, &record)?,
            };
            let role_before = deployed.as_ref().map(|deployed| &deployed.role_arn);
            needs.created |= deployed.is_none();
            needs.roles.extend(wanted.role_arn.iter().filter(|role| role_before != Some(role)).cloned());
        }
        let arn = deployed.map(|deployed| deployed.arn).or_else(|| text(&answer, "stateMachineArn"));
        let what = if self.arguments.dry_run { wanted.action.to_do() } else { wanted.action.done() };
        let shown = arn.as_deref().unwrap_or(&self.local.name);
        self.screen.line(&self.screen.paint(Paint::Good, &format!("✔ {shown} {what}")));
        let mut result = Map::new();
        let mut say = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                result.insert(name.to_owned(), value);
            }
        };
        say("file", Some(json!(self.local.path.display().to_string())));
        say("name", Some(json!(self.local.name)));
        say("stateMachineArn", arn.map(Value::from));
        say("action", Some(json!(wanted.action.name())));
        say("dryRun", Some(json!(self.arguments.dry_run)));
        say("revisionId", text(&answer, "revisionId").map(Value::from));
        say("diff", Some(json!(diff)));
        Ok(Value::Object(result))
    }

    /// The machine of this name: its ARN has an account in it, which only the other side knows.
    fn find(&self) -> Result<Option<Deployed>, Failure> {
        let mut request = json!({"maxResults": 1000});
        loop {
            let page = self.remote.call("ListStateMachines", &request)?;
            let machines = page.get("stateMachines").and_then(Value::as_array).into_iter().flatten();
            let found = machines.into_iter().find(|machine| text(machine, "name").as_deref() == Some(self.local.name.as_str()));
            if let Some(arn) = found.and_then(|machine| text(machine, "stateMachineArn")) {
                let described = self.remote.call("DescribeStateMachine", &json!({"stateMachineArn": arn}))?;
                let member = |name: &str| text(&described, name).unwrap_or_default();
                let (machine_type, definition, role_arn) = (member("type"), member("definition"), member("roleArn"));
                return Ok(Some(Deployed { arn, machine_type, definition, role_arn }));
            }
            match page.get("nextToken").filter(|token| token.is_string()) {
                Some(token) => request = json!({"maxResults": 1000, "nextToken": token}),
                None => return Ok(None),
            }
        }
    }

    /// What to do, and whether it can be done.
    fn wanted(&self, deployed: Option<&Deployed>, record: &Record) -> Result<Wanted, Refusal> {
        let (name, role_arn) = (&self.local.name, self.arguments.role_arn.clone());
        match (deployed, &self.local.text) {
            (None, None) => Err(Refusal::new(format!("there is no machine `{name}` to roll back"))),
            (None, Some(definition)) => match role_arn {
                Some(role) => Ok(Wanted { action: Action::Create, definition: definition.clone(), role_arn: Some(role) }),
                None => Err(Refusal::new(format!("there is no machine `{name}` yet, and a new one needs a role"))
                    .help("name it with --role-arn arn:aws:iam::ACCOUNT:role/NAME")),
            },
            (Some(deployed), None) => {
                let replaced = record.of(&self.remote.endpoint, &deployed.arn).ok_or_else(|| {
                    Refusal::new(format!("nothing is known of what `{name}` was before"))
                        .help(format!("`{}` says what `statewright deploy` has replaced there", record.path().display()))
                })?;
                let (definition, role_arn) = (replaced.definition.clone(), Some(replaced.role_arn.clone()));
                Ok(Wanted { action: deployed.action(&definition, role_arn.as_deref(), Action::RollBack), definition, role_arn })
            }
            (Some(deployed), Some(definition)) => {
                let asked = self.arguments.machine_type.map(MachineTypeArg::name);
                if let Some(asked) = asked.filter(|asked| *asked != deployed.machine_type) {
                    let message =
                        format!("`{name}` is {}, and the type of a machine cannot be changed to {asked}", deployed.machine_type);
                    return Err(Refusal::new(message).help("deploy it under another name, or delete the one that is there"));
                }
                let action = deployed.action(definition, role_arn.as_deref(), Action::Update);
                Ok(Wanted { action, definition: definition.clone(), role_arn })
            }
        }
    }

    /// How what is wanted differs from what is there, line by line.
    fn diff(&self, deployed: Option<&Deployed>, wanted: &Wanted) -> String {
        let before = deployed.map_or_else(String::new, |deployed| lines(&deployed.definition));
        let after = lines(&wanted.definition);
        let mut out = String::new();
        if let (Some(before), Some(after)) = (deployed.map(|deployed| &deployed.role_arn), &wanted.role_arn)
            && before != after
        {
            out = format!("--- roleArn\n+++ roleArn\n-{before}\n+{after}\n");
        }
        let file = self.local.path.display();
        let (from, to) = match (deployed, wanted.action) {
            (None, _) => ("/dev/null".to_owned(), file.to_string()),
            (Some(deployed), Action::RollBack) => (deployed.arn.clone(), format!("{file}.deployed")),
            (Some(deployed), _) => (deployed.arn.clone(), file.to_string()),
        };
        let diff = TextDiff::from_lines(&before, &after);
        if diff.iter_all_changes().any(|change| change.tag() != ChangeTag::Equal) {
            out.push_str(&diff.unified_diff().context_radius(CONTEXT).header(&from, &to).to_string());
        }
        out
    }

    fn colored(&self, diff: &str) -> String {
        let line = |line: &str| {
            let paint = match line.as_bytes() {
                [b'-', b'-', b'-', ..] | [b'+', b'+', b'+', ..] => Paint::Strong,
                [b'-', ..] => Paint::Bad,
                [b'+', ..] => Paint::Good,
                [b'@', ..] => Paint::Accent,
                _ => Paint::Plain,
            };
            if self.color { format!("{}\n", painted(true, paint, line)) } else { format!("{}\n", printable(line)) }
        };
        diff.lines().map(line).collect()
    }

    fn create(&self, wanted: &Wanted) -> Result<Value, Failure> {
        let machine_type = self.arguments.machine_type.unwrap_or_default().name();
        let request = json!({
            "name": self.local.name, "definition": wanted.definition, "roleArn": wanted.role_arn, "type": machine_type,
        });
        self.remote.call("CreateStateMachine", &request)
    }

    /// Notes what is replaced, and replaces it. What comes to nothing is not noted.
    fn update(&self, deployed: &Deployed, wanted: &Wanted, record: &Record) -> Result<Value, Failure> {
        record.note(Replaced {
            endpoint: self.remote.endpoint.clone(),
            state_machine_arn: deployed.arn.clone(),
            role_arn: deployed.role_arn.clone(),
            definition: deployed.definition.clone(),
        })?;
        let mut request = json!({"stateMachineArn": deployed.arn, "definition": wanted.definition});
        if let (Some(members), Some(role_arn)) = (request.as_object_mut(), &wanted.role_arn) {
            members.insert("roleArn".to_owned(), json!(role_arn));
        }
        let updated = self.remote.call("UpdateStateMachine", &request);
        // Where the answer was lost, or is that of something in between, it may have been replaced: then the record is right.
        if updated.as_ref().is_err_and(Failure::has_done_nothing) {
            record.put_back()?;
        }
        updated
    }
}

impl Deployed {
    /// `action`, or nothing where it would change nothing but blanks.
    fn action(&self, definition: &str, role_arn: Option<&str>, action: Action) -> Action {
        let same = compact(&self.definition) == compact(definition) && role_arn.is_none_or(|role_arn| role_arn == self.role_arn);
        if same { Action::Nothing } else { action }
    }
}

/// A definition in lines, the last one ended too.
fn lines(definition: &str) -> String {
    format!("{}\n", pretty(definition))
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned)
}
