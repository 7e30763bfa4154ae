//! Posted events as items.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use statewright_interpreter::event::{Event, FailedStage, TaskId};
use statewright_interpreter::history::ErrorDetails;
use statewright_interpreter::payload::Document;
use statewright_interpreter::time::Timestamp;

use super::pack;
use crate::format::Kind;
use crate::store::{Happened, InboxEntry, StoreError};
use crate::table::{Item, Key};

/// An event as it is stored. Writing it is a promise to read it for ever.
#[derive(Serialize, Deserialize)]
#[serde(tag = "event", rename_all_fields = "camelCase")]
enum Stored {
    TaskStarted {
        task: TaskId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        worker_name: Option<Arc<str>>,
    },
    TaskSubmitted {
        task: TaskId,
        output: String,
    },
    TaskSucceeded {
        task: TaskId,
        output: String,
    },
    TaskFailed {
        task: TaskId,
        stage: StoredStage,
        #[serde(flatten)]
        error: ErrorDetails,
    },
    TaskHeartbeat {
        task: TaskId,
    },
    Stop(ErrorDetails),
}

/// One of several, with its own time.
#[derive(Serialize, Deserialize)]
struct StoredAt {
    at: i64,
    #[serde(flatten)]
    event: Stored,
}

#[derive(Serialize, Deserialize)]
enum StoredStage {
    Running,
    Scheduling,
    Starting,
    Submitting,
}

fn to_stored(event: &Event) -> Stored {
    match event {
        Event::TaskStarted { task, worker_name } => Stored::TaskStarted { task: *task, worker_name: worker_name.clone() },
        Event::TaskSubmitted { task, output } => Stored::TaskSubmitted { task: *task, output: output.text().into_owned() },
        Event::TaskSucceeded { task, output } => Stored::TaskSucceeded { task: *task, output: output.text().into_owned() },
        Event::TaskFailed { task, stage, error } => {
            let stage = match stage {
                FailedStage::Running => StoredStage::Running,
                FailedStage::Scheduling => StoredStage::Scheduling,
                FailedStage::Starting => StoredStage::Starting,
                FailedStage::Submitting => StoredStage::Submitting,
            };
            Stored::TaskFailed { task: *task, stage, error: error.clone() }
        }
        Event::TaskHeartbeat { task } => Stored::TaskHeartbeat { task: *task },
        Event::Stop { error } => Stored::Stop(error.clone()),
    }
}

fn from_stored(stored: Stored) -> Result<Event, String> {
    let document = |text: String| Document::parse(&text).map_err(|error| error.to_string());
    Ok(match stored {
        Stored::TaskStarted { task, worker_name } => Event::TaskStarted { task, worker_name },
        Stored::TaskSubmitted { task, output } => Event::TaskSubmitted { task, output: document(output)? },
        Stored::TaskSucceeded { task, output } => Event::TaskSucceeded { task, output: document(output)? },
        Stored::TaskFailed { task, stage, error } => {
            let stage = match stage {
                StoredStage::Running => FailedStage::Running,
                StoredStage::Scheduling => FailedStage::Scheduling,
                StoredStage::Starting => FailedStage::Starting,
                StoredStage::Submitting => FailedStage::Submitting,
            };
            Event::TaskFailed { task, stage, error }
        }
        Stored::TaskHeartbeat { task } => Event::TaskHeartbeat { task },
        Stored::Stop(error) => Event::Stop { error },
    })
}

/// An item with one event, or a list of several; `at` is when the first of them happened.
pub(super) fn write(key: Key, at: Timestamp, happened: &[Happened]) -> Result<Item, StoreError> {
    let text = match happened {
        [one] => serde_json::to_vec(&to_stored(&one.event)),
        several => {
            let several = several.iter().map(|one| StoredAt { at: one.at.0, event: to_stored(&one.event) });
            serde_json::to_vec(&several.collect::<Vec<_>>())
        }
    };
    let text = text.map_err(|error| StoreError::Unavailable(error.to_string()))?;
    Ok(Item::new(key).number("f", pack::FORMAT).number("at", at.0).bytes("b", pack::pack(&text, &[])?))
}

pub(super) fn read(key: Arc<str>, item: &Item) -> Result<InboxEntry, StoreError> {
    Kind::Posted.check(item)?;
    let damaged = |reason: String| StoreError::Unreadable(format!("posted event {key} cannot be read: {reason}"));
    let text = pack::unpack(item.get_bytes("b").unwrap_or_default(), &[])?;
    let stored: Vec<StoredAt> = if text.starts_with(b"[") {
        serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?
    } else {
        let event = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        vec![StoredAt { at: item.get_number("at").unwrap_or(0), event }]
    };
    let happened = |StoredAt { at, event }| Ok(Happened { at: Timestamp(at), event: from_stored(event).map_err(damaged)? });
    let happened = stored.into_iter().map(happened).collect::<Result<_, StoreError>>()?;
    Ok(InboxEntry { key, happened })
}
