//! Objects.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::Value;
use crate::measure::{Known, Measure, string_bytes};

/// The members of a JSON object, in the order in which they were added. Cheap to clone, copied on write.
#[derive(Clone, Debug, Default)]
pub struct Object(Arc<Node>);

#[derive(Clone, Debug, Default)]
struct Node {
    members: Vec<(Arc<str>, Value)>,
    /// Positions by key, from [`INDEX_FROM`] members on: a short list is searched faster than it is hashed.
    index: Option<Box<Index>>,
    measure: Known,
}

#[derive(Clone, Debug, Default)]
struct Index {
    hasher: DefaultHashBuilder,
    positions: HashTable<u32>,
}

/// Objects with at least so many members have an index.
const INDEX_FROM: usize = 24;

impl Object {
    /// An object without members.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An object without members that has room for `capacity` of them.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Arc::new(Node { members: Vec::with_capacity(capacity), ..Node::default() }))
    }

    /// An object of members whose keys differ, which is for the caller to see to.
    #[must_use]
    pub fn from_distinct(members: Vec<(Arc<str>, Value)>) -> Self {
        let index = Node::index(&members);
        Self(Arc::new(Node { members, index, measure: Known::default() }))
    }

    /// Tells this object from every other that exists: clones that nobody has changed have the same address.
    #[must_use]
    pub fn address(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    /// The member called `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.position(key).and_then(|at| self.0.members.get(at)).map(|(_, value)| value)
    }

    /// Whether there is a member called `key`.
    #[must_use]
    pub fn contains_key(&self, key: &str) -> bool {
        self.0.position(key).is_some()
    }

    /// The number of members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.members.len()
    }

    /// Whether there are no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.members.is_empty()
    }

    /// The members in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &Value)> + DoubleEndedIterator {
        self.0.members.iter().map(|(key, value)| (key, value))
    }

    /// The names of the members in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Arc<str>> {
        self.0.members.iter().map(|(key, _)| key)
    }

    /// The values of the members in order.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Value> {
        self.0.members.iter().map(|(_, value)| value)
    }

    /// Adds a member at the end, or replaces the value of the one there is, in its place. Answers the value that was replaced.
    pub fn insert(&mut self, key: Arc<str>, value: Value) -> Option<Value> {
        self.node_for_one_more().insert(key, value)
    }

    /// The member called `key` for writing; it is added with the value `null` if there is none.
    pub fn entry(&mut self, key: &str) -> &mut Value {
        let node = self.node_for_one_more();
        let at = node.position(key).unwrap_or_else(|| {
            node.push(key.into(), Value::Null);
            node.members.len() - 1
        });
        node.measure.forget();
        match node.members.get_mut(at) {
            Some((_, value)) => value,
            None => unreachable!("the position was just found or made"),
        }
    }

    /// Removes the member called `key`; those behind it move up.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.0.position(key)?;
        let node = Arc::make_mut(&mut self.0);
        let (_, value) = node.members.remove(at);
        node.measure.forget();
        node.index = Node::index(&node.members);
        Some(value)
    }

    /// The node for writing, with room for one more member: a copy is made with that room at once.
    fn node_for_one_more(&mut self) -> &mut Node {
        if Arc::get_mut(&mut self.0).is_none() {
            let mut members = Vec::with_capacity(self.0.members.len() + 1);
            members.extend_from_slice(&self.0.members);
            self.0 = Arc::new(Node { members, index: self.0.index.clone(), measure: self.0.measure.clone() });
        }
        Arc::make_mut(&mut self.0)
    }

    pub(crate) fn measure(&self) -> Measure {
        self.0.measure.or_measure(|| {
            let commas = self.len().saturating_sub(1);
            self.iter().fold(Measure { bytes: 2 + commas, depth: 1 }, |sum, (key, value)| {
                let value = value.measure();
                Measure { bytes: sum.bytes + string_bytes(key) + 1 + value.bytes, depth: sum.depth.max(value.depth + 1) }
            })
        })
    }
}

impl Node {
    fn position(&self, key: &str) -> Option<usize> {
        match &self.index {
            None => self.members.iter().position(|(name, _)| is_same(name, key)),
            Some(index) => index
                .positions
                .find(index.hasher.hash_one(key), |&at| self.members.get(at as usize).is_some_and(|(name, _)| **name == *key))
                .map(|&at| at as usize),
        }
    }

    /// Adds a member at the end, or replaces the value of the one there is.
    fn insert(&mut self, key: Arc<str>, value: Value) -> Option<Value> {
        let Some(at) = self.position(&key) else {
            self.push(key, value);
            return None;
        };
        let (_, slot) = self.members.get_mut(at)?;
        let old = std::mem::replace(slot, value);
        self.measure_replaced(at, &old);
        Some(old)
    }

    fn push(&mut self, key: Arc<str>, value: Value) {
        if let Some(known) = self.measure.get() {
            let (value, comma) = (value.measure(), usize::from(!self.members.is_empty()));
            self.measure.set(Measure {
                bytes: known.bytes + comma + string_bytes(&key) + 1 + value.bytes,
                depth: known.depth.max(value.depth + 1),
            });
        }
        self.members.push((key, value));
        match &mut self.index {
            Some(index) => index.add(&self.members, self.members.len() - 1),
            None if self.members.len() >= INDEX_FROM => self.index = Self::index(&self.members),
            None => {}
        }
    }

    /// Keeps the measure right after the value at `at` took the place of `old`.
    fn measure_replaced(&self, at: usize, old: &Value) {
        let Some((known, (_, new))) = self.measure.get().zip(self.members.get(at)) else { return };
        let (old, new) = (old.measure(), new.measure());
        if old.depth + 1 == known.depth && new.depth < old.depth {
            self.measure.forget();
        } else {
            self.measure.set(Measure { bytes: known.bytes - old.bytes + new.bytes, depth: known.depth.max(new.depth + 1) });
        }
    }

    fn index(members: &[(Arc<str>, Value)]) -> Option<Box<Index>> {
        (members.len() >= INDEX_FROM).then(|| {
            let mut index = Box::<Index>::default();
            index.positions.reserve(members.len() * 2, |_| 0);
            for at in 0..members.len() {
                index.add(members, at);
            }
            index
        })
    }
}

impl Index {
    fn add(&mut self, members: &[(Arc<str>, Value)], at: usize) {
        let hash = |at: usize| members.get(at).map_or(0, |(key, _)| self.hasher.hash_one(&**key));
        let position = u32::try_from(at).unwrap_or(u32::MAX);
        self.positions.insert_unique(hash(at), position, |&at| hash(at as usize));
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.len() == other.len() && self.iter().all(|(key, value)| other.get(key) == Some(value)))
    }
}

impl FromIterator<(Arc<str>, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Value)>>(members: I) -> Self {
        let members = members.into_iter();
        let mut object = Self::with_capacity(members.size_hint().0);
        object.extend(members);
        object
    }
}

impl Extend<(Arc<str>, Value)> for Object {
    /// Inserts members, one after another.
    fn extend<I: IntoIterator<Item = (Arc<str>, Value)>>(&mut self, members: I) {
        let node = Arc::make_mut(&mut self.0);
        for (key, value) in members {
            node.insert(key, value);
        }
    }
}

/// Whether two names are the same. Most are short, and are compared faster here than by a call.
#[inline]
fn is_same(name: &str, key: &str) -> bool {
    name.len() == key.len() && if name.len() <= 8 { name.bytes().eq(key.bytes()) } else { name == key }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order_and_are_found_however_many_there_are() {
        for count in [1_u32, 23, 24, 25, 500] {
            let mut object = Object::new();
            for n in 0..count {
                object.insert(format!("key {n}").into(), Value::from(n));
            }
            for n in 0..count {
                assert_eq!(object.get(&format!("key {n}")), Some(&Value::from(n)), "{n} of {count}");
            }
            assert_eq!(object.get("key"), None);
            assert!(object.values().enumerate().all(|(at, value)| value.as_i64() == i64::try_from(at).ok()));
            object.remove("key 0");
            assert_eq!(object.get(&format!("key {}", count - 1)).is_some(), count > 1);
        }
    }

    #[test]
    fn a_change_is_not_seen_by_others() {
        let mut object: Object = [("a".into(), Value::Null)].into_iter().collect();
        let before = object.clone();
        object.insert("a".into(), Value::Bool(true));
        *object.entry("b") = Value::from("x");
        assert_eq!(before.len(), 1);
        assert_eq!(before.get("a"), Some(&Value::Null));
        assert_eq!(object.get("b"), Some(&Value::from("x")));
    }
}
