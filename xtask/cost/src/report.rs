//! Prints what was counted, and what it costs.

use std::process::ExitCode;

use statewright_cost::{Architecture, Billing, Prices, Usage};

use crate::deployment::Counted;
use crate::meter::Kind;
use crate::run::Run;
use crate::workloads::HeldTo;

const MILLION: f64 = 1e6;
/// An idle month: 30 days, a sweep each minute, an execution each hour.
const MINUTES: f64 = 43_200.0;
const HOURS: f64 = 720.0;
/// So far an estimate may be from what is counted.
const ESTIMATE_OFF_MAX: f64 = 0.15;

pub(crate) fn print(prices: &Prices, runs: &[Run], idle: &Counted) -> anyhow::Result<ExitCode> {
    println!("List prices of {} of {}, no free tier; functions of 128 MB (API: 256 MB).\n", prices.region, prices.date);
    for run in runs {
        counts(run);
    }
    let (mut missed, mut estimates) = (0, Vec::new());
    println!(
        "\n| workload, $ for a million executions | arm64 | x86 | a million transitions | Standard | below Standard | must | goal | Express | durable functions | 30 days of storage |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for Run { workload, counted } in runs {
        let each = MILLION / workload.executions as f64;
        let usage = counted.usage * each;
        let arm = prices.dollars(&usage, Architecture::Arm64, workload.billing).total();
        let x86 = prices.dollars(&usage, Architecture::X86, workload.billing).total();
        let transitions = workload.transitions as f64;
        let standard = prices.standard(transitions) * MILLION;
        let ratio = standard / arm;
        if let Some(shape) = &workload.shape {
            let estimate =
                prices.dollars(&(shape.usage(prices, &workload.load()) * MILLION), Architecture::Arm64, workload.billing).total();
            let off = estimate / arm - 1.0;
            estimates.push(format!("{}: {estimate:.2}, {:+.0} %", workload.name, off * 100.0));
            missed += usize::from(off.abs() > ESTIMATE_OFF_MAX);
        }
        missed += usize::from(workload.held_to.is_some_and(|held_to| ratio < held_to.must));
        let (verdict, must, goal) = match workload.held_to {
            Some(HeldTo { must, goal }) => (verdict(ratio, must, goal), format!("{must} ×"), format!("{goal} ×")),
            None => ("", "–".to_owned(), "–".to_owned()),
        };
        let express = match workload.seconds.is_nan() {
            true => "not possible".to_owned(),
            false => format!("{:.2}", prices.express(workload.seconds) * MILLION),
        };
        let waits = if workload.seconds.is_nan() { 0.3 } else { workload.seconds };
        let durable = prices.durable(workload.operations, workload.result_bytes, waits) * MILLION;
        let stored = prices.stored(counted.stored.0 * each, counted.stored.1 * each);
        println!(
            "| {} | {arm:.2} | {x86:.2} | {:.2} | {standard:.2} | {ratio:.1} × {verdict} | {must} | {goal} | {express} | {durable:.2} | {stored:.2} |",
            workload.name,
            arm / transitions,
        );
    }
    println!("\n`statewright cost` says (at most {:.0} % off):\n    {}\n", ESTIMATE_OFF_MAX * 100.0, estimates.join("\n    "));
    missed += month(prices, runs, idle);
    Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn verdict(ratio: f64, must: f64, goal: f64) -> &'static str {
    if ratio >= goal {
        "✔✔"
    } else if ratio >= must {
        "✔"
    } else {
        "✘"
    }
}

/// What one execution of a workload takes.
fn counts(run: &Run) {
    let Run { workload, counted } = run;
    let each = 1.0 / workload.executions as f64;
    let usage = counted.usage * each;
    println!("{}: one execution takes", workload.name);
    for (kind, name) in Kind::ALL {
        let Some(units) = counted.written.get(&kind).filter(|units| !units.is_empty()) else { continue };
        let mut sorted = units.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| sorted.get((sorted.len() as f64 * share) as usize).copied().unwrap_or_default();
        let (count, sum) = (units.len() as f64 * each, units.iter().sum::<f64>() * each);
        println!("    {name}: {count:.2} writes, {sum:.2} units; an item p50 {} p95 {}", at(0.5), at(0.95));
    }
    println!("    read units {:.2}, SQS requests {:.2}, bytes stored {:.0}", usage.reads, usage.sqs, counted.stored.0 * each);
    for (name, (count, waited, computed)) in &counted.invocations {
        println!("    {name}: {:.2} invocations, each waits {waited:.0} ms and computes {computed:.2} ms", *count as f64 * each);
    }
    let prices = Prices::shipped();
    let dollars = prices.dollars(&(usage * MILLION), Architecture::Arm64, workload.billing);
    println!(
        "    $ a million: writes {:.2}, reads {:.2}, SQS {:.2}, invocations {:.2}, time {:.2}, logs {:.2}",
        dollars.writes, dollars.reads, dollars.sqs, dollars.invocations, dollars.time, dollars.logs
    );
}

/// What a month costs in which next to nothing happens.
fn month(prices: &Prices, runs: &[Run], idle: &Counted) -> usize {
    let sweeps: f64 = idle.invocations.get("sweep").map_or(1.0, |sweep| sweep.0 as f64);
    let usage = idle.usage * (MINUTES / sweeps);
    let dollars = |usage: &Usage| prices.dollars(usage, Architecture::Arm64, Billing::OnDemand);
    let swept = dollars(&usage);
    let polls = dollars(&Usage { sqs: prices.empty_polls(30.0), ..Usage::default() }).sqs;
    let mut lines = vec![
        ("the sweep's invocations".to_owned(), swept.invocations),
        ("the sweep's time".to_owned(), swept.time),
        ("the sweep's reads of reminders".to_owned(), swept.reads + swept.writes),
        ("the sweep's requests to the dead letters".to_owned(), swept.sqs),
        ("the sweep's logs".to_owned(), swept.logs),
        ("the schedule that calls the sweep".to_owned(), MINUTES * prices.schedule.invocations_per_million / MILLION),
        ("empty polls of the one queue that Lambda reads".to_owned(), polls),
        ("the parameter that holds the deployment's own keys".to_owned(), prices.parameters.parameter_month),
    ];
    if let Some(run) = runs.first() {
        let mut usage = run.counted.usage * (HOURS / run.workload.executions as f64);
        // After an hour every process is gone, and starts again. A driver that does hides its message at once.
        usage.sqs += HOURS;
        usage.gb_seconds += HOURS * prices.latency.init_ms / 1000.0 * (0.125 + 0.25);
        lines.push((format!("{HOURS} executions of {}", run.workload.name), dollars(&usage).total()));
    }
    let total: f64 = lines.iter().map(|line| line.1).sum();
    println!("An idle month, one execution an hour:\n");
    println!("| line | $ |\n|---|--:|");
    for (name, dollars) in &lines {
        println!("| {name} | {dollars:.4} |");
    }
    println!("| **together** | **{total:.2}** (must 0.40, goal 0.30) |");
    println!(
        "| beside it, where long tasks and Express executions have queues of their own: their empty polls | {:.2} |",
        2.0 * polls
    );
    println!("| beside it: an alarm | {:.2} |", prices.logs.alarm_month);
    usize::from(total > 0.40)
}
