//! What must be true in the end, and what an execution comes to where nothing goes wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use statewright_engine::journal::ListedExecution;
use statewright_engine::{AfterCrash, Budget, Happened, advance};
use statewright_interpreter::command::{Command, Output};
use statewright_interpreter::definition::Definition;
use statewright_interpreter::event::Event;
use statewright_interpreter::execution::{Execution, Progress, Start, Status};
use statewright_interpreter::history::{EventDetails, EventId, HistoryEvent, TaskStage};
use statewright_interpreter::time::Timestamp;

use super::plan::Kind;
use super::run::arn_of;
use super::world::{World, at_once};
use super::{Comparison, Without};
use crate::properties::{history, message};

/// How an execution ended.
pub(super) struct Ended {
    pub(super) status: &'static str,
    output: Option<String>,
    history: Vec<HistoryEvent>,
    tokens: Vec<Arc<str>>,
}

impl Ended {
    fn new(execution: &Execution, history: Vec<HistoryEvent>, tokens: Vec<Arc<str>>) -> Self {
        let output = match execution.status() {
            Status::Succeeded { output } => Some(output.text().into_owned()),
            Status::Failed(error) => Some(format!("{error:?}")),
            Status::Running | Status::TimedOut | Status::Aborted(_) => None,
        };
        Self { status: execution.status().as_str(), output, history, tokens }
    }
}

/// Steps that an execution may need; more is going round in circles.
const ROUNDS_MAX: usize = 100_000;

/// What an execution comes to where nothing goes wrong: the interpreter alone, without driver or store.
pub(super) fn undisturbed(definition: &Definition, start: Start, begun: i64) -> Result<Ended, String> {
    let mut now = Timestamp(begun);
    let (mut out, mut history, mut tokens) = (Output::default(), Vec::new(), Vec::new());
    let mut execution = Execution::start(definition, start, now, &mut out);
    let mut coming: BTreeMap<(Timestamp, usize), Event> = BTreeMap::new();
    let mut count = 0;
    for _ in 0..ROUNDS_MAX {
        let later = coming.split_off(&(Timestamp(now.0 + 1), 0));
        let happened = std::mem::replace(&mut coming, later).into_iter().map(|((at, _), event)| Happened { at, event });
        let advanced = advance(&mut execution, definition, happened, now, Budget::default(), &mut out);
        history.append(&mut out.events);
        for command in out.commands.drain(..) {
            let Command::StartTask(task) = command else { continue };
            tokens.extend(task.token.clone());
            for (sent, event) in (0..).map_while(|sent| message(&task, sent)).enumerate() {
                count += 1;
                coming.insert((now.plus_millis(20 * (sent as u64 + 1)), count), event);
            }
        }
        match advanced.progress {
            Progress::Finished => return Ok(Ended::new(&execution, history, tokens)),
            Progress::Advanced => {}
            Progress::Blocked => {
                let next = [coming.keys().next().map(|(at, _)| *at), execution.deadline()];
                now = next.into_iter().flatten().min().unwrap_or(now).max(now);
            }
        }
    }
    Err("the execution does not end by itself".to_owned())
}

/// Checks an execution when everything is over. Gives its status.
pub(super) fn execution(world: &World, execution: usize, whole: &Ended) -> Result<&'static str, String> {
    let (acknowledged, is_final) = world.life(execution, |life| (life.acknowledged, life.is_final));
    if !acknowledged || !is_final {
        return Err(format!("it is stuck; acknowledged: {acknowledged}"));
    }
    world.read_back(execution)?;
    let planned = world.planned(execution);
    let definition = &planned.definition;
    let (events, tokens, checkpoint) =
        world.life(execution, |life| (life.events.clone(), life.tokens.clone(), life.checkpoint.clone()));
    let ended = Execution::restore(definition, &checkpoint).map_err(|error| error.to_string())?;
    history::check(definition, &events)?;
    history::check_end(&events, ended.status().as_str())?;
    if world.without != Some(Without::KeyRetention) {
        pages(world, execution, &events)?;
    }
    let given_up = runs(world, execution, &events)?;
    let ended = Ended::new(&ended, events, tokens);
    let was_stopped = ended.status == "ABORTED";
    if !was_stopped && !given_up {
        compare(planned.comparison, whole, &ended)?;
    }
    Ok(ended.status)
}

/// The history as the journal tells it, in pages of odd sizes and from both ends, is what was committed.
fn pages(world: &World, execution: usize, events: &[HistoryEvent]) -> Result<(), String> {
    let (journal, arn) = (world.journal(), arn_of(world, execution));
    let texts = |events: &[HistoryEvent]| events.iter().map(HistoryEvent::to_json).collect::<Vec<_>>();
    let wanted = texts(events);
    for backwards in [false, true] {
        // Each page is found anew; single events of a long history take long.
        let limit = 1 + events.len() / 40 + [0, 2, 6, 19, 999].get(world.draw(execution, 5)).copied().unwrap_or(0);
        // Nobody knows how long it is who reads it from its end.
        let (mut found, mut from): (Vec<HistoryEvent>, u64) = (Vec::new(), if backwards { u64::from(u32::MAX) } else { 1 });
        loop {
            let page = at_once(journal.history(&arn, from, limit, backwards, Timestamp(world.now())));
            let page = page.map_err(|error| error.to_string())?.ok_or("the history is gone")?;
            if page.len() > limit {
                return Err(format!("a page of {limit} has {} events", page.len()));
            }
            let is_last = page.len() < limit;
            found.extend(page);
            from = match (found.last().map(|event| event.id.0), backwards) {
                (Some(last), false) => last + 1,
                (Some(last), true) => last - 1,
                (None, _) => return Err("the history is empty".to_owned()),
            };
            if is_last || from == 0 {
                break;
            }
        }
        if backwards {
            found.reverse();
        }
        let found = texts(&found);
        let differs = |(found, wanted): &(&String, &String)| found != wanted;
        if let Some((found, wanted)) = found.iter().zip(&wanted).find(differs) {
            return Err(format!("the history in pages of {limit}, backwards: {backwards}: {found}\nwas committed as {wanted}"));
        }
        if found.len() != wanted.len() {
            return Err(format!("the history has {} events, and {} were committed", found.len(), wanted.len()));
        }
    }
    Ok(())
}

/// Checks how often tasks ran. Gives whether one was set to fail because its starter had died.
fn runs(world: &World, execution: usize, events: &[HistoryEvent]) -> Result<bool, String> {
    let (runs, deaths) = world.life(execution, |life| (life.runs.clone(), life.deaths));
    for (task, (times, after_crash)) in &runs {
        if !world.was_scheduled(execution, *task) {
            return Err(format!("task {} ran, and no commit scheduled it", task.0));
        }
        let most = if *after_crash == AfterCrash::Fail { 1 } else { 1 + deaths };
        if *times > most {
            return Err(format!("task {} ran {times} times, and starters died {deaths} times: {after_crash:?}", task.0));
        }
    }
    let given_up = events.iter().any(|event| match &event.details {
        EventDetails::Task(task) => match &task.stage {
            TaskStage::Failed(error) | TaskStage::StartFailed(error) | TaskStage::ScheduleFailed(error) => {
                error.cause.as_deref().is_some_and(|cause| cause.starts_with("Whoever ran the task"))
            }
            _ => false,
        },
        _ => false,
    });
    if given_up && deaths == 0 {
        return Err("a task was given up, and nobody had died".to_owned());
    }
    Ok(given_up)
}

/// Checks that an execution that has ended stands in the lists once. What was put into that of running ones by a write that its function
/// has given up may come when the execution has ended, and stands there until the sweep walks by.
pub(super) fn is_listed(world: &World, execution: usize, status: &str) -> Result<(), String> {
    let (started, put_late) = world
        .life(execution, |life| (life.events.first().map(|event| event.timestamp), life.fired.contains(&Kind::PutLate(0).name())));
    let arn = arn_of(world, execution).0;
    let listed = listed(world, 1000)?;
    let rows = listed.iter().filter(|listed| listed.arn == arn && Some(listed.started) == started);
    let mut rows: Vec<&str> = rows.map(|listed| &*listed.status).collect();
    if put_late {
        rows.retain(|row| *row != "RUNNING");
    }
    if rows == [status] { Ok(()) } else { Err(format!("it ended as {status}, and the lists say {rows:?}")) }
}

/// The executions in all lists, read in pages of so many.
fn listed(world: &World, limit: usize) -> Result<Vec<ListedExecution>, String> {
    let (journal, now) = (world.journal(), Timestamp(world.now()));
    let (mut after, mut found): (Option<String>, Vec<ListedExecution>) = (None, Vec::new());
    loop {
        let page = at_once(journal.list("machine", None, after.as_deref(), limit, now)).map_err(|error| error.to_string())?;
        found.extend(page.executions.into_iter().map(|(_, listed)| listed));
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

/// Checks the lists: each execution that has ended stands in them once; and that no reminder is left.
pub(super) fn lists(world: &World, executions: &[(usize, &'static str)]) -> Result<(), (usize, String)> {
    let journal = world.journal();
    let everywhere = |error: String| (executions.first().map_or(0, |(execution, _)| *execution), error);
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for listed in listed(world, 7).map_err(everywhere)? {
        found.entry(listed.arn.to_string()).or_default().push(listed.status.to_string());
    }
    for (execution, status) in executions {
        let rows = found.remove(&*arn_of(world, *execution).0).unwrap_or_default();
        if rows != [*status] {
            return Err((*execution, format!("it ended as {status}, and the lists say {rows:?}")));
        }
    }
    let left: BTreeSet<&String> = found.keys().collect();
    if !left.is_empty() {
        return Err(everywhere(format!("the lists have {left:?}")));
    }
    if world.without == Some(Without::Sweep) {
        return Ok(());
    }
    for shard in 0..journal.reminder_shards() {
        if let Some(due) =
            at_once(journal.due(shard, Timestamp(i64::MAX), None, 1)).ok().and_then(|(due, _)| due.into_iter().next())
        {
            return Err((world.number_of(&due.execution.0), "a reminder is left".to_owned()));
        }
    }
    Ok(())
}

fn compare(comparison: Comparison, whole: &Ended, faulted: &Ended) -> Result<(), String> {
    if comparison == Comparison::Itself || (comparison == Comparison::Paths && whole.status != "SUCCEEDED") {
        // A payload that grew beyond its limit fails one branch while others run.
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
    ended.history.iter().map(|event| HistoryEvent { timestamp: Timestamp(0), ..event.clone() }.to_json()).collect()
}

/// The events without times and numbers, each behind the one it follows, sorted.
fn paths(ended: &Ended) -> Vec<String> {
    let bare = |event: &HistoryEvent| {
        let bare = HistoryEvent { timestamp: Timestamp(0), id: EventId(0), previous: EventId(0), ..event.clone() };
        ended.tokens.iter().fold(bare.to_json(), |text, token| text.replace(&**token, "TOKEN"))
    };
    let bare: Vec<String> = ended.history.iter().map(bare).collect();
    let at = |id: EventId| usize::try_from(id.0).ok().and_then(|id| bare.get(id.checked_sub(1)?));
    let mut lines: Vec<String> = ended
        .history
        .iter()
        .map(|event| {
            let after_any =
                ["MapIterationStarted", "MapStateSucceeded", "ParallelStateSucceeded", "MapStateExited", "ParallelStateExited"];
            let previous = at(event.previous).filter(|_| !after_any.contains(&&*event.details.type_name()));
            format!("{} → {}", previous.map_or("", String::as_str), at(event.id).map_or("", String::as_str))
        })
        .collect();
    lines.sort_unstable();
    lines
}
