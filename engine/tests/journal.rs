//! Executions in a journal: what is written, what is found again, and what is not mixed up.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod world;

use std::time::Duration;

use statewright_engine::journal::{Abandonment, Due, Journal, Settings};
use statewright_engine::table::{Attribute, Condition, Item, Key, MemoryTable, Query, Table, query_all};
use statewright_engine::{
    AfterCrash, Clock, Commit, CommitError, Delivered, DriveError, Drove, Happened, InboxEntry, LOOK_AHEAD, Store, StoreError,
    Swept, WAKE_AHEAD_MAX, claim, deliver, deliver_all, drive_again, open_task, release, sweep, take_back_recovered,
    take_dead_letter, to_walk, walk,
};
use statewright_interpreter::event::Event;
use statewright_interpreter::execution::Execution;
use statewright_interpreter::history::EventId;
use statewright_interpreter::payload::Document;
use statewright_interpreter::time::Timestamp;
use world::{START, World};

const TASK: &str = r#"{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","Next":"P"},
    "P":{"Type":"Pass","Result":{"ok":true},"ResultPath":"$.p","End":true}}}"#;
const CALLBACK: &str = r#"{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken",
    "Parameters":{"QueueUrl":"q","MessageBody":{"token.$":"$$.Task.Token"}},"TimeoutSeconds":7200,"End":true}}}"#;
const PASS: &str = r#"{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}"#;
const PARALLEL_OF_LARGE: &str = r#"{"StartAt":"P","States":{"P":{"Type":"Parallel","End":true,"Branches":[
    {"StartAt":"A","States":{"A":{"Type":"Pass","Parameters":{"a.$":"$.text"},"End":true}}},
    {"StartAt":"B","States":{"B":{"Type":"Pass","Parameters":{"b.$":"$.text"},"End":true}}},
    {"StartAt":"C","States":{"C":{"Type":"Pass","Parameters":{"c.$":"$.text"},"End":true}}},
    {"StartAt":"D","States":{"D":{"Type":"Pass","Parameters":{"d.$":"$.text"},"End":true}}}]}}}"#;
const WAIT: &str = r#"{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":86400,"End":true}}}"#;

fn block<T>(future: impl Future<Output = T>) -> T {
    pollster::block_on(future)
}

fn partition(world: &World, partition: &str) -> Vec<Item> {
    block(query_all(world.journal.table(), Query::prefix(partition, ""))).unwrap()
}

fn lists(world: &World, status: Option<&str>) -> Vec<(String, String)> {
    let page = block(world.journal.list("machine", status, None, 100, world.clock.now())).unwrap();
    page.executions.iter().map(|(_, listed)| (listed.name.to_string(), listed.status.to_string())).collect()
}

/// The places in the list of running executions.
fn running(world: &World) -> Vec<Item> {
    (0..world.journal.running_shards()).flat_map(|shard| partition(world, &format!("r#{shard}"))).collect()
}

fn reminders(world: &World) -> Vec<Timestamp> {
    let due = |shard| block(world.journal.due(shard, Timestamp(i64::MAX / 2), None, 10)).unwrap().0;
    // No two have the same milliseconds.
    (0..world.journal.reminder_shards()).flat_map(due).map(|due| Timestamp(due.at.0.div_euclid(1000) * 1000)).collect()
}

/// Walks through the whole list of running executions.
fn walk_all(world: &World, now: Timestamp) -> Swept {
    block(world.journal.note_walks(&[])).unwrap();
    block(walk(world, &world.journal, now, || false)).unwrap()
}

#[test]
fn a_machine_without_tasks_is_one_commit() {
    let world = World::new(PASS);
    assert_eq!(world.start("one", r#"{ "raw" : 1 }"#), Ok(Drove::Finished));
    assert_eq!(partition(&world, "x#machine:one").len(), 1);
    assert_eq!(world.types("one"), ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]);
    let last = world.history("one").unwrap().pop().unwrap().to_json();
    assert!(last.contains(r#""output":"{ \"raw\" : 1 }""#), "the text is kept: {last}");
    assert_eq!(lists(&world, None), [("one".to_owned(), "SUCCEEDED".to_owned())]);
    assert!(running(&world).is_empty());
}

#[test]
fn a_task_costs_its_intent_and_its_result_with_what_follows() {
    let world = World::new(TASK);
    assert!(matches!(world.start("one", "{}"), Ok(Drove::Waiting(_))));
    assert_eq!(*world.woken.lock().unwrap(), [Duration::ZERO], "a driver is woken before the commit");
    assert!(world.started.lock().unwrap().is_empty(), "who starts an execution starts no task");
    assert_eq!(world.drive("one"), Ok(Drove::Finished));
    // Created with the intent, the driver's lease, the result.
    assert_eq!(partition(&world, "x#machine:one").len(), 3);
    assert_eq!(world.drive("one"), Ok(Drove::Finished), "again changes nothing");
    assert_eq!(partition(&world, "x#machine:one").len(), 3);
    assert_eq!(world.started.lock().unwrap().len(), 1);
    assert_eq!(lists(&world, Some("SUCCEEDED")).len(), 1);
}

/// Tasks in a chain, each followed by a document of one of three kinds in turn.
fn in_turns(tasks: usize) -> String {
    let document = |number: usize| {
        let names = (0..200).map(|field| (number % 3 * 7919 + field) * 2_654_435_761 % 1_000_003);
        let fields: Vec<String> =
            names.map(|name| format!(r#""field{name:x}":{}"#, (number * 40 + name) * 40_503 % 99_991)).collect();
        fields.join(",")
    };
    let state = |number: usize| {
        let next = if number + 1 == tasks { r#""End":true"#.to_owned() } else { format!(r#""Next":"T{}""#, number + 1) };
        format!(
            r#""T{number}":{{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f",
                "Parameters":{{}},"ResultPath":null,"Next":"P{number}"}},
            "P{number}":{{"Type":"Pass","Result":{{{}}},"ResultPath":"$.last",{next}}}"#,
            document(number)
        )
    };
    let states: Vec<String> = (0..tasks).map(state).collect();
    format!(r#"{{"StartAt":"T0","States":{{{}}}}}"#, states.join(","))
}

#[test]
fn a_commit_is_compared_with_the_one_of_the_last_that_is_most_like_it() {
    const TASKS: usize = 60;
    let world = World::new(&in_turns(TASKS));
    world.start("one", "{}").unwrap();
    assert_eq!(world.drive("one"), Ok(Drove::Finished));
    let items = oldest_first(&world);
    let like: Vec<Option<i64>> = items.iter().map(|item| item.get_number("l")).collect();
    let version = |at: usize| i64::try_from(at).unwrap() + 1;
    let in_turn = (1..like.len()).filter(|at| like[*at] == Some(version(*at) - 3)).count();
    assert!(in_turn > TASKS / 2, "{like:?}");
    // What must be read to read one.
    for at in 1..like.len() {
        let before = |version: &i64| like[usize::try_from(*version).unwrap() - 1];
        let mut read: Vec<i64> = std::iter::successors(Some(version(at)), before).collect();
        let base = read.pop();
        assert!(
            read.len() <= 13 && read.first().zip(read.last()).is_none_or(|(first, last)| first - last <= 12),
            "{read:?} {base:?}"
        );
    }
    assert_eq!(world.history("one").unwrap().len(), 2 + TASKS * 7);
    // Whoever loads it in the middle goes on the same way.
    let middle = cut_of(&in_turns(TASKS), items, 30);
    middle.clock.advance_to(START.plus_seconds(3600));
    assert_eq!(middle.drive("one"), Ok(Drove::Finished));
    let like = partition(&middle, "x#machine:one").iter().filter(|item| item.get_number("l").is_some()).count();
    assert!(like > 30 + TASKS / 4, "{like} of them are compared");
}

#[test]
fn a_name_is_taken_until_its_execution_has_expired() {
    let world = World::with(TASK, Settings { retention_seconds: 1000, ..Settings::default() });
    world.start("one", "{}").unwrap();
    world.drive("one").unwrap();
    assert_eq!(world.start("one", "{}"), Err(DriveError::Commit(CommitError::Conflict)));
    // After retention and margin; the table has deleted the first commit alone, or nothing.
    world.clock.advance_to(START.plus_seconds(1000 + 31 * 24 * 3600));
    assert!(world.history("one").is_none(), "what has expired is not there");
    assert!(world.start("one", r#"{"second":true}"#).is_ok());
    let before = partition(&world, "x#machine:one").len();
    assert!(before > 2, "leftovers of the first are there: {before}");
    assert_eq!(world.types("one").last(), Some(&"LambdaFunctionScheduled".to_owned()), "and not mixed with the second");
    assert_eq!(world.drive("one"), Ok(Drove::Finished));
    assert_eq!(world.history("one").unwrap().first().unwrap().timestamp, world.clock.now());
}

#[test]
fn a_put_that_is_sent_twice_finds_itself() {
    /// A table that does each put twice, as a client does whose first answer was lost.
    struct Twice(MemoryTable);
    impl Table for Twice {
        async fn put(&self, item: Item, condition: Condition) -> Result<(), statewright_engine::table::WriteError> {
            let _ = self.0.put(item.clone(), condition.clone()).await;
            self.0.put(item, condition).await
        }
        async fn get(&self, key: &Key) -> Result<Option<Item>, statewright_engine::table::TableError> {
            self.0.get(key).await
        }
        async fn get_all(&self, keys: &[Key]) -> Result<Vec<Item>, statewright_engine::table::TableError> {
            self.0.get_all(keys).await
        }
        async fn query(&self, query: &Query) -> Result<statewright_engine::table::Page, statewright_engine::table::TableError> {
            self.0.query(query).await
        }
        async fn delete(&self, key: &Key, condition: Condition) -> Result<(), statewright_engine::table::WriteError> {
            self.0.delete(key, condition).await
        }
    }
    let world = World::new(PASS);
    world.start("one", "{}").unwrap();
    let items = world.journal.table().snapshot();
    let journal = Journal::new(Twice(MemoryTable::default()), Settings::default(), 5);
    for item in items {
        block(journal.table().0.put(item, Condition::None)).unwrap();
    }
    let loaded = block(journal.load(&World::arn("one"), world.clock.now())).unwrap().unwrap();
    let execution = statewright_interpreter::execution::Execution::restore(&world.definition, &loaded.checkpoint).unwrap();
    let checkpoint = || execution.checkpoint(&world.definition);
    let commit = || statewright_engine::Commit {
        birth: None,
        execution: &execution,
        changes: statewright_interpreter::execution::Changes::default(),
        checkpoint: &checkpoint,
        states: Vec::new(),
        events: &[],
        consumed: &[],
        ledger: &loaded.ledger,
        now: START,
    };
    let mine = block(journal.commit(&World::arn("one"), Some(loaded.place.clone()), commit()));
    assert_eq!(mine.map(|place| place.version()), Ok(2), "its own commit is no conflict");
    let other = block(journal.load(&World::arn("one"), START)).unwrap().unwrap();
    assert_eq!(other.place.version(), 2);
    let again = block(journal.commit(&World::arn("one"), Some(other.place), commit()));
    assert_eq!(again.map(|place| place.version()), Ok(3));
    let late = block(journal.commit(&World::arn("one"), Some(loaded.place), commit()));
    assert!(late.is_err() || late.is_ok_and(|place| place.version() == 2), "a stale place does not move it on");
    assert_eq!(block(journal.load(&World::arn("one"), START)).unwrap().unwrap().place.version(), 3);
}

#[test]
fn a_callback_waits_in_the_list_with_a_reminder_and_ends_by_what_is_delivered() {
    let world = World::new(CALLBACK);
    world.start("one", "{}").unwrap();
    let Ok(Drove::Waiting(until)) = world.drive("one") else { panic!("it waits") };
    assert_eq!(until, START.plus_millis(65_001), "until whoever was to pass the task on is certainly dead");
    let started = Happened { at: START, event: Event::TaskStarted { task: EventId(3), worker_name: None } };
    assert_eq!(block(deliver(&world, &World::arn("one"), "started", started.clone())), Ok(Delivered::Applied));
    assert_eq!(block(deliver(&world, &World::arn("one"), "started", started)), Ok(Delivered::Ignored));
    assert_eq!(lists(&world, Some("RUNNING")).len(), 1);
    assert_eq!(reminders(&world), [START.plus_seconds(7200 - 60)], "one, before the time-out");
    let output = Document::parse(r#"{"yes":1}"#).unwrap();
    let answer = Happened { at: START, event: Event::TaskSucceeded { task: EventId(3), output } };
    assert_eq!(block(deliver(&world, &World::arn("one"), "result", answer.clone())), Ok(Delivered::Applied));
    assert_eq!(block(deliver(&world, &World::arn("one"), "result", answer)), Ok(Delivered::Ignored));
    assert_eq!(world.types("one").last(), Some(&"ExecutionSucceeded".to_owned()));
    assert_eq!((lists(&world, Some("RUNNING")).len(), lists(&world, Some("SUCCEEDED")).len(), reminders(&world).len()), (0, 1, 0));
    assert_eq!(
        block(deliver(&world, &World::arn("none"), "x", Happened { at: START, event: Event::Stop { error: Default::default() } })),
        Ok(Delivered::Unknown)
    );
}

#[test]
fn what_is_far_away_stands_in_the_list_until_it_is_near() {
    const HOUR: u64 = 3600;
    let world = World::new(WAIT);
    world.start("one", "{}").unwrap();
    assert!(matches!(world.drive("one"), Ok(Drove::Waiting(_))));
    world.woken.lock().unwrap().clear();
    let looked_at = |world: &World| running(world).first().and_then(|item| item.get_number("at")).map(Timestamp);
    let due = START.plus_seconds(24 * HOUR - 60);
    assert_eq!((reminders(&world).len(), looked_at(&world)), (0, Some(due)), "one item");
    assert_eq!(walk_all(&world, due.minus(LOOK_AHEAD)), Swept::default());
    // The wake-up is lost, and comes again in an hour.
    let near = START.plus_seconds(23 * HOUR);
    assert_eq!(walk_all(&world, near).woken, 1);
    assert_eq!(looked_at(&world), Some(near.plus(LOOK_AHEAD)));
    let near = near.plus_seconds(30 * 60);
    assert_eq!(walk_all(&world, near).woken, 1);
    world.clock.advance_to(near);
    assert!(matches!(world.drive("one"), Ok(Drove::Waiting(_))));
    assert_eq!(reminders(&world), [due], "now one of its own");
    assert_eq!(walk_all(&world, near.plus_seconds(HOUR)).woken, 0);
    assert_eq!(looked_at(&world), Some(near.plus_seconds(25 * HOUR)), "should it still be running then");
    world.clock.advance_to(START.plus_seconds(24 * HOUR));
    assert_eq!(world.drive("one"), Ok(Drove::Finished));
    assert_eq!((reminders(&world).len(), running(&world).len()), (0, 0));
}

#[test]
fn a_deadline_that_moves_on_moves_nothing_that_is_stored() {
    let world = World::new(&CALLBACK.replace("7200", "7200000,\"HeartbeatSeconds\":36000"));
    world.start("one", "{}").unwrap();
    world.drive("one").unwrap();
    let tell = |key: &str, event: Event| block(deliver(&world, &World::arn("one"), key, Happened { at: world.clock.now(), event }));
    assert_eq!(tell("started", Event::TaskStarted { task: EventId(3), worker_name: None }), Ok(Delivered::Applied));
    assert_eq!(
        tell("submitted", Event::TaskSubmitted { task: EventId(3), output: Document::parse("1").unwrap() }),
        Ok(Delivered::Applied)
    );
    let before = (running(&world), reminders(&world));
    assert_eq!(before.1, []);
    for minutes in 1..=6 {
        world.clock.advance_to(START.plus_seconds(minutes * 3600));
        assert_eq!(tell(&format!("beat-{minutes}"), Event::TaskHeartbeat { task: EventId(3) }), Ok(Delivered::Applied));
        assert_eq!((running(&world), reminders(&world)), before);
    }
    // Whoever walks through the list may be at its place already: a reminder of its own is certain.
    world.clock.advance_to(START.plus_seconds(8 * 3600));
    assert_eq!(tell("beat-8", Event::TaskHeartbeat { task: EventId(3) }), Ok(Delivered::Applied));
    assert_eq!((running(&world), reminders(&world)), (before.0, vec![START.plus_seconds(18 * 3600 - 60)]));
}

#[test]
fn what_has_ended_leaves_the_list_even_if_its_driver_does_not_close_it() {
    let world = World::new(WAIT);
    world.start("one", "{}").unwrap();
    world.drive("one").unwrap();
    let places = running(&world);
    world.clock.advance_to(START.plus_seconds(86_400));
    assert_eq!(world.drive("one"), Ok(Drove::Finished));
    // As if its driver had died before it came to the lists, and somebody else had begun an execution that never was.
    for place in &places {
        block(world.journal.table().put(place.clone(), Condition::None)).unwrap();
        let key = Key::new(place.key.partition.clone(), place.key.sort.replace("#one", "#never"));
        let never = Item { key, ..place.clone() }.text("arn", &*World::arn("never").0);
        block(world.journal.table().put(never, Condition::None)).unwrap();
    }
    assert_eq!(walk_all(&world, world.clock.now()).stale, 1);
    assert_eq!(lists(&world, Some("SUCCEEDED")), [("one".to_owned(), "SUCCEEDED".to_owned())]);
    assert_eq!(lists(&world, Some("RUNNING")).len(), 1, "its commit may still be coming");
    assert_eq!(walk_all(&world, world.clock.now().plus_seconds(86_400)).stale, 1);
    assert!(running(&world).is_empty());
}

#[test]
fn large_payloads_are_spread_over_partitions() {
    let settings = Settings { apart_bytes: 100, item_bytes_max: 64, ..Settings::default() };
    let world = World::with(PARALLEL_OF_LARGE, settings);
    let text = (0..60_u64).fold(String::new(), |text, number| text + &format!("{:x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    world.start("one", &format!(r#"{{"text":"{text}"}}"#)).unwrap();
    let apart: Vec<Vec<Item>> = (0..8).map(|number| partition(&world, &format!("x#machine:one#{number}"))).collect();
    assert!(apart.iter().filter(|parts| parts.len() > 1).count() >= 4, "{apart:#?}");
    assert!(partition(&world, "x#machine:one").iter().all(|item| !item.key.sort.starts_with("p#")));
    let ended = world.history("one").unwrap().pop().unwrap().to_json();
    assert_eq!(ended.matches(&text).count(), 4, "{ended}");
}

#[test]
fn each_part_of_the_list_has_its_minute_of_the_hour() {
    let world = World::new(WAIT);
    let mut walked: Vec<u32> = (0..60).flat_map(|minute| to_walk(&world.journal, START.plus_seconds(minute * 60))).collect();
    walked.sort_unstable();
    assert_eq!(walked, (0..world.journal.running_shards()).collect::<Vec<_>>());
}

#[test]
fn a_posted_event_is_applied_once_and_cleared_away() {
    let world = World::new(CALLBACK);
    world.start("one", "{}").unwrap();
    world.drive("one").unwrap();
    let output = Document::parse("[ 1 ]").unwrap();
    let happened = Happened { at: START.plus_millis(5), event: Event::TaskSucceeded { task: EventId(3), output } };
    let entry = |key: &str| InboxEntry::new(key, happened.clone());
    block(world.journal.post(&World::arn("one"), entry("a"))).unwrap();
    block(world.journal.post(&World::arn("one"), entry("a"))).unwrap();
    block(world.journal.post(&World::arn("one"), entry("b"))).unwrap();
    let loaded = block(world.journal.load(&World::arn("one"), START)).unwrap().unwrap();
    assert_eq!(loaded.inbox.iter().map(|entry| &*entry.key).collect::<Vec<_>>(), ["a", "b"]);
    world.clock.advance_to(START.plus_millis(10));
    assert_eq!(world.drive("one"), Ok(Drove::Finished));
    let ended = world.history("one").unwrap().pop().unwrap();
    assert!(ended.to_json().contains(r#""output":"[ 1 ]""#));
    assert!(block(world.journal.load(&World::arn("one"), START)).unwrap().unwrap().inbox.is_empty());
    assert!(partition(&world, "x#machine:one").iter().all(|item| !item.key.sort.starts_with('i')), "the inbox is empty");
    assert!(block(world.journal.post(&World::arn("none"), entry("a"))).is_err());
}

#[test]
fn a_task_whose_starter_died_is_repeated_or_fails_after_its_lease() {
    for (after_crash, last) in [(AfterCrash::Repeat, "ExecutionSucceeded"), (AfterCrash::Fail, "ExecutionFailed")] {
        let world = World { after_crash, ..World::new(TASK) };
        world.start("one", "{}").unwrap();
        // A driver commits its lease and dies before the task has ended: the journal is cut back to before the result.
        assert_eq!(world.drive("one"), Ok(Drove::Finished));
        let world = cut(world, 2);
        world.clock.advance_to(START.plus_seconds(60));
        assert!(matches!(world.drive("one"), Ok(Drove::Waiting(_))), "nobody else starts it while the lease may be held");
        assert_eq!(world.started.lock().unwrap().len(), 0);
        world.clock.advance_to(START.plus_seconds(66));
        assert_eq!(world.drive("one"), Ok(Drove::Finished));
        assert_eq!(world.started.lock().unwrap().len(), usize::from(after_crash == AfterCrash::Repeat));
        assert_eq!(world.types("one").last(), Some(&last.to_owned()));
    }
}

#[test]
fn of_all_who_are_told_of_a_task_one_gets_it_each_time_it_is_passed_on() {
    let world = World::new(CALLBACK);
    let arn = World::arn("one");
    world.start("one", "{}").unwrap();
    assert!(matches!(world.drive("one"), Ok(Drove::Waiting(_))));
    let task = world.started.lock().unwrap()[0];
    let lease = world.leases.lock().unwrap()[0];
    let claim_at = |lease: Timestamp, until: Timestamp| block(claim(&world, &arn, task, lease, until)).unwrap();

    let until = START.plus_seconds(900);
    assert!(claim_at(START, until).is_none(), "a lease that nobody has given");
    assert_eq!(claim_at(lease, until).unwrap().task.task, task);
    assert!(claim_at(lease, until).is_none(), "a message that came twice");
    assert_eq!(block(open_task(&world, &arn, task)).unwrap().unwrap().task.task, task);

    world.clock.advance_to(START.plus_seconds(800));
    assert!(matches!(world.drive("one"), Ok(Drove::Waiting(_))));
    assert_eq!(world.started.lock().unwrap().len(), 1, "who has claimed it may live");
    world.clock.advance_to(START.plus_seconds(906));
    assert!(matches!(world.drive("one"), Ok(Drove::Waiting(_))));
    let again = world.leases.lock().unwrap()[1];
    assert!(claim_at(until, until).is_none(), "the first has lost it");
    assert!(claim_at(again, again.plus_seconds(900)).is_some());

    let key = |event| Happened { at: world.clock.now(), event };
    let told = vec![
        key(Event::TaskStarted { task, worker_name: None }),
        key(Event::TaskSucceeded { task, output: Document::parse("1").unwrap() }),
    ];
    let commits = || partition(&world, "x#machine:one").len();
    let before = commits();
    assert_eq!(block(deliver_all(&world, &arn, told.clone())), Ok(Delivered::Applied));
    assert_eq!(commits(), before + 1, "what is delivered together is committed together");
    assert_eq!(block(deliver_all(&world, &arn, told)), Ok(Delivered::Ignored));
    assert!(block(open_task(&world, &arn, task)).unwrap().is_none());
    assert!(claim_at(again, again).is_none());
}

/// The world with only the first `commits` commits of the execution.
fn cut(world: World, commits: usize) -> World {
    World { after_crash: world.after_crash, ..cut_of(TASK, oldest_first(&world), commits) }
}

/// The commits of the execution.
fn oldest_first(world: &World) -> Vec<Item> {
    let mut items = partition(world, "x#machine:one");
    // The newest stand first, but for the very first.
    items.reverse();
    items.rotate_right(1);
    items
}

/// A world with the first of these commits, the oldest first.
fn cut_of(definition: &str, items: Vec<Item>, commits: usize) -> World {
    let other = World::new(definition);
    for item in items.into_iter().take(commits) {
        block(other.journal.table().put(item, Condition::None)).unwrap();
    }
    other
}

#[test]
fn the_sweep_wakes_what_was_forgotten_and_puts_aside_what_cannot_be_helped() {
    let world = World::new(WAIT);
    world.start("one", "{}").unwrap();
    assert!(matches!(world.drive("one"), Ok(Drove::Waiting(_))));
    world.woken.lock().unwrap().clear();
    let all = |now: Timestamp| {
        let swept =
            (0..world.journal.reminder_shards()).map(|shard| block(sweep(&world, &world.journal, shard, now, || false)).unwrap());
        swept.fold((0, 0, 0), |(woken, stale, aside), swept| (woken + swept.woken, stale + swept.stale, aside + swept.put_aside))
    };
    world.clock.advance_to(START.plus_seconds(85_000));
    assert_eq!(walk_all(&world, world.clock.now()).woken, 1);
    assert!(matches!(world.drive("one"), Ok(Drove::Waiting(_))));
    world.woken.lock().unwrap().clear();
    assert_eq!(all(START.plus_seconds(86_000)), (0, 0, 0), "nothing is due");
    let mut now = START.plus_seconds(86_400 - 59);
    assert_eq!(all(now), (1, 0, 0), "a minute before the Wait ends, so that a wake-up can be sent ahead");
    world.clock.advance_to(now);
    assert!(matches!(world.drive("one"), Ok(Drove::Waiting(_))));
    assert_eq!(*world.woken.lock().unwrap(), [Duration::ZERO, Duration::from_secs(59)]);
    assert_eq!(all(now.plus_seconds(119)), (0, 0, 0), "its reminder has moved on");
    // The wake-up is lost, and so are those that the sweep sends.
    let (mut woken, mut aside) = (0, 0);
    for _ in 0..2000 {
        now = now.plus_seconds(60);
        let swept = all(now);
        woken += swept.0;
        aside += swept.2;
    }
    assert_eq!((woken, aside), (12, 1));
    let told = block(world.journal.aside(None, 10)).unwrap();
    assert_eq!(
        told.iter().map(|aside| (&aside.execution, &*aside.reason)).collect::<Vec<_>>(),
        [(&World::arn("one"), "woken 12 times in vain")]
    );
    assert_eq!(block(release(&world, &world.journal, &World::arn("one"))).unwrap().unwrap().reason, "woken 12 times in vain");
    assert_eq!(all(now.plus_seconds(60)), (1, 0, 0), "it is swept again");
    world.clock.advance_to(now);
    assert_eq!(world.drive("one"), Ok(Drove::Finished));
    assert_eq!(all(now.plus_seconds(7200)), (0, 0, 0));
    assert_eq!(block(take_back_recovered(&world, &world.journal, now, 10)), Ok(0));
}

#[test]
fn nobody_waits_behind_those_that_are_put_aside() {
    let world = World::with(WAIT, Settings { reminder_shards: 1, ..Settings::default() });
    for n in 0..500 {
        let (execution, at) = (World::arn(&format!("aside-{n}")), START.plus_seconds(1));
        block(world.journal.remind(&execution, at)).unwrap();
        block(world.journal.rest(&Due { execution, at, tries: 12, not_before: Some(Timestamp(i64::MAX)) })).unwrap();
    }
    world.start("one", "{}").unwrap();
    block(world.journal.remind(&World::arn("one"), START.plus_seconds(2))).unwrap();
    let now = START.plus_seconds(3600);
    let swept = block(sweep(&world, &world.journal, 0, now, || false)).unwrap();
    assert_eq!((swept.resting, swept.stale, swept.more), (500, 1, false));
    let cut_short = block(sweep(&world, &world.journal, 0, now, || true)).unwrap();
    assert_eq!((cut_short.resting, cut_short.more), (200, true));
}

#[test]
fn what_lives_long_outlives_the_time_its_items_were_written_for() {
    const DAY: u64 = 24 * 3600;
    for retention in [1, 7, 20, 90] {
        let settings = Settings { retention_seconds: retention * DAY, ..Settings::default() };
        let world = World::with(&WAIT.replace("86400", &(300 * DAY).to_string()), settings);
        world.start("one", "{}").unwrap();
        world.drive("one").unwrap();
        // Nobody but the sweep wakes it, once in a fortnight.
        for hour in 1..=300 * 24 {
            let now = START.plus_seconds(hour * 3600);
            world.clock.advance_to(now);
            let swept = (0..world.journal.reminder_shards())
                .map(|shard| block(sweep(&world, &world.journal, shard, now, || false)).unwrap());
            if swept.map(|swept| swept.woken).sum::<usize>() + walk_all(&world, now).woken > 0 {
                world.drive("one").unwrap();
            }
            // The table deletes what it may as soon as it may.
            for item in partition(&world, "x#machine:one") {
                assert!(!item.is_expired(now), "{retention} days are kept: after {hour} hours {} is gone", item.key.sort);
            }
        }
        world.clock.advance_to(START.plus_seconds(300 * DAY));
        assert_eq!(world.drive("one"), Ok(Drove::Finished));
        assert_eq!(world.types("one").last().map(String::as_str), Some("ExecutionSucceeded"));
        let kept_until = START.plus_seconds((300 + retention) * DAY);
        assert!(partition(&world, "x#machine:one").iter().all(|item| !item.is_expired(kept_until.minus(Duration::from_secs(1)))));
    }
}

fn copy(world: &World, definition: &str) -> World {
    let other = World::new(definition);
    for item in world.journal.table().snapshot() {
        block(other.journal.table().put(item, Condition::None)).unwrap();
    }
    other.clock.advance_to(world.clock.now());
    other
}

/// How often an execution is woken by whoever walks through the list of running ones, by the hour, in four days.
fn woken_in_four_days(world: &World) -> usize {
    let mut woken = 0;
    for hour in 1..=96 {
        let now = START.plus_seconds(hour * 3600);
        world.clock.advance_to(now);
        let count = walk_all(world, now).woken;
        woken += count;
        if count > 0 {
            // Whoever wakes what cannot be driven comes back until it is put aside.
            let _ = world.drive("one");
            let _ = block(take_dead_letter(world, &world.journal, &World::arn("one"), now));
        }
    }
    woken
}

#[test]
fn what_is_given_up_again_and_again_is_put_aside() {
    let world = World::new(TASK);
    world.start("one", "{}").unwrap();
    let arn = World::arn("one");
    let give_up = || block(take_dead_letter(&world, &world.journal, &arn, world.clock.now()));
    let aside = || block(world.journal.aside(None, 10)).unwrap();
    // Whoever drives it dies of it. It may have been an outage, twice.
    assert_eq!([give_up(), give_up(), give_up()], [Ok(false), Ok(false), Ok(true)]);
    assert_eq!(aside().len(), 1);
    // It has not gone on, and stays there.
    assert_eq!(block(take_back_recovered(&world, &world.journal, world.clock.now(), 10)), Ok(0));
    assert_eq!(aside().len(), 1);
    // Somebody releases it, and it goes on after all.
    block(release(&world, &world.journal, &arn)).unwrap();
    assert!(aside().is_empty());
    assert_eq!(give_up(), Ok(true), "nothing has changed");
    assert_eq!(world.drive("one"), Ok(Drove::Finished));
    assert_eq!(block(take_back_recovered(&world, &world.journal, world.clock.now(), 10)), Ok(1));
    assert!(aside().is_empty());
    assert_eq!(give_up(), Ok(false), "it has gone on");
}

#[test]
fn a_round_ends_when_it_has_much_to_write() {
    let state = |at: usize, next: &str| format!(r#""S{at}":{{"Type":"Pass","Parameters":{{"text.$":"$.text","at":{at}}},{next}}}"#);
    let states = (0..40).map(|at| state(at, &format!(r#""Next":"S{}""#, at + 1))).collect::<Vec<_>>().join(",");
    let world = World::new(&format!(r#"{{"StartAt":"S0","States":{{{states},{}}}}}"#, state(40, r#""End":true"#)));
    let input = format!(r#"{{"text":"{}"}}"#, "x".repeat(200_000));
    // Its payloads have 8 MB.
    assert!(matches!(world.start("one", &input), Ok(Drove::Waiting(_))));
    let done = world.types("one").len();
    assert!((20..60).contains(&done), "{done}");
    assert_eq!(world.drive("one"), Ok(Drove::Finished));
    assert_eq!(world.types("one").len(), 84);
}

#[test]
fn who_loses_a_commit_to_an_earlier_deadline_leaves_it_in_its_place() {
    let definition = r#"{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters":{"QueueUrl":"q","MessageBody":{"token.$":"$$.Task.Token"}},"TimeoutSeconds":7200,
        "Catch":[{"ErrorEquals":["States.ALL"],"Next":"Long"}],"Next":"Short"},
        "Short":{"Type":"Wait","Seconds":18000,"End":true},"Long":{"Type":"Wait","Seconds":864000,"End":true}}}"#;
    let world = World::new(definition);
    world.start("one", "{}").unwrap();
    world.drive("one").unwrap();
    let tell = |key: &str, event: Event| block(deliver(&world, &World::arn("one"), key, Happened { at: world.clock.now(), event }));
    tell("started", Event::TaskStarted { task: EventId(3), worker_name: None }).unwrap();
    tell("submitted", Event::TaskSubmitted { task: EventId(3), output: Document::parse("1").unwrap() }).unwrap();
    let (execution, birth) = {
        let late = copy(&world, definition);
        late.clock.advance_to(START.plus_seconds(7201));
        late.drive("one").unwrap();
        let loaded = block(late.journal.load(&World::arn("one"), late.clock.now())).unwrap().unwrap();
        (Execution::restore(&late.definition, &loaded.checkpoint).unwrap(), loaded.birth)
    };
    // The answer is committed; the time-out would have been, and wrote its place in the list later.
    world.clock.advance_to(START.plus_seconds(7199));
    tell("result", Event::TaskSucceeded { task: EventId(3), output: Document::parse("{}").unwrap() }).unwrap();
    let late = world.clock.now().plus_seconds(864_000);
    block(world.journal.enlist(&execution, &birth, late, world.clock.now())).unwrap();
    world.drive("one").unwrap();
    let first = (3..400).find(|hour| walk_all(&world, START.plus_seconds(hour * 3600)).woken > 0);
    assert!(first.is_some_and(|hour| hour <= 7), "woken after {first:?} hours, due after 7");
}

#[test]
fn a_place_that_is_too_early_is_put_right_without_waking_anybody() {
    let world = World::new(&WAIT.replace("86400", "1728000"));
    world.start("one", "{}").unwrap();
    world.drive("one").unwrap();
    // Left by a driver that died before its commit.
    let place = running(&world).pop().unwrap().number("at", START.plus_seconds(5 * 3600).0);
    block(world.journal.table().put(place, Condition::None)).unwrap();
    assert_eq!(woken_in_four_days(&world), 0);
}

#[test]
fn what_was_put_aside_is_not_put_aside_again_and_again() {
    let world = World::new(WAIT);
    world.start("one", "{}").unwrap();
    world.drive("one").unwrap();
    // Its state is gone.
    let other = copy(&world, PASS);
    assert!(other.drive("one").is_err());
    assert_eq!(woken_in_four_days(&other), 1);
}

#[test]
fn who_was_slower_takes_what_has_ended_out_of_the_list_that_it_has_put_it_into() {
    let world = World::new(&WAIT.replace("86400", "600"));
    world.start("one", "{}").unwrap();
    // Before the driver's place in the list and its commit the execution is stopped.
    *world.before_wake.lock().unwrap() = Some(|world| {
        let stop = Happened { at: START, event: Event::Stop { error: Default::default() } };
        assert_eq!(block(deliver(world, &World::arn("one"), "stop", stop)), Ok(Delivered::Applied));
    });
    assert_eq!(world.drive("one"), Ok(Drove::Finished));
    assert_eq!(lists(&world, None), [("one".to_owned(), "ABORTED".to_owned())]);
}

#[test]
fn what_a_driver_has_left_in_the_list_that_died_over_it_is_taken_out() {
    let world = World::new(WAIT);
    world.start("one", "{}").unwrap();
    let loaded = block(world.journal.load(&World::arn("one"), START)).unwrap().unwrap();
    let execution = Execution::restore(&world.definition, &loaded.checkpoint).unwrap();
    let stop = Happened { at: START, event: Event::Stop { error: Default::default() } };
    assert_eq!(block(deliver(&world, &World::arn("one"), "stop", stop)), Ok(Delivered::Applied));
    // It has seen nothing of the stop, puts the execution into the list of running ones, and dies before it commits.
    block(world.journal.enlist(&execution, &loaded.birth, START.plus_seconds(86_400), START)).unwrap();
    let listed = |status: &str| ("one".to_owned(), status.to_owned());
    assert_eq!(lists(&world, None), [listed("RUNNING"), listed("ABORTED")]);
    assert_eq!(block(drive_again(&world, &World::arn("one"))), Ok(Drove::Finished));
    assert_eq!(lists(&world, None), [listed("ABORTED")]);
}

#[test]
fn what_a_driver_has_left_in_the_list_that_died_over_it_is_taken_out_by_whoever_ends_it() {
    let world = World::new(WAIT);
    world.start("one", "{}").unwrap();
    let loaded = block(world.journal.load(&World::arn("one"), START)).unwrap().unwrap();
    let execution = Execution::restore(&world.definition, &loaded.checkpoint).unwrap();
    // It puts the execution into the list of running ones, and dies before it commits.
    block(world.journal.enlist(&execution, &loaded.birth, START.plus_seconds(86_400), START)).unwrap();
    world.clock.advance_to(START.plus_seconds(86_401));
    assert_eq!(block(drive_again(&world, &World::arn("one"))), Ok(Drove::Finished));
    assert_eq!(lists(&world, None), [("one".to_owned(), "SUCCEEDED".to_owned())]);
}

#[test]
fn a_task_whose_start_was_posted_is_not_given_up() {
    let world = World { after_crash: AfterCrash::Fail, ..World::new(CALLBACK) };
    world.start("one", "{}").unwrap();
    world.drive("one").unwrap();
    let task = world.started.lock().unwrap()[0];
    let events =
        [Event::TaskStarted { task, worker_name: None }, Event::TaskSubmitted { task, output: Document::parse("1").unwrap() }];
    let happened = events.map(|event| Happened { at: START, event }).to_vec();
    block(world.journal.post(&World::arn("one"), InboxEntry { key: "task".into(), happened })).unwrap();
    // By now its lease has ended.
    world.clock.advance_to(START.plus_seconds(3600));
    assert!(matches!(world.drive("one"), Ok(Drove::Waiting(_))));
    assert_eq!(world.types("one").last().map(String::as_str), Some("TaskSubmitted"));
}

#[test]
fn a_reminder_never_has_the_time_of_an_earlier_one() {
    let asks = |next: &str, seconds: u32| {
        format!(
            r#"{{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters":{{"QueueUrl":"q","MessageBody":{{"token.$":"$$.Task.Token"}}}},"TimeoutSeconds":{seconds},{next}}}"#
        )
    };
    let (a, b1) = (asks(r#""End":true"#, 7200), asks(r#""Next":"B2""#, 10_000));
    let (b2, b3) = (asks(r#""Next":"B3""#, 3000), asks(r#""End":true"#, 10_000));
    let world = World::new(&format!(
        r#"{{"StartAt":"P","States":{{"P":{{"Type":"Parallel","End":true,"Branches":[{{"StartAt":"A","States":{{"A":{a}}}}},
        {{"StartAt":"B1","States":{{"B1":{b1},"B2":{b2},"B3":{b3}}}}}]}}}}}}"#
    ));
    world.start("one", "{}").unwrap();
    world.drive("one").unwrap();
    let due = || {
        (0..4).flat_map(|shard| block(world.journal.due(shard, Timestamp(i64::MAX / 2), None, 10)).unwrap().0).next().unwrap().at
    };
    let (mut seen, mut begun) = (Vec::new(), 0);
    for step in 0..3 {
        let new: Vec<_> = world.started.lock().unwrap()[begun..].to_vec();
        begun += new.len();
        let tell =
            |key: &str, event: Event| block(deliver(&world, &World::arn("one"), key, Happened { at: world.clock.now(), event }));
        for task in &new {
            tell("started", Event::TaskStarted { task: *task, worker_name: None }).unwrap();
            tell("submitted", Event::TaskSubmitted { task: *task, output: Document::parse("1").unwrap() }).unwrap();
        }
        seen.push(due());
        if let Some(task) = new.last().filter(|_| step < 2) {
            tell("result", Event::TaskSucceeded { task: *task, output: Document::parse("{}").unwrap() }).unwrap();
            world.drive("one").unwrap();
        }
    }
    let seconds: Vec<i64> = seen.iter().map(|at| (at.0 - START.0).div_euclid(1000)).collect();
    assert_eq!(seconds, [7140, 2940, 7140]);
    // The deletion of the first, which was sent again because its answer was lost, comes now.
    block(world.journal.forget(&World::arn("one"), seen[0])).unwrap();
    assert_eq!(due(), seen[2]);
}

#[test]
fn a_reminder_that_nobody_knows_of_goes_away() {
    let world = World::new(WAIT);
    block(world.journal.remind(&World::arn("never"), START)).unwrap();
    let swept = |now| (0..4).map(|shard| block(sweep(&world, &world.journal, shard, now, || false)).unwrap().stale).sum::<usize>();
    assert_eq!(swept(START.plus_seconds(60)), 0, "its commit may still be coming");
    assert_eq!(swept(START.plus_seconds(900)), 1);
    assert_eq!(swept(START.plus_seconds(960)), 0);
}

#[test]
fn lists_are_paged_newest_first() {
    let world = World::new(PASS);
    for number in 0..23 {
        world.clock.advance_to(START.plus_seconds(number));
        world.start(&format!("e{number:02}"), "{}").unwrap();
    }
    let (mut names, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = block(world.journal.list("machine", Some("SUCCEEDED"), after.as_deref(), 5, world.clock.now())).unwrap();
        assert!(page.executions.len() <= 5);
        names.extend(page.executions.iter().map(|(_, listed)| listed.name.to_string()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let wanted: Vec<String> = (0..23).rev().map(|number| format!("e{number:02}")).collect();
    assert_eq!(names, wanted);
    assert!(lists(&world, Some("FAILED")).is_empty());
}

/// A table that fails, or in which somebody else is faster.
struct Hindered {
    table: MemoryTable,
    faster: bool,
}

impl Table for Hindered {
    async fn put(&self, item: Item, condition: Condition) -> Result<(), statewright_engine::table::WriteError> {
        if self.faster && item.key.sort.starts_with('j') {
            self.table.put(Item::new(item.key.clone()).number("w", 77), Condition::None).await?;
        }
        self.table.put(item, condition).await
    }
    async fn get(&self, key: &Key) -> Result<Option<Item>, statewright_engine::table::TableError> {
        self.table.get(key).await
    }
    async fn get_all(&self, keys: &[Key]) -> Result<Vec<Item>, statewright_engine::table::TableError> {
        self.table.get_all(keys).await
    }
    async fn query(&self, query: &Query) -> Result<statewright_engine::table::Page, statewright_engine::table::TableError> {
        // What `load` asks for; the newest commit alone is found.
        match self.faster || query.limit == 1 {
            true => self.table.query(query).await,
            false => Err(statewright_engine::table::TableError { message: "busy".to_owned(), throttled: true }),
        }
    }
    async fn delete(&self, key: &Key, condition: Condition) -> Result<(), statewright_engine::table::WriteError> {
        self.table.delete(key, condition).await
    }
}

#[test]
fn only_what_nobody_can_read_or_moves_on_is_abandoned() {
    let world = World::new(CALLBACK);
    world.start("one", "{}").unwrap();
    world.drive("one").unwrap();
    let hindered = |faster: bool| {
        let table = MemoryTable::default();
        for item in world.journal.table().snapshot() {
            block(table.put(item, Condition::None)).unwrap();
        }
        let journal = Journal::new(Hindered { table, faster }, Settings::default(), 9);
        let abandoned = block(journal.abandon(&World::arn("one"), Default::default(), START));
        (abandoned, journal.table().table.snapshot())
    };
    let (busy, items) = hindered(false);
    assert!(matches!(busy, Err(CommitError::Store(StoreError::Unavailable(_)))), "{busy:?}");
    assert_eq!(items, world.journal.table().snapshot());
    assert_eq!(hindered(true).0, Err(CommitError::Conflict));
}

#[test]
fn what_was_abandoned_stays_so() {
    let world = World::new(CALLBACK);
    let abandon = || block(world.journal.abandon(&World::arn("one"), Default::default(), world.clock.now()));
    assert_eq!(abandon(), Ok(Abandonment::Unknown));
    world.start("one", r#"{"large":1}"#).unwrap();
    world.drive("one").unwrap();
    assert_eq!((abandon(), abandon()), (Ok(Abandonment::Aborted), Ok(Abandonment::Ended)));
    let items = partition(&world, "x#machine:one");
    // Drivers, answers and posts come late.
    let output = Document::parse("1").unwrap();
    let happened = Happened { at: START, event: Event::TaskSucceeded { task: EventId(3), output } };
    assert_eq!(world.drive("one"), Ok(Drove::Finished));
    assert_eq!(block(deliver(&world, &World::arn("one"), "x", happened.clone())), Ok(Delivered::Ignored));
    assert_eq!(partition(&world, "x#machine:one"), items);
    block(world.journal.post(&World::arn("one"), InboxEntry::new("x", happened))).unwrap();
    assert_eq!(world.drive("one"), Ok(Drove::Finished));
    assert_eq!((lists(&world, Some("RUNNING")).len(), lists(&world, Some("ABORTED")).len()), (0, 1));
    assert_eq!(world.types("one").last().map(String::as_str), Some("ExecutionAborted"));
    // Its reminder is nobody's any more.
    world.clock.advance_to(START.plus_seconds(24 * 3600));
    let stale: usize =
        (0..4).map(|shard| block(sweep(&world, &world.journal, shard, world.clock.now(), || false)).unwrap().stale).sum();
    assert_eq!(stale, 1);
}

/// The newest commit says that it was written by a later release: as a commit, or as a checkpoint.
fn of_a_later_release(world: &World, checkpoint: bool) {
    let arn = World::arn("one");
    if checkpoint {
        let loaded = block(world.journal.load(&arn, START)).unwrap().unwrap();
        let mut execution = Execution::restore(&world.definition, &loaded.checkpoint).unwrap();
        let mut changes = execution.take_changes(&world.definition);
        changes.head = loaded.checkpoint.head.replacen(r#""format":1"#, r#""format":2"#, 1);
        let commit = Commit {
            birth: None,
            execution: &execution,
            changes,
            checkpoint: &|| loaded.checkpoint.clone(),
            states: Vec::new(),
            events: &[],
            consumed: &[],
            ledger: &loaded.ledger,
            now: START,
        };
        block(world.journal.commit(&arn, Some(loaded.place), commit)).unwrap();
    } else {
        let newest = partition(world, "x#machine:one").into_iter().find(|item| item.key.sort.starts_with('j')).unwrap();
        block(world.journal.table().put(newest.number("f", 2), Condition::None)).unwrap();
    }
}

#[test]
fn what_a_later_release_has_written_is_left_to_it() {
    for checkpoint in [false, true] {
        let world = World::new(CALLBACK);
        world.start("one", "{}").unwrap();
        world.drive("one").unwrap();
        of_a_later_release(&world, checkpoint);
        let arn = World::arn("one");
        let reminder = START.plus_seconds(1);
        block(world.journal.remind(&arn, reminder)).unwrap();
        let (before, long_after) = (world.journal.table().snapshot(), START.plus_seconds(100_000));
        assert!(world.drive("one").unwrap_err().is_newer(), "{checkpoint}");
        // However often it is looked at, nobody wakes it, counts, or puts it aside.
        world.woken.lock().unwrap().clear();
        for shard in 0..world.journal.reminder_shards() {
            let swept = block(sweep(&world, &world.journal, shard, long_after, || false)).unwrap();
            assert_eq!((swept.woken, swept.stale, swept.put_aside), (0, 0, 0), "{checkpoint}");
        }
        assert_eq!(walk_all(&world, long_after), Swept::default(), "{checkpoint}");
        assert_eq!(world.woken.lock().unwrap().as_slice(), []);
        let after = world.journal.table().snapshot().into_iter().filter(|item| item.key.partition != "w").collect::<Vec<_>>();
        assert_eq!(after, before, "{checkpoint}");
        // Its dead letter is only put off.
        assert_eq!(block(take_dead_letter(&world, &world.journal, &arn, START)), Ok(false), "{checkpoint}");
        assert_eq!(world.woken.lock().unwrap().as_slice(), [WAKE_AHEAD_MAX]);
        // What is told to it waits for it.
        let happened =
            Happened { at: START, event: Event::TaskSucceeded { task: EventId(3), output: Document::parse("1").unwrap() } };
        assert_eq!(block(deliver(&world, &arn, "late", happened)), Ok(Delivered::Posted), "{checkpoint}");
        let inbox = partition(&world, "x#machine:one").into_iter().filter(|item| item.key.sort.starts_with('i')).count();
        assert_eq!(inbox, 1, "{checkpoint}");
    }
}

#[test]
fn nobody_hears_that_a_task_was_started_before_its_result_is_there() {
    for posts in 0..2 {
        let world = World::new(TASK);
        world.start("one", "{}").unwrap();
        let arn = World::arn("one");
        // A driver has committed its lease and begun the task when a later release goes on with the execution.
        assert_eq!(world.drive("one"), Ok(Drove::Finished));
        let begun = world.started.lock().unwrap()[0];
        let world = cut(world, 2);
        let newest = partition(&world, "x#machine:one").into_iter().find(|item| item.key.sort.starts_with('j')).unwrap();
        block(world.journal.table().put(newest.clone().number("f", 2), Condition::None)).unwrap();
        let happened = [
            Event::TaskStarted { task: begun, worker_name: None },
            Event::TaskSucceeded { task: begun, output: Document::parse("{}").unwrap() },
        ]
        .map(|event| Happened { at: START, event });
        *world.journal.table().posts_left.lock().unwrap() = Some(posts);
        let told = block(deliver_all(&world, &arn, happened.into()));
        assert_eq!(told.is_ok(), posts == 1, "{told:?}");
        // It is taken back, and another driver goes on.
        block(world.journal.table().put(newest, Condition::None)).unwrap();
        let drove = world.drive("one").unwrap();
        // Without a result the task is begun again when the lease of whoever began it is over.
        assert_eq!(drove == Drove::Finished, posts > 0, "{posts}: {drove:?}");
        if drove != Drove::Finished {
            world.clock.advance_to(START.plus_seconds(66));
            assert_eq!(world.drive("one"), Ok(Drove::Finished));
        }
        let count = |name: &str| world.types("one").iter().filter(|found| *found == name).count();
        assert_eq!((count("LambdaFunctionStarted"), count("LambdaFunctionSucceeded")), (1, 1), "{posts}");
    }
}

#[test]
fn a_posted_event_of_a_later_release_is_left_to_it() {
    let world = World::new(CALLBACK);
    world.start("one", "{}").unwrap();
    world.drive("one").unwrap();
    let happened = Happened { at: START, event: Event::Stop { error: Default::default() } };
    block(world.journal.post(&World::arn("one"), InboxEntry::new("stop", happened))).unwrap();
    let posted = partition(&world, "x#machine:one").into_iter().find(|item| item.key.sort.starts_with('i')).unwrap();
    let mut later = posted.number("f", 2);
    later.attributes.insert("b".into(), Attribute::Bytes(b"what nobody knows".to_vec()));
    block(world.journal.table().put(later, Condition::None)).unwrap();
    assert!(world.drive("one").unwrap_err().is_newer());
}

#[test]
fn a_place_in_the_list_of_running_executions_never_moves_away_from_who_counts_on_it() {
    let world = World::new(CALLBACK);
    world.start("one", "{}").unwrap();
    world.drive("one").unwrap();
    let loaded = block(world.journal.load(&World::arn("one"), START)).unwrap().unwrap();
    let execution = Execution::restore(&world.definition, &loaded.checkpoint).unwrap();
    let place = || {
        let all = (0..world.journal.running_shards()).flat_map(|shard| partition(&world, &format!("r#{shard}")));
        all.filter_map(|item| item.get_number("at")).collect::<Vec<_>>()
    };
    let enlist = |at: i64| {
        block(world.journal.enlist(&execution, &loaded.birth, Timestamp(at), START)).unwrap();
        place()
    };
    enlist(1000);
    let of = |at: &[i64]| at.to_vec();
    assert_eq!(place().len(), 1);
    assert!(place()[0] <= 1000);
    let before = place()[0];
    assert_eq!(enlist(before + 500), of(&[before - 1]), "and nobody puts off what it has seen before");
    assert_eq!(enlist(10), of(&[10]));
}
