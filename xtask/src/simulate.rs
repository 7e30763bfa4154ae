//! `cargo xtask simulate`: the serverless host in a world where things go wrong.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context, bail};
use statewright_tests::simulation::{Failure, Options, Report, Without, simulate};

/// So many seeds that fail are enough.
const FAILURES_MAX: usize = 10;

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let (mut seeds, mut options, mut threads) = (0..10_000, Options::default(), 1);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{argument} wants a value"))?;
        let number = || value.parse::<u64>().with_context(|| format!("{argument} wants a number"));
        match argument.as_str() {
            "--seeds" => seeds = 0..number()?,
            "--seed" => seeds = number()?..number()?.saturating_add(1),
            "--from" => seeds = number()?..seeds.end,
            "--executions" => options.executions = usize::try_from(number()?)?,
            "--read-back" => options.read_back_each = u32::try_from(number()?)?,
            "--threads" => threads = number()?,
            "--without" => {
                let known = Without::ALL.iter().find(|(name, _)| name == value);
                let names = || Without::ALL.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
                options.without = Some(known.with_context(|| format!("{value} is none of {}", names()))?.1);
            }
            other => bail!("simulate does not know {other}"),
        }
    }
    options.minimise = options.without.is_none();
    let began = Instant::now();
    let (next, total, failures) = (AtomicU64::new(seeds.start), Mutex::new(Report::default()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| work(&next, seeds.end, options, &total, &failures));
        }
    });
    let (total, failures) = (total.into_inner().unwrap_or_default(), failures.into_inner().unwrap_or_default());
    print(&total, next.into_inner().min(seeds.end) - seeds.start, failures.len(), began);
    Ok(ExitCode::from(u8::from(!failures.is_empty())))
}

/// Takes one seed after the other.
#[expect(clippy::vec_box, reason = "a failure is large, and handed on as it comes")]
fn work(next: &AtomicU64, end: u64, options: Options, total: &Mutex<Report>, failures: &Mutex<Vec<Box<Failure>>>) {
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        let failed = failures.lock().map_or(0, |failures| failures.len());
        if seed >= end || failed >= FAILURES_MAX || (failed > 0 && options.without.is_some()) {
            // Whoever counts the seeds counts those that were run.
            next.fetch_min(seed, Ordering::Relaxed);
            return;
        }
        match simulate(seed, options) {
            Ok(report) => total.lock().unwrap_or_else(std::sync::PoisonError::into_inner).add(&report),
            Err(failure) => {
                eprintln!("{failure}");
                failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(failure);
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn print(total: &Report, seeds: u64, failed: usize, began: Instant) {
    let executions = total.executions.max(1) as f64;
    let faults: usize = total.faults.values().sum();
    println!("{:28} {:>9} {:>17}", "fault", "happened", "of the executions");
    for (kind, count) in &total.faults {
        let hit = total.hit.get(kind).copied().unwrap_or(0) as f64;
        println!("{kind:28} {count:>9} {:>15.2} %", 100.0 * hit / executions);
    }
    println!("\n{:28} {:>9}", "end", "");
    for ((status, comparison), count) in &total.ends {
        println!("{:28} {count:>9}", format!("{status}, compared: {comparison:?}"));
    }
    let (commits, events, seconds) = (total.commits, total.events, began.elapsed().as_secs_f64());
    println!(
        "\n{seeds} seeds, {} executions, {commits} commits, {events} events, {faults} faults ({:.2} an execution), {failed} seeds \
         failed; {:.0} executions a second",
        total.executions,
        faults as f64 / executions,
        executions / seconds,
    );
}
