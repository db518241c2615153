//! Requests to try, ready to paste into a shell.

use std::net::SocketAddr;

/// Returns one for each API.
pub(crate) fn curls(address: SocketAddr, token: &str) -> String {
    let token = quoted(&format!("Authorization: {token}"));
    let post = |path: &str, body: &str| {
        format!("curl http://{address}{path} -H {token} -d {}", quoted(body))
    };
    [
        post("/integration", r#"{"id":"c","type":"chat","requested_by":"test@test.com"}"#),
        post("/bot", r#"{"event":"message","widget_id":"w","case_id":"c","text":"cards"}"#),
        post("/conversation-events", r#"{"event":"caseClosed","widget_id":"w","case_id":"c"}"#),
        post("/agent-status", r#"{"agent_id":"wc:agent@example.com","status":"pause"}"#),
        format!("curl 'http://{address}/get-contact?email=test%40test.com'"),
    ]
    .join("\n")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
