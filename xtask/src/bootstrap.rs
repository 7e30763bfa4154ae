//! `cargo xtask bootstrap`: builds the program of a deployment's functions, and puts it where the template looks for it.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Context as _;

use crate::shell::{cargo, root, succeeds, target};

/// The C library of Lambda's `provided.al2023`. Source: Amazon Linux 2023 user guide, "Core glibc".
pub(crate) const C_LIBRARY: (u32, u32) = (2, 34);

/// A processor, as the template calls it.
struct Architecture {
    name: &'static str,
    target: &'static str,
    /// What it is linked with elsewhere: cargo's variable for it, the program, and the package of Debian that has it.
    linker: (&'static str, &'static str, &'static str),
}

const ARCHITECTURES: [Architecture; 2] = [
    Architecture {
        name: "arm64",
        target: "aarch64-unknown-linux-gnu",
        linker: ("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"),
    },
    Architecture {
        name: "x86_64",
        target: "x86_64-unknown-linux-gnu",
        linker: ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER", "x86_64-linux-gnu-gcc", "gcc-x86-64-linux-gnu"),
    },
];

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let own = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let asked = match *words {
        [] => own,
        ["--architecture", name] => name,
        _ => anyhow::bail!("bootstrap takes nothing but --architecture arm64 or --architecture x86_64"),
    };
    let architecture = ARCHITECTURES.iter().find(|known| known.name == asked);
    let architecture = architecture.with_context(|| format!("`{asked}` is no architecture of Lambda: arm64 or x86_64"))?;
    anyhow::ensure!(
        cfg!(target_os = "linux"),
        "functions run on Linux, and bootstrap is built on Linux: in a container, a virtual machine, or a workflow of CI"
    );
    let is_own = architecture.name == own;
    let program = if is_own { build(None)? } else { build(Some(architecture))? };
    let objdump = if is_own { "objdump".to_owned() } else { architecture.linker.1.replace("-gcc", "-objdump") };
    let needed = needed(&program, &objdump)?;
    anyhow::ensure!(
        needed <= C_LIBRARY,
        "it asks for GLIBC {}.{}, and Lambda has {}.{}: build it on an older Linux, such as Amazon Linux 2023 or Debian 12",
        needed.0,
        needed.1,
        C_LIBRARY.0,
        C_LIBRARY.1
    );
    let folder = root().join("infra/bootstrap");
    std::fs::create_dir_all(&folder).with_context(|| format!("`{}` cannot be made", folder.display()))?;
    let place = folder.join("bootstrap");
    std::fs::copy(&program, &place).with_context(|| format!("`{}` cannot be written", place.display()))?;
    println!("{}: {}, GLIBC {}.{} or later", place.display(), architecture.name, needed.0, needed.1);
    Ok(ExitCode::SUCCESS)
}

/// Builds the program, for this machine or another.
fn build(other: Option<&Architecture>) -> anyhow::Result<PathBuf> {
    let mut build = cargo(&["build", "--release", "--package", "statewright-lambda", "--bin", "bootstrap"]);
    let Some(Architecture { target: triple, linker: (variable, linker, package), .. }) = other else {
        anyhow::ensure!(succeeds(&mut build)?, "it does not build");
        return Ok(target().join("release/bootstrap"));
    };
    build.args(["--target", triple]);
    if std::env::var_os(variable).is_none() {
        build.env(variable, linker);
    }
    anyhow::ensure!(
        succeeds(&mut build)?,
        "it does not build; it takes `rustup target add {triple}` and `{linker}`, on Debian and Ubuntu the package {package}"
    );
    Ok(target().join(triple).join("release/bootstrap"))
}

/// The newest version of the C library that a program asks for.
pub(crate) fn needed(program: &Path, objdump: &str) -> anyhow::Result<(u32, u32)> {
    let output = Command::new(objdump).arg("-T").arg(program).output();
    let output = output.with_context(|| format!("`{objdump}` is not there, which is of binutils"))?;
    newest(&String::from_utf8_lossy(&output.stdout)).with_context(|| format!("`{}` asks for no C library", program.display()))
}

/// The newest version in a table of symbols.
fn newest(symbols: &str) -> Option<(u32, u32)> {
    let versions = symbols.split("GLIBC_").skip(1).filter_map(|rest| {
        let mut numbers = rest.split(|letter: char| !letter.is_ascii_digit()).map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    });
    versions.max()
}

#[cfg(test)]
mod tests {
    #[test]
    fn versions_are_compared_as_numbers() {
        let table = "DF *UND* 0 (GLIBC_2.9) pipe2\nDF *UND* 0 (GLIBC_2.34) __libc_start_main\nDO *UND* 0 (GLIBC_2.2.5) environ\n";
        assert_eq!(super::newest(table), Some((2, 34)));
        assert_eq!(super::newest("no symbols"), None);
    }
}
