//! Follows what states look for back to where it comes from: the execution's input, and the answers of tasks.
//!
//! What is looked for in a state's output is looked for in its result and its input, through `OutputPath`, `ResultPath`,
//! `ResultSelector`, `Parameters` and `InputPath`, in this order; that again in the output of the states before. It is done over and
//! over until nothing new is found.

use std::collections::BTreeMap;
use std::sync::Arc;

use statewright_interpreter::Value;
use statewright_interpreter::definition::{
    Definition, Flow, Items, JsonPathFlow, Kind, Next, Quantity, ResultPath, ScopeId, Selection, State, StateId, Text, Wait,
};
use statewright_interpreter::intrinsic::{ArgumentView, CallView};
use statewright_interpreter::path::{Path, Root};
use statewright_interpreter::template::{Expression, Place, Template};
use statewright_interpreter::time::Timestamp;

use super::needs::{Filter, Needs, Step, Want, behind, filters, steps};
use super::options::{WayOut, options, successors};

/// How often all states are gone through at most.
const ROUNDS_MAX: usize = 60;
/// What is looked for on another way than the one to be taken, or by who handles an error, counts less.
const ELSEWHERE: u32 = 10_000;

/// What is looked for.
#[derive(Debug, Default)]
pub(super) struct Analysis {
    /// In the execution's input.
    pub(super) input: Needs,
    /// In the result of each task.
    pub(super) answers: BTreeMap<StateId, Needs>,
}

/// A document that is looked into.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Document {
    /// A state's raw input.
    Input(StateId),
    /// A state's raw result.
    Result(StateId),
    /// What leaves a scope.
    Exit(ScopeId),
    /// A variable.
    Variable(Arc<str>),
    /// `$$.Execution.Input`
    Execution,
    /// `$$.Map.Item.Value` within a Map.
    Item(StateId),
}

/// Where `$` points: into a document.
#[derive(Clone, Debug)]
struct Base {
    document: Document,
    prefix: Vec<Step>,
}

impl Base {
    fn of(document: Document) -> Self {
        Self { document, prefix: Vec::new() }
    }

    fn at(&self, path: &[Step]) -> (Document, Vec<Step>) {
        (self.document.clone(), self.prefix.iter().chain(path).cloned().collect())
    }
}

struct Search<'d> {
    definition: &'d Definition,
    needs: BTreeMap<Document, Needs>,
    /// The ways out of each Choice and which one is to be taken.
    ways: BTreeMap<StateId, Vec<WayOut<'d>>>,
    /// What the elements of arrays are filtered by: one element is made for each constant.
    filtered: BTreeMap<(Document, Vec<Step>, Vec<Step>), Vec<Value>>,
    scenario: usize,
    changed: bool,
}

impl Analysis {
    /// What `definition` looks for when each Choice takes its way out number `scenario`, counted round and round.
    pub(super) fn of(definition: &Definition, scenario: usize, now: Timestamp) -> Self {
        let ways = definition.states().filter_map(|(id, state)| match &state.kind {
            Kind::Choice(choice) => Some((id, options(definition, id, choice, now))),
            _ => None,
        });
        let mut search =
            Search { definition, needs: BTreeMap::new(), ways: ways.collect(), filtered: BTreeMap::new(), scenario, changed: true };
        for _ in 0..ROUNDS_MAX {
            if !std::mem::take(&mut search.changed) {
                break;
            }
            for id in definition.states().map(|(id, _)| id).collect::<Vec<_>>().into_iter().rev() {
                search.state(id);
            }
        }
        let start = definition.scope(definition.root()).start_at;
        let mut input = search.needs.remove(&Document::Input(start)).unwrap_or_default();
        for (path, want, rank) in search.needs.remove(&Document::Execution).unwrap_or_default().iter() {
            input.add(path.to_vec(), want.clone(), rank);
        }
        let answers = search.needs.into_iter().filter_map(|(document, needs)| match document {
            Document::Result(id) => Some((id, needs)),
            _ => None,
        });
        Self { input, answers: answers.collect() }
    }
}

/// What is looked for somewhere.
type Found = (Vec<Step>, Want, u32);

impl<'d> Search<'d> {
    fn need(&mut self, document: Document, path: Vec<Step>, want: Want, rank: u32) {
        self.changed |= self.needs.entry(document).or_default().add(path, want, rank);
    }

    fn found(&self, document: &Document) -> Vec<Found> {
        let needs = self.needs.get(document).into_iter().flat_map(Needs::iter);
        needs.map(|(path, want, rank)| (path.to_vec(), want.clone(), rank)).collect()
    }

    fn state(&mut self, id: StateId) {
        let state = self.definition.state(id);
        let Flow::JsonPath(flow) = &state.flow else { return };
        let raw = Base::of(Document::Input(id));
        let effective = self.selection(id, &flow.input_path, &raw);
        let output = self.output_needs(id, state);
        self.caught(id, state);
        match &state.kind {
            Kind::Task(task) => {
                self.merged(id, flow, output);
                self.template(id, flow.parameters.as_ref(), effective.as_ref(), &[]);
                for quantity in [&task.timeout, &task.heartbeat].into_iter().flatten() {
                    self.quantity(id, quantity, effective.as_ref());
                }
                self.template(id, task.credentials.as_ref(), effective.as_ref(), &[]);
            }
            Kind::Pass(pass) => {
                self.merged(id, flow, output);
                let result = self.found(&Document::Result(id));
                let result = if pass.result.is_some() { Vec::new() } else { result };
                self.parameters(id, flow, effective.as_ref(), result);
            }
            Kind::Parallel(parallel) => {
                self.merged(id, flow, output);
                for (path, want, rank) in self.found(&Document::Result(id)) {
                    let Some((first, rest)) = path.split_first() else { continue };
                    for (at, &branch) in parallel.branches.iter().enumerate() {
                        let is_it = *first == Step::Each || matches!(first, Step::Index(index) if *index as usize == at);
                        if is_it {
                            self.need(Document::Exit(branch), rest.to_vec(), want.clone(), rank);
                        }
                    }
                }
                let starts = parallel.branches.iter().map(|&branch| self.definition.scope(branch).start_at);
                let inputs: Vec<_> = starts.flat_map(|start| self.found(&Document::Input(start))).collect();
                self.parameters(id, flow, effective.as_ref(), inputs);
            }
            Kind::Map(map) => {
                self.merged(id, flow, output);
                for (path, want, rank) in self.found(&Document::Result(id)) {
                    if let Some((Step::Each | Step::Index(_), rest)) = path.split_first() {
                        self.need(Document::Exit(map.processor), rest.to_vec(), want, rank);
                    }
                }
                self.quantity(id, &map.max_concurrency, effective.as_ref());
                self.items(id, map, effective.as_ref());
            }
            Kind::Choice(choice) => {
                let Some(base) = effective.clone() else { return };
                self.passed_on(id, flow, &base, output);
                for rule in &choice.rules {
                    self.template(id, rule.assign.as_ref(), Some(&base), &[]);
                }
                let ways = self.ways.remove(&id).unwrap_or_default();
                if let Some(way) = ways.get(self.scenario % ways.len().max(1)) {
                    for (path, want) in &way.wants {
                        self.read(id, path, &[], want.clone(), 0, Some(&base));
                    }
                }
                self.ways.insert(id, ways);
            }
            Kind::Wait(wait) => {
                let Some(base) = effective.clone() else { return };
                self.passed_on(id, flow, &base, output);
                match wait {
                    Wait::SecondsPath(path) => self.read(id, path, &[], Want::Number, 1, Some(&base)),
                    Wait::TimestampPath(path) => self.read(id, path, &[], Want::Time, 1, Some(&base)),
                    Wait::Seconds(_) | Wait::Timestamp(_) | Wait::SecondsExpression(_) | Wait::TimestampExpression(_) => {}
                }
            }
            Kind::Succeed => {
                let Some(base) = effective.clone() else { return };
                self.passed_on(id, flow, &base, output);
            }
            Kind::Fail(fail) => {
                for text in [&fail.error, &fail.cause].into_iter().flatten() {
                    match text {
                        Text::Path(path) => self.read(id, path, &[], Want::Text, 1, Some(&raw)),
                        Text::Call(call) => self.call(id, &call.view(), &[], &Want::Text, 1, Some(&raw)),
                        Text::Fixed(_) | Text::Expression(_) => {}
                    }
                }
            }
        }
        self.assigned(id, state, effective.as_ref());
    }

    /// What is looked for in a state's output: by those that follow, or by who reads what leaves the scope.
    fn output_needs(&self, id: StateId, state: &State) -> Vec<Found> {
        let mut needs = Vec::new();
        let chosen = match &state.kind {
            Kind::Choice(_) => self.ways.get(&id).and_then(|ways| ways.get(self.scenario % ways.len().max(1))).map(|way| way.next),
            _ => None,
        };
        for next in successors(self.definition, id) {
            let further = if chosen.is_some_and(|chosen| chosen != next) { ELSEWHERE } else { 1 };
            let found = self.found(&Document::Input(next)).into_iter();
            needs.extend(found.map(|(path, want, rank)| (path, want, rank.saturating_add(further))));
        }
        let ends = matches!(state.kind, Kind::Succeed)
            || !matches!(state.kind, Kind::Fail(_) | Kind::Choice(_)) && state.next == Next::End;
        if ends {
            let found = self.found(&Document::Exit(state.scope)).into_iter();
            needs.extend(found.map(|(path, want, rank)| (path, want, rank.saturating_add(1))));
        }
        needs
    }

    /// What catchers' targets look for, in the state's own input.
    fn caught(&mut self, id: StateId, state: &State) {
        for catcher in &state.catch {
            let kept = match &catcher.result_path {
                ResultPath::Replace => continue,
                ResultPath::Discard => None,
                ResultPath::At(path) => Some(steps(path.text())),
            };
            if let Some(parent) = kept.as_deref().and_then(|kept| kept.split_last()).map(|(_, parent)| parent.to_vec()) {
                self.need(Document::Input(id), parent, Want::Members, ELSEWHERE);
            }
            for (path, want, rank) in self.found(&Document::Input(catcher.next)) {
                if kept.as_deref().is_none_or(|kept| behind(&path, kept).is_none()) {
                    self.need(Document::Input(id), path, want, rank.saturating_add(ELSEWHERE));
                }
            }
        }
    }

    /// From the output through `OutputPath`, `ResultPath` and `ResultSelector` to the raw result and the raw input.
    fn merged(&mut self, id: StateId, flow: &'d JsonPathFlow, output: Vec<Found>) {
        let merged = self.through_output_path(id, &flow.output_path, output, &Base::of(Document::Input(id)));
        let mut result = Vec::new();
        match &flow.result_path {
            ResultPath::Replace => result = merged,
            ResultPath::Discard => {
                for (path, want, rank) in merged {
                    self.need(Document::Input(id), path, want, rank);
                }
            }
            ResultPath::At(reference) => {
                let place = steps(reference.text());
                if let Some((_, parent)) = place.split_last() {
                    // What the result is put into must be an object.
                    self.need(Document::Input(id), parent.to_vec(), Want::Members, 2);
                }
                for (path, want, rank) in merged {
                    match behind(&path, &place) {
                        Some(rest) => result.push((rest.to_vec(), want, rank)),
                        None if behind(&place, &path).is_some() => {}
                        None => self.need(Document::Input(id), path, want, rank),
                    }
                }
            }
        }
        match &flow.result_selector {
            None => {
                for (path, want, rank) in result {
                    self.need(Document::Result(id), path, want, rank);
                }
            }
            Some(template) => self.template(id, Some(template), Some(&Base::of(Document::Result(id))), &result),
        }
    }

    fn through_output_path(&mut self, id: StateId, selection: &Selection, output: Vec<Found>, raw: &Base) -> Vec<Found> {
        match selection {
            Selection::Everything => output,
            Selection::Nothing => Vec::new(),
            Selection::Path(path) if *path.root() == Root::Input => {
                let place = steps(path.json_path().text());
                let own = (place.clone(), Want::Any, 1);
                let within = |(path, want, rank): Found| (place.iter().cloned().chain(path).collect(), want, rank);
                std::iter::once(own).chain(output.into_iter().map(within)).collect()
            }
            Selection::Path(path) => {
                for (rest, want, rank) in output {
                    self.read(id, path, &rest, want, rank, Some(raw));
                }
                Vec::new()
            }
        }
    }

    /// Of a state without result: the output is the effective input, through `OutputPath`.
    fn passed_on(&mut self, id: StateId, flow: &JsonPathFlow, base: &Base, output: Vec<Found>) {
        for (path, want, rank) in self.through_output_path(id, &flow.output_path, output, base) {
            let (document, path) = base.at(&path);
            self.need(document, path, want, rank);
        }
    }

    /// What `$` is behind `InputPath`; `None` where that is nothing that could be made up.
    fn selection(&mut self, id: StateId, selection: &Selection, raw: &Base) -> Option<Base> {
        match selection {
            Selection::Everything => Some(raw.clone()),
            Selection::Nothing => None,
            Selection::Path(path) => {
                self.read(id, path, &[], Want::Any, 1, Some(raw));
                self.base_of(id, path, raw)
            }
        }
    }

    /// Where a path leads.
    fn base_of(&self, id: StateId, path: &Path, raw: &Base) -> Option<Base> {
        let steps = steps(path.json_path().text());
        let base = match path.root() {
            Root::Input => raw.clone(),
            Root::Variable(name) => Base::of(Document::Variable(Arc::clone(name))),
            Root::Context => return self.context(id, &steps).map(|(document, prefix)| Base { document, prefix }),
        };
        let (document, prefix) = base.at(&steps);
        Some(Base { document, prefix })
    }

    /// What of the Context object can be made up.
    fn context(&self, id: StateId, path: &[Step]) -> Option<(Document, Vec<Step>)> {
        let starts = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| Step::Name((*name).into())).collect();
            behind(path, &names).map(<[Step]>::to_vec)
        };
        if let Some(rest) = starts(&["Execution", "Input"]) {
            return Some((Document::Execution, rest));
        }
        let rest = starts(&["Map", "Item", "Value"])?;
        let mut at = Some(id);
        while let Some(state) = at {
            if matches!(self.definition.state(state).kind, Kind::Map(_)) {
                return Some((Document::Item(state), rest));
            }
            at = self.definition.scope(self.definition.state(state).scope).parent;
        }
        None
    }

    /// A path is read, and `rest` of what it finds.
    fn read(&mut self, id: StateId, path: &Path, rest: &[Step], want: Want, rank: u32, base: Option<&Base>) {
        let own: Vec<Step> = steps(path.json_path().text()).into_iter().chain(rest.iter().cloned()).collect();
        let place = |search: &Self, own: Vec<Step>| match path.root() {
            Root::Input => base.map(|base| base.at(&own)),
            Root::Variable(name) => Some((Document::Variable(Arc::clone(name)), own)),
            Root::Context => search.context(id, &own),
        };
        if let Some((document, path)) = place(self, own) {
            self.need(document, path, want, rank);
        }
        for Filter { array, within, value } in filters(path.json_path().text()) {
            let Some((document, array)) = place(self, array) else { continue };
            let constants = self.filtered.entry((document.clone(), array.clone(), within.clone())).or_default();
            let known = constants.iter().position(|known| *known == value);
            let element = known.unwrap_or_else(|| {
                constants.push(value.clone());
                constants.len() - 1
            });
            let element = Step::Index(u32::try_from(element).unwrap_or(u32::MAX));
            let path = array.into_iter().chain([element]).chain(within).collect();
            self.need(document, path, Want::Exactly(value), 0);
        }
    }

    /// What is looked for in the parameters, or in the effective input where there are none.
    fn parameters(&mut self, id: StateId, flow: &'d JsonPathFlow, effective: Option<&Base>, needs: Vec<Found>) {
        if flow.parameters.is_some() {
            return self.template(id, flow.parameters.as_ref(), effective, &needs);
        }
        let Some(base) = effective else { return };
        for (path, want, rank) in needs {
            let (document, path) = base.at(&path);
            self.need(document, path, want, rank);
        }
    }

    /// Every expression of a template is read; `needs` are looked for in what it gives.
    fn template(&mut self, id: StateId, template: Option<&Template>, base: Option<&Base>, needs: &[Found]) {
        let Some(template) = template else { return };
        for (place, expression) in template.expressions() {
            let place: Vec<_> = place
                .into_iter()
                .map(|place| match place {
                    Place::Member(name) => Step::Name(name),
                    Place::Element(at) => Step::Index(u32::try_from(at).unwrap_or(u32::MAX)),
                })
                .collect();
            self.expression(id, expression, &[], &Want::Any, 1, base);
            for (path, want, rank) in needs {
                if let Some(rest) = behind(path, &place) {
                    self.expression(id, expression, rest, want, *rank, base);
                }
            }
        }
    }

    fn expression(&mut self, id: StateId, expression: Expression<'_>, rest: &[Step], want: &Want, rank: u32, base: Option<&Base>) {
        match expression {
            Expression::Path(path) => self.read(id, path, rest, want.clone(), rank, base),
            Expression::Call(call) => self.call(id, &call.view(), rest, want, rank, base),
        }
    }

    /// A call's arguments are read as its function needs them.
    fn call(&mut self, id: StateId, call: &CallView<'_>, rest: &[Step], want: &Want, rank: u32, base: Option<&Base>) {
        let with = |first: Step| std::iter::once(first).chain(rest.iter().cloned()).collect::<Vec<_>>();
        let literal = |at: usize| if let Some(ArgumentView::Literal(value)) = call.arguments.get(at) { Some(*value) } else { None };
        for (at, argument) in call.arguments.iter().enumerate() {
            let here = || (Vec::new(), Want::Any);
            let integer = |value: i64| (Vec::new(), Want::Exactly(Value::from(value)));
            let (path, want) = match (call.function, at) {
                ("States.StringToJson", 0) => (with(Step::Json), want.clone()),
                ("States.ArrayGetItem", 0) => {
                    let index = literal(1).and_then(Value::as_i64).and_then(|index| u32::try_from(index).ok());
                    (with(index.map_or(Step::Each, Step::Index)), want.clone())
                }
                ("States.ArrayGetItem", 1) | ("States.MathRandom", 0) => integer(0),
                ("States.MathRandom", 1) => integer(10),
                ("States.Array", at) => match rest.split_first() {
                    Some((Step::Index(index), rest)) if *index as usize == at => (rest.to_vec(), want.clone()),
                    Some((Step::Each, rest)) => (rest.to_vec(), want.clone()),
                    _ => here(),
                },
                ("States.ArrayPartition", 0) => match rest.split_first() {
                    Some((_, rest)) if !rest.is_empty() => (rest.to_vec(), want.clone()),
                    _ => (Vec::new(), Want::List),
                },
                ("States.ArrayUnique", 0) if !rest.is_empty() => (rest.to_vec(), want.clone()),
                ("States.ArrayContains" | "States.ArrayLength" | "States.ArrayUnique", 0) => (Vec::new(), Want::List),
                ("States.JsonMerge", 0 | 1) if !rest.is_empty() => (rest.to_vec(), want.clone()),
                ("States.JsonMerge", 0 | 1) => (Vec::new(), Want::Members),
                ("States.MathAdd" | "States.ArrayRange" | "States.ArrayPartition" | "States.MathRandom", _) => {
                    (Vec::new(), Want::Number)
                }
                ("States.StringSplit", 0) => {
                    let separator = literal(1).and_then(Value::as_str).unwrap_or(",");
                    (Vec::new(), Want::Parts(separator.into()))
                }
                ("States.Base64Decode", 0) => (Vec::new(), Want::Base64),
                ("States.StringSplit" | "States.Base64Encode", _) => (Vec::new(), Want::Text),
                ("States.Hash", 1) => (Vec::new(), Want::Exactly(Value::from("SHA-256"))),
                _ => here(),
            };
            match argument {
                ArgumentView::Literal(_) => {}
                ArgumentView::Path(read) => self.read(id, read, &path, want, rank, base),
                ArgumentView::Call(inner) => self.call(id, inner, &path, &want, rank, base),
            }
        }
    }

    fn quantity(&mut self, id: StateId, quantity: &Quantity, base: Option<&Base>) {
        if let Quantity::Path(path) = quantity {
            self.read(id, path, &[], Want::Number, 1, base);
        }
    }

    /// A Map's items, as they are looked for by the iterations.
    fn items(&mut self, id: StateId, map: &'d statewright_interpreter::definition::Map, effective: Option<&Base>) {
        let Some(base) = effective else { return };
        let items = match &map.items {
            Items::Input => Some(base.clone()),
            Items::Path(path) => self.base_of(id, path, base),
            Items::Expression(_) | Items::Template(_) => None,
        };
        let needs = self.found(&Document::Input(self.definition.scope(map.processor).start_at));
        let of_item = self.found(&Document::Item(id));
        let of_item = match &map.item_selector {
            None => needs.into_iter().chain(of_item).collect::<Vec<_>>(),
            Some(selector) => {
                self.template(id, Some(selector), Some(base), &needs);
                of_item
            }
        };
        let Some(items) = items else { return };
        let (document, path) = items.at(&[]);
        self.need(document, path, Want::List, 1);
        for (path, want, rank) in of_item {
            let within: Vec<_> = std::iter::once(Step::Each).chain(path).collect();
            let (document, path) = items.at(&within);
            self.need(document, path, want, rank);
        }
    }

    /// `Assign`: what is looked for in the variables.
    fn assigned(&mut self, id: StateId, state: &'d State, effective: Option<&Base>) {
        let result = Base::of(Document::Result(id));
        let base = match state.kind {
            // They see what a ResultSelector sees.
            Kind::Task(_) | Kind::Parallel(_) | Kind::Map(_) | Kind::Pass(_) => Some(&result),
            Kind::Choice(_) | Kind::Wait(_) | Kind::Succeed | Kind::Fail(_) => effective,
        };
        let templates: Vec<_> = match &state.kind {
            Kind::Choice(choice) => choice.rules.iter().filter_map(|rule| rule.assign.as_ref()).chain(&state.assign).collect(),
            _ => state.assign.iter().collect(),
        };
        for template in templates {
            let mut needs = Vec::new();
            for name in template.fields() {
                for (path, want, rank) in self.found(&Document::Variable(Arc::clone(name))) {
                    needs.push((std::iter::once(Step::Name(Arc::clone(name))).chain(path).collect(), want, rank));
                }
            }
            self.template(id, Some(template), base, &needs);
        }
    }
}
