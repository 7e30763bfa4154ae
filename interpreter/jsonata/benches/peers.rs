//! Twelve expressions beside two other engines: `jsonata-core` in this process, and the npm package `jsonata` in a process of its own.
//!
//! CPU time. The engines take turns in every round and each one's lowest batch counts, so that other load hits all alike. Before
//! anything is measured all three have to give the same value.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a benchmark is a program: it prints, and it starts the other engine"
)]

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};

use jsonata_core::ast::AstNode;
use jsonata_core::evaluator::{Context, Evaluator};
use jsonata_core::parser;
use jsonata_core::value::JValue;
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use statewright_jsonata::{Expression, NoHost, Scope};
use statewright_value::Value;

/// The allocator of our binaries, for both engines.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error>;

/// Every engine is measured so many times, by turns.
const ROUNDS: usize = 15;

/// What one measurement takes at least.
const BATCH_NS: f64 = 4e6;

/// The compile time that the rows on a small document should not exceed.
const COMPILE_NS_MAX: f64 = 5_000.0;

const SMALL: [&str; 6] = [
    "$states.input.count + 1",
    "$states.input.cfg.a.b[2].c",
    "$states.input.name & '-' & $string($states.input.count)",
    "$merge([$states.input, {'status': 'done', 'n': 1}])",
    "$exists($states.input.flag) ? $states.input.flag : 'none'",
    "{'id': $states.input.name, 'total': $states.input.count * 2, 'tags': $states.input.tags, 'nested': {'x': $states.input.cfg.a.b[0]}}",
];

const BIG: [&str; 6] = [
    "$states.input.items[price > 50]",
    "$map($states.input.items, function($v) { $v.price * $v.qty })",
    "$states.input.items.{'id': id, 'total': price * qty}",
    "$sort($states.input.items, function($a, $b) { $a.price > $b.price })",
    "$states.input.items{cat: $sum(price)}",
    "$reduce($states.input.items.price, function($a, $v) { $a + $v })",
];

/// `$states` of about 150 bytes.
fn small() -> serde_json::Value {
    json!({"input": {"name": "widget", "count": 41, "cfg": {"a": {"b": [1, 2, {"c": "deep"}]}}, "tags": ["x", "y"], "flag": true}})
}

/// `$states` of a thousand items, about 74 KB.
fn big() -> serde_json::Value {
    let item = |n: u32| {
        let price = f64::from(n * 7 % 100) + 0.5;
        json!({"id": n, "name": format!("item-{n}"), "price": price, "qty": n % 5, "cat": format!("c{}", n % 10)})
    };
    json!({"input": {"items": (0..1_000).map(item).collect::<Vec<_>>()}})
}

/// An expression and its data, in each engine's own form as it makes it from text.
struct Row {
    text: &'static str,
    data: serde_json::Value,
    ours: Expression,
    value: Value,
    core: AstNode,
    core_value: JValue,
}

impl Row {
    fn new(text: &'static str, data: serde_json::Value) -> Result<Self, Failure> {
        Ok(Self {
            text,
            ours: Expression::compile(text)?,
            value: Value::parse(&data.to_string()).map_err(|error| error.to_string())?,
            core: parser::parse(text)?,
            core_value: JValue::from_json_str(&data.to_string())?,
            data,
        })
    }

    fn ours(&self) -> Result<Option<Value>, statewright_jsonata::Error> {
        let bindings = [("states", self.value.clone())];
        let scope = Scope { bindings: &bindings, ..Scope::default() };
        Ok(self.ours.evaluate(&scope, &mut NoHost)?.into_value())
    }

    fn core(&self, states: JValue) -> Result<JValue, Failure> {
        let mut context = Context::new();
        context.bind("states".to_owned(), states);
        Ok(Evaluator::with_context(context).evaluate(&self.core, &JValue::Null)?)
    }

    /// The other engine with a document that comes and goes as `serde_json` has it.
    fn core_converting(&self) -> Result<serde_json::Value, Failure> {
        Ok(serde_json::Value::from(&self.core(JValue::from(self.data.clone()))?))
    }
}

/// The process in which the npm engine runs.
struct Npm {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Npm {
    fn start(package: &str) -> Result<Self, Failure> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peer.js");
        let mut child = Command::new("node").arg(script).arg(package).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (input, output) = child.stdin.take().zip(child.stdout.take()).ok_or("node has no streams")?;
        Ok(Self { child, input, output: BufReader::new(output) })
    }

    fn ask(&mut self, question: &serde_json::Value) -> Result<serde_json::Value, Failure> {
        writeln!(self.input, "{question}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }

    fn time(&mut self, row: usize, what: &str) -> Result<f64, Failure> {
        self.ask(&json!({"row": row, "what": what}))?.as_f64().ok_or_else(|| "node answers no number".into())
    }
}

impl Drop for Npm {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Numbers as floating point, which is all that the others have.
fn floats(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Number(number) => json!(number.as_f64()),
        serde_json::Value::Array(items) => items.into_iter().map(floats).collect(),
        serde_json::Value::Object(members) => members.into_iter().map(|(key, value)| (key, floats(value))).collect(),
        value => value,
    }
}

/// All engines give the same value.
fn check(row: &Row, npm: Option<&mut Npm>) -> Result<(), Failure> {
    let ours = row.ours()?.ok_or("no value")?;
    let ours = floats(serde_json::from_str(&ours.to_string())?);
    let core = floats(row.core_converting()?);
    if ours != core {
        return Err(format!("{}: ours is {ours}, jsonata-core's {core}", row.text).into());
    }
    if let Some(npm) = npm {
        let theirs = floats(npm.ask(&json!({"add": {"text": row.text, "states": row.data}}))?);
        if ours != theirs {
            return Err(format!("{}: ours is {ours}, npm's {theirs}", row.text).into());
        }
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a process does not run for a hundred days")]
fn cpu_ns() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// Something to measure: how often in one batch, and the least it took.
struct Timed<'w> {
    work: Box<dyn FnMut() + 'w>,
    count: u32,
    least: f64,
}

impl<'w> Timed<'w> {
    /// Finds out how often `work` has to be done for a batch.
    fn new(work: impl FnMut() + 'w) -> Self {
        let mut timed = Self { work: Box::new(work), count: 1, least: f64::INFINITY };
        while timed.batch() * f64::from(timed.count) < BATCH_NS {
            timed.count *= 2;
        }
        timed.least = f64::INFINITY;
        timed
    }

    fn batch(&mut self) -> f64 {
        let start = cpu_ns();
        for _ in 0..self.count {
            (self.work)();
        }
        let spent = (cpu_ns() - start) / f64::from(self.count);
        self.least = self.least.min(spent);
        spent
    }
}

/// What one row took: nanoseconds.
#[derive(Default)]
struct Figures {
    ours: f64,
    core: f64,
    core_converting: f64,
    npm: Option<f64>,
    compile: f64,
    core_compile: f64,
    npm_compile: Option<f64>,
}

fn measure(row: &Row, at: usize, mut npm: Option<&mut Npm>) -> Result<Figures, Failure> {
    let mut timed = [
        Timed::new(|| drop(black_box(row.ours()))),
        Timed::new(|| drop(black_box(row.core(row.core_value.clone())))),
        Timed::new(|| drop(black_box(row.core_converting()))),
        Timed::new(|| drop(black_box(Expression::compile(row.text)))),
        Timed::new(|| drop(black_box(parser::parse(row.text)))),
    ];
    let mut npm_least: Option<(f64, f64)> = None;
    for _ in 0..ROUNDS {
        for timed in &mut timed {
            timed.batch();
        }
        if let Some(npm) = npm.as_deref_mut() {
            let (evaluate, compile) = npm_least.unwrap_or((f64::INFINITY, f64::INFINITY));
            npm_least = Some((evaluate.min(npm.time(at, "evaluate")?), compile.min(npm.time(at, "compile")?)));
        }
    }
    let [ours, core, core_converting, compile, core_compile] = timed.map(|timed| timed.least);
    let (npm, npm_compile) = npm_least.unzip();
    Ok(Figures { ours, core, core_converting, npm, compile, core_compile, npm_compile })
}

fn median(mut ratios: Vec<f64>) -> f64 {
    ratios.sort_by(f64::total_cmp);
    let middle = |at: usize| ratios.get(at).copied().unwrap_or(f64::NAN);
    let half = ratios.len() / 2;
    if ratios.len().is_multiple_of(2) { f64::midpoint(middle(half.wrapping_sub(1)), middle(half)) } else { middle(half) }
}

fn times(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "–".to_owned(), |ratio| if ratio < 10.0 { format!("{ratio:.2}") } else { format!("{ratio:.0}") })
}

fn print(rows: &[Row], figures: &[Figures]) -> bool {
    println!("| expression | ns | core | core, converting | npm | compile ns | core | npm |");
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    for (row, row_figures) in rows.iter().zip(figures) {
        let Figures { ours, core, core_converting, npm, compile, core_compile, npm_compile } = row_figures;
        println!(
            "| `{}` | {ours:.0} | {} | {} | {} | {compile:.0} | {} | {} |",
            row.text,
            times(Some(core / ours)),
            times(Some(core_converting / ours)),
            times(npm.map(|npm| npm / ours)),
            times(Some(core_compile / compile)),
            times(npm_compile.map(|npm| npm / compile)),
        );
    }
    let of = |ratio: &dyn Fn(&Figures) -> Option<f64>| median(figures.iter().filter_map(ratio).collect());
    let core = of(&|row| Some(row.core / row.ours));
    let npm = of(&|row| Some(row.npm? / row.ours));
    let ahead = figures.iter().filter(|row| row.core >= row.ours).count();
    let quick = figures.iter().take(SMALL.len()).filter(|row| row.compile < COMPILE_NS_MAX).count();
    println!(
        "| median | | {} | {} | {} | | {} | {} |",
        times(Some(core)),
        times(Some(of(&|row| Some(row.core_converting / row.ours)))),
        times(Some(npm).filter(|npm| !npm.is_nan())),
        times(Some(of(&|row| Some(row.core_compile / row.compile)))),
        times(Some(of(&|row| Some(row.npm_compile? / row.compile))).filter(|npm| !npm.is_nan())),
    );
    println!("\nCPU nanoseconds of ours, and how many times as long the others take; lowest of {ROUNDS} batches by turns.");
    println!(
        "At least as fast as jsonata-core on {ahead} of {}; compiled in less than 5 µs: {quick} of the first {}.",
        figures.len(),
        SMALL.len()
    );
    ahead + 2 >= figures.len() && core >= 1.5 && (npm.is_nan() || npm >= 10.0)
}

fn main() -> Result<ExitCode, Failure> {
    // Cargo says that it is a benchmark; what is left is where the npm package is.
    let package = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let mut npm = package.as_deref().map(Npm::start).transpose()?;
    let texts = SMALL.iter().map(|text| (*text, small())).chain(BIG.iter().map(|text| (*text, big())));
    let rows = texts.map(|(text, data)| Row::new(text, data)).collect::<Result<Vec<_>, _>>()?;
    for row in &rows {
        check(row, npm.as_mut())?;
    }
    let figures = rows.iter().enumerate().map(|(at, row)| measure(row, at, npm.as_mut())).collect::<Result<Vec<_>, _>>()?;
    Ok(if print(&rows, &figures) { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
