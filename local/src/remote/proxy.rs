//! `statewright proxy`: lets unchanged clients of Step Functions talk to a function URL with IAM authorization.
//!
//! A function URL takes requests that are signed for Lambda; clients sign theirs for Step Functions. The proxy takes whatever they send
//! and signs it again, with the credentials of whoever runs it. Who can reach it can do all that they may do, so it listens on the
//! loopback unless told otherwise. Web pages, which can reach the loopback too, are kept out: a request must name an operation in a
//! header, which a page of another origin may send only with leave that is never given, and the host it asks for must be this machine.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use aws_credential_types::provider::SharedCredentialsProvider;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, ORIGIN, TRANSFER_ENCODING};
use http::{HeaderMap, Method, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use statewright_integrations::caller::{Caller, Endpoints, Settings};
use statewright_integrations::service::LAMBDA;
use statewright_integrations::{Request, Response};
use tokio::net::TcpListener;

use super::profile::Sources;
use super::{checked, is_loopback, runtime, unsent};
use crate::cli::ProxyArgs;
use crate::refusal::Refusal;
use crate::screen::{Paint, Screen, write_stdout};

/// A function takes 6 MB. Source: Lambda developer guide, "Lambda quotas".
const BODY_BYTES_MAX: usize = 6 << 20;
/// What is handed on of a request's headers: who sends it is said anew, and what the way here needed is of no use farther on.
const HEADERS: [&str; 5] = ["content-type", "x-amz-target", "amz-sdk-invocation-id", "amz-sdk-request", "x-amzn-trace-id"];
/// What clients put before the host for `StartSyncExecution`.
const SYNC: &str = "sync-";

/// Answers until it is stopped.
///
/// # Errors
/// When it cannot begin.
pub(crate) fn proxy(arguments: &ProxyArgs, screen: &Screen) -> Result<ExitCode, Refusal> {
    let to = checked(&arguments.to, screen)?;
    let listen: SocketAddr = arguments.listen.parse().map_err(|_| {
        Refusal::new(format!("`{}` is not an address to listen on", arguments.listen))
            .help("write ADDRESS:PORT, such as 127.0.0.1:8083")
    })?;
    if !listen.ip().is_loopback() && !arguments.any_address {
        let message = format!("who reaches {} could do all that your credentials may", listen.ip());
        return Err(Refusal::new(message).help("listen on 127.0.0.1, or say --any-address if that is meant"));
    }
    let sources = Sources::new(arguments.profile.clone());
    sources.check()?;
    let region = match arguments.region.clone().or_else(|| region_of(&to)) {
        Some(region) => region,
        None => sources.region(None)?,
    };
    let endpoints = Endpoints::from_variables([("AWS_ENDPOINT_URL".to_owned(), to)]);
    let credentials = SharedCredentialsProvider::new(sources);
    let caller = Caller::new(Settings { region, endpoints, credentials, answer: Settings::ANSWER });
    let proxy = Arc::new(Proxy { caller, any_host: arguments.any_address });
    runtime()?.block_on(async {
        let cannot = |error: std::io::Error| {
            Refusal::new(format!("nobody can listen on {listen}: {error}")).help("name another port with --listen ADDRESS:PORT")
        };
        let listener = TcpListener::bind(listen).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let variables = format!("export AWS_ENDPOINT_URL_SFN=http://{address}\nexport AWS_DISABLE_HOST_PREFIX_INJECTION=true\n");
        write_stdout(variables.as_bytes())?;
        screen.line(&screen.paint(Paint::Dim, "Listening. Clients need the two variables above; Ctrl-C ends it."));
        proxy.serve(&listener, screen).await
    })
}

/// The region of a function URL: `https://ID.lambda-url.REGION.on.aws`.
fn region_of(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let (_, rest) = uri.host()?.split_once(".lambda-url.")?;
    rest.strip_suffix(".on.aws").map(str::to_owned)
}

struct Proxy {
    caller: Caller,
    /// Whether it may be asked for under any name.
    any_host: bool,
}

type Answer = http::Response<Full<Bytes>>;

impl Proxy {
    async fn serve(self: Arc<Self>, listener: &TcpListener, screen: &Screen) -> Result<ExitCode, Refusal> {
        let tasks = tokio::task::LocalSet::new();
        let accept = async {
            loop {
                let stream = match listener.accept().await {
                    Ok((stream, _)) => stream,
                    // Too many open files, most likely: some will be closed.
                    Err(error) => {
                        screen.note(&format!("a connection was not taken: {error}"));
                        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                        continue;
                    }
                };
                let proxy = Arc::clone(&self);
                tokio::task::spawn_local(async move {
                    let service = service_fn(move |request| {
                        let proxy = Arc::clone(&proxy);
                        async move { Ok::<_, std::convert::Infallible>(proxy.answer(request).await) }
                    });
                    // A connection that breaks is its client's to notice.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .timer(TokioTimer::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        };
        tasks.run_until(accept).await
    }

    async fn answer(&self, request: http::Request<Incoming>) -> Answer {
        let (head, body) = request.into_parts();
        if let Some(refusal) = self.refusal(&head.method, &head.headers) {
            return refusal;
        }
        let Ok(body) = Limited::new(body, BODY_BYTES_MAX).collect().await else {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, "SerializationException", "a request may have 6 MB");
        };
        let header = |name: &'static str| Some((name, head.headers.get(name)?.to_str().ok()?.to_owned()));
        let request = Request {
            service: &LAMBDA,
            endpoint: None,
            method: "POST",
            path: "/".to_owned(),
            headers: HEADERS.into_iter().filter_map(header).collect(),
            body: body.to_bytes().to_vec(),
        };
        match self.caller.forward(&request).await {
            Ok(Ok(response)) => hand_on(response),
            Ok(Err(error)) => refuse(StatusCode::BAD_GATEWAY, "ServiceUnavailable", &format!("the function's URL: {error}")),
            Err(error) => refuse(StatusCode::BAD_GATEWAY, "ServiceUnavailable", &unsent(&error).message),
        }
    }

    /// Keeps out who is no client of the API.
    fn refusal(&self, method: &Method, headers: &HeaderMap) -> Option<Answer> {
        let forbidden = |message: &str| Some(refuse(StatusCode::FORBIDDEN, "AccessDeniedException", message));
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        if !self.any_host && !is_own(host) {
            return forbidden("it is for clients on this machine, under its own name");
        }
        if headers.contains_key(ORIGIN) {
            return forbidden("it is not for web pages");
        }
        if method != Method::POST || !headers.contains_key("x-amz-target") {
            let message = "requests of the Step Functions API are POSTs with a header X-Amz-Target";
            return Some(refuse(StatusCode::BAD_REQUEST, "UnknownOperationException", message));
        }
        None
    }
}

/// Whether a `Host` is this machine, with or without what `StartSyncExecution` has before it.
fn is_own(host: &str) -> bool {
    let Ok(uri) = format!("http://{host}/").parse::<Uri>() else { return false };
    let name = uri.host().unwrap_or_default();
    is_loopback(name.strip_prefix(SYNC).unwrap_or(name))
}

fn hand_on(response: Response) -> Answer {
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut answer = http::Response::new(Full::new(Bytes::from(response.body)));
    *answer.status_mut() = status;
    for (name, value) in response.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
            && ![CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(&name)
        {
            answer.headers_mut().append(name, value);
        }
    }
    answer
}

fn refuse(status: StatusCode, code: &'static str, message: &str) -> Answer {
    let body = serde_json::json!({"__type": code, "message": format!("statewright proxy: {message}")}).to_string();
    let mut answer = http::Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert("content-type", HeaderValue::from_static("application/x-amz-json-1.0"));
    answer.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(code));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_asked_for() {
        for own in ["127.0.0.1:8083", "localhost:8083", "sync-127.0.0.1:8083", "sync-localhost", "[::1]:80", "a.localhost"] {
            assert!(is_own(own), "{own}");
        }
        for other in ["", "example.org", "127.0.0.1.example.org:8083", "sync-example.org", "localhost@example.org"] {
            assert!(!is_own(other), "{other}");
        }
    }

    #[test]
    fn the_url_of_a_function_names_its_region() {
        assert_eq!(region_of("https://abc.lambda-url.eu-west-1.on.aws").as_deref(), Some("eu-west-1"));
        assert_eq!(region_of("https://example.org"), None);
    }
}
