//! How we talk to AWS.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

/// How long a connection may take. A server that is there answers in milliseconds.
const CONNECT: Duration = Duration::from_secs(1);
/// How long one attempt may take. A page of a megabyte comes in a fraction of it.
const ATTEMPT: Duration = Duration::from_secs(3);
/// How long a call may take with its attempts. A function may have less left; then [`in_time`](crate::function::in_time) ends it.
const OPERATION: Duration = Duration::from_secs(10);
/// The first attempt and its repetitions.
const ATTEMPTS: u32 = 4;
/// The first pause before a repetition, of which a random part is waited; doubled each time. The SDK's own second is made for services
/// slower than these.
const PAUSE: Duration = Duration::from_millis(50);

/// How long an execution or a caller waits for a service that does no part of the work, but hears of it or says who may ask for it. It is less
/// than an invocation keeps for its end.
const SIDE: Duration = Duration::from_secs(2);

/// What `asked` gives; `Err` says that `service` takes too long for what nobody is to wait for.
pub(crate) async fn soon<T>(service: &str, asked: impl Future<Output = T>) -> Result<T, String> {
    tokio::time::timeout(SIDE, asked).await.map_err(|_| format!("{service} took longer than {} s", SIDE.as_secs()))
}

/// Region, credentials and endpoints as the environment has them (`AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`,
/// `AWS_ENDPOINT_URL_DYNAMODB`, … as the SDKs and tools reference guide lists them), our own TLS, time limits and repetitions; `load`
/// gives what clients are made of.
///
/// The SDK repeats what was throttled, what the service failed to do, and what got no answer in time, so one call may be carried out
/// twice. That is right for everything we send: see [`DynamoTable`](crate::DynamoTable) and [`SqsQueue`](crate::SqsQueue).
#[must_use]
pub fn config() -> ConfigLoader {
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT).operation_timeout(OPERATION).build();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(PAUSE))
}

/// What went wrong with a call, in one line: the service's code and message, or why there was no answer. Neither holds what was sent.
pub(crate) fn message<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    if let Some(code) = error.code() {
        return format!("{code}: {}", error.message().unwrap_or("no message"));
    }
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        message.push_str(": ");
        message.push_str(&error.to_string());
        source = error.source();
    }
    message
}

/// Whether the service was only too busy.
pub(crate) fn is_throttled<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    matches!(
        error.code(),
        Some(
            "ProvisionedThroughputExceededException"
                | "RequestLimitExceeded"
                | "RequestThrottled"
                | "Throttling"
                | "ThrottlingException"
        )
    )
}
