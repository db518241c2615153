//! The sample payloads, by their places in the contract.

use std::fs;

use serde_json::Value;
use snapengage::contact::Query;
use snapengage::contract::ContractApi;
use snapengage::integration::SupportRequest;
use snapengage::testing::samples;
use snapengage::{Api, hub};

use crate::tools::root;
use crate::validators::Payload;

pub(crate) const BOT_EVENT: Payload = Payload::new(ContractApi::Bot, "BotEvent");
pub(crate) const REPLY: Payload = Payload::new(ContractApi::Bot, "Reply");
pub(crate) const REQUEST: Payload = Payload::new(ContractApi::Integration, "SupportRequest");
pub(crate) const EVENT: Payload =
    Payload::new(ContractApi::ConversationEvents, "ConversationEvent");
pub(crate) const CHANGE: Payload = Payload::new(ContractApi::AgentStatus, "StatusChange");
pub(crate) const QUERY: Payload = Payload::new(ContractApi::GetContact, "ContactQuery");
pub(crate) const LOGS: Payload = Payload::new(ContractApi::Logs, "LogPage");
pub(crate) const UPDATE: Payload = Payload::new(ContractApi::AgentStatusSet, "StatusUpdate");
pub(crate) const NEW_USER: Payload = Payload::new(ContractApi::Users, "NewUser");
pub(crate) const USER_UPDATE: Payload = Payload::new(ContractApi::Users, "UserUpdate");
pub(crate) const USER: Payload = Payload::new(ContractApi::Users, "User");
pub(crate) const NEW_WIDGET: Payload = Payload::new(ContractApi::Widgets, "NewWidget");
pub(crate) const WIDGET_UPDATE: Payload = Payload::new(ContractApi::Widgets, "WidgetUpdate");
pub(crate) const WIDGET: Payload = Payload::new(ContractApi::Widgets, "Widget");
pub(crate) const ONLINE: Payload = Payload::new(ContractApi::VisitorChat, "Availability");
pub(crate) const STARTED: Payload = Payload::new(ContractApi::VisitorChat, "StartedChat");
pub(crate) const SAID: Payload = Payload::new(ContractApi::VisitorChat, "SaidMessage");
pub(crate) const POLLED: Payload = Payload::new(ContractApi::VisitorChat, "PolledLines");
pub(crate) const AVAILABILITY: Payload =
    Payload::new(ContractApi::Availability, "AvailabilityAnswer");
pub(crate) const HUB_EVENT: Payload = Payload::new(ContractApi::Hub, "HubEvent");
pub(crate) const HUB_ACTION: Payload = Payload::new(ContractApi::Hub, "HubAction");

/// A payload as a sample has it.
pub(crate) struct SamplePayload {
    pub(crate) name: String,
    pub(crate) payload: Payload,
    pub(crate) json: Value,
}

/// Returns all samples that are JSON, or can be written as JSON.
pub(crate) fn all() -> Vec<SamplePayload> {
    let mut all = requests();
    all.extend(replies());
    all.extend(outbound());
    all.extend(hub_messages());
    all
}

pub(crate) fn requests() -> Vec<SamplePayload> {
    let sample = |sample: &snapengage::testing::Sample| {
        let payload = match sample.api() {
            Api::Bot => BOT_EVENT,
            Api::Integration => REQUEST,
            Api::Conversation => EVENT,
            Api::AgentStatus => CHANGE,
            _ => QUERY,
        };
        let json = match sample.query() {
            Some(query) => serde_json::to_value(Query::from_query(query).expect("a query")),
            None if sample.name().ends_with(".xml") => {
                serde_json::to_value(SupportRequest::from_xml(sample.body()).expect("XML"))
            }
            None => serde_json::from_slice(sample.body()),
        };
        SamplePayload { name: sample.name().to_owned(), payload, json: json.expect("JSON") }
    };
    samples().iter().map(sample).collect()
}

fn replies() -> Vec<SamplePayload> {
    let name = |name: &str| name.ends_with(".json").then_some(REPLY);
    in_folder("bot/replies", name)
}

pub(crate) fn outbound() -> Vec<SamplePayload> {
    in_folder("outbound", |name| {
        Some(match name.strip_suffix(".json")? {
            "agent-status-post-request" => UPDATE,
            "logs-response" => LOGS,
            name if name.starts_with("provisioning-user-create-request") => NEW_USER,
            name if name.starts_with("provisioning-user-update-request") => USER_UPDATE,
            name if name.starts_with("provisioning-user") => USER,
            name if name.starts_with("provisioning-widget-create-request") => NEW_WIDGET,
            name if name.starts_with("provisioning-widget-update-request") => WIDGET_UPDATE,
            name if name.starts_with("provisioning-widget") => WIDGET,
            "visitor-chat-availability-response" => ONLINE,
            "visitor-chat-start-response" => STARTED,
            "visitor-chat-send-response" => SAID,
            "visitor-chat-poll-response" => POLLED,
            name if name.starts_with("widget-availability") => AVAILABILITY,
            name => panic!("{name}: no payload of this table"),
        })
    })
}

fn in_folder(folder: &str, payload: impl Fn(&str) -> Option<Payload>) -> Vec<SamplePayload> {
    let files = fs::read_dir(root().join("sample-payloads").join(folder)).expect("a folder");
    let sample = |file: fs::DirEntry| {
        let name = file.file_name().into_string().expect("UTF-8");
        let payload = payload(&name)?;
        let json = serde_json::from_slice(&fs::read(file.path()).expect("a file")).expect("JSON");
        Some(SamplePayload { name: format!("{folder}/{name}"), payload, json })
    };
    files.filter_map(|file| sample(file.expect("a file"))).collect()
}

/// The messages of the Hub, whose samples are no JSON.
fn hub_messages() -> Vec<SamplePayload> {
    let events = [
        r#"{"type":"conversation_started","conversationId":"c","agentEmail":"j@example.com",
            "data":{"type":"Text","text":"Hi"}}"#,
        r#"{"type":"email_captured","conversationId":"c","data":{"phone":"v@example.com"}}"#,
        r#"{"type":"conversation_closed_by_visitor","conversationId":"c"}"#,
        r#"{"type":"weather_info_captured","conversationId":"c",
            "data":{"temperature_celsius":"21","description":"sunny"}}"#,
        r#"{"type":"mood_captured","conversationId":"c","data":["calm"]}"#,
    ];
    let kinds = [
        hub::ActionDetail::say("Hi"),
        hub::ActionDetail::ConversationClosedByAgent,
        hub::ActionDetail::LabelAdded(hub::HubLabel::new("Topic", true, "Sales")),
        hub::ActionDetail::LabelRemoved(hub::HubLabel::new("Topic", true, "Sales")),
        hub::ActionDetail::transfer("w"),
        hub::ActionDetail::ReclaimTransferRequest,
        hub::ActionDetail::RequestFile,
        hub::ActionDetail::request_secure_data(hub::SecureDataKind::Ssn),
        hub::ActionDetail::ban(hub::HubBanKind::Cookie),
        hub::ActionDetail::populate_text("Hi"),
    ];
    let sample = |payload: Payload, json: Value| SamplePayload {
        name: format!("hub {}", json["type"]),
        payload,
        json,
    };
    let events = events.map(|event| serde_json::from_str(event).expect("JSON"));
    let actions = kinds.map(|kind| hub::Action::new("c", "j@example.com", kind).to_json());
    let actions = actions.map(|action| serde_json::from_slice(&action).expect("JSON"));
    let events = events.into_iter().map(|json| sample(HUB_EVENT, json));
    events.chain(actions.into_iter().map(|json| sample(HUB_ACTION, json))).collect()
}
