//! What an evaluation is given by its host: the time, random numbers, and more functions.

use std::fmt;
use std::sync::OnceLock;

use statewright_value::Value;

use crate::Error;
use crate::meter::Meter;
use crate::signature::Signature;

/// Time and randomness, of which the engine has none of its own.
pub trait Host {
    /// The time, in milliseconds since 1970-01-01T00:00:00Z. Asked once an evaluation at most, so that all of an expression sees
    /// the same time.
    fn now_millis(&mut self) -> i64;

    /// 64 random bits.
    fn next_u64(&mut self) -> u64;
}

/// A function that the host adds to the language, or puts in place of one of the language's.
pub struct HostFunction {
    name: &'static str,
    signature: &'static str,
    parsed: OnceLock<Signature>,
    arity: usize,
    run: HostRun,
}

/// What a host's function does with its arguments; `None` is an argument that is nothing.
pub type HostRun = fn(&mut HostCall<'_>, &[Option<Value>]) -> Result<Answer, Error>;

/// What a host's function answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Nothing.
    Nothing,
    /// A value.
    Value(Value),
    /// Many values, of which one alone is itself and none at all is nothing.
    Sequence(Vec<Value>),
}

/// What a host's function may use while it runs.
pub struct HostCall<'a> {
    pub(crate) host: &'a mut dyn Host,
    pub(crate) meter: &'a Meter,
}

impl HostFunction {
    /// The function `$name`, with its signature in JSONata's notation, such as `<a-n:a>`, and how many arguments it is called with
    /// when it is handed to another function.
    #[must_use]
    pub const fn new(name: &'static str, signature: &'static str, arity: usize, run: HostRun) -> Self {
        Self { name, signature, parsed: OnceLock::new(), arity, run }
    }

    /// Its name, without the `$`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn arity(&self) -> usize {
        self.arity
    }

    pub(crate) fn run(&self) -> HostRun {
        self.run
    }

    pub(crate) fn signature(&self) -> Result<&Signature, Error> {
        if let Some(signature) = self.parsed.get() {
            return Ok(signature);
        }
        let signature = Signature::parse(self.signature)?;
        Ok(self.parsed.get_or_init(|| signature))
    }
}

impl fmt::Debug for HostFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}{}", self.name, self.signature)
    }
}

impl HostCall<'_> {
    /// 64 random bits of the host's.
    pub fn next_u64(&mut self) -> u64 {
        self.host.next_u64()
    }

    /// Counts `count` rounds of a loop.
    ///
    /// # Errors
    ///
    /// When the evaluation's steps are used up.
    pub fn steps(&self, count: usize) -> Result<(), Error> {
        self.meter.steps(count)
    }

    /// Asks for room for `count` numbers or references before they are made.
    ///
    /// # Errors
    ///
    /// When they could not be held.
    pub fn room_for(&self, count: usize) -> Result<(), Error> {
        self.meter.foresee(count.saturating_mul(8))
    }
}
