//! Tests across the crates.

pub mod choices;
pub mod components;
pub mod conformance;
pub mod deployment;
pub mod fuzz;
pub mod generate;
pub mod hosted;
pub mod play;
pub mod properties;
pub mod simulation;
pub mod stage;
pub mod subject;
