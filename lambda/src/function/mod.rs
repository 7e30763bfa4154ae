//! What the functions of a deployment do with an invocation.
//!
//! Nothing runs after the answer: Lambda stops the process there, perhaps for ever. So every handler ends what it has begun, hands over
//! what it has no time for, and only then answers.

pub mod api;
pub mod drive;
pub mod express;
mod logs;
pub mod relay;
pub mod resource;
pub mod start;
mod status;
pub mod sweep;
pub mod tasks;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
pub use statewright_engine::Fate;
use statewright_engine::journal::{Journal, Settings};
use statewright_engine::table::Table;
use statewright_engine::{Clock as _, Engine, EngineSettings, ExpressQueue, Patience, QueueError, WakeQueue, WakeUp};
use statewright_integrations::caller::Caller;
use statewright_integrations::service::STEP_FUNCTIONS;
use statewright_interpreter::time::Timestamp;

use crate::clock::TokioTimer;
use crate::config::{Config, Function};
use crate::log;
use crate::tasks::{Called, Policy, TaskQueue};

/// The engine in a function.
pub type Machinery<T, W, Q, X> = Engine<T, W, Called<Q>, TokioTimer, X>;

/// How long before the end of an invocation it must be over with its work: an answer from the table may take that long.
const LEAVE_BEFORE: Duration = Duration::from_secs(3);
/// How long before the end of an invocation it is ended by itself, whatever it waits for.
const CUT_BEFORE: Duration = Duration::from_millis(500);
/// A pause of at most so long is waited for rather than left to a wake-up: it costs less than the reminder that a wake-up needs.
const PAUSE: Duration = Duration::from_secs(2);
/// When one of several tasks is done, so long others are waited for, to commit them together.
const LINGER: Duration = Duration::from_millis(20);

/// An invocation.
#[derive(Clone, Copy, Debug)]
pub struct Invocation {
    /// When it must have answered.
    pub deadline: Timestamp,
    /// Whether it is the first of its process.
    pub is_first: bool,
}

impl Invocation {
    /// When it must be over with its work.
    #[must_use]
    pub fn leave_at(&self) -> Timestamp {
        self.deadline.minus(LEAVE_BEFORE)
    }
}

/// An invocation had no time left for what it waited for. Lambda is to repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the function's time is over, and something has not been answered: a table or a queue that is slow or refuses much")]
pub struct Overrun;

/// What `work` gives, unless the invocation ends before. What is on its way then may still be carried out, as when the process is killed; but
/// the process goes on, and somebody hears of it.
///
/// # Errors
/// When there was no time left: fail the invocation.
pub async fn in_time<T>(invocation: &Invocation, work: impl Future<Output = T>) -> Result<T, Overrun> {
    let left = TokioTimer.now().until(invocation.deadline.minus(CUT_BEFORE));
    tokio::time::timeout(left, work).await.map_err(|_| {
        log::warn("an invocation was ended, since its time was over; what it was at comes again", &[("error", &Overrun)]);
        Overrun
    })
}

/// The engine over `table`, as `config` has it. Tasks that start executions reach it without leaving the process.
pub fn machinery<T, W, Q, X>(
    config: &Config,
    table: T,
    wakes: W,
    queue: Q,
    express: X,
    caller: Caller,
) -> Arc<Machinery<T, W, Q, X>>
where
    T: Table + 'static,
    W: WakeQueue + 'static,
    Q: TaskQueue + 'static,
    X: ExpressQueue + 'static,
{
    let settings = Settings { retention_seconds: config.retention.as_secs(), ..Settings::default() };
    let journal = Journal::new(Arc::new(table), settings, api::random_u64());
    let policy = Policy {
        wait: config.wait,
        // An Express execution ends where it began, and so do its tasks.
        waits_for_all: !matches!(config.function, Function::Drive | Function::Direct | Function::Tasks),
        roles: config.roles.clone(),
        after_crash: config.after_crash,
        fail: config.fail_after_crash.clone(),
        repeat: config.repeat_after_crash.clone(),
    };
    let poll = match config.function {
        Function::Activity => config.poll,
        // Whoever wants to wait asks the function for it.
        _ => Duration::ZERO,
    };
    let settings = EngineSettings { activity_wait: poll, activity_look: Duration::from_millis(500), ..EngineSettings::default() };
    Arc::new_cyclic(|engine| {
        let own = api::OwnStates::new(std::sync::Weak::clone(engine));
        let caller = caller.with_handler(&STEP_FUNCTIONS, Arc::new(own));
        let built = Engine::new(journal, wakes, Called::new(caller, queue, policy), TokioTimer, express, settings)
            .logged_to(Box::new(logs::LogGroups::new(std::sync::Weak::clone(engine))));
        match status::StatusEvents::of(config, std::sync::Weak::clone(engine)) {
            Some(events) => built.heard_by(Box::new(events)),
            None => built,
        }
    })
}

/// Makes the engine ready for an invocation.
pub fn begin<T: Table, W: WakeQueue, Q: TaskQueue, X: ExpressQueue>(
    engine: &Machinery<T, W, Q, X>,
    config: &Config,
    invocation: &Invocation,
) {
    let leave_at = invocation.leave_at();
    // What is begun must be over in time; a call takes a little longer than what it calls.
    let begin_until = leave_at.minus(config.wait).minus(2 * LEAVE_BEFORE);
    let patience = Patience { pause: PAUSE, leave_at: Some(leave_at), begin_until: Some(begin_until), linger: LINGER };
    engine.set_patience(patience);
    engine.others().set_end(leave_at);
}

/// What SQS hands to a function.
#[derive(Debug, Deserialize)]
pub struct SqsEvent {
    /// The messages.
    #[serde(rename = "Records")]
    pub records: Vec<SqsMessage>,
}

/// A message.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SqsMessage {
    /// What the queue calls it.
    pub message_id: String,
    /// What it is named by when it is to be hidden for longer; nothing where it was [handed on](relay).
    pub receipt_handle: Option<String>,
    /// What was sent.
    pub body: String,
    /// What the queue knows of it.
    pub attributes: SqsAttributes,
    /// What it was sent with.
    #[serde(default)]
    pub message_attributes: SqsMessageAttributes,
}

/// What the queue knows of a message.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SqsAttributes {
    /// How often it was received, this time included.
    pub approximate_receive_count: String,
    /// When it was sent, in milliseconds since the epoch.
    pub sent_timestamp: String,
}

/// What a message was sent with besides its body.
#[derive(Debug, Default, Deserialize)]
pub struct SqsMessageAttributes {
    /// How often it was received before it was put in again.
    pub received: Option<SqsMessageAttribute>,
}

/// Something that a message was sent with.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SqsMessageAttribute {
    /// A text, or a number as text.
    pub string_value: Option<String>,
}

impl SqsMessage {
    /// How often it was received, this time and those before it was put in again included.
    #[must_use]
    pub fn received(&self) -> u32 {
        let before = self.message_attributes.received.as_ref().and_then(|received| received.string_value.as_ref()?.parse().ok());
        let now: u32 = self.attributes.approximate_receive_count.parse().unwrap_or(1);
        now.saturating_add(before.unwrap_or(0))
    }

    /// The wake-up that it is.
    #[must_use]
    pub fn wake_up(&self) -> WakeUp {
        WakeUp { received: self.received(), sent: self.sent() }
    }

    /// When it was sent.
    #[must_use]
    pub fn sent(&self) -> Timestamp {
        Timestamp(self.attributes.sent_timestamp.parse().unwrap_or(0))
    }

    /// As it is handed on.
    fn handed_on(&self) -> String {
        record(&self.message_id, &self.body, self.received(), self.sent())
    }
}

/// A message in an event, without a receipt.
fn record(id: &str, body: &str, received: u32, sent: Timestamp) -> String {
    let attributes = json!({ "ApproximateReceiveCount": received.to_string(), "SentTimestamp": sent.0.to_string() });
    json!({ "messageId": id, "body": body, "attributes": attributes }).to_string()
}

/// An event with one wake-up, for a function that no queue feeds.
pub(crate) fn waking(execution: &str, now: Timestamp) -> String {
    format!("{{\"Records\":[{}]}}", record("direct", execution, 1, now))
}

/// What a function answers to SQS: the messages that are to come again.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    /// The messages.
    pub batch_item_failures: Vec<crate::start::Failure>,
}

/// A queue, as those see it who receive from it.
pub trait Source: Send + Sync {
    /// Hides messages, named by their receipts, for `duration` from now. A failure changes nothing but when they come again.
    fn hide(&self, receipts: &[&str], duration: Duration) -> impl Future<Output = ()> + Send;
    /// Puts a message in again, to be received after `after`. So often it was received before.
    fn put_again(&self, body: &str, received: u32, after: Duration) -> impl Future<Output = Result<(), QueueError>> + Send;
}

/// So often a message is received at most, as the template has it for those that queues count themselves.
const RECEIVED_MAX: u32 = 100;

/// Where a function's messages come from, and where those go that are given up.
#[derive(Clone, Debug)]
pub struct Messages<S> {
    /// Where they come from.
    pub queue: S,
    /// Where those go that are given up; nothing where the queue itself sees to that.
    pub letters: Option<S>,
}

impl<S: Source> Messages<S> {
    /// Has a message come again that has no receipt, after `after`, unless it has come too often.
    ///
    /// # Errors
    /// When it was not put in: it is lost, unless whoever has handed it over does so again.
    async fn again(&self, message: &SqsMessage, received: u32, after: Duration) -> Result<(), QueueError> {
        match self.letters.as_ref().filter(|_| received >= RECEIVED_MAX) {
            Some(letters) => {
                log::error("a message was given up: see the dead letters", &[("message", &message.message_id)]);
                letters.put_again(&message.body, 0, Duration::ZERO).await
            }
            None => self.queue.put_again(&message.body, received, after).await,
        }
    }
}

/// Answers for messages whose fates are known.
///
/// # Errors
/// When a message that has no receipt was not put in again: the invocation must fail, so that Lambda repeats it. What was
/// put in again before then comes twice, which costs a look more each time and does nothing twice: tasks are claimed, and ends have keys.
async fn answer<S: Source>(messages: &Messages<S>, fates: Vec<(&SqsMessage, Fate)>) -> Result<BatchAnswer, QueueError> {
    let mut answer = BatchAnswer::default();
    for (message, fate) in fates {
        match (fate, &message.receipt_handle) {
            (Fate::Done, _) => {}
            (Fate::Again(after), Some(receipt)) => {
                messages.queue.hide(&[receipt], after).await;
                answer.batch_item_failures.push(crate::start::Failure { item_identifier: message.message_id.clone() });
            }
            (Fate::Again(after), None) => messages.again(message, message.received(), after).await?,
        }
    }
    Ok(answer)
}
