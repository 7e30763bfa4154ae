//! Made-up answers (`--auto-mock`): the shape of the service's answer, and in it what the rest of the machine looks for.
//!
//! Nothing is guessed from names. [`backward`] follows the paths of all states back to where their data comes from; a Choice adds
//! what its variables must be for one of its rules to match ([`options`]); [`synthesis`] makes values of that. A task that is
//! asked again and again gets other answers by and by, so that a loop which waits for a certain one ends.

mod backward;
mod needs;
mod options;
mod synthesis;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use statewright_interpreter::Value;
use statewright_interpreter::command::StartTask;
use statewright_interpreter::definition::{Definition, Flow, Kind, Next, Pass, Pattern, Resource, ResultPath, State, StateId};
use statewright_interpreter::time::Timestamp;

use super::envelope::{self, Ids};
use backward::Analysis;
use synthesis::Synthesis;

/// How often a task is asked before its answers vary. Iterations of a Map ask, too.
const ATTEMPTS_ALIKE: u32 = 5;
/// How many different answers a task gives.
const SCENARIOS: u32 = 12;

/// Makes up answers for one machine.
#[derive(Debug)]
pub(crate) struct AutoMock<'d> {
    definition: &'d Definition,
    /// What is looked for, by scenario: which rule of each Choice is to match.
    analyses: RefCell<BTreeMap<u32, Rc<Analysis>>>,
}

/// Where a state's input goes on as it is: to the next states, and into branches.
fn given_the_input(definition: &Definition, state: &State) -> Vec<StateId> {
    let passes_on = matches!(state.kind, Kind::Pass(Pass { result: None }) | Kind::Wait(_) | Kind::Choice(_));
    let (goes_on, is_handed_in) = match &state.flow {
        Flow::Jsonata(flow) => (passes_on && flow.output.is_none(), flow.arguments.is_none()),
        Flow::JsonPath(flow) => {
            let is_handed_in = flow.parameters.is_none();
            (passes_on && is_handed_in || !matches!(flow.result_path, ResultPath::Replace), is_handed_in)
        }
    };
    let next = match (state.next, &state.kind) {
        (_, Kind::Choice(choice)) => choice.default,
        (Next::State(next), _) => Some(next),
        (Next::End, _) => None,
    };
    let mut given: Vec<StateId> = next.filter(|_| goes_on).into_iter().collect();
    match &state.kind {
        Kind::Choice(choice) => {
            given.extend(choice.rules.iter().filter(|rule| rule.output.is_none()).map(|rule| rule.next));
        }
        Kind::Parallel(parallel) if is_handed_in => {
            given.extend(parallel.branches.iter().map(|&branch| definition.scope(branch).start_at));
        }
        Kind::Pass(_) | Kind::Wait(_) | Kind::Task(_) | Kind::Parallel(_) | Kind::Map(_) | Kind::Succeed | Kind::Fail(_) => {}
    }
    given
}

impl<'d> AutoMock<'d> {
    /// Makes up answers for `definition`.
    pub(crate) fn new(definition: &'d Definition) -> Self {
        Self { definition, analyses: RefCell::default() }
    }

    /// An input with everything that the machine looks for in it.
    pub(crate) fn input(&self, now: Timestamp) -> Value {
        let analysis = self.analysis(0, now);
        Synthesis { now, attribute_values: false }.make(&analysis.input, Some(Value::empty_object()))
    }

    /// A state that reads the execution's input in JSONata, where nothing is looked for: one on the ways from the start on that pass
    /// the input on, or one that takes it from the Context object.
    pub(crate) fn reader_in_jsonata(&self) -> Option<&'d Arc<str>> {
        let definition = self.definition;
        let (readers, of_context) = (definition.readers(&["input"]), definition.readers(&["context", "Execution", "Input"]));
        let mut seen = BTreeSet::new();
        let mut ahead = vec![definition.scope(definition.root()).start_at];
        while let Some(id) = ahead.pop() {
            if !seen.insert(id) {
                continue;
            }
            if readers.contains(&id) {
                return Some(&definition.state(id).name);
            }
            ahead.extend(given_the_input(definition, definition.state(id)));
        }
        of_context.first().map(|&id| &definition.state(id).name)
    }

    /// An answer to a task.
    pub(crate) fn answer(&self, task: &StartTask, attempt: u32, now: Timestamp, ids: &Ids<'_>) -> Value {
        let scenario = attempt.saturating_sub(ATTEMPTS_ALIKE - 1) % SCENARIOS;
        let analysis = self.analysis(scenario, now);
        let parameters = task.parameters.value();
        let shape = match task.resource.pattern() {
            _ if !matches!(task.resource, Resource::Service { .. }) => Value::empty_object(),
            Pattern::RequestResponse => envelope::answer(&task.resource, parameters, ids),
            Pattern::Sync | Pattern::Sync2 => envelope::job(&task.resource, parameters, ids),
            Pattern::WaitForTaskToken => Value::empty_object(),
        };
        let attribute_values =
            matches!(&task.resource, Resource::Service { resource_type, .. } if resource_type.ends_with("dynamodb"));
        let Some(needs) = self.definition.find(&task.state).and_then(|id| analysis.answers.get(&id)) else { return shape };
        Synthesis { now, attribute_values }.make(needs, Some(shape))
    }

    fn analysis(&self, scenario: u32, now: Timestamp) -> Rc<Analysis> {
        let mut analyses = self.analyses.borrow_mut();
        let analysis = analyses.entry(scenario).or_insert_with(|| Rc::new(Analysis::of(self.definition, scenario as usize, now)));
        Rc::clone(analysis)
    }
}
