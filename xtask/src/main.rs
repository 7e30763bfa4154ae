//! The one door for everything a contributor does: `cargo xtask help`.

mod bench;
mod bootstrap;
mod check;
mod components;
mod conformance;
mod cost;
mod emulate;
mod fuzz;
mod mutants;
mod shell;
mod simulate;
mod test;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HELP: &str = "\
cargo xtask COMMAND

  test                     every test: unit, property, conformance, samples; ends with what was skipped
  check                    what a change must pass: format, clippy, documentation, the interpreter's purity
  with [COMMAND...]        run a command beside the components that tests need, as `test` does; without one, fetch them and try them
  bootstrap                builds the program of a deployment's functions, and puts it into infra/bootstrap
      --architecture NAME  arm64 or x86_64, if not this machine's own
  emulate [--stay]         the serverless host in an emulator of AWS: deploys it, and runs one order by the AWS command line
      --stay               leave it running, and say how to reach it
  conformance [DIR]        replay recorded executions and compare the histories
      --write OUT          leave the history that was produced for each execution in OUT
      --filter TEXT        only cases whose id contains TEXT
      --no-variants        only the cases as they are, not renamed
      --every-difference   the place of every difference, not only of each execution's first
      --crash              write down and restore the execution after every micro-step
      --host lambda        driven by the engine and kept in its journal, with a commit after every micro-step
      DIR is a folder of recorded cases; without it the environment's STATEWRIGHT_RECORDED
  simulate                 the serverless host in a world where things go wrong, from seeds
      --seeds END          the seeds before this one (10000)
      --from START         from this one on (0)
      --seed S             this one only
      --executions N       so many executions in the world of each (100)
      --read-back N        read each Nth commit of an execution back at once (1)
      --threads N          so many seeds at a time (as many as there are cores); what comes of them is the same
      --releases 1         the present release alone (3: others are deployed and rolled back meanwhile)
      --without NAME       without a mechanism: version, inbox, sweep, writer-id, lease, key-retention, refresh,
                           wake-before-commit, dispatch-after-commit; ends with the first seed that fails
  fuzz [TARGET...]         bytes into definition, path, template, expression, evaluation, events, checkpoint
      --seconds N          each for so long (60)
      --from N             from this round on
  mutants [OPTION...]      the code changed in every way cargo-mutants thinks of: how many changes the tests notice (hours)
      --file GLOB          only these files
      --shard K/N          only this part, K from 0
      --re REGEX           only mutants whose description matches; and the other options of `cargo mutants --list`
  jsonata-suite [DIR]      the cases of the official JSONata suite; without DIR those of STATEWRIGHT_JSONATA_SUITE
  jsonata-differential     our JSONata and another engine on generated expressions: equal, listed or different
      --cases N            so many cases (200000)
      --seed S             from this seed on (0)
  cost                     what executions cost on the serverless host, counted, beside Standard, Express and durable functions
      --only TEXT          only workloads whose name contains TEXT
  bench                    what a transition costs, beside the floor of the machine (release build, minutes)
  bench jsonata            what an expression costs, beside two other engines; one comes from npm and needs node
  bench runaway            how soon expressions without an end are stopped, and what memory they take
  bench host               what the host adds to tasks, how drivers scale, what a loop that has been woken often costs, in ratios
  bench bootstrap          the size of the functions' program, the oldest C library it runs on, its memory at a batch of ten, and the
                           processor time of its start
  help, COMMAND --help     this; what it says of one command

Exit codes: 0 all is well, 1 something differs or fails, 2 the call was wrong or something is missing.";

/// What the help of everything ends with.
const EXIT_CODES: &str = "Exit codes: 0 all is well, 1 something differs or fails, 2 the call was wrong or something is missing.";

/// What does what a command is for, given what stands behind the command.
type Run = fn(&[String]) -> anyhow::Result<ExitCode>;

/// The commands, and what does them.
const COMMANDS: [(&str, Run); 13] = [
    ("test", test::run),
    ("check", check::run),
    ("with", components::with),
    ("emulate", emulate::run),
    ("bench", bench::run),
    ("bootstrap", bootstrap::run),
    ("cost", cost::run),
    ("jsonata-suite", test::jsonata_suite),
    ("jsonata-differential", test::jsonata_differential),
    ("simulate", simulate::run),
    ("fuzz", fuzz::run),
    ("mutants", mutants::run),
    ("conformance", conformance::run),
];

/// What [`HELP`] says of a command.
fn help_of(command: &str) -> String {
    let mut is_of_it = false;
    let lines = HELP.lines().filter(|line| {
        // A command stands two blanks from the edge, what belongs to it farther in.
        match line.strip_prefix("  ") {
            Some(inner) if !inner.starts_with(' ') => is_of_it = inner.split(' ').next() == Some(command),
            Some(_) => {}
            None => is_of_it = false,
        }
        is_of_it
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether a command is asked for its help. What follows `with` is another program's.
fn asks_for_help(command: &str, arguments: &[String]) -> bool {
    let asked = if command == "with" { arguments.get(..1).unwrap_or_default() } else { arguments };
    asked.iter().any(|argument| argument == "--help" || argument == "-h")
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_else(|| "help".to_owned());
    let rest: Vec<String> = arguments.collect();
    if ["help", "--help", "-h"].contains(&&*command) {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let Some((_, run)) = COMMANDS.iter().find(|(name, _)| *name == command) else {
        eprintln!("xtask: there is no command `{command}`\n\n{HELP}");
        return ExitCode::from(2);
    };
    if asks_for_help(&command, &rest) {
        println!("cargo xtask COMMAND\n\n{}\n\n{EXIT_CODES}", help_of(&command));
        return ExitCode::SUCCESS;
    }
    run(&rest).unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::from(2)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_its_help_and_no_other_s() {
        for (command, _) in COMMANDS {
            let help = help_of(command);
            assert!(help.starts_with(&format!("  {command}")), "{command}: {help}");
            let others = COMMANDS.iter().filter(|(other, _)| *other != command);
            for (other, _) in others {
                assert!(!help.lines().any(|line| line.starts_with(&format!("  {other} "))), "{command}: {help}");
            }
        }
        assert!(help_of("simulate").ends_with("ends with the first seed that fails"));
        assert_eq!(help_of("bench").lines().count(), 6);
        assert!(HELP.ends_with(EXIT_CODES));
    }

    #[test]
    fn help_is_asked_for_anywhere_but_behind_another_program() {
        let asks = |command, arguments: &[&str]| {
            asks_for_help(command, &arguments.iter().map(|&argument| argument.to_owned()).collect::<Vec<_>>())
        };
        assert!(asks("simulate", &["--help"]) && asks("simulate", &["--seeds", "3", "-h"]) && asks("with", &["--help"]));
        assert!(!asks("with", &["aws", "--help"]) && !asks("check", &[]));
    }
}
