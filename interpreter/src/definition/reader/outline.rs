//! The outline of a machine: which scopes and states there are, before any state is read.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::code::{DUPLICATE_STATE_NAME, INVALID_STATE_NAME, MISSING_TRANSITION_TARGET, SCHEMA_VALIDATION_FAILED};
use super::super::findings::Findings;
use super::super::messages;
use super::super::model::{ScopeId, StateId};
use super::super::source::{Bytes, Node};
use super::{Fields, id};

/// How many characters a state's name may have. Source: developer guide, "State names".
const NAME_CHARACTERS_MAX: usize = 80;

/// All scopes and states of a machine, in the text's order.
#[derive(Debug, Default)]
pub(in crate::definition) struct Outline<'s> {
    pub(in crate::definition) scopes: Vec<ScopeEntry<'s>>,
    pub(in crate::definition) states: Vec<StateEntry<'s>>,
}

/// A scope.
#[derive(Debug)]
pub(in crate::definition) struct ScopeEntry<'s> {
    pub(in crate::definition) node: &'s Node,
    pub(in crate::definition) parent: Option<StateId>,
    pub(in crate::definition) start_at: Option<StateId>,
    pub(in crate::definition) states: Vec<StateId>,
    pub(in crate::definition) names: BTreeMap<&'s str, StateId>,
    /// Whether it is the processor of a Distributed Map.
    pub(in crate::definition) is_distributed: bool,
    /// Whether its executions are Express ones because a Distributed Map says so.
    pub(in crate::definition) is_express_child: bool,
}

/// A state.
#[derive(Debug)]
pub(in crate::definition) struct StateEntry<'s> {
    pub(in crate::definition) name: &'s Arc<str>,
    pub(in crate::definition) name_span: Bytes,
    pub(in crate::definition) node: &'s Node,
    pub(in crate::definition) place: String,
    pub(in crate::definition) scope: ScopeId,
    /// Its branches or its processor.
    pub(in crate::definition) children: Vec<ScopeId>,
}

impl<'s> Outline<'s> {
    pub(super) fn of(root: &'s Node, findings: &mut Findings) -> Self {
        let mut outline = Self::default();
        let mut names = BTreeMap::new();
        outline.scope(root, String::new(), None, &mut names, findings);
        outline
    }

    fn scope(
        &mut self,
        node: &'s Node,
        place: String,
        parent: Option<StateId>,
        names: &mut BTreeMap<&'s str, StateId>,
        findings: &mut Findings,
    ) -> ScopeId {
        let scope = ScopeId(u32::try_from(self.scopes.len()).unwrap_or(u32::MAX));
        let config = |field| node.member("ProcessorConfig").and_then(|config| config.value.member(field)?.value.as_str());
        let is_distributed = config("Mode") == Some("DISTRIBUTED");
        self.scopes.push(ScopeEntry {
            node,
            parent,
            start_at: None,
            states: Vec::new(),
            names: BTreeMap::new(),
            is_distributed,
            is_express_child: is_distributed && config("ExecutionType") == Some("EXPRESS"),
        });
        let Some(members) = node.members() else {
            findings.error(SCHEMA_VALIDATION_FAILED, messages::wrong_type("Object", node.type_name()), here(&place), node.span);
            return scope;
        };
        let fields = Fields { members, span: node.span, place };
        let missing: Vec<&str> = ["States", "StartAt"].into_iter().filter(|name| fields.get(name).is_none()).collect();
        if !missing.is_empty() {
            findings.error(SCHEMA_VALIDATION_FAILED, messages::required(&missing), fields.here(), node.span);
        }
        self.scope_states(scope, &fields, names, findings);
        self.start_at(scope, &fields, findings);
        scope
    }

    fn scope_states(
        &mut self,
        scope: ScopeId,
        fields: &Fields<'s>,
        names: &mut BTreeMap<&'s str, StateId>,
        findings: &mut Findings,
    ) {
        let Some(states) = fields.get("States") else { return };
        let Some(members) = states.value.members() else {
            let message = messages::wrong_type("Object", states.value.type_name());
            return findings.error(SCHEMA_VALIDATION_FAILED, message, fields.at("States"), states.value.span);
        };
        if members.is_empty() {
            findings.error(SCHEMA_VALIDATION_FAILED, messages::EMPTY, fields.at("States"), states.value.span);
        }
        for member in members {
            let state = id(self.states.len());
            let place = format!("{}/States/{}", fields.place, member.key);
            if names.insert(&member.key, state).is_some() {
                findings.error(DUPLICATE_STATE_NAME, messages::duplicate_name(&member.key), &*place, member.key_span);
            }
            if member.key.is_empty() {
                findings.error(INVALID_STATE_NAME, messages::EMPTY_NAME, &*place, member.key_span);
            } else if member.key.chars().count() > NAME_CHARACTERS_MAX {
                findings.error(INVALID_STATE_NAME, messages::name_too_long(&member.key), &*place, member.key_span);
            }
            if let Some(entry) = self.scopes.get_mut(scope.0 as usize) {
                entry.states.push(state);
                entry.names.insert(&member.key, state);
            }
            self.states.push(StateEntry {
                name: &member.key,
                name_span: member.key_span,
                node: &member.value,
                place: place.clone(),
                scope,
                children: Vec::new(),
            });
            let children = self.children(state, &member.value, &place, names, findings);
            if let Some(entry) = self.states.get_mut(state.0 as usize) {
                entry.children = children;
            }
        }
    }

    fn children(
        &mut self,
        state: StateId,
        node: &'s Node,
        place: &str,
        names: &mut BTreeMap<&'s str, StateId>,
        findings: &mut Findings,
    ) -> Vec<ScopeId> {
        let field = |name: &str| node.member(name).map(|member| &member.value);
        match field("Type").and_then(Node::as_str) {
            Some("Parallel") => {
                let branches = field("Branches").and_then(Node::items).unwrap_or_default();
                let place = |at: usize| format!("{place}/Branches[{at}]");
                branches
                    .iter()
                    .enumerate()
                    .map(|(at, branch)| self.scope(branch, place(at), Some(state), names, findings))
                    .collect()
            }
            Some("Map") => ["ItemProcessor", "Iterator"]
                .into_iter()
                .filter_map(|name| Some((name, field(name)?)))
                .map(|(name, processor)| self.scope(processor, format!("{place}/{name}"), Some(state), names, findings))
                .collect(),
            _ => Vec::new(),
        }
    }

    fn start_at(&mut self, scope: ScopeId, fields: &Fields<'s>, findings: &mut Findings) {
        let Some(member) = fields.get("StartAt") else { return };
        let Some(entry) = self.scopes.get_mut(scope.0 as usize) else { return };
        let Some(target) = member.value.as_str() else {
            let message = messages::wrong_type("String", member.value.type_name());
            return findings.error(SCHEMA_VALIDATION_FAILED, message, fields.at("StartAt"), member.value.span);
        };
        entry.start_at = entry.names.get(target).copied();
        if entry.start_at.is_none() && fields.get("States").is_some() {
            findings.error(MISSING_TRANSITION_TARGET, messages::missing_target(target), fields.at("StartAt"), member.value.span);
        }
    }
}

fn here(place: &str) -> &str {
    if place.is_empty() { "/" } else { place }
}
