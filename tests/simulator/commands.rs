//! Commands of bots, carried out.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use snapengage::Api;
use snapengage::agent_status::Status;
use snapengage::integration::ChatEndedBy;
use snapengage::simulator::{
    BanKind, LineAuthor, SimulatedAgent, SimulatedVisit, Simulator, VisitState,
};

use crate::ask::*;
use crate::stage::*;

async fn visiting() -> (Simulator, SimulatedVisit) {
    let simulator = on_stage();
    let visit =
        simulator.visit("sales").cookie("me").ip_address("203.0.113.7").start("Hello").await;
    (simulator, visit)
}

fn last_line(visit: &SimulatedVisit) -> Value {
    let view = serde_json::to_value(visit.view()).expect("JSON");
    view["lines"].as_array().and_then(|lines| lines.last()).expect("a line").clone()
}

#[tokio::test(start_paused = true)]
async fn goto_and_cards_are_lines_of_their_own() {
    let (_, visit) = visiting().await;
    bot_commands(&visit, "GOTO", r#""https://example.com/""#).await;
    let line = last_line(&visit);
    assert_eq!((&line["goto"], &line["from"]), (&json!("https://example.com/"), &json!("bot")));
    assert_eq!((line.get("text"), &line["alias"]), (None, &json!("Robbie")));
    let cards = r#"{"type":"cards","layout":"VERTICAL",
        "cards":[{"title":"T","excerpt":"E","link":"https://l.example"},{"title":"U"}]}"#;
    bot_commands(&visit, "CARDS", cards).await;
    let expected = json!({
        "layout": "VERTICAL",
        "cards": [{"title": "T", "excerpt": "E", "link": "https://l.example"}, {"title": "U"}],
    });
    assert_eq!(last_line(&visit)["cards"], expected);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_a_system_line_and_no_more() {
    for (operation, parameters) in [
        ("LABEL", r#""not JSON""#),
        ("LABEL", ""),
        ("CARDS", r#"{"cards":"none"}"#),
        ("GOTO", "7"),
        ("DANCE", ""),
    ] {
        let (simulator, visit) = visiting().await;
        bot_commands(&visit, operation, parameters).await;
        let line = last_line(&visit);
        assert_eq!(line["from"], "system", "{operation} {parameters}");
        visit.assert_state(VisitState::Bot);
        simulator.delivered(Api::Conversation).assert_count(0);
    }
}

#[tokio::test(start_paused = true)]
async fn labels_are_told_one_by_one() {
    let (simulator, visit) = visiting().await;
    let labels = r#""[{\"a\": [\"1\"]}, {\"b\": [\"2\",\"3\"]}]""#;
    bot_commands(&visit, "LABEL", labels).await;
    let deliveries = simulator.delivered(Api::Conversation);
    deliveries.assert_events(["caseLabeled"; 3]);
    let told: Vec<_> = deliveries.bodies().iter().map(|body| body["label"].clone()).collect();
    let expected = [
        json!({"name": "a", "value": "1"}),
        json!({"name": "b", "value": "2"}),
        json!({"name": "b", "value": "3"}),
    ];
    assert_eq!(told, expected);
    let view = serde_json::to_value(visit.view()).expect("JSON");
    assert_eq!(view["labels"], json!(expected));
    assert_eq!(deliveries.bodies()[0].get("agent_id"), None);
}

#[tokio::test(start_paused = true)]
async fn bye_ends_the_chat_and_what_follows_is_not_shown() {
    let (simulator, visit) = visiting().await;
    let bye = r#"{"type":"message","text":"Bye"},{"type":"command","operation":"BYE"},
        {"type":"message","text":"Too late"}"#;
    bot_does(&visit, bye).await;
    visit.sees("Bye").assert_state(VisitState::Closed);
    assert_eq!(last_line(&visit)["text"], "Bye");
    assert_eq!(visit.view().ended_by, Some(ChatEndedBy::Agent));
    simulator.delivered(Api::Bot).assert_events(["chatStarted", "message", "chatClosed"]);
    simulator.delivered(Api::Conversation).assert_events(["caseClosed"]);
    simulator.delivered(Api::Integration).assert_count(1);
    let late = simulator.say(&visit, "Hello?").await.expect_err("an ended chat");
    assert_eq!(late.status(), StatusCode::CONFLICT);
}

#[tokio::test(start_paused = true)]
async fn banned_visitor_is_out_for_an_hour() {
    let (simulator, visit) = visiting().await;
    bot_commands(&visit, "BAN", "").await;
    assert_eq!(visit.view().banned, Some(BanKind::Visitor));
    visit.assert_state(VisitState::Closed);
    let again = json!({"widget": "sales", "visitor": "me", "text": "Hello"});
    let again = || serde_json::from_value(again.clone()).expect("a visit");
    let refused = simulator.start_visit(again()).await.expect_err("banned");
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    simulator.visit("sales").cookie("you").ip_address("203.0.113.7").start("Hello").await;
    simulator.advance(Duration::from_secs(3600)).await;
    simulator.start_visit(again()).await.expect("an hour later");
}

#[tokio::test(start_paused = true)]
async fn banned_address_is_out_for_good() {
    let (simulator, visit) = visiting().await;
    bot_commands(&visit, "BAN_IP", "").await;
    assert_eq!(visit.view().banned, Some(BanKind::Ip));
    simulator.advance(Duration::from_secs(86_400 * 365)).await;
    let again = json!({"widget": "sales", "ip_address": "203.0.113.7"});
    let again = serde_json::from_value(again).expect("a visit");
    let refused = simulator.start_visit(again).await.expect_err("banned");
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    simulator.visit("sales").cookie("me").start("Hello").await;
}

/// What a transfer leads to: the state, and the error that the bot is told.
async fn transferred(operation: &str, parameters: &str, is_bob_online: bool) -> (String, Value) {
    let (simulator, visit) = visiting().await;
    if is_bob_online {
        simulator.agent(BOB).online().await.expect("Bob");
    }
    bot_commands(&visit, operation, parameters).await;
    let failed = simulator.delivered(Api::Bot).bodies();
    let failed = failed.iter().find(|body| body["event"] == "commandResult");
    let failed = failed.map_or(Value::Null, |body| body["failedCommands"][0].clone());
    if visit.view().state == VisitState::Queued {
        let mut told = simulator.delivered(Api::Conversation);
        told.assert_events(["caseTransferred"]);
        assert_eq!(told.bodies().remove(0).get("agent_id"), None);
        told = simulator.delivered(Api::Bot);
        visit.says("Is anybody there?").await;
        // The bot gets no more lines, but the end.
        assert_eq!(simulator.delivered(Api::Bot).records().len(), told.records().len());
        visit.leaves().await;
        let events = simulator.delivered(Api::Bot).events();
        assert_eq!(events.last().map(String::as_str), Some("chatClosed"));
        ("queued".to_owned(), failed)
    } else {
        visit.sees(failed["error"].as_str().expect("an error"));
        ("bot".to_owned(), failed)
    }
}

#[tokio::test(start_paused = true)]
async fn transfer_succeeds_if_somebody_is_there() {
    let tags = r#""support [\"beards\", \"cuts\"]""#;
    for (operation, parameters) in [
        ("HUMAN_TRANSFER", ""),
        ("TRANSFER", r#""wc:bob@example.com""#),
        ("TAG_TRANSFER", tags),
        ("WIDGET_TRANSFER", r#""support""#),
        ("WIDGET_HUMAN_TRANSFER", r#""support""#),
    ] {
        let (state, failed) = transferred(operation, parameters, true).await;
        assert_eq!((&*state, failed), ("queued", Value::Null), "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn transfer_that_fails_is_told_to_the_bot() {
    let not_online = r#""bob@example.com""#;
    let tags = r#""support [\"beards\"]""#;
    for (operation, parameters, error) in [
        ("TRANSFER", not_online, "NO_AGENTS_AVAILABLE"),
        ("TRANSFER", r#""nobody@example.com""#, "TRANSFER_NOT_ALLOWED"),
        ("TRANSFER", "", "MISSING_PARAM"),
        ("TRANSFER", "7", "MISSING_PARAM"),
        ("TAG_TRANSFER", tags, "NO_AGENTS_AVAILABLE"),
        ("TAG_TRANSFER", r#""nowhere [\"beards\"]""#, "WIDGET_NOT_FOUND"),
        ("TAG_TRANSFER", r#""support""#, "MISSING_PARAM"),
        ("WIDGET_TRANSFER", r#""support""#, "NO_AGENTS_AVAILABLE"),
        ("WIDGET_TRANSFER", r#""nowhere""#, "WIDGET_NOT_FOUND"),
        ("WIDGET_HUMAN_TRANSFER", r#""nowhere""#, "WIDGET_NOT_FOUND"),
        ("WIDGET_HUMAN_TRANSFER", "", "MISSING_PARAM"),
    ] {
        let (state, failed) = transferred(operation, parameters, false).await;
        assert_eq!(state, "bot", "{operation} {parameters}");
        assert_eq!(failed["operation"], operation);
        assert_eq!(failed["error"], error, "{operation} {parameters}");
        let parameters = serde_json::from_str(parameters).unwrap_or(Value::Null);
        assert_eq!(failed["params"], parameters);
    }
}

#[tokio::test(start_paused = true)]
async fn human_transfer_fails_when_all_have_gone() {
    let (simulator, visit) = visiting().await;
    simulator.agent(JANE).set_status(Status::Pause, Some("Lunch".into())).await.expect("Jane");
    bot_commands(&visit, "HUMAN_TRANSFER", "").await;
    visit.sees("NO_AGENTS_AVAILABLE").assert_state(VisitState::Bot);
    simulator.delivered(Api::Conversation).assert_count(0);
}

#[tokio::test(start_paused = true)]
async fn tags_have_to_be_all_there() {
    let carl = SimulatedAgent::new("carl@example.com").tags(["beards"]);
    let widget = sales(snapengage::simulator::IntegrationForm::Json);
    let simulator = stage(widget).agent(carl).build().expect("no mistakes");
    let visit = simulator.visit("sales").start("Hello").await;
    bot_commands(&visit, "TAG_TRANSFER", r#""sales [\"beards\", \"cuts\"]""#).await;
    visit.sees("NO_AGENTS_AVAILABLE");
    assert_eq!(visit.view().tags, Some(vec!["beards".to_owned(), "cuts".to_owned()]));
    bot_commands(&visit, "TAG_TRANSFER", r#""sales [\"beards\"]""#).await;
    visit.assert_state(VisitState::Queued);
}

#[tokio::test(start_paused = true)]
async fn texts_after_a_transfer_are_shown_and_a_second_one_is_not_carried_out() {
    let (simulator, visit) = visiting().await;
    let content = r#"{"type":"message","text":"One moment"},
        {"type":"command","operation":"HUMAN_TRANSFER"},
        {"type":"command","operation":"WIDGET_TRANSFER","parameters":"nowhere"},
        {"type":"message","text":"Jane will be here"}"#;
    bot_does(&visit, content).await;
    visit.sees("One moment").sees("Jane will be here").assert_state(VisitState::Queued);
    simulator.delivered(Api::Bot).assert_events(["chatStarted", "message"]);
    let system = visit.view().lines.into_iter().filter(|line| line.from == LineAuthor::System);
    assert_eq!(system.count(), 0);
}
