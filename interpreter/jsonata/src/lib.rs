//! JSONata as AWS Step Functions runs it.

mod error;
mod number;
mod picture;

pub use error::{Bound, Error};
