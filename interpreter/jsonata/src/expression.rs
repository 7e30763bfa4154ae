//! Expressions: compiling and evaluating.

use statewright_value::Value;

use crate::Error;
use crate::compile::{self, Compiled};
use crate::eval::Machine;
use crate::host::{Host, HostFunction};
use crate::item::Val;
use crate::meter::{Limits, Meter};
use crate::reference::{Reference, references};

/// A compiled expression. It can be shared between threads, and evaluated any number of times.
#[derive(Debug)]
pub struct Expression {
    compiled: Compiled,
}

/// What an expression is evaluated in.
#[derive(Clone, Copy, Default)]
pub struct Scope<'a> {
    /// The context at the top level, `$` and `$$`; nothing if there is none.
    pub input: Option<&'a Value>,
    /// Values of variables, by name without the `$`. The last of two with the same name counts.
    pub bindings: &'a [(&'a str, Value)],
    /// Tables of functions that are added to those of the language, or take their places. The first of two with the same name counts.
    pub functions: &'a [&'a [HostFunction]],
    /// What the evaluation may use.
    pub limits: Limits,
}

/// What an expression evaluates to.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Nothing: the expression refers to what is not there.
    Nothing,
    /// A value.
    Value(Value),
    /// A function, or a value that holds one, which is no JSON.
    Function,
}

impl Outcome {
    /// The value, if it is one.
    #[must_use]
    pub fn into_value(self) -> Option<Value> {
        if let Self::Value(value) = self { Some(value) } else { None }
    }
}

/// A host without a clock and without randomness: the time is 1970, and every random number is 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHost;

impl Host for NoHost {
    fn now_millis(&mut self) -> i64 {
        0
    }

    fn next_u64(&mut self) -> u64 {
        0
    }
}

impl Expression {
    /// Compiles an expression.
    ///
    /// # Errors
    ///
    /// The first thing in the text that is no JSONata, with its place.
    pub fn compile(text: &str) -> Result<Self, Error> {
        Ok(Self { compiled: compile::parse(text)? })
    }

    /// What the expression refers to outside of itself: names of the input, and variables and functions that it does not bind.
    #[must_use]
    pub fn references(&self) -> Vec<Reference<'_>> {
        references(&self.compiled)
    }

    /// Evaluates the expression.
    ///
    /// # Errors
    ///
    /// What the expression fails with, with the place of the part that failed; or the bound that it reached.
    pub fn evaluate(&self, scope: &Scope<'_>, host: &mut dyn Host) -> Result<Outcome, Error> {
        let meter = Meter::new(&scope.limits);
        let mut machine = Machine::new(&self.compiled, &meter, scope.bindings, scope.functions, host);
        let input = scope.input.map_or(Val::Undefined, Val::lent);
        Ok(match machine.run(input)? {
            Val::Undefined => Outcome::Nothing,
            value => value.into_json(&meter)?.map_or(Outcome::Function, Outcome::Value),
        })
    }
}
