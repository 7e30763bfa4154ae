//! Requests that come again to the letter, though they were signed once: [`signature`](super::signature) says what that may do.
//!
//! What an operation has done may have been undone since by another one: who sends the creation of a state machine again after its
//! deletion would create it again. The signatures of such requests are therefore noted for as long as they are good. The same goes for
//! the polls of workers, each of which may get a task.

use std::time::Duration;

use super::caller::Caller;
use super::error::ApiError;
use super::operation::Operation;
use super::signature::{EQUAL_WITHIN, TOLERANCE};
use crate::store::StoreError;
use crate::table::{Condition, Item, Key, Table, WriteError};

/// A request is good for so long, counted from when it is good first.
const GOOD_FOR: Duration = Duration::from_millis(2 * TOLERANCE as u64);

/// For how long after the first request one that is equal may be another one, in milliseconds; `None` for an operation whose requests may
/// come at any time.
fn equal_within(operation: Operation) -> Option<i64> {
    match operation {
        // Who tries again at once signs anew, or is told to.
        Operation::CreateActivity
        | Operation::CreateStateMachine
        | Operation::DeleteActivity
        | Operation::DeleteStateMachine
        | Operation::UpdateStateMachine => Some(-1),
        // Several workers of a client may ask in the same second.
        Operation::GetActivityTask => Some(EQUAL_WITHIN),
        _ => None,
    }
}

/// Notes a request, if it must not come again.
///
/// # Errors
/// When it has come before: an error after which clients sign anew. When the table fails.
pub(super) async fn refuse<T: Table>(table: &T, operation: Operation, caller: &Caller<'_>) -> Result<(), ApiError> {
    let (Some(verified), Some(equal_within)) = (caller.verified, equal_within(operation)) else { return Ok(()) };
    let key = Key::new(format!("n#{}", verified.signature), "0");
    let item = Item::new(key).number("at", caller.now.0).expiring(caller.now.plus(GOOD_FOR));
    match table.put(item, Condition::Absent(caller.now)).await {
        Ok(()) => Ok(()),
        Err(WriteError::Refused(earlier)) => {
            let first = earlier.and_then(|item| item.get_number("at"));
            match first.is_some_and(|first| caller.now.0 - first <= equal_within) {
                true => Ok(()),
                false => Err(ApiError::unavailable("a request came again that had been carried out: it has to be signed anew")),
            }
        }
        Err(WriteError::Table(error)) => Err(StoreError::from(error).into()),
    }
}
