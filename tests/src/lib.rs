//! Tests across the crates.

pub mod conformance;
pub mod subject;
