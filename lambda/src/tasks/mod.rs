//! Who does tasks: the driver itself where a task is certainly over soon, another function where it takes long.

mod queue;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use statewright_engine::{AfterCrash, Answer, Answered, Clock, ExecutionArn, Happened, Later, QueueError, Tasks};
use statewright_integrations::caller::{CallError, Caller};
use statewright_integrations::{Origin, Outcome, Task, TransportError, lambda, nested, outcome};
use statewright_interpreter::command::StartTask;
use statewright_interpreter::definition::Pattern;
use statewright_interpreter::event::{Event, FailedStage, TaskId};
use statewright_interpreter::execution::Identity;
use statewright_interpreter::history::ErrorDetails;
use statewright_interpreter::time::Timestamp;

pub use queue::{TaskMessage, TaskQueue};

use crate::clock::TokioTimer;
use crate::log;
use crate::pattern::Patterns;

/// A task that was passed on has been taken over after this, or its message counts as lost.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(15 * 60);
/// How long what is known of a function counts, and that nothing may be known of it.
const KNOWN_FOR: Duration = Duration::from_secs(300);
/// After this somebody asks again who was told nothing: Lambda answers only so many questions a second.
const UNKNOWN_FOR: Duration = Duration::from_secs(10);
/// How long a function may run of which nothing is known: the most there is.
///
/// Source: Lambda developer guide, "Lambda quotas".
const FUNCTION_SECONDS_MAX: u32 = 900;
/// The status of an answer that another time is another one.
const TOO_MANY_REQUESTS: u16 = 429;
/// What the way to a function and back takes at most.
const WAY: Duration = Duration::from_secs(2);
/// The first pause before a function is called again that had no room; doubled each time, up to the longest.
const PAUSE: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// The function that does tasks calls a function again for which it has at least this time left. One of which nothing is known, or that may
/// run for longer, would find no more in another invocation, but for the half-minute before.
const ENOUGH: Duration = Duration::from_secs(870);
/// The pause before a task is tried again that is passed on: half as long as it was in vain, or as it has time, within these.
const PASSED_ON_AFTER: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));
/// For so long a function that has no room is called again, unless its task has less time.
///
/// Source: as long as Lambda keeps an asynchronous invocation; Lambda developer guide, "How Lambda handles errors and retries with
/// asynchronous invocation".
const NO_ROOM_FOR: Duration = Duration::from_secs(6 * 3600);

/// How tasks are done.
#[derive(Clone, Debug)]
pub struct Policy {
    /// A task that is certainly over after this is waited for by its driver.
    pub wait: Duration,
    /// Whether every task is waited for: where there is nobody to pass one on to.
    pub waits_for_all: bool,
    /// The roles that state machines may run under. Without any, tasks are called in the host's own name.
    pub roles: Patterns,
    /// What becomes of a task whose starter died, if no pattern says otherwise.
    pub after_crash: AfterCrash,
    /// Tasks that are never done twice.
    pub fail: Patterns,
    /// Tasks that may be done twice.
    pub repeat: Patterns,
}

/// What came of trying to do a task.
#[derive(Debug)]
pub enum Tried {
    /// This has happened. Nothing at all: somebody else does it.
    Happened(Vec<Happened>),
    /// It was not begun, and there is no time left to try it again in this invocation.
    Later {
        /// Since when.
        since: Timestamp,
        /// After what time it is to be tried again.
        after: Duration,
    },
}

/// Does tasks by calling who does them.
#[derive(Debug)]
pub struct Called<Q> {
    caller: Caller,
    queue: Q,
    policy: Policy,
    /// For how many seconds functions may run, and until when that is known.
    limits: Mutex<HashMap<Arc<str>, (u32, Timestamp)>>,
    /// When the present invocation must have ended, in milliseconds since the epoch.
    ends_at: AtomicI64,
}

impl<Q: TaskQueue> Called<Q> {
    /// Does tasks with `caller`, and passes those that take long to `queue`.
    pub fn new(caller: Caller, queue: Q, policy: Policy) -> Self {
        Self { caller, queue, policy, limits: Mutex::default(), ends_at: AtomicI64::new(0) }
    }

    /// Until when the present invocation may wait for tasks.
    pub fn set_end(&self, end: Timestamp) {
        self.ends_at.store(end.0, Ordering::Relaxed);
    }

    /// Until when the present invocation may wait for tasks.
    pub fn end(&self) -> Timestamp {
        Timestamp(self.ends_at.load(Ordering::Relaxed))
    }

    /// Who sends requests.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The queue of tasks that take long.
    pub fn queue(&self) -> &Q {
        &self.queue
    }

    /// Whether state machines may run under a role. Where there is no list of roles, theirs are not used at all.
    pub fn allows_role(&self, role_arn: &str) -> bool {
        self.policy.roles.is_empty() || self.policy.roles.matches(role_arn)
    }

    /// For how long a call may last.
    fn longest(&self, task: &Task) -> Duration {
        let own = task.timeout_seconds.map(|seconds| Duration::from_secs(seconds.into()));
        let service = match lambda::function(task) {
            Some(function) => {
                let limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
                let seconds = limits.get(function).map_or(FUNCTION_SECONDS_MAX, |known| known.0);
                Duration::from_secs(seconds.into()).saturating_add(WAY)
            }
            // The caller gives up on any other service after the same time.
            None => self.policy.wait,
        };
        own.map_or(service, |own| own.min(service))
    }

    /// How much time there must be left to call who does a task again.
    fn enough(&self, task: &Task) -> Duration {
        // An execution that nobody else could go on with takes the chance that it is over soon.
        let enough = if self.policy.waits_for_all { self.policy.wait.saturating_add(WAY) } else { ENOUGH };
        self.longest(task).min(enough)
    }

    /// The role that a task of `execution` is called under; `Err` says why it may not be called at all.
    fn role<'i>(&self, execution: &'i Identity) -> Result<Option<&'i str>, ErrorDetails> {
        if self.policy.roles.is_empty() {
            return Ok(None);
        }
        let role = &*execution.role_arn;
        if self.allows_role(role) {
            return Ok(Some(role));
        }
        let cause = format!("The role {role} is not among those that state machines of this deployment may run under");
        Err(ErrorDetails { error: Some("States.Permissions".into()), cause: Some(cause.into()) })
    }

    /// Does a task, and gives what happened: that it was started, and what came of it. Whoever has no room, or cannot be reached, is called
    /// again as long as the invocation has time for it; then the task is for later, unless nobody else could do it. `since` says
    /// since when it could not be begun, if others have tried.
    pub async fn run(&self, execution: &Identity, start: &StartTask, since: Option<Timestamp>) -> Tried {
        let task = Task::from(start);
        let begun = TokioTimer.now();
        let since = since.unwrap_or(begun);
        // Its time counts from the first attempt. A heartbeat is expected of who was called, and not before.
        let started_at = if start.heartbeat_seconds.is_some() { begun } else { since };
        let started = Happened { at: started_at, event: Event::TaskStarted { task: task.id, worker_name: None } };
        let now = |event: Event| Happened { at: TokioTimer.now(), event };
        let over_at = task.timeout_seconds.map(|seconds| since.plus_seconds(seconds.into()));
        let called_until = over_at.unwrap_or(Timestamp(i64::MAX)).min(since.plus(NO_ROOM_FOR));
        let role_arn = match self.role(execution) {
            Ok(role) => role,
            Err(error) => {
                return Tried::Happened(vec![now(Event::TaskFailed { task: task.id, stage: FailedStage::Starting, error })]);
            }
        };
        if over_at.is_some_and(|over_at| over_at <= begun) {
            return Tried::Happened(vec![Happened { at: since, ..started }]);
        }
        let origin = Origin { state_machine_arn: &execution.state_machine_arn, execution_arn: &execution.execution_arn, role_arn };
        let mut pause = PAUSE;
        loop {
            // Who outlasts the invocation is given up like a call whose answer is lost.
            let left = TokioTimer.now().until(self.end());
            let ran = tokio::time::timeout(left, self.caller.run(&task, &origin)).await;
            let ran = ran.unwrap_or_else(|_| Ok(outcome(&task, &Err(TransportError::TimedOut))));
            let (again_after, otherwise) = match ran {
                Ok(Outcome::Event(event)) => {
                    if let Err(error) = self.watch(execution, start, &event).await {
                        // The start of a job is repeated under the same name, and finds itself.
                        log::warn("a job is not watched yet", &[("execution", &execution.execution_arn), ("error", &error)]);
                        (pause, None)
                    } else {
                        return Tried::Happened(vec![started, now(event)]);
                    }
                }
                Ok(Outcome::Throttled { after, event }) => (after.unwrap_or(pause).max(pause), Some(event)),
                Ok(Outcome::TimedOut) => return Tried::Happened(vec![started]),
                Err(CallError::Task(error)) => return Tried::Happened(error.event(&task).map(now).into_iter().collect()),
                Err(error) => {
                    log::error("a task could not be tried", &[("execution", &execution.execution_arn), ("error", &error)]);
                    (pause, None)
                }
            };
            let at = TokioTimer.now();
            let is_too_late = at.plus(again_after).plus(self.enough(&task)) > self.end();
            let is_passed_on = is_too_late && !self.policy.waits_for_all;
            let again_after =
                if is_passed_on { again_after.max(pause_before_passing_on(since, at, called_until)) } else { again_after };
            let again_at = at.plus(again_after);
            match otherwise {
                // Its own time, or that of everybody, is over before anybody could be called again.
                Some(event) if again_at >= called_until => return Tried::Happened(vec![started, now(event)]),
                None if over_at.is_some_and(|over_at| over_at <= again_at) => return Tried::Happened(vec![started]),
                _ if is_passed_on => return Tried::Later { since, after: again_after },
                // Nobody else does it.
                Some(event) if is_too_late => return Tried::Happened(vec![started, now(event)]),
                None if is_too_late => return Tried::Happened(Vec::new()),
                Some(_) | None => {}
            }
            tokio::time::sleep(again_after).await;
            pause = pause.saturating_mul(2).min(PAUSE_MAX);
        }
    }

    /// Has the job looked at that a task has just submitted and waits for.
    async fn watch(&self, execution: &Identity, start: &StartTask, event: &Event) -> Result<(), QueueError> {
        let Event::TaskSubmitted { output, .. } = event else { return Ok(()) };
        let job = nested::execution_arn(output).map(ToOwned::to_owned);
        self.send_look(execution, start, job).await
    }

    /// Sends the first look at the job of a task that waits for one.
    async fn send_look(&self, execution: &Identity, start: &StartTask, job: Option<String>) -> Result<(), QueueError> {
        let Some(job) = job.filter(|_| matches!(start.resource.pattern(), Pattern::Sync | Pattern::Sync2)) else { return Ok(()) };
        let look = TaskMessage::Look { execution: execution.execution_arn.to_string(), task: start.task.0, job, looks: 0 };
        self.queue.send(&look, look.pause()).await
    }

    /// Looks at the job of a task. `None`: it goes on.
    ///
    /// # Errors
    /// When nobody could be asked.
    pub async fn look(&self, execution: &Identity, start: &StartTask, job: &str) -> Result<Option<Happened>, CallError> {
        let task = Task::from(start);
        let ended = self.caller.ended(&task, &self.origin(execution), job).await?;
        Ok(ended.map(|event| Happened { at: TokioTimer.now(), event }))
    }

    /// Stops a job whose result is not wanted any more.
    ///
    /// # Errors
    /// When nobody could be asked.
    pub async fn stop(&self, job: &str) -> Result<(), CallError> {
        self.caller.send(&nested::stop(job), []).await.map(drop)
    }

    fn origin<'i>(&self, execution: &'i Identity) -> Origin<'i> {
        Origin {
            state_machine_arn: &execution.state_machine_arn,
            execution_arn: &execution.execution_arn,
            role_arn: self.role(execution).ok().flatten(),
        }
    }
}

/// The pause before a task is tried again that is passed on at `now`, and was tried in vain since then; it may be called until the last.
fn pause_before_passing_on(since: Timestamp, now: Timestamp, called_until: Timestamp) -> Duration {
    let (shortest, longest) = PASSED_ON_AFTER;
    // Who could not even be reached is tried for longer.
    let left = if now < called_until { now.until(called_until) } else { 2 * longest };
    (since.until(now).min(left) / 2).clamp(shortest, longest)
}

/// A task that could not be begun by who holds it, as it is passed on.
pub(crate) fn later(task: TaskId, held: Timestamp, since: Timestamp, after: Duration) -> Later {
    Later { task, held, until: TokioTimer.now().plus(after).plus(TAKEN_OVER_WITHIN), since, after }
}

/// The name of a function that is given as an ARN: a definition may name it either way.
fn bare(function: &str) -> Option<&str> {
    function.split_once(":function:").and_then(|(_, name)| name.split(':').next())
}

impl<Q: TaskQueue> Tasks for Called<Q> {
    /// For how long its function may run.
    async fn learn(&self, start: &StartTask) {
        if self.policy.waits_for_all {
            return;
        }
        let task = Task::from(start);
        let Some(function) = lambda::function(&task) else { return };
        let now = TokioTimer.now();
        let is_short = task.timeout_seconds.is_some_and(|seconds| Duration::from_secs(seconds.into()) <= self.policy.wait);
        let is_known = || {
            let limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
            limits.get(function).is_some_and(|known| known.1 > now)
        };
        if is_short || is_known() {
            return;
        }
        let request = lambda::configuration(function);
        let asked = self.caller.send(&request, []);
        let (seconds, is_refused) = match tokio::time::timeout(WAY, asked).await {
            Ok(Ok(Ok(response))) => {
                (lambda::timeout_seconds(&response), (400..500).contains(&response.status) && response.status != TOO_MANY_REQUESTS)
            }
            Ok(Ok(Err(_)) | Err(_)) | Err(_) => (None, false),
        };
        if is_refused {
            log::warn(
                "it is not known for how long a function may run, so its tasks are passed on: allow lambda:GetFunctionConfiguration, \
                 or give the task a TimeoutSeconds",
                &[("function", &function)],
            );
        }
        let until = now.plus(if seconds.is_some() || is_refused { KNOWN_FOR } else { UNKNOWN_FOR });
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        let last = limits.get(function).map(|known| known.0);
        limits.insert(function.into(), (seconds.or(last).unwrap_or(FUNCTION_SECONDS_MAX), until));
    }

    fn is_waited_for(&self, task: &StartTask) -> bool {
        self.policy.waits_for_all || self.longest(&Task::from(task)) <= self.policy.wait.saturating_add(WAY)
    }

    fn lease(&self, task: &StartTask, now: Timestamp) -> Timestamp {
        match self.is_waited_for(task) {
            true => self.end().max(now),
            false => now.plus(TAKEN_OVER_WITHIN),
        }
    }

    async fn start<'t>(
        &'t self,
        execution: &Identity,
        task: Box<StartTask>,
        lease: Timestamp,
    ) -> Result<Option<Answer<'t>>, QueueError> {
        if self.is_waited_for(&task) {
            let execution = execution.clone();
            return Ok(Some(Box::pin(async move {
                match self.run(&execution, &task, None).await {
                    Tried::Happened(happened) => Answered::Happened(happened),
                    Tried::Later { since, after } => Answered::Later(later(task.task, lease, since, after)),
                }
            })));
        }
        let execution = execution.execution_arn.to_string();
        let message = TaskMessage::Run { execution, task: task.task.0, lease: lease.0, since: None };
        self.queue.send(&message, Duration::ZERO).await?;
        Ok(None)
    }

    async fn pass_on(&self, execution: &ExecutionArn, later: &Later) -> Result<(), QueueError> {
        let Later { task, until, since, after, held: _ } = *later;
        let (execution, task) = (execution.to_string(), task.0);
        self.queue.send(&TaskMessage::Run { execution, task, lease: until.0, since: Some(since.0) }, after).await
    }

    async fn look_again(&self, execution: &Identity, task: &StartTask) -> Result<(), QueueError> {
        self.send_look(execution, task, nested::job(&Task::from(task), &self.origin(execution))).await
    }

    /// Whoever looks at a job finds that its task is gone, and stops it.
    async fn cancel(&self, _execution: &Identity, _task: TaskId) -> Result<(), QueueError> {
        Ok(())
    }

    fn after_crash(&self, start: &StartTask) -> AfterCrash {
        let task = Task::from(start);
        let function = lambda::function(&task);
        let names = [function, function.and_then(bare), Some(start.resource.arn()), Some(&*start.state)];
        let is_among = |patterns: &Patterns| names.into_iter().flatten().any(|name| patterns.matches(name));
        if is_among(&self.policy.fail) {
            AfterCrash::Fail
        } else if is_among(&self.policy.repeat) {
            AfterCrash::Repeat
        } else {
            self.policy.after_crash
        }
    }
}

#[cfg(test)]
mod tests {
    use super::bare;

    #[test]
    fn a_function_is_known_by_its_name_too() {
        assert_eq!(bare("arn:aws:lambda:us-east-1:123456789012:function:charge"), Some("charge"));
        assert_eq!(bare("arn:aws:lambda:us-east-1:123456789012:function:charge:live"), Some("charge"));
        assert_eq!(bare("charge"), None);
    }
}
