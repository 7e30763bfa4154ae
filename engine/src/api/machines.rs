//! Operations on state machines.
//!
//! Source: API reference; rules `api-create-machine`, `api-update-machine`, `api-describe-machine`, `api-delete-machine`,
//! `api-list-machines`, `api-logging` and `api-encryption` of the rule table.

use std::collections::BTreeSet;

use statewright_interpreter::Value;
use statewright_interpreter::definition::{Definition, Diagnostic, Options, Parsed, Severity};
use statewright_interpreter::quota::Quotas;
use statewright_interpreter::time::Timestamp;

use super::arn::{self, MachineArn, Qualifier};
use super::caller::Caller;
use super::error::ApiError;
use super::executions::Executions;
use super::machine_store::{self, Entry, LIST, Machine, NewMachine, Revision, Settings, Type};
use super::operation::Operation;
use super::paging::Page;
use super::request::{Answer, Request};
use super::{Api, encryption};
use crate::table::Table;

/// How many tags a resource may have.
///
/// Source: developer guide, "Quotas", "Quotas related to tagging".
const TAGS_MAX: usize = 50;
/// How often an update begins anew because another one was faster.
const ATTEMPTS: usize = 10;
/// An execution whose machine was deleted may have been started a moment later, by a clock that is behind.
const SPARE_SECONDS: u64 = 24 * 60 * 60;

impl<T: Table, E: Executions> Api<'_, T, E> {
    pub(super) async fn create_state_machine(&self, request: &Request, caller: &Caller<'_>) -> Result<String, ApiError> {
        let name = request.required("name");
        arn::name(name)?;
        let description = version_description(request)?;
        let role_arn = request.required("roleArn");
        arn::role(role_arn)?;
        let logging = logging(request)?.unwrap_or_else(no_logging);
        encryption::check(request)?;
        let text = request.required("definition");
        let machine_type = Type::from_name(request.text("type"));
        let not_runnable = parse(text, machine_type)?.definition.not_runnable_yet();
        let new = NewMachine {
            name: name.to_owned(),
            machine_type,
            settings: Settings { role_arn: role_arn.to_owned(), logging, tracing: tracing(request).unwrap_or(false) },
            published: request.flag("publish").unwrap_or(false),
            description,
            tags: tags(request, &caller.arn("stateMachine", name))?,
            not_runnable,
        };
        let mut machine = Machine::new(new, caller.id(), caller.id(), caller.now);
        if let Some(existing) = self.find_machine(name, caller.now).await? {
            return self.created_before(&existing, &machine, text, caller).await;
        }
        machine.write_revision(self.table, Some(text)).await?;
        if let Some(existing) = machine.create(self.table, caller.now).await? {
            machine.forget_revision(self.table).await?;
            return self.created_before(&existing, &machine, text, caller).await;
        }
        self.created(&machine, caller).await
    }

    /// Completes what creating a machine writes, and answers.
    async fn created(&self, machine: &Machine, caller: &Caller<'_>) -> Result<String, ApiError> {
        machine.write_newest_version(self.table).await?;
        machine.enlist(self.table).await?;
        let machine_arn = caller.arn("stateMachine", &machine.name);
        let version_arn = machine.created_published.then(|| format!("{machine_arn}:1"));
        let answer = Answer::new().with("stateMachineArn", machine_arn).date("creationDate", Timestamp(machine.created));
        Ok(answer.maybe("stateMachineVersionArn", version_arn).to_json())
    }

    /// Answers a request to create a machine that is there: as before if it asks for the same, and refuses it otherwise.
    async fn created_before(
        &self,
        existing: &Machine,
        asked: &Machine,
        text: &str,
        caller: &Caller<'_>,
    ) -> Result<String, ApiError> {
        let machine_arn = caller.arn("stateMachine", &asked.name);
        if existing.deleting {
            return Err(deleting(&machine_arn));
        }
        let (theirs, ours) = (&existing.current.settings, &asked.current.settings);
        let same = existing.current.machine_type == asked.current.machine_type
            && theirs.logging == ours.logging
            && theirs.tracing == ours.tracing
            && existing.created_published == asked.created_published
            && existing.created_description == asked.created_description
            && machine_store::read_text(self.table, &existing.name, &existing.current).await? == text;
        match same {
            true => self.created(existing, caller).await,
            false => Err(ApiError::new("StateMachineAlreadyExists", format!("State Machine Already Exists: '{machine_arn}'"))),
        }
    }

    pub(super) async fn update_state_machine(&self, request: &Request, caller: &Caller<'_>) -> Result<String, ApiError> {
        let asked = request.required("stateMachineArn");
        let target = arn::state_machine(asked, caller)?;
        let name = target.unqualified()?;
        let description = version_description(request)?;
        let changes = Changes::of(request)?;
        let id = caller.id();
        let revision_id = caller.uuid();
        for _ in 0..ATTEMPTS {
            let Some(mut machine) = self.find_machine(name, caller.now).await? else { return Err(target.does_not_exist()) };
            if machine.deleting {
                return Err(deleting(asked));
            }
            let old_text = machine_store::read_text(self.table, name, &machine.current).await?;
            let text = changes.text.filter(|text| *text != old_text);
            // A new text is checked, and an old one that is given again was.
            let parsed = text.map(|text| parse(text, machine.current.machine_type)).transpose()?;
            let settings = changes.settings(&machine.current.settings);
            let changed = text.is_some() || settings != machine.current.settings;
            if changed {
                let mut next = machine.current.next(id.clone(), text.is_some());
                if let Some(parsed) = parsed {
                    next.not_runnable = parsed.definition.not_runnable_yet();
                }
                next.settings = settings;
                next.revision_id = Some(revision_id.clone());
                next.updated = caller.now.0;
                machine.current = next;
                machine.write_revision(self.table, text).await?;
            }
            let version_before = machine.newest.as_ref().map(|version| version.number);
            if changes.publish {
                // It stands on its own before another may take its place in the machine.
                machine.write_newest_version(self.table).await?;
                machine.publish(description.clone(), caller.now);
            }
            let published = machine.newest.as_ref().map(|version| version.number) != version_before;
            if (changed || published) && !machine.save(self.table).await? {
                if changed {
                    machine.forget_revision(self.table).await?;
                }
                continue;
            }
            machine.write_newest_version(self.table).await?;
            let version = machine.newest.as_ref().filter(|_| changes.publish).map(|version| format!("{asked}:{}", version.number));
            let answer = Answer::new().date("updateDate", caller.now);
            return Ok(answer
                .maybe("revisionId", changed.then_some(revision_id))
                .maybe("stateMachineVersionArn", version)
                .to_json());
        }
        Err(ApiError::throttled())
    }

    /// Gives a state machine these tags, keys and values, in place of those it has: for whoever makes state machines of templates, where tags
    /// are a property like any other.
    ///
    /// # Errors
    /// When there is no such state machine, or it may not have them.
    pub async fn set_tags(&self, machine_arn: &str, tags: Vec<(String, String)>, caller: &Caller<'_>) -> Result<(), ApiError> {
        let target = arn::state_machine(machine_arn, caller)?;
        let name = target.unqualified()?;
        let tags = checked_tags(tags, machine_arn)?;
        for _ in 0..ATTEMPTS {
            let Some(mut machine) = self.find_machine(name, caller.now).await? else { return Err(target.does_not_exist()) };
            if machine.deleting {
                return Err(deleting(machine_arn));
            }
            if machine.tags == tags {
                return Ok(());
            }
            machine.tags.clone_from(&tags);
            if machine.save(self.table).await? {
                return Ok(());
            }
        }
        Err(ApiError::throttled())
    }

    pub(super) async fn delete_state_machine(&self, request: &Request, caller: &Caller<'_>) -> Result<String, ApiError> {
        let target = arn::state_machine(request.required("stateMachineArn"), caller)?;
        let name = target.unqualified()?;
        for _ in 0..ATTEMPTS {
            let Some(mut machine) = self.find_machine(name, caller.now).await? else {
                machine_store::delist_leftover(self.table, name).await?;
                return Ok(Answer::new().to_json());
            };
            let done = match self.executions.is_running(name).await? {
                false => machine.delete(self.table, self.definitions_kept_until(caller.now)).await?,
                true if machine.deleting => true,
                true => {
                    machine.deleting = true;
                    machine.save(self.table).await? && machine.enlist(self.table).await.map(|()| true)?
                }
            };
            if done {
                return Ok(Answer::new().to_json());
            }
        }
        Err(ApiError::throttled())
    }

    pub(super) async fn describe_state_machine(&self, request: &Request, caller: &Caller<'_>) -> Result<String, ApiError> {
        let asked = request.required("stateMachineArn");
        let target = arn::state_machine(asked, caller)?.here()?;
        let machine = self.find_machine(target.name, caller.now).await?.ok_or_else(|| target.does_not_exist())?;
        let Selected { revision, version } = self.select(&machine, &target).await?;
        let described = Described::of(self.table, &machine.name, &revision, request).await?;
        let created = version.as_ref().map_or(machine.created, |version| version.created);
        let answer = Answer::new()
            .with("stateMachineArn", asked)
            .with("name", machine.name.as_str())
            .with("status", if machine.deleting { "DELETING" } else { "ACTIVE" })
            .with("type", revision.machine_type.name())
            .date("creationDate", Timestamp(created))
            .maybe("description", version.and_then(|version| version.description));
        Ok(described.add_to(answer, &revision).to_json())
    }

    pub(super) async fn describe_state_machine_for_execution(
        &self,
        request: &Request,
        caller: &Caller<'_>,
    ) -> Result<String, ApiError> {
        let execution = self.find_execution(request.required("executionArn"), caller).await?;
        let name = &*execution.identity.state_machine_name;
        let missing = || ApiError::internal(format!("the revision {} is missing", execution.revision));
        let revision = Revision::find(self.table, &execution.revision).await?.ok_or_else(missing)?;
        let described = Described::of(self.table, name, &revision, request).await?;
        let answer = Answer::new()
            .with("stateMachineArn", &*execution.identity.state_machine_arn)
            .with("name", name)
            .date("updateDate", Timestamp(revision.updated));
        Ok(described.add_to(answer, &revision).to_json())
    }

    pub(super) async fn list_state_machines(&self, request: &Request, caller: &Caller<'_>) -> Result<String, ApiError> {
        let page = Page::of(Operation::ListStateMachines, request, &[], caller.now)?;
        let (items, next) = page.items(self.table, LIST).await?;
        let mut machines = Vec::with_capacity(items.len());
        for entry in items.iter().map(Entry::from_item) {
            let entry = entry?;
            // Whoever waits for the end of a deletion may look nowhere else.
            if entry.deleting && self.find_machine(&entry.name, caller.now).await?.is_none() {
                continue;
            }
            let machine = Answer::new()
                .with("stateMachineArn", caller.arn("stateMachine", &entry.name))
                .with("name", entry.name)
                .with("type", entry.machine_type)
                .date("creationDate", entry.created);
            machines.push(Value::from(machine));
        }
        Ok(Answer::new().with("stateMachines", machines).maybe("nextToken", next).to_json())
    }

    /// A state machine. One that is being deleted is gone as soon as its last execution has ended.
    pub(super) async fn find_machine(&self, name: &str, now: Timestamp) -> Result<Option<Machine>, ApiError> {
        self.unless_gone(Machine::load(self.table, name).await?, now).await
    }

    /// A state machine as it is or was a moment ago, for those who start its executions.
    pub(super) async fn find_machine_lately(&self, name: &str, now: Timestamp) -> Result<Option<Machine>, ApiError> {
        self.unless_gone(Machine::load_lately(self.table, name).await?, now).await
    }

    /// An execution that runs is listed when it has outlived its first invocation: one that has been started a moment before its machine is
    /// deleted `now` is not seen, and may run for as long as executions may, and be seen after that.
    fn definitions_kept_until(&self, now: Timestamp) -> Timestamp {
        now.plus_seconds(Quotas::aws(false).execution_seconds_max)
            .plus_seconds(self.executions.kept_seconds())
            .plus_seconds(SPARE_SECONDS)
    }

    async fn unless_gone(&self, machine: Option<Machine>, now: Timestamp) -> Result<Option<Machine>, ApiError> {
        let Some(machine) = machine else { return Ok(None) };
        if machine.deleting && !self.executions.is_running(&machine.name).await? {
            // If somebody else deletes it meanwhile it is gone as well.
            machine.delete(self.table, self.definitions_kept_until(now)).await?;
            return Ok(None);
        }
        Ok(Some(machine))
    }

    /// What an ARN names of the machine: its current revision, or a version and its revision.
    pub(super) async fn select(&self, machine: &Machine, target: &MachineArn<'_>) -> Result<Selected, ApiError> {
        let number = match target.qualifier {
            None => return Ok(Selected { revision: machine.current.clone(), version: None }),
            Some(Qualifier::Version(number)) => number,
            // Nobody can have made an alias.
            Some(Qualifier::Alias(_) | Qualifier::Label(_)) => return Err(target.does_not_exist()),
        };
        let version = machine.version(self.table, number).await?.ok_or_else(|| target.does_not_exist())?;
        let missing = || ApiError::internal(format!("revision {} of {} is missing", version.revision, machine.name));
        let revision = if version.revision == machine.current.id {
            machine.current.clone()
        } else {
            machine_store::read_revision(self.table, &machine.name, &version.revision).await?.ok_or_else(missing)?
        };
        Ok(Selected { revision, version: Some(version) })
    }
}

/// What an ARN names of a machine.
pub(super) struct Selected {
    pub(super) revision: Revision,
    pub(super) version: Option<machine_store::Version>,
}

/// The error for a machine that is being deleted.
pub(super) fn deleting(machine_arn: &str) -> ApiError {
    ApiError::new("StateMachineDeleting", format!("State Machine is being deleted: '{machine_arn}'"))
}

/// What an update asks for.
struct Changes<'a> {
    text: Option<&'a str>,
    role_arn: Option<&'a str>,
    logging: Option<serde_json::Value>,
    tracing: Option<bool>,
    publish: bool,
}

impl<'a> Changes<'a> {
    fn of(request: &'a Request) -> Result<Self, ApiError> {
        let role_arn = request.text("roleArn");
        role_arn.map(arn::role).transpose()?;
        encryption::check(request)?;
        let (text, publish) = (request.text("definition"), request.flag("publish").unwrap_or(false));
        let changes = Self { text, role_arn, logging: logging(request)?, tracing: tracing(request), publish };
        let nothing = text.is_none() && role_arn.is_none() && changes.logging.is_none() && changes.tracing.is_none();
        match nothing && request.object("encryptionConfiguration").is_none() {
            true => Err(ApiError::new("MissingRequiredParameter", MISSING)),
            false => Ok(changes),
        }
    }

    fn settings(&self, old: &Settings) -> Settings {
        Settings {
            role_arn: self.role_arn.map_or_else(|| old.role_arn.clone(), str::to_owned),
            logging: self.logging.clone().unwrap_or_else(|| old.logging.clone()),
            tracing: self.tracing.unwrap_or(old.tracing),
        }
    }
}

const MISSING: &str =
    "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified";

/// What the descriptions of a machine and of an execution's machine have in common.
struct Described {
    definition: String,
    references: Option<Value>,
}

impl Described {
    async fn of(table: &impl Table, machine: &str, revision: &Revision, request: &Request) -> Result<Self, ApiError> {
        // "If called with includedData = METADATA_ONLY, the returned definition will be {}."
        if request.text("includedData") == Some("METADATA_ONLY") {
            return Ok(Self { definition: "{}".to_owned(), references: None });
        }
        let definition = machine_store::read_text(table, machine, revision).await?;
        let parsed = Definition::parse(&definition, &options(revision.machine_type));
        let references = parsed.map(|parsed| parsed.definition.variable_references()).unwrap_or_default();
        let names = |names: Vec<_>| Value::Array(names.into_iter().map(Value::String).collect());
        let references = (!references.is_empty())
            .then(|| Value::Object(references.into_iter().map(|(state, variables)| (state, names(variables))).collect()));
        Ok(Self { definition, references })
    }

    fn add_to(self, answer: Answer, revision: &Revision) -> Answer {
        let Settings { role_arn, logging, tracing } = &revision.settings;
        answer
            .with("definition", self.definition)
            .with("roleArn", role_arn.as_str())
            .with("loggingConfiguration", Value::from(logging.clone()))
            .with("tracingConfiguration", Answer::new().with("enabled", *tracing))
            .with("encryptionConfiguration", encryption::of_the_host())
            .maybe("revisionId", revision.revision_id.as_deref())
            .maybe("variableReferences", self.references)
    }
}

fn options(machine_type: Type) -> Options {
    Options { machine_type: machine_type.into(), ..Options::default() }
}

/// Reads a definition that a machine is to have.
fn parse(text: &str, machine_type: Type) -> Result<Parsed, ApiError> {
    Definition::parse(text, &options(machine_type)).map_err(|found| {
        let findings: Vec<String> = in_order(found).filter(|found| found.severity == Severity::Error).map(finding).collect();
        let message = format!("Invalid State Machine Definition: '{}'", findings.join(", "));
        ApiError::new("InvalidDefinition", message)
    })
}

/// Findings as the service gives them: errors first, from the beginning of the text to its end.
pub(super) fn in_order(mut found: Vec<Diagnostic>) -> impl Iterator<Item = Diagnostic> {
    found.sort_by_key(|found| (found.severity, found.span.map_or(0, |span| span.start)));
    found.into_iter()
}

fn finding(found: Diagnostic) -> String {
    let Diagnostic { code, message, location, .. } = found;
    match location {
        Some(location) => format!("{code}: {message} at {location}"),
        None => format!("{code}: {message}"),
    }
}

fn version_description(request: &Request) -> Result<Option<String>, ApiError> {
    let description = request.text("versionDescription").filter(|description| !description.is_empty());
    match description {
        Some(_) if request.flag("publish") != Some(true) => {
            Err(ApiError::validation("Version description can only be set when publish is true"))
        }
        description => Ok(description.map(str::to_owned)),
    }
}

fn no_logging() -> serde_json::Value {
    serde_json::json!({"includeExecutionData": false, "level": "OFF"})
}

/// The logging configuration of a request, as the service shows it again.
fn logging(request: &Request) -> Result<Option<serde_json::Value>, ApiError> {
    let Some(asked) = request.object("loggingConfiguration") else { return Ok(None) };
    let given = |name: &str| asked.get(name).filter(|value| !value.is_null());
    let level = given("level").and_then(Value::as_str).unwrap_or("OFF");
    let asked_destinations = given("destinations").and_then(Value::as_array);
    let destinations = asked_destinations.map_or(&[][..], |list| list);
    let wrong = |message: &str| ApiError::new("InvalidLoggingConfiguration", format!("Invalid Logging Configuration: {message}"));
    if destinations.len() > 1 || (destinations.is_empty() && level != "OFF") {
        return Err(wrong("Must specify exactly one Log Destination."));
    }
    let group = |destination: &Value| destination.get("cloudWatchLogsLogGroup")?.get("logGroupArn")?.as_str().map(str::to_owned);
    let groups: Option<Vec<String>> = destinations.iter().map(group).collect();
    // "The ARN must end with `:*`."
    let groups = groups
        .filter(|groups| groups.iter().all(|group| group.ends_with(":*")))
        .ok_or_else(|| wrong("Log Destination not found."))?;
    let data = given("includeExecutionData").and_then(Value::as_bool).unwrap_or(false);
    let mut shown = serde_json::json!({"includeExecutionData": data, "level": level});
    if let (Some(shown), Some(_)) = (shown.as_object_mut(), asked_destinations) {
        let groups = groups.into_iter().map(|group| serde_json::json!({"cloudWatchLogsLogGroup": {"logGroupArn": group}}));
        shown.insert("destinations".to_owned(), groups.collect());
    }
    Ok(Some(shown))
}

fn tracing(request: &Request) -> Option<bool> {
    request.object("tracingConfiguration").map(|tracing| tracing.get("enabled").and_then(Value::as_bool).unwrap_or(false))
}

/// The tags of a request.
pub(super) fn tags(request: &Request, resource: &str) -> Result<Vec<(String, String)>, ApiError> {
    let member = |tag: &Value, name: &str| tag.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let tags = request.list("tags").map_or(&[][..], |tags| tags).iter().map(|tag| (member(tag, "key"), member(tag, "value")));
    checked_tags(tags.collect(), resource)
}

fn checked_tags(tags: Vec<(String, String)>, resource: &str) -> Result<Vec<(String, String)>, ApiError> {
    let keys: BTreeSet<&str> = tags.iter().map(|(key, _)| key.as_str()).collect();
    if tags.len() > TAGS_MAX {
        let message = format!("Too Many Tags: '{resource}'");
        return Err(ApiError::new("TooManyTags", message).with("resourceName", resource));
    }
    if keys.len() < tags.len() || keys.contains("") {
        return Err(ApiError::validation("Tags must have keys, each one once"));
    }
    match keys.iter().find(|key| key.starts_with("aws:")) {
        Some(key) => Err(ApiError::validation(format!("The tag key '{key}' is reserved: it begins with 'aws:'"))),
        None => Ok(tags),
    }
}
