//! Ending an execution that cannot be restored, so that somebody who stops it is not left with it for ever.

use statewright_value::Value;

use super::checkpoint::Checkpoint;
use super::frame::FrameId;
use super::{Execution, Head, Identity, Status};
use crate::command::Output;
use crate::history::{ErrorDetails, EventDetails, EventId};
use crate::payload::{Document, Payload, PayloadId};
use crate::quota::Quotas;
use crate::time::Timestamp;

/// What a host knows of an execution whatever can be read of it.
#[derive(Clone, Debug)]
pub struct Abandoned {
    /// Who it is; counts where the checkpoint does not say.
    pub identity: Identity,
    /// When it was started; counts where the checkpoint does not say.
    pub started_at: Timestamp,
    /// A number that no event of it has which can be read.
    pub next_event: EventId,
}

impl Execution {
    /// The execution, aborted: it has no frames, and of everything else what can be read of `checkpoint`. Its tasks are not cancelled:
    /// nobody knows them; their answers come to an execution that has ended.
    #[must_use]
    pub fn abandon(checkpoint: &Checkpoint, known: Abandoned, error: ErrorDetails, now: Timestamp, out: &mut Output) -> Execution {
        let Abandoned { identity, started_at, next_event } = known;
        let mut head = Head::salvage(checkpoint).unwrap_or_else(|| {
            let quotas = Quotas::aws(false);
            Head {
                identity,
                quotas,
                status: Status::Running,
                next_event,
                next_frame: FrameId(1),
                next_payload: PayloadId(1),
                next_order: 0,
                input: Payload::new(PayloadId(0), Document::from(Value::empty_object())),
                started_at,
                timeout_at: started_at.plus_seconds(quotas.execution_seconds_max),
                last_time: started_at,
                seed: 0,
                redrive_count: 0,
                variables_bytes: 0,
            }
        });
        head.next_event = head.next_event.max(next_event);
        let mut execution = Self::empty(head);
        execution.unsaved.payloads.push(execution.head.input.clone());
        let now = execution.not_before(now);
        execution.emit_at(EventId(0), EventDetails::ExecutionAborted(error.clone()), now, out);
        execution.finish(Status::Aborted(error), out);
        execution
    }
}
