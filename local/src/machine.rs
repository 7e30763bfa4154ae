//! A state machine from a file.

use std::path::{Path, PathBuf};

use statewright_interpreter::definition::{Definition, Diagnostic, MachineType, Options, Severity, Syntax};

use crate::container;
use crate::input::{Text, read_text};
use crate::refusal::{Refusal, list};
use crate::screen::Screen;
use crate::snippet;
use crate::substitutions::Substitutions;

/// The text of a definition, and how to read it.
#[derive(Debug)]
pub(crate) struct Source {
    /// Where it stands.
    pub(crate) path: PathBuf,
    /// The text.
    pub(crate) text: String,
    /// Its syntax.
    pub(crate) syntax: Syntax,
}

/// A state machine that may be run.
#[derive(Debug)]
pub(crate) struct Machine {
    /// Its name.
    pub(crate) name: String,
    /// Its definition.
    pub(crate) definition: Definition,
    /// Substitutions that stand for themselves.
    pub(crate) unresolved: Vec<String>,
    /// Substitutions that its text has a place for.
    pub(crate) substituted: Vec<String>,
}

impl Source {
    /// Reads a definition's text.
    ///
    /// # Errors
    /// When the file cannot be read, or holds definitions and is none.
    pub(crate) fn read(path: &Path, screen: &Screen) -> Result<Self, Refusal> {
        container::refuse_directory(path)?;
        let Text { text, note } = read_text(path, "the definition")?;
        if let Some(note) = note {
            screen.note(&note);
        }
        container::refuse_file(path, &text)?;
        let syntax = syntax_of(path, &text);
        Ok(Self { path: path.to_owned(), text, syntax })
    }

    /// How to read it.
    pub(crate) fn options(&self, machine_type: MachineType, substitutions: &Substitutions) -> Options {
        Options { machine_type, syntax: self.syntax, substitutions: substitutions.clone() }
    }

    /// Prints what was found in it.
    pub(crate) fn show(&self, diagnostics: &[Diagnostic], screen: &Screen) {
        let file = self.path.display().to_string();
        for diagnostic in diagnostics {
            for line in snippet::lines(diagnostic, &file, &self.text, screen) {
                screen.line(&line);
            }
            screen.line("");
        }
    }
}

/// By the file's name; where that says nothing, by its first character.
pub(crate) fn syntax_of(path: &Path, text: &str) -> Syntax {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_ascii_lowercase();
    match extension.as_str() {
        "yaml" | "yml" => Syntax::Yaml,
        "json" => Syntax::Json,
        _ if text.trim_start().starts_with('{') => Syntax::Json,
        // A line such as `StartAt: First` makes it YAML; anything else is better explained as broken JSON.
        _ if text.lines().any(|line| line.starts_with("StartAt:") || line.starts_with("States:")) => Syntax::Yaml,
        _ => Syntax::Json,
    }
}

/// How to load a machine.
#[derive(Debug)]
pub(crate) struct Loading<'a> {
    /// The type of the machine.
    pub(crate) machine_type: MachineType,
    /// Values for `${Name}`.
    pub(crate) substitutions: &'a Substitutions,
    /// Whether a `${Name}` without value may stand for itself.
    pub(crate) unresolved_allowed: bool,
}

impl Machine {
    /// Reads and checks a definition. Its diagnostics are printed if it is wrong.
    ///
    /// # Errors
    /// When the definition cannot be read, is wrong, leaves substitutions unresolved, or cannot be run yet.
    pub(crate) fn load(path: &Path, name: Option<&str>, loading: &Loading<'_>, screen: &Screen) -> Result<Self, Refusal> {
        let source = Source::read(path, screen)?;
        let shown = path.display();
        let parsed = Definition::parse(&source.text, &source.options(loading.machine_type, loading.substitutions));
        let parsed = parsed.map_err(|diagnostics| {
            let errors: Vec<_> = diagnostics.into_iter().filter(|found| found.severity == Severity::Error).collect();
            source.show(&errors, screen);
            let count = if errors.len() == 1 { "1 error".to_owned() } else { format!("{} errors", errors.len()) };
            screen.refuse(&Refusal::new(format!("`{shown}` is not a sound definition: {count}")));
            Refusal::new("the definition is wrong").printed().help("`statewright explain CODE` tells more about a code")
        })?;
        if !parsed.unresolved.is_empty() && !loading.unresolved_allowed {
            return Err(unresolved(&source, &parsed.unresolved));
        }
        if let Some(reason) = parsed.definition.not_runnable_yet() {
            return Err(Refusal::new(format!("`{shown}`: {reason}")));
        }
        let name = name.map_or_else(|| machine_name(path), str::to_owned);
        let mentioned = |name: &&String| source.text.contains(&format!("${{{name}}}"));
        let substituted = loading.substitutions.keys().filter(mentioned).cloned().collect();
        Ok(Self { name, definition: parsed.definition, unresolved: parsed.unresolved, substituted })
    }
}

fn unresolved(source: &Source, names: &[String]) -> Refusal {
    let line_of = |name: &str| {
        let token = format!("${{{name}}}");
        source.text.lines().position(|line| line.contains(&token)).map(|at| format!(" (line {})", at + 1)).unwrap_or_default()
    };
    let places: Vec<_> = names.iter().map(|name| format!("`${{{name}}}`{}", line_of(name))).collect();
    let first = names.first().map_or("NAME", String::as_str);
    Refusal::new(format!("`{}` has substitutions without a value: {}", source.path.display(), places.join(", ")))
        .help(format!("give each one a value with `--substitute {first}=VALUE`, or all of them with `--substitutions FILE`"))
        .help("with `--auto-mock` each stands for itself")
}

/// The name of a machine whose file this is: `order.asl.json` holds `order`.
pub(crate) fn machine_name(path: &Path) -> String {
    let file = path.file_name().and_then(|name| name.to_str()).unwrap_or("StateMachine");
    let endings = [".json", ".yaml", ".yml", ".jsonc", ".tpl", ".template", ".txt"];
    let without = endings.iter().find_map(|ending| file.strip_suffix(ending)).unwrap_or(file);
    let without = without.strip_suffix(".asl").or_else(|| without.strip_suffix(".sfn")).unwrap_or(without);
    let name: String = without.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' }).collect();
    let name: String = name.chars().take(NAME_CHARACTERS_MAX).collect();
    if name.is_empty() { "StateMachine".to_owned() } else { name }
}

/// Source: API model, `Name`.
pub(crate) const NAME_CHARACTERS_MAX: usize = 80;

/// Refuses what the service does not take as a name. `what` it names goes into the message.
///
/// Source: API model, `Name` and `StartExecution`.
///
/// # Errors
/// When it is no name.
pub(crate) fn check_name(name: &str, what: &str) -> Result<(), Refusal> {
    let wrong: Vec<char> = name.chars().filter(|&c| c.is_control() || c.is_whitespace() || FORBIDDEN.contains(c)).collect();
    if name.is_empty() {
        return Err(Refusal::new(format!("{what} is empty")));
    }
    if name.chars().count() > NAME_CHARACTERS_MAX {
        return Err(Refusal::new(format!("{what} is longer than {NAME_CHARACTERS_MAX} characters: `{name}`")));
    }
    if !wrong.is_empty() {
        return Err(Refusal::new(format!("{what} `{name}` has characters that a name may not have: {}", list(wrong))));
    }
    Ok(())
}

/// Source: API reference, `StartExecution`, "name".
const FORBIDDEN: &str = "<>{}[]?*\"#%\\^|~`$&,;:/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_called_like_its_file() {
        let name = |path: &str| machine_name(Path::new(path));
        assert_eq!(name("a/order.asl.json"), "order");
        assert_eq!(name("order-saga.json"), "order-saga");
        assert_eq!(name("order saga.asl.yaml"), "order-saga");
        assert_eq!(name("order"), "order");
        assert_eq!(name("statemachine.sfn.yml"), "statemachine");
    }

    #[test]
    fn names_are_checked() {
        assert_eq!(check_name("order-1.2_x", "it"), Ok(()));
        for wrong in ["", "a b", "a/b", "a:b", "a\u{7f}", &"x".repeat(81)] {
            assert!(check_name(wrong, "it").is_err(), "{wrong}");
        }
    }
}
