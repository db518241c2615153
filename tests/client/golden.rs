//! The documented requests are sent as they are.
//!
//! Of the 35 samples, 22 are requests and 13 answers. `-curl` and `-python` are the same request as
//! those tabs of the vendor's page have it, where they differ from its JSON.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::Value;
use snapengage::client::{
    AccountType, ConversationSchedule, Day, DayOfWeek, NewUser, NewWidget, Password, Presence,
    TimeOfDay, UserUpdate, WidgetAgent, WidgetUpdate,
};

use crate::vendor::{Sent, Vendor, decoded};

pub(crate) const UUID: &str = "31a11b98-ffd2-425d-aa69-2c6ff8a40a16";
pub(crate) const WIDGET: &str = "5286374d-5c92-419d-bcdb-b926d242b78b";
pub(crate) const SAID: &str = "a26503d8-4495-4147-acb4-d1a95ae744d5";
pub(crate) const POLLED: &str = "f383eadb-a15e-4d13-bda2-6f3bf412de62";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-payloads/outbound")
}

#[track_caller]
pub(crate) fn sample(name: &str) -> Bytes {
    match fs::read(folder().join(name)) {
        Ok(bytes) => bytes.into(),
        Err(error) => panic!("sample-payloads/outbound/{name}: {error}"),
    }
}

#[track_caller]
pub(crate) fn sample_json(name: &str) -> Value {
    serde_json::from_slice(&sample(name)).expect("JSON")
}

pub(crate) fn samples() -> BTreeSet<String> {
    let files = fs::read_dir(folder()).expect("a folder");
    let name = |file: fs::DirEntry| file.file_name().into_string().expect("UTF-8");
    files.map(|file| name(file.expect("a file"))).collect()
}

pub(crate) fn is_answer(name: &str) -> bool {
    name.ends_with("-response.json") || name == "widget-availability-error-reconstructed.json"
}

/// A request as a sample has it.
#[derive(Debug, PartialEq)]
struct Request {
    method: String,
    path: Vec<String>,
    query: Vec<(String, String)>,
    content_type: String,
    authorization: String,
    api_key: String,
    json: Option<Value>,
}

impl Request {
    fn of(sent: &Sent) -> Self {
        assert_eq!(sent.uri.host(), Some("www.snapengage.com"));
        assert_eq!(sent.uri.scheme_str(), Some("https"));
        Self {
            method: sent.method.to_string(),
            path: sent.path(),
            query: sent.query(),
            content_type: sent.header("content-type").to_owned(),
            authorization: sent.header("authorization").to_owned(),
            api_key: sent.header("x-api-key").to_owned(),
            json: (!sent.body.is_empty()).then(|| sent.json()),
        }
    }

    /// Reads a sample of a method, an address, headers and perhaps a body.
    fn parse(sample: &str) -> Self {
        let (head, body) = sample.split_once("\n\n").unwrap_or((sample, ""));
        let mut lines = head.lines();
        let (method, address) = lines.next().and_then(|line| line.split_once(' ')).expect("a line");
        let address = address.strip_prefix("https://www.snapengage.com/").expect("an address");
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let headers: Vec<_> = lines.filter_map(|line| line.split_once(": ")).collect();
        let header = |name: &str| {
            let found = headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
            found.map_or("", |(_, value)| value).to_owned()
        };
        Self {
            method: method.to_owned(),
            path: path.split('/').map(decoded).collect(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            content_type: header("content-type"),
            authorization: header("authorization"),
            api_key: header("x-api-key"),
            json: serde_json::from_str(body).ok(),
        }
    }

    /// Completes a sample that is the body alone, from the text of its page.
    fn with_body(method: &str, file: &str, json: Value) -> Self {
        Self {
            method: method.to_owned(),
            path: ["api", "v1", file].map(str::to_owned).into(),
            query: vec![("api_key".to_owned(), "{api_key}".to_owned())],
            content_type: "application/json".to_owned(),
            authorization: String::new(),
            api_key: String::new(),
            json: Some(json),
        }
    }

    fn of_sample(name: &str) -> Self {
        if name.ends_with(".txt") {
            let sample = sample(name);
            let sample = str::from_utf8(&sample).expect("UTF-8");
            // An organisation is a number here, and one sample has its token without braces.
            let sample =
                sample.replace("{orgId}", "5406213").replace(": api_token", ": {api_token}");
            return Self::parse(&sample);
        }
        let json = sample_json(name);
        match name {
            "agent-status-post-request.json" => {
                let json = Some(json);
                Self { json, ..Self::of_sample("agent-status-post-request.txt") }
            }
            _ if name.starts_with("provisioning-user-create") => {
                Self::with_body("PUT", "user.json", json)
            }
            _ if name.starts_with("provisioning-user-update") => {
                Self::with_body("POST", "user.json", json)
            }
            _ if name.starts_with("provisioning-widget-create") => {
                Self::with_body("PUT", "widget.json", json)
            }
            _ if name.starts_with("provisioning-widget-update") => {
                Self::with_body("POST", "widget.json", json)
            }
            _ => panic!("{name}: no test knows what this is"),
        }
    }
}

fn password() -> Password {
    Password::new("12345").expect("5 characters")
}

pub(crate) fn new_user(email: &str) -> NewUser {
    NewUser::new(email, "Jimbo Something", AccountType::Enterprise, password())
        .phone("555-617-8980")
}

pub(crate) fn user_update(email: &str) -> UserUpdate {
    UserUpdate::new(email, "Jimbo Something")
        .account_type(AccountType::Enterprise)
        .password(password())
        .phone("555-617-8980")
}

fn agent(alias: &str, picture: &str) -> WidgetAgent {
    let avatar = format!("https://www.website.com/{picture}.png");
    WidgetAgent::webclient("agent@example.com", alias, avatar)
}

pub(crate) fn a_new_agent() -> WidgetAgent {
    agent("A New Agent", "a_new_agent_avatar")
}

fn time(hour: u8) -> TimeOfDay {
    TimeOfDay::new(hour, 0).expect("a time of day")
}

fn break_at_noon() -> ConversationSchedule {
    ConversationSchedule::new("US/Mountain").open(DayOfWeek::Monday, time(9), time(12)).open(
        DayOfWeek::Monday,
        time(13),
        time(17),
    )
}

pub(crate) fn new_widget(name: &str, agent: WidgetAgent) -> NewWidget {
    NewWidget::new("user@example.com", [agent])
        .destination_email("transcripts@example.com")
        .name(name)
        .enable_proactive_chat(true)
}

pub(crate) fn widget_update(name: &str) -> WidgetUpdate {
    WidgetUpdate::new(UUID, "user@example.com", [a_new_agent()])
        .destination_email("transcripts@example.com")
        .name(name)
}

fn new_widget_of(sample: &str) -> NewWidget {
    let two_days = ConversationSchedule::new("US/Mountain")
        .open(DayOfWeek::Monday, time(8), time(17))
        .open(DayOfWeek::Tuesday, time(8), time(17));
    match sample {
        "provisioning-widget-create-request.json" => {
            let agent = agent("An Agent", "charlie");
            new_widget("Widget #1", agent).enable_conversations(true).schedule(two_days)
        }
        "provisioning-widget-create-request-curl.json" => {
            let widget = new_widget("Widget #1", a_new_agent());
            widget.enable_conversations(true).schedule(break_at_noon())
        }
        _ => new_widget("A New Widget!", a_new_agent()),
    }
}

fn widget_update_of(sample: &str) -> WidgetUpdate {
    let renamed = widget_update("Widget #1 - Sales Widget");
    let renamed = renamed.enable_proactive_chat(false).enable_conversations(true);
    match sample {
        "provisioning-widget-update-request.json" => renamed.schedule(break_at_noon()),
        "provisioning-widget-update-request-curl.json" => renamed,
        _ => widget_update("A new name for this widget").enable_proactive_chat(true),
    }
}

/// Makes the call of a sample. Its result is of no interest: the answers have tests of their own.
async fn call(sample: &str, vendor: &Vendor) {
    match sample {
        "agent-status-post-request.json" | "agent-status-post-request.txt" => {
            let status = vendor.account().set_agent_status("{user_email}", Presence::Pause);
            drop(status.note("Gone to lunch").await);
        }
        _ if sample.starts_with("provisioning-user-") => user_call(sample, vendor).await,
        _ if sample.starts_with("provisioning-widget-") => widget_call(sample, vendor).await,
        _ if sample.starts_with("visitor-chat-") => chat_call(sample, vendor).await,
        "logs-request.txt" => {
            let (first, last) = (Day::new(2017, 4, 20), Day::new(2017, 4, 28));
            let logs = vendor.account().logs("{widgetId}").from(first.expect("a day"));
            drop(logs.to(last.expect("a day")).cases().next().await);
        }
        "widget-availability-request.txt" => {
            drop(vendor.client().availability("{widgetId}").await);
        }
        _ => panic!("{sample}: no test knows what this is"),
    }
}

async fn user_call(sample: &str, vendor: &Vendor) {
    let provisioning = vendor.provisioning();
    let email = if sample.ends_with("-curl.json") { "{user_email}" } else { "user@example.com" };
    match sample {
        "provisioning-user-create-request.json" | "provisioning-user-create-request-curl.json" => {
            drop(provisioning.create_user(new_user(email)).await);
        }
        "provisioning-user-update-request.json" | "provisioning-user-update-request-curl.json" => {
            drop(provisioning.update_user(user_update(email)).await);
        }
        "provisioning-user-get-request.txt" => drop(provisioning.user("{user_email}").await),
        "provisioning-user-delete-request.txt" => {
            drop(provisioning.delete_user("{user_email}").await);
        }
        _ => panic!("{sample}: no test knows what this is"),
    }
}

async fn widget_call(sample: &str, vendor: &Vendor) {
    let provisioning = vendor.provisioning();
    match sample {
        "provisioning-widget-create-request.json"
        | "provisioning-widget-create-request-curl.json"
        | "provisioning-widget-create-request-python.json" => {
            drop(provisioning.create_widget(new_widget_of(sample)).await);
        }
        "provisioning-widget-update-request.json"
        | "provisioning-widget-update-request-curl.json"
        | "provisioning-widget-update-request-python.json" => {
            drop(provisioning.update_widget(widget_update_of(sample)).await);
        }
        "provisioning-widget-get-request.txt" => {
            drop(provisioning.widget(UUID, "user@example.com").await);
        }
        "provisioning-widget-delete-request.txt" => {
            drop(provisioning.delete_widget(UUID, "user@example.com").await);
        }
        _ => panic!("{sample}: no test knows what this is"),
    }
}

async fn chat_call(sample: &str, vendor: &Vendor) {
    let chats = vendor.visitor_chats();
    match sample {
        "visitor-chat-availability-request.txt" => drop(chats.availability(WIDGET).await),
        "visitor-chat-start-request.txt" => {
            let agent = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_8_2) AppleWebKit/537.17 \
                         (KHTML, like Gecko) Chrome/24.0.1309.0 Safari/537.17";
            let start = chats.start(WIDGET).email("visitor@example.com").phone("555-123-4567");
            let start = start.user_agent(agent).locale("en").app_version_name("My Mobile App");
            drop(start.message("hello").await);
        }
        "visitor-chat-send-request.txt" => {
            drop(chats.resume(SAID).say("I need help finding shoes!").await);
        }
        "visitor-chat-poll-request.txt" => drop(chats.resume(POLLED).next().await),
        _ => panic!("{sample}: no test knows what this is"),
    }
}

#[test]
fn every_sample_is_a_request_or_an_answer() {
    let samples = samples();
    assert_eq!(samples.len(), 35);
    assert_eq!(samples.iter().filter(|name| is_answer(name)).count(), 13);
}

#[tokio::test]
async fn every_documented_request_is_sent_as_it_is() {
    for name in samples().iter().filter(|name| !is_answer(name)) {
        // With a line, since a poll is repeated until there is one.
        let vendor = Vendor::answering(200, r#"{"messageList": [{"index": 0}]}"#);
        call(name, &vendor).await;
        assert_eq!(Request::of(&vendor.request()), Request::of_sample(name), "{name}");
    }
}

#[tokio::test]
async fn the_documented_success_of_the_others_has_no_body() {
    let vendor = Vendor::answering(200, "");
    let provisioning = vendor.provisioning();
    let status = vendor.account().set_agent_status("agent@example.com", Presence::Online);
    status.await.expect("a success");
    provisioning.delete_user("user@example.com").await.expect("a success");
    provisioning.delete_widget(UUID, "user@example.com").await.expect("a success");
}
