//! What tests run against besides our own code: a DynamoDB, an emulator of more of AWS, and the clients that users have.
//!
//! Everything is fetched once from the ordinary registries, in pinned versions, into `tools` in the target folder (or the folder that
//! `STATEWRIGHT_TOOLS` names, which several checkouts may share). What runs listens on the loopback only, on a port nobody else has,
//! keeps its data in a folder of its own that goes with it, knows no credentials but the word `test`, and ends when we end.

mod fetch;
mod server;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use server::Server;

/// Components that run, and what a test is told of them.
pub(crate) struct Components {
    environment: Vec<(&'static str, String)>,
    /// The ones that are not there, and why.
    pub(crate) missing: Vec<String>,
    _servers: Vec<Server>,
}

impl Components {
    /// Fetches what is not there yet, starts what runs, and says what is missing.
    ///
    /// An endpoint that the environment names already is left as it is: whoever has another DynamoDB points the tests at it.
    pub(crate) fn start() -> Self {
        let mut components = Self::start_table();
        let python = fetch::python();
        if let Err(error) = &python {
            components.missing.push(format!("Python packages: {error:#}"));
        }
        if let Ok(python) = python {
            components.endpoint("STATEWRIGHT_AWS_ENDPOINT", "ministack", || server::ministack(&python));
            components.environment.push(("STATEWRIGHT_PYTHON", python.join("bin/python").to_string_lossy().into_owned()));
        }
        components
    }

    /// As [`start`](Self::start), but only the DynamoDB.
    pub(crate) fn start_table() -> Self {
        let mut components = Self { environment: Vec::new(), missing: Vec::new(), _servers: Vec::new() };
        components.endpoint("STATEWRIGHT_DYNAMODB_ENDPOINT", "dynoxide", || server::dynoxide(&fetch::dynoxide()?));
        components
    }

    fn endpoint(&mut self, variable: &'static str, name: &str, start: impl FnOnce() -> anyhow::Result<Server>) {
        if std::env::var_os(variable).is_some_and(|endpoint| !endpoint.is_empty()) {
            return;
        }
        match start() {
            Ok(server) => {
                self.environment.push((variable, server.endpoint()));
                self._servers.push(server);
            }
            Err(error) => self.missing.push(format!("{name}: {error:#}")),
        }
    }

    /// Tells `command` where they are, and keeps it from everybody's account.
    pub(crate) fn tell(&self, command: &mut Command) {
        command
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env_remove("AWS_PROFILE")
            .env_remove("AWS_SESSION_TOKEN");
    }
}

/// Whether a missing component is an error, as in continuous integration.
pub(crate) fn are_required() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

/// `cargo xtask with [COMMAND...]`: runs a command beside the components, or only says where they are.
pub(crate) fn with(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let components = Components::start();
    for missing in &components.missing {
        eprintln!("MISSING {missing}");
    }
    let [program, rest @ ..] = arguments else {
        for (name, value) in &components.environment {
            println!("{name}={value}");
        }
        return Ok(if components.missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) });
    };
    let mut command = Command::new(program);
    components.tell(command.args(rest));
    Ok(if crate::shell::succeeds(&mut command)? { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// A Python that has the emulator, boto3 and the AWS command line.
pub(crate) fn python() -> anyhow::Result<PathBuf> {
    Ok(fetch::python()?.join("bin/python"))
}

/// The folder of what was fetched.
fn tools() -> PathBuf {
    let named = std::env::var_os("STATEWRIGHT_TOOLS").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    named.unwrap_or_else(|| crate::shell::target().join("tools"))
}
