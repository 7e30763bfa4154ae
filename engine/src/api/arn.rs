//! ARNs and names.
//!
//! Source: rules `api-arns` and `api-names` of the rule table; API reference, "StartExecution", `name`.

use super::caller::Caller;
use super::error::ApiError;

/// An ARN of this service, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Arn<'a> {
    /// Whether it is of the caller's partition, region and account.
    here: bool,
    kind: &'a str,
    /// What follows the kind.
    rest: &'a str,
}

/// What the ARN of a state machine names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MachineArn<'a> {
    text: &'a str,
    here: bool,
    pub(super) name: &'a str,
    pub(super) qualifier: Option<Qualifier<'a>>,
}

/// What follows the name of a state machine in its ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Qualifier<'a> {
    /// The number of a version.
    Version(u64),
    /// The name of an alias.
    Alias(&'a str),
    /// The label of a Distributed Map.
    Label(&'a str),
}

fn invalid(message: &str) -> ApiError {
    ApiError::new("InvalidArn", format!("Invalid Arn: '{message}'"))
}

fn parse<'a>(text: &'a str, caller: &Caller<'_>) -> Result<Arn<'a>, ApiError> {
    let no_arn = || invalid(&format!("Invalid ARN prefix: {text}"));
    let mut parts = text.splitn(7, ':');
    let mut part = || parts.next().ok_or_else(no_arn);
    let (arn, partition, service, region, account, kind, rest) = (part()?, part()?, part()?, part()?, part()?, part()?, part()?);
    if arn != "arn" || service != "states" || rest.is_empty() {
        return Err(no_arn());
    }
    let here = partition == caller.partition && region == caller.region && account == caller.account;
    Ok(Arn { here, kind, rest })
}

fn wrong_kind(kind: &str) -> ApiError {
    invalid(&format!("Resource type not valid in this context: {kind}"))
}

/// Reads the ARN of a state machine, with or without a qualifier.
pub(super) fn state_machine<'a>(text: &'a str, caller: &Caller<'_>) -> Result<MachineArn<'a>, ApiError> {
    let arn = parse(text, caller)?;
    if arn.kind != "stateMachine" {
        return Err(wrong_kind(arn.kind));
    }
    let (name, qualifier) = match (arn.rest.split_once(':'), arn.rest.split_once('/')) {
        (Some((name, qualifier)), _) => {
            let number = qualifier.bytes().all(|byte| byte.is_ascii_digit()).then(|| qualifier.parse().ok()).flatten();
            (name, Some(number.map_or(Qualifier::Alias(qualifier), Qualifier::Version)))
        }
        (None, Some((name, label))) => (name, Some(Qualifier::Label(label))),
        (None, None) => (arn.rest, None),
    };
    Ok(MachineArn { text, here: arn.here, name, qualifier })
}

impl<'a> MachineArn<'a> {
    /// The error for a state machine that is not there.
    pub(super) fn does_not_exist(&self) -> ApiError {
        ApiError::new("StateMachineDoesNotExist", format!("State Machine Does Not Exist: '{}'", self.text))
    }

    /// Refuses ARNs of another account or region, where nothing of ours is, and those with a label.
    pub(super) fn here(self) -> Result<Self, ApiError> {
        match self.qualifier {
            _ if !self.here => Err(self.does_not_exist()),
            Some(Qualifier::Label(_)) => Err(labelled()),
            Some(Qualifier::Version(_) | Qualifier::Alias(_)) | None => Ok(self),
        }
    }

    /// The name, for operations on the machine itself: a version or an alias is no state machine to them.
    pub(super) fn unqualified(self) -> Result<&'a str, ApiError> {
        match self.here()? {
            Self { qualifier: None, name, .. } => Ok(name),
            qualified => Err(qualified.does_not_exist()),
        }
    }
}

/// The error of operations that do not take the ARN of a Distributed Map.
///
/// Source: API model, `ValidationExceptionReason`; the message is ours.
fn labelled() -> ApiError {
    ApiError::validation("This operation does not support state machine ARNs with a label")
        .with("reason", "API_DOES_NOT_SUPPORT_LABELED_ARNS")
}

/// Checks the ARN of a standard execution.
pub(crate) fn execution(text: &str, caller: &Caller<'_>) -> Result<(), ApiError> {
    let arn = parse(text, caller)?;
    match arn.kind {
        "execution" if arn.here && arn.rest.contains(':') => Ok(()),
        "execution" => Err(execution_does_not_exist(text)),
        kind => Err(wrong_kind(kind)),
    }
}

pub(crate) fn execution_does_not_exist(arn: &str) -> ApiError {
    ApiError::new("ExecutionDoesNotExist", format!("Execution Does Not Exist: '{arn}'"))
}

/// Reads the ARN of an activity: its name, or `None` where it is another account's or region's.
pub(super) fn activity<'a>(text: &'a str, caller: &Caller<'_>) -> Result<Option<&'a str>, ApiError> {
    let arn = parse(text, caller)?;
    match arn.kind {
        "activity" => Ok(arn.here.then_some(arn.rest)),
        kind => Err(wrong_kind(kind)),
    }
}

/// Checks a role's ARN. Whether the role exists is nobody's business here.
///
/// Source: rule `api-role` of the rule table.
pub(super) fn role(text: &str) -> Result<(), ApiError> {
    let mut parts = text.splitn(6, ':');
    let fixed = [Some("arn"), None, Some("iam"), Some(""), None];
    let head = fixed.iter().all(|fixed| parts.next().is_some_and(|part| fixed.is_none_or(|fixed| part == fixed)));
    match head && parts.next().is_some_and(|rest| rest.strip_prefix("role/").is_some_and(|name| !name.is_empty())) {
        true => Ok(()),
        false => Err(ApiError::new("InvalidArn", format!("Invalid Role Arn: '{text}'"))),
    }
}

/// Checks the characters of a name; its length is the API model's matter.
pub(super) fn name(text: &str) -> Result<(), ApiError> {
    match text.chars().any(is_forbidden) {
        false => Ok(()),
        true => Err(ApiError::new("InvalidName", format!("Invalid Name: '{text}'"))),
    }
}

fn is_forbidden(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || r##"<>{}[]?*"#%\^|~`$&,;:/"##.contains(character)
        || matches!(character, '\u{FFFE}' | '\u{FFFF}' | '\u{10FFFF}')
}
