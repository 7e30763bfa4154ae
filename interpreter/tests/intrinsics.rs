//! The intrinsic functions, one line a case.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

use std::collections::BTreeSet;

use statewright_interpreter::Value;
use statewright_interpreter::error::EvaluationError;
use statewright_interpreter::inputs::{Draws, Inputs};
use statewright_interpreter::intrinsic::Call;

fn json(text: &str) -> Value {
    Value::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn evaluate(call: &str, input: &str, draws: &Draws) -> Result<Value, EvaluationError> {
    let context = json(r#"{"Execution": {"Name": "run-7"}}"#);
    let variables = json(r#"{"who": "Ada", "n": 4}"#).as_object().unwrap().clone();
    let input = json(input);
    let inputs = Inputs::new(&input, &context, &variables, draws);
    Call::parse(call).unwrap_or_else(|error| panic!("{call}: {error}")).evaluate("value.$", &inputs)
}

/// `call` on `input` gives exactly the JSON text `expected`, members in that order.
#[track_caller]
fn gives(call: &str, input: &str, expected: &str) {
    let value = evaluate(call, input, &Draws::new(1, 2)).unwrap_or_else(|error| panic!("{call}: {error}"));
    assert_eq!(value.to_string(), expected, "{call}");
}

/// `call` on `input` fails with `States.IntrinsicFailure`, for a reason that contains `reason`.
#[track_caller]
fn fails(call: &str, input: &str, reason: &str) {
    let error = evaluate(call, input, &Draws::new(1, 2)).unwrap_err();
    assert_eq!(error.name, "States.IntrinsicFailure", "{call}");
    assert!(error.cause.contains(reason), "{call}: {}", error.cause);
}

/// `call` is refused when it is parsed, for a reason that contains `reason`.
#[track_caller]
fn refuses(call: &str, reason: &str) {
    match Call::parse(call) {
        Ok(_) => panic!("{call} is accepted"),
        Err(error) => assert!(error.message.contains(reason), "{call}: {error}"),
    }
}

#[test]
fn literals() {
    gives("States.Array()", "{}", "[]");
    gives("States.Array( )", "{}", "[]");
    gives("States.Array(1, -1, 0, 1.5, -0.25, 1e3)", "{}", "[1,-1,0,1.5,-0.25,1000.0]");
    gives("States.Array(true, false, null)", "{}", "[true,false,null]");
    gives("States.Array('a', 'two words', '')", "{}", r#"["a","two words",""]"#);
    gives("States.Array('a,b', '(c)', 'States.UUID()', '$.x')", "{}", r#"["a,b","(c)","States.UUID()","$.x"]"#);
    gives("States.Array('grün 🙂', 'tab\there', 'line\nbreak')", "{}", r#"["grün 🙂","tab\there","line\nbreak"]"#);
    gives(r#"States.Array('say "hi"')"#, "{}", r#"["say \"hi\""]"#);
    gives(r"States.Array('it\'s', '\{\}', 'C:\\dir')", "{}", r#"["it's","{}","C:\\dir"]"#);
    gives("States.Array('{}', '{\"a\": [1]}')", "{}", r#"["{}","{\"a\": [1]}"]"#);
    gives(" States.Array ( 1\n,\t2\r\n, States.Array( 3 ) ) ", "{}", "[1,2,[3]]");
    gives("States.Array($, $)", "7", "[7,7]");
    gives("States.Array(9223372036854775807, 18446744073709551615)", "{}", "[9223372036854775807,18446744073709551615]");
}

#[test]
fn texts_that_are_no_calls() {
    refuses("", "name");
    refuses("Format('x')", "not an intrinsic function");
    refuses("States.", "not an intrinsic function");
    refuses("States.format('x')", "`States.format` is not");
    refuses("states.Format('x')", "not an intrinsic function");
    refuses("States.Uuid()", "not an intrinsic function");
    refuses("States.UUID", "`(`");
    refuses("States.UUID(", "expected an argument");
    refuses("States.Array(1", "`,` or `)`");
    refuses("States.Array(1,", "expected an argument");
    refuses("States.Array(1,)", "expected an argument");
    refuses("States.Array(,1)", "expected an argument");
    refuses("States.Array(1 2)", "`,` or `)`");
    refuses("States.Array(1))", "after the call");
    refuses("States.Array(1)[0]", "after the call");
    refuses("States.Array(1) x", "after the call");
    refuses("States.Array('a)", "not closed");
    refuses(r"States.Array('a\')", "not closed");
    refuses("States.Array('a'b')", "`,` or `)`");
    refuses(r#"States.Array("a")"#, "single quotes");
    refuses("States.Array([1])", "no argument");
    refuses("States.Array({})", "no argument");
    refuses("States.Array(yes)", "`yes` is no argument");
    refuses("States.Array(True)", "`True` is no argument");
    refuses("States.Array(+1)", "no argument");
    refuses("States.Array(01)", "no argument");
    refuses("States.Array(.5)", "no argument");
    refuses("States.Array(1e999)", "no argument");
    refuses("States.Array($.a[0", "not closed");
    refuses("States.Array($.a['x)", "not closed");
}

#[test]
fn only_four_characters_may_be_escaped() {
    refuses(r#"States.StringToJson('{"text":"a \"quoted\" word"}')"#, "may be escaped");
    refuses(r"States.Array('a\nb')", "may be escaped");
    refuses(r"States.Array('\u0041')", "may be escaped");
    refuses(r"States.Format('\$')", "may be escaped");
    let error = Call::parse(r"States.Array('ab\n')").unwrap_err();
    assert_eq!(error.at, 16, "the place of the backslash");
}

#[test]
fn a_path_is_refused_at_its_place_in_the_call() {
    assert_eq!(Call::parse("States.Array($.a b)").unwrap_err().at, 16);
    assert_eq!(Call::parse("States.Array(1, $a-b)").unwrap_err().at, 17);
}

#[test]
fn numbers_of_arguments() {
    refuses("States.UUID(1)", "`States.UUID` takes 0 arguments, but was given 1");
    refuses("States.Format()", "at least 1 arguments");
    refuses("States.StringToJson()", "takes 1 arguments");
    refuses("States.JsonToString(1, 2)", "takes 1 arguments");
    refuses("States.ArrayPartition($)", "takes 2 arguments");
    refuses("States.ArrayContains($)", "takes 2 arguments");
    refuses("States.ArrayRange(1, 2)", "takes 3 arguments");
    refuses("States.ArrayGetItem($)", "takes 2 arguments");
    refuses("States.ArrayLength($, $)", "takes 1 arguments");
    refuses("States.ArrayUnique()", "takes 1 arguments");
    refuses("States.Base64Encode()", "takes 1 arguments");
    refuses("States.Base64Decode()", "takes 1 arguments");
    refuses("States.Hash('a')", "takes 2 arguments");
    refuses("States.JsonMerge($, $)", "takes 3 arguments");
    refuses("States.MathRandom(1)", "takes 2 to 3 arguments");
    refuses("States.MathRandom(1, 2, 3, 4)", "takes 2 to 3 arguments");
    refuses("States.MathAdd(1)", "takes 2 arguments");
    refuses("States.StringSplit('a')", "takes 2 arguments");
}

#[test]
fn calls_may_be_nested_ten_deep() {
    let nested = |depth: usize| format!("{}'x'{}", "States.Array(".repeat(depth), ")".repeat(depth));
    gives(&nested(10), "{}", &format!("{}\"x\"{}", "[".repeat(10), "]".repeat(10)));
    refuses(&nested(11), "nested deeper than 10");
    refuses(&nested(100_000), "nested deeper than 10");
}

#[test]
fn a_path_ends_at_a_comma_or_parenthesis_outside_its_brackets() {
    let paths = |call: &str| -> Vec<String> {
        let call = Call::parse(call).unwrap_or_else(|error| panic!("{call}: {error}"));
        call.paths().iter().map(|path| path.text().to_string()).collect()
    };
    assert_eq!(paths("States.Array($.a, $$.Execution.Name ,$who)"), ["$.a", "$$.Execution.Name", "$who"]);
    assert_eq!(paths("States.Array($['a','b'], $.c)"), ["$['a','b']", "$.c"]);
    assert_eq!(paths("States.Array($.a[0,1], $.c[1:2])"), ["$.a[0,1]", "$.c[1:2]"]);
    assert_eq!(paths("States.Array($.a[?(@.b == 'x),y')], 1)"), ["$.a[?(@.b == 'x),y')]"]);
    assert_eq!(paths("States.Array($['\"'], $['a\"b'], $.c)"), ["$['\"']", "$['a\"b']", "$.c"]);
    assert_eq!(paths("States.Array($['a)b'], $['it\\'s'])"), ["$['a)b']", "$['it\\'s']"]);
    assert_eq!(paths("States.Array($.a[?(@.b =~ /x(y|z)/)], $.c)"), ["$.a[?(@.b =~ /x(y|z)/)]", "$.c"]);
    assert_eq!(paths("States.Array($.a-b, $.größe)"), ["$.a-b", "$.größe"]);
    assert_eq!(paths("States.Array($.it's, $.c)"), ["$.it's", "$.c"]);
    assert_eq!(paths("States.Format('{}', States.Array($.x, States.JsonToString($.y)), $.z)"), ["$.x", "$.y", "$.z"]);
}

#[test]
fn paths_on_the_input_the_context_object_and_variables() {
    let input = r#"{"a": {"b": [1, 2]}, "it's": 3, "x,y": 4, "list": [{"n": "p,q)", "m": 5}, {"n": "r", "m": 6}]}"#;
    gives("States.Array($.a.b[1], $.a.b)", input, "[2,[1,2]]");
    gives("States.Array($$.Execution.Name, $who, $n)", input, r#"["run-7","Ada",4]"#);
    gives("States.Array($['x,y'], $.list[?(@.n == 'p,q)')].m, $.list[0,1].m)", input, "[4,[5],[5,6]]");
    gives("States.MathAdd($.a.b[0], $n)", input, "5");
    gives("States.ArrayLength($.list[?(@.m > 9)])", input, "0");
    gives("States.Format('{} has {}', $who, $.a)", input, r#""Ada has {b=[1, 2]}""#);
}

#[test]
fn a_path_that_finds_nothing_fails_the_execution() {
    let error = evaluate("States.Format('{}', States.Array($.none))", r#"{"a": 1}"#, &Draws::new(1, 2)).unwrap_err();
    assert_eq!(error.name, "States.Runtime");
    let cause = r#"The JSONPath '$.none' specified for the field 'value.$' could not be found in the input '{"a":1}'"#;
    assert_eq!(error.cause, cause);
}

#[test]
fn functions_that_error_path_and_cause_path_accept() {
    let accepted = |call: &str| Call::parse(call).unwrap().answers_string();
    for call in [
        "States.Format('x')",
        "States.JsonToString($)",
        "States.ArrayGetItem($, 0)",
        "States.Base64Encode($)",
        "States.Base64Decode($)",
        "States.Hash($, 'MD5')",
        "States.UUID()",
    ] {
        assert!(accepted(call), "{call}");
    }
    for call in ["States.Array()", "States.MathAdd(1, 2)", "States.StringSplit('a', 'b')", "States.StringToJson('1')"] {
        assert!(!accepted(call), "{call}");
    }
    assert!(Call::looks_like_one("States.Nothing") && Call::looks_like_one(" States.UUID()") && !Call::looks_like_one("$.States"));
}

#[test]
fn format() {
    gives("States.Format('no argument')", "{}", r#""no argument""#);
    gives("States.Format('')", "{}", r#""""#);
    gives("States.Format('{} and {}', 'a', 'b')", "{}", r#""a and b""#);
    gives("States.Format('{}{}{}', 1, 2, 3)", "{}", r#""123""#);
    gives("States.Format('{}', '{}')", "{}", r#""{}""#);
    gives("States.Format('{} {} {} {}', null, true, -7, 2.50)", "{}", r#""null true -7 2.5""#);
    gives("States.Format('{}', 10.0)", "{}", r#""10.0""#);
    gives("States.Format('größer\n{}', 'ß')", "{}", r#""größer\nß""#);
    gives(r#"States.Format('\{"id": "{}"\}', 'x')"#, "{}", r#""{\"id\": \"x\"}""#);
    gives(r"States.Format('\{\}{}', 1)", "{}", r#""{}1""#);
    gives(r"States.Format('{\}')", "{}", r#""{}""#);
    gives(r"States.Format('it\'s \\{}', 1)", "{}", r#""it's \\1""#);
    gives("States.Format('{ } {a} {} } {', 'x')", "{}", r#""{ } {a} x } {""#);
}

#[test]
fn format_prints_objects_and_arrays_as_java_does() {
    gives("States.Format('{}', $)", r#"{"z": 1, "a": "text", "o": {"b": null}}"#, r#""{z=1, a=text, o={b=null}}""#);
    gives("States.Format('{}', $)", r#"[1, "two", [], {}, true]"#, r#""[1, two, [], {}, true]""#);
    gives("States.Format('{}', $)", r#""{\"a\": 1}""#, r#""{\"a\": 1}""#);
}

#[test]
fn format_takes_its_template_from_data_too() {
    gives("States.Format($, 'x')", r#""<{}>""#, r#""<x>""#);
    gives("States.Format($, 'x')", r#""\\{\\} {}""#, r#""{} x""#);
    gives("States.Format($, 'x')", r#""C:\\new {}""#, r#""C:\\new x""#);
    gives("States.Format($)", r#""ends with \\""#, r#""ends with \\""#);
}

#[test]
fn format_failures() {
    fails("States.Format('{}')", "{}", "1 placeholders for 0 arguments");
    fails("States.Format('{}', 1, 2)", "{}", "1 placeholders for 2 arguments");
    fails("States.Format('none', 1)", "{}", "0 placeholders for 1 arguments");
    fails("States.Format($)", "5", "argument 1 must be a string, but was 'number'");
    fails("States.Format(null)", "{}", "but was 'null'");
}

#[test]
fn string_to_json() {
    gives("States.StringToJson('{\"flag\": \"on\"}')", "{}", r#"{"flag":"on"}"#);
    gives("States.StringToJson('\\{\"flag\": [] \\}')", "{}", r#"{"flag":[]}"#);
    gives("States.StringToJson('')", "{}", "null");
    gives("States.StringToJson(' \n\t')", "{}", "null");
    gives("States.StringToJson('null')", "{}", "null");
    gives("States.StringToJson(' [ 1 , 2.0 ] ')", "{}", "[1,2.0]");
    gives("States.StringToJson('-0')", "{}", "0");
    gives("States.StringToJson('-0.5')", "{}", "-0.5");
    gives("States.StringToJson($)", r#""\"quoted\"""#, r#""quoted""#);
    fails("States.StringToJson('nul')", "{}", "not JSON");
    fails("States.StringToJson('{\"a\":')", "{}", "not JSON");
    fails("States.StringToJson('1 2')", "{}", "not JSON");
    fails("States.StringToJson($)", "{}", "argument 1 must be a string, but was 'object'");
}

#[test]
fn json_to_string() {
    gives(
        "States.JsonToString($)",
        r#"{"b": 1, "a": [1.50, null, {"c": "x y"}]}"#,
        r#""{\"b\":1,\"a\":[1.5,null,{\"c\":\"x y\"}]}""#,
    );
    gives("States.JsonToString($)", r#""text""#, r#""\"text\"""#);
    gives("States.JsonToString(null)", "{}", r#""null""#);
    gives("States.JsonToString(3)", "{}", r#""3""#);
}

#[test]
fn json_merge() {
    let merged = |left: &str, right: &str, expected: &str| {
        gives(
            "States.JsonMerge(States.ArrayGetItem($, 0), States.ArrayGetItem($, 1), false)",
            &format!("[{left}, {right}]"),
            expected,
        );
    };
    merged("{}", "{}", "{}");
    merged(r#"{"a": 1}"#, r#"{"a": 2}"#, r#"{"a":2}"#);
    merged(r#"{"a": {"x": 1}}"#, r#"{"a": {"y": 2}}"#, r#"{"a":{"y":2}}"#);
    merged(r#"{"a": 1}"#, r#"{"a": null}"#, r#"{"a":null}"#);
    fails("States.JsonMerge($, $, true)", "{}", "deep merging");
    fails("States.JsonMerge($, $, 'false')", "{}", "argument 3 must be a boolean, but was 'string'");
    fails("States.JsonMerge($, 1, false)", "{}", "argument 2 must be an object");
    fails("States.JsonMerge($, $, false)", "[]", "argument 1 must be an object");
}

#[test]
fn merged_members_come_in_the_order_of_a_java_hash_map() {
    let merged = |left: &str, right: &str, expected: &str| {
        gives(
            "States.JsonMerge(States.ArrayGetItem($, 0), States.ArrayGetItem($, 1), false)",
            &format!("[{left}, {right}]"),
            expected,
        );
    };
    merged(r#"{"c": 1, "b": 2}"#, r#"{"a": 3}"#, r#"{"a":3,"b":2,"c":1}"#);
    merged(r#"{"a": 1}"#, r#"{"p": 2}"#, r#"{"p":2,"a":1}"#);
    merged(r#"{"BB": 1}"#, r#"{"Aa": 2}"#, r#"{"BB":1,"Aa":2}"#);
    merged(r#"{"Aa": 1}"#, r#"{"BB": 2, "Aa": 3}"#, r#"{"Aa":3,"BB":2}"#);
}

#[test]
fn array_partition() {
    gives("States.ArrayPartition($, 2)", "[1, 2, 3, 4, 5]", "[[1,2],[3,4],[5]]");
    gives("States.ArrayPartition($, 5)", "[1, 2, 3, 4, 5]", "[[1,2,3,4,5]]");
    gives("States.ArrayPartition($, 1e300)", "[1]", "[[1]]");
    gives("States.ArrayPartition($, 3)", "[]", "[]");
    gives("States.ArrayPartition($, 1.5)", "[1, 2, 3]", "[[1,2],[3]]");
    gives("States.ArrayPartition($, 0.5)", "[1, 2]", "[[1],[2]]");
    fails("States.ArrayPartition($, 0)", "[1]", "argument 2 must be greater than 0, but was 0");
    fails("States.ArrayPartition($, -2)", "[]", "greater than 0");
    fails("States.ArrayPartition($, 0.4)", "[1]", "greater than 0");
    fails("States.ArrayPartition($, '2')", "[1]", "argument 2 must be a number, but was 'string'");
    fails("States.ArrayPartition($, 2)", "{}", "argument 1 must be an array, but was 'object'");
}

#[test]
fn array_contains() {
    gives("States.ArrayContains($, 2)", "[1, 2, 3]", "true");
    gives("States.ArrayContains($, '2')", "[1, 2, 3]", "false");
    gives("States.ArrayContains($, 2.0)", "[1, 2, 3]", "false");
    gives("States.ArrayContains($, null)", "[1]", "false");
    gives("States.ArrayContains($, null)", "[null]", "true");
    gives("States.ArrayContains($, States.Array())", "[]", "false");
    gives("States.ArrayContains($, States.Array(1, 2))", "[[2, 1], [1, 2]]", "true");
    gives("States.ArrayContains($, States.StringToJson('{\"b\":2,\"a\":1}'))", r#"[{"a": 1, "b": 2}]"#, "true");
    fails("States.ArrayContains($, 1)", r#""1""#, "argument 1 must be an array");
}

#[test]
fn array_range() {
    gives("States.ArrayRange(1, 9, 2)", "{}", "[1,3,5,7,9]");
    gives("States.ArrayRange(0, 8, 3)", "{}", "[0,3,6]");
    gives("States.ArrayRange(5, 5, 1)", "{}", "[5]");
    gives("States.ArrayRange(2, 7, 40)", "{}", "[2]");
    gives("States.ArrayRange(3, -3, -2)", "{}", "[3,1,-1,-3]");
    gives("States.ArrayRange(1, 5, -1)", "{}", "[]");
    gives("States.ArrayRange(5, 1, 1)", "{}", "[]");
    gives("States.ArrayRange(0.5, 3.4, 0.9)", "{}", "[1,2,3]");
    gives("States.ArrayLength(States.ArrayRange(1, 1000, 1))", "{}", "1000");
    gives("States.ArrayRange(9223372036854775806, 9223372036854775807, 1)", "{}", "[9223372036854775806,9223372036854775807]");
    fails("States.ArrayRange(0, 1000, 1)", "{}", "more than 1000 items");
    fails("States.ArrayRange(-9223372036854775808, 9223372036854775807, 1)", "{}", "more than 1000 items");
    fails("States.ArrayRange(1, 2, 0)", "{}", "argument 3 must not be 0");
    fails("States.ArrayRange(1, 2, 0.4)", "{}", "argument 3 must not be 0");
    fails("States.ArrayRange(1, 'x', 1)", "{}", "argument 2 must be a number");
}

#[test]
fn array_get_item() {
    gives("States.ArrayGetItem($, 0)", r#"["a", "b"]"#, r#""a""#);
    gives("States.ArrayGetItem($, 1)", r#"["a", {"b": []}]"#, r#"{"b":[]}"#);
    gives("States.ArrayGetItem($, 1.0)", "[10, 20]", "20");
    fails("States.ArrayGetItem($, 2)", "[10, 20]", "index 2 is out of bounds for an array of 2 items");
    fails("States.ArrayGetItem($, -1)", "[10, 20]", "index -1 is out of bounds");
    fails("States.ArrayGetItem($, 0)", "[]", "array of 0 items");
    fails("States.ArrayGetItem($, 0)", r#"{"0": 1}"#, "argument 1 must be an array");
}

#[test]
fn array_length() {
    gives("States.ArrayLength($)", "[]", "0");
    gives("States.ArrayLength($)", "[[1, 2], null]", "2");
    fails("States.ArrayLength($)", r#""abc""#, "argument 1 must be an array, but was 'string'");
    fails("States.ArrayLength($)", r#"{"a": 1}"#, "argument 1 must be an array, but was 'object'");
}

#[test]
fn array_unique() {
    gives("States.ArrayUnique($)", "[3, 1, 3, 2, 1]", "[3,1,2]");
    gives("States.ArrayUnique($)", r#"["b", "a", "b", "A"]"#, r#"["b","a","A"]"#);
    gives("States.ArrayUnique($)", "[1, 1.0, \"1\", true, true, null, null]", r#"[1,1.0,"1",true,null]"#);
    gives("States.ArrayUnique($)", r#"[{"a": 1, "b": [2]}, {"b": [2], "a": 1}, {"a": 1}]"#, r#"[{"a":1,"b":[2]},{"a":1}]"#);
    gives("States.ArrayUnique($)", "[[1, 2], [2, 1], [1, 2], []]", "[[1,2],[2,1],[]]");
    gives("States.ArrayUnique($)", "[]", "[]");
    fails("States.ArrayUnique($)", "1", "argument 1 must be an array");
}

#[test]
fn unique_items_of_a_long_array_are_found_quickly() {
    let items: Vec<String> = (0..60_000).map(|n| (n % 50_000).to_string()).collect();
    gives("States.ArrayLength(States.ArrayUnique($))", &format!("[{}]", items.join(",")), "50000");
}

#[test]
fn base64() {
    gives("States.Base64Encode('')", "{}", r#""""#);
    gives("States.Base64Encode('hello')", "{}", r#""aGVsbG8=""#);
    gives("States.Base64Encode('ÿ>?')", "{}", r#""w78+Pw==""#);
    gives("States.Base64Decode('aGVsbG8=')", "{}", r#""hello""#);
    gives("States.Base64Decode('aGVsbG8')", "{}", r#""hello""#);
    gives("States.Base64Decode('w78+Pw==')", "{}", r#""ÿ>?""#);
    gives("States.Base64Decode('/w==')", "{}", "\"\u{fffd}\"");
    gives("States.Base64Decode(States.Base64Encode($))", r#""🙂\n""#, r#""🙂\n""#);
    fails("States.Base64Decode('a-b_')", "{}", "not Base64");
    fails("States.Base64Decode('a')", "{}", "not Base64");
    fails("States.Base64Decode(' aGVsbG8=')", "{}", "not Base64");
    fails("States.Base64Encode(5)", "{}", "argument 1 must be a string, but was 'number'");
    fails("States.Base64Decode(null)", "{}", "argument 1 must be a string, but was 'null'");
}

#[test]
fn base64_and_hash_take_ten_thousand_characters() {
    let text = |character: &str, count: usize| format!("\"{}\"", character.repeat(count));
    for call in ["States.Base64Encode($)", "States.Base64Decode($)", "States.Hash($, 'MD5')"] {
        assert!(evaluate(call, &text("a", 10_000), &Draws::new(1, 2)).is_ok(), "{call}");
        fails(call, &text("a", 10_001), "longer than 10000 characters");
    }
    assert!(evaluate("States.Base64Encode($)", &text("ü", 10_000), &Draws::new(1, 2)).is_ok());
    fails("States.Base64Encode($)", &text("🙂", 5_001), "longer than 10000 characters");
}

#[test]
fn hash() {
    gives("States.Hash('', 'MD5')", "{}", r#""d41d8cd98f00b204e9800998ecf8427e""#);
    gives("States.Hash('abc', 'MD5')", "{}", r#""900150983cd24fb0d6963f7d28e17f72""#);
    gives("States.Hash('abc', 'SHA-1')", "{}", r#""a9993e364706816aba3e25717850c26c9cd0d89d""#);
    gives("States.Hash('abc', 'SHA-256')", "{}", r#""ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad""#);
    gives(
        "States.Hash('abc', 'SHA-384')",
        "{}",
        r#""cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7""#,
    );
    gives(
        "States.Hash('abc', 'SHA-512')",
        "{}",
        r#""ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f""#,
    );
    gives("States.Hash(1, 'MD5')", "{}", r#""c4ca4238a0b923820dcc509a6f75849b""#);
    gives("States.Hash($, 'MD5')", "[]", r#""d751713988987e9331980363e24189ce""#);
    fails("States.Hash('abc', 'sha-256')", "{}", "argument 2 must be one of");
    fails("States.Hash('abc', 'SHA256')", "{}", "argument 2 must be one of");
    fails("States.Hash('abc', 256)", "{}", "argument 2 must be a string");
}

#[test]
fn math_add() {
    gives("States.MathAdd(20, 3)", "{}", "23");
    gives("States.MathAdd(20, -30)", "{}", "-10");
    gives("States.MathAdd($, 1)", "41", "42");
    fails("States.MathAdd('1', 1)", "{}", "argument 1 must be a number, but was 'string'");
    fails("States.MathAdd(1, true)", "{}", "argument 2 must be a number, but was 'boolean'");
}

#[test]
fn math_add_rounds_halves_up_before_it_adds() {
    gives("States.MathAdd(4.5, 0)", "{}", "5");
    gives("States.MathAdd(4.49, 0)", "{}", "4");
    gives("States.MathAdd(-4.5, 0)", "{}", "-4");
    gives("States.MathAdd(-4.51, 0)", "{}", "-5");
    gives("States.MathAdd(0.5, 0.5)", "{}", "2");
    gives("States.MathAdd(0.4, 0.4)", "{}", "0");
    gives("States.MathAdd(-0.5, -0.5)", "{}", "0");
    gives("States.MathAdd(0.49999999999999994, 0)", "{}", "0");
    gives("States.MathAdd(7.0, 0)", "{}", "7");
}

#[test]
fn math_add_takes_integers_of_32_bits() {
    gives("States.MathAdd(2147483647, 0)", "{}", "2147483647");
    gives("States.MathAdd(2147483647, 1)", "{}", "2147483648");
    gives("States.MathAdd(-2147483648, -1)", "{}", "-2147483649");
    fails("States.MathAdd(2147483648, 0)", "{}", "from -2147483648 to 2147483647, but was 2147483648");
    fails("States.MathAdd(0, -2147483649)", "{}", "argument 2 must be from");
    fails("States.MathAdd(1e300, 0)", "{}", "argument 1 must be from");
    fails("States.MathAdd(18446744073709551615, 0)", "{}", "argument 1 must be from");
}

#[test]
fn math_random() {
    let draws = Draws::new(11, 22);
    let number = |call: &str| evaluate(call, "{}", &draws).unwrap().as_i64().unwrap();
    let dice: BTreeSet<i64> = (0..300).map(|_| number("States.MathRandom(1, 7)")).collect();
    assert_eq!(dice, (1..7).collect());
    let rounded: BTreeSet<i64> = (0..100).map(|_| number("States.MathRandom(1.5, 3.51)")).collect();
    assert_eq!(rounded, BTreeSet::from([2, 3]));
    let wide: Vec<i64> = (0..100).map(|_| number("States.MathRandom(-2147483648, 2147483647)")).collect();
    assert!(wide.iter().any(|n| *n < 0) && wide.iter().any(|n| *n > 0));
    gives("States.MathRandom(5, 6)", "{}", "5");
    fails("States.MathRandom(5, 5)", "{}", "5 is not greater than 5");
    fails("States.MathRandom(5, 4)", "{}", "4 is not greater than 5");
    fails("States.MathRandom(1, 2147483648)", "{}", "argument 2 must be from");
    fails("States.MathRandom('1', 2)", "{}", "argument 1 must be a number");
}

#[test]
fn math_random_with_a_seed_is_java_util_random() {
    gives("States.MathRandom(0, 100, 42)", "{}", "30");
    gives("States.MathRandom(1000, 1100, 42)", "{}", "1030");
    gives("States.MathRandom(0, 999, 3)", "{}", "239");
    gives("States.MathRandom(-2147483648, 2147483647, 42)", "{}", "-1170105035");
    gives("States.MathRandom(0, 999, 3.2)", "{}", "239");
    fails("States.MathRandom(0, 9, 'x')", "{}", "argument 3 must be a number");
}

#[test]
fn string_split() {
    gives("States.StringSplit('a,b,c', ',')", "{}", r#"["a","b","c"]"#);
    gives("States.StringSplit('a-b_c', '_-')", "{}", r#"["a","b","c"]"#);
    gives("States.StringSplit('a--b--', '--')", "{}", r#"["a","b"]"#);
    gives("States.StringSplit('-a-', '-')", "{}", r#"["a"]"#);
    gives("States.StringSplit('--', '-')", "{}", "[]");
    gives("States.StringSplit('a b', '-')", "{}", r#"["a b"]"#);
    gives("States.StringSplit('a.*b', '.*')", "{}", r#"["a","b"]"#);
    gives("States.StringSplit('ab', '')", "{}", r#"["ab"]"#);
    gives("States.StringSplit('', ',')", "{}", "[]");
    gives("States.StringSplit('1→2→3', '→')", "{}", r#"["1","2","3"]"#);
    gives("States.StringSplit('one\ntwo', '\n')", "{}", r#"["one","two"]"#);
    fails("States.StringSplit(1, ',')", "{}", "argument 1 must be a string");
    fails("States.StringSplit('a', 1)", "{}", "argument 2 must be a string");
}

#[test]
fn uuid() {
    let draws = Draws::new(5, 6);
    let uuids: Vec<String> =
        (0..50).map(|_| evaluate("States.UUID()", "{}", &draws).unwrap().as_str().unwrap().to_owned()).collect();
    for uuid in &uuids {
        let groups: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12], "{uuid}");
        assert!(uuid.chars().all(|c| matches!(c, '-' | '0'..='9' | 'a'..='f')), "{uuid}");
        assert_eq!(uuid.chars().nth(14), Some('4'), "{uuid}");
        assert!(matches!(uuid.chars().nth(19), Some('8' | '9' | 'a' | 'b')), "{uuid}");
    }
    assert_eq!(uuids.iter().collect::<BTreeSet<_>>().len(), uuids.len());
    let again = evaluate("States.UUID()", "{}", &Draws::new(5, 6)).unwrap();
    assert_eq!(again.as_str(), uuids.first().map(String::as_str), "the same draws give the same UUID");
}

#[test]
fn nested_calls() {
    gives(
        "States.ArrayGetItem(States.StringSplit('a-b-c', '-'), States.MathAdd(States.ArrayLength(States.StringSplit('a-b-c', '-')), -1))",
        "{}",
        r#""c""#,
    );
    gives("States.Format('{}/{}', States.MathAdd(1, 1), States.JsonToString(States.Array('x')))", "{}", r#""2/[\"x\"]""#);
    gives(r#"States.StringToJson(States.Format('\{"n": {}\}', States.MathAdd($, 1)))"#, "1", r#"{"n":2}"#);
    fails("States.Format('{}', States.ArrayGetItem($, 9))", "[]", "'States.ArrayGetItem' failed");
}

#[test]
fn mutated_calls_neither_panic_nor_hang() {
    const SEEDS: [&str; 8] = [
        r#"States.Format('\{"a": "{}", \'b\' {}\}', $.a['x,y'], States.MathAdd($.n, -1))"#,
        "States.ArrayGetItem(States.StringSplit($$.Execution.Name, '-'), 0)",
        "States.Array($.a[?(@.b =~ /x[)]/ && @.c == 'd,e')], 1.5e3, null, true, 'é🙂')",
        "States.JsonMerge(States.StringToJson('{\"a\": 1}'), $, false)",
        "States.MathRandom(1, 5, 3)",
        "States.ArrayPartition(States.ArrayRange(0, 9, 2), 2)",
        "States.Hash(States.Base64Encode($who), 'SHA-256')",
        "States.ArrayUnique(States.Array($, $, States.UUID(), States.JsonToString($)))",
    ];
    let inputs = [json("[1, 2]"), json(r#"{"a": {"x,y": "z"}, "n": 3.5}"#), json("\"text\""), json("5")];
    let context = json(r#"{"Execution": {"Name": "a-b"}}"#);
    let variables = json(r#"{"who": "Ada"}"#).as_object().unwrap().clone();
    let draws = Draws::new(2024, 1);
    let below = |max: usize| usize::try_from(draws.next_u64() % max as u64).unwrap();
    let mut parsed = 0;
    for _ in 0..2000 {
        for seed in SEEDS {
            let mut bytes = seed.as_bytes().to_vec();
            for _ in 0..=below(4) {
                let at = below(bytes.len());
                match below(4) {
                    0 => drop(bytes.remove(at)),
                    1 => bytes.insert(at, b"\\'(),$[]{}.\"/ \n0-"[below(17)]),
                    2 => {
                        let other = below(bytes.len());
                        bytes.swap(at, other);
                    }
                    _ => {
                        let piece = bytes[at..(at + below(12)).min(bytes.len())].to_vec();
                        let to = below(bytes.len());
                        bytes.splice(to..to, piece);
                    }
                }
            }
            let text = String::from_utf8_lossy(&bytes);
            let Ok(call) = Call::parse(&text) else { continue };
            parsed += 1;
            for input in &inputs {
                let _ = call.evaluate("value.$", &Inputs::new(input, &context, &variables, &draws));
            }
        }
    }
    assert!(parsed > 100, "{parsed} calls were parsed");
}
