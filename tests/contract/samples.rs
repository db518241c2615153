//! Every sample is valid, and none is without a field that is required.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Validator;
use serde_json::{Value, json};
use snapengage::contract::ContractReading;

use crate::payloads::all;
use crate::validators::{Cases, Payload, validator};

#[test]
fn every_sample_is_valid_as_accepted() {
    let mut cases = Cases::default();
    for sample in all() {
        cases.add(sample.name, (&sample.payload, ContractReading::Accepted), sample.json, true);
    }
    assert!(cases.len() > 90, "{}", cases.len());
    cases.assert_both();
}

/// Samples with a number as text where the documentation has none.
const NOT_AS_DOCUMENTED: &[&str] = &["hub \"weather_info_captured\""];

#[test]
fn every_sample_is_valid_as_documented() {
    let mut cases = Cases::default();
    for sample in all() {
        let is_valid = !NOT_AS_DOCUMENTED.contains(&&*sample.name);
        cases.add(
            sample.name,
            (&sample.payload, ContractReading::Documented),
            sample.json,
            is_valid,
        );
    }
    cases.assert_both();
}

#[test]
fn every_sample_without_a_required_field_is_invalid() {
    let mut cases = Cases::default();
    let mut names = BTreeSet::new();
    let mut parts = BTreeMap::new();
    for sample in all() {
        let parts =
            parts.entry(sample.payload.clone()).or_insert_with(|| Parts::of(&sample.payload));
        let whole = parts.schema["anyOf"][0].clone();
        for (pointer, name) in parts.required(&whole, &sample.json, "") {
            let mut json = sample.json.clone();
            let object = json.pointer_mut(&pointer).and_then(Value::as_object_mut);
            object.expect("an object").remove(&name);
            names.insert(name.clone());
            let case = format!("{} without `{pointer}/{name}`", sample.name);
            cases.add(case, (&sample.payload, ContractReading::Accepted), json, false);
        }
    }
    assert!(cases.len() > 250, "{}", cases.len());
    for name in ["case_id", "widget_id", "event", "id", "agent_id", "operation", "index", "agents"]
    {
        assert!(names.contains(name), "{name}: {names:?}");
    }
    cases.assert_both();
}

#[test]
fn a_value_that_is_no_object_is_invalid() {
    let mut cases = Cases::default();
    for sample in all() {
        for value in [json!(null), json!([]), json!("x"), json!(7)] {
            cases.add("no object", (&sample.payload, ContractReading::Accepted), value, false);
        }
    }
    cases.assert_both();
}

/// Schema of a payload, and the validators of its parts.
struct Parts {
    schema: Value,
    validators: BTreeMap<String, Validator>,
}

impl Parts {
    fn of(payload: &Payload) -> Self {
        Self { schema: payload.schema(ContractReading::Accepted), validators: BTreeMap::new() }
    }

    fn is_valid(&mut self, part: &Value, value: &Value) -> bool {
        let schema = &self.schema;
        let new = || {
            let mut alone = schema.clone();
            alone["anyOf"] = json!([part]);
            validator(&alone)
        };
        self.validators.entry(part.to_string()).or_insert_with(new).is_valid(value)
    }

    /// Lists the required fields that are in a value, each by the place of its object.
    fn required(&mut self, part: &Value, value: &Value, at: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        if let Some(name) = part["$ref"].as_str() {
            let name = name.trim_start_matches("#/$defs/");
            let definition = self.schema["$defs"][name].clone();
            found.extend(self.required(&definition, value, at));
            // A part of a reply that is no message and no command may be anything.
            found.retain(|(place, field)| name != "Content" || place != at || field != "type");
            return found;
        }
        for list in ["anyOf", "oneOf", "allOf"] {
            for form in part[list].as_array().into_iter().flatten() {
                if self.is_valid(form, value) {
                    found.extend(self.required(form, value, at));
                }
            }
        }
        for (name, field) in value.as_object().into_iter().flatten() {
            if part["required"].as_array().is_some_and(|names| names.contains(&json!(name))) {
                found.push((at.to_owned(), name.clone()));
            }
            found.extend(self.required(&part["properties"][name], field, &format!("{at}/{name}")));
        }
        for (n, item) in value.as_array().into_iter().flatten().enumerate() {
            found.extend(self.required(&part["items"], item, &format!("{at}/{n}")));
        }
        found.sort();
        found.dedup();
        found
    }
}
