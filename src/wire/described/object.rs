//! Schemas of objects, field by field.

use serde_json::{Map, Value, json};

use super::prose::prose;
use super::{Definitions, Described};

/// Object whose fields are added one by one.
pub(crate) struct ObjectSchema<'d> {
    definitions: &'d mut Definitions,
    properties: Map<String, Value>,
    required: Vec<&'static str>,
}

impl<'d> ObjectSchema<'d> {
    pub(super) fn new(definitions: &'d mut Definitions) -> Self {
        Self { definitions, properties: Map::new(), required: Vec::new() }
    }

    pub(crate) fn required<T: Described>(&mut self, name: &'static str, docs: &[&str]) {
        let schema = T::schema(self.definitions);
        self.add(name, docs, not_empty(schema));
        self.required.push(name);
    }

    pub(crate) fn optional<T: Described>(&mut self, name: &'static str, docs: &[&str]) {
        let schema = T::schema(self.definitions);
        let schema = self.definitions.or_absent(schema);
        self.add(name, docs, schema);
    }

    /// Adds a field that is written as text.
    pub(crate) fn optional_text<T: Described>(&mut self, name: &'static str, docs: &[&str]) {
        if self.definitions.is_lenient() {
            return self.optional::<T>(name, docs);
        }
        let schema = T::schema(self.definitions);
        let text = match schema["type"].as_str() {
            Some("boolean") => json!({ "enum": ["true", "false"] }),
            _ => json!({ "type": "string", "pattern": "^-?[0-9]+$" }),
        };
        self.add(name, docs, text);
    }

    pub(crate) fn constant(&mut self, name: &'static str, docs: &[&str], value: &str) {
        self.add(name, docs, json!({ "const": value }));
        self.required.push(name);
    }

    /// Adds a field that is read to the letter: it may be absent if it is an `Option`, and may be
    /// empty.
    pub(crate) fn field<T: Described>(&mut self, name: &'static str, docs: &[&str]) {
        if T::IS_OPTIONAL {
            return self.optional::<T>(name, docs);
        }
        let schema = T::schema(self.definitions);
        self.add(name, docs, schema);
        self.required.push(name);
    }

    fn add(&mut self, name: &'static str, docs: &[&str], schema: Value) {
        self.properties.insert(name.to_owned(), described(schema, prose(docs).into()));
    }

    pub(super) fn finish(self, docs: &[&str]) -> Value {
        let mut schema = json!({
            "description": prose(docs),
            "type": "object",
            "properties": self.properties,
            "additionalProperties": true,
        });
        if !self.required.is_empty() {
            schema["required"] = self.required.into();
        }
        schema
    }
}

/// Adds a description. A reference is put into a list of one, since some readers overlook what
/// stands beside it.
pub(super) fn described(schema: Value, description: Value) -> Value {
    let mut schema =
        if schema.get("$ref").is_some() { json!({ "allOf": [schema] }) } else { schema };
    schema["description"] = description;
    schema
}

/// Refuses empty text, which is no value of a required field.
fn not_empty(mut schema: Value) -> Value {
    let takes_text = match &schema["type"] {
        Value::String(name) => name == "string",
        Value::Array(names) => names.contains(&"string".into()),
        _ => false,
    };
    if takes_text && schema.get("pattern").is_none() {
        schema["minLength"] = schema.get("minLength").cloned().unwrap_or(1.into());
    }
    schema
}
