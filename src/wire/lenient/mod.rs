//! Forgiving serde: one odd optional field never costs the whole event.
//!
//! - Absent, `null` and empty are the same.
//! - Numbers and booleans are accepted as text, and text as one of them.
//! - A value that a field cannot hold is kept as it came, beside the field.
//! - If a field comes several times, the last counts, and the others are kept beside it.

mod raw;
mod read;
mod values;

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::{MapAccess, SeqAccess};
use serde_json::{Number, Value};

pub(crate) use self::raw::{Borrowed, Raw, keep, to_value, were_digits_lost};
pub(crate) use self::read::{others, read, read_constant, read_name, read_required, require};
pub(crate) use self::values::short;

use self::raw::{raw_map, raw_seq};

/// Fields of an object that are not documented, or not of the documented type.
pub(crate) type Extra = BTreeMap<String, Value>;

/// Value that is neither an object nor an array.
#[derive(Clone, Copy)]
pub(crate) enum Scalar<'v> {
    Text(&'v str),
    Bool(bool),
    /// Integer of 64 bits, signed or unsigned.
    Integer(i128),
    Float(f64),
}

impl Scalar<'_> {
    /// Returns text as it is, and any other value as in JSON.
    #[inline]
    pub(crate) fn to_text(self) -> String {
        if let Self::Text(text) = self { text.to_owned() } else { self.in_json() }
    }

    /// Writes a value as JSON: separate, so that the usual case is small enough to be inlined.
    #[cold]
    fn in_json(self) -> String {
        self.to_json().to_string()
    }

    /// Returns the integer, or the whole number of a float. Text is none, whatever it says.
    #[inline]
    pub(crate) fn as_integer(self) -> Option<i128> {
        match self {
            Self::Integer(value) => Some(value),
            Self::Float(value) => integer(value),
            Self::Text(_) | Self::Bool(_) => None,
        }
    }

    #[cold]
    fn to_json(self) -> Value {
        match self {
            Self::Text(text) => text.into(),
            Self::Bool(value) => value.into(),
            Self::Integer(value) => Number::from_i128(value).map_or(Value::Null, Value::Number),
            Self::Float(value) => value.into(),
        }
    }
}

fn integer(value: f64) -> Option<i128> {
    // Beyond 2^53 a float stands for several integers, and the one that was meant is lost.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
    (value.fract() == 0.0 && value.abs() <= EXACT).then_some(value as i128)
}

/// Value that declares which JSON forms it can be read from. Every other form is odd.
pub(crate) trait Lenient: Sized + Serialize {
    /// `true` of a value that is not kept in `extra`, where `Debug` would show it.
    const IS_SECRET: bool = false;

    fn from_scalar(_value: Scalar<'_>) -> Option<Self> {
        None
    }

    fn from_map<'de, A: MapAccess<'de>>(map: A) -> Result<Result<Self, Value>, A::Error> {
        raw_map(map).map(Err)
    }

    fn from_seq<'de, A: SeqAccess<'de>>(seq: A) -> Result<Result<Self, Value>, A::Error> {
        raw_seq(seq, Vec::new()).map(Err)
    }

    /// Reports the known fields that were odd, in this object and in those below it.
    fn odd_fields(&self, _report: &mut dyn FnMut(&'static str)) {}

    /// Returns the names of all known fields.
    fn names(&self) -> &'static [&'static str] {
        &[]
    }
}

/// Field of a model: absent until a value fills it.
///
/// Only an absent field is filled. The result is `false` if the value was not of a form it can
/// hold; then it is still absent.
pub(crate) trait Field: Default + Serialize {
    const IS_LIST: bool = false;
    const IS_SECRET: bool = false;

    fn is_absent(&self) -> bool;

    fn fill_scalar(&mut self, _value: Scalar<'_>) -> bool {
        false
    }

    /// Fills the field from an object. Returns the value if it was odd.
    fn fill_map<'de, A: MapAccess<'de>>(&mut self, map: A) -> Result<Option<Value>, A::Error> {
        raw_map(map).map(Some)
    }

    /// Fills the field from an array. Returns the value if it was odd.
    fn fill_seq<'de, A: SeqAccess<'de>>(&mut self, seq: A) -> Result<Option<Value>, A::Error> {
        raw_seq(seq, Vec::new()).map(Some)
    }

    fn odd_fields(&self, _report: &mut dyn FnMut(&'static str)) {}
}
