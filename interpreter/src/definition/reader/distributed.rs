//! The fields of a Distributed Map. They are checked, not compiled.
//!
//! Source: developer guide, "Using Map state in Distributed mode" and the pages of ItemReader, ItemBatcher and ResultWriter.

use super::super::messages;
use super::super::model::QueryLanguage;
use super::fields::{Field, In};
use super::values::Range;
use super::{Fields, Reader, Situation};

const ITEM_READER: &[Field] = &[
    Field("Resource", In::Both),
    Field("Parameters", In::JsonPath),
    Field("Arguments", In::Jsonata),
    Field("ReaderConfig", In::Both),
];
const READER_CONFIG: &[Field] = &[
    Field("InputType", In::Both),
    Field("Transformation", In::Both),
    Field("ManifestType", In::Both),
    Field("CSVDelimiter", In::Both),
    Field("CSVHeaderLocation", In::Both),
    Field("CSVHeaders", In::Both),
    Field("MaxItems", In::Both),
    Field("MaxItemsPath", In::JsonPath),
    Field("ItemsPointer", In::Both),
];
const ITEM_BATCHER: &[Field] = &[
    Field("MaxItemsPerBatch", In::Both),
    Field("MaxItemsPerBatchPath", In::JsonPath),
    Field("MaxInputBytesPerBatch", In::Both),
    Field("MaxInputBytesPerBatchPath", In::JsonPath),
    Field("BatchInput", In::Both),
];
const RESULT_WRITER: &[Field] = &[
    Field("Resource", In::Both),
    Field("Parameters", In::JsonPath),
    Field("Arguments", In::Jsonata),
    Field("WriterConfig", In::Both),
];
const WRITER_CONFIG: &[Field] = &[Field("Transformation", In::Both), Field("OutputType", In::Both)];

/// The greatest `MaxInputBytesPerBatch`: the size of a payload.
const BATCH_BYTES_MAX: u32 = 262_144;

impl<'s> Reader<'s, '_> {
    /// All fields that only a Distributed Map makes use of.
    pub(super) fn distributed_fields(&mut self, situation: Situation, fields: &Fields<'s>) {
        let language = situation.language;
        self.label(fields);
        self.quantity(fields, language, "ToleratedFailureCount", "ToleratedFailureCountPath", Range(0, u32::MAX));
        self.percentage(fields, language);
        self.item_reader(language, fields);
        self.item_batcher(language, fields);
        self.result_writer(language, fields);
    }

    fn percentage(&mut self, fields: &Fields<'s>, language: QueryLanguage) {
        const NAME: &str = "ToleratedFailurePercentage";
        const PATH: &str = "ToleratedFailurePercentagePath";
        self.exclude(fields, NAME, PATH);
        self.path(fields, PATH, super::values::Reach::OnePlace);
        let Some(member) = fields.get(NAME) else { return };
        match member.value.as_text() {
            Some(text) if language == QueryLanguage::Jsonata && !text.unresolved => {
                self.expression(&member.value, text, fields.at(NAME));
            }
            _ => {
                self.number(fields, NAME, 0.0, 100.0);
            }
        }
    }

    /// The object in a field, with the fields it may have.
    fn object(&mut self, fields: &Fields<'s>, name: &str, allowed: &[Field], language: QueryLanguage) -> Option<Fields<'s>> {
        let member = fields.get(name)?;
        self.fields(&member.value, fields.at(name), &[allowed], language)
    }

    /// `Parameters` or `Arguments`.
    fn call_parameters(&mut self, fields: &Fields<'s>, language: QueryLanguage) {
        match language {
            QueryLanguage::JsonPath => {
                self.template(fields, "Parameters", language);
            }
            QueryLanguage::Jsonata => {
                self.jsonata(fields, "Arguments");
            }
        }
    }

    /// A resource that must be one of a few, in any partition.
    fn one_resource(&mut self, fields: &Fields<'s>, known: &[&str]) {
        let Some(member) = fields.get("Resource") else { return };
        let Some(text) = self.string(fields, "Resource") else { return };
        if !member.value.is_unresolved() && !known.iter().any(|known| text.ends_with(&format!(":states:::{known}"))) {
            self.refuse(messages::not_allowed_value("Resource"), fields.at("Resource"), member.value.span);
            self.findings.help(format!("it must be one of {}", known.join(", ")));
        }
    }

    fn item_reader(&mut self, language: QueryLanguage, fields: &Fields<'s>) {
        let Some(reader) = self.object(fields, "ItemReader", ITEM_READER, language) else { return };
        self.require(&reader, &["Resource"]);
        self.one_resource(&reader, &["s3:getObject", "s3:listObjectsV2"]);
        self.call_parameters(&reader, language);
        let Some(config) = self.object(&reader, "ReaderConfig", READER_CONFIG, language) else { return };
        const INPUT_TYPES: [(&str, ()); 5] = [("CSV", ()), ("JSON", ()), ("JSONL", ()), ("PARQUET", ()), ("MANIFEST", ())];
        self.word(&config, "InputType", &INPUT_TYPES);
        self.word(&config, "Transformation", &[("NONE", ()), ("LOAD_AND_FLATTEN", ())]);
        self.word(&config, "ManifestType", &[("ATHENA_DATA", ()), ("S3_INVENTORY", ())]);
        const DELIMITERS: [(&str, ()); 5] = [("COMMA", ()), ("PIPE", ()), ("SEMICOLON", ()), ("SPACE", ()), ("TAB", ())];
        self.word(&config, "CSVDelimiter", &DELIMITERS);
        let is_given = self.word(&config, "CSVHeaderLocation", &[("FIRST_ROW", false), ("GIVEN", true)]);
        if is_given == Some(true) {
            self.require(&config, &["CSVHeaders"]);
        }
        let location = config.get("CSVHeaderLocation");
        match (config.get("InputType").and_then(|member| member.value.as_str()), location) {
            (Some("CSV"), None) => {
                self.refuse(messages::required_field("CSVHeaderLocation"), &*config.place, config.span);
            }
            (Some("JSON"), Some(member)) => {
                self.refuse(messages::not_supported("CSVHeaderLocation"), &*config.place, member.key_span);
            }
            _ => {}
        }
        self.string(&config, "ItemsPointer");
        self.quantity(&config, language, "MaxItems", "MaxItemsPath", Range(0, u32::MAX));
        self.csv_headers(&config);
    }

    fn csv_headers(&mut self, config: &Fields<'s>) {
        let Some(member) = config.get("CSVHeaders") else { return };
        let Some(items) = member.value.items() else {
            if !member.value.is_unresolved() {
                self.refuse(messages::wrong_type("Array", member.value.type_name()), config.at("CSVHeaders"), member.value.span);
            }
            return;
        };
        if items.is_empty() {
            self.refuse(messages::EMPTY, config.at("CSVHeaders"), member.value.span);
        }
        for (at, item) in items.iter().enumerate().filter(|(_, item)| item.as_text().is_none()) {
            self.refuse(messages::wrong_type("String", item.type_name()), config.at_index("CSVHeaders", at), item.span);
        }
    }

    fn item_batcher(&mut self, language: QueryLanguage, fields: &Fields<'s>) {
        let Some(batcher) = self.object(fields, "ItemBatcher", ITEM_BATCHER, language) else { return };
        const SIZES: [&str; 4] = ["MaxItemsPerBatch", "MaxItemsPerBatchPath", "MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath"];
        if SIZES.iter().all(|name| batcher.get(name).is_none()) {
            self.refuse(messages::BATCH_WITHOUT_SIZE, &*batcher.place, batcher.span);
        }
        let [items, items_path, bytes, bytes_path] = SIZES;
        self.quantity(&batcher, language, items, items_path, Range(1, u32::MAX));
        self.quantity(&batcher, language, bytes, bytes_path, Range(1, BATCH_BYTES_MAX));
        self.template(&batcher, "BatchInput", language);
    }

    fn result_writer(&mut self, language: QueryLanguage, fields: &Fields<'s>) {
        let Some(writer) = self.object(fields, "ResultWriter", RESULT_WRITER, language) else { return };
        let has_target = ["Parameters", "Arguments"].iter().any(|name| writer.get(name).is_some());
        if writer.get("Resource").is_some() != has_target || (!has_target && writer.get("WriterConfig").is_none()) {
            self.refuse(messages::WRITER_INCOMPLETE, &*writer.place, writer.span);
        }
        self.one_resource(&writer, &["s3:putObject"]);
        self.call_parameters(&writer, language);
        let Some(config) = self.object(&writer, "WriterConfig", WRITER_CONFIG, language) else { return };
        self.word(&config, "Transformation", &[("NONE", ()), ("COMPACT", ()), ("FLATTEN", ())]);
        self.word(&config, "OutputType", &[("JSON", ()), ("JSONL", ())]);
    }
}
