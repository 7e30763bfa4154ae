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

/// Which requests may be equal to an earlier one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Equals {
    /// All.
    Any,
    /// Those that come within [`EQUAL_WITHIN`] of the first: they may be others that were signed in the same second.
    Soon,
    /// None: whoever tries again at once signs anew, or is told to.
    Never,
}

fn equals(operation: Operation) -> Equals {
    match operation {
        Operation::CreateActivity
        | Operation::CreateStateMachine
        | Operation::DeleteActivity
        | Operation::DeleteStateMachine
        | Operation::UpdateStateMachine => Equals::Never,
        // Several workers of a client may ask in the same second.
        Operation::GetActivityTask => Equals::Soon,
        _ => Equals::Any,
    }
}

/// Notes a request, if it must not come again.
///
/// # Errors
/// When it has come before: an error after which clients sign anew. When the table fails.
pub(super) async fn refuse<T: Table>(table: &T, operation: Operation, caller: &Caller<'_>) -> Result<(), ApiError> {
    let equals = equals(operation);
    let Some(verified) = caller.verified.filter(|_| equals != Equals::Any) else { return Ok(()) };
    let key = Key::new(format!("n#{}", verified.signature), "0");
    let item = Item::new(key).number("at", caller.now.0).expiring(caller.now.plus(GOOD_FOR));
    match table.put(item, Condition::Absent(caller.now)).await {
        Ok(()) => Ok(()),
        Err(WriteError::Refused(earlier)) => {
            let first = earlier.and_then(|item| item.get_number("at"));
            if equals == Equals::Soon && first.is_some_and(|first| caller.now.0 - first <= EQUAL_WITHIN) {
                return Ok(());
            }
            Err(ApiError::unavailable("a request came again that had been carried out: it has to be signed anew"))
        }
        Err(WriteError::Table(error)) => Err(StoreError::from(error).into()),
    }
}
