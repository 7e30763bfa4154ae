//! What is left in the inbox of an execution by those who cannot commit it, for whoever goes on with it.

use std::sync::Arc;
use std::time::Duration;

use statewright_interpreter::event::{Event, TaskId};

use crate::host::{DriveError, Host};
use crate::queue::WakeQueue;
use crate::store::{ExecutionArn, Happened, InboxEntry, Store};

/// Texts of so many bytes go into one entry: an item holds 400 KB, and some text cannot be packed.
const BYTES_MAX: usize = 300_000;

/// The task that something happened to, and how far it has come by that.
fn stage_of(event: &Event) -> Option<(TaskId, u8)> {
    match event {
        Event::TaskStarted { task, .. } => Some((*task, 0)),
        Event::TaskSubmitted { task, .. } | Event::TaskHeartbeat { task } => Some((*task, 1)),
        Event::TaskSucceeded { task, .. } | Event::TaskFailed { task, .. } => Some((*task, 2)),
        Event::Stop { .. } => None,
    }
}

pub(crate) fn task_of(event: &Event) -> Option<TaskId> {
    stage_of(event).map(|(task, _)| task)
}

/// What an event is posted under, so that those of one task are in order and none has the key of an earlier one.
fn key_of(event: &Event) -> Arc<str> {
    stage_of(event).map_or_else(|| "stop".into(), |(task, stage)| format!("task-{}-{stage}", task.0).into())
}

fn bytes_of(happened: &Happened) -> usize {
    match &happened.event {
        Event::TaskSubmitted { output, .. } | Event::TaskSucceeded { output, .. } => output.bytes(),
        Event::TaskStarted { .. } | Event::TaskHeartbeat { .. } | Event::TaskFailed { .. } | Event::Stop { .. } => 0,
    }
}

/// What is posted: all that happened to a task is one entry. A task whose start is known has no lease any more, so nobody may hear of
/// it who does not find its result too. Only what is too large for one item comes apart, the last of it first.
pub(crate) fn to_entries(happened: Vec<Happened>) -> Vec<InboxEntry> {
    let mut entries: Vec<InboxEntry> = Vec::new();
    for happened in happened {
        let (task, key) = (task_of(&happened.event), key_of(&happened.event));
        let has_room = |entry: &&mut InboxEntry| {
            let is_of_same = task.is_some() && entry.happened.iter().any(|earlier| task_of(&earlier.event) == task);
            is_of_same && entry.happened.iter().map(bytes_of).sum::<usize>() + bytes_of(&happened) <= BYTES_MAX
        };
        match entries.iter_mut().find(has_room) {
            Some(entry) => {
                entry.key = key;
                entry.happened.push(happened);
            }
            None => entries.push(InboxEntry { key, happened: vec![happened] }),
        }
    }
    entries.reverse();
    entries
}

/// Posts entries, and wakes somebody.
pub(crate) async fn post_all<H: Host>(host: &H, arn: &ExecutionArn, entries: Vec<InboxEntry>) -> Result<(), DriveError> {
    for entry in entries {
        host.store().post(arn, entry).await?;
    }
    Ok(host.wakes().wake(arn, Duration::ZERO).await?)
}

#[cfg(test)]
mod tests {
    use statewright_interpreter::history::EventId;
    use statewright_interpreter::payload::Document;
    use statewright_interpreter::time::Timestamp;

    use super::*;

    fn posted(events: Vec<Event>) -> Vec<(String, usize)> {
        let happened = events.into_iter().map(|event| Happened { at: Timestamp(0), event }).collect();
        to_entries(happened).into_iter().map(|entry| (entry.key.to_string(), entry.happened.len())).collect()
    }

    fn started(task: u64) -> Event {
        Event::TaskStarted { task: EventId(task), worker_name: None }
    }

    fn text(bytes: usize) -> Document {
        Document::parse(&format!("\"{}\"", "x".repeat(bytes))).unwrap()
    }

    #[test]
    fn what_happened_to_a_task_is_one_entry() {
        let done = |task| Event::TaskSucceeded { task: EventId(task), output: text(2) };
        let all = posted(vec![started(3), started(7), done(7), done(3), Event::Stop { error: Default::default() }]);
        assert_eq!(all, [("stop".to_owned(), 1), ("task-7-2".to_owned(), 2), ("task-3-2".to_owned(), 2)]);
    }

    #[test]
    fn what_is_too_large_for_one_item_comes_apart_the_last_first() {
        let submitted = Event::TaskSubmitted { task: EventId(3), output: text(200_000) };
        let done = Event::TaskSucceeded { task: EventId(3), output: text(200_000) };
        let all = posted(vec![started(3), submitted, done]);
        assert_eq!(all, [("task-3-2".to_owned(), 1), ("task-3-1".to_owned(), 2)]);
    }
}
