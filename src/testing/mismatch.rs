//! Errors in JSON, told without the value that caused them.

use serde_json::{Error, Value};

/// Describes a value that is of another type than it should be, such as `expected a string, found
/// a number`, or what else is wrong; without a place, and without the value: it may be secret.
pub(crate) fn described(error: &Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = text.strip_suffix(&place).unwrap_or(&text);
    // The value may say anything, but what was expected stands behind it.
    let invalid = text.strip_prefix("invalid type: ").or(text.strip_prefix("invalid value: "));
    if let Some((met, expected)) = invalid.and_then(|text| text.rsplit_once(", expected ")) {
        return mismatch(of_json(expected), met_as_text(met));
    }
    match text.strip_prefix("unknown variant ").and_then(|text| text.rsplit_once(", expected ")) {
        Some((_, expected)) => mismatch(expected, "something else"),
        None => text.to_owned(),
    }
}

/// Describes a value in the place of another.
pub(crate) fn mismatch(expected: &str, met: &str) -> String {
    format!("expected {expected}, found {met}")
}

/// Returns the type of a value, in the words of JSON.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Returns the type of a value that serde has described, such as ``integer `1` ``.
fn met_as_text(met: &str) -> &'static str {
    let words = [
        ("null", "null"),
        ("unit", "null"),
        ("boolean", "a boolean"),
        ("integer `-", "a negative number"),
        ("integer", "a number"),
        ("floating", "a number with a fraction"),
        ("string", "a string"),
        ("character", "a string"),
        ("sequence", "an array"),
        ("map", "an object"),
    ];
    let found = words.into_iter().find(|(start, _)| met.starts_with(start));
    found.map_or("something else", |(_, kind)| kind)
}

/// Returns what was expected, in the words of JSON and not of Rust.
fn of_json(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "a sequence" => "an array",
        "a map" => "an object",
        "string or map" => "a string",
        expected if expected.starts_with("struct ") => "an object",
        expected => expected,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Colour {
        Red,
        Blue,
    }

    #[track_caller]
    fn assert_described<T: for<'de> Deserialize<'de>>(json: &str, expected: &str) {
        let Err(error) = serde_json::from_str::<T>(json) else { panic!("{json} is read") };
        assert_eq!(described(&error), expected);
    }

    #[test]
    fn types_are_told_in_the_words_of_json() {
        assert_described::<String>("1", "expected a string, found a number");
        assert_described::<String>("null", "expected a string, found null");
        assert_described::<u8>("-1", "expected a whole number from 0, found a negative number");
        assert_described::<u64>(
            "1.5",
            "expected a whole number from 0, found a number with a fraction",
        );
        assert_described::<f64>("[1]", "expected a number, found an array");
        assert_described::<BTreeMap<String, u8>>("true", "expected an object, found a boolean");
        assert_described::<Vec<u8>>("{}", "expected an array, found an object");
    }

    #[test]
    fn values_are_not_repeated() {
        let text = "expected a whole number from 0, found a string";
        assert_described::<u8>(r#""secret, expected words""#, text);
        let text = "expected `red` or `blue`, found something else";
        assert_described::<Colour>(r#""secret, expected words""#, text);
        assert!(matches!(serde_json::from_str(r#""red""#), Ok(Colour::Red)));
        assert!(matches!(serde_json::from_str(r#""blue""#), Ok(Colour::Blue)));
    }

    #[test]
    fn kinds_are_those_of_json() {
        let kinds = serde_json::json!([null, true, 1, "a", [], {}]);
        let kinds: Vec<_> = kinds.as_array().into_iter().flatten().map(kind).collect();
        let expected = ["null", "a boolean", "a number", "a string", "an array", "an object"];
        assert_eq!(kinds, expected);
    }
}
