//! What paths are made of.

use std::fmt;
use std::sync::Arc;

use super::filter::Filter;

/// One step of a path: from a value to some of those inside it.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// `.name`, `['name']`
    Name(Arc<str>),
    /// `['a','b']`
    Names(Box<[Arc<str>]>),
    /// `[0]`
    Index(i32),
    /// `[(@.length-1)]`: the number is added to the length of the array.
    FromLength(i32),
    /// `[0,2]`
    Indexes(Box<[i32]>),
    /// `[1:]`, `[:2]`, `[1:2]`
    Slice(Slice),
    /// `*`, `[*]`
    Wildcard,
    /// `..`, always followed by another step
    Scan,
    /// `[?(…)]`
    Filter(Filter),
}

/// The three kinds of slices, which treat negative numbers each in its own way.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Slice {
    /// `[1:]`; a negative number counts from the end.
    From(i32),
    /// `[:2]`; a negative number counts from the end.
    To(i32),
    /// `[1:2]`; a negative start is out of bounds, a negative end selects nothing.
    Between(i32, i32),
}

impl Step {
    /// Whether the step leads to one value.
    pub(crate) fn is_definite(&self) -> bool {
        match self {
            Self::Name(_) | Self::Names(_) | Self::Index(_) | Self::FromLength(_) => true,
            Self::Indexes(_) | Self::Slice(_) | Self::Wildcard | Self::Scan | Self::Filter(_) => false,
        }
    }
}

/// Prints the step as Jayway's messages do.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "['{name}']"),
            Self::Names(names) => {
                let names: Vec<_> = names.iter().map(|name| format!("'{name}'")).collect();
                write!(f, "[{}]", names.join(", "))
            }
            Self::Index(index) => write!(f, "[{index}]"),
            Self::FromLength(offset) => write!(f, "[@.size(){offset}]"),
            Self::Indexes(indexes) => {
                let indexes: Vec<_> = indexes.iter().map(i32::to_string).collect();
                write!(f, "[{}]", indexes.join(","))
            }
            Self::Slice(Slice::From(from)) => write!(f, "[{from}:]"),
            Self::Slice(Slice::To(to)) => write!(f, "[:{to}]"),
            Self::Slice(Slice::Between(from, to)) => write!(f, "[{from}:{to}]"),
            Self::Wildcard => f.write_str("[*]"),
            Self::Scan => f.write_str(".."),
            Self::Filter(_) => f.write_str("[?]"),
        }
    }
}
