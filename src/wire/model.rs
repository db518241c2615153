//! Payloads as tables of the vendor's names and our fields: [`model!`].

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor,
};
use serde_json::Value;

use super::lenient::Borrowed;

/// Payload that is one object.
pub(crate) trait Model: Sized {
    /// Returns `true` if this is the name of a field that is a list.
    fn is_list(_name: &str) -> bool {
        false
    }

    fn read_map<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error>;
}

/// Boxed from the first, a large model is moved less.
impl<M: Model> Model for Box<M> {
    fn is_list(name: &str) -> bool {
        M::is_list(name)
    }

    fn read_map<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        M::read_map(map).map(Box::new)
    }
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

/// Object of which some fields were read ahead, to see what it is.
pub(crate) struct ReadAhead<'de, A> {
    /// Fields read ahead; the last one comes first.
    read: Vec<(Cow<'de, str>, Borrowed<'de>)>,
    value: Option<Borrowed<'de>>,
    rest: A,
}

impl<'de, A> ReadAhead<'de, A> {
    pub(crate) fn new(mut read: Vec<(Cow<'de, str>, Borrowed<'de>)>, rest: A) -> Self {
        read.reverse();
        Self { read, value: None, rest }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.read.push((name.into(), Borrowed::Other(value.into())));
        self
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for ReadAhead<'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let Some((name, value)) = self.read.pop() else {
            return self.rest.next_key_seed(seed);
        };
        self.value = Some(value);
        match name {
            Cow::Borrowed(name) => seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some),
            Cow::Owned(name) => seed.deserialize(name.into_deserializer()).map(Some),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        match self.value.take() {
            Some(Borrowed::Text(text)) => seed.deserialize(BorrowedStrDeserializer::new(text)),
            Some(Borrowed::Other(value)) => seed.deserialize(value).map_err(de::Error::custom),
            None => self.rest.next_value_seed(seed),
        }
    }
}

/// Name of a field, borrowed from the body if it has no escapes.
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
        f.write_str("text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Name(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Name(Cow::Owned(text.to_owned())))
    }
}

/// Field that is written as text, whatever it is.
#[cfg(any(feature = "client", test))]
pub(crate) struct AsText<'f, T>(pub(crate) &'f Option<T>);

#[cfg(any(feature = "client", test))]
impl<T: fmt::Display> serde::Serialize for AsText<'_, T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }
}

/// Returns a field in the form in which it is written.
macro_rules! as_written {
    ($field:expr) => {
        $field
    };
    ($field:expr, text) => {
        &crate::wire::model::AsText($field)
    };
}

pub(crate) use as_written;

/// Declares a struct that is read and written by the vendor's names of its fields.
///
/// A field, its doc and its name on the wire stand together, and nowhere else: whatever is derived
/// from a payload is derived from this table. `required` fields are refused when absent, `constant`
/// ones are skipped when read and always written, and all others may be absent. Fields that the
/// table does not name are kept in one more field, `extra`. A boolean or a number that may be
/// absent is written in quotes if `as text` follows its name; read it is in either form anyway.
macro_rules! model {
    (
        $(#[$($meta:tt)*])*
        pub struct $model:ident {
            $(required {
                $(
                    $(#[$($required_doc:tt)*])*
                    pub $required_field:ident: $type:ty = $required:literal,
                )*
            })?
            $(constant {
                $($(#[$($constant_doc:tt)*])* $constant:literal = $value:expr,)*
            })?
            $(
                $(#[$($doc:tt)*])*
                pub $optional_field:ident: $optional_type:ty = $optional:literal $(as $text:ident)?,
            )*
        }
    ) => {
        $(#[$($meta)*])*
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub struct $model {
            $($($(#[$($required_doc)*])* pub $required_field: $type,)*)?
            $($(#[$($doc)*])* pub $optional_field: $optional_type,)*
            /// Fields that are not documented, or not of the documented type, by the vendor's
            /// names; and under `name (others)`, an array, the other values of a field that came
            /// more than once.
            pub extra: crate::wire::lenient::Extra,
        }

        impl $model {
            /// Creates one with what is required, and nothing else.
            pub fn new($($($required_field: impl Into<$type>,)*)?) -> Self {
                Self {
                    $($($required_field: $required_field.into(),)*)?
                    $($optional_field: Default::default(),)*
                    extra: crate::wire::lenient::Extra::new(),
                }
            }
        }

        impl crate::wire::model::Model for $model {
            fn is_list(name: &str) -> bool {
                match name {
                    $($optional if <$optional_type as crate::wire::lenient::Field>::IS_LIST => true,)*
                    _ => false,
                }
            }

            fn read_map<'de, A: serde::de::MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
                $($(let mut $required_field = None;)*)?
                $(let mut $optional_field = Default::default();)*
                let mut extra = crate::wire::lenient::Extra::new();
                while let Some(crate::wire::model::Name(name)) = map.next_key()? {
                    match &*name {
                        $($($required => {
                            crate::wire::lenient::read_required(&mut $required_field, $required, &mut map, &mut extra)?;
                        })*)?
                        $($($constant => {
                            crate::wire::lenient::read_constant($constant, $value, &mut map, &mut extra)?;
                        })*)?
                        $($optional => {
                            crate::wire::lenient::read(&mut $optional_field, $optional, &mut map, &mut extra)?;
                        })*
                        _ => crate::wire::lenient::keep(&mut extra, name.into_owned(), &mut map)?,
                    }
                }
                Ok(Self {
                    $($($required_field: crate::wire::lenient::require($required_field, $required)?,)*)?
                    $($optional_field,)*
                    extra,
                })
            }
        }

        impl crate::wire::lenient::Lenient for $model {
            fn from_map<'de, A: serde::de::MapAccess<'de>>(
                map: A,
            ) -> Result<Result<Self, serde_json::Value>, A::Error> {
                <Self as crate::wire::model::Model>::read_map(map).map(Ok)
            }

            fn odd_fields(&self, report: &mut dyn FnMut(&'static str)) {
                if !self.extra.is_empty() {
                    $($(if self.extra.contains_key(crate::wire::lenient::others!($required)) {
                        report($required);
                    })*)?
                    $($(if self.extra.contains_key(crate::wire::lenient::others!($constant)) {
                        report($constant);
                    })*)?
                    $(if self.extra.contains_key($optional)
                        || self.extra.contains_key(crate::wire::lenient::others!($optional))
                    {
                        report($optional);
                    })*
                }
                $(crate::wire::lenient::Field::odd_fields(&self.$optional_field, report);)*
            }

            fn names(&self) -> &'static [&'static str] {
                &[$($($required,)*)? $($($constant,)*)? $($optional,)*]
            }
        }

        #[cfg(feature = "contract")]
        impl crate::wire::described::Described for $model {
            fn schema(
                definitions: &mut crate::wire::described::Definitions,
            ) -> serde_json::Value {
                let title = crate::wire::described::title!($model, $(#[$($meta)*])*);
                definitions.object(&title, |object| {
                    $($(object.required::<$type>(
                        $required,
                        crate::wire::described::docs!($(#[$($required_doc)*])*),
                    );)*)?
                    $($(object.constant(
                        $constant,
                        crate::wire::described::docs!($(#[$($constant_doc)*])*),
                        $value,
                    );)*)?
                    $(crate::wire::model::describe!(
                        object,
                        $optional_type,
                        $optional,
                        crate::wire::described::docs!($(#[$($doc)*])*)
                        $(, $text)?
                    );)*
                })
            }
        }

        impl<'de> serde::Deserialize<'de> for $model {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_map(crate::wire::model::ModelVisitor(std::marker::PhantomData))
            }
        }

        impl serde::Serialize for $model {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;

                let mut map = serializer.serialize_map(None)?;
                $($(map.serialize_entry($required, &self.$required_field)?;)*)?
                $($(map.serialize_entry($constant, $value)?;)*)?
                $(if !crate::wire::lenient::Field::is_absent(&self.$optional_field) {
                    let value = crate::wire::model::as_written!(&self.$optional_field $(, $text)?);
                    map.serialize_entry($optional, value)?;
                })*
                for (name, value) in &self.extra {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    };
}

/// Adds a field that may be absent to a schema.
#[cfg(feature = "contract")]
macro_rules! describe {
    ($object:ident, $type:ty, $name:literal, $docs:expr) => {
        $object.optional::<$type>($name, $docs)
    };
    ($object:ident, $type:ty, $name:literal, $docs:expr, text) => {
        $object.optional_text::<$type>($name, $docs)
    };
}

#[cfg(feature = "contract")]
pub(crate) use describe;
pub(crate) use model;

#[cfg(test)]
mod tests {
    #![expect(unreachable_pub, reason = "the models of the rooms are public")]

    use serde_json::json;

    model! {
        /// Door of a shop.
        pub struct Door {
            /// `true` if one can go in.
            pub is_open: Option<bool> = "open" as text,
            /// Number of people in the shop.
            pub inside: Option<i64> = "inside" as text,
            /// `true` if it has a bell.
            pub has_bell: Option<bool> = "bell",
        }
    }

    model! {
        /// Ring of keys.
        pub struct Keyring {
            required {
                /// Names of the keys.
                pub keys: Vec<String> = "keys",
                /// Boolean, to see what is said of other text.
                pub is_lost: bool = "lost",
            }
            /// Colour of the ring.
            pub colour: Option<String> = "colour",
        }
    }

    fn door(json: serde_json::Value) -> Door {
        serde_json::from_value(json).expect("an object")
    }

    #[test]
    fn a_field_as_text_is_written_in_quotes() {
        let mut open = Door::new();
        assert_eq!(serde_json::to_string(&open).expect("JSON"), "{}");
        open.is_open = Some(true);
        open.inside = Some(-7);
        open.has_bell = Some(false);
        let written = serde_json::to_string(&open).expect("JSON");
        assert_eq!(written, r#"{"open":"true","inside":"-7","bell":false}"#);
    }

    #[test]
    fn a_field_as_text_is_read_in_either_form() {
        let mut expected = Door::new();
        expected.is_open = Some(false);
        expected.inside = Some(12);
        assert_eq!(door(json!({"open": "false", "inside": "12"})), expected);
        assert_eq!(door(json!({"open": false, "inside": 12})), expected);
    }

    #[test]
    fn a_list_may_be_required() {
        let json = json!({"keys": ["front", 7], "lost": false});
        let keyring = serde_json::from_value(json).expect("an object");
        assert_eq!(Keyring::new(["front".to_owned(), "7".to_owned()], false), keyring);
        for (json, refused) in [
            (json!({"lost": false}), "missing field `keys`"),
            (json!({"keys": "front", "lost": false}), "field `keys` is not of the documented type"),
            (json!({"keys": [], "lost": "no"}), "field `lost` is not of the documented type"),
        ] {
            let error = serde_json::from_value::<Keyring>(json).expect_err("an odd object");
            assert_eq!(error.to_string(), refused);
        }
    }

    #[test]
    fn an_odd_value_is_written_as_it_came() {
        let json = json!({"open": "ajar", "inside": [3]});
        let odd = door(json.clone());
        assert_eq!((odd.is_open, odd.inside), (None, None));
        assert_eq!(serde_json::to_value(&odd).expect("JSON"), json);
    }
}
