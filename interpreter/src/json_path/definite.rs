//! Definite paths: walked without allocation.

use std::borrow::Cow;

use statewright_value::{Object, Value};

use super::print::{Place, is_null, missing_property, names_not_last, no_results, only_arrays, out_of_bounds, property_not_found};
use super::{PathError, Step};

/// Why there is no value, without its text, which costs more than the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Miss {
    /// Nothing is there.
    NotFound,
    /// The path cannot be applied.
    Invalid,
}

/// The value where `steps` lead from `value`. All steps are definite.
pub(super) fn find<'v>(steps: &[Step], mut value: &'v Value) -> Result<Cow<'v, Value>, Miss> {
    let mut steps = steps.iter();
    while let Some(step) = steps.next() {
        value = match step {
            Step::Name(name) => value.get(name).ok_or(Miss::NotFound)?,
            Step::Index(_) | Step::FromLength(_) => {
                let Value::Array(items) = value else {
                    return Err(if value.is_null() { Miss::NotFound } else { Miss::Invalid });
                };
                position(step, items.len()).and_then(|at| items.get(at)).ok_or(Miss::NotFound)?
            }
            Step::Names(names) => {
                let object = value.as_object().ok_or(Miss::NotFound)?;
                return if steps.len() == 0 { Ok(Cow::Owned(select(names, object))) } else { Err(Miss::Invalid) };
            }
            Step::Indexes(_) | Step::Slice(_) | Step::Wildcard | Step::Scan | Step::Filter(_) => {
                unreachable!("callers give definite steps")
            }
        };
    }
    Ok(Cow::Borrowed(value))
}

/// The members called `names`, in the order of the names; those that are missing are left out.
pub(super) fn select(names: &[std::sync::Arc<str>], object: &Object) -> Value {
    Value::Object(names.iter().filter_map(|name| Some((name.clone(), object.get(name)?.clone()))).collect())
}

/// Where the index of `step` is in an array of this length, before it is known to be inside.
pub(super) fn index(step: &Step, length: usize) -> i64 {
    match step {
        Step::FromLength(offset) => i64::try_from(length).unwrap_or(i64::MAX).saturating_add(i64::from(*offset)),
        Step::Index(index) => i64::from(*index),
        Step::Name(_) | Step::Names(_) | Step::Indexes(_) | Step::Slice(_) | Step::Wildcard | Step::Scan | Step::Filter(_) => -1,
    }
}

fn position(step: &Step, length: usize) -> Option<usize> {
    usize::try_from(index(step, length)).ok()
}

/// The error that [`find`] answered, with its text. Walks once more, now with the place.
#[cold]
pub(super) fn explain(steps: &[Step], root: &Value, miss: Miss) -> PathError {
    explain_from(steps, root, &Place::Root).unwrap_or_else(|| match miss {
        Miss::NotFound => no_results(&Place::Root),
        Miss::Invalid => PathError::Invalid(String::new()),
    })
}

/// Recurses once per step that is found, so no deeper than the value is.
fn explain_from(steps: &[Step], value: &Value, place: &Place<'_>) -> Option<PathError> {
    let (step, rest) = steps.split_first()?;
    match (step, value) {
        (Step::Name(name), Value::Object(object)) => {
            let here = Place::Name(place, name);
            match object.get(name) {
                Some(member) => explain_from(rest, member, &here),
                None if rest.is_empty() => Some(no_results(&here)),
                None => Some(missing_property(&here)),
            }
        }
        (Step::Names(_), Value::Object(_)) => (!rest.is_empty()).then(|| names_not_last(step, place)),
        (Step::Name(_) | Step::Names(_), _) => Some(property_not_found(step, place)),
        (_, Value::Array(items)) => {
            let at = index(step, items.len());
            let here = Place::Index(place, at);
            match usize::try_from(at).ok().and_then(|at| items.get(at)) {
                Some(item) => explain_from(rest, item, &here),
                None => Some(out_of_bounds(&here)),
            }
        }
        (_, Value::Null) => Some(is_null(place)),
        _ => Some(only_arrays(steps, value)),
    }
}
