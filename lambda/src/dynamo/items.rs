//! Items as DynamoDB has them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use statewright_engine::table::{Attribute, Item, Key, TableError};
use statewright_interpreter::time::Timestamp;

/// The attribute with the partition key.
pub(super) const PARTITION: &str = "p";
/// The attribute with the sort key.
pub(super) const SORT: &str = "s";
/// The attribute with the time from which on DynamoDB may delete the item.
pub(super) const EXPIRES: &str = "ttl";

pub(super) type Attributes = HashMap<String, AttributeValue>;

/// Seconds since the epoch, as the time to live is given.
pub(super) fn seconds(time: Timestamp) -> i64 {
    time.0.div_euclid(1000)
}

pub(super) fn value(attribute: Attribute) -> AttributeValue {
    match attribute {
        Attribute::Text(text) => AttributeValue::S(text),
        Attribute::Number(number) => AttributeValue::N(number.to_string()),
        Attribute::Bytes(bytes) => AttributeValue::B(Blob::new(bytes)),
    }
}

pub(super) fn key(key: &Key) -> Attributes {
    [(PARTITION, &key.partition), (SORT, &key.sort)].map(|(name, key)| (name.to_owned(), AttributeValue::S(key.clone()))).into()
}

pub(super) fn attributes(item: Item) -> Attributes {
    let mut attributes = key(&item.key);
    attributes.extend(item.attributes.into_iter().map(|(name, attribute)| (name.into_owned(), value(attribute))));
    attributes.extend(item.expires.map(|expires| (EXPIRES.to_owned(), AttributeValue::N(seconds(expires).to_string()))));
    attributes
}

/// An item of the table. One that somebody else has put there, with kinds of attributes that we have none of, is an error.
pub(super) fn item(attributes: &Attributes) -> Result<Item, TableError> {
    let mut item =
        Item { key: Key::new(text(attributes, PARTITION)?, sort(attributes)?), attributes: BTreeMap::new(), expires: None };
    for (name, value) in attributes {
        let attribute = match value {
            AttributeValue::S(text) => Attribute::Text(text.clone()),
            AttributeValue::N(number) => Attribute::Number(number.parse().map_err(|_| foreign(name))?),
            AttributeValue::B(bytes) => Attribute::Bytes(bytes.as_ref().to_vec()),
            _ => return Err(foreign(name)),
        };
        match (name.as_str(), attribute) {
            (PARTITION | SORT, _) => {}
            (EXPIRES, Attribute::Number(seconds)) => item.expires = Some(Timestamp(seconds.saturating_mul(1000))),
            (EXPIRES, Attribute::Text(_) | Attribute::Bytes(_)) => return Err(foreign(name)),
            (_, attribute) => drop(item.attributes.insert(Cow::Owned(name.clone()), attribute)),
        }
    }
    Ok(item)
}

/// The sort key of an item or of a key.
pub(super) fn sort(attributes: &Attributes) -> Result<String, TableError> {
    text(attributes, SORT)
}

fn text(attributes: &Attributes, name: &str) -> Result<String, TableError> {
    attributes.get(name).and_then(|value| value.as_s().ok()).cloned().ok_or_else(|| foreign(name))
}

fn foreign(name: &str) -> TableError {
    TableError { message: format!("an item that is not ours: its attribute `{name}` is of another kind"), throttled: false }
}

/// How many bytes an item counts for, as the developer guide says ("DynamoDB item sizes and formats"): names and texts in UTF-8, bytes
/// as they are, a number about one for two significant digits and one more, and another one for a sign.
pub(super) fn size(attributes: &Attributes) -> usize {
    let value = |value: &AttributeValue| match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::N(number) => {
            let digits = number.trim_start_matches('-').trim_matches('0').len();
            digits.div_ceil(2) + 1 + usize::from(number.starts_with('-'))
        }
        _ => 0,
    };
    attributes.iter().map(|(name, of)| name.len() + value(of)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(attribute: Attribute, bytes: usize) {
        let item = Item { key: Key::new("pp", "s"), attributes: BTreeMap::from([(Cow::Borrowed("n"), attribute)]), expires: None };
        // The keys count for five: two names of one letter, two letters and one.
        assert_eq!(size(&attributes(item)), 5 + 1 + bytes);
    }

    #[test]
    fn sizes_are_counted_as_they_are_charged() {
        counts(Attribute::Text("é".to_owned()), 2);
        counts(Attribute::Bytes(vec![0; 700]), 700);
        counts(Attribute::Number(1), 2);
        counts(Attribute::Number(0), 1);
        counts(Attribute::Number(100), 2);
        counts(Attribute::Number(-123), 4);
    }

    #[test]
    fn an_item_of_somebody_else_is_told_of() {
        let mut foreign = attributes(Item::new(Key::new("p", "s")));
        foreign.insert("x".to_owned(), AttributeValue::Bool(true));
        let error = item(&foreign).expect_err("a boolean is no attribute of ours");
        assert_eq!(error.message, "an item that is not ours: its attribute `x` is of another kind");
        foreign.insert("x".to_owned(), AttributeValue::N("0.5".to_owned()));
        assert!(item(&foreign).is_err(), "nor is a fraction");
    }
}
