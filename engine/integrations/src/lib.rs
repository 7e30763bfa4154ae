//! Carries out tasks: what a Task's `Resource` and parameters are as a request to a service, what the service's answer is to the
//! execution, and (feature `caller`) the sending of the request itself.
//!
//! Two layers. The first is pure: [`request`] makes the request of a [`Task`], [`outcome`] makes the [`Event`] of its answer, and
//! [`nested`] does the same for the end of an execution that a task has started. It has no clock, no socket and no runtime, so that
//! whoever wants results shaped as the service shapes them can have that alone. The second, [`caller`], signs requests and sends
//! them.
//!
//! What is called: Lambda functions by their own ARN, and the optimised integrations of `lambda`, `sqs`, `sns`, `events`,
//! `dynamodb` and `states`. Activities are the host's own: their tasks wait for workers. All but Lambda is data: an operation is a
//! name, a protocol and two [shapes](shape), and a service that speaks one of the protocols is a row more.
//!
//! Source: developer guide, "Integrating optimized services" and "Handling errors"; names, order and spelling of members, of
//! headers, of errors and of causes as the service was recorded to give them; names on the wire, and which errors a service has: its
//! API model.
//!
//! [`Event`]: statewright_interpreter::event::Event

#[cfg(feature = "caller")]
pub mod caller;
mod events;
mod failure;
pub mod lambda;
mod metadata;
pub mod nested;
mod outcome;
pub mod query;
mod request;
pub mod s3;
pub mod service;
pub mod shape;
mod task;

pub use outcome::{Outcome, Response, TransportError, outcome};
pub use request::{Request, RequestError, request};
pub use task::{Origin, Task};
