//! The intrinsic functions (`States.Format` and its like), which JSONPath states call in payload templates.
//!
//! | function | answers |
//! |---|---|
//! | `States.Array(v…)` | its arguments as an array |
//! | `States.ArrayPartition(array, n)` | the elements in chunks of `n` |
//! | `States.ArrayContains(array, v)` | whether an element equals `v` |
//! | `States.ArrayRange(first, last, step)` | the integers from `first` to at most `last` |
//! | `States.ArrayGetItem(array, n)` | the element number `n`, from 0 |
//! | `States.ArrayLength(array)` | the number of elements |
//! | `States.ArrayUnique(array)` | the elements without repetitions |
//! | `States.Base64Encode(text)`, `States.Base64Decode(text)` | the text encoded, decoded |
//! | `States.Hash(data, algorithm)` | the hash in lower-case hexadecimal digits |
//! | `States.JsonMerge(a, b, false)` | the members of both, `b`'s where both have one |
//! | `States.StringToJson(text)`, `States.JsonToString(v)` | JSON read, printed |
//! | `States.MathRandom(start, end[, seed])` | a random integer from `start` to below `end` |
//! | `States.MathAdd(a, b)` | the sum |
//! | `States.StringSplit(text, delimiters)` | the pieces between delimiters |
//! | `States.Format(template, v…)` | the template with each `{}` replaced |
//! | `States.UUID()` | a version 4 UUID |
//!
//! Sources: ASL specification, "Intrinsic Functions" and its appendix; developer guide, "Intrinsic functions for JSONPath states in
//! Step Functions" (limits). Behaviour that neither gives is inferred from recorded outputs, or marked where it is ours.

mod arguments;
mod array;
mod function;
mod hash;
mod json;
mod math;
mod messages;
mod parse;
mod string;
mod unique;

use std::sync::Arc;

use smallvec::SmallVec;
use statewright_value::Value;

use crate::error::EvaluationError;
use crate::inputs::Inputs;
use crate::json_path::SyntaxError;
use crate::path::Path;
use arguments::Arguments;
use function::Function;

/// How many calls may be nested in one another within a field.
///
/// The guide says "up to 10 intrinsic functions within a field" and shows an example with nine calls, five deep. Depth is counted
/// here, so that nothing the service takes is refused.
pub const NESTING_MAX: usize = 10;

/// A call of an intrinsic function, parsed once: the function is known, its arguments are literals, paths and further calls.
#[derive(Clone, Debug)]
pub struct Call {
    text: Arc<str>,
    invocation: Invocation,
}

impl Call {
    /// Whether `text` looks like a call (it begins with `States.`), right or wrong.
    #[must_use]
    pub fn looks_like_one(text: &str) -> bool {
        text.trim_start().starts_with("States.")
    }

    /// Parses a call: `States.` and the function's name, exactly as written in the specification, then the arguments in parentheses.
    ///
    /// An argument is a string in single quotes (with the escapes `\'`, `\{`, `\}` and `\\`; any other character stands for itself,
    /// line breaks too), a JSON number, `true`, `false`, `null`, a path (on the input, `$$`, or a variable) or a call. White space
    /// may stand between them.
    ///
    /// # Errors
    /// When the text is no call of a known function with arguments of the right number, or calls are nested deeper than
    /// [`NESTING_MAX`]. The service refuses such a definition with one sentence for all reasons, which
    /// [`TemplateError`](crate::template::TemplateError) has; the message here is ours and says more.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        Ok(Self { text: text.into(), invocation: parse::call(text)? })
    }

    /// The call as written.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Whether `ErrorPath` and `CausePath` accept the function: `States.Format`, `JsonToString`, `ArrayGetItem`, `Base64Encode`,
    /// `Base64Decode`, `Hash` and `UUID`. All of them but `ArrayGetItem` can only answer a string; its answer has yet to be checked.
    ///
    /// Source: developer guide, "Fail workflow state".
    #[must_use]
    pub fn answers_string(&self) -> bool {
        self.invocation.function.answers_string()
    }

    /// Every path among the arguments, of nested calls too, from left to right.
    #[must_use]
    pub fn paths(&self) -> Vec<&Path> {
        let mut paths = Vec::new();
        self.invocation.collect_paths(&mut paths);
        paths
    }

    /// The function and its arguments, for who looks through definitions.
    #[must_use]
    pub fn view(&self) -> CallView<'_> {
        self.invocation.view()
    }

    /// The function's answer. `field` is the field that holds the call, for messages (`value.$`).
    ///
    /// Arguments are evaluated from left to right, so the same [`Draws`](crate::inputs::Draws) give the same answer.
    ///
    /// # Errors
    /// `States.Runtime` when a path finds nothing, `States.IntrinsicFailure` when an argument is not one the function takes. Which
    /// of the two names the service uses for the latter is unknown; the specification says this one.
    pub fn evaluate(&self, field: &str, inputs: &Inputs<'_>) -> Result<Value, EvaluationError> {
        self.invocation.evaluate(field, inputs)
    }
}

/// A call, taken apart.
#[derive(Clone, Debug)]
pub struct CallView<'a> {
    /// The function's name, `States.` included.
    pub function: &'static str,
    /// What it is called with.
    pub arguments: Vec<ArgumentView<'a>>,
}

/// An argument of a call.
#[derive(Clone, Debug)]
pub enum ArgumentView<'a> {
    /// A constant.
    Literal(&'a Value),
    /// What a path finds.
    Path(&'a Path),
    /// What another call answers.
    Call(CallView<'a>),
}

/// A function and its arguments, whose number is right.
#[derive(Clone, Debug)]
struct Invocation {
    function: Function,
    arguments: Box<[Argument]>,
}

#[derive(Clone, Debug)]
enum Argument {
    Literal(Value),
    Path(Path),
    Call(Invocation),
}

impl Argument {
    fn view(&self) -> ArgumentView<'_> {
        match self {
            Self::Literal(value) => ArgumentView::Literal(value),
            Self::Path(path) => ArgumentView::Path(path),
            Self::Call(call) => ArgumentView::Call(call.view()),
        }
    }
}

impl Invocation {
    fn evaluate(&self, field: &str, inputs: &Inputs<'_>) -> Result<Value, EvaluationError> {
        let mut values = SmallVec::<[Value; 4]>::new();
        for argument in &self.arguments {
            values.push(match argument {
                Argument::Literal(value) => value.clone(),
                Argument::Path(path) => path.evaluate_for_field(field, inputs)?,
                Argument::Call(call) => call.evaluate(field, inputs)?,
            });
        }
        self.function.apply(&Arguments::new(self.function, &values), inputs.draws)
    }

    fn view(&self) -> CallView<'_> {
        CallView { function: self.function.name(), arguments: self.arguments.iter().map(Argument::view).collect() }
    }

    fn collect_paths<'a>(&'a self, paths: &mut Vec<&'a Path>) {
        for argument in &self.arguments {
            match argument {
                Argument::Literal(_) => {}
                Argument::Path(path) => paths.push(path),
                Argument::Call(call) => call.collect_paths(paths),
            }
        }
    }
}
