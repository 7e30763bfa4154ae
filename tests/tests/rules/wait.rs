//! Wait: its four forms and what is wrong with them.

use serde_json::{Value, json};
use statewright_tests::play::{Play, Played};

use crate::{assert_failed, only, play, with};

fn wait(fields: Value, input: Value) -> Played {
    play(with(json!({"Type": "Wait"}), fields), input)
}

#[test]
fn a_wait_lasts_some_seconds_or_until_a_time() {
    assert_eq!(wait(json!({"Seconds": 90}), json!({})).seconds, 90.0);
    assert_eq!(wait(json!({"Seconds": 0}), json!({})).seconds, 0.0);
    assert_eq!(wait(json!({"SecondsPath": "$.n"}), json!({"n": 7})).seconds, 7.0);
    assert_eq!(wait(json!({"SecondsPath": "$$.Execution.Input.n"}), json!({"n": 7})).seconds, 7.0);
    assert_eq!(wait(json!({"Timestamp": "2026-01-01T00:01:00Z"}), json!({})).seconds, 60.0);
    assert_eq!(wait(json!({"Timestamp": "2026-01-01T01:00:01.250+01:00"}), json!({})).seconds, 1.25);
    assert_eq!(wait(json!({"TimestampPath": "$.t"}), json!({"t": "2026-01-01T00:00:05Z"})).seconds, 5.0);
    assert_eq!(wait(json!({"InputPath": "$.a", "SecondsPath": "$.n"}), json!({"a": {"n": 3}, "n": 9})).seconds, 3.0);
}

#[test]
fn a_time_that_has_passed_means_no_wait() {
    for time in ["2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", "1999-01-01T00:00:00Z"] {
        assert_eq!(wait(json!({"Timestamp": time}), json!({})).seconds, 0.0);
        assert_eq!(wait(json!({"TimestampPath": "$"}), json!(time)).seconds, 0.0);
    }
}

#[test]
fn a_wait_is_entered_and_left_and_hands_its_input_on() {
    let played = wait(json!({"Seconds": 5, "InputPath": "$.a", "OutputPath": "$.b"}), json!({"a": {"b": 1}}));
    crate::assert_chain(
        &played,
        "1 ExecutionStarted(0)
         2 WaitStateEntered(0)
         3 WaitStateExited(2)
         4 ExecutionSucceeded(3)",
    );
    assert_eq!((played.times("WaitStateExited"), played.output()), (vec![5.0], json!(1)));
}

#[test]
fn what_is_no_number_of_seconds_fails_in_the_words_of_the_service() {
    let place = "An error occurred while executing the state 'S' (entered at the event id #2). The SecondsPath parameter ";
    for (input, cause) in [
        (json!({}), "does not reference an input value: $.n"),
        (json!({"n": -1}), "references a negative value: $.n == -1"),
        (json!({"n": 1.5}), "cannot be parsed as a long value: $.n == 1.5"),
        (json!({"n": -1.5}), "cannot be parsed as a long value: $.n == -1.5"),
        (json!({"n": "1"}), "cannot be parsed as a long value: $.n == 1"),
        (json!({"n": null}), "cannot be parsed as a long value: $.n == null"),
        (json!({"n": [1]}), "cannot be parsed as a long value: $.n == [1]"),
    ] {
        let played = wait(json!({"SecondsPath": "$.n"}), input);
        assert_failed(&played, "States.Runtime", "");
        assert_eq!(played.cause(), format!("{place}{cause}"));
    }
}

#[test]
fn what_is_no_timestamp_fails_in_the_words_of_the_service() {
    let cause = "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: $.t == ";
    for (value, shown) in [
        (json!("2016-12-05T21:29:29"), "2016-12-05T21:29:29"),
        (json!("2016-12-05 21:29:29Z"), "2016-12-05 21:29:29Z"),
        (json!("2016-12-05T25:29:29Z"), "2016-12-05T25:29:29Z"),
        (json!("2016-13-05T21:29:29Z"), "2016-13-05T21:29:29Z"),
        (json!(5), "5"),
        (json!(null), "null"),
        (json!(""), ""),
    ] {
        let played = wait(json!({"TimestampPath": "$.t"}), json!({"t": value}));
        assert_failed(&played, "States.Runtime", &format!("(entered at the event id #2). {cause}{shown}"));
    }
    let missing = wait(json!({"TimestampPath": "$.t"}), json!({}));
    assert_failed(&missing, "States.Runtime", "The TimestampPath parameter does not reference an input value: $.t");
}

#[test]
fn the_delay_is_a_signed_count_of_32_bits_of_seconds() {
    let long = |fields: Value, input: Value| {
        let quotas = |quotas: &mut statewright_interpreter::quota::Quotas| quotas.execution_seconds_max = u64::MAX / 2000;
        Play::of(only(with(json!({"Type": "Wait"}), fields))).input(input).quotas(quotas).run()
    };
    // 24,855 days fit, 24,856 do not.
    assert_eq!(long(json!({"SecondsPath": "$"}), json!(24_855_u64 * 86_400)).status, "SUCCEEDED");
    assert_eq!(long(json!({"SecondsPath": "$"}), json!(i32::MAX)).seconds, f64::from(i32::MAX));
    let too_long = "Wait state delay is too long.";
    assert_failed(&long(json!({"SecondsPath": "$"}), json!(24_856_u64 * 86_400)), "States.Runtime", too_long);
    assert_failed(&long(json!({"SecondsPath": "$"}), json!(i64::from(i32::MAX) + 1)), "States.Runtime", too_long);
    assert_failed(&long(json!({"SecondsPath": "$"}), json!(i64::MAX)), "States.Runtime", too_long);
    assert_failed(&long(json!({"Timestamp": "2095-01-01T00:00:00Z"}), json!({})), "States.Runtime", too_long);
    assert_failed(&long(json!({"TimestampPath": "$"}), json!("9999-12-31T23:59:59Z")), "States.Runtime", too_long);
}
