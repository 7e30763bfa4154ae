//! Bounds: what an evaluation may use, and how much of it is used.
//!
//! Whatever an evaluation makes is weighed when it is made and released when it is dropped ([`Hold`]): eight bytes for a number or
//! a reference, more for a list or a function among others, one for a byte of text. Documents that are handed in weigh nothing, as they are shared. Every node that is
//! evaluated and every round of a loop inside a function is a step; what takes longer than an ordinary part (a call, a list or an object
//! that is made, a long text that is looked at) is several, so that a step takes about the same time whatever is done in it. Time
//! itself does not enter: the same evaluation always ends the same way.

use std::cell::Cell;

use crate::{Bound, Error};

/// What one evaluation may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Levels of evaluation: every part of an expression that is evaluated inside another is one, and so is what a function's body
    /// adds. Calls that end a function's body add none.
    ///
    /// It is what bounds the native stack: compiling takes less than 768 KiB of it, whatever the text, evaluating with
    /// [`Limits::AWS`] less than 512 KiB, and with 1,000 levels less than 4 MiB.
    pub depth: u32,
    /// Bytes held at once by what the evaluation has made.
    pub bytes: usize,
    /// Parts evaluated, and rounds of loops inside functions; what takes longer counts as several.
    pub steps: u64,
}

impl Limits {
    /// What Step Functions allows, as far as it was measured: about 100 levels; an array of 873,782 numbers but not of 873,783; a
    /// text of 2^22 characters but not of 2^23. Its bound on time is unknown; the bound on steps leaves room for a loop of a
    /// million rounds with two variables (10 steps each), and for little more: what runs away is stopped in about the time of that loop.
    pub const AWS: Limits = Limits { depth: 100, bytes: 873_782 * 8, steps: 10_400_000 };

    /// Bounds for trusted expressions on a thread with 4 MiB of stack or more.
    pub const WIDE: Limits = Limits { depth: 1_000, bytes: 1 << 30, steps: 1 << 40 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::AWS
    }
}

/// Bytes of text that are looked at in the time of a step.
const TEXT_PER_STEP: usize = 16;

/// What reading a byte of a picture takes, and what becomes of it weighs.
const PICTURE_STEPS: usize = 11;
const PICTURE_PART_BYTES: usize = 32;

/// What it takes to make an object or an array that others are put into: it costs as much as a few parts that are evaluated.
pub(crate) const MADE_STEPS: usize = 16;

/// How much of the limits is used.
#[derive(Debug)]
pub(crate) struct Meter {
    held: Cell<usize>,
    bytes_max: usize,
    steps_left: Cell<u64>,
    depth: Cell<u32>,
    depth_max: u32,
}

impl Meter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            held: Cell::new(0),
            bytes_max: limits.bytes,
            steps_left: Cell::new(limits.steps),
            depth: Cell::new(0),
            depth_max: limits.depth,
        }
    }

    /// Counts `count` steps.
    #[inline]
    pub(crate) fn steps(&self, count: usize) -> Result<(), Error> {
        let left = self.steps_left.get().checked_sub(count as u64);
        self.steps_left.set(left.unwrap_or(0));
        if left.is_some() { Ok(()) } else { Err(Error::bound(Bound::Steps)) }
    }

    /// Counts what it takes to look at `bytes` bytes of text one by one: a short text is part of the step that looks at it.
    #[inline]
    pub(crate) fn text(&self, bytes: usize) -> Result<(), Error> {
        if bytes < TEXT_PER_STEP { Ok(()) } else { self.steps(bytes / TEXT_PER_STEP) }
    }

    /// Counts what it takes to read a picture of so many bytes, and asks for room for its parts.
    pub(crate) fn picture(&self, bytes: usize) -> Result<(), Error> {
        self.foresee(bytes.saturating_mul(PICTURE_PART_BYTES))?;
        self.steps(MADE_STEPS + bytes.saturating_mul(PICTURE_STEPS))
    }

    /// Counts `count` steps that were made already: if there were not so many left, the next step fails.
    #[inline]
    pub(crate) fn spend(&self, count: usize) {
        self.steps_left.set(self.steps_left.get().saturating_sub(count as u64));
    }

    /// Goes one level deeper, which is a step. The level is left by [`Meter::leave`] unless the evaluation fails.
    #[inline]
    pub(crate) fn enter(&self) -> Result<(), Error> {
        let (depth, left) = (self.depth.get() + 1, self.steps_left.get());
        if depth > self.depth_max {
            return Err(Error::bound(Bound::Depth));
        }
        if left == 0 {
            return Err(Error::bound(Bound::Steps));
        }
        self.depth.set(depth);
        self.steps_left.set(left - 1);
        Ok(())
    }

    #[inline]
    pub(crate) fn leave(&self) {
        self.leave_all(1);
    }

    /// Leaves so many levels.
    #[inline]
    pub(crate) fn leave_all(&self, levels: u32) {
        self.depth.set(self.depth.get().saturating_sub(levels));
    }

    /// Counts a step one level deeper that is left at once.
    #[inline]
    pub(crate) fn touch(&self) -> Result<(), Error> {
        let left = self.steps_left.get();
        if self.depth.get() >= self.depth_max {
            return Err(Error::bound(Bound::Depth));
        }
        if left == 0 {
            return Err(Error::bound(Bound::Steps));
        }
        self.steps_left.set(left - 1);
        Ok(())
    }

    /// Counts `steps` two levels deeper that are left at once, unless that would reach a bound.
    #[inline]
    pub(crate) fn touch_deeper(&self, steps: u64) -> Option<()> {
        let left = self.steps_left.get().checked_sub(steps).filter(|_| self.depth.get() + 2 <= self.depth_max)?;
        self.steps_left.set(left);
        Some(())
    }

    /// How many levels are entered and how many steps are left.
    #[inline]
    pub(crate) fn used(&self) -> (u32, u64) {
        (self.depth.get(), self.steps_left.get())
    }

    /// Takes back what was counted since [`Meter::used`] answered `used`.
    #[inline]
    pub(crate) fn reset(&self, used: (u32, u64)) {
        self.depth.set(used.0);
        self.steps_left.set(used.1);
    }

    /// Fails if `bytes` are more than may be held at all.
    pub(crate) fn may_hold(&self, bytes: usize) -> Result<(), Error> {
        if bytes <= self.bytes_max { Ok(()) } else { Err(Error::bound(Bound::Memory)) }
    }

    /// Fails if `bytes` more than what is held could not be held.
    pub(crate) fn foresee(&self, bytes: usize) -> Result<(), Error> {
        match self.held.get().checked_add(bytes) {
            Some(held) if held <= self.bytes_max => Ok(()),
            _ => Err(Error::bound(Bound::Memory)),
        }
    }
}

/// A share of the bytes that may be held, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Hold<'e> {
    meter: &'e Meter,
    bytes: usize,
}

impl<'e> Hold<'e> {
    /// A hold on nothing yet.
    #[inline]
    pub(crate) fn new(meter: &'e Meter) -> Self {
        Self { meter, bytes: 0 }
    }

    /// A hold on `bytes`.
    pub(crate) fn on(meter: &'e Meter, bytes: usize) -> Result<Self, Error> {
        let mut hold = Self::new(meter);
        hold.grow(bytes)?;
        Ok(hold)
    }

    /// Holds `bytes` more.
    #[inline]
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Error> {
        let held = self.meter.held.get().saturating_add(bytes);
        if held > self.meter.bytes_max {
            return Err(Error::bound(Bound::Memory));
        }
        self.meter.held.set(held);
        self.bytes += bytes;
        Ok(())
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn meter(&self) -> &'e Meter {
        self.meter
    }
}

impl Drop for Hold<'_> {
    #[inline]
    fn drop(&mut self) {
        self.meter.held.set(self.meter.held.get().saturating_sub(self.bytes));
    }
}
