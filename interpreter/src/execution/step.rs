//! One micro-step of one frame. `exit`, `fail` and `finish_scope` each exist once; what is special about a state type stands in
//! `states/`.

use std::sync::Arc;

use statewright_value::Measure;

use super::data_flow::{self, Assigned};
use super::failure::Failure;
use super::frame::{FrameId, Join, Phase, Source, Stage, TaskPhase, TaskProgress};
use super::record::bytes;
use super::retry::{self, Decision};
use super::scene::{Scene, Seen};
use super::states::{self, Action, Fork, TaskStart};
use super::{Execution, Status};
use crate::command::Output;
use crate::definition::{Definition, Kind, Next};
use crate::error::{ErrorName, EvaluationError};
use crate::history::{AssignedVariables, EventDetails, EventId, IterationStage, StateType, TaskEvent, TaskStage};
use crate::payload::{Datum, Document, Payload};
use crate::time::Timestamp;

/// What the functions of a micro-step hand on to each other: the machine, the time, and where events and commands go.
pub(super) struct Step<'a> {
    pub(super) definition: &'a Definition,
    pub(super) now: Timestamp,
    pub(super) out: &'a mut Output,
}

impl Execution {
    /// Lets the frame `id` go one micro-step: through one state, or up to where it must wait.
    pub(super) fn step(&mut self, definition: &Definition, id: FrameId, now: Timestamp, out: &mut Output) {
        let step = &mut Step { definition, now, out };
        let frame = self.frame(id);
        let stage = match &frame.phase {
            Phase::Ready { stage, .. } => stage.clone(),
            Phase::Join(_) => return self.start_child(id, step),
            Phase::Waiting { .. } | Phase::Backoff { .. } | Phase::Task(_) => return,
        };
        let before = frame.cursor;
        let act: fn(&Scene<'_>, Timestamp) -> Result<Action, EvaluationError> = match stage {
            Stage::Enter => {
                self.enter(id, step);
                let holds = matches!(step.definition.state(self.frame(id).state).kind, Kind::Wait(_));
                // A failed evaluation on the way in follows what was before the state; that of a Wait follows its entry.
                let before = if holds { self.frame(id).cursor } else { before };
                return self.apply_evaluated(id, before, step, |scene| states::act(scene, now));
            }
            Stage::Retry => states::act,
            Stage::Leave => states::leave,
            Stage::Succeeded(result) => {
                return self.apply_evaluated(id, before, step, |scene| states::with_result(scene, Datum::Payload(result)));
            }
            Stage::Joined => return self.join(id, step),
            Stage::Failed(failure) => return self.fail(id, failure, step),
        };
        self.apply_evaluated(id, before, step, |scene| act(scene, now));
    }

    fn enter(&mut self, id: FrameId, step: &mut Step<'_>) {
        let (state, input) = (step.definition.state(self.frame(id).state), self.frame(id).input.clone());
        let details = EventDetails::StateEntered { state_type: StateType::from(state), name: Arc::clone(&state.name), input };
        let entered = self.emit(id, details, step.now, step.out);
        let frame = self.frame_mut(id);
        frame.entered = entered;
        frame.entered_at = step.now;
        frame.attempts.clear();
    }

    /// Asks `evaluate` what to do and does it. An evaluation that fails follows the event `before`.
    fn apply_evaluated(
        &mut self,
        id: FrameId,
        before: EventId,
        step: &mut Step<'_>,
        evaluate: impl FnOnce(&Scene<'_>) -> Result<Action, EvaluationError>,
    ) {
        let scene = Scene::new(self, step.definition, id);
        let action = match evaluate(&scene) {
            Ok(action) => action,
            Err(error) => Action::Fail(self.failed_evaluation(id, &error, before, step)),
        };
        match action {
            Action::Exit { output, assigned, next } => self.exit(id, output, assigned, next, step),
            Action::Hold { until } => self.set_phase(id, Phase::Waiting { until }),
            Action::Fail(failure) => self.fail(id, failure, step),
            Action::Start(start) => self.schedule(id, start, step),
            Action::Fork(fork) => self.fork(id, fork, step),
        }
    }

    /// The failure of a state one of whose expressions failed. In JSONata the history shows it, behind the event `before`.
    ///
    /// Source: rule `evaluation-failed` of the rule table.
    fn failed_evaluation(&mut self, id: FrameId, error: &EvaluationError, before: EventId, step: &mut Step<'_>) -> Failure {
        let scene = Scene::new(self, step.definition, id);
        let (failure, state) = (scene.failure(error), Arc::clone(&scene.state.name));
        if error.name == ErrorName::QUERY_EVALUATION_ERROR {
            let details =
                EventDetails::EvaluationFailed { error: failure.details.clone(), location: error.location.clone(), state };
            self.frame_mut(id).cursor = before;
            self.emit(id, details, step.now, step.out);
        }
        failure
    }

    /// Leaves a state: variables get their values, the output goes to the next state or out of the scope.
    fn exit(&mut self, id: FrameId, output: Datum, assigned: Assigned, next: Next, step: &mut Step<'_>) {
        let state = step.definition.state(self.frame(id).state);
        if let Err(failure) = self.check_exit(id, &output, &assigned, &state.name) {
            return self.fail(id, failure, step);
        }
        let output = self.payload(output);
        let assigned: Option<AssignedVariables> = (!assigned.is_empty())
            .then(|| assigned.into_iter().map(|(name, value)| (name, self.new_payload(Document::from(value)))).collect());
        if let Some(assigned) = &assigned {
            self.assign(id, assigned);
        }
        let details = EventDetails::StateExited {
            state_type: StateType::from(state),
            name: Arc::clone(&state.name),
            output: output.clone(),
            assigned,
        };
        self.emit(id, details, step.now, step.out);
        match next {
            Next::State(next) => {
                let frame = self.frame_mut(id);
                frame.state = next;
                frame.input = output;
                self.set_ready(id, Stage::Enter);
            }
            Next::End => self.finish_scope(id, output, step),
        }
    }

    /// The end of a scope: of the execution, of a branch, or of an iteration.
    fn finish_scope(&mut self, id: FrameId, output: Payload, step: &mut Step<'_>) {
        let Some((parent, slot)) = self.frame(id).parent else {
            self.emit(id, EventDetails::ExecutionSucceeded { output: output.clone() }, step.now, step.out);
            return self.finish(Status::Succeeded { output }, step.out);
        };
        let last = self.frame(id).cursor;
        let state = step.definition.state(self.frame(parent).state);
        let cursor = match &state.kind {
            Kind::Map(_) => {
                let name = Arc::clone(&state.name);
                let details = EventDetails::MapIteration { stage: IterationStage::Succeeded, name, index: slot };
                self.emit(id, details, step.now, step.out)
            }
            _ => last,
        };
        self.remove_frame(id);
        self.add_result(parent, slot, output);
        let frame = self.frame_mut(parent);
        frame.cursor = cursor;
        let Phase::Join(join) = &mut frame.phase else { return };
        join.running -= 1;
        if join.next < join.total {
            // A frame that is still starting children starts the next one when its turn comes.
            if join.starting.is_none() {
                self.start_iteration(parent, last, step);
            }
        } else if join.running == 0 {
            self.set_ready(parent, Stage::Joined);
        }
    }

    /// The children have all finished.
    fn join(&mut self, id: FrameId, step: &mut Step<'_>) {
        let results = self.take_results(id);
        let state = step.definition.state(self.frame(id).state);
        let details = match state.kind {
            Kind::Map(_) => EventDetails::MapStateSucceeded,
            _ => EventDetails::ParallelStateSucceeded,
        };
        let document = Document::join(results);
        let measure = Measure { bytes: document.bytes(), ..document.value().measure() };
        if let Err(failure) = self.check_measure(measure, &state.name) {
            return self.fail(id, failure, step);
        }
        self.emit(id, details, step.now, step.out);
        let result = self.new_payload(document);
        let before = self.frame(id).cursor;
        self.apply_evaluated(id, before, step, |scene| states::with_result(scene, Datum::Payload(result)));
    }

    /// A failure of the frame's state: a retrier, a catcher, or the scope around takes it.
    pub(super) fn fail(&mut self, id: FrameId, failure: Failure, step: &mut Step<'_>) {
        let scene = Scene::new(self, step.definition, id);
        match retry::decide(&scene, &failure) {
            Decision::Retry { retrier, delay_ms } => {
                let retriers = scene.state.retry.len();
                self.abort_children(id, None, step);
                let frame = self.frame_mut(id);
                frame.attempts.resize(retriers, 0);
                if let Some(used) = frame.attempts.get_mut(retrier) {
                    *used += 1;
                }
                self.set_phase(id, Phase::Backoff { until: step.now.plus_millis(delay_ms) });
            }
            Decision::Catch(catcher) => {
                let (next, error_output) = (catcher.next, failure.error_output());
                let caught = data_flow::caught_output(&scene, catcher, &error_output).and_then(|output| {
                    Ok((output, data_flow::assigned(&scene, catcher.assign.as_ref(), Seen::Error, &error_output)?))
                });
                let caught = match caught {
                    // What a catcher makes too large is not caught again: it could be by the same one, for ever.
                    Ok((output, assigned)) => {
                        self.check_exit(id, &output, &assigned, &scene.state.name).map(|()| (output, assigned))
                    }
                    Err(error) => {
                        let before = self.frame(id).cursor;
                        Err(self.failed_evaluation(id, &error, before, step))
                    }
                };
                match caught {
                    Ok((output, assigned)) => {
                        self.end_with_failure(id, &failure, step);
                        self.exit(id, output, assigned, Next::State(next), step);
                    }
                    Err(failure) => self.propagate(id, failure, step),
                }
            }
            Decision::Propagate => self.propagate(id, failure, step),
        }
    }

    /// Writes `MapStateFailed` or `ParallelStateFailed`, where the failing state is one that has children.
    ///
    /// Source: rule `composite-failed` of the rule table: there is none when the state itself ran into `States.Runtime`.
    fn end_with_failure(&mut self, id: FrameId, failure: &Failure, step: &mut Step<'_>) {
        let forked = matches!(self.frame(id).phase, Phase::Join(_));
        self.abort_children(id, None, step);
        let details = match step.definition.state(self.frame(id).state).kind {
            Kind::Map(_) if forked || !failure.is_runtime() => EventDetails::MapStateFailed,
            Kind::Parallel(_) if forked || !failure.is_runtime() => EventDetails::ParallelStateFailed,
            _ => return,
        };
        self.emit(id, details, step.now, step.out);
    }

    /// Nobody in this frame took the failure: the execution fails, or the state around does.
    fn propagate(&mut self, id: FrameId, failure: Failure, step: &mut Step<'_>) {
        self.end_with_failure(id, &failure, step);
        let Some((parent, _)) = self.frame(id).parent else {
            self.emit(id, EventDetails::ExecutionFailed(failure.details.clone()), step.now, step.out);
            return self.finish(Status::Failed(failure.details), step.out);
        };
        let cursor = self.frame(id).cursor;
        self.abort_children(parent, Some(id), step);
        self.frame_mut(parent).cursor = cursor;
        self.fail(parent, failure, step);
    }

    /// Writes `…Scheduled` and asks the host to start the task.
    fn schedule(&mut self, id: FrameId, start: TaskStart, step: &mut Step<'_>) {
        let state = step.definition.state(self.frame(id).state);
        let Kind::Task(task) = &state.kind else { return };
        if let Err(failure) = self.check_size(&start.parameters, &state.name) {
            return self.fail(id, failure, step);
        }
        let parameters = self.payload(start.parameters);
        let scheduled = TaskStage::Scheduled {
            parameters: parameters.clone(),
            region: Arc::clone(&self.head.identity.region),
            timeout_seconds: start.timeout_seconds,
            heartbeat_seconds: start.heartbeat_seconds,
            credentials_role_arn: start.credentials_role_arn.clone(),
        };
        let details = EventDetails::Task(Box::new(TaskEvent { resource: task.resource.clone(), stage: scheduled }));
        let event = self.emit(id, details, step.now, step.out);
        let phase = TaskPhase {
            id: event,
            progress: TaskProgress::Scheduled,
            parameters,
            timeout_seconds: start.timeout_seconds,
            // Only who has a token can send heartbeats.
            heartbeat_seconds: start.heartbeat_seconds.filter(|_| task.resource.has_token()),
            credentials_role_arn: start.credentials_role_arn,
            timeout_at: None,
            heartbeat_at: None,
        };
        self.set_phase(id, Phase::Task(Box::new(phase)));
        step.out.commands.extend(self.start_task(step.definition, id));
    }

    /// Starts a Parallel or a Map.
    fn fork(&mut self, id: FrameId, fork: Fork, step: &mut Step<'_>) {
        let (details, total, limit, source) = match fork {
            Fork::Branches { total, input } => {
                let name = &step.definition.state(self.frame(id).state).name;
                if let Err(failure) = self.check_size(&input, name) {
                    return self.fail(id, failure, step);
                }
                (EventDetails::ParallelStateStarted, total, total, Source::Branches(self.payload(input)))
            }
            Fork::Items { items, effective_input, limit } => {
                let total = u32::try_from(items.len()).unwrap_or(u32::MAX);
                let most = self.head.quotas.inline_map_concurrency_max;
                let limit = if limit == 0 { most } else { limit.min(most) };
                (EventDetails::MapStateStarted { length: total }, total, limit, Source::Items { items, effective_input })
            }
        };
        self.emit(id, details, step.now, step.out);
        if total == 0 {
            return self.join(id, step);
        }
        // It starts its children one each turn, before any other frame runs: it keeps its place in front of all others.
        let join = Join { total, next: 0, running: 0, limit, starting: self.frame(id).turn(), source };
        self.set_phase(id, Phase::Join(Box::new(join)));
        self.ready.push_front(id);
    }

    /// A turn of a frame that is starting children.
    fn start_child(&mut self, id: FrameId, step: &mut Step<'_>) {
        let cursor = self.frame(id).cursor;
        let state = step.definition.state(self.frame(id).state);
        match &state.kind {
            Kind::Parallel(parallel) => {
                let Phase::Join(join) = &mut self.frame_mut(id).phase else { return };
                let Source::Branches(input) = &join.source else { return };
                let (slot, input) = (join.next, input.clone());
                join.next += 1;
                join.running += 1;
                if let Some(&branch) = parallel.branches.get(slot as usize) {
                    self.add_frame(Some((id, slot)), step.definition.scope(branch).start_at, cursor, input);
                }
            }
            _ => self.start_iteration(id, cursor, step),
        }
        let Some(frame) = self.frames.get_mut(&id) else { return };
        let Phase::Join(join) = &mut frame.phase else { return };
        if join.next < join.total && join.running < join.limit {
            self.ready.push_front(id);
        } else {
            join.starting = None;
        }
    }

    /// Starts the next iteration of a Map. Its first event follows `previous`: the Map's own start, or the last event of the
    /// iteration that made room.
    fn start_iteration(&mut self, id: FrameId, previous: EventId, step: &mut Step<'_>) {
        let definition = step.definition;
        let state = definition.state(self.frame(id).state);
        let (Kind::Map(map), Phase::Join(join)) = (&state.kind, &self.frame(id).phase) else { return };
        let index = join.next;
        let input = match states::iteration_input(Scene::new(self, definition, id), map, join, index) {
            Ok(input) => self.check_size(&input, &state.name).map(|()| input),
            Err(error) => {
                let before = self.frame(id).cursor;
                Err(self.failed_evaluation(id, &error, before, step))
            }
        };
        let input = match input {
            Ok(input) => self.payload(input),
            Err(failure) => {
                self.abort_children(id, None, step);
                return self.set_ready(id, Stage::Failed(failure));
            }
        };
        let Phase::Join(join) = &mut self.frame_mut(id).phase else { return };
        join.next += 1;
        join.running += 1;
        let start_at = definition.scope(map.processor).start_at;
        let child = self.add_frame(Some((id, index)), start_at, previous, input);
        let details = EventDetails::MapIteration { stage: IterationStage::Started, name: Arc::clone(&state.name), index };
        self.emit(child, details, step.now, step.out);
    }

    /// Refuses what is larger than the quota. `what` made it.
    pub(super) fn check_size(&self, datum: &Datum, what: &str) -> Result<(), Failure> {
        let measure = datum.value().measure();
        let bytes = match datum {
            Datum::Payload(payload) => bytes(payload),
            Datum::Value(_) => measure.bytes,
        };
        self.check_measure(Measure { bytes, ..measure }, what)
    }

    fn check_measure(&self, measure: Measure, what: &str) -> Result<(), Failure> {
        let quotas = &self.head.quotas;
        if measure.bytes > quotas.payload_bytes_max {
            return Err(Failure::data_limit(what));
        }
        if measure.depth > quotas.depth_max {
            let cause = format!("The state '{what}' nests arrays and objects deeper than {}.", quotas.depth_max);
            return Err(Failure::new(ErrorName::RUNTIME, cause));
        }
        Ok(())
    }

    /// Refuses an exit with an output or variables that are larger than the quotas.
    fn check_exit(&self, id: FrameId, output: &Datum, assigned: &Assigned, what: &str) -> Result<(), Failure> {
        self.check_size(output, what)?;
        if assigned.is_empty() {
            return Ok(());
        }
        let quotas = &self.head.quotas;
        let new: usize = assigned.iter().map(|(_, value)| value.measure().bytes).sum();
        let deep = assigned.iter().any(|(_, value)| value.measure().depth > quotas.depth_max);
        let variables = self.frame(id).variables.as_deref();
        let old: usize = assigned.iter().filter_map(|(name, _)| variables?.get(name)).map(bytes).sum();
        let too_large = new > quotas.assign_bytes_max || self.head.variables_bytes - old + new > quotas.variables_bytes_max;
        if too_large || deep { Err(Failure::data_limit(what)) } else { Ok(()) }
    }
}
