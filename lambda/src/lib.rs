//! The serverless host: what the engine asks for, on DynamoDB and SQS, for a program that runs in AWS Lambda.
//!
//! | module | holds |
//! |---|---|
//! | [`config`] | what the environment says a function is to do |
//! | [`function`] | what each function does with an invocation |
//! | [`tasks`] | who does tasks: the driver, or the function for those that take long |
//! | [`start`] | executions that events start |
//! | [`resource`] | state machines of CloudFormation stacks |
//! | [`dynamo`] | the table, on DynamoDB |
//! | [`aws`], [`log`], [`metrics`] | the way to AWS, and what is said about the work |

pub mod aws;
mod clock;
pub mod config;
pub mod dynamo;
pub mod function;
pub mod keys;
pub mod log;
pub mod metrics;
pub mod pattern;
pub mod resource;
mod sqs;
pub mod start;
pub mod tasks;
mod wakes;

pub use clock::TokioTimer;
pub use dynamo::DynamoTable;
pub use sqs::SqsQueue;
pub use wakes::{Direct, Wakes};
