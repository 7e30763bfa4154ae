//! A pure interpreter of the Amazon States Language.

pub mod command;
pub mod definition;
pub mod error;
pub mod event;
pub mod execution;
pub mod expression;
pub mod history;
pub mod inputs;
pub mod intrinsic;
pub mod java_hash;
pub mod json_path;
pub mod path;
pub mod payload;
pub mod quota;
pub mod template;
pub mod time;

pub use statewright_value::{Object, Value};
