//! `statewright explain`
use crate::{cli::ExplainArgs, refusal::Refusal, screen::ColorChoice};
use std::process::ExitCode;
pub(crate) fn explain(_arguments: &ExplainArgs, _color: ColorChoice) -> Result<ExitCode, Refusal> {
    Ok(ExitCode::SUCCESS)
}
