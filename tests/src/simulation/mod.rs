//! The serverless host in a world where things go wrong, on one thread, from one seed: the same seed is the same run, fault by fault.
//!
//! A seed gives some machines, some executions of each, how the journal is kept, and a plan of faults. The world is a table, a queue of
//! wake-ups, functions that start, drive and are told things, workers, clients, and a sweep once a minute, on virtual time. Each
//! execution also runs once in the interpreter alone, where nothing fails; how alike the two must be depends on the machine
//! ([`Comparison`]). Time that passes differently must not matter, so tasks either answer, and have a year for it, or never do, and time
//! out whenever somebody looks.
//!
//! How late somebody may look at what is due is checked at every commit ([`Bound`]). In some worlds what has ended is kept for days only,
//! some of it is deleted when that is over, and others are started under its names; there time is slow, and executions outlive their items.
//!
//! Meanwhile other releases of the host are deployed and rolled back ([`Release`]): functions of two of them drive the same executions in
//! turn, and some meet a format that they do not know.

mod check;
mod expiry;
mod function;
mod plan;
mod release;
mod run;
mod sweeper;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use statewright_engine::Budget;
use statewright_engine::journal::Settings;
use statewright_interpreter::execution::Identity;
use statewright_interpreter::quota::Quotas;

use crate::choices::Choices;
use crate::generate::{Machine, START, Shape, machine};
use crate::properties::{definition_of, identity, start_of};
use expiry::{Expiring, SLOWER};
pub use plan::{Fault, Kind};
pub use release::{Deployment, Release};
use run::Runner;
pub use world::{Bound, Looks};
use world::{Intended, Planned, Setup, World};

/// How alike a run with faults and one without must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comparison {
    /// Nothing runs at the same time: the same history, event by event, but for the times.
    Exact,
    /// Branches and iterations overlap and cannot fail: the same end, and the same events after the same events, in whatever order the paths
    /// are interleaved. What follows a join or starts the next iteration follows whoever was last, and is compared without that.
    Paths,
    /// Branches fail while others run: what the others come to depends on when. Each run is checked for itself.
    Itself,
}

/// A mechanism that can be taken out, to see that it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Without {
    /// A commit is written whatever stands under its key.
    Version,
    /// What cannot be applied at once is dropped instead of posted.
    Inbox,
    /// Nobody looks for what is due.
    Sweep,
    /// A writer does not know its own commits.
    WriterId,
    /// Whoever starts a task has no time for it.
    Lease,
    /// Commits are deleted as soon as nothing in them is needed.
    KeyRetention,
    /// What runs for longer than its items were to stay is not written again.
    Refresh,
    /// Wake-ups and reminders are sent after the commit that needs them.
    WakeBeforeCommit,
    /// Tasks are started before the commit that says so.
    DispatchAfterCommit,
}

impl Without {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 9] = [
        ("version", Self::Version),
        ("inbox", Self::Inbox),
        ("sweep", Self::Sweep),
        ("writer-id", Self::WriterId),
        ("lease", Self::Lease),
        ("key-retention", Self::KeyRetention),
        ("refresh", Self::Refresh),
        ("wake-before-commit", Self::WakeBeforeCommit),
        ("dispatch-after-commit", Self::DispatchAfterCommit),
    ];
}

/// What to simulate of a seed.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many executions live in its world.
    pub executions: usize,
    /// Each how many commits of an execution is read back at once and compared with the execution in memory; the last one always is.
    pub read_back_each: u32,
    /// What is taken out.
    pub without: Option<Without>,
    /// Whether other releases are deployed meanwhile.
    pub deploys: bool,
    /// Whether a failure is to come with the fewest faults that show it, which takes many runs.
    pub minimise: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { executions: 100, read_back_each: 1, without: None, deploys: true, minimise: true }
    }
}

/// What came of a seed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many executions there were.
    pub executions: usize,
    /// How many of them each status and kind of comparison had.
    pub ends: BTreeMap<(&'static str, Comparison), usize>,
    /// How many faults happened, changes of release included.
    pub faults: BTreeMap<&'static str, usize>,
    /// How many executions had a fault of each kind.
    pub hit: BTreeMap<&'static str, usize>,
    /// How many commits there were.
    pub commits: usize,
    /// How many events the histories have.
    pub events: usize,
    /// How late somebody looked at what was due, by the bound that was in force.
    pub looks: BTreeMap<Bound, Looks>,
}

impl Report {
    /// Adds up what came of two seeds.
    pub fn add(&mut self, other: &Self) {
        self.executions += other.executions;
        self.commits += other.commits;
        self.events += other.events;
        for (bound, looks) in &other.looks {
            self.looks.entry(*bound).or_default().add(looks);
        }
        for (key, count) in &other.ends {
            *self.ends.entry(*key).or_default() += count;
        }
        for (kind, count) in &other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        for (kind, count) in &other.hit {
            *self.hit.entry(kind).or_default() += count;
        }
    }
}

/// What is wrong, and how to see it again.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// How many executions its world has.
    pub executions: usize,
    /// The execution that something is wrong with.
    pub execution: usize,
    /// What is wrong.
    pub reason: String,
    /// The faults that are needed for it.
    pub faults: Vec<Fault>,
    /// The machine.
    pub machine: Option<Machine>,
    /// How the journal was kept.
    pub settings: Option<Settings>,
    /// Which releases were deployed.
    pub deployment: Deployment,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, execution {}: {}", self.seed, self.execution, self.reason)?;
        writeln!(f, "repeat it: cargo xtask simulate --seed {} --executions {}", self.seed, self.executions)?;
        writeln!(f, "faults that are needed: {}", self.faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
        if let Some(settings) = &self.settings {
            writeln!(f, "journal: {settings:?}")?;
        }
        writeln!(f, "releases: {}", self.deployment)?;
        match &self.machine {
            Some(machine) => {
                // Blanks do not matter to people.
                let input: serde_json::Value = serde_json::from_str(&machine.input).unwrap_or_default();
                writeln!(f, "machine: {}\ninput: {input}", machine.definition)
            }
            None => Ok(()),
        }
    }
}

/// Runs the world of a seed.
///
/// # Errors
/// With what is wrong, and the fewest faults that show it.
pub fn simulate(seed: u64, options: Options) -> Result<Report, Box<Failure>> {
    let failure = |execution, reason, faults| Failure {
        seed,
        executions: options.executions,
        execution,
        reason,
        faults,
        machine: None,
        settings: None,
        deployment: Deployment::default(),
    };
    let setup = Arc::new(draw(seed, options).map_err(|reason| failure(0, reason, Vec::new()))?);
    let faults: Vec<Fault> = setup.executions.iter().flat_map(|intended| intended.faults.iter().copied()).collect();
    match run(&setup, options, &faults, None) {
        Ok(report) => Ok(report),
        Err((execution, reason)) => {
            let attempt = |only, faults: &[Fault]| run(&setup, options, faults, only).err();
            let (execution, reason, faults) = match options.minimise {
                true => minimise(execution, reason, faults, attempt),
                false => (execution, reason, faults),
            };
            let machine = setup.executions.get(execution).and_then(|intended| setup.machines.get(intended.machine));
            Err(Box::new(Failure {
                machine: machine.map(|planned| planned.machine.clone()),
                settings: Some(setup.settings),
                deployment: setup.deployment.clone(),
                ..failure(execution, reason, faults)
            }))
        }
    }
}

/// Leaves out every other execution and every fault without which it fails as well.
fn minimise(
    execution: usize,
    reason: String,
    faults: Vec<Fault>,
    fails: impl Fn(Option<usize>, &[Fault]) -> Option<(usize, String)>,
) -> (usize, String, Vec<Fault>) {
    let own: Vec<Fault> = faults.iter().filter(|fault| fault.execution == execution).copied().collect();
    let (only, mut execution, mut reason, mut faults) = match fails(Some(execution), &own) {
        Some((execution, reason)) => (Some(execution), execution, reason, own),
        None => (None, execution, reason, faults),
    };
    let mut at = 0;
    while at < faults.len() {
        let mut fewer = faults.clone();
        fewer.remove(at);
        match fails(only, &fewer) {
            Some(other) => ((execution, reason), faults) = (other, fewer),
            None => at += 1,
        }
    }
    (execution, reason, faults)
}

fn run(setup: &Arc<Setup>, options: Options, faults: &[Fault], only: Option<usize>) -> Result<Report, (usize, String)> {
    let world = World::new(Arc::clone(setup), options.without, faults, only);
    Runner::new(&world).run()?;
    let mut report = Report::default();
    let mut ended = Vec::new();
    for (execution, intended) in setup.executions.iter().enumerate() {
        if only.is_some_and(|only| only != execution) {
            continue;
        }
        let of = |reason: String| (execution, reason);
        let planned = world.planned(execution);
        let status = match world.life(execution, |life| life.status) {
            Some(status) => status,
            None => {
                let whole = check::undisturbed(&planned.definition, intended.start.clone(), world.began(execution)).map_err(of)?;
                check::execution(&world, execution, &whole).map_err(of)?
            }
        };
        ended.push((execution, status));
        report.executions += 1;
        *report.ends.entry((status, planned.comparison)).or_default() += 1;
        world.life(execution, |life| {
            report.commits += life.commits as usize;
            report.events += life.events.len();
            for (bound, looks) in &life.looks {
                report.looks.entry(*bound).or_default().add(looks);
            }
            for kind in &life.fired {
                *report.faults.entry(kind).or_default() += 1;
            }
            let kinds: BTreeSet<&str> = life.fired.iter().copied().collect();
            for kind in kinds {
                *report.hit.entry(kind).or_default() += 1;
            }
        });
    }
    if setup.expiring.is_some() {
        ended.clear();
        world.is_empty().map_err(|error| (0, error))?;
    }
    check::lists(&world, &ended)?;
    Ok(report)
}

/// How many executions share a machine, about.
const EXECUTIONS_EACH: usize = 8;

/// Waits and time-outs of hours and days instead of seconds and minutes.
const SLOW: u64 = 150;

/// The machine, whose waits and time-outs take so many times longer.
fn slow(machine: Machine, times: u64) -> Machine {
    fn walk(value: &mut Value, times: u64) {
        let is = |value: &Value, kind: &str| value.get("Type").and_then(Value::as_str) == Some(kind);
        let fields: &[&str] = match () {
            () if is(value, "Wait") => &["Seconds"],
            () if is(value, "Task") => &["TimeoutSeconds", "HeartbeatSeconds"],
            () => &[],
        };
        for field in fields {
            if let Some(seconds) = value.get(field).and_then(Value::as_u64).filter(|seconds| *seconds < 1000) {
                value[*field] = (seconds * times).into();
            }
        }
        match value {
            Value::Object(members) => members.values_mut().for_each(|member| walk(member, times)),
            Value::Array(items) => items.iter_mut().for_each(|item| walk(item, times)),
            _ => {}
        }
    }
    let Ok(mut definition) = serde_json::from_str(&machine.definition) else { return machine };
    walk(&mut definition, times);
    Machine { definition: definition.to_string(), ..machine }
}

fn draw(seed: u64, options: Options) -> Result<Setup, String> {
    let mut choices = Choices::from_seed(seed);
    // Drawn from elsewhere, so that a world is the same without it.
    let expiring = Expiring::draw(&mut Choices::from_seed(!seed.rotate_left(7)));
    let mut one_of = |from: &[usize]| from.get(choices.below(from.len())).copied().unwrap_or(1);
    let settings = Settings {
        apart_bytes: one_of(&[60, 300, 32 * 1024]),
        item_bytes_max: one_of(&[120, 400, 350 * 1024]),
        needs_max: one_of(&[1, 3, 16]),
        list_shards: u32::try_from(one_of(&[1, 2])).unwrap_or(1),
        reminder_shards: u32::try_from(one_of(&[1, 2])).unwrap_or(1),
        retention_seconds: expiring
            .as_ref()
            .map_or_else(|| Settings::default().retention_seconds, |expiring| expiring.retention_seconds),
        ..Settings::default()
    };
    let budget = Budget { steps: one_of(&[1, 5, 30, 1000, 1000, 1000]) };
    let function_ms = i64::try_from(one_of(&[30_000, 60_000, 300_000])).unwrap_or(60_000);
    let pause = Duration::from_millis(one_of(&[0, 2000, 20_000]) as u64);
    let linger = Duration::from_millis(one_of(&[0, 50]) as u64);
    let salt = choices.draw();
    let mut machines = Vec::new();
    for _ in 0..options.executions.div_ceil(EXECUTIONS_EACH) {
        let (shape, comparison) = match choices.below(4) {
            0 | 1 => (Shape::SERIAL, Comparison::Exact),
            2 => (Shape::CONFLUENT, Comparison::Paths),
            _ => (Shape::RACING, Comparison::Itself),
        };
        // A small machine is enough for most of what a host can do wrong.
        let shape = if choices.one_in(4) { shape } else { Shape { blocks: 2, depth: 1, ..shape } };
        let machine = machine(&mut choices, shape);
        let is_slow = salt.rotate_left(u32::try_from(machines.len()).unwrap_or(0)).is_multiple_of(4);
        let machine = if is_slow { slow(machine, if expiring.is_some() { SLOWER } else { SLOW }) } else { machine };
        let definition = Arc::new(definition_of(&machine)?);
        machines.push(Planned { machine, definition, comparison });
    }
    // Drawn from elsewhere, so that a world is the same without it.
    let mut deploying = Choices::from_seed(!seed);
    let deployment = if options.deploys { Deployment::draw(&mut deploying) } else { Deployment::default() };
    let mut executions = Vec::new();
    for number in 0..options.executions {
        let at = choices.below(machines.len());
        let Some(planned) = machines.get(at) else { continue };
        let mut start = start_of(&planned.machine, 42, Quotas::aws(false))?;
        let after = expiring.as_ref().and_then(|_| Expiring::predecessor(number, options.executions));
        let name = format!("run-{}", after.unwrap_or(number));
        let arn = format!("arn:aws:states:us-east-1:123456789012:execution:machine:{name}");
        start.identity = Identity { execution_arn: arn.into(), execution_name: name.into(), ..identity() };
        let mut choices = choices.split();
        let faults = plan::draw(&mut choices, number);
        let at_ms = START.0 + i64::try_from(choices.below(600_000)).unwrap_or(0);
        executions.push(Intended { machine: at, start, at: at_ms, after, faults, choices, releases: deploying.split() });
    }
    let read_back_each = options.read_back_each.max(1);
    Ok(Setup { settings, budget, function_ms, pause, linger, salt, machines, executions, read_back_each, deployment, expiring })
}
