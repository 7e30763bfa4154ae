//! `cargo xtask bench bootstrap`: what the functions' program weighs, what it runs on, what memory it takes, and how long a processor works
//! before it takes its first event.

use std::io::Read as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, ExitCode};
use std::time::Duration;

use anyhow::Context as _;

use crate::bootstrap::{C_LIBRARY, needed};
use crate::components::Components;
use crate::shell::{cargo, succeeds};

const MEGABYTE: f64 = 1024.0 * 1024.0;
/// So much memory comes with one processor. Source: Lambda developer guide, "Configure Lambda function memory".
const PROCESSOR_MB: f64 = 1769.0;
/// The template's default for the functions that nobody waits for.
const MEMORY_MB: f64 = 128.0;
/// So many starts are measured; the middle one counts.
const STARTS: usize = 20;
/// A start takes no longer, wherever it is measured.
const START_WITHIN: Duration = Duration::from_secs(60);
const START_MS_MAX: f64 = 50.0;

pub(super) fn run() -> anyhow::Result<ExitCode> {
    anyhow::ensure!(succeeds(&mut cargo(&["build", "--release", "--package", "statewright-lambda"]))?, "it does not build");
    let program = crate::shell::target().join("release/bootstrap");
    let zipped = zipped(&program)? / MEGABYTE;
    let needed = needed(&program, "objdump")?;
    let start_ms = start_ms(&program)?;
    let components = Components::start_table();
    let mut measured = cargo(&["run", "--quiet", "--profile", "counted", "--package", "xtask-cost", "--", "memory"]);
    components.tell(&mut measured);
    let output = measured.stderr(std::process::Stdio::inherit()).output()?;
    let memory: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().context("memory was not measured")?;
    let memory = memory / MEGABYTE;
    println!("| bootstrap | | must |\n|---|--:|--:|");
    println!("| zipped, MB | {zipped:.2} | < 6 |");
    println!("| oldest GLIBC | {}.{} | ≤ {}.{} |", needed.0, needed.1, C_LIBRARY.0, C_LIBRARY.1);
    println!("| peak memory at a batch of ten, MB | {memory:.1} | < 64 |");
    println!("| processor time of a start at {PROCESSOR_MB:.0} MB, ms | {start_ms:.1} | < {START_MS_MAX:.0} |");
    println!("| the same at {MEMORY_MB:.0} MB, ms | {:.0} | |", start_ms * PROCESSOR_MB / MEMORY_MB);
    let is_well = zipped < 6.0 && needed <= C_LIBRARY && memory < 64.0 && start_ms < START_MS_MAX;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Bytes of the program in an archive, as it is uploaded.
fn zipped(program: &Path) -> anyhow::Result<f64> {
    let archive = program.with_extension("zip");
    let made = succeeds(Command::new("python3").args(["-m", "zipfile", "-c"]).arg(&archive).arg(program))?;
    anyhow::ensure!(made, "python3 made no archive");
    Ok(std::fs::metadata(&archive)?.len() as f64)
}

/// How long a processor works, in milliseconds, from the start of the program until it asks for its first event: the middle one of several
/// starts. A processor of this machine; Lambda's are about as fast.
fn start_ms(program: &Path) -> anyhow::Result<f64> {
    let mut starts = (0..STARTS).map(|_| start(program)).collect::<anyhow::Result<Vec<_>>>()?;
    starts.sort_by(f64::total_cmp);
    starts.get(STARTS / 2).copied().context("nothing was measured")
}

fn start(program: &Path) -> anyhow::Result<f64> {
    let api = TcpListener::bind("127.0.0.1:0")?;
    let mut command = Command::new(program);
    command.env_clear().env("AWS_LAMBDA_RUNTIME_API", api.local_addr()?.to_string());
    command.envs([
        ("AWS_LAMBDA_FUNCTION_NAME", "drive"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "log"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "stream"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("STATEWRIGHT_FUNCTION", "drive"),
        ("STATEWRIGHT_TABLE", "table"),
        ("STATEWRIGHT_WAKES", "https://sqs.us-east-1.amazonaws.com/123456789012/wakes"),
        ("STATEWRIGHT_TASKS_FUNCTION", "tasks"),
        ("STATEWRIGHT_EXPRESS_FUNCTION", "express"),
    ]);
    let mut running = Started(command.spawn().with_context(|| format!("`{}` does not start", program.display()))?);
    let asked = first_request(&api, &mut running.0)?;
    anyhow::ensure!(asked.contains("/runtime/invocation/next"), "it asks for something else first: {asked}");
    processor_ms(running.0.id())
}

/// A program that ends with its measurement.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        // It waits for an event that does not come. Where it has ended by itself there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The first line that the program sends.
fn first_request(api: &TcpListener, program: &mut Child) -> anyhow::Result<String> {
    api.set_nonblocking(true)?;
    let began = std::time::Instant::now();
    let (mut stream, _) = loop {
        match api.accept() {
            Ok(accepted) => break accepted,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        anyhow::ensure!(program.try_wait()?.is_none(), "it ended before it asked for an event");
        anyhow::ensure!(began.elapsed() < START_WITHIN, "it asked for no event within {} s", START_WITHIN.as_secs());
        std::thread::sleep(Duration::from_millis(1));
    };
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(START_WITHIN))?;
    let mut text = Vec::new();
    let mut part = [0; 1024];
    while !text.contains(&b'\n') {
        match stream.read(&mut part)? {
            0 => break,
            read => text.extend(part.iter().take(read)),
        }
    }
    Ok(String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned())
}

/// How long processors have worked for a program, in milliseconds: for all of its threads, to the nanosecond.
///
/// Source: Linux, "Scheduler Statistics": the first number of `schedstat`.
fn processor_ms(process: u32) -> anyhow::Result<f64> {
    let threads = format!("/proc/{process}/task");
    let mut nanoseconds = 0.0;
    for thread in std::fs::read_dir(&threads).with_context(|| format!("`{threads}` cannot be read; this is measured on Linux"))? {
        let text = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        let number = text.split_whitespace().next().and_then(|number| number.parse::<f64>().ok());
        nanoseconds += number.with_context(|| format!("schedstat says {text:?}"))?;
    }
    Ok(nanoseconds / 1e6)
}
