//! Definitions that are stored in S3.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use statewright_integrations::caller::{Caller, Endpoints, Settings};
use statewright_integrations::s3;

use super::Upload;
use crate::cli::PackageArgs;
use crate::refusal::Refusal;
use crate::remote::profile::Sources;
use crate::remote::{runtime, unsent};
use crate::screen::{Screen, shortened};

/// How long S3 is waited for, for each definition.
const WAIT: Duration = Duration::from_secs(60);
/// How much of a refusal is shown.
const SHOWN_CHARACTERS: usize = 300;

/// Stores definitions. One that is there already is the same: its key is the hash of its text.
///
/// # Errors
/// When one cannot be stored.
pub(super) fn store(uploads: &[Upload], arguments: &PackageArgs, screen: &Screen) -> Result<(), Refusal> {
    let Some(bucket) = arguments.s3_bucket.as_deref().filter(|_| !uploads.is_empty()) else { return Ok(()) };
    let sources = Sources::new(arguments.profile.clone());
    let region = sources.region(arguments.region.as_deref())?;
    sources.check()?;
    let credentials = SharedCredentialsProvider::new(sources);
    let caller = Caller::new(Settings { region, endpoints: Endpoints::from_environment(), credentials, answer: Settings::ANSWER });
    let runtime = runtime()?;
    let mut stored = BTreeSet::new();
    for Upload { key, text } in uploads {
        if !stored.insert(key) {
            continue;
        }
        screen.progress(|| format!("s3://{bucket}/{key}"));
        let request = s3::put_object(bucket, key, text.clone().into_bytes());
        let answer = runtime.block_on(async { tokio::time::timeout(WAIT, caller.send(&request, [])).await });
        let failed = |what: String| Refusal::new(format!("s3://{bucket}/{key} cannot be stored: {what}"));
        let response = match answer {
            Err(_) => return Err(failed(format!("no answer within {} seconds", WAIT.as_secs()))),
            Ok(Err(error)) => return Err(unsent(&error)),
            Ok(Ok(Err(error))) => return Err(failed(error.to_string())),
            Ok(Ok(Ok(response))) => response,
        };
        if !response.is_success() {
            let text = String::from_utf8_lossy(&response.body);
            let refusal = failed(format!("{}: {}", response.status, shortened(text.trim(), SHOWN_CHARACTERS)));
            return Err(match response.status {
                301 | 307 => refusal.help("the bucket is in another region: name that with --region"),
                403 => refusal.help("allow s3:PutObject on it"),
                404 => refusal.help("name a bucket that is there with --s3-bucket"),
                _ => refusal,
            });
        }
    }
    Ok(())
}
