//! The fields of Map in both modes.

use super::{DISTRIBUTED, accepts, express, jsonata, machine, one, refuses, refuses_state};

const SCHEMA: &str = "SCHEMA_VALIDATION_FAILED";

fn map(mode: &str, fields: &str) -> String {
    one(&format!(
        r#""Type": "Map", "End": true, {fields} "ItemProcessor": {{{mode} "StartAt": "P", "States": {{"P": {{"Type": "Succeed"}}}}}}"#
    ))
}

#[test]
fn maps_have_a_processor() {
    accepts(&map("", r#""ItemsPath": "$.items", "MaxConcurrency": 0, "ItemSelector": {"v.$": "$$.Map.Item.Value"},"#));
    accepts(&map(r#""ProcessorConfig": {"Mode": "INLINE"},"#, r#""MaxConcurrencyPath": "$.n", "Parameters": {},"#));
    accepts(&map("", "").replace("ItemProcessor", "Iterator"));
    refuses_state(r#""Type": "Map", "End": true"#, "These fields are required: [ItemProcessor]", "/States/S");
    refuses(&map("", r#""MaxConcurrency": -1,"#), SCHEMA, "Minimum value is 0", "/States/S/MaxConcurrency");
    refuses(
        &map("", r#""ItemsPath": "$.a[*]","#),
        SCHEMA,
        "Value is not a Reference Path: it does not identify a single node",
        "/States/S/ItemsPath",
    );
    refuses(
        &map("", r#""ItemSelector": {}, "Parameters": {},"#),
        SCHEMA,
        "Only one of these fields may be given: [ItemSelector, Parameters]",
        "/States/S",
    );
    refuses(
        &map(r#""ProcessorConfig": {"Mode": "REMOTE"},"#, ""),
        SCHEMA,
        "The field 'Mode' should have one of these values: [INLINE, DISTRIBUTED]",
        "/States/S/ItemProcessor/ProcessorConfig/Mode",
    );
    refuses(
        &map(r#""ProcessorConfig": {"Mode": "DISTRIBUTED"},"#, ""),
        SCHEMA,
        "These fields are required: [ExecutionType]",
        "/States/S/ItemProcessor/ProcessorConfig",
    );
    assert_eq!(express(&map(DISTRIBUTED, ""))[0].message, "Express state machine does not support Map states in DISTRIBUTED mode");
}

#[test]
fn jsonata_maps_have_items() {
    let map = |items: &str| {
        jsonata(&format!(
            r#""S": {{"Type": "Map", "End": true, "Items": {items}, "ItemProcessor": {{"StartAt": "P", "States": {{"P": {{"Type": "Succeed"}}}}}}}}"#
        ))
    };
    accepts(&map(r#""{% $states.input.items %}""#));
    accepts(&map(r#"[1, "{% 2 %}"]"#));
    accepts(&map(r#"{"a": 1}"#));
    refuses(&map("1"), SCHEMA, "Expected value of type Array, but found Number", "/States/S/Items");
    refuses(&map(r#""items""#), SCHEMA, "Value must be a JSONata expression: '{% … %}'", "/States/S/Items");
}

#[test]
fn distributed_maps_have_sound_fields() {
    let good = r#""Label": "label", "ToleratedFailureCount": 1, "ToleratedFailurePercentage": 0.5,
        "ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key.$": "$.k"},
            "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["a"], "MaxItems": 10}},
        "ItemBatcher": {"MaxItemsPerBatch": 10, "BatchInput": {"a.$": "$.a"}},
        "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b", "Prefix": "p"}, "WriterConfig": {"OutputType": "JSONL"}},"#;
    accepts(&map(DISTRIBUTED, good));
    let refuse =
        |fields: &str, message: &str, at: &str| refuses(&map(DISTRIBUTED, fields), SCHEMA, message, &format!("/States/S/{at}"));
    refuse(r#""ItemReader": {},"#, "These fields are required: [Resource]", "ItemReader");
    refuse(
        r#""ItemReader": {"Resource": "arn:aws:states:::s3:putObject"},"#,
        "The resource provided arn:aws:states:::s3:putObject is not recognized. The value is not a valid resource ARN, or the resource is not available in this region.",
        "ItemReader/Resource",
    );
    refuse(
        r#""ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "XML"}},"#,
        "The field 'InputType' should have one of these values: [CSV, JSON, JSONL, PARQUET, MANIFEST]",
        "ItemReader/ReaderConfig/InputType",
    );
    refuse(
        r#""ItemBatcher": {},"#,
        "At least one of these fields is required: [MaxItemsPerBatch, MaxItemsPerBatchPath, MaxInputBytesPerBatch, MaxInputBytesPerBatchPath]",
        "ItemBatcher",
    );
    refuse(r#""ItemBatcher": {"MaxInputBytesPerBatch": 262145},"#, "Maximum value is 262144", "ItemBatcher/MaxInputBytesPerBatch");
    refuse(
        r#""ResultWriter": {},"#,
        "A ResultWriter needs WriterConfig, or Resource with Bucket and Prefix, or both",
        "ResultWriter",
    );
    refuse(r#""ToleratedFailurePercentage": 101,"#, "Maximum value is 100.0", "ToleratedFailurePercentage");
    refuse(r#""ToleratedFailureCount": -1,"#, "Minimum value is 0", "ToleratedFailureCount");
}

#[test]
fn labels_are_plain_and_unique() {
    let label = |label: &str| map(DISTRIBUTED, &format!("\"Label\": {},", serde_json::Value::from(label)));
    accepts(&label(&"x".repeat(40)));
    refuses(&label(&"x".repeat(41)), "INVALID_LABEL_NAME", "Label must not be longer than 40 characters", "/States/S/Label");
    refuses(&label(""), "INVALID_LABEL_NAME", "Value cannot be empty", "/States/S/Label");
    refuses(&label("a b"), "INVALID_LABEL_NAME", "Label contains invalid character: ' '", "/States/S/Label");
    let two = machine(&format!(
        r#""S": {{"Type": "Map", "Next": "T", "Label": "l", "ItemProcessor": {{{DISTRIBUTED} "StartAt": "P", "States": {{"P": {{"Type": "Succeed"}}}}}}}},
           "T": {{"Type": "Map", "End": true, "Label": "l", "ItemProcessor": {{{DISTRIBUTED} "StartAt": "Q", "States": {{"Q": {{"Type": "Succeed"}}}}}}}}"#
    ));
    refuses(&two, "DUPLICATE_LABEL_NAME", "Duplicate Label: l", "/States/T/Label");
}
