//! What services put around their answers, and what the calls of `.sync` and `.waitForTaskToken` tasks are answered with at first.
//!
//! Source: developer guide, "Integrating services"; members and their order as recorded.

use statewright_interpreter::Value;
use statewright_interpreter::definition::{Pattern, Resource};
use statewright_interpreter::inputs::Draws;

/// Makes what a service makes up: ids of requests, messages and jobs.
pub(crate) struct Ids<'a> {
    draws: &'a Draws,
}

impl<'a> Ids<'a> {
    /// Ids that follow from `draws`.
    pub(crate) fn new(draws: &'a Draws) -> Self {
        Self { draws }
    }

    /// A UUID.
    pub(crate) fn uuid(&self) -> String {
        let (high, low) = (self.draws.next_u64(), self.draws.next_u64());
        uuid(u128::from(high) << 64 | u128::from(low))
    }

    fn hex(&self) -> String {
        format!("{:016x}{:016x}", self.draws.next_u64(), self.draws.next_u64())
    }
}

/// A random UUID (version 4) of these bits.
pub(crate) fn uuid(bits: u128) -> String {
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// An object of these members.
pub(crate) fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

/// The answer of `lambda:invoke` around what the function returned.
pub(crate) fn lambda(payload: Value, ids: &Ids<'_>) -> Value {
    let mut answer = object([("ExecutedVersion", Value::from("$LATEST")), ("Payload", payload)]);
    add_metadata(&mut answer, "application/json", ids);
    if let Some(members) = answer.as_object_mut() {
        members.insert("StatusCode".into(), Value::from(200_i64));
    }
    answer
}

/// Adds what every answer of an optimised integration ends with.
fn add_metadata(answer: &mut Value, content_type: &str, ids: &Ids<'_>) {
    let request = ids.uuid();
    let header = |name: &'static str, value: &str| (name, value.to_owned());
    let headers = [header("Connection", "keep-alive"), header("Content-Type", content_type), header("x-amzn-RequestId", &request)];
    let all = headers.iter().map(|(name, value)| ((*name).into(), Value::from(vec![Value::from(value.as_str())]))).collect();
    let single = headers.iter().map(|(name, value)| ((*name).into(), Value::from(value.as_str()))).collect();
    let http = object([
        ("AllHttpHeaders", Value::Object(all)),
        ("HttpHeaders", Value::Object(single)),
        ("HttpStatusCode", Value::from(200_i64)),
    ]);
    if let Some(members) = answer.as_object_mut() {
        members.insert("SdkHttpMetadata".into(), http);
        members.insert("SdkResponseMetadata".into(), object([("RequestId", Value::from(request))]));
    }
}

/// What the call of a service is answered with when nothing is known but the call: its shape, with ids made up.
pub(crate) fn answer(resource: &Resource, parameters: &Value, ids: &Ids<'_>) -> Value {
    let Resource::Service { resource_type, resource, .. } = resource else { return Value::empty_object() };
    let action = resource.split('.').next().unwrap_or_default();
    let text = |name: &str, default: &str| {
        let value = parameters.get(name).and_then(Value::as_str).unwrap_or(default);
        Value::from(value)
    };
    let mut answer = match (&**resource_type, action) {
        ("lambda", "invoke") => return lambda(Value::empty_object(), ids),
        ("sqs", "sendMessage") => object([("MD5OfMessageBody", Value::from(ids.hex())), ("MessageId", Value::from(ids.uuid()))]),
        ("sns", "publish") => object([("MessageId", Value::from(ids.uuid()))]),
        ("dynamodb", _) => Value::empty_object(),
        ("events", "putEvents") => {
            let entries = parameters.get("Entries").and_then(Value::as_array).map_or(1, |entries| entries.len());
            let entries: Value = (0..entries).map(|_| object([("EventId", Value::from(ids.uuid()))])).collect();
            return object([("Entries", entries), ("FailedEntryCount", Value::from(0_i64))]);
        }
        ("batch", "submitJob") => object([("JobId", Value::from(ids.uuid())), ("JobName", text("JobName", "job"))]),
        ("glue" | "databrew", "startJobRun") => {
            object([("JobName", text("JobName", "job")), ("JobRunId", Value::from(format!("jr_{}", ids.hex())))])
        }
        ("athena", "startQueryExecution") => object([("QueryExecutionId", Value::from(ids.uuid()))]),
        ("ecs", "runTask") => object([("Failures", Value::from(Vec::new())), ("Tasks", Value::from(vec![Value::empty_object()]))]),
        ("http" | "apigateway", _) => {
            let status = ("StatusCode", Value::from(200_i64));
            return object([
                ("Headers", Value::empty_object()),
                ("ResponseBody", Value::empty_object()),
                status,
                ("StatusText", Value::from("OK")),
            ]);
        }
        ("bedrock", "invokeModel") => {
            return object([("Body", Value::empty_object()), ("ContentType", Value::from("application/json"))]);
        }
        (service, _) if service.starts_with("aws-sdk:") => return Value::empty_object(),
        _ => Value::empty_object(),
    };
    add_metadata(&mut answer, "application/x-amz-json-1.0", ids);
    answer
}

/// The end of the job that a `.sync` task started: its shape, with ids made up.
pub(crate) fn job(resource: &Resource, parameters: &Value, ids: &Ids<'_>) -> Value {
    let Resource::Service { resource_type, .. } = resource else { return Value::empty_object() };
    let succeeded = |member: &'static str, value: &str| {
        let mut job = answer(resource, parameters, ids);
        if let Some(members) = job.as_object_mut() {
            for metadata in ["SdkHttpMetadata", "SdkResponseMetadata"] {
                members.remove(metadata);
            }
            members.insert(member.into(), Value::from(value));
        }
        job
    };
    match &**resource_type {
        "ecs" => object([("DesiredStatus", Value::from("STOPPED")), ("LastStatus", Value::from("STOPPED"))]),
        "glue" | "databrew" => succeeded("JobRunState", "SUCCEEDED"),
        "athena" => {
            let status = object([("State", Value::from("SUCCEEDED"))]);
            object([("QueryExecution", object([("QueryExecutionId", Value::from(ids.uuid())), ("Status", status)]))])
        }
        _ => succeeded("Status", "SUCCEEDED"),
    }
}

/// Whether the task's call is answered before the task ends.
pub(crate) fn is_submitted(resource: &Resource) -> bool {
    matches!(resource, Resource::Service { pattern: Pattern::Sync | Pattern::Sync2 | Pattern::WaitForTaskToken, .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids() {
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }

    #[test]
    fn the_envelope_of_a_function_is_the_services() {
        let draws = Draws::new(1, 1);
        let answer = lambda(Value::from(7_i64), &Ids::new(&draws));
        let members: Vec<_> = answer.as_object().unwrap().keys().map(|name| &**name).collect();
        assert_eq!(members, ["ExecutedVersion", "Payload", "SdkHttpMetadata", "SdkResponseMetadata", "StatusCode"]);
        assert_eq!(answer.get("Payload"), Some(&Value::from(7_i64)));
    }
}
