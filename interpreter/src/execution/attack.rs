//! What somebody computes who has seen some of an execution's random numbers, for tests that it is in vain.

/// The finaliser of SplitMix64, with which fast generators of random numbers end.
fn mix(z: u64) -> u64 {
    let z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What [`mix`] was given.
fn unmix(z: u64) -> u64 {
    let z = (z ^ (z >> 31) ^ (z >> 62)).wrapping_mul(0x3196_42b2_d24d_8ec3);
    let z = (z ^ (z >> 27) ^ (z >> 54)).wrapping_mul(0x96de_1b17_3f11_9089);
    (z ^ (z >> 30) ^ (z >> 60)).wrapping_sub(0x9e37_79b9_7f4a_7c15)
}

/// What the number that belongs to one event is if `known` belongs to another, and each is one secret, added to the id of the event,
/// combined with another secret and mixed once or twice.
pub(crate) fn guesses(known: u64, (of_known, of_wanted): (u64, u64)) -> impl Iterator<Item = u64> {
    // What the addition carries is known but for the lowest bits of the secret.
    let apart = (0..4096_u64).map(move |low| low.wrapping_add(of_known) ^ low.wrapping_add(of_wanted));
    apart.flat_map(move |apart| [mix(unmix(known) ^ apart), mix(mix(unmix(unmix(known)) ^ apart))])
}

/// The 64 bits that may be such a number.
#[expect(clippy::cast_possible_truncation, reason = "takes the two halves")]
pub(crate) fn halves(number: u128) -> [u64; 2] {
    [(number >> 64) as u64, number as u64]
}

#[test]
fn the_attack_finds_what_is_only_mixed() {
    let number = |event: u64| mix(mix(0x0123_4567_89ab_cdef_u64.wrapping_add(event) ^ 0xfedc_ba98_7654_3210));
    for (known, wanted) in [(2, 3), (7, 400), (400, 7)] {
        assert!(guesses(number(known), (known, wanted)).any(|guess| guess == number(wanted)), "{wanted} from {known}");
    }
}
