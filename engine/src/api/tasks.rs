//! What workers say of their tasks.
//!
//! A task's token names its execution and the attempt, so that no table of tokens is needed: the execution itself knows whether it gave
//! the token out, and whether the task is still open.
//!
//! Source: API reference; rule `api-task-tokens` of the rule table.

use std::sync::Arc;

use statewright_interpreter::definition::json_error;
use statewright_interpreter::event::{Event, FailedStage};
use statewright_interpreter::execution::TaskToken;
use statewright_interpreter::history::{ErrorDetails, EventId};
use statewright_interpreter::payload::Document;

use super::Api;
use super::caller::Caller;
use super::error::ApiError;
use super::executions::{Executions, Told};
use super::paging::invalid_token;
use super::request::{Answer, Request};
use crate::table::Table;

impl<T: Table, E: Executions> Api<'_, T, E> {
    pub(super) async fn send_task_success(&self, request: &Request, caller: &Caller<'_>) -> Result<String, ApiError> {
        let text = request.required("output");
        let output = Document::parse(text).map_err(|error| {
            let reason = json_error(text).unwrap_or_else(|| error.to_string());
            ApiError::new("InvalidOutput", format!("Invalid Output: '{reason}'"))
        })?;
        self.tell(request, caller, |task| Event::TaskSucceeded { task, output }).await
    }

    pub(super) async fn send_task_failure(&self, request: &Request, caller: &Caller<'_>) -> Result<String, ApiError> {
        let text = |name: &str| request.text(name).map(Arc::from);
        let error = ErrorDetails { error: text("error"), cause: text("cause") };
        self.tell(request, caller, |task| Event::TaskFailed { task, stage: FailedStage::Running, error }).await
    }

    pub(super) async fn send_task_heartbeat(&self, request: &Request, caller: &Caller<'_>) -> Result<String, ApiError> {
        self.tell(request, caller, |task| Event::TaskHeartbeat { task }).await
    }

    async fn tell(&self, request: &Request, caller: &Caller<'_>, event: impl FnOnce(EventId) -> Event) -> Result<String, ApiError> {
        let token = TaskToken::parse(request.required("taskToken")).ok_or_else(invalid_token)?;
        let event = event(token.task);
        match self.executions.tell(&token, event, caller.now).await? {
            Told::Taken => Ok(Answer::new().to_json()),
            Told::Closed(_) => Err(ApiError::new("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")),
            Told::Unknown => Err(invalid_token()),
        }
    }
}
