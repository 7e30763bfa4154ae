//! What an expression is compiled to.

use std::sync::Arc;

use statewright_value::Value;

use crate::number::Num;
use crate::regex::Regex;
use crate::signature::Signature;

/// The name of a variable: its number in the expression's table of names, or a label that an ancestor is kept under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Symbol(pub(crate) u32);

/// The number of a `%` in the expression. Which label it reads is in the expression's table of labels.
pub(crate) type Slot = usize;

/// One part of an expression.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// Where its first character, or its operator, is: bytes from the start of the expression.
    pub(crate) position: usize,
    /// `[]` follows: a result of one element stays an array.
    pub(crate) keep_array: bool,
    /// An array constructor at either end of a path, whose result is one item of the path's.
    pub(crate) cons_array: bool,
    /// A step that answers tuples: items with the variables that are bound to each.
    pub(crate) tuple: bool,
    /// How many nodes it and those inside it are, if it is an operator and all of them may be evaluated the short way; 0 otherwise.
    pub(crate) quick: u8,
    /// What it makes of its operands, if it is an operator and both are at hand.
    pub(crate) pair: Pair,
    /// What few nodes have.
    pub(crate) extra: Option<Box<Extra>>,
}

/// What an operator makes of two operands that are at hand: neither has to be looked up in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pair {
    /// It is none of these operators, or an operand is not at hand.
    None,
    /// A boolean, by comparing them.
    Compared,
    /// A number, by computing with them.
    Computed,
}

/// What few nodes have.
#[derive(Debug, Default)]
pub(crate) struct Extra {
    /// Filters of something that is not a step of a path.
    pub(crate) predicates: Vec<Stage>,
    /// Filters and positions of a step.
    pub(crate) stages: Vec<Stage>,
    /// `{…}` after an expression.
    pub(crate) group: Option<Pairs>,
    /// `@$variable` after a step.
    pub(crate) focus: Option<Symbol>,
    /// `#$variable` after a step.
    pub(crate) index: Option<Symbol>,
    /// The `%` whose value is this step's context.
    pub(crate) ancestor: Option<Slot>,
    /// The `%`s inside whose step is not found yet. Empty when compiling is done.
    pub(crate) seeking: Vec<Slot>,
}

/// Pairs of a key and a value, and the place of the brace before them.
#[derive(Debug)]
pub(crate) struct Pairs {
    pub(crate) pairs: Vec<(Node, Node)>,
    pub(crate) position: usize,
    /// The keys, if all are written out and differ; none otherwise.
    pub(crate) keys: Vec<Arc<str>>,
}

/// What happens to the result of a step, in order.
#[derive(Debug)]
pub(crate) enum Stage {
    /// `[expression]`
    Filter(Node),
    /// `#$variable`
    Index(Symbol),
}

/// The kinds of node. The kind is asked for at every step: it is written out instead of hidden in what a kind holds.
#[derive(Debug)]
#[repr(u64)]
pub(crate) enum Kind {
    /// A string.
    String(Arc<str>),
    /// A number.
    Number(Num),
    /// `true`, `false` or `null`.
    Constant(Value),
    /// A member's name, as a step.
    Name(Arc<str>),
    /// `$name`, and `$$`.
    Variable(Symbol),
    /// `$`
    Context,
    /// `*`
    Wildcard,
    /// `**`
    Descendants,
    /// `%`
    Parent(Slot),
    /// `/pattern/flags`
    Regex(Box<Regex>),
    /// Two operands.
    Binary(Operator, Box<(Node, Node)>),
    /// `-x`
    Negate(Box<Node>),
    /// `[…]`
    Array(Vec<Node>),
    /// `{…}`
    Object(Pairs),
    /// `a.b`, and every name that stands alone.
    Path(Box<Path>),
    /// `^(…)`, as a step.
    Sort(Vec<Term>),
    /// `a ? b : c`
    Condition(Box<(Node, Node, Option<Node>)>),
    /// `(a; b)`
    Block(Block),
    /// `$name := x`
    Bind(Symbol, Box<Node>),
    /// `f(x)`
    Call(Box<Call>),
    /// The last call of a function's body, which takes the place of the one that makes it.
    TailCall(Box<Call>),
    /// `f(x, ?)`
    Partial(Box<Call>),
    /// `?` among the arguments of a partial application.
    Placeholder,
    /// `function($x) {…}`
    Lambda(Box<Lambda>),
    /// `x ~> f`
    Apply(Box<(Node, Node)>),
    /// `|pattern|update, delete|`
    Transform(Box<Transform>),
}

/// Operators of two operands that only compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Concatenate,
    And,
    Or,
    In,
    Range,
}

impl Operator {
    /// Whether what it makes of numbers, strings and booleans is one of these, and is not long.
    pub(crate) fn is_quick(self) -> bool {
        !matches!(self, Self::Concatenate | Self::In | Self::Range)
    }

    /// What it makes of two operands that are at hand.
    pub(crate) fn of_pair(self) -> Pair {
        match self {
            Self::Equal | Self::NotEqual | Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual => Pair::Compared,
            Self::Add | Self::Subtract | Self::Multiply | Self::Divide | Self::Remainder => Pair::Computed,
            Self::Concatenate | Self::And | Self::Or | Self::In | Self::Range => Pair::None,
        }
    }

    /// As it is written.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Concatenate => "&",
            Self::And => "and",
            Self::Or => "or",
            Self::In => "in",
            Self::Range => "..",
        }
    }
}

/// Steps, one in the context of another's result.
#[derive(Debug)]
pub(crate) struct Path {
    pub(crate) steps: Vec<Node>,
    /// One of the steps is followed by `[]`.
    pub(crate) keep_singleton: bool,
    /// Whether it is names only, behind a name or a variable at most: nothing but look-ups.
    pub(crate) plain: bool,
}

/// Expressions, one after another.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) expressions: Vec<Node>,
    /// Whether one of them binds a variable here, so that a scope is needed.
    pub(crate) binds: bool,
}

/// One criterion of an order.
#[derive(Debug)]
pub(crate) struct Term {
    pub(crate) descending: bool,
    pub(crate) expression: Node,
}

/// A function and what it is applied to.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) procedure: Node,
    pub(crate) arguments: Vec<Node>,
}

/// A function's definition.
#[derive(Debug)]
pub(crate) struct Lambda {
    pub(crate) parameters: Vec<Symbol>,
    pub(crate) signature: Option<Signature>,
    pub(crate) body: Node,
}

/// A change of every match of a pattern.
#[derive(Debug)]
pub(crate) struct Transform {
    pub(crate) pattern: Node,
    pub(crate) update: Node,
    pub(crate) delete: Option<Node>,
}

impl Node {
    pub(crate) fn new(kind: Kind, position: usize) -> Self {
        Self { kind, position, keep_array: false, cons_array: false, tuple: false, quick: 0, pair: Pair::None, extra: None }
    }

    /// Whether it is written out, what a variable is bound to, or the context.
    pub(crate) fn is_at_hand(&self) -> bool {
        matches!(self.kind, Kind::Number(_) | Kind::String(_) | Kind::Constant(_) | Kind::Variable(_) | Kind::Context)
    }

    /// How many nodes it and those inside it are, if all of them may be evaluated the short way.
    pub(crate) fn quick_size(&self) -> Option<u8> {
        match &self.kind {
            _ if self.extra.is_some() || self.keep_array => None,
            _ if self.is_at_hand() => Some(1),
            Kind::Path(path) if path.plain && !path.keep_singleton => Some(1),
            Kind::Binary(..) if self.quick > 0 => Some(self.quick),
            _ => None,
        }
    }

    /// The rare parts, for writing.
    pub(crate) fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    /// Filters and positions, if it is a step that has some.
    pub(crate) fn stages(&self) -> &[Stage] {
        self.extra.as_ref().map_or(&[], |extra| &extra.stages)
    }

    /// `{…}` behind it.
    pub(crate) fn group(&self) -> Option<&Pairs> {
        self.extra.as_ref()?.group.as_ref()
    }

    /// What it is called in errors.
    pub(crate) fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::String(_) => "string",
            Kind::Number(_) => "number",
            Kind::Constant(_) => "value",
            Kind::Name(_) => "name",
            Kind::Variable(_) | Kind::Context => "variable",
            Kind::Wildcard => "wildcard",
            Kind::Descendants => "descendant",
            Kind::Parent(_) => "parent",
            Kind::Regex(_) => "regex",
            Kind::Binary(..) => "binary",
            Kind::Negate(_) | Kind::Array(_) | Kind::Object(_) => "unary",
            Kind::Path(_) => "path",
            Kind::Sort(_) => "sort",
            Kind::Condition(_) => "condition",
            Kind::Block(_) => "block",
            Kind::Bind(..) => "bind",
            Kind::Call(_) => "function",
            Kind::Partial(_) => "partial",
            Kind::Placeholder => "operator",
            Kind::Lambda(_) | Kind::TailCall(_) => "lambda",
            Kind::Apply(_) => "apply",
            Kind::Transform(_) => "transform",
        }
    }
}
