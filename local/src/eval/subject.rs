//! What is evaluated: an expression in JSONata, a path, a call of an intrinsic function, or what a field of a state holds.

use statewright_interpreter::Value;
use statewright_interpreter::definition::{Definition, Diagnostic, Options, Severity, Span};
use statewright_interpreter::error::EvaluationError;
use statewright_interpreter::expression::{Expression, NoValue, Offered, Reading, is_expression};
use statewright_interpreter::inputs::Inputs;
use statewright_interpreter::intrinsic::Call;
use statewright_interpreter::path::{Path, Root};
use statewright_interpreter::quota::Evaluation;
use statewright_interpreter::template::Template;

use super::names_a_file;
use crate::cli::Language;

/// The text that is to be evaluated, and where it begins.
pub(super) struct Written {
    /// With line breaks before it, so that lines are counted as in its source.
    text: String,
    /// Where it begins in `text`, blanks before it left out.
    start: usize,
    /// Where it ends, blanks behind it left out.
    end: usize,
}

/// What is evaluated, compiled.
pub(super) enum Subject {
    /// JSONata.
    Expression(Expression),
    /// A path.
    Path(Path),
    /// A call of an intrinsic function.
    Call(Call),
    /// What a field holds: JSON with expressions or paths in it.
    Template(Template),
}

/// The name of the field that a path or a call is said to stand in.
const FIELD: &str = "value.$";

impl Written {
    /// The text `text`, which is on the line `line` of its source.
    pub(super) fn new(text: &str, line: usize) -> Self {
        let before = line.saturating_sub(1);
        let start = before + text.len() - text.trim_start().len();
        let end = before + text.trim_end().len();
        Self { text: "\n".repeat(before) + text, start, end: end.max(start) }
    }

    /// The source up to the text's end.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The text without the blanks around it.
    fn trimmed(&self) -> &str {
        self.text.get(self.start..self.end).unwrap_or_default()
    }

    /// The place of what stands at the byte `at` of the trimmed text: a name, or one character.
    fn at(&self, at: usize) -> Span {
        let rest = self.trimmed().get(at..).unwrap_or_default();
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let dollars = rest.len() - rest.trim_start_matches('$').len();
        let name = rest.get(dollars..).unwrap_or_default().find(|c| !is_name(c)).unwrap_or(rest.len() - dollars);
        let length = if dollars + name > 0 { dollars + name } else { rest.chars().next().map_or(0, char::len_utf8) };
        self.span(at, at + length)
    }

    /// The place of the whole text.
    fn whole(&self) -> Span {
        self.span(0, self.end - self.start)
    }

    /// The place of the expression of a field that failed; the whole text when it is not found, or more than once.
    fn place_of(&self, template: &Template, error: &EvaluationError) -> Span {
        let expressions = template.jsonata_expressions();
        let failed = expressions.iter().find(|expression| Some(expression.location()) == error.location.as_ref());
        let is_only = |text: &str| self.trimmed().matches(text).count() == 1;
        let found = failed.map(|expression| &**expression.text()).filter(|text| is_only(text));
        let at = found.and_then(|text| Some((self.trimmed().find(text)?, text.len())));
        at.map_or_else(|| self.whole(), |(at, length)| self.span(at, at + length))
    }

    fn span(&self, from: usize, to: usize) -> Span {
        let (start, end) = ((self.start + from).min(self.end), (self.start + to).min(self.end));
        let before = self.text.get(..start).unwrap_or_default();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Span { start, end, line: before.matches('\n').count() + 1, column }
    }

    fn error(&self, code: &'static str, message: impl Into<String>, span: Span, help: Option<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Error, code, message: message.into(), location: None, span: Some(span), help }
    }
}

/// Whether a text is the beginning of one that can be evaluated, so that the next line may go on with it.
pub(super) fn goes_on(text: &str, language: Language) -> bool {
    let text = text.trim();
    match language {
        Language::Jsonata if text.starts_with("{%") => !text.ends_with("%}"),
        Language::Jsonata => Expression::compile(&format!("{{%{text}%}}"), "").is_err_and(|error| error.is_unfinished),
        Language::Jsonpath => {
            text.starts_with(['{', '[']) && Value::parse(text).is_err_and(|error| error.message.starts_with("the text ends"))
        }
    }
}

impl Subject {
    /// Compiles a text in a language; `offered` says what `$states` has besides. Comes with warnings.
    ///
    /// # Errors
    /// Everything that the service refuses in a definition.
    pub(super) fn compile(
        written: &Written,
        language: Language,
        offered: Offered,
    ) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> {
        match language {
            Language::Jsonata => jsonata(written, offered),
            Language::Jsonpath => json_path(written),
        }
    }

    /// Its value.
    ///
    /// # Errors
    /// Why it has none.
    pub(super) fn evaluate(&self, inputs: &Inputs<'_>, written: &Written) -> Result<Value, Box<Diagnostic>> {
        let failed = |error: EvaluationError, unassigned: Option<&str>| {
            Box::new(written.error(error.name, error.cause, written.whole(), unassigned.map(unassigned_help)))
        };
        let unassigned = |paths: &[&Path]| {
            let names =
                paths.iter().filter_map(|path| if let Root::Variable(name) = path.root() { Some(name.clone()) } else { None });
            names.into_iter().find(|name| inputs.variables.variable(name).is_none())
        };
        match self {
            Self::Expression(expression) => {
                expression.value(inputs).map_err(|reason| Box::new(no_value(expression, &reason, inputs, written)))
            }
            Self::Path(path) => path.evaluate(inputs).map_err(|error| failed(error, unassigned(&[path]).as_deref())),
            Self::Call(call) => call.evaluate(FIELD, inputs).map_err(|error| failed(error, unassigned(&call.paths()).as_deref())),
            Self::Template(template) => template.evaluate(inputs).map_err(|error| {
                let span = written.place_of(template, &error);
                let mut diagnostic = failed(error, unassigned(&template.paths()).as_deref());
                diagnostic.span = Some(span);
                diagnostic
            }),
        }
    }
}

fn unassigned_help(name: &str) -> String {
    format!("there is no variable `${name}`; give it with `--vars '{{\"{name}\": …}}'`")
}

/// How far the marker `{%` shifts the places that an expression's errors give.
const MARKER: usize = 2;

fn jsonata(written: &Written, offered: Offered) -> Result<(Subject, Vec<Diagnostic>), Vec<Diagnostic>> {
    let text = written.trimmed();
    let is_marked = is_expression(text);
    if !is_marked && (text.starts_with("{%") || text.ends_with("%}")) {
        let help = "leave both markers out, or write both".to_owned();
        let message = "JSONata string must start with {% and end with %}";
        return Err(vec![written.error("SCHEMA_VALIDATION_FAILED", message, written.whole(), Some(help))]);
    }
    if let Some(value) = field_with(text, is_expression) {
        return field(written, &value, Language::Jsonata, offered);
    }
    let (marked, shift) = if is_marked { (text.to_owned(), 0) } else { (format!("{{%{text}%}}"), MARKER) };
    let place = |at: Option<usize>| at.map_or_else(|| written.whole(), |at| written.at(at.saturating_sub(shift)));
    let expression = Expression::compile(&marked, "Output").map_err(|error| {
        let is_other = Call::looks_like_one(text) || Path::parse(text).is_ok() || names_a_file(text);
        let help = error.help.or_else(|| is_other.then(|| other_language(text)));
        vec![written.error("INVALID_JSONATA_EXPRESSION", error.message, place(error.at), help)]
    })?;
    let unsupported = expression.unsupported(offered);
    if unsupported.is_empty() {
        return Ok((Subject::Expression(expression), Vec::new()));
    }
    let as_diagnostic = |error: statewright_interpreter::expression::ExpressionError| {
        let help = error.help.unwrap_or_else(|| match &*error.message {
            message if message.contains("$states.result") => "a result is given with `--result`".to_owned(),
            message if message.contains("$states.errorOutput") => "an error output is given with `--error-output`".to_owned(),
            _ => other_language(text),
        });
        written.error("UNSUPPORTED_JSONATA_EXPRESSION", error.message, place(error.at), Some(help))
    };
    Err(unsupported.into_iter().map(as_diagnostic).collect())
}

/// What to do about a text that is no JSONata, or sees nothing.
fn other_language(text: &str) -> String {
    if names_a_file(text) {
        return format!("to evaluate what a file holds, write `--file {text}`");
    }
    if Call::looks_like_one(text) {
        return "intrinsic functions are called in JSONPath: `--language jsonpath`".to_owned();
    }
    if text.starts_with('$') && Path::parse(text).is_ok() {
        return "the input is called `$states.input`; a JSONPath is evaluated with `--language jsonpath`".to_owned();
    }
    "the input is called `$states.input`, a variable `$name`".to_owned()
}

fn json_path(written: &Written) -> Result<(Subject, Vec<Diagnostic>), Vec<Diagnostic>> {
    let text = written.trimmed();
    if is_expression(text) {
        let message = "Value must be a valid JSONPath or a valid intrinsic function call";
        let help = "that is JSONata: `--language jsonata`".to_owned();
        return Err(vec![written.error("SCHEMA_VALIDATION_FAILED", message, written.whole(), Some(help))]);
    }
    if text.starts_with(['{', '[', '"']) {
        let value = Value::parse(text).map_err(|error| {
            let message = format!("The payload template is not valid JSON: {error}");
            vec![written.error("INVALID_JSON_DESCRIPTION", message, written.whole(), None)]
        })?;
        return field(written, &value, Language::Jsonpath, Offered::Nothing);
    }
    let (subject, kind) = if Call::looks_like_one(text) {
        (Call::parse(text).map(Subject::Call), "call of an intrinsic function")
    } else {
        (Path::parse(text).map(Subject::Path), "JSONPath")
    };
    subject.map(|subject| (subject, Vec::new())).map_err(|error| {
        let help = if names_a_file(text) { other_language(text) } else { error.message };
        vec![written.error("SCHEMA_VALIDATION_FAILED", format!("Value must be a valid {kind}."), written.at(error.at), Some(help))]
    })
}

/// The text as JSON, if it is a string that `is_evaluated`, or an object or an array with one in it.
fn field_with(text: &str, is_evaluated: fn(&str) -> bool) -> Option<Value> {
    fn any(value: &Value, is_evaluated: fn(&str) -> bool) -> bool {
        match value {
            Value::String(text) => is_evaluated(text),
            Value::Array(items) => items.iter().any(|item| any(item, is_evaluated)),
            Value::Object(members) => members.values().any(|member| any(member, is_evaluated)),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
    let value = text.starts_with(['{', '[', '"']).then(|| Value::parse(text).ok()).flatten()?;
    any(&value, is_evaluated).then_some(value)
}

/// What a field holds. What is wrong with it a definition says, and where.
fn field(
    written: &Written,
    value: &Value,
    language: Language,
    offered: Offered,
) -> Result<(Subject, Vec<Diagnostic>), Vec<Diagnostic>> {
    let (before, behind) = match (language, offered) {
        (Language::Jsonpath, _) => (r#""Type":"Pass","Parameters":"#, ""),
        (Language::Jsonata, Offered::Nothing) => (r#""Type":"Pass","Output":"#, ""),
        (Language::Jsonata, Offered::Result) => (r#""Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Output":"#, ""),
        (Language::Jsonata, Offered::ErrorOutput) => (
            r#""Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Catch":[{"ErrorEquals":["States.ALL"],"Next":"T","Output":"#,
            "}]",
        ),
    };
    let name = language.name();
    let before =
        format!(r#"{{"StartAt":"S","QueryLanguage":"{name}","States":{{"T":{{"Type":"Succeed"}},"S":{{"Next":"T",{before}"#);
    let definition = format!("{before}{}{behind}}}}}}}", written.trimmed());
    let parsed = Definition::parse(&definition, &Options::default());
    let is_wrong = parsed.is_err();
    let found = parsed.map_or_else(|found| found, |parsed| parsed.warnings);
    // Variables are given, not assigned.
    let found = found.into_iter().filter(|found| found.code != "UNDEFINED_VARIABLE").map(|mut found| {
        let span =
            found.span.map(|span| written.span(span.start.saturating_sub(before.len()), span.end.saturating_sub(before.len())));
        found.span = Some(span.unwrap_or_else(|| written.whole()));
        found.location = found.location.and_then(|location| Some(below_the_field(&location)?.to_owned()));
        found
    });
    let found: Vec<Diagnostic> = found.collect();
    let template = match language {
        Language::Jsonpath => Template::compile(value).ok(),
        Language::Jsonata => Template::compile_jsonata(value, "Output").ok(),
    };
    match template {
        Some(template) if !is_wrong => Ok((Subject::Template(template), found)),
        _ => Err(found),
    }
}

/// What is left of a JSON pointer behind the field that holds the text, which may have members of the same names.
fn below_the_field(location: &str) -> Option<&str> {
    let below = |field| Some(location.split_once(field)?.1);
    ["/Parameters", "/Output"].into_iter().filter_map(below).max_by_key(|rest| rest.len()).filter(|rest| !rest.is_empty())
}

/// The code of a call of what is no function.
const NO_FUNCTION: &str = "T1006";

/// Why an expression has no value, with its place. What it reads and is not there is told where that is the reason.
fn no_value(expression: &Expression, reason: &NoValue, inputs: &Inputs<'_>, written: &Written) -> Diagnostic {
    let shift = if is_expression(written.trimmed()) { 0 } else { MARKER };
    const CODE: &str = "States.QueryEvaluationError";
    let (message, span) = match reason {
        NoValue::Nothing => ("the expression returned nothing (undefined)".to_owned(), written.whole()),
        NoValue::Function => ("the expression returned a function, which is no JSON".to_owned(), written.whole()),
        NoValue::Bound(message) | NoValue::Internal(message) => (message.clone(), written.whole()),
        NoValue::Failed { message, at } => {
            (message.clone(), at.map_or_else(|| written.whole(), |at| written.at(at.saturating_sub(shift))))
        }
    };
    let is_there = |name: &str| inputs.variables.variable(name).is_some();
    let missing = match reason {
        // What is not there is nothing, and what is made of it mostly too.
        NoValue::Nothing => expression.readings().into_iter().find_map(|(reading, at)| match reading {
            Reading::Variable(name) if !is_there(&name) => Some((unassigned_help(&name), None)),
            Reading::UnknownMember(name) => Some((format!("`$states` never has a member `{name}`"), Some(at))),
            Reading::Variable(_) | Reading::UnknownFunction(_) => None,
        }),
        NoValue::Failed { message, at: Some(at) } if message.starts_with(NO_FUNCTION) => {
            // The place is that of the call, behind the name.
            let before = written.trimmed().get(..at.saturating_sub(shift)).unwrap_or_default().trim_end();
            expression.readings().into_iter().find_map(|(reading, _)| match reading {
                Reading::UnknownFunction(name) if !is_there(&name) && before.ends_with(&format!("${name}")) => {
                    Some((format!("there is no function `${name}`"), Some(before.len() - name.len() - 1 + shift)))
                }
                Reading::UnknownFunction(_) | Reading::Variable(_) | Reading::UnknownMember(_) => None,
            })
        }
        NoValue::Failed { .. } | NoValue::Function | NoValue::Bound(_) | NoValue::Internal(_) => None,
    };
    // Whatever it may use it has used up: it can only be given more.
    let more = matches!(reason, NoValue::Bound(_)) && inputs.limits == Evaluation::aws();
    let more = more.then(|| "`--limits relaxed` gives it more levels, memory and steps than the service does".to_owned());
    match missing {
        None => written.error(CODE, message, span, more),
        Some((help, at)) => written.error(CODE, message, at.map_or(span, |at| written.at(at.saturating_sub(shift))), Some(help)),
    }
}
