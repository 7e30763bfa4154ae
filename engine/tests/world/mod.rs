//! A host on a journal in memory, for tests: its tasks answer with what they were given, its time goes on when somebody waits.
#![allow(dead_code, reason = "each test file uses its part")]

use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use statewright_engine::journal::{Journal, Settings};
use statewright_engine::table::{Condition, Item, Key, MemoryTable, Page, Query, Table, TableError, WriteError};
use statewright_engine::{
    AfterCrash, Answer, Birth, Budget, Clock, DriveError, Drove, ExecutionArn, Happened, Host, QueueError, StoreError, Tasks,
    VirtualClock, WakeQueue, drive, start,
};
use statewright_interpreter::command::StartTask;
use statewright_interpreter::definition::{Definition, Options};
use statewright_interpreter::event::{Event, TaskId};
use statewright_interpreter::execution::{Identity, Start};
use statewright_interpreter::history::HistoryEvent;
use statewright_interpreter::payload::Document;
use statewright_interpreter::quota::Quotas;
use statewright_interpreter::time::Timestamp;

pub(crate) struct World {
    pub(crate) journal: Journal<TestTable>,
    pub(crate) clock: VirtualClock,
    pub(crate) definition: Arc<Definition>,
    /// Wake-ups that were sent, and after how long.
    pub(crate) woken: Mutex<Vec<Duration>>,
    /// Tasks that were started.
    pub(crate) started: Mutex<Vec<TaskId>>,
    /// What they were passed on with.
    pub(crate) leases: Mutex<Vec<Timestamp>>,
    pub(crate) after_crash: AfterCrash,
    /// Done before the next wake-up is sent.
    pub(crate) before_wake: Mutex<Option<fn(&World)>>,
}

/// A table that takes so many posted events, where that is said, and no more.
#[derive(Default)]
pub(crate) struct TestTable {
    table: MemoryTable,
    pub(crate) posts_left: Mutex<Option<usize>>,
}

impl std::ops::Deref for TestTable {
    type Target = MemoryTable;

    fn deref(&self) -> &MemoryTable {
        &self.table
    }
}

impl Table for TestTable {
    async fn put(&self, item: Item, condition: Condition) -> Result<(), WriteError> {
        if item.key.sort.starts_with("i#")
            && let Some(left) = &mut *self.posts_left.lock().unwrap()
        {
            *left = left.checked_sub(1).ok_or(TableError { message: "it takes no more".to_owned(), throttled: true })?;
        }
        self.table.put(item, condition).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.table.get(key).await
    }

    async fn get_all(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        self.table.get_all(keys).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        self.table.query(query).await
    }

    async fn delete(&self, key: &Key, condition: Condition) -> Result<(), WriteError> {
        self.table.delete(key, condition).await
    }
}

pub(crate) const START: Timestamp = Timestamp(1_800_000_000_000);

impl World {
    pub(crate) fn new(definition: &str) -> Self {
        Self::with(definition, Settings::default())
    }

    pub(crate) fn with(definition: &str, settings: Settings) -> Self {
        let definition = Definition::parse(definition, &Options::default()).unwrap().definition;
        Self {
            journal: Journal::new(TestTable::default(), settings, 1),
            clock: VirtualClock::new(START),
            definition: Arc::new(definition),
            woken: Mutex::default(),
            started: Mutex::default(),
            leases: Mutex::default(),
            after_crash: AfterCrash::Repeat,
            before_wake: Mutex::default(),
        }
    }

    pub(crate) fn arn(name: &str) -> ExecutionArn {
        ExecutionArn(format!("arn:aws:states:us-east-1:123456789012:execution:machine:{name}").into())
    }

    pub(crate) fn start(&self, name: &str, input: &str) -> Result<Drove, DriveError> {
        let identity = Identity {
            execution_arn: Self::arn(name).0,
            execution_name: name.into(),
            state_machine_arn: "arn:aws:states:us-east-1:123456789012:stateMachine:machine".into(),
            state_machine_name: "machine".into(),
            role_arn: "arn:aws:iam::123456789012:role/role".into(),
            region: "us-east-1".into(),
        };
        let with = Start { identity, input: Document::parse(input).unwrap(), seed: 1, quotas: Quotas::aws(false) };
        let birth = Birth { revision: "1".into(), ..Birth::default() };
        pollster::block_on(start(self, &self.definition, with, birth, self.clock().now()))
    }

    pub(crate) fn drive(&self, name: &str) -> Result<Drove, DriveError> {
        pollster::block_on(drive(self, &Self::arn(name)))
    }

    pub(crate) fn history(&self, name: &str) -> Option<Vec<HistoryEvent>> {
        let arn = Self::arn(name);
        let history = self.journal.history(&arn, 1, 10_000, false, self.clock.now());
        pollster::block_on(history).unwrap()
    }

    pub(crate) fn types(&self, name: &str) -> Vec<String> {
        self.history(name).unwrap().iter().map(|event| event.details.type_name().into_owned()).collect()
    }
}

impl Host for World {
    type Store = Journal<TestTable>;

    fn store(&self) -> &Self::Store {
        &self.journal
    }

    fn wakes(&self) -> &impl WakeQueue {
        self
    }

    fn tasks(&self) -> &impl Tasks {
        self
    }

    fn clock(&self) -> &impl Clock {
        &self.clock
    }

    async fn definition(&self, _revision: &str) -> Result<Arc<Definition>, StoreError> {
        Ok(Arc::clone(&self.definition))
    }

    async fn sleep_until(&self, until: Timestamp) {
        self.clock.advance_to(until);
    }

    fn budget(&self) -> Budget {
        Budget { steps: 100 }
    }
}

impl WakeQueue for World {
    async fn wake(&self, _execution: &ExecutionArn, after: Duration) -> Result<(), QueueError> {
        let before = self.before_wake.lock().unwrap().take();
        if let Some(before) = before {
            before(self);
        }
        self.woken.lock().unwrap().push(after);
        Ok(())
    }
}

impl Tasks for World {
    /// Callbacks are passed on.
    fn is_waited_for(&self, task: &StartTask) -> bool {
        task.token.is_none()
    }

    fn lease(&self, _task: &StartTask, now: Timestamp) -> Timestamp {
        now.plus_seconds(60)
    }

    async fn start<'t>(
        &'t self,
        _execution: &Identity,
        task: Box<StartTask>,
        lease: Timestamp,
    ) -> Result<Option<Answer<'t>>, QueueError> {
        self.started.lock().unwrap().push(task.task);
        self.leases.lock().unwrap().push(lease);
        if !self.is_waited_for(&task) {
            return Ok(None);
        }
        let event = Event::TaskSucceeded { task: task.task, output: task.parameters.document().clone() };
        Ok(Some(Box::pin(ready(vec![Happened { at: self.clock.now(), event }].into()))))
    }

    async fn cancel(&self, _execution: &Identity, _task: TaskId) -> Result<(), QueueError> {
        Ok(())
    }

    fn after_crash(&self, _task: &StartTask) -> AfterCrash {
        self.after_crash
    }
}
