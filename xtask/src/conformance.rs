//! `cargo xtask conformance`: recorded executions and calls of the API against ours.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use statewright_tests::conformance::{Options, Report, Subject, Verdict, run_folder};
use statewright_tests::hosted::Engine;
use statewright_tests::subject::Interpreter;

use crate::shell::recorded;

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let mut options = Options { variants: true, ..Options::default() };
    let mut subject = Interpreter::default();
    let (mut dir, mut every_difference, mut hosted) = (None, false, false);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| anyhow::anyhow!("{argument} wants a value"));
        match argument.as_str() {
            "--write" => options.write = Some(PathBuf::from(value()?)),
            "--filter" => options.filter = Some(value()?.clone()),
            "--no-variants" => options.variants = false,
            "--crash" => subject.crash = true,
            "--host" => match value()?.as_str() {
                "lambda" => hosted = true,
                other => bail!("--host knows lambda, not {other}"),
            },
            "--every-difference" => every_difference = true,
            flag if flag.starts_with('-') => bail!("conformance does not know {flag}"),
            path if dir.is_none() => dir = Some(PathBuf::from(path)),
            path => bail!("one folder is enough: {path}"),
        }
    }
    let Some(dir) = dir.or_else(recorded) else {
        eprintln!("conformance: no folder: name one, or set STATEWRIGHT_RECORDED");
        return Ok(ExitCode::from(2));
    };
    let subject: &dyn Subject = if hosted { &Engine::default() } else { &subject };
    let report: Report = run_folder(&dir, subject, &options);
    if every_difference {
        for result in report.calls.iter().filter(|result| matches!(result.verdict, Verdict::Failed(_))) {
            for difference in &result.differences {
                println!("case = {:?}, execution = 0, pointer = {:?}", result.case, difference.pointer);
            }
        }
        for result in report.results.iter().filter(|result| matches!(result.verdict, Verdict::Failed(_))) {
            for difference in &result.differences {
                println!("case = {:?}, execution = {}, pointer = {:?}", result.case, result.execution, difference.pointer);
            }
        }
    }
    print!("{report}");
    Ok(ExitCode::from(u8::try_from(report.exit_code()).unwrap_or(2)))
}
