//! `cargo xtask mutants`: do the tests notice when the code is changed?
//!
//! cargo-mutants thinks of the changes. It would try each against the tests of the changed crate alone; the rules of the language
//! are tested from outside it, so here each is made in a copy of the tree and tried against both.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::shell::{cargo, root};

/// Where the rules of the language are evaluated.
const FILES: [&str; 14] = [
    "path.rs",
    "path/*.rs",
    "json_path/*.rs",
    "intrinsic/*.rs",
    "template.rs",
    "java_hash.rs",
    "definition/choice.rs",
    "execution/states/choice.rs",
    "execution/data_flow.rs",
    "execution/failure.rs",
    "execution/retry.rs",
    "execution/record.rs",
    "history.rs",
    "history/*.rs",
];

/// The tests, with what is in the paths of the files that they know best: those are tried first. They need no recorded executions and
/// are the same each time.
const SUITES: [(&str, &[&str]); 6] = [
    ("intrinsic/", &["-p", "statewright-interpreter", "--test", "intrinsics"]),
    ("template", &["-p", "statewright-interpreter", "--test", "templates"]),
    ("path", &["-p", "statewright-interpreter", "--lib"]),
    ("json_path/", &["-p", "statewright-interpreter", "--test", "json_path"]),
    ("", &["-p", "statewright-tests", "--test", "rules"]),
    ("definition/", &["-p", "statewright-interpreter", "--test", "definitions"]),
];

/// The rule table's own tests read the sources: a mutant that took a comment away is nothing that a user would notice.
const SKIPPED: &str = "table::";

/// Tests take some seconds and little memory; what takes more of the processor's time never ends. In seconds and KiB.
const LIMITS: &str = "ulimit -t 15 && ulimit -v 8388608";

/// What a run must kill of every hundred viable mutants.
const KILLED_PERCENT_MIN: usize = 90;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Killed,
    Survived,
    /// It does not compile.
    Unviable,
}

struct Mutant {
    /// Its place and what it changes, in the words of cargo-mutants.
    name: String,
    file: String,
    changed: String,
    /// The line that is changed, as it was.
    line: String,
}

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let mutants = list(arguments)?;
    // Runs of several shards may go on beside each other.
    let shard = arguments.iter().skip_while(|argument| *argument != "--shard").nth(1).map_or("whole", |shard| shard);
    let folder = root().join("target/mutants").join(shard.replace('/', "-of-"));
    let tree = Tree::copy(&folder)?;
    ensure!(tree.outcome("")? == Outcome::Survived, "the tests fail before anything is changed");

    let mut tried = Vec::new();
    for mutant in &mutants {
        let outcome = tree.outcome_of(mutant)?;
        println!("{outcome:?} {}", mutant.name);
        tried.push((mutant, outcome));
    }
    println!("\nSurvivors, with the line as it was");
    for (Mutant { name, line, .. }, _) in tried.iter().filter(|(_, outcome)| *outcome == Outcome::Survived) {
        println!("  {name}\n      {line}");
    }
    println!("\n  killed  survived  unviable");
    let count = |file: &str| {
        [Outcome::Killed, Outcome::Survived, Outcome::Unviable]
            .map(|wanted| tried.iter().filter(|(mutant, outcome)| mutant.file.starts_with(file) && *outcome == wanted).count())
    };
    for file in mutants.iter().map(|mutant| &*mutant.file).collect::<BTreeSet<_>>() {
        let [killed, survived, unviable] = count(file);
        println!("{killed:8}{survived:10}{unviable:10}  {file}");
    }
    let [killed, survived, unviable] = count("");
    let viable = killed + survived;
    println!("{killed:8}{survived:10}{unviable:10}  together: {killed} of {viable} viable mutants killed");
    Ok(ExitCode::from(u8::from(killed * 100 < viable * KILLED_PERCENT_MIN)))
}

/// What cargo-mutants would change, with these options of its own.
fn list(arguments: &[String]) -> anyhow::Result<Vec<Mutant>> {
    let mut list = cargo(&["mutants", "--package", "statewright-interpreter", "--list", "--json"]);
    list.args(arguments);
    if !arguments.iter().any(|argument| argument.starts_with("--file")) {
        list.args(FILES.map(|file| format!("--file=interpreter/src/{file}")));
    }
    let listed = list.stderr(Stdio::inherit()).output()?;
    ensure!(listed.status.success(), "cargo mutants lists nothing; is it there? cargo install cargo-mutants --locked");
    let listed: Vec<Value> = serde_json::from_slice(&listed.stdout)?;
    listed.iter().map(|mutant| read(mutant).with_context(|| format!("what does cargo mutants mean by {mutant}?"))).collect()
}

fn read(mutant: &Value) -> Option<Mutant> {
    let text = |name: &str| mutant.get(name)?.as_str().map(str::to_owned);
    let number = |pointer: &str| usize::try_from(mutant.pointer(pointer)?.as_u64()?).ok();
    let file = text("file")?;
    let before = fs::read_to_string(root().join(&file)).ok()?;
    let first_line = number("/span/start/line")?;
    let start = offset(&before, first_line, number("/span/start/column")?)?;
    let end = offset(&before, number("/span/end/line")?, number("/span/end/column")?)?;
    let changed = [before.get(..start)?, &text("replacement")?, before.get(end..)?].concat();
    let line = before.lines().nth(first_line - 1)?.trim().to_owned();
    Some(Mutant { name: text("name")?, file, changed, line })
}

/// The byte at a line and a column, which are counted from 1 in characters.
fn offset(text: &str, line: usize, column: usize) -> Option<usize> {
    let start: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    Some(start + text.get(start..)?.chars().take(column.checked_sub(1)?).map(char::len_utf8).sum::<usize>())
}

/// A copy of the workspace, in which the files may be changed.
struct Tree {
    sources: PathBuf,
    target: PathBuf,
}

impl Tree {
    fn copy(folder: &Path) -> anyhow::Result<Self> {
        let tree = Self { sources: folder.join("tree"), target: folder.join("target") };
        let files = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root())
            .output()
            .context("cannot run git")?;
        for file in String::from_utf8(files.stdout)?.split_terminator('\0').filter(|file| root().join(file).is_file()) {
            let copy = tree.sources.join(file);
            let text = fs::read(root().join(file))?;
            // What has not changed is not built again.
            if fs::read(&copy).ok().as_ref() != Some(&text) {
                copy.parent().map_or(Ok(()), fs::create_dir_all)?;
                fs::write(copy, text)?;
            }
        }
        Ok(tree)
    }

    fn outcome_of(&self, mutant: &Mutant) -> anyhow::Result<Outcome> {
        let file = self.sources.join(&mutant.file);
        let before = fs::read(&file)?;
        fs::write(&file, &mutant.changed)?;
        let outcome = self.outcome(&mutant.file);
        fs::write(&file, before)?;
        outcome
    }

    /// What the tests say of the tree as it is, those of `file` first.
    fn outcome(&self, file: &str) -> anyhow::Result<Outcome> {
        let mut suites = SUITES;
        suites.sort_by_key(|(known, _)| !file.contains(known));
        for (_, suite) in suites {
            let Some(executables) = self.build(suite)? else { return Ok(Outcome::Unviable) };
            for executable in executables {
                if !self.passes(&executable)? {
                    return Ok(Outcome::Killed);
                }
            }
        }
        Ok(Outcome::Survived)
    }

    /// The executables of these tests with the folders of their packages; `None` when they do not compile.
    fn build(&self, suite: &[&str]) -> anyhow::Result<Option<Vec<(PathBuf, PathBuf)>>> {
        let mut build = cargo(&["test", "--quiet", "--no-run", "--message-format=json"]);
        build.args(suite).current_dir(&self.sources).env("CARGO_TARGET_DIR", &self.target);
        for profile in ["DEV", "TEST"] {
            build.env(format!("CARGO_PROFILE_{profile}_DEBUG"), "0").env(format!("CARGO_PROFILE_{profile}_INCREMENTAL"), "true");
        }
        let built = build.stderr(Stdio::null()).output()?;
        let messages = String::from_utf8(built.stdout)?;
        let messages = messages.lines().map(serde_json::from_str::<Value>).collect::<Result<Vec<_>, _>>()?;
        if !built.status.success() {
            // The compiler's own errors have codes; those of a linker have none, and say nothing about the code.
            let is_code = |message: &Value| {
                message.pointer("/message/level") == Some(&Value::from("error")) && message.pointer("/message/code/code").is_some()
            };
            ensure!(messages.iter().any(is_code), "a build fails, and not for the code: is {} whole?", self.target.display());
            return Ok(None);
        }
        let mut executables = Vec::new();
        for message in messages {
            let named = |name| message.get(name).and_then(Value::as_str).map(PathBuf::from);
            if let (Some(executable), Some(manifest)) = (named("executable"), named("manifest_path")) {
                executables.push((executable, manifest.parent().map_or(self.sources.clone(), Path::to_owned)));
            }
        }
        if executables.is_empty() {
            bail!("cargo names no tests of {suite:?}");
        }
        Ok(Some(executables))
    }

    fn passes(&self, (executable, package): &(PathBuf, PathBuf)) -> anyhow::Result<bool> {
        let mut test = Command::new("sh");
        test.args(["-c", &format!("{LIMITS} && exec \"$0\" --quiet --skip {SKIPPED}")]).arg(executable).current_dir(package);
        let test = test.env("INSTA_UPDATE", "no").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(test.status()?.success())
    }
}
