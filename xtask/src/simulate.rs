//! `cargo xtask simulate`: the serverless host in a world where things go wrong.

use std::collections::BTreeMap;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use statewright_tests::simulation::{Bound, Failure, Options, Report, Without, simulate};

/// So many seeds that fail are enough.
const FAILURES_MAX: usize = 10;
/// How often it is said how far it has come.
const SAY_EACH: Duration = Duration::from_secs(10);

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let (mut seeds, mut options) = (0..10_000, Options::default());
    let mut threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{argument} wants a value"))?;
        let number = || value.parse::<u64>().with_context(|| format!("{argument} wants a number"));
        match argument.as_str() {
            "--seeds" => seeds.end = number()?,
            "--seed" => seeds = number()?..number()?.saturating_add(1),
            "--from" => seeds.start = number()?,
            "--executions" => options.executions = usize::try_from(number()?)?,
            "--read-back" => options.read_back_each = u32::try_from(number()?)?,
            "--threads" => threads = usize::try_from(number()?)?.max(1),
            "--releases" => {
                options.deploys = match number()? {
                    1 => false,
                    3 => true,
                    _ => bail!("--releases is 1 or 3"),
                }
            }
            "--without" => {
                let known = Without::ALL.iter().find(|(name, _)| name == value);
                let names = || Without::ALL.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
                options.without = Some(known.with_context(|| format!("{value} is none of {}", names()))?.1);
            }
            other => bail!("simulate does not know {other}"),
        }
    }
    if seeds.is_empty() {
        bail!("there are no seeds from {} up to {}", seeds.start, seeds.end);
    }
    options.minimise = options.without.is_none();
    let (next, enough) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
    let (sender, results) = channel();
    let sum = std::thread::scope(|scope| {
        for _ in 0..threads {
            let sender = sender.clone();
            scope.spawn(|| work(&next, &enough, seeds.end, options, sender));
        }
        drop(sender);
        let sum = sum_up(results, &seeds, if options.without.is_some() { 1 } else { FAILURES_MAX });
        enough.store(true, Ordering::Relaxed);
        sum
    });
    sum.print();
    Ok(ExitCode::from(u8::from(sum.failed > 0)))
}

/// What came of a seed.
type Outcome = (u64, Result<Report, Box<Failure>>);

/// Takes one seed after the other.
fn work(next: &AtomicU64, enough: &AtomicBool, end: u64, options: Options, sender: Sender<Outcome>) {
    while !enough.load(Ordering::Relaxed) {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end || sender.send((seed, simulate(seed, options))).is_err() {
            return;
        }
    }
}

/// What came of some seeds.
struct Sum {
    total: Report,
    seeds: u64,
    failed: usize,
    began: Instant,
}

/// Adds up what comes, in the order of the seeds until so many have failed: it is the same whoever was faster.
fn sum_up(results: Receiver<Outcome>, seeds: &Range<u64>, failures_max: usize) -> Sum {
    let mut sum = Sum { total: Report::default(), seeds: 0, failed: 0, began: Instant::now() };
    let (mut early, mut said) = (BTreeMap::new(), Instant::now());
    for (seed, result) in results {
        early.insert(seed, result);
        while let Some(result) = early.remove(&(seeds.start + sum.seeds)) {
            sum.seeds += 1;
            match result {
                Ok(report) => sum.total.add(&report),
                Err(failure) => {
                    eprintln!("{failure}");
                    sum.failed += 1;
                }
            }
            if sum.failed >= failures_max {
                return sum;
            }
        }
        if said.elapsed() >= SAY_EACH {
            said = Instant::now();
            let (of, executions, failed) = (seeds.end - seeds.start, sum.total.executions, sum.failed);
            eprintln!("{} of {of} seeds, {executions} executions, {failed} seeds failed", sum.seeds);
        }
    }
    sum
}

impl Sum {
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    fn print(&self) {
        let Self { total, seeds, failed, began } = self;
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
        println!("\n{:50} {:>9} {:>9} {:>9}", "somebody looks at what is due, at the latest after", "times", "seconds", "of that");
        for (bound, looks) in &total.looks {
            let name = match bound {
                Bound::TimeOut => "a function's time-out and two sweeps",
                Bound::Visibility => "the visibility time-out, after an early death",
            };
            println!("{name:50} {:>9} {:>9} {:>7} %", looks.count, looks.latest_ms / 1000, looks.used_up / 10);
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
}
