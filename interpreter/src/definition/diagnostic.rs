//! What is wrong with a definition, or worth a warning.

/// One finding in a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The service's code (`SCHEMA_VALIDATION_FAILED`), or one of our own for warnings the service does not give.
    pub code: &'static str,
    /// What is wrong, in the service's words where they are known.
    pub message: String,
    /// JSON pointer to the place (`/States/X/Resource`); for text that is no JSON, where Jackson would say it is. `None` where the
    /// service gives none.
    pub location: Option<String>,
    /// Where in the text.
    pub span: Option<Span>,
    /// What to do about it, in one sentence of ours.
    pub help: Option<String>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The machine cannot be created.
    Error,
    /// The machine can be created.
    Warning,
}

/// A stretch of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// First byte behind it.
    pub end: usize,
    /// Line of the first byte, from 1.
    pub line: usize,
    /// Column of the first byte in characters, from 1.
    pub column: usize,
}
