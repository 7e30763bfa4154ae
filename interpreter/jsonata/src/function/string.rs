//! Functions of strings.

use std::borrow::Cow;

use super::{Given, arg};
use crate::Error;
use crate::eval::Machine;
use crate::item::{Flags, Val};
use crate::meter::Meter;
use crate::sequence::Items;

pub(super) fn string<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Result<Val<'e>, Error> {
    let value = arg(args, 0);
    if value.is_undefined() || value.as_str().is_some() {
        return Ok(value.clone());
    }
    let mut out = String::new();
    value.write_string(&mut out, matches!(arg(args, 1), Val::Bool(true)), machine.meter)?;
    machine.meter.text(out.len())?;
    Val::text(out, machine.meter)
}

/// The byte at which the character at a position starts, or the end.
fn byte_at(text: &str, position: usize) -> usize {
    if text.is_ascii() { position.min(text.len()) } else { text.char_indices().nth(position).map_or(text.len(), |(at, _)| at) }
}

fn char_count(text: &str, meter: &Meter) -> Result<usize, Error> {
    meter.steps(text.len() / 64)?;
    if text.is_ascii() {
        return Ok(text.len());
    }
    meter.steps(text.len() / 8)?;
    Ok(text.chars().count())
}

pub(super) fn substring<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Result<Val<'e>, Error> {
    let Some(text) = arg(args, 0).as_str() else { return Ok(Val::Undefined) };
    let count = char_count(text, machine.meter)?;
    let position = |number: i64| -> usize {
        let from_start = if number < 0 { number.saturating_add(i64::try_from(count).unwrap_or(i64::MAX)).max(0) } else { number };
        usize::try_from(from_start).unwrap_or(usize::MAX).min(count)
    };
    let from = arg(args, 1).as_num().unwrap_or(crate::number::Num::Int(0));
    let start = position(from.truncate());
    let end = match arg(args, 2).as_num().map(crate::number::Num::as_f64) {
        None => count,
        // As in JavaScript, where a start that is nothing and a length have no sum.
        Some(_) if arg(args, 1).is_undefined() => return Ok(Val::short("")),
        Some(length) if length <= 0.0 => return Ok(Val::short("")),
        // What is left of a start or a length with a fraction is their sum's.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is not negative")]
        Some(length) => start.saturating_add((length + from.as_f64().fract().max(0.0)) as usize).min(count),
    };
    let part = text.get(byte_at(text, start)..byte_at(text, end)).unwrap_or("");
    Val::text(part.to_owned(), machine.meter)
}

pub(super) fn substring_before<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Result<Val<'e>, Error> {
    let (text, Some(mark)) = (arg(args, 0), arg(args, 1).as_str()) else { return Ok(arg(args, 0).clone()) };
    let Some(own) = text.as_str() else { return Ok(Val::Undefined) };
    machine.meter.steps(1 + own.len() / 8)?;
    match own.split_once(mark) {
        Some((before, _)) => Val::text(before.to_owned(), machine.meter),
        None => Ok(text.clone()),
    }
}

pub(super) fn substring_after<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Result<Val<'e>, Error> {
    let (text, Some(mark)) = (arg(args, 0), arg(args, 1).as_str()) else { return Ok(arg(args, 0).clone()) };
    let Some(own) = text.as_str() else { return Ok(Val::Undefined) };
    machine.meter.steps(1 + own.len() / 8)?;
    match own.split_once(mark) {
        Some((_, after)) => Val::text(after.to_owned(), machine.meter),
        None => Ok(text.clone()),
    }
}

fn changed<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>, change: impl FnOnce(&str) -> String) -> Result<Val<'e>, Error> {
    let Some(text) = arg(args, 0).as_str() else { return Ok(Val::Undefined) };
    machine.meter.steps(1 + text.len() / 8)?;
    machine.meter.foresee(text.len())?;
    Val::text(change(text), machine.meter)
}

pub(super) fn lowercase<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Result<Val<'e>, Error> {
    changed(machine, args, str::to_lowercase)
}

pub(super) fn uppercase<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Result<Val<'e>, Error> {
    changed(machine, args, str::to_uppercase)
}

/// Runs of blanks become one space, and those at both ends go.
pub(super) fn trim<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Result<Val<'e>, Error> {
    // Words take longer than what they are made of.
    if let Some(text) = arg(args, 0).as_str() {
        machine.meter.steps(text.len() / 4)?;
    }
    changed(machine, args, |text| {
        let mut out = String::with_capacity(text.len());
        for word in text.split([' ', '\t', '\n', '\r']).filter(|word| !word.is_empty()) {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
        }
        out
    })
}

pub(super) fn length<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Result<Val<'e>, Error> {
    let Some(text) = arg(args, 0).as_str() else { return Ok(Val::Undefined) };
    Ok(Val::int(char_count(text, machine.meter)?))
}

/// Fills a string up to a width: behind it, or before it if the width is negative.
pub(super) fn pad<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Result<Val<'e>, Error> {
    let value = arg(args, 0);
    let Some(text) = value.as_str() else { return Ok(Val::Undefined) };
    let width = arg(args, 1).as_num().map_or(0, crate::number::Num::truncate);
    let filling = arg(args, 2).as_str().filter(|filling| !filling.is_empty()).unwrap_or(" ");
    let missing = usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX).saturating_sub(char_count(text, machine.meter)?);
    if missing == 0 {
        return Ok(value.clone());
    }
    machine.meter.foresee(missing.saturating_add(text.len()))?;
    machine.meter.steps(if filling.len() == 1 { missing / 4 } else { missing })?;
    let filling: Cow<'_, str> = if filling.len() == 1 {
        Cow::Owned(filling.repeat(missing))
    } else {
        Cow::Owned(filling.chars().cycle().take(missing).collect())
    };
    Val::text(if width > 0 { format!("{text}{filling}") } else { format!("{filling}{text}") }, machine.meter)
}

pub(super) fn join<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Result<Val<'e>, Error> {
    let texts = arg(args, 0);
    if texts.is_undefined() {
        return Ok(Val::Undefined);
    }
    let separator = arg(args, 1).as_str().unwrap_or("");
    let mut out = String::new();
    for (at, text) in Items::or_one(texts).iter().enumerate() {
        machine.meter.steps(6)?;
        if at > 0 {
            machine.meter.text(separator.len())?;
            out.push_str(separator);
        }
        let text = text.as_str().unwrap_or("");
        machine.meter.text(text.len())?;
        machine.meter.foresee(out.len() + text.len())?;
        out.push_str(text);
    }
    Val::text(out, machine.meter)
}

/// What it takes to begin to split.
const SPLIT_STEPS: usize = 16;

/// The parts of a text between separators; single characters if the separator is empty.
pub(super) fn split_at<'e>(machine: &mut Machine<'e, '_>, text: &str, separator: &str, limit: usize) -> Result<Val<'e>, Error> {
    let mut parts = crate::sequence::Seq::new(machine.meter);
    machine.meter.steps(SPLIT_STEPS + text.len() / 8)?;
    let mut add = |part: &str| {
        machine.meter.steps(1)?;
        parts.push(Val::text(part.to_owned(), machine.meter)?)
    };
    if separator.is_empty() {
        text.chars().take(limit).try_for_each(|c| add(c.encode_utf8(&mut [0; 4])))?;
    } else {
        text.split(separator).take(limit).try_for_each(add)?;
    }
    parts.into_list(Flags::ARRAY)
}
