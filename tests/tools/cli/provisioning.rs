//! Users and widgets.

use std::fs;

use serde_json::{Value, json};
use snapengage::client::Operation;
use snapengage::simulator::Fault;

use super::vendor::{Vendor, simulator};
use super::{error, json_of, stdout};

const BOB: &str = r#"{"email": "bob@example.com", "name": "Bob", "accountType": "enterprise",
    "password": "correct horse"}"#;

#[tokio::test]
async fn a_user_is_created_found_changed_and_deleted() {
    let vendor = Vendor::serve(simulator()).await;
    let created = json_of(&vendor.run_with(&["user", "create", "--json"], BOB).await);
    assert_eq!(
        (&created["email"], &created["password"]),
        (&json!("bob@example.com"), &Value::Null)
    );
    let shown = stdout(&vendor.run(&["user", "get", "BOB@example.com"]).await);
    assert_eq!(
        shown,
        "accountType:  enterprise\nemail:        bob@example.com\nname:         Bob\n"
    );
    let update = r#"{"email": "bob@example.com", "name": "Bob \u001b[2J"}"#;
    let shown = stdout(&vendor.run_with(&["user", "update"], update).await);
    assert!(shown.contains(r"Bob \u{1b}[2J"), "{shown}");
    let deleted = stdout(&vendor.run(&["user", "delete", "bob@example.com"]).await);
    assert_eq!(deleted, "deleted:  bob@example.com\n");
    let told = error(&vendor.run(&["user", "get", "bob@example.com"]).await);
    assert_eq!(told, "error: there is no user of this email address\n");
    let told = error(&vendor.run(&["user", "delete", "bob@example.com", "--json"]).await);
    assert!(told.starts_with("error: user-delete: answered 404 Not Found"), "{told}");
}

#[tokio::test]
async fn a_user_comes_from_a_file_too() {
    let vendor = Vendor::serve(simulator()).await;
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("bob.json").to_str().expect("UTF-8").to_owned();
    fs::write(&path, BOB).expect("written");
    stdout(&vendor.run(&["user", "create", "--file", &path]).await);
    assert_eq!(vendor.simulator.accepted_texts(Operation::CreateUser), ["bob@example.com"]);
    let none = dir.path().join("none").to_str().expect("UTF-8").to_owned();
    let told = error(&vendor.run(&["user", "create", "--file", &none]).await);
    assert!(told.starts_with(&format!("error: {none}: ")), "{told}");
}

#[tokio::test]
async fn a_field_nobody_documented_is_sent_with_a_warning() {
    let vendor = Vendor::serve(simulator().user("bob@example.com", "Bob")).await;
    let update = r#"{"email": "bob@example.com", "name": "Bob", "pasword": "correct horse"}"#;
    let output = vendor.run_with(&["user", "update"], update).await;
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(told, "warning: `pasword` is no documented field; it is sent as it is\n");
    assert_eq!(vendor.simulator.accepted(Operation::UpdateUser), 1);
}

#[tokio::test]
async fn a_password_that_is_too_short_is_not_sent() {
    let vendor = Vendor::serve(simulator()).await;
    let bob = BOB.replace("correct horse", "1234");
    let told = error(&vendor.run_with(&["user", "create"], &bob).await);
    assert_eq!(told, "error: user-create: password: expected 5 to 99 characters\n");
    assert_eq!(vendor.simulator.received(Operation::CreateUser), 0);
}

#[tokio::test]
async fn a_document_that_is_wrong_is_not_sent() {
    let vendor = Vendor::serve(simulator()).await;
    for (document, problem) in [
        ("", "stdin: not JSON: "),
        (r#"{"password": "correct horse""#, "stdin: not JSON: "),
        (r#""correct horse""#, "stdin: expected a JSON object"),
        (r#"{"email": "bob@example.com", "password": "correct horse"}"#, "stdin: missing field"),
        (r#"{"email": ["bob@example.com"], "name": "Bob"}"#, "stdin: field `email`"),
    ] {
        let told = error(&vendor.run_with(&["user", "create"], document).await);
        assert!(told.starts_with(&format!("error: {problem}")), "{told}");
    }
    assert_eq!(vendor.simulator.received(Operation::CreateUser), 0);
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_may_have_been_done() {
    let vendor = Vendor::serve(simulator()).await;
    vendor.simulator.fault(Fault::nth(1).on(Operation::CreateUser).reset().after_effect());
    let told = error(&vendor.run_with(&["user", "create"], BOB).await);
    assert!(told.contains("may have been done"), "{told}");
    assert_eq!(vendor.simulator.received(Operation::CreateUser), 1);
}

#[tokio::test]
async fn a_widget_is_created_found_changed_and_deleted() {
    let vendor = Vendor::serve(simulator().user("bob@example.com", "Bob")).await;
    let mut widget = json!({
        "email": "bob@example.com",
        "name": "Support",
        "enableProactiveChat": "true",
        "agents": [{
            "agentId": "jane@example.com",
            "agentAlias": "Jane",
            "agentAvatar": "https://example.com/jane.png",
            "agentType": "webclient",
        }],
    });
    let created =
        json_of(&vendor.run_with(&["widget", "create", "--json"], &widget.to_string()).await);
    let uuid = created["uuid"].as_str().expect("an id");
    let of_bob = ["--user", "bob@example.com"];
    let shown = stdout(&vendor.run(&[&["widget", "get", uuid], &of_bob[..]].concat()).await);
    assert!(shown.contains("name:                 Support\n"), "{shown}");
    assert!(shown.contains(r#""agentId":"wc:jane@example.com""#), "{shown}");
    widget["uuid"] = json!(uuid);
    widget["name"] = json!("Sales");
    let updated = vendor.run_with(&["widget", "update", "--json"], &widget.to_string()).await;
    assert_eq!(json_of(&updated)["name"], "Sales");
    let delete = [&["widget", "delete", uuid], &of_bob[..]].concat();
    assert_eq!(stdout(&vendor.run(&delete).await), format!("deleted:  {uuid}\n"));
    let told = error(&vendor.run(&[&["widget", "get", uuid], &of_bob[..]].concat()).await);
    assert_eq!(told, "error: this user has no widget of this id\n");
    assert!(error(&vendor.run(&delete).await).contains("404"));
    let nobody = vendor.run(&["widget", "get", uuid]).await;
    assert_eq!(nobody.status.code(), Some(2), "whose widget?");
}

#[tokio::test]
async fn a_widget_says_whether_it_is_online() {
    let vendor = Vendor::serve(simulator()).await;
    let online = ["widget", "online", "sales"];
    let without_key = async |arguments: &[&str]| {
        let mut command = vendor.command(arguments);
        command.env_remove("SNAPENGAGE_PROVISIONING_KEY").env_remove("SNAPENGAGE_CHAT_KEY");
        command.output().await.expect("run")
    };
    assert_eq!(stdout(&without_key(&online).await), "online\n");
    vendor.simulator.agent("jane@example.com").pause().await.expect("an agent");
    assert_eq!(stdout(&without_key(&online).await), "offline\n");
    let told = json_of(&without_key(&[&online[..], &["--json"]].concat()).await);
    assert_eq!((&told["widgetId"], &told["online"]), (&json!("sales"), &json!(false)));
    let told = error(&without_key(&["widget", "online", "none"]).await);
    assert!(told.starts_with("error: availability: refused"), "{told}");
}
