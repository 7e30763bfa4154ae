//! Queues of SQS as those see them who receive from them.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::ChangeMessageVisibilityBatchRequestEntry;

use crate::aws::message;
use crate::function::Hiding;
use crate::function::sweep::DeadLetters;
use crate::log;

/// So many messages are named at once.
const BATCH: usize = 10;
/// SQS hides a message for twelve hours at most.
const HIDDEN_MAX: Duration = Duration::from_secs(12 * 3600);

/// Hides messages of a queue from other receivers.
#[derive(Clone, Debug)]
pub struct SqsHiding {
    client: Client,
    url: String,
}

impl SqsHiding {
    /// Those of the queue with this URL.
    #[must_use]
    pub fn new(client: Client, url: impl Into<String>) -> Self {
        Self { client, url: url.into() }
    }
}

impl Hiding for SqsHiding {
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
}

/// The queue that wake-ups go to which were in vain.
#[derive(Clone, Debug)]
pub struct SqsDeadLetters {
    client: Client,
    url: String,
}

impl SqsDeadLetters {
    /// The queue with this URL.
    #[must_use]
    pub fn new(client: Client, url: impl Into<String>) -> Self {
        Self { client, url: url.into() }
    }
}

impl DeadLetters for SqsDeadLetters {
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
