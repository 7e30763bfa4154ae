//! What a run is told: everything on the command line, read and checked before anything runs.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use statewright_engine::{Clock, SystemClock};
use statewright_interpreter::Value;
use statewright_interpreter::definition::{Definition, MachineType};
use statewright_interpreter::execution::Identity;
use statewright_interpreter::payload::Document;
use statewright_interpreter::quota::Quotas;
use statewright_interpreter::time::Timestamp;

use super::command::Rule;
use super::envelope::uuid;
use super::mock::{MockFile, Mocks};
use crate::cli::{ClockArg, RunArgs};
use crate::input::{parse_json, read_argument};
use crate::machine::{Loading, Machine, check_name};
use crate::refusal::{Refusal, list, nearest};
use crate::screen::Screen;
use crate::substitutions;

/// What a run is told.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The machine to run.
    pub(crate) machine: Machine,
    /// Machines of nested executions.
    pub(crate) nested: Vec<Nested>,
    /// Answers from a mock file.
    pub(crate) mocks: Option<Mocks>,
    /// Programs that do tasks.
    pub(crate) rules: Vec<Rule>,
    /// How long a program may take if its state does not say.
    pub(crate) task_timeout: Duration,
    /// Whether answers are made up.
    pub(crate) auto_mock: bool,
    /// The input, if one was given.
    pub(crate) input: Option<Document>,
    /// Who the execution is.
    pub(crate) identity: Identity,
    /// Its limits.
    pub(crate) quotas: Quotas,
    /// Where its randomness comes from.
    pub(crate) seed: u128,
    /// When it starts.
    pub(crate) start_time: Timestamp,
    /// Whether time passes by itself.
    pub(crate) clock: ClockArg,
    /// The state after which to stop.
    pub(crate) until: Option<String>,
    /// The account, for the ARNs of nested executions.
    pub(crate) account: String,
    /// Whether the machines are Express ones.
    pub(crate) machine_type: MachineType,
    /// Whether the history is wanted.
    pub(crate) history: bool,
    /// Whether to show data.
    pub(crate) verbose: bool,
    /// Whether to show nothing.
    pub(crate) quiet: bool,
}

/// `--machine NAME=FILE`
#[derive(Debug)]
pub(crate) struct Nested {
    /// The name it is meant by.
    pub(crate) name: String,
    /// The machine.
    pub(crate) machine: Machine,
    /// Its answers from the mock file.
    pub(crate) mocks: Option<Mocks>,
}

impl Settings {
    /// Reads everything the arguments name.
    ///
    /// # Errors
    /// When anything is wrong with it.
    pub(crate) fn read(arguments: &RunArgs, screen: &Screen) -> Result<Self, Refusal> {
        let substitutions = substitutions::read(arguments.substitutions.as_deref(), &arguments.substitute)?;
        let machine_type = arguments.machine_type.into();
        let loading = Loading { machine_type, substitutions: &substitutions, unresolved_allowed: arguments.auto_mock };
        if let Some(name) = &arguments.machine_name {
            check_name(name, "`--machine-name`")?;
        }
        let mut machine = Machine::load(&arguments.file, arguments.machine_name.as_deref(), &loading, screen)?;
        if let Some(from) = &arguments.from {
            check_top_level(&machine.definition, from, "--from")?;
            machine.definition.start_at(from);
        }
        if let Some(until) = &arguments.until {
            check_top_level(&machine.definition, until, "--until")?;
        }
        let mock_file = arguments.mock.as_deref().map(MockFile::read).transpose()?.map(Arc::new);
        let mocks = mock_file.as_ref().map(|file| file.case(&machine.name, arguments.case.as_deref())).transpose()?;
        let mut nested = Vec::new();
        for argument in &arguments.machines {
            let found = Nested::read(argument, mocks.as_ref(), &loading, screen)?;
            if nested.iter().any(|known: &Nested| known.name == found.name) {
                return Err(Refusal::new(format!("`--machine {argument}`: `{}` was given a file before", found.name)));
            }
            nested.push(found);
        }
        if !arguments.quiet {
            note_unused_substitutions(&arguments.substitute, &machine, &nested, screen);
        }
        let rules = arguments.tasks.iter().map(|text| Rule::parse(text)).collect::<Result<_, _>>()?;
        let quotas = arguments.limits.quotas(machine_type);
        let seed = seed(arguments.seed);
        let (identity, start_time) = who(arguments, &machine.name, machine_type, seed)?;
        Ok(Self {
            input: read_input(arguments.input.as_deref(), &quotas, screen)?,
            machine,
            nested,
            mocks,
            rules,
            task_timeout: Duration::from_secs(arguments.task_timeout.max(1)),
            auto_mock: arguments.auto_mock,
            identity,
            quotas,
            seed,
            start_time,
            clock: arguments.clock,
            until: arguments.until.clone(),
            account: arguments.account.clone(),
            machine_type,
            history: arguments.history.is_some(),
            verbose: arguments.verbose,
            quiet: arguments.quiet,
        })
    }
}

impl Nested {
    fn read(argument: &str, mocks: Option<&Mocks>, loading: &Loading<'_>, screen: &Screen) -> Result<Self, Refusal> {
        let parts = argument.split_once('=').filter(|(name, file)| !name.is_empty() && !file.is_empty());
        let Some((name, file)) = parts else {
            return Err(Refusal::new(format!("`--machine {argument}` is not of the form NAME=FILE"))
                .help("NAME is the machine's name or ARN, as `StateMachineArn` gives it"));
        };
        let own = name.split_once(":stateMachine:").map_or(name, |(_, machine)| machine);
        let own = own.split(':').next().unwrap_or(own);
        // A name that only a substitution gives is no name: the file's is used.
        let own = check_name(own, "the machine").is_ok().then_some(own);
        let machine = Machine::load(Path::new(file), own, loading, screen)?;
        let mocks = mocks.and_then(|mocks| mocks.of_machine(&machine.name));
        Ok(Self { name: name.to_owned(), machine, mocks })
    }
}

fn note_unused_substitutions(given: &[String], machine: &Machine, nested: &[Nested], screen: &Screen) {
    for name in given.iter().filter_map(|assignment| substitutions::name(assignment)) {
        let mut machines = std::iter::once(machine).chain(nested.iter().map(|nested| &nested.machine));
        if !machines.any(|machine| machine.substituted.contains(&name)) {
            screen.note(&format!("`--substitute {name}=…` was not used: the definition has no `${{{name}}}`"));
        }
    }
}

fn check_top_level(definition: &Definition, name: &str, option: &str) -> Result<(), Refusal> {
    let top = || definition.scope(definition.root()).states.iter().map(|&id| &*definition.state(id).name);
    if top().any(|known| known == name) {
        return Ok(());
    }
    if definition.find(name).is_some() {
        return Err(Refusal::new(format!("`{option} {name}`: the state stands inside a Parallel or a Map"))
            .help(format!("only top-level states can be named: {}", list(top()))));
    }
    let refusal = Refusal::new(format!("`{option} {name}`: there is no such state"));
    Err(match nearest(name, top()) {
        Some(near) => refusal.help(format!("did you mean `{near}`?")),
        None => refusal.help(format!("the top-level states are {}", list(top()))),
    })
}

fn read_input(argument: Option<&str>, quotas: &Quotas, screen: &Screen) -> Result<Option<Document>, Refusal> {
    let Some(argument) = argument else { return Ok(None) };
    let (text, whose) = read_argument(argument, "the input")?;
    if let Some(note) = text.note {
        screen.note(&note);
    }
    parse_json(&text.text, &whose).map_err(|refusal| {
        let looks_like_file = !argument.starts_with('@') && argument != "-" && Path::new(argument).is_file();
        if looks_like_file { refusal.help(format!("to read the input from a file, write `--input @{argument}`")) } else { refusal }
    })?;
    // Standard input and files end with a line break, which nobody means.
    let document =
        Document::parse(text.text.trim()).map_err(|error| Refusal::new(format!("{whose} is not valid JSON: {error}")))?;
    if document.bytes() > quotas.payload_bytes_max {
        return Err(Refusal::new(format!(
            "{whose} has {} bytes; an execution takes {} at most",
            document.bytes(),
            quotas.payload_bytes_max
        ))
        .help("`--limits relaxed` lifts the service's limits"));
    }
    Ok(Some(document))
}

/// Where all randomness comes from: the number that is given, or a new one.
pub(crate) fn seed(given: Option<u64>) -> u128 {
    match given {
        Some(seed) => seed.into(),
        // The standard library seeds its hash maps from the system's source of randomness.
        None => {
            let draw = || RandomState::new().build_hasher().finish();
            u128::from(draw()) << 64 | u128::from(draw())
        }
    }
}

fn who(arguments: &RunArgs, machine: &str, machine_type: MachineType, seed: u128) -> Result<(Identity, Timestamp), Refusal> {
    let context = Overrides::read(arguments.context.as_deref())?;
    let RunArgs { region, account, .. } = arguments;
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::new(format!("`--account {account}` is not an account: it must be 12 digits")));
    }
    if region.is_empty() || !region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
        return Err(Refusal::new(format!("`--region {region}` is not a region, such as `us-east-1`")));
    }
    let machine: Arc<str> = context.machine_name.unwrap_or_else(|| machine.into());
    let name = match (context.execution_name, &arguments.name) {
        (Some(name), _) => name,
        (None, Some(name)) => name.as_str().into(),
        (None, None) => uuid(seed ^ (u128::MAX / 3)).into(),
    };
    check_name(&name, "the execution's name")?;
    let start_time = match (&context.start_time, &arguments.start_time) {
        (Some(time), _) => parse_time(time, "`--context`: Execution.StartTime")?,
        (None, Some(time)) => parse_time(time, "`--start-time`")?,
        (None, None) => SystemClock.now(),
    };
    let role = arguments.role_arn.as_deref().map(Arc::from);
    let identity = Identity {
        execution_arn: context
            .execution_arn
            .unwrap_or_else(|| execution_arn(region, account, &machine, &name, machine_type).into()),
        state_machine_arn: context.machine_arn.unwrap_or_else(|| machine_arn(region, account, &machine).into()),
        execution_name: name,
        state_machine_name: machine,
        role_arn: context.role_arn.or(role).unwrap_or_else(|| format!("arn:aws:iam::{account}:role/statewright").into()),
        region: region.as_str().into(),
    };
    Ok((identity, start_time))
}

/// The ARN of a machine.
pub(crate) fn machine_arn(region: &str, account: &str, machine: &str) -> String {
    format!("arn:aws:states:{region}:{account}:stateMachine:{machine}")
}

/// The ARN of an execution.
pub(crate) fn execution_arn(region: &str, account: &str, machine: &str, name: &str, machine_type: MachineType) -> String {
    match machine_type {
        MachineType::Standard => format!("arn:aws:states:{region}:{account}:execution:{machine}:{name}"),
        // Of two executions with the same name each has a number of its own; here there is one.
        MachineType::Express => format!("arn:aws:states:{region}:{account}:express:{machine}:{name}:{}", uuid(0)),
    }
}

/// A time as an option gives it.
///
/// # Errors
/// When it is none.
pub(crate) fn parse_time(text: &str, what: &str) -> Result<Timestamp, Refusal> {
    Timestamp::parse_rfc3339(text).map(Timestamp::from).ok_or_else(|| {
        Refusal::new(format!("{what} is not a time: `{text}`")).help("write it as RFC 3339 does, such as `2026-11-21T09:30:00Z`")
    })
}

/// What `--context` changes.
#[derive(Debug, Default)]
struct Overrides {
    execution_arn: Option<Arc<str>>,
    execution_name: Option<Arc<str>>,
    role_arn: Option<Arc<str>>,
    start_time: Option<Arc<str>>,
    machine_arn: Option<Arc<str>>,
    machine_name: Option<Arc<str>>,
}

impl Overrides {
    fn read(argument: Option<&str>) -> Result<Self, Refusal> {
        let mut overrides = Self::default();
        let Some(argument) = argument else { return Ok(overrides) };
        let (text, whose) = read_argument(argument, "`--context`")?;
        let value = parse_json(&text.text, &whose)?;
        for (group, content) in members(&value, &whose)? {
            for (name, value) in members(content, &format!("{whose}: {group}"))? {
                let Value::String(text) = value else {
                    return Err(Refusal::new(format!("{whose}: {group}.{name} must be a string")));
                };
                let place = match (&**group, &**name) {
                    ("Execution", "Id") => &mut overrides.execution_arn,
                    ("Execution", "Name") => &mut overrides.execution_name,
                    ("Execution", "RoleArn") => &mut overrides.role_arn,
                    ("Execution", "StartTime") => &mut overrides.start_time,
                    ("StateMachine", "Id") => &mut overrides.machine_arn,
                    ("StateMachine", "Name") => &mut overrides.machine_name,
                    _ => return Err(unknown_member(&whose, &format!("{group}.{name}"))),
                };
                *place = Some(Arc::clone(text));
            }
        }
        Ok(overrides)
    }
}

type Members<'v> = Vec<(&'v Arc<str>, &'v Value)>;

fn members<'v>(value: &'v Value, whose: &str) -> Result<Members<'v>, Refusal> {
    let members = value.as_object().ok_or_else(|| Refusal::new(format!("{whose} must be an object, not {}", value.type_name())))?;
    Ok(members.iter().collect())
}

fn unknown_member(whose: &str, name: &str) -> Refusal {
    let known =
        ["Execution.Id", "Execution.Name", "Execution.RoleArn", "Execution.StartTime", "StateMachine.Id", "StateMachine.Name"];
    Refusal::new(format!("{whose}: {name} cannot be changed")).help(format!("what can be changed is {}", list(known)))
}
