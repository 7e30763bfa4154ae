//! Whether what was restored is something that could have been written down: what the rest of the interpreter relies on is checked
//! here, once, so that a damaged checkpoint is an error and never a wrong step.

use std::collections::{BTreeMap, BTreeSet};

use super::checkpoint::RestoreError;
use super::frame::{Frame, FrameId, Join, Phase, Source, Stage};
use super::{Execution, states};
use crate::definition::{Definition, Kind, ScopeId};
use crate::history::EventId;
use crate::quota::Evaluation;

/// Numbers of events and turns that no execution reaches. They leave room to count on.
const COUNT_MAX: u64 = 1 << 53;
/// Numbers of frames and payloads that no execution reaches.
const NUMBER_MAX: u32 = 1 << 31;

impl Execution {
    /// Refuses what no execution of `definition` could have written down. Joins know what their children are started with.
    pub(super) fn check_intact(&self, definition: &Definition) -> Result<(), RestoreError> {
        let head = &self.head;
        let counts = head.next_event.0 > 0 && head.next_event.0 < COUNT_MAX && head.next_order < COUNT_MAX;
        // The last event has the one before it to follow.
        let counts = counts && head.quotas.history_events_max >= 2;
        // Levels take native stack, so that no execution has more of them than are known to fit.
        let counts = counts && head.quotas.evaluation.depth_max <= Evaluation::relaxed().depth_max;
        let numbers = head.next_frame.0 < NUMBER_MAX && head.next_payload.0 < NUMBER_MAX;
        if !counts || !numbers {
            return Err(damaged("the head", "a number is beyond what any execution reaches"));
        }
        if head.status.is_final() != self.frames.is_empty() {
            return Err(damaged("the head", "its status does not fit the frames"));
        }
        let children = self.count_children();
        let mut tasks = BTreeSet::new();
        let mut roots = 0;
        for (&id, frame) in &self.frames {
            let reason = self.find_damage(definition, id, frame, children.get(&id).copied().unwrap_or_default());
            let task = if let Phase::Task(task) = &frame.phase { Some(task.id) } else { None };
            let reason = reason.or_else(|| (!task.is_none_or(|task| tasks.insert(task))).then_some("two frames have one task"));
            if let Some(reason) = reason {
                return Err(damaged(&format!("frame {}", id.0), reason));
            }
            roots += usize::from(frame.parent.is_none());
        }
        if roots > 1 {
            return Err(damaged("the head", "there is more than one outermost frame"));
        }
        let waits = |frame: &Frame| matches!(frame.phase, Phase::Join(_) | Phase::Ready { stage: Stage::Joined, .. });
        match self.results.keys().find(|(parent, _)| !self.frames.get(parent).is_some_and(|frame| waits(frame))) {
            Some((parent, slot)) => Err(damaged(&format!("result {slot} of frame {}", parent.0), "no frame waits for it")),
            None => Ok(()),
        }
    }

    /// How many frames and results each frame has below it.
    fn count_children(&self) -> BTreeMap<FrameId, (u32, u32)> {
        let mut children: BTreeMap<FrameId, (u32, u32)> = BTreeMap::new();
        for (parent, _) in self.frames.values().filter_map(|frame| frame.parent) {
            children.entry(parent).or_default().0 += 1;
        }
        for (parent, _) in self.results.keys() {
            children.entry(*parent).or_default().1 += 1;
        }
        children
    }

    fn find_damage(&self, definition: &Definition, id: FrameId, frame: &Frame, children: (u32, u32)) -> Option<&'static str> {
        let state = definition.state(frame.state);
        if id >= self.head.next_frame || frame.cursor >= self.head.next_event || frame.entered >= self.head.next_event {
            return Some("it is newer than the head");
        }
        let scope = match frame.parent {
            None => Some(definition.root()),
            Some((parent, slot)) if parent < id => self.scope_of_child(definition, parent, slot),
            Some(_) => return Some("it is older than the frame around it"),
        };
        if scope != Some(state.scope) {
            return Some("its state is not one of its scope");
        }
        if let Some((parent, slot)) = frame.parent
            && self.results.contains_key(&(parent, slot))
        {
            return Some("its result is there already");
        }
        let fits = match (&frame.phase, &state.kind) {
            (Phase::Ready { stage: Stage::Enter | Stage::Failed(_), .. }, _) => true,
            (Phase::Ready { stage: Stage::Leave, .. } | Phase::Waiting { .. }, Kind::Wait(_)) => true,
            (Phase::Ready { stage: Stage::Succeeded(_), .. }, Kind::Task(_)) => true,
            (Phase::Ready { stage: Stage::Joined, .. }, Kind::Parallel(_) | Kind::Map(_)) => true,
            (
                Phase::Ready { stage: Stage::Retry, .. } | Phase::Backoff { .. },
                Kind::Task(_) | Kind::Parallel(_) | Kind::Map(_),
            ) => true,
            (Phase::Task(task), Kind::Task(_)) => EventId(0) < task.id && task.id < self.head.next_event,
            (Phase::Join(join), Kind::Parallel(parallel)) => {
                matches!(join.source, Source::Branches(_)) && is_counted(join, parallel.branches.len(), children)
            }
            (Phase::Join(join), Kind::Map(_)) => match &join.source {
                Source::Items { items, .. } => is_counted(join, items.len(), children),
                Source::Branches(_) => false,
            },
            (Phase::Ready { .. } | Phase::Waiting { .. } | Phase::Backoff { .. } | Phase::Task(_) | Phase::Join(_), _) => false,
        };
        (!fits).then_some("what it waits for does not fit its state")
    }

    /// The scope that a child of `parent` runs, if it may have one with this number.
    pub(super) fn scope_of_child(&self, definition: &Definition, parent: FrameId, slot: u32) -> Option<ScopeId> {
        let frame = self.frames.get(&parent)?;
        let Phase::Join(join) = &frame.phase else { return None };
        match &definition.state(frame.state).kind {
            Kind::Parallel(parallel) if slot < join.next => parallel.branches.get(slot as usize).copied(),
            Kind::Map(map) if slot < join.next => Some(map.processor),
            _ => None,
        }
    }

    /// Finds what the children of every Map are started with: it is not stored, because it follows from the frame's input.
    ///
    /// Outer frames have lower numbers, so a Map finds the item of the one around it, and no frame is its own ancestor.
    pub(super) fn find_sources(&mut self, definition: &Definition) -> Result<(), RestoreError> {
        if let Some((id, _)) = self.frames.iter().find(|(id, frame)| frame.parent.is_some_and(|(parent, _)| parent >= **id)) {
            return Err(damaged(&format!("frame {}", id.0), "it is older than the frame around it"));
        }
        let joins = self.frames.iter().filter(|(_, frame)| matches!(frame.phase, Phase::Join(_)));
        for id in joins.map(|(&id, _)| id).collect::<Vec<_>>() {
            let Kind::Map(map) = &definition.state(self.frame(id).state).kind else { continue };
            let source = states::map_source(&super::scene::Scene::new(self, definition, id), map);
            let source = source.map_err(|error| damaged(&format!("frame {}", id.0), &error.to_string()))?;
            if let Some(Phase::Join(join)) = self.frames.get_mut(&id).map(|frame| &mut frame.phase)
                && matches!(join.source, Source::Items { .. })
            {
                join.source = source;
            }
        }
        Ok(())
    }
}

/// Whether a join's numbers fit each other and its children, of which there are so many frames and results.
fn is_counted(join: &Join, total: usize, (frames, results): (u32, u32)) -> bool {
    join.total as usize == total
        && join.running == frames
        && join.next == frames + results
        && join.next <= join.total
        && join.running <= join.limit
        && if join.starting.is_some() { join.next < join.total } else { join.running > 0 }
}

fn damaged(record: &str, reason: &str) -> RestoreError {
    RestoreError::Unreadable { record: record.to_owned(), reason: reason.to_owned() }
}
