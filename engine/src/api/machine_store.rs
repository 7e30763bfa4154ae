//! State machines as they are kept.
//!
//! All items of a machine stand in the partition `m#<name>`:
//!
//! | sort key | holds |
//! |---|---|
//! | `0` | the machine: what `DescribeStateMachine` says, its current revision, and its newest version |
//! | `r#<revision>` | a revision: everything but the definition's text |
//! | `d#<revision>#<part>` | a part of the definition's text that was new in this revision |
//! | `v#<machine id>#<number>` | a version |
//!
//! and one in the partition `l#m`, under the machine's name: its place in the list of all machines. The list is one partition, in the
//! order of the names, as the service lists them: machines are created by the second, not by the thousand, so that spreading it out
//! would only make reading it dearer.
//!
//! The item `0` decides. Revisions and texts are written before it and under names that are never used again, versions and the list after
//! it, in such a way that doing it again does no harm: a request that broke off half-way is repeated by its client. A definition that an
//! execution was started with is found for as long as the execution can be looked at, under the machine's name and the revision: when a
//! machine is deleted its definitions stay for the year that an execution may take, and for as long as one is to be seen after that.

use serde::{Deserialize, Serialize};
use statewright_interpreter::Value;
use statewright_interpreter::definition::MachineType;
use statewright_interpreter::time::Timestamp;

use super::error::ApiError;
use crate::format::Kind;
use crate::logs::Logging;
use crate::store::StoreError;
use crate::table::{Attribute, Condition, Item, Key, Query, Table, WriteError, query_all};

/// The partition of the list of all machines.
pub(super) const LIST: &str = "l#m";
/// How much text an item holds: a table takes 400 KB.
const PART_BYTES: usize = 350_000;

/// `STANDARD` or `EXPRESS`, as it is stored and sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Type {
    Standard,
    Express,
}

impl Type {
    pub(super) fn from_name(name: Option<&str>) -> Self {
        if name == Some("EXPRESS") { Self::Express } else { Self::Standard }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Standard => "STANDARD",
            Self::Express => "EXPRESS",
        }
    }
}

impl From<Type> for MachineType {
    fn from(machine_type: Type) -> Self {
        match machine_type {
            Type::Standard => Self::Standard,
            Type::Express => Self::Express,
        }
    }
}

/// What may change from revision to revision, but for the definition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Settings {
    pub(super) role_arn: String,
    /// As `DescribeStateMachine` shows it.
    pub(super) logging: serde_json::Value,
    pub(super) tracing: bool,
}

/// A revision, without the definition's text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Revision {
    /// Under which it is stored.
    pub(super) id: String,
    /// The machine it is of, of all that have ever had the name.
    machine_id: String,
    pub(super) machine_type: Type,
    /// What the API calls it; a machine that was never changed has none.
    pub(super) revision_id: Option<String>,
    pub(super) updated: i64,
    #[serde(flatten)]
    pub(super) settings: Settings,
    /// The revision whose text it has.
    definition: String,
    /// Why this release cannot run it, if that is so.
    pub(super) not_runnable: Option<String>,
}

/// A version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Version {
    pub(super) number: u64,
    pub(super) revision: String,
    pub(super) description: Option<String>,
    pub(super) created: i64,
}

/// A state machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Machine {
    #[serde(skip)]
    pub(super) name: String,
    /// How often it was written.
    #[serde(skip)]
    writes: i64,
    /// Tells it from every other machine that has ever had its name.
    id: String,
    pub(super) created: i64,
    pub(super) deleting: bool,
    pub(super) current: Revision,
    /// The newest version. It stands here before it stands on its own.
    pub(super) newest: Option<Version>,
    /// Whether it was created with `publish`, and the description given then: a repeated request must say the same.
    pub(super) created_published: bool,
    pub(super) created_description: Option<String>,
    pub(super) tags: Vec<(String, String)>,
}

/// A definition and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDefinition {
    /// The text, as it was sent.
    pub text: String,
    /// The type of the machine.
    pub machine_type: MachineType,
    /// The role the revision's executions run as.
    pub role_arn: String,
    /// What the revision's executions log.
    pub logging: Option<Logging>,
}

/// The definition of a revision of a state machine, as [`NewExecution`](super::NewExecution) names it: `<machine>/<revision>`. It never
/// changes, so that it may be kept in memory for as long as one likes.
///
/// # Errors
/// When the table cannot be read, or holds something that this release cannot read.
pub async fn definition(table: &impl Table, revision: &str) -> Result<Option<StoredDefinition>, StoreError> {
    let machine = revision.split('/').next().unwrap_or_default();
    let Some(revision) = Revision::find(table, revision).await? else { return Ok(None) };
    let text = read_text(table, machine, &revision).await?;
    let Settings { role_arn, logging, .. } = &revision.settings;
    let (role_arn, logging) = (role_arn.clone(), Logging::of(logging));
    Ok(Some(StoredDefinition { text, machine_type: revision.machine_type.into(), role_arn, logging }))
}

fn partition(machine: &str) -> String {
    format!("m#{machine}")
}

fn key(machine: &str, sort: impl Into<String>) -> Key {
    Key::new(partition(machine), sort)
}

fn unreadable(item: &Key) -> StoreError {
    StoreError::Unreadable(format!("the item {} {} cannot be read", item.partition, item.sort))
}

fn decode<T: for<'d> Deserialize<'d>>(kind: Kind, item: &Item, attribute: &str) -> Result<T, StoreError> {
    kind.check(item)?;
    let text = item.get_text(attribute).ok_or_else(|| unreadable(&item.key))?;
    serde_json::from_str(text).map_err(|_| unreadable(&item.key))
}

fn encode<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("only numbers, texts and flags are in it")
}

pub(super) async fn read_revision(table: &impl Table, machine: &str, revision: &str) -> Result<Option<Revision>, StoreError> {
    let item = table.get(&key(machine, format!("r#{revision}"))).await?;
    item.map(|item| decode(Kind::Revision, &item, "r")).transpose()
}

/// The text of a revision's definition.
pub(super) async fn read_text(table: &impl Table, machine: &str, revision: &Revision) -> Result<String, StoreError> {
    let parts = query_all(table, Query::prefix(partition(machine), &format!("d#{}#", revision.definition))).await?;
    parts.iter().try_for_each(|part| Kind::Revision.check(part))?;
    let text: Option<String> = parts.iter().map(|part| part.get_text("t")).collect();
    let bytes = parts.first().and_then(|part| part.get_number("n"));
    text.filter(|text| i64::try_from(text.len()).ok() == bytes)
        .ok_or_else(|| unreadable(&key(machine, format!("d#{}", revision.definition))))
}

impl Revision {
    /// What executions name it by: names of machines have no slash.
    pub(super) fn name(&self, machine: &str) -> String {
        format!("{machine}/{}", self.id)
    }

    /// The revision of this name.
    pub(super) async fn find(table: &impl Table, name: &str) -> Result<Option<Self>, StoreError> {
        match name.split_once('/') {
            Some((machine, id)) => read_revision(table, machine, id).await,
            None => Ok(None),
        }
    }

    /// What the next revision would be with other settings and another text, if one is given.
    pub(super) fn next(&self, id: String, new_text: bool) -> Self {
        let definition = if new_text { id.clone() } else { self.definition.clone() };
        Self { id, definition, ..self.clone() }
    }
}

/// What became of a conditional write.
enum Written {
    Ours,
    /// Somebody else's stands there.
    Theirs(Box<Item>),
    /// Nothing stands there.
    Gone,
}

/// What a machine is made of.
pub(super) struct NewMachine {
    pub(super) name: String,
    pub(super) machine_type: Type,
    pub(super) settings: Settings,
    pub(super) published: bool,
    pub(super) description: Option<String>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) not_runnable: Option<String>,
}

impl Machine {
    pub(super) fn new(new: NewMachine, id: String, revision: String, now: Timestamp) -> Self {
        let NewMachine { name, machine_type, settings, published, description, tags, not_runnable } = new;
        let current = Revision {
            definition: revision.clone(),
            id: revision,
            machine_id: id.clone(),
            machine_type,
            revision_id: None,
            updated: now.0,
            settings,
            not_runnable,
        };
        let mut machine = Self {
            name,
            writes: 0,
            id,
            created: now.0,
            deleting: false,
            current,
            newest: None,
            created_published: published,
            created_description: description.clone(),
            tags,
        };
        if published {
            machine.publish(description, now);
        }
        machine
    }

    /// Gives the current revision a version, unless its newest version is of that revision.
    pub(super) fn publish(&mut self, description: Option<String>, now: Timestamp) {
        let newest = self.newest.as_ref();
        if newest.is_none_or(|newest| newest.revision != self.current.id) {
            let number = newest.map_or(0, |newest| newest.number) + 1;
            self.newest = Some(Version { number, revision: self.current.id.clone(), description, created: now.0 });
        }
    }

    pub(super) async fn load(table: &impl Table, name: &str) -> Result<Option<Self>, ApiError> {
        let item = table.get(&key(name, "0")).await?;
        item.map(|item| Self::from_item(name, &item)).transpose()
    }

    /// The machine as it was a moment ago, or as it is.
    ///
    /// Source: API reference, UpdateStateMachine: "Executions started immediately after calling UpdateStateMachine may use the previous
    /// state machine definition and roleArn."
    pub(super) async fn load_lately(table: &impl Table, name: &str) -> Result<Option<Self>, ApiError> {
        match table.get_lately(&key(name, "0")).await? {
            Some(item) => Self::from_item(name, &item).map(Some),
            // Perhaps it was just created.
            None => Self::load(table, name).await,
        }
    }

    fn from_item(name: &str, item: &Item) -> Result<Self, ApiError> {
        let machine: Self = decode(Kind::Machine, item, "m")?;
        let writes = item.get_number("w").ok_or_else(|| unreadable(&item.key))?;
        Ok(Self { name: name.to_owned(), writes, ..machine })
    }

    fn to_item(&self, writes: i64) -> Item {
        Item::new(key(&self.name, "0")).text("m", encode(self)).number("w", writes)
    }

    fn said(&self) -> Condition {
        Condition::Says("w", Attribute::Number(self.writes))
    }

    /// Writes down the current revision, and its text if that is new.
    pub(super) async fn write_revision(&self, table: &impl Table, text: Option<&str>) -> Result<(), ApiError> {
        let revision = &self.current;
        for (at, part) in text.map(parts).unwrap_or_default().into_iter().enumerate() {
            let sort = format!("d#{}#{at:03}", revision.id);
            let length = text.map_or(0, str::len);
            let item = Item::new(key(&self.name, sort)).text("t", part).number("n", i64::try_from(length).unwrap_or(i64::MAX));
            table.put(item, Condition::None).await?;
        }
        let item = Item::new(key(&self.name, format!("r#{}", revision.id))).text("r", encode(revision));
        Ok(table.put(item, Condition::None).await?)
    }

    /// Forgets a revision that came to nothing: the machine was created, or changed, by somebody else.
    pub(super) async fn forget_revision(&self, table: &impl Table) -> Result<(), ApiError> {
        let revision = &self.current;
        let parts = query_all(table, Query::prefix(partition(&self.name), &format!("d#{}#", revision.id))).await?;
        for item in parts.into_iter().map(|part| part.key).chain([key(&self.name, format!("r#{}", revision.id))]) {
            table.delete(&item, Condition::None).await?;
        }
        Ok(())
    }

    /// Creates the machine, unless there is one of its name: then it is answered.
    pub(super) async fn create(&mut self, table: &impl Table, now: Timestamp) -> Result<Option<Self>, ApiError> {
        match self.write(table, Condition::Absent(now)).await? {
            Written::Ours => Ok(None),
            Written::Theirs(found) => Self::from_item(&self.name, &found).map(Some),
            // It was deleted in this very moment: the caller may try again.
            Written::Gone => Err(ApiError::throttled()),
        }
    }

    /// Writes the machine back. `false` if it has been changed since it was loaded.
    pub(super) async fn save(&mut self, table: &impl Table) -> Result<bool, ApiError> {
        match self.write(table, self.said()).await? {
            Written::Ours => Ok(true),
            Written::Theirs(_) | Written::Gone => Ok(false),
        }
    }

    async fn write(&mut self, table: &impl Table, condition: Condition) -> Result<Written, ApiError> {
        let item = self.to_item(self.writes + 1);
        let found = match table.put(item.clone(), condition).await {
            Ok(()) => None,
            // Tables repeat a write when its answer is lost: what stands in our way may be what we wrote.
            Err(WriteError::Refused(Some(found))) if *found == item => None,
            Err(WriteError::Refused(found)) => Some(found),
            Err(WriteError::Table(error)) => return Err(error.into()),
        };
        Ok(match found {
            None => {
                self.writes += 1;
                Written::Ours
            }
            Some(Some(found)) => Written::Theirs(found),
            Some(None) => Written::Gone,
        })
    }

    /// Puts the machine into the list of all machines.
    pub(super) async fn enlist(&self, table: &impl Table) -> Result<(), ApiError> {
        let item = Item::new(Key::new(LIST, &self.name))
            .text("i", &self.id)
            .text("t", self.current.machine_type.name())
            .number("c", self.created)
            .number("d", i64::from(self.deleting));
        Ok(table.put(item, Condition::None).await?)
    }

    fn version_key(&self, number: u64) -> Key {
        key(&self.name, format!("v#{}#{number:010}", self.id))
    }

    /// Writes down the newest version, which the machine knows already.
    pub(super) async fn write_newest_version(&self, table: &impl Table) -> Result<(), ApiError> {
        if let Some(version) = &self.newest {
            let item = Item::new(self.version_key(version.number)).text("v", encode(version));
            table.put(item, Condition::None).await?;
        }
        Ok(())
    }

    /// The version of this number.
    pub(super) async fn version(&self, table: &impl Table, number: u64) -> Result<Option<Version>, ApiError> {
        if let Some(newest) = self.newest.as_ref().filter(|newest| newest.number == number) {
            return Ok(Some(newest.clone()));
        }
        let item = table.get(&self.version_key(number)).await?;
        Ok(item.map(|item| decode(Kind::Machine, &item, "v")).transpose()?)
    }

    /// Deletes the machine; its definitions stay until `kept_until`, for those who look at its executions, and for an execution that was
    /// just started and that nobody has seen running yet. `false` if it has been changed since it was loaded.
    pub(super) async fn delete(self, table: &impl Table, kept_until: Timestamp) -> Result<bool, ApiError> {
        match table.delete(&key(&self.name, "0"), self.said()).await {
            // Where nothing stands any more it may be this very call that the table has made twice.
            Ok(()) | Err(WriteError::Refused(None)) => {}
            Err(WriteError::Refused(Some(_))) => return Ok(false),
            Err(WriteError::Table(error)) => return Err(error.into()),
        }
        delist(table, &self.name, &self.id).await?;
        let mut texts = Vec::new();
        for item in query_all(table, Query::prefix(partition(&self.name), "r#")).await? {
            // One that cannot be read has no text that could be found, and stays.
            let Ok(revision) = decode::<Revision>(Kind::Revision, &item, "r") else { continue };
            if revision.machine_id == self.id {
                texts.push(revision.definition);
                table.put(item.expiring(kept_until), Condition::None).await?;
            }
        }
        texts.sort();
        texts.dedup();
        for prefix in texts.iter().map(|text| format!("d#{text}#")).chain([format!("v#{}#", self.id)]) {
            for item in query_all(table, Query::prefix(partition(&self.name), &prefix)).await? {
                table.put(item.expiring(kept_until), Condition::None).await?;
            }
        }
        Ok(true)
    }
}

/// Takes a machine that is gone out of the list, where somebody broke off before doing so.
pub(super) async fn delist_leftover(table: &impl Table, name: &str) -> Result<(), ApiError> {
    let Some(entry) = table.get(&Key::new(LIST, name)).await? else { return Ok(()) };
    // It may have been created again since the caller looked; a machine that is created now writes another entry.
    match (Machine::load(table, name).await?, entry.get_text("i")) {
        (None, Some(id)) => delist(table, name, id).await,
        (Some(_), _) | (None, None) => Ok(()),
    }
}

async fn delist(table: &impl Table, name: &str, id: &str) -> Result<(), ApiError> {
    match table.delete(&Key::new(LIST, name), Condition::Says("i", Attribute::Text(id.to_owned()))).await {
        // Another machine of the name stands there, or none.
        Ok(()) | Err(WriteError::Refused(_)) => Ok(()),
        Err(WriteError::Table(error)) => Err(error.into()),
    }
}

/// A machine's place in the list of all machines.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) machine_type: Value,
    pub(super) created: Timestamp,
    pub(super) deleting: bool,
}

impl Entry {
    pub(super) fn from_item(item: &Item) -> Result<Self, StoreError> {
        Kind::Machine.check(item)?;
        Ok(Self {
            name: item.key.sort.clone(),
            machine_type: item.get_text("t").unwrap_or_default().into(),
            created: Timestamp(item.get_number("c").unwrap_or_default()),
            deleting: item.get_number("d") == Some(1),
        })
    }
}

/// The text in parts that an item holds.
fn parts(text: &str) -> Vec<&str> {
    let mut rest = text;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let mut end = rest.len().min(PART_BYTES);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (part, behind) = rest.split_at(end);
        parts.push(part);
        rest = behind;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        let text = format!("{}é{}", "a".repeat(PART_BYTES - 1), "b".repeat(PART_BYTES));
        let parts = parts(&text);
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [PART_BYTES - 1, PART_BYTES, 2]);
        assert_eq!(parts.concat(), text);
    }
}
