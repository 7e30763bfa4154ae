//! What states of all types have, and which fields each type may have.
//!
//! Source: ASL specification, "Table of State Types and Fields"; developer guide, the pages of the state types.

use std::sync::Arc;

use super::super::code::{INVALID_VARIABLE_NAME, RESERVED_VARIABLE_NAME};
use super::super::model::{Flow, JsonPathFlow, JsonataFlow, Kind, Next, QueryLanguage, State, StateId};
use super::super::source::Node;
use super::super::{messages, variables};
use super::fields::{Field, In};
use super::{Fields, Reader, Situation};
use crate::expression::Offered;
use crate::quota::TIMEOUT_SECONDS_MAX;

/// The types of states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Task,
    Wait,
    Pass,
    Succeed,
    Fail,
    Choice,
    Parallel,
    Map,
}

impl Type {
    /// What `$states` has besides in `Output` and `Assign`.
    fn offered(self) -> Offered {
        match self {
            Self::Task | Self::Parallel | Self::Map => Offered::Result,
            Self::Wait | Self::Pass | Self::Succeed | Self::Fail | Self::Choice => Offered::Nothing,
        }
    }
}

/// Their names, in the order in which the service lists them.
const TYPES: [(&str, Type); 8] = [
    ("Task", Type::Task),
    ("Wait", Type::Wait),
    ("Pass", Type::Pass),
    ("Succeed", Type::Succeed),
    ("Fail", Type::Fail),
    ("Choice", Type::Choice),
    ("Parallel", Type::Parallel),
    ("Map", Type::Map),
];

const EVERY: &[Field] = &[Field("Type", In::Both), Field("Comment", In::Both), Field("QueryLanguage", In::Both)];
const PATHS: &[Field] = &[Field("InputPath", In::JsonPath), Field("OutputPath", In::JsonPath), Field("Output", In::Jsonata)];
const TRANSITION: &[Field] = &[Field("Next", In::Both), Field("End", In::Both)];
const ASSIGN: &[Field] = &[Field("Assign", In::Both)];
const PARAMETERS: &[Field] = &[Field("Parameters", In::JsonPath), Field("ResultPath", In::JsonPath)];
const RESULT_SELECTOR: &[Field] = &[Field("ResultSelector", In::JsonPath)];
const ARGUMENTS: &[Field] = &[Field("Arguments", In::Jsonata)];
const ERRORS: &[Field] = &[Field("Retry", In::Both), Field("Catch", In::Both)];
const TASK: &[Field] = &[
    Field("Resource", In::Both),
    Field("TimeoutSeconds", In::Both),
    Field("TimeoutSecondsPath", In::JsonPath),
    Field("HeartbeatSeconds", In::Both),
    Field("HeartbeatSecondsPath", In::JsonPath),
    Field("Credentials", In::Both),
];
const PARALLEL: &[Field] = &[Field("Branches", In::Both)];
const PASS: &[Field] = &[Field("Result", In::JsonPath)];
const WAIT: &[Field] = &[
    Field("Seconds", In::Both),
    Field("SecondsPath", In::JsonPath),
    Field("Timestamp", In::Both),
    Field("TimestampPath", In::JsonPath),
];
const CHOICE: &[Field] = &[Field("Choices", In::Both), Field("Default", In::Both)];
const FAIL: &[Field] =
    &[Field("Error", In::Both), Field("ErrorPath", In::JsonPath), Field("Cause", In::Both), Field("CausePath", In::JsonPath)];

/// The fields that states of a type may have.
fn allowed(state_type: Type) -> &'static [&'static [Field]] {
    match state_type {
        Type::Task => &[EVERY, PATHS, TRANSITION, ASSIGN, PARAMETERS, RESULT_SELECTOR, ARGUMENTS, ERRORS, TASK],
        Type::Parallel => &[EVERY, PATHS, TRANSITION, ASSIGN, PARAMETERS, RESULT_SELECTOR, ARGUMENTS, ERRORS, PARALLEL],
        Type::Map => &[EVERY, PATHS, TRANSITION, ASSIGN, PARAMETERS, RESULT_SELECTOR, ERRORS, super::map::MAP],
        Type::Pass => &[EVERY, PATHS, TRANSITION, ASSIGN, PARAMETERS, PASS],
        Type::Wait => &[EVERY, PATHS, TRANSITION, ASSIGN, WAIT],
        Type::Choice => &[EVERY, PATHS, ASSIGN, CHOICE],
        Type::Succeed => &[EVERY, PATHS],
        Type::Fail => &[EVERY, FAIL],
    }
}

impl<'s> Reader<'s, '_> {
    /// The top level's own fields; `TimeoutSeconds` of the machine.
    pub(super) fn machine(&mut self, root: &'s Node) -> Option<u32> {
        let fields = self.fields(root, String::new(), &[MACHINE], QueryLanguage::JsonPath)?;
        self.word(&fields, "QueryLanguage", &LANGUAGES);
        self.word(&fields, "Version", &[("1.0", ())]);
        self.string(&fields, "Comment");
        self.integer(&fields, "TimeoutSeconds", super::values::Range(0, TIMEOUT_SECONDS_MAX))
    }

    /// Reads a state. `None` when it cannot be told what it is; that is an error already noted.
    pub(super) fn state(&mut self, id: StateId) -> Option<State> {
        self.state = id;
        let entry = self.entry(id)?;
        let (node, name, scope, place) = (entry.node, Arc::clone(entry.name), entry.scope, entry.place.clone());
        let Some(members) = node.members() else {
            self.refuse(messages::wrong_type("Object", node.type_name()), place, node.span);
            self.graph.terminal(id);
            return None;
        };
        let any = Fields { members, span: node.span, place };
        if !self.require(&any, &["Type"]) {
            self.transitions_of_unknown(id, &any);
            return None;
        }
        let Some(state_type) = self.word(&any, "Type", &TYPES) else {
            self.transitions_of_unknown(id, &any);
            return None;
        };
        let language = self.language(&any);
        let fields = self.fields(node, any.place, allowed(state_type), language)?;
        let situation = Situation { id, language };
        let next = self.next(situation, state_type, &fields);
        let flow = self.flow(situation, state_type, &fields);
        let assign = self.offering(state_type.offered(), |reader| reader.assign(situation, &fields));
        let retry = self.retry(situation, &fields);
        let catch = self.catch(situation, &fields);
        let comment = self.string(&fields, "Comment").cloned();
        let kind = match state_type {
            Type::Task => self.task(situation, &fields).map(Kind::Task),
            Type::Wait => self.wait(situation, &fields).map(Kind::Wait),
            Type::Pass => Some(Kind::Pass(self.pass(&fields))),
            Type::Succeed => Some(Kind::Succeed),
            Type::Fail => Some(Kind::Fail(self.fail(situation, &fields))),
            Type::Choice => self.choice(situation, &fields).map(Kind::Choice),
            Type::Parallel => self.parallel(situation, &fields).map(Kind::Parallel),
            Type::Map => self.map(situation, &fields).map(Kind::Map),
        }?;
        Some(State { name, scope, comment, flow, assign, next: next?, retry, catch, kind })
    }

    fn language(&mut self, fields: &Fields<'s>) -> QueryLanguage {
        self.word(fields, "QueryLanguage", &LANGUAGES);
        let Some(member) = fields.get("QueryLanguage") else { return self.machine_language };
        let own = member.value.as_str();
        if self.machine_language == QueryLanguage::Jsonata && own == Some("JSONPath") {
            self.refuse(messages::NO_DOWNGRADE, &*fields.place, member.value.span);
        }
        match own {
            Some("JSONata") => QueryLanguage::Jsonata,
            Some("JSONPath") => QueryLanguage::JsonPath,
            _ => self.machine_language,
        }
    }

    /// `Next` and `End`.
    fn next(&mut self, situation: Situation, state_type: Type, fields: &Fields<'s>) -> Option<Next> {
        match state_type {
            Type::Choice => return Some(Next::End),
            Type::Succeed | Type::Fail => {
                self.graph.terminal(situation.id);
                return Some(Next::End);
            }
            Type::Task | Type::Wait | Type::Pass | Type::Parallel | Type::Map => {}
        }
        let ends = self.boolean(fields, "End");
        let target = self.target(situation.id, fields, "Next");
        if ends == Some(true) {
            self.graph.terminal(situation.id);
        }
        match (ends, fields.get("Next")) {
            (Some(true), None) => Some(Next::End),
            (Some(false) | None, Some(_)) => target.map(Next::State),
            (Some(true), Some(member)) => {
                self.refuse(messages::several_of(&["Next", "End"]), &*fields.place, member.key_span);
                None
            }
            (Some(false) | None, None) => {
                self.refuse(messages::none_of(&["Next", "End"]), &*fields.place, fields.span);
                None
            }
        }
    }

    /// `InputPath` and its like.
    fn flow(&mut self, situation: Situation, state_type: Type, fields: &Fields<'s>) -> Flow {
        if situation.language == QueryLanguage::Jsonata {
            return Flow::Jsonata(JsonataFlow {
                arguments: self.jsonata(fields, "Arguments"),
                output: self.offering(state_type.offered(), |reader| reader.jsonata(fields, "Output")),
            });
        }
        let parameters = if state_type == Type::Map { None } else { self.template(fields, "Parameters", situation.language) };
        Flow::JsonPath(JsonPathFlow {
            input_path: self.selection(fields, "InputPath"),
            parameters,
            result_selector: self.template(fields, "ResultSelector", situation.language),
            result_path: self.result_path(fields),
            output_path: self.selection(fields, "OutputPath"),
        })
    }

    /// `Assign`
    pub(super) fn assign(&mut self, situation: Situation, fields: &Fields<'s>) -> Option<crate::template::Template> {
        let member = fields.get("Assign")?;
        let Some(members) = member.value.members() else {
            if !member.value.is_unresolved() {
                self.refuse(messages::wrong_type("Object", member.value.type_name()), fields.at("Assign"), member.value.span);
            }
            return None;
        };
        for variable in members {
            let name = match situation.language {
                QueryLanguage::JsonPath => variable.key.strip_suffix(".$").unwrap_or(&variable.key),
                QueryLanguage::Jsonata => &variable.key,
            };
            if name == variables::RESERVED {
                self.findings.error(RESERVED_VARIABLE_NAME, messages::RESERVED_VARIABLE, fields.at("Assign"), variable.key_span);
            } else if !variables::is_name(name) {
                let message = messages::bad_variable_name(name);
                self.findings.error(INVALID_VARIABLE_NAME, message, fields.at("Assign"), variable.key_span);
                self.findings.help("a letter, then letters, digits and `_`, 80 characters at most");
            } else {
                self.graph.assigned(situation.id, name, fields.at("Assign"), variable.key_span);
            }
        }
        self.template(fields, "Assign", situation.language)
    }

    /// Follows what a state of unknown type may mean, so that the states behind it are not called unreachable.
    fn transitions_of_unknown(&mut self, id: StateId, fields: &Fields<'s>) {
        for name in ["Next", "Default"] {
            self.target(id, fields, name);
        }
        for name in ["Choices", "Catch"] {
            let items = fields.get(name).and_then(|member| member.value.items()).unwrap_or_default();
            for (at, item) in items.iter().enumerate() {
                let Some(members) = item.members() else { continue };
                self.target(id, &Fields { members, span: item.span, place: fields.at_index(name, at) }, "Next");
            }
        }
        // Whether it ends the workflow cannot be told either.
        self.graph.terminal(id);
    }
}

/// The values of `QueryLanguage`.
const LANGUAGES: [(&str, QueryLanguage); 2] = [("JSONPath", QueryLanguage::JsonPath), ("JSONata", QueryLanguage::Jsonata)];

const MACHINE: &[Field] = &[
    Field("StartAt", In::Both),
    Field("States", In::Both),
    Field("Comment", In::Both),
    Field("Version", In::Both),
    Field("QueryLanguage", In::Both),
    Field("TimeoutSeconds", In::Both),
];
