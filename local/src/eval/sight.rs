//! What expressions see: the input, the Context object, variables, the time and randomness.

use std::sync::Arc;

use statewright_engine::{Clock, SystemClock};
use statewright_interpreter::Value;
use statewright_interpreter::definition::MachineType;
use statewright_interpreter::expression::Offered;
use statewright_interpreter::inputs::{Draws, Inputs};
use statewright_interpreter::quota::Evaluation;
use statewright_interpreter::time::Timestamp;

use super::{is_all_of_standard_input, names_a_file};
use crate::cli::EvalArgs;
use crate::input::{parse_json, read_argument};
use crate::refusal::Refusal;
use crate::run::{execution_arn, machine_arn, object, parse_time, seed};
use crate::screen::Screen;

/// The name of everything that nobody has named.
const NAME: &str = "eval";
/// Where it runs.
const REGION: &str = "us-east-1";
/// Whose it is.
const ACCOUNT: &str = "123456789012";

/// What expressions see.
pub(super) struct Sight {
    input: Value,
    result: Option<Value>,
    error_output: Option<Value>,
    variables: statewright_interpreter::Object,
    /// What `--context` puts into the Context object.
    context: Option<Value>,
    start_time: Option<Timestamp>,
    seed: u128,
    limits: Evaluation,
}

impl Sight {
    /// Reads everything that the arguments name.
    ///
    /// # Errors
    /// When anything is wrong with it.
    pub(super) fn read(arguments: &EvalArgs, screen: &Screen) -> Result<Self, Refusal> {
        let EvalArgs { input, vars, context, result, error_output, .. } = arguments;
        check_standard_input(arguments)?;
        let read = |argument: &Option<String>, option: &str, what: &str| {
            argument.as_deref().map(|argument| value(argument, option, what, screen)).transpose()
        };
        Ok(Self {
            input: read(input, "--input", "the input")?.unwrap_or_else(Value::empty_object),
            result: read(result, "--result", "the result")?,
            error_output: read(error_output, "--error-output", "the error output")?,
            variables: variables(read(vars, "--vars", "`--vars`")?)?,
            context: match read(context, "--context", "`--context`")? {
                Some(context) if context.as_object().is_none() => {
                    return Err(Refusal::new(format!("`--context` must be an object, not {}", context.type_name())));
                }
                context => context,
            },
            start_time: arguments.start_time.as_deref().map(|time| parse_time(time, "`--start-time`")).transpose()?,
            seed: seed(arguments.seed),
            limits: arguments.limits.quotas(MachineType::Standard).evaluation,
        })
    }

    /// What `$states` has besides the input and the context.
    pub(super) fn offered(&self) -> Offered {
        match (&self.result, &self.error_output) {
            (Some(_), _) => Offered::Result,
            (None, Some(_)) => Offered::ErrorOutput,
            (None, None) => Offered::Nothing,
        }
    }

    /// What `evaluate` gives when it sees this; `number` says which evaluation it is, for random numbers of its own.
    pub(super) fn look<T>(&self, number: u64, evaluate: impl FnOnce(&Inputs<'_>) -> T) -> T {
        let now = self.start_time.unwrap_or_else(|| SystemClock.now());
        let context = self.context_object(now);
        let draws = Draws::new(self.seed, number);
        let mut inputs = Inputs::new(&self.input, &context, &self.variables, &draws);
        inputs.result = self.result.as_ref();
        inputs.error_output = self.error_output.as_ref();
        inputs.now = now;
        inputs.limits = self.limits;
        evaluate(&inputs)
    }

    /// The Context object of a state that is entered now, with what `--context` says.
    fn context_object(&self, now: Timestamp) -> Value {
        let text = |text: String| Value::from(text.as_str());
        let execution = execution_arn(REGION, ACCOUNT, NAME, NAME, Default::default());
        let mut context = object([
            (
                "Execution",
                object([
                    ("Id", text(execution)),
                    ("Input", self.input.clone()),
                    ("StartTime", text(now.to_string())),
                    ("Name", Value::from(NAME)),
                    ("RoleArn", text(format!("arn:aws:iam::{ACCOUNT}:role/statewright"))),
                    ("RedriveCount", Value::from(0_i64)),
                ]),
            ),
            ("StateMachine", object([("Id", text(machine_arn(REGION, ACCOUNT, NAME))), ("Name", Value::from(NAME))])),
            ("State", object([("Name", Value::from(NAME)), ("EnteredTime", text(now.to_string()))])),
        ]);
        if let Some(given) = &self.context {
            merge(&mut context, given);
        }
        context
    }
}

/// Puts `given` over `base`: members of objects that both have are merged, anything else is replaced.
fn merge(base: &mut Value, given: &Value) {
    match (base.as_object_mut(), given) {
        (Some(base), Value::Object(given)) => {
            for (name, value) in given.iter() {
                let mut merged = base.get(name).cloned().unwrap_or_else(Value::empty_object);
                merge(&mut merged, value);
                base.insert(Arc::clone(name), merged);
            }
        }
        _ => *base = given.clone(),
    }
}

/// Refuses to read standard input for two things.
fn check_standard_input(arguments: &EvalArgs) -> Result<(), Refusal> {
    let EvalArgs { expression, file, input, vars, context, result, error_output, .. } = arguments;
    let mut readers: Vec<&str> = Vec::new();
    let reads_expressions = expression.is_none() && file.is_none() || is_all_of_standard_input(arguments);
    readers.extend(reads_expressions.then_some("the expressions"));
    let options =
        [("--input", input), ("--vars", vars), ("--context", context), ("--result", result), ("--error-output", error_output)];
    readers.extend(options.iter().filter(|(_, argument)| argument.as_deref() == Some("-")).map(|(option, _)| *option));
    match readers[..] {
        [first, second, ..] => Err(Refusal::new(format!("standard input cannot be read for two things: {first} and {second}"))
            .help("write `@FILE` for one of them")),
        _ => Ok(()),
    }
}

fn value(argument: &str, option: &str, what: &str, screen: &Screen) -> Result<Value, Refusal> {
    let (text, whose) = read_argument(argument, what)?;
    if let Some(note) = text.note {
        screen.note(&note);
    }
    parse_json(&text.text, &whose).map_err(|refusal| {
        if names_a_file(argument) { refusal.help(format!("to read a file, write `{option} @{argument}`")) } else { refusal }
    })
}

/// `--vars`: an object whose members are variables.
fn variables(given: Option<Value>) -> Result<statewright_interpreter::Object, Refusal> {
    let given = given.unwrap_or_else(Value::empty_object);
    let Value::Object(variables) = given else {
        return Err(Refusal::new(format!("`--vars` must be an object, not {}", given.type_name()))
            .help("such as `{\"total\": 3}` for `$total`"));
    };
    for name in variables.keys() {
        if name.starts_with('$') {
            return Err(Refusal::new(format!("`--vars`: the name `{name}` has a `$`"))
                .help("in `Assign`, and here, names stand without it"));
        }
        if &**name == "states" {
            return Err(Refusal::new("`--vars`: `states` is the language's own name").help(
                "`$states.input` comes from `--input`, `$states.context` from `--context`, `$states.result` from `--result`",
            ));
        }
    }
    Ok(variables)
}
