//! Whatever the text, there is an answer, soon.

use proptest::prelude::*;
use statewright_interpreter::definition::{Definition, Options, Syntax};

use super::{DISTRIBUTED, errors_of, one, options, parse};

#[test]
fn deep_nesting_is_refused() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let text = format!("{}1{}", open.repeat(150_000), close.repeat(150_000));
        assert_eq!(errors_of(parse(&text))[0].code, "TOO_DEEPLY_NESTED");
    }
    for text in ["[".repeat(200_000), "{a: ".repeat(200_000), "- ".repeat(200_000), "? ".repeat(100_000)] {
        assert!(Definition::parse(&text, &options(Syntax::Yaml)).is_err());
    }
    let mut blocks = String::new();
    for level in 0..2000 {
        blocks.push_str(&format!("{}a:\n", " ".repeat(level)));
    }
    assert!(Definition::parse(&blocks, &options(Syntax::Yaml)).is_err());
}

#[test]
fn nested_states_and_rules_are_read_to_the_bound() {
    let mut state = r#"{"Type": "Succeed"}"#.to_owned();
    for level in 0..30 {
        state = format!(
            r#"{{"Type": "Parallel", "End": true, "Branches": [{{"StartAt": "S{level}", "States": {{"S{level}": {state}}}}}]}}"#
        );
    }
    assert!(parse(&format!(r#"{{"StartAt": "S", "States": {{"S": {state}}}}}"#)).is_ok());
    let mut rule = r#"{"Variable": "$.a", "IsNull": true}"#.to_owned();
    for _ in 0..110 {
        rule = format!(r#"{{"Not": {rule}}}"#);
    }
    let rule = rule.strip_suffix('}').unwrap();
    let text = format!(
        r#"{{"StartAt": "S", "States": {{"S": {{"Type": "Choice", "Choices": [{rule}, "Next": "T"}}], "Default": "T"}}, "T": {{"Type": "Succeed"}}}}}}"#
    );
    assert!(parse(&text).is_ok(), "{:?}", parse(&text).err());
}

#[test]
fn a_definition_may_have_a_mebibyte_of_characters_and_no_more() {
    let fill = |length: usize| {
        let empty = one(r#""Type": "Succeed", "Comment": """#);
        empty.replace("\"\"", &format!("\"{}\"", "ä".repeat(length - empty.chars().count())))
    };
    assert!(parse(&fill(1_048_576)).is_ok());
    assert_eq!(errors_of(parse(&fill(1_048_577)))[0].message, "The definition is longer than 1048576 characters");
}

#[test]
fn large_machines_are_read() {
    let count = 6000;
    let mut states = String::new();
    for n in 0..count {
        let next = if n + 1 == count { "\"End\": true".to_owned() } else { format!("\"Next\": \"S{}\"", n + 1) };
        states.push_str(&format!(
            r#""S{n}": {{"Type": "Pass", "Parameters": {{"a.$": "$.b", "c": [1, 2, 3]}}, "Assign": {{"v{n}.$": "$.x"}}, {next}}},"#
        ));
    }
    let text = format!(r#"{{"StartAt": "S0", "States": {{{}}}}}"#, states.trim_end_matches(','));
    assert!(text.len() > 500_000);
    assert_eq!(parse(&text).unwrap().definition.states().len(), count);
    // As wrong as can be: every state leads nowhere.
    let wrong = text.replace("\"Next\": \"S", "\"Next\": \"X").replace("Parameters", "Parameter");
    assert!(errors_of(parse(&wrong)).len() > count);
    let distinct: String = (0..60_000).map(|n| format!("\"k{n}\": 1,")).collect();
    assert!(parse(&one(&distinct).replace(",}", "}")).is_err());
    let names: String = (0..100_000).map(|n| format!("\"{n}\",")).collect();
    let task = r#""Type": "Task", "End": true, "Resource": "arn:aws:states:::lambda:invoke", "Retry": [{"ErrorEquals": [NAMES]}]"#;
    assert!(parse(&one(&task.replace("NAMES", names.trim_end_matches(',')))).is_ok());
    let wrong: String = (0..50_000).map(|n| format!("\"k{n}.$\": \"\",")).collect();
    let pass = r#""Type": "Pass", "End": true, "Parameters": {FIELDS}"#.replace("FIELDS", wrong.trim_end_matches(','));
    assert!(parse(&one(&pass)).is_err());
    let members = format!("{{{}\"a\": 1}}", "\"a\": 1,".repeat(100_000));
    assert!(parse(&members).is_err());
}

const SEEDS: [&str; 3] = [
    r#"{"StartAt": "S", "QueryLanguage": "JSONPath", "TimeoutSeconds": ${T}, "States": {"S": {"Type": "Choice", "Choices": [{"Not": {"Variable": "$.a[0]", "StringMatches": "a\\*"}, "Next": "M"}], "Default": "M"}, "M": {"Type": "Map", "ItemsPath": "$.i", "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}, "StartAt": "P", "States": {"P": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "Parameters": {"x.$": "States.Format('{}', $$.Task.Token)"}, "Retry": [{"ErrorEquals": ["States.ALL"], "BackoffRate": 1.5e1}], "End": true}}}, "Label": "l\u00e4", "Next": "W"}, "W": {"Type": "Wait", "Timestamp": "2026-11-21T00:00:00Z", "End": true}}}"#,
    r#"{"StartAt": "S", "QueryLanguage": "JSONata", "States": {"S": {"Type": "Parallel", "Branches": [{"StartAt": "A", "States": {"A": {"Type": "Pass", "Output": "{% $states.input %}", "Assign": {"v": "{% 1 %}"}, "End": true}}}], "Catch": [{"ErrorEquals": ["A"], "Next": "F"}], "Next": "F"}, "F": {"Type": "Fail", "Cause": "{% $v %}"}}}"#,
    "StartAt: S\nStates:\n  S: &a\n    Type: Wait\n    Seconds: !Ref X\n    Next: \"T\"\n  T:\n    - 'x' # c\n    - |\n      text\n    - *a\n    - {a: [1, ~]}\n",
];

#[test]
fn mutated_texts_neither_panic_nor_hang() {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |bound: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % u64::try_from(bound).unwrap()).unwrap()
    };
    const PIECES: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        "\"",
        ":",
        ",",
        "\\",
        "${",
        "$",
        "null",
        "-",
        "1e999",
        "*a",
        "&a",
        "!Sub",
        "- ",
        "\n",
        "  ",
        "\t",
        "\u{feff}",
        "{%",
        "States.",
        "😀",
        "#",
        "|",
        "? ",
        "99999999999999999999",
    ];
    for round in 0..60_000 {
        let mut text = SEEDS[round % SEEDS.len()].to_owned();
        for _ in 0..=next(4) {
            let boundaries: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let (a, b) = (boundaries[next(boundaries.len())], boundaries[next(boundaries.len())]);
            let (start, end) = (a.min(b), a.max(b).min(a.min(b) + 40));
            let end = *boundaries.iter().find(|&&at| at >= end).unwrap();
            match next(4) {
                0 => text.replace_range(start..end, ""),
                1 => text.insert_str(start, PIECES[next(PIECES.len())]),
                2 => text.truncate(start),
                _ => {
                    let piece = text[start..end].to_owned();
                    let at = boundaries[next(boundaries.len())];
                    text.insert_str(at, &piece);
                }
            }
            if text.is_empty() {
                break;
            }
        }
        for syntax in [Syntax::Json, Syntax::Yaml] {
            match Definition::parse(&text, &options(syntax)) {
                Ok(parsed) => drop(parsed.definition.variable_references()),
                Err(diagnostics) => {
                    assert!(!diagnostics.is_empty());
                    for span in diagnostics.iter().filter_map(|diagnostic| diagnostic.span) {
                        assert!(text.get(span.start..span.end).is_some() && span.line > 0 && span.column > 0, "{text}");
                    }
                }
            }
        }
    }
}

proptest! {
    /// Of one character, exactly the forbidden ones are refused.
    #[test]
    fn labels_have_no_forbidden_characters(character in any::<char>()) {
        let forbidden = character.is_whitespace() || character.is_control() || "?*<>{}[]:;,\\|^~$#%&`\"".contains(character);
        let label = serde_json::Value::from(format!("l{character}"));
        let text = one(&format!(
            r#""Type": "Map", "End": true, "Label": {label}, "ItemProcessor": {{{DISTRIBUTED} "StartAt": "P", "States": {{"P": {{"Type": "Succeed"}}}}}}"#
        ));
        let errors = errors_of(Definition::parse(&text, &Options::default()));
        prop_assert_eq!(errors.iter().map(|error| error.code).collect::<Vec<_>>(), if forbidden { vec!["INVALID_LABEL_NAME"] } else { vec![] });
    }

    /// Any text has an answer.
    #[test]
    fn any_text_has_an_answer(text in any::<String>()) {
        for syntax in [Syntax::Json, Syntax::Yaml] {
            prop_assert!(Definition::parse(&text, &options(syntax)).is_err());
        }
    }
}
