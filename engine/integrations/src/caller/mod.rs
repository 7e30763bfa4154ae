//! Sends what tasks ask for: signs, waits as long as the task may take, and says what came of it.
//!
//! Nothing is sent twice. Whether a call whose answer was lost was carried out is not known, and few operations know a call that is
//! repeated; so a lost answer is the service's own client error (`Lambda.SdkClientException`), which the state's Retry judges, as it
//! does in the service. What is delivered to a host twice is sent twice: a function finds the attempt's name in its client context
//! (`statewrightExecutionArn`, `statewrightTaskId`), and an execution is started under a name that follows from the attempt.

mod endpoints;
mod http;
mod roles;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use statewright_interpreter::event::Event;

pub use self::endpoints::Endpoints;
pub use self::roles::Environment;

use crate::outcome::{Outcome, Response, TransportError, outcome, waits_for_job};
use crate::request::{Request, RequestError, request};
use crate::service::{LAMBDA, S3, STEP_FUNCTIONS, Service};
use crate::task::{Origin, Task};
use crate::{failure, nested};

/// How long a function may take, and the time its answer needs on the way. Source: Lambda developer guide, "Lambda quotas": 900 seconds.
const FUNCTION_SECONDS: u64 = 910;
/// How long [`put`] waits. Ours.
const PUT_SECONDS: u64 = 60;

/// Why a task could not be carried out, and nothing can be said to its execution yet.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// There is nobody to call as, or the service does not know who calls: credentials that have ended or are wrong, or a clock that
    /// is. Nothing was done: deliver the task again later, and tell the operator. An execution has no part in it.
    #[error("no credentials: {0}")]
    Credentials(String),
    /// STS was of no help. Nothing was called: deliver the task again later.
    #[error("could not assume `{role_arn}`: {message}")]
    Role {
        /// The role.
        role_arn: String,
        /// Why.
        message: String,
    },
    /// The endpoint or the signature cannot be made: a setting is wrong. Nothing was called: tell the operator.
    #[error("the request to {service} cannot be made: {message}")]
    Request {
        /// The service.
        service: &'static str,
        /// Why.
        message: String,
    },
    /// The task is not one that is called. See what [`RequestError::event`] has for its execution.
    #[error(transparent)]
    Task(#[from] RequestError),
}

/// Answers requests to a service in this process: a host that is itself the Step Functions that its executions start executions in.
pub trait Handler: Send + Sync {
    /// The answer to what the execution with the ARN `asking` wants; without one it is the host itself that asks. Requests are as they would
    /// be sent, but not signed. The answer's headers are shown in the task's result.
    fn handle<'a>(&'a self, request: &'a Request, asking: Option<&'a str>) -> HandlerFuture<'a>;
}

/// What [`Handler::handle`] gives.
pub type HandlerFuture<'a> = Pin<Box<dyn Future<Output = Result<Response, TransportError>> + Send + 'a>>;

/// What a caller needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The region to call in, which signatures name.
    pub region: String,
    /// Where services are, if not where AWS has them.
    pub endpoints: Endpoints,
    /// Who calls, where no role is named, and who assumes the roles.
    pub credentials: SharedCredentialsProvider,
    /// How long a service is waited for that is no function.
    pub answer: Duration,
}

impl Settings {
    /// For as long as nobody says otherwise. Ours.
    pub const ANSWER: Duration = Duration::from_secs(60);
}

/// Sends requests. One is enough for a process: it keeps connections and the credentials of roles.
pub struct Caller {
    settings: Settings,
    http: http::Client,
    roles: roles::Cache,
    handlers: HashMap<&'static str, Arc<dyn Handler>>,
}

impl Caller {
    /// A caller.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, http: http::Client::new(), roles: roles::Cache::default(), handlers: HashMap::new() }
    }

    /// Has requests to `service` answered by `handler` instead of sending them.
    #[must_use]
    pub fn with_handler(mut self, service: &'static Service, handler: Arc<dyn Handler>) -> Self {
        self.handlers.insert(service.name, handler);
        self
    }

    /// Carries a task out. The host says [`Event::TaskStarted`] before.
    ///
    /// # Errors
    /// When nothing was called and the execution need not know.
    pub async fn run(&self, task: &Task, origin: &Origin<'_>) -> Result<Outcome, CallError> {
        let request = request(task, origin)?;
        let mut answer = self.call(&request, task, origin).await?;
        if let Ok(response) = &answer
            && let Some(arn) = repeated(&request, task, origin, response)
        {
            answer = self.call(&nested::describe(&arn), task, origin).await?;
            if let Ok(description) = &answer
                && description.is_success()
            {
                answer = Ok(nested::started(description));
            }
        }
        Ok(outcome(task, &answer))
    }

    /// What the end of the execution that a submitted `.sync` task has started is to its own; `None` as long as it goes on. How often to
    /// ask is the host's choice.
    ///
    /// # Errors
    /// When nothing was called. An answer that is lost is `None`: ask again.
    pub async fn ended(&self, task: &Task, origin: &Origin<'_>, execution_arn: &str) -> Result<Option<Event>, CallError> {
        if !waits_for_job(task) {
            return Ok(None);
        }
        let answer = self.call(&nested::describe(execution_arn), task, origin).await?;
        Ok(answer.ok().and_then(|description| nested::ended(task, &description)))
    }

    /// Stops the execution that a `.sync` task has started and whose result is not wanted any more. Whether it was still running, or could
    /// be stopped, changes nothing for the task's own execution.
    ///
    /// # Errors
    /// When nothing was called.
    pub async fn stop(
        &self,
        task: &Task,
        origin: &Origin<'_>,
        execution_arn: &str,
    ) -> Result<Result<Response, TransportError>, CallError> {
        self.call(&nested::stop(execution_arn), task, origin).await
    }

    async fn call(
        &self,
        request: &Request,
        task: &Task,
        origin: &Origin<'_>,
    ) -> Result<Result<Response, TransportError>, CallError> {
        let is_function = *request.service == LAMBDA;
        let longest = if is_function { Duration::from_secs(FUNCTION_SECONDS) } else { self.settings.answer };
        let own = task.timeout_seconds.map(|seconds| Duration::from_secs(seconds.into())).filter(|own| *own <= longest);
        let roles = [origin.role_arn, task.credentials_role_arn.as_deref()];
        let sent = self.send_for(request, roles.into_iter().flatten(), Some(origin.execution_arn));
        match tokio::time::timeout(own.unwrap_or(longest), sent).await {
            Ok(answer) => answer,
            Err(_) if own.is_some() => Ok(Err(TransportError::TaskTimedOut)),
            Err(_) => Ok(Err(TransportError::TimedOut)),
        }
    }

    /// Sends any request, in the name of the last of `roles`, each of which the one before assumes; without a role in the host's own name.
    /// There is no time limit but the caller's own.
    ///
    /// # Errors
    /// When nothing was called.
    pub async fn send(
        &self,
        request: &Request,
        roles: impl IntoIterator<Item = &str>,
    ) -> Result<Result<Response, TransportError>, CallError> {
        self.send_for(request, roles, None).await
    }

    async fn send_for(
        &self,
        request: &Request,
        roles: impl IntoIterator<Item = &str>,
        asking: Option<&str>,
    ) -> Result<Result<Response, TransportError>, CallError> {
        if let Some(handler) = self.handlers.get(request.service.name) {
            return Ok(handler.handle(request, asking).await);
        }
        let credentials = match self.credentials(roles).await? {
            Ok(credentials) => credentials,
            Err(refused) => return Ok(Err(refused)),
        };
        self.sign_and_send(request, credentials).await
    }

    async fn own_credentials(&self) -> Result<Credentials, CallError> {
        self.settings.credentials.provide_credentials().await.map_err(|error| CallError::Credentials(http::chain(&error)))
    }

    async fn sign_and_send(
        &self,
        request: &Request,
        credentials: Credentials,
    ) -> Result<Result<Response, TransportError>, CallError> {
        let answer = self.sign_and_forward(request, credentials).await?;
        if let Ok(response) = &answer
            && let Some(code) = failure::code(request.service, response).filter(|code| !response.is_success() && is_of_caller(code))
        {
            self.roles.clear();
            return Err(CallError::Credentials(format!("{}: {code}", request.service.name)));
        }
        Ok(answer)
    }

    /// Sends any request in the host's own name, and gives the answer whatever it says: for hosts that hand it on, or show it. There is no
    /// time limit but the caller's own.
    ///
    /// # Errors
    /// When nothing was sent.
    pub async fn forward(&self, request: &Request) -> Result<Result<Response, TransportError>, CallError> {
        let credentials = self.own_credentials().await?;
        self.sign_and_forward(request, credentials).await
    }

    async fn sign_and_forward(
        &self,
        request: &Request,
        credentials: Credentials,
    ) -> Result<Result<Response, TransportError>, CallError> {
        let endpoint = self.settings.endpoints.of(request, &self.settings.region);
        let signed = self.signed(request, &endpoint, credentials);
        let signed = signed.map_err(|message| CallError::Request { service: request.service.name, message })?;
        Ok(self.http.send(signed).await)
    }

    fn signed(&self, request: &Request, endpoint: &str, credentials: Credentials) -> Result<::http::Request<Vec<u8>>, String> {
        let uri = format!("{}{}", endpoint.trim_end_matches('/'), request.path);
        let mut unsigned = ::http::Request::builder().method(request.method).uri(&uri);
        for (name, value) in &request.headers {
            unsigned = unsigned.header(*name, value);
        }
        let mut unsigned = unsigned.body(request.body.clone()).map_err(|error| format!("{uri}: {error}"))?;
        let identity = credentials.into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.settings.region)
            .name(request.service.name)
            .time(SystemTime::now())
            .settings(signing_settings(request.service))
            .build();
        let params = params.map_err(|error| http::chain(&error))?.into();
        let headers = request.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let signable = SignableRequest::new(request.method, uri, headers, SignableBody::Bytes(&request.body));
        let signature = signable.and_then(|signable| sign(signable, &params)).map_err(|error| http::chain(&error))?;
        let (instructions, _signature) = signature.into_parts();
        instructions.apply_to_request_http1x(&mut unsigned);
        Ok(unsigned)
    }
}

/// How requests to a service are signed. S3 takes the path as it is, and wants the hash of the body in a header.
///
/// Source: IAM user guide, "Create a signed AWS API request".
fn signing_settings(service: &Service) -> SigningSettings {
    let mut settings = SigningSettings::default();
    if *service == S3 {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    settings
}

/// Puts `body` at a URL that says itself who may: one that S3 has signed in advance.
///
/// # Errors
/// When nothing answered.
pub async fn put(url: &str, body: Vec<u8>) -> Result<Response, TransportError> {
    // Nothing but the host: a header that the URL was not signed with would be refused.
    let request = ::http::Request::builder().method("PUT").uri(url).body(body);
    let request = request.map_err(|error| TransportError::Connect(format!("{url} is no URL: {error}")))?;
    match tokio::time::timeout(Duration::from_secs(PUT_SECONDS), http::Client::new().send(request)).await {
        Ok(answer) => answer,
        Err(_) => Err(TransportError::TimedOut),
    }
}

/// Whether an error says that the service did not look at the request, since it does not know who sends it.
///
/// Source: IAM user guide, "Troubleshoot Signature Version 4 signing", and the errors that the services' API references call common.
fn is_of_caller(code: &str) -> bool {
    let code = code.strip_suffix("Exception").unwrap_or(code);
    matches!(
        code,
        "ExpiredToken"
            | "IncompleteSignature"
            | "InvalidClientTokenId"
            | "InvalidSignature"
            | "MissingAuthenticationToken"
            | "RequestExpired"
            | "SignatureDoesNotMatch"
            | "UnrecognizedClient"
    )
}

fn repeated(request: &Request, task: &Task, origin: &Origin<'_>, response: &Response) -> Option<String> {
    (*request.service == STEP_FUNCTIONS).then(|| nested::repeated(task, origin, response)).flatten()
}
