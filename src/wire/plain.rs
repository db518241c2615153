//! Types that are read to the letter, and described all the same: [`plain!`], [`variants!`].

/// Declares a struct that serde reads and writes by the names of its fields, and describes it.
/// An `Option`, or a field `as optional`, may be absent. `constant` fields are written beside them,
/// and `undocumented` ones are no fields on the wire.
macro_rules! plain {
    (
        $(#[$($meta:tt)*])*
        pub struct $name:ident {
            $(constant { $($(#[$($constant_doc:tt)*])* $constant:literal = $value:literal,)* })?
            $($(#[$($doc:tt)*])* pub $field:ident: $type:ty $(= $wire:literal)? $(as $presence:ident)?,)*
            $(; undocumented {
                $($(#[$($other_doc:tt)*])* pub $other:ident: $other_type:ty,)*
            })?
        }
    ) => {
        $(#[$($meta)*])*
        pub struct $name {
            $($(#[$($doc)*])* pub $field: $type,)*
            $($($(#[$($other_doc)*])* pub $other: $other_type,)*)?
        }

        #[cfg(feature = "contract")]
        impl crate::wire::described::Described for $name {
            fn schema(
                definitions: &mut crate::wire::described::Definitions,
            ) -> serde_json::Value {
                let title = crate::wire::described::title!($name, $(#[$($meta)*])*);
                definitions.strictly(|definitions| definitions.object(&title, |object| {
                    $($(object.constant(
                        $constant,
                        crate::wire::described::docs!($(#[$($constant_doc)*])*),
                        $value,
                    );)*)?
                    $(crate::wire::plain::add_field!(
                        object,
                        $type,
                        crate::wire::plain::wire_name!($field $(, $wire)?),
                        crate::wire::described::docs!($(#[$($doc)*])*)
                        $(, $presence)?
                    );)*
                }))
            }
        }
    };
}

pub(crate) use plain;

/// Adds a field to a schema.
#[cfg(feature = "contract")]
macro_rules! add_field {
    ($object:ident, $type:ty, $name:expr, $docs:expr) => {
        $object.field::<$type>($name, $docs)
    };
    ($object:ident, $type:ty, $name:expr, $docs:expr, optional) => {
        $object.optional::<$type>($name, $docs)
    };
}

#[cfg(feature = "contract")]
pub(crate) use add_field;

/// Returns the name of a field on the wire.
#[cfg(feature = "contract")]
macro_rules! wire_name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident, $wire:literal) => {
        $wire
    };
}

#[cfg(feature = "contract")]
pub(crate) use wire_name;

/// Declares an enum, and keeps the names and the docs of its variants.
macro_rules! variants {
    (
        $(#[$($meta:tt)*])*
        pub enum $name:ident {
            $(
                $(#[$($doc:tt)*])*
                $variant:ident $(($inner:ty))? $({ $($field:tt)* })?,
            )*
        }
    ) => {
        $(#[$($meta)*])*
        pub enum $name {
            $($(#[$($doc)*])* $variant $(($inner))? $({ $($field)* })?,)*
        }

        #[cfg(feature = "contract")]
        impl $name {
            const VARIANTS: &'static [(&'static str, &'static [&'static str])] =
                &[$((stringify!($variant), crate::wire::described::docs!($(#[$($doc)*])*))),*];
        }
    };
}

pub(crate) use variants;
