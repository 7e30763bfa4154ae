//! Functions that search: for a string, for a regular expression, or for what a function of the expression's finds.

use std::rc::Rc;
use std::sync::Arc;

use super::{Given, arg, string};
use crate::Error;
use crate::eval::Machine;
use crate::frame::Function;
use crate::item::{Flags, Val};
use crate::meter::{MADE_STEPS, Meter};
use crate::number::Num;
use crate::regex::Regex;
use crate::sequence::{Items, Seq};
use crate::signature::Args;

type Outcome<'e> = Result<Val<'e>, Error>;

/// A match in a text: where it is, in bytes, and what its groups are.
struct Found<'e> {
    start: usize,
    end: usize,
    groups: Vec<Val<'e>>,
    next: Next<'e>,
}

/// What it takes to make an object of a match.
const MATCH_STEPS: usize = 6 * MADE_STEPS;

/// How the next match is found.
#[derive(Clone)]
enum Next<'e> {
    Regex(&'e Regex),
    Function(Val<'e>),
}

/// Positions in a text in UTF-16 units, which is how expressions see them. Asking for ever greater ones costs the text once.
struct Units<'t> {
    text: &'t str,
    byte: usize,
    unit: usize,
}

impl<'t> Units<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, byte: 0, unit: 0 }
    }

    fn of_byte(&mut self, byte: usize) -> usize {
        if byte < self.byte {
            (self.byte, self.unit) = (0, 0);
        }
        let between = self.text.get(self.byte..byte).unwrap_or("");
        self.unit += if between.is_ascii() { between.len() } else { between.encode_utf16().count() };
        self.byte = byte;
        self.unit
    }
}

/// The byte at which a UTF-16 unit is, or where the text ends if it is the one behind its last; `None` if it is one further on.
fn byte_within(text: &str, unit: i64) -> Option<usize> {
    let mut left = usize::try_from(unit).unwrap_or(0);
    for (at, c) in text.char_indices() {
        if left == 0 {
            return Some(at);
        }
        left = left.saturating_sub(c.len_utf16());
    }
    (left == 0).then_some(text.len())
}

/// The byte at which a UTF-16 unit is, or where the text ends.
fn byte_of(text: &str, unit: i64) -> usize {
    byte_within(text, unit).unwrap_or(text.len())
}

/// What it takes to find the place of a UTF-16 unit, or of a byte, in a text.
fn place_steps<'e>(machine: &Machine<'e, '_>, text: &str) -> Result<(), Error> {
    machine.meter.steps(text.len() / 8)
}

fn piece<'e>(machine: &Machine<'e, '_>, text: &str, start: usize, end: usize) -> Outcome<'e> {
    Val::text(text.get(start..end).unwrap_or("").to_owned(), machine.meter)
}

/// The first match of a regular expression from a byte on, which may be a match of nothing.
fn search<'e>(machine: &mut Machine<'e, '_>, regex: &'e Regex, text: &str, from: usize) -> Result<Option<Found<'e>>, Error> {
    let Some(found) = regex.find(text, from, machine.meter)? else { return Ok(None) };
    let groups = found.groups.iter().map(|group| match group {
        Some((start, end)) => piece(machine, text, *start, *end),
        None => Ok(Val::Undefined),
    });
    let groups = groups.collect::<Result<_, _>>()?;
    Ok(Some(Found { start: found.start, end: found.end, groups, next: Next::Regex(regex) }))
}

/// The match of a regular expression after one that ends at a byte; none at the end of the text. A match of nothing is an error here,
/// as it would be found for ever.
fn search_on<'e>(machine: &mut Machine<'e, '_>, regex: &'e Regex, text: &str, from: usize) -> Result<Option<Found<'e>>, Error> {
    if from >= text.len() {
        return Ok(None);
    }
    match search(machine, regex, text, from)? {
        Some(found) if found.start == found.end => Err(Error::new("D1004").value(regex.pattern())),
        found => Ok(found),
    }
}

/// What a matcher function answered, which must look like a match.
fn answered<'e>(machine: &Machine<'e, '_>, text: &str, answer: &Val<'e>) -> Result<Option<Found<'e>>, Error> {
    if answer.is_undefined() {
        return Ok(None);
    }
    let member = |name| answer.member(name).unwrap_or(Val::Undefined);
    let (start, end, groups, next) = (member("start"), member("end"), member("groups"), member("next"));
    if start.as_num().is_none() && end.as_num().is_none() && !groups.is_array() && !next.is_function() {
        return Err(Error::new("T1010").value(answer.describe()).with("index", 1_i64));
    }
    machine.meter.steps(MADE_STEPS)?;
    place_steps(machine, text)?;
    place_steps(machine, text)?;
    let place = |value: &Val<'e>| byte_of(text, value.as_num().map_or(0, Num::truncate));
    let (start, end) = (place(&start), place(&end));
    let groups = if groups.is_undefined() { Vec::new() } else { Items::or_one(&groups).to_vec() };
    Ok(Some(Found { start, end: end.max(start), groups, next: Next::Function(next) }))
}

fn first<'e>(machine: &mut Machine<'e, '_>, pattern: &Val<'e>, text: &Val<'e>) -> Result<Option<Found<'e>>, Error> {
    let own = text.as_str().unwrap_or("");
    match pattern {
        Val::Regex(regex) => search(machine, regex, own, 0),
        function => {
            let answer = machine.apply(function, Args::from_iter([text.clone()]), &Val::Null)?;
            answered(machine, own, &answer)
        }
    }
}

/// The match after one that ends at a byte. It is asked for even where a limit leaves no room for it: then, too, it may be an error.
fn following<'e>(machine: &mut Machine<'e, '_>, text: &str, end: usize, next: &Next<'e>) -> Result<Option<Found<'e>>, Error> {
    machine.meter.steps(1)?;
    match next {
        Next::Regex(regex) => search_on(machine, regex, text, end),
        Next::Function(next) if next.is_function() => {
            let answer = machine.apply(next, Args::new(), &Val::Null)?;
            answered(machine, text, &answer)
        }
        Next::Function(_) => Ok(None),
    }
}

/// A match as an expression sees it.
fn as_object<'e>(machine: &mut Machine<'e, '_>, whole: &Val<'e>, found: Found<'e>) -> Outcome<'e> {
    let text = whole.as_str().unwrap_or("");
    machine.meter.steps(MATCH_STEPS)?;
    place_steps(machine, text.get(..found.end).unwrap_or(""))?;
    let mut units = Units::new(text);
    let start = Val::int(units.of_byte(found.start));
    let end = Val::int(units.of_byte(found.end));
    let mut members = vec![
        (Arc::from("match"), piece(machine, text, found.start, found.end)?),
        (Arc::from("start"), start),
        (Arc::from("end"), end),
        (Arc::from("groups"), Val::list(found.groups, Flags::ARRAY, machine.meter)?),
    ];
    let next = match found.next {
        Next::Regex(regex) => Val::Function(Rc::new(Function::NextMatch { regex, text: whole.clone(), from: found.end })),
        Next::Function(next) => next,
    };
    members.push((Arc::from("next"), next));
    Val::made(members, machine.meter)
}

/// A regular expression that is called as a function: its first match in a text.
pub(crate) fn invoke<'e>(machine: &mut Machine<'e, '_>, regex: &'e Regex, args: Given<'_, 'e>) -> Outcome<'e> {
    let whole = arg(args, 0);
    let Some(text) = whole.as_str() else { return Ok(Val::Undefined) };
    place_steps(machine, text)?;
    let Some(from) = arg(args, 1).as_num().map_or(Some(0), |from| byte_within(text, from.truncate())) else {
        return Ok(Val::Undefined);
    };
    match search(machine, regex, text, from)? {
        Some(found) => as_object(machine, whole, found),
        None => Ok(Val::Undefined),
    }
}

/// The match after another.
pub(crate) fn next<'e>(machine: &mut Machine<'e, '_>, regex: &'e Regex, whole: &Val<'e>, from: usize) -> Outcome<'e> {
    match search_on(machine, regex, whole.as_str().unwrap_or(""), from)? {
        Some(found) => as_object(machine, whole, found),
        None => Ok(Val::Undefined),
    }
}

/// A limit on the number of matches; `None` if it is negative.
fn limit(value: &Val<'_>) -> Option<usize> {
    match value.as_num() {
        None => Some(usize::MAX),
        Some(number) if number.as_f64() < 0.0 => None,
        // `count < limit` holds for one more match where the limit has a fraction.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is not negative")]
        Some(number) => Some(number.as_f64().ceil() as usize),
    }
}

pub(super) fn contains<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let (text, pattern) = (arg(args, 0), arg(args, 1));
    let Some(own) = text.as_str() else { return Ok(Val::Undefined) };
    if pattern.is_undefined() {
        return Ok(Val::Undefined);
    }
    Ok(Val::Bool(match pattern.as_str() {
        Some(part) => {
            machine.meter.steps(1 + own.len() / 8)?;
            own.contains(part)
        }
        None => first(machine, pattern, text)?.is_some(),
    }))
}

pub(super) fn matches<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let text = arg(args, 0);
    let Some(own) = text.as_str() else { return Ok(Val::Undefined) };
    let Some(limit) = limit(arg(args, 2)) else {
        return Err(Error::new("D3040").value(arg(args, 2).describe()).with("index", 3_i64));
    };
    let names: [Arc<str>; 3] = [Arc::from("match"), Arc::from("index"), Arc::from("groups")];
    let [match_name, index_name, groups_name] = &names;
    let mut units = Units::new(own);
    let mut result = Seq::new(machine.meter);
    let mut found = if limit > 0 { first(machine, arg(args, 1), text)? } else { None };
    while let Some(one) = found.filter(|_| result.len() < limit) {
        let index = units.of_byte(one.start);
        machine.meter.steps(MATCH_STEPS)?;
        found = following(machine, own, one.end, &one.next)?;
        let members = vec![
            (Arc::clone(match_name), piece(machine, own, one.start, one.end)?),
            (Arc::clone(index_name), Val::int(index)),
            (Arc::clone(groups_name), Val::list(one.groups, Flags::ARRAY, machine.meter)?),
        ];
        result.push(Val::made(members, machine.meter)?)?;
    }
    result.into_list(Flags::SEQUENCE)
}

pub(super) fn split<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let (text, separator) = (arg(args, 0), arg(args, 1));
    let Some(own) = text.as_str() else { return Ok(Val::Undefined) };
    let Some(most) = limit(arg(args, 2)) else {
        return Err(Error::new("D3020").value(arg(args, 2).describe()).with("index", 3_i64));
    };
    if let Some(separator) = separator.as_str() {
        let most = arg(args, 2).as_num().map_or(usize::MAX, |number| usize::try_from(number.floor()).unwrap_or(usize::MAX));
        return string::split_at(machine, own, separator, most);
    }
    let mut parts = Seq::new(machine.meter);
    let mut from = 0;
    let mut found = if most > 0 && !separator.is_undefined() { first(machine, separator, text)? } else { None };
    while let Some(one) = found.filter(|_| parts.len() < most) {
        parts.push(piece(machine, own, from, one.start)?)?;
        from = one.end;
        found = following(machine, own, one.end, &one.next)?;
    }
    if parts.len() < most {
        parts.push(piece(machine, own, from, own.len())?)?;
    }
    parts.into_array()
}

pub(super) fn replace<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let (text, pattern, replacement) = (arg(args, 0), arg(args, 1), arg(args, 2));
    let Some(own) = text.as_str() else { return Ok(Val::Undefined) };
    if pattern.as_str() == Some("") {
        return Err(Error::new("D3010").value("").with("index", 2_i64));
    }
    let Some(limit) = limit(arg(args, 3)) else {
        return Err(Error::new("D3011").value(arg(args, 3).describe()).with("index", 4_i64));
    };
    let mut out = String::new();
    let mut from = 0;
    let mut count = 0;
    if let Some(part) = pattern.as_str() {
        let with = replacement.as_str().unwrap_or("");
        machine.meter.steps(1 + own.len() / 4)?;
        for (at, _) in own.match_indices(part).take(limit) {
            machine.meter.steps(3)?;
            out.push_str(own.get(from..at).unwrap_or(""));
            out.push_str(with);
            machine.meter.foresee(out.len())?;
            from = at + part.len();
        }
    } else if !pattern.is_undefined() {
        let mut found = if limit > 0 { first(machine, pattern, text)? } else { None };
        while let Some(one) = found.filter(|_| count < limit) {
            count += 1;
            machine.meter.steps(MADE_STEPS / 4)?;
            let next = one.next.clone();
            out.push_str(own.get(from..one.start).unwrap_or(""));
            from = one.end;
            match replacement.as_str() {
                Some(template) => {
                    substitute(template, own.get(one.start..one.end).unwrap_or(""), &one.groups, &mut out, machine.meter)?;
                }
                None => {
                    let object = as_object(machine, text, one)?;
                    let answer = machine.apply(replacement, Args::from_iter([object]), &Val::Null)?;
                    match answer.as_str() {
                        Some(answer) => out.push_str(answer),
                        None => return Err(Error::new("D3012").value(answer.describe())),
                    }
                }
            }
            machine.meter.foresee(out.len())?;
            found = following(machine, own, from, &next)?;
        }
    }
    out.push_str(own.get(from..).unwrap_or(""));
    Val::text(out, machine.meter)
}

/// Appends a template with the match for `$0`, its groups for `$1` and so on, and `$` for `$$`.
fn substitute(template: &str, whole: &str, groups: &[Val<'_>], out: &mut String, meter: &Meter) -> Result<(), Error> {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        meter.steps(3 + before.len() / 16)?;
        meter.foresee(out.len() + before.len() + whole.len())?;
        out.push_str(before);
        let length = out.len();
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('0') {
            meter.steps(whole.len() / 64)?;
            out.push_str(whole);
            rest = after;
        } else {
            rest = substitute_group(rest, groups, out);
            meter.steps(4 + out.len().saturating_sub(length) / 64)?;
        }
    }
    meter.steps(rest.len() / 16)?;
    out.push_str(rest);
    Ok(())
}

/// Appends the group whose number comes now: as many digits as the number of groups has, one less if there is no such group.
fn substitute_group<'t>(rest: &'t str, groups: &[Val<'_>], out: &mut String) -> &'t str {
    let digits_max = groups.len().max(1).ilog10() as usize + 1;
    let digits = rest.bytes().take(digits_max).take_while(u8::is_ascii_digit).count();
    let number = |digits: usize| rest.get(..digits).and_then(|digits| digits.parse::<usize>().ok());
    let Some(mut chosen) = number(digits).map(|number| (number, digits)) else {
        out.push('$');
        return rest;
    };
    if digits_max > 1 && chosen.0 > groups.len() && digits > 1 {
        chosen = number(digits - 1).map_or(chosen, |number| (number, digits - 1));
    }
    if let Some(group) = chosen.0.checked_sub(1).and_then(|at| groups.get(at)) {
        out.push_str(group.as_str().unwrap_or(""));
    }
    rest.get(chosen.1..).unwrap_or("")
}
