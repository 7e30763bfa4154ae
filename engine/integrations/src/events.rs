//! EventBridge: what the service adds to events, and answers that tell of events that were not taken.
//!
//! Source: developer guide, "Add EventBridge events with Step Functions"; rules `events-resources` and `events-failed` of the rule table.

use statewright_value::Value;

use crate::outcome::Verdict;
use crate::task::Origin;

/// The parameters with the state machine and the execution among each entry's resources, after its own: the order is the recorded one.
pub(crate) fn with_origin(parameters: &Value, origin: &Origin<'_>) -> Value {
    let mut parameters = parameters.clone();
    let entries =
        parameters.as_object_mut().filter(|members| members.contains_key("Entries")).map(|members| members.entry("Entries"));
    for entry in entries.and_then(Value::as_array_mut).into_iter().flat_map(|entries| entries.make_mut()) {
        let Some(entry) = entry.as_object_mut() else { continue };
        let own = entry.get("Resources").and_then(Value::as_array).into_iter().flat_map(|own| own.iter().cloned());
        let resources: Value = own.chain([origin.state_machine_arn, origin.execution_arn].map(Value::from)).collect();
        entry.insert("Resources".into(), resources);
    }
    parameters
}

/// The result, or the failure when not every event was taken.
pub(crate) fn verdict(answer: Value) -> Verdict {
    let failed = answer.get("FailedEntryCount").and_then(Value::as_i64).unwrap_or(0);
    if failed > 0 { Verdict::failed("EventBridge.FailedEntry", answer.to_string()) } else { Verdict::Result(answer.into()) }
}

#[cfg(test)]
mod tests {
    use crate::request::request;
    use crate::request::tests::{ORIGIN, task};

    fn sends(entry: &str, wire: &str) {
        let request = request(&task("arn:aws:states:::events:putEvents", &format!("{{\"Entries\":[{entry}]}}")), &ORIGIN).unwrap();
        assert_eq!(String::from_utf8(request.body).unwrap(), format!("{{\"Entries\":[{wire}]}}"));
    }

    #[test]
    fn events_name_the_machine_and_the_execution_after_their_own_resources() {
        let ours =
            "\"arn:aws:states:us-east-1:123456789012:stateMachine:m\",\"arn:aws:states:us-east-1:123456789012:execution:m:e\"";
        sends(r#"{"Source":"s"}"#, &format!("{{\"Source\":\"s\",\"Resources\":[{ours}]}}"));
        sends(r#"{"Resources":["r"]}"#, &format!("{{\"Resources\":[\"r\",{ours}]}}"));
        sends(
            r#"{"Detail":{"a": 1},"Time":"2024-12-01T21:51:15Z"}"#,
            &format!("{{\"Detail\":\"{{\\\"a\\\":1}}\",\"Time\":1733089875.0,\"Resources\":[{ours}]}}"),
        );
    }
}
