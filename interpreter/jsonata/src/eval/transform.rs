//! Transforms: `|pattern|update, delete|`, a copy of an object with every match of a pattern changed.
//!
//! Values are shared and never changed in place, so the copy is made of objects that nobody else has; what the pattern finds is
//! told by which of these objects it is, changes are kept beside them, and put in their places at the end.

use hashbrown::HashMap;
use smallvec::SmallVec;
use statewright_value::{Array, Object, Value};

use super::Machine;
use crate::Error;
use crate::compile::ast::Transform;
use crate::frame::{Env, Function};
use crate::item::{Doc, Made, Source, Val, made_weight};
use crate::meter::MADE_STEPS;
use crate::sequence::Items;
use crate::signature::Args;

/// Objects of the copy that have changed, by which they are.
type Changes = HashMap<usize, Object>;

impl<'e> Machine<'e, '_> {
    pub(super) fn transform(
        &mut self,
        transform: &'e Transform,
        env: &Env<'e>,
        mut args: Args<'e>,
        context: &Val<'e>,
    ) -> Result<Val<'e>, Error> {
        if args.is_empty() {
            args.push(context.clone());
        }
        let value = match args.into_iter().next().unwrap_or(Val::Undefined) {
            Val::Undefined => return Ok(Val::Undefined),
            value if value.is_array() || value.is_object() => value,
            value => return Err(Error::new("T0410").value(value.describe()).with("index", 1_i64)),
        };
        match self.lookup_name("clone", env) {
            Val::Builtin(_) => {}
            Val::Function(clone) if !matches!(*clone, Function::Transform { .. }) => {}
            _ => return Err(Error::new("T2013")),
        }
        let original = value.into_json(self.meter)?.unwrap_or(Value::Null);
        let copy = self.copy(&original)?;
        let keeper = Made::keeper(copy.measure().bytes, self.meter)?;
        let matches = self.eval(&transform.pattern, &Val::part(&copy, &keeper), env)?;
        let mut changes = Changes::new();
        if !matches.is_undefined() {
            let matches: Vec<_> = Items::or_one(&matches).to_vec();
            for found in matches {
                self.change(transform, env, &found, &mut changes, &keeper)?;
            }
        }
        let result = self.settle(&copy, &changes)?;
        let weight = made_weight(&result);
        match result {
            Value::Object(members) => Val::made_of(members, weight, self.meter),
            other => Ok(Val::part(&other, &Made::keeper(weight, self.meter)?)),
        }
    }

    /// Applies the update and the deletions to one match.
    fn change(
        &mut self,
        transform: &'e Transform,
        env: &Env<'e>,
        found: &Val<'e>,
        changes: &mut Changes,
        keeper: &Source<'e>,
    ) -> Result<(), Error> {
        let place = if let Val::Object(members) = found { Some(members.address()) } else { None };
        let current = match found {
            Val::Object(members) if !changes.is_empty() => {
                Val::part(&self.settle(&Value::Object(members.clone().into_own()), changes)?, keeper)
            }
            other => other.clone(),
        };
        let mut members = match (place, &current) {
            (Some(place), Val::Object(members)) => changes.get(&place).unwrap_or(&**members).clone(),
            _ => Object::new(),
        };
        let update = self.eval(&transform.update, &current, env)?;
        if !update.is_undefined() {
            if !update.is_object() {
                return Err(Error::new("T2011").value(update.describe()).at(transform.update.position));
            }
            for (key, value) in update.members() {
                if let Some(value) = value.into_json(self.meter)? {
                    // Copied, as it may hold the match itself.
                    members.insert(key, self.copy(&value)?);
                }
            }
        }
        if let Some(place) = place {
            changes.insert(place, members.clone());
        }
        let Some(delete) = &transform.delete else { return Ok(()) };
        let current = match place {
            Some(_) => Val::Object(Doc::Own(members.clone(), std::rc::Rc::clone(keeper))),
            None => current,
        };
        let deletions = self.eval(delete, &current, env)?;
        if !deletions.is_undefined() {
            let items = Items::or_one(&deletions);
            if !items.iter().all(|item| item.as_str().is_some()) {
                return Err(Error::new("T2012").value(deletions.describe()).at(delete.position));
            }
            for key in items.iter() {
                self.meter.steps(members.len())?;
                members.remove(key.as_str().unwrap_or(""));
            }
        }
        if let Some(place) = place {
            changes.insert(place, members);
        }
        Ok(())
    }

    /// A copy whose objects are nobody else's.
    fn copy(&mut self, value: &Value) -> Result<Value, Error> {
        self.meter.steps(2 + value.as_object().map_or(0, |members| 2 * MADE_STEPS + MADE_STEPS * members.len()))?;
        Ok(match value {
            Value::Array(items) => Value::Array(items.iter().map(|item| self.copy(item)).collect::<Result<Array, _>>()?),
            Value::Object(members) => {
                let mut copy = Object::with_capacity(members.len());
                for (key, item) in members.iter() {
                    copy.insert(std::sync::Arc::clone(key), self.copy(item)?);
                }
                Value::Object(copy)
            }
            other => other.clone(),
        })
    }

    /// A value with the changes in place.
    fn settle(&mut self, value: &Value, changes: &Changes) -> Result<Value, Error> {
        self.meter.steps(2 + value.as_object().map_or(0, |members| 2 * MADE_STEPS + MADE_STEPS * members.len()))?;
        Ok(match value {
            Value::Array(items) => Value::Array(items.iter().map(|item| self.settle(item, changes)).collect::<Result<Array, _>>()?),
            Value::Object(members) => {
                let mut pending: SmallVec<[usize; 2]> = SmallVec::new();
                let mut members = members;
                // A change may have been made to what a change put here; following is bounded, as each change is found once.
                while let Some(changed) = changes.get(&members.address()).filter(|_| !pending.contains(&members.address())) {
                    pending.push(members.address());
                    members = changed;
                }
                let mut settled = Object::with_capacity(members.len());
                for (key, item) in members.iter() {
                    settled.insert(std::sync::Arc::clone(key), self.settle(item, changes)?);
                }
                Value::Object(settled)
            }
            other => other.clone(),
        })
    }
}
