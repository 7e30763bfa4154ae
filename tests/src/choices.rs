//! Where generated things draw from: a seed, or the bytes of a fuzzer.

/// A source of decisions. The same source gives the same decisions, on every machine, for ever.
#[derive(Clone, Debug)]
pub struct Choices {
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    /// The state of SplitMix64.
    Seed(u64),
    /// What is left, last byte first. Once it is used up every draw is 0, which is the simplest choice everywhere.
    Bytes(Vec<u8>),
}

impl Choices {
    /// Decisions from a seed.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        let mut choices = Self { source: Source::Seed(seed) };
        // Neighbouring seeds are to differ from the first draw on.
        choices.source = Source::Seed(choices.draw() ^ seed.rotate_left(32));
        choices
    }

    /// Decisions from bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self { source: Source::Bytes(bytes.iter().rev().copied().collect()) }
    }

    /// Whether bytes are used up. A seed never is.
    #[must_use]
    pub fn is_used_up(&self) -> bool {
        matches!(&self.source, Source::Bytes(left) if left.is_empty())
    }

    /// A number.
    pub fn draw(&mut self) -> u64 {
        match &mut self.source {
            Source::Seed(state) => {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                z ^ (z >> 31)
            }
            Source::Bytes(left) => {
                let (low, high) = (left.pop().unwrap_or(0), left.pop().unwrap_or(0));
                u64::from(u16::from_le_bytes([low, high]))
            }
        }
    }

    /// A number below `limit`; 0 if that is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.draw() % u64::try_from(limit.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True once in `n` times. A fuzzer's used-up bytes say no.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) + 1 == n
    }

    /// One of `from`, which is not empty.
    pub fn pick<'t, T: ?Sized>(&mut self, from: &[&'t T]) -> &'t T {
        let at = self.below(from.len());
        from.get(at).copied().expect("there is something to pick from")
    }

    /// A source of its own, which the draws from this one no longer influence.
    pub fn split(&mut self) -> Self {
        match &self.source {
            Source::Seed(_) => Self::from_seed(self.draw()),
            Source::Bytes(_) => self.clone(),
        }
    }
}
