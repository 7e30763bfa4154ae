//! A deployment on the loopback, for tests of clients: a [`Stage`] behind HTTP that knows its callers by their signatures.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use statewright_engine::api::signature::{KeyPair, SignedRequest, Verified, verify_for};
use statewright_engine::api::{ApiError, Reply, reply};
use statewright_interpreter::time::Timestamp;

use crate::stage::Stage;

/// The id of the key pair that a deployment knows.
pub const KEY_ID: &str = "AKIDDEPLOYMENT";
/// Its secret.
pub const SECRET: &str = "a secret/of+the deployment";
/// The region of a deployment, and of a [`Stage`].
pub const REGION: &str = "us-east-1";

/// A deployment that answers until the process ends.
pub struct Deployment {
    /// What answers.
    pub stage: Arc<Stage>,
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// Answers that get lost behind it.
    lost: Arc<Mutex<Lost>>,
}

/// What is carried out and answered with another status all the same.
type Lost = Option<(&'static str, u16)>;

/// A request that came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What `X-Amz-Target` says.
    pub target: String,
    /// Whose it is, or why nobody's.
    pub verified: Result<Verified, ApiError>,
    /// The status of the answer.
    pub status: u16,
}

impl Deployment {
    /// A deployment whose requests are signed for `service`.
    ///
    /// # Errors
    /// When there is no loopback to listen on.
    pub fn new(service: &'static str) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (stage, asked) = (Arc::new(Stage::default()), Arc::<Mutex<Vec<Asked>>>::default());
        let lost = Arc::<Mutex<Lost>>::default();
        let (address, losing) = (listener.local_addr()?, Arc::clone(&lost));
        let deployment = Self { stage: Arc::clone(&stage), address, asked: Arc::clone(&asked), lost };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Who hangs up, or speaks something else, gets no answer.
                let lost = *losing.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = answer(&stream, service, &stage, &asked, lost);
            }
        });
        Ok(deployment)
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on the answers to `operation` get lost on their way, and callers get one with `status` from somebody in between.
    pub fn lose(&self, operation: &'static str, status: u16) {
        *self.lost.lock().unwrap_or_else(PoisonError::into_inner) = Some((operation, status));
    }

    /// What has been asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn answer(stream: &TcpStream, service: &str, stage: &Stage, asked: &Mutex<Vec<Asked>>, lost: Lost) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).map(|_| line.trim_end_matches(['\r', '\n']).to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ');
    let (method, uri) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let header = line()?;
        let Some((name, value)) = header.split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let header = |wanted: &str| headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str());
    let mut body = vec![0; header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
    if header("expect").is_some() {
        (&mut &*stream).write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    reader.read_exact(&mut body)?;
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let request = SignedRequest { method, path, query, headers: &headers, body: &body };
    let verified = verify_for(service, &request, &[KeyPair::new(KEY_ID, SECRET)], REGION, now());
    let Reply { mut status, headers: mut answered, mut body } = match &verified {
        Ok(_) => stage.send(&headers, &body),
        Err(error) => reply(Err(error.clone()), "refused".to_owned()),
    };
    let target = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-amz-target")).map_or("", |(_, value)| value);
    let asked_now = Asked { target: target.to_owned(), verified, status };
    asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked_now);
    if let Some((_, instead)) = lost.filter(|(operation, _)| target.ends_with(operation)) {
        (status, body) = (instead, "nobody there".to_owned());
        answered.clear();
    }
    let mut head = format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
    for (name, value) in answered {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    (&mut &*stream).write_all(format!("{head}\r\n{body}").as_bytes())
}

fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
}
