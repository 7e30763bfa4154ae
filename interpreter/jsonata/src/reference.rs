//! What an expression refers to outside of itself.

use std::collections::BTreeMap;

use crate::compile::Compiled;
use crate::compile::ast::{Block, Kind, Node, Stage, Symbol};

/// A part of an expression that refers to something outside of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference<'a> {
    /// A bare name, or `*` or `**`, at the top level: a member of the input.
    Name {
        /// The name.
        name: &'a str,
        /// Where it is, in bytes from the start of the expression.
        position: usize,
    },
    /// `$` at the top level, or `$$` anywhere: the input as a whole.
    Input {
        /// Where it is, in bytes from the start of the expression.
        position: usize,
    },
    /// A variable, or a function, that the expression does not bind itself.
    Variable {
        /// The name without the `$`.
        name: &'a str,
        /// The names behind it, as far as they are written out: `input` and `order` in `$states.input.order[0].id`.
        fields: Vec<&'a str>,
        /// Whether it is called.
        called: bool,
        /// Where it is, in bytes from the start of the expression.
        position: usize,
    },
}

/// All references, in the order in which they stand in the tree.
pub(crate) fn references(compiled: &Compiled) -> Vec<Reference<'_>> {
    let mut finder = Finder { compiled, bound: Bound::default(), later: Bound::default(), lambdas: 0, found: Vec::new() };
    finder.node(&compiled.root, true);
    finder.found
}

struct Finder<'a> {
    compiled: &'a Compiled,
    /// The variables that are bound where the walk is.
    bound: Bound,
    /// The variables that the blocks around bind somewhere: a function's body runs when it is called, which may be later.
    later: Bound,
    /// How many functions are around.
    lambdas: usize,
    found: Vec<Reference<'a>>,
}

/// Variables that are bound, those of the innermost scope last.
#[derive(Default)]
struct Bound {
    stack: Vec<Symbol>,
    /// How often each of them is on the stack.
    counts: BTreeMap<Symbol, usize>,
}

impl Bound {
    fn push(&mut self, symbol: Symbol) {
        self.stack.push(symbol);
        *self.counts.entry(symbol).or_default() += 1;
    }

    fn extend(&mut self, symbols: impl IntoIterator<Item = Symbol>) {
        symbols.into_iter().for_each(|symbol| self.push(symbol));
    }

    fn len(&self) -> usize {
        self.stack.len()
    }

    fn truncate(&mut self, len: usize) {
        for symbol in self.stack.drain(len.min(self.stack.len())..) {
            if let Some(count) = self.counts.get_mut(&symbol) {
                *count -= 1;
            }
        }
    }

    fn contains(&self, symbol: Symbol) -> bool {
        self.counts.get(&symbol).is_some_and(|&count| count > 0)
    }
}

impl<'a> Finder<'a> {
    /// Goes through a node; `top` says whether its context is the input.
    fn node(&mut self, node: &'a Node, top: bool) {
        self.kind(node, top);
        let Some(extra) = &node.extra else { return };
        for stage in &extra.predicates {
            self.stage(stage);
        }
        if let Some(group) = &extra.group {
            for (key, value) in &group.pairs {
                self.node(key, false);
                self.node(value, false);
            }
        }
    }

    fn stage(&mut self, stage: &'a Stage) {
        match stage {
            Stage::Filter(predicate) => self.node(predicate, false),
            Stage::Index(symbol) => self.bound.push(*symbol),
        }
    }

    fn all(&mut self, nodes: impl IntoIterator<Item = &'a Node>, top: bool) {
        nodes.into_iter().for_each(|node| self.node(node, top));
    }

    fn kind(&mut self, node: &'a Node, top: bool) {
        let position = node.position;
        match &node.kind {
            Kind::String(_) | Kind::Number(_) | Kind::Constant(_) | Kind::Regex(_) | Kind::Parent(_) | Kind::Placeholder => {}
            Kind::Name(name) if top => self.found.push(Reference::Name { name, position }),
            Kind::Wildcard if top => self.found.push(Reference::Name { name: "*", position }),
            Kind::Descendants if top => self.found.push(Reference::Name { name: "**", position }),
            Kind::Context if top => self.found.push(Reference::Input { position }),
            Kind::Name(_) | Kind::Wildcard | Kind::Descendants | Kind::Context => {}
            Kind::Variable(symbol) => self.variable(*symbol, Vec::new(), false, position),
            Kind::Binary(_, operands) | Kind::Apply(operands) => self.all([&operands.0, &operands.1], top),
            Kind::Negate(operand) => self.node(operand, top),
            Kind::Array(items) => self.all(items, top),
            Kind::Object(pairs) => {
                for (key, value) in &pairs.pairs {
                    self.all([key, value], top);
                }
            }
            Kind::Path(path) => self.path(&path.steps, top),
            Kind::Sort(terms) => self.all(terms.iter().map(|term| &term.expression), false),
            Kind::Condition(parts) => {
                self.all([&parts.0, &parts.1], top);
                self.all(&parts.2, top);
            }
            Kind::Block(Block { expressions, .. }) => {
                let (outside, later) = (self.bound.len(), self.later.len());
                let bound = |node: &Node| if let Kind::Bind(symbol, _) = &node.kind { Some(*symbol) } else { None };
                self.later.extend(expressions.iter().filter_map(bound));
                self.all(expressions, top);
                self.bound.truncate(outside);
                self.later.truncate(later);
            }
            Kind::Bind(symbol, value) => {
                // A function may call itself by the name that it is bound to.
                if matches!(value.kind, Kind::Lambda(_)) {
                    self.bound.push(*symbol);
                    self.node(value, top);
                } else {
                    self.node(value, top);
                    self.bound.push(*symbol);
                }
            }
            Kind::Call(call) | Kind::TailCall(call) | Kind::Partial(call) => {
                match &call.procedure.kind {
                    Kind::Variable(symbol) => self.variable(*symbol, Vec::new(), true, call.procedure.position),
                    _ => self.node(&call.procedure, top),
                }
                self.all(&call.arguments, top);
            }
            Kind::Lambda(lambda) => {
                let outside = self.bound.len();
                self.bound.extend(lambda.parameters.iter().copied());
                self.lambdas += 1;
                self.node(&lambda.body, top);
                self.lambdas -= 1;
                self.bound.truncate(outside);
            }
            Kind::Transform(transform) => {
                self.all([&transform.pattern, &transform.update], false);
                self.all(&transform.delete, false);
            }
        }
    }

    fn path(&mut self, steps: &'a [Node], top: bool) {
        let outside = self.bound.len();
        for (at, step) in steps.iter().enumerate() {
            if let (0, Kind::Variable(symbol)) = (at, &step.kind) {
                let names = steps.get(usize::from(step.extra.is_none())..).unwrap_or_default();
                let fields = if step.extra.is_none() { fields(names) } else { Vec::new() };
                self.variable(*symbol, fields, false, step.position);
            } else {
                self.kind(step, top && at == 0);
            }
            if let Some(extra) = &step.extra {
                self.bound.extend(extra.focus);
                self.bound.extend(extra.index);
                extra.predicates.iter().chain(&extra.stages).for_each(|stage| self.stage(stage));
            }
        }
        self.bound.truncate(outside);
    }

    fn variable(&mut self, symbol: Symbol, fields: Vec<&'a str>, called: bool, position: usize) {
        let name = self.compiled.symbols.name(symbol);
        if &**name == "$" {
            self.found.push(Reference::Input { position });
            return;
        }
        // A function that is bound behind the body that calls it. What is no function may come from outside as long as it is not bound.
        let is_bound_later = called && self.lambdas > 0 && self.later.contains(symbol);
        if !is_bound_later && !self.bound.contains(symbol) {
            self.found.push(Reference::Variable { name, fields, called, position });
        }
    }
}

/// Names that follow one another, up to and with the first that something else than a name follows.
fn fields(steps: &[Node]) -> Vec<&str> {
    let mut fields = Vec::new();
    for step in steps {
        let Kind::Name(name) = &step.kind else { break };
        fields.push(&**name);
        if step.extra.is_some() {
            break;
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use crate::Expression;

    fn references(text: &str) -> String {
        let expression = Expression::compile(text).unwrap();
        let shown = expression.references().into_iter().map(|reference| match reference {
            super::Reference::Name { name, position } => format!("{name}@{position}"),
            super::Reference::Input { position } => format!("input@{position}"),
            super::Reference::Variable { name, fields, called, position } => {
                let fields = fields.iter().map(|field| format!(".{field}")).collect::<String>();
                format!("${name}{fields}{}@{position}", if called { "()" } else { "" })
            }
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn references_are_what_comes_from_outside() {
        for (text, expected) in [
            ("phone", "phone@0"),
            ("$states.input.order[id = 1].total & name", "$states.input.order@0 name@36"),
            ("$x.(a; $; b[c = $y])", "$x@0 $y@16"),
            ("($a := 1; $a + $b)", "$b@15"),
            ("($f := function($n) { $f($n - 1) }; $f(3))", ""),
            ("($even := function($n) { $n = 0 or $odd($n - 1) }; $odd := function($n) { $n > 0 and $even($n - 1) }; $even(4))", ""),
            ("($b; $b := 1)", "$b@1"),
            ("($f := function() { $b }; $c := $f(); $b := 1; $c)", "$b@20"),
            ("$sum($.x) + $$.y", "$sum()@0 input@5 input@12"),
            ("$map($v, function($i) { $i.a + b })", "$map()@0 $v@5 b@31"),
            ("$states.context.Execution.Id", "$states.context.Execution.Id@0"),
            ("$orders@$o.items#$i.{ 'o': $o, 'i': $i }", "$orders@0"),
            ("* ~> |a|{'b': c}|", "*@0"),
        ] {
            assert_eq!(references(text), expected, "{text}");
        }
    }
}
