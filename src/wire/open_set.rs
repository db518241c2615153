//! Open sets of the vendor's values: an unknown value is data, not an error.

use std::fmt;

/// Value that the vendor does not document, as it came.
///
/// Only reading creates one, or `from` of its set: a documented value is never unknown, and one
/// that becomes documented is a variant then, without a comparison in your code that says
/// otherwise.
///
/// ```
/// use snapengage::agent_status::Status;
///
/// assert_eq!(Status::from("online"), Status::Online);
/// let Status::Unknown(value) = Status::from("training") else { panic!("not documented") };
/// assert_eq!(value.as_str(), "training");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Undocumented(Box<str>);

impl Undocumented {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Returns the value as SnapEngage wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Undocumented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Undocumented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Declares an enum of the values SnapEngage documents, with `Unknown` for those it does not.
macro_rules! open_set {
    (
        $(#[$($meta:tt)*])*
        pub enum $name:ident {
            $($(#[$($variant_doc:tt)*])* $variant:ident = $text:literal,)*
        }
    ) => {
        $(#[$($meta)*])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$($variant_doc)*])* $variant,)*
            /// Value that is not documented, as it came.
            Unknown(crate::wire::open_set::Undocumented),
        }

        impl $name {
            /// Returns the value as SnapEngage writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Unknown(value) => value.as_str(),
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)*
                    _ => Self::Unknown(crate::wire::open_set::Undocumented::new(text)),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl crate::wire::lenient::Lenient for $name {
            fn from_scalar(value: crate::wire::lenient::Scalar<'_>) -> Option<Self> {
                use crate::wire::lenient::{Scalar, short};

                match value {
                    Scalar::Text(text) => short(text).map(Self::from),
                    _ => Some(value.to_text().as_str().into()),
                }
            }
        }

        #[cfg(feature = "contract")]
        impl crate::wire::described::Described for $name {
            fn schema(
                definitions: &mut crate::wire::described::Definitions,
            ) -> serde_json::Value {
                let title = crate::wire::described::title!($name, $(#[$($meta)*])*);
                let docs = [$((
                    $text,
                    crate::wire::described::docs!($(#[$($variant_doc)*])*) as &[&str],
                ),)*];
                definitions.open_set(&title, &docs)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(|text| text.as_str().into())
            }
        }
    };
}

pub(crate) use open_set;
