//! Indefinite paths: every match is collected, in document order.
//!
//! A miss ends the evaluation with an error, but for those that Jayway forgives:
//! whatever is not found below an element that `[*]` selected, and a name on the way (not the last one) where the step before it, or
//! one after it, is indefinite.

use statewright_value::{Array, Value};

use super::definite::{index, select};
use super::filter::Filter;
use super::print::{
    Place, is_null, missing_property, names_not_last, no_primitives, no_results, only_arrays, out_of_bounds, property_not_found,
};
use super::step::Slice;
use super::{PathError, Step, VISITS_MAX};

/// The matches of `steps` in `root`. The steps from `definite_from` on are definite.
pub(super) fn evaluate(steps: &[Step], definite_from: usize, root: &Value) -> Result<Value, PathError> {
    let mut evaluation = Evaluation { steps, definite_from, root, found: Vec::new(), work: Work::new(), forgiving: 0 };
    evaluation.step(0, root, &Place::Root)?;
    Ok(Value::from(evaluation.found))
}

/// The work done so far.
#[derive(Debug)]
pub(super) struct Work {
    left: u32,
}

impl Work {
    fn new() -> Self {
        Self { left: VISITS_MAX }
    }

    /// Does `visits` more.
    pub(super) fn spend(&mut self, visits: usize) -> Result<(), PathError> {
        self.left = u32::try_from(visits).ok().and_then(|visits| self.left.checked_sub(visits)).ok_or_else(|| {
            PathError::Refused(format!("the path was given up after visiting {VISITS_MAX} values (a limit of this interpreter)"))
        })?;
        Ok(())
    }
}

struct Evaluation<'s, 'v> {
    steps: &'s [Step],
    definite_from: usize,
    root: &'v Value,
    found: Vec<Value>,
    work: Work,
    /// How many `[*]` around the current value forgive what is not found. If any does, no text is made for it.
    forgiving: u32,
}

type Outcome = Result<(), PathError>;

impl<'v> Evaluation<'_, 'v> {
    /// Applies the step number `at` and those behind it. Recurses once per step and level of the document.
    fn step(&mut self, at: usize, value: &'v Value, place: &Place<'_>) -> Outcome {
        self.work.spend(1)?;
        let steps = self.steps;
        let Some(step) = steps.get(at) else {
            self.found.push(value.clone());
            return Ok(());
        };
        match step {
            Step::Name(name) => self.name(at, name, value, place),
            Step::Names(names) => match value {
                Value::Object(_) if !self.is_last(at) => Err(names_not_last(step, place)),
                Value::Object(object) => {
                    self.work.spend(names.len())?;
                    self.found.push(select(names, object));
                    Ok(())
                }
                _ => self.miss(|| property_not_found(step, place)),
            },
            Step::Index(_) | Step::FromLength(_) | Step::Indexes(_) | Step::Slice(_) => self.elements(at, step, value, place),
            Step::Wildcard => self.wildcard(at, value, place),
            Step::Scan => self.scan(at + 1, value, place),
            Step::Filter(filter) => self.filter(at, filter, value, place),
        }
    }

    fn name(&mut self, at: usize, name: &str, value: &'v Value, place: &Place<'_>) -> Outcome {
        let Value::Object(object) = value else {
            return self.miss(|| PathError::NotFound(format!("Property ['{name}'] not found in path {place}")));
        };
        let here = Place::Name(place, name);
        match object.get(name) {
            Some(member) => self.step(at + 1, member, &here),
            None if self.is_last(at) => self.miss(|| no_results(&here)),
            None if at.saturating_sub(1) >= self.definite_from => self.miss(|| missing_property(&here)),
            None => Ok(()),
        }
    }

    fn elements(&mut self, at: usize, step: &Step, value: &'v Value, place: &Place<'_>) -> Outcome {
        let items = match value {
            Value::Array(items) => items,
            Value::Null => return self.miss(|| is_null(place)),
            _ => return Err(only_arrays(self.steps.get(at..).unwrap_or_default(), value)),
        };
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
        match step {
            Step::Indexes(indexes) => indexes.iter().try_for_each(|&index| self.element(at, items, i64::from(index), place)),
            Step::Slice(slice) => {
                let (from, to) = match *slice {
                    Slice::From(from) => (from_end(from, length).max(0), length),
                    Slice::To(to) => (0, from_end(to, length).min(length)),
                    Slice::Between(from, to) => (i64::from(from), i64::from(to).min(length)),
                };
                let to = if length == 0 { from } else { to };
                (from..to).try_for_each(|index| self.element(at, items, index, place))
            }
            _ => self.element(at, items, index(step, items.len()), place),
        }
    }

    fn element(&mut self, at: usize, items: &'v Array, index: i64, place: &Place<'_>) -> Outcome {
        let here = Place::Index(place, index);
        match usize::try_from(index).ok().and_then(|index| items.get(index)) {
            Some(item) => self.step(at + 1, item, &here),
            None => self.miss(|| out_of_bounds(&here)),
        }
    }

    fn wildcard(&mut self, at: usize, value: &'v Value, place: &Place<'_>) -> Outcome {
        match value {
            Value::Object(object) => {
                object.iter().try_for_each(|(name, member)| self.step(at + 1, member, &Place::Name(place, name)))
            }
            Value::Array(items) => {
                self.forgiving += 1;
                let outcome =
                    numbered(items).try_for_each(|(index, item)| match self.step(at + 1, item, &Place::Index(place, index)) {
                        Err(PathError::NotFound(_)) => Ok(()),
                        outcome => outcome,
                    });
                self.forgiving -= 1;
                outcome
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    /// Applies the step number `at`, the one behind `..`, to `value` and all that is inside it.
    ///
    /// In an array the step is applied as such only when it is the last. Otherwise each element is taken as if the step had selected
    /// it, whatever its index: so does Jayway.
    fn scan(&mut self, at: usize, value: &'v Value, place: &Place<'_>) -> Outcome {
        self.work.spend(1)?;
        match value {
            Value::Object(object) => {
                if self.is_candidate(at, value)? {
                    self.step(at, value, place)?;
                }
                object.iter().try_for_each(|(name, member)| self.scan(at, member, &Place::Name(place, name)))
            }
            Value::Array(items) => {
                if self.is_candidate(at, value)? {
                    if self.is_last(at) {
                        self.step(at, value, place)?;
                    } else {
                        numbered(items).try_for_each(|(index, item)| self.step(at + 1, item, &Place::Index(place, index)))?;
                    }
                }
                numbered(items).try_for_each(|(index, item)| self.scan(at, item, &Place::Index(place, index)))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    /// Whether the step number `at`, which follows `..`, is applied to this array or object.
    fn is_candidate(&mut self, at: usize, value: &'v Value) -> Result<bool, PathError> {
        Ok(match self.steps.get(at) {
            Some(Step::Name(name)) => value.get(name).is_some(),
            Some(Step::Names(names)) => {
                self.work.spend(names.len())?;
                value.as_object().is_some_and(|object| names.iter().all(|name| object.contains_key(name)))
            }
            Some(Step::Index(_) | Step::FromLength(_) | Step::Indexes(_) | Step::Slice(_)) => value.as_array().is_some(),
            Some(Step::Wildcard) => true,
            Some(Step::Filter(filter)) => filter.accepts(value, self.root, &mut self.work)?,
            Some(Step::Scan) | None => false,
        })
    }

    fn filter(&mut self, at: usize, filter: &Filter, value: &'v Value, place: &Place<'_>) -> Outcome {
        match value {
            Value::Object(_) => {
                if filter.accepts(value, self.root, &mut self.work)? {
                    self.step(at + 1, value, place)?;
                }
                Ok(())
            }
            Value::Array(items) => numbered(items).try_for_each(|(index, item)| {
                if filter.accepts(item, self.root, &mut self.work)? {
                    self.step(at + 1, item, &Place::Index(place, index))?;
                }
                Ok(())
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                Err(no_primitives(self.steps.get(at..).unwrap_or_default(), value))
            }
        }
    }

    fn is_last(&self, at: usize) -> bool {
        at + 1 >= self.steps.len()
    }

    #[cold]
    fn miss(&self, error: impl FnOnce() -> PathError) -> Outcome {
        Err(if self.forgiving > 0 { PathError::NotFound(String::new()) } else { error() })
    }
}

fn from_end(number: i32, length: i64) -> i64 {
    let number = i64::from(number);
    if number < 0 { length.saturating_add(number) } else { number }
}

fn numbered(items: &Array) -> impl Iterator<Item = (i64, &Value)> {
    (0_i64..).zip(items.iter())
}
