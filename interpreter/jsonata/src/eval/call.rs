//! Calls of functions.

use std::rc::Rc;

use smallvec::SmallVec;

use super::{Machine, collapse};
use crate::Error;
use crate::compile::ast::{Call, Kind, Lambda, Node};
use crate::frame::{Env, Frame, Function};
use crate::function::{Given, regex};
use crate::host::{Answer, HostCall, HostFunction};
use crate::item::{Flags, Val};
use crate::sequence::Seq;
use crate::signature::Args;

/// What the call of a written function takes beside the parts that it evaluates: a scope and its variables.
const CALL_STEPS: usize = 5;

/// What a function's body comes to.
enum Outcome<'e> {
    Done(Val<'e>),
    /// A call that takes the place of the one whose body this is.
    Tail {
        call: &'e Call,
        position: usize,
        context: Val<'e>,
        env: Env<'e>,
    },
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
        let function = self.eval(&call.procedure, input, env)?;
        self.check_callable(&function, call, node.position, env, "T1005")?;
        let mut args: Args<'e> = SmallVec::with_capacity(call.arguments.len() + usize::from(applied.is_some()));
        args.extend(applied);
        for argument in &call.arguments {
            args.push(self.eval(argument, input, env)?);
        }
        self.apply(&function, args, input).map_err(|error| {
            let error = error.at(node.position);
            match name_of(self, call) {
                Some(name) => error.token_if_none(name),
                None => error,
            }
        })
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
        Ok(Val::Function(Rc::new(Function::Partial { function, arguments })))
    }

    /// The result of a function. `context` takes the place of an argument that is missing where its signature says so.
    #[inline]
    pub(crate) fn apply(&mut self, function: &Val<'e>, args: Args<'e>, context: &Val<'e>) -> Result<Val<'e>, Error> {
        match self.apply_once(function, args, context)? {
            Outcome::Done(value) => Ok(value),
            tail @ Outcome::Tail { .. } => self.finish(tail),
        }
    }

    /// Makes the calls that end bodies, one after another.
    fn finish(&mut self, mut outcome: Outcome<'e>) -> Result<Val<'e>, Error> {
        loop {
            let (call, position, context, env) = match outcome {
                Outcome::Done(value) => return Ok(value),
                Outcome::Tail { call, position, context, env } => (call, position, context, env),
            };
            let function = self.eval(&call.procedure, &context, &env)?;
            self.check_callable(&function, call, position, &env, "T1005")?;
            let mut args: Args<'e> = SmallVec::with_capacity(call.arguments.len());
            for argument in &call.arguments {
                args.push(self.eval(argument, &context, &env)?);
            }
            drop(env);
            outcome = self.apply_once(&function, args, &context).map_err(|error| {
                let error = error.at(position);
                match name_of(self, call) {
                    Some(name) => error.token_if_none(name),
                    None => error,
                }
            })?;
        }
    }

    fn apply_once(&mut self, function: &Val<'e>, args: Args<'e>, context: &Val<'e>) -> Result<Outcome<'e>, Error> {
        let value = match function {
            Val::Builtin(builtin) => {
                let args = builtin.signature()?.validate(args, context, self.meter)?;
                self.meter.steps(1)?;
                (builtin.run)(self, Given::new(&args, &Val::Undefined))?
            }
            Val::Regex(pattern) => regex::invoke(self, pattern, Given::new(&args, &Val::Undefined))?,
            Val::Function(function) => match &**function {
                Function::Lambda { lambda, env, context: own } => {
                    self.meter.steps(CALL_STEPS)?;
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
                    let mut args = args.into_iter();
                    let all = arguments
                        .iter()
                        .map(|given| given.clone().unwrap_or_else(|| args.next().unwrap_or(Val::Undefined)))
                        .collect();
                    self.deeper(|machine| machine.apply_unchecked(function, all))?
                }
                Function::Composed { first, second } => self.deeper(|machine| {
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
        self.finish(outcome)
    }

    /// Does something one level deeper.
    fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        self.meter.enter()?;
        let result = work(self)?;
        self.meter.leave();
        Ok(result)
    }

    /// A function's body, up to the call that ends it.
    fn body(&mut self, node: &'e Node, context: &Val<'e>, env: &Env<'e>) -> Result<Outcome<'e>, Error> {
        match &node.kind {
            Kind::TailCall(call) => {
                self.meter.touch()?;
                Ok(Outcome::Tail { call, position: node.position, context: context.clone(), env: Rc::clone(env) })
            }
            Kind::Condition(parts) if node.extra.is_none() && !node.keep_array => {
                self.meter.enter()?;
                let (condition, then, otherwise) = &**parts;
                let outcome = match (self.eval(condition, context, env)?.is_truthy(self.meter)?, otherwise) {
                    (true, _) => self.body(then, context, env)?,
                    (false, Some(otherwise)) => self.body(otherwise, context, env)?,
                    (false, None) => Outcome::Done(Val::Undefined),
                };
                self.meter.leave();
                Ok(outcome)
            }
            Kind::Block(block) if node.extra.is_none() && !node.keep_array => {
                self.meter.enter()?;
                let inner = Self::block_scope(block, env);
                let mut outcome = Outcome::Done(Val::Undefined);
                if let Some((last, before)) = block.expressions.split_last() {
                    for expression in before {
                        self.eval(expression, context, &inner)?;
                    }
                    outcome = self.body(last, context, &inner)?;
                }
                self.meter.leave();
                Ok(outcome)
            }
            _ => self.eval(node, context, env).map(Outcome::Done),
        }
    }

    fn host_call(&mut self, function: &'e HostFunction, args: Args<'e>, context: &Val<'e>) -> Result<Val<'e>, Error> {
        let args = function.signature()?.validate(args, context, self.meter)?;
        let mut values: SmallVec<[_; 4]> = SmallVec::new();
        for arg in args {
            values.push(match arg {
                Val::Undefined => None,
                arg => Some(arg.into_value().ok_or_else(|| Error::new("T0410").with("index", values.len() as i64 + 1))?),
            });
        }
        let mut call = HostCall { host: self.host, meter: self.meter };
        match function.run()(&mut call, &values)? {
            Answer::Nothing => Ok(Val::Undefined),
            Answer::Value(value) => self.adopt(value),
            Answer::Sequence(values) => {
                let mut all = Seq::with_capacity(values.len(), self.meter)?;
                all.extend(values.iter().map(Val::own))?;
                all.into_list(Flags::SEQUENCE)
            }
        }
    }

    /// A value that a function has made from nothing, as one of the evaluation's own.
    fn adopt(&mut self, value: statewright_value::Value) -> Result<Val<'e>, Error> {
        use statewright_value::Value;
        match value {
            Value::String(text) => Val::text(text.as_ref().to_owned(), self.meter),
            Value::Array(items) => Val::list(items.iter().map(Val::own).collect(), Flags::ARRAY, self.meter),
            Value::Object(members) => {
                let weight = 16 + Value::Object(members.clone()).measure().bytes;
                Val::made_of(members, weight, self.meter)
            }
            value => Ok(Val::own(&value)),
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
    /// Its definition, scope and context, if it is written in the expression and takes what comes.
    written: Option<(&'e Lambda, &'f Env<'e>, &'f Val<'e>)>,
    /// The scope of the last call, for the next one if nobody holds on to it.
    frame: Option<Env<'e>>,
}

impl<'f, 'e> Callback<'f, 'e> {
    pub(crate) fn new(function: &'f Val<'e>) -> Self {
        Self::with_arity(function, Machine::arity(function))
    }

    /// For a function that is called with `arity` arguments, whatever it wants.
    pub(crate) fn with_arity(function: &'f Val<'e>, arity: usize) -> Self {
        let mut written = None;
        if let Val::Function(function) = function
            && let Function::Lambda { lambda, env, context } = &**function
            && lambda.signature.is_none()
        {
            written = Some((&**lambda, env, context));
        }
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
        machine.meter.steps(1)?;
        let Some((lambda, env, context)) = self.written else {
            let args = (0..count.min(self.arity.max(1))).map(argument).collect();
            return machine.apply(self.function, args, &Val::Null);
        };
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
            tail @ Outcome::Tail { .. } => machine.finish(tail)?,
        };
        if let Some(frame) = &mut self.frame {
            Frame::close(frame);
        }
        Ok(value)
    }
}
