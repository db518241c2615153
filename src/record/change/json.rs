//! Fields in JSON.

use serde_json::{Map, Value};

/// Returns the document with a field set, or the reason why it has no room for it.
pub(super) fn set(mut json: Value, steps: &[&str], value: Value) -> Result<Vec<u8>, String> {
    *place(&mut json, steps)? = value;
    Ok(json.to_string().into())
}

/// Returns the place of a field, and makes it where it is missing.
fn place<'v>(value: &'v mut Value, steps: &[&str]) -> Result<&'v mut Value, String> {
    let Some((step, rest)) = steps.split_first() else { return Ok(value) };
    if value.is_null() {
        *value = if *step == "0" { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
    }
    let next = match value {
        Value::Object(fields) => fields.entry(*step).or_insert(Value::Null),
        Value::Array(values) => item(values, step)?,
        _ => return Err(format!("there is nothing in which `{step}` could be")),
    };
    place(next, rest)
}

/// Returns an item of an array, or a new one behind its last.
fn item<'v>(values: &'v mut Vec<Value>, step: &str) -> Result<&'v mut Value, String> {
    let count = values.len();
    let wrong = || format!("expected a number up to {count}, found `{step}`");
    let index: usize = step.parse().map_err(|_| wrong())?;
    if index == count {
        values.push(Value::Null);
    }
    values.get_mut(index).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn changed(json: Value, name: &str) -> Result<Value, String> {
        let steps: Vec<_> = name.split('.').collect();
        set(json, &steps, json!("new")).map(|json| serde_json::from_slice(&json).expect("JSON"))
    }

    #[test]
    fn fields_are_replaced_at_every_depth() {
        let json = json!({"a": {"b": [{"c": 1}, 2]}, "d": 3});
        for (name, expected) in [
            ("d", json!({"a": {"b": [{"c": 1}, 2]}, "d": "new"})),
            ("a.b.0.c", json!({"a": {"b": [{"c": "new"}, 2]}, "d": 3})),
            ("a.b.1", json!({"a": {"b": [{"c": 1}, "new"]}, "d": 3})),
        ] {
            assert_eq!(changed(json.clone(), name), Ok(expected), "{name}");
        }
    }

    #[test]
    fn what_is_missing_is_added() {
        for (name, expected) in [
            ("a", json!({"a": "new"})),
            ("a.b", json!({"a": {"b": "new"}})),
            ("a.0.b", json!({"a": [{"b": "new"}]})),
        ] {
            assert_eq!(changed(json!({}), name), Ok(expected), "{name}");
        }
        assert_eq!(changed(json!({"a": [1]}), "a.1"), Ok(json!({"a": [1, "new"]})));
    }

    #[test]
    fn what_has_no_room_is_refused() {
        let problem = changed(json!({"a": [1]}), "a.2");
        assert_eq!(problem, Err("expected a number up to 1, found `2`".to_owned()));
        let problem = changed(json!({"a": 1}), "a.b");
        assert_eq!(problem, Err("there is nothing in which `b` could be".to_owned()));
    }
}
