//! Whatever comes from the network is answered, and nothing of it breaks the simulator.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use snapengage::simulator::Simulator;

use crate::ask::*;

const PATHS: &[&str] = &[
    "/api/v2/agentstatus",
    "/api/v2/5406213/logs",
    "/api/v1/user.json",
    "/api/v1/widget.json",
    "/api/v1/chat",
    "/api/v1/chat/sales",
    "/api/v1/chat/poll/CASE",
    "/public/api/v2/chat/sales",
    "/files/upload.pdf",
    "/",
];

const NAMES: &[&str] = &[
    "widgetId",
    "caseId",
    "messageType",
    "messageBody",
    "visitorMessage",
    "email",
    "uuid",
    "index",
    "isTyping",
    "isOffline",
    "start",
    "end",
    "timezone",
    "next",
    "orgId",
    "api_key",
    "phone",
];

const VALUES: &[&str] = &[
    "sales",
    "CASE",
    "1",
    "2",
    "-1",
    "0",
    "18446744073709551615",
    "99999999999999999999",
    "true",
    "user@example.com",
    "2026-01-05",
    "2026-01-05T09:00:00Z",
    "-9999-01-01",
    "9999-12-31",
    "%",
    "%ff",
    "%00",
    "%E2%80%A8",
    "+",
    "",
    "Etc/UTC",
    "Europe/Berlin",
    "5406213",
    "local-provisioning-key",
    "0000019b8d6f3d00000000000000007f",
    "ffffffffffffffffffffffffffffffff",
];

const FIELDS: &[&str] = &[
    "email",
    "name",
    "password",
    "accountType",
    "phone",
    "uuid",
    "agents",
    "agentId",
    "agentAlias",
    "agentAvatar",
    "agentType",
    "conversationSchedule",
    "timeZone",
    "schedules",
    "dayOfWeek",
    "scheduleList",
    "enableProactiveChat",
    "agent_id",
    "status",
    "sub_status",
    "templateId",
];

const TEXTS: &[&str] = &[
    "user@example.com",
    "wc:jane@example.com",
    "sales",
    "12345",
    "enterprise",
    "webclient",
    "online",
    "pause",
    "UTC",
    "MONDAY",
    "9:00 AM",
    ":",
    "25:99 PM",
    "true",
    "",
    "\u{0}",
    "\u{202e}",
];

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        select(TEXTS).prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<bool>().prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            vec((select(FIELDS), inner), 0..12).prop_map(|fields| {
                fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            }),
        ]
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        json().prop_map(|json| json.to_string().into_bytes()),
        vec(any::<u8>(), 0..64),
        Just("[".repeat(100_000).into_bytes()),
    ]
}

#[derive(Debug, Clone)]
struct Hostile {
    method: &'static str,
    path: &'static str,
    query: Vec<(&'static str, &'static str)>,
    has_key: bool,
    body: Vec<u8>,
}

fn hostile() -> impl Strategy<Value = Hostile> {
    let methods = select(&["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"][..]);
    let query = vec((select(NAMES), select(VALUES)), 0..8);
    let parts = (methods, select(PATHS), query, any::<bool>(), body());
    parts.prop_map(|(method, path, query, has_key, body)| Hostile {
        method,
        path,
        query,
        has_key,
        body,
    })
}

async fn attack(simulator: &Simulator, case: &str, hostile: Hostile) {
    let query: Vec<_> =
        hostile.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let key = if hostile.has_key { "api_key=local-provisioning-key&" } else { "" };
    let address = format!("{}?{key}{}", hostile.path, query.join("&")).replace("CASE", case);
    let request = Request::builder()
        .method(hostile.method.parse::<Method>().expect("a method"))
        .uri(&address)
        .header("x-api-key", "local-chat-key")
        .header("authorization", "local-api-token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(hostile.body)))
        .expect("a request");
    let (head, body) = simulator.handle(request).await.expect("an answer").into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    assert!(head.status.as_u16() < 500, "{address}: {}", head.status);
    let is_json =
        head.headers.get("content-type").is_some_and(|kind| kind != "application/octet-stream");
    assert!(!is_json || serde_json::from_slice::<serde_json::Value>(&body).is_ok(), "{address}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn hostile_requests_are_answered(requests in vec(hostile(), 1..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let simulator = office().file("upload.pdf", "content").build().expect("no mistakes");
            let case = start(&simulator, "&visitorMessage=Hello").await;
            for request in requests {
                attack(&simulator, &case, request).await;
            }
        });
    }
}
