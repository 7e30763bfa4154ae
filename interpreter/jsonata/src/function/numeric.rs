//! Functions of numbers.

use statewright_value::Value;

use super::{Given, arg};
use crate::Error;
use crate::eval::Machine;
use crate::item::Val;
use crate::number::{Num, print};
use crate::picture;
use crate::sequence::Items;

type Outcome<'e> = Result<Val<'e>, Error>;

fn with_number<'e>(args: Given<'_, 'e>, change: impl FnOnce(Num) -> Num) -> Outcome<'e> {
    Ok(arg(args, 0).as_num().map_or(Val::Undefined, |number| Val::Num(change(number))))
}

pub(super) fn abs<'e>(_: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    with_number(args, |number| if number.as_f64() < 0.0 { number.negate() } else { number })
}

pub(super) fn floor<'e>(_: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    with_number(args, |number| whole(number, f64::floor))
}

pub(super) fn ceil<'e>(_: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    with_number(args, |number| whole(number, f64::ceil))
}

fn whole(number: Num, round: impl FnOnce(f64) -> f64) -> Num {
    match number {
        Num::Int(_) => number,
        Num::Float(value) => Num::from_f64(round(value)),
    }
}

/// What it takes to write a number and read it again, twice.
const SHIFT_STEPS: usize = 150;

/// Rounds halves to even, after a number of decimal places.
pub(super) fn round<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let Some(number) = arg(args, 0).as_num() else { return Ok(Val::Undefined) };
    let places = arg(args, 1).as_num().map_or(0, Num::truncate);
    if matches!(number, Num::Int(_)) && places >= 0 {
        return Ok(Val::Num(number));
    }
    if places != 0 {
        machine.meter.steps(SHIFT_STEPS)?;
    }
    let rounded = if places == 0 {
        number.as_f64().round_ties_even()
    } else {
        shift(shift(number.as_f64(), places).round_ties_even(), places.saturating_neg())
    };
    Ok(Val::Num(Num::from_f64(rounded)))
}

/// Moves the decimal point in the number's text, which loses nothing, as multiplying would.
fn shift(value: f64, places: i64) -> f64 {
    let mut text = String::new();
    print(value, &mut text);
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent = exponent.parse::<i64>().unwrap_or(0).saturating_add(places);
    format!("{digits}e{exponent}").parse().unwrap_or(value)
}

pub(super) fn sqrt<'e>(_: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let Some(number) = arg(args, 0).as_num() else { return Ok(Val::Undefined) };
    if number.as_f64() < 0.0 {
        return Err(Error::new("D3060").value(number.to_value()).with("index", 1_i64));
    }
    Ok(Val::Num(Num::from_f64(number.as_f64().sqrt())))
}

pub(super) fn power<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let Some(base) = arg(args, 0).as_num() else { return Ok(Val::Undefined) };
    let Some(exponent) = arg(args, 1).as_num() else { return Err(Error::new("D3061").value(base.to_value())) };
    if let (Num::Int(base), Num::Int(exponent)) = (base, exponent)
        && let Some(result) = u32::try_from(exponent).ok().and_then(|exponent| base.checked_pow(exponent))
    {
        return Ok(Val::Num(Num::Int(result)));
    }
    machine.meter.steps(8)?;
    let result = base.as_f64().powf(exponent.as_f64());
    if !result.is_finite() {
        return Err(Error::new("D3061").value(base.to_value()).with("exp", exponent.to_value()));
    }
    Ok(Val::Num(Num::from_f64(result)))
}

/// A random number from 0 up to 1, from the host's bits.
pub(super) fn random<'e>(machine: &mut Machine<'e, '_>, _: Given<'_, 'e>) -> Outcome<'e> {
    Ok(Val::Num(Num::Float(fraction(machine.host.next_u64()))))
}

/// The upper 53 bits as a fraction of 1.
#[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
fn fraction(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

fn fold<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>, better: impl Fn(Num, Num) -> Num) -> Result<Option<Num>, Error> {
    let values = arg(args, 0);
    if values.is_undefined() {
        return Ok(None);
    }
    let items = Items::or_one(values);
    machine.meter.steps(items.len())?;
    Ok(items.iter().filter_map(|item| item.as_num()).reduce(better))
}

pub(super) fn sum<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    if arg(args, 0).is_undefined() {
        return Ok(Val::Undefined);
    }
    Ok(Val::Num(fold(machine, args, Num::add)?.unwrap_or(Num::Int(0))))
}

pub(super) fn max<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let found = fold(machine, args, |best, number| if number.compare(best).is_gt() { number } else { best })?;
    Ok(found.map_or(Val::Undefined, Val::Num))
}

pub(super) fn min<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let found = fold(machine, args, |best, number| if number.compare(best).is_lt() { number } else { best })?;
    Ok(found.map_or(Val::Undefined, Val::Num))
}

pub(super) fn average<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let count = Items::or_one(arg(args, 0)).len();
    let sum = fold(machine, args, Num::add)?;
    let count = Num::Int(i64::try_from(count).unwrap_or(i64::MAX));
    Ok(sum.map_or(Val::Undefined, |sum| Val::Num(sum.divide(count))))
}

pub(super) fn number<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let value = arg(args, 0);
    let refused = || Err(Error::new("D3030").value(value.describe()).with("index", 1_i64));
    match value {
        Val::Undefined | Val::Num(_) => Ok(value.clone()),
        Val::Bool(value) => Ok(Val::Num(Num::Int(i64::from(*value)))),
        value => {
            let Some(text) = value.as_str() else { return refused() };
            machine.meter.steps(1 + text.len() / 16)?;
            if let Some(number) = decimal(text) {
                return Ok(Val::Num(number));
            }
            machine.meter.steps(2 * text.len())?;
            prefixed(text).map_or_else(refused, |number| Ok(Val::Num(number)))
        }
    }
}

/// A number as JSON writes it, but that zeros may lead.
fn decimal(text: &str) -> Option<Num> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let is_number = digits(whole) && fraction.is_none_or(digits) && exponent.is_none_or(digits);
    is_number.then(|| Num::parse(text)).flatten()
}

/// A number in base 16, 8 or 2: `0x`, `0o`, `0b`.
fn prefixed(text: &str) -> Option<Num> {
    let (prefix, digits) = text.split_at_checked(2)?;
    let radix = match prefix {
        "0x" | "0X" => 16,
        "0o" | "0O" => 8,
        "0b" | "0B" => 2,
        _ => return None,
    };
    let all = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
    all.then(|| match i64::from_str_radix(digits, radix) {
        Ok(value) => Num::Int(value),
        Err(_) => Num::Float(
            digits
                .chars()
                .filter_map(|digit| digit.to_digit(radix))
                .fold(0.0, |sum, digit| sum * f64::from(radix) + f64::from(digit)),
        ),
    })
}

/// What it takes to divide until nothing is left.
const FORMAT_STEPS: usize = 64;

pub(super) fn format_base<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let Some(number) = arg(args, 0).as_num() else { return Ok(Val::Undefined) };
    let number = whole(number, f64::round_ties_even);
    let radix = arg(args, 1).as_num().map_or(10, |radix| whole(radix, f64::round_ties_even).truncate());
    let Some(base) = u32::try_from(radix).ok().filter(|base| (2..=36).contains(base)) else {
        return Err(Error::new("D3100").value(radix));
    };
    machine.meter.steps(FORMAT_STEPS)?;
    let mut digits = match number {
        Num::Int(value) => digits_of(value.unsigned_abs(), base),
        Num::Float(value) if value.is_finite() => {
            machine.meter.steps(FAR_FORMAT_STEPS)?;
            far_digits_of(value.abs(), base)
        }
        Num::Float(_) => return Val::text(number.text(), machine.meter),
    };
    if number.as_f64() < 0.0 {
        digits.push('-');
    }
    Val::text(digits.into_iter().rev().collect(), machine.meter)
}

/// The digits of a number, the last one first.
fn digits_of(mut rest: u64, base: u32) -> Vec<char> {
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(rest % u64::from(base)).unwrap_or(0);
        digits.push(char::from_digit(digit, base).unwrap_or('0'));
        rest /= u64::from(base);
        if rest == 0 {
            return digits;
        }
    }
}

/// What it takes to divide a number of up to 1,024 bits until nothing is left.
const FAR_FORMAT_STEPS: usize = 10_000;

/// The digits of a whole number beyond 64 bits, the last one first, all of them exact.
fn far_digits_of(value: f64, base: u32) -> Vec<char> {
    let bits = value.to_bits();
    let significand = bits & ((1 << 52) - 1) | 1 << 52;
    // Whole numbers that are no `i64` have no bits behind the point.
    let shift = usize::try_from(bits >> 52 & 0x7ff).unwrap_or(0).saturating_sub(1075);
    let mut limbs = vec![0_u32; shift / 32];
    let shifted = u128::from(significand) << (shift % 32);
    limbs.extend([0, 32, 64].map(|at| u32::try_from(shifted >> at & 0xffff_ffff).unwrap_or(0)));
    let mut digits = Vec::new();
    while limbs.iter().any(|limb| *limb != 0) {
        let remainder = limbs.iter_mut().rev().fold(0_u64, |over, limb| {
            let whole = over << 32 | u64::from(*limb);
            *limb = u32::try_from(whole / u64::from(base)).unwrap_or(0);
            whole % u64::from(base)
        });
        digits.push(u32::try_from(remainder).ok().and_then(|digit| char::from_digit(digit, base)).unwrap_or('0'));
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
    }
    digits
}

/// What it takes to write a number by a picture that has been read.
const NUMBER_STEPS: usize = 220;

pub(super) fn format_number<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let Some(number) = arg(args, 0).as_num() else { return Ok(Val::Undefined) };
    let picture = arg(args, 1).as_str().unwrap_or("");
    machine.meter.picture(1 + picture.len())?;
    machine.meter.steps(NUMBER_STEPS)?;
    let options = arg(args, 2).clone().into_json(machine.meter)?;
    let options = options.as_ref().and_then(Value::as_object);
    // Each of them is taken apart, and looked for in the picture.
    let wide: usize = options.map_or(0, |options| options.values().filter_map(Value::as_str).map(str::len).sum());
    machine.meter.steps(wide.saturating_add(wide.saturating_mul(picture.len()) / 8))?;
    Val::text(picture::format_number(number, picture, options)?, machine.meter)
}

pub(super) fn format_integer<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let Some(number) = arg(args, 0).as_num() else { return Ok(Val::Undefined) };
    let picture = arg(args, 1).as_str().unwrap_or("");
    machine.meter.picture(1 + picture.len())?;
    Val::text(picture::format_integer(Some(number), picture)?, machine.meter)
}

/// What it takes to read a byte of a number, which may be words.
const READ_STEPS: usize = 4;

pub(super) fn parse_integer<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Outcome<'e> {
    let Some(text) = arg(args, 0).as_str() else { return Ok(Val::Undefined) };
    let picture = arg(args, 1).as_str().unwrap_or("");
    machine.meter.picture(1 + picture.len())?;
    machine.meter.steps(READ_STEPS * text.len())?;
    Ok(picture::parse_integer(text, picture)?.map_or(Val::Undefined, Val::Num))
}
