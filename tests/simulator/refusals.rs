//! Refusals: credentials, addresses, methods, bodies.

use http::StatusCode;
use serde_json::json;

use crate::ask::*;

/// The calls that want a credential: method, path, and the name of the right credential.
const CALLS: &[(&str, &str, &str)] = &[
    ("POST", "/api/v2/agentstatus", "token"),
    ("GET", "/api/v2/5406213/logs?start=2026-01-01&end=2026-01-01", "token"),
    ("GET", "/files/upload.pdf?orgId=5406213", "token"),
    ("PUT", "/api/v1/user.json", "provisioning"),
    ("GET", "/api/v1/user.json?email=user@example.com", "provisioning"),
    ("POST", "/api/v1/user.json", "provisioning"),
    ("DELETE", "/api/v1/user.json?email=user@example.com", "provisioning"),
    ("PUT", "/api/v1/widget.json", "provisioning"),
    ("GET", "/api/v1/widget.json?uuid=sales&email=user@example.com", "provisioning"),
    ("POST", "/api/v1/widget.json", "provisioning"),
    ("DELETE", "/api/v1/widget.json?uuid=sales&email=user@example.com", "provisioning"),
    ("GET", "/api/v1/chat/sales", "chat"),
    ("POST", "/api/v1/chat?widgetId=sales", "chat"),
    ("PUT", "/api/v1/chat?caseId=c&messageType=1&messageBody=Hi", "chat"),
    ("PUT", "/api/v1/chat?caseId=c&messageType=2", "chat"),
    ("GET", "/api/v1/chat/poll/c", "chat"),
];

async fn with_credential(method: &str, path: &str, place: &str, credential: &str) -> Answered {
    let simulator = open_office();
    match place {
        "token" => send(&simulator, method, path, &[("authorization", credential)], "").await,
        "chat" => send(&simulator, method, path, &[("x-api-key", credential)], "").await,
        _ => {
            let mark = if path.contains('?') { '&' } else { '?' };
            send(&simulator, method, &format!("{path}{mark}api_key={credential}"), &[], "").await
        }
    }
}

#[tokio::test]
async fn each_call_takes_its_own_credential_alone() {
    for (method, path, right) in CALLS {
        for place in ["token", "chat", "provisioning"] {
            for (owner, credential) in [
                ("token", "local-api-token"),
                ("chat", "local-chat-key"),
                ("provisioning", "local-provisioning-key"),
                ("", "Bearer%20local-api-token"),
                ("", ""),
            ] {
                let answered = with_credential(method, path, place, credential).await;
                let is_right = place == *right && owner == *right;
                let is_refused = answered.status == StatusCode::UNAUTHORIZED;
                assert_eq!(is_refused, !is_right, "{method} {path}: {credential} in {place}");
            }
        }
    }
}

#[tokio::test]
async fn refusal_repeats_no_credential() {
    for (method, path, place) in CALLS {
        let answered = with_credential(method, path, place, "not-the-secret").await;
        answered.refused(401, "invalid or missing");
        let text = String::from_utf8_lossy(&answered.body);
        assert!(!text.contains("local-") && !text.contains("not-the-secret"), "{text}");
    }
}

#[tokio::test]
async fn unknown_addresses_and_wrong_methods_are_refused() {
    let simulator = open_office();
    for path in ["/", "/api/v2/logs", "/api/v1/chat/", "/api/v1/chat/poll/", "/files/a/b"] {
        send(&simulator, "GET", path, &[], "").await.refused(404, "page not found");
    }
    for (path, allowed) in [
        ("/api/v2/agentstatus", "POST"),
        ("/api/v2/5406213/logs", "GET"),
        ("/api/v1/user.json", "PUT, GET, POST, DELETE"),
        ("/api/v1/chat", "POST, PUT"),
        ("/public/api/v2/chat/sales", "GET"),
    ] {
        let answered = send(&simulator, "PATCH", path, &[], "").await;
        answered.refused(405, allowed);
        assert_eq!(answered.header("allow"), Some(allowed), "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_404_in_the_form_of_its_api() {
    let simulator = open_office();
    for path in ["/api/v1/chat/other", "/api/v1/chat/poll/other"] {
        let answered = get(&simulator, path, CHAT_KEY).await;
        assert_eq!((answered.status.as_u16(), &answered.body[..]), (404, &b""[..]), "{path}");
    }
    let start = chat(&simulator, "POST", "?widgetId=other").await;
    assert_eq!((start.status.as_u16(), &start.body[..]), (404, &b""[..]));
    let answered = get(&simulator, "/public/api/v2/chat/other", TOKEN).await.ok();
    let expected = json!({ "statusCode": 404, "error": { "message": "widget not found" } });
    assert_eq!(answered, expected);
    let agent = json!({ "agent_id": "nobody@example.com", "status": "online" }).to_string();
    let answered = send(&simulator, "POST", "/api/v2/agentstatus", &[TOKEN], agent).await;
    answered.refused(404, "agent not found");
}

#[tokio::test]
async fn agents_are_set_online_and_paused_and_nothing_else() {
    let simulator = open_office();
    for status in ["offline", "Online", ""] {
        let body = json!({ "agent_id": JANE, "status": status }).to_string();
        let answered = send(&simulator, "POST", "/api/v2/agentstatus", &[TOKEN], body).await;
        answered.refused(400, "`status`");
    }
    let body = json!({ "agent_id": "wc:JANE@example.com", "status": "pause" }).to_string();
    let answered = send(&simulator, "POST", "/api/v2/agentstatus", &[TOKEN], body).await;
    assert_eq!(answered.status, StatusCode::OK);
}

#[tokio::test]
async fn other_origins_may_read_availability_and_nothing_else() {
    let simulator = office().file("upload.pdf", "content").build().expect("no mistakes");
    for widget in ["sales", "other"] {
        let path = format!("/public/api/v2/chat/{widget}");
        let answered = get(&simulator, &path, ("origin", "https://example.com")).await;
        assert_eq!(answered.header("access-control-allow-origin"), Some("*"));
    }
    for (method, path, place) in CALLS.iter().filter(|(_, _, place)| *place != "provisioning") {
        let key = if *place == "chat" { CHAT_KEY } else { TOKEN };
        let origin = ("origin", "https://example.com");
        let answered = send(&simulator, method, path, &[key, origin], "").await;
        assert_eq!(answered.header("access-control-allow-origin"), None, "{path}");
    }
}

#[tokio::test]
async fn files_are_for_their_organization() {
    let simulator = office().file("a b.pdf", "content").build().expect("no mistakes");
    let file = get(&simulator, "/files/a%20b.pdf?orgId=5406213", TOKEN).await;
    assert_eq!((file.status, &file.body[..]), (StatusCode::OK, &b"content"[..]));
    get(&simulator, "/files/a%20b.pdf?orgId=1", TOKEN).await.refused(403, "organization");
    get(&simulator, "/files/a%20b.pdf", TOKEN).await.refused(400, "`orgId`");
    get(&simulator, "/files/b.pdf?orgId=5406213", TOKEN).await.refused(404, "file not found");
    get(&simulator, "/files/%ff?orgId=5406213", TOKEN).await.refused(404, "page not found");
}

#[tokio::test]
async fn bodies_and_messages_are_bounded() {
    let simulator = open_office();
    let body = vec![b' '; (1 << 20) + 1];
    provision(&simulator, "PUT", "user", "", body).await.refused(413, "longer than");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let body = format!("widgetId=sales&visitorMessage={}", "x".repeat((64 << 10) + 1));
    let long = send(&simulator, "POST", "/api/v1/chat", &[CHAT_KEY, form], body).await;
    long.refused(400, "`visitorMessage` is longer than");
}

#[tokio::test]
async fn callers_do_not_fill_the_memory() {
    let simulator = open_office();
    let form = ("content-type", "application/x-www-form-urlencoded");
    let body = format!("widgetId=sales&phone={}", "5".repeat(1_000_000));
    let mut started = 0;
    loop {
        let answered =
            send(&simulator, "POST", "/api/v1/chat", &[CHAT_KEY, form], body.clone()).await;
        if answered.status != StatusCode::OK {
            answered.refused(503, "full");
            break;
        }
        started += 1;
        assert!(started < 300, "no end");
    }
    assert_eq!(simulator.cases().len(), started);
}
