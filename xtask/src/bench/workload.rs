//! The workloads: those of the API benchmark, and each with other names and values.

use std::fmt::Write as _;

/// A machine, its input, and what must come out.
pub(super) struct Workload {
    pub(super) name: &'static str,
    pub(super) definition: String,
    pub(super) input: String,
    pub(super) expected: String,
    /// State transitions, counted as the service bills them.
    pub(super) transitions: u32,
    /// Events of the history.
    pub(super) events: usize,
    pub(super) relaxed: bool,
    /// Runs in one batch.
    pub(super) rounds: u32,
}

/// Names that depend on a seed: the seed 0 has the plain ones.
fn named(seed: u32, plain: &str) -> String {
    if seed == 0 { plain.to_owned() } else { format!("{}_{:x}", plain, seed.wrapping_mul(2_654_435_761) ^ plain.len() as u32) }
}

/// A chain of Pass states, each writing one member of a document of 1 KB.
pub(super) fn pass_chain(seed: u32) -> Workload {
    const STATES: u32 = 500;
    let (state, member) = (named(seed, "P"), named(seed, "last"));
    let mut states = String::new();
    for n in 0..STATES {
        let comma = if n == 0 { "" } else { "," };
        let next = if n + 1 == STATES { r#""End":true"#.to_owned() } else { format!(r#""Next":"{state}{}""#, n + 1) };
        let _ = write!(states, r#"{comma}"{state}{n}":{{"Type":"Pass","Result":{n},"ResultPath":"$.{member}",{next}}}"#);
    }
    let mut lines = String::new();
    for n in 0..16 {
        let comma = if n == 0 { "" } else { "," };
        let _ = write!(lines, r#"{comma}{{"sku":"sku-{n:04}","qty":{n},"price":{:.2}}}"#, f64::from(n + seed) * 1.25);
    }
    let (order, lines_name) = (named(seed, "order"), named(seed, "lines"));
    let body =
        format!(r#""{order}":{{"id":"o-000017","customer":{{"name":"C-{seed}","tags":["a","b","c"]}}}},"{lines_name}":[{lines}]"#);
    let padding = "x".repeat(1000_usize.saturating_sub(body.len()));
    let body = format!(r#"{body},"note":"{padding}""#);
    Workload {
        name: "pass_chain",
        definition: format!(r#"{{"StartAt":"{state}0","States":{{{states}}}}}"#),
        input: format!("{{{body}}}"),
        expected: format!(r#"{{{body},"{member}":{}}}"#, STATES - 1),
        transitions: STATES,
        events: 2 + 2 * STATES as usize,
        relaxed: false,
        rounds: 100,
    }
}

/// A Pass chain that changes nothing: what its checkpoints cost is not their payloads.
pub(super) fn idle_chain() -> Workload {
    let chain = pass_chain(0);
    let definition = chain.definition.replace(r#","ResultPath":"$.last""#, r#","ResultPath":null"#);
    Workload { definition, expected: chain.input.clone(), ..chain }
}

/// A Choice and a Pass with `States.MathAdd`, 2,000 rounds.
pub(super) fn choice_loop(seed: u32) -> Workload {
    let rounds = 2000 - seed;
    let (check, add, done, counter) = (named(seed, "Check"), named(seed, "Inc"), named(seed, "Done"), named(seed, "i"));
    Workload {
        name: "choice_loop",
        definition: format!(
            r#"{{"StartAt":"{check}","States":{{
                "{check}":{{"Type":"Choice","Choices":[{{"Variable":"$.{counter}","NumericLessThan":{rounds},"Next":"{add}"}}],"Default":"{done}"}},
                "{add}":{{"Type":"Pass","Parameters":{{"{counter}.$":"States.MathAdd($.{counter}, 1)"}},"Next":"{check}"}},
                "{done}":{{"Type":"Succeed"}}}}}}"#
        ),
        input: format!(r#"{{"{counter}":0}}"#),
        expected: format!(r#"{{"{counter}":{rounds}}}"#),
        transitions: 2 * rounds + 2,
        events: 2 + 2 * (2 * rounds as usize + 2),
        relaxed: false,
        rounds: 20,
    }
}

/// The same loop in JSONata, its counter a variable.
pub(super) fn jsonata_loop(seed: u32) -> Workload {
    let rounds = 2000 - seed;
    let (init, check, add, done) = (named(seed, "Init"), named(seed, "Check"), named(seed, "Inc"), named(seed, "Done"));
    let (counter, member) = (named(seed, "i"), named(seed, "n"));
    Workload {
        name: "jsonata_loop",
        definition: format!(
            r#"{{"QueryLanguage":"JSONata","StartAt":"{init}","States":{{
                "{init}":{{"Type":"Pass","Assign":{{"{counter}":0}},"Next":"{check}"}},
                "{check}":{{"Type":"Choice","Choices":[{{"Condition":"{{% ${counter} < {rounds} %}}","Next":"{add}"}}],"Default":"{done}"}},
                "{add}":{{"Type":"Pass","Assign":{{"{counter}":"{{% ${counter} + 1 %}}"}},"Next":"{check}"}},
                "{done}":{{"Type":"Succeed","Output":{{"{member}":"{{% ${counter} %}}"}}}}}}}}"#
        ),
        input: "{}".to_owned(),
        expected: format!(r#"{{"{member}":{rounds}}}"#),
        transitions: 2 * rounds + 3,
        events: 2 + 2 * (2 * rounds as usize + 3),
        relaxed: false,
        rounds: 20,
    }
}

/// A chain of Choice states with five conditions in JSONata, of which the last holds, over an input of about so many bytes.
pub(super) fn five_conditions(seed: u32, bytes: usize) -> Workload {
    const STATES: u32 = 20;
    let (state, done, order, rows, kind) =
        (named(seed, "C"), named(seed, "Done"), named(seed, "order"), named(seed, "rows"), named(seed, "kind"));
    let row = |n: usize| format!(r#"{{"id":{n},"name":"row {n:06}","ok":true}}"#);
    let list = (0..bytes / row(0).len()).map(row).collect::<Vec<_>>().join(",");
    let condition = |text: String, next: &str| format!(r#"{{"Condition":"{{% {text} %}}","Next":"{next}"}}"#);
    let mut states = format!(r#""{done}":{{"Type":"Succeed","Output":"{{% ${kind} %}}"}}"#);
    for n in 0..STATES {
        let next = if n + 1 == STATES { done.clone() } else { format!("{state}{}", n + 1) };
        let conditions = [
            condition(format!("$states.input.{order}.total > 1000"), &done),
            condition(format!("$exists($states.input.{order}.none)"), &done),
            condition(format!("$count($states.input.{rows}) = 0"), &done),
            condition(format!("$states.context.State.Name = '{order}'"), &done),
            condition(format!("${kind} = 'b' and $states.input.{order}.id = 'o-{seed}'"), &next),
        ];
        let _ = write!(states, r#","{state}{n}":{{"Type":"Choice","Choices":[{}],"Default":"{done}"}}"#, conditions.join(","));
    }
    let start = named(seed, "Init");
    Workload {
        name: "five_conditions",
        definition: format!(
            r#"{{"QueryLanguage":"JSONata","StartAt":"{start}","States":{{
                "{start}":{{"Type":"Pass","Assign":{{"{kind}":"b"}},"Next":"{state}0"}},{states}}}}}"#
        ),
        input: format!(r#"{{"{order}":{{"id":"o-{seed}","total":17.5}},"{rows}":[{list}]}}"#),
        expected: r#""b""#.to_owned(),
        transitions: STATES + 2,
        events: 2 + 2 * (STATES as usize + 2),
        relaxed: false,
        rounds: 200,
    }
}

/// An inline Map with one Pass in each iteration.
pub(super) fn inline_map(seed: u32, items: u32) -> Workload {
    let (map, pass, list, n, v) = (named(seed, "M"), named(seed, "P"), named(seed, "items"), named(seed, "n"), named(seed, "v"));
    let array = |name: &str| (0..items).map(|item| format!(r#"{{"{name}":{}}}"#, item + seed)).collect::<Vec<_>>().join(",");
    Workload {
        name: "inline_map",
        definition: format!(
            r#"{{"StartAt":"{map}","States":{{"{map}":{{"Type":"Map","ItemsPath":"$.{list}","MaxConcurrency":0,
                "ItemProcessor":{{"ProcessorConfig":{{"Mode":"INLINE"}},"StartAt":"{pass}","States":{{
                "{pass}":{{"Type":"Pass","Parameters":{{"{v}.$":"$.{n}"}},"End":true}}}}}},"End":true}}}}}}"#
        ),
        input: format!(r#"{{"{list}":[{}]}}"#, array(&n)),
        expected: format!("[{}]", array(&v)),
        transitions: items + 1,
        events: 6 + 4 * items as usize,
        relaxed: items > 6000,
        rounds: if items > 6000 { 2 } else { 20 },
    }
}

/// Forty branches of ten Pass states.
pub(super) fn parallel(seed: u32) -> Workload {
    const BRANCHES: u32 = 40;
    const STATES: u32 = 10;
    let (top, branch, member) = (named(seed, "Par"), named(seed, "B"), named(seed, "b"));
    let branches: Vec<String> = (0..BRANCHES)
        .map(|b| {
            let states: Vec<String> = (0..STATES)
                .map(|n| {
                    let rest = if n + 1 == STATES {
                        format!(r#""Result":{{"{member}":{b}}},"End":true"#)
                    } else {
                        format!(r#""Next":"{branch}{b}P{}""#, n + 1)
                    };
                    format!(r#""{branch}{b}P{n}":{{"Type":"Pass",{rest}}}"#)
                })
                .collect();
            format!(r#"{{"StartAt":"{branch}{b}P0","States":{{{}}}}}"#, states.join(","))
        })
        .collect();
    let results: Vec<String> = (0..BRANCHES).map(|b| format!(r#"{{"{member}":{b}}}"#)).collect();
    Workload {
        name: "parallel",
        definition: format!(
            r#"{{"StartAt":"{top}","States":{{"{top}":{{"Type":"Parallel","Branches":[{}],"End":true}}}}}}"#,
            branches.join(",")
        ),
        input: format!(r#"{{"x":{}}}"#, seed + 1),
        expected: format!("[{}]", results.join(",")),
        transitions: BRANCHES * STATES + 1,
        events: 6 + 2 * (BRANCHES * STATES) as usize,
        relaxed: false,
        rounds: 50,
    }
}

/// Twenty Pass states over a document of 200 KiB: `InputPath`, `ResultPath` and `Parameters` in turn.
pub(super) fn big_payload(seed: u32) -> Workload {
    const STATES: u32 = 20;
    let (state, data, meta) = (named(seed, "S"), named(seed, "data"), named(seed, "meta"));
    let mut rows = Vec::new();
    let mut bytes = 0;
    while bytes < 200 * 1024 {
        let n = rows.len() + seed as usize;
        let row = format!(r#"{{"id":{n},"name":"row {n:06}","ok":true,"vals":[{n},1.5,null,"abc"]}}"#);
        bytes += row.len() + 1;
        rows.push(row);
    }
    let states: Vec<String> = (0..STATES)
        .map(|n| {
            let fields = match n % 3 {
                0 => format!(r#""InputPath":"$.{data}","ResultPath":"$.{data}""#),
                1 => format!(r#""InputPath":"$.{meta}","ResultPath":"$.copy""#),
                _ => format!(r#""Parameters":{{"{data}.$":"$.{data}","{meta}.$":"$.{meta}","tag":{n}}}"#),
            };
            let next = if n + 1 == STATES { r#""End":true"#.to_owned() } else { format!(r#""Next":"{state}{}""#, n + 1) };
            format!(r#""{state}{n}":{{"Type":"Pass",{fields},{next}}}"#)
        })
        .collect();
    let (rows, small) = (rows.join(","), r#"{"k":"v","n":[1,2,3]}"#);
    Workload {
        name: "big_payload",
        definition: format!(r#"{{"StartAt":"{state}0","States":{{{}}}}}"#, states.join(",")),
        input: format!(r#"{{"{data}":{{"rows":[{rows}]}},"{meta}":{small}}}"#),
        expected: format!(r#"{{"tag":17,"{data}":{{"rows":[{rows}]}},"{meta}":{small},"copy":{small}}}"#),
        transitions: STATES,
        events: 2 + 2 * STATES as usize,
        relaxed: false,
        rounds: 4,
    }
}
