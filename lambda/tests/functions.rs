//! What functions answer to events, over a table in memory.
#![allow(clippy::panic, reason = "a test may fail by a panic")]

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use serde_json::{Value, json};
use statewright_engine::api::NewExecution;
use statewright_engine::api::signature::KeyPair;
use statewright_engine::table::MemoryTable;
use statewright_engine::{Clock as _, ExecutionArn, ExpressQueue, QueueError, WakeQueue};
use statewright_integrations::Request;
use statewright_integrations::caller::{Caller, Endpoints, Handler, HandlerFuture, Settings};
use statewright_integrations::service::EVENT_BRIDGE;
use statewright_lambda::TokioTimer;
use statewright_lambda::config::Config;
use statewright_lambda::function::api::{Keys, Place};
use statewright_lambda::function::{Invocation, Machinery, Overrun, api, in_time, machinery, start};
use statewright_lambda::start::Mapping;
use statewright_lambda::tasks::{TaskMessage, TaskQueue};

/// Takes whatever is sent.
struct Nowhere;

impl WakeQueue for Nowhere {
    async fn wake(&self, _execution: &ExecutionArn, _after: Duration) -> Result<(), QueueError> {
        Ok(())
    }
}

impl TaskQueue for Nowhere {
    async fn send(&self, _task: &TaskMessage, _after: Duration) -> Result<(), QueueError> {
        Ok(())
    }
}

impl ExpressQueue for Nowhere {
    async fn launch(&self, _new: &NewExecution) -> Result<(), QueueError> {
        Ok(())
    }
}

/// Nobody calls with keys.
struct NoKeys;

impl Keys for NoKeys {
    async fn keys(&self) -> Result<Vec<KeyPair>, String> {
        Ok(Vec::new())
    }
}

type Engine = Machinery<MemoryTable, Nowhere, Nowhere, Nowhere>;

fn engine(roles: &str) -> Arc<Engine> {
    engine_with(roles, "", |caller| caller)
}

/// One that tells of its executions on the bus `events`, and calls others as `called` has it.
fn engine_with(roles: &str, events: &str, called: impl FnOnce(Caller) -> Caller) -> Arc<Engine> {
    let variables = [
        ("STATEWRIGHT_FUNCTION", "api"),
        ("STATEWRIGHT_TABLE", "t"),
        ("STATEWRIGHT_WAKES", "https://queue"),
        ("STATEWRIGHT_ROLES", roles),
        ("STATEWRIGHT_EVENTS", events),
    ];
    let variable = |name: &str| variables.iter().find(|known| known.0 == name).map(|known| known.1.to_owned());
    let config = Config::read(&variable).expect("complete");
    let settings = Settings {
        region: "us-east-1".to_owned(),
        endpoints: Endpoints::default(),
        credentials: SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test")),
        answer: Duration::from_secs(1),
    };
    machinery(&config, MemoryTable::default(), Nowhere, Nowhere, Nowhere, called(Caller::new(settings)))
}

fn place() -> Place {
    Place { partition: "aws".to_owned(), region: "us-east-1".to_owned(), account: "123456789012".to_owned() }
}

/// Calls the API as whoever has passed IAM: the status and the answer.
async fn call(engine: &Engine, operation: &str, body: &str) -> (u16, Value) {
    let headers = json!({"x-amz-target": format!("AWSStepFunctions.{operation}"), "content-type": "application/x-amz-json-1.0"});
    let event = json!({"headers": headers, "body": body}).to_string();
    let answer = api::handle(engine, &NoKeys, &place(), &event).await;
    (answer.status_code, serde_json::from_str(&answer.body).expect("JSON"))
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

const PASS: &str = r#"{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}"#;
const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:m";

fn create(roles: &[&str]) -> String {
    let roles: String = roles.iter().map(|role| format!(r#","roleArn":"arn:aws:iam::123456789012:role/{role}""#)).collect();
    format!(r#"{{"name":"m","definition":{}{roles}}}"#, json!(PASS))
}

#[test]
fn no_role_is_passed_by_writing_it_twice() {
    run(async {
        let engine = engine("arn:aws:iam::*:role/statewright/*");
        let (status, answer) = call(&engine, "CreateStateMachine", &create(&["admin"])).await;
        assert_eq!((status, &answer["__type"]), (400, &"AccessDeniedException".into()), "{answer}");
        for roles in [["statewright/a", "admin"], ["admin", "statewright/a"]] {
            let (_, answer) = call(&engine, "CreateStateMachine", &create(&roles)).await;
            // Whichever counts: none but the first list's may come of it.
            if answer.get("stateMachineArn").is_some() {
                let (_, machine) = call(&engine, "DescribeStateMachine", &json!({"stateMachineArn": MACHINE}).to_string()).await;
                assert_eq!(machine["roleArn"], "arn:aws:iam::123456789012:role/statewright/a", "{roles:?}");
            } else {
                assert_eq!(answer["__type"], "AccessDeniedException", "{roles:?} {answer}");
            }
        }
        let twice = format!(
            r#"{{"stateMachineArn":"{MACHINE}","roleArn":"arn:aws:iam::123456789012:role/statewright/b","roleArn":"arn:aws:iam::123456789012:role/admin"}}"#
        );
        call(&engine, "CreateStateMachine", &create(&["statewright/a"])).await;
        call(&engine, "UpdateStateMachine", &twice).await;
        let (_, machine) = call(&engine, "DescribeStateMachine", &json!({"stateMachineArn": MACHINE}).to_string()).await;
        assert_ne!(machine["roleArn"], "arn:aws:iam::123456789012:role/admin");
    });
}

fn queue_event(bodies: &[&str]) -> String {
    let record = |(number, body): (usize, &&str)| {
        json!({"messageId": format!("m{number}"), "receiptHandle": "r", "body": body, "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:orders"})
    };
    json!({"Records": bodies.iter().enumerate().map(record).collect::<Vec<_>>()}).to_string()
}

#[test]
fn what_starts_nothing_is_left_to_its_source() {
    run(async {
        let engine = engine("");
        call(&engine, "CreateStateMachine", &create(&["r"])).await;
        let begin = async |input: Option<&str>, event: &str| {
            let mapping = Mapping::parse(input, None).expect("an expression");
            start::handle(&engine, &place(), MACHINE, &mapping, event, "request").await
        };
        let failed = |answer: &statewright_lambda::start::Answer| -> Vec<String> {
            answer.batch_item_failures.iter().map(|failure| failure.item_identifier.clone()).collect()
        };
        // A mapping that fails, and one that filters.
        let answer = begin(Some("$number(body)"), &queue_event(&["5", "secret"])).await.expect("an answer");
        assert_eq!(failed(&answer), ["m1"]);
        let answer = begin(Some("body[$ = 'none']"), &queue_event(&["a"])).await.expect("an answer");
        assert_eq!(failed(&answer), Vec::<String>::new());
        // An input that is too large, and a source that repeats all.
        let large = "x".repeat(300_000);
        let answer = begin(None, &queue_event(&["a", &large])).await.expect("an answer");
        assert_eq!(failed(&answer), ["m1"]);
        let event = json!({"version": "0", "id": "e", "source": "orders", "detail-type": "t", "time": "2026-11-14T18:16:05Z",
            "region": "us-east-1", "account": "123456789012", "resources": [], "detail": {"text": large}});
        assert!(begin(None, &event.to_string()).await.is_err(), "Lambda repeats it, and gives it to whoever takes failures");
        // A machine that is going, or is gone.
        call(&engine, "DeleteStateMachine", &json!({"stateMachineArn": MACHINE}).to_string()).await;
        let answer = begin(None, &queue_event(&["b"])).await.expect("an answer");
        assert_eq!(failed(&answer), ["m0"]);
        // Once started, a second delivery is none that fails.
        call(&engine, "CreateStateMachine", &create(&["r"])).await;
        for _ in 0..2 {
            assert_eq!(failed(&begin(None, &queue_event(&["c"])).await.expect("an answer")), Vec::<String>::new());
        }
    });
}

/// A service that answers nothing.
struct Silent;

impl Handler for Silent {
    fn handle<'a>(&'a self, _request: &'a Request, _asking: Option<&'a str>) -> HandlerFuture<'a> {
        Box::pin(std::future::pending())
    }
}

#[test]
fn nobody_waits_long_for_a_bus() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().start_paused(true).build().expect("a runtime").block_on(async {
        let bus = "arn:aws:events:us-east-1:123456789012:event-bus/b";
        let engine = engine_with("", bus, |caller| caller.with_handler(&EVENT_BRIDGE, Arc::new(Silent)));
        call(&engine, "CreateStateMachine", &create(&["r"])).await;
        let before = tokio::time::Instant::now();
        let (status, answer) = call(&engine, "StartExecution", &json!({ "stateMachineArn": MACHINE }).to_string()).await;
        assert_eq!(status, 200, "{answer}");
        let waited = before.elapsed().as_secs();
        assert!((2..=4).contains(&waited), "two seconds for each change of status: {waited} s");
    });
}

#[test]
fn a_task_starts_no_machine_of_another_account_or_region() {
    run(async {
        let engine = engine("");
        call(&engine, "CreateStateMachine", &create(&["r"])).await;
        let started = async |name: &str, machine: &str| {
            let start = json!({"Type": "Task", "Resource": "arn:aws:states:::states:startExecution",
                "Parameters": {"StateMachineArn": machine}, "End": true});
            let definition = json!({"StartAt": "S", "States": {"S": start}}).to_string();
            let role = "arn:aws:iam::123456789012:role/r";
            let machine =
                json!({"name": format!("starts-{name}"), "type": "EXPRESS", "definition": definition, "roleArn": role}).to_string();
            let (_, created) = call(&engine, "CreateStateMachine", &machine).await;
            let request = json!({"stateMachineArn": created["stateMachineArn"]}).to_string();
            call(&engine, "StartSyncExecution", &request).await.1
        };
        assert_eq!(started("own", MACHINE).await["status"], "SUCCEEDED");
        let missing = started("none", &MACHINE.replace("Machine:m", "Machine:none")).await;
        assert_eq!(missing["status"], "FAILED", "{missing}");
        let foreign = [MACHINE.replace("123456789012", "210987654321"), MACHINE.replace("us-east-1", "eu-west-1")];
        for (name, machine) in ["account", "region"].into_iter().zip(foreign) {
            let answer = started(name, &machine).await;
            assert_eq!((&answer["status"], &answer["error"]), (&missing["status"], &missing["error"]), "{answer}");
            let cause = answer["cause"].as_str().unwrap_or_default();
            assert!(cause.contains(&format!("State Machine Does Not Exist: '{machine}'")), "{cause}");
        }
        let executions = json!({"stateMachineArn": MACHINE}).to_string();
        let (_, listed) = call(&engine, "ListExecutions", &executions).await;
        assert_eq!(listed["executions"].as_array().map(Vec::len), Some(1), "{listed}");
    });
}

#[test]
fn an_invocation_ends_before_it_is_killed() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().start_paused(true).build().expect("a runtime").block_on(async {
        let invocation = || Invocation { deadline: TokioTimer.now().plus_seconds(5), is_first: false };
        let work = async |millis| {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            5
        };
        assert_eq!(in_time(&invocation(), work(4000)).await, Ok(5));
        let before = tokio::time::Instant::now();
        assert_eq!(in_time(&invocation(), work(10_000)).await, Err(Overrun));
        assert!((4000..5000).contains(&before.elapsed().as_millis()), "{:?}", before.elapsed());
    });
}
