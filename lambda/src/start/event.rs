//! Which event it is.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::name::name;
use super::{Repeats, Start, Starts};

/// What the event of an invocation asks for.
///
/// `event` is the text of the event; `invocation` is the request id of the invocation.
///
/// # Errors
/// When it is no JSON.
pub fn read<'e>(event: &'e str, invocation: &str) -> Result<Starts<'e>, serde_json::Error> {
    let whole: &RawValue = serde_json::from_str(event)?;
    // Each shape is tried: what is of none of them is no error but an input.
    let known = records(whole).or_else(|| event_bridge(whole)).or_else(|| start_execution(whole, invocation));
    Ok(known.unwrap_or_else(|| one(name(&[invocation]), whole.get())))
}

/// One execution, for which the whole event is repeated.
fn one(name: String, input: &str) -> Starts<'_> {
    Starts { starts: vec![Start { name, input, record: String::new() }], repeats: Repeats::All }
}

/// `{"startExecution": {"name": …, "input": …}}`, and nothing else.
fn start_execution<'e>(event: &'e RawValue, invocation: &str) -> Option<Starts<'e>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Envelope<'e> {
        #[serde(borrow, rename = "startExecution")]
        start: Parameters<'e>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Parameters<'e> {
        name: Option<String>,
        #[serde(borrow)]
        input: Option<&'e RawValue>,
    }
    let Envelope { start } = serde_json::from_str(event.get()).ok()?;
    let name = name(&[start.name.as_deref().unwrap_or(invocation)]);
    Some(one(name, start.input.map_or("{}", RawValue::get)))
}

/// An event of EventBridge. A replay from an archive is meant to be done again, once for each replay.
fn event_bridge(event: &RawValue) -> Option<Starts<'_>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Event {
        id: String,
        replay_name: Option<String>,
        // What must be there for it to be an event of EventBridge.
        #[serde(rename = "detail-type")]
        _detail_type: String,
        #[serde(rename = "source")]
        _source: String,
        #[serde(rename = "detail")]
        _detail: IgnoredAny,
    }
    let Event { id, replay_name, .. } = serde_json::from_str(event.get()).ok()?;
    let name = match &replay_name {
        None => name(&[&id]),
        Some(replay) => name(&[&id, replay]),
    };
    Some(one(name, event.get()))
}

/// `{"Records": […]}`, all of one source that is known.
fn records(event: &RawValue) -> Option<Starts<'_>> {
    #[derive(Deserialize)]
    struct Event<'e> {
        #[serde(borrow, rename = "Records")]
        records: Vec<&'e RawValue>,
    }
    let Event { records } = serde_json::from_str(event.get()).ok()?;
    let known: Vec<_> = records.iter().map(|record| self::record(record)).collect::<Option<_>>()?;
    let (_, repeats) = known.first()?;
    Some(Starts { repeats: *repeats, starts: known.into_iter().map(|(start, _)| start).collect() })
}

/// A record, by its source.
#[derive(Deserialize)]
#[serde(tag = "eventSource")]
enum Record {
    #[serde(rename = "aws:sqs", rename_all = "camelCase")]
    Sqs {
        message_id: String,
        #[serde(rename = "eventSourceARN")]
        queue: String,
    },
    #[serde(rename = "aws:s3", rename_all = "camelCase")]
    S3 { event_name: String, s3: S3 },
    #[serde(rename = "aws:dynamodb", rename_all = "camelCase")]
    DynamoDb {
        #[serde(rename = "eventID")]
        id: String,
        #[serde(rename = "eventSourceARN")]
        stream: String,
        dynamodb: DynamoDb,
    },
    #[serde(rename = "aws:kinesis", rename_all = "camelCase")]
    Kinesis {
        #[serde(rename = "eventID")]
        id: String,
        #[serde(rename = "eventSourceARN")]
        stream: String,
        kinesis: Kinesis,
    },
}

#[derive(Deserialize)]
struct S3 {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    key: String,
    version_id: Option<String>,
    /// Two events about one key have different ones. Events about tags, access lists and life cycles come without.
    sequencer: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DynamoDb {
    sequence_number: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kinesis {
    sequence_number: String,
}

/// SNS writes its own members with capitals.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SnsRecord {
    event_source: SnsSource,
    sns: Sns,
}

#[derive(Deserialize)]
enum SnsSource {
    #[serde(rename = "aws:sns")]
    Sns,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Sns {
    message_id: String,
}

fn record(record: &RawValue) -> Option<(Start<'_>, Repeats)> {
    let input = record.get();
    if let Ok(SnsRecord { event_source: SnsSource::Sns, sns }) = serde_json::from_str(input) {
        return Some((Start { name: name(&[&sns.message_id]), input, record: String::new() }, Repeats::All));
    }
    let (name, record, repeats) = match serde_json::from_str(input).ok()? {
        Record::Sqs { message_id, queue } => {
            let repeats = if queue.ends_with(".fifo") { Repeats::FromFirst } else { Repeats::Failed };
            (name(&[&message_id]), message_id, repeats)
        }
        Record::S3 { event_name, s3: S3 { bucket, object } } => {
            // Without a sequencer the record itself is all there is; a repetition has the same text.
            let sequencer = object.sequencer.as_deref().unwrap_or(input);
            let version = object.version_id.as_deref().unwrap_or_default();
            (name(&[&bucket.name, &object.key, version, &event_name, sequencer]), String::new(), Repeats::All)
        }
        Record::DynamoDb { id, stream, dynamodb } => (name(&[&stream, &id]), dynamodb.sequence_number, Repeats::FromFirst),
        Record::Kinesis { id, stream, kinesis } => (name(&[&stream, &id]), kinesis.sequence_number, Repeats::FromFirst),
    };
    Some((Start { name, input, record }, repeats))
}
