//! `statewright eval`: expressions and paths, tried out as a state would evaluate them.

mod sight;
mod subject;

use std::collections::VecDeque;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use statewright_interpreter::Value;
use statewright_interpreter::definition::Diagnostic;

use crate::cli::EvalArgs;
use crate::input::{Text, read_stdin, read_text};
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
    let (source, read) = match (&arguments.expression, &arguments.file) {
        _ if is_all_of_standard_input(arguments) => ("standard input".to_owned(), read_stdin("the expression")?),
        (Some(text), _) => ("expression".to_owned(), Text { text: text.clone(), note: None }),
        (None, Some(path)) => (path.display().to_string(), read_text(path, "the file of the expression")?),
        (None, None) => return Ok(ExitCode::from(evaluation.lines()? as u8)),
    };
    if let Some(note) = read.note {
        screen.note(&note);
    }
    let ending = evaluation.one(&source, &read.text, 1, 1)?;
    Ok(ExitCode::from(ending as u8))
}

/// Whether one expression is to be read from standard input.
fn is_all_of_standard_input(arguments: &EvalArgs) -> bool {
    arguments.expression.as_deref() == Some("-") || arguments.file.as_deref() == Some(Path::new("-"))
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
            self.screen.note(&format!("{}, one expression after the other; Ctrl-D ends", self.arguments.language.name()));
        }
        let (mut worst, mut number) = (None, 0);
        let mut lines = Lines::default();
        while let Some((text, line)) = self.next_expression(&mut lines, is_terminal)? {
            number += 1;
            worst = worst.max(Some(self.one("standard input", &text, line, number)?));
        }
        if is_terminal {
            // The prompt's line.
            self.screen.line("");
            return Ok(Ending::Value);
        }
        worst.ok_or_else(|| {
            Refusal::new("there is no expression")
                .help("name one, or a file with `--file`, or pipe in one after the other; `eval --help` has examples")
        })
    }

    /// The next expression and its line: the next line, and those that go on with it. On a terminal an empty line ends it. Where none
    /// of them does, the line stands for itself, so that what is wrong with it does not hide the others.
    fn next_expression(&self, lines: &mut Lines, is_terminal: bool) -> Result<Option<(String, usize)>, Refusal> {
        let first = loop {
            if is_terminal && lines.waiting.is_empty() {
                self.prompt(false);
            }
            match lines.next()? {
                Some((text, _)) if text.trim().is_empty() => {}
                first => break first,
            }
        };
        let Some((first, line)) = first else { return Ok(None) };
        let mut text = first.clone();
        let mut taken = Vec::new();
        while subject::goes_on(&text, self.arguments.language) {
            if is_terminal && lines.waiting.is_empty() {
                self.prompt(true);
            }
            let next = if taken.len() < LINES_MAX { lines.next()? } else { None };
            match next {
                Some((more, _)) if is_terminal && more.trim().is_empty() => break,
                Some((more, number)) => {
                    text = format!("{text}\n{more}");
                    taken.push((more, number));
                }
                None => {
                    for line in taken.into_iter().rev() {
                        lines.waiting.push_front(line);
                    }
                    return Ok(Some((first, line)));
                }
            }
        }
        Ok(Some((text, line)))
    }

    /// On standard error: standard output is for values.
    fn prompt(&self, goes_on: bool) {
        let mut out = io::stderr().lock();
        let name = self.arguments.language.name().to_lowercase();
        // A prompt that cannot be shown is no reason to stop.
        let _ = if goes_on { write!(out, "{:.<width$}> ", "", width = name.len()) } else { write!(out, "{name}> ") };
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

/// How many lines may go on with one.
const LINES_MAX: usize = 200;

/// The lines of standard input.
#[derive(Default)]
struct Lines {
    /// Those that were read, and are to be read again.
    waiting: VecDeque<(String, usize)>,
    read: usize,
}

impl Lines {
    /// The next line with its number.
    ///
    /// # Errors
    /// When it cannot be read, or is not UTF-8.
    fn next(&mut self) -> Result<Option<(String, usize)>, Refusal> {
        if let Some(line) = self.waiting.pop_front() {
            return Ok(Some(line));
        }
        let mut bytes = Vec::new();
        let read = io::stdin().lock().read_until(b'\n', &mut bytes);
        if read.map_err(|error| Refusal::new(format!("standard input cannot be read: {error}")))? == 0 {
            return Ok(None);
        }
        self.read += 1;
        let text = std::str::from_utf8(&bytes).map_err(|_| {
            Refusal::new(format!("standard input is not UTF-8 text: line {} holds a byte that cannot be there", self.read))
        })?;
        Ok(Some((text.trim_start_matches('\u{feff}').trim_end_matches(['\n', '\r']).to_owned(), self.read)))
    }
}

/// Whether an argument names a file that is there, for who has left out `@` or `--file`.
fn names_a_file(argument: &str) -> bool {
    argument.contains('.') && Path::new(argument).is_file()
}
