//! A [`Table`] on DynamoDB.

mod capacity;
mod items;

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, KeysAndAttributes, ReturnConsumedCapacity,
    ReturnValuesOnConditionCheckFailure, ScalarAttributeType, TableStatus, TimeToLiveSpecification,
};
use statewright_engine::table::{Condition, Item, Key, Page, Query, Table, TableError, WriteError};

use crate::aws::{is_throttled, message};
pub use capacity::Capacity;
use capacity::Counter;
use items::{EXPIRES, PARTITION, SORT};

/// So many keys fit into one `BatchGetItem`.
const BATCH: usize = 100;
/// How often a batch is asked for again of which nothing came, with pauses that double.
const BATCH_TRIES: u32 = 6;
/// The first of those pauses.
const BATCH_PAUSE: Duration = Duration::from_millis(50);

/// A table of DynamoDB with the keys `p` and `s`, both texts, and the time to live `ttl` in seconds since the epoch. Names are short
/// because each is paid for in each item; items of ours use none of these three for anything else.
///
/// Everything is read with strong consistency, and every item is written whole.
///
/// **Outcomes that are unknown.** A call that gets no answer is repeated, and the first attempt may have been carried out. A repeated put
/// or delete without condition does the same again. A repeated put with a condition finds what it has written itself, and is
/// [`Refused`](WriteError::Refused) with that item: whoever puts with a condition recognises its own, as the journal does by the
/// writer's number in each commit. A repeated delete with a condition may be refused with nothing standing there.
#[derive(Clone, Debug)]
pub struct DynamoTable {
    client: Client,
    name: String,
    counter: Option<Counter>,
}

impl DynamoTable {
    /// The table `name`. It is there already: the template of the deployment makes it, [`create`](Self::create) those of tests.
    #[must_use]
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into(), counter: None }
    }

    /// The table, counting from now on what its calls are charged.
    #[must_use]
    pub fn counted(mut self) -> Self {
        self.counter = Some(Counter::default());
        self
    }

    /// What the calls of this table and of its clones were charged since [`counted`](Self::counted); nothing without that.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        self.counter.as_ref().map(Counter::sum).unwrap_or_default()
    }

    /// Makes the table, charged by request, and waits until it can be used; fails if there is one of that name.
    ///
    /// # Errors
    /// When DynamoDB refuses, or the table is not ready after half a minute.
    pub async fn create(&self) -> Result<(), TableError> {
        let key = |name: &str, kind: KeyType| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
        let text = |name: &str| AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build();
        let mut create = self.client.create_table().table_name(&self.name).billing_mode(BillingMode::PayPerRequest);
        for (name, kind) in [(PARTITION, KeyType::Hash), (SORT, KeyType::Range)] {
            create = create.key_schema(key(name, kind).map_err(unsendable)?).attribute_definitions(text(name).map_err(unsendable)?);
        }
        create.send().await.map_err(|error| failed(&error))?;
        for _ in 0..300 {
            let described = self.client.describe_table().table_name(&self.name).send().await.map_err(|error| failed(&error))?;
            if described.table().and_then(|table| table.table_status()) == Some(&TableStatus::Active) {
                let ttl = TimeToLiveSpecification::builder().attribute_name(EXPIRES).enabled(true).build().map_err(unsendable)?;
                let update = self.client.update_time_to_live().table_name(&self.name).time_to_live_specification(ttl);
                return update.send().await.map(drop).map_err(|error| failed(&error));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(TableError { message: format!("table `{}` is not ready", self.name), throttled: false })
    }

    fn returns_capacity(&self) -> Option<ReturnConsumedCapacity> {
        self.counter.as_ref().map(|_| ReturnConsumedCapacity::Total)
    }

    fn count(&self, charge: impl FnOnce(&Counter)) {
        if let Some(counter) = &self.counter {
            charge(counter);
        }
    }

    /// What became of a write with a condition.
    fn write_error<E>(&self, error: &SdkError<E>, refused: Option<&ConditionalCheckFailedException>) -> WriteError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let Some(refused) = refused else { return failed(error).into() };
        let found = refused.item().filter(|item| !item.is_empty());
        self.count(|counter| counter.refused(found));
        match found.map(items::item).transpose() {
            Ok(item) => WriteError::Refused(item.map(Box::new)),
            Err(error) => error.into(),
        }
    }

    async fn get_item(&self, key: &Key, consistent: bool) -> Result<Option<Item>, TableError> {
        let request = self.client.get_item().table_name(&self.name).set_key(Some(items::key(key))).consistent_read(consistent);
        let answer = request.set_return_consumed_capacity(self.returns_capacity()).send().await.map_err(|error| failed(&error))?;
        self.count(|counter| counter.read(answer.consumed_capacity()));
        answer.item().map(items::item).transpose()
    }

    /// Asks for at most [`BATCH`] keys, until nothing is left unprocessed.
    async fn get_batch(&self, keys: &[&Key], found: &mut Vec<Item>) -> Result<(), TableError> {
        let keys = keys.iter().map(|key| items::key(key)).collect();
        let mut left = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build().map_err(unsendable)?;
        let mut pauses = 0;
        loop {
            let asked = left.keys().len();
            let request = self.client.batch_get_item().request_items(&self.name, left);
            let answer =
                request.set_return_consumed_capacity(self.returns_capacity()).send().await.map_err(|error| failed(&error))?;
            self.count(|counter| answer.consumed_capacity().iter().for_each(|capacity| counter.read(Some(capacity))));
            for item in answer.responses().and_then(|tables| tables.get(&self.name)).into_iter().flatten() {
                found.push(items::item(item)?);
            }
            match answer.unprocessed_keys.and_then(|mut tables| tables.remove(&self.name)) {
                Some(unprocessed) if !unprocessed.keys().is_empty() => left = unprocessed,
                Some(_) | None => return Ok(()),
            }
            // Sixteen megabytes are the most that comes at once; where some came, the rest comes too. Where none came, the table is busy.
            if left.keys().len() == asked {
                pauses += 1;
                if pauses == BATCH_TRIES {
                    return Err(TableError { message: format!("{asked} keys stay unprocessed"), throttled: true });
                }
                tokio::time::sleep(BATCH_PAUSE * 2_u32.pow(pauses)).await;
            }
        }
    }
}

/// A condition as an expression, with the names and values it uses.
#[derive(Default)]
struct Expression {
    text: Option<&'static str>,
    names: Option<HashMap<String, String>>,
    values: Option<HashMap<String, AttributeValue>>,
}

impl From<&Condition> for Expression {
    fn from(condition: &Condition) -> Self {
        let with = |text, names: &[(&str, &str)], value| Self {
            text: Some(text),
            names: Some(names.iter().map(|&(short, name)| (short.to_owned(), name.to_owned())).collect()),
            values: Some(HashMap::from([(":v".to_owned(), value)])),
        };
        match condition {
            Condition::None => Self::default(),
            Condition::Absent(now) => with(
                "attribute_not_exists(#p) OR #t <= :v",
                &[("#p", PARTITION), ("#t", EXPIRES)],
                AttributeValue::N(items::seconds(*now).to_string()),
            ),
            Condition::Says(name, value) => with("#n = :v", &[("#n", name)], items::value(value.clone())),
        }
    }
}

impl Table for DynamoTable {
    fn put(&self, item: Item, condition: Condition) -> impl Future<Output = Result<(), WriteError>> + Send {
        let Expression { text, names, values } = (&condition).into();
        let request = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(items::attributes(item)))
            .set_condition_expression(text.map(str::to_owned))
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_return_values_on_condition_check_failure(text.map(|_| ReturnValuesOnConditionCheckFailure::AllOld))
            .set_return_consumed_capacity(self.returns_capacity());
        async {
            let answer = request.send().await.map_err(|error| {
                use aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException as Refused;
                let refused =
                    error.as_service_error().and_then(|error| if let Refused(refused) = error { Some(refused) } else { None });
                self.write_error(&error, refused)
            })?;
            self.count(|counter| counter.written(answer.consumed_capacity()));
            Ok(())
        }
    }

    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.get_item(key, true).await
    }

    async fn get_lately(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.get_item(key, false).await
    }

    async fn get_all(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        // A batch that names a key twice is refused.
        let keys: Vec<&Key> = keys.iter().collect::<BTreeSet<_>>().into_iter().collect();
        let mut found = Vec::with_capacity(keys.len());
        for keys in keys.chunks(BATCH) {
            self.get_batch(keys, &mut found).await?;
        }
        Ok(found)
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        let Some(Boundaries { first, last, start }) = boundaries(query) else { return Ok(Page::default()) };
        let mut request = self
            .client
            .query()
            .table_name(&self.name)
            .expression_attribute_names("#p", PARTITION)
            .expression_attribute_names("#s", SORT)
            .expression_attribute_values(":p", AttributeValue::S(query.partition.clone()))
            .expression_attribute_values(":last", AttributeValue::S(last.to_owned()))
            .scan_index_forward(!query.backwards)
            .consistent_read(true)
            .limit(i32::try_from(query.limit.max(1)).unwrap_or(i32::MAX))
            .set_return_consumed_capacity(self.returns_capacity());
        request = match first {
            // A text in a condition on a key may not be empty.
            "" => request.key_condition_expression("#p = :p AND #s <= :last"),
            first => request
                .key_condition_expression("#p = :p AND #s BETWEEN :first AND :last")
                .expression_attribute_values(":first", AttributeValue::S(first.to_owned())),
        };
        if let Some(start) = start {
            request = request.set_exclusive_start_key(Some(items::key(&Key::new(&query.partition, start))));
        }
        let answer = request.send().await.map_err(|error| failed(&error))?;
        self.count(|counter| counter.read(answer.consumed_capacity()));
        let next = answer.last_evaluated_key().map(items::sort).transpose()?;
        Ok(Page { items: answer.items().iter().map(items::item).collect::<Result<_, _>>()?, next })
    }

    fn delete(&self, key: &Key, condition: Condition) -> impl Future<Output = Result<(), WriteError>> + Send {
        let Expression { text, names, values } = (&condition).into();
        let request = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(items::key(key)))
            .set_condition_expression(text.map(str::to_owned))
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_return_values_on_condition_check_failure(text.map(|_| ReturnValuesOnConditionCheckFailure::AllOld))
            .set_return_consumed_capacity(self.returns_capacity());
        async {
            let answer = request.send().await.map_err(|error| {
                use aws_sdk_dynamodb::operation::delete_item::DeleteItemError::ConditionalCheckFailedException as Refused;
                let refused =
                    error.as_service_error().and_then(|error| if let Refused(refused) = error { Some(refused) } else { None });
                self.write_error(&error, refused)
            })?;
            self.count(|counter| counter.written(answer.consumed_capacity()));
            Ok(())
        }
    }
}

/// The sort keys of a query as DynamoDB takes them.
#[derive(Debug, PartialEq, Eq)]
struct Boundaries<'q> {
    /// The first one; empty for the beginning of the partition.
    first: &'q str,
    /// The last one.
    last: &'q str,
    /// The one behind which to begin. It lies between the two, or DynamoDB would refuse it.
    start: Option<&'q str>,
}

/// `None` where nothing can lie between them: DynamoDB refuses to be asked for that.
fn boundaries(query: &Query) -> Option<Boundaries<'_>> {
    let (first, last) = (query.range.0.as_str(), query.range.1.as_str());
    let start = match (query.after.as_deref(), query.backwards) {
        (Some(after), false) if after >= last => return None,
        (Some(after), true) if after <= first => return None,
        // From before the range: all of it.
        (Some(after), false) if after < first || after.is_empty() => None,
        (Some(after), true) if after > last => None,
        (after, _) => after,
    };
    (first <= last && !last.is_empty()).then_some(Boundaries { first, last, start })
}

fn failed<E>(error: &SdkError<E>) -> TableError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    TableError { message: message(error), throttled: is_throttled(error) }
}

/// A request that lacks something; nothing that comes from outside can cause it.
fn unsendable(error: impl Into<BoxError>) -> TableError {
    TableError { message: error.into().to_string(), throttled: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gives(range: (&str, &str), after: Option<&str>, backwards: bool, expected: Option<(&str, &str, Option<&str>)>) {
        let mut query = Query::prefix("p", "").after(after.map(str::to_owned));
        query.range = (range.0.to_owned(), range.1.to_owned());
        query.backwards = backwards;
        let expected = expected.map(|(first, last, start)| Boundaries { first, last, start });
        assert_eq!(boundaries(&query), expected, "{range:?} after {after:?}");
    }

    #[test]
    fn dynamodb_is_asked_for_no_range_that_it_refuses() {
        gives(("b", "d"), None, false, Some(("b", "d", None)));
        gives(("b", "d"), Some("b"), false, Some(("b", "d", Some("b"))));
        gives(("b", "d"), Some("a"), false, Some(("b", "d", None)));
        gives(("b", "d"), Some("d"), false, None);
        gives(("b", "d"), Some("e"), false, None);
        gives(("b", "d"), Some("d"), true, Some(("b", "d", Some("d"))));
        gives(("b", "d"), Some("e"), true, Some(("b", "d", None)));
        gives(("b", "d"), Some("b"), true, None);
        gives(("b", "d"), Some(""), true, None);
        gives(("d", "b"), None, false, None);
        gives(("", ""), None, false, None);
        gives(("", "d"), Some(""), false, Some(("", "d", None)));
    }
}
