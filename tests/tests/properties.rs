//! The invariants of an execution, over generated machines and event sequences. `STATEWRIGHT_SEEDS=N` tries N seeds each.
#![expect(clippy::panic, reason = "a panic is how a test fails")]

use statewright_interpreter::execution::Status;
use statewright_interpreter::quota::Quotas;
use statewright_tests::choices::Choices;
use statewright_tests::generate::{Machine, Shape, machine};
use statewright_tests::properties::{
    BoundedWork, ChangesAddUp, Commands, FramesAreATree, LinearHistory, NoSilentStall, NothingDue, PayloadsOnce, Property,
    RenderedEvents, Restores, StatesByName, Style, TwiceIsOnce, Walked, definition_of, seeds, walk,
};

/// The machine of a seed, and what a walk draws from then on.
fn generated(seed: u64, shape: Shape) -> (Machine, Choices) {
    let mut choices = Choices::from_seed(seed);
    let machine = machine(&mut choices, shape);
    (machine, choices)
}

fn shape(seed: u64) -> Shape {
    match seed % 5 {
        0 | 1 => Shape::WILD,
        2 => Shape::RACING,
        3 => Shape::CONFLUENT,
        _ => Shape::SERIAL,
    }
}

fn style(seed: u64) -> Style {
    // Some histories are full before the machine is done.
    let history_events_max = if seed.is_multiple_of(7) { 5 + seed % 60 } else { 25_000 };
    Style { tame: seed.is_multiple_of(3), quotas: Quotas { history_events_max, ..Quotas::aws(false) }, ..Style::default() }
}

fn walked(seed: u64, style: Style, properties: &mut [&mut dyn Property]) -> Walked {
    let (machine, mut choices) = generated(seed, shape(seed));
    walk(&mut choices, &machine, style, properties)
        .unwrap_or_else(|error| panic!("seed {seed}: {error}\n{}\n{}", machine.definition, machine.input))
}

fn holds<P: Property + Default>() {
    for seed in 0..seeds(80) {
        walked(seed, style(seed), &mut [&mut P::default()]);
    }
}

#[test]
fn generated_machines_are_accepted_and_of_every_type() {
    let mut types = std::collections::BTreeMap::new();
    for seed in 0..seeds(500) {
        let (machine, _) = generated(seed, shape(seed));
        let definition = definition_of(&machine).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        for (_, state) in definition.states() {
            *types.entry(state.type_name()).or_insert(0) += 1;
        }
    }
    assert_eq!(types.len(), 8, "{types:?}");
}

#[test]
fn walks_end_in_every_way() {
    let mut ends = std::collections::BTreeMap::new();
    for seed in 0..seeds(300) {
        *ends.entry(walked(seed, style(seed), &mut []).execution.status().as_str()).or_insert(0) += 1;
    }
    assert!(["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"].iter().all(|end| ends.contains_key(end)), "{ends:?}");
    assert!(!ends.contains_key("RUNNING"), "{ends:?}");
    assert!(ends["SUCCEEDED"] > 50, "{ends:?}");
}

fn same_trace(seed: u64, one: &Walked, other: &Walked) {
    if one.trace != other.trace {
        let line = one.trace.lines().zip(other.trace.lines()).find(|(one, other)| one != other);
        panic!("seed {seed}: {line:#?}");
    }
}

#[test]
fn restoring_a_checkpoint_gives_the_same_execution() {
    holds::<Restores>();
}

#[test]
fn changes_applied_to_the_old_checkpoint_give_the_new_one() {
    holds::<ChangesAddUp>();
}

#[test]
fn the_same_seed_gives_the_same_events_commands_and_checkpoints() {
    for seed in 0..seeds(150) {
        let style = Style { trace: true, ..style(seed) };
        let (once, again) = (walked(seed, style, &mut []), walked(seed, style, &mut []));
        same_trace(seed, &once, &again);
    }
}

#[test]
fn a_crash_after_every_step_changes_nothing() {
    for seed in 0..seeds(200) {
        // Whoever crashes commits after every step, and draws no less for it.
        let style = Style { trace: true, ..style(seed) };
        let (whole, crashed) = (walked(seed, style, &mut []), walked(seed, Style { crash: true, ..style }, &mut []));
        same_trace(seed, &whole, &crashed);
    }
}

#[test]
fn an_event_for_the_second_time_is_ignored() {
    holds::<TwiceIsOnce>();
}

#[test]
fn nothing_comes_of_asking_when_nothing_is_due() {
    holds::<NothingDue>();
}

#[test]
fn histories_are_linear_and_paths_do_not_mix() {
    holds::<LinearHistory>();
}

#[test]
fn frames_are_a_tree() {
    holds::<FramesAreATree>();
}

#[test]
fn nothing_stalls_silently() {
    holds::<NoSilentStall>();
}

#[test]
fn a_micro_step_is_short() {
    holds::<BoundedWork>();
}

#[test]
fn a_payload_is_written_once() {
    holds::<PayloadsOnce>();
}

#[test]
fn states_are_stored_by_name() {
    holds::<StatesByName>();
}

#[test]
fn events_have_the_members_of_the_api() {
    holds::<RenderedEvents>();
}

#[test]
fn tasks_are_started_once_and_cancelled_at_most_once() {
    holds::<Commands>();
}

#[test]
fn what_no_state_works_on_is_written_once_and_comes_out_as_it_went_in() {
    let mut succeeded = 0;
    for seed in 0..seeds(200) {
        let (machine, mut choices) = generated(seed, Shape::UNTOUCHED);
        let mut once = PayloadsOnce::default();
        let style = Style { crash: true, tame: true, ..Style::default() };
        let walked = walk(&mut choices, &machine, style, &mut [&mut once])
            .unwrap_or_else(|error| panic!("seed {seed}: {error}\n{}", machine.definition));
        assert_eq!(once.markers, 1, "seed {seed}: {}", machine.definition);
        if let Status::Succeeded { output } = walked.execution.status() {
            assert_eq!(output.text(), machine.input, "seed {seed}: {}", machine.definition);
            succeeded += 1;
        }
    }
    assert!(succeeded > 100, "{succeeded}");
}
