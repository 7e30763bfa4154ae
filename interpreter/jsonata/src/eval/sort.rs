//! Order by terms: `^(…)`.

use std::cmp::Ordering;

use super::Machine;
use super::operator::{compare_text, ordered};
use super::path::{Ended, Stepped, Walk, walk, walk_in};
use super::tuple::scope_steps;
use crate::Error;
use crate::compile::ast::{Kind, Node, Operator, Symbol, Term};
use crate::frame::{Env, Frame, Function};
use crate::item::{Doc, Flags, Str, Tuple, Val};
use crate::meter::{Hold, MADE_STEPS, Meter};
use crate::number::Num;
use crate::sequence::Items;

/// What a number or a reference weighs among keys, or in a result.
const KEY_WEIGHT: usize = 8;
/// What a tuple weighs while it is put in order, beside its keys.
const TUPLE_WEIGHT: usize = 64;
/// What it takes to begin to sort.
const SORT_STEPS: usize = 48;

/// What items are put in order by: as many keys for each, which are held until the order is known.
pub(crate) struct Keys<'e> {
    keys: Vec<Val<'e>>,
    each: usize,
    hold: Hold<'e>,
}

impl<'e> Keys<'e> {
    /// With room for `each` keys of `count` items, if so many can be held.
    fn with_capacity(count: usize, each: usize, meter: &'e Meter) -> Result<Self, Error> {
        let hold = Hold::on(meter, count.saturating_mul(each).saturating_mul(KEY_WEIGHT))?;
        Ok(Self { keys: Vec::with_capacity(count.saturating_mul(each)), each, hold })
    }

    /// The items themselves as their keys.
    pub(crate) fn of_items(items: Items<'_, 'e>, meter: &'e Meter) -> Result<Self, Error> {
        let mut keys = Self::with_capacity(items.len(), 1, meter)?;
        items.iter().try_for_each(|item| keys.push(item))?;
        Ok(keys)
    }

    #[inline]
    fn push(&mut self, key: Val<'e>) -> Result<(), Error> {
        // A string of a document, or one that is held already, weighs as much as a number.
        if matches!(key, Val::Str(Str::Own(_)) | Val::List(_) | Val::Function(_)) {
            self.hold.grow(key.weight().saturating_sub(KEY_WEIGHT))?;
        }
        self.keys.push(key);
        Ok(())
    }

    /// The keys of all items.
    pub(crate) fn all(&self) -> &[Val<'e>] {
        &self.keys
    }

    /// The keys of the item at a position.
    fn at(&self, at: usize) -> &[Val<'e>] {
        self.keys.get(at * self.each..(at + 1) * self.each).unwrap_or(&[])
    }
}

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
            Stepped::Many(_) | Stepped::Whole(_) => input.items(),
        };
        self.foresee_sorted(items)?;
        let mut keys = Keys::with_capacity(items.len(), terms.len(), self.meter)?;
        for item in items.iter() {
            if terms.len() > 1 {
                self.meter.steps(MADE_STEPS / 2)?;
            }
            self.push_keys(&mut keys, terms, &item, env)?;
        }
        let order = match terms {
            [term] => self.order(keys.all(), term.descending)?,
            _ => None,
        };
        let order = match order {
            Some(order) => order,
            None => {
                self.merge_sort(items.len(), |machine, left, right| machine.swaps(terms, keys.at(left), keys.at(right), position))?
            }
        };
        drop(keys);
        Ok(Stepped::Whole(Val::list(in_order(items, &order), Flags::ARRAY, self.meter)?))
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
        self.meter.foresee(tuples.len().saturating_mul(TUPLE_WEIGHT))?;
        let mut keys = Keys::with_capacity(tuples.len(), terms.len(), self.meter)?;
        for tuple in &tuples {
            self.meter.steps(scope_steps(tuple))?;
            let inner = Frame::inside(env, tuple.bindings.clone());
            self.push_keys(&mut keys, terms, &tuple.item, &inner)?;
        }
        let order =
            self.merge_sort(tuples.len(), |machine, left, right| machine.swaps(terms, keys.at(left), keys.at(right), position))?;
        let mut tuples: Vec<_> = tuples.into_iter().map(Some).collect();
        Ok(order.into_iter().filter_map(|at| tuples.get_mut(at).and_then(Option::take)).collect())
    }

    fn push_keys(&mut self, keys: &mut Keys<'e>, terms: &'e [Term], item: &Val<'e>, env: &Env<'e>) -> Result<(), Error> {
        terms.iter().try_for_each(|term| keys.push(self.eval(&term.expression, item, env)?))
    }

    /// Asks for room for items in another order, before anything is made for it.
    pub(crate) fn foresee_sorted(&self, items: Items<'_, 'e>) -> Result<(), Error> {
        self.meter.foresee(items.len().saturating_mul(KEY_WEIGHT))
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
    /// looked up once, not at every comparison. Their positions, or `None` if the function is another.
    pub(crate) fn order_by_part(&mut self, items: Items<'_, 'e>, function: &Val<'e>) -> Result<Option<Vec<usize>>, Error> {
        let Some((operator, operand, symbol, env, reversed)) = comparison(function) else { return Ok(None) };
        let mut keys = Keys::with_capacity(items.len(), 1, self.meter)?;
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
                keys.push(key)?;
            } else {
                let frame = Frame::inside(&env, smallvec::smallvec![(symbol, item)]);
                keys.push(self.eval(operand, &Val::Undefined, &frame)?)?;
            }
            self.meter.leave();
        }
        let descending = match operator {
            Operator::Greater => Some(reversed),
            Operator::Less => Some(!reversed),
            _ => None,
        };
        if let Some(descending) = descending
            && let Some(order) = self.order(keys.all(), descending)?
        {
            return Ok(Some(order));
        }
        let order = self.merge_sort(items.len(), |machine, left, right| {
            let (left, right) = if reversed { (right, left) } else { (left, right) };
            let (Some(left), Some(right)) = (keys.all().get(left), keys.all().get(right)) else { return Ok(false) };
            let verdict = ordered(operator, left, right, machine.meter).map_err(|error| error.token_if_none(operator.text()))?;
            Ok(matches!(verdict, Val::Bool(true)))
        })?;
        Ok(Some(order))
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

    /// Merge sort with a question that may fail: whether two items, given by their positions, are in the wrong order. Answers
    /// their positions. Asks in the order in which JSONata's own implementation asks, which shows when the answers contradict each
    /// other.
    pub(crate) fn merge_sort(
        &mut self,
        count: usize,
        mut swaps: impl FnMut(&mut Self, usize, usize) -> Result<bool, Error>,
    ) -> Result<Vec<usize>, Error> {
        let mut order = (0..count).collect();
        self.sort_part(&mut order, &mut swaps)?;
        Ok(order)
    }

    fn sort_part(
        &mut self,
        order: &mut Vec<usize>,
        swaps: &mut impl FnMut(&mut Self, usize, usize) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        if order.len() <= 1 {
            return Ok(());
        }
        let mut right = order.split_off(order.len() / 2);
        self.sort_part(order, swaps)?;
        self.sort_part(&mut right, swaps)?;
        let count = order.len() + right.len();
        self.meter.steps(2 * count)?;
        let left = std::mem::replace(order, Vec::with_capacity(count));
        let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
        while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
            let next = if swaps(self, *a, *b)? { right.next() } else { left.next() };
            order.extend(next);
        }
        order.extend(left);
        order.extend(right);
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
