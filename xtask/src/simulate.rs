//! `cargo xtask simulate`: the driver in a world where things go wrong.

use std::process::ExitCode;

use anyhow::{Context, bail};
use statewright_tests::simulation::simulate;

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let mut seeds = 0..10_000;
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let number =
            arguments.next().and_then(|value| value.parse::<u64>().ok()).with_context(|| format!("{argument} wants a number"))?;
        seeds = match argument.as_str() {
            "--seeds" => 0..number,
            "--seed" => number..number.saturating_add(1),
            other => bail!("simulate does not know {other}"),
        };
    }
    let (mut failed, mut faults, mut events) = (0_u32, 0, 0);
    let count = seeds.end - seeds.start;
    for seed in seeds {
        match simulate(seed) {
            Ok(report) => {
                faults += report.faults;
                events += report.events;
            }
            Err(failure) => {
                failed += 1;
                eprintln!("{failure}");
                if failed >= 10 {
                    bail!("ten seeds fail: that is enough");
                }
            }
        }
    }
    println!("{count} seeds: {faults} faults, {events} events, {failed} failed");
    Ok(ExitCode::from(u8::from(failed > 0)))
}
