//! Task tokens: what a worker hands back to name its task.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::history::EventId;
use crate::inputs::Draws;

/// A task token, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskToken {
    /// The execution.
    pub execution_arn: Arc<str>,
    /// The attempt of the task.
    pub task: EventId,
    /// What only somebody who was given the token knows.
    check: u64,
}

/// Marks the layout of a token.
const LAYOUT: &str = "1";

impl TaskToken {
    /// Reads a token; `None` when it is none of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let mut parts = plain.split('\n');
        let (layout, check, task, execution_arn) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        (layout == LAYOUT && parts.next().is_none()).then_some(())?;
        let check = u64::from_str_radix(check, 16).ok()?;
        Some(Self { execution_arn: execution_arn.into(), task: EventId(task.parse().ok()?), check })
    }
}

/// The token of the task `task` in the execution `execution_arn`, whose `seed` nobody outside knows.
pub(super) fn of(execution_arn: &str, task: EventId, seed: u128) -> Arc<str> {
    let check = check(task, seed);
    URL_SAFE_NO_PAD.encode(format!("{LAYOUT}\n{check:016x}\n{}\n{execution_arn}", task.0)).into()
}

/// Whether `token` was made for its task with this `seed`.
pub(super) fn is_genuine(token: &TaskToken, seed: u128) -> bool {
    token.check == check(token.task, seed)
}

fn check(task: EventId, seed: u128) -> u64 {
    // The highest bit keeps these draws apart from those of expressions.
    Draws::new(seed, task.0 | 1 << 63).next_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_task_and_cannot_be_guessed() {
        let token = TaskToken::parse(&of("arn:aws:states:us-east-1:123456789012:execution:m:e", EventId(7), 42)).unwrap();
        assert_eq!((&*token.execution_arn, token.task), ("arn:aws:states:us-east-1:123456789012:execution:m:e", EventId(7)));
        assert!(is_genuine(&token, 42));
        assert!(!is_genuine(&token, 43));
        assert!(!is_genuine(&TaskToken { task: EventId(8), ..token }, 42));
        assert_eq!(TaskToken::parse("garbage"), None);
        assert_eq!(TaskToken::parse(""), None);
    }
}
