//! `cargo xtask check`: what a change must pass besides the tests.

use std::process::ExitCode;

use anyhow::Context;
use serde_json::Value;

use crate::shell::{cargo, succeeds, verdict};

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(arguments.is_empty(), "check takes no arguments");
    let mut failed = Vec::new();
    let mut documentation = cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
    documentation.env("RUSTDOCFLAGS", "-D warnings");
    let steps = [
        ("format", cargo(&["fmt", "--all", "--check"])),
        ("clippy", cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])),
        ("documentation", documentation),
    ];
    for (name, mut command) in steps {
        if !succeeds(&mut command)? {
            failed.push(name);
        }
    }
    let metadata = metadata()?;
    for complaint in impure_dependencies(&metadata).into_iter().chain(licences(&metadata)).chain(unwanted(&metadata)) {
        eprintln!("{complaint}");
        failed.push("dependencies");
    }
    failed.dedup();
    Ok(verdict(&failed))
}

/// What the interpreter's crates may depend on. Each is argued for in the manifest.
const INTERPRETER_MAY_USE: &[&str] = &[
    "base64",
    "hashbrown",
    "md-5",
    "regex-lite",
    "saphyr-parser",
    "serde",
    "serde_json",
    "sha1",
    "sha2",
    "smallvec",
    "statewright-jsonata",
    "statewright-value",
    "thiserror",
    "unicode-ident",
];

/// Licences that go with ours.
const LICENCES: &[&str] =
    &["Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Unicode-3.0", "Zlib", "0BSD", "Unlicense", "CC0-1.0", "BSL-1.0"];

fn metadata() -> anyhow::Result<Value> {
    let output = cargo(&["metadata", "--format-version", "1", "--locked"]).output().context("cannot run cargo metadata")?;
    anyhow::ensure!(output.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).context("cargo metadata prints no JSON")
}

fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata.get("packages").and_then(Value::as_array).into_iter().flatten()
}

fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

fn impure_dependencies(metadata: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in packages(metadata) {
        let name = text(package, "name");
        if !matches!(name, "statewright-interpreter" | "statewright-jsonata" | "statewright-value") {
            continue;
        }
        let dependencies = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
        for dependency in dependencies.filter(|dependency| dependency.get("kind").is_none_or(Value::is_null)) {
            let used = text(dependency, "name");
            if !INTERPRETER_MAY_USE.contains(&used) {
                complaints.push(format!("{name} depends on {used}: the interpreter is pure and its dependencies are few"));
            }
        }
    }
    complaints
}

/// What must not come back through a default feature somewhere: `aws-lc-sys` and `openssl-sys` build C with cmake and perl for minutes,
/// and are a second stack for TLS beside rustls with ring.
const UNWANTED: &[&str] = &["aws-lc-sys", "openssl-sys"];

fn unwanted(metadata: &Value) -> Vec<String> {
    let packages = packages(metadata).map(|package| text(package, "name")).filter(|name| UNWANTED.contains(name));
    packages.map(|name| format!("{name} is among the dependencies: `cargo tree -i {name} -e features` says through whom")).collect()
}

fn licences(metadata: &Value) -> Vec<String> {
    let fits = |expression: &str| {
        // An expression of alternatives needs one that fits, one of conditions all of them.
        expression.split(" AND ").all(|part| {
            let alternatives = part.trim_matches(['(', ')']).split(" OR ").flat_map(|part| part.split('/'));
            alternatives
                .map(|licence| licence.trim_matches(['(', ')', ' ']))
                .any(|licence| LICENCES.contains(&licence.split(" WITH ").next().unwrap_or(licence)))
        })
    };
    packages(metadata)
        .filter(|package| !fits(text(package, "license")))
        .map(|package| format!("{} has the licence `{}`", text(package, "name"), text(package, "license")))
        .collect()
}
