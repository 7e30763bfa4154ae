//! Who asks, when, and what the world gives: everything an operation does not find in its request or in the table.

use std::fmt;

use statewright_interpreter::time::Timestamp;

use super::signature::Verified;

/// Who asks, and when. Time and randomness come from here alone.
pub struct Caller<'a> {
    /// `aws`, `aws-cn`, ….
    pub partition: &'a str,
    /// The region whose ARNs are made.
    pub region: &'a str,
    /// The account, twelve digits.
    pub account: &'a str,
    /// The time.
    pub now: Timestamp,
    /// Fresh random bits with each call. What comes of one call must not tell what comes of another: names, which everybody sees, and
    /// the seeds of executions, of which task tokens are made, come from here.
    pub random: &'a (dyn Fn() -> u128 + Sync),
    /// The request, where it was signed with a key pair of ours: an execution that it starts and does not name is named after it, so that
    /// the request starts nothing more when it is sent again.
    pub verified: Option<&'a Verified>,
}

impl fmt::Debug for Caller<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("region", &self.region).field("account", &self.account).finish_non_exhaustive()
    }
}

impl Caller<'_> {
    /// The ARN of something of this account: `kind` and what follows it.
    pub(super) fn arn(&self, kind: &str, rest: &str) -> String {
        let Self { partition, region, account, .. } = self;
        format!("arn:{partition}:states:{region}:{account}:{kind}:{rest}")
    }

    /// A random UUID (version 4).
    #[must_use]
    pub fn uuid(&self) -> String {
        uuid((self.random)())
    }

    /// A random name for something that only we see, of 22 characters that sort keys may hold.
    pub(super) fn id(&self) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode((self.random)().to_be_bytes())
    }
}

/// The UUID of version 4 that has these bits.
pub(super) fn uuid(bits: u128) -> String {
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{bits:032x}");
    let part = |from, to| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

#[cfg(test)]
mod tests {
    use super::uuid;

    #[test]
    fn uuids_are_of_version_4() {
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef), "01234567-89ab-4def-8123-456789abcdef");
    }
}
