//! From tokens to a tree, by the binding power of operators (Pratt's method).
//!
//! JSONata's own implementation parses first and looks at the tree in a second pass, whose errors therefore come after all those
//! of the first. Here both happen at once: what the second pass would refuse is put off ([`Parser::defer`]) until the text has
//! turned out to be whole.

use std::borrow::Cow;
use std::sync::Arc;

use statewright_value::Value;

use super::ast::{Block, Call, Kind, Lambda, Node, Operator, Pairs, Symbol, Term, Transform};
use super::lexer::{Lexer, Token, TokenKind};
use super::{Compiled, NESTING_MAX, Symbols, ancestry::Ancestry};
use crate::signature::Signature;
use crate::{Bound, Error, function};

/// The tree of an expression.
pub(crate) fn parse(text: &str) -> Result<Compiled, Error> {
    let mut lexer = Lexer::new(text);
    let token = lexer.next(false)?;
    let mut parser = Parser {
        lexer,
        token,
        symbols: Symbols::default(),
        ancestry: Ancestry::default(),
        deferred: None,
        depth: 0,
        height: 0,
        binds: false,
    };
    let mut root = parser.expression(0)?;
    if !matches!(parser.token.kind, TokenKind::End) {
        return Err(Error::new("S0201").with("token", parser.token.kind.value()).at(parser.token.position));
    }
    if matches!(root.kind, Kind::Parent(_)) || root.extra.as_ref().is_some_and(|extra| !extra.seeking.is_empty()) {
        parser.defer(Error::new("S0217").token(root.type_name()).at(root.position));
    }
    if let Some(error) = parser.deferred {
        return Err(error);
    }
    if let Some(extra) = &mut root.extra {
        extra.seeking.clear();
    }
    let builtins = parser.symbols.names().iter().map(|name| function::find(name)).collect();
    Ok(Compiled { root, symbols: parser.symbols, labels: parser.ancestry.labels(), builtins })
}

/// How strongly an operator binds what is on its left; 0 for what ends an expression.
fn binding_power(kind: &TokenKind<'_>) -> u32 {
    let TokenKind::Operator(operator) = kind else { return 0 };
    match *operator {
        "[" | "(" | "@" | "#" => 80,
        "." => 75,
        "{" => 70,
        "*" | "/" | "%" => 60,
        "+" | "-" | "&" => 50,
        "=" | "<" | ">" | "!=" | "<=" | ">=" | "^" | "~>" | "in" => 40,
        "and" => 30,
        "or" => 25,
        "?" => 20,
        ":=" => 10,
        _ => 0,
    }
}

fn operator_of(text: &str) -> Option<Operator> {
    Some(match text {
        "+" => Operator::Add,
        "-" => Operator::Subtract,
        "*" => Operator::Multiply,
        "/" => Operator::Divide,
        "%" => Operator::Remainder,
        "=" => Operator::Equal,
        "!=" => Operator::NotEqual,
        "<" => Operator::Less,
        "<=" => Operator::LessOrEqual,
        ">" => Operator::Greater,
        ">=" => Operator::GreaterOrEqual,
        "&" => Operator::Concatenate,
        "and" => Operator::And,
        "or" => Operator::Or,
        "in" => Operator::In,
        _ => return None,
    })
}

pub(super) struct Parser<'t> {
    lexer: Lexer<'t>,
    token: Token<'t>,
    symbols: Symbols,
    pub(super) ancestry: Ancestry,
    deferred: Option<Error>,
    /// How many expressions enclose this one.
    depth: usize,
    /// How high the tree of the expression that was read last is, at least.
    height: usize,
    /// Whether a variable was bound since the block or the function around this began, in its scope.
    binds: bool,
}

impl<'t> Parser<'t> {
    /// Keeps an error for when the text is read to its end without a worse one.
    pub(super) fn defer(&mut self, error: Error) {
        self.deferred.get_or_insert(error);
    }

    pub(super) fn symbol(&mut self, name: &str) -> Symbol {
        self.symbols.intern(name)
    }

    fn advance(&mut self, operand_before: bool) -> Result<Token<'t>, Error> {
        let next = self.lexer.next(operand_before)?;
        Ok(std::mem::replace(&mut self.token, next))
    }

    fn is(&self, operator: &str) -> bool {
        matches!(self.token.kind, TokenKind::Operator(text) if text == operator)
    }

    /// Passes over `operator`, which must come now.
    fn expect(&mut self, operator: &str, operand_before: bool) -> Result<(), Error> {
        if self.is(operator) {
            return self.advance(operand_before).map(drop);
        }
        let code = if matches!(self.token.kind, TokenKind::End) { "S0203" } else { "S0202" };
        Err(Error::new(code).value(operator).with("token", self.token.kind.value()).at(self.token.position))
    }

    /// Passes over `operator` if it comes now.
    fn accept(&mut self, operator: &str) -> Result<bool, Error> {
        let there = self.is(operator);
        if there {
            self.advance(false)?;
        }
        Ok(there)
    }

    pub(super) fn expression(&mut self, power: u32) -> Result<Node, Error> {
        if self.depth >= NESTING_MAX {
            return Err(Error::bound(Bound::Depth).at(self.token.position));
        }
        self.depth += 1;
        let token = self.advance(true)?;
        let outer = std::mem::replace(&mut self.height, 0);
        let mut left = self.prefix(token)?;
        while power < binding_power(&self.token.kind) {
            let token = self.advance(false)?;
            let height = std::mem::replace(&mut self.height, 0);
            left = self.infix(left, &token)?;
            self.height = self.height.max(height) + 1;
            if self.height > NESTING_MAX {
                return Err(Error::bound(Bound::Depth).at(token.position));
            }
        }
        self.height = self.height.max(outer) + 1;
        self.depth -= 1;
        Ok(left)
    }

    fn prefix(&mut self, token: Token<'t>) -> Result<Node, Error> {
        let position = token.position;
        let kind = match token.kind {
            TokenKind::Name(name) => return Ok(Self::name(&name, position)),
            TokenKind::Variable("") => Kind::Context,
            TokenKind::Variable(name) => Kind::Variable(self.symbol(name)),
            TokenKind::String(text) => Kind::String(Arc::from(&*text)),
            TokenKind::Number(number) => Kind::Number(number),
            TokenKind::True => Kind::Constant(Value::Bool(true)),
            TokenKind::False => Kind::Constant(Value::Bool(false)),
            TokenKind::Null => Kind::Constant(Value::Null),
            TokenKind::Regex(regex) => Kind::Regex(regex),
            TokenKind::End => {
                self.defer(Error::new("S0207").token("(end)").at(position));
                Kind::Constant(Value::Null)
            }
            TokenKind::Operator(operator) => return self.prefix_operator(operator, position),
        };
        Ok(Node::new(kind, position))
    }

    fn prefix_operator(&mut self, operator: &'static str, position: usize) -> Result<Node, Error> {
        let kind = match operator {
            "and" | "or" | "in" => return Ok(Self::name(operator, position)),
            "*" => Kind::Wildcard,
            "**" => Kind::Descendants,
            "%" => Kind::Parent(self.ancestry.slot()),
            "-" => {
                let operand = self.expression(70)?;
                return Ok(self.negate(operand, position));
            }
            "(" => return self.block(position),
            "[" => return self.array(position),
            "{" => {
                let pairs = self.pairs(position)?;
                return Ok(self.object(pairs));
            }
            "|" => return self.transform(position),
            operator => return Err(Error::new("S0211").token(operator).at(position)),
        };
        Ok(Node::new(kind, position))
    }

    fn block(&mut self, position: usize) -> Result<Node, Error> {
        let mut expressions = Vec::new();
        let outer = std::mem::replace(&mut self.binds, false);
        while !self.is(")") {
            expressions.push(self.expression(0)?);
            if !self.accept(";")? {
                break;
            }
        }
        self.expect(")", true)?;
        let binds = std::mem::replace(&mut self.binds, outer);
        Ok(self.make_block(Block { expressions, binds }, position))
    }

    fn array(&mut self, position: usize) -> Result<Node, Error> {
        let mut items = Vec::new();
        if !self.is("]") {
            loop {
                let mut item = self.expression(0)?;
                if self.is("..") {
                    let at = self.advance(false)?.position;
                    let end = self.expression(0)?;
                    item = self.binary(Operator::Range, item, end, at);
                }
                items.push(item);
                if !self.accept(",")? {
                    break;
                }
            }
        }
        self.expect("]", true)?;
        Ok(self.make_array(items, position))
    }

    /// The members of an object or of a group, whose brace is read.
    fn pairs(&mut self, position: usize) -> Result<Pairs, Error> {
        let mut pairs = Vec::new();
        if !self.is("}") {
            loop {
                let key = self.expression(0)?;
                self.expect(":", false)?;
                pairs.push((key, self.expression(0)?));
                if !self.accept(",")? {
                    break;
                }
            }
        }
        self.expect("}", true)?;
        let keys = distinct_keys(&pairs).unwrap_or_default();
        Ok(Pairs { pairs, position, keys })
    }

    fn transform(&mut self, position: usize) -> Result<Node, Error> {
        let pattern = self.expression(0)?;
        self.expect("|", false)?;
        let update = self.expression(0)?;
        let delete = if self.accept(",")? { Some(self.expression(0)?) } else { None };
        self.expect("|", false)?;
        Ok(Node::new(Kind::Transform(Box::new(Transform { pattern, update, delete })), position))
    }

    fn infix(&mut self, left: Node, token: &Token<'t>) -> Result<Node, Error> {
        let TokenKind::Operator(operator) = token.kind else { return Ok(left) };
        let position = token.position;
        match operator {
            "." => {
                let right = self.expression(75)?;
                Ok(self.step(left, right, position))
            }
            "[" => self.predicate(left, position),
            "(" => self.call(left, position),
            "{" => {
                let pairs = self.pairs(position)?;
                Ok(self.group(left, pairs))
            }
            "^" => {
                let terms = self.terms()?;
                Ok(self.sort(left, terms, position))
            }
            "@" | "#" => {
                let right = self.expression(80)?;
                let variable = match right.kind {
                    Kind::Variable(variable) => variable,
                    Kind::Context => self.symbol(""),
                    _ => return Err(Error::new("S0214").token(operator).at(right.position)),
                };
                Ok(if operator == "@" { self.focus(left, variable, position) } else { self.index(left, variable, position) })
            }
            ":=" => {
                let Kind::Variable(variable) = left.kind else {
                    return Err(Error::new("S0212").token(&describe(&left)).at(left.position));
                };
                if left.extra.is_some() {
                    return Err(Error::new("S0212").token("[").at(left.position));
                }
                let value = self.expression(9)?;
                self.binds = true;
                Ok(self.bind(variable, value, position))
            }
            "?" => {
                let then = self.expression(0)?;
                let otherwise = if self.accept(":")? { Some(self.expression(0)?) } else { None };
                Ok(self.condition(left, then, otherwise, position))
            }
            "~>" => {
                let right = self.expression(40)?;
                Ok(self.apply(left, right, position))
            }
            text => {
                let Some(operator) = operator_of(text) else { return Err(Error::new("S0204").token(text).at(position)) };
                let right = self.expression(binding_power(&token.kind))?;
                Ok(self.binary(operator, left, right, position))
            }
        }
    }

    fn predicate(&mut self, left: Node, position: usize) -> Result<Node, Error> {
        if self.accept_bracket()? {
            return Ok(Self::keep_array(left));
        }
        let predicate = self.expression(0)?;
        self.expect("]", true)?;
        Ok(self.filter(left, predicate, position))
    }

    fn accept_bracket(&mut self) -> Result<bool, Error> {
        let there = self.is("]");
        if there {
            // JSONata's tokenizer takes a slash after `[]` for the start of a regular expression; dividing is what can be meant.
            self.advance(true)?;
        }
        Ok(there)
    }

    fn terms(&mut self) -> Result<Vec<Term>, Error> {
        self.expect("(", false)?;
        let mut terms = Vec::new();
        loop {
            let descending = !self.accept("<")? && self.accept(">")?;
            terms.push(Term { descending, expression: self.expression(0)? });
            if !self.accept(",")? {
                break;
            }
        }
        self.expect(")", true)?;
        Ok(terms)
    }

    fn call(&mut self, procedure: Node, position: usize) -> Result<Node, Error> {
        let mut arguments = Vec::new();
        let mut partial = false;
        if !self.is(")") {
            loop {
                if self.is("?") {
                    partial = true;
                    let at = self.advance(true)?.position;
                    arguments.push(Node::new(Kind::Placeholder, at));
                } else {
                    arguments.push(self.expression(0)?);
                }
                if !self.accept(",")? {
                    break;
                }
            }
        }
        self.expect(")", true)?;
        if is_function_keyword(&procedure) {
            return self.lambda(arguments, procedure.position);
        }
        Ok(self.make_call(Call { procedure, arguments }, partial, position))
    }

    fn lambda(&mut self, arguments: Vec<Node>, position: usize) -> Result<Node, Error> {
        let mut parameters = Vec::with_capacity(arguments.len());
        for (at, argument) in (1_i64..).zip(&arguments) {
            match argument.kind {
                Kind::Variable(variable) if argument.extra.is_none() => parameters.push(variable),
                Kind::Context => parameters.push(self.symbol("")),
                _ => return Err(Error::new("S0208").token(&describe(argument)).value(at).at(argument.position)),
            }
        }
        let signature = if self.is("<") { Some(self.signature()?) } else { None };
        self.expect("{", false)?;
        let outer = self.binds;
        let body = self.expression(0)?;
        self.binds = outer;
        self.expect("}", true)?;
        let body = Self::tail(body);
        Ok(Node::new(Kind::Lambda(Box::new(Lambda { parameters, signature, body })), position))
    }

    fn signature(&mut self) -> Result<Signature, Error> {
        let position = self.token.position;
        let mut text = String::from("<");
        let mut depth = 1;
        while depth > 0 && !self.is("{") && !matches!(self.token.kind, TokenKind::End) {
            self.advance(false)?;
            match self.token.kind {
                TokenKind::Operator(">") => depth -= 1,
                TokenKind::Operator("<") => depth += 1,
                _ => {}
            }
            text.push_str(&self.token.kind.text());
        }
        self.expect(">", false)?;
        Signature::parse(&text).map_err(|error| error.at(position))
    }

    fn name(name: &str, position: usize) -> Node {
        Self::name_path(Node::new(Kind::Name(Arc::from(name)), position))
    }
}

/// The keys, if all are written out and differ.
fn distinct_keys(pairs: &[(Node, Node)]) -> Option<Vec<Arc<str>>> {
    let keys = pairs.iter().map(|(key, _)| match (&key.kind, &key.extra) {
        (Kind::String(text), None) => Some(Arc::clone(text)),
        _ => None,
    });
    let keys = keys.collect::<Option<Vec<_>>>()?;
    let mut sorted: Vec<_> = keys.iter().collect();
    sorted.sort_unstable();
    sorted.windows(2).all(|pair| pair.first() != pair.last()).then_some(keys)
}

/// Whether a call of this is a function's definition.
fn is_function_keyword(procedure: &Node) -> bool {
    let Kind::Path(path) = &procedure.kind else { return false };
    match path.steps.as_slice() {
        [Node { kind: Kind::Name(name), extra: None, keep_array: false, .. }] => matches!(&**name, "function" | "λ"),
        _ => false,
    }
}

/// A node as an error about its token shows it.
fn describe(node: &Node) -> Cow<'_, str> {
    match &node.kind {
        Kind::String(text) | Kind::Name(text) => Cow::Borrowed(text),
        Kind::Number(number) => Cow::Owned(number.text()),
        Kind::Constant(value) => Cow::Owned(value.to_string()),
        Kind::Path(path) => path.steps.first().map_or(Cow::Borrowed("."), describe),
        Kind::Binary(operator, _) => Cow::Borrowed(operator.text()),
        Kind::Call(_) | Kind::Partial(_) | Kind::Block(_) => Cow::Borrowed("("),
        Kind::Array(_) => Cow::Borrowed("["),
        Kind::Object(_) => Cow::Borrowed("{"),
        Kind::Negate(_) => Cow::Borrowed("-"),
        Kind::Wildcard => Cow::Borrowed("*"),
        Kind::Descendants => Cow::Borrowed("**"),
        Kind::Parent(_) => Cow::Borrowed("%"),
        Kind::Condition(_) | Kind::Placeholder => Cow::Borrowed("?"),
        Kind::Bind(..) => Cow::Borrowed(":="),
        Kind::Apply(_) => Cow::Borrowed("~>"),
        Kind::Transform(_) => Cow::Borrowed("|"),
        Kind::Sort(_) => Cow::Borrowed("^"),
        Kind::Variable(_) | Kind::Context => Cow::Borrowed("$"),
        Kind::Regex(_) => Cow::Borrowed("/"),
        Kind::Lambda(_) | Kind::TailCall(_) => Cow::Borrowed("function"),
    }
}
