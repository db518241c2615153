//! Widgets are created, fetched, updated and deleted.

use serde_json::{Value, json};
use snapengage::client::{
    ConversationSchedule, DayOfWeek, NewWidget, TimeOfDay, Widget, WidgetAgent, WidgetUpdate,
};

use crate::vendor::{Vendor, error};

const EMAIL: &str = "owner@example.com";
const UUID: &str = "31a11b98";

fn agent(id: &str) -> WidgetAgent {
    WidgetAgent::webclient(id, "Jane", "https://www.example.com/jane.png")
}

#[tokio::test]
async fn no_call_of_a_widget_goes_to_the_users() {
    let vendor = Vendor::answering(200, "{}");
    let provisioning = vendor.provisioning();
    let new = NewWidget::new(EMAIL, [agent("jane@example.com")]);
    provisioning.create_widget(new).await.expect("a widget");
    provisioning.widget(UUID, EMAIL).await.expect("a widget");
    let update = WidgetUpdate::new(UUID, EMAIL, [agent("jane@example.com")]);
    provisioning.update_widget(update).await.expect("a widget");
    provisioning.delete_widget(UUID, EMAIL).await.expect("a success");
    let requests = vendor.requests();
    let methods: Vec<_> = requests.iter().map(|request| request.method.as_str()).collect();
    assert_eq!(methods, ["PUT", "GET", "POST", "DELETE"]);
    for request in requests {
        assert_eq!(request.path(), ["api", "v1", "widget.json"], "{}", request.method);
    }
}

#[tokio::test]
async fn the_prefix_of_answers_is_not_sent_back() {
    let agents = json!([
        {"agentId": "wc:jane@example.com", "agentAlias": "Jane"},
        {"agentId": "bob@example.com", "agentType": "skype"},
        {"agentAlias": "nobody"},
    ]);
    let answer = json!({"uuid": UUID, "email": EMAIL, "agents": agents}).to_string();
    let vendor = Vendor::answering(200, answer);
    let provisioning = vendor.provisioning();
    let widget = provisioning.widget(UUID, EMAIL).await.expect("an answer").expect("a widget");
    assert_eq!(widget.agents[0].agent_id.as_ref().expect("an id"), &"wc:jane@example.com");
    vendor.requests();
    let expected = json!([
        {"agentId": "jane@example.com", "agentAlias": "Jane"},
        {"agentId": "bob@example.com", "agentType": "skype"},
        {"agentAlias": "nobody"},
    ]);
    provisioning.create_widget(NewWidget::new(EMAIL, widget.agents.clone())).await.expect("one");
    assert_eq!(vendor.request().json()["agents"], expected);
    let update = WidgetUpdate::new(UUID, EMAIL, widget.agents);
    provisioning.update_widget(update).await.expect("a widget");
    assert_eq!(vendor.request().json()["agents"], expected);
}

#[tokio::test]
async fn one_boolean_is_text_and_the_other_is_none() {
    let vendor = Vendor::answering(200, "{}");
    let update = WidgetUpdate::new(UUID, EMAIL, [agent("jane@example.com")]);
    let update = update.enable_proactive_chat(false).enable_conversations(false);
    vendor.provisioning().update_widget(update).await.expect("a widget");
    let sent = vendor.request().json();
    assert_eq!(
        [&sent["enableProactiveChat"], &sent["enableConversations"]],
        [&json!("false"), &json!(false)]
    );
}

#[test]
fn both_forms_of_a_boolean_are_read() {
    for (form, value) in [(json!("true"), true), (json!(true), true), (json!("false"), false)] {
        let answer = json!({"enableProactiveChat": form, "enableConversations": form});
        let widget: Widget = serde_json::from_value(answer).expect("a widget");
        let read = [widget.enable_proactive_chat, widget.enable_conversations];
        assert_eq!(read, [Some(value); 2], "{form}");
    }
}

#[tokio::test]
async fn a_widget_that_is_not_there_is_none() {
    for (status, body) in [(404, ""), (200, "")] {
        let vendor = Vendor::answering(status, body);
        assert_eq!(vendor.provisioning().widget(UUID, EMAIL).await.expect("an answer"), None);
    }
    let vendor = Vendor::answering(404, "");
    let provisioning = vendor.provisioning();
    assert!(error(provisioning.delete_widget(UUID, EMAIL).await, &[EMAIL]).is_not_found());
    let update = WidgetUpdate::new(UUID, EMAIL, []);
    assert!(error(provisioning.update_widget(update).await, &[EMAIL]).is_not_found());
}

#[test]
fn deprecated_and_unknown_fields_are_kept() {
    let answer = json!({
        "uuid": UUID, "onlineButtonUrl": null, "proactiveSettings": {"delayInSec": "45"},
        "agents": [{"agentId": 12345, "seat": 7}],
    });
    let widget: Widget = serde_json::from_value(answer.clone()).expect("a widget");
    assert_eq!(widget.extra["proactiveSettings"]["delayInSec"], "45");
    assert_eq!(widget.agents[0].agent_id.as_ref().expect("an id"), &"12345");
    let mut written = serde_json::to_value(widget).expect("JSON");
    assert_eq!(written["agents"][0]["agentId"].take(), json!("12345"));
    written["agents"][0]["agentId"] = json!(12345);
    assert_eq!(written, answer);
}

fn time(hour: u8, minute: u8) -> TimeOfDay {
    TimeOfDay::new(hour, minute).expect("a time of day")
}

#[test]
fn hours_are_two_texts_and_read_back() {
    let schedule = ConversationSchedule::new("Europe/Berlin")
        .open(DayOfWeek::Sunday, time(0, 0), time(12, 5))
        .open("FEIERTAG".into(), time(13, 30), time(23, 59));
    let expected = json!({"timeZone": "Europe/Berlin", "schedules": [
        {"dayOfWeek": "SUNDAY", "enabled": true, "scheduleList": ["12:00 AM", "12:05 PM"]},
        {"dayOfWeek": "FEIERTAG", "enabled": true, "scheduleList": ["1:30 PM", "11:59 PM"]},
    ]});
    assert_eq!(serde_json::to_value(&schedule).expect("JSON"), expected);
    let read: ConversationSchedule = serde_json::from_value(expected).expect("a schedule");
    assert_eq!(read, schedule);
}

#[test]
fn hours_that_are_not_two_times_are_refused() {
    let read = |hours: Value| {
        let day = json!({"dayOfWeek": "MONDAY", "scheduleList": hours});
        let schedule = json!({"timeZone": "UTC", "schedules": [day]});
        serde_json::from_value::<ConversationSchedule>(schedule)
    };
    for odd in [
        json!([]),
        json!(["9:00 AM"]),
        json!(["9:00 AM", "5:00 PM", "6:00 PM"]),
        json!(["9:00 AM", "17:00"]),
        json!(["9:00 AM", {}]),
        json!("9:00 AM"),
    ] {
        let error = read(odd.clone()).expect_err("odd hours");
        let problem = "field `scheduleList` is not of the documented type";
        assert_eq!(error.to_string(), problem, "{odd}");
    }
    assert!(read(json!([" 9:00 am", "05:00 PM"])).is_ok());
}
