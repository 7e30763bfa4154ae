//! What the recorder did to recorded text, done to an answer of our own.

use std::io;
use std::sync::LazyLock;

use fancy_regex::{NoExpand, Regex};
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};
use serde_json::{Map, Value};

use super::case::Pattern;

/// The regular expressions of a case, compiled.
#[derive(Debug)]
pub(crate) struct Patterns(Vec<(Regex, String)>);

impl Patterns {
    /// Compiles the patterns of a case; one that does not compile is an error naming it.
    pub(crate) fn compile(patterns: &[Pattern]) -> Result<Self, String> {
        let compile = |pattern: &Pattern| {
            Regex::new(&pattern.regex)
                .map(|regex| (regex, pattern.text.clone()))
                .map_err(|error| format!("the pattern `{}` does not compile: {error}", pattern.regex))
        };
        patterns.iter().map(compile).collect::<Result<_, _>>().map(Self)
    }

    /// Replaces every match by the pattern's text.
    ///
    /// The recorder matched against the JSON text of its whole answer with Python's spacing, so
    /// that some patterns look behind at a member's name or match escaped quotation marks. A text
    /// that is no JSON afterwards is left as it was.
    pub(crate) fn apply(&self, value: Value) -> Value {
        if self.0.is_empty() {
            return value;
        }
        let text = python_text(&value);
        let mut changed = text.clone();
        for (regex, replacement) in &self.0 {
            if regex.is_match(&changed).unwrap_or(false) {
                changed = regex.replace_all(&changed, NoExpand(replacement)).into_owned();
            }
        }
        if changed == text { value } else { serde_json::from_str(&changed).unwrap_or(value) }
    }
}

/// Replaces each string that is a member of an object, begins with `{` and parses as JSON by what
/// it parses to. Once: strings inside the parsed object stay strings.
pub(crate) fn parse_json_strings(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(members.into_iter().map(|(name, member)| (name, parse_member(member))).collect()),
        Value::Array(elements) => Value::Array(elements.into_iter().map(parse_json_strings).collect()),
        other => other,
    }
}

fn parse_member(member: Value) -> Value {
    match member {
        Value::String(text) if text.starts_with('{') => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        other => parse_json_strings(other),
    }
}

static TIME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let date = "-?(?:[1-9][0-9]*)?[0-9]{4}-(?:1[0-2]|0[1-9])-(?:3[01]|0[1-9]|[12][0-9])";
    let time = r"(?:2[0-3]|[01][0-9]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?";
    Regex::new(&format!("{date}T{time}(?:Z|[+-](?:2[0-3]|[01][0-9]):?[0-5][0-9])")).ok()
});

/// Replaces ISO 8601 times with a zone, anywhere inside any string, by `date`.
pub(crate) fn replace_times(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(replace_times_in(text)),
        Value::Array(elements) => Value::Array(elements.into_iter().map(replace_times).collect()),
        Value::Object(members) => Value::Object(members.into_iter().map(|(name, member)| (name, replace_times(member))).collect()),
        other => other,
    }
}

fn replace_times_in(text: String) -> String {
    match &*TIME {
        Some(regex) if text.contains('T') => regex.replace_all(&text, NoExpand("date")).into_owned(),
        _ => text,
    }
}

/// Drops from a history of our own what the recorder dropped, and takes ids and order from the
/// events inside Parallel states, as it did.
///
/// The recorder collected the events after each `ParallelStateStarted`, and at **each** closing
/// event (`ParallelStateSucceeded`, `Failed`, `Aborted`, `Exited`) wrote the collected ones back over
/// everything since the start, which removed every closing event but the last of a run. It did
/// so while going through the same list, so that an event after a removed one was passed over.
/// Repeating it exactly is what makes nested Parallel states comparable. The sorting is left out:
/// such events are compared as a multiset.
pub(crate) fn unorder_parallel(mut events: Vec<Value>) -> Vec<Value> {
    let mut start = None;
    let mut inside = false;
    let mut collected: Vec<Value> = Vec::new();
    let mut index = 0;
    while let Some(event) = events.get_mut(index) {
        match event.get("type").and_then(Value::as_str).unwrap_or_default() {
            "ParallelStateSucceeded" | "ParallelStateAborted" | "ParallelStateExited" | "ParallelStateFailed" => {
                inside = false;
                if let Some(start) = start
                    && start <= index
                {
                    events.splice(start..index, collected.iter().cloned());
                }
            }
            "ParallelStateStarted" => {
                inside = true;
                collected.clear();
                start = Some(index + 1);
            }
            _ if inside => {
                if let Some(members) = event.as_object_mut() {
                    members.insert("id".to_owned(), Value::Array(vec![Value::from(0)]));
                    members.insert("previousEventId".to_owned(), Value::from(0));
                }
                collected.push(event.clone());
            }
            _ => {}
        }
        index += 1;
    }
    events
}

/// Whether an event lost its id to [`unorder_parallel`].
pub(crate) fn is_unordered(event: &Value) -> bool {
    event.get("id").is_some_and(Value::is_array)
}

/// JSON text as Python's `json.dumps` spaces it: `, ` and `: ` between tokens.
pub(crate) fn python_text(value: &Value) -> String {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, Python(CompactFormatter));
    match value.serialize(&mut serializer) {
        Ok(()) => String::from_utf8(bytes).unwrap_or_default(),
        // Writing a `Value` into memory does not fail; the compact text is a fair second best.
        Err(_) => value.to_string(),
    }
}

struct Python(CompactFormatter);

impl Formatter for Python {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        self.0.write_f64(writer, value)
    }
}

/// Applies `change` to every string in `value`, and to the names of members in angle brackets. Other
/// names are the service's own, even where they read like a name of the case.
pub(crate) fn map_strings(value: &Value, change: &mut dyn FnMut(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(elements) => Value::Array(elements.iter().map(|element| map_strings(element, change)).collect()),
        Value::Object(members) => {
            let mut mapped = Map::new();
            for (name, member) in members {
                let name = if name.contains('<') { change(name) } else { name.clone() };
                mapped.insert(name, map_strings(member, change));
            }
            Value::Object(mapped)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}
