//! Schemas of messages that are told apart by a name.

use serde_json::{Value, json};

use super::object::described;
use super::prose::prose;
use super::{Definitions, Title};
use crate::id::LONGEST;

impl Definitions {
    /// Defines what is one of several objects, told apart by a field that is constant in each, or
    /// one in which that field has a value that is not among those.
    pub(crate) fn told_apart(
        &mut self,
        title: &Title,
        by: &str,
        known: Vec<Value>,
        unknown: &Value,
    ) -> Value {
        let constant = |branch: &Value| {
            let schema = self.schemas.get(self.referred(branch)?)?;
            schema.pointer(&format!("/properties/{by}/const")).cloned()
        };
        let is_lenient = self.is_lenient();
        let names: Vec<_> = known.iter().filter_map(constant).collect();
        assert_eq!(names.len(), known.len(), "every branch has a constant");
        let mut branches = known;
        branches.push(unknown.clone());
        let unknown = self.referred(unknown).map(str::to_owned).unwrap_or_default();
        let unknown = self.schemas.get_mut(&unknown).expect("a definition");
        let name = &mut unknown["properties"][by];
        name["not"] = json!({ "enum": names });
        if is_lenient {
            name["maxLength"] = LONGEST.into();
        }
        let schema = json!({ "description": prose(title.docs), "oneOf": branches });
        self.define(title.definition(), schema)
    }

    /// Defines a message of an envelope in which one field is constant, and another its data.
    #[cfg(feature = "hub")]
    pub(crate) fn message(&mut self, message: &MessageTitle<'_>, data: Option<Value>) -> Value {
        let needs_data = data.as_ref().is_some_and(|data| {
            let name = self.referred(data).unwrap_or_default();
            self.schemas.get(name).is_some_and(|schema| schema.get("required").is_some())
        });
        let mut schema = self.get(message.envelope).clone();
        schema["description"] = prose(message.docs).into();
        let kind = &mut schema["properties"]["type"];
        *kind = json!({ "description": kind["description"], "const": message.kind });
        let properties = schema["properties"].as_object_mut().expect("properties of an object");
        match data {
            Some(data) => {
                let data =
                    if self.is_lenient() && !needs_data { self.or_absent(data) } else { data };
                let described = described(data, properties["data"]["description"].clone());
                properties.insert("data".to_owned(), described);
            }
            None => drop(properties.remove("data")),
        }
        if needs_data {
            let required = schema["required"].as_array_mut().expect("a list of names");
            required.push("data".into());
        }
        self.define(format!("{}{}", message.prefix, message.name), schema)
    }

    /// Defines the commands of a bot, and those that are not documented.
    pub(crate) fn commands(&mut self, forms: Vec<CommandForm<'_>>) -> Value {
        let known: Vec<_> = forms.iter().map(|form| form.operation.to_owned()).collect();
        let mut branches = Vec::new();
        for form in forms {
            let name = format!("Command{}", form.variant);
            let operation = json!({ "const": form.operation });
            let schema = command(&prose(form.docs), operation, form.parameters);
            branches.push(self.define(name, schema));
        }
        let operation = json!({ "type": "string", "not": { "enum": known } });
        let mut other = command("Command that is not documented.", operation, Some(json!({})));
        other["required"] = json!(["type", "operation"]);
        branches.push(self.define("CommandOther".to_owned(), other));
        let schema = json!({
            "description": "Command for SnapEngage to carry out.",
            "oneOf": branches,
        });
        self.define("Command".to_owned(), schema)
    }

    /// Defines the content of a bot's reply, and what is not documented of it.
    pub(crate) fn content(&mut self, [message, command]: [Value; 2]) -> Value {
        let is_known = json!({
            "properties": { "type": { "enum": ["message", "command"] } },
            "required": ["type"],
        });
        let other = json!({ "type": "object", "not": is_known });
        let schema = json!({
            "description": "Message to the visitor, or command to SnapEngage.",
            "anyOf": [message, command, other],
        });
        self.define("Content".to_owned(), schema)
    }
}

/// Form of one command of a bot.
pub(crate) struct CommandForm<'c> {
    pub(crate) variant: &'static str,
    pub(crate) docs: &'static [&'static str],
    pub(crate) operation: &'c str,
    /// Schema of the parameters, if it has any.
    pub(crate) parameters: Option<Value>,
}

fn command(description: &str, operation: Value, parameters: Option<Value>) -> Value {
    let mut schema = json!({
        "description": description,
        "type": "object",
        "properties": {
            "type": { "description": "Kind of the content.", "const": "command" },
            "operation": described(operation, "Name of the command.".into()),
        },
        "required": ["type", "operation"],
        "additionalProperties": true,
    });
    if let Some(parameters) = parameters {
        let description = "Parameters of the command.".into();
        schema["properties"]["parameters"] = described(parameters, description);
        schema["required"] = json!(["type", "operation", "parameters"]);
    }
    schema
}

/// One of several messages that share an envelope.
#[cfg(feature = "hub")]
pub(crate) struct MessageTitle<'e> {
    /// Start of the definition's name.
    pub(crate) prefix: &'static str,
    pub(crate) name: &'static str,
    pub(crate) docs: &'static [&'static str],
    /// Reference to the envelope's definition.
    pub(crate) envelope: &'e Value,
    /// Value of `type`.
    pub(crate) kind: &'static str,
}
