//! The HTTP client: HTTP/1.1 over TLS by rustls with ring, or plain for emulators.

use std::error::Error;
use std::io::Cursor;
use std::time::Duration;

use http::{Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::outcome::{Response, TransportError};

/// How much of an answer is read. The largest, a function's, has 6 MB (Lambda developer guide, "Lambda quotas"); results of tasks end
/// far below.
const BODY_BYTES_MAX: usize = 8 << 20;
/// How long a connection waits for its next request: less than servers keep theirs open, so that none is written to as it is closed.
const IDLE: Duration = Duration::from_secs(20);
/// After how much silence a connection is probed, so that nothing between here and a function that takes minutes forgets it.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

type Connector = HttpsConnector<HttpConnector>;

pub(super) struct Client(hyper_util::client::legacy::Client<Connector, Full<Cursor<Vec<u8>>>>);

impl Client {
    pub(super) fn new() -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(CONNECT));
        tcp.set_keepalive(Some(KEEPALIVE));
        tcp.set_nodelay(true);
        let tls =
            hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(tls()).https_or_http().enable_http1().wrap_connector(tcp);
        let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(tls);
        Self(client)
    }

    /// Sends a request once.
    pub(super) async fn send(&self, request: Request<Vec<u8>>) -> Result<Response, TransportError> {
        let uri = request.uri().clone();
        let request = request.map(|body| Full::new(Cursor::new(body)));
        let response = self.0.request(request).await.map_err(|error| unsent(&uri, &error))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(|error| TransportError::Lost(chain(&*error)))?;
        let headers = head.headers.iter();
        Ok(Response {
            status: head.status.as_u16(),
            headers: headers
                .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
                .collect(),
            body: body.to_bytes().into(),
        })
    }
}

/// The system's certificates, or none: who talks to an emulator alone needs none, and any other host is then refused.
fn tls() -> rustls::ClientConfig {
    let provider = || rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into());
    let builder = || provider().with_safe_default_protocol_versions().expect("ring supports the versions of TLS it is built with");
    let builder = match builder().with_native_roots() {
        Ok(builder) => builder,
        Err(_) => builder().with_root_certificates(rustls::RootCertStore::empty()),
    };
    builder.with_no_client_auth()
}

fn unsent(uri: &Uri, error: &hyper_util::client::legacy::Error) -> TransportError {
    let text = chain(error);
    let host = uri.host().unwrap_or_default().to_owned();
    // The resolver's error has no kind of its own; these are its words.
    if error.is_connect() && text.contains("dns error") {
        TransportError::UnknownHost { host }
    } else if error.is_connect() {
        TransportError::Connect(format!("Connect to {host} failed: {text}"))
    } else {
        TransportError::Lost(text)
    }
}

/// An error's message and those of what it came from.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
