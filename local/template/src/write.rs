//! Trees as text.

use std::fmt::Write as _;

use super::{Kind, Member, Node, Syntax};

/// A node as a value in block style: what follows the colon of its key, the lines after the first indented by `indent` blanks or more.
///
/// JSON is written as it is usually indented, by two blanks a level; `indent` is then that of the line with the key.
#[must_use]
pub fn block(node: &Node, syntax: Syntax, indent: usize) -> String {
    let mut out = String::new();
    match syntax {
        Syntax::Yaml => yaml(&mut out, node, indent),
        Syntax::Json => {
            out.push(' ');
            json(&mut out, &node.long(), Some(indent));
        }
    }
    out
}

/// A node on one line, in YAML's flow style, functions as they are written.
#[must_use]
pub fn flow(node: &Node) -> String {
    let mut out = String::new();
    flow_into(&mut out, node);
    out
}

/// A node as JSON on one line, functions in their long form.
#[must_use]
pub fn compact(node: &Node) -> String {
    let mut out = String::new();
    json(&mut out, &node.long(), None);
    out
}

fn tag(out: &mut String, node: &Node) {
    if let Some(tag) = &node.tag {
        let _ = write!(out, " !{tag}");
    }
}

/// Behind a colon or a dash.
fn yaml(out: &mut String, node: &Node, indent: usize) {
    tag(out, node);
    match &node.kind {
        Kind::Object(members) if !members.is_empty() => {
            for Member { key, value, .. } in members {
                let _ = write!(out, "\n{:indent$}{}:", "", scalar(key, false));
                yaml(out, value, indent + 2);
            }
        }
        Kind::Array(items) if !items.is_empty() => {
            for item in items {
                let _ = write!(out, "\n{:indent$}-", "");
                match &item.kind {
                    // The first member stands beside the dash.
                    Kind::Object(members) if !members.is_empty() && item.tag.is_none() => {
                        let mut lines = String::new();
                        yaml(&mut lines, item, indent + 2);
                        let _ = write!(out, " {}", lines.trim_start());
                    }
                    Kind::Scalar { .. } | Kind::Array(_) | Kind::Object(_) => yaml(out, item, indent + 2),
                }
            }
        }
        Kind::Scalar { text, plain: false } if text.contains('\n') && is_block_text(text) => literal(out, text, indent),
        Kind::Scalar { .. } | Kind::Array(_) | Kind::Object(_) => {
            out.push(' ');
            flow_into(out, &node.untagged());
        }
    }
}

/// Whether a text of several lines can be written as the lines it has. One that begins with a blank or a line break would need its
/// indentation counted; quotes are easier to read.
fn is_block_text(text: &str) -> bool {
    !text.starts_with([' ', '\n']) && !text.chars().any(|character| character.is_control() && character != '\n')
}

fn literal(out: &mut String, text: &str, indent: usize) {
    let end = match text.strip_suffix('\n') {
        None => "-",
        Some(rest) if rest.ends_with('\n') => "+",
        Some(_) => "",
    };
    let _ = write!(out, " |{end}");
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        match line {
            "" => out.push('\n'),
            line => {
                let _ = write!(out, "\n{:indent$}{line}", "");
            }
        }
    }
}

fn flow_into(out: &mut String, node: &Node) {
    if let Some(tag) = &node.tag {
        let _ = write!(out, "!{tag} ");
    }
    match &node.kind {
        Kind::Scalar { text, plain } => out.push_str(&scalar(text, *plain)),
        Kind::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                flow_into(out, item);
            }
            out.push(']');
        }
        Kind::Object(members) => {
            out.push('{');
            for (at, member) in members.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                let _ = write!(out, "{}: ", scalar(&member.key, false));
                flow_into(out, &member.value);
            }
            out.push('}');
        }
    }
}

/// A scalar of YAML: without quotes where nobody can take it for anything else, or where it was written so.
fn scalar(text: &str, plain: bool) -> String {
    // In flow style these would end it.
    if plain && !text.contains([',', '[', ']', '{', '}', '\n']) || is_unmistakable(text) {
        return text.to_owned();
    }
    serde_json::to_string(text).unwrap_or_default()
}

/// Whether every reader of YAML takes a text without quotes for this text.
fn is_unmistakable(text: &str) -> bool {
    const WORDS: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan"];
    let starts = |character: char| character.is_ascii_alphabetic() || "/$_".contains(character);
    let goes_on = |character: char| character.is_ascii_alphanumeric() || "/$_.-+*()=".contains(character);
    let inner = text.replace("::", "").replace(' ', "").replace("arn:", "");
    text.starts_with(starts)
        && !text.ends_with([' ', ':'])
        && inner.chars().all(|character| goes_on(character) || character == ':')
        && !text.contains(": ")
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

fn json(out: &mut String, node: &Node, indent: Option<usize>) {
    let line = |out: &mut String, indent: Option<usize>| {
        if let Some(indent) = indent {
            let _ = write!(out, "\n{:indent$}", "");
        }
    };
    let inner = indent.map(|indent| indent + 2);
    match &node.kind {
        Kind::Scalar { text, plain } => out.push_str(&json_scalar(text, *plain)),
        Kind::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                line(out, inner);
                json(out, item, inner);
            }
            line(out, indent.filter(|_| !items.is_empty()));
            out.push(']');
        }
        Kind::Object(members) => {
            out.push('{');
            for (at, member) in members.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                line(out, inner);
                let colon = if indent.is_some() { ": " } else { ":" };
                let _ = write!(out, "{}{colon}", json_scalar(&member.key, false));
                json(out, &member.value, inner);
            }
            line(out, indent.filter(|_| !members.is_empty()));
            out.push('}');
        }
    }
}

/// A scalar of JSON. What a plain one is: YAML 1.2.2, "Core Schema".
fn json_scalar(text: &str, plain: bool) -> String {
    let quoted = || serde_json::to_string(text).unwrap_or_default();
    if !plain {
        return quoted();
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => "null".to_owned(),
        "true" | "True" | "TRUE" => "true".to_owned(),
        "false" | "False" | "FALSE" => "false".to_owned(),
        // A number that JSON writes alike. Of the others (`0x1f`, `.5`, `1_000`) a text is made: no template has them.
        _ if serde_json::from_str::<serde_json::Number>(text).is_ok() => text.to_owned(),
        _ => quoted(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    /// Reads, writes, and reads again what was written: the same tree.
    fn stays(yaml: &str) -> String {
        let node = parse(yaml, Syntax::Yaml).unwrap_or_else(|error| panic!("{yaml}: {error}"));
        let written = block(&node, Syntax::Yaml, 0);
        let again = parse(written.trim_start_matches('\n'), Syntax::Yaml).unwrap_or_else(|error| panic!("{written}: {error}"));
        assert_eq!(compact(&again), compact(&node), "{written}");
        assert_eq!(flow(&again), flow(&node), "short forms stay, in {written}");
        let json = block(&node, Syntax::Json, 0);
        let again = parse(&json, Syntax::Json).unwrap_or_else(|error| panic!("{json}: {error}"));
        assert_eq!(compact(&again), compact(&node), "{json}");
        written
    }

    #[test]
    fn what_is_written_is_read_as_what_it_was() {
        assert_eq!(stays("a: !Ref b\n"), "\na: !Ref b");
        assert_eq!(stays("a: !If [C, !Sub '${x}', \"no\"]\n"), "\na: !If\n  - C\n  - !Sub \"${x}\"\n  - \"no\"");
        assert_eq!(stays("- {a: 1, b: [x, 012]}\n- []\n- {}\n"), "\n- a: 1\n  b:\n    - x\n    - 012\n- []\n- {}");
        assert_eq!(stays("a: !Sub |\n  one\n\n    two\n"), "\na: !Sub |\n  one\n\n    two");
        assert_eq!(stays("a: |-\n  one\n  two\nb: |+\n  x\n\nc: y\n"), "\na: |-\n  one\n  two\nb: |+\n  x\n\nc: y");
        stays("a: \"  starts\\n with blanks\"\n");
        stays("a: \"\\n\"\n");
        stays("a: \"tab\\tand\\nline\"\n");
        stays("a: 'true'\nb: true\n'yes': 'null'\nc: null\nd: '2010-09-09'\ne: 1.50\nf: '- x'\ng: 'a: b'\nh: 'a #b'\n");
        stays("a: arn:aws:states:::lambda:invoke\nb: AWS::Region\nc: rate(1 minute)\nd: '*'\ne: '@x'\nf: '%'\n");
        stays("a: !GetAtt [X, Arn]\nb: !Transform {Name: n, Parameters: {p: !Ref q}}\n");
        stays("a: &x {b: c}\nd: *x\n");
    }

    #[test]
    fn json_has_functions_in_their_long_form() {
        let node = parse("a: !GetAtt X.Arn\nb: !Sub [x, {y: !Ref z}]\nc: !Condition D\n", Syntax::Yaml).expect("YAML");
        let long = r#"{"a":{"Fn::GetAtt":["X","Arn"]},"b":{"Fn::Sub":["x",{"y":{"Ref":"z"}}]},"c":{"Condition":"D"}}"#;
        assert_eq!(compact(&node), long);
        assert_eq!(
            block(&parse("{\"a\":[1,{}]}", Syntax::Json).expect("JSON"), Syntax::Json, 2),
            " {\n    \"a\": [\n      1,\n      {}\n    ]\n  }"
        );
    }
}
