//! What a state sees when it runs: its frame, the Context object, the variables of its scope and of those around it.

use std::cell::OnceCell;
use std::sync::Arc;

use statewright_value::{Object, Value};

use super::failure::Failure;
use super::frame::{Frame, FrameId, Phase, Source};
use super::{Execution, token};
use crate::definition::{Definition, Flow, Kind, State};
use crate::error::EvaluationError;
use crate::inputs::{Context, Draws, Inputs, Variables};
use crate::quota::CAUSE_CHARS_MAX;

/// What a field looks at: in JSONPath `$` stands for it, in JSONata it is `$states.input`, `.result` or `.errorOutput`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// The effective input.
    Input,
    /// The result.
    Result,
    /// The error that a catcher took.
    Error,
}

/// One state of one frame at one moment. Made for a micro-step; everything in it is borrowed.
pub(super) struct Scene<'a> {
    pub(super) execution: &'a Execution,
    pub(super) frame_id: FrameId,
    pub(super) frame: &'a Frame,
    pub(super) state: &'a State,
    /// The item for which a Map evaluates its `ItemSelector`.
    item: Option<(u32, &'a Value)>,
    draws: Draws,
    context: OnceCell<Value>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(execution: &'a Execution, definition: &'a Definition, frame_id: FrameId) -> Self {
        let frame = execution.frame(frame_id);
        Self {
            execution,
            frame_id,
            frame,
            state: definition.state(frame.state),
            item: None,
            draws: Draws::new(execution.head.seed, execution.head.next_event.0),
            context: OnceCell::new(),
        }
    }

    pub(super) fn with_item(self, index: u32, value: &'a Value) -> Self {
        Self { item: Some((index, value)), ..self }
    }

    /// What an expression may read when it looks at `value`, which is what `seen` says.
    pub(super) fn inputs<'s>(&'s self, seen: Seen, value: &'s Value) -> Inputs<'s> {
        Inputs {
            input: match self.state.flow {
                Flow::JsonPath(_) => value,
                Flow::Jsonata(_) => self.frame.input.value(),
            },
            result: (seen == Seen::Result).then_some(value),
            error_output: (seen == Seen::Error).then_some(value),
            context: self,
            variables: self,
            draws: &self.draws,
            now: self.execution.head.last_time,
            limits: self.execution.head.quotas.evaluation,
        }
    }

    /// The failure of the state that `error` is: the place comes before the cause.
    pub(super) fn failure(&self, error: &EvaluationError) -> Failure {
        let (state, entered) = (&self.state.name, self.frame.entered.0);
        let place = format!("An error occurred while executing the state '{state}' (entered at the event id #{entered}).");
        let mut cause = format!("{place} {}", error.cause);
        if let Some((end, _)) = cause.char_indices().nth(CAUSE_CHARS_MAX) {
            cause.truncate(end);
        }
        Failure::new(error.name, cause)
    }

    /// The item of the innermost Map around the state.
    pub(super) fn map_item(&self) -> Option<(u32, &'a Value)> {
        self.item.or_else(|| {
            self.execution.ancestors(self.frame_id).find_map(|(parent, slot)| match &self.execution.frame(parent).phase {
                Phase::Join(join) => match &join.source {
                    Source::Items { items, .. } => Some((slot, items.get(slot as usize)?)),
                    Source::Branches(_) => None,
                },
                Phase::Ready { .. } | Phase::Waiting { .. } | Phase::Backoff { .. } | Phase::Task(_) => None,
            })
        })
    }

    /// The token of the task that the state is about to schedule.
    pub(super) fn token(&self) -> Option<Arc<str>> {
        match &self.state.kind {
            Kind::Task(task) if task.resource.has_token() => Some(token::of(
                &self.execution.head.identity.execution_arn,
                self.execution.head.next_event,
                self.execution.head.seed,
            )),
            _ => None,
        }
    }

    /// Source: rule `context-object` of the rule table; developer guide, "Context object".
    fn make_context(&self) -> Value {
        let mut context = self.execution.context_head().clone();
        let mut state = Object::with_capacity(3);
        state.insert("Name".into(), Value::from(Arc::clone(&self.state.name)));
        state.insert("EnteredTime".into(), Value::from(self.frame.entered_at.to_string()));
        if !matches!(self.state.kind, Kind::Pass(_) | Kind::Choice(_) | Kind::Wait(_) | Kind::Succeed | Kind::Fail(_)) {
            state.insert("RetryCount".into(), Value::from(self.frame.retry_count()));
        }
        context.insert("State".into(), Value::Object(state));
        if let Some(token) = self.token() {
            context.insert("Task".into(), Value::Object([("Token".into(), Value::from(token))].into_iter().collect()));
        }
        if let Some((index, value)) = self.map_item() {
            let item: Object = [("Index".into(), Value::from(index)), ("Value".into(), value.clone())].into_iter().collect();
            context.insert("Map".into(), Value::Object([("Item".into(), Value::Object(item))].into_iter().collect()));
        }
        Value::Object(context)
    }
}

impl Context for Scene<'_> {
    fn context_object(&self) -> &Value {
        self.context.get_or_init(|| self.make_context())
    }
}

impl Variables for Scene<'_> {
    fn variable(&self, name: &str) -> Option<&Value> {
        let own = std::iter::once(self.frame);
        let outer = self.execution.ancestors(self.frame_id).map(|(parent, _)| self.execution.frame(parent));
        own.chain(outer).find_map(|frame| frame.variables.as_ref()?.get(name)).map(|payload| payload.value())
    }
}
