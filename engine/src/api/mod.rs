//! The Step Functions API: what its operations mean, whatever carries requests and answers.
//!
//! [`Api::call`] takes an operation, its request as JSON text and the [`Caller`], and gives the answer as JSON text or an [`ApiError`].
//! [`Api::respond`] does the same for requests as they come over HTTP. State machines and activities are kept in a
//! [`Table`]; executions are somebody else's: [`Executions`] says what the API needs of them.
//!
//! A request is checked against the table of the API model first (`constraints.rs`), then by its operation. Nothing here reads a clock
//! or draws a random number; of concurrent requests for the same thing the table's conditions let one win.
//!
//! | file | holds |
//! |---|---|
//! | `operation.rs`, `constraints.rs`, `request.rs` | names of operations, what the API model demands, requests and answers |
//! | `protocol.rs` | AWS JSON 1.0 |
//! | `arn.rs`, `paging.rs`, `error.rs`, `caller.rs` | ARNs and names, page tokens, errors, what comes from outside |
//! | `signature.rs` | whose request it is: AWS Signature Version 4 |
//! | `machines.rs`, `machine_store.rs`, `encryption.rs` | state machines, and how they are kept |
//! | `executions.rs`, `tasks.rs` | executions, their histories, and what workers say |
//! | `activities.rs`, `validate.rs` | activities, and `ValidateStateMachineDefinition` |

mod activities;
mod arn;
mod caller;
mod constraints;
mod encryption;
mod error;
mod executions;
mod machine_store;
mod machines;
mod operation;
mod paging;
mod protocol;
mod replay;
mod request;
pub mod signature;
mod tasks;
mod validate;

pub use activities::activity_exists;
pub(crate) use arn::{execution as check_execution_arn, execution_does_not_exist};
pub use caller::Caller;
pub use error::ApiError;
pub use executions::{
    ActivityTask, ExecutionQuery, ExecutionRecord, ExecutionRow, ExecutionRows, Executions, HistoryQuery, ListedStatus,
    NewExecution, Started, Told,
};
pub use machine_store::{StoredDefinition, definition};
pub use operation::Operation;
pub(crate) use protocol::target;
pub use protocol::{Reply, operation, reply};
use request::Request;

use crate::table::Table;

/// The API over a table and a keeper of executions.
#[derive(Debug)]
pub struct Api<'a, T, E> {
    /// Where state machines and activities are kept.
    pub table: &'a T,
    /// Who keeps and drives executions.
    pub executions: &'a E,
}

impl<T: Table, E: Executions> Api<'_, T, E> {
    /// Carries an operation out.
    ///
    /// # Errors
    /// What the service answers instead.
    pub async fn call(&self, operation: Operation, request: &str, caller: &Caller<'_>) -> Result<String, ApiError> {
        let request = &Request::parse(operation, request)?;
        replay::refuse(self.table, operation, caller).await?;
        match operation {
            Operation::CreateActivity => self.create_activity(request, caller).await,
            Operation::CreateStateMachine => self.create_state_machine(request, caller).await,
            Operation::DeleteActivity => self.delete_activity(request, caller).await,
            Operation::DeleteStateMachine => self.delete_state_machine(request, caller).await,
            Operation::DescribeActivity => self.describe_activity(request, caller).await,
            Operation::DescribeExecution => self.describe_execution(request, caller).await,
            Operation::DescribeStateMachine => self.describe_state_machine(request, caller).await,
            Operation::DescribeStateMachineForExecution => self.describe_state_machine_for_execution(request, caller).await,
            Operation::GetActivityTask => self.get_activity_task(request, caller).await,
            Operation::GetExecutionHistory => self.get_execution_history(request, caller).await,
            Operation::ListActivities => self.list_activities(request, caller).await,
            Operation::ListExecutions => self.list_executions(request, caller).await,
            Operation::ListStateMachines => self.list_state_machines(request, caller).await,
            Operation::SendTaskFailure => self.send_task_failure(request, caller).await,
            Operation::SendTaskHeartbeat => self.send_task_heartbeat(request, caller).await,
            Operation::SendTaskSuccess => self.send_task_success(request, caller).await,
            Operation::StartExecution => self.start_execution(request, caller).await,
            Operation::StartSyncExecution => self.start_sync_execution(request, caller).await,
            Operation::StopExecution => self.stop_execution(request, caller).await,
            Operation::UpdateStateMachine => self.update_state_machine(request, caller).await,
            Operation::ValidateStateMachineDefinition => Ok(validate::validate(request)),
            Operation::CreateStateMachineAlias
            | Operation::DeleteStateMachineAlias
            | Operation::DeleteStateMachineVersion
            | Operation::DescribeMapRun
            | Operation::DescribeStateMachineAlias
            | Operation::ListMapRuns
            | Operation::ListStateMachineAliases
            | Operation::ListStateMachineVersions
            | Operation::ListTagsForResource
            | Operation::PublishStateMachineVersion
            | Operation::RedriveExecution
            | Operation::TagResource
            | Operation::TestState
            | Operation::UntagResource
            | Operation::UpdateMapRun
            | Operation::UpdateStateMachineAlias => Err(constraints::not_built(operation)),
        }
    }

    /// Answers a request as it comes over HTTP: its headers and its body.
    pub async fn respond<'h>(
        &self,
        headers: impl IntoIterator<Item = (&'h str, &'h str)>,
        body: &[u8],
        caller: &Caller<'_>,
    ) -> Reply {
        let request_id = caller.uuid();
        let answer = match (operation(headers), std::str::from_utf8(body)) {
            (Ok(operation), Ok(body)) => self.call(operation, body, caller).await,
            (Err(error), _) => Err(error),
            (Ok(_), Err(_)) => Err(ApiError::new("SerializationException", "The request is not UTF-8")),
        };
        reply(answer, request_id)
    }
}
