//! Each documented request is answered like its documented answer.

use serde_json::{Value, json};
use snapengage::agent_status::Status;
use snapengage::integration::SupportRequest;
use snapengage::simulator::{SimulatedAgent, SimulatedWidget, Simulator};

use crate::ask::*;

/// The documented request of a `.txt`, with the credentials of the simulator.
fn documented(name: &str) -> (String, String, Vec<(String, String)>, String) {
    let text = String::from_utf8(sample(name).into()).expect("UTF-8");
    let text = text
        .replace("Authorization: api_token", "Authorization: local-api-token")
        .replace("{api_token}", "local-api-token")
        .replace("x-api-key: {api_key}", "x-api-key: local-chat-key")
        .replace("{api_key}", "local-provisioning-key")
        .replace("{user_email}", "user@example.com")
        .replace("{orgId}", "5406213")
        .replace("{widgetId}", WIDGET);
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let (method, address) = lines.next().and_then(|line| line.split_once(' ')).expect("a request");
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    (method.to_owned(), address.to_owned(), headers, body.to_owned())
}

const WIDGET: &str = "5286374d-5c92-419d-bcdb-b926d242b78b";
const MADE: &str = "31a11b98-ffd2-425d-aa69-2c6ff8a40a16";

async fn ask(simulator: &Simulator, name: &str) -> Answered {
    ask_of(simulator, name, "", "").await
}

/// Sends the documented request, with another id in it.
async fn ask_of(simulator: &Simulator, name: &str, id: &str, by: &str) -> Answered {
    let (method, address, headers, body) = documented(name);
    let address = if id.is_empty() { address } else { address.replace(id, by) };
    let headers: Vec<_> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    let request = request(&method, &address, &headers, body);
    try_send(simulator, request).await.expect("an answer")
}

fn vendor() -> Simulator {
    Simulator::builder()
        .widget(WIDGET)
        .widget(
            SimulatedWidget::new(MADE)
                .name("Widget #1")
                .account("user@example.com")
                .destination_email("transcripts@example.com"),
        )
        .agent(SimulatedAgent::new("sam@example.com").alias("Sam").widgets([WIDGET]))
        .agent(SimulatedAgent::new("user@example.com").widgets([MADE]))
        .user("user@example.com", "Jimbo Something")
        .build()
        .expect("no mistakes")
}

/// The value without these fields, which are ids or pictures.
fn without(mut value: Value, names: &[&str]) -> Value {
    for name in names {
        value.as_object_mut().expect("an object").remove(*name);
    }
    value
}

#[tokio::test]
async fn agent_status_is_set_and_answered_without_a_body() {
    let simulator = vendor();
    let answered = ask(&simulator, "agent-status-post-request.txt").await;
    assert_eq!((answered.status.as_u16(), &answered.body[..]), (200, &b""[..]));
    let status = simulator.agent("user@example.com").status();
    assert_eq!(status, Some((Status::Pause, Some("Gone to lunch".to_owned()))));
}

#[tokio::test]
async fn logs_return_the_documented_case() {
    let mut expected = sample_json("logs-response.json");
    let case = expected["cases"][0].to_string();
    let case = SupportRequest::from_body(case.as_bytes()).expect("a case");
    let simulator = Simulator::builder().widget(WIDGET).case(WIDGET, case);
    let simulator = simulator.build().expect("no mistakes");
    let mut answered = ask(&simulator, "logs-request.txt").await.ok();
    // Absent and empty are the same.
    for page in [&mut expected, &mut answered] {
        let details = &mut page["cases"][0]["requester_details"];
        details.as_object_mut().expect("details").retain(|_, value| *value != json!([]));
        details.as_object_mut().expect("details").retain(|_, value| *value != json!(""));
        let case = page["cases"][0].as_object_mut().expect("a case");
        case.retain(|_, value| *value != json!(""));
    }
    assert_eq!(answered, expected);
}

#[tokio::test]
async fn users_are_answered_as_documented() {
    let simulator = Simulator::builder().build().expect("no mistakes");
    for form in ["provisioning-user-create-request.json", "provisioning-user-update-request.json"] {
        let method = if form.contains("create") { "PUT" } else { "POST" };
        let answered = provision(&simulator, method, "user", "", sample(form)).await;
        assert_eq!(answered.status, if method == "PUT" { 201 } else { 200 });
        assert_eq!(answered.json(), sample_json(&form.replace("request", "response")));
    }
    let answered = ask(&simulator, "provisioning-user-get-request.txt").await;
    assert_eq!(answered.ok(), sample_json("provisioning-user-get-response.json"));
    let answered = ask(&simulator, "provisioning-user-delete-request.txt").await;
    assert_eq!((answered.status.as_u16(), &answered.body[..]), (200, &b""[..]));
    let again = ask(&simulator, "provisioning-user-delete-request.txt").await;
    again.refused(404, "user not found");
}

#[tokio::test]
async fn widget_is_created_read_updated_and_deleted_as_documented() {
    let simulator = vendor();
    let request = sample("provisioning-widget-create-request-curl.json");
    let created = provision(&simulator, "PUT", "widget", "", request).await;
    assert_eq!(created.status, 201);
    let expected = sample_json("provisioning-widget-create-response.json");
    assert_eq!(without(created.json(), &["uuid"]), without(expected, &["uuid"]));
    let id = created.json()["uuid"].as_str().expect("an id").to_owned();

    let got = ask_of(&simulator, "provisioning-widget-get-request.txt", MADE, &id).await;
    let expected = sample_json("provisioning-widget-get-response.json");
    assert_eq!(without(got.ok(), &["uuid"]), without(expected, &["uuid"]));

    let request = sample("provisioning-widget-update-request.json");
    let updated = provision(&simulator, "POST", "widget", "", request).await;
    let expected = sample_json("provisioning-widget-update-response.json");
    assert_eq!(updated.ok(), expected);

    let deleted = ask(&simulator, "provisioning-widget-delete-request.txt").await;
    assert_eq!((deleted.status.as_u16(), &deleted.body[..]), (200, &b""[..]));
    let query = format!("&uuid={MADE}&email=user@example.com");
    provision(&simulator, "GET", "widget", &query, "").await.refused(404, "widget not found");
}

#[tokio::test]
async fn every_documented_body_of_a_widget_is_taken() {
    let simulator = vendor();
    for form in ["", "-curl", "-python"] {
        let create = sample(&format!("provisioning-widget-create-request{form}.json"));
        let update = sample(&format!("provisioning-widget-update-request{form}.json"));
        assert_eq!(provision(&simulator, "PUT", "widget", "", create).await.status, 201, "{form}");
        assert_eq!(provision(&simulator, "POST", "widget", "", update).await.status, 200, "{form}");
    }
}

#[tokio::test]
async fn availability_is_answered_as_documented() {
    let simulator = vendor();
    let answered = ask(&simulator, "visitor-chat-availability-request.txt").await;
    assert_eq!(answered.ok(), sample_json("visitor-chat-availability-response.json"));

    let widget = SimulatedWidget::new(WIDGET).email_required(true).message_required(true);
    let simulator = Simulator::builder().widget(widget).build().expect("no mistakes");
    let answered = ask(&simulator, "widget-availability-request.txt").await;
    let mut expected = sample_json("widget-availability-response.json");
    expected["data"]["widgetId"] = WIDGET.into();
    assert_eq!(answered.ok(), expected);
}

#[tokio::test]
async fn chat_goes_as_documented() {
    let simulator = vendor();
    let started = ask(&simulator, "visitor-chat-start-request.txt").await.ok();
    let expected = sample_json("visitor-chat-start-response.json");
    assert_eq!(without(started.clone(), &["caseId"]), without(expected, &["caseId"]));
    let case = started["caseId"].as_str().expect("an id");

    let sam = simulator.agent("sam@example.com");
    sam.takes(case).await.expect("a chat that waits");
    sam.says(case, "hi").await.expect("a chat of Sam's");
    let id = "a26503d8-4495-4147-acb4-d1a95ae744d5";
    let said = ask_of(&simulator, "visitor-chat-send-request.txt", id, case).await.ok();
    let expected = sample_json("visitor-chat-send-response.json");
    assert_eq!(without(said, &["caseId"]), without(expected, &["caseId"]));
    sam.says(case, "Ok, I can help you with that!").await.expect("a chat of Sam's");

    let id = "f383eadb-a15e-4d13-bda2-6f3bf412de62";
    let polled = ask_of(&simulator, "visitor-chat-poll-request.txt", id, case).await.ok();
    let expected = sample_json("visitor-chat-poll-response.json");
    assert_eq!(without(polled, &["caseId"]), without(expected, &["caseId"]));
}
