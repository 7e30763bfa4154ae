//! The functions of a deployment, end to end: `tests/end_to_end` deploys the template into an emulator of AWS and uses it by boto3.

use std::process::Command;

use statewright_tests::components;

#[test]
fn a_deployment_does_what_people_expect_of_it() {
    let Some(python) = components::python() else { return };
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/end_to_end")).args(["test", env!("CARGO_BIN_EXE_bootstrap")]);
    // It has an emulator of its own, and clients that nobody's settings reach.
    command.env_remove("AWS_PROFILE").env_remove("AWS_SESSION_TOKEN").env_remove("AWS_ENDPOINT_URL");
    let status = command.status().expect("Python runs");
    assert!(status.success(), "see above: {status}");
}
