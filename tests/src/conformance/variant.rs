//! Renamed variants of cases: the same experiment under other names.
//!
//! An interpreter that knows the recorded cases by heart, or treats a name specially, agrees with a
//! case and not with its variant. Renamed are, consistently in definitions, inputs, task outcomes and
//! recorded answers:
//!
//! - state machines, wherever their names stand;
//! - states, in `States`, `StartAt`, `Next`, `Default`, the events, and as whole strings anywhere;
//! - variables, in `Assign`, in `assignedVariables`, and as `$name` in any string;
//! - members of payloads, in templates, inputs and results, as JSON text inside strings, and as steps of
//!   paths (`.name`, `['name']`).
//!
//! Names of the language and of the services stay. A name is renamed only if nothing of it is left
//! afterwards in a place that was not understood; otherwise it stays everywhere, and is counted.
//! Members of templates with `.$` come out in the order of a Java `HashMap`, so a member's new name falls
//! into the same bucket as the old one (with and without `.$`) in every table of up to 64 buckets, which
//! is what objects of up to 48 members have.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::{Map, Value};

use super::case::{Case, Machine};
use super::compare::PAYLOADS;

/// A renamed case.
#[derive(Clone, Debug)]
pub struct Variant {
    /// The case under its new names; `id`, `module` and `path` are the original's.
    pub case: Case,
    /// How many names were changed.
    pub renamed: usize,
    /// Names that could have been changed, were it not for a place that was not understood.
    pub skipped: Vec<String>,
    old_names: HashMap<String, String>,
}

impl Variant {
    /// A pointer into an answer of the variant, as it would be in the original.
    pub fn original_pointer(&self, pointer: &str) -> String {
        let old = |segment: &str| self.old_names.get(segment).cloned().unwrap_or_else(|| segment.to_owned());
        pointer.split('/').map(old).collect::<Vec<_>>().join("/")
    }
}

/// The renamed variant of a case.
pub fn variant(case: &Case) -> Variant {
    let mut names = Names::candidates(case);
    let mut skipped = Vec::new();
    loop {
        let renamed = names.apply(case);
        let left = names.left_in(&renamed);
        if left.is_empty() {
            return Variant {
                renamed: names.machines.len() + names.states.len() + names.variables.len() + names.members.len(),
                old_names: names.old_names(),
                case: renamed,
                skipped,
            };
        }
        for name in &left {
            names.states.remove(name);
            names.variables.remove(name);
            names.members.remove(name);
        }
        skipped.extend(left);
    }
}

/// Old names and new ones.
#[derive(Debug, Default)]
struct Names {
    machines: BTreeMap<String, String>,
    states: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
    members: BTreeMap<String, String>,
}

/// Where in a definition a string stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zone {
    /// An object with `StartAt` and `States`.
    Scope,
    /// The object of states itself: its members are the states' names.
    States,
    /// A state, or a part of one that is not a template.
    State,
    /// `Assign`: its members are variables.
    Assign,
    /// A payload template.
    Template,
}

const TEMPLATES: [&str; 8] =
    ["Parameters", "ResultSelector", "ItemSelector", "Result", "Arguments", "Output", "BatchInput", "Items"];

/// Members of definitions whose values are words of the language or of a service.
const WORDS: [&str; 14] = [
    "Comment",
    "Type",
    "Resource",
    "QueryLanguage",
    "Version",
    "Mode",
    "ExecutionType",
    "InputType",
    "Label",
    "JitterStrategy",
    "CSVHeaderLocation",
    "CSVDelimiter",
    "OutputType",
    "Transformation",
];

/// Members that the language, the context object or an error's output gives a meaning.
const RESERVED: &str = "
    Execution Id Input Name RoleArn StartTime RedriveCount RedriveTime State EnteredTime RetryCount StateMachine
    Task Token Map Item Index Value Key Source Error Cause Items BatchInput Bucket Prefix ResultWriterDetails
    DestinationBucket MapRunArn ResultFiles Etag ETag Size LastModified StorageClass Contents
    StartAt States Type Comment QueryLanguage Version TimeoutSeconds TimeoutSecondsPath HeartbeatSeconds
    HeartbeatSecondsPath Next End Default Choices Variable And Or Not Branches Iterator ItemProcessor ItemReader
    ItemSelector ItemBatcher ItemsPath MaxConcurrency MaxConcurrencyPath Parameters ResultSelector ResultPath
    InputPath OutputPath Result Retry Catch ErrorEquals Assign Arguments Output Condition Seconds SecondsPath
    Timestamp TimestampPath Resource Credentials Label
    input output result context states errorOutput error cause name index length truncated Format
    errorMessage errorType requestId stackTrace trace
    min max avg sum stddev concat keys first last append and or in true false null function";

/// Functions whose result depends on the text of what they are given, not on its structure.
const TEXT_FUNCTIONS: [&str; 6] = ["States.Hash", "States.Base64", "$hash", "$base64", "$encodeUrl", "$length"];

/// Longer texts are near the payload limit, which a longer name could pass.
const TEXT_BYTES_MAX: usize = 100_000;

impl Names {
    /// Every name that may be changed, with a new one.
    fn candidates(case: &Case) -> Self {
        let mut found = Found::default();
        for definition in case.machines.iter().filter_map(|machine| machine.definition.as_ref()) {
            found.in_definition(definition, Zone::Scope);
        }
        for execution in &case.executions {
            let input = execution.input_text.as_deref().and_then(|text| serde_json::from_str(text).ok());
            found.in_payload(&input.unwrap_or(Value::Null));
            for event in execution.events() {
                found.in_event(event);
            }
        }
        let taken: HashSet<&str> = case
            .masked
            .iter()
            .chain(&case.generated)
            .chain(case.bindings.iter().map(|binding| &binding.text))
            .map(String::as_str)
            .collect();
        let reserved: HashSet<&str> = RESERVED.split_whitespace().collect();
        let mut names = Self::default();
        for (number, name) in found.states.iter().filter(|name| !taken.contains(name.as_str())).enumerate() {
            names.states.insert(name.clone(), format!("ZqState {number}"));
        }
        let variables = found.variables.iter().filter(|name| !found.text.contains(&format!("${name}(")));
        for (number, name) in variables.enumerate() {
            names.variables.insert(name.clone(), format!("zqVariable{number}"));
        }
        for (number, name) in case.machines.iter().filter_map(|machine| machine.name.as_ref()).enumerate() {
            if name.len() >= 12 {
                names.machines.insert(name.clone(), format!("zq_state_machine_{number}"));
            }
        }
        let too_long = case.executions.iter().any(|e| e.input_text.as_ref().is_some_and(|t| t.len() > TEXT_BYTES_MAX));
        // What an item reader reads has names of its own.
        let reads = case.machines.iter().filter_map(|machine| machine.definition_text.as_ref());
        let reads_items = reads.into_iter().any(|text| text.contains("\"ItemReader\""));
        let text_counts = TEXT_FUNCTIONS.iter().any(|function| found.text.contains(function));
        if !too_long && !text_counts && !reads_items {
            let mut used = HashSet::new();
            for name in &found.members {
                let usable = is_word(name) && !reserved.contains(name.as_str()) && !taken.contains(name.as_str());
                if usable && !found.service_members.contains(name) {
                    names.members.insert(name.clone(), same_bucket(name, &mut used));
                }
            }
        }
        names
    }

    fn old_names(&self) -> HashMap<String, String> {
        let all = [&self.machines, &self.states, &self.variables, &self.members];
        all.iter().flat_map(|table| table.iter().map(|(old, new)| (new.clone(), old.clone()))).collect()
    }

    /// The case under the new names.
    fn apply(&self, case: &Case) -> Case {
        let mut case = case.clone();
        for machine in &mut case.machines {
            self.rename_machine(machine);
        }
        for binding in &mut case.bindings {
            binding.value = self.rename_machines_in(&binding.value);
        }
        for execution in &mut case.executions {
            execution.input_text = execution.input_text.take().map(|text| self.json_text(&text).unwrap_or(text));
            execution.output = execution.output.take().map(|output| self.payload(&output));
            if let Some(Value::Array(events)) = execution.history.as_mut().and_then(|h| h.get_mut("events")) {
                for event in events {
                    *event = self.event(event);
                }
            }
            for task in execution.replay.iter_mut().flat_map(|replay| &mut replay.tasks) {
                if let Some(new) = self.states.get(&task.state) {
                    task.state.clone_from(new);
                }
            }
        }
        case
    }

    fn rename_machine(&self, machine: &mut Machine) {
        if let Some(new) = machine.name.as_ref().and_then(|name| self.machines.get(name)) {
            machine.name = Some(new.clone());
        }
        let Some(text) = &machine.definition_text else {
            return;
        };
        let renamed = rewrite_json(text, &mut |path, token, string| match token {
            Token::Member => self.definition_member(path, string),
            Token::Value => self.definition_value(path, string),
        });
        if let Some(renamed) = renamed {
            machine.definition = serde_json::from_str(&renamed).ok();
            machine.definition_text = Some(renamed);
        }
    }

    fn definition_member(&self, path: &[String], name: &str) -> String {
        match zone_of(path) {
            Zone::States => renamed(&self.states, name),
            Zone::Assign => suffixed(name, |bare| renamed(&self.variables, bare)),
            Zone::Template => suffixed(name, |bare| renamed(&self.members, bare)),
            Zone::Scope | Zone::State => name.to_owned(),
        }
    }

    fn definition_value(&self, path: &[String], text: &str) -> String {
        let member = path.iter().rev().find(|name| *name != "*").map(String::as_str).unwrap_or_default();
        let parent = path.len().checked_sub(1).and_then(|parent| path.get(..parent)).unwrap_or_default();
        let in_template = matches!(zone_of(parent), Zone::Template | Zone::Assign);
        if !in_template && WORDS.contains(&member) { self.rename_machines_in(text) } else { self.text(text) }
    }

    fn event(&self, event: &Value) -> Value {
        let Some(members) = event.as_object() else {
            return event.clone();
        };
        let rename = |(name, member): (&String, &Value)| {
            let member = match member.as_object().filter(|_| name.ends_with("EventDetails")) {
                Some(details) => Value::Object(details.iter().map(|(n, m)| (n.clone(), self.detail(n, m))).collect()),
                None => member.clone(),
            };
            (name.clone(), member)
        };
        Value::Object(members.iter().map(rename).collect())
    }

    fn detail(&self, name: &str, member: &Value) -> Value {
        match (name, member) {
            ("assignedVariables", Value::Object(variables)) => {
                let rename = |(name, value): (&String, &Value)| (renamed(&self.variables, name), self.payload(value));
                Value::Object(variables.iter().map(rename).collect())
            }
            ("resource" | "resourceType" | "region" | "roleArn", _) => member.clone(),
            _ => self.payload(member),
        }
    }

    fn payload(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(elements) => Value::Array(elements.iter().map(|element| self.payload(element)).collect()),
            Value::Object(members) => {
                let rename =
                    |(name, member): (&String, &Value)| (suffixed(name, |bare| renamed(&self.members, bare)), self.payload(member));
                Value::Object(members.iter().map(rename).collect::<Map<_, _>>())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    /// A JSON text with its spaces; `None` if it is none.
    fn json_text(&self, text: &str) -> Option<String> {
        rewrite_json(text, &mut |_, token, string| match token {
            Token::Member => suffixed(string, |bare| renamed(&self.members, bare)),
            Token::Value => self.text(string),
        })
    }

    /// Any string: a state's name, a JSON text, or something with paths, variables and quotations in it.
    fn text(&self, text: &str) -> String {
        if let Some(new) = self.states.get(text) {
            return new.clone();
        }
        if text.starts_with(['{', '[', '"'])
            && let Some(renamed) = self.json_text(text)
        {
            return renamed;
        }
        let mut result = self.tokens(&self.rename_machines_in(text));
        for (old, new) in &self.states {
            for before in ["state", "task"] {
                let quoted = format!("{before} '{old}'");
                if result.contains(&quoted) {
                    result = result.replace(&quoted, &format!("{before} '{new}'"));
                }
            }
        }
        result
    }

    fn rename_machines_in(&self, text: &str) -> String {
        let mut result = text.to_owned();
        for (old, new) in &self.machines {
            if result.contains(old.as_str()) {
                result = result.replace(old.as_str(), new);
            }
        }
        result
    }

    /// `$variable`, `.member`, `['member']` and `"member":` in a string.
    fn tokens(&self, text: &str) -> String {
        let has_paths = text.contains('$');
        let mut result = String::new();
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let Some(first) = rest.chars().next() else {
                break;
            };
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            result.push(first);
            at += first.len_utf8();
            let word = word_at(text, at);
            let after = text.get(at + word.len()..).unwrap_or_default();
            let new = match first {
                '$' if before != Some('$') && !before.is_some_and(is_word_character) => self.variables.get(word),
                '.' if has_paths => self.members.get(word),
                '\'' | '"' if closes(after, first, before) => self.members.get(word),
                _ => None,
            };
            if let Some(new) = new.filter(|_| !word.is_empty()) {
                result.push_str(new);
                at += word.len();
            }
        }
        result
    }

    /// The names of which something is left in the renamed case.
    fn left_in(&self, case: &Case) -> Vec<String> {
        let mut left = Leftovers { names: self, found: BTreeSet::new() };
        for machine in &case.machines {
            if let Some(text) = &machine.definition_text {
                rewrite_json(text, &mut |path, token, string| {
                    left.in_definition(path, token, string);
                    string.to_owned()
                });
            }
        }
        for execution in &case.executions {
            left.anywhere(execution.input_text.as_deref().unwrap_or_default());
            left.in_value(execution.output.as_ref().unwrap_or(&Value::Null));
            for event in execution.events() {
                for (name, details) in event.as_object().into_iter().flatten() {
                    if name.ends_with("EventDetails") {
                        left.in_details(details);
                    }
                }
            }
        }
        left.found.into_iter().collect()
    }
}

/// Whether what follows a quoted word closes the quotation of a member's name: `": `, `\": `, `']`.
fn closes(after: &str, quote: char, before: Option<char>) -> bool {
    let Some(after) = after.trim_start_matches('\\').strip_prefix(quote) else {
        return false;
    };
    after.trim_start().starts_with(':') || before == Some('[') && after.starts_with(']')
}

fn word_at(text: &str, at: usize) -> &str {
    let rest = text.get(at..).unwrap_or_default();
    let length = rest.find(|character| !is_word_character(character)).unwrap_or(rest.len());
    rest.get(..length).unwrap_or_default()
}

fn is_word_character(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn is_word(name: &str) -> bool {
    name.chars().all(is_word_character) && name.chars().next().is_some_and(|first| !first.is_ascii_digit())
}

fn renamed(table: &BTreeMap<String, String>, name: &str) -> String {
    table.get(name).cloned().unwrap_or_else(|| name.to_owned())
}

/// Applies `rename` to a member's name without its `.$`.
fn suffixed(name: &str, rename: impl Fn(&str) -> String) -> String {
    match name.strip_suffix(".$") {
        Some(bare) => format!("{}.$", rename(bare)),
        None => rename(name),
    }
}

/// The zone of the members of the object at `path` in a definition.
fn zone_of(path: &[String]) -> Zone {
    path.iter().fold(Zone::Scope, |zone, name| inner_zone(zone, name))
}

fn inner_zone(zone: Zone, name: &str) -> Zone {
    match (zone, name) {
        (Zone::Scope, "States") => Zone::States,
        (Zone::Scope, "*") => Zone::Scope,
        (Zone::Scope, _) | (Zone::States, _) => Zone::State,
        (Zone::State, "ItemProcessor" | "Iterator" | "Branches") => Zone::Scope,
        (Zone::State, "Assign") => Zone::Assign,
        (Zone::State, name) if TEMPLATES.contains(&name.trim_end_matches(".$")) => Zone::Template,
        (Zone::State, _) => Zone::State,
        (Zone::Assign | Zone::Template, _) => Zone::Template,
    }
}

/// Names found in a case.
#[derive(Default)]
struct Found {
    states: BTreeSet<String>,
    variables: BTreeSet<String>,
    members: BTreeSet<String>,
    /// Members that a service names: they stay.
    service_members: HashSet<String>,
    /// The strings of the definitions, one after the other.
    text: String,
}

impl Found {
    fn in_definition(&mut self, value: &Value, zone: Zone) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    let bare = name.strip_suffix(".$").unwrap_or(name);
                    match zone {
                        Zone::States => _ = self.states.insert(name.clone()),
                        Zone::Assign => _ = self.variables.insert(bare.to_owned()),
                        Zone::Template => _ = self.members.insert(bare.to_owned()),
                        Zone::Scope | Zone::State => {}
                    }
                    // The members of a service's parameters begin with a capital letter.
                    if zone == Zone::State && matches!(name.as_str(), "Parameters" | "Arguments") {
                        self.in_parameters(member);
                    }
                    self.in_definition(member, inner_zone(zone, name));
                }
            }
            Value::Array(elements) => {
                elements.iter().for_each(|element| self.in_definition(element, inner_zone(zone, "*")));
            }
            Value::String(text) => {
                self.text.push_str(text);
                self.text.push('\n');
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn in_parameters(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    let bare = name.strip_suffix(".$").unwrap_or(name);
                    if bare.starts_with(|first: char| first.is_uppercase()) {
                        self.service_members.insert(bare.to_owned());
                    }
                    self.in_parameters(member);
                }
            }
            Value::Array(elements) => elements.iter().for_each(|element| self.in_parameters(element)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn in_event(&mut self, event: &Value) {
        let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
        let of_task = ["Task", "Lambda", "Activity"].iter().any(|family| kind.starts_with(family));
        for (_, details) in event.as_object().into_iter().flatten().filter(|(name, _)| name.ends_with("EventDetails")) {
            for (_, payload) in details.as_object().into_iter().flatten().filter(|(n, _)| PAYLOADS.contains(&n.as_str())) {
                if of_task && !kind.starts_with("TaskState") {
                    self.in_parameters(payload);
                }
                self.in_payload(payload);
            }
        }
    }

    fn in_payload(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    self.members.insert(name.strip_suffix(".$").unwrap_or(name).to_owned());
                    self.in_payload(member);
                }
            }
            Value::Array(elements) => elements.iter().for_each(|element| self.in_payload(element)),
            Value::String(text) if text.starts_with(['{', '[']) => {
                if let Ok(parsed @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text) {
                    self.in_payload(&parsed);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// Looks for names that were changed and are still there.
struct Leftovers<'a> {
    names: &'a Names,
    found: BTreeSet<String>,
}

impl Leftovers<'_> {
    fn in_definition(&mut self, path: &[String], token: Token, text: &str) {
        let member = path.iter().rev().find(|name| *name != "*").map(String::as_str).unwrap_or_default();
        let parent = path.len().checked_sub(1).and_then(|parent| path.get(..parent)).unwrap_or_default();
        match token {
            // Every member of a definition is a name that was changed, or one of the language.
            Token::Member => {}
            Token::Value if WORDS.contains(&member) && matches!(zone_of(parent), Zone::Scope | Zone::State) => {}
            Token::Value => self.anywhere(text),
        }
    }

    fn in_details(&mut self, details: &Value) {
        for (name, member) in details.as_object().into_iter().flatten() {
            match name.as_str() {
                "resource" | "resourceType" | "region" | "roleArn" => {}
                "assignedVariables" => member.as_object().into_iter().flatten().for_each(|(_, value)| self.in_value(value)),
                "location" | "cause" => {
                    // Sentences about a variable name it without its `$`.
                    let text = member.as_str().map_or_else(|| member.to_string(), str::to_owned);
                    for variable in self.names.variables.keys().filter(|name| words(&text).any(|word| word == name.as_str())) {
                        self.found.insert(variable.clone());
                    }
                    self.in_value(member);
                }
                _ => self.in_value(member),
            }
        }
    }

    fn in_value(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.anywhere(text),
            Value::Array(elements) => elements.iter().for_each(|element| self.in_value(element)),
            Value::Object(members) => members.iter().for_each(|(name, member)| {
                self.anywhere(name);
                self.in_value(member);
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn anywhere(&mut self, text: &str) {
        for word in words(text) {
            if self.names.members.contains_key(word) {
                self.found.insert(word.to_owned());
            }
        }
        for state in self.names.states.keys() {
            let mut from = 0;
            while let Some(at) = text.get(from..).and_then(|rest| rest.find(state.as_str())) {
                let (start, end) = (from + at, from + at + state.len());
                let before = text.get(..start).and_then(|t| t.chars().next_back());
                let after = text.get(end..).and_then(|t| t.chars().next());
                if !before.is_some_and(is_word_character) && !after.is_some_and(is_word_character) {
                    self.found.insert(state.clone());
                }
                from = end;
            }
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character| !is_word_character(character)).filter(|word| !word.is_empty())
}

/// A name no other member has got, in the bucket of `name` with and without `.$`.
fn same_bucket(name: &str, used: &mut HashSet<String>) -> String {
    let wanted = buckets(name);
    let mut number = 0_u32;
    loop {
        let candidate = format!("zq{}", letters(number));
        if buckets(&candidate) == wanted && used.insert(candidate.clone()) {
            return candidate;
        }
        number += 1;
    }
}

fn letters(mut number: u32) -> String {
    let mut text = String::new();
    loop {
        text.extend(char::from_u32('a' as u32 + number % 26));
        number /= 26;
        if number == 0 {
            return text;
        }
    }
}

fn buckets(name: &str) -> (u32, u32) {
    (bucket(name), bucket(&format!("{name}.$")))
}

/// The bucket of a string in a Java `HashMap` of 64 buckets; those of smaller tables follow from it.
fn bucket(name: &str) -> u32 {
    let hash = name.encode_utf16().fold(0_u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)));
    (hash ^ (hash >> 16)) & 63
}

/// A string of a JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Member,
    Value,
}

/// Replaces the strings of a JSON text and leaves everything else, spaces and numbers, as it is.
/// `change` is given the names on the way to the string (`*` for an element) and the string; a value's
/// own member is the last of them. `None` if the text is not JSON.
fn rewrite_json(text: &str, change: &mut dyn FnMut(&[String], Token, &str) -> String) -> Option<String> {
    serde_json::from_str::<Value>(text).ok()?;
    let mut result = String::new();
    // For every open bracket, whether it is an object's.
    let mut open: Vec<bool> = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut at = 0;
    while let Some(character) = text.get(at..)?.chars().next() {
        if character != '"' {
            match character {
                '{' | '[' => {
                    open.push(character == '{');
                    path.push("*".to_owned());
                }
                '}' | ']' => {
                    open.pop();
                    path.pop();
                }
                ',' if open.last() == Some(&true) => "*".clone_into(path.last_mut()?),
                _ => {}
            }
            result.push(character);
            at += character.len_utf8();
            continue;
        }
        let end = string_end(text, at)?;
        let raw = text.get(at..end)?;
        let string: String = serde_json::from_str(raw).ok()?;
        let is_member = open.last() == Some(&true) && text.get(end..)?.trim_start().starts_with(':');
        let new = if is_member {
            let above = path.len().checked_sub(1)?;
            let new = change(path.get(..above)?, Token::Member, &string);
            path.last_mut()?.clone_from(&string);
            new
        } else {
            change(&path, Token::Value, &string)
        };
        if new == string {
            result.push_str(raw);
        } else {
            result.push_str(&serde_json::to_string(&new).ok()?);
        }
        at = end;
    }
    Some(result)
}

/// The position after the string that begins at `start`.
fn string_end(text: &str, start: usize) -> Option<usize> {
    let mut escaped = false;
    for (offset, byte) in text.as_bytes().get(start + 1..)?.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(start + offset + 2),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_change_together_everywhere() {
        let definition = r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "Assign": {"total.$": "$.price"},
            "Parameters": {"cost.$": "$['price']", "Name": "B"}, "Next": "B"},
            "B": {"Type": "Pass", "Parameters": {"out.$": "States.Format('{}', $total)"}, "End": true}}}"#;
        let case: Case = serde_json::from_value(json!({
            "id": "x", "kind": "history",
            "machines": [{"name": "a-long-machine-name", "definition": serde_json::from_str::<Value>(definition).unwrap(),
                "definition_text": definition}],
            "executions": [{"machine": 0, "input_text": "{\"price\":  1}", "history": {"events": [
                {"type": "PassStateExited", "stateExitedEventDetails": {
                    "name": "A", "output": {"cost": 1}, "assignedVariables": {"total": "1"}}}]}}],
        }))
        .unwrap();
        let variant = variant(&case);
        assert_eq!(variant.skipped, Vec::<String>::new());
        let text = variant.case.machines[0].definition_text.clone().unwrap();
        for old in ["\"A\"", "\"B\"", "total", "price", "cost", "\"out"] {
            assert!(!text.contains(old), "{old} in {text}");
        }
        assert!(text.contains("\"Name\": \"ZqState 1\"") && text.contains("\"Type\": \"Pass\""), "{text}");
        let price = same_bucket("price", &mut HashSet::new());
        assert!(text.contains(&format!("$['{price}']")) && text.contains(&format!("\"$.{price}\"")), "{text}");
        let execution = &variant.case.executions[0];
        assert_eq!(execution.input_text, Some(format!("{{\"{price}\":  1}}")));
        let details = &execution.events()[0]["stateExitedEventDetails"];
        assert_eq!(details["name"], "ZqState 0");
        assert_eq!(details["assignedVariables"], json!({"zqVariable0": "1"}));
    }

    #[test]
    fn a_name_in_a_place_that_is_not_understood_stays() {
        let definition = r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": {"key": "a key"}, "End": true}}}"#;
        let case: Case = serde_json::from_value(json!({
            "id": "x", "kind": "history",
            "machines": [{"definition": serde_json::from_str::<Value>(definition).unwrap(), "definition_text": definition}],
        }))
        .unwrap();
        let variant = variant(&case);
        assert_eq!(variant.skipped, ["key"]);
        assert!(variant.case.machines[0].definition_text.clone().unwrap().contains("{\"key\": \"a key\"}"));
    }

    #[test]
    fn a_new_name_keeps_its_place_in_a_hash_map() {
        for name in ["a", "Payload", "bucketName"] {
            assert_eq!(buckets(&same_bucket(name, &mut HashSet::new())), buckets(name));
        }
    }
}
