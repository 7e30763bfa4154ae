//! Made-up answers (`--auto-mock`).
use super::envelope::{Ids, answer};
use statewright_interpreter::Value;
use statewright_interpreter::command::StartTask;
use statewright_interpreter::definition::Definition;
use statewright_interpreter::time::Timestamp;
pub(crate) struct AutoMock<'d> {
    _definition: &'d Definition,
}
impl<'d> AutoMock<'d> {
    pub(crate) fn new(definition: &'d Definition) -> Self {
        Self { _definition: definition }
    }
    pub(crate) fn input(&self, _now: Timestamp) -> Value {
        Value::empty_object()
    }
    pub(crate) fn answer(&self, task: &StartTask, _attempt: u32, _now: Timestamp, ids: &Ids<'_>) -> Value {
        answer(&task.resource, task.parameters.value(), ids)
    }
}
