//! `statewright eval`: expressions and paths, tried out as a state would evaluate them.

mod sight;
mod subject;

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use statewright_interpreter::Value;
use statewright_interpreter::definition::Diagnostic;

use crate::cli::EvalArgs;
use crate::input::{Text, read_text};
use crate::refusal::Refusal;
use crate::report::pretty;
use crate::screen::{Screen, write_stdout};
use crate::snippet;
use sight::Sight;
use subject::{Subject, Written};

/// Evaluates what the arguments name: one expression, or those on the lines of standard input.
///
/// # Errors
/// When the call is wrong, or a file cannot be read.
pub(crate) fn eval(arguments: &EvalArgs, screen: &Screen) -> Result<ExitCode, Refusal> {
    let evaluation = Evaluation { arguments, screen, sight: Sight::read(arguments, screen)? };
    let ending = match (&arguments.expression, &arguments.file) {
        (Some(text), _) => evaluation.one("expression", text, 1, 1)?,
        (None, Some(path)) => {
            let Text { text, note } = read_text(path, "the file of the expression")?;
            if let Some(note) = note {
                screen.note(&note);
            }
            evaluation.one(&path.display().to_string(), &text, 1, 1)?
        }
        (None, None) => evaluation.lines()?,
    };
    Ok(ExitCode::from(ending as u8))
}

/// How an evaluation ended; its number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    /// With a value.
    Value = 0,
    /// Without one.
    Failed = 1,
    /// What was to be evaluated was wrong.
    Wrong = 2,
}

struct Evaluation<'a> {
    arguments: &'a EvalArgs,
    screen: &'a Screen,
    sight: Sight,
}

impl Evaluation<'_> {
    /// Evaluates one text, which is on the line `line` of `source`, and prints its value or what is wrong.
    fn one(&self, source: &str, text: &str, line: usize, number: u64) -> Result<Ending, Refusal> {
        let written = Written::new(text, line);
        let subject = match Subject::compile(&written, self.arguments.language, self.sight.offered()) {
            Ok((subject, warnings)) => {
                self.show(&warnings, source, &written);
                subject
            }
            Err(diagnostics) => {
                self.show(&diagnostics, source, &written);
                return Ok(Ending::Wrong);
            }
        };
        match self.sight.look(number, |inputs| subject.evaluate(inputs, &written)) {
            Ok(value) => self.print(&value).map(|()| Ending::Value),
            Err(diagnostic) => {
                self.show(&[*diagnostic], source, &written);
                Ok(Ending::Failed)
            }
        }
    }

    /// Evaluates what is typed, or piped in, line by line. What is wrong with one line does not keep it from the next.
    fn lines(&self) -> Result<Ending, Refusal> {
        let is_terminal = io::stdin().is_terminal();
        if is_terminal {
            self.screen.note(&format!("{}, one expression a line; Ctrl-D ends", self.arguments.language.name()));
        }
        let (mut worst, mut number) = (None, 0);
        let mut input = io::stdin().lock();
        loop {
            if is_terminal {
                self.prompt();
            }
            let mut bytes = Vec::new();
            let read = input.read_until(b'\n', &mut bytes);
            let read = read.map_err(|error| Refusal::new(format!("standard input cannot be read: {error}")))?;
            if read == 0 {
                break;
            }
            number += 1;
            let text = std::str::from_utf8(&bytes).map_err(|_| {
                Refusal::new(format!("standard input is not UTF-8 text: line {number} holds a byte that cannot be there"))
            })?;
            let text = text.trim_start_matches('\u{feff}').trim_end_matches(['\n', '\r']);
            if !text.trim().is_empty() {
                let line = usize::try_from(number).unwrap_or(usize::MAX);
                worst = worst.max(Some(self.one("standard input", text, line, number)?));
            }
        }
        if is_terminal {
            // The prompt's line.
            self.screen.line("");
            return Ok(Ending::Value);
        }
        worst.ok_or_else(|| {
            Refusal::new("there is no expression")
                .help("name one, or a file with `--file`, or pipe in one a line; `eval --help` has examples")
        })
    }

    /// On standard error: standard output is for values.
    fn prompt(&self) {
        let mut out = io::stderr().lock();
        // A prompt that cannot be shown is no reason to stop.
        let _ = write!(out, "{}> ", self.arguments.language.name().to_lowercase());
        let _ = out.flush();
    }

    fn print(&self, value: &Value) -> Result<(), Refusal> {
        let is_pretty = !self.arguments.compact && io::stdout().is_terminal();
        let mut text = if is_pretty { pretty(value) } else { value.to_string() };
        text.push('\n');
        write_stdout(text.as_bytes())
    }

    fn show(&self, diagnostics: &[Diagnostic], source: &str, written: &Written) {
        for (at, diagnostic) in diagnostics.iter().enumerate() {
            if at > 0 {
                self.screen.line("");
            }
            for line in snippet::lines(diagnostic, source, written.text(), self.screen) {
                self.screen.line(&line);
            }
        }
    }
}

/// Whether an argument names a file that is there, for who has left out `@` or `--file`.
fn names_a_file(argument: &str) -> bool {
    argument.contains('.') && Path::new(argument).is_file()
}
