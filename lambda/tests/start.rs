//! Events as the developer guide shows them, and the executions they start.

use serde_json::{Value, json};
use statewright_lambda::start::{Repeats, Starts, read};

const INVOCATION: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";

fn starts(event: &str) -> Starts<'_> {
    read(event, INVOCATION).expect("JSON")
}

/// The event starts executions of these names, whose inputs are the members at these places, and of which the source repeats these.
fn gives(event: &str, repeats: Repeats, expected: &[(&str, &str, &str)]) {
    let starts = starts(event);
    let value: Value = serde_json::from_str(event).expect("JSON");
    assert_eq!(starts.repeats, repeats);
    assert_eq!(starts.starts.len(), expected.len());
    for (start, &(name, input, record)) in starts.starts.iter().zip(expected) {
        assert_eq!((start.name.as_str(), start.record.as_str()), (name, record));
        assert_eq!(serde_json::from_str::<Value>(start.input).ok().as_ref(), value.pointer(input));
        assert!(event.contains(start.input), "the text as it came");
    }
}

#[test]
fn each_message_of_a_queue_starts_one() {
    let [first, second] = ["059f36b4-87a3-44ab-83d2-661975830a7d", "2e1424d4-f796-459a-8184-9c92662be6da"];
    gives(include_str!("events/sqs.json"), Repeats::Failed, &[(first, "/Records/0", first), (second, "/Records/1", second)]);
    let fifo = "11d6ee51-4cc7-4302-9e22-7cd8afdaadf5";
    gives(include_str!("events/sqs-fifo.json"), Repeats::FromFirst, &[(fifo, "/Records/0", fifo)]);
}

#[test]
fn a_notification_of_a_topic_starts_one() {
    gives(include_str!("events/sns.json"), Repeats::All, &[("95df01b4-ee98-5cb9-9903-4c221d41eb5e", "/Records/0", "")]);
}

#[test]
fn a_change_of_a_bucket_starts_one() {
    let event = include_str!("events/s3.json");
    let name = |event: &str| starts(event).starts.first().map(|start| start.name.clone());
    gives(event, Repeats::All, &[(&name(event).expect("one"), "/Records/0", "")]);
    let delivered_again = event.replace("D82B88E5F771F645", "D82B88E5F771F646");
    assert_eq!(name(&delivered_again), name(event), "only what was done to the object counts");
    for (of, other) in [
        ("0C0F6F405D6ED209E1", "0C0F6F405D6ED209E2"),
        ("\"key\": \"b21b", "\"key\": \"c21b"),
        ("demo-bucket", "other-bucket"),
        ("ObjectCreated:Put", "ObjectRemoved:Delete"),
        ("\"size\": 1305107", "\"versionId\": \"1\""),
    ] {
        assert_ne!(name(&event.replace(of, other)), name(event), "{of}");
    }
    let tagged =
        event.replace("\"sequencer\": \"0C0F6F405D6ED209E1\"", "\"versionId\": \"1\"").replace("Created:Put", "Tagging:Put");
    assert_ne!(name(&tagged), name(&tagged.replace("19:37:27", "19:37:28")), "without a sequencer the whole record counts");
}

#[test]
fn each_record_of_a_stream_starts_one() {
    let name = |event: &str, position: usize| starts(event).starts.get(position).map(|start| start.name.clone()).expect("a start");
    let event = include_str!("events/dynamodb.json");
    let (first, second) = (name(event, 0), name(event, 1));
    assert_ne!(first, second);
    gives(event, Repeats::FromFirst, &[(&first, "/Records/0", "111"), (&second, "/Records/1", "222")]);
    assert_ne!(name(&event.replace("EventSourceTable", "Other"), 0), first, "another table's first record");
    let event = include_str!("events/kinesis.json");
    let number = "49590338271490256608559692538361571095921575989136588898";
    gives(event, Repeats::FromFirst, &[(&name(event, 0), "/Records/0", number)]);
    assert_ne!(name(&event.replace("lambda-stream", "other"), 0), name(event, 0));
}

#[test]
fn an_event_of_a_bus_starts_one() {
    let event = include_str!("events/eventbridge.json");
    gives(event, Repeats::All, &[("6a7e8feb-b491-4cf7-a9f1-bf3703467718", "", "")]);
    let replayed = |replay: &str| event.replace("\"version\"", &format!("\"replay-name\": \"{replay}\", \"version\""));
    let name = |event: &str| starts(event).starts.first().map(|start| start.name.clone());
    assert_ne!(name(&replayed("a")), name(event), "a replay is meant to be done again");
    assert_ne!(name(&replayed("a")), name(&replayed("b")));
}

#[test]
fn an_invocation_may_give_name_and_input() {
    let one = |event: Value| gives(&event.to_string(), Repeats::All, &[("order-17", "/startExecution/input", "")]);
    one(json!({"startExecution": {"name": "order-17", "input": {"a": 1}}}));
    one(json!({"startExecution": {"name": "order-17", "input": "text"}}));
    let start = starts(r#"{"startExecution": {"name": "order-17"}}"#).starts.remove(0);
    assert_eq!((start.name.as_str(), start.input), ("order-17", "{}"));
    let start = starts(r#"{"startExecution": {"input": [1, 1.10]}}"#).starts.remove(0);
    assert_eq!((start.name.as_str(), start.input), (INVOCATION, "[1, 1.10]"));
    let start = starts(r#"{"startExecution": {"name": "not a name"}}"#).starts.remove(0);
    assert_eq!(start.name.len(), 32, "hashed");
}

#[test]
fn all_else_is_an_input() {
    let whole = |event: &str| gives(event, Repeats::All, &[(INVOCATION, "", "")]);
    whole("{}");
    whole("null");
    whole(" [1,  1.10] ");
    whole(r#"{"name": "a", "input": {}}"#);
    whole(r#"{"startExecution": {"name": "a"}, "more": 1}"#);
    whole(r#"{"startExecution": {"name": "a", "more": 1}}"#);
    whole(r#"{"Records": []}"#);
    whole(r#"{"Records": [{"eventSource": "aws:ses", "ses": {}}]}"#);
    whole(r#"{"id": "a", "source": "b"}"#);
    whole(r#"{"Records": [{"eventSource": "aws:sqs", "body": "without an id"}]}"#);
    assert!(read("no JSON", INVOCATION).is_err());
}
