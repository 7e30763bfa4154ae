//! What a host may say and when: late, twice, or at the wrong time; and what restoring must keep.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a panic is how a test fails")]

use serde_json::{Value, json};
use statewright_interpreter::command::{Command, Output};
use statewright_interpreter::definition::{Definition, Options};
use statewright_interpreter::event::{Event, FailedStage, Handled};
use statewright_interpreter::execution::{Execution, Progress, Start, Status};
use statewright_interpreter::history::{ErrorDetails, HistoryEvent};
use statewright_interpreter::payload::Document;
use statewright_interpreter::quota::Quotas;
use statewright_interpreter::time::Timestamp;
use statewright_tests::properties::{history, identity};

struct Run {
    definition: Definition,
    execution: Execution,
    history: Vec<HistoryEvent>,
    now: Timestamp,
}

impl Run {
    fn start(machine: &Value, input: &str, quotas: Quotas) -> Self {
        let parsed = Definition::parse(&machine.to_string(), &Options::default());
        let definition = parsed.unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}")).definition;
        let mut out = Output::default();
        let start = Start { identity: identity(), input: Document::parse(input).unwrap(), seed: 1, quotas };
        let execution = Execution::start(&definition, start, Timestamp(0), &mut out);
        let mut run = Self { definition, execution, history: out.events, now: Timestamp(0) };
        run.poll();
        run
    }

    fn poll(&mut self) {
        let mut out = Output::default();
        while self.execution.poll(&self.definition, self.now, &mut out) == Progress::Advanced {}
        self.take(out);
    }

    fn handle(&mut self, event: Event) -> Handled {
        let mut out = Output::default();
        let handled = self.execution.handle(&self.definition, event, self.now, &mut out);
        self.take(out);
        self.poll();
        handled
    }

    fn time_out(&mut self, now: i64) {
        self.now = Timestamp(now);
        let mut out = Output::default();
        let _ = self.execution.handle_timeout(&self.definition, self.now, &mut out);
        self.take(out);
        self.poll();
    }

    fn take(&mut self, out: Output) {
        self.history.extend(out.events);
    }

    fn open_task(&self) -> statewright_interpreter::event::TaskId {
        let open = self.execution.outstanding(&self.definition);
        let Some(Command::StartTask(task)) = open.first() else { panic!("no task is open") };
        task.task
    }

    fn fails_with(&self, name: &str) {
        let Status::Failed(error) = self.execution.status() else { panic!("{:?}", self.execution.status()) };
        assert_eq!(error.error.as_deref(), Some(name), "{error:?}");
        history::check_end(&self.history, "FAILED").unwrap();
    }
}

#[test]
fn a_machine_that_goes_round_for_ever_ends_with_a_full_history() {
    let machine = json!({"StartAt": "C", "States": {
        "C": {"Type": "Choice", "Choices": [{"Variable": "$.stop", "IsPresent": true, "Next": "E"}], "Default": "P"},
        "P": {"Type": "Pass", "Next": "C"}, "E": {"Type": "Succeed"}}});
    for quotas in [Quotas::aws(false), Quotas::aws(true), Quotas::relaxed()] {
        let run = Run::start(&machine, "{}", quotas);
        run.fails_with("States.Runtime");
        assert_eq!(run.history.len() as u64, quotas.history_events_max);
    }
}

#[test]
fn results_that_nest_ever_deeper_fail_before_they_cannot_be_stored() {
    let branch = json!({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}});
    let machine = json!({"StartAt": "A", "States": {"A": {"Type": "Parallel", "Branches": [branch], "Next": "A2"},
        "A2": {"Type": "Choice", "Choices": [{"Variable": "$", "IsNull": true, "Next": "E"}], "Default": "A"}, "E": {"Type": "Succeed"}}});
    let run = Run::start(&machine, "{}", Quotas::relaxed());
    run.fails_with("States.Runtime");
}

#[test]
fn what_may_go_deeper_than_any_stack_is_known_for_is_not_restored() {
    let machine = json!({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "End": true}}});
    for (more, is_restored) in [(0, true), (1, false)] {
        let mut quotas = Quotas::relaxed();
        quotas.evaluation.depth_max += more;
        let run = Run::start(&machine, "{}", quotas);
        let restored = Execution::restore(&run.definition, &run.execution.checkpoint(&run.definition));
        assert_eq!(restored.is_ok(), is_restored, "{:?}", restored.err());
    }
}

#[test]
fn a_frame_that_starts_children_keeps_its_turn_over_a_restore() {
    let leaf = json!({"StartAt": "Q", "States": {"Q": {"Type": "Pass", "End": true}}});
    let map = json!({"StartAt": "M", "States": {"M": {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": leaf, "End": true}}});
    let other = json!({"StartAt": "R", "States": {"R": {"Type": "Pass", "End": true}}});
    let machine = json!({"StartAt": "A", "States": {"A": {"Type": "Parallel", "Branches": [map, other], "End": true}}});
    let play = |crash: bool| {
        let definition = Definition::parse(&machine.to_string(), &Options::default()).unwrap().definition;
        let input = Document::parse(r#"{"items": [1, 2, 3]}"#).unwrap();
        let (mut out, start) = (Output::default(), Start { identity: identity(), input, seed: 1, quotas: Quotas::aws(false) });
        let mut execution = Execution::start(&definition, start, Timestamp(0), &mut out);
        while execution.poll(&definition, Timestamp(0), &mut out) == Progress::Advanced {
            if crash {
                execution = Execution::restore(&definition, &execution.checkpoint(&definition)).unwrap();
            }
        }
        out.events.iter().map(HistoryEvent::to_json).collect::<Vec<_>>()
    };
    assert_eq!(play(true), play(false));
}

fn callback(heartbeat: u32, timeout: u32) -> Value {
    json!({"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": "q", "MessageBody.$": "$$.Task.Token"}, "HeartbeatSeconds": heartbeat, "TimeoutSeconds": timeout,
        "End": true, "Catch": [{"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "H"}]}, "H": {"Type": "Succeed"}}})
}

#[test]
fn a_missed_heartbeat_is_one_however_late_it_is_noticed() {
    for late in [10_000, 20_000, 99_000] {
        let mut run = Run::start(&callback(10, 20), "{}", Quotas::aws(false));
        let task = run.open_task();
        let _ = run.handle(Event::TaskStarted { task, worker_name: None });
        run.time_out(late);
        assert_eq!(run.execution.status().as_str(), "SUCCEEDED", "{late}");
    }
}

#[test]
fn a_heartbeat_that_moves_nothing_is_ignored() {
    let mut run = Run::start(&callback(10, 20), "{}", Quotas::aws(false));
    let task = run.open_task();
    assert_eq!(run.handle(Event::TaskHeartbeat { task }), Handled::Ignored, "nobody waits for it before the task is started");
    let _ = run.handle(Event::TaskStarted { task, worker_name: None });
    run.now = Timestamp(5000);
    assert_eq!(run.handle(Event::TaskHeartbeat { task }), Handled::Applied);
    assert_eq!(run.handle(Event::TaskHeartbeat { task }), Handled::Ignored);
    assert_eq!(run.execution.deadline(), Some(Timestamp(15_000)));
}

#[test]
fn what_a_host_says_of_a_task_becomes_an_event_that_exists() {
    let failed = |resource: &str, stage: FailedStage, started: bool| {
        let machine = json!({"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": resource, "End": true}}});
        let mut run = Run::start(&machine, "{}", Quotas::aws(false));
        let task = run.open_task();
        if started {
            let _ = run.handle(Event::TaskStarted { task, worker_name: Some("w".into()) });
            assert!(!run.history.last().unwrap().to_json().contains("workerName") || resource.contains("activity"));
        }
        let _ = run.handle(Event::TaskFailed { task, stage, error: ErrorDetails::default() });
        let event = run.history.get(run.history.len() - 2).unwrap();
        history::check_rendered(&event.to_json()).unwrap();
        event.details.type_name().into_owned()
    };
    let (function, activity, service) = (
        "arn:aws:lambda:us-east-1:123456789012:function:f",
        "arn:aws:states:us-east-1:123456789012:activity:a",
        "arn:aws:states:::aws-sdk:s3:listBuckets",
    );
    for (resource, stage, before, after) in [
        (function, FailedStage::Scheduling, "LambdaFunctionScheduleFailed", "LambdaFunctionFailed"),
        (function, FailedStage::Starting, "LambdaFunctionStartFailed", "LambdaFunctionFailed"),
        (function, FailedStage::Submitting, "LambdaFunctionFailed", "LambdaFunctionFailed"),
        (activity, FailedStage::Scheduling, "ActivityScheduleFailed", "ActivityFailed"),
        (activity, FailedStage::Starting, "ActivityFailed", "ActivityFailed"),
        (activity, FailedStage::Submitting, "ActivityFailed", "ActivityFailed"),
        (service, FailedStage::Scheduling, "TaskStartFailed", "TaskFailed"),
        (service, FailedStage::Starting, "TaskStartFailed", "TaskFailed"),
        (service, FailedStage::Submitting, "TaskSubmitFailed", "TaskSubmitFailed"),
    ] {
        assert_eq!(failed(resource, stage, false), before);
        assert_eq!(failed(resource, stage, true), after);
    }
}
