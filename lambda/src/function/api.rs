//! Answers the Step Functions API, and operators' operations beside it.
//!
//! **Who may call.** A request that came through IAM may: a direct invocation of the function, or its URL with `AWS_IAM`, whose events
//! have an `authorizer.iam`, which no caller can write. Every other must be signed for `states` with a key pair of the deployment.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use statewright_engine::api::signature::{KeyPair, SignedRequest, Verified, verify};
use statewright_engine::api::{self, Api, ApiError, Operation, Reply};
use statewright_engine::table::Table;
use statewright_engine::{Clock, Engine, ExpressQueue, Host, WakeQueue, operator};
use statewright_integrations::caller::{Handler, HandlerFuture};
use statewright_integrations::{Request, Response, TransportError};
use statewright_interpreter::Value;
use statewright_interpreter::time::Timestamp;

use super::Machinery;
use crate::clock::TokioTimer;
use crate::log;
use crate::tasks::{Called, TaskQueue};

/// For which account and region a function works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `aws`, `aws-cn`, …
    pub partition: String,
    /// The region.
    pub region: String,
    /// The account.
    pub account: String,
}

impl Place {
    /// That of a function, or of anything else that has an ARN with a region.
    #[must_use]
    pub fn of(arn: &str) -> Option<Self> {
        let mut parts = arn.split(':').skip(1);
        let partition = parts.next()?.to_owned();
        let (region, account) = (parts.nth(1)?.to_owned(), parts.next()?.to_owned());
        (account.len() == 12).then_some(Self { partition, region, account })
    }

    pub(super) fn caller(&self, now: Timestamp) -> api::Caller<'_> {
        let Self { partition, region, account } = self;
        api::Caller { partition, region, account, now, random: &random_u128, verified: None }
    }
}

/// Random bits of the operating system.
///
/// # Panics
/// When it has none, which makes every name and token guessable.
#[must_use]
pub fn random_u128() -> u128 {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    u128::from_le_bytes(bytes)
}

/// Random bits of the operating system.
///
/// # Panics
/// As [`random_u128`].
#[must_use]
pub fn random_u64() -> u64 {
    getrandom::u64().expect("the operating system has randomness")
}

/// A request over HTTP, as a function URL, an API Gateway or a load balancer hands it to a function, or whoever invokes it directly.
///
/// Source: Lambda developer guide, "Request and response payloads"; API Gateway developer guide, "Lambda proxy integrations".
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    /// Of payloads 2.0.
    raw_path: Option<String>,
    raw_query_string: Option<String>,
    /// Of payloads 1.0 and load balancers.
    http_method: Option<String>,
    path: Option<String>,
    query_string_parameters: Option<BTreeMap<String, Option<String>>>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
    request_context: Option<Context>,
}

#[derive(Debug, Deserialize)]
struct Context {
    authorizer: Option<Authorizer>,
    http: Option<Http>,
}

#[derive(Debug, Deserialize)]
struct Authorizer {
    iam: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct Http {
    method: String,
}

/// An answer over HTTP.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The status.
    pub status_code: u16,
    /// Names and values.
    pub headers: BTreeMap<&'static str, String>,
    /// The body.
    pub body: String,
    /// Whether the body is written in base64. It is not.
    pub is_base64_encoded: bool,
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        let Reply { status, headers, body } = reply;
        Self { status_code: status, headers: headers.into_iter().collect(), body, is_base64_encoded: false }
    }
}

/// How key pairs are found.
pub trait Keys: Send + Sync {
    /// The key pairs of the deployment, one or two; none if there are none. Those of a while ago do.
    fn keys(&self) -> impl Future<Output = Result<Vec<KeyPair>, String>> + Send;
}

/// What a function answers.
pub async fn handle<T: Table, W: WakeQueue, Q: TaskQueue, X: ExpressQueue>(
    engine: &Machinery<T, W, Q, X>,
    keys: &impl Keys,
    place: &Place,
    event: &str,
) -> Answer {
    let caller = place.caller(engine.clock().now());
    let refuse = |error: ApiError| {
        tell(&error);
        api::reply(Err(error), caller.uuid()).into()
    };
    let event: Event = match serde_json::from_str(event) {
        Ok(event) => event,
        Err(error) => {
            return refuse(ApiError::new("SerializationException", format!("The event is no request over HTTP: {error}")));
        }
    };
    let body = match (&event.body, event.is_base64_encoded) {
        (None, _) => Vec::new(),
        (Some(body), false) => body.clone().into_bytes(),
        (Some(body), true) => match STANDARD.decode(body) {
            Ok(body) => body,
            Err(error) => return refuse(ApiError::new("SerializationException", format!("The body is not base64: {error}"))),
        },
    };
    let verified = match may_call(&event, &body, keys, place, caller.now).await {
        Ok(verified) => verified,
        Err(error) => return refuse(error),
    };
    let headers = || event.headers.iter().map(|(name, value)| (&**name, &**value));
    if let Some(reply) = operator::respond(engine, headers(), &body, &caller).await {
        return reply.into();
    }
    let api = Api { table: &**engine.table(), executions: engine };
    let answer = match (api::operation(headers()), String::from_utf8(body)) {
        (Ok(operation), Ok(body)) => {
            let caller = api::Caller { verified: verified.as_ref(), ..caller };
            match may_pass_role(engine.others(), operation, &body) {
                Ok(()) => api.call(operation, &body, &caller).await,
                Err(error) => Err(error),
            }
        }
        (Err(error), _) => Err(error),
        (Ok(_), Err(_)) => Err(ApiError::new("SerializationException", "The request is not UTF-8")),
    };
    if let Err(error) = &answer {
        tell(error);
    }
    api::reply(answer, caller.uuid()).into()
}

/// Refuses a state machine that would run under a role that none may run under: whoever may create state machines is not to come by more
/// rights than the deployment has been told to give.
///
/// # Errors
/// The refusal, as IAM words it for `iam:PassRole`.
pub(super) fn may_pass_role<Q: TaskQueue>(called: &Called<Q>, operation: Operation, body: &str) -> Result<(), ApiError> {
    if !matches!(operation, Operation::CreateStateMachine | Operation::UpdateStateMachine) {
        return Ok(());
    }
    // Read as the operation reads it: of a name that is there twice both take the same. What cannot be read the operation itself refuses.
    let request = Value::parse(body).ok();
    let role = request.as_ref().and_then(|request| request.get("roleArn")?.as_str());
    match role {
        Some(role) if !called.allows_role(role) => {
            let message = format!(
                "The caller is not authorized to perform: iam:PassRole on resource: {role}: it is not among the roles that state \
                 machines of this deployment may run under (STATEWRIGHT_ROLES)"
            );
            Err(ApiError::new("AccessDeniedException", message))
        }
        Some(_) | None => Ok(()),
    }
}

/// Writes into the log what only the log is to know.
fn tell(error: &ApiError) {
    if let Some(detail) = &error.detail {
        log::warn("a request was not carried out", &[("code", &error.code), ("detail", detail)]);
    }
}

/// Whether the request may be carried out. Nothing is told of one that IAM has let through.
async fn may_call(
    event: &Event,
    body: &[u8],
    keys: &impl Keys,
    place: &Place,
    now: Timestamp,
) -> Result<Option<Verified>, ApiError> {
    let context = event.request_context.as_ref();
    if context.is_none_or(|context| context.authorizer.as_ref().is_some_and(|by| by.iam.is_some())) {
        return Ok(None);
    }
    let keys = keys.keys().await.map_err(|error| ApiError::unavailable(format!("the keys of the deployment: {error}")))?;
    let headers: Vec<(&str, &str)> = event.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    let method = context.and_then(|context| context.http.as_ref()).map(|http| &*http.method);
    let query = event.query_string_parameters.iter().flatten();
    let query: Vec<_> = query.map(|(name, value)| format!("{name}={}", value.as_deref().unwrap_or_default())).collect();
    let request = SignedRequest {
        method: method.or(event.http_method.as_deref()).unwrap_or("POST"),
        path: event.raw_path.as_deref().or(event.path.as_deref()).unwrap_or("/"),
        query: &event.raw_query_string.clone().unwrap_or_else(|| query.join("&")),
        headers: &headers,
        body,
    };
    verify(&request, &keys, &place.region, now).map(Some)
}

/// Step Functions for those executions that start others: their own deployment, in the same process.
pub struct OwnStates<T, W, Q, X>(Weak<Machinery<T, W, Q, X>>);

impl<T, W, Q, X> OwnStates<T, W, Q, X> {
    /// The one that `engine` is.
    #[must_use]
    pub fn new(engine: Weak<Machinery<T, W, Q, X>>) -> Self {
        Self(engine)
    }
}

impl<T, W, Q, X> Handler for OwnStates<T, W, Q, X>
where
    T: Table + 'static,
    W: WakeQueue + 'static,
    Q: TaskQueue + 'static,
    X: ExpressQueue + 'static,
{
    fn handle<'a>(&'a self, request: &'a Request, asking: Option<&'a str>) -> HandlerFuture<'a> {
        let Self(engine) = self;
        Box::pin(async move {
            let unreachable = || TransportError::Connect("the deployment is being taken down".to_owned());
            let engine: Arc<Engine<T, W, Called<Q>, TokioTimer, X>> = engine.upgrade().ok_or_else(unreachable)?;
            // An execution asks from where it is: what is elsewhere does not exist for it. The deployment itself asks about what was started here.
            let Some(place) = asking.and_then(Place::of).or_else(|| place_of(&request.body)) else {
                return Err(TransportError::Connect("the request names no state machine and no execution".to_owned()));
            };
            let caller = place.caller(engine.clock().now());
            let api = Api { table: &**engine.table(), executions: &*engine };
            let headers = request.headers.iter().map(|(name, value)| (*name, &**value));
            let Reply { status, headers, body } = api.respond(headers, &request.body, &caller).await;
            let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            Ok(Response { status, headers, body: body.into_bytes() })
        })
    }
}

/// The place of what a request is about.
fn place_of(body: &[u8]) -> Option<Place> {
    let request: serde_json::Value = serde_json::from_slice(body).ok()?;
    let arn = ["stateMachineArn", "executionArn"].into_iter().find_map(|name| request.get(name)?.as_str())?;
    Place::of(arn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_follows_from_the_function() {
        let place = Place::of("arn:aws-cn:lambda:cn-north-1:123456789012:function:api").expect("an ARN");
        assert_eq!((&*place.partition, &*place.region, &*place.account), ("aws-cn", "cn-north-1", "123456789012"));
        assert_eq!(Place::of("api"), None);
    }
}
