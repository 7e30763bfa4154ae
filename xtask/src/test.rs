//! `cargo xtask test`: every test there is.

use std::process::{Command, ExitCode};

use statewright_tests::conformance::load_dir;

use crate::shell::{cargo, succeeds, verdict};

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(arguments.is_empty(), "test takes no arguments");
    let recorded = load_dir();
    let mut failed = Vec::new();
    let mut skipped = Vec::new();
    // The samples and the command line are tested on the binary as it is used.
    let nextest = Command::new("cargo-nextest").arg("--version").output().is_ok_and(|output| output.status.success());
    let mut tests = if nextest {
        cargo(&["nextest", "run", "--workspace", "--no-fail-fast", "--status-level", "slow"])
    } else {
        cargo(&["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"])
    };
    if !succeeds(&mut tests)? {
        failed.push("tests");
    }
    if !succeeds(&mut cargo(&["test", "--workspace", "--doc", "--quiet"]))? {
        failed.push("examples in the documentation");
    }
    match &recorded {
        None => skipped.push("conformance: STATEWRIGHT_RECORDED names no folder of recorded executions"),
        Some(_) => {
            for (name, flags) in [("conformance", [].as_slice()), ("conformance after crashes", &["--crash", "--no-variants"])] {
                let flags: Vec<String> = flags.iter().map(|&flag: &&str| flag.to_owned()).collect();
                eprintln!("→ {name}");
                if crate::conformance::run(&flags)? != ExitCode::SUCCESS {
                    failed.push(name);
                }
            }
        }
    }
    // Where the recordings are promised, as in continuous integration, their absence is an error.
    let promised = std::env::var_os("STATEWRIGHT_RECORDED").is_some();
    if promised && recorded.is_none() {
        failed.push("the recorded executions are missing");
    }
    if skipped.is_empty() {
        println!("skipped: nothing");
    }
    for skip in &skipped {
        println!("SKIPPED {skip}");
    }
    Ok(verdict(&failed))
}
