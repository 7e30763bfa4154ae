//! The template, and what is found in it.

use std::path::{Path, PathBuf};

use statewright_interpreter::definition::Diagnostic;
use statewright_template::{Member, Node, Syntax, parse, place};

use crate::input::read_text;
use crate::refusal::Refusal;
use crate::screen::Screen;
use crate::snippet;

/// A template.
pub(super) struct Template {
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) syntax: Syntax,
    pub(super) tree: Node,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// When it cannot be read, follows no syntax, or is no template.
    pub(super) fn read(path: &Path, screen: &Screen) -> Result<Self, Refusal> {
        let read = read_text(path, "the template")?;
        if let Some(note) = read.note {
            screen.note(&note);
        }
        let text = read.text;
        let syntax = match path.extension().and_then(|extension| extension.to_str()) {
            Some("yaml" | "yml") => Syntax::Yaml,
            Some("json") => Syntax::Json,
            Some(_) | None => Syntax::of(&text),
        };
        let shown = path.display();
        let tree = parse(&text, syntax).map_err(|error| Refusal::new(format!("the template `{shown}` cannot be read: {error}")))?;
        if tree.get("Resources").is_none_or(|resources| resources.members().is_empty()) {
            return Err(Refusal::new(format!("`{shown}` has no `Resources`: it is no template of SAM or CloudFormation")));
        }
        Ok(Self { path: path.to_owned(), text, syntax, tree })
    }

    pub(super) fn shown(&self) -> String {
        self.path.display().to_string()
    }

    /// The resources.
    pub(super) fn resources(&self) -> &[Member] {
        self.tree.get("Resources").map(Node::members).unwrap_or_default()
    }

    /// A resource.
    pub(super) fn resource(&self, name: &str) -> Option<&Member> {
        self.resources().iter().find(|member| member.key == name)
    }

    /// Line and column, from 1.
    pub(super) fn place(&self, offset: usize) -> (usize, usize) {
        place(&self.text, offset)
    }
}

/// What was found, which is told all at once.
#[derive(Default)]
pub(super) struct Findings {
    errors: Vec<Finding>,
    notes: Vec<Finding>,
    wrong_definitions: usize,
}

struct Finding {
    offset: usize,
    message: String,
    help: String,
}

impl Findings {
    /// Something that cannot be translated, and what to write instead.
    pub(super) fn refuse(&mut self, at: &Node, message: impl Into<String>, help: impl Into<String>) {
        self.refuse_at(at.span.start, message, help);
    }

    /// The same, at a byte of the template.
    pub(super) fn refuse_at(&mut self, offset: usize, message: impl Into<String>, help: impl Into<String>) {
        self.errors.push(Finding { offset, message: message.into(), help: help.into() });
    }

    /// Something to know.
    pub(super) fn note(&mut self, at: &Node, message: impl Into<String>) {
        self.notes.push(Finding { offset: at.span.start, message: message.into(), help: String::new() });
    }

    /// Diagnostics of a definition, which are shown at once. Warnings are no errors.
    pub(super) fn diagnose(&mut self, diagnostics: &[Diagnostic], file: &str, text: &str, screen: &Screen) {
        for diagnostic in diagnostics {
            for line in snippet::lines(diagnostic, file, text, screen) {
                screen.line(&line);
            }
            screen.line("");
        }
    }

    /// A definition is wrong, as its diagnostics say.
    pub(super) fn count_wrong(&mut self) {
        self.wrong_definitions += 1;
    }

    /// Shows what cannot be translated. Whether there is anything.
    pub(super) fn show(&mut self, template: &Template, screen: &Screen) -> bool {
        self.errors.sort_by_key(|finding| finding.offset);
        for Finding { offset, message, help } in &self.errors {
            let (line, column) = template.place(*offset);
            screen.refuse(&Refusal::new(format!("{}:{line}:{column}: {message}", template.shown())).help(help));
        }
        if self.wrong_definitions > 0 {
            let counted = if self.wrong_definitions == 1 {
                "1 definition is"
            } else {
                &format!("{} definitions are", self.wrong_definitions)
            };
            screen.refuse(
                &Refusal::new(format!("{counted} wrong: nothing is packaged"))
                    .help("`statewright explain CODE` tells more about a code"),
            );
        }
        !self.errors.is_empty() || self.wrong_definitions > 0
    }

    /// Shows what is to be known.
    pub(super) fn show_notes(&mut self, template: &Template, screen: &Screen) {
        self.notes.sort_by_key(|finding| finding.offset);
        for Finding { offset, message, .. } in &self.notes {
            screen.note(&format!("{}:{}: {message}", template.shown(), template.place(*offset).0));
        }
    }
}
