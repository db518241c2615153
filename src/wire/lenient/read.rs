//! Fields of an object, read one by one, and the other values that come for a field.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::raw::{note_lost_digits, to_value};
use super::{Borrowed, Extra, Field, Lenient, Raw, Scalar};
use crate::id::LONGEST;

/// Reads the next value of an object into a field; an odd one goes to `extra`. Of several, the last
/// counts, and the others go to `extra` as well.
pub(crate) fn read<'de, F: Field, A: MapAccess<'de>>(
    field: &mut F,
    name: &'static str,
    map: &mut A,
    extra: &mut Extra,
) -> Result<(), A::Error> {
    if !field.is_absent() || !extra.is_empty() && extra.contains_key(name) {
        return read_again(field, name, map, extra);
    }
    if let Some(odd) = map.next_value_seed(Slot(field))? {
        extra.insert(name.to_owned(), odd);
    }
    Ok(())
}

#[cold]
fn read_again<'de, F: Field, A: MapAccess<'de>>(
    field: &mut F,
    name: &'static str,
    map: &mut A,
    extra: &mut Extra,
) -> Result<(), A::Error> {
    let first = std::mem::take(field);
    let odd = map.next_value_seed(Slot(field))?;
    if odd.is_none() && field.is_absent() {
        *field = first;
        return Ok(());
    }
    let first = extra.remove(name).unwrap_or_else(|| to_value(&first));
    if !F::IS_SECRET {
        keep_other(extra, name, first);
    }
    extra.extend(odd.map(|odd| (name.to_owned(), odd)));
    Ok(())
}

/// Reads the next value of an object into a required field. Of several, the last that can be read
/// counts, and the others go to `extra`.
pub(crate) fn read_required<'de, T: Lenient, A: MapAccess<'de>>(
    field: &mut Option<T>,
    name: &'static str,
    map: &mut A,
    extra: &mut Extra,
) -> Result<(), A::Error> {
    if field.is_some() {
        return read_required_again(field, name, map, extra);
    }
    match map.next_value_seed(Slot(field))? {
        None => Ok(()),
        Some(odd) => Err(refusal(name, &odd)),
    }
}

#[cold]
fn read_required_again<'de, T: Lenient, A: MapAccess<'de>>(
    field: &mut Option<T>,
    name: &'static str,
    map: &mut A,
    extra: &mut Extra,
) -> Result<(), A::Error> {
    let first = field.take();
    let odd = map.next_value_seed(Slot(field))?;
    if T::IS_SECRET {
        *field = field.take().or(first);
    } else if field.is_none() {
        *field = first;
        odd.into_iter().for_each(|odd| keep_other(extra, name, odd));
    } else {
        keep_other(extra, name, to_value(&first));
    }
    Ok(())
}

/// Returns the error for an odd value of a required field.
fn refusal<E: de::Error>(name: &str, odd: &Value) -> E {
    if odd.as_str().is_some_and(|text| text.len() > LONGEST) {
        return too_long(name);
    }
    E::custom(format_args!("field `{name}` is not of the documented type"))
}

fn too_long<E: de::Error>(name: &str) -> E {
    E::custom(format_args!("field `{name}` is longer than {LONGEST} bytes"))
}

/// Reads the next value of an object as the name of an event.
pub(crate) fn read_name<'de, A: MapAccess<'de>>(
    name: &'static str,
    map: &mut A,
) -> Result<Option<Cow<'de, str>>, A::Error> {
    let text = match map.next_value()? {
        Borrowed::Text("") => None,
        Borrowed::Text(text) => Some(Cow::Borrowed(text)),
        Borrowed::Other(value) => to_text(name, value)?.map(Cow::Owned),
    };
    match text {
        Some(text) if text.len() > LONGEST => Err(too_long(name)),
        text => Ok(text),
    }
}

fn to_text<E: de::Error>(name: &'static str, value: Value) -> Result<Option<String>, E> {
    let mut text = None;
    match Slot(&mut text).deserialize(value).map_err(E::custom)? {
        Some(odd) => Err(refusal(name, &odd)),
        None => Ok(text),
    }
}

/// Skips the next value of an object if it is the constant one.
pub(crate) fn read_constant<'de, A: MapAccess<'de>>(
    name: &'static str,
    constant: &str,
    map: &mut A,
    extra: &mut Extra,
) -> Result<(), A::Error> {
    let Raw(value) = map.next_value()?;
    if value != constant {
        keep_other(extra, name, value);
    }
    Ok(())
}

/// Returns the name in `extra` of the other values of a field.
macro_rules! others {
    ($name:literal) => {
        concat!($name, " (others)")
    };
}

pub(crate) use others;

/// Keeps a value of a field that came several times.
fn keep_other(extra: &mut Extra, name: &str, value: Value) {
    match extra.entry(format!("{name} (others)")).or_insert_with(|| Value::Array(Vec::new())) {
        Value::Array(others) => others.push(value),
        first => *first = Value::Array(vec![first.take(), value]),
    }
}

pub(crate) fn require<T, E: de::Error>(field: Option<T>, name: &'static str) -> Result<T, E> {
    field.ok_or_else(|| E::missing_field(name))
}

/// Field about to be filled with any JSON. Yields the value if it was odd.
pub(super) struct Slot<'f, F>(pub(super) &'f mut F);

impl<F: Field> Slot<'_, F> {
    #[inline]
    fn fill<E>(self, value: Scalar<'_>) -> Result<Option<Value>, E> {
        Ok(if self.0.fill_scalar(value) { None } else { Some(value.to_json()) })
    }
}

impl<'de, F: Field> DeserializeSeed<'de> for Slot<'_, F> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: Field> Visitor<'de> for Slot<'_, F> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        self.fill(Scalar::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        self.fill(Scalar::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        self.fill(Scalar::Integer(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        note_lost_digits(value);
        self.fill(Scalar::Float(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        // White space alone is text in a field of text, and elsewhere layout.
        let is_filled =
            text.is_empty() || self.0.fill_scalar(Scalar::Text(text)) || text.trim().is_empty();
        Ok(if is_filled { None } else { Some(text.into()) })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Ok(match self.0.fill_map(map)? {
            Some(Value::Number(number)) => {
                let is_filled = match (number.as_i128(), number.as_f64()) {
                    (Some(integer), _) => self.0.fill_scalar(Scalar::Integer(integer)),
                    (None, Some(float)) => self.0.fill_scalar(Scalar::Float(float)),
                    (None, None) => false,
                };
                (!is_filled).then_some(Value::Number(number))
            }
            odd => odd,
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        self.0.fill_seq(seq)
    }
}

#[cfg(test)]
mod tests {
    use serde::de::value::{Error, MapDeserializer};
    use serde_json::json;

    use super::super::raw::NUMBER;
    use super::*;

    fn filled<F: Field>(digits: &str) -> (F, Option<Value>) {
        let number = MapDeserializer::<_, Error>::new([(NUMBER, digits)].into_iter());
        let mut field = F::default();
        let odd = Slot(&mut field).visit_map(number).expect("a number");
        (field, odd)
    }

    #[test]
    fn numbers_of_arbitrary_precision_are_numbers() {
        assert_eq!(filled("5"), (Some(5_i64), None));
        assert_eq!(filled("18446744073709551615"), (Some(json!(u64::MAX)), None));
        assert_eq!(filled("0.5"), (Some(0.5), None));
        assert_eq!(filled("7"), (Some(json!(7)), None));
        assert_eq!(filled("80303"), (Some("80303".to_owned()), None));
        assert_eq!(filled::<Option<i64>>("0.5"), (None, Some(json!(0.5))));
    }
}
