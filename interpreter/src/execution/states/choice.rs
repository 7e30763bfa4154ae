//! `Choice`: goes where the first rule that matches says.

use super::Action;
use crate::definition::{Choice, Next};
use crate::error::{ErrorName, EvaluationError};
use crate::execution::data_flow;
use crate::execution::failure::Failure;
use crate::execution::scene::{Scene, Seen};

/// Source: ASL specification, "Choice State".
pub(super) fn act(scene: &Scene<'_>, choice: &Choice) -> Result<Action, EvaluationError> {
    let effective_input = data_flow::effective_input(scene)?;
    let inputs = scene.inputs(Seen::Input, effective_input.value());
    let mut matching = None;
    for rule in &choice.rules {
        if rule.condition.matches(&inputs)? {
            matching = Some(rule);
            break;
        }
    }
    let (next, assign) = match (matching, choice.default) {
        (Some(rule), _) => (rule.next, rule.assign.as_ref()),
        (None, Some(default)) => (default, scene.state.assign.as_ref()),
        (None, None) => {
            // The words of the cause are ours.
            let error =
                EvaluationError { name: ErrorName::NO_CHOICE_MATCHED, cause: "No choice rule matched.".to_owned(), location: None };
            let failure: Failure = scene.failure(&error);
            return Ok(Action::Fail(failure));
        }
    };
    let assigned = data_flow::assigned(scene, assign, Seen::Input, effective_input.value())?;
    let output = match matching {
        Some(rule) => data_flow::output_of_rule(scene, rule.output.as_ref(), effective_input)?,
        None => data_flow::output_of_input(scene, effective_input)?,
    };
    Ok(Action::Exit { output, assigned, next: Next::State(next) })
}
