//! Values for the `${Name}`s of a definition.

use std::collections::BTreeMap;
use std::path::Path;

use statewright_interpreter::Value;

use crate::input::{parse_json, read_text};
use crate::refusal::Refusal;

/// Values by name.
pub(crate) type Substitutions = BTreeMap<String, String>;

/// Reads `--substitutions FILE` and then `--substitute NAME=VALUE`, which wins.
///
/// # Errors
/// When the file cannot be read, or is neither a JSON object nor lines of `NAME=VALUE`.
pub(crate) fn read(file: Option<&Path>, given: &[String]) -> Result<Substitutions, Refusal> {
    let mut substitutions = file.map_or_else(|| Ok(Substitutions::new()), read_file)?;
    for assignment in given {
        let (name, value) = split(assignment).ok_or_else(|| {
            Refusal::new(format!("`--substitute {assignment}` has no `=`")).help("write `--substitute NAME=VALUE`")
        })?;
        substitutions.insert(name, value);
    }
    Ok(substitutions)
}

fn read_file(path: &Path) -> Result<Substitutions, Refusal> {
    let text = read_text(path, "the substitutions file")?.text;
    let whose = format!("the substitutions file `{}`", path.display());
    if !text.trim_start().starts_with('{') {
        return read_lines(&text, &whose);
    }
    let value = parse_json(&text, &whose)?;
    let members = value.as_object().into_iter().flat_map(|members| members.iter());
    Ok(members.map(|(name, value)| (name.to_string(), as_text(value))).collect())
}

/// A value as it stands in a definition: a string without its quotes, anything else as JSON.
fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Lines of `NAME=VALUE`, with empty ones and comments (`#`) between them, as in an `.env` file.
fn read_lines(text: &str, whose: &str) -> Result<Substitutions, Refusal> {
    let mut substitutions = Substitutions::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = split(line).ok_or_else(|| {
            Refusal::new(format!("{whose} has no `=` in line {}: `{line}`", at + 1))
                .help("write a JSON object, or one `NAME=VALUE` a line")
        })?;
        let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        let value = quoted.map(str::to_owned).unwrap_or(value);
        if substitutions.insert(name.clone(), value).is_some() {
            return Err(Refusal::new(format!("{whose} gives `{name}` twice, the second time in line {}", at + 1)));
        }
    }
    Ok(substitutions)
}

/// The name in `NAME=VALUE`.
pub(crate) fn name(assignment: &str) -> Option<String> {
    split(assignment).map(|(name, _)| name)
}

fn split(assignment: &str) -> Option<(String, String)> {
    let (name, value) = assignment.split_once('=')?;
    let name = name.trim().trim_start_matches("${").trim_end_matches('}');
    (!name.is_empty()).then(|| (name.to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_in_an_env_file() {
        let read = read_lines("# functions\nCharge=arn:aws:lambda:a=b\n\n ${Ship} = \"s p\" \n", "x").unwrap();
        assert_eq!(read.get("Charge").map(String::as_str), Some("arn:aws:lambda:a=b"));
        assert_eq!(read.get("Ship").map(String::as_str), Some("s p"));
        assert_eq!(read_lines("a=1\nb", "x").unwrap_err().message, "x has no `=` in line 2: `b`");
        assert!(read_lines("a=1\na=2", "x").unwrap_err().message.contains("twice"));
    }
}
