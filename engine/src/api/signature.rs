//! Who sends a request: AWS Signature Version 4, in the header of a request, verified. Pure: the time and the key pairs are handed in.
//!
//! [`verify`] takes a request as it came over HTTP and says whose it is. The time that it takes follows from the request, not from
//! secrets: the signature is compared whole, and key pairs are looked up by their ids, which are sent in the open.
//!
//! **A request that is sent again** by somebody who has listened, which TLS prevents, is good for another [`TOLERANCE`]. Sent again it is
//! the same to the letter, and what it can do more than the first time is little:
//!
//! - What reads, and what stops an execution, has no further effect.
//! - What creates, updates or deletes something is refused, whatever has become of that since (`replay.rs`).
//! - What workers say names a task by its token, which is good once.
//! - `StartExecution` with a name starts one execution of a Standard machine.
//! - `StartExecution` without a name starts one, which is named after the request ([`Verified::execution_name`]). Clients that do not sign
//!   a number of their own for each call (`amz-sdk-invocation-id`: JavaScript, Java and Rust do, Python and the command line do not) may
//!   make several calls within a second that are equal, signature and all, and mean as many executions. So what comes within
//!   [`EQUAL_WITHIN`] of the first starts another one; later it is refused with an error after which clients sign anew.
//! - `GetActivityTask` is refused likewise, but within [`EQUAL_WITHIN`] of the first, which several workers of a client may be.
//! - An Express execution, of which the service promises no more than "at least once" either, may run again.
//!
//! Source: IAM user guide, "Create a signed AWS API request" and "Troubleshoot Signature Version 4 signing"; API reference, "Common
//! errors"; the sentences are those of the services that speak JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};
use statewright_interpreter::time::Timestamp;

use super::caller::uuid;
use super::error::ApiError;

/// The service that requests to the API are signed for.
pub const SERVICE: &str = "states";
/// By so much the clocks of a client and ours may differ, in milliseconds: "within five minutes of the time stamp in the request".
pub const TOLERANCE: i64 = 5 * 60 * 1000;

/// Requests that mean several executions, and are equal nevertheless, were signed in the same second; they come within so many milliseconds.
pub const EQUAL_WITHIN: i64 = 5_000;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";
/// A number that a client draws for each call, the same when it tries again.
const INVOCATION: &str = "amz-sdk-invocation-id";
/// How much of a request a host's log says when its signature does not match.
const DETAIL_MAX: usize = 2000;

/// What clients sign with.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// The access key id, which requests name.
    pub id: String,
    secret: String,
}

impl KeyPair {
    /// A key pair.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { id: id.into(), secret: secret.into() }
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A request as it came over HTTP.
#[derive(Clone, Copy, Debug)]
pub struct SignedRequest<'a> {
    /// `POST`
    pub method: &'a str,
    /// The path as it was sent, escapes and all.
    pub path: &'a str,
    /// What followed the `?`, as it was sent; empty if nothing did.
    pub query: &'a str,
    /// Names and values. The case of names does not matter; one that was sent several times is here several times, or once with
    /// commas between its values.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

/// Whose request it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The id of the key pair it was signed with.
    pub key_id: String,
    /// The signature, 64 hexadecimal digits.
    pub signature: String,
    /// Whether the client has signed a number that no other call of its has.
    pub is_unique: bool,
}

impl Verified {
    /// The name of the execution that this request starts if it names none.
    #[must_use]
    pub fn execution_name(&self) -> String {
        let digest = Sha256::digest(format!("execution\n{}\n{}", self.key_id, self.signature));
        let bits = digest.iter().take(16).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
        uuid(bits)
    }
}

/// Verifies that a request was signed for the API in `region` with one of `keys`, of which several may be valid at once, so that clients
/// change from one to the next one by one.
///
/// # Errors
/// What the service answers: the request is not signed, its signature is malformed, of an unknown key, for something else, too old or
/// too young, or does not match what was sent. [`ApiError::detail`] then has what should have been signed.
pub fn verify(request: &SignedRequest<'_>, keys: &[KeyPair], region: &str, now: Timestamp) -> Result<Verified, ApiError> {
    verify_for(SERVICE, request, keys, region, now)
}

/// Verifies that a request was signed for `service`, as [`verify`] does for this one.
///
/// # Errors
/// As [`verify`].
pub fn verify_for(
    service: &str,
    request: &SignedRequest<'_>,
    keys: &[KeyPair],
    region: &str,
    now: Timestamp,
) -> Result<Verified, ApiError> {
    let headers = headers(request);
    let authorization = Authorization::of(&headers)?;
    let date = date(&headers)?;
    authorization.check_scope(service, region, date)?;
    check_time(date, now)?;
    authorization.check_headers(&headers)?;
    let of_id: Vec<&KeyPair> = keys.iter().filter(|key| key.id == authorization.key_id).collect();
    if headers.contains_key("x-amz-security-token") {
        let error = unrecognized();
        let message = format!("{} {WITHOUT_TOKEN}", error.message);
        return Err(ApiError { message, ..error });
    }
    if of_id.is_empty() {
        return Err(unrecognized());
    }
    let body_hash = hex(&Sha256::digest(request.body));
    check_body(&headers, &body_hash)?;
    let canonical = canonical_request(request, &headers, &authorization.signed, &body_hash);
    let canonical_hash = hex(&Sha256::digest(&canonical));
    let text = format!("{ALGORITHM}\n{date}\n{}\n{canonical_hash}", authorization.scope.join("/"));
    let matches =
        |key: &&KeyPair| mac(&authorization.signing_key(key), text.as_bytes()).verify_slice(&authorization.signature).is_ok();
    if !of_id.iter().any(matches) {
        let canonical: String = canonical.chars().take(DETAIL_MAX).collect();
        return Err(ApiError { detail: Some(format!("the request was not signed as {canonical:?}")), ..mismatch() });
    }
    Ok(Verified {
        key_id: authorization.key_id.to_owned(),
        signature: hex(&authorization.signature),
        is_unique: authorization.signed.contains(INVOCATION),
    })
}

/// By their names in lower case, with the values that one name was sent with.
type Headers<'a> = BTreeMap<String, Vec<&'a str>>;

fn headers<'a>(request: &SignedRequest<'a>) -> Headers<'a> {
    let mut headers = Headers::new();
    for (name, value) in request.headers {
        headers.entry(name.to_ascii_lowercase()).or_default().push(value);
    }
    headers
}

/// The one value of a header.
fn one<'a>(headers: &Headers<'a>, name: &str) -> Option<&'a str> {
    match headers.get(name).map(Vec::as_slice) {
        Some([value]) => Some(value.trim()),
        Some(_) | None => None,
    }
}

fn incomplete(message: impl Into<String>) -> ApiError {
    ApiError::new("IncompleteSignatureException", message)
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidSignatureException", message)
}

/// What the service's words leave out for those who have a token in their environment.
const WITHOUT_TOKEN: &str =
    "The keys of a deployment come without a session token: unset AWS_SESSION_TOKEN, or take a profile for them.";

fn unrecognized() -> ApiError {
    ApiError::new("UnrecognizedClientException", "The security token included in the request is invalid.")
}

fn mismatch() -> ApiError {
    invalid(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing \
         method. Consult the service documentation for details.",
    )
}

/// What stands in the header `Authorization`.
struct Authorization<'a> {
    key_id: &'a str,
    /// Date, region, service, terminator.
    scope: [&'a str; 4],
    signed: BTreeSet<&'a str>,
    signature: [u8; 32],
}

impl<'a> Authorization<'a> {
    fn of(headers: &Headers<'a>) -> Result<Self, ApiError> {
        let missing = || ApiError {
            status: 403,
            ..ApiError::new("MissingAuthenticationTokenException", "Request is missing Authentication Token")
        };
        if !headers.contains_key("authorization") {
            return Err(missing());
        }
        let text = one(headers, "authorization").ok_or_else(|| incomplete("There must be one Authorization header"))?;
        let (algorithm, rest) = text.split_once(' ').unwrap_or((text, ""));
        match algorithm {
            ALGORITHM => {}
            other if other.starts_with("AWS4-") => return Err(incomplete(format!("Unsupported AWS 'algorithm': '{other}'."))),
            _ => return Err(missing()),
        }
        let mut parameters = BTreeMap::new();
        for parameter in rest.split(',').map(str::trim).filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').ok_or_else(|| {
                incomplete(format!(
                    "'{parameter}' not a valid key=value pair (missing equal-sign) in Authorization header: '{text}'."
                ))
            })?;
            if parameters.insert(name, value).is_some() {
                return Err(incomplete(format!("Authorization header has '{name}' more than once.")));
            }
        }
        let mut wanting = String::new();
        let mut parameter = |name: &str| {
            let value = parameters.get(name).copied().filter(|value| !value.is_empty());
            if value.is_none() {
                let _ = write!(wanting, "Authorization header requires '{name}' parameter. ");
            }
            value.unwrap_or_default()
        };
        let (credential, signature, signed) = (parameter("Credential"), parameter("Signature"), parameter("SignedHeaders"));
        if !headers.contains_key("x-amz-date") {
            wanting.push_str("Authorization header requires existence of an 'X-Amz-Date' header. ");
        }
        if !wanting.is_empty() {
            return Err(incomplete(format!("{wanting}Authorization={algorithm}")));
        }
        // The id of a key may have slashes in it; the scope has none.
        let mut parts = credential.rsplitn(5, '/');
        let mut part = || parts.next();
        let (Some(terminator), Some(service), Some(region), Some(day), Some(key_id)) = (part(), part(), part(), part(), part())
        else {
            return Err(incomplete(format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{credential}'"
            )));
        };
        let signature = unhex(signature).ok_or_else(|| incomplete("The Signature must be 64 hexadecimal digits in lower case"))?;
        Ok(Self { key_id, scope: [day, region, service, terminator], signed: signed.split(';').collect(), signature })
    }

    /// A signature is for one service in one region on one day.
    fn check_scope(&self, service: &str, region: &str, date: &str) -> Result<(), ApiError> {
        let [day, for_region, for_service, terminator] = self.scope;
        let mut wrong = String::new();
        if for_region != region {
            let _ = write!(wrong, "Credential should be scoped to a valid region, not '{for_region}'. ");
        }
        if for_service != service {
            let _ = write!(wrong, "Credential should be scoped to correct service: '{service}'. ");
        }
        if terminator != TERMINATOR {
            let _ = write!(wrong, "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{terminator}'. ");
        }
        if !date.starts_with(day) || day.len() != 8 {
            let of_date = date.get(..8).unwrap_or(date);
            let _ = write!(
                wrong,
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{day}' != '{of_date}', \
                 from '{date}'. "
            );
        }
        if wrong.is_empty() { Ok(()) } else { Err(invalid(wrong)) }
    }

    /// What decides over a request must be signed: where it goes, when it was made, and which operation it asks for.
    fn check_headers(&self, headers: &Headers<'_>) -> Result<(), ApiError> {
        let target = headers.contains_key("x-amz-target").then_some(("x-amz-target", "'X-Amz-Target'"));
        let must = [("host", "'Host' or ':authority'"), ("x-amz-date", "'X-Amz-Date'")];
        if let Some((_, name)) = must.into_iter().chain(target).find(|(name, _)| !self.signed.contains(name)) {
            return Err(invalid(format!("{name} must be a 'SignedHeader' in the AWS Authorization.")));
        }
        match self.signed.iter().all(|name| headers.contains_key(*name)) {
            true => Ok(()),
            false => Err(mismatch()),
        }
    }

    fn signing_key(&self, key: &KeyPair) -> Vec<u8> {
        let secret = format!("AWS4{}", key.secret).into_bytes();
        self.scope.iter().fold(secret, |key, part| mac(&key, part.as_bytes()).finalize().into_bytes().to_vec())
    }
}

/// `x-amz-date`, known to be a date.
fn date<'a>(headers: &Headers<'a>) -> Result<&'a str, ApiError> {
    let malformed = || incomplete("Date must be in ISO-8601 'basic format', e.g. '20150830T123600Z': see 'X-Amz-Date'");
    one(headers, "x-amz-date").filter(|date| time(date).is_some()).ok_or_else(malformed)
}

/// The time of a date in the basic format.
fn time(date: &str) -> Option<Timestamp> {
    let part = |from, to| date.get(from..to).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(9, 11)?, part(11, 13)?, part(13, 15)?);
    let fits = date.len() == 16 && date.get(8..9) == Some("T") && date.ends_with('Z');
    let text = format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z");
    fits.then(|| Timestamp::parse_rfc3339(&text)).flatten().map(|time| time.rounded_up())
}

/// A time in the basic format.
fn basic(time: Timestamp) -> String {
    let text = time.to_string();
    let seconds = text.get(..19).unwrap_or(&text);
    format!("{}Z", seconds.replace(['-', ':'], ""))
}

fn check_time(date: &str, now: Timestamp) -> Result<(), ApiError> {
    let at = time(date).unwrap_or(Timestamp(0));
    let (earliest, latest) = (Timestamp(now.0.saturating_sub(TOLERANCE)), Timestamp(now.0.saturating_add(TOLERANCE)));
    // Dates have full seconds.
    if at.0.div_euclid(1000) < earliest.0.div_euclid(1000) {
        let message = format!("Signature expired: {date} is now earlier than {} ({} - 5 min.)", basic(earliest), basic(now));
        return Err(invalid(message));
    }
    if at > latest {
        let message = format!("Signature not yet current: {date} is still later than {} ({} + 5 min.)", basic(latest), basic(now));
        return Err(invalid(message));
    }
    Ok(())
}

/// A client that says what the body's hash is must say so of this body.
fn check_body(headers: &Headers<'_>, hash: &str) -> Result<(), ApiError> {
    match one(headers, "x-amz-content-sha256") {
        _ if !headers.contains_key("x-amz-content-sha256") => Ok(()),
        Some(said) if said == hash => Ok(()),
        Some(said) if said.starts_with("UNSIGNED-") || said.starts_with("STREAMING-") => {
            Err(invalid(format!("The body must be signed: 'x-amz-content-sha256' must be its SHA-256, not '{said}'")))
        }
        Some(_) | None => Err(invalid("The provided 'x-amz-content-sha256' header does not match what was computed.")),
    }
}

/// What a client signs the hash of.
///
/// Source: IAM user guide, "Create a signed AWS API request", step 1.
fn canonical_request(request: &SignedRequest<'_>, headers: &Headers<'_>, signed: &BTreeSet<&str>, body_hash: &str) -> String {
    let (path, query) = (canonical_path(request.path), canonical_query(request.query));
    let mut out = format!("{}\n{path}\n{query}\n", request.method);
    for name in signed {
        let values = headers.get(*name).map_or(&[][..], Vec::as_slice);
        let values: Vec<String> = values.iter().map(|value| value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let _ = writeln!(out, "{name}:{}", values.join(","));
    }
    let names: Vec<&str> = signed.iter().copied().collect();
    let _ = write!(out, "\n{}\n{body_hash}", names.join(";"));
    out
}

/// The path without `.`, `..` and empty segments, escaped once more than it was sent.
fn canonical_path(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    let is_folder = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
    let end = if is_folder && !segments.is_empty() { "/" } else { "" };
    let segments: Vec<String> = segments.into_iter().map(|segment| escaped(segment.as_bytes())).collect();
    format!("/{}{end}", segments.join("/"))
}

/// The parameters of a query in their order, each escaped in one way.
fn canonical_query(query: &str) -> String {
    let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
    let mut parameters: Vec<(String, String)> = parameters
        .map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            (escaped(&unescaped(name)), escaped(&unescaped(value)))
        })
        .collect();
    parameters.sort();
    let parameters: Vec<String> = parameters.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    parameters.join("&")
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(*byte)),
            byte => drop(write!(out, "%{byte:02X}")),
        }
        out
    })
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escape = after.first_chunk::<2>().filter(|_| byte == b'%').and_then(|[high, low]| Some((digit(*high)?, digit(*low)?)));
        out.push(escape.map_or(byte, |(high, low)| high << 4 | low));
        rest = if escape.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    out
}

fn digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn mac(key: &[u8], text: &[u8]) -> Hmac<Sha256> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("a key may have any length");
    mac.update(text);
    mac
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let lower = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes: Vec<u8> = pairs.iter().filter_map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    if lower && rest.is_empty() { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests;
