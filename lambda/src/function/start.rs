//! Starts executions of one state machine, by events of any kind.

use serde_json::json;
use statewright_engine::api::{Api, Operation};
use statewright_engine::table::Table;
use statewright_engine::{Clock, ExpressQueue, Host, WakeQueue};

use super::Machinery;
use super::api::Place;
use crate::log;
use crate::start::{Answer, Mapped, Mapping, Start, Unstarted, name, read};
use crate::tasks::TaskQueue;

/// Why an event starts nothing.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It is no JSON.
    #[error("the event is no JSON: {0}")]
    Event(#[from] serde_json::Error),
    /// The source has to deliver it again.
    #[error(transparent)]
    Unstarted(#[from] Unstarted),
}

/// Starts what an event asks for, and says what the source is to deliver again.
///
/// # Errors
/// When the source has to deliver the whole event again.
pub async fn handle<T: Table, W: WakeQueue, Q: TaskQueue, X: ExpressQueue>(
    engine: &Machinery<T, W, Q, X>,
    place: &Place,
    machine: &str,
    mapping: &Mapping,
    event: &str,
    request_id: &str,
) -> Result<Answer, StartError> {
    let starts = read(event, request_id)?;
    let answer = starts.start_all(async |one| start(engine, place, machine, mapping, one).await).await?;
    Ok(answer)
}

/// Starts one execution. Whether it need not be delivered again: it is there, or is not wanted. An event that starts nothing, whatever the
/// reason, is left to its source, which gives it to whoever takes what has failed: a queue of dead letters, a destination for failures.
async fn start<T: Table, W: WakeQueue, Q: TaskQueue, X: ExpressQueue>(
    engine: &Machinery<T, W, Q, X>,
    place: &Place,
    machine: &str,
    mapping: &Mapping,
    one: &Start<'_>,
) -> bool {
    // What is said of an error may show a part of the event, so only its code is.
    let about = |code: &str| {
        log::error("an event started nothing", &[("stateMachine", &machine), ("name", &one.name), ("code", &code)]);
        false
    };
    let (input, mapped) = match mapping.apply(one.input) {
        Ok(Mapped::Start { input, name }) => (input, name),
        Ok(Mapped::Filtered) => return true,
        Err(error) => return about(error.code()),
    };
    let name = mapped.map_or_else(|| one.name.clone(), |mapped| name(&[&mapped]));
    let request = json!({ "stateMachineArn": machine, "name": name, "input": input }).to_string();
    let api = Api { table: &**engine.table(), executions: engine };
    match api.call(Operation::StartExecution, &request, &place.caller(engine.clock().now())).await {
        Ok(_) => true,
        Err(error) if error.code == "ExecutionAlreadyExists" => true,
        Err(error) => about(error.code),
    }
}
