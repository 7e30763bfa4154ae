//! An execution: a value that takes events and time, and gives history events and commands.
//!
//! ```text
//! start → poll until Blocked → { handle an event | handle_timeout at the deadline } → poll until Blocked → … → Finished
//! ```
//!
//! Nothing about an execution lives outside it: [`Execution::take_changes`] tells what to write down, [`Execution::restore`] makes
//! the same execution of what was written, after any of the calls above.

mod abandon;
mod abort;
#[cfg(test)]
pub(crate) mod attack;
mod checkpoint;
mod data_flow;
mod failure;
mod frame;
mod handle;
mod intact;
mod record;
mod retry;
mod scene;
mod states;
mod step;
mod token;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, OnceLock};

use statewright_value::{Object, Value};

pub use abandon::Abandoned;
pub use checkpoint::{Changes, Checkpoint, FORMAT, RestoreError, StoredPayload, StoredPayloads};
pub use frame::FrameId;
use frame::{Frame, Phase, TaskProgress};
pub use token::TaskToken;

use crate::command::{Command, Output, StartTask};
use crate::definition::Definition;
use crate::history::{ErrorDetails, EventDetails, EventId};
use crate::payload::{Document, Payload, PayloadId};
use crate::quota::Quotas;
use crate::time::Timestamp;

/// A running or finished execution.
#[derive(Debug)]
pub struct Execution {
    head: Head,
    /// Boxed, because a node of the map has room for eleven, and most executions have one.
    frames: BTreeMap<FrameId, Box<Frame>>,
    /// Outputs of children that have finished, until all have.
    results: BTreeMap<(FrameId, u32), Payload>,
    /// Frames whose turn it is. Derived from the frames.
    ready: VecDeque<FrameId>,
    /// Every frame's deadline. Derived from the frames.
    deadlines: BTreeSet<(Timestamp, FrameId)>,
    /// The frames of open tasks. Derived from the frames.
    tasks: BTreeMap<EventId, FrameId>,
    /// The part of the Context object that never changes. Derived from the head.
    context_head: OnceLock<Object>,
    unsaved: record::Unsaved,
    /// Whether the call at hand has left out an event because the history is full. Then the call ends the execution.
    event_left_out: bool,
    /// Activities that the host knows not to exist. Handed in, as the time is, and not stored.
    missing_activities: BTreeSet<Arc<str>>,
    /// Whether somebody waits for its answer. Handed in, and not stored.
    synchronous: bool,
}

/// Who an execution is: what the Context object and the history say about it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Identity {
    /// The execution's ARN, `$$.Execution.Id`.
    pub execution_arn: Arc<str>,
    /// The execution's name.
    pub execution_name: Arc<str>,
    /// The state machine's ARN.
    pub state_machine_arn: Arc<str>,
    /// The state machine's name.
    pub state_machine_name: Arc<str>,
    /// The role it runs as.
    pub role_arn: Arc<str>,
    /// The region, as `TaskScheduled` events show it.
    pub region: Arc<str>,
}

/// What an execution is started with.
#[derive(Clone, Debug)]
pub struct Start {
    /// Who it is.
    pub identity: Identity,
    /// Its input.
    pub input: Document,
    /// Where all its randomness comes from. Nobody who holds a task token should know it.
    pub seed: u128,
    /// Its limits.
    pub quotas: Quotas,
}

/// What has become of an execution.
#[derive(Clone, Debug)]
pub enum Status {
    /// It goes on.
    Running,
    /// It ended with an output.
    Succeeded {
        /// The output.
        output: Payload,
    },
    /// It failed.
    Failed(ErrorDetails),
    /// It took too long.
    TimedOut,
    /// Somebody stopped it.
    Aborted(ErrorDetails),
}

impl Status {
    /// The status as the API spells it: `RUNNING`, `SUCCEEDED`, `FAILED`, `TIMED_OUT` or `ABORTED`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Succeeded { .. } => "SUCCEEDED",
            Self::Failed(_) => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Aborted(_) => "ABORTED",
        }
    }

    /// Whether the execution has ended.
    #[must_use]
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Running)
    }
}

/// How far a [`poll`](Execution::poll) came.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// One frame went one micro-step; poll again.
    Advanced,
    /// Nothing can run until an event or the deadline.
    Blocked,
    /// The execution has ended.
    Finished,
}

/// Everything about an execution that no frame holds.
#[derive(Debug)]
struct Head {
    identity: Identity,
    quotas: Quotas,
    status: Status,
    next_event: EventId,
    next_frame: FrameId,
    next_payload: PayloadId,
    next_order: u64,
    input: Payload,
    started_at: Timestamp,
    /// When the execution times out.
    timeout_at: Timestamp,
    /// The time of the last event: time never goes back.
    last_time: Timestamp,
    seed: u128,
    redrive_count: u32,
    /// Bytes of all variables that are in scope somewhere.
    variables_bytes: usize,
}

impl Execution {
    /// Starts an execution of `definition` at the time `now`. It stands before its first state; [`poll`](Self::poll) moves it on.
    #[must_use]
    pub fn start(definition: &Definition, start: Start, now: Timestamp, out: &mut Output) -> Execution {
        let Start { identity, input, seed, quotas } = start;
        let input = Payload::new(PayloadId(0), input);
        let own_seconds = definition.timeout_seconds.map_or(u64::MAX, u64::from);
        let head = Head {
            identity,
            quotas,
            status: Status::Running,
            next_event: EventId(1),
            next_frame: FrameId(0),
            next_payload: PayloadId(1),
            next_order: 0,
            input: input.clone(),
            started_at: now,
            timeout_at: now.plus_seconds(own_seconds.min(quotas.execution_seconds_max)),
            last_time: now,
            seed,
            redrive_count: 0,
            variables_bytes: 0,
        };
        let mut execution = Self::empty(head);
        execution.unsaved.payloads.push(input.clone());
        let role_arn = Arc::clone(&execution.head.identity.role_arn);
        execution.emit_at(EventId(0), EventDetails::ExecutionStarted { input: input.clone(), role_arn }, now, out);
        let start_at = definition.scope(definition.root()).start_at;
        execution.add_frame(None, start_at, EventId(0), input);
        execution
    }

    fn empty(head: Head) -> Self {
        Self {
            head,
            frames: BTreeMap::new(),
            results: BTreeMap::new(),
            ready: VecDeque::new(),
            deadlines: BTreeSet::new(),
            tasks: BTreeMap::new(),
            context_head: OnceLock::new(),
            unsaved: record::Unsaved::default(),
            event_left_out: false,
            missing_activities: BTreeSet::new(),
            synchronous: false,
        }
    }

    /// Says that it was started with `StartSyncExecution`: its Context object has no `RedriveCount`. To be said before the first
    /// [`poll`](Self::poll). It is not part of a checkpoint: such an execution lives and ends in one process.
    ///
    /// Source: rule `context-object-express` of the rule table.
    pub fn set_synchronous(&mut self) {
        self.synchronous = true;
        self.context_head = OnceLock::new();
    }

    /// Says which activities do not exist, by ARN: a task of one fails with `States.Runtime` before it is scheduled. Until this is
    /// called all exist. It is not part of a checkpoint: say it again after a restore.
    ///
    /// Source: rule `activity-missing` of the rule table.
    pub fn set_missing_activities(&mut self, arns: impl IntoIterator<Item = Arc<str>>) {
        self.missing_activities = arns.into_iter().collect();
    }

    /// Lets one frame go one micro-step.
    pub fn poll(&mut self, definition: &Definition, now: Timestamp, out: &mut Output) -> Progress {
        if self.head.status.is_final() {
            return Progress::Finished;
        }
        let Some(id) = self.ready.pop_front() else { return Progress::Blocked };
        self.step(definition, id, self.not_before(now), out);
        self.end_if_history_is_full(now, out);
        if self.head.status.is_final() { Progress::Finished } else { Progress::Advanced }
    }

    /// What has become of it.
    #[must_use]
    pub fn status(&self) -> &Status {
        &self.head.status
    }

    /// Who it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.head.identity
    }

    /// Its input.
    #[must_use]
    pub fn input(&self) -> &Payload {
        &self.head.input
    }

    /// When it was started.
    #[must_use]
    pub fn started_at(&self) -> Timestamp {
        self.head.started_at
    }

    /// The time of its last event: when it ended, if it has.
    #[must_use]
    pub fn last_event_at(&self) -> Timestamp {
        self.head.last_time
    }

    /// When it times out as a whole.
    #[must_use]
    pub fn timeout_at(&self) -> Timestamp {
        self.head.timeout_at
    }

    /// How many events its history has.
    #[must_use]
    pub fn history_events(&self) -> u64 {
        self.head.next_event.0 - 1
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) if nothing else happens before; `None` when it has ended.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        if self.head.status.is_final() {
            return None;
        }
        let frame = self.deadlines.first().map(|(deadline, _)| *deadline);
        Some(frame.map_or(self.head.timeout_at, |deadline| deadline.min(self.head.timeout_at)))
    }

    /// Whether something can run now, without an event.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The commands whose effect is not confirmed, in the order in which the tasks were scheduled: those of tasks that were
    /// scheduled and not started.
    #[must_use]
    pub fn outstanding(&self, definition: &Definition) -> Vec<Command> {
        let scheduled = self.tasks.values().filter(|&&id| match &self.frame(id).phase {
            Phase::Task(task) => task.progress == TaskProgress::Scheduled,
            Phase::Ready { .. } | Phase::Waiting { .. } | Phase::Backoff { .. } | Phase::Join(_) => false,
        });
        scheduled.filter_map(|&id| self.start_task(definition, id)).collect()
    }

    /// The tasks that are open, in the order in which they were scheduled, each with whether it is begun.
    #[must_use]
    pub fn open(&self, definition: &Definition) -> Vec<(Box<StartTask>, bool)> {
        let begun = |id: FrameId| match &self.frame(id).phase {
            Phase::Task(task) => task.progress != TaskProgress::Scheduled,
            Phase::Ready { .. } | Phase::Waiting { .. } | Phase::Backoff { .. } | Phase::Join(_) => false,
        };
        let open = self.tasks.values().filter_map(|&id| match self.start_task(definition, id)? {
            Command::StartTask(task) => Some((task, begun(id))),
            Command::CancelTask { .. } => None,
        });
        open.collect()
    }

    /// The tasks that are submitted and wait for what they have submitted, in the order in which they were scheduled.
    #[must_use]
    pub fn submitted(&self, definition: &Definition) -> Vec<Box<StartTask>> {
        let is_submitted = |id: FrameId| match &self.frame(id).phase {
            Phase::Task(task) => task.progress == TaskProgress::Submitted,
            Phase::Ready { .. } | Phase::Waiting { .. } | Phase::Backoff { .. } | Phase::Join(_) => false,
        };
        let submitted = self.tasks.values().copied().filter(|&id| is_submitted(id));
        let submitted = submitted.filter_map(|id| match self.start_task(definition, id)? {
            Command::StartTask(task) => Some(task),
            Command::CancelTask { .. } => None,
        });
        submitted.collect()
    }

    /// A task that is open, as it was given to the host, however far it has come.
    #[must_use]
    pub fn task(&self, definition: &Definition, task: EventId) -> Option<Box<StartTask>> {
        match self.start_task(definition, *self.tasks.get(&task)?)? {
            Command::StartTask(start) => Some(start),
            Command::CancelTask { .. } => None,
        }
    }

    /// Whether `token` was given out by this execution, for a task that may be open or closed.
    #[must_use]
    pub fn gave_out(&self, token: &TaskToken) -> bool {
        *token.execution_arn == *self.head.identity.execution_arn && token::is_genuine(token, self.head.seed)
    }

    /// Whether `token` was made for a task of this execution that is still open.
    #[must_use]
    pub fn accepts(&self, token: &TaskToken) -> bool {
        self.gave_out(token) && self.tasks.contains_key(&token.task)
    }

    /// The names of the states that are entered and not left, outermost first, for people.
    #[must_use]
    pub fn active_states<'d>(&self, definition: &'d Definition) -> Vec<&'d Arc<str>> {
        self.frames.values().map(|frame| &definition.state(frame.state).name).collect()
    }

    fn start_task(&self, definition: &Definition, id: FrameId) -> Option<Command> {
        let frame = self.frame(id);
        let Phase::Task(task) = &frame.phase else { return None };
        let state = definition.state(frame.state);
        let crate::definition::Kind::Task(spec) = &state.kind else { return None };
        let token = spec.resource.has_token().then(|| token::of(&self.head.identity.execution_arn, task.id, self.head.seed));
        Some(Command::StartTask(Box::new(StartTask {
            task: task.id,
            state: Arc::clone(&state.name),
            resource: spec.resource.clone(),
            parameters: task.parameters.clone(),
            timeout_seconds: task.timeout_seconds,
            heartbeat_seconds: task.heartbeat_seconds,
            credentials_role_arn: task.credentials_role_arn.clone(),
            token,
            map_item_index: scene::Scene::new(self, definition, id).map_item().map(|(index, _)| index),
            retry_count: frame.retry_count(),
        })))
    }

    /// A frame that must be there.
    fn frame(&self, id: FrameId) -> &Frame {
        self.frames.get(&id).expect("a frame is named only as long as it lives")
    }

    /// The frames around `id`, innermost first, each with the slot that leads to the one before.
    fn ancestors(&self, id: FrameId) -> impl Iterator<Item = (FrameId, u32)> + '_ {
        let mut parent = self.frame(id).parent;
        std::iter::from_fn(move || {
            let (id, slot) = parent?;
            parent = self.frame(id).parent;
            Some((id, slot))
        })
    }

    /// Source: rules `context-object` and `context-object-express` of the rule table.
    fn context_head(&self) -> &Object {
        self.context_head.get_or_init(|| {
            let Identity { execution_arn, execution_name, state_machine_arn, state_machine_name, role_arn, .. } =
                &self.head.identity;
            let text = |text: &Arc<str>| Value::from(Arc::clone(text));
            let object = |members: Vec<(&str, Value)>| {
                Value::Object(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
            };
            let start_time = || ("StartTime", Value::from(self.head.started_at.to_string()));
            let express = execution_arn.split(':').nth(5) == Some("express");
            let mut execution = vec![("Id", text(execution_arn)), ("Input", self.head.input.value().clone())];
            execution.extend((!express).then(start_time));
            execution.extend([("Name", text(execution_name)), ("RoleArn", text(role_arn))]);
            execution.extend(express.then(start_time));
            execution.extend((!self.synchronous).then(|| ("RedriveCount", Value::from(self.head.redrive_count))));
            let execution = object(execution);
            let state_machine = object(vec![("Id", text(state_machine_arn)), ("Name", text(state_machine_name))]);
            [("Execution".into(), execution), ("StateMachine".into(), state_machine)].into_iter().collect()
        })
    }

    /// `now`, or the time of the last event if the caller's clock went back.
    fn not_before(&self, now: Timestamp) -> Timestamp {
        now.max(self.head.last_time)
    }
}
