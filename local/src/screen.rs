//! The person's side: coloured lines and passing progress on standard error. Standard output is for data.

use std::cell::Cell;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::refusal::Refusal;

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What a piece of text is; it decides the colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// Without colour.
    Plain,
    /// A heading.
    Strong,
    /// Of less interest.
    Dim,
    /// It went well.
    Good,
    /// It went wrong.
    Bad,
    /// It went wrong and was dealt with, or is a warning.
    Caution,
    /// Where one is.
    Accent,
}

impl Paint {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Strong => "1",
            Self::Dim => "2",
            Self::Good => "32",
            Self::Bad => "1;31",
            Self::Caution => "33",
            Self::Accent => "1;34",
        }
    }
}

/// How often progress is shown.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Standard error.
#[derive(Debug)]
pub(crate) struct Screen {
    color: bool,
    terminal: bool,
    /// Whether a line of progress stands there, to be wiped before the next line.
    progress: Cell<bool>,
    shown_at: Cell<Option<Instant>>,
}

impl Screen {
    /// Standard error as `choice` and the environment want it.
    pub(crate) fn new(choice: ColorChoice) -> Self {
        let terminal = io::stderr().is_terminal();
        Self {
            color: wants_color(choice, terminal),
            terminal,
            progress: Cell::new(false),
            shown_at: Cell::new(Some(Instant::now())),
        }
    }

    /// `text` in its colour, without control characters.
    pub(crate) fn paint(&self, paint: Paint, text: &str) -> String {
        painted(self.color, paint, text)
    }

    /// Prints a line. That nobody reads it is no reason to stop.
    pub(crate) fn line(&self, line: &str) {
        let mut out = io::stderr().lock();
        let wipe = if self.progress.replace(false) { "\r\x1b[2K" } else { "" };
        let _ = writeln!(out, "{wipe}{line}");
    }

    /// Shows how far it is, on a terminal, now and then. The next line wipes it.
    pub(crate) fn progress(&self, text: impl FnOnce() -> String) {
        let due = self.shown_at.get().is_none_or(|shown| shown.elapsed() >= PROGRESS_EVERY);
        if !(self.terminal && due) {
            return;
        }
        self.shown_at.set(Some(Instant::now()));
        let text: String = text().chars().take(100).collect();
        let mut out = io::stderr().lock();
        let _ = write!(out, "\r\x1b[2K{}", self.paint(Paint::Dim, &text));
        let _ = out.flush();
        self.progress.set(true);
    }

    /// Prints why a command ends.
    pub(crate) fn refuse(&self, refusal: &Refusal) {
        if !refusal.printed {
            self.line(&format!("{} {}", self.paint(Paint::Bad, "error:"), printable_lines(&refusal.message)));
        }
        for help in &refusal.help {
            self.line(&format!("  {} {}", self.paint(Paint::Accent, "help:"), printable_lines(help)));
        }
    }

    /// Prints something worth knowing.
    pub(crate) fn note(&self, note: &str) {
        self.line(&format!("{} {}", self.paint(Paint::Accent, "note:"), printable_lines(note)));
    }
}

/// Whether to use colour on a stream that is a terminal or not.
pub(crate) fn wants_color(choice: ColorChoice, terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => terminal && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
    }
}

/// `text` in its colour if `color` is wanted, without control characters.
pub(crate) fn painted(color: bool, paint: Paint, text: &str) -> String {
    let text = printable(text);
    if color && paint != Paint::Plain { format!("\x1b[{}m{text}\x1b[0m", paint.code()) } else { text }
}

/// `text` without anything that could move the cursor: names and messages come from files and programs.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\t' => out.push(' '),
            character if character.is_control() => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
            }
            character => out.push(character),
        }
    }
    out
}

/// As [`printable`], with the line breaks kept.
fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// At most `max` characters of `text`, with an ellipsis where some are left out.
pub(crate) fn shortened(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}

/// Writes data to standard output. A reader that has gone away is no error.
///
/// # Errors
/// When it cannot be written for another reason.
pub(crate) fn write_stdout(data: &[u8]) -> Result<(), Refusal> {
    let mut out = io::stdout().lock();
    match out.write_all(data).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Refusal::new(format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(printable("a\x1b[2Kb\nc\td"), "a\\u{1b}[2Kb\\nc d");
        assert_eq!(painted(true, Paint::Good, "ok"), "\x1b[32mok\x1b[0m");
        assert_eq!(painted(false, Paint::Good, "ok"), "ok");
    }

    #[test]
    fn long_texts_are_shortened_at_characters() {
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äöüß", 3), "äö…");
    }
}
