//! The serverless host in a world where things go wrong. `STATEWRIGHT_SEEDS=N` runs N seeds.

use std::collections::BTreeSet;

use statewright_tests::properties::seeds;
use statewright_tests::simulation::{Options, Report, Without, simulate};

const SHORT: Options = Options { executions: 8, read_back_each: 1, without: None, deploys: true, minimise: true };

#[test]
fn an_execution_ends_alike_whatever_goes_wrong_on_the_way() {
    let mut total = Report::default();
    for seed in 0..seeds(12) {
        total.add(&simulate(seed, SHORT).unwrap_or_else(|failure| panic!("{failure}")));
    }
    let faults: usize = total.faults.values().sum();
    assert!(faults > total.executions, "{faults} faults happened to {} executions", total.executions);
    let comparisons: BTreeSet<_> = total.ends.keys().map(|(_, comparison)| comparison).collect();
    assert_eq!(comparisons.len(), 3, "{total:?}");
}

/// Worlds that once did not end: a driver that handed over looked again and again at what was due and not its own to begin.
#[test]
fn who_hands_over_rests_while_it_waits() {
    for seed in [1559, 1593] {
        let options = Options { executions: 100, read_back_each: 20, deploys: false, ..SHORT };
        simulate(seed, options).unwrap_or_else(|failure| panic!("{failure}"));
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 0..2 {
        let run = || simulate(seed, SHORT).map(|report| format!("{report:?}")).unwrap_or_else(|failure| failure.to_string());
        assert_eq!(run(), run(), "seed {seed}");
    }
}

#[test]
fn every_mechanism_is_needed() {
    for (name, without) in Without::ALL {
        let options = Options { without: Some(without), minimise: false, ..SHORT };
        // Few executions outlive their items; a seed is known whose world has some.
        let (from, options) = match without {
            Without::Refresh => (23, Options { executions: 100, read_back_each: 20, ..options }),
            _ => (0, options),
        };
        assert!((from..from + seeds(200)).any(|seed| simulate(seed, options).is_err()), "nothing fails without {name}");
    }
}
