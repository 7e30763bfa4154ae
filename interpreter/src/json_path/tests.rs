use super::*;

const DOCUMENT: &str = r#"{
    "a": {"b": {"c": 1}}, "list": [1, 2, 3, 4], "text": "hello", "null": null, "limit": 2, "a-b": 1, "name": "b",
    "items": [{"id": "a", "n": 1, "ok": true}, {"id": "b", "n": "2", "ok": false}, {"id": "c", "n": null}, {"id": "d", "x": {"y": 9}}]
}"#;

#[track_caller]
fn gives(path: &str, expected: &str) {
    let value = JsonPath::parse(path).unwrap().evaluate(&Value::parse(DOCUMENT).unwrap());
    assert_eq!(value.map(|value| value.to_string()), Ok(expected.to_owned()), "{path}");
}

#[track_caller]
fn misses(path: &str, message: &str) {
    let error = JsonPath::parse(path).unwrap().evaluate(&Value::parse(DOCUMENT).unwrap());
    assert_eq!(error, Err(PathError::NotFound(message.to_owned())), "{path}");
}

#[track_caller]
fn cannot(path: &str, message: &str) {
    let error = JsonPath::parse(path).unwrap().evaluate(&Value::parse(DOCUMENT).unwrap());
    assert_eq!(error, Err(PathError::Invalid(message.to_owned())), "{path}");
}

#[track_caller]
fn refuses(path: &str, message: &str, at: usize) {
    assert_eq!(JsonPath::parse(path).unwrap_err(), SyntaxError { message: message.to_owned(), at }, "{path}");
}

#[test]
fn a_definite_path_gives_one_value_or_an_error() {
    gives("$.a.b.c", "1");
    gives("$.null", "null");
    gives("a.b", r#"{"c":1}"#);
    gives("@.a['b'].c", "1");
    gives("$.list.[0]", "1");
    gives("$.list[(@.length-1)]", "4");
    gives("$.list[(@.size() - 2)]", "3");
    gives("$.items[3]x.y", "9");
    misses("$.NoSuchInputPath", "No results for path: $['NoSuchInputPath']");
    misses("$.a.b.x", "No results for path: $['a']['b']['x']");
    misses("$.no.such.result.path", "Missing property in path $['no']");
    misses("$.list.length()", "Property ['length()'] not found in path $['list']");
    misses("$.null.x", "Property ['x'] not found in path $['null']");
    misses("$.null[0]", "The path $['null'] is null");
    misses("$.list[4]", "Index out of bounds when evaluating path $['list'][4]");
    misses("$.list[-1]", "Index out of bounds when evaluating path $['list'][-1]");
    misses("$.list[(@.length-9)]", "Index out of bounds when evaluating path $['list'][-5]");
    cannot("$.text[0].x", "Filter: [0]['x'] can only be applied to arrays. Current context is: hello");
    cannot("$.a[0]", r#"Filter: [0] can only be applied to arrays. Current context is: {b={c=1}}"#);
}

#[test]
fn several_names_give_an_object_and_stand_last() {
    gives("$.a['b', 'x']", r#"{"b":{"c":1}}"#);
    gives("$['text','limit']", r#"{"text":"hello","limit":2}"#);
    gives("$.items.[*].['x','y']", r#"[{},{},{},{"x":{"y":9}}]"#);
    gives("$.items[*]['id','n']", r#"[{"id":"a","n":1},{"id":"b","n":"2"},{"id":"c","n":null},{"id":"d"}]"#);
    cannot("$['a', 'b'].v", "Multi properties can only be used as path leafs: $['a', 'b']");
    cannot("$.items[*]['id','n'].x", "Multi properties can only be used as path leafs: $['items'][0]['id', 'n']");
    misses("$.text['a','b']", "Property ['a', 'b'] not found in path $['text']");
}

#[test]
fn an_indefinite_path_gives_an_array() {
    gives("$.list[*]", "[1,2,3,4]");
    gives("$.none[*]", "[]");
    gives("$.none[1:].x", "[]");
    gives("$.none.such[*].x", "[]");
    gives("$.text[*]", "[]");
    gives("$.items[*].x.y", "[9]");
    gives("$.list[1:3]", "[2,3]");
    gives("$.list[-2:]", "[3,4]");
    gives("$.list[:-3]", "[1]");
    gives("$.list[0:]", "[1,2,3,4]");
    gives("$.list[:0]", "[]");
    gives("$.list[1:-1]", "[]");
    gives("$.list[0:4:2]", "[1,2,3,4]");
    gives("$.list[0,2]", "[1,3]");
    gives("$..c", "[1]");
    gives("$..id", r#"["a","b","c","d"]"#);
    misses("$.list[0,9]", "Index out of bounds when evaluating path $['list'][9]");
    misses("$.list[-1:2]", "Index out of bounds when evaluating path $['list'][-1]");
    misses("$.items[0:4].x", "No results for path: $['items'][0]['x']");
    misses("$..*.id", "No results for path: $['a']['id']");
    misses("$.items[2:3].n[0]", "The path $['items'][2]['n'] is null");
    misses("$.items[3:4].x.z.w", "Missing property in path $['items'][3]['x']['z']");
    cannot("$.a[1:5]", "Filter: [1:5] can only be applied to arrays. Current context is: {b={c=1}}");
}

#[test]
fn elements_of_an_array_forgive_what_is_missing_and_members_of_an_object_do_not() {
    let document = Value::parse(r#"{"a": [{"x": 1}, {}], "b": {"c": {}}}"#).unwrap();
    let evaluate = |path: &str| JsonPath::parse(path).unwrap().evaluate(&document).map(|value| value.to_string());
    assert_eq!(evaluate("$.a.*.x"), Ok("[1]".to_owned()));
    assert_eq!(evaluate("$.*.*.x"), Err(PathError::NotFound("No results for path: $['b']['c']['x']".to_owned())));
}

#[test]
fn an_index_behind_a_scan_takes_every_element_unless_it_is_the_last() {
    let document = Value::parse(r#"{"a": [{"x": 1}, {"x": 2}]}"#).unwrap();
    let evaluate = |path: &str| JsonPath::parse(path).unwrap().evaluate(&document).map(|value| value.to_string());
    assert_eq!(evaluate("$..[0].x"), Ok("[1,2]".to_owned()));
    assert_eq!(evaluate("$..[0]"), Ok(r#"[{"x":1}]"#.to_owned()));
}

#[test]
fn filters_compare_with_text() {
    gives("$.items[?(@.n == 1)].id", r#"["a"]"#);
    gives("$.items[?(@.n == '2')].id", r#"["b"]"#);
    gives("$.items[?(@.n != 1)].id", r#"["b","c"]"#);
    gives("$.items[?(@.n >= 1)].id", r#"["a","b"]"#);
    gives("$.items[?(@.n == null)].id", r#"["c"]"#);
    gives("$.items[?(@.ok == TRUE)].id", r#"["a"]"#);
    gives("$.items[?(@.ok != $.items[0].ok)].id", r#"["b"]"#);
    gives("$.items[?(@.id==b)].n", r#"["2"]"#);
    gives(r#"$.items[?(@.id == "b")].n"#, "[]");
    gives("$.items[?(@.id == $.name)].n", r#"["2"]"#);
    gives("$.items[?(@['id'] > 'b' && @.x)].id", r#"["d"]"#);
    gives("$.items[?(@.id == 'a' || @.id == 'c' && @.x)].id", r#"["a"]"#);
    gives("$.items[?((@.id == 'a' || @.id == 'c') && @.x)].id", r#"["a"]"#);
    gives("$.items[?(@.n)].id", r#"["a","b"]"#);
    gives("$.items[?(!@.n)].id", r#"["c","d"]"#);
    gives("$.items[?(@['id','n'])].id", r#"["a","b","c"]"#);
    gives("$.items[?(@.id =~ /[A-B]/i)].id", r#"["a","b"]"#);
    gives("$.items[?(@.id =~ /[A-B]/)].id", "[]");
    gives("$.items[?(@.n =~ /\\d/)].id", r#"["a","b"]"#);
    for text in ["(", ")", "[]", r"it\'s("] {
        gives(&format!("$.items[?(@.id != '{text}')].id"), r#"["a","b","c","d"]"#);
    }
    gives("$.items[?(@.id != /a/)].id", "[]");
    gives("$.items[?(@.id != /a/i)].id", "[]");
    gives("$.items[?(@.id != /a)].id", r#"["a","b","c","d"]"#);
    gives("$.items[?(@.id != /)].id", r#"["a","b","c","d"]"#);
    gives("$.items[?($.x)].id", r#"["d"]"#);
    gives("$.list[?(@ > $.limit)]", "[3,4]");
    gives("$.list[?(@ != 'null' && 1 == 1)]", "[1,2,3,4]");
    gives("$.items[?(@.x != 'a')]", "[]");
    gives("$.a[?(@.b)].b", r#"[{"c":1}]"#);
    gives("$.a[?(@.c)]", "[]");
    cannot("$.text[?(@.a)].b", "Filter: [?]['b'] can not be applied to primitives. Current context is: hello");
    cannot("$.list[?(@[0])]", "Filter: [0] can only be applied to arrays. Current context is: 1");
    cannot("$.list[?(@ == abc)]", "a filter compares a number with `abc`, which is no number");
}

#[test]
fn what_does_not_compile_is_refused_at_its_place() {
    refuses("", "path can not be null or empty", 0);
    refuses("  $.a b", "Space not allowed in path", 5);
    refuses("$.a..", "A path can not end with a scan.", 0);
    refuses("$.list[1:x]", "Could not analyze path component: [1:x]", 6);
    refuses("$.list[99999999999]", "For input string: \"99999999999\"", 6);
    refuses("$['a]b']", "Could not analyze path component: ['a]", 1);
    refuses("$['a[b]']", "a bracket inside a name: ['a[b]']", 1);
    refuses("$.a[?]", "Filter must start with '[?(' and end with ')]'. ", 5);
    refuses("$.a[?(@.b in [1])]", "Space not allowed in path", 9);
    refuses("$.a[?(@.b[*] == 1)]", "the predicate path: @.b[*] is not definite", 6);
    refuses("$.a[?(@.b == !@.c)]", "Invalid negation! Can only be used for existence check e.g [?(!@.foo)]", 13);
    refuses("$.a[?(b)]", "CriteriaType  can not be parsed", 6);
    refuses("$.a[?( (b))]", "CriteriaType  can not be parsed", 8);
    refuses("$.a[?(!$.b)]", "CriteriaType  can not be parsed", 6);
    refuses("$.a[?(@.b && )]", "CriteriaType  can not be parsed", 13);
    refuses("$.a[?(@.b =~ 'x')]", "`=~` needs a regular expression between slashes", 6);
    refuses("$.a[?(@.b == '[')].c", "Filter brackets are not balanced", 3);
    refuses("$.a[0]$", "`$` stands for the document only at the start of a path", 6);
    for path in
        ["$.a[?(@.b[?(@.c)])]", "$.a[?(@.b =~ /(/)]", "$.a[?(@.b =~ /(?=x)/)]", "$.a[?(@.b =~ /a{1000}{1000}/)]", "$x", "$.a["]
    {
        assert!(JsonPath::parse(path).is_err(), "{path}");
    }
    assert!(JsonPath::parse(&format!("${}", "[0]".repeat(STEPS_MAX))).is_ok());
    assert!(JsonPath::parse(&format!("${}", "[0]".repeat(STEPS_MAX + 1))).is_err());
    assert!(JsonPath::parse(&format!("${}{}", "[?(@".repeat(5_000), ")]".repeat(5_000))).is_err());
    assert!(JsonPath::parse(&format!("$.a[?(@.b =~ /{}/)]", "a".repeat(1_000))).is_ok());
    assert!(JsonPath::parse(&format!("$.a[?(@.b =~ /{}/)]", "a".repeat(1_001))).is_err());
    assert!(JsonPath::parse(&format!("$.{}", "a".repeat(32 * 1024 - 2))).is_ok());
    assert!(JsonPath::parse(&format!("$.{}", "a".repeat(32 * 1024 - 1))).is_err());
}

#[test]
fn a_path_that_takes_too_long_is_given_up() {
    let wide = Value::parse(&format!("[{}]", vec!["[[[1,2],[3,4]],[[5,6],[7,8]]]"; 4_000].join(","))).unwrap();
    let deep = Value::parse(&format!("{}1{}", r#"{"a":[[1],"#.repeat(60), "]}".repeat(60))).unwrap();
    let long = Value::parse(&format!(r#"{{"t":"{}","l":[{}]}}"#, "a".repeat(60_000), vec!["1"; 60_000].join(","))).unwrap();
    let scans = format!("${}", "..*".repeat(80));
    for (path, document) in [
        ("$..*..*..*..*", &deep),
        ("$..*..*..*..*..*..*", &deep),
        (&scans, &deep),
        ("$.l[?($.t == $['t'])]", &long),
        ("$.l[?($.t =~ /(a*)*b/)]", &long),
    ] {
        let error = JsonPath::parse(path).unwrap().evaluate(document).map(|value| value.measure());
        assert!(matches!(&error, Err(PathError::Refused(text)) if text.contains("1000000")), "{path}: {error:?}");
    }
    // Long texts are no reason, if there are few.
    let few = Value::parse(&format!(r#"{{"t":"{}","l":[1,1]}}"#, "a".repeat(60_000))).unwrap();
    for path in ["$.l[?($.t == $['t'])]", "$.l[?($.t =~ /(a*)*b?/)]"] {
        assert_eq!(JsonPath::parse(path).unwrap().evaluate(&few).unwrap().to_string(), "[1,1]", "{path}");
    }
    assert_eq!(JsonPath::parse("$..*").unwrap().evaluate(&wide).unwrap().as_array().unwrap().len(), 15 * 4_000);
}

/// Any text is a path or is refused: the expressions of the table, broken at random but always in the same way.
#[test]
fn no_text_makes_parsing_panic_or_hang() {
    let table = Value::parse(include_str!("../../tests/data/jayway-2.0.0-expected.json")).unwrap();
    let document = table.get("document").unwrap();
    let paths: Vec<&str> =
        table.get("cases").and_then(Value::as_array).unwrap().iter().filter_map(|case| case.get("path")?.as_str()).collect();
    let draws = crate::inputs::Draws::new(42, 0);
    let below = |limit: usize| usize::try_from(draws.next_u64() % limit.max(1) as u64).unwrap();
    let mut accepted = 0;
    for _ in 0..60_000 {
        let mut text = paths[below(paths.len())].as_bytes().to_vec();
        for _ in 0..=below(4) {
            let at = below(text.len() + 1);
            match below(5) {
                0 => text.insert(at, br"$@.[]()?*'\:,-0&|=<>!~/ i"[below(25)]),
                1 => text.insert(at, below(256).try_into().unwrap()),
                2 => drop(text.drain(at..(at + below(4)).min(text.len()))),
                3 => drop(text.splice(at..at, paths[below(paths.len())].bytes())),
                _ => text.truncate(at),
            }
        }
        let text = String::from_utf8_lossy(&text);
        if let Ok(path) = JsonPath::parse(&text) {
            accepted += 1;
            let value = path.evaluate(document);
            assert!(!path.is_definite() || path.evaluate_ref(document).is_none_or(|borrowed| borrowed.cloned() == value));
            assert!(path.is_definite() || value.is_err() || value.is_ok_and(|value| value.as_array().is_some()));
        }
        let _ = crate::path::Path::parse(&text);
        if let Ok(path) = crate::path::ReferencePath::parse(&text) {
            let changed = path.set(document, Value::from("!"));
            assert!(changed.is_err() || changed.is_ok_and(|changed| path.get(&changed) == Ok(&Value::from("!"))), "{text}");
        }
    }
    assert!(accepted > 5_000, "only {accepted} paths were evaluated");
}
