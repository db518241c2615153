//! Names of the legacy XML, as OpenAPI has them.

use quick_xml::events::Event;
use quick_xml::reader::Reader;
use serde_json::Value;
use snapengage::contract::{Contract, ContractApi, ContractReading};
use snapengage::testing::samples;

/// Lists the paths of all elements of a document.
fn elements(xml: &str) -> Vec<Vec<String>> {
    let mut reader = Reader::from_str(xml);
    let (mut open, mut found) = (Vec::new(), Vec::new());
    loop {
        match reader.read_event().expect("XML") {
            Event::Start(tag) => {
                open.push(String::from_utf8_lossy(tag.name().as_ref()).into_owned());
                found.push(open.clone());
            }
            Event::End(_) => drop(open.pop()),
            Event::Eof => return found,
            _ => {}
        }
    }
}

/// Follows an element's path through the schemas, and returns whether there is such a one.
fn is_named(openapi: &Value, path: &[String]) -> bool {
    let schemas = &openapi["components"]["schemas"];
    let mut part = &schemas["SupportRequest"];
    for (n, name) in path.iter().enumerate() {
        if n == 0 {
            if part["xml"]["name"] != **name {
                return false;
            }
            continue;
        }
        let Some(next) = child(schemas, part, name) else { return false };
        part = next;
    }
    true
}

fn child<'v>(schemas: &'v Value, part: &'v Value, name: &str) -> Option<&'v Value> {
    let part = resolved(schemas, part);
    if part["type"] == "array" {
        return Some(&part["items"]).filter(|items| items["xml"]["name"] == name);
    }
    let mut properties = part["properties"].as_object()?.iter();
    let is_it = |(field, schema): &(&String, &Value)| {
        schema["xml"]["name"].as_str().unwrap_or(field) == name
    };
    properties.find(is_it).map(|(_, schema)| schema)
}

fn resolved<'v>(schemas: &'v Value, part: &'v Value) -> &'v Value {
    if let Some(form) = part["allOf"].get(0) {
        return resolved(schemas, form);
    }
    match part["$ref"].as_str() {
        Some(name) => resolved(schemas, &schemas[name.trim_start_matches("#/components/schemas/")]),
        None => part,
    }
}

#[test]
fn every_documented_element_has_its_name() {
    let contract = Contract::of([ContractApi::Integration]).reading(ContractReading::Documented);
    let openapi = contract.openapi();
    let mut checked = 0;
    for sample in samples() {
        let documented = [
            "integration/chat.xml",
            "integration/chat-2010.xml",
            "integration/requester-details.xml",
        ];
        if !documented.contains(&sample.name()) {
            continue;
        }
        let xml = std::str::from_utf8(sample.body()).expect("UTF-8");
        for path in elements(xml) {
            checked += 1;
            assert!(is_named(&openapi, &path), "{}: {path:?}", sample.name());
        }
    }
    assert!(checked > 100, "{checked}");
    assert!(!is_named(&openapi, &["case".to_owned(), "mood".to_owned()]));
}
