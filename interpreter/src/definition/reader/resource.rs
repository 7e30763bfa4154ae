//! `Resource` of a Task.
//!
//! Source: developer guide, "Integrating services" and the pages of the service integrations.

use std::sync::Arc;

use super::super::code::{EXPRESS_CHILD_CANNOT_WAIT, PLACEHOLDER_RESOURCE};
use super::super::integrations;
use super::super::resource::{Pattern, Resource};
use super::super::{MachineType, messages};
use super::{Fields, Reader, Situation};

impl<'s> Reader<'s, '_> {
    pub(super) fn resource(&mut self, situation: Situation, fields: &Fields<'s>) -> Option<Resource> {
        let text = Arc::clone(self.string(fields, "Resource")?);
        let member = fields.get("Resource")?;
        if text.is_empty() {
            self.refuse(messages::EMPTY, fields.at("Resource"), member.value.span);
            return None;
        }
        let resource = match integrations::resource(&text) {
            integrations::Recognised::Resource(resource) => resource,
            // That substitutions have no values is said of all of them at once.
            integrations::Recognised::Placeholder(resource) if member.value.is_unresolved() => resource,
            integrations::Recognised::Placeholder(resource) => {
                self.findings.warning(
                    PLACEHOLDER_RESOURCE,
                    format!("Resource '{text}' is no ARN: it is taken for one that is put in later"),
                    fields.at("Resource"),
                    member.value.span,
                    "give the ARN itself",
                );
                resource
            }
            integrations::Recognised::Unknown => {
                self.refuse(messages::unknown_resource(&text), fields.at("Resource"), member.value.span);
                if let Some(help) = integrations::suggestion(&text) {
                    self.findings.help(help);
                }
                return None;
            }
        };
        self.check_express(situation, fields, &resource);
        Some(resource)
    }

    /// What Express executions cannot do. Source: developer guide, "Choosing workflow type".
    fn check_express(&mut self, situation: Situation, fields: &Fields<'s>, resource: &Resource) {
        let Some(member) = fields.get("Resource") else { return };
        let message = match (resource, resource.pattern()) {
            (Resource::Activity { .. }, _) => messages::EXPRESS_ACTIVITY,
            (_, Pattern::Sync | Pattern::Sync2) => messages::EXPRESS_SYNC,
            (_, Pattern::WaitForTaskToken) => messages::EXPRESS_TOKEN,
            (_, Pattern::RequestResponse) => return,
        };
        if self.machine_type == MachineType::Express {
            self.refuse(message, fields.at("Resource"), member.value.span);
        } else if self.is_in_express_child(situation) {
            self.findings.warning(
                EXPRESS_CHILD_CANNOT_WAIT,
                "The executions of this Distributed Map are Express ones, which cannot wait for jobs, tokens or activities",
                fields.at("Resource"),
                member.value.span,
                "set `ExecutionType` of the ProcessorConfig to `STANDARD`",
            );
        }
    }

    /// Whether a state runs in Express executions that a Distributed Map starts.
    fn is_in_express_child(&self, situation: Situation) -> bool {
        let mut state = Some(situation.id);
        while let Some(entry) = state.and_then(|id| self.entry(id)) {
            let Some(scope) = self.outline.scopes.get(entry.scope.0 as usize) else { return false };
            if scope.is_distributed {
                return scope.is_express_child;
            }
            state = scope.parent;
        }
        false
    }
}
