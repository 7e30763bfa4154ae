//! What the host does by itself, over a table in memory, in ratios that hold on any machine.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use serde_json::{Value, json};
use statewright_engine::api::{Api, Caller as By, NewExecution};
use statewright_engine::table::{Condition, Item, Key, MemoryTable, Page, Query, Table, TableError, WriteError};
use statewright_engine::{Clock as _, Drove, ExecutionArn, ExpressQueue, QueueError, WakeQueue, drive};
use statewright_integrations::caller::{Caller, Endpoints, Handler, HandlerFuture, Settings};
use statewright_integrations::service::LAMBDA;
use statewright_integrations::{Request, Response};
use statewright_lambda::TokioTimer;
use statewright_lambda::config::Config;
use statewright_lambda::function::{Invocation, Machinery, begin, machinery};
use statewright_lambda::tasks::{TaskMessage, TaskQueue};

use crate::meter::thread_cpu;
use crate::payloads::document;
use crate::workloads;

/// The table, slowed down and counted.
#[derive(Clone, Default)]
struct Slowed {
    table: Arc<MemoryTable>,
    millis: u64,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    commits: u64,
    calls: u64,
    bytes_read: usize,
}

impl Slowed {
    fn counts(&self) -> Counts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn pass(&self, commits: u64, read: impl IntoIterator<Item = &Item>) {
        {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            counts.calls += 1;
            counts.commits += commits;
            counts.bytes_read += read.into_iter().map(crate::meter::size).sum::<usize>();
        }
        if self.millis > 0 {
            tokio::time::sleep(Duration::from_millis(self.millis)).await;
        }
    }
}

impl Table for Slowed {
    async fn put(&self, item: Item, condition: Condition) -> Result<(), WriteError> {
        let is_commit = item.key.partition.starts_with("x#") && (item.key.sort == "0" || item.key.sort.starts_with('j'));
        self.pass(u64::from(is_commit), []).await;
        self.table.put(item, condition).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        let found = self.table.get(key).await?;
        self.pass(0, &found).await;
        Ok(found)
    }

    async fn get_all(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        let found = self.table.get_all(keys).await?;
        self.pass(0, &found).await;
        Ok(found)
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        let page = self.table.query(query).await?;
        self.pass(0, &page.items).await;
        Ok(page)
    }

    async fn delete(&self, key: &Key, condition: Condition) -> Result<(), WriteError> {
        self.pass(0, []).await;
        self.table.delete(key, condition).await
    }
}

/// Queues that forget: whoever measures drives by itself.
#[derive(Clone, Copy)]
struct Forgets;

impl WakeQueue for Forgets {
    async fn wake(&self, _execution: &ExecutionArn, _after: Duration) -> Result<(), QueueError> {
        Ok(())
    }
}

impl TaskQueue for Forgets {
    async fn send(&self, _task: &TaskMessage, _after: Duration) -> Result<(), QueueError> {
        Ok(())
    }
}

impl ExpressQueue for Forgets {
    async fn launch(&self, _new: &NewExecution) -> Result<(), QueueError> {
        Ok(())
    }
}

/// Functions that answer after a while.
struct Functions {
    millis: u64,
    answer: fn(u64) -> String,
    count: Mutex<u64>,
}

impl Handler for Functions {
    fn handle<'a>(&'a self, request: &'a Request, _asking: Option<&'a str>) -> HandlerFuture<'a> {
        Box::pin(async move {
            if request.path.ends_with("/configuration") {
                return Ok(Response { status: 200, headers: Vec::new(), body: br#"{"Timeout":10}"#.to_vec() });
            }
            let number = {
                let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
                *count += 1;
                *count
            };
            tokio::time::sleep(Duration::from_millis(self.millis)).await;
            Ok(Response { status: 200, headers: Vec::new(), body: (self.answer)(number).into_bytes() })
        })
    }
}

/// A driver, and the API beside it.
struct Host {
    engine: Arc<Machinery<Slowed, Forgets, Forgets, Forgets>>,
    config: Config,
    table: Slowed,
}

const ACCOUNT: &str = "123456789012";

impl Host {
    fn new(table: Slowed, millis: u64, answer: fn(u64) -> String) -> anyhow::Result<Self> {
        let variables = BTreeMap::from([
            ("STATEWRIGHT_FUNCTION", "drive"),
            ("STATEWRIGHT_TABLE", "t"),
            ("STATEWRIGHT_WAKES", "https://queue"),
            ("STATEWRIGHT_TASKS", "https://queue"),
            ("STATEWRIGHT_TASKS_FUNCTION", "tasks"),
            ("STATEWRIGHT_EXPRESS_FUNCTION", "express"),
        ]);
        let config = Config::read(&|name| variables.get(name).map(|value| (*value).to_owned()))?;
        let settings = Settings {
            region: "us-east-1".to_owned(),
            endpoints: Endpoints::default(),
            credentials: SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "bench")),
            answer: config.wait,
        };
        let caller = Caller::new(settings).with_handler(&LAMBDA, Arc::new(Functions { millis, answer, count: Mutex::new(0) }));
        let engine = machinery(&config, table.clone(), Forgets, Forgets, Forgets, caller);
        Ok(Self { engine, config, table })
    }

    async fn call(&self, operation: &str, request: Value) -> anyhow::Result<Value> {
        let now = TokioTimer.now();
        let caller = By {
            partition: "aws",
            region: "us-east-1",
            account: ACCOUNT,
            now,
            random: &statewright_lambda::function::api::random_u128,
            verified: None,
        };
        let api = Api { table: &**self.engine.table(), executions: &*self.engine };
        let target = format!("AWSStepFunctions.{operation}");
        let headers = [("X-Amz-Target", &*target), ("Content-Type", "application/x-amz-json-1.0")];
        let reply = api.respond(headers, request.to_string().as_bytes(), &caller).await;
        anyhow::ensure!(reply.status == 200, "{operation}: {}", reply.body);
        Ok(serde_json::from_str(&reply.body)?)
    }

    async fn create(&self, definition: &Value) -> anyhow::Result<Value> {
        let role = "arn:aws:iam::123456789012:role/statewright/bench";
        let machine = json!({ "name": "bench", "definition": definition.to_string(), "roleArn": role });
        self.call("CreateStateMachine", machine).await?.get("stateMachineArn").cloned().context("it has an ARN")
    }

    async fn start(&self, machine: &Value, name: &str, input: &Value) -> anyhow::Result<ExecutionArn> {
        let start = json!({ "stateMachineArn": machine, "name": name, "input": input.to_string() });
        let started = self.call("StartExecution", start).await?;
        Ok(ExecutionArn(started.get("executionArn").and_then(Value::as_str).context("it has an ARN")?.into()))
    }

    async fn drive(&self, arn: &ExecutionArn) -> anyhow::Result<Drove> {
        let invocation = Invocation { deadline: TokioTimer.now().plus_seconds(120), is_first: false };
        begin(&self.engine, &self.config, &invocation);
        Ok(drive(&*self.engine, arn).await?)
    }

    async fn finish(&self, arn: &ExecutionArn) -> anyhow::Result<()> {
        for _ in 0..100 {
            if self.drive(arn).await? == Drove::Finished {
                return Ok(());
            }
        }
        anyhow::bail!("{arn} does not end")
    }
}

/// A line of the table: what was measured, what it must be, and what it should be.
struct Line {
    name: &'static str,
    measured: f64,
    must: f64,
    goal: f64,
    at_least: bool,
    unit: &'static str,
}

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    // Real time first: once tokio's is followed it is for good.
    let (mut one, mut eight) = (0.0_f64, 0.0_f64);
    // The best of a few: others may use the machine.
    for _ in 0..3 {
        one = one.max(throughput(1)?);
        eight = eight.max(throughput(8)?);
    }
    let paused = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let mut lines = vec![Line {
        name: "eight drivers beside one, 5 ms added to each call of the table",
        measured: eight / one,
        must: 7.0,
        goal: 7.8,
        at_least: true,
        unit: "×",
    }];
    lines.extend(paused.block_on(async {
        TokioTimer::follow_tokio();
        let mut lines = between_tasks().await?;
        lines.push(map_commits().await?);
        lines.extend(polling_loop().await?);
        Ok::<_, anyhow::Error>(lines)
    })?);
    println!("| the host | measured | must | goal |\n|---|--:|--:|--:|");
    let mut missed = 0;
    for Line { name, measured, must, goal, at_least, unit } in &lines {
        let meets = |limit: f64| if *at_least { *measured >= limit } else { *measured <= limit };
        let verdict = if meets(*goal) {
            "✔✔"
        } else if meets(*must) {
            "✔"
        } else {
            "✘"
        };
        missed += usize::from(!meets(*must));
        let bound = if *at_least { "≥" } else { "≤" };
        println!("| {name} | {measured:.2} {unit} {verdict} | {bound} {must} | {bound} {goal} |");
    }
    Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Executions a second that so many drivers finish.
fn throughput(drivers: usize) -> anyhow::Result<f64> {
    const EACH: usize = 12;
    let table = Slowed { millis: 5, ..Slowed::default() };
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build();
    let mut arns = runtime()?.block_on(async {
        let host = Host::new(Slowed { millis: 0, ..table.clone() }, 0, |number| document(number, number))?;
        let machine = host.create(&workloads::order_10()).await?;
        let mut arns = Vec::new();
        for number in 0..drivers * EACH {
            arns.push(host.start(&machine, &format!("e{number}"), &workloads::small_input(number)).await?);
        }
        Ok::<_, anyhow::Error>(arns)
    })?;
    let began = Instant::now();
    let threads: Vec<_> = (0..drivers)
        .map(|_| {
            let (table, mine, runtime) = (table.clone(), arns.split_off(arns.len() - EACH), runtime());
            std::thread::spawn(move || {
                runtime?.block_on(async {
                    let host = Host::new(table, 0, |number| document(number, number))?;
                    for arn in &mine {
                        host.finish(arn).await?;
                    }
                    Ok::<_, anyhow::Error>(())
                })
            })
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| anyhow::anyhow!("a driver panicked"))??;
    }
    Ok((drivers * EACH) as f64 / began.elapsed().as_secs_f64())
}

/// What comes between the end of a task and the start of the next.
async fn between_tasks() -> anyhow::Result<Vec<Line>> {
    let host = Host::new(Slowed::default(), 100, |number| document(number, number))?;
    let machine = host.create(&workloads::order_10()).await?;
    let (mut computed, mut commits) = (Vec::new(), 0);
    for number in 0..200 {
        let arn = host.start(&machine, &format!("e{number}"), &workloads::small_input(number)).await?;
        let (before, cpu) = (host.table.counts(), thread_cpu());
        host.finish(&arn).await?;
        computed.push((thread_cpu() - cpu).as_secs_f64() * 1000.0 / 10.0);
        commits = host.table.counts().commits - before.commits;
    }
    // One commit more, before the first task.
    let writes = (commits - 1) as f64 / 10.0;
    let cpu = crate::deployment::median(computed);
    Ok(vec![
        Line { name: "between two tasks, CPU", measured: cpu, must: 1.0, goal: 0.5, at_least: false, unit: "ms" },
        Line { name: "between two tasks, writes", measured: writes, must: 1.0, goal: 1.0, at_least: false, unit: "" },
    ])
}

/// Commits of a Map of 1,000, forty at a time.
async fn map_commits() -> anyhow::Result<Line> {
    let host = Host::new(Slowed::default(), 100, |number| json!({ "n": number }).to_string())?;
    let mut definition = workloads::inline_map();
    if let Some(each) = definition.pointer_mut("/States/Each").and_then(Value::as_object_mut) {
        each.insert("MaxConcurrency".to_owned(), 40.into());
    }
    let machine = host.create(&definition).await?;
    let items: Vec<u32> = (0..1000).collect();
    let arn = host.start(&machine, "e", &json!({ "items": items })).await?;
    let before = host.table.counts();
    host.finish(&arn).await?;
    let commits = (host.table.counts().commits - before.commits) as f64;
    Ok(Line {
        name: "Map of 1,000, forty at a time: commits",
        measured: commits,
        must: 30.0,
        goal: 28.0,
        at_least: false,
        unit: "",
    })
}

/// What a wake-up of a loop costs that has been woken often, beside one that has not.
async fn polling_loop() -> anyhow::Result<Vec<Line>> {
    let host = Host::new(Slowed::default(), 0, |_| "{}".to_owned())?;
    let definition = json!({
        "StartAt": "Rest",
        "States": {
            "Rest": { "Type": "Wait", "Seconds": 60, "Next": "Over?" },
            "Over?": { "Type": "Choice", "Choices": [{ "Variable": "$.over", "IsPresent": true, "Next": "Done" }], "Default": "Rest" },
            "Done": { "Type": "Succeed" }
        }
    });
    let machine = host.create(&definition).await?;
    let arn = host.start(&machine, "e", &serde_json::from_str(&document(1, 1))?).await?;
    let mut wakes = Vec::new();
    for _ in 0..5_000 {
        let (before, cpu) = (host.table.counts(), thread_cpu());
        let drove = host.drive(&arn).await?;
        let Drove::Waiting(until) = drove else { anyhow::bail!("the loop has ended: {drove:?}") };
        let after = host.table.counts();
        let read = (after.bytes_read - before.bytes_read) as f64;
        wakes.push([(thread_cpu() - cpu).as_secs_f64(), (after.calls - before.calls) as f64, read]);
        tokio::time::sleep(Duration::from_millis(u64::try_from(until.0 - TokioTimer.now().0).unwrap_or(0) + 1)).await;
    }
    let of = |range: std::ops::Range<usize>, which: usize| {
        let numbers = wakes.get(range).unwrap_or_default().iter().filter_map(|wake| wake.get(which).copied()).collect();
        crate::deployment::median(numbers)
    };
    let ratio = |which: usize| of(4_900..5_000, which) / of(2..8, which);
    let line = |name, which| Line { name, measured: ratio(which), must: 2.0, goal: 1.5, at_least: false, unit: "×" };
    Ok(vec![
        line("the 5,000th wake-up of a loop beside the fifth, CPU", 0),
        line("the 5,000th wake-up of a loop beside the fifth, calls of the table", 1),
        line("the 5,000th wake-up of a loop beside the fifth, bytes read", 2),
    ])
}
