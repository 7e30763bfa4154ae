//! Payload templates, one line a case.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

use statewright_interpreter::Value;
use statewright_interpreter::error::EvaluationError;
use statewright_interpreter::inputs::{Draws, Inputs};
use statewright_interpreter::template::Template;

fn json(text: &str) -> Value {
    Value::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn compile(template: &str) -> Template {
    Template::compile(&json(template)).unwrap_or_else(|errors| panic!("{template}: {errors:?}"))
}

fn evaluate(template: &str, input: &str) -> Result<Value, EvaluationError> {
    let context = json(r#"{"Execution": {"Name": "run-7"}, "Map": {"Item": {"Index": 0}}}"#);
    let variables = json(r#"{"who": {"name": "Ada"}}"#).as_object().unwrap().clone();
    let (input, draws) = (json(input), Draws::new(1, 2));
    let inputs = Inputs::new(&input, &context, &variables, &draws);
    compile(template).evaluate(&inputs)
}

/// `template` on `input` gives exactly the JSON text `expected`, members in that order.
#[track_caller]
fn gives(template: &str, input: &str, expected: &str) {
    assert_eq!(evaluate(template, input).unwrap().to_string(), expected, "{template}");
}

/// `template` is refused for the fields `expected`: pointer and name.
#[track_caller]
fn refuses(template: &str, expected: &[(&str, &str)]) {
    let errors = Template::compile(&json(template)).expect_err(template);
    let places: Vec<_> = errors.iter().map(|error| (error.pointer.as_str(), error.field.as_str())).collect();
    assert_eq!(places, expected, "{template}");
}

#[test]
fn what_has_no_ending_is_taken_as_it_stands() {
    for template in ["null", "true", "1.50", "\"$.x\"", "[]", "{}", r#"{"a": "$.b", "$": "$", "b$": "States.UUID()", ".$x": 1}"#] {
        gives(template, "{}", &json(template).to_string());
        assert_eq!(compile(template).as_constant(), Some(&json(template)), "{template}");
    }
}

#[test]
fn members_with_the_ending_are_evaluated() {
    gives(r#"{"v.$": "$"}"#, "[1, 2]", r#"{"v":[1,2]}"#);
    gives(r#"{"v.$": "States.ArrayLength($)"}"#, "[1, 2]", r#"{"v":2}"#);
    gives(r#"{"v.$": " States.ArrayLength( $ ) "}"#, "[]", r#"{"v":0}"#);
    gives(r#"{"v.$.$": "$"}"#, "1", r#"{"v.$":1}"#);
    gives(r#"{".$": "$"}"#, "1", r#"{"":1}"#);
    assert_eq!(compile(r#"{"v.$": "$"}"#).as_constant().map(Value::to_string), None);
}

#[test]
fn paths_on_the_input_the_context_object_and_variables() {
    gives(r#"{"v.$": "$.a[1].b"}"#, r#"{"a": [0, {"b": null}]}"#, r#"{"v":null}"#);
    gives(r#"{"v.$": "$$.Execution.Name "}"#, "{}", r#"{"v":"run-7"}"#);
    gives(r#"{"v.$": "$who", "w.$": "$who.name"}"#, "{}", r#"{"v":{"name":"Ada"},"w":"Ada"}"#);
    gives(r#"{"v.$": "$.a[*].b", "w.$": "$..none"}"#, r#"{"a": [{"b": 1}, {}, {"b": 2}]}"#, r#"{"v":[1,2],"w":[]}"#);
}

#[test]
fn a_path_that_finds_nothing_fails_the_execution_and_the_text_has_the_member_alone() {
    let error = evaluate(r#"{"outer": [{"inner.$": "$.a.none"}]}"#, r#"{"a": {"b": 1}}"#).unwrap_err();
    assert_eq!(error.name, "States.Runtime");
    let cause = r#"The JSONPath '$.a.none' specified for the field 'inner.$' could not be found in the input '{"a":{"b":1}}'"#;
    assert_eq!(error.cause, cause);
}

#[test]
fn templates_are_evaluated_at_every_depth_and_within_arrays() {
    gives(r#"{"o": {"p": {"v.$": "$"}}}"#, "1", r#"{"o":{"p":{"v":1}}}"#);
    gives(r#"[{"v.$": "$"}, "$", [{"w.$": "$"}]]"#, "1", r#"[{"v":1},"$",[{"w":1}]]"#);
    gives(r#"{"l": [1, {"x": [{"v.$": "$", "c": {"d": "$"}}]}]}"#, "1", r#"{"l":[1,{"x":[{"c":{"d":"$"},"v":1}]}]}"#);
}

#[test]
fn what_a_path_gives_is_no_template() {
    gives(r#"{"v.$": "$"}"#, r#"{"w.$": "$"}"#, r#"{"v":{"w.$":"$"}}"#);
}

#[test]
fn members_without_the_ending_come_first_and_the_others_as_a_java_hash_map_has_them() {
    gives(r#"{"c.$": "$", "z": 0, "b.$": "$", "y": 0, "a.$": "$"}"#, "1", r#"{"z":0,"y":0,"a":1,"b":1,"c":1}"#);
    gives(r#"{"a.$": "$", "p.$": "$"}"#, "1", r#"{"p":1,"a":1}"#);
    gives(r#"{"BB.$": "$", "Aa.$": "$"}"#, "1", r#"{"BB":1,"Aa":1}"#);
    gives(r#"{"b.$": "$", "z": {"q": 1, "d.$": "$", "c.$": "$"}, "a.$": "$"}"#, "1", r#"{"z":{"q":1,"c":1,"d":1},"a":1,"b":1}"#);
    gives(r#"{"z": {"v.$": "$"}, "y": 0, "x.$": "$"}"#, "1", r#"{"z":{"v":1},"y":0,"x":1}"#);
    let many = |names: &[&str]| names.iter().map(|name| format!("\"{name}.$\": \"$\"")).collect::<Vec<_>>().join(", ");
    let twelve = ["p", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
    let expected: Vec<_> = twelve.iter().map(|name| format!("\"{name}\":1")).collect();
    gives(&format!("{{{}}}", many(&twelve)), "1", &format!("{{{}}}", expected.join(",")));
    let thirteen = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "p"];
    let expected: Vec<_> = thirteen.iter().map(|name| format!("\"{name}\":1")).collect();
    let reversed: Vec<_> = thirteen.iter().rev().copied().collect();
    gives(&format!("{{{}}}", many(&reversed)), "1", &format!("{{{}}}", expected.join(",")));
}

#[test]
fn names_of_the_members() {
    let fields = |template: &str| compile(template).fields().iter().map(|name| name.to_string()).collect::<Vec<_>>();
    assert_eq!(fields(r#"{"b.$": "$", "a.$": "$", "c": {"d.$": "$"}}"#), ["c", "a", "b"]);
    assert_eq!(fields(r#"{"b": 1, "a": 2}"#), ["b", "a"]);
    assert_eq!(fields("[1]"), [""; 0]);
}

#[test]
fn every_path_is_listed() {
    let template = compile(r#"{"a": [{"x.$": "$.x"}], "b.$": "States.Format('{}{}', $$.y, States.Array($.z))", "c": "$.no"}"#);
    let paths: Vec<_> = template.paths().iter().map(|path| path.text().to_string()).collect();
    assert_eq!(paths, ["$.x", "$$.y", "$.z"]);
}

#[test]
fn what_is_no_path_and_no_call_is_refused() {
    let root = [("", "v.$")];
    refuses(r#"{"v.$": "text"}"#, &root);
    refuses(r#"{"v.$": ""}"#, &root);
    refuses(r#"{"v.$": 1}"#, &root);
    refuses(r#"{"v.$": null}"#, &root);
    refuses(r#"{"v.$": {"w.$": "$"}}"#, &root);
    refuses(r#"{"v.$": ["$"]}"#, &root);
    refuses(r#"{"v.$": "States.Nothing()"}"#, &root);
    refuses(r#"{"v.$": "States.format('x')"}"#, &root);
    refuses(r#"{"v.$": "States.Format(\"x\")"}"#, &root);
    refuses(r#"{"v.$": "States.Format('\\n')"}"#, &root);
    refuses(r#"{"v.$": "Format('x')"}"#, &root);
    refuses(r#"{"v.$": "$.a["}"#, &root);
    refuses(r#"{"v.$": "a.b"}"#, &root);
    refuses(r#"{"v.$": "States.Array($.a[)"}"#, &root);
    let errors = Template::compile(&json(r#"{"some.$": "text"}"#)).unwrap_err();
    let message = "The value for the field 'some.$' must be a valid JSONPath or a valid intrinsic function call";
    assert_eq!(errors.first().map(|error| error.message.as_str()), Some(message));
}

#[test]
fn all_errors_are_reported_with_their_places() {
    refuses(
        r#"{"a.$": 1, "b": {"c/d": [0, {"~": {"e.$": "x", "f.$": "y"}}]}, "g.$": "$"}"#,
        &[("", "a.$"), ("/b/c~1d/1/~0", "e.$"), ("/b/c~1d/1/~0", "f.$")],
    );
}

#[test]
fn a_name_may_not_be_given_with_and_without_the_ending() {
    refuses(r#"{"v": 1, "v.$": "$"}"#, &[("", "v.$")]);
    refuses(r#"{"o": [{"v.$": "$", "v": 1}]}"#, &[("/o/0", "v.$")]);
    let errors = Template::compile(&json(r#"{"v": 1, "v.$": "$"}"#)).unwrap_err();
    let message = "The fields 'v' and 'v.$' must not be used together";
    assert_eq!(errors.first().map(|error| error.message.as_str()), Some(message));
    gives(r#"{"v.$": "$", "o": {"v": 1}}"#, "2", r#"{"o":{"v":1},"v":2}"#);
}

#[test]
fn a_call_that_fails_fails_the_template() {
    let error = evaluate(r#"{"o": {"v.$": "States.ArrayGetItem($, 5)"}}"#, "[]").unwrap_err();
    assert_eq!(error.name, "States.IntrinsicFailure");
}

#[test]
fn mutated_templates_neither_panic_nor_hang() {
    const SEEDS: [&str; 3] = [
        r#"{"a.$": "$.b['c']", "d": [{"e.$": "States.Format('{}-{}', $.x, $$.y)"}, null, 1.5], "f": {"g.$": "$"}}"#,
        r#"[{"x.$": "States.Array($.a[?(@.b == 'c')], 'it\\'s', -1)", "y": "$.z"}, {"z.$": "States.MathAdd($, 1)"}]"#,
        r#"{"a": {"b": {"c": {"d.$": "States.JsonMerge($, States.StringToJson('{\"k\": 1}'), false)"}}}, "e.$": "$name.x"}"#,
    ];
    let (input, context, variables) = (json(r#"{"b": {"c": 1}, "x": [1, "two"]}"#), json(r#"{"y": 1}"#), json(r#"{"name": 1}"#));
    let variables = variables.as_object().unwrap();
    let draws = Draws::new(7, 7);
    let below = |max: usize| usize::try_from(draws.next_u64() % max as u64).unwrap();
    let mut compiled = 0;
    for _ in 0..5000 {
        for seed in SEEDS {
            let mut bytes = seed.as_bytes().to_vec();
            for _ in 0..=below(3) {
                let at = below(bytes.len());
                match below(3) {
                    0 => drop(bytes.remove(at)),
                    1 => bytes.insert(at, *b"\\'(),$[]{}.\"/ \n0-".get(below(17)).unwrap()),
                    _ => {
                        let other = below(bytes.len());
                        bytes.swap(at, other);
                    }
                }
            }
            let Ok(template) = Value::parse_bytes(&bytes) else { continue };
            let Ok(template) = Template::compile(&template) else { continue };
            compiled += 1;
            let _ = template.evaluate(&Inputs::new(&input, &context, variables, &draws));
        }
    }
    assert!(compiled > 100, "{compiled} templates were compiled");
}
