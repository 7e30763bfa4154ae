//! What others may hear of executions: that their status has changed.
//!
//! Source: developer guide, "EventBridge events for Step Functions"; EventBridge events reference, "AWS Step Functions events".

use std::pin::Pin;

use statewright_interpreter::execution::{Execution, Status};
use statewright_interpreter::{Object, Value};

use crate::api::ListedStatus;
use crate::store::Birth;

/// Events of the service end at 256 KB; so many bytes of input and output, escaped, are told.
const DATA_BYTES_MAX: usize = 248 * 1024;

/// Hears of executions of Standard state machines, once each has changed its status. What it does is done at best: an execution goes on
/// whether or not somebody has heard of it.
pub trait Listener: Send + Sync {
    /// The execution has started, or, if `has_ended`, ended.
    fn changed<'a>(&'a self, execution: &'a Execution, birth: &'a Birth, has_ended: bool) -> Heard<'a>;
}

/// What [`Listener::changed`] gives.
pub type Heard<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// The `detail` of the event "Step Functions Execution Status Change".
#[must_use]
pub fn status_change(execution: &Execution, birth: &Birth, has_ended: bool) -> Value {
    let identity = execution.identity();
    let running = Status::Running;
    let status = if has_ended { execution.status() } else { &running };
    let input = execution.input().text();
    let output = match status {
        Status::Succeeded { output } => Some(output.text()),
        Status::Running | Status::Failed(_) | Status::TimedOut | Status::Aborted(_) => None,
    };
    let escaped = |text: &str| Value::from(text).to_string().len();
    let output_bytes = output.as_deref().map_or(0, escaped);
    let has_input = escaped(&input) + output_bytes <= DATA_BYTES_MAX;
    let has_output = output_bytes <= DATA_BYTES_MAX;
    let included = |is_included: bool| -> Value { Object::from_iter([("included".into(), is_included.into())]).into() };
    let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    let mut detail: Vec<(&str, Value)> = vec![
        ("executionArn", (&*identity.execution_arn).into()),
        ("stateMachineArn", (&*identity.state_machine_arn).into()),
        ("name", (&*identity.execution_name).into()),
        ("status", ListedStatus::from(status).as_str().into()),
        ("startDate", execution.started_at().0.into()),
        ("stopDate", if has_ended { execution.last_event_at().0.into() } else { Value::Null }),
        ("input", text(has_input.then_some(&*input))),
        ("inputDetails", included(has_input)),
        ("output", text(output.as_deref().filter(|_| has_output))),
        ("outputDetails", output.as_deref().map_or(Value::Null, |_| included(has_output))),
        ("stateMachineVersionArn", text(birth.version_arn.as_deref())),
        ("stateMachineAliasArn", text(birth.alias_arn.as_deref())),
    ];
    if let Status::Failed(error) | Status::Aborted(error) = status {
        detail.push(("error", text(error.error.as_deref())));
        detail.push(("cause", text(error.cause.as_deref())));
    }
    Object::from_iter(detail.into_iter().map(|(name, value)| (name.into(), value))).into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use statewright_interpreter::command::Output;
    use statewright_interpreter::definition::{Definition, Options};
    use statewright_interpreter::execution::{Identity, Start};
    use statewright_interpreter::payload::Document;
    use statewright_interpreter::quota::Quotas;
    use statewright_interpreter::time::Timestamp;

    use super::*;
    use crate::round::{Budget, advance};

    /// What is told of the start and of the end of an execution of `state` with `input`.
    fn told(state: &str, input: &str) -> [Value; 2] {
        let text = format!(r#"{{"StartAt":"S","States":{{"S":{state}}}}}"#);
        let definition = Arc::new(Definition::parse(&text, &Options::default()).unwrap().definition);
        let identity = Identity {
            execution_arn: "arn:aws:states:us-east-1:123456789012:execution:m:e".into(),
            execution_name: "e".into(),
            state_machine_arn: "arn:aws:states:us-east-1:123456789012:stateMachine:m".into(),
            state_machine_name: "m".into(),
            role_arn: "arn:aws:iam::123456789012:role/r".into(),
            region: "us-east-1".into(),
        };
        let start = Start { identity, input: Document::parse(input).unwrap(), seed: 1, quotas: Quotas::aws(false) };
        let mut out = Output::default();
        let mut execution = Execution::start(&definition, start, Timestamp(1_000), &mut out);
        advance(&mut execution, &definition, [], Timestamp(2_000), Budget::default(), &mut out);
        [false, true].map(|has_ended| status_change(&execution, &Birth::default(), has_ended))
    }

    #[test]
    fn events_have_the_shape_of_the_service() {
        let [start, end] = told(r#"{"Type":"Pass","Result":{"b":2},"End":true}"#, r#"{"a":1}"#);
        assert_eq!(
            start.to_string(),
            r#"{"executionArn":"arn:aws:states:us-east-1:123456789012:execution:m:e","stateMachineArn":"arn:aws:states:us-east-1:123456789012:stateMachine:m","name":"e","status":"RUNNING","startDate":1000,"stopDate":null,"input":"{\"a\":1}","inputDetails":{"included":true},"output":null,"outputDetails":null,"stateMachineVersionArn":null,"stateMachineAliasArn":null}"#
        );
        let member = |name: &str| end.get(name).unwrap().to_string();
        assert_eq!((member("status"), member("stopDate")), (r#""SUCCEEDED""#.to_owned(), "2000".to_owned()));
        assert_eq!((member("output"), member("outputDetails")), (r#""{\"b\":2}""#.to_owned(), r#"{"included":true}"#.to_owned()));
        let [_, failed] = told(r#"{"Type":"Fail","Error":"E","Cause":"c"}"#, "{}");
        assert_eq!(failed.get("error").and_then(Value::as_str).zip(failed.get("cause").and_then(Value::as_str)), Some(("E", "c")));
        assert_eq!(failed.get("status").and_then(Value::as_str), Some("FAILED"));
    }

    #[test]
    fn what_is_too_large_for_an_event_is_left_out() {
        let large = format!("\"{}\"", "x".repeat(130 * 1024));
        let [start, end] = told(r#"{"Type":"Pass","End":true}"#, &large);
        let included = |event: &Value, name: &str| event.get(name).unwrap().get("included").cloned();
        assert_eq!(included(&start, "inputDetails"), Some(true.into()));
        assert_eq!((end.get("input"), included(&end, "inputDetails")), (Some(&Value::Null), Some(false.into())));
        assert_eq!(included(&end, "outputDetails"), Some(true.into()));
    }
}
