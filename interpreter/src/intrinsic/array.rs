//! Functions on arrays. Source: developer guide, "Intrinsics for arrays".

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use smallvec::SmallVec;
use statewright_value::{Number, Value};

use super::arguments::Arguments;
use super::messages;
use crate::error::EvaluationError;

/// The most items `States.ArrayRange` makes. Source: developer guide, "Intrinsics for arrays".
const RANGE_ITEMS_MAX: usize = 1000;

/// `States.Array(v…)`: the arguments as they are.
pub(super) fn array(arguments: &Arguments<'_>) -> Value {
    arguments.all().iter().cloned().collect()
}

/// `States.ArrayPartition(array, n)`: chunks of `n` elements, the last perhaps shorter.
pub(super) fn partition(arguments: &Arguments<'_>) -> Result<Value, EvaluationError> {
    let (items, size) = (arguments.array(0)?, arguments.integer(1)?);
    if size <= 0 {
        return Err(arguments.failure(&messages::not_positive(1, size)));
    }
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    Ok(items.chunks(size).map(|chunk| Value::from(chunk.to_vec())).collect())
}

/// `States.ArrayContains(array, v)`. Values are compared at every depth, and `1` is not `1.0`: recorded for arrays and objects; for
/// the two kinds of numbers it follows from the equality of Jackson's nodes.
pub(super) fn contains(arguments: &Arguments<'_>) -> Result<Value, EvaluationError> {
    Ok(Value::from(arguments.array(0)?.contains(arguments.any(1))))
}

/// `States.ArrayRange(first, last, step)`: `last` is included if a step falls on it. A step that leads away from `last` gives no
/// items; the guide does not say so.
pub(super) fn range(arguments: &Arguments<'_>) -> Result<Value, EvaluationError> {
    let (first, last, step) = (arguments.integer(0)?, arguments.integer(1)?, arguments.integer(2)?);
    if step == 0 {
        return Err(arguments.failure(messages::STEP_OF_ZERO));
    }
    let distance = (i128::from(last) - i128::from(first)) * i128::from(step.signum());
    if distance < 0 {
        return Ok(Value::from(Vec::new()));
    }
    let count = distance / i128::from(step).abs() + 1;
    let count = usize::try_from(count).ok().filter(|count| *count <= RANGE_ITEMS_MAX);
    let count = count.ok_or_else(|| arguments.failure(&messages::range_too_long(RANGE_ITEMS_MAX)))?;
    // Every item lies between `first` and `last`; only the one after the last might not fit, and it is never made.
    Ok(std::iter::successors(Some(first), |item| item.checked_add(step)).take(count).map(Value::from).collect())
}

/// `States.ArrayGetItem(array, n)`, counted from 0.
pub(super) fn get_item(arguments: &Arguments<'_>) -> Result<Value, EvaluationError> {
    let (items, index) = (arguments.array(0)?, arguments.integer(1)?);
    let item = usize::try_from(index).ok().and_then(|index| items.get(index));
    item.cloned().ok_or_else(|| arguments.failure(&messages::no_such_item(index, items.len())))
}

/// `States.ArrayLength(array)`.
pub(super) fn length(arguments: &Arguments<'_>) -> Result<Value, EvaluationError> {
    Ok(Value::from(arguments.array(0)?.len() as u64))
}

/// `States.ArrayUnique(array)`: of equal elements, compared as `States.ArrayContains` does, the first stays where it is. The guide
/// promises no order; its example shows this one.
pub(super) fn unique(arguments: &Arguments<'_>) -> Result<Value, EvaluationError> {
    let mut seen = BTreeMap::<u64, SmallVec<[&Value; 1]>>::new();
    let mut unique = Vec::new();
    for item in arguments.array(0)? {
        let same_hash = seen.entry(hash(item)).or_default();
        if !same_hash.contains(&item) {
            same_hash.push(item);
            unique.push(item.clone());
        }
    }
    Ok(Value::from(unique))
}

/// A hash under which equal values are equal.
fn hash(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    std::mem::discriminant(value).hash(&mut hasher);
    match value {
        Value::Null => {}
        Value::Bool(value) => value.hash(&mut hasher),
        Value::Number(Number::Int(value)) => value.hash(&mut hasher),
        Value::Number(Number::Unsigned(value)) => value.hash(&mut hasher),
        // 0.0 and -0.0 are equal; adding 0.0 makes them one.
        Value::Number(Number::Float(value)) => (value + 0.0).to_bits().hash(&mut hasher),
        Value::String(text) => text.hash(&mut hasher),
        Value::Array(items) => items.iter().for_each(|item| hash(item).hash(&mut hasher)),
        // A sum, because the order of members does not count.
        Value::Object(members) => members.iter().fold(0_u64, |sum, member| sum.wrapping_add(hash_member(member))).hash(&mut hasher),
    }
    hasher.finish()
}

fn hash_member((name, value): (&std::sync::Arc<str>, &Value)) -> u64 {
    let mut hasher = DefaultHasher::new();
    (name, hash(value)).hash(&mut hasher);
    hasher.finish()
}
