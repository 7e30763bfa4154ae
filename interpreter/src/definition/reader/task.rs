//! Task.

use super::super::code::{CALLBACK_WITHOUT_TIMEOUT, CALLBACK_WITHOUT_TOKEN};
use super::super::messages;
use super::super::model::{Quantity, QueryLanguage, Task};
use super::super::resource::{Pattern, Resource};
use super::super::source::Node;
use super::values::Range;
use super::{Fields, Reader, Situation};
use crate::quota::TIMEOUT_SECONDS_MAX;
use crate::template::Template;

impl<'s> Reader<'s, '_> {
    pub(super) fn task(&mut self, situation: Situation, fields: &Fields<'s>) -> Option<Task> {
        let range = Range(1, TIMEOUT_SECONDS_MAX);
        let timeout = self.quantity(fields, situation.language, "TimeoutSeconds", "TimeoutSecondsPath", range);
        let heartbeat = self.quantity(fields, situation.language, "HeartbeatSeconds", "HeartbeatSecondsPath", range);
        if let (Some(Quantity::Fixed(timeout)), Some(Quantity::Fixed(heartbeat)), Some(member)) =
            (&timeout, &heartbeat, fields.get("HeartbeatSeconds"))
            && heartbeat >= timeout
        {
            self.refuse(messages::HEARTBEAT_TOO_LONG, fields.at("HeartbeatSeconds"), member.value.span);
        }
        let credentials = self.credentials(situation, fields);
        if !self.require(fields, &["Resource"]) {
            return None;
        }
        let resource = self.resource(situation, fields)?;
        if let (Resource::Activity { .. }, Some(member)) = (&resource, fields.get("Credentials")) {
            self.refuse(messages::ACTIVITY_CREDENTIALS, fields.at("Credentials"), member.key_span);
        }
        self.warn_of_callback(fields, &resource);
        Some(Task { resource, timeout, heartbeat, credentials })
    }

    fn credentials(&mut self, situation: Situation, fields: &Fields<'s>) -> Option<Template> {
        let member = fields.get("Credentials")?;
        let has_role = match situation.language {
            QueryLanguage::JsonPath => member.value.member("RoleArn").is_some() || member.value.member("RoleArn.$").is_some(),
            QueryLanguage::Jsonata => member.value.member("RoleArn").is_some() || member.value.as_text().is_some(),
        };
        if !has_role && !member.value.is_unresolved() {
            self.refuse(messages::required_but_missing("RoleArn"), fields.at("Credentials"), member.value.span);
            return None;
        }
        self.template(fields, "Credentials", situation.language)
    }

    /// Warns of a callback that may never come, or that nobody can send.
    fn warn_of_callback(&mut self, fields: &Fields<'s>, resource: &Resource) {
        let Some(member) = fields.get("Resource").filter(|_| matches!(resource, Resource::Service { .. })) else { return };
        if resource.pattern() != Pattern::WaitForTaskToken {
            return;
        }
        let limits = ["TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath"];
        if limits.iter().all(|name| fields.get(name).is_none()) {
            self.findings.warning(
                CALLBACK_WITHOUT_TIMEOUT,
                "The task waits for its token without a time limit: if the token is lost, the execution waits for up to a year",
                fields.at("Resource"),
                member.value.span,
                "add `TimeoutSeconds` or `HeartbeatSeconds`",
            );
        }
        let payload = fields.get("Parameters").or_else(|| fields.get("Arguments"));
        if let Some(payload) = payload.filter(|payload| !may_hold_token(&payload.value)) {
            self.findings.warning(
                CALLBACK_WITHOUT_TOKEN,
                "The task waits for its token, but does not send it",
                fields.at(&payload.key),
                payload.key_span,
                "pass `$$.Task.Token` (in JSONata `$states.context.Task.Token`) to whoever is to answer",
            );
        }
    }
}

/// Whether a payload holds a task token, or something that it may come out of.
fn may_hold_token(payload: &Node) -> bool {
    let mut may = false;
    payload.for_each_text(&mut |_, text| {
        may |= text.unresolved
            || text.text.contains("Task")
            || text.text.contains("oken")
            || matches!(&*text.text, "$$" | "$")
            || text.text.contains("$states.context %}");
    });
    may
}
