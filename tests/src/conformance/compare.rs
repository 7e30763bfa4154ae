//! A history of our own against the recorded one.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde_json::{Map, Value};

use super::Observed;
use super::case::{Case, Execution, Kind};
use super::matching::{Memory, Rules};
use super::normalise::{is_unordered, parse_json_strings, replace_times, unorder_parallel};

/// A place where an answer of our own is not the recorded one.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// JSON pointer into the answer, for example `/events/4/taskScheduledEventDetails/parameters/X`;
    /// `/status` and `/output` for the execution's own.
    pub pointer: String,
    /// What was recorded; `None` if the member should not be there.
    pub expected: Option<Value>,
    /// What the interpreter gave; `None` if the member is missing.
    pub got: Option<Value>,
    /// What kind of difference it is, where the values alone do not show it.
    pub note: Option<&'static str>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |value: &Option<Value>| value.as_ref().map_or("nothing".to_owned(), Value::to_string);
        write!(f, "{}: expected {}, got {}", self.pointer, show(&self.expected), show(&self.got))?;
        self.note.map_or(Ok(()), |note| write!(f, " ({note})"))
    }
}

/// Members whose content keeps the order of its members.
pub(crate) const PAYLOADS: [&str; 4] = ["input", "output", "parameters", "cause"];

/// Compares the history of an execution with the recorded one, and its status and output with
/// what the recorded history ended in. `memory` is shared by all executions of the case.
fn compare_history(case: &Case, execution: &Execution, rules: &Rules, observed: &Observed, memory: &mut Memory) -> Vec<Difference> {
    let expected = normalise_events(rules, execution.events().to_vec());
    let Some(got) = observed.history.get("events").and_then(Value::as_array) else {
        let history = Some(observed.history.clone());
        return vec![difference("/events", execution.history.clone(), history, Some("no list of events"))];
    };
    let mut got = events_as_recorded(rules, got.clone());
    let mut missing = timestamps(&got);
    if case.unordered_parallel {
        got = unorder_parallel(got);
    }
    let before = memory.clone();
    let mut comparison = Comparison { rules, memory, found: Vec::new() };
    comparison.events(&expected, &got);
    let mut found = comparison.found;
    if !found.is_empty() && !case.unordered_parallel && iterations_wait(case, execution) {
        // Iterations that wait end in an order that is one run's; each one's own chain must agree.
        if let Some(aligned) = align(&expected, &got) {
            let mut second = before;
            let mut comparison = Comparison { rules, memory: &mut second, found: Vec::new() };
            comparison.events(&expected, &aligned);
            if comparison.found.len() < found.len() {
                found = comparison.found;
                *memory = second;
            }
        }
    }
    found.append(&mut missing);
    found.extend(end(&expected, observed));
    found
}

/// Compares what an interpreter did with what is recorded of an execution: its history, or its
/// output where that is all there is.
pub fn compare_execution(
    case: &Case,
    execution: &Execution,
    rules: &Rules,
    observed: &Observed,
    memory: &mut Memory,
) -> Vec<Difference> {
    match &execution.output {
        Some(output) if case.kind == Kind::Output => compare_output(output, rules, observed, memory),
        Some(_) | None => compare_history(case, execution, rules, observed, memory),
    }
}

/// Compares the final output of an execution with the recorded one, where no history was recorded.
fn compare_output(expected: &Value, rules: &Rules, observed: &Observed, memory: &mut Memory) -> Vec<Difference> {
    let mut answer = Map::new();
    if let Some(output) = &observed.output {
        answer.insert("output".to_owned(), Value::String(output.clone()));
    }
    let got = as_recorded(rules, Value::Object(answer));
    let expected = replace_times(rules.patterns.apply(serde_json::json!({ "output": expected })));
    let mut comparison = Comparison { rules, memory, found: Vec::new() };
    comparison.values(&expected, &got, &Place::root());
    comparison.found
}

/// Compares an answer of ours with the recorded one; `pointer` is where both stand.
pub(crate) fn compare_answer(expected: &Value, got: Value, rules: &Rules, memory: &mut Memory, pointer: &str) -> Vec<Difference> {
    let expected = replace_times(rules.patterns.apply(expected.clone()));
    let mut comparison = Comparison { rules, memory, found: Vec::new() };
    let place = Place { pointer: pointer.to_owned(), scope: Scope::Event };
    comparison.values(&expected, &as_recorded(rules, got), &place);
    comparison.found
}

fn normalise_events(rules: &Rules, events: Vec<Value>) -> Vec<Value> {
    // Times of the events were masked already; what is left are times and texts in payloads.
    events_of(replace_times(rules.patterns.apply(Value::Array(events))))
}

fn events_as_recorded(rules: &Rules, events: Vec<Value>) -> Vec<Value> {
    events_of(as_recorded(rules, Value::Array(events)))
}

fn as_recorded(rules: &Rules, value: Value) -> Value {
    replace_times(rules.patterns.apply(parse_json_strings(value)))
}

fn events_of(value: Value) -> Vec<Value> {
    match value {
        Value::Array(events) => events,
        other => vec![other],
    }
}

fn timestamps(events: &[Value]) -> Vec<Difference> {
    let has_none = |event: &Value| !event.get("timestamp").is_some_and(|t| t.is_number() || t.is_string());
    events
        .iter()
        .enumerate()
        .filter(|(_, event)| has_none(event))
        .map(|(index, event)| {
            let pointer = format!("/events/{index}/timestamp");
            difference(&pointer, Some("timestamp".into()), event.get("timestamp").cloned(), Some("no time"))
        })
        .collect()
}

/// The execution's own status and output, against the event that ended the recorded history.
fn end(expected: &[Value], observed: &Observed) -> Vec<Difference> {
    let mut found = Vec::new();
    let status = match expected.last().and_then(event_type) {
        Some("ExecutionSucceeded") => "SUCCEEDED",
        Some("ExecutionFailed") => "FAILED",
        Some("ExecutionAborted") => "ABORTED",
        Some("ExecutionTimedOut") => "TIMED_OUT",
        _ => return found,
    };
    if observed.status != status {
        found.push(difference("/status", Some(status.into()), Some(observed.status.as_str().into()), None));
    }
    let last = observed.history.pointer("/events").and_then(Value::as_array).and_then(|events| events.last());
    let logged = last.and_then(|event| event.pointer("/executionSucceededEventDetails/output")).and_then(Value::as_str);
    if observed.output.as_deref() != logged {
        let note = Some("the output differs from that of our own last event");
        found.push(difference("/output", logged.map(Value::from), observed.output.as_deref().map(Value::from), note));
    }
    found
}

fn difference(pointer: &str, expected: Option<Value>, got: Option<Value>, note: Option<&'static str>) -> Difference {
    Difference { pointer: pointer.to_owned(), expected, got, note }
}

fn event_type(event: &Value) -> Option<&str> {
    event.get("type").and_then(Value::as_str)
}

/// Where a comparison is, and which rules hold there.
struct Place {
    pointer: String,
    /// How deep below a payload; its own content counts from 1.
    scope: Scope,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Members of events: their order says nothing.
    Event,
    /// A payload itself: it may have been a JSON text of any kind.
    Payload,
    /// Inside a payload: the order of members is the service's.
    Inside,
    /// `assignedVariables`, whose members the recorder sorted.
    Variables,
}

impl Place {
    fn root() -> Self {
        Self { pointer: String::new(), scope: Scope::Event }
    }

    fn member(&self, name: &str) -> Self {
        let escaped = name.replace('~', "~0").replace('/', "~1");
        let scope = match self.scope {
            Scope::Event if PAYLOADS.contains(&name) || name == "definition" => Scope::Payload,
            Scope::Event if name == "assignedVariables" => Scope::Variables,
            Scope::Payload | Scope::Inside => Scope::Inside,
            other @ (Scope::Event | Scope::Variables) => other,
        };
        Self { pointer: format!("{}/{escaped}", self.pointer), scope }
    }

    fn element(&self, index: usize) -> Self {
        let scope = if self.scope == Scope::Payload { Scope::Inside } else { self.scope };
        Self { pointer: format!("{}/{index}", self.pointer), scope }
    }
}

struct Comparison<'a> {
    rules: &'a Rules,
    memory: &'a mut Memory,
    found: Vec<Difference>,
}

impl Comparison<'_> {
    fn report(&mut self, place: &Place, expected: Option<&Value>, got: Option<&Value>) {
        self.found.push(difference(&place.pointer, expected.cloned(), got.cloned(), None));
    }

    fn events(&mut self, expected: &[Value], got: &[Value]) {
        let root = Place { pointer: "/events".to_owned(), scope: Scope::Event };
        let mut index = 0;
        while let Some(event) = expected.get(index) {
            if is_unordered(event) {
                let length = expected.iter().skip(index).take_while(|event| is_unordered(event)).count();
                let ours = got.iter().skip(index).take_while(|event| is_unordered(event)).take(length);
                let run = expected.iter().skip(index).take(length).collect::<Vec<_>>();
                self.multiset(&run, &ours.collect::<Vec<_>>(), index, &root);
                index += length;
                continue;
            }
            match got.get(index) {
                Some(ours) => self.values(event, ours, &root.element(index)),
                None => self.report(&root.element(index), Some(event), None),
            }
            index += 1;
        }
        for (index, event) in got.iter().enumerate().skip(expected.len()) {
            self.report(&root.element(index), None, Some(event));
        }
    }

    /// Events without ids: each recorded one against any of ours that is left.
    fn multiset(&mut self, expected: &[&Value], got: &[&Value], first: usize, root: &Place) {
        let mut used = HashSet::new();
        let mut unmatched = Vec::new();
        for (offset, event) in expected.iter().enumerate() {
            let place = root.element(first + offset);
            let fits = got.iter().enumerate().filter(|(index, _)| !used.contains(index)).find(|(_, ours)| {
                let mut memory = self.memory.clone();
                let mut trial = Comparison { rules: self.rules, memory: &mut memory, found: Vec::new() };
                trial.values(event, ours, &place);
                let agrees = trial.found.is_empty();
                if agrees {
                    *self.memory = memory;
                }
                agrees
            });
            match fits {
                Some((index, _)) => {
                    used.insert(index);
                }
                None => unmatched.push((event, place)),
            }
        }
        let mut left: Vec<&Value> = got.iter().enumerate().filter(|(index, _)| !used.contains(index)).map(|(_, e)| *e).collect();
        for (event, place) in unmatched {
            let similar = left.iter().position(|ours| event_type(ours) == event_type(event));
            match similar {
                Some(index) => {
                    let ours = left.remove(index);
                    self.values(event, ours, &place);
                }
                None => self.report(&place, Some(event), None),
            }
        }
        for ours in left {
            self.report(&root.element(first + expected.len() - 1), None, Some(ours));
        }
    }

    fn values(&mut self, expected: &Value, got: &Value, place: &Place) {
        match (expected, got) {
            (Value::String(text), _) if self.rules.is_masked(text) => {}
            (Value::String(text), Value::String(ours)) => {
                if !self.rules.matches(text, ours, self.memory) {
                    self.report(place, Some(expected), Some(got));
                }
            }
            (Value::Number(number), Value::Number(ours)) => {
                let same = if place.pointer.ends_with(BILLED) { is_billable(number, ours) } else { same_number(number, ours) };
                if !same {
                    self.report(place, Some(expected), Some(got));
                }
            }
            (Value::Object(members), Value::Object(ours)) => self.members(members, ours, place),
            (Value::Array(elements), Value::Array(ours)) => self.elements(elements, ours, place),
            // A few recordings hold lists and numbers where the service sent their JSON text.
            (Value::Array(_) | Value::Number(_) | Value::Bool(_) | Value::Null, Value::String(text))
                if place.scope == Scope::Payload =>
            {
                match serde_json::from_str::<Value>(text) {
                    Ok(parsed) if !parsed.is_string() => {
                        let inside = Place { pointer: place.pointer.clone(), scope: Scope::Inside };
                        self.values(expected, &replace_times(parsed), &inside);
                    }
                    Ok(_) | Err(_) => self.report(place, Some(expected), Some(got)),
                }
            }
            _ if expected == got => {}
            _ => self.report(place, Some(expected), Some(got)),
        }
    }

    fn elements(&mut self, expected: &[Value], got: &[Value], place: &Place) {
        for index in 0..expected.len().max(got.len()) {
            let place = place.element(index);
            match (expected.get(index), got.get(index)) {
                (Some(expected), Some(got)) => self.values(expected, got, &place),
                (expected, got) => self.report(&place, expected, got),
            }
        }
    }

    fn members(&mut self, expected: &Map<String, Value>, got: &Map<String, Value>, place: &Place) {
        let names = self.pair_names(expected, got);
        for (name, member) in expected {
            let place = place.member(name);
            match names.get(name.as_str()).and_then(|ours| got.get(*ours)) {
                Some(ours) => self.values(member, ours, &place),
                None => self.report(&place, Some(member), None),
            }
        }
        let paired: HashSet<&str> = names.values().copied().collect();
        for (name, ours) in got.iter().filter(|(name, _)| !paired.contains(name.as_str())) {
            self.report(&place.member(name), None, Some(ours));
        }
        let ordered = matches!(place.scope, Scope::Payload | Scope::Inside);
        if ordered && expected.len() == got.len() && names.len() == expected.len() {
            let wanted = expected.keys().filter_map(|name| names.get(name.as_str()).copied());
            if wanted.ne(got.keys().map(String::as_str)) {
                let list = |members: &Map<String, Value>| Some(members.keys().cloned().collect::<Value>());
                let note = Some("the order of the members");
                self.found.push(difference(&place.pointer, list(expected), list(got), note));
            }
        }
    }

    /// Which of our members each recorded one is: the same name, or one that its name describes.
    fn pair_names<'n>(&mut self, expected: &'n Map<String, Value>, got: &'n Map<String, Value>) -> HashMap<&'n str, &'n str> {
        let mut pairs: HashMap<&str, &str> = HashMap::new();
        let mut taken: HashSet<&str> = HashSet::new();
        for name in expected.keys().filter(|name| got.contains_key(*name)) {
            pairs.insert(name, name);
            taken.insert(name);
        }
        for name in expected.keys().filter(|name| !got.contains_key(*name)) {
            let free = got.keys().find(|ours| {
                !taken.contains(ours.as_str()) && !self.rules.is_masked(name) && self.rules.matches(name, ours, self.memory)
            });
            if let Some(ours) = free {
                pairs.insert(name, ours);
                taken.insert(ours);
            }
        }
        pairs
    }
}

/// How long an execution took is one run's.
const BILLED: &str = "/billingDetails/billedDurationInMilliseconds";

/// Whether a billed time is possible where another was recorded: on virtual time tasks take none.
fn is_billable(expected: &serde_json::Number, got: &serde_json::Number) -> bool {
    let milliseconds = |number: &serde_json::Number| number.as_u64().filter(|ms| *ms > 0 && ms.is_multiple_of(100));
    milliseconds(got).is_some() && milliseconds(got) <= milliseconds(expected)
}

/// Numbers are compared by value: the spelling (`1.0`, `1`, `1E0`) was lost.
fn same_number(expected: &serde_json::Number, got: &serde_json::Number) -> bool {
    expected == got || (expected.is_f64() || got.is_f64()) && expected.as_f64() == got.as_f64()
}

/// Whether a definition has an inline Map whose iterations run at once and wait for something.
pub(crate) fn iterations_wait(case: &Case, execution: &Execution) -> bool {
    let machine = case.machines.get(execution.machine);
    machine.and_then(|machine| machine.definition.as_ref()).is_some_and(scope_has_waiting_iterations)
}

fn scope_has_waiting_iterations(scope: &Value) -> bool {
    states(scope).any(|state| {
        let processor = state.get("ItemProcessor").or_else(|| state.get("Iterator"));
        let at_once = state.get("MaxConcurrency").and_then(Value::as_u64) != Some(1);
        processor.is_some_and(|p| at_once && waits(p) || scope_has_waiting_iterations(p))
            || branches(state).any(scope_has_waiting_iterations)
    })
}

fn waits(scope: &Value) -> bool {
    states(scope).any(|state| {
        let processor = state.get("ItemProcessor").or_else(|| state.get("Iterator"));
        matches!(state.get("Type").and_then(Value::as_str), Some("Task" | "Wait"))
            // A retried iteration pauses.
            || state.get("Retry").is_some()
            || processor.is_some_and(waits)
            || branches(state).any(waits)
    })
}

fn states(scope: &Value) -> impl Iterator<Item = &Value> {
    scope.get("States").and_then(Value::as_object).into_iter().flat_map(Map::values)
}

fn branches(state: &Value) -> impl Iterator<Item = &Value> {
    state.get("Branches").and_then(Value::as_array).into_iter().flatten()
}

/// Our events in the order of the recorded ones, by what caused them, with ids to match.
///
/// Each recorded event takes the first of ours that is left, is of its type and was caused by the
/// event that its own cause took. `None` if one takes none, or any of ours is left over.
fn align(expected: &[Value], got: &[Value]) -> Option<Vec<Value>> {
    if expected.len() != got.len() {
        return None;
    }
    let id = |event: &Value, name: &str| event.get(name).and_then(Value::as_u64);
    // Ours get the recorded ids below; that they count from 1 has to be seen before.
    if !got.iter().zip(1..).all(|(event, number)| id(event, "id") == Some(number)) {
        return None;
    }
    // From the recorded ids to ours and back; 0 causes the first event of both.
    let mut ours_of: HashMap<u64, u64> = HashMap::from([(0, 0)]);
    let mut theirs_of: HashMap<u64, u64> = HashMap::from([(0, 0)]);
    let types: HashMap<u64, &str> = got.iter().filter_map(|event| Some((id(event, "id")?, event_type(event)?))).collect();
    let mut left: Vec<&Value> = got.iter().collect();
    let mut aligned = Vec::new();
    for event in expected {
        let cause = ours_of.get(&id(event, "previousEventId")?).copied()?;
        let position = left.iter().position(|ours| {
            same_event(event, ours)
                && id(ours, "previousEventId")
                    .is_some_and(|previous| previous == cause || interchangeable(event, &types, previous, cause))
        })?;
        let mut ours = left.remove(position).clone();
        let (new, old) = (id(event, "id")?, id(&ours, "id")?);
        ours_of.insert(new, old);
        theirs_of.insert(old, new);
        let members = ours.as_object_mut()?;
        members.insert("id".to_owned(), new.into());
        members.insert("previousEventId".to_owned(), event.get("previousEventId")?.clone());
        aligned.push(ours);
    }
    Some(aligned)
}

/// Same type, and the same state or iteration where the event names one.
fn same_event(expected: &Value, got: &Value) -> bool {
    let details = |event: &Value, name: &str| {
        let members = event.as_object()?;
        let (_, details) = members.iter().find(|(name, _)| name.ends_with("EventDetails"))?;
        details.get(name).cloned()
    };
    event_type(expected) == event_type(got)
        && details(expected, "name") == details(got, "name")
        && details(expected, "index") == details(got, "index")
}

/// Which iteration ended last, or made room for the next, is one run's.
fn interchangeable(event: &Value, types: &HashMap<u64, &str>, ours: u64, theirs: u64) -> bool {
    let both = |wanted: &str| types.get(&ours) == Some(&wanted) && types.get(&theirs) == Some(&wanted);
    match event_type(event) {
        Some("MapStateSucceeded" | "MapStateExited") => both("MapIterationSucceeded"),
        Some("MapIterationStarted") => {
            let frees = |id: &u64| types.get(id).is_some_and(|t| *t != "MapStateStarted");
            frees(&ours) && frees(&theirs)
        }
        _ => false,
    }
}
