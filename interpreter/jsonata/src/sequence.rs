//! Many values: a view on any array, and what collects the values of a result.

use std::rc::Rc;

use smallvec::SmallVec;
use statewright_value::Value;

use crate::Error;
use crate::item::{Doc, Extent, Flags, List, Source, Val};
use crate::meter::{Hold, Meter};

/// The elements of an array, whoever made it.
#[derive(Clone, Copy)]
pub(crate) enum Items<'a, 'e> {
    /// Those of an array that outlives the evaluation.
    Lent(&'e [Value]),
    /// Those of an array that is part of what the evaluation made.
    Json(&'a [Value], &'a Source<'e>),
    /// Those of an array that the evaluation made.
    List(&'a [Val<'e>]),
}

/// Goes through the elements of an array.
pub(crate) enum ItemsIter<'a, 'e> {
    Lent(std::slice::Iter<'e, Value>),
    Json(std::slice::Iter<'a, Value>, &'a Source<'e>),
    List(std::slice::Iter<'a, Val<'e>>),
}

impl<'e> Iterator for ItemsIter<'_, 'e> {
    type Item = Val<'e>;

    #[inline]
    fn next(&mut self) -> Option<Val<'e>> {
        match self {
            ItemsIter::Lent(items) => items.next().map(Val::lent),
            ItemsIter::Json(items, source) => items.next().map(|item| Val::part(item, source)),
            ItemsIter::List(items) => items.next().cloned(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            ItemsIter::Lent(items) | ItemsIter::Json(items, _) => items.size_hint(),
            ItemsIter::List(items) => items.size_hint(),
        }
    }
}

impl<'e> DoubleEndedIterator for ItemsIter<'_, 'e> {
    fn next_back(&mut self) -> Option<Val<'e>> {
        match self {
            ItemsIter::Lent(items) => items.next_back().map(Val::lent),
            ItemsIter::Json(items, source) => items.next_back().map(|item| Val::part(item, source)),
            ItemsIter::List(items) => items.next_back().cloned(),
        }
    }
}

impl ExactSizeIterator for ItemsIter<'_, '_> {}

impl<'a, 'e> Items<'a, 'e> {
    /// The elements of `value`, if it is an array.
    #[inline]
    pub(crate) fn of(value: &'a Val<'e>) -> Option<Self> {
        match value {
            Val::Array(Doc::Lent(items)) => Some(Items::Lent(items)),
            Val::Array(Doc::Own(items, source)) => Some(Items::Json(items, source)),
            Val::List(list) => Some(Items::List(&list.items)),
            _ => None,
        }
    }

    /// The elements of `value`, or `value` itself as the only one.
    #[inline]
    pub(crate) fn or_one(value: &'a Val<'e>) -> Self {
        Self::of(value).unwrap_or_else(|| Items::List(std::slice::from_ref(value)))
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Items::Lent(items) | Items::Json(items, _) => items.len(),
            Items::List(items) => items.len(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<Val<'e>> {
        match self {
            Items::Lent(items) => items.get(index).map(Val::lent),
            Items::Json(items, source) => items.get(index).map(|item| Val::part(item, source)),
            Items::List(items) => items.get(index).cloned(),
        }
    }

    #[inline]
    pub(crate) fn iter(self) -> ItemsIter<'a, 'e> {
        match self {
            Items::Lent(items) => ItemsIter::Lent(items.iter()),
            Items::Json(items, source) => ItemsIter::Json(items.iter(), source),
            Items::List(items) => ItemsIter::List(items.iter()),
        }
    }

    pub(crate) fn to_vec(self) -> Vec<Val<'e>> {
        self.iter().collect()
    }
}

/// Collects the values of a result, and weighs them as they come.
pub(crate) struct Seq<'e> {
    items: SmallVec<[Val<'e>; 1]>,
    hold: Hold<'e>,
    inside: Extent,
}

impl<'e> Seq<'e> {
    #[inline]
    pub(crate) fn new(meter: &'e Meter) -> Self {
        Self { items: SmallVec::new(), hold: Hold::new(meter), inside: Extent::default() }
    }

    /// With room for `capacity` values, if so many can be held.
    pub(crate) fn with_capacity(capacity: usize, meter: &'e Meter) -> Result<Self, Error> {
        meter.foresee(capacity.saturating_mul(8))?;
        Ok(Self { items: SmallVec::with_capacity(capacity), hold: Hold::new(meter), inside: Extent::default() })
    }

    /// Makes room for `count` values or so, if they are more than one.
    #[inline]
    pub(crate) fn reserve(&mut self, count: usize) {
        self.items.reserve(count.min(1 << 16));
    }

    #[inline]
    pub(crate) fn push(&mut self, value: Val<'e>) -> Result<(), Error> {
        self.hold.grow(value.weight())?;
        self.inside.add(&value);
        self.items.push(value);
        Ok(())
    }

    /// Adds the elements of an array, or a value that is none.
    #[inline]
    pub(crate) fn push_flat(&mut self, value: Val<'e>) -> Result<(), Error> {
        match value {
            Val::Undefined => Ok(()),
            Val::Array(Doc::Lent(items)) => self.extend(items.iter().map(Val::lent)),
            Val::Array(Doc::Own(items, source)) => self.extend(items.iter().map(|item| Val::part(item, &source))),
            Val::List(list) => match Rc::try_unwrap(list) {
                Ok(mut list) => self.extend(std::mem::take(&mut list.items)),
                Err(list) => self.extend(list.items.iter().cloned()),
            },
            value => self.push(value),
        }
    }

    /// Adds values, each of which takes a step and a half.
    pub(crate) fn extend(&mut self, values: impl IntoIterator<Item = Val<'e>>) -> Result<(), Error> {
        let values = values.into_iter();
        let least = values.size_hint().0;
        self.hold.meter().foresee(least.saturating_mul(8))?;
        self.hold.meter().steps(least + least / 2)?;
        self.items.reserve(least);
        for value in values {
            self.push(value)?;
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(crate) fn as_slice(&self) -> &[Val<'e>] {
        &self.items
    }

    /// As the result of an expression: nothing, the one value, or an array.
    #[inline]
    pub(crate) fn finish(mut self) -> Result<Val<'e>, Error> {
        match self.items.len() {
            0 => Ok(Val::Undefined),
            1 => Ok(self.items.pop().unwrap_or(Val::Undefined)),
            _ => self.into_list(Flags::SEQUENCE),
        }
    }

    /// As the result of an expression whose caller may yet ask that one value stay an array.
    pub(crate) fn into_sequence(self) -> Result<Val<'e>, Error> {
        if self.items.is_empty() { Ok(Val::Undefined) } else { self.into_list(Flags::SEQUENCE) }
    }

    /// As an array.
    pub(crate) fn into_array(self) -> Result<Val<'e>, Error> {
        self.into_list(Flags::ARRAY)
    }

    pub(crate) fn into_list(self, flags: Flags) -> Result<Val<'e>, Error> {
        Ok(Val::List(Rc::new(List::from_parts(self.items.into_vec(), flags, self.inside, self.hold)?)))
    }
}
