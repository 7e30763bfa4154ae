//! The caller against servers on the loopback that answer as they are told, or not at all.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use statewright_integrations::caller::{CallError, Caller, Endpoints, Handler, HandlerFuture, Settings};
use statewright_integrations::service::STEP_FUNCTIONS;
use statewright_integrations::{Origin, Outcome, Request, Response, Task, nested, s3};
use statewright_interpreter::definition::Resource;
use statewright_interpreter::event::Event;
use statewright_interpreter::history::EventId;
use statewright_interpreter::payload::Document;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const GET_ITEM: &str = "arn:aws:states:::dynamodb:getItem";
const ORIGIN: Origin<'static> = Origin {
    state_machine_arn: "arn:aws:states:us-east-1:123456789012:stateMachine:m",
    execution_arn: "arn:aws:states:us-east-1:123456789012:execution:m:e",
    role_arn: None,
};

/// What a server does with the next request.
enum Reply {
    Answer(String),
    /// Closes the connection.
    Hangs,
    /// Keeps the connection open and says nothing.
    Waits,
}

fn ok(body: &str) -> Reply {
    answer("200 OK", body)
}

fn answer(status: &str, body: &str) -> Reply {
    Reply::Answer(format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
}

/// A server that answers the requests in the order in which they come, and keeps their texts.
struct Server {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        tokio::spawn(async move {
            let mut replies = replies.into_iter();
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                while let Some(request) = read(&mut stream).await {
                    kept.lock().unwrap().push(request);
                    match replies.next().unwrap_or(Reply::Hangs) {
                        Reply::Answer(text) => stream.write_all(text.as_bytes()).await.unwrap(),
                        Reply::Hangs => break,
                        Reply::Waits => {
                            open.push(stream);
                            break;
                        }
                    }
                    if replies.len() == 0 {
                        break;
                    }
                }
            }
        });
        Self { url, requests }
    }

    fn caller(&self) -> Caller {
        caller(&self.url)
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn read(stream: &mut TcpStream) -> Option<String> {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    loop {
        let length = |text: &str| text.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && body.len() >= length(head).unwrap_or(0)
        {
            return Some(text);
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => text.push_str(std::str::from_utf8(&buffer[..count]).unwrap()),
        }
    }
}

fn caller(url: &str) -> Caller {
    let endpoints = Endpoints::from_variables([("AWS_ENDPOINT_URL".to_owned(), url.to_owned())]);
    let credentials = SharedCredentialsProvider::new(Credentials::new("HOST", "secret", None, None, "test"));
    Caller::new(Settings { region: "us-east-1".to_owned(), endpoints, credentials, answer: Settings::ANSWER })
}

fn task(resource: &str, parameters: &str) -> Task {
    Task {
        id: EventId(5),
        resource: Resource::parse(resource).unwrap(),
        parameters: Document::parse(parameters).unwrap(),
        timeout_seconds: None,
        credentials_role_arn: None,
    }
}

fn get_item() -> Task {
    task(GET_ITEM, r#"{"TableName":"t"}"#)
}

async fn event(caller: &Caller, task: &Task, origin: &Origin<'_>) -> Event {
    let Outcome::Event(event) = caller.run(task, origin).await.unwrap() else { panic!("no event") };
    event
}

fn error(event: Event) -> (String, String) {
    let Event::TaskFailed { error, .. } = event else { panic!("{event:?} is no failure") };
    (error.error.unwrap().to_string(), error.cause.unwrap().to_string())
}

fn output(event: Event) -> Document {
    let (Event::TaskSucceeded { output, .. } | Event::TaskSubmitted { output, .. }) = event else {
        panic!("{event:?} is a failure")
    };
    output
}

#[tokio::test]
async fn a_request_is_signed_for_its_service_and_region() {
    let server = Server::start(vec![ok(r#"{"Item":{"id":{"S":"1"}}}"#)]).await;
    let output = output(event(&server.caller(), &get_item(), &ORIGIN).await);
    assert_eq!(output.value().get("Item").unwrap().to_string(), r#"{"id":{"S":"1"}}"#);
    let request = server.requests().remove(0);
    assert!(request.starts_with("POST / HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("authorization: AWS4-HMAC-SHA256 Credential=HOST/"), "{request}");
    assert!(
        request.contains("/us-east-1/dynamodb/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, "),
        "{request}"
    );
    assert!(request.ends_with("\r\n\r\n{\"TableName\":\"t\"}"), "{request}");
}

#[tokio::test]
async fn a_call_whose_answer_is_lost_is_not_repeated() {
    let server = Server::start(vec![Reply::Hangs]).await;
    let (name, cause) = error(event(&server.caller(), &get_item(), &ORIGIN).await);
    assert_eq!(name, "DynamoDB.SdkClientException");
    assert!(cause.starts_with("Unable to execute HTTP request: "), "{cause}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_host_that_is_not_there_is_the_clients_error() {
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let (name, cause) = error(event(&caller(&nobody), &get_item(), &ORIGIN).await);
    assert_eq!(name, "DynamoDB.SdkClientException");
    assert!(cause.starts_with("Unable to execute HTTP request: Connect to 127.0.0.1 failed: "), "{cause}");
}

#[tokio::test(start_paused = true)]
async fn a_task_has_the_time_of_its_state_and_other_calls_that_of_their_service() {
    let server = Server::start(vec![Reply::Waits, Reply::Waits]).await;
    let hurried = Task { timeout_seconds: Some(3), ..get_item() };
    let start = tokio::time::Instant::now();
    assert!(matches!(server.caller().run(&hurried, &ORIGIN).await.unwrap(), Outcome::TimedOut));
    assert_eq!(start.elapsed().as_secs(), 3);
    let (name, cause) = error(event(&server.caller(), &get_item(), &ORIGIN).await);
    assert_eq!((&*name, &*cause), ("DynamoDB.SdkClientException", "Unable to execute HTTP request: Read timed out"));
    assert_eq!(start.elapsed().as_secs(), 63);
}

fn credentials(id: &str, end: &str) -> Reply {
    ok(&format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials><AccessKeyId>{id}</AccessKeyId>\
         <SecretAccessKey>s</SecretAccessKey><SessionToken>{id}-token</SessionToken><Expiration>{end}</Expiration></Credentials>\
         </AssumeRoleResult></AssumeRoleResponse>"
    ))
}

/// Who signed each request, and what for.
fn signers(server: &Server) -> Vec<String> {
    let part = |text: &str, before: &str, after: char| text.split_once(before).unwrap().1.split(after).next().unwrap().to_owned();
    let requests = server.requests();
    requests.iter().map(|text| format!("{} {}", part(text, "Credential=", '/'), part(text, "/us-east-1/", '/'))).collect()
}

#[tokio::test]
async fn roles_are_assumed_one_by_the_other_and_kept() {
    let far = "2999-01-01T00:00:00Z";
    let server = Server::start(vec![credentials("MACHINE", far), credentials("STATE", far), ok("{}"), ok("{}"), ok("{}")]).await;
    let caller = server.caller();
    let origin = Origin { role_arn: Some("arn:aws:iam::1:role/machine"), ..ORIGIN };
    let with_credentials = Task { credentials_role_arn: Some("arn:aws:iam::2:role/state".into()), ..get_item() };
    output(event(&caller, &with_credentials, &origin).await);
    output(event(&caller, &with_credentials, &origin).await);
    output(event(&caller, &get_item(), &origin).await);
    assert_eq!(signers(&server), ["HOST sts", "MACHINE sts", "STATE dynamodb", "STATE dynamodb", "MACHINE dynamodb"]);
    let requests = server.requests();
    assert!(
        requests[0].contains("Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fmachine&"),
        "{}",
        requests[0]
    );
    assert!(requests[2].contains("x-amz-security-token: STATE-token\r\n"), "{}", requests[2]);
}

#[tokio::test]
async fn credentials_that_end_soon_are_asked_for_again() {
    let past = "2020-01-01T00:00:00Z";
    let server = Server::start(vec![credentials("A", past), ok("{}"), credentials("B", past), ok("{}")]).await;
    let (caller, origin) = (server.caller(), Origin { role_arn: Some("arn:aws:iam::1:role/machine"), ..ORIGIN });
    output(event(&caller, &get_item(), &origin).await);
    output(event(&caller, &get_item(), &origin).await);
    assert_eq!(signers(&server), ["HOST sts", "A dynamodb", "HOST sts", "B dynamodb"]);
}

#[tokio::test]
async fn a_role_that_may_not_be_assumed_fails_the_task_and_an_sts_that_is_down_does_not() {
    let refusal = |code: &str| {
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>not authorized</Message></Error><RequestId>7</RequestId></ErrorResponse>"
        )
    };
    let server = Server::start(vec![
        answer("403 Forbidden", &refusal("AccessDenied")),
        answer("503 Service Unavailable", ""),
        answer("400 Bad Request", &refusal("Throttling")),
    ])
    .await;
    let (caller, origin) = (server.caller(), Origin { role_arn: Some("arn:aws:iam::1:role/machine"), ..ORIGIN });
    let cause =
        "not authorized (Service: AWSSecurityTokenService; Status Code: 403; Error Code: AccessDenied; Request ID: 7; Proxy: null)";
    assert_eq!(error(event(&caller, &get_item(), &origin).await), ("States.TaskFailed".to_owned(), cause.to_owned()));
    for _ in 0..2 {
        assert!(matches!(caller.run(&get_item(), &origin).await, Err(CallError::Role { .. })));
    }
}

#[tokio::test]
async fn credentials_that_are_refused_are_the_hosts_trouble_and_not_kept() {
    let far = "2999-01-01T00:00:00Z";
    let refusal =
        |code: &str| answer("400 Bad Request", &format!("{{\"__type\":\"com.amazon.coral.service#{code}\",\"message\":\"no\"}}"));
    let server = Server::start(vec![
        credentials("A", far),
        refusal("UnrecognizedClientException"),
        credentials("B", far),
        refusal("ExpiredTokenException"),
        credentials("C", far),
        refusal("AccessDeniedException"),
    ])
    .await;
    let (caller, origin) = (server.caller(), Origin { role_arn: Some("arn:aws:iam::1:role/machine"), ..ORIGIN });
    for _ in 0..2 {
        assert!(matches!(caller.run(&get_item(), &origin).await, Err(CallError::Credentials(_))));
    }
    assert_eq!(error(event(&caller, &get_item(), &origin).await).0, "DynamoDB.AmazonDynamoDBException");
    assert_eq!(signers(&server), ["HOST sts", "A dynamodb", "HOST sts", "B dynamodb", "HOST sts", "C dynamodb"]);
}

#[tokio::test]
async fn nobody_to_call_as_is_the_hosts_trouble() {
    let caller = Caller::new(Settings {
        region: "us-east-1".to_owned(),
        endpoints: Endpoints::default(),
        credentials: SharedCredentialsProvider::new(Nobody),
        answer: Settings::ANSWER,
    });
    assert!(matches!(caller.run(&get_item(), &ORIGIN).await, Err(CallError::Credentials(_))));
}

#[derive(Debug)]
struct Nobody;

impl aws_credential_types::provider::ProvideCredentials for Nobody {
    fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let error = aws_credential_types::provider::error::CredentialsError::not_loaded_no_source();
        aws_credential_types::provider::future::ProvideCredentials::ready(Err(error))
    }
}

/// Step Functions in this process: one execution, which is there already when it is started again.
#[derive(Default)]
struct Executions(Mutex<Vec<String>>);

impl Handler for Executions {
    fn handle<'a>(&'a self, request: &'a Request, _asking: Option<&'a str>) -> HandlerFuture<'a> {
        let target = &request.headers.iter().find(|header| header.0 == "x-amz-target").unwrap().1;
        let body = Document::parse(std::str::from_utf8(&request.body).unwrap()).unwrap();
        let text = |name: &str| body.value().get(name).unwrap().as_str().unwrap().to_owned();
        let mut known = self.0.lock().unwrap();
        let (status, answer) = match target.as_str() {
            "AWSStepFunctions.StartExecution" => {
                let arn = format!("{}:{}", text("stateMachineArn").replace("stateMachine", "execution"), text("name"));
                if known.contains(&arn) {
                    (400, r#"{"__type":"ExecutionAlreadyExists","message":"Execution Already Exists"}"#.to_owned())
                } else {
                    known.push(arn.clone());
                    (200, format!(r#"{{"executionArn":"{arn}","startDate":1733089875.5}}"#))
                }
            }
            "AWSStepFunctions.DescribeExecution" => {
                let arn = text("executionArn");
                assert!(known.contains(&arn), "{arn}");
                (200, format!(r#"{{"executionArn":"{arn}","startDate":1733089875.5,"status":"SUCCEEDED","output":"[1]"}}"#))
            }
            other => panic!("{other}"),
        };
        Box::pin(std::future::ready(Ok(Response { status, headers: Vec::new(), body: answer.into_bytes() })))
    }
}

#[tokio::test]
async fn a_start_that_is_delivered_twice_starts_one_execution_and_its_end_is_the_tasks() {
    let executions = Arc::new(Executions::default());
    let caller = caller("http://127.0.0.1:1").with_handler(&STEP_FUNCTIONS, executions.clone());
    let machine = r#"{"StateMachineArn":"arn:aws:states:us-east-1:123456789012:stateMachine:n"}"#;
    let start = task("arn:aws:states:::states:startExecution.sync:2", machine);
    let first = output(event(&caller, &start, &ORIGIN).await);
    let second = output(event(&caller, &start, &ORIGIN).await);
    assert_eq!(first.text(), second.text());
    assert_eq!(first.value().get("StartDate").unwrap().as_i64(), Some(1_733_089_875_500));
    assert_eq!(executions.0.lock().unwrap().len(), 1);

    let arn = nested::execution_arn(&first).unwrap();
    let end = output(caller.ended(&start, &ORIGIN, arn).await.unwrap().unwrap());
    assert_eq!(end.value().get("Output").unwrap().to_string(), "[1]");
    let plain = task("arn:aws:states:::states:startExecution", machine);
    assert!(caller.ended(&plain, &ORIGIN, arn).await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_put_at_a_signed_url_has_no_header_of_its_own() {
    let server = Server::start(vec![ok("")]).await;
    let url = format!("{}/bucket/key?X-Amz-Signature=s%2Bx", server.url);
    assert!(statewright_integrations::caller::put(&url, b"{}".to_vec()).await.unwrap().is_success());
    let request = server.requests().remove(0);
    assert!(
        request.starts_with("PUT /bucket/key?X-Amz-Signature=s%2Bx HTTP/1.1\r\n") && request.ends_with("\r\n\r\n{}"),
        "{request}"
    );
    let head = request.to_lowercase();
    assert!(!head.contains("content-type") && !head.contains("authorization"), "{request}");
}

#[tokio::test]
async fn objects_are_signed_with_the_hash_of_their_content_and_their_path_as_it_is() {
    let server = Server::start(vec![ok("")]).await;
    let request = s3::put_object("b", "a b//c", b"abc".to_vec());
    assert!(server.caller().send(&request, []).await.unwrap().unwrap().is_success());
    let request = server.requests().remove(0);
    assert!(request.starts_with("PUT /b/a%20b//c HTTP/1.1\r\n"), "{request}");
    let hash = "x-amz-content-sha256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\r\n";
    assert!(request.contains(hash) && request.contains("/us-east-1/s3/aws4_request"), "{request}");
}
