//! Events as JSON, in the shape of `GetExecutionHistory`'s answer.
//!
//! Source: API model, `HistoryEvent`.

use std::borrow::Cow;
use std::io::Write as _;

use serde::Serialize;

use super::{ErrorDetails, EventDetails, HistoryEvent, IterationStage, StateType, TaskEvent, TaskStage};
use crate::definition::Resource;
use crate::payload::Payload;

impl HistoryEvent {
    /// Appends the event as one JSON object: `{"timestamp":1.5,"type":"PassStateEntered","id":2,"previousEventId":0,…}`. The time
    /// is in seconds since the epoch. With `execution_data` off, inputs, outputs, parameters, errors and causes are left out.
    pub fn write_to(&self, out: &mut Vec<u8>, execution_data: bool) {
        // Writing to a vector cannot fail.
        let _ = write!(
            out,
            r#"{{"timestamp":{}.{:03},"type":"{}","id":{},"previousEventId":{}"#,
            self.timestamp.0.div_euclid(1000),
            self.timestamp.0.rem_euclid(1000),
            self.details.type_name(),
            self.id.0,
            self.previous.0
        );
        Members { out, execution_data, errors: execution_data, room: None, bare: false, first: true }.details(&self.details);
        out.push(b'}');
    }

    /// Appends the event's details alone as one JSON object, without the member that has its type in its name: `{"name":"S",…}`, or `{}`
    /// for an event that has none. That is how log records have them: with `execution_data` off, inputs, outputs and parameters are left
    /// out, but errors and causes stay; and of all data no more is shown than `data_bytes_max`, counted as they stand in a JSON string.
    ///
    /// Source: rule `log-records` of the rule table.
    pub fn write_details_to(&self, out: &mut Vec<u8>, execution_data: bool, data_bytes_max: usize) {
        let before = out.len();
        Members { out, execution_data, errors: true, room: Some(data_bytes_max), bare: true, first: true }.details(&self.details);
        if out.len() == before {
            out.extend_from_slice(b"{}");
        }
    }

    /// The event as one JSON object.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = Vec::new();
        self.write_to(&mut out, true);
        String::from_utf8(out).unwrap_or_default()
    }
}

/// The answer of `GetExecutionHistory` with all `events` on one page.
#[must_use]
pub fn history_to_json(events: &[HistoryEvent]) -> String {
    let mut out = b"{\"events\":[".to_vec();
    for (at, event) in events.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        event.write_to(&mut out, true);
    }
    out.extend_from_slice(b"]}");
    String::from_utf8(out).unwrap_or_default()
}

struct Members<'o> {
    out: &'o mut Vec<u8>,
    execution_data: bool,
    errors: bool,
    /// For how many bytes of data there is room; `None` where there is no limit.
    room: Option<usize>,
    /// Whether the next object stands for itself, without a name.
    bare: bool,
    first: bool,
}

impl Members<'_> {
    fn details(&mut self, details: &EventDetails) {
        match details {
            EventDetails::ExecutionStarted { input, role_arn } => self.object("executionStartedEventDetails", |m| {
                m.payload("input", input);
                m.member("roleArn", role_arn);
            }),
            EventDetails::ExecutionSucceeded { output } => {
                self.object("executionSucceededEventDetails", |m| m.payload("output", output));
            }
            EventDetails::ExecutionFailed(error) => self.object("executionFailedEventDetails", |m| m.error(error)),
            EventDetails::ExecutionAborted(error) => self.object("executionAbortedEventDetails", |m| m.error(error)),
            EventDetails::ExecutionTimedOut(error) => self.object("executionTimedOutEventDetails", |m| m.error(error)),
            EventDetails::EvaluationFailed { error, location, state } => self.object("evaluationFailedEventDetails", |m| {
                m.error(error);
                m.optional("location", location.as_ref());
                m.member("state", state);
            }),
            EventDetails::StateEntered { name, input, .. } => self.object("stateEnteredEventDetails", |m| {
                m.member("name", name);
                m.payload("input", input);
            }),
            EventDetails::StateExited { name, output, assigned, .. } => self.object("stateExitedEventDetails", |m| {
                m.member("name", name);
                m.payload("output", output);
                if let Some(assigned) = assigned.as_deref().filter(|_| m.execution_data) {
                    let all = |m: &mut Members<'_>| {
                        assigned.iter().fold(false, |truncated, (name, value)| m.text(name, &value.text()) || truncated)
                    };
                    let truncated = m.object("assignedVariables", all);
                    m.truncated("assignedVariablesDetails", truncated);
                }
            }),
            EventDetails::MapStateStarted { length } => {
                self.object("mapStateStartedEventDetails", |m| m.member("length", length));
            }
            EventDetails::MapIteration { stage, name, index } => {
                let member = match stage {
                    IterationStage::Started => "mapIterationStartedEventDetails",
                    IterationStage::Succeeded => "mapIterationSucceededEventDetails",
                    IterationStage::Failed => "mapIterationFailedEventDetails",
                    IterationStage::Aborted => "mapIterationAbortedEventDetails",
                };
                self.object(member, |m| {
                    m.member("name", name);
                    m.member("index", index);
                });
            }
            EventDetails::Task(event) => self.task(event),
            EventDetails::StateAborted(_)
            | EventDetails::ParallelStateStarted
            | EventDetails::ParallelStateSucceeded
            | EventDetails::ParallelStateFailed
            | EventDetails::MapStateSucceeded
            | EventDetails::MapStateFailed => {}
        }
    }

    fn task(&mut self, event: &TaskEvent) {
        let type_name = event.type_name();
        // A LambdaFunctionStarted event has no details.
        if matches!((&event.resource, &event.stage), (Resource::Lambda { .. }, TaskStage::Started { .. })) {
            return;
        }
        let (head, tail) = type_name.split_at(1);
        self.object(&format!("{}{tail}EventDetails", head.to_lowercase()), |m| {
            let scheduled = matches!(event.stage, TaskStage::Scheduled { .. });
            match &event.resource {
                Resource::Service { resource_type, resource, .. } => {
                    m.member("resourceType", resource_type);
                    m.member("resource", resource);
                }
                Resource::Lambda { arn } | Resource::Activity { arn } if scheduled => m.member("resource", arn),
                Resource::Lambda { .. } | Resource::Activity { .. } => {}
            }
            m.task_stage(event);
        });
    }

    fn task_stage(&mut self, event: &TaskEvent) {
        match &event.stage {
            TaskStage::Scheduled { parameters, region, timeout_seconds, heartbeat_seconds, credentials_role_arn } => {
                if let Resource::Service { .. } = event.resource {
                    self.member("region", region);
                    if self.execution_data {
                        self.text("parameters", &parameters.text());
                    }
                } else {
                    self.payload("input", parameters);
                }
                self.optional("timeoutInSeconds", timeout_seconds.as_ref());
                // A function cannot send heartbeats: the API has no member for them there.
                if !matches!(event.resource, Resource::Lambda { .. }) {
                    self.optional("heartbeatInSeconds", heartbeat_seconds.as_ref());
                }
                if let Some(role_arn) = credentials_role_arn {
                    self.object("taskCredentials", |m| m.member("roleArn", role_arn));
                }
            }
            TaskStage::Started { worker_name } => self.optional("workerName", worker_name.as_ref()),
            TaskStage::Submitted { output } | TaskStage::Succeeded { output } => self.payload("output", output),
            TaskStage::Failed(error)
            | TaskStage::TimedOut(error)
            | TaskStage::StartFailed(error)
            | TaskStage::SubmitFailed(error)
            | TaskStage::ScheduleFailed(error) => self.error(error),
        }
    }

    fn error(&mut self, details: &ErrorDetails) {
        if self.errors {
            self.optional("error", details.error.as_ref());
            self.optional("cause", details.cause.as_ref());
        }
    }

    fn payload(&mut self, name: &str, payload: &Payload) {
        if self.execution_data {
            let truncated = self.text(name, &payload.text());
            self.truncated(&format!("{name}Details"), truncated);
        }
    }

    /// Writes as much of a text as there is room for. Whether that is less than the text.
    fn text(&mut self, name: &str, text: &str) -> bool {
        let Some(room) = self.room else {
            self.member(name, text);
            return false;
        };
        let (shown, bytes) = beginning(text, room);
        self.room = Some(room - bytes);
        self.member(name, shown);
        shown.len() < text.len()
    }

    fn truncated(&mut self, name: &str, truncated: bool) {
        self.object(name, |m| m.member("truncated", &truncated));
    }

    fn optional(&mut self, name: &str, value: Option<&(impl Serialize + ?Sized)>) {
        if let Some(value) = value {
            self.member(name, value);
        }
    }

    fn member(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        self.name(name);
        // Strings and numbers always serialise.
        let _ = serde_json::to_writer(&mut *self.out, value);
    }

    fn object<R>(&mut self, name: &str, members: impl FnOnce(&mut Members<'_>) -> R) -> R {
        if !std::mem::take(&mut self.bare) {
            self.name(name);
        }
        self.out.push(b'{');
        let Self { execution_data, errors, room, .. } = *self;
        let mut inner = Members { out: &mut *self.out, execution_data, errors, room, bare: false, first: true };
        let given = members(&mut inner);
        self.room = inner.room;
        self.out.push(b'}');
        given
    }

    fn name(&mut self, name: &str) {
        // The outermost members follow those of the envelope, so only an empty object has a first one.
        if !(std::mem::take(&mut self.first) && self.out.ends_with(b"{")) {
            self.out.push(b',');
        }
        let _ = serde_json::to_writer(&mut *self.out, name);
        self.out.push(b':');
    }
}

/// As much of a text as takes at most `bytes_max` in a JSON string, and how many bytes that are.
fn beginning(text: &str, bytes_max: usize) -> (&str, usize) {
    let mut bytes = 0;
    for (at, character) in text.char_indices() {
        let more = match character {
            '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
            '\0'..='\u{1f}' => 6,
            other => other.len_utf8(),
        };
        if bytes + more > bytes_max {
            return (text.get(..at).unwrap_or_default(), bytes);
        }
        bytes += more;
    }
    (text, bytes)
}

impl EventDetails {
    /// The event's `type`, for example `PassStateEntered`.
    #[must_use]
    pub fn type_name(&self) -> Cow<'static, str> {
        let name = match self {
            Self::ExecutionStarted { .. } => "ExecutionStarted",
            Self::ExecutionSucceeded { .. } => "ExecutionSucceeded",
            Self::ExecutionFailed(_) => "ExecutionFailed",
            Self::ExecutionAborted(_) => "ExecutionAborted",
            Self::ExecutionTimedOut(_) => "ExecutionTimedOut",
            Self::EvaluationFailed { .. } => "EvaluationFailed",
            Self::StateEntered { state_type, .. } => return Cow::Owned(format!("{}StateEntered", state_type.as_str())),
            Self::StateExited { state_type, .. } => return Cow::Owned(format!("{}StateExited", state_type.as_str())),
            Self::StateAborted(state_type) => return Cow::Owned(format!("{}StateAborted", state_type.as_str())),
            Self::ParallelStateStarted => "ParallelStateStarted",
            Self::ParallelStateSucceeded => "ParallelStateSucceeded",
            Self::ParallelStateFailed => "ParallelStateFailed",
            Self::MapStateStarted { .. } => "MapStateStarted",
            Self::MapStateSucceeded => "MapStateSucceeded",
            Self::MapStateFailed => "MapStateFailed",
            Self::MapIteration { stage, .. } => match stage {
                IterationStage::Started => "MapIterationStarted",
                IterationStage::Succeeded => "MapIterationSucceeded",
                IterationStage::Failed => "MapIterationFailed",
                IterationStage::Aborted => "MapIterationAborted",
            },
            Self::Task(event) => return Cow::Owned(event.type_name()),
        };
        Cow::Borrowed(name)
    }
}

impl TaskEvent {
    fn type_name(&self) -> String {
        let family = match self.resource {
            Resource::Lambda { .. } => "LambdaFunction",
            Resource::Activity { .. } => "Activity",
            Resource::Service { .. } => "Task",
        };
        let stage = match self.stage {
            TaskStage::Scheduled { .. } => "Scheduled",
            TaskStage::Started { .. } => "Started",
            TaskStage::Submitted { .. } => "Submitted",
            TaskStage::Succeeded { .. } => "Succeeded",
            TaskStage::Failed(_) => "Failed",
            TaskStage::TimedOut(_) => "TimedOut",
            TaskStage::StartFailed(_) => "StartFailed",
            TaskStage::SubmitFailed(_) => "SubmitFailed",
            TaskStage::ScheduleFailed(_) => "ScheduleFailed",
        };
        format!("{family}{stage}")
    }
}

impl StateType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Task => "Task",
            Self::Pass => "Pass",
            Self::Choice => "Choice",
            Self::Wait => "Wait",
            Self::Succeed => "Succeed",
            Self::Fail => "Fail",
            Self::Parallel => "Parallel",
            Self::Map => "Map",
        }
    }
}
