//! Operators of two operands.

use std::cmp::Ordering;

use super::Machine;
use crate::Error;
use crate::compile::ast::{Node, Operator};
use crate::frame::Env;
use crate::item::{Doc, Flags, Members, Val};
use crate::meter::{MADE_STEPS, Meter};
use crate::number::Num;
use crate::sequence::{Items, Seq};

/// What an operator takes the long way, beside its operands.
const OPERATOR_STEPS: usize = 2;

impl<'e> Machine<'e, '_> {
    pub(super) fn binary(
        &mut self,
        operator: Operator,
        node: &'e Node,
        operands: &'e (Node, Node),
        input: &Val<'e>,
        env: &Env<'e>,
    ) -> Result<Val<'e>, Error> {
        self.meter.steps(OPERATOR_STEPS)?;
        let left = self.eval(&operands.0, input, env)?;
        match operator {
            Operator::And if !left.is_truthy(self.meter)? => return Ok(Val::Bool(false)),
            Operator::Or if left.is_truthy(self.meter)? => return Ok(Val::Bool(true)),
            _ => {}
        }
        let right = self.eval(&operands.1, input, env)?;
        let result = match operator {
            Operator::And | Operator::Or => Ok(Val::Bool(right.is_truthy(self.meter)?)),
            Operator::Equal => self.equality(&left, &right, true),
            Operator::NotEqual => self.equality(&left, &right, false),
            Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
                ordered(operator, &left, &right, self.meter)
            }
            Operator::Concatenate => self.concatenate(&left, &right),
            Operator::In => self.includes(&left, &right),
            Operator::Range => self.range(&left, &right),
            Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => {
                arithmetic(operator, &left, &right, self.meter)
            }
        };
        result.map_err(|error| error.token_if_none(operator.text()).at(node.position))
    }

    fn equality(&mut self, left: &Val<'e>, right: &Val<'e>, wanted: bool) -> Result<Val<'e>, Error> {
        if left.is_undefined() || right.is_undefined() {
            return Ok(Val::Bool(false));
        }
        Ok(Val::Bool(equal(left, right, self.meter)? == wanted))
    }

    fn concatenate(&mut self, left: &Val<'e>, right: &Val<'e>) -> Result<Val<'e>, Error> {
        let mut out = String::new();
        for value in [left, right] {
            match value.as_str() {
                Some(text) => {
                    self.meter.foresee(out.len() + text.len())?;
                    out.push_str(text);
                }
                None => value.write_string(&mut out, false, self.meter)?,
            }
        }
        Val::text(out, self.meter)
    }

    fn includes(&mut self, left: &Val<'e>, right: &Val<'e>) -> Result<Val<'e>, Error> {
        if left.is_undefined() || right.is_undefined() {
            return Ok(Val::Bool(false));
        }
        for item in Items::or_one(right).iter() {
            self.meter.steps(1)?;
            if identical(left, &item, self.meter)? {
                return Ok(Val::Bool(true));
            }
        }
        Ok(Val::Bool(false))
    }

    fn range(&mut self, left: &Val<'e>, right: &Val<'e>) -> Result<Val<'e>, Error> {
        let bound = |value: &Val<'e>, code| match value {
            Val::Undefined => Ok(None),
            Val::Num(number) => number.as_int().map(Some).ok_or_else(|| Error::new(code).value(value.describe())),
            value => Err(Error::new(code).value(value.describe())),
        };
        let (left, right) = (bound(left, "T2003")?, bound(right, "T2004")?);
        let (Some(left), Some(right)) = (left, right) else { return Ok(Val::Undefined) };
        if left > right {
            return Ok(Val::Undefined);
        }
        let size = right.abs_diff(left).saturating_add(1);
        if size > RANGE_MAX {
            return Err(Error::new("D2014").value(i64::try_from(size).unwrap_or(i64::MAX)));
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let mut items = Seq::with_capacity(size, self.meter)?;
        self.meter.steps(MADE_STEPS / 4 + size)?;
        for value in left..=right {
            items.push(Val::Num(Num::Int(value)))?;
        }
        items.into_list(Flags::SEQUENCE)
    }
}

/// The most numbers in a range, whatever may be held.
const RANGE_MAX: u64 = 10_000_000;

/// What it takes beside the operands to make something of two numbers.
#[inline]
pub(super) fn number_steps(operator: Operator, left: Num, right: Num) -> usize {
    match (operator, left, right) {
        (Operator::Remainder, Num::Int(_), Num::Int(_)) => 2,
        // It divides until only the remainder is left.
        (Operator::Remainder, ..) => 16,
        (Operator::Equal | Operator::NotEqual, ..) => 1,
        _ => 0,
    }
}

fn arithmetic<'e>(operator: Operator, left: &Val<'e>, right: &Val<'e>, meter: &Meter) -> Result<Val<'e>, Error> {
    let operand = |value: &Val<'e>, code| match value {
        Val::Undefined => Ok(None),
        Val::Num(number) if number.is_finite() => Ok(Some(*number)),
        Val::Num(number) if !number.as_f64().is_nan() => Err(Error::new("D1001").value(number.text())),
        value => Err(Error::new(code).value(value.describe())),
    };
    let (left, right) = (operand(left, "T2001")?, operand(right, "T2002")?);
    let (Some(left), Some(right)) = (left, right) else { return Ok(Val::Undefined) };
    Ok(Val::Num(match operator {
        Operator::Add => left.add(right),
        Operator::Subtract => left.subtract(right),
        Operator::Multiply => left.multiply(right),
        Operator::Divide => left.divide(right),
        _ => {
            meter.steps(number_steps(operator, left, right))?;
            left.remainder(right)
        }
    }))
}

/// Whether two values are in the order that an operator asks for.
pub(super) fn ordered<'e>(operator: Operator, left: &Val<'e>, right: &Val<'e>, meter: &Meter) -> Result<Val<'e>, Error> {
    compare(left, right, meter, |order| match operator {
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        _ => order.is_ge(),
    })
}

fn compare<'e>(left: &Val<'e>, right: &Val<'e>, meter: &Meter, verdict: impl FnOnce(Ordering) -> bool) -> Result<Val<'e>, Error> {
    let order = match (left, right) {
        (Val::Num(left), Val::Num(right)) => left.compare(*right),
        _ => {
            let comparable = |value: &Val<'e>| value.is_undefined() || value.as_num().is_some() || value.as_str().is_some();
            if !comparable(left) || !comparable(right) {
                let culprit = if left.as_num().is_some() || left.as_str().is_some() { right } else { left };
                return Err(Error::new("T2010").value(culprit.describe()));
            }
            if left.is_undefined() || right.is_undefined() {
                return Ok(Val::Undefined);
            }
            match (left.as_str(), right.as_str()) {
                (Some(left), Some(right)) => {
                    meter.text(left.len().min(right.len()))?;
                    compare_text(left, right)
                }
                _ => return Err(Error::new("T2009").value(left.describe()).with("value2", right.describe())),
            }
        }
    };
    Ok(Val::Bool(verdict(order)))
}

/// The order of texts by UTF-16 units, as in JavaScript and Java.
pub(crate) fn compare_text(left: &str, right: &str) -> Ordering {
    // A character beyond the first plane sorts by its first surrogate, before U+E000 to U+FFFF; otherwise bytes sort the same.
    let differs = left.bytes().zip(right.bytes()).find(|(a, b)| a != b);
    match differs {
        Some((a, b)) if a >= 0xee || b >= 0xee => left.encode_utf16().cmp(right.encode_utf16()),
        Some((a, b)) => a.cmp(&b),
        None => left.len().cmp(&right.len()),
    }
}

/// Whether two values are the same, where an array or an object is only the same as itself.
fn identical<'e>(left: &Val<'e>, right: &Val<'e>, meter: &Meter) -> Result<bool, Error> {
    match (left, right) {
        // Empty arrays of documents have no place of their own; two of them are hardly ever the same one.
        (Val::Array(a), Val::Array(b)) => Ok(!a.is_empty() && std::ptr::eq(a.as_ptr(), b.as_ptr())),
        (Val::List(a), Val::List(b)) => Ok(std::rc::Rc::ptr_eq(a, b)),
        (Val::Object(a), Val::Object(b)) => Ok(a.address() == b.address()),
        (Val::Made(a), Val::Made(b)) => Ok(std::rc::Rc::ptr_eq(a, b)),
        _ if left.is_array() || left.is_object() => Ok(false),
        _ => equal(left, right, meter),
    }
}

/// What it takes to reach a text or a member before it is compared.
const COMPARED_STEPS: usize = 6;

/// Whether two values are the same through and through: numbers by value, the members of objects in any order.
pub(crate) fn equal<'e>(left: &Val<'e>, right: &Val<'e>, meter: &Meter) -> Result<bool, Error> {
    meter.steps(1)?;
    if let (Some(a), Some(b)) = (left.as_str(), right.as_str()) {
        meter.steps(COMPARED_STEPS)?;
        if a.len() != b.len() {
            return Ok(false);
        }
        meter.text(a.len())?;
        return Ok(a == b);
    }
    match (left, right) {
        (Val::Null, Val::Null) => Ok(true),
        (Val::Bool(a), Val::Bool(b)) => Ok(a == b),
        (Val::Num(a), Val::Num(b)) => Ok(a.equals(*b)),
        (Val::Function(a), Val::Function(b)) => Ok(std::rc::Rc::ptr_eq(a, b)),
        (Val::Builtin(a), Val::Builtin(b)) => Ok(std::ptr::eq(*a, *b)),
        (Val::Regex(a), Val::Regex(b)) => Ok(std::ptr::eq(*a, *b)),
        _ if left.is_array() && right.is_array() => {
            let (Some(a), Some(b)) = (Items::of(left), Items::of(right)) else { return Ok(false) };
            if a.len() != b.len() {
                return Ok(false);
            }
            meter.steps(2 * a.len())?;
            for (a, b) in a.iter().zip(b.iter()) {
                if !equal(&a, &b, meter)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ if left.is_object() && right.is_object() => {
            if left.member_count() != right.member_count() {
                return Ok(false);
            }
            let same = |key: &str, a: &Val<'e>| {
                meter.steps(COMPARED_STEPS)?;
                meter.text(key.len())?;
                right.member(key).map_or(Ok(false), |b| equal(a, &b, meter))
            };
            match left {
                Val::Made(made) => match &made.members {
                    Members::Json(members) => all(members.iter(), |(key, value)| same(key, &Val::part(value, made))),
                    Members::Mixed(members) => all(members.iter(), |(key, value)| same(key, value)),
                },
                Val::Object(Doc::Lent(members)) => all(members.iter(), |(key, value)| same(key, &Val::lent(value))),
                Val::Object(Doc::Own(members, source)) => all(members.iter(), |(key, value)| same(key, &Val::part(value, source))),
                _ => Ok(false),
            }
        }
        _ => Ok(false),
    }
}

fn all<T>(mut items: impl Iterator<Item = T>, mut test: impl FnMut(T) -> Result<bool, Error>) -> Result<bool, Error> {
    items.try_fold(true, |so_far, item| if so_far { test(item) } else { Ok(false) })
}
