//! Events as they are stored: small, and with the numbers of payloads in place of the payloads. The types that are written are private to
//! this file; writing them is a promise to read them for ever.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ErrorDetails, EventDetails, EventId, HistoryEvent, IterationStage, StateType, TaskEvent, TaskStage};
use crate::definition::Resource;
use crate::execution::RestoreError;
use crate::payload::{Payload, PayloadId};
use crate::time::Timestamp;

/// A run of events without gaps. What follows from the event before is left out.
#[derive(Serialize, Deserialize)]
struct StoredEvents<'e> {
    /// The first one's number.
    first: EventId,
    events: Vec<StoredEvent<'e>>,
}

#[derive(Serialize, Deserialize)]
struct StoredEvent<'e> {
    /// Milliseconds since the epoch; left out where it is the time of the event before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
    /// `previousEventId`; left out where it is the event before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<EventId>,
    #[serde(flatten)]
    details: StoredDetails<'e>,
}

/// A payload is named `data`, whatever it is to the event.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
enum StoredDetails<'e> {
    ExecutionStarted {
        data: PayloadId,
        role: Arc<str>,
    },
    ExecutionSucceeded {
        data: PayloadId,
    },
    ExecutionFailed(ErrorDetails),
    ExecutionAborted(ErrorDetails),
    ExecutionTimedOut(ErrorDetails),
    EvaluationFailed {
        #[serde(flatten)]
        error: ErrorDetails,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        location: Option<Arc<str>>,
        name: Arc<str>,
    },
    Entered {
        state: StateType,
        name: Arc<str>,
        data: PayloadId,
    },
    Exited {
        state: StateType,
        name: Arc<str>,
        data: PayloadId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        assigned: Option<Vec<(Arc<str>, PayloadId)>>,
    },
    Aborted {
        state: StateType,
    },
    ParallelStarted,
    ParallelSucceeded,
    ParallelFailed,
    MapStarted {
        length: u32,
    },
    MapSucceeded,
    MapFailed,
    Iteration {
        stage: IterationStage,
        name: Arc<str>,
        index: u32,
    },
    Task {
        resource: Cow<'e, str>,
        #[serde(flatten)]
        stage: StoredStage,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "stage", rename_all_fields = "camelCase")]
enum StoredStage {
    Scheduled {
        data: PayloadId,
        region: Arc<str>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout_seconds: Option<u32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        heartbeat_seconds: Option<u32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        credentials_role_arn: Option<Arc<str>>,
    },
    Started {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        worker_name: Option<Arc<str>>,
    },
    Submitted {
        data: PayloadId,
    },
    Succeeded {
        data: PayloadId,
    },
    Failed(ErrorDetails),
    TimedOut(ErrorDetails),
    StartFailed(ErrorDetails),
    SubmitFailed(ErrorDetails),
    ScheduleFailed(ErrorDetails),
}

/// A run of events as JSON text. [`restore_events`] reads it.
#[must_use]
pub fn store_events(events: &[HistoryEvent]) -> String {
    let mut before: Option<&HistoryEvent> = None;
    let stored = events.iter().map(|event| {
        let at = before.is_none_or(|before| before.timestamp != event.timestamp).then_some(event.timestamp.0);
        let previous = (event.previous.0 + 1 != event.id.0).then_some(event.previous);
        before = Some(event);
        StoredEvent { at, previous, details: StoredDetails::from(&event.details) }
    });
    let first = events.first().map_or(EventId(0), |event| event.id);
    let stored = StoredEvents { first, events: stored.collect() };
    serde_json::to_string(&stored).expect("events have text keys and no infinite numbers")
}

/// The events that [`store_events`] wrote; `payload` gives what a number stands for.
///
/// # Errors
/// When the text is damaged, or a payload is not there.
pub fn restore_events(
    text: &str,
    mut payload: impl FnMut(PayloadId) -> Result<Payload, RestoreError>,
) -> Result<Vec<HistoryEvent>, RestoreError> {
    let unreadable = |reason: String| RestoreError::Unreadable { record: "a part of the history".to_owned(), reason };
    let stored: StoredEvents<'_> = serde_json::from_str(text).map_err(|error| unreadable(error.to_string()))?;
    let mut timestamp = None;
    let mut id = stored.first;
    let mut events = Vec::with_capacity(stored.events.len());
    for event in stored.events {
        timestamp = event.at.map(Timestamp).or(timestamp);
        let timestamp = timestamp.ok_or_else(|| unreadable("the first event has no time".to_owned()))?;
        let previous = event.previous.unwrap_or(EventId(id.0.saturating_sub(1)));
        events.push(HistoryEvent { id, previous, timestamp, details: event.details.into_live(&mut payload, unreadable)? });
        id = EventId(id.0 + 1);
    }
    Ok(events)
}

/// The payloads that events name.
#[must_use]
pub fn payloads_of(events: &[HistoryEvent]) -> BTreeSet<PayloadId> {
    let mut payloads = BTreeSet::new();
    for event in events {
        match &event.details {
            EventDetails::ExecutionStarted { input: data, .. }
            | EventDetails::ExecutionSucceeded { output: data }
            | EventDetails::StateEntered { input: data, .. } => {
                payloads.insert(data.id());
            }
            EventDetails::StateExited { output, assigned, .. } => {
                payloads.insert(output.id());
                payloads.extend(assigned.iter().flat_map(|assigned| assigned.iter()).map(|(_, value)| value.id()));
            }
            EventDetails::Task(task) => match &task.stage {
                TaskStage::Scheduled { parameters: data, .. }
                | TaskStage::Submitted { output: data }
                | TaskStage::Succeeded { output: data } => {
                    payloads.insert(data.id());
                }
                TaskStage::Started { .. }
                | TaskStage::Failed(_)
                | TaskStage::TimedOut(_)
                | TaskStage::StartFailed(_)
                | TaskStage::SubmitFailed(_)
                | TaskStage::ScheduleFailed(_) => {}
            },
            EventDetails::ExecutionFailed(_)
            | EventDetails::ExecutionAborted(_)
            | EventDetails::ExecutionTimedOut(_)
            | EventDetails::EvaluationFailed { .. }
            | EventDetails::StateAborted(_)
            | EventDetails::ParallelStateStarted
            | EventDetails::ParallelStateSucceeded
            | EventDetails::ParallelStateFailed
            | EventDetails::MapStateStarted { .. }
            | EventDetails::MapStateSucceeded
            | EventDetails::MapStateFailed
            | EventDetails::MapIteration { .. } => {}
        }
    }
    payloads
}

impl<'e> From<&'e EventDetails> for StoredDetails<'e> {
    fn from(details: &'e EventDetails) -> Self {
        match details {
            EventDetails::ExecutionStarted { input, role_arn } => {
                Self::ExecutionStarted { data: input.id(), role: Arc::clone(role_arn) }
            }
            EventDetails::ExecutionSucceeded { output } => Self::ExecutionSucceeded { data: output.id() },
            EventDetails::ExecutionFailed(error) => Self::ExecutionFailed(error.clone()),
            EventDetails::ExecutionAborted(error) => Self::ExecutionAborted(error.clone()),
            EventDetails::ExecutionTimedOut(error) => Self::ExecutionTimedOut(error.clone()),
            EventDetails::EvaluationFailed { error, location, state } => {
                Self::EvaluationFailed { error: error.clone(), location: location.clone(), name: Arc::clone(state) }
            }
            EventDetails::StateEntered { state_type, name, input } => {
                Self::Entered { state: *state_type, name: Arc::clone(name), data: input.id() }
            }
            EventDetails::StateExited { state_type, name, output, assigned } => Self::Exited {
                state: *state_type,
                name: Arc::clone(name),
                data: output.id(),
                assigned: assigned
                    .as_ref()
                    .map(|assigned| assigned.iter().map(|(name, value)| (Arc::clone(name), value.id())).collect()),
            },
            EventDetails::StateAborted(state) => Self::Aborted { state: *state },
            EventDetails::ParallelStateStarted => Self::ParallelStarted,
            EventDetails::ParallelStateSucceeded => Self::ParallelSucceeded,
            EventDetails::ParallelStateFailed => Self::ParallelFailed,
            EventDetails::MapStateStarted { length } => Self::MapStarted { length: *length },
            EventDetails::MapStateSucceeded => Self::MapSucceeded,
            EventDetails::MapStateFailed => Self::MapFailed,
            EventDetails::MapIteration { stage, name, index } => {
                Self::Iteration { stage: *stage, name: Arc::clone(name), index: *index }
            }
            EventDetails::Task(task) => {
                Self::Task { resource: Cow::Borrowed(task.resource.arn()), stage: StoredStage::from(&task.stage) }
            }
        }
    }
}

impl From<&TaskStage> for StoredStage {
    fn from(stage: &TaskStage) -> Self {
        match stage {
            TaskStage::Scheduled { parameters, region, timeout_seconds, heartbeat_seconds, credentials_role_arn } => {
                Self::Scheduled {
                    data: parameters.id(),
                    region: Arc::clone(region),
                    timeout_seconds: *timeout_seconds,
                    heartbeat_seconds: *heartbeat_seconds,
                    credentials_role_arn: credentials_role_arn.clone(),
                }
            }
            TaskStage::Started { worker_name } => Self::Started { worker_name: worker_name.clone() },
            TaskStage::Submitted { output } => Self::Submitted { data: output.id() },
            TaskStage::Succeeded { output } => Self::Succeeded { data: output.id() },
            TaskStage::Failed(error) => Self::Failed(error.clone()),
            TaskStage::TimedOut(error) => Self::TimedOut(error.clone()),
            TaskStage::StartFailed(error) => Self::StartFailed(error.clone()),
            TaskStage::SubmitFailed(error) => Self::SubmitFailed(error.clone()),
            TaskStage::ScheduleFailed(error) => Self::ScheduleFailed(error.clone()),
        }
    }
}

impl StoredDetails<'_> {
    fn into_live(
        self,
        payload: &mut impl FnMut(PayloadId) -> Result<Payload, RestoreError>,
        unreadable: impl Fn(String) -> RestoreError,
    ) -> Result<EventDetails, RestoreError> {
        Ok(match self {
            Self::ExecutionStarted { data, role } => EventDetails::ExecutionStarted { input: payload(data)?, role_arn: role },
            Self::ExecutionSucceeded { data } => EventDetails::ExecutionSucceeded { output: payload(data)? },
            Self::ExecutionFailed(error) => EventDetails::ExecutionFailed(error),
            Self::ExecutionAborted(error) => EventDetails::ExecutionAborted(error),
            Self::ExecutionTimedOut(error) => EventDetails::ExecutionTimedOut(error),
            Self::EvaluationFailed { error, location, name } => EventDetails::EvaluationFailed { error, location, state: name },
            Self::Entered { state, name, data } => EventDetails::StateEntered { state_type: state, name, input: payload(data)? },
            Self::Exited { state, name, data, assigned } => {
                let assigned = assigned
                    .map(|assigned| {
                        assigned.into_iter().map(|(name, id)| Ok((name, payload(id)?))).collect::<Result<Arc<[_]>, _>>()
                    })
                    .transpose()?;
                EventDetails::StateExited { state_type: state, name, output: payload(data)?, assigned }
            }
            Self::Aborted { state } => EventDetails::StateAborted(state),
            Self::ParallelStarted => EventDetails::ParallelStateStarted,
            Self::ParallelSucceeded => EventDetails::ParallelStateSucceeded,
            Self::ParallelFailed => EventDetails::ParallelStateFailed,
            Self::MapStarted { length } => EventDetails::MapStateStarted { length },
            Self::MapSucceeded => EventDetails::MapStateSucceeded,
            Self::MapFailed => EventDetails::MapStateFailed,
            Self::Iteration { stage, name, index } => EventDetails::MapIteration { stage, name, index },
            Self::Task { resource, stage } => {
                let resource =
                    Resource::parse(&resource).ok_or_else(|| unreadable(format!("`{resource}` is no resource of a task")))?;
                EventDetails::Task(Box::new(TaskEvent { resource, stage: stage.into_live(payload)? }))
            }
        })
    }
}

impl StoredStage {
    fn into_live(self, payload: &mut impl FnMut(PayloadId) -> Result<Payload, RestoreError>) -> Result<TaskStage, RestoreError> {
        Ok(match self {
            Self::Scheduled { data, region, timeout_seconds, heartbeat_seconds, credentials_role_arn } => TaskStage::Scheduled {
                parameters: payload(data)?,
                region,
                timeout_seconds,
                heartbeat_seconds,
                credentials_role_arn,
            },
            Self::Started { worker_name } => TaskStage::Started { worker_name },
            Self::Submitted { data } => TaskStage::Submitted { output: payload(data)? },
            Self::Succeeded { data } => TaskStage::Succeeded { output: payload(data)? },
            Self::Failed(error) => TaskStage::Failed(error),
            Self::TimedOut(error) => TaskStage::TimedOut(error),
            Self::StartFailed(error) => TaskStage::StartFailed(error),
            Self::SubmitFailed(error) => TaskStage::SubmitFailed(error),
            Self::ScheduleFailed(error) => TaskStage::ScheduleFailed(error),
        })
    }
}
