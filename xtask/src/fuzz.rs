//! `cargo xtask fuzz`: bytes into every function that takes them from outside.

use std::panic::catch_unwind;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::time::{ClockId, clock_gettime};
use statewright_tests::fuzz::{TARGETS, Target};

use crate::shell::root;

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let (mut seconds, mut targets) = (60, Vec::new());
    let mut first = 0;
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut number =
            || arguments.next().and_then(|value| value.parse::<u64>().ok()).with_context(|| format!("{argument} wants a number"));
        match argument.as_str() {
            "--seconds" => seconds = number()?,
            "--from" => first = number()?,
            name => match TARGETS.iter().find(|target| target.name == name) {
                Some(target) => targets.push(target),
                None => {
                    bail!("fuzz does not know {name}: {}", TARGETS.iter().map(|target| target.name).collect::<Vec<_>>().join(", "))
                }
            },
        }
    }
    if targets.is_empty() {
        targets = TARGETS.iter().collect();
    }
    let mut failed = false;
    for target in targets {
        failed |= !fuzz(target, first, Duration::from_secs(seconds))?;
    }
    Ok(ExitCode::from(u8::from(failed)))
}

/// Runs one target for so long. What fails is left in `target/fuzz`; so is the number of the last round, for where the process ends with it.
fn fuzz(target: &Target, first: u64, time: Duration) -> anyhow::Result<bool> {
    let folder = root().join("target/fuzz");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let (seeds, begin) = (target.seeds(), Instant::now());
    let (mut round, mut slowest) = (first, (Duration::ZERO, 0));
    while begin.elapsed() < time {
        let bytes = target.input(&seeds, round);
        let last = folder.join(format!("{}-last", target.name));
        if round.is_multiple_of(64) {
            std::fs::write(&last, format!("a round from {round} on: cargo xtask fuzz --from {round} {}\n", target.name))?;
        }
        let started = cpu_time();
        if catch_unwind(|| target.run(&bytes)).is_err() {
            let found = folder.join(format!("{}-{round}", target.name));
            std::fs::write(&found, &bytes)?;
            println!("{}: round {round} fails, its bytes are in {}", target.name, found.display());
            return Ok(false);
        }
        slowest = slowest.max((cpu_time().saturating_sub(started), round));
        round += 1;
    }
    let (longest, at) = slowest;
    println!("{}: {} rounds, the longest {} ms of CPU time (round {at})", target.name, round - first, longest.as_millis());
    Ok(true)
}

/// The CPU time of this thread, in which other processes have no share.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
