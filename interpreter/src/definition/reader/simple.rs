//! Pass, Wait, Fail and Parallel.

use std::sync::Arc;

use super::super::code::{NO_PATH, PASS_RESULT_IS_STATIC};
use super::super::messages;
use super::super::model::{Fail, Parallel, Pass, QueryLanguage, Text, Wait};
use super::super::source::Kind;
use super::expression::as_expression;
use super::fields::{Field, In};
use super::values::{Range, Reach, looks_evaluated, looks_like_path};
use super::{Fields, Reader, Situation};
use crate::expression::is_expression;
use crate::intrinsic::Call;
use crate::path::Path;
use crate::time::Timestamp;

/// The longest wait that can be written down, in seconds. Source: developer guide, "Wait workflow state".
const WAIT_SECONDS_MAX: u32 = 99_999_999;

const BRANCH: &[Field] = &[Field("StartAt", In::Both), Field("States", In::Both), Field("Comment", In::Both)];

impl<'s> Reader<'s, '_> {
    pub(super) fn pass(&mut self, fields: &Fields<'s>) -> Pass {
        let result = fields.get("Result");
        if let Some(member) = result {
            let mut looks_dynamic = None;
            member.value.for_each_text(&mut |node, text| {
                if !text.unresolved && looks_evaluated(&text.text) {
                    looks_dynamic.get_or_insert(node.span);
                }
            });
            if let Some(span) = looks_dynamic {
                self.findings.warning(
                    PASS_RESULT_IS_STATIC,
                    "The Result of a Pass state is not evaluated: paths and intrinsic functions in it are text",
                    fields.at("Result"),
                    span,
                    "use `Parameters` with a field whose name ends in `.$`",
                );
            }
        }
        Pass { result: result.map(|member| member.value.to_value()) }
    }

    pub(super) fn wait(&mut self, situation: Situation, fields: &Fields<'s>) -> Option<Wait> {
        const WAYS: [&str; 4] = ["SecondsPath", "Seconds", "TimestampPath", "Timestamp"];
        let given: Vec<&str> = WAYS.into_iter().filter(|name| fields.get(name).is_some()).collect();
        let &[way] = given.as_slice() else {
            let message = if given.is_empty() { messages::none_of(&WAYS) } else { messages::several_of(&WAYS) };
            self.refuse(message, &*fields.place, fields.span);
            return None;
        };
        let member = fields.get(way)?;
        if member.value.is_unresolved() {
            return Some(Wait::Seconds(0));
        }
        let is_jsonata = situation.language == QueryLanguage::Jsonata;
        match (way, member.value.as_text()) {
            ("Seconds", Some(text)) if is_jsonata && is_expression(&text.text) => {
                self.expression(&member.value, text, fields.at(way)).map(Wait::SecondsExpression)
            }
            ("Timestamp", Some(text)) if is_jsonata && is_expression(&text.text) => {
                self.expression(&member.value, text, fields.at(way)).map(Wait::TimestampExpression)
            }
            ("Seconds", _) => self.integer(fields, "Seconds", Range(0, WAIT_SECONDS_MAX)).map(Wait::Seconds),
            ("Timestamp", _) => {
                let text = self.string(fields, "Timestamp")?;
                let instant = Timestamp::parse_rfc3339(text);
                if instant.is_none() {
                    self.refuse(messages::NO_TIMESTAMP, fields.at("Timestamp"), member.value.span);
                    self.warn_of_path(&member.value, fields, "Timestamp");
                }
                instant.map(|instant| Wait::Timestamp(instant.rounded_up()))
            }
            ("SecondsPath", _) => self.path(fields, "SecondsPath", Reach::OnePlace).map(Wait::SecondsPath),
            _ => self.path(fields, "TimestampPath", Reach::OnePlace).map(Wait::TimestampPath),
        }
    }

    pub(super) fn fail(&mut self, situation: Situation, fields: &Fields<'s>) -> Fail {
        Fail {
            error: self.fail_text(situation, fields, "Error", "ErrorPath"),
            cause: self.fail_text(situation, fields, "Cause", "CausePath"),
        }
    }

    /// `Error` or `Cause`, or what their `…Path` finds.
    fn fail_text(
        &mut self,
        situation: Situation,
        fields: &Fields<'s>,
        name: &'static str,
        path_name: &'static str,
    ) -> Option<Text> {
        self.exclude(fields, name, path_name);
        if let Some(member) = fields.get(name) {
            let text = self.string(fields, name)?;
            if situation.language == QueryLanguage::Jsonata {
                match as_expression(&member.value) {
                    Some(text) => return self.expression(&member.value, text, fields.at(name)).map(Text::Expression),
                    // Only to refuse half an expression.
                    None => drop(self.jsonata(fields, name)),
                }
            } else if looks_like_path(text) {
                self.findings.warning(
                    NO_PATH,
                    format!("The value of '{name}' looks like a JSONPath, but is taken as text"),
                    fields.at(name),
                    member.value.span,
                    &format!("use `{path_name}` if the value is to be evaluated"),
                );
            }
            return Some(Text::Fixed(Arc::clone(text)));
        }
        let member = fields.get(path_name)?;
        if member.value.is_unresolved() {
            return None;
        }
        let text = member.value.as_str().unwrap_or_default();
        let call = Call::looks_like_one(text).then(|| Call::parse(text).ok().filter(Call::answers_string).map(Text::Call));
        let found = call.unwrap_or_else(|| Path::parse(text).ok().map(Text::Path));
        match &found {
            Some(Text::Path(path)) => self.read_by([path], &fields.at(path_name), &member.value),
            Some(Text::Call(call)) => self.read_by(call.paths(), &fields.at(path_name), &member.value),
            Some(Text::Fixed(_) | Text::Expression(_)) => {}
            None => self.refuse(messages::NO_PATH_OR_STRING_CALL, fields.at(path_name), member.value.span),
        }
        found
    }

    pub(super) fn parallel(&mut self, situation: Situation, fields: &Fields<'s>) -> Option<Parallel> {
        if !self.require(fields, &["Branches"]) {
            return None;
        }
        let member = fields.get("Branches")?;
        match &member.value.kind {
            Kind::Array(items) if items.is_empty() => {
                self.refuse(messages::EMPTY, fields.at("Branches"), member.value.span);
                return None;
            }
            Kind::Array(items) => {
                for (at, branch) in items.iter().enumerate().filter(|(_, branch)| branch.members().is_some()) {
                    self.fields(branch, fields.at_index("Branches", at), &[BRANCH], QueryLanguage::JsonPath);
                }
            }
            _ => {
                self.refuse(messages::wrong_type("Array", member.value.type_name()), fields.at("Branches"), member.value.span);
                return None;
            }
        }
        Some(Parallel { branches: self.entry(situation.id)?.children.clone() })
    }
}
