//! Conformance with recorded executions: a folder of cases, each a definition, an input and the
//! history the real service wrote, is run through an interpreter and the histories are compared.
//!
//! The module knows nothing of the interpreter. Whoever runs it implements [`Subject`] and calls
//! [`run_folder`]:
//!
//! ```no_run
//! use statewright_tests::conformance::{Observed, Options, Refusal, Run, Subject, run_folder};
//!
//! struct Nothing;
//!
//! impl Subject for Nothing {
//!     fn run(&self, _run: &Run) -> Result<Observed, Refusal> {
//!         Err(Refusal::NotYet("everything".to_owned()))
//!     }
//! }
//!
//! let report = run_folder("cases".as_ref(), &Nothing, &Options::default());
//! print!("{report}");
//! std::process::exit(report.exit_code());
//! ```

mod calls;
mod case;
mod compare;
mod known;
mod matching;
mod normalise;
mod plan;
mod runner;
mod selftest;
mod variant;

pub use calls::{Call, Part, Reference, Response, Script, Session};
pub use case::{Binding, Case, CaseError, Execution, Kind, Machine, Pattern, Replay, ReplayTask};
pub use case::{case_files, load_dir, load_file};
pub use compare::{Difference, compare_execution};
pub use known::{Cause, KnownDifference, KnownDifferences, KnownError};
pub use matching::{Memory, Rules, Substitution};
pub use plan::{Expectation, FailKind, Outcome, Run, ScriptedTask, Stop, expectation, plan};
pub use runner::{CallsResult, ExecutionResult, Options, Report, Tally, Verdict, run_folder};
pub use selftest::{Mutant, Mutation, as_answered, mutants};
pub use variant::{Variant, variant};

/// An interpreter, as the conformance run sees it.
pub trait Subject {
    /// Runs one execution to its end on virtual time, handing out the scripted outcomes.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] where the interpreter does not do what the definition asks, or refuses it.
    fn run(&self, run: &Run) -> Result<Observed, Refusal>;

    /// A host with nothing in it, for the calls of one case; `None` where the API is not to be tested.
    fn open(&self) -> Option<Box<dyn Session>> {
        None
    }
}

/// What an interpreter did with a [`Run`].
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// The answer of `GetExecutionHistory`, `{"events": [...]}`; `input`, `output`, `parameters`
    /// and `cause` are strings, as the service sends them.
    pub history: serde_json::Value,
    /// The execution's output as JSON text, if it succeeded.
    pub output: Option<String>,
    /// The execution's status: `SUCCEEDED`, `FAILED`, `ABORTED`, `TIMED_OUT` or `RUNNING`.
    pub status: String,
}

/// Why an interpreter did not run an execution.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The interpreter says that it does not do this yet. Accepted where the execution is not among
    /// those that must agree.
    #[error("not yet: {0}")]
    NotYet(String),
    /// It refused the definition or the run. Always a failure.
    #[error("refused: {0}")]
    Refused(String),
}
