//! Recorded answers turned back into what an interpreter would have given, and changed ones.
//!
//! The first must agree with the recording and the second must not. Both together are the test of the
//! comparison: it is neither too strict nor too lenient.

use serde_json::{Map, Value, json};

use super::Observed;
use super::case::{Case, Execution, Kind};
use super::compare::{PAYLOADS, iterations_wait};
use super::matching::Rules;
use super::normalise::{is_unordered, map_strings};

/// A way to spoil an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutation {
    /// One event is missing.
    DroppedEvent,
    /// Two neighbouring events changed places (and ids).
    SwappedEvents,
    /// A value in an event's details is another.
    AlteredDetail,
    /// A member of an event, or of its details, is missing.
    DroppedMember,
    /// An event has another cause.
    ChangedPrevious,
    /// The members of an object in a payload stand in another order.
    ReorderedMembers,
}

/// A spoilt answer.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// How it was spoilt.
    pub mutation: Mutation,
    /// Where, as a JSON pointer.
    pub place: String,
    /// The answer.
    pub observed: Observed,
}

/// What an interpreter would have answered to agree with execution number `index`: names replaced
/// by their values, placeholders and masked words by values of our own, objects in the place of JSON
/// texts by their texts, and closing events that the recorder lost put back.
pub fn as_answered(case: &Case, rules: &Rules, index: usize) -> Option<Observed> {
    let execution = case.executions.get(index)?;
    Some(observed(case, &restored(case, rules, execution)))
}

/// Spoilt answers to execution number `index`: of each kind one for every place where the format does
/// not leave just that open.
pub fn mutants(case: &Case, rules: &Rules, index: usize) -> Vec<Mutant> {
    let Some(execution) = case.executions.get(index) else {
        return Vec::new();
    };
    let recorded = recorded_events(case, execution);
    let restored = restored(case, rules, execution);
    let mut mutants = Vec::new();
    let mut add = |mutation, place: String, events: &[Value]| {
        mutants.push(Mutant { mutation, place, observed: observed(case, events) });
    };
    for number in 0..recorded.len() {
        let pointer = format!("/{number}");
        let Some(event) = recorded.get(number) else {
            continue;
        };
        if case.kind == Kind::History {
            let mut events = restored.clone();
            events.remove(number);
            add(Mutation::DroppedEvent, pointer.clone(), &events);
            if swap_shows(case, execution, event, recorded.get(number + 1)) {
                add(Mutation::SwappedEvents, pointer.clone(), &swapped(&restored, number));
            }
            if let Some(previous) = event.get("previousEventId").and_then(Value::as_u64)
                && !is_unordered(event)
            {
                let mut events = restored.clone();
                if let Some(place) = events.get_mut(number).and_then(|e| e.get_mut("previousEventId")) {
                    *place = (previous + 1).into();
                }
                add(Mutation::ChangedPrevious, pointer.clone(), &events);
            }
        }
        let mut places = Places::default();
        places.find(rules, event, &pointer, Inside::Event);
        for (mutation, places) in [
            (Mutation::AlteredDetail, &places.leaves),
            (Mutation::DroppedMember, &places.members),
            (Mutation::ReorderedMembers, &places.objects),
        ] {
            // One of each kind an event, a different one each time.
            let Some(place) = places.get(number % places.len().max(1)) else {
                continue;
            };
            let mut all = Value::Array(restored.clone());
            if spoil(mutation, &mut all, place)
                && let Value::Array(events) = &all
            {
                add(mutation, place.clone(), events);
            }
        }
    }
    mutants
}

/// The recorded events; a recorded output stands as one event with nothing else.
fn recorded_events(case: &Case, execution: &Execution) -> Vec<Value> {
    match (case.kind, &execution.output) {
        (Kind::Output, Some(output)) => vec![json!({ "output": output })],
        _ => execution.events().to_vec(),
    }
}

/// Recorded events with values of our own for everything that stands for one.
fn restored(case: &Case, rules: &Rules, execution: &Execution) -> Vec<Value> {
    let recorded = recorded_events(case, execution);
    let restore = |(number, event): (usize, &Value)| {
        let mut event = map_strings(event, &mut |text| restore_text(rules, text));
        if let Some(members) = event.as_object_mut() {
            if members.contains_key("timestamp") {
                members.insert("timestamp".to_owned(), json!(1_700_000_000.125));
            }
            if members.get("id").is_some_and(Value::is_array) {
                members.insert("id".to_owned(), (number + 1).into());
            }
        }
        event
    };
    recorded.iter().enumerate().map(restore).collect()
}

fn restore_text(rules: &Rules, text: &str) -> String {
    if rules.is_masked(text) {
        let time = text.contains("date") || text.contains("time");
        return if time { "2024-01-02T03:04:05.678Z".to_owned() } else { format!("not {text}") };
    }
    rules.substitute(text, &mut |name, values| match values {
        Some(values) => values.first().cloned(),
        None => Some(made_up(name)),
    })
}

/// A value for a placeholder: always the same one for a name, and another one for another.
fn made_up(name: &str) -> String {
    let letters = name.bytes().map(|byte| format!("{byte:02x}"));
    format!("q{}q", letters.collect::<String>())
}

/// Events as an interpreter answers them: payloads as texts, the closing events of Parallel states
/// that recordings lost.
fn observed(case: &Case, events: &[Value]) -> Observed {
    if case.kind == Kind::Output {
        let output = events.first().and_then(|event| event.get("output"));
        let output = output.map(|output| output.as_str().map_or_else(|| output.to_string(), str::to_owned));
        return Observed { history: json!({ "events": [] }), output, status: "SUCCEEDED".to_owned() };
    }
    let mut answered = Vec::new();
    for event in events {
        if case.unordered_parallel && event.get("type").is_some_and(|t| t == "ParallelStateExited") {
            answered.push(json!({
                "id": answered.len() + 1, "previousEventId": 1, "timestamp": 1.5, "type": "ParallelStateSucceeded"}));
        }
        answered.push(with_texts(event));
    }
    let last = answered.last();
    let kind = last.and_then(|event| event.get("type")).and_then(Value::as_str).unwrap_or_default();
    let status = match kind {
        "ExecutionSucceeded" => "SUCCEEDED",
        "ExecutionFailed" => "FAILED",
        "ExecutionAborted" => "ABORTED",
        "ExecutionTimedOut" => "TIMED_OUT",
        _ => "RUNNING",
    };
    let output = last.and_then(|event| event.pointer("/executionSucceededEventDetails/output"));
    Observed {
        output: output.and_then(Value::as_str).map(str::to_owned),
        status: status.to_owned(),
        history: json!({ "events": answered }),
    }
}

fn with_texts(event: &Value) -> Value {
    let text = |value: &Value| match value {
        Value::String(_) => value.clone(),
        other => Value::String(other.to_string()),
    };
    let texts_of = |details: &Map<String, Value>, every: bool| {
        details
            .iter()
            .map(|(name, value)| {
                let is_payload = every || PAYLOADS.contains(&name.as_str());
                (name.clone(), if is_payload { text(value) } else { value.clone() })
            })
            .collect::<Map<String, Value>>()
    };
    let Some(members) = event.as_object() else {
        return event.clone();
    };
    let mut answered = Map::new();
    for (name, member) in members {
        let mut member = member.clone();
        if let (true, Some(details)) = (name.ends_with("EventDetails"), member.as_object()) {
            let mut details = texts_of(details, false);
            if let Some(Value::Object(variables)) = details.get("assignedVariables") {
                let variables = texts_of(variables, true);
                details.insert("assignedVariables".to_owned(), Value::Object(variables));
            }
            member = Value::Object(details);
        }
        answered.insert(name.clone(), member);
    }
    Value::Object(answered)
}

/// Whether swapping two recorded events is something the comparison has to notice.
fn swap_shows(case: &Case, execution: &Execution, event: &Value, next: Option<&Value>) -> bool {
    let without_id = |event: &Value| {
        let mut event = event.clone();
        if let Some(members) = event.as_object_mut() {
            members.remove("id");
        }
        event
    };
    next.is_some_and(|next| {
        !(is_unordered(event) && is_unordered(next)) && without_id(event) != without_id(next) && !iterations_wait(case, execution)
    })
}

/// Two neighbouring events in each other's place; ids stay where they are.
fn swapped(events: &[Value], number: usize) -> Vec<Value> {
    let mut events = events.to_vec();
    events.swap(number, number + 1);
    let ids = [events.get(number), events.get(number + 1)].map(|event| event.and_then(|e| e.get("id")).cloned());
    for (offset, id) in ids.into_iter().rev().enumerate() {
        if let (Some(Value::Object(members)), Some(id)) = (events.get_mut(number + offset), id) {
            members.insert("id".to_owned(), id);
        }
    }
    events
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Event,
    Payload,
    Variables,
}

/// Where an event can be spoilt, as JSON pointers.
#[derive(Default)]
struct Places {
    /// Values no wildcard covers.
    leaves: Vec<String>,
    /// Members, whatever their value.
    members: Vec<String>,
    /// Objects whose members have an order that counts.
    objects: Vec<String>,
}

impl Places {
    fn find(&mut self, rules: &Rules, recorded: &Value, pointer: &str, inside: Inside) {
        match recorded {
            Value::String(text) => {
                if rules.is_literal(text) {
                    self.leaves.push(pointer.to_owned());
                }
            }
            Value::Number(_) | Value::Bool(_) => self.leaves.push(pointer.to_owned()),
            Value::Null => {}
            Value::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    self.find(rules, element, &format!("{pointer}/{index}"), inside);
                }
            }
            Value::Object(members) => self.find_in_members(rules, members, pointer, inside),
        }
    }

    fn find_in_members(&mut self, rules: &Rules, members: &Map<String, Value>, pointer: &str, inside: Inside) {
        if inside == Inside::Payload && members.len() > 1 {
            self.objects.push(pointer.to_owned());
        }
        for (name, member) in members {
            let place = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
            // Ids have mutations of their own; unordered events have none.
            if inside == Inside::Event && matches!(name.as_str(), "id" | "previousEventId") {
                continue;
            }
            // A name that is a placeholder was replaced; its pointer leads nowhere.
            if !rules.is_literal(name) {
                continue;
            }
            self.members.push(place.clone());
            let inside = match (inside, name.as_str()) {
                (Inside::Event, name) if PAYLOADS.contains(&name) => Inside::Payload,
                (Inside::Event, "assignedVariables") => Inside::Variables,
                (inside, _) => inside,
            };
            self.find(rules, member, &place, inside);
        }
    }
}

/// Spoils the value at `place`; `false` if it is not there.
fn spoil(mutation: Mutation, events: &mut Value, place: &str) -> bool {
    match mutation {
        Mutation::AlteredDetail => events.pointer_mut(place).is_some_and(|value| {
            *value = match value {
                Value::String(text) => Value::String(format!("{text}x")),
                Value::Bool(flag) => Value::Bool(!*flag),
                Value::Number(number) => json!(number.as_f64().unwrap_or(0.0) + 1.0),
                _ => return false,
            };
            true
        }),
        Mutation::DroppedMember => {
            let Some((parent, name)) = place.rsplit_once('/') else {
                return false;
            };
            let name = name.replace("~1", "/").replace("~0", "~");
            let parent = events.pointer_mut(parent).and_then(Value::as_object_mut);
            parent.is_some_and(|members| members.shift_remove(&name).is_some())
        }
        Mutation::ReorderedMembers => {
            let object = events.pointer_mut(place).and_then(Value::as_object_mut);
            object.is_some_and(|members| {
                *members = members.clone().into_iter().rev().collect();
                true
            })
        }
        Mutation::DroppedEvent | Mutation::SwappedEvents | Mutation::ChangedPrevious => false,
    }
}
