//! Fields of a JSON object that came in.

use serde_json::{Map, Value};

use super::refusal::Refusal;

/// JSON object, read by the names of its fields.
#[derive(Debug, Clone)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn new(object: Map<String, Value>) -> Self {
        Self(object)
    }

    /// Returns a text, or a number as text; nothing of what is absent, `null` or empty.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(Refusal::malformed(format!("`{name}` is not a text"))),
        }
    }

    pub(super) fn required(&self, name: &str) -> Result<String, Refusal> {
        self.text(name)?.ok_or_else(|| Refusal::malformed(format!("missing field `{name}`")))
    }

    /// Returns a text of fewer than 100 characters, the vendor's bound for names and addresses.
    pub(super) fn name(&self, name: &str) -> Result<Option<String>, Refusal> {
        let text = self.text(name)?;
        if text.as_ref().is_some_and(|text| text.chars().count() >= 100) {
            return Err(Refusal::malformed(format!("`{name}` has 100 characters or more")));
        }
        Ok(text)
    }

    pub(super) fn required_name(&self, name: &str) -> Result<String, Refusal> {
        self.required(name)?;
        self.name(name).map(Option::unwrap_or_default)
    }

    /// Returns a boolean, also one that is a text.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) if text == "true" => Ok(Some(true)),
            Some(Value::String(text)) if text == "false" => Ok(Some(false)),
            Some(_) => Err(Refusal::malformed(format!("`{name}` is neither true nor false"))),
        }
    }

    /// Returns the objects of a list.
    pub(super) fn objects(&mut self, name: &str) -> Result<Vec<Self>, Refusal> {
        let not_a_list = || Refusal::malformed(format!("`{name}` is not a list of objects"));
        let list = match self.0.remove(name) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(list)) => list,
            Some(_) => return Err(not_a_list()),
        };
        let objects = list.into_iter().map(|value| match value {
            Value::Object(object) => Ok(Self(object)),
            _ => Err(not_a_list()),
        });
        objects.collect()
    }

    pub(super) fn object(&mut self, name: &str) -> Result<Option<Self>, Refusal> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(object)) => Ok(Some(Self(object))),
            Some(_) => Err(Refusal::malformed(format!("`{name}` is not an object"))),
        }
    }

    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub(super) fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}
