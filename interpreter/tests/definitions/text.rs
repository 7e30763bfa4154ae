//! JSON and YAML as text: what is refused, and where things stand.

use statewright_interpreter::Value;
use statewright_interpreter::definition::{Definition, Diagnostic, Kind, Options, Syntax, codes, explain};

use super::{errors_of, one, options, parse};

#[track_caller]
fn first(text: &str, syntax: Syntax) -> Diagnostic {
    errors_of(Definition::parse(text, &options(syntax))).into_iter().next().unwrap_or_else(|| panic!("accepted {text}"))
}

#[track_caller]
fn refuses_json(text: &str, message: &str, place: &str) {
    let error = first(text, Syntax::Json);
    let location = format!("[Source: (String)\"{text}\"; {place}]");
    assert_eq!(error.code, "INVALID_JSON_DESCRIPTION", "{text}");
    assert_eq!(error.message, format!("{message}\n at {location}"), "{text}");
    assert_eq!(error.location.as_deref(), Some(location.as_str()));
}

#[test]
fn json_is_refused_in_jacksons_words() {
    refuses_json(
        "not a definition",
        "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
        "line: 1, column: 4",
    );
    refuses_json(
        "{'a': 1}",
        "Unexpected character (''' (code 39)): was expecting double-quote to start field name",
        "line: 1, column: 2",
    );
    refuses_json(
        "{\"a\" 1}",
        "Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value",
        "line: 1, column: 6",
    );
    refuses_json(
        "{\"a\": 1 \"b\"}",
        "Unexpected character ('\"' (code 34)): was expecting comma to separate Object entries",
        "line: 1, column: 9",
    );
    refuses_json(
        "[1 2]",
        "Unexpected character ('2' (code 50)): was expecting comma to separate Array entries",
        "line: 1, column: 4",
    );
    refuses_json(
        "{\"a\": }",
        "Unexpected character ('}' (code 125)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
        "line: 1, column: 7",
    );
    refuses_json(
        "{\"a\":\n 1",
        "Unexpected end-of-input: expected close marker for Object (start marker at [Source: (String); line: 1, column: 1])",
        "line: 2, column: 3",
    );
    for wrong in [
        "{\"a\": 01}",
        "{\"a\": 1.}",
        "{\"a\": -}",
        "{\"a\": \"\u{1}\"}",
        "{\"a\": \"\\x\"}",
        "{\"a\": \"\\u12\"}",
        "{} {}",
        "{}x",
        "[",
        "\"",
        "{\"a\": 1e}",
    ] {
        assert_eq!(first(wrong, Syntax::Json).code, "INVALID_JSON_DESCRIPTION", "{wrong}");
    }
}

#[test]
fn long_texts_are_quoted_in_their_beginning() {
    let text = format!("[{}", "1,".repeat(400));
    let location = first(&text, Syntax::Json).location.unwrap();
    assert!(location.ends_with("\"[truncated 301 chars]; line: 1, column: 802]"), "{location}");
}

#[test]
fn texts_without_an_object_are_no_definitions() {
    for text in ["", " \n", "\u{feff}", "[]", "\"a\"", "null", "1"] {
        let error = first(text, Syntax::Json);
        assert_eq!((error.code, error.message.as_str()), ("SCHEMA_VALIDATION_FAILED", "Definition must be a valid JSON object"));
        assert_eq!(error.location, None);
    }
}

#[test]
fn strings_are_unescaped() {
    let text = one(r#""Type": "Succeed""#).replace("\"S\"", r#""\u00e4\n\"\\\/\uD83D\uDE00""#);
    assert!(parse(&text).unwrap().definition.find("ä\n\"\\/😀").is_some());
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let json = format!("\u{feff}{}", one(r#""Type": "Pas""#));
    assert_eq!(first(&json, Syntax::Json).span.unwrap().column, json.find("\"Pas\"").unwrap() + 1 - '\u{feff}'.len_utf8());
    assert!(Definition::parse("\u{feff}StartAt: S\nStates: {S: {Type: Succeed}}", &options(Syntax::Yaml)).is_ok());
}

#[test]
fn positions_are_lines_and_characters() {
    let span = first("{\n  \"StartAt\": \"S\",\n  \"States\": {\"S\": {\"Comment\": \"ä😀\", \"Type\": \"Pas\"}}\n}", Syntax::Json)
        .span
        .unwrap();
    assert_eq!((span.line, span.column), (3, 45));
    let text = "StartAt: S\nStates:\n  S:\n    Comment: ä😀\n    Type: Pas\n";
    let span = first(text, Syntax::Yaml).span.unwrap();
    assert_eq!((span.line, span.column, &text[span.start..span.end]), (5, 11, "Pas"));
    let text = "StartAt: Yes\nStates:\n  Yes: {Type: Pass, End: true, Foo: 1}\n";
    let span = first(text, Syntax::Yaml).span.unwrap();
    assert_eq!((span.line, span.column, &text[span.start..span.end]), (3, 32, "Foo"));
}

const YAML: &str = "
Comment: |
  Two
  lines
StartAt: Yes
States:
  Yes:
    Type: Choice
    Choices:
      - Variable: $.a
        StringEquals: on
        Next: 'No'
      - {Variable: $.n, NumericEquals: 1.5, Next: '12'}
      - Variable: $.t
        BooleanEquals: true
        Next: 'null'
    Default: off
  No: &end
    Type: Pass
    End: true
  12: *end
  null: *end
  off: {Type: Succeed}
";

/// The one wrong character of an expression, `]`, is pointed at.
#[track_caller]
fn points_at_it(text: &str, syntax: Syntax) {
    let substitutions = [("Sum".to_owned(), "$sum([1])".to_owned())].into();
    let found = Definition::parse(text, &Options { syntax, substitutions, ..Options::default() }).unwrap_err();
    let span = found[0].span.unwrap();
    let before = &text[..text.find(']').unwrap()];
    let (line, column) = (before.matches('\n').count() + 1, before.rsplit('\n').next().unwrap().chars().count() + 1);
    assert_eq!((found[0].code, span.line, span.column), ("INVALID_JSONATA_EXPRESSION", line, column), "{text}");
}

#[test]
fn a_wrong_expression_is_pointed_at_in_its_string() {
    for output in [
        r#""{% 1 + ] %}""#,
        r#""{% 'é' & \"ü\" & ] %}""#,
        r#""{% '\u00e9\ud83d\ude00' & ] %}""#,
        r#""{%\n  1 +\r\n\t] %}""#,
        r#"{"a": ["{% '\\\\' & \/x\/ & ] %}"]}"#,
        r#""{% '${Sum}' & ] %}""#,
    ] {
        let json = format!(
            r#"{{"QueryLanguage": "JSONata", "StartAt": "S", "States": {{
            "S": {{"Type": "Pass", "End": true,
                "Output": {output}}}}}}}"#
        );
        points_at_it(&json, Syntax::Json);
    }
    for output in [
        "'{% 1 + ] %}'",
        "'{% ''é'' & ] %}'",
        "'{% ''one''\n        & ]\n        %}'",
        r#""{% \"é\" & '\u00e9\x41\t' & ] %}""#,
        "\"{% 1 +\n\n        2 \\\n        + ] %}\"",
        "\"{% 1\n+ ] %}\"",
        "|-\n        {%\n          'é' &\n\n          ]\n        %}",
        "|-\r\n        {% 1 +\r\n        ] %}",
        "|4-\n        {% 1 +\n          ] %}",
        ">-\n        {% 1 +\n        2 +\n\n          3 +\n        ] %}\n",
        ">-\n        {% ${Sum} +\n        ] %}",
        "\n        a: !Sub '{% ''x'' & ] %}'",
        "\n        - &it\n          '{% ''x'' & ] %}'\n        - *it",
        "!Sub |-\n        {% ${Sum} +\n        ] %}",
    ] {
        let yaml = format!(
            "# ü\nQueryLanguage: JSONata\nStartAt: S\nStates:\n  S:\n    Type: Pass\n    End: true\n    Output: {output}\n    Comment: 'é'\n"
        );
        points_at_it(&yaml, Syntax::Yaml);
    }
}

#[test]
fn where_the_place_in_a_string_is_not_known_its_beginning_is_shown() {
    let text = "QueryLanguage: JSONata\nStartAt: S\nStates:\n  S: {Type: Pass, End: true, Output: !Ref Expression}\n";
    let substitutions = [("Expression".to_owned(), "{% 1 + ] %}".to_owned())].into();
    let found = Definition::parse(text, &Options { syntax: Syntax::Yaml, substitutions, ..Options::default() }).unwrap_err();
    let span = found[0].span.unwrap();
    assert_eq!((found[0].code, span.line), ("INVALID_JSONATA_EXPRESSION", 4));
    assert!(text[span.start..].starts_with("!Ref Expression"), "{}", &text[span.start..]);
}

#[test]
fn yaml_follows_the_core_schema() {
    let parsed = Definition::parse(YAML, &options(Syntax::Yaml)).unwrap();
    assert_eq!(parsed.definition.comment.as_deref(), Some("Two\nlines\n"));
    for state in ["Yes", "No", "12", "null", "off"] {
        assert!(parsed.definition.find(state).is_some(), "{state}");
    }
}

#[test]
fn quoted_lines_need_no_indentation() {
    let yaml = "StartAt: S
States:
  S:
    Type: Pass
    Comment: 'größer
    it''s
  not indented'
    Result: \"a \\\"quoted\\\" text
    in two lines\"
    Next: T
  T:
    Type: Fail
    Cuase: x
";
    let parsed = Definition::parse(&yaml.replace("Cuase", "Cause"), &options(Syntax::Yaml)).unwrap();
    let state = parsed.definition.state(parsed.definition.find("S").unwrap());
    assert_eq!(state.comment.as_deref(), Some("größer it's not indented"));
    let Kind::Pass(pass) = &state.kind else { panic!("{state:?}") };
    assert_eq!(pass.result, Some(Value::from("a \"quoted\" text in two lines")));
    // Places are those of the text as it was written.
    let refused = first(yaml, Syntax::Yaml);
    assert_eq!(refused.message, "Field 'Cuase' is not supported");
    let at = refused.span.unwrap().start;
    assert_eq!(yaml.get(at..at + 5), Some("Cuase"));
}

#[test]
fn yaml_that_is_none_is_refused() {
    for wrong in ["a: b: c", "a: [1", "{", "a: *b", "? [a]\n: 1", "a: 1\n---\nb: 2", "a: &x [*x]"] {
        assert_eq!(first(wrong, Syntax::Yaml).code, "INVALID_YAML_DESCRIPTION", "{wrong}");
    }
}

#[test]
fn how_yaml_writes_expressions_is_said() {
    let help_of = |written: &str| {
        let text = format!("QueryLanguage: JSONata\nStartAt: S\nStates:\n  S:\n    Type: Succeed\n    Output: {written}\n");
        first(&text, Syntax::Yaml).help.unwrap_or_default()
    };
    assert!(help_of("{% $states.input %}").contains("quotation marks"));
    assert!(help_of(">\n      {% $states.input %}").contains("`>-`"));
    assert!(help_of("'{% $states.input'").is_empty());
}

#[test]
fn aliases_do_not_grow_without_bound() {
    let mut text = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n".to_owned();
    for level in 1..30 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert_eq!(first(&text, Syntax::Yaml).message, "the aliases stand for too many values");
}

#[test]
fn every_code_is_explained() {
    for code in codes() {
        let text = explain(code).unwrap_or_else(|| panic!("{code} is not explained"));
        assert!(text.contains("wrong:") && text.contains("right:"), "{code}");
    }
    assert_eq!(explain("NOTHING"), None);
    let options = Options::default();
    for diagnostic in Definition::parse("{\"States\": {}}", &options).unwrap_err() {
        assert!(explain(diagnostic.code).is_some());
    }
}
