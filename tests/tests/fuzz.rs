//! Bytes into every function that takes them from outside. `cargo xtask fuzz` goes on for longer.

use statewright_tests::fuzz::{self, TARGETS};

fn rounds(name: &str, rounds: u64) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("the targets are named");
    let seeds = target.seeds();
    for seed in &seeds {
        target.run(seed);
    }
    for round in 0..rounds {
        target.run(&target.input(&seeds, round));
    }
}

#[test]
fn definitions() {
    rounds("definition", 1500);
}

#[test]
fn paths() {
    rounds("path", 20_000);
}

#[test]
fn templates() {
    rounds("template", 15_000);
}

#[test]
fn expressions() {
    rounds("expression", 30_000);
}

#[test]
fn evaluations() {
    rounds("evaluation", 20_000);
}

#[test]
fn events() {
    rounds("events", 120);
}

#[test]
fn checkpoints() {
    rounds("checkpoint", 2500);
}

/// Text nested 200,000 deep, closed and not.
#[test]
fn what_is_nested_too_deep_is_refused() {
    const DEEP: usize = 200_000;
    for (open, close) in
        [("[", "]"), ("{\"a\":", "}"), ("{", "}"), ("- ", ""), ("? ", ""), ("a: {", "}"), ("&a [", "]"), ("(", ")"), ("!", "")]
    {
        let (open, close) = (open.repeat(DEEP), close.repeat(DEEP));
        for text in [open.clone(), format!("{open}{close}"), format!("{open}1{close}")] {
            let whole = format!("{{\"StartAt\":\"A\",\"States\":{{\"A\":{{\"Type\":\"Pass\",\"Result\":{text},\"End\":true}}}}}}");
            for text in [&text, &whole] {
                fuzz::definition(text.as_bytes());
                fuzz::template(text.as_bytes());
            }
        }
    }
    let mut machine = r#"{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}"#.to_owned();
    for level in 0..200 {
        machine =
            format!(r#"{{"StartAt":"P{level}","States":{{"P{level}":{{"Type":"Parallel","Branches":[{machine}],"End":true}}}}}}"#);
        if level % 10 == 0 {
            fuzz::definition(machine.as_bytes());
        }
    }
    for condition in [r#"{"Not":"#, r#"{"And":["#] {
        let rules = condition.repeat(DEEP);
        fuzz::definition(format!(r#"{{"StartAt":"A","States":{{"A":{{"Type":"Choice","Choices":[{rules}"#).as_bytes());
    }
}

#[test]
fn paths_that_explode_are_refused_or_end() {
    for text in [
        "$".to_owned() + &"..*".repeat(100),
        "$".to_owned() + &"..*".repeat(200_000),
        "$".to_owned() + &".a".repeat(200_000),
        "$".to_owned() + &"[*]".repeat(100_000),
        "$".to_owned() + &"[?(@.a)]".repeat(50_000),
        "$[?(".to_owned() + &"(".repeat(200_000),
        "$[?(".to_owned() + &"!".repeat(200_000) + "@.a)]",
        "$[?(".to_owned() + &"@.a || ".repeat(100_000) + "@.b)]",
        "$[?(@.s =~ /".to_owned() + &"(a*)*".repeat(1000) + "b/)]",
        "$[?(@.s =~ /(((x{1,999}){1,999}){1,999})/)]".to_owned(),
        "$[".to_owned() + &"0,".repeat(200_000) + "0]",
        "$['".to_owned() + &"a','".repeat(200_000) + "a']",
        "States.Array(".repeat(200_000),
        "States.Array(".repeat(5000) + &")".repeat(5000),
        format!("States.Array({})", vec!["$..*"; 20_000].join(",")),
        format!("States.Format('{}', {})", "{}".repeat(5000), vec!["$"; 5000].join(",")),
        "States.ArrayRange(-9223372036854775807, 9223372036854775807, 1)".to_owned(),
        "States.ArrayRange(0, 999999999, 1)".to_owned(),
        "States.ArrayPartition(States.ArrayRange(1, 1000, 1), 1)".to_owned(),
        "States.Hash(States.JsonToString(States.ArrayRange(1, 1000, 1)), 'SHA-1')".to_owned(),
    ] {
        fuzz::path(text.as_bytes());
        fuzz::template(text.as_bytes());
    }
}

#[test]
fn large_definitions_are_read_or_refused() {
    const MIB: usize = 1 << 20;
    let pass = r#"{"Type":"Pass","End":true}"#;
    let states = |count: usize| {
        let mut text = r#"{"StartAt":"S0","States":{"#.to_owned();
        for at in 0..count {
            let next = at + 1;
            text += &format!(r#""S{at}":{{"Type":"Pass","Next":"S{next}"}},"#);
        }
        text + &format!(r#""S{count}":{pass}}}}}"#)
    };
    for text in [
        format!(r#"{{"Comment":"{}","StartAt":"A","States":{{"A":{pass}}}}}"#, "c".repeat(MIB)),
        format!(r#"{{"StartAt":"A","States":{{"A":{{"Type":"Pass","Result":[{}0],"End":true}}}}}}"#, "0,".repeat(MIB / 2)),
        states(MIB / 35),
        format!(r#"{{"StartAt":"A","States":{{{}}}}}"#, format!(r#""A":{pass},"#).repeat(MIB / 32)),
        format!(r#"{{"StartAt":"A","States":{{"A":{{"Type":"Choice","Choices":[{}],"Default":"A"}}}}}}"#, "{},".repeat(MIB / 3)),
        format!(r#"{{"StartAt":"A","States":{{"A":{{"Type":"Task","Resource":"{}","End":true}}}}}}"#, "${A}".repeat(MIB / 4)),
        " ".repeat(MIB),
        "\u{feff}".repeat(MIB / 3),
        "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned() + &bomb(),
        "- ".repeat(MIB / 2),
        "k: v\n".repeat(MIB / 5),
    ] {
        fuzz::definition(text.as_bytes());
    }
}

/// YAML that says little and means much.
fn bomb() -> String {
    let mut text = String::new();
    for level in 1..30 {
        let (name, below) = (char::from(b'a' + level % 26), char::from(b'a' + (level - 1) % 26));
        text += &format!("{name}: &{name} [*{below},*{below},*{below},*{below},*{below},*{below},*{below},*{below},*{below}]\n");
    }
    text
}
