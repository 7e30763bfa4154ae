//! Calls of functions.

use std::rc::Rc;

use smallvec::SmallVec;

use super::{Machine, collapse};
use crate::Error;
use crate::compile::ast::{Call, Kind, Lambda, Node};
use crate::frame::{Bindings, Env, Frame, Function, SCOPE_SIZE};
use crate::function::{Given, regex};
use crate::host::{Answer, HostCall, HostFunction};
use crate::item::{Flags, Val, made_weight};
use crate::meter::MADE_STEPS;
use crate::signature::Args;

/// What it takes to call a function that is written in the expression, beside the parts that it evaluates.
const CALL_STEPS: usize = 12;
/// The same for a call in place of another, whose scope it takes over.
const TAIL_CALL_STEPS: usize = 4;
/// What each parameter adds that does not fit into a scope itself.
const PARAMETER_STEPS: usize = 5;
/// What it takes to call a function of the language's, beside what it does.
const BUILTIN_STEPS: usize = 8;
/// What it takes to call a function of the host's.
const HOST_CALL_STEPS: usize = 24;

/// What a function's body comes to.
enum Outcome<'e> {
    Done(Val<'e>),
    /// A call that takes the place of the one whose body this is.
    Tail {
        call: &'e Call,
        position: usize,
        env: Env<'e>,
    },
}

/// A function that is written in the expression and takes what comes.
#[derive(Clone, Copy)]
struct Written<'f, 'e> {
    lambda: &'e Lambda,
    env: &'f Env<'e>,
    context: &'f Val<'e>,
}

impl<'f, 'e> Written<'f, 'e> {
    #[inline]
    fn of(function: &'f Function<'e>) -> Option<Self> {
        match function {
            Function::Lambda { lambda, env, context } if lambda.signature.is_none() => Some(Self { lambda, env, context }),
            _ => None,
        }
    }
}

/// The name a function is called by, if it is called by one.
fn name_of<'e>(machine: &Machine<'e, '_>, call: &'e Call) -> Option<&'e str> {
    match &call.procedure.kind {
        Kind::Variable(symbol) => Some(machine.symbol_name(*symbol)),
        Kind::Path(path) => match path.steps.first().map(|step| &step.kind) {
            Some(Kind::Name(name)) => Some(name),
            Some(Kind::Variable(symbol)) => Some(machine.symbol_name(*symbol)),
            _ => None,
        },
        _ => None,
    }
}

/// The context that a function's body is evaluated in.
fn context_of<'f, 'e>(function: &'f Val<'e>) -> &'f Val<'e> {
    match function {
        Val::Function(function) => match &**function {
            Function::Lambda { context, .. } => context,
            _ => &Val::Undefined,
        },
        _ => &Val::Undefined,
    }
}

/// What a function's parameters add to the steps of a call.
#[inline]
fn beyond_scope(lambda: &Lambda) -> usize {
    PARAMETER_STEPS * lambda.parameters.len().saturating_sub(SCOPE_SIZE)
}

/// What a call at a position fails with, where nothing inside knows it better.
#[cold]
fn in_call<'e>(machine: &Machine<'e, '_>, error: Error, call: &'e Call, position: usize) -> Error {
    let error = error.at(position);
    match name_of(machine, call) {
        Some(name) => error.token_if_none(name),
        None => error,
    }
}

impl<'e> Machine<'e, '_> {
    /// `f(…)`, with `applied` before the arguments that are written: what stands before `~>`.
    pub(super) fn call(
        &mut self,
        call: &'e Call,
        node: &'e Node,
        applied: Option<Val<'e>>,
        input: &Val<'e>,
        env: &Env<'e>,
    ) -> Result<Val<'e>, Error> {
        let function = self.callee(call, input, env)?;
        let count = call.arguments.len() + usize::from(applied.is_some());
        if let Val::Function(function) = &function
            && let Some(written) = Written::of(function)
            && count <= written.lambda.parameters.len()
        {
            let bindings = self.parameters(written.lambda, call, applied, input, env)?;
            let frame = Frame::inside(written.env, bindings);
            return self.call_written(written, &frame).map_err(|error| in_call(self, error, call, node.position));
        }
        self.check_callable(&function, call, node.position, env, "T1005")?;
        let mut args: Args<'e> = SmallVec::with_capacity(count);
        args.extend(applied);
        for argument in &call.arguments {
            args.push(self.eval(argument, input, env)?);
        }
        self.apply(&function, args, input).map_err(|error| in_call(self, error, call, node.position))
    }

    /// The result of a function in a scope with its parameters.
    #[inline]
    fn call_written(&mut self, written: Written<'_, 'e>, frame: &Env<'e>) -> Result<Val<'e>, Error> {
        self.meter.steps(CALL_STEPS + beyond_scope(written.lambda))?;
        match self.body(&written.lambda.body, written.context, frame)? {
            Outcome::Done(value) => Ok(value),
            tail @ Outcome::Tail { .. } => self.finish(tail, written.context),
        }
    }

    /// Helps who forgot the `$` of a function's name.
    fn check_callable(
        &mut self,
        function: &Val<'e>,
        call: &'e Call,
        position: usize,
        env: &Env<'e>,
        code: &'static str,
    ) -> Result<(), Error> {
        if function.is_undefined()
            && let Kind::Path(_) = call.procedure.kind
            && let Some(name) = name_of(self, call)
            && !self.lookup_name(name, env).is_undefined()
        {
            return Err(Error::new(code).token(name).at(position));
        }
        Ok(())
    }

    /// `x ~> f`
    pub(super) fn chain(
        &mut self,
        node: &'e Node,
        operands: &'e (Node, Node),
        input: &Val<'e>,
        env: &Env<'e>,
    ) -> Result<Val<'e>, Error> {
        let left = self.eval(&operands.0, input, env)?;
        let result = if let Kind::Call(call) = &operands.1.kind {
            self.call(call, &operands.1, Some(left), input, env)?
        } else {
            let function = self.eval(&operands.1, input, env)?;
            if !function.is_function() {
                return Err(Error::new("T2006").value(function.describe()).at(node.position));
            }
            if left.is_function() {
                self.meter.steps(MADE_STEPS)?;
                return Ok(Val::Function(Rc::new(Function::Composed { first: left, second: function })));
            }
            self.apply(&function, SmallVec::from_iter([left]), &Val::Null).map_err(|error| error.at(node.position))?
        };
        Ok(result)
    }

    /// `f(…, ?)`
    pub(super) fn partial(&mut self, call: &'e Call, node: &'e Node, input: &Val<'e>, env: &Env<'e>) -> Result<Val<'e>, Error> {
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            arguments.push(match argument.kind {
                Kind::Placeholder => None,
                _ => Some(self.eval(argument, input, env)?),
            });
        }
        let function = self.eval(&call.procedure, input, env)?;
        self.check_callable(&function, call, node.position, env, "T1007")?;
        if !function.is_function() {
            let error = Error::new("T1008").at(node.position);
            return Err(match name_of(self, call) {
                Some(name) => error.token(name),
                None => error,
            });
        }
        self.meter.steps(MADE_STEPS)?;
        Ok(Val::Function(Rc::new(Function::Partial { function, arguments })))
    }

    /// The result of a function. `context` takes the place of an argument that is missing where its signature says so.
    #[inline]
    pub(crate) fn apply(&mut self, function: &Val<'e>, args: Args<'e>, context: &Val<'e>) -> Result<Val<'e>, Error> {
        match self.apply_once(function, args, context)? {
            Outcome::Done(value) => Ok(value),
            tail @ Outcome::Tail { .. } => self.finish(tail, context_of(function)),
        }
    }

    /// Makes the calls that end bodies, one after another. `context` is that of the first body.
    fn finish(&mut self, mut outcome: Outcome<'e>, context: &Val<'e>) -> Result<Val<'e>, Error> {
        // The function whose body the next call ends.
        let mut running: Option<Rc<Function<'e>>> = None;
        loop {
            let (call, position, env) = match outcome {
                Outcome::Done(value) => return Ok(value),
                Outcome::Tail { call, position, env } => (call, position, env),
            };
            let context = match running.as_deref() {
                Some(Function::Lambda { context, .. }) => context,
                _ => context,
            };
            let next = match self.callee(call, context, &env)? {
                Val::Function(function) => {
                    let next = match Written::of(&function) {
                        Some(written) if call.arguments.len() <= written.lambda.parameters.len() => {
                            let frame = self.next_frame(written, call, context, env)?;
                            self.meter
                                .steps(TAIL_CALL_STEPS + beyond_scope(written.lambda))
                                .and_then(|()| self.body(&written.lambda.body, written.context, &frame))
                        }
                        _ => self.apply_last(&Val::Function(Rc::clone(&function)), call, context, env)?,
                    };
                    running = Some(function);
                    next
                }
                function => {
                    self.check_callable(&function, call, position, &env, "T1005")?;
                    self.apply_last(&function, call, context, env)?
                }
            };
            outcome = match next {
                Ok(outcome) => outcome,
                Err(error) => return Err(in_call(self, error, call, position)),
            };
        }
    }

    /// The scope of a call in place of the one whose scope is `env`.
    #[inline]
    fn next_frame(&mut self, written: Written<'_, 'e>, call: &'e Call, context: &Val<'e>, env: Env<'e>) -> Result<Env<'e>, Error> {
        let parameters = &*written.lambda.parameters;
        if parameters.len() > SCOPE_SIZE {
            let bindings = self.parameters(written.lambda, call, None, context, &env)?;
            return Ok(Frame::in_place_of(env, written.env, bindings.into_iter()));
        }
        let mut values = [const { Val::Undefined }; SCOPE_SIZE];
        for (value, argument) in values.iter_mut().zip(&call.arguments) {
            *value = match self.quick_value(argument, context, &env) {
                Some(value) => value,
                None => self.eval(argument, context, &env)?,
            };
        }
        Ok(Frame::in_place_of(env, written.env, parameters.iter().copied().zip(values)))
    }

    /// What a call calls.
    #[inline]
    fn callee(&mut self, call: &'e Call, input: &Val<'e>, env: &Env<'e>) -> Result<Val<'e>, Error> {
        if let Node { kind: Kind::Variable(symbol), extra: None, keep_array: false, .. } = &call.procedure {
            let function = env.with(*symbol, self.meter, |bound| match bound {
                Some(Val::Function(function)) => Some(Rc::clone(function)),
                _ => None,
            });
            if let Some(function) = function {
                self.meter.touch()?;
                return Ok(Val::Function(function));
            }
        }
        self.eval(&call.procedure, input, env)
    }

    /// Calls a function in place of the one whose body the call ends, and whose scope is given up before. What the arguments fail with
    /// is the outer error.
    fn apply_last(
        &mut self,
        function: &Val<'e>,
        call: &'e Call,
        context: &Val<'e>,
        env: Env<'e>,
    ) -> Result<Result<Outcome<'e>, Error>, Error> {
        let mut args: Args<'e> = SmallVec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            args.push(self.eval(argument, context, &env)?);
        }
        drop(env);
        // What these call are bodies that may end the same way: that is a level, as no frame is given up for it.
        if matches!(function, Val::Builtin(_) | Val::Regex(_)) {
            return Ok(self.deeper(|machine| machine.apply_once(function, args, context)));
        }
        Ok(self.apply_once(function, args, context))
    }

    /// A function's parameters, bound to the arguments of a call, `applied` first. What is not given is nothing.
    #[inline]
    fn parameters(
        &mut self,
        lambda: &'e Lambda,
        call: &'e Call,
        mut applied: Option<Val<'e>>,
        input: &Val<'e>,
        env: &Env<'e>,
    ) -> Result<Bindings<'e>, Error> {
        let mut bindings = Bindings::with_capacity(lambda.parameters.len());
        let mut arguments = call.arguments.iter();
        for symbol in &lambda.parameters {
            let value = match applied.take() {
                Some(value) => value,
                None => match arguments.next() {
                    Some(argument) => self.eval(argument, input, env)?,
                    None => Val::Undefined,
                },
            };
            bindings.push((*symbol, value));
        }
        Ok(bindings)
    }

    fn apply_once(&mut self, function: &Val<'e>, args: Args<'e>, context: &Val<'e>) -> Result<Outcome<'e>, Error> {
        let value = match function {
            Val::Builtin(builtin) => {
                let args = builtin.signature()?.validate(args, context, self.meter)?;
                self.meter.steps(BUILTIN_STEPS)?;
                (builtin.run)(self, Given::new(&args, &Val::Undefined))?
            }
            Val::Regex(pattern) => regex::invoke(self, pattern, Given::new(&args, &Val::Undefined))?,
            Val::Function(function) => match &**function {
                Function::Lambda { lambda, env, context: own } => {
                    self.meter.steps(CALL_STEPS + beyond_scope(lambda))?;
                    let args = match &lambda.signature {
                        Some(signature) => signature.validate(args, context, self.meter)?,
                        None => args,
                    };
                    let mut args = args.into_iter();
                    let bindings =
                        lambda.parameters.iter().map(|symbol| (*symbol, args.next().unwrap_or(Val::Undefined))).collect();
                    let frame = Frame::inside(env, bindings);
                    return self.body(&lambda.body, own, &frame);
                }
                Function::Host(host) => self.host_call(host, args, context)?,
                Function::Partial { function, arguments } => {
                    self.meter.steps(CALL_STEPS + MADE_STEPS / 2 + arguments.len())?;
                    let mut args = args.into_iter();
                    let all = arguments
                        .iter()
                        .map(|given| given.clone().unwrap_or_else(|| args.next().unwrap_or(Val::Undefined)))
                        .collect();
                    self.deeper(|machine| machine.apply_unchecked(function, all))?
                }
                Function::Composed { first, second } => self.deeper(|machine| {
                    machine.meter.steps(CALL_STEPS)?;
                    let given = args.into_iter().next().unwrap_or(Val::Undefined);
                    let args = SmallVec::from_iter([given]);
                    let between = collapse(machine.apply(first, args, &Val::Null)?)?;
                    machine.apply(second, SmallVec::from_iter([between]), &Val::Null)
                })?,
                Function::Transform { transform, env } => self.transform(transform, env, args, context)?,
                Function::NextMatch { regex, text, from } => regex::next(self, regex, text, *from)?,
            },
            _ => return Err(Error::new("T1006")),
        };
        Ok(Outcome::Done(value))
    }

    /// The result of a function, whatever the signature says that it was written with: partial application looks at the body only.
    fn apply_unchecked(&mut self, function: &Val<'e>, args: Args<'e>) -> Result<Val<'e>, Error> {
        let Val::Function(written) = function else { return self.apply(function, args, &Val::Null) };
        let Function::Lambda { lambda, env, context } = &**written else { return self.apply(function, args, &Val::Null) };
        let mut args = args.into_iter();
        let bindings = lambda.parameters.iter().map(|symbol| (*symbol, args.next().unwrap_or(Val::Undefined))).collect();
        let frame = Frame::inside(env, bindings);
        let outcome = self.body(&lambda.body, context, &frame)?;
        self.finish(outcome, context)
    }

    /// Does something one level deeper.
    fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        self.meter.enter()?;
        let result = work(self)?;
        self.meter.leave();
        Ok(result)
    }

    /// A function's body, up to the call that ends it.
    fn body(&mut self, mut node: &'e Node, context: &Val<'e>, env: &Env<'e>) -> Result<Outcome<'e>, Error> {
        let mut levels = 0;
        let outcome = loop {
            match &node.kind {
                Kind::TailCall(call) => {
                    self.touch(node)?;
                    break Outcome::Tail { call, position: node.position, env: Rc::clone(env) };
                }
                Kind::Condition(parts) if node.extra.is_none() && !node.keep_array => {
                    self.enter(node)?;
                    levels += 1;
                    let (condition, then, otherwise) = &**parts;
                    node = match (self.truth(condition, context, env)?, otherwise) {
                        (true, _) => then,
                        (false, Some(otherwise)) => otherwise,
                        (false, None) => break Outcome::Done(Val::Undefined),
                    };
                }
                Kind::Block(block) if node.extra.is_none() && !node.keep_array => {
                    self.enter(node)?;
                    levels += 1;
                    let inner = self.block_scope(block, env)?;
                    let Some((last, before)) = block.expressions.split_last() else { break Outcome::Done(Val::Undefined) };
                    for expression in before {
                        self.eval(expression, context, &inner)?;
                    }
                    break self.body(last, context, &inner)?;
                }
                _ => break Outcome::Done(self.eval(node, context, env)?),
            }
        };
        self.meter.leave_all(levels);
        Ok(outcome)
    }

    fn host_call(&mut self, function: &'e HostFunction, args: Args<'e>, context: &Val<'e>) -> Result<Val<'e>, Error> {
        self.meter.steps(HOST_CALL_STEPS)?;
        let args = function.signature()?.validate(args, context, self.meter)?;
        let mut values: SmallVec<[_; 4]> = SmallVec::new();
        for arg in args {
            values.push(match arg {
                Val::Undefined => None,
                arg => Some(arg.into_json(self.meter)?.ok_or_else(|| Error::new("T0410").with("index", values.len() as i64 + 1))?),
            });
        }
        let mut call = HostCall { host: self.host, meter: self.meter };
        match function.run()(&mut call, &values)? {
            Answer::Nothing => Ok(Val::Undefined),
            Answer::Value(value) => self.adopt(value),
            Answer::Sequence(values) => {
                self.meter.steps(values.len())?;
                Val::list_of(&values, Flags::SEQUENCE, self.meter)
            }
        }
    }

    /// A value that a function has made from nothing, as one of the evaluation's own.
    fn adopt(&mut self, value: statewright_value::Value) -> Result<Val<'e>, Error> {
        use statewright_value::Value;
        match value {
            Value::String(text) => Val::text(text.as_ref().to_owned(), self.meter),
            Value::Array(items) => Val::list_of(&items, Flags::ARRAY, self.meter),
            Value::Object(members) => {
                let weight = 16 + made_weight(&Value::Object(members.clone()));
                Val::made_of(members, weight, self.meter)
            }
            Value::Null => Ok(Val::Null),
            Value::Bool(value) => Ok(Val::Bool(value)),
            Value::Number(number) => Ok(Val::Num(number.into())),
        }
    }

    /// How many arguments a function wants.
    pub(crate) fn arity(function: &Val<'e>) -> usize {
        match function {
            Val::Builtin(builtin) => builtin.arity,
            Val::Regex(_) => 2,
            Val::Function(function) => match &**function {
                Function::Lambda { lambda, .. } => lambda.parameters.len(),
                Function::Host(host) => host.arity(),
                Function::Partial { arguments, .. } => arguments.iter().filter(|given| given.is_none()).count(),
                Function::Composed { .. } | Function::Transform { .. } => 1,
                Function::NextMatch { .. } => 0,
            },
            _ => 0,
        }
    }
}

/// A function that another one was given and calls again and again.
pub(crate) struct Callback<'f, 'e> {
    function: &'f Val<'e>,
    /// How many arguments it wants.
    arity: usize,
    written: Option<Written<'f, 'e>>,
    /// The scope of the last call, for the next one if nobody holds on to it.
    frame: Option<Env<'e>>,
}

impl<'f, 'e> Callback<'f, 'e> {
    pub(crate) fn new(function: &'f Val<'e>) -> Self {
        Self::with_arity(function, Machine::arity(function))
    }

    /// For a function that is called with `arity` arguments, whatever it wants.
    pub(crate) fn with_arity(function: &'f Val<'e>, arity: usize) -> Self {
        let written = if let Val::Function(function) = function { Written::of(function) } else { None };
        Self { function, arity, written, frame: None }
    }

    pub(crate) fn arity(&self) -> usize {
        self.arity
    }

    /// Calls it with as many arguments as it wants, the first in any case. `argument` makes the one at a position, below `count`.
    #[inline]
    pub(crate) fn call(
        &mut self,
        machine: &mut Machine<'e, '_>,
        count: usize,
        mut argument: impl FnMut(usize) -> Val<'e>,
    ) -> Result<Val<'e>, Error> {
        let Some(Written { lambda, env, context }) = self.written else {
            machine.meter.steps(1)?;
            let args = (0..count.min(self.arity.max(1))).map(argument).collect();
            return machine.apply(self.function, args, &Val::Null);
        };
        machine.meter.steps(CALL_STEPS + beyond_scope(lambda))?;
        let argument = |at| if at < count { argument(at) } else { Val::Undefined };
        let frame = match &mut self.frame {
            Some(frame) => {
                Frame::open_again(frame, env, &lambda.parameters, argument);
                &*frame
            }
            none => none.insert(Frame::inside(env, lambda.parameters.iter().copied().zip((0..).map(argument)).collect())),
        };
        let outcome = machine.body(&lambda.body, context, frame)?;
        let value = match outcome {
            Outcome::Done(value) => value,
            tail @ Outcome::Tail { .. } => machine.finish(tail, context)?,
        };
        if let Some(frame) = &mut self.frame {
            Frame::close(frame);
        }
        Ok(value)
    }
}
