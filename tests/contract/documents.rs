//! The documents: whole, described, in the forms of their standards, and the same as the files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use snapengage::contract::{Contract, ContractApi, ContractReading};

use crate::tools::{installed, root};
use crate::validators::validator;

const READINGS: [ContractReading; 2] = [ContractReading::Accepted, ContractReading::Documented];

fn text(document: &Value) -> String {
    serde_json::to_string_pretty(document).expect("JSON") + "\n"
}

fn files(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("UTF-8");
    entries.map(|entry| name(entry.expect("an entry"))).collect()
}

#[test]
fn files_of_the_repository_are_what_is_generated() {
    let folder = root().join("contract");
    let contract = Contract::new();
    let mut documents = vec![
        ("openapi.json".to_owned(), contract.openapi()),
        ("asyncapi.json".to_owned(), contract.asyncapi()),
    ];
    documents.extend(
        ContractApi::ALL
            .map(|api| (format!("json-schema/{api}.json"), contract.only(api).json_schema())),
    );
    for (name, document) in &documents {
        let file = fs::read_to_string(folder.join(name)).unwrap_or_default();
        let hint = "is out of date: `snapengage contract FORM --out contract` writes it";
        assert!(file == text(document), "contract/{name} {hint}");
    }
    let expected = ["asyncapi.json", "json-schema", "openapi.json"].map(str::to_owned);
    assert_eq!(files(&folder), expected.into());
    let expected = ContractApi::ALL.map(|api| format!("{api}.json"));
    assert_eq!(files(&folder.join("json-schema")), expected.into());
}

#[test]
fn schemas_are_valid_by_the_metaschema_of_2020_12() {
    for reading in READINGS {
        let all = Contract::new().reading(reading);
        let schemas = ContractApi::ALL.map(|api| all.only(api).json_schema());
        for schema in schemas.iter().chain([&all.json_schema()]) {
            jsonschema::draft202012::meta::validate(schema).expect("a schema");
            assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        }
    }
}

/// Reads a metaschema that a package has.
#[track_caller]
fn metaschema(path: &str) -> Value {
    serde_json::from_slice(&fs::read(installed(path)).expect("a file")).expect("JSON")
}

#[track_caller]
fn assert_valid(metaschema: &Value, document: impl Fn(&Contract) -> Value) {
    let validator = jsonschema::validator_for(metaschema).expect("a metaschema");
    let one = ContractApi::ALL.map(|api| Contract::of([api]));
    for contract in one.into_iter().chain([Contract::new()]) {
        for reading in READINGS {
            let document = document(&contract.clone().reading(reading));
            let errors = validator.iter_errors(&document);
            let errors: Vec<_> =
                errors.map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert!(errors.is_empty(), "{:?}: {errors:#?}", contract.apis());
        }
    }
    assert!(!validator.is_valid(&serde_json::json!({ "openapi": "3.1.0", "asyncapi": "3.0.0" })));
}

#[test]
fn openapi_is_valid_by_its_metaschema() {
    let metaschema = metaschema("python/openapi_spec_validator/resources/schemas/v3.1/schema.json");
    assert_valid(&metaschema, Contract::openapi);
}

#[test]
fn asyncapi_is_valid_by_its_metaschema() {
    let metaschema = metaschema("npm/node_modules/@asyncapi/specs/schemas/3.0.0.json");
    assert_valid(&metaschema, Contract::asyncapi);
}

/// Calls back with each object that is at a place of this name.
fn each<'v>(value: &'v Value, name: &str, seen: &mut impl FnMut(&str, &'v Value)) {
    match value {
        Value::Object(fields) => {
            for (field, inner) in fields {
                if field == name {
                    inner.as_object().into_iter().flatten().for_each(|(key, at)| seen(key, at));
                }
                if field != "not" {
                    each(inner, name, seen);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| each(item, name, seen)),
        _ => {}
    }
}

#[test]
fn every_property_and_every_definition_is_described() {
    let (mut properties, mut definitions) = (0, 0);
    for reading in READINGS {
        let schema = Contract::new().reading(reading).json_schema();
        let says_more_than_where = |text: &str| text.len() > 3 && !text.starts_with("See [");
        let described = |at: &Value| at["description"].as_str().is_some_and(says_more_than_where);
        for (name, definition) in schema["$defs"].as_object().expect("definitions") {
            definitions += 1;
            assert!(described(definition), "{name}");
            each(definition, "properties", &mut |field, at| {
                properties += 1;
                assert!(described(at), "{name}.{field}");
            });
        }
    }
    assert!(properties > 600 && definitions > 150, "{properties} {definitions}");
}

#[test]
fn no_description_speaks_of_items_of_rust() {
    let text = text(&Contract::new().json_schema());
    for word in ["Self::", "crate::", "super::", "](#", "`Option", "`Vec", "`extra`", "```"] {
        assert!(!text.contains(word), "{word}");
    }
}

#[test]
fn every_set_is_open_and_every_object_too() {
    for reading in READINGS {
        let schema = Contract::new().reading(reading).json_schema();
        let mut sets = 0;
        each(&schema, "$defs", &mut |name, definition| {
            if definition.pointer("/anyOf/0/enum").is_some() && definition.get("type").is_none() {
                sets += 1;
                assert!(definition.pointer("/anyOf/1/type").is_some(), "{name}");
            }
            if definition["type"] == "object" {
                assert_eq!(definition["additionalProperties"], true, "{name}");
            }
        });
        assert!(sets >= 16, "{sets}");
    }
}

#[test]
fn the_hub_has_22_events_and_10_actions() {
    let schema = Contract::of([ContractApi::Hub]).json_schema();
    let branches = |name: &str| schema["$defs"][name]["oneOf"].as_array().map(Vec::len);
    // And one for those that are not documented.
    assert_eq!((branches("HubEvent"), branches("HubAction")), (Some(23), Some(11)));
}

#[test]
fn an_event_is_known_or_unknown_and_not_both() {
    let known = serde_json::json!({ "event": "message", "case_id": "c" });
    let unknown = serde_json::json!({ "event": "chatPaused", "case_id": "c" });
    let validator = validator(&crate::payloads::BOT_EVENT.schema(ContractReading::Accepted));
    assert!(!validator.is_valid(&known), "without a widget_id");
    assert!(validator.is_valid(&unknown));
}

#[test]
fn documents_have_what_is_asked_for_alone() {
    let users = Contract::of([ContractApi::Users]);
    let openapi = users.openapi();
    assert_eq!(openapi["webhooks"], serde_json::json!({}));
    let paths: Vec<_> = openapi["paths"].as_object().expect("paths").keys().collect();
    assert_eq!(paths, ["/api/v1/user.json"]);
    let says = |contract: &Contract, sentence: &str| {
        let openapi = contract.openapi();
        openapi["info"]["description"].as_str().expect("a text").contains(sentence)
    };
    for (contract, has_hub) in [(Contract::new(), true), (users, false)] {
        assert_eq!(says(&contract, "The Hub has no requests"), has_hub);
    }
    let channels = Contract::new().asyncapi()["channels"].clone();
    let channels: BTreeSet<_> = channels.as_object().expect("channels").keys().cloned().collect();
    assert_eq!(channels, ContractApi::ALL.map(|api| api.to_string()).into());
    for document in [Contract::new().openapi(), Contract::new().asyncapi()] {
        let description = document["info"]["description"].as_str().expect("a text");
        assert!(description.contains("Uploaded files have no documented path"), "{description}");
        assert!(description.contains("Never to be checked at the door"), "{description}");
    }
}
