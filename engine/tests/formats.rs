//! What a release has written must be read for ever: a journal that the first release of a format wrote is read back here, and its
//! execution goes on to its end. So is one that was abandoned. A new format adds files; none is ever changed. What else is stored is read
//! back in `tests/tests/api/formats.rs`, through the API.
//!
//! `STATEWRIGHT_WRITE_FORMATS=1 cargo test -p statewright-engine --test formats` writes the files of the present format, if they are
//! not there.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "formats/items.rs"]
mod items;
mod world;

use std::path::{Path, PathBuf};

use items::{from_text, to_text};
use statewright_engine::journal::{Abandonment, Settings};
use statewright_engine::table::{Attribute, Condition, Query, Table};
use statewright_engine::{Delivered, Drove, Happened, InboxEntry, Store, deliver};
use statewright_interpreter::event::Event;
use statewright_interpreter::execution::Execution;
use statewright_interpreter::history::{ErrorDetails, EventId, HistoryEvent};
use statewright_interpreter::payload::Document;
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

/// Takes the execution to its middle, where the answer lies in the inbox.
fn begin(world: &World) {
    let event = Event::TaskSucceeded { task: ask(world), output: answer() };
    post(world, vec![Happened { at: START.plus_seconds(1), event }]);
}

/// Takes the execution to its middle, where the answer lies in the inbox with what came before it.
fn begin_and_post_several(world: &World) {
    let task = ask(world);
    let submitted = Event::TaskSubmitted { task, output: Document::parse(r#"{"id":1}"#).unwrap() };
    let succeeded = Event::TaskSucceeded { task, output: answer() };
    let happened = |(at, event)| Happened { at: START.plus_seconds(at), event };
    post(world, [(1, submitted), (2, succeeded)].map(happened).into());
}

fn answer() -> Document {
    Document::parse(r#"{ "answer" : 42 }"#).unwrap()
}

fn post(world: &World, happened: Vec<Happened>) {
    block(world.journal.post(&World::arn("old"), InboxEntry { key: "answer".into(), happened })).unwrap();
}

/// Takes the execution to where somebody is asked.
fn ask(world: &World) -> EventId {
    let seed = "seed ".repeat(40);
    world.start("old", &format!(r#"{{"seed":"{seed}", "items":[1, {{"a":2}}, "three"]}}"#)).unwrap();
    let drove = world.drive("old");
    assert!(matches!(drove, Ok(Drove::Waiting(_))), "{drove:?} {:#?}", world.history("old").unwrap().last());
    let ask = world.started.lock().unwrap().first().copied().unwrap();
    let arn = World::arn("old");
    let started = Happened { at: START, event: Event::TaskStarted { task: ask, worker_name: None } };
    assert_eq!(block(deliver(world, &arn, "started", started)), Ok(Delivered::Applied));
    ask
}

fn finish(world: &World) -> String {
    world.clock.advance_to(START.plus_seconds(1800));
    assert_eq!(world.drive("old"), Ok(Drove::Finished));
    history(world)
}

/// What the files of a kind are named, and what they are made by and read with: what was begun, and how its execution ends.
struct Kind {
    name: &'static str,
    begin: fn(&World),
    finish: fn(&World) -> String,
}

const KINDS: [Kind; 3] = [
    Kind { name: "journal", begin, finish },
    Kind { name: "posted", begin: begin_and_post_several, finish },
    // Its last commit is read without any other.
    Kind { name: "abandoned", begin: begin_and_abandon, finish: find_aborted },
];

/// Takes the execution to its middle, and abandons it there because its newest commit is damaged.
fn begin_and_abandon(world: &World) {
    begin(world);
    let newest = Query::prefix("x#machine:old", "j#").limit(1);
    let mut newest = block(world.journal.table().query(&newest)).unwrap().items.pop().unwrap();
    newest.attributes.insert("b".into(), Attribute::Bytes(b"damaged".to_vec()));
    block(world.journal.table().put(newest, Condition::None)).unwrap();
    let why = ErrorDetails { error: Some("Own".into()), cause: Some("why".into()) };
    let abandoned = block(world.journal.abandon(&World::arn("old"), why, START.plus_seconds(60)));
    assert_eq!(abandoned, Ok(Abandonment::Aborted));
}

fn find_aborted(world: &World) -> String {
    assert_eq!(world.drive("old"), Ok(Drove::Finished));
    let loaded = block(world.journal.load(&World::arn("old"), START)).unwrap().unwrap();
    let ended = Execution::restore_ended(&loaded.checkpoint).unwrap();
    assert_eq!((ended.status().as_str(), &*loaded.birth.revision), ("ABORTED", "1"));
    assert!(ended.input().text().starts_with(r#"{"seed":"seed seed "#), "{}", ended.input().text());
    history(world)
}

fn history(world: &World) -> String {
    world.history("old").unwrap().iter().map(HistoryEvent::to_json).fold(String::new(), |text, event| text + &event + "\n")
}

#[test]
fn journals_of_every_format_are_read() {
    for Kind { name, finish, .. } in KINDS {
        let mut formats = 0;
        for format in 1.. {
            let (items, history) =
                (folder().join(format!("{name}-{format}.txt")), folder().join(format!("{name}-{format}.history.txt")));
            if !items.exists() {
                break;
            }
            formats += 1;
            let world = World::with(MACHINE, settings());
            for item in from_text(&std::fs::read_to_string(items).unwrap()) {
                block(world.journal.table().put(item, Condition::None)).unwrap();
            }
            assert_eq!(finish(&world), std::fs::read_to_string(history).unwrap(), "{name} of format {format}");
        }
        assert!(formats > 0, "{name}");
    }
}

#[test]
fn the_present_format_has_its_files() {
    for Kind { name, begin, finish } in KINDS {
        let world = World::with(MACHINE, settings());
        begin(&world);
        let items = to_text(&world.journal.table().snapshot());
        assert_eq!(to_text(&from_text(&items)), items);
        let history = finish(&world);
        let (newest, told) = (folder().join(format!("{name}-1.txt")), folder().join(format!("{name}-1.history.txt")));
        if std::env::var_os("STATEWRIGHT_WRITE_FORMATS").is_some() && !newest.exists() {
            std::fs::create_dir_all(folder()).unwrap();
            std::fs::write(&newest, &items).unwrap();
            std::fs::write(&told, &history).unwrap();
        }
        assert_eq!(std::fs::read_to_string(told).unwrap(), history, "{name}");
    }
}
