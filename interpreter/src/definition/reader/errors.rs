//! `Retry` and `Catch`.
//!
//! Source: ASL specification, "Errors"; developer guide, "Handling errors in Step Functions workflows".

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::code::{ENDLESS_RETRY, SHADOWED_RETRIER_OR_CATCHER, UNCATCHABLE_ERROR, UNKNOWN_ERROR_NAME};
use super::super::messages;
use super::super::model::{Catcher, Jitter, Retrier};
use super::super::source::{Kind, Node};
use super::fields::{Field, In};
use super::values::Range;
use super::{Fields, Reader, Situation};
use crate::error::ErrorName;
use crate::expression::Offered;

const RETRIER: &[Field] = &[
    Field("ErrorEquals", In::Both),
    Field("IntervalSeconds", In::Both),
    Field("MaxAttempts", In::Both),
    Field("BackoffRate", In::Both),
    Field("MaxDelaySeconds", In::Both),
    Field("JitterStrategy", In::Both),
    Field("Comment", In::Both),
];
const CATCHER: &[Field] = &[
    Field("ErrorEquals", In::Both),
    Field("Next", In::Both),
    Field("ResultPath", In::JsonPath),
    Field("Output", In::Jsonata),
    Field("Assign", In::Both),
    Field("Comment", In::Both),
];

/// The greatest `IntervalSeconds` and `MaxAttempts`. The least is 0: the guide wants a positive interval, but the service takes 0.
const RETRY_MAX: u32 = 99_999_999;
/// The greatest `MaxDelaySeconds`: 366 days less a day, exclusive in the guide's words, inclusive in the service.
const DELAY_SECONDS_MAX: u32 = 31_622_400;
/// From so many attempts on a retry that waits ever longer, or not at all, is called endless.
const MANY_ATTEMPTS: u32 = 1000;

/// The names that begin with `States.` and mean something.
const PREDEFINED: &[&str] = &[
    ErrorName::ALL,
    ErrorName::TASK_FAILED,
    ErrorName::TIMEOUT,
    ErrorName::HEARTBEAT_TIMEOUT,
    ErrorName::RUNTIME,
    ErrorName::DATA_LIMIT_EXCEEDED,
    ErrorName::NO_CHOICE_MATCHED,
    ErrorName::INTRINSIC_FAILURE,
    ErrorName::PARAMETER_PATH_FAILURE,
    ErrorName::RESULT_PATH_MATCH_FAILURE,
    ErrorName::QUERY_EVALUATION_ERROR,
    ErrorName::BRANCH_FAILED,
    ErrorName::PERMISSIONS,
    "States.ExceedToleratedFailureThreshold",
    "States.ItemReaderFailed",
    "States.ResultWriterFailed",
    "States.Http.Socket",
];

impl<'s> Reader<'s, '_> {
    pub(super) fn retry(&mut self, situation: Situation, fields: &Fields<'s>) -> Vec<Retrier> {
        let items = self.elements(fields, "Retry");
        let mut seen = BTreeSet::new();
        let retriers: Vec<Retrier> = items
            .iter()
            .enumerate()
            .filter_map(|(at, item)| {
                let fields = self.fields(item, fields.at_index("Retry", at), &[RETRIER], situation.language)?;
                self.require(&fields, &["ErrorEquals"]);
                let error_equals = self.error_equals(&fields, at + 1 == items.len(), &mut seen);
                Some(self.retrier(&fields, error_equals))
            })
            .collect();
        retriers
    }

    fn retrier(&mut self, fields: &Fields<'s>, error_equals: Vec<Arc<str>>) -> Retrier {
        self.string(fields, "Comment");
        let retrier = Retrier {
            error_equals,
            interval_seconds: self.integer(fields, "IntervalSeconds", Range(0, RETRY_MAX)).unwrap_or(1),
            max_attempts: self.integer(fields, "MaxAttempts", Range(0, RETRY_MAX)).unwrap_or(3),
            backoff_rate: self.number(fields, "BackoffRate", 1.0, f64::INFINITY).unwrap_or(2.0),
            max_delay_seconds: self.integer(fields, "MaxDelaySeconds", Range(1, DELAY_SECONDS_MAX)),
            jitter: self.word(fields, "JitterStrategy", &[("NONE", Jitter::None), ("FULL", Jitter::Full)]).unwrap_or_default(),
        };
        if retrier.max_attempts >= MANY_ATTEMPTS
            && let Some(member) = fields.get("MaxAttempts")
        {
            self.findings.warning(
                ENDLESS_RETRY,
                format!(
                    "The task is retried up to {} times: an error that does not go away keeps the execution busy",
                    retrier.max_attempts
                ),
                fields.at("MaxAttempts"),
                member.value.span,
                "retry less often, or catch the error",
            );
        }
        retrier
    }

    pub(super) fn catch(&mut self, situation: Situation, fields: &Fields<'s>) -> Vec<Catcher> {
        let items = self.elements(fields, "Catch");
        let mut seen = BTreeSet::new();
        items
            .iter()
            .enumerate()
            .filter_map(|(at, item)| {
                let fields = self.fields(item, fields.at_index("Catch", at), &[CATCHER], situation.language)?;
                self.require(&fields, &["ErrorEquals", "Next"]);
                self.string(&fields, "Comment");
                let error_equals = self.error_equals(&fields, at + 1 == items.len(), &mut seen);
                let next = self.target(situation.id, &fields, "Next");
                let result_path = self.result_path(&fields);
                let (assign, output) = self.offering(Offered::ErrorOutput, |reader| {
                    (reader.assign(situation, &fields), reader.jsonata(&fields, "Output"))
                });
                Some(Catcher { error_equals, next: next?, result_path, assign, output })
            })
            .collect()
    }

    /// The elements of `Retry` or `Catch`.
    fn elements(&mut self, fields: &Fields<'s>, name: &'static str) -> &'s [Node] {
        let Some(member) = fields.get(name) else { return &[] };
        match &member.value.kind {
            Kind::Array(items) => items,
            Kind::Text(text) if text.unresolved => &[],
            _ => {
                self.refuse(messages::wrong_type("Array", member.value.type_name()), fields.at(name), member.value.span);
                &[]
            }
        }
    }

    /// `ErrorEquals`. `seen` are the names in the elements before.
    fn error_equals(&mut self, fields: &Fields<'s>, is_last: bool, seen: &mut BTreeSet<&'s str>) -> Vec<Arc<str>> {
        let Some(member) = fields.get("ErrorEquals") else { return Vec::new() };
        let place = fields.at("ErrorEquals");
        let Some(items) = member.value.items() else {
            if !member.value.is_unresolved() {
                self.refuse(messages::wrong_type("Array", member.value.type_name()), place, member.value.span);
            }
            return Vec::new();
        };
        if items.is_empty() {
            self.refuse(messages::EMPTY, &*place, member.value.span);
        }
        let mut names = Vec::new();
        for item in items {
            let Some(text) = item.as_text() else {
                self.refuse(messages::wrong_type("String", item.type_name()), &*place, item.span);
                continue;
            };
            if &*text.text == ErrorName::ALL && (items.len() > 1 || !is_last) {
                self.refuse(messages::ALL_ALONE, &*place, item.span);
            }
            names.push(Arc::clone(&text.text));
        }
        self.warn_of_names(items, &place, seen);
        seen.extend(items.iter().filter_map(Node::as_str));
        names
    }

    /// Whether a Fail state of the machine fails with this error. The service lets it take a name that is the language's own.
    fn is_raised(&self, name: &str) -> bool {
        self.outline.states.iter().any(|state| state.node.member("Error").is_some_and(|error| error.value.as_str() == Some(name)))
    }

    fn warn_of_names(&mut self, items: &'s [Node], place: &str, seen: &BTreeSet<&str>) {
        for item in items {
            let Some(name) = item.as_str() else { continue };
            let is_predefined = PREDEFINED.contains(&name) || name.starts_with("States.Http.StatusCode.");
            if name.starts_with("States.") && !is_predefined && !item.is_unresolved() && !self.is_raised(name) {
                self.findings.warning(
                    UNKNOWN_ERROR_NAME,
                    format!("'{name}' is no error that the language knows, and names of one's own cannot begin with 'States.'"),
                    place,
                    item.span,
                    "check the spelling: names are compared exactly",
                );
            }
            if name == ErrorName::RUNTIME {
                self.findings.warning(
                    UNCATCHABLE_ERROR,
                    "'States.Runtime' is never retried and never caught: it fails the execution",
                    place,
                    item.span,
                    "remove it",
                );
            }
        }
        let shadowed = |item: &Node| {
            item.as_str()
                .is_some_and(|name| seen.contains(name) || (seen.contains(ErrorName::TASK_FAILED) && is_task_failure(name)))
        };
        if let Some(first) = items.first().filter(|_| items.iter().all(shadowed)) {
            self.findings.warning(
                SHADOWED_RETRIER_OR_CATCHER,
                "This element is never used: the elements before it match everything that it names",
                place,
                first.span,
                "put the narrower names first",
            );
        }
    }
}

/// Whether `States.TaskFailed` matches an error: every one but `States.Timeout`, and what cannot be caught by it.
fn is_task_failure(name: &str) -> bool {
    !matches!(
        name,
        ErrorName::ALL | ErrorName::TIMEOUT | ErrorName::HEARTBEAT_TIMEOUT | ErrorName::DATA_LIMIT_EXCEEDED | ErrorName::RUNTIME
    )
}
