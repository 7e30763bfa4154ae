//! `cargo xtask cost`: what executions cost, counted; `cargo xtask bench host`: what the host does, in ratios.

use std::process::ExitCode;

use crate::components::Components;
use crate::shell::{cargo, succeeds};

const BUILD: [&str; 6] = ["run", "--quiet", "--profile", "counted", "--package", "xtask-cost"];

/// Runs the reference workloads on a table of the emulator, and prints what they cost.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let components = Components::start_table();
    anyhow::ensure!(components.missing.is_empty(), "what is missing: {}", components.missing.join("; "));
    let mut command = cargo(&BUILD);
    components.tell(command.arg("--").args(arguments));
    Ok(if succeeds(&mut command)? { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Measures the host over a table in memory.
pub(crate) fn bench_host() -> anyhow::Result<ExitCode> {
    Ok(if succeeds(cargo(&BUILD).args(["--", "host"]))? { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
