//! Objects: constructors, and groups of items by key.

use std::rc::Rc;
use std::sync::Arc;

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::Machine;
use super::tuple::scope_steps;
use crate::Error;
use crate::compile::ast::{Node, Pairs, Symbol};
use crate::frame::{Env, Frame};
use crate::item::{Flags, Tuple, Val};
use crate::meter::{Hold, MADE_STEPS, Meter};
use crate::sequence::{Items, Seq};

/// What is gathered under one key.
struct Gathered<'e, T> {
    key: Arc<str>,
    /// The value's expression, and the pair it is in.
    value: &'e Node,
    pair: usize,
    items: SmallVec<[T; 1]>,
}

/// Groups in the order of their first items.
struct Groups<'e, T> {
    /// What the groups weigh while they are gathered.
    hold: Hold<'e>,
    groups: Vec<Gathered<'e, T>>,
    /// Positions by key, from [`INDEX_FROM`] groups on: a short list is searched faster than it is hashed.
    index: HashMap<Arc<str>, usize>,
}

const INDEX_FROM: usize = 8;

/// What it takes to put an item to those that have its key.
const GATHER_STEPS: usize = 6;

/// What a group weighs while it is gathered, beside its key.
const GROUP_WEIGHT: usize = 64;

impl<'e, T> Groups<'e, T> {
    fn new(meter: &'e Meter) -> Self {
        Self { hold: Hold::new(meter), groups: Vec::new(), index: HashMap::new() }
    }

    fn find(&self, key: &str) -> Option<usize> {
        if self.groups.len() < INDEX_FROM {
            return self.groups.iter().position(|group| *group.key == *key);
        }
        self.index.get(key).copied()
    }

    /// Puts an item under a key, which is text. It is an error if another pair has the same key.
    fn add(&mut self, key: &Val<'e>, pair: usize, value: &'e Node, item: T, position: usize) -> Result<(), Error> {
        let text = key.as_str().unwrap_or("");
        self.hold.meter().text(text.len())?;
        let Some(group) = self.find(text).and_then(|at| self.groups.get_mut(at)) else {
            let at = self.groups.len();
            self.hold.meter().steps(3 * MADE_STEPS)?;
            self.hold.grow(GROUP_WEIGHT)?;
            let key = key.as_arc_str().unwrap_or_else(|| Arc::from(text));
            self.groups.push(Gathered { key, value, pair, items: SmallVec::from_iter([item]) });
            if at + 1 == INDEX_FROM {
                self.index = self.groups.iter().enumerate().map(|(at, group)| (Arc::clone(&group.key), at)).collect();
            } else if at + 1 > INDEX_FROM
                && let Some(group) = self.groups.last()
            {
                self.index.insert(Arc::clone(&group.key), at);
            }
            return Ok(());
        };
        if group.pair != pair {
            return Err(Error::new("D1009").value(text).at(position));
        }
        self.hold.meter().steps(GATHER_STEPS)?;
        group.items.push(item);
        Ok(())
    }
}

impl<'e> Machine<'e, '_> {
    /// `{…}` that stands alone, in the context of `input`.
    pub(super) fn object(&mut self, pairs: &'e Pairs, input: &Val<'e>, env: &Env<'e>) -> Result<Val<'e>, Error> {
        if input.is_array() || pairs.keys.len() != pairs.pairs.len() {
            return self.group(pairs, input, env);
        }
        let keys = pairs.keys.iter();
        let meter = self.meter;
        meter.steps(2 * MADE_STEPS + 3 * keys.len())?;
        Val::made_by(keys, meter, |at| match pairs.pairs.get(at) {
            Some((_, value)) => {
                meter.touch()?;
                self.eval(value, input, env)
            }
            None => Ok(Val::Undefined),
        })
    }

    /// `{…}` behind an expression whose value is `input`.
    pub(super) fn group(&mut self, pairs: &'e Pairs, input: &Val<'e>, env: &Env<'e>) -> Result<Val<'e>, Error> {
        if let Val::Tuples(tuples) = input {
            return self.group_tuples(pairs, tuples, env);
        }
        let items = Items::or_one(input);
        let mut groups = Groups::new(self.meter);
        let nothing = [Val::Undefined];
        let items = if items.is_empty() { Items::List(&nothing) } else { items };
        let Some(((last_key, last_value), others)) = pairs.pairs.split_last() else { return Val::made(Vec::new(), self.meter) };
        for item in items.iter() {
            for (at, (key, value)) in others.iter().enumerate() {
                if let Some(key) = self.key(key, &item, env, pairs.position)? {
                    groups.add(&key, at, value, item.clone(), pairs.position)?;
                }
            }
            if let Some(key) = self.key(last_key, &item, env, pairs.position)? {
                groups.add(&key, others.len(), last_value, item, pairs.position)?;
            }
        }
        let mut members = Vec::with_capacity(groups.groups.len());
        for group in groups.groups {
            let context = self.together(group.items)?;
            let value = self.eval(group.value, &context, env)?;
            if !value.is_undefined() {
                members.push((group.key, value));
            }
        }
        Val::made(members, self.meter)
    }

    pub(super) fn group_tuples(&mut self, pairs: &'e Pairs, tuples: &[Tuple<'e>], env: &Env<'e>) -> Result<Val<'e>, Error> {
        let mut groups = Groups::new(self.meter);
        for tuple in tuples {
            self.meter.steps(scope_steps(tuple))?;
            let inner = Frame::inside(env, tuple.bindings.clone());
            for (at, (key, value)) in pairs.pairs.iter().enumerate() {
                if let Some(key) = self.key(key, &tuple.item, &inner, pairs.position)? {
                    groups.add(&key, at, value, tuple, pairs.position)?;
                }
            }
        }
        let mut members = Vec::with_capacity(groups.groups.len());
        for group in groups.groups {
            let mut bindings: SmallVec<[(Symbol, Val<'e>); 2]> = SmallVec::new();
            let symbols: SmallVec<[Symbol; 4]> =
                group.items.iter().flat_map(|tuple| &tuple.bindings).map(|(symbol, _)| *symbol).fold(
                    SmallVec::new(),
                    |mut known, symbol| {
                        if !known.contains(&symbol) {
                            known.push(symbol);
                        }
                        known
                    },
                );
            for symbol in symbols {
                let values = group.items.iter().filter_map(|tuple| tuple.bindings.iter().find(|(known, _)| *known == symbol));
                let values = values.map(|(_, value)| value.clone()).collect();
                bindings.push((symbol, self.together(values)?));
            }
            let context = self.together(group.items.iter().map(|tuple| tuple.item.clone()).collect())?;
            let inner = Frame::inside(env, bindings);
            let value = self.eval(group.value, &context, &inner)?;
            if !value.is_undefined() {
                members.push((group.key, value));
            }
        }
        Val::made(members, self.meter)
    }

    /// A pair's key for an item. A key that is nothing leaves the item out.
    fn key(&mut self, key: &'e Node, item: &Val<'e>, env: &Env<'e>, position: usize) -> Result<Option<Val<'e>>, Error> {
        match self.eval(key, item, env)? {
            Val::Undefined => Ok(None),
            key @ (Val::Str(_) | Val::Text(_)) => Ok(Some(key)),
            value => Err(Error::new("T1003").value(value.describe()).at(position)),
        }
    }

    /// One item as itself, more as an array.
    fn together(&mut self, mut items: SmallVec<[Val<'e>; 1]>) -> Result<Val<'e>, Error> {
        if items.len() == 1 {
            return Ok(items.pop().unwrap_or(Val::Undefined));
        }
        self.meter.steps(2 * items.len())?;
        let mut all = Seq::with_capacity(items.len(), self.meter)?;
        for item in items {
            all.push_flat(item)?;
        }
        all.into_list(Flags::ARRAY)
    }

    /// Tuples as a value.
    pub(super) fn tuples(tuples: Vec<Tuple<'e>>) -> Val<'e> {
        Val::Tuples(Rc::new(tuples))
    }
}
