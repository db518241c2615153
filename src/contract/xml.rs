//! Names in the legacy XML of the Integration API, as OpenAPI has them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Definitions of objects that come in XML.
const OBJECTS: &[&str] = &["SupportRequest", "RequesterDetails"];

/// Adds the names of elements that are not those of the fields: the root, the items of lists, and
/// the time of creation.
pub(super) fn name(schemas: &mut BTreeMap<String, Value>) {
    for object in OBJECTS {
        let properties = schemas.get_mut(*object).and_then(|schema| schema.get_mut("properties"));
        for (name, schema) in properties.and_then(Value::as_object_mut).into_iter().flatten() {
            if let Some(list) = list(schema) {
                name_items(list, name);
            }
        }
    }
    if let Some(request) = schemas.get_mut("SupportRequest") {
        request["xml"] = json!({ "name": "case" });
        request["properties"]["created_at_date"]["xml"] = json!({ "name": "created_at" });
    }
}

/// Returns the schema of a list, which may be one of several.
fn list(schema: &mut Value) -> Option<&mut Value> {
    if schema["type"] == "array" {
        return Some(schema);
    }
    let forms = schema.get_mut("anyOf")?.as_array_mut()?;
    forms.iter_mut().find(|form| form["type"] == "array")
}

/// Names the items of a list after the list: `emails` has elements `email`.
fn name_items(list: &mut Value, name: &str) {
    let Some(item) = name.strip_suffix('s') else { return };
    list["xml"] = json!({ "wrapped": true, "name": name });
    let items = list["items"].take();
    let mut items = if items.get("$ref").is_some() { json!({ "allOf": [items] }) } else { items };
    items["xml"] = json!({ "name": item });
    list["items"] = items;
}
