//! Makes state machines for the stacks of CloudFormation, and for its own stack the keys.

use serde_json::{Value, json};
use statewright_engine::api::{Api, Operation};
use statewright_engine::table::Table;
use statewright_engine::{Clock, ExpressQueue, Host, WakeQueue};
use statewright_integrations::s3;

use super::Machinery;
use super::api::{Place, may_pass_role};
use crate::log;
use crate::resource::{Event, S3Location, handle as make, refused, send};
use crate::tasks::TaskQueue;

/// Does what an event of CloudFormation wants, and tells it. `keys` is the parameter that holds the deployment's keys, if it has some.
///
/// # Errors
/// When the event is none of CloudFormation's, or it cannot be told: Lambda then repeats the event.
pub async fn handle<T: Table, W: WakeQueue, Q: TaskQueue, X: ExpressQueue>(
    engine: &Machinery<T, W, Q, X>,
    place: &Place,
    keys: Option<&str>,
    event: &str,
) -> Result<Value, String> {
    let event: Event = serde_json::from_str(event).map_err(|error| format!("the event is none of CloudFormation: {error}"))?;
    let api = Api { table: &**engine.table(), executions: engine };
    let caller = place.caller(engine.clock().now());
    let read = async |object: &S3Location| read(engine, object).await;
    let role = event.role_arn().map(|role| json!({ "roleArn": role }).to_string());
    let answer = if event.is_about_keys() {
        match keys {
            Some(name) => crate::keys::resource(engine.others().caller(), name, &event).await,
            None => refused(&event, "this deployment has no keys of its own: set STATEWRIGHT_KEYS to the name of their parameter"),
        }
    } else {
        match role.map(|role| may_pass_role(engine.others(), Operation::CreateStateMachine, &role)) {
            Some(Err(error)) if !event.is_delete() => refused(&event, &error.message),
            _ => make(&api, &event, &caller, read).await,
        }
    };
    if let Some(reason) = &answer.reason {
        log::warn("a resource of a stack was not made", &[("reason", reason)]);
    }
    send(&event.response_url, &answer).await?;
    serde_json::to_value(answer.status).map_err(|error| error.to_string())
}

/// The text of an object.
async fn read<T: Table, W: WakeQueue, Q: TaskQueue, X: ExpressQueue>(
    engine: &Machinery<T, W, Q, X>,
    object: &S3Location,
) -> Result<String, String> {
    let request = s3::get_object(&object.bucket, &object.key, object.version.as_deref());
    let answer = engine.others().caller().send(&request, []).await.map_err(|error| error.to_string())?;
    let answer = answer.map_err(|error| error.to_string())?;
    let text = String::from_utf8(answer.body).map_err(|_| "the definition is not UTF-8".to_owned())?;
    match answer.status {
        200..300 => Ok(text),
        status => Err(format!("S3 answered {status}: {}", text.chars().take(300).collect::<String>())),
    }
}
