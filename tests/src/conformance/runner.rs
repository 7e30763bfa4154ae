//! Runs every case of a folder through a [`Subject`] and says how it went.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::calls::{Replayed, Session, replay, replay_express};
use super::case::{Case, Kind, case_files, load_file};
use super::compare::{Difference, compare_execution};
use super::known::KnownDifferences;
use super::matching::{Memory, Rules};
use super::plan::{EXPRESS, Expectation, Run, expectation, plan};
use super::variant::{Variant, variant};
use super::{Observed, Refusal, Subject};

/// How to run a folder.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to leave the produced histories, one JSON file an execution.
    pub write: Option<PathBuf>,
    /// Whether to run each case in its renamed variant, too.
    pub variants: bool,
    /// Only cases whose id or module contains this.
    pub filter: Option<String>,
    /// The list of known differences; a file that is not there is an empty list.
    pub known: PathBuf,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            write: None,
            variants: false,
            filter: None,
            known: Path::new(env!("CARGO_MANIFEST_DIR")).join("known-differences.toml"),
        }
    }
}

/// How one execution went.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It agrees with the recording.
    Passed,
    /// It differs, and every difference is listed as known.
    Listed,
    /// The interpreter does not do this yet, or the recording does not suffice: why.
    NotYet(String),
    /// It differs, was refused or could not be run: a report in prose.
    Failed(String),
}

/// One execution of one case, and how it went.
#[derive(Clone, Debug)]
pub struct ExecutionResult {
    /// The case's `id`.
    pub case: String,
    /// The folder the case lies in.
    pub module: String,
    /// The number of the execution in the case.
    pub execution: usize,
    /// Whether this is the renamed variant.
    pub variant: bool,
    /// How it went.
    pub verdict: Verdict,
    /// Where it differs, listed or not.
    pub differences: Vec<Difference>,
}

/// The calls of one case, and how they went.
#[derive(Clone, Debug)]
pub struct CallsResult {
    /// The case's `id`.
    pub case: String,
    /// The folder the case lies in.
    pub module: String,
    /// How they went.
    pub verdict: Verdict,
    /// Where they differ, listed or not.
    pub differences: Vec<Difference>,
}

/// How many executions, or cases of calls, went how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// They agree.
    pub passed: usize,
    /// They differ as listed.
    pub listed: usize,
    /// They are not done yet.
    pub not_yet: usize,
    /// They differ, or were refused.
    pub failed: usize,
}

impl Tally {
    fn add(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Listed => self.listed += 1,
            Verdict::NotYet(_) => self.not_yet += 1,
            Verdict::Failed(_) => self.failed += 1,
        }
    }
}

/// How a folder went. Printing it gives the failures, the notes and a table.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Every execution, in the order of the files; a variant follows its original.
    pub results: Vec<ExecutionResult>,
    /// Every case of calls of the API, in the order of the files.
    pub calls: Vec<CallsResult>,
    /// What kept the run from being one: a folder or a file that cannot be read.
    pub errors: Vec<String>,
    /// Entries of the list of known differences that did not apply exactly once.
    pub wrong_entries: Vec<String>,
    /// How many names were changed in renamed variants.
    pub renamed: usize,
    /// How many names stayed there, because they stand in a place that was not understood.
    pub not_renamed: usize,
    /// What a reader should know, but nothing depends on.
    pub notes: Vec<String>,
}

impl Report {
    /// 0 if everything agrees; 1 if an execution differs in a way that is not listed, or an entry of
    /// the list does not apply exactly once; 2 if the folder, a case or the list cannot be read.
    pub fn exit_code(&self) -> i32 {
        if !self.errors.is_empty() {
            2
        } else if self.total(None).failed > 0 || self.calls_total().failed > 0 || !self.wrong_entries.is_empty() {
            1
        } else {
            0
        }
    }

    /// The count over all originals (`Some(false)`), all variants (`Some(true)`) or both.
    pub fn total(&self, variant: Option<bool>) -> Tally {
        let mut tally = Tally::default();
        for result in self.results.iter().filter(|r| variant.is_none_or(|variant| r.variant == variant)) {
            tally.add(&result.verdict);
        }
        tally
    }

    /// The count over all cases of calls.
    pub fn calls_total(&self) -> Tally {
        let mut tally = Tally::default();
        self.calls.iter().for_each(|result| tally.add(&result.verdict));
        tally
    }

    /// The count of cases of calls of each folder.
    pub fn calls_modules(&self) -> BTreeMap<&str, Tally> {
        let mut modules: BTreeMap<&str, Tally> = BTreeMap::new();
        for result in &self.calls {
            modules.entry(&result.module).or_default().add(&result.verdict);
        }
        modules
    }

    /// The count of each folder, originals and variants together.
    pub fn modules(&self) -> BTreeMap<&str, Tally> {
        let mut modules: BTreeMap<&str, Tally> = BTreeMap::new();
        for result in &self.results {
            modules.entry(&result.module).or_default().add(&result.verdict);
        }
        modules
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for result in &self.results {
            if let Verdict::Failed(reason) = &result.verdict {
                let variant = if result.variant { " (renamed variant)" } else { "" };
                writeln!(f, "FAILED {} execution {}{variant}", result.case, result.execution)?;
                for line in reason.lines() {
                    writeln!(f, "    {line}")?;
                }
            }
        }
        for result in &self.calls {
            if let Verdict::Failed(reason) = &result.verdict {
                writeln!(f, "FAILED {}: {}", result.case, reason.trim_end())?;
            }
        }
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        let verdicts = self.results.iter().map(|result| &result.verdict);
        for verdict in verdicts.chain(self.calls.iter().map(|result| &result.verdict)) {
            if let Verdict::NotYet(reason) = verdict {
                *reasons.entry(reason).or_default() += 1;
            }
        }
        for (reason, count) in reasons {
            writeln!(f, "not yet, {count} times: {reason}")?;
        }
        if self.renamed + self.not_renamed > 0 {
            let (renamed, not_renamed) = (self.renamed, self.not_renamed);
            writeln!(f, "renamed variants: {renamed} names changed, {not_renamed} left as they were")?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        for entry in &self.wrong_entries {
            writeln!(f, "KNOWN DIFFERENCE {entry}")?;
        }
        let modules = self.modules();
        let width = modules.keys().map(|name| name.len()).max().unwrap_or(0).max("renamed variants".len());
        let mut row = |name: &str, t: Tally| {
            let (passed, listed, not_yet, failed) = (t.passed, t.listed, t.not_yet, t.failed);
            writeln!(f, "{name:width$}  {passed:6}  {listed:6}  {not_yet:7}  {failed:6}")
        };
        for (name, tally) in modules {
            row(name, tally)?;
        }
        row("total", self.total(None))?;
        let variants = self.total(Some(true));
        if variants != Tally::default() {
            row("recorded cases", self.total(Some(false)))?;
            row("renamed variants", variants)?;
        }
        writeln!(f, "{:width$}  passed  listed  not yet  failed", "")?;
        let mut line = |name: &str, tally: Tally| {
            let Tally { passed, listed, not_yet, failed } = tally;
            writeln!(f, "api{name}: {passed} passed, {listed} listed, {not_yet} not yet, {failed} failed")
        };
        for (name, tally) in self.calls_modules() {
            line(&format!(" {name}"), tally)?;
        }
        if !self.calls.is_empty() {
            line("", self.calls_total())?;
        }
        for error in &self.errors {
            writeln!(f, "ERROR {error}")?;
        }
        Ok(())
    }
}

/// Runs every execution of every case below `dir`, and compares.
///
/// Nothing is printed; the report says everything. Files that are not cases, and a folder that is
/// not there or holds none, are errors of the report.
pub fn run_folder(dir: &Path, subject: &dyn Subject, options: &Options) -> Report {
    let mut report = Report::default();
    let known = KnownDifferences::load(&options.known).unwrap_or_else(|error| {
        report.errors.push(error.to_string());
        KnownDifferences::default()
    });
    let files = case_files(dir).unwrap_or_else(|error| {
        report.errors.push(error.to_string());
        Vec::new()
    });
    if files.is_empty() && report.errors.is_empty() {
        report.errors.push(format!("`{}` holds no cases", dir.display()));
    }
    let mut runner = Runner { subject, options, known: &known, uses: HashMap::new(), report };
    let mut present = HashSet::new();
    let mut ran = HashSet::new();
    for file in &files {
        let case = match load_file(file) {
            Ok(case) => case,
            Err(error) => {
                runner.report.errors.push(error.to_string());
                continue;
            }
        };
        present.insert(case.id.clone());
        let wanted = options.filter.as_ref().is_none_or(|f| case.id.contains(f) || case.module.contains(f));
        if wanted && matches!(case.kind, Kind::History | Kind::Output) {
            ran.insert(case.id.clone());
            runner.case(&case, None);
            if options.variants {
                runner.variant(&case);
            }
        }
        if wanted
            && case.kind != Kind::TestState
            && !case.calls.is_empty()
            && let Some(session) = subject.open()
        {
            ran.insert(case.id.clone());
            runner.calls(&case, session);
        }
    }
    let Runner { uses, mut report, .. } = runner;
    for (index, entry) in known.entries.iter().enumerate() {
        let times = uses.get(&index).copied().unwrap_or(0);
        let place = format!("`{}` execution {} `{}`", entry.case, entry.execution, entry.pointer);
        if ran.contains(&entry.case) && times != 1 {
            report.wrong_entries.push(format!("{place} was found {times} times instead of once"));
        } else if !present.contains(&entry.case) && !files.is_empty() {
            report.notes.push(format!("known difference {place}: the folder does not hold the case"));
        }
    }
    report
}

struct Runner<'a> {
    subject: &'a dyn Subject,
    options: &'a Options,
    known: &'a KnownDifferences,
    /// How often each entry of the list applied.
    uses: HashMap<usize, usize>,
    report: Report,
}

impl Runner<'_> {
    fn variant(&mut self, case: &Case) {
        let variant = variant(case);
        self.report.renamed += variant.renamed;
        self.report.not_renamed += variant.skipped.len();
        self.case(&variant.case, Some(&variant));
    }

    fn case(&mut self, case: &Case, variant: Option<&Variant>) {
        let rules = match Rules::of(case) {
            Ok(rules) => rules,
            Err(reason) => {
                self.report.errors.push(format!("`{}`: {reason}", case.path.display()));
                return;
            }
        };
        let mut memory = Memory::default();
        for index in 0..case.executions.len() {
            let (verdict, differences) = self.execution(case, variant, &rules, index, &mut memory);
            self.report.results.push(ExecutionResult {
                case: case.id.clone(),
                module: case.module.clone(),
                execution: index,
                variant: variant.is_some(),
                verdict,
                differences,
            });
        }
    }

    fn execution(
        &mut self,
        case: &Case,
        variant: Option<&Variant>,
        rules: &Rules,
        index: usize,
        memory: &mut Memory,
    ) -> (Verdict, Vec<Difference>) {
        let Some(execution) = case.executions.get(index) else {
            return (Verdict::Failed("there is no such execution".to_owned()), Vec::new());
        };
        let expectation = expectation(case, execution);
        if variant.is_none()
            && expectation == Expectation::Skipped(EXPRESS)
            && let Some(mut session) = self.subject.open()
        {
            let replayed = replay_express(case, rules, execution, &mut *session, memory);
            return self.judge(case, index, replayed);
        }
        if let Expectation::Skipped(reason) = expectation {
            return (Verdict::NotYet(reason.to_owned()), Vec::new());
        }
        let run = match plan(case, rules, index) {
            Ok(run) => run,
            Err(reason) => {
                return (Verdict::Failed(format!("cannot be run: {reason}")), Vec::new());
            }
        };
        let observed = match (self.run(&run), expectation) {
            (Ok(observed), _) => observed,
            (Err(Refusal::NotYet(said)), Expectation::MayBeNotYet(reason)) => {
                return (Verdict::NotYet(format!("{reason}: {said}")), Vec::new());
            }
            (Err(refusal), _) => return (Verdict::Failed(refusal.to_string()), Vec::new()),
        };
        if let Some(folder) = &self.options.write
            && let Err(error) = write(folder, case, variant.is_some(), index, &observed)
        {
            self.report.errors.push(error);
        }
        let differences = compare_execution(case, execution, rules, &observed, memory);
        // The list names places of the recorded case; a variant's are the same under other names.
        let listed = |difference: &Difference| {
            let pointer = variant.map(|variant| variant.original_pointer(&difference.pointer));
            self.known.position(&case.id, index, pointer.as_ref().unwrap_or(&difference.pointer))
        };
        let entries: Vec<Option<usize>> = differences.iter().map(listed).collect();
        let unlisted: Vec<&Difference> =
            differences.iter().zip(&entries).filter(|(_, entry)| entry.is_none()).map(|(difference, _)| difference).collect();
        if variant.is_none() {
            for entry in entries.iter().flatten() {
                *self.uses.entry(*entry).or_default() += 1;
            }
        }
        let verdict = match unlisted.first() {
            Some(first) => Verdict::Failed(explain(execution.events(), &observed, first, unlisted.len())),
            None if differences.is_empty() => Verdict::Passed,
            None => Verdict::Listed,
        };
        (verdict, differences)
    }

    /// Makes the calls of a case.
    fn calls(&mut self, case: &Case, mut session: Box<dyn Session>) {
        let rules = match Rules::of(case) {
            Ok(rules) => rules,
            Err(reason) => {
                self.report.errors.push(format!("`{}`: {reason}", case.path.display()));
                return;
            }
        };
        let replayed = guarded(|| Ok(replay(case, &rules, &mut *session))).unwrap_or_else(Replayed::Failed);
        let (verdict, differences) = self.judge(case, 0, replayed);
        let (case, module) = (case.id.clone(), case.module.clone());
        self.report.calls.push(CallsResult { case, module, verdict, differences });
    }

    /// Looks differences of calls up in the list of known ones.
    fn judge(&mut self, case: &Case, execution: usize, replayed: Replayed) -> (Verdict, Vec<Difference>) {
        let differences = match replayed {
            Replayed::Compared(differences) => differences,
            Replayed::NotYet(reason) => return (Verdict::NotYet(reason), Vec::new()),
            Replayed::Failed(reason) => return (Verdict::Failed(reason), Vec::new()),
        };
        let entries = differences.iter().map(|difference| self.known.position(&case.id, execution, &difference.pointer));
        let entries: Vec<Option<usize>> = entries.collect();
        for entry in entries.iter().flatten() {
            *self.uses.entry(*entry).or_default() += 1;
        }
        let unlisted = differences.iter().zip(&entries).filter(|(_, entry)| entry.is_none()).map(|(difference, _)| difference);
        let unlisted: Vec<String> = unlisted.map(ToString::to_string).collect();
        let verdict = match unlisted.is_empty() {
            false => Verdict::Failed(unlisted.join("\n    ")),
            true if differences.is_empty() => Verdict::Passed,
            true => Verdict::Listed,
        };
        (verdict, differences)
    }

    /// A subject that panics fails one execution, not the run.
    fn run(&self, run: &Run) -> Result<Observed, Refusal> {
        guarded(|| Ok(self.subject.run(run))).unwrap_or_else(|message| Err(Refusal::Refused(message)))
    }
}

/// What a function gives, or the message it panicked with.
fn guarded<A>(run: impl FnOnce() -> Result<A, String>) -> Result<A, String> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let message =
            panic.downcast_ref::<&str>().map(|message| (*message).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
        let message = message.unwrap_or_else(|| "no message".to_owned());
        Err(format!("the interpreter panicked: {message}"))
    })
}

/// The first difference with what stands around it: the event before, the recorded one, and ours.
fn explain(expected: &[Value], observed: &Observed, first: &Difference, count: usize) -> String {
    let mut text = format!("{first}\n");
    if count > 1 {
        text.push_str(&format!("and {} more\n", count - 1));
    }
    let number = first.pointer.strip_prefix("/events/").and_then(|rest| rest.split('/').next());
    let got = observed.history.get("events").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let show = |event: Option<&Value>| event.map_or("nothing".to_owned(), Value::to_string);
    if let Some(index) = number.and_then(|number| number.parse::<usize>().ok()) {
        let before = index.checked_sub(1).and_then(|before| expected.get(before));
        text.push_str(&format!("before:   {}\n", show(before)));
        text.push_str(&format!("expected: {}\n", show(expected.get(index))));
        text.push_str(&format!("got:      {}\n", show(got.get(index))));
    }
    text
}

fn write(folder: &Path, case: &Case, variant: bool, index: usize, observed: &Observed) -> Result<(), String> {
    let stem = case.path.file_stem().map_or_else(|| "case".to_owned(), |s| s.to_string_lossy().into_owned());
    let dir = folder.join(&case.module);
    let variant = if variant { ".renamed" } else { "" };
    let path = dir.join(format!("{stem}.{index}{variant}.json"));
    let value = json!({
        "case": case.id,
        "execution": index,
        "status": observed.status,
        "output": observed.output,
        "history": observed.history,
    });
    let text = serde_json::to_string_pretty(&value).map_err(|error| error.to_string())?;
    std::fs::create_dir_all(&dir)
        .and_then(|()| std::fs::write(&path, text))
        .map_err(|error| format!("`{}` cannot be written: {error}", path.display()))
}
