//! Order by terms: `^(…)`.

use std::cmp::Ordering;

use super::Machine;
use super::operator::{compare_text, ordered};
use super::path::{Stepped, Walk, walk};
use crate::Error;
use crate::compile::ast::{Kind, Node, Operator, Symbol, Term};
use crate::frame::{Env, Frame, Function};
use crate::item::{Flags, Tuple, Val};

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
        let mut keyed = Vec::with_capacity(items.len());
        for item in items {
            keyed.push((self.keys(terms, &item, env)?, item));
        }
        let sorted = match terms {
            [term] if are_alike(keyed.iter().filter_map(|(keys, _)| keys.first())) => {
                self.sort_alike(&mut keyed, |(keys, item)| keys.first().unwrap_or(item), term.descending)?;
                keyed
            }
            _ => self.merge_sort(keyed, |machine, left, right| machine.swaps(terms, &left.0, &right.0, position))?,
        };
        let items = sorted.into_iter().map(|(_, item)| item).collect();
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
        let mut keyed = Vec::with_capacity(tuples.len());
        for tuple in tuples {
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
                    (Some(left), Some(right)) => compare_text(left, right),
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
    pub(crate) fn sort_by_part(
        &mut self,
        items: Vec<Val<'e>>,
        function: &Val<'e>,
    ) -> Result<Result<Vec<Val<'e>>, Vec<Val<'e>>>, Error> {
        let Some((operator, operand, symbol, env, reversed)) = comparison(function) else { return Ok(Err(items)) };
        let mut keyed = Vec::with_capacity(items.len());
        for item in items {
            self.meter.enter()?;
            let walked = if let Kind::Path(path) = &operand.kind { walk(&path.steps, 1, &item) } else { Walk::Value(item.clone()) };
            let key = match walked {
                Walk::Value(key) => {
                    self.meter.touch()?;
                    key
                }
                Walk::Rest(..) => {
                    let frame = Frame::inside(&env, smallvec::smallvec![(symbol, item.clone())]);
                    self.eval(operand, &Val::Undefined, &frame)?
                }
            };
            self.meter.leave();
            keyed.push((key, item));
        }
        let descending = match operator {
            Operator::Greater => Some(reversed),
            Operator::Less => Some(!reversed),
            _ => None,
        };
        if let Some(descending) = descending
            && are_alike(keyed.iter().map(|(key, _)| key))
        {
            self.sort_alike(&mut keyed, |(key, _)| key, descending)?;
            return Ok(Ok(keyed.into_iter().map(|(_, item)| item).collect()));
        }
        let sorted = self.merge_sort(keyed, |_, left, right| {
            let (left, right) = if reversed { (&right.0, &left.0) } else { (&left.0, &right.0) };
            let verdict = ordered(operator, left, right).map_err(|error| error.token_if_none(operator.text()))?;
            Ok(matches!(verdict, Val::Bool(true)))
        })?;
        Ok(Ok(sorted.into_iter().map(|(_, item)| item).collect()))
    }

    /// Puts what has numbers for keys, or what has strings, in order; what has the same key stays in its order.
    fn sort_alike<T>(&mut self, keyed: &mut [T], key: impl Fn(&T) -> &Val<'e>, descending: bool) -> Result<(), Error> {
        self.meter.steps(keyed.len().saturating_mul(keyed.len().max(2).ilog2() as usize))?;
        keyed.sort_by(|a, b| {
            let order = match (key(a), key(b)) {
                (Val::Num(a), Val::Num(b)) => a.compare(*b),
                (a, b) => compare_text(a.as_str().unwrap_or(""), b.as_str().unwrap_or("")),
            };
            if descending { order.reverse() } else { order }
        });
        Ok(())
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
        self.meter.steps(count)?;
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

/// Whether keys are finite numbers all, or strings all.
fn are_alike<'a, 'e: 'a>(mut keys: impl Iterator<Item = &'a Val<'e>> + Clone) -> bool {
    keys.clone().all(|key| key.as_num().is_some_and(crate::number::Num::is_finite)) || keys.all(|key| key.as_str().is_some())
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
