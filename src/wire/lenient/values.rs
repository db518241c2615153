//! Forms that the values and the fields of a model can be read from.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::de::{MapAccess, SeqAccess};
use serde_json::Value;

use super::raw::{keep_value, raw_map, raw_seq, to_value};
use super::read::Slot;
use super::{Extra, Field, Lenient, Scalar};
#[cfg(feature = "hub")]
use crate::id::ConversationId;
use crate::id::{AgentId, CaseId, LONGEST, WidgetId};
use crate::timestamp::Timestamp;

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
#[cfg(feature = "hub")]
lenient_ids!(ConversationId);

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

/// Accepts any JSON, since an undocumented value can be anything.
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

impl<T: Lenient> Field for Option<T> {
    const IS_SECRET: bool = T::IS_SECRET;

    fn is_absent(&self) -> bool {
        self.is_none()
    }

    // Inlined, the forms that cannot come are optimized away: otherwise each text of a body goes
    // through memory as a scalar, which took 3 % more instructions of an Integration JSON POST.
    #[inline(always)]
    fn fill_scalar(&mut self, value: Scalar<'_>) -> bool {
        *self = T::from_scalar(value);
        self.is_some()
    }

    fn fill_map<'de, A: MapAccess<'de>>(&mut self, map: A) -> Result<Option<Value>, A::Error> {
        T::from_map(map).map(|read| fill_or_odd(self, read))
    }

    fn fill_seq<'de, A: SeqAccess<'de>>(&mut self, seq: A) -> Result<Option<Value>, A::Error> {
        T::from_seq(seq).map(|read| fill_or_odd(self, read))
    }

    fn odd_fields(&self, report: &mut dyn FnMut(&'static str)) {
        if let Some(value) = self {
            value.odd_fields(report);
        }
    }
}

fn fill_or_odd<T>(place: &mut Option<T>, read: Result<T, Value>) -> Option<Value> {
    read.map(|value| *place = Some(value)).err()
}

impl Field for String {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }

    fn fill_scalar(&mut self, value: Scalar<'_>) -> bool {
        *self = value.to_text();
        true
    }
}

/// One odd element makes the whole array odd, so that nothing of it is lost.
impl<T: Lenient> Field for Vec<T> {
    const IS_LIST: bool = true;

    fn is_absent(&self) -> bool {
        self.is_empty()
    }

    fn fill_seq<'de, A: SeqAccess<'de>>(&mut self, mut seq: A) -> Result<Option<Value>, A::Error> {
        let mut list = Vec::new();
        let mut element = None;
        while let Some(odd) = seq.next_element_seed(Slot(&mut element))? {
            if let Some(odd) = odd {
                let mut values: Vec<_> = list.iter().map(to_value).collect();
                values.push(odd);
                return raw_seq(seq, values).map(Some);
            }
            if let Some(value) = element.take() {
                list.push(value);
            }
        }
        *self = list;
        Ok(None)
    }

    fn odd_fields(&self, report: &mut dyn FnMut(&'static str)) {
        for value in self {
            value.odd_fields(report);
        }
    }
}

/// List in the place of a required value. It may be empty.
impl<T: Lenient> Lenient for Vec<T> {
    fn from_seq<'de, A: SeqAccess<'de>>(seq: A) -> Result<Result<Self, Value>, A::Error> {
        let mut list = Self::new();
        Ok(match Field::fill_seq(&mut list, seq)? {
            None => Ok(list),
            Some(odd) => Err(odd),
        })
    }

    fn odd_fields(&self, report: &mut dyn FnMut(&'static str)) {
        Field::odd_fields(self, report);
    }
}

/// One odd value makes the whole object odd, so that nothing of it is lost.
impl Field for BTreeMap<String, String> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }

    fn fill_map<'de, A: MapAccess<'de>>(&mut self, mut map: A) -> Result<Option<Value>, A::Error> {
        let mut texts = Self::new();
        let mut odd = Extra::new();
        let mut text = None;
        while let Some(name) = map.next_key::<String>()? {
            match (map.next_value_seed(Slot(&mut text))?, text.take()) {
                (Some(value), _) => keep_value(&mut odd, name, value),
                (None, Some(text)) => match texts.entry(name) {
                    Entry::Vacant(place) => {
                        place.insert(text);
                    }
                    Entry::Occupied(first) => {
                        let (name, first) = first.remove_entry();
                        keep_value(&mut odd, name.clone(), first.into());
                        keep_value(&mut odd, name, text.into());
                    }
                },
                (None, None) => {}
            }
        }
        if odd.is_empty() {
            *self = texts;
            return Ok(None);
        }
        texts.into_iter().for_each(|(name, text)| keep_value(&mut odd, name, text.into()));
        Ok(Some(Value::Object(odd.into_iter().collect())))
    }
}
