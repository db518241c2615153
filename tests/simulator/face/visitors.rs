//! What the script in a developer's own page calls.

use serde_json::{Value, json};

use super::office::{chat, shop};
use super::served::Served;
use crate::ask::*;

const SHOP: (&str, &str) = ("origin", "https://shop.example");
const TEXT: (&str, &str) = ("content-type", "text/plain;charset=UTF-8");

/// A request of the script, which may read whatever is answered.
async fn asks(served: &Served, path: &str, body: Option<Value>) -> Answered {
    let answered = match body {
        Some(body) => served.send("POST", path, &[SHOP, TEXT], body.to_string()).await,
        None => served.send("GET", path, &[SHOP], "").await,
    };
    assert_eq!(answered.header("access-control-allow-origin"), Some("*"), "{answered:?}");
    answered
}

async fn start(served: &Served) -> String {
    let new = json!({
        "text": "Hello", "page_url": "https://shop.example/", "visitor": "v-1", "locale": "en",
    });
    let view = asks(served, "/_v/widgets/sales/chats", Some(new)).await.ok();
    assert_eq!(view["state"], "bot");
    view["chat"].as_str().expect("a key").to_owned()
}

fn texts(view: &Value) -> Vec<&str> {
    let lines = view["lines"].as_array().expect("lines").iter();
    lines.map(|line| line["text"].as_str().unwrap_or_default()).collect()
}

#[tokio::test]
async fn script_learns_of_its_widget() {
    let served = shop().await;
    let info = asks(&served, "/_v/widgets/sales", None).await.ok();
    assert_eq!((&info["online"], &info["agent"]), (&json!(true), &json!("Helper")));
    assert_eq!(
        (&info["email_required"], &info["message_required"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(info["widgets"][1], json!({ "id": "support", "name": "support" }));
    let info = asks(&served, "/_v/widgets/support", None).await.ok();
    assert_eq!(info["agent"], "Jane");
    asks(&served, "/_v/widgets/none", None).await.refused(404, "widget");
}

#[tokio::test]
async fn visitor_chats_from_another_page() {
    let served = shop().await;
    let key = start(&served).await;
    let path = |rest: &str| format!("/_v/chats/{key}{rest}");
    let view = asks(&served, &path(""), None).await.ok();
    assert_eq!(texts(&view), ["Hello", "You said Hello."]);
    let say = json!({ "text": "prices" });
    let view = asks(&served, &path("/say?after=2"), Some(say)).await.ok();
    assert_eq!(texts(&view), ["prices", "From 10 to 20."]);
    let click = json!({ "text": "dear" });
    let view = asks(&served, &path("/click?after=4"), Some(click)).await.ok();
    assert_eq!(texts(&view), ["dear", "You said dear."]);
    let view = asks(&served, &path("?after=5&wait=300"), None).await.ok();
    assert_eq!(texts(&view), ["You said dear."]);
    asks(&served, &path("/survey"), Some(json!({ "score": 80 }))).await.ok();
    let view = asks(&served, &path("/leave"), Some(json!({}))).await.ok();
    assert_eq!((&view["state"], &view["ended_by"]), (&json!("closed"), &json!("visitor")));
    // It will not change any more.
    let view = asks(&served, &path("?after=100&wait=300"), None).await.ok();
    assert_eq!(view["lines"], json!([]));
    asks(&served, &path("/say"), Some(json!({ "text": "?" }))).await.refused(409, "");
}

#[tokio::test]
async fn line_for_the_agent_alone_is_not_seen_by_the_visitor() {
    let served = shop().await;
    let key = start(&served).await;
    let hidden = json!({ "text": "Their cart is full", "hidden": true });
    let view = asks(&served, &format!("/_v/chats/{key}/say"), Some(hidden)).await.ok();
    assert_eq!(texts(&view), ["Hello", "You said Hello."]);
    let case = key.rsplit_once('.').expect("a case").0;
    let visit = served.get(&format!("/_/visits/{case}")).await.ok();
    assert!(visit.to_string().contains("Their cart is full"), "{visit}");
}

#[tokio::test]
async fn page_that_a_visitor_goes_to_is_known() {
    let served = shop().await;
    let key = start(&served).await;
    let page = json!({ "page_url": "https://shop.example/prices" });
    asks(&served, &format!("/_v/chats/{key}/page"), Some(page)).await.ok();
    let case = key.rsplit_once('.').expect("a case").0;
    let visit = served.get(&format!("/_/visits/{case}")).await.ok();
    assert_eq!(visit["page_url"], "https://shop.example/prices");
    asks(&served, &format!("/_v/chats/{key}/page"), Some(json!({}))).await.refused(400, "");
}

#[tokio::test]
async fn chats_of_others_are_not_there() {
    let served = shop().await;
    let key = start(&served).await;
    let case = chat(&served, "secret words").await;
    let (_, mac) = key.rsplit_once('.').expect("a mac");
    for key in [&case, &format!("{case}.{mac}"), &format!("{case}."), "", ".", "none"] {
        asks(&served, &format!("/_v/chats/{key}"), None).await.refused(404, "");
        let say = Some(json!({ "text": "?" }));
        asks(&served, &format!("/_v/chats/{key}/say"), say).await.refused(404, "");
    }
    // A key is good for its chat until everything is forgotten.
    served.post("/_/reset", &json!({})).await.ok();
    start(&served).await;
    asks(&served, &format!("/_v/chats/{key}"), None).await.refused(404, "");
}

#[tokio::test]
async fn script_that_asks_for_nonsense_is_told() {
    let served = shop().await;
    let key = start(&served).await;
    let chats = "/_v/widgets/none/chats";
    asks(&served, chats, Some(json!({}))).await.refused(404, "widget");
    asks(&served, "/_v/widgets/sales/chats", Some(json!([]))).await.refused(400, "");
    asks(&served, "/_v/widgets/sales/chats", None).await.refused(405, "POST");
    asks(&served, "/_v/widgets/sales/offline", Some(json!({}))).await.refused(400, "`email`");
    let message = json!({ "email": "ann@example.com", "text": "Help" });
    asks(&served, "/_v/widgets/none/offline", Some(message.clone())).await.refused(404, "widget");
    asks(&served, "/_v/widgets/sales/offline", Some(message)).await.ok();
    for (verb, body) in [
        ("say", json!({})),
        ("click", json!({})),
        ("survey", json!({ "score": 101 })),
        ("leave", json!([])),
    ] {
        asks(&served, &format!("/_v/chats/{key}/{verb}"), Some(body)).await.refused(400, "");
    }
    asks(&served, &format!("/_v/chats/{key}/dance"), Some(json!({}))).await.refused(404, "page");
    asks(&served, &format!("/_v/chats/{key}?after=x"), None).await.refused(400, "`after`");
}
