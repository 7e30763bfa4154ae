//! Who does tasks: the driver itself where a task is certainly over soon, another function where it takes long.

mod queue;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use statewright_engine::{AfterCrash, Answer, Clock, Happened, QueueError, Tasks};
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
/// How long what is known of a function counts.
const KNOWN_FOR: Duration = Duration::from_secs(300);
/// How long a function may run of which nothing is known: the most there is.
///
/// Source: Lambda developer guide, "Lambda quotas".
const FUNCTION_SECONDS_MAX: u32 = 900;
/// What the way to a function and back takes at most.
const WAY: Duration = Duration::from_secs(2);
/// The first pause before a function is called again that had no room; doubled each time, up to the longest.
const PAUSE: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(10);

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

    /// Does a task, and gives what happened: that it was started, and what came of it. Nothing when it could not be tried until the
    /// invocation's end.
    pub async fn run(&self, execution: &Identity, start: &StartTask) -> Vec<Happened> {
        let task = Task::from(start);
        let begun = TokioTimer.now();
        let started = Happened { at: begun, event: Event::TaskStarted { task: task.id, worker_name: None } };
        let now = |event: Event| Happened { at: TokioTimer.now(), event };
        let role_arn = match self.role(execution) {
            Ok(role) => role,
            Err(error) => return vec![now(Event::TaskFailed { task: task.id, stage: FailedStage::Starting, error })],
        };
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
                        return vec![started, now(event)];
                    }
                }
                Ok(Outcome::Throttled { after, event }) => (after.unwrap_or(pause).max(pause), Some(event)),
                Ok(Outcome::TimedOut) => return vec![started],
                Err(CallError::Task(error)) => return error.event(&task).map(now).into_iter().collect(),
                Err(error) => {
                    log::error("a task could not be tried", &[("execution", &execution.execution_arn), ("error", &error)]);
                    (pause, None)
                }
            };
            if TokioTimer.now().plus(again_after).plus(self.longest(&task)) > self.end() {
                // There is no time left for it.
                return otherwise.map(|event| vec![started, now(event)]).unwrap_or_default();
            }
            tokio::time::sleep(again_after).await;
            pause = pause.saturating_mul(2).min(PAUSE_MAX);
        }
    }

    /// Has the job looked at that a task has just submitted and waits for.
    async fn watch(&self, execution: &Identity, start: &StartTask, event: &Event) -> Result<(), QueueError> {
        let Event::TaskSubmitted { output, .. } = event else { return Ok(()) };
        if !matches!(start.resource.pattern(), Pattern::Sync | Pattern::Sync2) {
            return Ok(());
        }
        let Some(job) = nested::execution_arn(output) else { return Ok(()) };
        let look =
            TaskMessage::Look { execution: execution.execution_arn.to_string(), task: start.task.0, job: job.to_owned(), looks: 0 };
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
        let seconds = match tokio::time::timeout(WAY, asked).await {
            Ok(Ok(Ok(response))) => lambda::timeout_seconds(&response),
            Ok(Ok(Err(_)) | Err(_)) | Err(_) => None,
        };
        if seconds.is_none() {
            log::warn(
                "it is not known for how long a function may run, so its tasks are passed on: allow lambda:GetFunctionConfiguration, \
                 or give the task a TimeoutSeconds",
                &[("function", &function)],
            );
        }
        let until = now.plus(KNOWN_FOR);
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        limits.insert(function.into(), (seconds.unwrap_or(FUNCTION_SECONDS_MAX), until));
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
            return Ok(Some(Box::pin(async move { self.run(&execution, &task).await })));
        }
        let message = TaskMessage::Run { execution: execution.execution_arn.to_string(), task: task.task.0, lease: lease.0 };
        self.queue.send(&message, Duration::ZERO).await?;
        Ok(None)
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
