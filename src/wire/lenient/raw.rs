//! JSON as it came, of any form.

use std::cell::Cell;
use std::fmt;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use super::Extra;

/// Any JSON as it came. A name that comes twice keeps both values, as an array, as repeated XML
/// elements are.
pub(crate) struct Raw(pub(crate) Value);

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Borrowed::deserialize(deserializer).map(|value| Self(value.into()))
    }
}

/// Any JSON, with text borrowed from the body if it has no escapes.
pub(crate) enum Borrowed<'de> {
    Text(&'de str),
    Other(Value),
}

impl From<Borrowed<'_>> for Value {
    fn from(value: Borrowed<'_>) -> Self {
        match value {
            Borrowed::Text(text) => text.into(),
            Borrowed::Other(value) => value,
        }
    }
}

impl<'de> Deserialize<'de> for Borrowed<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BorrowedVisitor)
    }
}

struct BorrowedVisitor;

impl<'de> Visitor<'de> for BorrowedVisitor {
    type Value = Borrowed<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Borrowed::Other(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Borrowed::Other(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Borrowed::Other(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Borrowed::Other(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        note_lost_digits(value);
        Ok(Borrowed::Other(Number::from_f64(value).map_or(Value::Null, Value::Number)))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Borrowed::Text(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Borrowed::Other(text.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        raw_map(map).map(Borrowed::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        raw_seq(seq, Vec::new()).map(Borrowed::Other)
    }
}

pub(crate) fn to_value(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

pub(super) fn raw_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<Value, A::Error> {
    let mut object = Extra::new();
    while let Some(name) = map.next_key()? {
        keep(&mut object, name, &mut map)?;
    }
    Ok(match number(&object) {
        Some(number) => Value::Number(number),
        None => Value::Object(object.into_iter().collect()),
    })
}

pub(super) fn raw_seq<'de, A: SeqAccess<'de>>(
    mut seq: A,
    mut array: Vec<Value>,
) -> Result<Value, A::Error> {
    while let Some(Raw(value)) = seq.next_element()? {
        array.push(value);
    }
    Ok(Value::Array(array))
}

/// Keeps the next value of an object under its name.
pub(crate) fn keep<'de, A: MapAccess<'de>>(
    extra: &mut Extra,
    name: String,
    map: &mut A,
) -> Result<(), A::Error> {
    let Raw(value) = map.next_value()?;
    keep_value(extra, name, value);
    Ok(())
}

pub(super) fn keep_value(extra: &mut Extra, name: String, value: Value) {
    match extra.get_mut(&name) {
        None => {
            extra.insert(name, value);
        }
        Some(Value::Array(values)) => values.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
    }
}

/// Name of the object in which serde_json hands out the digits of numbers once any crate in the
/// program turns on its feature `arbitrary_precision`.
pub(super) const NUMBER: &str = "$serde_json::private::Number";

fn number(object: &Extra) -> Option<Number> {
    object.get(NUMBER).filter(|_| object.len() == 1)?.as_str()?.parse().ok()
}

thread_local! {
    /// `true` once there was a float that may have been an integer of more than 64 bits. A
    /// thread-local, since serde has no other way up from a visitor to the caller.
    static LOST_DIGITS: Cell<bool> = const { Cell::new(false) };
}

pub(super) fn note_lost_digits(value: f64) {
    const LARGEST: f64 = 9_223_372_036_854_775_808.0;
    if value.abs() >= LARGEST {
        LOST_DIGITS.set(true);
    }
}

/// Returns `true` if digits may have been lost since the last call. Other reads on the thread count
/// too, and cost no more than a second parse.
pub(crate) fn were_digits_lost() -> bool {
    LOST_DIGITS.replace(false)
}
