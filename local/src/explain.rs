//! `statewright explain`: what a diagnostic's code means.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use statewright_interpreter::definition;

use crate::cli::ExplainArgs;
use crate::refusal::{Refusal, nearest};
use crate::screen::{ColorChoice, Paint, painted, wants_color, write_stdout};

/// Explains the code, or lists all of them.
///
/// # Errors
/// When there is no such code, or standard output cannot be written.
pub(crate) fn explain(arguments: &ExplainArgs, choice: ColorChoice) -> Result<ExitCode, Refusal> {
    let color = wants_color(choice, io::stdout().is_terminal());
    let text = match &arguments.code {
        Some(code) => format!("{}\n\n{}\n", painted(color, Paint::Strong, &code.to_ascii_uppercase()), explanation(code)?),
        None => list(color),
    };
    write_stdout(text.as_bytes()).map(|()| ExitCode::SUCCESS)
}

fn explanation(code: &str) -> Result<&'static str, Refusal> {
    let wanted = code.to_ascii_uppercase();
    definition::explain(&wanted).ok_or_else(|| {
        let refusal = Refusal::new(format!("there is no diagnostic called `{code}`"));
        match nearest(&wanted, definition::codes().iter().copied()) {
            Some(near) => refusal.help(format!("did you mean `{near}`?")),
            None => refusal.help("`statewright explain` without a code lists them all"),
        }
    })
}

/// Every code with the first sentence about it.
fn list(color: bool) -> String {
    let codes = definition::codes();
    let width = codes.iter().map(|code| code.len()).max().unwrap_or(0);
    let mut text = String::new();
    for code in codes {
        let words = definition::explain(code).unwrap_or_default().split("\n\n").next().unwrap_or_default().replace('\n', " ");
        let sentence = words.split(". ").next().unwrap_or_default().trim_end_matches('.');
        let padding = " ".repeat(width - code.len() + 2);
        text.push_str(&format!("{}{padding}{sentence}.\n", painted(color, Paint::Strong, code)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained() {
        for code in definition::codes() {
            assert!(explanation(code).is_ok(), "{code}");
            assert!(list(false).contains(code));
        }
        assert_eq!(explanation("MISING_END_STATE").unwrap_err().help, ["did you mean `MISSING_END_STATE`?"]);
    }
}
