use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::identity::Identity;
use proptest::prelude::*;

use super::*;

const ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const REGION: &str = "us-east-1";
const DATE: &str = "20150830T123600Z";
const HOST: (&str, &str) = ("Host", "example.amazonaws.com");
/// `DATE`.
const NOW: Timestamp = Timestamp(1_440_938_160_000);

fn keys() -> Vec<KeyPair> {
    vec![KeyPair::new("ANOTHER", "another secret"), KeyPair::new(ID, SECRET)]
}

/// A vector of Amazon's test suite: `headers` and the date are signed.
fn vector(method: &str, target: &str, headers: &[(&str, &str)], body: &str, signature: &str) {
    let mut names: Vec<String> = headers.iter().map(|(name, _)| name.to_lowercase()).chain(["x-amz-date".to_owned()]).collect();
    names.sort();
    names.dedup();
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={ID}/20150830/us-east-1/service/aws4_request, SignedHeaders={}, Signature={signature}",
        names.join(";")
    );
    let mut headers = headers.to_vec();
    headers.extend([("X-Amz-Date", DATE), ("Authorization", &authorization)]);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let request = SignedRequest { method, path, query, headers: &headers, body: body.as_bytes() };
    let verified = verify_for("service", &request, &keys(), REGION, NOW);
    assert_eq!(verified.map(|verified| verified.signature).as_deref(), Ok(signature), "{method} {target}");
}

/// Source: Amazon's test suite for Signature Version 4.
#[test]
fn what_amazon_publishes_as_signed_verifies() {
    const VANILLA: &str = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    const LETTERS: &str = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let get = |target: &str, signature: &str| vector("GET", target, &[HOST], "", signature);
    get("/", VANILLA);
    get("/./", VANILLA);
    get("//", VANILLA);
    get("/example/..", VANILLA);
    get("/example1/example2/../..", VANILLA);
    get("/./example", "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5");
    get("//example//", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84");
    get("/example space/", "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741");
    get("/ሴ", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85");
    get(&format!("/{LETTERS}"), "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f");
    get("/?Param1=value1", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb");
    get("/?Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
    let ordered = "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1";
    get(ordered, "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac");
    get(&format!("/?{LETTERS}={LETTERS}"), "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197");
    get("/?ሴ=bar", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04");
    vector("POST", "/", &[HOST], "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
    vector("POST", "/?Param1=value1", &[HOST], "", "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11");
    let sorted = [HOST, ("My-Header1", "value1")];
    vector("POST", "/", &sorted, "", "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c");
    let cased = [HOST, ("My-Header1", "VALUE1")];
    vector("POST", "/", &cased, "", "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d");
    let several = [HOST, ("My-Header1", "value4"), ("My-Header1", "value1"), ("My-Header1", "value3"), ("My-Header1", "value2")];
    vector("GET", "/", &several, "", "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01");
    let blanks = [HOST, ("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")];
    vector("GET", "/", &blanks, "", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
    let form = [
        HOST,
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Length", "13"),
        ("x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"),
    ];
    vector("POST", "/", &form, "Param1=value1", "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b");
}

/// A request that can be changed.
#[derive(Clone, Debug)]
struct Sent {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Sent {
    fn new() -> Self {
        let headers = [
            ("host", "states.example.org"),
            ("content-type", "application/x-amz-json-1.0"),
            ("x-amz-target", "AWSStepFunctions.StartExecution"),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let body = br#"{"stateMachineArn":"arn:aws:states:us-east-1:123456789012:stateMachine:m"}"#.to_vec();
        Self { method: "POST".to_owned(), path: "/".to_owned(), query: String::new(), headers, body }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self
    }

    /// Signed by Amazon's own code.
    fn signed_with(mut self, id: &str, secret: &str, region: &str, service: &str, kind: PayloadChecksumKind) -> Self {
        let identity: Identity = Credentials::new(id, secret, None, None, "test").into();
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = kind;
        let params = SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(service)
            .time(SystemTime::UNIX_EPOCH + Duration::from_millis(NOW.0.unsigned_abs()))
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let host = self.header("host");
        let mark = if self.query.is_empty() { "" } else { "?" };
        let uri = format!("https://{host}{}{mark}{}", self.path, self.query);
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let signable = SignableRequest::new(&self.method, uri, headers, SignableBody::Bytes(&self.body)).unwrap();
        let (instructions, _) = sign(signable, &params).unwrap().into_parts();
        self.headers.extend(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())));
        self
    }

    fn signed(self) -> Self {
        self.signed_with(ID, SECRET, REGION, SERVICE, PayloadChecksumKind::NoHeader)
    }

    fn header(&self, name: &str) -> String {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone()).unwrap()
    }

    /// The header `Authorization` with `from` in it replaced.
    fn authorized(self, from: &str, to: &str) -> Self {
        let authorization = self.header("authorization");
        assert!(authorization.contains(from), "{authorization}");
        self.with("authorization", &authorization.replace(from, to))
    }

    fn verify_at(&self, now: Timestamp) -> Result<Verified, ApiError> {
        let headers: Vec<(&str, &str)> = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let Self { method, path, query, body, .. } = self;
        verify(&SignedRequest { method, path, query, headers: &headers, body }, &keys(), REGION, now)
    }

    fn verify(&self) -> Result<Verified, ApiError> {
        self.verify_at(NOW)
    }
}

fn refused(sent: &Sent, code: &str, says: &str) {
    let error = sent.verify().expect_err(says);
    assert_eq!(error.code, code, "{error}");
    assert!(error.message.contains(says), "{error}");
}

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided.";

#[test]
fn two_keys_are_valid_at_once() {
    assert_eq!(Sent::new().signed().verify().unwrap().key_id, ID);
    let kind = PayloadChecksumKind::XAmzSha256;
    let other = Sent::new().signed_with("ANOTHER", "another secret", REGION, SERVICE, kind);
    assert_eq!(other.verify().unwrap().key_id, "ANOTHER");
    let mixed = Sent::new().signed_with("ANOTHER", SECRET, REGION, SERVICE, kind);
    refused(&mixed, "InvalidSignatureException", MISMATCH);
}

#[test]
fn unsigned_and_unknown_requests_are_refused() {
    const MISSING: &str = "MissingAuthenticationTokenException";
    refused(&Sent::new(), MISSING, "Request is missing Authentication Token");
    refused(&Sent::new().with("authorization", "Bearer x"), MISSING, "Request is missing Authentication Token");
    assert_eq!(Sent::new().verify().unwrap_err().status, 403);
    let unknown = Sent::new().signed_with("NOBODY", SECRET, REGION, SERVICE, PayloadChecksumKind::NoHeader);
    refused(&unknown, "UnrecognizedClientException", "The security token included in the request is invalid.");
    // Key pairs of a deployment are no temporary credentials.
    let session = Sent::new().with("x-amz-security-token", "session").signed();
    let message = "The security token included in the request is invalid. The keys of a deployment come without a session token: unset \
                   AWS_SESSION_TOKEN, or take a profile for them.";
    refused(&session, "UnrecognizedClientException", message);
}

#[test]
fn malformed_signatures_are_refused() {
    let incomplete = |sent: Sent, says: &str| refused(&sent, "IncompleteSignatureException", says);
    let signed = || Sent::new().signed();
    incomplete(signed().authorized("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"), "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA1'.");
    incomplete(
        signed().with("authorization", "AWS4-HMAC-SHA256"),
        "requires 'Credential' parameter. Authorization header requires",
    );
    incomplete(signed().authorized("SignedHeaders=", "Headers="), "Authorization header requires 'SignedHeaders' parameter.");
    incomplete(signed().authorized("Signature=", "Signature"), "(missing equal-sign)");
    incomplete(signed().authorized("Signature=", "Signature=0, Signature="), "'Signature' more than once");
    incomplete(signed().authorized("/aws4_request", ""), "Credential must have exactly 5 slash-delimited elements");
    incomplete(signed().authorized("Signature=", "Signature=0"), "64 hexadecimal digits");
    incomplete(signed().without("x-amz-date"), "requires existence of an 'X-Amz-Date' header");
    incomplete(signed().with("x-amz-date", "2015-08-30T12:36:00Z"), "ISO-8601 'basic format'");
    incomplete(signed().with("x-amz-date", "20150830T126100Z"), "ISO-8601 'basic format'");
    let mut twice = signed();
    twice.headers.push(("Authorization".to_owned(), twice.header("authorization")));
    incomplete(twice, "There must be one Authorization header");
}

#[test]
fn a_signature_is_for_one_service_in_one_region_on_one_day() {
    let none = PayloadChecksumKind::NoHeader;
    let invalid = |sent: Sent, says: &str| refused(&sent, "InvalidSignatureException", says);
    invalid(
        Sent::new().signed_with(ID, SECRET, REGION, "lambda", none),
        "Credential should be scoped to correct service: 'states'.",
    );
    invalid(Sent::new().signed_with(ID, SECRET, "eu-west-1", SERVICE, none), "a valid region, not 'eu-west-1'.");
    invalid(Sent::new().signed().authorized("aws4_request", "aws5_request"), "a valid terminator: 'aws4_request'");
    invalid(Sent::new().signed().authorized("20150830/", "20150831/"), "'20150831' != '20150830', from '20150830T123600Z'");
}

#[test]
fn a_signature_is_good_for_five_minutes_around_its_time() {
    let signed = Sent::new().signed();
    for offset in [-TOLERANCE, 0, TOLERANCE, TOLERANCE + 999] {
        assert!(signed.verify_at(Timestamp(NOW.0 + offset)).is_ok(), "{offset}");
    }
    let late = signed.verify_at(Timestamp(NOW.0 + TOLERANCE + 1000)).unwrap_err();
    let expired = "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 min.)";
    assert_eq!((late.code, late.message.as_str()), ("InvalidSignatureException", expired));
    let early = signed.verify_at(Timestamp(NOW.0 - TOLERANCE - 1000)).unwrap_err();
    let not_yet = "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T123059Z + 5 min.)";
    assert_eq!((early.code, early.message.as_str()), ("InvalidSignatureException", not_yet));
}

#[test]
fn what_decides_over_a_request_must_be_signed() {
    let invalid = |sent: Sent, says: &str| refused(&sent, "InvalidSignatureException", says);
    let unsigned = |name: &str| Sent::new().signed().authorized(&format!("{name};"), "");
    invalid(unsigned("host"), "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
    invalid(unsigned("x-amz-date"), "'X-Amz-Date' must be a 'SignedHeader'");
    let target = Sent::new().without("x-amz-target").signed().with("x-amz-target", "AWSStepFunctions.DeleteStateMachine");
    invalid(target, "'X-Amz-Target' must be a 'SignedHeader'");
    let hashed = || Sent::new().signed_with(ID, SECRET, REGION, SERVICE, PayloadChecksumKind::XAmzSha256);
    assert!(hashed().verify().is_ok());
    invalid(hashed().with("x-amz-content-sha256", "UNSIGNED-PAYLOAD"), "The body must be signed");
    invalid(hashed().with("x-amz-content-sha256", &"0".repeat(64)), "does not match what was computed");
    let two = Sent::new().signed();
    let two = Sent { headers: two.headers.iter().cloned().chain([("X-Amz-Target".to_owned(), "x".to_owned())]).collect(), ..two };
    invalid(two, MISMATCH);
    invalid(Sent::new().with("x-signed", "").signed().without("x-signed"), MISMATCH);
    let detail = Sent::new().signed().with("host", "elsewhere").verify().unwrap_err().detail.unwrap();
    assert!(detail.contains("host:elsewhere"), "{detail}");
}

#[test]
fn every_altered_byte_is_refused() {
    let signed = Sent { path: "/a/b".to_owned(), query: "c=d".to_owned(), ..Sent::new() }.with("x-other", "e").signed();
    assert!(signed.verify().is_ok());
    let alter = |text: &str, at: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        String::from_utf8(bytes).unwrap()
    };
    let mut altered = Vec::new();
    altered.extend((0..signed.method.len()).map(|at| Sent { method: alter(&signed.method, at), ..signed.clone() }));
    altered.extend((0..signed.path.len()).map(|at| Sent { path: alter(&signed.path, at), ..signed.clone() }));
    altered.extend((0..signed.query.len()).map(|at| Sent { query: alter(&signed.query, at), ..signed.clone() }));
    altered.extend((0..signed.body.len()).map(|at| {
        let body = alter(std::str::from_utf8(&signed.body).unwrap(), at).into_bytes();
        Sent { body, ..signed.clone() }
    }));
    for (name, value) in &signed.headers {
        altered.extend((0..value.len()).map(|at| signed.clone().with(name, &alter(value, at))));
        altered.push(signed.clone().without(name));
    }
    for sent in altered {
        assert!(sent.verify().is_err(), "{sent:?}");
    }
}

#[test]
fn an_execution_without_a_name_is_named_by_its_request() {
    assert!(!Sent::new().signed().verify().unwrap().is_unique);
    let number = |number: &str| Sent::new().with("amz-sdk-invocation-id", number).signed();
    let name = |sent: &Sent| sent.verify().unwrap();
    assert!(name(&number("1")).is_unique);
    let name = |sent: &Sent| name(sent).execution_name();
    assert_eq!(name(&number("1")), name(&number("1")));
    assert_ne!(name(&number("1")), name(&number("2")));
    assert_eq!(name(&number("1")).len(), 36);
    // A number that is not signed may be anybody's.
    assert!(!Sent::new().signed().with("amz-sdk-invocation-id", "1").verify().unwrap().is_unique);
}

#[test]
fn secrets_are_not_shown() {
    assert_eq!(format!("{:?}", KeyPair::new("ID", "SECRET")), "KeyPair { id: \"ID\", .. }");
}

proptest! {
    /// What Amazon's own code signs verifies, whatever the request.
    #[test]
    fn what_clients_sign_verifies(
        method in "GET|POST|PUT",
        path in prop::collection::vec("[a-zA-Z0-9._~%:@+-]{0,6}", 0..4),
        query in prop::collection::vec(("[a-zA-Z0-9_.~-]{1,4}", "[a-zA-Z0-9_.~-]{0,4}"), 0..4),
        values in prop::collection::vec("[!-~]{1,4}([ ]{1,3}[!-~]{1,4}){0,2}", 0..4),
        body in prop::collection::vec(any::<u8>(), 0..40),
        hashed in any::<bool>(),
    ) {
        let path: String = path.into_iter().filter(|segment| !segment.contains('%')).map(|segment| format!("/{segment}")).collect();
        let query: Vec<String> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let path = if path.is_empty() { "/".to_owned() } else { path };
        let mut sent = Sent { method, path, query: query.join("&"), body, ..Sent::new() };
        sent.headers.extend(values.into_iter().enumerate().map(|(at, value)| (format!("x-value-{at}"), value)));
        let kind = if hashed { PayloadChecksumKind::XAmzSha256 } else { PayloadChecksumKind::NoHeader };
        let sent = sent.signed_with(ID, SECRET, REGION, SERVICE, kind);
        prop_assert!(sent.verify().is_ok(), "{:?}", sent.verify());
    }

    /// Whatever is sent, an answer comes.
    #[test]
    fn no_header_is_too_strange(authorization in ".{0,80}", date in ".{0,20}", path in ".{0,10}", query in ".{0,10}") {
        let sent = Sent { path, query, ..Sent::new() };
        let strange = [format!("AWS4-HMAC-SHA256 {authorization}"), authorization];
        for authorization in strange {
            prop_assert!(sent.clone().with("authorization", &authorization).with("x-amz-date", &date).verify().is_err());
        }
    }
}
