//! Forgiving serde: one odd optional field never costs the whole event.
//!
//! - Absent, `null` and empty are the same.
//! - Numbers and booleans that come as text are read, and text that comes as one of them.
//! - What a field cannot make sense of is kept as it came, beside the field.
//! - Of a field that comes several times the last counts, and the others are kept beside it.

mod raw;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

pub(crate) use self::raw::{Raw, keep, noting_lost_digits};

use self::raw::{keep_value, note_lost_digits, raw_map, raw_seq};
use crate::id::{AgentId, CaseId, LONGEST, WidgetId};
use crate::timestamp::Timestamp;

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
/// Filling it says whether the value was of a form it can take; if not, the place is as it was.
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

impl<T: Lenient> Field for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }

    fn fill_text(&mut self, text: &str) -> bool {
        fill(self, T::from_text(text))
    }

    fn fill_bool(&mut self, value: bool) -> bool {
        fill(self, T::from_bool(value))
    }

    fn fill_integer(&mut self, value: i128) -> bool {
        fill(self, T::from_integer(value))
    }

    fn fill_float(&mut self, value: f64) -> bool {
        fill(self, T::from_float(value))
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

fn fill<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let is_value = value.is_some();
    if is_value {
        *place = value;
    }
    is_value
}

fn fill_or_odd<T>(place: &mut Option<T>, read: Result<T, Value>) -> Option<Value> {
    read.map(|value| *place = Some(value)).err()
}

impl Field for String {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }

    fn fill_text(&mut self, text: &str) -> bool {
        text.clone_into(self);
        true
    }

    fn fill_bool(&mut self, value: bool) -> bool {
        self.fill_text(if value { "true" } else { "false" })
    }

    fn fill_integer(&mut self, value: i128) -> bool {
        self.fill_text(&value.to_string())
    }

    fn fill_float(&mut self, value: f64) -> bool {
        self.fill_text(&digits(value))
    }
}

/// One odd element makes the whole array odd, so that nothing of it is lost.
impl<T: Lenient> Field for Vec<T> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }

    fn fill_seq<'de, A: SeqAccess<'de>>(&mut self, mut seq: A) -> Result<Option<Value>, A::Error> {
        let mut list = Vec::new();
        let mut element = None;
        while let Some(odd) = seq.next_element_seed(Slot(&mut element))? {
            match (odd, element.take()) {
                (Some(odd), _) => {
                    let mut values: Vec<_> = list.iter().map(to_value).collect();
                    values.push(odd);
                    return raw_seq(seq, values).map(Some);
                }
                (None, Some(value)) => list.push(value),
                (None, None) => {}
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
            let odd_value = map.next_value_seed(Slot(&mut text))?;
            let Some(value) = odd_value.or_else(|| text.clone().map(Value::from)) else { continue };
            match (text.take(), odd.contains_key(&name) || texts.contains_key(&name)) {
                (Some(text), false) => drop(texts.insert(name, text)),
                _ => {
                    let first = texts.remove(&name).map(Value::from);
                    odd.extend(first.map(|first| (name.clone(), first)));
                    keep_value(&mut odd, name, value);
                }
            }
        }
        if odd.is_empty() {
            *self = texts;
            return Ok(None);
        }
        odd.extend(texts.into_iter().map(|(name, text)| (name, text.into())));
        Ok(Some(Value::Object(odd.into_iter().collect())))
    }
}

fn to_value(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn digits(value: f64) -> String {
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

/// The name of an event.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct Name(pub(crate) String);

impl Lenient for Name {
    fn from_text(text: &str) -> Option<Self> {
        short(text).map(|text| Self(text.to_owned()))
    }

    fn from_bool(value: bool) -> Option<Self> {
        String::from_bool(value).map(Self)
    }

    fn from_integer(value: i128) -> Option<Self> {
        String::from_integer(value).map(Self)
    }

    fn from_float(value: f64) -> Option<Self> {
        String::from_float(value).map(Self)
    }
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

fn integer(value: f64) -> Option<i128> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
    (value.fract() == 0.0 && value.abs() <= EXACT).then_some(value as i128)
}

/// A field about to be filled with whatever comes. Says the value if it was odd.
pub(crate) struct Slot<'f, F>(pub(crate) &'f mut F);

impl<F> Slot<'_, F> {
    fn or_odd<E>(is_filled: bool, value: impl Into<Value>) -> Result<Option<Value>, E> {
        Ok(if is_filled { None } else { Some(value.into()) })
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
        Self::or_odd(self.0.fill_bool(value), value)
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Self::or_odd(self.0.fill_integer(value.into()), value)
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Self::or_odd(self.0.fill_integer(value.into()), value)
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        note_lost_digits(value);
        Self::or_odd(self.0.fill_float(value), value)
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        let is_filled = text.is_empty() || self.0.fill_text(text) || text.trim().is_empty();
        Self::or_odd(is_filled, text)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Ok(match self.0.fill_map(map)? {
            Some(Value::Number(number)) => {
                let is_filled = match (number.as_i128(), number.as_f64()) {
                    (Some(integer), _) => self.0.fill_integer(integer),
                    (None, Some(float)) => self.0.fill_float(float),
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

/// Reads the next value of an object into a field; an odd one goes to `extra`. Of several, the last
/// counts, and the others go to `extra` as well.
pub(crate) fn read<'de, F: Field, A: MapAccess<'de>>(
    field: &mut F,
    name: &'static str,
    map: &mut A,
    extra: &mut Extra,
) -> Result<(), A::Error> {
    if !field.is_absent() || extra.contains_key(name) {
        return read_again(field, name, map, extra);
    }
    if let Some(odd) = map.next_value_seed(Slot(field))? {
        extra.insert(name.to_owned(), odd);
    }
    Ok(())
}

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
    keep_other(extra, name, first);
    extra.extend(odd.map(|odd| (name.to_owned(), odd)));
    Ok(())
}

/// Reads the next value of an object into a field that nothing can be done without. Of several, the
/// last that can be read counts, and the others go to `extra`.
pub(crate) fn read_required<'de, T: Lenient, A: MapAccess<'de>>(
    field: &mut Option<T>,
    name: &'static str,
    map: &mut A,
    extra: &mut Extra,
) -> Result<(), A::Error> {
    let first = field.take();
    match (map.next_value_seed(Slot(field))?, first) {
        (None, None) => {}
        (None, Some(first)) if field.is_none() => *field = Some(first),
        (None, Some(first)) => keep_other(extra, name, to_value(&first)),
        (Some(odd), Some(first)) => {
            *field = Some(first);
            keep_other(extra, name, odd);
        }
        // Where there should be an id or a name, text is odd for its length alone.
        (Some(Value::String(_)), None) => {
            let problem = format_args!("field `{name}` is longer than {LONGEST} bytes");
            return Err(de::Error::custom(problem));
        }
        (Some(_), None) => {
            return Err(de::Error::custom(format_args!(
                "field `{name}` is not of the documented type"
            )));
        }
    }
    Ok(())
}

/// Skips the next value of an object where it is the one that goes without saying.
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

/// The name in `extra` of the values of a field but the one that counts.
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
        tracing::warn!(
            ?fields,
            "fields not of the documented type, or that came twice, are kept in extra"
        );
    }
}

/// One line in the log for all the fields in which U+FFFD stands for what could not be read, by name
/// and never by value. A name that is not documented is the sender's, and not named either.
pub(crate) fn warn_of_replacements(event: &impl Lenient) {
    if !tracing::enabled!(tracing::Level::WARN) {
        return;
    }
    let Value::Object(object) = to_value(event) else { return };
    let mut fields = BTreeSet::new();
    for (name, value) in &object {
        if name.contains(char::REPLACEMENT_CHARACTER) || has_replacement(value) {
            let documented = event.names().iter().find(|known| *known == name);
            fields.insert(*documented.unwrap_or(&"extra"));
        }
    }
    if !fields.is_empty() {
        tracing::warn!(?fields, "characters that cannot be read became U+FFFD");
    }
}

fn has_replacement(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(char::REPLACEMENT_CHARACTER),
        Value::Array(values) => values.iter().any(has_replacement),
        Value::Object(object) => object.iter().any(|(name, value)| {
            name.contains(char::REPLACEMENT_CHARACTER) || has_replacement(value)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde::de::value::{Error, MapDeserializer};
    use serde_json::json;

    use super::raw::NUMBER;
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
