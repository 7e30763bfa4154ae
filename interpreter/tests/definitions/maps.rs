//! The fields of Map in both modes.

use super::{DISTRIBUTED, accepts, errors_of, express, jsonata, machine, one, parse, refuses, refuses_state};

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
    refuses_state(
        r#""Type": "Map", "End": true"#,
        "This object should have only one of the following fields: [ItemProcessor, Iterator]",
        "/States/S",
    );
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
        "There should only be one of the following fields: [ItemSelector, Parameters]",
        "/States/S",
    );
    refuses(
        &map(r#""ProcessorConfig": {"Mode": "REMOTE"},"#, ""),
        SCHEMA,
        "Value should be one of the following: [INLINE, DISTRIBUTED]",
        "/States/S/ItemProcessor/ProcessorConfig/Mode",
    );
    refuses(
        &map(r#""ProcessorConfig": {"Mode": "DISTRIBUTED"},"#, ""),
        SCHEMA,
        "These fields are required: [ExecutionType]",
        "/States/S/ItemProcessor/ProcessorConfig",
    );
    let errors = express(&map(DISTRIBUTED, ""));
    assert_eq!(errors[0].message, "The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines");
    assert_eq!(errors[0].location.as_deref(), Some("/States/S/ItemProcessor/ProcessorConfig/Mode"));
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
fn inline_maps_have_no_executions() {
    refuses(
        &map(r#""ProcessorConfig": {"Mode": "INLINE", "ExecutionType": "STANDARD"},"#, ""),
        SCHEMA,
        "Field 'ExecutionType' is not supported",
        "/States/S/ItemProcessor/ProcessorConfig",
    );
    accepts(&map(r#""ProcessorConfig": {},"#, ""));
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
        "The field 'Resource' does not match any of the allowed values",
        "ItemReader/Resource",
    );
    refuse(
        r#""ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "XML"}},"#,
        "Value should be one of the following: [CSV, JSON, JSONL, PARQUET, MANIFEST]",
        "ItemReader/ReaderConfig/InputType",
    );
    refuse(
        r#""ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "CSV"}},"#,
        "The field 'CSVHeaderLocation' is required",
        "ItemReader/ReaderConfig",
    );
    refuse(
        r#""ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSON", "CSVHeaderLocation": "FIRST_ROW"}},"#,
        "Field 'CSVHeaderLocation' is not supported",
        "ItemReader/ReaderConfig",
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
fn fields_of_distributed_maps_take_expressions() {
    let map = |fields: &str| {
        jsonata(&format!(
            r#""S": {{"Type": "Map", "End": true, "ItemProcessor": {{{DISTRIBUTED} "StartAt": "P", "States": {{"P": {{"Type": "Succeed"}}}}}}, {fields}}}"#
        ))
    };
    let fields = |expression: &str| {
        let (reader, writer) = (r#""Resource": "arn:aws:states:::s3:getObject""#, r#""Resource": "arn:aws:states:::s3:putObject""#);
        [
            ("ToleratedFailureCount", format!(r#""ToleratedFailureCount": {expression}"#)),
            ("ToleratedFailurePercentage", format!(r#""ToleratedFailurePercentage": {expression}"#)),
            ("ItemBatcher/MaxItemsPerBatch", format!(r#""ItemBatcher": {{"MaxItemsPerBatch": {expression}}}"#)),
            ("ItemBatcher/MaxInputBytesPerBatch", format!(r#""ItemBatcher": {{"MaxInputBytesPerBatch": {expression}}}"#)),
            (
                "ItemBatcher/BatchInput/a",
                format!(r#""ItemBatcher": {{"MaxItemsPerBatch": 1, "BatchInput": {{"a": {expression}}}}}"#),
            ),
            (
                "ItemReader/Arguments/Bucket",
                format!(r#""ItemReader": {{{reader}, "Arguments": {{"Bucket": {expression}, "Key": "k"}}}}"#),
            ),
            (
                "ItemReader/ReaderConfig/MaxItems",
                format!(
                    r#""ItemReader": {{{reader}, "ReaderConfig": {{"InputType": "JSON", "MaxItems": {expression}}}, "Arguments": {{"Bucket": "b", "Key": "k"}}}}"#
                ),
            ),
            (
                "ResultWriter/Arguments/Bucket",
                format!(r#""ResultWriter": {{{writer}, "Arguments": {{"Bucket": {expression}, "Prefix": "p"}}}}"#),
            ),
        ]
    };
    for (_, field) in fields(r#""{% $states.input.x %}""#) {
        accepts(&map(&field));
    }
    for (at, field) in fields(r#""{% 1 + %}""#) {
        let found = errors_of(parse(&map(&field)));
        let found = found.iter().map(|found| (found.code, found.location.as_deref().unwrap_or_default())).collect::<Vec<_>>();
        assert_eq!(found, [("INVALID_JSONATA_EXPRESSION", &*format!("/States/S/{at}"))]);
    }
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
