//! Encryption with the customer's own keys: not ours to do.
//!
//! Whoever runs a host chooses the key of the table; a request that asks for another one is refused rather than ignored.
//!
//! Source: rule `api-encryption` of the rule table.

use super::error::ApiError;
use super::request::{Answer, Request};

/// Refuses what cannot be kept.
pub(super) fn check(request: &Request) -> Result<(), ApiError> {
    let asked = request.object("encryptionConfiguration");
    let own_key = asked.is_some_and(|asked| {
        asked.get("type").and_then(statewright_interpreter::Value::as_str) == Some("CUSTOMER_MANAGED_KMS_KEY")
    });
    match own_key {
        false => Ok(()),
        true => Err(ApiError::new(
            "InvalidEncryptionConfiguration",
            "Invalid Encryption Configuration: 'Customer managed keys are not supported: the table's own key encrypts everything'",
        )),
    }
}

/// The configuration that everything has.
pub(super) fn of_the_host() -> Answer {
    Answer::new().with("type", "AWS_OWNED_KEY")
}
