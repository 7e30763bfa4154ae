//! State machines of CloudFormation stacks: the handler of the custom resource `Custom::StatewrightStateMachine`.
//!
//! CloudFormation sends an [`Event`] and waits until an [`Answer`] is put to the event's URL. [`handle`] makes the answer of the event, by
//! the operations of the API; [`send`] puts it there. An event that comes twice, as events of Lambda may, gives the same answer and does
//! nothing more: the state machine's name follows from the event, and what the operations do twice is done once.
//!
//! | property | as in `AWS::StepFunctions::StateMachine` |
//! |---|---|
//! | `RoleArn` | it must be there |
//! | `DefinitionString`, `DefinitionS3Location` | one of the two |
//! | `DefinitionSubstitutions` | what `${Name}` in the definition stands for |
//! | `StateMachineName`, `StateMachineType` | a change makes another state machine, after which the first is deleted |
//! | `LoggingConfiguration`, `TracingConfiguration`, `Tags` | |
//!
//! `Ref` gives the ARN; `Fn::GetAtt` knows `Arn`, `Name` and `StateMachineRevisionId`.
//!
//! **The name is the state machine.** A stack that names one that is there already, with the same definition, takes it over, and deletes
//! it when it is deleted itself. Whoever gives no name has one made that no other stack has.
//!
//! Source: CloudFormation user guide, "Custom resources" and "Custom resource request and response reference"; template reference,
//! `AWS::StepFunctions::StateMachine`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use statewright_engine::api::{Api, Caller, Executions, Operation};
use statewright_engine::table::Table;
use statewright_integrations::caller::put;
use statewright_interpreter::definition::{self, Definition, Options, Syntax};

/// How much of a reason is sent: a whole answer may have 4,096 bytes.
const REASON_CHARACTERS: usize = 800;
/// What stands in the place of an ARN where no state machine was made, so that nothing is deleted afterwards.
const NOTHING_MADE: &str = "nothing-made";
/// How often an answer is put, and how long to wait in between.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_secs(1);

/// What CloudFormation wants.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Event {
    request_type: RequestType,
    /// Where the answer is put to.
    #[serde(rename = "ResponseURL")]
    pub response_url: String,
    stack_id: String,
    request_id: String,
    #[serde(default)]
    resource_type: String,
    logical_resource_id: String,
    /// What we called the resource, unless it is to be created.
    physical_resource_id: Option<String>,
    #[serde(default)]
    resource_properties: Value,
    #[serde(default)]
    old_resource_properties: Value,
}

impl Event {
    /// Whether something is to be deleted.
    #[must_use]
    pub fn is_delete(&self) -> bool {
        self.request_type == RequestType::Delete
    }

    /// Whether it is about the keys of the deployment, and not about a state machine.
    #[must_use]
    pub fn is_about_keys(&self) -> bool {
        self.resource_type == "Custom::StatewrightKeys"
    }

    /// The role that the state machine is to run under.
    #[must_use]
    pub fn role_arn(&self) -> Option<&str> {
        self.resource_properties.get("RoleArn").and_then(Value::as_str)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum RequestType {
    Create,
    Update,
    Delete,
}

/// What CloudFormation is told.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Answer {
    /// How it went.
    pub status: Status,
    /// Why it failed, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The state machine's ARN. Another one than before has CloudFormation delete what the first one names.
    pub physical_resource_id: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
    /// What `Fn::GetAtt` gives.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<&'static str, String>,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// It is as the template has it.
    Success,
    /// It is not: CloudFormation takes the whole change back.
    Failed,
}

/// An object of S3 that holds a definition.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct S3Location {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The version; the newest one without it.
    pub version: Option<String>,
}

/// The properties of the resource. CloudFormation makes texts of numbers and booleans.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Properties {
    #[serde(rename = "ServiceToken")]
    _service_token: Option<String>,
    #[serde(rename = "ServiceTimeout")]
    _service_timeout: Option<Value>,
    state_machine_name: Option<String>,
    state_machine_type: Option<String>,
    role_arn: String,
    definition_string: Option<String>,
    definition_s3_location: Option<S3Location>,
    #[serde(default)]
    definition_substitutions: BTreeMap<String, Value>,
    logging_configuration: Option<Value>,
    tracing_configuration: Option<Value>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Tag {
    key: String,
    value: String,
}

/// Why a request failed, and what the resource is called then.
struct Failure {
    reason: String,
    physical_id: Option<String>,
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self { reason, physical_id: None }
    }
}

/// A state machine as CloudFormation is told of it.
struct Made {
    arn: String,
    data: BTreeMap<&'static str, String>,
}

/// Does what an event wants. `read` reads an object of S3.
pub async fn handle<T: Table, E: Executions>(
    api: &Api<'_, T, E>,
    event: &Event,
    caller: &Caller<'_>,
    read: impl AsyncFn(&S3Location) -> Result<String, String>,
) -> Answer {
    let resource = Resource { api, event, caller };
    let made = match event.request_type {
        RequestType::Create => resource.create(read).await.map(Some),
        RequestType::Update => resource.update(read).await.map(Some),
        RequestType::Delete => resource.delete().await.map(|()| None),
    };
    let before = || event.physical_resource_id.clone().unwrap_or_else(|| NOTHING_MADE.to_owned());
    let (status, reason, physical_resource_id, data) = match made {
        Ok(Some(Made { arn, data })) => (Status::Success, None, arn, data),
        Ok(None) => (Status::Success, None, before(), BTreeMap::new()),
        Err(Failure { reason, physical_id }) => {
            let reason = reason.chars().take(REASON_CHARACTERS).collect();
            (Status::Failed, Some(reason), physical_id.unwrap_or_else(before), BTreeMap::new())
        }
    };
    Answer {
        status,
        reason,
        physical_resource_id,
        stack_id: event.stack_id.clone(),
        request_id: event.request_id.clone(),
        logical_resource_id: event.logical_resource_id.clone(),
        data,
    }
}

/// The answer to an event that was followed, about a resource that has nothing but a name.
#[must_use]
pub fn made(event: &Event, physical_resource_id: &str) -> Answer {
    Answer {
        status: Status::Success,
        reason: None,
        physical_resource_id: physical_resource_id.to_owned(),
        stack_id: event.stack_id.clone(),
        request_id: event.request_id.clone(),
        logical_resource_id: event.logical_resource_id.clone(),
        data: BTreeMap::new(),
    }
}

/// The answer to an event that is not followed.
#[must_use]
pub fn refused(event: &Event, reason: &str) -> Answer {
    Answer {
        status: Status::Failed,
        reason: Some(reason.chars().take(REASON_CHARACTERS).collect()),
        physical_resource_id: event.physical_resource_id.clone().unwrap_or_else(|| NOTHING_MADE.to_owned()),
        stack_id: event.stack_id.clone(),
        request_id: event.request_id.clone(),
        logical_resource_id: event.logical_resource_id.clone(),
        data: BTreeMap::new(),
    }
}

/// Puts an answer where CloudFormation waits for it.
///
/// # Errors
/// When it cannot be put: fail the invocation, so that Lambda repeats the event.
pub async fn send(url: &str, answer: &Answer) -> Result<(), String> {
    let body = serde_json::to_vec(answer).map_err(|error| error.to_string())?;
    let mut attempt = 1;
    loop {
        let error = match put(url, body.clone()).await {
            Ok(response) if response.is_success() => return Ok(()),
            Ok(response) => format!("CloudFormation's bucket answered {}", response.status),
            Err(error) => error.to_string(),
        };
        if attempt == ATTEMPTS {
            return Err(error);
        }
        attempt += 1;
        tokio::time::sleep(PAUSE).await;
    }
}

struct Resource<'a, T, E> {
    api: &'a Api<'a, T, E>,
    event: &'a Event,
    caller: &'a Caller<'a>,
}

impl<T: Table, E: Executions> Resource<'_, T, E> {
    async fn call(&self, operation: Operation, request: &Value) -> Result<Value, String> {
        let answer = self.api.call(operation, &request.to_string(), self.caller).await.map_err(|error| error.to_string())?;
        serde_json::from_str(&answer).map_err(|error| error.to_string())
    }

    async fn create(&self, read: impl AsyncFn(&S3Location) -> Result<String, String>) -> Result<Made, Failure> {
        let properties = Properties::read(&self.event.resource_properties)?;
        self.create_as(&properties, &properties.definition(read).await?).await
    }

    async fn create_as(&self, properties: &Properties, definition: &str) -> Result<Made, Failure> {
        let name = properties.state_machine_name.clone().unwrap_or_else(|| self.new_name());
        let tags: Vec<Value> = properties.tags.iter().map(|tag| json!({"key": tag.key, "value": tag.value})).collect();
        let mut request = properties.settings(definition);
        request.extend(members([("name", name.into()), ("type", properties.machine_type().into()), ("tags", tags.into())]));
        let created = self.call(Operation::CreateStateMachine, &request.into()).await?;
        let arn = text(&created, "stateMachineArn")?;
        self.made(&arn).await.map_err(|reason| Failure { reason, physical_id: Some(arn) })
    }

    async fn update(&self, read: impl AsyncFn(&S3Location) -> Result<String, String>) -> Result<Made, Failure> {
        let properties = Properties::read(&self.event.resource_properties)?;
        let definition = properties.definition(read).await?;
        let Some((arn, current)) = self.machine() else { return self.create_as(&properties, &definition).await };
        let old = &self.event.old_resource_properties;
        let old_text = |name: &str| old.get(name).and_then(Value::as_str);
        let is_named_otherwise = match &properties.state_machine_name {
            Some(name) => name != current,
            None => old_text("StateMachineName").is_some(),
        };
        let is_of_other_type = old_text("StateMachineType").unwrap_or("STANDARD") != properties.machine_type();
        if is_of_other_type && !is_named_otherwise && properties.state_machine_name.is_some() {
            let reason = format!(
                "the type of a state machine cannot be changed, and another one cannot have its name: give `{}` another \
                 StateMachineName, or none",
                self.event.logical_resource_id
            );
            return Err(reason.into());
        }
        if is_of_other_type || is_named_otherwise {
            return self.create_as(&properties, &definition).await;
        }
        let mut request = properties.settings(&definition);
        request.extend(members([("stateMachineArn", arn.into())]));
        self.call(Operation::UpdateStateMachine, &request.into()).await?;
        // Those that it had otherwise stay: only the ones of templates are set here.
        if properties.tags != tags(old) {
            let tags = properties.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect();
            self.api.set_tags(arn, tags, self.caller).await.map_err(|error| error.to_string())?;
        }
        Ok(self.made(arn).await?)
    }

    async fn delete(&self) -> Result<(), Failure> {
        if let Some((arn, _)) = self.machine() {
            self.call(Operation::DeleteStateMachine, &json!({"stateMachineArn": arn})).await?;
        }
        Ok(())
    }

    /// The ARN and the name of the state machine that the resource was until now, if there was one.
    fn machine(&self) -> Option<(&str, &str)> {
        let arn = self.event.physical_resource_id.as_deref()?;
        let mut parts = arn.splitn(7, ':');
        let is_machine = parts.next() == Some("arn") && parts.nth(1) == Some("states") && parts.nth(2) == Some("stateMachine");
        parts.next().filter(|_| is_machine).map(|name| (arn, name))
    }

    async fn made(&self, arn: &str) -> Result<Made, String> {
        let machine = self.call(Operation::DescribeStateMachine, &json!({"stateMachineArn": arn})).await?;
        // "The revision id of a state machine that was never updated": template reference, StateMachineRevisionId.
        let revision = machine.get("revisionId").and_then(Value::as_str).unwrap_or("INITIAL").to_owned();
        let data = [("Arn", arn.to_owned()), ("Name", text(&machine, "name")?), ("StateMachineRevisionId", revision)];
        Ok(Made { arn: arn.to_owned(), data: data.into() })
    }

    /// A name that no other resource has, and no other request of this one; the same when this request comes again.
    fn new_name(&self) -> String {
        let Event { stack_id, request_id, logical_resource_id, .. } = self.event;
        let hash = Sha256::digest([stack_id.as_str(), logical_resource_id, request_id].join("\n"));
        let suffix: String = hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        // 80 characters may a name have.
        let start: String = logical_resource_id.chars().take(80 - 1 - suffix.len()).collect();
        format!("{start}-{suffix}")
    }
}

impl Properties {
    fn read(properties: &Value) -> Result<Self, String> {
        Self::deserialize(properties).map_err(|error| format!("the properties are wrong: {error}"))
    }

    fn machine_type(&self) -> &str {
        self.state_machine_type.as_deref().unwrap_or("STANDARD")
    }

    /// The definition, `${Name}`s replaced by the rule of the language: a value in quotes is text, one without is JSON.
    async fn definition(&self, read: impl AsyncFn(&S3Location) -> Result<String, String>) -> Result<String, String> {
        let text = match (&self.definition_string, &self.definition_s3_location) {
            (Some(text), None) => text.clone(),
            (None, Some(location)) => {
                let S3Location { bucket, key, .. } = location;
                let unread = |error| format!("the definition s3://{bucket}/{key} cannot be read: {error}");
                read(location).await.map_err(unread)?
            }
            (Some(_), Some(_)) => {
                return Err("there are a DefinitionString and a DefinitionS3Location: give one of them".to_owned());
            }
            (None, None) => return Err("there is no definition: give a DefinitionString or a DefinitionS3Location".to_owned()),
        };
        if self.definition_substitutions.is_empty() { Ok(text) } else { self.substituted(&text) }
    }

    fn substituted(&self, text: &str) -> Result<String, String> {
        let value = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        let substitutions = self.definition_substitutions.iter().map(|(name, given)| (name.clone(), value(given))).collect();
        let options = Options { syntax: Syntax::Json, substitutions, ..Options::default() };
        let wrong = || {
            let found = Definition::parse(text, &options).err().unwrap_or_default();
            let message = found.first().map_or("it is no JSON", |first| &*first.message);
            format!("the definition is wrong with its DefinitionSubstitutions: {message}")
        };
        let written = definition::to_json(text, &options).ok_or_else(wrong)?;
        serde_json::to_string_pretty(&written).map_err(|error| error.to_string())
    }

    /// What may change from revision to revision, as the API has it. What the template does not say any more is as if it never had.
    fn settings(&self, definition: &str) -> Map<String, Value> {
        let logging = self.logging_configuration.as_ref();
        let of_logging = |name: &str| logging.and_then(|logging| logging.get(name)).cloned();
        let level = of_logging("Level").unwrap_or_else(|| "OFF".into());
        let data = is_true(of_logging("IncludeExecutionData").as_ref());
        let mut logs: Map<_, _> = members([("level", level), ("includeExecutionData", data.into())]).collect();
        let group = |destination: &Value| {
            let arn = destination.pointer("/CloudWatchLogsLogGroup/LogGroupArn").cloned().unwrap_or_default();
            json!({"cloudWatchLogsLogGroup": {"logGroupArn": arn}})
        };
        if let Some(destinations) = of_logging("Destinations").as_ref().and_then(Value::as_array) {
            logs.extend(members([("destinations", destinations.iter().map(group).collect())]));
        }
        let tracing = self.tracing_configuration.as_ref().and_then(|tracing| tracing.get("Enabled"));
        members([
            ("definition", definition.into()),
            ("roleArn", self.role_arn.as_str().into()),
            ("loggingConfiguration", logs.into()),
            ("tracingConfiguration", json!({"enabled": is_true(tracing)})),
        ])
        .collect()
    }
}

fn members<const N: usize>(members: [(&str, Value); N]) -> impl Iterator<Item = (String, Value)> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value))
}

/// The tags that properties have.
fn tags(properties: &Value) -> Vec<Tag> {
    let tags = properties.get("Tags").cloned().unwrap_or_else(|| json!([]));
    serde_json::from_value(tags).unwrap_or_default()
}

fn is_true(value: Option<&Value>) -> bool {
    value.is_some_and(|value| value == true || value == "true")
}

fn text(answer: &Value, name: &str) -> Result<String, String> {
    answer.get(name).and_then(Value::as_str).map(ToOwned::to_owned).ok_or_else(|| format!("an answer without {name}"))
}
