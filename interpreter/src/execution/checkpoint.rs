//! The stored form of an execution: small JSON texts under names of their own, so that a commit writes what has changed and no more.
//!
//! A checkpoint is a head, the live frames, the results that wait for a join, and the payloads that these refer to by number. States
//! are named, not numbered: another release may number them otherwise. The types that are written are private to this file; writing
//! them is a promise to read them for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use statewright_value::{DEPTH_MAX, ParseError};

use super::failure::Failure;
use super::frame::{Frame, FrameId, Join, Phase, Source, Stage, TaskPhase, TaskProgress};
use super::{Execution, Head, Identity, Status};
use crate::definition::Definition;
use crate::history::{ErrorDetails, EventId};
use crate::payload::{Document, Payload, PayloadId};
use crate::quota::Quotas;
use crate::time::Timestamp;

/// The number of the stored form that this release writes. It reads this one and all before it.
pub const FORMAT: u16 = 1;

/// Everything that is stored of an execution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// The head, as JSON text.
    pub head: String,
    /// Every live frame, as JSON text.
    pub frames: BTreeMap<FrameId, String>,
    /// Outputs of children that have finished, by the parent's frame and the child's slot.
    pub results: BTreeMap<(FrameId, u32), PayloadId>,
    /// Payloads. It is enough to hold those that the others refer to.
    pub payloads: BTreeMap<PayloadId, StoredPayload>,
}

impl Checkpoint {
    /// Whether it says that a later release wrote it. Nothing else of it is read.
    #[must_use]
    pub fn is_newer(&self) -> bool {
        matches!(read_head(self), Err(RestoreError::Format { .. }))
    }
}

/// A payload as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredPayload {
    /// Its JSON text.
    Text(String),
    /// The array of these: the output of a Parallel or a Map.
    Array(Vec<PayloadId>),
}

/// What to write so that a stored checkpoint equals the execution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The head, as JSON text. It changes with every event.
    pub head: String,
    /// The frames that changed, as JSON text.
    pub frames: BTreeMap<FrameId, String>,
    /// The frames that ended.
    pub removed_frames: BTreeSet<FrameId>,
    /// The results that came.
    pub results: BTreeMap<(FrameId, u32), PayloadId>,
    /// The results that were taken.
    pub removed_results: BTreeSet<(FrameId, u32)>,
    /// The payloads that came. Each is in the changes once, never again.
    pub payloads: Vec<(PayloadId, StoredPayload)>,
}

/// Why a checkpoint cannot be restored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// A later release wrote it: let that one go on with it.
    #[error("checkpoint format {found} is newer than {FORMAT}, the newest this release reads")]
    Format {
        /// The format found.
        found: u16,
    },
    /// The checkpoint is damaged, or not one.
    #[error("{record} cannot be read: {reason}")]
    Unreadable {
        /// Which record.
        record: String,
        /// Why.
        reason: String,
    },
    /// The definition is not the one the execution was started with.
    #[error("state `{0}` is not in the definition")]
    UnknownState(String),
    /// A record that another one names is not there.
    #[error("{0} is missing")]
    Missing(String),
}

/// Of a head of any release, what tells how to read it.
#[derive(Deserialize)]
struct StoredFormat {
    format: u16,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredHead {
    format: u16,
    status: StoredStatus,
    #[serde(flatten)]
    identity: Identity,
    quotas: Quotas,
    next_event: EventId,
    next_frame: FrameId,
    next_payload: PayloadId,
    next_order: u64,
    input: PayloadId,
    started_at: i64,
    timeout_at: i64,
    last_time: i64,
    /// Hexadecimal: JSON numbers of many readers end at 2^53.
    seed: String,
    #[serde(default, skip_serializing_if = "is_zero")]
    redrive_count: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "SCREAMING_SNAKE_CASE")]
enum StoredStatus {
    Running,
    Succeeded { output: PayloadId },
    Failed(ErrorDetails),
    TimedOut,
    Aborted(ErrorDetails),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredFrame<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<(FrameId, u32)>,
    state: std::borrow::Cow<'a, str>,
    #[serde(flatten)]
    phase: StoredPhase,
    cursor: EventId,
    #[serde(default, skip_serializing_if = "is_none_event")]
    entered: EventId,
    #[serde(default, skip_serializing_if = "is_zero_time")]
    entered_at: i64,
    input: PayloadId,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    variables: BTreeMap<Arc<str>, PayloadId>,
    #[serde(default, skip_serializing_if = "SmallVec::is_empty")]
    attempts: SmallVec<[u32; 2]>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum StoredPhase {
    Enter {
        order: u64,
    },
    Retry {
        order: u64,
    },
    Leave {
        order: u64,
    },
    Succeeded {
        order: u64,
        result: PayloadId,
    },
    Failed {
        order: u64,
        failure: Failure,
    },
    Joined {
        order: u64,
    },
    Waiting {
        until: i64,
    },
    Backoff {
        until: i64,
    },
    Task {
        task: EventId,
        progress: TaskProgress,
        parameters: PayloadId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout_seconds: Option<u32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        heartbeat_seconds: Option<u32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        credentials_role_arn: Option<Arc<str>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout_at: Option<i64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        heartbeat_at: Option<i64>,
    },
    Join {
        total: u32,
        next: u32,
        running: u32,
        limit: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        starting: Option<u64>,
        /// What the branches of a Parallel are started with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        branch_input: Option<PayloadId>,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero_time(time: &i64) -> bool {
    *time == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_none_event(event: &EventId) -> bool {
    event.0 == 0
}

impl Execution {
    /// What to write so that a stored checkpoint equals this execution; from now on nothing has changed.
    pub fn take_changes(&mut self, definition: &Definition) -> Changes {
        let unsaved = std::mem::take(&mut self.unsaved);
        let mut changes = Changes {
            head: self.head.to_stored(),
            removed_frames: unsaved.removed_frames.into_iter().collect(),
            removed_results: unsaved.removed_results.into_iter().collect(),
            ..Changes::default()
        };
        for id in unsaved.frames {
            if let Some(frame) = self.frames.get_mut(&id) {
                frame.touched = false;
                changes.frames.insert(id, frame.to_stored(definition));
            }
        }
        let results = unsaved.results.iter().filter_map(|key| Some((*key, self.results.get(key)?.id())));
        changes.results = results.collect();
        changes.removed_results.retain(|key| !changes.results.contains_key(key));
        changes.payloads = unsaved.payloads.iter().map(|payload| (payload.id(), StoredPayload::from(payload))).collect();
        changes
    }

    /// The payloads that [`Self::take_changes`] would give, the newest last.
    #[must_use]
    pub fn unsaved_payloads(&self) -> &[Payload] {
        &self.unsaved.payloads
    }

    /// As if what has changed had been written down: for a host that stores nothing.
    pub fn discard_changes(&mut self) {
        for id in std::mem::take(&mut self.unsaved).frames {
            if let Some(frame) = self.frames.get_mut(&id) {
                frame.touched = false;
            }
        }
    }

    /// Everything that is stored of this execution, with the payloads it still needs.
    #[must_use]
    pub fn checkpoint(&self, definition: &Definition) -> Checkpoint {
        let payloads = self.live_payloads().into_iter().map(|(id, payload)| (id, StoredPayload::from(payload))).collect();
        Checkpoint {
            head: self.head.to_stored(),
            frames: self.frames.iter().map(|(&id, frame)| (id, frame.to_stored(definition))).collect(),
            results: self.results.iter().map(|(&key, payload)| (key, payload.id())).collect(),
            payloads,
        }
    }

    /// The payloads that a checkpoint would hold, and those that they are made of.
    #[must_use]
    pub fn payload_ids(&self) -> BTreeSet<PayloadId> {
        self.live_payloads().into_keys().collect()
    }

    fn live_payloads(&self) -> BTreeMap<PayloadId, &Payload> {
        let mut live = BTreeMap::new();
        let mut wanted: Vec<&Payload> = vec![&self.head.input];
        if let Status::Succeeded { output } = &self.head.status {
            wanted.push(output);
        }
        wanted.extend(self.results.values());
        wanted.extend(self.frames.values().flat_map(|frame| frame.payloads()));
        while let Some(payload) = wanted.pop() {
            if live.insert(payload.id(), payload).is_none() {
                wanted.extend(payload.document().parts().unwrap_or_default());
            }
        }
        live
    }

    /// The numbers of the live frames.
    pub fn frame_ids(&self) -> impl Iterator<Item = FrameId> + '_ {
        self.frames.keys().copied()
    }

    /// The tasks that are open, oldest first.
    #[must_use]
    pub fn open_tasks(&self) -> Vec<crate::event::TaskId> {
        self.tasks.keys().copied().collect()
    }

    /// The execution that was written down.
    ///
    /// # Errors
    /// When the checkpoint is of a later format, damaged or incomplete, or `definition` is not the one it was started with.
    pub fn restore(definition: &Definition, checkpoint: &Checkpoint) -> Result<Execution, RestoreError> {
        let head = read_head(checkpoint)?;
        let mut payloads = StoredPayloads::new(&checkpoint.payloads);
        let mut execution = Self::empty(head.into_live(&mut payloads)?);
        for (&id, text) in &checkpoint.frames {
            let stored: StoredFrame<'_> = read(&format!("frame {}", id.0), text)?;
            let frame = stored.into_live(definition, &mut payloads)?;
            execution.frames.insert(id, Box::new(frame));
        }
        for (&key, &id) in &checkpoint.results {
            execution.results.insert(key, payloads.get(id)?);
        }
        execution.derive(definition)?;
        Ok(execution)
    }

    /// An execution that has ended, as it was written down: nothing of it needs its definition any more.
    ///
    /// # Errors
    /// When the checkpoint is of a later format, damaged or incomplete, or the execution goes on: then its frames are missing.
    pub fn restore_ended(checkpoint: &Checkpoint) -> Result<Execution, RestoreError> {
        let head = read_head(checkpoint)?.into_live(&mut StoredPayloads::new(&checkpoint.payloads))?;
        if head.status.is_final() { Ok(Self::empty(head)) } else { Err(RestoreError::Missing("every frame".to_owned())) }
    }

    /// Finds again what is not stored because it follows from what is.
    fn derive(&mut self, definition: &Definition) -> Result<(), RestoreError> {
        if let Some(frame) = self.frames.values().find(|frame| frame.parent.is_some_and(|(id, _)| !self.frames.contains_key(&id))) {
            return Err(RestoreError::Missing(format!("frame {}", frame.parent.map_or(0, |(id, _)| id.0))));
        }
        self.find_sources(definition)?;
        self.check_intact(definition)?;
        let mut turns = Vec::new();
        for (&id, frame) in &self.frames {
            // A frame that is starting children has its turn before all others.
            turns.extend(frame.turn().map(|order| (!matches!(frame.phase, Phase::Join(_)), order, id)));
            self.deadlines.extend(frame.deadline().map(|deadline| (deadline, id)));
            self.tasks.extend(frame.phase.task().map(|task| (task, id)));
            let variables = frame.variables.iter().flat_map(|variables| variables.values());
            self.head.variables_bytes += variables.map(|payload| payload.document().bytes()).sum::<usize>();
        }
        turns.sort_unstable();
        self.ready = turns.into_iter().map(|(_, _, id)| id).collect();
        Ok(())
    }
}

/// The payloads of a checkpoint, each read when it is first asked for.
#[derive(Debug)]
pub struct StoredPayloads<'c> {
    stored: &'c BTreeMap<PayloadId, StoredPayload>,
    read: BTreeMap<PayloadId, Payload>,
}

/// No payload is larger, whatever the quotas: a few small arrays of each other may claim to be as large as one likes.
const PAYLOAD_BYTES_MAX: usize = 1 << 30;

impl<'c> StoredPayloads<'c> {
    /// The payloads that are stored as `stored`.
    #[must_use]
    pub fn new(stored: &'c BTreeMap<PayloadId, StoredPayload>) -> Self {
        Self { stored, read: BTreeMap::new() }
    }

    /// The payload with the number `id`.
    ///
    /// # Errors
    /// When it, or one that it is made of, is not there or cannot be read.
    pub fn get(&mut self, id: PayloadId) -> Result<Payload, RestoreError> {
        self.get_within(id, DEPTH_MAX)
    }

    fn get_within(&mut self, id: PayloadId, depth: usize) -> Result<Payload, RestoreError> {
        if let Some(payload) = self.read.get(&id) {
            return Ok(payload.clone());
        }
        let record = || format!("payload {}", id.0);
        let document = match self.stored.get(&id).ok_or_else(|| RestoreError::Missing(record()))? {
            StoredPayload::Text(text) => Document::parse(text)
                .map_err(|error: ParseError| RestoreError::Unreadable { record: record(), reason: error.to_string() })?,
            // A part has a lower number than the whole, which keeps a damaged checkpoint from going round in circles.
            StoredPayload::Array(parts) => {
                let inner = depth.checked_sub(1).ok_or_else(|| too_large(record()))?;
                let part = |&part: &PayloadId| match part < id {
                    true => self.get_within(part, inner),
                    false => Err(RestoreError::Missing(record())),
                };
                Document::join(parts.iter().map(part).collect::<Result<_, _>>()?)
            }
        };
        let size = document.value().measure();
        if size.depth > DEPTH_MAX || size.bytes > PAYLOAD_BYTES_MAX {
            return Err(too_large(record()));
        }
        let payload = Payload::new(id, document);
        self.read.insert(id, payload.clone());
        Ok(payload)
    }
}

fn too_large(record: String) -> RestoreError {
    RestoreError::Unreadable { record, reason: "it is larger or deeper than any payload".to_owned() }
}

impl From<&Payload> for StoredPayload {
    fn from(payload: &Payload) -> Self {
        match payload.document().parts() {
            Some(parts) => Self::Array(parts.iter().map(Payload::id).collect()),
            None => Self::Text(payload.text().into_owned()),
        }
    }
}

/// The head, if it is of a format that this release knows: what else a later one holds need not look like ours.
fn read_head(checkpoint: &Checkpoint) -> Result<StoredHead, RestoreError> {
    let head = read::<StoredHead>("the head", &checkpoint.head);
    let format = match &head {
        Ok(head) => Ok(head.format),
        Err(_) => read("the head", &checkpoint.head).map(|StoredFormat { format }| format),
    };
    match format {
        Ok(found) if found > FORMAT => Err(RestoreError::Format { found }),
        Ok(_) | Err(_) => head,
    }
}

fn read<'t, T: Deserialize<'t>>(record: &str, text: &'t str) -> Result<T, RestoreError> {
    serde_json::from_str(text).map_err(|error| RestoreError::Unreadable { record: record.to_owned(), reason: error.to_string() })
}

fn write(record: &impl Serialize) -> String {
    serde_json::to_string(record).expect("a record has text keys and no infinite numbers")
}

impl Head {
    /// The head of a checkpoint, as far as it can be read: another release's may have what this one does not know, and an input that is not
    /// there is `{}`. `None` if it is no head.
    pub(super) fn salvage(checkpoint: &Checkpoint) -> Option<Self> {
        let mut head: StoredHead = serde_json::from_str(&checkpoint.head).ok()?;
        head.status = StoredStatus::Running;
        let input = StoredPayloads::new(&checkpoint.payloads).get(head.input);
        let text = input.map_or_else(|_| "{}".to_owned(), |input| input.text().into_owned());
        let payloads = [(head.input, StoredPayload::Text(text))].into();
        head.into_live(&mut StoredPayloads::new(&payloads)).ok()
    }

    fn to_stored(&self) -> String {
        let status = match &self.status {
            Status::Running => StoredStatus::Running,
            Status::Succeeded { output } => StoredStatus::Succeeded { output: output.id() },
            Status::Failed(error) => StoredStatus::Failed(error.clone()),
            Status::TimedOut => StoredStatus::TimedOut,
            Status::Aborted(error) => StoredStatus::Aborted(error.clone()),
        };
        write(&StoredHead {
            format: FORMAT,
            status,
            identity: self.identity.clone(),
            quotas: self.quotas,
            next_event: self.next_event,
            next_frame: self.next_frame,
            next_payload: self.next_payload,
            next_order: self.next_order,
            input: self.input.id(),
            started_at: self.started_at.0,
            timeout_at: self.timeout_at.0,
            last_time: self.last_time.0,
            seed: format!("{:032x}", self.seed),
            redrive_count: self.redrive_count,
        })
    }
}

impl StoredHead {
    fn into_live(self, payloads: &mut StoredPayloads<'_>) -> Result<Head, RestoreError> {
        let status = match self.status {
            StoredStatus::Running => Status::Running,
            StoredStatus::Succeeded { output } => Status::Succeeded { output: payloads.get(output)? },
            StoredStatus::Failed(error) => Status::Failed(error),
            StoredStatus::TimedOut => Status::TimedOut,
            StoredStatus::Aborted(error) => Status::Aborted(error),
        };
        let seed = u128::from_str_radix(&self.seed, 16)
            .map_err(|error| RestoreError::Unreadable { record: "the head".to_owned(), reason: format!("seed: {error}") })?;
        Ok(Head {
            identity: self.identity,
            quotas: self.quotas,
            status,
            next_event: self.next_event,
            next_frame: self.next_frame,
            next_payload: self.next_payload,
            next_order: self.next_order,
            input: payloads.get(self.input)?,
            started_at: Timestamp(self.started_at),
            timeout_at: Timestamp(self.timeout_at),
            last_time: Timestamp(self.last_time),
            seed,
            redrive_count: self.redrive_count,
            variables_bytes: 0,
        })
    }
}

impl Frame {
    fn to_stored(&self, definition: &Definition) -> String {
        let variables = self.variables.iter().flat_map(|variables| variables.iter());
        write(&StoredFrame {
            parent: self.parent,
            state: (&*definition.state(self.state).name).into(),
            phase: self.phase.to_stored(),
            cursor: self.cursor,
            entered: self.entered,
            entered_at: self.entered_at.0,
            input: self.input.id(),
            variables: variables.map(|(name, value)| (Arc::clone(name), value.id())).collect(),
            attempts: self.attempts.clone(),
        })
    }

    /// The payloads it refers to.
    fn payloads(&self) -> impl Iterator<Item = &Payload> {
        let of_phase = match &self.phase {
            Phase::Ready { stage: Stage::Succeeded(result), .. } => Some(result),
            Phase::Task(task) => Some(&task.parameters),
            Phase::Join(join) => match &join.source {
                Source::Branches(input) => Some(input),
                Source::Items { .. } => None,
            },
            Phase::Ready { .. } | Phase::Waiting { .. } | Phase::Backoff { .. } => None,
        };
        let variables = self.variables.iter().flat_map(|variables| variables.values());
        std::iter::once(&self.input).chain(of_phase).chain(variables)
    }
}

impl StoredFrame<'_> {
    fn into_live(self, definition: &Definition, payloads: &mut StoredPayloads<'_>) -> Result<Frame, RestoreError> {
        let variables = self.variables.into_iter().map(|(name, id)| Ok((name, payloads.get(id)?)));
        let variables = variables.collect::<Result<BTreeMap<_, _>, RestoreError>>()?;
        Ok(Frame {
            parent: self.parent,
            state: definition.find(&self.state).ok_or_else(|| RestoreError::UnknownState(self.state.into_owned()))?,
            phase: self.phase.into_live(payloads)?,
            cursor: self.cursor,
            entered: self.entered,
            entered_at: Timestamp(self.entered_at),
            input: payloads.get(self.input)?,
            variables: (!variables.is_empty()).then(|| Arc::new(variables)),
            attempts: self.attempts,
            touched: false,
        })
    }
}

impl Phase {
    fn task(&self) -> Option<EventId> {
        if let Self::Task(task) = self { Some(task.id) } else { None }
    }

    fn to_stored(&self) -> StoredPhase {
        match self {
            Self::Ready { stage, order } => {
                let order = *order;
                match stage {
                    Stage::Enter => StoredPhase::Enter { order },
                    Stage::Retry => StoredPhase::Retry { order },
                    Stage::Leave => StoredPhase::Leave { order },
                    Stage::Succeeded(result) => StoredPhase::Succeeded { order, result: result.id() },
                    Stage::Failed(failure) => StoredPhase::Failed { order, failure: failure.clone() },
                    Stage::Joined => StoredPhase::Joined { order },
                }
            }
            Self::Waiting { until } => StoredPhase::Waiting { until: until.0 },
            Self::Backoff { until } => StoredPhase::Backoff { until: until.0 },
            Self::Task(task) => StoredPhase::Task {
                task: task.id,
                progress: task.progress,
                parameters: task.parameters.id(),
                timeout_seconds: task.timeout_seconds,
                heartbeat_seconds: task.heartbeat_seconds,
                credentials_role_arn: task.credentials_role_arn.clone(),
                timeout_at: task.timeout_at.map(|time| time.0),
                heartbeat_at: task.heartbeat_at.map(|time| time.0),
            },
            Self::Join(join) => StoredPhase::Join {
                total: join.total,
                next: join.next,
                running: join.running,
                limit: join.limit,
                starting: join.starting,
                branch_input: match &join.source {
                    Source::Branches(input) => Some(input.id()),
                    Source::Items { .. } => None,
                },
            },
        }
    }
}

impl StoredPhase {
    fn into_live(self, payloads: &mut StoredPayloads<'_>) -> Result<Phase, RestoreError> {
        let ready = |stage, order| Ok(Phase::Ready { stage, order });
        match self {
            Self::Enter { order } => ready(Stage::Enter, order),
            Self::Retry { order } => ready(Stage::Retry, order),
            Self::Leave { order } => ready(Stage::Leave, order),
            Self::Succeeded { order, result } => ready(Stage::Succeeded(payloads.get(result)?), order),
            Self::Failed { order, failure } => ready(Stage::Failed(failure), order),
            Self::Joined { order } => ready(Stage::Joined, order),
            Self::Waiting { until } => Ok(Phase::Waiting { until: Timestamp(until) }),
            Self::Backoff { until } => Ok(Phase::Backoff { until: Timestamp(until) }),
            Self::Task {
                task,
                progress,
                parameters,
                timeout_seconds,
                heartbeat_seconds,
                credentials_role_arn,
                timeout_at,
                heartbeat_at,
            } => Ok(Phase::Task(Box::new(TaskPhase {
                id: task,
                progress,
                parameters: payloads.get(parameters)?,
                timeout_seconds,
                heartbeat_seconds,
                credentials_role_arn,
                timeout_at: timeout_at.map(Timestamp),
                heartbeat_at: heartbeat_at.map(Timestamp),
            }))),
            Self::Join { total, next, running, limit, starting, branch_input } => {
                let source = match branch_input {
                    Some(input) => Source::Branches(payloads.get(input)?),
                    // Found again once all frames are there.
                    None => Source::Items { items: Default::default(), effective_input: Default::default() },
                };
                Ok(Phase::Join(Box::new(Join { total, next, running, limit, starting, source })))
            }
        }
    }
}

impl Checkpoint {
    /// Writes changes into the checkpoint they belong to. Payloads that nothing refers to any more stay.
    pub fn apply(&mut self, changes: Changes) {
        self.head = changes.head;
        for id in &changes.removed_frames {
            self.frames.remove(id);
        }
        self.frames.extend(changes.frames);
        for key in &changes.removed_results {
            self.results.remove(key);
        }
        self.results.extend(changes.results);
        self.payloads.extend(changes.payloads);
    }
}
