//! Diagnostics while they are being collected: their places are bytes until the end.

use std::collections::BTreeMap;

use super::diagnostic::{Diagnostic, Severity, Span};
use super::source::{Bytes, Text, Written};

/// Everything found so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    list: Vec<Finding>,
    has_errors: bool,
}

#[derive(Debug)]
struct Finding {
    severity: Severity,
    code: &'static str,
    message: String,
    location: Option<String>,
    span: Option<Bytes>,
    /// The string that `span` is, and how far inside it, in bytes of what it says.
    inside: Option<(Text, usize)>,
    help: Option<String>,
}

impl Findings {
    pub(super) fn error(&mut self, code: &'static str, message: impl Into<String>, location: impl Into<String>, span: Bytes) {
        self.has_errors = true;
        self.push(Severity::Error, code, message.into(), Some(location.into()), Some(span), None);
    }

    /// An error that the service gives no location for.
    pub(super) fn error_without_location(&mut self, code: &'static str, message: &str, span: Option<Bytes>) {
        self.has_errors = true;
        self.push(Severity::Error, code, message.to_owned(), None, span, None);
    }

    pub(super) fn warning(
        &mut self,
        code: &'static str,
        message: impl Into<String>,
        location: impl Into<String>,
        span: Bytes,
        help: &str,
    ) {
        self.push(Severity::Warning, code, message.into(), Some(location.into()), Some(span), Some(help.to_owned()));
    }

    /// Says what to do about the finding added last.
    pub(super) fn help(&mut self, help: impl Into<String>) {
        if let Some(last) = self.list.last_mut() {
            last.help = Some(help.into());
        }
    }

    /// Says where in its string the finding added last is, in bytes of what the string says.
    pub(super) fn inside_string(&mut self, string: &Text, at: usize) {
        if let Some(last) = self.list.last_mut() {
            last.inside = Some((string.clone(), at));
        }
    }

    pub(super) fn has_errors(&self) -> bool {
        self.has_errors
    }

    fn push(
        &mut self,
        severity: Severity,
        code: &'static str,
        message: String,
        location: Option<String>,
        span: Option<Bytes>,
        help: Option<String>,
    ) {
        self.list.push(Finding { severity, code, message, location, span, inside: None, help });
    }

    /// The diagnostics in the order of the text, into which `substitutions` were put; those without a location come last.
    pub(super) fn into_diagnostics(mut self, text: &str, substitutions: &BTreeMap<String, String>) -> Vec<Diagnostic> {
        let in_order = |list: &mut Vec<Finding>| {
            list.sort_by_key(|finding| (finding.location.is_none(), finding.span.map_or(usize::MAX, |span| span.start)));
        };
        // How a string is written is read once for all that is found inside it, which therefore has to come together.
        in_order(&mut self.list);
        let mut strings = Strings { text, substitutions, last: None };
        for finding in &mut self.list {
            if let (Some(span), Some((said, at))) = (finding.span, &finding.inside) {
                finding.span = Some(strings.inside(span, said, *at));
            }
        }
        in_order(&mut self.list);
        let mut lines = Lines::of(text);
        self.list
            .into_iter()
            .map(|finding| Diagnostic {
                severity: finding.severity,
                code: finding.code,
                message: finding.message,
                location: finding.location,
                span: finding.span.map(|span| lines.span(span)),
                help: finding.help,
            })
            .collect()
    }
}

/// Counts lines and characters from one place to the next, so that many places in order cost one walk through the text.
struct Lines<'t> {
    text: &'t str,
    at: usize,
    line: usize,
    column: usize,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        // A byte order mark is no character of the first line.
        let at = text.len() - text.trim_start_matches('\u{feff}').len();
        Self { text, at, line: 1, column: 1 }
    }

    fn span(&mut self, span: Bytes) -> Span {
        if span.start < self.at {
            *self = Self::of(self.text);
        }
        let between = self.text.get(self.at..span.start).unwrap_or_default();
        match between.rsplit_once('\n') {
            Some((before, last)) => {
                self.line += before.matches('\n').count() + 1;
                self.column = last.chars().count() + 1;
            }
            None => self.column += between.chars().count(),
        }
        self.at = self.at.max(span.start);
        Span { start: span.start, end: span.end, line: self.line, column: self.column }
    }
}

/// Finds places inside strings. Of those in the same string it reads how that is written once.
struct Strings<'t> {
    text: &'t str,
    substitutions: &'t BTreeMap<String, String>,
    last: Option<(Bytes, Option<Written>)>,
}

impl Strings<'_> {
    /// The stretch of the text from the byte `at` of what the string in `span` says to the string's end; the whole string where that
    /// cannot be told.
    fn inside(&mut self, span: Bytes, said: &Text, at: usize) -> Bytes {
        if self.last.as_ref().is_none_or(|(last, _)| *last != span) {
            self.last = Some((span, Written::read(self.text, span, said, self.substitutions)));
        }
        let written = self.last.as_ref().and_then(|(_, written)| written.as_ref());
        let start = written.and_then(|written| written.place(at)).unwrap_or(span.start);
        Bytes { start, end: span.end }
    }
}
