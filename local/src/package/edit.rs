//! The template's text with some resources written anew.

use std::ops::Range;

use statewright_template::{Member, Node, Syntax, block, compact, flow, parse};

use super::Change;
use super::source::Template;
use crate::refusal::Refusal;

/// The template with these changes.
///
/// # Errors
/// When what came out is not what was meant, which is a mistake of ours.
pub(super) fn apply(template: &Template, changes: &[Change]) -> Result<String, Refusal> {
    let mut pieces: Vec<(Range<usize>, String)> =
        changes.iter().filter_map(|change| Some(piece(template, template.resource(&change.name)?, change))).collect();
    pieces.sort_by_key(|piece| piece.0.start);
    let mut out = template.text.clone();
    let line_end = if template.text.contains("\r\n") { "\r\n" } else { "\n" };
    for (range, piece) in pieces.into_iter().rev() {
        out.replace_range(range, &piece.replace('\n', line_end));
    }
    check(template, changes, &out).map_err(|what| {
        Refusal::new(format!("`{}` cannot be changed without harm: {what}", template.shown()))
            .help("this is a mistake of ours; write the template in block style, resources two blanks deep, and it may go")
    })?;
    Ok(out)
}

/// What is to be replaced, and by what.
fn piece(template: &Template, member: &Member, change: &Change) -> (Range<usize>, String) {
    let Template { text, syntax, tree, .. } = template;
    let (line, column) = template.place(member.key_span.start);
    let value = &member.value;
    let in_flow =
        tree.get("Resources").is_some_and(|resources| text.get(resources.span.start..).is_some_and(|text| text.starts_with('{')));
    match (syntax, in_flow) {
        (Syntax::Json, _) => {
            // As deep as the line that it is on, if it is the first on it.
            let line = text.lines().nth(line - 1).unwrap_or_default();
            let indent = line.len() - line.trim_start().len();
            let mut written = block(&change.resource, Syntax::Json, indent).trim_start().to_owned();
            for (name, node) in &change.added {
                let name = compact(&Node::text(name));
                written.push_str(&format!(",\n{:indent$}{name}:{}", "", block(node, Syntax::Json, indent)));
            }
            (value.span.clone(), written)
        }
        (Syntax::Yaml, true) => {
            let mut written = flow(&change.resource);
            for (name, node) in &change.added {
                written.push_str(&format!(", {}: {}", flow(&Node::text(name)), flow(node)));
            }
            (value.span.clone(), written)
        }
        (Syntax::Yaml, false) => {
            let indent = column - 1;
            let mut written = format!(":{}", block(&change.resource, Syntax::Yaml, indent + 2));
            for (name, node) in &change.added {
                written.push_str(&format!("\n{:indent$}{name}:{}", "", block(node, Syntax::Yaml, indent + 2)));
            }
            (member.key_span.end..last_byte(text, value), written)
        }
    }
}

/// Where the text of a node in block style ends, behind its last character that is no blank.
fn last_byte(text: &str, node: &Node) -> usize {
    let mut end = node.span.start;
    node.for_each(&mut |node| {
        if node.members().is_empty() && node.items().is_empty()
            || text.get(node.span.start..).is_some_and(|text| text.starts_with(['{', '[']))
        {
            end = end.max(node.span.end);
        }
    });
    text.get(..end).map_or(end, |before| before.trim_end().len())
}

/// Whether the changed template has the changed resources as they were meant, and everything else as it was.
fn check(template: &Template, changes: &[Change], out: &str) -> Result<(), String> {
    let after = parse(out, template.syntax).map_err(|error| error.to_string())?;
    let mut meant = template.tree.clone();
    if let statewright_template::Kind::Object(sections) = &mut meant.kind
        && let Some(resources) = sections.iter_mut().find(|section| section.key == "Resources")
        && let statewright_template::Kind::Object(members) = &mut resources.value.kind
    {
        for change in changes {
            let Some(at) = members.iter().position(|member| member.key == change.name) else { continue };
            let member = |(name, node): (&String, &Node)| Member { key: name.clone(), key_span: 0..0, value: node.clone() };
            let added = change.added.iter().map(|(name, node)| (name, node));
            members.splice(at..=at, [(&change.name, &change.resource)].into_iter().chain(added).map(member));
        }
    }
    if compact(&after) == compact(&meant) { Ok(()) } else { Err("it would be another template".to_owned()) }
}
