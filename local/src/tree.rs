//! The path an execution took, as a tree, made of the events of its history.
//!
//! ```text
//! order
//! ├ ✔ Reserve stock  lambda:invoke
//! ├ ✔ Wait for payment  3 d
//! ├ ✔ Fulfil  Parallel, 2 branches
//! │ ├ branch 1
//! │ │ └ ✔ Ship
//! │ └ branch 2
//! │   └ ✔ Send invoice
//! └ ✔ Done
//! ```
//!
//! A top-level state is shown when it is left, with everything inside it, so that branches do not mix. Events do not say which
//! branch or iteration they belong to: their `previousEventId`s do.

mod draw;
mod frame;
mod words;

use std::sync::Arc;

use statewright_interpreter::definition::{Definition, Kind, Next, ScopeId, StateId};
use statewright_interpreter::event::TaskId;
use statewright_interpreter::history::{ErrorDetails, EventDetails, HistoryEvent, IterationStage, StateType, TaskEvent, TaskStage};
use statewright_interpreter::payload::Payload;
use statewright_interpreter::time::Timestamp;

use crate::duration::human;
use crate::screen::Paint;
use frame::{End, Entry, Frame, Item, Visit};
pub(crate) use words::describe;
use words::{caught_error, data, function_of, known, label};

/// How many iterations of a Map are shown.
const ITERATIONS_SHOWN: usize = 3;
/// How many of the others are shown because they failed.
const FAILURES_SHOWN: usize = 3;
/// How often a state is shown in one frame; a loop goes on without being shown.
const VISITS_SHOWN: u32 = 4;

/// The tree of one execution.
#[derive(Debug)]
pub(crate) struct Tree<'d> {
    definition: &'d Definition,
    verbose: bool,
    frames: Vec<Frame>,
    /// The frame of every event, by the event's number.
    frame_of: Vec<usize>,
    entered: u64,
    retries: u64,
    finished: bool,
}

impl<'d> Tree<'d> {
    /// The tree of an execution that has not begun.
    pub(crate) fn new(definition: &'d Definition, verbose: bool) -> Self {
        let root = Frame::new(None, definition.root(), 0);
        Self { definition, verbose, frames: vec![root], frame_of: vec![0], entered: 0, retries: 0, finished: false }
    }

    /// How many states were entered.
    pub(crate) fn states_entered(&self) -> u64 {
        self.entered
    }

    /// How many transitions there were, as they are billed: each entered state, and each retry.
    pub(crate) fn transitions(&self) -> u64 {
        self.entered + self.retries
    }

    /// Adds an event. They come in order.
    pub(crate) fn observe(&mut self, event: &HistoryEvent) {
        let previous = self.frame_of.get(usize::try_from(event.previous.0).unwrap_or(usize::MAX)).copied().unwrap_or(0);
        let frame = self.apply(previous, event);
        let id = usize::try_from(event.id.0).unwrap_or(usize::MAX);
        if id == self.frame_of.len() {
            self.frame_of.push(frame);
        }
    }

    /// Applies an event and tells its frame.
    fn apply(&mut self, previous: usize, event: &HistoryEvent) -> usize {
        let now = event.timestamp;
        match &event.details {
            EventDetails::StateEntered { name, input, .. } => self.enter(previous, name, input, now),
            EventDetails::StateExited { name, output, .. } => self.exit(previous, name, output, now),
            EventDetails::Task(task) => {
                self.task(previous, task, now);
                previous
            }
            EventDetails::ParallelStateStarted => {
                let branches =
                    |kind: &Kind| if let Kind::Parallel(parallel) = kind { Some(parallel.branches.len() as u64) } else { None };
                self.fork(previous, now, branches)
            }
            EventDetails::MapStateStarted { length } => {
                self.fork(previous, now, |kind| matches!(kind, Kind::Map(_)).then_some(u64::from(*length)))
            }
            EventDetails::ParallelStateFailed => self.composite_failed(previous, now, StateType::Parallel),
            EventDetails::MapStateFailed => self.composite_failed(previous, now, StateType::Map),
            EventDetails::MapIteration { stage, name, index } => self.iteration(previous, *stage, name, *index),
            EventDetails::ExecutionFailed(error) => {
                self.fail_path(previous, error, now);
                self.finish(End::Failed);
                0
            }
            EventDetails::ExecutionAborted(_) | EventDetails::ExecutionTimedOut(_) => {
                self.finish(End::Aborted);
                0
            }
            EventDetails::ExecutionSucceeded { .. } => {
                self.finish(End::Done);
                0
            }
            EventDetails::EvaluationFailed { error, state, .. } => {
                let at = self.frame_in(previous, state);
                self.set_error(at, error, now);
                at
            }
            EventDetails::ExecutionStarted { .. }
            | EventDetails::StateAborted(_)
            | EventDetails::ParallelStateSucceeded
            | EventDetails::MapStateSucceeded => previous,
        }
    }

    fn enter(&mut self, previous: usize, name: &Arc<str>, input: &Payload, now: Timestamp) -> usize {
        let Some(id) = self.definition.find(name) else { return previous };
        self.entered += 1;
        let frame = self.frame_for(previous, id);
        let visit = Visit::new(id, now, self.verbose.then(|| data("in ", input)));
        if let Some(frame) = self.frames.get_mut(frame) {
            if let Some(last) = frame.current() {
                last.next.get_or_insert_with(|| Arc::clone(name));
                last.show_if_caught(self.definition.state(last.state), id);
            }
            // What failed before was caught.
            frame.error = None;
            *frame.visits.entry(id).or_default() += 1;
            frame.entries.push(Entry::Visit(Box::new(visit)));
        }
        if let Kind::Fail(fail) = &self.definition.state(id).kind {
            // What cannot be told here shows when the execution fails, or where the error is caught.
            if let (Some(error), Some(cause)) = (known(fail.error.as_ref(), input), known(fail.cause.as_ref(), input)) {
                self.set_error(frame, &ErrorDetails { error, cause }, now);
            }
        }
        frame
    }

    /// The frame that state `id` is entered in: that of the event before, one around it, or a branch that begins.
    fn frame_for(&mut self, previous: usize, id: StateId) -> usize {
        let scope = self.definition.state(id).scope;
        if let Some(frame) = self.climb(previous, |frame| frame.scope == scope) {
            return frame;
        }
        let parent = self.definition.scope(scope).parent.map(|parent| (parent, self.definition.state(parent).scope));
        let Some((parallel, outer)) = parent else { return 0 };
        let Some(around) = self.climb(previous, |frame| frame.scope == outer) else { return 0 };
        let slot = match &self.definition.state(parallel).kind {
            Kind::Parallel(parallel) => parallel.branches.iter().position(|&branch| branch == scope).unwrap_or(0),
            _ => 0,
        };
        self.add_child(around, scope, u32::try_from(slot).unwrap_or(0))
    }

    /// The frame that is in the state called `name`, which was entered after the event of frame `previous`: the event of an evaluation
    /// that fails may name the one before its state.
    fn frame_in(&self, previous: usize, name: &str) -> usize {
        let Some(id) = self.definition.find(name) else { return previous };
        let is_in = |frame: &Frame| frame.last().is_some_and(|visit| visit.state == id && visit.end == End::Open);
        self.climb(previous, is_in)
            .or_else(|| {
                let around = self.climb(previous, |frame| frame.last().is_some_and(|visit| visit.forked))?;
                self.open_children(around).into_iter().find(|&child| self.frames.get(child).is_some_and(is_in))
            })
            .or_else(|| self.frames.iter().rposition(is_in))
            .unwrap_or(previous)
    }

    fn add_child(&mut self, parent: usize, scope: ScopeId, slot: u32) -> usize {
        let child = self.frames.len();
        self.frames.push(Frame::new(Some(parent), scope, slot));
        if let Some(visit) = self.frames.get_mut(parent).and_then(Frame::current) {
            visit.items.push(Item::Frame(child));
        }
        child
    }

    /// The innermost frame from `from` outwards that `is_it`.
    fn climb(&self, from: usize, is_it: impl Fn(&Frame) -> bool) -> Option<usize> {
        let mut at = Some(from);
        while let Some(frame) = at.and_then(|at| self.frames.get(at)) {
            if is_it(frame) {
                return at;
            }
            at = frame.parent;
        }
        None
    }

    fn exit(&mut self, previous: usize, name: &Arc<str>, output: &Payload, now: Timestamp) -> usize {
        let Some(id) = self.definition.find(name) else { return previous };
        let state = self.definition.state(id);
        let Some(at) = self.climb(previous, |frame| frame.scope == state.scope) else { return previous };
        let verbose = self.verbose;
        let Some(frame) = self.frames.get_mut(at) else { return at };
        let repeated = frame.visits.get(&id).copied().unwrap_or(0) > VISITS_SHOWN;
        let Some(visit) = frame.current() else { return at };
        visit.left_at = Some(now);
        let failed = visit.error.is_some() || matches!(state.kind, Kind::Task(_)) && !visit.has_result;
        visit.end = if failed { End::Caught } else { End::Done };
        visit.caught = caught_error(state, output.value());
        if failed && visit.error.as_ref().is_none_or(|(error, _)| error.error.is_none()) {
            visit.error = visit.caught.take().map(|error| (error, now)).or(visit.error.take());
        }
        if verbose {
            visit.items.push(Item::Line(Paint::Dim, data("out", output)));
        }
        if repeated && visit.end == End::Done && visit.caught.is_none() && visit.items.is_empty() {
            frame.hide(&state.name);
        }
        at
    }

    fn task(&mut self, at: usize, task: &TaskEvent, now: Timestamp) {
        let label = label(&task.resource);
        match &task.stage {
            TaskStage::Scheduled { parameters, .. } => {
                let detail =
                    function_of(&task.resource, parameters.value()).map_or(label.clone(), |name| format!("{label} {name}"));
                self.retry_if_failed(at, now);
                if let Some(visit) = self.visit(at) {
                    visit.detail = Some(detail);
                }
            }
            TaskStage::Started { .. } | TaskStage::Submitted { .. } => {}
            TaskStage::Succeeded { .. } => {
                if let Some(visit) = self.visit(at) {
                    visit.has_result = true;
                    visit.error = None;
                }
            }
            TaskStage::Failed(error)
            | TaskStage::TimedOut(error)
            | TaskStage::StartFailed(error)
            | TaskStage::SubmitFailed(error)
            | TaskStage::ScheduleFailed(error) => self.set_error(at, error, now),
        }
    }

    /// Notes an error of the frame's state.
    fn set_error(&mut self, at: usize, error: &ErrorDetails, now: Timestamp) {
        let Some(frame) = self.frames.get_mut(at) else { return };
        frame.error = Some(error.clone());
        if let Some(visit) = frame.current() {
            visit.error = Some((error.clone(), now));
            visit.items.push(Item::Line(Paint::Bad, format!("✘ {}", describe(error))));
        }
    }

    fn retry_if_failed(&mut self, at: usize, now: Timestamp) {
        let mut retried = false;
        if let Some(visit) = self.visit(at)
            && let Some((_, failed_at)) = visit.error.take()
        {
            visit.attempts += 1;
            let pause = human(now.0.abs_diff(failed_at.0));
            visit.items.push(Item::Line(Paint::Caution, format!("↻ retry {} after {pause}", visit.attempts)));
            retried = true;
        }
        if retried {
            self.retries += 1;
            if let Some(frame) = self.frames.get_mut(at) {
                frame.error = None;
            }
        }
    }

    /// A Parallel or Map starts its children; again, if it had some.
    fn fork(&mut self, previous: usize, now: Timestamp, children: impl Fn(&Kind) -> Option<u64>) -> usize {
        let definition = self.definition;
        let found = self.climb(previous, |frame| {
            frame.last().is_some_and(|visit| visit.end == End::Open && children(&definition.state(visit.state).kind).is_some())
        });
        let Some(at) = found else { return previous };
        let started = self.visit(at).is_some_and(|visit| visit.children.0 > 0 || visit.error.is_some());
        if started {
            let error = self.frames.get(previous).and_then(|frame| frame.error.clone()).unwrap_or_default();
            self.end_children(at, previous);
            if let Some(visit) = self.visit(at) {
                visit.error.get_or_insert((error, now));
            }
            self.retry_if_failed(at, now);
        }
        if let Some(visit) = self.visit(at) {
            let count = children(&definition.state(visit.state).kind).unwrap_or(0);
            visit.children = (count, 0);
            visit.forked = true;
        }
        at
    }

    /// A Parallel or Map has failed for good.
    fn composite_failed(&mut self, previous: usize, now: Timestamp, state_type: StateType) -> usize {
        let definition = self.definition;
        let found = self.climb(previous, |frame| {
            frame.last().is_some_and(|visit| visit.end == End::Open && StateType::from(definition.state(visit.state)) == state_type)
        });
        let Some(at) = found else { return previous };
        let error = self.frames.get(previous).and_then(|frame| frame.error.clone()).unwrap_or_default();
        self.end_children(at, previous);
        if let Some(frame) = self.frames.get_mut(at) {
            frame.error = Some(error.clone());
            if let Some(visit) = frame.current() {
                visit.error = Some((error, now));
                // Whether it is caught shows when it is left.
                visit.end = End::Failed;
            }
        }
        at
    }

    /// Everything below the state of frame `at` that is open has ended: the path to `failing` has failed, the rest was aborted.
    fn end_children(&mut self, at: usize, failing: usize) {
        let mut failed = Vec::new();
        let mut inner = Some(failing);
        while let Some(frame) = inner.filter(|&frame| frame != at) {
            failed.push(frame);
            inner = self.frames.get(frame).and_then(|frame| frame.parent);
        }
        for child in self.open_children(at) {
            self.end_frame(child, &failed);
        }
    }

    fn end_frame(&mut self, at: usize, failed: &[usize]) {
        for child in self.open_children(at) {
            self.end_frame(child, failed);
        }
        let end = if failed.contains(&at) {
            End::Failed
        } else if self.is_at_its_end(at) {
            End::Done
        } else {
            End::Aborted
        };
        if let Some(frame) = self.frames.get_mut(at).filter(|frame| frame.end == End::Open) {
            frame.end = end;
            if let Some(visit) = frame.current().filter(|visit| visit.end == End::Open) {
                visit.end = end;
            }
        }
    }

    /// Whether the last state of a branch has been left.
    fn is_at_its_end(&self, at: usize) -> bool {
        self.frames.get(at).and_then(Frame::last).is_some_and(|visit| {
            let state = self.definition.state(visit.state);
            let ends = match state.kind {
                Kind::Succeed => true,
                Kind::Choice(_) | Kind::Fail(_) => false,
                _ => state.next == Next::End,
            };
            visit.end == End::Done && ends
        })
    }

    fn open_children(&self, at: usize) -> Vec<usize> {
        let items = self.frames.get(at).and_then(Frame::last).map(|visit| visit.items.as_slice()).unwrap_or_default();
        let children = items.iter().filter_map(|item| if let Item::Frame(child) = item { Some(*child) } else { None });
        children.filter(|&child| self.frames.get(child).is_some_and(|frame| frame.end == End::Open)).collect()
    }

    fn iteration(&mut self, previous: usize, stage: IterationStage, name: &Arc<str>, index: u32) -> usize {
        let Some(id) = self.definition.find(name) else { return previous };
        let (scope, Kind::Map(map)) = (self.definition.state(id).scope, &self.definition.state(id).kind) else { return previous };
        let processor = map.processor;
        let end = match stage {
            IterationStage::Started => {
                let Some(around) = self.climb(previous, |frame| frame.scope == scope) else { return previous };
                return self.add_child(around, processor, index);
            }
            IterationStage::Succeeded => End::Done,
            IterationStage::Failed => End::Failed,
            IterationStage::Aborted => End::Aborted,
        };
        let Some(around) = self.climb(previous, |frame| frame.scope == scope) else { return previous };
        let children = self.open_children(around);
        let is_it = |child: &&usize| self.frames.get(**child).is_some_and(|frame| frame.slot == index && frame.scope == processor);
        let Some(&iteration) = children.iter().find(is_it) else { return previous };
        let failed = if end == End::Failed { vec![iteration] } else { Vec::new() };
        self.end_frame(iteration, &failed);
        if let Some(frame) = self.frames.get_mut(iteration) {
            frame.end = end;
        }
        self.fold(around, iteration, end);
        iteration
    }

    /// Forgets an iteration if enough others are shown.
    fn fold(&mut self, around: usize, iteration: usize, end: End) {
        let shown = {
            let Some(visit) = self.visit(around) else { return };
            visit.children.1 += 1;
            visit
                .items
                .iter()
                .filter_map(|item| if let Item::Frame(frame) = item { Some(*frame) } else { None })
                .collect::<Vec<_>>()
        };
        let slot = self.frames.get(iteration).map_or(0, |frame| frame.slot as usize);
        let failures = shown.iter().filter(|&&frame| self.frames.get(frame).is_some_and(|frame| frame.end == End::Failed)).count();
        let keep = slot < ITERATIONS_SHOWN || end == End::Failed && failures <= FAILURES_SHOWN;
        if keep {
            return;
        }
        if let Some(visit) = self.visit(around) {
            visit.items.retain(|item| !matches!(item, Item::Frame(frame) if *frame == iteration));
            *visit.folded.entry(end).or_default() += 1;
        }
        if let Some(frame) = self.frames.get_mut(iteration) {
            frame.entries.clear();
            frame.visits.clear();
        }
    }

    /// The execution failed with `error`, which nobody caught.
    fn fail_path(&mut self, previous: usize, error: &ErrorDetails, now: Timestamp) {
        let shown = self.frames.get(previous).is_some_and(|frame| frame.error.is_some());
        if !shown {
            self.set_error(previous, error, now);
        }
        self.end_children(0, previous);
    }

    fn finish(&mut self, end: End) {
        self.finished = true;
        self.end_children(0, 0);
        if let Some(visit) = self.visit(0).filter(|visit| visit.end == End::Open) {
            visit.end = end;
        }
    }

    /// The run has stopped where it is.
    pub(crate) fn stop(&mut self) {
        self.finish(End::Aborted);
    }

    fn visit(&mut self, at: usize) -> Option<&mut Visit> {
        self.frames.get_mut(at)?.current()
    }

    fn visit_of_task(&mut self, task: TaskId) -> Option<&mut Visit> {
        let at = self.frame_of.get(usize::try_from(task.0).ok()?).copied()?;
        self.visit(at)
    }

    /// Puts a remark below the state whose task this is.
    pub(crate) fn remark(&mut self, task: TaskId, remark: String) {
        if let Some(visit) = self.visit_of_task(task) {
            visit.items.push(Item::Line(Paint::Dim, remark));
        }
    }
}
