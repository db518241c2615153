//! Parsing of bodies: their charset, forgiving JSON, tables of fields, open sets of values.

pub(crate) mod budget;
pub(crate) mod charset;
pub(crate) mod decoded;
#[cfg(feature = "contract")]
pub(crate) mod described;
pub(crate) mod json;
pub(crate) mod key;
pub(crate) mod legible;
pub(crate) mod lenient;
pub(crate) mod mend;
pub(crate) mod model;
pub(crate) mod open_set;
pub(crate) mod percent;
pub(crate) mod plain;
