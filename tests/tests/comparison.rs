//! The comparison with recorded executions, tested on the recordings themselves. They lie in the
//! folder that `STATEWRIGHT_RECORDED` names; without it these tests say that they skip.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::collections::HashMap;
use std::path::PathBuf;

use statewright_tests::conformance::{
    Case, Execution, Kind, Memory, Mutation, Observed, Options, Refusal, Rules, Run, Subject, as_answered, case_files,
    compare_execution, load_dir, load_file, mutants, plan, run_folder, variant,
};

fn folder() -> Option<PathBuf> {
    let folder = load_dir();
    if folder.is_none() {
        eprintln!("SKIPPED: STATEWRIGHT_RECORDED does not name a folder of recorded cases");
    }
    folder
}

fn has_answer(case: &Case, execution: &Execution) -> bool {
    matches!(case.kind, Kind::History | Kind::Output) && (execution.history.is_some() || execution.output.is_some())
}

fn cases() -> Vec<(Case, Rules)> {
    let Some(folder) = folder() else {
        return Vec::new();
    };
    let cases = case_files(&folder).unwrap().into_iter().map(|file| {
        let case = load_file(&file).unwrap();
        let rules = Rules::of(&case).unwrap();
        (case, rules)
    });
    cases.collect()
}

#[test]
fn every_recording_agrees_with_itself() {
    for (case, rules) in cases() {
        let mut memory = Memory::default();
        for (index, execution) in case.executions.iter().enumerate().filter(|(_, e)| has_answer(&case, e)) {
            let observed = as_answered(&case, &rules, index).unwrap();
            let found = compare_execution(&case, execution, &rules, &observed, &mut memory);
            assert!(found.is_empty(), "{} execution {index}: {}", case.id, found[0]);
        }
    }
}

#[test]
fn no_spoilt_recording_agrees() {
    let mut counts: HashMap<Mutation, usize> = HashMap::new();
    let mut agreed = Vec::new();
    for (case, rules) in cases() {
        let mut memory = Memory::default();
        for (index, execution) in case.executions.iter().enumerate().filter(|(_, e)| has_answer(&case, e)) {
            for mutant in mutants(&case, &rules, index) {
                let found = compare_execution(&case, execution, &rules, &mutant.observed, &mut memory.clone());
                if found.is_empty() {
                    agreed.push(format!("{} execution {index}: {:?} at {}", case.id, mutant.mutation, mutant.place));
                }
                *counts.entry(mutant.mutation).or_default() += 1;
            }
            let observed = as_answered(&case, &rules, index).unwrap();
            compare_execution(&case, execution, &rules, &observed, &mut memory);
        }
    }
    println!("{counts:?}");
    assert!(agreed.is_empty(), "{} spoilt answers agree:\n{}", agreed.len(), agreed.join("\n"));
}

/// Answers each run with its own recording.
struct Recordings(HashMap<(String, String, String), Observed>);

fn key(run: &Run) -> (String, String, String) {
    (run.execution_name.clone(), run.definition_text.clone(), run.input_text.clone())
}

impl Subject for Recordings {
    fn run(&self, run: &Run) -> Result<Observed, Refusal> {
        self.0.get(&key(run)).cloned().ok_or_else(|| Refusal::Refused("no such recording".to_owned()))
    }
}

#[test]
fn a_folder_run_with_its_own_recordings_passes() {
    let Some(folder) = folder() else { return };
    let mut recordings = Recordings(HashMap::new());
    for (case, rules) in cases() {
        for index in 0..case.executions.len() {
            if has_answer(&case, &case.executions[index]) {
                let run = plan(&case, &rules, index).unwrap();
                recordings.0.insert(key(&run), as_answered(&case, &rules, index).unwrap());
            }
        }
    }
    let options = Options { known: "none.toml".into(), ..Options::default() };
    let report = run_folder(&folder, &recordings, &options);
    assert_eq!(report.exit_code(), 0, "{report}");
    println!("{report}");
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let report = run_folder("no/such/folder".as_ref(), &Recordings(HashMap::new()), &Options::default());
    assert_eq!(report.exit_code(), 2);
    assert!(report.to_string().contains("`no/such/folder` cannot be read"), "{report}");
}

#[test]
fn every_renamed_recording_agrees_with_itself_and_is_another() {
    let (mut renamed, mut skipped, mut same) = (0, 0, 0);
    for (case, _) in cases() {
        if !matches!(case.kind, Kind::History | Kind::Output) {
            continue;
        }
        let variant = variant(&case);
        renamed += variant.renamed;
        skipped += variant.skipped.len();
        let rules = Rules::of(&variant.case).unwrap();
        let mut memory = Memory::default();
        for (index, execution) in variant.case.executions.iter().enumerate() {
            let original = &case.executions[index];
            same += usize::from(original.history == execution.history && original.output == execution.output);
            let observed = as_answered(&variant.case, &rules, index).unwrap();
            let found = compare_execution(&variant.case, execution, &rules, &observed, &mut memory);
            assert!(found.is_empty(), "{} execution {index}: {}", case.id, found[0]);
        }
    }
    println!("{renamed} names changed, {skipped} left; {same} recorded answers are the same");
}
