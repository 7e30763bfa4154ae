//! Functions over bytes that must come back whatever the bytes are: no panic, no hang, no unbounded memory. A seeded mutator drives them on
//! stable Rust ([`Target::run`]); cargo-fuzz calls the same functions (`interpreter/fuzz`).

use std::path::{Path as FilePath, PathBuf};

use statewright_interpreter::Value;
use statewright_interpreter::command::Output;
use statewright_interpreter::definition::{Definition, MachineType, Options, Syntax};
use statewright_interpreter::execution::{Checkpoint, Execution, Progress, StoredPayload};
use statewright_interpreter::inputs::{Draws, Inputs};
use statewright_interpreter::json_path::JsonPath;
use statewright_interpreter::path::{Path, ReferencePath};
use statewright_interpreter::payload::PayloadId;
use statewright_interpreter::quota::Quotas;
use statewright_interpreter::template::Template;
use statewright_interpreter::time::Timestamp;
use statewright_jsonata::{Error, Expression, Limits, NoHost, Outcome, Reference, Scope, aws};

use crate::choices::Choices;
use crate::generate::{START, Shape, machine};
use crate::properties::{FramesAreATree, LinearHistory, RenderedEvents, Style, TwiceIsOnce, definition_of, start_of, walk};

/// Longer inputs are cut: a definition's quota is 1 MiB.
const BYTES_MAX: usize = 1 << 20;

/// Definition text, in both syntaxes and for both types of machine. What is wrong is within the text.
pub fn definition(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for (syntax, machine_type) in [(Syntax::Json, MachineType::Standard), (Syntax::Yaml, MachineType::Express)] {
        let options = Options { syntax, machine_type, ..Options::default() };
        let diagnostics = match Definition::parse(&text, &options) {
            Ok(parsed) => parsed.warnings,
            Err(diagnostics) => {
                assert!(!diagnostics.is_empty(), "a definition is refused without a reason");
                diagnostics
            }
        };
        for span in diagnostics.iter().filter_map(|diagnostic| diagnostic.span.as_ref()) {
            assert!(span.start <= span.end && span.end <= text.len(), "{span:?} is not within the text");
            assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end), "{span:?} cuts a character");
        }
    }
}

const DOCUMENT: &str = r#"{"a": {"b": [1, 2, {"c": "x", "d": null}], "e f": true}, "list": [[1, 2], [3, [4, 5]], {"n": 1.5}], "s": "text", "n": 3,
    "deep": {"deep": {"deep": {"deep": [{"a": 1}, {"a": 2}, {"a": 3}]}}}, "": 0, "é": "\ud83d\ude00"}"#;

fn with_inputs<T>(ask: impl FnOnce(&Inputs<'_>, &Value) -> T) -> T {
    let document = Value::parse(DOCUMENT).unwrap_or_default();
    let variables = document.as_object().cloned().unwrap_or_default();
    let draws = Draws::new(1, 2);
    let inputs = Inputs::new(&document, &document, &variables, &draws);
    ask(&inputs, &document)
}

/// A path or reference path, on a document.
pub fn path(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    with_inputs(|inputs, document| {
        if let Ok(path) = JsonPath::parse(&text) {
            let found = path.evaluate(document);
            if let Some(borrowed) = path.evaluate_ref(document) {
                assert_eq!(borrowed.ok(), found.as_ref().ok(), "{text}");
            }
        }
        if let Ok(path) = Path::parse(&text) {
            let _ = path.evaluate(inputs);
        }
        if let Ok(path) = ReferencePath::parse(&text)
            && let Ok(changed) = path.set(document, Value::from("set"))
        {
            assert_eq!(path.get(&changed).ok().and_then(Value::as_str), Some("set"), "{text}");
        }
    });
}

/// A payload template, with its paths and intrinsic functions. Bytes that are no JSON are taken for one expression.
pub fn template(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let template = Value::parse(&text).unwrap_or_else(|_| {
        let members = [("x.$".into(), Value::from(&*text))];
        Value::Object(members.into_iter().collect())
    });
    with_inputs(|inputs, _| {
        if let Ok(template) = Template::compile(&template) {
            let _ = template.paths();
            let _ = template.evaluate(inputs);
        }
    });
}

/// Any text as an expression in JSONata, on a document. What is wrong is within the text.
pub fn expression(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Expression::compile(&text) {
        Ok(expression) => {
            for reference in expression.references() {
                let (Reference::Name { position, .. } | Reference::Variable { position, .. } | Reference::Input { position, .. }) =
                    reference;
                assert!(position <= text.len(), "{text}: {reference:?}");
            }
            let document = Value::parse(DOCUMENT).unwrap_or_default();
            evaluate_within(&text, &expression, &document);
        }
        Err(error) => {
            let place = error.position();
            assert!(!error.code().is_empty() && place.is_none_or(|place| place <= text.len()), "{text}: {error:?}");
        }
    }
}

/// An expression in JSONata and, behind the first NUL, its data: JSON, or a text that is none.
pub fn evaluation(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (text, data) = text.split_once('\0').unwrap_or((&text, "null"));
    if let Ok(expression) = Expression::compile(text) {
        evaluate_within(text, &expression, &Value::parse(data).unwrap_or_else(|_| Value::from(data)));
    }
}

/// Evaluates under bounds: twice for the same answer, and with fewer steps for the same or none.
fn evaluate_within(text: &str, expression: &Expression, data: &Value) {
    let bindings = [("states", data.clone()), ("x", data.clone())];
    let evaluate = |steps: u64| -> Result<Outcome, Error> {
        let limits = Limits { steps, ..Limits::AWS };
        let scope = Scope { input: Some(data), bindings: &bindings, functions: &[&aws::FUNCTIONS], limits };
        expression.evaluate(&scope, &mut NoHost)
    };
    let same = |one: &Result<Outcome, Error>, other: &Result<Outcome, Error>| match (one, other) {
        (Ok(one), Ok(other)) => one == other,
        (Err(one), Err(other)) => format!("{one:?}") == format!("{other:?}"),
        _ => false,
    };
    let first = evaluate(300_000);
    assert!(same(&first, &evaluate(300_000)), "{text} on {data}");
    let fewer = evaluate(1_000);
    let stopped = fewer.as_ref().is_err_and(|error| error.reached().is_some());
    assert!(stopped || same(&first, &fewer), "{text} on {data}");
    // What shares its parts may be far larger as text.
    if let Ok(Outcome::Value(value)) = &first
        && value.measure().bytes <= 10 * Limits::AWS.bytes
    {
        let printed = value.to_string();
        assert_eq!(Value::parse(&printed).map(|read| read.to_string()).ok(), Some(printed), "{text} on {data}");
    }
}

/// A machine and what happens to it, sensible or not. The invariants that cost little hold.
pub fn events(bytes: &[u8]) {
    let mut choices = Choices::from_bytes(bytes);
    let machine = machine(&mut choices, Shape::WILD);
    let quotas = Quotas { history_events_max: 500, ..Quotas::aws(false) };
    let style = Style { actions_max: 1000, quotas, ..Style::default() };
    let (mut twice, mut tree, mut linear, mut rendered) = (TwiceIsOnce, FramesAreATree, LinearHistory, RenderedEvents);
    let walked = walk(&mut choices, &machine, style, &mut [&mut twice, &mut tree, &mut linear, &mut rendered]);
    assert!(walked.is_ok(), "{}\n{}\n{}", walked.err().unwrap_or_default(), machine.definition, machine.input);
}

/// A checkpoint with some damage: it is refused, or an execution that goes on.
pub fn checkpoint(bytes: &[u8]) {
    let mut choices = Choices::from_bytes(bytes);
    // Few machines, so that the bytes decide about the damage.
    let seed = choices.below(64) as u64;
    let machine = machine(&mut Choices::from_seed(seed), Shape::RACING);
    let (Ok(definition), Ok(start)) = (definition_of(&machine), start_of(&machine, 1, Quotas::aws(false))) else { return };
    let mut out = Output::default();
    let mut execution = Execution::start(&definition, start, START, &mut out);
    go_on(&mut execution, &definition, &mut out, choices.below(60));
    let mut checkpoint = execution.checkpoint(&definition);
    for _ in 0..choices.between(1, 3) {
        damage(&mut choices, &mut checkpoint);
    }
    if let Ok(mut restored) = Execution::restore(&definition, &checkpoint) {
        let _ = restored.outstanding(&definition);
        let _ = restored.take_changes(&definition);
        go_on(&mut restored, &definition, &mut Output::default(), 200);
        let _ = restored.checkpoint(&definition);
    }
}

/// Lets an execution do whatever comes next; nobody answers its tasks.
fn go_on(execution: &mut Execution, definition: &Definition, out: &mut Output, steps: usize) {
    let mut now = START;
    for _ in 0..steps {
        match execution.poll(definition, now, out) {
            Progress::Advanced => {}
            Progress::Finished => return,
            Progress::Blocked => {
                now = execution.deadline().unwrap_or(Timestamp(i64::MAX)).max(now);
                let _ = execution.handle_timeout(definition, now, out);
            }
        }
    }
}

fn damage(choices: &mut Choices, checkpoint: &mut Checkpoint) {
    let frames: Vec<_> = checkpoint.frames.keys().copied().collect();
    let payloads: Vec<_> = checkpoint.payloads.keys().copied().collect();
    let frame = frames.get(choices.below(frames.len())).copied();
    let payload = payloads.get(choices.below(payloads.len())).copied();
    match choices.below(8) {
        0 => checkpoint.head = edit(choices, &checkpoint.head),
        1..=3 => {
            if let Some(text) = frame.and_then(|id| checkpoint.frames.get_mut(&id)) {
                *text = edit(choices, text);
            }
        }
        4 => {
            if let Some(text) = frame.and_then(|id| checkpoint.frames.get(&id).cloned()) {
                checkpoint.frames.insert(statewright_interpreter::execution::FrameId(choices.below(8) as u32), text);
            }
        }
        5 => {
            if let Some(id) = frame {
                checkpoint.frames.remove(&id);
            }
        }
        6 => {
            let (id, slot) = (frame.unwrap_or_default(), choices.below(4) as u32);
            checkpoint.results.insert((id, slot), payload.unwrap_or_default());
        }
        _ => {
            if let Some(stored) = payload.and_then(|id| checkpoint.payloads.get_mut(&id)) {
                *stored = match stored {
                    StoredPayload::Text(text) if choices.one_in(2) => StoredPayload::Text(edit(choices, text)),
                    _ => StoredPayload::Array(vec![PayloadId(choices.below(6) as u32), PayloadId(choices.below(6) as u32)]),
                };
            }
        }
    }
}

/// Changes a number, a word or a byte of a text.
fn edit(choices: &mut Choices, text: &str) -> String {
    let digits: Vec<usize> = text.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit()).map(|(at, _)| at).collect();
    let number = digits.get(choices.below(digits.len())).copied();
    match (choices.below(4), number) {
        (0 | 1, Some(at)) => {
            let end = text.bytes().skip(at).take_while(u8::is_ascii_digit).count() + at;
            let other =
                choices.pick(&["0", "1", "2", "3", "-1", "4294967295", "9223372036854775807", "18446744073709551615", "1e9"]);
            format!("{}{other}{}", text.get(..at).unwrap_or_default(), text.get(end..).unwrap_or_default())
        }
        (2, _) => {
            let words = [
                "enter",
                "retry",
                "leave",
                "joined",
                "waiting",
                "backoff",
                "join",
                "RUNNING",
                "TIMED_OUT",
                "state",
                "parent",
                "null",
            ];
            let (from, to) = (choices.pick(&words), choices.pick(&words));
            text.replacen(from, to, 1)
        }
        _ => String::from_utf8_lossy(&mutate(choices, &[text.as_bytes().to_vec()], CHECKPOINT_WORDS)).into_owned(),
    }
}

/// A function over bytes, and where to begin.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name.
    pub name: &'static str,
    run: fn(&[u8]),
    seeds: fn() -> Vec<Vec<u8>>,
    words: &'static [&'static str],
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "definition", run: definition, seeds: definitions, words: DEFINITION_WORDS },
    Target { name: "path", run: path, seeds: paths, words: PATH_WORDS },
    Target { name: "template", run: template, seeds: templates, words: PATH_WORDS },
    Target { name: "expression", run: expression, seeds: expressions, words: JSONATA_WORDS },
    Target { name: "evaluation", run: evaluation, seeds: evaluations, words: JSONATA_WORDS },
    Target { name: "events", run: events, seeds: noise, words: &[] },
    Target { name: "checkpoint", run: checkpoint, seeds: noise, words: &[] },
];

impl Target {
    /// The texts that mutations begin with: the repository's samples, and some of our own.
    #[must_use]
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        (self.seeds)()
    }

    /// The bytes of one round.
    #[must_use]
    pub fn input(&self, seeds: &[Vec<u8>], round: u64) -> Vec<u8> {
        let mut choices = Choices::from_seed(round);
        let mut bytes = mutate(&mut choices, seeds, self.words);
        bytes.truncate(BYTES_MAX);
        bytes
    }

    /// Calls the function.
    ///
    /// # Panics
    /// When something is wrong: that is what it is for.
    pub fn run(&self, bytes: &[u8]) {
        (self.run)(bytes);
    }
}

fn definitions() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    samples(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../statemachines"), &mut seeds);
    seeds.extend((0..24).map(|seed| machine(&mut Choices::from_seed(seed), Shape::WILD).definition.into_bytes()));
    let own = [
        r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}"#,
        "StartAt: A\nStates:\n  A:\n    Type: Wait\n    Seconds: 1\n    Next: Yes\n  Yes: &x\n    Type: Succeed\n",
        r#"{"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "${F}", "Arguments": "{% $states.input %}", "End": true}}}"#,
    ];
    seeds.extend(own.iter().map(|text| text.as_bytes().to_vec()));
    seeds
}

fn samples(folder: &FilePath, seeds: &mut Vec<Vec<u8>>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut found: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    found.sort();
    for path in found {
        if path.is_dir() {
            samples(&path, seeds);
        } else if path.to_string_lossy().contains(".asl.") {
            seeds.extend(std::fs::read(&path).ok());
        }
    }
}

fn paths() -> Vec<Vec<u8>> {
    let own = [
        "$",
        "$.a.b[0]",
        "$['a']['b'][2].c",
        "$..a",
        "$.list[*][0]",
        "$.list[0:1]",
        "$.list[-1:]",
        "$.deep..a",
        "$['a','s']",
        "$..[?(@.a > 1 && @.a < 3)]",
        "$.list[?(@.n == 1.5)]",
        "$.deep.deep.deep.deep[?(@.a =~ /[0-9]+/i)]",
        "$.list[?(@.n in [1, 1.5])]",
        "$.list[0,1]",
        "$$.a.b",
        "$a.b",
        "$.list.length()",
        "$..*..*..*",
    ];
    own.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn templates() -> Vec<Vec<u8>> {
    let mut seeds = paths();
    let own = [
        r#"{"a.$": "$.a", "b": {"c.$": "$$.s", "d": [1, {"e.$": "$n"}]}}"#,
        r#"{"x.$": "States.Format('{} \\{\\} {}', $.s, States.MathAdd($.n, 1))"}"#,
        "States.Array($.a, 'x\\'y', null, true, 1.5, States.UUID())",
        "States.ArrayPartition($.list, 2)",
        "States.ArrayRange(1, 999, 3)",
        "States.ArrayGetItem($.list, 1)",
        "States.ArrayUnique($.list)",
        "States.ArrayContains($.list, 1)",
        "States.Base64Encode($.s)",
        "States.Base64Decode('dGV4dA==')",
        "States.Hash($.s, 'SHA-512')",
        "States.JsonMerge($.a, $.deep, false)",
        "States.StringToJson('{\"a\": [1]}')",
        "States.JsonToString($)",
        "States.MathRandom(1, 9, 7)",
        "States.StringSplit('a,b;c', ',;')",
    ];
    seeds.extend(own.iter().map(|text| text.as_bytes().to_vec()));
    seeds
}

fn expressions() -> Vec<Vec<u8>> {
    let own = [
        "a.b[2].c & s",
        "list.$map(function($v, $i, $l) { $type($v) & $string($i) })",
        "($f := λ($n)<n:n>{ $n <= 1 ? 1 : $n * $f($n - 1) }; $f(n))",
        "deep.**[a > 1]^(>a){ $string(a): $count($) }",
        "deep.deep.deep.deep@$d#$i.{ 'a': $d.a, 'i': $i, 'up': %.%.n }[[0..1]]",
        "$ ~> |a.b|{'new': c, 'old': $.d}, ['c', 'e f']|",
        "$replace(s, /(t)(e)?x/i, '$2-$1') ~> $uppercase ~> $split('')",
        "$formatNumber(n * -1234.5678, '#,##0.00;(#,##0.00)', {'decimal-separator': ','})",
        "$fromMillis($toMillis('2020-02-29T12:30:45Z'), '[FNn] [D1o] [MNn] [Y]T[H01]:[m]:[s].[f001][Z]', '+0530')",
        "$parseInteger($formatInteger(n, 'w'), 'w') + $number('0x1F') + $power(2, 3) % 7",
        "$merge([$sift(a, function($v, $k) { $k = 'b' }), {'x': [1..5][$ % 2 = 0]}]) ~> $spread()",
        "$reduce($append($distinct(list[0]), [3]), function($a, $v) { $a + $v }, -0.5) in [1, null, 'é']",
        "$sort(deep.deep.deep.deep, function($l, $r) { $l.a < $r.a })[-1].a ?  'yes' : /* no */ \"n\\u00f6\"",
        "($p := $substring(?, 1, 2); $p($states.s)) & $hash($x.s, 'MD5') & $base64encode(s)",
        "$partition($range(0, 10, 2), 2).$single($, function($v) { $v > 6 })",
        "$each(a, $string) ~> $join(', ')",
        "($f := function($v) { $map([$v], $f) }; $f(n))",
        "($f := function($a, $n) { $n = 0 ? $a : $f([[$a], [$a]], $n - 1) }; $f(s, 40))",
        "$map([1..2000], function($i) { {'k': {'s': $pad(s, 1000) & $i}}.k })",
        "$reduce([1..20000], function($a, $i) { [$a, $i] }, list)",
    ];
    own.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn evaluations() -> Vec<Vec<u8>> {
    let data = [
        DOCUMENT,
        "[{\"a\": 1, \"b\": [2, 3.5e10]}, {\"a\": -0.0, \"b\": []}, [[null, true]], \"\\u0000\"]",
        "9223372036854775807",
        "{\"n\": 1e308, \"s\": \"\", \"list\": [18446744073709551615, -1], \"a\": {\"b\": {}}}",
        "\"text\"",
    ];
    let with = |expression: &[u8], data: &str| [expression, b"\0", data.as_bytes()].concat();
    expressions().iter().enumerate().map(|(at, expression)| with(expression, data.get(at % data.len()).unwrap_or(&"1"))).collect()
}

fn noise() -> Vec<Vec<u8>> {
    (0..8)
        .map(|seed| {
            let mut choices = Choices::from_seed(seed);
            (0..choices.between(16, 1500)).map(|_| choices.draw().to_le_bytes().first().copied().unwrap_or(0)).collect()
        })
        .collect()
}

const DEFINITION_WORDS: &[&str] = &[
    "\"Type\":\"Map\"",
    "\"Next\":",
    "\"End\":true",
    "\"Parallel\"",
    "\"Branches\":[",
    "\"ItemProcessor\":{",
    "\"ErrorEquals\":[\"States.ALL\"]",
    "\"Retry\":[{",
    "\"Catch\":[{",
    "${A}",
    "\"$.a\"",
    "\"{% $x %}\"",
    "\"QueryLanguage\":\"JSONata\",",
    "-1",
    "1e999",
    "18446744073709551616",
    "\\ud800",
    "\\u0000",
    "\u{feff}",
    "\u{1f600}",
    "{\"",
    "[[",
    "&a ",
    "*a",
    "<<: *a",
    "? ",
    "!!binary ",
    "---\n",
    "\n  - ",
    "\t",
];

const PATH_WORDS: &[&str] = &[
    "$",
    "$$",
    "@",
    "..",
    "[*]",
    "[?(",
    ")]",
    "['",
    "']",
    "[0]",
    "[-1]",
    "[99999999999]",
    "[::0]",
    "[1:2]",
    "&&",
    "||",
    "!",
    "==",
    "=~ /a*/",
    "~ /(a*)*b/",
    " in ",
    "nin",
    "empty",
    "States.Format('",
    "States.Array(",
    "States.",
    "(",
    ")",
    ",",
    "'",
    "\\'",
    "\\",
    "\"",
    "{}",
    "1e400",
    "é",
    "\u{1f600}",
    " ",
    "..*",
    "$.list",
];

const JSONATA_WORDS: &[&str] = &[
    "$",
    "$$",
    "%",
    "@$v",
    "#$i",
    "**",
    "^(",
    "{",
    "}",
    "[",
    "]",
    "[]",
    "(",
    ")",
    ":=",
    "~>",
    "..",
    "|",
    "?",
    ":",
    ";",
    ",",
    "λ($a){",
    "function($a)<x-:x>{",
    "/(a*)*$/i",
    "/[^\\d]+?/m",
    "'",
    "\"",
    "`",
    "\\u00e9",
    "\\ud800",
    "/*",
    "*/",
    " and ",
    " in ",
    "null",
    "1e400",
    "9223372036854775808",
    "-0",
    "$map(",
    "$filter(",
    "$reduce(",
    "$sort(",
    "$string(",
    "$pad(",
    "$match(",
    "$replace(",
    "$formatNumber(1.5, '",
    "$formatInteger(12, '",
    "$fromMillis(0, '[",
    "$toMillis('",
    "\0",
    "\u{1f600}",
];

const CHECKPOINT_WORDS: &[&str] = &["\"phase\":\"join\"", "\"parent\":[0,0],", "[1,0]", "null", "-1", "{", "}", "\""];

/// Bytes made of one of the seeds: cut, doubled, repeated, mixed with another one, with words put in.
fn mutate(choices: &mut Choices, seeds: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
    let mut bytes = seeds.get(choices.below(seeds.len())).cloned().unwrap_or_default();
    for _ in 0..choices.between(1, 6) {
        let at = choices.below(bytes.len() + 1);
        let end = (at + choices.below(64)).min(bytes.len());
        match choices.below(10) {
            0 | 1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << choices.below(8);
                }
            }
            2 => drop(bytes.drain(at..end)),
            3 => {
                let part = bytes.get(at..end).unwrap_or_default().to_vec();
                let to = choices.below(bytes.len() + 1);
                bytes.splice(to..to, part);
            }
            4 => {
                let other = seeds.get(choices.below(seeds.len())).map(Vec::as_slice).unwrap_or_default();
                let from = choices.below(other.len() + 1);
                let part = other.get(from..(from + choices.below(400)).min(other.len())).unwrap_or_default();
                bytes.splice(at..end, part.iter().copied());
            }
            5 if choices.one_in(20) => {
                let part = bytes.get(at..end).unwrap_or_default().repeat(1 << choices.below(12));
                bytes.splice(at..at, part);
            }
            6 => bytes.truncate(at),
            7 => bytes.insert(at, u8::try_from(choices.below(256)).unwrap_or(0)),
            _ if words.is_empty() => bytes.push(u8::try_from(choices.below(256)).unwrap_or(0)),
            _ => {
                let word = choices.pick(words).as_bytes().to_vec();
                bytes.splice(at..at, word);
            }
        }
    }
    bytes
}
