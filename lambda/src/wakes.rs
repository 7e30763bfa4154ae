//! Wake-ups on SQS.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use statewright_engine::{ExecutionArn, QueueError, WakeQueue};

use crate::aws::message;

/// SQS delays no message for longer.
const LONGEST: Duration = Duration::from_secs(900);
/// So many messages are sent at once.
const BATCH: usize = 10;

/// Wake-ups as messages of a standard queue of SQS. The body is the execution's ARN and nothing else.
///
/// SQS delays a message for a quarter of an hour at most. A later wake-up comes after that time, too early: who then looks at the
/// execution finds nothing due and asks again, or leaves it to the sweep, which sends what has become due.
///
/// A message whose sending got no answer is sent again, so it may come twice, as every message of a standard queue may.
#[derive(Clone, Debug)]
pub struct SqsWakes {
    client: Client,
    url: String,
}

impl SqsWakes {
    /// The queue with this URL.
    #[must_use]
    pub fn new(client: Client, url: impl Into<String>) -> Self {
        Self { client, url: url.into() }
    }

    /// Asks for many wake-ups at once, which is charged as a tenth of the requests.
    ///
    /// # Errors
    /// When some were not taken; the others were. All may be sent again.
    pub async fn wake_all(&self, wakes: &[(ExecutionArn, Duration)]) -> Result<(), QueueError> {
        let mut untaken = Vec::new();
        for batch in wakes.chunks(BATCH) {
            let mut request = self.client.send_message_batch().queue_url(&self.url);
            for (number, (execution, after)) in batch.iter().enumerate() {
                let entry = SendMessageBatchRequestEntry::builder()
                    .id(number.to_string())
                    .message_body(&*execution.0)
                    .delay_seconds(delay_seconds(*after));
                request = request.entries(entry.build().map_err(|error| QueueError(error.to_string()))?);
            }
            match request.send().await {
                Ok(answer) => untaken.extend(answer.failed().iter().map(|entry| entry.code().to_owned())),
                Err(error) => untaken.push(message(&error)),
            }
        }
        match untaken.first() {
            None => Ok(()),
            Some(first) => Err(QueueError(format!("{} of {} wake-ups or batches not taken: {first}", untaken.len(), wakes.len()))),
        }
    }
}

impl WakeQueue for SqsWakes {
    async fn wake(&self, execution: &ExecutionArn, after: Duration) -> Result<(), QueueError> {
        let request = self.client.send_message().queue_url(&self.url).message_body(&*execution.0);
        let sent = request.delay_seconds(delay_seconds(after)).send().await;
        sent.map(drop).map_err(|error| QueueError(message(&error)))
    }
}

/// Whole seconds, rounded up lest the wake-up be early, and no more than SQS takes.
pub(crate) fn delay_seconds(after: Duration) -> i32 {
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
