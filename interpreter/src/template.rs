//! Payload templates: `Parameters`, `ResultSelector`, `ItemSelector`, `Assign` and their like.
//!
//! Source: ASL specification, "Payload Template".

use std::sync::Arc;

use statewright_value::{Object, Value};

use crate::error::EvaluationError;
use crate::expression::{Expression as JsonataExpression, ExpressionError, is_expression};
use crate::inputs::Inputs;
use crate::intrinsic::Call;
use crate::java_hash;
use crate::path::Path;

/// What the names of members end in that hold a path or a call.
const SUFFIX: &str = ".$";

/// A payload template, compiled once.
#[derive(Clone, Debug)]
pub struct Template {
    root: Node,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// JSON pointer from the template's root to the object that holds the field; empty for the root.
    pub pointer: String,
    /// The member's name, `.$` included.
    pub field: String,
    /// The service's sentence, without the place.
    pub message: String,
}

/// One step to a place in a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The member with this name.
    Member(Arc<str>),
    /// The element with this number.
    Element(usize),
}

/// What a template evaluates.
#[derive(Clone, Copy, Debug)]
pub enum Expression<'a> {
    /// A path.
    Path(&'a Path),
    /// A call of an intrinsic function.
    Call(&'a Call),
}

#[derive(Clone, Debug)]
enum Node {
    /// Nothing in it is evaluated; it is shared by all payloads.
    Constant(Value),
    /// `"name.$": "$.path"`
    Path { field: Arc<str>, path: Path },
    /// `"name.$": "States.…(…)"`
    Call { field: Arc<str>, call: Call },
    /// A JSONata expression.
    Expression(JsonataExpression),
    /// An object something in which is evaluated, its members in the order of the payload.
    Object(Box<[(Arc<str>, Node)]>),
    /// An array something in which is evaluated.
    Array(Box<[Node]>),
}

impl Template {
    /// Compiles a template. In every object at every depth, within arrays too, a member whose name ends in `.$` holds a path (on the
    /// input, `$$`, or a variable) or a call of an intrinsic function; in the payload it is named without the ending. Everything else
    /// is taken as it stands.
    ///
    /// The members of an object come in this order: those without the ending as written, then the others in the order in which a
    /// Java `HashMap` has their new names. That order is inferred from recorded payloads, and no recorded payload has another.
    ///
    /// # Errors
    /// Everything that is wrong with it: a member ending in `.$` that is no path and no call, or that has the name of another one
    /// in the payload.
    pub fn compile(template: &Value) -> Result<Self, Vec<TemplateError>> {
        let mut compiler = Compiler { pointer: String::new(), errors: Vec::new() };
        let root = compiler.value(template);
        if compiler.errors.is_empty() { Ok(Self { root }) } else { Err(compiler.errors) }
    }

    /// Compiles what a field of a JSONata state holds: every string that is an expression, at any depth, is evaluated; everything else
    /// is taken as it stands, the names of members too. `field` is the field's name, which messages begin with (`Output/list[0]`).
    ///
    /// Source: developer guide, "Transforming data with JSONata".
    ///
    /// # Errors
    /// Every expression that cannot be compiled.
    pub fn compile_jsonata(value: &Value, field: &str) -> Result<Self, Vec<ExpressionError>> {
        let (template, found) = Self::read_jsonata(value, field);
        let errors: Vec<ExpressionError> = found.into_iter().filter_map(Result::err).collect();
        if errors.is_empty() { Ok(template) } else { Err(errors) }
    }

    /// As [`Template::compile_jsonata`], with all expressions in the order of the value. Those that cannot be compiled are text in the
    /// template.
    pub(crate) fn read_jsonata(value: &Value, field: &str) -> (Self, Vec<Result<JsonataExpression, ExpressionError>>) {
        let mut found = Vec::new();
        let root = expressions(value, field.to_owned(), &mut found);
        (Self { root }, found)
    }

    /// Every JSONata expression in the template.
    #[must_use]
    pub fn jsonata_expressions(&self) -> Vec<&JsonataExpression> {
        let mut found = Vec::new();
        self.root.collect_jsonata(&mut found);
        found
    }

    /// The value of a template that looks at nothing.
    #[must_use]
    pub fn as_constant(&self) -> Option<&Value> {
        if let Node::Constant(value) = &self.root { Some(value) } else { None }
    }

    /// The names of the payload's members in order, if the template is an object: of `Assign`, the variables.
    #[must_use]
    pub fn fields(&self) -> Vec<&Arc<str>> {
        match &self.root {
            Node::Constant(Value::Object(members)) => members.keys().collect(),
            Node::Object(members) => members.iter().map(|(name, _)| name).collect(),
            Node::Constant(_) | Node::Array(_) | Node::Path { .. } | Node::Call { .. } | Node::Expression(_) => Vec::new(),
        }
    }

    /// Every path in the template, those in calls too.
    #[must_use]
    pub fn paths(&self) -> Vec<&Path> {
        let mut paths = Vec::new();
        self.root.collect_paths(&mut paths);
        paths
    }

    /// Everything in the template that is evaluated, with its place in the payload, in the payload's order.
    #[must_use]
    pub fn expressions(&self) -> Vec<(Vec<Place>, Expression<'_>)> {
        let mut found = Vec::new();
        self.root.collect_expressions(&mut Vec::new(), &mut found);
        found
    }

    /// The payload the template gives.
    ///
    /// # Errors
    /// When a path finds nothing or a function fails; see [`Path::evaluate_for_field`] and [`Call::evaluate`]. The field in the
    /// text is the member's name as written, `.$` included, wherever in the template it is.
    pub fn evaluate(&self, inputs: &Inputs<'_>) -> Result<Value, EvaluationError> {
        self.root.evaluate(inputs)
    }
}

impl Node {
    fn evaluate(&self, inputs: &Inputs<'_>) -> Result<Value, EvaluationError> {
        match self {
            Self::Constant(value) => Ok(value.clone()),
            Self::Path { field, path } => path.evaluate_for_field(field, inputs),
            Self::Call { field, call } => call.evaluate(field, inputs),
            Self::Expression(expression) => expression.evaluate(inputs),
            Self::Object(members) => {
                let mut object = Object::with_capacity(members.len());
                for (name, node) in members {
                    object.insert(Arc::clone(name), node.evaluate(inputs)?);
                }
                Ok(Value::Object(object))
            }
            Self::Array(items) => {
                let mut values = Vec::with_capacity(items.len());
                for node in items {
                    values.push(node.evaluate(inputs)?);
                }
                Ok(Value::from(values))
            }
        }
    }

    fn collect_paths<'a>(&'a self, paths: &mut Vec<&'a Path>) {
        match self {
            Self::Constant(_) | Self::Expression(_) => {}
            Self::Path { path, .. } => paths.push(path),
            Self::Call { call, .. } => paths.extend(call.paths()),
            Self::Object(members) => members.iter().for_each(|(_, node)| node.collect_paths(paths)),
            Self::Array(items) => items.iter().for_each(|node| node.collect_paths(paths)),
        }
    }

    fn collect_jsonata<'a>(&'a self, found: &mut Vec<&'a JsonataExpression>) {
        match self {
            Self::Constant(_) | Self::Path { .. } | Self::Call { .. } => {}
            Self::Expression(expression) => found.push(expression),
            Self::Object(members) => members.iter().for_each(|(_, node)| node.collect_jsonata(found)),
            Self::Array(items) => items.iter().for_each(|node| node.collect_jsonata(found)),
        }
    }

    fn collect_expressions<'a>(&'a self, place: &mut Vec<Place>, found: &mut Vec<(Vec<Place>, Expression<'a>)>) {
        match self {
            Self::Constant(_) | Self::Expression(_) => {}
            Self::Path { path, .. } => found.push((place.clone(), Expression::Path(path))),
            Self::Call { call, .. } => found.push((place.clone(), Expression::Call(call))),
            Self::Object(members) => {
                for (name, node) in members {
                    place.push(Place::Member(Arc::clone(name)));
                    node.collect_expressions(place, found);
                    place.pop();
                }
            }
            Self::Array(items) => {
                for (at, node) in items.iter().enumerate() {
                    place.push(Place::Element(at));
                    node.collect_expressions(place, found);
                    place.pop();
                }
            }
        }
    }

    fn is_constant(&self) -> bool {
        matches!(self, Self::Constant(_))
    }
}

/// The node of a value in JSONata; `place` is where it stands, `found` what its expressions are.
fn expressions(value: &Value, place: String, found: &mut Vec<Result<JsonataExpression, ExpressionError>>) -> Node {
    match value {
        Value::String(text) if is_expression(text) => {
            let compiled = JsonataExpression::compile(text, &place);
            let node = compiled.as_ref().map_or_else(|_| Node::Constant(value.clone()), |one| Node::Expression(one.clone()));
            found.push(compiled);
            node
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Node::Constant(value.clone()),
        Value::Array(items) => {
            let nodes = items.iter().enumerate().map(|(at, item)| expressions(item, format!("{place}[{at}]"), found));
            let nodes: Box<[Node]> = nodes.collect();
            if nodes.iter().all(Node::is_constant) { Node::Constant(value.clone()) } else { Node::Array(nodes) }
        }
        Value::Object(members) => {
            let nodes =
                members.iter().map(|(name, member)| (Arc::clone(name), expressions(member, format!("{place}/{name}"), found)));
            let nodes: Box<[(Arc<str>, Node)]> = nodes.collect();
            if nodes.iter().all(|(_, node)| node.is_constant()) { Node::Constant(value.clone()) } else { Node::Object(nodes) }
        }
    }
}

struct Compiler {
    /// Where the compiler is.
    pointer: String,
    errors: Vec<TemplateError>,
}

impl Compiler {
    fn value(&mut self, value: &Value) -> Node {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Node::Constant(value.clone()),
            Value::Array(items) => {
                let nodes: Box<[Node]> = items
                    .iter()
                    .enumerate()
                    .map(|(at, item)| self.within(&at.to_string(), |compiler| compiler.value(item)))
                    .collect();
                if nodes.iter().all(Node::is_constant) { Node::Constant(value.clone()) } else { Node::Array(nodes) }
            }
            Value::Object(members) => {
                let nodes = self.members(members);
                // A member whose name was changed is never constant.
                if nodes.iter().all(|(_, node)| node.is_constant()) { Node::Constant(value.clone()) } else { Node::Object(nodes) }
            }
        }
    }

    fn members(&mut self, members: &Object) -> Box<[(Arc<str>, Node)]> {
        let mut nodes = Vec::with_capacity(members.len());
        let mut evaluated = Vec::new();
        for (field, value) in members.iter() {
            let Some(name) = field.strip_suffix(SUFFIX) else {
                nodes.push((Arc::clone(field), self.within(field, |compiler| compiler.value(value))));
                continue;
            };
            if members.contains_key(name) {
                self.refuse(field, twice(name));
            }
            match expression(field, value) {
                Some(node) => evaluated.push((Arc::from(name), node)),
                None => self.refuse(field, no_expression(field)),
            }
        }
        let order = java_hash::iteration_order(evaluated.iter().map(|(name, _): &(Arc<str>, Node)| &**name));
        let mut evaluated: Vec<_> = evaluated.into_iter().map(Some).collect();
        nodes.extend(order.into_iter().filter_map(|at| evaluated.get_mut(at).and_then(Option::take)));
        nodes.into()
    }

    /// What `compile` gives one level further in.
    fn within(&mut self, token: &str, compile: impl FnOnce(&mut Self) -> Node) -> Node {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
        let node = compile(self);
        self.pointer.truncate(length);
        node
    }

    fn refuse(&mut self, field: &str, message: String) {
        self.errors.push(TemplateError { pointer: self.pointer.clone(), field: field.to_owned(), message });
    }
}

/// The path or call that the member called `field` holds.
fn expression(field: &Arc<str>, value: &Value) -> Option<Node> {
    let (text, field) = (value.as_str()?, Arc::clone(field));
    if Call::looks_like_one(text) {
        Call::parse(text).ok().map(|call| Node::Call { field, call })
    } else {
        Path::parse(text).ok().map(|path| Node::Path { field, path })
    }
}

/// The service's text, recorded.
fn no_expression(field: &str) -> String {
    format!("The value for the field '{field}' must be a valid JSONPath or a valid intrinsic function call")
}

/// A text of ours: the service's is unknown.
fn twice(name: &str) -> String {
    format!("The fields '{name}' and '{name}{SUFFIX}' must not be used together")
}
