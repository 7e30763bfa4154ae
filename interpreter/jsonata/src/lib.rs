//! JSONata as AWS Step Functions runs it.
//!
//! An [`Expression`] is compiled once and evaluated many times, on values that are shared with their documents and never converted
//! or copied. It is the language of JSONata 2.0.6 with the newer printing of numbers; integers are exact within 64 bits. Every
//! evaluation has [`Limits`]: on levels, on bytes held and on steps, and none on time, so that the same evaluation always ends the
//! same way.
//!
//! ```
//! use statewright_jsonata::{Expression, NoHost, Outcome, Scope};
//! use statewright_value::Value;
//!
//! let expression = Expression::compile("$sum($order.lines.(price * quantity)) & ' in total'").unwrap();
//! let order = Value::parse(r#"{"lines": [{"price": 2.5, "quantity": 2}, {"price": 10, "quantity": 1}]}"#).unwrap();
//! let scope = Scope { bindings: &[("order", order)], ..Scope::default() };
//! assert_eq!(expression.evaluate(&scope, &mut NoHost).unwrap(), Outcome::Value(Value::from("15 in total")));
//! ```

pub mod aws;
mod case;
mod compile;
mod error;
mod eval;
mod expression;
mod frame;
mod function;
mod host;
mod item;
mod meter;
mod number;
mod picture;
mod reference;
mod regex;
mod sequence;
mod signature;

pub use error::{Bound, Error};
pub use expression::{Expression, NoHost, Outcome, Scope};
pub use host::{Answer, Host, HostCall, HostFunction, HostRun};
pub use meter::Limits;
pub use reference::Reference;

/// Whether the language itself has a function called `name`, which is given without its `$`.
#[must_use]
pub fn has_function(name: &str) -> bool {
    function::find(name).is_some()
}

/// The README's example is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
