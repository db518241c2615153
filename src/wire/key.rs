//! Keys that distinguish events.

use std::hash::Hasher;

use serde::Serialize;
use serde_json::{Map, Value};
use siphasher::sip128::{Hasher128, SipHasher13};

use crate::timestamp::Timestamp;

/// Most bytes of an id or a name in a key: three parts and the digest fit into 255.
const SHOWN: usize = 64;

/// Returns the key of an event: its subject, its name and its time, for people, and a digest of all
/// its fields, to distinguish it.
///
/// Keys are stored, so they must never change, nor differ between builds: the hash is not the
/// standard library's, and names are sorted whether or not `serde_json` keeps them in order.
pub(crate) fn key(
    subject: &str,
    name: &str,
    timestamp: Timestamp,
    fields: &impl Serialize,
) -> String {
    let (subject, name) = (shortened(subject), shortened(name));
    format!("{subject}/{name}/{}/{:032x}", timestamp.as_millis(), digest(fields))
}

fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(SHOWN)]
}

fn digest(fields: &impl Serialize) -> u128 {
    let mut hasher = SipHasher13::new();
    add(&mut hasher, &serde_json::to_value(fields).unwrap_or_default());
    hasher.finish128().as_u128()
}

/// Hashes a value, marked and with its length, so that none is taken for a part of its neighbour.
fn add(hasher: &mut SipHasher13, value: &Value) {
    match value {
        Value::Null => hasher.write(b"n"),
        Value::Bool(value) => add_text(hasher, b's', &value.to_string()),
        Value::Number(value) => add_text(hasher, b's', &value.to_string()),
        Value::String(value) => add_text(hasher, b's', value),
        Value::Array(values) => {
            add_start(hasher, b'a', values.len());
            values.iter().for_each(|value| add(hasher, value));
        }
        Value::Object(fields) => add_object(hasher, fields),
    }
}

fn add_object(hasher: &mut SipHasher13, fields: &Map<String, Value>) {
    // A documented field that is null is read as an absent one.
    let mut fields: Vec<_> = fields.iter().filter(|(_, value)| !value.is_null()).collect();
    fields.sort_unstable_by_key(|(name, _)| *name);
    add_start(hasher, b'o', fields.len());
    for (name, value) in fields {
        add_text(hasher, b's', name);
        add(hasher, value);
    }
}

/// Hashes text, and numbers and booleans as text: one that was sent in quotes may be read as what
/// it is by a later version.
fn add_text(hasher: &mut SipHasher13, mark: u8, text: &str) {
    add_start(hasher, mark, text.len());
    hasher.write(text.as_bytes());
}

fn add_start(hasher: &mut SipHasher13, mark: u8, length: usize) {
    hasher.write(&[mark]);
    // Eight bytes on every machine.
    hasher.write(&u64::try_from(length).unwrap_or(u64::MAX).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn order_quotes_and_nulls_make_no_difference() {
        let json = |text| serde_json::from_str::<Value>(text).expect("JSON");
        let sent = json(r#"{"b": [1, true], "a": {"y": "1", "x": null}}"#);
        let same = json(r#"{"a": {"y": 1}, "b": ["1", "true"]}"#);
        assert_eq!(digest(&sent), digest(&same));
    }

    #[test]
    fn everything_else_does() {
        let values = [
            json!({}),
            json!([]),
            json!(null),
            json!(""),
            json!({"a": "b"}),
            json!({"a": ["b"]}),
            json!({"ab": ""}),
            json!([null]),
            json!(["a", "b"]),
            json!(["ab"]),
            json!(["b", "a"]),
            json!([["a"], "b"]),
            json!([["a", "b"]]),
        ];
        let mut digests: Vec<_> = values.iter().map(digest).collect();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), values.len());
    }

    #[test]
    fn digests_are_the_same_for_ever() {
        const DIGEST: &str = "12e97059a493bfc1378f02835a3c1512";
        assert_eq!(format!("{:032x}", digest(&json!({"a": [1, "two"]}))), DIGEST);
    }

    #[test]
    fn keys_are_short_however_long_the_ids() {
        let long = "ü".repeat(1000);
        assert!(key(&long, &long, Timestamp::MAX, &long).len() <= 255);
    }
}
