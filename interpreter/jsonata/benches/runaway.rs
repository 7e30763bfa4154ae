//! How long what runs away runs, and what it takes meanwhile: CPU time of the evaluation, the least of a few, and the largest memory of a
//! process that does nothing else.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a benchmark is a program: it prints, and it starts itself for each row"
)]

#[path = "../tests/runaway/mod.rs"]
mod runaway;

use std::process::{Command, ExitCode};

use runaway::{LEGAL, ROWS};
use rustix::time::{ClockId, clock_gettime};
use statewright_jsonata::{Expression, NoHost, Outcome, Scope, aws};

/// The allocator of our binaries.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Marks the call that evaluates one expression.
const ROW: &str = "--row";

/// How often an expression is evaluated: what else the machine does takes its share of the time.
const TIMES: usize = 7;

/// What an evaluation that runs away may take.
const MILLIS_MAX: u64 = 100;
const MEGABYTES_MAX: u64 = 64;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().position(|argument| argument == ROW).and_then(|at| arguments.get(at + 1)) {
        Some(text) => row(text),
        None => table(),
    }
}

/// Evaluates one expression, says how it ended, how many milliseconds it took and how many KiB the process had at most.
fn row(text: &str) -> ExitCode {
    let scope = Scope { functions: &[&aws::FUNCTIONS], ..Scope::default() };
    let now = || {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        time.tv_sec * 1_000_000 + time.tv_nsec / 1_000
    };
    let evaluate = || {
        let begin = now();
        let outcome = Expression::compile(text).and_then(|expression| expression.evaluate(&scope, &mut NoHost));
        (now() - begin, outcome)
    };
    let (first, outcome) = evaluate();
    let end = match outcome {
        Err(error) => error.reached().map_or_else(|| error.code().to_owned(), |bound| format!("{bound:?}")),
        Ok(Outcome::Value(_)) => "value".to_owned(),
        Ok(_) => "nothing".to_owned(),
    };
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).map_or("?", str::trim);
    let micros = (1..TIMES).map(|_| evaluate().0).fold(first, Ord::min);
    println!("{end}\t{}\t{most}", micros / 1_000);
    ExitCode::SUCCESS
}

fn table() -> ExitCode {
    let Ok(program) = std::env::current_exe() else { return ExitCode::from(2) };
    println!("| ends with | CPU ms | MB at most | expression |");
    println!("|---|---:|---:|---|");
    let (mut ended, mut longest, mut largest) = (true, 0, 0);
    let rows = ROWS.iter().map(|(text, bound)| (*text, format!("{bound:?}")));
    for (text, wanted) in rows.chain(LEGAL.iter().map(|(text, _)| (*text, "value".to_owned()))) {
        let answer =
            Command::new(&program).args([ROW, text]).output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        let answer = answer.unwrap_or_default();
        let mut parts = answer.trim().split('\t');
        let end = parts.next().unwrap_or("?");
        let mut number = || parts.next().and_then(|part| part.trim_end_matches(" kB").parse::<u64>().ok());
        let (Some(ms), Some(kib)) = (number(), number()) else {
            println!("| {end} | ? | ? | `{}` |", text.replace('|', "\\|"));
            ended = false;
            continue;
        };
        let megabytes = kib / 1024;
        ended &= end == wanted;
        if wanted != "value" {
            (longest, largest) = (longest.max(ms), largest.max(megabytes));
        }
        println!("| {end} | {ms} | {megabytes} | `{}` |", text.replace('|', "\\|"));
    }
    println!("\nWhat runs away: {longest} ms and {largest} MB at most; it may take {MILLIS_MAX} ms and {MEGABYTES_MAX} MB.");
    if ended && longest < MILLIS_MAX && largest < MEGABYTES_MAX { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
