//! Evaluation: walks the tree of an expression.

mod call;
mod filter;
mod group;
mod operator;
mod path;
mod quick;
mod sort;
mod transform;
mod tuple;

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use smallvec::SmallVec;
use statewright_value::Value;

use crate::Error;
use crate::compile::Compiled;
use crate::compile::ast::{Block, Kind, Node, Operator, Symbol};
use crate::frame::{Captured, Env, Frame, Function, PASSED_PER_STEP};
use crate::function;
use crate::host::{Host, HostFunction};
use crate::item::{Doc, Flags, List, Members, Str, Val};
use crate::meter::{MADE_STEPS, Meter};
use crate::sequence::{Items, Seq};

pub(crate) use call::Callback;
pub(crate) use operator::equal;
pub(crate) use sort::{Keys, in_order};

/// What it takes to look a name up in an item of an array.
pub(super) const LOOK_UP_STEPS: usize = 4;

/// An evaluation.
pub(crate) struct Machine<'e, 'h> {
    compiled: &'e Compiled,
    pub(crate) meter: &'e Meter,
    /// What variables are bound to from outside, and functions, by symbol.
    globals: SmallVec<[Val<'e>; 6]>,
    pub(crate) host: &'h mut dyn Host,
    now: Option<i64>,
    captured: Captured<'e>,
}

impl<'e, 'h> Machine<'e, 'h> {
    pub(crate) fn new(
        compiled: &'e Compiled,
        meter: &'e Meter,
        bindings: &'e [(&str, Value)],
        functions: &'e [&'e [HostFunction]],
        host: &'h mut dyn Host,
    ) -> Self {
        let globals = compiled
            .symbols
            .names()
            .iter()
            .zip(&compiled.builtins)
            .map(|(name, builtin)| match bindings.iter().rev().find(|(known, _)| *known == &**name) {
                Some((_, value)) => Val::lent(value),
                None => match functions.iter().flat_map(|table| table.iter()).find(|function| function.name() == &**name) {
                    Some(function) => Val::Function(Rc::new(Function::Host(function))),
                    None => builtin.map_or(Val::Undefined, Val::Builtin),
                },
            })
            .collect();
        Self { compiled, meter, globals, host, now: None, captured: Captured::default() }
    }

    /// Evaluates the whole expression on `input`.
    pub(crate) fn run(&mut self, input: Val<'e>) -> Result<Val<'e>, Error> {
        let root = Frame::root();
        if let Some(symbol) = self.compiled.symbols.find("$") {
            root.bind(symbol, input.clone());
        }
        let input = match input {
            Val::Array(_) => {
                let outer = Flags { outer: true, ..Flags::SEQUENCE };
                Val::list(vec![input], outer, self.meter)?
            }
            input => input,
        };
        self.eval(&self.compiled.root, &input, &root)
    }

    /// The time, the same all through an evaluation.
    pub(crate) fn now_millis(&mut self) -> i64 {
        let host = &mut self.host;
        *self.now.get_or_insert_with(|| host.now_millis())
    }

    pub(crate) fn symbol_name(&self, symbol: Symbol) -> &'e Arc<str> {
        self.compiled.symbols.name(symbol)
    }

    /// Goes one level deeper, into a node.
    #[inline]
    pub(crate) fn enter(&self, node: &Node) -> Result<(), Error> {
        self.meter.enter().map_err(|error| error.at(node.position))
    }

    /// Enters and leaves a node.
    #[inline]
    pub(crate) fn touch(&self, node: &Node) -> Result<(), Error> {
        self.meter.touch().map_err(|error| error.at(node.position))
    }

    /// The value of a node, in the context of `input`.
    #[inline]
    pub(crate) fn eval(&mut self, node: &'e Node, input: &Val<'e>, env: &Env<'e>) -> Result<Val<'e>, Error> {
        if node.extra.is_some() || node.keep_array {
            return self.whole(node, input, env);
        }
        // What is most frequent is answered on the spot, where nothing has to be done to its result.
        match &node.kind {
            Kind::Number(number) => {
                self.touch(node)?;
                Ok(Val::Num(*number))
            }
            Kind::String(text) => {
                self.touch(node)?;
                Ok(Val::Str(Str::Lent(text)))
            }
            Kind::Variable(symbol) => {
                self.touch(node)?;
                Ok(self.lookup(*symbol, env))
            }
            Kind::Path(path) if path.plain => {
                self.enter(node)?;
                let value = self.plain(node, path, input, env)?;
                self.meter.leave();
                Ok(value)
            }
            Kind::Binary(operator, operands) if *operator != Operator::Range => {
                if let Some(value) = self.quick_value(node, input, env) {
                    return Ok(value);
                }
                self.enter(node)?;
                let value = self.binary(*operator, node, operands, input, env)?;
                self.meter.leave();
                Ok(value)
            }
            _ => self.whole(node, input, env),
        }
    }

    /// The value of any node, with what follows it.
    #[inline(never)]
    fn whole(&mut self, node: &'e Node, input: &Val<'e>, env: &Env<'e>) -> Result<Val<'e>, Error> {
        self.enter(node)?;
        let mut result = self.kind(node, input, env)?;
        if let Some(extra) = &node.extra {
            result = self.stages(&extra.predicates, result, env)?;
            if node.keep_array && !extra.predicates.is_empty() && !result.is_undefined() && !result.is_array() {
                result = Val::list(vec![result], Flags::SEQUENCE, self.meter)?;
            }
            if let Some(group) = &extra.group
                && !matches!(node.kind, Kind::Path(_))
            {
                result = self.group(group, &result, env)?;
            }
        }
        self.meter.leave();
        match result {
            Val::List(list) if list.flags.sequence => unwrap(list, node.keep_array),
            result => Ok(result),
        }
    }

    #[inline]
    fn kind(&mut self, node: &'e Node, input: &Val<'e>, env: &Env<'e>) -> Result<Val<'e>, Error> {
        match &node.kind {
            Kind::Number(number) => Ok(Val::Num(*number)),
            Kind::String(text) => Ok(Val::Str(Str::Lent(text))),
            Kind::Constant(value) => Ok(Val::lent(value)),
            Kind::Variable(symbol) => Ok(self.lookup(*symbol, env)),
            Kind::Context => Ok(context(input)),
            Kind::Path(path) => self.path(node, path, input, env),
            Kind::Binary(operator, operands) => self.binary(*operator, node, operands, input, env),
            Kind::Call(call) => self.call(call, node, None, input, env),
            Kind::Condition(parts) => {
                self.meter.steps(3)?;
                let (condition, then, otherwise) = &**parts;
                match (self.truth(condition, input, env)?, otherwise) {
                    (true, _) => self.eval(then, input, env),
                    (false, Some(otherwise)) => self.eval(otherwise, input, env),
                    (false, None) => Ok(Val::Undefined),
                }
            }
            Kind::Block(block) => {
                let inner = self.block_scope(block, env)?;
                let mut result = Val::Undefined;
                for expression in &block.expressions {
                    result = self.eval(expression, input, &inner)?;
                }
                Ok(result)
            }
            Kind::Object(pairs) => self.object(pairs, input, env),
            _ => self.rare(node, input, env),
        }
    }

    /// The scope of a block: one of its own if it binds variables.
    #[inline]
    fn block_scope<'s>(&self, block: &Block, env: &'s Env<'e>) -> Result<Cow<'s, Env<'e>>, Error> {
        self.meter.steps(block.expressions.len())?;
        if !block.binds {
            return Ok(Cow::Borrowed(env));
        }
        self.meter.steps(MADE_STEPS / 2)?;
        Ok(Cow::Owned(Frame::inside(env, SmallVec::new())))
    }

    fn rare(&mut self, node: &'e Node, input: &Val<'e>, env: &Env<'e>) -> Result<Val<'e>, Error> {
        match &node.kind {
            Kind::Name(name) => self.name(name, input),
            Kind::Wildcard => self.wildcard(input),
            Kind::Descendants => self.descendants(input),
            Kind::Parent(slot) => {
                let label = self.compiled.labels.get(*slot).copied();
                Ok(label
                    .map_or(Val::Undefined, |label| env.with(label, self.meter, |bound| bound.cloned().unwrap_or(Val::Undefined))))
            }
            Kind::Regex(regex) => Ok(Val::Regex(regex)),
            Kind::Negate(operand) => {
                self.meter.steps(2)?;
                match self.eval(operand, input, env)? {
                    Val::Undefined => Ok(Val::Undefined),
                    Val::Num(number) => Ok(Val::Num(number.negate())),
                    value => Err(Error::new("D1002").value(value.describe()).token("-").at(node.position)),
                }
            }
            Kind::Array(items) => self.array(node, items, input, env),
            Kind::Bind(symbol, value) => {
                let value = self.eval(value, input, env)?;
                self.meter.steps(5 + env.size() / PASSED_PER_STEP)?;
                env.bind(*symbol, value.clone());
                Ok(value)
            }
            Kind::Partial(call) => self.partial(call, node, input, env),
            Kind::Lambda(lambda) => {
                self.meter.steps(MADE_STEPS * 3 / 2)?;
                self.captured.add(env, self.meter)?;
                Ok(Val::Function(Rc::new(Function::Lambda { lambda, env: Rc::clone(env), context: input.clone() })))
            }
            // A function's body is never evaluated as any other expression: see `Machine::apply`.
            Kind::TailCall(call) => self.call(call, node, None, input, env),
            Kind::Apply(operands) => self.chain(node, operands, input, env),
            Kind::Transform(transform) => {
                self.captured.add(env, self.meter)?;
                Ok(Val::Function(Rc::new(Function::Transform { transform, env: Rc::clone(env) })))
            }
            Kind::Placeholder | Kind::Sort(_) => Ok(Val::Undefined),
            Kind::String(_)
            | Kind::Number(_)
            | Kind::Constant(_)
            | Kind::Variable(_)
            | Kind::Context
            | Kind::Binary(..)
            | Kind::Object(_)
            | Kind::Path(_)
            | Kind::Condition(_)
            | Kind::Block(_)
            | Kind::Call(_) => self.kind(node, input, env),
        }
    }

    /// What a variable is bound to.
    #[inline]
    pub(crate) fn lookup(&self, symbol: Symbol, env: &Env<'e>) -> Val<'e> {
        env.with(symbol, self.meter, |bound| match bound.or_else(|| self.globals.get(symbol.0 as usize)) {
            Some(value) => value.clone(),
            None => Val::Undefined,
        })
    }

    /// What a name is bound to, if the expression has it or the language does.
    fn lookup_name(&self, name: &str, env: &Env<'e>) -> Val<'e> {
        match self.compiled.symbols.find(name) {
            Some(symbol) => self.lookup(symbol, env),
            None => function::find(name).map_or(Val::Undefined, Val::Builtin),
        }
    }

    fn array(&mut self, node: &'e Node, items: &'e [Node], input: &Val<'e>, env: &Env<'e>) -> Result<Val<'e>, Error> {
        let flags = Flags { cons: node.cons_array, ..Flags::ARRAY };
        self.meter.steps(MADE_STEPS * 3 / 4 + items.len())?;
        let mut result = Seq::new(self.meter);
        for item in items {
            let value = self.eval(item, input, env)?;
            if value.is_undefined() {
                continue;
            }
            if matches!(item.kind, Kind::Array(_)) {
                result.push(value)?;
            } else if let Val::List(list) = value {
                // The array of one range is the range.
                if items.len() == 1 && matches!(item.kind, Kind::Binary(Operator::Range, _)) {
                    return Ok(Val::List(List::with_flags(list, flags)?));
                }
                result.push_flat(Val::List(list))?;
            } else {
                result.push_flat(value)?;
            }
        }
        result.into_list(flags)
    }

    /// The member of an object, or of each object of an array.
    pub(crate) fn name(&mut self, name: &str, input: &Val<'e>) -> Result<Val<'e>, Error> {
        match input {
            Val::Object(_) | Val::Made(_) => Ok(input.member(name).unwrap_or(Val::Undefined)),
            Val::Array(_) | Val::List(_) => {
                let mut found = Seq::new(self.meter);
                self.names(name, input, &mut found)?;
                found.into_sequence()
            }
            _ => Ok(Val::Undefined),
        }
    }

    fn names(&mut self, name: &str, input: &Val<'e>, found: &mut Seq<'e>) -> Result<(), Error> {
        match Items::of(input) {
            Some(Items::Lent(items)) => self.names_in(name, items, Val::lent, found),
            Some(Items::Json(items, source)) => self.names_in(name, items, |item| Val::part(item, source), found),
            Some(Items::List(items)) => {
                self.meter.steps(LOOK_UP_STEPS * items.len())?;
                for item in items {
                    match item {
                        Val::Array(_) | Val::List(_) => self.names(name, item, found)?,
                        item => found.push_flat(item.member(name).unwrap_or(Val::Undefined))?,
                    }
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn names_in<'v>(
        &mut self,
        name: &str,
        items: &'v [Value],
        hold: impl Fn(&'v Value) -> Val<'e>,
        found: &mut Seq<'e>,
    ) -> Result<(), Error> {
        self.meter.steps(LOOK_UP_STEPS * items.len())?;
        for item in items {
            match item {
                Value::Object(members) => {
                    if let Some(value) = members.get(name) {
                        found.push_flat(hold(value))?;
                    }
                }
                Value::Array(_) => self.names(name, &hold(item), found)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn wildcard(&mut self, input: &Val<'e>) -> Result<Val<'e>, Error> {
        self.meter.steps(MADE_STEPS)?;
        let input = context(input);
        let mut found = Seq::new(self.meter);
        let mut flat = false;
        let mut add = |value: Val<'e>, meter: &'e Meter| {
            meter.steps(4)?;
            if value.is_array() {
                flat = true;
                flatten(&value, &mut found, meter)
            } else {
                found.push(value)
            }
        };
        match &input {
            Val::Array(_) | Val::List(_) => Items::or_one(&input).iter().try_for_each(|item| add(item, self.meter))?,
            Val::Object(_) | Val::Made(_) => {
                for (_, value) in input.members() {
                    add(value, self.meter)?;
                }
            }
            _ => {}
        }
        if flat { found.into_array() } else { found.into_sequence() }
    }

    fn descendants(&mut self, input: &Val<'e>) -> Result<Val<'e>, Error> {
        if input.is_undefined() {
            return Ok(Val::Undefined);
        }
        let mut found = Seq::new(self.meter);
        self.descend(input, &mut found)?;
        found.finish()
    }

    fn descend(&mut self, input: &Val<'e>, found: &mut Seq<'e>) -> Result<(), Error> {
        self.meter.steps(7)?;
        match input {
            Val::Array(_) | Val::List(_) => Items::or_one(input).iter().try_for_each(|item| self.descend(&item, found)),
            value => {
                found.push(value.clone())?;
                match value {
                    Val::Object(Doc::Lent(members)) => members.values().try_for_each(|item| self.descend(&Val::lent(item), found)),
                    Val::Object(Doc::Own(members, source)) => {
                        members.values().try_for_each(|item| self.descend(&Val::part(item, source), found))
                    }
                    Val::Made(made) => match &made.members {
                        Members::Json(members) => members.values().try_for_each(|item| self.descend(&Val::part(item, made), found)),
                        Members::Mixed(members) => members.iter().try_for_each(|(_, item)| self.descend(item, found)),
                    },
                    _ => Ok(()),
                }
            }
        }
    }
}

/// `$`: the context, which is the input itself where that is an array.
#[inline]
fn context<'e>(input: &Val<'e>) -> Val<'e> {
    match input {
        Val::List(list) if list.flags.outer => list.items.first().cloned().unwrap_or(Val::Undefined),
        input => input.clone(),
    }
}

/// A sequence as the value of an expression, anything else as it is.
#[inline]
fn collapse(value: Val<'_>) -> Result<Val<'_>, Error> {
    match value {
        Val::List(list) if list.flags.sequence => unwrap(list, false),
        value => Ok(value),
    }
}

/// A sequence as the value of an expression: nothing, its one value, or itself.
fn unwrap(list: Rc<List<'_>>, keep_array: bool) -> Result<Val<'_>, Error> {
    match list.items.len() {
        0 => Ok(Val::Undefined),
        1 if !keep_array && !list.flags.keep_singleton => Ok(list.items.first().cloned().unwrap_or(Val::Undefined)),
        _ if keep_array && !list.flags.keep_singleton => {
            let flags = Flags { keep_singleton: true, ..list.flags };
            Ok(Val::List(List::with_flags(list, flags)?))
        }
        _ => Ok(Val::List(list)),
    }
}

/// Adds the elements of an array, and those of the arrays inside.
fn flatten<'e>(value: &Val<'e>, found: &mut Seq<'e>, meter: &Meter) -> Result<(), Error> {
    meter.steps(LOOK_UP_STEPS)?;
    match value {
        Val::Array(_) | Val::List(_) => Items::or_one(value).iter().try_for_each(|item| flatten(&item, found, meter)),
        value => found.push(value.clone()),
    }
}
