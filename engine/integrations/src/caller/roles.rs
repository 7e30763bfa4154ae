//! Credentials: the host's own, and those of roles, which STS gives for a time.
//!
//! Source: developer guide, "Accessing resources in other AWS accounts": the state machine's role assumes that of `Credentials`.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials};
use statewright_interpreter::error::ErrorName;
use statewright_interpreter::time::Timestamp;
use statewright_value::{Object, Value};

use super::{CallError, Caller};
use crate::outcome::{Response, TransportError};
use crate::request::Request;
use crate::service::STS;
use crate::shape::Shape;
use crate::{failure, query};

/// The credentials that the environment holds: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`. So a Lambda function
/// has them. A host that looks for them elsewhere brings a provider of the AWS SDK.
#[derive(Clone, Copy, Debug, Default)]
pub struct Environment;

impl ProvideCredentials for Environment {
    fn provide_credentials<'a>(&'a self) -> provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let key = variable("AWS_ACCESS_KEY_ID").zip(variable("AWS_SECRET_ACCESS_KEY"));
        let credentials = key.map(|(id, secret)| Credentials::new(id, secret, variable("AWS_SESSION_TOKEN"), None, "environment"));
        let missing = || CredentialsError::not_loaded("AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set");
        provider::future::ProvideCredentials::ready(credentials.ok_or_else(missing))
    }
}

/// How long before their end credentials are not used any more: longer than most calls take to be signed and sent.
const SPARE: Duration = Duration::from_secs(300);
/// How long they are asked for, in seconds: the most that a role may have that another role assumes (IAM user guide, "Role chaining").
const DURATION_SECONDS: u32 = 3600;
/// How STS logs call who has assumed the role.
const SESSION_NAME: &str = "statewright";

/// The credentials of roles, by the roles that led to them.
#[derive(Default)]
pub(super) struct Cache(Mutex<HashMap<String, Credentials>>);

impl Cache {
    fn get(&self, roles: &str, now: SystemTime) -> Option<Credentials> {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cached.get(roles).filter(|credentials| credentials.expiry().is_some_and(|end| now + SPARE < end)).cloned()
    }

    /// Forgets all: one of them was refused.
    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn put(&self, roles: String, credentials: Credentials) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(roles, credentials);
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Caller {
    /// The credentials of the last of `roles`. A role that may not be assumed is the state's failure, not the host's.
    pub(super) async fn credentials<'a>(
        &self,
        roles: impl IntoIterator<Item = &'a str>,
    ) -> Result<Result<Credentials, TransportError>, CallError> {
        let mut way = String::new();
        let mut credentials = None;
        for role in roles {
            way = format!("{way} {role}");
            let next = match self.roles.get(&way, SystemTime::now()) {
                Some(cached) => cached,
                None => {
                    let before = match credentials {
                        Some(credentials) => credentials,
                        None => self.own_credentials().await?,
                    };
                    let assumed = match self.assume(role, before).await? {
                        Ok(credentials) => credentials,
                        Err(refused) => return Ok(Err(refused)),
                    };
                    self.roles.put(way.clone(), assumed.clone());
                    assumed
                }
            };
            credentials = Some(next);
        }
        match credentials {
            Some(credentials) => Ok(Ok(credentials)),
            None => self.own_credentials().await.map(Ok),
        }
    }

    async fn assume(&self, role: &str, before: Credentials) -> Result<Result<Credentials, TransportError>, CallError> {
        let failed = |message: String| CallError::Role { role_arn: role.to_owned(), message };
        let request = assume_role(role);
        let response = self.sign_and_send(&request, before).await?.map_err(|error| failed(error.to_string()))?;
        if response.is_success() {
            return read(&response).map(Ok).ok_or_else(|| failed("STS answered without credentials".to_owned()));
        }
        let mut refused = failure::refused(&STS, &response);
        // What only time can mend: STS is down or busy.
        if response.status >= 500 || failure::code(&STS, &response).is_some_and(|code| code == "Throttling") {
            return Err(failed(refused.cause.as_deref().unwrap_or_default().to_owned()));
        }
        refused.error = Some(ErrorName::TASK_FAILED.into());
        Ok(Err(TransportError::Role(refused)))
    }
}

fn assume_role(role: &str) -> Request {
    let parameters: Object = [
        ("RoleArn".into(), Value::from(role)),
        ("RoleSessionName".into(), Value::from(SESSION_NAME)),
        ("DurationSeconds".into(), Value::from(DURATION_SECONDS)),
    ]
    .into_iter()
    .collect();
    Request::new(&STS, "AssumeRole", &Shape::Structure(&[]), &parameters.into())
}

fn read(response: &Response) -> Option<Credentials> {
    let answer = query::answer(&response.body)?;
    let credentials = answer.get("AssumeRoleResult")?.get("Credentials")?;
    let text = |name: &str| credentials.get(name).and_then(Value::as_str);
    let Timestamp(ms) = Timestamp::parse_rfc3339(text("Expiration")?)?.rounded_up();
    let end = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(ms).ok()?);
    let token = text("SessionToken")?.to_owned();
    Some(Credentials::new(text("AccessKeyId")?, text("SecretAccessKey")?, Some(token), Some(end), "AssumeRole"))
}
