//! From text to what is evaluated.

mod ancestry;
pub(crate) mod ast;
mod combine;
mod lexer;
mod parser;
mod symbols;

pub(crate) use parser::parse;
pub(crate) use symbols::Symbols;

use crate::function::Builtin;
use ast::Node;

/// An expression after compiling: its tree, the names of its variables, and which label each `%` reads.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) root: Node,
    pub(crate) symbols: Symbols,
    pub(crate) labels: Vec<ast::Symbol>,
    /// The language's functions by symbol, for those names that are one's.
    pub(crate) builtins: Vec<Option<&'static Builtin>>,
}

/// How deep an expression may be nested. Evaluating one that is deeper than 100 levels or so fails anyway.
pub(crate) const NESTING_MAX: usize = 300;
