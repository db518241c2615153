//! An agent's status is set.

use serde_json::json;
use snapengage::client::{Presence, StatusUpdate};

use crate::vendor::{TOKEN, Vendor, error};

#[tokio::test]
async fn a_status_is_set_without_what_is_absent() {
    let vendor = Vendor::answering(200, "");
    let status = vendor.account().set_agent_status("jane@example.com", Presence::Online);
    assert_eq!(vendor.requests().len(), 0, "nothing is sent before it is awaited");
    status.await.expect("a success");
    let request = vendor.request();
    assert_eq!(request.json(), json!({"agent_id": "jane@example.com", "status": "online"}));
    assert_eq!(request.header("authorization"), TOKEN);
}

#[tokio::test]
async fn the_prefix_of_an_id_is_left_out() {
    let vendor = Vendor::answering(200, "");
    let status = vendor.account().set_agent_status("wc:jane@example.com", Presence::Pause);
    status.await.expect("a success");
    assert_eq!(vendor.request().json()["agent_id"], "jane@example.com");
}

#[tokio::test]
async fn a_rejected_token_is_told_as_such() {
    let body = r#"{"code": 401, "message": "jane@example.com: bad {api_token}"}"#;
    let vendor = Vendor::answering(401, body);
    let status = vendor.account().set_agent_status("jane@example.com", Presence::Pause);
    let note = "Gone to lunch";
    let error = error(status.note(note).await, &["jane", TOKEN, note]);
    assert!(error.is_rejected_credential());
    assert_eq!(error.excerpt(), Some("<redacted>: bad <redacted>"));
}

#[test]
fn nobody_can_be_made_to_log_out() {
    for status in [json!("offline"), json!("Online"), json!(1), json!(null)] {
        let update = json!({"agent_id": "jane@example.com", "status": status});
        let read = serde_json::from_value::<StatusUpdate>(update);
        assert!(read.is_err(), "{status}");
    }
    let pause = json!({"agent_id": "jane@example.com", "status": "pause"});
    let read = serde_json::from_value(pause).ok();
    assert_eq!(read, Some(StatusUpdate::new("jane@example.com", Presence::Pause)));
}

#[test]
fn the_call_shows_neither_agent_nor_note() {
    let vendor = Vendor::answering(200, "");
    let status = vendor.account().set_agent_status("jane@example.com", Presence::Pause);
    let shown = format!("{:?}", status.note("Gone to lunch"));
    assert_eq!(shown, "SetAgentStatus { status: Pause, .. }");
}
