//! The driver in a world where things go wrong. `STATEWRIGHT_SEEDS=N` runs N seeds.

use std::collections::BTreeMap;

use statewright_tests::properties::seeds;
use statewright_tests::simulation::simulate;

#[test]
fn an_execution_ends_alike_whatever_goes_wrong_on_the_way() {
    let (mut faults, mut comparisons) = (0, BTreeMap::new());
    for seed in 0..seeds(300) {
        let report = simulate(seed).unwrap_or_else(|failure| panic!("{failure}"));
        faults += report.faults;
        *comparisons.entry(format!("{:?}", report.comparison)).or_insert(0) += 1;
    }
    assert!(faults > 300, "{faults} faults happened");
    assert_eq!(comparisons.len(), 3, "{comparisons:?}");
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 0..20 {
        let run = || simulate(seed).map(|report| format!("{report:?}")).unwrap_or_else(|failure| failure.to_string());
        assert_eq!(run(), run(), "seed {seed}");
    }
}
