//! What the API model demands of requests: a table, and the check that goes through it.
//!
//! Every violation is reported, in the order of the table:
//! `2 validation errors detected: Value '1001' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to
//! 1000; Value null at 'executionArn' failed to satisfy constraint: Member must not be null`.
//!
//! Source: API model; rules `api-constraints`, `api-constraints-sensitive` and `api-serialization` of the rule table.

use statewright_interpreter::Value;
use statewright_value::{Number, Object};

use super::error::ApiError;
use super::operation::Operation;

/// A member of a structure.
struct Field {
    name: &'static str,
    shape: Shape,
    required: bool,
}

/// What a value may be.
enum Shape {
    Text(Text),
    /// One of these, in the order in which the service lists them.
    Enum(&'static [&'static str]),
    Integer {
        min: i64,
        max: i64,
    },
    Boolean,
    Structure(&'static [Field]),
    List(&'static Shape),
}

/// What a text may be.
struct Text {
    min: usize,
    max: usize,
    unit: Unit,
    pattern: Option<Pattern>,
    /// Whether error messages keep the value to themselves.
    sensitive: bool,
}

/// What the length of a text is counted in.
enum Unit {
    /// UTF-16 code units, as Java counts.
    Characters,
    /// Bytes of UTF-8: "length constraints apply to the payload size, and are expressed as bytes in UTF-8 encoding".
    Bytes,
}

/// A regular expression of the API model, and what it says.
struct Pattern {
    text: &'static str,
    matches: fn(&str) -> bool,
}

const fn text(min: usize, max: usize) -> Shape {
    Shape::Text(Text { min, max, unit: Unit::Characters, pattern: None, sensitive: false })
}

const fn secret(min: usize, max: usize) -> Shape {
    Shape::Text(Text { min, max, unit: Unit::Characters, pattern: None, sensitive: true })
}

const fn required(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: true }
}

const fn optional(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: false }
}

const ARN: Shape = text(1, 256);
const LONG_ARN: Shape = text(1, 2000);
const NAME: Shape = text(1, 80);
const DEFINITION: Shape = secret(1, 1_048_576);
/// Inputs and outputs.
const DATA: Shape = Shape::Text(Text { min: 0, max: 262_144, unit: Unit::Bytes, pattern: None, sensitive: true });
const ERROR: Shape = secret(0, 256);
const CAUSE: Shape = secret(0, 32_768);
const TASK_TOKEN: Shape = secret(1, 2048);
const PAGE_SIZE: Shape = Shape::Integer { min: 0, max: 1000 };
const PAGE_TOKEN: Shape = text(1, 1024);
const MACHINE_TYPE: Shape = Shape::Enum(&["STANDARD", "EXPRESS"]);
const INCLUDED_DATA: Shape = Shape::Enum(&["ALL_DATA", "METADATA_ONLY"]);
/// In the order in which the service was recorded to list them; the others are in the order of the API model.
const EXECUTION_STATUS: Shape = Shape::Enum(&["SUCCEEDED", "TIMED_OUT", "PENDING_REDRIVE", "ABORTED", "FAILED", "RUNNING"]);
const TRACE_HEADER: Shape = Shape::Text(Text {
    min: 0,
    max: 256,
    unit: Unit::Characters,
    pattern: Some(Pattern { text: r"\p{ASCII}*", matches: str::is_ascii }),
    sensitive: false,
});

const TAGS: Shape = Shape::List(&Shape::Structure(&[optional("key", text(1, 128)), optional("value", text(0, 256))]));
const LOGGING: Shape = Shape::Structure(&[
    optional("level", Shape::Enum(&["ALL", "ERROR", "FATAL", "OFF"])),
    optional("includeExecutionData", Shape::Boolean),
    optional(
        "destinations",
        Shape::List(&Shape::Structure(&[optional("cloudWatchLogsLogGroup", Shape::Structure(&[optional("logGroupArn", ARN)]))])),
    ),
]);
const TRACING: Shape = Shape::Structure(&[optional("enabled", Shape::Boolean)]);
const ENCRYPTION: Shape = Shape::Structure(&[
    optional("kmsKeyId", text(1, 2048)),
    optional("kmsDataKeyReusePeriodSeconds", Shape::Integer { min: 60, max: 900 }),
    required("type", Shape::Enum(&["AWS_OWNED_KEY", "CUSTOMER_MANAGED_KMS_KEY"])),
]);
const VERSION_DESCRIPTION: Shape = secret(0, 256);

const ARN_OF_EXECUTION: Field = required("executionArn", ARN);
const ARN_OF_MACHINE: Field = required("stateMachineArn", ARN);
const ARN_OF_ACTIVITY: Field = required("activityArn", ARN);

macro_rules! fields {
    ($($field:expr),* $(,)?) => {{
        const FIELDS: &[Field] = &[$($field),*];
        FIELDS
    }};
}

/// The members of an operation's request; `None` where the operation is not built.
fn request(operation: Operation) -> Option<&'static [Field]> {
    Some(match operation {
        Operation::CreateActivity => {
            fields![required("name", NAME), optional("tags", TAGS), optional("encryptionConfiguration", ENCRYPTION)]
        }
        Operation::CreateStateMachine => fields![
            required("name", NAME),
            required("definition", DEFINITION),
            required("roleArn", ARN),
            optional("type", MACHINE_TYPE),
            optional("loggingConfiguration", LOGGING),
            optional("tags", TAGS),
            optional("tracingConfiguration", TRACING),
            optional("publish", Shape::Boolean),
            optional("versionDescription", VERSION_DESCRIPTION),
            optional("encryptionConfiguration", ENCRYPTION),
        ],
        Operation::DeleteActivity | Operation::DescribeActivity => fields![ARN_OF_ACTIVITY],
        Operation::DeleteStateMachine => fields![ARN_OF_MACHINE],
        Operation::DescribeExecution | Operation::DescribeStateMachineForExecution => {
            fields![ARN_OF_EXECUTION, optional("includedData", INCLUDED_DATA)]
        }
        Operation::DescribeStateMachine => fields![ARN_OF_MACHINE, optional("includedData", INCLUDED_DATA)],
        Operation::GetActivityTask => fields![ARN_OF_ACTIVITY, optional("workerName", NAME)],
        Operation::GetExecutionHistory => fields![
            ARN_OF_EXECUTION,
            optional("maxResults", PAGE_SIZE),
            optional("reverseOrder", Shape::Boolean),
            optional("nextToken", PAGE_TOKEN),
            optional("includeExecutionData", Shape::Boolean),
        ],
        Operation::ListActivities | Operation::ListStateMachines => {
            fields![optional("maxResults", PAGE_SIZE), optional("nextToken", PAGE_TOKEN)]
        }
        Operation::ListExecutions => fields![
            optional("stateMachineArn", ARN),
            optional("statusFilter", EXECUTION_STATUS),
            optional("maxResults", PAGE_SIZE),
            optional("nextToken", text(1, 3096)),
            optional("mapRunArn", LONG_ARN),
            optional("redriveFilter", Shape::Enum(&["REDRIVEN", "NOT_REDRIVEN"])),
        ],
        Operation::SendTaskFailure => {
            fields![required("taskToken", TASK_TOKEN), optional("error", ERROR), optional("cause", CAUSE)]
        }
        Operation::SendTaskHeartbeat => fields![required("taskToken", TASK_TOKEN)],
        Operation::SendTaskSuccess => fields![required("taskToken", TASK_TOKEN), required("output", DATA)],
        Operation::StartExecution => {
            fields![ARN_OF_MACHINE, optional("name", NAME), optional("input", DATA), optional("traceHeader", TRACE_HEADER)]
        }
        Operation::StartSyncExecution => fields![
            ARN_OF_MACHINE,
            optional("name", NAME),
            optional("input", DATA),
            optional("traceHeader", TRACE_HEADER),
            optional("includedData", INCLUDED_DATA),
        ],
        Operation::StopExecution => fields![ARN_OF_EXECUTION, optional("error", ERROR), optional("cause", CAUSE)],
        Operation::UpdateStateMachine => fields![
            ARN_OF_MACHINE,
            optional("definition", DEFINITION),
            optional("roleArn", ARN),
            optional("loggingConfiguration", LOGGING),
            optional("tracingConfiguration", TRACING),
            optional("publish", Shape::Boolean),
            optional("versionDescription", VERSION_DESCRIPTION),
            optional("encryptionConfiguration", ENCRYPTION),
        ],
        Operation::ValidateStateMachineDefinition => fields![
            required("definition", DEFINITION),
            optional("type", MACHINE_TYPE),
            optional("severity", Shape::Enum(&["ERROR", "WARNING"])),
            optional("maxResults", Shape::Integer { min: 0, max: 100 }),
        ],
        Operation::CreateStateMachineAlias
        | Operation::DeleteStateMachineAlias
        | Operation::DeleteStateMachineVersion
        | Operation::DescribeMapRun
        | Operation::DescribeStateMachineAlias
        | Operation::ListMapRuns
        | Operation::ListStateMachineAliases
        | Operation::ListStateMachineVersions
        | Operation::ListTagsForResource
        | Operation::PublishStateMachineVersion
        | Operation::RedriveExecution
        | Operation::TagResource
        | Operation::TestState
        | Operation::UntagResource
        | Operation::UpdateMapRun
        | Operation::UpdateStateMachineAlias => return None,
    })
}

/// Checks the members of a request. Members that the operation does not know are ignored.
///
/// # Errors
/// `SerializationException` where a member is of another type than the API model says, or else `ValidationException` with everything
/// that is wrong; `UnknownOperationException` where the operation is not built.
pub(super) fn check(operation: Operation, members: &Object) -> Result<(), ApiError> {
    let fields = request(operation).ok_or_else(|| not_built(operation))?;
    let mut violations = Vec::new();
    structure(fields, members, "", &mut violations)?;
    match violations.len() {
        0 => Ok(()),
        1 => Err(ApiError::validation(format!("1 validation error detected: {}", violations.join("; ")))),
        many => Err(ApiError::validation(format!("{many} validation errors detected: {}", violations.join("; ")))),
    }
}

/// The error of operations that are still to be built.
pub(super) fn not_built(operation: Operation) -> ApiError {
    ApiError::new("UnknownOperationException", format!("{} is not built yet", operation.name()))
}

fn structure(fields: &[Field], members: &Object, within: &str, violations: &mut Vec<String>) -> Result<(), ApiError> {
    for field in fields {
        let path = if within.is_empty() { field.name.to_owned() } else { format!("{within}.{}", field.name) };
        match members.get(field.name).filter(|value| !value.is_null()) {
            Some(found) => value(&field.shape, found, &path, violations)?,
            None if field.required => {
                violations.push(format!("Value null at '{path}' failed to satisfy constraint: Member must not be null"));
            }
            None => {}
        }
    }
    Ok(())
}

fn value(shape: &Shape, value: &Value, path: &str, violations: &mut Vec<String>) -> Result<(), ApiError> {
    match (shape, value) {
        (Shape::Text(rule), Value::String(found)) => check_text(rule, found, path, violations),
        (Shape::Enum(values), Value::String(found)) => {
            if !values.contains(&&**found) {
                violations.push(violation(Some(found), path, &format!("satisfy enum value set: [{}]", values.join(", "))));
            }
        }
        (Shape::Integer { min, max }, Value::Number(Number::Int(found))) => {
            let constraint = match found {
                found if found < min => format!("have value greater than or equal to {min}"),
                found if found > max => format!("have value less than or equal to {max}"),
                _ => return Ok(()),
            };
            violations.push(violation(Some(&found.to_string()), path, &constraint));
        }
        (Shape::Boolean, Value::Bool(_)) => {}
        (Shape::Structure(fields), Value::Object(members)) => structure(fields, members, path, violations)?,
        (Shape::List(element), Value::Array(elements)) => {
            for (at, found) in elements.iter().enumerate() {
                self::value(element, found, &format!("{path}.{}.member", at + 1), violations)?;
            }
        }
        (
            Shape::Text(_) | Shape::Enum(_) | Shape::Integer { .. } | Shape::Boolean | Shape::Structure(_) | Shape::List(_),
            found,
        ) => {
            let wanted = match shape {
                Shape::Text(_) | Shape::Enum(_) => "a string",
                Shape::Integer { .. } => "an integer",
                Shape::Boolean => "a boolean",
                Shape::Structure(_) => "an object",
                Shape::List(_) => "a list",
            };
            let message = format!("The member '{path}' must be {wanted}, not {}", found.type_name());
            return Err(ApiError::new("SerializationException", message));
        }
    }
    Ok(())
}

fn check_text(rule: &Text, found: &str, path: &str, violations: &mut Vec<String>) {
    let length = match rule.unit {
        Unit::Characters => found.encode_utf16().count(),
        Unit::Bytes => found.len(),
    };
    let shown = (!rule.sensitive).then_some(found);
    if length < rule.min {
        violations.push(violation(shown, path, &format!("have length greater than or equal to {}", rule.min)));
    }
    if length > rule.max {
        violations.push(violation(shown, path, &format!("have length less than or equal to {}", rule.max)));
    }
    if let Some(pattern) = rule.pattern.as_ref().filter(|pattern| !(pattern.matches)(found)) {
        violations.push(violation(shown, path, &format!("satisfy regular expression pattern: {}", pattern.text)));
    }
}

fn violation(value: Option<&str>, path: &str, constraint: &str) -> String {
    let value = value.map_or_else(String::new, |value| format!(" '{value}'"));
    format!("Value{value} at '{path}' failed to satisfy constraint: Member must {constraint}")
}
