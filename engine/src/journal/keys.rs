//! Where the items of an execution stand.
//!
//! They stand in one partition, `x#<state machine>:<execution>`, but for large payloads, which are spread over eight more, `…#<0 to 7>`, because
//! a partition takes a megabyte in a second and no more:
//!
//! | sort key | holds |
//! |---|---|
//! | `0` | the first commit, which creates the execution |
//! | `i#<incarnation>#<key>` | a posted event |
//! | `j#<incarnation>#<version>` | a later commit |
//! | `p#<incarnation>#<version>#<writer>#<payload>#<part>` | a part of a payload that is too large for its commit |
//! | `q#<incarnation>#<version>#<writer>#<part>` | a part of a commit that is too large for one item |
//!
//! The incarnation is the time at which the execution was started: what is left over of an earlier execution of the same name, which
//! its time to live has not deleted yet, is never mixed with it. Incarnations and versions are written so that the newest comes first:
//! a query from the beginning gives the first commit, the inbox, and the newest commits.

use statewright_interpreter::payload::PayloadId;

use crate::store::ExecutionArn;
use crate::table::Key;

/// The version of the first commit.
pub(super) const FIRST: u32 = 1;

/// The partition of an execution.
pub(super) fn partition(execution: &ExecutionArn) -> String {
    // arn:aws:states:us-east-1:123456789012:execution:machine:name; the deployment is in one account and region.
    let name = execution.0.splitn(7, ':').nth(6).unwrap_or(&execution.0);
    format!("x#{name}")
}

/// So many partitions hold the large payloads of an execution.
const SPREAD: u32 = 8;

/// The partition of a large payload of the execution in `partition`.
pub(super) fn apart(partition: &str, payload: PayloadId) -> String {
    format!("{partition}#{}", payload.0 % SPREAD)
}

/// All partitions of the execution in `partition`.
pub(super) fn all(partition: &str) -> impl Iterator<Item = String> {
    let first = partition.to_owned();
    let spread = (0..SPREAD).map(move |number| format!("{first}#{number}"));
    std::iter::once(partition.to_owned()).chain(spread)
}

/// Sort keys of one execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sorts {
    incarnation: u64,
}

impl Sorts {
    /// Those of the execution that was started at `started`, in milliseconds since the epoch.
    pub(super) fn new(started: i64) -> Self {
        Self { incarnation: started.cast_unsigned() }
    }

    fn prefix(self, letter: char) -> String {
        // Milliseconds fit into eleven digits for the next five centuries.
        format!("{letter}#{:011x}#", 0xfff_ffff_ffff_u64.saturating_sub(self.incarnation))
    }

    pub(super) fn commit(self, version: u32) -> String {
        if version == FIRST { "0".to_owned() } else { format!("{}{:08x}", self.prefix('j'), u32::MAX - version) }
    }

    pub(super) fn commits(self) -> String {
        self.prefix('j')
    }

    /// The version of a commit from its sort key; `None` if it is another execution's, or no commit.
    pub(super) fn version(self, sort: &str) -> Option<u32> {
        if sort == "0" {
            return Some(FIRST);
        }
        let inverted = sort.strip_prefix(&self.prefix('j'))?;
        Some(u32::MAX - u32::from_str_radix(inverted, 16).ok()?)
    }

    /// Whether a sort key is that of something that stays as long as the execution is kept: all but what was posted.
    pub(super) fn is_kept(self, sort: &str) -> bool {
        sort == "0" || ['j', 'p', 'q'].into_iter().any(|letter| sort.starts_with(&self.prefix(letter)))
    }

    pub(super) fn inbox(self, key: &str) -> String {
        format!("{}{key}", self.prefix('i'))
    }

    /// The key of a posted event from its sort key.
    pub(super) fn inbox_key(self, sort: &str) -> Option<&str> {
        sort.strip_prefix(&self.prefix('i'))
    }

    pub(super) fn payload_part(self, version: u32, writer: u64, payload: u32, part: usize) -> String {
        format!("{}{:08x}#{writer:016x}#{payload:08x}#{part:03}", self.prefix('p'), u32::MAX - version)
    }

    pub(super) fn commit_part(self, version: u32, writer: u64, part: usize) -> String {
        format!("{}{:08x}#{writer:016x}#{part:03}", self.prefix('q'), u32::MAX - version)
    }
}

pub(super) fn key(partition: &str, sort: String) -> Key {
    Key { partition: partition.to_owned(), sort }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_comes_first_and_incarnations_are_apart() {
        let (old, new) = (Sorts::new(1_000), Sorts::new(2_000));
        let mut sorts = vec![old.commit(9), new.commit(2), new.commit(10), new.inbox("b"), new.commit(1), old.inbox("a")];
        sorts.sort();
        assert_eq!(sorts, vec![new.commit(1), new.inbox("b"), old.inbox("a"), new.commit(10), new.commit(2), old.commit(9)]);
        assert_eq!(new.version(&new.commit(10)), Some(10));
        assert_eq!(new.version("0"), Some(1));
        assert_eq!(new.version(&old.commit(9)), None);
        assert_eq!(new.inbox_key(&new.inbox("stop")), Some("stop"));
        assert_eq!(new.inbox_key(&old.inbox("stop")), None);
        let arn = ExecutionArn("arn:aws:states:us-east-1:123456789012:execution:m:a:b".into());
        assert_eq!(partition(&arn), "x#m:a:b");
    }
}
