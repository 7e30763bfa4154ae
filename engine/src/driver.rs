//! The driver: load → apply what has happened and what is due → go on → commit → start tasks → wait or leave. The only loop.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use statewright_interpreter::command::{Command, Output, StartTask};
use statewright_interpreter::definition::{Definition, Options};
use statewright_interpreter::event::{Event, FailedStage};
use statewright_interpreter::execution::{Checkpoint, Execution, Progress, Start};
use statewright_interpreter::history::{ErrorDetails, HistoryEvent};
use statewright_interpreter::time::Timestamp;

use crate::clock::Clock;
use crate::delivery::Delivered;
use crate::host::{BORN_WITHIN, DriveError, Host, NEAR, REMINDER_AHEAD_MAX, SKEW, WAKE_AHEAD_MAX};
use crate::journal::SEEN_AGAIN;
use crate::posting::{post_all, task_of, to_entries};
use crate::queue::{AfterCrash, Answer, Answered, Later, Tasks, WakeQueue};
use crate::round::{Advanced, Budget, ROUND_BYTES, ROUND_WITHIN, STEPS_AT_ONCE, advance, go_on};
use crate::store::{Birth, Commit, CommitError, ExecutionArn, Happened, InboxEntry, Ledger, Loaded, Store, StoreError};

/// Somebody who passes by, and need not leave at a given time, has left after this.
const PASSES_WITHIN: Duration = Duration::from_secs(60);
/// A reminder stands so much behind the wake-up that it makes up for.
const REMINDER_BEHIND: Duration = Duration::from_secs(60);
/// A reminder stands so much before what no wake-up can be sent for yet.
const REMINDER_BEFORE: Duration = Duration::from_secs(60);
/// What came of tasks is posted again so often where it could not be posted, so soon after the last time.
const POSTS_MAX: usize = 20;
const POSTS_AGAIN: Duration = Duration::from_millis(500);

/// How far [`drive`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drove {
    /// There is no such execution, or not yet: who starts one wakes a driver before it is there. That wake-up is to come again.
    Unknown,
    /// It waits for an event, or until then.
    Waiting(Timestamp),
    /// The time was up. Somebody was woken to go on.
    HandedOver,
    /// The time was up while tasks were being waited for. Whoever drives it after their leases have ended goes on.
    Unfinished,
    /// It has ended.
    Finished,
}

/// Brings one execution as far as it will go. Safe to call at any time, any number of times, from anywhere: a transition exists
/// only if its commit succeeded, and of two drivers only one commits.
///
/// # Errors
/// When the store or a queue fails. Nothing is lost: call again.
pub async fn drive<H: Host>(host: &H, arn: &ExecutionArn) -> Result<Drove, DriveError> {
    drive_with(host, arn, Waiting::default()).await
}

/// [Drives](drive) an execution because of a wake-up that somebody had before, who may have died over it: what such a driver has put
/// into the list of running executions, although the execution has ended meanwhile, is taken out of it.
///
/// # Errors
/// As those of [`drive`].
pub async fn drive_again<H: Host>(host: &H, arn: &ExecutionArn) -> Result<Drove, DriveError> {
    drive_with(host, arn, Waiting { is_again: true, ..Waiting::default() }).await
}

async fn drive_with<'h, H: Host>(host: &'h H, arn: &'h ExecutionArn, mut waiting: Waiting<'h>) -> Result<Drove, DriveError> {
    loop {
        match drive_loaded(host, arn, &mut waiting).await {
            // Somebody else moved it on: decide again from their state. What we wait for is still ours.
            Err(DriveError::Commit(CommitError::Conflict)) => {}
            Err(newer) if newer.is_newer() => {
                leave_behind(host, arn, &mut waiting).await?;
                return Err(newer);
            }
            driven => return driven,
        }
    }
}

/// A later release has moved the execution on, and goes on with it: what comes of the tasks that were begun here is posted.
async fn leave_behind<H: Host>(host: &H, arn: &ExecutionArn, waiting: &mut Waiting<'_>) -> Result<(), DriveError> {
    let leave_at = host.patience().leave_at.unwrap_or(Timestamp(i64::MAX));
    let mut tries = 0;
    loop {
        if !waiting.answered.is_empty() {
            match post_all(host, arn, to_entries(waiting.answered.clone())).await {
                Ok(()) => waiting.answered.clear(),
                // Nobody else knows what came of the tasks.
                Err(_) if tries < POSTS_MAX && host.clock().now() < leave_at => {
                    tries += 1;
                    host.sleep_until(leave_at.min(host.clock().now().plus(POSTS_AGAIN))).await;
                    continue;
                }
                Err(error) => return Err(error),
            }
        }
        // They are passed on with the lease that they have: this one cannot commit another.
        for later in waiting.later.drain(..) {
            host.tasks().pass_on(arn, &Later { until: later.held, ..later }).await?;
        }
        match select(waiting.answers.next(), std::pin::pin!(host.sleep_until(leave_at))).await {
            Either::Left((Some(answered), _)) => waiting.take(answered),
            Either::Left((None, _)) | Either::Right(((), _)) => return Ok(()),
        }
    }
}

/// Starts an execution at `now`: creates it, and takes it as far as it goes without a task. `Conflict` says that there is one of that
/// name.
///
/// # Errors
/// When the store or a queue fails. It may have been created all the same.
pub async fn start<H: Host>(
    host: &H,
    definition: &Arc<Definition>,
    start: Start,
    birth: Birth,
    now: Timestamp,
) -> Result<Drove, DriveError> {
    let arn = ExecutionArn(Arc::clone(&start.identity.execution_arn));
    let mut out = Output::default();
    let mut execution = Execution::start(definition, start, now, &mut out);
    find_missing_activities(host, definition, &mut execution).await?;
    let mut driver = Driver::new(host, &arn, definition, execution, birth);
    match driver.round(Vec::new(), Vec::new(), out, now, Role::Passing, false).await {
        Ok(round) => {
            // Whoever was woken has perhaps given up looking for it.
            if !driver.execution.status().is_final() && now.until(host.clock().now()) >= BORN_WITHIN / 2 {
                driver.wake_after().await?;
            }
            Ok(round.drove(&driver))
        }
        Err(DriveError::Commit(CommitError::Conflict)) => {
            // Whoever created it, and saw it end at once, is perhaps this one, and did not come so far as to close it.
            if let Some((ended, _)) = Driver::load(host, &arn).await?.filter(|(found, _)| found.execution.status().is_final()) {
                ended.close().await?;
            }
            Err(CommitError::Conflict.into())
        }
        Err(error) => Err(error),
    }
}

/// Runs an execution to its end in one go, on a store that keeps nothing: as Express executions are. `synchronous` says that somebody waits
/// for it.
///
/// # Errors
/// When a task can be neither done nor failed.
pub async fn run<H: Host>(
    host: &H,
    definition: &Arc<Definition>,
    start: Start,
    birth: Birth,
    synchronous: bool,
) -> Result<Execution, DriveError> {
    let arn = ExecutionArn(Arc::clone(&start.identity.execution_arn));
    let mut out = Output::default();
    let mut execution = Execution::start(definition, start, host.clock().now(), &mut out);
    if synchronous {
        execution.set_synchronous();
    }
    let mut driver = Driver::new(host, &arn, definition, execution, birth);
    let mut waiting = Waiting::default();
    driver.go(Vec::new(), out, &mut waiting).await?;
    Ok(driver.execution)
}

/// The execution of a checkpoint and its definition.
pub(crate) async fn restore<H: Host>(
    host: &H,
    birth: &Birth,
    checkpoint: &Checkpoint,
) -> Result<(Arc<Definition>, Execution), DriveError> {
    // Only what has ended has no frames. It can be told of whatever has become of its definition.
    if checkpoint.frames.is_empty() {
        return Ok((nothing(), Execution::restore_ended(checkpoint)?));
    }
    let definition = host.definition(&birth.revision).await?;
    let execution = Execution::restore(&definition, checkpoint)?;
    Ok((definition, execution))
}

/// A definition for executions that have ended: nobody asks it for anything.
pub(crate) fn nothing() -> Arc<Definition> {
    static NOTHING: OnceLock<Arc<Definition>> = OnceLock::new();
    let parse = || {
        let parsed = Definition::parse(r#"{"StartAt":"End","States":{"End":{"Type":"Succeed"}}}"#, &Options::default());
        Arc::new(parsed.expect("it is sound").definition)
    };
    Arc::clone(NOTHING.get_or_init(parse))
}

/// What a driver waits for.
#[derive(Default)]
struct Waiting<'h> {
    answers: FuturesUnordered<Answer<'h>>,
    /// What came and is not committed yet.
    answered: Vec<Happened>,
    /// What is to be passed on, and is not committed yet.
    later: Vec<Later>,
    /// Whether this driver has put the execution into the list of running ones, whatever has become of the commit.
    listed: bool,
    /// Whether somebody drove before who may have died.
    is_again: bool,
}

impl Waiting<'_> {
    fn take(&mut self, answered: Answered) {
        match answered {
            Answered::Happened(happened) => self.answered.extend(happened),
            Answered::Later(later) => self.later.push(later),
        }
    }

    /// Whether nothing has come that is to be committed.
    fn is_idle(&self) -> bool {
        self.answered.is_empty() && self.later.is_empty()
    }
}

/// Who drives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Somebody who starts tasks and waits for them.
    Driving {
        /// Whether it waits for tasks already.
        waits: bool,
        /// Whether it must begin nothing new.
        handing_over: bool,
    },
    /// Somebody with something else to do, who wakes a driver where there is one to be woken.
    Passing,
}

/// An execution being driven.
pub(crate) struct Driver<'h, H: Host> {
    host: &'h H,
    arn: &'h ExecutionArn,
    pub(crate) definition: Arc<Definition>,
    pub(crate) execution: Execution,
    place: Option<<H::Store as Store>::Place>,
    birth: Birth,
    pub(crate) ledger: Ledger,
    /// Whether it is stored.
    created: bool,
    /// Whether somebody drove before who may have died, and have put it into the list of running ones without anybody's knowing.
    is_again: bool,
}

/// What a round did. It is committed.
struct Round {
    progress: Progress,
    /// What to start now.
    #[expect(clippy::vec_box, reason = "they come boxed and go boxed")]
    starts: Vec<Box<StartTask>>,
    /// When to look again if nothing happens.
    look_at: Timestamp,
    /// Whether everything is arranged for the driver to leave.
    leaving: bool,
}

impl Round {
    fn drove<H: Host>(&self, driver: &Driver<'_, H>) -> Drove {
        if driver.execution.status().is_final() { Drove::Finished } else { Drove::Waiting(self.look_at) }
    }
}

async fn drive_loaded<'h, H: Host>(host: &'h H, arn: &'h ExecutionArn, waiting: &mut Waiting<'h>) -> Result<Drove, DriveError> {
    let Some((mut driver, inbox)) = Driver::load(host, arn).await? else { return Ok(Drove::Unknown) };
    // Whoever was faster does not know of it, and would leave it there.
    driver.ledger.listed |= waiting.listed;
    driver.is_again = waiting.is_again;
    let driven = driver.go(inbox, Output::default(), waiting).await;
    waiting.listed |= driver.ledger.listed;
    driven
}

/// Waits for an answer, or until then; where one has come, for others that come with it.
async fn wait<H: Host>(host: &H, waiting: &mut Waiting<'_>, until: Timestamp) {
    let mut until = until;
    while !waiting.answers.is_empty() || waiting.is_idle() {
        let sleep = std::pin::pin!(host.sleep_until(until));
        if waiting.answers.is_empty() {
            sleep.await;
            return;
        }
        match select(waiting.answers.next(), sleep).await {
            Either::Left((answered, _)) => {
                if waiting.is_idle() {
                    until = until.min(host.clock().now().plus(host.patience().linger));
                }
                answered.into_iter().for_each(|answered| waiting.take(answered));
            }
            Either::Right(((), _)) => return,
        }
    }
}

async fn find_missing_activities<H: Host>(host: &H, definition: &Definition, execution: &mut Execution) -> Result<(), StoreError> {
    let activities: Vec<Arc<str>> = definition.activities().cloned().collect();
    if !activities.is_empty() {
        execution.set_missing_activities(host.missing_activities(activities).await?);
    }
    Ok(())
}

impl<'h, H: Host> Driver<'h, H> {
    /// Drives an execution that is not stored yet.
    fn new(host: &'h H, arn: &'h ExecutionArn, definition: &Arc<Definition>, execution: Execution, birth: Birth) -> Self {
        let definition = Arc::clone(definition);
        Self { host, arn, definition, execution, place: None, birth, ledger: Ledger::default(), created: false, is_again: false }
    }

    pub(crate) async fn load(host: &'h H, arn: &'h ExecutionArn) -> Result<Option<(Self, Vec<InboxEntry>)>, DriveError> {
        let Some(loaded) = host.store().load(arn, host.clock().now()).await? else { return Ok(None) };
        let Loaded { place, birth, checkpoint, ledger, inbox } = loaded;
        let (definition, mut execution) = restore(host, &birth, &checkpoint).await?;
        find_missing_activities(host, &definition, &mut execution).await?;
        Ok(Some((
            Self { host, arn, definition, execution, place: Some(place), birth, ledger, created: true, is_again: false },
            inbox,
        )))
    }

    /// Applies what was posted, and then these, in one commit.
    pub(crate) async fn take(mut self, inbox: Vec<InboxEntry>, these: Vec<Happened>) -> Result<Delivered, DriveError> {
        let now = self.host.clock().now();
        let (mut keys, mut all) = (Vec::new(), Vec::new());
        for InboxEntry { key, happened } in inbox {
            keys.push(key);
            all.extend(happened);
        }
        // What is posted goes first; whether these change anything is asked of the execution before.
        let mut out = Output::default();
        let before = advance(&mut self.execution, &self.definition, all, now, Budget { steps: 0 }, &mut out);
        let count = these.len();
        let this = advance(&mut self.execution, &self.definition, these, now, Budget { steps: 0 }, &mut out);
        let delivered = if this.ignored == count { Delivered::Ignored } else { Delivered::Applied };
        // What has ended is perhaps not closed, and whoever could go on perhaps not woken, when this was delivered before: then a round
        // makes up for it, and commits nothing.
        let is_settled = !self.execution.status().is_final() && !self.execution.is_ready() && !self.has_unstarted();
        if delivered == Delivered::Ignored && keys.is_empty() && !before.changed && is_settled {
            return Ok(delivered);
        }
        let changed = before.changed || this.changed;
        self.round(Vec::new(), keys, out, now, Role::Passing, changed).await?;
        Ok(delivered)
    }

    /// Goes on until the execution has ended, or nothing is left to do or wait for. `out` is what came of starting it.
    async fn go(&mut self, inbox: Vec<InboxEntry>, out: Output, waiting: &mut Waiting<'h>) -> Result<Drove, DriveError> {
        let (mut inbox, mut out) = (inbox, out);
        loop {
            let now = self.host.clock().now();
            let (mut keys, mut happened) = (Vec::new(), waiting.answered.clone());
            for entry in std::mem::take(&mut inbox) {
                keys.push(entry.key);
                happened.extend(entry.happened);
            }
            let given_up = self.given_up(now, &happened);
            happened.extend(given_up);
            let handing_over = self.host.patience().begin_until.is_some_and(|until| until <= now);
            let role = Role::Driving { waits: !waiting.answers.is_empty(), handing_over };
            let is_passed_on = self.give_back(&waiting.later);
            let round = self.round(happened, keys, std::mem::take(&mut out), now, role, is_passed_on).await?;
            waiting.answered.clear();
            for later in waiting.later.drain(..) {
                if self.ledger.leases.get(&later.task) == Some(&later.until.0) {
                    self.host.tasks().pass_on(self.arn, &later).await?;
                }
            }
            for task in round.starts {
                let lease = self.ledger.leases.get(&task.task).map_or(now, |until| Timestamp(*until));
                waiting.answers.extend(self.host.tasks().start(self.execution.identity(), task, lease).await?);
            }
            match round.progress {
                Progress::Finished => return Ok(Drove::Finished),
                _ if round.leaving && handing_over => return Ok(Drove::HandedOver),
                _ if round.leaving => return Ok(Drove::Waiting(round.look_at)),
                Progress::Advanced if !handing_over => {}
                Progress::Advanced | Progress::Blocked => {
                    let leave_at = self.host.patience().leave_at;
                    if leave_at.is_some_and(|leave_at| leave_at <= self.host.clock().now()) {
                        return Ok(Drove::Unfinished);
                    }
                    // Who hands over begins nothing, whatever has become due: it waits for what it has begun.
                    let until = match leave_at {
                        Some(leave_at) if handing_over => leave_at,
                        Some(leave_at) => leave_at.min(round.look_at),
                        None => round.look_at,
                    };
                    wait(self.host, waiting, until).await;
                }
            }
        }
    }

    /// Notes the leases of tasks that are passed on because they could not be begun; whether there are any.
    fn give_back(&mut self, passed_on: &[Later]) -> bool {
        let mut any = false;
        for later in passed_on {
            if let Some(until) = self.ledger.leases.get_mut(&later.task).filter(|until| **until == later.held.0) {
                *until = later.until.0;
                any = true;
            }
        }
        any
    }

    /// Tasks whose starter has died and that must not run twice. Of those in `happened` somebody has told what came of them.
    fn given_up(&self, now: Timestamp, happened: &[Happened]) -> Vec<Happened> {
        if self.ledger.leases.values().all(|until| is_held(*until, now)) {
            return Vec::new();
        }
        let outstanding = self.execution.outstanding(&self.definition);
        let died = outstanding.iter().filter_map(|command| match command {
            Command::StartTask(task) => {
                let until = self.ledger.leases.get(&task.task)?;
                let is_known = happened.iter().any(|happened| task_of(&happened.event) == Some(task.task));
                (!is_known && !is_held(*until, now) && self.host.tasks().after_crash(task) == AfterCrash::Fail).then_some(task.task)
            }
            Command::CancelTask { .. } => None,
        });
        let error = || ErrorDetails {
            error: Some("States.TaskFailed".into()),
            cause: Some(
                "Whoever ran the task ended before it was known what came of it; it is set to fail then, not to run again".into(),
            ),
        };
        died.map(|task| Happened { at: now, event: Event::TaskFailed { task, stage: FailedStage::Running, error: error() } })
            .collect()
    }

    /// One round: applies, goes on, arranges what must be arranged before the commit, commits, and clears up after it.
    async fn round(
        &mut self,
        happened: Vec<Happened>,
        consumed: Vec<Arc<str>>,
        mut out: Output,
        now: Timestamp,
        role: Role,
        changed: bool,
    ) -> Result<Round, DriveError> {
        let budget = match role {
            Role::Driving { handing_over: true, .. } => Budget { steps: 0 },
            Role::Driving { .. } | Role::Passing => self.host.budget(),
        };
        let (mut progress, advanced) = self.advance(happened, now, budget, &mut out);
        if progress == Progress::Advanced && !self.execution.is_ready() {
            progress = Progress::Blocked;
        }
        let (before, was_created) = (self.ledger.clone(), self.created);
        let starts = self.take_leases(now, role).await;
        let look_at = self.look_at();
        let leaving = self.is_leaving(progress, &starts, look_at, now, role);
        for task in &starts {
            self.host.tasks().prepare(self.execution.identity(), task, now).await?;
        }
        if leaving {
            self.arrange(&before, progress, look_at, now, role).await?;
        }
        // Whoever ends it must know of its place in the list. It is there, perhaps; now it is for certain.
        if self.is_again && !self.ledger.listed && progress != Progress::Finished {
            self.enlist(now, now).await?;
        }
        if changed || advanced || !self.created || !consumed.is_empty() || self.ledger != before {
            self.commit(&out.events, &consumed, now).await?;
            self.host.recorded(&self.execution, &self.birth, &out.events).await;
            if !was_created {
                self.host.status_changed(&self.execution, &self.birth, false).await;
            }
            if progress == Progress::Finished && (changed || advanced || !was_created) {
                self.host.status_changed(&self.execution, &self.birth, true).await;
            }
        }
        if leaving && progress != Progress::Finished && was_created && self.leaves_work(progress) {
            self.wake_after().await?;
        }
        // As long as the reminder is there somebody looks, and closes what is not closed.
        if progress == Progress::Finished {
            self.close().await?;
        }
        if let Some(old) = before.reminder.filter(|old| self.ledger.reminder != Some(*old)) {
            // One too many does no harm: who looks finds it stale.
            let _ = self.host.store().forget(self.arn, Timestamp(old)).await;
        }
        for command in out.commands {
            if let Command::CancelTask { task } = command {
                self.host.tasks().cancel(self.execution.identity(), task).await?;
            }
        }
        Ok(Round { progress, starts, look_at, leaving })
    }

    /// [Advances](advance) the execution, a few steps at a time, as far as the budget, time and memory allow. How far it is, and whether it
    /// is another than before.
    fn advance(&mut self, happened: Vec<Happened>, now: Timestamp, budget: Budget, out: &mut Output) -> (Progress, bool) {
        let until = self.host.clock().now().plus(ROUND_WITHIN);
        let some = |left: usize| Budget { steps: left.min(STEPS_AT_ONCE) };
        let Advanced { mut progress, mut changed, .. } =
            advance(&mut self.execution, &self.definition, happened, now, some(budget.steps), out);
        let (mut left, mut counted, mut bytes) = (budget.steps.saturating_sub(STEPS_AT_ONCE), 0, 0);
        while progress == Progress::Advanced && left > 0 && self.host.clock().now() < until {
            let payloads = self.execution.unsaved_payloads();
            bytes += payloads.iter().skip(counted).map(|payload| payload.document().bytes()).sum::<usize>();
            counted = payloads.len();
            if bytes >= ROUND_BYTES {
                break;
            }
            let (went_on, advanced) = go_on(&mut self.execution, &self.definition, now, some(left), out);
            (progress, changed) = (went_on, changed || advanced);
            left = left.saturating_sub(STEPS_AT_ONCE);
        }
        (progress, changed)
    }

    /// Notes who starts what: gives what to start, and forgets the leases of tasks that have begun or are gone.
    async fn take_leases(&mut self, now: Timestamp, role: Role) -> Vec<Box<StartTask>> {
        let mut starts = Vec::new();
        let mut leases = std::collections::BTreeMap::new();
        for command in self.execution.outstanding(&self.definition) {
            let Command::StartTask(task) = command else { continue };
            match (self.ledger.leases.get(&task.task).copied(), role) {
                (Some(until), _) if is_held(until, now) => {
                    leases.insert(task.task, until);
                }
                (_, Role::Driving { handing_over: false, .. }) => {
                    self.host.tasks().learn(&task).await;
                    leases.insert(task.task, self.host.tasks().lease(&task, now).0);
                    starts.push(task);
                }
                // That somebody died over it must not be forgotten.
                (Some(until), _) => {
                    leases.insert(task.task, until);
                }
                (None, _) => {}
            }
        }
        self.ledger.leases = leases;
        starts
    }

    /// When to look again if nothing happens: at the deadline, or when whoever is to start a task has not.
    fn look_at(&self) -> Timestamp {
        let lease = self.ledger.leases.values().min().map(|until| Timestamp(*until).plus(SKEW).plus_millis(1));
        let deadline = self.execution.deadline();
        [lease, deadline].into_iter().flatten().min().unwrap_or(Timestamp(i64::MAX))
    }

    fn is_leaving(&self, progress: Progress, starts: &[Box<StartTask>], look_at: Timestamp, now: Timestamp, role: Role) -> bool {
        match (progress, role) {
            (Progress::Finished, _) | (_, Role::Passing) => true,
            (_, Role::Driving { waits, handing_over: true }) => !waits,
            (Progress::Advanced, Role::Driving { .. }) => false,
            (Progress::Blocked, Role::Driving { waits, .. }) => {
                let waits = waits || starts.iter().any(|task| self.host.tasks().is_waited_for(task));
                let patience = self.host.patience();
                let pause = now.plus(patience.pause);
                let rests = look_at <= pause && patience.leave_at.is_none_or(|leave_at| look_at < leave_at);
                !waits && !rests
            }
        }
    }

    /// What must be there before the commit that counts on it: the place in the list, a reminder, a wake-up.
    async fn arrange(
        &mut self,
        before: &Ledger,
        progress: Progress,
        look_at: Timestamp,
        now: Timestamp,
        role: Role,
    ) -> Result<(), DriveError> {
        if progress == Progress::Finished {
            (self.ledger.reminder, self.ledger.look_at) = (None, None);
            return Ok(());
        }
        // What stands in a list must be there: a new execution is left to a driver in any case.
        if self.leaves_work(progress) || !self.created {
            return self.wake_before(role, now).await;
        }
        let ahead = now.until(look_at);
        let farthest = now.plus(REMINDER_AHEAD_MAX);
        let at = match ahead <= WAKE_AHEAD_MAX {
            true => look_at.max(now).plus(REMINDER_BEHIND),
            false => look_at.min(farthest).minus(REMINDER_BEFORE),
        };
        let near = now.plus(NEAR);
        let reminder = self.reminder(at, now);
        (self.ledger.reminder, self.ledger.look_at) = match (before.reminder, before.look_at) {
            // Whoever looks in between need not move it.
            (Some(stands), _) if look_at > farthest && stands > now.plus(WAKE_AHEAD_MAX).0 => (Some(stands), None),
            (Some(stands), _) if stands.div_euclid(1000) == reminder.0.div_euclid(1000) => (Some(stands), None),
            _ if at <= near => (Some(reminder.0), None),
            // Whoever reads the list may have put it off already.
            (None, Some(place)) if place <= near.0 => (Some(reminder.0), None),
            // Who looks too early sees for how long there is nothing to do.
            (None, Some(place)) if place <= at.0 => (None, Some(place)),
            _ => (None, Some(at.0)),
        };
        if let Some(reminder) = self.ledger.reminder.filter(|reminder| before.reminder != Some(*reminder)) {
            self.host.store().remind(self.arn, Timestamp(reminder)).await?;
            if ahead <= WAKE_AHEAD_MAX {
                self.host.wakes().wake(self.arn, ahead).await?;
            }
        }
        if !self.ledger.listed || self.ledger.look_at.is_some_and(|place| before.look_at != Some(place)) {
            self.enlist(at, now).await?;
        }
        Ok(())
    }

    /// Puts it into the list of running executions, to be looked at a day after `at` where it does not say when.
    async fn enlist(&mut self, at: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        let look_at = self.ledger.look_at.map_or_else(|| at.plus(SEEN_AGAIN), Timestamp);
        self.host.store().enlist(&self.execution, &self.birth, look_at, now).await?;
        self.ledger.listed = true;
        Ok(())
    }

    /// The reminder for `at`: no two of an execution have the same time, or the deletion of an earlier one that comes late would hit it.
    fn reminder(&self, at: Timestamp, now: Timestamp) -> Timestamp {
        let seconds = at.0.saturating_add(999).div_euclid(1000);
        let one_of_a_thousand = now.0.wrapping_add_unsigned(self.execution.history_events().wrapping_mul(61)).rem_euclid(1000);
        Timestamp(seconds.saturating_mul(1000).saturating_add(one_of_a_thousand))
    }

    /// Puts an execution that has ended where it belongs in the lists.
    async fn close(&self) -> Result<(), StoreError> {
        let at = self.execution.last_event_at();
        let listed = self.ledger.listed || self.is_again;
        self.host.store().close(&self.execution, &self.birth, listed, at).await
    }

    /// Whether somebody else can go on at once: who passes by, or has no time left, leaves that to a driver.
    fn leaves_work(&self, progress: Progress) -> bool {
        progress == Progress::Advanced || self.has_unstarted()
    }

    /// Sees to it that somebody goes on although this one should die as soon as it has committed. Whoever is woken at once looks before
    /// the commit, most likely: that one wakes again who has committed ([`Self::wake_after`]).
    async fn wake_before(&self, role: Role, now: Timestamp) -> Result<(), DriveError> {
        let after = match role {
            // The message that a driver was woken by stays until it has left.
            Role::Driving { .. } => return Ok(()),
            // Where there is no execution yet, whoever is woken looks again.
            Role::Passing if !self.created => Duration::ZERO,
            Role::Passing => {
                let leave_at = self.host.patience().leave_at.map_or(PASSES_WITHIN, |at| now.until(at));
                leave_at.saturating_add(SKEW).min(WAKE_AHEAD_MAX)
            }
        };
        Ok(self.host.wakes().wake(self.arn, after).await?)
    }

    /// Wakes somebody to go on, now that there is something to go on with.
    async fn wake_after(&self) -> Result<(), DriveError> {
        Ok(self.host.wakes().wake(self.arn, Duration::ZERO).await?)
    }

    /// Whether there are tasks that nobody is about to start.
    fn has_unstarted(&self) -> bool {
        let outstanding = self.execution.outstanding(&self.definition);
        outstanding.iter().any(|command| !self.ledger.leases.contains_key(&command.task()))
    }

    pub(crate) async fn commit(
        &mut self,
        events: &[HistoryEvent],
        consumed: &[Arc<str>],
        now: Timestamp,
    ) -> Result<(), DriveError> {
        if !self.created && now.until(self.host.clock().now()) >= BORN_WITHIN {
            return Err(
                StoreError::Unavailable("whoever was woken to go on has given up looking for the execution".to_owned()).into()
            );
        }
        let changes = self.execution.take_changes(&self.definition);
        let (execution, definition) = (&self.execution, &self.definition);
        let commit = Commit {
            birth: (!self.created).then_some(&self.birth),
            execution,
            changes,
            checkpoint: &|| execution.checkpoint(definition),
            states: execution.active_states(definition).into_iter().cloned().collect(),
            events,
            consumed,
            ledger: &self.ledger,
            now,
        };
        self.place = Some(self.host.store().commit(self.arn, self.place.take(), commit).await?);
        self.created = true;
        Ok(())
    }
}

/// Whether a lease may still be somebody's.
fn is_held(until: i64, now: Timestamp) -> bool {
    now <= Timestamp(until).plus(SKEW)
}
