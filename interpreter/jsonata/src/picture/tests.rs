//! Pictures, a line a case.

use statewright_value::Value;

use super::{format_integer, format_number, from_millis, parse_integer, to_millis};
use crate::meter::{Limits, Meter};
use crate::number::Num;
use crate::{Bound, Error};

/// 2026-11-21T14:37:10.123Z
const NOW: f64 = 1_795_271_830_123.0;

fn read_millis(text: &str, picture: Option<&str>, now: f64) -> Result<Option<f64>, Error> {
    to_millis(text, picture, now, &Meter::new(&Limits::WIDE))
}

/// A text, or the code of an error.
fn shown(result: Result<String, Error>) -> String {
    result.unwrap_or_else(|error| format!("error {}", error.code()))
}

fn shown_number(result: Result<Option<Num>, Error>) -> String {
    shown(result.map(|number| number.map_or("nothing".into(), |number| number.as_f64().to_string())))
}

#[track_caller]
fn number(value: f64, picture: &str, expected: &str) {
    assert_eq!(shown(format_number(Num::from_f64(value), picture, None)), expected, "{value} as {picture}");
}

#[track_caller]
fn number_with(options: &str, value: f64, picture: &str, expected: &str) {
    let options = Value::parse(options).unwrap();
    assert_eq!(shown(format_number(Num::from_f64(value), picture, options.as_object())), expected, "{value} as {picture}");
}

#[track_caller]
fn integer(value: f64, picture: &str, expected: &str) {
    assert_eq!(shown(format_integer(Some(Num::from_f64(value)), picture)), expected, "{value} as {picture}");
}

#[track_caller]
fn integer_of(text: &str, picture: &str, expected: &str) {
    assert_eq!(shown_number(parse_integer(text, picture)), expected, "{text} as {picture}");
}

#[track_caller]
fn time(millis: f64, picture: &str, expected: &str) {
    assert_eq!(shown(from_millis(millis, Some(picture), None)), expected, "{millis} as {picture}");
}

#[track_caller]
fn zoned(timezone: &str, picture: &str, expected: &str) {
    let noon = 1_531_310_400_000.0;
    assert_eq!(shown(from_millis(noon, Some(picture), Some(timezone))), expected, "{picture} in {timezone}");
}

/// What a text stands for, as ISO 8601.
#[track_caller]
fn millis(text: &str, picture: Option<&str>, expected: &str) {
    let found = read_millis(text, picture, NOW).map(|millis| match millis {
        None => "nothing".into(),
        Some(millis) if millis.is_nan() => "NaN".into(),
        Some(millis) => from_millis(millis, None, None).unwrap(),
    });
    assert_eq!(shown(found), expected, "{text} as {picture:?}");
}

#[track_caller]
fn time_of(text: &str, picture: &str, expected: &str) {
    millis(text, Some(picture), expected);
}

#[test]
fn numbers_are_written_with_the_digits_of_the_picture() {
    number(12345.6, "#,###.00", "12,345.60");
    number(1234.5, "9.99", "1234.50");
    number(5.0, "0,000", "0,005");
    number(5.1, "#.00##", "5.10");
    number(5.0, "#.##", "5.0");
    number(0.0, "#", "0");
    number(0.0, "#.#", ".0");
    number(20.126, "0.", "20");
    number(1e20, "#,##0", "100,000,000,000,000,000,000");
    number(1e-7, "0.0000000000", "0.0000001000");
    number(0.1, "0.00000000000000000000000", "0.10000000000000000555112");
    number(-0.0, "0", "0");
}

#[test]
fn numbers_are_rounded_as_they_are_printed_halves_to_even() {
    number(2.5, "0", "2");
    number(3.5, "0", "4");
    number(2.675, "0.00", "2.68");
    number(1.005, "0.00", "1.00");
    number(0.575, "0%", "57%");
    number(8.125, "0.00", "8.12");
}

#[test]
fn digits_are_grouped_as_in_the_picture() {
    number(1_234_567.0, "#,##0", "1,234,567");
    number(12_345_678.0, "#,##,##0", "123,45,678");
    number(1_234_567.0, "0,0", "1,2,3,4,5,6,7");
    number(0.123_456_789, "0.000,000,000", "0.123,456789");
    number(1234.0, "#,##,##0", "12,34,");
    number(123_456.123_456_789, "0,000,000.0000,0,0", "0,123,456.1234,,57");
}

#[test]
fn a_second_sub_picture_is_for_negative_numbers() {
    number(-6.0, "000", "-006");
    number(-20.0, "(0)", "-(20)");
    number(-20.0, "0;(0)", "(20)");
    number(0.0, "a0b;c00d", "a0b");
    number(-0.14, "%0", "-%14");
}

#[test]
fn exponents_scale_the_mantissa() {
    number(1234.5678, "00.000e000", "12.346e002");
    number(0.234, "0.0e0", "2.3e-1");
    number(0.123, "#.e9", "0.1e0");
    number(0.0, "0.0e0", "0.0e0");
    number(9.99, "0e0", "10e0");
    number(10.0, "0e0", "10e0");
    number(-1_234_567.0, "0e000000", "-1e000006");
    number(5e-324, "0.0e0", "4.9e-324");
}

#[test]
fn options_replace_the_characters_of_a_picture() {
    number_with(r#"{"decimal-separator": ",", "grouping-separator": "."}"#, 12345.6, "#.###,00", "12.345,60");
    number_with(r#"{"zero-digit": "٠"}"#, 12345.6, "#,###.٠٠", "١٢,٣٤٥.٦٠");
    number_with(r#"{"per-mille": "pm"}"#, 0.14, "###pm", "140pm");
    number_with(r#"{"pattern-separator": "|"}"#, -5.0, "0|(0)", "(5)");
    number_with(r#"{"exponent-separator": "E"}"#, 12345.6, "0.00E0", "1.23E4");
    number_with(r#"{"minus-sign": "~"}"#, -1.0, "0", "~1");
    number_with(r#"{"minus-sign": 1}"#, 1.0, "0", "error T0410");
    number_with(r#"{"pattern-separator": ""}"#, 1.0, "", "error D3085");
}

#[test]
fn a_picture_of_a_number_keeps_the_rules() {
    number(20.0, "#;#;#", "error D3080");
    number(20.0, "#.0.0", "error D3081");
    number(20.0, "#0%%", "error D3082");
    number(20.0, "#0‰‰", "error D3083");
    number(20.0, "#0%‰", "error D3084");
    number(20.0, ".e0", "error D3085");
    number(20.0, "", "error D3085");
    number(20.0, "0+.e0", "error D3086");
    number(20.0, "%%", "error D3086");
    number(20.0, "0,.0", "error D3087");
    number(20.0, "0,", "error D3088");
    number(20.0, "0,,0", "error D3089");
    number(20.0, "0#", "error D3090");
    number(20.0, "#0.#0", "error D3091");
    number(20.0, "#0.0e0%", "error D3092");
    number(20.0, "#0.0e0,0", "error D3093");
    number(20.0, "$0.0e0", "error D3093");
    number(20.0, "euro 0.00", "euro 20.00");
}

#[test]
fn integers_are_written_in_digits() {
    integer(123.0, "0000", "0123");
    integer(-3.0, "0000", "-0003");
    integer(-1.5, "0", "-2");
    integer(1_234_567.0, "#,##0", "1,234,567");
    integer(1_234_567.0, "#:##,##0", "12:34,567");
    integer(1.0, "#,##,##0", ",1");
    integer(12340.0, "###١", "١٢٣٤٠");
    integer(113.0, "0;o", "113th");
    integer(1.0, "00;o", "01st");
    integer(1.0, "00;c", "01");
    integer(12340.0, "##0０", "error D3131");
    integer(1.0, "#", "error D3130");
    integer(1.0, "α", "error D3130");
    integer(1e21, "0", "1e+21");
    assert_eq!(format_integer(None, "0").unwrap(), "");
}

#[test]
fn integers_are_written_in_words_and_letters() {
    integer(0.0, "w;o", "zeroth");
    integer(34.0, "w;o", "thirty-fourth");
    integer(20.0, "w;o", "twentieth");
    integer(555_123.0, "Ww", "Five Hundred and Fifty-Five Thousand, One Hundred and Twenty-Three");
    integer(555.0, "W", "FIVE HUNDRED AND FIFTY-FIVE");
    integer(-5.0, "w", "-five");
    integer(1e12 + 100.0, "w", "one trillion, one hundred");
    integer(1e46, "w", "ten billion trillion trillion trillion");
    integer(1984.0, "I", "MCMLXXXIV");
    integer(0.0, "i", "");
    integer(703.0, "a", "aaa");
    integer(300.0, "A", "KN");
}

#[test]
fn integers_are_read() {
    integer_of("-12", "0", "-12");
    integer_of("12,345,678", "#,##0", "12345678");
    integer_of("1234:567,890", "#:###,##0", "1234567890");
    integer_of("28th", "#0;o", "28");
    integer_of("١٢٣٤٠", "###١", "12340");
    integer_of("x", "0", "NaN");
    integer_of("MCMLXXXIV", "I", "1984");
    integer_of("xiv", "i", "14");
    integer_of("xiv", "I", "NaN");
    integer_of("KN", "A", "300");
    integer_of("", "a", "0");
    integer_of("nineteen hundred and eighty-four", "w", "1984");
    integer_of("one million one thousand one hundred", "w", "1001100");
    integer_of("three thousand, seven hundred and thirty-first", "w;o", "3731");
    integer_of("five,six", "w", "NaN");
    integer_of("five  six", "w", "NaN");
    integer_of("50", "#", "error D3130");
}

#[test]
fn times_are_written_as_iso_8601_without_a_picture() {
    let iso = |millis: f64, timezone: Option<&str>| from_millis(millis, None, timezone).unwrap();
    assert_eq!(iso(1.0, None), "1970-01-01T00:00:00.001Z");
    assert_eq!(iso(-1.5, None), "1969-12-31T23:59:59.999Z");
    assert_eq!(iso(951_782_400_000.0, Some("+0530")), "2000-02-29T05:30:00.000+05:30");
    assert_eq!(iso(f64::NAN, None), "0NaN-NaN-NaNTNaN:NaN:NaN.NaNZ");
}

#[test]
fn times_are_written_by_component() {
    let friday = 1_521_801_216_617.0;
    time(friday, "[[[Y0001]]] [X] [d] [C] [E]", "[2018] 2018 82 ISO ISO");
    time(friday, "[D1o] [MNn], [Dwo], [YI], [Da]", "23rd March, twenty-third, MMXVIII, w");
    time(friday, "[FNn,*-3] [F] [FN] [F1] [F01]", "Fri friday FRIDAY 5 05");
    time(friday, "[H]:[m]:[s].[f001] [h] [P] [PN]", "10:33:36.617 10 am AM");
    time(friday, "[Y,2] [Y01] [Y,*-2] [Y,6] [Y9,999,*] [D,4]", "18 18 18 002018 2,018 0023");
    time(friday, "[M01;x", "error D3135");
    time(friday, "[q]", "error D3132");
    time(friday, "[YN]", "error D3133");
    time(friday, "[Yq]", "error D3130");
    time(1_388_577_600_000.0, "[W] [w] [xNn]", "1 1 January");
    time(1_483_272_000_000.0, "[X]-W[W01]-[F1] [w] [xNn]", "2016-W52-7 5 December");
    time(1_514_808_000_000.0, "[h] [P]", "12 pm");
}

#[test]
fn offsets_are_written_in_hours_and_minutes() {
    zoned("+0530", "[H]:[m] [Z]", "17:30 +05:30");
    zoned("+0530", "[Z0] [Z00] [Z000] [Z0000] [Z0.00] [z0]", "+5:30 +05:30 +530 +0530 +5.30 GMT+5:30");
    zoned("+0000", "[Z] [Zt]", "error D3134");
    zoned("+0000", "[Z] [Z0] [Z01:01t] [z]", "+00:00 +0 Z GMT+00:00");
    zoned("+0530", "[Z00000]", "error D3134");
    zoned("-0330", "[H]:[m] [Z]", "7:30 -04:30");
}

#[test]
fn times_are_read_as_iso_8601_without_a_picture() {
    millis("2018", None, "2018-01-01T00:00:00.000Z");
    millis("2018-02-30", None, "2018-03-02T00:00:00.000Z");
    millis("0099-12", None, "0099-12-01T00:00:00.000Z");
    millis("2018-02-01T24:00:00Z", None, "2018-02-02T00:00:00.000Z");
    millis("2018-02-01T10:00:00.1239-0130", None, "2018-02-01T11:30:00.123Z");
    millis("2018-13", None, "NaN");
    millis("2018-02-01T24:00:01Z", None, "NaN");
    millis("2018-01-01+01:00", None, "NaN");
    millis("2018-0100", None, "NaN");
    millis("foo", None, "error D3110");
    millis("2018-02-01T10:60:00Z", None, "error D3110");
}

#[test]
fn times_are_read_by_component() {
    time_of("27th 3 1976", "[D1o] [M#1] [Y0001]", "1976-03-27T00:00:00.000Z");
    time_of("27 iii MMXVIII", "[D1] [Mi] [YI]", "2018-03-27T00:00:00.000Z");
    time_of("twenty-first August two thousand and seventeen", "[Dw] [MNn] [Yw]", "2017-08-21T00:00:00.000Z");
    time_of("Mon, Twelfth November 2018", "[FNn,*-3], [DWwo] [MNn] [Y]", "2018-11-12T00:00:00.000Z");
    time_of("20183", "[Y0001][M01]", "2018-03-01T00:00:00.000Z");
    time_of("2018 365", "[Y] [d]", "2018-12-31T00:00:00.000Z");
    time_of("18", "[Y]", "1918-01-01T00:00:00.000Z");
    time_of("2018-14", "[Y]-[M]", "2019-02-01T00:00:00.000Z");
    time_of("4/4/2018 12:06 am", "[D1]/[M1]/[Y0001] [h]:[m] [P]", "2018-04-04T00:06:00.000Z");
    time_of("2018-04-04T19:05:04.01987", "[Y]-[M]-[D]T[H]:[m]:[s].[f1]", "2018-04-04T19:05:04.019Z");
    time_of("2018-01-01 -05:30", "[Y]-[M]-[D] [Z]", "2018-01-01T04:30:00.000Z");
    time_of("2018-01-01 GMT-5", "[Y]-[M]-[D] [z0]", "2018-01-01T05:00:00.000Z");
    time_of("300000-01", "[Y]-[M]", "NaN");
}

#[test]
fn what_a_picture_leaves_out_is_of_now_or_the_least() {
    time_of("13:45", "[H]:[m]", "2026-11-21T13:45:00.000Z");
    time_of("3", "[M]", "2026-03-01T00:00:00.000Z");
    time_of("30", "[s]", "2026-11-21T14:37:30.000Z");
    time_of("100", "[d]", "2026-04-10T14:37:10.123Z");
    time_of("5", "[h]", "2026-11-21T05:00:00.000Z");
    time_of("Friday", "[FNn]", "2026-11-21T14:37:10.123Z");
    time_of("2018-22", "[Y]-[D]", "error D3136");
    time_of("2018 1", "[Y] [H]", "error D3136");
    time_of("2018-32-5", "[X]-[W]-[F1]", "error D3136");
}

#[test]
fn a_text_of_another_form_is_nothing() {
    time_of("Hello", "Hello", "nothing");
    time_of("irrelevant", "[Y]-[M]-[D]", "nothing");
    time_of("12 3 2018", "[D1o] [M] [Y]", "nothing");
    time_of("2018 ISO", "[Y] [E]", "error D3133");
    time_of("2018-05-22", "[Y]-[M]-[q]", "error D3132");
}

#[test]
fn texts_that_nobody_wrote_are_refused() {
    #[track_caller]
    fn reaches<T>(bound: Bound, result: Result<T, Error>) {
        assert_eq!(result.err().and_then(|error| error.reached()), Some(bound));
    }
    let many = |part: &str| part.repeat(100_000);
    reaches(Bound::Memory, from_millis(0.0, Some("[Y,99999999999999999999999]"), None));
    reaches(Bound::Memory, from_millis(0.0, Some("[Y1,*-99999999]"), None));
    reaches(Bound::Memory, from_millis(0.0, Some(&"[Y,4000000]".repeat(3)), None));
    reaches(Bound::Depth, format_integer(Some(Num::from_f64(1e15)), "I"));
    reaches(Bound::Depth, format_integer(Some(Num::from_f64(f64::INFINITY)), "w"));
    reaches(Bound::Depth, format_integer(Some(Num::from_f64(f64::INFINITY)), "a"));
    reaches(Bound::Steps, format_integer(Some(Num::from_f64(1.0)), &many("0,0:")));
    reaches(Bound::Steps, read_millis(&many("one "), Some(&"[Yw] ".repeat(30)), NOW));
    reaches(Bound::Steps, read_millis(&many("a"), Some(&format!("{}1", "[FNn]".repeat(9))), NOW));
    reaches(Bound::Steps, read_millis(&many("a"), Some(&format!("[FNn]{}b", many("a"))), NOW));
    assert!(format_number(Num::from_f64(f64::INFINITY), "0.0e0", None).is_ok());
    assert!(format_number(Num::from_f64(1e300), &format!("{}e0", many("0")), None).is_ok());
    assert!(format_number(Num::from_f64(0.1), &format!(".{}", many("0")), None).is_ok());
    assert!(read_millis(&"1".repeat(9000), Some(&"[Y]".repeat(9000)), NOW).is_ok());
}
