//! `cargo xtask bench`: what a transition costs, beside the floor of the machine, in CPU time; `cargo xtask bench jsonata`: what an
//! expression costs, beside other engines.

mod bootstrap;
mod floor;
mod jsonata;
mod workload;

use std::process::ExitCode;

use statewright_interpreter::command::Output;
use statewright_interpreter::definition::{Definition, Options};
use statewright_interpreter::execution::{Execution, Identity, Progress, Start};
use statewright_interpreter::history::{HistoryEvent, history_to_json};
use statewright_interpreter::payload::Document;
use statewright_interpreter::quota::Quotas;
use statewright_interpreter::time::Timestamp;

use crate::shell::{cargo, succeeds};
use workload::Workload;

/// Marks the call that measures: it is made in a release build.
const MEASURE: &str = "--measure";

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    if arguments.iter().any(|argument| argument == MEASURE) {
        return measure();
    }
    if arguments.iter().map(String::as_str).eq(["jsonata"]) {
        return jsonata::run();
    }
    if arguments.iter().map(String::as_str).eq(["runaway"]) {
        return jsonata::runaway();
    }
    if arguments.iter().map(String::as_str).eq(["host"]) {
        return crate::cost::bench_host();
    }
    if arguments.iter().map(String::as_str).eq(["bootstrap"]) {
        return bootstrap::run();
    }
    anyhow::ensure!(arguments.is_empty(), "bench takes no arguments but `jsonata`, `runaway`, `host` and `bootstrap`");
    let mut release = cargo(&["run", "--quiet", "--release", "--package", "xtask", "--", "bench", MEASURE]);
    Ok(if succeeds(&mut release)? { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// One row of the table.
struct Row {
    name: String,
    ns: f64,
    floor: f64,
    floor_name: String,
    must: f64,
    goal: f64,
}

fn measure() -> anyhow::Result<ExitCode> {
    // First of all, while no freed memory hides what is taken.
    let waiting = waiting_execution()?;
    let mut rows = Vec::new();
    for seed in [0, 1] {
        let f = floor::one_transition(&workload::pass_chain(seed));
        let p = floor::parse_and_print(&workload::big_payload(seed).input);
        let suffix = if seed == 0 { "" } else { ", renamed" };
        let mut row = |name: &str, ns: f64, floor: f64, floor_name: &str, must: f64, goal: f64| {
            rows.push(Row { name: format!("{name}{suffix}"), ns, floor, floor_name: floor_name.to_owned(), must, goal });
        };
        row("pass_chain, 1 KB", transition(&workload::pass_chain(seed))?, f, "F", 8.0, 2.0);
        row("choice_loop", transition(&workload::choice_loop(seed))?, f, "F", 8.0, 2.0);
        row("jsonata_loop", transition(&workload::jsonata_loop(seed))?, 1000.0, "1 µs", 3.0, 1.0);
        let small = transition(&workload::five_conditions(seed, 1_000))?;
        let large = transition(&workload::five_conditions(seed, 200 * 1024))?;
        row("Choice, 5 conditions in JSONata, 200 KiB", large, small, "that of 1 KB", 1.15, 1.15);
        let map_1k = transition(&workload::inline_map(seed, 1_000))?;
        row("inline Map, 1,000 items", map_1k, f, "F", 16.0, 5.0);
        row("inline Map, 10,000 items", transition(&workload::inline_map(seed, 10_000))?, map_1k, "that of 1,000", 1.15, 1.15);
        row("Parallel, 40 × 10 Pass", transition(&workload::parallel(seed))?, f, "F", 8.0, 3.0);
        let big = whole(&workload::big_payload(seed))?;
        row("20 Pass over 200 KiB, with parse and print", big, p, "P", 1.5, (p + 20.0 * 4.0 * f) / p);
    }
    let checkpoint = checkpoint_of_the_touched_frame()?;
    println!("| workload, a transition | ns | floor | ns | ratio | must | goal |");
    println!("|---|--:|---|--:|--:|--:|--:|");
    let mut missed = 0;
    for Row { name, ns, floor, floor_name, must, goal } in &rows {
        let ratio = ns / floor;
        let verdict = if ratio <= *goal {
            "✔✔"
        } else if ratio <= *must {
            "✔"
        } else {
            "✘"
        };
        missed += usize::from(ratio > *must);
        println!("| {name} | {ns:.0} | {floor_name} | {floor:.0} | {ratio:.2} {verdict} | {must} | {goal:.2} |");
    }
    let verdict = if checkpoint <= 1000.0 {
        "✔✔"
    } else if checkpoint <= 5000.0 {
        "✔"
    } else {
        "✘"
    };
    println!("| checkpoint of the touched frame | {checkpoint:.0} | – | | {verdict} | 5000 ns | 1000 ns |");
    let verdict = if waiting <= 2048.0 { "✔" } else { "✘" };
    println!("| a waiting execution, bytes beside its payload | {waiting:.0} | – | | {verdict} | 2048 bytes | |");
    missed += usize::from(waiting > 2048.0);
    println!("\n✔✔ meets the goal, ✔ the must; CPU time of this process, lowest of {} batches.", floor::BATCHES);
    Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// A definition and its input, ready to be run.
struct Prepared {
    definition: Definition,
    input: Document,
    quotas: Quotas,
}

fn prepare(workload: &Workload) -> anyhow::Result<Prepared> {
    let parsed = Definition::parse(&workload.definition, &Options::default())
        .map_err(|diagnostics| anyhow::anyhow!("{}: {diagnostics:#?}", workload.name))?;
    let quotas = if workload.relaxed { Quotas::relaxed() } else { Quotas::aws(false) };
    Ok(Prepared { definition: parsed.definition, input: Document::parse(&workload.input)?, quotas })
}

/// Nanoseconds a transition, the complete history in memory.
fn transition(workload: &Workload) -> anyhow::Result<f64> {
    let prepared = prepare(workload)?;
    let (output, events) = play(&prepared, prepared.input.clone());
    check(workload, &output, &events)?;
    let ns = floor::lowest(workload.rounds, || drop(std::hint::black_box(play(&prepared, prepared.input.clone()))));
    Ok(ns / f64::from(workload.transitions))
}

/// Nanoseconds for parsing the input, all transitions, and printing the output.
fn whole(workload: &Workload) -> anyhow::Result<f64> {
    let prepared = prepare(workload)?;
    let (output, events) = play(&prepared, prepared.input.clone());
    check(workload, &output, &events)?;
    Ok(floor::lowest(workload.rounds, || {
        let input = Document::parse(&workload.input).unwrap_or_default();
        drop(std::hint::black_box(play(&prepared, input)));
    }))
}

fn play(prepared: &Prepared, input: Document) -> (String, Vec<HistoryEvent>) {
    let Prepared { definition, quotas, .. } = prepared;
    let mut out = Output::default();
    let start = Start { identity: identity(), input, seed: 1, quotas: *quotas };
    let now = Timestamp(1_700_000_000_000);
    let mut execution = Execution::start(definition, start, now, &mut out);
    while execution.poll(definition, now, &mut out) == Progress::Advanced {}
    let output = match execution.status() {
        statewright_interpreter::execution::Status::Succeeded { output } => output.text().into_owned(),
        other => other.as_str().to_owned(),
    };
    (output, out.events)
}

fn identity() -> Identity {
    Identity {
        execution_arn: "arn:aws:states:us-east-1:123456789012:execution:bench:1".into(),
        execution_name: "1".into(),
        state_machine_arn: "arn:aws:states:us-east-1:123456789012:stateMachine:bench".into(),
        state_machine_name: "bench".into(),
        role_arn: "arn:aws:iam::123456789012:role/bench".into(),
        region: "us-east-1".into(),
    }
}

/// The output is right, and the history is complete and can be rendered.
fn check(workload: &Workload, output: &str, events: &[HistoryEvent]) -> anyhow::Result<()> {
    let name = &workload.name;
    let shown: String = output.chars().take(200).collect();
    let (output, expected): (serde_json::Value, serde_json::Value) =
        (serde_json::from_str(output).unwrap_or_default(), serde_json::from_str(&workload.expected)?);
    anyhow::ensure!(output == expected, "{name} answers {shown}");
    let history: serde_json::Value = serde_json::from_str(&history_to_json(events))?;
    let rendered = history.get("events").and_then(serde_json::Value::as_array).map_or(0, Vec::len);
    anyhow::ensure!(rendered == workload.events, "{name} has {rendered} events instead of {}", workload.events);
    Ok(())
}

/// Bytes of memory that an execution holds while it waits, its payload not counted.
fn waiting_execution() -> anyhow::Result<f64> {
    const EXECUTIONS: u32 = 20_000;
    let definition = Definition::parse(
        r#"{"StartAt":"Hold","States":{"Hold":{"Type":"Wait","Seconds":60,"Next":"Done"},"Done":{"Type":"Succeed"}}}"#,
        &Options::default(),
    );
    let definition = definition.map_err(|diagnostics| anyhow::anyhow!("{diagnostics:#?}"))?.definition;
    let now = Timestamp(1_700_000_000_000);
    let before = floor::resident_bytes()?;
    let mut executions = Vec::with_capacity(EXECUTIONS as usize);
    for n in 0..EXECUTIONS {
        let mut identity = identity();
        identity.execution_name = n.to_string().into();
        identity.execution_arn = format!("{}:{n}", identity.state_machine_arn).into();
        let start = Start {
            identity,
            input: Document::from(statewright_interpreter::Value::from(n)),
            seed: n.into(),
            quotas: Quotas::aws(false),
        };
        let mut execution = Execution::start(&definition, start, now, &mut Output::default());
        while execution.poll(&definition, now, &mut Output::default()) == Progress::Advanced {}
        // What a host has stored it does not keep twice.
        drop(execution.take_changes(&definition));
        executions.push(execution);
    }
    let held = floor::resident_bytes()? - before;
    anyhow::ensure!(executions.iter().all(|execution| execution.deadline().is_some()), "an execution does not wait");
    Ok(held / f64::from(EXECUTIONS))
}

/// Nanoseconds for writing down what one transition of a chain of Pass states touches, payload not counted.
fn checkpoint_of_the_touched_frame() -> anyhow::Result<f64> {
    let prepared = prepare(&workload::idle_chain())?;
    let definition = &prepared.definition;
    let now = Timestamp(1_700_000_000_000);
    let run = |checkpoint: bool| {
        let mut out = Output::default();
        let start = Start { identity: identity(), input: prepared.input.clone(), seed: 1, quotas: prepared.quotas };
        let mut execution = Execution::start(definition, start, now, &mut out);
        let mut steps = 0_u32;
        while execution.poll(definition, now, &mut out) == Progress::Advanced {
            steps += 1;
            if checkpoint {
                std::hint::black_box(execution.take_changes(definition));
            }
        }
        steps
    };
    let steps = f64::from(run(true).max(1));
    let with = floor::lowest(40, || {
        std::hint::black_box(run(true));
    });
    let without = floor::lowest(40, || {
        std::hint::black_box(run(false));
    });
    Ok((with - without).max(0.0) / steps)
}
