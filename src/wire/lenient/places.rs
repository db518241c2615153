//! Fields of a model, and how they are filled with any JSON.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::raw::{keep_value, note_lost_digits, raw_seq};
use super::values::to_value;
use super::{Extra, Field, Lenient, Scalar};

impl<T: Lenient> Field for Option<T> {
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

/// Field about to be filled with any JSON. Yields the value if it was odd.
pub(crate) struct Slot<'f, F>(pub(crate) &'f mut F);

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
