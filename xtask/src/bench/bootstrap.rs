//! `cargo xtask bench bootstrap`: what the functions' program weighs, what it runs on, and what memory it takes.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Context as _;

use crate::components::Components;
use crate::shell::{cargo, succeeds};

const MEGABYTE: f64 = 1024.0 * 1024.0;
/// The C library of Lambda's `provided.al2023`. Source: Amazon Linux 2023 user guide, "Core glibc".
const C_LIBRARY: (u32, u32) = (2, 34);

pub(super) fn run() -> anyhow::Result<ExitCode> {
    anyhow::ensure!(succeeds(&mut cargo(&["build", "--release", "--package", "statewright-lambda"]))?, "it does not build");
    let program = crate::shell::target().join("release/bootstrap");
    let zipped = zipped(&program)? / MEGABYTE;
    let needed = needed(&program)?;
    let components = Components::start_table();
    let mut measured = cargo(&["run", "--quiet", "--profile", "counted", "--package", "xtask-cost", "--", "memory"]);
    components.tell(&mut measured);
    let output = measured.stderr(std::process::Stdio::inherit()).output()?;
    let memory: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().context("memory was not measured")?;
    let memory = memory / MEGABYTE;
    println!("| bootstrap | | must |\n|---|--:|--:|");
    println!("| zipped, MB | {zipped:.2} | < 6 |");
    println!("| oldest GLIBC | {}.{} | ≤ {}.{} |", needed.0, needed.1, C_LIBRARY.0, C_LIBRARY.1);
    println!("| peak memory at a batch of ten, MB | {memory:.1} | < 64 |");
    let is_well = zipped < 6.0 && needed <= C_LIBRARY && memory < 64.0;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Bytes of the program in an archive, as it is uploaded.
fn zipped(program: &Path) -> anyhow::Result<f64> {
    let archive = program.with_extension("zip");
    let made = succeeds(Command::new("python3").args(["-m", "zipfile", "-c"]).arg(&archive).arg(program))?;
    anyhow::ensure!(made, "python3 made no archive");
    Ok(std::fs::metadata(&archive)?.len() as f64)
}

/// The newest version of the C library that the program asks for.
fn needed(program: &Path) -> anyhow::Result<(u32, u32)> {
    let output = Command::new("objdump").arg("-T").arg(program).output().context("objdump, of binutils")?;
    let symbols = String::from_utf8_lossy(&output.stdout).into_owned();
    let versions = symbols.split("GLIBC_").skip(1).filter_map(|rest| {
        let mut numbers = rest.split(|letter: char| !letter.is_ascii_digit()).map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    });
    versions.max().context("it asks for no C library")
}
