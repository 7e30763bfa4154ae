//! Tasks whose functions have no room, or cannot be called at all: they are delayed, and do not fail for it. Time is tokio's, which skips
//! what nobody does anything in.
#![allow(clippy::indexing_slicing, clippy::panic, reason = "a test may fail by a panic")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use serde_json::{Value, json};
use statewright_engine::api::{Api, NewExecution, Operation};
use statewright_engine::table::MemoryTable;
use statewright_engine::{Clock as _, ExecutionArn, ExpressQueue, QueueError, WakeQueue, operator};
use statewright_integrations::caller::{Caller, Endpoints, Handler, HandlerFuture, Settings};
use statewright_integrations::service::LAMBDA;
use statewright_integrations::{Request, Response};
use statewright_interpreter::time::Timestamp;
use statewright_lambda::TokioTimer;
use statewright_lambda::config::Config;
use statewright_lambda::function::api::Place;
use statewright_lambda::function::{Invocation, Machinery, Messages, Source, SqsEvent, begin, drive, machinery, tasks};
use statewright_lambda::tasks::{TaskMessage, TaskQueue};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:work";

/// Where messages go: each with when it is to be received.
#[derive(Clone, Debug, Default)]
struct Queue(Arc<Mutex<Vec<(Timestamp, String)>>>);

impl Queue {
    fn put(&self, body: String, after: Duration) {
        self.0.lock().expect("no panic").push((TokioTimer.now().plus(after), body));
    }

    /// Takes what lies in it.
    fn take(&self) -> Vec<(Timestamp, String)> {
        std::mem::take(&mut self.0.lock().expect("no panic"))
    }
}

impl WakeQueue for Queue {
    async fn wake(&self, execution: &ExecutionArn, after: Duration) -> Result<(), QueueError> {
        self.put(execution.to_string(), after);
        Ok(())
    }
}

impl TaskQueue for Queue {
    async fn send(&self, task: &TaskMessage, after: Duration) -> Result<(), QueueError> {
        self.put(serde_json::to_string(task).expect("JSON"), after);
        Ok(())
    }
}

impl ExpressQueue for Queue {
    async fn launch(&self, _new: &NewExecution) -> Result<(), QueueError> {
        Err(QueueError("nobody launches anything here".to_owned()))
    }
}

impl Source for Queue {
    async fn hide(&self, _receipts: &[&str], _duration: Duration) {}

    async fn put_again(&self, body: &str, _received: u32, after: Duration) -> Result<(), QueueError> {
        self.put(body.to_owned(), after);
        Ok(())
    }
}

/// Lambda, where a function has no room before a given time, and may run for a number of seconds that is known or not.
struct Lambda {
    room_from: Timestamp,
    timeout: Option<u32>,
    /// Whether Lambda answers no questions about functions at the moment.
    is_throttled: Arc<AtomicBool>,
    /// When the function was called, and whether it had room.
    calls: Arc<Mutex<Vec<(Timestamp, bool)>>>,
}

impl Handler for Lambda {
    fn handle<'a>(&'a self, request: &'a Request, _asking: Option<&'a str>) -> HandlerFuture<'a> {
        let headers = |status| {
            if status == 429 { vec![("x-amzn-errortype".to_owned(), "TooManyRequestsException".to_owned())] } else { Vec::new() }
        };
        let answer = |status, body: &str| Response { status, headers: headers(status), body: body.into() };
        let response = match (request.method, self.timeout) {
            ("GET", _) if self.is_throttled.load(Ordering::Relaxed) => answer(429, r#"{"Message":"Rate exceeded"}"#),
            ("GET", Some(seconds)) => answer(200, &json!({ "Timeout": seconds }).to_string()),
            ("GET", None) => answer(403, r#"{"Message":"no"}"#),
            _ => {
                let now = TokioTimer.now();
                let has_room = now >= self.room_from;
                self.calls.lock().expect("no panic").push((now, has_room));
                match has_room {
                    true => answer(200, "5"),
                    false => answer(429, r#"{"Reason":"ConcurrentInvocationLimitExceeded","message":"Rate Exceeded."}"#),
                }
            }
        };
        Box::pin(async move { Ok(response) })
    }
}

type Engine = Machinery<Arc<MemoryTable>, Queue, Queue, Queue>;

/// Functions of one deployment.
struct World {
    table: Arc<MemoryTable>,
    queue: Queue,
    calls: Arc<Mutex<Vec<(Timestamp, bool)>>>,
    room_from: Timestamp,
    timeout: Option<u32>,
    is_throttled: Arc<AtomicBool>,
    /// Whether roles can be assumed: otherwise every call waits for STS, which is not there.
    has_sts: bool,
    after_crash: &'static str,
}

impl World {
    /// One in which functions have room after so many seconds.
    fn new(seconds: u32, timeout: Option<u32>) -> Self {
        TokioTimer::follow_tokio();
        let room_from = TokioTimer.now().plus_seconds(seconds.into());
        let (table, queue) = (Arc::default(), Queue::default());
        let (calls, is_throttled) = (Arc::default(), Arc::default());
        Self { table, queue, calls, room_from, timeout, is_throttled, has_sts: true, after_crash: "fail" }
    }

    fn caller(&self) -> Caller {
        let nowhere = [("AWS_ENDPOINT_URL".to_owned(), "http://127.0.0.1:9".to_owned())];
        let settings = Settings {
            region: "us-east-1".to_owned(),
            endpoints: Endpoints::from_variables(nowhere),
            credentials: SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test")),
            answer: Duration::from_secs(1),
        };
        match self.has_sts {
            true => {
                let calls = Arc::clone(&self.calls);
                let is_throttled = Arc::clone(&self.is_throttled);
                let lambda = Lambda { room_from: self.room_from, timeout: self.timeout, is_throttled, calls };
                Caller::new(settings).with_handler(&LAMBDA, Arc::new(lambda))
            }
            false => Caller::new(settings),
        }
    }

    /// A function that has `seconds` for an invocation that begins now.
    fn function(&self, name: &str, seconds: u64) -> (Arc<Engine>, Invocation) {
        let variables = [
            ("STATEWRIGHT_FUNCTION", name),
            ("STATEWRIGHT_TABLE", "t"),
            ("STATEWRIGHT_WAKES", "https://queue"),
            ("STATEWRIGHT_TASKS_FUNCTION", "of-tasks"),
            ("STATEWRIGHT_EXPRESS_FUNCTION", "of-express"),
            ("STATEWRIGHT_AFTER_CRASH", self.after_crash),
            ("STATEWRIGHT_ROLES", if self.has_sts { "" } else { "*" }),
        ];
        let variable = |name: &str| variables.iter().find(|known| known.0 == name).map(|known| known.1.to_owned());
        let config = Config::read(&variable).expect("complete");
        let (table, queue) = (Arc::clone(&self.table), || self.queue.clone());
        let engine = machinery(&config, table, queue(), queue(), queue(), self.caller());
        let invocation = Invocation { deadline: TokioTimer.now().plus_seconds(seconds), is_first: false };
        begin(&engine, &config, &invocation);
        (engine, invocation)
    }

    async fn call(&self, operation: Operation, request: Value) -> Value {
        let (engine, _) = self.function("api", 30);
        let place = Place { partition: "aws".to_owned(), region: "us-east-1".to_owned(), account: "123456789012".to_owned() };
        let random = || u128::from(statewright_lambda::function::api::random_u64());
        let caller = statewright_engine::api::Caller {
            partition: &place.partition,
            region: &place.region,
            account: &place.account,
            now: TokioTimer.now(),
            random: &random,
            verified: None,
        };
        let api = Api { table: &**engine.table(), executions: &*engine };
        let answer = api.call(operation, &request.to_string(), &caller).await.expect("it is carried out");
        serde_json::from_str(&answer).expect("JSON")
    }

    /// Starts an execution of one task with `more` fields; its ARN.
    async fn start(&self, more: Value) -> String {
        let mut work = json!({"Type": "Task", "Resource": FUNCTION, "End": true});
        work.as_object_mut().expect("a state").extend(more.as_object().expect("fields").clone());
        let definition = json!({"StartAt": "Work", "States": {"Work": work}}).to_string();
        let role = "arn:aws:iam::123456789012:role/r";
        let machine = json!({"name": "m", "definition": definition, "roleArn": role});
        let machine = self.call(Operation::CreateStateMachine, machine).await;
        let started = self.call(Operation::StartExecution, json!({"stateMachineArn": machine["stateMachineArn"]})).await;
        started["executionArn"].as_str().expect("an ARN").to_owned()
    }

    async fn describe(&self, execution: &str) -> Value {
        self.call(Operation::DescribeExecution, json!({ "executionArn": execution })).await
    }

    /// Receives what lies in the queue, each at its time, until nothing does or the execution has ended; how often a task was passed on.
    async fn go_on(&self, execution: &str) -> usize {
        let (mut pending, mut passed_on) = (self.queue.take(), 0);
        for _ in 0..2000 {
            if self.describe(execution).await["status"] != "RUNNING" {
                return passed_on;
            }
            pending.sort();
            let (at, body) = pending.remove(0);
            tokio::time::sleep(TokioTimer.now().until(at)).await;
            let messages = Messages { queue: self.queue.clone(), letters: None };
            if body.starts_with('{') {
                passed_on += 1;
                let (engine, _) = self.function("tasks", 900);
                tasks::handle(&engine, &messages, &event(&body)).await.expect("an answer");
            } else {
                let (engine, invocation) = self.function("drive", 120);
                drive::handle(&engine, &messages, None, &event(&body), &invocation).await.expect("an answer");
            }
            pending.extend(self.queue.take());
        }
        panic!("it does not end");
    }

    /// How often the function was called in vain, and how often it was called and had room.
    fn calls(&self) -> (usize, usize) {
        let calls = self.calls.lock().expect("no panic");
        let had_room = calls.iter().filter(|call| call.1).count();
        (calls.len() - had_room, had_room)
    }
}

fn event(body: &str) -> SqsEvent {
    let attributes = json!({ "ApproximateReceiveCount": "1", "SentTimestamp": TokioTimer.now().0.to_string() });
    let record = json!({ "messageId": "m", "body": body, "attributes": attributes });
    serde_json::from_value(json!({ "Records": [record] })).expect("an event of SQS")
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().start_paused(true).build().expect("a runtime").block_on(future)
}

#[test]
fn a_driver_passes_on_what_it_has_no_time_left_for() {
    run(async {
        let world = World::new(400, Some(5));
        let began = TokioTimer.now();
        let execution = world.start(json!({})).await;
        let passed_on = world.go_on(&execution).await;
        let described = world.describe(&execution).await;
        assert_eq!((&described["status"], &described["output"]), (&"SUCCEEDED".into(), &"5".into()), "{described}");
        let (in_vain, had_room) = world.calls();
        assert_eq!(had_room, 1, "it is not done twice");
        assert!(passed_on >= 1 && (10..100).contains(&in_vain), "{passed_on} {in_vain}");
        assert!(began.until(TokioTimer.now()) < Duration::from_secs(700), "and not much later than it could have been done");
    });
}

#[test]
fn the_function_that_does_tasks_passes_them_on_to_another_invocation() {
    run(async {
        let world = World::new(2000, None);
        let execution = world.start(json!({})).await;
        let passed_on = world.go_on(&execution).await;
        let described = world.describe(&execution).await;
        assert_eq!((&described["status"], &described["output"]), (&"SUCCEEDED".into(), &"5".into()), "{described}");
        assert_eq!(world.calls().1, 1, "it is not done twice");
        assert!((5..30).contains(&passed_on), "{passed_on}");
        let calls = world.calls.lock().expect("no panic").clone();
        let pauses = calls.windows(2).map(|pair| pair[0].0.until(pair[1].0));
        assert!(pauses.max() <= Some(Duration::from_secs(320)), "nobody waits for longer");
    });
}

#[test]
fn a_short_pause_is_waited_for_in_the_invocation() {
    run(async {
        let world = World::new(15, None);
        let execution = world.start(json!({})).await;
        assert_eq!(world.go_on(&execution).await, 1);
        assert_eq!(world.describe(&execution).await["status"], "SUCCEEDED");
    });
}

#[test]
fn a_task_has_no_more_time_than_its_state_gives_it() {
    for (seconds, timeout) in [(60, None), (400, Some(5)), (25, Some(5))] {
        run(async {
            let world = World::new(100_000, timeout);
            let execution = world.start(json!({ "TimeoutSeconds": seconds })).await;
            let began = TokioTimer.now();
            world.go_on(&execution).await;
            let described = world.describe(&execution).await;
            assert_eq!(described["error"], "Lambda.TooManyRequestsException", "{described}");
            let took = began.until(TokioTimer.now()).as_secs();
            assert!(took <= seconds && took + 15 > seconds, "{took} of {seconds} s");
        });
    }
}

#[test]
fn who_has_no_room_for_hours_is_given_up() {
    run(async {
        let world = World::new(1_000_000, None);
        let execution = world.start(json!({})).await;
        let began = TokioTimer.now();
        world.go_on(&execution).await;
        let described = world.describe(&execution).await;
        assert_eq!(described["error"], "Lambda.TooManyRequestsException", "{described}");
        let took = began.until(TokioTimer.now()).as_secs();
        assert!((6 * 3600 - 15..=6 * 3600).contains(&took), "{took} s");
    });
}

#[test]
fn an_express_execution_waits_as_long_as_it_can() {
    run(async {
        let (world, later) = (World::new(60, None), World::new(100_000, None));
        for (world, status) in [(world, "SUCCEEDED"), (later, "FAILED")] {
            let role = "arn:aws:iam::123456789012:role/r";
            let definition = json!({"StartAt": "Work", "States": {"Work": {"Type": "Task", "Resource": FUNCTION, "End": true}}});
            let machine = json!({"name": "m", "type": "EXPRESS", "definition": definition.to_string(), "roleArn": role});
            let machine = world.call(Operation::CreateStateMachine, machine).await["stateMachineArn"].clone();
            let (engine, _) = world.function("api", 310);
            let place = Place { partition: "aws".to_owned(), region: "us-east-1".to_owned(), account: "123456789012".to_owned() };
            let Place { partition, region, account } = &place;
            let random = || 7;
            let caller = statewright_engine::api::Caller {
                partition,
                region,
                account,
                now: TokioTimer.now(),
                random: &random,
                verified: None,
            };
            let api = Api { table: &**engine.table(), executions: &*engine };
            let request = json!({ "stateMachineArn": machine }).to_string();
            let answer = api.call(Operation::StartSyncExecution, &request, &caller).await.expect("an answer");
            let answer: Value = serde_json::from_str(&answer).expect("JSON");
            assert_eq!(answer["status"], status, "{answer}");
        }
    });
}

#[test]
fn who_cannot_be_called_is_called_again_later() {
    run(async {
        let mut world = World::new(0, None);
        world.has_sts = false;
        let execution = world.start(json!({})).await;
        let messages = Messages { queue: world.queue.clone(), letters: None };
        // A driver passes it on, since it does not know for how long the function runs.
        let (engine, invocation) = world.function("drive", 120);
        drive::handle(&engine, &messages, None, &event(&execution), &invocation).await.expect("an answer");
        let task = |queue: &Queue| queue.take().into_iter().filter(|message| message.1.starts_with('{')).collect::<Vec<_>>();
        let [(_, first)] = &*task(&world.queue) else { panic!("one message") };
        let (engine, _) = world.function("tasks", 900);
        tasks::handle(&engine, &messages, &event(first)).await.expect("an answer");
        let [(at, again)] = &*task(&world.queue) else { panic!("one message") };
        assert!(*at > TokioTimer.now() && again.contains("since"), "{again}");
        // Whoever comes meanwhile does not take it for a task whose function has died.
        tokio::time::sleep(TokioTimer.now().until(*at)).await;
        let (engine, invocation) = world.function("drive", 120);
        drive::handle(&engine, &messages, None, &event(&execution), &invocation).await.expect("an answer");
        assert_eq!(world.describe(&execution).await["status"], "RUNNING");
        world.has_sts = true;
        let (engine, _) = world.function("tasks", 900);
        for message in [first, again, again] {
            tasks::handle(&engine, &messages, &event(message)).await.expect("an answer");
        }
        assert_eq!(world.calls(), (0, 1), "it is done once");
    });
}

#[test]
fn what_lambda_does_not_say_for_a_moment_is_asked_again_and_what_it_has_said_counts() {
    run(async {
        let world = World::new(0, Some(5));
        let (engine, invocation) = world.function("drive", 900);
        let messages = Messages { queue: world.queue.clone(), letters: None };
        for (is_throttled, pause, is_waited_for) in [(true, 0, false), (false, 5, false), (false, 10, true), (true, 310, true)] {
            world.is_throttled.store(is_throttled, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(pause)).await;
            let execution = world.start(json!({})).await;
            world.queue.take();
            drive::handle(&engine, &messages, None, &event(&execution), &invocation).await.expect("an answer");
            let passed_on = world.queue.take().iter().any(|message| message.1.starts_with('{'));
            assert_eq!(passed_on, !is_waited_for, "{is_throttled} {pause}");
        }
    });
}

#[test]
fn a_look_that_was_lost_is_made_again_by_a_release() {
    run(async {
        let world = World::new(0, Some(5));
        let wait = json!({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 30, "End": true}}}).to_string();
        let role = "arn:aws:iam::123456789012:role/r";
        let nested = json!({"name": "n", "definition": wait, "roleArn": role});
        let nested = world.call(Operation::CreateStateMachine, nested).await["stateMachineArn"].clone();
        let start = json!({"Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Parameters": {"StateMachineArn": nested, "Input": {}}});
        let execution = world.start(start).await;
        // Every look is lost, and what is started ends.
        let (mut pending, mut lost) = (world.queue.take(), 0);
        while !pending.is_empty() {
            pending.sort();
            let (at, body) = pending.remove(0);
            if body.starts_with('{') {
                lost += 1;
                continue;
            }
            tokio::time::sleep(TokioTimer.now().until(at)).await;
            let messages = Messages { queue: world.queue.clone(), letters: None };
            let (engine, invocation) = world.function("drive", 120);
            drive::handle(&engine, &messages, None, &event(&body), &invocation).await.expect("an answer");
            pending.extend(world.queue.take());
        }
        let executions = world.call(Operation::ListExecutions, json!({ "stateMachineArn": nested })).await;
        assert_eq!((lost, &executions["executions"][0]["status"]), (1, &"SUCCEEDED".into()));
        assert_eq!(world.describe(&execution).await["status"], "RUNNING", "nobody has told it");
        let (engine, _) = world.function("api", 30);
        let random = || 7;
        let caller = statewright_engine::api::Caller {
            partition: "aws",
            region: "us-east-1",
            account: "123456789012",
            now: TokioTimer.now(),
            random: &random,
            verified: None,
        };
        let release = json!({ "executionArn": execution }).to_string();
        operator::call(&*engine, operator::Operation::ReleaseExecution, release.as_bytes(), &caller).await.expect("released");
        world.go_on(&execution).await;
        assert_eq!(world.describe(&execution).await["status"], "SUCCEEDED");
    });
}
