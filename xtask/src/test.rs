//! `cargo xtask test`: every test there is.

use std::process::{Command, ExitCode, Stdio};

use crate::components::{self, Components};
use crate::shell::{self, cargo, recorded, succeeds, verdict};

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(arguments.is_empty(), "test takes no arguments");
    let recorded = recorded();
    let mut failed = Vec::new();
    let mut skipped = Vec::new();
    let components = Components::start();
    for missing in &components.missing {
        eprintln!("a component is missing: {missing}");
    }
    if components::are_required() && !components.missing.is_empty() {
        failed.push("components");
    }
    let nextest = Command::new("cargo-nextest").arg("--version").output().is_ok_and(|output| output.status.success());
    let mut tests = if nextest {
        cargo(&["nextest", "run", "--workspace", "--no-fail-fast", "--status-level", "slow"])
    } else {
        cargo(&["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"])
    };
    components.tell(&mut tests);
    if let Some(folder) = &recorded {
        tests.env("STATEWRIGHT_RECORDED", folder);
    }
    match shell::jsonata_suite() {
        Some(folder) => drop(tests.env("STATEWRIGHT_JSONATA_SUITE", folder)),
        None => skipped.push("the official JSONata suite: STATEWRIGHT_JSONATA_SUITE names no folder of it"),
    }
    if !succeeds(&mut tests)? {
        failed.push("tests");
    }
    if !succeeds(&mut cargo(&["test", "--workspace", "--doc", "--quiet"]))? {
        failed.push("examples in the documentation");
    }
    // Without it, `components` has said so.
    if components::python().is_ok() && !emulates()? {
        failed.push("the host in an emulator");
    }
    match &recorded {
        Some(folder) if folder.is_dir() => {
            for (name, flags) in [
                ("conformance", [].as_slice()),
                ("conformance after crashes", &["--crash", "--no-variants"]),
                ("conformance of the engine", &["--host", "lambda", "--no-variants"]),
            ] {
                let mut flags: Vec<String> = flags.iter().map(|&flag: &&str| flag.to_owned()).collect();
                flags.push(folder.to_string_lossy().into_owned());
                eprintln!("→ {name}");
                if crate::conformance::run(&flags)? != ExitCode::SUCCESS {
                    failed.push(name);
                }
            }
        }
        // Where the recordings are promised, as in continuous integration, their absence is an error.
        Some(folder) => {
            eprintln!("there are no recorded executions in {}", folder.display());
            failed.push("conformance");
        }
        None => {
            skipped.push("conformance, and all else that needs recorded executions: STATEWRIGHT_RECORDED names no folder of them")
        }
    }
    if skipped.is_empty() && components.missing.is_empty() {
        println!("skipped: nothing");
    }
    for skip in &skipped {
        println!("SKIPPED {skip}");
    }
    for missing in &components.missing {
        println!("SKIPPED tests beside {missing}");
    }
    Ok(verdict(&failed))
}

/// Runs what README shows of the host, to the letter, and says whether its order has succeeded.
fn emulates() -> anyhow::Result<bool> {
    const COMMAND: &str = "cargo xtask emulate";
    anyhow::ensure!(std::fs::read_to_string(shell::root().join("README.md"))?.contains(COMMAND), "README.md has no `{COMMAND}`");
    eprintln!("→ {COMMAND}");
    let output = cargo(&["xtask", "emulate"]).stderr(Stdio::inherit()).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let is_sound = output.status.success() && said.contains(r#""status": "SUCCEEDED""#) && said.contains(r#""trackingNumber""#);
    if !is_sound {
        eprintln!("{said}");
    }
    Ok(is_sound)
}

/// `cargo xtask jsonata-differential [--cases N] [--seed S]`: our JSONata and another engine on generated expressions.
pub(crate) fn jsonata_differential(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let mut differential =
        cargo(&["test", "--quiet", "--package", "statewright-jsonata", "--test", "differential", "--", "--nocapture"]);
    differential.env("STATEWRIGHT_DIFFERENTIAL_CASES", "200000");
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--cases" => {
                differential.env("STATEWRIGHT_DIFFERENTIAL_CASES", value.parse::<u64>()?.to_string())
            }
            [name, value] if name == "--seed" => {
                differential.env("STATEWRIGHT_DIFFERENTIAL_SEED", value.parse::<u64>()?.to_string())
            }
            _ => anyhow::bail!("jsonata-differential takes --cases N and --seed S"),
        };
    }
    Ok(if succeeds(&mut differential)? { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// `cargo xtask jsonata-suite [DIR]`: passed, listed and failed by group.
pub(crate) fn jsonata_suite(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let folder = match arguments {
        [] => shell::jsonata_suite(),
        [folder] => Some(std::path::absolute(folder)?),
        _ => anyhow::bail!("jsonata-suite takes one folder"),
    };
    let Some(folder) = folder.filter(|folder| folder.is_dir()) else {
        eprintln!("jsonata-suite: no folder: name one, or set STATEWRIGHT_JSONATA_SUITE");
        return Ok(ExitCode::from(2));
    };
    let mut suite = cargo(&["test", "--quiet", "--package", "statewright-jsonata", "--test", "suite", "--", "--nocapture"]);
    suite.env("STATEWRIGHT_JSONATA_SUITE", folder);
    Ok(if succeeds(&mut suite)? { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
