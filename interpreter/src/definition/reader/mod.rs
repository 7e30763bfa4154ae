//! From the tree of a definition's text to its model: one file for each group of fields.

mod choice;
mod distributed;
mod errors;
mod expression;
mod fields;
mod map;
mod outline;
mod resource;
mod simple;
mod state;
mod task;
mod values;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::code::{DUPLICATE_LABEL_NAME, SCHEMA_VALIDATION_FAILED};
use super::findings::Findings;
use super::model::{Definition, QueryLanguage, Scope, StateId};
use super::source::{Bytes, Node};
use super::{MachineType, check, messages};
use crate::expression::Offered;

pub(super) use fields::Fields;
pub(super) use outline::{Outline, ScopeEntry, StateEntry};

/// What was read.
pub(super) struct Read<'s> {
    /// Absent when there are errors.
    pub(super) definition: Option<Definition>,
    /// What [`check`] looks at afterwards.
    pub(super) outline: Outline<'s>,
    pub(super) graph: check::Graph<'s>,
}

/// Reads the machine whose text is `root`.
pub(super) fn read<'s>(root: &'s Node, machine_type: MachineType, findings: &mut Findings) -> Read<'s> {
    let outline = Outline::of(root, findings);
    let machine_language = language(root).unwrap_or_default();
    let mut reader = Reader {
        machine_type,
        machine_language,
        graph: check::Graph::new(outline.states.len()),
        labels: BTreeMap::new(),
        state: StateId(0),
        offered: Offered::Nothing,
        findings,
        outline: &outline,
    };
    let timeout_seconds = reader.machine(root);
    let states: Option<Vec<_>> = (0..outline.states.len()).map(|at| reader.state(id(at))).collect::<Vec<_>>().into_iter().collect();
    let graph = reader.graph;
    let sound = if findings.has_errors() { None } else { states.zip(scopes(&outline)) };
    let definition = sound.map(|(states, scopes)| Definition {
        comment: root.member("Comment").and_then(|member| member.value.as_str()).map(Arc::from),
        query_language: machine_language,
        timeout_seconds,
        names: outline.states.iter().enumerate().map(|(at, state)| (Arc::clone(state.name), id(at))).collect::<BTreeMap<_, _>>(),
        states,
        scopes,
    });
    Read { definition, outline, graph }
}

/// The id of the state at a position of the outline.
pub(super) fn id(position: usize) -> StateId {
    StateId(u32::try_from(position).unwrap_or(u32::MAX))
}

fn scopes(outline: &Outline<'_>) -> Option<Vec<Scope>> {
    let scope =
        |entry: &ScopeEntry<'_>| Some(Scope { start_at: entry.start_at?, parent: entry.parent, states: entry.states.clone() });
    outline.scopes.iter().map(scope).collect()
}

/// The query language that an object names: any text but `JSONPath` counts as JSONata, as the service has it.
fn language(node: &Node) -> Option<QueryLanguage> {
    let value = &node.member("QueryLanguage")?.value;
    let is_json_path = value.is_unresolved() || value.as_str() == Some("JSONPath");
    Some(if is_json_path { QueryLanguage::JsonPath } else { QueryLanguage::Jsonata })
}

/// Reads the states of a machine.
struct Reader<'s, 'r> {
    machine_type: MachineType,
    machine_language: QueryLanguage,
    graph: check::Graph<'s>,
    /// The labels seen so far and the places of the states that have them.
    labels: BTreeMap<&'s str, String>,
    /// The state that is being read.
    state: StateId,
    /// What the field that is being read offers to expressions.
    offered: Offered,
    findings: &'r mut Findings,
    outline: &'r Outline<'s>,
}

/// What the fields of one state are read with.
#[derive(Clone, Copy)]
struct Situation {
    /// The state.
    id: StateId,
    /// Its language.
    language: QueryLanguage,
}

impl<'s> Reader<'s, '_> {
    /// An error of the most common code.
    fn refuse(&mut self, message: impl Into<String>, location: impl Into<String>, span: Bytes) {
        self.findings.error(SCHEMA_VALIDATION_FAILED, message, location, span);
    }

    fn entry(&self, id: StateId) -> Option<&StateEntry<'s>> {
        self.outline.states.get(id.0 as usize)
    }

    /// A state that a field of state `from` names. The reader goes on without it when it does not exist: that is an error.
    fn target(&mut self, from: StateId, fields: &Fields<'s>, name: &'static str) -> Option<StateId> {
        let member = fields.get(name)?;
        let Some(target) = member.value.as_str() else {
            self.refuse(messages::wrong_type("String", member.value.type_name()), fields.at(name), member.value.span);
            return None;
        };
        let entry = self.outline.states.get(from.0 as usize)?;
        let scope = self.outline.scopes.get(entry.scope.0 as usize)?;
        let found = scope.names.get(target).copied();
        match found {
            Some(to) => self.graph.edge(from, to),
            None => {
                check::refuse_target(self.findings, target, scope, self.outline, fields.at(name), member.value.span);
            }
        }
        found
    }

    fn note_label(&mut self, label: &'s str, place: String, span: Bytes) {
        if self.labels.contains_key(label) {
            self.findings.error(DUPLICATE_LABEL_NAME, messages::duplicate_label(label), place, span);
        } else {
            self.labels.insert(label, place);
        }
    }
}
