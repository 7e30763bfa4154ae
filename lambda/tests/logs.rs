//! How records of executions are delivered to CloudWatch Logs, and what becomes of those that are not.
#![allow(clippy::indexing_slicing, clippy::panic, reason = "a test may fail by a panic")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use serde_json::{Value, json};
use statewright_engine::api::{Api, Caller as Asking, NewExecution, Operation};
use statewright_engine::table::MemoryTable;
use statewright_engine::{Clock as _, ExecutionArn, ExpressQueue, QueueError, WakeQueue};
use statewright_integrations::caller::{Caller, Endpoints, Handler, HandlerFuture, Settings};
use statewright_integrations::service::LOGS;
use statewright_integrations::{Request, Response};
use statewright_lambda::TokioTimer;
use statewright_lambda::config::Config;
use statewright_lambda::function::{Machinery, machinery};
use statewright_lambda::tasks::{TaskMessage, TaskQueue};

/// Queues that nobody needs here.
struct Nothing;

impl WakeQueue for Nothing {
    async fn wake(&self, _execution: &ExecutionArn, _after: Duration) -> Result<(), QueueError> {
        Ok(())
    }
}

impl TaskQueue for Nothing {
    async fn send(&self, _task: &TaskMessage, _after: Duration) -> Result<(), QueueError> {
        Ok(())
    }
}

impl ExpressQueue for Nothing {
    async fn launch(&self, _new: &NewExecution) -> Result<(), QueueError> {
        Ok(())
    }
}

/// CloudWatch Logs, which refuses what it is told to refuse, and notes what it is asked.
#[derive(Clone, Default)]
struct CloudWatch {
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    /// An operation and the error it is refused with.
    refuses: Arc<Mutex<Option<(&'static str, &'static str)>>>,
    is_silent: bool,
}

impl Handler for CloudWatch {
    fn handle<'a>(&'a self, request: &'a Request, _asking: Option<&'a str>) -> HandlerFuture<'a> {
        let target = request.headers.iter().find(|header| header.0 == "x-amz-target").expect("a target").1.clone();
        let operation = target.strip_prefix("Logs_20140328.").expect("the API's version").to_owned();
        let error = self.refuses.lock().expect("no panic").filter(|refused| refused.0 == operation).map(|refused| refused.1);
        let body = serde_json::from_slice(&request.body).expect("JSON");
        self.asked.lock().expect("no panic").push((operation, body));
        Box::pin(async move {
            if self.is_silent {
                std::future::pending::<()>().await;
            }
            let (status, body) = error.map_or((200, json!({})), |error| (400, json!({"__type": error})));
            Ok(Response { status, headers: Vec::new(), body: body.to_string().into_bytes() })
        })
    }
}

impl CloudWatch {
    fn refuse(&self, refused: Option<(&'static str, &'static str)>) {
        *self.refuses.lock().expect("no panic") = refused;
    }

    /// The operations since the last time.
    fn asked(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut *self.asked.lock().expect("no panic"))
    }

    fn operations(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.0).collect()
    }
}

struct Host(Arc<Machinery<MemoryTable, Nothing, Nothing, Nothing>>);

impl Host {
    fn new(logs: &CloudWatch) -> Self {
        let variables = [("STATEWRIGHT_FUNCTION", "api"), ("STATEWRIGHT_TABLE", "t"), ("STATEWRIGHT_WAKES", "https://queue")];
        let variable = |name: &str| variables.iter().find(|known| known.0 == name).map(|known| known.1.to_owned());
        let config = Config::read(&variable).expect("complete");
        let settings = Settings {
            region: "us-east-1".to_owned(),
            endpoints: Endpoints::default(),
            credentials: SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test")),
            answer: Duration::from_secs(1),
        };
        let caller = Caller::new(settings).with_handler(&LOGS, Arc::new(logs.clone()));
        Self(machinery(&config, MemoryTable::default(), Nothing, Nothing, Nothing, caller))
    }

    async fn call(&self, operation: &str, request: Value) -> Value {
        let (now, random) = (TokioTimer.now(), || u128::from(statewright_lambda::function::api::random_u64()));
        let asking =
            Asking { partition: "aws", region: "us-east-1", account: "123456789012", now, random: &random, verified: None };
        let operation = Operation::from_name(operation).expect("an operation");
        let api = Api { table: &**self.0.table(), executions: &*self.0 };
        let answer = api.call(operation, &request.to_string(), &asking).await.expect("it is taken");
        serde_json::from_str(&answer).expect("JSON")
    }

    /// An Express machine that logs everything.
    async fn machine(&self, name: &str) -> Value {
        let group = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/vendedlogs/states/x:*";
        let request = json!({
            "name": name, "type": "EXPRESS", "roleArn": "arn:aws:iam::123456789012:role/r",
            "definition": json!({"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}).to_string(),
            "loggingConfiguration": {
                "level": "ALL", "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}],
            },
        });
        self.call("CreateStateMachine", request).await["stateMachineArn"].clone()
    }

    async fn run(&self, machine: &Value) {
        let answer = self.call("StartSyncExecution", json!({"stateMachineArn": machine})).await;
        assert_eq!(answer["status"], "SUCCEEDED", "whatever becomes of its records");
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

#[test]
fn records_of_an_invocation_go_together_and_a_process_has_a_stream_for_each_machine() {
    run(async {
        let logs = CloudWatch::default();
        let host = Host::new(&logs);
        let machine = host.machine("m").await;
        host.run(&machine).await;
        host.run(&machine).await;
        assert!(logs.asked().is_empty(), "nobody waits for them");
        host.0.flush_logs().await;
        let asked = logs.asked();
        let [(create, created), (put, records)] = &*asked else { panic!("two requests: {asked:?}") };
        assert_eq!((&**create, &**put), ("CreateLogStream", "PutLogEvents"));
        let stream = created["logStreamName"].as_str().expect("a name");
        assert!(stream.starts_with("states/m/2"), "{stream}");
        assert_eq!(created["logGroupName"], "/aws/vendedlogs/states/x");
        assert_eq!((&records["logGroupName"], &records["logStreamName"]), (&created["logGroupName"], &created["logStreamName"]));
        let events = records["logEvents"].as_array().expect("records");
        assert_eq!(events.len(), 8);
        let first: Value = serde_json::from_str(events[0]["message"].as_str().expect("text")).expect("JSON");
        assert_eq!(first["event_timestamp"], events[0]["timestamp"].to_string());
        host.run(&machine).await;
        host.0.flush_logs().await;
        assert_eq!(logs.operations(), ["PutLogEvents"], "the stream is there");
        host.0.flush_logs().await;
        assert!(logs.asked().is_empty(), "nothing is left");
    });
}

#[test]
fn a_stream_that_is_gone_is_made_again_and_one_that_is_there_is_taken() {
    run(async {
        let logs = CloudWatch::default();
        let host = Host::new(&logs);
        let machine = host.machine("m").await;
        logs.refuse(Some(("CreateLogStream", "ResourceAlreadyExistsException")));
        host.run(&machine).await;
        host.0.flush_logs().await;
        assert_eq!(logs.operations(), ["CreateLogStream", "PutLogEvents"]);
        logs.refuse(Some(("PutLogEvents", "ResourceNotFoundException")));
        host.run(&machine).await;
        host.0.flush_logs().await;
        assert_eq!(logs.operations(), ["PutLogEvents", "CreateLogStream", "PutLogEvents"]);
    });
}

#[test]
fn who_refuses_is_not_asked_again_at_once() {
    run(async {
        let logs = CloudWatch::default();
        let host = Host::new(&logs);
        let machine = host.machine("m").await;
        logs.refuse(Some(("CreateLogStream", "AccessDeniedException")));
        for asked in [1, 0] {
            host.run(&machine).await;
            host.0.flush_logs().await;
            assert_eq!(logs.operations().len(), asked);
        }
        // Another machine may log elsewhere.
        let other = host.machine("n").await;
        logs.refuse(Some(("PutLogEvents", "ThrottlingException")));
        for asked in [2, 2] {
            host.run(&other).await;
            host.0.flush_logs().await;
            assert_eq!(logs.operations().len(), asked, "it may be better the next time");
        }
    });
}

#[test]
fn nobody_waits_long_for_logs() {
    run(async {
        let logs = CloudWatch { is_silent: true, ..CloudWatch::default() };
        let host = Host::new(&logs);
        let machine = host.machine("m").await;
        host.run(&machine).await;
        let before = tokio::time::Instant::now();
        host.0.flush_logs().await;
        assert_eq!((before.elapsed().as_secs(), logs.operations().len()), (2, 1));
    });
}
