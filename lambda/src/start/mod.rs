//! Executions that events start: which there are, with what input, and under which name.
//!
//! Whatever is not known as one of the shapes below is an input itself, so that a function can be invoked with anything.
//!
//! | event | executions | input | name, from |
//! |---|---|---|---|
//! | EventBridge | one | the event | `id`, and `replay-name` |
//! | SQS | one for each message | the message, as the event has it | `messageId` |
//! | SNS | one for each record (there is one) | the record | `MessageId` |
//! | S3 | one for each record | the record | bucket, key, version, event name and `sequencer` |
//! | DynamoDB stream, Kinesis | one for each record | the record | stream and `eventID` |
//! | `{"startExecution": {"name": …, "input": …}}` | one | `input`, or `{}` | `name`, or the invocation |
//! | anything else | one | all of it | the invocation |
//!
//! **Names.** All of these sources deliver at least once. A name follows from the event alone, so that its second delivery asks for an
//! execution that there is already, and starts nothing. (Lambda keeps the id of an invocation when it repeats an asynchronous one, so the
//! last two rows are safe from that too; a schedule that must be safe from repetitions of its own sends
//! `{"startExecution": {"name": "<aws.scheduler.execution-id>"}}`.) An event that two rules send to one function is one event, and
//! starts one execution. What is too long for a name or not allowed in one is replaced by its hash.
//!
//! **Repetition.** Every source has a unit that it repeats: see [`Repeats`].
//!
//! Source of the shapes: the Lambda developer guide, a chapter for each service, and the EventBridge user guide, "Events".

mod event;
mod mapping;
mod name;

use serde::Serialize;

pub use event::read;
pub use mapping::{Mapped, Mapping, MappingError};
pub use name::name;

/// An execution to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start<'e> {
    /// Its name. The same event always gives the same.
    pub name: String,
    /// Its input: the text of a JSON value, as it came.
    pub input: &'e str,
    /// What the source calls the record; empty where it repeats the whole invocation.
    pub record: String,
}

/// What a source delivers again when not all executions could be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    /// Everything: the invocation fails. EventBridge, SNS, S3, and whoever invokes the function itself.
    All,
    /// The records that are named in the answer. SQS, standard queues.
    Failed,
    /// The first record that is named in the answer and all after it, because their order counts: nothing after a failure is to be
    /// started. SQS, FIFO queues (which want all of them named), DynamoDB streams and Kinesis.
    FromFirst,
}

/// What an event asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Starts<'e> {
    /// The executions, in the order of the records.
    pub starts: Vec<Start<'e>>,
    /// What is repeated.
    pub repeats: Repeats,
}

/// The answer to a source that repeats records: those it has to deliver again. The mapping between source and function must have
/// `ReportBatchItemFailures` among its `FunctionResponseTypes`; without it Lambda takes every answer for success.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The records. None: all is done.
    pub batch_item_failures: Vec<Failure>,
}

/// A record to be delivered again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// What the source calls it: a message's id, a record's sequence number.
    pub item_identifier: String,
}

/// Some executions could not be started, and the source repeats the whole event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{failed} of {all} executions could not be started")]
pub struct Unstarted {
    /// How many.
    pub failed: usize,
    /// Of how many.
    pub all: usize,
}

impl Starts<'_> {
    /// Starts them one after the other by `start`, which gives whether the execution is there, and says what is to be repeated.
    ///
    /// # Errors
    /// When one could not be started and the source repeats all: the invocation has to fail.
    pub async fn start_all<'s>(&'s self, start: impl AsyncFn(&'s Start<'s>) -> bool) -> Result<Answer, Unstarted> {
        let mut failed = Vec::new();
        for (position, one) in self.starts.iter().enumerate() {
            if start(one).await {
                continue;
            }
            if self.repeats == Repeats::FromFirst {
                failed.extend(self.starts.iter().skip(position));
                break;
            }
            failed.push(one);
        }
        if self.repeats == Repeats::All && !failed.is_empty() {
            return Err(Unstarted { failed: failed.len(), all: self.starts.len() });
        }
        Ok(Answer { batch_item_failures: failed.into_iter().map(|one| Failure { item_identifier: one.record.clone() }).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(repeats: Repeats) -> Starts<'static> {
        let start = |name: &str| Start { name: name.to_owned(), input: "{}", record: format!("record {name}") };
        Starts { starts: ["a", "b", "c", "d"].map(start).into(), repeats }
    }

    /// What is started and answered when `b` and `d` cannot be started.
    fn outcome(repeats: Repeats) -> (String, Result<String, Unstarted>) {
        let tried = std::cell::RefCell::new(String::new());
        let start = async |start: &Start<'_>| {
            tried.borrow_mut().push_str(&start.name);
            !["b", "d"].contains(&&*start.name)
        };
        let answer = pollster::block_on(starts(repeats).start_all(start));
        (tried.take(), answer.map(|answer| serde_json::to_string(&answer).expect("JSON")))
    }

    #[test]
    fn each_source_repeats_its_own_unit() {
        assert_eq!(outcome(Repeats::All), ("abcd".to_owned(), Err(Unstarted { failed: 2, all: 4 })));
        let named = r#"{"batchItemFailures":[{"itemIdentifier":"record b"},{"itemIdentifier":"record d"}]}"#;
        assert_eq!(outcome(Repeats::Failed), ("abcd".to_owned(), Ok(named.to_owned())));
        let from =
            r#"{"batchItemFailures":[{"itemIdentifier":"record b"},{"itemIdentifier":"record c"},{"itemIdentifier":"record d"}]}"#;
        assert_eq!(outcome(Repeats::FromFirst), ("ab".to_owned(), Ok(from.to_owned())), "nothing is started out of order");
    }

    #[test]
    fn when_all_are_there_nothing_is_repeated() {
        for repeats in [Repeats::All, Repeats::Failed, Repeats::FromFirst] {
            let answer = pollster::block_on(starts(repeats).start_all(async |_| true));
            assert_eq!(answer, Ok(Answer::default()));
        }
    }
}
