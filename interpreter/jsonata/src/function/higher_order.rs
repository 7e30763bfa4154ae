//! Functions that call functions.

use super::{Given, arg};
use crate::Error;
use crate::eval::Machine;
use crate::item::Val;
use crate::sequence::{Items, Seq};

type Outcome<'e> = Result<Val<'e>, Error>;

pub(super) fn map<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let (values, function) = (arg(args, 0), arg(args, 1));
    if values.is_undefined() {
        return Ok(Val::Undefined);
    }
    let mut result = Seq::new(machine.meter);
    for (at, item) in Items::or_one(values).iter().enumerate() {
        let answer = machine.call_back(function, item, || Val::int(at), || values.clone())?;
        if !answer.is_undefined() {
            result.push(answer)?;
        }
    }
    result.into_sequence()
}

pub(super) fn filter<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let (values, function) = (arg(args, 0), arg(args, 1));
    if values.is_undefined() {
        return Ok(Val::Undefined);
    }
    let mut result = Seq::new(machine.meter);
    for (at, item) in Items::or_one(values).iter().enumerate() {
        let answer = machine.call_back(function, item.clone(), || Val::int(at), || values.clone())?;
        if answer.is_truthy(machine.meter)? {
            result.push(item)?;
        }
    }
    result.into_sequence()
}

/// The one item for which the function says yes; the only one if there is no function.
pub(super) fn single<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let (values, function) = (arg(args, 0), arg(args, 1));
    if values.is_undefined() {
        return Ok(Val::Undefined);
    }
    let mut found = None;
    for (at, item) in Items::or_one(values).iter().enumerate() {
        let yes = function.is_undefined() || {
            let answer = machine.call_back(function, item.clone(), || Val::int(at), || values.clone())?;
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
    let arity = Machine::arity(function);
    if arity < 2 {
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
        let mut call = crate::signature::Args::new();
        call.push(result);
        call.push(item);
        if arity >= 3 {
            call.push(Val::int(at));
        }
        if arity >= 4 {
            call.push(values.clone());
        }
        machine.meter.steps(1)?;
        result = machine.apply(function, call, &Val::Null)?;
    }
    Ok(result)
}

pub(super) fn each<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let (object, function) = (arg(args, 0), arg(args, 1));
    let mut result = Seq::new(machine.meter);
    for (key, value) in object.members() {
        let answer = machine.call_back(function, value, || Val::Str(key), || object.clone())?;
        if !answer.is_undefined() {
            result.push(answer)?;
        }
    }
    result.into_sequence()
}

pub(super) fn sift<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let (object, function) = (arg(args, 0), arg(args, 1));
    let mut kept = Vec::new();
    for (key, value) in object.members() {
        let name = key.clone();
        let answer = machine.call_back(function, value.clone(), || Val::Str(name), || object.clone())?;
        if answer.is_truthy(machine.meter)? {
            kept.push((key, value));
        }
    }
    if kept.is_empty() { Ok(Val::Undefined) } else { Val::made(kept, machine.meter) }
}
