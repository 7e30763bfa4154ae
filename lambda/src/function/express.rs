//! Runs Express executions that nobody waits for, from a queue. They keep no checkpoint: one whose function dies is begun again.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use statewright_engine::api::{ListedStatus, NewExecution};
use statewright_engine::format::Kind;
use statewright_engine::table::Table;
use statewright_engine::{ExpressQueue, QueueError, WakeQueue};
use statewright_interpreter::definition::MachineType;
use statewright_interpreter::execution::Identity;
use statewright_interpreter::payload::Document;
use statewright_interpreter::time::Timestamp;

use super::{BatchAnswer, Fate, Machinery, Messages, Source, SqsEvent, SqsMessage, answer};
use crate::log;
use crate::tasks::TaskQueue;

/// What cannot be read was sent by a later release.
const LATER: Duration = Duration::from_secs(900);

/// An Express execution as it is sent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Launched {
    execution_arn: Arc<str>,
    execution_name: Arc<str>,
    state_machine_arn: Arc<str>,
    state_machine_name: Arc<str>,
    role_arn: Arc<str>,
    region: Arc<str>,
    revision: Arc<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_arn: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alias_arn: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_header: Option<Arc<str>>,
    /// As it came. It stands as it is and not as a text, so that quoting does not double it.
    input: Box<RawValue>,
    /// In hexadecimal.
    seed: String,
    now: i64,
}

impl Launched {
    fn of(new: &NewExecution) -> serde_json::Result<Self> {
        let Identity { execution_arn, execution_name, state_machine_arn, state_machine_name, role_arn, region } =
            new.identity.clone();
        Ok(Self {
            execution_arn,
            execution_name,
            state_machine_arn,
            state_machine_name,
            role_arn,
            region,
            revision: Arc::clone(&new.revision),
            version_arn: new.version_arn.clone(),
            alias_arn: new.alias_arn.clone(),
            trace_header: new.trace_header.clone(),
            input: RawValue::from_string(new.input.text().into_owned())?,
            seed: format!("{:x}", new.seed),
            now: new.now.0,
        })
    }

    fn into_new(self) -> Option<NewExecution> {
        let identity = Identity {
            execution_arn: self.execution_arn,
            execution_name: self.execution_name,
            state_machine_arn: self.state_machine_arn,
            state_machine_name: self.state_machine_name,
            role_arn: self.role_arn,
            region: self.region,
        };
        Some(NewExecution {
            identity,
            machine_type: MachineType::Express,
            revision: self.revision,
            version_arn: self.version_arn,
            alias_arn: self.alias_arn,
            trace_header: self.trace_header,
            input: Document::parse(self.input.get()).ok()?,
            seed: u128::from_str_radix(&self.seed, 16).ok()?,
            now: Timestamp(self.now),
        })
    }
}

/// An Express execution as a message.
pub(crate) fn launched(new: &NewExecution) -> Result<String, QueueError> {
    Launched::of(new).and_then(|launched| serde_json::to_string(&launched)).map_err(|error| QueueError(error.to_string()))
}

/// The execution that was sent as `text`; `None` when this release cannot read it.
fn read(text: &str) -> Option<NewExecution> {
    Kind::Express.check_message(text).ok()?;
    serde_json::from_str::<Launched>(text).ok()?.into_new()
}

/// Runs the executions of a batch, all at once.
///
/// # Errors
/// When a message is to come again and cannot: fail the invocation.
pub async fn handle<T: Table, W: WakeQueue, Q: TaskQueue, X: ExpressQueue, S: Source>(
    engine: &Machinery<T, W, Q, X>,
    messages: &Messages<S>,
    event: &SqsEvent,
) -> Result<BatchAnswer, QueueError> {
    let fates = join_all(event.records.iter().map(|message| run(engine, message))).await;
    answer(messages, event.records.iter().zip(fates).collect()).await
}

async fn run<T: Table, W: WakeQueue, Q: TaskQueue, X: ExpressQueue>(engine: &Machinery<T, W, Q, X>, message: &SqsMessage) -> Fate {
    let Some(new) = read(&message.body) else {
        log::warn("a message cannot be read; a later release may have sent it", &[("message", &message.message_id)]);
        return Fate::Again(LATER);
    };
    let arn = &new.identity.execution_arn;
    match engine.run_express(&new, false).await {
        Ok((record, _)) => {
            let status = ListedStatus::from(&record.status).as_str();
            log::info("an Express execution has ended", &[("execution", arn), ("status", &status)]);
            Fate::Done
        }
        Err(error) => {
            log::warn("an Express execution could not be run", &[("execution", arn), ("error", &error.reason())]);
            Fate::after_failure(message.received())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_launched_comes_back() {
        let text = |text: &str| Arc::from(text);
        let identity = Identity {
            execution_arn: text("arn:e"),
            execution_name: text("e"),
            state_machine_arn: text("arn:m"),
            state_machine_name: text("m"),
            role_arn: text("arn:r"),
            region: text("us-east-1"),
        };
        let new = NewExecution {
            identity,
            machine_type: MachineType::Express,
            revision: text("1"),
            version_arn: None,
            alias_arn: Some(text("arn:alias")),
            trace_header: None,
            input: Document::parse(r#"{"n": 1.0}"#).expect("JSON"),
            seed: u128::MAX,
            now: Timestamp(5),
        };
        let sent = launched(&new).expect("JSON");
        assert_eq!(sent, include_str!("../../tests/formats/express-1.txt").trim_end(), "the present format is this one");
        let got = read(&sent).expect("all of it");
        assert_eq!(format!("{got:?}"), format!("{new:?}"));
        assert_eq!(got.input.text(), r#"{"n": 1.0}"#);
        let later = sent.replacen('{', r#"{"format":2,"#, 1);
        assert!(read(&later).is_none(), "another release has sent it");
    }
}
