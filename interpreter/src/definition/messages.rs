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

/// Recorded, for `Type`.
pub(super) fn one_of(field: &str, values: &[&str]) -> String {
    format!("The field '{field}' should have one of these values: [{}]", values.join(", "))
}

/// Published, for the words that fields other than `Type` may have.
pub(super) fn one_value_of(values: &[&str]) -> String {
    format!("Value should be one of the following: [{}]", values.join(", "))
}

/// Published, for the fields of an `ItemReader`.
pub(super) fn required_field(field: &str) -> String {
    format!("The field '{field}' is required")
}

/// Published, for `Resource` of an `ItemReader`.
pub(super) fn not_allowed_value(field: &str) -> String {
    format!("The field '{field}' does not match any of the allowed values")
}

/// Published: more than one of these fields is there.
pub(super) fn several_of(fields: &[&str]) -> String {
    format!("There should only be one of the following fields: [{}]", fields.join(", "))
}

/// Published: none of these fields is there.
pub(super) fn none_of(fields: &[&str]) -> String {
    format!("This object should have only one of the following fields: [{}]", fields.join(", "))
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

/// Published.
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
pub(super) const TWO_OPERATORS: &str = "Each Choice Rule can only have one comparison operator.";
/// Ours.
pub(super) const NO_OPERATOR: &str = "A Choice Rule needs a comparison operator";
/// Published: a rule is a comparison, or joins others, in either language.
pub(super) const RULE_KIND: &str = "The object must have only one of the following fields, [And, Or, Not, Variable, Condition]";
/// Ours.
pub(super) const BAD_PATTERN: &str = "A backslash in a pattern may only stand before '*' or another backslash";
/// Published, for other names beside it and for further elements behind it.
pub(super) const ALL_ALONE: &str = "States.ALL must appear alone and at end of list";
/// Ours.
pub(super) const HEARTBEAT_TOO_LONG: &str = "'HeartbeatSeconds' must be smaller than 'TimeoutSeconds'";
/// Published.
pub(super) const HALF_EXPRESSION: &str = "JSONata string must start with {% and end with %}";
/// Ours.
pub(super) const NOT_AN_EXPRESSION: &str = "Value must be a JSONata expression: '{% … %}'";
/// Published.
pub(super) const EXPRESS_DISTRIBUTED: &str =
    "The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines";
/// Published.
pub(super) const ACTIVITY_CREDENTIALS: &str = "The field 'Credentials' is not supported for activities";
/// Ours.
pub(super) const LABEL_TOO_LONG: &str = "Label must not be longer than 40 characters";
/// Published.
pub(super) const RESERVED_VARIABLE: &str = "Cannot assign to reserved variable '$states'.";
/// Ours.
pub(super) const TOO_DEEP: &str = "The definition is nested too deeply";
/// Ours.
pub(super) const TOO_LONG: &str = "The definition is longer than 1048576 characters";
/// Ours.
pub(super) const BATCH_WITHOUT_SIZE: &str = "At least one of these fields is required: [MaxItemsPerBatch, MaxItemsPerBatchPath, MaxInputBytesPerBatch, MaxInputBytesPerBatchPath]";
/// Ours.
pub(super) const WRITER_INCOMPLETE: &str = "A ResultWriter needs WriterConfig, or Resource with Bucket and Prefix, or both";

/// Published in its beginning.
pub(super) fn wrong_type(expected: &str, found: &str) -> String {
    format!("Expected value of type {expected}, but found {found}")
}

/// Ours.
pub(super) fn label_character(character: char) -> String {
    format!("Label contains invalid character: '{}'", character.escape_debug())
}

/// Ours.
pub(super) fn duplicate_label(label: &str) -> String {
    format!("Duplicate Label: {label}")
}

/// Published.
pub(super) fn bad_variable_name(name: &str) -> String {
    format!("Invalid variable name '{name}': the variable name contains invalid characters.")
}

/// Ours.
pub(super) fn undefined_variable(name: &str) -> String {
    format!("No state that is seen from here assigns the variable '${name}'")
}

/// Ours.
pub(super) fn unknown_function(name: &str) -> String {
    format!("There is no function '${name}': calling it fails with T1006")
}

/// Ours.
pub(super) fn unknown_member(name: &str) -> String {
    format!("'$states' never has a member '{name}'")
}

/// Ours.
pub(super) fn outer_variable(name: &str, state: &str) -> String {
    format!("Variable '{name}' is assigned in an outer scope too, by state '{state}'")
}
