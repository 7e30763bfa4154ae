//! Hands messages to the functions that they are for.
//!
//! Lambda asks every queue that feeds a function all the time, and each of these questions is charged. So there is one queue, that of the
//! wake-ups, and what is for another function lies in it too. Who drives hands it on by an asynchronous invocation, with an event like
//! that of a queue, but without receipts: what is to come again is [put in again](super::Messages).

use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use statewright_integrations::caller::Caller;
use statewright_integrations::lambda;

use super::{Fate, SqsMessage};
use crate::log;

/// As much as an asynchronous invocation may hold for the price of one. Source: Lambda's price page, "Requests". A message that is larger by
/// itself goes alone: Lambda takes a megabyte.
const BYTES_MAX: usize = 256 * 1024;

/// The functions that messages are handed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// The one that does the tasks that take long.
    pub tasks: String,
    /// The one that runs Express executions.
    pub express: String,
}

/// Whom a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Addressee {
    /// Who drives.
    Drive,
    /// Who does tasks.
    Tasks,
    /// Who runs Express executions.
    Express,
    /// Somebody that only a later release knows.
    Unknown,
}

impl Addressee {
    pub(super) fn of(body: &str) -> Self {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Object {
            run: Option<IgnoredAny>,
            look: Option<IgnoredAny>,
            execution_arn: Option<IgnoredAny>,
        }
        if !body.trim_start().starts_with('{') {
            return Self::Drive;
        }
        match serde_json::from_str(body) {
            Ok(Object { run: Some(_), .. } | Object { look: Some(_), .. }) => Self::Tasks,
            Ok(Object { execution_arn: Some(_), .. }) => Self::Express,
            Ok(_) | Err(_) => Self::Unknown,
        }
    }
}

impl Relay {
    /// Hands `messages` to whom they are for, those for the same function together, and says what becomes of each.
    pub(super) async fn hand_on<'m>(
        &self,
        caller: &Caller,
        messages: &[(Addressee, &'m SqsMessage)],
    ) -> Vec<(&'m SqsMessage, Fate)> {
        let mut fates = Vec::new();
        for (addressee, function) in [(Addressee::Tasks, &self.tasks), (Addressee::Express, &self.express)] {
            let these = messages.iter().filter(|message| message.0 == addressee).map(|message| message.1);
            for (event, batch) in events(these) {
                let refused = invoke(caller, function, event).await.err();
                if let Some(error) = &refused {
                    log::warn("messages were not handed on", &[("function", function), ("count", &batch.len()), ("error", error)]);
                }
                let fate = |message: &SqsMessage| refused.as_ref().map_or(Fate::Done, |_| Fate::after_failure(message.received()));
                fates.extend(batch.into_iter().map(|message| (message, fate(message))));
            }
        }
        fates
    }
}

/// Events of as many messages as may go together, and the messages of each.
fn events<'m>(messages: impl Iterator<Item = &'m SqsMessage>) -> Vec<(String, Vec<&'m SqsMessage>)> {
    let mut events: Vec<(String, Vec<&SqsMessage>)> = Vec::new();
    for message in messages {
        let record = message.handed_on();
        match events.last_mut().filter(|(event, _)| event.len() + record.len() < BYTES_MAX) {
            Some((event, batch)) => {
                event.push(',');
                event.push_str(&record);
                batch.push(message);
            }
            None => events.push((format!("{{\"Records\":[{record}"), vec![message])),
        }
    }
    for (event, _) in &mut events {
        event.push_str("]}");
    }
    events
}

/// Lambda has not said that it has an event. It may have it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct InvokeError {
    /// The status of its answer, if it has answered.
    pub(crate) status: Option<u16>,
    message: String,
}

/// Lambda takes an asynchronous invocation within milliseconds; whoever waits for it longer tries another way.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);

/// Has a function of the deployment run, in its own time.
pub(crate) async fn invoke(caller: &Caller, function: &str, event: String) -> Result<(), InvokeError> {
    let unanswered = |message: String| InvokeError { status: None, message };
    let request = lambda::asynchronous(function, event);
    let answer = tokio::time::timeout(ANSWERS_WITHIN, caller.send(&request, [])).await;
    let answer = answer.map_err(|_| unanswered(format!("no answer within {} s", ANSWERS_WITHIN.as_secs())))?;
    let answer = answer.map_err(|error| unanswered(error.to_string()))?;
    let answer = answer.map_err(|error| unanswered(error.to_string()))?;
    match answer.is_success() {
        true => Ok(()),
        false => {
            let message = format!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body));
            Err(InvokeError { status: Some(answer.status), message })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::SqsEvent;

    #[test]
    fn a_message_says_whom_it_is_for() {
        let of = Addressee::of;
        assert_eq!(of("arn:aws:states:us-east-1:123456789012:execution:m:e\n"), Addressee::Drive);
        assert_eq!(of(r#"{"run":{"execution":"arn:e","task":5,"lease":7}}"#), Addressee::Tasks);
        assert_eq!(of(r#"{"look":{"execution":"arn:e","task":5,"job":"j","looks":0}}"#), Addressee::Tasks);
        assert_eq!(of(r#"{"executionArn":"arn:e"}"#), Addressee::Express);
        assert_eq!(of(r#"{"later":{}}"#), Addressee::Unknown);
        assert_eq!(of("{"), Addressee::Unknown);
    }

    fn event(bodies: &[String]) -> SqsEvent {
        let record = |body| {
            serde_json::json!({"messageId": "m", "receiptHandle": "r", "body": body,
            "attributes": {"ApproximateReceiveCount": "2", "SentTimestamp": "5"},
            "messageAttributes": {"received": {"stringValue": "3", "dataType": "Number"}}})
        };
        let records: Vec<_> = bodies.iter().map(record).collect();
        serde_json::from_value(serde_json::json!({ "Records": records })).expect("an event of SQS")
    }

    #[test]
    fn what_is_handed_on_is_an_event_of_a_queue_without_receipts() {
        let bodies = ["a \"word\"".to_owned(), "b".to_owned()];
        let came = event(&bodies);
        let sent = events(came.records.iter());
        let [(sent, batch)] = &*sent else { panic!("one event: {sent:?}") };
        assert_eq!(batch.len(), 2);
        let got: SqsEvent = serde_json::from_str(sent).expect("an event");
        for (message, body) in got.records.iter().zip(&bodies) {
            assert_eq!((&message.body, message.received(), message.sent().0), (body, 5, 5));
            assert_eq!(message.receipt_handle, None);
        }
    }

    #[test]
    fn no_event_of_several_messages_is_larger_than_is_charged_once() {
        let sizes = [200_000, 50_000, 20_000, 10, 400_000, 10, 100_000, 150_000, 30_000];
        let bodies: Vec<_> = sizes.iter().map(|bytes| "x".repeat(*bytes)).collect();
        let came = event(&bodies);
        let sent = events(came.records.iter());
        let counts: Vec<_> = sent.iter().map(|(_, batch)| batch.len()).collect();
        assert_eq!(counts, [2, 2, 1, 3, 1]);
        for (event, batch) in &sent {
            assert!(batch.len() == 1 || event.len() <= BYTES_MAX + 2, "{}", event.len());
            assert_eq!(serde_json::from_str::<SqsEvent>(event).expect("an event").records.len(), batch.len());
        }
    }
}
