//! What the functions of a deployment do with an invocation.
//!
//! Nothing runs after the answer: Lambda stops the process there, perhaps for ever. So every handler ends what it has begun, hands over
//! what it has no time for, and only then answers.

pub mod api;
pub mod drive;
pub mod express;
pub mod resource;
pub mod start;
mod status;
pub mod sweep;
pub mod tasks;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use statewright_engine::journal::{Journal, Settings};
use statewright_engine::table::Table;
use statewright_engine::{Engine, EngineSettings, ExpressQueue, Patience, WakeQueue};
use statewright_integrations::caller::Caller;
use statewright_integrations::service::STEP_FUNCTIONS;
use statewright_interpreter::time::Timestamp;

use crate::clock::TokioTimer;
use crate::config::{Config, Function};
use crate::tasks::{Called, Policy, TaskQueue};

/// The engine in a function.
pub type Machinery<T, W, Q, X> = Engine<T, W, Called<Q>, TokioTimer, X>;

/// How long before the end of an invocation it must be over with its work: an answer from the table may take that long.
const LEAVE_BEFORE: Duration = Duration::from_secs(3);
/// A pause of at most so long is waited for rather than left to a wake-up: it costs less than the reminder that a wake-up needs.
const PAUSE: Duration = Duration::from_secs(2);
/// When one of several tasks is done, so long others are waited for, to commit them together.
const LINGER: Duration = Duration::from_millis(20);

/// An invocation.
#[derive(Clone, Copy, Debug)]
pub struct Invocation {
    /// When it must have answered.
    pub deadline: Timestamp,
}

impl Invocation {
    /// When it must be over with its work.
    #[must_use]
    pub fn leave_at(&self) -> Timestamp {
        self.deadline.minus(LEAVE_BEFORE)
    }
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
        waits_for_all: !matches!(config.function, Function::Drive | Function::Tasks),
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
        let built = Engine::new(journal, wakes, Called::new(caller, queue, policy), TokioTimer, express, settings);
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
    /// What it is named by when it is to be hidden for longer.
    pub receipt_handle: String,
    /// What was sent.
    pub body: String,
    /// What the queue knows of it.
    pub attributes: SqsAttributes,
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

impl SqsMessage {
    /// How often it was received, this time included.
    #[must_use]
    pub fn received(&self) -> u32 {
        self.attributes.approximate_receive_count.parse().unwrap_or(1)
    }

    /// When it was sent.
    #[must_use]
    pub fn sent(&self) -> Timestamp {
        Timestamp(self.attributes.sent_timestamp.parse().unwrap_or(0))
    }
}

/// What a function answers to SQS: the messages that are to come again.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    /// The messages.
    pub batch_item_failures: Vec<crate::start::Failure>,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It has done its work.
    Done,
    /// It is to come again after this time.
    Again(Duration),
}

impl Fate {
    /// A message that was received so often comes again later each time.
    #[must_use]
    pub fn after_failure(received: u32) -> Self {
        Self::Again(Duration::from_secs((5 << received.saturating_sub(1).min(8)).min(900)))
    }
}

/// Hides messages from other receivers.
pub trait Hiding: Send + Sync {
    /// Hides messages, named by their receipts, for `duration` from now. A failure changes nothing but when they come again.
    fn hide(&self, receipts: &[&str], duration: Duration) -> impl Future<Output = ()> + Send;
}

/// Answers for messages whose fates are known.
async fn answer(hiding: &impl Hiding, fates: Vec<(&SqsMessage, Fate)>) -> BatchAnswer {
    let mut answer = BatchAnswer::default();
    for (message, fate) in fates {
        if let Fate::Again(after) = fate {
            hiding.hide(&[&message.receipt_handle], after).await;
            answer.batch_item_failures.push(crate::start::Failure { item_identifier: message.message_id.clone() });
        }
    }
    answer
}
