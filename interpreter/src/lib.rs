//! A pure interpreter of the Amazon States Language.

pub mod error;
pub mod inputs;
pub mod intrinsic;
mod java_hash;
pub mod json_path;
pub mod path;
pub mod template;
pub mod time;

pub use statewright_value::Value;
