//! Task tokens: what a worker hands back to name its task.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::history::EventId;
use crate::inputs::{Purpose, secret};

/// A task token, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskToken {
    /// The execution.
    pub execution_arn: Arc<str>,
    /// The attempt of the task.
    pub task: EventId,
    /// What only somebody who was given the token knows.
    check: u128,
}

/// Marks the layout of a token. Layout 1 had a check that followed from other tokens, and is accepted no more.
const LAYOUT: &str = "2";

impl TaskToken {
    /// Reads a token; `None` when it is none of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let mut parts = plain.split('\n');
        let (layout, check, task, execution_arn) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        (layout == LAYOUT && parts.next().is_none()).then_some(())?;
        let check = u128::from_str_radix(check, 16).ok()?;
        Some(Self { execution_arn: execution_arn.into(), task: EventId(task.parse().ok()?), check })
    }
}

/// The token of the task `task` in the execution `execution_arn`, whose `seed` nobody outside knows.
pub(super) fn of(execution_arn: &str, task: EventId, seed: u128) -> Arc<str> {
    let check = check(task, seed);
    URL_SAFE_NO_PAD.encode(format!("{LAYOUT}\n{check:032x}\n{}\n{execution_arn}", task.0)).into()
}

/// Whether `token` was made for its task with this `seed`.
pub(super) fn is_genuine(token: &TaskToken, seed: u128) -> bool {
    token.check == check(token.task, seed)
}

/// Half of a hash, which is as hard to guess as the seed.
fn check(task: EventId, seed: u128) -> u128 {
    let hash = secret(Purpose::TaskToken, seed, task.0, 0);
    u128::from_be_bytes(*hash.first_chunk().expect("256 bits are more than 128"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execution::attack::{guesses, halves};

    const ARN: &str = "arn:aws:states:us-east-1:123456789012:execution:m:e";

    #[test]
    fn a_token_names_its_task_and_cannot_be_guessed() {
        let token = TaskToken::parse(&of(ARN, EventId(7), 42)).unwrap();
        assert_eq!((&*token.execution_arn, token.task), (ARN, EventId(7)));
        assert!(is_genuine(&token, 42));
        assert!(!is_genuine(&token, 43));
        assert!(!is_genuine(&TaskToken { task: EventId(8), ..token }, 42));
        assert_eq!(TaskToken::parse("garbage"), None);
        assert_eq!(TaskToken::parse(""), None);
    }

    #[test]
    fn a_token_has_128_bits_that_nobody_knows_and_fits_where_tokens_fit() {
        let check = |task, seed| TaskToken::parse(&of(ARN, EventId(task), seed)).unwrap().check;
        for (task, seed) in [(7, 43), (8, 42), (7, 42 | 1 << 127), (7 | 1 << 63, 42)] {
            // Of 128 bits that are random 64 differ, give or take six for each standard deviation.
            let differ = (check(7, 42) ^ check(task, seed)).count_ones();
            assert!((32..=96).contains(&differ), "{differ}");
        }
        let arn = format!("arn:aws:states:us-gov-west-1:123456789012:execution:{}:{}", "m".repeat(80), "e".repeat(80));
        // Source: API model, `TaskToken`: at most 2,048 characters.
        assert!(of(&arn, EventId(u64::MAX), 42).len() <= 2048);
    }

    #[test]
    fn a_token_of_another_layout_is_none_of_ours() {
        let token = |layout: &str| URL_SAFE_NO_PAD.encode(format!("{layout}\n{:032x}\n7\n{ARN}", check(EventId(7), 42)));
        assert!(TaskToken::parse(&token("2")).is_some_and(|token| is_genuine(&token, 42)));
        assert_eq!(TaskToken::parse(&token("1")), None);
        assert_eq!(TaskToken::parse(&token("3")), None);
    }

    #[test]
    fn no_token_is_computed_from_the_others() {
        let seed = 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210;
        let tasks = [2, 3, 7, 20, 21, 400];
        for wanted in tasks {
            for known in tasks.into_iter().filter(|known| *known != wanted) {
                let given = TaskToken::parse(&of(ARN, EventId(known), seed)).unwrap();
                let secret = TaskToken::parse(&of(ARN, EventId(wanted), seed)).unwrap();
                for known_half in halves(given.check) {
                    let found = guesses(known_half, (known, wanted)).any(|guess| halves(secret.check).contains(&guess));
                    assert!(!found, "the token of {wanted} from that of {known}");
                }
            }
        }
    }
}
