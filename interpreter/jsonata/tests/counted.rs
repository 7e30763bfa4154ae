//! What an evaluation is charged for, to the last step, level and byte: what changes here changes what the limits mean.

use statewright_jsonata::{Expression, Limits, NoHost, Outcome, Scope};
use statewright_value::Value;

fn states() -> Value {
    let item = |n: u32| {
        let price = f64::from(n * 7 % 100) + 0.5;
        serde_json::json!({
            "id": n, "name": format!("item-{n}"), "price": price, "qty": n % 5, "cat": format!("c{}", n % 10),
            "l": [1, {"a": n}], "big": "x".repeat(300),
        })
    };
    let items: Vec<_> = (0..40).map(item).collect();
    let input = serde_json::json!({"n": 1, "name": "w", "flag": true, "nul": null, "o": {"p": [1, 2, {"q": 3}]}, "items": items});
    Value::from(serde_json::json!({ "input": input }))
}

/// The least of a limit with which an evaluation ends as it does with plenty.
fn least(plenty: u64, ends_the_same: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, plenty);
    while low < high {
        let middle = u64::midpoint(low, high);
        if ends_the_same(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

#[test]
fn steps_levels_and_bytes_are_counted() {
    let states = states();
    for (text, steps, depth, bytes) in [
        ("$states.input.n + 1", 9, 3, 0),
        ("$states.input.o.p[2].q * 2 > 3 and $states.input.flag", 23, 5, 0),
        ("$states.input.items[price > 50 and qty = 3]", 466, 5, 40),
        ("$states.input.items[cat = 'c3' or qty in [1, 2]].name", 1535, 5, 320),
        ("$map($states.input.items, function($v) { $v.price * $v.qty })", 1127, 4, 384),
        ("$map($states.input.items, function($v, $i, $a) { $v.price * $i + $count($a) })", 1927, 5, 384),
        ("items.{'id': id, 'total': price * qty}", 2504, 5, 2560),
        ("$sort(items, function($a, $b) { $a.price > $b.price })", 531, 3, 384),
        ("$sort(items, function($a, $b) { $a.price - $b.price > 0 })", 3960, 5, 384),
        ("items{cat: $sum(price)}", 1214, 4, 816),
        ("$reduce(items.price, function($a, $v) { $a + $v })", 791, 3, 384),
        ("$reduce(items.name, function($a, $v) { $a & $v })", 1247, 3, 917),
        ("$filter(items, function($v) { $v.price > 10 and ($v.qty = 2 or $v.qty = 3) })", 1607, 7, 192),
        ("items^(price).id", 673, 3, 640),
        ("$sum(items.(price * qty))", 759, 6, 640),
        ("$join(items.(name & '=' & $string(qty)), ',')", 2974, 7, 739),
        ("$merge(items)", 2618, 3, 2256),
        ("($f := function($n){ $n = 0 ? 0 : $f($n - 1) }; $f(50))", 510, 5, 64),
        ("($s := 5; $map([1..30], function($v) { ($w := $v * 2; $w + $s) }))", 1281, 6, 544),
        ("$map([1..5], function($v) { function($x) { $x + $v } }) ~> $map(function($f) { $f(10) })", 423, 5, 584),
        ("items.l.a + 1", 533, 3, 960),
        ("items[0].l.a + 1", 20, 3, 0),
        ("n < name", 9, 3, 0),
        ("nosuch = 1", 5, 3, 0),
        ("1/0 + 1", 7, 3, 0),
        ("1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1", 69, 22, 0),
        ("n > 0 ? name : nosuch", 12, 4, 0),
        ("$states.input.items.big & 'x'", 3576, 3, 24122),
        ("items.($y := big & 'z'; $y & $y)", 2784, 6, 25013),
    ] {
        let expression = Expression::compile(text).unwrap();
        let bindings = [("states", states.clone())];
        let evaluate = |limits: Limits| -> Result<Outcome, _> {
            let scope = Scope { input: states.get("input"), bindings: &bindings, limits, ..Scope::default() };
            expression.evaluate(&scope, &mut NoHost)
        };
        let plenty = Limits { depth: 100, bytes: 1_000_000, steps: 100_000 };
        let expected = evaluate(plenty);
        let same = |limits| match (&expected, evaluate(limits)) {
            (Ok(expected), Ok(found)) => *expected == found,
            (Err(expected), Err(found)) => expected.to_string() == found.to_string(),
            _ => false,
        };
        let narrow = |count: u64| usize::try_from(count).unwrap();
        let found = (
            least(plenty.steps, |steps| same(Limits { steps, ..plenty })),
            least(100, |depth| same(Limits { depth: u32::try_from(depth).unwrap(), ..plenty })),
            least(1_000_000, |bytes| same(Limits { bytes: narrow(bytes), ..plenty })),
        );
        assert_eq!(found, (steps, depth, bytes), "{text}");
    }
}
