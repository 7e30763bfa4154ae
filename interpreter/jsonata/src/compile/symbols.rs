//! The names of variables in an expression.

use std::sync::Arc;

use hashbrown::HashMap;

use super::ast::Symbol;

/// Names of variables, each with a number.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    names: Vec<Arc<str>>,
    /// Numbers by name, from [`INDEX_FROM`] names on: a short list is searched faster than it is hashed.
    index: HashMap<Arc<str>, u32>,
}

const INDEX_FROM: usize = 16;

impl Symbols {
    /// The number of `name`, a new one if need be.
    pub(crate) fn intern(&mut self, name: &str) -> Symbol {
        if let Some(symbol) = self.find(name) {
            return symbol;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let name: Arc<str> = Arc::from(name);
        self.names.push(Arc::clone(&name));
        if self.names.len() == INDEX_FROM {
            self.index = (0..).zip(&self.names).map(|(number, name)| (Arc::clone(name), number)).collect();
        } else if self.names.len() > INDEX_FROM {
            self.index.insert(name, number);
        }
        Symbol(number)
    }

    /// The number of `name`, if the expression has it.
    pub(crate) fn find(&self, name: &str) -> Option<Symbol> {
        if self.names.len() >= INDEX_FROM {
            return self.index.get(name).copied().map(Symbol);
        }
        (0..).zip(&self.names).find(|(_, known)| ***known == *name).map(|(number, _)| Symbol(number))
    }

    /// The name with a number.
    pub(crate) fn name(&self, symbol: Symbol) -> &Arc<str> {
        static NONE: std::sync::LazyLock<Arc<str>> = std::sync::LazyLock::new(|| Arc::from(""));
        self.names.get(symbol.0 as usize).unwrap_or(&NONE)
    }

    /// All names in the order of their numbers.
    pub(crate) fn names(&self) -> &[Arc<str>] {
        &self.names
    }
}
