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
        Members { out, execution_data, first: true }.details(&self.details);
        out.push(b'}');
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
                    m.object("assignedVariables", |m| assigned.iter().for_each(|(name, value)| m.member(name, &value.text())));
                    m.not_truncated("assignedVariablesDetails");
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
                        self.member("parameters", &parameters.text());
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
        if self.execution_data {
            self.optional("error", details.error.as_ref());
            self.optional("cause", details.cause.as_ref());
        }
    }

    fn payload(&mut self, name: &str, payload: &Payload) {
        if self.execution_data {
            self.member(name, &payload.text());
            self.not_truncated(&format!("{name}Details"));
        }
    }

    fn not_truncated(&mut self, name: &str) {
        self.object(name, |m| m.member("truncated", &false));
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

    fn object(&mut self, name: &str, members: impl FnOnce(&mut Members<'_>)) {
        self.name(name);
        self.out.push(b'{');
        members(&mut Members { out: &mut *self.out, execution_data: self.execution_data, first: true });
        self.out.push(b'}');
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
