//! The short way: expressions that only compute, on numbers, strings and booleans of documents that outlive the evaluation.
//!
//! What is computed here is never held, so nothing is counted or dropped, and it fails with nothing: whatever is not plain enough,
//! and whatever is an error or reaches a bound, is left to the long way, which then starts anew. Levels are those of the long way; steps
//! are so many as what is done takes, and which way is taken depends on the expression and its data only.

use statewright_value::Value;

use super::Machine;
use super::operator::{compare_text, number_steps};
use super::path::{Ended, walk_in};
use crate::Error;
use crate::compile::ast::{Kind, Node, Operator, Pair, Path};
use crate::frame::Env;
use crate::item::{Doc, Str, Val};
use crate::number::Num;

/// What is computed: no arrays, no objects, no functions.
#[derive(Clone, Copy)]
pub(super) enum Quick<'e> {
    Nothing,
    Null,
    False,
    True,
    Num(Num),
    Text(&'e std::sync::Arc<str>),
}

impl<'e> Quick<'e> {
    #[inline]
    pub(super) fn into_val(self) -> Val<'e> {
        match self {
            Quick::Nothing => Val::Undefined,
            Quick::Null => Val::Null,
            Quick::False => Val::Bool(false),
            Quick::True => Val::Bool(true),
            Quick::Num(number) => Val::Num(number),
            Quick::Text(text) => Val::Str(Str::Lent(text)),
        }
    }

    #[inline]
    fn of_bool(value: bool) -> Self {
        if value { Quick::True } else { Quick::False }
    }

    #[inline]
    fn of_json(value: &'e Value) -> Option<Self> {
        match value {
            Value::Null => Some(Quick::Null),
            Value::Bool(value) => Some(Quick::of_bool(*value)),
            Value::Number(number) => Some(Quick::Num(Num::from(*number))),
            Value::String(text) => Some(Quick::Text(text)),
            Value::Array(_) | Value::Object(_) => None,
        }
    }

    #[inline]
    fn of_val(value: &Val<'e>) -> Option<Self> {
        match value {
            Val::Undefined => Some(Quick::Nothing),
            Val::Null => Some(Quick::Null),
            Val::Bool(value) => Some(Quick::of_bool(*value)),
            Val::Num(number) => Some(Quick::Num(*number)),
            Val::Str(Str::Lent(text)) => Some(Quick::Text(text)),
            _ => None,
        }
    }

    fn is_truthy(self) -> bool {
        match self {
            Quick::Nothing | Quick::Null | Quick::False => false,
            Quick::True => true,
            Quick::Num(number) => number.as_f64() != 0.0 && !number.as_f64().is_nan(),
            Quick::Text(text) => !text.is_empty(),
        }
    }
}

impl<'e> Machine<'e, '_> {
    /// Whether the value of a node counts as true.
    #[inline]
    pub(super) fn truth(&mut self, node: &'e Node, input: &Val<'e>, env: &Env<'e>) -> Result<bool, Error> {
        if node.pair == Pair::Compared
            && let Some(verdict) = self.compared(node, env)
        {
            return Ok(verdict);
        }
        match self.unpaired(node, input, env) {
            Some(value) => Ok(value.is_truthy()),
            None => self.eval(node, input, env)?.is_truthy(self.meter),
        }
    }

    /// The value of an operator the short way, if it has one.
    #[inline]
    pub(super) fn quick_value(&mut self, node: &'e Node, input: &Val<'e>, env: &Env<'e>) -> Option<Val<'e>> {
        let found = match node.pair {
            Pair::Computed => self.computed(node, env).map(|number| Val::Num(Num::Int(number))),
            Pair::Compared => self.compared(node, env).map(Val::Bool),
            Pair::None => None,
        };
        found.or_else(|| self.unpaired(node, input, env).map(Quick::into_val))
    }

    /// What is computed of a node the short way, if anything is.
    #[inline]
    pub(super) fn quick(&mut self, node: &'e Node, input: &Val<'e>, env: &Env<'e>) -> Option<Quick<'e>> {
        self.paired(node, env).or_else(|| self.unpaired(node, input, env))
    }

    /// The same where its operands are not both integers at hand.
    #[inline]
    fn unpaired(&mut self, node: &'e Node, input: &Val<'e>, env: &Env<'e>) -> Option<Quick<'e>> {
        if node.quick == 0 {
            return None;
        }
        let used = self.meter.used();
        let value = self.compute(node, input, env);
        if value.is_none() {
            self.meter.reset(used);
        }
        value
    }

    /// What an operator makes of two integers at hand.
    #[inline]
    fn paired(&self, node: &'e Node, env: &Env<'e>) -> Option<Quick<'e>> {
        match node.pair {
            Pair::Compared => self.compared(node, env).map(Quick::of_bool),
            Pair::Computed => self.computed(node, env).map(|number| Quick::Num(Num::Int(number))),
            Pair::None => None,
        }
    }

    /// How two numbers at hand compare, where both are integers.
    #[inline(never)]
    fn compared(&self, node: &'e Node, env: &Env<'e>) -> Option<bool> {
        let verdict = match of_integers(node, env)? {
            Quick::True => true,
            Quick::False => false,
            _ => return None,
        };
        self.meter.touch_deeper(1)?;
        Some(verdict)
    }

    /// What an operator makes of two numbers at hand, where all three are integers.
    #[inline(never)]
    fn computed(&self, node: &'e Node, env: &Env<'e>) -> Option<i64> {
        let Quick::Num(Num::Int(number)) = of_integers(node, env)? else { return None };
        self.meter.touch_deeper(1)?;
        Some(number)
    }

    fn compute(&self, node: &'e Node, input: &Val<'e>, env: &Env<'e>) -> Option<Quick<'e>> {
        let Kind::Binary(operator, operands) = &node.kind else { return self.leaf(node, input, env) };
        if node.pair != Pair::None {
            self.meter.touch_deeper(3)?;
            return self.result(*operator, self.at_hand(&operands.0, input, env)?, self.at_hand(&operands.1, input, env)?);
        }
        self.meter.enter().ok()?;
        let left = self.operand(&operands.0, input, env)?;
        let value = match operator {
            Operator::And if !left.is_truthy() => Quick::False,
            Operator::Or if left.is_truthy() => Quick::True,
            _ => self.result(*operator, left, self.operand(&operands.1, input, env)?)?,
        };
        self.meter.leave();
        Some(value)
    }

    #[inline]
    fn operand(&self, node: &'e Node, input: &Val<'e>, env: &Env<'e>) -> Option<Quick<'e>> {
        match node.kind {
            Kind::Binary(..) => self.paired(node, env).or_else(|| self.compute(node, input, env)),
            _ => self.leaf(node, input, env),
        }
    }

    #[inline]
    fn leaf(&self, node: &'e Node, input: &Val<'e>, env: &Env<'e>) -> Option<Quick<'e>> {
        if let Kind::Path(path) = &node.kind {
            return self.look_up(path, input, env);
        }
        self.meter.touch().ok()?;
        self.at_hand(node, input, env)
    }

    /// What is written out, what a variable is bound to, or the context.
    #[inline]
    fn at_hand(&self, node: &'e Node, input: &Val<'e>, env: &Env<'e>) -> Option<Quick<'e>> {
        match &node.kind {
            Kind::Number(number) => Some(Quick::Num(*number)),
            Kind::String(text) => Some(Quick::Text(text)),
            Kind::Constant(value) => Quick::of_json(value),
            Kind::Context => Quick::of_val(input),
            Kind::Variable(symbol) => env.with(*symbol, self.meter, |bound| {
                let bound = bound.or_else(|| self.globals.get(symbol.0 as usize));
                bound.map_or(Some(Quick::Nothing), Quick::of_val)
            }),
            _ => None,
        }
    }

    #[inline]
    fn look_up(&self, path: &'e Path, input: &Val<'e>, env: &Env<'e>) -> Option<Quick<'e>> {
        self.meter.touch_deeper(2 * path.steps.len() as u64 + 1)?;
        let (start, at) = match path.steps.first().map(|step| &step.kind) {
            Some(Kind::Variable(symbol)) => {
                (env.with(*symbol, self.meter, |bound| lent(bound.or_else(|| self.globals.get(symbol.0 as usize))?))?, 1)
            }
            Some(Kind::Context) => (lent(input)?, 1),
            _ => (lent(input)?, 0),
        };
        match walk_in(&path.steps, at, start) {
            Ended::Value(value) => Quick::of_json(value),
            Ended::Nothing => Some(Quick::Nothing),
            Ended::Rest(..) => None,
        }
    }

    fn result(&self, operator: Operator, left: Quick<'e>, right: Quick<'e>) -> Option<Quick<'e>> {
        match (operator, left, right) {
            (Operator::And | Operator::Or, ..) => Some(Quick::of_bool(right.is_truthy())),
            (Operator::Equal | Operator::NotEqual, Quick::Nothing, _)
            | (Operator::Equal | Operator::NotEqual, _, Quick::Nothing) => Some(Quick::False),
            (_, Quick::Num(left), Quick::Num(right)) => {
                self.meter.steps(number_steps(operator, left, right)).ok()?;
                of_numbers(operator, left, right)
            }
            (Operator::Equal | Operator::NotEqual, ..) => {
                self.meter.steps(1).ok()?;
                let same = match (left, right) {
                    (Quick::Null, Quick::Null) | (Quick::False, Quick::False) | (Quick::True, Quick::True) => true,
                    (Quick::Text(left), Quick::Text(right)) if left.len() == right.len() => {
                        self.meter.text(left.len()).ok()?;
                        left == right
                    }
                    _ => false,
                };
                Some(Quick::of_bool(same == (operator == Operator::Equal)))
            }
            (_, Quick::Text(left), Quick::Text(right)) => {
                self.meter.text(left.len().min(right.len())).ok()?;
                let order = compare_text(left, right);
                Some(Quick::of_bool(match operator {
                    Operator::Less => order.is_lt(),
                    Operator::LessOrEqual => order.is_le(),
                    Operator::Greater => order.is_gt(),
                    Operator::GreaterOrEqual => order.is_ge(),
                    _ => return None,
                }))
            }
            _ => None,
        }
    }
}

/// What an operator makes of two numbers, where it is a comparison or computes with finite ones.
#[inline(always)]
fn of_numbers<'e>(operator: Operator, left: Num, right: Num) -> Option<Quick<'e>> {
    Some(match operator {
        Operator::Equal => Quick::of_bool(left.equals(right)),
        Operator::NotEqual => Quick::of_bool(!left.equals(right)),
        Operator::Less => Quick::of_bool(left.compare(right).is_lt()),
        Operator::LessOrEqual => Quick::of_bool(left.compare(right).is_le()),
        Operator::Greater => Quick::of_bool(left.compare(right).is_gt()),
        Operator::GreaterOrEqual => Quick::of_bool(left.compare(right).is_ge()),
        _ if !left.is_finite() || !right.is_finite() => return None,
        Operator::Add => Quick::Num(left.add(right)),
        Operator::Subtract => Quick::Num(left.subtract(right)),
        Operator::Multiply => Quick::Num(left.multiply(right)),
        Operator::Divide => Quick::Num(left.divide(right)),
        Operator::Remainder => Quick::Num(left.remainder(right)),
        _ => return None,
    })
}

/// What an operator makes of two integers at hand; a division is left to those who count what it takes.
#[inline]
fn of_integers<'e>(node: &Node, env: &Env<'_>) -> Option<Quick<'e>> {
    let Kind::Binary(operator, operands) = &node.kind else { return None };
    if matches!(operator, Operator::Divide | Operator::Remainder) {
        return None;
    }
    of_numbers(*operator, Num::Int(integer(&operands.0, env)?), Num::Int(integer(&operands.1, env)?))
}

/// An integer that is written out, or that a variable of the innermost scope is bound to.
#[inline]
fn integer(node: &Node, env: &Env<'_>) -> Option<i64> {
    match &node.kind {
        Kind::Number(Num::Int(number)) => Some(*number),
        Kind::Variable(symbol) => env.innermost_integer(*symbol),
        _ => None,
    }
}

/// What a path may start from here.
#[inline]
fn lent<'e>(value: &Val<'e>) -> Option<&'e statewright_value::Object> {
    if let Val::Object(Doc::Lent(members)) = value { Some(members) } else { None }
}
