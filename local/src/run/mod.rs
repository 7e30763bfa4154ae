//! `statewright run`: one execution from its start to its end, in this process.

mod answer;
mod auto_mock;
mod command;
mod driver;
mod envelope;
mod history_file;
mod interrupt;
mod machine;
mod mock;
mod settings;

use std::process::ExitCode;

use driver::Driver;
pub(crate) use envelope::object;
use history_file::HistoryFile;
use settings::Settings;
pub(crate) use settings::{execution_arn, machine_arn, parse_time, seed};

use crate::cli::{RunArgs, RunFormat};
use crate::refusal::{Refusal, list};
use crate::screen::{Paint, Screen};

/// Runs what the arguments say.
///
/// # Errors
/// When the definition or the call is wrong; then nothing is written.
pub(crate) fn run(arguments: &RunArgs, screen: &Screen) -> Result<ExitCode, Refusal> {
    let interrupt = interrupt::Interrupt::listen()?;
    let settings = Settings::read(arguments, screen)?;
    let history = arguments.history.as_deref().map(HistoryFile::at).transpose()?;
    introduce(&settings, screen);
    let (ended, events) = Driver::new(&settings, screen, interrupt)?.run()?;
    if let Some(history) = history {
        history.write(&events)?;
    }
    if !settings.quiet {
        ended.show(screen);
    }
    match arguments.format {
        RunFormat::Output => ended.print_output()?,
        RunFormat::Json => ended.print_json()?,
    }
    Ok(ExitCode::from(ended.exit_code()))
}

/// Says what runs, and what is not as one may think.
fn introduce(settings: &Settings, screen: &Screen) {
    if settings.quiet {
        return;
    }
    if !settings.machine.unresolved.is_empty() {
        let names = settings.machine.unresolved.iter().map(|name| format!("${{{name}}}"));
        screen.note(&format!("without a value, each of these stands for itself: {}", list(names)));
    }
    if let Some(mocks) = &settings.mocks {
        let unknown = list(mocks.states().filter(|state| settings.machine.definition.find(state).is_none()));
        if unknown != "none" {
            screen.note(&format!("{} answers states that the definition does not have: {unknown}", mocks.describe()));
        }
    }
    screen.line(&screen.paint(Paint::Strong, &settings.machine.name));
}
