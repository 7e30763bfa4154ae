//! Which variables the states of a machine read: `variableReferences` of `DescribeStateMachine`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use statewright_value::{Object, Value};

use super::choice::{Comparison, Condition, Operand};
use super::model::{Definition, Flow, Items, JsonPathFlow, Kind, Map, Quantity, Selection, State, StateId, Task, Text, Wait};
use crate::expression::{Expression, is_expression, is_function};
use crate::intrinsic::Call;
use crate::path::{Path, Root};
use crate::template::Template;

impl Definition {
    /// The variables that states read, by the state's name, without `$` and sorted. States that read none are left out.
    ///
    /// In JSONata a name that an expression binds itself is no variable, and the name of a function is one only if some state assigns
    /// it.
    #[must_use]
    pub fn variable_references(&self) -> BTreeMap<Arc<str>, Vec<Arc<str>>> {
        let assigned: BTreeSet<Arc<str>> = self.states.iter().flat_map(assigned).collect();
        let references = |state: &State| {
            let mut read = Read { assigned: &assigned, names: BTreeSet::new(), path: None, reads_path: false };
            read.state(state);
            (Arc::clone(&state.name), read.names.into_iter().collect::<Vec<_>>())
        };
        self.states.iter().map(references).filter(|(_, names)| !names.is_empty()).collect()
    }

    /// The states one of whose expressions in JSONata may read what is found at `path` in `$states`.
    #[must_use]
    pub fn readers(&self, path: &[&str]) -> BTreeSet<StateId> {
        let assigned = BTreeSet::new();
        let reads_it = |&id: &StateId| {
            let mut read = Read { assigned: &assigned, names: BTreeSet::new(), path: Some(path), reads_path: false };
            read.state(self.state(id));
            read.reads_path
        };
        self.scopes.iter().flat_map(|scope| scope.states.iter().copied()).filter(reads_it).collect()
    }
}

/// The variables that a state assigns.
fn assigned(state: &State) -> Vec<Arc<str>> {
    let rules = if let Kind::Choice(choice) = &state.kind { choice.rules.as_slice() } else { &[] };
    let templates = state.assign.iter().chain(state.catch.iter().filter_map(|catcher| catcher.assign.as_ref()));
    let templates = templates.chain(rules.iter().filter_map(|rule| rule.assign.as_ref()));
    templates.flat_map(Template::fields).cloned().collect()
}

struct Read<'a> {
    assigned: &'a BTreeSet<Arc<str>>,
    names: BTreeSet<Arc<str>>,
    /// A path in `$states`, and whether an expression may read what is found there.
    path: Option<&'a [&'a str]>,
    reads_path: bool,
}

impl Read<'_> {
    fn state(&mut self, state: &State) {
        match &state.flow {
            Flow::JsonPath(JsonPathFlow { input_path, parameters, result_selector, output_path, result_path: _ }) => {
                for selection in [input_path, output_path] {
                    if let Selection::Path(path) = selection {
                        self.path(path);
                    }
                }
                self.templates(parameters.iter().chain(result_selector));
            }
            Flow::Jsonata(flow) => self.templates(flow.arguments.iter().chain(&flow.output)),
        }
        self.templates(&state.assign);
        for catcher in &state.catch {
            self.templates(&catcher.assign);
            self.templates(&catcher.output);
        }
        match &state.kind {
            Kind::Task(Task { timeout, heartbeat, credentials, resource: _ }) => {
                self.quantities(timeout.iter().chain(heartbeat));
                self.templates(credentials);
            }
            Kind::Choice(choice) => {
                for rule in &choice.rules {
                    self.condition(&rule.condition);
                    self.templates(&rule.assign);
                    self.templates(&rule.output);
                }
            }
            Kind::Wait(Wait::SecondsPath(path) | Wait::TimestampPath(path)) => self.path(path),
            Kind::Wait(Wait::SecondsExpression(text) | Wait::TimestampExpression(text)) => self.expression(text),
            Kind::Fail(fail) => {
                for text in fail.error.iter().chain(&fail.cause) {
                    match text {
                        Text::Path(path) => self.path(path),
                        Text::Call(call) => self.call(call),
                        Text::Expression(text) => self.expression(text),
                        Text::Fixed(_) => {}
                    }
                }
            }
            Kind::Map(map) => self.map(map),
            Kind::Wait(Wait::Seconds(_) | Wait::Timestamp(_)) | Kind::Pass(_) | Kind::Succeed | Kind::Parallel(_) => {}
        }
    }

    fn map(&mut self, map: &Map) {
        match &map.items {
            Items::Path(path) => self.path(path),
            Items::Expression(text) => self.expression(text),
            Items::Template(template) => self.templates([template]),
            Items::Input => {}
        }
        self.templates(&map.item_selector);
        self.quantities([&map.max_concurrency]);
        if let Some(distributed) = &map.distributed {
            self.fields(&distributed.fields);
        }
    }

    /// Fields that are kept as written: paths are in those named `…Path` or `….$`.
    fn fields(&mut self, fields: &Object) {
        for (name, value) in fields.iter() {
            match value {
                Value::Object(inner) => self.fields(inner),
                Value::String(text) if name.ends_with("Path") || name.ends_with(".$") => {
                    if let Ok(path) = Path::parse(text) {
                        self.path(&path);
                    } else if let Ok(call) = Call::parse(text) {
                        self.call(&call);
                    }
                }
                _ => self.value(value),
            }
        }
    }

    fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::Test(test) => {
                self.path(&test.variable);
                match &test.comparison {
                    Comparison::String(_, Operand::Path(path))
                    | Comparison::Numeric(_, Operand::Path(path))
                    | Comparison::Boolean(Operand::Path(path))
                    | Comparison::Timestamp(_, Operand::Path(path)) => self.path(path),
                    Comparison::String(..)
                    | Comparison::Numeric(..)
                    | Comparison::Boolean(_)
                    | Comparison::Timestamp(..)
                    | Comparison::Matches(_)
                    | Comparison::Is(..) => {}
                }
            }
            Condition::And(conditions) | Condition::Or(conditions) => conditions.iter().for_each(|inner| self.condition(inner)),
            Condition::Not(inner) => self.condition(inner),
            Condition::Expression(text) => self.expression(text),
            Condition::Constant(_) => {}
        }
    }

    fn path(&mut self, path: &Path) {
        if let Root::Variable(name) = path.root() {
            self.names.insert(Arc::clone(name));
        }
    }

    fn call(&mut self, call: &Call) {
        call.paths().into_iter().for_each(|path| self.path(path));
    }

    fn quantities<'q>(&mut self, quantities: impl IntoIterator<Item = &'q Quantity>) {
        for quantity in quantities {
            match quantity {
                Quantity::Path(path) => self.path(path),
                Quantity::Expression(text) => self.expression(text),
                Quantity::Fixed(_) => {}
            }
        }
    }

    fn templates<'t>(&mut self, templates: impl IntoIterator<Item = &'t Template>) {
        for template in templates {
            template.paths().into_iter().for_each(|path| self.path(path));
            template.jsonata_expressions().into_iter().for_each(|text| self.expression(text));
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::String(text) if is_expression(text) => {
                // What is kept as written was compiled when it was checked.
                if let Ok(expression) = Expression::compile(text, "") {
                    self.expression(&expression);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.value(item)),
            Value::Object(members) => members.values().for_each(|member| self.value(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn expression(&mut self, expression: &Expression) {
        self.reads_path |= self.path.is_some_and(|path| expression.may_read(path));
        for name in expression.names() {
            if !is_function(name) || self.assigned.contains(name) {
                self.names.insert(Arc::clone(name));
            }
        }
    }
}
