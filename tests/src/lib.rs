//! Tests across the crates.

pub mod conformance;
pub mod play;
pub mod subject;
