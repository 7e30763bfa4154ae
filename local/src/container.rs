//! Files that hold definitions, or point to them, and are none: templates of SAM and CloudFormation, serverless.yml, cdk.out,
//! Terraform; and mock files. They are recognised so that the answer can name the definitions, or the right option.

use std::fs;
use std::path::Path;

use crate::refusal::{Refusal, list};

/// A kind of file that holds definitions or points to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Container {
    /// A template of SAM or CloudFormation.
    Template,
    /// `serverless.yml`
    Serverless,
    /// A template that the CDK wrote.
    Cdk,
    /// Terraform's language.
    Terraform,
    /// A mock file of Step Functions Local.
    Mocks,
}

impl Container {
    fn name(self) -> &'static str {
        match self {
            Self::Template => "a SAM or CloudFormation template",
            Self::Serverless => "a configuration of the Serverless Framework",
            Self::Cdk => "a template that the CDK made",
            Self::Terraform => "a Terraform file",
            Self::Mocks => "a mock file",
        }
    }

    /// Whether the text has a state machine of its own, as far as one can tell without reading it all.
    fn has_machine(self, text: &str) -> bool {
        match self {
            Self::Template | Self::Cdk => text.contains("::StateMachine"),
            Self::Terraform => text.contains("aws_sfn_state_machine"),
            Self::Serverless => text.contains("stepFunctions"),
            Self::Mocks => false,
        }
    }
}

/// Refuses a directory; one that the CDK or Terraform wrote by its name.
///
/// # Errors
/// When `path` is a directory.
pub(crate) fn refuse_directory(path: &Path) -> Result<(), Refusal> {
    if !path.is_dir() {
        return Ok(());
    }
    let shown = path.display();
    if path.join("manifest.json").is_file() && path.join("cdk.out").is_file() || path.ends_with("cdk.out") {
        let templates = files_in(path, ".template.json");
        return Err(Refusal::new(format!("`{shown}` is a cloud assembly of the CDK (cdk.out), which cannot be read yet"))
            .help(format!("its templates are {}: the definitions are inside them", list(templates)))
            .help("save a `DefinitionString` as a file of its own, such as `name.asl.json`"));
    }
    let definitions: Vec<_> = [".asl.json", ".asl.yaml", ".asl.yml"].iter().flat_map(|ending| files_in(path, ending)).collect();
    let refusal = Refusal::new(format!("the definition `{shown}` is a directory"));
    Err(if definitions.is_empty() {
        refusal.help("name a file in it")
    } else {
        refusal.help(format!("name a file in it: {}", list(definitions)))
    })
}

fn files_in(path: &Path, ending: &str) -> Vec<String> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut names: Vec<_> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| name.ends_with(ending)).collect();
    names.sort();
    names
}

/// Refuses a file that holds definitions or points to them, and names those.
///
/// # Errors
/// When it is such a file.
pub(crate) fn refuse_file(path: &Path, text: &str) -> Result<(), Refusal> {
    let Some(container) = recognise(path, text) else { return Ok(()) };
    if container == Container::Mocks {
        return Err(Refusal::new(format!("`{}` is a mock file, not a definition", path.display()))
            .help(format!("name the definition, and this file with it: `statewright run FILE --mock {}`", path.display())));
    }
    let refusal = Refusal::new(format!("`{}` is {}, which cannot be read yet", path.display(), container.name()));
    let folder = path.parent().unwrap_or(Path::new(""));
    let files: Vec<_> = definition_files(text).into_iter().map(|file| folder.join(file).display().to_string()).collect();
    Err(if files.is_empty() && !container.has_machine(text) {
        refusal.help("it has no state machine")
    } else if files.is_empty() {
        refusal.help("the definition is inside it: save it as a file of its own, such as `name.asl.json`")
    } else if files.len() == 1 {
        refusal.help(format!("the definition it points to is {}: name that file instead", list(files)))
    } else {
        refusal.help(format!("the definitions it points to are {}: name one of those instead", list(files)))
    })
}

fn recognise(path: &Path, text: &str) -> Option<Container> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let has_key = |key: &str| {
        text.lines().any(|line| {
            let line = line.trim_end();
            line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':'))
                || line.contains(&format!("\"{key}\":"))
                || line.contains(&format!("\"{key}\" :"))
        })
    };
    if name.ends_with(".tf") || name.ends_with(".tf.json") || text.contains("resource \"aws_sfn_state_machine\"") {
        return Some(Container::Terraform);
    }
    if has_key("StartAt") && has_key("States") && !has_key("Resources") {
        return None;
    }
    if has_key("Resources") && (has_key("AWSTemplateFormatVersion") || text.contains("AWS::")) {
        return Some(if name.ends_with(".template.json") || text.contains("aws:cdk:path") {
            Container::Cdk
        } else {
            Container::Template
        });
    }
    if has_key("StateMachines") && has_key("MockedResponses") {
        return Some(Container::Mocks);
    }
    let serverless = has_key("stepFunctions") || has_key("service") && has_key("provider");
    serverless.then_some(Container::Serverless)
}

/// The files a container names as definitions, in its order, each once.
fn definition_files(text: &str) -> Vec<String> {
    let mut files: Vec<String> = Vec::new();
    for line in text.lines() {
        let named = after(line, "DefinitionUri").or_else(|| within(line, "${file(", ")")).or_else(|| within(line, "file(", ")"));
        let Some(file) = named else { continue };
        let file = file.split(',').next().unwrap_or_default();
        let file = file.trim().trim_matches(['"', '\'', ' ']).trim_start_matches("${path.module}/").trim_start_matches("./");
        let known = [".json", ".yaml", ".yml", ".tpl", ".tftpl"].iter().any(|ending| file.ends_with(ending));
        if known && !files.iter().any(|seen| seen == file) {
            files.push(file.to_owned());
        }
    }
    files
}

/// What stands behind a key on its line: `DefinitionUri: a.json`, `"DefinitionUri": "a.json",`.
fn after<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(key)?;
    let rest = rest.trim_start_matches('"').trim_start().strip_prefix(':')?;
    Some(rest.trim().trim_end_matches(','))
}

/// What stands between two texts; the last one if there are several.
fn within<'a>(line: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let (_, rest) = line.rsplit_once(open)?;
    rest.split(close).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_recognised() {
        let table = [
            (
                "template.yaml",
                "AWSTemplateFormatVersion: 2010\nResources:\n  X:\n    DefinitionUri: a/b.asl.json\n",
                Some(Container::Template),
                "a/b.asl.json",
            ),
            ("t.json", "{\"Resources\": {\"X\": {\"Type\": \"AWS::StepFunctions::StateMachine\"}}}", Some(Container::Template), ""),
            (
                "serverless.yml",
                "service: x\nprovider:\n  name: aws\nstepFunctions:\n  x: ${file(sm/a.yml)}\n",
                Some(Container::Serverless),
                "sm/a.yml",
            ),
            (
                "main.tf",
                "definition = templatefile(\"${path.module}/a.asl.json\", {x = 1})",
                Some(Container::Terraform),
                "a.asl.json",
            ),
            ("App.template.json", "{\"Resources\": {\"aws:cdk:path\": \"AWS::\"}}", Some(Container::Cdk), ""),
            ("a.json", "{\"StartAt\": \"A\", \"States\": {}}", None, ""),
            ("a.yaml", "StartAt: A\nStates:\n  service: {}\n", None, ""),
        ];
        for (name, text, container, file) in table {
            assert_eq!(recognise(Path::new(name), text), container, "{name}");
            assert_eq!(definition_files(text).join(","), file, "{name}");
        }
    }
}
