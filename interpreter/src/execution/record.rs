//! Changing an execution: every change of a frame, a payload or the history goes through here, so that none is missed by the next
//! checkpoint.

use std::sync::Arc;

use smallvec::SmallVec;

use super::frame::{Frame, FrameId, Phase, Stage};
use super::{Execution, Status};
use crate::command::Output;
use crate::definition::StateId;
use crate::error::ErrorName;
use crate::history::{ErrorDetails, EventDetails, EventId, HistoryEvent, Link};
use crate::payload::{Datum, Document, Payload, PayloadId};
use crate::time::Timestamp;

/// What has changed since the last checkpoint.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    pub(super) frames: Vec<FrameId>,
    pub(super) removed_frames: Vec<FrameId>,
    pub(super) results: Vec<(FrameId, u32)>,
    pub(super) removed_results: Vec<(FrameId, u32)>,
    pub(super) payloads: Vec<Payload>,
}

impl Execution {
    /// Writes an event of the frame `id` to the history and moves the frame's cursor, unless the event is a leaf. The one place
    /// that knows what `previousEventId` is.
    ///
    /// Source: rule `previous-event` of the rule table.
    pub(super) fn emit(&mut self, id: FrameId, details: EventDetails, now: Timestamp, out: &mut Output) -> EventId {
        let link = details.link();
        let event = self.emit_at(self.frame(id).cursor, details, now, out);
        if link == Link::Advance {
            self.frame_mut(id).cursor = event;
        }
        event
    }

    /// Writes an event that follows `previous` to the history.
    ///
    /// The last event that fits ends the execution. In its place another one is left out, with all that follow in the same call:
    /// [`Self::end_if_history_is_full`] writes the last one then.
    pub(super) fn emit_at(&mut self, previous: EventId, details: EventDetails, now: Timestamp, out: &mut Output) -> EventId {
        let id = self.head.next_event;
        if id.0 >= self.head.quotas.history_events_max && (self.event_left_out || !details.ends_execution()) {
            self.event_left_out = true;
            return id;
        }
        self.head.next_event = EventId(id.0 + 1);
        self.head.last_time = now;
        out.events.push(HistoryEvent { id, previous, timestamp: now, details });
        id
    }

    /// Ends the execution when only the history's last event is left.
    ///
    /// Source: rule `history-limit` of the rule table: the last event allowed is `ExecutionFailed`, and follows the one before.
    pub(super) fn end_if_history_is_full(&mut self, now: Timestamp, out: &mut Output) {
        let max = self.head.quotas.history_events_max;
        let full = self.head.next_event.0 == max && !self.head.status.is_final();
        if std::mem::take(&mut self.event_left_out) || full {
            let cause = format!("The execution reached the maximum number of history events ({max}).");
            let error = ErrorDetails { error: Some(ErrorName::RUNTIME.into()), cause: Some(cause.into()) };
            let now = self.not_before(now);
            self.emit_at(EventId(max - 1), EventDetails::ExecutionFailed(error.clone()), now, out);
            self.finish(Status::Failed(error), out);
            // A task whose event was left out was never scheduled.
            out.commands.retain(|command| command.task().0 < max);
        }
    }

    /// A frame for changing.
    pub(super) fn frame_mut(&mut self, id: FrameId) -> &mut Frame {
        let frame = self.frames.get_mut(&id).expect("a frame is named only as long as it lives");
        if !frame.touched {
            frame.touched = true;
            self.unsaved.frames.push(id);
        }
        frame
    }

    /// A new frame, which takes its turn behind the others.
    pub(super) fn add_frame(&mut self, parent: Option<(FrameId, u32)>, state: StateId, cursor: EventId, input: Payload) -> FrameId {
        let id = self.head.next_frame;
        self.head.next_frame = FrameId(id.0 + 1);
        let frame = Frame {
            parent,
            state,
            phase: Phase::Ready { stage: Stage::Enter, order: self.take_order() },
            cursor,
            entered: EventId(0),
            entered_at: Timestamp(0),
            input,
            variables: None,
            attempts: SmallVec::new(),
            touched: true,
        };
        self.frames.insert(id, Box::new(frame));
        self.unsaved.frames.push(id);
        self.ready.push_back(id);
        id
    }

    /// Ends a frame.
    pub(super) fn remove_frame(&mut self, id: FrameId) {
        let Some(frame) = self.frames.remove(&id) else { return };
        self.forget_phase(id, &frame);
        self.head.variables_bytes -= frame.variables.iter().flat_map(|variables| variables.values()).map(bytes).sum::<usize>();
        self.unsaved.removed_frames.push(id);
    }

    /// Puts a frame into another phase.
    pub(super) fn set_phase(&mut self, id: FrameId, phase: Phase) {
        if let Some(old) = self.frames.get(&id).and_then(|frame| frame.deadline()) {
            self.deadlines.remove(&(old, id));
        }
        let frame = self.frame_mut(id);
        let old = std::mem::replace(&mut frame.phase, phase);
        let (deadline, opened) = (frame.deadline(), task_of(&frame.phase));
        if let Some(task) = task_of(&old) {
            self.tasks.remove(&task);
        }
        if let Some(task) = opened {
            self.tasks.insert(task, id);
        }
        if let Some(deadline) = deadline {
            self.deadlines.insert((deadline, id));
        }
    }

    /// Gives a frame its next turn, behind the others.
    pub(super) fn set_ready(&mut self, id: FrameId, stage: Stage) {
        let order = self.take_order();
        self.set_phase(id, Phase::Ready { stage, order });
        self.ready.push_back(id);
    }

    pub(super) fn take_order(&mut self) -> u64 {
        self.head.next_order += 1;
        self.head.next_order
    }

    fn forget_phase(&mut self, id: FrameId, frame: &Frame) {
        if let Some(deadline) = frame.deadline() {
            self.deadlines.remove(&(deadline, id));
        }
        if let Some(task) = task_of(&frame.phase) {
            self.tasks.remove(&task);
        }
        if frame.turn().is_some() {
            self.ready.retain(|&ready| ready != id);
        }
    }

    /// The payload of what a state made: the one it handed on, or a new one.
    pub(super) fn payload(&mut self, datum: Datum) -> Payload {
        match datum {
            Datum::Payload(payload) => payload,
            Datum::Value(value) => self.new_payload(Document::from(value)),
        }
    }

    /// A payload with a number of its own.
    pub(super) fn new_payload(&mut self, document: Document) -> Payload {
        let id = self.head.next_payload;
        self.head.next_payload = PayloadId(id.0 + 1);
        let payload = Payload::new(id, document);
        self.unsaved.payloads.push(payload.clone());
        payload
    }

    /// Gives variables of a frame's scope their values.
    pub(super) fn assign(&mut self, id: FrameId, assigned: &[(Arc<str>, Payload)]) {
        let frame = self.frame_mut(id);
        let variables = Arc::make_mut(frame.variables.get_or_insert_default());
        let mut change = 0_isize;
        for (name, value) in assigned {
            let old = variables.insert(Arc::clone(name), value.clone());
            change += bytes(value).cast_signed() - old.as_ref().map_or(0, bytes).cast_signed();
        }
        self.head.variables_bytes = self.head.variables_bytes.saturating_add_signed(change);
    }

    /// Keeps the output of a child until all have finished.
    pub(super) fn add_result(&mut self, parent: FrameId, slot: u32, output: Payload) {
        self.results.insert((parent, slot), output);
        self.unsaved.results.push((parent, slot));
    }

    /// Takes the outputs of the children of `parent`, in order.
    pub(super) fn take_results(&mut self, parent: FrameId) -> Vec<Payload> {
        let later = self.results.split_off(&(parent, 0));
        let mut own = later;
        let mut behind = own.split_off(&(FrameId(parent.0 + 1), 0));
        self.results.append(&mut behind);
        self.unsaved.removed_results.extend(own.keys().copied());
        own.into_values().collect()
    }

    /// Ends the execution: no frame is left, and what was open is cancelled.
    pub(super) fn finish(&mut self, status: Status, out: &mut Output) {
        out.commands.extend(self.tasks.keys().map(|&task| crate::command::Command::CancelTask { task }));
        self.unsaved.removed_frames.extend(self.frames.keys().copied());
        self.unsaved.removed_results.extend(self.results.keys().copied());
        self.frames.clear();
        self.results.clear();
        self.ready.clear();
        self.deadlines.clear();
        self.tasks.clear();
        self.head.variables_bytes = 0;
        self.head.status = status;
    }
}

fn task_of(phase: &Phase) -> Option<EventId> {
    if let Phase::Task(task) = phase { Some(task.id) } else { None }
}

pub(super) fn bytes(payload: &Payload) -> usize {
    payload.document().bytes()
}
