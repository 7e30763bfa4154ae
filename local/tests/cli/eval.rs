//! `eval`

use std::process::Command;

use serde_json::json;

use crate::folder::{BINARY, Folder, Ran};

fn eval(arguments: &[&str]) -> Ran {
    let fixed = ["eval", "--start-time", "2026-01-01T00:00:00Z", "--seed", "1"];
    Folder::new().file("order.json", r#"{"id": 7, "items": [{"price": 3}, {"price": 30}]}"#).run(&[&fixed, arguments].concat())
}

/// The expression has this value, and nothing is said about it.
#[track_caller]
fn gives(arguments: &[&str], expected: &str) {
    let ran = eval(arguments).code(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), (format!("{expected}\n").as_str(), ""), "{arguments:?}");
}

/// There is no value, but all of this on the screen.
#[track_caller]
fn says(arguments: &[&str], code: i32, texts: &[&str]) {
    let ran = eval(arguments).code(code).says(texts);
    assert_eq!(ran.stdout, "", "{arguments:?}");
}

#[test]
fn expressions_see_what_they_are_given() {
    gives(&["1 + 1"], "2");
    gives(&["-1"], "-1");
    gives(&["{% $states.input.id %}", "--input", "@order.json"], "7");
    gives(&["  $states.input.items[price > 10]", "-i", "@order.json"], r#"{"price":30}"#);
    gives(&["$states.input"], "{}");
    gives(&["$a.b + $c", "--vars", r#"{"a": {"b": 1}, "c": 2}"#], "3");
    gives(&["$states.result.Payload", "--result", r#"{"Payload": [null]}"#], "[null]");
    gives(&["$states.errorOutput.Error", "--error-output", r#"{"Error": "E"}"#], "\"E\"");
    gives(&["9007199254740993"], "9007199254740993");
}

#[test]
fn the_context_object_is_made_up_where_it_is_not_given() {
    gives(&["$states.context.Execution.Name & $states.context.State.EnteredTime"], "\"eval2026-01-01T00:00:00Z\"");
    let given = r#"{"Execution": {"Name": "e"}, "Map": {"Item": {"Index": 3}}}"#;
    gives(&["$states.context.[Execution.Name, StateMachine.Name, Map.Item.Index]", "--context", given], r#"["e","eval",3]"#);
    gives(&["-l", "jsonpath", "$$.Execution.Input.id", "-i", "@order.json"], "7");
}

#[test]
fn time_and_randomness_are_repeatable() {
    gives(&["$now()"], "\"2026-01-01T00:00:00.000Z\"");
    let folder = Folder::new();
    let drawn = |seed: &str| folder.run(&["eval", "[$uuid(), $random()]", "--seed", seed]).code(0).stdout;
    assert_eq!(drawn("7"), drawn("7"));
    assert_ne!(drawn("7"), drawn("8"));
}

#[test]
fn a_field_of_a_state_is_evaluated_in_its_strings() {
    let field = r#"{"a": "{% $x + 1 %}", "b": ["{% $states.input.id %}", "$.id"]}"#;
    gives(&[field, "--vars", r#"{"x": 1}"#, "-i", "@order.json"], r#"{"a":2,"b":[7,"$.id"]}"#);
    gives(&[r#"["{% $states.result %}"]"#, "--result", "5"], "[5]");
    gives(&[r#"{"a": "b"}"#], r#"{"a":"b"}"#);
    says(&[r#"{"a": ["{% 1 %}", "{% phone %}"]}"#], 2, &["UNSUPPORTED_JSONATA_EXPRESSION", "'phone'", "expression:1:23", "/a[1]"]);
    says(&[r#"{"a": "{% 1 + 'x' %}"}"#], 1, &["expression:1:11", "^^^^^^^", "Output/a", "T2002"]);
}

#[test]
fn what_the_service_refuses_is_refused_with_a_hint() {
    let top =
        |name: &str| format!("error[UNSUPPORTED_JSONATA_EXPRESSION]: Reference to '{name}' at the top level is not supported.");
    says(&["$"], 2, &[&top("$"), "the input is called `$states.input`", "--language jsonpath"]);
    says(&["$.a"], 2, &[&top("$"), "--language jsonpath"]);
    says(&["$$.a"], 2, &[&top("$$"), "--language jsonpath"]);
    says(&["1 + phone"], 2, &[&top("phone"), "expression:1:5", " 1 | 1 + phone\n   |     ^^^^^\n", "a variable `$name`"]);
    says(&["States.UUID()"], 2, &[&top("States"), "--language jsonpath"]);
    says(&["$states.result"], 2, &["Field '$states.result' does not exist.", "--result"]);
    says(&["$states.errorOutput"], 2, &["Field '$states.errorOutput' does not exist.", "--error-output"]);
    says(&["{% 1"], 2, &["JSONata string must start with {% and end with %}"]);
    says(&["(1 +"], 2, &["INVALID_JSONATA_EXPRESSION", "before end of expression", "expression:1:5"]);
    says(&["'ä' & ]"], 2, &["expression:1:7", " 1 | 'ä' & ]\n   |       ^\n"]);
    says(&["order.json"], 2, &["--file order.json"]);
    says(&["$a ?? 1"], 2, &["\"?\" cannot be used as a unary operator", "expression:1:5", "has no `??`", "`$exists(a) ? a : b`"]);
    says(&[r#"{"a": "{% $a ?: 1 %}"}"#], 2, &["expression:1:15", "has no `?:`", "`a ? a : b`", "/a"]);
    says(&["1 + sum([1])"], 2, &[&top("sum"), "expression:1:5", "did you mean `$sum`?"]);
    says(&["{% uuid() %}"], 2, &[&top("uuid"), "did you mean `$uuid`?"]);
}

#[test]
fn a_string_copied_from_a_definition_is_evaluated() {
    gives(&[r#""{% $sum([1, 2]) & \"x\\n\" %}""#], "\"3x\\n\"");
    gives(&[r#"  "{%\n  $states.input.id\n%}"  "#, "--input", "@order.json"], "7");
    gives(&[r#""{% not a whole one""#], "\"{% not a whole one\"");
    gives(&[r#""a" & "b""#], "\"ab\"");
    says(&[r#""{% \"x\" & ] %}""#], 2, &["INVALID_JSONATA_EXPRESSION", "expression:1:13"]);
    says(&[r#"{"Parameters": {"x": "{% 1 + %}"}}"#], 2, &["/Parameters/x"]);
    says(&[r#""{% 1 + 'x' %}""#], 1, &["T2002", "expression:1:5", "^^^^^^^"]);
    says(&[r#"["{% -'x' %}", "{% -'x' %}"]"#], 1, &["expression:1:1", "^^^^^^^^^^^^^^"]);
}

#[test]
fn an_expression_that_fails_says_where() {
    says(
        &["1 + 'a'"],
        1,
        &["error[States.QueryEvaluationError]: T2002: The right side of the \"+\" operator", " 1 | 1 + 'a'\n   |   ^\n"],
    );
    says(&["$states.input.none"], 1, &["returned nothing (undefined)"]);
    says(&["$total"], 1, &["returned nothing (undefined)", "there is no variable `$total`", "--vars"]);
    says(&["2 + $eval('1')"], 1, &["T1006", "there is no function `$eval`", "expression:1:5", "^^^^^\n"]);
    says(&["($f := $count; [$f([1]), $foo(1)])"], 1, &["T1006", "there is no function `$foo`", "expression:1:26", " ^^^^\n"]);
    // What is missing is not always what failed.
    for (expression, fails) in [
        (r#"[$error("x"), $foo()]"#, ["D3137: x", "expression:1:8", "^\n"]),
        (r#"$error("boom") & $unset"#, ["D3137: boom", "expression:1:7", "^\n"]),
        (r#"$states.inputs ? 1 : $error("no")"#, ["D3137: no", "expression:1:28", "^\n"]),
        (r"[$unset ? $foo() : 1()]", ["T1006", "expression:1:21", "^\n"]),
    ] {
        let ran = eval(&[expression]).code(1).says(&fails);
        assert!(!ran.stderr.contains("help"), "{expression}: {}", ran.stderr);
    }
    says(&["$states.inputs"], 1, &["`$states` never has a member `inputs`"]);
    says(&["$sum"], 1, &["returned a function"]);
    says(&["($f := function($n) { 1 + $f($n) }; $f(1))"], 1, &["Stack overflow error"]);
}

#[test]
fn wider_limits_let_expressions_use_more() {
    let deep = "($f := function($n) { $n = 0 ? 0 : 1 + $f($n - 1) }; $f(150))";
    let large = "$count([1..900000])";
    let long = "($f := function($n) { $n = 0 ? 'done' : $f($n - 1) }; $f(2000000))";
    for (text, expected, sentence) in [
        (deep, "150", "Stack overflow error"),
        (large, "900000", "memory limit exceeded"),
        (long, "\"done\"", "evaluation timeout"),
    ] {
        says(&[text], 1, &[sentence, "`--limits relaxed`"]);
        says(&[text, "--limits", "aws"], 1, &[sentence]);
        gives(&[text, "--limits", "relaxed"], expected);
        gives(&[&format!(r#"{{"a": "{{% {text} %}}"}}"#), "--limits", "relaxed"], &format!(r#"{{"a":{expected}}}"#));
    }
    let endless = eval(&["($f := function($n) { 1 + $f($n) }; $f(1))", "--limits", "relaxed"]).code(1);
    assert!(endless.stderr.contains("Stack overflow error") && !endless.stderr.contains("--limits"), "{}", endless.stderr);
    says(&["1", "--limits", "none"], 2, &["aws", "relaxed"]);
}

#[test]
fn paths_calls_and_templates_of_jsonpath_have_values() {
    let gives = |text: &str, expected: &str| {
        gives(&["--language", "JSONPath", text, "--input", "@order.json", "--vars", r#"{"v": {"x": 1}}"#], expected);
    };
    gives("$.id", "7");
    gives("$.items[*].price", "[3,30]");
    gives("$.items[?(@.price > 99)]", "[]");
    gives("$v.x", "1");
    gives("$$.StateMachine.Name", "\"eval\"");
    gives("States.Format('{}-{}', $.id, $$.Execution.Name)", "\"7-eval\"");
    gives(r#"{"b.$": "$.id", "a": [{"c.$": "States.MathAdd($v.x, 1)"}]}"#, r#"{"a":[{"c":2}],"b":7}"#);
    let says = |text: &str, code: i32, texts: &[&str]| says(&["-l", "jsonpath", text], code, texts);
    says("$.none", 1, &["error[States.Runtime]: Invalid path '$.none' : No results for path: $['none']", "^^^^^^"]);
    says("$v.x", 1, &["there is no variable `$v`", "--vars"]);
    says("States.StringToJson('{')", 1, &["States.IntrinsicFailure"]);
    says("$.a b", 2, &["Value must be a valid JSONPath.", "expression:1:4"]);
    says("States.Nothing()", 2, &["Value must be a valid call of an intrinsic function.", "States.Nothing"]);
    says("{% 1 %}", 2, &["--language jsonata"]);
    says(r#"{"a": 1, "b": {"c.$": "d"}}"#, 2, &["The value for the field 'c.$' must be a valid JSONPath", "expression:1:23", "/b"]);
    says(r#"{"a": }"#, 2, &["INVALID_JSON_DESCRIPTION"]);
    let warned = eval(&["-l", "jsonpath", r#"{"a": "$.b"}"#]).code(0).says(&["warning[NO_DOLLAR]", "expression:1:7"]);
    assert_eq!(warned.stdout, "{\"a\":\"$.b\"}\n");
}

#[test]
fn a_file_holds_one_expression() {
    let folder = Folder::new().file("total.jsonata", "(\n  $x := 2;\n  $x * 3\n)\n").file("wrong.jsonata", "(\n  $x := ;\n)");
    assert_eq!(folder.run(&["eval", "--file", "total.jsonata"]).code(0).stdout, "6\n");
    folder.run(&["eval", "-f", "wrong.jsonata"]).code(2).says(&["--> wrong.jsonata:2:9", " 2 |   $x := ;"]);
    folder.run(&["eval", "-f", "nowhere"]).code(2).says(&["`nowhere` does not exist"]);
    folder.run(&["eval", "-f", "total.jsonata", "1"]).code(2).says(&["cannot be used with"]);
}

#[test]
fn lines_are_evaluated_one_after_the_other() {
    let folder = Folder::new();
    let lines = |text: &str| folder.run_with_stdin(&["eval", "--vars", r#"{"a": [1, 2]}"#], text.as_bytes());
    let ran = lines("$a\n\n$sum($a)\r\n").code(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("[1,2]\n3\n", ""), "no prompt where nobody types");
    let ran = lines("$b\n1\n").code(1).says(&["standard input:1:1", "there is no variable `$b`"]);
    assert_eq!(ran.stdout, "1\n");
    let ran = lines("$b\n)\n1").code(2).says(&["standard input:1:1", "standard input:2:1", " 2 | )"]);
    assert_eq!(ran.stdout, "1\n");
    lines("").code(2).says(&["there is no expression"]);
    let ran = folder.run_with_stdin(&["eval", "--seed", "1"], b"$random()\n$random()\n").code(0);
    let drawn: Vec<_> = ran.stdout.lines().collect();
    assert_ne!(drawn[0], drawn[1]);
    folder.run_with_stdin(&["eval"], b"1\n\xff\n").code(2).says(&["line 2"]);
}

#[test]
fn an_expression_may_go_on_over_lines() {
    let folder = Folder::new();
    let lines = |text: &str| folder.run_with_stdin(&["eval"], text.as_bytes());
    let ran = lines("(\n  $x := [1,\n\n    2];\r\n  $sum($x)\n)\n1 +\n1\n{% 5\n%}\n").code(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("3\n2\n5\n", ""));
    let ran = lines("1\n(\n  1 +\n  ]\n").code(2).says(&["standard input:4:3", " 4 |   ]"]);
    assert_eq!(ran.stdout, "1\n");
    // What never ends stands for itself.
    let ran = lines("/* why\n2\n3\n").code(2).says(&["standard input:1:1"]);
    assert_eq!(ran.stdout, "2\n3\n");
    let template = b"{\n\"a.$\": \"$\"\n}\n$\n";
    assert_eq!(folder.run_with_stdin(&["eval", "--language", "jsonpath"], template).code(0).stdout, "{\"a\":{}}\n{}\n");
    let many = format!("/* why\n{}", "2\n".repeat(3_000));
    assert_eq!(lines(&many).code(2).stdout.lines().count(), 3_000);
}

#[test]
fn all_of_standard_input_is_one_expression() {
    let folder = Folder::new();
    for arguments in [&["eval", "-"][..], &["eval", "--file", "-"]] {
        let ran = |text: &str| folder.run_with_stdin(arguments, text.as_bytes());
        assert_eq!(ran("[1, 2, 3]\n  [$ > 1]\n  ~> $sum\n").code(0).stdout, "5\n");
        ran("(\n  $x := ;\n)").code(2).says(&["standard input:2:9"]);
        ran("").code(2).says(&["standard input is empty"]);
        folder.run(&[arguments, &["--input", "-"]].concat()).code(2).says(&["two things: the expressions and --input"]);
    }
}

#[test]
fn what_is_read_from_standard_input_is_read_once() {
    let folder = Folder::new();
    let ran = folder.run_with_stdin(&["eval", "$states.input.a", "--input", "-"], b"{\"a\": true}\n").code(0);
    assert_eq!(ran.json(), json!(true));
    for arguments in [&["eval", "--input", "-"][..], &["eval", "1", "--input", "-", "--vars", "-"]] {
        folder.run(arguments).code(2).says(&["standard input cannot be read for two things"]);
    }
}

#[test]
fn the_examples_of_the_help_run_as_written() {
    let folder = Folder::new().file("order.json", r#"{"items": [{"name": "hat", "price": 12}]}"#);
    let help = folder.run(&["eval", "--help"]).code(0).stdout;
    let examples: Vec<_> = help.lines().filter_map(|line| line.strip_prefix("  statewright ")).collect();
    assert!(examples.len() >= 5, "{help}");
    for example in examples {
        let script = format!("echo 1 | {BINARY} {example}");
        let ran = Ran::of(Command::new("sh").args(["-c", &script]).current_dir(folder.path()).output().unwrap()).code(0);
        assert_eq!(ran.stdout.lines().count(), 1, "{example}");
    }
}

#[test]
fn a_wrong_call_is_explained() {
    says(&["1", "--vars", "[]"], 2, &["`--vars` must be an object, not array"]);
    says(&["1", "--vars", r#"{"$a": 1}"#], 2, &["the name `$a` has a `$`"]);
    says(&["1", "--vars", r#"{"states": 1}"#], 2, &["--result"]);
    says(&["1", "--context", "3"], 2, &["`--context` must be an object"]);
    says(&["1", "--input", "order.json"], 2, &["the input is not valid JSON", "--input @order.json"]);
    says(&["1", "--input", "@none.json"], 2, &["does not exist"]);
    says(&["1", "--result", "1", "--error-output", "2"], 2, &["cannot be used with"]);
    Folder::new().run(&["eval", "1", "--start-time", "now"]).code(2).says(&["--start-time", "RFC 3339"]);
    Folder::new().run(&["eval", "1", "--language", "xpath"]).code(2).says(&["jsonata", "jsonpath"]);
}
