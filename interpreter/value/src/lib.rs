//! The JSON value every part of statewright works on.
//!
//! A [`Value`] is shared: cloning one costs a reference count, whatever its size. It is copied on write, along the path that is
//! written and no further. Objects keep the order in which members were added; integers are exact within `i64` and `u64`.
//! What a value would be as compact JSON text, in bytes, is counted at most once per array or object ([`Value::measure`]).
//!
//! ```
//! use statewright_value::Value;
//!
//! let before = Value::parse(r#"{"order": {"id": 17}, "total": 9.5}"#).unwrap();
//! let mut after = before.clone();
//! after.as_object_mut().unwrap().insert("paid".into(), Value::Bool(true));
//! assert_eq!(after.to_string(), r#"{"order":{"id":17},"total":9.5,"paid":true}"#);
//! assert_eq!(before.measure().bytes, r#"{"order":{"id":17},"total":9.5}"#.len());
//! ```

mod array;
mod measure;
mod number;
mod object;
mod parse;
mod print;

use std::sync::Arc;

pub use array::Array;
pub use measure::Measure;
pub use number::Number;
pub use object::Object;
pub use parse::{DEPTH_MAX, ParseError};

/// A JSON value. Cheap to clone; see the [crate documentation](crate).
///
/// Two values are equal when they are of the same type and hold the same: an object's members in any order, and an integer is
/// never equal to a floating-point number (`1` and `1.0` differ, as two of Jackson's nodes do).
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    String(Arc<str>),
    /// An array.
    Array(Array),
    /// An object.
    Object(Object),
}

impl Value {
    /// The value's text, if it is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// The value, if it is `true` or `false`.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn as_number(&self) -> Option<Number> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// The number, if it is an integer within `i64`.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number().and_then(Number::as_i64)
    }

    /// The number as a floating-point number, rounded where an integer is beyond 2^53.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        self.as_number().map(Number::as_f64)
    }

    /// The elements, if it is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&Array> {
        if let Self::Array(array) = self { Some(array) } else { None }
    }

    /// The members, if it is an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// The members for writing, if it is an object. Other holders of the same object do not see the change.
    pub fn as_object_mut(&mut self) -> Option<&mut Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// The elements for writing, if it is an array. Other holders of the same array do not see the change.
    pub fn as_array_mut(&mut self) -> Option<&mut Array> {
        if let Self::Array(array) = self { Some(array) } else { None }
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The member called `key`, if it is an object that has one.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_object().and_then(|object| object.get(key))
    }

    /// The name JSON has for its type: `null`, `boolean`, `number`, `string`, `array` or `object`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    /// An object without members.
    #[must_use]
    pub fn empty_object() -> Value {
        Value::Object(Object::new())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value.into())
    }
}

impl From<Arc<str>> for Value {
    fn from(value: Arc<str>) -> Self {
        Self::String(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Number(Number::Int(value))
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Number(Number::Int(i64::from(value)))
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Number(Number::from(value))
    }
}

impl From<f64> for Value {
    /// What JSON cannot hold (an infinity or not a number) becomes `null`.
    fn from(value: f64) -> Self {
        Number::from_f64(value).map_or(Self::Null, Self::Number)
    }
}

impl From<Number> for Value {
    fn from(value: Number) -> Self {
        Self::Number(value)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::Array(Array::from(items))
    }
}

impl From<Array> for Value {
    fn from(items: Array) -> Self {
        Self::Array(items)
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Self::Array(items.into_iter().collect())
    }
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(value),
            serde_json::Value::Number(number) => {
                if let Some(int) = number.as_i64() {
                    Self::from(int)
                } else if let Some(int) = number.as_u64() {
                    Self::from(int)
                } else {
                    Self::from(number.as_f64().unwrap_or_default())
                }
            }
            serde_json::Value::String(text) => Self::from(text),
            serde_json::Value::Array(items) => items.into_iter().map(Self::from).collect(),
            serde_json::Value::Object(members) => {
                Self::Object(members.into_iter().map(|(key, value)| (Arc::from(key), Self::from(value))).collect())
            }
        }
    }
}
