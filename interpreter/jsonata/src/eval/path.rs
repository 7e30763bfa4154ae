//! Paths: steps, each in the context of every item of the one before.

use std::rc::Rc;

use statewright_value::{Object, Value};

use super::filter::position;
use super::{LOOK_UP_STEPS, Machine, collapse, context};
use crate::Error;
use crate::compile::ast::{Kind, Node, Path, Stage};
use crate::frame::Env;
use crate::item::{Doc, Flags, List, Members, Val};
use crate::sequence::{Items, Seq};

/// The result of a step.
pub(super) enum Stepped<'e> {
    None,
    /// A sequence of one item.
    One(Val<'e>),
    /// A sequence of many.
    Many(Rc<List<'e>>),
    /// An array that is no sequence.
    Whole(Val<'e>),
}

impl<'e> Stepped<'e> {
    pub(super) fn items(&self) -> Items<'_, 'e> {
        match self {
            Stepped::None => Items::List(&[]),
            Stepped::One(value) => Items::List(std::slice::from_ref(value)),
            Stepped::Many(list) => Items::List(&list.items),
            Stepped::Whole(value) => Items::or_one(value),
        }
    }

    pub(super) fn of_seq(seq: Seq<'e>) -> Result<Self, Error> {
        match seq.len() {
            0 => Ok(Stepped::None),
            1 => seq.finish().map(Stepped::One),
            _ => match seq.into_list(Flags::SEQUENCE)? {
                Val::List(list) => Ok(Stepped::Many(list)),
                value => Ok(Stepped::One(value)),
            },
        }
    }
}

/// Gathers what a step answers for each item, arrays taken apart.
struct Gather<'e> {
    /// What came first, while nothing else has come: an array that comes alone from the last step stays as it is.
    first: Option<Val<'e>>,
    /// Whether more has come.
    many: bool,
    all: Seq<'e>,
}

impl<'e> Gather<'e> {
    #[inline]
    fn add(&mut self, value: Val<'e>) -> Result<(), Error> {
        if value.is_undefined() {
            return Ok(());
        }
        if !self.many && self.first.is_none() {
            self.first = Some(value);
            return Ok(());
        }
        self.many = true;
        if let Some(first) = self.first.take() {
            self.flat(first)?;
        }
        self.flat(value)
    }

    #[inline]
    fn flat(&mut self, value: Val<'e>) -> Result<(), Error> {
        match &value {
            Val::List(list) if list.flags.cons => self.all.push(value),
            _ => self.all.push_flat(value),
        }
    }

    fn finish(mut self, last: bool) -> Result<Stepped<'e>, Error> {
        let Some(first) = self.first.take() else { return Stepped::of_seq(self.all) };
        match first {
            Val::List(list) if list.flags.sequence && !list.flags.cons => match list.items.len() {
                0 => Ok(Stepped::None),
                1 => Ok(Stepped::One(list.items.first().cloned().unwrap_or(Val::Undefined))),
                _ if list.flags.keep_singleton || list.flags.outer => Ok(Stepped::Many(List::with_flags(list, Flags::SEQUENCE)?)),
                _ => Ok(Stepped::Many(list)),
            },
            Val::Array(_) | Val::List(_) if last => Ok(Stepped::Whole(first)),
            Val::Array(_) => {
                self.flat(first)?;
                Stepped::of_seq(self.all)
            }
            Val::List(ref list) if !list.flags.cons => {
                self.flat(first)?;
                Stepped::of_seq(self.all)
            }
            value => Ok(Stepped::One(value)),
        }
    }
}

/// How far a walk came.
pub(super) enum Walk<'e> {
    /// To the end.
    Value(Val<'e>),
    /// To the step at a position, whose input is more than one item.
    Rest(usize, Val<'e>),
}

/// Follows the names, and the positions behind them, from the step at a position on.
pub(super) fn walk<'e>(steps: &'e [Node], at: usize, start: &Val<'e>) -> Walk<'e> {
    if at == steps.len() {
        return Walk::Value(start.clone());
    }
    match start {
        Val::Object(Doc::Lent(members)) => Walk::of(walk_in(steps, at, members), Val::lent),
        Val::Object(Doc::Own(members, source)) => Walk::of(walk_in(steps, at, members), |value| Val::part(value, source)),
        Val::Made(made) => match &made.members {
            Members::Json(members) => Walk::of(walk_in(steps, at, members), |value| Val::part(value, made)),
            Members::Mixed(_) => Walk::Rest(at, start.clone()),
        },
        Val::Array(_) | Val::List(_) | Val::Tuples(_) => Walk::Rest(at, start.clone()),
        _ => Walk::Value(Val::Undefined),
    }
}

impl<'e> Walk<'e> {
    #[inline]
    fn of<'v>(ended: Ended<'v>, hold: impl Fn(&'v Value) -> Val<'e>) -> Self {
        match ended {
            Ended::Nothing => Walk::Value(Val::Undefined),
            Ended::Value(value) => Walk::Value(hold(value)),
            Ended::Rest(at, value) => Walk::Rest(at, hold(value)),
        }
    }
}

/// How far a walk inside a document came, in it.
pub(super) enum Ended<'v> {
    /// To where there is nothing.
    Nothing,
    /// To the end.
    Value(&'v Value),
    /// To the step at a position, whose input is an array.
    Rest(usize, &'v Value),
}

/// Follows the names, and the positions behind them, from the step at a position on, of which there is one.
#[inline]
pub(super) fn walk_in<'v>(steps: &[Node], mut at: usize, mut members: &'v Object) -> Ended<'v> {
    loop {
        let Some(step) = steps.get(at) else { return Ended::Nothing };
        let Kind::Name(name) = &step.kind else { return Ended::Nothing };
        let Some(mut value) = members.get(name) else { return Ended::Nothing };
        for stage in step.stages() {
            let Stage::Filter(Node { kind: Kind::Number(number), .. }) = stage else { continue };
            let items = if let Value::Array(items) = value { &**items } else { std::slice::from_ref(value) };
            match position(*number, items.len()).and_then(|at| items.get(at)) {
                Some(item) => value = item,
                None => return Ended::Nothing,
            }
        }
        at += 1;
        if at == steps.len() {
            return Ended::Value(value);
        }
        match value {
            Value::Object(next) => members = next,
            Value::Array(_) => return Ended::Rest(at, value),
            _ => return Ended::Nothing,
        }
    }
}

impl<'e> Machine<'e, '_> {
    /// The value of a path.
    pub(super) fn path(&mut self, node: &'e Node, path: &'e Path, input: &Val<'e>, env: &Env<'e>) -> Result<Val<'e>, Error> {
        if path.plain && node.extra.is_none() { self.plain(node, path, input, env) } else { self.steps(node, path, 0, input, env) }
    }

    /// The value of a path that is look-ups only: walks what it can without taking hold of anything.
    pub(super) fn plain(&mut self, node: &'e Node, path: &'e Path, input: &Val<'e>, env: &Env<'e>) -> Result<Val<'e>, Error> {
        self.meter.touch()?;
        self.meter.steps(2 * path.steps.len() - 1)?;
        let walked = match path.steps.first().map(|step| &step.kind) {
            Some(Kind::Variable(symbol)) => env.with(*symbol, self.meter, |bound| match bound {
                Some(bound) => walk(&path.steps, 1, bound),
                None => {
                    self.globals.get(symbol.0 as usize).map_or(Walk::Value(Val::Undefined), |bound| walk(&path.steps, 1, bound))
                }
            }),
            Some(Kind::Context) => match input {
                Val::List(list) if list.flags.outer => walk(&path.steps, 1, &context(input)),
                input => walk(&path.steps, 1, input),
            },
            _ => walk(&path.steps, 0, input),
        };
        match walked {
            Walk::Value(value) if !path.keep_singleton && !node.keep_array => Ok(value),
            Walk::Value(value) => self.ending(node, path, value),
            Walk::Rest(at, value) => self.steps(node, path, at, &value, env),
        }
    }

    /// A value as the result of a path, with regard to `[]`.
    fn ending(&mut self, node: &'e Node, path: &'e Path, value: Val<'e>) -> Result<Val<'e>, Error> {
        if (path.keep_singleton || node.keep_array) && !value.is_undefined() && !value.is_array() {
            let flags = Flags { keep_singleton: true, ..Flags::SEQUENCE };
            return Val::list(vec![value], flags, self.meter);
        }
        Ok(value)
    }

    fn steps(&mut self, node: &'e Node, path: &'e Path, from: usize, input: &Val<'e>, env: &Env<'e>) -> Result<Val<'e>, Error> {
        let starts_anew = matches!(path.steps.get(from).map(|step| &step.kind), Some(Kind::Variable(_) | Kind::Context));
        let mut current =
            if input.is_array() && !starts_anew { Stepped::Whole(input.clone()) } else { Stepped::One(input.clone()) };
        let count = path.steps.len();
        for (at, step) in path.steps.iter().enumerate().skip(from) {
            if step.tuple {
                return self.tuple_steps(node, path, at, current, env);
            }
            current = if at == 0 && step.cons_array {
                let whole = match &current {
                    Stepped::One(value) | Stepped::Whole(value) => value.clone(),
                    Stepped::Many(_) | Stepped::None => input.clone(),
                };
                match self.eval(step, &whole, env)? {
                    Val::Undefined => Stepped::None,
                    value if value.is_array() => Stepped::Whole(value),
                    value => Stepped::One(value),
                }
            } else {
                self.step(step, &current, env, at + 1 == count)?
            };
            if matches!(&current, Stepped::None) || current.items().is_empty() {
                break;
            }
        }
        self.path_result(node, path, current, env)
    }

    /// What the last step answered as the value of the path.
    fn path_result(&mut self, node: &'e Node, path: &'e Path, last: Stepped<'e>, env: &Env<'e>) -> Result<Val<'e>, Error> {
        let keep = path.keep_singleton || node.keep_array;
        let kept = Flags { keep_singleton: true, ..Flags::SEQUENCE };
        let value = match last {
            Stepped::None => Val::Undefined,
            Stepped::One(value) if keep => Val::list(vec![value], kept, self.meter)?,
            Stepped::One(value) => value,
            Stepped::Many(list) if keep => Val::List(List::with_flags(list, kept)?),
            Stepped::Many(list) => Val::List(list),
            Stepped::Whole(Val::List(list)) if path.keep_singleton && list.flags.cons => {
                Val::list(vec![Val::List(list)], kept, self.meter)?
            }
            Stepped::Whole(value) => value,
        };
        match node.group() {
            Some(group) => self.group(group, &value, env),
            None => Ok(value),
        }
    }

    /// One step, for each item.
    fn step(&mut self, step: &'e Node, input: &Stepped<'e>, env: &Env<'e>, last: bool) -> Result<Stepped<'e>, Error> {
        if let Kind::Sort(terms) = &step.kind {
            let mut sorted = self.sort(terms, step.position, input, env)?;
            for stage in step.stages() {
                let value = match sorted {
                    Stepped::None => Val::Undefined,
                    Stepped::One(value) | Stepped::Whole(value) => value,
                    Stepped::Many(list) => Val::List(list),
                };
                sorted = match self.stage(stage, value, env)? {
                    Val::Undefined => Stepped::None,
                    Val::List(list) if list.flags.sequence => Stepped::Many(list),
                    value if value.is_array() => Stepped::Whole(value),
                    value => Stepped::One(value),
                };
            }
            return Ok(sorted);
        }
        let mut gather = Gather { first: None, many: false, all: Seq::new(self.meter) };
        let stages = step.stages();
        if let Kind::Name(name) = &step.kind
            && stages.is_empty()
            && !step.keep_array
        {
            self.meter.touch()?;
            return self.name_step(name, input, gather, last);
        }
        let items = input.items();
        gather.all.reserve(items.len());
        self.meter.steps(6 * items.len())?;
        for item in items.iter() {
            let value = self.eval(step, &item, env)?;
            gather.add(self.stages(stages, value, env)?)?;
        }
        gather.finish(last)
    }

    fn name_step(&mut self, name: &str, input: &Stepped<'e>, mut gather: Gather<'e>, last: bool) -> Result<Stepped<'e>, Error> {
        match input.items() {
            Items::Lent(items) => self.name_each(name, items, Val::lent, &mut gather)?,
            Items::Json(items, source) => self.name_each(name, items, |item| Val::part(item, source), &mut gather)?,
            Items::List(items) => {
                self.meter.steps(LOOK_UP_STEPS / 2 * items.len())?;
                gather.all.reserve(items.len());
                for item in items {
                    if let Val::Object(Doc::Lent(members)) = item {
                        if let Some(value) = members.get(name) {
                            gather.add(Val::lent(value))?;
                        }
                        continue;
                    }
                    self.meter.steps(2)?;
                    gather.add(collapse(self.name(name, item)?)?)?;
                }
            }
        }
        gather.finish(last)
    }

    fn name_each<'v>(
        &mut self,
        name: &str,
        items: &'v [Value],
        hold: impl Fn(&'v Value) -> Val<'e>,
        gather: &mut Gather<'e>,
    ) -> Result<(), Error> {
        self.meter.steps(LOOK_UP_STEPS * items.len())?;
        gather.all.reserve(items.len());
        for item in items {
            match item {
                Value::Object(members) => {
                    if let Some(value) = members.get(name) {
                        gather.add(hold(value))?;
                    }
                }
                Value::Array(_) => gather.add(collapse(self.name(name, &hold(item))?)?)?,
                _ => {}
            }
        }
        Ok(())
    }
}
