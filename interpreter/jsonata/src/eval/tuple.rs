//! Paths that carry variables along with their items: joins (`@`, `#`) and ancestors (`%`).

use smallvec::SmallVec;

use super::Machine;
use super::path::Stepped;
use crate::Error;
use crate::compile::ast::{Kind, Node, Path, Stage, Symbol};
use crate::frame::{Env, Frame};
use crate::item::{Flags, Tuple, Val};
use crate::number::Num;
use crate::sequence::{Items, Seq};

/// What a tuple weighs, and what each variable adds that it carries along.
const TUPLE_WEIGHT: usize = 80;
const BINDING_WEIGHT: usize = 32;
/// What it takes to make a tuple, beside its variables.
const TUPLE_STEPS: usize = 14;

/// What it takes to open a scope with a tuple's variables.
pub(super) fn scope_steps(tuple: &Tuple<'_>) -> usize {
    let count = tuple.bindings.len();
    TUPLE_STEPS / 2 + 2 * count + count * count / 8
}

impl<'e> Machine<'e, '_> {
    /// The steps of a path from the first that answers tuples on.
    pub(super) fn tuple_steps(
        &mut self,
        node: &'e Node,
        path: &'e Path,
        from: usize,
        input: Stepped<'e>,
        env: &Env<'e>,
    ) -> Result<Val<'e>, Error> {
        let mut tuples = None;
        for step in path.steps.iter().skip(from) {
            let next = self.tuple_step(step, &input, tuples, env)?;
            tuples = Some(next);
        }
        let tuples = tuples.unwrap_or_default();
        if let Some(group) = node.group() {
            return self.group_tuples(group, &tuples, env);
        }
        if node.tuple {
            return Ok(Self::tuples(tuples));
        }
        let mut items = Seq::new(self.meter);
        for tuple in tuples {
            items.push(tuple.item)?;
        }
        let keep = path.keep_singleton || node.keep_array;
        items.into_list(Flags { keep_singleton: keep, ..Flags::SEQUENCE })
    }

    fn tuple_step(
        &mut self,
        step: &'e Node,
        input: &Stepped<'e>,
        tuples: Option<Vec<Tuple<'e>>>,
        env: &Env<'e>,
    ) -> Result<Vec<Tuple<'e>>, Error> {
        let mut result = match &step.kind {
            Kind::Sort(terms) => match tuples {
                Some(tuples) => self.sort_tuples(terms, step.position, tuples, env)?,
                None => {
                    let sorted = self.sort(terms, step.position, input, env)?;
                    let index = step.extra.as_ref().and_then(|extra| extra.index);
                    let mut tuples = self.bare(sorted.items())?;
                    if let Some(index) = index {
                        (0..).zip(&mut tuples).for_each(|(at, tuple)| tuple.bind(index, Val::int(at)));
                    }
                    tuples
                }
            },
            _ => {
                let tuples = match tuples {
                    Some(tuples) => tuples,
                    None => self.bare(input.items())?,
                };
                self.expand(step, tuples, env)?
            }
        };
        for stage in step.stages() {
            result = match stage {
                Stage::Filter(predicate) => self.filter_tuples(predicate, result, env)?,
                Stage::Index(symbol) => {
                    self.meter.steps(result.iter().map(scope_steps).sum())?;
                    for (at, tuple) in (0..).zip(&mut result) {
                        tuple.bind(*symbol, Val::Num(Num::Int(at)));
                    }
                    result
                }
            };
        }
        Ok(result)
    }

    /// Items without variables.
    fn bare(&mut self, items: Items<'_, 'e>) -> Result<Vec<Tuple<'e>>, Error> {
        self.meter.foresee(items.len().saturating_mul(TUPLE_WEIGHT))?;
        self.meter.steps(items.len().saturating_mul(TUPLE_STEPS / 2))?;
        Ok(items.iter().map(|item| Tuple { item, bindings: SmallVec::new() }).collect())
    }

    /// For each tuple, one for each item that the step answers.
    fn expand(&mut self, step: &'e Node, tuples: Vec<Tuple<'e>>, env: &Env<'e>) -> Result<Vec<Tuple<'e>>, Error> {
        let mut result = Vec::new();
        let labels = step.extra.as_ref().map(|extra| {
            let ancestor = extra.ancestor.and_then(|slot| self.label(slot));
            (extra.focus, extra.index, ancestor)
        });
        let (focus, index, ancestor) = labels.unwrap_or_default();
        let before = tuples.len();
        for tuple in tuples {
            let weight = TUPLE_WEIGHT + BINDING_WEIGHT * tuple.bindings.len();
            self.meter.steps(scope_steps(&tuple))?;
            let inner = Frame::inside(env, tuple.bindings.clone());
            match self.eval(step, &tuple.item, &inner)? {
                Val::Undefined => {}
                Val::Tuples(found) => {
                    for other in found.iter() {
                        self.meter.foresee((before + result.len()).saturating_mul(weight))?;
                        let pairs = tuple.bindings.len() * other.bindings.len();
                        self.meter.steps(TUPLE_STEPS + scope_steps(&tuple) + scope_steps(other) + pairs / 4)?;
                        let mut next = tuple.clone();
                        next.item = other.item.clone();
                        other.bindings.iter().for_each(|(symbol, value)| next.bind(*symbol, value.clone()));
                        result.push(next);
                    }
                }
                value => {
                    for (at, item) in Items::or_one(&value).iter().enumerate() {
                        self.meter.foresee((before + result.len()).saturating_mul(weight))?;
                        self.meter.steps(TUPLE_STEPS + scope_steps(&tuple))?;
                        let mut next = tuple.clone();
                        match focus {
                            Some(focus) => next.bind(focus, item),
                            None => next.item = item,
                        }
                        if let Some(index) = index {
                            next.bind(index, Val::int(at));
                        }
                        if let Some(ancestor) = ancestor {
                            next.bind(ancestor, tuple.item.clone());
                        }
                        result.push(next);
                    }
                }
            }
        }
        Ok(result)
    }

    fn label(&self, slot: usize) -> Option<Symbol> {
        self.compiled.labels.get(slot).copied()
    }
}
