//! `cargo xtask emulate`: the serverless host in an emulator of AWS, for people to see.

use std::process::{Command, ExitCode};

use crate::components;
use crate::shell::{cargo, root, succeeds, target};

/// `cargo xtask emulate [--stay]`: deploys the template and runs one order by the AWS command line.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(matches!(arguments, [] | [_]) && arguments.iter().all(|one| one == "--stay"), "emulate takes --stay only");
    let python = components::python()?;
    anyhow::ensure!(
        succeeds(&mut cargo(&["build", "--package", "statewright-lambda", "--bin", "bootstrap"]))?,
        "the functions' program could not be built"
    );
    let mut emulate = Command::new(python);
    emulate.arg(root().join("tests/end_to_end")).arg("emulate").arg(target().join("debug/bootstrap")).args(arguments);
    Ok(if succeeds(&mut emulate)? { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
