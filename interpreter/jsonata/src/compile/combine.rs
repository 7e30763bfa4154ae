//! How parts become a whole: steps a path, filters a property of their step, a `-` and a number a number.

use super::ancestry::adopt;
use super::ast::{Block, Call, Extra, Kind, Node, Operator, Pairs, Path, Stage, Symbol, Term};
use super::parser::Parser;
use crate::Error;

impl Parser<'_> {
    /// A name alone is a path of one step.
    pub(super) fn name_path(name: Node) -> Node {
        let position = name.position;
        Node::new(Kind::Path(Box::new(Path { steps: vec![name], keep_singleton: false, plain: true })), position)
    }

    fn path_of(node: Node) -> (Path, Node) {
        let position = node.position;
        let keep_array = node.keep_array;
        let mut shell = Node::new(Kind::Placeholder, position);
        match node.kind {
            Kind::Path(path) => {
                shell.extra = node.extra;
                shell.keep_array = keep_array;
                shell.tuple = node.tuple;
                (*path, shell)
            }
            kind => {
                let step = Node { kind, ..node };
                (Path { steps: vec![step], keep_singleton: false, plain: false }, shell)
            }
        }
    }

    fn finish_path(mut path: Path, mut shell: Node) -> Node {
        path.keep_singleton |= path.steps.iter().any(|step| step.keep_array);
        path.plain = !shell.tuple && is_plain(&path.steps);
        shell.kind = Kind::Path(Box::new(path));
        shell
    }

    /// `left.right`
    pub(super) fn step(&mut self, left: Node, right: Node, _position: usize) -> Node {
        let parent = if let Kind::Parent(slot) = left.kind { Some(slot) } else { None };
        let (mut path, mut shell) = Self::path_of(left);
        if let Some(slot) = parent {
            shell.extra_mut().seeking = vec![slot];
        }
        match right.kind {
            Kind::Path(steps) => {
                path.steps.extend(steps.steps);
                // A group behind the right side is one behind the whole path only if it was not closed off by parentheses, which
                // would have made a block of it: braces bind weaker than the point.
                if let Some(extra) = right.extra {
                    if !extra.seeking.is_empty() {
                        shell.extra_mut().seeking.extend(extra.seeking);
                    }
                    if extra.group.is_some() {
                        shell.extra_mut().group = extra.group;
                    }
                }
            }
            kind => {
                let mut step = Node { kind, ..right };
                if let Some(extra) = &mut step.extra {
                    extra.stages = std::mem::take(&mut extra.predicates);
                }
                path.steps.push(step);
            }
        }
        for step in &mut path.steps {
            match &mut step.kind {
                Kind::Number(number) => {
                    self.defer(Error::new("S0213").value(number.to_value()).at(step.position));
                }
                Kind::Constant(value) => self.defer(Error::new("S0213").value(value.clone()).at(step.position)),
                Kind::String(text) => step.kind = Kind::Name(std::mem::take(text)),
                _ => {}
            }
        }
        let last = path.steps.len().saturating_sub(1);
        for (at, step) in path.steps.iter_mut().enumerate() {
            if (at == 0 || at == last) && matches!(step.kind, Kind::Array(_)) {
                step.cons_array = true;
            }
        }
        self.resolve(&mut path, &mut shell);
        Self::finish_path(path, shell)
    }

    fn resolve(&mut self, path: &mut Path, shell: &mut Node) {
        match self.ancestry.resolve(&mut path.steps) {
            Ok(outside) if outside.is_empty() => {}
            Ok(outside) => shell.extra_mut().seeking.extend(outside),
            Err(error) => self.defer(error),
        }
    }

    /// `left[]`
    pub(super) fn keep_array(mut left: Node) -> Node {
        left.keep_array = true;
        if left.group().is_none()
            && let Kind::Path(path) = &mut left.kind
            && let [step] = path.steps.as_mut_slice()
        {
            step.keep_array = true;
            path.keep_singleton = true;
            path.plain = false;
        }
        left
    }

    /// `left[predicate]`
    pub(super) fn filter(&mut self, mut left: Node, predicate: Node, position: usize) -> Node {
        if left.group().is_some() {
            self.defer(Error::new("S0209").at(position));
        }
        let mut is_step = false;
        let step = match &mut left.kind {
            Kind::Path(path) => {
                path.plain = false;
                is_step = true;
                path.steps.last_mut()
            }
            _ => None,
        };
        let mut refused = None;
        let visit = |step: &mut Node| {
            let sought = predicate.extra.as_ref().map_or_else(Vec::new, |extra| extra.seeking.clone());
            for slot in sought {
                if self.ancestry.level(slot) == 1 {
                    if let Err(error) = self.ancestry.seek(step, slot) {
                        refused.get_or_insert(error);
                    }
                } else {
                    self.ancestry.lower(slot);
                }
            }
            if predicate.extra.as_ref().is_some_and(|extra| !extra.seeking.is_empty()) {
                adopt(step, &predicate);
            }
            let extra = step.extra_mut();
            if extra.group.is_some() {
                refused.get_or_insert(Error::new("S0209").at(position));
            }
            let stages = if is_step { &mut extra.stages } else { &mut extra.predicates };
            stages.push(Stage::Filter(predicate));
        };
        match step {
            Some(step) => visit(step),
            None => visit(&mut left),
        }
        if let Kind::Path(path) = &mut left.kind {
            path.plain = !left.tuple && is_plain(&path.steps);
        }
        if let Some(error) = refused {
            self.defer(error);
        }
        left
    }

    /// `left{…}`
    pub(super) fn group(&mut self, mut left: Node, pairs: Pairs) -> Node {
        if left.group().is_some() {
            self.defer(Error::new("S0210").at(pairs.position));
        }
        if let Kind::Path(path) = &mut left.kind {
            path.plain = false;
        }
        left.extra_mut().group = Some(pairs);
        left
    }

    /// `left^(…)`
    pub(super) fn sort(&mut self, left: Node, terms: Vec<Term>, position: usize) -> Node {
        let (mut path, mut shell) = Self::path_of(left);
        let mut step = Node::new(Kind::Array(Vec::new()), position);
        for term in &terms {
            adopt(&mut step, &term.expression);
        }
        step.kind = Kind::Sort(terms);
        path.steps.push(step);
        self.resolve(&mut path, &mut shell);
        Self::finish_path(path, shell)
    }

    /// `left@$variable`
    pub(super) fn focus(&mut self, mut left: Node, variable: Symbol, position: usize) -> Node {
        let mut refused = None;
        let mut visit = |step: &mut Node| {
            let extra = step.extra_mut();
            if !extra.stages.is_empty() || !extra.predicates.is_empty() {
                refused = Some(Error::new("S0215").at(position));
            }
            extra.focus = Some(variable);
            if matches!(step.kind, Kind::Sort(_)) {
                refused.get_or_insert(Error::new("S0216").at(position));
            }
            step.tuple = true;
        };
        match &mut left.kind {
            Kind::Path(path) => {
                path.plain = false;
                if let Some(step) = path.steps.last_mut() {
                    visit(step);
                }
            }
            _ => visit(&mut left),
        }
        if let Some(error) = refused {
            self.defer(error);
        }
        left
    }

    /// `left#$variable`
    pub(super) fn index(&mut self, left: Node, variable: Symbol, _position: usize) -> Node {
        let was_path = matches!(left.kind, Kind::Path(_));
        let (mut path, shell) = Self::path_of(left);
        if let Some(step) = path.steps.last_mut() {
            let extra = step.extra_mut();
            if !was_path {
                extra.stages = std::mem::take(&mut extra.predicates);
            }
            if extra.stages.is_empty() {
                extra.index = Some(variable);
            } else {
                extra.stages.push(Stage::Index(variable));
            }
            step.tuple = true;
        }
        Self::finish_path(path, shell)
    }

    /// `$variable := value`
    pub(super) fn bind(&mut self, variable: Symbol, value: Node, position: usize) -> Node {
        self.whole(position, value, |value| Kind::Bind(variable, Box::new(value)))
    }

    fn whole(&mut self, position: usize, part: Node, kind: impl FnOnce(Node) -> Kind) -> Node {
        let mut node = Node::new(Kind::Array(Vec::new()), position);
        adopt(&mut node, &part);
        node.kind = kind(part);
        node
    }

    /// `left operator right`
    pub(super) fn binary(&mut self, operator: Operator, left: Node, right: Node, position: usize) -> Node {
        let mut node = Node::new(Kind::Array(Vec::new()), position);
        adopt(&mut node, &left);
        adopt(&mut node, &right);
        let quick = operator.is_quick() && node.extra.is_none();
        // What fails the short way is done again, so that it pays only for what is small.
        let size = left.quick_size().zip(right.quick_size()).map_or(0, |(left, right)| 1 + left + right);
        node.quick = if quick && size <= QUICK_MAX { size } else { 0 };
        if node.quick > 0 && left.is_at_hand() && right.is_at_hand() {
            node.pair = operator.of_pair();
        }
        node.kind = Kind::Binary(operator, Box::new((left, right)));
        node
    }

    /// `-operand`
    pub(super) fn negate(&mut self, mut operand: Node, position: usize) -> Node {
        if let Kind::Number(number) = &mut operand.kind {
            *number = number.negate();
            return operand;
        }
        self.whole(position, operand, |operand| Kind::Negate(Box::new(operand)))
    }

    /// `[items]`
    pub(super) fn make_array(&mut self, items: Vec<Node>, position: usize) -> Node {
        let mut node = Node::new(Kind::Array(Vec::new()), position);
        for item in &items {
            adopt(&mut node, item);
        }
        node.kind = Kind::Array(items);
        node
    }

    /// `{pairs}`
    pub(super) fn object(&mut self, pairs: Pairs) -> Node {
        let mut node = Node::new(Kind::Array(Vec::new()), pairs.position);
        for (key, value) in &pairs.pairs {
            adopt(&mut node, key);
            adopt(&mut node, value);
        }
        node.kind = Kind::Object(pairs);
        node
    }

    /// `(a; b)`
    pub(super) fn make_block(&mut self, block: Block, position: usize) -> Node {
        let mut node = Node::new(Kind::Array(Vec::new()), position);
        for part in &block.expressions {
            adopt(&mut node, part);
            let first_step = if let Kind::Path(path) = &part.kind { path.steps.first() } else { None };
            node.cons_array |= part.cons_array || first_step.is_some_and(|step| step.cons_array);
        }
        node.kind = Kind::Block(block);
        node
    }

    /// `condition ? then : otherwise`
    pub(super) fn condition(&mut self, condition: Node, then: Node, otherwise: Option<Node>, position: usize) -> Node {
        let mut node = Node::new(Kind::Array(Vec::new()), position);
        adopt(&mut node, &condition);
        adopt(&mut node, &then);
        if let Some(otherwise) = &otherwise {
            adopt(&mut node, otherwise);
        }
        node.kind = Kind::Condition(Box::new((condition, then, otherwise)));
        node
    }

    /// `left ~> right`
    pub(super) fn apply(&mut self, left: Node, right: Node, position: usize) -> Node {
        let mut node = Node::new(Kind::Array(Vec::new()), position);
        node.keep_array = left.keep_array || right.keep_array;
        node.kind = Kind::Apply(Box::new((left, right)));
        node
    }

    /// `procedure(arguments)`
    pub(super) fn make_call(&mut self, call: Call, partial: bool, position: usize) -> Node {
        let mut node = Node::new(Kind::Array(Vec::new()), position);
        for argument in &call.arguments {
            adopt(&mut node, argument);
        }
        node.kind = if partial { Kind::Partial(Box::new(call)) } else { Kind::Call(Box::new(call)) };
        node
    }

    /// Makes the calls that end a function's body take the body's place.
    pub(super) fn tail(mut body: Node) -> Node {
        // What still happens to the result of a call keeps it from being the last thing to do.
        let is_last = |extra: &Extra| extra.predicates.is_empty() && extra.group.is_none();
        if body.keep_array || !body.extra.as_deref().is_none_or(is_last) {
            return body;
        }
        body.kind = match body.kind {
            Kind::Call(call) => Kind::TailCall(call),
            Kind::Condition(mut parts) => {
                let (condition, then, otherwise) = *parts;
                *parts = (condition, Self::tail(then), otherwise.map(Self::tail));
                Kind::Condition(parts)
            }
            Kind::Block(mut block) => {
                if let Some(last) = block.expressions.pop() {
                    block.expressions.push(Self::tail(last));
                }
                Kind::Block(block)
            }
            kind => kind,
        };
        body
    }
}

/// The most nodes that are evaluated the short way together.
const QUICK_MAX: u8 = 15;

/// Whether a path is look-ups only: names, positions behind them, and a variable before them.
fn is_plain(steps: &[Node]) -> bool {
    steps.iter().enumerate().all(|(at, step)| {
        let by_name = matches!(step.kind, Kind::Name(_)) && step.extra.as_deref().is_none_or(is_position);
        let by_variable = at == 0 && matches!(step.kind, Kind::Variable(_) | Kind::Context) && step.extra.is_none();
        (by_name || by_variable) && !step.keep_array && !step.tuple
    })
}

/// Whether what a step has besides its name is one position.
fn is_position(extra: &Extra) -> bool {
    let [Stage::Filter(Node { kind: Kind::Number(_), extra: None, .. })] = extra.stages.as_slice() else { return false };
    extra.predicates.is_empty()
        && extra.group.is_none()
        && extra.focus.is_none()
        && extra.index.is_none()
        && extra.ancestor.is_none()
        && extra.seeking.is_empty()
}
