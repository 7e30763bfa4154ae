//! What becomes of messages: handed on, put in again, given up, found again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use serde_json::{Value, json};
use statewright_engine::api::NewExecution;
use statewright_engine::table::MemoryTable;
use statewright_engine::{Clock as _, ExecutionArn, ExpressQueue, QueueError, WakeQueue};
use statewright_integrations::caller::{Caller, Endpoints, Handler, HandlerFuture, Settings};
use statewright_integrations::service::LAMBDA;
use statewright_integrations::{Request, Response};
use statewright_lambda::config::Config;
use statewright_lambda::function::sweep::{self, DeadLetters};
use statewright_lambda::function::{
    BatchAnswer, Invocation, Machinery, Messages, Source, SqsEvent, begin, drive, express, machinery, tasks,
};
use statewright_lambda::tasks::{TaskMessage, TaskQueue};
use statewright_lambda::{Direct, TokioTimer, Wakes};

/// A queue that notes what it is asked, and refuses when it is told to.
#[derive(Clone, Default)]
struct Notes {
    noted: Arc<Mutex<Vec<String>>>,
    lies_there: Arc<Mutex<Vec<String>>>,
    refuses: bool,
}

impl Notes {
    fn note(&self, what: String) -> Result<(), QueueError> {
        if self.refuses {
            return Err(QueueError("no".to_owned()));
        }
        self.noted.lock().expect("no panic").push(what);
        Ok(())
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.noted.lock().expect("no panic"))
    }
}

impl WakeQueue for Notes {
    async fn wake(&self, execution: &ExecutionArn, after: Duration) -> Result<(), QueueError> {
        self.note(format!("wake {execution} after {} s", after.as_secs()))
    }
}

impl TaskQueue for Notes {
    async fn send(&self, task: &TaskMessage, after: Duration) -> Result<(), QueueError> {
        self.note(format!("{task:?} after {} s", after.as_secs()))
    }
}

impl ExpressQueue for Notes {
    async fn launch(&self, new: &NewExecution) -> Result<(), QueueError> {
        self.note(format!("launch {}", new.identity.execution_arn))
    }
}

impl Source for Notes {
    async fn hide(&self, receipts: &[&str], duration: Duration) {
        self.note(format!("hide {} for {} s", receipts.join(" "), duration.as_secs())).expect("it takes that");
    }

    async fn put_again(&self, body: &str, received: u32, after: Duration) -> Result<(), QueueError> {
        self.note(format!("{body} again after {} s, received {received} times", after.as_secs()))
    }
}

impl DeadLetters for Notes {
    async fn receive(&self) -> Result<Vec<(String, String)>, String> {
        let letters = std::mem::take(&mut *self.lies_there.lock().expect("no panic"));
        Ok(letters.into_iter().enumerate().map(|(number, letter)| (letter, format!("r{number}"))).collect())
    }

    async fn delete(&self, receipt: &str) -> Result<(), String> {
        self.note(format!("delete {receipt}")).map_err(|error| error.0)
    }
}

/// What Lambda was asked: paths and bodies.
type Asked = Arc<Mutex<Vec<(String, String)>>>;

/// Lambda, which answers a status, and notes what it is asked.
struct Lambda {
    status: u16,
    asked: Asked,
}

impl Handler for Lambda {
    fn handle<'a>(&'a self, request: &'a Request, _asking: Option<&'a str>) -> HandlerFuture<'a> {
        assert!(request.headers.contains(&("x-amz-invocation-type", "Event".to_owned())), "nobody waits for it");
        let body = String::from_utf8(request.body.clone()).expect("text");
        self.asked.lock().expect("no panic").push((request.path.clone(), body));
        Box::pin(async move { Ok(Response { status: self.status, headers: Vec::new(), body: Vec::new() }) })
    }
}

struct Host {
    engine: Arc<Machinery<MemoryTable, Notes, Notes, Notes>>,
    config: Config,
    messages: Messages<Notes>,
    wakes: Notes,
    asked: Asked,
}

fn caller(status: u16) -> (Caller, Asked) {
    let settings = Settings {
        region: "us-east-1".to_owned(),
        endpoints: Endpoints::default(),
        credentials: SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test")),
        answer: Duration::from_secs(1),
    };
    let asked = Asked::default();
    (Caller::new(settings).with_handler(&LAMBDA, Arc::new(Lambda { status, asked: Arc::clone(&asked) })), asked)
}

/// A function, while Lambda answers invocations with this status.
fn host(function: &str, status: u16) -> Host {
    let variables = [
        ("STATEWRIGHT_FUNCTION", function),
        ("STATEWRIGHT_TABLE", "t"),
        ("STATEWRIGHT_WAKES", "https://queue"),
        ("STATEWRIGHT_TASKS_FUNCTION", "of-tasks"),
        ("STATEWRIGHT_EXPRESS_FUNCTION", "of-express"),
    ];
    let variable = |name: &str| variables.iter().find(|known| known.0 == name).map(|known| known.1.to_owned());
    let config = Config::read(&variable).expect("complete");
    let ((caller, asked), wakes) = (caller(status), Notes::default());
    let engine = machinery(&config, MemoryTable::default(), wakes.clone(), Notes::default(), Notes::default(), caller);
    let messages = Messages { queue: Notes::default(), letters: Some(Notes::default()) };
    Host { engine, config, messages, wakes, asked }
}

const ARN: &str = "arn:aws:states:us-east-1:123456789012:execution:m:e";
const TASK: &str = r#"{"run":{"execution":"arn:aws:states:us-east-1:123456789012:execution:m:e","task":5,"lease":7}}"#;
const EXPRESS: &str = r#"{"executionArn":"arn:e"}"#;

/// An event of a queue; messages are received so often, and have receipts or not.
fn event(bodies: &[&str], received: u32, has_receipts: bool) -> SqsEvent {
    serde_json::from_value(json!({ "Records": records(bodies, received, has_receipts) })).expect("an event of SQS")
}

fn records(bodies: &[&str], received: u32, has_receipts: bool) -> Vec<Value> {
    let sent = TokioTimer.now().0.to_string();
    let record = |(number, body): (usize, &&str)| {
        let attributes = json!({ "ApproximateReceiveCount": received.to_string(), "SentTimestamp": sent });
        let receipt = has_receipts.then(|| format!("r{number}"));
        json!({ "messageId": format!("m{number}"), "receiptHandle": receipt, "body": body, "attributes": attributes })
    };
    bodies.iter().enumerate().map(record).collect()
}

impl Host {
    async fn drive(&self, event: &SqsEvent) -> Result<BatchAnswer, QueueError> {
        self.drive_in(event, false).await
    }

    async fn drive_in(&self, event: &SqsEvent, is_first: bool) -> Result<BatchAnswer, QueueError> {
        let invocation = Invocation { deadline: TokioTimer.now().plus_seconds(120), is_first };
        begin(&self.engine, &self.config, &invocation);
        drive::handle(&*self.engine, &self.messages, self.config.relay.as_ref(), event, &invocation).await
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

fn failures(answer: &BatchAnswer) -> Vec<&str> {
    answer.batch_item_failures.iter().map(|failure| &*failure.item_identifier).collect()
}

#[test]
fn who_drives_hands_on_what_is_for_others() {
    run(async {
        let host = host("drive", 202);
        let answer = host.drive(&event(&[TASK, EXPRESS, TASK], 2, true)).await.expect("no message without a receipt");
        assert_eq!(failures(&answer), Vec::<&str>::new());
        let asked = host.asked.lock().expect("no panic").clone();
        let read = |event: &str| -> Vec<(String, u32)> {
            let event: SqsEvent = serde_json::from_str(event).expect("an event like a queue's");
            event.records.iter().map(|message| (message.body.clone(), message.received())).collect()
        };
        let [(tasks, of_tasks), (express, of_express)] = &*asked else { panic!("two events: {asked:?}") };
        assert_eq!(tasks, "/2015-03-31/functions/of-tasks/invocations");
        assert_eq!(read(of_tasks), [(TASK.to_owned(), 2), (TASK.to_owned(), 2)], "together, and counted");
        assert_eq!(express, "/2015-03-31/functions/of-express/invocations");
        assert_eq!(read(of_express), [(EXPRESS.to_owned(), 2)]);
    });
}

#[test]
fn what_cannot_be_handed_on_comes_again() {
    run(async {
        let host = host("drive", 500);
        let answer = host.drive(&event(&[TASK, ARN], 3, true)).await.expect("no message without a receipt");
        let mut failed = failures(&answer);
        failed.sort_unstable();
        // There is no such execution yet, so the wake-up comes again too, at its own time.
        assert_eq!(failed, ["m0", "m1"]);
        let mut noted = host.messages.queue.take();
        noted[1..].sort();
        assert!(is_hidden_meanwhile(&noted[0], "r0 r1"), "{noted:?}");
        assert_eq!(noted[1..], ["hide r0 for 12 s", "hide r1 for 8 s"]);
        let answer = host.drive(&event(&[r#"{"later":1}"#], 1, true)).await.expect("no message without a receipt");
        assert_eq!((failures(&answer), host.messages.queue.take()), (vec!["m0"], vec!["hide r0 for 900 s".to_owned()]));
    });
}

/// Whether messages were hidden until a function of two minutes is certainly gone.
fn is_hidden_meanwhile(noted: &str, receipts: &str) -> bool {
    [124, 125].iter().any(|seconds| noted == format!("hide {receipts} for {seconds} s"))
}

#[test]
fn a_driver_that_is_new_or_has_a_message_that_came_before_hides_its_messages_before_it_begins() {
    run(async {
        let host = host("drive", 202);
        for (received, is_first) in [(1, true), (2, false)] {
            host.drive_in(&event(&[ARN, ARN], received, true), is_first).await.expect("no message without a receipt");
            let noted = host.messages.queue.take();
            assert!(is_hidden_meanwhile(&noted[0], "r0 r1"), "{noted:?}");
        }
        // Others are done before it is worth a request.
        host.drive(&event(&[ARN], 1, true)).await.expect("no message without a receipt");
        assert_eq!(host.messages.queue.take(), ["hide r0 for 2 s"]);
    });
}

#[test]
fn what_has_no_receipt_is_put_in_again_with_its_count() {
    run(async {
        let of_tasks = host("tasks", 202);
        let unreadable = event(&[r#"{"run":{}}"#], 3, false);
        let answer = tasks::handle(&*of_tasks.engine, &of_tasks.messages, &unreadable).await.expect("put in again");
        assert_eq!(failures(&answer), Vec::<&str>::new(), "nobody would read it");
        assert_eq!(of_tasks.messages.queue.take(), [r#"{"run":{}} again after 900 s, received 3 times"#]);
        let answer = express::handle(&*of_tasks.engine, &of_tasks.messages, &event(&["{"], 99, false)).await;
        assert_eq!(answer, Ok(BatchAnswer::default()));
        assert_eq!(of_tasks.messages.queue.take(), ["{ again after 900 s, received 99 times"]);
        let direct = host("direct", 202);
        direct.drive(&event(&[ARN], 1, false)).await.expect("put in again");
        assert_eq!(direct.messages.queue.take(), [format!("{ARN} again after 2 s, received 1 times")]);
    });
}

#[test]
fn what_has_come_a_hundred_times_goes_to_the_dead_letters_and_counts_from_the_start() {
    run(async {
        let host = host("tasks", 202);
        tasks::handle(&*host.engine, &host.messages, &event(&["{"], 100, false)).await.expect("given up");
        assert_eq!(host.messages.queue.take(), Vec::<String>::new());
        let letters = host.messages.letters.as_ref().expect("there are letters");
        assert_eq!(letters.take(), ["{ again after 0 s, received 0 times"]);
    });
}

#[test]
fn an_invocation_fails_whose_message_cannot_be_put_in_again() {
    run(async {
        let mut host = host("tasks", 202);
        host.messages.queue.refuses = true;
        let answer = tasks::handle(&*host.engine, &host.messages, &event(&["{"], 1, false)).await;
        assert_eq!(answer, Err(QueueError("no".to_owned())), "so that Lambda repeats it");
    });
}

#[test]
fn the_sweep_puts_in_again_what_lambda_has_given_up() {
    run(async {
        let host = host("sweep", 202);
        let letters = host.messages.letters.clone().expect("there are letters");
        // As Lambda writes it.
        let given_up = |bodies: &[&str], received| {
            json!({
                "version": "1.0", "timestamp": "2026-11-14T18:16:05.568Z",
                "requestContext": {"requestId": "e4b46cbf", "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:tasks:$LATEST",
                    "condition": "RetriesExhausted", "approximateInvokeCount": 3},
                "requestPayload": {"Records": records(bodies, received, false)},
                "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
                "responsePayload": {"errorMessage": "RequestId: e4b46cbf Process exited before completing request"}
            })
            .to_string()
        };
        let lies_there = [given_up(&[TASK, ARN, EXPRESS], 1), TASK.to_owned(), ARN.to_owned(), given_up(&[TASK], 98)];
        letters.lies_there.lock().expect("no panic").extend(lies_there);
        let invocation = Invocation { deadline: TokioTimer.now().plus_seconds(60), is_first: false };
        begin(&host.engine, &host.config, &invocation);
        sweep::handle(&*host.engine, &host.config, &host.messages, &invocation).await.expect("a sweep");
        let again = |body: &str, received| format!("{body} again after {} s, received {received} times", 3 << (received - 1));
        assert_eq!(host.messages.queue.take(), [again(TASK, 3), again(EXPRESS, 3)]);
        // There is no such execution, so nobody is woken. What the queue has given up and no driver takes stays for somebody to look at.
        assert_eq!(host.wakes.take(), Vec::<String>::new());
        assert_eq!(letters.take(), ["delete r0", "delete r2", &format!("{TASK} again after 0 s, received 0 times"), "delete r3"]);
    });
}

#[test]
fn a_dead_letter_that_cannot_be_dealt_with_stays_and_keeps_nobody_from_the_others() {
    run(async {
        let mut host = host("sweep", 202);
        host.messages.queue.refuses = true;
        let letters = host.messages.letters.clone().expect("there are letters");
        let given_up = json!({"requestContext": {}, "requestPayload": {"Records": records(&[TASK], 1, false)}}).to_string();
        letters.lies_there.lock().expect("no panic").extend([given_up, ARN.to_owned()]);
        let invocation = Invocation { deadline: TokioTimer.now().plus_seconds(60), is_first: false };
        begin(&host.engine, &host.config, &invocation);
        sweep::handle(&*host.engine, &host.config, &host.messages, &invocation).await.expect("a sweep");
        assert_eq!(letters.take(), ["delete r1"]);
    });
}

#[test]
fn who_is_woken_at_once_is_invoked_and_otherwise_the_queue_is_used() {
    run(async {
        let execution = ExecutionArn(ARN.into());
        let wakes = |status| {
            let ((caller, asked), queue) = (caller(status), Notes::default());
            (Wakes::new(queue.clone(), Some(Direct::new(caller, "of-new".to_owned()))), queue, asked)
        };
        let (direct, queue, asked) = wakes(202);
        direct.wake(&execution, Duration::ZERO).await.expect("taken");
        assert_eq!(queue.take(), Vec::<String>::new());
        let invoked = asked.lock().expect("no panic").pop().expect("an invocation");
        assert_eq!(invoked.0, "/2015-03-31/functions/of-new/invocations");
        let event: SqsEvent = serde_json::from_str(&invoked.1).expect("an event like a queue's");
        let [message] = &*event.records else { panic!("one message") };
        assert_eq!((&*message.body, message.received(), &message.receipt_handle), (ARN, 1, &None));
        assert!(TokioTimer.now().0 - message.sent().0 < 60_000, "it is young");
        direct.wake(&execution, Duration::from_secs(5)).await.expect("taken");
        assert_eq!(queue.take(), [format!("wake {ARN} after 5 s")]);
        // Of one that fails the next may not; one that is not there or not allowed is not asked for again at once.
        for (status, times) in [(500, 2), (404, 1), (403, 1)] {
            let (direct, queue, asked) = wakes(status);
            for _ in 0..2 {
                direct.wake(&execution, Duration::ZERO).await.expect("taken");
            }
            assert_eq!((queue.take().len(), asked.lock().expect("no panic").len()), (2, times), "{status}");
        }
    });
}
