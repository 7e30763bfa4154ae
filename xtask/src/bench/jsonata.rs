//! `cargo xtask bench jsonata`: fetches the npm engine once and runs `interpreter/jsonata/benches/peers.rs` with it.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::shell::{cargo, root, succeeds};

/// The version that Step Functions names as its own.
const VERSION: &str = "2.0.6";

pub(super) fn run() -> anyhow::Result<ExitCode> {
    let mut bench = cargo(&["bench", "--quiet", "--package", "statewright-jsonata", "--bench", "peers"]);
    match npm_package()? {
        Some(package) => {
            bench.arg("--").arg(package);
        }
        None => eprintln!("bench: no npm package without node and npm: that column stays empty"),
    }
    Ok(if succeeds(&mut bench)? { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// `cargo xtask bench runaway`: what stops how soon.
pub(super) fn runaway() -> anyhow::Result<ExitCode> {
    let mut bench = cargo(&["bench", "--quiet", "--package", "statewright-jsonata", "--bench", "runaway"]);
    Ok(if succeeds(&mut bench)? { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The folder of the npm engine, which is fetched if it is not there yet; `None` where npm cannot be run.
fn npm_package() -> anyhow::Result<Option<PathBuf>> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let folder = target.join("npm");
    let package = folder.join("node_modules/jsonata");
    if is_installed(&package) {
        return Ok(Some(package));
    }
    std::fs::create_dir_all(&folder)?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--prefix"]);
    npm.arg(&folder).arg(format!("jsonata@{VERSION}"));
    Ok(succeeds(&mut npm).is_ok_and(|installed| installed).then_some(package))
}

fn is_installed(package: &Path) -> bool {
    let manifest = std::fs::read(package.join("package.json")).unwrap_or_default();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap_or_default();
    manifest.get("version").and_then(serde_json::Value::as_str) == Some(VERSION)
}
