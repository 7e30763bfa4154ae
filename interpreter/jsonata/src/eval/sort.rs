//! Order by terms: `^(…)`.

use std::cmp::Ordering;

use super::Machine;
use super::operator::{compare_text, ordered};
use super::path::{Ended, Stepped, Walk, walk, walk_in};
use super::tuple::scope_steps;
use crate::Error;
use crate::compile::ast::{Kind, Node, Operator, Symbol, Term};
use crate::frame::{Env, Frame, Function};
use crate::item::{Doc, Flags, Tuple, Val};
use crate::meter::MADE_STEPS;
use crate::number::Num;
use crate::sequence::Items;

/// What an item weighs that is sorted with its keys.
const KEYED_WEIGHT: usize = 40;
/// What it takes to begin to sort.
const SORT_STEPS: usize = 48;

impl<'e> Machine<'e, '_> {
    /// The items of a step in order.
    pub(super) fn sort(
        &mut self,
        terms: &'e [Term],
        position: usize,
        input: &Stepped<'e>,
        env: &Env<'e>,
    ) -> Result<Stepped<'e>, Error> {
        let items = match input {
            Stepped::None => return Ok(Stepped::None),
            Stepped::One(value) => return Ok(Stepped::One(value.clone())),
            Stepped::Whole(value) if input.items().len() <= 1 => return Ok(Stepped::Whole(value.clone())),
            Stepped::Many(_) | Stepped::Whole(_) => input.items().to_vec(),
        };
        let items = match terms {
            [term] => {
                let mut keys = Vec::with_capacity(items.len());
                for item in &items {
                    keys.push(self.eval(&term.expression, item, env)?);
                }
                match self.order(&keys, term.descending)? {
                    Some(order) => in_order(Items::List(&items), &order),
                    None => {
                        let keyed = keys.into_iter().zip(items).collect();
                        let swaps = |machine: &mut Self, left: &(Val<'e>, _), right: &(Val<'e>, _)| {
                            machine.swaps(terms, std::slice::from_ref(&left.0), std::slice::from_ref(&right.0), position)
                        };
                        self.merge_sort(keyed, swaps)?.into_iter().map(|(_, item)| item).collect()
                    }
                }
            }
            _ => {
                self.meter.foresee(items.len().saturating_mul(KEYED_WEIGHT))?;
                let mut keyed = Vec::with_capacity(items.len());
                for item in items {
                    self.meter.steps(MADE_STEPS / 2)?;
                    keyed.push((self.keys(terms, &item, env)?, item));
                }
                let sorted = self.merge_sort(keyed, |machine, left, right| machine.swaps(terms, &left.0, &right.0, position))?;
                sorted.into_iter().map(|(_, item)| item).collect()
            }
        };
        Ok(Stepped::Whole(Val::list(items, Flags::ARRAY, self.meter)?))
    }

    /// Tuples in order.
    pub(super) fn sort_tuples(
        &mut self,
        terms: &'e [Term],
        position: usize,
        tuples: Vec<Tuple<'e>>,
        env: &Env<'e>,
    ) -> Result<Vec<Tuple<'e>>, Error> {
        if tuples.len() <= 1 {
            return Ok(tuples);
        }
        self.meter.foresee(tuples.len().saturating_mul(2 * KEYED_WEIGHT))?;
        let mut keyed = Vec::with_capacity(tuples.len());
        for tuple in tuples {
            self.meter.steps(scope_steps(&tuple))?;
            let inner = Frame::inside(env, tuple.bindings.clone());
            keyed.push((self.keys(terms, &tuple.item, &inner)?, tuple));
        }
        let sorted = self.merge_sort(keyed, |machine, left, right| machine.swaps(terms, &left.0, &right.0, position))?;
        Ok(sorted.into_iter().map(|(_, tuple)| tuple).collect())
    }

    fn keys(&mut self, terms: &'e [Term], item: &Val<'e>, env: &Env<'e>) -> Result<smallvec::SmallVec<[Val<'e>; 1]>, Error> {
        terms.iter().map(|term| self.eval(&term.expression, item, env)).collect()
    }

    /// Whether two items, given by their keys, are in the wrong order.
    fn swaps(&mut self, terms: &'e [Term], left: &[Val<'e>], right: &[Val<'e>], position: usize) -> Result<bool, Error> {
        for ((term, left), right) in terms.iter().zip(left).zip(right) {
            let mut order = match (left, right) {
                (Val::Undefined, Val::Undefined) => continue,
                // What is nothing comes last, whatever the direction.
                (Val::Undefined, _) => return Ok(true),
                (_, Val::Undefined) => return Ok(false),
                (Val::Num(left), Val::Num(right)) => left.compare(*right),
                (left, right) => match (left.as_str(), right.as_str()) {
                    (Some(left), Some(right)) => {
                        self.meter.text(left.len().min(right.len()))?;
                        compare_text(left, right)
                    }
                    (a, b) => {
                        let orders = |text: Option<&str>, value: &Val<'e>| text.is_some() || value.as_num().is_some();
                        if !orders(a, left) || !orders(b, right) {
                            let culprit = if orders(a, left) { right } else { left };
                            return Err(Error::new("T2008").value(culprit.describe()).at(position));
                        }
                        let error = Error::new("T2007").value(left.describe()).with("value2", right.describe());
                        return Err(error.at(position));
                    }
                },
            };
            if term.descending {
                order = order.reverse();
            }
            match order {
                Ordering::Equal => {}
                Ordering::Less => return Ok(false),
                Ordering::Greater => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Items in the order of a function that compares the same part of both, such as `$a.price > $b.price`: the part of each item is
    /// looked up once, not at every comparison. `None` if the function is another.
    pub(crate) fn sort_by_part(&mut self, items: Items<'_, 'e>, function: &Val<'e>) -> Result<Option<Vec<Val<'e>>>, Error> {
        let Some((operator, operand, symbol, env, reversed)) = comparison(function) else { return Ok(None) };
        let mut keys = Vec::with_capacity(items.len());
        for item in items.iter() {
            self.meter.enter()?;
            let key = match (&operand.kind, &item) {
                (Kind::Path(path), Val::Object(Doc::Lent(members))) => match walk_in(&path.steps, 1, members) {
                    Ended::Value(key) => Some(Val::lent(key)),
                    Ended::Nothing => Some(Val::Undefined),
                    Ended::Rest(..) => None,
                },
                (Kind::Path(path), item) => match walk(&path.steps, 1, item) {
                    Walk::Value(key) => Some(key),
                    Walk::Rest(..) => None,
                },
                (_, item) => Some(item.clone()),
            };
            if let Some(key) = key {
                self.meter.touch()?;
                keys.push(key);
            } else {
                let frame = Frame::inside(&env, smallvec::smallvec![(symbol, item)]);
                keys.push(self.eval(operand, &Val::Undefined, &frame)?);
            }
            self.meter.leave();
        }
        let descending = match operator {
            Operator::Greater => Some(reversed),
            Operator::Less => Some(!reversed),
            _ => None,
        };
        if let Some(descending) = descending
            && let Some(order) = self.order(&keys, descending)?
        {
            return Ok(Some(in_order(items, &order)));
        }
        let keyed = keys.into_iter().zip(items.iter()).collect();
        let sorted = self.merge_sort(keyed, |machine, left: &(Val<'e>, Val<'e>), right| {
            let (left, right) = if reversed { (&right.0, &left.0) } else { (&left.0, &right.0) };
            let verdict = ordered(operator, left, right, machine.meter).map_err(|error| error.token_if_none(operator.text()))?;
            Ok(matches!(verdict, Val::Bool(true)))
        })?;
        Ok(Some(sorted.into_iter().map(|(_, item)| item).collect()))
    }

    /// The order of keys that are finite numbers all, or strings all: their positions, those of equal keys as they came. `None` if
    /// they are anything else.
    pub(crate) fn order(&mut self, keys: &[Val<'e>], descending: bool) -> Result<Option<Vec<usize>>, Error> {
        let meter = self.meter;
        let count = || meter.steps(SORT_STEPS + keys.len().saturating_mul(keys.len().max(2).ilog2() as usize));
        let order = if let Some(mut ranked) = ranks(keys) {
            count()?;
            if descending {
                ranked.iter_mut().for_each(|(rank, _)| *rank = !*rank);
            }
            ranked.sort_by_key(|(rank, _)| *rank);
            ranked.into_iter().map(|(_, at)| at).collect()
        } else if let Some(mut numbers) = all(keys, |key| key.as_num().filter(|number| number.is_finite())) {
            count()?;
            numbers.sort_by(|(a, _), (b, _)| directed(a.compare(*b), descending));
            numbers.into_iter().map(|(_, at)| at).collect()
        } else if let Some(mut texts) = all(keys, Val::as_str) {
            count()?;
            // Every text is compared as often as any other.
            let bytes = texts.iter().fold(0, |sum: usize, (text, _)| sum.saturating_add(text.len()));
            meter.text(bytes.saturating_mul(keys.len().max(2).ilog2() as usize))?;
            texts.sort_by(|(a, _), (b, _)| directed(compare_text(a, b), descending));
            texts.into_iter().map(|(_, at)| at).collect()
        } else {
            return Ok(None);
        };
        Ok(Some(order))
    }

    /// Merge sort with a question that may fail: whether two items are in the wrong order. Asks in the order in which JSONata's
    /// own implementation asks, which shows when the answers contradict each other.
    pub(crate) fn merge_sort<T>(
        &mut self,
        mut items: Vec<T>,
        mut swaps: impl FnMut(&mut Self, &T, &T) -> Result<bool, Error>,
    ) -> Result<Vec<T>, Error> {
        self.sort_part(&mut items, &mut swaps)?;
        Ok(items)
    }

    fn sort_part<T>(
        &mut self,
        items: &mut Vec<T>,
        swaps: &mut impl FnMut(&mut Self, &T, &T) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        if items.len() <= 1 {
            return Ok(());
        }
        let mut right = items.split_off(items.len() / 2);
        self.sort_part(items, swaps)?;
        self.sort_part(&mut right, swaps)?;
        let count = items.len() + right.len();
        self.meter.steps(2 * count)?;
        let left = std::mem::replace(items, Vec::with_capacity(count));
        let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
        while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
            let next = if swaps(self, a, b)? { right.next() } else { left.next() };
            items.extend(next);
        }
        items.extend(left);
        items.extend(right);
        Ok(())
    }
}

/// Keys as whole numbers that have the same order, with their positions, if they are numbers that all have an exact place among
/// either integers or floating-point numbers.
fn ranks(keys: &[Val<'_>]) -> Option<Vec<(u64, usize)>> {
    const SIGN: u64 = 1 << 63;
    let integers = all(keys, |key| match key {
        Val::Num(Num::Int(value)) => Some(value.cast_unsigned() ^ SIGN),
        _ => None,
    });
    integers.or_else(|| {
        all(keys, |key| {
            // Adding zero makes one zero of both.
            let bits = (key.as_num()?.as_exact_f64()? + 0.0).to_bits();
            Some(if bits & SIGN == 0 { bits | SIGN } else { !bits })
        })
    })
}

/// What `part` makes of each key, with its position, if it makes something of all.
fn all<'k, 'e, T>(keys: &'k [Val<'e>], part: impl Fn(&'k Val<'e>) -> Option<T>) -> Option<Vec<(T, usize)>> {
    let mut parts = Vec::with_capacity(keys.len());
    for (at, key) in keys.iter().enumerate() {
        parts.push((part(key)?, at));
    }
    Some(parts)
}

fn directed(order: Ordering, descending: bool) -> Ordering {
    if descending { order.reverse() } else { order }
}

/// Items in an order of their positions.
pub(crate) fn in_order<'e>(items: Items<'_, 'e>, order: &[usize]) -> Vec<Val<'e>> {
    let mut sorted = Vec::with_capacity(order.len());
    match items {
        Items::Lent(items) => sorted.extend(order.iter().filter_map(|at| items.get(*at)).map(Val::lent)),
        items => sorted.extend(order.iter().filter_map(|at| items.get(*at))),
    }
    sorted
}

/// What a function compares, if it compares the same part of its two arguments: the operator, the part as it is written for one of
/// them, which of them that is, and whether it is the second that stands on the left.
fn comparison<'e>(function: &Val<'e>) -> Option<(Operator, &'e Node, Symbol, Env<'e>, bool)> {
    let Val::Function(function) = function else { return None };
    let Function::Lambda { lambda, env, .. } = &**function else { return None };
    let ([first, second], None) = (lambda.parameters.as_slice(), &lambda.signature) else { return None };
    let Node { kind: Kind::Binary(operator, operands), extra: None, keep_array: false, .. } = &lambda.body else { return None };
    let is_order = matches!(operator, Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual);
    let ((left, left_names), (right, right_names)) = (part(&operands.0)?, part(&operands.1)?);
    let names = |steps: &'e [Node]| steps.iter().map(|step| if let Kind::Name(name) = &step.kind { Some(name) } else { None });
    let same = names(left_names).eq(names(right_names)) && left_names.iter().all(|step| step.extra.is_none());
    let reversed = (left, right) == (*second, *first);
    let fits = is_order && same && first != second && (reversed || (left, right) == (*first, *second));
    fits.then(|| (*operator, &operands.0, left, Env::clone(env), reversed))
}

/// A variable, and the names that are looked up from it.
fn part(node: &Node) -> Option<(Symbol, &[Node])> {
    match &node.kind {
        Kind::Variable(symbol) if node.extra.is_none() && !node.keep_array => Some((*symbol, &[])),
        Kind::Path(path) if path.plain && node.extra.is_none() && !node.keep_array => match path.steps.split_first() {
            Some((Node { kind: Kind::Variable(symbol), .. }, names)) => Some((*symbol, names)),
            _ => None,
        },
        _ => None,
    }
}
