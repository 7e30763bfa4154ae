//! What the hosts of statewright share: the driver, and the contracts of stores, queues and clocks.
//!
//! A host brings a [`Store`], a [`WakeQueue`], a [`TaskQueue`] and a [`Clock`]; [`drive`] brings one execution as far as it will go.
//! A host that keeps an execution in memory between rounds uses a [`Session`] by itself.

pub mod api;
mod clock;
mod driver;
mod memory;
mod queue;
mod store;
pub mod table;

pub use clock::{Clock, SystemClock, VirtualClock};
pub use driver::{Budget, DriveError, Drove, Host, Round, Session, drive};
pub use memory::{ForgetfulStore, MemoryStore};
pub use queue::{QueueError, TaskQueue, WakeQueue};
pub use store::{Commit, CommitError, ExecutionArn, InboxEntry, Loaded, Store, StoreError, Version};
