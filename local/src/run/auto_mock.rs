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
use std::collections::BTreeMap;
use std::rc::Rc;

use statewright_interpreter::Value;
use statewright_interpreter::command::StartTask;
use statewright_interpreter::definition::{Definition, Pattern, Resource};
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
