//! Running other programs.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Context;
use statewright_tests::conformance::load_dir;

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map_or(manifest.clone(), PathBuf::from)
}

/// The folder that cargo builds in.
pub(crate) fn target() -> PathBuf {
    let named = std::env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    // Cargo takes a relative target folder from where it is called; for us that is the workspace.
    root().join(named.unwrap_or_else(|| "target".into()))
}

/// The folder of recorded executions: the environment's `STATEWRIGHT_RECORDED`, or `shared/aws-recorded` beside this checkout.
pub(crate) fn recorded() -> Option<PathBuf> {
    let beside = root().parent().map(|parent| parent.join("shared/aws-recorded"));
    load_dir().or_else(|| beside.filter(|beside| beside.is_dir()))
}

/// The folder of the official JSONata suite: the environment's `STATEWRIGHT_JSONATA_SUITE`, or `shared/jsonata-suite` beside this
/// checkout.
pub(crate) fn jsonata_suite() -> Option<PathBuf> {
    let named = std::env::var_os("STATEWRIGHT_JSONATA_SUITE").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let beside = root().parent().map(|parent| parent.join("shared/jsonata-suite"));
    named.or_else(|| beside.filter(|beside| beside.is_dir()))
}

/// A call of cargo in the workspace's folder.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Runs `command` and says whether it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> anyhow::Result<bool> {
    let shown = format!("{} {}", command.get_program().display(), shown(command));
    eprintln!("→ {shown}");
    Ok(command.status().with_context(|| format!("cannot run {shown}"))?.success())
}

fn shown(command: &Command) -> String {
    command.get_args().map(|argument| argument.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// The exit code for steps of which each has succeeded or failed.
pub(crate) fn verdict(failed: &[&str]) -> ExitCode {
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("failed: {}", failed.join(", "));
    ExitCode::from(1)
}
