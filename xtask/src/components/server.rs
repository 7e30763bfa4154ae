//! Components that run as servers.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};

/// How long a server may take until it answers. It takes less than a second on an idle machine.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How long it may take to end before it is ended.
const ENDS_WITHIN: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

/// A server that runs until this is dropped.
pub(super) struct Server {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl Server {
    /// Where it is: `http://127.0.0.1:<port>`.
    pub(super) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts what `command` makes of a port, and waits until it answers `request` with 200.
    ///
    /// A port that was free may be taken a moment later; then the server ends and another port is tried.
    fn start(name: &str, command: impl Fn(u16, &Path) -> Command, request: &str) -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("statewright-{}-{name}", std::process::id()));
        let mut said = String::new();
        for _ in 0..3 {
            fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
            let port = free_port()?;
            let log = folder.join("log");
            let out = File::create(&log)?;
            let mut command = command(port, &folder);
            command.current_dir(&folder).stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
            let child = command.spawn().with_context(|| format!("cannot run {}", command.get_program().display()))?;
            let mut server = Self { child, port, folder: folder.clone() };
            let began = Instant::now();
            // Somebody else's server may answer on that port, so our own must still be alive when an answer comes.
            while server.child.try_wait()?.is_none() {
                if answers(port, request) && server.child.try_wait()?.is_none() {
                    eprintln!("→ {name} runs at {} since {} ms", server.endpoint(), began.elapsed().as_millis());
                    return Ok(server);
                }
                anyhow::ensure!(
                    began.elapsed() < READY_WITHIN,
                    "it does not answer: {}",
                    fs::read_to_string(&log).unwrap_or_default()
                );
                std::thread::sleep(PAUSE);
            }
            said = fs::read_to_string(&log).unwrap_or_default();
        }
        anyhow::bail!("it ended at once: {said}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked to end, it ends its own children too.
        let asked = Pid::from_child(&self.child);
        let began = Instant::now();
        if kill_process(asked, Signal::TERM).is_ok() {
            while began.elapsed() < ENDS_WITHIN && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(PAUSE);
            }
        }
        // Both fail only where there is nothing left to do.
        self.child.kill().ok();
        self.child.wait().ok();
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// DynamoDB, kept in memory.
pub(super) fn dynoxide(program: &Path) -> anyhow::Result<Server> {
    let command = |port: u16, _: &Path| {
        let mut command = ending_with_us(program);
        command.args(["serve", "--host", "127.0.0.1", "--port", &port.to_string()]);
        command
    };
    let request = "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Amz-Target: DynamoDB_20120810.ListTables\r\n\
        Authorization: AWS4-HMAC-SHA256 Credential=test/20250101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0\r\n\
        X-Amz-Date: 20250101T000000Z\r\n\
        Content-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    Server::start("dynoxide", command, request)
}

/// SQS, S3, Lambda and more, kept in memory.
pub(super) fn ministack(python: &Path) -> anyhow::Result<Server> {
    let command = |port: u16, folder: &Path| {
        let mut command = ending_with_us(&python.join("bin/ministack"));
        // The functions it runs see its whole environment, so it is given none but this.
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.env("HOME", folder).env("TMPDIR", folder);
        command.envs([("BIND_HOST", "127.0.0.1"), ("MINISTACK_HOST", "127.0.0.1"), ("GATEWAY_PORT", &port.to_string())]);
        command.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"));
        // Else it would listen for the Internet of Things, on every address.
        command.env("IOT_MTLS_ENABLED", "0");
        command
    };
    let request = "GET /_ministack/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    Server::start("ministack", command, request)
}

/// A call of `program` that ends when this process does, however that ends. Only Linux knows the way.
fn ending_with_us(program: &Path) -> Command {
    if !cfg!(target_os = "linux") || Command::new("setpriv").arg("--version").output().is_err() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "--"]).arg(program);
    command
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener.local_addr()?.port())
}

/// Whether somebody answers `request` with 200.
fn answers(port: u16, request: &str) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(request.as_bytes())?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(status.starts_with(b"HTTP/1.") && status.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = ending_with_us(Path::new("sh"));
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_server_that_ends_at_once_is_told_with_what_it_said() {
        let error =
            Server::start("no-server", |_, _| shell("echo the address is taken; exit 1"), "").map(drop).expect_err("it ended");
        assert_eq!(error.to_string(), "it ended at once: the address is taken\n");
    }

    #[test]
    fn an_answer_of_somebody_else_is_none() {
        let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = other.local_addr().expect("its address").port();
        let others = std::thread::spawn(move || {
            let (mut stream, _) = other.accept().expect("a question");
            stream.write_all(b"HTTP/1.1 404 Not Found\r\n\r\n").expect("an answer");
        });
        assert!(!answers(port, "GET / HTTP/1.1\r\n\r\n"), "not 200");
        others.join().expect("no panic");
    }

    #[test]
    fn a_server_ends_when_it_is_dropped_and_takes_its_data_along() {
        let script = |port: u16, _: &Path| {
            shell(&format!(
                "exec python3 -c 'import http.server as h; h.HTTPServer((\"127.0.0.1\", {port}), h.SimpleHTTPRequestHandler).serve_forever()'"
            ))
        };
        let server = Server::start("a-server", script, "GET / HTTP/1.1\r\n\r\n").expect("python3 serves");
        let (port, folder) = (server.port, server.folder.clone());
        assert!(folder.join("log").is_file());
        drop(server);
        assert!(!answers(port, "GET / HTTP/1.1\r\n\r\n") && !folder.exists());
    }
}
