//! Queues and functions on the loopback: they answer over HTTP as SQS and Lambda do, and note what they were asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

/// What functions answer.
pub(crate) type Answers = Box<dyn Fn(u64) -> String + Send>;

/// Messages that were sent and are not received yet.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) body: String,
    pub(crate) delay_seconds: u64,
}

/// An event that a function was invoked with, and nobody waits for.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) function: String,
    pub(crate) body: String,
}

struct State {
    sent: Vec<Sent>,
    requests: u64,
    /// Bodies of invocations, the newest last.
    invoked: Vec<String>,
    /// Those that nobody waits for.
    events: Vec<Event>,
    count: u64,
    answers: Answers,
    /// For how many seconds functions may run.
    timeout_seconds: u64,
}

/// Queues and functions.
#[derive(Clone)]
pub(crate) struct Loopback {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Loopback {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = State {
            sent: Vec::new(),
            requests: 0,
            invoked: Vec::new(),
            events: Vec::new(),
            count: 0,
            answers: Box::new(|_| "{}".to_owned()),
            timeout_seconds: 10,
        };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                // A connection that breaks is opened again by whoever needs it.
                std::thread::spawn(move || drop(serve(stream, &state)));
            }
        });
        Ok(Self { address, state })
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on functions answer this, and may run for so long.
    pub(crate) fn answer(&self, answers: Answers, timeout_seconds: u64) {
        let mut state = self.lock();
        state.answers = answers;
        state.timeout_seconds = timeout_seconds;
    }

    /// What was sent since the last call.
    pub(crate) fn take_sent(&self) -> Vec<Sent> {
        std::mem::take(&mut self.lock().sent)
    }

    /// What functions were called with since the last call.
    pub(crate) fn take_invoked(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().invoked)
    }

    /// What functions were invoked with since the last call while nobody waits for them.
    pub(crate) fn take_events(&self) -> Vec<Event> {
        std::mem::take(&mut self.lock().events)
    }

    /// How many requests queues got since the last call.
    pub(crate) fn take_requests(&self) -> u64 {
        std::mem::take(&mut self.lock().requests)
    }
}

/// Where functions are invoked.
const FUNCTIONS: &str = "/2015-03-31/functions/";

fn serve(stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        let (mut length, mut target, mut is_event) = (0, String::new(), false);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            match &*name.to_ascii_lowercase() {
                "content-length" => length = value.trim().parse().unwrap_or(0),
                "x-amz-target" => target = value.trim().to_owned(),
                "x-amz-invocation-type" => is_event = value.trim() == "Event",
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let answer = match path.strip_prefix(FUNCTIONS).and_then(|path| path.strip_suffix("/invocations")).filter(|_| is_event) {
            Some(function) => {
                let event = Event { function: function.to_owned(), body: String::from_utf8_lossy(&body).into_owned() };
                state.lock().unwrap_or_else(PoisonError::into_inner).events.push(event);
                String::new()
            }
            None => answer(state, &path, &target, &String::from_utf8_lossy(&body)),
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nx-amzn-RequestId: 1b7f0c52-8a54-4e0d-9a3f-0f5f4d2c6e11\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        writer.write_all(&[head.as_bytes(), answer.as_bytes()].concat())?;
    }
}

fn answer(state: &Mutex<State>, path: &str, target: &str, body: &str) -> String {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    if path.ends_with("/configuration") {
        return json!({ "Timeout": state.timeout_seconds }).to_string();
    }
    if path.starts_with(FUNCTIONS) {
        state.count += 1;
        state.invoked.push(body.to_owned());
        return (state.answers)(state.count);
    }
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    state.requests += 1;
    let request: Value = serde_json::from_str(body).unwrap_or_default();
    let text = |name: &str| request.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match &*operation {
        "SendMessage" => {
            let delay_seconds = request.get("DelaySeconds").and_then(Value::as_u64).unwrap_or(0);
            state.sent.push(Sent { body: text("MessageBody"), delay_seconds });
            json!({ "MessageId": "5fea7756-0ea4-451a-a703-a558b933e274" }).to_string()
        }
        "ChangeMessageVisibilityBatch" => json!({ "Successful": [], "Failed": [] }).to_string(),
        _ => "{}".to_owned(),
    }
}
