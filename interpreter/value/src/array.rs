//! Arrays.

use std::ops::Deref;
use std::sync::Arc;

use crate::Value;
use crate::measure::{Known, Measure};

/// The elements of a JSON array. Cheap to clone, copied on write.
#[derive(Clone, Debug, Default)]
pub struct Array(Arc<Node>);

#[derive(Clone, Debug, Default)]
struct Node {
    items: Vec<Value>,
    measure: Known,
}

impl Array {
    /// An array without elements.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The elements for writing. Other holders of the same array do not see the change.
    pub fn make_mut(&mut self) -> &mut Vec<Value> {
        let node = Arc::make_mut(&mut self.0);
        node.measure.forget();
        &mut node.items
    }

    pub(crate) fn measure(&self) -> Measure {
        self.0.measure.or_measure(|| {
            let commas = self.len().saturating_sub(1);
            self.iter().map(Value::measure).fold(Measure { bytes: 2 + commas, depth: 1 }, |sum, item| Measure {
                bytes: sum.bytes + item.bytes,
                depth: sum.depth.max(item.depth + 1),
            })
        })
    }
}

impl Deref for Array {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.0.items
    }
}

impl From<Vec<Value>> for Array {
    fn from(items: Vec<Value>) -> Self {
        Self(Arc::new(Node { items, measure: Known::default() }))
    }
}

impl FromIterator<Value> for Array {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Self::from(items.into_iter().collect::<Vec<_>>())
    }
}

impl<'a> IntoIterator for &'a Array {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl PartialEq for Array {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self[..] == other[..]
    }
}
