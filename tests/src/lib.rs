//! Tests across the crates.

pub mod conformance;
