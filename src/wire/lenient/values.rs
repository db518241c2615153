//! The forms that the values of a model can be read from.

use serde::Serialize;
use serde::de::{MapAccess, SeqAccess};
use serde_json::{Number, Value};

use super::Lenient;
use super::raw::{raw_map, raw_seq};
use crate::id::{AgentId, CaseId, LONGEST, WidgetId};
use crate::timestamp::Timestamp;

pub(super) fn to_value(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

pub(super) fn digits(value: f64) -> String {
    Value::from(value).to_string()
}

/// Text that comes as a number or a boolean is read as that stands in JSON.
impl Lenient for String {
    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn from_bool(value: bool) -> Option<Self> {
        Some(value.to_string())
    }

    fn from_integer(value: i128) -> Option<Self> {
        Some(value.to_string())
    }

    fn from_float(value: f64) -> Option<Self> {
        Some(digits(value))
    }
}

/// What is large and seldom there.
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

/// The text of an id or of a name, where it is one.
pub(crate) fn short(text: &str) -> Option<&str> {
    Some(text).filter(|text| text.len() <= LONGEST)
}

/// An id is text; a number is taken as its digits, since an event without its id is lost.
macro_rules! lenient_ids {
    ($($id:ty)*) => {$(
        impl Lenient for $id {
            fn from_text(text: &str) -> Option<Self> {
                short(text).map(Self::from)
            }

            fn from_integer(value: i128) -> Option<Self> {
                Some(value.to_string().into())
            }
        }
    )*};
}

lenient_ids!(CaseId WidgetId AgentId);

impl Lenient for i64 {
    fn from_text(text: &str) -> Option<Self> {
        text.trim().parse().ok()
    }

    fn from_integer(value: i128) -> Option<Self> {
        value.try_into().ok()
    }
}

impl Lenient for f64 {
    fn from_text(text: &str) -> Option<Self> {
        text.trim().parse().ok().filter(|value: &f64| value.is_finite())
    }

    fn from_integer(value: i128) -> Option<Self> {
        #[expect(clippy::cast_precision_loss, reason = "degrees are far below 2^53")]
        Some(value as f64)
    }

    fn from_float(value: f64) -> Option<Self> {
        Some(value)
    }
}

/// Also as XML Schema and databases write it: 1 and 0, and in whichever case.
impl Lenient for bool {
    fn from_text(text: &str) -> Option<Self> {
        let is = |name: &str| text.trim().eq_ignore_ascii_case(name);
        (is("true") || is("false") || is("1") || is("0")).then(|| is("true") || is("1"))
    }

    fn from_integer(value: i128) -> Option<Self> {
        matches!(value, 0 | 1).then_some(value == 1)
    }

    fn from_bool(value: bool) -> Option<Self> {
        Some(value)
    }
}

impl Lenient for Timestamp {
    fn from_text(text: &str) -> Option<Self> {
        Self::from_text(text)
    }

    fn from_integer(value: i128) -> Option<Self> {
        i64::from_integer(value).and_then(Self::from_millis)
    }
}

/// What is not documented can be anything.
impl Lenient for Value {
    fn from_text(text: &str) -> Option<Self> {
        Some(text.into())
    }

    fn from_bool(value: bool) -> Option<Self> {
        Some(value.into())
    }

    fn from_integer(value: i128) -> Option<Self> {
        Number::from_i128(value).map(Self::Number)
    }

    fn from_float(value: f64) -> Option<Self> {
        Some(value.into())
    }

    fn from_map<'de, A: MapAccess<'de>>(map: A) -> Result<Result<Self, Value>, A::Error> {
        raw_map(map).map(Ok)
    }

    fn from_seq<'de, A: SeqAccess<'de>>(seq: A) -> Result<Result<Self, Value>, A::Error> {
        raw_seq(seq, Vec::new()).map(Ok)
    }
}

pub(super) fn integer(value: f64) -> Option<i128> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
    (value.fract() == 0.0 && value.abs() <= EXACT).then_some(value as i128)
}
