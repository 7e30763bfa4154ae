//! The deployment's own keys: how they are made and taken away, and for how long they count.
#![allow(clippy::indexing_slicing, clippy::panic, reason = "a test may fail by a panic")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use serde_json::{Value, json};
use statewright_integrations::caller::{Caller, Endpoints, Handler, HandlerFuture, Settings};
use statewright_integrations::service::SYSTEMS_MANAGER;
use statewright_integrations::{Request, Response};
use statewright_lambda::TokioTimer;
use statewright_lambda::function::api::Keys;
use statewright_lambda::keys::{StoredKeys, fetch, resource};

const NAME: &str = "/statewright/orders/keys";

/// One parameter.
#[derive(Clone, Default)]
struct Parameters {
    value: Arc<Mutex<Option<String>>>,
    is_down: Arc<Mutex<bool>>,
    /// Whether nothing is answered at all.
    is_silent: Arc<Mutex<bool>>,
}

impl Parameters {
    fn answer(&self, operation: &str, request: &Value) -> (u16, Value) {
        assert_eq!(request["Name"], NAME);
        let mut value = self.value.lock().expect("no panic");
        let refused = |code: &str| (400, json!({ "__type": code, "message": "no" }));
        match (operation, value.as_ref()) {
            _ if *self.is_down.lock().expect("no panic") => (500, json!({ "__type": "InternalServerError" })),
            ("AmazonSSM.PutParameter", Some(_)) => {
                assert_eq!(request["Overwrite"], false, "nobody's keys are lost");
                refused("ParameterAlreadyExists")
            }
            ("AmazonSSM.PutParameter", None) => {
                assert_eq!((&request["Type"], &request["Tier"]), (&"SecureString".into(), &"Standard".into()));
                *value = request["Value"].as_str().map(ToOwned::to_owned);
                (200, json!({ "Version": 1, "Tier": "Standard" }))
            }
            ("AmazonSSM.GetParameter", Some(value)) => {
                assert_eq!(request["WithDecryption"], true);
                (200, json!({ "Parameter": { "Name": NAME, "Value": value } }))
            }
            ("AmazonSSM.DeleteParameter", Some(_)) => {
                *value = None;
                (200, json!({}))
            }
            (_, None) => refused("ParameterNotFound"),
            (operation, _) => panic!("{operation}"),
        }
    }

    fn set(&self, ids: &[&str]) {
        let pairs: Vec<Value> = ids.iter().map(|id| json!({ "id": id, "secret": "s" })).collect();
        *self.value.lock().expect("no panic") = Some(json!({ "keys": pairs }).to_string());
    }

    fn go_down(&self, is_down: bool) {
        *self.is_down.lock().expect("no panic") = is_down;
    }

    fn caller(&self) -> Caller {
        let settings = Settings {
            region: "us-east-1".to_owned(),
            endpoints: Endpoints::default(),
            credentials: SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test")),
            answer: Duration::from_secs(1),
        };
        Caller::new(settings).with_handler(&SYSTEMS_MANAGER, Arc::new(self.clone()))
    }
}

impl Handler for Parameters {
    fn handle<'a>(&'a self, request: &'a Request, _asking: Option<&'a str>) -> HandlerFuture<'a> {
        let operation = request.headers.iter().find(|header| header.0 == "x-amz-target").expect("an operation").1.clone();
        let (status, body) = self.answer(&operation, &serde_json::from_slice(&request.body).expect("JSON"));
        let body = body.to_string().into_bytes();
        let is_silent = *self.is_silent.lock().expect("no panic");
        Box::pin(async move {
            if is_silent {
                std::future::pending::<()>().await;
            }
            Ok(Response { status, headers: Vec::new(), body })
        })
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime").block_on(future)
}

async fn ask(caller: &Caller, request_type: &str) -> Value {
    let event = json!({
        "RequestType": request_type, "ResponseURL": "https://s3/x", "StackId": "arn:s", "RequestId": "r",
        "ResourceType": "Custom::StatewrightKeys", "LogicalResourceId": "Keys", "PhysicalResourceId": NAME,
        "ResourceProperties": {"ServiceToken": "arn:f", "ParameterName": NAME},
    });
    let event = serde_json::from_value(event).expect("an event");
    let answer = serde_json::to_value(resource(caller, NAME, &event).await).expect("JSON");
    assert_eq!(answer["PhysicalResourceId"], NAME);
    answer
}

#[test]
fn keys_are_made_once_and_go_with_the_stack() {
    run(async {
        let parameters = Parameters::default();
        let caller = parameters.caller();
        assert_eq!(ask(&caller, "Create").await["Status"], "SUCCESS");
        let kept = fetch(&caller, NAME).await.expect("it is there");
        let keys = StoredKeys::new(|| async { fetch(&parameters.caller(), NAME).await.map(Some) }).keys().await.expect("a pair");
        assert_eq!(keys.len(), 1);
        for again in ["Create", "Update"] {
            assert_eq!(ask(&caller, again).await["Status"], "SUCCESS");
            assert_eq!(fetch(&caller, NAME).await.expect("it is there"), kept, "nobody's keys change");
        }
        parameters.go_down(true);
        for request_type in ["Create", "Delete"] {
            let answer = ask(&caller, request_type).await;
            assert_eq!(answer["Status"], "FAILED", "{answer}");
            assert!(answer["Reason"].as_str().is_some_and(|reason| reason.contains(NAME)), "{answer}");
        }
        parameters.go_down(false);
        for _ in 0..2 {
            assert_eq!(ask(&caller, "Delete").await["Status"], "SUCCESS", "whether it is there or not");
            assert!(fetch(&caller, NAME).await.expect_err("it is gone").contains("ParameterNotFound"));
        }
    });
}

/// One parameter, and how many of its keys are known, by tokio's clock.
fn counted() -> (Parameters, impl AsyncFn() -> Result<usize, String>) {
    TokioTimer::follow_tokio();
    let parameters = Parameters::default();
    let asked = parameters.clone();
    let keys = StoredKeys::new(move || {
        let caller = asked.caller();
        async move { fetch(&caller, NAME).await.map(Some) }
    });
    (parameters, async move || keys.keys().await.map(|keys| keys.len()))
}

#[test]
fn what_was_taken_back_does_not_count_for_long() {
    run(async {
        let (parameters, count) = counted();
        let pass = async |seconds| tokio::time::sleep(Duration::from_secs(seconds)).await;
        parameters.set(&["OLD", "NEW"]);
        assert_eq!(count().await, Ok(2));
        parameters.set(&["NEW"]);
        pass(299).await;
        assert_eq!(count().await, Ok(2));
        pass(2).await;
        assert_eq!(count().await, Ok(1), "after five minutes");
        parameters.set(&["NEW", "NEWER"]);
        parameters.go_down(true);
        pass(3500).await;
        assert_eq!(count().await, Ok(1), "better those of a while ago than none");
        pass(200).await;
        assert!(count().await.is_err(), "but not for more than an hour");
        parameters.go_down(false);
        assert_eq!(count().await, Ok(2));
    });
}

#[test]
fn nobody_waits_long_for_keys() {
    run(async {
        let (parameters, count) = counted();
        parameters.set(&["A"]);
        assert_eq!(count().await, Ok(1));
        *parameters.is_silent.lock().expect("no panic") = true;
        for (passed, known) in [(301, true), (3600, false)] {
            tokio::time::sleep(Duration::from_secs(passed)).await;
            let before = tokio::time::Instant::now();
            let keys = count().await;
            assert_eq!((before.elapsed().as_secs(), keys.is_ok()), (2, known), "{keys:?}");
        }
    });
}

#[test]
fn not_every_request_asks_for_keys_that_cannot_be_read() {
    run(async {
        let (parameters, count) = counted();
        parameters.set(&["A"]);
        assert_eq!(count().await, Ok(1));
        parameters.go_down(true);
        tokio::time::sleep(Duration::from_secs(301)).await;
        assert_eq!(count().await, Ok(1));
        // It is there again, with another pair, which is seen half a minute after the last failure.
        parameters.go_down(false);
        parameters.set(&["A", "B"]);
        tokio::time::sleep(Duration::from_secs(29)).await;
        assert_eq!(count().await, Ok(1));
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(count().await, Ok(2));
    });
}
