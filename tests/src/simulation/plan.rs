//! What goes wrong, and when: drawn from a seed before a run, so that single faults can be left out of it.

use std::fmt;

use crate::choices::Choices;

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The execution that has to do with it, by number.
    pub execution: usize,
    /// It happens at the first place it fits at or after so many places where something can go wrong for that execution.
    pub after: u32,
    /// What goes wrong.
    pub kind: Kind,
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A function stops for good at an await point.
    Crash,
    /// A function stands still for so many seconds, and goes on when nobody expects it to live.
    Freeze(u32),
    /// A wake-up comes from nowhere: another driver begins, and the two take turns.
    Rival,
    /// The table does not write, and says so.
    PutFails,
    /// The table is too busy to write.
    PutThrottled,
    /// The table writes, and says that it failed.
    PutUnknown,
    /// The table says that it failed, and writes so many milliseconds later.
    PutLate(u32),
    /// The layer below sends a commit twice: the second finds the first.
    PutTwice,
    /// The table cannot be read.
    ReadFails,
    /// The table is too busy to be read.
    ReadThrottled,
    /// The table does not delete.
    DeleteFails,
    /// The queue refuses a wake-up.
    WakeFails,
    /// A wake-up comes twice, the second time so many milliseconds later.
    WakeTwice(u32),
    /// A wake-up comes so many milliseconds late.
    WakeLate(u32),
    /// A wake-up was dealt with, and the queue does not hear of it.
    AckLost,
    /// The queue does not hear until when a driver has its message.
    HideFails,
    /// The sweep overlooks a reminder, once.
    SweepMisses,
    /// A task that a driver waits for takes so many seconds longer than the driver may stay.
    TaskSlow(u32),
    /// A task cannot be started or passed on.
    StartTaskFails,
    /// A task is passed on twice.
    WorkTwice,
    /// A task is passed on so many seconds late.
    WorkLate(u32),
    /// A worker stops, and another one takes its message later.
    WorkerCrash,
    /// Something that happened is told twice.
    TellTwice,
    /// The execution is started twice at once.
    StartTwice,
    /// Somebody stops the execution.
    Stop,
}

impl Kind {
    /// The kind's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Freeze(_) => "freeze",
            Self::Rival => "rival",
            Self::PutFails => "put fails",
            Self::PutThrottled => "put throttled",
            Self::PutUnknown => "put of unknown outcome",
            Self::PutLate(_) => "put of unknown outcome, late",
            Self::PutTwice => "put sent twice",
            Self::ReadFails => "read fails",
            Self::ReadThrottled => "read throttled",
            Self::DeleteFails => "delete fails",
            Self::WakeFails => "wake-up refused",
            Self::WakeTwice(_) => "wake-up twice",
            Self::WakeLate(_) => "wake-up late",
            Self::AckLost => "wake-up redelivered",
            Self::HideFails => "wake-up hidden too long",
            Self::SweepMisses => "sweep misses",
            Self::TaskSlow(_) => "task slow",
            Self::StartTaskFails => "task not started",
            Self::WorkTwice => "task passed on twice",
            Self::WorkLate(_) => "task passed on late",
            Self::WorkerCrash => "worker crash",
            Self::TellTwice => "event told twice",
            Self::StartTwice => "started twice",
            Self::Stop => "stopped",
        }
    }

    /// Whether it may cost a starter its life, so that a task is started again or set to fail.
    #[must_use]
    pub(super) fn may_kill(self) -> bool {
        match self {
            Self::Rival
            | Self::PutTwice
            | Self::WakeTwice(_)
            | Self::WakeLate(_)
            | Self::AckLost
            | Self::HideFails
            | Self::SweepMisses
            | Self::TellTwice
            | Self::StartTwice
            | Self::Stop
            | Self::DeleteFails => false,
            Self::Crash
            | Self::Freeze(_)
            | Self::PutFails
            | Self::PutThrottled
            | Self::PutUnknown
            | Self::PutLate(_)
            | Self::ReadFails
            | Self::ReadThrottled
            | Self::WakeFails
            | Self::TaskSlow(_)
            | Self::StartTaskFails
            | Self::WorkTwice
            | Self::WorkLate(_)
            | Self::WorkerCrash => true,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of execution {} at {}", self.kind, self.execution, self.after)
    }
}

/// The faults of an execution.
pub(super) fn draw(choices: &mut Choices, execution: usize) -> Vec<Fault> {
    let mut faults: Vec<Fault> = (0..choices.below(6)).map(|_| fault(choices, execution)).collect();
    faults.sort_by_key(|fault| fault.after);
    faults
}

fn fault(choices: &mut Choices, execution: usize) -> Fault {
    // Most executions are short.
    let reach = choices.between(1, 60);
    let after = u32::try_from(choices.below(reach)).unwrap_or(0);
    let up_to = |choices: &mut Choices, limit: usize| u32::try_from(choices.below(limit)).unwrap_or(0);
    let kind = match choices.below(32) {
        0..=3 => Kind::Crash,
        4 | 5 => Kind::Freeze(up_to(choices, 900)),
        6 | 7 => Kind::Rival,
        8 => Kind::PutFails,
        9 => Kind::PutThrottled,
        10 => Kind::PutUnknown,
        11 => Kind::PutLate(up_to(choices, 30_000)),
        12 | 13 => Kind::PutTwice,
        14 => Kind::ReadFails,
        15 => Kind::ReadThrottled,
        16 => Kind::DeleteFails,
        17 => Kind::WakeFails,
        18 => Kind::WakeTwice(up_to(choices, 60_000)),
        19 => Kind::WakeLate(up_to(choices, 900_000)),
        20 => Kind::AckLost,
        21 | 22 => Kind::SweepMisses,
        23 => Kind::TaskSlow(up_to(choices, 300)),
        24 => Kind::StartTaskFails,
        25 => Kind::WorkTwice,
        26 => Kind::WorkLate(up_to(choices, 300)),
        27 => Kind::WorkerCrash,
        28 => Kind::TellTwice,
        29 => Kind::StartTwice,
        30 => Kind::Stop,
        _ => Kind::HideFails,
    };
    Fault { execution, after, kind }
}
