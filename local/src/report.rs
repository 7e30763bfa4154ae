//! How a run ended: for people on standard error, for programs on standard output.

use std::io::{self, IsTerminal};
use std::time::Duration;

use statewright_interpreter::Value;
use statewright_interpreter::execution::Identity;
use statewright_interpreter::history::ErrorDetails;
use statewright_interpreter::payload::Document;
use statewright_interpreter::time::Timestamp;

use crate::duration::{grouped, human};
use crate::refusal::Refusal;
use crate::screen::{Paint, Screen, shortened, write_stdout};

/// How much of the output people see on standard error.
const OUTPUT_CHARACTERS: usize = 1000;

/// How much of an error's cause people see: nested executions quote one another's.
const CAUSE_CHARACTERS: usize = 4000;

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Who the execution was.
    pub(crate) identity: Identity,
    /// As the API spells it.
    pub(crate) status: &'static str,
    /// The output, if it has one.
    pub(crate) output: Option<Document>,
    /// The error, if there is one.
    pub(crate) error: ErrorDetails,
    /// The state after which the run was to stop, and did.
    pub(crate) stopped_after: Option<String>,
    /// Whether somebody interrupted it.
    pub(crate) interrupted: bool,
    /// When it started.
    pub(crate) started_at: Timestamp,
    /// When it ended.
    pub(crate) stopped_at: Timestamp,
    /// How many states were entered.
    pub(crate) states_entered: u64,
    /// How many transitions there were.
    pub(crate) transitions: u64,
    /// How long the run took.
    pub(crate) real_time: Duration,
    /// Whether that is also the time the execution took.
    pub(crate) on_real_clock: bool,
}

impl Ended {
    /// The exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        match (self.interrupted, self.status) {
            (true, _) => 130,
            (false, "SUCCEEDED") => 0,
            (false, _) => 1,
        }
    }

    /// Prints the last lines for people: what came out, and the summary.
    pub(crate) fn show(&self, screen: &Screen) {
        // On a terminal the output itself stands right below.
        if let Some(output) = self.output.as_ref().filter(|_| !io::stdout().is_terminal()) {
            let text = screen.paint(Paint::Plain, &shortened(&output.text(), OUTPUT_CHARACTERS));
            screen.line(&format!("{} {text}", screen.paint(Paint::Strong, "output:")));
        }
        if self.error.error.is_some() || self.error.cause.is_some() {
            let name = self.error.error.as_deref().unwrap_or("an error without a name");
            screen.line(&format!("{} {}", screen.paint(Paint::Bad, "error:"), screen.paint(Paint::Strong, name)));
            if let Some(cause) = &self.error.cause {
                let cause = screen.paint(Paint::Plain, &shortened(cause, CAUSE_CHARACTERS));
                screen.line(&format!("{} {cause}", screen.paint(Paint::Bad, "cause:")));
            }
        } else if self.status == "TIMED_OUT" {
            let limit = human(self.stopped_at.0.abs_diff(self.started_at.0));
            screen
                .line(&format!("{} the execution may take {limit}, and was not done by then", screen.paint(Paint::Bad, "error:")));
        }
        let (paint, icon) = if self.exit_code() == 0 { (Paint::Good, "✔") } else { (Paint::Bad, "✘") };
        let what = match (&self.stopped_after, self.interrupted) {
            (_, true) => format!("{} (interrupted)", self.status),
            (Some(state), false) => format!("stopped after `{state}`, as asked"),
            (None, false) => self.status.to_owned(),
        };
        let counted = |count: u64, word: &str| format!("{} {word}{}", grouped(count), if count == 1 { "" } else { "s" });
        let (states, transitions) = (counted(self.states_entered, "state"), counted(self.transitions, "transition"));
        let virtual_time = human(self.stopped_at.0.abs_diff(self.started_at.0));
        let real_time = match u64::try_from(self.real_time.as_millis()).unwrap_or(u64::MAX) {
            0 => "less than 1 ms".to_owned(),
            millis => human(millis),
        };
        let times = if self.on_real_clock { virtual_time } else { format!("{virtual_time} of virtual time in {real_time}") };
        let figures = format!("{states}, {transitions}, {times}");
        screen.line(&format!("{}  {figures}", screen.paint(paint, &format!("{icon} {what}"))));
    }

    /// Prints the output, if there is one.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub(crate) fn print_output(&self) -> Result<(), Refusal> {
        let Some(output) = &self.output else { return Ok(()) };
        let mut text = if io::stdout().is_terminal() { pretty(output.value()) } else { output.text().into_owned() };
        text.push('\n');
        write_stdout(text.as_bytes())
    }

    /// Prints one object about the execution.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub(crate) fn print_json(&self) -> Result<(), Refusal> {
        let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
        let output = self.output.as_ref().map_or(Value::Null, |output| output.value().clone());
        let mut members = vec![
            ("status", Value::from(self.status)),
            ("output", output),
            ("error", text(self.error.error.as_deref())),
            ("cause", text(self.error.cause.as_deref())),
            ("executionArn", text(Some(&self.identity.execution_arn))),
            ("stateMachineArn", text(Some(&self.identity.state_machine_arn))),
            ("name", text(Some(&self.identity.execution_name))),
            ("startDate", Value::from(self.started_at.to_string())),
            ("stopDate", Value::from(self.stopped_at.to_string())),
            ("statesEntered", Value::from(self.states_entered)),
            ("transitions", Value::from(self.transitions)),
        ];
        if let Some(state) = &self.stopped_after {
            members.push(("stoppedAfter", Value::from(state.as_str())));
        }
        let object = Value::Object(members.into_iter().map(|(name, value)| (name.into(), value)).collect());
        let text = if io::stdout().is_terminal() { pretty(&object) } else { object.to_string() };
        write_stdout(format!("{text}\n").as_bytes())
    }
}

/// JSON for people.
pub(crate) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}
