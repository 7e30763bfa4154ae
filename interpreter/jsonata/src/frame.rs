//! Scopes and functions.
//!
//! A function holds the scope it was made in, and the scope may hold the function: such cycles are cut when the evaluation ends
//! ([`Captured`]), and the simplest of them, a function that calls itself by its name, as soon as nobody else holds it.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use smallvec::SmallVec;

use crate::Error;
use crate::compile::ast::{Lambda, Symbol, Transform};
use crate::host::HostFunction;
use crate::item::{Members, Val};
use crate::meter::{Hold, Meter};
use crate::number::Num;
use crate::regex::Regex;

/// A scope that is shared by those who can see it.
pub(crate) type Env<'e> = Rc<Frame<'e>>;

/// What variables are bound to.
pub(crate) type Bindings<'e> = SmallVec<[(Symbol, Val<'e>); SCOPE_SIZE]>;

/// How many variables a scope holds itself.
pub(crate) const SCOPE_SIZE: usize = 2;

/// How many variables and scopes are passed in the time of a step, on the way to the one that is looked for.
pub(crate) const PASSED_PER_STEP: usize = 8;

/// Variables, and the scope around them.
pub(crate) struct Frame<'e> {
    bindings: RefCell<Bindings<'e>>,
    parent: Option<Env<'e>>,
    /// The weight of a scope that outlives what opened it.
    captured: Cell<Option<Hold<'e>>>,
}

impl std::fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Frame")
    }
}

impl<'e> Frame<'e> {
    pub(crate) fn root() -> Env<'e> {
        Rc::new(Self { bindings: RefCell::default(), parent: None, captured: Cell::new(None) })
    }

    /// A scope inside `parent`.
    pub(crate) fn inside(parent: &Env<'e>, bindings: Bindings<'e>) -> Env<'e> {
        Rc::new(Self { bindings: RefCell::new(bindings), parent: Some(Rc::clone(parent)), captured: Cell::new(None) })
    }

    /// The scope of one more call of the same function, in place of that of the last call, unless somebody holds on to that.
    #[inline]
    pub(crate) fn open_again(
        frame: &mut Env<'e>,
        parent: &Env<'e>,
        parameters: &[Symbol],
        mut argument: impl FnMut(usize) -> Val<'e>,
    ) {
        if let Some(own) = Rc::get_mut(frame) {
            let bindings = own.bindings.get_mut();
            if bindings.len() == parameters.len() {
                bindings.iter_mut().enumerate().for_each(|(at, (_, value))| *value = argument(at));
                return;
            }
        }
        *frame = Frame::inside(parent, parameters.iter().copied().zip((0..).map(argument)).collect());
    }

    /// A scope inside `parent` that takes the place of `frame`, if nobody else holds on to that and it is inside the same one.
    #[inline]
    pub(crate) fn in_place_of(
        mut frame: Env<'e>,
        parent: &Env<'e>,
        bindings: impl ExactSizeIterator<Item = (Symbol, Val<'e>)>,
    ) -> Env<'e> {
        match Rc::get_mut(&mut frame) {
            Some(own) if own.parent.as_ref().is_some_and(|known| Rc::ptr_eq(known, parent)) => {
                let old = own.bindings.get_mut();
                if old.len() == bindings.len() {
                    old.iter_mut().zip(bindings).for_each(|(slot, binding)| *slot = binding);
                } else {
                    *old = bindings.collect();
                }
                frame
            }
            _ => Frame::inside(parent, bindings.collect()),
        }
    }

    /// Lets go of what the variables are bound to, unless somebody holds on to the scope.
    #[inline]
    pub(crate) fn close(frame: &mut Env<'e>) {
        if let Some(own) = Rc::get_mut(frame) {
            own.bindings.get_mut().iter_mut().for_each(|(_, value)| *value = Val::Undefined);
        }
    }

    /// How many variables are bound here.
    pub(crate) fn size(&self) -> usize {
        self.bindings.borrow().len()
    }

    /// Binds a variable here, in place of what it was bound to here before.
    pub(crate) fn bind(&self, symbol: Symbol, value: Val<'e>) {
        let mut bindings = self.bindings.borrow_mut();
        let old = match bindings.iter_mut().find(|(known, _)| *known == symbol) {
            Some((_, slot)) => std::mem::replace(slot, value),
            None => {
                bindings.push((symbol, value));
                return;
            }
        };
        drop(bindings);
        drop(old);
    }

    /// The integer that a variable is bound to here, if it is bound to one and few variables are bound here.
    #[inline]
    pub(crate) fn innermost_integer(&self, symbol: Symbol) -> Option<i64> {
        let bindings = self.bindings.borrow();
        if bindings.len() >= PASSED_PER_STEP {
            return None;
        }
        match bindings.iter().rev().find(|(known, _)| *known == symbol) {
            Some((_, Val::Num(Num::Int(number)))) => Some(*number),
            _ => None,
        }
    }

    /// Looks at what a variable is bound to, here or further out, without taking hold of it. `look` must not bind anything. Where many
    /// variables have to be looked through, that is several steps.
    #[inline]
    pub(crate) fn with<T>(&self, symbol: Symbol, meter: &Meter, look: impl FnOnce(Option<&Val<'e>>) -> T) -> T {
        let (mut frame, mut passed) = (self, 0);
        loop {
            let bindings = frame.bindings.borrow();
            passed += bindings.len();
            if let Some((_, value)) = bindings.iter().rev().find(|(known, _)| *known == symbol) {
                if passed >= PASSED_PER_STEP {
                    far(meter, passed);
                }
                return look(Some(value));
            }
            passed += 1;
            match &frame.parent {
                Some(parent) => frame = parent,
                None => {
                    if passed >= PASSED_PER_STEP {
                        far(meter, passed);
                    }
                    return look(None);
                }
            }
        }
    }
}

/// Counts what was passed on the way to a variable.
#[cold]
#[inline(never)]
fn far(meter: &Meter, passed: usize) {
    meter.spend(passed / PASSED_PER_STEP);
}

/// A function that is not in the tables.
#[derive(Debug)]
pub(crate) enum Function<'e> {
    /// Written in the expression, with the scope and the context it was written in.
    Lambda { lambda: &'e Lambda, env: Env<'e>, context: Val<'e> },
    /// One of the host's.
    Host(&'e HostFunction),
    /// A function some of whose arguments are given.
    Partial { function: Val<'e>, arguments: Vec<Option<Val<'e>>> },
    /// One function after another.
    Composed { first: Val<'e>, second: Val<'e> },
    /// A change of every match of a pattern.
    Transform { transform: &'e Transform, env: Env<'e> },
    /// The next match of a regular expression.
    NextMatch { regex: &'e Regex, text: Val<'e>, from: usize },
}

/// What is taken out of something that is dropped, so that dropping a long chain does not recurse.
enum Part<'e> {
    Value(Val<'e>),
    Env(Env<'e>),
}

impl<'e> Function<'e> {
    fn take_parts(&mut self, parts: &mut Vec<Part<'e>>) {
        match self {
            Function::Lambda { env, context, .. } => {
                parts.push(Part::Env(std::mem::replace(env, Frame::root())));
                parts.push(Part::Value(std::mem::replace(context, Val::Undefined)));
            }
            Function::Transform { env, .. } => parts.push(Part::Env(std::mem::replace(env, Frame::root()))),
            Function::Partial { function, arguments } => {
                parts.push(Part::Value(std::mem::replace(function, Val::Undefined)));
                parts.extend(arguments.drain(..).flatten().map(Part::Value));
            }
            Function::Composed { first, second } => {
                parts.push(Part::Value(std::mem::replace(first, Val::Undefined)));
                parts.push(Part::Value(std::mem::replace(second, Val::Undefined)));
            }
            Function::Host(_) | Function::NextMatch { .. } => {}
        }
    }
}

/// Drops parts and what they alone hold, one after another.
fn dismantle(mut parts: Vec<Part<'_>>) {
    while let Some(part) = parts.pop() {
        match part {
            Part::Env(env) => {
                if let Some(mut frame) = Rc::into_inner(env) {
                    parts.extend(frame.bindings.get_mut().drain(..).map(|(_, value)| Part::Value(value)));
                    parts.extend(frame.parent.take().map(Part::Env));
                }
            }
            Part::Value(Val::Function(mut function)) => {
                if let Some(function) = Rc::get_mut(&mut function) {
                    function.take_parts(&mut parts);
                }
            }
            Part::Value(Val::List(mut list)) => {
                if let Some(list) = Rc::get_mut(&mut list) {
                    parts.extend(list.items.drain(..).filter(can_hold_functions).map(Part::Value));
                }
            }
            Part::Value(Val::Made(mut made)) => {
                if let Some(Members::Mixed(members)) = Rc::get_mut(&mut made).map(|made| &mut made.members) {
                    parts.extend(members.drain(..).map(|(_, value)| Part::Value(value)));
                }
            }
            Part::Value(_) => {}
        }
    }
}

fn can_hold_functions(value: &Val<'_>) -> bool {
    matches!(value, Val::Function(_) | Val::List(_) | Val::Made(_) | Val::Tuples(_))
}

impl Drop for Frame<'_> {
    #[inline]
    fn drop(&mut self) {
        let plain = !self.bindings.get_mut().iter().any(|(_, value)| can_hold_functions(value));
        if plain && self.parent.as_ref().is_none_or(|parent| Rc::strong_count(parent) > 1) {
            return;
        }
        let mut parts: Vec<_> = self.bindings.get_mut().drain(..).map(|(_, value)| Part::Value(value)).collect();
        parts.extend(self.parent.take().map(Part::Env));
        dismantle(parts);
    }
}

impl Drop for Function<'_> {
    fn drop(&mut self) {
        let chained = match self {
            Function::Lambda { env, .. } | Function::Transform { env, .. } => Rc::strong_count(env) == 1,
            Function::Partial { .. } | Function::Composed { .. } => true,
            Function::Host(_) | Function::NextMatch { .. } => false,
        };
        if chained && !self.is_empty() {
            let mut parts = Vec::new();
            self.take_parts(&mut parts);
            dismantle(parts);
        }
    }
}

impl Function<'_> {
    /// Whether there is nothing in it that could hold more: so it is after its parts were taken.
    fn is_empty(&self) -> bool {
        match self {
            Function::Lambda { env, .. } | Function::Transform { env, .. } => {
                env.parent.is_none() && env.bindings.borrow().is_empty()
            }
            Function::Partial { function, .. } => function.is_undefined(),
            Function::Composed { first, .. } => first.is_undefined(),
            Function::Host(_) | Function::NextMatch { .. } => true,
        }
    }
}

/// The scopes that functions hold on to.
#[derive(Debug, Default)]
pub(crate) struct Captured<'e> {
    frames: Vec<Weak<Frame<'e>>>,
    sweep_at: usize,
}

/// What a scope that a function holds on to weighs.
const FRAME_WEIGHT: usize = 64;

impl<'e> Captured<'e> {
    /// Remembers that a function holds on to `env`.
    pub(crate) fn add(&mut self, env: &Env<'e>, meter: &'e Meter) -> Result<(), Error> {
        let known = env.captured.take();
        if known.is_some() {
            env.captured.set(known);
            return Ok(());
        }
        if self.frames.len() >= self.sweep_at.max(64) {
            self.sweep();
        }
        env.captured.set(Some(Hold::on(meter, FRAME_WEIGHT)?));
        self.frames.push(Rc::downgrade(env));
        Ok(())
    }

    /// Forgets the scopes that are gone, and lets go of those that only their own functions hold.
    fn sweep(&mut self) {
        self.frames.retain(|frame| {
            let Some(frame) = frame.upgrade() else { return false };
            let own = frame.bindings.borrow().iter().filter(|(_, value)| holds_only(value, &frame)).count();
            let gone = own > 0 && Rc::strong_count(&frame) == own + 1;
            if gone {
                let bindings = std::mem::take(&mut *frame.bindings.borrow_mut());
                dismantle(bindings.into_iter().map(|(_, value)| Part::Value(value)).collect());
            }
            !gone
        });
        self.sweep_at = self.frames.len() * 2;
    }
}

/// Whether `value` is a function that nobody else holds, of the scope `frame`.
fn holds_only<'e>(value: &Val<'e>, frame: &Env<'e>) -> bool {
    let Val::Function(function) = value else { return false };
    matches!(&**function, Function::Lambda { env, .. } if Rc::ptr_eq(env, frame)) && Rc::strong_count(function) == 1
}

impl Drop for Captured<'_> {
    fn drop(&mut self) {
        for frame in self.frames.drain(..).filter_map(|frame| frame.upgrade()) {
            let bindings = std::mem::take(&mut *frame.bindings.borrow_mut());
            dismantle(bindings.into_iter().map(|(_, value)| Part::Value(value)).collect());
        }
    }
}
