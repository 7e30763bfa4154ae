//! Expressions and documents. A document has members of known names and kinds, now and then another kind or none at all; an expression
//! is made for the kind of value that is wanted where it stands, in a context and with variables whose kinds are known, so that most
//! of them have a value.

use serde_json::{Value, json};

use crate::choices::Choices;

/// What a part of an expression is to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    Text,
    Truth,
    Numbers,
    Texts,
    Object(Shape),
    Objects(Shape),
    Any,
}

/// Which members an object has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Root,
    Item,
    Part,
    Pair,
}

use Kind::{Any, Number, Numbers, Object, Objects, Text, Texts, Truth};

impl Shape {
    fn members(self) -> &'static [(&'static str, Kind)] {
        match self {
            Shape::Root => &[
                ("n", Number),
                ("s", Text),
                ("m", Number),
                ("ok", Truth),
                ("nums", Numbers),
                ("texts", Texts),
                ("items", Objects(Shape::Item)),
                ("one", Object(Shape::Item)),
                ("pair", Object(Shape::Pair)),
                ("nest", Any),
                ("none", Any),
                ("`odd name`", Number),
            ],
            Shape::Item => &[
                ("id", Number),
                ("price", Number),
                ("name", Text),
                ("kind", Text),
                ("ok", Truth),
                ("tags", Texts),
                ("parts", Objects(Shape::Part)),
                ("pair", Object(Shape::Pair)),
            ],
            Shape::Part => &[("k", Text), ("v", Number), ("more", Numbers)],
            Shape::Pair => &[("x", Number), ("y", Number)],
        }
    }
}

/// An expression and what it is evaluated on.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) text: String,
    pub(crate) data: Value,
    /// Whether members of the data may be of other kinds than their names say.
    pub(crate) irregular: bool,
}

/// The case that choices lead to.
pub(crate) fn case(choices: &mut Choices) -> Case {
    // Numbers near the ends of what integers and floating point hold are for a few cases only, but for many places in those.
    let (extreme, irregular) = (choices.one_in(900), choices.one_in(12));
    let mut generator = Generator {
        choices,
        extreme,
        context: Object(Shape::Root),
        root: Object(Shape::Root),
        variables: Vec::new(),
        signatures: true,
        irregular,
    };
    let data = match generator.choices.below(12) {
        11 => {
            (generator.context, generator.root) = (Objects(Shape::Item), Objects(Shape::Item));
            generator.objects(Shape::Item)
        }
        10 => {
            (generator.context, generator.root) = (Numbers, Numbers);
            generator.document(Numbers)
        }
        _ => generator.object(Shape::Root),
    };
    let (kind, depth) = (generator.kind(), 1 + generator.choices.below(4));
    let text = generator.expression(kind, depth);
    Case { text, data, irregular }
}

const WORDS: &[&str] = &[
    "abc",
    "a",
    "",
    "hat",
    "Hello World",
    "a,b,c",
    "x1y22",
    "12",
    "3.5",
    "-7",
    "  two  blanks ",
    "é😀ß",
    "TRUE",
    "0x1F",
    "aaa",
    "b-a",
    "z",
    "a/b?c=d e",
    "[\"1\"]",
    "null",
    "1e3",
    "2020-02-29T12:30:45.678Z",
    "\u{e9}t\u{e9}\t\"q\" \\",
];

const NUMBERS: &[&str] = &[
    "0", "1", "2", "3", "5", "10", "7", "12", "100", "0.5", "1.5", "2.25", "0.1", "-1", "-2", "-0.5", "33.3", "999", "1234.567",
    "1e3", "1e-3", "123456",
];

const EXTREMES: &[&str] = &[
    "9007199254740991",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "4294967296",
    "2147483648",
    "1e21",
    "1e20",
    "1e-7",
    "1e-6",
    "1.7976931348623157e308",
    "5e-324",
    "123456789012345678",
    "0.30000000000000004",
    "1e15",
    "123456789.12345678",
];

struct Generator<'c> {
    choices: &'c mut Choices,
    extreme: bool,
    context: Kind,
    root: Kind,
    variables: Vec<(String, Kind)>,
    /// Whether members of the document may be of another kind.
    irregular: bool,
    /// Whether functions may have signatures.
    signatures: bool,
}

/// Documents.
impl Generator<'_> {
    fn object(&mut self, shape: Shape) -> Value {
        let mut members = serde_json::Map::new();
        for (name, kind) in shape.members() {
            let kind = match self.choices.below(if self.irregular { 12 } else { 60 }) {
                59 => continue,
                11 if self.irregular => self.kind(),
                _ => *kind,
            };
            members.insert(name.trim_matches('`').to_owned(), self.document(kind));
        }
        Value::Object(members)
    }

    fn objects(&mut self, shape: Shape) -> Value {
        let count = self.choices.pick(&[1, 2, 3, 4, 0]);
        (0..count).map(|_| self.object(shape)).collect()
    }

    fn document(&mut self, kind: Kind) -> Value {
        match kind {
            Number => {
                let text = self.digits();
                serde_json::from_str(text).unwrap_or(Value::Null)
            }
            Text => json!(self.choices.pick(WORDS)),
            Truth => json!(self.choices.one_in(2)),
            Numbers => {
                let count = self.choices.pick(&[1, 2, 3, 4, 6, 0]);
                (0..count).map(|_| self.document(Number)).collect()
            }
            Texts => {
                let count = self.choices.pick(&[1, 2, 3, 0]);
                (0..count).map(|_| self.document(Text)).collect()
            }
            Object(Shape::Root) => json!({}),
            Object(shape) => self.object(shape),
            Objects(Shape::Root) => json!([]),
            Objects(shape) => self.objects(shape),
            Any => match self.choices.below(6) {
                0 => json!([[1, 2], [3, [4, 5]], []]),
                1 => Value::Null,
                2 => json!([{"v": 1}, [{"v": 2}, {"v": [3, 4]}], {"w": {"v": null}}]),
                3 => json!([1, "a", true, null, {"x": 1}]),
                4 => json!({}),
                _ => json!([]),
            },
        }
    }

    fn digits(&mut self) -> &'static str {
        if self.extreme && self.choices.one_in(2) { self.choices.pick(EXTREMES) } else { self.choices.pick(NUMBERS) }
    }
}

/// Expressions.
impl Generator<'_> {
    fn kind(&mut self) -> Kind {
        self.choices.pick(&[
            Number,
            Text,
            Numbers,
            Objects(Shape::Item),
            Truth,
            Texts,
            Object(Shape::Item),
            Object(Shape::Pair),
            Objects(Shape::Part),
            Any,
        ])
    }

    fn expression(&mut self, kind: Kind, depth: usize) -> String {
        // Now and then another kind than the one that is wanted.
        let kind = if self.choices.one_in(90) { self.kind() } else { kind };
        if depth == 0 {
            return self.leaf(kind);
        }
        let depth = depth - 1;
        match self.choices.below(14) {
            0 => self.leaf(kind),
            1 => self.wrapped(kind, depth),
            _ => match kind {
                Number => self.number(depth),
                Text => self.text(depth),
                Truth => self.truth(depth),
                Numbers => self.numbers(depth),
                Texts => self.texts(depth),
                Object(shape) => self.one(shape, depth),
                Objects(shape) => self.many(shape, depth),
                Any => self.any(depth),
            },
        }
    }

    /// An expression as an operand: in parentheses where it is not simple, mostly.
    fn operand(&mut self, kind: Kind, depth: usize) -> String {
        let text = self.expression(kind, depth);
        let simple = text.chars().all(|char| char.is_alphanumeric() || "$._`'".contains(char));
        if simple || self.choices.one_in(10) { text } else { format!("({text})") }
    }

    /// An expression as the head of a path or the target of a predicate.
    fn head(&mut self, kind: Kind, depth: usize) -> String {
        let text = self.expression(kind, depth);
        let simple = text.starts_with(|char: char| char.is_alphabetic() || char == '$')
            && text.chars().all(|char| char.is_alphanumeric() || "$._".contains(char));
        if simple { text } else { format!("({text})") }
    }

    fn leaf(&mut self, kind: Kind) -> String {
        let known: Vec<String> = self.variables.iter().filter(|(_, known)| *known == kind).map(|(name, _)| name.clone()).collect();
        if !known.is_empty() && self.choices.one_in(2) {
            return known[self.choices.below(known.len())].clone();
        }
        if kind == Any || !self.choices.one_in(3) {
            if self.context == kind && self.choices.one_in(2) {
                return "$".to_owned();
            }
            if let Some(path) = self.path(kind) {
                return path;
            }
        }
        self.literal(kind)
    }

    fn literal(&mut self, kind: Kind) -> String {
        match kind {
            Number => self.digits().to_owned(),
            Text => self.quoted(),
            Truth => self.choices.pick(&["true", "false"]).to_owned(),
            Numbers => match self.choices.below(3) {
                0 => format!("[{}, {}, {}]", self.digits(), self.digits(), self.digits()),
                1 => format!("[{}..{}]", self.choices.below(3), self.choices.below(7)),
                _ => format!("[{}, {}..{}]", self.digits(), self.choices.below(3), self.choices.below(5)),
            },
            Texts => format!("[{}, {}]", self.quoted(), self.quoted()),
            Object(Shape::Pair) => format!("{{'x': {}, 'y': {}}}", self.digits(), self.digits()),
            Object(Shape::Part) => format!("{{'k': {}, 'v': {}}}", self.quoted(), self.digits()),
            Object(Shape::Item | Shape::Root) => {
                format!("{{'id': {}, 'name': {}, 'price': {}, 'tags': []}}", self.digits(), self.quoted(), self.digits())
            }
            Objects(shape) => {
                let (first, second) = (self.literal(Object(shape)), self.literal(Object(shape)));
                format!("[{first}, {second}]")
            }
            Any => self
                .choices
                .pick(&["null", "[]", "{}", "[null, 1, 'a']", "[[1], [2, [3]]]", "nothing", "{'a': [{'b': 1}]}"])
                .to_owned(),
        }
    }

    fn quoted(&mut self) -> String {
        let word = self.choices.pick(WORDS);
        let json = json!(word).to_string();
        if word.contains(['\'', '"', '\\']) || self.choices.one_in(3) { json } else { format!("'{}'", json.trim_matches('"')) }
    }

    /// A path from the context, or from the root, to members of a kind.
    fn path(&mut self, kind: Kind) -> Option<String> {
        let (start, shape, many) = match self.context {
            Object(shape) if !self.choices.one_in(6) => ("", shape, false),
            Objects(shape) if !self.choices.one_in(6) => ("", shape, true),
            _ => match self.root {
                Object(shape) => ("$$.", shape, false),
                Objects(shape) => ("$$.", shape, true),
                _ => return None,
            },
        };
        let mut routes = Vec::new();
        routes_to(kind, shape, many, String::new(), 2, &mut routes);
        let route = routes.get(self.choices.below(routes.len()))?;
        Some(format!("{start}{route}"))
    }

    /// What any kind can be wrapped in.
    fn wrapped(&mut self, kind: Kind, depth: usize) -> String {
        match self.choices.below(9) {
            0 => format!("({})", self.expression(kind, depth)),
            1 => {
                let (condition, then, otherwise) =
                    (self.operand(Truth, depth), self.operand(kind, depth), self.operand(kind, depth));
                match self.choices.below(5) {
                    0 => format!("{condition} ? {then}"),
                    _ => format!("{condition} ? {then} : {otherwise}"),
                }
            }
            2 | 3 => {
                let bound = self.kind();
                let value = self.expression(bound, depth);
                let name = self.fresh();
                self.variables.push((name.clone(), bound));
                let result = self.expression(kind, depth);
                self.variables.pop();
                format!("({name} := {value}; {result})")
            }
            4 => {
                let bound = self.kind();
                let name = self.fresh();
                let value = self.expression(bound, depth);
                let function = self.function(&[bound], kind, depth);
                format!("({name} := {function}; {name}({value}))")
            }
            5 => {
                let bound = self.kind();
                let value = self.operand(bound, depth);
                format!("{value} ~> {}", self.function(&[bound], kind, depth))
            }
            6 => {
                // The rest of the arguments come later.
                let (first, second) = (self.kind(), self.kind());
                let signatures = std::mem::replace(&mut self.signatures, self.choices.one_in(40));
                let function = self.function(&[first, second], kind, depth);
                self.signatures = signatures;
                let (given, later) = (self.expression(first, 0), self.expression(second, depth));
                match self.choices.below(2) {
                    0 => format!("(($p := {function}; $p({given}, ?))({later}))"),
                    _ => format!("(($p := {function}; $p(?, {later}))({given}))"),
                }
            }
            7 => {
                let (head, shape) = (self.head(Object(Shape::Item), depth), Object(Shape::Item));
                let inner = self.within(shape, |inner| inner.expression(kind, depth));
                format!("{head}.({inner})")
            }
            _ => format!("$lookup({{'a': {}, 'b': 1}}, 'a')", self.expression(kind, depth)),
        }
    }

    fn fresh(&mut self) -> String {
        self.choices.pick(&["$a", "$b", "$c", "$d", "$x1", "$été", "$e"]).to_owned()
    }

    /// Something made in another context.
    fn within(&mut self, context: Kind, make: impl FnOnce(&mut Self) -> String) -> String {
        let outer = std::mem::replace(&mut self.context, context);
        let made = make(self);
        self.context = outer;
        made
    }

    /// A function of these kinds, with or without a signature.
    fn function(&mut self, kinds: &[Kind], result: Kind, depth: usize) -> String {
        let names: Vec<String> = (0..kinds.len()).map(|at| format!("${}", ["i", "j", "k"][at])).collect();
        let known = self.variables.len();
        self.variables.extend(names.iter().cloned().zip(kinds.iter().copied()));
        let body = self.expression(result, depth);
        self.variables.truncate(known);
        let signature = if self.signatures && self.choices.one_in(4) {
            let letters: String = kinds.iter().map(|kind| self.letter(*kind)).collect();
            format!("<{letters}:{}>", self.letter(result))
        } else {
            String::new()
        };
        let word = self.choices.pick(&["function", "λ"]);
        format!("{word}({}){signature}{{ {body} }}", names.join(", "))
    }

    fn letter(&mut self, kind: Kind) -> String {
        if self.choices.one_in(80) {
            return self.choices.pick(&["n", "s", "b", "a", "o", "f", "l", "n", "u"]).to_owned();
        }
        match kind {
            Number => self.choices.pick(&["n", "x", "j", "(ns)", "n?", "l"]),
            Text => self.choices.pick(&["s", "x", "j", "(sb)", "s?"]),
            Truth => self.choices.pick(&["b", "x", "(nb)"]),
            Numbers => self.choices.pick(&["a", "a<n>", "x"]),
            Texts => self.choices.pick(&["a", "a<s>", "x"]),
            Object(_) => self.choices.pick(&["o", "x", "(oa)"]),
            Objects(_) => self.choices.pick(&["a", "a<o>", "x"]),
            Any => "x",
        }
        .to_owned()
    }

    /// An array to be sorted: of more than one item, almost always.
    fn pair(&mut self, item: Kind, depth: usize) -> String {
        let items = match item {
            Number => Numbers,
            Text => Texts,
            Object(shape) => Objects(shape),
            other => other,
        };
        let items = self.head(items, depth);
        match self.choices.below(100) {
            99 => items,
            _ => format!("$append([{}, {}], {items}) /* two */ ", self.literal(item), self.literal(item)),
        }
    }

    /// An array of at least one item, almost always.
    fn some(&mut self, item: Kind, depth: usize) -> String {
        let items = match item {
            Number => Numbers,
            Text => Texts,
            Object(shape) => Objects(shape),
            other => other,
        };
        let items = self.expression(items, depth);
        if self.choices.one_in(100) { items } else { format!("$append([{}], {items})", self.literal(item)) }
    }

    fn number(&mut self, depth: usize) -> String {
        match self.choices.below(32) {
            0..=4 => {
                let operator = self.choices.pick(&["+", "-", "*", "+", "-"]);
                format!("{} {operator} {}", self.operand(Number, depth), self.operand(Number, depth))
            }
            5 | 6 => {
                let operator = self.choices.pick(&["/", "%"]);
                let divisor = self.choices.pick(&["2", "3", "4", "10", "0.5", "7", "-3"]);
                format!("{} {operator} {divisor}", self.operand(Number, depth))
            }
            7 => format!("-{}", self.operand(Number, depth)),
            8..=11 => {
                let function = self.choices.pick(&["sum", "max", "min", "average", "count"]);
                format!("${function}({})", self.expression(Numbers, depth))
            }
            12 => {
                let kind = self.kind();
                format!("$count({})", self.expression(kind, depth))
            }
            13 => format!("$length({})", self.expression(Text, depth)),
            14 => {
                let text =
                    self.choices.pick(&["'12'", "'3.5'", "'-7'", "'0x1F'", "'1e3'", "true", "'0b101'", "'0o17'", "'12a'", "'-0'"]);
                let text = if self.choices.one_in(25) { self.choices.pick(&["'1.'", "'.5'"]) } else { text };
                if self.choices.one_in(2) {
                    format!("$number({text})")
                } else {
                    format!("$number($string({}))", self.expression(Number, depth))
                }
            }
            15 => {
                let function = self.choices.pick(&["abs", "floor", "ceil", "round"]);
                format!("${function}({})", self.expression(Number, depth))
            }
            16 => {
                let places = self.choices.pick(&["1", "0", "2", "-1", "3"]);
                format!("$round({}, {places})", self.expression(Number, depth))
            }
            17 => {
                let exponent = self.choices.pick(&["2", "0", "1", "3", "-1", "0.5"]);
                let base = self.choices.pick(&["2", "10", "0.5", "3", "n", "-2"]);
                format!("$power({base}, {exponent})")
            }
            18 => format!("$sqrt($abs({}))", self.expression(Number, depth)),
            19 => {
                let (text, picture) = self.choices.pick(&[
                    ("123", "0"),
                    ("twelve thousand and six", "w"),
                    ("MCMXCIV", "I"),
                    ("xiv", "i"),
                    ("1,234", "#,##0"),
                    ("aa", "a"),
                    ("twenty-first", "w;o"),
                    ("12th", "0;o"),
                    ("007", "000"),
                    ("AZ", "A"),
                ]);
                format!("$parseInteger('{text}', '{picture}')")
            }
            20 => {
                let number = self.choices.pick(&["17", "1984", "0", "3", "1000000", "101", "42"]);
                let picture = self.choices.pick(&["w", "W", "Ww", "I", "i", "0", "#,##0", "000", "w;o", "0;o"]);
                format!("$parseInteger($formatInteger({number}, '{picture}'), '{picture}')")
            }
            21 => {
                let (text, picture) = self.choices.pick(&[
                    ("2020-02-29T12:30:45.678Z", ""),
                    ("2017-10-30", ""),
                    ("2018-02-01T09:42:13.123+0100", ""),
                    ("1980", ""),
                    ("1980-06", ""),
                    ("12/31/1999", "[M01]/[D01]/[Y0001]"),
                    ("31st December 1999", "[D1o] [MNn] [Y0001]"),
                    ("3 Feb 2021 5:06 pm", "[D1] [MNn,*-3] [Y0001] [h]:[m01] [P]"),
                    ("2020 W 12 Monday", "[X0001] W [W01] [FNn]"),
                    ("2018-212", "[Y]-[d]"),
                    ("MMXVIII 3", "[YI] [M]"),
                    ("13:45", "[H01]:[m01]"),
                ]);
                if picture.is_empty() {
                    format!("$toMillis('{text}')")
                } else {
                    format!("$type($toMillis('{text}', '{picture}')) = 'number' ? 1 : 0")
                }
            }
            22 => {
                let function = self.function(&[Number, Number], Number, depth);
                let initial = if self.choices.one_in(2) { format!(", {}", self.digits()) } else { String::new() };
                let list = self.some(Number, depth);
                format!("$reduce({list}, {function}{initial})")
            }
            23 | 24 => {
                let index = self.choices.pick(&["0", "1", "-1", "2", "0.9", "-2", "n"]);
                format!("{}[{index}]", self.head(Numbers, depth))
            }
            25 => {
                format!("$lookup({}, {})", self.expression(Object(Shape::Pair), depth), self.choices.pick(&["'x'", "'y'", "'z'"]))
            }
            26 => {
                let depth = depth.min(1);
                let step = self.choices.pick(&["$r + $n", "$r * 2", "$n - $r", "$r & $n"]);
                let count = self.choices.below(12);
                match self.choices.below(3) {
                    0 => format!("($f := function($n, $r){{ $n <= 0 ? $r : $f($n - 1, {step}) }}; $f({count}, 0))"),
                    1 => format!("($f := λ($n){{ $n < 2 ? 1 : $n * $f($n - 1) }}; $f({count}))"),
                    _ => format!(
                        "($f := function($n){{ $n > 3 ? {} : $g($n + 1) }}; $g := λ($n){{ $f($n) }}; $g(0))",
                        self.expression(Number, depth)
                    ),
                }
            }
            27 => {
                let head = self.head(Object(Shape::Pair), depth);
                format!("{head}.({})", self.within(Object(Shape::Pair), |inner| inner.expression(Number, depth)))
            }
            28 => {
                let kind = self.choices.pick(&[Numbers, Texts, Any]);
                format!("$count($distinct({}))", self.expression(kind, depth))
            }
            29 if self.choices.one_in(4) => {
                let test = self.choices.pick(&["$i = 0", "$v = 10", "$v = $a[0]", "true"]);
                format!("$single({}, function($v, $i, $a){{ {test} }})", self.expression(Numbers, depth))
            }
            30 => format!(
                "{} ~> {}",
                self.operand(Numbers, depth),
                self.choices.pick(&["$sum", "$max()", "$count", "$average ~> $round", "$sum() ~> $string() ~> $length()"])
            ),
            _ => {
                let head = self.head(Objects(Shape::Item), depth);
                format!("$sum({head}.({}))", self.within(Object(Shape::Item), |inner| inner.expression(Number, depth)))
            }
        }
    }

    fn text(&mut self, depth: usize) -> String {
        match self.choices.below(33) {
            0..=3 => {
                let kind = self.choices.pick(&[Text, Number, Truth, Text, Any]);
                format!("{} & {}", self.operand(Text, depth), self.operand(kind, depth))
            }
            4..=6 => {
                let kind = self.kind();
                let pretty = if self.choices.one_in(6) { ", true" } else { "" };
                format!("$string({}{pretty})", self.expression(kind, depth))
            }
            7 => {
                let (from, length) = (
                    self.choices.pick(&["1", "0", "2", "-2", "-9", "1.5", "20"]),
                    self.choices.pick(&["", ", 2", ", 0", ", -1", ", 5"]),
                );
                format!("$substring({}, {from}{length})", self.expression(Text, depth))
            }
            8 => {
                let function = self.choices.pick(&["substringBefore", "substringAfter"]);
                format!(
                    "${function}({}, {})",
                    self.expression(Text, depth),
                    self.choices.pick(&["'a'", "','", "' '", "''", "'1'", "'lo'"])
                )
            }
            9 | 10 => {
                let function = self.choices.pick(&["uppercase", "lowercase", "trim", "type", "base64encode"]);
                let function =
                    if self.choices.one_in(60) { self.choices.pick(&["encodeUrlComponent", "encodeUrl"]) } else { function };
                format!("${function}({})", self.expression(Text, depth))
            }
            11 => format!("$base64decode($base64encode({}))", self.expression(Text, depth)),
            12 => format!("$decodeUrlComponent($encodeUrlComponent({}))", self.expression(Text, depth)),
            13 => {
                let (width, fill) = (
                    self.choices.pick(&["5", "-5", "0", "3", "12", "-9"]),
                    self.choices.pick(&["", ", '#'", ", 'ab'", ", '😀'", ", ''"]),
                );
                format!("$pad({}, {width}{fill})", self.expression(Text, depth))
            }
            14 => {
                let separator = self.choices.pick(&["", ", ','", ", ' - '", ", ''"]);
                format!("$join({}{separator})", self.expression(Texts, depth))
            }
            15 => {
                let (pattern, by) =
                    (self.pattern(), self.choices.pick(&["'X'", "''", "'[$0]'", "'$1-$2'", "'$$'", "'$10'", "'é'", "'$x'"]));
                let limit = self.choices.pick(&["", "", ", 1", ", 0", ", 2"]);
                format!("$replace({}, {pattern}, {by}{limit})", self.expression(Text, depth))
            }
            16 => {
                let by = self.within(Any, |inner| inner.expression(Text, depth.min(1)));
                let body = self.choices.pick(&["$m.match & '!'", "$uppercase($m.match)", "$m.groups[0]", "$string($m.index)"]);
                let body = if self.choices.one_in(4) { by } else { body.to_owned() };
                format!("$replace({}, {}, function($m){{ {body} }})", self.expression(Text, depth), self.regex())
            }
            17 | 18 => {
                let picture = self.choices.pick(&[
                    "#,##0.00",
                    "0",
                    "00.0#",
                    "#0%",
                    "#.##",
                    "##0.0;(##0.0)",
                    "#,###.00;-#",
                    "000",
                    "0.0e0",
                    "#.#",
                    "#0.000",
                    "0‰",
                    "$#,##0",
                    "0 EUR",
                    "0..0",
                    "#,.0",
                    "0%%",
                    "a",
                    "",
                    "0;0;0",
                ]);
                let picture =
                    if self.choices.one_in(40) { self.choices.pick(&["#0#", "#,##,##0", "0.0.0", "#,##,#00"]) } else { picture };
                let options = self.choices.pick(&[
                    "",
                    "",
                    "",
                    ", {'percent': 'pc'}",
                    ", {'decimal-separator': ',', 'grouping-separator': '.'}",
                ]);
                let options = if self.choices.one_in(60) {
                    self.choices.pick(&[", {'zero-digit': '٠'}", ", {'minus-sign': '~'}"])
                } else {
                    options
                };
                format!("$formatNumber({}, '{picture}'{options})", self.expression(Number, depth))
            }
            19 => {
                let base = self.choices.pick(&["", ", 2", ", 16", ", 36", ", 8", ", 1", ", 10.4", ", 37"]);
                let number = self.expression(Number, depth);
                if self.choices.one_in(40) {
                    format!("$formatBase({number}{base})")
                } else {
                    format!("$formatBase($floor({number}){base})")
                }
            }
            20 => {
                let picture = self.choices.pick(&[
                    "0", "000", "#,##0", "w", "W", "Ww", "I", "i", "a", "A", "0;o", "w;o", "Ww;o", "٠", "#:##0", "", "#", "0,0,0",
                ]);
                let number = self.choices.pick(&["0", "1", "12", "1984", "-5", "1234567", "99", "3.7", "21", "1000", "702"]);
                // Roman numerals of large numbers are as long as these are large.
                let any = self.choices.one_in(3) && !picture.eq_ignore_ascii_case("i");
                let number = if any { self.expression(Number, depth) } else { number.to_owned() };
                format!("$formatInteger({number}, '{picture}')")
            }
            21 | 22 => {
                let millis = self.choices.pick(&[
                    "1510067557121",
                    "0",
                    "1582979445678",
                    "-86400000",
                    "951782400000",
                    "4102444799999",
                    "1000000000000",
                ]);
                let picture = self.choices.pick(&[
                    "",
                    "[Y0001]-[M01]-[D01]",
                    "[Y]-[M]-[D]T[H01]:[m]:[s].[f001][Z]",
                    "[FNn], [D1o] [MNn] [Y]",
                    "[h]:[m01] [P]",
                    "[H]:[m]:[s] [PN]",
                    "[W01] [X] [w]",
                    "[FN,3-3] [MN,*-3]",
                    "[F] [F0] [d] [d001]",
                    "[YI] [Mi] [Dw]",
                    "[Y,2] [YWw]",
                    "[z] [Z] [Z0000] [Z01:01t]",
                    "[C] [E]",
                    "[[literal]] [D#1]",
                    "[f] [f01] [f0001]",
                    "[Y9,999,*]",
                    "[MNn,3-4]",
                    "[xNn] [w]",
                    "[q]",
                    "[Y",
                    "[D1",
                    "[hn]",
                    "[M01",
                    "[mNn]",
                ]);
                let zone = self.choices.pick(&["", "", ", '+0100'", ", '-0530'", ", '+0000'", ", '+14'"]);
                match picture {
                    "" => format!("$fromMillis({millis})"),
                    _ => format!("$fromMillis({millis}, '{picture}'{zone})"),
                }
            }
            23 | 24 => {
                let index = self.choices.pick(&["0", "-1", "1"]);
                format!("{}[{index}]", self.head(Texts, depth))
            }
            25 => {
                let value = self.choices.pick(&["match", "index", "groups"]);
                format!("$string($match({}, {})[0].{value})", self.expression(Text, depth), self.regex())
            }
            26 => {
                let kind = self.kind();
                format!("$type({})", self.expression(kind, depth))
            }
            27 => {
                let function = self.function(&[Text, Text], Text, depth);
                let list = self.some(Text, depth);
                format!("$reduce({list}, {function})")
            }
            28 => format!(
                "{} ~> {}",
                self.operand(Text, depth),
                self.choices.pick(&[
                    "$uppercase",
                    "$trim() ~> $lowercase()",
                    "$substring(1)",
                    "$pad(4, '.')",
                    "$split('') ~> $reverse() ~> $join()"
                ])
            ),
            29 => {
                let head = self.head(Object(Shape::Item), depth);
                format!("{head}.({})", self.within(Object(Shape::Item), |inner| inner.expression(Text, depth)))
            }
            30 => format!("($u := $uppercase ~> $trim; $u({}))", self.expression(Text, depth)),
            31 => {
                let function = self.choices.pick(&["uppercase", "substringBefore(?, ' ')", "substring(?, 0, 2)", "pad(?, -6)"]);
                let target = self.expression(Text, depth);
                if function.contains('?') { format!("(${function})({target})") } else { format!("${function}({target})") }
            }
            _ => format!("$join($keys({}), '/')", {
                let kind = self.choices.pick(&[Object(Shape::Item), Objects(Shape::Item), Object(Shape::Pair)]);
                self.expression(kind, depth)
            }),
        }
    }

    fn regex(&mut self) -> String {
        self.choices
            .pick(&[
                "/[a-z]+/",
                "/a/",
                "/l+/",
                "/(\\w)(\\d)/",
                "/A/i",
                "/\\s+/",
                "/^./",
                "/e$/",
                "/a(b)?c/",
                "/(a)|(b)/",
                "/[^aeiou]/",
                "/\\d+/",
                "/,/",
                "/(?:a|b)+/",
                "/a{2}/",
                "/a+?/",
                "/\\bW/",
                "/[\\d.]+/",
                "/\\//",
                "/(l)(l)?/",
                "/o/m",
            ])
            .to_owned()
    }

    fn pattern(&mut self) -> String {
        if self.choices.one_in(2) {
            self.regex()
        } else {
            self.choices.pick(&["'a'", "','", "' '", "'.'", "'l'", "''", "'aa'"]).to_owned()
        }
    }

    fn truth(&mut self, depth: usize) -> String {
        match self.choices.below(16) {
            0 | 1 => {
                let operator = self.choices.pick(&["<", ">", "<=", ">=", "=", "!="]);
                format!("{} {operator} {}", self.operand(Number, depth), self.operand(Number, depth))
            }
            2 => {
                let operator = self.choices.pick(&["=", "!=", "<", ">"]);
                format!("{} {operator} {}", self.operand(Text, depth), self.operand(Text, depth))
            }
            3 | 4 => {
                let operator = self.choices.pick(&["and", "or"]);
                format!("{} {operator} {}", self.operand(Truth, depth), self.operand(Truth, depth))
            }
            5 => format!("{} in {}", self.operand(Number, depth), self.operand(Numbers, depth)),
            6 => format!("{} in {}", self.operand(Text, depth), self.operand(Texts, depth)),
            7 | 8 => {
                let kind = self.kind();
                format!("${}({})", self.choices.pick(&["exists", "not", "boolean"]), self.expression(kind, depth))
            }
            9 => format!("$contains({}, {})", self.expression(Text, depth), self.pattern()),
            10 => {
                let kind = self.kind();
                format!("{} {} {}", self.operand(kind, depth), self.choices.pick(&["=", "!="]), self.operand(kind, depth))
            }
            11 => format!(
                "$type({}) = {}",
                self.expression(Any, depth),
                self.choices.pick(&["'null'", "'array'", "'object'", "'number'"])
            ),
            12 => {
                let head = self.head(Object(Shape::Item), depth);
                format!("{head}.({})", self.within(Object(Shape::Item), |inner| inner.expression(Truth, depth)))
            }
            13 => {
                let kind = self.kind();
                format!("$exists({}[{}])", self.head(kind, depth), self.choices.pick(&["0", "-1", "true", "false", "5"]))
            }
            14 => {
                let (kind, other) = (self.kind(), self.kind());
                format!("{} {} {}", self.operand(kind, depth), self.choices.pick(&["=", "!=", "in"]), self.operand(other, depth))
            }
            _ => format!("{} = {}", self.operand(Numbers, depth), self.operand(Numbers, depth)),
        }
    }

    /// A predicate on items of a kind, without its brackets.
    fn predicate(&mut self, item: Kind, depth: usize) -> String {
        match self.choices.below(8) {
            0 => self.choices.pick(&["0", "-1", "1", "2", "1.9", "-5"]).to_owned(),
            1 => self.choices.pick(&["[0..1]", "[0, 2]", "[-1, 0]", "[1..9]", "[0, 0, 1]"]).to_owned(),
            _ => self.within(item, |inner| inner.expression(Truth, depth)),
        }
    }

    fn numbers(&mut self, depth: usize) -> String {
        match self.choices.below(26) {
            0 | 1 => format!("[{}, {}]", self.expression(Number, depth), self.expression(Number, depth)),
            2 | 3 => {
                let head = self.head(Numbers, depth);
                format!("{head}[{}]", self.predicate(Number, depth))
            }
            4 | 5 => {
                let head = self.head(Numbers, depth);
                format!("{head}.({})", self.within(Number, |inner| inner.expression(Number, depth)))
            }
            6 | 7 => {
                let head = self.head(Objects(Shape::Item), depth);
                format!("{head}.({})", self.within(Object(Shape::Item), |inner| inner.expression(Number, depth)))
            }
            8 | 9 => {
                let count = 1 + self.choices.below(3);
                let kinds = [Number, Number, Numbers];
                let function = self.function(&kinds[..count], Number, depth);
                format!("$map({}, {function})", self.expression(Numbers, depth))
            }
            10 => {
                let function = self.function(&[Number], Truth, depth);
                format!("$filter({}, {function})", self.pair(Number, depth))
            }
            11 => {
                let order = self.choices.pick(&[
                    "",
                    ", function($l, $r){ $l > $r }",
                    ", function($l, $r){ $l < $r }",
                    ", λ($l, $r){ $abs($l) > $abs($r) }",
                ]);
                format!("$sort({}{order})", self.expression(Numbers, depth))
            }
            12 => format!("${}({})", self.choices.pick(&["reverse", "distinct"]), self.expression(Numbers, depth)),
            13 => format!("$append({}, {})", self.expression(Numbers, depth), self.expression(Numbers, depth)),
            14 => {
                let head = self.pair(Number, depth);
                format!("{head}^({})", self.choices.pick(&["$", ">$", "<$", "$ % 3", ">$ * -1, $"]))
            }
            15 => format!(
                "[{}..{}]",
                self.choices.pick(&["1", "0", "-2", "$count(nums)"]),
                self.choices.pick(&["3", "5", "$length(s)", "-1"])
            ),
            16 => {
                let head = self.head(Objects(Shape::Item), depth);
                format!(
                    "{head}.{}",
                    self.choices.pick(&[
                        "price",
                        "id",
                        "parts.v",
                        "parts.more",
                        "pair.*",
                        "*.x",
                        "parts[0].v",
                        "parts[-1].more[0]",
                        "**.v",
                        "price[]"
                    ])
                )
            }
            17 => {
                let head = self.choices.pick(&["items", "$$.items", "one", "items[0]"]);
                format!(
                    "{head}.parts.({})",
                    self.choices.pick(&["v * %.price", "%.id", "v + %.%.n", "%.price - v", "$sum(%.parts.v)", "%.%.nums[0]"])
                )
            }
            18 => {
                let step = self.choices.pick(&["items", "nums", "texts", "items.parts"]);
                let (predicate, result) = (
                    self.choices.pick(&["", "[$p < 2]", "[$p > 0]", "[$p % 2 = 0]"]),
                    self.choices.pick(&["$p", "($p * 10)", "$p + 1"]),
                );
                format!("{step}#$p{predicate}.({result})")
            }
            19 => {
                let (body, filter) = (
                    self.choices.pick(&["$q.id", "$q.price", "($q.id + v)", "v", "$q.parts.v"]),
                    self.choices.pick(&["", "[v > 1]", "[v < $q.price]", "[$q.ok]"]),
                );
                format!("items@$q.parts{filter}.({body})")
            }
            20 => format!(
                "$zip({}, {}){}",
                self.expression(Numbers, depth),
                self.expression(Numbers, depth),
                self.choices.pick(&["", "[0]", "[1]"])
            ),
            21 => {
                let head = self.head(Object(Shape::Pair), depth);
                format!("{head}.*")
            }
            22 => {
                let function = self.function(&[Number, Text], Number, depth);
                format!("$each({}, {function})", self.expression(Object(Shape::Pair), depth))
            }
            23 => {
                let function = self.function(&[Text], Number, depth);
                format!("$map({}, {function})", self.expression(Texts, depth))
            }
            24 => format!("{}[]", self.head(Numbers, depth)),
            _ => {
                let head = self.head(Objects(Shape::Item), depth);
                let inner = self.within(Object(Shape::Item), |inner| inner.expression(Numbers, depth));
                format!("{head}.({inner})")
            }
        }
    }

    fn texts(&mut self, depth: usize) -> String {
        match self.choices.below(17) {
            0 | 1 => format!("[{}, {}]", self.expression(Text, depth), self.expression(Text, depth)),
            2 | 3 => {
                let head = self.head(Texts, depth);
                format!("{head}[{}]", self.predicate(Text, depth))
            }
            4 => {
                let head = self.head(Texts, depth);
                format!("{head}.({})", self.within(Text, |inner| inner.expression(Text, depth)))
            }
            5 | 6 => {
                let head = self.head(Objects(Shape::Item), depth);
                format!("{head}.({})", self.within(Object(Shape::Item), |inner| inner.expression(Text, depth)))
            }
            7 => {
                let count = 1 + self.choices.below(2);
                let function = self.function(&[Text, Number][..count], Text, depth);
                format!("$map({}, {function})", self.expression(Texts, depth))
            }
            8 => {
                let limit = self.choices.pick(&["", ", 2", ", 0", ", 1"]);
                format!("$split({}, {}{limit})", self.expression(Text, depth), self.pattern())
            }
            9 => format!("$keys({})", {
                let kind = self.choices.pick(&[Object(Shape::Item), Objects(Shape::Part), Object(Shape::Pair)]);
                self.expression(kind, depth)
            }),
            10 => {
                let order = self.choices.pick(&[
                    "",
                    ", function($l, $r){ $length($l) > $length($r) }",
                    ", function($l, $r){ $l > $r }",
                    ", function($l, $r){ $l < $r }",
                ]);
                format!("$sort({}{order})", self.expression(Texts, depth))
            }
            11 => format!("${}({})", self.choices.pick(&["reverse", "distinct"]), self.expression(Texts, depth)),
            12 => format!("$append({}, {})", self.expression(Texts, depth), self.expression(Text, depth)),
            13 => {
                let head = self.head(Objects(Shape::Item), depth);
                format!(
                    "{head}.{}",
                    self.choices.pick(&["name", "tags", "kind", "parts.k", "tags[0]", "parts.k[0]", "**.k", "name[]"])
                )
            }
            14 => {
                let function = self.function(&[Any, Text], Text, depth);
                let kind = self.choices.pick(&[Object(Shape::Pair), Object(Shape::Item)]);
                format!("$each({}, {function})", self.expression(kind, depth))
            }
            15 => format!("$match({}, {}).match", self.expression(Text, depth), self.regex()),
            _ => {
                let head = self.pair(Text, depth);
                format!("{head}^({})", self.choices.pick(&["$", ">$", "$length($)", "$length($), >$"]))
            }
        }
    }

    /// An object, given as a constructor with members of the shape.
    fn constructor(&mut self, shape: Shape, depth: usize) -> String {
        let members = shape.members();
        let count = if shape == Shape::Pair { 2 } else { 3 };
        let members: Vec<String> = (0..count)
            .map(|at| {
                let (name, kind) = members[at % members.len()];
                let key = if self.choices.one_in(12) { self.operand(Text, 0) } else { format!("'{}'", name.trim_matches('`')) };
                format!("{key}: {}", self.expression(kind, depth))
            })
            .collect();
        format!("{{{}}}", members.join(", "))
    }

    fn one(&mut self, shape: Shape, depth: usize) -> String {
        match self.choices.below(14) {
            0..=2 => self.constructor(shape, depth),
            3 | 4 => {
                let index = self.choices.pick(&["0", "-1", "1"]);
                format!("{}[{index}]", self.head(Objects(shape), depth))
            }
            5 | 6 => format!("$merge([{}, {}])", self.expression(Object(shape), depth), self.constructor(Shape::Pair, depth)),
            7 => format!("$merge({})", self.expression(Objects(shape), depth)),
            8 => {
                let count = 1 + self.choices.below(2);
                let function = self.function(&[Any, Text][..count], Truth, depth);
                format!("$sift({}, {function})", self.expression(Object(shape), depth))
            }
            9 | 10 => {
                let target = self.operand(Object(shape), depth);
                self.transform(&target, shape, depth)
            }
            11 => {
                let (head, key, value) = self.grouping(depth);
                format!("{head}{{{key}: {value}}}")
            }
            12 => {
                let function = self.function(&[Object(shape)], Truth, depth);
                format!("$filter({}, {function})[0]", self.expression(Objects(shape), depth))
            }
            _ => {
                let function = self.function(&[Object(shape), Object(shape)], Object(shape), depth);
                let list = self.some(Object(shape), depth);
                format!("$reduce({list}, {function})")
            }
        }
    }

    fn transform(&mut self, target: &str, shape: Shape, depth: usize) -> String {
        let location = match shape {
            Shape::Item => self.choices.pick(&["$", "parts", "pair", "**[v]", "parts[v > 1]"]),
            Shape::Root => self.choices.pick(&["items", "one", "items[ok]", "items.parts", "pair"]),
            Shape::Part | Shape::Pair => "$",
        };
        let inner = match (shape, location) {
            (Shape::Item, "parts" | "parts[v > 1]" | "**[v]") => Shape::Part,
            (_, "pair") => Shape::Pair,
            (Shape::Root, "items.parts") => Shape::Part,
            (Shape::Root, _) => Shape::Item,
            _ => shape,
        };
        let update = self.within(Object(inner), |within| within.constructor(inner, depth));
        let location = if self.choices.one_in(100) { format!("{location}[0]") } else { location.to_owned() };
        let delete = self.choices.pick(&["", ", 'name'", ", ['id', 'k']", ", 'x'", ", []"]);
        format!("{target} ~> |{location}|{update}{delete}|")
    }

    fn grouping(&mut self, depth: usize) -> (String, String, String) {
        let head = self.head(Objects(Shape::Item), depth);
        let (key, value) = (
            self.choices.pick(&["kind", "name", "$string(id)", "ok ? 'yes' : 'no'", "$type(price)", "$substring(name, 0, 1)"]),
            self.choices.pick(&[
                "$sum(price)",
                "price",
                "$count($)",
                "$",
                "{'n': name, 'c': $count(parts)}",
                "$join(name, '+')",
                "parts.v",
                "[id]",
                "$.id",
            ]),
        );
        (head, key.to_owned(), value.to_owned())
    }

    fn many(&mut self, shape: Shape, depth: usize) -> String {
        match self.choices.below(22) {
            0 | 1 => format!("[{}, {}]", self.expression(Object(shape), depth), self.expression(Object(shape), depth)),
            2..=5 => {
                let head = self.head(Objects(shape), depth);
                format!("{head}[{}]", self.predicate(Object(shape), depth))
            }
            6 | 7 => {
                let head = self.pair(Object(shape), depth);
                let by = match shape {
                    Shape::Item | Shape::Root => {
                        self.choices.pick(&["price", ">price, id", "name", ">name", "$count(parts)", "id, >price", "<kind, name"])
                    }
                    Shape::Part => self.choices.pick(&["v", ">v", "k, v", ">k"]),
                    Shape::Pair => self.choices.pick(&["x", ">y, x"]),
                };
                format!("{head}^({by})")
            }
            8 | 9 => {
                let head = self.head(Objects(Shape::Item), depth);
                format!("{head}.{}", self.within(Object(Shape::Item), |inner| inner.constructor(shape, depth)))
            }
            10 => {
                let function = self.function(&[Object(shape)], Object(shape), depth);
                format!("$map({}, {function})", self.expression(Objects(shape), depth))
            }
            11 => {
                let function = self.function(&[Object(shape), Number], Truth, depth);
                format!("$filter({}, {function})", self.expression(Objects(shape), depth))
            }
            12 => {
                let order = match shape {
                    Shape::Item | Shape::Root => {
                        self.choices.pick(&["$string([$l.price]) > $string([$r.price])", "$string([$l.name]) < $string([$r.name])"])
                    }
                    Shape::Part => "$string([$l.v]) > $string([$r.v])",
                    Shape::Pair => "$string([$l.x]) > $string([$r.x])",
                };
                let order = if self.choices.one_in(40) {
                    self.choices.pick(&["$l.id - $r.id", "$l.price > $r.price", "$l.v > $r.v", "$l.x > $r.x"])
                } else {
                    order
                };
                format!("$sort({}, function($l, $r){{ {order} }})", self.expression(Objects(shape), depth))
            }
            13 => format!("${}({})", self.choices.pick(&["reverse", "distinct"]), self.expression(Objects(shape), depth)),
            14 => format!("$append({}, {})", self.expression(Objects(shape), depth), self.expression(Object(shape), depth)),
            15 => {
                let target = self.operand(Objects(shape), depth);
                self.transform(&target, shape, depth)
            }
            16 => format!("$spread({})", self.expression(Object(shape), depth)),
            17 => {
                let result = self.choices.pick(&["{'i': $q.id, 'k': k}", "$q", "$", "{'a': $p, 'b': $q.name}", "[$p, v]"]);
                let (filter, sort) = (
                    self.choices.pick(&["", "[v >= 1]", "[$q.price > v]"]),
                    if self.choices.one_in(15) { self.choices.pick(&["^(v)", "^(>k)"]) } else { "" },
                );
                format!(
                    "items@$q.parts{filter}#$p{sort}.{}",
                    if result.starts_with('$') { format!("({result})") } else { result.to_owned() }
                )
            }
            18 => {
                let (filter, result) = (
                    self.choices.pick(&["[$q.id = $r]", "[$r < 3]", "[$q.ok]"]),
                    self.choices.pick(&["{'i': $q.id, 'n': $r}", "{'n': $r}"]),
                );
                format!("$$.items@$q.$$.nums@$r{filter}.{result}")
            }
            19 => {
                let result = self.choices.pick(&[
                    "{'k': k, 'of': %.name}",
                    "{'v': v, 'all': %.%.n}",
                    "{'p': %.price, 'q': $sum(%.parts.v)}",
                ]);
                format!(
                    "items.parts{}.{result}",
                    if self.choices.one_in(15) { "^(%.price)" } else { self.choices.pick(&["", "[v > 0]", "[%.ok]"]) }
                )
            }
            20 => format!("$match({}, {})", self.expression(Text, depth), self.regex()),
            _ => format!("{}[]", self.head(Objects(shape), depth)),
        }
    }

    fn any(&mut self, depth: usize) -> String {
        match self.choices.below(16) {
            0 if self.choices.one_in(40) => "/a/".to_owned(),
            0 => "$".to_owned(),
            1 => "$$".to_owned(),
            2 => {
                let kind = self.kind();
                format!("{}.*", self.head(kind, depth))
            }
            3 => {
                let kind = self.choices.pick(&[Object(Shape::Pair), Objects(Shape::Part), Any]);
                format!("{}.**", self.head(kind, depth))
            }
            4 | 5 => {
                let (first, second) = (self.kind(), self.kind());
                format!("[{}, {}]", self.expression(first, depth), self.expression(second, depth))
            }
            6 => {
                let (first, second) = (self.kind(), self.kind());
                format!("$append({}, {})", self.expression(first, depth), self.expression(second, depth))
            }
            7 => self
                .choices
                .pick(&[
                    "nest",
                    "nest.v",
                    "nest[0]",
                    "nest.**",
                    "nest.$",
                    "nest[1]",
                    "nest[[0..1]]",
                    "nest.*",
                    "nest[]",
                    "[nest]",
                    "nest.[$]",
                    "nest.{'a': $}",
                ])
                .to_owned(),
            8 => {
                let kind = self.kind();
                format!("$lookup({}, {})", self.expression(kind, depth), self.choices.pick(&["'id'", "'v'", "'x'", "'name'"]))
            }
            9 => {
                let kind = self.choices.pick(&[Object(Shape::Item), Object(Shape::Pair), Object(Shape::Part), Number]);
                format!("$spread({})", self.expression(kind, depth))
            }
            10 => {
                let (kind, result) = (self.kind(), self.kind());
                let function = self.function(&[kind], result, depth);
                format!("$map({}, {function})", self.expression(kind, depth))
            }
            11 => {
                let (head, result) = (self.head(Objects(Shape::Item), depth), self.kind());
                format!("{head}.[{}]", self.within(Object(Shape::Item), |inner| inner.expression(result, depth)))
            }
            12 => {
                let kind = self.kind();
                format!("{}[{}]", self.head(kind, depth), self.predicate(Any, depth))
            }
            13 => self
                .choices
                .pick(&[
                    "$sum",
                    "function($x){ $x }",
                    "$map(nums, $string)",
                    "[1..3].$string($)",
                    "$string",
                    "$$.items.$keys()",
                    "texts.$uppercase()",
                ])
                .to_owned(),
            14 => {
                let text = self.expression(Text, depth);
                self.choices.pick(&["$error(#)", "$assert(true, #)", "$assert(false, #)", "# ~> $error"]).replace('#', &text)
            }
            _ => {
                let kind = self.kind();
                self.expression(kind, depth)
            }
        }
    }
}

/// The paths from an object, or from many, to values of a kind.
fn routes_to(kind: Kind, shape: Shape, many: bool, before: String, hops: usize, routes: &mut Vec<String>) {
    for (name, found) in shape.members() {
        let path = if before.is_empty() { (*name).to_owned() } else { format!("{before}.{name}") };
        let through = match (found, many) {
            (Number, true) => Numbers,
            (Text, true) => Texts,
            (Object(shape), true) => Objects(*shape),
            (found, _) => *found,
        };
        if through == kind {
            routes.push(path.clone());
        }
        if hops > 0 {
            match found {
                Object(inner) => routes_to(kind, *inner, many, path, hops - 1, routes),
                Objects(inner) => {
                    routes_to(kind, *inner, true, path.clone(), hops - 1, routes);
                    routes_to(kind, *inner, many, format!("{path}[0]"), hops - 1, routes);
                }
                _ => {}
            }
        }
    }
}
