//! `statewright validate`
use crate::{cli::ValidateArgs, refusal::Refusal, screen::Screen};
use std::process::ExitCode;
pub(crate) fn validate(_arguments: &ValidateArgs, _screen: &Screen) -> Result<ExitCode, Refusal> {
    Ok(ExitCode::SUCCESS)
}
