//! Forgiving serde: one odd optional field never costs the whole event.
//!
//! - Absent, `null` and empty are the same.
//! - Numbers and booleans that come as text are read, and text that comes as one of them.
//! - What a field cannot make sense of is kept as it came, beside the field.
//! - Of a field that comes several times the last counts, and the others are kept beside it.

mod places;
mod raw;
mod read;
mod values;
mod warn;

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::{MapAccess, SeqAccess};
use serde_json::Value;

pub(crate) use self::places::Slot;
pub(crate) use self::raw::{Borrowed, Raw, keep, were_digits_lost};
pub(crate) use self::read::{others, read, read_constant, read_name, read_required, require};
pub(crate) use self::values::short;
pub(crate) use self::warn::{warn_of_odd_fields, warn_of_replacements};

use self::raw::{raw_map, raw_seq};
use self::values::integer;

/// The fields of an object that are not documented, or not of the documented type.
pub(crate) type Extra = BTreeMap<String, Value>;

/// A value that says itself which JSON forms it can be read from. Every other form is odd.
pub(crate) trait Lenient: Sized + Serialize {
    fn from_text(_text: &str) -> Option<Self> {
        None
    }

    fn from_bool(_value: bool) -> Option<Self> {
        None
    }

    fn from_integer(_value: i128) -> Option<Self> {
        None
    }

    fn from_float(value: f64) -> Option<Self> {
        integer(value).and_then(Self::from_integer)
    }

    fn from_map<'de, A: MapAccess<'de>>(map: A) -> Result<Result<Self, Value>, A::Error> {
        raw_map(map).map(Err)
    }

    fn from_seq<'de, A: SeqAccess<'de>>(seq: A) -> Result<Result<Self, Value>, A::Error> {
        raw_seq(seq, Vec::new()).map(Err)
    }

    /// Names the known fields that were odd, here and further in.
    fn odd_fields(&self, _report: &mut dyn FnMut(&'static str)) {}

    /// The names of all known fields.
    fn names(&self) -> &'static [&'static str] {
        &[]
    }
}

/// A place in a model: absent until a value fills it.
///
/// Only an absent one is filled. That says whether the value was of a form it can take; if not, it is
/// absent still.
pub(crate) trait Field: Default + Serialize {
    fn is_absent(&self) -> bool;

    fn fill_text(&mut self, _text: &str) -> bool {
        false
    }

    fn fill_bool(&mut self, _value: bool) -> bool {
        false
    }

    fn fill_integer(&mut self, _value: i128) -> bool {
        false
    }

    fn fill_float(&mut self, _value: f64) -> bool {
        false
    }

    /// Says the value if it was odd.
    fn fill_map<'de, A: MapAccess<'de>>(&mut self, map: A) -> Result<Option<Value>, A::Error> {
        raw_map(map).map(Some)
    }

    /// Says the value if it was odd.
    fn fill_seq<'de, A: SeqAccess<'de>>(&mut self, seq: A) -> Result<Option<Value>, A::Error> {
        raw_seq(seq, Vec::new()).map(Some)
    }

    fn odd_fields(&self, _report: &mut dyn FnMut(&'static str)) {}
}
