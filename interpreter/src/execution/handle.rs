//! Events and deadlines: each writes its event to the history and gives its frame a turn. What follows from it happens there.

use super::failure::Failure;
use super::frame::{FrameId, Phase, Stage, TaskProgress};
use super::{Execution, Status};
use crate::command::{Command, Output};
use crate::definition::{Definition, Kind, Resource};
use crate::event::{Event, FailedStage, Handled, TaskId};
use crate::history::{ErrorDetails, EventDetails, EventId, TaskEvent, TaskStage};
use crate::payload::Document;
use crate::time::Timestamp;

impl Execution {
    /// Applies something that happened outside. An event that is stale, repeated or about a task that is gone changes nothing.
    pub fn handle(&mut self, definition: &Definition, event: Event, now: Timestamp, out: &mut Output) -> Handled {
        let now = self.not_before(now);
        let handled = self.apply_event(definition, event, now, out);
        self.end_if_history_is_full(now, out);
        if handled.is_some() { Handled::Applied } else { Handled::Ignored }
    }

    fn apply_event(&mut self, definition: &Definition, event: Event, now: Timestamp, out: &mut Output) -> Option<()> {
        if self.head.status.is_final() {
            return None;
        }
        match event {
            Event::TaskStarted { task, worker_name } => {
                let (id, progress) = self.open_task(task)?;
                (progress == TaskProgress::Scheduled).then_some(())?;
                // Only an activity's worker has a name in the history.
                let worker_name = worker_name.filter(|_| matches!(self.resource(definition, id), Some(Resource::Activity { .. })));
                self.emit_task(definition, id, TaskStage::Started { worker_name }, now, out);
                self.start_clocks(id, now);
            }
            Event::TaskSubmitted { task, output } => {
                let (id, progress) = self.open_task(task)?;
                let submits = matches!(self.resource(definition, id), Some(Resource::Service { .. }));
                (progress < TaskProgress::Submitted && submits).then_some(())?;
                self.started_at_the_latest(definition, id, progress, now, out);
                if self.is_too_large(&output) {
                    self.fail_task(definition, id, TaskStage::SubmitFailed, now, out);
                } else {
                    let output = self.new_payload(output);
                    self.emit_task(definition, id, TaskStage::Submitted { output }, now, out);
                    if let Phase::Task(phase) = &mut self.frame_mut(id).phase {
                        phase.progress = TaskProgress::Submitted;
                    }
                }
            }
            Event::TaskSucceeded { task, output } => {
                let (id, progress) = self.open_task(task)?;
                self.started_at_the_latest(definition, id, progress, now, out);
                if self.is_too_large(&output) {
                    self.fail_task(definition, id, TaskStage::Failed, now, out);
                } else {
                    let output = self.new_payload(output);
                    self.emit_task(definition, id, TaskStage::Succeeded { output: output.clone() }, now, out);
                    self.set_ready(id, Stage::Succeeded(output));
                }
            }
            Event::TaskFailed { task, stage, error } => {
                let (id, progress) = self.open_task(task)?;
                let details = match self.stage_of_failure(definition, id, progress, stage) {
                    FailedStage::Running => TaskStage::Failed(error.clone()),
                    FailedStage::Scheduling => TaskStage::ScheduleFailed(error.clone()),
                    FailedStage::Starting => TaskStage::StartFailed(error.clone()),
                    FailedStage::Submitting => TaskStage::SubmitFailed(error.clone()),
                };
                if !matches!(details, TaskStage::ScheduleFailed(_) | TaskStage::StartFailed(_)) {
                    self.started_at_the_latest(definition, id, progress, now, out);
                }
                self.emit_task(definition, id, details, now, out);
                self.set_ready(id, Stage::Failed(Failure { details: error, heartbeat: false }));
            }
            Event::TaskHeartbeat { task } => {
                let (id, _) = self.open_task(task)?;
                let Phase::Task(phase) = &self.frame(id).phase else { return None };
                let mut phase = phase.clone();
                let next = phase.heartbeat_at.and(phase.heartbeat_seconds).map(|every| now.plus_seconds(every.into()));
                // One that nobody waits for, or that came at the same time before, changes nothing.
                (next != phase.heartbeat_at).then_some(())?;
                phase.heartbeat_at = next;
                self.set_phase(id, Phase::Task(phase));
            }
            Event::Stop { error } => {
                self.emit_at(EventId(0), EventDetails::ExecutionAborted(error.clone()), now, out);
                self.finish(Status::Aborted(error), out);
            }
        }
        Some(())
    }

    /// Applies every deadline at or before `now`. Where several tasks are due, all of them time out before any failure is handled.
    pub fn handle_timeout(&mut self, definition: &Definition, now: Timestamp, out: &mut Output) -> Handled {
        let now = self.not_before(now);
        if self.head.status.is_final() || self.deadline().is_none_or(|deadline| deadline > now) {
            return Handled::Ignored;
        }
        let earliest = self.deadlines.first().map(|(deadline, _)| *deadline);
        if earliest.is_none_or(|earliest| self.head.timeout_at <= earliest) {
            self.emit_at(EventId(0), EventDetails::ExecutionTimedOut(ErrorDetails::default()), now, out);
            self.finish(Status::TimedOut, out);
        } else {
            let due: Vec<_> = self.deadlines.iter().take_while(|(deadline, _)| *deadline <= now).map(|(_, id)| *id).collect();
            for id in due {
                self.time_out(definition, id, now, out);
            }
        }
        self.end_if_history_is_full(now, out);
        Handled::Applied
    }

    fn time_out(&mut self, definition: &Definition, id: FrameId, now: Timestamp, out: &mut Output) {
        match &self.frame(id).phase {
            Phase::Waiting { .. } => self.set_ready(id, Stage::Leave),
            Phase::Backoff { .. } => self.set_ready(id, Stage::Retry),
            Phase::Task(task) => {
                // Whichever was due first, however late somebody looks.
                let heartbeat =
                    task.heartbeat_at.is_some_and(|heartbeat| task.timeout_at.is_none_or(|timeout| heartbeat < timeout));
                let (failure, task) = (Failure::timeout(heartbeat), task.id);
                self.emit_task(definition, id, TaskStage::TimedOut(failure.details.clone()), now, out);
                out.commands.push(Command::CancelTask { task });
                self.set_ready(id, Stage::Failed(failure));
            }
            Phase::Ready { .. } | Phase::Join(_) => {}
        }
    }

    fn open_task(&self, task: TaskId) -> Option<(FrameId, TaskProgress)> {
        let id = *self.tasks.get(&task)?;
        match &self.frame(id).phase {
            Phase::Task(phase) => Some((id, phase.progress)),
            Phase::Ready { .. } | Phase::Waiting { .. } | Phase::Backoff { .. } | Phase::Join(_) => None,
        }
    }

    /// A result may overtake the word that the task was started: then it was started now.
    fn started_at_the_latest(&mut self, d: &Definition, id: FrameId, progress: TaskProgress, now: Timestamp, out: &mut Output) {
        if progress == TaskProgress::Scheduled {
            self.emit_task(d, id, TaskStage::Started { worker_name: None }, now, out);
            self.start_clocks(id, now);
        }
    }

    /// Time-out and heartbeat count from the task's start.
    fn start_clocks(&mut self, id: FrameId, now: Timestamp) {
        let Phase::Task(phase) = &self.frame(id).phase else { return };
        let mut phase = phase.clone();
        phase.progress = TaskProgress::Started;
        phase.timeout_at = phase.timeout_seconds.map(|seconds| now.plus_seconds(seconds.into()));
        phase.heartbeat_at = phase.heartbeat_seconds.map(|seconds| now.plus_seconds(seconds.into()));
        self.set_phase(id, Phase::Task(phase));
    }

    /// What the task of a frame calls.
    fn resource<'d>(&self, definition: &'d Definition, id: FrameId) -> Option<&'d Resource> {
        if let Kind::Task(task) = &definition.state(self.frame(id).state).kind { Some(&task.resource) } else { None }
    }

    /// How far a task had come when it failed, as its history can say it: there are no events for scheduling a service's
    /// task, for starting an activity, for submitting a function or an activity, and what has begun can no longer fail to begin.
    fn stage_of_failure(&self, definition: &Definition, id: FrameId, progress: TaskProgress, stage: FailedStage) -> FailedStage {
        let Some(resource) = self.resource(definition, id) else { return FailedStage::Running };
        match (stage, progress, resource) {
            (FailedStage::Scheduling, TaskProgress::Scheduled, Resource::Service { .. }) => FailedStage::Starting,
            (FailedStage::Scheduling, TaskProgress::Scheduled, Resource::Lambda { .. } | Resource::Activity { .. }) => stage,
            (FailedStage::Starting, TaskProgress::Scheduled, Resource::Service { .. } | Resource::Lambda { .. }) => stage,
            (FailedStage::Submitting, TaskProgress::Scheduled | TaskProgress::Started, Resource::Service { .. }) => stage,
            (FailedStage::Running | FailedStage::Scheduling | FailedStage::Starting | FailedStage::Submitting, _, _) => {
                FailedStage::Running
            }
        }
    }

    fn is_too_large(&self, output: &Document) -> bool {
        output.bytes() > self.head.quotas.payload_bytes_max
    }

    /// The task's answer is larger than the quota: that is a failure of the task, which a catcher may take.
    fn fail_task(
        &mut self,
        definition: &Definition,
        id: FrameId,
        stage: fn(ErrorDetails) -> TaskStage,
        now: Timestamp,
        out: &mut Output,
    ) {
        let state = definition.state(self.frame(id).state);
        let what = match self.resource(definition, id) {
            Some(Resource::Lambda { arn } | Resource::Activity { arn }) => arn,
            Some(Resource::Service { resource_type, .. }) => resource_type,
            None => &state.name,
        };
        let failure = Failure::data_limit(what);
        self.emit_task(definition, id, stage(failure.details.clone()), now, out);
        self.set_ready(id, Stage::Failed(failure));
    }

    fn emit_task(&mut self, definition: &Definition, id: FrameId, stage: TaskStage, now: Timestamp, out: &mut Output) {
        if let Some(resource) = self.resource(definition, id) {
            let event = TaskEvent { resource: resource.clone(), stage };
            self.emit(id, EventDetails::Task(Box::new(event)), now, out);
        }
    }
}
