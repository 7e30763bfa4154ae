//! Ending children: after a failure every child of a Parallel or Map ends with events of its own.
//!
//! Source: rule `abort-order` of the rule table. In slot order: `MapIterationFailed` for the failing iteration, `MapIterationAborted`
//! for the others, each followed by `…StateAborted` of a state that was entered and is still open; all of them follow the failing
//! child's last event. The order inside an aborted child that itself has children is not recorded: the outer one ends first.

use std::sync::Arc;

use super::Execution;
use super::frame::{Frame, FrameId, Phase, Stage};
use super::step::Step;
use crate::command::Command;
use crate::definition::Kind;
use crate::history::{EventDetails, EventId, IterationStage, StateType};

impl Execution {
    /// Ends all children of `parent`. With `failing`, the child that failed, their events are written.
    pub(super) fn abort_children(&mut self, parent: FrameId, failing: Option<FrameId>, step: &mut Step<'_>) {
        if !matches!(self.frame(parent).phase, Phase::Join(_)) {
            return;
        }
        let previous = self.frame(failing.unwrap_or(parent)).cursor;
        self.end_children(parent, failing, previous, step);
        self.take_results(parent);
        // Nothing of the join is left: the frame decides what comes next.
        self.ready.retain(|&ready| ready != parent);
        if let Phase::Join(join) = &mut self.frame_mut(parent).phase {
            join.starting = None;
            join.next = join.total;
            join.running = 0;
        }
    }

    fn end_children(&mut self, parent: FrameId, failing: Option<FrameId>, previous: EventId, step: &mut Step<'_>) {
        for (slot, child) in self.children(parent) {
            let state = step.definition.state(self.frame(parent).state);
            if matches!(state.kind, Kind::Map(_)) {
                let stage = if failing == Some(child) { IterationStage::Failed } else { IterationStage::Aborted };
                let details = EventDetails::MapIteration { stage, name: Arc::clone(&state.name), index: slot };
                self.emit_at(previous, details, step.now, step.out);
            }
            let frame = self.frame(child);
            if let Some(details) = aborted(step, frame, failing == Some(child)) {
                self.emit_at(previous, details, step.now, step.out);
            }
            if let Phase::Task(task) = &self.frame(child).phase {
                step.out.commands.push(Command::CancelTask { task: task.id });
            }
            self.end_children(child, None, previous, step);
            self.take_results(child);
            self.remove_frame(child);
        }
    }

    /// The children of a frame, by slot.
    fn children(&self, parent: FrameId) -> Vec<(u32, FrameId)> {
        if !matches!(self.frame(parent).phase, Phase::Join(_)) {
            return Vec::new();
        }
        let slots = self.frames.iter().map(|(&id, frame)| (frame.parent, id));
        let mut children: Vec<_> =
            slots.filter_map(|(of, id)| of.filter(|(of, _)| *of == parent).map(|(_, slot)| (slot, id))).collect();
        children.sort_unstable();
        children
    }
}

/// The event that ends a state that was entered and not left. The types without such an event never wait.
fn aborted(step: &Step<'_>, frame: &Frame, failing: bool) -> Option<EventDetails> {
    // A failure may come while the state's own turn, its first perhaps, is not over.
    let open = failing || !matches!(frame.phase, Phase::Ready { stage: Stage::Enter, .. });
    let state_type = StateType::from(step.definition.state(frame.state));
    match state_type {
        StateType::Task | StateType::Wait => open.then_some(EventDetails::StateAborted(state_type)),
        // One that failed has written its own `…StateFailed`.
        StateType::Parallel | StateType::Map => (open && !failing).then_some(EventDetails::StateAborted(state_type)),
        StateType::Pass | StateType::Choice | StateType::Succeed | StateType::Fail => None,
    }
}
