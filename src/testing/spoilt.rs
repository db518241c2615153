//! Payloads, spoilt in every way that may come up.

use quick_xml::events::Event;
use quick_xml::name::QName;
use quick_xml::reader::Reader;
use serde_json::{Map, Value};

use crate::api::Api;

/// Payload that differs from the intact one in one thing.
#[derive(Debug, PartialEq)]
pub(super) struct Spoilt {
    /// Description of the difference.
    pub(super) change: String,
    /// Body, or for [`Api::Contact`] a query.
    pub(super) payload: Vec<u8>,
    /// Effect of the difference on reading it.
    pub(super) readable: Readable,
}

/// Answer to whether a receiver must accept a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readable {
    Yes,
    Perhaps,
}

/// Returns a payload and all its spoilt forms, the intact one first.
pub(super) fn all(api: Api, payload: &[u8]) -> Vec<Spoilt> {
    let mut all = vec![Spoilt::readable("as it is", payload)];
    match serde_json::from_slice(payload) {
        Ok(json) => json_changes(api, &json, &mut all),
        Err(_) if api == Api::Contact => query_changes(payload, &mut all),
        Err(_) => xml_changes(payload, &mut all),
    }
    cut_short(payload, &mut all);
    all
}

impl Spoilt {
    fn readable(change: impl Into<String>, payload: impl Into<Vec<u8>>) -> Self {
        Self { change: change.into(), payload: payload.into(), readable: Readable::Yes }
    }

    fn unsure(change: impl Into<String>, payload: impl Into<Vec<u8>>) -> Self {
        Self { readable: Readable::Perhaps, ..Self::readable(change, payload) }
    }
}

fn json_changes(api: Api, json: &Value, all: &mut Vec<Spoilt>) {
    for object in objects(json, "") {
        let change = format!("with a new field in `{object}/`");
        let added = changed(json, &object, |fields| {
            fields.insert(NEW.to_owned(), Value::from(vec![NEW]));
        });
        all.push(Spoilt::readable(change, added));
        for name in names(json, &object) {
            let change = format!("without `{object}/{name}`");
            let removed = changed(json, &object, |fields| {
                fields.remove(&name);
            });
            all.push(Spoilt::unsure(change, removed));
        }
    }
    let kind = match api {
        Api::Bot | Api::Conversation => "event",
        Api::AgentStatus => "status",
        Api::Integration | Api::Contact => "type",
    };
    let unknown = changed(json, "", |fields| {
        fields.insert(kind.to_owned(), NEW.into());
    });
    all.push(Spoilt::readable(format!("with an unknown `{kind}`"), unknown));
}

/// Lists the places of the objects in a value, as JSON pointers.
fn objects(value: &Value, at: &str) -> Vec<String> {
    match value {
        Value::Object(fields) => {
            let inner =
                fields.iter().flat_map(|(name, value)| objects(value, &format!("{at}/{name}")));
            std::iter::once(at.to_owned()).chain(inner).collect()
        }
        Value::Array(values) => {
            let values = values.iter().enumerate();
            values.flat_map(|(i, value)| objects(value, &format!("{at}/{i}"))).collect()
        }
        _ => Vec::new(),
    }
}

fn names(json: &Value, object: &str) -> Vec<String> {
    let fields = json.pointer(object).and_then(Value::as_object);
    fields.map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
}

fn changed(json: &Value, object: &str, change: impl FnOnce(&mut Map<String, Value>)) -> String {
    let mut json = json.clone();
    if let Some(fields) = json.pointer_mut(object).and_then(Value::as_object_mut) {
        change(fields);
    }
    json.to_string()
}

fn query_changes(query: &[u8], all: &mut Vec<Spoilt>) {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query).into_owned().collect();
    let encoded = |pairs: &[(String, String)]| {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    };
    for (i, (name, _)) in pairs.iter().enumerate() {
        let mut rest = pairs.clone();
        rest.remove(i);
        all.push(Spoilt::unsure(format!("without `{name}`"), encoded(&rest)));
    }
    let mut more = pairs;
    more.push((NEW.to_owned(), NEW.to_owned()));
    all.push(Spoilt::readable("with a new parameter", encoded(&more)));
}

fn xml_changes(xml: &[u8], all: &mut Vec<Spoilt>) {
    for XmlElement { name, start, end } in elements(xml) {
        let removed = [&xml[..start], &xml[end..]].concat();
        all.push(Spoilt::unsure(format!("without <{name}> at byte {start}"), removed));
        let element = format!("<{NEW}>{NEW}</{NEW}>");
        let added = [&xml[..start], element.as_bytes(), &xml[start..]].concat();
        all.push(Spoilt::readable(format!("with a new element at byte {start}"), added));
    }
}

struct XmlElement {
    name: String,
    start: usize,
    end: usize,
}

/// Lists the elements below the root.
fn elements(xml: &[u8]) -> Vec<XmlElement> {
    // Only the places matter here, and those are the same whatever the encoding.
    let ascii = xml.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '_' });
    let ascii: String = ascii.collect();
    let mut reader = Reader::from_str(&ascii);
    let position = |reader: &Reader<&[u8]>| {
        usize::try_from(reader.buffer_position()).expect("a position in memory")
    };
    let (mut open, mut found) = (Vec::new(), Vec::new());
    loop {
        let start = position(&reader);
        let (name, start) = match reader.read_event() {
            Ok(Event::Start(_)) => {
                open.push(start);
                continue;
            }
            Ok(Event::Empty(tag)) => (text(tag.name()), Some(start)),
            Ok(Event::End(tag)) => (text(tag.name()), open.pop()),
            Ok(Event::Eof) | Err(_) => return found,
            Ok(_) => continue,
        };
        if let (Some(start), false) = (start, open.is_empty()) {
            found.push(XmlElement { name, start, end: position(&reader) });
        }
    }
}

fn text(name: QName<'_>) -> String {
    String::from_utf8_lossy(name.as_ref()).into_owned()
}

fn cut_short(payload: &[u8], all: &mut Vec<Spoilt>) {
    let mut lengths: Vec<usize> = (0..CUTS).map(|i| payload.len() * i / CUTS).collect();
    lengths.push(payload.len().saturating_sub(1));
    lengths.dedup();
    all.extend(lengths.into_iter().map(|length| {
        Spoilt::unsure(format!("cut short after {length} bytes"), &payload[..length])
    }));
}

/// Name of a new field, element or parameter, and its value.
const NEW: &str = "not_documented";

/// Number of places at which a payload is cut.
const CUTS: usize = 64;

#[cfg(test)]
mod tests {
    use super::super::samples::samples;
    use super::*;

    fn spoilt(name: &str) -> Vec<Spoilt> {
        let sample = samples().iter().find(|sample| sample.name() == name);
        let sample = sample.expect("a sample");
        all(sample.api(), sample.payload())
    }

    #[track_caller]
    fn assert_has(all: &[Spoilt], change: &str, payload: &str) {
        let found = all.iter().find(|spoilt| spoilt.change == change);
        let found = found.unwrap_or_else(|| panic!("no change is `{change}`"));
        assert_eq!(String::from_utf8_lossy(&found.payload), payload);
    }

    #[test]
    fn a_json_sample_is_spoilt_at_every_depth() {
        let all = spoilt("bot/command-result.json");
        let command = r#"{"error":"NO_AGENTS_AVAILABLE","params":"XXX-XXX-XXX-XXX"}"#;
        let rest = r#""timestamp":1573467739035,"widget_id":"XXX-XXX-XXX-XXX"}"#;
        assert_has(
            &all,
            "without `/failedCommands/0/operation`",
            &format!(
                r#"{{"case_id":"XXX-XXX-XXX-XXX","event":"commandResult","failedCommands":[{command}],{rest}"#
            ),
        );
        let changes: Vec<&str> = all.iter().map(|spoilt| spoilt.change.as_str()).collect();
        for change in [
            "as it is",
            "without `/case_id`",
            "with a new field in `/`",
            "with a new field in `/failedCommands/0/`",
            "with an unknown `event`",
            "cut short after 0 bytes",
        ] {
            assert!(changes.contains(&change), "{change}: {changes:?}");
        }
    }

    #[test]
    fn an_xml_sample_loses_and_gains_elements() {
        let all = spoilt("integration/chat.xml");
        let without = all.iter().filter(|spoilt| spoilt.change.starts_with("without <")).count();
        assert!(without > 20, "{without}");
        let xml = b"<case><id>1</id><a/></case>";
        let found = elements(xml);
        assert_eq!(found.len(), 2);
        assert_eq!(&xml[found[0].start..found[0].end], b"<id>1</id>");
        assert_eq!(&xml[found[1].start..found[1].end], b"<a/>");
    }

    #[test]
    fn a_query_loses_and_gains_parameters() {
        let all = spoilt("get-contact/known.txt");
        assert_has(
            &all,
            "without `email`",
            "ip=127.0.0.1&url=http%3A%2F%2Fwww.test.com%2Fchat&caseId=b88d3c4d-c402-4673-8e5b-68778eac45cb",
        );
        assert!(all.iter().any(|spoilt| spoilt.change == "with a new parameter"));
    }
}
