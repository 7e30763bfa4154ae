//! What a tree consists of: running scopes, the visits of states in them, and what stands below those.

use std::collections::BTreeMap;
use std::sync::Arc;

use statewright_interpreter::definition::{Next, ScopeId, State, StateId};
use statewright_interpreter::history::ErrorDetails;
use statewright_interpreter::time::Timestamp;

use super::words::describe;
use crate::screen::Paint;

/// A running scope.
#[derive(Debug)]
pub(super) struct Frame {
    /// The frame around it.
    pub(super) parent: Option<usize>,
    pub(super) scope: ScopeId,
    pub(super) slot: u32,
    pub(super) entries: Vec<Entry>,
    pub(super) visits: BTreeMap<StateId, u32>,
    pub(super) end: End,
    /// What it fails with, if it does.
    pub(super) error: Option<ErrorDetails>,
}

/// What stands in a frame.
#[derive(Debug)]
pub(super) enum Entry {
    Visit(Box<Visit>),
    /// Visits that are not shown.
    Hidden {
        count: u64,
        names: Vec<Arc<str>>,
    },
}

/// One visit of a state.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) state: StateId,
    pub(super) entered_at: Timestamp,
    pub(super) left_at: Option<Timestamp>,
    pub(super) end: End,
    /// The error it failed with last, and when.
    pub(super) error: Option<(ErrorDetails, Timestamp)>,
    /// The error that its output holds, if that may be what a catcher has put there.
    pub(super) caught: Option<ErrorDetails>,
    /// Whether its task has a result.
    pub(super) has_result: bool,
    pub(super) attempts: u32,
    /// Where it went on.
    pub(super) next: Option<Arc<str>>,
    pub(super) items: Vec<Item>,
    /// Iterations that are not shown, by what became of them.
    pub(super) folded: BTreeMap<End, u64>,
    /// How many children it has, and how many of them have ended.
    pub(super) children: (u64, u64),
    /// Whether it got as far as to start them.
    pub(super) forked: bool,
    pub(super) detail: Option<String>,
}

/// What stands below a visit.
#[derive(Debug)]
pub(super) enum Item {
    Line(Paint, String),
    Frame(usize),
    /// A tree of its own: a nested execution.
    Nested(String, Vec<(String, String)>),
}

/// What became of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    Open,
    Done,
    Caught,
    Failed,
    Aborted,
}

impl Frame {
    pub(super) fn new(parent: Option<usize>, scope: ScopeId, slot: u32) -> Self {
        Self { parent, scope, slot, entries: Vec::new(), visits: BTreeMap::new(), end: End::Open, error: None }
    }

    pub(super) fn current(&mut self) -> Option<&mut Visit> {
        self.entries.iter_mut().rev().find_map(|entry| if let Entry::Visit(visit) = entry { Some(&mut **visit) } else { None })
    }

    pub(super) fn last(&self) -> Option<&Visit> {
        self.entries.iter().rev().find_map(|entry| if let Entry::Visit(visit) = entry { Some(&**visit) } else { None })
    }

    /// Takes the last visit away and counts it.
    pub(super) fn hide(&mut self, name: &Arc<str>) {
        self.entries.pop();
        match self.entries.last_mut() {
            Some(Entry::Hidden { count, names }) => {
                *count += 1;
                if !names.contains(name) {
                    names.push(Arc::clone(name));
                }
            }
            _ => self.entries.push(Entry::Hidden { count: 1, names: vec![Arc::clone(name)] }),
        }
    }
}

impl Visit {
    pub(super) fn new(state: StateId, now: Timestamp, input: Option<String>) -> Self {
        Self {
            state,
            entered_at: now,
            left_at: None,
            end: End::Open,
            error: None,
            caught: None,
            has_result: false,
            attempts: 0,
            next: None,
            items: input.into_iter().map(|line| Item::Line(Paint::Dim, line)).collect(),
            folded: BTreeMap::new(),
            children: (0, 0),
            forked: false,
            detail: None,
        }
    }

    /// It went on to the state `next`: if only a catcher leads there, it failed on its way out, with a result.
    pub(super) fn show_if_caught(&mut self, state: &State, next: StateId) {
        let is_caught = state.next != Next::State(next) && state.catch.iter().any(|catcher| catcher.next == next);
        if self.end == End::Done && is_caught {
            self.end = End::Caught;
            if let Some(error) = self.caught.take() {
                self.items.push(Item::Line(Paint::Bad, format!("✘ {}", describe(&error))));
                self.error = Some((error, self.left_at.unwrap_or(self.entered_at)));
            }
        }
    }
}
