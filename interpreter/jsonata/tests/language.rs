//! What the official suite does not say: integers, sentences and places of errors, and the dialect of Step Functions.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use statewright_jsonata::{Answer, Error, Expression, HostFunction, NoHost, Outcome, Scope};
use statewright_value::Value;

fn eval(text: &str) -> Result<Outcome, Error> {
    let input = Value::parse(r#"{"big": 9007199254740993, "one": 1.0, "list": [1, 2, 3], "none": null}"#).unwrap();
    let scope = Scope { input: Some(&input), bindings: &[("states", input.clone())], ..Scope::default() };
    Expression::compile(text)?.evaluate(&scope, &mut NoHost)
}

#[test]
fn values() {
    for (text, expected) in [
        ("big", "9007199254740993"),
        ("big + 1", "9007199254740994"),
        ("9223372036854775807", "9223372036854775807"),
        ("9223372036854775807 + 1 > 9223372036854775807", "true"),
        ("$string(9223372036854775807)", "\"9223372036854775807\""),
        ("$string(999999999999999868928)", "\"999999999999999900000\""),
        ("$string(1e21)", "\"1e+21\""),
        ("6 / 2", "3"),
        ("7 / 2", "3.5"),
        ("0.5 * 4", "2"),
        ("one", "1.0"),
        ("one = 1", "true"),
        ("-7 % 3", "-1"),
        ("1 / 0", "\"Infinity\""),
        ("[1 / 0]", "[\"Infinity\"]"),
        ("$states.list[-1]", "3"),
        ("$states.list[[0, 2]]", "[1,3]"),
        ("$string($string) & 'x'", "\"x\""),
        ("'a' < 'b' and not_there = null", "false"),
        ("{'f': $uppercase}.f('x')", "\"X\""),
        ("[$sum, $max][1]([1, 5])", "5"),
        ("$match('a💩b', /b/).index", "3"),
        ("$substring('a💩b', 2)", "\"b\""),
        // What is appended to is a sequence no longer: one item stays an array.
        ("$append(5, [])", "[5]"),
        // The call that ends a function's body answers a caller that is a function as it is, with its sequence not taken apart.
        ("$map([1, 2], function($i) { $keys({}) })", "[[],[]]"),
        ("$map([1, 2], function($i) { $lookup([{'a': $i}], 'a') })", "[[1],[2]]"),
        ("$map([1, 2], function($i) { $lookup([{}], 'a') })", "[[],[]]"),
        ("$map([1, 2], function($i) { $spread({}) })", "[[],[]]"),
        ("$map([1, 2], function($i) { $match('a', /b/) })", "[[],[]]"),
        // Between functions that follow each other it is.
        ("($f := $keys ~> $type; $f({'a': 1}))", "\"string\""),
        // Partial application looks at the body of a function, not at its signature.
        ("($p := function($a, $b)<ns:a> { [$a, $b] }; $q := $p(1, ?); $q(0))", "[1,0]"),
        // Integers are exact.
        ("$formatInteger(9007199254740993, '0')", "\"9007199254740993\""),
        ("$formatInteger(-9223372036854775807, '#,##0')", "\"-9,223,372,036,854,775,807\""),
        ("$formatNumber(9007199254740993, '0')", "\"9007199254740993\""),
        ("$formatNumber(-9007199254740993, '#,##0.00')", "\"-9,007,199,254,740,993.00\""),
        ("$parseInteger('9007199254740993', '0')", "9007199254740993"),
        ("$parseInteger('9,007,199,254,740,993', '#,##0')", "9007199254740993"),
        ("$formatBase(9007199254740993, 16)", "\"20000000000001\""),
        ("$formatBase(1e39, 16)", "\"2f050fe938943a0000000000000000000\""),
        ("$formatBase(1e22, 36)", "\"1mmfb877tu0o6ps\""),
        ("$formatBase(-18446744073709551616, 2)", "\"-10000000000000000000000000000000000000000000000000000000000000000\""),
        ("$formatBase(1/0, 2)", "\"Infinity\""),
        ("$formatBase(-1/0, 2)", "\"-Infinity\""),
        // Case is that of JavaScript: by the capital, which is one character, and never ASCII for another.
        ("$contains('ς', /Σ/i)", "true"),
        ("$contains('σ', /[ς]/i)", "true"),
        ("$contains('µ', /[Μ]/i)", "true"),
        ("$contains('ſ', /\\w/i)", "false"),
        ("$contains('\u{212a}', /k/i)", "false"),
        ("$contains('ẞ', /ß/i)", "false"),
        ("$contains('İ', /i/i)", "false"),
        ("$contains('É', /[é]/i)", "true"),
        // A regular expression may match nothing, but once only.
        ("$contains('', /^\\s*$/)", "true"),
        ("$contains('abc', /x*/)", "true"),
        ("$match('', /.*/)", "{\"match\":\"\",\"index\":0,\"groups\":[]}"),
        ("$match('a💩', /()$/)", "{\"match\":\"\",\"index\":3,\"groups\":[\"\"]}"),
        ("$replace('abc', /$/, '!')", "\"abc!\""),
        ("$replace('', /^\\s*$/, 'none')", "\"none\""),
        ("$replace('abc', /$/, function($m) { $string($m.start) })", "\"abc3\""),
        ("$split('abc', /$/)", "[\"abc\",\"\"]"),
        ("/^/('abc').match", "\"\""),
        ("/$/('abc', 3).start", "3"),
        ("$type(/$/('abc').next)", "\"function\""),
        ("$count(/$/('abc', 4))", "0"),
        ("$count(/$/('abc').next())", "0"),
        ("$count(nothing[0][$error('a predicate on what a predicate left nothing of')])", "0"),
    ] {
        match eval(text) {
            Ok(Outcome::Value(value)) => assert_eq!(value.to_string(), expected, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    assert_eq!(eval("$uppercase").unwrap(), Outcome::Function);
    assert_eq!(eval("list.nothing").unwrap(), Outcome::Nothing);
}

#[test]
fn errors_have_sentences_and_places() {
    for (text, expected, position) in [
        ("$sum(['a'])", "T0412: Argument 1 of function \"sum\" must be an array of \"numbers\"", 4),
        ("1 + 'a'", "T2002: The right side of the \"+\" operator must evaluate to a number", 2),
        ("$nothing(1)", "T1006: Attempted to invoke a non-function", 8),
        ("uppercase('a')", "T1005: Attempted to invoke a non-function. Did you mean $uppercase?", 9),
        ("1 2", "S0201: Syntax error: 2", 2),
        ("1 '2'", "S0201: Syntax error: \"2\"", 2),
        ("(1 2", "S0202: Expected \")\", got 2", 3),
        ("(1 + 2", "S0203: Expected \")\" before end of expression", 6),
        ("[1, 2)", "S0202: Expected \"]\", got \")\"", 5),
        ("a ?? b", "S0211: The symbol \"?\" cannot be used as a unary operator", 3),
        ("'abc", "S0101: String literal must be terminated by a matching quote", 0),
        ("1 < 'a'", "T2009: The values 1 and \"a\" either side of operator \"<\" must be of the same data type", 2),
        (
            "$formatNumber(1, 'x')",
            "D3086: The sub-picture must not contain a passive character that is preceded by an active character and that is followed \
            by another active character",
            13,
        ),
        // What matches nothing for the second time would do so for ever, and that time comes even where a limit leaves no room for it.
        ("$match('abc', /^/)", "D1004: Regular expression matches zero length string", 6),
        ("$match('aab', /a*/)", "D1004: Regular expression matches zero length string", 6),
        ("$match('aab', /a*/, 1)", "D1004: Regular expression matches zero length string", 6),
        ("$split('aab', /a*/, 1)", "D1004: Regular expression matches zero length string", 6),
        ("$replace('abc', /^/, '!')", "D1004: Regular expression matches zero length string", 8),
        ("$replace('abc', /^/, '!', 1)", "D1004: Regular expression matches zero length string", 8),
        ("$replace('abc', /^/, function($m) { $error('of the first') })", "D3137: of the first", 42),
        ("/^/('abc').next()", "D1004: Regular expression matches zero length string", 15),
        ("$error('')", "D3137: $error() function evaluated", 6),
        ("$error(nothing)", "D3137: $error() function evaluated", 6),
        ("$assert(false, '')", "D3141: $assert() statement failed", 7),
        ("$error('stop')", "D3137: stop", 6),
        ("$eval('1')", "T1006: Attempted to invoke a non-function", 5),
        // A predicate is asked even about nothing.
        ("nothing[$error('asked')]", "D3137: asked", 14),
        // So have bounds that are reached.
        (
            "($f := function($n) { 1 + $f($n) }; $f(1))",
            "Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive",
            28,
        ),
    ] {
        let error = eval(text).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.position()), (expected, Some(position)), "{text}");
    }
}

#[test]
fn expressions_are_shared_between_threads_and_hosts_add_functions() {
    fn shared<T: Send + Sync>(_: &T) {}
    static DOUBLE: [HostFunction; 1] = [HostFunction::new("twice", "<n-:n>", 1, |_, args| {
        let number = args.first().and_then(Option::as_ref).and_then(Value::as_i64).unwrap_or(0);
        Ok(Answer::Value(Value::from(number * 2)))
    })];
    let expression = Expression::compile("$map([1, 2], $twice)").unwrap();
    shared(&expression);
    let scope = Scope { functions: &[&DOUBLE], ..Scope::default() };
    let outcome = expression.evaluate(&scope, &mut NoHost).unwrap();
    assert_eq!(outcome.into_value().unwrap().to_string(), "[2,4]");
}
