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
    Str(Str<'e>),
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

/// A string that nobody holds.
#[derive(Clone, Debug)]
pub(crate) enum Str<'e> {
    /// Of what outlives the evaluation.
    Lent(&'e Arc<str>),
    /// A short one.
    Own(Arc<str>),
}

impl Deref for Str<'_> {
    type Target = Arc<str>;

    #[inline]
    fn deref(&self) -> &Arc<str> {
        match self {
            Str::Lent(text) => text,
            Str::Own(text) => text,
        }
    }
}

/// A part of a document, which costs nothing to hand on where the document is there all through the evaluation, as those are that
/// variables are bound to from outside.
#[derive(Debug)]
pub(crate) enum Doc<'e, T> {
    /// Part of what outlives the evaluation.
    Lent(&'e T),
    /// Part of what the evaluation made, all of which it keeps: so it weighs nothing itself.
    Own(T, Source<'e>),
}

/// What the evaluation made and a part was taken out of.
pub(crate) type Source<'e> = Rc<Made<'e>>;

impl<T> Deref for Doc<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match self {
            Doc::Lent(shared) => shared,
            Doc::Own(own, _) => own,
        }
    }
}

impl<T: Clone> Clone for Doc<'_, T> {
    #[inline]
    fn clone(&self) -> Self {
        match self {
            Doc::Lent(shared) => Doc::Lent(shared),
            Doc::Own(own, source) => Doc::Own(own.clone(), Rc::clone(source)),
        }
    }
}

impl<T: Clone> Doc<'_, T> {
    /// For those who may keep it longer.
    #[inline]
    pub(crate) fn into_own(self) -> T {
        match self {
            Doc::Lent(shared) => shared.clone(),
            Doc::Own(own, _) => own,
        }
    }
}

/// A long string that the evaluation made, or a part of what it made.
#[derive(Debug)]
pub(crate) struct Text<'e> {
    pub(crate) text: Arc<str>,
    _hold: Option<Hold<'e>>,
    _source: Option<Source<'e>>,
}

/// An array that the evaluation made.
#[derive(Debug)]
pub(crate) struct List<'e> {
    pub(crate) items: Vec<Val<'e>>,
    pub(crate) flags: Flags,
    /// What is inside, this list included.
    extent: Extent,
    hold: Hold<'e>,
}

/// How much lists hold that may be shared among them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extent {
    /// How many lists and objects are nested.
    nesting: u32,
    /// What it takes to make JSON of them, where nothing is shared: [`PART_STEPS`] for each value in them, and no more than can be
    /// counted.
    parts: usize,
}

/// What it takes to put a value into JSON.
const PART_STEPS: usize = 4;

impl Extent {
    /// With one more value inside.
    #[inline]
    pub(crate) fn add(&mut self, value: &Val<'_>) {
        let inner = match value {
            Val::List(list) => &list.extent,
            Val::Made(made) => &made.extent,
            _ => return,
        };
        self.nesting = self.nesting.max(inner.nesting);
        self.parts = self.parts.saturating_add(inner.parts);
    }

    fn of<'v, 'e: 'v>(values: impl IntoIterator<Item = &'v Val<'e>>) -> Self {
        values.into_iter().fold(Self::default(), |mut extent, value| {
            extent.add(value);
            extent
        })
    }

    /// Of what holds `count` values in which there is so much.
    fn around(self, count: usize) -> Result<Self, Error> {
        if self.nesting >= NESTING_MAX {
            return Err(Error::bound(Bound::Depth));
        }
        Ok(Self { nesting: self.nesting + 1, parts: self.parts.saturating_add(PART_STEPS * count) })
    }
}

impl<'e> List<'e> {
    /// A list of items that `hold` weighs, with so much inside.
    pub(crate) fn from_parts(items: Vec<Val<'e>>, flags: Flags, inside: Extent, hold: Hold<'e>) -> Result<Self, Error> {
        let extent = inside.around(items.len())?;
        Ok(Self { items, flags, extent, hold })
    }

    /// The same list with other flags.
    pub(crate) fn with_flags(mut list: Rc<Self>, flags: Flags) -> Result<Rc<Self>, Error> {
        if let Some(own) = Rc::get_mut(&mut list) {
            own.flags = flags;
            return Ok(list);
        }
        list.hold.meter().steps(3 * list.items.len())?;
        let hold = Hold::on(list.hold.meter(), list.hold.bytes())?;
        Ok(Rc::new(List { items: list.items.clone(), flags, extent: list.extent, hold }))
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
    extent: Extent,
    hold: Hold<'e>,
}

/// What an object of JSON adds to what it is in: it is shared as a whole.
const JSON_EXTENT: Extent = Extent { nesting: 1, parts: 0 };

impl<'e> Made<'e> {
    /// Keeps a weight for values that are handed out as its parts.
    pub(crate) fn keeper(weight: usize, meter: &'e Meter) -> Result<Source<'e>, Error> {
        Ok(Rc::new(Made { members: Members::Json(Object::new()), extent: JSON_EXTENT, hold: Hold::on(meter, weight)? }))
    }
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

/// What JSON weighs whose parts were not weighed one by one, for each byte of its text.
const JSON_WEIGHT: usize = 2;

/// What JSON weighs that somebody else has made.
pub(crate) fn made_weight(value: &Value) -> usize {
    JSON_WEIGHT * value.measure().bytes
}

/// How many values of a list an error shows.
const DESCRIBED_MAX: usize = 10_000;

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
            Value::String(text) => Val::Str(Str::Lent(text)),
            Value::Array(items) => Val::Array(Doc::Lent(items)),
            Value::Object(members) => Val::Object(Doc::Lent(members)),
        }
    }

    /// A part of what the evaluation made.
    #[inline]
    pub(crate) fn part(value: &Value, source: &Source<'e>) -> Self {
        match value {
            Value::Null => Val::Null,
            Value::Bool(value) => Val::Bool(*value),
            Value::Number(number) => Val::Num(Num::from(*number)),
            Value::String(text) if text.len() <= SHORT => Val::Str(Str::Own(Arc::clone(text))),
            Value::String(text) => {
                Val::Text(Rc::new(Text { text: Arc::clone(text), _hold: None, _source: Some(Rc::clone(source)) }))
            }
            Value::Array(items) => Val::Array(Doc::Own(items.clone(), Rc::clone(source))),
            Value::Object(members) => Val::Object(Doc::Own(members.clone(), Rc::clone(source))),
        }
    }

    /// An array of values that a function of the host's has made.
    pub(crate) fn list_of(values: &[Value], flags: Flags, meter: &'e Meter) -> Result<Self, Error> {
        meter.foresee(8 * values.len())?;
        let held = values.iter().filter(|value| match value {
            Value::String(text) => text.len() > SHORT,
            Value::Array(_) | Value::Object(_) => true,
            _ => false,
        });
        let keeper = Made::keeper(held.map(made_weight).sum(), meter)?;
        Self::list(values.iter().map(|value| Val::part(value, &keeper)).collect(), flags, meter)
    }

    pub(crate) fn int(value: usize) -> Self {
        Val::Num(Num::Int(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    pub(crate) fn short(text: &str) -> Self {
        Val::Str(Str::Own(Arc::from(text)))
    }

    /// A string that the evaluation made.
    pub(crate) fn text(text: String, meter: &'e Meter) -> Result<Self, Error> {
        meter.steps(TEXT_STEPS + text.len() / 64)?;
        if text.len() <= SHORT {
            return Ok(Val::Str(Str::Own(Arc::from(text))));
        }
        let hold = Hold::on(meter, text.len())?;
        Ok(Val::Text(Rc::new(Text { text: Arc::from(text), _hold: Some(hold), _source: None })))
    }

    /// An array that the evaluation made.
    pub(crate) fn list(items: Vec<Val<'e>>, flags: Flags, meter: &'e Meter) -> Result<Self, Error> {
        let hold = Hold::on(meter, items.iter().map(Val::weight).sum())?;
        let inside = Extent::of(&items);
        Ok(Val::List(Rc::new(List::from_parts(items, flags, inside, hold)?)))
    }

    /// An object that the evaluation made, of members whose keys differ.
    pub(crate) fn made(members: Vec<(Arc<str>, Val<'e>)>, meter: &'e Meter) -> Result<Self, Error> {
        let mut weight = 16 + 8 * members.len();
        let mut json = Vec::with_capacity(members.len());
        for (key, value) in &members {
            value.check_parts(meter)?;
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
            member.check_parts(meter)?;
            let Some(member_json) = member.to_json(&mut weight) else {
                // Not JSON: what is known so far and what follows are kept as they are.
                let keeper = Made::keeper(weight, meter)?;
                let mut members: Vec<_> = json.iter().map(|(key, value)| (Arc::clone(key), Val::part(value, &keeper))).collect();
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
        Ok(Val::Made(Rc::new(Made { members: Members::Json(json), extent: JSON_EXTENT, hold })))
    }

    fn mixed(members: Vec<(Arc<str>, Val<'e>)>, meter: &'e Meter) -> Result<Self, Error> {
        let extent = Extent::of(members.iter().map(|(_, value)| value)).around(members.len())?;
        let hold = Hold::on(meter, 16 + members.iter().map(|(_, value)| 8 + value.weight()).sum::<usize>())?;
        Ok(Val::Made(Rc::new(Made { members: Members::Mixed(members), extent, hold })))
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
            Val::Str(text) => Some(Arc::clone(text)),
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
            Val::Object(Doc::Own(members, source)) => members.get(key).map(|value| Val::part(value, source)),
            Val::Made(made) => match &made.members {
                Members::Json(members) => members.get(key).map(|value| Val::part(value, made)),
                Members::Mixed(members) => members.iter().find(|(name, _)| **name == *key).map(|(_, value)| value.clone()),
            },
            _ => None,
        }
    }

    /// The members of an object in their order.
    pub(crate) fn members(&self) -> Vec<(Arc<str>, Val<'e>)> {
        let json = |members: &Object, source: &Source<'e>| {
            members.iter().map(|(key, value)| (Arc::clone(key), Val::part(value, source))).collect()
        };
        match self {
            Val::Object(Doc::Lent(members)) => members.iter().map(|(key, value)| (Arc::clone(key), Val::lent(value))).collect(),
            Val::Object(Doc::Own(members, source)) => json(members, source),
            Val::Made(made) => match &made.members {
                Members::Json(members) => json(members, made),
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

    /// The weight of what the evaluation made, for JSON that takes hold of it. Documents that are handed in weigh nothing.
    pub(crate) fn made_weight(&self) -> usize {
        let part = |value: Value, source: &Source<'e>| (2 * JSON_WEIGHT * value.measure().bytes).min(source.hold.bytes());
        match self {
            Val::Text(text) => text.text.len(),
            Val::Made(made) => made.hold.bytes(),
            Val::Array(Doc::Own(items, source)) => part(Value::Array(items.clone()), source),
            Val::Object(Doc::Own(members, source)) => part(Value::Object(members.clone()), source),
            _ => 0,
        }
    }

    /// As JSON if it is that; its weight is added to `weight`.
    fn to_json(&self, weight: &mut usize) -> Option<Value> {
        *weight += self.weight() + self.made_weight();
        Some(match self {
            Val::Null => Value::Null,
            Val::Bool(value) => Value::Bool(*value),
            Val::Num(number) if number.is_finite() => number.to_value(),
            Val::Str(text) => Value::String(Arc::clone(text)),
            Val::Text(text) => Value::String(Arc::clone(&text.text)),
            Val::Array(items) => Value::Array(items.clone().into_own()),
            Val::Object(members) => Value::Object(members.clone().into_own()),
            Val::List(list) => Value::Array(list.items.iter().map(|item| item.to_json(weight)).collect::<Option<Array>>()?),
            Val::Made(made) => match &made.members {
                Members::Json(members) => Value::Object(members.clone()),
                Members::Mixed(_) => return None,
            },
            _ => return None,
        })
    }

    /// Counts what it takes to make JSON of it, in which nothing is shared but whole objects: fails if it were more than may be held.
    #[inline]
    fn check_parts(&self, meter: &Meter) -> Result<(), Error> {
        let parts = match self {
            Val::List(list) => list.extent.parts,
            Val::Made(made) => made.extent.parts,
            _ => return Ok(()),
        };
        meter.may_hold(parts.saturating_mul(8 / PART_STEPS))?;
        meter.steps(parts)
    }

    /// As JSON, where functions are nothing and infinite numbers are their names; `None` for a function, wherever it is.
    pub(crate) fn into_json(self, meter: &Meter) -> Result<Option<Value>, Error> {
        self.check_parts(meter)?;
        Ok(self.into_value())
    }

    /// [`Val::into_json`], once that is counted.
    fn into_value(self) -> Option<Value> {
        match self {
            Val::Undefined => Some(Value::Null),
            Val::Num(number) => Some(number.to_value()),
            Val::Str(text) => Some(Value::String(Arc::clone(&text))),
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

    /// As an error shows it: of what is large, the beginning.
    pub(crate) fn describe(&self) -> Value {
        self.described(&mut { DESCRIBED_MAX }).unwrap_or(Value::Null)
    }

    /// Its JSON, as far as so many values go.
    fn described(&self, room: &mut usize) -> Option<Value> {
        match self {
            Val::List(list) => {
                let mut values = Vec::new();
                for item in &list.items {
                    let Some(left) = room.checked_sub(1) else { break };
                    *room = left;
                    values.push(item.described(room)?);
                }
                Some(Value::from(values))
            }
            Val::Made(made) => match &made.members {
                Members::Json(members) => Some(Value::Object(members.clone())),
                Members::Mixed(members) => {
                    let mut described = Object::new();
                    for (key, value) in members {
                        let Some(left) = room.checked_sub(1) else { break };
                        *room = left;
                        described.insert(Arc::clone(key), value.described(room)?);
                    }
                    Some(Value::Object(described))
                }
            },
            value => value.clone().into_value(),
        }
    }
}
