//! One round of an execution in memory: what happened is applied, then what is due, then as many micro-steps as the budget allows.

use std::time::Duration;

use statewright_interpreter::command::Output;
use statewright_interpreter::definition::Definition;
use statewright_interpreter::event::Handled;
use statewright_interpreter::execution::{Execution, Progress};
use statewright_interpreter::time::Timestamp;

use crate::store::Happened;

/// How much one round may do before it commits.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Micro-steps.
    pub steps: usize,
}

impl Default for Budget {
    /// Few enough for one commit of any store.
    fn default() -> Self {
        Self { steps: 1000 }
    }
}

/// After so many micro-steps a driver looks how much it has done.
pub(crate) const STEPS_AT_ONCE: usize = 10;
/// It commits when its steps have taken so long: each may evaluate expressions for as long as those may take, and there is an end to an
/// invocation.
pub(crate) const ROUND_WITHIN: Duration = Duration::from_secs(5);
/// It commits when it has so many bytes of payloads to write, which are in memory until then.
pub(crate) const ROUND_BYTES: usize = 4_000_000;

/// What a round did.
#[derive(Clone, Copy, Debug)]
pub struct Advanced {
    /// Whether there is more to do at once, nothing until something happens, or nothing any more.
    pub progress: Progress,
    /// Whether the execution is another than before.
    pub changed: bool,
    /// How many of the things that happened changed nothing: they were stale or repeated.
    pub ignored: usize,
}

/// Applies what has happened, in the order in which it happened, and what is due at `now`; then goes on as far as `budget` allows.
pub fn advance(
    execution: &mut Execution,
    definition: &Definition,
    happened: impl IntoIterator<Item = Happened>,
    now: Timestamp,
    budget: Budget,
    out: &mut Output,
) -> Advanced {
    let mut happened: Vec<Happened> = happened.into_iter().collect();
    happened.sort_by_key(|happened| happened.at);
    let (mut changed, mut ignored) = (false, 0);
    let mut apply = |handled: Handled, ignored: &mut usize| match handled {
        Handled::Applied => changed = true,
        Handled::Ignored => *ignored += 1,
    };
    for Happened { at, event } in happened {
        // What was due before it comes first; at the same moment it is in time.
        let before = Timestamp(at.min(now).0.saturating_sub(1));
        apply(execution.handle_timeout(definition, before, out), &mut 0);
        apply(execution.handle(definition, event, at.min(now), out), &mut ignored);
    }
    apply(execution.handle_timeout(definition, now, out), &mut 0);
    let (progress, advanced) = go_on(execution, definition, now, budget, out);
    Advanced { progress, changed: changed || advanced, ignored }
}

/// Goes on as far as `budget` allows: how far that is, and whether the execution is another than before.
pub(crate) fn go_on(
    execution: &mut Execution,
    definition: &Definition,
    now: Timestamp,
    budget: Budget,
    out: &mut Output,
) -> (Progress, bool) {
    let (mut progress, mut changed) = (Progress::Advanced, false);
    let was_running = !execution.status().is_final();
    for _ in 0..budget.steps {
        progress = execution.poll(definition, now, out);
        // The micro-step that ends an execution is one as well.
        changed |= progress == Progress::Advanced || (progress == Progress::Finished && was_running);
        if progress != Progress::Advanced {
            break;
        }
    }
    if execution.status().is_final() {
        progress = Progress::Finished;
    }
    (progress, changed)
}
