//! Schemas of values that are no objects of a table.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Definitions, Described};
#[cfg(feature = "hub")]
use crate::id::ConversationId;
use crate::id::{AgentId, CaseId, LONGEST, WidgetId};
use crate::timestamp::Timestamp;

impl Described for String {
    fn schema(definitions: &mut Definitions) -> Value {
        if definitions.is_lenient() {
            return json!({ "type": ["string", "number", "boolean"] });
        }
        json!({ "type": "string" })
    }
}

macro_rules! described_ids {
    ($($id:ty)*) => {$(
        impl Described for $id {
            fn schema(definitions: &mut Definitions) -> Value {
                if definitions.is_lenient() {
                    return json!({ "type": ["string", "integer"], "maxLength": LONGEST });
                }
                json!({ "type": "string" })
            }
        }
    )*};
}

described_ids!(CaseId WidgetId AgentId);
#[cfg(feature = "hub")]
described_ids!(ConversationId);

impl Described for i64 {
    fn schema(definitions: &mut Definitions) -> Value {
        if definitions.is_lenient() {
            let text = json!({ "type": "string", "pattern": r"^\s*[+-]?[0-9]+\s*$" });
            return json!({ "anyOf": [{ "type": "integer" }, text] });
        }
        json!({ "type": "integer" })
    }
}

impl Described for f64 {
    fn schema(definitions: &mut Definitions) -> Value {
        if definitions.is_lenient() {
            let pattern = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$";
            let text = json!({ "type": "string", "pattern": pattern });
            return json!({ "anyOf": [{ "type": "number" }, text] });
        }
        json!({ "type": "number" })
    }
}

impl Described for bool {
    fn schema(definitions: &mut Definitions) -> Value {
        if definitions.is_lenient() {
            let pattern = r"^\s*([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[01])\s*$";
            let text = json!({ "type": "string", "pattern": pattern });
            return json!({ "anyOf": [{ "type": "boolean" }, { "enum": [0, 1] }, text] });
        }
        json!({ "type": "boolean" })
    }
}

impl Described for Timestamp {
    fn schema(definitions: &mut Definitions) -> Value {
        let (first, last) = (Self::MIN.as_millis(), Self::MAX.as_millis());
        let number = json!({ "type": "integer", "minimum": first, "maximum": last });
        if definitions.is_lenient() {
            // Milliseconds, ISO 8601, or a date as Java writes it.
            let pattern =
                r"^\s*([0-9]{1,15}|[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ].+|[A-Za-z]{3,} .+)\s*$";
            return json!({ "anyOf": [number, { "type": "string", "pattern": pattern }] });
        }
        number
    }
}

impl Described for Value {
    fn schema(_: &mut Definitions) -> Value {
        json!({})
    }
}

impl<T: Described> Described for Option<T> {
    const IS_OPTIONAL: bool = true;

    fn schema(definitions: &mut Definitions) -> Value {
        T::schema(definitions)
    }
}

impl<T: Described> Described for Box<T> {
    fn schema(definitions: &mut Definitions) -> Value {
        T::schema(definitions)
    }
}

impl<T: Described> Described for Vec<T> {
    fn schema(definitions: &mut Definitions) -> Value {
        let items = T::schema(definitions);
        json!({ "type": "array", "items": definitions.or_absent(items) })
    }
}

impl Described for BTreeMap<String, String> {
    fn schema(definitions: &mut Definitions) -> Value {
        let texts = String::schema(definitions);
        json!({ "type": "object", "additionalProperties": definitions.or_absent(texts) })
    }
}
