//! `statewright cost`: what a state machine would cost on a deployment, before it is deployed, beside what Step Functions charges.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use statewright_cost::{Architecture, Billing, Load, Prices, Shape};
use statewright_interpreter::definition::{
    Definition, Kind, MachineType, Next, Pattern, Quantity, Resource, ScopeId, StateId, Task, Wait,
};

use crate::cli::CostArgs;
use crate::machine::{Loading, Machine};
use crate::refusal::Refusal;
use crate::screen::{Screen, write_stdout};
use crate::substitutions;

/// A pause of at most so many seconds is waited for by the driver.
const STAYS_SECONDS: u32 = 2;
/// A task that certainly takes no longer is waited for by the driver: the template's `WaitSeconds`.
const WAIT_SECONDS: u32 = 30;
/// So many items a Map runs at once that does not say how many.
///
/// Source: developer guide, "Map state in Inline mode".
const CONCURRENCY: f64 = 40.0;
const MILLION: f64 = 1e6;

/// Estimates what the arguments ask for.
///
/// # Errors
/// When the definition cannot be read or is wrong, or standard output cannot be written.
pub(crate) fn cost(arguments: &CostArgs, screen: &Screen) -> Result<ExitCode, Refusal> {
    let substitutions = substitutions::read(arguments.substitutions.as_deref(), &arguments.substitute)?;
    let loading = Loading { machine_type: MachineType::Standard, substitutions: &substitutions, unresolved_allowed: true };
    let machine = Machine::load(&arguments.file, None, &loading, screen)?;
    let shape = shape_of(&machine.definition, &Assumed::by(arguments));
    write_stdout(table(&shape, arguments, &Prices::shipped()).as_bytes()).map(|()| ExitCode::SUCCESS)
}

fn table(shape: &Shape, arguments: &CostArgs, prices: &Prices) -> String {
    let load = Load {
        task_ms: arguments.task_ms as f64,
        result_bytes: arguments.result_bytes as f64,
        batch: arguments.batch.clamp(1, 10) as f64,
        starts_directly: arguments.direct_starts,
    };
    let usage = shape.usage(prices, &load);
    let executions = arguments.executions as f64;
    let own = |architecture, billing| prices.dollars(&usage, architecture, billing).total();
    let on_demand = own(Architecture::Arm64, Billing::OnDemand);
    let seconds = shape.seconds(&load);
    let mut rows = vec![
        ("statewright, arm64".to_owned(), on_demand),
        ("statewright, x86".to_owned(), own(Architecture::X86, Billing::OnDemand)),
        (
            format!("statewright, arm64, provisioned table at {:.0} %", prices.dynamodb.provisioned_use * 100.0),
            own(Architecture::Arm64, Billing::Provisioned),
        ),
        ("Step Functions Standard".to_owned(), prices.standard(shape.transitions)),
    ];
    if shape.callbacks == 0.0 {
        rows.push(("Step Functions Express (not durable)".to_owned(), prices.express(seconds)));
    }
    let bytes = load.result_bytes * shape.results;
    rows.push(("Lambda durable function".to_owned(), prices.durable(1.0 + shape.results + shape.waits, bytes, seconds)));
    let width = rows.iter().map(|row| row.0.chars().count()).max().unwrap_or(0);
    let mut text = format!(
        "{:.0} transitions, {:.0} results of tasks, {:.0} waits; {:.1} write units, {:.2} invocations an execution\n\n{:width$}  $ a million executions  $ a month  beside Standard\n",
        shape.transitions, shape.results, shape.waits, usage.writes, usage.invocations, ""
    );
    let standard = prices.standard(shape.transitions);
    for (name, dollars) in rows {
        text.push_str(&format!(
            "{name:width$}  {:>22.2}  {:>9.2}  {:>13.1} ×\n",
            dollars * MILLION,
            dollars * executions,
            standard / dollars
        ));
    }
    text.push_str(&format!(
        "\nAn estimate with list prices of {} of {}, no free tier: the longest way through the definition without errors, each loop {} times,\n\
         Maps of {} items, tasks of {} ms with results of {} bytes, {} executions an invocation, {} executions a month.\n\
         Functions that tasks call, storage, and what a deployment costs that does nothing are not in it: see the README of `infra`.\n\
         {}{}",
        prices.region,
        prices.date,
        arguments.rounds,
        arguments.items,
        arguments.task_ms,
        arguments.result_bytes,
        arguments.batch,
        arguments.executions,
        handing_on(shape, arguments),
        if shape.activities > 0.0 { "What workers of activities ask for in vain is not in it either.\n" } else { "" },
    ));
    text
}

/// Who waits for the functions of tasks, and why.
fn handing_on(shape: &Shape, arguments: &CostArgs) -> String {
    let assumed = Assumed::by(arguments);
    let tasks =
        format!("{:.0} tasks an execution are handed to the function of tasks, which costs several times more", shape.handed_on);
    match (shape.handed_on > 0.0, assumed.task_seconds > f64::from(WAIT_SECONDS)) {
        (true, true) => format!("{tasks}: they take longer than {WAIT_SECONDS} s, the deployment's WaitSeconds.\n"),
        (true, false) => format!(
            "{tasks}: nobody knows how long\nthey may take. List their functions in the deployment's FunctionArns, or give them a TimeoutSeconds of at most {WAIT_SECONDS}.\n"
        ),
        (false, _) if shape.results == 0.0 || assumed.unknown_functions => String::new(),
        (false, _) => format!(
            "Functions are taken for ones in the deployment's FunctionArns that time out within {WAIT_SECONDS} s; tasks of others cost several times\nmore: --unknown-functions.\n"
        ),
    }
}

/// What is not in the definition.
#[derive(Clone, Copy)]
struct Assumed {
    items: f64,
    rounds: f64,
    task_seconds: f64,
    unknown_functions: bool,
}

impl Assumed {
    fn by(arguments: &CostArgs) -> Self {
        Self {
            items: arguments.items as f64,
            rounds: arguments.rounds as f64,
            task_seconds: arguments.task_ms as f64 / 1000.0,
            unknown_functions: arguments.unknown_functions,
        }
    }
}

/// What the longest way through a definition does, without errors.
fn shape_of(definition: &Definition, assumed: &Assumed) -> Shape {
    let mut walk = Walk { definition, assumed, known: BTreeMap::new() };
    walk.scope(definition.root())
}

struct Walk<'d> {
    definition: &'d Definition,
    assumed: &'d Assumed,
    /// The way from a state to the end; `None` while it is looked for.
    known: BTreeMap<StateId, Option<Shape>>,
}

impl Walk<'_> {
    fn scope(&mut self, scope: ScopeId) -> Shape {
        self.from(self.definition.scope(scope).start_at)
    }

    /// The longest way from a state to the end of its scope.
    fn from(&mut self, id: StateId) -> Shape {
        if let Some(known) = self.known.get(&id) {
            // A loop: what is in it was counted already.
            return known.unwrap_or_default();
        }
        self.known.insert(id, None);
        let definition = self.definition;
        let own = self.own(&definition.state(id).kind);
        let next = self.nexts(id);
        // A loop is gone round, and then left.
        let (mut round, mut onward) = (Shape::default(), Shape::default());
        for next in next {
            let way = self.from(next);
            let longest = if self.leads(next, id) { &mut round } else { &mut onward };
            if (way.rounds + way.waits, way.transitions) > (longest.rounds + longest.waits, longest.transitions) {
                *longest = way;
            }
        }
        let own = if self.leads(id, id) { own.times(self.assumed.rounds, 1.0) } else { own };
        let way = own.then(round).then(onward);
        self.known.insert(id, Some(way));
        way
    }

    fn nexts(&self, id: StateId) -> Vec<StateId> {
        let state = self.definition.state(id);
        let rules = match &state.kind {
            Kind::Choice(choice) => choice.rules.iter().map(|rule| rule.next).chain(choice.default).collect(),
            _ => Vec::new(),
        };
        let next = match state.next {
            Next::State(next) if rules.is_empty() => Some(next),
            Next::State(_) | Next::End => None,
        };
        rules.into_iter().chain(next).collect()
    }

    /// Whether a way of at least one step leads from one state to another.
    fn leads(&self, from: StateId, to: StateId) -> bool {
        let (mut seen, mut left) = (BTreeSet::new(), vec![from]);
        while let Some(id) = left.pop() {
            for next in self.nexts(id) {
                if next == to {
                    return true;
                }
                if seen.insert(next) {
                    left.push(next);
                }
            }
        }
        false
    }

    fn own(&mut self, kind: &Kind) -> Shape {
        let entered = Shape { transitions: 1.0, ..Shape::default() };
        match kind {
            Kind::Pass(_) | Kind::Choice(_) | Kind::Succeed | Kind::Fail(_) => entered,
            Kind::Task(task) => entered.then(self.task(task)),
            Kind::Wait(Wait::Seconds(seconds)) if *seconds <= STAYS_SECONDS => {
                Shape { rounds: 1.0, paused_seconds: f64::from(*seconds), ..entered }
            }
            Kind::Wait(_) => Shape { waits: 1.0, ..entered },
            Kind::Parallel(parallel) => {
                let branches = parallel.branches.iter().map(|branch| self.scope(*branch));
                entered.then(branches.fold(Shape::default(), Shape::beside))
            }
            Kind::Map(map) => {
                let together = match map.max_concurrency {
                    Quantity::Fixed(0) | Quantity::Path(_) | Quantity::Expression(_) => CONCURRENCY,
                    Quantity::Fixed(limit) => f64::from(limit).min(CONCURRENCY),
                };
                entered.then(self.scope(map.processor).times(self.assumed.items, together))
            }
        }
    }

    fn task(&self, task: &Task) -> Shape {
        let done = Shape { results: 1.0, ..Shape::default() };
        if let Resource::Activity { .. } = task.resource {
            return Shape { waits: 1.0, callbacks: 1.0, activities: 1.0, ..done };
        }
        let called = match self.is_handed_on(task) {
            true => Shape { waits: 1.0, handed_on: 1.0, handed_on_in_line: 1.0, ..done },
            false => Shape { tasks_in_line: 1.0, ..done },
        };
        match task.resource.pattern() {
            // What is handed on comes back as an event.
            Pattern::RequestResponse => Shape { rounds: 1.0 - called.handed_on, ..called },
            Pattern::WaitForTaskToken => Shape { waits: called.waits + 1.0, callbacks: 1.0, ..called },
            Pattern::Sync | Pattern::Sync2 => Shape { waits: called.waits + 1.0, ..called },
        }
    }

    /// Whether the driver leaves a task to the function of tasks. Other services than Lambda answer at once.
    fn is_handed_on(&self, task: &Task) -> bool {
        let calls_function = match &task.resource {
            Resource::Lambda { .. } => true,
            Resource::Service { resource_type, .. } => &**resource_type == "lambda",
            Resource::Activity { .. } => false,
        };
        let is_bounded = matches!(task.timeout, Some(Quantity::Fixed(seconds)) if seconds <= WAIT_SECONDS);
        let is_long = self.assumed.unknown_functions || self.assumed.task_seconds > f64::from(WAIT_SECONDS);
        calls_function && is_long && !is_bounded
    }
}

#[cfg(test)]
mod tests {
    use statewright_interpreter::definition::Options;

    use super::*;

    fn shape(definition: &str) -> Shape {
        let parsed = Definition::parse(definition, &Options::default()).expect("it is sound");
        shape_of(&parsed.definition, &ASSUMED)
    }

    const ASSUMED: Assumed = Assumed { items: 40.0, rounds: 3.0, task_seconds: 0.1, unknown_functions: false };

    #[test]
    fn who_waits_for_a_task_follows_from_what_is_known_of_it() {
        let of = |members: &str, assumed: &Assumed| {
            let text = format!(r#"{{"StartAt":"T","States":{{"T":{{{members},"End":true}}}}}}"#);
            shape_of(&Definition::parse(&text, &Options::default()).expect("it is sound").definition, assumed)
        };
        let activity = of(r#""Type":"Task","Resource":"arn:aws:states:us-east-1:123456789012:activity:a""#, &ASSUMED);
        assert_eq!((activity.rounds, activity.waits, activity.callbacks, activity.activities), (0.0, 1.0, 1.0, 1.0));
        let unknown = Assumed { unknown_functions: true, ..ASSUMED };
        let slow = Assumed { task_seconds: 60.0, ..ASSUMED };
        for assumed in [&unknown, &slow] {
            let handed_on = of(TASK, assumed);
            assert_eq!((handed_on.rounds, handed_on.waits, handed_on.handed_on, handed_on.tasks_in_line), (0.0, 1.0, 1.0, 0.0));
            assert_eq!(of(&format!(r#"{TASK},"TimeoutSeconds":30"#), assumed).handed_on, 0.0, "it is known to be short");
            assert_eq!(of(&format!(r#"{TASK},"TimeoutSeconds":31"#), assumed).handed_on, 1.0);
            let queue =
                r#""Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Parameters":{"QueueUrl":"q","MessageBody":"m"}"#;
            assert_eq!(of(queue, assumed).handed_on, 0.0, "it answers at once");
        }
        assert_eq!(of(TASK, &ASSUMED).handed_on, 0.0);
    }

    const TASK: &str = r#""Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f""#;

    #[test]
    fn the_longest_way_counts() {
        let shape = shape(&format!(
            r#"{{"StartAt":"C","States":{{"C":{{"Type":"Choice","Choices":[{{"Variable":"$.a","IsPresent":true,"Next":"T"}}],"Default":"D"}},
            "T":{{{TASK},"Next":"U"}},"U":{{{TASK},"Next":"D"}},"D":{{"Type":"Succeed"}}}}}}"#
        ));
        assert_eq!((shape.transitions, shape.rounds, shape.results), (4.0, 2.0, 2.0));
    }

    #[test]
    fn items_and_branches_go_together_and_loops_come_again() {
        let map = shape(&format!(
            r#"{{"StartAt":"M","States":{{"M":{{"Type":"Map","MaxConcurrency":10,"ItemProcessor":{{"StartAt":"T","States":{{"T":{{{TASK},"End":true}}}}}},"End":true}}}}}}"#
        ));
        assert_eq!((map.transitions, map.rounds, map.results), (41.0, 4.0, 40.0));
        let parallel = shape(&format!(
            r#"{{"StartAt":"P","States":{{"P":{{"Type":"Parallel","Branches":[{{"StartAt":"A","States":{{"A":{{{TASK},"End":true}}}}}},
            {{"StartAt":"B","States":{{"B":{{{TASK},"End":true}}}}}}],"End":true}}}}}}"#
        ));
        assert_eq!((parallel.transitions, parallel.rounds, parallel.results), (3.0, 1.0, 2.0));
        let polls = shape(&format!(
            r#"{{"StartAt":"T","States":{{"T":{{{TASK},"Next":"C"}},"C":{{"Type":"Choice","Choices":[{{"Variable":"$.a","IsPresent":true,"Next":"D"}}],"Default":"W"}},
            "W":{{"Type":"Wait","Seconds":60,"Next":"T"}},"D":{{"Type":"Succeed"}}}}}}"#
        ));
        assert_eq!((polls.transitions, polls.rounds, polls.waits), (10.0, 3.0, 3.0));
    }
}
