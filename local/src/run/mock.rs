//! Answers from a mock file of Step Functions Local (`MockConfigFile.json`).
//!
//! ```json
//! {"StateMachines": {"order": {"TestCases": {"happy": {"Charge card": "charged"}}}},
//!  "MockedResponses": {"charged": {"0": {"Throw": {"Error": "Busy", "Cause": "…"}}, "1-2": {"Return": {"paid": true}}}}}
//! ```
//!
//! The numbers count how often the state has been invoked in the execution, from 0. `{"NoAnswer": {}}` is an extension: the task
//! is started and never answers, so that time-outs and heartbeats happen.
//!
//! Source: developer guide, "Using mocked service integrations".

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use statewright_interpreter::Value;
use statewright_interpreter::history::ErrorDetails;

use super::answer::Outcome;
use crate::input::{parse_json, read_text};
use crate::refusal::{Refusal, list, nearest};

/// A mock file.
#[derive(Debug)]
pub(crate) struct MockFile {
    /// `the mock file …`, for messages.
    whose: String,
    /// Cases by machine, each with the key of the response for each state.
    machines: BTreeMap<String, BTreeMap<String, BTreeMap<String, String>>>,
    responses: BTreeMap<String, Responses>,
}

type Responses = Vec<(RangeInclusive<u32>, Response)>;

/// What a task is answered with.
#[derive(Clone, Debug)]
enum Response {
    /// `Return`
    Return(Value),
    /// `Throw`
    Throw(ErrorDetails),
    /// `NoAnswer`
    NoAnswer,
}

/// One case of a mock file.
#[derive(Clone, Debug)]
pub(crate) struct Mocks {
    file: Arc<MockFile>,
    machine: String,
    case: String,
}

impl MockFile {
    /// Reads a mock file and checks all of it.
    ///
    /// # Errors
    /// When it cannot be read, or anything in it is not as the format wants it.
    pub(crate) fn read(path: &Path) -> Result<Self, Refusal> {
        let text = read_text(path, "the mock file")?.text;
        let whose = format!("the mock file `{}`", path.display());
        let value = parse_json(&text, &whose)?;
        let reader = Reader { whose: &whose };
        reader.only(&value, "", &["StateMachines", "MockedResponses"])?;
        let mut responses = BTreeMap::new();
        for (key, content) in reader.members(value.get("MockedResponses"), "/MockedResponses")? {
            responses.insert(key.to_string(), reader.responses(content, &format!("/MockedResponses/{key}"))?);
        }
        let mut machines = BTreeMap::new();
        for (machine, content) in reader.members(value.get("StateMachines"), "/StateMachines")? {
            let place = format!("/StateMachines/{machine}");
            reader.only(content, &place, &["TestCases"])?;
            let mut cases = BTreeMap::new();
            for (case, states) in reader.members(content.get("TestCases"), &format!("{place}/TestCases"))? {
                cases.insert(case.to_string(), reader.case(states, &format!("{place}/TestCases/{case}"), &responses)?);
            }
            machines.insert(machine.to_string(), cases);
        }
        Ok(Self { whose, machines, responses })
    }

    /// The case called `case` of the machine called `machine`. A file about one machine is about any; a machine with one case needs
    /// no name of it.
    ///
    /// # Errors
    /// When there is no such machine or case.
    pub(crate) fn case(self: &Arc<Self>, machine: &str, case: Option<&str>) -> Result<Mocks, Refusal> {
        let only = self.machines.iter().next().filter(|_| self.machines.len() == 1);
        let Some((machine, cases)) = self.machines.get_key_value(machine).or(only) else {
            let names = list(self.machines.keys());
            return Err(Refusal::new(format!("{} has no state machine `{machine}`; it has {names}", self.whose))
                .help("name one of them with `--machine-name`"));
        };
        let found = match case {
            Some(case) => cases.get_key_value(case).map(|(case, _)| case),
            None => cases.keys().next().filter(|_| cases.len() == 1),
        };
        if let Some(found) = found {
            return Ok(Mocks { file: Arc::clone(self), machine: machine.clone(), case: found.clone() });
        }
        let names = list(cases.keys());
        Err(match case {
            None => {
                Refusal::new(format!("{} has several cases for `{machine}`: {names}", self.whose)).help("choose one with `--case`")
            }
            Some(case) => {
                let refusal = Refusal::new(format!("{} has no case `{case}` for `{machine}`; it has {names}", self.whose));
                match nearest(case, cases.keys().map(String::as_str)) {
                    Some(near) => refusal.help(format!("did you mean `--case {near}`?")),
                    None => refusal,
                }
            }
        })
    }
}

impl Mocks {
    /// The mocks of another machine in the same file, if it has a case of the same name.
    pub(crate) fn of_machine(&self, machine: &str) -> Option<Self> {
        let cases = self.file.machines.get(machine)?;
        cases.contains_key(&self.case).then(|| Self { machine: machine.to_owned(), ..self.clone() })
    }

    /// The states the case has responses for.
    pub(crate) fn states(&self) -> impl Iterator<Item = &str> {
        self.keys().into_iter().flat_map(|states| states.keys().map(String::as_str))
    }

    /// The answer to the invocation number `invocation` of `state`; `Ok(None)` where the case says nothing about the state.
    ///
    /// # Errors
    /// When the case has responses for the state and none for this invocation.
    pub(crate) fn answer(&self, state: &str, invocation: u32) -> Result<Option<Outcome>, Refusal> {
        let Some(key) = self.keys().and_then(|states| states.get(state)) else { return Ok(None) };
        let responses = self.file.responses.get(key).map(Vec::as_slice).unwrap_or_default();
        let Some((_, response)) = responses.iter().find(|(range, _)| range.contains(&invocation)) else {
            let there = list(responses.iter().map(|(range, _)| shown(range)));
            let message = format!(
                "{} has no response for attempt {invocation} of state `{state}` in case `{}`: `/MockedResponses/{key}` has {there}",
                self.file.whose, self.case,
            );
            return Err(Refusal::new(message).help("attempts are counted from 0 over the whole execution, retries included"));
        };
        Ok(Some(match response {
            Response::Return(value) => Outcome::Succeeded(value.clone().into()),
            Response::Throw(error) => Outcome::Failed(error.clone()),
            Response::NoAnswer => Outcome::Silence,
        }))
    }

    /// What to call it in messages.
    pub(crate) fn describe(&self) -> String {
        format!("case `{}` of {}", self.case, self.file.whose)
    }

    /// The key of each state's responses.
    fn keys(&self) -> Option<&BTreeMap<String, String>> {
        self.file.machines.get(&self.machine)?.get(&self.case)
    }
}

fn shown(range: &RangeInclusive<u32>) -> String {
    if range.start() == range.end() { range.start().to_string() } else { format!("{}-{}", range.start(), range.end()) }
}

struct Reader<'a> {
    whose: &'a str,
}

impl Reader<'_> {
    fn wrong(&self, place: &str, what: &str) -> Refusal {
        let place = if place.is_empty() { "/" } else { place };
        Refusal::new(format!("{}: `{place}` {what}", self.whose))
    }

    fn members<'v>(&self, value: Option<&'v Value>, place: &str) -> Result<Vec<(&'v Arc<str>, &'v Value)>, Refusal> {
        match value {
            None => Err(self.wrong(place, "is missing")),
            Some(Value::Object(members)) => Ok(members.iter().collect()),
            Some(other) => Err(self.wrong(place, &format!("must be an object, not {}", article(other)))),
        }
    }

    fn only(&self, value: &Value, place: &str, known: &[&str]) -> Result<(), Refusal> {
        let unknown = self.members(Some(value), place)?.into_iter().find(|(name, _)| !known.contains(&&***name));
        match unknown {
            None => Ok(()),
            Some((name, _)) => Err(self.wrong(place, &format!("has the member `{name}`; it may have {}", list(known)))),
        }
    }

    fn case(
        &self,
        states: &Value,
        place: &str,
        responses: &BTreeMap<String, Responses>,
    ) -> Result<BTreeMap<String, String>, Refusal> {
        let mut keys = BTreeMap::new();
        for (state, key) in self.members(Some(states), place)? {
            let place = format!("{place}/{state}");
            let Some(key) = key.as_str() else {
                return Err(self.wrong(&place, &format!("must be the name of a mocked response, not {}", article(key))));
            };
            if !responses.contains_key(key) {
                let refusal = self.wrong(&place, &format!("names the mocked response `{key}`, which is not there"));
                return Err(match nearest(key, responses.keys().map(String::as_str)) {
                    Some(near) => refusal.help(format!("did you mean `{near}`?")),
                    None => refusal.help(format!("`/MockedResponses` has {}", list(responses.keys()))),
                });
            }
            keys.insert(state.to_string(), key.to_owned());
        }
        Ok(keys)
    }

    fn responses(&self, value: &Value, place: &str) -> Result<Responses, Refusal> {
        let mut responses: Responses = Vec::new();
        for (index, response) in self.members(Some(value), place)? {
            let Some(range) = range(index) else {
                let what = format!("has the index `{index}`, which is neither a number nor a range such as `1-3`");
                return Err(self.wrong(place, &what));
            };
            let overlaps =
                |(other, _): &&(RangeInclusive<u32>, Response)| other.start() <= range.end() && range.start() <= other.end();
            if let Some((other, _)) = responses.iter().find(overlaps) {
                return Err(self.wrong(place, &format!("answers the same attempt twice: `{}` and `{index}`", shown(other))));
            }
            responses.push((range, self.response(response, &format!("{place}/{index}"))?));
        }
        Ok(responses)
    }

    fn response(&self, value: &Value, place: &str) -> Result<Response, Refusal> {
        let members = self.members(Some(value), place)?;
        let [(kind, content)] = members.as_slice() else {
            return Err(self.wrong(place, "must have exactly one of `Return`, `Throw` and `NoAnswer`"));
        };
        match &***kind {
            "Return" => Ok(Response::Return((*content).clone())),
            "Throw" => {
                let place = format!("{place}/Throw");
                self.only(content, &place, &["Error", "Cause"])?;
                let text = |name: &str| match content.get(name) {
                    None | Some(Value::Null) => Ok(None),
                    Some(Value::String(text)) => Ok(Some(Arc::clone(text))),
                    Some(other) => {
                        Err(self.wrong(&format!("{place}/{name}"), &format!("must be a string, not {}", article(other))))
                    }
                };
                Ok(Response::Throw(ErrorDetails { error: text("Error")?, cause: text("Cause")? }))
            }
            "NoAnswer" => self.only(content, &format!("{place}/NoAnswer"), &[]).map(|()| Response::NoAnswer),
            other => Err(self.wrong(place, &format!("has the member `{other}`; it must be `Return`, `Throw` or `NoAnswer`"))),
        }
    }
}

fn article(value: &Value) -> String {
    match value.type_name() {
        name @ ("array" | "object") => format!("an {name}"),
        "null" => "null".to_owned(),
        name => format!("a {name}"),
    }
}

/// `3`, `1-3`
fn range(index: &str) -> Option<RangeInclusive<u32>> {
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u32>().ok()).flatten();
    let (from, to) = match index.split_once('-') {
        None => (number(index)?, number(index)?),
        Some((from, to)) => (number(from.trim())?, number(to.trim())?),
    };
    (from <= to).then_some(from..=to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_numbers_and_ranges() {
        assert_eq!(range("0"), Some(0..=0));
        assert_eq!(range("1-3"), Some(1..=3));
        for wrong in ["", "-1", "3-1", "a", "1-", "1.0", "+1", "99999999999"] {
            assert_eq!(range(wrong), None, "{wrong}");
        }
    }
}
