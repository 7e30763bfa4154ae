//! Rules about the machine as a whole: where states lead, and which variables scopes assign.
//!
//! Source: ASL specification, "Transitions" and "Terminal States".

use std::collections::{BTreeMap, BTreeSet};

use super::code::{MISSING_END_STATE, MISSING_TRANSITION_TARGET, SCHEMA_VALIDATION_FAILED, UNDEFINED_VARIABLE, UNREACHABLE_STATE};
use super::findings::Findings;
use super::messages;
use super::model::{ScopeId, StateId};
use super::reader::{Outline, ScopeEntry};
use super::source::{Bytes, Text};

/// What reading the states found out about the whole.
#[derive(Debug)]
pub(super) struct Graph<'s> {
    edges: Vec<(StateId, StateId)>,
    terminals: Vec<bool>,
    assigned: Vec<Assigned<'s>>,
    read: Vec<Read>,
}

/// A variable that a state reads.
#[derive(Debug)]
struct Read {
    state: StateId,
    name: String,
    location: String,
    span: Bytes,
    /// Where in the string that `span` is.
    inside: Option<(Text, usize)>,
}

/// A variable that a state assigns.
#[derive(Debug)]
struct Assigned<'s> {
    state: StateId,
    name: &'s str,
    location: String,
    span: Bytes,
}

impl<'s> Graph<'s> {
    pub(super) fn new(states: usize) -> Self {
        Self { edges: Vec::new(), terminals: vec![false; states], assigned: Vec::new(), read: Vec::new() }
    }

    /// Notes that a state may be followed by another.
    pub(super) fn edge(&mut self, from: StateId, to: StateId) {
        self.edges.push((from, to));
    }

    /// Notes that a state ends its scope, or may do so.
    pub(super) fn terminal(&mut self, state: StateId) {
        if let Some(terminal) = self.terminals.get_mut(state.0 as usize) {
            *terminal = true;
        }
    }

    /// Notes that a state assigns a variable.
    pub(super) fn assigned(&mut self, state: StateId, name: &'s str, location: String, span: Bytes) {
        self.assigned.push(Assigned { state, name, location, span });
    }

    /// Notes that a state reads a variable; `inside` says where in the string that `span` is.
    pub(super) fn read(&mut self, state: StateId, name: String, location: String, span: Bytes, inside: Option<(Text, usize)>) {
        self.read.push(Read { state, name, location, span, inside });
    }

    fn is_terminal(&self, state: StateId) -> bool {
        self.terminals.get(state.0 as usize).copied().unwrap_or(false)
    }
}

/// Machines with more states get no advice about names that do not exist: looking for what was meant takes time for each.
const ADVISED_STATES_MAX: usize = 500;

/// Refuses a name that no state of the scope has.
pub(super) fn refuse_target(
    findings: &mut Findings,
    target: &str,
    scope: &ScopeEntry<'_>,
    outline: &Outline<'_>,
    location: String,
    span: Bytes,
) {
    findings.error(MISSING_TRANSITION_TARGET, messages::missing_target(target), location, span);
    if outline.states.len() > ADVISED_STATES_MAX {
        return;
    }
    if let Some(name) = scope.names.keys().find(|name| is_alike(name, target)) {
        findings.help(format!("did you mean `{name}`?"));
    } else if outline.states.iter().any(|state| **state.name == *target) {
        findings
            .help("a state of that name stands in another scope: no transition leads into or out of a branch or an item processor");
    }
}

/// Whether two names differ by case, blanks and signs only.
fn is_alike(one: &str, other: &str) -> bool {
    plain(one) == plain(other)
}

/// A name without its case, blanks and signs.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Checks every scope.
pub(super) fn check(outline: &Outline<'_>, graph: &Graph<'_>, findings: &mut Findings) {
    let mut followers = vec![Vec::new(); outline.states.len()];
    for &(from, to) in &graph.edges {
        if let Some(list) = followers.get_mut(from.0 as usize) {
            list.push(to);
        }
    }
    let reached = Reached { is_followed: followed(outline, graph), is_reached: reached(outline, &followers) };
    for scope in &outline.scopes {
        check_scope(scope, outline, graph, &reached, findings);
    }
    check_variables(outline, graph, findings);
    warn_of_undefined(outline, graph, findings);
}

/// What leads to the states, by position.
struct Reached {
    /// Whether a transition of another state leads to it.
    is_followed: Vec<bool>,
    /// Whether it can be reached from the start of its scope.
    is_reached: Vec<bool>,
}

fn followed(outline: &Outline<'_>, graph: &Graph<'_>) -> Vec<bool> {
    let mut is_followed = vec![false; outline.states.len()];
    for &(_, to) in graph.edges.iter().filter(|(from, to)| from != to) {
        if let Some(followed) = is_followed.get_mut(to.0 as usize) {
            *followed = true;
        }
    }
    is_followed
}

/// Walks all scopes at once: no transition leads from one to another.
fn reached(outline: &Outline<'_>, followers: &[Vec<StateId>]) -> Vec<bool> {
    let mut is_reached = vec![false; outline.states.len()];
    let mut next: Vec<StateId> = outline.scopes.iter().filter_map(|scope| scope.start_at).collect();
    while let Some(state) = next.pop() {
        let Some(reached) = is_reached.get_mut(state.0 as usize) else { continue };
        if !std::mem::replace(reached, true) {
            next.extend(followers.get(state.0 as usize).into_iter().flatten());
        }
    }
    is_reached
}

fn check_scope(scope: &ScopeEntry<'_>, outline: &Outline<'_>, graph: &Graph<'_>, reached: &Reached, findings: &mut Findings) {
    if scope.states.is_empty() || scope.node.member("StartAt").is_none() {
        return;
    }
    if !scope.states.iter().any(|&state| graph.is_terminal(state)) {
        // The service gives no location, and says nothing of states that cannot be reached.
        findings.error_without_location(MISSING_END_STATE, messages::NO_TERMINAL_STATE, Some(scope.node.span));
        return;
    }
    let holds = |list: &[bool], state: StateId| list.get(state.0 as usize).copied().unwrap_or(false);
    for &state in scope.states.iter().filter(|&&state| !holds(&reached.is_reached, state)) {
        let Some(entry) = outline.states.get(state.0 as usize) else { continue };
        let is_first_of_two = scope.names.get(&**entry.name) != Some(&state);
        if is_first_of_two {
            continue;
        }
        if !holds(&reached.is_followed, state) {
            findings.error(MISSING_TRANSITION_TARGET, messages::unreachable(entry.name), &*entry.place, entry.name_span);
        } else if scope.start_at.is_some() {
            // The service names only those that nothing leads to.
            findings.warning(
                UNREACHABLE_STATE,
                format!("State '{}' can only be reached from states that are never reached themselves", entry.name),
                &*entry.place,
                entry.name_span,
                "remove it, or lead to it",
            );
        }
    }
}

/// A variable that an outer scope assigns may not be assigned in an inner one. A Distributed Map's executions have variables of
/// their own.
fn check_variables(outline: &Outline<'_>, graph: &Graph<'_>, findings: &mut Findings) {
    let scope_of = |state: StateId| scope_of(outline, state);
    let mut assigning = BTreeMap::new();
    for assigned in &graph.assigned {
        if let Some(scope) = scope_of(assigned.state) {
            assigning.entry((scope.0, assigned.name)).or_insert_with(Vec::new).push(assigned.state);
        }
    }
    for assigned in &graph.assigned {
        let mut scope = scope_of(assigned.state).and_then(|id| outline.scopes.get(id.0 as usize));
        while let Some(inner) = scope.filter(|scope| !scope.is_distributed) {
            let Some((parent, outer)) = inner.parent.and_then(|parent| Some((parent, scope_of(parent)?))) else { break };
            // What the Parallel or Map itself assigns comes after the inner scope is gone. The service allows it.
            let others = assigning.get(&(outer.0, assigned.name)).and_then(|states| states.iter().find(|&&state| state != parent));
            if let Some(state) = others.and_then(|id| outline.states.get(id.0 as usize)) {
                let message = messages::outer_variable(assigned.name, state.name);
                findings.error(SCHEMA_VALIDATION_FAILED, message, &*assigned.location, assigned.span);
                break;
            }
            scope = outline.scopes.get(outer.0 as usize);
        }
    }
}

fn scope_of(outline: &Outline<'_>, state: StateId) -> Option<ScopeId> {
    outline.states.get(state.0 as usize).map(|entry| entry.scope)
}

/// The scopes whose variables a state sees: its own and those around it, up to the edge of a Distributed Map.
fn visible_scopes(outline: &Outline<'_>, state: StateId) -> impl Iterator<Item = ScopeId> {
    std::iter::successors(scope_of(outline, state), |id| {
        let scope = outline.scopes.get(id.0 as usize).filter(|scope| !scope.is_distributed)?;
        scope_of(outline, scope.parent?)
    })
}

/// Warns of variables that nobody assigns. The service takes such definitions.
fn warn_of_undefined(outline: &Outline<'_>, graph: &Graph<'_>, findings: &mut Findings) {
    let assigned = graph.assigned.iter().filter_map(|assigned| Some((assigned.name, scope_of(outline, assigned.state)?)));
    let assigned: BTreeSet<(&str, ScopeId)> = assigned.collect();
    let mut alike: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (name, _) in &assigned {
        alike.entry(plain(name)).or_default().insert(name);
    }
    let has_others = |name: &str| assigned.range((name, ScopeId(0))..=(name, ScopeId(u32::MAX))).next().is_some();
    for read in &graph.read {
        if visible_scopes(outline, read.state).any(|scope| assigned.contains(&(&*read.name, scope))) {
            continue;
        }
        let others = alike.get(&plain(&read.name)).into_iter().flatten();
        let help = match others.copied().find(|name| *name != read.name) {
            Some(alike) => format!("did you mean `${alike}`?"),
            None if is_alike(&read.name, "state") => "did you mean `$states`?".to_owned(),
            None if has_others(&read.name) => {
                "a state of another scope assigns it: variables are seen in their scope and inline in those inside it".to_owned()
            }
            None => format!("assign `{}` in a state before this one", read.name),
        };
        findings.warning(UNDEFINED_VARIABLE, messages::undefined_variable(&read.name), &*read.location, read.span, &help);
        if let Some((string, at)) = &read.inside {
            findings.inside_string(string, *at);
        }
    }
}
