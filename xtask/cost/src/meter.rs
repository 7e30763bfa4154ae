//! What a function is given in place of AWS: the same clients, counted, each call of which takes the time that the price list says.
//!
//! Time is tokio's, paused: it goes on only when everybody waits. Calls are made on a thread of their own, which the function's thread
//! stands still for, so that the time a real call takes counts nothing and the one it is said to take does.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use statewright_engine::api::NewExecution;
use statewright_engine::table::{Attribute, Condition, Item, Key, Page, Query, Table, TableError, WriteError};
use statewright_engine::{ExecutionArn, ExpressQueue, QueueError, WakeQueue};
use statewright_integrations::caller::{Caller, Handler, HandlerFuture};
use statewright_integrations::{Request, TransportError};
use statewright_lambda::function::Source;
use statewright_lambda::function::sweep::DeadLetters;
use statewright_lambda::tasks::{TaskMessage, TaskQueue};
use statewright_lambda::{DynamoTable, SqsQueue};

/// The processor time that this thread has taken.
pub(crate) fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

type Job = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// What an item of the table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Journal,
    Apart,
    Inbox,
    List,
    Reminder,
    Other,
}

impl Kind {
    pub(crate) const ALL: [(Self, &'static str); 6] = [
        (Self::Journal, "journal"),
        (Self::Apart, "journal, apart"),
        (Self::Inbox, "inbox"),
        (Self::List, "lists"),
        (Self::Reminder, "reminders"),
        (Self::Other, "others"),
    ];

    fn of(key: &Key) -> Self {
        match (key.partition.get(..2), key.sort.get(..1)) {
            (Some("x#"), Some("i")) => Self::Inbox,
            (Some("x#"), Some("p" | "q")) => Self::Apart,
            (Some("x#"), _) => Self::Journal,
            (Some("r#" | "c#"), _) => Self::List,
            (Some("s#"), _) => Self::Reminder,
            (Some(_) | None, _) => Self::Other,
        }
    }
}

/// What was counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    /// Write units of each write, by kind.
    pub(crate) written: BTreeMap<Kind, Vec<f64>>,
    /// Read units.
    pub(crate) read: f64,
    /// Bytes of what stands in the table, by key.
    pub(crate) stored: BTreeMap<Key, usize>,
    /// Processor time of the calls.
    cpu: Duration,
}

/// Counts.
#[derive(Clone, Default)]
pub(crate) struct Meter(Arc<Mutex<Counts>>);

impl Meter {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The processor time of the calls since the last question.
    pub(crate) fn take_cpu(&self) -> Duration {
        std::mem::take(&mut self.lock().cpu)
    }
}

/// The thread that calls are made on.
#[derive(Clone)]
pub(crate) struct Wire {
    jobs: mpsc::Sender<Job>,
    pub(crate) meter: Meter,
}

impl Wire {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let (jobs, receiver) = mpsc::channel::<Job>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::spawn(move || {
            for job in receiver {
                runtime.block_on(job());
            }
        });
        Ok(Self { jobs, meter: Meter::default() })
    }

    /// Makes a call, which takes `millis` of the time that is told.
    pub(crate) async fn call<F>(&self, call: F, millis: f64) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        let answer = self.now(call);
        tokio::time::sleep(Duration::from_micros((millis * 1000.0) as u64)).await;
        answer
    }

    /// Makes a call that takes no time.
    pub(crate) fn now<F>(&self, call: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        let (sender, answer) = mpsc::sync_channel(1);
        let meter = self.meter.clone();
        let job: Job = Box::new(move || {
            Box::pin(async move {
                let before = thread_cpu();
                let output = call.await;
                meter.lock().cpu += thread_cpu() - before;
                // Whoever asked waits for it.
                let _ = sender.send(output);
            })
        });
        self.jobs.send(job).expect("the thread lives as long as the process");
        answer.recv().expect("a call that panics ends the process")
    }
}

/// The table, each write of which is counted by what it is.
pub(crate) struct Metered {
    pub(crate) table: DynamoTable,
    pub(crate) wire: Wire,
    pub(crate) millis: f64,
}

impl Metered {
    async fn write<F>(&self, kind: Kind, call: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        let before = self.table.capacity();
        let answer = self.wire.call(call, 0.0).await;
        let units = self.table.capacity().written - before.written;
        self.wire.meter.lock().written.entry(kind).or_default().push(units);
        tokio::time::sleep(Duration::from_micros((self.millis * 1000.0) as u64)).await;
        answer
    }

    async fn read<F>(&self, call: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        let before = self.table.capacity();
        let answer = self.wire.call(call, 0.0).await;
        self.wire.meter.lock().read += self.table.capacity().read - before.read;
        tokio::time::sleep(Duration::from_micros((self.millis * 1000.0) as u64)).await;
        answer
    }
}

/// What an item takes. Source: DynamoDB developer guide, "DynamoDB item sizes and formats".
pub(crate) fn size(item: &Item) -> usize {
    let attributes = item.attributes.iter().map(|(name, attribute)| {
        name.len()
            + match attribute {
                Attribute::Text(text) => text.len(),
                Attribute::Bytes(bytes) => bytes.len(),
                Attribute::Number(number) => number.unsigned_abs().to_string().len().div_ceil(2) + 1,
            }
    });
    let expires = if item.expires.is_some() { "ttl".len() + 6 } else { 0 };
    item.key.partition.len() + item.key.sort.len() + 2 + attributes.sum::<usize>() + expires
}

impl Table for Metered {
    async fn put(&self, item: Item, condition: Condition) -> Result<(), WriteError> {
        let (table, key, bytes) = (self.table.clone(), item.key.clone(), size(&item));
        let put = self.write(Kind::of(&key), async move { table.put(item, condition).await }).await;
        if put.is_ok() {
            self.wire.meter.lock().stored.insert(key, bytes);
        }
        put
    }

    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        let (table, key) = (self.table.clone(), key.clone());
        self.read(async move { table.get(&key).await }).await
    }

    async fn get_lately(&self, key: &Key) -> Result<Option<Item>, TableError> {
        let (table, key) = (self.table.clone(), key.clone());
        self.read(async move { table.get_lately(&key).await }).await
    }

    async fn get_all(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        let (table, keys) = (self.table.clone(), keys.to_vec());
        self.read(async move { table.get_all(&keys).await }).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        let (table, query) = (self.table.clone(), query.clone());
        self.read(async move { table.query(&query).await }).await
    }

    async fn delete(&self, key: &Key, condition: Condition) -> Result<(), WriteError> {
        let (table, key) = (self.table.clone(), key.clone());
        let named = key.clone();
        let deleted = self.write(Kind::of(&named), async move { table.delete(&key, condition).await }).await;
        if deleted.is_ok() {
            self.wire.meter.lock().stored.remove(&named);
        }
        deleted
    }
}

/// A queue, each call of which takes its time.
#[derive(Clone)]
pub(crate) struct Queue {
    pub(crate) queue: SqsQueue,
    pub(crate) wire: Wire,
    pub(crate) millis: f64,
}

impl WakeQueue for Queue {
    async fn wake(&self, execution: &ExecutionArn, after: Duration) -> Result<(), QueueError> {
        let (queue, execution) = (self.queue.clone(), execution.clone());
        self.wire.call(async move { queue.wake(&execution, after).await }, self.millis).await
    }
}

impl TaskQueue for Queue {
    async fn send(&self, task: &TaskMessage, after: Duration) -> Result<(), QueueError> {
        let (queue, task) = (self.queue.clone(), task.clone());
        self.wire.call(async move { queue.send(&task, after).await }, self.millis).await
    }
}

impl ExpressQueue for Queue {
    async fn launch(&self, new: &NewExecution) -> Result<(), QueueError> {
        let (queue, new) = (self.queue.clone(), new.clone());
        self.wire.call(async move { queue.launch(&new).await }, self.millis).await
    }
}

impl Source for Queue {
    async fn hide(&self, receipts: &[&str], duration: Duration) {
        let queue = self.queue.clone();
        let receipts: Vec<String> = receipts.iter().map(|receipt| (*receipt).to_owned()).collect();
        let hide = async move { queue.hide(&receipts.iter().map(String::as_str).collect::<Vec<_>>(), duration).await };
        self.wire.call(hide, self.millis).await;
    }

    async fn put_again(&self, body: &str, received: u32, after: Duration) -> Result<(), QueueError> {
        let (queue, body) = (self.queue.clone(), body.to_owned());
        self.wire.call(async move { queue.put_again(&body, received, after).await }, self.millis).await
    }
}

impl DeadLetters for Queue {
    async fn receive(&self) -> Result<Vec<(String, String)>, String> {
        let queue = self.queue.clone();
        self.wire.call(async move { queue.receive().await }, self.millis).await
    }

    async fn delete(&self, receipt: &str) -> Result<(), String> {
        let (queue, receipt) = (self.queue.clone(), receipt.to_owned());
        self.wire.call(async move { queue.delete(&receipt).await }, self.millis).await
    }
}

/// Functions that tasks call: the request goes out signed and comes back over HTTP; how long it takes is told.
pub(crate) struct Functions {
    pub(crate) caller: Arc<Caller>,
    pub(crate) wire: Wire,
    pub(crate) way_millis: f64,
    pub(crate) task_millis: Arc<Mutex<f64>>,
}

impl Handler for Functions {
    fn handle<'a>(&'a self, request: &'a Request, _asking: Option<&'a str>) -> HandlerFuture<'a> {
        Box::pin(async move {
            let (caller, sent) = (Arc::clone(&self.caller), request.clone());
            let is_event = request.headers.iter().any(|header| *header == ("x-amz-invocation-type", "Event".to_owned()));
            let is_task = request.path.ends_with("/invocations") && !is_event;
            let task = *self.task_millis.lock().unwrap_or_else(PoisonError::into_inner);
            let millis = self.way_millis + if is_task { task } else { 0.0 };
            let answer = self.wire.call(async move { caller.send(&sent, []).await }, millis).await;
            answer.map_err(|error| TransportError::Connect(error.to_string()))?
        })
    }
}
