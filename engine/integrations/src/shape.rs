//! How parameters are written on the wire, and results read from it: one rule for every operation, told by shapes what needs one.

use std::borrow::Cow;
use std::sync::Arc;

use statewright_interpreter::java_hash;
use statewright_interpreter::time::Timestamp;
use statewright_value::{Object, Value};

/// What is known of a value that is sent or received. Shapes name only what needs something done.
#[derive(Debug)]
pub enum Shape {
    /// Handed on as it is.
    Any,
    /// Text on the wire; parameters may hold any JSON, which is printed.
    ///
    /// Source: developer guide, the pages of the integrations: "MessageBody", "Message", "Detail", "Input" may be JSON.
    Json,
    /// Seconds since the epoch on the wire. Parameters hold an ISO 8601 text, results milliseconds since the epoch.
    Time,
    /// Members by their names in parameters and results, which are in Pascal case. Others are [`Shape::Any`].
    Structure(&'static [(&'static str, &'static Shape)]),
    /// Items.
    List(&'static Shape),
    /// Members whose names are data.
    Map(&'static Map),
}

/// A map. Its keys are nobody's to rename.
#[derive(Debug)]
pub struct Map {
    /// What a key is called where maps are written as entries.
    pub key: &'static str,
    /// What a value is called there.
    pub value: &'static str,
    /// What the values are.
    pub of: &'static Shape,
}

/// How a service spells members. Parameters and results are in Pascal case, whatever the service does.
///
/// Source: developer guide, "Pass parameters to a service API": "the parameters … are expressed in PascalCase".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// `QueueUrl`
    Pascal,
    /// `stateMachineArn`
    Camel,
}

impl Names {
    /// A parameter's name on the wire.
    #[must_use]
    pub fn to_wire(self, name: &str) -> Cow<'_, str> {
        match self {
            Self::Pascal => Cow::Borrowed(name),
            Self::Camel => with_first(name, char::to_ascii_lowercase),
        }
    }

    /// The name in results of what the wire calls `name`.
    #[must_use]
    pub fn from_wire(self, name: &str) -> Cow<'_, str> {
        match self {
            Self::Pascal => Cow::Borrowed(name),
            Self::Camel => with_first(name, char::to_ascii_uppercase),
        }
    }
}

fn with_first(name: &str, change: impl Fn(&char) -> char) -> Cow<'_, str> {
    let mut letters = name.chars();
    match letters.next() {
        Some(first) if change(&first) != first => Cow::Owned(std::iter::once(change(&first)).chain(letters).collect()),
        Some(_) | None => Cow::Borrowed(name),
    }
}

impl Shape {
    /// What is known of a member of a structure.
    pub(crate) fn member(&self, name: &str) -> &'static Shape {
        let Self::Structure(members) = self else { return &Shape::Any };
        members.iter().find(|member| member.0 == name).map_or(&Shape::Any, |member| member.1)
    }

    /// The value on the wire.
    ///
    /// A member that is `null` is left out: rule `integration-nulls` of the rule table.
    #[must_use]
    pub fn encode(&self, value: &Value, names: Names) -> Value {
        match (self, value) {
            (Self::Json, value) if value.as_str().is_none() => Value::from(value.to_string()),
            (Self::Time, value) => value.as_str().and_then(seconds).map_or_else(|| value.clone(), Value::from),
            (Self::Structure(_), Value::Object(members)) => members
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (names.to_wire(name).into(), self.member(name).encode(value, names)))
                .collect::<Object>()
                .into(),
            (Self::List(of), Value::Array(items)) => items.iter().map(|item| of.encode(item, names)).collect(),
            (Self::Map(map), Value::Object(members)) => {
                members.iter().map(|(name, value)| (Arc::clone(name), map.of.encode(value, names))).collect::<Object>().into()
            }
            _ => value.clone(),
        }
    }

    /// The value in the result.
    ///
    /// Members of structures are in alphabetical order, those of maps in that of a Java `HashMap`: rule `integration-results` of the rule
    /// table.
    #[must_use]
    pub fn decode(&self, value: &Value, names: Names) -> Value {
        match (self, value) {
            (Self::Time, value) => value.as_f64().map_or_else(|| value.clone(), milliseconds),
            (Self::Structure(_), Value::Object(members)) => {
                let members = members.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| {
                    let name = names.from_wire(name);
                    let value = self.member(&name).decode(value, names);
                    (name.into(), value)
                });
                sorted(members.collect())
            }
            (Self::List(of), Value::Array(items)) => items.iter().map(|item| of.decode(item, names)).collect(),
            (Self::Map(map), Value::Object(members)) => {
                hashed(members.iter().map(|(name, value)| (Arc::clone(name), map.of.decode(value, names))).collect())
            }
            _ => value.clone(),
        }
    }
}

/// An object of these members, by name.
pub(crate) fn sorted(mut members: Vec<(Arc<str>, Value)>) -> Value {
    members.sort_by(|a, b| a.0.cmp(&b.0));
    Object::from_distinct(members).into()
}

/// An object of these members in the order of a `HashMap` that they were put into.
pub(crate) fn hashed(members: Vec<(Arc<str>, Value)>) -> Value {
    let order = java_hash::iteration_order(members.iter().map(|member| &*member.0));
    order.into_iter().filter_map(|at| members.get(at).cloned()).collect::<Object>().into()
}

/// Seconds since the epoch of an ISO 8601 text; a whole number where it is one.
fn seconds(text: &str) -> Option<f64> {
    let Timestamp(ms) = Timestamp::parse_rfc3339(text)?.rounded_up();
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of any year with four digits are exact")]
    let seconds = ms as f64 / 1000.0;
    Some(seconds)
}

#[expect(clippy::cast_possible_truncation, reason = "saturating is what a time out of range may do")]
fn milliseconds(seconds: f64) -> Value {
    Value::from((seconds * 1000.0).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        Value::parse(text).unwrap()
    }

    static TIME: Shape = Shape::Time;
    static JSON: Shape = Shape::Json;
    static INNER: Shape = Shape::Structure(&[("StartDate", &TIME)]);
    static MAP: Shape = Shape::Map(&Map { key: "key", value: "value", of: &INNER });
    static LIST: Shape = Shape::List(&INNER);
    static OUTER: Shape = Shape::Structure(&[("Detail", &JSON), ("StartDate", &TIME), ("Map", &MAP), ("List", &LIST)]);

    fn encodes(names: Names, parameters: &str, wire: &str) {
        assert_eq!(OUTER.encode(&value(parameters), names).to_string(), wire);
    }

    fn decodes(names: Names, wire: &str, result: &str) {
        assert_eq!(OUTER.decode(&value(wire), names).to_string(), result);
    }

    #[test]
    fn members_of_structures_are_renamed_and_keys_of_maps_are_not() {
        encodes(
            Names::Camel,
            r#"{"List":[{"Name":1}],"Map":{"Key":{"Name":1}}}"#,
            r#"{"list":[{"name":1}],"map":{"Key":{"name":1}}}"#,
        );
        encodes(Names::Pascal, r#"{"List":[{"Name":1}]}"#, r#"{"List":[{"Name":1}]}"#);
        decodes(
            Names::Camel,
            r#"{"map":{"key":{"name":1}},"list":[{"name":1}]}"#,
            r#"{"List":[{"Name":1}],"Map":{"key":{"Name":1}}}"#,
        );
    }

    #[test]
    fn what_is_not_known_is_handed_on() {
        encodes(Names::Camel, r#"{"Other":{"Name":null}}"#, r#"{"other":{"Name":null}}"#);
        decodes(Names::Camel, r#"{"other":{"z":1,"a":2}}"#, r#"{"Other":{"z":1,"a":2}}"#);
    }

    #[test]
    fn nulls_are_left_out() {
        encodes(Names::Pascal, r#"{"Detail":null,"List":[{"Name":null}]}"#, r#"{"List":[{}]}"#);
        decodes(Names::Camel, r#"{"name":null}"#, "{}");
    }

    #[test]
    fn json_becomes_text_and_text_stays() {
        encodes(Names::Pascal, r#"{"Detail":{"a":[1]}}"#, r#"{"Detail":"{\"a\":[1]}"}"#);
        encodes(Names::Pascal, r#"{"Detail":"{ \"a\": 1 }"}"#, r#"{"Detail":"{ \"a\": 1 }"}"#);
    }

    #[test]
    fn times_are_seconds_on_the_wire_and_milliseconds_in_results() {
        encodes(Names::Pascal, r#"{"StartDate":"2024-12-01T21:51:15.458Z"}"#, r#"{"StartDate":1733089875.458}"#);
        encodes(Names::Pascal, r#"{"StartDate":"soon"}"#, r#"{"StartDate":"soon"}"#);
        decodes(Names::Pascal, r#"{"StartDate":1733089875.458}"#, r#"{"StartDate":1733089875458}"#);
        decodes(Names::Pascal, r#"{"StartDate":1733089875}"#, r#"{"StartDate":1733089875000}"#);
    }

    #[test]
    fn maps_are_iterated_as_java_does() {
        decodes(Names::Pascal, r#"{"Map":{"id":{},"data":{},"S":{}}}"#, r#"{"Map":{"S":{},"data":{},"id":{}}}"#);
        decodes(Names::Pascal, r#"{"Map":{"a":{},"p":{}}}"#, r#"{"Map":{"p":{},"a":{}}}"#);
    }
}
