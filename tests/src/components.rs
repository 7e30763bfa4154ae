//! What a test runs against besides our own code. `cargo xtask test` starts it and says by the environment where it is; so does
//! `cargo xtask with COMMAND`.

use std::io::Write;

/// A DynamoDB: `STATEWRIGHT_DYNAMODB_ENDPOINT`.
#[must_use]
pub fn dynamodb() -> Option<String> {
    named("STATEWRIGHT_DYNAMODB_ENDPOINT")
}

/// An emulator of more of AWS: `STATEWRIGHT_AWS_ENDPOINT`.
#[must_use]
pub fn aws() -> Option<String> {
    named("STATEWRIGHT_AWS_ENDPOINT")
}

/// A Python that has boto3, with `aws` and `cfn-lint` beside it: `STATEWRIGHT_PYTHON`.
#[must_use]
pub fn python() -> Option<String> {
    named("STATEWRIGHT_PYTHON")
}

/// What the environment says of a component. Without it the test that asks has nothing to do; that is said where it is seen.
///
/// # Panics
/// In continuous integration, where every component must be there.
fn named(variable: &str) -> Option<String> {
    let named = std::env::var(variable).ok().filter(|value| !value.is_empty());
    if named.is_none() {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "{variable} is not set, and in continuous integration nothing is skipped"
        );
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        // Not by `eprintln!`, which a test that passes is not heard with.
        writeln!(std::io::stderr(), "SKIPPED {test}: {variable} is not set; `cargo xtask test` sets it").ok();
    }
    named
}
