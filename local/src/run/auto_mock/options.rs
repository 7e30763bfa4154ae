//! The ways out of a Choice, and what its variables must be for each.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use statewright_interpreter::Value;
use statewright_interpreter::definition::choice::{Comparison, Condition, Nature, Operand, Relation, Test};
use statewright_interpreter::definition::{Choice, Definition, Kind, Next, StateId};
use statewright_interpreter::inputs::{Draws, Inputs, Variables};
use statewright_interpreter::path::{Path, Root};
use statewright_interpreter::time::Timestamp;

use super::needs::Want;
use super::synthesis::TEXT;

/// How many ways to fulfil a rule are looked at.
const WAYS_MAX: usize = 200;

/// A way out of a Choice.
#[derive(Debug)]
pub(super) struct WayOut<'d> {
    /// Where it leads.
    pub(super) next: StateId,
    /// What variables must be; all others may be what they are.
    pub(super) wants: Vec<(&'d Path, Want)>,
}

/// The ways out that can be taken, the one to take first first: what ends well before what fails, what goes forward before what
/// leads back here, then as written.
pub(super) fn options<'d>(definition: &'d Definition, id: StateId, choice: &'d Choice, now: Timestamp) -> Vec<WayOut<'d>> {
    let mut options = Vec::new();
    for (at, rule) in choice.rules.iter().enumerate() {
        let before = choice.rules.iter().take(at).map(|rule| (&rule.condition, false));
        let wanted: Vec<_> = std::iter::once((&rule.condition, true)).chain(before).collect();
        options.extend(solve(wanted, now).map(|wants| WayOut { next: rule.next, wants }));
    }
    if let Some(next) = choice.default {
        let none = choice.rules.iter().map(|rule| (&rule.condition, false)).collect();
        options.extend(solve(none, now).map(|wants| WayOut { next, wants }));
    }
    options.sort_by_cached_key(|option| {
        let reached = reached_from(definition, option.next);
        let ends_well = reached.iter().any(|&state| ends_well(definition, state));
        let leads_back = reached.contains(&id);
        (!ends_well, leads_back, if leads_back { distance_to_end(definition, option.next) } else { 0 })
    });
    options
}

/// Where a state goes on when nothing fails.
pub(super) fn successors(definition: &Definition, id: StateId) -> Vec<StateId> {
    let state = definition.state(id);
    match &state.kind {
        Kind::Choice(choice) => choice.rules.iter().map(|rule| rule.next).chain(choice.default).collect(),
        Kind::Succeed | Kind::Fail(_) => Vec::new(),
        Kind::Task(_) | Kind::Pass(_) | Kind::Wait(_) | Kind::Parallel(_) | Kind::Map(_) => match state.next {
            Next::State(next) => vec![next],
            Next::End => Vec::new(),
        },
    }
}

fn reached_from(definition: &Definition, from: StateId) -> BTreeSet<StateId> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(id) = open.pop() {
        if reached.insert(id) {
            open.extend(successors(definition, id));
        }
    }
    reached
}

fn ends_well(definition: &Definition, id: StateId) -> bool {
    let state = definition.state(id);
    match state.kind {
        Kind::Succeed => true,
        Kind::Fail(_) | Kind::Choice(_) => false,
        Kind::Task(_) | Kind::Pass(_) | Kind::Wait(_) | Kind::Parallel(_) | Kind::Map(_) => state.next == Next::End,
    }
}

/// Over how many states the scope's end is reached.
fn distance_to_end(definition: &Definition, from: StateId) -> usize {
    let mut seen = BTreeSet::from([from]);
    let mut here = vec![from];
    let mut distance = 0;
    while !here.is_empty() {
        if here.iter().any(|&id| ends_well(definition, id)) {
            return distance;
        }
        distance += 1;
        here = here.iter().flat_map(|&id| successors(definition, id)).filter(|&id| seen.insert(id)).collect();
    }
    usize::MAX
}

/// What variables must be for every condition to be as it is wanted; `None` if nothing was found.
fn solve(wanted: Vec<(&Condition, bool)>, now: Timestamp) -> Option<Vec<(&Path, Want)>> {
    let mut budget = WAYS_MAX;
    expand(wanted, Vec::new(), now, &mut budget)
}

fn expand<'d>(
    mut open: Vec<(&'d Condition, bool)>,
    mut tests: Vec<(&'d Test, bool)>,
    now: Timestamp,
    budget: &mut usize,
) -> Option<Vec<(&'d Path, Want)>> {
    while let Some((condition, wanted)) = open.pop() {
        match condition {
            Condition::Test(test) => tests.push((test, wanted)),
            Condition::Not(inner) => open.push((inner, !wanted)),
            Condition::Expression(_) => return None,
            Condition::And(all) if wanted => open.extend(all.iter().map(|inner| (inner, true))),
            Condition::Or(all) if !wanted => open.extend(all.iter().map(|inner| (inner, false))),
            // One of them is enough: the first that works.
            Condition::And(any) | Condition::Or(any) => {
                return any.iter().find_map(|inner| {
                    *budget = budget.checked_sub(1)?;
                    let mut open = open.clone();
                    open.push((inner, wanted));
                    expand(open, tests.clone(), now, budget)
                });
            }
        }
    }
    assign(&tests, now)
}

/// Chooses a value for each variable.
fn assign<'d>(tests: &[(&'d Test, bool)], now: Timestamp) -> Option<Vec<(&'d Path, Want)>> {
    let mut by_variable: BTreeMap<&str, Vec<(&'d Test, bool)>> = BTreeMap::new();
    for (test, wanted) in tests {
        by_variable.entry(test.variable.text()).or_default().push((test, *wanted));
    }
    let mut wants = Vec::new();
    for tests in by_variable.values() {
        let variable = &tests.first()?.0.variable;
        let compared = tests.iter().find_map(|(test, wanted)| compared_paths(variable, &test.comparison, *wanted, now));
        if let Some((own, other_path, other)) = compared {
            wants.push((variable, Want::Exactly(own)));
            wants.push((other_path, Want::Exactly(other)));
            continue;
        }
        let candidates = tests.iter().flat_map(|(test, _)| candidates(&test.comparison)).chain(common(now));
        let fits =
            |value: &Option<Value>| tests.iter().all(|(test, wanted)| holds(&test.comparison, value.as_ref()) == Some(*wanted));
        let found = candidates.map(Some).chain([None]).find(fits)?;
        let is_presence = |(test, _): &(&Test, bool)| matches!(test.comparison, Comparison::Is(Nature::Present, _));
        wants.push((
            variable,
            match found {
                None => Want::Absent,
                // Anything will do.
                Some(_) if tests.iter().all(is_presence) => Want::Any,
                Some(value) => Want::Exactly(value),
            },
        ));
    }
    Some(wants)
}

/// Values for a variable and for the path it is compared with.
fn compared_paths<'d>(
    variable: &Path,
    comparison: &'d Comparison,
    wanted: bool,
    now: Timestamp,
) -> Option<(Value, &'d Path, Value)> {
    let pick = |relation: Relation, low: Value, high: Value| match order(relation, wanted) {
        Ordering::Less => (low, high),
        Ordering::Equal => (low.clone(), low),
        Ordering::Greater => (high, low),
    };
    let ((own, other), path) = match comparison {
        Comparison::String(relation, Operand::Path(path)) => (pick(*relation, Value::from("a"), Value::from("b")), path),
        Comparison::Numeric(relation, Operand::Path(path)) => (pick(*relation, Value::from(1_i64), Value::from(2_i64)), path),
        Comparison::Boolean(Operand::Path(path)) => ((Value::Bool(true), Value::Bool(wanted)), path),
        Comparison::Timestamp(relation, Operand::Path(path)) => (times(*relation, wanted, variable, path, now), path),
        _ => return None,
    };
    Some((own, path, other))
}

/// How the variable must lie to what it is compared with; equal where that will do.
fn order(relation: Relation, wanted: bool) -> Ordering {
    match (relation, wanted) {
        (Relation::Equal | Relation::LessOrEqual | Relation::GreaterOrEqual, true) => Ordering::Equal,
        (Relation::Less | Relation::Greater, false) => Ordering::Equal,
        (Relation::Less, true) | (Relation::Equal | Relation::GreaterOrEqual, false) => Ordering::Less,
        (Relation::Greater, true) | (Relation::LessOrEqual, false) => Ordering::Greater,
    }
}

/// Two times. Where one of them is the Context object's, the other must lie well before or after now.
fn times(relation: Relation, wanted: bool, variable: &Path, path: &Path, now: Timestamp) -> (Value, Value) {
    const YEAR_MS: i64 = 365 * 86_400_000;
    let order = match (order(relation, wanted), relation, wanted) {
        (Ordering::Equal, Relation::LessOrEqual, true) | (Ordering::Equal, Relation::Greater, false) => Ordering::Less,
        (Ordering::Equal, Relation::GreaterOrEqual, true) | (Ordering::Equal, Relation::Less, false) => Ordering::Greater,
        (order, _, _) => order,
    };
    let away = match order {
        Ordering::Less => YEAR_MS,
        Ordering::Equal => 0,
        Ordering::Greater => -YEAR_MS,
    };
    let time = |shift: i64| Value::from(Timestamp(now.0.saturating_add(shift)).to_string());
    match (variable.root(), path.root()) {
        (_, Root::Context) => (time(-away), time(0)),
        (Root::Context | Root::Input | Root::Variable(_), _) => (time(0), time(away)),
    }
}

/// Values near what a comparison asks for.
fn candidates(comparison: &Comparison) -> Vec<Value> {
    match comparison {
        Comparison::String(_, Operand::Constant(text)) => {
            vec![Value::from(&**text), Value::from(format!("{text}-")), Value::from("")]
        }
        Comparison::Numeric(_, Operand::Constant(number)) => {
            let near = |by: f64| match number.as_i64() {
                #[expect(clippy::cast_possible_truncation, reason = "plus or minus one")]
                Some(integer) => Value::from(integer.saturating_add(by as i64)),
                None => Value::from(number.as_f64() + by),
            };
            vec![Value::from(*number), near(1.0), near(-1.0)]
        }
        Comparison::Boolean(Operand::Constant(flag)) => vec![Value::Bool(*flag), Value::Bool(!*flag)],
        Comparison::Timestamp(_, Operand::Constant(instant)) => {
            let time = Timestamp::from(*instant);
            [0, 1000, -1000].map(|by| Value::from(Timestamp(time.0.saturating_add(by)).to_string())).into()
        }
        Comparison::Matches(pattern) => vec![Value::from(pattern.shortest())],
        Comparison::String(..)
        | Comparison::Numeric(..)
        | Comparison::Boolean(_)
        | Comparison::Timestamp(..)
        | Comparison::Is(..) => Vec::new(),
    }
}

/// Values of every type.
fn common(now: Timestamp) -> [Value; 5] {
    [Value::from(TEXT), Value::from(1_i64), Value::Bool(true), Value::from(now.to_string()), Value::Null]
}

/// Whether a value makes a comparison match; `None` where that cannot be said or fails.
fn holds(comparison: &Comparison, value: Option<&Value>) -> Option<bool> {
    if let Comparison::Is(Nature::Present, expected) = comparison {
        return Some(value.is_some() == *expected);
    }
    let value = value?;
    // What the comparison itself says of the value decides: a machine of one rule is asked.
    let document = Value::Object([("value".into(), value.clone())].into_iter().collect());
    let test = Test { variable: Path::parse("$.value").ok()?, comparison: comparison.clone() };
    let draws = Draws::new(0, 0);
    let inputs = Inputs { input: &document, context: &Value::Null, variables: &NoVariables, draws: &draws };
    Condition::Test(test).matches(&inputs).ok()
}

struct NoVariables;

impl Variables for NoVariables {
    fn variable(&self, _name: &str) -> Option<&Value> {
        None
    }
}
