//! The account that a deployment is in: the services of AWS that its parts are of.

use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use serde_json::Value;
use statewright_integrations::caller::{Caller, Endpoints, Settings};
use statewright_integrations::service::{Protocol, Service};
use statewright_integrations::shape::{Names, Shape};
use statewright_integrations::{Request, Response, query, s3};

use super::profile::Sources;
use super::{ANSWER, Failure, SHOWN_CHARACTERS, runtime, unsent};
use crate::refusal::Refusal;
use crate::screen::shortened;

const CLOUD_FORMATION_VERSION: &str = "2010-05-15";
static CLOUD_FORMATION: Service = Service {
    name: "cloudformation",
    variable: "CLOUDFORMATION",
    prefix: "CloudFormation",
    client: "AmazonCloudFormation",
    unmodelled: "AmazonCloudFormationException",
    errors: &[],
    protocol: Protocol::Query { version: CLOUD_FORMATION_VERSION },
};
/// Keeps what functions say.
pub(super) static LOGS: Service = Service {
    name: "logs",
    variable: "CLOUDWATCH_LOGS",
    prefix: "CloudWatchLogs",
    client: "AWSLogs",
    unmodelled: "AWSLogsException",
    errors: &[],
    protocol: Protocol::Json { content_type: "application/x-amz-json-1.1", target: "Logs_20140328", names: Names::Camel },
};

/// An account in a region.
pub(super) struct Account {
    caller: Caller,
    runtime: tokio::runtime::Runtime,
    pub(super) region: String,
}

impl Account {
    /// The one that the arguments, the environment and the profile name.
    ///
    /// # Errors
    /// When no region or no credentials are named.
    pub(super) fn connect(region: Option<&str>, profile: Option<String>) -> Result<Self, Refusal> {
        let sources = Sources::new(profile);
        let region = sources.region(region)?;
        sources.check()?;
        let credentials = SharedCredentialsProvider::new(sources);
        let settings =
            Settings { region: region.clone(), endpoints: Endpoints::from_environment(), credentials, answer: Settings::ANSWER };
        Ok(Self { caller: Caller::new(settings), runtime: runtime()?, region })
    }

    /// Calls an operation of CloudFormation: the XML that it answers.
    pub(super) fn cloud_formation(&self, operation: &'static str, parameters: &[(&str, &str)]) -> Result<String, Failure> {
        let parameters = parameters.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let parameters = parameters.collect::<statewright_value::Object>().into();
        let request = Request {
            service: &CLOUD_FORMATION,
            endpoint: None,
            method: "POST",
            path: "/".to_owned(),
            headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
            body: query::form(operation, CLOUD_FORMATION_VERSION, &Shape::Any, &parameters).into_bytes(),
        };
        let response = self.send(operation, &request)?;
        let text = String::from_utf8_lossy(&response.body).into_owned();
        if response.is_success() {
            return Ok(text);
        }
        let error = |name: &str| roxmltree::Document::parse(&text).ok().and_then(|answer| member(answer.root(), name));
        Err(refused(operation, &response, error("Code"), error("Message")))
    }

    /// Calls an operation of a service that speaks JSON.
    pub(super) fn call(&self, service: &'static Service, operation: &'static str, parameters: &Value) -> Result<Value, Failure> {
        let Protocol::Json { content_type, target, .. } = service.protocol else {
            return Err(Refusal::new(format!("`{}` does not speak JSON", service.name)).into());
        };
        let request = Request {
            service,
            endpoint: None,
            method: "POST",
            path: "/".to_owned(),
            headers: vec![("content-type", content_type.to_owned()), ("x-amz-target", format!("{target}.{operation}"))],
            body: parameters.to_string().into_bytes(),
        };
        let response = self.send(operation, &request)?;
        let value = serde_json::from_slice::<Value>(&response.body).unwrap_or_default();
        if response.is_success() {
            return Ok(value);
        }
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let code = text("__type").map(|code| code.rsplit('#').next().unwrap_or_default().to_owned());
        Err(refused(operation, &response, code, text("message").or_else(|| text("Message"))))
    }

    /// Deletes an object of S3. That there is none is no error.
    pub(super) fn delete_object(&self, bucket: &str, key: &str) -> Result<(), Failure> {
        let response = self.send("DeleteObject", &s3::delete_object(bucket, key))?;
        let text = String::from_utf8_lossy(&response.body);
        let error = |name: &str| roxmltree::Document::parse(&text).ok().and_then(|answer| member(answer.root(), name));
        let code = error("Code");
        let is_gone = code.as_deref().is_some_and(|code| ["NoSuchKey", "NoSuchBucket"].contains(&code));
        if response.is_success() || is_gone { Ok(()) } else { Err(refused("DeleteObject", &response, code, error("Message"))) }
    }

    /// Lets time pass.
    pub(super) fn pause(&self, pause: Duration) {
        // A sleep has to be made within the runtime.
        self.runtime.block_on(async { tokio::time::sleep(pause).await });
    }

    fn send(&self, operation: &'static str, request: &Request) -> Result<Response, Failure> {
        let name = request.service.name;
        let answer = self.runtime.block_on(async { tokio::time::timeout(ANSWER, self.caller.forward(request)).await });
        let late = || Refusal::new(format!("`{name}` did not answer {operation} within {} seconds", ANSWER.as_secs()));
        match answer.map_err(|_| late())? {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(Refusal::new(format!("`{name}` in {} could not be asked: {error}", self.region))
                .help("is the region right? see --region and AWS_REGION")
                .into()),
            Err(error) => Err(unsent(&error).into()),
        }
    }
}

/// The text of the first element of this name.
pub(super) fn member(node: roxmltree::Node<'_, '_>, name: &str) -> Option<String> {
    let found = node.descendants().find(|node| node.has_tag_name(name) || node.tag_name().name() == name)?;
    found.text().map(str::to_owned)
}

fn refused(operation: &'static str, response: &Response, code: Option<String>, message: Option<String>) -> Failure {
    let text = String::from_utf8_lossy(&response.body);
    let message = message.unwrap_or_else(|| shortened(text.trim(), SHOWN_CHARACTERS));
    let (status, code) = (response.status, code.unwrap_or_else(|| format!("HTTP {}", response.status)));
    Failure::Refused { operation, status: Some(status), code, message }
}
