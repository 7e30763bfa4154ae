//! The rule table itself: what it names is there, and what names it is in it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use fancy_regex::Regex;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// The name by which source files refer to it.
    id: String,
    /// `asl §7`, `history §9` or `api §4`: its place in the reference notes.
    section: String,
    /// What holds, in a sentence or two.
    rule: String,
    /// Where it is written down.
    source: String,
    /// The recorded cases that show it, by the end of their names.
    evidence: Vec<String>,
    /// What it rests on when no case shows it.
    basis: Option<Basis>,
    /// The tests that fail without it: binary, modules, function.
    tests: Vec<String>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Basis {
    /// The specification, the developer guide or the API model.
    Documentation,
    /// A public report that quotes the service.
    Report,
    /// Nobody says; the choice is ours.
    Ours,
}

fn table() -> Vec<Rule> {
    toml::from_str::<Table>(include_str!("../../rules.toml")).unwrap().rule
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The Rust files below a folder, with their texts.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            found.extend(sources(&path));
        } else if name.ends_with(".rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// The names of the tests in a file that is the module `module`, those in modules within it too.
fn tests_of(module: &str, text: &str) -> Vec<String> {
    let mut within = String::new();
    let mut is_test = false;
    let mut found = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim_start();
        let inner = line.strip_prefix("pub(crate) ").unwrap_or(line);
        if let Some(name) = inner.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(" {")) {
            within = format!("{name}::");
        } else if line == "}" {
            within.clear();
        }
        if let Some(name) = trimmed.strip_prefix("fn ").and_then(|rest| rest.split('(').next()).filter(|_| is_test) {
            found.push(format!("{module}{within}{name}"));
        }
        is_test = trimmed == "#[test]" || is_test && trimmed.starts_with('#');
    }
    found
}

/// The path of the module that a file is: `src/path/tests.rs` is `path::tests::`, `main.rs` nothing.
fn module_of(file: &Path) -> String {
    let names = file.with_extension("");
    let names = names.iter().map(|name| name.to_str().unwrap()).filter(|name| !matches!(*name, "main" | "mod" | "lib"));
    names.map(|name| format!("{name}::")).collect()
}

/// Every test there is: those in `tests/` by their binary, those beside the code by their crate.
fn all_tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (folder, prefix) in [
        ("tests/tests", ""),
        ("interpreter/tests", ""),
        ("interpreter/src", "statewright_interpreter::"),
        ("interpreter/value/src", "statewright_value::"),
        ("engine/integrations/src", "statewright_integrations::"),
    ] {
        let folder = root().join(folder);
        for (file, text) in sources(&folder) {
            let module = module_of(file.strip_prefix(&folder).unwrap());
            found.extend(tests_of(&format!("{prefix}{module}"), &text));
        }
    }
    found
}

#[test]
fn every_rule_has_tests_and_they_exist() {
    let tests = all_tests();
    let named: Vec<_> =
        table().into_iter().flat_map(|rule| rule.tests.into_iter().map(move |test| (rule.id.clone(), test))).collect();
    let missing: Vec<_> = named.iter().filter(|(_, test)| !tests.contains(test)).collect();
    assert!(missing.is_empty(), "no such tests: {missing:#?}");
    let without: Vec<_> = table().into_iter().filter(|rule| rule.tests.is_empty()).map(|rule| rule.id).collect();
    assert!(without.is_empty(), "rules without a test: {without:?}");
}

#[test]
fn every_test_of_a_rule_is_in_the_table() {
    let named: BTreeSet<_> = table().into_iter().flat_map(|rule| rule.tests).collect();
    let own = |test: &String| (test.starts_with("rules::") && !test.starts_with("rules::table::")) || test.starts_with("api::");
    let missing: Vec<_> = all_tests().into_iter().filter(|test| own(test) && !named.contains(test)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_row_is_complete_and_has_an_id_of_its_own() {
    let mut ids = BTreeSet::new();
    let is_id = Regex::new("^[a-z0-9]+(-[a-z0-9]+)*$").unwrap();
    let is_section = Regex::new("^(asl|history|api) §[0-9]+$").unwrap();
    for rule in table() {
        assert!(is_id.is_match(&rule.id).unwrap() && is_section.is_match(&rule.section).unwrap(), "{} {}", rule.id, rule.section);
        assert!(rule.rule.ends_with('.') && !rule.source.is_empty(), "{}", rule.id);
        assert_eq!(rule.evidence.is_empty(), rule.basis.is_some(), "{}: either evidence or a basis", rule.id);
        assert!(ids.insert(rule.id.clone()), "{} is there twice", rule.id);
    }
}

#[test]
fn every_section_of_the_reference_has_rules() {
    let sections: BTreeSet<_> = table().into_iter().map(|rule| rule.section).collect();
    let wanted = (1..=15).map(|n| format!("asl §{n}")).chain((3..=11).map(|n| format!("history §{n}")));
    // Of the API's sections 6 is TestState, and 9 to 11 are what hosts send elsewhere.
    let wanted = wanted.chain([1, 2, 3, 4, 5, 7, 8].map(|n| format!("api §{n}")));
    let missing: Vec<_> = wanted.filter(|section| !sections.contains(section)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// What a source file says of rules, comments that run over several lines joined.
fn rules_named_in(text: &str) -> Vec<String> {
    let joined = Regex::new(r"\s*\n\s*(//[/!]?)?\s*").unwrap().replace_all(text, " ").into_owned();
    let mention = Regex::new(r"rules? ((?:`[a-z0-9-]+`(?:, | and )?)+) (?:of|in) the rule table").unwrap();
    let id = Regex::new("`([a-z0-9-]+)`").unwrap();
    let mentions = mention.captures_iter(&joined).map(|found| found.unwrap()[1].to_owned());
    mentions.flat_map(|ids| id.captures_iter(&ids).map(|found| found.unwrap()[1].to_owned()).collect::<Vec<_>>()).collect()
}

#[test]
fn every_rule_that_a_source_file_names_is_in_the_table() {
    assert_eq!(rules_named_in("/// rules `a` and\n    /// `b-c` of the rule\n/// table"), ["a", "b-c"]);
    let ids: BTreeSet<_> = table().into_iter().map(|rule| rule.id).collect();
    let mut mentions = 0;
    for (file, text) in sources(&root()) {
        if file.ends_with("tests/tests/rules/table.rs") {
            continue;
        }
        for id in rules_named_in(&text) {
            assert!(ids.contains(&id), "{}: there is no rule `{id}`", file.display());
            mentions += 1;
        }
    }
    assert!(mentions >= 15, "only {mentions}");
}

/// The names of the recorded cases, if there is a folder of them.
fn case_ids() -> Option<Vec<String>> {
    let folder = statewright_tests::conformance::load_dir();
    let Some(folder) = folder else {
        eprintln!("SKIPPED: STATEWRIGHT_RECORDED does not name a folder of recorded cases");
        return None;
    };
    let files = statewright_tests::conformance::case_files(&folder).unwrap();
    Some(files.iter().map(|file| statewright_tests::conformance::load_file(file).unwrap().id).collect())
}

#[test]
fn the_cases_that_rules_rest_on_exist() {
    let Some(ids) = case_ids() else { return };
    for rule in table() {
        for evidence in &rule.evidence {
            let found = ids.iter().any(|id| id.rsplit("::").next() == Some(evidence));
            assert!(found, "{}: there is no case `{evidence}`", rule.id);
        }
    }
}

#[test]
fn only_tests_name_recorded_cases() {
    let Some(ids) = case_ids() else { return };
    let function = |id: &String| id.rsplit("::").next().and_then(|name| name.split('[').next()).map(str::to_owned);
    let names: BTreeSet<_> = ids.iter().filter_map(function).filter(|name| name.starts_with("test_")).collect();
    assert!(names.len() > 100);
    let word = Regex::new("[A-Za-z0-9_]+").unwrap();
    for (file, text) in sources(&root()) {
        let place = file.strip_prefix(root()).unwrap();
        if place.iter().any(|part| part == "tests") {
            continue;
        }
        let found: Vec<_> = word.find_iter(&text).map(|word| word.unwrap().as_str()).filter(|word| names.contains(*word)).collect();
        assert!(found.is_empty(), "{} names {found:?}", place.display());
    }
}
