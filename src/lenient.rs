//! Forgiving serde: one odd optional field never costs the whole event.
//!
//! A payload is described once, as a table of the vendor's names and our fields ([`model!`]). The
//! table reads JSON and legacy XML alike, and writes the vendor's JSON back without loss:
//!
//! - absent, `null` and empty are the same;
//! - numbers and booleans that come as text are read;
//! - what a field cannot make sense of goes to `extra` under the field's name, as it came;
//! - what the table does not know goes to `extra` as well.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::id::{AgentId, CaseId, WidgetId};
use crate::timestamp::Timestamp;

/// The fields that the table of a model does not know, and those it could not read.
pub(crate) type Extra = BTreeMap<String, Value>;

/// What was found where a field was expected.
pub(crate) enum Read<T> {
    Absent,
    Value(T),
    Odd(Value),
}

impl<T> Read<T> {
    fn or_odd(value: Option<T>, odd: impl Into<Value>) -> Self {
        value.map_or_else(|| Self::Odd(odd.into()), Self::Value)
    }

    fn into_value(self) -> Value
    where
        T: Serialize,
    {
        match self {
            Self::Absent => Value::Null,
            Self::Value(value) => serde_json::to_value(value).unwrap_or_default(),
            Self::Odd(value) => value,
        }
    }
}

/// A type that says itself which JSON forms it can be read from. Every other form is odd.
pub(crate) trait Lenient: Sized + Serialize {
    fn from_text(_text: &str) -> Option<Self> {
        None
    }

    fn from_bool(_value: bool) -> Option<Self> {
        None
    }

    fn from_integer(_value: i64) -> Option<Self> {
        None
    }

    fn from_float(value: f64) -> Option<Self> {
        integer(value).and_then(Self::from_integer)
    }

    fn from_map<'de, A: MapAccess<'de>>(map: A) -> Result<Read<Self>, A::Error> {
        raw_map(map).map(Read::Odd)
    }

    fn from_seq<'de, A: SeqAccess<'de>>(seq: A) -> Result<Read<Self>, A::Error> {
        raw_seq(seq).map(Read::Odd)
    }

    /// Names the known fields that were odd, here and further in.
    fn odd_fields(&self, _report: &mut dyn FnMut(&'static str)) {}
}

/// A field of a model: absent unless a value was found for it.
pub(crate) trait Field: Default + Serialize {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Read<Self>, D::Error>;

    fn is_absent(&self) -> bool;

    fn odd_fields(&self, _report: &mut dyn FnMut(&'static str)) {}
}

impl<T: Lenient> Field for Option<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Read<Self>, D::Error> {
        Ok(match read_one(deserializer)? {
            Read::Absent => Read::Absent,
            Read::Value(value) => Read::Value(Some(value)),
            Read::Odd(value) => Read::Odd(value),
        })
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }

    fn odd_fields(&self, report: &mut dyn FnMut(&'static str)) {
        if let Some(value) = self {
            value.odd_fields(report);
        }
    }
}

impl Field for String {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Read<Self>, D::Error> {
        read_one(deserializer)
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<T: Lenient> Field for Vec<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Read<Self>, D::Error> {
        read_one::<List<T>, D>(deserializer).map(|read| match read {
            Read::Absent => Read::Absent,
            Read::Value(List(list)) => Read::Value(list),
            Read::Odd(value) => Read::Odd(value),
        })
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }

    fn odd_fields(&self, report: &mut dyn FnMut(&'static str)) {
        for value in self {
            value.odd_fields(report);
        }
    }
}

impl Field for BTreeMap<String, String> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Read<Self>, D::Error> {
        read_one::<Texts, D>(deserializer).map(|read| match read {
            Read::Absent => Read::Absent,
            Read::Value(Texts(texts)) => Read::Value(texts),
            Read::Odd(value) => Read::Odd(value),
        })
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl Lenient for String {
    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

/// An id is text; a number is taken as its digits, since an event without its id is lost.
macro_rules! lenient_ids {
    ($($id:ty)*) => {$(
        impl Lenient for $id {
            fn from_text(text: &str) -> Option<Self> {
                Some(text.into())
            }

            fn from_integer(value: i64) -> Option<Self> {
                Some(value.to_string().into())
            }
        }
    )*};
}

lenient_ids!(CaseId WidgetId AgentId);

macro_rules! lenient_integers {
    ($($integer:ty)*) => {$(
        impl Lenient for $integer {
            fn from_text(text: &str) -> Option<Self> {
                text.trim().parse().ok()
            }

            fn from_integer(value: i64) -> Option<Self> {
                value.try_into().ok()
            }
        }
    )*};
}

lenient_integers!(i64 u64 u8);

impl Lenient for f64 {
    fn from_text(text: &str) -> Option<Self> {
        text.trim().parse().ok().filter(|value: &f64| value.is_finite())
    }

    fn from_integer(value: i64) -> Option<Self> {
        #[expect(clippy::cast_precision_loss, reason = "degrees are far below 2^53")]
        Some(value as f64)
    }

    fn from_float(value: f64) -> Option<Self> {
        Some(value)
    }
}

impl Lenient for bool {
    fn from_text(text: &str) -> Option<Self> {
        text.trim().parse().ok()
    }

    fn from_bool(value: bool) -> Option<Self> {
        Some(value)
    }
}

impl Lenient for Timestamp {
    fn from_text(text: &str) -> Option<Self> {
        i64::from_text(text).and_then(Self::from_millis)
    }

    fn from_integer(value: i64) -> Option<Self> {
        Self::from_millis(value)
    }
}

impl Lenient for Value {
    fn from_text(text: &str) -> Option<Self> {
        Some(text.into())
    }

    fn from_bool(value: bool) -> Option<Self> {
        Some(value.into())
    }

    fn from_integer(value: i64) -> Option<Self> {
        Some(value.into())
    }

    fn from_float(value: f64) -> Option<Self> {
        Some(value.into())
    }

    fn from_map<'de, A: MapAccess<'de>>(map: A) -> Result<Read<Self>, A::Error> {
        raw_map(map).map(Read::Value)
    }

    fn from_seq<'de, A: SeqAccess<'de>>(seq: A) -> Result<Read<Self>, A::Error> {
        raw_seq(seq).map(Read::Value)
    }
}

/// An array, whole or odd: one odd element makes the array odd, so that nothing of it is lost.
#[derive(Serialize)]
#[serde(transparent)]
struct List<T>(Vec<T>);

impl<T: Lenient> Lenient for List<T> {
    fn from_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<Read<Self>, A::Error> {
        let mut list = Vec::new();
        while let Some(read) = seq.next_element_seed(OneSeed(PhantomData))? {
            match read {
                Read::Absent => {}
                Read::Value(value) => list.push(value),
                Read::Odd(odd) => {
                    let mut values: Vec<_> =
                        list.into_iter().map(|value| Read::Value(value).into_value()).collect();
                    values.push(odd);
                    while let Some(Raw(value)) = seq.next_element()? {
                        values.push(value);
                    }
                    return Ok(Read::Odd(values.into()));
                }
            }
        }
        Ok(Read::Value(Self(list)))
    }
}

/// An object of texts, whole or odd.
#[derive(Serialize)]
#[serde(transparent)]
struct Texts(BTreeMap<String, String>);

impl Lenient for Texts {
    fn from_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<Read<Self>, A::Error> {
        let mut texts = BTreeMap::new();
        let mut odd = Extra::new();
        while let Some(Name(name)) = map.next_key()? {
            match map.next_value_seed(OneSeed::<String>(PhantomData))? {
                Read::Absent => {}
                Read::Value(text) => {
                    texts.insert(name.into_owned(), text);
                }
                Read::Odd(value) => {
                    odd.insert(name.into_owned(), value);
                }
            }
        }
        if odd.is_empty() {
            return Ok(Read::Value(Self(texts)));
        }
        odd.extend(texts.into_iter().map(|(name, text)| (name, text.into())));
        Ok(Read::Odd(Value::Object(odd.into_iter().collect())))
    }
}

fn read_one<'de, T: Lenient, D: Deserializer<'de>>(deserializer: D) -> Result<Read<T>, D::Error> {
    deserializer.deserialize_any(OneVisitor(PhantomData))
}

struct OneSeed<T>(PhantomData<T>);

impl<'de, T: Lenient> DeserializeSeed<'de> for OneSeed<T> {
    type Value = Read<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        read_one(deserializer)
    }
}

struct OneVisitor<T>(PhantomData<T>);

impl<'de, T: Lenient> Visitor<'de> for OneVisitor<T> {
    type Value = Read<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Read::Absent)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Read::or_odd(T::from_bool(value), value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Read::or_odd(T::from_integer(value), value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        let read = i64::try_from(value).ok().and_then(T::from_integer);
        Ok(Read::or_odd(read, value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Read::or_odd(T::from_float(value), value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        if text.is_empty() {
            return Ok(Read::Absent);
        }
        Ok(Read::or_odd(T::from_text(text), text))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::from_map(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        T::from_seq(seq)
    }
}

fn integer(value: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
    (value.fract() == 0.0 && value.abs() <= EXACT).then_some(value as i64)
}

/// Any JSON as it came. A name that comes twice keeps both values, as an array: that is what
/// repeated XML elements are.
struct Raw(Value);

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor).map(Self)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        raw_map(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Value, A::Error> {
        raw_seq(seq)
    }
}

fn raw_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<Value, A::Error> {
    let mut object = Extra::new();
    while let Some(Name(name)) = map.next_key()? {
        keep(&mut object, name, &mut map)?;
    }
    Ok(Value::Object(object.into_iter().collect()))
}

fn raw_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<Value, A::Error> {
    let mut array = Vec::new();
    while let Some(Raw(value)) = seq.next_element()? {
        array.push(value);
    }
    Ok(Value::Array(array))
}

/// Keeps the next value of a map under its name.
pub(crate) fn keep<'de, A: MapAccess<'de>>(
    extra: &mut Extra,
    name: Cow<'de, str>,
    map: &mut A,
) -> Result<(), A::Error> {
    let Raw(value) = map.next_value()?;
    match extra.get_mut(&*name) {
        None => {
            extra.insert(name.into_owned(), value);
        }
        Some(Value::Array(values)) => values.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
    }
    Ok(())
}

/// Reads the next value of a map into a field; an odd one goes to `extra`.
pub(crate) fn read<'de, F: Field, A: MapAccess<'de>>(
    field: &mut F,
    name: &'static str,
    map: &mut A,
    extra: &mut Extra,
) -> Result<(), A::Error> {
    match map.next_value_seed(FieldSeed(PhantomData))? {
        Read::Absent => {}
        Read::Value(value) => {
            *field = value;
            if !extra.is_empty() {
                extra.remove(name);
            }
        }
        Read::Odd(value) => {
            *field = F::default();
            extra.insert(name.to_owned(), value);
        }
    }
    Ok(())
}

/// Reads the next value of a map into a field that nothing can be done without.
pub(crate) fn read_required<'de, T: Lenient, A: MapAccess<'de>>(
    field: &mut Option<T>,
    name: &'static str,
    map: &mut A,
) -> Result<(), A::Error> {
    match map.next_value_seed(OneSeed(PhantomData))? {
        Read::Absent => {}
        Read::Value(value) => *field = Some(value),
        Read::Odd(_) => {
            return Err(de::Error::custom(format_args!(
                "field `{name}` is not of the documented type"
            )));
        }
    }
    Ok(())
}

pub(crate) fn require<T, E: de::Error>(field: Option<T>, name: &'static str) -> Result<T, E> {
    field.ok_or_else(|| E::missing_field(name))
}

struct FieldSeed<F>(PhantomData<F>);

impl<'de, F: Field> DeserializeSeed<'de> for FieldSeed<F> {
    type Value = Read<F>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        F::read(deserializer)
    }
}

/// The name of a field, borrowed from the body where it has no escapes.
pub(crate) struct Name<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Name(Cow::Borrowed(name)))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Name(Cow::Owned(name.to_owned())))
    }
}

/// A payload that is one object.
pub(crate) trait Model: Sized {
    fn read_map<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error>;
}

pub(crate) struct ModelVisitor<M>(pub(crate) PhantomData<M>);

impl<'de, M: Model> Visitor<'de> for ModelVisitor<M> {
    type Value = M;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        M::read_map(map)
    }
}

/// One line in the log for all the odd fields of an event, by name and never by value.
pub(crate) fn warn_of_odd_fields(event: &impl Lenient) {
    if !tracing::enabled!(tracing::Level::WARN) {
        return;
    }
    let mut fields = Vec::new();
    event.odd_fields(&mut |field| {
        if !fields.contains(&field) {
            fields.push(field);
        }
    });
    if !fields.is_empty() {
        tracing::warn!(?fields, "fields not of the documented type are kept in extra");
    }
}

/// Reads and writes a struct by a table of the vendor's names and its fields.
///
/// `required` fields are refused when absent, `constant` ones are skipped when read and always
/// written, `optional` ones may be absent. A name may have aliases that are read as well.
macro_rules! model {
    ($model:ident {
        required { $($required:literal => $required_field:ident: $type:ty,)* }
        constant { $($constant:literal => $value:expr,)* }
        optional { $($optional:literal $(| $alias:literal)* => $optional_field:ident,)* }
    }) => {
        impl $model {
            /// One with what is required, and nothing else.
            pub fn new($($required_field: impl Into<$type>,)*) -> Self {
                Self {
                    $($required_field: $required_field.into(),)*
                    $($optional_field: Default::default(),)*
                    extra: crate::lenient::Extra::new(),
                }
            }
        }

        impl crate::lenient::Model for $model {
            fn read_map<'de, A: serde::de::MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
                $(let mut $required_field = None;)*
                $(let mut $optional_field = Default::default();)*
                let mut extra = crate::lenient::Extra::new();
                while let Some(crate::lenient::Name(name)) = map.next_key()? {
                    match &*name {
                        $($required => {
                            crate::lenient::read_required(&mut $required_field, $required, &mut map)?;
                        })*
                        $($constant => {
                            map.next_value::<serde::de::IgnoredAny>()?;
                        })*
                        $($optional $(| $alias)* => {
                            crate::lenient::read(&mut $optional_field, $optional, &mut map, &mut extra)?;
                        })*
                        _ => crate::lenient::keep(&mut extra, name, &mut map)?,
                    }
                }
                Ok(Self {
                    $($required_field: crate::lenient::require($required_field, $required)?,)*
                    $($optional_field,)*
                    extra,
                })
            }
        }

        impl crate::lenient::Lenient for $model {
            fn from_map<'de, A: serde::de::MapAccess<'de>>(
                map: A,
            ) -> Result<crate::lenient::Read<Self>, A::Error> {
                <Self as crate::lenient::Model>::read_map(map).map(crate::lenient::Read::Value)
            }

            fn odd_fields(&self, report: &mut dyn FnMut(&'static str)) {
                if !self.extra.is_empty() {
                    $(if self.extra.contains_key($optional) {
                        report($optional);
                    })*
                }
                $(crate::lenient::Field::odd_fields(&self.$optional_field, report);)*
            }
        }

        impl<'de> serde::Deserialize<'de> for $model {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_map(crate::lenient::ModelVisitor(std::marker::PhantomData))
            }
        }

        impl serde::Serialize for $model {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;

                let mut map = serializer.serialize_map(None)?;
                $(map.serialize_entry($required, &self.$required_field)?;)*
                $(map.serialize_entry($constant, $value)?;)*
                $(if !crate::lenient::Field::is_absent(&self.$optional_field) {
                    map.serialize_entry($optional, &self.$optional_field)?;
                })*
                for (name, value) in &self.extra {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    };
}

pub(crate) use model;
