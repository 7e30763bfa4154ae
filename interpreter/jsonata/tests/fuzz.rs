//! Whatever the text is, compiling and evaluating it ends without a panic.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

use statewright_jsonata::{Expression, Limits, NoHost, Scope, aws};
use statewright_value::Value;

const SEEDS: &[&str] = &[
    "Account.Order[0].Product.{'name': `Product Name`, 'total': Price * Quantity}^(>total)[[0..1]]",
    "$map([1..5], function($v, $i, $a) { $v > 2 ? $string($v) & '-' & $i : $sum($a) })",
    "($f := λ($n)<n:n>{ $n <= 1 ? 1 : $n * $f($n - 1) }; $f(10))",
    "a.b@$x#$i.c.%.{ 'k': %.%.d, $string($i): $x.y[] }",
    "$ ~> |a.b|{'c': $.d * 2}, ['e', 'f']|",
    "$replace('abc-123', /(\\w+)-(\\d+)/i, '$2-$1') ~> $uppercase ~> $split('')",
    "$formatNumber(-1234.5678, '#,##0.00;(#,##0.00)', {'decimal-separator': ','})",
    "$fromMillis(1510067557121, '[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01].[f001][Z]', '+0530')",
    "$toMillis('Tuesday, 3rd March 2020', '[FNn], [D1o] [MNn] [Y]') + $parseInteger('twelve', 'w')",
    "items{category: $sum(price)} ~> $each(function($v, $k) { $k & '=' & $v }) ~> $join(', ')",
    "$merge([{'a': 1}, {'b': [1, 2, 3][-1]}]).**[$type($) = 'number' and $ in [1, 3]]",
    "$partition($range(0, 10, 2), 2).$hash($string($), 'MD5')",
    "$sort(['b', 'a'], function($l, $r) { $l > $r })[0] & $substring('héllo😀', -3, 2)",
    "/* comment */ -5 % 3 != 0 or null = false and \"\\u00e9\" < 'z'",
];

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }
}

fn mutated(random: &mut Random) -> String {
    let mut bytes = SEEDS[random.below(SEEDS.len())].as_bytes().to_vec();
    for _ in 0..=random.below(6) {
        let at = random.below(bytes.len());
        match random.below(6) {
            0 => bytes[at] = u8::try_from(random.below(128)).unwrap(),
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, b"()[]{}.,;:?@#%^&*|~/\\$'\"`<>=!+-019 a"[random.below(36)]),
            3 => {
                let other = SEEDS[random.below(SEEDS.len())].as_bytes();
                let (from, to) = (random.below(other.len()), random.below(other.len()));
                let part = other.get(from.min(to)..from.max(to)).unwrap();
                bytes.splice(at..at, part.iter().copied());
            }
            4 => bytes.truncate(at),
            _ => {
                let end = at + random.below(bytes.len() - at);
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
        }
        if bytes.is_empty() {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn mutated_expressions_end_without_a_panic() {
    let data = Value::parse(
        r#"{"Account": {"Order": [{"Product": [{"Product Name": "hat", "Price": 3.5, "Quantity": 2}]}]},
            "a": {"b": [{"c": 1, "d": 2}, {"c": [2, 3], "e": "f"}]}, "items": [{"category": "x", "price": 1}, {"category": "x", "price": 2}]}"#,
    )
    .unwrap();
    let limits = Limits { steps: 20_000, bytes: 1 << 20, ..Limits::AWS };
    let mut random = Random(4);
    let mut evaluated = 0;
    for _ in 0..300_000 {
        let text = mutated(&mut random);
        let Ok(expression) = Expression::compile(&text) else { continue };
        let _ = expression.references();
        let scope = Scope { input: Some(&data), functions: &[&aws::FUNCTIONS], limits, ..Scope::default() };
        if expression.evaluate(&scope, &mut NoHost).is_ok() {
            evaluated += 1;
        }
    }
    assert!(evaluated > 5_000, "only {evaluated} mutants had a value");
}
