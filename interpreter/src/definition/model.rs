//! The typed definition: what a definition's text becomes once every rule of the language holds.
//!
//! All states of the machine, those of branches and item processors too, stand in one list; [`StateId`]s and [`ScopeId`]s are
//! positions. Nothing here can be missing: a transition's target exists, a path is parsed, a default is filled in.

use std::collections::BTreeMap;
use std::sync::Arc;

use statewright_value::{Object, Value};

use super::choice::Condition;
use super::resource::Resource;
use crate::expression::Expression;
use crate::intrinsic::Call;
use crate::path::{Path, ReferencePath};
use crate::template::Template;
use crate::time::Timestamp;

/// A state machine, checked and compiled. Made by [`Definition::parse`].
#[derive(Clone, Debug)]
pub struct Definition {
    /// `Comment`
    pub comment: Option<Arc<str>>,
    /// `QueryLanguage` of the machine.
    pub query_language: QueryLanguage,
    /// `TimeoutSeconds` of the machine.
    pub timeout_seconds: Option<u32>,
    pub(crate) states: Vec<State>,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) names: BTreeMap<Arc<str>, StateId>,
}

/// A state's place in its [`Definition`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateId(pub(crate) u32);

/// A scope's place in its [`Definition`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeId(pub(crate) u32);

/// One `StartAt` + `States` object: the machine itself, a branch of a Parallel, or an item processor.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The state it starts at.
    pub start_at: StateId,
    /// The Parallel or Map whose branch or processor it is; `None` for the machine itself.
    pub parent: Option<StateId>,
    /// Its states, in the text's order.
    pub states: Vec<StateId>,
}

/// The language of a state's expressions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueryLanguage {
    /// `JSONPath`
    #[default]
    JsonPath,
    /// `JSONata`
    Jsonata,
}

/// One state.
#[derive(Clone, Debug)]
pub struct State {
    /// Its name, unique in the whole machine.
    pub name: Arc<str>,
    /// The scope it stands in.
    pub scope: ScopeId,
    /// `Comment`
    pub comment: Option<Arc<str>>,
    /// How input becomes what the state works on, and how its result becomes its output.
    pub flow: Flow,
    /// `Assign`. For a Choice: when the Default is taken.
    pub assign: Option<Template>,
    /// Where it goes on. A Choice goes where its rules say; Succeed and Fail end.
    pub next: Next,
    /// `Retry`
    pub retry: Vec<Retrier>,
    /// `Catch`
    pub catch: Vec<Catcher>,
    /// What it does.
    pub kind: Kind,
}

/// Where a state goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// `Next`
    State(StateId),
    /// `End`
    End,
}

/// The fields of input and output processing. Which of them a state type may have is checked before.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a machine has few states, and they are read more often than moved")]
pub enum Flow {
    /// Of a state in JSONPath.
    JsonPath(JsonPathFlow),
    /// Of a state in JSONata.
    Jsonata(JsonataFlow),
}

/// `InputPath`, `Parameters`, `ResultSelector`, `ResultPath`, `OutputPath`.
#[derive(Clone, Debug, Default)]
pub struct JsonPathFlow {
    /// `InputPath`
    pub input_path: Selection,
    /// `Parameters`; of a Map that has no `ItemSelector` they stand in [`Map::item_selector`] instead.
    pub parameters: Option<Template>,
    /// `ResultSelector`
    pub result_selector: Option<Template>,
    /// `ResultPath`
    pub result_path: ResultPath,
    /// `OutputPath`
    pub output_path: Selection,
}

/// `Arguments` and `Output`.
#[derive(Clone, Debug, Default)]
pub struct JsonataFlow {
    /// `Arguments`
    pub arguments: Option<Template>,
    /// `Output`. For a Choice: when the Default is taken.
    pub output: Option<Template>,
}

/// The value of `InputPath` or `OutputPath`.
#[derive(Clone, Debug, Default)]
pub enum Selection {
    /// Absent or `$`: everything.
    #[default]
    Everything,
    /// `null`: an empty object.
    Nothing,
    /// What a path finds.
    Path(Path),
}

/// The value of `ResultPath`.
#[derive(Clone, Debug, Default)]
pub enum ResultPath {
    /// Absent or `$`: the result takes the input's place.
    #[default]
    Replace,
    /// `null`: the result is thrown away.
    Discard,
    /// The result is put into the input.
    At(ReferencePath),
}

/// What a state does.
#[derive(Clone, Debug)]
pub enum Kind {
    /// `Task`
    Task(Task),
    /// `Pass`
    Pass(Pass),
    /// `Choice`
    Choice(Choice),
    /// `Wait`
    Wait(Wait),
    /// `Succeed`
    Succeed,
    /// `Fail`
    Fail(Fail),
    /// `Parallel`
    Parallel(Parallel),
    /// `Map`
    Map(Map),
}

/// A Task's own fields.
#[derive(Clone, Debug)]
pub struct Task {
    /// `Resource`
    pub resource: Resource,
    /// `TimeoutSeconds` or `TimeoutSecondsPath`
    pub timeout: Option<Quantity>,
    /// `HeartbeatSeconds` or `HeartbeatSecondsPath`
    pub heartbeat: Option<Quantity>,
    /// `Credentials`
    pub credentials: Option<Template>,
}

/// A whole number: written down, or to be found when the state runs.
#[derive(Clone, Debug)]
pub enum Quantity {
    /// Written down.
    Fixed(u32),
    /// Where a path says.
    Path(Path),
    /// What a JSONata expression gives.
    Expression(Expression),
}

/// A Pass's own field.
#[derive(Clone, Debug)]
pub struct Pass {
    /// `Result`
    pub result: Option<Value>,
}

/// A Choice's own fields.
#[derive(Clone, Debug)]
pub struct Choice {
    /// `Choices`
    pub rules: Vec<Rule>,
    /// `Default`
    pub default: Option<StateId>,
}

/// A rule of a Choice.
#[derive(Clone, Debug)]
pub struct Rule {
    /// When it matches.
    pub condition: Condition,
    /// `Next`
    pub next: StateId,
    /// `Assign`
    pub assign: Option<Template>,
    /// `Output` (JSONata)
    pub output: Option<Template>,
}

/// A Wait's own field.
#[derive(Clone, Debug)]
pub enum Wait {
    /// `Seconds`
    Seconds(u32),
    /// `SecondsPath`
    SecondsPath(Path),
    /// `Timestamp`
    Timestamp(Timestamp),
    /// `TimestampPath`
    TimestampPath(Path),
    /// `Seconds` as an expression in JSONata.
    SecondsExpression(Expression),
    /// `Timestamp` as an expression in JSONata.
    TimestampExpression(Expression),
}

/// A Fail's own fields.
#[derive(Clone, Debug)]
pub struct Fail {
    /// `Error` or `ErrorPath`
    pub error: Option<Text>,
    /// `Cause` or `CausePath`
    pub cause: Option<Text>,
}

/// A text: written down, or to be found when the state runs.
#[derive(Clone, Debug)]
pub enum Text {
    /// Written down.
    Fixed(Arc<str>),
    /// Where a path says.
    Path(Path),
    /// What an intrinsic function answers.
    Call(Call),
    /// What a JSONata expression gives.
    Expression(Expression),
}

/// A Parallel's own field.
#[derive(Clone, Debug)]
pub struct Parallel {
    /// `Branches`
    pub branches: Vec<ScopeId>,
}

/// A Map's own fields.
#[derive(Clone, Debug)]
pub struct Map {
    /// `ItemProcessor` or `Iterator`
    pub processor: ScopeId,
    /// What it runs over.
    pub items: Items,
    /// `ItemSelector`, or `Parameters` as it was called before.
    pub item_selector: Option<Template>,
    /// `MaxConcurrency` or `MaxConcurrencyPath`; 0 means as many as the quota allows.
    pub max_concurrency: Quantity,
    /// The fields of a Distributed Map; `None` for an inline one.
    pub distributed: Option<Distributed>,
}

/// What a Map runs over.
#[derive(Clone, Debug)]
pub enum Items {
    /// No `ItemsPath`: the effective input itself.
    Input,
    /// `ItemsPath`
    Path(Path),
    /// `Items` (JSONata) as an expression.
    Expression(Expression),
    /// `Items` (JSONata) written down, perhaps with expressions in it.
    Template(Template),
}

/// The fields of a Distributed Map, checked, not compiled yet.
#[derive(Clone, Debug)]
pub struct Distributed {
    /// `Label`
    pub label: Option<Arc<str>>,
    /// Whether its children are Express executions.
    pub express: bool,
    /// `ItemReader`, `ItemBatcher`, `ResultWriter` and the tolerated failures, as written.
    pub fields: Object,
}

/// A retrier: an element of `Retry`.
#[derive(Clone, Debug)]
pub struct Retrier {
    /// `ErrorEquals`
    pub error_equals: Vec<Arc<str>>,
    /// `IntervalSeconds`, 1 if absent.
    pub interval_seconds: u32,
    /// `MaxAttempts`, 3 if absent; 0 means never.
    pub max_attempts: u32,
    /// `BackoffRate`, 2.0 if absent.
    pub backoff_rate: f64,
    /// `MaxDelaySeconds`
    pub max_delay_seconds: Option<u32>,
    /// `JitterStrategy`
    pub jitter: Jitter,
}

/// `JitterStrategy`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Jitter {
    /// `NONE`
    #[default]
    None,
    /// `FULL`: anything from nothing to the whole delay.
    Full,
}

/// A catcher: an element of `Catch`.
#[derive(Clone, Debug)]
pub struct Catcher {
    /// `ErrorEquals`
    pub error_equals: Vec<Arc<str>>,
    /// `Next`
    pub next: StateId,
    /// `ResultPath`
    pub result_path: ResultPath,
    /// `Assign`
    pub assign: Option<Template>,
    /// `Output` (JSONata)
    pub output: Option<Template>,
}

impl Definition {
    /// The state with this id.
    ///
    /// # Panics
    /// When the id is of another definition.
    #[must_use]
    pub fn state(&self, id: StateId) -> &State {
        match self.states.get(id.0 as usize) {
            Some(state) => state,
            None => unreachable!("a StateId is a position in the definition that made it"),
        }
    }

    /// The scope with this id.
    ///
    /// # Panics
    /// When the id is of another definition.
    #[must_use]
    pub fn scope(&self, id: ScopeId) -> &Scope {
        match self.scopes.get(id.0 as usize) {
            Some(scope) => scope,
            None => unreachable!("a ScopeId is a position in the definition that made it"),
        }
    }

    /// The scope of the machine itself.
    #[must_use]
    pub fn root(&self) -> ScopeId {
        ScopeId(0)
    }

    /// The state called `name`, in whatever scope.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<StateId> {
        self.names.get(name).copied()
    }

    /// Has executions start at the top-level state called `name`; `false`, and nothing changed, if there is none.
    pub fn start_at(&mut self, name: &str) -> bool {
        let start_at = self.find(name).filter(|&id| self.state(id).scope == self.root());
        let (Some(start_at), Some(root)) = (start_at, self.scopes.first_mut()) else { return false };
        root.start_at = start_at;
        true
    }

    /// All states, those of branches and item processors too, in the text's order.
    pub fn states(&self) -> impl ExactSizeIterator<Item = (StateId, &State)> {
        self.states.iter().enumerate().map(|(at, state)| (StateId(u32::try_from(at).unwrap_or(u32::MAX)), state))
    }

    /// The ARNs of the activities that its tasks are for.
    pub fn activities(&self) -> impl Iterator<Item = &std::sync::Arc<str>> {
        self.states().filter_map(|(_, state)| match &state.kind {
            Kind::Task(task) => match &task.resource {
                Resource::Activity { arn } => Some(arn),
                Resource::Lambda { .. } | Resource::Service { .. } => None,
            },
            _ => None,
        })
    }

    /// What the interpreter cannot run yet, if the machine uses it: a sentence that names the first such state.
    #[must_use]
    pub fn not_runnable_yet(&self) -> Option<String> {
        self.states.iter().find_map(|state| match (&state.flow, &state.kind) {
            (_, Kind::Map(Map { distributed: Some(_), .. })) => {
                Some(format!("state `{}` is a Distributed Map, which can be validated but not run yet", state.name))
            }
            _ => None,
        })
    }
}

impl State {
    /// The language of its expressions.
    #[must_use]
    pub fn query_language(&self) -> QueryLanguage {
        match self.flow {
            Flow::JsonPath(_) => QueryLanguage::JsonPath,
            Flow::Jsonata(_) => QueryLanguage::Jsonata,
        }
    }

    /// The name of its type, as `Type` spells it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Task(_) => "Task",
            Kind::Pass(_) => "Pass",
            Kind::Choice(_) => "Choice",
            Kind::Wait(_) => "Wait",
            Kind::Succeed => "Succeed",
            Kind::Fail(_) => "Fail",
            Kind::Parallel(_) => "Parallel",
            Kind::Map(_) => "Map",
        }
    }
}
