//! Filters: `[…]` behind a step or an expression.

use super::Machine;
use super::quick::Quick;
use super::tuple::scope_steps;
use crate::Error;
use crate::compile::ast::{Kind, Node, Stage};
use crate::frame::{Env, Frame};
use crate::item::{Flags, Tuple, Val};
use crate::meter::MADE_STEPS;
use crate::number::Num;
use crate::sequence::{Items, Seq};

impl<'e> Machine<'e, '_> {
    /// What is left of a value after the filters behind it. What one of them has left nothing of is of no interest to the next.
    pub(super) fn stages(&mut self, stages: &'e [Stage], mut value: Val<'e>, env: &Env<'e>) -> Result<Val<'e>, Error> {
        for (at, stage) in stages.iter().enumerate() {
            if at > 0 && value.is_undefined() {
                break;
            }
            value = self.stage(stage, value, env)?;
        }
        Ok(value)
    }

    /// What is left of a value after a filter. Positions of tuples are none of its business.
    pub(super) fn stage(&mut self, stage: &'e Stage, value: Val<'e>, env: &Env<'e>) -> Result<Val<'e>, Error> {
        match (stage, value) {
            (Stage::Filter(predicate), Val::Tuples(tuples)) => {
                self.meter.steps(tuples.iter().map(scope_steps).sum())?;
                let tuples = self.filter_tuples(predicate, tuples.to_vec(), env)?;
                Ok(Val::Tuples(std::rc::Rc::new(tuples)))
            }
            (Stage::Filter(predicate), value) => self.filter(predicate, &value, env),
            (Stage::Index(_), value) => Ok(value),
        }
    }

    fn filter(&mut self, predicate: &'e Node, value: &Val<'e>, env: &Env<'e>) -> Result<Val<'e>, Error> {
        if value.is_undefined() {
            // Nothing is left of nothing, but what the predicate fails with.
            if !matches!(predicate.kind, Kind::Number(_)) {
                self.eval(predicate, value, env)?;
            }
            return Ok(Val::Undefined);
        }
        let items = Items::or_one(value);
        if let Kind::Number(number) = &predicate.kind
            && predicate.extra.is_none()
        {
            self.meter.steps(MADE_STEPS / 2)?;
            let item = position(*number, items.len()).and_then(|at| items.get(at));
            return Ok(item.unwrap_or(Val::Undefined));
        }
        let count = items.len();
        let mut kept = Seq::new(self.meter);
        self.meter.steps(2 * count)?;
        for (at, item) in items.iter().enumerate() {
            match self.quick(predicate, &item, env) {
                Some(Quick::True) => {
                    kept.push(item)?;
                    continue;
                }
                Some(Quick::False) => continue,
                _ => {}
            }
            if predicate.quick > 0 {
                // It was tried in vain the short way.
                self.meter.steps(MADE_STEPS / 2)?;
            }
            let verdict = self.eval(predicate, &item, env)?;
            let times = self.keeps(&verdict, at, count)?;
            for _ in 1..times {
                kept.push(item.clone())?;
            }
            if times > 0 {
                kept.push(item)?;
            }
        }
        match kept.as_slice() {
            [] => Ok(Val::Undefined),
            [one] if !one.is_array() => kept.finish(),
            _ => kept.into_list(Flags::SEQUENCE),
        }
    }

    /// How often the item at a position is kept: once if the verdict is true, as often as the verdict names its position otherwise.
    fn keeps(&mut self, verdict: &Val<'e>, at: usize, count: usize) -> Result<usize, Error> {
        let names_it = |number: Num| position(number, count) == Some(at);
        if let Val::Bool(verdict) = verdict {
            return Ok(usize::from(*verdict));
        }
        if let Val::Num(number) = verdict {
            return Ok(usize::from(names_it(*number)));
        }
        if let Some(items) = Items::of(verdict)
            && !items.is_empty()
            && items.iter().all(|item| matches!(item, Val::Num(_)))
        {
            self.meter.steps(items.len())?;
            return Ok(items.iter().filter(|item| item.as_num().is_some_and(names_it)).count());
        }
        Ok(usize::from(verdict.is_truthy(self.meter)?))
    }

    /// What is left of tuples after a filter, which sees what is bound to each.
    pub(super) fn filter_tuples(
        &mut self,
        predicate: &'e Node,
        tuples: Vec<Tuple<'e>>,
        env: &Env<'e>,
    ) -> Result<Vec<Tuple<'e>>, Error> {
        let count = tuples.len();
        if let Kind::Number(number) = &predicate.kind {
            let at = position(*number, count);
            return Ok(at.and_then(|at| tuples.into_iter().nth(at)).into_iter().collect());
        }
        let mut kept = Vec::new();
        for (at, tuple) in tuples.into_iter().enumerate() {
            self.meter.steps(scope_steps(&tuple))?;
            let inner = Frame::inside(env, tuple.bindings.clone());
            let verdict = self.eval(predicate, &tuple.item, &inner)?;
            for _ in 0..self.keeps(&verdict, at, count)? {
                kept.push(tuple.clone());
            }
        }
        Ok(kept)
    }
}

/// The position that a number names: rounded down, from the end if it is negative.
pub(super) fn position(number: Num, count: usize) -> Option<usize> {
    let at = number.floor();
    let from_end = if at < 0 { at.checked_add(i64::try_from(count).ok()?)? } else { at };
    usize::try_from(from_end).ok()
}
