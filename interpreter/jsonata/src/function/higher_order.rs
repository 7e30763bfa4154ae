//! Functions that call functions.

use std::sync::Arc;

use super::{Given, arg};
use crate::Error;
use crate::eval::{Callback, Machine};
use crate::item::{Flags, Str, Val};
use crate::meter::MADE_STEPS;
use crate::sequence::{Items, Seq};

type Outcome<'e> = Result<Val<'e>, Error>;

pub(super) fn map<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let (values, function) = (arg(args, 0), arg(args, 1));
    if values.is_undefined() {
        return Ok(Val::Undefined);
    }
    let items = Items::or_one(values);
    let mut result = Seq::new(machine.meter);
    result.reserve(items.len());
    let mut callback = Callback::new(function);
    for (at, item) in items.iter().enumerate() {
        let answer = callback.call(machine, 3, of_array(&item, at, values))?;
        if !answer.is_undefined() {
            result.push(answer)?;
        }
    }
    result.into_list(Flags::SEQUENCE)
}

/// What a function is called with for an item of an array: the item, its position and the array.
fn of_array<'a, 'e>(item: &'a Val<'e>, at: usize, values: &'a Val<'e>) -> impl Fn(usize) -> Val<'e> + use<'a, 'e> {
    move |argument| match argument {
        0 => item.clone(),
        1 => Val::int(at),
        _ => values.clone(),
    }
}

pub(super) fn filter<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let (values, function) = (arg(args, 0), arg(args, 1));
    if values.is_undefined() {
        return Ok(Val::Undefined);
    }
    let mut result = Seq::new(machine.meter);
    let mut callback = Callback::new(function);
    for (at, item) in Items::or_one(values).iter().enumerate() {
        let answer = callback.call(machine, 3, of_array(&item, at, values))?;
        if answer.is_truthy(machine.meter)? {
            result.push(item)?;
        }
    }
    result.into_list(Flags::SEQUENCE)
}

/// The one item for which the function says yes; the only one if there is no function.
pub(super) fn single<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let (values, function) = (arg(args, 0), arg(args, 1));
    if values.is_undefined() {
        return Ok(Val::Undefined);
    }
    let mut found = None;
    let mut callback = Callback::new(function);
    for (at, item) in Items::or_one(values).iter().enumerate() {
        machine.meter.steps(1)?;
        let yes = function.is_undefined() || {
            let answer = callback.call(machine, 3, of_array(&item, at, values))?;
            answer.is_truthy(machine.meter)?
        };
        if yes {
            if found.is_some() {
                return Err(Error::new("D3138").with("index", i64::try_from(at).unwrap_or(0)));
            }
            found = Some(item);
        }
    }
    found.ok_or_else(|| Error::new("D3139"))
}

pub(super) fn reduce<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let (values, function) = (arg(args, 0), arg(args, 1));
    if values.is_undefined() {
        return Ok(Val::Undefined);
    }
    let mut callback = Callback::new(function);
    if callback.arity() < 2 {
        return Err(Error::new("D3050").with("index", 1_i64));
    }
    let mut items = Items::or_one(values).iter().enumerate();
    let mut result = arg(args, 2).clone();
    if result.is_undefined() {
        match items.next() {
            Some((_, first)) => result = first,
            None => return Ok(Val::Undefined),
        }
    }
    for (at, item) in items {
        let mut so_far = std::mem::replace(&mut result, Val::Undefined);
        result = callback.call(machine, 4, |argument| match argument {
            0 => std::mem::replace(&mut so_far, Val::Undefined),
            1 => item.clone(),
            2 => Val::int(at),
            _ => values.clone(),
        })?;
    }
    Ok(result)
}

/// What a function is called with for a member of an object: its value, its name and the object.
fn of_object<'a, 'e>(value: &'a Val<'e>, key: &'a Arc<str>, object: &'a Val<'e>) -> impl Fn(usize) -> Val<'e> + use<'a, 'e> {
    move |argument| match argument {
        0 => value.clone(),
        1 => Val::Str(Str::Own(Arc::clone(key))),
        _ => object.clone(),
    }
}

pub(super) fn each<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let (object, function) = (arg(args, 0), arg(args, 1));
    let mut result = Seq::new(machine.meter);
    let mut callback = Callback::new(function);
    for (key, value) in object.members() {
        machine.meter.steps(MADE_STEPS / 2)?;
        let answer = callback.call(machine, 3, of_object(&value, &key, object))?;
        if !answer.is_undefined() {
            result.push(answer)?;
        }
    }
    result.into_list(Flags::SEQUENCE)
}

pub(super) fn sift<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let (object, function) = (arg(args, 0), arg(args, 1));
    let mut kept = Vec::new();
    let mut callback = Callback::new(function);
    for (key, value) in object.members() {
        machine.meter.steps(MADE_STEPS)?;
        let answer = callback.call(machine, 3, of_object(&value, &key, object))?;
        if answer.is_truthy(machine.meter)? {
            kept.push((key, value));
        }
    }
    if kept.is_empty() { Ok(Val::Undefined) } else { Val::made(kept, machine.meter) }
}
