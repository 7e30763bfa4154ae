//! Values in which everything is found that is looked for.

use std::collections::BTreeMap;

use statewright_interpreter::Value;
use statewright_interpreter::time::Timestamp;

use super::needs::{Needs, Step, Want};

/// How many elements an array gets of which nothing more is known.
const ELEMENTS: usize = 2;
/// More are not made, whatever index somebody looks at.
const ELEMENTS_MAX: usize = 100;
/// How many parts a text gets that is split.
const PARTS: usize = 10;
/// What a text is that nobody compares with anything.
pub(super) const TEXT: &str = "example";

/// How to make values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Synthesis {
    /// What a time is.
    pub(super) now: Timestamp,
    /// Whether `N`, `BOOL` and the like are DynamoDB's types.
    pub(super) attribute_values: bool,
}

/// The needs as a tree.
#[derive(Debug, Default)]
struct Node<'n> {
    want: Option<(&'n Want, u32)>,
    children: BTreeMap<&'n Step, Node<'n>>,
}

impl Node<'_> {
    /// The lowest rank of anything below.
    fn rank_below(&self) -> u32 {
        let ranks = self.children.values().map(|child| child.want.map_or(u32::MAX, |(_, rank)| rank).min(child.rank_below()));
        ranks.min().unwrap_or(u32::MAX)
    }
}

impl Synthesis {
    /// A value with what is needed, made of `base` if there is one.
    pub(super) fn make(self, needs: &Needs, base: Option<Value>) -> Value {
        let mut root = Node::default();
        for (path, want, rank) in needs.iter() {
            let node = path.iter().fold(&mut root, |node, step| node.children.entry(step).or_default());
            node.want = Some((want, rank));
        }
        self.value(&root, base, None).unwrap_or(Value::Null)
    }

    fn value(self, node: &Node<'_>, base: Option<Value>, name: Option<&str>) -> Option<Value> {
        let (want, rank) = node.want.unwrap_or((&Want::Any, u32::MAX));
        let below = node.rank_below();
        match want {
            Want::Absent if rank < below => return None,
            Want::Exactly(value) if rank < below => return Some(value.clone()),
            _ => {}
        }
        if let Some(inner) = node.children.get(&Step::Json) {
            let value = self.value(inner, None, None).unwrap_or_else(Value::empty_object);
            return Some(Value::from(value.to_string()));
        }
        let members: Vec<_> = node.children.iter().filter_map(|(step, child)| Some((name_of(step)?, child))).collect();
        // What is used as an object and as an array is what has more of it below.
        if members.len() * 2 > node.children.len() || matches!(want, Want::Members) {
            return Some(self.object(&members, base));
        }
        let base_is_empty = base.as_ref().is_none_or(|base| base == &Value::empty_object());
        if !node.children.is_empty() || matches!(want, Want::List) {
            let base = base.filter(|base| base.as_array().is_some());
            return Some(self.array(node, base));
        }
        match base {
            Some(base) if matches!(want, Want::Any) || !base_is_empty => Some(base),
            _ => Some(self.leaf(want, name)),
        }
    }

    fn object(self, members: &[(&str, &Node<'_>)], base: Option<Value>) -> Value {
        let mut object = base.filter(|base| base.as_object().is_some()).unwrap_or_else(Value::empty_object);
        if let Some(object) = object.as_object_mut() {
            for (name, child) in members {
                match self.value(child, object.get(name).cloned(), Some(name)) {
                    Some(value) => {
                        object.insert((*name).into(), value);
                    }
                    None => {
                        object.remove(name);
                    }
                }
            }
        }
        object
    }

    fn array(self, node: &Node<'_>, base: Option<Value>) -> Value {
        let indexes =
            node.children.keys().filter_map(|step| if let Step::Index(index) = step { Some(*index as usize) } else { None });
        let highest = indexes.max().map_or(0, |index| index + 1);
        let base: Vec<Value> =
            base.as_ref().and_then(Value::as_array).map_or_else(Vec::new, |array| array.iter().cloned().collect());
        let length = highest.max(if base.is_empty() { ELEMENTS } else { base.len() }).min(ELEMENTS_MAX);
        let every = node.children.get(&Step::Each);
        let make = |index: usize| {
            let own = u32::try_from(index).ok().and_then(|index| node.children.get(&Step::Index(index)));
            let base = base.get(index).cloned();
            // What every element has comes first, then what this one has.
            let value = match every {
                Some(every) => self.value(every, base, None),
                None => base,
            };
            match own {
                Some(own) => self.value(own, value, None),
                None => Some(value.unwrap_or_else(|| Value::from(format!("{TEXT}-{}", index + 1)))),
            }
        };
        // Nothing can stand behind an element that must not be there.
        (0..length).map_while(make).collect()
    }

    fn leaf(self, want: &Want, name: Option<&str>) -> Value {
        match want {
            Want::Any | Want::Absent if self.attribute_values => attribute(name),
            Want::Any | Want::Absent | Want::Text => Value::from(TEXT),
            Want::Number => Value::from(1_i64),
            Want::Time => Value::from(self.now.to_string()),
            Want::List => Value::from(Vec::new()),
            Want::Members => Value::empty_object(),
            Want::Parts(separator) => {
                let parts: Vec<_> = (1..=PARTS).map(|part| format!("part{part}")).collect();
                Value::from(parts.join(separator.get(..separator.chars().next().map_or(0, char::len_utf8)).unwrap_or_default()))
            }
            // `{}`
            Want::Base64 => Value::from("e30="),
            Want::Exactly(value) => value.clone(),
        }
    }
}

fn name_of(step: &Step) -> Option<&str> {
    if let Step::Name(name) = step { Some(name) } else { None }
}

/// DynamoDB's attribute values name their types.
///
/// Source: DynamoDB's API model, `AttributeValue`.
fn attribute(name: Option<&str>) -> Value {
    match name {
        Some("N") => Value::from("1"),
        Some("BOOL" | "NULL") => Value::Bool(true),
        Some("L" | "SS" | "NS" | "BS") => Value::from(Vec::new()),
        Some("M") => Value::empty_object(),
        Some("S" | "B") => Value::from(TEXT),
        // An attribute, or something that is none.
        _ => Value::from(TEXT),
    }
}

#[cfg(test)]
mod tests {
    use super::super::needs::steps;
    use super::*;

    #[test]
    fn everything_needed_is_there() {
        let mut needs = Needs::default();
        for (path, want) in [
            ("$.Payload.items[*].id", Want::Any),
            ("$.Payload.items[2].price", Want::Number),
            ("$.Payload.status", Want::Exactly(Value::from("DONE"))),
            ("$.Payload.error", Want::Absent),
            ("$.Payload.path", Want::Parts("/".into())),
            ("$.Payload.failed[0]", Want::Absent),
        ] {
            needs.add(steps(path), want, 1);
        }
        needs.add(steps("$.Payload.error.code"), Want::Any, 9);
        let base = Value::parse(r#"{"Payload":{},"StatusCode":200}"#).unwrap();
        let value = Synthesis { now: Timestamp(0), attribute_values: false }.make(&needs, Some(base));
        let expected = r#"{"Payload":{"failed":[],"items":[{"id":"example"},{"id":"example"},{"id":"example","price":1}],"path":"part1/part2/part3/part4/part5/part6/part7/part8/part9/part10","status":"DONE"},"StatusCode":200}"#;
        assert_eq!(value.to_string(), expected);
    }
}
