//! Tasks that programs do (`--task PATTERN=COMMAND`).
//!
//! A program gets what the function would get on standard input and prints the answer. Programs run at the same time as one
//! another, in real time, each in a process group of its own, so that what it started ends with it.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use statewright_interpreter::Value;
use statewright_interpreter::command::StartTask;
use statewright_interpreter::definition::choice::Pattern as Glob;
use statewright_interpreter::definition::{Pattern, Resource};
use statewright_interpreter::error::ErrorName;
use statewright_interpreter::payload::Document;

use super::answer::Outcome;
use crate::refusal::Refusal;

/// More output than this is not read: 16 MiB.
const OUTPUT_BYTES_MAX: u64 = 16 << 20;
/// How much of the end of standard error becomes the cause.
const CAUSE_BYTES: usize = 2000;
/// How long to wait for output that is still on its way after the program has ended.
const OUTPUT_WAIT: Duration = Duration::from_secs(2);

/// `--task PATTERN=COMMAND`
#[derive(Debug)]
pub(crate) struct Rule {
    /// As given.
    pub(crate) text: String,
    pattern: Glob,
    /// What to run with `sh -c`.
    pub(crate) command: String,
}

impl Rule {
    /// Reads `PATTERN=COMMAND`.
    ///
    /// # Errors
    /// When one of the two is missing.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let parts = text.split_once('=').map(|(pattern, command)| (pattern.trim(), command.trim()));
        let Some((pattern, command)) = parts.filter(|(pattern, command)| !pattern.is_empty() && !command.is_empty()) else {
            return Err(Refusal::new(format!("`--task {text}` is not of the form PATTERN=COMMAND"))
                .help("for example `--task 'ChargeCard=node charge.js'`; `*` in the pattern stands for anything"));
        };
        let glob = Glob::parse(pattern).ok_or_else(|| {
            Refusal::new(format!("`--task {text}`: a backslash in a pattern must stand before `*` or another one"))
        })?;
        Ok(Self { text: text.to_owned(), pattern: glob, command: command.to_owned() })
    }

    /// Whether it is for this task: by resource, function or state.
    pub(crate) fn matches(&self, task: &StartTask) -> bool {
        names(task).iter().any(|name| self.pattern.matches(name))
    }
}

/// Everything a task may be called by.
fn names(task: &StartTask) -> Vec<String> {
    let mut names = vec![task.state.to_string(), task.resource.arn().to_string()];
    match &task.resource {
        Resource::Lambda { arn } => names.extend(function_names(arn)),
        Resource::Activity { arn } => names.extend(arn.rsplit(':').next().map(str::to_owned)),
        Resource::Service { resource_type, resource, .. } => {
            names.push(format!("{resource_type}:{resource}"));
            if let Some(action) = resource.split('.').next() {
                names.push(format!("{resource_type}:{action}"));
            }
            if &**resource_type == "lambda"
                && let Some(function) = task.parameters.value().get("FunctionName").and_then(Value::as_str)
            {
                names.extend(function_names(function));
            }
        }
    }
    names
}

/// A function's name as given, by itself, and without version or alias.
fn function_names(function: &str) -> Vec<String> {
    let name = function.split_once(":function:").map_or(function, |(_, name)| name);
    let unqualified = name.split(':').next().unwrap_or(name);
    let mut names = vec![function.to_owned(), name.to_owned(), unqualified.to_owned()];
    if let Some(qualifier) = name.strip_prefix(unqualified).filter(|qualifier| !qualifier.is_empty()) {
        names.extend(function.strip_suffix(qualifier).map(str::to_owned));
    }
    names
}

/// A program to run.
#[derive(Debug)]
pub(crate) struct Program {
    command: String,
    state: Arc<str>,
    resource: Resource,
    stdin: String,
    token: Option<Arc<str>>,
    attempt: u32,
    /// After how many seconds it is ended, and whether the state says so.
    limit: (Duration, Limit),
}

/// Who limits a program's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    /// `TimeoutSeconds`: the state times out.
    State,
    /// `--task-timeout`: the task fails.
    Default,
}

/// What became of a program.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Which one, by the number it was started with.
    pub(crate) number: u64,
    /// What its task comes to; for `lambda:invoke` without the envelope.
    pub(crate) outcome: Outcome,
}

/// A program that runs; dropping it does not end it.
#[derive(Debug)]
pub(crate) struct Running {
    ended: Arc<AtomicBool>,
    process: Arc<Mutex<Option<u32>>>,
}

impl Running {
    /// Ends it, and what it started.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        if let Some(process) = *self.process.lock().unwrap_or_else(PoisonError::into_inner) {
            end_group(process);
        }
    }
}

impl Program {
    /// The program of `rule` for `task`, which is invocation number `attempt` of its state.
    pub(crate) fn new(rule: &Rule, task: &StartTask, attempt: u32, default_limit: Duration) -> Self {
        let parameters = task.parameters.value();
        let stdin = match &task.resource {
            Resource::Service { resource_type, .. } if &**resource_type == "lambda" => {
                parameters.get("Payload").map_or_else(|| "{}".to_owned(), ToString::to_string)
            }
            Resource::Lambda { .. } | Resource::Activity { .. } | Resource::Service { .. } => task.parameters.text().into_owned(),
        };
        let own = task.timeout_seconds.map(|seconds| (Duration::from_secs(seconds.into()), Limit::State));
        Self {
            command: rule.command.clone(),
            state: Arc::clone(&task.state),
            resource: task.resource.clone(),
            stdin,
            token: task.token.clone(),
            attempt,
            limit: own.unwrap_or((default_limit, Limit::Default)),
        }
    }

    /// Starts it. What becomes of it is sent to `finished`, once.
    pub(crate) fn start(self, number: u64, finished: impl Fn(Finished) + Send + 'static) -> Running {
        let running = Running { ended: Arc::default(), process: Arc::default() };
        let (ended, process) = (Arc::clone(&running.ended), Arc::clone(&running.process));
        thread::spawn(move || finished(Finished { number, outcome: self.run(&ended, &process) }));
        running
    }

    fn run(&self, ended: &AtomicBool, process: &Mutex<Option<u32>>) -> Outcome {
        let mut command = Command::new("sh");
        command.arg("-c").arg(&self.command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("STATE_NAME", &*self.state).env("STATE_ATTEMPT", self.attempt.to_string());
        command.env("TASK_RESOURCE", &**self.resource.arn());
        match &self.token {
            Some(token) => command.env("TASK_TOKEN", &**token),
            None => command.env_remove("TASK_TOKEN"),
        };
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => return self.failed(&format!("`sh`, which runs it, could not be started: {error}")),
        };
        *process.lock().unwrap_or_else(PoisonError::into_inner) = Some(child.id());
        live().insert(child.id());
        self.feed(&mut child);
        let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
        let waited = self.wait(&mut child, ended);
        *process.lock().unwrap_or_else(PoisonError::into_inner) = None;
        live().remove(&child.id());
        // What it left running would keep its output open.
        end_group(child.id());
        let stdout = stdout.recv_timeout(OUTPUT_WAIT).unwrap_or_default();
        let stderr = stderr.recv_timeout(OUTPUT_WAIT).unwrap_or_default();
        match waited {
            Waited::Exited(status) => self.outcome(status, &stdout, &stderr),
            Waited::OutOfTime if self.limit.1 == Limit::State => Outcome::Silence,
            Waited::OutOfTime => {
                let seconds = self.limit.0.as_secs();
                self.failed(&format!("it was ended after {seconds} s (`--task-timeout`){}", tail(&stderr)))
            }
            Waited::Ended => Outcome::Silence,
            Waited::Lost(error) => self.failed(&format!("it was lost: {error}")),
        }
    }

    /// Hands it its input, on the side: it may print before it has read everything, or read nothing.
    fn feed(&self, child: &mut Child) {
        if let Some(mut stdin) = child.stdin.take() {
            let text = self.stdin.clone();
            thread::spawn(move || {
                let _ = stdin.write_all(text.as_bytes());
            });
        }
    }

    fn wait(&self, child: &mut Child, ended: &AtomicBool) -> Waited {
        let started = Instant::now();
        let mut pause = Duration::from_micros(500);
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Waited::Exited(status),
                Ok(None) => {}
                Err(error) => return Waited::Lost(error),
            }
            let over = started.elapsed() >= self.limit.0;
            if over || ended.load(Ordering::SeqCst) {
                end_group(child.id());
                let _ = child.kill();
                let _ = child.wait();
                return if over { Waited::OutOfTime } else { Waited::Ended };
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        }
    }

    fn outcome(&self, status: ExitStatus, stdout: &[u8], stderr: &[u8]) -> Outcome {
        if !status.success() {
            return self.named_failure(stdout).unwrap_or_else(|| self.failed(&format!("{}{}", exit(status), tail(stderr))));
        }
        if stdout.len() as u64 > OUTPUT_BYTES_MAX {
            return self.failed(&format!("it printed more than {} MiB", OUTPUT_BYTES_MAX >> 20));
        }
        let text = String::from_utf8_lossy(stdout);
        let text = text.trim();
        // A function that returns nothing returns null.
        let text = if text.is_empty() { "null" } else { text };
        match Document::parse(text) {
            Ok(document) => Outcome::Succeeded(document),
            Err(error) => {
                let begin = crate::screen::shortened(&crate::screen::printable(text), 80);
                self.failed(&format!("it printed something that is not JSON ({error}): {begin}"))
            }
        }
    }

    /// `{"errorType": …, "errorMessage": …}` on the last line of the output.
    fn named_failure(&self, stdout: &[u8]) -> Option<Outcome> {
        let text = String::from_utf8_lossy(stdout);
        let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
        let value = Value::parse(line).ok()?;
        let error = value.get("errorType").and_then(Value::as_str)?;
        // A function's whole answer is the cause, as the service has it.
        let message = value.get("errorMessage").and_then(Value::as_str);
        let cause = if self.is_lambda() { line } else { message.unwrap_or_default() };
        Some(Outcome::failed(error, cause))
    }

    fn failed(&self, what: &str) -> Outcome {
        let error = if self.is_lambda() { "Lambda.Unknown" } else { ErrorName::TASK_FAILED };
        Outcome::failed(error, format!("the program `{}` for state `{}` failed: {what}", self.command, self.state))
    }

    fn is_lambda(&self) -> bool {
        match &self.resource {
            Resource::Lambda { .. } => true,
            Resource::Service { resource_type, pattern, .. } => {
                &**resource_type == "lambda" && *pattern == Pattern::RequestResponse
            }
            Resource::Activity { .. } => false,
        }
    }
}

/// The programs that run now, by their process.
fn live() -> MutexGuard<'static, BTreeSet<u32>> {
    static LIVE: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends every program, and what they started: this process ends.
pub(crate) fn end_all() {
    for &process in live().iter() {
        end_group(process);
    }
}

enum Waited {
    Exited(ExitStatus),
    OutOfTime,
    Ended,
    Lost(std::io::Error),
}

/// Reads everything on the side, so that the program never waits for us.
fn collect(stream: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver): (Sender<Vec<u8>>, _) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.by_ref().take(OUTPUT_BYTES_MAX + 1).read_to_end(&mut bytes);
            // The rest is read and forgotten.
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        }
        let _ = sender.send(bytes);
    });
    receiver
}

fn exit(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let name = nix::sys::signal::Signal::try_from(signal).map_or_else(|_| String::new(), |signal| format!(" ({signal})"));
        return format!("it died by signal {signal}{name}");
    }
    match status.code() {
        // What a shell says of a program it ran that died by a signal.
        Some(code) if code > 128 => format!("exit code {code} (signal {})", code - 128),
        Some(code) => format!("exit code {code}"),
        None => "it ended without exit code".to_owned(),
    }
}

/// The end of standard error, if there is anything.
fn tail(stderr: &[u8]) -> String {
    let end = stderr.get(stderr.len().saturating_sub(CAUSE_BYTES)..).unwrap_or(stderr);
    let text = String::from_utf8_lossy(end);
    let text = text.trim().trim_start_matches('\u{fffd}');
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

#[cfg(unix)]
fn end_group(process: u32) {
    use nix::sys::signal::{Signal, killpg};
    use nix::unistd::Pid;
    if let Ok(process) = i32::try_from(process) {
        let _ = killpg(Pid::from_raw(process), Signal::SIGKILL);
    }
}

#[cfg(not(unix))]
fn end_group(_process: u32) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_goes_by_many_names() {
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:Charge:live";
        let names = function_names(arn);
        for name in [arn, "Charge:live", "Charge", "arn:aws:lambda:us-east-1:123456789012:function:Charge"] {
            assert!(names.iter().any(|known| known == name), "{name}");
        }
        assert_eq!(function_names("Charge"), ["Charge", "Charge", "Charge"]);
    }

    #[test]
    fn a_rule_needs_both_sides() {
        assert_eq!(Rule::parse("Charge=jq . | cat=x").unwrap().command, "jq . | cat=x");
        for wrong in ["Charge", "=x", "Charge=", r"a\b=x"] {
            assert!(Rule::parse(wrong).is_err(), "{wrong}");
        }
    }
}
