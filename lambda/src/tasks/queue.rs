//! The queue of tasks that take long, and of jobs to look at.

use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use statewright_engine::QueueError;

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
    fn messages_come_back_and_looks_become_rare() {
        let run = TaskMessage::Run { execution: "arn:e".to_owned(), task: 5, lease: 7 };
        let text = serde_json::to_string(&run).expect("JSON");
        assert_eq!(text, r#"{"run":{"execution":"arn:e","task":5,"lease":7}}"#);
        assert_eq!(serde_json::from_str::<TaskMessage>(&text).expect("itself"), run);
        let pause = |looks| TaskMessage::Look { execution: String::new(), task: 1, job: String::new(), looks }.pause().as_secs();
        assert_eq!([0, 1, 5, 6, 60].map(pause), [1, 2, 32, 60, 60]);
    }
}
