//! Messages of the Hub: all that the vendor's page lists, with its slips.

use serde_json::{Value, json};
use snapengage::hub::{
    Action, ActionDetail, CapturedEmail, CapturedName, CapturedPhone, ChangedWidget, Event,
    EventDetail, HubBanKind, HubLabel, HubMessageKind, MessageData, RequestedData, SecureDataKind,
    VisitedPage, Weather,
};

const CONVERSATION: &str = "bce21499-50e4-4728-b5f8-6ed57e490bf2&d";
const AGENT: &str = "jane@example.com";

/// Data of an event, by the vendor's names.
fn data<T: serde::de::DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json).expect("data")
}

fn said(text: &str) -> MessageData {
    data(json!({ "message": { "type": "text", "text": text } }))
}

/// The events of the vendor's list, each with the data that its sample has.
fn events() -> Vec<(&'static str, Option<Value>, EventDetail)> {
    let message = || json!({ "message": { "type": "text", "text": "Hi" } });
    let none = |name, detail| (name, None, detail);
    vec![
        (
            "conversation_started",
            Some(json!({ "type": "Text", "text": "Hi" })),
            EventDetail::ConversationStarted(data(json!({ "type": "Text", "text": "Hi" }))),
        ),
        (
            "name_captured",
            Some(json!({ "name": "Jim" })),
            EventDetail::NameCaptured(data::<CapturedName>(json!({ "name": "Jim" }))),
        ),
        (
            "phone_captured",
            Some(json!({ "phone": "555-617-8980" })),
            EventDetail::PhoneCaptured(data::<CapturedPhone>(json!({ "phone": "555-617-8980" }))),
        ),
        (
            "email_captured",
            Some(json!({ "phone": "jim@example.com" })),
            EventDetail::EmailCaptured(data(json!({ "phone": "jim@example.com" }))),
        ),
        ("agent_message_received", Some(message()), EventDetail::AgentMessageReceived(said("Hi"))),
        (
            "visitor_message_received",
            Some(message()),
            EventDetail::VisitorMessageReceived(said("Hi")),
        ),
        ("visitor_typing", Some(message()), EventDetail::VisitorTyping(said("Hi"))),
        (
            "visitor_page_update",
            Some(json!({ "page": "https://example.com/" })),
            EventDetail::VisitorPageUpdate(data::<VisitedPage>(
                json!({ "page": "https://example.com/" }),
            )),
        ),
        none("conversation_closed_by_visitor", EventDetail::ConversationClosedByVisitor),
        none("reclaim_transfer_request", EventDetail::ReclaimTransferRequest),
        none("request_file", EventDetail::RequestFile),
        (
            "request_secure_data",
            Some(json!({ "secure_data_type": "Credit Card" })),
            EventDetail::RequestSecureData(data::<RequestedData>(
                json!({ "secure_data_type": "Credit Card" }),
            )),
        ),
        none("ban_user", EventDetail::BanUser),
        none("call_me", EventDetail::CallMe),
        none("visitor_transcript_request", EventDetail::VisitorTranscriptRequest),
        (
            "widget_changed",
            Some(json!({ "changed_widget": "Sales" })),
            EventDetail::WidgetChanged(data::<ChangedWidget>(json!({ "changed_widget": "Sales" }))),
        ),
        none("ignore", EventDetail::Ignore),
        none("record", EventDetail::Record),
        none("auto_translate_enabled", EventDetail::AutoTranslateEnabled),
        none("auto_translate_disabled", EventDetail::AutoTranslateDisabled),
        none("auto_translate_language_changed", EventDetail::AutoTranslateLanguageChanged),
        (
            "weather_info_captured",
            Some(json!({ "temperature_celsius": 21.5, "description": "sunny" })),
            EventDetail::WeatherInfoCaptured(data::<Weather>(
                json!({ "temperature_celsius": 21.5, "description": "sunny" }),
            )),
        ),
    ]
}

fn event(name: &str, data: Option<Value>) -> Value {
    let mut event = json!({ "type": name, "conversationId": CONVERSATION, "agentEmail": AGENT });
    event["data"] = data.unwrap_or_default();
    if event["data"].is_null() {
        event.as_object_mut().expect("an object").remove("data");
    }
    event
}

#[track_caller]
fn read(event: &Value) -> Event {
    Event::from_json(event.to_string().as_bytes()).expect("an event")
}

#[test]
fn all_22_events_are_read_and_written_back() {
    let events = events();
    assert_eq!(events.len(), 22);
    for (name, data, detail) in events {
        let json = event(name, data);
        let mut expected = Event::new(CONVERSATION, detail);
        expected.agent_email = Some(AGENT.into());
        let read = read(&json);
        assert_eq!(read, expected, "{name}");
        assert_eq!(read.detail.name(), name);
        assert_eq!(serde_json::to_value(&read).expect("JSON"), json, "{name}");
    }
}

#[test]
fn an_email_address_is_read_under_either_name() {
    for name in ["email", "phone"] {
        let EventDetail::EmailCaptured(captured) =
            read(&event("email_captured", Some(json!({ name: "jim@example.com" })))).detail
        else {
            panic!("an email address");
        };
        assert_eq!(captured.address(), Some("jim@example.com"), "{name}");
    }
    assert_eq!(CapturedEmail::new().address(), None);
}

#[test]
fn a_message_is_read_wherever_it_is() {
    for data in [
        json!({ "message": { "type": "text", "text": "Hi" } }),
        json!({ "type": "text", "text": "Hi" }),
        json!({ "message": "Hi" }),
    ] {
        let EventDetail::VisitorTyping(typed) =
            read(&event("visitor_typing", Some(data.clone()))).detail
        else {
            panic!("a message");
        };
        assert_eq!(typed.message().text.as_deref(), Some("Hi"), "{data}");
    }
}

#[test]
fn a_file_has_its_name_and_address() {
    let file = json!({
        "type": "File", "mimeType": "image", "fileName": "a.png",
        "url": "https://www.snapengage.com/a.png", "mimeTypeUrl": "image/png",
    });
    let EventDetail::AgentMessageReceived(data) =
        read(&event("agent_message_received", Some(json!({ "message": file })))).detail
    else {
        panic!("a message");
    };
    let message = data.message();
    assert_eq!(message.kind, Some(HubMessageKind::File));
    assert_eq!(message.file_name.as_deref(), Some("a.png"));
    assert_eq!(message.url.as_deref(), Some("https://www.snapengage.com/a.png"));
    assert_eq!(serde_json::to_value(message).expect("JSON"), file);
}

#[test]
fn an_unknown_event_and_odd_data_are_kept() {
    let unknown = event("mood_captured", Some(json!({ "mood": "calm" })));
    let read_back = read(&unknown);
    assert!(matches!(read_back.detail, EventDetail::Unknown { .. }));
    assert_eq!(read_back.detail.name(), "mood_captured");
    assert_eq!(serde_json::to_value(&read_back).expect("JSON"), unknown);

    let odd = event("name_captured", Some(json!("Jim")));
    let read_back = read(&odd);
    assert_eq!(read_back.detail, EventDetail::NameCaptured(CapturedName::new()));
    assert_eq!(read_back.extra["data"], "Jim");
    assert_eq!(serde_json::to_value(&read_back).expect("JSON"), odd);
}

#[test]
fn an_event_without_type_or_conversation_is_refused() {
    for (event, error) in [
        (json!({ "conversationId": "c" }), "hub event: missing field `type` at line 1 column 22"),
        (
            json!({ "type": "record" }),
            "hub event: missing field `conversationId` at line 1 column 17",
        ),
        (
            json!({ "type": "x".repeat(257), "conversationId": "c" }),
            "hub event: field `type` is longer than 256 bytes at line 1 column 289",
        ),
        (json!([]), "hub event: expected a JSON object"),
    ] {
        let refused = Event::from_json(event.to_string().as_bytes()).expect_err("no event");
        assert_eq!(refused.to_string(), error);
    }
}

/// The actions of the vendor's list, each with the data that it is written with.
fn actions() -> Vec<(&'static str, Option<Value>, ActionDetail)> {
    let label = json!({ "labelName": "Topic", "freeForm": false, "value": "Sales" });
    let hub_label = || HubLabel::new("Topic", false, "Sales");
    vec![
        (
            "agent_message_received",
            Some(json!({ "text": "Hello", "message": "Hello" })),
            ActionDetail::say("Hello"),
        ),
        ("conversation_closed_by_agent", None, ActionDetail::ConversationClosedByAgent),
        ("label_added", Some(label.clone()), ActionDetail::LabelAdded(hub_label())),
        ("label_removed", Some(label), ActionDetail::LabelRemoved(hub_label())),
        ("transfer_request", Some(json!({ "widgetId": "w" })), ActionDetail::transfer("w")),
        ("reclaim_transfer_request", None, ActionDetail::ReclaimTransferRequest),
        ("request_file", None, ActionDetail::RequestFile),
        (
            "request_secure_data",
            Some(json!({ "secure_data_type": "SSN" })),
            ActionDetail::request_secure_data(SecureDataKind::Ssn),
        ),
        ("ban_user", Some(json!({ "type": "IP" })), ActionDetail::ban(HubBanKind::Ip)),
        ("populate_text", Some(json!({ "message": "Hi" })), ActionDetail::populate_text("Hi")),
    ]
}

#[test]
fn all_10_actions_are_written_and_read_back() {
    let actions = actions();
    assert_eq!(actions.len(), 10);
    for (name, data, detail) in actions {
        let mut json = json!({ "type": name, "conversationId": CONVERSATION, "agent": AGENT });
        if let Some(data) = data {
            json["data"] = data;
        }
        let action = Action::new(CONVERSATION, AGENT, detail);
        let written: Value = serde_json::from_slice(&action.to_json()).expect("JSON");
        assert_eq!(written, json);
        assert_eq!(Action::from_json(&action.to_json()).expect("an action"), action);
    }
}

#[test]
fn an_action_without_what_it_needs_is_refused() {
    for (name, data) in [
        ("label_added", json!({ "labelName": "Topic", "freeForm": false })),
        ("transfer_request", json!({})),
        ("ban_user", json!({})),
        ("populate_text", json!("Hi")),
    ] {
        let action = json!({ "type": name, "conversationId": "c", "agent": AGENT, "data": data });
        assert!(Action::from_json(action.to_string().as_bytes()).is_err(), "{action}");
    }
    let nobody = json!({ "type": "request_file", "conversationId": "c" });
    assert!(Action::from_json(nobody.to_string().as_bytes()).is_err());
}
