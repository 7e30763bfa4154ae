//! The binary, from outside.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a panic is how tests fail")]

mod auto_mock;
mod bad_input;
mod eval;
mod folder;
mod help;
mod interrupt;
mod nested;
mod package;
mod remote;
mod remove;
mod run;
mod tasks;
mod validate;
