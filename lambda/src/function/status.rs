//! Tells others of executions: events on a bus, and metrics in the log, each if the deployment wants them.
//!
//! The event has the service's shape. Its source is ours, since `aws.…` is refused to everybody else: a rule that listens to
//! `"source": ["aws.states"]` listens to `"source": ["statewright"]` as well.

use std::sync::Weak;

use statewright_engine::table::Table;
use statewright_engine::{Birth, ExpressQueue, Heard, Listener, WakeQueue, status_change};
use statewright_integrations::Request;
use statewright_integrations::service::EVENT_BRIDGE;
use statewright_integrations::shape::Shape;
use statewright_interpreter::execution::{Execution, Status};
use statewright_interpreter::{Object, Value};

use super::Machinery;
use crate::aws::soon;
use crate::config::Config;
use crate::tasks::TaskQueue;
use crate::{log, metrics};

/// The source of events.
const SOURCE: &str = "statewright";
/// What the service calls them.
const DETAIL_TYPE: &str = "Step Functions Execution Status Change";

/// Tells of executions.
pub(super) struct StatusEvents<T, W, Q, X> {
    engine: Weak<Machinery<T, W, Q, X>>,
    bus: Option<String>,
    metrics: bool,
}

impl<T, W, Q, X> StatusEvents<T, W, Q, X> {
    /// As the deployment wants it; nothing if it wants nothing.
    pub(super) fn of(config: &Config, engine: Weak<Machinery<T, W, Q, X>>) -> Option<Self> {
        let Config { events, metrics, .. } = config;
        (events.is_some() || *metrics).then(|| Self { engine, bus: events.clone(), metrics: *metrics })
    }
}

impl<T, W, Q, X> Listener for StatusEvents<T, W, Q, X>
where
    T: Table + 'static,
    W: WakeQueue + 'static,
    Q: TaskQueue + 'static,
    X: ExpressQueue + 'static,
{
    fn changed<'a>(&'a self, execution: &'a Execution, birth: &'a Birth, has_ended: bool) -> Heard<'a> {
        Box::pin(async move {
            if self.metrics {
                count(execution, has_ended);
            }
            let Some((bus, engine)) = self.bus.as_deref().zip(self.engine.upgrade()) else { return };
            let request = put_events(bus, execution, birth, has_ended);
            let refused = match soon("EventBridge", engine.others().caller().send(&request, [])).await {
                Ok(Ok(Ok(answer))) if answer.is_success() => failed_entries(&answer.body),
                Ok(Ok(Ok(answer))) => Some(format!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body))),
                Ok(Ok(Err(error))) => Some(error.to_string()),
                Ok(Err(error)) => Some(error.to_string()),
                Err(error) => Some(error),
            };
            if let Some(error) = refused {
                let arn = &execution.identity().execution_arn;
                log::warn("a change of status was perhaps not told", &[("execution", arn), ("error", &error)]);
            }
        })
    }
}

/// Why the bus has not taken an event, if it has not.
fn failed_entries(answer: &[u8]) -> Option<String> {
    let answer = Value::parse_bytes(answer).ok()?;
    let failed = answer.get("FailedEntryCount").and_then(Value::as_i64).unwrap_or(0);
    (failed > 0).then(|| answer.to_string())
}

fn put_events(bus: &str, execution: &Execution, birth: &Birth, has_ended: bool) -> Request {
    let detail = status_change(execution, birth, has_ended).to_string();
    let resources = vec![Value::from(&*execution.identity().execution_arn)];
    let entry = Object::from_iter([
        ("Source".into(), SOURCE.into()),
        ("DetailType".into(), DETAIL_TYPE.into()),
        ("Detail".into(), detail.into()),
        ("EventBusName".into(), bus.into()),
        ("Resources".into(), resources.into()),
    ]);
    let parameters = Object::from_iter([("Entries".into(), vec![Value::from(entry)].into())]);
    Request::new(&EVENT_BRIDGE, "PutEvents", &Shape::Structure(&[]), &parameters.into())
}

/// Source: developer guide, "Monitoring Step Functions metrics using Amazon CloudWatch", "Execution metrics".
fn count(execution: &Execution, has_ended: bool) {
    let name = match execution.status() {
        _ if !has_ended => "ExecutionsStarted",
        Status::Succeeded { .. } => "ExecutionsSucceeded",
        Status::Failed(_) => "ExecutionsFailed",
        Status::TimedOut => "ExecutionsTimedOut",
        Status::Aborted(_) => "ExecutionsAborted",
        Status::Running => return,
    };
    let (started, at) = (execution.started_at(), execution.last_event_at());
    let time = usize::try_from(at.0.saturating_sub(started.0)).unwrap_or(0);
    let numbers: &[(&str, usize)] = if has_ended { &[(name, 1), ("ExecutionTime", time)] } else { &[(name, 1)] };
    metrics::log(("StateMachineArn", &execution.identity().state_machine_arn), numbers, at);
}
