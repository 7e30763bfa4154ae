//! Choices that a generator makes: from a seed, or again from a list, which is how what it generates gets smaller.

/// Where choices come from, and those that were made.
pub(crate) struct Choices {
    state: u64,
    given: Option<Vec<u32>>,
    made: Vec<u32>,
}

impl Choices {
    pub(crate) fn from_seed(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x2545_f491_4f6c_dd1d), given: None, made: Vec::new() }
    }

    /// The choices of a list; what is missing is 0, the simplest.
    pub(crate) fn from_list(list: Vec<u32>) -> Self {
        Self { state: 0, given: Some(list), made: Vec::new() }
    }

    pub(crate) fn into_made(self) -> Vec<u32> {
        self.made
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 up to `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = end.max(1);
        let chosen = match &self.given {
            Some(list) => list.get(self.made.len()).copied().unwrap_or(0) as usize % end,
            None => usize::try_from(self.next() % end as u64).unwrap_or(0),
        };
        self.made.push(u32::try_from(chosen).unwrap_or(0));
        chosen
    }

    /// Whether something that happens once in `times` does.
    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// Lists of choices that are shorter or simpler than `list`, the boldest first.
pub(crate) fn smaller(list: &[u32]) -> Vec<Vec<u32>> {
    let mut all = Vec::new();
    let mut size = list.len() / 2;
    while size > 0 {
        for from in (0..list.len()).step_by(size) {
            let to = (from + size).min(list.len());
            all.push([&list[..from], &list[to..]].concat());
            if list[from..to].iter().any(|choice| *choice != 0) {
                let mut zeroed = list.to_vec();
                zeroed[from..to].fill(0);
                all.push(zeroed);
            }
        }
        size /= 2;
    }
    for (at, choice) in list.iter().enumerate() {
        for less in [choice / 2, choice.saturating_sub(1)] {
            if less < *choice {
                let mut lowered = list.to_vec();
                lowered[at] = less;
                all.push(lowered);
            }
        }
    }
    all
}
