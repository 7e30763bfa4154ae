//! Everything together: a host over a table, and the executions that the API speaks of.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use statewright_interpreter::command::{Command, StartTask};
use statewright_interpreter::definition::{Definition, MachineType, Options, Resource};
use statewright_interpreter::event::{Event, TaskId};
use statewright_interpreter::execution::{Execution, Identity, Start, TaskToken};
use statewright_interpreter::history::{ErrorDetails, HistoryEvent};
use statewright_interpreter::quota::Quotas;
use statewright_interpreter::time::Timestamp;

use crate::activities::{Offer, Offers};
use crate::api::{
    ActivityTask, ApiError, ExecutionQuery, ExecutionRecord, ExecutionRow, ExecutionRows, Executions, HistoryQuery, ListedStatus,
    NewExecution, Started, Told, activity_exists, definition,
};
use crate::clock::{Clock, Timer};
use crate::delivery::{Delivered, deliver, deliver_at_once, deliver_if};
use crate::driver::{restore, run, start};
use crate::host::{DriveError, Host, Patience};
use crate::journal::{Abandonment, Journal, Place};
use crate::logs::{LogSink, Logging};
use crate::queue::{AfterCrash, Answer, Later, QueueError, Tasks, WakeQueue};
use crate::round::Budget;
use crate::status::Listener;
use crate::store::{Birth, Commit, CommitError, ExecutionArn, ForgetfulStore, Happened, InboxEntry, Loaded, Store, StoreError};
use crate::table::Table;

/// Where Express executions are run that nobody waits for.
pub trait ExpressQueue: Send + Sync {
    /// Has an execution run, soon and at least once.
    fn launch(&self, new: &NewExecution) -> impl Future<Output = Result<(), QueueError>> + Send;
}

/// How an engine goes about it.
#[derive(Clone, Copy, Debug)]
pub struct EngineSettings {
    /// How much a round may do.
    pub budget: Budget,
    /// For how long somebody who asks for a task of an activity is kept waiting.
    pub activity_wait: Duration,
    /// How often it is looked for one meanwhile.
    pub activity_look: Duration,
}

impl Default for EngineSettings {
    /// As the service: up to a minute.
    fn default() -> Self {
        Self { budget: Budget::default(), activity_wait: Duration::from_secs(60), activity_look: Duration::from_secs(1) }
    }
}

/// So many definitions are kept in memory.
const DEFINITIONS_MAX: usize = 100;
/// A later release has looked at an execution after this, or is not there any more.
const LATER_RELEASE_WITHIN: Duration = Duration::from_secs(3600);
/// An offer of a task whose execution does not know of it may be ahead of its commit.
const OFFER_AHEAD: Duration = Duration::from_secs(60);

/// A host over a table.
#[derive(Debug)]
pub struct Engine<T, W, K, C, X> {
    journal: Journal<Arc<T>>,
    table: Arc<T>,
    wakes: W,
    tasks: Doers<T, K>,
    clock: C,
    express: X,
    settings: EngineSettings,
    patience: Mutex<Patience>,
    revisions: Mutex<BTreeMap<Arc<str>, Known>>,
    listener: Option<Ears>,
    logs: Option<Logs>,
}

/// What is known of a revision of a state machine.
#[derive(Clone, Debug)]
struct Known {
    definition: Arc<Definition>,
    logging: Option<Arc<Logging>>,
}

/// Somebody who listens, if there is one.
struct Ears(Box<dyn Listener>);

impl std::fmt::Debug for Ears {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Listener")
    }
}

/// Where records of logs go, if they go anywhere.
struct Logs(Box<dyn LogSink>);

impl std::fmt::Debug for Logs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LogSink")
    }
}

/// Who does tasks: workers those of activities, others all else.
#[derive(Debug)]
struct Doers<T, K> {
    offers: Offers<T>,
    others: K,
}

impl<T: Table, W: WakeQueue, K: Tasks, C: Timer, X: ExpressQueue> Engine<T, W, K, C, X> {
    /// An engine over `journal`, whose table holds the state machines and activities as well.
    pub fn new(journal: Journal<Arc<T>>, wakes: W, tasks: K, clock: C, express: X, settings: EngineSettings) -> Self {
        let table = Arc::clone(journal.table());
        let tasks = Doers { offers: Offers::new(Arc::clone(&table)), others: tasks };
        Self {
            journal,
            table,
            wakes,
            tasks,
            clock,
            express,
            settings,
            patience: Mutex::new(Patience::default()),
            revisions: Mutex::default(),
            listener: None,
            logs: None,
        }
    }

    /// Has somebody hear of executions of Standard state machines.
    #[must_use]
    pub fn heard_by(mut self, listener: Box<dyn Listener>) -> Self {
        self.listener = Some(Ears(listener));
        self
    }

    /// Has somebody take the records of what executions log. Where nobody does, nothing is logged.
    #[must_use]
    pub fn logged_to(mut self, sink: Box<dyn LogSink>) -> Self {
        self.logs = Some(Logs(sink));
        self
    }

    /// Has the records delivered that are still kept.
    pub async fn flush_logs(&self) {
        if let Some(Logs(sink)) = &self.logs {
            sink.flush().await;
        }
    }

    /// Logs what the state machine asks for.
    async fn log(&self, execution: &Execution, revision: &str, events: &[HistoryEvent]) {
        let Some(Logs(sink)) = &self.logs else { return };
        // Whoever has committed knows the revision. What cannot be read now is left out: logs are kept at best.
        let Ok(Known { logging: Some(logging), .. }) = self.known(revision).await else { return };
        if let Some(records) = logging.records(execution.identity(), events) {
            sink.take(records).await;
        }
    }

    /// A revision of a state machine.
    async fn known(&self, revision: &str) -> Result<Known, StoreError> {
        let known = self.revisions.lock().unwrap_or_else(PoisonError::into_inner).get(revision).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let stored = definition(&*self.table, revision).await?;
        let stored = stored.ok_or_else(|| StoreError::Unreadable(format!("revision {revision} is not there")))?;
        let options = Options { machine_type: stored.machine_type, ..Options::default() };
        let parsed = Definition::parse(&stored.text, &options);
        let parsed = parsed.map_err(|found| StoreError::Unreadable(format!("revision {revision} is refused: {found:?}")))?;
        let known = Known { definition: Arc::new(parsed.definition), logging: stored.logging.map(Arc::new) };
        let mut revisions = self.revisions.lock().unwrap_or_else(PoisonError::into_inner);
        if revisions.len() >= DEFINITIONS_MAX {
            revisions.clear();
        }
        revisions.insert(revision.into(), known.clone());
        Ok(known)
    }

    /// The table.
    pub fn table(&self) -> &Arc<T> {
        &self.table
    }

    /// The journal.
    pub fn journal(&self) -> &Journal<Arc<T>> {
        &self.journal
    }

    /// Who does tasks other than those of activities.
    pub fn others(&self) -> &K {
        &self.tasks.others
    }

    /// What drivers may wait for from now on.
    pub fn set_patience(&self, patience: Patience) {
        *self.patience.lock().unwrap_or_else(PoisonError::into_inner) = patience;
    }

    /// Runs an Express execution to its end, and gives what happened. `synchronous` says that somebody waits for it.
    ///
    /// # Errors
    /// When its definition is not there, or a task can be neither done nor failed.
    pub async fn run_express(
        &self,
        new: &NewExecution,
        synchronous: bool,
    ) -> Result<(ExecutionRecord, Vec<HistoryEvent>), ApiError> {
        let definition = self.definition(&new.revision).await?;
        let (begin, birth) = start_of(new);
        let host = Fleeting { engine: self, gathered: Gathered::default() };
        let execution = run(&host, &definition, begin, birth.clone(), synchronous).await?;
        let events = host.gathered.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.log(&execution, &new.revision, &events).await;
        Ok((record(&execution, birth), events))
    }

    /// The execution as it is stored.
    async fn load(&self, arn: &ExecutionArn) -> Result<Option<(Loaded<Place>, Execution, Arc<Definition>)>, DriveError> {
        let Some(loaded) = self.journal.load(arn, self.clock.now()).await? else { return Ok(None) };
        let (definition, execution) = restore(self, &loaded.birth, &loaded.checkpoint).await?;
        Ok(Some((loaded, execution, definition)))
    }

    /// What became of a stop that was posted. Whoever goes on with the execution finds it, if anybody does: a later release that has written
    /// it may have been taken back for good.
    async fn stop_posted(&self, arn: &ExecutionArn, error: ErrorDetails, now: Timestamp) -> Result<Told, ApiError> {
        let Some(found) = self.journal.inspect(arn, now).await? else { return Ok(Told::Unknown) };
        let is_newer = match &found.loaded {
            Ok(loaded) => restore(self, &loaded.birth, &loaded.checkpoint).await.is_err_and(|error| error.is_newer()),
            Err(error) => error.is_newer(),
        };
        if !is_newer {
            return Ok(Told::Taken);
        }
        if found.ended.is_some() {
            return Ok(Told::Closed(None));
        }
        match self.journal.posted_since(arn, STOP, now).await? {
            Some(since) if since.plus(LATER_RELEASE_WITHIN) <= now => self.abandon(arn, error, now).await,
            Some(_) | None => Ok(Told::Taken),
        }
    }

    /// Aborts an execution that cannot be read.
    async fn abandon(&self, arn: &ExecutionArn, error: ErrorDetails, now: Timestamp) -> Result<Told, ApiError> {
        match self.journal.abandon(arn, error, now).await.map_err(DriveError::from)? {
            Abandonment::Unknown => Ok(Told::Unknown),
            Abandonment::Aborted => Ok(Told::Taken),
            Abandonment::Ended => Ok(Told::Closed(None)),
        }
    }

    async fn deliver(&self, arn: &ExecutionArn, event: Event, now: Timestamp) -> Result<Delivered, DriveError> {
        deliver(self, arn, &key_of(&event, now), Happened { at: now, event }).await
    }

    /// Tries to start one of the tasks that are offered to the workers of an activity.
    async fn take_offer(&self, activity_arn: &str, worker_name: Option<&str>) -> Result<Option<ActivityTask>, ApiError> {
        let mut after = None;
        loop {
            let (offers, next) = self.tasks.offers.list(activity_arn, after).await?;
            if let Some(task) = self.take_one(offers, worker_name).await? {
                return Ok(Some(task));
            }
            after = next;
            if after.is_none() {
                return Ok(None);
            }
        }
    }

    async fn take_one(&self, offers: Vec<Offer>, worker_name: Option<&str>) -> Result<Option<ActivityTask>, ApiError> {
        for offer in offers {
            let now = self.clock.now();
            let task = match self.load(&offer.execution).await {
                Ok(Some((_, execution, definition))) => open_task(&execution, &definition, offer.task),
                Ok(None) => None,
                // It keeps nobody from the tasks of others.
                Err(error) if error.is_unreadable() => continue,
                Err(error) => return Err(error.into()),
            };
            let Some((token, input)) = task else {
                if offer.at.plus(OFFER_AHEAD) <= now {
                    self.tasks.offers.withdraw(&offer).await?;
                }
                continue;
            };
            let event = Event::TaskStarted { task: offer.task, worker_name: worker_name.map(Arc::from) };
            let told = deliver_at_once(self, &offer.execution, Happened { at: now, event }).await?;
            self.tasks.offers.withdraw(&offer).await?;
            if told == Delivered::Applied {
                return Ok(Some(ActivityTask { token, input }));
            }
        }
        Ok(None)
    }
}

/// Token and input of a task that nobody has begun.
fn open_task(execution: &Execution, definition: &Definition, task: TaskId) -> Option<(Arc<str>, String)> {
    execution.outstanding(definition).into_iter().find_map(|command| match command {
        Command::StartTask(start) if start.task == task => Some((start.token?, start.parameters.text().into_owned())),
        Command::StartTask(_) | Command::CancelTask { .. } => None,
    })
}

/// The key that an event is posted under. The time makes it one of its own; the same event at the same time is the same.
fn key_of(event: &Event, now: Timestamp) -> String {
    let name = match event {
        Event::TaskStarted { task, .. } => format!("started-{}", task.0),
        Event::TaskSubmitted { task, .. } => format!("submitted-{}", task.0),
        Event::TaskSucceeded { task, .. } | Event::TaskFailed { task, .. } => format!("result-{}", task.0),
        Event::TaskHeartbeat { task } => format!("heartbeat-{}", task.0),
        Event::Stop { .. } => STOP.to_owned(),
    };
    format!("{name}-{:011x}", now.0)
}

/// What a stop is posted under begins so.
const STOP: &str = "stop";

impl<T: Table, W: WakeQueue, K: Tasks, C: Timer, X: ExpressQueue> Host for Engine<T, W, K, C, X> {
    type Store = Journal<Arc<T>>;

    fn store(&self) -> &Self::Store {
        &self.journal
    }

    fn wakes(&self) -> &impl WakeQueue {
        &self.wakes
    }

    fn tasks(&self) -> &impl Tasks {
        &self.tasks
    }

    fn clock(&self) -> &impl Clock {
        &self.clock
    }

    async fn definition(&self, revision: &str) -> Result<Arc<Definition>, StoreError> {
        Ok(self.known(revision).await?.definition)
    }

    async fn missing_activities(&self, activities: Vec<Arc<str>>) -> Result<Vec<Arc<str>>, StoreError> {
        let mut missing = Vec::new();
        for activity in activities {
            let name = activity.rsplit(':').next().unwrap_or_default();
            if !activity_exists(&*self.table, name).await? {
                missing.push(activity);
            }
        }
        Ok(missing)
    }

    async fn status_changed(&self, execution: &Execution, birth: &Birth, has_ended: bool) {
        if let Some(Ears(listener)) = &self.listener {
            listener.changed(execution, birth, has_ended).await;
        }
    }

    async fn recorded(&self, execution: &Execution, birth: &Birth, events: &[HistoryEvent]) {
        self.log(execution, &birth.revision, events).await;
    }

    fn sleep_until(&self, until: Timestamp) -> impl Future<Output = ()> + Send {
        self.clock.sleep_until(until)
    }

    fn budget(&self) -> Budget {
        self.settings.budget
    }

    fn patience(&self) -> Patience {
        *self.patience.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Table, K: Tasks> Tasks for Doers<T, K> {
    async fn learn(&self, task: &StartTask) {
        if !matches!(task.resource, Resource::Activity { .. }) {
            self.others.learn(task).await;
        }
    }

    fn is_waited_for(&self, task: &StartTask) -> bool {
        !matches!(task.resource, Resource::Activity { .. }) && self.others.is_waited_for(task)
    }

    fn lease(&self, task: &StartTask, now: Timestamp) -> Timestamp {
        match task.resource {
            // Its offer was there before the commit, and stays until a worker comes.
            Resource::Activity { .. } => Timestamp(i64::MAX / 2),
            Resource::Lambda { .. } | Resource::Service { .. } => self.others.lease(task, now),
        }
    }

    async fn prepare(&self, execution: &Identity, task: &StartTask, now: Timestamp) -> Result<(), QueueError> {
        match &task.resource {
            Resource::Activity { arn } => {
                let execution = ExecutionArn(Arc::clone(&execution.execution_arn));
                self.offers.put(arn, &execution, task.task, now).await
            }
            Resource::Lambda { .. } | Resource::Service { .. } => self.others.prepare(execution, task, now).await,
        }
    }

    async fn start<'t>(
        &'t self,
        execution: &Identity,
        task: Box<StartTask>,
        lease: Timestamp,
    ) -> Result<Option<Answer<'t>>, QueueError> {
        match task.resource {
            Resource::Activity { .. } => Ok(None),
            Resource::Lambda { .. } | Resource::Service { .. } => self.others.start(execution, task, lease).await,
        }
    }

    async fn pass_on(&self, execution: &ExecutionArn, later: &Later) -> Result<(), QueueError> {
        self.others.pass_on(execution, later).await
    }

    async fn look_again(&self, execution: &Identity, task: &StartTask) -> Result<(), QueueError> {
        self.others.look_again(execution, task).await
    }

    async fn cancel(&self, execution: &Identity, task: TaskId) -> Result<(), QueueError> {
        self.others.cancel(execution, task).await
    }

    fn after_crash(&self, task: &StartTask) -> AfterCrash {
        self.others.after_crash(task)
    }
}

/// An engine for executions that are kept nowhere.
struct Fleeting<'e, E> {
    engine: &'e E,
    gathered: Gathered,
}

/// A store that only gathers the events.
#[derive(Default)]
struct Gathered(Mutex<Vec<HistoryEvent>>);

impl Store for Gathered {
    type Place = ();

    async fn load(&self, _execution: &ExecutionArn, _now: Timestamp) -> Result<Option<Loaded<()>>, StoreError> {
        Ok(None)
    }

    async fn commit(&self, _execution: &ExecutionArn, _place: Option<()>, commit: Commit<'_>) -> Result<(), CommitError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(commit.events);
        Ok(())
    }

    async fn post(&self, execution: &ExecutionArn, entry: InboxEntry) -> Result<(), StoreError> {
        ForgetfulStore.post(execution, entry).await
    }

    async fn remind(&self, execution: &ExecutionArn, at: Timestamp) -> Result<(), StoreError> {
        ForgetfulStore.remind(execution, at).await
    }

    async fn forget(&self, execution: &ExecutionArn, at: Timestamp) -> Result<(), StoreError> {
        ForgetfulStore.forget(execution, at).await
    }

    async fn enlist(&self, execution: &Execution, birth: &Birth, look_at: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        ForgetfulStore.enlist(execution, birth, look_at, now).await
    }

    async fn close(&self, execution: &Execution, birth: &Birth, listed: bool, at: Timestamp) -> Result<(), StoreError> {
        ForgetfulStore.close(execution, birth, listed, at).await
    }
}

impl<T: Table, W: WakeQueue, K: Tasks, C: Timer, X: ExpressQueue> Host for Fleeting<'_, Engine<T, W, K, C, X>> {
    type Store = Gathered;

    fn store(&self) -> &Gathered {
        &self.gathered
    }

    fn wakes(&self) -> &impl WakeQueue {
        &self.engine.wakes
    }

    fn tasks(&self) -> &impl Tasks {
        &self.engine.tasks
    }

    fn clock(&self) -> &impl Clock {
        &self.engine.clock
    }

    async fn definition(&self, revision: &str) -> Result<Arc<Definition>, StoreError> {
        self.engine.definition(revision).await
    }

    fn sleep_until(&self, until: Timestamp) -> impl Future<Output = ()> + Send {
        self.engine.clock.sleep_until(until)
    }

    fn budget(&self) -> Budget {
        self.engine.settings.budget
    }

    /// There is nobody to hand over to: every pause is waited for.
    fn patience(&self) -> Patience {
        let linger = self.engine.patience().linger;
        Patience { pause: Duration::MAX, leave_at: None, begin_until: None, linger }
    }
}

fn start_of(new: &NewExecution) -> (Start, Birth) {
    let quotas = Quotas::aws(new.machine_type == MachineType::Express);
    let start = Start { identity: new.identity.clone(), input: new.input.clone(), seed: new.seed, quotas };
    let birth = Birth {
        revision: Arc::clone(&new.revision),
        version_arn: new.version_arn.clone(),
        alias_arn: new.alias_arn.clone(),
        trace_header: new.trace_header.clone(),
    };
    (start, birth)
}

fn record(execution: &Execution, birth: Birth) -> ExecutionRecord {
    let status = execution.status().clone();
    ExecutionRecord {
        identity: execution.identity().clone(),
        revision: birth.revision,
        version_arn: birth.version_arn,
        alias_arn: birth.alias_arn,
        trace_header: birth.trace_header,
        input: execution.input().document().clone(),
        started: execution.started_at(),
        stopped: status.is_final().then(|| execution.last_event_at()),
        history_events: execution.history_events(),
        status,
    }
}

impl<T: Table, W: WakeQueue, K: Tasks, C: Timer, X: ExpressQueue> Executions for Engine<T, W, K, C, X> {
    async fn start(&self, new: NewExecution) -> Result<Started, ApiError> {
        if new.machine_type == MachineType::Express {
            self.express.launch(&new).await.map_err(|error| ApiError::unavailable(error.to_string()))?;
            return Ok(Started::New(new.now));
        }
        let definition = self.definition(&new.revision).await?;
        let (begin, birth) = start_of(&new);
        match start(self, &definition, begin, birth, new.now).await {
            Ok(_) => Ok(Started::New(new.now)),
            Err(DriveError::Commit(CommitError::Conflict)) => {
                let arn = ExecutionArn(Arc::clone(&new.identity.execution_arn));
                let Some((_, execution, _)) = self.load(&arn).await? else {
                    return Err(ApiError::unavailable(format!("{arn} was there and is gone")));
                };
                Ok(Started::Exists {
                    started: execution.started_at(),
                    running: !execution.status().is_final(),
                    same_input: execution.input().text() == new.input.text(),
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn run(&self, new: NewExecution) -> Result<ExecutionRecord, ApiError> {
        Ok(self.run_express(&new, true).await?.0)
    }

    async fn describe(&self, execution_arn: &str) -> Result<Option<ExecutionRecord>, ApiError> {
        let loaded = self.load(&ExecutionArn(execution_arn.into())).await?;
        Ok(loaded.map(|(loaded, execution, _)| record(&execution, loaded.birth)))
    }

    async fn list(&self, query: &ExecutionQuery) -> Result<ExecutionRows, ApiError> {
        let mut rows = Vec::new();
        let mut after = query.after.clone();
        loop {
            let status = query.status.map(ListedStatus::as_str);
            let page = self.journal.list(&query.machine, status, after.as_deref(), query.limit, self.clock.now()).await;
            let page = page?;
            for (place, listed) in page.executions {
                let status = ListedStatus::ALL.into_iter().find(|known| known.as_str() == &*listed.status);
                let wanted = query.version_arn.as_deref().is_none_or(|version| listed.version_arn.as_deref() == Some(version));
                let (Some(status), true) = (status, wanted) else { continue };
                if rows.len() == query.limit {
                    return Ok(ExecutionRows { rows, next: after });
                }
                after = Some(place);
                rows.push(ExecutionRow {
                    execution_arn: listed.arn,
                    name: listed.name,
                    status,
                    started: listed.started,
                    stopped: listed.stopped,
                    version_arn: listed.version_arn,
                    alias_arn: listed.alias_arn,
                });
            }
            match page.next {
                Some(next) if rows.len() == query.limit => return Ok(ExecutionRows { rows, next: Some(next) }),
                Some(next) => after = Some(next),
                None => return Ok(ExecutionRows { rows, next: None }),
            }
        }
    }

    fn kept_seconds(&self) -> u64 {
        self.journal.settings().retention_seconds
    }

    async fn is_running(&self, machine: &str) -> Result<bool, ApiError> {
        let page = self.journal.list(machine, Some("RUNNING"), None, 1, self.clock.now()).await?;
        Ok(!page.executions.is_empty())
    }

    async fn history(&self, execution_arn: &str, query: HistoryQuery) -> Result<Option<Vec<HistoryEvent>>, ApiError> {
        let arn = ExecutionArn(execution_arn.into());
        let HistoryQuery { from, reverse, limit } = query;
        Ok(self.journal.history(&arn, from, limit, reverse, self.clock.now()).await?)
    }

    async fn stop(&self, execution_arn: &str, error: ErrorDetails, now: Timestamp) -> Result<Told, ApiError> {
        let arn = ExecutionArn(execution_arn.into());
        match self.deliver(&arn, Event::Stop { error: error.clone() }, now).await {
            // What nobody can go on with can at least be stopped.
            Err(unreadable) if unreadable.is_unreadable() => self.abandon(&arn, error, now).await,
            Err(error) => Err(error.into()),
            Ok(Delivered::Unknown) => Ok(Told::Unknown),
            Ok(Delivered::Applied) => Ok(Told::Taken),
            Ok(Delivered::Posted) => self.stop_posted(&arn, error, now).await,
            Ok(Delivered::Ignored) => {
                let ended = self.load(&arn).await?;
                Ok(Told::Closed(ended.map(|(_, execution, _)| execution.last_event_at())))
            }
        }
    }

    async fn tell(&self, token: &TaskToken, event: Event, now: Timestamp) -> Result<Told, ApiError> {
        let arn = ExecutionArn(Arc::clone(&token.execution_arn));
        let check = |execution: &Execution| match execution.accepts(token) {
            true => Ok(()),
            false if !execution.gave_out(token) => Err(Told::Unknown),
            false => Err(Told::Closed(execution.status().is_final().then(|| execution.last_event_at()))),
        };
        let delivered = deliver_if(self, &arn, &key_of(&event, now), Happened { at: now, event }, check).await?;
        Ok(match delivered {
            Err(objection) => objection,
            Ok(Delivered::Unknown) => Told::Unknown,
            Ok(Delivered::Applied | Delivered::Posted) => Told::Taken,
            Ok(Delivered::Ignored) => Told::Closed(None),
        })
    }

    async fn next_activity_task(&self, activity_arn: &str, worker_name: Option<&str>) -> Result<Option<ActivityTask>, ApiError> {
        let until = self.clock.now().plus(self.settings.activity_wait);
        loop {
            if let Some(task) = self.take_offer(activity_arn, worker_name).await? {
                return Ok(Some(task));
            }
            let next = self.clock.now().plus(self.settings.activity_look);
            if next > until {
                return Ok(None);
            }
            self.clock.sleep_until(next).await;
        }
    }
}
