//! Diagnostics while they are being collected: their places are bytes until the end.

use super::diagnostic::{Diagnostic, Severity, Span};
use super::source::Bytes;

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
        self.list.push(Finding { severity, code, message, location, span, help });
    }

    /// The diagnostics in the order of the text; those without a location come last.
    pub(super) fn into_diagnostics(mut self, text: &str) -> Vec<Diagnostic> {
        self.list.sort_by_key(|finding| (finding.location.is_none(), finding.span.map_or(usize::MAX, |span| span.start)));
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
