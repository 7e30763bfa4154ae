//! The queue of tasks that take long, and of jobs to look at.

use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use statewright_engine::format::Kind;
use statewright_engine::{QueueError, StoreError};

/// Something for the function that does tasks. It carries no state: what the task is, its execution knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TaskMessage {
    /// A task to do.
    Run {
        /// The execution's ARN.
        execution: String,
        /// Which attempt.
        task: u64,
        /// What it was passed on with, and is claimed by.
        lease: i64,
        /// Since when it could not be begun, in milliseconds since the epoch; nothing when nobody has tried.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<i64>,
    },
    /// The job of a task to look at.
    Look {
        /// The execution's ARN.
        execution: String,
        /// Which attempt.
        task: u64,
        /// The job: the ARN of the execution that the task has started.
        job: String,
        /// How often it was looked at in vain.
        looks: u32,
    },
}

/// A job is looked at once in a minute at least.
const LOOK_SECONDS_MAX: u64 = 60;

impl TaskMessage {
    /// The message that was sent as `text`.
    ///
    /// # Errors
    /// When a later release has sent it, or it is no such message.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        Kind::Task.check_message(text)?;
        serde_json::from_str(text).map_err(|error| StoreError::Unreadable(error.to_string()))
    }

    /// After what time it is to be received.
    #[must_use]
    pub fn pause(&self) -> Duration {
        match self {
            Self::Run { .. } => Duration::ZERO,
            Self::Look { looks, .. } => Duration::from_secs((1 << (*looks).min(6)).min(LOOK_SECONDS_MAX)),
        }
    }
}

/// Takes messages for the function that does tasks.
pub trait TaskQueue: Send + Sync {
    /// Sends a message, to be received after `after`.
    fn send(&self, task: &TaskMessage, after: Duration) -> impl Future<Output = Result<(), QueueError>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_every_format_are_read() {
        let run = TaskMessage::Run { execution: "arn:e".to_owned(), task: 5, lease: 7, since: None };
        let again = TaskMessage::Run { execution: "arn:e".to_owned(), task: 5, lease: 7, since: Some(3) };
        let look = TaskMessage::Look { execution: "arn:e".to_owned(), task: 5, job: "arn:j".to_owned(), looks: 3 };
        for (sent, message) in include_str!("../../tests/formats/task-1.txt").lines().zip([run, look, again]) {
            assert_eq!(TaskMessage::parse(sent), Ok(message.clone()));
            assert_eq!(serde_json::to_string(&message).expect("JSON"), sent, "the present format is this one");
        }
        let later = TaskMessage::parse(r#"{"run":{"execution":"arn:e","task":5,"lease":7},"format":2}"#);
        assert!(later.is_err_and(|error| error.is_newer()));
    }

    #[test]
    fn messages_come_back_and_looks_become_rare() {
        let run = TaskMessage::Run { execution: "arn:e".to_owned(), task: 5, lease: 7, since: None };
        let text = serde_json::to_string(&run).expect("JSON");
        assert_eq!(text, r#"{"run":{"execution":"arn:e","task":5,"lease":7}}"#);
        assert_eq!(TaskMessage::parse(&text), Ok(run));
        let pause = |looks| TaskMessage::Look { execution: String::new(), task: 1, job: String::new(), looks }.pause().as_secs();
        assert_eq!([0, 1, 5, 6, 60].map(pause), [1, 2, 32, 60, 60]);
    }
}
