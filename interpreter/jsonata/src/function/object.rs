//! Functions of objects, and of any value.

use std::sync::Arc;

use hashbrown::HashSet;
use statewright_value::Object;

use super::{Given, arg};
use crate::Error;
use crate::eval::Machine;
use crate::item::{Flags, Members, Str, Val};
use crate::meter::MADE_STEPS;
use crate::sequence::{Items, Seq};

type Outcome<'e> = Result<Val<'e>, Error>;

pub(super) fn keys<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let mut found = Seq::new(machine.meter);
    let mut known = HashSet::new();
    gather_keys(machine, arg(args, 0), &mut known, &mut found)?;
    found.into_list(Flags::SEQUENCE)
}

fn gather_keys<'e>(
    machine: &mut Machine<'e, '_>,
    value: &Val<'e>,
    known: &mut HashSet<Arc<str>>,
    found: &mut Seq<'e>,
) -> Result<(), Error> {
    machine.meter.steps(1)?;
    if let Some(items) = Items::of(value) {
        return items.iter().try_for_each(|item| gather_keys(machine, &item, known, found));
    }
    for (key, _) in value.members() {
        machine.meter.steps(MADE_STEPS * 3 / 4)?;
        machine.meter.text(key.len())?;
        if known.insert(Arc::clone(&key)) {
            found.push(Val::Str(Str::Own(key)))?;
        }
    }
    Ok(())
}

pub(super) fn lookup<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    match arg(args, 1).as_str() {
        Some(key) => match lookup_name(machine, key, arg(args, 0))? {
            Val::Undefined if arg(args, 0).is_array() => Val::list(Vec::new(), Flags::SEQUENCE, machine.meter),
            found => Ok(found),
        },
        None => Ok(Val::Undefined),
    }
}

fn lookup_name<'e>(machine: &mut Machine<'e, '_>, key: &str, value: &Val<'e>) -> Outcome<'e> {
    machine.meter.text(key.len().saturating_mul(Items::or_one(value).len().max(1)))?;
    machine.name(key, value)
}

/// An object for each member of an object, or of each object of an array.
pub(super) fn spread<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let value = arg(args, 0);
    if !value.is_array() && !value.is_object() {
        return Ok(value.clone());
    }
    let mut found = Seq::new(machine.meter);
    spread_into(machine, value, &mut found)?;
    if value.is_array() && !found.is_empty() { found.into_array() } else { found.into_list(Flags::SEQUENCE) }
}

fn spread_into<'e>(machine: &mut Machine<'e, '_>, value: &Val<'e>, found: &mut Seq<'e>) -> Result<(), Error> {
    machine.meter.steps(1)?;
    if let Some(items) = Items::of(value) {
        return items.iter().try_for_each(|item| spread_into(machine, &item, found));
    }
    if !value.is_object() {
        return found.push(value.clone());
    }
    for (key, member) in value.members() {
        machine.meter.steps(2 * MADE_STEPS)?;
        found.push(Val::made(vec![(key, member)], machine.meter)?)?;
    }
    Ok(())
}

pub(super) fn merge<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let values = arg(args, 0);
    if values.is_undefined() {
        return Ok(Val::Undefined);
    }
    let items = Items::or_one(values);
    let mixed = |item: &Val<'e>| matches!(item, Val::Made(made) if matches!(made.members, Members::Mixed(_)));
    if items.iter().any(|item| mixed(&item)) {
        return merge_mixed(machine, items);
    }
    let mut weight = 16;
    let total = items.iter().map(|item| item.member_count()).sum();
    machine.meter.foresee(8 * total)?;
    let mut merged = Object::with_capacity(total);
    for item in items.iter() {
        let members = match &item {
            Val::Object(members) => &**members,
            Val::Made(made) => match &made.members {
                Members::Json(members) => members,
                Members::Mixed(_) => continue,
            },
            _ => continue,
        };
        machine.meter.steps(MADE_STEPS / 2 + 8 * members.len())?;
        weight += item.made_weight() + 8 * members.len();
        machine.meter.foresee(weight)?;
        merged.extend(members.iter().map(|(key, value)| (Arc::clone(key), value.clone())));
    }
    Val::made_of(merged, weight, machine.meter)
}

fn merge_mixed<'e>(machine: &mut Machine<'e, '_>, items: Items<'_, 'e>) -> Outcome<'e> {
    let mut merged: Vec<(Arc<str>, Val<'e>)> = Vec::new();
    for item in items.iter() {
        for (key, value) in item.members() {
            machine.meter.steps(merged.len() + 8)?;
            match merged.iter_mut().find(|(known, _)| *known == key) {
                Some((_, slot)) => *slot = value,
                None => merged.push((key, value)),
            }
        }
    }
    Val::made(merged, machine.meter)
}

/// Values are never changed in place, so a copy is the value itself.
pub(super) fn clone<'e>(_: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    Ok(arg(args, 0).clone())
}

pub(super) fn exists<'e>(_: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    Ok(Val::Bool(!arg(args, 0).is_undefined()))
}

pub(super) fn boolean<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let value = arg(args, 0);
    if value.is_undefined() { Ok(Val::Undefined) } else { Ok(Val::Bool(value.is_truthy(machine.meter)?)) }
}

pub(super) fn not<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let value = arg(args, 0);
    if value.is_undefined() { Ok(Val::Undefined) } else { Ok(Val::Bool(!value.is_truthy(machine.meter)?)) }
}

pub(super) fn type_of<'e>(_: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let name = match arg(args, 0) {
        Val::Undefined => return Ok(Val::Undefined),
        Val::Null => "null",
        Val::Bool(_) => "boolean",
        Val::Num(_) => "number",
        Val::Str(_) | Val::Text(_) => "string",
        Val::Array(_) | Val::List(_) | Val::Tuples(_) => "array",
        Val::Object(_) | Val::Made(_) => "object",
        Val::Function(_) | Val::Builtin(_) | Val::Regex(_) => "function",
    };
    Ok(Val::short(name))
}

pub(super) fn error<'e>(_: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    Err(Error::new("D3137").with("message", message_or(arg(args, 0), "$error() function evaluated")))
}

pub(super) fn assert<'e>(_: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    if matches!(arg(args, 0), Val::Bool(true)) {
        return Ok(Val::Undefined);
    }
    Err(Error::new("D3141").with("message", message_or(arg(args, 1), "$assert() statement failed")))
}

/// A message that is given, or what stands for none and for an empty one.
fn message_or(given: &Val<'_>, otherwise: &str) -> Arc<str> {
    given.as_arc_str().filter(|message| !message.is_empty()).unwrap_or_else(|| Arc::from(otherwise))
}
