//! Whole tasks against an emulator of AWS: the requests are such as services take, and the answers such as they give.
//!
//! `STATEWRIGHT_AWS_ENDPOINT` names the emulator; without it these tests say that they skip. The names of what they make follow from
//! the process, so that an emulator may be used twice.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail by a panic")]

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use statewright_integrations::caller::{Caller, Endpoints, Settings};
use statewright_integrations::service::{DYNAMO_DB, LAMBDA, SNS, SQS, STEP_FUNCTIONS, Service};
use statewright_integrations::shape::Shape;
use statewright_integrations::{Origin, Outcome, Request, Response, Task, nested, s3};
use statewright_interpreter::Value;
use statewright_interpreter::definition::Resource;
use statewright_interpreter::event::Event;
use statewright_interpreter::history::EventId;
use statewright_interpreter::payload::Document;

const MACHINE: &str = "arn:aws:states:us-east-1:000000000000:stateMachine:m";
const EXECUTION: &str = "arn:aws:states:us-east-1:000000000000:execution:m:e";

struct Emulator {
    caller: Caller,
}

impl Emulator {
    fn find() -> Option<Self> {
        let Some(url) = std::env::var("STATEWRIGHT_AWS_ENDPOINT").ok().filter(|url| !url.is_empty()) else {
            eprintln!("SKIPPED: STATEWRIGHT_AWS_ENDPOINT does not name an emulator of AWS");
            return None;
        };
        let endpoints = Endpoints::from_variables([("AWS_ENDPOINT_URL".to_owned(), url)]);
        let credentials = SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test"));
        Some(Self {
            caller: Caller::new(Settings { region: "us-east-1".to_owned(), endpoints, credentials, answer: Settings::ANSWER }),
        })
    }

    /// Calls an operation that no task calls, and gives its answer's text.
    async fn make(&self, service: &'static Service, operation: &str, parameters: &str) -> String {
        let parameters = Value::parse(parameters).unwrap();
        self.send(&Request::new(service, operation, &Shape::Structure(&[]), &parameters)).await
    }

    async fn send(&self, request: &Request) -> String {
        let response: Response = self.caller.send(request, []).await.unwrap().unwrap();
        let text = String::from_utf8(response.body.clone()).unwrap();
        assert!(response.is_success(), "{} {text}", response.status);
        text
    }

    async fn event(&self, task: &Task) -> Event {
        let origin = Origin { state_machine_arn: MACHINE, execution_arn: EXECUTION, role_arn: None };
        match self.caller.run(task, &origin).await.unwrap() {
            Outcome::Event(event) => event,
            other => panic!("{other:?}"),
        }
    }

    /// The result of a task.
    async fn result(&self, resource: &str, parameters: &str) -> Value {
        let event = self.event(&task(resource, parameters)).await;
        let (Event::TaskSucceeded { output, .. } | Event::TaskSubmitted { output, .. }) = event else {
            panic!("{resource}: {event:?}")
        };
        output.value().clone()
    }

    /// The error and the cause of a task.
    async fn error(&self, resource: &str, parameters: &str) -> (String, String) {
        let event = self.event(&task(resource, parameters)).await;
        let Event::TaskFailed { error, .. } = event else { panic!("{resource}: {event:?}") };
        (error.error.unwrap().to_string(), error.cause.unwrap().to_string())
    }
}

fn task(resource: &str, parameters: &str) -> Task {
    let resource = if resource.starts_with("arn:") { resource.to_owned() } else { format!("arn:aws:states:::{resource}") };
    Task {
        id: EventId(5),
        resource: Resource::parse(&resource).unwrap(),
        parameters: Document::parse(parameters).unwrap(),
        timeout_seconds: None,
        credentials_role_arn: None,
    }
}

fn unique(name: &str) -> String {
    format!("{name}-{}", std::process::id())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("no text `{name}` in {value}"))
}

/// Whether a result tells of the answer it came in.
fn has_metadata(result: &Value) -> bool {
    let status = result.get("SdkHttpMetadata").and_then(|http| http.get("HttpStatusCode")).and_then(Value::as_i64);
    status == Some(200) && result.get("SdkResponseMetadata").and_then(|metadata| metadata.get("RequestId")).is_some()
}

#[tokio::test]
async fn messages_arrive_as_text() {
    let Some(emulator) = Emulator::find() else { return };
    let made = emulator.make(&SQS, "CreateQueue", &format!(r#"{{"QueueName":"{}"}}"#, unique("messages"))).await;
    let url = text(&Value::parse(&made).unwrap(), "QueueUrl").to_owned();
    let sent = emulator
        .result("sqs:sendMessage.waitForTaskToken", &format!(r#"{{"QueueUrl":"{url}","MessageBody":{{"Token": "t"}}}}"#))
        .await;
    assert!(has_metadata(&sent), "{sent}");
    let received = emulator.make(&SQS, "ReceiveMessage", &format!(r#"{{"QueueUrl":"{url}"}}"#)).await;
    let received = Value::parse(&received).unwrap();
    let message = received.get("Messages").and_then(Value::as_array).unwrap().iter().next().unwrap().clone();
    assert_eq!(text(&message, "Body"), r#"{"Token":"t"}"#);
    assert_eq!(
        (text(&message, "MessageId"), text(&message, "MD5OfBody")),
        (text(&sent, "MessageId"), text(&sent, "MD5OfMessageBody"))
    );

    let gone = url.replace("messages", "no-such-queue");
    let (error, cause) = emulator.error("sqs:sendMessage", &format!(r#"{{"QueueUrl":"{gone}","MessageBody":"x"}}"#)).await;
    assert_eq!(error, "SQS.QueueDoesNotExistException");
    assert!(
        cause.contains(" (Service: AmazonSQS; Status Code: 400; Error Code: AWS.SimpleQueueService.NonExistentQueue; "),
        "{cause}"
    );
}

#[tokio::test]
async fn what_is_published_and_put_reaches_a_queue() {
    let Some(emulator) = Emulator::find() else { return };
    let queue = unique("targets");
    let made = emulator.make(&SQS, "CreateQueue", &format!(r#"{{"QueueName":"{queue}"}}"#)).await;
    let url = text(&Value::parse(&made).unwrap(), "QueueUrl").to_owned();
    let made = emulator.make(&SNS, "CreateTopic", &format!(r#"{{"Name":"{}"}}"#, unique("topic"))).await;
    let topic = made.split_once("<TopicArn>").unwrap().1.split_once('<').unwrap().0.to_owned();
    let queue_arn = format!("arn:aws:sqs:us-east-1:000000000000:{queue}");
    emulator.make(&SNS, "Subscribe", &format!(r#"{{"TopicArn":"{topic}","Protocol":"sqs","Endpoint":"{queue_arn}"}}"#)).await;

    let parameters = format!(
        r#"{{"TopicArn":"{topic}","Message":{{"a": [1]}},"MessageAttributes":{{"kind":{{"DataType":"String","StringValue":"x & y"}}}}}}"#
    );
    let published = emulator.result("sns:publish", &parameters).await;
    assert!(has_metadata(&published), "{published}");
    let received = emulator.make(&SQS, "ReceiveMessage", &format!(r#"{{"QueueUrl":"{url}","WaitTimeSeconds":5}}"#)).await;
    let received = Value::parse(&received).unwrap();
    let message = received.get("Messages").and_then(Value::as_array).unwrap().iter().next().unwrap().clone();
    let notification = Value::parse(text(&message, "Body")).unwrap();
    assert_eq!(text(&notification, "Message"), r#"{"a":[1]}"#);
    assert_eq!(text(&notification, "MessageId"), text(&published, "MessageId"));
    let attributes = notification.get("MessageAttributes").unwrap().to_string();
    assert_eq!(attributes, r#"{"kind":{"Type":"String","Value":"x & y"}}"#);

    let put = emulator.result("events:putEvents", r#"{"Entries":[{"Detail":{"a":1},"DetailType":"d","Source":"s"}]}"#).await;
    assert_eq!(put.get("FailedEntryCount").and_then(Value::as_i64), Some(0));
    assert_eq!(put.as_object().unwrap().len(), 2, "{put}");

    let (error, cause) = emulator.error("sns:publish", &format!(r#"{{"TopicArn":"{topic}-gone","Message":"x"}}"#)).await;
    assert_eq!(error, "SNS.NotFoundException");
    assert!(cause.contains(" (Service: AmazonSNS; Status Code: 404; Error Code: NotFound; Request ID: "), "{cause}");
}

#[tokio::test]
async fn items_are_put_changed_read_and_deleted() {
    let Some(emulator) = Emulator::find() else { return };
    let table = unique("items");
    let definition = format!(
        r#"{{"TableName":"{table}","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{{"AttributeName":"id","AttributeType":"S"}}],
            "KeySchema":[{{"AttributeName":"id","KeyType":"HASH"}}]}}"#
    );
    emulator.make(&DYNAMO_DB, "CreateTable", &definition).await;
    let with = |more: &str| format!(r#"{{"TableName":"{table}",{more}}}"#);
    let put = with(
        r#""Item":{"id":{"S":"1"},"p":{"M":{"a":{"N":"1"},"p":{"NULL":true}}}},"ConditionExpression":"attribute_not_exists(id)""#,
    );
    assert!(has_metadata(&emulator.result("dynamodb:putItem", &put).await));
    let (error, cause) = emulator.error("dynamodb:putItem", &put).await;
    assert_eq!(error, "DynamoDB.ConditionalCheckFailedException");
    let ours = "The conditional request failed (Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ConditionalCheckFailedException; ";
    assert!(cause.starts_with(ours), "{cause}");

    let update = with(
        r#""Key":{"id":{"S":"1"}},"UpdateExpression":"SET n = :n","ExpressionAttributeValues":{":n":{"N":"7"}},"ReturnValues":"UPDATED_NEW""#,
    );
    assert_eq!(emulator.result("dynamodb:updateItem", &update).await.get("Attributes").unwrap().to_string(), r#"{"n":{"N":"7"}}"#);
    let key = with(r#""Key":{"id":{"S":"1"}}"#);
    let item = emulator.result("dynamodb:getItem", &key).await.get("Item").unwrap().to_string();
    assert_eq!(item, r#"{"p":{"M":{"p":{"NULL":true},"a":{"N":"1"}}},"id":{"S":"1"},"n":{"N":"7"}}"#);
    emulator.result("dynamodb:deleteItem", &key).await;
    assert_eq!(emulator.result("dynamodb:getItem", &key).await.get("Item"), None);

    let (error, _) = emulator.error("dynamodb:getItem", &key.replace("items", "no-such-table")).await;
    assert_eq!(error, "DynamoDB.ResourceNotFoundException");
}

/// A zip with one file, `app.py`: a function that answers its event, or fails when that is `"fail"`. (What the client context says
/// is not to be seen here: the emulator keeps it to itself.)
const CODE: &str = "UEsDBBQAAgAIAAAAIVgwWPpAYAAAAHYAAAAGAAAAYXBwLnB5JYxBCoMwFAX3nuLxVwZ6AsGlV3D/MS8YDBF+EimU3r01znIYxjNg1+wTbeTFXF/Yzlz5rm4a8CcGdI95hgSNSR5/YxoLsWpqXMxOG0ULtBz04npkrM0yPtIXMj2r7/ADUEsBAh4DFAACAAgAAAAhWDBY+kBgAAAAdgAAAAYAAAAAAAAAAQAAAKSBAAAAAGFwcC5weVBLBQYAAAAAAQABADQAAACEAAAAAAA=";

#[tokio::test]
async fn functions_are_invoked() {
    let Some(emulator) = Emulator::find() else { return };
    let name = unique("function");
    let definition = format!(
        r#"{{"FunctionName":"{name}","Runtime":"python3.11","Handler":"app.handler","Role":"arn:aws:iam::000000000000:role/r","Timeout":20,"Code":{{"ZipFile":"{CODE}"}}}}"#
    );
    let create = Request {
        path: "/2015-03-31/functions".to_owned(),
        ..Request::new(&LAMBDA, "", &Shape::Any, &Value::parse(&definition).unwrap())
    };
    emulator.send(&create).await;
    let arn = format!("arn:aws:lambda:us-east-1:000000000000:function:{name}");

    let answer = emulator.result(&arn, r#"{"a": 1.0}"#).await;
    assert_eq!(answer.to_string(), r#"{"event":{"a":1.0}}"#);

    let answer = emulator.result("lambda:invoke", &format!(r#"{{"FunctionName":"{name}","Payload":"\"text\""}}"#)).await;
    assert_eq!(answer.get("Payload").unwrap().to_string(), r#"{"event":"text"}"#);
    assert_eq!((text(&answer, "ExecutedVersion"), answer.get("StatusCode").and_then(Value::as_i64)), ("$LATEST", Some(200)));
    assert!(has_metadata(&answer), "{answer}");

    // The emulator calls every Python error so; what counts is that the name and the payload come from the function.
    let (error, cause) = emulator.error(&arn, "\"fail\"").await;
    let payload = Value::parse(&cause).unwrap();
    assert_eq!((error.as_str(), text(&payload, "errorType")), ("Runtime.HandlerError", "Runtime.HandlerError"));

    let (error, cause) = emulator.error("lambda:invoke", &format!(r#"{{"FunctionName":"{name}-gone"}}"#)).await;
    assert_eq!(error, "Lambda.ResourceNotFoundException");
    assert!(
        cause.contains(" (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: "),
        "{cause}"
    );
}

#[tokio::test]
async fn executions_are_started_once_and_followed_to_their_end() {
    let Some(emulator) = Emulator::find() else { return };
    let name = unique("machine");
    let definition = format!(
        r#"{{"Name":"{name}","RoleArn":"arn:aws:iam::000000000000:role/r","Definition":"{{\"StartAt\":\"P\",\"States\":{{\"P\":{{\"Type\":\"Pass\",\"End\":true}}}}}}"}}"#
    );
    let made = emulator.make(&STEP_FUNCTIONS, "CreateStateMachine", &definition).await;
    let machine = text(&Value::parse(&made).unwrap(), "stateMachineArn").to_owned();
    let start = task("states:startExecution.sync:2", &format!(r#"{{"StateMachineArn":"{machine}","Input":{{"a": 1}}}}"#));
    let submitted = |event| if let Event::TaskSubmitted { output, .. } = event { output } else { panic!("{event:?}") };
    let first = submitted(emulator.event(&start).await);
    let arn = nested::execution_arn(&first).unwrap().to_owned();
    assert!(first.value().get("StartDate").and_then(Value::as_i64).unwrap() > 1_700_000_000_000, "{first}");

    let origin = Origin { state_machine_arn: MACHINE, execution_arn: EXECUTION, role_arn: None };
    let end = loop {
        if let Some(end) = emulator.caller.ended(&start, &origin, &arn).await.unwrap() {
            break end;
        }
        tokio::task::yield_now().await;
    };
    let Event::TaskSucceeded { output, .. } = end else { panic!("{end:?}") };
    assert_eq!(
        (text(output.value(), "Status"), output.value().get("Output").unwrap().to_string()),
        ("SUCCEEDED", r#"{"a":1}"#.to_owned())
    );

    let second = submitted(emulator.event(&start).await);
    assert_eq!(nested::execution_arn(&second), Some(arn.as_str()));

    let gone = format!(r#"{{"StateMachineArn":"{machine}-gone"}}"#);
    assert_eq!(emulator.error("states:startExecution", &gone).await.0, "StepFunctions.StateMachineDoesNotExistException");
}

#[tokio::test]
async fn objects_are_stored_and_read() {
    let Some(emulator) = Emulator::find() else { return };
    let bucket = unique("objects");
    emulator.send(&Request { path: format!("/{bucket}"), ..s3::put_object("", "", Vec::new()) }).await;
    let key = "definitions/a b+c/é=1.json";
    emulator.send(&s3::put_object(&bucket, key, b"{\"a\": 1}".to_vec())).await;
    assert_eq!(emulator.send(&s3::get_object(&bucket, key, None)).await, "{\"a\": 1}");
}
