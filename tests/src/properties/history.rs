//! What is true of every history, whatever the machine: checked against the definition alone, by rules of their own.

use serde_json::Value;
use statewright_interpreter::definition::{Definition, ScopeId, StateId};
use statewright_interpreter::history::{EventDetails, EventId, HistoryEvent, IterationStage, TaskStage};

/// Checks a history from its first event on.
///
/// - Ids are dense from 1, `previous` is an earlier one, times do not go back.
/// - `previous` is 0 only for the execution's own events and the first state.
/// - No event follows one that nothing may follow, but what a Map does follows its last iteration's success.
/// - An event stands in the same scope as the one before on its path, in one around it, or in one inside: never in another branch. Only
///   what is aborted because another branch failed follows that one.
/// - What leaves a state follows its entry, or something inside it.
/// - The stages of a task follow each other.
///
/// # Errors
/// With the first event that breaks a rule.
pub fn check(definition: &Definition, history: &[HistoryEvent]) -> Result<(), String> {
    for (at, event) in history.iter().enumerate() {
        let complain = |what: &str| {
            let previous = at_id(history, event.previous).map(HistoryEvent::to_json).unwrap_or_default();
            Err(format!("{what}: {}\nwhich follows {previous}", event.to_json()))
        };
        if event.id.0 != at as u64 + 1 {
            return complain("ids are not dense");
        }
        if event.previous >= event.id {
            return complain("an event follows a later one");
        }
        if at.checked_sub(1).and_then(|before| history.get(before)).is_some_and(|before| before.timestamp > event.timestamp) {
            return complain("time goes back");
        }
        let Some(previous) = at_id(history, event.previous) else {
            if !may_be_first(event, history) {
                return complain("an event follows none");
            }
            continue;
        };
        if !may_follow(&previous.details, &event.details) {
            return complain("an event follows one that nothing follows");
        }
        // What a failure aborts follows the failure, in whatever branch that was.
        let aborted = matches!(event.details, EventDetails::MapIteration { stage: IterationStage::Aborted, .. });
        if is_named(&event.details) && !aborted {
            if let (Some(here), Some(there)) = (place(definition, event), place_of_path(definition, history, previous))
                && !related(definition, here, there)
            {
                return complain("an event follows one of another path");
            }
            if !is_consistent(definition, history, event, previous) {
                return complain("a state is entered or left out of turn");
            }
        }
        if !is_in_stage(&event.details, &previous.details) {
            return complain("a task's stages are out of order");
        }
    }
    Ok(())
}

/// Checks that an execution that has ended ends with the event that says so, and no other does.
///
/// # Errors
/// When it does not.
pub fn check_end(history: &[HistoryEvent], status: &str) -> Result<(), String> {
    let ends: Vec<&'static str> = history.iter().filter_map(|event| status_of(&event.details)).collect();
    let last = history.last().and_then(|event| status_of(&event.details));
    match status {
        "RUNNING" if ends.is_empty() => Ok(()),
        _ if ends.len() == 1 && last == Some(status) => Ok(()),
        _ => Err(format!("the status is {status}, the history ends with {:?}", history.last().map(HistoryEvent::to_json))),
    }
}

fn status_of(details: &EventDetails) -> Option<&'static str> {
    match details {
        EventDetails::ExecutionSucceeded { .. } => Some("SUCCEEDED"),
        EventDetails::ExecutionFailed(_) => Some("FAILED"),
        EventDetails::ExecutionAborted(_) => Some("ABORTED"),
        EventDetails::ExecutionTimedOut(_) => Some("TIMED_OUT"),
        _ => None,
    }
}

fn at_id(history: &[HistoryEvent], id: EventId) -> Option<&HistoryEvent> {
    history.get(usize::try_from(id.0).ok()?.checked_sub(1)?)
}

fn may_be_first(event: &HistoryEvent, history: &[HistoryEvent]) -> bool {
    match event.details {
        EventDetails::ExecutionStarted { .. } => event.id.0 == 1,
        EventDetails::StateEntered { .. } => event.id.0 == 2,
        EventDetails::ExecutionAborted(_) | EventDetails::ExecutionTimedOut(_) => event.id.0 == history.len() as u64,
        _ => false,
    }
}

/// The events that no other names as the one before.
fn is_leaf(details: &EventDetails) -> bool {
    match details {
        EventDetails::MapIteration { stage, .. } => *stage != IterationStage::Started,
        EventDetails::ExecutionStarted { .. }
        | EventDetails::ExecutionSucceeded { .. }
        | EventDetails::ExecutionFailed(_)
        | EventDetails::ExecutionAborted(_)
        | EventDetails::ExecutionTimedOut(_)
        | EventDetails::StateAborted(_)
        | EventDetails::ParallelStateSucceeded
        | EventDetails::MapStateSucceeded => true,
        _ => false,
    }
}

fn may_follow(previous: &EventDetails, details: &EventDetails) -> bool {
    // The last event that a history has room for follows whatever is before it.
    if matches!(details, EventDetails::ExecutionFailed(_)) || !is_leaf(previous) {
        return true;
    }
    matches!(previous, EventDetails::MapIteration { stage: IterationStage::Succeeded, .. })
        && !matches!(details, EventDetails::MapIteration { stage: IterationStage::Started, .. })
}

fn is_named(details: &EventDetails) -> bool {
    matches!(details, EventDetails::StateEntered { .. } | EventDetails::StateExited { .. } | EventDetails::MapIteration { .. })
}

/// The scope an event with a name stands in.
fn place(definition: &Definition, event: &HistoryEvent) -> Option<ScopeId> {
    match &event.details {
        EventDetails::StateEntered { name, .. } | EventDetails::StateExited { name, .. } => {
            Some(definition.state(definition.find(name)?).scope)
        }
        EventDetails::MapIteration { name, .. } => {
            let map = definition.find(name)?;
            definition.states().find_map(|(_, state)| {
                let inner = definition.scope(state.scope);
                (inner.parent == Some(map)).then_some(state.scope)
            })
        }
        _ => None,
    }
}

/// The event itself, or the nearest one before it on its path that has a name.
fn named<'h>(history: &'h [HistoryEvent], from: &'h HistoryEvent) -> Option<&'h HistoryEvent> {
    let mut event = from;
    while !is_named(&event.details) {
        event = at_id(history, event.previous)?;
    }
    Some(event)
}

/// The scope of the path that leads to an event. What a Parallel or Map writes may follow a branch that failed, and does not say whose it is:
/// there it is unknown.
#[must_use]
pub(super) fn place_of_path(definition: &Definition, history: &[HistoryEvent], event: &HistoryEvent) -> Option<ScopeId> {
    let mut event = event;
    while !is_named(&event.details) {
        match event.details {
            EventDetails::ParallelStateStarted
            | EventDetails::ParallelStateFailed
            | EventDetails::MapStateStarted { .. }
            | EventDetails::MapStateFailed => return None,
            _ => event = at_id(history, event.previous)?,
        }
    }
    place(definition, event)
}

/// Whether a scope is another one, or inside it.
fn is_within(definition: &Definition, inner: ScopeId, outer: ScopeId) -> bool {
    let mut scope = inner;
    loop {
        if scope == outer {
            return true;
        }
        let Some(parent) = definition.scope(scope).parent else { return false };
        scope = definition.state(parent).scope;
    }
}

pub(super) fn related(definition: &Definition, one: ScopeId, other: ScopeId) -> bool {
    is_within(definition, one, other) || is_within(definition, other, one)
}

fn is_inside(definition: &Definition, scope: ScopeId, state: StateId) -> bool {
    definition
        .states()
        .any(|(_, inner)| definition.scope(inner.scope).parent == Some(state) && is_within(definition, scope, inner.scope))
}

fn is_consistent(definition: &Definition, history: &[HistoryEvent], event: &HistoryEvent, previous: &HistoryEvent) -> bool {
    let Some(named) = named(history, previous) else { return false };
    let inside = |state: StateId| place(definition, named).is_some_and(|scope| is_inside(definition, scope, state));
    match &event.details {
        EventDetails::StateExited { name, .. } => match &named.details {
            EventDetails::StateEntered { name: entered, .. } if entered == name => true,
            _ => definition.find(name).is_some_and(inside),
        },
        EventDetails::StateEntered { name, .. } => {
            let Some(state) = definition.find(name).map(|id| definition.state(id)) else { return false };
            match (&previous.details, definition.scope(state.scope).parent) {
                (EventDetails::StateExited { .. }, _) => place(definition, previous) == Some(state.scope),
                (EventDetails::MapIteration { stage: IterationStage::Started, .. }, Some(_)) => {
                    place(definition, previous) == Some(state.scope)
                }
                (EventDetails::ParallelStateStarted, Some(parent)) => match &named.details {
                    EventDetails::StateEntered { name, .. } => definition.find(name) == Some(parent) || inside(parent),
                    _ => inside(parent),
                },
                _ => false,
            }
        }
        _ => true,
    }
}

fn is_in_stage(details: &EventDetails, previous: &EventDetails) -> bool {
    let EventDetails::Task(event) = details else { return true };
    let before = if let EventDetails::Task(before) = previous { Some(&before.stage) } else { None };
    match event.stage {
        TaskStage::Scheduled { .. } => matches!(
            before,
            None | Some(
                TaskStage::Failed(_)
                    | TaskStage::TimedOut(_)
                    | TaskStage::StartFailed(_)
                    | TaskStage::SubmitFailed(_)
                    | TaskStage::ScheduleFailed(_)
                    | TaskStage::Succeeded { .. }
            )
        ),
        TaskStage::Started { .. } | TaskStage::ScheduleFailed(_) | TaskStage::StartFailed(_) => {
            matches!(before, Some(TaskStage::Scheduled { .. }))
        }
        TaskStage::Submitted { .. } => matches!(before, Some(TaskStage::Started { .. })),
        TaskStage::Succeeded { .. } | TaskStage::Failed(_) | TaskStage::TimedOut(_) | TaskStage::SubmitFailed(_) => {
            matches!(before, Some(TaskStage::Started { .. } | TaskStage::Submitted { .. }))
        }
    }
}

/// Checks that an event is rendered as JSON with the members that the API knows for its type, and no others.
///
/// # Errors
/// When it is not.
pub fn check_rendered(text: &str) -> Result<(), String> {
    let event: Value = serde_json::from_str(text).map_err(|error| format!("{error}: {text}"))?;
    let complain = |what: &str| Err(format!("{what}: {text}"));
    let Some(event) = event.as_object() else { return complain("an event is no object") };
    let type_name = event.get("type").and_then(Value::as_str).unwrap_or_default();
    let Some((_, details, allowed)) = TYPES.iter().find(|(types, ..)| types.contains(&type_name)) else {
        return complain("the API knows no such type");
    };
    let details = match *details {
        "" => String::new(),
        "*" => format!(
            "{}{}EventDetails",
            type_name.get(..1).unwrap_or_default().to_lowercase(),
            type_name.get(1..).unwrap_or_default()
        ),
        name => format!("{name}EventDetails"),
    };
    for (name, value) in event {
        match name.as_str() {
            "timestamp" if value.is_number() => {}
            "type" => {}
            "id" | "previousEventId" if value.is_u64() => {}
            name if name == details => {
                let known = |name: &String| allowed.contains(&name.as_str());
                if let Some(other) = value.as_object().and_then(|members| members.keys().find(|&name| !known(name))) {
                    return complain(&format!("details have no member {other}"));
                }
            }
            _ => return complain(&format!("an event has no such member {name}")),
        }
    }
    if event.len() < 4 { complain("a member is missing") } else { Ok(()) }
}

/// Types, the member that holds their details (`*`: named like the type), and what that may hold.
///
/// Source: API model, `HistoryEvent`.
const TYPES: &[(&[&str], &str, &[&str])] = &[
    (&["ExecutionStarted"], "*", &["input", "inputDetails", "roleArn"]),
    (&["ExecutionSucceeded"], "*", &["output", "outputDetails"]),
    (&["ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"], "*", &["error", "cause"]),
    (
        &[
            "TaskStateEntered",
            "PassStateEntered",
            "ChoiceStateEntered",
            "WaitStateEntered",
            "SucceedStateEntered",
            "FailStateEntered",
            "ParallelStateEntered",
            "MapStateEntered",
        ],
        "stateEntered",
        &["name", "input", "inputDetails"],
    ),
    (
        &[
            "TaskStateExited",
            "PassStateExited",
            "ChoiceStateExited",
            "WaitStateExited",
            "SucceedStateExited",
            "ParallelStateExited",
            "MapStateExited",
        ],
        "stateExited",
        &["name", "output", "outputDetails", "assignedVariables", "assignedVariablesDetails"],
    ),
    (
        &[
            "TaskStateAborted",
            "WaitStateAborted",
            "ParallelStateAborted",
            "MapStateAborted",
            "ParallelStateStarted",
            "ParallelStateSucceeded",
            "ParallelStateFailed",
            "MapStateSucceeded",
            "MapStateFailed",
            "LambdaFunctionStarted",
        ],
        "",
        &[],
    ),
    (&["MapStateStarted"], "*", &["length"]),
    (&["MapIterationStarted", "MapIterationSucceeded", "MapIterationFailed", "MapIterationAborted"], "*", &["name", "index"]),
    (
        &["TaskScheduled"],
        "*",
        &["resourceType", "resource", "region", "parameters", "timeoutInSeconds", "heartbeatInSeconds", "taskCredentials"],
    ),
    (&["TaskStarted"], "*", &["resourceType", "resource"]),
    (&["TaskSubmitted", "TaskSucceeded"], "*", &["resourceType", "resource", "output", "outputDetails"]),
    (&["TaskFailed", "TaskTimedOut", "TaskStartFailed", "TaskSubmitFailed"], "*", &["resourceType", "resource", "error", "cause"]),
    (&["LambdaFunctionScheduled"], "*", &["resource", "input", "inputDetails", "timeoutInSeconds", "taskCredentials"]),
    (&["ActivityScheduled"], "*", &["resource", "input", "inputDetails", "timeoutInSeconds", "heartbeatInSeconds"]),
    (&["ActivityStarted"], "*", &["workerName"]),
    (&["LambdaFunctionSucceeded", "ActivitySucceeded"], "*", &["output", "outputDetails"]),
    (
        &[
            "LambdaFunctionFailed",
            "LambdaFunctionTimedOut",
            "LambdaFunctionStartFailed",
            "LambdaFunctionScheduleFailed",
            "ActivityFailed",
            "ActivityTimedOut",
            "ActivityScheduleFailed",
        ],
        "*",
        &["error", "cause"],
    ),
];
