//! Commands that talk to a deployment, or to AWS Step Functions: where it is, in whose name, and what it answers.

pub(crate) mod deploy;
pub(crate) mod operate;
pub(crate) mod proxy;
pub(crate) mod remove;

mod account;
pub(crate) mod profile;
mod record;

use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use serde_json::Value;
use statewright_integrations::caller::{CallError, Caller, Endpoints, Settings};
use statewright_integrations::service::{Protocol, STEP_FUNCTIONS, Service};
use statewright_integrations::shape::Names;
use statewright_integrations::{Request, Response};

use self::profile::Sources;
use crate::cli::ConnectionArgs;
use crate::refusal::Refusal;
use crate::screen::Screen;

/// How long an answer is waited for.
const ANSWER: Duration = Duration::from_secs(60);
/// How much of an answer that is not understood is shown.
const SHOWN_CHARACTERS: usize = 300;

/// Operators' operations: signed as those of Step Functions are, with targets of their own.
static OPERATORS: Service = Service {
    name: "states",
    variable: "SFN",
    prefix: "Statewright",
    client: "Statewright",
    unmodelled: "StatewrightException",
    errors: &[],
    protocol: Protocol::Json { content_type: "application/x-amz-json-1.0", target: "Statewright", names: Names::Camel },
};

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The other side says no.
    Refused {
        /// The operation.
        operation: &'static str,
        /// The status of the answer; nothing where the answer to another question says so.
        status: Option<u16>,
        /// The error's name.
        code: String,
        /// What is wrong.
        message: String,
    },
    /// The call was wrong, or nobody was reached.
    Wrong(Refusal),
    /// The other side says no, which is on the screen already.
    Shown,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Wrong(refusal)
    }
}

impl Failure {
    /// Prints it: the exit code, 1 where the other side said no.
    pub(crate) fn show(self, screen: &Screen) -> u8 {
        match self {
            Self::Refused { operation, code, message, status: _ } => {
                let refusal = Refusal::new(format!("{operation} was refused: {code}: {message}"));
                screen.refuse(&with_help(refusal, &code));
                1
            }
            Self::Wrong(refusal) => {
                screen.refuse(&refusal);
                2
            }
            Self::Shown => 1,
        }
    }

    /// The error's name.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            Self::Wrong(_) | Self::Shown => None,
        }
    }

    /// Whether what was asked for was certainly not done. What fails on the way back (5xx), or was refused one of several times that it was
    /// sent (429), may have been.
    pub(crate) fn has_done_nothing(&self) -> bool {
        matches!(self, Self::Refused { status: Some(400..=428 | 430..=499), .. })
    }
}

fn with_help(refusal: Refusal, code: &str) -> Refusal {
    match code {
        "UnrecognizedClientException" | "InvalidClientTokenId" => refusal
            .help("the endpoint does not know this access key: see AWS_ACCESS_KEY_ID, AWS_PROFILE and --profile")
            .help("the keys of a deployment come without a session token: with AWS_SESSION_TOKEN set, take a profile for them"),
        "UnknownOperationException" => refusal.help("is this a deployment of statewright? see --endpoint-url"),
        "HTTP 403" => refusal.help("the URL of a function with IAM authorization is reached through `statewright proxy`"),
        _ => refusal,
    }
}

/// Somebody who answers.
pub(crate) struct Remote {
    caller: Caller,
    runtime: tokio::runtime::Runtime,
    /// Where the endpoint is, as records name it.
    pub(crate) endpoint: String,
    /// Whether it is Step Functions itself, for all that is known.
    pub(crate) is_aws: bool,
}

impl Remote {
    /// Whoever the arguments, the environment and the profile name. `deployment` says that AWS itself will not do.
    ///
    /// # Errors
    /// When no region, no credentials or no endpoint is named.
    pub(crate) fn connect(arguments: &ConnectionArgs, deployment: bool, screen: &Screen) -> Result<Self, Refusal> {
        let sources = Sources::new(arguments.profile.clone());
        let region = sources.region(arguments.region.as_deref())?;
        sources.check()?;
        let named =
            arguments.endpoint_url.clone().or_else(|| variable("AWS_ENDPOINT_URL_SFN")).or_else(|| variable("AWS_ENDPOINT_URL"));
        let named = if named.is_none() { sources.endpoint()? } else { named };
        if deployment && named.is_none() {
            return Err(Refusal::new("there is no endpoint to ask").help(
                "name the deployment's with --endpoint-url URL, in AWS_ENDPOINT_URL_SFN, or as endpoint_url of the profile",
            ));
        }
        let is_aws = named.is_none();
        let variables = named.iter().map(|url| checked(url, screen).map(|url| ("AWS_ENDPOINT_URL".to_owned(), url)));
        let endpoints = Endpoints::from_variables(variables.collect::<Result<Vec<_>, _>>()?);
        let endpoint = named.unwrap_or_else(|| format!("AWS {region}"));
        let credentials = SharedCredentialsProvider::new(sources);
        let caller = Caller::new(Settings { region, endpoints, credentials, answer: Settings::ANSWER });
        Ok(Self { caller, runtime: runtime()?, endpoint, is_aws })
    }

    /// Calls an operation of the API.
    pub(crate) fn call(&self, operation: &'static str, parameters: &Value) -> Result<Value, Failure> {
        self.ask(&STEP_FUNCTIONS, "AWSStepFunctions", operation, parameters)
    }

    /// Calls an operator's operation.
    pub(crate) fn operate(&self, operation: &'static str, parameters: &Value) -> Result<Value, Failure> {
        self.ask(&OPERATORS, "Statewright", operation, parameters)
    }

    fn ask(&self, service: &'static Service, target: &str, operation: &'static str, parameters: &Value) -> Result<Value, Failure> {
        let request = Request {
            service,
            endpoint: None,
            method: "POST",
            path: "/".to_owned(),
            headers: vec![
                ("content-type", "application/x-amz-json-1.0".to_owned()),
                ("x-amz-target", format!("{target}.{operation}")),
            ],
            body: parameters.to_string().into_bytes(),
        };
        let answer = self.runtime.block_on(async { tokio::time::timeout(ANSWER, self.caller.forward(&request)).await });
        let late = || Refusal::new(format!("`{}` did not answer {operation} within {} seconds", self.endpoint, ANSWER.as_secs()));
        match answer.map_err(|_| late())? {
            Ok(Ok(response)) => self.read(operation, &response),
            Ok(Err(error)) => Err(Refusal::new(format!("`{}` could not be asked: {error}", self.endpoint))
                .help("is the endpoint right, and is it up? see --endpoint-url")
                .into()),
            Err(error) => Err(unsent(&error).into()),
        }
    }

    fn read(&self, operation: &'static str, response: &Response) -> Result<Value, Failure> {
        let text = String::from_utf8_lossy(&response.body);
        let shown = || crate::screen::shortened(text.trim(), SHOWN_CHARACTERS);
        let value = serde_json::from_str::<Value>(&text).ok().filter(Value::is_object);
        if response.is_success() {
            let strange = || Refusal::new(format!("`{}` answered {operation} with something else: {}", self.endpoint, shown()));
            return value.ok_or_else(|| strange().help("is it the endpoint of the Step Functions API?").into());
        }
        let member = |name: &str| value.as_ref()?.get(name)?.as_str().map(str::to_owned);
        // "com.amazonaws.states#InvalidArn"
        let code = member("__type").map(|code| code.rsplit('#').next().unwrap_or_default().to_owned());
        let message = member("message").or_else(|| member("Message")).unwrap_or_else(shown);
        let (status, code) = (response.status, code.unwrap_or_else(|| format!("HTTP {}", response.status)));
        Err(Failure::Refused { operation, status: Some(status), code, message })
    }
}

/// Why nothing was sent.
pub(crate) fn unsent(error: &CallError) -> Refusal {
    Refusal::new(error.to_string())
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Refusal> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Refusal::new(format!("the network cannot be used: {error}")))
}

/// A variable of the environment that says something.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// An endpoint's URL.
///
/// # Errors
/// When it is none.
pub(crate) fn checked(url: &str, screen: &Screen) -> Result<String, Refusal> {
    let wrong = || Refusal::new(format!("`{url}` is not the URL of an endpoint")).help("write https://HOST or http://HOST:PORT");
    let uri: http::Uri = url.parse().map_err(|_| wrong())?;
    let (scheme, host) = (uri.scheme_str(), uri.host().filter(|host| !host.is_empty()).ok_or_else(wrong)?);
    match scheme {
        Some("https") => {}
        Some("http") if is_loopback(host) => {}
        Some("http") => screen.note(&format!("`{url}` is not encrypted: whoever listens reads everything, and may send it again")),
        Some(_) | None => return Err(wrong()),
    }
    if uri.query().is_some() { Err(wrong()) } else { Ok(url.trim_end_matches('/').to_owned()) }
}

/// Whether a host's name is this machine's own.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost")
        || host.to_ascii_lowercase().ends_with(".localhost")
        || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_its_names() {
        for own in ["localhost", "LOCALHOST", "a.localhost", "127.0.0.1", "127.1.2.3", "[::1]"] {
            assert!(is_loopback(own), "{own}");
        }
        for other in ["localhost.example.org", "10.0.0.1", "127.0.0.1.example.org", "", "[::2]"] {
            assert!(!is_loopback(other), "{other}");
        }
    }
}
