//! The invariants of an execution, each a named check over the moments of a generated walk.

pub mod history;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use statewright_interpreter::command::{Command, Output};
use statewright_interpreter::event::{Event, Handled};
use statewright_interpreter::execution::{Checkpoint, Execution, FrameId, Progress, StoredPayload};
use statewright_interpreter::history::{EventDetails, EventId, TaskStage};
use statewright_interpreter::payload::PayloadId;
use statewright_interpreter::time::Timestamp;

pub use walk::{Action, Moment, Property, Style, Walked, definition_of, identity, message, start_of, walk};

/// How many seeds to try: `STATEWRIGHT_SEEDS`, or so many as a test has time for.
#[must_use]
pub fn seeds(default: u64) -> u64 {
    std::env::var("STATEWRIGHT_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Restoring a checkpoint gives the execution that was written down.
#[derive(Debug, Default)]
pub struct Restores;

impl Property for Restores {
    fn check(&mut self, moment: &Moment<'_>, execution: &mut Execution) -> Result<(), String> {
        let definition = moment.definition;
        let restored = Execution::restore(definition, moment.after).map_err(|error| format!("not restored: {error}"))?;
        same("the checkpoint", &restored.checkpoint(definition), moment.after)?;
        same("the deadline", &restored.deadline(), &execution.deadline())?;
        same("whether it is ready", &restored.is_ready(), &execution.is_ready())?;
        same("its length", &restored.history_events(), &execution.history_events())?;
        same("the status", &format!("{:?}", restored.status()), &format!("{:?}", execution.status()))?;
        same("its input's text", &restored.input().text(), &execution.input().text())?;
        same("the states", &restored.active_states(definition), &execution.active_states(definition))?;
        let commands = |execution: &Execution| format!("{:?}", execution.outstanding(definition));
        same("the outstanding commands", &commands(&restored), &commands(execution))
    }
}

/// Writing the changes into the old checkpoint gives the new one.
#[derive(Debug, Default)]
pub struct ChangesAddUp {
    stored: Checkpoint,
}

impl Property for ChangesAddUp {
    fn check(&mut self, moment: &Moment<'_>, _execution: &mut Execution) -> Result<(), String> {
        let Some(changes) = &moment.changes else { return Ok(()) };
        for (id, frame) in &changes.frames {
            if moment.after.frames.get(id) != Some(frame) {
                return Err(format!("frame {} is written as it is not", id.0));
            }
        }
        self.stored.apply(changes.clone());
        same("the head", &self.stored.head, &moment.after.head)?;
        same("the frames", &self.stored.frames, &moment.after.frames)?;
        same("the results", &self.stored.results, &moment.after.results)?;
        for (id, payload) in &moment.after.payloads {
            same("a payload", &self.stored.payloads.get(id), &Some(payload))?;
        }
        Ok(())
    }
}

/// An event for the second time is ignored and changes nothing.
#[derive(Debug, Default)]
pub struct TwiceIsOnce;

impl Property for TwiceIsOnce {
    fn check(&mut self, moment: &Moment<'_>, execution: &mut Execution) -> Result<(), String> {
        let Action::Handle(event, handled) = &moment.action else { return Ok(()) };
        if *handled == Handled::Ignored {
            same("what an ignored event leaves", moment.after, moment.before)?;
        }
        let mut out = Output::default();
        let again = execution.handle(moment.definition, event.clone(), moment.now, &mut out);
        same("the second time", &again, &Handled::Ignored)?;
        unchanged(moment, execution, &out)
    }
}

/// Where nothing is due, nothing comes of asking; where nothing can run, nothing comes of a poll.
#[derive(Debug, Default)]
pub struct NothingDue;

impl Property for NothingDue {
    fn check(&mut self, moment: &Moment<'_>, execution: &mut Execution) -> Result<(), String> {
        let mut out = Output::default();
        let definition = moment.definition;
        if let Action::TimeOut(Handled::Ignored) = moment.action {
            same("what no deadline leaves", moment.after, moment.before)?;
        }
        let early = match execution.deadline() {
            None => Timestamp(i64::MAX),
            Some(deadline) => Timestamp(deadline.0 - 1),
        };
        // Time never goes back: what is due at the time of the last event is due whatever the caller's clock says.
        if execution.deadline().is_none_or(|deadline| moment.history.last().is_none_or(|event| event.timestamp < deadline)) {
            let handled = execution.handle_timeout(definition, early, &mut out);
            same("a time-out before the deadline", &handled, &Handled::Ignored)?;
        }
        if !execution.is_ready() {
            let progress = execution.poll(definition, moment.now, &mut out);
            if progress == Progress::Advanced {
                return Err("an execution that is not ready advances".to_owned());
            }
            same("whether it is finished", &(progress == Progress::Finished), &execution.status().is_final())?;
        }
        unchanged(moment, execution, &out)
    }
}

/// Histories are linear, paths do not mix, and the end is the end.
#[derive(Debug, Default)]
pub struct LinearHistory;

impl Property for LinearHistory {
    fn check(&mut self, moment: &Moment<'_>, _execution: &mut Execution) -> Result<(), String> {
        let head = json(&moment.after.head)?;
        same("the number of the next event", &number(&head, "nextEvent"), &(moment.history.len() as u64 + 1))?;
        // A frame's cursor is an event of its own scope, of one around it, or of one inside that has ended.
        for (id, frame) in frames(moment.after)? {
            let cursor = number(&frame, "cursor");
            let Some(event) = usize::try_from(cursor).ok().and_then(|at| moment.history.get(at.checked_sub(1)?)) else {
                if cursor != 0 {
                    return Err(format!("the cursor of frame {} is no event", id.0));
                }
                continue;
            };
            let state = moment.definition.find(frame.get("state").and_then(Value::as_str).unwrap_or_default());
            let state = state.ok_or_else(|| format!("frame {} names no state", id.0))?;
            let here = moment.definition.state(state).scope;
            let there = history::place_of_path(moment.definition, moment.history, event);
            if there.is_some_and(|there| !history::related(moment.definition, here, there)) {
                return Err(format!("the cursor of frame {} is an event of another path: {}", id.0, event.to_json()));
            }
        }
        Ok(())
    }

    fn finish(&mut self, walked: &Walked) -> Result<(), String> {
        history::check(&walked.definition, &walked.history)?;
        history::check_end(&walked.history, walked.execution.status().as_str())
    }
}

/// Frames are a tree, and who waits for children counts them rightly.
#[derive(Debug, Default)]
pub struct FramesAreATree;

impl Property for FramesAreATree {
    fn check(&mut self, moment: &Moment<'_>, execution: &mut Execution) -> Result<(), String> {
        tree(moment.after, execution.status().is_final())
    }
}

/// Checks a checkpoint's frames.
pub(crate) fn tree(checkpoint: &Checkpoint, finished: bool) -> Result<(), String> {
    let frames = frames(checkpoint)?;
    let mut children: BTreeMap<FrameId, BTreeSet<u64>> = BTreeMap::new();
    let mut roots = 0;
    for (id, frame) in &frames {
        let Some((parent, slot)) = parent_of(frame) else {
            roots += 1;
            continue;
        };
        let join = frames.get(&parent).filter(|parent| phase(parent) == "join");
        let join = join.ok_or_else(|| format!("frame {} has no frame that waits for it", id.0))?;
        if parent >= *id || slot >= number(join, "next") || !children.entry(parent).or_default().insert(slot) {
            return Err(format!("frame {} is in no place of its own", id.0));
        }
    }
    same("the number of roots", &roots, &usize::from(!finished))?;
    for (id, join) in frames.iter().filter(|(_, frame)| phase(frame) == "join") {
        let running = children.get(id).map_or(0, BTreeSet::len) as u64;
        let (next, total, limit) = (number(join, "next"), number(join, "total"), number(join, "limit"));
        same("the number of children that run", &number(join, "running"), &running)?;
        let results = checkpoint.results.keys().filter(|(parent, _)| parent == id).count() as u64;
        same("the number of children that were started", &next, &(running + results))?;
        if next > total || running > limit {
            return Err(format!("frame {} runs more children than it may", id.0));
        }
    }
    if let Some((parent, _)) = checkpoint
        .results
        .keys()
        .find(|(parent, _)| frames.get(parent).is_none_or(|frame| !matches!(phase(frame), "join" | "joined")))
    {
        return Err(format!("a result waits for frame {}, which does not", parent.0));
    }
    Ok(())
}

/// An execution that has not ended goes on by itself, at a deadline, or with a task's answer: every frame does.
#[derive(Debug, Default)]
pub struct NoSilentStall;

impl Property for NoSilentStall {
    fn check(&mut self, moment: &Moment<'_>, execution: &mut Execution) -> Result<(), String> {
        let frames = frames(moment.after)?;
        if execution.status().is_final() {
            return same("the deadline of what has ended", &execution.deadline(), &None);
        }
        let deadline = execution.deadline().ok_or("what has not ended has no deadline")?;
        let mut ready = false;
        for (id, frame) in &frames {
            let until = ["until", "timeoutAt", "heartbeatAt"].iter().filter_map(|name| frame.get(*name)?.as_i64());
            if until.min().is_some_and(|until| until < deadline.0) {
                return Err(format!("frame {} is due before the execution is", id.0));
            }
            match phase(frame) {
                "waiting" | "backoff" | "task" => {}
                "join" => {
                    ready |= frame.contains_key("starting");
                    if !frame.contains_key("starting") && number(frame, "running") == 0 {
                        return Err(format!("frame {} waits for nothing", id.0));
                    }
                }
                _ => ready = true,
            }
        }
        same("whether it is ready", &execution.is_ready(), &ready)
    }
}

/// A micro-step changes a bounded number of records: the frame, its parent and one new child. A failure may end many children at once, and a
/// join takes all results: those are as many as were started.
#[derive(Debug, Default)]
pub struct BoundedWork;

impl Property for BoundedWork {
    fn check(&mut self, moment: &Moment<'_>, execution: &mut Execution) -> Result<(), String> {
        let Action::Poll(_) = moment.action else { return Ok(()) };
        let (before, after) = (&moment.before.frames, &moment.after.frames);
        let ids: BTreeSet<&FrameId> = before.keys().chain(after.keys()).collect();
        let changed = ids.into_iter().filter(|&id| before.get(id) != after.get(id)).count();
        let abort = moment.out.events.iter().any(|event| {
            matches!(
                event.details,
                EventDetails::StateAborted(_)
                    | EventDetails::MapIteration { stage: statewright_interpreter::history::IterationStage::Failed, .. }
                    | EventDetails::ParallelStateFailed
                    | EventDetails::MapStateFailed
            )
        });
        let removed = before.len().saturating_sub(after.len());
        if changed > 3 && !abort && removed <= 1 && !execution.status().is_final() {
            return Err(format!("a micro-step changed {changed} frames"));
        }
        // At most: an empty Map is entered, started, has succeeded, is left; with it ends an iteration, and the next one starts.
        if moment.out.events.len() > 6 && !abort {
            return Err(format!("a micro-step wrote {} events", moment.out.events.len()));
        }
        Ok(())
    }
}

/// A payload is written once.
#[derive(Debug, Default)]
pub struct PayloadsOnce {
    written: BTreeSet<PayloadId>,
    /// How many times [`MARKER`](crate::generate::MARKER) was written.
    pub markers: usize,
}

impl Property for PayloadsOnce {
    fn check(&mut self, moment: &Moment<'_>, _execution: &mut Execution) -> Result<(), String> {
        for (id, payload) in moment.changes.iter().flat_map(|changes| &changes.payloads) {
            if !self.written.insert(*id) {
                return Err(format!("payload {} is written twice", id.0));
            }
            if let StoredPayload::Text(text) = payload {
                self.markers += text.matches(crate::generate::MARKER).count();
            }
        }
        if let Some(frame) = moment.after.frames.values().find(|frame| frame.contains(crate::generate::MARKER)) {
            return Err(format!("a frame holds a payload: {frame}"));
        }
        Ok(())
    }
}

/// What is written names states; another release may number them otherwise.
#[derive(Debug, Default)]
pub struct StatesByName;

impl Property for StatesByName {
    fn check(&mut self, moment: &Moment<'_>, execution: &mut Execution) -> Result<(), String> {
        let mut named = Vec::new();
        for (id, frame) in frames(moment.after)? {
            let name = frame.get("state").and_then(Value::as_str).unwrap_or_default().to_owned();
            moment.definition.find(&name).ok_or_else(|| format!("frame {} names no state but {name}", id.0))?;
            named.push(name);
        }
        let active: Vec<String> = execution.active_states(moment.definition).iter().map(ToString::to_string).collect();
        same("the states", &named, &active)
    }
}

/// Every event is JSON with the members that the API has for it.
#[derive(Debug, Default)]
pub struct RenderedEvents;

impl Property for RenderedEvents {
    fn check(&mut self, moment: &Moment<'_>, _execution: &mut Execution) -> Result<(), String> {
        moment.out.events.iter().try_for_each(|event| history::check_rendered(&event.to_json()))
    }
}

/// A task is started once, after its `…Scheduled` event, and cancelled only if it was started and nobody has answered; what is outstanding
/// was started.
#[derive(Debug, Default)]
pub struct Commands {
    started: BTreeSet<EventId>,
    cancelled: BTreeSet<EventId>,
}

impl Property for Commands {
    fn check(&mut self, moment: &Moment<'_>, execution: &mut Execution) -> Result<(), String> {
        for command in &moment.out.commands {
            match command {
                Command::StartTask(start) => {
                    let event = usize::try_from(start.task.0).ok().and_then(|at| moment.history.get(at.checked_sub(1)?));
                    let scheduled = event.is_some_and(|event| {
                        matches!(&event.details, EventDetails::Task(task) if matches!(task.stage, TaskStage::Scheduled { .. }))
                    });
                    if !scheduled || !self.started.insert(start.task) {
                        return Err(format!("task {} is started and was not scheduled", start.task.0));
                    }
                }
                Command::CancelTask { task } => {
                    if !self.started.contains(task) || !self.cancelled.insert(*task) {
                        return Err(format!("task {} is cancelled and does not run", task.0));
                    }
                }
            }
        }
        if let Action::Handle(Event::TaskSucceeded { task, .. }, Handled::Applied) = &moment.action
            && self.cancelled.contains(task)
        {
            return Err(format!("task {} succeeds and was cancelled", task.0));
        }
        for command in execution.outstanding(moment.definition) {
            let Command::StartTask(start) = command else { return Err("a cancellation is outstanding".to_owned()) };
            if !self.started.contains(&start.task) || self.cancelled.contains(&start.task) {
                return Err(format!("task {} is outstanding and does not run", start.task.0));
            }
        }
        Ok(())
    }
}

fn unchanged(moment: &Moment<'_>, execution: &Execution, out: &Output) -> Result<(), String> {
    if !out.events.is_empty() || !out.commands.is_empty() {
        return Err(format!("something came of it: {out:?}"));
    }
    same("the checkpoint", &execution.checkpoint(moment.definition), moment.after)
}

fn same<T: PartialEq + std::fmt::Debug + ?Sized>(what: &str, found: &T, wanted: &T) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{what} differs: {found:#?}\nis not {wanted:#?}")) }
}

type Json = serde_json::Map<String, Value>;

fn json(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).map_err(|error| format!("{error}: {text}"))
}

fn frames(checkpoint: &Checkpoint) -> Result<BTreeMap<FrameId, Json>, String> {
    checkpoint.frames.iter().map(|(id, text)| Ok((*id, json(text)?))).collect()
}

fn number(record: &Json, member: &str) -> u64 {
    record.get(member).and_then(Value::as_u64).unwrap_or(0)
}

fn phase(frame: &Json) -> &str {
    frame.get("phase").and_then(Value::as_str).unwrap_or_default()
}

fn parent_of(frame: &Json) -> Option<(FrameId, u64)> {
    let parent = frame.get("parent")?.as_array()?;
    let id = u32::try_from(parent.first()?.as_u64()?).ok()?;
    Some((FrameId(id), parent.get(1)?.as_u64()?))
}
