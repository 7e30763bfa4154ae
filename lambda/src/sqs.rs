//! Queues of SQS.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, MessageAttributeValue};
use statewright_engine::api::NewExecution;
use statewright_engine::{ExecutionArn, ExpressQueue, QueueError, WakeQueue};

use crate::aws::message;
use crate::function::Source;
use crate::function::express::launched;
use crate::function::sweep::DeadLetters;
use crate::log;
use crate::tasks::{TaskMessage, TaskQueue};

/// SQS delays no message for longer.
const LONGEST: Duration = Duration::from_secs(900);
/// So many messages are named at once.
const BATCH: usize = 10;
/// SQS hides a message for twelve hours at most.
const HIDDEN_MAX: Duration = Duration::from_secs(12 * 3600);

/// A standard queue of SQS.
///
/// A wake-up is a message whose body is the execution's ARN and nothing else; all others are objects of JSON.
///
/// SQS delays a message for a quarter of an hour at most. A later wake-up comes after that time, too early: who then looks at the
/// execution finds nothing due and asks again, or leaves it to the sweep, which sends what has become due.
///
/// A message whose sending got no answer is sent again, so it may come twice, as every message of a standard queue may.
#[derive(Clone, Debug)]
pub struct SqsQueue {
    client: Client,
    url: String,
}

impl SqsQueue {
    /// The queue with this URL.
    #[must_use]
    pub fn new(client: Client, url: impl Into<String>) -> Self {
        Self { client, url: url.into() }
    }

    /// Puts a message in, to be received after `after`. So often it was received before.
    async fn put(&self, body: impl Into<String>, received: u32, after: Duration) -> Result<(), QueueError> {
        let mut request = self.client.send_message().queue_url(&self.url).message_body(body);
        if received > 0 {
            let number = MessageAttributeValue::builder().data_type("Number").string_value(received.to_string()).build();
            request = request.message_attributes("received", number.map_err(|error| QueueError(error.to_string()))?);
        }
        let sent = request.delay_seconds(delay_seconds(after)).send().await;
        sent.map(drop).map_err(|error| QueueError(message(&error)))
    }
}

impl WakeQueue for SqsQueue {
    async fn wake(&self, execution: &ExecutionArn, after: Duration) -> Result<(), QueueError> {
        self.put(&*execution.0, 0, after).await
    }
}

impl TaskQueue for SqsQueue {
    async fn send(&self, task: &TaskMessage, after: Duration) -> Result<(), QueueError> {
        let body = serde_json::to_string(task).map_err(|error| QueueError(error.to_string()))?;
        self.put(body, 0, after).await
    }
}

impl ExpressQueue for SqsQueue {
    async fn launch(&self, new: &NewExecution) -> Result<(), QueueError> {
        self.put(launched(new)?, 0, Duration::ZERO).await
    }
}

impl Source for SqsQueue {
    async fn hide(&self, receipts: &[&str], duration: Duration) {
        let seconds = i32::try_from(duration.min(HIDDEN_MAX).as_secs()).unwrap_or(i32::MAX);
        for batch in receipts.chunks(BATCH) {
            let mut request = self.client.change_message_visibility_batch().queue_url(&self.url);
            for (number, receipt) in batch.iter().enumerate() {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder();
                let entry = entry.id(number.to_string()).receipt_handle(*receipt).visibility_timeout(seconds);
                if let Ok(entry) = entry.build() {
                    request = request.entries(entry);
                }
            }
            if let Err(error) = request.send().await {
                log::warn("messages come again at another time than asked for", &[("error", &message(&error))]);
            }
        }
    }

    async fn put_again(&self, body: &str, received: u32, after: Duration) -> Result<(), QueueError> {
        self.put(body, received, after).await
    }
}

impl DeadLetters for SqsQueue {
    async fn receive(&self) -> Result<Vec<(String, String)>, String> {
        let request = self.client.receive_message().queue_url(&self.url).max_number_of_messages(10).wait_time_seconds(0);
        let received = request.send().await.map_err(|error| message(&error))?;
        let letters = received.messages.unwrap_or_default().into_iter();
        Ok(letters.filter_map(|letter| Some((letter.body?, letter.receipt_handle?))).collect())
    }

    async fn delete(&self, receipt: &str) -> Result<(), String> {
        let request = self.client.delete_message().queue_url(&self.url).receipt_handle(receipt);
        request.send().await.map(drop).map_err(|error| message(&error))
    }
}

/// Whole seconds, rounded up lest the message be early, and no more than SQS takes.
fn delay_seconds(after: Duration) -> i32 {
    let seconds = after.as_secs().saturating_add(u64::from(after.subsec_nanos() > 0));
    i32::try_from(seconds.min(LONGEST.as_secs())).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_whole_seconds_within_what_sqs_takes() {
        assert_eq!(delay_seconds(Duration::ZERO), 0);
        assert_eq!(delay_seconds(Duration::from_millis(1)), 1);
        assert_eq!(delay_seconds(Duration::from_millis(2000)), 2);
        assert_eq!(delay_seconds(Duration::from_secs(900)), 900);
        assert_eq!(delay_seconds(Duration::from_millis(900_001)), 900);
        assert_eq!(delay_seconds(Duration::MAX), 900);
    }
}
