//! Forms that the values of a model can be read from.

use serde::Serialize;
use serde::de::{MapAccess, SeqAccess};
use serde_json::Value;

use super::raw::{raw_map, raw_seq};
use super::{Lenient, Scalar};
use crate::id::{AgentId, CaseId, LONGEST, WidgetId};
use crate::timestamp::Timestamp;

pub(crate) fn to_value(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// Reads a number or a boolean in the place of text as JSON has it.
impl Lenient for String {
    #[inline]
    fn from_scalar(value: Scalar<'_>) -> Option<Self> {
        Some(value.to_text())
    }
}

/// Boxes a value that is large and seldom present.
impl<T: Lenient> Lenient for Box<T> {
    fn from_map<'de, A: MapAccess<'de>>(map: A) -> Result<Result<Self, Value>, A::Error> {
        T::from_map(map).map(|read| read.map(Box::new))
    }

    fn odd_fields(&self, report: &mut dyn FnMut(&'static str)) {
        (**self).odd_fields(report);
    }

    fn names(&self) -> &'static [&'static str] {
        (**self).names()
    }
}

/// Returns the text of an id or of a name, if it is short enough.
pub(crate) fn short(text: &str) -> Option<&str> {
    Some(text).filter(|text| text.len() <= LONGEST)
}

/// An id is text; a number is taken as its digits, since an event without its id is lost.
macro_rules! lenient_ids {
    ($($id:ty)*) => {$(
        impl Lenient for $id {
            #[inline]
            fn from_scalar(value: Scalar<'_>) -> Option<Self> {
                match value {
                    Scalar::Text(text) => short(text).map(Self::from),
                    _ => value.as_integer().map(|digits| digits.to_string().into()),
                }
            }
        }
    )*};
}

lenient_ids!(CaseId WidgetId AgentId);

impl Lenient for i64 {
    #[inline]
    fn from_scalar(value: Scalar<'_>) -> Option<Self> {
        match value {
            Scalar::Text(text) => text.trim().parse().ok(),
            _ => value.as_integer()?.try_into().ok(),
        }
    }
}

impl Lenient for f64 {
    #[inline]
    fn from_scalar(value: Scalar<'_>) -> Option<Self> {
        match value {
            Scalar::Text(text) => text.trim().parse().ok().filter(|value: &Self| value.is_finite()),
            #[expect(clippy::cast_precision_loss, reason = "degrees are far below 2^53")]
            Scalar::Integer(value) => Some(value as Self),
            Scalar::Float(value) => Some(value),
            Scalar::Bool(_) => None,
        }
    }
}

/// Reads a boolean as XML Schema and databases write it, too: 1 and 0, and in any case.
impl Lenient for bool {
    #[inline]
    fn from_scalar(value: Scalar<'_>) -> Option<Self> {
        match value {
            Scalar::Bool(value) => Some(value),
            Scalar::Text(text) => bool_from_text(text.trim()),
            _ => value.as_integer().filter(|value| matches!(value, 0 | 1)).map(|value| value == 1),
        }
    }
}

fn bool_from_text(text: &str) -> Option<bool> {
    let is = |name: &str| text.eq_ignore_ascii_case(name);
    (is("true") || is("false") || is("1") || is("0")).then(|| is("true") || is("1"))
}

impl Lenient for Timestamp {
    #[inline]
    fn from_scalar(value: Scalar<'_>) -> Option<Self> {
        match value {
            Scalar::Text(text) => Self::from_text(text),
            _ => i64::from_scalar(value).and_then(Self::from_millis),
        }
    }
}

/// Accepts any JSON, since what is not documented can be anything.
impl Lenient for Value {
    #[inline]
    fn from_scalar(value: Scalar<'_>) -> Option<Self> {
        Some(value.to_json())
    }

    fn from_map<'de, A: MapAccess<'de>>(map: A) -> Result<Result<Self, Value>, A::Error> {
        raw_map(map).map(Ok)
    }

    fn from_seq<'de, A: SeqAccess<'de>>(seq: A) -> Result<Result<Self, Value>, A::Error> {
        raw_seq(seq, Vec::new()).map(Ok)
    }
}
