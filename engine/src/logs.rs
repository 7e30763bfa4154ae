//! What executions log: a record for each event of the history that the state machine's logging configuration asks for.
//!
//! The shape of a record and the choice of events are the same on every host; a [`LogSink`] takes the records where they are to go. An
//! event is logged after its commit, and at best: a record may come late, twice, or, after a crash, not at all, and no execution waits for
//! one or fails for it.
//!
//! Source: developer guide, "Using CloudWatch Logs to log execution history in Step Functions"; rules `log-records` and `log-levels` of the
//! rule table.

use std::sync::Arc;

use statewright_interpreter::execution::Identity;
use statewright_interpreter::history::HistoryEvent;
use statewright_interpreter::time::Timestamp;

use crate::status::Heard;

/// "If escaped input or escaped output sent to CloudWatch Logs exceeds 248 KB, it will be truncated": so many bytes of data a record has.
const DATA_BYTES_MAX: usize = 248 * 1024;

/// Takes records where they are to go, at best.
pub trait LogSink: Send + Sync {
    /// Takes records, in the order of the events. It may keep them until [`flush`](Self::flush).
    fn take(&self, records: LogRecords) -> Heard<'_>;

    /// Delivers what it has kept.
    fn flush(&self) -> Heard<'_>;
}

/// Records of one execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecords {
    /// The ARN of the log group that the state machine names, with `:*` at its end.
    pub log_group_arn: Arc<str>,
    /// The name of the state machine.
    pub state_machine_name: Arc<str>,
    /// The records: when, and the text, which is one JSON object.
    pub records: Vec<(Timestamp, String)>,
}

/// Which events are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    All,
    Error,
    Fatal,
}

/// What a revision of a state machine has logged, and where. One that logs nothing has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    level: Level,
    execution_data: bool,
    log_group_arn: Arc<str>,
}

impl Logging {
    /// What a `loggingConfiguration` asks for; `None` when it asks for nothing.
    #[must_use]
    pub fn of(configuration: &serde_json::Value) -> Option<Self> {
        let level = match configuration.get("level")?.as_str()? {
            "ALL" => Level::All,
            "ERROR" => Level::Error,
            "FATAL" => Level::Fatal,
            _ => return None,
        };
        let log_group_arn = configuration.pointer("/destinations/0/cloudWatchLogsLogGroup/logGroupArn")?.as_str()?.into();
        let execution_data = configuration.get("includeExecutionData").and_then(serde_json::Value::as_bool).unwrap_or(false);
        Some(Self { level, execution_data, log_group_arn })
    }

    /// What is logged of these events of an execution; `None` if nothing is.
    #[must_use]
    pub fn records(&self, execution: &Identity, events: &[HistoryEvent]) -> Option<LogRecords> {
        let logged = events.iter().filter(|event| self.level.takes(&event.details.type_name()));
        let records: Vec<_> = logged.map(|event| (event.timestamp, self.record(execution, event))).collect();
        (!records.is_empty()).then(|| LogRecords {
            log_group_arn: Arc::clone(&self.log_group_arn),
            state_machine_name: Arc::clone(&execution.state_machine_name),
            records,
        })
    }

    fn record(&self, execution: &Identity, event: &HistoryEvent) -> String {
        let mut details = Vec::new();
        event.write_details_to(&mut details, self.execution_data, DATA_BYTES_MAX);
        let details = String::from_utf8(details).unwrap_or_default();
        let (id, previous, at) = (event.id.0, event.previous.0, event.timestamp.0);
        let (kind, arn) = (event.details.type_name(), &execution.execution_arn);
        // Nothing but the details has characters in it that JSON escapes: types, numbers, and an ARN, whose names cannot have any.
        format!(
            r#"{{"id":"{id}","type":"{kind}","details":{details},"previous_event_id":"{previous}","event_timestamp":"{at}","execution_arn":"{arn}","redrive_count":"0"}}"#
        )
    }
}

impl Level {
    /// Whether an event of this type is logged.
    ///
    /// Source: developer guide, "Log levels for Step Functions execution events".
    fn takes(self, kind: &str) -> bool {
        let went_wrong = ["Aborted", "Failed", "TimedOut"].iter().any(|end| kind.ends_with(end));
        match self {
            Self::All => true,
            Self::Error => went_wrong || kind == "FailStateEntered",
            Self::Fatal => went_wrong && kind.starts_with("Execution"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_those_of_the_developer_guide() {
        let takes = |kind: &str| [Level::All, Level::Error, Level::Fatal].map(|level| level.takes(kind));
        for fatal in ["ExecutionAborted", "ExecutionFailed", "ExecutionTimedOut"] {
            assert_eq!(takes(fatal), [true, true, true], "{fatal}");
        }
        for wrong in [
            "ActivityFailed",
            "ActivityScheduleFailed",
            "ActivityTimedOut",
            "FailStateEntered",
            "LambdaFunctionFailed",
            "LambdaFunctionScheduleFailed",
            "LambdaFunctionStartFailed",
            "LambdaFunctionTimedOut",
            "MapIterationAborted",
            "MapIterationFailed",
            "MapRunAborted",
            "MapRunFailed",
            "MapStateAborted",
            "MapStateFailed",
            "ParallelStateAborted",
            "ParallelStateFailed",
            "TaskFailed",
            "TaskStartFailed",
            "TaskStateAborted",
            "TaskSubmitFailed",
            "TaskTimedOut",
            "WaitStateAborted",
        ] {
            assert_eq!(takes(wrong), [true, true, false], "{wrong}");
        }
        for right in [
            "ExecutionStarted",
            "ExecutionSucceeded",
            "ChoiceStateEntered",
            "FailStateExited",
            "LambdaFunctionScheduled",
            "MapIterationStarted",
            "ParallelStateSucceeded",
            "TaskSubmitted",
            "TaskSucceeded",
        ] {
            assert_eq!(takes(right), [true, false, false], "{right}");
        }
    }

    #[test]
    fn who_asks_for_nothing_gets_nothing() {
        let group = serde_json::json!([{"cloudWatchLogsLogGroup": {"logGroupArn": "arn:g:*"}}]);
        let of =
            |level: &str| Logging::of(&serde_json::json!({"level": level, "includeExecutionData": true, "destinations": group}));
        assert_eq!(of("OFF"), None);
        assert_eq!(of("FATAL"), Some(Logging { level: Level::Fatal, execution_data: true, log_group_arn: "arn:g:*".into() }));
        assert_eq!(Logging::of(&serde_json::json!({"level": "ALL"})), None, "there is nowhere to log to");
    }
}
