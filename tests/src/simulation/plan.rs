//! What goes wrong, and when: drawn from a seed before a run, so that single faults can be left out of it.

use std::fmt;

use crate::choices::Choices;

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// It happens at the first place it fits at or after so many places where something can go wrong.
    pub after: u64,
    /// What goes wrong.
    pub kind: Kind,
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A driver stops for good at an await point: before or after a load, a commit, a dispatch or a wake-up.
    Crash,
    /// Another driver begins at an await point, and the two take turns.
    Rival,
    /// The store does not answer a load.
    LoadFails,
    /// The store does not write a commit, and says so.
    CommitFails,
    /// The store writes a commit, and says that it failed.
    UnknownOutcome,
    /// The queue refuses a wake-up.
    WakeFails,
    /// A wake-up is lost.
    WakeLost,
    /// A wake-up comes twice, the second time later.
    WakeTwice,
    /// A wake-up comes so many milliseconds late, behind others.
    WakeLate(u32),
    /// The queue refuses a task.
    DispatchFails,
    /// A task is lost.
    DispatchLost,
    /// A task is delivered twice.
    DispatchTwice,
    /// A task is delivered late.
    DispatchLate(u32),
    /// A worker does a task that another one has begun with or done.
    WorkedTwice,
    /// A worker stops before it sends a message, and another one begins from the start.
    WorkerCrash,
    /// A worker is slow.
    WorkerSlow(u32),
    /// A message of a worker is sent twice.
    PostTwice,
    /// The word that a task was started comes late, behind its result perhaps.
    StartedLate(u32),
    /// The clock of the drivers jumps by so many seconds.
    ClockJump(i32),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {}", self.kind, self.after)
    }
}

/// The faults of a run in which so many things can go wrong.
pub(super) fn draw(choices: &mut Choices, places: u64) -> Vec<Fault> {
    let places = usize::try_from(places).unwrap_or(usize::MAX).max(1);
    let mut faults: Vec<Fault> = (0..choices.between(1, 12)).map(|_| fault(choices, places)).collect();
    faults.sort_by_key(|fault| fault.after);
    faults
}

fn fault(choices: &mut Choices, places: usize) -> Fault {
    let after = choices.below(places) as u64;
    // Up to a quarter of an hour: longer than the time-outs of tasks that nobody answers.
    let millis = u32::try_from(choices.below(900_000)).unwrap_or(0);
    let kind = match choices.below(25) {
        0..=3 => Kind::Crash,
        4..=6 => Kind::Rival,
        7 => Kind::LoadFails,
        8 => Kind::CommitFails,
        9 | 10 => Kind::UnknownOutcome,
        11 => Kind::WakeFails,
        12 => Kind::WakeLost,
        13 => Kind::WakeTwice,
        14 => Kind::WakeLate(millis),
        15 => Kind::DispatchFails,
        16 => Kind::DispatchLost,
        17 => Kind::DispatchTwice,
        18 => Kind::DispatchLate(millis),
        19 => Kind::WorkerCrash,
        20 => Kind::WorkerSlow(millis),
        21 => Kind::PostTwice,
        22 => Kind::WorkedTwice,
        23 => Kind::StartedLate(millis),
        _ => Kind::ClockJump(i32::try_from(choices.below(14_400)).unwrap_or(0) - 7200),
    };
    Fault { after, kind }
}
