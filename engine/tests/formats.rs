//! What a release has written must be read for ever: a journal that the first release of a format wrote is read back here, and its
//! execution goes on to its end. A new format adds a file; none is ever changed.
//!
//! `STATEWRIGHT_WRITE_FORMATS=1 cargo test -p statewright-engine --test formats` writes the files of the present format, if they are
//! not there.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod world;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use statewright_engine::journal::Settings;
use statewright_engine::table::{Attribute, Condition, Item, Key, Table};
use statewright_engine::{Delivered, Drove, Happened, InboxEntry, Store, deliver};
use statewright_interpreter::event::Event;
use statewright_interpreter::history::HistoryEvent;
use statewright_interpreter::payload::Document;
use statewright_interpreter::time::Timestamp;
use world::{START, World};

/// All kinds of frames and payloads, in the middle of it: a finished iteration and a waiting one, variables, a retried task.
const MACHINE: &str = r#"{"StartAt":"Big","States":{
    "Big":{"Type":"Pass","Parameters":{"text.$":"States.Format('{}{}{}', $.seed, $.seed, $.seed)"},"ResultPath":"$.big","Assign":{"kept.$":"$.text"},"Next":"Both"},
    "Both":{"Type":"Parallel","Next":"Last","ResultPath":"$.both","Branches":[
      {"StartAt":"Each","States":{"Each":{"Type":"Map","ItemsPath":"$.items","MaxConcurrency":2,"End":true,
        "ItemProcessor":{"StartAt":"Work","States":{"Work":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke",
          "Parameters":{"FunctionName":"f","Payload.$":"$"},"End":true}}}}}},
      {"StartAt":"Ask","States":{"Ask":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken",
          "Parameters":{"QueueUrl":"q","MessageBody":{"token.$":"$$.Task.Token"}},"TimeoutSeconds":3600,"HeartbeatSeconds":600,
          "Retry":[{"ErrorEquals":["Again"],"IntervalSeconds":7}],"End":true}}},
      {"StartAt":"Rest","States":{"Rest":{"Type":"Wait","Seconds":1800,"End":true}}}]},
    "Last":{"Type":"Pass","Parameters":{"kept.$":"$kept","both.$":"$.both"},"End":true}}}"#;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats")
}

fn settings() -> Settings {
    Settings { apart_bytes: 200, item_bytes_max: 400, needs_max: 4, ..Settings::default() }
}

fn block<T>(future: impl Future<Output = T>) -> T {
    pollster::block_on(future)
}

/// Takes the execution to its middle.
fn begin(world: &World) {
    let seed = "seed ".repeat(40);
    world.start("old", &format!(r#"{{"seed":"{seed}", "items":[1, {{"a":2}}, "three"]}}"#)).unwrap();
    let drove = world.drive("old");
    assert!(matches!(drove, Ok(Drove::Waiting(_))), "{drove:?} {:#?}", world.history("old").unwrap().last());
    let ask = world.started.lock().unwrap().first().copied().unwrap();
    let arn = World::arn("old");
    let started = Happened { at: START, event: Event::TaskStarted { task: ask, worker_name: None } };
    assert_eq!(block(deliver(world, &arn, "started", started)), Ok(Delivered::Applied));
    let event = Event::TaskSucceeded { task: ask, output: Document::parse(r#"{ "answer" : 42 }"#).unwrap() };
    let entry = InboxEntry { key: "answer".into(), happened: Happened { at: START.plus_seconds(1), event } };
    block(world.journal.post(&arn, entry)).unwrap();
}

fn finish(world: &World) -> String {
    world.clock.advance_to(START.plus_seconds(1800));
    assert_eq!(world.drive("old"), Ok(Drove::Finished));
    world.history("old").unwrap().iter().map(HistoryEvent::to_json).fold(String::new(), |text, event| text + &event + "\n")
}

fn to_text(items: &[Item]) -> String {
    let mut text = String::new();
    for item in items {
        let _ = write!(text, "{}\t{}\t{}", item.key.partition, item.key.sort, item.expires.map_or(0, |expires| expires.0));
        for (name, attribute) in &item.attributes {
            let _ = match attribute {
                Attribute::Text(value) => write!(text, "\t{name}=S{value}"),
                Attribute::Number(value) => write!(text, "\t{name}=N{value}"),
                Attribute::Bytes(bytes) => {
                    let hex = bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
                    write!(text, "\t{name}=B{hex}")
                }
            };
        }
        text.push('\n');
    }
    text
}

fn from_text(text: &str) -> Vec<Item> {
    let item = |line: &str| {
        let mut parts = line.split('\t');
        let mut next = || parts.next().unwrap().to_owned();
        let (partition, sort, expires) = (next(), next(), next().parse::<i64>().unwrap());
        let mut item = Item::new(Key::new(partition, sort));
        item.expires = (expires != 0).then_some(Timestamp(expires));
        for part in parts {
            let (name, value) = part.split_once('=').unwrap();
            let (kind, value) = value.split_at(1);
            let bytes = |hex: &str| {
                hex.as_bytes().chunks(2).map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
            };
            let attribute = match kind {
                "S" => Attribute::Text(value.to_owned()),
                "N" => Attribute::Number(value.parse().unwrap()),
                _ => Attribute::Bytes(bytes(value)),
            };
            item.attributes.insert(name.to_owned().into(), attribute);
        }
        item
    };
    text.lines().map(item).collect()
}

#[test]
fn journals_of_every_format_are_read() {
    let mut formats = 0;
    for format in 1.. {
        let (items, history) =
            (folder().join(format!("journal-{format}.txt")), folder().join(format!("journal-{format}.history.txt")));
        if !items.exists() {
            break;
        }
        formats += 1;
        let world = World::with(MACHINE, settings());
        for item in from_text(&std::fs::read_to_string(items).unwrap()) {
            block(world.journal.table().put(item, Condition::None)).unwrap();
        }
        assert_eq!(finish(&world), std::fs::read_to_string(history).unwrap(), "format {format}");
    }
    assert!(formats > 0);
}

#[test]
fn the_present_format_has_its_file() {
    let world = World::with(MACHINE, settings());
    begin(&world);
    let items = to_text(&world.journal.table().snapshot());
    assert_eq!(to_text(&from_text(&items)), items);
    let history = finish(&world);
    let newest = folder().join("journal-1.txt");
    if std::env::var_os("STATEWRIGHT_WRITE_FORMATS").is_some() && !newest.exists() {
        std::fs::create_dir_all(folder()).unwrap();
        std::fs::write(&newest, &items).unwrap();
        std::fs::write(folder().join("journal-1.history.txt"), &history).unwrap();
    }
    assert_eq!(std::fs::read_to_string(folder().join("journal-1.history.txt")).unwrap(), history);
}
