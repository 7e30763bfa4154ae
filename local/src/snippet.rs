//! Diagnostics as a compiler shows them: message, place, source line, label, help.
//!
//! ```text
//! error[MISSING_TRANSITION_TARGET]: there is no state called `Shp`
//!   --> order.asl.json:7:15
//!    |
//!  7 |       "Next": "Shp"
//!    |               ^^^^^ /States/Charge/Next
//!    |
//!    = help: …
//! ```

use statewright_interpreter::definition::{Diagnostic, Severity, Span};

use crate::screen::{Paint, Screen, printable};

/// How much of a long line is shown.
const WIDTH_MAX: usize = 120;
/// What a tab becomes.
const TAB: &str = "    ";

/// The lines that show `diagnostic` in `text`, the content of `file`.
pub(crate) fn lines(diagnostic: &Diagnostic, file: &str, text: &str, screen: &Screen) -> Vec<String> {
    let (word, paint) = match diagnostic.severity {
        Severity::Error => ("error", Paint::Bad),
        Severity::Warning => ("warning", Paint::Caution),
    };
    let head = screen.paint(paint, &format!("{word}[{}]", diagnostic.code));
    // The second line of the service's message repeats the text and its place, which stand below.
    let message = diagnostic.message.split("\n at [Source: ").next().unwrap_or_default();
    let mut lines = vec![format!("{head}{}", screen.paint(Paint::Strong, &format!(": {message}")))];
    let arrow = |width: usize| format!("{:width$}{}", "", screen.paint(Paint::Accent, "-->"));
    let margin = match diagnostic.span {
        None => {
            lines.push(format!("{} {}", arrow(2), printable(file)));
            2
        }
        Some(span) => {
            let margin = span.line.to_string().len() + 1;
            lines.push(format!("{} {}:{}:{}", arrow(margin), printable(file), span.line, span.column));
            lines.extend(source(diagnostic, &span, text, margin, paint, screen));
            margin
        }
    };
    if diagnostic.span.is_none()
        && let Some(location) = diagnostic.location.as_deref()
    {
        lines.push(format!("{:margin$} {} at {}", "", screen.paint(Paint::Accent, "="), printable(location)));
    }
    if let Some(help) = &diagnostic.help {
        let (sign, word) = (screen.paint(Paint::Accent, "="), screen.paint(Paint::Strong, "help:"));
        lines.push(format!("{:margin$} {sign} {word} {}", "", printable(help)));
    }
    lines
}

fn source(d: &Diagnostic, span: &Span, text: &str, margin: usize, paint: Paint, screen: &Screen) -> Vec<String> {
    // A long line is cut so that the place stays in sight. What is not shown is not looked at either: there may be many such places.
    let (above, rest) = text.split_at_checked(span.start).unwrap_or((text, ""));
    if rest.is_empty() && (above.is_empty() || above.ends_with('\n')) {
        return Vec::new();
    }
    let column = span.column.saturating_sub(1);
    let near = above.char_indices().rev().take(column.min(WIDTH_MAX / 2)).take_while(|&(_, c)| c != '\n').last();
    let before = near.and_then(|(at, _)| above.get(at..)).unwrap_or_default();
    let cut = if column > WIDTH_MAX / 2 { "…" } else { "" };
    let behind = rest.get(..ending(rest, WIDTH_MAX - before.chars().count())).unwrap_or_default();
    let more = if ending(rest, WIDTH_MAX + 1 - before.chars().count()) > behind.len() { "…" } else { "" };
    let marked = behind.get(..span.end.saturating_sub(span.start)).unwrap_or(behind);
    let shown = |text: &str| printable(&text.replace('\t', TAB));
    let indent = cut.chars().count() + shown(before).chars().count();
    let room = (WIDTH_MAX + cut.len()).saturating_sub(indent).max(1);
    let carets = shown(marked).chars().count().clamp(1, room);
    let bar = screen.paint(Paint::Accent, "|");
    let number = screen.paint(Paint::Accent, &format!("{:>margin$}", span.line));
    // For text that is no JSON the service's location is a place in the text, which is shown already.
    let pointer = d.location.as_deref().filter(|location| location.starts_with('/'));
    let label = pointer.map(|pointer| format!(" {pointer}")).unwrap_or_default();
    let mark = screen.paint(paint, &format!("{}{label}", "^".repeat(carets)));
    let empty = format!("{:margin$} {bar}", "");
    let mut lines = vec![
        empty.clone(),
        format!("{number} {bar} {cut}{}{}{more}", shown(before), shown(behind)),
        format!("{empty} {:indent$}{mark}", ""),
    ];
    if d.help.is_some() {
        lines.push(empty);
    }
    lines
}

/// Where a line ends, in bytes, or its first `characters` do.
fn ending(line: &str, characters: usize) -> usize {
    let mut places = line.char_indices().enumerate();
    let is_end = |at: usize| line.get(at..).is_some_and(|rest| rest.starts_with('\n') || rest.starts_with("\r\n"));
    places.find(|&(nth, (at, _))| nth == characters || is_end(at)).map_or(line.len(), |(_, (at, _))| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::ColorChoice;

    fn shown(text: &str, start: usize, end: usize, line: usize, column: usize) -> String {
        let span = Span { start, end, line, column };
        let diagnostic = Diagnostic {
            severity: Severity::Error,
            code: "CODE",
            message: "wrong".to_owned(),
            location: Some("/a".to_owned()),
            span: Some(span),
            help: None,
        };
        lines(&diagnostic, "f.json", text, &Screen::new(ColorChoice::Never)).join("\n")
    }

    #[test]
    fn the_place_is_marked() {
        assert_eq!(
            shown("{\n\t\"a\": \"ü\"\n}", 8, 12, 2, 7),
            "error[CODE]: wrong\n  --> f.json:2:7\n   |\n 2 |     \"a\": \"ü\"\n   |          ^^^ /a"
        );
    }

    #[test]
    fn any_place_can_be_shown() {
        let text = "é\n{\"a\": 1}\n\n";
        for start in 0..=text.len() {
            for line in 0..6 {
                for column in 0..10 {
                    shown(text, start, start + column, line, column);
                }
            }
        }
        let long = format!("{}\"x\"{}", " ".repeat(5000), " ".repeat(5000));
        assert!(shown(&long, 5000, 5003, 1, 5001).lines().all(|line| line.chars().count() < 200));
    }
}
