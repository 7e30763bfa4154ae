//! The serverless host: what the engine asks for, on DynamoDB and SQS, for a program that runs in AWS Lambda.

pub mod aws;
pub mod dynamo;
pub mod start;
mod wakes;

pub use dynamo::DynamoTable;
pub use wakes::SqsWakes;
