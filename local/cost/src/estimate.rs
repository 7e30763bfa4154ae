//! What an execution will take, before there is one. The numbers come from what `cargo xtask cost` counts, which compares both.

use crate::{Prices, Usage};

/// What an execution does, whatever its payloads are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shape {
    /// States that are entered.
    pub transitions: f64,
    /// How often the driver goes on because results have come: those that come together count once.
    pub rounds: f64,
    /// Results of tasks.
    pub results: f64,
    /// Waits that nobody stays for: callbacks, and pauses of more than two seconds.
    pub waits: f64,
    /// Of these the ones that somebody ends by calling the API.
    pub callbacks: f64,
    /// Of these the ones for workers of activities.
    pub activities: f64,
    /// Tasks that the driver waits for, one after the other.
    pub tasks_in_line: f64,
    /// Tasks that are handed to the function of tasks, each a wait of its own.
    pub handed_on: f64,
    /// Of these the ones that are waited for one after the other.
    pub handed_on_in_line: f64,
    /// Seconds of short pauses that the driver stays for.
    pub paused_seconds: f64,
}

/// How the shape is used.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// What a task takes, in milliseconds.
    pub task_ms: f64,
    /// Bytes of a result, of JSON as services write it.
    pub result_bytes: f64,
    /// Executions that one invocation drives together.
    pub batch: f64,
    /// Whether new executions are driven without the queue, one an invocation: the template's `DirectStarts`.
    pub starts_directly: bool,
}

/// Memory of the function that answers the API, and of the one that drives, in megabytes: the template's own.
const API_MB: f64 = 256.0;
const DRIVE_MB: f64 = 128.0;
/// Processor time of a request to the API and of a commit, in milliseconds of a whole processor.
const REQUEST_CPU_MS: f64 = 0.65;
const COMMIT_CPU_MS: f64 = 0.5;
/// An item without results, and what is left of a result when it stands alone, and beside others like it.
const COMMIT_BYTES: f64 = 300.0;
const ALONE: f64 = 0.27;
const BESIDE: f64 = 0.19;

impl Shape {
    /// One after the other.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        Self {
            transitions: self.transitions + next.transitions,
            rounds: self.rounds + next.rounds,
            results: self.results + next.results,
            waits: self.waits + next.waits,
            callbacks: self.callbacks + next.callbacks,
            activities: self.activities + next.activities,
            tasks_in_line: self.tasks_in_line + next.tasks_in_line,
            handed_on: self.handed_on + next.handed_on,
            handed_on_in_line: self.handed_on_in_line + next.handed_on_in_line,
            paused_seconds: self.paused_seconds + next.paused_seconds,
        }
    }

    /// Both at once.
    #[must_use]
    pub fn beside(self, other: Self) -> Self {
        Self {
            rounds: self.rounds.max(other.rounds),
            tasks_in_line: self.tasks_in_line.max(other.tasks_in_line),
            handed_on_in_line: self.handed_on_in_line.max(other.handed_on_in_line),
            paused_seconds: self.paused_seconds.max(other.paused_seconds),
            ..self.then(other)
        }
    }

    /// `times` of it, `together` at once.
    #[must_use]
    pub fn times(self, times: f64, together: f64) -> Self {
        let waves = (times / together.max(1.0)).ceil();
        Self {
            transitions: self.transitions * times,
            rounds: self.rounds * waves,
            results: self.results * times,
            waits: self.waits * times,
            callbacks: self.callbacks * times,
            activities: self.activities * times,
            tasks_in_line: self.tasks_in_line * waves,
            handed_on: self.handed_on * times,
            handed_on_in_line: self.handed_on_in_line * waves,
            paused_seconds: self.paused_seconds * waves,
        }
    }

    /// Commits: the start, the first lease, one for each round, and two for each wait.
    fn commits(&self) -> f64 {
        1.0 + f64::from(u8::from(self.rounds + self.waits > 0.0)) + self.rounds + 2.0 * self.waits
    }

    /// Bytes of all results as they are stored.
    fn packed(&self, load: &Load) -> f64 {
        if self.results == 0.0 {
            return 0.0;
        }
        let in_round = (self.results / self.rounds.max(1.0)).max(1.0);
        let round = load.result_bytes * (ALONE + (in_round - 1.0) * BESIDE);
        round * self.results / in_round
    }

    /// What one execution that is started through the API takes.
    #[must_use]
    pub fn usage(&self, prices: &Prices, load: &Load) -> Usage {
        let latency = &prices.latency;
        let rounds = self.rounds.max(1.0);
        let round = units(COMMIT_BYTES + self.packed(load) / rounds);
        let begun = self.commits() - self.rounds;
        // Each wait: a place in the list of running executions, and a reminder where it is not for hours, both put and taken away.
        let places = 4.0 * self.waits - 2.0 * self.callbacks;
        // A worker's task is offered, and begun with a commit; the offer is taken away.
        let offers = 3.0 * self.activities;
        let writes = begun + self.rounds * round + 1.0 + places + offers;
        let started = f64::from(u8::from(begun > 1.0));
        let direct = if load.starts_directly { started } else { 0.0 };
        // A task that is handed on is a message, which a driver receives, and its result wakes another one.
        let woken = started - direct + (self.waits - self.callbacks) + 2.0 * self.handed_on;
        let drives = direct + woken;
        // Who calls back calls once; a worker asks for its task besides.
        let requests = 1.0 + self.callbacks + self.activities;
        // Whoever starts an execution reads its state machine as it was a moment ago, for half of what others pay.
        let reads = 0.5 + self.callbacks + 2.0 * self.activities + drives + 2.0 * self.handed_on;
        let wake_ms = if load.starts_directly { latency.invoke_ms } else { latency.sqs_ms };
        let api_ms = 2.0 * latency.dynamodb_ms + wake_ms;
        let calls = self.commits() + places + 2.0 * drives;
        let waited = self.tasks_in_line * (load.task_ms + latency.invoke_ms) + self.paused_seconds * 1000.0;
        let driven_ms = waited + calls * latency.dynamodb_ms;
        // Who is invoked directly drives one execution.
        let batch = if load.starts_directly { 1.0 } else { load.batch };
        let driving =
            if drives > 0.0 { prices.billed(driven_ms, self.commits() * COMMIT_CPU_MS * batch, DRIVE_MB) / batch } else { 0.0 };
        // The function of tasks claims a task, waits for it, and commits its result; those of one batch wait together.
        let handed_ms = load.task_ms + latency.invoke_ms + 4.0 * latency.dynamodb_ms;
        let handed = self.handed_on / load.batch;
        let waiting = handed * prices.billed(handed_ms, 2.0 * COMMIT_CPU_MS * load.batch, DRIVE_MB);
        let invocations = requests + direct + woken / load.batch + handed;
        Usage {
            writes,
            reads,
            sqs: woken + 2.0 * woken / load.batch,
            invocations,
            gb_seconds: requests * prices.billed(api_ms, REQUEST_CPU_MS, API_MB)
                + driving
                + waiting
                + prices.starts(invocations, DRIVE_MB),
            // A function says something only where something is wrong.
            log_bytes: 0.0,
        }
    }

    /// For how long an execution takes something, its waits not counted, in seconds.
    #[must_use]
    pub fn seconds(&self, load: &Load) -> f64 {
        (self.tasks_in_line + self.handed_on_in_line) * load.task_ms / 1000.0 + self.paused_seconds
    }
}

/// Write units of an item of about so many bytes: some are larger and some smaller.
fn units(bytes: f64) -> f64 {
    let spread = [-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3].map(|off| (bytes * (1.0 + off) / 1024.0).ceil().max(1.0));
    spread.iter().sum::<f64>() / 7.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: Shape = Shape { transitions: 1.0, rounds: 1.0, results: 1.0, tasks_in_line: 1.0, ..NOTHING };
    const NOTHING: Shape = Shape {
        transitions: 0.0,
        rounds: 0.0,
        results: 0.0,
        waits: 0.0,
        callbacks: 0.0,
        activities: 0.0,
        tasks_in_line: 0.0,
        handed_on: 0.0,
        handed_on_in_line: 0.0,
        paused_seconds: 0.0,
    };
    const LOAD: Load = Load { task_ms: 100.0, result_bytes: 2048.0, batch: 1.0, starts_directly: false };

    #[test]
    fn what_comes_together_is_committed_together() {
        let (line, map) = (TASK.times(40.0, 1.0), TASK.times(40.0, 40.0));
        assert_eq!((line.commits(), map.commits()), (42.0, 3.0));
        assert!(map.packed(&LOAD) < line.packed(&LOAD));
        assert_eq!(TASK.beside(TASK), Shape { transitions: 2.0, results: 2.0, ..TASK });
    }

    #[test]
    fn larger_results_and_longer_tasks_cost_more_and_batches_less() {
        let prices = Prices::shipped();
        let usage = |load: Load| TASK.times(10.0, 1.0).usage(&prices, &load);
        let usual = usage(LOAD);
        assert!(usage(Load { result_bytes: 8192.0, ..LOAD }).writes > usual.writes + 10.0);
        assert!(usage(Load { task_ms: 5000.0, ..LOAD }).gb_seconds > 10.0 * usual.gb_seconds);
        assert!(usage(Load { batch: 10.0, ..LOAD }).gb_seconds < usual.gb_seconds / 2.0);
        assert_eq!((usual.sqs, usual.invocations, usual.reads), (3.0, 2.0, 1.5));
        let direct = usage(Load { starts_directly: true, ..LOAD });
        assert_eq!((direct.sqs, direct.invocations), (0.0, 2.0), "an invocation needs no queue");
    }

    #[test]
    fn what_others_do_costs_messages_and_writes_instead_of_the_driver_s_time() {
        let prices = Prices::shipped();
        let usage = |shape: Shape| shape.usage(&prices, &LOAD);
        let waited_for = usage(TASK);
        let handed_on = Shape { transitions: 1.0, results: 1.0, waits: 1.0, handed_on: 1.0, handed_on_in_line: 1.0, ..NOTHING };
        let (long, dollars) =
            (usage(handed_on), |usage| prices.dollars(&usage, crate::Architecture::Arm64, crate::Billing::OnDemand).total());
        assert!(long.sqs >= waited_for.sqs + 6.0 && long.invocations >= waited_for.invocations + 3.0, "{long:?}");
        assert!(dollars(long) > 2.0 * dollars(waited_for));
        assert_eq!(handed_on.seconds(&LOAD), TASK.seconds(&LOAD));
        let ten = handed_on.times(10.0, 1.0);
        let slow = Load { task_ms: 60_000.0, ..LOAD };
        assert!(ten.usage(&prices, &slow).gb_seconds > 10.0 * 60.0 * 0.125, "somebody waits all the time");
        let callback = Shape { transitions: 1.0, results: 1.0, waits: 1.0, callbacks: 1.0, ..NOTHING };
        let (token, worker) = (usage(callback), usage(Shape { activities: 1.0, ..callback }));
        assert_eq!((worker.writes - token.writes, worker.invocations - token.invocations), (3.0, 1.0));
    }

    #[test]
    fn a_state_machine_that_waits_for_nothing_needs_no_driver() {
        let usage = Shape { transitions: 3.0, ..Shape::default() }.usage(&Prices::shipped(), &LOAD);
        assert_eq!((usage.writes, usage.sqs, usage.invocations), (2.0, 0.0, 1.0));
    }
}
