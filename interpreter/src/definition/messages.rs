//! The sentences of all diagnostics.
//!
//! *Recorded*: the service answered exactly this in our recordings. *Published*: others have published it as the service's answer.
//! *Ours*: the service's text is not known.

/// Recorded: the text is empty.
pub(super) const NOT_AN_OBJECT: &str = "Definition must be a valid JSON object";
/// Published, without a location: no state of the scope ends it.
pub(super) const NO_TERMINAL_STATE: &str = "Workflow has no terminal state";
/// Recorded.
pub(super) const EMPTY: &str = "Value cannot be empty";
/// Published.
pub(super) const NO_PATH: &str = "Value must be a valid JSONPath.";
/// Recorded.
pub(super) const NO_TIMESTAMP: &str = "String does not match RFC3339 timestamp";
/// Recorded.
pub(super) const EXPRESS_ACTIVITY: &str = "Express state machine does not support Activity ARN";
/// Recorded.
pub(super) const EXPRESS_SYNC: &str = "Express state machine does not support '.sync' service integration";
/// Recorded, with the blank at its end.
pub(super) const EXPRESS_TOKEN: &str = "Express state machine does not support '.waitForTaskToken' service integration ";
/// Recorded.
pub(super) const NO_DOWNGRADE: &str = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine";

/// Recorded: the fields in this order.
pub(super) fn required(fields: &[&str]) -> String {
    format!("These fields are required: [{}]", fields.join(", "))
}

/// Recorded, for `Credentials`.
pub(super) fn required_but_missing(field: &str) -> String {
    format!("The field '{field}' is required but was missing")
}

/// Recorded.
pub(super) fn one_of(field: &str, values: &[&str]) -> String {
    format!("The field '{field}' should have one of these values: [{}]", values.join(", "))
}

/// Published, at the object that has the field.
pub(super) fn not_supported(field: &str) -> String {
    format!("Field '{field}' is not supported")
}

/// Published for JSONata's fields in a state that is in JSONPath, at the state.
pub(super) fn other_language(is: &str, field: &str, wanted: &str) -> String {
    format!("The QueryLanguage is set to '{is}', but field '{field}' is only supported for the '{wanted}' QueryLanguage")
}

/// Published.
pub(super) fn maximum(maximum: impl std::fmt::Display) -> String {
    format!("Maximum value is {maximum}")
}

/// Ours, made like [`maximum`].
pub(super) fn minimum(minimum: impl std::fmt::Display) -> String {
    format!("Minimum value is {minimum}")
}

/// Published, for the paths of choice rules; for the other Reference Paths inferred.
pub(super) fn no_reference_path(reason: &str) -> String {
    format!("Value is not a Reference Path: {reason}")
}

/// Published: a reason for [`no_reference_path`].
pub(super) const NO_DOLLAR_FIRST: &str = "Reference path didn't start with '$'";

/// Published: whichever field names the target, and for `StartAt` too.
pub(super) fn missing_target(name: &str) -> String {
    format!("Missing 'Next' target: {name}")
}

/// Published, with the full stop.
pub(super) fn unreachable(name: &str) -> String {
    format!("State \"{name}\" is not reachable.")
}

/// Published.
pub(super) fn name_too_long(name: &str) -> String {
    format!("Invalid State name: State '{name}' exceeds the 80-character limit allowed by the service")
}

/// Published in its beginning.
pub(super) fn duplicate_name(name: &str) -> String {
    format!("Duplicate State name: {name}")
}

/// Recorded.
pub(super) fn unknown_resource(arn: &str) -> String {
    format!(
        "The resource provided {arn} is not recognized. The value is not a valid resource ARN, or the resource is not available in this region."
    )
}

/// Ours.
pub(super) const EMPTY_NAME: &str = "Invalid State name: a state's name cannot be empty";
/// Ours: a reason for [`no_reference_path`].
pub(super) const SINGLE_NODE: &str = "it does not identify a single node";
/// Ours.
pub(super) const NO_PATH_OR_STRING_CALL: &str =
    "Value must be a valid JSONPath or a call of an intrinsic function that returns a string.";
/// Ours.
pub(super) const NEXT_OR_END: &str = "Exactly one of these fields is required: [Next, End]";
/// Ours.
pub(super) const TWO_OPERATORS: &str = "Each Choice Rule can only have one comparison operator.";
/// Ours.
pub(super) const NO_OPERATOR: &str = "A Choice Rule needs a comparison operator, or one of [And, Or, Not]";
/// Ours.
pub(super) const BAD_PATTERN: &str = "A backslash in a pattern may only stand before '*' or another backslash";
/// Ours.
pub(super) const ALL_ALONE: &str = "'States.ALL' must be alone in 'ErrorEquals'";
/// Ours.
pub(super) const ALL_LAST: &str = "'States.ALL' must be in the last element";
/// Ours.
pub(super) const HEARTBEAT_TOO_LONG: &str = "'HeartbeatSeconds' must be smaller than 'TimeoutSeconds'";
/// Ours.
pub(super) const HALF_EXPRESSION: &str = "A JSONata expression begins with '{%' and ends with '%}'";
/// Ours.
pub(super) const NOT_AN_EXPRESSION: &str = "Value must be a JSONata expression: '{% … %}'";
/// Ours.
pub(super) const EXPRESS_DISTRIBUTED: &str = "Express state machine does not support Map states in DISTRIBUTED mode";
/// Ours.
pub(super) const LABEL_TOO_LONG: &str = "Label must not be longer than 40 characters";
/// Ours.
pub(super) const RESERVED_VARIABLE: &str = "'states' is reserved and cannot be assigned";
/// Ours.
pub(super) const TOO_DEEP: &str = "The definition is nested too deeply";
/// Ours.
pub(super) const TOO_LONG: &str = "The definition is longer than 1048576 characters";
/// Ours.
pub(super) const BATCH_WITHOUT_SIZE: &str = "At least one of these fields is required: [MaxItemsPerBatch, MaxItemsPerBatchPath, MaxInputBytesPerBatch, MaxInputBytesPerBatchPath]";
/// Ours.
pub(super) const WRITER_INCOMPLETE: &str = "A ResultWriter needs WriterConfig, or Resource with Bucket and Prefix, or both";

/// Ours.
pub(super) fn wrong_type(expected: &str, found: &str) -> String {
    format!("Expected value of type {expected}, but found {found}")
}

/// Ours.
pub(super) fn both(one: &str, other: &str) -> String {
    format!("Only one of these fields may be given: [{one}, {other}]")
}

/// Ours.
pub(super) fn exactly_one(fields: &[&str]) -> String {
    format!("Exactly one of these fields is required: [{}]", fields.join(", "))
}

/// Ours.
pub(super) fn label_character(character: char) -> String {
    format!("Label contains invalid character: '{}'", character.escape_debug())
}

/// Ours.
pub(super) fn duplicate_label(label: &str) -> String {
    format!("Duplicate Label: {label}")
}

/// Ours.
pub(super) fn bad_variable_name(name: &str) -> String {
    format!("'{name}' is not a variable name: a letter, then letters, digits and '_', 80 characters at most")
}

/// Ours.
pub(super) fn outer_variable(name: &str, state: &str) -> String {
    format!("Variable '{name}' is assigned in an outer scope too, by state '{state}'")
}
