//! The driver in a world where things go wrong, from one seed: the same seed is the same run, fault by fault.
//!
//! A seed gives a machine and a plan of faults. The machine runs once in a world where nothing fails and once in one where things fail as
//! planned; how alike the two must be depends on the machine ([`Comparison`]). Time that passes differently must not matter, so tasks
//! either answer, and have a year for it, or never do, and time out whenever somebody looks.

mod plan;
mod world;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use serde_json::Value;
use statewright_engine::{Budget, Clock as _, CommitError, DriveError, Drove, ExecutionArn, Session, Store as _, drive};
use statewright_interpreter::definition::Definition;
use statewright_interpreter::execution::{Execution, Status};
use statewright_interpreter::history::HistoryEvent;
use statewright_interpreter::quota::Quotas;

use crate::choices::Choices;
use crate::generate::{Machine, Shape, machine};
use crate::properties::{definition_of, history, identity, start_of, tree};
pub use plan::{Fault, Kind};
use world::{Interruption, Message, World, poll_once};

/// How alike a run with faults and one without must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Nothing runs at the same time: the same history, event by event, but for the times.
    Exact,
    /// Branches and iterations overlap and cannot fail: the same end, and the same events after the same events, in whatever order the paths
    /// are interleaved. What follows a join or starts the next iteration follows whoever was last, and is compared without that.
    Paths,
    /// Branches fail while others run: what the others come to depends on when. Each run is checked for itself.
    Itself,
}

/// What came of a seed.
#[derive(Clone, Debug)]
pub struct Report {
    /// How the two runs were compared.
    pub comparison: Comparison,
    /// The final status.
    pub status: &'static str,
    /// How many faults happened.
    pub faults: usize,
    /// How many events the history has.
    pub events: usize,
}

/// What is wrong, and how to see it again.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What is wrong.
    pub reason: String,
    /// The faults that are needed for it.
    pub faults: Vec<Fault>,
    /// The machine.
    pub machine: Machine,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {} fails: {}", self.seed, self.reason)?;
        writeln!(f, "repeat it: cargo xtask simulate --seed {}", self.seed)?;
        writeln!(f, "faults that are needed: {}", self.faults.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))?;
        writeln!(f, "machine: {}\ninput: {}", self.machine.definition, self.machine.input)
    }
}

/// Runs a seed with and without faults.
///
/// # Errors
/// With what is wrong, and the fewest faults that show it.
pub fn simulate(seed: u64) -> Result<Report, Box<Failure>> {
    let mut choices = Choices::from_seed(seed);
    let (shape, comparison) = match choices.below(4) {
        0 | 1 => (Shape::SERIAL, Comparison::Exact),
        2 => (Shape::CONFLUENT, Comparison::Paths),
        _ => (Shape::RACING, Comparison::Itself),
    };
    let machine = machine(&mut choices, shape);
    let budget = Budget { steps: [1, 3, 10, 1000].get(choices.below(4)).copied().unwrap_or(1000) };
    let failure = |reason: String, faults: Vec<Fault>| Box::new(Failure { seed, reason, faults, machine: machine.clone() });
    let definition = definition_of(&machine).map_err(|reason| failure(reason, Vec::new()))?;
    let scenario = Scenario { definition: &definition, machine: &machine, choices: choices.split() };
    let whole = scenario.run(Vec::new(), Budget::default()).map_err(|reason| failure(reason, Vec::new()))?;
    // A payload that grew beyond its limit fails one branch while others run.
    let raced = comparison == Comparison::Paths && whole.status != "SUCCEEDED";
    let comparison = if raced { Comparison::Itself } else { comparison };
    // So many as there are places in a run with this budget, or nearly.
    let places = whole.places * if budget.steps < 10 { 3 } else { 1 };
    let faults = plan::draw(&mut choices, places);
    let attempt = |faults: &[Fault]| {
        let faulted = scenario.run(faults.to_vec(), budget)?;
        compare(comparison, &whole, &faulted)?;
        Ok(faulted)
    };
    match attempt(&faults) {
        Ok(faulted) => {
            Ok(Report { comparison, status: faulted.status, faults: faults.len() - faulted.left, events: faulted.history.len() })
        }
        Err(reason) => {
            let (reason, faults) = minimise(reason, faults, |faults| attempt(faults).err());
            Err(failure(reason, faults))
        }
    }
}

/// Leaves out every fault without which it fails as well.
fn minimise(reason: String, faults: Vec<Fault>, fails: impl Fn(&[Fault]) -> Option<String>) -> (String, Vec<Fault>) {
    let (mut reason, mut faults) = (reason, faults);
    let mut at = 0;
    while at < faults.len() {
        let mut fewer = faults.clone();
        fewer.remove(at);
        match fails(&fewer) {
            Some(other) => (reason, faults) = (other, fewer),
            None => at += 1,
        }
    }
    (reason, faults)
}

/// How a run ended.
#[derive(Debug)]
struct Ended {
    status: &'static str,
    output: Option<String>,
    history: Vec<HistoryEvent>,
    tokens: Vec<String>,
    places: u64,
    /// Faults that did not happen.
    left: usize,
}

struct Scenario<'s> {
    definition: &'s Definition,
    machine: &'s Machine,
    choices: Choices,
}

/// Messages that a run may need; more is going round in circles.
const MESSAGES_MAX: usize = 20_000;
/// How often a driver may be polled for one message.
const POLLS_MAX: usize = 100_000;
/// How often the sweeper may find the same before something is wrong.
const SWEEPS_MAX: usize = 30;

impl Scenario<'_> {
    fn run(&self, faults: Vec<Fault>, budget: Budget) -> Result<Ended, String> {
        let planned = faults.len();
        let world = World::new(self.choices.clone(), faults, budget);
        let arn = ExecutionArn(identity().execution_arn);
        world.send(Message::Create, 0);
        let mut sweeps = (None, 0);
        for _ in 0..MESSAGES_MAX {
            if let Some(violation) = world.violation() {
                return Err(violation);
            }
            if world.is_quiet() {
                let Some(version) = self.sweep(&world, &arn)? else { return self.end(&world, &arn, planned) };
                sweeps = if sweeps.0 == Some(version) { (sweeps.0, sweeps.1 + 1) } else { (Some(version), 0) };
                if sweeps.1 > SWEEPS_MAX {
                    return Err("the execution stalls".to_owned());
                }
            }
            match world.receive() {
                Some(Message::Create) => self.create(&world, &arn)?,
                Some(Message::Wake) => self.wake(&world, &arn)?,
                Some(Message::Work(task, sent)) => world.work(&arn, task, sent),
                Some(Message::Post(entry)) => world.post(&arn, entry),
                None => return Err("the sweeper finds nothing to do".to_owned()),
            }
        }
        Err("the execution does not end".to_owned())
    }

    /// Creates the execution. Who asked for it asks again until it is there.
    fn create(&self, world: &World, arn: &ExecutionArn) -> Result<(), String> {
        let start = start_of(self.machine, 42, Quotas::aws(false))?;
        let (mut session, out) = Session::start(self.definition, start, world.now());
        let budget = Budget { steps: 1 };
        let created = run_to_end(world, || Box::pin(async { Ok::<_, DriveError>(None) }), {
            let (definition, now) = (self.definition, world.now());
            Box::pin(async move { session.round(world, definition, Vec::new(), now, budget, out).await.map(|_| None) })
        });
        let there = match created? {
            Some(Ok(_) | Err(DriveError::Commit(CommitError::Conflict))) => true,
            Some(Err(_)) | None => false,
        };
        let _ = arn;
        world.send(if there { Message::Wake } else { Message::Create }, if there { 0 } else { 30_000 });
        Ok(())
    }

    /// Drives the execution. The wake-up of a driver that crashed or failed comes again.
    fn wake(&self, world: &World, arn: &ExecutionArn) -> Result<(), String> {
        let driver = || -> Driver<'_> { Box::pin(async { drive(world, self.definition, arn).await.map(Some) }) };
        match run_to_end(world, driver, driver())? {
            Some(Ok(Some(Drove::Finished))) => match self.look(world, arn)? {
                Some((_, execution, _)) if execution.status().is_final() => Ok(()),
                _ => Err("a driver says that an execution is finished, and it is not".to_owned()),
            },
            Some(Ok(_)) => Ok(()),
            Some(Err(DriveError::Restore(error))) => Err(error.to_string()),
            Some(Err(_)) | None => {
                world.send(Message::Wake, 30_000);
                Ok(())
            }
        }
    }

    /// What is stored: the version, the execution, and whether something was posted for it.
    fn look(&self, world: &World, arn: &ExecutionArn) -> Result<Option<(u64, Execution, bool)>, String> {
        let loaded = poll_once(world.memory().load(arn)).and_then(Result::ok).flatten();
        let Some(loaded) = loaded else { return Ok(None) };
        let execution = Execution::restore(self.definition, &loaded.checkpoint).map_err(|error| error.to_string())?;
        tree(&loaded.checkpoint, execution.status().is_final())?;
        Ok(Some((loaded.version.0, execution, !loaded.inbox.is_empty())))
    }

    /// Finds what was lost: an execution with something to do is looked at, one that waits when its time has come. `None` when it has
    /// ended.
    fn sweep(&self, world: &World, arn: &ExecutionArn) -> Result<Option<u64>, String> {
        let Some((version, execution, posted)) = self.look(world, arn)? else {
            return Err("the execution was never created".to_owned());
        };
        if execution.status().is_final() {
            return Ok(None);
        }
        let busy = posted || execution.is_ready() || !execution.outstanding(self.definition).is_empty();
        let Some(deadline) = execution.deadline() else { return Err("what has not ended has no deadline".to_owned()) };
        let delay = u64::try_from(deadline.0.saturating_sub(world.now().0)).unwrap_or(0);
        world.send(Message::Wake, if busy { delay.min(60_000) } else { delay });
        Ok(Some(version))
    }

    fn end(&self, world: &World, arn: &ExecutionArn, planned: usize) -> Result<Ended, String> {
        let Some((_, execution, _)) = self.look(world, arn)? else { return Err("the execution is gone".to_owned()) };
        let events = world.memory().history(arn);
        history::check(self.definition, &events)?;
        history::check_end(&events, execution.status().as_str())?;
        let output = match execution.status() {
            Status::Succeeded { output } => Some(output.text().into_owned()),
            Status::Failed(error) => Some(format!("{error:?}")),
            Status::Running | Status::TimedOut | Status::Aborted(_) => None,
        };
        let left = world.faults_left();
        debug_assert!(left <= planned);
        Ok(Ended {
            status: execution.status().as_str(),
            output,
            history: events,
            tokens: world.tokens(),
            places: world.places(),
            left,
        })
    }
}

type Driver<'d> = Pin<Box<dyn Future<Output = Result<Option<Drove>, DriveError>> + 'd>>;

/// Runs a driver, and those that join it, until all have ended or crashed. Gives the first one's answer; `None` if it crashed.
fn run_to_end<'d>(
    world: &World,
    another: impl Fn() -> Driver<'d>,
    first: Driver<'d>,
) -> Result<Option<Result<Option<Drove>, DriveError>>, String> {
    let mut context = Context::from_waker(Waker::noop());
    let mut drivers = vec![(true, first)];
    let mut answer = None;
    for _ in 0..POLLS_MAX {
        if drivers.is_empty() {
            return Ok(answer);
        }
        let at = world.draw(drivers.len());
        let Some((is_first, driver)) = drivers.get_mut(at) else { continue };
        let is_first = *is_first;
        match driver.as_mut().poll(&mut context) {
            Poll::Ready(result) => {
                drop(drivers.remove(at));
                match result {
                    result if is_first => answer = Some(result),
                    Ok(_) => {}
                    // Its wake-up comes again.
                    Err(_) => world.send(Message::Wake, 30_000),
                }
            }
            Poll::Pending => match world.take_interruption() {
                Some(Interruption::Crash) => {
                    drop(drivers.remove(at));
                    world.send(Message::Wake, 30_000);
                }
                Some(Interruption::Rival) => drivers.push((false, another())),
                None => {}
            },
        }
    }
    Err("a driver does not end".to_owned())
}

fn compare(comparison: Comparison, whole: &Ended, faulted: &Ended) -> Result<(), String> {
    if comparison == Comparison::Itself {
        return Ok(());
    }
    if (whole.status, &whole.output) != (faulted.status, &faulted.output) {
        let end = |ended: &Ended| format!("{} {}", ended.status, ended.output.as_deref().unwrap_or_default());
        return Err(format!("it ends otherwise: {}\nwithout faults: {}", end(faulted), end(whole)));
    }
    let lines: fn(&Ended) -> Vec<String> = if comparison == Comparison::Exact { exact } else { paths };
    let (wanted, found) = (lines(whole), lines(faulted));
    match wanted.iter().zip(&found).find(|(wanted, found)| wanted != found) {
        Some((wanted, found)) => Err(format!("the histories differ: {found}\nwithout faults: {wanted}")),
        None if wanted.len() != found.len() => Err(format!("{} events, without faults {}", found.len(), wanted.len())),
        None => Ok(()),
    }
}

/// The events without their times.
fn exact(ended: &Ended) -> Vec<String> {
    ended.history.iter().map(|event| without(event, &["timestamp"], &[])).collect()
}

/// The events without times and numbers, each behind the one it follows, sorted.
fn paths(ended: &Ended) -> Vec<String> {
    let bare = |event: &HistoryEvent| without(event, &["timestamp", "id", "previousEventId"], &ended.tokens);
    let by_id: BTreeMap<_, _> = ended.history.iter().map(|event| (event.id, event)).collect();
    let mut lines: Vec<String> = ended
        .history
        .iter()
        .map(|event| {
            let after_any =
                ["MapIterationStarted", "MapStateSucceeded", "ParallelStateSucceeded", "MapStateExited", "ParallelStateExited"];
            let previous = by_id.get(&event.previous).filter(|_| !after_any.contains(&&*event.details.type_name()));
            format!("{} → {}", previous.map(|event| bare(event)).unwrap_or_default(), bare(event))
        })
        .collect();
    lines.sort_unstable();
    lines
}

fn without(event: &HistoryEvent, members: &[&str], tokens: &[String]) -> String {
    let mut text = event.to_json();
    for token in tokens {
        text = text.replace(token, "TOKEN");
    }
    let mut value: Value = serde_json::from_str(&text).unwrap_or_default();
    if let Value::Object(event) = &mut value {
        event.retain(|name, _| !members.contains(&name.as_str()));
    }
    value.to_string()
}
