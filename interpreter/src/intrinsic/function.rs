//! The functions: their names, how many arguments they take, and where each is implemented.

use std::ops::RangeInclusive;

use statewright_value::Value;

use super::arguments::Arguments;
use super::{array, hash, json, math, string, unique};
use crate::error::EvaluationError;
use crate::inputs::Draws;

/// An intrinsic function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Array,
    ArrayContains,
    ArrayGetItem,
    ArrayLength,
    ArrayPartition,
    ArrayRange,
    ArrayUnique,
    Base64Decode,
    Base64Encode,
    Format,
    Hash,
    JsonMerge,
    JsonToString,
    MathAdd,
    MathRandom,
    StringSplit,
    StringToJson,
    Uuid,
}

/// As many arguments as one likes.
const ANY: usize = usize::MAX;

/// Each function's name and the number of its arguments.
const FUNCTIONS: [(Function, &str, RangeInclusive<usize>); 18] = [
    (Function::Array, "States.Array", 0..=ANY),
    (Function::ArrayContains, "States.ArrayContains", 2..=2),
    (Function::ArrayGetItem, "States.ArrayGetItem", 2..=2),
    (Function::ArrayLength, "States.ArrayLength", 1..=1),
    (Function::ArrayPartition, "States.ArrayPartition", 2..=2),
    (Function::ArrayRange, "States.ArrayRange", 3..=3),
    (Function::ArrayUnique, "States.ArrayUnique", 1..=1),
    (Function::Base64Decode, "States.Base64Decode", 1..=1),
    (Function::Base64Encode, "States.Base64Encode", 1..=1),
    (Function::Format, "States.Format", 1..=ANY),
    (Function::Hash, "States.Hash", 2..=2),
    (Function::JsonMerge, "States.JsonMerge", 3..=3),
    (Function::JsonToString, "States.JsonToString", 1..=1),
    (Function::MathAdd, "States.MathAdd", 2..=2),
    (Function::MathRandom, "States.MathRandom", 2..=3),
    (Function::StringSplit, "States.StringSplit", 2..=2),
    (Function::StringToJson, "States.StringToJson", 1..=1),
    (Function::Uuid, "States.UUID", 0..=0),
];

impl Function {
    /// The function called `name` (with `States.`; case matters), and how many arguments it takes.
    pub(super) fn named(name: &str) -> Option<(Self, RangeInclusive<usize>)> {
        FUNCTIONS.iter().find(|(_, known, _)| *known == name).map(|(function, _, arguments)| (*function, arguments.clone()))
    }

    /// The name, with `States.`.
    pub(super) fn name(self) -> &'static str {
        FUNCTIONS.iter().find(|(function, _, _)| *function == self).map_or("", |(_, name, _)| name)
    }

    /// See [`Call::answers_string`](super::Call::answers_string).
    pub(super) fn answers_string(self) -> bool {
        match self {
            Self::ArrayGetItem
            | Self::Base64Decode
            | Self::Base64Encode
            | Self::Format
            | Self::Hash
            | Self::JsonToString
            | Self::Uuid => true,
            Self::Array
            | Self::ArrayContains
            | Self::ArrayLength
            | Self::ArrayPartition
            | Self::ArrayRange
            | Self::ArrayUnique
            | Self::JsonMerge
            | Self::MathAdd
            | Self::MathRandom
            | Self::StringSplit
            | Self::StringToJson => false,
        }
    }

    /// The function's answer.
    pub(super) fn apply(self, arguments: &Arguments<'_>, draws: &Draws) -> Result<Value, EvaluationError> {
        match self {
            Self::Array => Ok(array::array(arguments)),
            Self::ArrayContains => array::contains(arguments),
            Self::ArrayGetItem => array::get_item(arguments),
            Self::ArrayLength => array::length(arguments),
            Self::ArrayPartition => array::partition(arguments),
            Self::ArrayRange => array::range(arguments),
            Self::ArrayUnique => array::unique(arguments),
            Self::Base64Decode => string::base64_decode(arguments),
            Self::Base64Encode => string::base64_encode(arguments),
            Self::Format => string::format(arguments),
            Self::Hash => hash::hash(arguments),
            Self::JsonMerge => json::merge(arguments),
            Self::JsonToString => Ok(json::json_to_string(arguments)),
            Self::MathAdd => math::add(arguments),
            Self::MathRandom => math::random(arguments, draws),
            Self::StringSplit => string::split(arguments),
            Self::StringToJson => json::string_to_json(arguments),
            Self::Uuid => Ok(unique::uuid(draws)),
        }
    }
}
