//! A deployment in this process: the functions' own handlers, on a table and queues that count.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use aws_config::Region;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use serde_json::{Value, json};
use statewright_cost::{Prices, Usage};
use statewright_engine::Clock as _;
use statewright_engine::api::signature::KeyPair;
use statewright_integrations::caller::{Caller, Endpoints, Settings};
use statewright_integrations::service::LAMBDA;
use statewright_interpreter::time::Timestamp;
use statewright_lambda::config::{Config, Function};
use statewright_lambda::function::api::{Keys, Place};
use statewright_lambda::function::{Invocation, Machinery, Messages, SqsEvent, api, begin, drive, machinery, sweep, tasks};
use statewright_lambda::{Direct, DynamoTable, SqsQueue, TokioTimer, Wakes, aws, log};

use crate::loopback::{Event, Loopback, Sent};
use crate::meter::{Functions, Metered, Queue, Wire, thread_cpu};

type Engine = Machinery<Metered, Wakes<Queue>, Queue, Queue>;

const ACCOUNT: &str = "123456789012";
/// What the template of a deployment gives its functions: their time-outs in seconds, and their memory in megabytes.
const API: (Function, u64, f64) = (Function::Api, 310, 256.0);
const DRIVE: (Function, u64, f64) = (Function::Drive, 120, 128.0);
const DIRECT: (Function, u64, f64) = (Function::Direct, 120, 128.0);
const TASKS: (Function, u64, f64) = (Function::Tasks, 900, 128.0);
const SWEEP: (Function, u64, f64) = (Function::Sweep, 60, 128.0);

/// A function that runs.
struct Running {
    config: Config,
    engine: Arc<Engine>,
    seconds: u64,
    memory: f64,
}

/// An invocation, as it is billed.
#[derive(Clone, Copy, Debug)]
struct Billed {
    waited_ms: f64,
    computed_ms: f64,
}

/// A deployment.
pub(crate) struct Deployment {
    pub(crate) prices: Prices,
    pub(crate) loopback: Loopback,
    pub(crate) wire: Wire,
    task_millis: Arc<Mutex<f64>>,
    functions: BTreeMap<&'static str, Running>,
    messages: Messages<Queue>,
    waiting: Vec<(Timestamp, Sent)>,
    events: Vec<Event>,
    billed: BTreeMap<&'static str, Vec<Billed>>,
    /// Receptions and deletions that Lambda makes for functions that read queues.
    received: u64,
    /// Lines that were logged, and their bytes, until the last count.
    logged: (u64, u64),
}

/// Only those call who have passed IAM.
struct NoKeys;

impl Keys for NoKeys {
    async fn keys(&self) -> Result<Vec<KeyPair>, String> {
        Ok(Vec::new())
    }
}

/// What was counted since the last time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    /// What is charged for.
    pub(crate) usage: Usage,
    /// Write units of each write, by kind.
    pub(crate) written: BTreeMap<crate::meter::Kind, Vec<f64>>,
    /// Bytes and items that stay.
    pub(crate) stored: (f64, f64),
    /// Invocations, milliseconds waited and computed in each on average, by function.
    pub(crate) invocations: BTreeMap<&'static str, (usize, f64, f64)>,
}

impl Deployment {
    pub(crate) async fn start(endpoint: &str, wait_seconds: u64, starts_directly: bool) -> anyhow::Result<Self> {
        let prices = Prices::shipped();
        let (loopback, wire) = (Loopback::start()?, Wire::start()?);
        let config = |endpoint: String| {
            let keys = aws_sdk_dynamodb::config::Credentials::new("test", "test", None, None, "cost");
            aws::config().region(Region::new("us-east-1")).endpoint_url(endpoint).credentials_provider(keys)
        };
        let (of_table, of_queues) = (endpoint.to_owned(), loopback.endpoint());
        let (dynamo, sqs) = wire.now(async move {
            let (dynamo, sqs) = (config(of_table).load().await, config(of_queues).load().await);
            (aws_sdk_dynamodb::Client::new(&dynamo), aws_sdk_sqs::Client::new(&sqs))
        });
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let table = DynamoTable::new(dynamo, format!("cost-{}-{}", std::process::id(), since.as_nanos())).counted();
        let made = table.clone();
        wire.now(async move { made.create().await })?;
        let url = |name: &str| format!("{}/{ACCOUNT}/{name}", loopback.endpoint());
        let millis = prices.latency.sqs_ms;
        let queue = |name: &str| Queue { queue: SqsQueue::new(sqs.clone(), url(name)), wire: wire.clone(), millis };
        let task_millis = Arc::new(Mutex::new(100.0));
        let mut functions = BTreeMap::new();
        for (function, seconds, memory) in [API, DRIVE, DIRECT, TASKS, SWEEP] {
            let variables = [
                ("STATEWRIGHT_FUNCTION", function.name().to_owned()),
                ("STATEWRIGHT_TABLE", "cost".to_owned()),
                ("STATEWRIGHT_WAKES", url("wakes")),
                ("STATEWRIGHT_TASKS_FUNCTION", "tasks".to_owned()),
                ("STATEWRIGHT_EXPRESS_FUNCTION", "express".to_owned()),
                ("STATEWRIGHT_DIRECT", if starts_directly { "direct".to_owned() } else { String::new() }),
                ("STATEWRIGHT_WAIT_SECONDS", wait_seconds.to_string()),
            ];
            let config = Config::read(&|name| Some(variables.iter().find(|known| known.0 == name)?.1.clone()))?;
            let settings = || Settings {
                region: "us-east-1".to_owned(),
                endpoints: Endpoints::from_variables([("AWS_ENDPOINT_URL".to_owned(), loopback.endpoint())]),
                credentials: SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "cost")),
                answer: config.wait,
            };
            let called = || Functions {
                caller: Arc::new(Caller::new(settings())),
                wire: wire.clone(),
                way_millis: prices.latency.invoke_ms,
                task_millis: Arc::clone(&task_millis),
            };
            let caller = || Caller::new(settings()).with_handler(&LAMBDA, Arc::new(called()));
            let direct = config.direct.clone().map(|function| Direct::new(caller(), function));
            let engine = machinery(
                &config,
                Metered { table: table.clone(), wire: wire.clone(), millis: prices.latency.dynamodb_ms },
                Wakes::new(queue("wakes"), direct),
                queue("wakes"),
                queue("wakes"),
                caller(),
            );
            functions.insert(function.name(), Running { config, engine, seconds, memory });
        }
        let messages = Messages { queue: queue("wakes"), letters: Some(queue("letters")) };
        Ok(Self {
            prices,
            loopback,
            wire,
            task_millis,
            functions,
            messages,
            waiting: Vec::new(),
            events: Vec::new(),
            billed: BTreeMap::new(),
            received: 0,
            logged: log::written(),
        })
    }

    /// From now on functions take so long.
    pub(crate) fn set_task_millis(&self, millis: f64) {
        *self.task_millis.lock().unwrap_or_else(PoisonError::into_inner) = millis;
    }

    /// Runs an invocation, and notes what it is billed.
    async fn invoke<T>(
        &mut self,
        name: &'static str,
        work: impl AsyncFnOnce(&Self, &Running, Invocation) -> T,
    ) -> anyhow::Result<T> {
        let running = self.functions.get(name).context("there is such a function")?;
        let (began, cpu) = (tokio::time::Instant::now(), thread_cpu());
        self.wire.meter.take_cpu();
        let invocation = Invocation { deadline: TokioTimer.now().plus_seconds(running.seconds), is_first: false };
        begin(&running.engine, &running.config, &invocation);
        let answer = work(self, running, invocation).await;
        let computed = thread_cpu() - cpu + self.wire.meter.take_cpu();
        let millis = |duration: Duration| duration.as_secs_f64() * 1000.0;
        let billed = Billed { waited_ms: millis(began.elapsed()), computed_ms: millis(computed) };
        self.billed.entry(name).or_default().push(billed);
        Ok(answer)
    }

    /// Calls an operation of the API.
    pub(crate) async fn call(&mut self, operation: &str, request: &Value) -> anyhow::Result<Value> {
        let headers =
            json!({ "X-Amz-Target": format!("AWSStepFunctions.{operation}"), "Content-Type": "application/x-amz-json-1.0" });
        let event = json!({ "headers": headers, "body": request.to_string() }).to_string();
        let place = Place { partition: "aws".to_owned(), region: "us-east-1".to_owned(), account: ACCOUNT.to_owned() };
        let answer = self
            .invoke("api", async |_, running, _| Box::pin(api::handle(&*running.engine, &NoKeys, &place, &event)).await)
            .await?;
        anyhow::ensure!(answer.status_code == 200, "{operation}: {}", answer.body);
        self.collect();
        Ok(serde_json::from_str(&answer.body)?)
    }

    /// One sweep.
    pub(crate) async fn sweep(&mut self) -> anyhow::Result<()> {
        self.invoke("sweep", async |this, running, invocation| {
            Box::pin(sweep::handle(&*running.engine, &running.config, &this.messages, &invocation)).await
        })
        .await??;
        self.collect();
        Ok(())
    }

    fn collect(&mut self) {
        let now = TokioTimer.now();
        for sent in self.loopback.take_sent() {
            self.waiting.push((now.plus_seconds(sent.delay_seconds), sent));
        }
        self.events.extend(self.loopback.take_events());
    }

    /// Has functions take messages, at most `batch` at a time, until there are none.
    pub(crate) async fn settle(&mut self, batch: usize) -> anyhow::Result<()> {
        loop {
            // What a function was invoked with waits for nobody else.
            while let Some(event) = self.events.pop() {
                self.take(&event.function, &event.body).await?;
            }
            let Some(next) = self.waiting.iter().map(|waiting| waiting.0).min() else { return Ok(()) };
            let now = TokioTimer.now();
            if next > now {
                tokio::time::sleep(Duration::from_millis(u64::try_from(next.0 - now.0)?)).await;
                continue;
            }
            let (mut taken, mut left) = (Vec::new(), Vec::new());
            for (due, sent) in std::mem::take(&mut self.waiting) {
                if due <= now && taken.len() < batch { taken.push(sent) } else { left.push((due, sent)) }
            }
            self.waiting = left;
            // One reception, and one deletion of what is done.
            self.received += 2;
            self.take("drive", &event_of_queue(&taken, now)).await?;
        }
    }

    /// Has a function take an event.
    async fn take(&mut self, function: &str, event: &str) -> anyhow::Result<()> {
        let event: SqsEvent = serde_json::from_str(event)?;
        let answer = match function {
            "tasks" => {
                self.invoke("tasks", async |this, running, _| {
                    Box::pin(tasks::handle(&*running.engine, &this.messages, &event)).await
                })
                .await?
            }
            "drive" | "direct" => {
                let name = if function == "drive" { "drive" } else { "direct" };
                self.invoke(name, async |this, running, invocation| {
                    let relay = running.config.relay.as_ref();
                    Box::pin(drive::handle(&*running.engine, &this.messages, relay, &event, &invocation)).await
                })
                .await?
            }
            other => anyhow::bail!("no workload needs the function `{other}`"),
        }?;
        self.collect();
        anyhow::ensure!(answer.batch_item_failures.is_empty(), "messages for {function} were in vain");
        Ok(())
    }

    /// What was counted since the last time.
    pub(crate) fn count(&mut self) -> Counted {
        let counts = std::mem::take(&mut *self.wire.meter.lock());
        let requests: u64 = self.loopback.take_requests();
        let mut counted = Counted {
            written: counts.written,
            stored: (counts.stored.values().sum::<usize>() as f64, counts.stored.len() as f64),
            ..Counted::default()
        };
        counted.usage.writes = counted.written.values().flatten().sum();
        counted.usage.reads = counts.read;
        counted.usage.sqs = (requests + std::mem::take(&mut self.received)) as f64;
        let (lines, bytes) = log::written();
        let (lines_before, bytes_before) = std::mem::replace(&mut self.logged, (lines, bytes));
        let lines = (lines - lines_before) as f64;
        counted.usage.log_bytes = (bytes - bytes_before) as f64 + lines * self.prices.logs.event_bytes;
        for (name, invocations) in std::mem::take(&mut self.billed) {
            let memory = self.functions.get(name).map_or(128.0, |running| running.memory);
            // The median: what else the machine did meanwhile is not the function's.
            let computed = median(invocations.iter().map(|billed| billed.computed_ms).collect());
            let count = invocations.len() as f64;
            let billed: f64 = invocations.iter().map(|billed| self.prices.billed(billed.waited_ms, computed, memory)).sum();
            counted.usage.gb_seconds += billed + self.prices.starts(count, memory);
            counted.usage.invocations += count;
            let waited = invocations.iter().map(|billed| billed.waited_ms).sum::<f64>() / count;
            counted.invocations.insert(name, (invocations.len(), waited, computed));
        }
        counted
    }
}

/// What Lambda hands to a function of what was sent.
fn event_of_queue(messages: &[Sent], now: Timestamp) -> String {
    let record = |(number, sent): (usize, &Sent)| {
        let attributes = json!({ "ApproximateReceiveCount": "1", "SentTimestamp": now.0.to_string() });
        json!({ "messageId": number.to_string(), "receiptHandle": format!("r{number}"), "body": sent.body, "attributes": attributes })
    };
    json!({ "Records": messages.iter().enumerate().map(record).collect::<Vec<_>>() }).to_string()
}

pub(crate) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}
