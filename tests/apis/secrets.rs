//! Requests of secrets, which no answer and no log may repeat.

use serde_json::{Value, json};

/// What no answer and no log may repeat.
pub(crate) const SECRET: &str = "SECRET";

pub(crate) const SECRET_NUMBER: u64 = 987_654_321;

/// `document` with a secret in the place of every value and of every name in turn: whole, cut off,
/// with something after it, and with a byte in the middle that is no UTF-8.
pub(crate) fn with_secrets(document: &Value) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    for secret in secrets(document) {
        let whole = secret.to_string().into_bytes();
        let middle = whole.len() / 2;
        bodies.push(whole[..middle].to_vec());
        bodies.push([&whole[..middle], b"\xff", &whole[middle..]].concat());
        bodies.push([&whole, SECRET.as_bytes()].concat());
        bodies.push(whole);
    }
    bodies
}

fn secrets(value: &Value) -> Vec<Value> {
    let mut found = vec![
        json!(SECRET),
        json!(SECRET_NUMBER),
        json!(-1.5),
        json!(true),
        json!([SECRET]),
        json!({ SECRET: SECRET }),
        json!([[{ SECRET: [SECRET_NUMBER] }]]),
    ];
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                found.extend(secrets(value).into_iter().map(|secret| {
                    let mut object = object.clone();
                    object.insert(name.clone(), secret);
                    Value::Object(object)
                }));
                let mut renamed = object.clone();
                let value = renamed.remove(name).unwrap_or_default();
                renamed.insert(format!("{SECRET}{name}"), value);
                found.push(Value::Object(renamed));
            }
        }
        Value::Array(array) => {
            for (index, value) in array.iter().enumerate() {
                found.extend(secrets(value).into_iter().map(|secret| {
                    let mut array = array.clone();
                    array[index] = secret;
                    Value::Array(array)
                }));
            }
        }
        _ => {}
    }
    found
}

/// The texts of the answers, where they are refusals, repeat nothing of the request.
#[track_caller]
pub(crate) fn assert_tells_no_secret(what: &str, told: &str) {
    assert!(!told.contains(SECRET), "{what}: {told}");
    assert!(!told.contains(&SECRET_NUMBER.to_string()), "{what}: {told}");
}
