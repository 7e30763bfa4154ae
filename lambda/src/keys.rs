//! The key pairs of a deployment, with which requests are signed where IAM does not check them. They stand in a parameter of Systems
//! Manager, encrypted under the key that the account has for these parameters, which costs nothing. It is made once, by the stack itself:
//! [`resource`] handles its custom resource `Custom::StatewrightKeys`. After that it is the operator's, and no update changes it.
//!
//! Source: Systems Manager user guide, "AWS Systems Manager Parameter Store" and "AWS KMS encryption for AWS Systems Manager Parameter Store
//! SecureString parameters".

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use statewright_engine::Clock;
use statewright_engine::api::signature::KeyPair;
use statewright_integrations::Request;
use statewright_integrations::caller::Caller;
use statewright_integrations::service::SYSTEMS_MANAGER;
use statewright_integrations::shape::Shape;
use statewright_interpreter::Value;
use statewright_interpreter::time::Timestamp;

use crate::aws::soon;
use crate::clock::TokioTimer;
use crate::function::api::{Keys, random_u64, random_u128};
use crate::log;
use crate::resource::{Answer, Event, made, refused};

/// For so long key pairs are not fetched again. So long one that was taken back may still be used, and one that is new is not known.
const KNOWN_FOR: Duration = Duration::from_secs(300);
/// For so long those of a while ago do while nobody can fetch them: better than nobody being let in.
const STALE_FOR: Duration = Duration::from_secs(3600);
/// So long after that was in vain nobody tries again, as long as those do: each request would wait for it.
const TRIED_AGAIN: Duration = Duration::from_secs(30);
/// The pauses before Systems Manager is asked again to make or delete the parameter: the first, doubled each time, and the last.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(16);

/// Key pairs that are kept somewhere else.
#[derive(Debug)]
pub struct StoredKeys<G> {
    /// Fetches their text.
    fetch: G,
    /// What was fetched.
    known: Mutex<Option<Known>>,
}

/// Key pairs that were fetched.
#[derive(Clone, Debug)]
struct Known {
    keys: Vec<KeyPair>,
    fetched: Timestamp,
    /// When they could not be fetched again, the last time.
    failed: Option<Timestamp>,
}

impl<G, F> StoredKeys<G>
where
    G: Fn() -> F + Send + Sync,
    F: Future<Output = Result<Option<String>, String>> + Send,
{
    /// Those in what `fetch` gives: `{"keys": [{"id": …, "secret": …}]}`.
    pub fn new(fetch: G) -> Self {
        Self { fetch, known: Mutex::new(None) }
    }
}

impl<G, F> Keys for StoredKeys<G>
where
    G: Fn() -> F + Send + Sync,
    F: Future<Output = Result<Option<String>, String>> + Send,
{
    async fn keys(&self) -> Result<Vec<KeyPair>, String> {
        let now = TokioTimer.now();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let of_late = |known: &Known, within: Duration| now < known.fetched.plus(within);
        let has_just_failed = |known: &Known| known.failed.is_some_and(|failed| now < failed.plus(TRIED_AGAIN));
        if let Some(known) = &known
            && (of_late(known, KNOWN_FOR) || has_just_failed(known) && of_late(known, STALE_FOR))
        {
            return Ok(known.keys.clone());
        }
        let keys = match (self.fetch)().await {
            Ok(text) => text.as_deref().map_or_else(|| Ok(Vec::new()), parse)?,
            Err(error) => {
                log::warn("the keys of the deployment cannot be read; those of a while ago do for an hour", &[("error", &error)]);
                if let Some(known) = &mut *self.known.lock().unwrap_or_else(PoisonError::into_inner) {
                    known.failed = Some(TokioTimer.now());
                }
                return known.filter(|known| of_late(known, STALE_FOR)).map(|known| known.keys).ok_or(error);
            }
        };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(Known { keys: keys.clone(), fetched: now, failed: None });
        Ok(keys)
    }
}

fn parse(text: &str) -> Result<Vec<KeyPair>, String> {
    #[derive(Deserialize)]
    struct Kept {
        keys: Vec<Pair>,
    }
    #[derive(Deserialize)]
    struct Pair {
        id: String,
        secret: String,
    }
    // What serde says of a secret may hold a part of it.
    let kept: Kept = serde_json::from_str(text)
        .map_err(|_| "the parameter is not of the form {\"keys\": [{\"id\": \"…\", \"secret\": \"…\"}]}".to_owned())?;
    let pairs = kept.keys.into_iter().filter(|pair| !pair.id.is_empty() && !pair.secret.is_empty());
    Ok(pairs.map(|pair| KeyPair::new(pair.id, pair.secret)).collect())
}

/// The text of the parameter with this name.
///
/// # Errors
/// Why it cannot be read.
pub async fn fetch(caller: &Caller, name: &str) -> Result<String, String> {
    let request = json!({ "Name": name, "WithDecryption": true });
    let answer = call(caller, "GetParameter", &request).await.map_err(|refusal| refusal.message)?;
    let text = answer.get("Parameter").and_then(|parameter| parameter.get("Value")?.as_str().map(ToOwned::to_owned));
    text.ok_or_else(|| "the parameter holds no text".to_owned())
}

/// Does what CloudFormation wants of the parameter with this name: makes it with one pair unless it is there, or deletes it.
pub async fn resource(caller: &Caller, name: &str, event: &Event) -> Answer {
    let (operation, request, none) = if event.is_delete() {
        ("DeleteParameter", json!({ "Name": name }), "ParameterNotFound")
    } else {
        let pair = json!({ "id": format!("statewright-{:08x}", random_u64() >> 32), "secret": secret() });
        let request = json!({
            "Name": name,
            "Description": "The keys that requests to the deployment are signed with, at most two",
            "Type": "SecureString",
            "Tier": "Standard",
            "Value": json!({ "keys": [pair] }).to_string(),
            "Overwrite": false,
        });
        ("PutParameter", request, "ParameterAlreadyExists")
    };
    let mut pause = PAUSE;
    loop {
        match call(caller, operation, &request).await {
            Ok(_) => return made(event, name),
            Err(refusal) if refusal.code.as_deref() == Some(none) => return made(event, name),
            Err(refusal) if pause > PAUSE_MAX => return refused(event, &format!("the parameter {name}: {}", refusal.message)),
            // Not everybody knows yet what a role may do that was made a moment ago with the same stack.
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause *= 2;
    }
}

/// 40 characters that nobody guesses.
fn secret() -> String {
    format!("{:032x}{:08x}", random_u128(), random_u64() >> 32)
}

/// Why Systems Manager has not done something.
struct Refusal {
    code: Option<String>,
    message: String,
}

async fn call(caller: &Caller, operation: &str, request: &serde_json::Value) -> Result<Value, Refusal> {
    let unreached = |message: String| Refusal { code: None, message };
    let parameters = Value::parse(&request.to_string()).map_err(|error| unreached(error.to_string()))?;
    let request = Request::new(&SYSTEMS_MANAGER, operation, &Shape::Structure(&[]), &parameters);
    let answer = soon("Systems Manager", caller.send(&request, [])).await.map_err(unreached)?;
    let answer = answer.map_err(|error| unreached(error.to_string()))?;
    let answer = answer.map_err(|error| unreached(error.to_string()))?;
    let said = Value::parse_bytes(&answer.body);
    if answer.is_success() {
        return said.map_err(|error| unreached(error.to_string()));
    }
    let code = said.ok().and_then(|said| Some(said.get("__type")?.as_str()?.rsplit('#').next()?.to_owned()));
    // What a refusal says holds no secret.
    Err(Refusal { code, message: format!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_from_a_text_whose_faults_do_not_show_it() {
        let keys = parse(r#"{"keys":[{"id":"A","secret":"s"},{"id":"","secret":""}]}"#).expect("keys");
        assert_eq!(keys, [KeyPair::new("A", "s")]);
        let error = parse(r#"{"keys":[{"id":"A","secret":5 hush}]}"#).expect_err("wrong");
        assert!(!error.contains("hush"), "{error}");
    }

    #[test]
    fn secrets_are_long_and_no_two_are_the_same() {
        let (one, other) = (secret(), secret());
        assert!(one.len() == 40 && one != other);
    }
}
