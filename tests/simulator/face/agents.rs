//! Agents, by HTTP.

use serde_json::json;

use super::office::{JOE, chat, shop};
use crate::ask::*;

#[tokio::test]
async fn agent_takes_a_chat_and_serves_it() {
    let served = shop().await;
    let case = chat(&served, "agent").await;
    let does = async |verb: &str, mut body: serde_json::Value| {
        body["case_id"] = case.as_str().into();
        served.post(&format!("/_/agents/{JANE}/{verb}"), &body).await
    };
    does("say", json!({ "text": "too early" })).await.refused(409, "");
    let visit = does("take", json!({})).await.ok();
    assert_eq!((&visit["state"], &visit["agent"]), (&json!("agent"), &json!(JANE)));
    does("take", json!({})).await.refused(409, "");
    let visit = does("say", json!({ "text": "Hi" })).await.ok();
    let line = visit["lines"].as_array().expect("lines").last().expect("a line").clone();
    assert_eq!((&line["from"], &line["alias"]), (&json!("agent"), &json!("Jane")));
    let visit = does("label", json!({ "name": "topic", "value": "beards" })).await.ok();
    assert_eq!(visit["labels"], json!([{ "name": "topic", "value": "beards" }]));
    let visit = does("close", json!({})).await.ok();
    assert_eq!((&visit["state"], &visit["ended_by"]), (&json!("closed"), &json!("agent")));
    does("close", json!({})).await.refused(409, "");
}

#[tokio::test]
async fn agent_transfers_to_a_widget_or_another_agent() {
    let served = shop().await;
    let case = chat(&served, "agent").await;
    let path = |verb: &str| format!("/_/agents/{JANE}/{verb}");
    served.post(&path("take"), &json!({ "case_id": case })).await.ok();
    let to = |to: serde_json::Value| json!({ "case_id": case, "to": to });
    served.post(&path("transfer"), &to(json!({ "agent": JOE }))).await.refused(409, "");
    served
        .post(&path("transfer"), &to(json!({ "agent": "none@example.com" })))
        .await
        .refused(404, "");
    served.post(&path("transfer"), &to(json!({ "widget": "none" }))).await.refused(404, "widget");
    for (odd, problem) in [
        (json!({}), "`to`: expected one of `agent` and `widget`, found none"),
        (json!("sales"), "`to`: expected an object, found a string"),
        (json!([JOE]), "`to`: expected an object, found an array"),
        (json!({ "agent": 1 }), "`to.agent`: expected a string, found a number"),
        (json!({ "team": "a" }), "`to`: expected one of `agent` and `widget`, found another"),
        (json!({ "agent": JOE, "widget": "sales" }), "found several fields"),
    ] {
        served.post(&path("transfer"), &to(odd)).await.refused(400, problem);
    }
    let to_herself = to(json!({ "agent": JANE }));
    served.post(&path("transfer"), &to_herself).await.refused(409, "has the chat already");
    let status = json!({ "status": "online" });
    served.post(&format!("/_/agents/{JOE}/status"), &status).await.ok();
    let visit = served.post(&path("transfer"), &to(json!({ "agent": JOE }))).await.ok();
    assert_eq!((&visit["state"], visit.get("agent")), (&json!("queued"), None));
    let visit =
        served.post(&format!("/_/agents/{JOE}/take"), &json!({ "case_id": case })).await.ok();
    assert_eq!(visit["agent"], JOE);
    let path = format!("/_/agents/{JOE}/transfer");
    let visit = served.post(&path, &to(json!({ "widget": "support" }))).await.ok();
    assert_eq!((&visit["widget"], visit.get("agent")), (&json!("support"), None));
}

#[tokio::test]
async fn agent_of_a_visit_is_who_has_it_now() {
    let served = shop().await;
    let case = chat(&served, "agent").await;
    let does = async |verb: &str, to: serde_json::Value| {
        let body = json!({ "case_id": case, "to": to });
        let body = if to.is_null() { json!({ "case_id": case }) } else { body };
        let visit = served.post(&format!("/_/agents/{JANE}/{verb}"), &body).await.ok();
        (visit["state"].as_str().map(str::to_owned), visit.get("agent").cloned())
    };
    let state = |state: &str, agent: Option<&str>| (Some(state.to_owned()), agent.map(Into::into));
    let null = serde_json::Value::Null;
    assert_eq!(does("take", null.clone()).await, state("agent", Some(JANE)));
    assert_eq!(does("transfer", json!({ "widget": "sales" })).await, state("bot", None));
    let visits = served.get("/_/visits").await.ok();
    assert_eq!(visits[0].get("agent"), None);
    served.post(&format!("/_/visits/{case}/say"), &json!({ "text": "agent" })).await.ok();
    assert_eq!(does("take", null.clone()).await, state("agent", Some(JANE)));
    assert_eq!(does("close", null).await, state("closed", Some(JANE)));
}

#[tokio::test]
async fn status_is_set_and_told() {
    let served = shop().await;
    let path = format!("/_/agents/{JANE}/status");
    let pause = json!({ "status": "pause", "sub_status": "Lunch" });
    let row = served.post(&path, &pause).await.ok();
    assert_eq!((&row["email"], &row["alias"]), (&json!(JANE), &json!("Jane")));
    assert_eq!((&row["status"], &row["sub_status"]), (&json!("pause"), &json!("Lunch")));
    let world = served.get("/_/world").await.ok();
    let jane = world["agents"].as_array().expect("agents").iter().find(|a| a["email"] == JANE);
    assert_eq!(jane, Some(&row));
    for status in [json!({}), json!({ "status": "dancing" }), json!({ "status": 1 })] {
        served.post(&path, &status).await.refused(400, "");
    }
    served.get(&path).await.refused(405, "POST");
    served.post("/_/agents/none@example.com/status", &pause).await.refused(404, "agent");
    served.post("/_/agents/none@example.com/take", &json!({})).await.refused(404, "agent");
    served.post(&format!("/_/agents/{JANE}/dance"), &json!({})).await.refused(404, "page");
}

#[tokio::test]
async fn agent_who_is_not_online_takes_nothing() {
    let served = shop().await;
    let case = chat(&served, "agent").await;
    let take = json!({ "case_id": case });
    served.post(&format!("/_/agents/{JOE}/take"), &take).await.refused(409, "online");
    served
        .post(&format!("/_/agents/{JANE}/take"), &json!({ "case_id": "none" }))
        .await
        .refused(404, "chat");
}

#[tokio::test]
async fn world_has_widgets_agents_and_time() {
    let served = shop().await;
    let world = served.get("/_/world").await.ok();
    assert_eq!(world["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(world["now"], served.simulator.now().as_millis());
    assert_eq!(world["paused"], true);
    let widget = |n: usize| (&world["widgets"][n]["id"], &world["widgets"][n]["online"]);
    assert_eq!(widget(0), (&json!("sales"), &json!(true)));
    assert_eq!(world["widgets"][0]["bot"], "Helper");
    assert_eq!(widget(1), (&json!("support"), &json!(true)));
    assert!(world["widgets"][1].get("bot").is_none());
    served.post("/_/world", &json!({})).await.refused(405, "GET");
}
