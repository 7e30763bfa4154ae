//! `statewright inspect` and `statewright release`: what operators ask a deployment.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::{Failure, Remote};
use crate::cli::{InspectArgs, ReleaseArgs};
use crate::refusal::Refusal;
use crate::screen::{Paint, Screen, printable, write_stdout};

/// Shows an execution, or those that were set aside.
///
/// # Errors
/// When there is nobody to ask, or standard output cannot be written.
pub(crate) fn inspect(arguments: &InspectArgs, screen: &Screen) -> Result<ExitCode, Refusal> {
    let remote = Remote::connect(&arguments.connection, true, screen)?;
    let answer = match &arguments.execution_arn {
        Some(arn) => remote.operate("InspectExecution", &json!({"executionArn": arn})),
        None => all_set_aside(&remote),
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(failure) => return Ok(ExitCode::from(failure.show(screen))),
    };
    let text = match (arguments.json, arguments.execution_arn.is_some()) {
        (true, _) => format!("{answer:#}\n"),
        (false, true) => execution(&answer),
        (false, false) => set_aside(&answer),
    };
    write_stdout(text.as_bytes())?;
    if let Some(problem) = answer.get("problem").and_then(Value::as_str) {
        screen.line(&screen.paint(Paint::Caution, &format!("⚠ {problem}")));
    } else if !arguments.json && arguments.execution_arn.is_none() && text.is_empty() {
        screen.line(&screen.paint(Paint::Good, "✔ no execution is set aside"));
    }
    Ok(ExitCode::SUCCESS)
}

/// The whole list, page by page.
fn all_set_aside(remote: &Remote) -> Result<Value, Failure> {
    let (mut all, mut request) = (Vec::new(), json!({}));
    loop {
        let page = remote.operate("ListSetAside", &request)?;
        all.extend(page.get("executions").and_then(Value::as_array).into_iter().flatten().cloned());
        match page.get("nextToken").filter(|token| token.is_string()) {
            Some(token) => request = json!({"nextToken": token}),
            None => return Ok(json!({"executions": all})),
        }
    }
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// One line each: when, which, why.
fn set_aside(answer: &Value) -> String {
    let executions = answer.get("executions").and_then(Value::as_array).into_iter().flatten();
    executions.fold(String::new(), |mut out, one| {
        let _ = writeln!(
            out,
            "{}  {}  {}",
            printable(text(one, "date")),
            printable(text(one, "executionArn")),
            printable(text(one, "reason"))
        );
        out
    })
}

/// A line for each member that says something; those of lists below it.
fn execution(answer: &Value) -> String {
    let mut out = String::new();
    let members = answer.as_object().into_iter().flatten().filter(|(name, _)| *name != "problem");
    let width = members.clone().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in members {
        let lines: Vec<String> = match value {
            Value::Array(items) => items.iter().map(plain).collect(),
            value => vec![plain(value)],
        };
        for (at, line) in lines.iter().enumerate() {
            let name = if at == 0 { name } else { "" };
            let _ = writeln!(out, "{:width$}  {}", printable(name), printable(line));
        }
    }
    out
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(members) => {
            let members: Vec<String> = members.iter().map(|(name, value)| format!("{name} {}", plain(value))).collect();
            members.join(", ")
        }
        value => value.to_string(),
    }
}

/// Lets executions go on.
///
/// # Errors
/// When there is nobody to ask, or standard output cannot be written.
pub(crate) fn release(arguments: &ReleaseArgs, screen: &Screen) -> Result<ExitCode, Refusal> {
    let remote = Remote::connect(&arguments.connection, true, screen)?;
    let (mut answers, mut code) = (Vec::new(), 0);
    for arn in &arguments.execution_arns {
        match remote.operate("ReleaseExecution", &json!({"executionArn": arn})) {
            Ok(answer) => {
                let was = match answer.get("setAside") {
                    Some(aside) => format!("woken; it was set aside: {}", text(aside, "reason")),
                    None => "woken; it was not set aside".to_owned(),
                };
                screen.line(&screen.paint(Paint::Good, &format!("✔ {arn} {was}")));
                answers.push(answer);
            }
            Err(failure) => code = code.max(failure.show(screen)),
        }
    }
    if arguments.json {
        write_stdout(format!("{:#}\n", Value::from(answers)).as_bytes())?;
    }
    Ok(ExitCode::from(code))
}
