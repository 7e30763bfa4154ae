//! What tasks were recorded to answer, taken back to the answer of the service and shaped again: names, order and spelling of all
//! members, and the names and causes of errors. The recordings lie in the folder that `STATEWRIGHT_RECORDED` names; without it these
//! tests say that they skip.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use statewright_integrations::{Outcome, Response, Task, TransportError, nested, outcome};
use statewright_interpreter::definition::Resource;
use statewright_interpreter::event::{Event, FailedStage};
use statewright_interpreter::history::EventId;
use statewright_interpreter::payload::Document;
use statewright_tests::conformance::{Execution, case_files, load_dir, load_file};

/// A time that was masked, on the wire and in results.
const SECONDS: f64 = 1_733_089_875.458;
const MILLISECONDS: u64 = 1_733_089_875_458;

/// The outcome of one attempt.
struct Recorded<'a> {
    place: String,
    resource_type: &'a str,
    resource: &'a str,
    kind: &'a str,
    details: &'a Value,
}

impl Recorded<'_> {
    fn task(&self) -> Task {
        let resource = match self.resource_type {
            "" => "arn:aws:lambda:us-east-1:111111111111:function:f".to_owned(),
            service => format!("arn:aws:states:::{service}:{}", self.resource),
        };
        Task {
            id: EventId(1),
            resource: Resource::parse(&resource).unwrap(),
            parameters: Document::parse("{}").unwrap(),
            timeout_seconds: None,
            credentials_role_arn: None,
        }
    }

    /// The result, with what was masked put back so that it can come from one answer.
    fn output(&self) -> Value {
        let mut output = self.details["output"].clone();
        if let Some(text) = output.as_str() {
            return serde_json::from_str(text).unwrap();
        }
        if let Some(metadata) = output.get_mut("SdkHttpMetadata") {
            let single = metadata["HttpHeaders"].as_object().unwrap().clone();
            for (name, values) in metadata["AllHttpHeaders"].as_object_mut().unwrap() {
                *values = json!([single[name]]);
            }
            let id = single.iter().find(|header| header.0.eq_ignore_ascii_case("x-amzn-requestid")).unwrap().1.clone();
            output["SdkResponseMetadata"]["RequestId"] = id;
        }
        for date in ["StartDate", "StopDate"] {
            if let Some(date) = output.get_mut(date) {
                *date = MILLISECONDS.into();
            }
        }
        output
    }
}

/// The members of a result that the service sent, in another order.
fn sent(output: &Value) -> Map<String, Value> {
    let members = output.as_object().unwrap().iter().rev().filter(|member| !member.0.starts_with("Sdk"));
    members.map(|(name, value)| (name.clone(), if name.ends_with("Date") { SECONDS.into() } else { value.clone() })).collect()
}

/// As XML writes it: placeholders have angle brackets.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn in_camel_case(members: Map<String, Value>) -> Map<String, Value> {
    let rename = |name: String| name[..1].to_lowercase() + &name[1..];
    let nested = |value| if let Value::Object(members) = value { Value::Object(in_camel_case(members)) } else { value };
    members.into_iter().map(|(name, value)| (rename(name), nested(value))).collect()
}

/// The headers as an HTTP client has them.
fn headers(output: &Value) -> Vec<(String, String)> {
    let headers = output.pointer("/SdkHttpMetadata/HttpHeaders").and_then(Value::as_object).into_iter().flatten();
    headers.map(|(name, value)| (name.to_lowercase(), value.as_str().unwrap().to_owned())).collect()
}

/// The answer that gave the result.
fn success(recorded: &Recorded<'_>, output: &Value) -> Response {
    let body = match recorded.resource_type {
        "" => output.to_string(),
        "lambda" => output["Payload"].to_string(),
        "states" => Value::Object(in_camel_case(sent(output))).to_string(),
        "sns" => {
            let members: String =
                sent(output).iter().map(|(name, value)| format!("<{name}>{}</{name}>", escaped(value.as_str().unwrap()))).collect();
            let metadata = format!(
                "<ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata>",
                escaped(output["SdkResponseMetadata"]["RequestId"].as_str().unwrap())
            );
            format!(
                "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>{members}</PublishResult>{metadata}</PublishResponse>"
            )
        }
        _ => Value::Object(sent(output)).to_string(),
    };
    Response { status: 200, headers: headers(output), body: body.into_bytes() }
}

/// The answer that gave the error.
fn failure(recorded: &Recorded<'_>) -> Result<Response, TransportError> {
    let cause = match &recorded.details["cause"] {
        Value::String(cause) => cause.clone(),
        cause => {
            let answer = Response { status: 200, headers: Vec::new(), body: cause.to_string().into_bytes() };
            let is_function = cause.get("errorType").is_some();
            let mark = is_function.then(|| ("x-amz-function-error".to_owned(), "Unhandled".to_owned()));
            return Ok(Response { headers: mark.into_iter().collect(), ..answer });
        }
    };
    if let Some(unsent) = cause.strip_prefix("Unable to execute HTTP request: ") {
        return Err(TransportError::UnknownHost { host: unsent.strip_suffix(": Name or service not known").unwrap().to_owned() });
    }
    let (message, rest) = cause.rsplit_once(" (Service: ").unwrap();
    let part = |name: &str| rest.split("; ").find_map(|part| part.strip_prefix(name)).unwrap().to_owned();
    let (code, id) = (part("Error Code: "), part("Request ID: "));
    let body = if recorded.resource_type == "sns" {
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{}</Message></Error><RequestId>{}</RequestId></ErrorResponse>",
            escaped(message),
            escaped(&id)
        )
    } else {
        json!({"__type": format!("com.example#{code}"), "message": message}).to_string()
    };
    let headers = vec![("x-amzn-requestid".to_owned(), id)];
    Ok(Response { status: part("Status Code: ").parse().unwrap(), headers, body: body.into_bytes() })
}

fn check(recorded: &Recorded<'_>) {
    let (task, place) = (recorded.task(), &recorded.place);
    let is_submit = recorded.kind == "TaskSubmitted";
    let is_end_of_job = task.resource.has_token() && !is_submit;
    if recorded.kind.ends_with("Failed") {
        let event = if is_end_of_job {
            let description = Value::Object(in_camel_case(sent(&recorded.details["cause"])));
            nested::ended(&task, &Response { status: 200, headers: Vec::new(), body: description.to_string().into_bytes() })
                .unwrap()
        } else {
            let Outcome::Event(event) = outcome(&task, &failure(recorded)) else { panic!("{place}: no event") };
            event
        };
        let Event::TaskFailed { error, stage: FailedStage::Running, .. } = event else { panic!("{place}: {event:?}") };
        assert_eq!(error.error.as_deref(), recorded.details["error"].as_str(), "{place}");
        let cause = error.cause.unwrap().to_string();
        match &recorded.details["cause"] {
            Value::String(expected) => {
                assert_eq!(&cause, expected, "{place}");
            }
            expected => {
                let mut expected = expected.clone();
                for date in ["StartDate", "StopDate"] {
                    if let Some(date) = expected.get_mut(date) {
                        *date = MILLISECONDS.into();
                    }
                }
                assert_eq!(cause, expected.to_string(), "{place}");
            }
        }
        return;
    }
    let expected = recorded.output();
    let answer = success(recorded, &expected);
    let event = if is_end_of_job {
        nested::ended(&task, &answer).unwrap()
    } else {
        let Outcome::Event(event) = outcome(&task, &Ok(answer)) else { panic!("{place}: no event") };
        event
    };
    let (Event::TaskSubmitted { output, .. } | Event::TaskSucceeded { output, .. }) = &event else { panic!("{place}: {event:?}") };
    assert_eq!(matches!(event, Event::TaskSubmitted { .. }), is_submit, "{place}");
    assert_eq!(output.text(), expected.to_string(), "{place}");
}

/// What became of the attempts of one execution, without what is not a service's answer.
fn outcomes<'a>(case: &str, execution: &'a Execution) -> Vec<Recorded<'a>> {
    let events = execution.events().iter().filter(|event| event["id"].is_number());
    let outcomes = events.filter_map(|event| {
        let kind = event["type"].as_str()?;
        let is_outcome =
            ["TaskSubmitted", "TaskSucceeded", "TaskFailed", "LambdaFunctionSucceeded", "LambdaFunctionFailed"].contains(&kind);
        let (_, details) = event.as_object()?.iter().find(|member| is_outcome && member.0.ends_with("EventDetails"))?;
        let text = |name: &str| details[name].as_str().unwrap_or_default();
        let recorded = Recorded {
            place: format!("{case} event {}", event["id"]),
            resource_type: text("resourceType"),
            resource: text("resource"),
            kind,
            details,
        };
        let is_ours = ["", "lambda", "sqs", "sns", "events", "dynamodb", "states"].contains(&recorded.resource_type);
        let is_answer = kind == "TaskSubmitted" || !recorded.resource.ends_with(".waitForTaskToken");
        // The interpreter's own words; and a task that was ended with its token before its job had ended.
        let is_too_large = details["error"] == "States.DataLimitExceeded";
        let is_token =
            recorded.resource.contains(".sync") && kind == "TaskSucceeded" && details["output"].get("ExecutionArn").is_none();
        // Which spelling an answer had is not known of a client that hands names over in lower case.
        let has_other_spelling = details.pointer("/output/SdkHttpMetadata/HttpHeaders/x-amzn-requestid").is_some();
        (is_ours && is_answer && !is_too_large && !is_token && !has_other_spelling).then_some(recorded)
    });
    outcomes.collect()
}

#[test]
fn results_and_errors_are_shaped_as_they_were_recorded() {
    let Some(folder) = load_dir() else {
        eprintln!("SKIPPED: STATEWRIGHT_RECORDED does not name a folder of recorded cases");
        return;
    };
    let mut counts: BTreeMap<(String, bool), usize> = BTreeMap::new();
    for file in case_files(&folder).unwrap() {
        let case = load_file(&file).unwrap();
        for execution in &case.executions {
            for recorded in outcomes(&case.id, execution) {
                check(&recorded);
                *counts.entry((recorded.resource_type.to_owned(), recorded.kind.ends_with("Failed"))).or_default() += 1;
            }
        }
    }
    let all = ["", "dynamodb", "events", "lambda", "sns", "sqs", "states"]
        .map(|service| [(service.to_owned(), false), (service.to_owned(), true)]);
    for kind in all.iter().flatten() {
        assert!(counts.contains_key(kind), "nothing recorded of {kind:?}: {counts:?}");
    }
}
