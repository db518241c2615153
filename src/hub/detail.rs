//! Messages told apart by their `type`, as tables of names and data: [`details!`].

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Declares an enum of messages: a variant, its doc, its data if it has any, and its `type`.
macro_rules! details {
    (
        $(#[$($meta:tt)*])*
        pub enum $detail:ident {
            $($(#[$($doc:tt)*])* $variant:ident $(($data:ty))? = $name:literal,)*
        }
    ) => {
        $(#[$($meta)*])*
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum $detail {
            $($(#[$($doc)*])* $variant $(($data))?,)*
            /// Message that is not documented.
            Unknown {
                /// Name of the message: `type` in JSON.
                kind: crate::wire::open_set::Undocumented,
                /// Data of the message.
                data: Option<serde_json::Value>,
            },
        }

        impl $detail {
            /// Returns the name of the message, as SnapEngage writes it: `type` in JSON.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant { .. } => $name,)*
                    Self::Unknown { kind, .. } => kind.as_str(),
                }
            }

            /// Reads the data of a message by its name. Data that is left over is returned.
            fn read(
                name: &str,
                data: Option<serde_json::Value>,
            ) -> serde_json::Result<(Self, Option<serde_json::Value>)> {
                match name {
                    $($name => crate::hub::detail::read_as!(Self::$variant $(, $data)?, data),)*
                    _ if name.len() > crate::id::LONGEST => {
                        Err(serde::de::Error::custom("field `type` is longer than 256 bytes"))
                    }
                    _ => {
                        let kind = crate::wire::open_set::Undocumented::new(name);
                        Ok((Self::Unknown { kind, data }, None))
                    }
                }
            }

            fn data(&self) -> Option<serde_json::Value> {
                $($(if let Self::$variant(data) = self {
                    return crate::hub::detail::written::<$data>(data);
                })?)*
                match self {
                    Self::Unknown { data, .. } => data.clone(),
                    _ => None,
                }
            }

            /// Returns the schemas of the messages in this envelope.
            #[cfg(feature = "contract")]
            fn schemas(
                definitions: &mut crate::wire::described::Definitions,
                prefix: &'static str,
                envelope: &serde_json::Value,
            ) -> Vec<serde_json::Value> {
                vec![$({
                    let message = crate::wire::described::MessageTitle {
                        prefix,
                        name: stringify!($variant),
                        docs: crate::wire::described::docs!($(#[$($doc)*])*),
                        envelope,
                        kind: $name,
                    };
                    let data = crate::hub::detail::data_schema!(definitions $(, $data)?);
                    definitions.message(&message, data)
                },)*]
            }

            fn report_odd_data(&self, report: &mut dyn FnMut(&'static str)) {
                $($(if let Self::$variant(data) = self {
                    <$data as crate::wire::lenient::Lenient>::odd_fields(data, report);
                })?)*
            }
        }
    };
}

pub(super) use details;

/// Reads the data of one variant.
macro_rules! read_as {
    ($variant:path, $data:ident) => {
        Ok(($variant, $data))
    };
    ($variant:path, $type:ty, $data:ident) => {
        crate::hub::detail::read_data::<$type>($data).map(|(data, left)| ($variant(data), left))
    };
}

pub(super) use read_as;

/// Describes the data of one variant.
#[cfg(feature = "contract")]
macro_rules! data_schema {
    ($definitions:ident) => {
        None
    };
    ($definitions:ident, $type:ty) => {
        Some(<$type as crate::wire::described::Described>::schema($definitions))
    };
}

#[cfg(feature = "contract")]
pub(super) use data_schema;

/// Reads an object of data; absent data has none of its fields, and any other value is left over.
pub(super) fn read_data<T: DeserializeOwned>(
    data: Option<Value>,
) -> serde_json::Result<(T, Option<Value>)> {
    let (fields, left) = match data {
        Some(Value::Object(fields)) => (fields, None),
        left => (Map::new(), left.filter(|left| !is_blank(left))),
    };
    serde_json::from_value(Value::Object(fields)).map(|data| (data, left))
}

fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// Writes data, unless none of its fields is there.
pub(super) fn written<T: serde::Serialize>(data: &T) -> Option<Value> {
    let data = serde_json::to_value(data).expect("fields of text, numbers and JSON");
    Some(data).filter(|data| data.as_object().is_some_and(|fields| !fields.is_empty()))
}
