//! Fetching the components, once for each version.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::shell::{cargo, succeeds};

const DYNOXIDE: &str = "3.2.0";

/// Every package in the version that was tried; `pip freeze` of an environment with `ministack[full]`, `boto3`, `awscli` and `cfn-lint`.
/// ministack's translator of SAM templates holds boto3 below 1.44.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The program `dynoxide`: DynamoDB with its conditions, its limits and its count of capacity, on SQLite.
pub(super) fn dynoxide() -> anyhow::Result<PathBuf> {
    let root = super::tools().join(format!("dynoxide-{DYNOXIDE}"));
    let program = root.join("bin/dynoxide");
    let _lock = lock()?;
    if program.is_file() {
        return Ok(program);
    }
    eprintln!("→ dynoxide {DYNOXIDE} is built, once: a minute or two");
    let build = super::tools().join("build");
    let mut install = cargo(&["install", "dynoxide-rs", "--version", DYNOXIDE, "--locked", "--no-default-features"]);
    // Without `cli` nothing would be installed; the defaults bring servers that no test asks.
    install.args(["--features", "native-sqlite,http-server,cli", "--root"]).arg(&root);
    install.env("CARGO_TARGET_DIR", &build);
    // Tests want it soon, not fast.
    for (setting, value) in [("LTO", "off"), ("OPT_LEVEL", "1"), ("CODEGEN_UNITS", "16"), ("DEBUG", "0")] {
        install.env(format!("CARGO_PROFILE_RELEASE_{setting}"), value);
    }
    anyhow::ensure!(succeeds(&mut install)?, "it could not be built");
    // What it was built from is never needed again; what stays only takes room.
    fs::remove_dir_all(&build).ok();
    Ok(program)
}

/// The folder of a Python environment with the emulator `ministack` and AWS's own clients.
pub(super) fn python() -> anyhow::Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    REQUIREMENTS.hash(&mut hasher);
    let folder = super::tools().join(format!("python-{:016x}", hasher.finish()));
    let complete = folder.join("complete");
    let _lock = lock()?;
    if complete.is_file() {
        return Ok(folder);
    }
    eprintln!("→ Python packages are fetched, once: a minute or two");
    let requirements = super::tools().join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS)?;
    anyhow::ensure!(
        succeeds(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?,
        "no environment could be made"
    );
    let mut install = Command::new(folder.join("bin/pip"));
    install
        .args(["install", "--no-input", "--disable-pip-version-check", "--only-binary", ":all:", "--requirement"])
        .arg(requirements);
    anyhow::ensure!(succeeds(&mut install)?, "they could not be installed");
    fs::write(complete, "")?;
    Ok(folder)
}

/// Holds others off who would fetch into the same folder at the same time, until it is dropped.
fn lock() -> anyhow::Result<File> {
    let tools = super::tools();
    fs::create_dir_all(&tools).with_context(|| format!("cannot make {}", tools.display()))?;
    let file = open(&tools.join("lock"))?;
    file.lock().context("cannot lock the folder of components")?;
    Ok(file)
}

fn open(path: &Path) -> anyhow::Result<File> {
    File::create(path).with_context(|| format!("cannot make {}", path.display()))
}
