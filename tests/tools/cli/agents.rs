//! An agent's status.

use serde_json::json;
use snapengage::agent_status::Status;

use super::vendor::{Vendor, simulator};
use super::{error, json_of, stdout};

#[tokio::test]
async fn an_agent_is_given_a_status() {
    let vendor = Vendor::serve(simulator()).await;
    let jane = vendor.simulator.agent("jane@example.com");
    let pause = ["agent", "status", "jane@example.com", "pause", "--note", "Gone to lunch"];
    assert_eq!(stdout(&vendor.run(&pause).await), "jane@example.com: pause\n");
    assert_eq!(jane.status(), Some((Status::Pause, Some("Gone to lunch".to_owned()))));
    let online = ["agent", "status", "jane@example.com", "online", "--json"];
    let told = json_of(&vendor.run(&online).await);
    let expected = json!({"agent_id": "jane@example.com", "status": "online", "sub_status": null});
    assert_eq!(told, expected);
    assert_eq!(jane.status().map(|(status, _)| status), Some(Status::Online));
}

#[tokio::test]
async fn an_agent_who_is_not_there_is_an_error() {
    let vendor = Vendor::serve(simulator()).await;
    let command = ["agent", "status", "nobody@example.com", "pause", "--note", "secret words"];
    let told = error(&vendor.run(&command).await);
    assert!(told.starts_with("error: agent-status: answered 404 Not Found"), "{told}");
    let offline = vendor.run(&["agent", "status", "jane@example.com", "offline"]).await;
    assert_eq!(offline.status.code(), Some(2), "nobody can be made to sign out");
}
