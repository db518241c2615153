//! Provisioning: users and widgets, and the trap between them.

use serde_json::{Value, json};
use snapengage::client::Operation;
use snapengage::simulator::Simulator;

use crate::ask::*;

fn user() -> Value {
    json!({
        "email": "Bob@Example.com", "name": "Bob", "password": "12345", "accountType": "biz",
    })
}

fn widget() -> Value {
    json!({
        "email": "User@example.com",
        "agents": [{
            "agentId": "wc:Ann@example.com", "agentAlias": "Ann",
            "agentAvatar": "https://example.com/ann.png", "agentType": "webclient",
        }],
    })
}

async fn create(simulator: &Simulator, what: &str, body: &Value) -> Answered {
    provision(simulator, "PUT", what, "", body.to_string()).await
}

fn with(mut value: Value, name: &str, other: impl Into<Value>) -> Value {
    value[name] = other.into();
    value
}

#[tokio::test]
async fn emails_are_kept_in_lower_case() {
    let simulator = open_office();
    let created = create(&simulator, "user", &user()).await;
    let expected = json!({ "email": "bob@example.com", "name": "Bob", "accountType": "biz" });
    assert_eq!((created.status.as_u16(), created.json()), (201, expected.clone()));
    let got = provision(&simulator, "GET", "user", "&email=BOB@EXAMPLE.COM", "").await;
    assert_eq!(got.ok(), expected);
    let created = create(&simulator, "widget", &widget()).await.json();
    assert_eq!(created["email"], "user@example.com");
    assert_eq!(created["agents"][0]["agentId"], "wc:ann@example.com");
}

#[tokio::test]
async fn user_is_created_once() {
    let simulator = open_office();
    assert_eq!(create(&simulator, "user", &user()).await.status, 201);
    create(&simulator, "user", &user()).await.refused(400, "already");
    assert_eq!(simulator.accepted_texts(Operation::CreateUser), ["bob@example.com"]);
    assert_eq!(simulator.received(Operation::CreateUser), 2);
}

#[tokio::test]
async fn malformed_users_are_refused() {
    let simulator = open_office();
    let long = "x".repeat(100);
    for (name, value, message) in [
        ("email", Value::Null, "missing field `email`"),
        ("name", "".into(), "missing field `name`"),
        ("name", long.as_str().into(), "`name` has 100"),
        ("password", Value::Null, "missing field `password`"),
        ("password", "1234".into(), "`password`"),
        ("password", long.as_str().into(), "`password`"),
        ("accountType", Value::Null, "missing field `accountType`"),
        ("accountType", "Enterprise".into(), "`accountType`"),
        ("phone", json!([1]), "`phone` is not a text"),
    ] {
        create(&simulator, "user", &with(user(), name, value)).await.refused(400, message);
    }
    for body in ["", "[]", "{", "{\"email\": \"a\u{0}\"}", "nul"] {
        provision(&simulator, "PUT", "user", "", body).await.refused(400, "not a JSON object");
    }
    assert_eq!(simulator.accepted(Operation::CreateUser), 0);
}

#[tokio::test]
async fn update_of_a_user_keeps_what_is_left_out() {
    let simulator = open_office();
    let first = with(user(), "phone", "555-617-8980");
    create(&simulator, "user", &first).await;
    let update = json!({ "email": "bob@example.com", "name": "Robert" });
    let updated = provision(&simulator, "POST", "user", "", update.to_string()).await.ok();
    let expected = json!({
        "email": "bob@example.com", "name": "Robert", "phone": "555-617-8980", "accountType": "biz",
    });
    assert_eq!(updated, expected);
    let nobody = json!({ "email": "nobody@example.com", "name": "Nobody" });
    let refused = provision(&simulator, "POST", "user", "", nobody.to_string()).await;
    refused.refused(404, "user not found");
}

#[tokio::test]
async fn deleting_a_widget_at_the_user_deletes_the_user() {
    let simulator = open_office();
    let query = "&uuid=sales&email=user@example.com";
    assert_eq!(provision(&simulator, "DELETE", "user", query, "").await.status, 200);
    provision(&simulator, "GET", "user", "&email=user@example.com", "").await.refused(404, "user");
    provision(&simulator, "GET", "widget", query, "").await.ok();
    assert_eq!(simulator.accepted(Operation::DeleteUser), 1);
    assert_eq!(simulator.accepted(Operation::DeleteWidget), 0);
}

#[tokio::test]
async fn widget_of_another_user_is_not_found() {
    let simulator = open_office();
    let query = "&uuid=sales&email=bob@example.com";
    for method in ["GET", "DELETE"] {
        provision(&simulator, method, "widget", query, "").await.refused(404, "widget not found");
    }
    let update = with(with(widget(), "uuid", "sales"), "email", "bob@example.com").to_string();
    provision(&simulator, "POST", "widget", "", update).await.refused(404, "widget not found");
    provision(&simulator, "GET", "widget", "&uuid=sales", "").await.refused(400, "`email`");
    provision(&simulator, "GET", "widget", "&email=a@b.c", "").await.refused(400, "`uuid`");
}

#[tokio::test]
async fn update_of_a_widget_replaces_its_agents_and_keeps_the_rest() {
    let simulator = open_office();
    let before = get(&simulator, "/public/api/v2/chat/sales", TOKEN).await.ok();
    assert_eq!(before["data"]["online"], "true");
    let update = with(with(widget(), "uuid", "sales"), "enableProactiveChat", true).to_string();
    let updated = provision(&simulator, "POST", "widget", "", update).await.ok();
    assert_eq!(updated["name"], "Sales");
    assert_eq!(updated["enableProactiveChat"], "true");
    assert_eq!(updated["agents"].as_array().map(Vec::len), Some(1));
    // Ann is known from now on, and signed out.
    let after = get(&simulator, "/public/api/v2/chat/sales", TOKEN).await.ok();
    assert_eq!(after["data"]["online"], "false");
    simulator.agent("ann@example.com").online().await.expect("Ann");
    let after = get(&simulator, "/public/api/v2/chat/sales", TOKEN).await.ok();
    assert_eq!(after["data"]["online"], "true");
}

#[tokio::test]
async fn malformed_widgets_are_refused() {
    let simulator = open_office();
    let agent = widget()["agents"][0].clone();
    for (name, value, message) in [
        ("email", json!("nobody@example.com"), "not that of a user"),
        ("agents", json!([]), "`agents` names nobody"),
        ("agents", json!("ann"), "`agents` is not a list"),
        ("agents", json!(["ann"]), "`agents` is not a list"),
        ("agents", json!([with(agent.clone(), "agentAvatar", Value::Null)]), "`agentAvatar`"),
        ("agents", json!([with(agent, "agentType", "icq")]), "`agentType`"),
        ("enableProactiveChat", json!("yes"), "`enableProactiveChat`"),
        ("name", json!("x".repeat(100)), "`name`"),
    ] {
        create(&simulator, "widget", &with(widget(), name, value)).await.refused(400, message);
    }
    assert_eq!(simulator.accepted(Operation::CreateWidget), 0);
}

#[tokio::test]
async fn schedule_is_checked_and_never_returned() {
    let simulator = open_office();
    let schedule = |zone: &str, day: &str, hours: Value| {
        let day = json!({ "dayOfWeek": day, "enabled": true, "scheduleList": hours });
        with(widget(), "conversationSchedule", json!({ "timeZone": zone, "schedules": [day] }))
    };
    let good = schedule("US/Mountain", "MONDAY", json!(["8:00 AM", "12:00 PM"]));
    let created = create(&simulator, "widget", &good).await;
    assert_eq!(created.status, 201);
    assert_eq!(created.json().get("conversationSchedule"), None);
    for (zone, day, hours, message) in [
        ("Nowhere", "MONDAY", json!(["8:00 AM", "5:00 PM"]), "time zone"),
        ("UTC", "Monday", json!(["8:00 AM", "5:00 PM"]), "`dayOfWeek`"),
        ("UTC", "MONDAY", json!(["8:00 AM"]), "`scheduleList`"),
        ("UTC", "MONDAY", json!(["8:00", "17:00"]), "`scheduleList`"),
        ("UTC", "MONDAY", json!(["0:00 AM", "5:00 PM"]), "`scheduleList`"),
        ("UTC", "MONDAY", json!(["8:60 AM", "5:00 PM"]), "`scheduleList`"),
        ("UTC", "MONDAY", json!(["8:0 AM", "5:00 PM"]), "`scheduleList`"),
    ] {
        let body = schedule(zone, day, hours);
        create(&simulator, "widget", &body).await.refused(400, message);
    }
}
