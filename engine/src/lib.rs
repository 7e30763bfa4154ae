//! What the hosts of statewright share: the driver, the journal, and the contracts of tables, queues and clocks.
//!
//! A host brings a [`Table`](table::Table), a [`WakeQueue`], [`Tasks`] and a [`Clock`]; [`drive`] brings one execution as far as it will
//! go. A host that keeps an execution in memory uses [`advance`] by itself.

mod activities;
pub mod api;
mod clock;
mod delivery;
mod driver;
mod engine;
pub mod format;
mod host;
pub mod journal;
mod logs;
mod message;
pub mod operator;
mod posting;
mod queue;
mod round;
mod status;
mod store;
mod sweep;
pub mod table;

pub use clock::{Clock, SystemClock, Timer, VirtualClock};
pub use delivery::{Delivered, OpenTask, claim, deliver, deliver_all, deliver_at_once, deliver_if, open_task};
pub use driver::{Drove, drive, drive_again, run, start};
pub use engine::{Engine, EngineSettings, ExpressQueue};
pub use host::{BORN_WITHIN, DriveError, Host, NEAR, Patience, REMINDER_AHEAD_MAX, SKEW, WAKE_AHEAD_MAX};
pub use logs::{LogRecords, LogSink, Logging};
pub use message::{Driven, Fate, HIDDEN_TIMEOUTS, WakeUp, answer_wake_up, hidden_until, hides_after};
pub use queue::{AfterCrash, Answer, Answered, Later, QueueError, Tasks, WakeQueue};
pub use round::{Advanced, Budget, advance};
pub use status::{Heard, Listener, status_change};
pub use store::{
    Birth, Commit, CommitError, ExecutionArn, ForgetfulStore, Happened, InboxEntry, Ledger, Loaded, Store, StoreError,
};
pub use sweep::{LOOK_AHEAD, Swept, release, sweep, take_back_recovered, take_dead_letter, to_walk, walk};
