//! The contracts of the queues.

use std::future::Future;
use std::time::Duration;

use statewright_interpreter::command::Command;

use crate::store::ExecutionArn;

/// A queue could not take a message. The message counts as lost: the state tells what to send again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("queue: {0}")]
pub struct QueueError(pub String);

/// Wake-ups: "look at this execution", nothing else.
///
/// A wake-up carries no state, so it may be repeated, late, early, out of order or lost: [`drive`](crate::drive) finds nothing to do,
/// or does it late. Who runs a host sees to it that lost ones are found: executions that are past their deadline, can go on, have
/// something posted, or have tasks outstanding that nobody has started.
///
/// Every driver that finds an execution waiting asks for the wake-up at its deadline, so the same one is asked for again and again; a
/// queue that keeps all of them sees them multiply.
pub trait WakeQueue {
    /// Has the execution looked at after `after`.
    fn wake(&self, execution: &ExecutionArn, after: Duration) -> impl Future<Output = Result<(), QueueError>> + Send;
}

/// Tasks on their way to who does them.
///
/// A command may be delivered more than once; workers use the task's id as idempotency key where the service they call takes one. It
/// may be lost: every driver that loads the execution sends it again as long as the execution has not heard that the task was started.
pub trait TaskQueue {
    /// Has the command carried out.
    fn dispatch(&self, execution: &ExecutionArn, command: Command) -> impl Future<Output = Result<(), QueueError>> + Send;
}
