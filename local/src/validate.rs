//! `statewright validate`: what is wrong with definitions, as a compiler shows it or as `ValidateStateMachineDefinition` answers it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use statewright_interpreter::Value;
use statewright_interpreter::definition::{Definition, Diagnostic, Severity};

use crate::cli::{ValidateArgs, ValidateFormat};
use crate::machine::Source;
use crate::refusal::Refusal;
use crate::run::object;
use crate::screen::{Paint, Screen, write_stdout};
use crate::substitutions;

/// How many diagnostics an answer holds at most.
///
/// Source: API reference, `ValidateStateMachineDefinition`, "maxResults".
const DIAGNOSTICS_MAX: usize = 100;

/// The endings of the files that are looked for in folders.
const ENDINGS: [&str; 3] = [".asl.json", ".asl.yaml", ".asl.yml"];

/// Folders are not searched deeper than this.
const FOLDERS_DEEP: usize = 32;

/// What one file came to.
enum Verdict {
    /// It was read; these were found, errors first.
    Read(Source, Vec<Diagnostic>),
    /// It could not be read.
    Unread(PathBuf, Refusal),
}

/// Validates what the arguments name.
///
/// # Errors
/// When the substitutions cannot be read, or standard output cannot be written.
pub(crate) fn validate(arguments: &ValidateArgs, screen: &Screen) -> Result<ExitCode, Refusal> {
    let substitutions = substitutions::read(arguments.substitutions.as_deref(), &arguments.substitute)?;
    let (files, mut verdicts) = find(&arguments.paths);
    for file in &files {
        verdicts.push(match Source::read(file, screen) {
            Err(refusal) => Verdict::Unread(file.clone(), refusal),
            Ok(source) => {
                let parsed = Definition::parse(&source.text, &source.options(arguments.machine_type.into(), &substitutions));
                let mut found = parsed.map_or_else(|diagnostics| diagnostics, |parsed| parsed.warnings);
                found.sort_by_key(|diagnostic| (diagnostic.severity, diagnostic.span.map_or(0, |span| span.start)));
                Verdict::Read(source, found)
            }
        });
    }
    let report = Report { verdicts, deny_warnings: arguments.deny_warnings };
    match arguments.format {
        ValidateFormat::Text => report.show(screen),
        ValidateFormat::Json => {
            report.show_unread(screen);
            let one_file = arguments.paths.len() == 1 && arguments.paths.iter().all(|path| !path.is_dir());
            write_stdout(format!("{}\n", report.to_json(one_file)).as_bytes())?;
        }
    }
    Ok(ExitCode::from(report.exit_code()))
}

/// The files to validate: those that are named, and those in folders that look like definitions.
fn find(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<Verdict>) {
    let (mut files, mut verdicts) = (Vec::new(), Vec::new());
    for path in paths {
        if !path.is_dir() || path.ends_with("cdk.out") {
            files.push(path.clone());
            continue;
        }
        let before = files.len();
        if let Err(error) = search(path, FOLDERS_DEEP, &mut files) {
            verdicts.push(Verdict::Unread(path.clone(), Refusal::new(format!("`{}` cannot be searched: {error}", path.display()))));
        } else if files.len() == before {
            let refusal = Refusal::new(format!("there are no definitions in `{}`", path.display()))
                .help("folders are searched for *.asl.json, *.asl.yaml and *.asl.yml; other files must be named");
            verdicts.push(Verdict::Unread(path.clone(), refusal));
        }
    }
    (files, verdicts)
}

fn search(folder: &Path, deep: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type()?);
        let name = entry.file_name().to_string_lossy().into_owned();
        // Links are not followed into folders: they may lead in circles.
        if kind.is_dir() {
            if deep > 0 && !name.starts_with('.') && name != "node_modules" {
                search(&path, deep - 1, files)?;
            }
        } else if ENDINGS.iter().any(|ending| name.ends_with(ending)) {
            files.push(path);
        }
    }
    Ok(())
}

struct Report {
    verdicts: Vec<Verdict>,
    deny_warnings: bool,
}

impl Report {
    fn is_wrong(&self, found: &[Diagnostic]) -> bool {
        found.iter().any(|diagnostic| self.deny_warnings || diagnostic.severity == Severity::Error)
    }

    fn exit_code(&self) -> u8 {
        let code = |verdict: &Verdict| match verdict {
            Verdict::Unread(..) => 2,
            Verdict::Read(_, found) => u8::from(self.is_wrong(found)),
        };
        self.verdicts.iter().map(code).max().unwrap_or(0)
    }

    fn show(&self, screen: &Screen) {
        let (mut errors, mut warnings, mut wrong) = (0, 0, 0);
        for verdict in &self.verdicts {
            if let Verdict::Read(source, found) = verdict {
                source.show(found, screen);
                let own = found.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
                errors += own;
                warnings += found.len() - own;
                wrong += usize::from(self.is_wrong(found));
            }
        }
        self.show_unread(screen);
        let read = self.verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Read(..))).count();
        let counted = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        let unread = self.verdicts.len() - read;
        let (paint, icon) = if self.exit_code() == 0 { (Paint::Good, "✔") } else { (Paint::Bad, "✘") };
        let sound = read - wrong;
        let mut parts = Vec::new();
        parts.extend((sound > 0).then(|| format!("{} sound", counted(sound, "definition"))));
        parts.extend((wrong > 0).then(|| format!("{} wrong", counted(wrong, "definition"))));
        parts.extend((unread > 0).then(|| format!("{unread} not read")));
        let figures = format!("{}, {}", counted(errors, "error"), counted(warnings, "warning"));
        screen.line(&format!("{}  {figures}", screen.paint(paint, &format!("{icon} {}", parts.join(", ")))));
        if errors + warnings > 0 {
            screen.line(&screen.paint(Paint::Dim, "  `statewright explain CODE` tells more about a code"));
        }
    }

    fn show_unread(&self, screen: &Screen) {
        for verdict in &self.verdicts {
            if let Verdict::Unread(_, refusal) = verdict {
                screen.refuse(refusal);
            }
        }
    }

    fn to_json(&self, one_file: bool) -> Value {
        let answers: Vec<Value> = self
            .verdicts
            .iter()
            .map(|verdict| match verdict {
                Verdict::Read(source, found) => answer((!one_file).then_some(&*source.path), found),
                Verdict::Unread(path, refusal) => {
                    let error = Value::from(refusal.message.as_str());
                    object([("file", Value::from(path.display().to_string())), ("result", Value::Null), ("error", error)])
                }
            })
            .collect();
        if one_file { answers.into_iter().next().unwrap_or_default() } else { Value::from(answers) }
    }
}

/// The service's answer, with the file's name before it where there are several.
fn answer(file: Option<&Path>, found: &[Diagnostic]) -> Value {
    // Warnings that are denied are the caller's matter: the service's answer knows only errors.
    let errors = found.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    let result = if errors { "FAIL" } else { "OK" };
    let diagnostics: Value = found.iter().take(DIAGNOSTICS_MAX).map(to_json).collect();
    let mut members = Vec::new();
    members.extend(file.map(|file| ("file", Value::from(file.display().to_string()))));
    members.push(("result", Value::from(result)));
    members.push(("diagnostics", diagnostics));
    members.push(("truncated", Value::Bool(found.len() > DIAGNOSTICS_MAX)));
    Value::Object(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

fn to_json(diagnostic: &Diagnostic) -> Value {
    let severity = match diagnostic.severity {
        Severity::Error => "ERROR",
        Severity::Warning => "WARNING",
    };
    let mut members = vec![
        ("severity", Value::from(severity)),
        ("code", Value::from(diagnostic.code)),
        ("message", Value::from(diagnostic.message.as_str())),
    ];
    members.extend(diagnostic.location.as_deref().map(|location| ("location", Value::from(location))));
    Value::Object(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
}
