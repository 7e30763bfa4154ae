//! What expressions compute with: JSON values that are shared with their documents, what an evaluation makes of them, and
//! functions.

use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use smallvec::SmallVec;
use statewright_value::{Array, Object, Value};

use crate::compile::ast::Symbol;
use crate::frame::Function;
use crate::function::Builtin;
use crate::meter::{Hold, Meter};
use crate::number::Num;
use crate::regex::Regex;
use crate::{Bound, Error};

/// A value during evaluation.
///
/// It is moved as a whole a few times for each part of an expression, which takes a quarter longer if what tells its kind is written
/// as a single byte: hence the representation.
#[derive(Clone, Debug)]
#[repr(u64)]
pub(crate) enum Val<'e> {
    Undefined,
    Null,
    Bool(bool),
    Num(Num),
    /// A string of a document, of the expression, or a short one.
    Str(Doc<'e, Arc<str>>),
    /// A long string that the evaluation made.
    Text(Rc<Text<'e>>),
    /// An array of a document.
    Array(Doc<'e, Array>),
    /// An array that the evaluation made.
    List(Rc<List<'e>>),
    /// Items with variables bound to each, inside a path.
    Tuples(Rc<Vec<Tuple<'e>>>),
    /// An object of a document.
    Object(Doc<'e, Object>),
    /// An object that the evaluation made.
    Made(Rc<Made<'e>>),
    Function(Rc<Function<'e>>),
    Builtin(&'static Builtin),
    Regex(&'e Regex),
}

/// A part of a document, which costs nothing to hand on where the document is there all through the evaluation, as those are that
/// variables are bound to from outside.
#[derive(Debug)]
pub(crate) enum Doc<'e, T> {
    /// Part of what outlives the evaluation.
    Lent(&'e T),
    /// One of those who share it.
    Own(T),
}

impl<T> Deref for Doc<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match self {
            Doc::Lent(shared) => shared,
            Doc::Own(own) => own,
        }
    }
}

impl<T: Clone> Clone for Doc<'_, T> {
    #[inline]
    fn clone(&self) -> Self {
        match self {
            Doc::Lent(shared) => Doc::Lent(shared),
            Doc::Own(own) => Doc::Own(own.clone()),
        }
    }
}

impl<T: Clone> Doc<'_, T> {
    /// For those who may keep it longer.
    #[inline]
    pub(crate) fn into_own(self) -> T {
        match self {
            Doc::Lent(shared) => shared.clone(),
            Doc::Own(own) => own,
        }
    }
}

/// A long string that the evaluation made.
#[derive(Debug)]
pub(crate) struct Text<'e> {
    pub(crate) text: Arc<str>,
    hold: Hold<'e>,
}

/// An array that the evaluation made.
#[derive(Debug)]
pub(crate) struct List<'e> {
    pub(crate) items: Vec<Val<'e>>,
    pub(crate) flags: Flags,
    /// How many lists are nested, this one included.
    nesting: u32,
    hold: Hold<'e>,
}

impl<'e> List<'e> {
    /// A list of items that `hold` weighs and of which the deepest is nested `nesting` deep.
    pub(crate) fn from_parts(items: Vec<Val<'e>>, flags: Flags, nesting: u32, hold: Hold<'e>) -> Result<Self, Error> {
        if nesting >= NESTING_MAX {
            return Err(Error::bound(Bound::Depth));
        }
        Ok(Self { items, flags, nesting: nesting + 1, hold })
    }

    /// The same list with other flags.
    pub(crate) fn with_flags(mut list: Rc<Self>, flags: Flags) -> Result<Rc<Self>, Error> {
        if let Some(own) = Rc::get_mut(&mut list) {
            own.flags = flags;
            return Ok(list);
        }
        list.hold.meter().steps(3 * list.items.len())?;
        let hold = Hold::on(list.hold.meter(), list.hold.bytes())?;
        Ok(Rc::new(List { items: list.items.clone(), flags, nesting: list.nesting, hold }))
    }
}

/// What makes a list special.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flags {
    /// A sequence: if it has one item, it is that item; if it has none, it is nothing.
    pub(crate) sequence: bool,
    /// A sequence that stays an array even with one item.
    pub(crate) keep_singleton: bool,
    /// Made by an array constructor at the end of a path: one item of the path's result.
    pub(crate) cons: bool,
    /// Holds the whole input, which is an array, as its one item.
    pub(crate) outer: bool,
}

impl Flags {
    pub(crate) const SEQUENCE: Flags = Flags { sequence: true, keep_singleton: false, cons: false, outer: false };
    pub(crate) const ARRAY: Flags = Flags { sequence: false, keep_singleton: false, cons: false, outer: false };
}

/// An item of a path's result with the variables that are bound to it.
#[derive(Clone, Debug)]
pub(crate) struct Tuple<'e> {
    pub(crate) item: Val<'e>,
    pub(crate) bindings: SmallVec<[(Symbol, Val<'e>); 2]>,
}

impl<'e> Tuple<'e> {
    pub(crate) fn bind(&mut self, symbol: Symbol, value: Val<'e>) {
        match self.bindings.iter_mut().find(|(known, _)| *known == symbol) {
            Some((_, slot)) => *slot = value,
            None => self.bindings.push((symbol, value)),
        }
    }
}

/// An object that the evaluation made.
#[derive(Debug)]
pub(crate) struct Made<'e> {
    pub(crate) members: Members<'e>,
    nesting: u32,
    hold: Hold<'e>,
}

/// The members of an object that the evaluation made.
#[derive(Debug)]
pub(crate) enum Members<'e> {
    /// JSON, which almost all are.
    Json(Object),
    /// Among them functions, or numbers that JSON cannot hold.
    Mixed(Vec<(Arc<str>, Val<'e>)>),
}

impl Members<'_> {
    fn into_value(self) -> Option<Value> {
        match self {
            Members::Json(members) => Some(Value::Object(members)),
            mixed @ Members::Mixed(_) => mixed.to_value(),
        }
    }

    fn to_value(&self) -> Option<Value> {
        match self {
            Members::Json(members) => Some(Value::Object(members.clone())),
            Members::Mixed(members) => members
                .iter()
                .map(|(key, value)| Some((Arc::clone(key), value.clone().into_value()?)))
                .collect::<Option<Object>>()
                .map(Value::Object),
        }
    }
}

/// Fails for JSON that is nested too deep to be put into an object.
fn check_depth(value: &Value) -> Result<(), Error> {
    if matches!(value, Value::Array(_) | Value::Object(_)) && value.measure().depth >= NESTING_MAX as usize {
        return Err(Error::bound(Bound::Depth));
    }
    Ok(())
}

/// How deep arrays and objects that an evaluation makes may be nested.
const NESTING_MAX: u32 = 250;

/// What it takes to make a string, beside its characters.
const TEXT_STEPS: usize = 8;

/// What a list or a function adds to the weight of what holds it: it is more than what it holds.
const HOLDER_WEIGHT: usize = 32;

/// Strings that are longer are held.
const SHORT: usize = 256;

impl<'e> Val<'e> {
    /// A value that outlives the evaluation.
    #[inline]
    pub(crate) fn lent(value: &'e Value) -> Self {
        match value {
            Value::Null => Val::Null,
            Value::Bool(value) => Val::Bool(*value),
            Value::Number(number) => Val::Num(Num::from(*number)),
            Value::String(text) => Val::Str(Doc::Lent(text)),
            Value::Array(items) => Val::Array(Doc::Lent(items)),
            Value::Object(members) => Val::Object(Doc::Lent(members)),
        }
    }

    /// A value that may be gone before the evaluation ends, of which this is one more holder.
    #[inline]
    pub(crate) fn own(value: &Value) -> Self {
        match value {
            Value::Null => Val::Null,
            Value::Bool(value) => Val::Bool(*value),
            Value::Number(number) => Val::Num(Num::from(*number)),
            Value::String(text) => Val::Str(Doc::Own(Arc::clone(text))),
            Value::Array(items) => Val::Array(Doc::Own(items.clone())),
            Value::Object(members) => Val::Object(Doc::Own(members.clone())),
        }
    }

    pub(crate) fn int(value: usize) -> Self {
        Val::Num(Num::Int(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    pub(crate) fn short(text: &str) -> Self {
        Val::Str(Doc::Own(Arc::from(text)))
    }

    /// A string that the evaluation made.
    pub(crate) fn text(text: String, meter: &'e Meter) -> Result<Self, Error> {
        meter.steps(TEXT_STEPS + text.len() / 64)?;
        if text.len() <= SHORT {
            return Ok(Val::Str(Doc::Own(Arc::from(text))));
        }
        let hold = Hold::on(meter, text.len())?;
        Ok(Val::Text(Rc::new(Text { text: Arc::from(text), hold })))
    }

    /// An array that the evaluation made.
    pub(crate) fn list(items: Vec<Val<'e>>, flags: Flags, meter: &'e Meter) -> Result<Self, Error> {
        let nesting = items.iter().map(Val::nesting).max().unwrap_or(0);
        let hold = Hold::on(meter, items.iter().map(Val::weight).sum())?;
        Ok(Val::List(Rc::new(List::from_parts(items, flags, nesting, hold)?)))
    }

    /// An object that the evaluation made, of members whose keys differ.
    pub(crate) fn made(members: Vec<(Arc<str>, Val<'e>)>, meter: &'e Meter) -> Result<Self, Error> {
        let mut weight = 16 + 8 * members.len();
        let mut json = Vec::with_capacity(members.len());
        for (key, value) in &members {
            meter.steps(value.parts())?;
            let Some(value) = value.to_json(&mut weight) else { return Self::mixed(members, meter) };
            check_depth(&value)?;
            json.push((Arc::clone(key), value));
        }
        Self::made_of(Object::from_distinct(json), weight, meter)
    }

    /// An object that the evaluation made, of what `value` answers for each key; keys whose value is nothing are left out.
    pub(crate) fn made_by<'k>(
        keys: impl ExactSizeIterator<Item = &'k Arc<str>>,
        meter: &'e Meter,
        mut value: impl FnMut(usize) -> Result<Val<'e>, Error>,
    ) -> Result<Self, Error> {
        let mut weight = 16 + 8 * keys.len();
        let mut json: Vec<(Arc<str>, Value)> = Vec::with_capacity(keys.len());
        let mut keys = keys.enumerate();
        while let Some((at, key)) = keys.next() {
            let member = value(at)?;
            if member.is_undefined() {
                continue;
            }
            meter.steps(member.parts())?;
            let Some(member_json) = member.to_json(&mut weight) else {
                // Not JSON: what is known so far and what follows are kept as they are.
                let mut members: Vec<_> = json.iter().map(|(key, value)| (Arc::clone(key), Val::own(value))).collect();
                members.push((Arc::clone(key), member));
                for (at, key) in keys {
                    let member = value(at)?;
                    if !member.is_undefined() {
                        members.push((Arc::clone(key), member));
                    }
                }
                return Self::mixed(members, meter);
            };
            check_depth(&member_json)?;
            json.push((Arc::clone(key), member_json));
        }
        Self::made_of(Object::from_distinct(json), weight, meter)
    }

    /// An object that the evaluation made, of JSON that weighs `weight`.
    pub(crate) fn made_of(json: Object, weight: usize, meter: &'e Meter) -> Result<Self, Error> {
        let hold = Hold::on(meter, weight)?;
        Ok(Val::Made(Rc::new(Made { members: Members::Json(json), nesting: 1, hold })))
    }

    fn mixed(members: Vec<(Arc<str>, Val<'e>)>, meter: &'e Meter) -> Result<Self, Error> {
        let nesting = 1 + members.iter().map(|(_, value)| value.nesting()).max().unwrap_or(0);
        if nesting > NESTING_MAX {
            return Err(Error::bound(Bound::Depth));
        }
        let hold = Hold::on(meter, 16 + members.iter().map(|(_, value)| 8 + value.weight()).sum::<usize>())?;
        Ok(Val::Made(Rc::new(Made { members: Members::Mixed(members), nesting, hold })))
    }

    #[inline]
    pub(crate) fn is_undefined(&self) -> bool {
        matches!(self, Val::Undefined)
    }

    pub(crate) fn is_function(&self) -> bool {
        matches!(self, Val::Function(_) | Val::Builtin(_) | Val::Regex(_))
    }

    pub(crate) fn is_array(&self) -> bool {
        matches!(self, Val::Array(_) | Val::List(_) | Val::Tuples(_))
    }

    pub(crate) fn is_object(&self) -> bool {
        matches!(self, Val::Object(_) | Val::Made(_))
    }

    pub(crate) fn is_sequence(&self) -> bool {
        matches!(self, Val::List(list) if list.flags.sequence)
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Val::Str(text) => Some(text),
            Val::Text(text) => Some(&text.text),
            _ => None,
        }
    }

    pub(crate) fn as_arc_str(&self) -> Option<Arc<str>> {
        match self {
            Val::Str(text) => Some(text.clone().into_own()),
            Val::Text(text) => Some(Arc::clone(&text.text)),
            _ => None,
        }
    }

    pub(crate) fn as_num(&self) -> Option<Num> {
        if let Val::Num(number) = self { Some(*number) } else { None }
    }

    /// What is at the end of one of the evaluation's names: nothing, a value, or many.
    pub(crate) fn member(&self, key: &str) -> Option<Val<'e>> {
        match self {
            Val::Object(Doc::Lent(members)) => members.get(key).map(Val::lent),
            Val::Object(Doc::Own(members)) => members.get(key).map(Val::own),
            Val::Made(made) => match &made.members {
                Members::Json(members) => members.get(key).map(Val::own),
                Members::Mixed(members) => members.iter().find(|(name, _)| **name == *key).map(|(_, value)| value.clone()),
            },
            _ => None,
        }
    }

    /// The members of an object in their order.
    pub(crate) fn members(&self) -> Vec<(Arc<str>, Val<'e>)> {
        let json = |members: &Object| members.iter().map(|(key, value)| (Arc::clone(key), Val::own(value))).collect();
        match self {
            Val::Object(Doc::Lent(members)) => members.iter().map(|(key, value)| (Arc::clone(key), Val::lent(value))).collect(),
            Val::Object(Doc::Own(members)) => json(members),
            Val::Made(made) => match &made.members {
                Members::Json(members) => json(members),
                Members::Mixed(members) => members.clone(),
            },
            _ => Vec::new(),
        }
    }

    pub(crate) fn member_count(&self) -> usize {
        match self {
            Val::Object(members) => members.len(),
            Val::Made(made) => match &made.members {
                Members::Json(members) => members.len(),
                Members::Mixed(members) => members.len(),
            },
            _ => 0,
        }
    }

    /// What it adds to the weight of a list that it is put into. What holds its own weight adds a reference.
    #[inline]
    pub(crate) fn weight(&self) -> usize {
        match self {
            Val::Str(text) => text.len().max(8),
            Val::List(_) | Val::Function(_) => HOLDER_WEIGHT,
            _ => 8,
        }
    }

    /// The weight of an object that the evaluation made, for a copy of it.
    pub(crate) fn made_weight(&self) -> usize {
        if let Val::Made(made) = self { made.hold.bytes() } else { 0 }
    }

    pub(crate) fn nesting(&self) -> u32 {
        match self {
            Val::List(list) => list.nesting,
            Val::Made(made) => made.nesting,
            _ => 0,
        }
    }

    /// As JSON if it is that; its weight is added to `weight`.
    fn to_json(&self, weight: &mut usize) -> Option<Value> {
        *weight += self.weight();
        Some(match self {
            Val::Null => Value::Null,
            Val::Bool(value) => Value::Bool(*value),
            Val::Num(number) if number.is_finite() => number.to_value(),
            Val::Str(text) => Value::String(text.clone().into_own()),
            Val::Text(text) => {
                *weight += text.hold.bytes();
                Value::String(Arc::clone(&text.text))
            }
            Val::Array(items) => Value::Array(items.clone().into_own()),
            Val::Object(members) => Value::Object(members.clone().into_own()),
            Val::List(list) => Value::Array(list.items.iter().map(|item| item.to_json(weight)).collect::<Option<Array>>()?),
            Val::Made(made) => {
                *weight += made.hold.bytes();
                match &made.members {
                    Members::Json(members) => Value::Object(members.clone()),
                    Members::Mixed(_) => return None,
                }
            }
            _ => return None,
        })
    }

    /// How many values are taken hold of where a list becomes JSON.
    #[inline]
    fn parts(&self) -> usize {
        if let Val::List(list) = self { list.items.iter().map(|item| 4 + item.parts()).sum() } else { 0 }
    }

    /// [`Val::into_value`], counted.
    pub(crate) fn into_json(self, meter: &Meter) -> Result<Option<Value>, Error> {
        meter.steps(self.parts())?;
        Ok(self.into_value())
    }

    /// As JSON, where functions are nothing and infinite numbers are their names; `None` for a function, wherever it is.
    pub(crate) fn into_value(self) -> Option<Value> {
        match self {
            Val::Undefined => Some(Value::Null),
            Val::Num(number) => Some(number.to_value()),
            Val::Str(text) => Some(Value::String(text.into_own())),
            Val::Array(items) => Some(Value::Array(items.into_own())),
            Val::Object(members) => Some(Value::Object(members.into_own())),
            Val::List(list) => {
                // The only holder may take the items apart, which saves counting references.
                let items = match Rc::try_unwrap(list) {
                    Ok(mut list) => std::mem::take(&mut list.items),
                    Err(list) => list.items.clone(),
                };
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    values.push(match item {
                        Val::Object(members) => Value::Object(members.into_own()),
                        Val::Num(number) => number.to_value(),
                        item => item.into_value()?,
                    });
                }
                Some(Value::from(values))
            }
            Val::Made(made) => match Rc::try_unwrap(made) {
                Ok(made) => made.members.into_value(),
                Err(made) => made.members.to_value(),
            },
            other => other.to_json(&mut 0),
        }
    }

    /// As an error shows it.
    pub(crate) fn describe(&self) -> Value {
        self.clone().into_value().unwrap_or(Value::Null)
    }
}
