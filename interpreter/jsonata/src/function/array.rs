//! Functions of arrays.

use std::hash::{BuildHasher, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};

use super::{Given, arg};
use crate::Error;
use crate::eval::{Callback, Keys, Machine, equal, in_order};
use crate::item::{Flags, Val};
use crate::meter::{Hold, MADE_STEPS, Meter};
use crate::sequence::{Items, Seq};

type Outcome<'e> = Result<Val<'e>, Error>;

pub(super) fn count<'e>(_: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let values = arg(args, 0);
    Ok(Val::int(if values.is_undefined() { 0 } else { Items::or_one(values).len() }))
}

pub(super) fn append<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let (first, second) = (arg(args, 0), arg(args, 1));
    if first.is_undefined() {
        return Ok(second.clone());
    }
    if second.is_undefined() {
        return Ok(first.clone());
    }
    let count = Items::or_one(first).len() + Items::or_one(second).len();
    let mut all = Seq::with_capacity(count, machine.meter)?;
    all.push_flat(first.clone())?;
    all.push_flat(second.clone())?;
    all.into_array()
}

pub(super) fn reverse<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let values = arg(args, 0);
    match Items::of(values) {
        Some(items) if items.len() > 1 => {
            let mut reversed = Seq::with_capacity(items.len(), machine.meter)?;
            reversed.extend(items.iter().rev())?;
            reversed.into_array()
        }
        _ => Ok(values.clone()),
    }
}

pub(super) fn shuffle<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let values = arg(args, 0);
    let Some(items) = Items::of(values).filter(|items| items.len() > 1) else { return Ok(values.clone()) };
    machine.foresee_sorted(items)?;
    machine.meter.steps(items.len())?;
    machine.meter.steps(items.len())?;
    let mut items = items.to_vec();
    for at in (1..items.len()).rev() {
        let other = machine.host.next_u64() % (at as u64 + 1);
        items.swap(at, usize::try_from(other).unwrap_or(0));
    }
    Val::list(items, Flags::ARRAY, machine.meter)
}

pub(super) fn zip<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let count = args.all().iter().map(|arg| if arg.is_undefined() { 0 } else { Items::or_one(arg).len() }).min().unwrap_or(0);
    machine.meter.steps(count.saturating_mul(MADE_STEPS + 2 * args.all().len()))?;
    let mut all = Seq::with_capacity(count, machine.meter)?;
    for at in 0..count {
        let tuple = args.all().iter().map(|arg| Items::or_one(arg).get(at).unwrap_or(Val::Undefined)).collect();
        all.push(Val::list(tuple, Flags::ARRAY, machine.meter)?)?;
    }
    all.into_array()
}

/// Numbers or strings in order, or anything in the order of a function that says which pairs are in the wrong one.
pub(super) fn sort<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let values = arg(args, 0);
    let Some(items) = Items::of(values).filter(|items| items.len() > 1) else { return Ok(values.clone()) };
    machine.foresee_sorted(items)?;
    let comparator = arg(args, 1);
    let order = if comparator.is_undefined() {
        match items {
            Items::List(items) => natural_order(machine, items)?,
            items => {
                let keys = Keys::of_items(items, machine.meter)?;
                natural_order(machine, keys.all())?
            }
        }
    } else if let Some(order) = machine.order_by_part(items, comparator)? {
        order
    } else {
        let mut callback = Callback::with_arity(comparator, 2);
        machine.merge_sort(items.len(), |machine, left, right| {
            let item = |argument| items.get(if argument == 0 { left } else { right }).unwrap_or(Val::Undefined);
            callback.call(machine, 2, item)?.is_truthy(machine.meter)
        })?
    };
    Val::list(in_order(items, &order), Flags::ARRAY, machine.meter)
}

/// The order of numbers or of strings: their positions.
fn natural_order<'e>(machine: &mut Machine<'e, '_>, items: &[Val<'e>]) -> Result<Vec<usize>, Error> {
    let numbers = items.iter().all(|item| item.as_num().is_some());
    if !numbers && !items.iter().all(|item| item.as_str().is_some()) {
        return Err(Error::new("D3070").with("index", 1_i64));
    }
    if let Some(order) = machine.order(items, false)? {
        return Ok(order);
    }
    // Some are infinite.
    let number = |at: usize| items.get(at).and_then(Val::as_num);
    machine.merge_sort(items.len(), |machine, left, right| {
        machine.meter.steps(1)?;
        Ok(number(left).zip(number(right)).is_some_and(|(left, right)| left.compare(right).is_gt()))
    })
}

/// What a value weighs while it is remembered, beside its place in the result.
const KNOWN_WEIGHT: usize = 16;

pub(super) fn distinct<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let values = arg(args, 0);
    let Some(items) = Items::of(values).filter(|items| items.len() > 1) else { return Ok(values.clone()) };
    let hashing = DefaultHashBuilder::default();
    let mut known: HashTable<(u64, usize)> = HashTable::new();
    let mut kept: Vec<Val<'e>> = Vec::new();
    let mut all = Seq::new(machine.meter);
    let mut hold = Hold::new(machine.meter);
    let mut failed = None;
    for item in items.iter() {
        machine.meter.steps(MADE_STEPS / 2)?;
        let mut hasher = hashing.build_hasher();
        hash(&item, &mut hasher, &hashing, machine.meter)?;
        let code = hasher.finish();
        let found = known.find(code, |(other, at)| {
            *other == code
                && kept.get(*at).is_some_and(|kept| match equal(kept, &item, machine.meter) {
                    Ok(same) => same,
                    Err(error) => {
                        failed.get_or_insert(error);
                        true
                    }
                })
        });
        if found.is_none() {
            known.insert_unique(code, (code, kept.len()), |(code, _)| *code);
            hold.grow(KNOWN_WEIGHT)?;
            kept.push(item.clone());
            all.push(item)?;
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    all.into_list(if values.is_sequence() { Flags::SEQUENCE } else { Flags::ARRAY })
}

/// Equal values have equal hashes: numbers by value, the members of objects in any order.
fn hash(value: &Val<'_>, hasher: &mut impl Hasher, hashing: &DefaultHashBuilder, meter: &Meter) -> Result<(), Error> {
    meter.steps(1)?;
    if let Some(text) = value.as_str() {
        meter.steps(MADE_STEPS / 2)?;
        meter.text(text.len())?;
        hasher.write_u8(1);
        hasher.write(text.as_bytes());
        return Ok(());
    }
    match value {
        Val::Null => hasher.write_u8(2),
        Val::Bool(value) => hasher.write_u8(3 + u8::from(*value)),
        // Adding zero makes one zero of both.
        Val::Num(number) => hasher.write_u64((number.as_f64() + 0.0).to_bits()),
        Val::Array(_) | Val::List(_) => {
            let items = Items::or_one(value);
            hasher.write_u8(5);
            hasher.write_usize(items.len());
            for item in items.iter() {
                hash(&item, hasher, hashing, meter)?;
            }
        }
        Val::Object(_) | Val::Made(_) => {
            hasher.write_u8(6);
            let mut sum = 0_u64;
            for (key, value) in value.members() {
                let mut member = hashing.build_hasher();
                meter.steps(MADE_STEPS / 2)?;
                meter.text(key.len())?;
                member.write(key.as_bytes());
                hash(&value, &mut member, hashing, meter)?;
                sum = sum.wrapping_add(member.finish());
            }
            hasher.write_u64(sum);
        }
        _ => hasher.write_u8(7),
    }
    Ok(())
}
