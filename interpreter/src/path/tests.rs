use statewright_value::Object;

use super::*;
use crate::inputs::Draws;

const INPUT: &str = r#"{"a":{"b":[{"c":1},{"c":2}]},"n":null,"x-y":true}"#;
const CONTEXT: &str = r#"{"Execution":{"Name":"e","Input":{"a":7}}}"#;

fn evaluate(path: &str) -> Result<String, EvaluationError> {
    let path = Path::parse(path).unwrap();
    with_inputs(|inputs| path.evaluate(inputs).map(|value| value.to_string()))
}

fn with_inputs<T>(test: impl FnOnce(&Inputs<'_>) -> T) -> T {
    let (input, context) = (Value::parse(INPUT).unwrap(), Value::parse(CONTEXT).unwrap());
    let variables: Object = [("order".into(), Value::parse(r#"{"id":5,"lines":[1,2]}"#).unwrap())].into_iter().collect();
    test(&Inputs::new(&input, &context, &variables, &Draws::new(1, 2)))
}

#[track_caller]
fn gives(path: &str, value: &str) {
    assert_eq!(evaluate(path).unwrap(), value, "{path}");
}

#[track_caller]
fn fails(path: &str, cause: &str) {
    assert_eq!(evaluate(path).unwrap_err(), EvaluationError::runtime(cause), "{path}");
}

#[test]
fn a_path_starts_from_the_input_the_context_object_or_a_variable() {
    gives("$", INPUT);
    gives("$.a.b[1].c", "2");
    gives(" $.a.b[1].c ", "2");
    gives("$.x-y", "true");
    gives("$.a.b[*].c", "[1,2]");
    gives("$$", CONTEXT);
    gives("$$.Execution.Name ", r#""e""#);
    gives("$$['Execution']['Input'].a", "7");
    gives("$order", r#"{"id":5,"lines":[1,2]}"#);
    gives("$order.id", "5");
    gives("$order['lines'][1]", "2");
    gives("$order.lines[*]", "[1,2]");
}

#[test]
fn where_nothing_is_the_path_is_named_as_written() {
    fails("$.X", "Invalid path '$.X' : No results for path: $['X']");
    fails("$.no.such", "Invalid path '$.no.such' : Missing property in path $['no']");
    fails("$$.Execution.Id", "Invalid path '$$.Execution.Id' : No results for path: $['Execution']['Id']");
    fails("$order.x", "Invalid path '$order.x' : No results for path: $['x']");
    fails("$none.x", "Invalid path '$none.x' : The variable '$none' has not been assigned a value");
    let for_field = |path: &str| with_inputs(|inputs| Path::parse(path).unwrap().evaluate_for_field("v.$", inputs).unwrap_err());
    let cause = format!("The JSONPath '$$.Task.Token' specified for the field 'v.$' could not be found in the input '{INPUT}'");
    assert_eq!(for_field("$$.Task.Token"), EvaluationError::runtime(cause));
    assert!(for_field("$none").cause.ends_with("The variable '$none' has not been assigned a value"));
}

#[test]
fn what_cannot_start_a_path_is_refused() {
    let long = format!("${}", "n".repeat(81));
    for path in
        ["", " ", "a.b", "@.a", "$1", "$_x", "$a b", "$a-b", "$states.input", "$states", "$$$", "$$x.a", "$ .a", "$.a b", &long]
    {
        assert!(Path::parse(path).is_err(), "{path}");
    }
    for path in ["$ümlaut1.a", "$a_b", "$x", "$stateś", &long[..81]] {
        assert!(matches!(Path::parse(path).unwrap().root(), Root::Variable(_)), "{path}");
    }
    assert_eq!(Path::parse("  $a-b").unwrap_err().at, 3);
    assert_eq!(Path::parse(" $$.a b").unwrap_err().at, 5);
    assert_eq!(Path::parse("$order.a b").unwrap_err().at, 8);
}

#[test]
fn forms_seen_in_published_definitions_are_accepted() {
    for path in [
        "$.a-b",
        "$.[0]",
        "$.list.[0].x",
        "$.[*].['a','b']",
        "$.a[0].b[0]c",
        "$.Items[?(@.Name==Receipt)]",
        "$.Items[?(@.id == $.other)].x",
        "$.Items[?(@.Task && @.n >= 1 && @.n < 5)]",
        "$.Items[?(@.Name == 'a b')].Value[0]",
        "$$.Execution.Name ",
        "$$.Map.Item.Value['a-b']",
    ] {
        assert!(Path::parse(path).is_ok(), "{path}");
    }
}

#[test]
fn whole_input_and_reference_are_recognised() {
    assert!(Path::parse(" $ ").unwrap().is_whole_input());
    assert!(!Path::parse("$$").unwrap().is_whole_input());
    for (path, is_reference) in [
        ("$", true),
        ("$$.a[0]['b@']", true),
        ("$x.a", true),
        ("$.a[*]", false),
        ("$.a[-1]", false),
        ("$.a@b", false),
        ("$.it's@b", false),
        ("$['a'].it's@b", false),
    ] {
        assert_eq!(Path::parse(path).unwrap().is_reference(), is_reference, "{path}");
    }
}

#[track_caller]
fn sets(path: &str, document: &str, expected: &str) {
    let document = Value::parse(document).unwrap();
    let before = document.to_string();
    let path = ReferencePath::parse(path).unwrap();
    let changed = path.set(&document, Value::from("!")).unwrap();
    assert_eq!(changed.to_string(), expected, "{}", path.text());
    assert_eq!(document.to_string(), before, "the document itself is not changed");
    assert_eq!(path.get(&changed), Ok(&Value::from("!")));
    assert_eq!(changed.measure().bytes, expected.len());
}

#[test]
fn a_reference_path_is_written_to() {
    sets("$", "[1]", r#""!""#);
    sets("$.a", "{}", r#"{"a":"!"}"#);
    sets("$.a", r#"{"a":{"b":1},"c":2}"#, r#"{"a":"!","c":2}"#);
    sets("$.a.b.c", "{}", r#"{"a":{"b":{"c":"!"}}}"#);
    sets("$.a.b", r#"{"a":{"x":[1]}}"#, r#"{"a":{"x":[1],"b":"!"}}"#);
    sets("$.a[1]", r#"{"a":[1,2,3]}"#, r#"{"a":[1,"!",3]}"#);
    sets("$.a.b[0]['c d']", r#"{"a":{"b":[{}]}}"#, r#"{"a":{"b":[{"c d":"!"}]}}"#);
    sets("$[0].a-b.c", "[{}]", r#"[{"a-b":{"c":"!"}}]"#);
    sets("$['a.b']", "{}", r#"{"a.b":"!"}"#);
}

#[test]
fn what_is_in_the_way_of_a_reference_path_is_an_error() {
    for (path, document) in [
        ("$.a", "1"),
        ("$.a", "null"),
        ("$.a", "[1]"),
        ("$.a.b", r#"{"a":"text"}"#),
        ("$.a.b", r#"{"a":null}"#),
        ("$.a.b", r#"{"a":[]}"#),
        ("$.a[0]", r#"{"a":{}}"#),
        ("$.a[0]", "{}"),
        ("$.a[1]", r#"{"a":[1]}"#),
        ("$[0]", "{}"),
    ] {
        let error = ReferencePath::parse(path).unwrap().set(&Value::parse(document).unwrap(), Value::Null).unwrap_err();
        assert_eq!(error.name, "States.ReferencePathConflict");
        assert_eq!(error.cause, format!("Unable to apply ReferencePath {path} to input {document}"));
    }
}

#[test]
fn a_reference_path_names_one_place() {
    for path in [
        "$..a",
        "$.a[*]",
        "$.*",
        "$.a[0,1]",
        "$.a[1:]",
        "$.a[-1]",
        "$['a','b']",
        "$.a[?(@.b)]",
        "$.a[(@.length-1)]",
        "$.a@b",
        "$.a:b",
        "$.a,b",
        "$.a?",
        "$.a*",
        "$.a.length()",
        "$$.a",
        "$x.a",
        "a.b",
        "@.a",
        "",
        "$.",
        "$.a b",
    ] {
        assert!(ReferencePath::parse(path).is_err(), "{path}");
    }
    for path in ["$", "$.a", "$['a']", "$['a@b:c,d?e*f']", "$[0]", "$.a-b_c.über[0]['x']", "$.a.['b']", "$.$a", " $.a "] {
        assert!(ReferencePath::parse(path).is_ok(), "{path}");
    }
}

#[test]
fn only_what_is_on_the_way_is_copied() {
    let document = Value::parse(r#"{"a":{"b":1},"large":[1,2,3]}"#).unwrap();
    let changed = ReferencePath::parse("$.a.b").unwrap().set(&document, Value::Null).unwrap();
    let items = |value: &Value| value.get("large").and_then(Value::as_array).unwrap().as_ptr();
    assert_eq!(items(&changed), items(&document));
}
