//! Paths, templates, expressions, variables and the rules of Choices.

use statewright_interpreter::definition::Span;

use super::{DISTRIBUTED, accepts, accepts_state, errors_of, jsonata, machine, one, parse, refuses, refuses_state};

const SCHEMA: &str = "SCHEMA_VALIDATION_FAILED";
const NO_DOLLAR: &str = "Value is not a Reference Path: Reference path didn't start with '$'";

#[test]
fn paths_are_paths() {
    const MESSAGE: &str = "Value must be a valid JSONPath.";
    for path in ["$", "$$.Execution.Id", "$name", "$.a[0]['b']", "$.a-b"] {
        accepts_state(&format!(r#""Type": "Pass", "End": true, "InputPath": "{path}""#));
    }
    accepts_state(r#""Type": "Pass", "End": true, "InputPath": null, "OutputPath": null, "ResultPath": null"#);
    refuses_state(r#""Type": "Pass", "End": true, "OutputPath": "Test""#, MESSAGE, "/States/S/OutputPath");
    refuses_state(r#""Type": "Pass", "End": true, "InputPath": 1"#, MESSAGE, "/States/S/InputPath");
    refuses_state(r#""Type": "Pass", "End": true, "InputPath": "States.UUID()""#, MESSAGE, "/States/S/InputPath");
    refuses_state(r#""Type": "Pass", "End": true, "ResultPath": "Test""#, NO_DOLLAR, "/States/S/ResultPath");
    refuses_state(
        r#""Type": "Pass", "End": true, "ResultPath": "$.a[*]""#,
        "Value is not a Reference Path: it does not identify a single node",
        "/States/S/ResultPath",
    );
    refuses_state(
        r#""Type": "Pass", "End": true, "ResultPath": "$$.a""#,
        "Value is not a Reference Path: it does not identify a single node",
        "/States/S/ResultPath",
    );
    accepts_state(r#""Type": "Pass", "End": true, "ResultPath": "$.a[0]['b c']""#);
}

#[test]
fn templates_hold_paths_and_calls() {
    let state = |parameters: &str| format!(r#""Type": "Pass", "End": true, "Parameters": {parameters}"#);
    accepts_state(&state(r#"{"a.$": "$.b", "c": [{"d.$": "States.Format('{}', $.x)"}], "e.$": "$$.Execution.Id"}"#));
    let message =
        |field: &str| format!("The value for the field '{field}' must be a valid JSONPath or a valid intrinsic function call");
    refuses_state(&state(r#"{"a.$": "b"}"#), &message("a.$"), "/States/S/Parameters");
    refuses_state(&state(r#"{"a.$": 1}"#), &message("a.$"), "/States/S/Parameters");
    refuses_state(&state(r#"{"x": {"a.$": "States.Nothing()"}}"#), &message("a.$"), "/States/S/Parameters/x");
}

#[test]
fn choices_have_rules() {
    let state = |rule: &str| {
        machine(&format!(r#""S": {{"Type": "Choice", "Choices": [{rule}], "Default": "T"}}, "T": {{"Type": "Succeed"}}"#))
    };
    let rule = |test: &str| state(&format!(r#"{{{test}, "Next": "T"}}"#));
    for test in [
        r#""Variable": "$.a", "StringEquals": """#,
        r#""Variable": "$.a", "StringMatches": "a*\\*""#,
        r#""Variable": "$.a", "NumericLessThanEqualsPath": "$.b""#,
        r#""Variable": "$a.b", "BooleanEquals": false, "Comment": "c""#,
        r#""Variable": "$.a", "TimestampGreaterThan": "2026-11-21T09:00:00+01:00""#,
        r#""Variable": "$$.Execution.Name", "IsPresent": true"#,
        r#""And": [{"Variable": "$.a", "IsNull": true}, {"Not": {"Variable": "$.b", "IsString": false}}]"#,
        r#""Or": [{"And": [{"Variable": "$.a", "NumericEquals": 1.5}]}]"#,
    ] {
        accepts(&rule(test));
    }
    let refuse = |test: &str, message: &str, at: &str| refuses(&rule(test), SCHEMA, message, &format!("/States/S/Choices[0]{at}"));
    const KIND: &str = "The object must have only one of the following fields, [And, Or, Not, Variable, Condition]";
    refuse(r#""StringEquals": "a""#, KIND, "");
    refuse(r#""Variable": "$.a", "IsNull": true, "And": [{"Variable": "$.a", "IsNull": true}]"#, KIND, "");
    refuse(r#""Or": [{"IsNull": true}]"#, KIND, "/Or[0]");
    refuse(r#""Not": {}"#, KIND, "/Not");
    refuse(r#""Variable": "$.a""#, "A Choice Rule needs a comparison operator", "");
    refuse(r#""Variable": "$.a", "IsNull": true, "IsString": true"#, "Each Choice Rule can only have one comparison operator.", "");
    refuse(r#""Variable": "a", "IsNull": true"#, NO_DOLLAR, "/Variable");
    refuse(r#""Variable": "$.a", "StringEquals": 1"#, "Expected value of type String, but found Number", "/StringEquals");
    refuse(r#""Variable": "$.a", "NumericEquals": "1""#, "Expected value of type Number, but found String", "/NumericEquals");
    refuse(r#""Variable": "$.a", "BooleanEquals": "true""#, "Expected value of type Boolean, but found String", "/BooleanEquals");
    refuse(r#""Variable": "$.a", "IsNull": 1"#, "Expected value of type Boolean, but found Number", "/IsNull");
    refuse(r#""Variable": "$.a", "TimestampEquals": "today""#, "String does not match RFC3339 timestamp", "/TimestampEquals");
    refuse(r#""Variable": "$.a", "StringEqualsPath": "b""#, NO_DOLLAR, "/StringEqualsPath");
    refuse(r#""Variable": "$.a", "StringEqual": "b""#, "Field 'StringEqual' is not supported", "");
    refuse(r#""And": []"#, "Value cannot be empty", "/And");
    refuse(r#""Not": {"Variable": "$.a", "IsNull": true, "Next": "T"}"#, "Field 'Next' is not supported", "/Not");
    refuses(&state(r#"{"Variable": "$.a", "IsNull": true}"#), SCHEMA, "These fields are required: [Next]", "/States/S/Choices[0]");
    refuses(&state(""), SCHEMA, "Value cannot be empty", "/States/S/Choices");
}

#[test]
fn jsonata_choices_have_conditions() {
    let state = |rule: &str| {
        jsonata(&format!(r#""S": {{"Type": "Choice", "Choices": [{rule}], "Default": "T"}}, "T": {{"Type": "Succeed"}}"#))
    };
    accepts(&state(r#"{"Condition": "{% true %}", "Next": "T", "Output": 1, "Assign": {"a": 1}}"#));
    accepts(&state(r#"{"Condition": true, "Next": "T"}"#));
    refuses(
        &state(r#"{"Condition": "yes", "Next": "T"}"#),
        SCHEMA,
        "Value must be a JSONata expression: '{% … %}'",
        "/States/S/Choices[0]/Condition",
    );
    refuses(
        &state(r#"{"Next": "T"}"#),
        SCHEMA,
        "The object must have only one of the following fields, [And, Or, Not, Variable, Condition]",
        "/States/S/Choices[0]",
    );
}

#[test]
fn variables_have_names_of_their_own() {
    let state = |assign: &str| format!(r#""Type": "Pass", "End": true, "Assign": {assign}"#);
    accepts_state(&state(r#"{"a": 1, "b2_c.$": "$.x", "größe": null}"#));
    refuses(
        &one(&state(r#"{"states": 1}"#)),
        "RESERVED_VARIABLE_NAME",
        "Cannot assign to reserved variable '$states'.",
        "/States/S/Assign",
    );
    for name in ["1a", "a.b", "a[0]", "a-b", ""] {
        refuses(
            &one(&state(&format!(r#"{{"{name}": 1}}"#))),
            "INVALID_VARIABLE_NAME",
            &format!("Invalid variable name '{name}': the variable name contains invalid characters."),
            "/States/S/Assign",
        );
    }
    let nested = |outer: &str, inner: &str| {
        machine(&format!(
            r#""S": {{"Type": "Pass", "Assign": {{"{outer}": 1}}, "Next": "M"}},
               "M": {{"Type": "Map", "End": true, "Assign": {{"own": 1}}, "ItemProcessor": {{"StartAt": "P", "States": {{"P": {{"Type": "Pass", "End": true, "Assign": {{"{inner}": 2, "own": 1}}}}}}}}}}"#
        ))
    };
    accepts(&nested("a", "b"));
    refuses(
        &nested("a", "a"),
        SCHEMA,
        "Variable 'a' is assigned in an outer scope too, by state 'S'",
        "/States/M/ItemProcessor/States/P/Assign",
    );
    accepts(&nested("a", "a").replace("\"StartAt\": \"P\"", &format!("{DISTRIBUTED} \"StartAt\": \"P\"")));
}

#[test]
fn expressions_have_both_markers() {
    let state = |output: &str| jsonata(&format!(r#""S": {{"Type": "Pass", "End": true, "Output": {output}}}"#));
    accepts(&state(r#"{"a": ["{% 1 %}", " {% 1 %} ", "text"]}"#));
    for half in ["{% 1", "1 %}", "{%}"] {
        refuses(
            &state(&format!(r#"{{"a": ["{half}"]}}"#)),
            SCHEMA,
            "JSONata string must start with {% and end with %}",
            "/States/S/Output",
        );
    }
}

/// A machine in JSONata with this state `S`, which may lead to `T`.
fn in_jsonata(state: &str) -> String {
    jsonata(&format!(r#""S": {{{state}}}, "T": {{"Type": "Succeed"}}"#)).replace(r#""End": true"#, r#""Next": "T""#)
}

const UNSUPPORTED: &str = "UNSUPPORTED_JSONATA_EXPRESSION";

#[test]
fn expressions_refer_to_no_document() {
    let pass = |expression: &str| in_jsonata(&format!(r#""Type": "Pass", "End": true, "Output": {{"v": "{{% {expression} %}}"}}"#));
    for (expression, name) in [
        ("phone", "phone"),
        ("$", "$"),
        ("$$.a", "$$"),
        ("$states.input[$$.a]", "$$"),
        ("$map([1], function($i) { b })", "b"),
        ("*", "*"),
    ] {
        let message = format!("Reference to '{name}' at the top level is not supported.");
        refuses(&pass(expression), UNSUPPORTED, &message, "/States/S/Output/v");
    }
    for expression in ["$states.input.phone", "$states.input.list[$.a = b].c", "$states.input.{'a': $, 'b': c}", "1 + 1", "$states"]
    {
        accepts(&pass(expression));
    }
    // A field that is one expression, and the place within its text.
    let wait = in_jsonata(r#""Type": "Wait", "End": true, "Seconds": "{% \"\u00fc\" & (pause) %}""#);
    let errors = errors_of(parse(&wait));
    let found: Vec<_> = errors.iter().map(|error| (error.code, error.location.as_deref(), error.span.unwrap().start)).collect();
    assert_eq!(found, [(UNSUPPORTED, Some("/States/S/Seconds"), wait.find("pause").unwrap())]);
}

#[test]
fn results_and_errors_are_seen_where_there_is_one() {
    const NO_RESULT: &str = "Field '$states.result' does not exist.";
    const NO_ERROR: &str = "Field '$states.errorOutput' does not exist.";
    let task = |fields: &str| {
        in_jsonata(&format!(r#""Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": true, {fields}"#))
    };
    let catch = |field: &str| format!(r#""Catch": [{{"ErrorEquals": ["States.ALL"], "Next": "T", {field}}}]"#);
    let result = r#""{% $states.result.Payload %}""#;
    let error = r#"{"e": "{% $states.errorOutput.Cause %}"}"#;
    let map = r#""Type": "Map", "End": true, "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Succeed"}}}"#;
    let branch = r#""Type": "Parallel", "End": true, "Branches": [{"StartAt": "P", "States": {"P": {"Type": "Succeed"}}}]"#;
    accepts(&task(&format!(r#""Output": {result}, "Assign": {{"r": {result}}}"#)));
    accepts(&in_jsonata(&format!(r#"{map}, "Output": {result}"#)));
    accepts(&in_jsonata(&format!(r#"{branch}, "Assign": {{"r": [{result}]}}"#)));
    accepts(&task(&catch(&format!(r#""Output": {error}, "Assign": {error}"#))));
    refuses(&task(&format!(r#""Arguments": {result}"#)), UNSUPPORTED, NO_RESULT, "/States/S/Arguments");
    refuses(&task(&format!(r#""TimeoutSeconds": {result}"#)), UNSUPPORTED, NO_RESULT, "/States/S/TimeoutSeconds");
    refuses(&task(&catch(&format!(r#""Output": {result}"#))), UNSUPPORTED, NO_RESULT, "/States/S/Catch[0]/Output");
    refuses(&task(&format!(r#""Output": {error}"#)), UNSUPPORTED, NO_ERROR, "/States/S/Output/e");
    refuses(&in_jsonata(&format!(r#"{map}, "ItemSelector": {error}"#)), UNSUPPORTED, NO_ERROR, "/States/S/ItemSelector/e");
    refuses(
        &in_jsonata(&format!(r#""Type": "Pass", "End": true, "Output": {result}"#)),
        UNSUPPORTED,
        NO_RESULT,
        "/States/S/Output",
    );
}

/// What is said about the `Output` of a state: the code, and the text that it is said of.
fn said_of(output: &str) -> Vec<(&'static str, String)> {
    let definition = in_jsonata(&format!(r#""Type": "Pass", "End": true, "Output": {output}"#));
    let found = parse(&definition).map_or_else(|found| found, |parsed| parsed.warnings);
    let of = |span: Span| definition[span.start..].split(['%', ' ', ',']).next().unwrap().to_owned();
    found.into_iter().map(|found| (found.code, found.span.map(of).unwrap_or_default())).collect()
}

fn said(expected: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    expected.iter().map(|&(code, text)| (code, text.to_owned())).collect()
}

const INVALID: &str = "INVALID_JSONATA_EXPRESSION";
const FUNCTION: &str = "UNKNOWN_FUNCTION";
const VARIABLE: &str = "UNDEFINED_VARIABLE";

#[test]
fn a_wrong_expression_hides_no_other_one() {
    assert_eq!(
        said_of(
            r#"{"a": "{% ) %}", "b": "{% bare %}", "c": ["{% $states.result %}", "{% ] %}"], "d": "{% $eval(1) %}", "e": "{% $v %}"}"#
        ),
        said(&[
            (INVALID, ")"),
            (UNSUPPORTED, "bare"),
            (UNSUPPORTED, "$states.result"),
            (INVALID, "]"),
            (FUNCTION, "$eval(1)"),
            (VARIABLE, "$v"),
        ]),
    );
}

#[test]
fn of_members_with_the_same_name_the_last_one_is_meant() {
    let of_the_last = |output: &str, code: &'static str, text: &str| {
        let found: Vec<_> =
            said_of(output).into_iter().filter(|(code, _)| [INVALID, FUNCTION, VARIABLE, UNSUPPORTED].contains(code)).collect();
        assert_eq!(found, said(&[(code, text)]), "{output}");
    };
    of_the_last(r#"{"a": "{% 1 + %}", "b": 1, "a": "{% ) %}"}"#, INVALID, ")");
    of_the_last(r#"{"x": "{% $unknownb %}", "x": "{% $unknown %}"}"#, VARIABLE, "$unknown");
    of_the_last(r#"{"x": "{% $foo(1) & phone %}", "x": "{% $foo(1) %}"}"#, FUNCTION, "$foo(1)");
    of_the_last(r#"{"x": {"y": "{% a %}"}, "z": "{% 1 %}", "x": [{"y": "{% b %}"}]}"#, UNSUPPORTED, "b");
    of_the_last(r#"{"x": "{% $v %}", "y": 1, "x": "{% $v %}"}"#, VARIABLE, "$v");
}

#[test]
fn many_names_are_told_once_each() {
    let names = |sigil: &str, count: usize| (0..count).map(|at| format!("{sigil}n{at:x}")).collect::<Vec<_>>().join(",");
    for (sigil, code) in [("$", VARIABLE), ("", UNSUPPORTED)] {
        let found = said_of(&format!(r#""{{% [{}, {}] %}}""#, names(sigil, 120_000), names(sigil, 10)));
        assert_eq!(found.len(), 120_000);
        assert!(found.iter().all(|(found, _)| *found == code));
    }
}

#[test]
fn variables_that_are_read_are_listed() {
    let definition = jsonata(
        r#""S": {"Type": "Pass", "Assign": {"b": 1, "a": 2, "count": 3}, "Next": "M"},
           "M": {"Type": "Map", "Items": "{% [$a, $b] %}", "Next": "T",
                 "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Succeed", "Output": "{% ($b := 1; $b + $count + $sum([$unknown])) %}"}}}},
           "T": {"Type": "Fail", "Cause": "{% '$a' & $states.input.a %}"}"#,
    );
    let references = parse(&definition).unwrap().definition.variable_references();
    let listed: Vec<_> =
        references.iter().map(|(state, names)| (&**state, names.iter().map(|name| &**name).collect::<Vec<_>>())).collect();
    assert_eq!(listed, [("M", vec!["a", "b"]), ("P", vec!["count", "unknown"])]);
}

#[test]
fn what_is_meant_by_a_wrong_expression_is_said() {
    let helped = |expression: &str| {
        let state = format!(r#""S": {{"Type": "Pass", "Output": "{{% {expression} %}}", "End": true}}"#);
        errors_of(parse(&jsonata(&state))).into_iter().next().unwrap().help.unwrap_or_default()
    };
    assert!(helped("$states.input.a ?? 1").contains("has no `??`"));
    assert!(helped("$states.input.a ?: 1").contains("has no `?:`"));
    assert_eq!(helped("sum([1])"), "did you mean `$sum`?");
    assert_eq!(helped("total([1])"), "the input is called `$states.input`, a variable `$name`");
    assert_eq!(helped("1 +"), "");
}
