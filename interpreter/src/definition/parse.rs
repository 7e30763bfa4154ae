//! [`Definition::parse`]: text, tree, model, rules.

use super::code::{
    INVALID_JSON_DESCRIPTION, INVALID_YAML_DESCRIPTION, SCHEMA_VALIDATION_FAILED, TOO_DEEPLY_NESTED, UNRESOLVED_SUBSTITUTION,
};
use super::findings::Findings;
use super::source::{self, Bytes, Node, Refusal, Substitutions};
use super::{Definition, Diagnostic, Options, Parsed, Syntax, check, messages, reader};

/// How long a definition may be. Source: API reference, `CreateStateMachine`.
const CHARACTERS_MAX: usize = 1_048_576;
/// How much of a text Jackson quotes.
const QUOTED_CHARACTERS_MAX: usize = 500;

impl Definition {
    /// Reads a definition.
    ///
    /// # Errors
    /// Everything that is wrong with it, warnings too.
    pub fn parse(text: &str, options: &Options) -> Result<Parsed, Vec<Diagnostic>> {
        let mut findings = Findings::default();
        let mut substitutions = Substitutions::new(&options.substitutions);
        let definition = tree(text, options, &mut substitutions, &mut findings).and_then(|root| {
            let read = reader::read(&root, options.machine_type, &mut findings);
            check::check(&read.outline, &read.graph, &mut findings);
            warn_of_unresolved(&root, &mut findings);
            read.definition
        });
        match definition.filter(|_| !findings.has_errors()) {
            Some(definition) => Ok(Parsed {
                definition,
                warnings: findings.into_diagnostics(text, &options.substitutions),
                unresolved: substitutions.into_unresolved(),
            }),
            None => Err(findings.into_diagnostics(text, &options.substitutions)),
        }
    }
}

/// The tree of a text, or `None` and an error.
fn tree(text: &str, options: &Options, substitutions: &mut Substitutions<'_>, findings: &mut Findings) -> Option<Node> {
    if text.len() > CHARACTERS_MAX && text.chars().count() > CHARACTERS_MAX {
        findings.error_without_location(SCHEMA_VALIDATION_FAILED, messages::TOO_LONG, None);
        return None;
    }
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        findings.error_without_location(SCHEMA_VALIDATION_FAILED, messages::NOT_AN_OBJECT, None);
        return None;
    }
    let parsed = match options.syntax {
        Syntax::Json => source::json(text, substitutions),
        Syntax::Yaml => source::yaml(text, substitutions),
    };
    match parsed {
        Ok(root) if root.members().is_some() => Some(root),
        Ok(root) => {
            findings.error_without_location(SCHEMA_VALIDATION_FAILED, messages::NOT_AN_OBJECT, Some(root.span));
            None
        }
        Err(Refusal::TooDeep(span)) => {
            findings.error_without_location(TOO_DEEPLY_NESTED, messages::TOO_DEEP, Some(span));
            None
        }
        Err(Refusal::Syntax { message, span, noticed_at }) => {
            match options.syntax {
                Syntax::Json => {
                    let location = jackson_location(text, noticed_at);
                    findings.error(INVALID_JSON_DESCRIPTION, format!("{message}\n at {location}"), location, span);
                }
                Syntax::Yaml => {
                    findings.error_without_location(INVALID_YAML_DESCRIPTION, &message, Some(span));
                    if text.get(span.start.saturating_sub(1)..).is_some_and(|rest| rest.starts_with("{%")) {
                        findings
                            .help("in YAML an expression stands between quotation marks, '{% … %}', or on the lines below a `>-`");
                    }
                }
            }
            None
        }
    }
}

/// A place in a text as Jackson prints it.
fn jackson_location(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let length = text.chars().count();
    let shown: String = text.chars().take(QUOTED_CHARACTERS_MAX).collect();
    let rest = length.saturating_sub(QUOTED_CHARACTERS_MAX);
    let truncated = if rest > 0 { format!("[truncated {rest} chars]") } else { String::new() };
    format!("[Source: (String)\"{shown}\"{truncated}; line: {line}, column: {column}]")
}

/// One warning at the first substitution that has no value.
fn warn_of_unresolved(root: &Node, findings: &mut Findings) {
    let mut first: Option<Bytes> = None;
    let mut count = 0_usize;
    root.for_each_text(&mut |node, text| {
        if text.unresolved {
            first.get_or_insert(node.span);
            count += 1;
        }
    });
    if let Some(span) = first {
        let message = match count {
            1 => "A value holds a substitution that is not given".to_owned(),
            _ => format!("{count} values hold substitutions that are not given"),
        };
        findings.warning(UNRESOLVED_SUBSTITUTION, message, "/", span, "give the values of `${…}`");
    }
}
