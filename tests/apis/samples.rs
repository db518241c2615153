//! Every sample payload goes through a receiver.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use http::Request;
use http_body_util::Full;
use serde_json::Value;
use snapengage::bot::{self, Reply};
use snapengage::integration::SupportRequest;
use snapengage::{Auth, Receiver, agent_status, contact, conversation, integration};

use crate::payloads::{parse, sample_json, sample_query};
use crate::support::requests::text;
use crate::support::{self, auth, get, post, sample, sample_path};

/// The request that a file in `sample-payloads/` is; `None` for replies and the README.
#[track_caller]
fn request(path: &str) -> Option<Request<Full<bytes::Bytes>>> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    match (folder, name.rsplit_once('.').unwrap_or_default().1) {
        ("integration", "json" | "xml")
        | ("bot" | "conversation-events" | "agent-status", "json") => {
            Some(post(&format!("/{folder}"), sample(path)))
        }
        ("get-contact", "txt") => Some(get(&format!("/get-contact?{}", sample_query(path)))),
        // What is sent to SnapEngage, and its answers: see `tests/client/golden.rs`.
        ("outbound", "json" | "txt") => None,
        // What pages sign, and what Segment is sent: see `tests/apis/identity.rs` and
        // `tests/client/segment/`.
        ("identity" | "segment", "json") => None,
        ("bot/replies", "json") | ("", "md") => None,
        _ => panic!("sample-payloads/{path}: no test knows what this is"),
    }
}

fn samples() -> BTreeSet<String> {
    let root = sample_path("");
    let mut found = BTreeSet::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(relative(&path, &root));
            }
        }
    }
    found
}

fn relative(path: &Path, root: &Path) -> String {
    let path = path.strip_prefix(root).expect("below the root");
    path.to_str().expect("UTF-8").replace('\\', "/")
}

fn receiver() -> Receiver {
    Receiver::builder()
        .integration("/integration", auth(), integration::from_fn(|_| async { Ok(()) }))
        .bot("/bot", auth(), bot::from_fn(|message| async { Ok(Reply::say(message.text)) }))
        .conversation("/conversation-events", auth(), conversation::from_fn(|_| async { Ok(()) }))
        .agent_status("/agent-status", auth(), agent_status::from_fn(|_| async { Ok(()) }))
        .contact(
            "/get-contact",
            Auth::dangerously_open(),
            contact::from_fn(|query| async { Ok(Some(query.email)) }),
        )
        .build()
        .expect("no mistakes")
}

#[tokio::test]
async fn every_sample_is_taken_and_nothing_in_it_is_odd() {
    let receiver = receiver();
    support::record_log();
    for path in samples() {
        let Some(request) = request(&path) else { continue };
        let status = receiver.handle(request).await.status();
        assert!(status.is_success(), "{path}: {status}");
        let log = support::log();
        assert!(!log.contains("fields not of the documented type"), "{path}: {log}");
    }
}

#[test]
fn every_json_sample_is_written_back_without_loss() {
    for path in samples() {
        let Some((folder @ ("integration" | "bot" | "conversation-events" | "agent-status"), _)) =
            path.rsplit_once('/')
        else {
            continue;
        };
        if !path.ends_with(".json") {
            continue;
        }
        let written = written_back(folder, &sample(&path));
        assert_eq!(written, without_empties(sample_json(&path)), "{path}");
    }
}

#[track_caller]
fn written_back(folder: &str, body: &[u8]) -> Value {
    let written = match folder {
        "integration" => SupportRequest::from_json(body).map(serde_json::to_value),
        "bot" => bot::Event::from_json(body).map(serde_json::to_value),
        "conversation-events" => conversation::Event::from_json(body).map(serde_json::to_value),
        _ => agent_status::StatusChange::from_json(body).map(serde_json::to_value),
    };
    written.expect("a sample that is read").expect("a model that is written")
}

fn without_empties(mut value: Value) -> Value {
    match &mut value {
        Value::Object(object) => object.retain(|_, value| {
            *value = without_empties(value.take());
            !is_empty(value)
        }),
        Value::Array(array) => {
            for value in array {
                *value = without_empties(value.take());
            }
        }
        _ => {}
    }
    value
}

fn is_empty(value: &Value) -> bool {
    value.is_null()
        || value.as_str().is_some_and(str::is_empty)
        || value.as_array().is_some_and(Vec::is_empty)
}

#[test]
fn every_xml_sample_is_the_same_in_json() {
    for path in samples().into_iter().filter(|path| path.ends_with(".xml")) {
        let from_xml = SupportRequest::from_body(&sample(&path)).expect("a sample that is read");
        let json = serde_json::to_vec(&from_xml).expect("a model that is written");
        assert_eq!(SupportRequest::from_json(&json), Ok(from_xml), "{path}");
    }
}

#[test]
fn every_reply_is_read_and_written_back_as_it_is() {
    for path in samples().into_iter().filter(|path| path.starts_with("bot/replies/")) {
        let document = sample_json(&path);
        let reply: Reply = serde_json::from_value(document.clone()).expect("a reply");
        let [widget_id, case_id] = ["widget_id", "case_id"].map(|id| document[id].as_str());
        let written = reply
            .to_json(&widget_id.expect("a widget id").into(), &case_id.expect("a case id").into());
        assert_eq!(parse(&written), document, "{path}");
    }
}

#[test]
fn every_get_contact_sample_is_written_back_without_loss() {
    for path in samples().into_iter().filter(|path| path.starts_with("get-contact/")) {
        let query = sample_query(&path);
        let read = contact::Query::from_query(&query).expect("a sample that is read");
        let written = read.to_query();
        assert_eq!(contact::Query::from_query(&written), Ok(read), "{path}");
        assert_eq!(written, query.replace("&url=&", "&"), "{path}");
    }
}

#[test]
fn the_readme_names_every_sample_and_no_other() {
    let readme = sample("README.md");
    let named = text(&readme)
        .lines()
        .filter(|line| line.starts_with("| `"))
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(|cell| cell.split(','))
        .map(|name| name.trim().trim_matches('`').to_owned());
    let named: BTreeSet<_> = named.collect();
    let mut expected = samples();
    expected.remove("README.md");
    assert_eq!(expected.difference(&named).collect::<Vec<_>>(), [""; 0], "not in the README");
    assert_eq!(named.difference(&expected).collect::<Vec<_>>(), [""; 0], "no such sample");
}

#[test]
fn a_file_that_no_test_knows_is_told() {
    for path in ["bot/message.yaml", "chat/message.json", "bot/old/message.json", "notes.txt"] {
        assert!(std::panic::catch_unwind(|| request(path)).is_err(), "{path}");
    }
}
