//! One file of the recorded format (`aws-recorded/1`): reading it, and finding all of a folder.
//!
//! Members this module does not name are ignored; a member that is there with another type than
//! the format gives it is an error that names the file.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::calls::Call;

/// Why a case could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The file or folder cannot be read; check the path.
    #[error("`{}` cannot be read: {source}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The file is not a case; correct the file.
    #[error("`{}` is not a case: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        reason: String,
    },
}

/// What a case holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Executions with their whole histories.
    History,
    /// Executions with their final outputs alone.
    Output,
    /// Calls of `TestState`.
    TestState,
    /// Calls of the other operations.
    Api,
}

/// One recorded experiment.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    /// The file, as it was found. Not part of the format.
    #[serde(skip)]
    pub path: PathBuf,
    /// Name of the experiment; unique and stable.
    pub id: String,
    /// The folder it lies in.
    #[serde(default)]
    pub module: String,
    /// When the service answered (RFC 3339).
    #[serde(default)]
    pub recorded: Option<String>,
    /// Set if the recording is not known to repeat.
    #[serde(default)]
    pub marked: Option<String>,
    /// What the case holds.
    pub kind: Kind,
    /// Every state machine created, in order.
    #[serde(default)]
    pub machines: Vec<Machine>,
    /// Every execution started and recorded, in order.
    #[serde(default)]
    pub executions: Vec<Execution>,
    /// Every call of the API, in order.
    #[serde(default)]
    pub calls: Vec<Call>,
    /// Texts of the recorded answers and what they stood for.
    #[serde(default)]
    pub bindings: Vec<Binding>,
    /// Texts that stand for values the service made up.
    #[serde(default)]
    pub generated: Vec<String>,
    /// Regular expressions whose matches were replaced.
    #[serde(default)]
    pub patterns: Vec<Pattern>,
    /// Words that stand for values that were taken out.
    #[serde(default)]
    pub masked: Vec<String>,
    /// Names of the numbered placeholders, `<name:N>`.
    #[serde(default)]
    pub numbered: Vec<String>,
    /// Whether the events inside Parallel states lost their ids and order.
    #[serde(default)]
    pub unordered_parallel: bool,
}

/// A state machine of a case.
#[derive(Clone, Debug, Deserialize)]
pub struct Machine {
    /// Its name as sent.
    #[serde(default)]
    pub name: Option<String>,
    /// `STANDARD` or `EXPRESS`; absent means `STANDARD`.
    #[serde(default, rename = "type")]
    pub machine_type: Option<String>,
    /// The definition, parsed; `None` if the text is not JSON.
    #[serde(default)]
    pub definition: Option<Value>,
    /// The definition as sent.
    #[serde(default)]
    pub definition_text: Option<String>,
    /// The role as sent.
    #[serde(default, rename = "roleArn")]
    pub role_arn: Option<String>,
}

/// An execution of a case.
#[derive(Clone, Debug, Deserialize)]
pub struct Execution {
    /// Index into [`Case::machines`].
    pub machine: usize,
    /// The input as sent; `None` stands for `{}`.
    #[serde(default)]
    pub input_text: Option<String>,
    /// The name asked for.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether it was started with `StartSyncExecution`.
    #[serde(default)]
    pub sync: bool,
    /// The recorded answer of `GetExecutionHistory`.
    #[serde(default)]
    pub history: Option<Value>,
    /// The recorded answer of `StartSyncExecution`.
    #[serde(default)]
    pub sync_response: Option<Value>,
    /// The last event that an Express execution logged.
    #[serde(default)]
    pub end_event: Option<Value>,
    /// The recorded final output, where that is all there is.
    #[serde(default)]
    pub output: Option<Value>,
    /// The answer of `StopExecution`, if it was stopped.
    #[serde(default)]
    pub stop: Option<Value>,
    /// What a runner needs besides the interpreter.
    #[serde(default)]
    pub replay: Option<Replay>,
}

/// What a runner needs to repeat an execution.
#[derive(Clone, Debug, Deserialize)]
pub struct Replay {
    /// `pure`, `scripted`, `stopped`, ...
    pub status: String,
    /// The tasks in the order they were scheduled.
    #[serde(default)]
    pub tasks: Vec<ReplayTask>,
}

/// A recorded task call, by the events that tell of it.
#[derive(Clone, Debug, Deserialize)]
pub struct ReplayTask {
    /// The state that called it.
    pub state: String,
    /// The iteration of the innermost Map it ran in.
    #[serde(default)]
    pub iteration: Option<u32>,
    /// `lambda`, `task` or `activity`.
    pub kind: String,
    /// Id of the event that scheduled it.
    #[serde(default)]
    pub scheduled: Option<u64>,
    /// Id of its `TaskSubmitted`.
    #[serde(default)]
    pub submitted: Option<u64>,
    /// Id of the event that ended it; `None` if it was open when the execution ended.
    #[serde(default)]
    pub outcome: Option<u64>,
    /// Type of that event.
    #[serde(default)]
    pub outcome_type: Option<String>,
}

/// A text of the recorded answers and what it stood for in the requests.
#[derive(Clone, Debug, Deserialize)]
pub struct Binding {
    /// What stands in the recorded answers.
    pub text: String,
    /// What stood there.
    pub value: String,
}

/// A regular expression and what its matches were replaced by.
#[derive(Clone, Debug, Deserialize)]
pub struct Pattern {
    /// The expression, in Python's syntax.
    pub regex: String,
    /// The replacement, taken literally.
    pub text: String,
}

impl Execution {
    /// The recorded events, empty where none were recorded.
    pub fn events(&self) -> &[Value] {
        self.history.as_ref().and_then(|history| history.get("events")).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The replay status, empty where none was recorded.
    pub fn status(&self) -> &str {
        self.replay.as_ref().map_or("", |replay| &replay.status)
    }
}

/// The folder of recorded cases, from the environment variable `STATEWRIGHT_RECORDED`.
///
/// `None` if the variable is not set or empty; the caller says loudly that it skips.
pub fn load_dir() -> Option<PathBuf> {
    std::env::var_os("STATEWRIGHT_RECORDED").filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Every case file below `dir`, in the order of their paths: all `*.json` but `index.json`.
///
/// # Errors
///
/// [`CaseError::Unreadable`] if the folder, or one below it, cannot be listed.
pub fn case_files(dir: &Path) -> Result<Vec<PathBuf>, CaseError> {
    let mut files = Vec::new();
    collect(dir, &mut files)?;
    files.sort();
    Ok(files)
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> Result<(), CaseError> {
    let unreadable = |source| CaseError::Unreadable { path: dir.to_owned(), source };
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "json")
            && path.file_name().is_some_and(|name| name != "index.json")
        {
            files.push(path);
        }
    }
    Ok(())
}

/// Reads one case.
///
/// # Errors
///
/// [`CaseError`] naming the file, if it cannot be read, is no case, is of another format version,
/// or refers to a machine it does not have.
pub fn load_file(path: &Path) -> Result<Case, CaseError> {
    let text = std::fs::read_to_string(path).map_err(|source| CaseError::Unreadable { path: path.to_owned(), source })?;
    let mut case = parse(&text).map_err(|reason| CaseError::Malformed { path: path.to_owned(), reason })?;
    case.path = path.to_owned();
    if case.module.is_empty() {
        case.module = path.parent().map_or_else(String::new, |dir| dir.display().to_string());
    }
    Ok(case)
}

fn parse(text: &str) -> Result<Case, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match value.get("format").and_then(Value::as_str) {
        Some("aws-recorded/1") => {}
        Some(other) => return Err(format!("its format is `{other}`, not `aws-recorded/1`")),
        None => return Err("it has no `format`".to_owned()),
    }
    let case: Case = serde_json::from_value(value).map_err(|error| error.to_string())?;
    if let Some(execution) = case.executions.iter().find(|e| e.machine >= case.machines.len()) {
        return Err(format!("an execution refers to machine {}, which is not there", execution.machine));
    }
    if let Some((index, _)) = case.executions.iter().enumerate().find(|(_, execution)| {
        execution.history.is_some() && execution.history.as_ref().is_some_and(|h| h.get("events").is_none_or(|e| !e.is_array()))
    }) {
        return Err(format!("the history of execution {index} has no list of `events`"));
    }
    Ok(case)
}
