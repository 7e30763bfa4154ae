//! `${Name}`.

use statewright_interpreter::definition::{Definition, Flow, Kind, Options, Parsed, Quantity, Syntax, Wait};

use super::{errors_of, machine, one, parse};

fn with(values: &[(&str, &str)]) -> Options {
    Options {
        substitutions: values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..Options::default()
    }
}

fn state(parsed: &Parsed) -> &Kind {
    &parsed.definition.state(parsed.definition.find("S").unwrap()).kind
}

const TASK: &str = r#""Type": "Task", "End": true, "Resource": "arn:aws:lambda:${AWS::Region}:${Account}:function:${Function}", "TimeoutSeconds": ${Timeout}"#;

#[test]
fn values_are_put_in() {
    let options = with(&[("AWS::Region", "eu-west-1"), ("Account", "123456789012"), ("Function", "f"), ("Timeout", " 30")]);
    let parsed = Definition::parse(&one(TASK), &options).unwrap();
    let Kind::Task(task) = state(&parsed) else { panic!() };
    assert_eq!(&**task.resource.arn(), "arn:aws:lambda:eu-west-1:123456789012:function:f");
    assert!(matches!(task.timeout, Some(Quantity::Fixed(30))));
    assert_eq!((parsed.unresolved, parsed.warnings), (Vec::new(), Vec::new()));
}

#[test]
fn names_without_a_value_are_listed_and_their_fields_count_as_absent() {
    let parsed = parse(&one(TASK)).unwrap();
    assert_eq!(parsed.unresolved, ["AWS::Region", "Account", "Function", "Timeout"]);
    assert_eq!(parsed.warnings.iter().map(|warning| warning.code).collect::<Vec<_>>(), ["UNRESOLVED_SUBSTITUTION"]);
    let Kind::Task(task) = state(&parsed) else { panic!() };
    assert!(task.timeout.is_none());
    for fields in [
        r#""Type": "Wait", "End": true, "Seconds": "${X}""#,
        r#""Type": "Wait", "End": true, "Seconds": ${X}"#,
        r#""Type": "Wait", "End": true, "Timestamp": "${X}""#,
        r#""Type": "Wait", "End": true, "SecondsPath": "$.${X}""#,
        r#""Type": "Pass", "End": true, "InputPath": "${X}", "ResultPath": "${X}", "OutputPath": "${X}""#,
        r#""Type": "Pass", "End": true, "Parameters": {"a.$": "${X}", "b": "${X}"}"#,
        r#""Type": "Pass", "End": true, "Result": ${X}"#,
        r#""Type": "Fail", "ErrorPath": "${X}", "Cause": "${X}""#,
        r#""Type": "Task", "End": true, "Resource": "${X}", "HeartbeatSeconds": "${X}", "Retry": [{"ErrorEquals": ["${X}"], "MaxAttempts": ${X}, "BackoffRate": "${X}"}]"#,
        r#""Type": "Map", "End": true, "MaxConcurrency": "${X}", "ItemsPath": "${X}", "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Succeed"}}}"#,
    ] {
        let parsed = parse(&one(fields)).unwrap_or_else(|errors| panic!("{fields}\n{errors:#?}"));
        assert_eq!(parsed.unresolved, ["X"], "{fields}");
    }
    let call = r#""Type": "Pass", "End": true, "Parameters": {"a.$": "States.Format('${X}/{}', $.a)", "b.$": "States.${X}($.a)"}"#;
    let parsed = parse(&one(call)).unwrap();
    let Flow::JsonPath(flow) = &parsed.definition.state(parsed.definition.find("S").unwrap()).flow else { panic!("{call}") };
    assert_eq!(flow.parameters.as_ref().unwrap().expressions().len(), 1, "the call that can be made is kept");
    let rules = r#""S": {"Type": "Choice", "Default": "T", "Choices": [{"Variable": "${X}", "IsNull": true, "Next": "T"}, {"Variable": "$.a", "NumericEquals": ${X}, "Next": "T"}, {"Variable": "$.a", "TimestampEquals": "${X}", "Next": "T"}]}, "T": {"Type": "Succeed"}"#;
    assert_eq!(parse(&machine(rules)).unwrap().unresolved, ["X"]);
}

#[test]
fn targets_exist_once_values_are_put_in() {
    let text =
        r#"{"StartAt": "${Prefix}-a", "States": {"${Prefix}-a": {"Type": "Pass", "Next": "x-b"}, "x-b": {"Type": "Succeed"}}}"#;
    assert!(Definition::parse(text, &with(&[("Prefix", "x")])).is_ok());
    assert!(parse(text).is_ok(), "the same name stands in both places");
    let open = errors_of(parse(&one(r#""Type": "Pass", "Next": "${Target}""#)));
    assert_eq!(open[0].message, "Missing 'Next' target: ${Target}");
}

#[test]
fn a_bare_value_must_be_json() {
    let text = one(r#""Type": "Wait", "End": true, "Seconds": ${S}"#);
    let errors = errors_of(Definition::parse(&text, &with(&[("S", "ten")])));
    assert_eq!(errors[0].code, "INVALID_JSON_DESCRIPTION");
    assert!(errors[0].message.starts_with("Unrecognized token 'ten'"));
    assert_eq!(errors[0].span.unwrap().start, text.find("${S}").unwrap());
    let nested = format!("{{\"a\": {}1{}}}", "[".repeat(200), "]".repeat(200));
    let errors = errors_of(Definition::parse(&one(r#""Type": "Pass", "End": true, "Result": ${R}"#), &with(&[("R", &nested)])));
    assert_eq!(errors[0].code, "TOO_DEEPLY_NESTED");
}

#[test]
fn positions_are_those_of_the_original_text() {
    let text = one(r#""Comment": "${Long}", "Type": "Pas""#);
    let errors = errors_of(Definition::parse(&text, &with(&[("Long", &"x".repeat(500))])));
    let span = errors[0].span.unwrap();
    assert_eq!(&text[span.start..span.end], "\"Pas\"");
}

#[test]
fn what_is_no_substitution_is_text() {
    for text in ["${", "${}", "$", "${!Literal}", "#{AWS::Region}", "a ${b", "$${"] {
        let parsed = parse(&one(&format!(r#""Type": "Pass", "End": true, "Comment": "{text}""#))).unwrap();
        assert_eq!(parsed.unresolved, Vec::<String>::new(), "{text}");
    }
}

#[test]
fn yaml_has_short_tags() {
    let text = "
StartAt: S
States:
  S: {Type: Task, Resource: !GetAtt Function.Arn, Next: T}
  T: {Type: Task, Resource: !Sub 'arn:aws:states:::${Service}:invoke', Next: W}
  W:
    Type: Wait
    Seconds: ${Seconds}
    Next: U
  U: {Type: Task, Resource: !Join [':', [a, b]], Next: V}
  V: {Type: Task, Resource: !Ref Function, TimeoutSeconds: !Ref Timeout, End: true}
";
    let yaml = |values| Options { syntax: Syntax::Yaml, ..with(values) };
    let parsed = Definition::parse(text, &yaml(&[])).unwrap();
    assert_eq!(parsed.unresolved, ["!Join", "Function", "Function.Arn", "Seconds", "Service", "Timeout"]);
    let parsed = Definition::parse(text, &yaml(&[("Service", "lambda"), ("Seconds", "5"), ("Timeout", "9")])).unwrap();
    assert_eq!(parsed.unresolved, ["!Join", "Function", "Function.Arn"]);
    let wait = &parsed.definition.state(parsed.definition.find("W").unwrap()).kind;
    assert!(matches!(wait, Kind::Wait(Wait::Seconds(5))));
}
