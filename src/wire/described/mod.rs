//! Schemas of payloads, made from the tables that read them: names, types and docs stand nowhere
//! else.

mod leaves;
mod messages;
mod object;
mod prose;

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub(crate) use self::messages::CommandForm;
#[cfg(feature = "hub")]
pub(crate) use self::messages::MessageTitle;

use self::object::ObjectSchema;
use self::prose::prose;
use crate::id::LONGEST;

/// Forms of values that a contract allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ContractReading {
    /// Those that this crate reads: numbers and booleans as text as well, text as one of them, and
    /// `null` or empty text for an absent field.
    #[default]
    Accepted,
    /// Those of SnapEngage's documentation: the ones to write, and to generate types from.
    Documented,
}

/// Type that has a schema.
pub(crate) trait Described {
    /// `true` of a field that may be absent.
    const IS_OPTIONAL: bool = false;

    /// Returns the schema of a value; what has a name of its own is defined and referred to.
    fn schema(definitions: &mut Definitions) -> Value;
}

/// Name of a type and its docs, line by line.
pub(crate) struct Title {
    pub(crate) module: &'static str,
    pub(crate) name: &'static str,
    pub(crate) docs: &'static [&'static str],
}

impl Title {
    /// Returns the name, with that of its module if it says too little without.
    fn definition(&self) -> String {
        const PLAIN: &[&str] = &["Action", "Event", "Message", "Query", "Unknown"];
        if !PLAIN.contains(&self.name) {
            return self.name.to_owned();
        }
        let module = self.module.split("::").nth(1).unwrap_or_default();
        let words = module.split('_').map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_uppercase() + rest
        });
        words.collect::<String>() + self.name
    }
}

/// Schemas by the names of their types.
pub(crate) struct Definitions {
    reading: ContractReading,
    /// Start of a reference to a definition: `#/$defs/`.
    place: &'static str,
    schemas: BTreeMap<String, Value>,
}

impl Definitions {
    pub(crate) fn new(reading: ContractReading, place: &'static str) -> Self {
        Self { reading, place, schemas: BTreeMap::new() }
    }

    pub(crate) fn into_schemas(self) -> BTreeMap<String, Value> {
        self.schemas
    }

    fn is_lenient(&self) -> bool {
        self.reading == ContractReading::Accepted
    }

    /// Makes a schema of forms that are read to the letter.
    pub(crate) fn strictly<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> T {
        let reading = std::mem::replace(&mut self.reading, ContractReading::Documented);
        let made = make(self);
        self.reading = reading;
        made
    }

    pub(crate) fn refer(&self, name: &str) -> Value {
        json!({ "$ref": format!("{}{name}", self.place) })
    }

    /// Returns the definition that a schema refers to.
    pub(crate) fn get(&self, reference: &Value) -> &Value {
        let name = self.referred(reference).and_then(|name| self.schemas.get(name));
        name.unwrap_or(&Value::Null)
    }

    fn referred<'v>(&self, schema: &'v Value) -> Option<&'v str> {
        schema.get("$ref")?.as_str()?.strip_prefix(self.place)
    }

    pub(crate) fn define(&mut self, name: String, schema: Value) -> Value {
        let reference = self.refer(&name);
        self.schemas.insert(name, schema);
        reference
    }

    /// Gives a definition that nothing refers to yet another name.
    #[cfg(feature = "hub")]
    pub(crate) fn rename(&mut self, definition: &Value, name: String) -> Value {
        let old = self.referred(definition).and_then(|old| self.schemas.get(old)).cloned();
        let old = old.expect("a definition");
        let renamed = self.define(name, old);
        let definition = self.referred(definition).map(str::to_owned);
        definition.map(|definition| self.schemas.remove(&definition));
        renamed
    }

    /// Defines an object by its fields.
    pub(crate) fn object(
        &mut self,
        title: &Title,
        fill: impl FnOnce(&mut ObjectSchema<'_>),
    ) -> Value {
        let name = title.definition();
        if !self.schemas.contains_key(&name) {
            let mut object = ObjectSchema::new(self);
            fill(&mut object);
            let schema = object.finish(title.docs);
            self.schemas.insert(name.clone(), schema);
        }
        self.refer(&name)
    }

    /// Defines a set of texts to which others may be added.
    pub(crate) fn open_set(
        &mut self,
        title: &Title,
        values: &[(&'static str, &'static [&'static str])],
    ) -> Value {
        let lines = values.iter().map(|(value, docs)| format!("- `{value}`: {}", prose(docs)));
        let lines: Vec<_> = lines.collect();
        let known: Vec<_> = values.iter().map(|(value, _)| *value).collect();
        let other = if self.is_lenient() {
            json!({ "type": ["string", "number", "boolean"], "minLength": 1, "maxLength": LONGEST })
        } else {
            json!({ "type": "string", "minLength": 1 })
        };
        let schema = json!({
            "description": format!("{}\n\n{}", prose(title.docs), lines.join("\n")),
            "anyOf": [{ "enum": known }, other],
        });
        self.define(title.definition(), schema)
    }

    /// Defines a set of numbers to which others may be added.
    pub(crate) fn open_numbers(&mut self, known: &[i64]) -> Value {
        let other = <i64 as Described>::schema(self);
        let mut forms = vec![json!({ "enum": known })];
        match other {
            Value::Object(mut other) if other.contains_key("anyOf") => {
                forms.append(other["anyOf"].as_array_mut().expect("a list of schemas"));
            }
            other => forms.push(other),
        }
        json!({ "anyOf": forms })
    }

    /// Allows what is read as an absent field beside a value.
    fn or_absent(&mut self, schema: Value) -> Value {
        if !self.is_lenient() || schema == json!({}) {
            return schema;
        }
        if schema.get("pattern").is_none() && schema.get("maxLength").is_none() {
            let mut schema = schema.clone();
            if let Some(Value::Array(types)) = schema.get_mut("type") {
                types.push("null".into());
                return schema;
            }
        }
        let absent = self.define(
            "Absent".to_owned(),
            json!({
                "description": "Value of a field that is read as if the field were absent.",
                "anyOf": [{ "type": "null" }, { "type": "string", "pattern": r"^\s*$" }],
            }),
        );
        match schema {
            Value::Object(mut fields) if fields.len() == 1 && fields.contains_key("anyOf") => {
                fields["anyOf"].as_array_mut().expect("a list of schemas").push(absent);
                Value::Object(fields)
            }
            schema => json!({ "anyOf": [schema, absent] }),
        }
    }
}

/// Returns the lines of doc comments.
macro_rules! docs {
    (@line doc = $text:literal) => { $text };
    (@line $($other:tt)*) => { "" };
    ($(#[$($meta:tt)*])*) => {
        &[$(crate::wire::described::docs!(@line $($meta)*)),*]
    };
}

pub(crate) use docs;

/// Returns the name of a type and its docs.
macro_rules! title {
    ($name:ident, $($docs:tt)*) => {
        crate::wire::described::Title {
            module: module_path!(),
            name: stringify!($name),
            docs: crate::wire::described::docs!($($docs)*),
        }
    };
}

pub(crate) use title;
