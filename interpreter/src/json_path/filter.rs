//! Filters: `[?(@.price < 10 && @.isbn)]`.
//!
//! As in Jayway 2.0.0, parentheses inside a filter do not group: they are stripped from the ends of each criterion, and `&&` binds
//! more tightly than `||`. What is neither a path nor in single quotes is text: `@.Name==Receipt`.

use std::borrow::Cow;

use regex_lite::Regex;
use statewright_value::Value;

use super::compare::Operator;
use super::definite::{self, Miss};
use super::evaluate::Work;
use super::parse::{Source, parse_operand};
use super::print::java_text;
use super::{PathError, Step, SyntaxError};

/// How long a regular expression may be, in bytes. The limit is ours.
const PATTERN_BYTES_MAX: usize = 1_000;
/// How large a compiled regular expression may be, in bytes: `a{1000}{1000}` is refused. The limit is ours.
const PATTERN_SIZE_MAX: usize = 1 << 20;

/// How many bytes of text are compared at the price of one visit.
const BYTES_PER_VISIT: usize = 64;

/// The criteria of a filter: one of the lists must hold in all its criteria.
#[derive(Clone, Debug)]
pub(crate) struct Filter(Box<[Box<[Criterion]>]>);

#[derive(Clone, Debug)]
enum Criterion {
    /// `@.a` (true) or `!@.a` (false): whether something that is not `null` is there.
    Exists(Operand, bool),
    /// `@.a == 1`
    Compare(Operand, Operator, Operand),
    /// `@.a =~ /x.*/i`: whether the whole text matches.
    Matches(Operand, Box<Regex>),
}

#[derive(Clone, Debug)]
enum Operand {
    /// `@.a`
    Item(Box<[Step]>),
    /// `$.a`
    Root(Box<[Step]>),
    /// Text.
    Text(Value),
}

impl Filter {
    /// Whether the filter selects `item`, in the document `root`.
    ///
    /// # Errors
    /// When a path cannot be applied, or a number is compared with text that is none.
    pub(super) fn accepts(&self, item: &Value, root: &Value, work: &mut Work) -> Result<bool, PathError> {
        // Jayway goes from the right to the left, which shows when a criterion is an error.
        for all in self.0.iter().rev() {
            let mut holds = true;
            for criterion in all.iter().rev() {
                work.spend(1)?;
                holds = criterion.holds(item, root, work)?;
                if !holds {
                    break;
                }
            }
            if holds {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Parses what is between `[` and `]`: `?(…)`.
    pub(super) fn parse(source: Source<'_>) -> Result<Self, SyntaxError> {
        let source = source.trim();
        let Some(filter) = source.strip("?", "") else {
            return Err(source.error(format!("Filter must start with '[?' and end with ']'. {}", source.text)));
        };
        let filter = filter.trim();
        let Some(mut rest) = filter.strip("(", ")") else {
            return Err(filter.error(format!("Filter must start with '[?(' and end with ')]'. {}", filter.text)));
        };
        let (mut any, mut all) = (Vec::new(), Vec::new());
        loop {
            let (criterion, operator, behind) = rest.split_at_first(&["&&", "||"]);
            all.push(Criterion::parse(criterion)?);
            match operator {
                "&&" => {}
                "||" => any.push(std::mem::take(&mut all).into_boxed_slice()),
                _ => break,
            }
            rest = behind;
        }
        any.push(all.into_boxed_slice());
        Ok(Self(any.into_boxed_slice()))
    }
}

impl Criterion {
    fn holds(&self, item: &Value, root: &Value, work: &mut Work) -> Result<bool, PathError> {
        match self {
            Self::Exists(operand, expected) => {
                // Jayway asks the item even for a path that begins with `$`.
                let value = operand.find(item, item, work)?;
                Ok(value.is_some_and(|value| !operand.lacks_a_name(item) && !value.is_null()) == *expected)
            }
            Self::Compare(left, operator, right) => {
                let (Some(left), Some(right)) = (left.find(item, root, work)?, right.find(item, root, work)?) else {
                    return Ok(false);
                };
                let bytes = |value: &Value| value.as_str().map_or(0, str::len);
                work.spend((bytes(&left) + bytes(&right)) / BYTES_PER_VISIT)?;
                operator.holds(&left, &right)
            }
            Self::Matches(operand, pattern) => {
                let Some(value) = operand.find(item, root, work)? else { return Ok(false) };
                let text = match &*value {
                    Value::Null => return Ok(false),
                    Value::String(text) => Cow::Borrowed(&**text),
                    value => Cow::Owned(java_text(value)),
                };
                work.spend(text.len().saturating_mul(pattern.as_str().len()) / BYTES_PER_VISIT)?;
                Ok(pattern.is_match(&text))
            }
        }
    }

    fn parse(source: Source<'_>) -> Result<Self, SyntaxError> {
        let source = source.trim().trim_start(&['[', '?', '(', ' ']).trim_end(&[')', ' ']);
        // The order is Jayway's: the first of these that occurs anywhere is the operator.
        for (text, operator) in [
            ("==", Operator::Equal),
            (">=", Operator::GreaterOrEqual),
            ("<=", Operator::LessOrEqual),
            ("!=", Operator::NotEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ] {
            if let (left, "==" | ">=" | "<=" | "!=" | "<" | ">", right) = source.split_at_first(&[text]) {
                return Ok(Self::Compare(Operand::parse(left)?, operator, Operand::parse(right)?));
            }
        }
        if let (left, "=~", right) = source.split_at_first(&["=~"]) {
            return Ok(match (pattern(left)?, pattern(right)?) {
                (_, Some(pattern)) => Self::Matches(Operand::parse(left)?, Box::new(pattern)),
                (Some(pattern), None) => Self::Matches(Operand::parse(right)?, Box::new(pattern)),
                (None, None) => return Err(source.error("`=~` needs a regular expression between slashes".to_owned())),
            });
        }
        let (path, expected) = source.strip("!", "").map_or((source, true), |path| (path, false));
        match Operand::parse(path)? {
            Operand::Root(_) if !expected => Err(source.error("CriteriaType  can not be parsed".to_owned())),
            Operand::Text(_) => Err(source.error("CriteriaType  can not be parsed".to_owned())),
            operand => Ok(Self::Exists(operand, expected)),
        }
    }
}

impl Operand {
    /// The value, or `None` where nothing is.
    fn find<'v>(&'v self, item: &'v Value, root: &'v Value, work: &mut Work) -> Result<Option<Cow<'v, Value>>, PathError> {
        let (steps, value) = match self {
            Self::Item(steps) => (steps, item),
            Self::Root(steps) => (steps, root),
            Self::Text(text) => return Ok(Some(Cow::Borrowed(text))),
        };
        work.spend(steps.len())?;
        if let Some(Step::Names(names)) = steps.last() {
            work.spend(names.len())?;
        }
        match definite::find(steps, value) {
            Ok(value) => Ok(Some(value)),
            Err(Miss::NotFound) => Ok(None),
            Err(Miss::Invalid) => Err(definite::explain(steps, value, Miss::Invalid)),
        }
    }

    /// Whether the path ends in several names of which one is missing, so that it does not exist.
    fn lacks_a_name(&self, item: &Value) -> bool {
        let (Self::Item(steps) | Self::Root(steps)) = self else { return false };
        let Some((Step::Names(names), before)) = steps.split_last() else { return false };
        definite::find(before, item).is_ok_and(|object| names.iter().any(|name| object.get(name).is_none()))
    }

    fn parse(source: Source<'_>) -> Result<Self, SyntaxError> {
        let source = source.trim();
        if source.text.starts_with("!@") {
            let message = "Invalid negation! Can only be used for existence check e.g [?(!@.foo)]";
            return Err(source.error(message.to_owned()));
        }
        if source.text.starts_with(['$', '@']) {
            let steps = parse_operand(source)?;
            if !steps.iter().all(Step::is_definite) {
                return Err(source.error(format!("the predicate path: {} is not definite", source.text)));
            }
            let is_item = source.text.starts_with('@');
            return Ok(if is_item { Self::Item(steps.into()) } else { Self::Root(steps.into()) });
        }
        if is_pattern(source.text) {
            // Nothing compares with a regular expression, and nothing compares with an array.
            return Ok(Self::Text(Value::from(Vec::new())));
        }
        Ok(Self::Text(Value::from(source.strip("'", "'").unwrap_or(source).text)))
    }
}

fn is_pattern(text: &str) -> bool {
    text.len() > 1 && text.starts_with('/') && (text.ends_with('/') || text.ends_with("/i"))
}

/// The regular expression, if it is one.
fn pattern(source: Source<'_>) -> Result<Option<Regex>, SyntaxError> {
    let source = source.trim();
    let (text, flags) = match (source.strip("/", "/i"), source.strip("/", "/")) {
        (Some(pattern), _) => (pattern.text, "(?i)"),
        (None, Some(pattern)) => (pattern.text, ""),
        (None, None) => return Ok(None),
    };
    if text.len() > PATTERN_BYTES_MAX {
        return Err(source.error(format!("a regular expression is longer than {PATTERN_BYTES_MAX} bytes")));
    }
    regex_lite::RegexBuilder::new(&format!("{flags}\\A(?:{text})\\z"))
        .size_limit(PATTERN_SIZE_MAX)
        .build()
        .map(Some)
        .map_err(|error| source.error(format!("`{text}` is no regular expression: {error}")))
}
