//! The adapters, beside what they adapt to.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::{Region, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;
use aws_sdk_sqs::types::QueueAttributeName;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use statewright_engine::table::{self, Attribute, Condition, Item, Key, MemoryTable, Query, Table, WriteError, query_all};
use statewright_engine::{ExecutionArn, WakeQueue};
use statewright_interpreter::time::Timestamp;
use statewright_lambda::function::Source as _;
use statewright_lambda::{DynamoTable, SqsQueue, aws};
use statewright_tests::components;

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

/// Ours, but for the environment: nothing that stands there is reached by a test.
async fn config(endpoint: &str) -> SdkConfig {
    let config = aws::config().region(Region::new("us-east-1")).endpoint_url(endpoint);
    config.credentials_provider(Credentials::new("test", "test", None, None, "tests")).load().await
}

/// A name nobody else has on a server that other tests use too.
fn fresh(name: &str) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("{name}-{}-{}", std::process::id(), now.as_nanos())
}

async fn fresh_table(endpoint: &str) -> DynamoTable {
    let client = aws_sdk_dynamodb::Client::new(&config(endpoint).await);
    let table = DynamoTable::new(client, fresh("table")).counted();
    table.create().await.expect("a table");
    table
}

#[test]
fn dynamodb_keeps_the_contract() {
    if let Some(endpoint) = components::dynamodb() {
        run(async { table::contract::check(&fresh_table(&endpoint).await, "").await });
    }
}

#[test]
fn another_implementation_of_dynamodb_keeps_the_contract() {
    if let Some(endpoint) = components::aws() {
        run(async { table::contract::check(&fresh_table(&endpoint).await, "").await });
    }
}

#[test]
fn what_is_charged_is_counted() {
    let Some(endpoint) = components::dynamodb() else { return };
    run(async {
        let table = fresh_table(&endpoint).await;
        let item = |bytes: usize| Item::new(Key::new("a", "b")).bytes("x", vec![0; bytes]);
        let charges = async |what: &str, read: f64, written: f64, before: statewright_lambda::dynamo::Capacity| {
            let after = table.capacity();
            assert_eq!((after.read - before.read, after.written - before.written), (read, written), "{what}");
        };
        let before = table.capacity();
        table.put(item(2500), Condition::None).await.expect("a put");
        charges("2.5 KB are written", 0.0, 3.0, before).await;
        let before = table.capacity();
        let refused = table.put(item(10), Condition::Absent(Timestamp(0))).await;
        assert!(matches!(refused, Err(WriteError::Refused(Some(_)))));
        charges("what refuses is as large as what stands there", 0.0, 3.0, before).await;
        let before = table.capacity();
        let refused = table.delete(&Key::new("a", "none"), Condition::Says("x", Attribute::Number(1))).await;
        assert_eq!(refused, Err(WriteError::Refused(None)));
        charges("one unit at least", 0.0, 1.0, before).await;
        let before = table.capacity();
        table.put(item(5000), Condition::None).await.expect("a put");
        table.get(&Key::new("a", "b")).await.expect("a read");
        table.query(&Query::prefix("a", "")).await.expect("a query");
        table.get_all(&[Key::new("a", "b")]).await.expect("a read");
        charges("strongly consistent reads count in full", 6.0, 5.0, before).await;
        let before = table.capacity();
        assert!(table.get_lately(&Key::new("a", "b")).await.expect("a read").is_some());
        charges("others count half", 1.0, 0.0, before).await;
    });
}

#[test]
fn what_cannot_be_done_says_why() {
    let Some(endpoint) = components::dynamodb() else { return };
    run(async {
        let config = config(&endpoint).await;
        let none = DynamoTable::new(aws_sdk_dynamodb::Client::new(&config), fresh("none"));
        let error = none.get(&Key::new("a", "b")).await.expect_err("there is no such table");
        assert!(error.message.starts_with("ResourceNotFoundException: "), "{error}");
        assert!(!error.throttled);
        let nobody = config.to_builder().endpoint_url("http://127.0.0.1:1").build();
        let nobody = DynamoTable::new(aws_sdk_dynamodb::Client::new(&nobody), "none");
        let error = nobody.get(&Key::new("a", "b")).await.expect_err("nobody listens there");
        assert!(error.message.contains("Connection refused"), "{error}");
    });
}

/// Something that is asked of a table.
#[derive(Clone, Debug)]
enum Ask {
    Put(Item, Condition),
    Get(Key),
    GetAll(Vec<Key>),
    Query(Query),
    Delete(Key, Condition),
}

/// What a table answers. Pages may end elsewhere, and several items come in any order.
#[derive(Debug, PartialEq)]
enum Answer {
    Wrote(Result<(), WriteError>),
    Items(Vec<Item>),
}

async fn ask(table: &impl Table, ask: Ask) -> Answer {
    match ask {
        Ask::Put(item, condition) => Answer::Wrote(table.put(item, condition).await),
        Ask::Delete(key, condition) => Answer::Wrote(table.delete(&key, condition).await),
        Ask::Get(key) => Answer::Items(table.get(&key).await.expect("a read").into_iter().collect()),
        Ask::Query(query) => Answer::Items(query_all(table, query).await.expect("a query")),
        Ask::GetAll(keys) => {
            let mut items = table.get_all(&keys).await.expect("a read");
            items.sort_by(|one, other| one.key.cmp(&other.key));
            Answer::Items(items)
        }
    }
}

fn keys() -> impl Strategy<Value = Key> {
    // Few, so that they meet; of one, two and four bytes, whose order in bytes is not that of UTF-16.
    let sorts = prop::sample::select(vec!["a", "a#1", "a#2", "b", "é", "\u{FFFD}", "\u{1F600}"]);
    (prop::sample::select(vec!["one", "two"]), sorts).prop_map(|(partition, sort)| Key::new(partition, sort))
}

fn attributes() -> impl Strategy<Value = Attribute> {
    prop_oneof![
        prop::sample::select(vec!["", "x", "né"]).prop_map(|text| Attribute::Text(text.to_owned())),
        prop::sample::select(vec![0, 1, -1, i64::MAX, i64::MIN]).prop_map(Attribute::Number),
        prop::sample::select(vec![vec![], vec![0_u8, 255]]).prop_map(Attribute::Bytes),
    ]
}

fn items() -> impl Strategy<Value = Item> {
    let said = prop::collection::btree_map(prop::sample::select(vec!["n", "status", "size"]), attributes(), 0..3);
    (keys(), said, prop::option::of(-2..3_i64)).prop_map(|(key, said, expires)| {
        let attributes: BTreeMap<_, _> = said.into_iter().map(|(name, attribute)| (name.into(), attribute)).collect();
        // Stored to the second.
        Item { key, attributes, expires: expires.map(|seconds| Timestamp(seconds * 1000)) }
    })
}

fn conditions() -> impl Strategy<Value = Condition> {
    prop_oneof![
        Just(Condition::None),
        (-2500..3500_i64).prop_map(|now| Condition::Absent(Timestamp(now))),
        (prop::sample::select(vec!["n", "status", "size"]), attributes()).prop_map(|(name, said)| Condition::Says(name, said)),
    ]
}

fn queries() -> impl Strategy<Value = Query> {
    let sorts = || prop::sample::select(vec!["", "a", "a#", "a#1", "b", "c", "é", "\u{10FFFF}"]).prop_map(str::to_owned);
    let partitions = prop::sample::select(vec!["one", "two", "none"]);
    (partitions, (sorts(), sorts()), prop::option::of(sorts()), any::<bool>(), 0..4_usize).prop_map(
        |(partition, range, after, backwards, limit)| Query { partition: partition.to_owned(), range, after, backwards, limit },
    )
}

fn asks() -> impl Strategy<Value = Ask> {
    prop_oneof![
        4 => (items(), conditions()).prop_map(|(item, condition)| Ask::Put(item, condition)),
        1 => keys().prop_map(Ask::Get),
        1 => prop::collection::vec(keys(), 0..5).prop_map(Ask::GetAll),
        3 => queries().prop_map(Ask::Query),
        2 => (keys(), conditions()).prop_map(|(key, condition)| Ask::Delete(key, condition)),
    ]
}

/// The partitions of `ask`, for this case only.
fn within(ask: Ask, case: &str) -> Ask {
    let key = |key: Key| Key { partition: format!("{case}{}", key.partition), ..key };
    match ask {
        Ask::Put(item, condition) => Ask::Put(Item { key: key(item.key.clone()), ..item }, condition),
        Ask::Get(asked) => Ask::Get(key(asked)),
        Ask::GetAll(keys) => Ask::GetAll(keys.into_iter().map(key).collect()),
        Ask::Query(query) => Ask::Query(Query { partition: format!("{case}{}", query.partition), ..query }),
        Ask::Delete(asked, condition) => Ask::Delete(key(asked), condition),
    }
}

#[test]
fn dynamodb_answers_as_the_table_in_memory() {
    let Some(endpoint) = components::dynamodb() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let table = runtime.block_on(fresh_table(&endpoint));
    let config = Config { cases: 150, failure_persistence: None, ..Config::default() };
    let cases = std::cell::Cell::new(0);
    let answers = |sequence: Vec<Ask>| {
        cases.set(cases.get() + 1);
        let case = cases.get().to_string();
        let memory = MemoryTable::default();
        runtime.block_on(async {
            for asked in sequence {
                let asked = within(asked, &case);
                prop_assert_eq!(ask(&table, asked.clone()).await, ask(&memory, asked.clone()).await, "{:?}", asked);
            }
            Ok(())
        })
    };
    TestRunner::new(config).run(&prop::collection::vec(asks(), 1..40), answers).unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn of_many_who_put_where_nothing_stands_one_succeeds() {
    let Some(endpoint) = components::dynamodb() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let table = runtime.block_on(fresh_table(&endpoint));
    runtime.block_on(async {
        let put = |writer: i64| {
            let table = table.clone();
            let item = Item::new(Key::new("a", "b")).number("w", writer);
            tokio::spawn(async move { table.put(item, Condition::Absent(Timestamp(0))).await })
        };
        let mut outcomes = Vec::new();
        for racer in (0..8).map(put).collect::<Vec<_>>() {
            outcomes.push(racer.await.expect("no panic"));
        }
        let stands = table.get(&Key::new("a", "b")).await.expect("a read").expect("an item");
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        let told = |outcome: &Result<(), WriteError>| *outcome == Err(WriteError::Refused(Some(Box::new(stands.clone()))));
        assert_eq!(outcomes.iter().filter(|outcome| told(outcome)).count(), 7, "the others are told which");
    });
}

fn execution(name: &str) -> ExecutionArn {
    ExecutionArn(Arc::from(format!("arn:aws:states:us-east-1:000000000000:execution:machine:{name}")))
}

async fn fresh_queue(endpoint: &str) -> (aws_sdk_sqs::Client, String) {
    let client = aws_sdk_sqs::Client::new(&config(endpoint).await);
    let queue = client.create_queue().queue_name(fresh("wakes")).send().await.expect("a queue");
    (client, queue.queue_url().expect("its URL").to_owned())
}

/// The bodies of `count` messages, in order.
async fn receive(client: &aws_sdk_sqs::Client, url: &str, count: usize) -> Vec<String> {
    let mut bodies = Vec::new();
    while bodies.len() < count {
        let received = client.receive_message().queue_url(url).max_number_of_messages(10).wait_time_seconds(2).send().await;
        let messages = received.expect("an answer").messages.unwrap_or_default();
        assert!(!messages.is_empty(), "{} of {count} messages came", bodies.len());
        bodies.extend(messages.into_iter().filter_map(|message| message.body));
    }
    bodies.sort();
    bodies
}

#[test]
fn a_wake_up_is_a_message_with_the_arn() {
    let Some(endpoint) = components::aws() else { return };
    run(async {
        let (client, url) = fresh_queue(&endpoint).await;
        let wakes = SqsQueue::new(client.clone(), &url);
        wakes.wake(&execution("a"), Duration::ZERO).await.expect("sent");
        assert_eq!(receive(&client, &url, 1).await, [&*execution("a").0]);
        // Asked for in a year, it comes in a quarter of an hour; until then it is counted among the delayed.
        wakes.wake(&execution("b"), Duration::from_secs(31_536_000)).await.expect("sent");
        let delayed = QueueAttributeName::ApproximateNumberOfMessagesDelayed;
        let told = client.get_queue_attributes().queue_url(&url).attribute_names(delayed.clone()).send().await.expect("an answer");
        assert_eq!(told.attributes().and_then(|told| told.get(&delayed)).map(String::as_str), Some("1"));
    });
}

#[test]
fn what_is_put_in_again_says_how_often_it_was_received() {
    let Some(endpoint) = components::aws() else { return };
    run(async {
        let (client, url) = fresh_queue(&endpoint).await;
        SqsQueue::new(client.clone(), &url).put_again("{}", 3, Duration::ZERO).await.expect("sent");
        let received =
            client.receive_message().queue_url(&url).message_attribute_names("received").wait_time_seconds(2).send().await;
        let [message] = received.expect("an answer").messages.unwrap_or_default().try_into().expect("one message");
        let attributes = message.message_attributes.unwrap_or_default();
        let count = attributes.get("received").map(|count| (count.data_type(), count.string_value()));
        assert_eq!((message.body.as_deref(), count), (Some("{}"), Some(("Number", Some("3")))));
    });
}
