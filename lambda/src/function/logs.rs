//! Delivers what executions log: to the log groups that their state machines name, in CloudWatch Logs.
//!
//! Records are kept until the invocation ends, so that those of all its executions go together and no execution waits for them. A process has a
//! log stream for each state machine, under such a name as the service's: `states/order/2026-01-31-09-30/1b2c3d4e`.
//!
//! Source: CloudWatch Logs API reference, "PutLogEvents", "CreateLogStream".

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use statewright_engine::table::Table;
use statewright_engine::{Clock as _, ExpressQueue, Heard, LogRecords, LogSink, WakeQueue};
use statewright_integrations::Request;
use statewright_integrations::service::LOGS;
use statewright_integrations::shape::Shape;
use statewright_interpreter::time::Timestamp;
use statewright_interpreter::{Object, Value};

use super::{Machinery, api};
use crate::aws::soon;
use crate::clock::TokioTimer;
use crate::log;
use crate::tasks::TaskQueue;

/// So much is kept until the invocation ends; who brings more waits for a delivery.
const KEPT_BYTES_MAX: usize = 1 << 20;
/// What one request may hold: bytes, with so many for each record besides its text, and records.
const REQUEST_BYTES_MAX: usize = 1 << 20;
const RECORD_BYTES: usize = 26;
const REQUEST_RECORDS_MAX: usize = 10_000;
/// The records of one request may lie this far apart.
const REQUEST_SPAN: Duration = Duration::from_secs(24 * 3600);
/// For so long nobody asks again for a log group that is not there or not to be written to.
const REFUSED_FOR: Duration = Duration::from_secs(300);

/// A log group, by its ARN, and the state machine whose records go there.
type Destination = (Arc<str>, Arc<str>);
type Record = (Timestamp, String);

/// Log groups.
pub(super) struct LogGroups<T, W, Q, X> {
    engine: Weak<Machinery<T, W, Q, X>>,
    /// Tells the streams of this process from those of others.
    process: u32,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: BTreeMap<Destination, Vec<Record>>,
    kept_bytes: usize,
    /// The streams that are there.
    streams: BTreeMap<Destination, String>,
    refused_until: BTreeMap<Destination, Timestamp>,
}

impl<T, W, Q, X> LogGroups<T, W, Q, X> {
    pub(super) fn new(engine: Weak<Machinery<T, W, Q, X>>) -> Self {
        let process = u32::try_from(api::random_u64() >> 32).unwrap_or_default();
        Self { engine, process, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps records. Whether there are so many now that they must be delivered.
    fn keep(&self, LogRecords { log_group_arn, state_machine_name, records }: LogRecords) -> bool {
        let mut state = self.state();
        state.kept_bytes += records.iter().map(bytes).sum::<usize>();
        state.kept.entry((log_group_arn, state_machine_name)).or_default().extend(records);
        state.kept_bytes >= KEPT_BYTES_MAX
    }
}

impl<T, W, Q, X> LogSink for LogGroups<T, W, Q, X>
where
    T: Table + 'static,
    W: WakeQueue + 'static,
    Q: TaskQueue + 'static,
    X: ExpressQueue + 'static,
{
    fn take(&self, records: LogRecords) -> Heard<'_> {
        let is_full = self.keep(records);
        Box::pin(async move {
            if is_full {
                self.deliver().await;
            }
        })
    }

    fn flush(&self) -> Heard<'_> {
        Box::pin(self.deliver())
    }
}

impl<T, W, Q, X> LogGroups<T, W, Q, X>
where
    T: Table + 'static,
    W: WakeQueue + 'static,
    Q: TaskQueue + 'static,
    X: ExpressQueue + 'static,
{
    /// Delivers what is kept. What does not get there is gone.
    async fn deliver(&self) {
        let kept = {
            let mut state = self.state();
            state.kept_bytes = 0;
            std::mem::take(&mut state.kept)
        };
        join_all(kept.into_iter().map(|(destination, records)| async move {
            let count = records.len();
            let error = match soon("CloudWatch Logs", self.deliver_to(&destination, records)).await {
                Ok(Ok(())) => return,
                Ok(Err(Undelivered::Known)) => return,
                Ok(Err(Undelivered::Refused(error))) => {
                    let until = TokioTimer.now().plus(REFUSED_FOR);
                    self.state().refused_until.insert(destination.clone(), until);
                    format!("{error}; is the log group there, and among the deployment's LogGroupArns?")
                }
                Ok(Err(Undelivered::Failed(error))) => error,
                Err(error) => error,
            };
            let (group, machine) = &destination;
            let about: [(&str, &dyn std::fmt::Display); 4] =
                [("stateMachine", machine), ("logGroup", group), ("records", &count), ("error", &error)];
            log::warn("records of executions were perhaps not logged", &about);
        }))
        .await;
    }

    async fn deliver_to(&self, destination: &Destination, records: Vec<Record>) -> Result<(), Undelivered> {
        let now = TokioTimer.now();
        if self.state().refused_until.get(destination).is_some_and(|until| now < *until) {
            return Err(Undelivered::Known);
        }
        for records in requests(records) {
            let known = self.state().streams.get(destination).cloned();
            let put = match known {
                Some(stream) => self.put(destination, &stream, &records).await,
                None => Err(NO_STREAM.to_owned()),
            };
            match put {
                // It may have been deleted by whoever tidies up.
                Err(error) if error.contains(NO_STREAM) => {
                    let stream = self.create_stream(destination, now).await?;
                    self.put(destination, &stream, &records).await.map_err(Undelivered::of)?;
                    self.state().streams.insert(destination.clone(), stream);
                }
                put => put.map_err(Undelivered::of)?,
            }
        }
        Ok(())
    }

    async fn create_stream(&self, destination: &Destination, now: Timestamp) -> Result<String, Undelivered> {
        let stream = stream_name(&destination.1, now, self.process);
        let members = [("LogGroupName", group_name(&destination.0).into()), ("LogStreamName", stream.as_str().into())];
        match self.call("CreateLogStream", object(members)).await {
            Err(error) if !error.contains("ResourceAlreadyExistsException") => Err(Undelivered::of(error)),
            Ok(_) | Err(_) => Ok(stream),
        }
    }

    async fn put(&self, destination: &Destination, stream: &str, records: &[Record]) -> Result<(), String> {
        let event = |(at, text): &Record| object([("timestamp", at.0.into()), ("message", text.as_str().into())]);
        let members = [
            ("LogGroupName", group_name(&destination.0).into()),
            ("LogStreamName", stream.into()),
            ("LogEvents", records.iter().map(event).collect()),
        ];
        let answer = self.call("PutLogEvents", object(members)).await?;
        let rejected = Value::parse_bytes(&answer).ok().and_then(|answer| answer.get("rejectedLogEventsInfo").cloned());
        match rejected.filter(|rejected| !rejected.is_null()) {
            Some(rejected) => Err(format!("some were rejected: {rejected}")),
            None => Ok(()),
        }
    }

    /// What CloudWatch Logs answers.
    async fn call(&self, operation: &str, parameters: Value) -> Result<Vec<u8>, String> {
        let Some(engine) = self.engine.upgrade() else { return Err("the engine is gone".to_owned()) };
        let request = Request::new(&LOGS, operation, &Shape::Structure(&[]), &parameters);
        match engine.others().caller().send(&request, []).await {
            Ok(Ok(answer)) if answer.is_success() => Ok(answer.body),
            Ok(Ok(answer)) => Err(format!("{operation}: {}: {}", answer.status, String::from_utf8_lossy(&answer.body))),
            Ok(Err(error)) => Err(format!("{operation}: {error}")),
            Err(error) => Err(format!("{operation}: {error}")),
        }
    }
}

/// What a missing stream, or group, is called.
const NO_STREAM: &str = "ResourceNotFoundException";

/// Why records were not delivered.
enum Undelivered {
    /// The log group is not there or not ours to write to, which was said before.
    Known,
    /// The log group is not there or not ours to write to.
    Refused(String),
    /// It may go well another time.
    Failed(String),
}

impl Undelivered {
    fn of(error: String) -> Self {
        if error.contains(NO_STREAM) || error.contains("AccessDenied") { Self::Refused(error) } else { Self::Failed(error) }
    }
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Object::from_iter(members.map(|(name, value)| (name.into(), value))).into()
}

fn bytes(record: &Record) -> usize {
    record.1.len() + RECORD_BYTES
}

/// The name of the log group with this ARN: `arn:aws:logs:us-east-1:123456789012:log-group:/aws/states/order:*`.
fn group_name(arn: &str) -> &str {
    let arn = arn.strip_suffix(":*").unwrap_or(arn);
    arn.split_once(":log-group:").map_or(arn, |parts| parts.1)
}

fn stream_name(machine: &str, now: Timestamp, process: u32) -> String {
    let minute: String = now.to_string().chars().take("2026-01-31T09:30".len()).collect();
    format!("states/{machine}/{}/{process:08x}", minute.replace(['T', ':'], "-"))
}

/// The records of each request, in the order of time.
fn requests(mut records: Vec<Record>) -> Vec<Vec<Record>> {
    records.sort_by_key(|record| record.0);
    let mut requests: Vec<Vec<Record>> = Vec::new();
    let mut held = 0;
    for record in records {
        let fits = |request: &Vec<Record>| {
            let spans = request.first().map_or(0, |first| record.0.0.saturating_sub(first.0.0));
            held + bytes(&record) <= REQUEST_BYTES_MAX
                && request.len() < REQUEST_RECORDS_MAX
                && u128::from(spans.unsigned_abs()) < REQUEST_SPAN.as_millis()
        };
        match requests.last_mut().filter(|request| fits(request)) {
            Some(request) => {
                held += bytes(&record);
                request.push(record);
            }
            None => {
                held = bytes(&record);
                requests.push(vec![record]);
            }
        }
    }
    requests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_and_groups_have_the_service_s_names() {
        assert_eq!(stream_name("order", Timestamp(1_769_851_800_000), 0xab), "states/order/2026-01-31-09-30/000000ab");
        let arn = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/vendedlogs/states/order:*";
        assert_eq!(group_name(arn), "/aws/vendedlogs/states/order");
    }

    #[test]
    fn a_request_holds_what_it_may() {
        let lengths = |records: Vec<Record>| requests(records).iter().map(Vec::len).collect::<Vec<_>>();
        let many = |count: usize, bytes: usize| (0..count).map(|_| (Timestamp(1), "x".repeat(bytes))).collect::<Vec<_>>();
        assert_eq!(lengths(many(25_000, 1)), [10_000, 10_000, 5_000]);
        let quarter = REQUEST_BYTES_MAX / 4;
        assert_eq!(lengths(many(5, quarter - RECORD_BYTES)), [4, 1]);
        assert_eq!(lengths(many(4, quarter - RECORD_BYTES + 1)), [3, 1]);
        let at = |ms: i64| (Timestamp(ms), String::new());
        let day = 24 * 3600 * 1000;
        assert_eq!(lengths(vec![at(day), at(0), at(day - 1)]), [2, 1]);
        let sorted: Vec<i64> = requests(vec![at(day), at(0), at(day - 1)]).concat().iter().map(|record| record.0.0).collect();
        assert_eq!(sorted, [0, day - 1, day]);
    }
}
