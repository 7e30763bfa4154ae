//! Map, in both modes.

use super::super::code::{FIELD_WITHOUT_EFFECT, INVALID_LABEL_NAME};
use super::super::model::{Distributed, Items, Map, Quantity, QueryLanguage};
use super::super::source::{Kind, Node};
use super::super::{MachineType, messages};
use super::fields::{Field, In};
use super::values::{Range, Reach};
use super::{Fields, Reader, Situation};

pub(super) const MAP: &[Field] = &[
    Field("ItemProcessor", In::Both),
    Field("Iterator", In::Both),
    Field("Items", In::Jsonata),
    Field("ItemsPath", In::JsonPath),
    Field("ItemSelector", In::Both),
    Field("MaxConcurrency", In::Both),
    Field("MaxConcurrencyPath", In::JsonPath),
    Field("ItemReader", In::Both),
    Field("ItemBatcher", In::Both),
    Field("ResultWriter", In::Both),
    Field("Label", In::Both),
    Field("ToleratedFailureCount", In::Both),
    Field("ToleratedFailureCountPath", In::JsonPath),
    Field("ToleratedFailurePercentage", In::Both),
    Field("ToleratedFailurePercentagePath", In::JsonPath),
];

/// The fields that only a Distributed Map makes use of.
const DISTRIBUTED_ONLY: [&str; 8] = [
    "ItemReader",
    "ItemBatcher",
    "ResultWriter",
    "Label",
    "ToleratedFailureCount",
    "ToleratedFailureCountPath",
    "ToleratedFailurePercentage",
    "ToleratedFailurePercentagePath",
];

const PROCESSOR: &[Field] =
    &[Field("StartAt", In::Both), Field("States", In::Both), Field("Comment", In::Both), Field("ProcessorConfig", In::Both)];
const PROCESSOR_CONFIG: &[Field] = &[Field("Mode", In::Both), Field("ExecutionType", In::Both)];

/// How many characters a label may have. Source: developer guide, "Using Map state in Distributed mode".
const LABEL_CHARACTERS_MAX: usize = 40;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Inline,
    Distributed,
}

impl<'s> Reader<'s, '_> {
    pub(super) fn map(&mut self, situation: Situation, fields: &Fields<'s>) -> Option<Map> {
        let language = situation.language;
        self.exclude(fields, "ItemProcessor", "Iterator");
        let (mode, is_express) = match fields.get("ItemProcessor").or_else(|| fields.get("Iterator")) {
            Some(processor) => self.processor(fields, &processor.key, &processor.value),
            None => {
                self.refuse(messages::none_of(&["ItemProcessor", "Iterator"]), fields.here(), fields.span);
                (Mode::Inline, false)
            }
        };
        self.exclude(fields, "ItemSelector", "Parameters");
        let item_selector =
            self.template(fields, "ItemSelector", language).or_else(|| self.template(fields, "Parameters", language));
        let concurrency = self.quantity(fields, language, "MaxConcurrency", "MaxConcurrencyPath", Range(0, u32::MAX));
        let items = self.items(language, fields);
        self.distributed_fields(situation, fields);
        if mode == Mode::Inline {
            self.warn_of_distributed_fields(fields);
        }
        let distributed = (mode == Mode::Distributed).then(|| Distributed {
            label: fields.get("Label").and_then(|member| member.value.as_str()).map(Into::into),
            express: is_express,
            fields: fields
                .members
                .iter()
                .filter(|member| DISTRIBUTED_ONLY.contains(&&*member.key))
                .map(|member| (member.key.clone(), member.value.to_value()))
                .collect(),
        });
        Some(Map {
            processor: *self.entry(situation.id)?.children.first()?,
            items,
            item_selector,
            max_concurrency: concurrency.unwrap_or(Quantity::Fixed(0)),
            distributed,
        })
    }

    /// The processor's own fields: its mode, and whether its executions are Express ones.
    fn processor(&mut self, fields: &Fields<'s>, name: &str, node: &'s Node) -> (Mode, bool) {
        if node.members().is_none() {
            return (Mode::Inline, false);
        }
        let config = self.fields(node, fields.at(name), &[PROCESSOR], QueryLanguage::JsonPath).and_then(|processor| {
            let config = processor.get("ProcessorConfig")?;
            self.fields(&config.value, processor.at("ProcessorConfig"), &[PROCESSOR_CONFIG], QueryLanguage::JsonPath)
        });
        let Some(config) = config else { return (Mode::Inline, false) };
        let mode =
            self.word(&config, "Mode", &[("INLINE", Mode::Inline), ("DISTRIBUTED", Mode::Distributed)]).unwrap_or(Mode::Inline);
        let is_express = self.word(&config, "ExecutionType", &[("STANDARD", false), ("EXPRESS", true)]);
        if mode == Mode::Distributed {
            self.require(&config, &["ExecutionType"]);
        } else if let Some(member) = config.get("ExecutionType")
            && config.get("Mode").is_some_and(|mode| mode.value.as_str() == Some("INLINE"))
        {
            self.refuse(messages::not_supported("ExecutionType"), &*config.place, member.key_span);
        }
        if let Some(member) = config.get("Mode").filter(|_| mode == Mode::Distributed && self.machine_type == MachineType::Express)
        {
            self.refuse(messages::EXPRESS_DISTRIBUTED, config.at("Mode"), member.value.span);
        }
        (mode, is_express.unwrap_or(false))
    }

    /// `Items` or `ItemsPath`.
    fn items(&mut self, language: QueryLanguage, fields: &Fields<'s>) -> Items {
        if language == QueryLanguage::JsonPath {
            return match self.path(fields, "ItemsPath", Reach::OnePlace) {
                Some(path) if !path.is_whole_input() => Items::Path(path),
                _ => Items::Input,
            };
        }
        let Some(member) = fields.get("Items") else { return Items::Input };
        let items = match &member.value.kind {
            Kind::Text(text) if !text.unresolved => self.expression(&member.value, text, fields.at("Items")).map(Items::Expression),
            Kind::Array(_) | Kind::Object(_) => self.jsonata(fields, "Items").map(Items::Template),
            Kind::Text(_) => None,
            Kind::Null | Kind::Bool(_) | Kind::Number(_) => {
                self.refuse(messages::wrong_type("Array", member.value.type_name()), fields.at("Items"), member.value.span);
                None
            }
        };
        items.unwrap_or(Items::Input)
    }

    /// `Label`: it becomes part of the child executions' ARNs.
    pub(super) fn label(&mut self, fields: &Fields<'s>) {
        let Some(member) = fields.get("Label") else { return };
        let Some(label) = self.string(fields, "Label") else { return };
        if member.value.is_unresolved() {
            return;
        }
        let wrong = label.chars().find(|&character| is_forbidden(character));
        if label.is_empty() {
            self.findings.error(INVALID_LABEL_NAME, messages::EMPTY, fields.at("Label"), member.value.span);
        } else if let Some(character) = wrong {
            self.findings.error(INVALID_LABEL_NAME, messages::label_character(character), fields.at("Label"), member.value.span);
        } else if label.chars().count() > LABEL_CHARACTERS_MAX {
            self.findings.error(INVALID_LABEL_NAME, messages::LABEL_TOO_LONG, fields.at("Label"), member.value.span);
        }
        self.note_label(label, fields.at("Label"), member.value.span);
    }

    fn warn_of_distributed_fields(&mut self, fields: &Fields<'s>) {
        for member in fields.members.iter().filter(|member| DISTRIBUTED_ONLY.contains(&&*member.key)) {
            self.findings.warning(
                FIELD_WITHOUT_EFFECT,
                format!("Field '{}' has no effect: the Map runs in INLINE mode", member.key),
                fields.at(&member.key),
                member.key_span,
                "set `Mode` of the ProcessorConfig to `DISTRIBUTED`, or remove the field",
            );
        }
    }
}

/// The characters that a label may not have. Source: developer guide, "Using Map state in Distributed mode".
fn is_forbidden(character: char) -> bool {
    character.is_whitespace() || character.is_control() || "?*<>{}[]:;,\\|^~$#%&`\"".contains(character)
}
